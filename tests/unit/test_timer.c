/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/core/timer.c */
/* Timers: order, moving, stopping, and callbacks that do any of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/core/timer.h"

#define MANY 2000

struct probe {
	struct timers *ts;
	struct timer t, *other;
	usec_t again;		/* armed again for then; 0: not */
	unsigned int ran;
};

static void fired(void *ctx, usec_t now)
{
	struct probe *p = ctx;

	(void)now;
	assert_false(timer_armed(&p->t));
	p->ran++;
	if (p->again) {
		usec_t at = p->again;

		p->again = 0;
		assert_int_equal(timer_set(p->ts, &p->t, at), 0);
	}
	if (p->other)
		timer_stop(p->ts, p->other);
}

static void probe_init(struct probe *p, struct timers *ts)
{
	*p = (struct probe){ .ts = ts };
	timer_init(&p->t, "probe", fired, p);
}

static void empty(void **state)
{
	struct timers ts;

	(void)state;
	timers_init(&ts);
	assert_true(timers_next(&ts) == USEC_NEVER);
	assert_int_equal(timers_run(&ts, USEC_NEVER), 0);
	timers_free(&ts);
}

static void due_only(void **state)
{
	struct timers ts;
	struct probe a, b;

	(void)state;
	timers_init(&ts);
	probe_init(&a, &ts);
	probe_init(&b, &ts);
	assert_false(timer_armed(&a.t));
	timer_stop(&ts, &a.t);
	assert_int_equal(timer_set(&ts, &a.t, 20), 0);
	assert_int_equal(timer_set(&ts, &b.t, 10), 0);
	assert_int_equal(timers_next(&ts), 10);
	assert_int_equal(timers_run(&ts, 9), 0);
	assert_int_equal(timers_run(&ts, 10), 1);
	assert_int_equal(b.ran, 1);
	assert_true(timer_armed(&a.t));
	assert_int_equal(timer_set(&ts, &a.t, 5), 0);	/* moved, not doubled */
	assert_int_equal(timers_next(&ts), 5);
	assert_int_equal(timers_run(&ts, 100), 1);
	assert_int_equal(a.ran, 1);
	assert_true(timers_next(&ts) == USEC_NEVER);
	timers_free(&ts);
}

static void callbacks_change_timers(void **state)
{
	struct timers ts;
	struct probe a, b, c;

	(void)state;
	timers_init(&ts);
	probe_init(&a, &ts);
	probe_init(&b, &ts);
	probe_init(&c, &ts);
	a.other = &b.t;		/* a stops b, which is due at the same moment or later */
	a.again = 7;		/* and is due once more within this run */
	c.again = 50;		/* c comes back after it */
	timer_set(&ts, &a.t, 5);
	timer_set(&ts, &b.t, 6);
	timer_set(&ts, &c.t, 8);
	assert_int_equal(timers_run(&ts, 10), 3);
	assert_int_equal(a.ran, 2);
	assert_int_equal(b.ran, 0);
	assert_int_equal(c.ran, 1);
	assert_int_equal(timers_next(&ts), 50);
	timers_free(&ts);
	assert_false(timer_armed(&c.t));
}

static void frees_itself(void *ctx, usec_t now)
{
	(void)now;
	free(ctx);
}

static void owner_may_die(void **state)
{
	struct timers ts;
	struct timer *t = malloc(sizeof(*t));

	(void)state;
	assert_non_null(t);
	timers_init(&ts);
	timer_init(t, "last", frees_itself, t);
	timer_set(&ts, t, 1);
	assert_int_equal(timers_run(&ts, 1), 1);	/* the sanitizer watches */
	timers_free(&ts);
}

static unsigned int seed = 12345;

static unsigned int rnd(unsigned int n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 8) % n;
}

/* Against the simplest thing that could be right: look at all of them. */
static void against_linear_search(void **state)
{
	static struct probe p[MANY];
	struct timers ts;
	usec_t now = 0;

	(void)state;
	timers_init(&ts);
	for (size_t i = 0; i < MANY; i++)
		probe_init(&p[i], &ts);
	for (int step = 0; step < 20000; step++) {
		struct probe *q = &p[rnd(MANY)];
		usec_t min = USEC_NEVER;

		if (rnd(3) == 0)
			timer_stop(&ts, &q->t);
		else
			assert_int_equal(timer_set(&ts, &q->t, now + rnd(1000)), 0);
		if (step % 50)
			continue;
		for (size_t i = 0; i < MANY; i++) {
			if (timer_armed(&p[i].t) && p[i].t.at < min)
				min = p[i].t.at;
		}
		assert_true(timers_next(&ts) == min);
		now += rnd(20);
		timers_run(&ts, now);
		for (size_t i = 0; i < MANY; i++)
			assert_true(!timer_armed(&p[i].t) || p[i].t.at > now);
	}
	timers_free(&ts);
}

static usec_t order_last;

static void in_order(void *ctx, usec_t now)
{
	usec_t at = *(usec_t *)ctx;

	(void)now;
	assert_true(at >= order_last);
	order_last = at;
}

static void runs_in_time_order(void **state)
{
	static struct timer t[MANY];
	static usec_t at[MANY];
	struct timers ts;

	(void)state;
	timers_init(&ts);
	for (size_t i = 0; i < MANY; i++) {
		at[i] = rnd(500);
		timer_init(&t[i], "order", in_order, &at[i]);
		timer_set(&ts, &t[i], at[i]);
	}
	order_last = 0;
	assert_int_equal(timers_run(&ts, 500), MANY);
	timers_free(&ts);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),
		cmocka_unit_test(due_only),
		cmocka_unit_test(callbacks_change_timers),
		cmocka_unit_test(owner_may_die),
		cmocka_unit_test(against_linear_search),
		cmocka_unit_test(runs_in_time_order),
	};

	return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
