/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors about tunnel packets: who is told what (RFC 2473 8), and that nobody else is; and
 * tunnel packets that came in fragments. */
/* links: ha-agent/tunnel.c and the home agent's core */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/ha_fake.h"

#define HA	"2001:db8:1:100::1"
#define HOA	"2001:db8:1:101::5"
#define COA	"2001:db8:2::9"
#define CN	"2001:db8:c::2"
#define ROUTER	"2001:db8:f::1"
#define UDP	17

struct quote {
	const char *from, *to;		/* of the error */
	uint8_t type, code;
	uint32_t value;
	const char *outer_src, *outer_dst, *inner_src, *inner_dst;
	uint8_t outer_next, inner_next, inner_version;
	uint8_t upper[16];		/* what follows the inner header */
	size_t inner_whole;		/* as its header says, */
	size_t inner_quoted;		/* and as came back */
};

static struct fake f;

/* A packet of 1500 octets that did not fit; each test changes what it is about. */
static const struct quote too_big = {
	.from = ROUTER, .to = HA, .type = ICMP6_TOO_BIG, .value = 1400,
	.outer_src = HA, .outer_dst = COA, .inner_src = CN, .inner_dst = HOA,
	.outer_next = IP6_NH_TUNNEL, .inner_next = UDP, .inner_version = 6,
	.inner_whole = 1500, .inner_quoted = 1192,
};

static void put_header(struct wbuf *w, const char *src, const char *dst, uint8_t next,
		       uint8_t version, size_t payload)
{
	const struct in6_addr from = addr(src), to = addr(dst);

	wb_u32(w, (uint32_t)version << 28);
	wb_u16(w, (uint16_t)payload);
	wb_u8(w, next);
	wb_u8(w, 60);
	wb_in6(w, &from);
	wb_in6(w, &to);
}

static size_t build(const struct quote *q, uint8_t *room, size_t cap)
{
	const struct in6_addr from = addr(q->from), to = addr(q->to);
	size_t left = q->inner_quoted - IP6_HDR_LEN;
	size_t upper = left < sizeof(q->upper) ? left : sizeof(q->upper);
	struct wbuf w;

	wb_init(&w, room, cap);
	put_header(&w, q->from, q->to, IP6_NH_ICMP6, 6, 8 + IP6_HDR_LEN + q->inner_quoted);
	wb_u8(&w, q->type);
	wb_u8(&w, q->code);
	wb_u16(&w, 0);
	wb_u32(&w, q->value);
	put_header(&w, q->outer_src, q->outer_dst, q->outer_next, 6, q->inner_whole);
	put_header(&w, q->inner_src, q->inner_dst, q->inner_next, q->inner_version,
		   q->inner_whole - IP6_HDR_LEN);
	wb_bytes(&w, q->upper, upper);
	wb_zero(&w, left - upper);
	assert_false(w.err);
	wb_set_u16(&w, IP6_HDR_LEN + 2, cksum_ip6(&from, &to, IP6_NH_ICMP6, room + IP6_HDR_LEN,
						  w.len - IP6_HDR_LEN));
	return w.len;
}

static void give(const struct quote *q)
{
	uint8_t room[2048];
	size_t len = build(q, room, sizeof(room));

	fake_forget_calls(&f);
	f.now += USEC_S;
	ha_rx_tunnel_error(&f.ha, room, len, f.now);
}

static uint64_t all_sent(void)
{
	return f.ha.counters[HA_TX_TOO_BIG] + f.ha.counters[HA_TX_TIME_EXCEEDED] +
	       f.ha.counters[HA_TX_UNREACHABLE];
}

/* The sender of the packet inside is told this. */
static void told(uint8_t type, uint8_t code, uint32_t value)
{
	const struct in6_addr us = addr(HA), sender = addr(CN);
	struct ip6_packet ip;
	struct rbuf r;

	assert_int_equal(fake_count(&f, CALL_SEND_ROUTED), 1);
	assert_true(f.packet_len <= 1280);
	assert_int_equal(ip6_decode(f.packet, f.packet_len, &ip), IP6_OK);
	assert_true(in6_eq(&ip.src, &us) && in6_eq(&ip.dst, &sender));
	assert_int_equal(ip.next_header, IP6_NH_ICMP6);
	rb_init(&r, f.packet + ip.payload_off, ip.payload_len);
	assert_int_equal(cksum_ip6(&ip.src, &ip.dst, IP6_NH_ICMP6, r.p, ip.payload_len), 0);
	assert_int_equal(rb_u8(&r), type);
	assert_int_equal(rb_u8(&r), code);
	rb_skip(&r, 2);
	assert_int_equal(rb_u32(&r), value);
	/* The packet inside, from its own header on. */
	assert_int_equal(rb_u32(&r) >> 28, 6);
	assert_int_equal(rb_u16(&r), 1500 - IP6_HDR_LEN);
}

