/* SPDX-License-Identifier: BSD-2-Clause */
/* links: mn-agent/mn.c mn-agent/receive.c mn-agent/flows.c mn-agent/attach.c mn-agent/coa.c mn-agent/handover.c
 * mn-agent/anchor.c mn-agent/movement.c mn-agent/solicit.c mn-agent/discover.c mn-agent/home.c
 * mn-agent/bu.c common/wire/buf.c common/wire/cksum.c common/wire/ext.c common/wire/icmp6.c common/wire/mh.c
 * common/wire/mhopt.c common/core/in6.c common/core/auth.c common/core/backoff.c
 * common/core/timer.c common/core/log.c (-lcrypto) */
/* The mobile node by its entry points, in the world of mn_fake.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/mn_fake.h"

/* --- discovery ------------------------------------------------------------------ */

static void nothing_is_done_at_the_first_router(void **state)
{
	struct world *w = *state;

	attached(w);
	assert_int_equal(count(w, SENT_BU), 0);
	assert_int_equal(count(w, ADDR_SET), 0);
	assert_int_equal(count(w, PATH_SET), 0);
	assert_int_equal(count(w, END_ADD), 0);
	assert_int_equal(w->mn.n_anchors, 1);
}

static void temporary_addresses_are_anchors_too(void **state)
{
	struct in6_addr t = at(1, "2001:db8:0:101:dead:beef:1:2");
	struct world *w = *state;

	attached(w);
	address(w, &t, false);
	assert_string_equal(state_of(w, &t), "attached");
	address(w, &t, true);
	after(w, 1 * S);
	assert_string_equal(state_of(w, &t), "none");
}

static void tentative_addresses_are_not(void **state)
{
	struct mn_addr m = { .ifindex = IF, .addr = kernel_addr(1), .plen = 64 };
	struct world *w = *state;

	link_is(w, true, true);
	hear_router(w, 1);
	mn_addr(&w->mn, &m, false, w->now);
	assert_int_equal(w->mn.n_anchors, 0);
	m.usable = true;
	mn_addr(&w->mn, &m, false, w->now);
	assert_int_equal(w->mn.n_anchors, 1);
}

static void the_home_agent_s_own_address_is_none_of_ours(void **state)
{
	struct nd_ra ra = advertisement(1, true);
	struct in6_addr ha;
	struct world *w = *state;

	ra.prefixes[0].prefix = ha_of(1);
	ha = ra.prefixes[0].prefix;
	link_is(w, true, true);
	hear(w, 1, &ra);
	address(w, &ha, false);
	assert_string_equal(state_of(w, &ha), "none");
}

static void other_interfaces_are_left_alone(void **state)
{
	struct world *w = *state;

	w->cfg.n_interfaces = 1;
	snprintf(w->cfg.interfaces[0], MN_NAME_MAX, "eth0");
	link_is(w, true, true);
	hear_router(w, 1);
	assert_null(w->mn.ifaces);
	assert_int_equal(w->n, 0);
}

static void many_addresses_are_bounded(void **state)
{
	struct in6_addr a = at(1, "2001:db8:0:101::");
	struct world *w = *state;

	attached(w);
	for (unsigned int n = 1; n < 200; n++) {
		a.s6_addr[15] = (uint8_t)n;
		address(w, &a, false);
	}
	assert_true(w->mn.n_anchors <= MN_ANCHORS_MAX);
}

/* --- bad input ------------------------------------------------------------------- */

static uint64_t counted(const struct world *w)
{
	uint64_t sum = 0;

	for (unsigned int c = 0; c < MN_C_MAX; c++)
		sum += w->mn.counters[c];
	return sum;
}

static void ra_with_hop_limit_64(void **state)
{
	struct nd_ra ra = advertisement(2, false);
	struct world *w = *state;
	uint8_t room[1280];
	size_t len;

	attached(w);
	forget(w);
	len = make_ra(room, sizeof(room), 2, &ra);
	room[7] = 64;
	mn_rx_nd(&w->mn, IF, router_mac, room, len, w->now);
	assert_int_equal(w->mn.counters[MN_C_RA_HOP_LIMIT], 1);
	after(w, 2 * S);
	assert_int_equal(w->n, 0);
}

