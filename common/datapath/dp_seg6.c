/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The seg6 backend: RFC 2473 tunnels by the kernel's segment routing lightweight tunnels
 * (used without segment routing headers), for kernels without ip6_tunnel. Called through
 * dp_ops by io.c of both daemons.
 *
 * HA: a route inner -> nexthop in the main table. MN: per home address a table with a
 * default route and a rule "from inner", both numbered table_base + slot. Decapsulating
 * routes, one per endpoint, in table_base + 99, in front of the local table. Source checks:
 * dp_filter.c.
 *
 * A binding has a nexthop object of its own and moves by replacing that in place: under
 * 200,000 packets a second this lost nothing in 40,000 moves. Objects shared by remote end
 * would need the route replaced, which lost up to 20 packets in the same test (a reader
 * that holds the old route when it dies gets "no route").
 *
 * The outer source address: on the HA that of the network namespace (SET_TUNSRC), set once.
 * Changing that waits for an RCU grace period, 10 to 20 ms in the middle of a handover. On
 * the MN it is therefore left unset; the kernel then takes the preferred address of the
 * device that the route names, ours, where the caller keeps the care-of address.
 */
#include "common/datapath/datapath.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/hash.h"
#include "common/core/log.h"
#include "common/datapath/dp_filter.h"
#include "common/datapath/dp_seg6_kernel.h"
#include "common/sys/rt.h"

#define TABLE_MAIN	254
#define SLOTS		80		/* tables base + 0 to 79; above: care-of prefixes */
#define DECAP_OFFSET	99
#define ENDPOINTS_MAX	64
#define MTU_DEFAULT	1460
/* Ids that nobody else uses by chance; the two roles apart, should they share a kernel. */
#define NEXTHOP_BASE_HA	0x44500000U
#define NEXTHOP_BASE_MN	0x44580000U
#define NEXTHOP_IDS	0x00080000U

struct nexthop {
	uint32_t id;			/* key */
	struct in6_addr remote;
	bool used;			/* a binding's; only open() sees others */
	bool seen;
	UT_hash_handle hh;
};

struct binding {
	struct in6_addr inner;		/* key; all inner prefixes are /128 */
	struct dp_binding b;
	struct nexthop *nh;
	unsigned int slot;		/* MN */
	uint64_t rx_before;		/* counted with remotes that are gone */
	bool seen_route, seen_rule, seen_rx, seen_tx;
	UT_hash_handle hh;
};

struct endpoint {
	struct in6_addr addr;
	bool found;			/* of an earlier run, not named since */
	bool seen, seen_local;		/* its route, its element of the filter */
};

struct seg6 {
	struct dp dp;
	enum dp_role role;
	uint32_t base;
	char device[16];
	int ifindex;
	struct nl *nl, *genl;
	int family;
	struct dp_filter *filter;
	struct in6_addr source;		/* of the tunnels, now: one of the endpoints */
	struct in6_addr source_before;	/* what close() puts back */
	struct endpoint endpoints[ENDPOINTS_MAX];	/* oldest first */
	unsigned int n_endpoints;
	struct binding *bindings;
	struct nexthop *nexthops;
	bool slots[SLOTS];
	uint32_t next_id;
};

static struct seg6 *seg6_of(struct dp *dp)
{
	return (struct seg6 *)(void *)dp;
}

static int complain(const struct seg6 *s, const char *what, int err)
{
	if (err < 0)
		log_warn("seg6: %s: %s%s%s", what, strerror(-err), nl_error(s->nl)[0] ? ": " : "",
			 nl_error(s->nl));
	return err;
}

static int first_error(int a, int b)
{
	return a < 0 ? a : b;
}

static uint32_t decap_table(const struct seg6 *s)
{
	return s->base + DECAP_OFFSET;
}

static uint32_t nexthop_base(const struct seg6 *s)
{
	return s->role == DP_ROLE_HA ? NEXTHOP_BASE_HA : NEXTHOP_BASE_MN;
}

/* --- nexthops ------------------------------------------------------------------- */

static struct nexthop *nexthop_find(const struct seg6 *s, uint32_t id)
{
	struct nexthop *nh;

	HASH_FIND(hh, s->nexthops, &id, sizeof(id), nh);
	return nh;
}

static struct nexthop *nexthop_note(struct seg6 *s, uint32_t id, const struct in6_addr *remote)
{
	struct nexthop *nh = calloc(1, sizeof(*nh));

