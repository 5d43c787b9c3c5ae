/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ends of tunnels: care-of addresses at which the data path takes packets out of them.
 * Several at a time, while an anchor goes from one to another. Pure; private to mn-agent/.
 */
#ifndef DMIP6_MN_ENDS_H
#define DMIP6_MN_ENDS_H

#include "mn-agent/mn_private.h"

void ends_init(struct mn *mn);
/* Before a home agent is told of addr: what it sends there comes out. */
void ends_add(struct mn *mn, const struct in6_addr *addr);
/* Those that no anchor needs any more go, after the time that packets are under way. */
void ends_review(struct mn *mn, usec_t now);
bool ends_has(const struct mn *mn, const struct in6_addr *addr);
/* release: out of the data path and off our device. */
void ends_free(struct mn *mn, bool release);

#endif
