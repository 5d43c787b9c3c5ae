/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agents list, dynamic home agent address discovery, and Mobile Prefix Solicitations
 * as they come in (RFC 6275 10.5, 6.7; RFC 2526). Owns nothing; ha_rx_discovery() is called
 * by io.c, discovery_rx_ra() by nd.c.
 */
#include "ha-agent/discovery.h"

#include <string.h>

#include "common/core/log.h"

#define REPLY_ROOM	1280	/* RFC 6275 10.5.1: the smallest MTU of IPv6 */

/* ---- the home agents list ---- */

static bool is_ours(const struct ha *ha, const struct in6_addr *linklocal)
{
	for (unsigned int i = 0; i < ha->n_interfaces; i++)
		if (in6_eq(&ha->interfaces[i].linklocal, linklocal))
			return true;
	return false;
}

void discovery_rx_ra(struct ha *ha, struct ha_interface *ifc, const struct in6_addr *src,
		     const struct nd_ra *ra, usec_t now)
{
	ha->counters[HA_RX_RA]++;
	/* RFC 6275 10.5.1: the list holds the others. */
	if (is_ours(ha, src))
		return;
	switch (halist_learn(&ifc->home_agents, src, ra, now)) {
	case HALIST_NEW:
		if (ha_log_routine(ha, now))
			log_info("%s: %s is a home agent too", ifc->name, in6_str(src).s);
		break;
	case HALIST_REMOVED:
		if (ha_log_routine(ha, now))
			log_info("%s: %s is no home agent any more", ifc->name, in6_str(src).s);
		break;
	case HALIST_FULL:
		if (ha->counters[HA_LIST_FULL]++ == 0)
			log_warn("%s: more home agents than are remembered (%d)", ifc->name,
				 HALIST_MAX);
		break;
	case HALIST_NONE:
	case HALIST_KEPT:
		break;
	}
}

/* ---- home agent address discovery ---- */

static void add_own_address(struct halist_entry *own, const struct in6_addr *addr)
{
	for (unsigned int i = 0; i < own->n_addresses; i++)
		if (in6_eq(&own->addresses[i].addr, addr))
			return;
	if (own->n_addresses < HALIST_MAX_ADDRESSES)
		own->addresses[own->n_addresses++] =
			(struct halist_address){ *addr, USEC_NEVER };
}

static void fill_reply(struct ha *ha, const struct ha_home *home, struct icmp6_dhaad *reply,
		       usec_t now)
{
	/* RFC 6275 10.5.1: ourselves too, with the configured preference and all addresses
	 * that we have on the link. */
	struct halist_entry own = {
		.preference = ha->cfg->home_agent_preference, .until = USEC_NEVER,
	};
	struct halist_choice choice = { 0 };
	uint64_t seed;

	add_own_address(&own, &home->cfg.address);
	halist_choose(&choice, &own);
	for (unsigned int i = 0; i < ha->n_interfaces; i++) {
		const struct ha_interface *ifc = &ha->interfaces[i];

		if (!ha_serves(ifc, home))
			continue;
		for (unsigned int j = 0; j < ifc->n_homes; j++)
			if (ifc->homes[j]->state <= HOME_RETIRING)
				add_own_address(&own, &ifc->homes[j]->cfg.address);
		halist_choose_list(&choice, &ifc->home_agents);
	}
	ha->ops->random(ha->ctx, &seed, sizeof(seed));
	reply->n_ha = halist_order(&choice, seed, now, reply->ha, ND_MAX_HA);
}

static bool rx_request(struct ha *ha, const struct ip6_packet *to, uint16_t id, usec_t now)
{
	const struct ha_home *home = ha_home_of(ha, &to->dst);
	struct icmp6_msg msg = { .type = ICMP6_DHAAD_REPLY, .u.dhaad = { .id = id } };
	struct ip6_packet ip = {
		.dst = to->src, .hop_limit = 64, .next_header = IP6_NH_ICMP6,
	};
	uint8_t room[REPLY_ROOM];
	struct wbuf w;

	ha->counters[HA_RX_DHAAD]++;
	/* RFC 6275 10.5: what is asked is a subnet that we serve, by its anycast address. */
	if (!home || !in6_is_home_agents_anycast(&to->dst)) {
		ha->counters[HA_DHAAD_ELSEWHERE]++;
		return false;
	}
	/* Anybody may ask for anybody's address: a few at a time, and no group. */
	if (!in6_is_routable(&to->src) || ha_is_own_address(ha, &to->src)) {
		ha->counters[HA_DHAAD_BAD_SOURCE]++;
		return false;
	}
	if (!bucket_take(&ha->dhaad_tokens, &ha->dhaad_tokens_at, HA_DHAAD_BURST, HA_DHAAD_PERIOD,
			 now)) {
		ha->counters[HA_DHAAD_LIMITED]++;
		return false;
	}
	/* RFC 6275 10.5.1: from one of our own addresses, not the anycast one. */
	ip.src = home->cfg.address;
	fill_reply(ha, home, &msg.u.dhaad, now);
	wb_init(&w, room, sizeof(room));
	if (icmp6_packet(&w, &ip, &msg) == 0)
		message_send(ha, w.base, w.len, HA_TX_DHAAD);
	return true;
}

