/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which interface carries the anchors that are away. Pure; private to mn-agent/.
 */
#ifndef DMIP6_MN_HANDOVER_H
#define DMIP6_MN_HANDOVER_H

#include "mn-agent/mn_private.h"

void handover_init(struct mn *mn);
/* Are there flows that this interface is to take over, once it has a care-of address? */
bool handover_wanted(const struct mn_iface *i);
/* Chooses the current interface and tells its care-of address to every anchor that is away. */
void handover_evaluate(struct mn *mn, usec_t now);
/* Its router has told again how long the care-of address's prefix lives. */
void handover_coa_renewed(struct mn_iface *i);
/* Frees what is over; takes away what no flow needs any more. */
void handover_settle(struct mn *mn, usec_t now);

#endif
