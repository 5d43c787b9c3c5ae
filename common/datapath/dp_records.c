/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nexthops, endpoints and bindings of a kernel backend: each verb changes the record and
 * what the kernel has for it.
 *
 * HA: a route inner -> nexthop in the main table. MN: per home address a table with a
 * default route and a rule "from inner", both numbered table_base + slot.
 *
 * A binding has a nexthop object of its own and moves by replacing that in place: under
 * 200,000 packets a second this lost nothing in 40,000 moves. Objects shared by remote end
 * would need the route replaced, which lost up to 20 packets in the same test (a reader
 * that holds the old route when it dies gets "no route").
 */
#include "common/datapath/dp_records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "common/datapath/dp_steer.h"
#include "common/sys/clock.h"
#include "common/sys/rt.h"

/* Ids that nobody else uses by chance; the two roles apart, should they share a kernel. */
#define NEXTHOP_BASE_HA	0x44500000U
#define NEXTHOP_BASE_MN	0x44580000U

int dp_complain(const struct dp_kernel *s, const char *what, int err)
{
	if (err < 0)
		log_warn("%s: %s: %s%s%s", s->dp.ops->name, what, strerror(-err),
			 nl_error(s->nl)[0] ? ": " : "", nl_error(s->nl));
	return err;
}

int dp_first_error(int a, int b)
{
	return a < 0 ? a : b;
}

uint32_t dp_nexthop_base(const struct dp_kernel *s)
{
	return s->role == DP_ROLE_HA ? NEXTHOP_BASE_HA : NEXTHOP_BASE_MN;
}

/* --- nexthops ------------------------------------------------------------------- */

struct binding *nexthop_owner(const struct dp_kernel *s, uint32_t id)
{
	uint32_t at = id - dp_nexthop_base(s);

	return at < s->n_nexthops ? s->by_nexthop[at] : NULL;
}

static int grow_nexthops(struct dp_kernel *s, uint32_t at)
{
	uint32_t n = s->n_nexthops ? s->n_nexthops : 64;
	struct binding **bigger;

	while (n <= at)
		n *= 2;
	bigger = reallocarray(s->by_nexthop, n, sizeof(struct binding *));
	if (!bigger)
		return -ENOMEM;
	memset(bigger + s->n_nexthops, 0, (n - s->n_nexthops) * sizeof(struct binding *));
	s->by_nexthop = bigger;
	s->n_nexthops = n;
	return 0;
}

int nexthop_claim(struct dp_kernel *s, struct binding *k, uint32_t id)
{
	uint32_t base = dp_nexthop_base(s), at = id ? id - base : s->free_nexthop;
	int err;

	if (!id) {
		while (at < s->n_nexthops && s->by_nexthop[at])
			at++;
		s->free_nexthop = at;
	}
	if (at >= DP_NEXTHOP_IDS)
		return -ENOSPC;
	err = at >= s->n_nexthops ? grow_nexthops(s, at) : 0;
	if (err < 0)
		return err;
	s->by_nexthop[at] = k;
	k->nexthop = base + at;
	return 0;
}

static void nexthop_release(struct dp_kernel *s, struct binding *k)
{
	uint32_t at = k->nexthop - dp_nexthop_base(s);

	if (!k->nexthop)
		return;
	s->by_nexthop[at] = NULL;
	if (at < s->free_nexthop)
		s->free_nexthop = at;
	k->nexthop = 0;
}

int nexthop_install(const struct dp_kernel *s, const struct binding *k, const struct dp_ends *ends)
{
	return dp_complain(s, "nexthop", dp_nexthop_replace(s->tunnel, k->nexthop, ends));
}

void nexthop_remove(const struct dp_kernel *s, const struct binding *k)
{
	if (k->nexthop)
		(void)dp_nexthop_del(s->nl, k->nexthop);
}

struct dp_ends binding_ends(const struct dp_binding *b)
{
	return (struct dp_ends){ .local = b->local, .remote = b->remote };
}

/* --- endpoints ------------------------------------------------------------------ */

int endpoint_index(const struct dp_kernel *s, const struct in6_addr *addr)
{
	for (unsigned int i = 0; i < s->n_endpoints; i++) {
		if (in6_eq(&s->endpoints[i].addr, addr))
			return (int)i;
	}
	return -ENOENT;
}

void endpoint_forget(struct dp_kernel *s, int i)
{
	s->n_endpoints--;
	memmove(&s->endpoints[i], &s->endpoints[i + 1],
		(s->n_endpoints - (unsigned int)i) * sizeof(s->endpoints[0]));
}

int endpoint_install(struct dp_kernel *s, const struct in6_addr *addr)
{
	int err = dp_filter_endpoint(s->filter, addr, true);

	if (err == 0 && s->tunnel->ops->decap_add)
		err = s->tunnel->ops->decap_add(s->tunnel, addr);
	return dp_complain(s, "decapsulation", err);
}

