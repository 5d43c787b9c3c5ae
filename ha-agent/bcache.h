/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The binding cache (RFC 6275 9.1, 10.1; RFC 5213 5.1): one entry for each home address, and
 * for each home network prefix that another router has registered; beside it those of the same
 * that have a Binding Identifier (RFC 5648 4.2, RFC 7864 5.1). No protocol in here, only the
 * table and its invariants: one entry for each home address and identifier, a bounded number of
 * entries, each counted at the lease it refers to, if any.
 */
#ifndef DMIP6_HA_BCACHE_H
#define DMIP6_HA_BCACHE_H

#include "common/core/hash.h"
#include "common/core/in6.h"
#include "common/core/timer.h"

struct ha;
struct ha_home;
struct lease;
struct proxy;
struct revocation;
struct mpd;

#define BCACHE_PREFIX	64		/* length of home network prefixes */
#define BCACHE_BIDS	8		/* identifiers of a home address: 0, the default, to 7 */

enum binding_state {
	BINDING_NEW,		/* entry made, nothing in the kernel yet */
	BINDING_TESTING,	/* its home address is looked for on the home link (10.3.1) */
	BINDING_BOUND,		/* packets to the home address go to the care-of address */
	BINDING_REVOKING,	/* still so; the mobile node is being told that it ends */
	BINDING_RELEASED,	/* ended before its time; kept a while for its number (10.3.2) */
	BINDING_GONE,		/* about to be freed */
	BINDING_STATE_MAX
};
const char *binding_state_name(enum binding_state s);

struct binding {
	UT_hash_handle by_hoa;		/* beside its key: they are looked at together */
	struct in6_addr hoa;		/* key, with */
	uint16_t bid;			/* 0: the one that has none */
	uint8_t link_layer[6];		/* by_router: of the host there; zero: not known */
	struct in6_addr coa;
	int joined;			/* the link whose group for it we are in; 0: none */
	uint16_t sequence;		/* of the last valid Binding Update */
	enum binding_state state : 8;
	uint8_t looks : 5;		/* before the end of its lifetime: refresh.c */
	bool unverified : 1;		/* nobody has answered from the care-of address */
	bool by_router : 1;		/* of a whole prefix, whose address hoa is: another router
					 * has registered it (RFC 5213) */
	bool linklocal : 1;		/* L: so for the link-local address with its identifier */
	uint8_t access_type;		/* by_router: enum mh_access_type, of the link there */
	uint32_t spi;			/* of the key that signed it; 0: none did */
	uint32_t lifetime_s;		/* as granted */
	uint32_t place;			/* where it is written down; 0: nowhere */
	uint32_t packets;		/* through the tunnel at the last look */
	uint64_t timestamp;		/* of the last accepted update (RFC 4285 6); 0: none */
	usec_t used;			/* by_router: when packets were noticed last */
	usec_t expires;			/* end of the lifetime; RELEASED: of the wait */
	struct ha_home *home;		/* whose prefix holds the home address */
	struct lease *lease;		/* NULL: a shared home link has none */
	struct proxy *proxy;		/* what is to be sent on a shared home link, if anything */
	struct revocation *revocation;	/* REVOKING; else NULL */
	struct mpd *mpd;		/* NULL: nothing to tell it about prefixes */
	usec_t prefixes_due;		/* the next day's Mobile Prefix Advertisement */
	struct timer timer;
};

struct bcache {
	struct binding *by_hoa;
	unsigned int n;
	unsigned int max;
};

struct in6_prefix binding_inner(const struct binding *b);	/* what goes into its tunnel */
bool binding_carries(const struct binding *b);	/* it is in the data path */

void bcache_init(struct bcache *bc, unsigned int max);
void bcache_free(struct bcache *bc);
struct binding *bcache_find(const struct bcache *bc, const struct in6_addr *hoa);
struct binding *bcache_find_bid(const struct bcache *bc, const struct in6_addr *hoa, uint16_t bid);
/* A new entry for a home address (and identifier) that has none; counts it at the lease, if there
 * is one. NULL: full. */
struct binding *bcache_add(struct bcache *bc, const struct in6_addr *hoa, struct ha_home *home,
			   struct lease *lease);
struct binding *bcache_add_bid(struct bcache *bc, const struct in6_addr *hoa, uint16_t bid,
			       struct ha_home *home, struct lease *lease);
/* Removes and frees; takes it off the lease's count. */
void bcache_del(struct bcache *bc, struct binding *b);

#endif
