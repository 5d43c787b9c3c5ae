/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/core/limit.c and the home agent without its edges ($(ha_core)) */
/*
 * Floods of bad messages: who is turned away, and above all who is not; what people are told;
 * what is answered. First the table alone, then a home agent with a host that is bound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/core/log.h"
#include "common/wire/cksum.h"
#include "tests/unit/ha_fake.h"

#define POOL	"2001:db8:1:100::/56"
#define HOA	"2001:db8:1:101::5"
#define COA	"2001:db8:2:200::9"
#define COA2	"2001:db8:3:300::9"
#define STRANGER "2001:db8:bad::1"

static const uint8_t mac_a[6] = { 2, 0, 0, 0, 0, 0xa };

/* ---- the table ---- */

struct world {
	struct timers timers;
	struct limit limit;
	usec_t now;
	unsigned int begun, over, lines;
};

static void count_lines(void *ctx, enum log_level level, const char *line)
{
	struct world *w = ctx;

	(void)level;
	w->lines++;
	w->begun += strncmp(line, "flood: more", 11) == 0;
	w->over += strncmp(line, "flood: over", 11) == 0;
}

static int begin(void **state)
{
	static struct world w;

	w = (struct world){ .now = 1000 * USEC_S };
	timers_init(&w.timers);
	limit_init(&w.limit, &w.timers);
	limit_behind(&w.limit, LIMIT_BEHIND);
	log_set_sink(count_lines, &w);
	*state = &w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	limit_free(&w->limit);
	assert_int_equal(timers_next(&w->timers), USEC_NEVER);
	timers_free(&w->timers);
	log_set_sink(NULL, NULL);
	return 0;
}

static struct in6_addr network(uint32_t n)
{
	struct in6_addr a = addr("2001:db8::1");

	memcpy(&a.s6_addr[4], &n, sizeof(n));
	return a;
}

/* n messages from there within `span`. */
static void bad_ones(struct world *w, const struct in6_addr *src, unsigned int n, enum limit_kind kind,
		 usec_t span)
{
	usec_t start = w->now;

	for (unsigned int i = 0; i < n; i++) {
		w->now = start + span * i / n;
		timers_run(&w->timers, w->now);
		limit_failed(&w->limit, src, kind, w->now);
	}
	w->now = start + span;
	timers_run(&w->timers, w->now);
}

static void wait(struct world *w, usec_t t)
{
	for (usec_t until = w->now + t; w->now < until;) {
		w->now += USEC_MS;
		timers_run(&w->timers, w->now);
	}
}

static void few_turn_nobody_away(void **state)
{
	struct in6_addr a = network(1);
	struct world *w = *state;

	/* Far more than its share, and not too many in all. */
	bad_ones(w, &a, 10000, LIMIT_CHECKED, USEC_S);
	assert_true(limit_allows(&w->limit, &a, w->now));
}

/* What can be done is done: whoever's network is forged does not suffer. */
static void nobody_is_turned_away_by_a_daemon_that_keeps_up(void **state)
{
	struct in6_addr a = network(1);
	struct world *w = *state;

	limit_behind(&w->limit, 0);
	bad_ones(w, &a, 500000, LIMIT_CHECKED, USEC_S);
	assert_true(limit_allows(&w->limit, &a, w->now));
	limit_behind(&w->limit, LIMIT_BEHIND);
	assert_false(limit_allows(&w->limit, &a, w->now));
	limit_behind(&w->limit, 0);
	assert_true(limit_allows(&w->limit, &a, w->now));
}

static void who_loads_is_turned_away(void **state)
{
	struct in6_addr bad = network(1), other = network(2), near = bad;
	struct world *w = *state;

	bad_ones(w, &bad, 100000, LIMIT_CHECKED, USEC_S);
	assert_false(limit_allows(&w->limit, &bad, w->now));
	/* By network, whatever the host. */
	near.s6_addr[15] ^= 0xff;
	assert_false(limit_allows(&w->limit, &near, w->now));
	/* Nobody else. */
	assert_true(limit_allows(&w->limit, &other, w->now));
	/* And forgiven as soon as there is no load any more. */
	wait(w, 200 * USEC_MS);
	assert_true(limit_allows(&w->limit, &bad, w->now));
}

static void what_cost_nothing_puts_nobody_in_debt(void **state)
{
	struct in6_addr victim = network(1), loud = network(2);
	struct world *w = *state;

	/* Off the path, in the victim's name, beside somebody who is a load. */
	bad_ones(w, &victim, 200000, LIMIT_CHEAP, USEC_S);
	assert_true(limit_allows(&w->limit, &victim, w->now));
	for (int i = 0; i < 1000; i++) {
		bad_ones(w, &victim, 100, LIMIT_CHEAP, USEC_MS);
		bad_ones(w, &loud, 100, LIMIT_CHECKED, USEC_MS);
	}
	assert_false(limit_allows(&w->limit, &loud, w->now));
	assert_true(limit_allows(&w->limit, &victim, w->now));
}

