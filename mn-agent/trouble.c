/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMPv6 errors about Binding Updates (RFC 6275 11.3.5, RFC 4443 3). Owns nothing; called by
 * io.c. Whoever reports one has to show the Binding Update, with the authenticator that only
 * this host and the home agent can make and without an answer so far; even then it is a hint.
 */
#include <stdio.h>

#include "common/wire/cksum.h"
#include "common/wire/ext.h"
#include "common/wire/icmp6.h"
#include "mn-agent/bu.h"
#include "mn-agent/mn_private.h"

struct error {
	struct in6_addr reporter, us;
	uint8_t type, code;
	struct ip6_packet ip;		/* the packet that it is about, */
	const uint8_t *mh;		/* and its Mobility Header */
	struct mh_msg msg;
};

static bool decode(const void *data, size_t len, struct error *ret)
{
	struct ip6_packet ip;
	struct rbuf r;

	if (ip6_decode(data, len, &ip) || ip.next_header != IP6_NH_ICMP6)
		return false;
	rb_init(&r, (const uint8_t *)data + ip.payload_off, ip.payload_len);
	if (cksum_ip6(&ip.src, &ip.dst, IP6_NH_ICMP6, r.p, ip.payload_len) != 0)
		return false;
	ret->reporter = ip.src;
	ret->us = ip.dst;
	ret->type = rb_u8(&r);
	ret->code = rb_u8(&r);
	rb_skip(&r, 6);
	/* A Binding Update is short: it comes back whole. */
	if (r.err || ip6_decode(r.p, rb_left(&r), &ret->ip) ||
	    ret->ip.next_header != MH_NEXT_HEADER)
		return false;
	ret->mh = r.p + ret->ip.payload_off;
	return mh_decode(ret->mh, ret->ip.payload_len, ip6_cksum_src(&ret->ip),
			 ip6_cksum_dst(&ret->ip), &ret->msg, NULL) == MH_OK;
}

static struct anchor *find(struct mn *mn, const struct error *e)
{
	struct anchor *a = mn_anchor(mn, ip6_cksum_src(&e->ip));

	if (!a || e->msg.type != MH_BU || !in6_eq(&e->ip.src, &a->coa) ||
	    !in6_eq(&e->us, &a->coa) || !in6_eq(&e->ip.dst, &a->ha) ||
	    !anchor_seq_outstanding(a, e->msg.u.bu.seq) ||
	    ba_check(&e->msg, e->mh, e->ip.payload_len, &a->coa, &a->hoa, a->key) != BA_GOOD)
		return NULL;
	return a;
}

/* RFC 4443 3.1, 3.3; NULL: nothing that would explain a silence. */
static const char *from_the_way(const struct error *e)
{
	static const char *const unreachable[] = {
		"no route to it", "it is not allowed to pass", "beyond the scope of the source",
		"nobody answers at its address", "nobody listens there",
		"it is not allowed to pass from this source", "the route to it rejects packets",
	};

	if (e->type == ICMP6_UNREACHABLE && e->code < sizeof(unreachable) / sizeof(unreachable[0]))
		return unreachable[e->code];
	return e->type == ICMP6_TIME_EXCEEDED ? "there is a loop on the way to it" : NULL;
}

/* RFC 6275 11.3.5: what a node says that does not know Mobile IPv6. Nobody else can. */
static const char *from_the_node(const struct error *e)
{
	static const char *const problem[] = {
		"it finds the Binding Update wrong", "it does not know the Mobility Header",
		"it does not know the Home Address option",
	};

	if (e->type != ICMP6_PARAM_PROBLEM || !in6_eq(&e->reporter, &e->ip.dst) ||
	    e->code >= sizeof(problem) / sizeof(problem[0]))
		return NULL;
	return problem[e->code];
}

void mn_rx_update_error(struct mn *mn, const void *data, size_t len, usec_t now)
{
	const char *way, *node;
	struct anchor *a;
	struct error e;
	char what[sizeof(a->hint)];

	if (!decode(data, len, &e)) {
		mn_bad_packet(mn, data, len, now);
		return;
	}
	way = from_the_way(&e);
	node = from_the_node(&e);
	a = find(mn, &e);
	if (!a || (!way && !node)) {
		mn->counters[MN_C_UPDATE_ERROR_UNKNOWN]++;
		mn_bad(mn, &e.reporter, now);
		return;
	}
	mn->counters[MN_C_UPDATE_ERROR]++;
	if (node) {
		anchor_hint(a, ANCHOR_HINT_NO_HOME_AGENT, node, now);
		return;
	}
	snprintf(what, sizeof(what), "%s says: %s", in6_str(&e.reporter).s, way);
	anchor_hint(a, ANCHOR_HINT_TROUBLE, what, now);
}
