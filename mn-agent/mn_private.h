/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the pure files of the mobile node know of each other's list of anchors and
 * interfaces: mn.c. Private to mn-agent/.
 */
#ifndef DMIP6_MN_MN_PRIVATE_H
#define DMIP6_MN_MN_PRIVATE_H

#include "mn-agent/mn.h"

/* A new one in the list, in state ATTACHED; NULL, and counted, when there is no room. */
struct anchor *mn_new_anchor(struct mn *mn, const struct in6_prefix *prefix,
			     const struct in6_addr *hoa, const struct in6_addr *ha);
/* Its home agent, and the key that goes with that one. */
void mn_set_home_agent(struct mn *mn, struct anchor *a, const struct in6_addr *ha);
/* a->key and a->timestamps, as they are with a->ha: a configured key, or one that it gave. */
void mn_set_key(struct mn *mn, struct anchor *a);
void mn_drop_anchor(struct mn *mn, struct anchor *a);
/* The one of this home address that is not gone, or NULL. */
struct anchor *mn_anchor(struct mn *mn, const struct in6_addr *hoa);
struct mn_iface *mn_iface_of(struct mn *mn, int ifindex);
bool mn_any_away(const struct mn *mn);
/* Brings the list of the interface's addresses up to date. */
void mn_remember_addr(struct mn_iface *i, const struct mn_addr *a, bool gone);
/* The key for the anchor at this home agent: the one that is configured for the anchor, else
 * one that names the home agent, else one for all; or NULL. */
const struct mn_key *mn_key_for(const struct mn *mn, const struct anchor *a,
				const struct in6_addr *ha);
/* An interface's place in the order of preference, or -1: it is none of ours. */
int mn_preference(const struct mn_config *cfg, const char *name);
/* These flows cannot be carried on: people are told, and it is counted. i, a may be NULL. */
void mn_flows_lost(struct mn *mn, const struct mn_iface *i, const struct anchor *a,
		   const struct in6_addr *addr, unsigned int n, const char *why, usec_t now);
/* Tells people; i, a and detail may be NULL. */
void mn_event(struct mn *mn, const char *name, const struct mn_iface *i, const struct anchor *a,
	      const char *detail, usec_t now);

#endif
