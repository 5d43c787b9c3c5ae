/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The binding cache (RFC 6275 9.1, 10.1). Owns every struct binding. Called by update.c
 * and ha.c (add), binding.c (delete), and all who look for one.
 */
#include "ha-agent/bcache.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "ha-agent/prefix.h"

static const char *const state_names[BINDING_STATE_MAX] = {
	[BINDING_NEW] = "new",
	[BINDING_TESTING] = "testing",
	[BINDING_BOUND] = "bound",
	[BINDING_REVOKING] = "revoking",
	[BINDING_RELEASED] = "released",
	[BINDING_GONE] = "gone",
};

const char *binding_state_name(enum binding_state s)
{
	return s < BINDING_STATE_MAX ? state_names[s] : "?";
}

struct in6_prefix binding_inner(const struct binding *b)
{
	return (struct in6_prefix){ .addr = b->hoa, .len = b->by_router ? BCACHE_PREFIX : 128 };
}

bool binding_carries(const struct binding *b)
{
	return b->state == BINDING_BOUND || b->state == BINDING_REVOKING;
}

void bcache_init(struct bcache *bc, unsigned int max)
{
	memset(bc, 0, sizeof(*bc));
	bc->max = max;
}

/* The key, as it stands at the beginning of an entry. */
struct key {
	struct in6_addr hoa;
	uint16_t bid;
};
#define KEY_LEN	(offsetof(struct key, bid) + sizeof(uint16_t))
_Static_assert(offsetof(struct binding, bid) - offsetof(struct binding, hoa) ==
	       offsetof(struct key, bid), "no gap between the two");

struct binding *bcache_find_bid(const struct bcache *bc, const struct in6_addr *hoa, uint16_t bid)
{
	const struct key k = { *hoa, bid };
	struct binding *b;

	HASH_FIND(by_hoa, bc->by_hoa, &k, KEY_LEN, b);
	return b;
}

struct binding *bcache_find(const struct bcache *bc, const struct in6_addr *hoa)
{
	return bcache_find_bid(bc, hoa, 0);
}

struct binding *bcache_add_bid(struct bcache *bc, const struct in6_addr *hoa, uint16_t bid,
			       struct ha_home *home, struct lease *lease)
{
	struct binding *b;

	if (bc->n >= bc->max || bcache_find_bid(bc, hoa, bid))
		return NULL;
	b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	b->hoa = *hoa;
	b->bid = bid;
	b->state = BINDING_NEW;
	b->home = home;
	b->lease = lease;
	if (lease)
		lease->bindings++;
	HASH_ADD(by_hoa, bc->by_hoa, hoa, KEY_LEN, b);
	bc->n++;
	return b;
}

struct binding *bcache_add(struct bcache *bc, const struct in6_addr *hoa, struct ha_home *home,
			   struct lease *lease)
{
	return bcache_add_bid(bc, hoa, 0, home, lease);
}

void bcache_del(struct bcache *bc, struct binding *b)
{
	if (b->lease)
		b->lease->bindings--;
	HASH_DELETE(by_hoa, bc->by_hoa, b);
	bc->n--;
	free(b);
}

void bcache_free(struct bcache *bc)
{
	struct binding *b, *next;

	HASH_ITER(by_hoa, bc->by_hoa, b, next)
		bcache_del(bc, b);
}
