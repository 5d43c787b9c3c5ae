/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every session database has to do, whatever is behind it. A backend's program says how it
 * is opened and how the operator writes into it by hand (struct sdb_backend), and runs
 * SDB_SUITE beside its own tests.
 */
#ifndef DMIP6_TESTS_SDB_SUITE_H
#define DMIP6_TESTS_SDB_SUITE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/sys/clock.h"
#include "common/sys/loop.h"
#include "ha-agent/sdb.h"

#define ANCHOR_A	"2001:db8:a::1"
#define ANCHOR_B	"2001:db8:b::1"
#define SOON		(5 * USEC_S)	/* nothing takes so long unless it is broken */
#define SUITE_LOG_MAX	20

struct sdb_backend {
	const struct sdb_ops *ops;
	struct sdb_config cfg;		/* without self */
	/* By hand, as an operator would: a policy; the text of a stored record. */
	void (*set_policy)(const char *mac, const char *mn, const char *access);
	void (*spoil)(const struct sdb_record *r, const char *text);
	/* Work done so far must reach the database before the backend is asked by hand. */
};

static struct sdb_backend *backend;
static struct loop *sdb_loop;

/* ---- asking and waiting ---- */

struct asked {
	unsigned int n;			/* callbacks */
	struct sdb_answer a;		/* points into the following */
	struct sdb_record records[SDB_RECORDS_MAX];
	struct sdb_policy policy;
	unsigned int resets[SDB_RESET_MAX], healths;
};

static void sdb_done(void *ctx, const struct sdb_answer *a)
{
	struct asked *q = ctx;

	q->n++;
	q->a = *a;
	assert_true(a->n_records <= SDB_RECORDS_MAX);
	if (a->n_records > 0)
		memcpy(q->records, a->records, a->n_records * sizeof(*a->records));
	q->a.records = q->records;
	if (a->policy)
		q->policy = *a->policy;
	loop_stop(sdb_loop);
}

static void on_reset(void *ctx, enum sdb_reset what)
{
	struct asked *q = ctx;

	q->resets[what]++;
	loop_stop(sdb_loop);
}

static void on_health(void *ctx)
{
	struct asked *q = ctx;

	q->healths++;
	loop_stop(sdb_loop);
}

static void stop_waiting(void *ctx, usec_t now)
{
	(void)now;
	*(bool *)ctx = true;
	loop_stop(sdb_loop);
}

/* Until that many callbacks of q have come, or the time is over. */
static bool sdb_wait(const struct asked *q, unsigned int n, usec_t most)
{
	struct timer t;
	bool over = false;

	timer_init(&t, "test", stop_waiting, &over);
	assert_int_equal(timer_set(loop_timers(sdb_loop), &t, clock_now() + most), 0);
	while ((!q || q->n < n) && !over)
		assert_int_equal(loop_run(sdb_loop), 0);
	timer_stop(loop_timers(sdb_loop), &t);
	return q && q->n >= n;
}

static bool sdb_is_ok(struct sdb *db)
{
	struct sdb_health h;

	backend->ops->health(db, &h);
	return h.ok;
}

static bool sdb_wait_ok(struct sdb *db, bool ok, usec_t most)
{
	usec_t end = clock_now() + most;

	while (sdb_is_ok(db) != ok && clock_now() < end)
		sdb_wait(NULL, 0, 20 * USEC_MS);
	return sdb_is_ok(db) == ok;
}

static struct sdb *sdb_try_open(const char *self, struct asked *events, char *why, int *ret_err)
{
	const struct sdb_events ev = { .reset = on_reset, .health = on_health, .ctx = events };
	struct sdb *db = NULL;

	assert_int_equal(in6_parse(self, &backend->cfg.self), 0);
	backend->cfg.log_max = SUITE_LOG_MAX;
	*ret_err = backend->ops->open(sdb_loop, &backend->cfg, events ? &ev : NULL, why,
				      SDB_WHY_MAX, &db);
	return db;
}

static struct sdb *sdb_open(const char *self, struct asked *events)
{
	char why[SDB_WHY_MAX] = "";
	int err;
	struct sdb *db = sdb_try_open(self, events, why, &err);

	if (err < 0)
		fail_msg("%s", why);
	assert_true(sdb_wait_ok(db, true, SOON));
	return db;
}

