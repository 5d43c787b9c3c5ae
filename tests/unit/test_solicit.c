/* SPDX-License-Identifier: BSD-2-Clause */
/* Mobile prefix solicitations of an anchor that is away. */
/* links: mn-agent/solicit.c mn-agent/anchor.c mn-agent/bu.c common/wire/buf.c
 * common/wire/cksum.c common/wire/ext.c common/wire/icmp6.c common/wire/mh.c
 * common/wire/mhopt.c common/core/in6.c common/core/auth.c common/core/backoff.c
 * common/core/timer.c common/core/log.c (-lcrypto) */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/core/log.h"
#include "common/wire/ext.h"
#include "common/wire/icmp6.h"
#include "mn-agent/attach.h"
#include "mn-agent/solicit.h"

#define S(n)	((usec_t)(n) * USEC_S)
#define HA	"2001:db8:1:100::1"
#define HOA	"2001:db8:1:101::a"
#define COA	"2001:db8:7::5"
#define DAY	86400

static struct mn mn;
static struct anchor anchor;
static struct timers timers;
static usec_t now;
static unsigned int n_sent, n_changed, n_told;
static char told[32];
static uint16_t next_id;
static uint8_t packet[256];
static size_t packet_len;

static struct in6_addr addr(const char *s)
{
	struct in6_addr a;

	assert_int_equal(in6_parse(s, &a), 0);
	return a;
}

void mn_event(struct mn *m, const char *name, const struct mn_iface *i, const struct anchor *a,
	      const char *detail, usec_t t)
{
	(void)m;
	(void)i;
	(void)detail;
	(void)t;
	snprintf(told, sizeof(told), "%s", name);
	assert_ptr_equal(a, &anchor);
	n_told++;
}

static int send_routed(void *ctx, const void *data, size_t len)
{
	(void)ctx;
	assert_true(len <= sizeof(packet));
	memcpy(packet, data, len);
	packet_len = len;
	n_sent++;
	return 0;
}

static void random_number(void *ctx, void *dst, size_t n)
{
	(void)ctx;
	assert_int_equal(n, sizeof(next_id));
	memcpy(dst, &next_id, n);
	next_id++;
}

static void changed(void *ctx)
{
	(void)ctx;
	n_changed++;
}

static const struct mn_ops ops = {
	.send_routed = send_routed, .random = random_number, .changed = changed,
};
static const struct anchor_ops anchor_ops = { 0 };
static const struct anchor_config anchor_cfg = { 0 };

static void quiet(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
}

/* The anchor is registered, and its prefix valid for a day from now. */
static int begin(void **state)
{
	(void)state;
	log_set_sink(quiet, NULL);
	memset(&mn, 0, sizeof(mn));
	timers_init(&timers);
	mn.ops = &ops;
	mn.timers = &timers;
	now = S(1000);
	n_sent = n_changed = n_told = 0;
	next_id = 0x5000;
	anchor_init(&anchor, &anchor_cfg, &anchor_ops, &mn, &timers, 1);
	solicit_init(&anchor);
	anchor.prefix = (struct in6_prefix){ addr("2001:db8:1:101::"), 64 };
	anchor.hoa = addr(HOA);
	anchor.ha = addr(HA);
	anchor.coa = addr(COA);
	anchor.state = ANCHOR_BOUND;
	mn.anchors = &anchor;
	solicit_valid_until(&anchor, now + S(DAY), now);
	return 0;
}

static int end(void **state)
{
	(void)state;
	anchor_stop(&anchor);
	timers_free(&timers);
	return 0;
}

static void run(usec_t t)
{
	usec_t until = now + t;

	while (timers_next(&timers) <= until) {
		now = timers_next(&timers);
		timers_run(&timers, now);
	}
	now = until;
}

/* The last packet, as the home agent would read it. */
static uint16_t solicited(void)
{
	struct in6_addr coa = addr(COA), ha = addr(HA), hoa = addr(HOA);
	struct icmp6_msg msg;
	struct ip6_packet ip;

	assert_int_equal(ip6_decode(packet, packet_len, &ip), IP6_OK);
	assert_true(in6_eq(&ip.src, &coa) && in6_eq(&ip.dst, &ha));
	assert_true(ip.has_hao && in6_eq(&ip.hao, &hoa));
	assert_int_equal(icmp6_decode(packet + ip.payload_off, ip.payload_len,
				      ip6_cksum_src(&ip), ip6_cksum_dst(&ip), ip.hop_limit,
				      &msg), ICMP6_OK);
	assert_int_equal(msg.type, ICMP6_MPS);
	return msg.u.mp.id;
}