	if (!nh)
		return NULL;
	nh->id = id;
	nh->remote = *remote;
	HASH_ADD(hh, s->nexthops, id, sizeof(nh->id), nh);
	return nh;
}

static void nexthop_free(struct seg6 *s, struct nexthop *nh)
{
	HASH_DEL(s->nexthops, nh);
	free(nh);
}

static void nexthop_remove(struct seg6 *s, struct nexthop *nh)
{
	if (!nh)
		return;
	(void)seg6_nexthop_del(s->nl, nh->id);
	nexthop_free(s, nh);
}

/* Also makes the tunnel look for its way again: it remembers the route that it found. */
static int nexthop_install(const struct seg6 *s, const struct nexthop *nh,
			   const struct in6_addr *remote)
{
	return complain(s, "nexthop", seg6_nexthop_replace(s->nl, nh->id, remote, s->ifindex));
}

static int nexthop_new(struct seg6 *s, const struct in6_addr *remote, struct nexthop **ret)
{
	struct nexthop *nh;
	uint32_t id;
	int err;

	do {
		id = nexthop_base(s) + s->next_id++ % NEXTHOP_IDS;
	} while (nexthop_find(s, id));
	nh = nexthop_note(s, id, remote);
	if (!nh)
		return -ENOMEM;
	err = nexthop_install(s, nh, remote);
	if (err < 0) {
		nexthop_free(s, nh);
		return err;
	}
	nh->used = true;
	*ret = nh;
	return 0;
}

/* --- endpoints and the outer source ------------------------------------------------ */

static int endpoint_index(const struct seg6 *s, const struct in6_addr *addr)
{
	for (unsigned int i = 0; i < s->n_endpoints; i++) {
		if (in6_eq(&s->endpoints[i].addr, addr))
			return (int)i;
	}
	return -ENOENT;
}

static void endpoint_forget(struct seg6 *s, int i)
{
	s->n_endpoints--;
	memmove(&s->endpoints[i], &s->endpoints[i + 1],
		(s->n_endpoints - (unsigned int)i) * sizeof(s->endpoints[0]));
}

static int endpoint_install(struct seg6 *s, const struct in6_addr *addr)
{
	int err = dp_filter_endpoint(s->filter, addr, true);

	if (err == 0)
		err = seg6_decap_replace(s->nl, decap_table(s), addr, s->ifindex);
	return complain(s, "decapsulation", err);
}

static int endpoint_remove(struct seg6 *s, int i)
{
	const struct in6_addr addr = s->endpoints[i].addr;
	int err = seg6_decap_del(s->nl, decap_table(s), &addr);

	err = first_error(err, dp_filter_endpoint(s->filter, &addr, false));
	endpoint_forget(s, i);
	return err == -ENOENT ? 0 : err;	/* somebody else was quicker */
}

/* What SET_TUNSRC is to hold while we run. */
static struct in6_addr namespace_source(const struct seg6 *s)
{
	return s->role == DP_ROLE_HA ? s->source : in6addr_any;
}

static int use_source(struct seg6 *s, const struct in6_addr *addr)
{
	int old = endpoint_index(s, &s->source), err = 0;

	if (in6_eq(&s->source, addr))
		return 0;
	if (s->role == DP_ROLE_HA)
		err = complain(s, "tunnel source", seg6_source_set(s->genl, s->family, addr));
	if (err < 0)
		return err;
	s->source = *addr;
	/* An endpoint of an earlier run has done its service with the last traffic from it. */
	if (old >= 0 && s->endpoints[old].found)
		(void)endpoint_remove(s, old);
	return 0;
}

static int seg6_endpoint_add(struct dp *dp, const struct in6_addr *addr)
{
	struct seg6 *s = seg6_of(dp);
	int i = endpoint_index(s, addr), err;

	if (i < 0 && s->n_endpoints == ENDPOINTS_MAX)
		return -ENOSPC;
	err = endpoint_install(s, addr);
	if (err < 0)
		return err;
	if (i >= 0)
		endpoint_forget(s, i);
	s->endpoints[s->n_endpoints++] = (struct endpoint){ .addr = *addr };
	/* On an MN with bindings the source moves with the first of them, in set(): until
	 * the HA is told, it accepts the old one only. */
	if (s->role == DP_ROLE_MN && s->bindings && endpoint_index(s, &s->source) >= 0)
		return 0;
	return use_source(s, addr);
}