static void nobody_told(enum ha_counter why)
{
	assert_int_equal(fake_count(&f, CALL_SEND_ROUTED), 0);
	assert_int_equal(f.ha.counters[why], 1);
	f.ha.counters[why] = 0;
}

static int setup(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 10 };

	(void)state;
	fake_start(&f, "2001:db8:1:100::/56");
	fake_rs(&f, 7, mac, "fe80::a", 255);
	fake_bu(&f, &(struct bu){
		.src = COA, .hoa = HOA, .seq = 1, .lifetime = 30, .key = f.keys,
	});
	assert_int_equal(ha_bound_count(&f.ha), 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_end(&f);
	return 0;
}

/* RFC 2473 7.1, 8.2 */
static void test_too_big(void **state)
{
	struct quote q = too_big;

	(void)state;
	give(&q);
	told(ICMP6_TOO_BIG, 0, 1360);
	q.value = 1499;
	give(&q);
	told(ICMP6_TOO_BIG, 0, 1459);
	q.value = 1300;
	give(&q);
	told(ICMP6_TOO_BIG, 0, 1280);
	q.value = 0;
	give(&q);
	told(ICMP6_TOO_BIG, 0, 1280);
	assert_int_equal(f.ha.counters[HA_TX_TOO_BIG], 4);
}

static void test_too_big_that_is_none(void **state)
{
	struct quote q = too_big;

	(void)state;
	q.value = 1540;
	give(&q);
	nobody_told(HA_TUNNEL_ERROR_USELESS);
	q.value = UINT32_MAX;
	give(&q);
	nobody_told(HA_TUNNEL_ERROR_USELESS);
	/* The sender does what it must; the path is too small for a tunnel. */
	q.inner_whole = 1280;
	q.value = 1300;
	give(&q);
	nobody_told(HA_TUNNEL_PATH_SMALL);
}

/* RFC 2473 8.1: the tunnel's own troubles are one to the sender, it cannot be reached. */
static void test_unreachable(void **state)
{
	struct quote q = too_big;

	(void)state;
	q.value = 0;
	for (q.type = ICMP6_UNREACHABLE, q.code = 0; q.code < 7; q.code++) {
		give(&q);
		told(ICMP6_UNREACHABLE, 3, 0);
	}
	q.type = ICMP6_TIME_EXCEEDED;
	q.code = 0;
	give(&q);
	told(ICMP6_UNREACHABLE, 3, 0);
	/* The entry of the tunnel is a hop like others. */
	q.from = HA;
	give(&q);
	told(ICMP6_TIME_EXCEEDED, 0, 0);
	q.from = ROUTER;
	q.code = 1;
	give(&q);
	nobody_told(HA_TUNNEL_ERROR_USELESS);
	q.type = ICMP6_PARAM_PROBLEM;
	q.code = 0;
	give(&q);
	nobody_told(HA_TUNNEL_ERROR_USELESS);
}

static void test_strangers(void **state)
{
	struct quote q = too_big;

	(void)state;
	q.outer_dst = "2001:db8:2::a";
	give(&q);
	nobody_told(HA_TUNNEL_ERROR_FORGED);
	q = too_big;
	q.inner_dst = "2001:db8:1:101::6";
	give(&q);
	nobody_told(HA_TUNNEL_ERROR_FORGED);
	q = too_big;
	q.outer_src = ROUTER;
	give(&q);
	nobody_told(HA_TUNNEL_ERROR_FORGED);
	q = too_big;
	q.outer_src = q.to = ROUTER;
	give(&q);
	nobody_told(HA_TUNNEL_ERROR_FORGED);
	assert_true(all_sent() == 0);
}

