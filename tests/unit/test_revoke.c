/* SPDX-License-Identifier: BSD-2-Clause */
/* Binding revocation: what the mobile node is told, how often, and what ends it. */
/* links: the home agent without its edges ($(ha_core) in Makefile.am) */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/core/log.h"
#include "ha-agent/binding.h"
#include "tests/unit/ha_fake.h"

#define POOL	"2001:db8:1:100::/56"
#define HA	"2001:db8:1:100::1"
#define COA	"2001:db8:2:200::9"
#define COA2	"2001:db8:3:300::9"
#define HOA	"2001:db8:1:101::5"
#define HOA2	"2001:db8:1:101::6"
#define HOA_B	"2001:db8:1:102::5"

static const uint8_t mac_a[6] = { 2, 0, 0, 0, 0, 0xa }, mac_b[6] = { 2, 0, 0, 0, 0, 0xb };

static void send_bu(struct fake *f, const char *hoa, const char *coa, uint16_t seq,
		    uint16_t lifetime)
{
	fake_bu(f, &(struct bu){ .src = coa, .hoa = hoa, .seq = seq, .lifetime = lifetime,
				 .key = &f->keys[0] });
}

/* Host A away at COA, bound with sequence number 10 for 400 s. */
static struct binding *bound(struct fake *f)
{
	struct in6_addr hoa = addr(HOA);
	struct binding *b;

	fake_start(f, POOL);
	fake_rs(f, 7, mac_a, "fe80::a", 255);
	send_bu(f, HOA, COA, 10, 100);
	fake_forget_calls(f);
	b = bcache_find(&f->ha.bcache, &hoa);
	assert_non_null(b);
	assert_int_equal(b->state, BINDING_BOUND);
	return b;
}

static unsigned int revoke(struct fake *f, const char *within, const uint8_t *mac)
{
	struct revoke_selection which = { .has_mn = mac != NULL };

	assert_int_equal(in6_prefix_parse(within, &which.within), 0);
	if (mac)
		memcpy(which.mn, mac, 6);
	return ha_revoke(&f->ha, &which, BR_ADMINISTRATIVE, f->now);
}

static struct binding *revoking(struct fake *f)
{
	struct binding *b = bound(f);

	assert_int_equal(revoke(f, "::/0", NULL), 1);
	return b;
}

/* The last packet is an indication to COA for HOA, signed with the binding's key. */
static struct mh_br indication(const struct fake *f)
{
	struct in6_addr ha = addr(HA), coa = addr(COA), hoa = addr(HOA);
	struct ip6_packet ip;
	struct mh_msg msg;

	assert_true(fake_mh(f, &ip, &msg));
	assert_int_equal(msg.type, MH_BR);
	assert_int_equal(msg.u.br.type, BR_INDICATION);
	assert_true(in6_eq(&ip.src, &ha) && in6_eq(&ip.dst, &coa));
	assert_true(ip.has_rh2 && in6_eq(&ip.rh2, &hoa));
	assert_true(msg.opts.mn_ha.present && msg.opts.mn_ha.last);
	assert_int_equal(msg.opts.mn_ha.spi, SPI);
	assert_true(auth_mn_ha_right(&f->keys[0].auth, &coa, &hoa, f->packet + ip.payload_off,
				     msg.opts.mn_ha.covered, msg.opts.mn_ha.data,
				     msg.opts.mn_ha.len));
	return msg.u.br;
}

struct bra {
	const char *src, *hoa;
	uint16_t seq;
	uint8_t status;
	const struct ha_key *key;	/* NULL: not signed */
	bool forged;
};

static void send_bra(struct fake *f, const struct bra *bra)
{
	struct ip6_packet ip = {
		.src = addr(bra->src), .dst = addr(HA), .hop_limit = 64,
		.has_hao = bra->hoa != NULL, .next_header = MH_NEXT_HEADER,
	};
	struct mh_msg msg = { .type = MH_BR, .u.br = {
		.type = BR_ACKNOWLEDGEMENT, .code = bra->status, .seq = bra->seq,
	} };
	struct in6_addr coa = ip.src, hoa = addr(bra->hoa ? bra->hoa : bra->src);
	uint8_t room[MESSAGE_ROOM];
	size_t len;

	ip.hao = hoa;
	if (bra->forged)
		coa = addr("2001:db8:dead::1");
	len = message_build(&ip, &msg, bra->key ? &bra->key->auth : NULL, &coa, &hoa, room);
	assert_true(len > 0);
	ha_rx_mh(&f->ha, room, len, f->now);
}