static void sdb_close(struct sdb *db)
{
	backend->ops->close(db);
}

static int sdb_put(struct sdb *db, const struct sdb_record *r, struct asked *q)
{
	*q = (struct asked){ 0 };
	assert_int_equal(backend->ops->put_if_version(db, r, true, clock_now() + SOON, sdb_done, q),
			 0);
	assert_int_equal(q->n, 0);
	assert_true(sdb_wait(q, 1, 2 * SOON));
	return q->a.err;
}

static int sdb_ask_renew(struct sdb *db, const struct sdb_record *r, struct asked *q)
{
	*q = (struct asked){ 0 };
	assert_int_equal(backend->ops->renew(db, r, clock_now() + SOON, sdb_done, q), 0);
	assert_int_equal(q->n, 0);
	assert_true(sdb_wait(q, 1, 2 * SOON));
	return q->a.err;
}

static int sdb_ask_del(struct sdb *db, const struct sdb_record *r, struct asked *q)
{
	*q = (struct asked){ 0 };
	assert_int_equal(backend->ops->del(db, r, clock_now() + SOON, sdb_done, q), 0);
	assert_int_equal(q->n, 0);
	assert_true(sdb_wait(q, 1, 2 * SOON));
	return q->a.err;
}

static int sdb_get(struct sdb *db, const struct sdb_mn_id *id, struct asked *q)
{
	*q = (struct asked){ 0 };
	assert_int_equal(backend->ops->get_mn(db, id, clock_now() + SOON, sdb_done, q), 0);
	assert_int_equal(q->n, 0);
	assert_true(sdb_wait(q, 1, 2 * SOON));
	return q->a.err;
}

static int sdb_ask_watch(struct sdb *db, struct sdb_cursor from, usec_t most, struct asked *q)
{
	*q = (struct asked){ 0 };
	assert_int_equal(backend->ops->watch(db, &from, clock_now() + most, sdb_done, q), 0);
	assert_true(sdb_wait(q, 1, most + SOON));
	return q->a.err;
}

static struct sdb_cursor sdb_now(struct sdb *db)
{
	struct asked q;

	assert_int_equal(sdb_ask_watch(db, (struct sdb_cursor){ 0 }, SOON, &q), 0);
	assert_int_equal(q.a.n_records, 0);
	assert_true(q.a.cursor.run != 0);
	return q.a.cursor;
}

/* Of MN n: a name of its own, one prefix of each number. */
static struct sdb_record sdb_record(const char *anchor, unsigned int n, unsigned int prefix,
				    uint64_t counter)
{
	struct sdb_record r = {
		.mn_id.subtype = 1, .prefix.len = 64, .lifetime_s = 600, .access_type = 4,
		.mac = { 2, 0, 0, 0, (uint8_t)(n >> 8), (uint8_t)n },
		.version = { .epoch = 7, .counter = counter },
	};
	char text[64];

	r.mn_id.len = (uint8_t)snprintf((char *)r.mn_id.data, SDB_MN_ID_MAX, "mn%u@example.com", n);
	snprintf(text, sizeof(text), "2001:db8:100:%x::", prefix);
	assert_int_equal(in6_parse(text, &r.prefix.addr), 0);
	assert_int_equal(in6_parse(anchor, &r.anchor), 0);
	assert_int_equal(in6_parse("2001:db8:c::5", &r.proxy_coa), 0);
	assert_int_equal(in6_parse("fe80::ff:fe00:1", &r.linklocal), 0);
	return r;
}

/* ---- the suite ---- */

static void suite_put_and_get(void **state)
{
	struct sdb *db = sdb_open(ANCHOR_A, NULL), *other = sdb_open(ANCHOR_B, NULL);
	struct sdb_record r = sdb_record(ANCHOR_A, 1, 1, 1), s = sdb_record(ANCHOR_A, 1, 2, 2);
	struct asked q;

	(void)state;
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	assert_int_equal(q.a.n_records, 0);
	r.version = (struct sdb_version){ UINT64_MAX, UINT64_MAX - 1 };	/* all 64 bits count */
	assert_int_equal(sdb_put(db, &r, &q), 0);
	assert_int_equal(q.a.n_records, 0);
	assert_int_equal(sdb_put(db, &s, &q), 0);
	/* Everybody reads. */
	assert_int_equal(sdb_get(other, &r.mn_id, &q), 0);
	assert_int_equal(q.a.n_records, 2);
	assert_int_equal(q.a.n_bad, 0);
	if (!in6_prefix_eq(&q.records[0].prefix, &r.prefix)) {
		q.records[2] = q.records[0];
		q.records[0] = q.records[1];
		q.records[1] = q.records[2];
	}
	assert_true(sdb_record_same(&q.records[0], &r));
	assert_true(sdb_record_same(&q.records[1], &s));
	assert_in_range(q.records[0].lifetime_s, 580, 600);
	/* And of another MN, nothing. */
	s.mn_id.data[2]++;
	assert_int_equal(sdb_get(other, &s.mn_id, &q), 0);
	assert_int_equal(q.a.n_records, 0);
	sdb_close(other);
	sdb_close(db);
}

