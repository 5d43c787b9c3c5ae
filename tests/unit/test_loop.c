/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/sys/loop.c common/sys/clock.c common/core/timer.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <unistd.h>

#include "common/sys/clock.h"
#include "common/sys/loop.h"

struct world {
	struct loop *l;
	struct loop_io *io;
	struct timer a, b;
	int fds[2];
	int timers, reads, signals, turns, late;
	usec_t due;			/* of the second timer */
	usec_t overdue;
	unsigned int steps;
};

static int setup(void **state)
{
	static struct world w;

	w = (struct world){ .fds = { -1, -1 } };
	*state = &w;
	return loop_new(&w.l) == 0 && pipe(w.fds) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	struct world *w = *state;

	loop_io_del(w->io);
	loop_free(w->l);
	close(w->fds[0]);
	close(w->fds[1]);
	return 0;
}

static void second_timer(void *ctx, usec_t now)
{
	struct world *w = ctx;

	assert_true(now >= w->due);
	w->timers++;
	loop_stop(w->l);
}

static void first_timer(void *ctx, usec_t now)
{
	struct world *w = ctx;

	w->timers++;
	w->due = now + USEC_MS;
	timer_init(&w->b, "second", second_timer, w);
	assert_int_equal(timer_set(loop_timers(w->l), &w->b, w->due), 0);
}

/* A timer that is set by a timer runs, and none runs before its time. */
static void test_timers(void **state)
{
	struct world *w = *state;
	usec_t start = clock_now();

	timer_init(&w->a, "first", first_timer, w);
	assert_int_equal(timer_set(loop_timers(w->l), &w->a, start + 5 * USEC_MS), 0);
	assert_int_equal(loop_run(w->l), 0);
	assert_int_equal(w->timers, 2);
	assert_true(clock_now() - start >= 6 * USEC_MS);
}

static void stop_timer(void *ctx, usec_t now)
{
	struct world *w = ctx;

	(void)now;
	loop_stop(w->l);
}

static void on_read(void *ctx)
{
	struct world *w = ctx;
	char c;

	assert_int_equal(read(w->fds[0], &c, 1), 1);
	w->reads++;
	if (w->reads == 2) {
		loop_io_del(w->io);	/* from within */
		w->io = NULL;
		timer_init(&w->a, "stop", stop_timer, w);
		assert_int_equal(timer_set(loop_timers(w->l), &w->a, 0), 0);
	}
}

/* A callback for a descriptor sets a timer (in the past), and it runs. */
static void test_io(void **state)
{
	struct world *w = *state;

	assert_int_equal(loop_io_add(w->l, w->fds[0], on_read, w, &w->io), 0);
	assert_int_equal(write(w->fds[1], "abc", 3), 3);
	assert_int_equal(loop_run(w->l), 0);
	assert_int_equal(w->reads, 2);
}

static void on_turn(void *ctx)
{
	struct world *w = ctx;

	w->turns++;
	if (w->turns == 1)	/* nothing has been waited for yet */
		assert_int_equal(write(w->fds[1], "abc", 3), 3);
}

static void on_turn_counted(void *ctx)
{
	struct world *w = ctx;

	w->turns++;
}

/* A turn ends before anything is waited for, and once more before the loop is left. */
static void test_turn(void **state)
{
	struct world *w = *state;

	loop_turn(w->l, on_turn, w);
	assert_int_equal(loop_io_add(w->l, w->fds[0], on_read, w, &w->io), 0);
	assert_int_equal(loop_run(w->l), 0);
	assert_int_equal(w->reads, 2);
	assert_true(w->turns >= 2);
}

static void overdue_at_the_turn(void *ctx)
{
	struct world *w = ctx;

	if (w->turns++ > 0)
		return;
	timer_init(&w->a, "overdue", stop_timer, w);
	assert_int_equal(timer_set(loop_timers(w->l), &w->a, clock_now() - w->overdue), 0);
}

static void on_late(void *ctx, usec_t by)
{
	struct world *w = ctx;

	assert_true(by >= w->overdue);
	assert_true(timer_armed(&w->a));	/* it has not run yet */
	w->late++;
}

/* A timer that is overdue when it has been waited for: nobody ran meanwhile. */
static void test_late(void **state)
{
	struct world *w = *state;

	loop_late(w->l, on_late, w);
	loop_turn(w->l, overdue_at_the_turn, w);
	w->overdue = 3600 * USEC_S;
	assert_int_equal(loop_run(w->l), 0);
	assert_int_equal(w->late, 1);
	w->turns = 0;
	w->overdue = 1 * USEC_S;	/* a busy machine */
	assert_int_equal(loop_run(w->l), 0);
	assert_int_equal(w->late, 1);
}