/* ---- one revocation ---- */

static void told_while_in_force(void **state)
{
	struct fake f;
	struct binding *b = revoking(&f);
	struct mh_br br = indication(&f);

	(void)state;
	assert_int_equal(br.code, BR_ADMINISTRATIVE);
	assert_int_equal(br.flags, 0);
	assert_int_equal(b->state, BINDING_REVOKING);
	assert_non_null(ha_bound_find(&f.ha, &b->hoa));
	assert_int_equal(fake_at(&f, CALL_DP_DEL), -1);
	/* What a kill would leave behind forgets it before anybody is told. */
	assert_true(fake_at(&f, CALL_BINDING_FORGET) < fake_at(&f, CALL_SEND_ROUTED));
	assert_int_equal(fake_count(&f, CALL_BINDING_FORGET), 1);
	assert_int_equal(f.event.type, HA_EVENT_BINDING_REVOKING);
	assert_int_equal(revoke(&f, "::/0", NULL), 1);
	assert_int_equal(f.ha.counters[HA_TX_BRI], 1);
	fake_end(&f);
}

static void acknowledged(void **state)
{
	struct fake f;
	struct binding *b = revoking(&f);
	struct mh_br br = indication(&f);

	(void)state;
	fake_forget_calls(&f);
	send_bra(&f, &(struct bra){ COA, HOA, br.seq, BR_SUCCESS, &f.keys[0], false });
	assert_int_equal(b->state, BINDING_RELEASED);
	assert_int_equal(fake_count(&f, CALL_DP_DEL), 1);
	assert_int_equal(f.event.type, HA_EVENT_BINDING_REVOKED);
	assert_string_equal(f.event.reason, "revocation acknowledged");
	assert_int_equal(f.ha.counters[HA_REVOKE_ACCEPTED], 1);
	assert_int_equal(f.ha.counters[HA_BINDING_REVOKED], 1);
	assert_int_equal(ha_bound_count(&f.ha), 0);
	assert_int_equal(f.ha.revocations.n, 0);
	/* Nothing more is sent, and another acknowledgement finds nothing. */
	send_bra(&f, &(struct bra){ COA, HOA, br.seq, BR_SUCCESS, &f.keys[0], false });
	assert_int_equal(f.ha.counters[HA_BRA_NO_MATCH], 1);
	fake_run(&f, 9 * USEC_S);
	assert_int_equal(f.ha.counters[HA_TX_BRI], 1);
	assert_int_equal(f.ha.bcache.n, 1);
	fake_run(&f, 2 * USEC_S);
	assert_int_equal(f.ha.bcache.n, 0);
	fake_end(&f);
}

static void refused_but_over(void **state)
{
	struct fake f;
	struct binding *b = revoking(&f);
	struct mh_br br = indication(&f);

	(void)state;
	send_bra(&f, &(struct bra){ COA, HOA, br.seq, BR_NO_BINDING, &f.keys[0], false });
	assert_int_equal(b->state, BINDING_RELEASED);
	assert_int_equal(f.ha.counters[HA_REVOKE_REFUSED], 1);
	assert_string_equal(f.event.reason, "the mobile node has no such binding");
	fake_end(&f);
}

/* RFC 5846 6.3, 11: one retransmission, after 1 s; the end 2 s after that. */
static void never_acknowledged(void **state)
{
	struct fake f;
	struct binding *b = revoking(&f);
	struct mh_br first = indication(&f), again;

	(void)state;
	fake_run(&f, 999 * USEC_MS);
	assert_int_equal(f.ha.counters[HA_TX_BRI], 1);
	fake_run(&f, USEC_MS);
	assert_int_equal(f.ha.counters[HA_TX_BRI], 2);
	again = indication(&f);
	assert_memory_equal(&first, &again, sizeof(first));
	fake_run(&f, 1999 * USEC_MS);
	assert_int_equal(b->state, BINDING_REVOKING);
	assert_int_equal(fake_at(&f, CALL_DP_DEL), -1);
	fake_run(&f, USEC_MS);
	assert_int_equal(b->state, BINDING_RELEASED);
	assert_int_equal(fake_count(&f, CALL_DP_DEL), 1);
	assert_int_equal(f.ha.counters[HA_TX_BRI], 2);
	assert_int_equal(f.ha.counters[HA_REVOKE_UNANSWERED], 1);
	assert_int_equal(f.event.type, HA_EVENT_BINDING_REVOKED);
	assert_string_equal(f.event.reason, "revocation not acknowledged");
	fake_end(&f);
}

