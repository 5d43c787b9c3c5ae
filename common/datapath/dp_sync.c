/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel has, and what it should have: takes over what an earlier run left, puts
 * back what somebody deleted. Called by dp_kernel.c, for open() and repair().
 */
#include "common/datapath/dp_records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/datapath/dp_steer.h"
#include "common/sys/rt.h"

struct found {				/* a nexthop of an earlier run */
	uint32_t id;			/* key */
	struct dp_ends ends;
	UT_hash_handle hh;
};

struct sync {
	struct dp_kernel *s;
	struct found *found;		/* those that no binding has claimed yet */
	int n;				/* things put right */
	int err;
	bool adopt;			/* open(): what is found becomes ours; else it goes */
};

static void sync_done(struct sync *y, int err)
{
	if (err < 0 && err != -ENOENT)
		y->err = dp_first_error(y->err, err);
	else
		y->n++;
}

static void endpoint_adopt(const struct sync *y, const struct in6_addr *addr)
{
	struct dp_kernel *s = y->s;

	if (!y->adopt || s->n_endpoints == DP_ENDPOINTS_MAX || endpoint_index(s, addr) >= 0)
		return;
	s->endpoints[s->n_endpoints++] = (struct endpoint){
		.addr = *addr, .found = true, .seen = true,
	};
}

static bool same_ends(const struct dp_binding *ours, const struct dp_ends *there)
{
	return in6_eq(&ours->remote, &there->remote) &&
	       (in6_is_any(&there->local) || in6_eq(&ours->local, &there->local));
}

/* Where the device says the outer source. */
static struct dp_ends with_source(const struct dp_kernel *s, const struct dp_ends *read)
{
	struct dp_ends e = *read;

	for (unsigned int n = 0; n < DP_SOURCES; n++) {
		if (in6_is_any(&e.local) && e.ifindex == s->tunnel->sources[n].ifindex)
			e.local = s->tunnel->sources[n].addr;
	}
	return e;
}

static void note_found(struct sync *y, uint32_t id, const struct dp_ends *ends)
{
	struct found *f = calloc(1, sizeof(*f));

	if (!f) {
		y->err = -ENOMEM;
		return;
	}
	f->id = id;
	f->ends = *ends;
	HASH_ADD(hh, y->found, id, sizeof(f->id), f);
}

static void found_nexthop(void *ctx, uint32_t id, const struct dp_ends *ends)
{
	struct sync *y = ctx;
	struct dp_kernel *s = y->s;
	struct binding *k = nexthop_owner(s, id);
	uint32_t base = dp_nexthop_base(s);
	struct dp_ends whole;

	if (id < base || id - base >= DP_NEXTHOP_IDS)
		return;			/* the other role's */
	if (ends)
		whole = with_source(s, ends);
	if (k)
		k->seen_nexthop = ends && same_ends(&k->b, &whole);
	else if (y->adopt && ends)
		note_found(y, id, &whole);
	else
		sync_done(y, dp_nexthop_del(s->nl, id));
}

/* The nexthop of a route of an earlier run becomes the binding's, if no other has it; where
 * it does not say the outer source, that is the source of all tunnels. */
static bool adopt_nexthop(struct sync *y, struct binding *k, const struct dp_route *r)
{
	struct found *f;

	HASH_FIND(hh, y->found, &r->nexthop, sizeof(r->nexthop), f);
	if (!f || nexthop_claim(y->s, k, f->id) < 0)
		return false;
	k->b.local = in6_is_any(&f->ends.local) ? y->s->source : f->ends.local;
	k->b.remote = f->ends.remote;
	k->b.mtu = r->mtu;
	k->seen_nexthop = true;
	HASH_DEL(y->found, f);
	free(f);
	return true;
}

/* Those that no binding has are nobody's. remove false: nothing is known of them. */
static void drop_found(struct sync *y, bool remove)
{
	struct found *f, *next;

	HASH_ITER(hh, y->found, f, next) {
		if (remove)
			sync_done(y, dp_nexthop_del(y->s->nl, f->id));
		HASH_DEL(y->found, f);
		free(f);
	}
}

static void found_visit(struct sync *y, const struct dp_route *r)
{
	struct dp_kernel *s = y->s;
	struct binding *k = binding_find(s, &r->src);
	const struct dp_ends ends = with_source(s, &r->ends);

	if (k && k->b.visit && !in6_is_any(&ends.remote)) {
		k->seen_route = same_ends(&k->b, &ends);
		return;
	}
	if (!k && y->adopt && r->src.len == DP_PREFIX && !in6_is_any(&ends.remote)) {
		k = binding_note(s, &r->src, 0);
		if (!k) {
			y->err = -ENOMEM;
			return;
		}
		k->b.visit = true;
		k->b.local = in6_is_any(&ends.local) ? s->source : ends.local;
		k->b.remote = ends.remote;
		k->b.mtu = r->mtu;
		k->seen_route = k->seen_nexthop = true;
		return;
	}
	sync_done(y, dp_route_del(s->tunnel, r));
}

