/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mobile access gateway behind fake operations: what a host that comes with prefixes of other
 * routers, and these, rely on. RFC 5213 section 6.
 */
/* links: the home agent without its edges ($(ha_core) in Makefile.am) */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "common/core/log.h"
#include "ha-agent/mag.h"
#include "tests/unit/ha_fake.h"

#define POOL	"2001:db8:3:100::/56"
#define US	"2001:db8:3:100::1"
#define MAR1	"2001:db8:1:100::1"
#define MAR2	"2001:db8:2:100::1"
#define P1	"2001:db8:1:101::"
#define P1B	"2001:db8:1:177::"
#define P2	"2001:db8:2:105::"
#define WALL	INT64_C(1796000000000000)

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 0xa };
static struct ha_peer peers[2];

static int make_keys(void **state)
{
	(void)state;
	assert_int_equal(in6_parse(MAR1, &peers[0].address), 0);
	assert_int_equal(in6_parse(MAR2, &peers[1].address), 0);
	return auth_key_init(&peers[0].auth, 501, AUTH_HMAC_SHA256_128, "1111111111111111", 16) ||
	       auth_key_init(&peers[1].auth, 502, AUTH_HMAC_SHA256_128, "2222222222222222", 16);
}

static int drop_keys(void **state)
{
	(void)state;
	auth_key_wipe(&peers[0].auth);
	auth_key_wipe(&peers[1].auth);
	return 0;
}

static void start(struct fake *f)
{
	fake_config(f, POOL);
	f->cfg.peers = peers;
	f->cfg.n_peers = 2;
	f->cfg.network_mode = true;
	f->cfg.sessions.backend = HA_SESSIONS_SQLITE;
	assert_null(ha_config_check(&f->cfg));
	f->wall_us = WALL;
	fake_begin(f);
	fake_link(f, 7, "lan0", "fe80::1");
	fake_forget_calls(f);
}

static struct sdb_record at(const char *anchor, const char *prefix)
{
	struct sdb_record r = {
		.mn_id = { .subtype = MN_ID_EUI48, .len = 6 }, .state = SDB_ACTIVE,
		.anchor = addr(anchor), .prefix = { addr(prefix), 64 }, .lifetime_s = 3000,
	};

	memcpy(r.mn_id.data, mac, 6);
	memcpy(r.mac, mac, 6);
	return r;
}

static void found(struct fake *f, int err, const struct sdb_record *r, unsigned int n)
{
	mag_found(&f->ha, mac, err, r, n, f->now);
}

/* The last packet as a Proxy Binding Update, signed for that anchor. */
static struct mh_msg pbu(const struct fake *f, const char *anchor)
{
	const struct ha_peer *peer = strcmp(anchor, MAR1) == 0 ? &peers[0] : &peers[1];
	struct in6_addr us = addr(US), to = addr(anchor);
	uint8_t wanted[MH_AUTH_MAX];
	struct ip6_packet ip;
	struct mh_msg msg;

	assert_true(fake_mh(f, &ip, &msg));
	assert_true(in6_eq(&ip.src, &us) && in6_eq(&ip.dst, &to));
	assert_int_equal(msg.type, MH_BU);
	assert_int_equal(msg.u.bu.flags, BU_ACK | BU_HOME | BU_PROXY);
	assert_true(msg.opts.mn_ha.present && msg.opts.mn_ha.last);
	assert_int_equal(auth_mn_ha(&peer->auth, &us, &to, f->packet + ip.payload_off,
				    msg.opts.mn_ha.covered, wanted), 0);
	assert_memory_equal(wanted, msg.opts.mn_ha.data, msg.opts.mn_ha.len);
	return msg;
}

struct answer {
	const char *from;		/* NULL: MAR1 */
	uint8_t status;
	uint16_t seq, lifetime;
	const char *prefixes[2];	/* none: P1 */
	uint64_t stamp;
	bool wrong_key, not_proxy;
};

static void says(struct fake *f, const struct answer *a, struct mh_msg *msg)
{
	const char *from = a->from ? a->from : MAR1;
	bool first = (strcmp(from, MAR1) == 0) != a->wrong_key;
	const struct ha_peer *peer = &peers[first ? 0 : 1];
	struct ip6_packet ip = { .src = addr(from), .dst = addr(US), .hop_limit = 64,
				 .next_header = MH_NEXT_HEADER };
	struct mh_opts *o = &msg->opts;
	uint8_t room[MESSAGE_ROOM];
	size_t len;

	o->has_mn_id = true;
	o->mn_id_subtype = MN_ID_EUI48;
	o->mn_id_len = 6;
	memcpy(o->mn_id, mac, 6);
	o->n_prefixes = 1;
	o->prefixes[0] = (struct mh_prefix){ addr(P1), 64, false };
	for (unsigned int i = 0; i < 2 && a->prefixes[i]; i++) {
		o->prefixes[i] = (struct mh_prefix){ addr(a->prefixes[i]), 64, false };
		o->n_prefixes = i + 1;
	}
	o->has_timestamp = a->stamp != 0;
	o->timestamp = a->stamp;
	len = message_build(&ip, msg, &peer->auth, &ip.dst, &ip.src, room);
	assert_true(len > 0);
	ha_rx_mh(&f->ha, room, len, f->now);
}