/* What leaves now is to find its way from the new source. */
static int nexthops_again(const struct seg6 *s)
{
	int err = 0;

	for (const struct nexthop *nh = s->nexthops; nh; nh = nh->hh.next)
		err = first_error(err, nexthop_install(s, nh, &nh->remote));
	return err;
}

static int seg6_endpoint_del(struct dp *dp, const struct in6_addr *addr)
{
	static const struct in6_addr any;
	struct seg6 *s = seg6_of(dp);
	int i = endpoint_index(s, addr), err;

	if (i < 0)
		return -ENOENT;
	err = endpoint_remove(s, i);
	if (!in6_eq(&s->source, addr))
		return err;
	err = first_error(err, use_source(s, s->n_endpoints > 0 ?
					  &s->endpoints[s->n_endpoints - 1].addr : &any));
	return first_error(err, nexthops_again(s));
}

/* --- bindings -------------------------------------------------------------------- */

static struct binding *binding_find(const struct seg6 *s, const struct in6_addr *inner)
{
	struct binding *k;

	HASH_FIND(hh, s->bindings, inner, sizeof(*inner), k);
	return k;
}

static struct binding *binding_note(struct seg6 *s, const struct in6_addr *inner, unsigned int slot)
{
	struct binding *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->inner = *inner;
	k->slot = slot;
	if (s->role == DP_ROLE_MN)
		s->slots[slot] = true;
	HASH_ADD(hh, s->bindings, inner, sizeof(k->inner), k);
	return k;
}

static void binding_forget(struct seg6 *s, struct binding *k)
{
	if (s->role == DP_ROLE_MN)
		s->slots[k->slot] = false;
	HASH_DEL(s->bindings, k);
	free(k);
}

static int free_slot(const struct seg6 *s)
{
	if (s->role == DP_ROLE_HA)
		return 0;
	for (int i = 0; i < SLOTS; i++) {
		if (!s->slots[i])
			return i;
	}
	return -ENOSPC;
}

static struct seg6_route route_of(const struct seg6 *s, const struct binding *k, uint16_t mtu)
{
	struct seg6_route r = { .mtu = mtu ? mtu : MTU_DEFAULT };

	if (k->nh)
		r.nexthop = k->nh->id;
	if (s->role == DP_ROLE_HA) {
		r.dst = (struct in6_prefix){ k->inner, 128 };
		r.table = TABLE_MAIN;
	} else {
		r.table = s->base + k->slot;	/* dst: default */
	}
	return r;
}

static struct rt_rule rule_of(const struct seg6 *s, const struct binding *k)
{
	return (struct rt_rule){
		.from = { k->inner, 128 }, .priority = s->base + k->slot,
		.table = s->base + k->slot,
	};
}

/* Route (and rule) of a binding through its nexthop. */
static int binding_install(const struct seg6 *s, const struct binding *k, uint16_t mtu)
{
	const struct seg6_route route = route_of(s, k, mtu);
	const struct rt_rule rule = rule_of(s, k);
	int err = seg6_route_replace(s->nl, &route);

	if (err == 0 && s->role == DP_ROLE_MN)
		err = rt_rule_add(s->nl, &rule);
	return complain(s, "route", err);
}

static int binding_remove(const struct seg6 *s, const struct binding *k)
{
	const struct seg6_route route = route_of(s, k, k->b.mtu);
	const struct rt_rule rule = rule_of(s, k);
	int err = 0, second;

	if (s->role == DP_ROLE_MN)
		err = rt_rule_del(s->nl, &rule);
	second = seg6_route_del(s->nl, &route);
	if (err == -ENOENT)
		err = 0;
	if (second == -ENOENT)
		second = 0;
	return first_error(err, second);
}

/* The newest care-of address that a binding uses is the source from then on. */
static int follow_source(struct seg6 *s, const struct in6_addr *local)
{
	int now = endpoint_index(s, &s->source), wanted = endpoint_index(s, local);

	if (s->role == DP_ROLE_HA || wanted < 0 || wanted <= now)
		return 0;
	return use_source(s, local);
}

/* After the move: the old remote end may not send any longer. */
static void old_remote_away(struct seg6 *s, struct binding *k)
{
	uint64_t n;

	if (dp_filter_rx(s->filter, &k->inner, &k->b.remote, &n) == 0)
		k->rx_before += n;
	(void)dp_filter_del_rx(s->filter, &k->inner, &k->b.remote);
}