static void found_ha_route(struct sync *y, const struct dp_route *r)
{
	struct dp_kernel *s = y->s;
	bool inner = r->dst.len == 128 || r->dst.len == DP_PREFIX;
	struct binding *k = inner ? binding_find(s, &r->dst) : NULL;

	if (k) {
		k->seen_route = k->nexthop == r->nexthop;
		return;
	}
	if (inner && y->adopt) {
		k = binding_note(s, &r->dst, 0);
		if (!k) {
			y->err = -ENOMEM;
			return;
		}
		k->seen_route = adopt_nexthop(y, k, r);
		if (k->seen_route)
			return;
		binding_forget(s, k);
	}
	sync_done(y, dp_route_del(s->tunnel, r));
}

static struct binding *binding_in_slot(const struct dp_kernel *s, uint32_t slot)
{
	for (struct binding *k = s->bindings; k; k = k->hh.next) {
		if (k->slot == slot)
			return k;
	}
	return NULL;
}

/* The rule named the home address already; the remote end comes with the route. */
static void found_mn_route(struct sync *y, const struct dp_route *r)
{
	struct dp_kernel *s = y->s;
	struct binding *k = binding_in_slot(s, r->table - s->base);

	if (!k) {
		sync_done(y, dp_route_del(s->tunnel, r));
		return;
	}
	if (!k->nexthop && !adopt_nexthop(y, k, r))
		return;
	k->seen_route = k->nexthop == r->nexthop;
}

static void found_way(struct sync *y, const struct dp_route *r)
{
	int err = steered_found(y->s, r, y->adopt);

	if (err < 0)
		y->err = err;
	else if (err > 0)
		sync_done(y, dp_route_del(y->s->tunnel, r));
}

static void found_route(void *ctx, const struct dp_route *r)
{
	struct sync *y = ctx;
	const struct dp_kernel *s = y->s;

	if (r->visit) {
		if (s->role == DP_ROLE_HA && r->table == s->base + DP_VISIT_OFFSET)
			found_visit(y, r);
	} else if (s->role == DP_ROLE_HA && r->table == DP_TABLE_MAIN) {
		found_ha_route(y, r);
	} else if (s->role == DP_ROLE_HA && r->table >= s->base && r->table - s->base < DP_PATHS) {
		found_way(y, r);
	} else if (s->role == DP_ROLE_MN && r->table >= s->base && r->table - s->base < DP_SLOTS) {
		found_mn_route(y, r);
	}
}

static void found_rule(void *ctx, const struct rt_rule *r)
{
	struct sync *y = ctx;
	struct dp_kernel *s = y->s;
	uint32_t slot = r->table - s->base;
	struct binding *k;

	if (r->protocol != DP_PROTOCOL || r->table < s->base || slot >= DP_SLOTS ||
	    r->from.len != 128)
		return;
	k = binding_find(s, &r->from);
	if (k && k->slot == slot) {
		k->seen_rule = true;
	} else if (!k && y->adopt && !s->slots[slot]) {
		k = binding_note(s, &r->from, slot);
		if (!k) {
			y->err = -ENOMEM;
			return;
		}
		k->seen_rule = true;
	} else {
		sync_done(y, rt_rule_del(s->nl, r));
	}
}

static void found_decap(void *ctx, const struct in6_addr *addr)
{
	struct sync *y = ctx;
	struct dp_kernel *s = y->s;
	int i = endpoint_index(s, addr);

	if (i >= 0) {
		s->endpoints[i].seen = true;
	} else if (y->adopt && s->role == DP_ROLE_MN) {
		endpoint_adopt(y, addr);
	} else if (y->adopt && (in6_eq(addr, &s->source) || dp_filter_is_home(s->filter, addr))) {
		endpoint_adopt(y, addr);
	} else {
		sync_done(y, s->tunnel->ops->decap_del(s->tunnel, addr));
	}
}

static void found_local(struct sync *y, const struct in6_addr *addr)
{
	struct dp_kernel *s = y->s;
	int i = endpoint_index(s, addr);

	if (i >= 0)
		s->endpoints[i].seen_local = true;
	else
		sync_done(y, dp_filter_endpoint(s->filter, addr, false));
}