/* With the options that it has. */
static void answer_as_it_is(struct fake *f, const char *from, struct mh_msg *msg)
{
	const struct ip6_packet ip = { .src = addr(from), .dst = addr(US), .hop_limit = 64,
				       .next_header = MH_NEXT_HEADER };
	uint8_t room[MESSAGE_ROOM];
	size_t len = message_build(&ip, msg, &peers[0].auth, &ip.dst, &ip.src, room);

	assert_true(len > 0);
	ha_rx_mh(&f->ha, room, len, f->now);
}

static void pba(struct fake *f, const struct answer *a)
{
	struct mh_msg msg = { .type = MH_BA, .u.ba = {
		a->status, a->not_proxy ? 0 : BA_PROXY, a->seq, a->lifetime,
	} };

	says(f, a, &msg);
}

static void bri(struct fake *f, const struct answer *a, uint8_t trigger)
{
	struct mh_msg msg = { .type = MH_BR, .u.br = {
		BR_INDICATION, trigger, 77, BR_PROXY,
	} };
	struct answer stamped = *a;

	if (stamped.stamp == 0)
		stamped.stamp = pbu_time(f->wall_us);
	says(f, &stamped, &msg);
}

static const struct nd_prefix *told(const struct nd_ra *ra, const char *prefix)
{
	struct in6_addr a = addr(prefix);

	for (unsigned int i = 0; i < ra->n_prefixes; i++)
		if (in6_eq(&ra->prefixes[i].prefix, &a))
			return &ra->prefixes[i];
	return NULL;
}

/* The host has come, and one anchor is known; the sequence number of the update. */
static uint16_t come(struct fake *f)
{
	const struct sdb_record r = at(MAR1, P1);

	start(f);
	fake_rs(f, 7, mac, "fe80::a", 255);
	found(f, 0, &r, 1);
	return pbu(f, MAR1).u.bu.seq;
}

/* And its anchor has agreed. */
static void arrive(struct fake *f)
{
	uint16_t seq = come(f);

	pba(f, &(struct answer){ .seq = seq, .lifetime = 75 });
	fake_forget_calls(f);
}

static unsigned int n_visits;
static enum visit_state state;

static void count(void *ctx, const struct visit *v)
{
	(void)ctx;
	n_visits++;
	state = v->state;
}

static unsigned int visits(const struct fake *f)
{
	n_visits = 0;
	mag_each_visit(&f->ha, count, NULL);
	return n_visits;
}

static void asks_each_anchor_and_tells_the_host_then(void **s)
{
	const struct sdb_record r[] = { at(MAR1, P1), at(MAR1, P1B), at(MAR2, P2) };
	struct mh_msg one, two;
	struct nd_ra ra;
	struct fake f;

	(void)s;
	start(&f);
	fake_rs(&f, 7, mac, "fe80::a", 255);
	assert_int_equal(fake_count(&f, CALL_FIND), 1);
	assert_memory_equal(f.found_mac, mac, 6);
	assert_int_equal(fake_count(&f, CALL_SESSION_PUT), 1);
	assert_int_equal(fake_count(&f, CALL_SEND_LINK), 0);
	found(&f, 0, r, 3);
	/* Both at once; the first visit is asked last. */
	assert_int_equal(fake_count(&f, CALL_SEND_ROUTED), 2);
	one = pbu(&f, MAR1);
	assert_int_equal(one.opts.n_prefixes, 2);
	assert_memory_equal(one.opts.mn_id, mac, 6);
	assert_int_equal(one.opts.mn_id_subtype, MN_ID_EUI48);
	assert_memory_equal(one.opts.link_layer, mac, 6);
	assert_int_equal(one.opts.handoff, HANDOFF_UNKNOWN);
	assert_int_equal(one.opts.access_type, ACCESS_ETHERNET);
	assert_true(one.opts.has_link_local && in6_is_any(&one.opts.link_local));
	assert_int_equal(one.opts.timestamp >> 16, WALL / USEC_S);
	/* What comes by a tunnel before the answers is taken. */
	assert_int_equal(fake_count(&f, CALL_DP_SET), 3);
	assert_true(f.dp.visit && f.dp.inner.len == 64);
	assert_int_equal(fake_count(&f, CALL_VISIT), 3);
	assert_int_equal(fake_count(&f, CALL_SEND_LINK), 0);
	pba(&f, &(struct answer){ .seq = one.u.bu.seq, .lifetime = 75, .prefixes = { P1, P1B } });
	assert_int_equal(fake_count(&f, CALL_SEND_LINK), 0);
	two = one;
	two.u.bu.seq = (uint16_t)(one.u.bu.seq - 1);
	pba(&f, &(struct answer){ .from = MAR2, .seq = two.u.bu.seq, .lifetime = 75,
				  .prefixes = { P2 } });
	assert_int_equal(fake_count(&f, CALL_SEND_LINK), 1);
	assert_memory_equal(f.packet_mac, mac, 6);
	assert_true(fake_ra(&f, &ra));
	assert_true(told(&ra, P1) && told(&ra, P1B) && told(&ra, P2));
	assert_int_equal(told(&ra, P1)->preferred_s, 0);
	assert_int_equal(told(&ra, P1)->valid_s, 3000);
	assert_int_equal(told(&ra, P1)->flags, PIO_FLAG_AUTO);
	assert_int_equal(told(&ra, "2001:db8:3:101::")->preferred_s, 3600);
	assert_int_equal(visits(&f), 2);
	fake_end(&f);
}

