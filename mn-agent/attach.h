/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attachment: what the MN does when movement detection says where it is, which anchors
 * depart and which return. Pure; private to mn-agent/.
 */
#ifndef DMIP6_MN_ATTACH_H
#define DMIP6_MN_ATTACH_H

#include "mn-agent/mn_private.h"

extern const struct move_ops attach_move_ops;	/* ctx: struct mn_iface */

/* An address of the interface appeared, changed or went (i->addrs is up to date). */
void attach_addr_changed(struct mn_iface *i, const struct mn_addr *a, bool gone, usec_t now);
/* The interface is going away for good. */
void attach_forget(struct mn_iface *i, usec_t now);
/* Keeps the addresses in use of interfaces that are not attached: whoever manages the link may
 * flush them. */
void attach_hold_used(struct mn *mn);
/* Reminds the kernel of the routers that were left: it drops what it knows of them. */
void attach_leave_routers(struct mn *mn);
/* The address is on this link again: where others share its prefix they are told. */
void attach_announce(const struct mn_iface *i, const struct in6_addr *addr);
/* Every global address formed from the router's prefixes becomes an anchor (design 4.1). */
void attach_form_anchor(struct mn_iface *i, const struct in6_addr *addr, usec_t now);
/* The same for the interface's addresses that have none, where it is attached. */
void attach_form_missing(struct mn_iface *i, usec_t now);
/* Does this interface's router hand out the anchor's prefix: is that its link? */
bool attach_at_home(const struct mn_iface *i, const struct anchor *a);
bool attach_at_home_anywhere(const struct mn *mn, const struct anchor *a);

#endif