/* What stands there for another way than the default. True: it does. */
static bool found_of_way(const struct sync *y, enum dp_filter_set set, const struct dp_binding *b)
{
	struct steered *w = set == DP_FILTER_LOCAL || b->visit ? NULL :
			    steered_find(y->s, &b->inner);
	bool any = false;

	if (!w)
		return false;
	if (set == DP_FILTER_IN || set == DP_FILTER_IN64)
		return w->seen_in = true;
	if (set == DP_FILTER_TX || set == DP_FILTER_TX64)
		return w->seen_tx = true;
	for (unsigned int i = 0; i < DP_PATHS; i++) {
		w->seen_rx[i] |= in6_eq(&w->s.paths[i].remote, &b->remote);
		any |= in6_eq(&w->s.paths[i].remote, &b->remote);
	}
	return any;
}

static void found_element(void *ctx, enum dp_filter_set set, const struct dp_binding *b)
{
	struct sync *y = ctx;
	struct dp_kernel *s = y->s;
	struct binding *k = set == DP_FILTER_LOCAL ? NULL : binding_find(s, &b->inner);
	bool of_way = found_of_way(y, set, b);

	if (k && k->b.visit != b->visit)
		k = NULL;
	switch (set) {
	case DP_FILTER_RX:
	case DP_FILTER_RX64:
	case DP_FILTER_VRX64:
		if (k && in6_eq(&k->b.remote, &b->remote))
			k->seen_rx = true;
		else if (!of_way)
			sync_done(y, dp_filter_refuse(s->filter, b, &b->remote));
		break;
	case DP_FILTER_IN:
	case DP_FILTER_IN64:
	case DP_FILTER_VIN64:
		if (k)
			k->seen_in = true;
		else if (!of_way)
			sync_done(y, dp_filter_forget(s->filter, b));
		break;
	case DP_FILTER_TX:
	case DP_FILTER_TX64:
	case DP_FILTER_VTX64:
		if (k)
			k->seen_tx = true;
		else if (!of_way)
			sync_done(y, dp_filter_forget(s->filter, b));
		break;
	case DP_FILTER_LOCAL:
		found_local(y, &b->remote);
		break;
	}
}

/* Marks what is there, takes over or removes what is not known. */
static int look(struct sync *y)
{
	struct dp_kernel *s = y->s;
	struct binding *k;
	int err;

	for (k = s->bindings; k; k = k->hh.next) {
		k->seen_nexthop = k->b.visit;	/* it has none */
		k->seen_route = k->seen_rule = k->seen_rx = k->seen_in = k->seen_tx = false;
	}
	steered_unsee(s);
	for (unsigned int i = 0; i < s->n_endpoints; i++)
		s->endpoints[i] = (struct endpoint){
			.addr = s->endpoints[i].addr, .found = s->endpoints[i].found,
			.seen = !s->tunnel->ops->decap_dump,
		};
	err = s->tunnel->ops->decap_dump ?
	      s->tunnel->ops->decap_dump(s->tunnel, found_decap, y) : 0;
	if (err == 0)
		err = dp_nexthop_dump(s->nl, s->tunnel->ops, found_nexthop, y);
	if (err == 0 && s->role == DP_ROLE_MN)
		err = rt_rule_dump(s->nl, found_rule, y);
	if (err == 0)
		err = dp_route_dump(s->tunnel, found_route, y);
	return dp_first_error(err, y->err);
}

/* A rule of an earlier run whose route is gone says nothing of where to. */
static void drop_halves(struct sync *y)
{
	struct dp_kernel *s = y->s;
	struct binding *k, *next;

	HASH_ITER(hh, s->bindings, k, next) {
		if (k->nexthop || k->b.visit)
			continue;
		sync_done(y, binding_remove(s, k));
		binding_forget(s, k);
	}
}

static void put_back_endpoints(struct sync *y)
{
	struct dp_kernel *s = y->s;
	int err = 0;

	for (unsigned int i = 0; i < s->n_endpoints; i++) {
		if (!s->endpoints[i].seen)
			sync_done(y, endpoint_install(s, &s->endpoints[i].addr));
	}
	if (s->n_endpoints == 0)
		return;
	if (s->tunnel->ops->source)
		err = s->tunnel->ops->source(s->tunnel, &s->source);
	if (err != 0)
		sync_done(y, err);
}

static void put_back_bindings(struct sync *y)
{
	struct dp_kernel *s = y->s;
	for (const struct binding *k = s->bindings; k; k = k->hh.next) {
		const struct dp_ends ends = binding_ends(&k->b);

		if (!k->seen_nexthop)
			sync_done(y, nexthop_install(s, k, &ends));
		if (!k->seen_route || (s->role == DP_ROLE_MN && !k->seen_rule))
			sync_done(y, binding_install(s, k, &k->b));
	}
}

static void put_back_ways(struct sync *y, const struct steered *w)
{
	for (unsigned int i = 0; i < DP_PATHS; i++) {
		const struct dp_path *p = &w->s.paths[i];
		const struct dp_binding b = { .inner = w->s.inner, .remote = p->remote };

		if (!in6_is_any(&p->remote) && (!w->seen_rx[i] || !w->seen_in || !w->seen_tx))
			sync_done(y, dp_filter_add(y->s->filter, &b, &b.remote));
	}
}