static void ra_from_a_global_source(void **state)
{
	struct nd_ra ra = advertisement(2, false);
	struct in6_addr from = ha_of(2), to;
	struct world *w = *state;
	uint8_t room[1280], *icmp = room + IP6_HDR_LEN;
	uint16_t sum;
	size_t len;

	attached(w);
	forget(w);
	len = make_ra(room, sizeof(room), 2, &ra);
	memcpy(room + 8, &from, 16);
	memcpy(&to, room + 24, 16);
	icmp[2] = icmp[3] = 0;
	sum = cksum_ip6(&from, &to, IP6_NH_ICMP6, icmp, len - IP6_HDR_LEN);
	icmp[2] = (uint8_t)(sum >> 8);
	icmp[3] = (uint8_t)sum;
	mn_rx_nd(&w->mn, IF, router_mac, room, len, w->now);
	assert_int_equal(w->mn.counters[MN_C_RA_SOURCE], 1);
	after(w, 2 * S);
	assert_int_equal(w->n, 0);
}

static void ra_cut_at_every_byte(void **state)
{
	struct nd_ra ra = advertisement(2, false);
	struct world *w = *state;
	uint8_t room[1280];
	size_t len;

	attached(w);
	forget(w);
	len = make_ra(room, sizeof(room), 2, &ra);
	for (size_t cut = 0; cut < len; cut++) {
		uint64_t before = counted(w);

		mn_rx_nd(&w->mn, IF, router_mac, room, cut, w->now);
		assert_int_equal(counted(w), before + 1);
	}
	assert_int_equal(w->mn.counters[MN_C_RA], 1);	/* the one of attached() */
	after(w, 2 * S);
	assert_int_equal(w->n, 0);
}

static void ba_cut_at_every_byte(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	uint8_t room[512];
	struct ba b;
	size_t len;

	attached(w);
	flow(w, &hoa);
	move_link_to(w, 2);
	b = answer(w, &hoa);
	len = make_ba(room, sizeof(room), &b);
	for (size_t cut = 0; cut < len; cut++)
		mn_rx_mh(&w->mn, room, cut, w->now);
	assert_string_equal(state_of(w, &hoa), "registering");
	assert_int_equal(w->mn.counters[MN_C_PACKET_BAD], len);
	mn_rx_mh(&w->mn, room, len, w->now);
	assert_string_equal(state_of(w, &hoa), "bound");
}

static void ba_with_any_bit_wrong(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	uint8_t room[512];
	struct ba b;
	size_t len;

	attached(w);
	flow(w, &hoa);
	move_link_to(w, 2);
	b = answer(w, &hoa);
	len = make_ba(room, sizeof(room), &b);
	/* Behind the routing header, which has an octet or two that mean nothing. */
	for (size_t n = IP6_HDR_LEN + 24; n < len; n++) {
		room[n] ^= 0x20;
		mn_rx_mh(&w->mn, room, len, w->now);
		room[n] ^= 0x20;
		assert_string_equal(state_of(w, &hoa), "registering");
	}
	assert_true(w->mn.counters[MN_C_MH_CHECKSUM] > 20);
}

static void ba_of_another_home_agent(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	struct ba b;

	attached(w);
	flow(w, &hoa);
	move_link_to(w, 2);
	b = answer(w, &hoa);
	b.ha = ha_of(3);
	deliver(w, &b);
	assert_string_equal(state_of(w, &hoa), "registering");
	assert_int_equal(w->mn.counters[MN_C_BA_UNKNOWN], 1);
}

static void ba_with_another_key(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	struct auth_key key;
	struct ba b;

	assert_int_equal(auth_key_init(&key, 256, AUTH_HMAC_SHA256_128, "fedcba9876543210", 16), 0);
	attached(w);
	flow(w, &hoa);
	move_link_to(w, 2);
	b = answer(w, &hoa);
	b.key = &key;
	deliver(w, &b);
	assert_int_equal(w->mn.counters[MN_C_BA_WRONG_AUTH], 1);
	key.spi = 400;
	deliver(w, &b);
	assert_int_equal(w->mn.counters[MN_C_BA_WRONG_SPI], 1);
	assert_string_equal(state_of(w, &hoa), "registering");
	auth_key_wipe(&key);
}

