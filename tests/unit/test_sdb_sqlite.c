/* SPDX-License-Identifier: BSD-2-Clause */
/* The session database in SQLite: the suite of all backends, and what a file can suffer. */
/* links: ha-agent/{sdb,sdb_call,sdb_sqlite,sqlite}.c common/core/in6.c
 * common/core/timer.c common/sys/clock.c common/sys/loop.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/sdb_suite.h"

static char dir[64], file[96];

/* By hand, in a connection of its own. */
static void by_hand(const char *text)
{
	sqlite3 *s;
	char *why = NULL;

	assert_int_equal(sqlite3_open(file, &s), SQLITE_OK);
	sqlite3_busy_timeout(s, 1000);
	if (sqlite3_exec(s, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", text, why);
	sqlite3_close(s);
}

static void set_policy(const char *mac, const char *mn, const char *access)
{
	char text[256];

	snprintf(text, sizeof(text), "REPLACE INTO policy VALUES ('%s', '%s', '%s')", mac, mn, access);
	by_hand(text);
}

static void spoil(const struct sdb_record *r, const char *row)
{
	char text[1024];

	snprintf(text, sizeof(text), "UPDATE session SET record = '%s' WHERE mn = '%s' AND prefix = '%s'",
		 row, sdb_mn_id_str(&r->mn_id).s, in6_prefix_str(&r->prefix).s);
	by_hand(text);
}

static struct sdb_backend sqlite_backend = {
	.ops = &sdb_sqlite, .set_policy = set_policy, .spoil = spoil,
};

static int sdb_setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "%s/dmip6-sdb-XXXXXX", P_tmpdir);
	if (!mkdtemp(dir))
		return -1;
	snprintf(file, sizeof(file), "%s/sessions.db", dir);
	backend = &sqlite_backend;
	backend->cfg.path = file;
	return loop_new(&sdb_loop);
}

static int sdb_teardown(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm", ".copy", ".lock" };
	char path[128];

	(void)state;
	for (unsigned int i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "%s%s", file, ends[i]);
		unlink(path);
	}
	rmdir(dir);
	loop_free(sdb_loop);
	return 0;
}

static void survives_a_restart(void **state)
{
	struct sdb_record r = sdb_record(ANCHOR_A, 1, 1, 1);
	struct sdb *db = sdb_open(ANCHOR_A, NULL);
	struct sdb_health before, after;
	struct asked q;

	(void)state;
	assert_int_equal(sdb_put(db, &r, &q), 0);
	assert_true(q.a.durable);
	backend->ops->health(db, &before);
	sdb_close(db);
	db = sdb_open(ANCHOR_B, NULL);
	backend->ops->health(db, &after);
	assert_true(before.run != 0 && before.run == after.run);
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	assert_int_equal(q.a.n_records, 1);
	assert_true(sdb_record_same(&q.records[0], &r));
	sdb_close(db);
}

/* A process that writes 50 sessions and renews each; its status is 0 if all went well. */
static void write_many(unsigned int who)
{
	struct sdb *db;
	struct asked q;

	if (loop_new(&sdb_loop) < 0)
		_exit(2);
	db = sdb_open(ANCHOR_A, NULL);
	for (unsigned int i = 0; i < 50; i++) {
		struct sdb_record r = sdb_record(ANCHOR_A, who * 100 + i, who * 100 + i, 1);

		if (sdb_put(db, &r, &q) != 0 || sdb_ask_renew(db, &r, &q) != 0)
			_exit(1);
	}
	sdb_close(db);
	_exit(0);
}

/* They make the file together, and write at the same time. */
static void several_processes(void **state)
{
	struct sdb *db;
	struct asked q;
	pid_t pids[4];
	int status;

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0)
			write_many(i + 1);
	}
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	db = sdb_open(ANCHOR_A, NULL);
	for (unsigned int who = 1; who <= 4; who++) {
		for (unsigned int i = 0; i < 50; i++) {
			struct sdb_record r = sdb_record(ANCHOR_A, who * 100 + i, who * 100 + i, 1);

			assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
			assert_int_equal(q.a.n_records, 1);
		}
	}
	sdb_close(db);
}

/* ---- a lock that another process holds ---- */

struct ticker {
	struct timer t;
	unsigned int n;
};