static void filter_away(struct seg6 *s, const struct in6_addr *inner, const struct in6_addr *remote)
{
	(void)dp_filter_del_rx(s->filter, inner, remote);
	(void)dp_filter_del_tx(s->filter, inner);
}

static int set_new(struct seg6 *s, const struct dp_binding *b)
{
	int slot = free_slot(s), err;
	struct binding *k;

	if (slot < 0)
		return slot;
	k = binding_note(s, &b->inner.addr, (unsigned int)slot);
	if (!k)
		return -ENOMEM;
	err = complain(s, "filter", dp_filter_add(s->filter, &b->inner.addr, &b->remote));
	if (err == 0)
		err = follow_source(s, &b->local);
	if (err == 0)
		err = nexthop_new(s, &b->remote, &k->nh);
	if (err == 0)
		err = binding_install(s, k, b->mtu);
	if (err < 0) {
		(void)binding_remove(s, k);
		filter_away(s, &b->inner.addr, &b->remote);
		nexthop_remove(s, k->nh);
		binding_forget(s, k);
		return err;
	}
	k->b = *b;
	return 0;
}

/*
 * Order: what comes from the new remote end is accepted before anything makes it come, and
 * what comes from the old one until everything has left it.
 */
static int set_again(struct seg6 *s, struct binding *k, const struct dp_binding *b)
{
	bool moves = !in6_eq(&k->b.remote, &b->remote);
	int err = complain(s, "filter", dp_filter_add(s->filter, &b->inner.addr, &b->remote));

	if (err == 0)
		err = follow_source(s, &b->local);
	/* On the MN also for the same HA: a new care-of address may leave by another router. */
	if (err == 0 && (moves || s->role == DP_ROLE_MN))
		err = nexthop_install(s, k->nh, &b->remote);
	if (err < 0) {
		if (moves)
			(void)dp_filter_del_rx(s->filter, &b->inner.addr, &b->remote);
		return err;
	}
	if (moves)
		old_remote_away(s, k);
	k->nh->remote = b->remote;
	if (k->b.mtu != b->mtu)
		err = binding_install(s, k, b->mtu);
	k->b = *b;
	return err;
}

static int seg6_set(struct dp *dp, const struct dp_binding *b)
{
	struct seg6 *s = seg6_of(dp);
	struct binding *k = binding_find(s, &b->inner.addr);

	if (b->inner.len != 128)
		return -EOPNOTSUPP;
	return k ? set_again(s, k, b) : set_new(s, b);
}

static int seg6_del(struct dp *dp, const struct in6_prefix *inner)
{
	struct seg6 *s = seg6_of(dp);
	struct binding *k = inner->len == 128 ? binding_find(s, &inner->addr) : NULL;
	int err;

	if (!k)
		return -ENOENT;
	err = complain(s, "removal", binding_remove(s, k));
	nexthop_remove(s, k->nh);
	filter_away(s, &k->inner, &k->b.remote);
	binding_forget(s, k);
	return err;
}

static int seg6_stats(struct dp *dp, const struct in6_prefix *inner, struct dp_stats *ret)
{
	struct seg6 *s = seg6_of(dp);
	const struct binding *k = inner->len == 128 ? binding_find(s, &inner->addr) : NULL;
	struct dp_stats st = { 0 };
	int err;

	if (!k)
		return -ENOENT;
	err = dp_filter_tx(s->filter, &k->inner, &st.tx_packets);
	if (err == 0)
		err = dp_filter_rx(s->filter, &k->inner, &k->b.remote, &st.rx_packets);
	if (err < 0)
		return err;
	st.rx_packets += k->rx_before;
	*ret = st;
	return 0;
}

static int seg6_dump(struct dp *dp, void (*fn)(void *ctx, const struct dp_binding *b), void *ctx)
{
	struct seg6 *s = seg6_of(dp);
	struct binding *k, *next;

	HASH_ITER(hh, s->bindings, k, next) {	/* fn may delete this one */
		const struct dp_binding b = k->b;

		fn(ctx, &b);
	}
	return 0;
}

static int seg6_drops(struct dp *dp, uint64_t *ret)
{
	return dp_filter_drops(seg6_of(dp)->filter, ret);
}

/* --- what the kernel has, and what it should have ------------------------------------ */

struct sync {
	struct seg6 *s;
	int n;				/* things put right */
	int err;
	bool adopt;			/* open(): what is found becomes ours; else it goes */
};

