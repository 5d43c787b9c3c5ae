/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event loop: libevent watches descriptors and signals, one timerfd on CLOCK_BOOTTIME
 * stands for the earliest timer of the heap. Owned by main.c; everything that reads a
 * descriptor registers here. The heap is looked at once per turn, so a callback of any
 * kind just sets its timers.
 */
#include "common/sys/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/sys/clock.h"

#define SIGNALS_MAX	8
#define LATE		(5 * USEC_S)	/* more than a busy machine makes of it */

struct loop_signal {
	struct event *ev;
	void (*fn)(void *ctx, int signo);
	void *ctx;
};

struct loop {
	struct event_base *base;
	struct timers timers;
	int timer_fd;
	struct event *timer_ev;
	usec_t armed;			/* what timer_fd is set to */
	struct loop_signal signals[SIGNALS_MAX];
	unsigned int n_signals;
	void (*turn)(void *ctx);
	void *turn_ctx;
	void (*late)(void *ctx, usec_t by);
	void *late_ctx;
	bool (*background)(void *ctx);
	void *background_ctx;
	bool busy;			/* there is background work */
	usec_t longest;			/* step of it */
	bool stop;
};

struct loop_io {
	struct event *ev;
	void (*fn)(void *ctx);
	void *ctx;
};

static void on_timer_fd(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	uint64_t expirations;

	(void)what;
	/* Only to make it unreadable; loop_run() runs the timers. */
	if (read(fd, &expirations, sizeof(expirations)) > 0)
		l->armed = USEC_NEVER;
}

int loop_new(struct loop **ret)
{
	struct loop *l = calloc(1, sizeof(*l));
	int err = -ENOMEM;

	if (!l)
		return -ENOMEM;
	l->armed = USEC_NEVER;
	timers_init(&l->timers);
	l->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (l->timer_fd < 0) {
		err = -errno;
		goto fail;
	}
	l->base = event_base_new();
	if (!l->base)
		goto fail;
	l->timer_ev = event_new(l->base, l->timer_fd, EV_READ | EV_PERSIST, on_timer_fd, l);
	if (!l->timer_ev || event_add(l->timer_ev, NULL) < 0)
		goto fail;
	*ret = l;
	return 0;
fail:
	loop_free(l);
	return err;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	for (unsigned int i = 0; i < l->n_signals; i++)
		event_free(l->signals[i].ev);
	if (l->timer_ev)
		event_free(l->timer_ev);
	if (l->base)
		event_base_free(l->base);
	if (l->timer_fd >= 0)
		close(l->timer_fd);
	timers_free(&l->timers);
	free(l);
}

struct timers *loop_timers(struct loop *l)
{
	return &l->timers;
}

struct event_base *loop_base(struct loop *l)
{
	return l->base;
}

static void on_io(evutil_socket_t fd, short what, void *arg)
{
	struct loop_io *io = arg;

	(void)fd;
	(void)what;
	io->fn(io->ctx);	/* may delete io */
}

static struct loop_io *new_io(struct loop *l, int fd, short what, void (*fn)(void *ctx), void *ctx)
{
	struct loop_io *io = calloc(1, sizeof(*io));

	if (!io)
		return NULL;
	io->fn = fn;
	io->ctx = ctx;
	io->ev = event_new(l->base, fd, what, on_io, io);
	if (io->ev)
		return io;
	free(io);
	return NULL;
}

int loop_io_add(struct loop *l, int fd, void (*fn)(void *ctx), void *ctx, struct loop_io **ret)
{
	struct loop_io *io = new_io(l, fd, EV_READ | EV_PERSIST, fn, ctx);

	if (io && event_add(io->ev, NULL) < 0) {
		loop_io_del(io);
		io = NULL;
	}
	if (!io)
		return -ENOMEM;
	*ret = io;
	return 0;
}

int loop_io_new(struct loop *l, int fd, void (*fn)(void *ctx), void *ctx, struct loop_io **ret)
{
	struct loop_io *io = new_io(l, fd, EV_READ, fn, ctx);

	if (!io)
		return -ENOMEM;
	*ret = io;
	return 0;
}