static void on_tick(void *ctx, usec_t now)
{
	struct ticker *k = ctx;

	k->n++;
	assert_int_equal(timer_set(loop_timers(sdb_loop), &k->t, now + 2 * USEC_MS), 0);
}

static void locked_by_another(void **state)
{
	struct sdb_record r = sdb_record(ANCHOR_A, 1, 1, 1);
	struct asked events = { 0 }, q = { 0 }, p = { 0 };
	struct sdb *db = sdb_open(ANCHOR_A, &events);
	struct ticker k = { .n = 0 };
	struct sdb_health h;
	usec_t start;
	sqlite3 *s;

	(void)state;
	assert_int_equal(sdb_put(db, &r, &q), 0);
	assert_int_equal(sqlite3_open(file, &s), SQLITE_OK);
	assert_int_equal(sqlite3_exec(s, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	timer_init(&k.t, "tick", on_tick, &k);
	on_tick(&k, clock_now());
	start = clock_now();
	q.n = 0;
	r.version.counter = 2;
	assert_int_equal(backend->ops->put_if_version(db, &r, true, start + USEC_S, sdb_done, &q), 0);
	/* Reading goes on. */
	assert_int_equal(sdb_get(db, &r.mn_id, &p), 0);
	assert_int_equal(p.records[0].version.counter, 1);
	assert_int_equal(q.n, 0);
	assert_true(sdb_wait(&q, 1, SOON));
	assert_int_equal(q.a.err, -ETIMEDOUT);
	assert_true(clock_now() - start >= USEC_S);
	/* Then health says so. */
	r.version.counter = 3;
	assert_int_equal(backend->ops->put_if_version(db, &r, true, clock_now() + SOON, sdb_done, &q),
			 0);
	assert_true(sdb_wait_ok(db, false, 3 * USEC_S));
	backend->ops->health(db, &h);
	assert_non_null(strstr(h.why, "locked"));
	assert_int_equal(h.timeouts, 1);
	/* It was never waited for: the loop has turned all the time. */
	assert_true(k.n > 20);
	timer_stop(loop_timers(sdb_loop), &k.t);
	assert_int_equal(sqlite3_exec(s, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(s);
	assert_true(sdb_wait(&q, 2, SOON));
	assert_int_equal(q.a.err, 0);
	assert_true(sdb_is_ok(db));
	assert_int_equal(events.healths, 2);
	/* What timed out was not done. */
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	assert_int_equal(q.records[0].version.counter, 3);
	sdb_close(db);
}

/* ---- another file ---- */

static void copy_file(const char *from, const char *to)
{
	sqlite3 *a, *b;
	sqlite3_backup *copy;

	assert_int_equal(sqlite3_open(from, &a), SQLITE_OK);
	assert_int_equal(sqlite3_open(to, &b), SQLITE_OK);
	copy = sqlite3_backup_init(b, "main", a, "main");
	assert_non_null(copy);
	assert_int_equal(sqlite3_backup_step(copy, -1), SQLITE_DONE);
	sqlite3_backup_finish(copy);
	sqlite3_close(a);
	sqlite3_close(b);
}

/* Yesterday's copy, put in its place in this way or that. */
static void restored(void (*put_back)(const char *copy))
{
	struct sdb_record r = sdb_record(ANCHOR_A, 1, 1, 1);
	struct asked events = { 0 }, other_events = { 0 }, q;
	struct sdb *db = sdb_open(ANCHOR_A, &events), *other;
	struct sdb_cursor at;
	struct sdb_health h;
	char copy[128];

	snprintf(copy, sizeof(copy), "%s.copy", file);
	assert_int_equal(sdb_put(db, &r, &q), 0);
	copy_file(file, copy);
	r.version.counter = 2;
	assert_int_equal(sdb_put(db, &r, &q), 0);
	at = sdb_now(db);
	assert_int_equal(sdb_ask_watch(db, at, 100 * USEC_MS, &q), -ETIMEDOUT);
	put_back(copy);
	assert_int_equal(sdb_ask_watch(db, at, SOON, &q), -ERANGE);
	assert_int_equal(events.resets[SDB_RESET_RESTORED], 1);
	/* The owner asserts what it has. */
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	assert_int_equal(q.records[0].version.counter, 1);
	assert_int_equal(sdb_put(db, &r, &q), 0);
	assert_int_equal(events.resets[SDB_RESET_RESTORED], 1);
	/* It can be told from the one before, by who comes later too. */
	other = sdb_open(ANCHOR_B, &other_events);
	assert_int_equal(sdb_ask_watch(other, at, SOON, &q), -ERANGE);
	assert_int_equal(sdb_get(other, &r.mn_id, &q), 0);
	assert_int_equal(q.records[0].version.counter, 2);
	backend->ops->health(other, &h);
	assert_true(h.run != at.run);
	sdb_close(other);
	sdb_close(db);
}

static void by_rename(const char *copy)
{
	assert_int_equal(rename(copy, file), 0);
}

static void by_restore(const char *copy)
{
	copy_file(copy, file);
}

static void replaced_by_a_copy(void **state)
{
	(void)state;
	restored(by_rename);
}

static void restored_in_its_place(void **state)
{
	(void)state;
	restored(by_restore);
}

/* Another process saw it first and gave the new run: it counts for us too. */
static void another_run(void **state)
{
	struct asked events = { 0 }, q;
	struct sdb *db = sdb_open(ANCHOR_A, &events);
	struct sdb_record r = sdb_record(ANCHOR_A, 1, 1, 1);

	(void)state;
	by_hand("UPDATE about SET run = 12345");
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	assert_int_equal(events.resets[SDB_RESET_SERVER], 1);
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	assert_int_equal(events.resets[SDB_RESET_SERVER], 1);
	sdb_close(db);
}

static void deleted(void **state)
{
	struct asked events = { 0 }, q;
	struct sdb *db = sdb_open(ANCHOR_A, &events);
	struct sdb_record r = sdb_record(ANCHOR_A, 1, 1, 1);

	(void)state;
	assert_int_equal(sdb_put(db, &r, &q), 0);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	assert_int_equal(q.a.n_records, 0);
	assert_int_equal(events.resets[SDB_RESET_RESTORED], 1);
	assert_int_equal(sdb_put(db, &r, &q), 0);
	sdb_close(db);
}

static void write_file(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static size_t read_file(const char *path, void *room, size_t cap)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(room, 1, cap, f);
	fclose(f);
	return n;
}

/* While we work: something else lies there; calls fail at once, and go on when it is mended. */
static void replaced_by_rubbish(void **state)
{
	static uint8_t good[1 << 20];
	char junk[4096], path[128];
	struct sdb_record r = sdb_record(ANCHOR_A, 1, 1, 1);
	struct asked events = { 0 }, q;
	struct sdb *db = sdb_open(ANCHOR_A, &events);
	struct sdb_health h;
	size_t n;

	(void)state;
	assert_int_equal(sdb_put(db, &r, &q), 0);
	sdb_close(db);
	n = read_file(file, good, sizeof(good));
	db = sdb_open(ANCHOR_A, &events);
	memset(junk, 'x', sizeof(junk));
	snprintf(path, sizeof(path), "%s.copy", file);
	write_file(path, junk, sizeof(junk));
	by_rename(path);
	assert_int_equal(sdb_get(db, &r.mn_id, &q), -EUCLEAN);
	assert_int_equal(sdb_put(db, &r, &q), -EUCLEAN);
	backend->ops->health(db, &h);
	assert_false(h.ok);
	assert_non_null(strstr(h.why, "expected a session database"));
	assert_int_equal(read_file(file, junk, sizeof(junk)), sizeof(junk));
	assert_int_equal(junk[0], 'x');
	write_file(path, good, n);
	by_rename(path);
	sdb_wait(NULL, 0, 1100 * USEC_MS);
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	assert_int_equal(q.a.n_records, 1);
	assert_true(sdb_is_ok(db));
	assert_int_equal(events.resets[SDB_RESET_RESTORED], 1);
	sdb_close(db);
}

/* ---- at the start ---- */

static void refused(int expected, const char *word)
{
	static uint8_t before[1 << 20], after[1 << 20];
	size_t n = read_file(file, before, sizeof(before));
	char why[SDB_WHY_MAX] = "";
	int err;

	assert_null(sdb_try_open(ANCHOR_A, NULL, why, &err));
	if (err != expected || !strstr(why, word) || !strstr(why, file))
		fail_msg("%d: %s", err, why);
	assert_int_equal(read_file(file, after, sizeof(after)), n);
	assert_memory_equal(before, after, n);
}

static void foreign_files(void **state)
{
	static uint8_t data[1 << 20];
	char junk[4096];
	size_t n;

	(void)state;
	memset(junk, 'x', sizeof(junk));
	write_file(file, junk, sizeof(junk));
	refused(-EUCLEAN, "expected a session database");
	unlink(file);
	by_hand("CREATE TABLE lease (prefix TEXT); PRAGMA application_id = 1684892016;"
		"PRAGMA user_version = 2");
	refused(-EUCLEAN, "expected one that dmip6 made");
	unlink(file);
	sdb_close(sdb_open(ANCHOR_A, NULL));
	by_hand("PRAGMA user_version = 9");
	refused(-EUCLEAN, "schema version 9; expected 1");
	by_hand("PRAGMA user_version = 1");
	n = read_file(file, data, sizeof(data));
	write_file(file, data, 4096);			/* cut short */
	refused(-EUCLEAN, "damaged");
	write_file(file, data, n);
	sdb_close(sdb_open(ANCHOR_A, NULL));
	by_hand("DROP TABLE change");			/* ours, and not whole */
	refused(-EIO, "cannot be used");
}

static void no_such_place(void **state)
{
	char why[SDB_WHY_MAX] = "";
	int err;

	(void)state;
	backend->cfg.path = "/nonexistent/dmip6/sessions.db";
	assert_null(sdb_try_open(ANCHOR_A, NULL, why, &err));
	assert_true(err < 0);
	assert_non_null(strstr(why, "/nonexistent/dmip6/sessions.db"));
	backend->cfg.path = NULL;
	assert_null(sdb_try_open(ANCHOR_A, NULL, why, &err));
	assert_int_equal(err, -EINVAL);
}

/* No room on the disk: refused, said, and over when there is room. */
static void disk_is_full(void **state)
{
	struct sdb_record r = sdb_record(ANCHOR_A, 1, 1, 1);
	struct sdb *db = sdb_open(ANCHOR_A, NULL);
	struct rlimit was, none;
	struct sdb_health h;
	struct asked q;

	(void)state;
	assert_int_equal(sdb_put(db, &r, &q), 0);
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	none = was;
	none.rlim_cur = 1024;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	r.version.counter = 2;
	assert_true(sdb_put(db, &r, &q) < 0);
	assert_int_not_equal(q.a.err, -ETIMEDOUT);
	backend->ops->health(db, &h);
	assert_false(h.ok);
	assert_true(h.why[0]);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	assert_int_equal(q.records[0].version.counter, 1);
	assert_int_equal(sdb_put(db, &r, &q), 0);
	assert_true(sdb_is_ok(db));
	sdb_close(db);
}

/* Sessions that have ended and changes that nobody will ask for leave the file. */
static void stays_small(void **state)
{
	struct sdb *db = sdb_open(ANCHOR_A, NULL);
	struct asked q;
	sqlite3 *s;
	sqlite3_stmt *st;

	(void)state;
	for (unsigned int i = 0; i < 60; i++) {
		struct sdb_record r = sdb_record(ANCHOR_A, i, i, 1);

		r.lifetime_s = 1;
		assert_int_equal(sdb_put(db, &r, &q), 0);
	}
	sdb_wait(NULL, 0, 1200 * USEC_MS);
	{
		struct sdb_record r = sdb_record(ANCHOR_A, 70, 70, 1);

		assert_int_equal(sdb_put(db, &r, &q), 0);
	}
	assert_int_equal(sqlite3_open(file, &s), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(s, "SELECT (SELECT count(*) FROM session),"
					    " (SELECT count(*) FROM change)", -1, &st, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(st, 0), 1);
	assert_int_equal(sqlite3_column_int(st, 1), SUITE_LOG_MAX);
	sqlite3_finalize(st);
	sqlite3_close(s);
	sdb_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SDB_SUITE,
		SDB_TEST(survives_a_restart),
		SDB_TEST(several_processes),
		SDB_TEST(locked_by_another),
		SDB_TEST(replaced_by_a_copy),
		SDB_TEST(restored_in_its_place),
		SDB_TEST(another_run),
		SDB_TEST(deleted),
		SDB_TEST(replaced_by_rubbish),
		SDB_TEST(foreign_files),
		SDB_TEST(no_such_place),
		SDB_TEST(disk_is_full),
		SDB_TEST(stays_small),
	};

	return cmocka_run_group_tests_name("sdb_sqlite", tests, NULL, NULL);
}