/* RFC 5846 10: answered, and nothing is left of it; the flows are lost, and counted. */
static void revoked(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	const struct record *r;
	struct ba b;

	away(w);
	b = answer(w, &hoa);
	b.revocation = true;
	b.status = BR_ADMINISTRATIVE;
	b.seq = 0xbeef;
	forget(w);
	deliver(w, &b);
	assert_int_equal(count(w, SENT_BRA), 1);
	r = &w->log[where(w, SENT_BRA, &hoa)];
	assert_int_equal(r->seq, 0xbeef);
	assert_int_equal(r->status, BR_SUCCESS);
	assert_before(w, SENT_BRA, &hoa, TUNNEL_DEL, &hoa);
	assert_true(where(w, ADDR_UNSET, &hoa) >= 0);
	assert_int_equal(w->mn.counters[MN_C_FLOWS_LOST], 1);
	after(w, 100 * S);
	assert_null(mn_find_anchor(&w->mn, &hoa));
	assert_int_equal(count(w, SENT_BU), 0);
	/* Told again, it has nothing to say. */
	deliver(w, &b);
	assert_int_equal(count(w, SENT_BRA), 1);
}

static const struct record *last_update(const struct world *w)
{
	const struct record *r = NULL;

	for (unsigned int i = 0; i < w->n; i++)
		if (w->log[i].what == SENT_BU)
			r = &w->log[i];
	assert_non_null(r);
	return r;
}

/* RFC 4866: the token that comes to a care-of address goes back from there, and traffic waits for
 * none of it. */
static void care_of_address_is_shown_to_be_ours(void **state)
{
	const uint8_t token[MH_CARE_OF_TOKEN] = "12345678";
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	struct ba b;

	attached(w);
	flow(w, &hoa);
	move_link_to(w, 2);
	assert_true(last_update(w)->asks_for_token && !last_update(w)->has_token);
	assert_true(where(w, TUNNEL_SET, &hoa) >= 0);
	b = answer(w, &hoa);
	b.token = token;
	deliver(w, &b);
	after(w, 0);
	assert_int_equal(count(w, SENT_BU), 2);
	assert_memory_equal(last_update(w)->token, token, sizeof(token));
	assert_true(last_update(w)->has_token);
	assert_string_equal(state_of(w, &hoa), "refreshing");
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");
	after(w, 1000 * S);		/* a refresh has nothing to show */
	assert_true(count(w, SENT_BU) > 2);
	assert_false(last_update(w)->asks_for_token || last_update(w)->has_token);
}

/* Who comes back soon shows what came there before, and no second update is needed. */
static void care_of_address_of_a_while_ago(void **state)
{
	const uint8_t token[MH_CARE_OF_TOKEN] = "12345678";
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	struct ba b;

	attached(w);
	flow(w, &hoa);
	move_link_to(w, 2);
	b = answer(w, &hoa);
	b.token = token;
	deliver(w, &b);
	after(w, 0);
	grant(w, &hoa);
	after(w, 20 * S);
	move_link_to(w, 3);
	assert_false(last_update(w)->has_token);
	grant(w, &hoa);
	after(w, 20 * S);
	move_link_to(w, 2);
	assert_true(last_update(w)->asks_for_token && last_update(w)->has_token);
	assert_memory_equal(last_update(w)->token, token, sizeof(token));
	grant(w, &hoa);
	after(w, 200 * S);
	move_link_to(w, 3);
	grant(w, &hoa);
	after(w, 1 * S);
	move_link_to(w, 2);
	assert_true(last_update(w)->asks_for_token && !last_update(w)->has_token);
}

/* Nobody makes a mobile node talk for ever. */
static void token_after_token(void **state)
{
	unsigned int sent = 0;
	const uint8_t token[MH_CARE_OF_TOKEN] = "12345678";
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	attached(w);
	flow(w, &hoa);
	move_link_to(w, 2);
	for (unsigned int n = 0; n < 20; n++) {
		struct ba b = answer(w, &hoa);

		b.token = token;
		deliver(w, &b);
		after(w, S);
		if (n == 9)
			sent = count(w, SENT_BU);
	}
	assert_string_equal(state_of(w, &hoa), "bound");
	assert_in_range(sent, 4, 8);
	assert_int_equal(count(w, SENT_BU), sent);
}

