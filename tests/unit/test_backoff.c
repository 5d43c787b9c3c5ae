/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/core/backoff.c */
/* Retransmission times, with RFC 6275 section 12's constants for home registration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/core/backoff.h"

static void expect(struct backoff *b, const usec_t *ms, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(backoff_next(b), ms[i] * USEC_MS);
		assert_int_equal(b->tries, i + 1);
	}
}

static void doubles_up_to_the_maximum(void **state)
{
	static const usec_t ms[] = { 1000, 2000, 4000, 8000, 16000, 32000, 32000, 32000 };
	struct backoff b;

	(void)state;
	backoff_start(&b, USEC_S, 32 * USEC_S, 0);
	expect(&b, ms, sizeof(ms) / sizeof(ms[0]));
	backoff_start(&b, USEC_S, 32 * USEC_S, 0);	/* starts anew */
	expect(&b, ms, 2);
}

static void round_trip_shortens_the_first(void **state)
{
	static const usec_t ms[] = { 30, 60, 1000, 2000, 4000 };
	static const usec_t shortest[] = { 5, 10, 1000, 2000 };
	static const usec_t close[] = { 600, 1000, 2000 };
	struct backoff b;

	(void)state;
	backoff_start(&b, USEC_S, 32 * USEC_S, 20 * USEC_MS);
	expect(&b, ms, sizeof(ms) / sizeof(ms[0]));
	backoff_start(&b, USEC_S, 32 * USEC_S, 1);
	expect(&b, shortest, sizeof(shortest) / sizeof(shortest[0]));
	backoff_start(&b, USEC_S, 32 * USEC_S, 400 * USEC_MS);
	expect(&b, close, sizeof(close) / sizeof(close[0]));
}

static void round_trip_longer_than_the_first(void **state)
{
	static const usec_t ms[] = { 3000, 6000, 12000, 24000, 32000 };
	static const usec_t capped[] = { 32000, 32000 };
	struct backoff b;

	(void)state;
	backoff_start(&b, USEC_S, 32 * USEC_S, 2 * USEC_S);
	expect(&b, ms, sizeof(ms) / sizeof(ms[0]));
	backoff_start(&b, USEC_S, 32 * USEC_S, USEC_NEVER);
	expect(&b, capped, sizeof(capped) / sizeof(capped[0]));
}

static void maximum_not_a_power(void **state)
{
	static const usec_t ms[] = { 1500, 3000, 5000, 5000 };
	struct backoff b;

	(void)state;
	backoff_start(&b, 1500 * USEC_MS, 5 * USEC_S, 0);
	expect(&b, ms, sizeof(ms) / sizeof(ms[0]));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubles_up_to_the_maximum),
		cmocka_unit_test(round_trip_shortens_the_first),
		cmocka_unit_test(round_trip_longer_than_the_first),
		cmocka_unit_test(maximum_not_a_power),
	};

	return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