int loop_io_wait(struct loop_io *io, bool write)
{
	struct event_base *base = event_get_base(io->ev);
	evutil_socket_t fd = event_get_fd(io->ev);

	(void)event_del(io->ev);
	if (event_assign(io->ev, base, fd, write ? EV_WRITE : EV_READ, on_io, io) < 0 ||
	    event_add(io->ev, NULL) < 0)
		return -ENOMEM;
	return 0;
}

void loop_io_rest(struct loop_io *io)
{
	(void)event_del(io->ev);
}

void loop_io_del(struct loop_io *io)
{
	if (!io)
		return;
	event_free(io->ev);
	free(io);
}

static void on_signal(evutil_socket_t signo, short what, void *arg)
{
	const struct loop_signal *s = arg;

	(void)what;
	s->fn(s->ctx, (int)signo);
}

int loop_signal_add(struct loop *l, int signo, void (*fn)(void *ctx, int signo), void *ctx)
{
	struct loop_signal *s;

	if (l->n_signals == SIGNALS_MAX)
		return -ENOSPC;
	s = &l->signals[l->n_signals];
	s->fn = fn;
	s->ctx = ctx;
	s->ev = evsignal_new(l->base, signo, on_signal, s);
	if (!s->ev)
		return -ENOMEM;
	if (event_add(s->ev, NULL) < 0) {
		event_free(s->ev);
		return -EINVAL;
	}
	l->n_signals++;
	return 0;
}

/* Sets the descriptor to the earliest timer, if that has changed. */
static int arm(struct loop *l)
{
	struct itimerspec its = { 0 };
	usec_t next = timers_next(&l->timers);

	if (next == l->armed)
		return 0;
	if (next != USEC_NEVER) {
		usec_t at = next > 0 ? next : 1;	/* zero would disarm */

		its.it_value.tv_sec = (time_t)(at / USEC_S);
		its.it_value.tv_nsec = (long)(at % USEC_S) * 1000;
	}
	if (timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &its, NULL) < 0)
		return -errno;
	l->armed = next;
	return 0;
}

void loop_turn(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
	l->turn = fn;
	l->turn_ctx = ctx;
}

static void end_turn(struct loop *l)
{
	if (l->turn)
		l->turn(l->turn_ctx);
}

void loop_late(struct loop *l, void (*fn)(void *ctx, usec_t by), void *ctx)
{
	l->late = fn;
	l->late_ctx = ctx;
}

void loop_background(struct loop *l, bool (*fn)(void *ctx), void *ctx)
{
	l->background = fn;
	l->background_ctx = ctx;
	if (!fn)
		l->busy = false;
}

void loop_background_wake(struct loop *l)
{
	l->busy = l->background;
}

usec_t loop_background_longest(const struct loop *l)
{
	return l->longest;
}

/* One step. It may have left something to be done at the end of a turn. */
static void work(struct loop *l)
{
	usec_t begin = clock_now(), took;

	l->busy = false;		/* the step may wake it again */
	if (l->background(l->background_ctx))
		loop_background_wake(l);
	took = clock_now() - begin;
	if (took > l->longest)
		l->longest = took;
	end_turn(l);
}

/* Waits for what comes first: a descriptor, a signal, or the earliest timer. With background
 * work to be done it only looks. */
static int wait_for_next(struct loop *l)
{
	usec_t next = timers_next(&l->timers), now;
	int err = arm(l);

	if (err < 0)
		return err;
	if (event_base_loop(l->base, l->busy ? EVLOOP_NONBLOCK : EVLOOP_ONCE) < 0)
		return -EIO;
	now = clock_now();
	if (l->late && now > next && now - next > LATE)
		l->late(l->late_ctx, now - next);
	return 0;
}

int loop_run(struct loop *l)
{
	int err = 0;

	while (!l->stop) {
		timers_run(&l->timers, clock_now());
		if (l->stop)
			break;
		end_turn(l);
		if (l->busy)
			work(l);
		err = wait_for_next(l);
		if (err < 0)
			break;
	}
	end_turn(l);
	l->stop = false;
	return err;
}

void loop_stop(struct loop *l)
{
	l->stop = true;
	event_base_loopbreak(l->base);
}