static void suite_any_mn_id(void **state)
{
	struct sdb *db = sdb_open(ANCHOR_A, NULL);
	struct sdb_record r = sdb_record(ANCHOR_A, 1, 11, 1);
	struct asked q;

	(void)state;
	r.mn_id.len = SDB_MN_ID_MAX;
	r.mn_id.subtype = 255;
	for (unsigned int i = 0; i < SDB_MN_ID_MAX; i++)
		r.mn_id.data[i] = (uint8_t)(i * 2);	/* zeros, braces, colons, no UTF-8 */
	assert_int_equal(sdb_put(db, &r, &q), 0);
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	assert_int_equal(q.a.n_records, 1);
	assert_true(sdb_record_same(&q.records[0], &r));
	r.mn_id.subtype = 254;
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	assert_int_equal(q.a.n_records, 0);
	sdb_close(db);
}

static void suite_versions(void **state)
{
	struct sdb *db = sdb_open(ANCHOR_A, NULL);
	struct sdb_record r = sdb_record(ANCHOR_A, 2, 21, 5), old;
	struct asked q;

	(void)state;
	assert_int_equal(sdb_put(db, &r, &q), 0);
	old = r;
	old.version.counter = 4;
	old.access_type = 1;
	assert_int_equal(sdb_put(db, &old, &q), -ESTALE);
	assert_int_equal(q.a.n_records, 1);
	assert_true(sdb_record_same(&q.records[0], &r));
	/* The same version with something else in it is no writing of this record. */
	old.version.counter = 5;
	assert_int_equal(sdb_put(db, &old, &q), -ESTALE);
	/* The very same again moves the end. */
	r.lifetime_s = 1200;
	assert_int_equal(sdb_put(db, &r, &q), 0);
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	assert_in_range(q.records[0].lifetime_s, 1180, 1200);
	/* A later epoch wins, however small the counter; an earlier one loses. */
	old = r;
	old.version = (struct sdb_version){ 8, 0 };
	assert_int_equal(sdb_put(db, &old, &q), 0);
	r.version = (struct sdb_version){ 7, UINT64_MAX };
	assert_int_equal(sdb_put(db, &r, &q), -ESTALE);
	assert_true(sdb_record_same(&q.records[0], &old));
	/* Beyond what a floating point number holds. */
	old.version = (struct sdb_version){ 8, (1ULL << 60) + 1 };
	assert_int_equal(sdb_put(db, &old, &q), 0);
	old.version.counter--;
	old.access_type = 9;
	assert_int_equal(sdb_put(db, &old, &q), -ESTALE);
	sdb_close(db);
}

static void suite_one_writer(void **state)
{
	struct sdb *a = sdb_open(ANCHOR_A, NULL), *b = sdb_open(ANCHOR_B, NULL);
	struct sdb_record r = sdb_record(ANCHOR_A, 3, 31, 1), s = sdb_record(ANCHOR_B, 3, 31, 9);
	struct asked q = { 0 };

	(void)state;
	assert_int_equal(backend->ops->put_if_version(b, &r, true, clock_now() + SOON, sdb_done, &q),
			 -EPERM);
	assert_int_equal(backend->ops->renew(b, &r, clock_now() + SOON, sdb_done, &q), -EPERM);
	assert_int_equal(backend->ops->del(b, &r, clock_now() + SOON, sdb_done, &q), -EPERM);
	assert_int_equal(sdb_put(a, &r, &q), 0);
	assert_int_equal(sdb_put(b, &s, &q), -ESTALE);
	assert_true(sdb_record_same(&q.records[0], &r));
	assert_int_equal(sdb_ask_del(b, &s, &q), -ESTALE);
	assert_int_equal(sdb_ask_renew(b, &s, &q), -ESTALE);
	sdb_close(b);
	sdb_close(a);
}

