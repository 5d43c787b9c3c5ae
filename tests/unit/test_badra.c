/* SPDX-License-Identifier: BSD-2-Clause */
/* links: mn-agent/mn.c mn-agent/receive.c mn-agent/nd.c mn-agent/flows.c mn-agent/attach.c mn-agent/coa.c
 * mn-agent/handover.c mn-agent/anchor.c mn-agent/movement.c mn-agent/discover.c mn-agent/solicit.c
 * mn-agent/bu.c common/wire/buf.c common/wire/cksum.c common/wire/ext.c common/wire/icmp6.c common/wire/mh.c
 * common/wire/mhopt.c common/core/in6.c common/core/auth.c common/core/backoff.c
 * common/core/timer.c common/core/log.c (-lcrypto) */
/*
 * Router Advertisements that are wrong, or that somebody sends to do harm: each is counted by its
 * reason and told to people, nothing that is in use is changed, and the work stays bounded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/mn_fake.h"

static void assert_told(struct world *w, const char *part)
{
	char text[256];

	mn_health_nd(&w->mn, w->now, text, sizeof(text));
	assert_non_null(strstr(text, part));
	assert_non_null(strstr(text, "wlan0"));
	after(w, 61 * S);
	mn_health_nd(&w->mn, w->now, text, sizeof(text));
	assert_string_equal(text, "");
}

/* The bound MN at router 2 is as away() left it. */
static void assert_untouched(struct world *w)
{
	struct in6_addr hoa = kernel_addr(1);

	assert_string_equal(state_of(w, &hoa), "bound");
	assert_int_equal(count(w, TUNNEL_DEL), 0);
	assert_int_equal(count(w, TUNNEL_SET), 0);
	assert_int_equal(count(w, SENT_BU), 0);
	assert_int_equal(count(w, PATH_SET), 0);
	assert_int_equal(count(w, PATH_UNSET), 0);
}

/* Changes one octet behind the IPv6 header and puts the checksum right. */
static void hear_changed(struct world *w, unsigned int router, size_t at, uint8_t value)
{
	struct nd_ra ra = advertisement(router, false);
	uint8_t room[1280];
	size_t len = make_ra(room, sizeof(room), router, &ra);
	struct in6_addr src, dst;
	struct wbuf b;

	memcpy(&src, room + 8, 16);
	memcpy(&dst, room + 24, 16);
	room[40 + at] = value;
	wb_init(&b, room + 42, 2);
	wb_u16(&b, 0);
	wb_set_u16(&b, 0, cksum_ip6(&src, &dst, IP6_NH_ICMP6, room + 40, len - 40));
	mn_rx_nd(&w->mn, IF, router_mac, room, len, w->now);
}

static void option_of_length_zero(void **state)
{
	struct world *w = *state;

	away(w);
	forget(w);
	hear_changed(w, 3, 17, 0);	/* the first option's length */
	assert_int_equal(w->mn.counters[MN_C_RA_LENGTH], 1);
	hear_changed(w, 3, 17, 200);	/* behind the end */
	hear_changed(w, 3, 17, 3);	/* not that of a prefix */
	assert_int_equal(w->mn.counters[MN_C_RA_LENGTH], 3);
	assert_untouched(w);
	assert_told(w, "3 bad advertisements");
}

static void unknown_code(void **state)
{
	struct world *w = *state;

	away(w);
	forget(w);
	hear_changed(w, 3, 1, 1);
	assert_int_equal(w->mn.counters[MN_C_RA_BAD], 1);
	assert_untouched(w);
	assert_told(w, "unknown code");
}

static void wrong_checksum(void **state)
{
	struct nd_ra ra = advertisement(3, false);
	struct world *w = *state;
	uint8_t room[1280];
	size_t len = make_ra(room, sizeof(room), 3, &ra);

	away(w);
	forget(w);
	room[44] ^= 1;
	mn_rx_nd(&w->mn, IF, router_mac, room, len, w->now);
	assert_int_equal(w->mn.counters[MN_C_RA_CHECKSUM], 1);
	assert_untouched(w);
	assert_told(w, "checksum");
}

/* Prefixes that nobody can form an address by; the good one among them is used. */
static void prefixes_that_cannot_be(void **state)
{
	static const struct { const char *text; uint8_t plen; uint32_t valid, preferred; } bad[] = {
		{ "2001:db8:0:301::", 65, 3600, 3600 }, { "2001:db8:0:301::", 0, 3600, 3600 },
		{ "2001:db8:0:301::", 128, 3600, 3600 }, { "2001:db8:0:302::", 64, 10, 3600 },
		{ "fe80::", 64, 3600, 3600 }, { "ff02::", 64, 3600, 3600 }, { "::", 64, 3600, 3600 },
		{ "::1", 64, 3600, 3600 }, { "::ffff:0:0", 64, 3600, 3600 },
	};
	const unsigned int n = sizeof(bad) / sizeof(bad[0]);
	struct nd_ra ra = advertisement(1, false);
	struct in6_addr good = prefix_of(1);
	struct world *w = *state;

	for (unsigned int i = 0; i < n; i++) {
		struct nd_prefix p = { .plen = bad[i].plen, .flags = PIO_FLAG_AUTO,
				       .valid_s = bad[i].valid, .preferred_s = bad[i].preferred };

		assert_int_equal(in6_parse(bad[i].text, &p.prefix), 0);
		ra.prefixes[ra.n_prefixes++] = p;
	}
	link_is(w, true, true);
	hear(w, 1, &ra);
	assert_int_equal(w->mn.counters[MN_C_RA_PREFIX], n);
	assert_int_equal(w->mn.ifaces->move.router.n_prefixes, 1);
	assert_true(in6_eq(&w->mn.ifaces->move.router.prefixes[0].prefix, &good));
	assert_told(w, "no address can be formed");
}

