/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Heartbeats in and out (RFC 5847 3). Owns what is known of each peer; called by io.c when all of
 * an earlier run is restored, by update.c with what comes in, and by its timer:
 *
 *	timer	each HEARTBEAT_INTERVAL every peer is asked; who has not answered
 *		HEARTBEAT_MISSING times is lost, until it is heard again
 */
#include "ha-agent/heartbeat.h"

#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "ha-agent/ha.h"

/* A reload may have other peers: what was known is known of those that are at the same place. */
static bool grow(struct heartbeats *h, unsigned int n)
{
	struct heartbeat *bigger;

	if (h->n >= n)
		return true;
	bigger = realloc(h->peers, n * sizeof(*bigger));
	if (!bigger)
		return false;
	memset(bigger + h->n, 0, (n - h->n) * sizeof(*bigger));
	h->peers = bigger;
	h->n = n;
	return true;
}

static struct heartbeat *of(struct ha *ha, const struct ha_peer *peer)
{
	struct heartbeats *h = &ha->heartbeats;

	return grow(h, ha->cfg->n_peers) ? &h->peers[peer - ha->cfg->peers] : NULL;
}

const struct heartbeat *heartbeat_of(const struct ha *ha, const struct ha_peer *peer)
{
	size_t i = (size_t)(peer - ha->cfg->peers);

	return i < ha->heartbeats.n ? &ha->heartbeats.peers[i] : NULL;
}

static void say(struct ha *ha, const struct ha_peer *peer, uint16_t flags, uint32_t sequence)
{
	const struct ip6_packet ip = {
		.src = *mag_address(ha), .dst = peer->address, .hop_limit = 64,
		.next_header = MH_NEXT_HEADER,
	};
	struct mh_msg msg = { .type = MH_HEARTBEAT, .u.heartbeat = { flags, sequence } };
	uint8_t room[MESSAGE_ROOM];

	/* RFC 5847 3.3: a response has it, whether or not it was asked for. */
	msg.opts.has_restart_counter = flags & HEARTBEAT_RESPONSE;
	msg.opts.restart_counter = ha->heartbeats.restarts;
	message_send(ha, room, message_build(&ip, &msg, &peer->auth, &ip.src, &ip.dst, room),
		     HA_TX_HEARTBEAT);
}

static void tell(struct ha *ha, enum ha_event_type type, const struct ha_peer *peer,
		 const char *reason)
{
	log_info("router %s: %s", in6_str(&peer->address).s, reason);
	ha_tell(ha, &(struct ha_event){ .type = type, .hoa = peer->address,
					.coa = *mag_address(ha), .reason = reason });
}

static void ask(struct ha *ha, const struct ha_peer *peer)
{
	struct heartbeat *b = of(ha, peer);

	if (!b)
		return;
	if (b->missing >= HEARTBEAT_MISSING && !b->lost) {
		b->lost = true;
		tell(ha, HA_EVENT_PEER_LOST, peer, "it does not answer heartbeats");
	}
	b->missing++;
	say(ha, peer, 0, ++b->sequence);
}

static void on_timer(void *ctx, usec_t now)
{
	struct ha *ha = ctx;

	for (unsigned int i = 0; i < ha->cfg->n_peers; i++)
		ask(ha, &ha->cfg->peers[i]);
	(void)timer_set(ha->timers, &ha->heartbeats.timer, now + HEARTBEAT_INTERVAL);
}

void heartbeat_begin(struct ha *ha, uint32_t restarts, usec_t now)
{
	struct heartbeats *h = &ha->heartbeats;

	timer_init(&h->timer, "heartbeat", on_timer, ha);
	h->restarts = restarts;
	if (!ha->cfg->network_mode)
		return;
	/* RFC 5847 3.2: unsolicited, for we may have forgotten what others registered. */
	for (unsigned int i = 0; i < ha->cfg->n_peers; i++)
		say(ha, &ha->cfg->peers[i], HEARTBEAT_UNSOLICITED | HEARTBEAT_RESPONSE, 0);
	on_timer(ha, now);
}

void heartbeat_free(struct ha *ha)
{
	timer_stop(ha->timers, &ha->heartbeats.timer);
	free(ha->heartbeats.peers);
	ha->heartbeats = (struct heartbeats){ 0 };
}

/* By the key of the two; as struct ha_peer has it, who sends is the first of them. */
static bool is_signed(struct ha *ha, const struct ha_peer *peer, const struct ip6_packet *ip,
		      const struct mh_msg *msg, const uint8_t *mh, usec_t now)
{
	const struct mh_auth *a = &msg->opts.mn_ha;

	if (!a->present || !a->last || a->spi != peer->auth.spi ||
	    !limit_allows(&ha->limit, &ip->src, now))
		return false;
	if (auth_mn_ha_right(&peer->auth, &ip->src, &ip->dst, mh, a->covered, a->data, a->len))
		return true;
	limit_failed(&ha->limit, &ip->src, LIMIT_CHECKED, now);
	return false;
}

/* RFC 5847 3.2: it has started anew, and may have forgotten what was registered with it. */
static void heard(struct ha *ha, const struct ha_peer *peer, uint32_t restarts, usec_t now)
{
	struct heartbeat *b = of(ha, peer);
	bool anew, back;

	if (!b)
		return;
	/* It only grows: one that is less was said long ago, and somebody says it again. */
	if (b->heard && (int32_t)(restarts - b->restarts) < 0) {
		ha->counters[HA_HEARTBEAT_BAD]++;
		return;
	}
	anew = b->heard && b->restarts != restarts;
	back = b->lost;
	b->heard = true;
	b->lost = false;
	b->missing = 0;
	b->restarts = restarts;
	b->heard_at = now;
	if (anew)
		tell(ha, HA_EVENT_PEER_RESTARTED, peer, "it has started anew");
	else if (back)
		tell(ha, HA_EVENT_PEER_BACK, peer, "it answers again");
	if (anew || back)
		mag_anchor_back(ha, &peer->address, now);
}

void heartbeat_rx(struct ha *ha, const struct ip6_packet *ip, const struct mh_msg *msg,
		  const uint8_t *mh, usec_t now)
{
	const struct mh_heartbeat *h = &msg->u.heartbeat;
	const struct ha_peer *peer = ha_peer_of(ha, &ip->src);
	struct heartbeat *b = peer ? of(ha, peer) : NULL;

	ha->counters[HA_RX_HEARTBEAT]++;
	if (!peer || !b || !is_signed(ha, peer, ip, msg, mh, now)) {
		ha->counters[HA_HEARTBEAT_BAD]++;
		limit_failed(&ha->limit, &ip->src, LIMIT_CHEAP, now);
		return;
	}
	if (!(h->flags & HEARTBEAT_RESPONSE)) {
		say(ha, peer, HEARTBEAT_RESPONSE, h->seq);
		return;
	}
	/* 3.2: to the last request, or to none at all. */
	if (!msg->opts.has_restart_counter ||
	    (!(h->flags & HEARTBEAT_UNSOLICITED) && h->seq != b->sequence)) {
		ha->counters[HA_HEARTBEAT_BAD]++;
		return;
	}
	heard(ha, peer, msg->opts.restart_counter, now);
}