static void suite_one_prefix_one_mn(void **state)
{
	struct sdb *a = sdb_open(ANCHOR_A, NULL), *b = sdb_open(ANCHOR_B, NULL);
	struct sdb_record r = sdb_record(ANCHOR_A, 4, 41, 1), s = sdb_record(ANCHOR_A, 5, 41, 2);
	struct sdb_record t = sdb_record(ANCHOR_B, 6, 41, 3);
	struct asked q;

	(void)state;
	assert_int_equal(sdb_put(a, &r, &q), 0);
	assert_int_equal(sdb_put(a, &s, &q), -EEXIST);
	assert_int_equal(q.a.n_records, 1);
	assert_true(sdb_record_same(&q.records[0], &r));
	assert_int_equal(sdb_put(b, &t, &q), -EEXIST);
	/* Once it is released, it may be given away; then the first cannot have it back. */
	r.version.counter = 3;
	assert_int_equal(sdb_ask_del(a, &r, &q), 0);
	assert_int_equal(sdb_put(a, &s, &q), 0);
	r.version.counter = 4;
	assert_int_equal(sdb_put(a, &r, &q), -EEXIST);
	assert_true(sdb_record_same(&q.records[0], &s));
	/* A tombstone of somebody else takes nothing. */
	assert_int_equal(sdb_ask_del(a, &r, &q), 0);
	r.version.counter = 5;
	assert_int_equal(sdb_put(a, &r, &q), -EEXIST);
	sdb_close(b);
	sdb_close(a);
}

static void suite_tombstones(void **state)
{
	struct sdb *db = sdb_open(ANCHOR_A, NULL);
	struct sdb_record r = sdb_record(ANCHOR_A, 7, 71, 1), gone = r;
	struct asked q;

	(void)state;
	assert_int_equal(sdb_put(db, &r, &q), 0);
	/* Releasing is a writing as any other. */
	assert_int_equal(sdb_ask_del(db, &gone, &q), -ESTALE);
	gone.version.counter = 3;
	gone.lifetime_s = 2;
	assert_int_equal(sdb_ask_del(db, &gone, &q), 0);
	/* A put that was under way. */
	r.version.counter = 2;
	assert_int_equal(sdb_put(db, &r, &q), -ESTALE);
	assert_int_equal(q.records[0].state, SDB_RELEASED);
	assert_int_equal(sdb_ask_renew(db, &r, &q), -ESTALE);
	gone.state = SDB_RELEASED;
	assert_int_equal(sdb_ask_renew(db, &gone, &q), -ESTALE);
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	assert_int_equal(q.a.n_records, 1);
	assert_int_equal(q.records[0].state, SDB_RELEASED);
	/* One lifetime later it is gone. */
	sdb_wait(NULL, 0, 2200 * USEC_MS);
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	assert_int_equal(q.a.n_records, 0);
	/* Where nothing is: the put that it overtook is refused all the same. */
	gone = sdb_record(ANCHOR_A, 8, 81, 2);
	assert_int_equal(sdb_ask_del(db, &gone, &q), 0);
	gone.version.counter = 1;
	assert_int_equal(sdb_put(db, &gone, &q), -ESTALE);
	/* The node comes back, and gets the same prefix again. */
	gone.version.counter = 3;
	assert_int_equal(sdb_put(db, &gone, &q), 0);
	sdb_close(db);
}

