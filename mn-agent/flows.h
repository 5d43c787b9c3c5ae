/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The count of flows. Pure; private to mn-agent/ (its entry points for io.c are in mn.h).
 */
#ifndef DMIP6_MN_FLOWS_H
#define DMIP6_MN_FLOWS_H

#include "mn-agent/mn_private.h"

void flows_init(struct mn *mn);
/* Counts into `recounted` of every anchor, without drawing consequences. */
void flows_recount(struct mn *mn);

#endif
