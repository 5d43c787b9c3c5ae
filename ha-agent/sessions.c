/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns the session database's handle and a record of each of our prefixes that is there, or should
 * be; called by io_network.c. One writing for one record at a time; each is newer than the last
 * (epoch: the start of this run, counter).
 *
 *	timer (session)	written well: a third of the lifetime later it is written again;
 *			written badly: again after 1 s, 2 s, ... 60 s;
 *			over: forgotten when its tombstone ends
 *	watch		the database could not be asked what has changed: again
 */
#include "ha-agent/sessions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "common/sys/clock.h"
#include "common/sys/file.h"
#include "common/core/hash.h"
#include "ha-agent/lma.h"

#define PASSWORD_MAX	256

enum session_state { SESSION_QUIET, SESSION_WAITS, SESSION_ASKED };

struct session {
	UT_hash_handle hh;
	struct in6_addr key;		/* the prefix's */
	struct in6_prefix prefix;
	uint8_t mac[6];
	struct in6_addr linklocal;
	struct sdb_mn_id id;		/* the host's name when it was said last */
	bool over;			/* to be, or, a tombstone */
	bool again;			/* it has changed while it was being written */
	bool put_once;			/* the database has heard of it */
	enum session_state state;
	usec_t pause;			/* after a failure; 0: there was none */
	struct timer timer;
	struct sessions *of;
	TAILQ_ENTRY(session) waits;
};

struct sessions {
	struct loop *loop;
	struct ha *ha;
	const struct sdb_ops *ops;
	struct sdb *db;
	struct in6_addr self;
	uint64_t epoch, counter;
	struct session *all;
	TAILQ_HEAD(, session) waiting;
	unsigned int n_asked, n_waiting;
	uint64_t conflicts;
	bool was_ok;
	struct sdb_cursor seen;		/* changes by anybody, so far */
	struct timer watch;
};

static void pump(struct sessions *s);

static void forget(struct session *e)
{
	struct sessions *s = e->of;

	timer_stop(loop_timers(s->loop), &e->timer);
	if (e->state == SESSION_WAITS) {
		TAILQ_REMOVE(&s->waiting, e, waits);
		s->n_waiting--;
	}
	HASH_DELETE(hh, s->all, e);
	free(e);
}

static void want(struct session *e)
{
	struct sessions *s = e->of;

	timer_stop(loop_timers(s->loop), &e->timer);
	if (e->state == SESSION_ASKED) {
		e->again = true;
		return;
	}
	if (e->state == SESSION_WAITS)
		return;
	e->state = SESSION_WAITS;
	s->n_waiting++;
	/* What is over goes first: an older state may say that it still holds what
	 * was given to another since. */
	if (e->over)
		TAILQ_INSERT_HEAD(&s->waiting, e, waits);
	else
		TAILQ_INSERT_TAIL(&s->waiting, e, waits);
}

static void on_timer(void *ctx, usec_t now)
{
	struct session *e = ctx;
	struct sessions *s = e->of;

	(void)now;
	if (e->over && e->pause == 0) {
		forget(e);
		return;
	}
	want(e);
	pump(s);
}

static void later(struct session *e)
{
	e->pause = e->pause == 0 ? SESSIONS_RETRY_MIN : 2 * e->pause;
	if (e->pause > SESSIONS_RETRY_MAX)
		e->pause = SESSIONS_RETRY_MAX;
	(void)timer_set(loop_timers(e->of->loop), &e->timer, clock_now() + e->pause);
}

/* ---- writing ---- */

/* How long the host may have the prefix still, in seconds; 0: it is not its own any more. */
static uint32_t left(const struct session *e)
{
	const struct lease *l = ha_find_lease(e->of->ha, &e->prefix.addr);
	usec_t t = l ? l->valid_until - clock_now() : 0;

	if (!l || l->state == LEASE_FREE || memcmp(l->mac, e->mac, sizeof(e->mac)) != 0 || t <= 0)
		return 0;
	return t / USEC_S < SDB_LIFETIME_MAX ? (uint32_t)(t / USEC_S) + 1 : SDB_LIFETIME_MAX;
}

static struct sdb_record record(struct session *e)
{
	struct sessions *s = e->of;
	struct sdb_record r = {
		.mn_id = e->id, .prefix = e->prefix, .anchor = s->self,
		.lifetime_s = left(e), .linklocal = e->linklocal,
		.access_type = s->ha->cfg->access_type,
		.version = { s->epoch, ++s->counter },
	};
	const struct ha_home *home = ha_home_of(s->ha, &e->prefix.addr);