static void what_does_not_count(void **state)
{
	struct fake f;
	struct binding *b = revoking(&f);
	uint16_t seq = indication(&f).seq;
	const struct {
		struct bra bra;
		enum ha_counter counter;
	} cases[] = {
		{ { COA, HOA, (uint16_t)(seq + 1), 0, &f.keys[0], false }, HA_BRA_NO_MATCH },
		{ { COA, HOA2, seq, 0, &f.keys[0], false }, HA_BRA_NO_MATCH },
		{ { COA, NULL, seq, 0, &f.keys[0], false }, HA_BRA_NO_MATCH },
		{ { COA2, HOA, seq, 0, &f.keys[0], false }, HA_BRA_BAD_SOURCE },
		{ { COA, HOA, seq, 0, &f.keys[0], true }, HA_BRA_BAD_AUTH },
		{ { COA, HOA, seq, 0, &f.keys[1], false }, HA_BRA_BAD_AUTH },
		{ { COA, HOA, seq, 0, NULL, false }, HA_BRA_BAD_AUTH },
	};

	(void)state;
	fake_forget_calls(&f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t before = f.ha.counters[cases[i].counter];

		send_bra(&f, &cases[i].bra);
		assert_int_equal(f.ha.counters[cases[i].counter], before + 1);
		assert_int_equal(b->state, BINDING_REVOKING);
	}
	assert_int_equal(f.ha.counters[HA_RX_BRA], sizeof(cases) / sizeof(cases[0]));
	/* Nobody gets an answer to it. */
	assert_int_equal(f.n_calls, 0);
	fake_end(&f);
}

/* A binding that was made without a key has none to sign with, on either side. */
static void without_key(void **state)
{
	struct ip6_packet ip;
	struct mh_msg msg;
	struct fake f;
	struct binding *b = bound(&f);

	(void)state;
	b->spi = 0;
	assert_int_equal(revoke(&f, "::/0", NULL), 1);
	assert_true(fake_mh(&f, &ip, &msg));
	assert_false(msg.opts.mn_ha.present);
	send_bra(&f, &(struct bra){ COA2, HOA, msg.u.br.seq, 0, NULL, false });
	assert_int_equal(f.ha.counters[HA_BRA_BAD_SOURCE], 1);
	send_bra(&f, &(struct bra){ COA, HOA, msg.u.br.seq, 0, NULL, false });
	assert_int_equal(b->state, BINDING_RELEASED);
	fake_end(&f);
}

/* An indication is for mobile nodes; a home agent takes none. */
static void indication_to_us(void **state)
{
	struct ip6_packet ip = {
		.src = addr(COA), .dst = addr(HA), .hop_limit = 64, .has_hao = true,
		.hao = addr(HOA), .next_header = MH_NEXT_HEADER,
	};
	struct mh_msg msg = { .type = MH_BR, .u.br = { .type = BR_INDICATION } };
	uint8_t room[MESSAGE_ROOM];
	struct fake f;
	struct binding *b = bound(&f);

	(void)state;
	ha_rx_mh(&f.ha, room, message_build(&ip, &msg, &f.keys[0].auth, &ip.src, &ip.hao, room),
		 f.now);
	assert_int_equal(b->state, BINDING_BOUND);
	assert_int_equal(f.n_calls, 0);
	assert_int_equal(f.ha.counters[HA_RX_MH_UNEXPECTED], 1);
	fake_end(&f);
}

/* ---- Binding Updates meanwhile and afterwards ---- */

static void updates_are_refused_meanwhile(void **state)
{
	struct fake f;
	struct binding *b = revoking(&f);

	(void)state;
	fake_forget_calls(&f);
	send_bu(&f, HOA, COA, 11, 100);
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA).status, BA_PROHIBITED);
	send_bu(&f, HOA, COA2, 12, 100);
	assert_int_equal(fake_ba(&f, &f.keys[0], COA2, HOA).status, BA_PROHIBITED);
	assert_int_equal(f.ha.verdicts[VERDICT_REVOKING], 2);
	assert_int_equal(b->state, BINDING_REVOKING);
	assert_int_equal(fake_at(&f, CALL_DP_SET), -1);
	assert_int_equal(fake_at(&f, CALL_BINDING_STORE), -1);
	fake_end(&f);
}

