/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The session database in a file of SQLite (WAL), which the anchors of one machine may share. Owns
 * the connection; called through sdb_sqlite by network mode, runs in the loop's timers.
 *
 * Nothing waits: what is locked by another process is tried again some milliseconds later, until
 * the deadline. Writings that come together are one transaction, so that they share one sync of
 * the disk. The moments when records end are those of the machine's wall clock, as all who share
 * the file have that and it goes on through a reboot; one that is set wrong ends records early or
 * late, and their owners write them again.
 *
 * A table of changes is the log for watchers. When the file under our hands becomes another one (a
 * backup was put in its place), or knows less than it did, the file gets a new `run' and the owner
 * is told.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/sys/clock.h"
#include "common/sys/loop.h"
#include "ha-agent/sdb_private.h"
#include "ha-agent/sdb_sqlite_text.h"
#include "ha-agent/sqlite.h"

#define PATH_ROOM	4096
#define OPEN_TRIES	50		/* when several processes start at once */
#define OPEN_PAUSE_US	10000
#define TURN_TRIES	300
#define BATCH		16		/* calls of a turn */
#define RETRY		(5 * USEC_MS)	/* what was locked */
#define LOCKED_LONG	USEC_S		/* then health says so */
#define REOPEN		USEC_S

/* What SQLite has of a database: the file and what lies beside it. */
enum file { FILE_MAIN, FILE_WAL, FILE_SHM, FILE_MAX };
static const char *const file_ends[FILE_MAX] = { "", "-wal", "-shm" };

struct file_id {
	dev_t dev;
	ino_t ino;
};

struct sqlite_db {
	struct sdb base;
	sqlite3 *sqlite;		/* NULL: it could not be opened again */
	int broken;			/* why not, negative errno */
	usec_t reopen_at;
	sqlite3_stmt *statements[STATEMENT_MAX];
	char *path;
	struct file_id files[FILE_MAX];	/* what we have opened */
	uint64_t log_max;
	uint64_t seen;			/* the log's end, as far as we know */
	bool full;			/* `synchronous' is FULL; else NORMAL */
	usec_t locked_since;		/* 0: it is not */
	struct timer work, poll;
	struct sdb_record room[SDB_RECORDS_MAX];	/* of the answer that is being made */
};

static struct sqlite_db *of(struct sdb *db)
{
	return (struct sqlite_db *)(void *)db;
}

static int fail(char *why, size_t len, int err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int fail(char *why, size_t len, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, len, fmt, ap);
	va_end(ap);
	return err;
}

/* ---- opening ---- */

static int refuse(const struct sqlite_db *d, int err, char *why, size_t len)
{
	switch (err) {
	case -EUCLEAN:
		return fail(why, len, err, "%s is damaged or not a database (%s); expected a session "
			    "database of dmip6; it was left as it is", d->path,
			    sqlite3_errmsg(d->sqlite));
	case -EROFS:
		return fail(why, len, err, "%s is read-only; expected a session database that can be "
			    "written", d->path);
	case -EBUSY:
		return fail(why, len, err, "%s is locked by another program", d->path);
	default:
		return fail(why, len, err, "%s cannot be used: %s", d->path,
			    sqlite3_errmsg(d->sqlite));
	}
}

/* What the file says of itself, at one moment: another process may be making it. */
static int read_head(sqlite3 *s, int *ret_version, int *ret_application, int *ret_tables)
{
	int err = sqlite_errno(sqlite3_exec(s, "BEGIN", NULL, NULL, NULL));

	if (err == 0)
		err = sqlite_int(s, "PRAGMA user_version", ret_version);
	if (err == 0)
		err = sqlite_int(s, "PRAGMA application_id", ret_application);
	if (err == 0)
		err = sqlite_int(s, "SELECT count(*) FROM sqlite_master", ret_tables);
	if (err == 0)
		err = sqlite_errno(sqlite3_exec(s, "COMMIT", NULL, NULL, NULL));
	return err;
}

