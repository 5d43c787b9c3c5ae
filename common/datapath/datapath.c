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
#include "common/datapath/dp_seg6_kernel.h"
#include "common/sys/rt.h"

#define TABLE_LOCAL	255
#define DECAP_OFFSET	99

/* In the order of preference. */
static const struct dp_ops *const backends[] = { &dp_seg6, &dp_null, NULL };

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
	struct in6_addr source;		/* outer source of tunnels; unspecified: none */
	bool source_is_ours;
	uint32_t decap_table;
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

	if (r->table == c->decap_table && in6_eq(&r->dst.addr, &c->source))
		c->source_is_ours = true;
	removed(c, rt_route_del(c->nl, r));
}

static void on_nexthop(void *ctx, uint32_t id, const struct in6_addr *remote)
{
	struct cleanup *c = ctx;

	(void)remote;
	removed(c, seg6_nexthop_del(c->nl, id));
}

static void on_neigh(void *ctx, int ifindex, const struct in6_addr *addr)
{
	struct cleanup *c = ctx;

	removed(c, rt_neigh_del(c->nl, ifindex, addr));
}

static void note(struct cleanup *c, int err)
{
	if (err < 0 && err != -ENOENT && c->err == 0)
		c->err = err;
}

/* The outer source of tunnels goes back to the kernel's choice, if it was ours. */
static int find_source(struct cleanup *c, struct nl **ret, int *ret_family)
{
	struct nl *genl;
	int err = nl_open(NETLINK_GENERIC, &genl), family;

	if (err < 0)
		return err;
	family = nl_genl_family(genl, "SEG6");
	if (family < 0 || seg6_source_get(genl, family, &c->source) < 0) {
		nl_free(genl);
		return -ENOENT;		/* a kernel without: nothing to put back */
	}
	*ret = genl;
	*ret_family = family;
	return 0;
}

int dp_cleanup(uint32_t table_base, const char *device)
{
	static const struct in6_addr any;
	struct cleanup c = { .decap_table = table_base + DECAP_OFFSET };
	struct nl *genl = NULL;
	int err = nl_open(NETLINK_ROUTE, &c.nl), family = 0;

	if (err < 0)
		return err;
	note(&c, find_source(&c, &genl, &family));
	note(&c, seg6_rules_standin_away(c.nl, c.decap_table));
	note(&c, rt_rule_dump(c.nl, on_rule, &c));
	note(&c, rt_route_dump(c.nl, 0, on_route, &c));
	note(&c, seg6_nexthop_dump(c.nl, on_nexthop, &c));
	note(&c, rt_neigh_dump(c.nl, on_neigh, &c));
	if (c.source_is_ours)
		removed(&c, seg6_source_set(genl, family, &any));
	removed(&c, rt_device_del(c.nl, device));
	err = dp_filter_remove_all();
	note(&c, err);
	if (err > 0)
		c.n += err;
	nl_free(genl);
	nl_free(c.nl);
	return c.err < 0 ? c.err : c.n;
}
