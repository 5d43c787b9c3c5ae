/* SPDX-License-Identifier: BSD-2-Clause */
/* links: ha-agent/keyhosts.c common/core/hash.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "ha-agent/keyhosts.h"

static const uint8_t *host(unsigned int n)
{
	static uint8_t id[KEYHOST_ID];

	memset(id, 0, sizeof(id));
	memcpy(id, &n, sizeof(n));
	return id;
}

/* A host has so many at a time, and others are not touched by it. */
static void test_at_a_time(void **state)
{
	struct keyhosts t;

	(void)state;
	keyhosts_init(&t, 100);
	for (unsigned int i = 0; i < KEYHOST_CONNECTIONS; i++)
		assert_int_equal(keyhosts_enter(&t, host(1), 0), KEYHOST_WELCOME);
	assert_int_equal(keyhosts_enter(&t, host(1), 0), KEYHOST_BUSY);
	assert_int_equal(keyhosts_enter(&t, host(2), 0), KEYHOST_WELCOME);
	keyhosts_leave(&t, host(1), 0);
	assert_int_equal(keyhosts_enter(&t, host(1), 0), KEYHOST_WELCOME);
	assert_int_equal(t.connections, KEYHOST_CONNECTIONS + 1);
	keyhosts_free(&t);
}

/* Who comes and goes again and again is slowed down; being slow for a while makes up for it. */
static void test_often(void **state)
{
	struct keyhosts t;
	usec_t now = 0;

	(void)state;
	keyhosts_init(&t, 100);
	for (unsigned int i = 0; i < KEYHOST_BURST; i++) {
		assert_int_equal(keyhosts_enter(&t, host(1), now), KEYHOST_WELCOME);
		keyhosts_leave(&t, host(1), now);
	}
	assert_int_equal(keyhosts_enter(&t, host(1), now), KEYHOST_OFTEN);
	assert_int_equal(t.connections, 0);
	now += KEYHOST_PERIOD;
	assert_int_equal(keyhosts_enter(&t, host(1), now), KEYHOST_WELCOME);
	keyhosts_leave(&t, host(1), now);
	assert_int_equal(keyhosts_enter(&t, host(1), now), KEYHOST_OFTEN);
	keyhosts_free(&t);
}

static void test_all_taken(void **state)
{
	struct keyhosts t;

	(void)state;
	keyhosts_init(&t, 3);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(keyhosts_enter(&t, host(i), 0), KEYHOST_WELCOME);
	assert_int_equal(keyhosts_enter(&t, host(3), 0), KEYHOST_FULL);
	assert_int_equal(keyhosts_enter(&t, host(0), 0), KEYHOST_FULL);
	keyhosts_leave(&t, host(1), 0);
	assert_int_equal(keyhosts_enter(&t, host(3), 0), KEYHOST_WELCOME);
	keyhosts_free(&t);
}

/* However many hosts come, so many are remembered; those that are as good as new make room,
 * and nobody gets more by making us forget him. */
static void test_bounded(void **state)
{
	struct keyhosts t;
	usec_t now = 0;

	(void)state;
	keyhosts_init(&t, 2 * KEYHOST_MAX);
	for (unsigned int i = 0; i < KEYHOST_MAX; i++) {
		assert_int_equal(keyhosts_enter(&t, host(i), now), KEYHOST_WELCOME);
		keyhosts_leave(&t, host(i), now);
	}
	assert_int_equal(t.n, KEYHOST_MAX);
	assert_int_equal(keyhosts_enter(&t, host(KEYHOST_MAX), now), KEYHOST_FULL);
	now += KEYHOST_PERIOD;
	assert_int_equal(keyhosts_enter(&t, host(KEYHOST_MAX), now), KEYHOST_WELCOME);
	assert_int_equal(t.n, 1);
	keyhosts_free(&t);
}

static void test_forgotten_when_idle(void **state)
{
	struct keyhosts t;

	(void)state;
	keyhosts_init(&t, 10);
	assert_int_equal(keyhosts_enter(&t, host(1), 0), KEYHOST_WELCOME);
	keyhosts_leave(&t, host(1), KEYHOST_BURST * KEYHOST_PERIOD);
	assert_int_equal(t.n, 0);
	keyhosts_leave(&t, host(1), 0);		/* of nobody: harmless */
	assert_int_equal(t.connections, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_at_a_time),
		cmocka_unit_test(test_often),
		cmocka_unit_test(test_all_taken),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_forgotten_when_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