static void revocations_that_do_not_count(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	struct auth_key key;
	struct ba good, b;

	assert_int_equal(auth_key_init(&key, 256, AUTH_HMAC_SHA256_128, "fedcba9876543210", 16), 0);
	away(w);
	good = answer(w, &hoa);
	good.revocation = true;
	good.status = BR_ADMINISTRATIVE;
	b = good;
	b.key = &key;
	deliver(w, &b);
	assert_int_equal(w->mn.counters[MN_C_BRI_AUTH], 1);
	b = good;
	b.ha = ha_of(3);
	deliver(w, &b);
	b = good;
	b.hoa.s6_addr[15] ^= 1;
	deliver(w, &b);
	assert_int_equal(w->mn.counters[MN_C_BRI_UNKNOWN], 2);
	assert_int_equal(count(w, SENT_BRA), 0);
	/* Genuine, but for what a mobile node does not have: told so, and nothing else. */
	b = good;
	b.flags = BR_PROXY;
	deliver(w, &b);
	assert_int_equal(w->log[where(w, SENT_BRA, &hoa)].status, BR_PROXY_NOT_SUPPORTED);
	assert_int_equal(w->mn.counters[MN_C_BRI_REFUSED], 1);
	assert_string_equal(state_of(w, &hoa), "bound");
	auth_key_wipe(&key);
}

static void ba_of_no_outstanding_update(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	struct ba b;

	attached(w);
	flow(w, &hoa);
	move_link_to(w, 2);
	b = answer(w, &hoa);
	b.seq = (uint16_t)(b.seq + 1);
	deliver(w, &b);
	assert_int_equal(w->mn.counters[MN_C_BA_SEQUENCE], 1);
	assert_string_equal(state_of(w, &hoa), "registering");
}

static void ba_for_somebody_else_is_not_looked_at(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	uint64_t before;
	struct ba b;

	away(w);
	b = answer(w, &hoa);
	b.hoa.s6_addr[15] ^= 1;
	b.coa.s6_addr[15] ^= 1;
	before = counted(w);
	deliver(w, &b);
	assert_int_equal(counted(w), before);
}

static void counters_have_names(void **state)
{
	(void)state;
	for (unsigned int c = 0; c < MN_C_MAX; c++)
		assert_non_null(mn_counter_name((enum mn_counter)c));
}

/* --- moving ---------------------------------------------------------------------- */

/* The order is what makes a handover short and safe. */
static void order_of_a_move(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = kernel_addr(2), p2 = prefix_of(2);
	struct world *w = *state;

	attached(w);
	flow(w, &hoa);
	forget(w);
	move_link_to(w, 2);
	assert_before(w, ADDR_SET, &coa, SENT_BU, &hoa);
	assert_before(w, PATH_SET, &p2, SENT_BU, &hoa);
	assert_before(w, END_ADD, &coa, SENT_BU, &hoa);
	assert_before(w, SENT_BU, &hoa, TUNNEL_SET, &hoa);
	assert_before(w, ADDR_SET, &hoa, ADDR_DROP, &hoa);
	assert_before(w, SENT_BU, &hoa, ADDR_DROP, &hoa);
	assert_before(w, SENT_LINK, NULL, SENT_BU, &hoa);
	assert_int_equal(w->log[where(w, ADDR_SET, &coa)].seq, 1);	/* preferred */
	assert_int_equal(w->log[where(w, ADDR_SET, &hoa)].seq, 0);	/* deprecated */
	assert_int_equal(count(w, SENT_BU), 1);
	assert_int_equal(w->log[where(w, SENT_BU, &hoa)].lifetime_s, 600);
	assert_true(in6_eq(&w->log[where(w, SENT_BU, &hoa)].other, &coa));
}

static void left_without_flows(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	attached(w);
	forget(w);
	move_link_to(w, 2);
	after(w, 1 * S);
	assert_int_equal(count(w, SENT_BU), 0);
	assert_int_equal(where(w, ADDR_SET, &hoa), -1);
	assert_true(where(w, ADDR_DROP, &hoa) >= 0);	/* no new flow may start on it */
	assert_string_equal(state_of(w, &hoa), "none");
}

static void several_anchors_register_at_one_move(void **state)
{
	struct in6_addr hoa1 = kernel_addr(1), hoa2 = kernel_addr(2), coa = kernel_addr(3);
	struct world *w = *state;

	away(w);
	address(w, &hoa2, false);
	flow(w, &hoa2);
	after(w, 2 * S);
	forget(w);
	move_link_to(w, 3);
	assert_int_equal(count(w, SENT_BU), 2);
	assert_true(where(w, SENT_BU, &hoa1) >= 0);
	assert_true(where(w, SENT_BU, &hoa2) >= 0);
	for (unsigned int i = 0; i < w->n; i++)
		if (w->log[i].what == SENT_BU)
			assert_true(in6_eq(&w->log[i].other, &coa));
	grant(w, &hoa1);
	grant(w, &hoa2);
	assert_string_equal(state_of(w, &hoa1), "bound");
	assert_string_equal(state_of(w, &hoa2), "bound");
}