static void put_back_elements(struct sync *y)
{
	struct dp_kernel *s = y->s;

	for (const struct steered *w = s->steered; w; w = w->hh.next)
		put_back_ways(y, w);

	for (const struct binding *k = s->bindings; k; k = k->hh.next) {
		if (!k->seen_rx || !k->seen_in || !k->seen_tx)
			sync_done(y, dp_filter_add(s->filter, &k->b, &k->b.remote));
		if (!k->seen_tx && k->b.unverified)
			(void)dp_filter_unverified(s->filter, &k->b.inner.addr, true);
	}
	for (unsigned int i = 0; i < s->n_endpoints; i++) {
		if (!s->endpoints[i].seen_local)
			sync_done(y, dp_filter_endpoint(s->filter, &s->endpoints[i].addr, true));
	}
}

/*
 * Reading a set of n elements costs the kernel n squared: it begins at the front for each
 * piece of the answer. Where the kernel says how many there are, it is enough to ask for
 * those that should be there: if they are, and no more, there are no others.
 */
static bool set_is_right(const struct dp_kernel *s, enum dp_filter_set set)
{
	const struct dp_binding *some[DP_FILTER_MANY];
	bool visits = set >= DP_FILTER_VRX64 && set <= DP_FILTER_VTX64;
	bool prefixes = set >= DP_FILTER_RX64 && set <= DP_FILTER_TX64;
	unsigned int n = 0;
	int all = 0;

	if ((prefixes && s->role == DP_ROLE_MN) || (visits && s->n_access == 0))
		return true;
	for (const struct binding *k = s->bindings; k; k = k->hh.next) {
		if (k->b.visit != visits || (!visits && (k->b.inner.len == DP_PREFIX) != prefixes))
			continue;
		all++;
		some[n++] = &k->b;
		if (n < DP_FILTER_MANY)
			continue;
		if (dp_filter_has(s->filter, set, some, n) < 0)
			return false;
		n = 0;
	}
	if (!visits)
		all += (int)(set == DP_FILTER_RX || set == DP_FILTER_RX64 ?
			     steered_pairs(s, prefixes) : steered_alone(s, prefixes));
	return (n == 0 || dp_filter_has(s->filter, set, some, n) == 0) &&
	       dp_filter_count(s->filter, set) == all;
}

static bool sets_are_right(const struct dp_kernel *s)
{
	for (int set = (int)DP_FILTER_RX; set < (int)DP_FILTER_LOCAL; set++)
		if (!set_is_right(s, (enum dp_filter_set)set))
			return false;
	return true;
}

static int put_right_elements(struct sync *y)
{
	int err;

	if (sets_are_right(y->s)) {
		for (struct binding *k = y->s->bindings; k; k = k->hh.next)
			k->seen_rx = k->seen_in = k->seen_tx = true;
		for (struct steered *w = y->s->steered; w; w = w->hh.next) {
			memset(w->seen_rx, true, sizeof(w->seen_rx));
			w->seen_in = w->seen_tx = true;
		}
		err = dp_filter_dump(y->s->filter, DP_FILTER_LOCAL, found_element, y);
	} else {
		err = dp_filter_dump(y->s->filter, DP_FILTER_RX, found_element, y);
	}
	put_back_elements(y);
	return err;
}

/* What all bindings stand on: our device, the tunnel type's, the filter. */
static int ground(struct dp_kernel *s)
{
	int before = s->tunnel->own_ifindex, n;
	int err = rt_device_make(s->nl, s->device, &s->tunnel->own_ifindex);

	if (err < 0)
		return dp_complain(s, "device", err);
	n = s->tunnel->ops->prepare(s->tunnel);
	if (n < 0)
		return dp_complain(s, "tunnels", n);
	if (before != s->tunnel->own_ifindex)
		n++;
	err = visits_prepare(s);
	if (err < 0)
		return dp_complain(s, "rules of visits", err);
	err = dp_filter_repair(s->filter);
	return err < 0 ? dp_complain(s, "filter table", err) : n + err;
}

int dp_sync(struct dp_kernel *s, bool adopt)
{
	struct sync y = { .s = s, .adopt = adopt };
	int err = ground(s);

	if (err < 0)
		return err;
	y.n = err;
	err = look(&y);
	drop_found(&y, err == 0);
	if (err < 0)
		return dp_complain(s, "reading the kernel's state", err);
	drop_halves(&y);
	put_back_endpoints(&y);
	put_back_bindings(&y);
	err = steered_put_back(s);
	if (err < 0)
		return err;
	y.n += err;
	err = put_right_elements(&y);
	if (err < 0)
		return dp_complain(s, "reading the filter", err);
	return y.err < 0 ? y.err : y.n;
}