static void anchors_that_are_late_do_not_hold_the_host_up(void **s)
{
	struct nd_ra ra;
	struct fake f;
	uint16_t seq = come(&f);

	(void)s;
	fake_forget_calls(&f);
	fake_run(&f, MAG_RA_DEADLINE);
	assert_int_equal(fake_count(&f, CALL_SEND_LINK), 1);
	assert_true(fake_ra(&f, &ra) && told(&ra, P1));
	/* RFC 6275 11.8: after 1 s, then 2 s, ... */
	fake_run(&f, MAG_PBU_FIRST);
	assert_int_equal(fake_count(&f, CALL_SEND_ROUTED), 1);
	assert_true(pbu(&f, MAR1).u.bu.seq != seq);
	seq = pbu(&f, MAR1).u.bu.seq;
	fake_run(&f, MAG_PBU_FIRST);
	assert_int_equal(fake_count(&f, CALL_SEND_ROUTED), 1);
	fake_run(&f, MAG_PBU_FIRST);
	assert_int_equal(fake_count(&f, CALL_SEND_ROUTED), 2);
	/* To the one before nobody answers any more. */
	pba(&f, &(struct answer){ .seq = seq, .lifetime = 75 });
	assert_int_equal(f.ha.counters[HA_PBA_NO_MATCH], 1);
	pba(&f, &(struct answer){ .seq = (uint16_t)(seq + 1), .lifetime = 75 });
	assert_int_equal(visits(&f), 1);
	assert_int_equal(state, VISIT_REGISTERED);
	fake_end(&f);
}

static void nobody_else_answers(void **s)
{
	struct fake f;
	uint16_t seq = come(&f);

	(void)s;
	pba(&f, &(struct answer){ .seq = seq, .lifetime = 75, .wrong_key = true });
	assert_int_equal(f.ha.counters[HA_PBA_BAD_AUTH], 1);
	pba(&f, &(struct answer){ .seq = seq, .lifetime = 75, .not_proxy = true });
	pba(&f, &(struct answer){ .from = MAR2, .seq = seq, .lifetime = 75 });
	pba(&f, &(struct answer){ .from = "2001:db8:9::9", .seq = seq, .lifetime = 75 });
	assert_int_equal(f.ha.counters[HA_PBA_NO_MATCH], 3);
	assert_int_equal(visits(&f), 1);
	assert_int_equal(state, VISIT_REGISTERING);
	fake_end(&f);
}

static void what_the_anchor_does_not_grant_is_not_served(void **s)
{
	const struct sdb_record r[] = { at(MAR1, P1), at(MAR1, P1B) };
	struct nd_ra ra;
	struct fake f;

	(void)s;
	start(&f);
	fake_rs(&f, 7, mac, "fe80::a", 255);
	found(&f, 0, r, 2);
	pba(&f, &(struct answer){ .seq = pbu(&f, MAR1).u.bu.seq, .lifetime = 75 });
	assert_int_equal(fake_count(&f, CALL_DP_DEL), 1);
	assert_int_equal(fake_count(&f, CALL_VISIT_OVER), 1);
	assert_true(fake_ra(&f, &ra));
	assert_true(told(&ra, P1) && !told(&ra, P1B));
	fake_end(&f);
}

static void refusals(void **s)
{
	uint64_t ahead = pbu_time(WALL + 500 * USEC_S);
	struct fake f;
	uint16_t seq;

	(void)s;
	/* 156: by the anchor's clock. */
	seq = come(&f);
	pba(&f, &(struct answer){ .status = BA_TIMESTAMP_MISMATCH, .seq = seq, .stamp = ahead });
	assert_int_equal((pbu(&f, MAR1).opts.timestamp - ahead) >> 16, 0);
	pba(&f, &(struct answer){ .seq = pbu(&f, MAR1).u.bu.seq, .lifetime = 75 });
	assert_int_equal(visits(&f), 1);
	assert_int_equal(state, VISIT_REGISTERED);
	fake_end(&f);
	/* 130: this passes. */
	seq = come(&f);
	pba(&f, &(struct answer){ .status = BA_RESOURCES, .seq = seq });
	assert_int_equal(visits(&f), 1);
	fake_forget_calls(&f);
	fake_run(&f, MAG_PBU_FIRST);
	assert_int_equal(fake_count(&f, CALL_SEND_ROUTED), 1);
	fake_end(&f);
	/* 153: this does not, and nothing of it is left; the host has heard of its new prefix. */
	seq = come(&f);
	pba(&f, &(struct answer){ .status = BA_NOT_ANCHOR, .seq = seq });
	assert_int_equal(visits(&f), 0);
	assert_int_equal(fake_count(&f, CALL_VISIT_OVER), 1);
	assert_int_equal(fake_count(&f, CALL_SEND_LINK), 1);
	assert_int_equal(f.ha.counters[HA_PBU_REFUSED], 1);
	fake_end(&f);
}

static void extended_before_its_end(void **s)
{
	struct fake f;

	(void)s;
	arrive(&f);
	for (int i = 0; i < 4; i++) {
		fake_run(&f, 199 * USEC_S / 4);
		fake_na(&f, 7, mac, "fe80::a");
	}
	assert_int_equal(fake_count(&f, CALL_SEND_ROUTED), 0);
	fake_forget_calls(&f);
	fake_run(&f, 2 * USEC_S);
	assert_int_equal(pbu(&f, MAR1).opts.handoff, HANDOFF_NONE);
	assert_int_equal(pbu(&f, MAR1).u.bu.lifetime, 75);
	fake_end(&f);
}

