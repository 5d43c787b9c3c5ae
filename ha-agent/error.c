/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers to Mobility Headers that cannot be read, and to Home Address options without a
 * binding: to whom, and how often (RFC 6275 9.2, 9.3.1, 9.3.3, RFC 4443 2.4 e and f). Owns
 * nothing; called by update.c and io.c.
 */
#include "common/core/log.h"
#include "common/wire/reject.h"
#include "ha-agent/ha.h"

#define PARAM_OPTION	2		/* RFC 4443 3.4: an option that is not supported */

void error_icmp6(struct ha *ha, const struct icmp6_error *e, enum ha_counter counter)
{
	uint8_t room[REJECT_MAX];
	struct wbuf w;

	wb_init(&w, room, sizeof(room));
	if (reject_icmp6(&w, e) == 0)
		message_send(ha, room, w.len, counter);
}

void error_mh(struct ha *ha, const struct ip6_packet *ip, const void *packet, size_t len,
	      enum mh_err err, size_t err_offset, usec_t now)
{
	uint8_t room[REJECT_MAX];
	struct wbuf w;
	bool be;

	wb_init(&w, room, sizeof(room));
	if (reject_mh(&w, ip, packet, len, err, err_offset, &be))
		return;
	/* RFC 6275 9.3.3, RFC 4443 2.4 e: never to what is not one node's address. */
	if (!in6_is_routable(&ip->src) || !ha_error_allowed(ha, now))
		return;
	message_send(ha, room, w.len, be ? HA_TX_BE : HA_TX_PARAM_PROBLEM);
}

/* RFC 6275 9.3.1: a binding for this home address, at the source of the packet. */
static bool is_bound_there(const struct ha *ha, const struct ip6_packet *ip)
{
	const struct binding *b = ha_bound_find(ha, &ip->hao);

	return b && in6_eq(&b->coa, &ip->src);
}

/* A binding is no promise that we take such packets: a home agent is no correspondent with
 * return routability. The mobile node is told so, and comes by its tunnel. */
static void send_rejection(struct ha *ha, const struct ip6_packet *ip, const void *packet,
			   size_t len, bool bound)
{
	const struct icmp6_error e = {
		.from = ip->dst, .to = ip->src, .type = ICMP6_PARAM_PROBLEM, .code = PARAM_OPTION,
		.value = ip->hao_off, .about = packet, .about_len = len,
	};
	uint8_t room[REJECT_MAX];
	struct wbuf w;

	wb_init(&w, room, sizeof(room));
	if (bound)
		error_icmp6(ha, &e, HA_TX_PARAM_PROBLEM);
	else if (reject_binding_error(&w, ip, BE_UNKNOWN_HAO) == 0)
		message_send(ha, room, w.len, HA_TX_BE);
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
	if (!bound)
		limit_failed(&ha->limit, &ip.src, LIMIT_CHEAP, now);
	/* Mobile prefix discovery (RFC 6275 10.6) is for discovery.c. */
	if (bound && ip.next_header == IP6_NH_ICMP6 && ip.payload_len > 0 &&
	    ((const uint8_t *)data)[ip.payload_off] == ICMP6_MPS)
		return;
	/* RFC 6275 9.3.3: only to the address of a node. */
	if (!in6_is_routable(&ip.src) || !ha_error_allowed(ha, now))
		return;
	send_rejection(ha, &ip, data, len, bound);
}
