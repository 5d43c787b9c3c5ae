/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local mobility anchor behind fake operations: what another router, and the host that is
 * there, rely on. RFC 5213 section 5.
 */
/* links: the home agent without its edges ($(ha_core) in Makefile.am) */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "ha-agent/lma.h"
#include "tests/unit/ha_fake.h"

#define POOL	"2001:db8:1:100::/56"
#define US	"2001:db8:1:100::1"
#define P_A	"2001:db8:1:101::"
#define P_B	"2001:db8:1:102::"
#define MAR2	"2001:db8:2:100::1"
#define MAR3	"2001:db8:3:100::1"
#define STRANGER "2001:db8:9::9"
#define WALL	INT64_C(1796000000000000)

static const uint8_t mac_a[6] = { 2, 0, 0, 0, 0, 0xa }, mac_b[6] = { 2, 0, 0, 0, 0, 0xb };
static struct ha_peer peers[2];		/* MAR2, MAR3 */

static int make_keys(void **state)
{
	(void)state;
	peers[0].address = (struct in6_addr){ .s6_addr = { 0x20, 1, 0xd, 0xb8, 0, 2, 1, [15] = 1 } };
	peers[1].address = (struct in6_addr){ .s6_addr = { 0x20, 1, 0xd, 0xb8, 0, 3, 1, [15] = 1 } };
	return auth_key_init(&peers[0].auth, 502, AUTH_HMAC_SHA256_128, "2222222222222222", 16) ||
	       auth_key_init(&peers[1].auth, 503, AUTH_HMAC_SHA256_128, "3333333333333333", 16);
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
	f->wall_us = WALL;
	fake_begin(f);
	fake_link(f, 7, "lan0", "fe80::1");
	fake_rs(f, 7, mac_a, "fe80::a", 255);
	fake_rs(f, 7, mac_b, "fe80::b", 255);
	fake_forget_calls(f);
}

struct pbu {
	const char *src;		/* NULL: MAR2 */
	const struct ha_peer *key;	/* NULL: that of the source */
	const uint8_t *mac;		/* NULL: host A */
	const char *prefixes[4];	/* none: that of host A */
	uint16_t seq, lifetime;
	usec_t at;			/* of its time stamp, after WALL */
	uint8_t handoff;		/* 0: to another router */
	/* What is missing of it, and an option more. */
	bool no_id, no_prefix, no_handoff, no_access_type, link_local;
	const uint8_t *link;		/* NULL: the host's only interface */
	uint8_t access_type;		/* 0: ethernet */
};

static size_t build(const struct pbu *p, uint8_t room[1024])
{
	struct ip6_packet ip = { .src = addr(p->src ? p->src : MAR2), .dst = addr(US),
				 .hop_limit = 64, .next_header = MH_NEXT_HEADER };
	const struct ha_peer *key = p->key ? p->key : p->src && strcmp(p->src, MAR3) == 0 ?
				    &peers[1] : &peers[0];
	struct mh_msg msg = { .type = MH_BU,
		.u.bu = { p->seq, BU_ACK | BU_HOME | BU_PROXY, p->lifetime },
		.opts = { .has_mn_id = true, .mn_id_subtype = MN_ID_EUI48, .mn_id_len = 6,
			  .has_handoff = true,
			  .handoff = p->handoff ? p->handoff : HANDOFF_OTHER_GATEWAY,
			  .has_access_type = true, .access_type = ACCESS_ETHERNET,
			  .link_layer_len = 6, .has_timestamp = true,
			  .timestamp = pbu_time(WALL + p->at) } };
	struct mh_auth *a = &msg.opts.mn_ha;
	struct wbuf w;
	size_t at;

	memcpy(msg.opts.mn_id, p->mac ? p->mac : mac_a, 6);
	memcpy(msg.opts.link_layer, p->link ? p->link : msg.opts.mn_id, 6);
	if (p->access_type)
		msg.opts.access_type = p->access_type;
	if (!p->prefixes[0])
		msg.opts.prefixes[msg.opts.n_prefixes++] = (struct mh_prefix){ addr(P_A), 64, false };
	for (unsigned int i = 0; i < 4 && p->prefixes[i]; i++)
		msg.opts.prefixes[msg.opts.n_prefixes++] =
			(struct mh_prefix){ addr(p->prefixes[i]), 64, false };
	msg.opts.has_mn_id = !p->no_id;
	if (p->no_prefix)
		msg.opts.n_prefixes = 0;
	msg.opts.has_handoff = !p->no_handoff;
	msg.opts.has_access_type = !p->no_access_type;
	msg.opts.has_link_local = p->link_local;
	*a = (struct mh_auth){ .present = true, .spi = key->auth.spi, .len = 16 };
	wb_init(&w, room, 1024);
	ip6_encode(&w, &ip);
	at = w.len;
	assert_int_equal(mh_encode(&w, &msg), 0);
	ip6_finish(&w, 0);
	assert_int_equal(auth_mn_ha(&key->auth, &ip.src, &ip.dst, room + at, a->covered, a->data),
			 0);
	assert_int_equal(mh_set_auth(room + at, w.len - at, a), 0);
	mh_set_cksum(room + at, w.len - at, &ip.src, &ip.dst);
	return w.len;
}

static void say(struct fake *f, const struct pbu *p)
{
	uint8_t room[1024];
	size_t len = build(p, room);

	f->packet_len = 0;
	f->wall_us = WALL + p->at;
	ha_rx_mh(&f->ha, room, len, f->now);
	ha_flush(&f->ha, f->now);
}

