/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IPv6 header and the extension headers in front of a mobility or ICMPv6
 * message (RFC 8200 4, RFC 6275 6.3 and 6.4, RFC 2473 4.1.1). Called by the packet
 * input of both daemons, which get whole IPv6 packets from packet sockets, and by
 * their output.
 */
#include "common/wire/ext.h"

#include <string.h>

#define OPT_PAD1	0
#define OPT_PADN	1
#define HAO_LEN		16	/* RFC 6275 6.3 */
#define RH2_EXT_LEN	2	/* RFC 6275 6.4.1: in units of 8 octets behind the first */

const char *ip6_err_name(enum ip6_err e)
{
	static const char *const names[IP6_ERR_MAX] = {
		[IP6_OK] = "ok",
		[IP6_ERR_SHORT] = "ip6-short",
		[IP6_ERR_VERSION] = "ip6-version",
		[IP6_ERR_EXT] = "ip6-extension-header",
		[IP6_ERR_OPTION] = "ip6-option",
		[IP6_ERR_HAO] = "ip6-home-address-option",
		[IP6_ERR_RH2] = "ip6-type-2-routing-header",
		[IP6_ERR_FRAGMENT] = "ip6-fragment",
	};

	return (unsigned int)e < IP6_ERR_MAX ? names[e] : "unknown";
}

/* start: of the packet. */
static enum ip6_err decode_hao(struct rbuf *body, const uint8_t *start, struct ip6_packet *p)
{
	/* RFC 6275 6.3: the length is 16, and no IPv6 header has the option twice. */
	if (rb_left(body) != HAO_LEN || p->has_hao)
		return IP6_ERR_HAO;
	p->hao_off = (uint16_t)(body->p - start - 2);
	rb_in6(body, &p->hao);
	p->has_hao = true;
	return IP6_OK;
}

static enum ip6_err decode_tunnel_limit(struct rbuf *body, struct ip6_packet *p)
{
	if (rb_left(body) != 1)
		return IP6_ERR_EXT;
	p->tunnel_limit = rb_u8(body);
	p->has_tunnel_limit = true;
	return IP6_OK;
}

/* One option of a hop-by-hop or destination options header. */
static enum ip6_err decode_option(uint8_t type, struct rbuf *body, bool dstopts,
				  const uint8_t *start, struct ip6_packet *p)
{
	if (type == OPT_PADN)
		return IP6_OK;
	if (dstopts && type == IP6_OPT_HAO)
		return decode_hao(body, start, p);
	if (dstopts && type == IP6_OPT_TUNNEL_LIMIT)
		return decode_tunnel_limit(body, p);
	/* RFC 8200 4.2: an unknown option whose two highest bits are 00 is skipped, with
	 * any other value the packet is discarded. */
	return type >> 6 ? IP6_ERR_OPTION : IP6_OK;
}

static enum ip6_err decode_options(struct rbuf *r, bool dstopts, const uint8_t *start,
				   struct ip6_packet *p)
{
	while (rb_left(r) > 0) {
		uint8_t type = rb_u8(r);
		struct rbuf body;
		enum ip6_err err;

		if (type == OPT_PAD1)
			continue;
		body = rb_sub(r, rb_u8(r));
		if (r->err)
			return IP6_ERR_EXT;
		err = decode_option(type, &body, dstopts, start, p);
		if (err)
			return err;
	}
	return IP6_OK;
}

static enum ip6_err decode_routing(struct rbuf *r, uint8_t ext_len, struct ip6_packet *p)
{
	uint8_t type = rb_u8(r);
	uint8_t segments_left = rb_u8(r);

	if (type != IP6_RH_TYPE2) {
		/* RFC 8200 4.4: an unknown routing header is skipped once it is used up,
		 * else the packet is discarded. */
		return segments_left ? IP6_ERR_EXT : IP6_OK;
	}
	/* RFC 6275 6.4.1: header length 2, segments left 1; one address, one header. */
	if (ext_len != RH2_EXT_LEN || segments_left != 1 || p->has_rh2)
		return IP6_ERR_RH2;
	rb_skip(r, 4);
	rb_in6(r, &p->rh2);
	p->has_rh2 = true;
	return r->err ? IP6_ERR_EXT : IP6_OK;
}

/* Walks the extension headers behind the IPv6 header; first names the first one. */
static enum ip6_err decode_chain(struct rbuf *r, uint8_t first, const uint8_t *start,
				 struct ip6_packet *p)
{
	uint8_t nh = first;

