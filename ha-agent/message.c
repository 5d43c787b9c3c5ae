/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the home agent sends to mobile nodes, and to others by the routing table: Mobility
 * Headers, signed (RFC 6275 6.1.1, RFC 4285 5), and how a mobile node that is away is reached
 * (RFC 6275 9.3.2). Owns nothing; called by update.c, refresh.c, revoke.c, error.c,
 * discovery.c and mpd.c.
 */
#include "common/core/ntp.h"
#include "ha-agent/ha.h"

size_t message_build(const struct ip6_packet *ip, struct mh_msg *msg, const struct auth_key *key,
		     const struct in6_addr *coa, const struct in6_addr *hoa,
		     uint8_t room[MESSAGE_ROOM])
{
	struct mh_auth *a = &msg->opts.mn_ha;
	struct wbuf w;
	size_t at;

	if (key) {
		a->present = true;
		a->spi = key->spi;
		a->len = (uint8_t)auth_len(key->algorithm);
	}
	wb_init(&w, room, MESSAGE_ROOM);
	ip6_encode(&w, ip);
	at = w.len;
	if (mh_encode(&w, msg) < 0)
		return 0;
	ip6_finish(&w, 0);
	if (w.err)
		return 0;
	if (key && (auth_mn_ha(key, coa, hoa, room + at, a->covered, a->data) < 0 ||
		    mh_set_auth(room + at, w.len - at, a) < 0))
		return 0;
	mh_set_cksum(room + at, w.len - at, ip6_cksum_src(ip), ip6_cksum_dst(ip));
	return w.len;
}

void message_stamp(const struct binding *b, const struct ha_key *key, struct mh_msg *msg)
{
	struct ha *ha = b->home->ha;
	uint64_t t;

	if (!key || (b->timestamp == 0 && !key->timestamp_required))
		return;
	t = ntp_time(ha->ops->wall_us(ha->ctx));
	if (b->timestamp != 0 && (int64_t)(t - b->timestamp) <= 0)
		t = b->timestamp + 1;
	msg->opts.has_mesg_id = true;
	msg->opts.mesg_id = t;
}

struct ip6_packet message_header(const struct binding *b, uint8_t next_header)
{
	return (struct ip6_packet){
		.src = b->home->cfg.address, .dst = b->coa, .hop_limit = 64,
		.has_rh2 = true, .rh2 = b->hoa, .next_header = next_header,
	};
}

void message_send(struct ha *ha, const void *packet, size_t len, enum ha_counter counter)
{
	if (len == 0)
		return;
	ha->counters[counter]++;
	if (ha->ops->send_routed(ha->ctx, packet, len) < 0)
		ha->counters[HA_SEND_FAILED]++;
}