/* The acknowledgement, signed for whom it is; false: nothing was sent. */
static bool answered(const struct fake *f, struct mh_msg *ret)
{
	struct ip6_packet ip;
	const struct ha_peer *peer;
	const uint8_t *mh;
	uint8_t mac[AUTH_SECRET_MAX];

	if (f->packet_len == 0)
		return false;
	assert_int_equal(ip6_decode(f->packet, f->packet_len, &ip), IP6_OK);
	mh = f->packet + ip.payload_off;
	assert_false(ip.has_rh2);
	assert_int_equal(mh_decode(mh, ip.payload_len, &ip.src, &ip.dst, ret, NULL), MH_OK);
	assert_int_equal(ret->type, MH_BA);
	assert_int_equal(ret->u.ba.flags, BA_PROXY);
	peer = ha_peer_of(&f->ha, &ip.dst);
	assert_non_null(peer);
	assert_true(ret->opts.mn_ha.last);
	assert_int_equal(auth_mn_ha(&peer->auth, &ip.dst, &ip.src, mh, ret->opts.mn_ha.covered,
				    mac), 0);
	assert_memory_equal(mac, ret->opts.mn_ha.data, 16);
	return true;
}

static uint8_t status(const struct fake *f)
{
	struct mh_msg m;

	assert_true(answered(f, &m));
	return m.u.ba.status;
}

static const struct binding *bound(const struct fake *f, const char *prefix)
{
	struct in6_addr a = addr(prefix);

	return ha_bound_find(&f->ha, &a);
}

static void prefix_goes_into_the_tunnel(void **state)
{
	struct in6_addr p = addr(P_A), coa = addr(MAR2), us = addr(US);
	struct fake f;
	struct mh_msg m;

	(void)state;
	start(&f);
	say(&f, &(struct pbu){ .seq = 5, .lifetime = 75 });
	assert_true(answered(&f, &m));
	assert_int_equal(m.u.ba.status, BA_ACCEPTED);
	assert_int_equal(m.u.ba.seq, 5);
	assert_int_equal(m.u.ba.lifetime, 75);
	assert_int_equal(m.opts.n_prefixes, 1);
	assert_true(in6_eq(&m.opts.prefixes[0].addr, &p));
	assert_int_equal(m.opts.mn_id_subtype, MN_ID_EUI48);
	assert_memory_equal(m.opts.mn_id, mac_a, 6);
	assert_int_equal(m.opts.handoff, HANDOFF_OTHER_GATEWAY);
	assert_int_equal(m.opts.access_type, ACCESS_ETHERNET);
	assert_int_equal(m.opts.link_layer_len, 6);
	assert_true(m.opts.timestamp == pbu_time(WALL));
	/* All of it, between the two routers; and the host is not looked for here any more. */
	assert_int_equal(f.dp.inner.len, 64);
	assert_true(in6_eq(&f.dp.inner.addr, &p) && in6_eq(&f.dp.remote, &coa) &&
		    in6_eq(&f.dp.local, &us));
	assert_false(f.dp.unverified);
	assert_int_equal(fake_count(&f, CALL_DETACH), 1);
	assert_true(f.binding.by_router);
	fake_end(&f);
}

static void moves_and_is_refreshed(void **state)
{
	struct in6_addr mar3 = addr(MAR3);
	struct fake f;

	(void)state;
	start(&f);
	say(&f, &(struct pbu){ .lifetime = 75 });
	fake_forget_calls(&f);
	say(&f, &(struct pbu){ .lifetime = 75, .at = USEC_S });
	assert_int_equal(status(&f), BA_ACCEPTED);
	assert_int_equal(fake_count(&f, CALL_DP_SET), 0);
	say(&f, &(struct pbu){ .src = MAR3, .lifetime = 75, .at = 2 * USEC_S });
	assert_int_equal(status(&f), BA_ACCEPTED);
	assert_int_equal(fake_count(&f, CALL_DP_SET), 1);
	assert_int_equal(fake_count(&f, CALL_DP_DEL), 0);
	assert_true(in6_eq(&bound(&f, P_A)->coa, &mar3));
	/* What MAR2 has sent before, and comes only now, changes nothing. */
	say(&f, &(struct pbu){ .lifetime = 75, .at = 1900 * USEC_MS });
	assert_int_equal(status(&f), BA_TIMESTAMP_LOWER);
	assert_true(in6_eq(&bound(&f, P_A)->coa, &mar3));
	/* Nor does its de-registration. */
	say(&f, &(struct pbu){ .lifetime = 0, .at = 3 * USEC_S });
	assert_int_equal(f.packet_len, 0);
	assert_non_null(bound(&f, P_A));
	fake_end(&f);
}

static void ends(void **state)
{
	struct in6_addr p = addr(P_A);
	struct fake f;

	(void)state;
	start(&f);
	say(&f, &(struct pbu){ .lifetime = 75 });
	say(&f, &(struct pbu){ .lifetime = 0, .at = USEC_S });
	assert_int_equal(status(&f), BA_ACCEPTED);
	assert_null(bound(&f, P_A));
	assert_int_equal(f.dp_deleted.len, 64);
	assert_true(in6_eq(&f.dp_deleted.addr, &p));
	/* Once more, for its answer was lost; and when the entry has gone, too. */
	say(&f, &(struct pbu){ .lifetime = 0, .at = 2 * USEC_S });
	assert_int_equal(status(&f), BA_ACCEPTED);
	fake_run(&f, 20 * USEC_S);
	assert_int_equal(f.ha.bcache.n, 0);
	say(&f, &(struct pbu){ .lifetime = 0, .at = 3 * USEC_S });
	assert_int_equal(status(&f), BA_ACCEPTED);
	fake_end(&f);
}

static void lasts_as_long_as_granted(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	say(&f, &(struct pbu){ .lifetime = 25 });
	fake_run(&f, 99 * USEC_S);
	assert_non_null(bound(&f, P_A));
	fake_run(&f, 2 * USEC_S);
	assert_null(bound(&f, P_A));
	assert_int_equal(f.dp_deleted.len, 64);
	/* Nobody was asked to refresh it. */
	assert_int_equal(f.ha.counters[HA_TX_BRR], 0);
	fake_end(&f);
}

