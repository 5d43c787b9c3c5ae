/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The home agents list (RFC 6275 10.1, 10.5.1). Owns nothing; called by discovery.c.
 */
#include "ha-agent/halist.h"

#include <string.h>

static usec_t lifetime_end(uint32_t seconds, usec_t now)
{
	return seconds == UINT32_MAX ? USEC_NEVER : now + (usec_t)seconds * USEC_S;
}

/* RFC 6275 10.1: an address goes when its prefix is no longer valid. */
static void drop_old_addresses(struct halist_entry *e, usec_t now)
{
	for (unsigned int i = 0; i < e->n_addresses;)
		if (e->addresses[i].until <= now)
			e->addresses[i] = e->addresses[--e->n_addresses];
		else
			i++;
}

static void drop_old(struct halist *l, usec_t now)
{
	for (unsigned int i = 0; i < l->n;) {
		/* RFC 6275 10.5.1: the entry goes when its lifetime is over. */
		if (l->entries[i].until <= now) {
			l->entries[i] = l->entries[--l->n];
			continue;
		}
		drop_old_addresses(&l->entries[i], now);
		i++;
	}
}

static struct halist_entry *find(struct halist *l, const struct in6_addr *linklocal)
{
	for (unsigned int i = 0; i < l->n; i++)
		if (in6_eq(&l->entries[i].linklocal, linklocal))
			return &l->entries[i];
	return NULL;
}

static void learn_address(struct halist_entry *e, const struct in6_addr *addr, usec_t until)
{
	struct halist_address *a = NULL;

	for (unsigned int i = 0; i < e->n_addresses && !a; i++)
		if (in6_eq(&e->addresses[i].addr, addr))
			a = &e->addresses[i];
	if (!a) {
		if (e->n_addresses == HALIST_MAX_ADDRESSES)
			return;
		a = &e->addresses[e->n_addresses++];
		a->addr = *addr;
	}
	a->until = until;
}

static void learn_addresses(struct halist_entry *e, const struct nd_ra *ra, usec_t now)
{
	for (unsigned int i = 0; i < ra->n_prefixes; i++) {
		const struct nd_prefix *p = &ra->prefixes[i];

		/* RFC 6275 10.5.1, 7.2: the R flag makes the prefix an address. */
		if (p->flags & PIO_FLAG_ROUTER && in6_is_routable(&p->prefix))
			learn_address(e, &p->prefix, lifetime_end(p->valid_s, now));
	}
	drop_old_addresses(e, now);
}

enum halist_change halist_learn(struct halist *l, const struct in6_addr *linklocal,
				const struct nd_ra *ra, usec_t now)
{
	/* RFC 6275 10.5.1: without the option the preference is 0 and the lifetime that of
	 * the router. */
	uint16_t lifetime_s = ra->has_ha_info ? ra->ha_lifetime_s : ra->router_lifetime_s;
	enum halist_change change = HALIST_KEPT;
	struct halist_entry *e;

	drop_old(l, now);
	e = find(l, linklocal);
	/* RFC 6275 10.5.1: no home agent, or not one any more. */
	if (!(ra->flags & RA_FLAG_HOME_AGENT) || lifetime_s == 0) {
		if (!e)
			return HALIST_NONE;
		*e = l->entries[--l->n];
		return HALIST_REMOVED;
	}
	if (!e) {
		if (l->n == HALIST_MAX)
			return HALIST_FULL;
		e = &l->entries[l->n++];
		*e = (struct halist_entry){ .linklocal = *linklocal };
		change = HALIST_NEW;
	}
	e->preference = ra->has_ha_info ? ra->ha_preference : 0;
	e->until = now + lifetime_s * USEC_S;
	learn_addresses(e, ra, now);
	return change;
}

void halist_each(const struct halist *l, usec_t now,
		 void (*fn)(void *ctx, const struct halist_entry *e), void *ctx)
{
	for (unsigned int i = 0; i < l->n; i++) {
		struct halist_entry e = l->entries[i];

		if (e.until <= now)
			continue;
		drop_old_addresses(&e, now);
		fn(ctx, &e);
	}
}

/* ---- an answer ---- */

void halist_choose(struct halist_choice *c, const struct halist_entry *e)
{
	if (c->n < HALIST_CHOICE_MAX)
		c->entries[c->n++] = e;
}

void halist_choose_list(struct halist_choice *c, const struct halist *l)
{
	for (unsigned int i = 0; i < l->n; i++)
		halist_choose(c, &l->entries[i]);
}

/* SplitMix64: an order that changes each time is all that is asked for. */
static unsigned int below(uint64_t *seed, unsigned int n)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (unsigned int)((z ^ z >> 31) % n);
}

static void swap(const struct halist_entry **a, const struct halist_entry **b)
{
	const struct halist_entry *t = *a;

	*a = *b;
	*b = t;
}

static void shuffle(struct halist_choice *c, uint64_t *seed)
{
	for (unsigned int n = c->n; n > 1; n--)
		swap(&c->entries[n - 1], &c->entries[below(seed, n)]);
}

/* Keeps the order of equal ones. */
static void sort_by_preference(struct halist_choice *c)
{
	for (unsigned int i = 1; i < c->n; i++)
		for (unsigned int j = i; j > 0; j--) {
			const struct halist_entry **e = &c->entries[j];

			if (e[-1]->preference >= e[0]->preference)
				break;
			swap(&e[-1], &e[0]);
		}
}

static bool is_among(const struct in6_addr *list, unsigned int n, const struct in6_addr *a)
{
	for (unsigned int i = 0; i < n; i++)
		if (in6_eq(&list[i], a))
			return true;
	return false;
}

unsigned int halist_order(struct halist_choice *c, uint64_t seed, usec_t now,
			  struct in6_addr *ret, unsigned int max)
{
	unsigned int n = 0;

	/* RFC 6275 10.5.1: decreasing preference, equal ones in a new order each time. */
	shuffle(c, &seed);
	sort_by_preference(c);
	for (unsigned int i = 0; i < c->n; i++) {
		struct halist_entry e = *c->entries[i];

		if (e.until <= now)
			continue;
		drop_old_addresses(&e, now);
		/* RFC 6275 10.5.1: the addresses of one home agent too. */
		while (e.n_addresses > 0 && n < max) {
			unsigned int pick = below(&seed, e.n_addresses);

			if (!is_among(ret, n, &e.addresses[pick].addr))
				ret[n++] = e.addresses[pick].addr;
			e.addresses[pick] = e.addresses[--e.n_addresses];
		}
	}
	return n;
}
