/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leases in SQLite: WAL, synced at each commit, one writer (a lock file
 * beside the database), and the homes they are of. Called by store.c and io.c.
 */
#include "ha-agent/leasedb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ha-agent/sqlite.h"

#define DB_NAME		"had.db"
#define LOCK_NAME	"had.lock"
#define APPLICATION_ID	1684892016	/* "dmip" */
#define VERSION		3
#define BUSY_MS		2000
#define PATH_ROOM	4096
#define TEXT_OF(x)	#x
#define TEXT(x)		TEXT_OF(x)

enum statement {
	PUT_LEASE, ALL_LEASES, PUT_HOME, DEL_HOME, ALL_HOMES, BEGIN, COMMIT, ROLLBACK,
	STATEMENT_MAX
};

static const char *const sql[STATEMENT_MAX] = {
	[PUT_LEASE] = "REPLACE INTO lease (prefix, mac, interface, linklocal, attached, until,"
		      " name) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[ALL_LEASES] = "SELECT prefix, mac, interface, linklocal, attached, until, name"
		       " FROM lease ORDER BY until",
	[PUT_HOME] = "REPLACE INTO home (prefix, shared, address, interface, deprecated, lifetime,"
		     " until) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[DEL_HOME] = "DELETE FROM home WHERE prefix = ?1",
	[ALL_HOMES] = "SELECT prefix, shared, address, interface, deprecated, lifetime, until"
		      " FROM home",
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
};

/* A host has a lease of each home that it was at. */
#define LEASE_TABLE \
	"CREATE TABLE lease (" \
	" prefix TEXT NOT NULL PRIMARY KEY," \
	" mac TEXT NOT NULL," \
	" interface TEXT NOT NULL," \
	" linklocal TEXT NOT NULL,"	/* :: when it is not known */ \
	" attached INTEGER NOT NULL," \
	" until INTEGER NOT NULL,"	/* seconds of the epoch, as all times */ \
	" name BLOB NOT NULL DEFAULT x''" /* subtype and octets of an MN-ID; or nothing */ \
	") STRICT, WITHOUT ROWID;"
#define HOME_TABLE \
	"CREATE TABLE home (" \
	" prefix TEXT NOT NULL PRIMARY KEY," \
	" shared INTEGER NOT NULL," \
	" address TEXT NOT NULL," \
	" interface TEXT NOT NULL," \
	" deprecated INTEGER NOT NULL," \
	" lifetime INTEGER NOT NULL,"	/* of prefixes, seconds */ \
	" until INTEGER NOT NULL"	/* 0: it is configured */ \
	") STRICT, WITHOUT ROWID;"

static const char schema[] =
	"BEGIN IMMEDIATE;"
	LEASE_TABLE
	HOME_TABLE
	"PRAGMA application_id = " TEXT(APPLICATION_ID) ";"
	"PRAGMA user_version = " TEXT(VERSION) ";"
	"COMMIT;";

/* From version 1, where a host had one lease. */
static const char upgrade_1[] =
	"BEGIN IMMEDIATE;"
	"ALTER TABLE lease RENAME TO lease_1;"
	LEASE_TABLE
	"INSERT INTO lease SELECT prefix, mac, interface, linklocal, attached, until, x''"
	" FROM lease_1;"
	"DROP TABLE lease_1;"
	HOME_TABLE
	"PRAGMA user_version = " TEXT(VERSION) ";"
	"COMMIT;";

/* From version 2, where a host had no name. */
static const char upgrade_2[] =
	"BEGIN IMMEDIATE;"
	"ALTER TABLE lease ADD COLUMN name BLOB NOT NULL DEFAULT x'';"
	"PRAGMA user_version = " TEXT(VERSION) ";"
	"COMMIT;";

static const char *const to_this[VERSION] = { schema, upgrade_1, upgrade_2 };

struct leasedb {
	sqlite3 *sqlite;
	sqlite3_stmt *statements[STATEMENT_MAX];
	int lock_fd;
	bool durable;			/* what `synchronous' is set to: FULL, or NORMAL */
};

