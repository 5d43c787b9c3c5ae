/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading ICMPv6 errors about tunnel packets (RFC 2473 8, RFC 4443 3). Owns nothing; called
 * by the state machines of both agents.
 */
#include "common/wire/tunnel.h"

#include "common/wire/cksum.h"
#include "common/wire/ext.h"
#include "common/wire/icmp6.h"

#define ICMP6_INFORMATIONAL	128	/* types from here on are no errors */

bool tunnel_packet_decode(struct rbuf *r, struct tunnel_packet *ret)
{
	uint32_t first;

	ret->data = r->p;
	ret->len = rb_left(r);
	first = rb_u32(r);
	ret->whole = IP6_HDR_LEN + (size_t)rb_u16(r);
	ret->next = rb_u8(r);
	ret->hop_limit = rb_u8(r);
	rb_in6(r, &ret->src);
	rb_in6(r, &ret->dst);
	return !r->err && first >> 28 == 6;
}

bool tunnel_error_decode(const void *data, size_t len, struct tunnel_error *ret)
{
	struct tunnel_error e;
	struct ip6_packet ip;
	struct rbuf r;

	if (ip6_decode(data, len, &ip) != IP6_OK || ip.next_header != IP6_NH_ICMP6)
		return false;
	rb_init(&r, (const uint8_t *)data + ip.payload_off, ip.payload_len);
	if (cksum_ip6(&ip.src, &ip.dst, IP6_NH_ICMP6, r.p, ip.payload_len) != 0)
		return false;
	e.reporter = ip.src;
	e.us = ip.dst;
	e.type = rb_u8(&r);
	e.code = rb_u8(&r);
	rb_skip(&r, 2);
	e.value = rb_u32(&r);
	/* Our tunnel packets have no header between the two. */
	if (!tunnel_packet_decode(&r, &e.outer) || e.outer.next != IP6_NH_TUNNEL ||
	    !tunnel_packet_decode(&r, &e.inner))
		return false;
	*ret = e;
	return true;
}

uint16_t tunnel_error_mtu(const struct tunnel_error *e)
{
	if (e->value < IP6_MIN_MTU + IP6_HDR_LEN)
		return IP6_MIN_MTU;
	return e->value > UINT16_MAX ? UINT16_MAX : (uint16_t)(e->value - IP6_HDR_LEN);
}

/* What hides its upper layer may be an error or a redirect. */
bool tunnel_packet_answerable(const struct tunnel_packet *p)
{
	struct rbuf r;
	uint8_t next = p->next, type;

	rb_init(&r, p->data, p->len);
	rb_skip(&r, IP6_HDR_LEN);
	while (!r.err && (next == IP6_NH_HOPOPTS || next == IP6_NH_ROUTING ||
			  next == IP6_NH_DSTOPTS || next == IP6_NH_FRAGMENT)) {
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
