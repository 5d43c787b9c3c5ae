/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile prefix discovery of the mobile node (RFC 6275 11.4.2, 11.4.3): an anchor that is
 * away asks how long its home prefix lives, before that is over. Called by mn.c and attach.c.
 */
#ifndef DMIP6_MN_SOLICIT_H
#define DMIP6_MN_SOLICIT_H

#include "mn-agent/mn.h"

/* After anchor_init(); the anchor's ctx is its struct mn. */
void solicit_init(struct anchor *a);
/* The home prefix is valid until then, as an earlier run knew. */
void solicit_valid_until(struct anchor *a, usec_t at, usec_t now);
/* A Router Advertisement says that the home prefix is valid so long from now: believed by the
 * rules of RFC 4862 5.5.3 e, for anybody can send one. */
void solicit_told(struct anchor *a, uint32_t valid_s, usec_t now);
/* Asks now, and again until there is an answer; RFC 6275 11.7.3: after status 1. */
void solicit_at_once(struct anchor *a, usec_t now);

#endif