static void new_flows_use_the_new_prefix(void **state)
{
	struct in6_addr coa = kernel_addr(2);
	struct world *w = *state;

	away(w);
	assert_string_equal(state_of(w, &coa), "attached");
	assert_int_equal(count(w, TUNNEL_SET), 1);
}

static void return_to_the_first_router(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = kernel_addr(2);
	struct world *w = *state;
	const struct record *r;

	away(w);
	after(w, 2 * S);
	forget(w);
	move_link_to(w, 1);
	assert_string_equal(state_of(w, &hoa), "returning");
	assert_before(w, SENT_BU, &hoa, TUNNEL_DEL, &hoa);
	r = &w->log[where(w, SENT_BU, &hoa)];
	assert_int_equal(r->lifetime_s, 0);
	assert_true(in6_eq(&r->other, &hoa));
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "attached");
	address(w, &hoa, false);
	after(w, 5 * S);
	assert_true(where(w, ADDR_UNSET, &coa) >= 0);
	assert_true(where(w, END_DEL, &coa) >= 0);
	assert_int_equal(w->mn.n_ends, 0);
	assert_false(mn_find_anchor(&w->mn, &hoa)->held);
	assert_int_equal(count(w, SENT_NA), 0);		/* nobody else is in its prefix */
}

/* RFC 6275 11.5.5: who has neighbours tells them, when the home agent has let go, and not
 * before. */
static void return_to_a_shared_link_is_announced(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = kernel_addr(2), ll = at(0, "fe80::ff:fe00:9");
	struct nd_ra shared = advertisement(1, true);
	struct world *w = *state;

	link_is(w, true, true);
	address(w, &ll, false);
	hear(w, 1, &shared);
	address(w, &hoa, false);
	after(w, 1 * S);
	flow(w, &hoa);
	move_link_to(w, 2);
	address(w, &coa, false);
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");
	link_is(w, false, true);
	link_is(w, true, true);
	hear(w, 1, &shared);
	assert_string_equal(state_of(w, &hoa), "returning");
	assert_int_equal(count(w, SENT_NA), 0);
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "attached");
	assert_int_equal(count(w, SENT_NA), 2);
	assert_true(where(w, SENT_NA, &hoa) >= 0);
	assert_true(where(w, SENT_NA, &ll) >= 0);	/* defended too: L was set */
}

/* The advertisement that brings it home says how long the prefix lives from now. */
static void return_renews_the_prefix(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	away(w);
	after(w, 590 * S);
	forget(w);
	move_link_to(w, 1);
	assert_string_equal(state_of(w, &hoa), "returning");
	assert_int_equal(mn_find_anchor(&w->mn, &hoa)->valid_until, w->now + 3600 * S);
}

static void released_after_the_last_flow(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = kernel_addr(2);
	struct world *w = *state;

	away(w);
	flow(w, &hoa);
	after(w, 11 * S);		/* the slow recount sees the second one */
	end_flow(w, &hoa);
	after(w, 11 * S);
	assert_string_equal(state_of(w, &hoa), "bound");
	forget(w);
	end_flow(w, &hoa);
	after(w, 5500 * MS);
	assert_string_equal(state_of(w, &hoa), "releasing");
	grant(w, &hoa);
	after(w, 4 * S);
	assert_string_equal(state_of(w, &hoa), "none");
	assert_true(where(w, TUNNEL_DEL, &hoa) >= 0);
	assert_true(where(w, ADDR_UNSET, &hoa) >= 0);
	assert_true(where(w, END_DEL, &coa) >= 0);
}

static void lost_end_of_flow_is_found_by_the_recount(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	away(w);
	w->n_flows = 0;			/* no notification came */
	after(w, 16 * S);
	assert_string_equal(state_of(w, &hoa), "releasing");
}

static void a_flap_registers_again(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = kernel_addr(2);
	struct world *w = *state;

	away(w);
	after(w, 2 * S);
	forget(w);
	move_link_to(w, 2);
	assert_string_equal(state_of(w, &hoa), "registering");
	assert_true(in6_eq(&w->log[where(w, SENT_BU, &hoa)].other, &coa));
	assert_true(where(w, PATH_SET, NULL) >= 0);	/* the device's routes went with the link */
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");
}