/* Another router has registered the host: it is asked, and claimed again if it answers here. */
static void told_that_the_host_is_elsewhere(void **s)
{
	struct ip6_packet ip;
	struct icmp6_msg msg;
	struct fake f;

	(void)s;
	arrive(&f);
	bri(&f, &(struct answer){ 0 }, BR_HANDOVER_UNKNOWN);
	assert_int_equal(f.ha.counters[HA_TX_BRA], 1);
	assert_int_equal(visits(&f), 1);
	assert_int_equal(state, VISIT_DOUBTED);
	assert_int_equal(ip6_decode(f.packet, f.packet_len, &ip), IP6_OK);
	assert_int_equal(icmp6_decode(f.packet + ip.payload_off, ip.payload_len, &ip.src, &ip.dst,
				      ip.hop_limit, &msg), ICMP6_OK);
	assert_int_equal(msg.type, ICMP6_NS);
	fake_na(&f, 7, mac, "fe80::a");
	assert_int_equal(pbu(&f, MAR1).opts.handoff, HANDOFF_OTHER_GATEWAY);
	pba(&f, &(struct answer){ .seq = pbu(&f, MAR1).u.bu.seq, .lifetime = 75 });
	assert_int_equal(visits(&f), 1);
	assert_int_equal(state, VISIT_REGISTERED);
	/* And if it does not, all of it is over: its lease here too. */
	bri(&f, &(struct answer){ 0 }, BR_HANDOVER_UNKNOWN);
	fake_run(&f, MAG_DOUBT + 2 * USEC_S);
	assert_int_equal(visits(&f), 0);
	assert_null(ha_lease_of(&f.ha, mac));
	fake_end(&f);
}

static void revoked(void **s)
{
	struct nd_ra ra;
	struct fake f;

	(void)s;
	arrive(&f);
	bri(&f, &(struct answer){ .wrong_key = true }, BR_ADMINISTRATIVE);
	assert_int_equal(f.ha.counters[HA_BRI_BAD_AUTH], 1);
	/* What was said once is not to be said again by whoever has heard it. */
	bri(&f, &(struct answer){ .stamp = pbu_time(WALL - USEC_S) }, BR_ADMINISTRATIVE);
	assert_int_equal(f.ha.counters[HA_BRI_TIMESTAMP], 1);
	assert_int_equal(fake_count(&f, CALL_SEND_ROUTED), 0);
	assert_int_equal(visits(&f), 1);
	bri(&f, &(struct answer){ 0 }, BR_ADMINISTRATIVE);
	assert_int_equal(f.ha.counters[HA_TX_BRA], 1);
	assert_int_equal(visits(&f), 0);
	assert_int_equal(fake_count(&f, CALL_VISIT_OVER), 1);
	/* RFC 4862 5.5.3: the host is told that the prefix is over. */
	assert_true(fake_ra(&f, &ra) && told(&ra, P1));
	assert_int_equal(told(&ra, P1)->valid_s, 0);
	fake_end(&f);
}

static void the_host_leaves(void **s)
{
	struct fake f;

	(void)s;
	arrive(&f);
	assert_int_equal(ha_host_detach(&f.ha, mac, f.now), 0);
	assert_int_equal(pbu(&f, MAR1).u.bu.lifetime, 0);
	assert_int_equal(fake_count(&f, CALL_VISIT_OVER), 1);
	assert_int_equal(ha_host_detach(&f.ha, mac, f.now), -ENOENT);
	fake_run(&f, 60 * USEC_S);
	assert_int_equal(fake_count(&f, CALL_SEND_ROUTED), MAG_LEAVE_TRIES);
	assert_int_equal(visits(&f), 0);
	assert_null(mag_find(&f.ha, mac));
	fake_end(&f);
}

/* It is back before that was over: its anchors are asked without the database. */
static void the_host_is_back_at_once(void **s)
{
	struct fake f;

	(void)s;
	arrive(&f);
	assert_int_equal(ha_host_attach(&f.ha, "nowhere", mac, f.now), -ENODEV);
	(void)ha_host_detach(&f.ha, mac, f.now);
	f.find_error = -ENOTCONN;
	fake_forget_calls(&f);
	assert_int_equal(ha_host_attach(&f.ha, "lan0", mac, f.now), 0);
	assert_true(pbu(&f, MAR1).u.bu.lifetime > 0);
	assert_int_equal(fake_count(&f, CALL_VISIT), 1);
	fake_end(&f);
}

static void a_database_that_is_away(void **s)
{
	const struct sdb_record r = at(MAR1, P1);
	struct nd_ra ra;
	struct fake f;

	(void)s;
	start(&f);
	f.find_error = -ENOTCONN;
	fake_rs(&f, 7, mac, "fe80::a", 255);
	/* A new prefix at once. */
	assert_true(fake_ra(&f, &ra));
	assert_int_equal(told(&ra, "2001:db8:3:101::")->preferred_s, 3600);
	assert_int_equal(f.ha.counters[HA_LOOK_FAILED], 1);
	fake_forget_calls(&f);
	fake_run(&f, 3 * USEC_S + USEC_MS);
	assert_int_equal(fake_count(&f, CALL_FIND), 2);
	f.find_error = 0;
	mag_database_back(&f.ha, false, f.now);
	assert_int_equal(fake_count(&f, CALL_FIND), 3);
	found(&f, -ETIMEDOUT, NULL, 0);
	mag_database_back(&f.ha, false, f.now);
	found(&f, 0, &r, 1);
	assert_int_equal(visits(&f), 1);
	fake_end(&f);
}

