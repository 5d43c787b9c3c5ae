/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leases: which host has which prefix (RFC 8273: a /64 for each host). Data and its
 * invariants only; when a lease changes state is decided in nd.c and update.c.
 *
 *  - one host has one lease, one prefix has one host;
 *  - the first /64 of the pool is the home agent's own and never given out;
 *  - a prefix passes to another host only when its lease is FREE: its valid lifetime has
 *    run out and no binding refers to it. Of several the one free for longest goes first,
 *    and only when no prefix is left that nobody had yet.
 */
#ifndef DMIP6_HA_PREFIX_H
#define DMIP6_HA_PREFIX_H

#include <sys/queue.h>

#include "common/core/hash.h"
#include "common/core/in6.h"
#include "common/core/timer.h"

struct ha;
struct ha_home;
struct ha_interface;

enum lease_state {
	LEASE_ATTACHED,		/* the host is on the link: route and neighbour stand */
	LEASE_DETACHED,		/* it is not; the prefix is kept for it */
	LEASE_FREE,		/* lifetime over: remembered, may be given to another host */
	LEASE_STATE_MAX
};
const char *lease_state_name(enum lease_state s);

struct lease {
	uint8_t mac[6];
	struct in6_prefix prefix;
	enum lease_state state;
	struct ha_interface *interface;	/* where it was last seen; NULL: no longer served */
	struct in6_addr linklocal;	/* of the host, from its ND; unspecified: not known */
	usec_t valid_until;		/* what the host was told last, or more */
	usec_t stored_until;		/* what the database says; never less than valid_until */
	usec_t seen;			/* last sign of life */
	usec_t dismissed;		/* when it was said to have left */
	usec_t claimed;			/* when another router said last that the host is there */
	unsigned int probes;		/* solicitations without an answer */
	unsigned int bindings;		/* that refer to this prefix, */
	unsigned int carried;		/* of these in the data path, but for */
	unsigned int ways;		/* those with a Binding Identifier */
	bool ra_due;			/* solicited when we could not answer */
	bool confirmed;			/* the host has shown itself after it was told of it */
	bool client;			/* it registers itself: no other router is to do it */
	bool missed;			/* DETACHED because it was silent: asked on and on */
	usec_t tokens_at;		/* token bucket of its solicitations */
	unsigned int tokens;
	struct timer presence;
	struct timer lifetime;
	struct ha_home *home;		/* whose pool the prefix is of */
	struct ha *ha;			/* for the timers */
	UT_hash_handle by_mac, by_prefix;
	TAILQ_ENTRY(lease) free_entry;	/* while FREE */
};

TAILQ_HEAD(lease_list, lease);

struct pool {
	struct in6_prefix prefix;
	uint64_t size;			/* /64s that may be given out */
	uint64_t fresh;			/* the first index that nobody had yet */
	unsigned int n;			/* leases of all states */
	unsigned int n_free;		/* of these FREE */
	unsigned int max;
	struct lease *by_mac, *by_prefix;
	struct lease_list free;		/* oldest first */
};

/* 0, or -EINVAL for a pool longer than /63 (there would be nothing to give out). */
int pool_init(struct pool *p, const struct in6_prefix *prefix, unsigned int max_leases);
void pool_free(struct pool *p);		/* the leases too; their timers are stopped already */

struct lease *pool_find_mac(const struct pool *p, const uint8_t mac[6]);
/* The lease whose /64 holds the address; NULL: never given out (or not in the pool). */
struct lease *pool_find_addr(const struct pool *p, const struct in6_addr *a);
bool pool_full(const struct pool *p);	/* nothing left for another host */
/* A new lease, DETACHED, for a host that has none. NULL: the pool is exhausted. */
struct lease *pool_take(struct pool *p, const uint8_t mac[6]);
/* Puts back a lease of an earlier run, with that prefix, DETACHED. -EINVAL: not a /64 of
 * the pool; -EEXIST: the host or the prefix is there already; -ENOSPC; -ENOMEM. */
int pool_restore(struct pool *p, const uint8_t mac[6], const struct in6_prefix *prefix,
		 struct lease **ret);
/* DETACHED -> FREE. Its bindings must be zero. */
void pool_release(struct pool *p, struct lease *l);
/* FREE -> DETACHED: its host came back in time. */
void pool_revive(struct pool *p, struct lease *l);
/* Forgets a lease that was never told to anybody. */
void pool_drop(struct pool *p, struct lease *l);

#endif