/* The route by its link is there before that by the tunnel goes. */
static void host_that_is_back(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	say(&f, &(struct pbu){ .lifetime = 75 });
	fake_forget_calls(&f);
	fake_rs(&f, 7, mac_a, "fe80::a", 255);
	assert_null(bound(&f, P_A));
	assert_true(fake_at(&f, CALL_ATTACH) >= 0);
	assert_true(fake_at(&f, CALL_ATTACH) < fake_at(&f, CALL_DP_DEL));
	assert_int_equal(f.dp_deleted.len, 64);
	/* Another host that solicits ends nothing of it. */
	say(&f, &(struct pbu){ .lifetime = 75, .at = USEC_S });
	fake_rs(&f, 7, mac_b, "fe80::b", 255);
	assert_non_null(bound(&f, P_A));
	fake_end(&f);
}

/* 5.3.6: each refusal goes out, with all options that the RFC wants in it. */
static void what_is_missing(void **state)
{
	static const struct { struct pbu p; uint8_t status; } cases[] = {
		{ { .no_id = true }, BA_MISSING_MN_ID },
		{ { .no_prefix = true }, BA_MISSING_PREFIX },
		{ { .no_handoff = true }, BA_MISSING_HANDOFF_INDICATOR },
		{ { .no_access_type = true }, BA_MISSING_ACCESS_TYPE },
	};
	struct fake f;

	(void)state;
	start(&f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pbu p = cases[i].p;
		struct mh_msg m;

		p.lifetime = 75;
		say(&f, &p);
		assert_true(answered(&f, &m));
		assert_int_equal(m.u.ba.status, cases[i].status);
		assert_true(m.opts.has_mn_id && m.opts.has_handoff && m.opts.has_access_type);
		assert_int_equal(m.opts.mn_id_len, p.no_id ? 0 : 6);
		assert_int_equal(m.opts.n_prefixes, 1);
		assert_int_equal(m.opts.prefixes[0].len, p.no_prefix ? 0 : 64);
	}
	assert_int_equal(f.ha.bcache.n, 0);
	fake_end(&f);
}

/* 5.3.6, RFC 6543: a router that asks for its link-local address gets the one that all have. */
static void link_local_address(void **state)
{
	struct in6_addr fixed = addr("fe80::200:5eff:fe00:5213");
	struct fake f;
	struct mh_msg m;

	(void)state;
	start(&f);
	say(&f, &(struct pbu){ .lifetime = 75, .link_local = true });
	assert_true(answered(&f, &m));
	assert_true(m.opts.has_link_local && in6_eq(&m.opts.link_local, &fixed));
	/* Of what is refused it comes back as it was. */
	say(&f, &(struct pbu){ .lifetime = 75, .link_local = true, .mac = mac_b, .at = USEC_S });
	assert_true(answered(&f, &m));
	assert_true(m.opts.has_link_local && in6_is_any(&m.opts.link_local));
	fake_end(&f);
}

/* A prefix that is named twice does not stand for two. */
static void named_twice(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	say(&f, &(struct pbu){ .lifetime = 75, .prefixes = { P_A, P_A } });
	assert_int_equal(status(&f), BA_PREFIX_SET_MISMATCH);
	assert_int_equal(ha_bound_count(&f.ha), 0);
	fake_end(&f);
}

/* A tunnel packet that came in fragments, and an error about one: of any address of the prefix. */
static void any_address_of_the_prefix(void **state)
{
	struct ip6_packet ip = { .src = addr("2001:db8:1:101::77"), .dst = addr(STRANGER),
				 .hop_limit = 9, .next_header = IP6_NH_NONE };
	struct in6_addr mar2 = addr(MAR2), mar3 = addr(MAR3);
	uint8_t room[64];
	struct fake f;
	struct wbuf w;

	(void)state;
	start(&f);
	say(&f, &(struct pbu){ .lifetime = 75 });
	wb_init(&w, room, sizeof(room));
	ip6_encode(&w, &ip);
	ip6_finish(&w, 0);
	fake_forget_calls(&f);
	ha_rx_reassembled(&f.ha, &mar2, room, w.len, f.now);
	assert_int_equal(fake_count(&f, CALL_FORWARD), 1);
	ha_rx_reassembled(&f.ha, &mar3, room, w.len, f.now);
	assert_int_equal(fake_count(&f, CALL_FORWARD), 1);
	assert_int_equal(f.ha.counters[HA_REASSEMBLED_FORGED], 1);
	fake_end(&f);
}

/* RFC 6275 10.6 is between a home agent and a mobile node: routers hear nothing of prefixes. */
static void no_news_of_prefixes(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	say(&f, &(struct pbu){ .lifetime = 75 });
	fake_forget_calls(&f);
	ha_prefix_changed(&f.ha, &f.ha.homes[0], f.now);
	fake_run(&f, 10 * USEC_S);
	assert_int_equal(fake_count(&f, CALL_SEND_ROUTED), 0);
	fake_end(&f);
}

/* ---- revocation (RFC 5846) ---- */