/* ---- mobile prefix solicitations ---- */

static bool rx_solicitation(struct ha *ha, const struct in6_addr *hoa, const struct in6_addr *coa,
			    const struct in6_addr *dst, uint16_t id, usec_t now)
{
	struct binding *b = bcache_find(&ha->bcache, hoa);

	ha->counters[HA_RX_MPS]++;
	/* RFC 6275 9.3.1: a home address is believed only where the binding says the same;
	 * 6.8: and only with a binding there is somebody to answer. */
	if (!b || b->state != BINDING_BOUND || !in6_eq(&b->home->cfg.address, dst)) {
		ha->counters[HA_MPS_NO_BINDING]++;
		return false;
	}
	if (!in6_eq(&b->coa, coa)) {
		ha->counters[HA_MPS_OTHER_CARE_OF]++;
		return false;
	}
	/* RFC 6275 8.4: to be avoided where the network's administration wants so. */
	if (!ha->cfg->prefix_advertisements) {
		ha->counters[HA_MPS_DISABLED]++;
		return false;
	}
	mpd_solicited(b, id, now);
	return true;
}

/* ---- what comes in ---- */

/* Reads the packet and the ICMPv6 message in it; false: counted. `tunnel`: its outer header,
 * NULL if it has none. */
static bool decode(struct ha *ha, const uint8_t *data, size_t len,
		   const struct ip6_packet *tunnel, struct ip6_packet *ip, struct icmp6_msg *msg)
{
	enum ip6_err ip_err = ip6_decode(data, len, ip);
	enum icmp6_err err;

	if (ip_err != IP6_OK) {
		ha->discovery_ip6_errors[ip_err]++;
		return false;
	}
	if (ip->next_header == IP6_NH_TUNNEL && !tunnel)
		return true;
	if (ip->next_header != IP6_NH_ICMP6) {
		ha->counters[HA_DISCOVERY_UNEXPECTED]++;
		return false;
	}
	err = icmp6_decode(data + ip->payload_off, ip->payload_len, ip6_cksum_src(ip),
			   ip6_cksum_dst(ip), ip->hop_limit, msg);
	if (err != ICMP6_OK)
		ha->icmp6_errors[err]++;
	return err == ICMP6_OK;
}

/* false: no good; counted by reason. */
static bool rx_discovery(struct ha *ha, const void *data, size_t len, usec_t now)
{
	struct ip6_packet outer, inner;
	struct icmp6_msg msg;

	if (!decode(ha, data, len, NULL, &outer, &msg))
		return false;
	if (outer.next_header == IP6_NH_TUNNEL) {
		/* Reverse-tunnelled as anything else that the mobile node sends from its home
		 * address: the outer source is where it is. */
		if (!decode(ha, (const uint8_t *)data + outer.payload_off, outer.payload_len,
			    &outer, &inner, &msg))
			return false;
		if (msg.type == ICMP6_MPS && !inner.has_hao && !inner.has_rh2 &&
		    in6_eq(&inner.dst, &outer.dst))
			return rx_solicitation(ha, &inner.src, &outer.src, &inner.dst,
					       msg.u.mp.id, now);
	} else if (msg.type == ICMP6_MPS && outer.has_hao && !outer.has_rh2) {
		/* RFC 6275 6.7: from the care-of address, with a Home Address option. */
		return rx_solicitation(ha, &outer.hao, &outer.src, &outer.dst, msg.u.mp.id, now);
	} else if (msg.type == ICMP6_DHAAD_REQUEST && !outer.has_hao && !outer.has_rh2) {
		return rx_request(ha, &outer, msg.u.dhaad.id, now);
	}
	ha->counters[HA_DISCOVERY_UNEXPECTED]++;
	return false;
}

void ha_rx_discovery(struct ha *ha, const void *data, size_t len, usec_t now)
{
	if (!rx_discovery(ha, data, len, now))
		ha_bad_packet(ha, data, len, now);
}