struct mpa {
	uint16_t id;
	uint32_t valid_s, preferred_s;
	const char *src, *dst, *hoa, *prefix;	/* NULL: the right one; hoa "": no header */
};

static void answer(const struct mpa *m)
{
	struct ip6_packet ip = {
		.src = addr(m->src ? m->src : HA), .dst = addr(m->dst ? m->dst : COA),
		.hop_limit = 60, .has_rh2 = true, .next_header = IP6_NH_ICMP6,
	};
	struct icmp6_msg msg = { .type = ICMP6_MPA, .u.mp = {
		.id = m->id, .n_prefixes = 2, .prefixes = {
			{ .prefix = addr(HA), .plen = 64, .flags = PIO_FLAG_ROUTER,
			  .valid_s = 77, .preferred_s = 77 },
			{ .prefix = addr(m->prefix ? m->prefix : "2001:db8:1:101::"), .plen = 64,
			  .flags = PIO_FLAG_AUTO, .valid_s = m->valid_s,
			  .preferred_s = m->preferred_s },
		},
	} };
	uint8_t room[256];
	struct wbuf w;

	ip.has_rh2 = !m->hoa || *m->hoa;
	ip.rh2 = addr(m->hoa && *m->hoa ? m->hoa : HOA);
	wb_init(&w, room, sizeof(room));
	ip6_encode(&w, &ip);
	assert_int_equal(icmp6_encode(&w, &msg, ip6_cksum_src(&ip), ip6_cksum_dst(&ip)), 0);
	ip6_finish(&w, 0);
	assert_false(w.err);
	mn_rx_prefixes(&mn, room, w.len, now);
}

static void asks_in_good_time(void **state)
{
	(void)state;
	run(S(DAY * 2 / 3 - 1));
	assert_int_equal(n_sent, 0);
	run(S(1));
	assert_int_equal(n_sent, 1);
	assert_int_equal(solicited(), 0x5000);
	answer(&(struct mpa){ .id = 0x5000, .valid_s = DAY });
	assert_true(anchor.valid_until == now + S(DAY));
	assert_int_equal(n_told, 1);
	assert_int_equal(n_changed, 1);
	/* And again in the next one. */
	run(S(DAY * 2 / 3 - 1));
	assert_int_equal(n_sent, 1);
	run(S(1));
	assert_int_equal(solicited(), 0x5001);
}

static void asks_again(void **state)
{
	static const unsigned int at[] = { 0, 3, 9, 21, 45 };

	(void)state;
	run(S(DAY * 2 / 3));
	for (unsigned int i = 1; i < sizeof(at) / sizeof(at[0]); i++) {
		assert_int_equal(n_sent, i);
		run(S(at[i] - at[i - 1]) - 1);
		assert_int_equal(n_sent, i);
		run(1);
		assert_int_equal(solicited(), 0x5000);
	}
}

static void ends_with_the_prefix(void **state)
{
	(void)state;
	anchor.state = ANCHOR_GONE;	/* as its expiry leaves it */
	timer_stop(&timers, &anchor.expiry);
	run(S(DAY) - 1);
	assert_int_equal(n_sent, 0);
	run(S(DAY));
	assert_int_equal(timers_next(&timers), USEC_NEVER);
}

static void not_without_a_binding(void **state)
{
	(void)state;
	anchor.state = ANCHOR_DEPARTED;
	run(S(DAY * 5 / 6));
	assert_int_equal(n_sent, 0);
	anchor.state = ANCHOR_BOUND;
	run(S(DAY / 30));
	assert_true(n_sent > 0);
}