static void a_flap_at_home_keeps_the_flow_s_address(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	attached(w);
	flow(w, &hoa);
	forget(w);
	link_is(w, false, true);
	assert_true(where(w, ADDR_SET, &hoa) >= 0);	/* before the kernel flushes it */
	address(w, &hoa, true);
	link_is(w, true, true);
	hear_router(w, 1);
	assert_string_equal(state_of(w, &hoa), "attached");
	assert_int_equal(count(w, SENT_BU), 0);
	address(w, &hoa, false);
	after(w, 1 * S);
	assert_true(where(w, ADDR_UNSET, &hoa) >= 0);
}

/* What is held at home for a flow is let go with the flow, though the kernel never forms
 * that address again (a random interface identifier). */
static void held_at_home_ends_with_its_flows(void **state)
{
	struct in6_addr hoa = kernel_addr(1), other = at(1, "2001:db8:0:101:aaaa::1");
	struct world *w = *state;

	attached(w);
	flow(w, &hoa);
	link_is(w, false, true);
	address(w, &hoa, true);
	link_is(w, true, true);
	hear_router(w, 1);
	address(w, &other, false);
	after(w, 1 * S);
	forget(w);
	end_flow(w, &hoa);
	after(w, 60 * S);
	assert_true(where(w, ADDR_UNSET, &hoa) >= 0);
	assert_string_equal(state_of(w, &hoa), "none");
}

/* In a prefix that others share an address is not made without asking them. */
static void shared_prefix_waits_for_the_kernel(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = kernel_addr(2);
	struct nd_ra ra = advertisement(2, true);
	struct world *w = *state;

	attached(w);
	flow(w, &hoa);
	forget(w);
	link_is(w, false, true);
	link_is(w, true, true);
	hear(w, 2, &ra);
	assert_int_equal(count(w, SENT_BU), 0);
	assert_int_equal(where(w, ADDR_SET, &coa), -1);
	assert_string_equal(state_of(w, &hoa), "departed");
	after(w, 1 * S);
	address(w, &coa, false);
	assert_string_equal(state_of(w, &hoa), "registering");
	assert_before(w, PATH_SET, NULL, SENT_BU, &hoa);
}

static void own_coa_is_retired(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = kernel_addr(2);
	struct world *w = *state;

	away(w);
	address(w, &coa, false);
	after(w, 1 * S);
	assert_int_equal(where(w, ADDR_UNSET, &coa), -1);	/* the binding needs it */
	forget(w);
	end_flow(w, &hoa);
	after(w, 5500 * MS);
	grant(w, &hoa);
	after(w, 4 * S);
	assert_true(where(w, ADDR_UNSET, &coa) >= 0);
	/* Its flows keep the road: the kernel's default routes of earlier routers live on. */
	assert_int_equal(where(w, PATH_UNSET, NULL), -1);
	assert_string_equal(state_of(w, &coa), "attached");
}

/* Where the kernel makes another address than we did, ours goes with its last flow. */
static void own_random_coa_is_retired_after_its_flows(void **state)
{
	struct in6_addr kernel = at(2, "2001:db8:0:101:aaaa::1"), own;
	struct world *w = *state;

	attached(w);
	link_is(w, false, false);
	link_is(w, true, false);
	hear_router(w, 2);
	own = w->mn.ifaces->coa;
	assert_false(in6_is_any(&own));
	flow(w, &own);
	address(w, &kernel, false);
	after(w, 1 * S);
	assert_int_equal(where(w, ADDR_UNSET, &own), -1);
	end_flow(w, &own);
	after(w, 60 * S);
	assert_true(where(w, ADDR_UNSET, &own) >= 0);
	assert_string_equal(state_of(w, &own), "none");
}

static void away_anchors_are_capped(void **state)
{
	struct world *w = *state;
	unsigned int n_away = 0;
	struct in6_addr a;

	w->cfg.max_anchors = 2;
	attached(w);
	for (unsigned int r = 1; r < 5; r++) {
		a = kernel_addr(r);
		flow(w, &a);
		address(w, &a, false);
		move_link_to(w, r + 1);
		after(w, 2 * S);
	}
	for (const struct anchor *n = w->mn.anchors; n; n = n->next)
		n_away += anchor_away(n) && n->state != ANCHOR_RELEASING;
	assert_int_equal(n_away, 2);
	assert_true(w->mn.counters[MN_C_FLOWS_LOST] >= 2);
	a = kernel_addr(4);
	assert_string_not_equal(state_of(w, &a), "none");	/* the newest is kept */
}

