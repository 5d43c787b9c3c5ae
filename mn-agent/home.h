/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Homes that people have configured, as RFC 6275 has them: each is a fixed anchor with a
 * name. Pure; private to mn-agent/ (mn_homes() is in mn.h).
 */
#ifndef DMIP6_MN_HOME_H
#define DMIP6_MN_HOME_H

#include "mn-agent/mn_private.h"

/* An interface is there: the address of a home may be made of its identifier. */
void home_interface(struct mn_iface *i, usec_t now);
/* The router of the anchor's own link is heard: it tells how long the address lives there,
 * and perhaps the home agent. Before the anchor returns, and each time again. */
void home_heard(struct mn_iface *i, struct anchor *a, usec_t now);
/* The anchor lives on that interface's link now, and no longer on another one's. */
void home_moves_to(const struct mn_iface *i, struct anchor *a);
/* The anchor is at home there: its address is to be on the link, unless it is already. */
void home_here(const struct mn_iface *i, struct anchor *a);
/* An address that is in use at home is not on its link any more, where neighbours ask for it: it
 * is put there, once. And it is there. */
void home_put_back(const struct mn_iface *i, struct anchor *a);
void home_is_back(const struct mn_iface *i, struct anchor *a);
/* An address came or went. What is a home's is none that a care-of address could be made of:
 * *ret is what the others are to know of it. */
void home_saw(struct mn_iface *i, const struct mn_addr *a, bool gone, usec_t now,
	      struct mn_addr *ret);
/* Takes the anchor's address off its own link, if it is there by our hand. */
void home_take_away(struct mn *mn, struct anchor *a);
/* Puts back what somebody took off a link. */
void home_reassert(struct mn *mn);

#endif
