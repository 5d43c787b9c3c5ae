/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The session database of network mode: which anchor has given which prefix to which mobile
 * node. One record for each (MN-ID, prefix), with one writer, the anchor (H-MAR) that owns the
 * prefix; everybody reads. It is a hint for finding the anchors of a node that arrives: PBU and
 * PBA decide, so a stale answer costs a retry and never a wrong entry, and a database that does
 * not answer stops nobody.
 *
 * Everything is asynchronous. A call returns 0, and its callback comes exactly once, never from
 * within the call; or negative errno, and there is no callback: -EINVAL the arguments cannot be
 * right, -EPERM the record is another anchor's, -EBUSY SDB_CALLS_MAX are outstanding, -ENOMEM,
 * -ESHUTDOWN during close. What a callback is given is good until it returns. It may make and
 * cancel calls; it may not close the database.
 */
#ifndef DMIP6_HA_SDB_H
#define DMIP6_HA_SDB_H

#include <string.h>

#include "common/core/in6.h"
#include "common/core/timer.h"

#define SDB_MN_ID_MAX	128		/* octets (RFC 4283 with our limit, as MH_MN_ID_MAX) */
#define SDB_MN_TEXT	392		/* room for an MN-ID as text, with the zero */
#define SDB_TEXT_MAX	1024		/* room for a record as text */
#define SDB_WHY_MAX	256
#define SDB_LIFETIME_MAX 31536000	/* seconds: a year */
#define SDB_CALLS_MAX	64		/* outstanding, for one database */
#define SDB_SELVES_MAX	32		/* addresses of one anchor */
#define SDB_RECORDS_MAX	32		/* in an answer: an MN's prefixes, or changes */

struct loop;
struct sdb;

struct sdb_mn_id {
	uint8_t subtype;		/* RFC 4283: 1 is a NAI */
	uint8_t len;			/* 1 to SDB_MN_ID_MAX */
	uint8_t data[SDB_MN_ID_MAX];
};

/* Orders the writings of one record: higher wins. The epoch is the writer's start (it grows
 * from start to start), the counter counts within. */
struct sdb_version {
	uint64_t epoch, counter;
};

enum sdb_state {
	SDB_ACTIVE,
	SDB_RELEASED,			/* a tombstone: kept for one lifetime, so that no write
					 * that was delayed can bring the session back */
	SDB_STATE_MAX
};

struct sdb_record {
	struct sdb_mn_id mn_id;
	struct in6_prefix prefix;	/* a /64 */
	struct in6_addr anchor;		/* of the H-MAR; the only writer */
	struct in6_addr proxy_coa;	/* of the V-MAR that served it last; ::, none */
	enum sdb_state state;
	uint32_t lifetime_s;		/* written: from now on; read: what remains, 1 at least */
	struct in6_addr linklocal;	/* of the MN; ::, not known */
	uint8_t mac[6];			/* of the MN */
	uint8_t access_type;		/* RFC 5213 8.5 */
	struct sdb_version version;
};

enum sdb_access {
	SDB_ALLOWED,
	SDB_REFUSED,
	SDB_LOCAL_ONLY,			/* a prefix of where it is, and no mobility */
	SDB_ACCESS_MAX
};

/* What the operator has said about an MN. */
struct sdb_policy {
	uint8_t mac[6];
	struct sdb_mn_id mn_id;
	enum sdb_access access;
};

/* A place in the log of changes. `run' says whose: it is the database's, or the run of the
 * server, and a cursor of another one is too old. All zero: now. */
struct sdb_cursor {
	uint64_t run, seq;
};

struct sdb_answer {
	int err;			/* 0, or negative errno, as each call says */
	/* get_mn: all of them; watch: what changed, oldest first; put_if_version, renew, del with
	 * -ESTALE or -EEXIST: the one that is in the way. Else none. */
	const struct sdb_record *records;
	unsigned int n_records;
	unsigned int n_bad;		/* rows of the database that were left out: they cannot be
					 * understood */
	bool durable;			/* put_if_version, del: it was asked for, and a loss of
					 * power (sqlite) or of the master (redis) does not undo
					 * it */
	const struct sdb_policy *policy;	/* get_policy */
	struct sdb_cursor cursor;	/* watch: where to go on */
};

typedef void sdb_done_fn(void *ctx, const struct sdb_answer *a);

enum sdb_reset {
	SDB_RESET_LINK,			/* the connection was lost and is back: calls that failed
					 * meanwhile may have been done or not */
	SDB_RESET_SERVER,		/* another server, or another run of it: what was
					 * acknowledged last may be lost */
	SDB_RESET_RESTORED,		/* it knows less than it did: an old copy */
	SDB_RESET_MAX
};

