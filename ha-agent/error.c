/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers to Mobility Headers that cannot be read, and to Home Address options without a
 * binding: Binding Error and ICMPv6 parameter problem (RFC 6275 9.2, 9.3.1, 9.3.3), rate
 * limited as ICMPv6 errors are (RFC 4443 2.4 f). Owns nothing; called by update.c and io.c.
 */
#include <string.h>

#include "common/core/log.h"
#include "common/wire/cksum.h"
#include "ha-agent/ha.h"

#define PARAM_FIELD		0	/* RFC 4443 3.4: an erroneous field, */
#define PARAM_OPTION		2	/* an option that is not supported */
#define ICMP6_ERROR_MAX		1280	/* RFC 4443 2.4 c: the smallest MTU of IPv6 */
#define ICMP6_ERROR_HDR		8

/* RFC 6275 9.3.3: to the source, with the home address as it stood on the wire. */
static void send_binding_error(struct ha *ha, const struct ip6_packet *to,
			       enum mh_be_status status)
{
	struct ip6_packet ip = {
		.src = to->dst, .dst = to->src, .hop_limit = 64,
		.next_header = MH_NEXT_HEADER,
	};
	struct mh_msg msg = { .type = MH_BE, .u.be = { .status = (uint8_t)status } };
	uint8_t room[MESSAGE_ROOM];

	if (to->has_hao)
		msg.u.be.hoa = to->hao;
	message_send(ha, room, message_build(&ip, &msg, NULL, NULL, NULL, room), HA_TX_BE);
}

void error_icmp6(struct ha *ha, const struct ha_icmp6_error *e, enum ha_counter counter)
{
	struct ip6_packet ip = {
		.src = e->from, .dst = e->to, .hop_limit = 64, .next_header = IP6_NH_ICMP6,
	};
	size_t room_left = ICMP6_ERROR_MAX - IP6_HDR_LEN - ICMP6_ERROR_HDR;
	uint8_t room[ICMP6_ERROR_MAX];
	struct wbuf w;

	wb_init(&w, room, sizeof(room));
	ip6_encode(&w, &ip);
	wb_u8(&w, e->type);
	wb_u8(&w, e->code);
	wb_u16(&w, 0);
	wb_u32(&w, e->value);
	wb_bytes(&w, e->about, e->about_len < room_left ? e->about_len : room_left);
	ip6_finish(&w, 0);
	if (w.err)
		return;
	wb_set_u16(&w, IP6_HDR_LEN + 2, cksum_ip6(&ip.src, &ip.dst, IP6_NH_ICMP6,
						  room + IP6_HDR_LEN, w.len - IP6_HDR_LEN));
	message_send(ha, room, w.len, counter);
}

/* RFC 4443 3.4: where in the packet the error is. */
static void send_param_problem(struct ha *ha, const struct ip6_packet *to, const void *packet,
			       size_t len, uint8_t code, size_t pointer)
{
	const struct ha_icmp6_error e = {
		.from = to->dst, .to = to->src, .type = ICMP6_PARAM_PROBLEM, .code = code,
		.value = (uint32_t)pointer, .about = packet, .about_len = len,
	};

	error_icmp6(ha, &e, HA_TX_PARAM_PROBLEM);
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
		send_binding_error(ha, ip, BE_UNKNOWN_MH_TYPE);
	else
		send_param_problem(ha, ip, packet, len, PARAM_FIELD, ip->payload_off + err_offset);
}

/* RFC 6275 9.3.1: a binding for this home address, at the source of the packet. */
static bool is_bound_there(const struct ha *ha, const struct ip6_packet *ip)
{
	const struct binding *b = ha_bound_find(ha, &ip->hao);

	return b && in6_eq(&b->coa, &ip->src);
}

void ha_rx_hao(struct ha *ha, const void *data, size_t len, usec_t now)
{
	struct ip6_packet ip;
	bool bound;

	/* What cannot be read is dropped by the data path all the same. */
	if (ip6_decode(data, len, &ip) != IP6_OK || !ip.has_hao || !ha_is_own_address(ha, &ip.dst))
		return;
	/* RFC 6275 9.3.1: these are authenticated by themselves, with or without a binding. */
	if (ip.next_header == MH_NEXT_HEADER || ip.next_header == IP6_NH_ESP ||
	    ip.next_header == IP6_NH_AH)
		return;
	bound = is_bound_there(ha, &ip);
	ha->counters[bound ? HA_HAO_BOUND : HA_HAO_UNBOUND]++;
	/* Mobile prefix discovery (RFC 6275 10.6) is for discovery.c. */
	if (bound && ip.next_header == IP6_NH_ICMP6 && ip.payload_len > 0 &&
	    ((const uint8_t *)data)[ip.payload_off] == ICMP6_MPS)
		return;
	/* RFC 6275 9.3.3: only to the address of a node. */
	if (!in6_is_routable(&ip.src) || !ha_error_allowed(ha, now))
		return;
	/* A binding is no promise that we take such packets: a home agent is no correspondent
	 * with return routability. The mobile node is told so, and comes by its tunnel. */
	if (bound)
		send_param_problem(ha, &ip, data, len, PARAM_OPTION, ip.hao_off);
	else
		send_binding_error(ha, &ip, BE_UNKNOWN_HAO);
}
