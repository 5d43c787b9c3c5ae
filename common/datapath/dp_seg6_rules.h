/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules that lead into the seg6 tunnel type's decapsulating table, in front of the
 * local table's rule. All return 0 or negative errno, or how many things were put right.
 */
#ifndef DMIP6_DATAPATH_DP_SEG6_RULES_H
#define DMIP6_DATAPATH_DP_SEG6_RULES_H

#include "common/sys/nl.h"

/* Returns how many things had to be put right. */
int seg6_rules_first(struct nl *nl, uint32_t table);
/* A crash while the local rule was moved leaves its stand-in: puts the local rule back. */
int seg6_rules_standin_away(struct nl *nl, uint32_t table);
int seg6_rules_del(struct nl *nl, uint32_t table);

#endif