static void deregistration_ends_it(void **state)
{
	struct fake f;
	struct binding *b = revoking(&f);

	(void)state;
	fake_forget_calls(&f);
	send_bu(&f, HOA, COA, 11, 0);
	assert_int_equal(b->state, BINDING_RELEASED);
	assert_int_equal(fake_count(&f, CALL_DP_DEL), 1);
	assert_int_equal(f.ha.revocations.n, 0);
	fake_run(&f, 5 * USEC_S);
	assert_int_equal(f.ha.counters[HA_TX_BRI], 1);
	assert_int_equal(f.ha.counters[HA_REVOKE_UNANSWERED], 0);
	fake_end(&f);
}

static void older_update_does_not_bring_it_back(void **state)
{
	struct fake f;
	struct binding *b = revoking(&f);

	(void)state;
	fake_run(&f, 3 * USEC_S);
	assert_int_equal(b->state, BINDING_RELEASED);
	send_bu(&f, HOA, COA, 10, 100);
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA).status, BA_SEQ_OUT_OF_WINDOW);
	assert_int_equal(ha_bound_count(&f.ha), 0);
	/* A newer one is a decision of the mobile node's own. */
	send_bu(&f, HOA, COA, 11, 100);
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA).status, BA_ACCEPTED);
	assert_int_equal(b->state, BINDING_BOUND);
	fake_end(&f);
}

static void lifetime_ends_first(void **state)
{
	struct fake f;
	struct binding *b = bound(&f);

	(void)state;
	fake_run(&f, b->expires - f.now - 500 * USEC_MS);
	assert_int_equal(revoke(&f, "::/0", NULL), 1);
	fake_forget_calls(&f);
	fake_run(&f, 500 * USEC_MS);
	assert_int_equal(f.ha.bcache.n, 0);
	assert_int_equal(fake_count(&f, CALL_DP_DEL), 1);
	assert_int_equal(f.event.type, HA_EVENT_BINDING_EXPIRED);
	assert_int_equal(f.ha.revocations.n, 0);
	fake_end(&f);
}

/* The prefix goes back once its time and its last binding are over. */
static void lease_is_freed(void **state)
{
	struct in6_addr hoa = addr(HOA);
	struct fake f;
	struct lease *l;

	(void)state;
	bound(&f);
	l = ha_find_lease(&f.ha, &hoa);
	assert_int_equal(l->state, LEASE_DETACHED);
	assert_int_equal(revoke(&f, "::/0", NULL), 1);
	l->valid_until = f.now;
	fake_run(&f, 14 * USEC_S);
	assert_int_equal(f.ha.bcache.n, 0);
	assert_int_equal(l->bindings, 0);
	assert_int_equal(l->state, LEASE_FREE);
	fake_end(&f);
}

/* A daemon that is killed now finds nothing of it. */
static void not_restored(void **state)
{
	struct fake f;

	(void)state;
	revoking(&f);
	assert_int_equal(fake_count(&f, CALL_BINDING_FORGET), 1);
	fake_forget_calls(&f);
	fake_run(&f, 15 * USEC_S);
	assert_int_equal(fake_at(&f, CALL_BINDING_STORE), -1);
	fake_end(&f);
}

/* ---- a prefix that hosts share ---- */

#define SHARED		"2001:db8:5:500::/64"
#define SHARED_HA	"2001:db8:5:500::1"
#define SHARED_HOA	"2001:db8:5:500::a5"

/* A neighbour asks for the home address; is it answered for the mobile node? */
static bool defended(struct fake *f)
{
	static const uint8_t mac_other[6] = { 2, 0, 0, 0, 0, 0x77 };
	struct icmp6_msg msg = { .type = ICMP6_NS, .u.ns = { .target = addr(SHARED_HOA) } };
	uint8_t room[256];

	msg.u.ns.slla.present = true;
	memcpy(msg.u.ns.slla.mac, mac_other, 6);
	fake_forget_calls(f);
	ha_rx_nd(&f->ha, 7, mac_other, room, nd_packet(room, sizeof(room), &msg, "fe80::77",
						       "ff02::1:ff00:a5", 255), f->now);
	return fake_at(f, CALL_SEND_LINK) >= 0;
}