static int fail(char *why, size_t len, int err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int fail(char *why, size_t len, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, len, fmt, ap);
	va_end(ap);
	return err;
}

const char *leasedb_error(const struct leasedb *db)
{
	return sqlite3_errmsg(db->sqlite);
}

/* ---- opening ---- */

static int take_lock(struct leasedb *db, const char *dir, char *why, size_t len)
{
	char path[PATH_ROOM];

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, LOCK_NAME) >= sizeof(path))
		return fail(why, len, -ENAMETOOLONG, "the name of the state directory is too long");
	db->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (db->lock_fd < 0)
		return fail(why, len, -errno, "state directory %s cannot be written: %s", dir,
			    strerror(errno));
	if (flock(db->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return fail(why, len, -EBUSY,
			    "another home agent works with the state directory %s", dir);
	return 0;
}

static int refuse(struct leasedb *db, const char *path, int err, char *why, size_t len)
{
	switch (err) {
	case -EUCLEAN:
		return fail(why, len, err, "%s is damaged or not a database (%s); it was left "
			    "as it is: restore or move it away", path, leasedb_error(db));
	case -EROFS:
		return fail(why, len, err, "%s is read-only; leases could not be kept", path);
	case -EBUSY:
		return fail(why, len, err, "%s is locked by another program", path);
	default:
		return fail(why, len, err, "%s cannot be used: %s", path, leasedb_error(db));
	}
}

/* Is it ours, whole and of a version that we know (0: it is new)? Nothing is written for
 * this. */
static int look(struct leasedb *db, const char *path, int *ret_version, char *why, size_t len)
{
	int version = 0, application = 0, tables = 0;
	int err = sqlite_int(db->sqlite, "PRAGMA user_version", &version);

	if (err == 0)
		err = sqlite_int(db->sqlite, "PRAGMA application_id", &application);
	if (err == 0)
		err = sqlite_int(db->sqlite, "SELECT count(*) FROM sqlite_master", &tables);
	if (err == 0)
		err = sqlite_expect(db->sqlite, "PRAGMA quick_check(1)", "ok");
	if (err < 0)
		return refuse(db, path, err, why, len);
	*ret_version = version;
	if (tables == 0 && version == 0)
		return 0;
	if (application != APPLICATION_ID)
		return fail(why, len, -EUCLEAN, "%s is a database, but not of dmip6-had", path);
	if (version < 1 || version > VERSION)
		return fail(why, len, -EUCLEAN, "%s has version %d, this program knows version %d",
			    path, version, VERSION);
	return 0;
}

static int prepare(struct leasedb *db)
{
	for (enum statement i = 0; i < STATEMENT_MAX; i++) {
		int rc = sqlite3_prepare_v3(db->sqlite, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
					    &db->statements[i], NULL);

		if (rc != SQLITE_OK)
			return sqlite_errno(rc);
	}
	return 0;
}

static int open_file(struct leasedb *db, const char *path, char *why, size_t len)
{
	struct stat st;
	int version = 0, rc, err;

	/* The super-user could write it all the same; who marked it so meant it. */
	if (stat(path, &st) == 0 && !(st.st_mode & S_IWUSR))
		return fail(why, len, -EROFS, "%s is read-only; leases could not be kept", path);
	rc = sqlite3_open_v2(path, &db->sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	if (rc != SQLITE_OK)
		return refuse(db, path, sqlite_errno(rc), why, len);
	sqlite3_busy_timeout(db->sqlite, BUSY_MS);
	err = look(db, path, &version, why, len);
	if (err < 0)
		return err;
	if (sqlite3_db_readonly(db->sqlite, "main") != 0)
		return refuse(db, path, -EROFS, why, len);
	rc = sqlite3_exec(db->sqlite, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
			  NULL, NULL, NULL);
	if (rc == SQLITE_OK && version < VERSION)
		rc = sqlite3_exec(db->sqlite, to_this[version], NULL, NULL, NULL);
	/* A file system may refuse what the file's mode allows. */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->sqlite, "BEGIN IMMEDIATE; ROLLBACK", NULL, NULL, NULL);
	db->durable = true;
	err = rc == SQLITE_OK ? prepare(db) : sqlite_errno(rc);
	return err < 0 ? refuse(db, path, err, why, len) : 0;
}

int leasedb_open(const char *dir, char *why, size_t why_len, struct leasedb **ret)
{
	struct leasedb *db = calloc(1, sizeof(*db));
	char path[PATH_ROOM];
	int err;

	if (!db)
		return fail(why, why_len, -ENOMEM, "no memory");
	db->lock_fd = -1;
	err = take_lock(db, dir, why, why_len);
	if (err == 0 &&
	    (size_t)snprintf(path, sizeof(path), "%s/%s", dir, DB_NAME) >= sizeof(path))
		err = fail(why, why_len, -ENAMETOOLONG, "the state directory's name is too long");
	if (err == 0)
		err = open_file(db, path, why, why_len);
	if (err < 0) {
		leasedb_close(db);
		return err;
	}
	*ret = db;
	return 0;
}

void leasedb_close(struct leasedb *db)
{
	if (!db)
		return;
	for (enum statement i = 0; i < STATEMENT_MAX; i++)
		sqlite3_finalize(db->statements[i]);
	sqlite3_close(db->sqlite);
	if (db->lock_fd >= 0)
		close(db->lock_fd);
	free(db);
}

/* ---- writing ---- */

static int run(struct leasedb *db, enum statement which)
{
	sqlite3_stmt *st = db->statements[which];
	int rc = sqlite3_step(st);

	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return sqlite_errno(rc);
}

int leasedb_begin(struct leasedb *db, bool durable)
{
	int rc = SQLITE_OK;

	/* In WAL mode NORMAL leaves the disk to the next checkpoint. */
	if (db->durable != durable)
		rc = sqlite3_exec(db->sqlite, durable ? "PRAGMA synchronous = FULL" :
				  "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return sqlite_errno(rc);
	db->durable = durable;
	return run(db, BEGIN);
}

int leasedb_commit(struct leasedb *db)
{
	return run(db, COMMIT);
}

void leasedb_rollback(struct leasedb *db)
{
	(void)run(db, ROLLBACK);
}

static void bind_text(sqlite3_stmt *st, int at, const char *text)
{
	sqlite3_bind_text(st, at, text, -1, SQLITE_TRANSIENT);
}

/* Rounded up: nothing is kept for shorter than was said. */
static int64_t seconds_up(usec_t t)
{
	return (t + USEC_S - 1) / USEC_S;
}

int leasedb_put_lease(struct leasedb *db, const struct ha_lease_record *r)
{
	sqlite3_stmt *st = db->statements[PUT_LEASE];
	uint8_t name[1 + SDB_MN_ID_MAX];

	bind_text(st, 1, in6_prefix_str(&r->prefix).s);
	bind_text(st, 2, mac_str(r->mac).s);
	bind_text(st, 3, r->interface);
	bind_text(st, 4, in6_str(&r->linklocal).s);
	sqlite3_bind_int(st, 5, r->attached);
	sqlite3_bind_int64(st, 6, seconds_up(r->until));
	name[0] = r->name.subtype;
	memcpy(name + 1, r->name.data, r->name.len);
	sqlite3_bind_blob(st, 7, name, r->name.len > 0 ? 1 + r->name.len : 0, SQLITE_TRANSIENT);
	return run(db, PUT_LEASE);
}

int leasedb_put_home(struct leasedb *db, const struct ha_home_record *r)
{
	sqlite3_stmt *st = db->statements[PUT_HOME];

	bind_text(st, 1, in6_prefix_str(&r->cfg.prefix).s);
	sqlite3_bind_int(st, 2, r->cfg.mode == HOME_SHARED);
	bind_text(st, 3, in6_str(&r->cfg.address).s);
	bind_text(st, 4, r->cfg.interface);
	sqlite3_bind_int(st, 5, r->cfg.deprecated);
	sqlite3_bind_int64(st, 6, r->lifetime_s);
	sqlite3_bind_int64(st, 7, seconds_up(r->until));
	return run(db, PUT_HOME);
}

int leasedb_del_home(struct leasedb *db, const struct in6_prefix *prefix)
{
	bind_text(db->statements[DEL_HOME], 1, in6_prefix_str(prefix).s);
	return run(db, DEL_HOME);
}

/* ---- reading ---- */

static const char *text_at(sqlite3_stmt *st, int at)
{
	const unsigned char *t = sqlite3_column_text(st, at);

	return t ? (const char *)t : "";
}

static int read_lease(sqlite3_stmt *st, struct ha_lease_record *ret)
{
	struct ha_lease_record r = { .attached = sqlite3_column_int(st, 4) != 0 };
	const char *interface = text_at(st, 2);
	int64_t until = sqlite3_column_int64(st, 5);
	const uint8_t *name = sqlite3_column_blob(st, 6);
	int name_len = sqlite3_column_bytes(st, 6);

	if (in6_prefix_parse(text_at(st, 0), &r.prefix) < 0 ||
	    mac_parse(text_at(st, 1), r.mac) < 0 || strlen(interface) >= sizeof(r.interface) ||
	    in6_parse(text_at(st, 3), &r.linklocal) < 0 || until < 0 ||
	    until > INT64_MAX / USEC_S)
		return -EUCLEAN;
	if (name_len == 1 || name_len > 1 + SDB_MN_ID_MAX)
		return -EUCLEAN;
	if (name_len > 1) {
		r.name.subtype = name[0];
		r.name.len = (uint8_t)(name_len - 1);
		memcpy(r.name.data, name + 1, r.name.len);
	}
	snprintf(r.interface, sizeof(r.interface), "%s", interface);
	r.until = until * USEC_S;
	*ret = r;
	return 0;
}

int leasedb_each_lease(struct leasedb *db, void (*fn)(void *ctx, const struct ha_lease_record *r),
		       void *ctx)
{
	sqlite3_stmt *st = db->statements[ALL_LEASES];
	struct ha_lease_record r;
	int rc, err = 0;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		err = read_lease(st, &r);
		if (err < 0)
			break;
		fn(ctx, &r);
	}
	sqlite3_reset(st);
	return err < 0 ? err : sqlite_errno(rc);
}

static int read_home(sqlite3_stmt *st, struct ha_home_record *ret)
{
	struct ha_home_record r = {
		.cfg.mode = sqlite3_column_int(st, 1) ? HOME_SHARED : HOME_PER_HOST,
		.cfg.deprecated = sqlite3_column_int(st, 4) != 0,
	};
	const char *interface = text_at(st, 3);
	int64_t lifetime = sqlite3_column_int64(st, 5), until = sqlite3_column_int64(st, 6);

	if (in6_prefix_parse(text_at(st, 0), &r.cfg.prefix) < 0 ||
	    in6_parse(text_at(st, 2), &r.cfg.address) < 0 ||
	    strlen(interface) >= sizeof(r.cfg.interface) || lifetime < 0 ||
	    lifetime > UINT32_MAX || until < 0 || until > INT64_MAX / USEC_S)
		return -EUCLEAN;
	snprintf(r.cfg.interface, sizeof(r.cfg.interface), "%s", interface);
	r.lifetime_s = (uint32_t)lifetime;
	r.until = until * USEC_S;
	*ret = r;
	return 0;
}

int leasedb_each_home(struct leasedb *db, void (*fn)(void *ctx, const struct ha_home_record *r),
		      void *ctx)
{
	sqlite3_stmt *st = db->statements[ALL_HOMES];
	struct ha_home_record r;
	int rc, err = 0;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		err = read_home(st, &r);
		if (err < 0)
			break;
		fn(ctx, &r);
	}
	sqlite3_reset(st);
	return err < 0 ? err : sqlite_errno(rc);
}
