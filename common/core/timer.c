/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers in a binary heap ordered by time. The heap owns its array of pointers, not the
 * timers: those lie in their owners' structs and know their place (slot), so that one is
 * moved or stopped without a search. Called by the state machines (set, stop) and by the
 * event loop or the simulation (next, run).
 */
#include "common/core/timer.h"

#include <errno.h>
#include <stdlib.h>

#define HEAP_FIRST 64	/* room for so many at the first growth, then doubled */

void timers_init(struct timers *ts)
{
	*ts = (struct timers){ 0 };
}

void timers_free(struct timers *ts)
{
	for (size_t i = 0; i < ts->n; i++)
		ts->heap[i]->slot = 0;
	free(ts->heap);
	timers_init(ts);
}

void timer_init(struct timer *t, const char *name, void (*fn)(void *ctx, usec_t now), void *ctx)
{
	*t = (struct timer){ .name = name, .fn = fn, .ctx = ctx, .at = USEC_NEVER };
}

static void put(struct timers *ts, size_t i, struct timer *t)
{
	ts->heap[i] = t;
	t->slot = i + 1;
}

/* Moves t, for which place i is free, up or down to where it belongs. */
static void settle(struct timers *ts, size_t i, struct timer *t)
{
	while (i > 0 && ts->heap[(i - 1) / 2]->at > t->at) {
		put(ts, i, ts->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= ts->n)
			break;
		if (child + 1 < ts->n && ts->heap[child + 1]->at < ts->heap[child]->at)
			child++;
		if (ts->heap[child]->at >= t->at)
			break;
		put(ts, i, ts->heap[child]);
		i = child;
	}
	put(ts, i, t);
}

static int grow(struct timers *ts)
{
	size_t cap = ts->cap ? 2 * ts->cap : HEAP_FIRST;
	struct timer **heap = reallocarray(ts->heap, cap, sizeof(struct timer *));

	if (!heap)
		return -ENOMEM;
	ts->heap = heap;
	ts->cap = cap;
	return 0;
}

int timer_set(struct timers *ts, struct timer *t, usec_t at)
{
	if (!t->slot) {
		if (ts->n == ts->cap && grow(ts) < 0)
			return -ENOMEM;
		t->slot = ++ts->n;
	}
	t->at = at;
	settle(ts, t->slot - 1, t);
	return 0;
}

void timer_stop(struct timers *ts, struct timer *t)
{
	struct timer *last;
	size_t i;

	if (!t->slot)
		return;
	i = t->slot - 1;
	t->slot = 0;
	t->at = USEC_NEVER;
	last = ts->heap[--ts->n];
	if (last != t)
		settle(ts, i, last);
}

bool timer_armed(const struct timer *t)
{
	return t->slot != 0;
}

usec_t timers_next(const struct timers *ts)
{
	return ts->n ? ts->heap[0]->at : USEC_NEVER;
}

size_t timers_run(struct timers *ts, usec_t now)
{
	size_t ran = 0;

	while (ts->n && ts->heap[0]->at <= now) {
		struct timer *t = ts->heap[0];

		/* Out of the heap first: the callback may arm it again, or free it. */
		timer_stop(ts, t);
		t->fn(t->ctx, now);
		ran++;
	}
	return ran;
}
