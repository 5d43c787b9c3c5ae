/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel has of ours that is not, or no longer, right. */
#ifndef DMIP6_HA_STALE_H
#define DMIP6_HA_STALE_H

#include "common/sys/nl.h"
#include "ha-agent/ha.h"

/* Deletes routes of ours to hosts that are not attached, and about pools that are no more (ha
 * NULL: all of them). Returns how many, or negative errno; *ret_known (may be NULL): routes to
 * hosts that are right. */
int stale_routes(struct nl *nl, const struct ha *ha, unsigned int *ret_known);
/* The same for addresses of ours on shared home links. */
int stale_addrs(struct nl *nl, const struct ha *ha);

#endif