/* The indication: between the routers, for the host and its prefix, signed. Its number. */
static uint16_t indicated(const struct fake *f)
{
	struct in6_addr p = addr(P_A);
	uint8_t mac[AUTH_SECRET_MAX];
	struct ip6_packet ip;
	struct mh_msg m;
	const uint8_t *mh;

	assert_int_equal(ip6_decode(f->packet, f->packet_len, &ip), IP6_OK);
	mh = f->packet + ip.payload_off;
	assert_false(ip.has_rh2);
	assert_true(in6_eq(&ip.dst, &peers[0].address));
	assert_int_equal(mh_decode(mh, ip.payload_len, &ip.src, &ip.dst, &m, NULL), MH_OK);
	assert_int_equal(m.type, MH_BR);
	assert_int_equal(m.u.br.type, BR_INDICATION);
	assert_int_equal(m.u.br.flags, BR_PROXY);
	assert_int_equal(m.opts.mn_id_subtype, MN_ID_EUI48);
	assert_memory_equal(m.opts.mn_id, mac_a, 6);
	assert_int_equal(m.opts.n_prefixes, 1);
	assert_true(in6_eq(&m.opts.prefixes[0].addr, &p) && m.opts.prefixes[0].len == 64);
	assert_true(m.opts.mn_ha.last);
	assert_int_equal(auth_mn_ha(&peers[0].auth, &ip.dst, &ip.src, mh, m.opts.mn_ha.covered,
				    mac), 0);
	assert_memory_equal(mac, m.opts.mn_ha.data, 16);
	return m.u.br.seq;
}

static void say_revoked(struct fake *f, const char *src, uint16_t seq, uint16_t flags,
			const struct ha_peer *key)
{
	struct ip6_packet ip = { .src = addr(src), .dst = addr(US), .hop_limit = 64,
				 .next_header = MH_NEXT_HEADER };
	struct mh_msg msg = { .type = MH_BR,
		.u.br = { BR_ACKNOWLEDGEMENT, BR_SUCCESS, seq, flags },
		.opts = { .has_mn_id = true, .mn_id_subtype = MN_ID_EUI48, .mn_id_len = 6,
			  .n_prefixes = 1, .prefixes = { { addr(P_A), 64 } },
			  .mn_ha = { .present = true, .spi = key->auth.spi, .len = 16 } } };
	struct mh_auth *a = &msg.opts.mn_ha;
	uint8_t room[512];
	struct wbuf w;
	size_t at;

	memcpy(msg.opts.mn_id, mac_a, 6);
	wb_init(&w, room, sizeof(room));
	ip6_encode(&w, &ip);
	at = w.len;
	assert_int_equal(mh_encode(&w, &msg), 0);
	ip6_finish(&w, 0);
	assert_int_equal(auth_mn_ha(&key->auth, &ip.src, &ip.dst, room + at, a->covered, a->data),
			 0);
	assert_int_equal(mh_set_auth(room + at, w.len - at, a), 0);
	mh_set_cksum(room + at, w.len - at, &ip.src, &ip.dst);
	ha_rx_mh(&f->ha, room, w.len, f->now);
}

static void revoked(void **state)
{
	static const struct revoke_selection all;
	struct fake f;
	uint16_t seq;

	(void)state;
	start(&f);
	say(&f, &(struct pbu){ .lifetime = 75 });
	assert_int_equal(ha_revoke(&f.ha, &all, BR_ADMINISTRATIVE, f.now), 1);
	seq = indicated(&f);
	assert_non_null(bound(&f, P_A));
	/* It cannot be extended meanwhile; and only that router can say that it has heard. */
	say(&f, &(struct pbu){ .lifetime = 75, .at = USEC_S });
	assert_int_equal(status(&f), BA_PROHIBITED);
	say_revoked(&f, MAR3, seq, BR_PROXY, &peers[1]);
	say_revoked(&f, MAR2, seq, BR_PROXY, &peers[1]);
	say_revoked(&f, MAR2, (uint16_t)(seq + 1), BR_PROXY, &peers[0]);
	say_revoked(&f, MAR2, seq, 0, &peers[0]);
	assert_non_null(bound(&f, P_A));
	say_revoked(&f, MAR2, seq, BR_PROXY, &peers[0]);
	assert_null(bound(&f, P_A));
	assert_int_equal(f.dp_deleted.len, 64);
	assert_int_equal(f.ha.counters[HA_REVOKE_ACCEPTED], 1);
	fake_end(&f);
}

/* 3 s after nobody has answered it is over; so a drain comes to its end. */
static void revoked_in_vain(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	say(&f, &(struct pbu){ .lifetime = 75 });
	fake_forget_calls(&f);
	assert_int_equal(ha_drain(&f.ha, 0, true, f.now), 0);
	fake_run(&f, 100 * USEC_MS);
	assert_non_null(bound(&f, P_A));
	assert_int_equal(fake_count(&f, CALL_DRAINED), 0);
	fake_run(&f, 10 * USEC_S);
	assert_int_equal(f.ha.counters[HA_TX_BRI], 2);
	assert_null(bound(&f, P_A));
	assert_int_equal(fake_count(&f, CALL_DRAINED), 1);
	fake_end(&f);
}

/* ---- a data path that puts its work off ---- */

static unsigned int commits;

static void commit(void *ctx)
{
	(void)ctx;
	commits++;
}

