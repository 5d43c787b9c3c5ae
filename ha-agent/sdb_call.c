/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls to the session database, from the owner's question to the one callback: bounds, deadlines,
 * cancelling, and what health says of them. Owns the calls; the backends (sdb_sqlite.c,
 * sdb_redis.c) take them from a queue and answer them, and need not know who waits still.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sys/clock.h"
#include "common/sys/loop.h"
#include "ha-agent/sdb_private.h"

/* Calls in memory: outstanding ones, and those that nobody waits for any more, but whose answer
 * may still come. */
#define CALLS_ROOM	(2 * SDB_CALLS_MAX)

static void arm(struct sdb *db)
{
	const struct sdb_call *c;
	usec_t first = USEC_NEVER;

	TAILQ_FOREACH(c, &db->calls, all) {
		if (c->due < first)
			first = c->due;
	}
	if (first == USEC_NEVER)
		timer_stop(loop_timers(db->loop), &db->timer);
	else	/* new_call() had a place for it, and this takes none more */
		(void)timer_set(loop_timers(db->loop), &db->timer, first);
}

static void release(struct sdb_call *c)
{
	if (!c->over || c->held)
		return;
	c->db->n_room--;
	free(c);
}

static void finish(struct sdb_call *c, const struct sdb_answer *a)
{
	struct sdb *db = c->db;

	TAILQ_REMOVE(&db->calls, c, all);
	if (c->queued)
		TAILQ_REMOVE(&db->queue, c, in_queue);
	c->queued = false;
	c->over = true;
	db->health.outstanding--;
	if (c->fn)
		c->fn(c->ctx, a);
	release(c);
}

static void finish_by(struct sdb_call *c, int err)
{
	const struct sdb_answer a = { .err = err, .cursor = c->from };

	finish(c, &a);
}

/* The first whose time is over; NULL: none. */
static struct sdb_call *overdue(struct sdb *db, usec_t now)
{
	struct sdb_call *c;

	TAILQ_FOREACH(c, &db->calls, all) {
		if (c->due <= now)
			return c;
	}
	return NULL;
}

static void on_deadline(void *ctx, usec_t now)
{
	struct sdb *db = ctx;
	struct sdb_call *c;

	/* A callback may make and cancel calls: look again each time. What it makes that is
	 * overdue already waits for the next turn. */
	db->in_deadlines = true;
	while ((c = overdue(db, now))) {
		if (c->verb != SDB_WATCH)
			db->health.timeouts++;
		finish_by(c, -ETIMEDOUT);
	}
	db->in_deadlines = false;
	arm(db);
}

void sdb_init(struct sdb *db, struct loop *l, const struct sdb_config *cfg,
	      const struct sdb_events *events, void (*wake)(struct sdb *db))
{
	db->loop = l;
	db->selves[db->n_selves++] = cfg->self;
	for (unsigned int i = 0; i < cfg->n_others && i < SDB_SELVES_MAX; i++)
		db->selves[db->n_selves++] = cfg->others[i];
	db->wake = wake;
	if (events)
		db->events = *events;
	TAILQ_INIT(&db->calls);
	TAILQ_INIT(&db->queue);
	timer_init(&db->timer, "session database", on_deadline, db);
	(void)snprintf(db->health.why, sizeof(db->health.why), "it has not been asked yet");
}

void sdb_shut(struct sdb *db)
{
	struct sdb_call *c;

	db->closing = true;
	db->events = (struct sdb_events){ 0 };
	timer_stop(loop_timers(db->loop), &db->timer);
	while ((c = TAILQ_FIRST(&db->calls)))
		finish_by(c, -ECANCELED);
}

void sdb_cancel(struct sdb *db, const void *ctx)
{
	struct sdb_call *c, *next;

	for (c = TAILQ_FIRST(&db->calls); c; c = next) {
		next = TAILQ_NEXT(c, all);
		if (c->ctx != ctx)
			continue;
		c->fn = NULL;
		finish_by(c, -ECANCELED);
	}
	if (!db->closing && !db->in_deadlines)
		arm(db);
}

void sdb_health(const struct sdb *db, struct sdb_health *ret)
{
	*ret = db->health;
}

/* ---- questions ---- */

static int new_call(struct sdb *db, enum sdb_verb verb, usec_t deadline, sdb_done_fn *fn, void *ctx,
		    struct sdb_call **ret)
{
	usec_t now = clock_now();
	struct sdb_call *c;

