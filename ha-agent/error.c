/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers to Mobility Headers that cannot be read: Binding Error and ICMPv6 parameter
 * problem (RFC 6275 9.2, 9.3.3), rate limited as ICMPv6 errors are (RFC 4443 2.4 f).
 * Owns nothing; called by update.c.
 */
#include <string.h>

#include "common/core/log.h"
#include "common/wire/cksum.h"
#include "ha-agent/ha.h"

#define ICMP6_PARAM_PROBLEM	4
#define ICMP6_ERROR_MAX		1280	/* RFC 4443 2.4 c: the smallest MTU of IPv6 */
#define ICMP6_ERROR_HDR		8

static void send_error(struct ha *ha, const struct wbuf *w, enum ha_counter counter)
{
	if (w->err)
		return;
	ha->counters[counter]++;
	if (ha->ops->send_routed(ha->ctx, w->base, w->len) < 0)
		ha->counters[HA_SEND_FAILED]++;
}

/* RFC 6275 9.3.3: to the source, with the home address as it stood on the wire. */
static void send_binding_error(struct ha *ha, const struct ip6_packet *to)
{
	struct ip6_packet ip = {
		.src = to->dst, .dst = to->src, .hop_limit = 64,
		.next_header = MH_NEXT_HEADER,
	};
	struct mh_msg msg = { .type = MH_BE, .u.be = { .status = BE_UNKNOWN_MH_TYPE } };
	uint8_t room[128];
	struct wbuf w;
	size_t at;

	if (to->has_hao)
		msg.u.be.hoa = to->hao;
	wb_init(&w, room, sizeof(room));
	ip6_encode(&w, &ip);
	at = w.len;
	if (mh_encode(&w, &msg) < 0)
		return;
	ip6_finish(&w, 0);
	if (w.err)
		return;
	mh_set_cksum(room + at, w.len - at, &ip.src, &ip.dst);
	send_error(ha, &w, HA_TX_BE);
}

/* RFC 4443 3.4, code 0: as much of the packet as fits, and where in it the error is. */
static void send_param_problem(struct ha *ha, const struct ip6_packet *to, const void *packet,
			       size_t len, size_t pointer)
{
	struct ip6_packet ip = {
		.src = to->dst, .dst = to->src, .hop_limit = 64,
		.next_header = IP6_NH_ICMP6,
	};
	size_t room_left = ICMP6_ERROR_MAX - IP6_HDR_LEN - ICMP6_ERROR_HDR;
	uint8_t room[ICMP6_ERROR_MAX];
	struct wbuf w;

	wb_init(&w, room, sizeof(room));
	ip6_encode(&w, &ip);
	wb_u8(&w, ICMP6_PARAM_PROBLEM);
	wb_u8(&w, 0);
	wb_u16(&w, 0);
	wb_u32(&w, (uint32_t)pointer);
	wb_bytes(&w, packet, len < room_left ? len : room_left);
	ip6_finish(&w, 0);
	if (w.err)
		return;
	wb_set_u16(&w, IP6_HDR_LEN + 2, cksum_ip6(&ip.src, &ip.dst, IP6_NH_ICMP6,
						  room + IP6_HDR_LEN, w.len - IP6_HDR_LEN));
	send_error(ha, &w, HA_TX_PARAM_PROBLEM);
}

void error_mh(struct ha *ha, const struct ip6_packet *ip, const void *packet, size_t len,
	      enum mh_err err, size_t err_offset, usec_t now)
{
	bool binding_error = err == MH_ERR_UNKNOWN_TYPE;

	/* RFC 6275 9.2: a wrong checksum is dropped in silence; so is what its options
	 * spoil. An unknown type, a short header and a payload proto have answers. */
	if (!binding_error && err != MH_ERR_SHORT && err != MH_ERR_PROTO)
		return;
	/* RFC 6275 9.3.3, RFC 4443 2.4 e: never to what is not one node's address. */
	if (!in6_is_routable(&ip->src))
		return;
	if (!ha_error_allowed(ha, now))
		return;
	if (binding_error)
		send_binding_error(ha, ip);
	else
		send_param_problem(ha, ip, packet, len, ip->payload_off + err_offset);
}