/* As many as wait together, and one of a mobile node behind them. */
static void many_at_once(void **state)
{
	struct ha_ops ops = fake_ops;
	struct fake f;
	struct in6_addr hoa;

	(void)state;
	ops.dp_commit = commit;
	fake_config(&f, POOL);
	f.cfg.peers = peers;
	f.cfg.n_peers = 2;
	f.wall_us = WALL;
	assert_int_equal(ha_init(&f.ha, &f.cfg, &ops, &f, &f.timers, f.now), 0);
	fake_link(&f, 7, "lan0", "fe80::1");
	for (unsigned int i = 1; i <= HA_BATCH + 1; i++) {
		uint8_t mac[6] = { 2, 1, 0, 0, 0, (uint8_t)i };

		fake_rs(&f, 7, mac, "fe80::a", 255);
	}
	fake_forget_calls(&f);
	commits = 0;
	for (unsigned int i = 1; i <= HA_BATCH; i++) {
		uint8_t mac[6] = { 2, 1, 0, 0, 0, (uint8_t)i }, room[1024];
		char prefix[32];
		struct pbu p = { .lifetime = 75, .mac = mac, .prefixes = { prefix } };

		snprintf(prefix, sizeof(prefix), "2001:db8:1:1%02x::", i);
		ha_rx_mh(&f.ha, room, build(&p, room), f.now);
	}
	hoa = addr("2001:db8:1:141::5");
	fake_bu(&f, &(struct bu){ .src = STRANGER, .hoa = "2001:db8:1:141::5", .seq = 1,
				  .lifetime = 50, .key = &f.keys[0] });
	assert_true(f.ha.n_pending <= HA_BATCH && f.ha.n_answers <= HA_BATCH);
	ha_flush(&f.ha, f.now);
	assert_int_equal(ha_bound_count(&f.ha), HA_BATCH + 1);
	assert_non_null(ha_bound_find(&f.ha, &hoa));
	assert_int_equal(f.ha.counters[HA_TX_PBA], HA_BATCH);
	assert_int_equal(f.ha.counters[HA_TX_BA], 1);
	fake_end(&f);
}

static void not_this_host(void **state)
{
	static const uint8_t nobody[6] = { 2, 9, 9, 9, 9, 9 };
	struct fake f;
	struct mh_msg m;

	(void)state;
	start(&f);
	say(&f, &(struct pbu){ .lifetime = 75, .mac = mac_b });
	assert_int_equal(status(&f), BA_PREFIX_NOT_AUTHORIZED);
	say(&f, &(struct pbu){ .lifetime = 75, .mac = nobody });
	assert_int_equal(status(&f), BA_NOT_ANCHOR);
	/* All prefixes of the request come back. */
	say(&f, &(struct pbu){ .lifetime = 75, .prefixes = { P_A, P_B, "2001:db8:7:7::" } });
	assert_true(answered(&f, &m));
	assert_int_equal(m.u.ba.status, BA_PREFIX_NOT_AUTHORIZED);
	assert_int_equal(m.opts.n_prefixes, 3);
	assert_int_equal(fake_count(&f, CALL_DP_SET), 0);
	assert_int_equal(ha_bound_count(&f.ha), 0);
	fake_end(&f);
}

static void strangers(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	say(&f, &(struct pbu){ .src = STRANGER, .lifetime = 75 });
	assert_int_equal(f.packet_len, 0);
	assert_int_equal(f.ha.pbus[PBU_UNKNOWN_ROUTER], 1);
	say(&f, &(struct pbu){ .src = MAR3, .key = &peers[0], .lifetime = 75 });
	assert_int_equal(f.packet_len, 0);
	assert_int_equal(f.ha.pbus[PBU_UNKNOWN_SPI], 1);
	assert_int_equal(ha_bound_count(&f.ha), 0);
	fake_end(&f);
	/* Where no router is configured nobody is heard. */
	fake_start(&f, POOL);
	say(&f, &(struct pbu){ .lifetime = 75 });
	assert_int_equal(f.packet_len, 0);
	fake_end(&f);
}

static void data_path_that_fails(void **state)
{
	struct fake f;
	struct mh_msg m;

	(void)state;
	start(&f);
	f.dp_error = -ENOSPC;
	say(&f, &(struct pbu){ .lifetime = 75 });
	assert_true(answered(&f, &m));
	assert_int_equal(m.u.ba.status, BA_UNSPECIFIED);
	assert_int_equal(m.u.ba.lifetime, 0);
	assert_int_equal(f.ha.bcache.n, 0);
	assert_int_equal(f.ha.pbus[PBU_DATAPATH], 1);
	fake_end(&f);
}

/* The host's own Binding Updates, were it to send any, are not about what a router has bound. */
static void not_by_the_host(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	say(&f, &(struct pbu){ .lifetime = 75 });
	for (uint16_t lifetime = 0; lifetime <= 50; lifetime += 50) {
		fake_bu(&f, &(struct bu){ .src = STRANGER, .hoa = P_A, .seq = 9,
					  .lifetime = lifetime, .key = &f.keys[0] });
		ha_flush(&f.ha, f.now);
		assert_non_null(bound(&f, P_A));
	}
	fake_end(&f);
}

/* The last packet as an indication to a router (RFC 5846 8.1); its trigger, or -1. */
static int trigger_to(const struct fake *f, const char *router)
{
	struct in6_addr to = addr(router);
	struct ip6_packet ip;
	struct mh_msg msg;

	if (!fake_mh(f, &ip, &msg) || msg.type != MH_BR || !in6_eq(&ip.dst, &to))
		return -1;
	assert_int_equal(msg.u.br.type, BR_INDICATION);
	assert_int_equal(msg.u.br.flags, BR_PROXY);
	assert_memory_equal(msg.opts.mn_id, mac_a, 6);
	return msg.u.br.code;
}

/* The newer wins and the older is told, once more if it does not say that it has heard. */
static void the_older_router_is_told(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	say(&f, &(struct pbu){ .seq = 1, .lifetime = 75 });
	fake_forget_calls(&f);
	say(&f, &(struct pbu){ .src = MAR3, .seq = 1, .lifetime = 75, .at = USEC_S });
	assert_int_equal(fake_count(&f, CALL_SEND_ROUTED), 2);
	assert_int_equal(status(&f), BA_ACCEPTED);
	fake_forget_calls(&f);
	fake_run(&f, USEC_S);
	assert_int_equal(trigger_to(&f, MAR2), BR_HANDOVER_UNKNOWN);
	fake_forget_calls(&f);
	fake_run(&f, 10 * USEC_S);
	assert_int_equal(fake_count(&f, CALL_SEND_ROUTED), 0);
	/* What it only extends does not bring the host back (RFC 5213 8.4). */
	say(&f, &(struct pbu){ .seq = 2, .lifetime = 75, .at = 20 * USEC_S, .handoff = HANDOFF_NONE });
	assert_int_equal(status(&f), BA_TIMESTAMP_LOWER);
	assert_int_equal(f.ha.pbus[PBU_MOVED_ON], 1);
	/* That the host is there does. */
	say(&f, &(struct pbu){ .seq = 3, .lifetime = 75, .at = 21 * USEC_S });
	assert_int_equal(status(&f), BA_ACCEPTED);
	fake_end(&f);
}

