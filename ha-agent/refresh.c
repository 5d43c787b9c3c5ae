/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binding Refresh Requests (RFC 6275 6.1.2, 9.5.5): a binding whose end is near and whose
 * tunnel is in use is asked for. Owns nothing; called by binding.c, whose timer it uses.
 *
 * Mobile nodes refresh by themselves, ours after four fifths of the lifetime, so most
 * bindings never come here. One that does is looked at 15 %, 10 % and 5 % of its lifetime
 * before its end: the first look reads the data path's count, each later one asks the mobile
 * node if packets have passed since the look before. A tenth leaves time for the answer and
 * its retransmissions; the second request is for the case that the first was lost.
 */
#include "common/core/log.h"
#include "ha-agent/ha.h"

#define LIFETIME_MIN_S	20		/* below it the looks were less than a second apart */

static const unsigned int percent_before_end[] = { 15, 10, 5 };
#define N_LOOKS		(sizeof(percent_before_end) / sizeof(percent_before_end[0]))

/* When the prefix will have been idle for as long as it may. */
static usec_t idle_at(const struct binding *b)
{
	const struct ha *ha = b->home->ha;

	if (!ha->cfg->network_mode || ha->cfg->release_idle == 0 || !ha->ops->dp_used)
		return USEC_NEVER;
	return b->used + ha->cfg->release_idle;
}

/* No host whose flows live is silent for so long: its prefix goes back, and its router tells it. */
static void look_at_prefix(struct binding *b, usec_t now)
{
	const struct in6_prefix inner = binding_inner(b);
	struct ha *ha = b->home->ha;
	uint64_t packets = 0;

	if (now < idle_at(b))
		return;
	if (ha->ops->dp_used(ha->ctx, &inner, &packets) < 0 || (uint32_t)packets != b->packets) {
		b->packets = (uint32_t)packets;
		b->used = now;
		return;
	}
	b->used = now;			/* should it not come to that */
	if (b->lease)
		ha->ops->session_del(ha->ctx, b->lease);
	log_info("prefix %s of %s: no packet for %lld s, it is released", in6_prefix_str(&inner).s,
		 b->lease ? mac_str(b->lease->mac).s : "?",
		 (long long)(ha->cfg->release_idle / USEC_S));
	(void)ha_revoke(ha, &(struct revoke_selection){ .within = inner }, BR_ADMINISTRATIVE, now);
}

usec_t refresh_at(const struct binding *b)
{
	/* RFC 5213 6.9.1.3: the router that has registered a prefix extends it by itself. Whether
	 * anybody uses that only its packets say. */
	if (b->by_router)
		return idle_at(b) < b->expires ? idle_at(b) : b->expires;
	if (!b->home->ha->ops->dp_used || b->lifetime_s < LIFETIME_MIN_S ||
	    b->looks >= N_LOOKS)
		return b->expires;
	return b->expires - b->lifetime_s * USEC_S / 100 * percent_before_end[b->looks];
}

/* RFC 6275 9.5.5: to the home address, which 9.3.2 reaches by a type 2 routing header. */
static void send_request(const struct binding *b)
{
	struct ha *ha = b->home->ha;
	const struct ip6_packet ip = message_header(b, MH_NEXT_HEADER);
	const struct ha_key *key = ha_binding_key(ha, b);
	struct mh_msg msg = { .type = MH_BRR };
	uint8_t room[MESSAGE_ROOM];
	size_t len;

	if (!key && b->spi != 0)
		return;
	/* RFC 4285 5 names Binding Updates and their answers alone; RFC 6275 6.1.2 lets other
	 * options be there, and whoever does not know this one skips it. */
	message_stamp(b, key, &msg);
	len = message_build(&ip, &msg, key ? &key->auth : NULL, &b->coa, &b->hoa, room);
	if (len == 0)
		return;
	log_debug("binding %s: in use and near its end, a refresh is asked for",
		  in6_str(&b->hoa).s);
	message_send(ha, room, len, HA_TX_BRR);
}

void refresh_look(struct binding *b, usec_t now)
{
	struct in6_prefix inner = binding_inner(b);
	struct ha *ha = b->home->ha;
	uint64_t packets;
	bool used;

	if (b->by_router) {
		look_at_prefix(b, now);
		return;
	}

	/* RFC 6275 9.5.5: limited; and to read the count costs time, too. */
	if (!bucket_take(&ha->refresh_tokens, &ha->refresh_tokens_at, HA_REFRESH_BURST,
			 HA_REFRESH_PERIOD, now)) {
		ha->counters[HA_REFRESH_LIMITED]++;
		b->looks++;
		return;
	}
	if (ha->ops->dp_used(ha->ctx, &inner, &packets) == 0) {
		used = (uint32_t)packets != b->packets;
		b->packets = (uint32_t)packets;
		if (used && b->looks > 0)
			send_request(b);
	}
	b->looks++;
}
