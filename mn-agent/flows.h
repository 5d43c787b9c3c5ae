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
/* Flows on an address that is no anchor. */
unsigned int flows_on(struct mn *mn, const struct in6_addr *addr);
/* Is this one in use? One flow is enough; draws the consequences. */
void flows_ask(struct mn *mn, struct anchor *a, usec_t now);
/*
 * Some places are left: which anchors are in use? Those that are known to be need not be asked.
 * The others that have been left become `unsure`, so that the first can be registered before
 * the kernel has looked through its sockets; flows_resolve() asks, and they are so no longer.
 */
void flows_at_move(struct mn *mn, usec_t now);
bool flows_resolve(struct mn *mn, usec_t now);		/* false: there was none */
/* The same, unless one is away that is known to be in use, which is to be registered first. */
void flows_resolve_alone(struct mn *mn, usec_t now);
/* Counts what was left out, for whoever compares the numbers; false: nothing was. */
bool flows_make_exact(struct mn *mn, usec_t now);

#endif
