/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Building ICMPv6 errors and Binding Errors. Owns nothing; called by ha-agent/error.c and
 * mn-agent/receive.c. RFC 4443 2.4 and 3; RFC 6275 9.2, 9.3.1, 9.3.3.
 */
#include "common/wire/reject.h"

#include <errno.h>

#include "common/wire/cksum.h"
#include "common/wire/icmp6.h"

#define ICMP6_ERROR_HDR	8
#define PARAM_FIELD	0		/* RFC 4443 3.4: an erroneous field */

int reject_icmp6(struct wbuf *w, const struct icmp6_error *e)
{
	const struct ip6_packet ip = {
		.src = e->from, .dst = e->to, .hop_limit = 64, .next_header = IP6_NH_ICMP6,
	};
	/* RFC 4443 2.4 c: as much of the packet as fits. */
	size_t room = REJECT_MAX - IP6_HDR_LEN - ICMP6_ERROR_HDR;
	size_t at = w->len, icmp6 = at + IP6_HDR_LEN;

	ip6_encode(w, &ip);
	wb_u8(w, e->type);
	wb_u8(w, e->code);
	wb_u16(w, 0);
	wb_u32(w, e->value);
	wb_bytes(w, e->about, e->about_len < room ? e->about_len : room);
	ip6_finish(w, at);
	if (w->err)
		return -ENOSPC;
	wb_set_u16(w, icmp6 + 2, cksum_ip6(&ip.src, &ip.dst, IP6_NH_ICMP6, w->base + icmp6,
					   w->len - icmp6));
	return 0;
}

int reject_binding_error(struct wbuf *w, const struct ip6_packet *about, enum mh_be_status status)
{
	const struct ip6_packet ip = {
		.src = about->dst, .dst = about->src, .hop_limit = 64,
		.next_header = MH_NEXT_HEADER,
	};
	struct mh_msg msg = { .type = MH_BE, .u.be = { .status = (uint8_t)status } };
	size_t at = w->len, mh;
	int r;

	/* RFC 6275 9.3.3: to the source, with the home address as it stood on the wire. */
	if (about->has_hao)
		msg.u.be.hoa = about->hao;
	ip6_encode(w, &ip);
	mh = w->len;
	r = mh_encode(w, &msg);
	if (r)
		return r;
	ip6_finish(w, at);
	if (w->err)
		return -ENOSPC;
	mh_set_cksum(w->base + mh, w->len - mh, &ip.src, &ip.dst);
	return 0;
}

int reject_mh(struct wbuf *w, const struct ip6_packet *ip, const void *packet, size_t len,
	      enum mh_err err, size_t err_offset, bool *ret_be)
{
	const struct icmp6_error e = {
		.from = ip->dst, .to = ip->src, .type = ICMP6_PARAM_PROBLEM,
		.code = PARAM_FIELD,
		.value = (uint32_t)(ip->payload_off + err_offset), .about = packet,
		.about_len = len,
	};

	switch (err) {
	case MH_ERR_UNKNOWN_TYPE:
		*ret_be = true;
		return reject_binding_error(w, ip, BE_UNKNOWN_MH_TYPE);
	/* RFC 6275 9.2: the pointer is at Header Len, or at Payload Proto. */
	case MH_ERR_SHORT:
	case MH_ERR_PROTO:
		*ret_be = false;
		return reject_icmp6(w, &e);
	/* RFC 6275 9.2: a wrong checksum is dropped in silence; so is what its options
	 * spoil. */
	case MH_OK:
	case MH_ERR_TRUNCATED:
	case MH_ERR_CHECKSUM:
	case MH_ERR_BR_TYPE:
	case MH_ERR_OPTION:
	case MH_ERR_DUPLICATE:
	case MH_ERR_TOO_MANY:
	case MH_ERR_MAX:
		break;
	}
	return -ENOENT;
}