static void suite_lifetimes(void **state)
{
	struct sdb *db = sdb_open(ANCHOR_A, NULL);
	struct sdb_record r = sdb_record(ANCHOR_A, 9, 91, 5), s = sdb_record(ANCHOR_A, 10, 91, 1);
	struct asked q;

	(void)state;
	assert_int_equal(sdb_ask_renew(db, &r, &q), -ENOENT);
	r.lifetime_s = 1;
	assert_int_equal(sdb_put(db, &r, &q), 0);
	r.lifetime_s = 2;
	assert_int_equal(sdb_ask_renew(db, &r, &q), 0);
	sdb_wait(NULL, 0, 1200 * USEC_MS);
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	assert_int_equal(q.a.n_records, 1);
	assert_int_equal(q.records[0].lifetime_s, 1);
	assert_int_equal(sdb_put(db, &s, &q), -EEXIST);
	r.version.counter = 4;
	assert_int_equal(sdb_ask_renew(db, &r, &q), -ESTALE);
	assert_int_equal(q.records[0].version.counter, 5);
	sdb_wait(NULL, 0, 1000 * USEC_MS);
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	assert_int_equal(q.a.n_records, 0);
	/* What has ended holds nothing. */
	assert_int_equal(sdb_ask_renew(db, &r, &q), -ENOENT);
	assert_int_equal(sdb_put(db, &s, &q), 0);
	sdb_close(db);
}

static void suite_wrong_arguments(void **state)
{
	struct sdb *db = sdb_open(ANCHOR_A, NULL);
	struct sdb_record good = sdb_record(ANCHOR_A, 11, 111, 1), r;
	struct asked q = { 0 };

	(void)state;
	r = good;
	r.prefix.len = 63;
	assert_int_equal(backend->ops->put_if_version(db, &r, false, clock_now() + SOON, sdb_done,
						      &q), -EINVAL);
	r = good;
	r.mn_id.len = 0;
	assert_int_equal(backend->ops->renew(db, &r, clock_now() + SOON, sdb_done, &q), -EINVAL);
	assert_int_equal(backend->ops->get_mn(db, &r.mn_id, clock_now() + SOON, sdb_done, &q),
			 -EINVAL);
	r = good;
	r.lifetime_s = 0;
	assert_int_equal(backend->ops->del(db, &r, clock_now() + SOON, sdb_done, &q), -EINVAL);
	sdb_wait(NULL, 0, 50 * USEC_MS);
	assert_int_equal(q.n, 0);
	sdb_close(db);
}

static void suite_policy(void **state)
{
	struct sdb *db = sdb_open(ANCHOR_A, NULL);
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, 0xab }, none[6] = { 2, 0, 0, 0, 0, 0xac };
	struct asked q = { 0 };
	struct sdb_health h;

	(void)state;
	backend->set_policy("02:00:00:00:00:ab", "1:anna%40example.com", "local-only");
	assert_int_equal(backend->ops->get_policy(db, mac, clock_now() + SOON, sdb_done, &q), 0);
	assert_true(sdb_wait(&q, 1, SOON));
	assert_int_equal(q.a.err, 0);
	assert_int_equal(q.policy.access, SDB_LOCAL_ONLY);
	assert_memory_equal(q.policy.mac, mac, 6);
	assert_int_equal(q.policy.mn_id.subtype, 1);
	assert_int_equal(q.policy.mn_id.len, 16);
	assert_memory_equal(q.policy.mn_id.data, "anna@example.com", 16);
	assert_int_equal(backend->ops->get_policy(db, none, clock_now() + SOON, sdb_done, &q), 0);
	assert_true(sdb_wait(&q, 2, SOON));
	assert_int_equal(q.a.err, -ENOENT);
	backend->set_policy("02:00:00:00:00:ab", "1:anna@example.com", "perhaps");
	assert_int_equal(backend->ops->get_policy(db, mac, clock_now() + SOON, sdb_done, &q), 0);
	assert_true(sdb_wait(&q, 3, SOON));
	assert_int_equal(q.a.err, -EUCLEAN);
	assert_null(q.a.policy);
	backend->ops->health(db, &h);
	assert_int_equal(h.bad, 1);
	assert_true(h.ok);
	sdb_close(db);
}