static void sync_done(struct sync *y, int err)
{
	if (err < 0 && err != -ENOENT)
		y->err = first_error(y->err, err);
	else
		y->n++;
}

static void found_nexthop(void *ctx, uint32_t id, const struct in6_addr *remote)
{
	struct sync *y = ctx;
	struct seg6 *s = y->s;
	struct nexthop *nh = nexthop_find(s, id);
	uint32_t base = nexthop_base(s);

	if (id < base || id - base >= NEXTHOP_IDS)
		return;			/* the other role's */
	if (!nh && y->adopt) {
		nh = nexthop_note(s, id, remote);
		if (!nh)
			y->err = -ENOMEM;
	}
	if (!nh)
		sync_done(y, seg6_nexthop_del(s->nl, id));
	else
		nh->seen = in6_eq(&nh->remote, remote);
}

/* The nexthop of a route of an earlier run, if no other binding has it. */
static struct nexthop *nexthop_adopt(const struct sync *y, uint32_t id)
{
	struct nexthop *nh = y->adopt ? nexthop_find(y->s, id) : NULL;

	if (!nh || nh->used)
		return NULL;
	nh->used = true;
	return nh;
}

static void found_ha_route(struct sync *y, const struct seg6_route *r)
{
	struct seg6 *s = y->s;
	struct binding *k = r->dst.len == 128 ? binding_find(s, &r->dst.addr) : NULL;
	struct nexthop *nh;

	if (k) {
		k->seen_route = k->nh->id == r->nexthop;
		return;
	}
	nh = r->dst.len == 128 ? nexthop_adopt(y, r->nexthop) : NULL;
	if (!nh) {
		sync_done(y, seg6_route_del(s->nl, r));
		return;
	}
	k = binding_note(s, &r->dst.addr, 0);
	if (!k) {
		y->err = -ENOMEM;
		return;
	}
	k->b = (struct dp_binding){ r->dst, s->source, nh->remote, r->mtu };
	k->nh = nh;
	k->seen_route = true;
}

static struct binding *binding_in_slot(const struct seg6 *s, uint32_t slot)
{
	for (struct binding *k = s->bindings; k; k = k->hh.next) {
		if (k->slot == slot)
			return k;
	}
	return NULL;
}

/* The rule named the home address already; the remote end comes with the route. */
static void found_mn_route(struct sync *y, const struct seg6_route *r)
{
	struct seg6 *s = y->s;
	struct binding *k = binding_in_slot(s, r->table - s->base);

	if (!k) {
		sync_done(y, seg6_route_del(s->nl, r));
		return;
	}
	if (!k->nh) {
		k->nh = nexthop_adopt(y, r->nexthop);
		if (!k->nh)
			return;
		k->b.remote = k->nh->remote;
		k->b.mtu = r->mtu;
	}
	k->seen_route = k->nh->id == r->nexthop;
}

static void found_route(void *ctx, const struct seg6_route *r)
{
	struct sync *y = ctx;
	const struct seg6 *s = y->s;

	if (s->role == DP_ROLE_HA && r->table == TABLE_MAIN)
		found_ha_route(y, r);
	else if (s->role == DP_ROLE_MN && r->table >= s->base && r->table - s->base < SLOTS)
		found_mn_route(y, r);
}

static void found_rule(void *ctx, const struct rt_rule *r)
{
	struct sync *y = ctx;
	struct seg6 *s = y->s;
	uint32_t slot = r->table - s->base;
	struct binding *k;

	if (r->protocol != DP_PROTOCOL || r->table < s->base || slot >= SLOTS ||
	    r->from.len != 128)
		return;
	k = binding_find(s, &r->from.addr);
	if (k && k->slot == slot) {
		k->seen_rule = true;
	} else if (!k && y->adopt && !s->slots[slot]) {
		k = binding_note(s, &r->from.addr, slot);
		if (!k) {
			y->err = -ENOMEM;
			return;
		}
		k->b.inner = r->from;
		k->b.local = s->source;
		k->seen_rule = true;
	} else {
		sync_done(y, rt_rule_del(s->nl, r));
	}
}