static void on_once(void *ctx)
{
	struct world *w = ctx;

	w->reads++;
	if (w->reads == 1) {		/* nothing was read, and it is not called again for it */
		timer_init(&w->a, "stop", stop_timer, w);
		assert_int_equal(timer_set(loop_timers(w->l), &w->a,
					   clock_now() + 20 * USEC_MS), 0);
	} else {
		loop_stop(w->l);
	}
}

/* What is waited for once is told once; for writing too. */
static void test_io_once(void **state)
{
	struct world *w = *state;
	struct loop_io *writer;

	assert_int_equal(write(w->fds[1], "a", 1), 1);
	assert_int_equal(loop_io_new(w->l, w->fds[0], on_once, w, &w->io), 0);
	assert_int_equal(loop_io_wait(w->io, false), 0);
	assert_int_equal(loop_run(w->l), 0);
	assert_int_equal(w->reads, 1);
	assert_int_equal(loop_io_wait(w->io, false), 0);
	assert_int_equal(loop_run(w->l), 0);
	assert_int_equal(w->reads, 2);
	assert_int_equal(loop_io_new(w->l, w->fds[1], on_once, w, &writer), 0);
	assert_int_equal(loop_io_wait(writer, true), 0);
	assert_int_equal(loop_run(w->l), 0);
	assert_int_equal(w->reads, 3);
	loop_io_del(writer);
}

#define STEPS	200

/* Each step makes something readable: nothing is put off until all of them are done. */
static bool step(void *ctx)
{
	struct world *w = ctx;

	w->steps++;
	assert_int_equal(write(w->fds[1], "a", 1), 1);
	if (w->steps == STEPS)
		loop_stop(w->l);
	return w->steps < STEPS;
}

static void on_read_between(void *ctx)
{
	struct world *w = ctx;
	char c;

	assert_int_equal(read(w->fds[0], &c, 1), 1);
	w->reads++;
	assert_int_equal(w->reads, w->steps);	/* one step between two looks, not two */
}

/* Work in the background: one step between two looks at the descriptors, and a turn's end. */
static void test_background(void **state)
{
	struct world *w = *state;

	loop_turn(w->l, on_turn_counted, w);
	loop_background(w->l, step, w);
	assert_int_equal(loop_io_add(w->l, w->fds[0], on_read_between, w, &w->io), 0);
	loop_background_wake(w->l);
	assert_int_equal(loop_run(w->l), 0);
	assert_int_equal(w->steps, STEPS);
	assert_true(w->reads >= STEPS - 1);
	assert_true(w->turns >= STEPS);
}

static void wake_it(void *ctx, usec_t now)
{
	struct world *w = ctx;

	(void)now;
	loop_background_wake(w->l);
}

static bool only_step(void *ctx)
{
	struct world *w = ctx;

	w->steps++;
	timer_init(&w->b, "stop", stop_timer, w);
	assert_int_equal(timer_set(loop_timers(w->l), &w->b, clock_now() + 20 * USEC_MS), 0);
	usleep(2000);
	return false;
}

/* It sleeps until it is woken, and when there is no more of it the loop waits. */
static void test_background_rests(void **state)
{
	struct world *w = *state;

	loop_background(w->l, only_step, w);
	loop_turn(w->l, on_turn_counted, w);
	timer_init(&w->a, "wake", wake_it, w);
	assert_int_equal(timer_set(loop_timers(w->l), &w->a, clock_now() + 5 * USEC_MS), 0);
	assert_int_equal(loop_run(w->l), 0);
	assert_int_equal(w->steps, 1);
	assert_true(w->turns < 10);		/* it did not spin */
	assert_true(loop_background_longest(w->l) >= 2 * USEC_MS);
	loop_background(w->l, NULL, NULL);
	loop_background_wake(w->l);		/* harmless */
}

static void on_signal(void *ctx, int signo)
{
	struct world *w = ctx;

	assert_int_equal(signo, SIGUSR1);
	w->signals++;
	loop_stop(w->l);
}

static void test_signal(void **state)
{
	struct world *w = *state;

	assert_int_equal(loop_signal_add(w->l, SIGUSR1, on_signal, w), 0);
	assert_int_equal(raise(SIGUSR1), 0);
	assert_int_equal(loop_run(w->l), 0);
	assert_int_equal(w->signals, 1);
}

static void test_stop_before_run(void **state)
{
	struct world *w = *state;

	loop_stop(w->l);
	assert_int_equal(loop_run(w->l), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_timers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_io, setup, teardown),
		cmocka_unit_test_setup_teardown(test_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_late, setup, teardown),
		cmocka_unit_test_setup_teardown(test_io_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_background, setup, teardown),
		cmocka_unit_test_setup_teardown(test_background_rests, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop_before_run, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