/* A row that cannot be understood is left out, counted, and not overwritten. */
static void suite_bad_rows(void **state)
{
	static const char *const texts[] = {
		"", "junk", "v=2 mn=1:mn12@example.com whatever", "v=1", "v=1 mn=",
		"v=1 mn=1:mn12@example.com prefix=2001:db8:100:79::/64 anchor=2001:db8:a::1"
		" proxy-coa=:: state=active lifetime=99999999999 linklocal=:: mac=02:00:00:00:00:01"
		" access=1 version=0000000000000001.0000000000000001",
		/* Of another MN, and so out of its place. */
		"v=1 mn=1:other prefix=2001:db8:100:79::/64 anchor=2001:db8:a::1"
		" proxy-coa=:: state=active lifetime=9 linklocal=:: mac=02:00:00:00:00:01"
		" access=1 version=0000000000000001.0000000000000001",
	};
	struct sdb *db = sdb_open(ANCHOR_A, NULL);
	struct sdb_record good = sdb_record(ANCHOR_A, 12, 120, 1);
	struct sdb_record bad = sdb_record(ANCHOR_A, 12, 121, 1);
	struct sdb_record other = sdb_record(ANCHOR_A, 13, 121, 1);
	struct sdb_health h;
	struct asked q;

	(void)state;
	assert_int_equal(sdb_put(db, &good, &q), 0);
	assert_int_equal(sdb_put(db, &bad, &q), 0);
	for (unsigned int i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		backend->spoil(&bad, texts[i]);
		assert_int_equal(sdb_get(db, &good.mn_id, &q), 0);
		assert_int_equal(q.a.n_records, 1);
		assert_true(sdb_record_same(&q.records[0], &good));
		assert_int_equal(q.a.n_bad, 1);
		bad.version.counter++;
		assert_int_equal(sdb_put(db, &bad, &q), -EUCLEAN);
		assert_int_equal(sdb_ask_renew(db, &bad, &q), -EUCLEAN);
		/* Whose the prefix is cannot be known: so it is nobody else's. */
		assert_int_equal(sdb_put(db, &other, &q), -EUCLEAN);
	}
	backend->ops->health(db, &h);
	assert_int_equal(h.bad, 4 * sizeof(texts) / sizeof(texts[0]));
	assert_true(h.ok);
	sdb_close(db);
}

static void suite_watch(void **state)
{
	struct sdb *a = sdb_open(ANCHOR_A, NULL), *b = sdb_open(ANCHOR_B, NULL);
	struct sdb_record r = sdb_record(ANCHOR_A, 14, 141, 1);
	struct sdb_cursor at = sdb_now(b), resumed;
	struct asked q, w = { 0 };

	(void)state;
	/* Nothing happens. */
	assert_int_equal(sdb_ask_watch(b, at, 200 * USEC_MS, &q), -ETIMEDOUT);
	assert_int_equal(q.a.cursor.seq, at.seq);
	/* It waits, and something does. */
	assert_int_equal(backend->ops->watch(b, &at, clock_now() + SOON, sdb_done, &w), 0);
	sdb_wait(NULL, 0, 120 * USEC_MS);
	assert_int_equal(w.n, 0);
	assert_int_equal(sdb_put(a, &r, &q), 0);
	assert_true(sdb_wait(&w, 1, SOON));
	assert_int_equal(w.a.err, 0);
	assert_int_equal(w.a.n_records, 1);
	assert_true(sdb_record_same(&w.records[0], &r));
	resumed = w.a.cursor;
	/* What is not a change is none: the same again, a renewal, what was refused. */
	assert_int_equal(sdb_put(a, &r, &q), 0);
	assert_int_equal(sdb_ask_renew(a, &r, &q), 0);
	r.version.counter = 0;
	assert_int_equal(sdb_put(a, &r, &q), -ESTALE);
	assert_int_equal(sdb_ask_watch(b, resumed, 200 * USEC_MS, &q), -ETIMEDOUT);
	/* A later process goes on where the earlier one was. */
	sdb_close(b);
	r.version.counter = 2;
	assert_int_equal(sdb_put(a, &r, &q), 0);
	r.version.counter = 3;
	assert_int_equal(sdb_ask_del(a, &r, &q), 0);
	b = sdb_open(ANCHOR_B, NULL);
	assert_int_equal(sdb_ask_watch(b, resumed, SOON, &q), 0);
	assert_int_equal(q.a.n_records, 2);
	assert_int_equal(q.records[0].version.counter, 2);
	assert_int_equal(q.records[1].state, SDB_RELEASED);
	sdb_close(b);
	sdb_close(a);
}