	if (home)
		r.anchor = home->cfg.address;
	memcpy(r.mac, e->mac, sizeof(r.mac));
	if (r.lifetime_s == 0)
		e->over = true;
	/* A tombstone lasts as long as anybody could believe what it is about. */
	if (e->over) {
		r.state = SDB_RELEASED;
		r.lifetime_s = (uint32_t)(s->ha->cfg->prefix_lifetime / USEC_S) + 1;
	}
	return r;
}

/* A host that had the prefix before us has it no longer: we own it, and have given it away. */
static int bury(struct session *e, const struct sdb_record *held, sdb_done_fn *fn)
{
	struct sessions *s = e->of;
	struct sdb_record r = *held;

	r.version = (struct sdb_version){ s->epoch, ++s->counter };
	r.lifetime_s = (uint32_t)(s->ha->cfg->prefix_lifetime / USEC_S) + 1;
	return s->ops->del(s->db, &r, clock_now() + SESSIONS_PUT_TIME, fn, e);
}

static void on_buried(void *ctx, const struct sdb_answer *a)
{
	struct session *e = ctx;
	struct sessions *s = e->of;

	s->n_asked--;
	e->state = SESSION_QUIET;
	if (a->err < 0 && a->err != -ECANCELED)
		later(e);
	else if (a->err == 0)
		want(e);
	if (a->err != -ECANCELED)
		pump(s);
}

/* What stands in the way of a record. True: it is dealt with. */
static bool put_right(struct session *e, const struct sdb_answer *a, sdb_done_fn *on_gone)
{
	struct sessions *s = e->of;
	const struct sdb_record *held = a->n_records > 0 ? &a->records[0] : NULL;

	if (!held)
		return false;
	if (!ha_is_own_address(s->ha, &held->anchor)) {
		if (s->conflicts++ == 0)
			log_error("session database: prefix %s of ours is held by router %s; expected "
				  "each prefix to be of one router", in6_prefix_str(&e->prefix).s,
				  in6_str(&held->anchor).s);
		return false;
	}
	/* Ours, of a run whose clock was ahead of this one's. */
	if (held->version.epoch >= s->epoch)
		s->epoch = held->version.epoch + 1;
	if (a->err == -EEXIST) {
		if (bury(e, held, on_gone) < 0)
			return false;
		s->n_asked++;
		e->state = SESSION_ASKED;
		return true;
	}
	want(e);
	return true;
}

static void on_written(void *ctx, const struct sdb_answer *a)
{
	struct session *e = ctx;
	struct sessions *s = e->of;
	uint32_t t;

	s->n_asked--;
	e->state = SESSION_QUIET;
	if (a->err == -ECANCELED)
		return;
	if (a->err == 0) {
		e->put_once = true;
		e->pause = 0;
		t = left(e);
		(void)timer_set(loop_timers(s->loop), &e->timer, clock_now() +
				(e->over ? s->ha->cfg->prefix_lifetime :
				 (usec_t)(t / 3 + 1) * USEC_S));
		if (e->again)
			want(e);
	} else if ((a->err != -ESTALE && a->err != -EEXIST) || !put_right(e, a, on_buried)) {
		later(e);
	}
	e->again = false;
	pump(s);
}

static void pump(struct sessions *s)
{
	struct session *e;

	while (s->n_asked < SESSIONS_PUTS_MAX && (e = TAILQ_FIRST(&s->waiting))) {
		usec_t due = clock_now() + SESSIONS_PUT_TIME;
		struct sdb_record r = record(e);
		int err;

		err = e->over ? s->ops->del(s->db, &r, due, on_written, e) :
		      s->ops->put_if_version(s->db, &r, !e->put_once, due, on_written, e);
		if (err == -EBUSY)
			return;		/* an answer comes, and then this goes on */
		TAILQ_REMOVE(&s->waiting, e, waits);
		s->n_waiting--;
		e->state = err == 0 ? SESSION_ASKED : SESSION_QUIET;
		if (err == 0)
			s->n_asked++;
		else
			later(e);
	}
}

static struct session *find(const struct sessions *s, const struct in6_prefix *prefix)
{
	struct session *e;

	HASH_FIND(hh, s->all, &prefix->addr, sizeof(prefix->addr), e);
	return e;
}

static struct session *begin(struct sessions *s, const struct lease *l)
{
	struct session *e = calloc(1, sizeof(*e));

	if (!e) {
		log_error("session of %s: no memory", in6_prefix_str(&l->prefix).s);
		return NULL;
	}
	e->of = s;
	e->prefix = l->prefix;
	e->key = l->prefix.addr;
	timer_init(&e->timer, "session", on_timer, e);
	HASH_ADD(hh, s->all, key, sizeof(e->key), e);
	return e;
}