/* Is it ours, whole and of our version (0: it is new)? Nothing is written for this. */
static int look(struct sqlite_db *d, bool whole, int *ret_version, char *why, size_t len)
{
	int version = 0, application = 0, tables = 0;
	int err = read_head(d->sqlite, &version, &application, &tables);

	if (err == 0 && whole)
		err = sqlite_expect(d->sqlite, "PRAGMA quick_check(1)", "ok");
	if (err < 0)
		return refuse(d, err, why, len);
	*ret_version = version;
	if (tables == 0 && version == 0)
		return 0;
	if (application != APPLICATION_ID)
		return fail(why, len, -EUCLEAN, "%s is a database, but not of sessions: expected one "
			    "that dmip6 made (application_id %d, this has %d)", d->path,
			    APPLICATION_ID, application);
	if (version != VERSION)
		return fail(why, len, -EUCLEAN, "%s has schema version %d; expected %d", d->path, version,
			    VERSION);
	return 0;
}

/* Another process may be doing the same. */
static int create(struct sqlite_db *d)
{
	int version = 0, rc, err;

	rc = sqlite3_exec(d->sqlite, "PRAGMA journal_mode = WAL; BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return sqlite_errno(rc);
	err = sqlite_int(d->sqlite, "PRAGMA user_version", &version);
	if (err == 0 && version == 0)
		err = sqlite_errno(sqlite3_exec(d->sqlite, schema, NULL, NULL, NULL));
	if (!sqlite3_get_autocommit(d->sqlite))
		(void)sqlite3_exec(d->sqlite, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

static int prepare(struct sqlite_db *d)
{
	int rc = sqlite3_exec(d->sqlite, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			      "BEGIN IMMEDIATE; ROLLBACK", NULL, NULL, NULL);

	if (rc != SQLITE_OK)
		return sqlite_errno(rc);
	d->full = true;
	for (enum statement i = 0; i < STATEMENT_MAX; i++) {
		rc = sqlite3_prepare_v3(d->sqlite, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
					&d->statements[i], NULL);
		if (rc != SQLITE_OK)
			return sqlite_errno(rc);
	}
	return sqlite_expect(d->sqlite, "PRAGMA journal_mode", "wal");
}

static void close_file(struct sqlite_db *d)
{
	for (enum statement i = 0; i < STATEMENT_MAX; i++) {
		sqlite3_finalize(d->statements[i]);
		d->statements[i] = NULL;
	}
	sqlite3_close(d->sqlite);
	d->sqlite = NULL;
}

static void file_name(const struct sqlite_db *d, enum file which, char ret[PATH_ROOM])
{
	(void)snprintf(ret, PATH_ROOM, "%s%s", d->path, file_ends[which]);
}

static struct file_id file_id(const struct sqlite_db *d, enum file which)
{
	char path[PATH_ROOM];
	struct stat st;

	file_name(d, which, path);
	if (stat(path, &st) < 0)
		return (struct file_id){ 0 };
	return (struct file_id){ st.st_dev, st.st_ino };
}

static bool is_ours(const struct sqlite_db *d, enum file which)
{
	struct file_id id = file_id(d, which);

	return id.ino != 0 && id.dev == d->files[which].dev && id.ino == d->files[which].ino;
}

static int try_open(struct sqlite_db *d, bool whole, char *why, size_t len)
{
	int version = 0, err, rc;

	rc = sqlite3_open_v2(d->path, &d->sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	if (rc != SQLITE_OK)
		return refuse(d, sqlite_errno(rc), why, len);
	(void)sqlite3_limit(d->sqlite, SQLITE_LIMIT_LENGTH, 1 << 20);
	err = look(d, whole, &version, why, len);
	if (err < 0)
		return err;
	if (sqlite3_db_readonly(d->sqlite, "main") != 0)
		return refuse(d, -EROFS, why, len);
	if (version == 0)
		err = create(d);
	if (err == 0)
		err = prepare(d);
	if (err < 0)
		return refuse(d, err, why, len);
	for (enum file i = 0; i < FILE_MAX; i++)
		d->files[i] = file_id(d, i);
	return 0;
}

/* ---- rows ---- */

static int64_t now_ms(void)
{
	return clock_wall_us() / 1000;
}

static int step(struct sqlite_db *d, enum statement which)
{
	sqlite3_stmt *st = d->statements[which];
	int rc = sqlite3_step(st);

	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return sqlite_errno(rc);
}

static void bind_text(struct sqlite_db *d, enum statement which, int at, const char *text)
{
	sqlite3_bind_text(d->statements[which], at, text, -1, SQLITE_TRANSIENT);
}

static void bind_int(struct sqlite_db *d, enum statement which, int at, int64_t n)
{
	sqlite3_bind_int64(d->statements[which], at, n);
}

/* "" for what is no text, or has a zero in it. */
static const char *text_at(sqlite3_stmt *st, int at)
{
	const char *t = (const char *)sqlite3_column_text(st, at);

	return t && strlen(t) == (size_t)sqlite3_column_bytes(st, at) ? t : "";
}

/* -EBADMSG: it cannot be understood, or stands where it does not belong. */
static int read_row(sqlite3_stmt *st, int64_t now, struct sdb_record *ret)
{
	struct sdb_record r;
	int64_t left = sqlite3_column_int64(st, 1);

	if (sdb_record_parse(text_at(st, 0), &r) < 0 ||
	    strcmp(sdb_mn_id_str(&r.mn_id).s, text_at(st, 2)) != 0 ||
	    strcmp(in6_prefix_str(&r.prefix).s, text_at(st, 3)) != 0 ||
	    left <= now || left - now > (int64_t)SDB_LIFETIME_MAX * 1000)
		return -EBADMSG;
	r.lifetime_s = (uint32_t)((left - now + 999) / 1000);
	*ret = r;
	return 0;
}

/* What the log begins and ends with; 0, 0: nothing has ever changed. */
static int log_ends(struct sqlite_db *d, uint64_t *ret_first, uint64_t *ret_last)
{
	sqlite3_stmt *st = d->statements[LOG_ENDS];
	int rc = sqlite3_step(st);

	if (rc == SQLITE_ROW) {
		*ret_first = (uint64_t)sqlite3_column_int64(st, 0);
		*ret_last = (uint64_t)sqlite3_column_int64(st, 1);
	}
	sqlite3_reset(st);
	return sqlite_errno(rc);
}

static int get_run(struct sqlite_db *d, uint64_t *ret)
{
	sqlite3_stmt *st = d->statements[GET_RUN];
	int rc = sqlite3_step(st);

	if (rc == SQLITE_ROW)
		*ret = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? -EUCLEAN : sqlite_errno(rc);
}

/* ---- trouble ---- */

static void wake_at(struct sqlite_db *d, usec_t at)
{
	/* Without memory the calls end by their deadlines. */
	if (!timer_armed(&d->work) || at < d->work.at)
		(void)timer_set(loop_timers(d->base.loop), &d->work, at);
}

static void wake(struct sdb *db)
{
	wake_at(of(db), clock_now() + 1);
}

/* What is locked is tried again. */
static void locked(struct sqlite_db *d)
{
	usec_t now = clock_now();

	if (d->locked_since == 0)
		d->locked_since = now;
	if (now - d->locked_since >= LOCKED_LONG)
		sdb_set_failed(&d->base, "%s is locked by another program", d->path);
	wake_at(d, now + RETRY);
}

/* Reading says nothing about what cannot be written. */
static void worked(struct sqlite_db *d, bool written)
{
	if (written)
		d->locked_since = 0;
	if (d->locked_since == 0)
		sdb_set_ok(&d->base);
}

static void failed(struct sqlite_db *d, int err)
{
	char why[SDB_WHY_MAX];

	(void)refuse(d, err, why, sizeof(why));
	sdb_set_failed(&d->base, "%s", why);
}

/* ---- another file ---- */

/* The file is not what it was: whoever sees it first gives it a new run. */
static int renew_run(struct sqlite_db *d)
{
	uint64_t run = 0, fresh;
	int err = step(d, BEGIN);

	if (err < 0)
		return err;
	err = get_run(d, &run);
	if (err == 0 && run == d->base.health.run) {
		clock_random(&fresh, sizeof(fresh));
		fresh = (fresh >> 1) | 1;
		bind_int(d, SET_RUN, 1, (int64_t)fresh);
		err = step(d, SET_RUN);
		run = fresh;
	}
	if (err == 0)
		err = step(d, COMMIT);
	if (err == 0)
		d->base.health.run = run;
	if (!sqlite3_get_autocommit(d->sqlite))
		(void)step(d, ROLLBACK);
	return err;
}

/* Does it still know what it knew, and is it that one? */
static int check_run(struct sqlite_db *d)
{
	uint64_t run = 0, first = 0, last = 0;
	int err = get_run(d, &run);

	if (err == 0)
		err = log_ends(d, &first, &last);
	if (err < 0)
		return err;
	if (run != d->base.health.run) {
		d->base.health.run = run;
		d->seen = last;
		sdb_tell_reset(&d->base, SDB_RESET_SERVER);
	} else if (last < d->seen) {
		err = renew_run(d);
		if (err < 0)
			return err;
		d->seen = last;
		sdb_tell_reset(&d->base, SDB_RESET_RESTORED);
	}
	d->seen = last;
	return 0;
}

/* SQLite would take the log that belongs to the file which is gone for one of the file which has
 * come. Another process may have put that right already: then the log is not the one that we
 * know, and is left alone. */
static void drop_old_log(struct sqlite_db *d)
{
	char path[PATH_ROOM];

	for (enum file i = FILE_WAL; i < FILE_MAX; i++) {
		file_name(d, i, path);
		if (is_ours(d, i))
			(void)unlink(path);
	}
}

static int reopen(struct sqlite_db *d)
{
	char why[SDB_WHY_MAX] = "";
	uint64_t first = 0, last = 0;
	int err;

	if (d->sqlite)
		drop_old_log(d);
	close_file(d);
	err = try_open(d, false, why, sizeof(why));
	if (err == 0)
		err = renew_run(d);
	if (err == 0)
		err = log_ends(d, &first, &last);
	if (err == 0) {
		d->seen = last;
		d->broken = 0;
		sdb_tell_reset(&d->base, SDB_RESET_RESTORED);
		return 0;
	}
	if (err != -EBUSY)
		sdb_set_failed(&d->base, "%s", why[0] ? why : strerror(-err));
	close_file(d);
	d->broken = err;
	d->reopen_at = clock_now() + (err == -EBUSY ? RETRY : REOPEN);
	return err;
}

/* 0: there is a file to work with. -EBUSY: in a moment. */
static int ready(struct sqlite_db *d)
{
	int err;

	if (!d->sqlite && clock_now() < d->reopen_at)
		return d->broken;
	if (!d->sqlite || !is_ours(d, FILE_MAIN))
		return reopen(d);
	err = check_run(d);
	if (err < 0 && err != -EBUSY)
		failed(d, err);
	return err;
}

/* ---- writing ---- */

struct result {
	struct sdb_call *call;
	int err;
	bool there;			/* the record that is in the way */
	struct sdb_record record;
	bool bad;			/* there is one, and it cannot be understood */
};

/* 0: one row, or none (*ret_there); -EBADMSG; the database's errors. */
static int get_one(struct sqlite_db *d, const char *mn, const char *prefix, int64_t now,
		   struct sdb_record *ret, bool *ret_there)
{
	sqlite3_stmt *st = d->statements[GET_ONE];
	int rc, err;

	bind_text(d, GET_ONE, 1, mn);
	bind_text(d, GET_ONE, 2, prefix);
	bind_int(d, GET_ONE, 3, now);
	rc = sqlite3_step(st);
	*ret_there = rc == SQLITE_ROW;
	err = rc == SQLITE_ROW ? read_row(st, now, ret) : sqlite_errno(rc);
	sqlite3_reset(st);
	return err;
}

/* The active record of another MN. */
static int get_holder(struct sqlite_db *d, const char *mn, const char *prefix, int64_t now,
		      struct sdb_record *ret, bool *ret_there)
{
	sqlite3_stmt *st = d->statements[GET_PREFIX];
	int rc, err = 0;

	*ret_there = false;
	bind_text(d, GET_PREFIX, 1, prefix);
	bind_text(d, GET_PREFIX, 2, mn);
	bind_int(d, GET_PREFIX, 3, now);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW && !*ret_there && err == 0) {
		err = read_row(st, now, ret);
		*ret_there = err == 0 && ret->state == SDB_ACTIVE;
	}
	sqlite3_reset(st);
	return err < 0 ? err : sqlite_errno(rc);
}

static int store(struct sqlite_db *d, const struct sdb_record *r, const char *mn,
		 const char *prefix, int64_t now, bool same)
{
	enum statement which = same ? SET_UNTIL : PUT;
	struct sdb_text text = sdb_record_str(r);
	int64_t until = now + (int64_t)r->lifetime_s * 1000;
	int err;

	bind_text(d, which, 1, mn);
	bind_text(d, which, 2, prefix);
	if (same) {
		bind_int(d, which, 3, until);
		return step(d, which);
	}
	bind_text(d, which, 3, text.s);
	bind_int(d, which, 4, until);
	err = step(d, which);
	if (err < 0)
		return err;
	bind_text(d, ADD_CHANGE, 1, text.s);
	return step(d, ADD_CHANGE);
}

/* One call of the transaction. 0: it has a result; negative errno: the transaction failed. */
static int apply(struct sqlite_db *d, struct result *res, int64_t now)
{
	const struct sdb_record *r = &res->call->record;
	struct sdb_mn_text mn = sdb_mn_id_str(&r->mn_id);
	struct in6_text prefix = in6_prefix_str(&r->prefix);
	struct sdb_record stored, holder;
	bool is_stored, is_held = false;
	int err = get_one(d, mn.s, prefix.s, now, &stored, &is_stored);

	if (err == 0 && res->call->verb == SDB_PUT && r->state == SDB_ACTIVE)
		err = get_holder(d, mn.s, prefix.s, now, &holder, &is_held);
	res->bad = err == -EBADMSG;
	if (res->bad)
		res->err = -EUCLEAN;
	if (err < 0)
		return res->bad ? 0 : err;
	res->err = res->call->verb == SDB_PUT ?
		   sdb_record_decide(r, is_stored ? &stored : NULL, is_held ? &holder : NULL) :
		   sdb_record_renewable(r, is_stored ? &stored : NULL);
	res->there = res->err == -ESTALE || res->err == -EEXIST;
	if (res->there)
		res->record = res->err == -EEXIST ? holder : stored;
	return res->err < 0 ? 0 : store(d, r, mn.s, prefix.s, now,
					is_stored && sdb_record_same(r, &stored));
}

static int trim(struct sqlite_db *d, int64_t now)
{
	uint64_t first = 0, last = 0;
	int err = log_ends(d, &first, &last);

	if (err < 0)
		return err;
	d->seen = last;
	if (last > d->log_max && first <= last - d->log_max) {
		bind_int(d, TRIM_LOG, 1, (int64_t)(last - d->log_max));
		err = step(d, TRIM_LOG);
	}
	bind_int(d, TRIM_SESSIONS, 1, now);
	return err < 0 ? err : step(d, TRIM_SESSIONS);
}

/* In WAL mode NORMAL leaves the disk to the next checkpoint. */
static int begin(struct sqlite_db *d, bool full)
{
	int rc = SQLITE_OK;

	if (d->full != full)
		rc = sqlite3_exec(d->sqlite, full ? "PRAGMA synchronous = FULL" :
				  "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return sqlite_errno(rc);
	d->full = full;
	return step(d, BEGIN);
}

static int transact(struct sqlite_db *d, struct result *results, unsigned int n, bool full)
{
	uint64_t seen = d->seen;
	int64_t now = now_ms();
	int err = begin(d, full);

	for (unsigned int i = 0; i < n && err == 0; i++)
		err = apply(d, &results[i], now);
	if (err == 0)
		err = trim(d, now);
	if (err == 0)
		err = step(d, COMMIT);
	if (err < 0)
		d->seen = seen;
	if (err < 0 && err != -EBUSY)
		failed(d, err);
	if (!sqlite3_get_autocommit(d->sqlite))
		(void)step(d, ROLLBACK);
	return err;
}

static void answer_writing(const struct result *res)
{
	const struct sdb_answer a = {
		.err = res->err,
		.records = res->there ? &res->record : NULL, .n_records = res->there,
		.n_bad = res->bad,
		.durable = res->err == 0 && res->call->durable,
	};

	sdb_call_done(res->call, &a);
}

/* Writings of the queue, some, in one transaction. -EBUSY: they are in the queue yet. */
static int write_some(struct sqlite_db *d)
{
	struct result results[BATCH] = { 0 };
	struct sdb_call *c;
	unsigned int n = 0;
	bool full = false;
	int err;

	TAILQ_FOREACH(c, &d->base.queue, in_queue) {
		if (c->verb != SDB_PUT && c->verb != SDB_RENEW)
			continue;
		results[n++].call = c;
		full = full || c->durable;
		if (n == BATCH)
			break;
	}
	if (n == 0)
		return 0;
	err = transact(d, results, n, full);
	if (err == -EBUSY)
		return err;
	if (err == 0)
		worked(d, true);
	for (unsigned int i = 0; i < n; i++)
		sdb_call_hold(results[i].call);
	for (unsigned int i = 0; i < n; i++) {
		if (err < 0)
			results[i].err = err;
		if (!results[i].call->over)	/* a callback may have cancelled it */
			answer_writing(&results[i]);
		sdb_call_let_go(results[i].call);
	}
	return 0;
}

/* ---- reading ---- */

static int read_mn(struct sqlite_db *d, const struct sdb_call *c, struct sdb_answer *a)
{
	sqlite3_stmt *st = d->statements[GET_MN];
	int64_t now = now_ms();
	int rc;

	bind_text(d, GET_MN, 1, sdb_mn_id_str(&c->mn_id).s);
	bind_int(d, GET_MN, 2, now);
	a->records = d->room;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (a->n_records < SDB_RECORDS_MAX &&
		    read_row(st, now, &d->room[a->n_records]) == 0)
			a->n_records++;
		else
			a->n_bad++;
	}
	sqlite3_reset(st);
	return sqlite_errno(rc);
}

static int read_policy(struct sqlite_db *d, const struct sdb_call *c, struct sdb_policy *ret,
		       struct sdb_answer *a)
{
	sqlite3_stmt *st = d->statements[GET_POLICY];
	int rc, err;

	bind_text(d, GET_POLICY, 1, mac_str(c->mac).s);
	rc = sqlite3_step(st);
	err = rc == SQLITE_DONE ? 0 : sqlite_errno(rc);
	a->err = rc == SQLITE_DONE ? -ENOENT : 0;
	if (rc == SQLITE_ROW) {
		memcpy(ret->mac, c->mac, sizeof(ret->mac));
		a->policy = ret;
		if (sdb_mn_id_parse(text_at(st, 0), &ret->mn_id) < 0 ||
		    sdb_access_parse(text_at(st, 1), &ret->access) < 0) {
			a->policy = NULL;
			a->err = -EUCLEAN;
			a->n_bad = 1;
		}
	}
	sqlite3_reset(st);
	return err;
}

/* 0; negative errno: it could not be read. */
static int read_changes(struct sqlite_db *d, uint64_t from, uint64_t run, struct sdb_answer *a)
{
	sqlite3_stmt *st = d->statements[CHANGES];
	int rc;

	bind_int(d, CHANGES, 1, (int64_t)from);
	bind_int(d, CHANGES, 2, SDB_RECORDS_MAX);
	a->records = d->room;
	a->cursor = (struct sdb_cursor){ run, from };
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		a->cursor.seq = (uint64_t)sqlite3_column_int64(st, 0);
		if (a->n_records < SDB_RECORDS_MAX &&
		    sdb_record_parse(text_at(st, 1), &d->room[a->n_records]) == 0)
			a->n_records++;
		else
			a->n_bad++;
	}
	sqlite3_reset(st);
	return sqlite_errno(rc);
}

/* Is there an answer yet? 1: yes, 0: no, or negative errno. */
static int look_at_log(struct sqlite_db *d, const struct sdb_call *c, struct sdb_answer *a)
{
	const struct sdb_cursor *from = &c->from;
	uint64_t run = d->base.health.run, first = 0, last = 0;
	int err = log_ends(d, &first, &last);

	if (err < 0)
		return err;
	a->cursor = (struct sdb_cursor){ run, last };
	if (from->run == 0 && from->seq == 0)
		return 1;
	if (from->run != run || from->seq > last || (from->seq < last && first > from->seq + 1)) {
		a->err = -ERANGE;
		return 1;
	}
	if (from->seq == last)
		return 0;
	err = read_changes(d, from->seq, run, a);
	return err < 0 ? err : 1;
}

/* A reading that came: 1: it is answered, 0: it waits on, -EBUSY: again. */
static int read_one(struct sqlite_db *d, struct sdb_call *c)
{
	struct sdb_answer a = { 0 };
	struct sdb_policy policy = { 0 };
	int err;

	if (c->verb == SDB_WATCH)
		err = look_at_log(d, c, &a);
	else if (c->verb == SDB_GET_MN)
		err = read_mn(d, c, &a);
	else
		err = read_policy(d, c, &policy, &a);
	if (err == -EBUSY || (err == 0 && c->verb == SDB_WATCH))
		return err;
	if (err < 0) {
		failed(d, err);
		a = (struct sdb_answer){ .err = err };
	} else {
		worked(d, false);
	}
	sdb_call_done(c, &a);
	return 1;
}

/* Readings of the queue, and the watches once they are due. */
static int read_some(struct sqlite_db *d)
{
	struct sdb_call *c;
	int err;

	for (unsigned int i = 0; i < BATCH; i++) {
		TAILQ_FOREACH(c, &d->base.queue, in_queue) {
			if (c->verb != SDB_PUT && c->verb != SDB_RENEW)
				break;
		}
		if (!c)
			return 0;
		err = read_one(d, c);
		if (err == -EBUSY)
			return err;
		if (err == 0) {
			/* A watch: looked at again by the timer. */
			TAILQ_REMOVE(&d->base.queue, c, in_queue);
			c->queued = false;
			if (!timer_armed(&d->poll))
				(void)timer_set(loop_timers(d->base.loop), &d->poll,
						clock_now() + SDB_POLL);
		}
	}
	return 0;
}

static void on_work(void *ctx, usec_t now)
{
	struct sqlite_db *d = ctx;
	struct sdb_call *c;
	int err = ready(d), written = 0;

	(void)now;
	/* Writings first: in the order of the calls they may have come later, which harms nobody.
	 * While they are locked out, readings are not. */
	if (err == 0) {
		written = write_some(d);
		err = read_some(d);
	}
	if (err == -EBUSY || (err == 0 && written == -EBUSY)) {
		locked(d);
		return;
	}
	d->locked_since = 0;
	/* Those that are there now: a callback may ask again. */
	for (unsigned int i = 0; err < 0 && i < SDB_CALLS_MAX; i++) {
		c = TAILQ_FIRST(&d->base.queue);
		if (!c)
			break;
		sdb_call_fail(c, err);
	}
	if (!TAILQ_EMPTY(&d->base.queue))
		wake_at(d, clock_now() + 1);
}

/* The watches are looked at again. */
static void on_poll(void *ctx, usec_t now)
{
	struct sqlite_db *d = ctx;
	struct sdb_call *c;

	(void)now;
	TAILQ_FOREACH(c, &d->base.calls, all) {
		if (c->verb == SDB_WATCH)
			sdb_call_queue(c);
	}
	if (!TAILQ_EMPTY(&d->base.queue))
		wake_at(d, clock_now() + 1);
}

/* ---- open and close ---- */

static void sqlite_close(struct sdb *db)
{
	struct sqlite_db *d;

	if (!db)
		return;
	d = of(db);
	sdb_shut(db);
	timer_stop(loop_timers(db->loop), &d->work);
	timer_stop(loop_timers(db->loop), &d->poll);
	close_file(d);
	free(d->path);
	free(d);
}

/* The last process that closes the database removes the log, perhaps just when we open it. */
static bool is_passing(const struct sqlite_db *d, int err)
{
	return err == -EBUSY || (err == -EIO && access(d->path, F_OK) == 0 &&
				 (sqlite3_errcode(d->sqlite) & 0xff) == SQLITE_CANTOPEN);
}

/* Those who start at the same moment open the file one after the other: SQLite would send all of
 * them away who come while it is made. Kept by the descriptor; -1: the directory is not one that
 * can be written to, which SQLite will say. */
static int take_turn(const struct sqlite_db *d)
{
	char path[PATH_ROOM];
	int fd;

	(void)snprintf(path, sizeof(path), "%s.lock", d->path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	for (unsigned int i = 0; fd >= 0 && i < TURN_TRIES && flock(fd, LOCK_EX | LOCK_NB) < 0; i++)
		usleep(OPEN_PAUSE_US);
	return fd;
}

static int open_first(struct sqlite_db *d, char *why, size_t len)
{
	uint64_t first = 0;
	int err = -EBUSY, turn = take_turn(d);

	for (unsigned int i = 0; i < OPEN_TRIES && (i == 0 || is_passing(d, err)); i++) {
		if (i > 0)
			usleep(OPEN_PAUSE_US);
		close_file(d);
		err = try_open(d, true, why, len);
		if (err == 0)
			err = get_run(d, &d->base.health.run);
		if (err == 0)
			err = log_ends(d, &first, &d->seen);
	}
	if (turn >= 0)
		close(turn);
	return err;
}

static int sqlite_open(struct loop *l, const struct sdb_config *cfg,
		       const struct sdb_events *events, char *why, size_t why_len,
		       struct sdb **ret)
{
	struct sqlite_db *d;
	int err;

	if (!cfg->path || strlen(cfg->path) > PATH_ROOM - 8 || !in6_is_routable(&cfg->self))
		return fail(why, why_len, -EINVAL, "a session database needs a file and the address "
			    "of this anchor");
	d = calloc(1, sizeof(*d));
	if (!d)
		return fail(why, why_len, -ENOMEM, "no memory");
	sdb_init(&d->base, l, cfg, events, wake);
	timer_init(&d->work, "session database work", on_work, d);
	timer_init(&d->poll, "session database watch", on_poll, d);
	d->log_max = cfg->log_max ? cfg->log_max : SDB_LOG_MAX;
	d->path = strdup(cfg->path);
	(void)snprintf(why, why_len, "no memory");
	err = d->path ? open_first(d, why, why_len) : -ENOMEM;
	if (err < 0) {
		sqlite_close(&d->base);
		return err;
	}
	d->base.health.ok = true;
	d->base.health.why[0] = '\0';
	*ret = &d->base;
	return 0;
}

const struct sdb_ops sdb_sqlite = {
	.name = "sqlite",
	.open = sqlite_open,
	.close = sqlite_close,
	.get_mn = sdb_get_mn,
	.put_if_version = sdb_put_if_version,
	.renew = sdb_renew,
	.del = sdb_del,
	.watch = sdb_watch,
	.get_policy = sdb_get_policy,
	.cancel = sdb_cancel,
	.health = sdb_health,
};