	for (bool at_start = true;; at_start = false) {
		enum ip6_err err;
		struct rbuf ext;
		uint8_t next, ext_len;

		/* A fragment header ends it, even on a packet in one piece: what mobility
		 * sends is small, and RFC 6980 forbids the header on discovery messages. */
		if (nh == IP6_NH_FRAGMENT)
			return IP6_ERR_FRAGMENT;
		/* RFC 8200 4.1: hop-by-hop options stand right behind the IPv6 header. */
		if (nh == IP6_NH_HOPOPTS && !at_start)
			return IP6_ERR_EXT;
		if (nh != IP6_NH_HOPOPTS && nh != IP6_NH_DSTOPTS && nh != IP6_NH_ROUTING)
			break;

		next = rb_u8(r);
		ext_len = rb_u8(r);
		ext = rb_sub(r, 6 + (size_t)ext_len * 8);
		if (r->err)
			return IP6_ERR_EXT;
		if (nh == IP6_NH_ROUTING)
			err = decode_routing(&ext, ext_len, p);
		else
			err = decode_options(&ext, nh == IP6_NH_DSTOPTS, start, p);
		if (err)
			return err;
		nh = next;
	}
	p->next_header = nh;
	return IP6_OK;
}

enum ip6_err ip6_decode(const void *data, size_t len, struct ip6_packet *ret)
{
	struct ip6_packet p;
	enum ip6_err err;
	struct rbuf r, body;
	uint32_t first;
	uint16_t payload;
	uint8_t nh;

	memset(&p, 0, sizeof(p));
	rb_init(&r, data, len);
	first = rb_u32(&r);
	payload = rb_u16(&r);
	nh = rb_u8(&r);
	p.hop_limit = rb_u8(&r);
	rb_in6(&r, &p.src);
	rb_in6(&r, &p.dst);
	if (r.err)
		return IP6_ERR_SHORT;
	if (first >> 28 != 6)
		return IP6_ERR_VERSION;
	p.traffic_class = (uint8_t)(first >> 20);

	/* Bytes behind the payload length are padding of the link. */
	body = rb_sub(&r, payload);
	if (r.err)
		return IP6_ERR_SHORT;
	err = decode_chain(&body, nh, data, &p);
	if (err)
		return err;
	p.payload_len = (uint16_t)rb_left(&body);
	p.payload_off = (uint16_t)(IP6_HDR_LEN + payload - p.payload_len);
	*ret = p;
	return IP6_OK;
}

const struct in6_addr *ip6_cksum_src(const struct ip6_packet *p)
{
	/* RFC 6275 6.1.1, 11.3.1: with a Home Address option the home address counts. */
	return p->has_hao ? &p->hao : &p->src;
}

const struct in6_addr *ip6_cksum_dst(const struct ip6_packet *p)
{
	/* RFC 8200 8.1: with a routing header the final destination counts. */
	return p->has_rh2 ? &p->rh2 : &p->dst;
}

static void encode_rh2(struct wbuf *w, const struct ip6_packet *p, uint8_t next)
{
	wb_u8(w, next);
	wb_u8(w, RH2_EXT_LEN);
	wb_u8(w, IP6_RH_TYPE2);
	wb_u8(w, 1);
	wb_zero(w, 4);
	wb_in6(w, &p->rh2);
}

/* Zeros behind type and length make the PadN option as long as asked. */
static void encode_pad(struct wbuf *w, uint8_t n)
{
	if (n == 1) {
		wb_u8(w, OPT_PAD1);
	} else if (n > 1) {
		wb_u8(w, OPT_PADN);
		wb_u8(w, (uint8_t)(n - 2));
		wb_zero(w, n - 2u);
	}
}

static void encode_dstopts(struct wbuf *w, const struct ip6_packet *p, uint8_t next)
{
	wb_u8(w, next);
	wb_u8(w, p->has_hao ? 2 : 0);
	if (p->has_tunnel_limit) {
		wb_u8(w, IP6_OPT_TUNNEL_LIMIT);
		wb_u8(w, 1);
		wb_u8(w, p->tunnel_limit);
	}
	if (p->has_hao) {
		/* RFC 6275 6.3: aligned to 8n+6, which also ends the header on 8 octets. */
		encode_pad(w, p->has_tunnel_limit ? 1 : 4);
		wb_u8(w, IP6_OPT_HAO);
		wb_u8(w, HAO_LEN);
		wb_in6(w, &p->hao);
	} else {
		encode_pad(w, 3);
	}
}

void ip6_encode(struct wbuf *w, const struct ip6_packet *p)
{
	bool dstopts = p->has_hao || p->has_tunnel_limit;
	uint8_t behind_rh2 = dstopts ? IP6_NH_DSTOPTS : p->next_header;

	wb_u32(w, UINT32_C(6) << 28 | (uint32_t)p->traffic_class << 20);
	wb_u16(w, 0);
	wb_u8(w, p->has_rh2 ? IP6_NH_ROUTING : behind_rh2);
	wb_u8(w, p->hop_limit);
	wb_in6(w, &p->src);
	wb_in6(w, &p->dst);
	/* RFC 6275 6.3: the Home Address option follows a routing header. */
	if (p->has_rh2)
		encode_rh2(w, p, behind_rh2);
	if (dstopts)
		encode_dstopts(w, p, p->next_header);
}

void ip6_finish(struct wbuf *w, size_t ip6_at)
{
	size_t end = ip6_at + IP6_HDR_LEN;

	if (w->err || end > w->len || w->len - end > UINT16_MAX) {
		w->err = true;
		return;
	}
	wb_set_u16(w, ip6_at + 4, (uint16_t)(w->len - end));
}