/* RFC 5213 5.3.5 and the draft: what no packet uses is released, and the router tells the host. */
static void released_when_idle(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	f.cfg.network_mode = true;
	f.cfg.release_idle = 100 * USEC_S;
	say(&f, &(struct pbu){ .seq = 1, .lifetime = 75 });
	f.dp_packets = 7;
	fake_forget_calls(&f);
	fake_run(&f, 150 * USEC_S);
	assert_int_equal(fake_count(&f, CALL_SEND_ROUTED), 0);
	assert_int_equal(fake_count(&f, CALL_DP_USED), 1);
	f.dp_packets = 8;
	fake_run(&f, 60 * USEC_S);
	assert_non_null(bound(&f, P_A));
	say(&f, &(struct pbu){ .seq = 2, .lifetime = 75, .at = 210 * USEC_S });
	fake_forget_calls(&f);
	fake_run(&f, 90 * USEC_S);
	assert_int_equal(f.ha.counters[HA_TX_BRI], 1);
	assert_int_equal(fake_count(&f, CALL_SESSION_DEL), 1);
	fake_run(&f, 10 * USEC_S);
	assert_null(bound(&f, P_A));
	fake_end(&f);
}

static void comes_back_after_a_restart(void **state)
{
	struct ha_lease_record lease;
	struct ha_binding_record r;
	struct fake f, g;

	(void)state;
	start(&f);
	say(&f, &(struct pbu){ .lifetime = 75 });
	lease = f.lease;
	r = f.binding;
	for (int known = 0; known <= 1; known++) {
		fake_config(&g, POOL);
		g.cfg.peers = peers;
		g.cfg.n_peers = known ? 2 : 0;
		g.wall_us = WALL;
		fake_begin(&g);
		memcpy(lease.mac, mac_a, 6);
		lease.prefix = (struct in6_prefix){ addr(P_A), 64 };
		lease.attached = false;
		assert_int_equal(ha_restore_lease(&g.ha, &lease, g.now), 0);
		/* A router that is none any more has lost what it had. */
		assert_int_equal(ha_restore_binding(&g.ha, &r, g.now), known ? 0 : -EINVAL);
		if (known) {
			assert_int_equal(g.dp.inner.len, 64);
			say(&g, &(struct pbu){ .lifetime = 75, .at = -100 * USEC_MS });
			assert_int_equal(status(&g), BA_TIMESTAMP_LOWER);
		}
		fake_end(&g);
	}
	fake_end(&f);
}

static const uint8_t second[6] = { 2, 0, 0, 0, 0, 0x1a }, third[6] = { 2, 0, 0, 0, 0, 0x2a };

static bool leads_to(const struct fake *f, unsigned int path, const char *coa)
{
	struct in6_addr a = coa ? addr(coa) : in6addr_any;

	return in6_eq(&f->steer.paths[path].remote, &a);
}

/* RFC 7864 3.2.1: the host is here, and with another interface at MAR2. */
static void another_interface(void **state)
{
	struct in6_addr mar2 = addr(MAR2);
	struct fake f;
	struct mh_msg m;

	(void)state;
	start(&f);
	say(&f, &(struct pbu){ .lifetime = 75, .link = second, .handoff = HANDOFF_SHARED });
	assert_true(answered(&f, &m));
	assert_int_equal(m.u.ba.status, BA_ACCEPTED);
	assert_true(m.opts.prefixes[0].off_link);
	/* Nothing goes there yet; what comes from there is taken. */
	assert_int_equal(fake_count(&f, CALL_DETACH), 0);
	assert_int_equal(fake_count(&f, CALL_DP_SET), 0);
	assert_true(leads_to(&f, 0, MAR2) && leads_to(&f, 1, NULL));
	assert_null(bound(&f, P_A));
	/* Its link here goes: all goes there. */
	assert_int_equal(ha_host_detach(&f.ha, mac_a, f.now), 0);
	ha_flush(&f.ha, f.now);
	assert_int_equal(fake_count(&f, CALL_DP_SET), 1);
	assert_true(in6_eq(&f.dp.remote, &mar2) && f.dp.inner.len == 64);
	assert_int_equal(bound(&f, P_A)->bid, 1);
	say(&f, &(struct pbu){ .lifetime = 75, .link = second, .handoff = HANDOFF_NONE,
			       .at = USEC_S });
	assert_true(answered(&f, &m));
	assert_false(m.opts.prefixes[0].off_link);
	/* It is at MAR3 with the first one: that is the way, and the other one stays. */
	say(&f, &(struct pbu){ .src = MAR3, .lifetime = 75, .at = 2 * USEC_S });
	assert_int_equal(status(&f), BA_ACCEPTED);
	assert_int_equal(bound(&f, P_A)->bid, 0);
	assert_true(leads_to(&f, 0, MAR2));
	assert_int_equal(f.ha.bcache.n, 2);
	/* A link that was not known before. */
	say(&f, &(struct pbu){ .src = MAR3, .lifetime = 75, .link = third, .at = 3 * USEC_S });
	assert_int_equal(status(&f), BA_ACCEPTED);
	assert_true(leads_to(&f, 0, MAR2) && leads_to(&f, 1, MAR3));
	/* The second interface leaves, the default stays as it is. */
	fake_forget_calls(&f);
	say(&f, &(struct pbu){ .lifetime = 0, .link = second, .at = 4 * USEC_S });
	assert_int_equal(status(&f), BA_ACCEPTED);
	assert_true(leads_to(&f, 0, NULL) && leads_to(&f, 1, MAR3));
	assert_int_equal(fake_count(&f, CALL_DP_DEL), 0);
	fake_end(&f);
}