/* More changes than an answer holds, and more than the log does. */
static void suite_watch_long(void **state)
{
	struct sdb *db = sdb_open(ANCHOR_A, NULL);
	struct sdb_record r = sdb_record(ANCHOR_A, 15, 151, 0);
	struct sdb_cursor begin = sdb_now(db), at, foreign;
	struct asked q;
	uint64_t seen = 0;

	(void)state;
	for (unsigned int i = 0; i < 15; i++) {
		r.version.counter++;
		assert_int_equal(sdb_put(db, &r, &q), 0);
	}
	for (at = begin; seen < 15; at = q.a.cursor) {
		assert_int_equal(sdb_ask_watch(db, at, SOON, &q), 0);
		for (unsigned int i = 0; i < q.a.n_records; i++)
			assert_int_equal(q.records[i].version.counter, ++seen);
	}
	/* About log_max are kept: a stream is cut by whole nodes. */
	for (unsigned int i = 0; i < 300; i++) {
		r.version.counter++;
		assert_int_equal(sdb_put(db, &r, &q), 0);
	}
	assert_int_equal(sdb_ask_watch(db, begin, SOON, &q), -ERANGE);
	assert_int_equal(q.a.n_records, 0);
	at = q.a.cursor;
	r.version.counter++;
	assert_int_equal(sdb_put(db, &r, &q), 0);
	assert_int_equal(sdb_ask_watch(db, at, SOON, &q), 0);
	assert_int_equal(q.a.n_records, 1);
	assert_int_equal(q.records[0].version.counter, 316);
	/* Of another run, or of a future that did not come. */
	foreign = q.a.cursor;
	foreign.run++;
	assert_int_equal(sdb_ask_watch(db, foreign, SOON, &q), -ERANGE);
	foreign.run--;
	foreign.seq += 1000;
	assert_int_equal(sdb_ask_watch(db, foreign, SOON, &q), -ERANGE);
	sdb_close(db);
}

/* So many calls, and no more. */
static void suite_bounds(void **state)
{
	static struct asked q[SDB_CALLS_MAX + 1];
	struct sdb *db = sdb_open(ANCHOR_A, NULL);
	struct sdb_record r = sdb_record(ANCHOR_A, 16, 161, 1);
	struct sdb_health h;

	(void)state;
	memset(q, 0, sizeof(q));
	for (unsigned int i = 0; i < SDB_CALLS_MAX; i++)
		assert_int_equal(backend->ops->get_mn(db, &r.mn_id, clock_now() + SOON, sdb_done,
						      &q[i]), 0);
	assert_int_equal(backend->ops->get_mn(db, &r.mn_id, clock_now() + SOON, sdb_done,
					      &q[SDB_CALLS_MAX]), -EBUSY);
	for (unsigned int i = 0; i < SDB_CALLS_MAX; i++) {
		assert_true(sdb_wait(&q[i], 1, SOON));
		assert_int_equal(q[i].a.err, 0);
	}
	assert_int_equal(q[SDB_CALLS_MAX].n, 0);
	assert_int_equal(sdb_put(db, &r, &q[0]), 0);
	backend->ops->health(db, &h);
	assert_true(h.busy >= 1);
	assert_int_equal(h.outstanding, 0);
	assert_true(h.rtt > 0 && h.rtt < SOON);
	assert_true(h.ok);
	assert_string_equal(h.why, "");
	sdb_close(db);
}

static void suite_deadlines_and_ends(void **state)
{
	struct sdb *db = sdb_open(ANCHOR_A, NULL);
	struct sdb_record r = sdb_record(ANCHOR_A, 17, 171, 1);
	struct sdb_cursor at = sdb_now(db);
	struct asked late = { 0 }, cancelled = { 0 }, closed = { 0 }, watching = { 0 };
	struct asked q = { 0 };

	(void)state;
	/* A deadline that is over already: asynchronous all the same. */
	assert_int_equal(backend->ops->watch(db, &at, clock_now() - USEC_S, sdb_done, &late), 0);
	assert_int_equal(late.n, 0);
	assert_true(sdb_wait(&late, 1, SOON));
	assert_int_equal(late.a.err, -ETIMEDOUT);
	/* Who has gone is not called. */
	assert_int_equal(backend->ops->get_mn(db, &r.mn_id, clock_now() + SOON, sdb_done,
					      &cancelled), 0);
	assert_int_equal(backend->ops->watch(db, &at, clock_now() + SOON, sdb_done, &cancelled), 0);
	backend->ops->cancel(db, &cancelled);
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	sdb_wait(NULL, 0, 100 * USEC_MS);
	assert_int_equal(cancelled.n, 0);
	/* At the end everybody is told. */
	assert_int_equal(backend->ops->watch(db, &at, clock_now() + SOON, sdb_done, &watching), 0);
	sdb_wait(NULL, 0, 100 * USEC_MS);
	assert_int_equal(backend->ops->put_if_version(db, &r, true, clock_now() + SOON, sdb_done,
						      &closed), 0);
	sdb_close(db);
	assert_int_equal(closed.n, 1);
	assert_int_equal(closed.a.err, -ECANCELED);
	assert_int_equal(watching.n, 1);
	assert_int_equal(watching.a.err, -ECANCELED);
	backend->ops->close(NULL);
}