void sessions_put(struct sessions *s, const struct lease *l)
{
	const struct sdb_mn_id id = hosts_name(s->ha, l->mac);
	struct session *e = find(s, &l->prefix);

	if (e && !e->over && memcmp(e->mac, l->mac, sizeof(e->mac)) == 0 &&
	    in6_eq(&e->linklocal, &l->linklocal) && sdb_mn_id_eq(&e->id, &id))
		return;
	if (!e)
		e = begin(s, l);
	if (!e)
		return;
	e->over = false;
	e->id = id;
	memcpy(e->mac, l->mac, sizeof(e->mac));
	e->linklocal = l->linklocal;
	want(e);
	pump(s);
}

void sessions_del(struct sessions *s, const struct in6_prefix *prefix)
{
	struct session *e = find(s, prefix);

	if (!e || e->over)
		return;
	e->over = true;
	want(e);
	pump(s);
}

/* ---- asking ---- */

struct question {
	struct sessions *of;
	uint8_t mac[6];
};

static void on_found(void *ctx, const struct sdb_answer *a)
{
	struct question q = *(struct question *)ctx;

	free(ctx);
	if (a->err == -ECANCELED)
		return;
	mag_found(q.of->ha, q.mac, a->err, a->records, a->n_records, clock_now());
	pump(q.of);
}

/* First what the operator says of the host there: it may be none of ours. */
static void on_policy(void *ctx, const struct sdb_answer *a)
{
	struct question *q = ctx;
	struct sessions *s = q->of;
	usec_t now = clock_now();
	int err = a->err == -ENOENT ? 0 : a->err;
	bool asks = false;

	if (err == 0) {
		hosts_policy(s->ha, q->mac, a->err == 0 ? a->policy : NULL, now);
		asks = hosts_access(s->ha, q->mac) == SDB_ALLOWED;
	}
	if (asks) {
		const struct sdb_mn_id id = hosts_name(s->ha, q->mac);

		err = s->ops->get_mn(s->db, &id, now + SESSIONS_FIND_TIME, on_found, q);
		if (err == 0)
			return;
	}
	if (err != -ECANCELED)
		mag_found(s->ha, q->mac, err, NULL, 0, now);
	free(q);
	if (err != -ECANCELED)
		pump(s);
}

static void on_checked(void *ctx, const struct sdb_answer *a)
{
	struct question q = *(struct question *)ctx;

	free(ctx);
	if (a->err != -ECANCELED)
		claims_found(q.of->ha, q.mac, a->err, a->records, a->n_records, clock_now());
}

int sessions_check(struct sessions *s, const uint8_t mac[6])
{
	const struct sdb_mn_id id = hosts_name(s->ha, mac);
	struct question *q = malloc(sizeof(*q));
	int err;

	if (!q)
		return -ENOMEM;
	q->of = s;
	memcpy(q->mac, mac, sizeof(q->mac));
	err = s->ops->get_mn(s->db, &id, clock_now() + SESSIONS_FIND_TIME, on_checked, q);
	if (err < 0)
		free(q);
	return err;
}

int sessions_find(struct sessions *s, const uint8_t mac[6])
{
	struct question *q = malloc(sizeof(*q));
	int err;

	if (!q)
		return -ENOMEM;
	q->of = s;
	memcpy(q->mac, mac, sizeof(q->mac));
	err = s->ops->get_policy(s->db, mac, clock_now() + SESSIONS_FIND_TIME, on_policy, q);
	if (err < 0)
		free(q);
	return err;
}

/* ---- what others write ---- */

static void on_changes(void *ctx, const struct sdb_answer *a);

static void on_watch(void *ctx, usec_t now)
{
	struct sessions *s = ctx;

	if (s->ops->watch(s->db, &s->seen, now + SESSIONS_WATCH_TIME, on_changes, s) < 0)
		(void)timer_set(loop_timers(s->loop), &s->watch, now + SESSIONS_RETRY_MIN);
}

/* A host may be here before the router that it comes from has written down what it gave it. */
static void on_changes(void *ctx, const struct sdb_answer *a)
{
	struct sessions *s = ctx;
	usec_t now = clock_now();

	if (a->err == -ECANCELED)
		return;
	if (a->err == 0 || a->err == -ERANGE)
		s->seen = a->cursor;
	for (unsigned int i = 0; a->err == 0 && i < a->n_records; i++)
		mag_changed(s->ha, &a->records[i], now);
	/* Something was missed. */
	if (a->err == -ERANGE)
		mag_database_back(s->ha, true, now);
	if (a->err == 0 || a->err == -ERANGE || a->err == -ETIMEDOUT)
		on_watch(s, now);
	else
		(void)timer_set(loop_timers(s->loop), &s->watch, now + SESSIONS_RETRY_MIN);
}