/* RFC 4443 2.4 e */
static void test_never_answered(void **state)
{
	static const char *const senders[] = { "ff02::1", "::", "::1", "fe80::1", HA };
	struct quote q = too_big;

	(void)state;
	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		q.inner_src = senders[i];
		give(&q);
		nobody_told(HA_TUNNEL_ERROR_USELESS);
	}
	q = too_big;
	q.inner_next = IP6_NH_ICMP6;
	for (unsigned int type = 0; type <= 255; type++) {
		q.upper[0] = (uint8_t)type;
		give(&q);
		if (type < 128 || type == ICMP6_REDIRECT)
			nobody_told(HA_TUNNEL_ERROR_USELESS);
		else
			told(ICMP6_TOO_BIG, 0, 1360);
	}
	/* Behind destination options, and as a fragment. */
	q.inner_next = IP6_NH_DSTOPTS;
	memcpy(q.upper, (uint8_t[]){ IP6_NH_ICMP6, 0, 1, 4, 0, 0, 0, 0, 1 }, 9);
	give(&q);
	nobody_told(HA_TUNNEL_ERROR_USELESS);
	q.upper[8] = 128;
	give(&q);
	told(ICMP6_TOO_BIG, 0, 1360);
	q.inner_next = IP6_NH_FRAGMENT;
	memcpy(q.upper, (uint8_t[]){ IP6_NH_ICMP6, 0, 0, 1, 0, 0, 0, 7, 3 }, 9);
	give(&q);
	nobody_told(HA_TUNNEL_ERROR_USELESS);
	memcpy(q.upper, (uint8_t[]){ IP6_NH_ICMP6, 0, 5, 0, 0, 0, 0, 7, 129 }, 9);
	give(&q);
	nobody_told(HA_TUNNEL_ERROR_USELESS);
	q.upper[0] = UDP;
	give(&q);
	told(ICMP6_TOO_BIG, 0, 1360);
	q.upper[2] = 0;
	give(&q);
	told(ICMP6_TOO_BIG, 0, 1360);
	/* It ends within the options. */
	q.inner_next = IP6_NH_HOPOPTS;
	memcpy(q.upper, (uint8_t[]){ IP6_NH_HOPOPTS, 0, 1, 4, 0, 0, 0, 0 }, 8);
	for (q.inner_quoted = IP6_HDR_LEN; q.inner_quoted < IP6_HDR_LEN + 16; q.inner_quoted++) {
		give(&q);
		nobody_told(HA_TUNNEL_ERROR_USELESS);
	}
	q.inner_quoted = too_big.inner_quoted;
	q.upper[0] = UDP;
	/* The options say that they go on behind what came back. */
	q.inner_next = IP6_NH_DSTOPTS;
	q.upper[1] = 255;
	give(&q);
	nobody_told(HA_TUNNEL_ERROR_USELESS);
}

static void test_hostile(void **state)
{
	uint8_t room[2048];
	size_t len = build(&too_big, room, sizeof(room));
	struct quote q = too_big;

	(void)state;
	q.inner_version = 4;
	give(&q);
	nobody_told(HA_TUNNEL_ERROR_BAD);
	q = too_big;
	q.outer_next = UDP;
	give(&q);
	nobody_told(HA_TUNNEL_ERROR_BAD);
	room[100] ^= 1;
	fake_forget_calls(&f);
	ha_rx_tunnel_error(&f.ha, room, len, f.now);
	nobody_told(HA_TUNNEL_ERROR_BAD);
	for (size_t n = 0; n < len; n++) {
		ha_rx_tunnel_error(&f.ha, room, n, f.now);
		nobody_told(HA_TUNNEL_ERROR_BAD);
	}
	/* Errors that end early but are right in themselves. */
	q = too_big;
	for (q.inner_quoted = IP6_HDR_LEN; q.inner_quoted < 60; q.inner_quoted++) {
		give(&q);
		told(ICMP6_TOO_BIG, 0, 1360);
	}
	/* One with the whole packet: the answer is cut. */
	q.inner_quoted = 1500;
	give(&q);
	told(ICMP6_TOO_BIG, 0, 1360);
	assert_int_equal(f.packet_len, 1280);
}

/* RFC 4443 2.4 f */
static void test_limited(void **state)
{
	uint8_t room[2048];
	size_t len = build(&too_big, room, sizeof(room));

	(void)state;
	f.now += USEC_S;
	fake_forget_calls(&f);
	for (unsigned int i = 0; i < 1000; i++)
		ha_rx_tunnel_error(&f.ha, room, len, f.now);
	assert_int_equal(fake_count(&f, CALL_SEND_ROUTED), HA_RELAY_BURST);
	assert_int_equal(f.ha.counters[HA_TUNNEL_ERROR_LIMITED], 1000 - HA_RELAY_BURST);
	f.now += HA_RELAY_PERIOD;
	ha_rx_tunnel_error(&f.ha, room, len, f.now);
	ha_rx_tunnel_error(&f.ha, room, len, f.now);
	assert_int_equal(fake_count(&f, CALL_SEND_ROUTED), HA_RELAY_BURST + 1);
}

