/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Named timers in a binary heap. Pure: time is an argument, in microseconds of one
 * clock (CLOCK_BOOTTIME in the daemons, a counter in the simulation).
 */
#ifndef DMIP6_CORE_TIMER_H
#define DMIP6_CORE_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t usec_t;
#define USEC_MS		((usec_t)1000)
#define USEC_S		((usec_t)1000000)
#define USEC_NEVER	INT64_MAX

struct timer {
	const char *name;			/* for people: "refresh" */
	void (*fn)(void *ctx, usec_t now);
	void *ctx;
	usec_t at;
	size_t slot;				/* place in the heap + 1; 0: not armed */
};

struct timers {
	struct timer **heap;
	size_t n, cap;
};

void timers_init(struct timers *ts);
void timers_free(struct timers *ts);		/* the timers belong to their owners */
void timer_init(struct timer *t, const char *name, void (*fn)(void *ctx, usec_t now), void *ctx);
/* Arms or moves. 0 or -ENOMEM (only when arming one more than ever before). */
int timer_set(struct timers *ts, struct timer *t, usec_t at);
void timer_stop(struct timers *ts, struct timer *t);	/* harmless when not armed */
bool timer_armed(const struct timer *t);
usec_t timers_next(const struct timers *ts);		/* USEC_NEVER when empty */
/* Runs what is due, in time order (ties: in the order they were armed does not hold;
 * do not rely on it). A timer may set or stop any timer. Returns how many ran. */
size_t timers_run(struct timers *ts, usec_t now);

#endif