/* An anchor given up with flows stays given up though the next count finds them. */
static void capped_anchors_do_not_come_back(void **state)
{
	struct world *w = *state;
	struct in6_addr a;
	unsigned int n_away;

	w->cfg.max_anchors = 1;
	attached(w);
	for (unsigned int r = 1; r < 4; r++) {
		a = kernel_addr(r);
		flow(w, &a);
		address(w, &a, false);
		move_link_to(w, r + 1);
		grant(w, &a);
	}
	mn_count_flows(&w->mn, w->now);
	n_away = 0;
	for (const struct anchor *n = w->mn.anchors; n; n = n->next)
		n_away += anchor_away(n) && n->state != ANCHOR_RELEASING;
	assert_int_equal(n_away, 1);
}

static void the_interface_is_pulled_out(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	away(w);
	mn_link_gone(&w->mn, IF, w->now);
	assert_null(w->mn.ifaces);
	assert_string_equal(state_of(w, &hoa), "departed");
	after(w, 60 * S);
	link_is(w, true, true);
	hear_router(w, 3);
	assert_string_equal(state_of(w, &hoa), "registering");
}

static void refresh_request_of_the_home_agent_only(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct ip6_packet ip = { .hop_limit = 64, .next_header = MH_NEXT_HEADER, .has_rh2 = true };
	struct mh_msg m = { .type = MH_BRR };
	static const unsigned int senders[] = { 3, 1 };
	struct world *w = *state;

	away(w);
	for (unsigned int n = 0; n < 2; n++) {
		unsigned int from = senders[n];
		uint8_t room[128];
		struct wbuf b;
		size_t mh;

		ip.src = ha_of(from);
		ip.dst = kernel_addr(2);
		ip.rh2 = hoa;
		wb_init(&b, room, sizeof(room));
		ip6_encode(&b, &ip);
		mh = b.len;
		assert_int_equal(mh_encode(&b, &m), 0);
		mh_set_cksum(room + mh, b.len - mh, &ip.src, &hoa);
		ip6_finish(&b, 0);
		mn_rx_mh(&w->mn, room, b.len, w->now);
		assert_string_equal(state_of(w, &hoa), from == 1 ? "refreshing" : "bound");
	}
}

/* --- stop and restart --------------------------------------------------------------- */

static void stop_takes_everything_away(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = kernel_addr(2);
	struct world *w = *state;

	away(w);
	forget(w);
	mn_free(&w->mn, true);
	assert_true(where(w, TUNNEL_DEL, &hoa) >= 0);
	assert_true(where(w, ADDR_UNSET, &hoa) >= 0);
	assert_true(where(w, ADDR_UNSET, &coa) >= 0);
	assert_true(where(w, PATH_UNSET, NULL) >= 0);
	assert_true(where(w, END_DEL, &coa) >= 0);
	mn_init(&w->mn, &w->cfg, &ops, w, &w->timers);
}

static struct mn_restore saved(const struct world *w, const struct in6_addr *hoa)
{
	const struct anchor *a = mn_find_anchor(&w->mn, hoa);

	return (struct mn_restore){
		.prefix = a->prefix, .hoa = a->hoa, .ha = a->ha, .coa = a->coa,
		.away = anchor_away(a), .tunnelled = a->tunnelled,
		.link_local = a->link_local, .seq = a->seq,
		.valid_until = a->valid_until, .bound_until = a->bound_until };
}

static void restart_goes_on(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = kernel_addr(2);
	struct world *w = *state;
	struct mn_restore r;
	uint16_t seq;

	away(w);
	r = saved(w, &hoa);
	seq = r.seq;
	forget(w);
	mn_free(&w->mn, false);
	assert_int_equal(w->n, 0);		/* all is left in place */
	mn_init(&w->mn, &w->cfg, &ops, w, &w->timers);
	assert_int_equal(mn_restore(&w->mn, &r, w->now), 0);
	mn_restore_coa(&w->mn, &coa);
	link_is(w, true, false);
	hear_router(w, 2);
	assert_string_equal(state_of(w, &hoa), "registering");
	assert_true(in6_eq(&w->log[where(w, SENT_BU, &hoa)].other, &coa));
	assert_int_equal(w->log[where(w, SENT_BU, &hoa)].seq, (uint16_t)(seq + 1));
	assert_int_equal(count(w, TUNNEL_DEL), 0);
	assert_int_equal(count(w, ADDR_UNSET), 0);
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");
}