/* The older router of a second interface is told, and the first one's is not. */
static void another_interface_moves(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	f.cfg.network_mode = true;
	say(&f, &(struct pbu){ .lifetime = 75, .link = second });
	fake_forget_calls(&f);
	f.packet_len = 0;
	say(&f, &(struct pbu){ .src = MAR3, .lifetime = 75, .link = second, .at = USEC_S });
	assert_int_equal(f.ha.notices.n, 1);
	assert_true(leads_to(&f, 0, MAR3));
	/* What MAR2 says late ends nothing. */
	say(&f, &(struct pbu){ .lifetime = 0, .link = second, .at = 2 * USEC_S });
	assert_true(leads_to(&f, 0, MAR3));
	assert_int_equal(f.ha.pbus[PBU_NOT_CURRENT], 1);
	fake_end(&f);
}

static void more_interfaces_than_may_be(void **state)
{
	uint8_t link[6] = { 2, 0, 0, 0, 1, 0 };
	struct fake f;

	(void)state;
	start(&f);
	for (unsigned int i = 1; i <= BCACHE_BIDS; i++) {
		link[5] = (uint8_t)i;
		say(&f, &(struct pbu){ .lifetime = 75, .link = link, .at = i * USEC_S });
		assert_int_equal(status(&f), i < BCACHE_BIDS ? BA_ACCEPTED : BA_RESOURCES);
	}
	assert_int_equal(f.ha.bcache.n, BCACHE_BIDS - 1);
	fake_end(&f);
}

/* Figure 6: one flow stays, the other one goes by the second interface. */
static void flows_by_their_links(void **state)
{
	struct ha_flow flows[3] = {
		{ .name = "video", .access_type = ACCESS_WLAN,
		  .what = { .protocol = 17, .remote_port = { 5004, 5005 } } },
		{ .name = "others", .has_mac = true, .access_type = ACCESS_WLAN },
		{ .name = "voice", .access_type = ACCESS_LTE, .what = { .has_dscp = true, .dscp = 46 } },
	};
	const uint8_t stranger[6] = { 2, 9, 9, 9, 9, 9 };
	struct steer_flow shown[HA_MAX_FLOWS];
	struct fake f;

	(void)state;
	start(&f);
	f.cfg.flows = flows;
	f.cfg.n_flows = 3;
	f.cfg.access_type = ACCESS_ETHERNET;
	memcpy(flows[1].mac, mac_b, 6);
	say(&f, &(struct pbu){ .lifetime = 75, .link = second, .access_type = ACCESS_WLAN });
	assert_int_equal(f.steer.n_flows, 2);
	assert_int_equal(f.steer.flows[0].what.remote_port.first, 5004);
	assert_int_equal(f.steer.flows[0].path, 0);
	assert_int_equal(f.steer.flows[1].path, -1);	/* there is no such link */
	/* An operator moves it back, and it is as configured again. */
	assert_int_equal(steer_move(&f.ha, mac_a, "video", 0), 0);
	assert_int_equal(f.steer.flows[0].path, -1);
	assert_int_equal(steer_move(&f.ha, mac_a, "voice", ACCESS_WLAN), 0);
	assert_int_equal(f.steer.flows[1].path, 0);
	assert_int_equal(steer_flows(&f.ha, ha_lease_of(&f.ha, mac_a), shown), 2);
	assert_null(shown[0].way);
	assert_int_equal(shown[1].way->bid, 1);
	assert_int_equal(steer_move(&f.ha, mac_a, "video", -1), 0);
	assert_int_equal(f.steer.flows[0].path, 0);
	assert_int_equal(steer_move(&f.ha, mac_a, "nothing", 0), -ENOENT);
	assert_int_equal(steer_move(&f.ha, mac_a, "others", 0), -ENOENT);
	assert_int_equal(steer_move(&f.ha, stranger, "video", 0), -ENOENT);
	/* The second interface leaves: nothing is steered any more. */
	say(&f, &(struct pbu){ .lifetime = 0, .link = second, .at = USEC_S });
	assert_true(leads_to(&f, 0, NULL));
	assert_int_equal(f.steer.flows[0].path, -1);
	f.cfg.n_flows = 0;
	fake_end(&f);
}

/* What the data path refuses is not there, and the first way is as it was. */
static void data_path_that_has_no_ways(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	f.dp_error = -EOPNOTSUPP;
	say(&f, &(struct pbu){ .lifetime = 75, .link = second });
	assert_int_equal(status(&f), BA_UNSPECIFIED);
	assert_int_equal(f.ha.bcache.n, 0);
	assert_int_equal(ha_lease_of(&f.ha, mac_a)->ways, 0);
	f.dp_error = 0;
	say(&f, &(struct pbu){ .lifetime = 75, .at = USEC_S });
	assert_int_equal(status(&f), BA_ACCEPTED);
	fake_end(&f);
}

