/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Routes and addresses of ours in the kernel that an earlier run left, or that are right no
 * more. Owns nothing; called by io.c.
 */
#include "ha-agent/stale.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "common/sys/rt.h"

struct found_routes {
	const struct ha *ha;		/* NULL: every route to a host, or about a pool */
	struct rt_route *routes;
	size_t n, cap;
	unsigned int known;
	bool failed;
};

static bool is_pool(const struct ha *ha, const struct in6_prefix *p)
{
	for (unsigned int i = 0; i < ha->n_homes; i++)
		if (ha->homes[i].cfg.mode == HOME_PER_HOST && ha->homes[i].state != HOME_GONE &&
		    in6_prefix_eq(&ha->homes[i].cfg.prefix, p))
			return true;
	return false;
}

static bool is_ours(const struct ha *ha, const struct in6_prefix *p)
{
	for (unsigned int i = 0; i < ha->n_homes; i++)
		if (in6_in(&ha->homes[i].cfg.prefix, &p->addr))
			return true;
	return false;
}

static bool is_known(const struct ha *ha, const struct rt_route *r)
{
	const struct lease *l;

	if (r->unreachable)
		return is_pool(ha, &r->dst);
	/* Of another router: a visitor's. */
	if (!is_ours(ha, &r->dst))
		return !ha->mag.settled || mag_visits(ha, &r->dst);
	l = ha_find_lease(ha, &r->dst.addr);
	return l && l->state == LEASE_ATTACHED && l->interface->ifindex == r->ifindex;
}

static void on_route(void *ctx, const struct rt_route *r)
{
	struct found_routes *f = ctx;

	if (!r->unreachable && (r->dst.len != 64 || !in6_is_linklocal(&r->via)))
		return;
	if (f->ha && is_known(f->ha, r)) {
		f->known += !r->unreachable && is_ours(f->ha, &r->dst);
		return;
	}
	if (f->n == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : 64;
		struct rt_route *bigger = realloc(f->routes, cap * sizeof(*bigger));

		if (!bigger) {
			f->failed = true;
			return;
		}
		f->routes = bigger;
		f->cap = cap;
	}
	f->routes[f->n++] = *r;
}

int stale_routes(struct nl *nl, const struct ha *ha, unsigned int *ret_known)
{
	struct found_routes f = { .ha = ha };
	int err = rt_route_dump(nl, RT_TABLE_MAIN, on_route, &f);

	if (err == 0 && f.failed)
		err = -ENOMEM;
	for (size_t i = 0; err == 0 && i < f.n; i++) {
		(void)rt_route_del(nl, &f.routes[i]);
		(void)rt_neigh_del(nl, f.routes[i].ifindex, &f.routes[i].via);
	}
	free(f.routes);
	if (err < 0)
		return err;
	if (ret_known)
		*ret_known = f.known;
	return (int)f.n;
}

struct found_addrs {
	const struct ha *ha;		/* NULL: every one */
	struct rt_addr addrs[HA_MAX_HOMES];	/* more of them at the next start */
	unsigned int n;
};

/* Of ours only those on shared home links have the length of a prefix. */
static void on_home_addr(void *ctx, const struct rt_addr *a)
{
	static const struct in6_addr router = MAG_ROUTER_LINK_LOCAL;
	struct found_addrs *f = ctx;

	if (a->protocol != RT_PROTOCOL || a->plen != 64 || f->n == HA_MAX_HOMES)
		return;
	if (f->ha && f->ha->cfg->fixed_router_address && in6_eq(&a->addr, &router))
		return;
	for (unsigned int i = 0; f->ha && i < f->ha->n_homes; i++) {
		const struct ha_home *h = &f->ha->homes[i];

		if (h->link && h->link->ifindex == a->ifindex &&
		    in6_eq(&h->cfg.address, &a->addr))
			return;
	}
	f->addrs[f->n++] = *a;
}

int stale_addrs(struct nl *nl, const struct ha *ha)
{
	struct found_addrs f = { .ha = ha };
	int err = rt_addr_dump(nl, on_home_addr, &f);

	for (unsigned int i = 0; err == 0 && i < f.n; i++)
		err = rt_addr_del(nl, f.addrs[i].ifindex, &f.addrs[i].addr, f.addrs[i].plen);
	return err < 0 ? err : (int)f.n;
}
