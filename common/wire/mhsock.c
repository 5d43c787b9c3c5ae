/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Puts together again what a kernel with Mobile IPv6 takes apart before a raw socket gets a
 * Mobility Header. Owns nothing; called by common/sys/ipsec.c. RFC 6275 6.3, 6.4, RFC 3776
 * 3.1, 4.1.
 */
#include "common/wire/mhsock.h"

#include <errno.h>

#include "common/wire/mh.h"

#define OPT_PAD1	0
#define HAO_LEN		16
#define RH2_HDR_LEN	2

static void open_header(struct rbuf *r, const void *header, size_t len, size_t *ret_len)
{
	rb_init(r, header, len);
	rb_skip(r, 1);
	*ret_len = rb_u8(r);
}

bool mhsock_hao(const void *header, size_t len, struct in6_addr *ret)
{
	struct rbuf r, opts;
	size_t units;

	open_header(&r, header, len, &units);
	opts = rb_sub(&r, (units + 1) * 8 - 2);
	while (rb_left(&opts) > 0) {
		uint8_t type = rb_u8(&opts);
		size_t n = type == OPT_PAD1 ? 0 : rb_u8(&opts);
		struct rbuf opt = rb_sub(&opts, n);

		if (type != IP6_OPT_HAO || n != HAO_LEN || opt.err)
			continue;
		rb_in6(&opt, ret);
		return true;
	}
	return false;
}

bool mhsock_rh2(const void *header, size_t len, struct in6_addr *ret)
{
	struct in6_addr a;
	struct rbuf r;
	size_t units;
	uint8_t type;

	open_header(&r, header, len, &units);
	type = rb_u8(&r);
	rb_skip(&r, 5);			/* segments left, reserved */
	rb_in6(&r, &a);
	if (r.err || units != RH2_HDR_LEN || type != IP6_RH_TYPE2)
		return false;
	*ret = a;
	return true;
}

int mhsock_packet(struct wbuf *w, const struct mhsock_rx *rx, const void *mh, size_t len)
{
	struct ip6_packet ip = {
		.src = rx->has_hao_coa ? rx->hao_coa : rx->src,
		.dst = rx->has_rh2_coa ? rx->rh2_coa : rx->dst,
		.hop_limit = 64, .next_header = MH_NEXT_HEADER,
		.has_hao = rx->has_hao_coa, .hao = rx->src,
		.has_rh2 = rx->has_rh2_coa, .rh2 = rx->dst,
	};
	size_t at = w->len;

	ip6_encode(w, &ip);
	wb_bytes(w, mh, len);
	ip6_finish(w, at);
	return w->err ? -ENOSPC : 0;
}

bool mhsock_is_protected(const void *packet, size_t len, struct ip6_packet *ret)
{
	struct rbuf r;
	uint8_t type;

	if (ip6_decode(packet, len, ret) != IP6_OK || ret->next_header != MH_NEXT_HEADER)
		return false;
	rb_init(&r, (const uint8_t *)packet + ret->payload_off, ret->payload_len);
	rb_skip(&r, 2);
	type = rb_u8(&r);
	return !r.err && type != MH_BE;
}
