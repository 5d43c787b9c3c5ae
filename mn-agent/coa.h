/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The care-of address of an interface and its road. Pure; private to mn-agent/.
 */
#ifndef DMIP6_MN_COA_H
#define DMIP6_MN_COA_H

#include "mn-agent/mn_private.h"

/* Puts our copy of an address on our device, or takes it off, as its users require. */
void coa_own_addr(struct mn *mn, const struct in6_addr *addr);
/* The usable address of the interface in one of its router's prefixes that is not of our
 * making, or NULL. */
const struct mn_addr *coa_kernel_addr(const struct mn_iface *i);
/* Has the kernel this address on the interface, usable? */
bool coa_kernel_has(const struct mn_iface *i, const struct in6_addr *addr);
/* Chooses a care-of address where there is none, and makes it where that is possible. */
void coa_choose(struct mn_iface *i, usec_t now);
/* RFC 6275 11.5.3: is it deprecated, and another one there? */
bool coa_is_stale(const struct mn_iface *i);
void coa_drop(struct mn_iface *i);
/* Takes an address off the access link. */
void coa_drop_addr(struct mn_iface *i, const struct in6_addr *addr);
/* Is it one that we made, to last as long as something needs it? */
bool coa_is_ours(const struct mn_iface *i);
/* The link was down: puts it there again, if it has gone with it. */
void coa_renew(struct mn_iface *i);
/* The kernel tells that another host has it, or somebody took it off the link: another. */
void coa_lost(struct mn_iface *i, bool duplicate, usec_t now);
/* Takes the kernel's own address in the prefix once it is there and nothing needs ours. */
void coa_retire(struct mn_iface *i, usec_t now);
/* The care-of address of an earlier run, if this is not its place: off our device. */
void coa_forget_wishes(struct mn *mn);
/* Its anchor has gone, and nothing would carry a flow that begins on it: off our device. */
void coa_forget_wish(struct mn *mn, const struct in6_addr *addr);
/* The rule and table by which packets from the care-of prefix leave. */
void coa_set_path(struct mn_iface *i);
void coa_unset_path(struct mn_iface *i);

#endif