static void the_rate_that_is_left_is_for_those_in_debt(void **state)
{
	struct in6_addr bad = network(1);
	struct world *w = *state;
	unsigned int checked = 0;

	bad_ones(w, &bad, 100000, LIMIT_CHECKED, USEC_S);
	/* 100,000 a second, and each that is allowed is computed. */
	for (unsigned int i = 0; i < 300000; i++) {
		w->now += 10;
		if (!limit_allows(&w->limit, &bad, w->now))
			continue;
		limit_failed(&w->limit, &bad, LIMIT_CHECKED, w->now);
		checked++;
	}
	assert_in_range(checked, 3 * USEC_S / LIMIT_CHECK_PERIOD * 9 / 10,
			3 * USEC_S / LIMIT_CHECK_PERIOD * 11 / 10);
}

static void any_number_of_sources_needs_no_memory(void **state)
{
	struct in6_addr quiet = network(0xffffffff);
	struct world *w = *state;

	for (uint32_t n = 0; n < 1000000; n++) {
		struct in6_addr a = network(n * 2654435761u);

		w->now += 10;
		timers_run(&w->timers, w->now);
		limit_failed(&w->limit, &a, LIMIT_CHECKED, w->now);
	}
	assert_true(limit_allows(&w->limit, &quiet, w->now));
	assert_true(w->limit.flooded);
	assert_int_equal(w->limit.from.len, 0);		/* no one source is named */
	assert_int_equal(w->lines, 1);
}

static void people_are_told_once_and_when_it_is_over(void **state)
{
	struct in6_addr bad = addr(STRANGER), good = network(7);
	struct world *w = *state;
	char text[LIMIT_TEXT];

	bad_ones(w, &good, LIMIT_FLOOD / 2, LIMIT_CHEAP, USEC_S);
	limit_str(&w->limit, text);
	assert_string_equal(text, "");
	bad_ones(w, &bad, 50000, LIMIT_CHEAP, 5 * USEC_S);
	assert_int_equal(w->begun, 1);
	assert_int_equal(w->lines, 1);
	limit_str(&w->limit, text);
	assert_non_null(strstr(text, "bad messages a second from 2001:db8:bad::/64"));
	assert_in_range(w->limit.rate, 9000, 11000);
	/* It comes and goes: still one flood. */
	wait(w, 5 * USEC_S);
	bad_ones(w, &bad, 50000, LIMIT_CHEAP, 5 * USEC_S);
	assert_int_equal(w->lines, 1);
	wait(w, 2 * LIMIT_QUIET);
	assert_int_equal(w->over, 1);
	assert_int_equal(w->lines, 2);
	assert_in_range(w->limit.total, 99000, 100001);
	limit_str(&w->limit, text);
	assert_string_equal(text, "");
	assert_int_equal(timers_next(&w->timers), USEC_NEVER);
	/* Another one later. */
	bad_ones(w, &bad, 5000, LIMIT_CHEAP, USEC_S);
	assert_int_equal(w->begun, 2);
	assert_int_equal(w->limit.floods, 2);
}

/* ---- the home agent ---- */

struct flooded {
	struct fake f;
	struct ha_key wrong;
};

static void bound(struct flooded *x)
{
	struct fake *f = &x->f;

	memset(x, 0, sizeof(*x));
	fake_start(f, POOL);
	fake_rs(f, 7, mac_a, "::", 255);
	fake_bu(f, &(struct bu){ .src = COA, .hoa = HOA, .seq = 10, .lifetime = 100,
				 .key = &f->keys[0] });
	assert_int_equal(f->ha.verdicts[VERDICT_REGISTER], 1);
	assert_int_equal(auth_key_init(&x->wrong.auth, SPI, AUTH_HMAC_SHA256_128,
				       "not the right key", 16), 0);
	limit_behind(&f->ha.limit, LIMIT_BEHIND);
	fake_forget_calls(f);
}

static void leave(struct flooded *x)
{
	auth_key_wipe(&x->wrong.auth);
	fake_end(&x->f);
}

/* So many a second, for one second, from there and for the host's home address. */
static void flood_bu(struct flooded *x, const char *src, const struct ha_key *key, unsigned int n)
{
	uint8_t room[512];
	size_t len = bu_packet(&(struct bu){ .src = src, .hoa = HOA, .seq = 11, .lifetime = 100,
					     .key = key }, room, sizeof(room));

	for (unsigned int i = 0; i < n; i++) {
		x->f.now += USEC_S / n;
		ha_rx_mh(&x->f.ha, room, len, x->f.now);
	}
}