static void a_thousand_prefixes(void **state)
{
	struct nd_ra ra = advertisement(1, false);
	struct icmp6_msg msg = { .type = ICMP6_RA };
	static uint8_t room[40 + 16 + 1000 * 32];
	struct ip6_packet ip = { .hop_limit = 255, .next_header = IP6_NH_ICMP6 };
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	struct wbuf b;

	attached(w);
	flow(w, &hoa);
	assert_int_equal(in6_parse("fe80::1", &ip.src), 0);
	ip.src.s6_addr[14] = 1;
	assert_int_equal(in6_parse("ff02::1", &ip.dst), 0);
	wb_init(&b, room, sizeof(room));
	ip6_encode(&b, &ip);
	msg.u.ra = ra;
	assert_int_equal(icmp6_encode(&b, &msg, &ip.src, &ip.dst), 0);
	for (unsigned int i = 0; b.len + 32 <= sizeof(room); i++) {
		const uint8_t option[32] = { 3, 4, 64, PIO_FLAG_AUTO, 0, 0, 14, 16, 0, 0, 14, 16,
			[16] = 0x20, 1, 0xd, 0xb8, 0, 9, (uint8_t)(i >> 8), (uint8_t)i };

		wb_bytes(&b, option, sizeof(option));
	}
	ip6_finish(&b, 0);
	wb_set_u16(&b, 42, 0);
	wb_set_u16(&b, 42, cksum_ip6(&ip.src, &ip.dst, IP6_NH_ICMP6, room + 40, b.len - 40));
	forget(w);
	mn_rx_nd(&w->mn, IF, router_mac, room, b.len, w->now);
	assert_int_equal(w->mn.counters[MN_C_RA_TOO_MANY], 1);
	assert_true(w->mn.ifaces->move.router.n_prefixes <= MOVE_PREFIXES_MAX);
	assert_string_equal(state_of(w, &hoa), "attached");
	assert_int_equal(w->n, 0);
	assert_told(w, "more prefixes than");
}

static void our_own_address_as_home_agent(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = kernel_addr(2);
	struct nd_ra ra = advertisement(3, false);
	struct world *w = *state;

	away(w);
	link_is(w, false, true);
	link_is(w, true, true);
	ra.prefixes[1].prefix = hoa;
	hear(w, 3, &ra);
	assert_int_equal(w->mn.counters[MN_C_RA_HA], 1);
	ra.prefixes[1].prefix = coa;
	hear(w, 3, &ra);
	assert_int_equal(w->mn.counters[MN_C_RA_HA], 2);
	assert_false(w->mn.ifaces->move.router.has_ha);
	assert_told(w, "a home agent that cannot be one");
}

static void home_agents_that_cannot_be(void **state)
{
	static const char *const bad[] = { "::", "::1", "fe80::1", "ff0e::1", "::ffff:192.0.2.1" };
	struct nd_ra ra = advertisement(1, false);
	struct world *w = *state;

	link_is(w, true, true);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(in6_parse(bad[i], &ra.prefixes[1].prefix), 0);
		hear(w, 1, &ra);
		assert_int_equal(w->mn.counters[MN_C_RA_HA], i + 1);
		assert_false(w->mn.ifaces->move.router.has_ha);
	}
}

/* --- storms --------------------------------------------------------------------- */

static unsigned int work(const struct world *w)
{
	return w->n;
}

/* Its H flag comes and goes ten times a second: it is asked whether it is there, and that is it. */
static void the_home_agent_flag_flaps(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct nd_ra with = advertisement(2, false), without = with;
	struct world *w = *state;

	away(w);
	forget(w);
	without.flags = 0;
	without.prefixes[1].flags = 0;
	for (unsigned int i = 0; i < 600; i++) {
		hear(w, 2, i % 2 ? &with : &without);
		after(w, 100 * MS);
		assert_true(work(w) < 100);
		if (count(w, SENT_BU) > 0 && strcmp(state_of(w, &hoa), "bound") != 0)
			grant(w, &hoa);
	}
	assert_int_equal(count(w, TUNNEL_DEL), 0);
	assert_string_equal(state_of(w, &hoa), "bound");
}

