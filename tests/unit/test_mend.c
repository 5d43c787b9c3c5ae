/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/core/mend.c */
/* When what somebody deletes is put back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/core/mend.h"

#define T0	(1000 * USEC_S)

static void once_is_put_back_soon(void **state)
{
	struct mend m = { 0 };

	(void)state;
	assert_false(mend_recent(&m, T0));
	assert_int_equal(mend_when(&m, T0), T0 + MEND_DELAY);
	mend_done(&m, true, T0 + MEND_DELAY);
	assert_true(mend_recent(&m, T0 + 10 * USEC_S));
	assert_false(mend_contested(&m, T0 + 10 * USEC_S));
	assert_false(mend_recent(&m, T0 + 100 * USEC_S));
	assert_int_equal(m.repairs, 1);
}

static void not_more_often_than_once_a_second(void **state)
{
	struct mend m = { 0 };

	(void)state;
	mend_done(&m, true, T0);
	assert_int_equal(mend_when(&m, T0 + USEC_MS), T0 + MEND_PAUSE);
	assert_int_equal(mend_when(&m, T0 + 900 * USEC_MS), T0 + 900 * USEC_MS + MEND_DELAY);
}

/* Somebody who deletes at once whatever is put back. */
static unsigned int war(struct mend *m, usec_t *now, usec_t length)
{
	usec_t end = *now + length;
	unsigned int n = 0;

	while (mend_when(m, *now) < end) {
		*now = mend_when(m, *now);
		mend_done(m, true, *now);
		n++;
	}
	return n;
}

static void there_is_no_war(void **state)
{
	struct mend m = { 0 };
	usec_t now = T0;

	(void)state;
	assert_true(war(&m, &now, 600 * USEC_S) < 25);
	assert_true(mend_contested(&m, now));
	assert_int_equal(m.pause, MEND_PAUSE_MAX);
}

static void a_war_is_over_when_it_is_calm(void **state)
{
	struct mend m = { 0 };
	usec_t now = T0;

	(void)state;
	(void)war(&m, &now, 600 * USEC_S);
	now += MEND_PAUSE_MAX + MEND_CALM;
	assert_false(mend_contested(&m, now));
	assert_int_equal(mend_when(&m, now), now + MEND_DELAY);
	mend_done(&m, true, now);
	assert_int_equal(m.row, 1);
	assert_int_equal(mend_when(&m, now), now + MEND_PAUSE);
}

/* A link that goes takes its routes along, each time: nobody is to blame. */
static void what_the_kernel_takes_is_no_war(void **state)
{
	struct mend m = { 0 };

	(void)state;
	for (unsigned int n = 0; n < 100; n++)
		mend_done(&m, false, T0 + n * USEC_S);
	assert_false(mend_recent(&m, T0 + 100 * USEC_S));
	assert_int_equal(m.repairs, 0);
	assert_int_equal(mend_when(&m, T0 + 99 * USEC_S), T0 + 100 * USEC_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(once_is_put_back_soon),
		cmocka_unit_test(not_more_often_than_once_a_second),
		cmocka_unit_test(there_is_no_war),
		cmocka_unit_test(a_war_is_over_when_it_is_calm),
		cmocka_unit_test(what_the_kernel_takes_is_no_war),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
