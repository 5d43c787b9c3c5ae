/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event loop: libevent for descriptors and signals, one CLOCK_BOOTTIME timerfd
 * for the timer heap (libevent's own timers stop while a laptop sleeps).
 */
#ifndef DMIP6_SYS_LOOP_H
#define DMIP6_SYS_LOOP_H

#include "common/core/timer.h"

struct loop;
struct loop_io;
struct event_base;

int loop_new(struct loop **ret);
void loop_free(struct loop *l);
struct timers *loop_timers(struct loop *l);	/* looked at once a turn: just set them */
struct event_base *loop_base(struct loop *l);	/* for the control socket's bufferevents */
/* fn is called while fd is readable. The descriptor stays the caller's. */
int loop_io_add(struct loop *l, int fd, void (*fn)(void *ctx), void *ctx, struct loop_io **ret);
/* The same, but nothing is waited for until loop_io_wait(): for reading or for writing, and for
 * one call of fn. */
int loop_io_new(struct loop *l, int fd, void (*fn)(void *ctx), void *ctx, struct loop_io **ret);
int loop_io_wait(struct loop_io *io, bool write);	/* 0 or -ENOMEM */
void loop_io_rest(struct loop_io *io);		/* not now */
void loop_io_del(struct loop_io *io);		/* NULL is harmless */
int loop_signal_add(struct loop *l, int signo, void (*fn)(void *ctx, int signo), void *ctx);
/* fn is called at the end of each turn: everything that was readable has been read, what was
 * due has been done, and nothing is waited for before it returns. One for each loop. */
void loop_turn(struct loop *l, void (*fn)(void *ctx), void *ctx);
/* Work that takes long and may wait: fn does one step of it a turn, after everything else of the
 * turn, and says whether there is more; until there is none nothing is waited for. So descriptors
 * and timers are late by one step at most, and however many there are the work goes on. It
 * begins with loop_background_wake(). One for each loop. */
void loop_background(struct loop *l, bool (*fn)(void *ctx), void *ctx);
void loop_background_wake(struct loop *l);
/* The longest that one step has taken. */
usec_t loop_background_longest(const struct loop *l);
/* fn is called when a timer that was waited for is overdue by seconds (`by`), before it runs
 * and after what was readable has been read: the computer slept, or the process was stopped.
 * What is known of the world is that old. One for each loop. */
void loop_late(struct loop *l, void (*fn)(void *ctx, usec_t by), void *ctx);
int loop_run(struct loop *l);			/* until loop_stop(); 0 or negative errno */
void loop_stop(struct loop *l);

#endif