/* Not those whose anchor has no key with us, nor ours, nor what is over. */
/* What comes to light later is told to the host, too, and once. */
/* A session that comes to be known later: of before, or the host has gone there. It is asked. */
static void found_after_the_host_was_told(void **s)
{
	struct sdb_record r = at(MAR1, P1);
	struct nd_ra ra;
	struct fake f;

	(void)s;
	start(&f);
	fake_rs(&f, 7, mac, "fe80::a", 255);
	found(&f, 0, NULL, 0);
	assert_int_equal(fake_count(&f, CALL_SEND_LINK), 1);
	fake_forget_calls(&f);
	mag_changed(&f.ha, &r, f.now);
	assert_int_equal(fake_count(&f, CALL_SEND_LINK), 1);	/* a solicitation */
	assert_int_equal(fake_count(&f, CALL_SEND_ROUTED), 0);
	assert_int_equal(fake_count(&f, CALL_DP_SET), 0);
	fake_na(&f, 7, mac, "fe80::a");
	pba(&f, &(struct answer){ .seq = pbu(&f, MAR1).u.bu.seq, .lifetime = 75 });
	assert_int_equal(fake_count(&f, CALL_SEND_LINK), 2);
	assert_true(fake_ra(&f, &ra) && told(&ra, P1));
	assert_int_equal(told(&ra, P1)->preferred_s, 0);
	/* This time it does not answer: it is at the other router, and nothing is claimed. */
	r = at(MAR2, P2);
	fake_forget_calls(&f);
	mag_changed(&f.ha, &r, f.now);
	fake_run(&f, MAG_DOUBT + USEC_S);
	assert_int_equal(pbu(&f, MAR1).u.bu.lifetime, 0);	/* only that hears of its leaving */
	assert_null(ha_lease_of(&f.ha, mac));
	fake_end(&f);
}

static void records_that_lead_nowhere(void **s)
{
	struct sdb_record r[] = {
		at("2001:db8:9::9", P1), at(US, "2001:db8:3:101::"), at(MAR1, P1),
	};
	struct fake f;

	(void)s;
	r[2].state = SDB_RELEASED;
	start(&f);
	fake_rs(&f, 7, mac, "fe80::a", 255);
	found(&f, 0, r, 3);
	assert_int_equal(visits(&f), 0);
	assert_int_equal(f.ha.counters[HA_ANCHOR_UNKNOWN], 1);
	assert_int_equal(fake_count(&f, CALL_SEND_LINK), 1);
	/* One that nobody has asked for. */
	r[2].state = SDB_ACTIVE;
	found(&f, 0, r, 3);
	assert_int_equal(visits(&f), 0);
	fake_end(&f);
}

/* RFC 5213 6.2: what a host says to see whether its addresses are its own. */
static void a_host_that_does_not_solicit(void **s)
{
	struct icmp6_msg msg = { .type = ICMP6_NS, .u.ns = { .target = addr("fe80::a") } };
	uint8_t room[256];
	struct fake f;
	size_t len = nd_packet(room, sizeof(room), &msg, "::", "ff02::1:ff00:a", 255);

	(void)s;
	start(&f);
	ha_rx_nd(&f.ha, 7, mac, room, len, f.now);
	assert_non_null(ha_lease_of(&f.ha, mac));
	assert_int_equal(fake_count(&f, CALL_FIND), 1);
	found(&f, 0, NULL, 0);
	assert_int_equal(fake_count(&f, CALL_SEND_LINK), 1);
	assert_int_equal(f.ha.counters[HA_SIGN_ATTACHED], 1);
	/* Without network mode it is a sign of nothing. */
	f.cfg.network_mode = false;
	memcpy(f.packet_mac, mac, 6);
	assert_int_equal(ha_host_detach(&f.ha, mac, f.now), 0);
	ha_rx_nd(&f.ha, 7, mac, room, len, f.now);
	assert_null(ha_lease_of(&f.ha, mac));
	fake_end(&f);
}

/* What the operator has written into the database, for a while; the table comes first. */
static void what_the_database_says_of_a_host(void **s)
{
	struct sdb_policy p = { .access = SDB_REFUSED };
	struct ha_host h = { .access = SDB_ALLOWED };
	struct fake f;

	(void)s;
	memcpy(h.mac, mac, 6);
	start(&f);
	fake_rs(&f, 7, mac, "fe80::a", 255);
	hosts_policy(&f.ha, mac, &p, f.now);
	assert_null(ha_lease_of(&f.ha, mac));
	assert_null(mag_find(&f.ha, mac));
	found(&f, 0, NULL, 0);
	assert_int_equal(fake_count(&f, CALL_SEND_LINK), 0);
	fake_rs(&f, 7, mac, "fe80::a", 255);
	assert_null(ha_lease_of(&f.ha, mac));
	f.cfg.hosts = &h;
	f.cfg.n_hosts = 1;
	fake_rs(&f, 7, mac, "fe80::a", 255);
	assert_non_null(ha_lease_of(&f.ha, mac));
	f.cfg.n_hosts = 0;
	assert_int_equal(hosts_access(&f.ha, mac), SDB_REFUSED);
	fake_run(&f, HOSTS_POLICY_TIME);
	assert_int_equal(hosts_access(&f.ha, mac), SDB_ALLOWED);
	hosts_policy(&f.ha, mac, &p, f.now);
	hosts_policy(&f.ha, mac, NULL, f.now);
	assert_int_equal(hosts_access(&f.ha, mac), SDB_ALLOWED);
	fake_end(&f);
}

