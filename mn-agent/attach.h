/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attachment: what the MN does when movement detection says where it is. The care-of
 * address, the road it takes, which anchors depart and which return. Pure; private to the
 * mobile node (mn.c, attach.c).
 */
#ifndef DMIP6_MN_ATTACH_H
#define DMIP6_MN_ATTACH_H

#include "mn-agent/mn.h"

extern const struct move_ops attach_move_ops;	/* ctx: struct mn_iface */

/* An address of the interface appeared, changed or went (i->addrs is up to date). */
void attach_addr_changed(struct mn_iface *i, const struct mn_addr *a, bool gone, usec_t now);
/* The interface is going away for good. */
void attach_forget(struct mn_iface *i, usec_t now);
/* Chooses the care-of address and tells every anchor that is away. */
void attach_evaluate(struct mn *mn, usec_t now);
/* Frees what is over; takes away what no flow needs any more. */
void attach_settle(struct mn *mn, usec_t now);
/* Reminds the kernel of the routers that were left: it drops what it knows of them. */
void attach_leave_routers(struct mn *mn);
/* Puts our copy of an address on our device, or takes it off, as its users require. */
void attach_own_addr(struct mn *mn, const struct in6_addr *addr);
/* The address is on this link again: where others share its prefix they are told. */
void attach_announce(const struct mn_iface *i, const struct in6_addr *hoa);

/* mn.c */
struct anchor *mn_new_anchor(struct mn *mn, const struct in6_prefix *prefix,
			     const struct in6_addr *hoa, const struct in6_addr *ha);
void mn_drop_anchor(struct mn *mn, struct anchor *a);
bool mn_any_away(const struct mn *mn);
void mn_event(struct mn *mn, const char *name, const struct mn_iface *i, const struct anchor *a,
	      const char *detail, usec_t now);

#endif