static void shared_prefix(void **state)
{
	struct ha_home_config *h;
	struct ip6_packet ip;
	struct mh_msg msg;
	struct fake f;

	(void)state;
	fake_config(&f, POOL);
	h = &f.cfg.homes[f.cfg.n_homes++];
	memcpy(h->interface, "lan0", 5);
	h->mode = HOME_SHARED;
	assert_int_equal(in6_prefix_parse(SHARED, &h->prefix), 0);
	assert_null(ha_config_check(&f.cfg));
	fake_begin(&f);
	fake_link(&f, 7, "lan0", "fe80::1");
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = SHARED_HOA, .seq = 10, .lifetime = 100,
				  .key = &f.keys[0], .dst = SHARED_HA });
	/* What is still being tested is no binding yet. */
	assert_int_equal(revoke(&f, SHARED, NULL), 0);
	fake_run(&f, 5 * USEC_S);
	assert_int_equal(ha_bound_count(&f.ha), 1);
	assert_int_equal(revoke(&f, "::/0", mac_a), 0);		/* nobody's lease */
	assert_int_equal(revoke(&f, SHARED, NULL), 1);
	assert_true(fake_mh(&f, &ip, &msg));
	assert_int_equal(msg.u.br.type, BR_INDICATION);
	assert_string_equal(in6_str(&ip.src).s, SHARED_HA);
	/* In force: packets to it are drawn in as before. Over: not any more. */
	assert_true(defended(&f));
	fake_run(&f, 3 * USEC_S);
	assert_int_equal(f.ha.counters[HA_REVOKE_UNANSWERED], 1);
	assert_false(defended(&f));
	fake_run(&f, 11 * USEC_S);
	assert_int_equal(f.ha.bcache.n, 0);
	fake_end(&f);
}

/* ---- which ---- */

/* Host A with two home addresses, host B with one. */
static void three(struct fake *f)
{
	bound(f);
	fake_rs(f, 7, mac_b, "fe80::b", 255);
	send_bu(f, HOA2, COA, 20, 100);
	send_bu(f, HOA_B, COA2, 30, 100);
	assert_int_equal(ha_bound_count(&f->ha), 3);
	fake_forget_calls(f);
}

static unsigned int count_revoking(const struct fake *f)
{
	struct binding *b, *next;
	unsigned int n = 0;

	HASH_ITER(by_hoa, f->ha.bcache.by_hoa, b, next)
		n += b->state == BINDING_REVOKING;
	return n;
}