/* ---- what came in fragments ---- */

static const struct reassembled {
	const char *from, *src, *dst;
	size_t whole;
	uint8_t hop_limit, next, version;
} good = { COA, HOA, CN, 1400, 64, UDP, 6 };

static size_t put_inner(const struct reassembled *r, uint8_t *room, size_t cap)
{
	struct wbuf w;

	wb_init(&w, room, cap);
	put_header(&w, r->src, r->dst, r->next, r->version, r->whole - IP6_HDR_LEN);
	wb_zero(&w, r->whole - IP6_HDR_LEN);
	wb_set_u8(&w, 7, r->hop_limit);
	assert_false(w.err);
	return w.len;
}

static void reassembled(const struct reassembled *r, size_t cut)
{
	const struct in6_addr from = addr(r->from);
	uint8_t room[2048];
	size_t len = put_inner(r, room, sizeof(room));

	fake_forget_calls(&f);
	f.now += USEC_S;
	ha_rx_reassembled(&f.ha, &from, room, len - cut, f.now);
}

static void nothing_sent(enum ha_counter why)
{
	assert_int_equal(fake_count(&f, CALL_FORWARD), 0);
	nobody_told(why);
}

/* RFC 2473 7, 3.3: as if it had come in one piece. */
static void test_reassembled(void **state)
{
	uint8_t room[2048];
	size_t len = put_inner(&good, room, sizeof(room));

	(void)state;
	room[7]--;
	reassembled(&good, 0);
	assert_int_equal(fake_count(&f, CALL_FORWARD), 1);
	assert_int_equal(f.packet_len, len);
	assert_memory_equal(f.packet, room, len);
	assert_int_equal(f.ha.counters[HA_RX_REASSEMBLED], 1);
}

/* RFC 6275 10.4.5 */
static void test_reassembled_forged(void **state)
{
	struct reassembled r = good;

	(void)state;
	r.from = "2001:db8:2::a";
	reassembled(&r, 0);
	nothing_sent(HA_REASSEMBLED_FORGED);
	r = good;
	r.src = "2001:db8:1:101::6";
	reassembled(&r, 0);
	nothing_sent(HA_REASSEMBLED_FORGED);
	r = good;
	r.dst = HA;
	r.next = IP6_NH_TUNNEL;
	reassembled(&r, 0);
	nothing_sent(HA_REASSEMBLED_FORGED);
}

static void test_reassembled_bad(void **state)
{
	static const char *const nowhere[] = { "ff02::1", "fe80::1", "::", "::1" };
	struct reassembled r = good;

	(void)state;
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
		r.dst = nowhere[i];
		reassembled(&r, 0);
		nothing_sent(HA_REASSEMBLED_BAD);
	}
	r = good;
	r.version = 4;
	reassembled(&r, 0);
	nothing_sent(HA_REASSEMBLED_BAD);
	for (size_t cut = 1; cut <= good.whole; cut++) {
		reassembled(&good, cut);
		nothing_sent(HA_REASSEMBLED_BAD);
	}
}

static void test_reassembled_ends(void **state)
{
	struct reassembled r = good;

	(void)state;
	r.hop_limit = 1;
	reassembled(&r, 0);
	assert_int_equal(fake_count(&f, CALL_FORWARD), 0);
	assert_int_equal(f.ha.counters[HA_TX_TIME_EXCEEDED], 1);
	assert_int_equal(f.packet[40], ICMP6_TIME_EXCEEDED);
	f.forward_error = -EMSGSIZE;
	reassembled(&good, 0);
	assert_int_equal(f.ha.counters[HA_TX_TOO_BIG], 1);
	assert_int_equal(f.packet[40], ICMP6_TOO_BIG);
	f.forward_error = -ENETUNREACH;
	reassembled(&good, 0);
	nobody_told(HA_SEND_FAILED);
}

/* RFC 5846 7: a binding of a prefix that is withdrawn is in force until the mobile node has
 * heard. */
static void test_reassembled_withdrawn(void **state)
{
	struct reassembled r = good;

	(void)state;
	f.ha.homes[0].state = HOME_WITHDRAWN;
	reassembled(&good, 0);
	assert_int_equal(fake_count(&f, CALL_FORWARD), 1);
	r.hop_limit = 1;
	reassembled(&r, 0);
	assert_int_equal(f.ha.counters[HA_TX_TIME_EXCEEDED], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_too_big, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_big_that_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unreachable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_strangers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never_answered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limited, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reassembled, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reassembled_forged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reassembled_bad, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reassembled_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reassembled_withdrawn, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
