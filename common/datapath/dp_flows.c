/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flow bindings in the data path's nftables table (RFC 6089 4.1, RFC 7864 5.2): who has several
 * ways has a chain, to which a map leads by the destination; its rules stand in the order of
 * priority, and the first that matches puts the mark of its way on the packet. A routing rule
 * takes it from there (dp_steer.c). To move a flow is to change its rule, in one transaction.
 * Owns nothing; called by dp_filter.c.
 */
#include "common/datapath/dp_flows.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

struct text {
	char *at;
	size_t len, room;
};

static void put(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (t->len >= t->room)
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->at + t->len, t->room - t->len, fmt, ap);
	va_end(ap);
	t->len += n < 0 ? t->room : (size_t)n;
}

static int done(const struct text *t)
{
	return t->len < t->room ? 0 : -ENOBUFS;
}

bool dp_flows_any(const struct dp_steer *s)
{
	for (unsigned int i = 0; i < DP_PATHS; i++)
		if (!in6_is_any(&s->paths[i].remote))
			return true;
	return false;
}

/* The octets that the maps have as keys. */
static struct dp_flows_name digits(const char *before, const struct in6_prefix *inner)
{
	unsigned int octets = inner->len == DP_PREFIX ? DP_PREFIX / 8 : 16;
	struct dp_flows_name n;
	int at = snprintf(n.s, sizeof(n.s), "%s", before);

	for (unsigned int i = 0; i < octets; i++)
		at += snprintf(n.s + at, sizeof(n.s) - (size_t)at, "%02x", inner->addr.s6_addr[i]);
	return n;
}

static struct dp_flows_name chain_of(const struct in6_prefix *inner)
{
	return digits(DP_FLOWS_CHAIN, inner);
}

struct dp_flows_name dp_flows_counter(const struct in6_prefix *inner, unsigned int path)
{
	char before[16];

	(void)snprintf(before, sizeof(before), "way%u_", path);
	return digits(before, inner);
}

int dp_flows_base(const char *table, const char *chain, char *text, size_t room,
		  unsigned int *ret_n_rules)
{
	struct text t = { .at = text, .room = room };

	put(&t, "add map inet %s flows { type ipv6_addr : verdict; size 1048576; }\n"
	    "add map inet %s flows64 { typeof @nh,192,64 : verdict; size 1048576; }\n"
	    "add rule inet %s %s meta nfproto ipv6 @nh,192,64 vmap @flows64\n"
	    "add rule inet %s %s ip6 daddr vmap @flows\n", table, table, table, chain, table, chain);
	*ret_n_rules = 2;
	return done(&t);
}

int dp_flows_text(const char *table, const struct dp_steer *s, char *text, size_t room,
		  unsigned int *ret_n)
{
	const struct dp_flows_name chain = chain_of(&s->inner);
	struct text t = { .at = text, .room = room };

	*ret_n = 0;
	put(&t, "add chain inet %s %s\nflush chain inet %s %s\n", table, chain.s, table, chain.s);
	for (unsigned int i = 0; i < DP_PATHS; i++)
		put(&t, "add counter inet %s %s\n", table, dp_flows_counter(&s->inner, i).s);
	for (unsigned int i = 0; i < s->n_flows; i++) {
		const struct dp_flow *f = &s->flows[i];

		put(&t, "add rule inet %s %s %s", table, chain.s, selector_nft(&f->what, true).s);
		if (f->path >= 0)
			put(&t, "counter name %s meta mark set %#x ",
			    dp_flows_counter(&s->inner, (unsigned int)f->path).s,
			    DP_PATH_MARK + (unsigned int)f->path);
		put(&t, "return\n");
		++*ret_n;
	}
	return done(&t);
}

/* As the maps are typed: raw octets have no other form than a number. */
static void element(struct text *t, const char *verb, const char *table,
		    const struct in6_prefix *inner, const char *value)
{
	if (inner->len == DP_PREFIX)
		put(t, "%s element inet %s flows64 { %s%s }\n", verb, table,
		    digits("0x", inner).s, value);
	else
		put(t, "%s element inet %s flows { %s%s }\n", verb, table,
		    in6_str(&inner->addr).s, value);
}

int dp_flows_enter(const char *table, const struct in6_prefix *inner, char *text, size_t room)
{
	struct text t = { .at = text, .room = room };
	char value[64];

	(void)snprintf(value, sizeof(value), " : jump %s", chain_of(inner).s);
	element(&t, "add", table, inner, value);
	return done(&t);
}

int dp_flows_leave(const char *table, const struct in6_prefix *inner, char *text, size_t room)
{
	struct text t = { .at = text, .room = room };

	element(&t, "delete", table, inner, "");
	return done(&t);
}

int dp_flows_drop(const char *table, const struct in6_prefix *inner, char *text, size_t room)
{
	const struct dp_flows_name chain = chain_of(inner);
	struct text t = { .at = text, .room = room };

	put(&t, "flush chain inet %s %s\ndelete chain inet %s %s\n", table, chain.s, table, chain.s);
	for (unsigned int i = 0; i < DP_PATHS; i++)
		put(&t, "delete counter inet %s %s\n", table, dp_flows_counter(inner, i).s);
	return done(&t);
}