static void selections(void **state)
{
	static const struct {
		const char *within;
		const uint8_t *mac;
		unsigned int n;
	} cases[] = {
		{ "::/0", NULL, 3 },
		{ "2001:db8:1:101::/64", NULL, 2 },
		{ HOA "/128", NULL, 1 },
		{ "2001:db8:9::/48", NULL, 0 },
		{ "::/0", mac_a, 2 },
		{ "2001:db8:1:102::/64", mac_a, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake f;

		three(&f);
		assert_int_equal(revoke(&f, cases[i].within, cases[i].mac), cases[i].n);
		assert_int_equal(count_revoking(&f), cases[i].n);
		assert_int_equal(fake_count(&f, CALL_SEND_ROUTED), cases[i].n);
		/* Those that are under way are named again, not told again. */
		assert_int_equal(revoke(&f, cases[i].within, cases[i].mac), cases[i].n);
		assert_int_equal(f.ha.counters[HA_TX_BRI], cases[i].n);
		fake_end(&f);
	}
}

static void released_ones_are_not_selected(void **state)
{
	struct fake f;

	(void)state;
	bound(&f);
	send_bu(&f, HOA, COA, 11, 0);
	assert_int_equal(revoke(&f, "::/0", NULL), 0);
	fake_end(&f);
}

/* ---- many ---- */

/* RFC 5846 5.1: the numbers of those outstanding differ. */
static void numbers_do_not_collide(void **state)
{
	struct in6_addr hoa2 = addr(HOA2);
	struct binding *b;
	uint16_t first;
	struct fake f;

	(void)state;
	revoking(&f);
	first = indication(&f).seq;
	send_bu(&f, HOA2, COA, 20, 100);
	b = bcache_find(&f.ha.bcache, &hoa2);
	/* As if all other numbers had been used within the second. */
	f.ha.revocations.next = first;
	fake_forget_calls(&f);
	assert_int_equal(revoke(&f, HOA2 "/128", NULL), 1);
	assert_int_equal(b->state, BINDING_REVOKING);
	assert_int_equal(fake_at(&f, CALL_SEND_ROUTED), -1);
	fake_run(&f, 3 * USEC_S);
	assert_int_equal(f.ha.counters[HA_REVOKE_UNANSWERED], 1);
	assert_int_equal(f.ha.counters[HA_TX_BRI], 3);
	fake_run(&f, 3 * USEC_S);
	assert_int_equal(f.ha.counters[HA_REVOKE_UNANSWERED], 2);
	fake_end(&f);
}

#define MANY	(REVOKE_MAX + 100)

static void waiting_for_their_turn(void **state)
{
	static struct binding *all[MANY];
	struct binding_request req = { .coa = addr(COA), .lifetime_s = 1000, .spi = SPI };
	struct revoke_selection which = { .within.len = 128 };
	struct in6_addr hoa = addr(HOA);
	struct fake f;
	struct lease *l;

	(void)state;
	fake_start(&f, POOL);
	fake_rs(&f, 7, mac_a, "fe80::a", 255);
	l = ha_find_lease(&f.ha, &hoa);
	for (unsigned int i = 0; i < MANY; i++) {
		fake_forget_calls(&f);
		hoa.s6_addr[14] = (uint8_t)(i >> 8);
		hoa.s6_addr[15] = (uint8_t)i;
		which.within.addr = hoa;
		all[i] = bcache_add(&f.ha.bcache, &hoa, l->home, l);
		binding_init(all[i]);
		assert_int_equal(binding_event(all[i], BINDING_EVENT_REGISTER, &req, f.now), 0);
		assert_int_equal(ha_revoke(&f.ha, &which, BR_ADMINISTRATIVE, f.now), 1);
	}
	assert_int_equal(f.ha.counters[HA_TX_BRI], REVOKE_MAX);
	assert_int_equal(f.ha.revocations.n_outstanding, REVOKE_MAX);
	/* One that waits may end by itself. */
	fake_forget_calls(&f);
	req.sequence = 1;
	assert_int_equal(binding_event(all[MANY - 1], BINDING_EVENT_RELEASE, &req, f.now), 0);
	/* Each that ends makes room for another. */
	req.sequence = 1;
	assert_int_equal(binding_event(all[0], BINDING_EVENT_RELEASE, &req, f.now), 0);
	assert_int_equal(f.ha.counters[HA_TX_BRI], REVOKE_MAX + 1);
	for (unsigned int i = 1; i < MANY - 1; i++) {
		fake_forget_calls(&f);
		assert_int_equal(binding_event(all[i], BINDING_EVENT_RELEASE, &req, f.now), 0);
	}
	assert_int_equal(f.ha.counters[HA_TX_BRI], MANY - 1);
	assert_int_equal(f.ha.revocations.n, 0);
	assert_int_equal(f.ha.revocations.n_outstanding, 0);
	fake_end(&f);
}

static void freed_in_the_middle(void **state)
{
	struct fake f;

	(void)state;
	three(&f);
	revoke(&f, "::/0", NULL);
	fake_end(&f);
}

static int quiet(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_while_in_force),
		cmocka_unit_test(acknowledged),
		cmocka_unit_test(refused_but_over),
		cmocka_unit_test(never_acknowledged),
		cmocka_unit_test(what_does_not_count),
		cmocka_unit_test(without_key),
		cmocka_unit_test(indication_to_us),
		cmocka_unit_test(updates_are_refused_meanwhile),
		cmocka_unit_test(deregistration_ends_it),
		cmocka_unit_test(older_update_does_not_bring_it_back),
		cmocka_unit_test(lifetime_ends_first),
		cmocka_unit_test(lease_is_freed),
		cmocka_unit_test(not_restored),
		cmocka_unit_test(shared_prefix),
		cmocka_unit_test(selections),
		cmocka_unit_test(released_ones_are_not_selected),
		cmocka_unit_test(numbers_do_not_collide),
		cmocka_unit_test(waiting_for_their_turn),
		cmocka_unit_test(freed_in_the_middle),
	};

	return cmocka_run_group_tests_name("revoke", tests, quiet, NULL);
}