/* Of the owner, any may be NULL; from the loop, never from within a call. */
struct sdb_events {
	/* Assert all records again (put_if_version; what is there already is 0), those that were
	 * released a lifetime ago or less too, and before the others: an older state may say that
	 * they hold a prefix that was given to another since. */
	void (*reset)(void *ctx, enum sdb_reset what);
	/* sdb_health.ok has changed. */
	void (*health)(void *ctx);
	void *ctx;
};

struct sdb_health {
	bool ok;			/* the last that was asked was answered */
	char why[SDB_WHY_MAX];		/* a sentence, when not; else "" */
	usec_t rtt;			/* of the last answer; 0: there was none */
	uint64_t run;			/* as in sdb_cursor; 0: not known yet */
	unsigned int outstanding;	/* calls */
	uint64_t calls, timeouts;
	uint64_t late;			/* answers that came after the deadline, and were dropped */
	uint64_t busy;			/* calls that were refused with -EBUSY */
	uint64_t bad;			/* rows or answers that could not be understood */
	uint64_t not_durable;		/* writings that were to be durable, and no replica has
					 * acknowledged in time */
	uint64_t resets[SDB_RESET_MAX];
};

/* The strings are copied. */
struct sdb_config {
	struct in6_addr self;		/* our anchor address: what we write is ours */
	unsigned int n_others;		/* a router that has several prefixes has several */
	struct in6_addr others[SDB_SELVES_MAX];
	unsigned int log_max;		/* changes kept, about; 0: 10,000 */

	const char *path;		/* sqlite: the file; made if it is not there */

	/* redis: "[2001:db8::1]:6379", "192.0.2.1:6379", "unix:/run/redis.sock": no names, they
	 * would have to be waited for. Tried in turn; one that is a replica is passed over. */
	const char *const *servers;
	unsigned int n_servers;
	const char *sentinel_master;	/* then the servers are Sentinels, and this is the name of
					 * what they watch; NULL: they are not */
	const char *sentinel_user, *sentinel_password;
	const char *user, *password;	/* AUTH; NULL: none. A password without a user is of the
					 * user "default" */
	unsigned int replicas;		/* configured; more than 0: durable is WAIT 1 */
	const char *key_prefix;		/* NULL: "dmip6" */
	bool tls;			/* 1.3; of Sentinels too */
	const char *tls_authority;	/* PEM */
	const char *tls_name;		/* the server's dNSName; NULL: any of that authority */
	const char *tls_certificate, *tls_key;	/* ours, if the server wants one */
};

/* Deadlines are moments of the loop's clock (clock_now()): then the callback gets -ETIMEDOUT,
 * and an answer that comes later is dropped; a writing may have been done all the same.
 * Besides, every call can end with: -ENOTCONN the server cannot be reached; -ECONNRESET it was
 * lost in the middle (a writing may have been done); -EUCLEAN the database is damaged, not ours,
 * or what is stored there cannot be understood (nothing is overwritten); -EACCES, -EROFS, -ENOSPC,
 * -EIO it refused, see health; -ECANCELED it was closed. */
struct sdb_ops {
	const char *name;

	/* 0, or negative errno with a sentence in `why` (-EINVAL, -ENOTSUP it was not built in,
	 * -EUCLEAN the file is not what was expected, ...). sqlite opens the file here; redis
	 * returns before it is connected. `events' is copied. */
	int (*open)(struct loop *l, const struct sdb_config *cfg, const struct sdb_events *events,
		    char *why, size_t why_len, struct sdb **ret);
	/* What is outstanding gets -ECANCELED from within, in the order of the calls. NULL is
	 * harmless. */
	void (*close)(struct sdb *db);

