/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMPv6 errors about tunnel packets of ours, told on to those who sent what was inside
 * (RFC 2473 8). Called by io.c. Owns nothing.
 *
 * That is also how senders learn how large a packet may be: the first router, this one
 * included, whose link is too small for the tunnel packet says so to its source, which is
 * the home agent. No state is kept; each packet that was too large is answered from the
 * error that it caused, so the value is always that of the path of the moment.
 */
#include <string.h>

#include "common/wire/cksum.h"
#include "ha-agent/bcache.h"
#include "ha-agent/ha.h"

#define ICMP6_INFORMATIONAL	128	/* types from here on are no errors */
#define CODE_ADDRESS		3	/* address unreachable */
#define CODE_HOP_LIMIT		0
#define IP6_MIN_MTU		1280	/* RFC 8200 5 */

/* An error about a tunnel packet, and what is known of the packet inside. */
struct tunnel_error {
	struct in6_addr reporter, us;
	uint8_t type, code;
	uint32_t value;			/* the MTU, in a Packet Too Big */
	struct in6_addr outer_src, outer_dst;
	const uint8_t *inner;		/* as much of it as came back */
	size_t inner_len;
	size_t inner_whole;		/* how long it was */
	struct in6_addr inner_src, inner_dst;
	uint8_t inner_next;
};

/* An IPv6 header; its payload is what is left in r. */
static bool read_ip6(struct rbuf *r, struct in6_addr *src, struct in6_addr *dst, uint8_t *next,
		     size_t *ret_whole)
{
	uint32_t first = rb_u32(r);

	*ret_whole = IP6_HDR_LEN + (size_t)rb_u16(r);
	*next = rb_u8(r);
	rb_skip(r, 1);
	rb_in6(r, src);
	rb_in6(r, dst);
	return !r->err && first >> 28 == 6;
}

static bool read_error(const void *data, size_t len, struct tunnel_error *e)
{
	struct ip6_packet ip;
	struct rbuf r;
	uint8_t next;
	size_t whole;

	if (ip6_decode(data, len, &ip) != IP6_OK || ip.next_header != IP6_NH_ICMP6)
		return false;
	rb_init(&r, (const uint8_t *)data + ip.payload_off, ip.payload_len);
	if (cksum_ip6(&ip.src, &ip.dst, IP6_NH_ICMP6, r.p, ip.payload_len) != 0)
		return false;
	e->reporter = ip.src;
	e->us = ip.dst;
	e->type = rb_u8(&r);
	e->code = rb_u8(&r);
	rb_skip(&r, 2);
	e->value = rb_u32(&r);
	/* Our tunnel packets have no header between the two. */
	if (!read_ip6(&r, &e->outer_src, &e->outer_dst, &next, &whole) || next != IP6_NH_TUNNEL)
		return false;
	e->inner = r.p;
	e->inner_len = rb_left(&r);
	return read_ip6(&r, &e->inner_src, &e->inner_dst, &e->inner_next, &e->inner_whole);
}

/* RFC 4443 2.4 e: nothing is sent because of an error, a redirect, or what is not one node's
 * packet. What hides its upper layer may be one of those. */
static bool answerable(const struct ha *ha, const struct tunnel_error *e)
{
	struct rbuf r;
	uint8_t next = e->inner_next, type;

	if (!in6_is_routable(&e->inner_src) || ha_is_own_address(ha, &e->inner_src))
		return false;
	rb_init(&r, e->inner, e->inner_len);
	rb_skip(&r, IP6_HDR_LEN);
	while (next == IP6_NH_HOPOPTS || next == IP6_NH_ROUTING || next == IP6_NH_DSTOPTS ||
	       next == IP6_NH_FRAGMENT) {
		uint8_t header = next, len, offset;

		next = rb_u8(&r);
		len = rb_u8(&r);
		offset = rb_u8(&r);
		/* A later fragment does not say of what, except that its first one did. */
		if (header == IP6_NH_FRAGMENT && (offset != 0 || rb_u8(&r) >> 3 != 0))
			return !r.err && next != IP6_NH_ICMP6;
		rb_skip(&r, header == IP6_NH_FRAGMENT ? 4 : (size_t)len * 8 + 5);
	}
	if (r.err)
		return false;
	if (next != IP6_NH_ICMP6)
		return true;
	type = rb_u8(&r);
	return !r.err && type >= ICMP6_INFORMATIONAL && type != ICMP6_REDIRECT;
}