/* A callback that asks again, and one that takes others back. */
struct chain {
	struct sdb *db;
	struct sdb_record r;
	struct asked q;
	unsigned int left;
	void *victim;
};

static void on_chain(void *ctx, const struct sdb_answer *a)
{
	struct chain *c = ctx;

	assert_int_equal(a->err, 0);
	if (c->victim)
		backend->ops->cancel(c->db, c->victim);
	if (--c->left == 0)
		loop_stop(sdb_loop);
	else
		assert_int_equal(backend->ops->renew(c->db, &c->r, clock_now() + SOON, on_chain, c),
				 0);
}

static void suite_calls_from_callbacks(void **state)
{
	struct chain c = { .db = sdb_open(ANCHOR_A, NULL), .left = 50 };
	struct asked victims[3] = { 0 };

	(void)state;
	c.r = sdb_record(ANCHOR_A, 18, 181, 1);
	c.victim = &victims[0];
	assert_int_equal(sdb_put(c.db, &c.r, &c.q), 0);
	assert_int_equal(backend->ops->renew(c.db, &c.r, clock_now() + SOON, on_chain, &c), 0);
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(backend->ops->renew(c.db, &c.r, clock_now() + SOON, sdb_done,
						     &victims[0]), 0);
	for (usec_t end = clock_now() + SOON; c.left > 0 && clock_now() < end;)
		sdb_wait(NULL, 0, 10 * USEC_MS);
	assert_int_equal(c.left, 0);
	assert_int_equal(victims[0].n, 0);
	sdb_close(c.db);
}

/* Two that want the same prefix at the same moment: one has it, whoever it is. */
static void suite_race(void **state)
{
	struct sdb *a = sdb_open(ANCHOR_A, NULL), *b = sdb_open(ANCHOR_B, NULL);
	struct asked q[2] = { 0 };

	(void)state;
	for (unsigned int i = 0; i < 20; i++) {
		struct sdb_record r = sdb_record(ANCHOR_A, 300 + i, 300 + i, 1);
		struct sdb_record s = sdb_record(ANCHOR_B, 400 + i, 300 + i, 1);

		memset(q, 0, sizeof(q));
		assert_int_equal(backend->ops->put_if_version(a, &r, i % 2, clock_now() + SOON,
							      sdb_done, &q[0]), 0);
		assert_int_equal(backend->ops->put_if_version(b, &s, i % 3 == 0, clock_now() + SOON,
							      sdb_done, &q[1]), 0);
		assert_true(sdb_wait(&q[0], 1, SOON));
		assert_true(sdb_wait(&q[1], 1, SOON));
		assert_true((q[0].a.err == 0 && q[1].a.err == -EEXIST) ||
			    (q[1].a.err == 0 && q[0].a.err == -EEXIST));
	}
	sdb_close(b);
	sdb_close(a);
}

#define SDB_TEST(f)	cmocka_unit_test_setup_teardown(f, sdb_setup, sdb_teardown)
#define SDB_SUITE \
	SDB_TEST(suite_put_and_get), \
	SDB_TEST(suite_any_mn_id), \
	SDB_TEST(suite_versions), \
	SDB_TEST(suite_one_writer), \
	SDB_TEST(suite_one_prefix_one_mn), \
	SDB_TEST(suite_tombstones), \
	SDB_TEST(suite_lifetimes), \
	SDB_TEST(suite_wrong_arguments), \
	SDB_TEST(suite_policy), \
	SDB_TEST(suite_bad_rows), \
	SDB_TEST(suite_watch), \
	SDB_TEST(suite_watch_long), \
	SDB_TEST(suite_bounds), \
	SDB_TEST(suite_deadlines_and_ends), \
	SDB_TEST(suite_calls_from_callbacks), \
	SDB_TEST(suite_race)

#endif