static void ways_outlive_a_restart(void **state)
{
	struct ha_lease_record lease;
	struct ha_binding_record r;
	struct fake f, g;

	(void)state;
	start(&f);
	say(&f, &(struct pbu){ .lifetime = 75, .link = second, .access_type = ACCESS_WLAN });
	lease = f.lease;
	r = f.binding;
	assert_int_equal(r.bid, 1);
	assert_memory_equal(r.link_layer, second, 6);
	fake_config(&g, POOL);
	g.cfg.peers = peers;
	g.cfg.n_peers = 2;
	g.wall_us = WALL;
	fake_begin(&g);
	memcpy(lease.mac, mac_a, 6);
	lease.prefix = (struct in6_prefix){ addr(P_A), 64 };
	lease.attached = true;
	assert_int_equal(ha_restore_lease(&g.ha, &lease, g.now), 0);
	assert_int_equal(ha_restore_binding(&g.ha, &r, g.now), 0);
	assert_true(leads_to(&g, 0, MAR2));
	assert_int_equal(fake_count(&g, CALL_DP_SET), 0);
	/* It is known by its interface. */
	say(&g, &(struct pbu){ .src = MAR3, .lifetime = 75, .link = second, .at = USEC_S });
	assert_true(leads_to(&g, 0, MAR3) && leads_to(&g, 1, NULL));
	r.bid = BCACHE_BIDS;
	assert_int_equal(ha_restore_binding(&g.ha, &r, g.now), -EINVAL);
	fake_end(&g);
	fake_end(&f);
}

static struct { int answer, n; } check;

static int session_check(void *ctx, const uint8_t mac[6])
{
	(void)ctx;
	assert_memory_equal(mac, mac_a, 6);
	check.n++;
	return check.answer;
}

static struct sdb_record given_by(const char *anchor)
{
	return (struct sdb_record){ .anchor = addr(anchor), .state = SDB_ACTIVE, .lifetime_s = 100 };
}

/* A router that says nowhere that the host is with it is believed, and noticed. */
static void claims_are_looked_up(void **state)
{
	struct sdb_record r;
	struct ha_ops ops;
	struct fake f;

	(void)state;
	check.answer = check.n = 0;
	start(&f);
	ops = *f.ha.ops;
	ops.session_check = session_check;
	f.ha.ops = &ops;
	f.cfg.network_mode = true;
	say(&f, &(struct pbu){ .lifetime = 75 });
	assert_int_equal(status(&f), BA_ACCEPTED);
	fake_run(&f, CLAIMS_FIRST - 1);
	assert_int_equal(check.n, 0);
	fake_run(&f, 1);
	assert_int_equal(check.n, 1);
	/* Ours, and that of another router, say nothing of this one; but it may be late. */
	r = given_by(US);
	claims_found(&f.ha, mac_a, 0, &r, 1, f.now);
	fake_run(&f, CLAIMS_SECOND);
	assert_int_equal(check.n, 2);
	assert_int_equal(f.ha.counters[HA_CLAIM_UNRECORDED], 0);
	r = given_by(MAR3);
	claims_found(&f.ha, mac_a, 0, &r, 1, f.now);
	assert_int_equal(f.ha.counters[HA_CLAIM_UNRECORDED], 1);
	assert_int_equal(f.ha.claims.n, 0);
	/* It is extended: that is no claim. One that is recorded is none to be told of. */
	say(&f, &(struct pbu){ .lifetime = 75, .at = USEC_S });
	assert_int_equal(f.ha.claims.n, 0);
	say(&f, &(struct pbu){ .src = MAR3, .lifetime = 75, .at = 2 * USEC_S });
	fake_run(&f, CLAIMS_FIRST);
	r = given_by(MAR3);
	claims_found(&f.ha, mac_a, 0, &r, 1, f.now);
	assert_int_equal(f.ha.claims.n, 0);
	/* A database that is away, or busy, proves nothing. */
	say(&f, &(struct pbu){ .lifetime = 75, .at = 3 * USEC_S });
	fake_run(&f, CLAIMS_FIRST);
	claims_found(&f.ha, mac_a, -ETIMEDOUT, NULL, 0, f.now);
	assert_int_equal(f.ha.claims.n, 0);
	check.answer = -EBUSY;
	say(&f, &(struct pbu){ .src = MAR3, .lifetime = 75, .at = 4 * USEC_S });
	fake_run(&f, CLAIMS_FIRST);
	assert_int_equal(f.ha.claims.n, 1);
	check.answer = 0;
	fake_run(&f, USEC_S);
	/* It has moved on meanwhile. */
	say(&f, &(struct pbu){ .lifetime = 0, .src = MAR3, .at = 5 * USEC_S });
	claims_found(&f.ha, mac_a, 0, NULL, 0, f.now);
	fake_run(&f, CLAIMS_SECOND);
	assert_int_equal(f.ha.counters[HA_CLAIM_UNRECORDED], 1);
	assert_int_equal(f.ha.claims.n, 0);
	fake_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefix_goes_into_the_tunnel),
		cmocka_unit_test(moves_and_is_refreshed),
		cmocka_unit_test(ends),
		cmocka_unit_test(lasts_as_long_as_granted),
		cmocka_unit_test(host_that_is_back),
		cmocka_unit_test(what_is_missing),
		cmocka_unit_test(link_local_address),
		cmocka_unit_test(named_twice),
		cmocka_unit_test(any_address_of_the_prefix),
		cmocka_unit_test(no_news_of_prefixes),
		cmocka_unit_test(revoked),
		cmocka_unit_test(revoked_in_vain),
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(not_this_host),
		cmocka_unit_test(strangers),
		cmocka_unit_test(data_path_that_fails),
		cmocka_unit_test(not_by_the_host),
		cmocka_unit_test(the_older_router_is_told),
		cmocka_unit_test(released_when_idle),
		cmocka_unit_test(comes_back_after_a_restart),
		cmocka_unit_test(claims_are_looked_up),
		cmocka_unit_test(another_interface),
		cmocka_unit_test(another_interface_moves),
		cmocka_unit_test(more_interfaces_than_may_be),
		cmocka_unit_test(flows_by_their_links),
		cmocka_unit_test(data_path_that_has_no_ways),
		cmocka_unit_test(ways_outlive_a_restart),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