static void restart_after_the_flows_ended_releases(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	struct mn_restore r;
	char text[256];

	away(w);
	r = saved(w, &hoa);
	mn_free(&w->mn, false);
	w->n_flows = 0;
	mn_init(&w->mn, &w->cfg, &ops, w, &w->timers);
	assert_int_equal(mn_restore(&w->mn, &r, w->now), 0);
	forget(w);
	link_is(w, true, true);
	hear_router(w, 2);
	assert_string_equal(state_of(w, &hoa), "releasing");
	assert_true(mn_health(&w->mn, text, sizeof(text)));
	assert_string_equal(text, "attached, no mobility in use");
	grant(w, &hoa);
	after(w, 1 * S);
	assert_true(where(w, TUNNEL_DEL, &hoa) >= 0);
	assert_true(where(w, ADDR_UNSET, &hoa) >= 0);
}

static void restored_nonsense_is_refused(void **state)
{
	struct mn_restore r = { .hoa = kernel_addr(1), .ha = ha_of(1), .away = true,
				.prefix = { .addr = prefix_of(1), .len = 64 } };
	struct world *w = *state;

	r.valid_until = w->now;
	assert_int_equal(mn_restore(&w->mn, &r, w->now), -EINVAL);	/* over */
	r.valid_until = w->now + 100 * S;
	r.prefix.addr = prefix_of(2);
	assert_int_equal(mn_restore(&w->mn, &r, w->now), -EINVAL);
	r.prefix.addr = prefix_of(1);
	assert_int_equal(mn_restore(&w->mn, &r, w->now), 0);
	assert_int_equal(mn_restore(&w->mn, &r, w->now), -EINVAL);	/* twice */
	for (unsigned int n = 2; n <= MN_ANCHORS_MAX + 1; n++) {
		r.hoa.s6_addr[15] = (uint8_t)n;
		r.hoa.s6_addr[14] = 7;
		assert_int_equal(mn_restore(&w->mn, &r, w->now),
				 n <= MN_ANCHORS_MAX ? 0 : -ENOSPC);
	}
}

static void health_in_words(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	char text[256];
	struct ba b;

	assert_false(mn_health(&w->mn, text, sizeof(text)));
	away(w);
	assert_true(mn_health(&w->mn, text, sizeof(text)));
	w->cfg.n_keys = 0;
	assert_false(mn_health(&w->mn, text, sizeof(text)));
	assert_non_null(strstr(text, "no key"));
	w->cfg.n_keys = 1;
	after(w, 2 * S);
	forget(w);
	move_link_to(w, 3);
	b = answer(w, &hoa);
	b.status = BA_PROHIBITED;
	deliver(w, &b);
	assert_false(mn_health(&w->mn, text, sizeof(text)));
	assert_non_null(strstr(text, in6_str(&hoa).s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(nothing_is_done_at_the_first_router), T(temporary_addresses_are_anchors_too),
		T(tentative_addresses_are_not), T(the_home_agent_s_own_address_is_none_of_ours),
		T(other_interfaces_are_left_alone), T(many_addresses_are_bounded),
		T(ra_with_hop_limit_64), T(ra_from_a_global_source), T(ra_cut_at_every_byte),
		T(ba_cut_at_every_byte), T(ba_with_any_bit_wrong), T(ba_of_another_home_agent),
		T(ba_with_another_key), T(care_of_address_is_shown_to_be_ours), T(token_after_token),
		T(care_of_address_of_a_while_ago),
		T(revoked), T(revocations_that_do_not_count),
		T(ba_of_no_outstanding_update),
		T(ba_for_somebody_else_is_not_looked_at), T(counters_have_names),
		T(order_of_a_move), T(left_without_flows),
		T(several_anchors_register_at_one_move), T(new_flows_use_the_new_prefix),
		T(return_to_the_first_router), T(return_to_a_shared_link_is_announced),
		T(return_renews_the_prefix),
		T(released_after_the_last_flow),
		T(lost_end_of_flow_is_found_by_the_recount), T(a_flap_registers_again),
		T(a_flap_at_home_keeps_the_flow_s_address), T(held_at_home_ends_with_its_flows),
		T(shared_prefix_waits_for_the_kernel), T(own_coa_is_retired),
		T(own_random_coa_is_retired_after_its_flows), T(away_anchors_are_capped),
		T(capped_anchors_do_not_come_back), T(the_interface_is_pulled_out),
		T(refresh_request_of_the_home_agent_only), T(stop_takes_everything_away),
		T(restart_goes_on), T(restart_after_the_flows_ended_releases),
		T(restored_nonsense_is_refused), T(health_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
