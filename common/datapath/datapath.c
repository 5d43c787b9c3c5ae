/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of data path backends, the choice among them, and --cleanup. Called by main.c
 * and io.c of both daemons.
 */
#include "common/datapath/datapath.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

#include "common/datapath/dp_filter.h"
#include "common/datapath/dp_tunnel.h"
#include "common/sys/rt.h"

#define TABLE_LOCAL	255

/* In the order of preference. */
static const struct dp_ops *const backends[] = { &dp_ip6tnl, &dp_seg6, &dp_null, NULL };
const struct dp_tunnel_ops *const dp_tunnel_types[] = { &dp_ip6tnl_tunnel, &dp_seg6_tunnel, NULL };

const struct dp_ops *const *dp_all(void)
{
	return backends;
}

static int choose_named(const char *name, const struct dp_ops **ret, char *why, size_t len)
{
	char names[128] = "";
	size_t n = 0;

	for (const struct dp_ops *const *b = backends; *b; b++) {
		if (strcmp((*b)->name, name) == 0) {
			int err = (*b)->probe(why, len);

			if (err < 0)
				return -ENOTSUP;
			*ret = *b;
			return 0;
		}
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", n ? ", " : "",
				      (*b)->name);
	}
	(void)snprintf(why, len, "no data path \"%s\"; expected one of %s", name, names);
	return -ENOENT;
}

int dp_choose(const char *name, const struct dp_ops **ret, char *why, size_t len)
{
	size_t n = 0;

	if (len > 0)
		why[0] = '\0';
	if (name)
		return choose_named(name, ret, why, len);
	for (const struct dp_ops *const *b = backends; *b; b++) {
		char reason[256] = "";

		if (*b == &dp_null)
			continue;	/* moves nothing: only when asked for */
		if ((*b)->probe(reason, sizeof(reason)) == 0) {
			*ret = *b;
			return 0;
		}
		if (n < len)
			n += (size_t)snprintf(why + n, len - n, "%s%s: %s", n ? "; " : "",
					      (*b)->name, reason);
	}
	return -ENOTSUP;
}

struct cleanup {
	struct nl *nl;
	int n, err;
};

static void removed(struct cleanup *c, int err)
{
	if (err == 0)
		c->n++;
	else if (err != -ENOENT && c->err == 0)
		c->err = err;
}

static void on_rule(void *ctx, const struct rt_rule *r)
{
	struct cleanup *c = ctx;

	/* A stand-in for the local rule may be the only one: it was put right before. */
	if (r->protocol == DP_PROTOCOL && r->table != TABLE_LOCAL)
		removed(c, rt_rule_del(c->nl, r));
}

static void on_route(void *ctx, const struct rt_route *r)
{
	struct cleanup *c = ctx;

	removed(c, rt_route_del(c->nl, r));
}

static void on_nexthop(void *ctx, uint32_t id, const struct dp_ends *ends)
{
	struct cleanup *c = ctx;

	(void)ends;
	removed(c, dp_nexthop_del(c->nl, id));
}

static void on_neigh(void *ctx, int ifindex, const struct in6_addr *addr)
{
	struct cleanup *c = ctx;

	removed(c, rt_neigh_del(c->nl, ifindex, addr));
}

/* On links of others; with our device its own go. */
static void on_addr(void *ctx, const struct rt_addr *a)
{
	struct cleanup *c = ctx;
	int err = a->protocol == DP_PROTOCOL ?
		  rt_addr_del(c->nl, a->ifindex, &a->addr, a->plen) : -ENOENT;

	removed(c, err == -EADDRNOTAVAIL ? -ENOENT : err);
}

/* n: how many things at once, or an error. */
static void counted(struct cleanup *c, int n)
{
	if (n > 0)
		c->n += n;
	else if (n < 0 && n != -ENOENT && c->err == 0)
		c->err = n;
}

int dp_cleanup(uint32_t table_base, const char *device)
{
	struct cleanup c = { 0 };
	int err = nl_open(NETLINK_ROUTE, &c.nl);

	if (err < 0)
		return err;
	for (const struct dp_tunnel_ops *const *t = dp_tunnel_types; *t; t++)
		counted(&c, (*t)->cleanup(c.nl, table_base + DP_DECAP_OFFSET));
	counted(&c, rt_rule_dump(c.nl, on_rule, &c));
	counted(&c, rt_route_dump(c.nl, 0, on_route, &c));
	counted(&c, dp_nexthop_dump(c.nl, NULL, on_nexthop, &c));
	counted(&c, rt_neigh_dump(c.nl, on_neigh, &c));
	removed(&c, rt_device_del(c.nl, device));
	counted(&c, rt_addr_dump(c.nl, on_addr, &c));
	counted(&c, dp_filter_remove_all());
	nl_free(c.nl);
	return c.err < 0 ? c.err : c.n;
}