/* Who invents hosts has their prefixes for seconds only. */
static void a_flood_of_hosts(void **s)
{
	uint8_t forged[6] = { 2, 1, 0, 0, 0, 0 };
	struct fake f;

	(void)s;
	start(&f);
	f.find_error = -ENOTCONN;
	for (unsigned int i = 0; i < 400; i++) {
		forged[4] = (uint8_t)(i >> 8);
		forged[5] = (uint8_t)i;
		fake_rs(&f, 7, forged, "fe80::bad", 255);
		fake_forget_calls(&f);
	}
	assert_int_equal(ha_lease_count(&f.ha, LEASE_ATTACHED), 255);
	assert_true(f.ha.counters[HA_POOL_EXHAUSTED] > 0);
	fake_rs(&f, 7, mac, "fe80::a", 255);
	assert_null(ha_lease_of(&f.ha, mac));
	fake_forget_calls(&f);
	fake_run(&f, HA_UNCONFIRMED_TIME);
	fake_rs(&f, 7, mac, "fe80::a", 255);
	assert_non_null(ha_lease_of(&f.ha, mac));
	assert_int_equal(f.ha.counters[HA_UNCONFIRMED], 1);
	/* Who has formed an address keeps it, whatever comes. */
	fake_na(&f, 7, mac, "fe80::a");
	fake_run(&f, HA_UNCONFIRMED_TIME);
	for (unsigned int i = 400; i < 800; i++) {
		forged[4] = (uint8_t)(i >> 8);
		forged[5] = (uint8_t)i;
		fake_rs(&f, 7, forged, "fe80::bad", 255);
		fake_forget_calls(&f);
	}
	assert_non_null(ha_lease_of(&f.ha, mac));
	assert_true(f.ha.counters[HA_UNCONFIRMED] > 200);
	fake_end(&f);
}

/* By the table: not at all, only here, or by another name. */
static void hosts_of_the_table(void **s)
{
	const struct sdb_record r = at(MAR1, P1);
	struct ha_host h = { .access = SDB_REFUSED };
	struct nd_ra ra;
	struct fake f;

	(void)s;
	memcpy(h.mac, mac, 6);
	start(&f);
	f.cfg.hosts = &h;
	f.cfg.n_hosts = 1;
	fake_rs(&f, 7, mac, "fe80::a", 255);
	assert_int_equal(f.n_calls, 0);
	assert_int_equal(ha_host_attach(&f.ha, "lan0", mac, f.now), -EAGAIN);
	assert_int_equal(f.ha.counters[HA_HOST_REFUSED], 2);
	h.access = SDB_LOCAL_ONLY;
	fake_rs(&f, 7, mac, "fe80::a", 255);
	assert_true(fake_ra(&f, &ra) && told(&ra, "2001:db8:3:101::"));
	assert_int_equal(fake_count(&f, CALL_FIND) + fake_count(&f, CALL_SESSION_PUT), 0);
	fake_end(&f);
	start(&f);
	h.access = SDB_ALLOWED;
	h.id = (struct sdb_mn_id){ .subtype = MN_ID_NAI, .len = 7, .data = "phone@x" };
	f.cfg.hosts = &h;
	f.cfg.n_hosts = 1;
	f.cfg.unknown_hosts = SDB_REFUSED;
	fake_rs(&f, 7, mac, "fe80::a", 255);
	found(&f, 0, &r, 1);
	assert_int_equal(pbu(&f, MAR1).opts.mn_id_subtype, MN_ID_NAI);
	assert_int_equal(pbu(&f, MAR1).opts.mn_id_len, 7);
	assert_memory_equal(pbu(&f, MAR1).opts.mn_id, "phone@x", 7);
	fake_end(&f);
}

static void more_hosts_than_questions(void **s)
{
	struct fake f;
	uint8_t other[6] = { 2, 0, 0, 0, 0, 0xb };

	(void)s;
	start(&f);
	fake_rs(&f, 7, mac, "fe80::a", 255);
	f.find_error = -EBUSY;
	fake_rs(&f, 7, other, "fe80::b", 255);
	assert_int_equal(f.ha.counters[HA_LOOK_FAILED], 0);
	f.find_error = 0;
	fake_forget_calls(&f);
	found(&f, 0, NULL, 0);
	assert_int_equal(fake_count(&f, CALL_FIND), 1);
	assert_memory_equal(f.found_mac, other, 6);
	fake_end(&f);
}

static void heartbeat(struct fake *f, uint16_t flags, uint32_t seq, uint32_t restarts,
		      bool wrong_key)
{
	struct mh_msg msg = { .type = MH_HEARTBEAT, .u.heartbeat = { flags, seq } };
	struct ip6_packet ip = { .src = addr(MAR1), .dst = addr(US), .hop_limit = 64,
				 .next_header = MH_NEXT_HEADER };
	uint8_t room[MESSAGE_ROOM];
	size_t len;

	msg.opts.has_restart_counter = flags & HEARTBEAT_RESPONSE;
	msg.opts.restart_counter = restarts;
	len = message_build(&ip, &msg, &peers[wrong_key].auth, &ip.src, &ip.dst, room);
	assert_true(len > 0);
	ha_rx_mh(&f->ha, room, len, f->now);
}

/* RFC 5847 3: who asks is answered, who does not answer is lost, and who has started anew is told
 * once more which hosts of its are here. */