int endpoint_remove(struct dp_kernel *s, int i)
{
	const struct in6_addr addr = s->endpoints[i].addr;
	int err = 0;

	if (s->tunnel->ops->decap_del)
		err = s->tunnel->ops->decap_del(s->tunnel, &addr);
	err = dp_first_error(err, dp_filter_endpoint(s->filter, &addr, false));
	endpoint_forget(s, i);
	return err == -ENOENT ? 0 : err;	/* somebody else was quicker */
}

/* --- bindings -------------------------------------------------------------------- */

struct binding *binding_find(const struct dp_kernel *s, const struct in6_prefix *inner)
{
	const struct dp_key key = dp_key(inner);
	struct binding *k;

	HASH_FIND(hh, s->bindings, &key, sizeof(key), k);
	return k;
}

struct binding *binding_note(struct dp_kernel *s, const struct in6_prefix *inner,
			     unsigned int slot)
{
	struct binding *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->b.inner = *inner;
	k->slot = (uint8_t)slot;	/* less than DP_SLOTS */
	if (s->role == DP_ROLE_MN)
		s->slots[slot] = true;
	k->key = dp_key(inner);
	HASH_ADD(hh, s->bindings, key, sizeof(k->key), k);
	return k;
}

void binding_forget(struct dp_kernel *s, struct binding *k)
{
	if (s->role == DP_ROLE_MN)
		s->slots[k->slot] = false;
	nexthop_release(s, k);
	HASH_DEL(s->bindings, k);
	free(k);
}

static struct dp_route route_of(const struct dp_kernel *s, const struct binding *k,
				const struct dp_binding *to)
{
	struct dp_route r = {
		.mtu = to->mtu, .nexthop = k->nexthop,
	};

	if (to->visit) {
		r.visit = true;
		r.src = to->inner;	/* dst: default */
		r.ends = binding_ends(to);
		r.table = s->base + DP_VISIT_OFFSET;
	} else if (s->role == DP_ROLE_HA) {
		r.dst = k->b.inner;
		r.table = DP_TABLE_MAIN;
	} else {
		r.table = s->base + k->slot;	/* dst: default */
	}
	return r;
}

static struct rt_rule rule_of(const struct dp_kernel *s, const struct binding *k)
{
	return (struct rt_rule){
		.from = k->b.inner, .priority = s->dp.rule_base + k->slot,
		.table = s->base + k->slot,
	};
}

/* Route (and rule) of a binding through its nexthop; of a visit into its tunnel. */
int binding_install(const struct dp_kernel *s, const struct binding *k,
		    const struct dp_binding *to)
{
	const struct dp_route route = route_of(s, k, to);
	const struct rt_rule rule = rule_of(s, k);
	int err = dp_route_replace(s->tunnel, &route);

	if (err == 0 && s->role == DP_ROLE_MN)
		err = rt_rule_add(s->nl, &rule);
	return dp_complain(s, "route", err);
}

int binding_remove(const struct dp_kernel *s, const struct binding *k)
{
	const struct dp_route route = route_of(s, k, &k->b);
	const struct rt_rule rule = rule_of(s, k);
	int err = 0, second;

	if (s->role == DP_ROLE_MN)
		err = rt_rule_del(s->nl, &rule);
	second = dp_route_del(s->tunnel, &route);
	if (err == -ENOENT)
		err = 0;
	if (second == -ENOENT)
		second = 0;
	return dp_first_error(err, second);
}

void binding_refuse(struct dp_kernel *s, struct binding *k)
{
	usec_t now = clock_now();

	if (steered_takes(s, &k->b.inner, &k->b.remote))
		return;
	if (s->no_grace) {
		(void)dp_filter_refuse(s->filter, &k->b, &k->b.remote);
		return;
	}
	/* Only the last one; it is also how one that was there not long ago gets its full time. */
	if (now < k->former_until)
		(void)dp_filter_no_longer_late(s->filter, &k->b, &k->former);
	(void)dp_filter_late(s->filter, &k->b, &k->b.remote);
	(void)dp_filter_refuse(s->filter, &k->b, &k->b.remote);
	k->former = k->b.remote;
	k->former_until = now + DP_GRACE_MS * USEC_MS;
}

/* What comes in by an access link, and has a visitor's source, goes by the visits' table; the local
 * table is asked before, and who is no visitor has no route there. */
static int visit_rules(const struct dp_kernel *s, int (*change)(struct nl *nl,
								const struct rt_rule *r))
{
	int err = 0;

	for (unsigned int i = 0; i < s->n_access; i++) {
		struct rt_rule r = {
			.priority = s->base + DP_VISIT_OFFSET, .table = s->base + DP_VISIT_OFFSET,
		};

		memcpy(r.iif, s->access[i], sizeof(r.iif));
		err = dp_first_error(err, change(s->nl, &r));
	}
	return err;
}

int visits_prepare(const struct dp_kernel *s)
{
	return visit_rules(s, rt_rule_add);
}

void visits_away(const struct dp_kernel *s)
{
	(void)visit_rules(s, rt_rule_del);
}