/* Somebody says in our router's name that it is none any more, and it says that it is. */
static void lifetimes_of_zero(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct nd_ra alive = advertisement(2, false), dead = alive;
	struct world *w = *state;
	unsigned int much;

	away(w);
	forget(w);
	dead.router_lifetime_s = 0;
	for (unsigned int i = 0; i < 1000; i++) {
		hear(w, 2, &dead);
		hear(w, 2, &alive);
		w->now += MS;
	}
	much = work(w);
	assert_true(much < 200);
	assert_true(w->mn.counters[MN_C_RA_FLAP] >= 990);
	assert_int_equal(count(w, TUNNEL_DEL), 0);
	after(w, 30 * S);
	hear(w, 2, &alive);
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");
	assert_told(w, "changes all the time");
}

/* It gives another prefix each time. */
static void the_prefix_flaps(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct nd_ra a = advertisement(2, false), b = a;
	struct world *w = *state;

	away(w);
	forget(w);
	b.prefixes[0].prefix.s6_addr[7] = 0x77;
	for (unsigned int i = 0; i < 1000; i++) {
		hear(w, 2, i % 2 ? &a : &b);
		w->now += MS;
	}
	assert_true(work(w) < 200);
	assert_true(w->mn.n_anchors < 12);
	hear(w, 2, &a);
	after(w, 30 * S);
	hear(w, 2, &a);
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");
}

/* Once, in our router's name: what follows of it is that nobody answers, so we ask again. */
static void one_lie_about_the_prefix(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = kernel_addr(2);
	struct nd_ra lie = advertisement(2, false);
	struct world *w = *state;

	away(w);
	lie.prefixes[0].prefix.s6_addr[7] = 0x77;
	hear(w, 2, &lie);
	forget(w);
	after(w, 40 * S);
	assert_string_equal(state_of(w, &hoa), "unreachable");
	assert_true(count(w, SENT_LINK) >= 1);
	hear_router(w, 2);		/* its answer */
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");
	assert_true(in6_eq(&mn_find_anchor(&w->mn, &hoa)->coa, &coa));
}

/* None of them is there when it is asked: they come and go with no end to it. */
static void a_thousand_routers(void **state)
{
	struct nd_ra ra = advertisement(7, false);
	struct world *w = *state;
	uint8_t room[1280];
	size_t len;

	away(w);
	forget(w);
	for (unsigned int i = 0; i < 20000; i++) {
		len = make_ra(room, sizeof(room), 7, &ra);
		/* fe80::7XX, and the checksum follows by the same octets in the prefix */
		room[8 + 12] = (uint8_t)(i >> 8);
		room[8 + 13] = (uint8_t)i;
		room[40 + 16 + 16 + 12] = (uint8_t)~(i >> 8);
		room[40 + 16 + 16 + 13] = (uint8_t)~i;
		mn_rx_nd(&w->mn, IF, router_mac, room, len, w->now);
		after(w, MS);
	}
	assert_int_equal(w->mn.counters[MN_C_RA], 20000 + 2);
	assert_true(work(w) < 400);
	assert_true(w->mn.n_anchors <= MN_ANCHORS_MAX);
	assert_true(w->mn.ifaces->n_past <= MN_PAST_ROUTERS);
}

/* Beacons without a prefix while we ask: they are no reason to ask each time. */
static void beacons_while_we_ask(void **state)
{
	struct nd_ra ra = { .flags = RA_FLAG_HOME_AGENT, .router_lifetime_s = 1800 };
	struct world *w = *state;

	link_is(w, true, true);
	for (unsigned int i = 0; i < 400; i++) {
		hear(w, 1, &ra);
		w->now += MS / 10;
	}
	assert_true(count(w, SENT_LINK) <= 4);
}

/* An MTU that is none, or that no tunnel fits in. */
static void strange_mtus(void **state)
{
	static const uint32_t mtus[] = { 1, 1279, 1280, 1319, 1320, 65536, UINT32_MAX };
	struct in6_addr hoa = kernel_addr(1);
	struct nd_ra ra = advertisement(2, false);
	struct world *w = *state;

	away(w);
	for (unsigned int i = 0; i < sizeof(mtus) / sizeof(mtus[0]); i++) {
		ra.mtu = mtus[i];
		hear(w, 2, &ra);
		link_is(w, false, true);
		link_is(w, true, true);
		hear(w, 2, &ra);
		assert_in_range(mn_find_anchor(&w->mn, &hoa)->mtu, 1280, 1460);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(option_of_length_zero), T(unknown_code), T(wrong_checksum),
		T(prefixes_that_cannot_be), T(a_thousand_prefixes),
		T(our_own_address_as_home_agent), T(home_agents_that_cannot_be),
		T(the_home_agent_flag_flaps), T(lifetimes_of_zero), T(the_prefix_flaps), T(one_lie_about_the_prefix),
		T(a_thousand_routers), T(beacons_while_we_ask), T(strange_mtus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