static void forged_is_not_computed_for_ever(void **state)
{
	static struct flooded x;
	uint64_t checked, skipped;

	(void)state;
	bound(&x);
	flood_bu(&x, STRANGER, &x.wrong, 100000);
	checked = x.f.ha.verdicts[VERDICT_BAD_AUTH];
	skipped = x.f.ha.verdicts[VERDICT_LIMITED];
	assert_int_equal(checked + skipped, 100000);
	assert_in_range(checked, 15000, 25000);
	assert_int_equal(x.f.n_calls, 0);		/* not a word to anybody */
	/* The host moves and refreshes beside it. */
	fake_bu(&x.f, &(struct bu){ .src = COA2, .hoa = HOA, .seq = 12, .lifetime = 100,
				    .key = &x.f.keys[0] });
	assert_int_equal(x.f.ha.verdicts[VERDICT_REGISTER], 2);
	leave(&x);
}

static void the_name_of_a_bound_host_shuts_it_not_out(void **state)
{
	static struct flooded x;

	(void)state;
	bound(&x);
	/* From its care-of address, and from its home. */
	flood_bu(&x, COA, &x.wrong, 100000);
	flood_bu(&x, HOA, &x.wrong, 100000);
	fake_bu(&x.f, &(struct bu){ .src = COA, .hoa = HOA, .seq = 12, .lifetime = 100,
				    .key = &x.f.keys[0] });
	assert_int_equal(x.f.ha.verdicts[VERDICT_REGISTER], 2);
	flood_bu(&x, HOA, &x.wrong, 100000);
	fake_bu(&x.f, &(struct bu){ .src = HOA, .hoa = HOA, .seq = 13, .lifetime = 0,
				    .key = &x.f.keys[0] });
	assert_int_equal(x.f.ha.verdicts[VERDICT_DEREGISTER], 1);
	leave(&x);
}

static void unknown_spi_in_its_new_name_shuts_it_not_out(void **state)
{
	static struct flooded x;

	(void)state;
	bound(&x);
	flood_bu(&x, STRANGER, &x.wrong, 100000);	/* a load, so that limits hold */
	x.wrong.auth.spi = 999;
	flood_bu(&x, COA2, &x.wrong, 100000);
	assert_int_equal(x.f.ha.verdicts[VERDICT_UNKNOWN_SPI], 100000);
	x.wrong.auth.spi = SPI;
	flood_bu(&x, STRANGER, &x.wrong, 100000);
	fake_bu(&x.f, &(struct bu){ .src = COA2, .hoa = HOA, .seq = 12, .lifetime = 100,
				    .key = &x.f.keys[0] });
	assert_int_equal(x.f.ha.verdicts[VERDICT_REGISTER], 2);
	leave(&x);
}

/* RFC 6275 9.2 wants an answer to a type that is not known; RFC 4443 2.4 f wants few. */
static void strangers_get_few_answers(void **state)
{
	static struct flooded x;
	uint8_t room[512];
	size_t len, mh = IP6_HDR_LEN + 24;
	struct in6_addr dst = addr("2001:db8:1:100::1"), hoa = addr(HOA);

	(void)state;
	bound(&x);
	len = bu_packet(&(struct bu){ .src = STRANGER, .hoa = HOA, .seq = 11, .lifetime = 100,
				      .key = &x.wrong }, room, sizeof(room));
	room[mh + 2] = 200;				/* its type */
	room[mh + 4] = room[mh + 5] = 0;
	mh_set_cksum(room + mh, len - mh, &hoa, &dst);
	for (unsigned int i = 0; i < 100000; i++) {
		x.f.now += 10;
		ha_rx_mh(&x.f.ha, room, len, x.f.now);
	}
	assert_int_equal(x.f.ha.mh_errors[MH_ERR_UNKNOWN_TYPE], 100000);
	assert_in_range(fake_count(&x.f, CALL_SEND_ROUTED), 1,
			HA_ERROR_BURST + USEC_S / HA_ERROR_PERIOD);
	assert_int_equal(x.f.n_calls, fake_count(&x.f, CALL_SEND_ROUTED));
	assert_true(x.f.ha.limit.flooded);
	leave(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(few_turn_nobody_away, begin, end),
		cmocka_unit_test_setup_teardown(nobody_is_turned_away_by_a_daemon_that_keeps_up,
						begin, end),
		cmocka_unit_test_setup_teardown(who_loads_is_turned_away, begin, end),
		cmocka_unit_test_setup_teardown(what_cost_nothing_puts_nobody_in_debt, begin, end),
		cmocka_unit_test_setup_teardown(the_rate_that_is_left_is_for_those_in_debt, begin,
						end),
		cmocka_unit_test_setup_teardown(any_number_of_sources_needs_no_memory, begin, end),
		cmocka_unit_test_setup_teardown(people_are_told_once_and_when_it_is_over, begin,
						end),
		cmocka_unit_test(forged_is_not_computed_for_ever),
		cmocka_unit_test(the_name_of_a_bound_host_shuts_it_not_out),
		cmocka_unit_test(unknown_spi_in_its_new_name_shuts_it_not_out),
		cmocka_unit_test(strangers_get_few_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