static void found_decap(void *ctx, const struct rt_route *r)
{
	struct sync *y = ctx;
	struct seg6 *s = y->s;
	int i = endpoint_index(s, &r->dst.addr);

	if (i >= 0) {
		s->endpoints[i].seen = true;
	} else if (y->adopt && s->n_endpoints < ENDPOINTS_MAX &&
		   (s->role == DP_ROLE_MN || in6_eq(&r->dst.addr, &s->source))) {
		s->source = r->dst.addr;
		s->endpoints[s->n_endpoints++] = (struct endpoint){
			.addr = r->dst.addr, .found = true, .seen = true,
		};
	} else {
		sync_done(y, seg6_decap_del(s->nl, decap_table(s), &r->dst.addr));
	}
}

static void found_element(void *ctx, const struct in6_addr *inner, const struct in6_addr *remote)
{
	struct sync *y = ctx;
	struct seg6 *s = y->s;
	struct binding *k = inner ? binding_find(s, inner) : NULL;

	int i = inner ? -1 : endpoint_index(s, remote);

	if (i >= 0) {
		s->endpoints[i].seen_local = true;
	} else if (!inner) {
		sync_done(y, dp_filter_endpoint(s->filter, remote, false));
	} else if (!remote) {
		if (k)
			k->seen_tx = true;
		else
			sync_done(y, dp_filter_del_tx(s->filter, inner));
	} else if (k && in6_eq(&k->b.remote, remote)) {
		k->seen_rx = true;
	} else {
		sync_done(y, dp_filter_del_rx(s->filter, inner, remote));
	}
}

/* Marks what is there, takes over or removes what is not known. */
static int look(struct sync *y)
{
	struct seg6 *s = y->s;
	struct nexthop *nh;
	struct binding *k;
	int err;

	for (nh = s->nexthops; nh; nh = nh->hh.next)
		nh->seen = false;
	for (k = s->bindings; k; k = k->hh.next)
		k->seen_route = k->seen_rule = k->seen_rx = k->seen_tx = false;
	for (unsigned int i = 0; i < s->n_endpoints; i++)
		s->endpoints[i].seen = s->endpoints[i].seen_local = false;
	err = rt_route_dump(s->nl, decap_table(s), found_decap, y);
	if (err == 0)
		err = seg6_nexthop_dump(s->nl, found_nexthop, y);
	if (err == 0 && s->role == DP_ROLE_MN)
		err = rt_rule_dump(s->nl, found_rule, y);
	if (err == 0)
		err = seg6_route_dump(s->nl, found_route, y);
	return first_error(err, y->err);
}

/* A rule of an earlier run whose route is gone says nothing of where to. */
static void drop_halves(struct sync *y)
{
	struct seg6 *s = y->s;
	struct binding *k, *next;

	HASH_ITER(hh, s->bindings, k, next) {
		if (k->nh)
			continue;
		sync_done(y, binding_remove(s, k));
		binding_forget(s, k);
	}
}

static void put_back_endpoints(struct sync *y)
{
	struct seg6 *s = y->s;
	struct in6_addr source, wanted = namespace_source(s);

	for (unsigned int i = 0; i < s->n_endpoints; i++) {
		if (!s->endpoints[i].seen)
			sync_done(y, endpoint_install(s, &s->endpoints[i].addr));
	}
	if (s->n_endpoints > 0 && seg6_source_get(s->genl, s->family, &source) == 0 &&
	    !in6_eq(&source, &wanted))
		sync_done(y, seg6_source_set(s->genl, s->family, &wanted));
}

static void put_back_bindings(struct sync *y)
{
	struct seg6 *s = y->s;
	struct nexthop *nh, *next;
	struct binding *k;

	HASH_ITER(hh, s->nexthops, nh, next) {
		if (!nh->used) {
			nexthop_remove(s, nh);
			y->n++;
		} else if (!nh->seen) {
			sync_done(y, nexthop_install(s, nh, &nh->remote));
		}
	}
	for (k = s->bindings; k; k = k->hh.next) {
		if (!k->seen_route || (s->role == DP_ROLE_MN && !k->seen_rule))
			sync_done(y, binding_install(s, k, k->b.mtu));
	}
}

static void put_back_elements(struct sync *y)
{
	struct seg6 *s = y->s;

	for (const struct binding *k = s->bindings; k; k = k->hh.next) {
		if (!k->seen_rx || !k->seen_tx)
			sync_done(y, dp_filter_add(s->filter, &k->inner, &k->b.remote));
	}
	for (unsigned int i = 0; i < s->n_endpoints; i++) {
		if (!s->endpoints[i].seen_local)
			sync_done(y, dp_filter_endpoint(s->filter, &s->endpoints[i].addr, true));
	}
}