static void heartbeats(void **s)
{
	struct ip6_packet ip;
	struct mh_msg msg;
	struct fake f;

	(void)s;
	arrive(&f);
	heartbeat_begin(&f.ha, 17, f.now);
	/* To each that we are there, and whether it is. */
	assert_int_equal(f.ha.counters[HA_TX_HEARTBEAT], 4);
	assert_true(fake_mh(&f, &ip, &msg));
	assert_int_equal(msg.u.heartbeat.flags, 0);
	heartbeat(&f, 0, 5, 0, false);
	assert_true(fake_mh(&f, &ip, &msg));
	assert_int_equal(msg.type, MH_HEARTBEAT);
	assert_int_equal(msg.u.heartbeat.flags, HEARTBEAT_RESPONSE);
	assert_int_equal(msg.u.heartbeat.seq, 5);
	assert_true(msg.opts.has_restart_counter && msg.opts.restart_counter == 17);
	/* Strangers hear nothing, and an answer to nothing is none. */
	fake_forget_calls(&f);
	heartbeat(&f, 0, 6, 0, true);
	heartbeat(&f, HEARTBEAT_RESPONSE, 99, 3, false);
	assert_int_equal(f.ha.counters[HA_HEARTBEAT_BAD], 2);
	assert_int_equal(f.n_calls, 0);
	heartbeat(&f, HEARTBEAT_RESPONSE, 1, 3, false);
	assert_int_equal(f.n_calls, 0);
	assert_true(heartbeat_of(&f.ha, &peers[0])->heard);
	heartbeat(&f, HEARTBEAT_RESPONSE | HEARTBEAT_UNSOLICITED, 0, 4, false);
	assert_int_equal(f.event.type, HA_EVENT_PEER_RESTARTED);
	assert_int_equal(pbu(&f, MAR1).opts.handoff, HANDOFF_UNKNOWN);
	pba(&f, &(struct answer){ .seq = pbu(&f, MAR1).u.bu.seq, .lifetime = 75 });
	fake_forget_calls(&f);
	/* Of before that start: somebody says it again. */
	heartbeat(&f, HEARTBEAT_RESPONSE | HEARTBEAT_UNSOLICITED, 0, 3, false);
	assert_int_equal(f.ha.counters[HA_HEARTBEAT_BAD], 3);
	assert_int_equal(f.n_calls, 0);
	for (int i = 0; i <= HEARTBEAT_MISSING; i++) {
		assert_false(heartbeat_of(&f.ha, &peers[0])->lost);
		fake_run(&f, HEARTBEAT_INTERVAL / 2);
		fake_na(&f, 7, mac, "fe80::a");
		fake_run(&f, HEARTBEAT_INTERVAL / 2);
		fake_na(&f, 7, mac, "fe80::a");
	}
	assert_true(heartbeat_of(&f.ha, &peers[0])->lost);
	fake_end(&f);
}

/* RFC 7864: the prefix was given to another interface of the host, which has it still; this one
 * takes flows of it, and no address. */
static void prefix_of_another_interface(void **s)
{
	const uint8_t other[6] = { 2, 0, 0, 0, 0, 0xc };
	struct ha_host hosts[2] = { { .access = SDB_ALLOWED }, { .access = SDB_ALLOWED } };
	struct sdb_record r = at(MAR1, P1);
	struct mh_msg a = { .type = MH_BA, .u.ba = { 0, BA_PROXY, 0, 75 } };
	struct nd_ra ra;
	struct mh_msg u;
	struct fake f;

	(void)s;
	for (unsigned int i = 0; i < 2; i++)
		hosts[i].id = (struct sdb_mn_id){ .subtype = MN_ID_NAI, .len = 5, .data = "phone" };
	memcpy(hosts[0].mac, mac, 6);
	memcpy(hosts[1].mac, other, 6);
	r.mn_id = hosts[0].id;
	memcpy(r.mac, other, 6);
	start(&f);
	f.cfg.hosts = hosts;
	f.cfg.n_hosts = 2;
	fake_rs(&f, 7, mac, "fe80::a", 255);
	found(&f, 0, NULL, 0);
	fake_forget_calls(&f);
	mag_changed(&f.ha, &r, f.now);
	u = pbu(&f, MAR1);
	assert_int_equal(u.opts.handoff, HANDOFF_SHARED);
	assert_int_equal(u.opts.mn_id_subtype, MN_ID_NAI);
	assert_memory_equal(u.opts.link_layer, mac, 6);
	assert_true(f.dp.visit);
	/* The anchor says so, too: nothing is told. */
	a.opts = u.opts;
	a.opts.prefixes[0].off_link = true;
	a.u.ba.seq = u.u.bu.seq;
	assert_int_equal(f.ha.mag.by_mac->visits[0]->state, VISIT_REGISTERING);
	a.opts.mn_ha = (struct mh_auth){ .present = false };
	answer_as_it_is(&f, MAR1, &a);
	assert_int_equal(f.ha.mag.by_mac->visits[0]->state, VISIT_REGISTERED);
	fake_run(&f, MAG_RA_DEADLINE);
	assert_true(!fake_ra(&f, &ra) || !told(&ra, P1));
	/* The other interface has gone: the prefix is this one's now. */
	a.opts.prefixes[0].off_link = false;
	a.opts.mn_ha = (struct mh_auth){ .present = false };
	answer_as_it_is(&f, MAR1, &a);
	fake_run(&f, MAG_RA_DEADLINE);
	assert_true(fake_ra(&f, &ra) && told(&ra, P1) && told(&ra, P1)->preferred_s == 0);
	/* And if it comes here itself it has it alone. */
	fake_rs(&f, 7, other, "fe80::c", 255);
	mag_found(&f.ha, other, 0, &r, 1, f.now);
	assert_int_equal(pbu(&f, MAR1).opts.handoff, HANDOFF_UNKNOWN);
	assert_memory_equal(pbu(&f, MAR1).opts.link_layer, other, 6);
	assert_int_equal(mag_find(&f.ha, mac)->n_visits, 0);
	f.cfg.n_hosts = 0;
	fake_end(&f);
}

