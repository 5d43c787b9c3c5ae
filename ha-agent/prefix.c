/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pool of prefixes and the leases on them. Owns every struct lease. Called by ha.c
 * (restoring), nd.c (a host appears or its lease ends), and all who look for one.
 * RFC 8273: a prefix for each host.
 */
#include "ha-agent/prefix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LEASE_PLEN	64
#define PREFIX_KEY	8	/* octets of an address that tell /64s apart */

static const char *const state_names[LEASE_STATE_MAX] = {
	[LEASE_ATTACHED] = "attached",
	[LEASE_DETACHED] = "detached",
	[LEASE_FREE] = "free",
};

const char *lease_state_name(enum lease_state s)
{
	return s < LEASE_STATE_MAX ? state_names[s] : "?";
}

int pool_init(struct pool *p, const struct in6_prefix *prefix, unsigned int max_leases)
{
	if (prefix->len >= LEASE_PLEN)
		return -EINVAL;
	memset(p, 0, sizeof(*p));
	p->prefix = *prefix;
	/* The first /64 is the home agent's own. */
	p->fresh = 1;
	p->size = prefix->len > 1 ? (UINT64_C(1) << (LEASE_PLEN - prefix->len)) - 1 : INT64_MAX;
	p->max = max_leases;
	TAILQ_INIT(&p->free);
	return 0;
}

struct lease *pool_find_mac(const struct pool *p, const uint8_t mac[6])
{
	struct lease *l;

	HASH_FIND(by_mac, p->by_mac, mac, 6, l);
	return l;
}

struct lease *pool_find_addr(const struct pool *p, const struct in6_addr *a)
{
	struct lease *l;

	HASH_FIND(by_prefix, p->by_prefix, a, PREFIX_KEY, l);
	return l;
}

static void unlink_lease(struct pool *p, struct lease *l)
{
	if (l->state == LEASE_FREE) {
		TAILQ_REMOVE(&p->free, l, free_entry);
		p->n_free--;
	}
	HASH_DELETE(by_mac, p->by_mac, l);
	HASH_DELETE(by_prefix, p->by_prefix, l);
	p->n--;
}

void pool_free(struct pool *p)
{
	struct lease *l, *next;

	HASH_ITER(by_mac, p->by_mac, l, next) {
		unlink_lease(p, l);
		free(l);
	}
}

static struct lease *add(struct pool *p, const uint8_t mac[6], const struct in6_prefix *prefix)
{
	struct lease *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	memcpy(l->mac, mac, sizeof(l->mac));
	l->prefix = *prefix;
	l->state = LEASE_DETACHED;
	HASH_ADD(by_mac, p->by_mac, mac, 6, l);
	HASH_ADD(by_prefix, p->by_prefix, prefix.addr, PREFIX_KEY, l);
	p->n++;
	return l;
}

/* The next prefix that nobody had yet; those of an earlier run are skipped. */
static bool next_fresh(struct pool *p, struct in6_prefix *ret)
{
	for (; p->fresh <= p->size; p->fresh++) {
		struct in6_prefix candidate;

		if (!in6_subprefix(&p->prefix, LEASE_PLEN, p->fresh, &candidate))
			return false;
		if (!pool_find_addr(p, &candidate.addr)) {
			*ret = candidate;
			return true;
		}
	}
	return false;
}

bool pool_full(const struct pool *p)
{
	unsigned int n = p->n - p->n_free;

	return n >= p->max || n >= p->size;
}

struct lease *pool_take(struct pool *p, const uint8_t mac[6])
{
	struct lease *oldest = TAILQ_FIRST(&p->free);
	struct in6_prefix prefix;

	if (p->n < p->max && next_fresh(p, &prefix)) {
		p->fresh++;
		return add(p, mac, &prefix);
	}
	if (!oldest)
		return NULL;
	prefix = oldest->prefix;
	unlink_lease(p, oldest);
	free(oldest);
	return add(p, mac, &prefix);
}

int pool_restore(struct pool *p, const uint8_t mac[6], const struct in6_prefix *prefix,
		 struct lease **ret)
{
	struct in6_prefix own = { .addr = p->prefix.addr, .len = LEASE_PLEN };
	struct lease *l;

	if (prefix->len != LEASE_PLEN || !in6_in(&p->prefix, &prefix->addr) ||
	    in6_prefix_eq(prefix, &own))
		return -EINVAL;
	if (pool_find_mac(p, mac) || pool_find_addr(p, &prefix->addr))
		return -EEXIST;
	if (p->n >= p->max)
		return -ENOSPC;
	l = add(p, mac, prefix);
	if (!l)
		return -ENOMEM;
	*ret = l;
	return 0;
}

void pool_release(struct pool *p, struct lease *l)
{
	l->state = LEASE_FREE;
	TAILQ_INSERT_TAIL(&p->free, l, free_entry);
	p->n_free++;
}

void pool_revive(struct pool *p, struct lease *l)
{
	TAILQ_REMOVE(&p->free, l, free_entry);
	p->n_free--;
	l->state = LEASE_DETACHED;
}

void pool_drop(struct pool *p, struct lease *l)
{
	unlink_lease(p, l);
	free(l);
}
