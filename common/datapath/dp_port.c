/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules of the home agent's table about a TCP port that is for hosts on its access links alone
 * (where they get their keys); called by dp_filter.c. Whoever is not on such a link gets no
 * answer, not even that nobody listens: RFC 5082 3 (hop limit 255, so from the link), the
 * link by its name, a source that has a prefix of ours. Who is there may begin only so many
 * connections at a time, so that the kernel's queue of those that were begun stays open for
 * others. The socket's own options say the same but for silence (keyserver.c).
 *
 * Sets: `port_host`, sources of connections by their /64 where each host has one, and
 * `port_address`, by their address where hosts share a prefix; each element with its limit.
 */
#include "common/datapath/dp_port.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define BEGINS	"tcp flags & (syn|ack) == syn"
#define LIMIT	"limit rate over 5/second burst 20 packets"
#define SHARED	64		/* octets of the prefix that hosts share; else it is shorter */

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

static void put_access(struct text *t, const struct dp_port *p)
{
	for (unsigned int i = 0; i < p->n_access; i++)
		put(t, "%s \"%s\"", i > 0 ? "," : "", p->access[i]);
}

/* Of all homes, or of those whose prefix hosts share; how many. */
static unsigned int put_prefixes(struct text *t, const struct dp_home *homes, unsigned int n,
				 bool only_shared)
{
	unsigned int put_so_far = 0;

	for (unsigned int i = 0; i < n; i++)
		if (!only_shared || homes[i].prefix.len == SHARED)
			put(t, "%s %s", put_so_far++ > 0 ? "," : "",
			    in6_prefix_str(&homes[i].prefix).s);
	return put_so_far;
}

static bool any_shared(const struct dp_home *homes, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (homes[i].prefix.len == SHARED)
			return true;
	return false;
}

int dp_port_text(const char *table, const struct dp_port *p, const struct dp_home *homes,
		 unsigned int n_homes, char *text, size_t room, unsigned int *ret_n)
{
	struct text t = { .at = text, .room = room };
	unsigned int n = 7;

	put(&t, "add counter inet %s port_strangers\nadd counter inet %s port_limited\n"
	    "add set inet %s port_host { type ipv6_addr; size 65535; flags dynamic,timeout;"
	    " timeout 1m; }\n"
	    "add set inet %s port_address { type ipv6_addr; size 65535; flags dynamic,timeout;"
	    " timeout 1m; }\n"
	    "add chain inet %s port { type filter hook input priority raw; policy accept; }\n"
	    "flush chain inet %s port\n", table, table, table, table, table, table);
	put(&t, "add rule inet %s port meta nfproto != ipv6 accept\n", table);
	put(&t, "add rule inet %s port meta l4proto != 6 accept\n", table);
	put(&t, "add rule inet %s port tcp dport != %u accept\n", table, p->port);
	put(&t, "add rule inet %s port @nh,192,128 != @local accept\n", table);
	put(&t, "add rule inet %s port iifname != {", table);
	put_access(&t, p);
	put(&t, " } counter name port_strangers drop\n");
	/* RFC 5082 3. */
	put(&t, "add rule inet %s port ip6 hoplimit != 255 counter name port_strangers drop\n",
	    table);
	put(&t, "add rule inet %s port ip6 saddr != {", table);
	(void)put_prefixes(&t, homes, n_homes, false);
	put(&t, " } counter name port_strangers drop\n");
	if (any_shared(homes, n_homes)) {
		put(&t, "add rule inet %s port ip6 saddr {", table);
		(void)put_prefixes(&t, homes, n_homes, true);
		put(&t, " } " BEGINS " update @port_address { ip6 saddr " LIMIT " }"
		    " counter name port_limited drop\n");
		put(&t, "add rule inet %s port ip6 saddr {", table);
		(void)put_prefixes(&t, homes, n_homes, true);
		put(&t, " } accept\n");
		n += 2;
	}
	put(&t, "add rule inet %s port " BEGINS " update @port_host { ip6 saddr &"
	    " ffff:ffff:ffff:ffff:: " LIMIT " } counter name port_limited drop\n", table);
	*ret_n = n + 1;
	return t.len < t.room ? 0 : -ENOBUFS;
}