/* By the session database's name: other routers know it by that, and it outlives the minute for
 * which the rest is heeded, and the daemon. */
static void a_name_from_the_database(void **s)
{
	struct sdb_policy p = { .access = SDB_ALLOWED, .mn_id = {
		.subtype = MN_ID_NAI, .len = 5, .data = "phone" } };
	const uint8_t second[6] = { 2, 0, 0, 0, 0, 0xd };
	struct sdb_record r = at(MAR1, P1);
	uint8_t macs[HA_HOST_LINKS][6];
	struct ha_lease_record kept;
	struct fake f, g;

	(void)s;
	memcpy(p.mac, mac, 6);
	start(&f);
	fake_rs(&f, 7, mac, "fe80::a", 255);
	fake_forget_calls(&f);
	hosts_policy(&f.ha, mac, &p, f.now);
	assert_true(sdb_mn_id_eq(&f.lease.name, &p.mn_id));
	kept = f.lease;
	r.mn_id = p.mn_id;
	found(&f, 0, &r, 1);
	assert_int_equal(pbu(&f, MAR1).opts.mn_id_subtype, MN_ID_NAI);
	assert_memory_equal(pbu(&f, MAR1).opts.mn_id, "phone", 5);
	pba(&f, &(struct answer){ .seq = pbu(&f, MAR1).u.bu.seq, .lifetime = 75 });
	fake_run(&f, 2 * HOSTS_POLICY_TIME);
	assert_int_equal(hosts_with_name(&f.ha, &p.mn_id, macs), 1);
	/* Another interface of the same host. */
	hosts_policy(&f.ha, second, &p, f.now);
	assert_true(hosts_same(&f.ha, mac, second));
	assert_int_equal(hosts_with_name(&f.ha, &p.mn_id, macs), 2);
	/* That has no prefix from here: it is forgotten. */
	fake_run(&f, 2 * HOSTS_POLICY_TIME);
	assert_int_equal(hosts_with_name(&f.ha, &p.mn_id, macs), 1);
	/* Nobody says so any more. */
	hosts_policy(&f.ha, mac, NULL, f.now);
	assert_int_equal(hosts_with_name(&f.ha, &p.mn_id, macs), 0);
	assert_int_equal(f.lease.name.len, 0);
	fake_end(&f);
	start(&g);
	kept.prefix = (struct in6_prefix){ addr("2001:db8:3:150::"), 64 };
	memcpy(kept.mac, mac, 6);
	assert_int_equal(ha_restore_lease(&g.ha, &kept, g.now), 0);
	assert_int_equal(hosts_with_name(&g.ha, &p.mn_id, macs), 1);
	assert_memory_equal(macs[0], mac, 6);
	fake_end(&g);
}

/* What a host sends from another router's prefix says that it has come. */
static void data_from_elsewhere(void **s)
{
	struct fake f;

	(void)s;
	start(&f);
	ha_rx_foreign(&f.ha, 7, mac, f.now);
	assert_int_equal(f.ha.counters[HA_SIGN_ATTACHED], 1);
	assert_non_null(mag_find(&f.ha, mac));
	/* On another link of this machine nothing is said of it. */
	ha_rx_foreign(&f.ha, 8, (const uint8_t[6]){ 2, 1, 1, 1, 1, 1 }, f.now);
	assert_int_equal(f.ha.counters[HA_SIGN_ATTACHED], 1);
	/* What comes behind its farewell does not bring it back. */
	assert_int_equal(ha_host_detach(&f.ha, mac, f.now), 0);
	ha_rx_foreign(&f.ha, 7, mac, f.now + HA_DISMISSED - 1);
	assert_null(ha_lease_of(&f.ha, mac));
	f.now += HA_DISMISSED;
	ha_rx_foreign(&f.ha, 7, mac, f.now);
	assert_non_null(ha_lease_of(&f.ha, mac));
	fake_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_each_anchor_and_tells_the_host_then),
		cmocka_unit_test(anchors_that_are_late_do_not_hold_the_host_up),
		cmocka_unit_test(nobody_else_answers),
		cmocka_unit_test(what_the_anchor_does_not_grant_is_not_served),
		cmocka_unit_test(refusals),
		cmocka_unit_test(extended_before_its_end),
		cmocka_unit_test(told_that_the_host_is_elsewhere),
		cmocka_unit_test(revoked),
		cmocka_unit_test(the_host_leaves),
		cmocka_unit_test(the_host_is_back_at_once),
		cmocka_unit_test(a_database_that_is_away),
		cmocka_unit_test(found_after_the_host_was_told),
		cmocka_unit_test(records_that_lead_nowhere),
		cmocka_unit_test(a_host_that_does_not_solicit),
		cmocka_unit_test(what_the_database_says_of_a_host),
		cmocka_unit_test(a_flood_of_hosts),
		cmocka_unit_test(hosts_of_the_table),
		cmocka_unit_test(more_hosts_than_questions),
		cmocka_unit_test(heartbeats),
		cmocka_unit_test(prefix_of_another_interface),
		cmocka_unit_test(a_name_from_the_database),
		cmocka_unit_test(data_from_elsewhere),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