static void only_the_answer_counts(void **state)
{
	usec_t until = anchor.valid_until;

	(void)state;
	answer(&(struct mpa){ .id = 0x5000, .valid_s = 9 * DAY });
	assert_int_equal(mn.counters[MN_C_MPA_UNSOLICITED], 1);
	assert_int_equal(n_sent, 1);	/* asked, since something may have changed */
	answer(&(struct mpa){ .id = 0x4fff, .valid_s = 9 * DAY });
	assert_int_equal(n_sent, 1);	/* but not more than once a second */
	answer(&(struct mpa){ .id = 0x5000, .valid_s = 9 * DAY, .src = "2001:db8:1:100::2" });
	answer(&(struct mpa){ .id = 0x5000, .valid_s = 9 * DAY, .dst = HOA });
	answer(&(struct mpa){ .id = 0x5000, .valid_s = 9 * DAY, .hoa = "2001:db8:1:101::b" });
	answer(&(struct mpa){ .id = 0x5000, .valid_s = 9 * DAY, .hoa = "" });
	assert_int_equal(mn.counters[MN_C_MPA_UNKNOWN], 4);
	answer(&(struct mpa){ .id = 0x5000, .valid_s = 9 * DAY, .prefix = "2001:db8:1:102::" });
	assert_true(anchor.valid_until == until);
	/* Answered it was, though without a word about the prefix. */
	answer(&(struct mpa){ .id = 0x5000, .valid_s = 9 * DAY });
	assert_true(anchor.valid_until == until);
	assert_int_equal(n_told, 1);
	assert_string_equal(told, "prefix.vanished");
	mn_rx_prefixes(&mn, packet, packet_len, now);
	mn_rx_prefixes(&mn, packet, 7, now);
	assert_int_equal(mn.counters[MN_C_PACKET_BAD], 2);
}

/* It goes on as long as was told, and is asked for now and then: it may come back. */
static void prefix_vanishes(void **state)
{
	usec_t until = anchor.valid_until;

	(void)state;
	run(S(DAY * 2 / 3));
	answer(&(struct mpa){ .id = 0x5000, .valid_s = DAY, .prefix = "2001:db8:1:999::" });
	assert_string_equal(told, "prefix.vanished");
	assert_true(anchor.valid_until == until);
	assert_int_equal(n_sent, 1);
	run(S(9000));
	assert_int_equal(n_sent, 1);
	run(S(600));
	assert_int_equal(n_sent, 2);
	assert_int_equal(solicited(), 0x5001);
	answer(&(struct mpa){ .id = 0x5001, .valid_s = DAY, .preferred_s = DAY });
	assert_string_equal(told, "prefix.renewed");
	assert_true(anchor.valid_until == now + S(DAY));
}

/* A home agent that never has it makes no storm. */
static void prefix_never_comes(void **state)
{
	(void)state;
	while (now < S(1000) + S(DAY) - S(1)) {
		unsigned int n = n_sent;

		run(S(1));
		if (n_sent > n)
			answer(&(struct mpa){ .id = solicited(), .valid_s = DAY,
					      .prefix = "2001:db8:1:999::" });
	}
	assert_in_range(n_sent, 5, 60);
}

static void prefix_is_deprecated(void **state)
{
	(void)state;
	run(S(DAY * 2 / 3));
	answer(&(struct mpa){ .id = 0x5000, .valid_s = DAY });
	assert_string_equal(told, "prefix.deprecated");
	assert_true(anchor.valid_until == now + S(DAY));
}

/* RFC 4862 5.5.3 e: what is not authenticated makes nothing shorter than two hours. */
static void lifetimes_are_not_cut_short(void **state)
{
	(void)state;
	run(S(DAY * 2 / 3));
	answer(&(struct mpa){ .id = 0x5000, .valid_s = 60 });
	assert_true(anchor.valid_until == now + S(7200));
	run(S(4800));
	answer(&(struct mpa){ .id = 0x5001, .valid_s = 0 });
	assert_true(anchor.valid_until == now + S(2400));
	run(S(1600));
	answer(&(struct mpa){ .id = 0x5002, .valid_s = 3000 });
	assert_true(anchor.valid_until == now + S(3000));
}

/* RFC 4862 5.5.3 c. */
static void not_preferred_for_longer_than_valid(void **state)
{
	usec_t until = anchor.valid_until;

	(void)state;
	run(S(DAY * 2 / 3));
	answer(&(struct mpa){ .id = 0x5000, .valid_s = 9 * DAY, .preferred_s = 9 * DAY + 1 });
	assert_true(anchor.valid_until == until);
}

int main(void)
{
#define T(fn)	cmocka_unit_test_setup_teardown(fn, begin, end)
	const struct CMUnitTest tests[] = {
		T(asks_in_good_time), T(asks_again), T(ends_with_the_prefix),
		T(not_without_a_binding), T(only_the_answer_counts),
		T(lifetimes_are_not_cut_short),
		T(not_preferred_for_longer_than_valid), T(prefix_vanishes),
		T(prefix_never_comes), T(prefix_is_deprecated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