static int sync_all(struct seg6 *s, bool adopt)
{
	struct sync y = { .s = s, .adopt = adopt };
	int err = rt_device_make(s->nl, s->device, &s->ifindex), filter;

	if (err < 0)
		return complain(s, "device", err);
	filter = dp_filter_repair(s->filter);
	if (filter < 0)
		return complain(s, "filter table", filter);
	y.n += filter;
	err = look(&y);
	if (err < 0)
		return complain(s, "reading the kernel's state", err);
	drop_halves(&y);
	put_back_endpoints(&y);
	put_back_bindings(&y);
	err = dp_filter_dump(s->filter, found_element, &y);
	put_back_elements(&y);
	if (err == 0)
		err = seg6_rules_first(s->nl, decap_table(s));
	if (err < 0)
		return complain(s, "rules", err);
	y.n += err;
	return y.err < 0 ? y.err : y.n;
}

static int seg6_repair(struct dp *dp)
{
	return sync_all(seg6_of(dp), false);
}

/* --- open and close ---------------------------------------------------------------- */

static void free_records(struct seg6 *s)
{
	struct binding *k, *next_k;
	struct nexthop *nh, *next_nh;

	HASH_ITER(hh, s->bindings, k, next_k)
		binding_forget(s, k);
	HASH_ITER(hh, s->nexthops, nh, next_nh)
		nexthop_free(s, nh);
}

static void remove_all(struct seg6 *s)
{
	struct binding *k, *next;

	HASH_ITER(hh, s->bindings, k, next) {
		(void)binding_remove(s, k);
		nexthop_remove(s, k->nh);
		binding_forget(s, k);
	}
	while (s->n_endpoints > 0)
		(void)endpoint_remove(s, (int)s->n_endpoints - 1);
	(void)seg6_rules_del(s->nl, decap_table(s));
	if (s->role == DP_ROLE_HA || !in6_is_any(&s->source_before))
		(void)seg6_source_set(s->genl, s->family, &s->source_before);
	(void)rt_device_del(s->nl, s->device);
}

static void seg6_close(struct dp *dp, bool keep)
{
	struct seg6 *s = seg6_of(dp);

	if (!keep)
		remove_all(s);
	free_records(s);
	dp_filter_close(s->filter, keep);
	nl_free(s->genl);
	nl_free(s->nl);
	free(s);
}

static int open_sockets(struct seg6 *s)
{
	int err = nl_open(NETLINK_ROUTE, &s->nl);

	if (err == 0)
		err = nl_open(NETLINK_GENERIC, &s->genl);
	if (err < 0)
		return err;
	s->family = nl_genl_family(s->genl, "SEG6");
	if (s->family < 0)
		return s->family;
	err = seg6_source_get(s->genl, s->family, &s->source);
	if (err < 0 || s->role == DP_ROLE_HA || in6_is_any(&s->source))
		return err;
	s->source_before = s->source;
	s->source = in6addr_any;
	return seg6_source_set(s->genl, s->family, &s->source);
}

static int seg6_open(const struct dp_config *cfg, struct dp **ret)
{
	struct seg6 *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->dp.ops = &dp_seg6;
	s->role = cfg->role;
	s->base = cfg->table_base ? cfg->table_base : DP_TABLE_BASE;
	(void)snprintf(s->device, sizeof(s->device), "%s", cfg->device);
	err = open_sockets(s);
	if (err == 0)
		err = dp_filter_open(s->role, &s->filter);
	if (err == 0)
		err = sync_all(s, true);
	if (err < 0) {
		seg6_close(&s->dp, true);
		return err;
	}
	/* A source that is no endpoint of an earlier run was somebody else's. */
	if (s->role == DP_ROLE_HA && endpoint_index(s, &s->source) < 0)
		s->source_before = s->source;
	*ret = &s->dp;
	return 0;
}

const struct dp_ops dp_seg6 = {
	.name = "seg6",
	.probe = seg6_probe,
	.open = seg6_open,
	.endpoint_add = seg6_endpoint_add,
	.endpoint_del = seg6_endpoint_del,
	.set = seg6_set,
	.del = seg6_del,
	.stats = seg6_stats,
	.dump = seg6_dump,
	.repair = seg6_repair,
	.drops = seg6_drops,
	.close = seg6_close,
};