/* ---- life ---- */

/* What was acknowledged may be lost: all is said again. */
static void on_reset(void *ctx, enum sdb_reset what)
{
	struct sessions *s = ctx;
	struct session *e, *next;

	log_warn("session database: %s; all %u records are written again", sdb_reset_str(what),
		 HASH_CNT(hh, s->all));
	HASH_ITER(hh, s->all, e, next) {
		e->pause = 0;
		want(e);
	}
	pump(s);
	mag_database_back(s->ha, what != SDB_RESET_LINK, clock_now());
}

static void on_health(void *ctx)
{
	struct sessions *s = ctx;
	struct sdb_health h;

	s->ops->health(s->db, &h);
	if (h.ok == s->was_ok)
		return;
	s->was_ok = h.ok;
	if (h.ok) {
		log_info("session database: it answers");
		mag_database_back(s->ha, false, clock_now());
	} else {
		log_warn("session database: %s; hosts get new prefixes, and their earlier ones when "
			 "it answers again", h.why);
	}
}

static int read_password(const char *path, char ret[PASSWORD_MAX], char *why, size_t len)
{
	char *text;
	size_t n;
	int err;

	ret[0] = '\0';
	if (path[0] == '\0')
		return 0;
	err = file_read(path, PASSWORD_MAX - 1, &text, &n);
	if (err < 0) {
		(void)snprintf(why, len, "password-file %s: %s", path, strerror(-err));
		return err;
	}
	memcpy(ret, text, n);
	ret[n] = '\0';
	ret[strcspn(ret, "\r\n")] = '\0';
	explicit_bzero(text, n);
	free(text);
	return 0;
}

static const char *or_null(const char *s)
{
	return s[0] != '\0' ? s : NULL;
}

static int open_backend(struct sessions *s, const struct ha_sessions_config *cfg, char *why,
			size_t len)
{
	const char *servers[HA_MAX_SERVERS];
	const struct sdb_events events = { .reset = on_reset, .health = on_health, .ctx = s };
	char password[PASSWORD_MAX];
	struct sdb_config c = {
		.self = s->self, .path = or_null(cfg->path), .servers = servers,
		.n_servers = cfg->n_servers, .sentinel_master = or_null(cfg->sentinel_master),
		.user = or_null(cfg->user), .password = password, .replicas = cfg->replicas,
		.key_prefix = or_null(cfg->key_prefix), .tls = cfg->tls,
		.tls_authority = or_null(cfg->authority), .tls_name = or_null(cfg->server_name),
		.tls_certificate = or_null(cfg->certificate), .tls_key = or_null(cfg->private_key),
	};
	int err = read_password(cfg->password_file, password, why, len);

	_Static_assert(HA_MAX_HOMES <= SDB_SELVES_MAX, "each prefix has an address");
	if (err < 0)
		return err;
	c.n_others = ha_addresses(s->ha, c.others);
	c.password = or_null(password);
	for (unsigned int i = 0; i < cfg->n_servers; i++)
		servers[i] = cfg->servers[i];
	s->ops = cfg->backend == HA_SESSIONS_REDIS ? &sdb_redis : &sdb_sqlite;
	err = s->ops->open(s->loop, &c, &events, why, len, &s->db);
	explicit_bzero(password, sizeof(password));
	return err;
}

int sessions_open(struct loop *loop, struct ha *ha, const struct ha_sessions_config *cfg,
		  const struct in6_addr *self, char *why, size_t len, struct sessions **ret)
{
	struct sessions *s = calloc(1, sizeof(*s));
	int err;

	if (!s) {
		(void)snprintf(why, len, "no memory");
		return -ENOMEM;
	}
	s->loop = loop;
	s->ha = ha;
	s->self = *self;
	s->epoch = (uint64_t)clock_wall_us();
	s->was_ok = true;
	TAILQ_INIT(&s->waiting);
	err = open_backend(s, cfg, why, len);
	if (err < 0) {
		free(s);
		return err;
	}
	timer_init(&s->watch, "watch", on_watch, s);
	on_watch(s, clock_now());
	*ret = s;
	return 0;
}

void sessions_close(struct sessions *s)
{
	struct session *e, *next;

	if (!s)
		return;
	s->ops->close(s->db);
	timer_stop(loop_timers(s->loop), &s->watch);
	HASH_ITER(hh, s->all, e, next)
		forget(e);
	free(s);
}

void sessions_state(const struct sessions *s, struct sessions_state *ret)
{
	*ret = (struct sessions_state){
		.name = s->ops->name, .records = HASH_CNT(hh, s->all),
		.behind = s->n_waiting + s->n_asked, .conflicts = s->conflicts,
	};
	s->ops->health(s->db, &ret->health);
}