/* RFC 2473 8.1, 8.2. Fills in what the sender is to be told and returns true, or returns
 * false; *count is the counter of either. */
static bool translate(const struct tunnel_error *e, struct ha_icmp6_error *told,
		      enum ha_counter *count)
{
	*count = HA_TUNNEL_ERROR_USELESS;
	switch (e->type) {
	case ICMP6_TOO_BIG:
		told->type = ICMP6_TOO_BIG;
		told->value = IP6_MIN_MTU;
		if (e->value > IP6_MIN_MTU + IP6_HDR_LEN)
			told->value = e->value - IP6_HDR_LEN;
		if (e->inner_whole > told->value) {
			*count = HA_TX_TOO_BIG;
			return true;
		}
		/* RFC 2473 7.1: the sender may not be asked for less. */
		if (e->value < e->inner_whole + IP6_HDR_LEN)
			*count = HA_TUNNEL_PATH_SMALL;
		return false;
	case ICMP6_TIME_EXCEEDED:
		/* The time is over for fragments: a lost packet, not a lost path. */
		if (e->code != CODE_HOP_LIMIT)
			return false;
		/* Found here: it is the packet's own hop limit, which comes to its end at
		 * the entry of the tunnel. Further on it is the tunnel's. */
		if (in6_eq(&e->reporter, &e->us)) {
			told->type = ICMP6_TIME_EXCEEDED;
			*count = HA_TX_TIME_EXCEEDED;
			return true;
		}
		break;
	case ICMP6_UNREACHABLE:
		break;
	default:
		/* A parameter problem: about an encapsulation limit, of which we send none. */
		return false;
	}
	told->type = ICMP6_UNREACHABLE;
	told->code = CODE_ADDRESS;
	*count = HA_TX_UNREACHABLE;
	return true;
}

/* The quoted packet is one that we may have sent: strangers get nothing out of us. */
static bool is_ours(const struct ha *ha, const struct tunnel_error *e)
{
	const struct binding *b;

	if (!ha_is_own_address(ha, &e->us) || !in6_eq(&e->us, &e->outer_src))
		return false;
	b = ha_bound_find(ha, &e->inner_dst);
	return b && in6_eq(&b->coa, &e->outer_dst);
}

void ha_rx_tunnel_error(struct ha *ha, const void *data, size_t len, usec_t now)
{
	struct ha_icmp6_error told = { 0 };
	struct tunnel_error e = { 0 };
	enum ha_counter count;

	ha->counters[HA_RX_TUNNEL_ERROR]++;
	if (!read_error(data, len, &e)) {
		ha->counters[HA_TUNNEL_ERROR_BAD]++;
		return;
	}
	if (!is_ours(ha, &e)) {
		ha->counters[HA_TUNNEL_ERROR_FORGED]++;
		return;
	}
	if (!translate(&e, &told, &count)) {
		ha->counters[count]++;
		return;
	}
	if (!answerable(ha, &e)) {
		ha->counters[HA_TUNNEL_ERROR_USELESS]++;
		return;
	}
	/* RFC 4443 2.4 f */
	if (!ha_bucket(&ha->relay_tokens, &ha->relay_tokens_at, HA_RELAY_BURST, HA_RELAY_PERIOD,
		       now)) {
		ha->counters[HA_TUNNEL_ERROR_LIMITED]++;
		return;
	}
	told.from = e.us;
	told.to = e.inner_src;
	told.about = e.inner;
	told.about_len = e.inner_len;
	error_icmp6(ha, &told, count);
}
