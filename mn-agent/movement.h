/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Movement detection on one interface (RFC 6275 11.5.1, RFC 4861 6.3.7, RFC 6059): which
 * access router is it attached to. Pure. It never waits for a fixed time: a link that came
 * up is solicited at once, and the first router that answers with a prefix is the one.
 */
#ifndef DMIP6_MN_MOVEMENT_H
#define DMIP6_MN_MOVEMENT_H

#include "common/core/backoff.h"
#include "common/core/in6.h"
#include "common/core/timer.h"
#include "common/wire/icmp6.h"

#define MOVE_PREFIXES_MAX	8
#define MOVE_MORE_HAS		3	/* home agent addresses of a router but the first */

enum move_state {
	MOVE_DOWN,		/* no link */
	MOVE_SOLICITING,	/* link, no router confirmed: RS going out */
	MOVE_ATTACHED,		/* a router is known and not in doubt */
	MOVE_PROBING,		/* another router was heard: is ours still there? */
	MOVE_STATE_MAX
};

/* What an access router told of itself and of the addresses it hands out. */
struct router {
	struct in6_addr linklocal;
	uint8_t mac[6];
	bool is_ha;		/* H flag */
	bool has_ha;		/* and a prefix option with the R flag, which has its address */
	struct in6_addr ha;	/* the first such; it may have one for each prefix */
	unsigned int n_more_has;
	struct in6_addr more_has[MOVE_MORE_HAS];
	uint16_t lifetime_s;
	uint32_t mtu;		/* 0: not told */
	unsigned int n_prefixes;
	/* Those for autoconfiguration; then those that are only on link. */
	struct nd_prefix prefixes[MOVE_PREFIXES_MAX];
	bool per_host;		/* prefixes[0] belongs to this host alone: A=1, L=0, R=0 */
};

struct movement;

struct move_ops {
	void (*solicit)(void *ctx, struct movement *m, usec_t now);	/* send an RS */
	/* Send an NS to the current router, unicast. -EAGAIN: no usable source address. */
	int (*probe)(void *ctx, struct movement *m, usec_t now);
	/* Has the interface addresses from elsewhere, and none by this router's prefixes? */
	bool (*is_stranger)(void *ctx, const struct router *r);
	/* m->router is now the router; `moved`: it is another one than before, or it gives
	 * other prefixes. Not moved: confirmed, or its advertisement was refreshed. */
	void (*attached)(void *ctx, struct movement *m, bool moved, usec_t now);
	/* The link or the router is gone, and no other is known yet. */
	void (*lost)(void *ctx, struct movement *m, usec_t now);
};

struct movement {
	enum move_state state;
	bool has_router;	/* router holds the current one, or the one before the link went */
	struct router router;
	usec_t heard_at;	/* what `router` says was advertised then */
	struct router candidate;	/* while PROBING; while SOLICITING: a stranger */
	bool settled;		/* was attached once */
	usec_t soliciting_since;
	unsigned int probes;
	struct backoff rs;
	usec_t asked_at;	/* for its prefixes, because it told them long ago */
	usec_t not_before;	/* probing again for a candidate: not before this */
	/* Of what routers say, without a link event: how often it changed since then. */
	unsigned int changes;
	usec_t changes_since;
	uint64_t ignored;	/* advertisements that would have made it too often */
	struct timer timer;	/* RS again, probe again */
	struct timer doubt;	/* after such a time: ask who is there */
	struct timer lifetime;	/* of the router */
	const struct move_ops *ops;
	void *ctx;
	struct timers *timers;
};

const char *move_state_name(enum move_state s);
void move_init(struct movement *m, const struct move_ops *ops, void *ctx, struct timers *timers);
void move_stop(struct movement *m);
void move_link(struct movement *m, bool up, usec_t now);
/* Something may have happened that nobody told: the router is asked whether it is there, and
 * whoever else is there is asked for an advertisement, at once. */
void move_doubt(struct movement *m, usec_t now);
/* What the router said may not be true: it is asked once more; until then it counts. */
void move_ask(struct movement *m, usec_t now);
/* A valid Router Advertisement from a router on the link. mac: link-layer source. */
void move_ra(struct movement *m, const struct in6_addr *from, const uint8_t mac[6],
	     const struct nd_ra *ra, usec_t now);
/* A valid Neighbour Advertisement. */
void move_na(struct movement *m, const struct nd_na *na, usec_t now);
/* Reads what matters for mobility out of an advertisement. */
void router_from_ra(struct router *ret, const struct in6_addr *from, const uint8_t mac[6],
		    const struct nd_ra *ra);
bool router_has_ha(const struct router *r, const struct in6_addr *addr);
/* The home agent address that goes with an address of the router's prefixes. */
const struct in6_addr *router_ha_of(const struct router *r, const struct in6_addr *addr);
/* Its nth prefix, and the index of the one that holds addr, or -1. */
struct in6_prefix router_prefix(const struct router *r, unsigned int n);
int router_prefix_of(const struct router *r, const struct in6_addr *addr);
bool router_has_prefix(const struct router *r, const struct in6_prefix *p);

#endif