	if (db->closing)
		return -ESHUTDOWN;
	if (db->health.outstanding >= SDB_CALLS_MAX || db->n_room >= CALLS_ROOM) {
		db->health.busy++;
		return -EBUSY;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->db = db;
	c->verb = verb;
	c->asked = now;
	/* Never from within the call, nor within the turn of a timer that makes it. */
	c->due = deadline > now ? deadline : now + 1;
	c->fn = fn;
	c->ctx = ctx;
	if (!timer_armed(&db->timer) || c->due < db->timer.at) {
		int err = timer_set(loop_timers(db->loop), &db->timer, c->due);

		if (err < 0) {
			free(c);
			return err;
		}
	}
	*ret = c;
	return 0;
}

static int begin(struct sdb_call *c)
{
	struct sdb *db = c->db;

	TAILQ_INSERT_TAIL(&db->calls, c, all);
	db->health.outstanding++;
	db->health.calls++;
	db->n_room++;
	sdb_call_queue(c);
	db->wake(db);
	return 0;
}

int sdb_get_mn(struct sdb *db, const struct sdb_mn_id *mn_id, usec_t deadline, sdb_done_fn *fn,
	       void *ctx)
{
	struct sdb_call *c;
	int err;

	if (mn_id->len < 1 || mn_id->len > SDB_MN_ID_MAX)
		return -EINVAL;
	err = new_call(db, SDB_GET_MN, deadline, fn, ctx, &c);
	if (err < 0)
		return err;
	c->mn_id = *mn_id;
	return begin(c);
}

static bool is_ours(const struct sdb *db, const struct in6_addr *anchor)
{
	for (unsigned int i = 0; i < db->n_selves; i++)
		if (in6_eq(&db->selves[i], anchor))
			return true;
	return false;
}

static int write_record(struct sdb *db, enum sdb_verb verb, const struct sdb_record *r,
			bool durable, usec_t deadline, sdb_done_fn *fn, void *ctx)
{
	struct sdb_call *c;
	int err = sdb_record_check(r);

	if (err < 0)
		return err;
	if (!is_ours(db, &r->anchor))
		return -EPERM;
	err = new_call(db, verb, deadline, fn, ctx, &c);
	if (err < 0)
		return err;
	c->record = *r;
	c->durable = durable;
	return begin(c);
}

int sdb_put_if_version(struct sdb *db, const struct sdb_record *r, bool durable, usec_t deadline,
		       sdb_done_fn *fn, void *ctx)
{
	return write_record(db, SDB_PUT, r, durable, deadline, fn, ctx);
}

int sdb_renew(struct sdb *db, const struct sdb_record *r, usec_t deadline, sdb_done_fn *fn,
	      void *ctx)
{
	return write_record(db, SDB_RENEW, r, false, deadline, fn, ctx);
}

int sdb_del(struct sdb *db, const struct sdb_record *r, usec_t deadline, sdb_done_fn *fn,
	    void *ctx)
{
	struct sdb_record tombstone = *r;

	tombstone.state = SDB_RELEASED;
	return write_record(db, SDB_PUT, &tombstone, true, deadline, fn, ctx);
}

int sdb_watch(struct sdb *db, const struct sdb_cursor *from, usec_t deadline, sdb_done_fn *fn,
	      void *ctx)
{
	struct sdb_call *c;
	int err = new_call(db, SDB_WATCH, deadline, fn, ctx, &c);

	if (err < 0)
		return err;
	c->from = *from;
	return begin(c);
}

int sdb_get_policy(struct sdb *db, const uint8_t mac[6], usec_t deadline, sdb_done_fn *fn,
		   void *ctx)
{
	struct sdb_call *c;
	int err = new_call(db, SDB_GET_POLICY, deadline, fn, ctx, &c);

	if (err < 0)
		return err;
	memcpy(c->mac, mac, sizeof(c->mac));
	return begin(c);
}

/* ---- the backend's side ---- */

struct sdb_call *sdb_call_take(struct sdb *db)
{
	struct sdb_call *c = TAILQ_FIRST(&db->queue);

	if (!c)
		return NULL;
	TAILQ_REMOVE(&db->queue, c, in_queue);
	c->queued = false;
	return c;
}

void sdb_call_queue(struct sdb_call *c)
{
	if (c->queued || c->over)
		return;
	c->queued = true;
	TAILQ_INSERT_TAIL(&c->db->queue, c, in_queue);
}

void sdb_call_hold(struct sdb_call *c)
{
	c->held++;
}

void sdb_call_let_go(struct sdb_call *c)
{
	c->held--;
	release(c);
}

void sdb_call_done(struct sdb_call *c, const struct sdb_answer *a)
{
	struct sdb *db = c->db;

	db->health.bad += a->n_bad;
	if (c->over) {
		db->health.late++;
		return;
	}
	if (c->verb != SDB_WATCH)
		db->health.rtt = clock_now() - c->asked;
	finish(c, a);
}

void sdb_call_fail(struct sdb_call *c, int err)
{
	if (!c->over)
		finish_by(c, err);
}

/* ---- health ---- */

void sdb_set_ok(struct sdb *db)
{
	if (db->health.ok)
		return;
	db->health.ok = true;
	db->health.why[0] = '\0';
	if (db->events.health)
		db->events.health(db->events.ctx);
}

void sdb_set_failed(struct sdb *db, const char *fmt, ...)
{
	bool was_ok = db->health.ok;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(db->health.why, sizeof(db->health.why), fmt, ap);
	va_end(ap);
	db->health.ok = false;
	if (was_ok && db->events.health)
		db->events.health(db->events.ctx);
}

void sdb_tell_reset(struct sdb *db, enum sdb_reset what)
{
	db->health.resets[what]++;
	if (db->events.reset)
		db->events.reset(db->events.ctx, what);
}