	/* All records of an MN that have not ended, tombstones too. More than SDB_RECORDS_MAX: the
	 * rest counts as bad. */
	int (*get_mn)(struct sdb *db, const struct sdb_mn_id *mn_id, usec_t deadline,
		      sdb_done_fn *fn, void *ctx);
	/* Stores r if its version is higher than that of the record which is there, or if the
	 * very same is there (then only the end moves). Else -ESTALE with that record: it is
	 * newer, or has another anchor. -EEXIST with the record of another MN that has the prefix
	 * and is active: no prefix is ever given to two MNs.
	 * durable: sqlite: it is on the disk; redis: one replica has it, if any is configured. That
	 * is waited for half a second; then the answer is 0 all the same, and answer.durable says
	 * that it is not so. */
	int (*put_if_version)(struct sdb *db, const struct sdb_record *r, bool durable,
			      usec_t deadline, sdb_done_fn *fn, void *ctx);
	/* r, which is there in this version, ends r->lifetime_s from now. -ENOENT: it is not there,
	 * put it again. -ESTALE with the record: another version is. Not durable, no change for
	 * watchers. */
	int (*renew)(struct sdb *db, const struct sdb_record *r, usec_t deadline, sdb_done_fn *fn,
		     void *ctx);
	/* r, with a higher version, becomes a tombstone for r->lifetime_s, also if nothing is
	 * there; durable. Errors as put_if_version. r->state is not looked at. */
	int (*del)(struct sdb *db, const struct sdb_record *r, usec_t deadline, sdb_done_fn *fn,
		   void *ctx);
	/* What changed after `from': answered as soon as there is something, a poll's time late
	 * (50 ms). -ERANGE with a cursor: too old, or of another run; read all again, then go on
	 * from there. From now: answered at once, with the cursor alone. -ETIMEDOUT: nothing
	 * changed (this counts as no timeout). */
	int (*watch)(struct sdb *db, const struct sdb_cursor *from, usec_t deadline,
		     sdb_done_fn *fn, void *ctx);
	int (*get_policy)(struct sdb *db, const uint8_t mac[6], usec_t deadline, sdb_done_fn *fn,
			  void *ctx);	/* -ENOENT: nothing was said about it */
	/* Forgets all calls with this ctx: no callback. */
	void (*cancel)(struct sdb *db, const void *ctx);
	/* A snapshot; at once. */
	void (*health)(const struct sdb *db, struct sdb_health *ret);
};

extern const struct sdb_ops sdb_sqlite;
extern const struct sdb_ops sdb_redis;	/* open gives -ENOTSUP without --with-redis */

/* ---- records and policies as values (sdb.c) ---- */

struct sdb_mn_text { char s[SDB_MN_TEXT]; };
struct sdb_text { char s[SDB_TEXT_MAX]; };

static inline bool sdb_mn_id_eq(const struct sdb_mn_id *a, const struct sdb_mn_id *b)
{
	return a->subtype == b->subtype && a->len == b->len &&
	       memcmp(a->data, b->data, a->len) == 0;
}

/* "SUBTYPE:IDENTIFIER", what is not a letter, digit or one of -._@+= as %XX. One text for each
 * MN-ID: it is its key. */
struct sdb_mn_text sdb_mn_id_str(const struct sdb_mn_id *id);
int sdb_mn_id_parse(const char *s, struct sdb_mn_id *ret);	/* 0 or -EINVAL */

/* Decimal digits alone, as we write them: no sign, space or leading zero. 0 or -EINVAL. */
int sdb_number(const char *s, uint64_t max, uint64_t *ret);

int sdb_version_cmp(const struct sdb_version *a, const struct sdb_version *b);	/* <0, 0, >0 */

/* 0, or -EINVAL: what nobody may store. */
int sdb_record_check(const struct sdb_record *r);
/* All but lifetime_s. */
bool sdb_record_same(const struct sdb_record *a, const struct sdb_record *b);
/* The form of both backends, schema 1: "v=1 mn=1:a@example.com prefix=2001:db8::/64 anchor=... "
 * "proxy-coa=... state=active lifetime=3600 linklocal=... mac=... access=4 version=E.C", in this
 * order, E and C as 16 hexadecimal digits. The record is a good one. */
struct sdb_text sdb_record_str(const struct sdb_record *r);
/* 0; -EINVAL it cannot be understood; -EPROTONOSUPPORT it is of a newer schema. */
int sdb_record_parse(const char *s, struct sdb_record *ret);

/* May r be stored by its anchor? stored: what is there of (MN-ID, prefix), NULL: nothing; holder:
 * the active record of another MN with that prefix, NULL: none. 0, -ESTALE or -EEXIST. */
int sdb_record_decide(const struct sdb_record *r, const struct sdb_record *stored,
		      const struct sdb_record *holder);
/* The same for renewing: 0, -ENOENT, -ESTALE. */
int sdb_record_renewable(const struct sdb_record *r, const struct sdb_record *stored);

const char *sdb_state_str(enum sdb_state s);
const char *sdb_access_str(enum sdb_access a);
int sdb_access_parse(const char *s, enum sdb_access *ret);
const char *sdb_reset_str(enum sdb_reset r);

#endif
