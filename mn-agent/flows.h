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
/* At a move, before anything else can be done: which anchors are in use? Exact for those that
 * have no flow; of others that they have one is enough, the rest is counted after the move. */
void flows_at_move(struct mn *mn, usec_t now);
/* Counts what was left out at a move, for whoever compares the numbers; false: nothing was. */
bool flows_make_exact(struct mn *mn);

#endif
