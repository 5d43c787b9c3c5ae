/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The session database in Redis or Valkey, for anchors on several machines. Owns one connection,
 * and a second one if replicas are configured; called through sdb_redis by network mode, runs in
 * the loop.
 *
 * A writing is a look, a decision (sdb.c) and a script that stores if nothing has changed since
 * (sdb_redis_lua.c); if something has, it begins again. What has to be durable waits for a replica
 * (WAIT), which holds up everything behind it: so it has a connection of its own.
 *
 * Redis can lose what it has acknowledged: a replica that is promoted, a server that comes back
 * with an old dump, or none. `run' is made of the server's run_id and a random number that is
 * stored beside the records; when it changes, the owner is told.
 */
#include <errno.h>
#include <hiredis.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sys/clock.h"
#include "common/sys/loop.h"
#include "ha-agent/sdb_private.h"
#include "ha-agent/sdb_redis_link.h"
#include "ha-agent/sdb_redis_lua.h"

#define VALUE_ROOM	(SDB_TEXT_MAX + 24)	/* "UNTIL RECORD" */
#define PREFIX_MAX	32			/* of keys, as configured */
#define KEY_ROOM	(PREFIX_MAX + SDB_MN_TEXT + 16)
#define NUMBER_ROOM	24
#define ARGS_MAX	20
#define WAIT_MOST	(500 * USEC_MS)
#define SEQ_MAX		((uint64_t)1 << 53)	/* Lua's numbers */
#define LINKS_MAX	2

enum { LINK_MAIN, LINK_DURABLE };

struct redis_db;

struct link {
	struct redis_db *d;
	struct redis_link *link;
	bool up;
	uint64_t run;
};

/* The digest of a script that is being asked for. */
struct load {
	struct redis_db *d;
	enum redis_script which;
};

struct redis_db {
	struct sdb base;
	struct redis_link_config cfg;
	struct link links[LINKS_MAX];
	unsigned int n_links;
	bool up;			/* all of it: calls are begun */
	bool down;			/* no address has worked: calls fail at once */
	uint64_t server_run, stored_run;	/* 0: never seen */
	char tag[PREFIX_MAX + 4];	/* "{dmip6}:", what all keys begin with */
	char log_max[NUMBER_ROOM];
	char sha[SCRIPT_MAX][41];	/* "": not known */
	struct load loads[SCRIPT_MAX];
	struct timer work, poll;
	struct sdb_record room[SDB_RECORDS_MAX];	/* of the answer that is being made */
};

/* A call on its way, or (call NULL) the first question to a new connection. */
struct op {
	struct redis_db *d;
	struct sdb_call *call;
	struct link *link;
	int (*ask)(struct op *op);	/* the question, to be asked again */
	bool eval;			/* the server does not know the script's digest */
	char own[VALUE_ROOM], px[SDB_MN_TEXT], held[VALUE_ROOM];	/* of SCRIPT_LOOK */
	bool same;			/* SDB_PUT: the very record is there already */
	bool other_holds;		/* an active record of another MN */
};

static struct redis_db *of(struct sdb *db)
{
	return (struct redis_db *)(void *)db;
}

static void wake(struct sdb *db)
{
	struct redis_db *d = of(db);

	/* Without memory the calls end by their deadlines. */
	if (!timer_armed(&d->work))
		(void)timer_set(loop_timers(db->loop), &d->work, clock_now() + 1);
}

/* ---- the end of an operation ---- */

static void op_free(struct op *op)
{
	if (op->call)
		sdb_call_let_go(op->call);
	free(op);
}

static void op_answer(struct op *op, const struct sdb_answer *a)
{
	/* An answer of any kind shows that somebody is there. */
	sdb_set_ok(&op->d->base);
	if (op->call)
		sdb_call_done(op->call, a);
	op_free(op);
}

static void op_fail(struct op *op, int err)
{
	if (op->call)
		sdb_call_fail(op->call, err);
	op_free(op);
}

/* What is stored there, or was said, cannot be understood. */
static void op_bad(struct op *op)
{
	const struct sdb_answer a = { .err = -EUCLEAN, .n_bad = 1 };

	op_answer(op, &a);
}

static const struct { const char *word; int err; bool drop; } refusals[] = {
	{ "READONLY", -EROFS, true },		/* it is no master any more */
	{ "MASTERDOWN", -EROFS, true },
	{ "LOADING", -EIO, true },
	{ "NOAUTH", -EACCES, true },
	{ "NOPERM", -EACCES, false },
	{ "NOREPLICAS", -EROFS, false },
	{ "OOM", -ENOSPC, false },
	{ "MISCONF", -EIO, false },		/* it cannot save */
};

/* The server has said no. */
static void op_refused(struct op *op, const char *said)
{
	struct redis_db *d = op->d;
	bool drop = !op->call;			/* nothing works with this one */
	int err = -EIO;

	if (strstr(said, "WRONGTYPE")) {
		op_bad(op);
		return;
	}
	for (unsigned int i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (strncmp(said, refusals[i].word, strlen(refusals[i].word)) != 0)
			continue;
		err = refusals[i].err;
		drop = drop || refusals[i].drop;
		break;
	}
	sdb_set_failed(&d->base, "the server refuses: %.180s", said);
	if (drop)
		redis_link_drop(op->link->link, d->base.health.why);
	op_fail(op, err);
}

/* Is there a reply to be looked at? Otherwise the operation is over, or has been asked again. */
static bool op_has_reply(struct op *op, const struct redisReply *reply, int err)
{
	if (err < 0) {
		op_fail(op, err);
		return false;
	}
	if (reply->type != REDIS_REPLY_ERROR)
		return true;
	if (!op->eval && strncmp(reply->str, "NOSCRIPT", 8) == 0) {
		op->eval = true;
		err = op->ask(op);
		if (err < 0)
			op_fail(op, err);
		return false;
	}
	op_refused(op, reply->str);
	return false;
}

/* ---- asking ---- */

static int run_script(struct op *op, enum redis_script which, const char *n_keys,
		      const char *const *args, unsigned int n_args,
		      void (*fn)(void *ctx, const struct redisReply *reply, int err))
{
	const char *argv[ARGS_MAX] = { "EVALSHA", op->d->sha[which], n_keys };

	if (op->eval || !op->d->sha[which][0]) {
		argv[0] = "EVAL";
		argv[1] = redis_scripts[which];
	}
	for (unsigned int i = 0; i < n_args && i + 3 < ARGS_MAX; i++)
		argv[i + 3] = args[i];
	return redis_link_send(op->link->link, n_args + 3, argv, fn, op);
}

struct key { char s[KEY_ROOM]; };

static struct key key(const struct redis_db *d, const char *kind, const char *name)
{
	struct key k;

	(void)snprintf(k.s, sizeof(k.s), "%s%s%s", d->tag, kind, name);
	return k;
}

/* ---- what comes back ---- */

/* The n-th of an array, if it is a text; else "", as for what is not there. */
static const char *text_at(const struct redisReply *r, size_t n)
{
	const struct redisReply *e = n < r->elements ? r->element[n] : NULL;

	if (!e || e->type != REDIS_REPLY_STRING || strlen(e->str) != (size_t)e->len)
		return "";
	return e->str;
}

/* "UNTIL RECORD" of this MN and prefix. 0; -ENOENT it has ended, or there is none; -EBADMSG. */
static int read_value(const char *value, uint64_t now, const char *mn, const char *prefix,
		      struct sdb_record *ret)
{
	const char *space = strchr(value, ' ');
	char number[NUMBER_ROOM] = "";
	struct sdb_record r;
	uint64_t until;

	if (!*value)
		return -ENOENT;
	if (!space || space - value >= NUMBER_ROOM)
		return -EBADMSG;
	memcpy(number, value, (size_t)(space - value));
	if (sdb_number(number, SEQ_MAX, &until) < 0)
		return -EBADMSG;
	if (until <= now)
		return -ENOENT;
	if (until - now > (uint64_t)SDB_LIFETIME_MAX * 1000 ||
	    sdb_record_parse(space + 1, &r) < 0 || strcmp(sdb_mn_id_str(&r.mn_id).s, mn) != 0 ||
	    strcmp(in6_prefix_str(&r.prefix).s, prefix) != 0)
		return -EBADMSG;
	r.lifetime_s = (uint32_t)((until - now + 999) / 1000);
	*ret = r;
	return 0;
}

/* ---- get_mn ---- */

static void on_get(void *ctx, const struct redisReply *reply, int err)
{
	struct op *op = ctx;
	struct redis_db *d = op->d;
	struct sdb_answer a = { .records = d->room };
	struct sdb_mn_text mn;
	uint64_t now;

	if (!op_has_reply(op, reply, err))
		return;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements % 2 != 1 ||
	    sdb_number(text_at(reply, 0), SEQ_MAX, &now) < 0) {
		op_bad(op);
		return;
	}
	mn = sdb_mn_id_str(&op->call->mn_id);
	for (size_t i = 1; i < reply->elements; i += 2) {
		struct sdb_record r;

		err = read_value(text_at(reply, i + 1), now, mn.s, text_at(reply, i), &r);
		if (err == 0 && a.n_records < SDB_RECORDS_MAX)
			d->room[a.n_records++] = r;
		else if (err != -ENOENT || !*text_at(reply, i + 1))
			a.n_bad++;
	}
	op_answer(op, &a);
}

static int ask_get(struct op *op)
{
	struct key k = key(op->d, "mn:", sdb_mn_id_str(&op->call->mn_id).s);
	const char *const args[] = { k.s };

	return run_script(op, SCRIPT_GET, "1", args, 1, on_get);
}

/* ---- get_policy ---- */

static void on_policy(void *ctx, const struct redisReply *reply, int err)
{
	struct op *op = ctx;
	struct sdb_policy policy = { 0 };
	struct sdb_answer a = { .policy = &policy };
	char room[SDB_TEXT_MAX], *at = room;
	const char *mn;

	if (!op_has_reply(op, reply, err))
		return;
	if (reply->type == REDIS_REPLY_NIL) {
		a = (struct sdb_answer){ .err = -ENOENT };
		op_answer(op, &a);
		return;
	}
	if (reply->type != REDIS_REPLY_STRING || strlen(reply->str) != (size_t)reply->len ||
	    strlen(reply->str) >= sizeof(room)) {
		op_bad(op);
		return;
	}
	(void)snprintf(room, sizeof(room), "%s", reply->str);
	mn = strsep(&at, " ");
	if (!at || sdb_mn_id_parse(mn, &policy.mn_id) < 0 ||
	    sdb_access_parse(at, &policy.access) < 0) {
		op_bad(op);
		return;
	}
	memcpy(policy.mac, op->call->mac, sizeof(policy.mac));
	op_answer(op, &a);
}

static int ask_policy(struct op *op)
{
	struct key k = key(op->d, "policy:", mac_str(op->call->mac).s);
	const char *const argv[] = { "GET", k.s };

	return redis_link_send(op->link->link, 2, argv, on_policy, op);
}

/* ---- put_if_version, renew, del ---- */

static int ask_look(struct op *op);

static void ask(struct op *op, int (*question)(struct op *op))
{
	int err;

	op->ask = question;
	err = question(op);
	if (err < 0)
		op_fail(op, err);
}

static void stored(struct op *op, bool durable)
{
	const struct sdb_answer a = { .durable = durable };

	op_answer(op, &a);
}

static void on_wait(void *ctx, const struct redisReply *reply, int err)
{
	struct op *op = ctx;
	bool durable = err == 0 && reply->type == REDIS_REPLY_INTEGER && reply->integer >= 1;

	/* It is stored in any case. */
	if (!durable)
		op->d->base.health.not_durable++;
	if (err < 0) {
		const struct sdb_answer a = { .err = 0 };

		if (op->call->over)
			op->d->base.health.late++;
		else if (err == -ECANCELED)
			sdb_call_fail(op->call, err);
		else
			sdb_call_done(op->call, &a);
		op_free(op);
		return;
	}
	stored(op, durable);
}

static int ask_wait(struct op *op)
{
	char most[NUMBER_ROOM];
	const char *const argv[] = { "WAIT", "1", most };
	usec_t left = op->call->due - clock_now();

	if (left > WAIT_MOST)
		left = WAIT_MOST;
	/* 0 would be for ever. */
	(void)snprintf(most, sizeof(most), "%" PRId64, left > USEC_MS ? left / USEC_MS : 1);
	return redis_link_send(op->link->link, 3, argv, on_wait, op);
}

static void on_set(void *ctx, const struct redisReply *reply, int err)
{
	struct op *op = ctx;

	if (!op_has_reply(op, reply, err))
		return;
	if (reply->type != REDIS_REPLY_INTEGER) {
		op_bad(op);
	} else if (reply->integer == 0) {
		/* Somebody was faster; unless nobody waits any more, what is there now? */
		if (op->call->over)
			op_fail(op, -ETIMEDOUT);
		else
			ask(op, ask_look);
	} else if (op->call->durable && op->d->n_links > 1) {
		ask(op, ask_wait);
	} else {
		stored(op, false);
	}
}

static int ask_set(struct op *op)
{
	const struct redis_db *d = op->d;
	const struct sdb_record *r = &op->call->record;
	struct sdb_mn_text mn = sdb_mn_id_str(&r->mn_id);
	struct in6_text prefix = in6_prefix_str(&r->prefix);
	struct sdb_text text = sdb_record_str(r);
	struct key mn_key = key(d, "mn:", mn.s), px_key = key(d, "px:", prefix.s);
	struct key log_key = key(d, "log", ""), mn_keys = key(d, "mn:", "");
	char lifetime[NUMBER_ROOM];
	bool active = r->state == SDB_ACTIVE && !op->other_holds;
	const char *const args[] = {
		mn_key.s, px_key.s, log_key.s, prefix.s, mn_keys.s, op->own, op->px, op->held,
		text.s, lifetime, mn.s, active ? "1" : "0",
		op->call->verb == SDB_PUT && !op->same ? "1" : "0", d->log_max,
	};

	(void)snprintf(lifetime, sizeof(lifetime), "%" PRIu64, (uint64_t)r->lifetime_s * 1000);
	return run_script(op, SCRIPT_SET, "3", args, 14, on_set);
}

/* What the look has found, decided. 0, or the error of the answer; -EBADMSG. */
static int decide(struct op *op, uint64_t now, struct sdb_record *ret_other)
{
	const struct sdb_record *r = &op->call->record;
	struct sdb_mn_text mn = sdb_mn_id_str(&r->mn_id);
	struct in6_text prefix = in6_prefix_str(&r->prefix);
	struct sdb_record own, held;
	int err_own = read_value(op->own, now, mn.s, prefix.s, &own);
	int err_held = -ENOENT, err;

	if (op->px[0] && strcmp(op->px, mn.s) != 0)
		err_held = read_value(op->held, now, op->px, prefix.s, &held);
	if (err_own == -EBADMSG || (err_held == -EBADMSG && op->call->verb == SDB_PUT &&
				    r->state == SDB_ACTIVE))
		return -EBADMSG;
	op->other_holds = err_held == -EBADMSG || (err_held == 0 && held.state == SDB_ACTIVE);
	op->same = err_own == 0 && sdb_record_same(r, &own);
	err = op->call->verb == SDB_RENEW ? sdb_record_renewable(r, err_own == 0 ? &own : NULL) :
	      sdb_record_decide(r, err_own == 0 ? &own : NULL, op->other_holds ? &held : NULL);
	if (err == -ESTALE)
		*ret_other = own;
	else if (err == -EEXIST)
		*ret_other = held;
	return err;
}

static int copy_value(const struct redisReply *reply, size_t n, char *room, size_t len)
{
	const char *s = text_at(reply, n);

	if (n >= reply->elements || reply->element[n]->type != REDIS_REPLY_STRING ||
	    (size_t)reply->element[n]->len != strlen(s) || strlen(s) >= len)
		return -EBADMSG;
	(void)snprintf(room, len, "%s", s);
	return 0;
}

static void on_look(void *ctx, const struct redisReply *reply, int err)
{
	struct op *op = ctx;
	struct sdb_record other;
	struct sdb_answer a = { 0 };
	uint64_t now;

	if (!op_has_reply(op, reply, err))
		return;
	if (op->call->over) {		/* too late: and so nothing is written */
		op_answer(op, &a);
		return;
	}
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 4 ||
	    sdb_number(text_at(reply, 0), SEQ_MAX, &now) < 0 ||
	    copy_value(reply, 1, op->own, sizeof(op->own)) < 0 ||
	    copy_value(reply, 2, op->px, sizeof(op->px)) < 0 ||
	    copy_value(reply, 3, op->held, sizeof(op->held)) < 0) {
		op_bad(op);
		return;
	}
	a.err = decide(op, now, &other);
	if (a.err == -EBADMSG) {
		op_bad(op);
	} else if (a.err == 0) {
		ask(op, ask_set);
	} else {
		a.n_records = a.err == -ESTALE || a.err == -EEXIST;
		a.records = a.n_records ? &other : NULL;
		op_answer(op, &a);
	}
}

static int ask_look(struct op *op)
{
	const struct sdb_record *r = &op->call->record;
	struct in6_text prefix = in6_prefix_str(&r->prefix);
	struct key mn_key = key(op->d, "mn:", sdb_mn_id_str(&r->mn_id).s);
	struct key px_key = key(op->d, "px:", prefix.s), mn_keys = key(op->d, "mn:", "");
	const char *const args[] = { mn_key.s, px_key.s, prefix.s, mn_keys.s };

	return run_script(op, SCRIPT_LOOK, "2", args, 4, on_look);
}

/* ---- watch, and the first question ---- */

/* Which database is it? Tells the owner if it is not the one that it was. */
static void know_run(struct redis_db *d, uint64_t server, uint64_t stored_run, bool new_link)
{
	bool first = d->server_run == 0;
	bool other_server = server != d->server_run, other_store = stored_run != d->stored_run;

	d->server_run = server;
	d->stored_run = stored_run;
	d->base.health.run = server ^ stored_run;
	if (d->base.health.run == 0)
		d->base.health.run = 1;
	if (first)
		return;
	if (other_store)
		sdb_tell_reset(&d->base, SDB_RESET_RESTORED);
	else if (other_server)
		sdb_tell_reset(&d->base, SDB_RESET_SERVER);
	else if (new_link)
		sdb_tell_reset(&d->base, SDB_RESET_LINK);
}

static void now_up(struct redis_db *d)
{
	d->up = true;
	d->down = false;
	wake(&d->base);
}

/* What changed, behind the first three elements. */
static void read_changes(struct redis_db *d, const struct redisReply *reply, struct sdb_answer *a)
{
	uint64_t seq;

	a->records = d->room;
	a->cursor.seq = 0;
	for (size_t i = 3; i + 1 < reply->elements; i += 2) {
		if (sdb_number(text_at(reply, i), SEQ_MAX, &seq) == 0 && seq > a->cursor.seq)
			a->cursor.seq = seq;
		if (a->n_records < SDB_RECORDS_MAX &&
		    sdb_record_parse(text_at(reply, i + 1), &d->room[a->n_records]) == 0)
			a->n_records++;
		else
			a->n_bad++;
	}
}

static void answer_watch(struct op *op, const struct redisReply *reply, uint64_t first,
			 uint64_t last)
{
	struct redis_db *d = op->d;
	const struct sdb_cursor *from = &op->call->from;
	struct sdb_answer a = { .cursor = { d->base.health.run, last } };

	if (from->run == 0 && from->seq == 0) {
		op_answer(op, &a);
		return;
	}
	if (from->run != a.cursor.run || from->seq > last ||
	    (from->seq < last && first > from->seq + 1)) {
		a.err = -ERANGE;
	} else if (from->seq == last) {
		/* Nothing; looked at again by the timer. */
		if (!timer_armed(&d->poll))
			(void)timer_set(loop_timers(d->base.loop), &d->poll,
					clock_now() + SDB_POLL);
		sdb_set_ok(&d->base);
		op_free(op);
		return;
	} else {
		read_changes(d, reply, &a);
		if (a.cursor.seq <= from->seq) {
			op_bad(op);
			return;
		}
	}
	op_answer(op, &a);
}

static void on_log(void *ctx, const struct redisReply *reply, int err)
{
	struct op *op = ctx;
	struct redis_db *d = op->d;
	uint64_t run, first, last;

	if (!op_has_reply(op, reply, err))
		return;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 3 ||
	    sdb_number(text_at(reply, 0), UINT64_MAX / 16, &run) < 0 ||
	    sdb_number(text_at(reply, 1), SEQ_MAX, &first) < 0 ||
	    sdb_number(text_at(reply, 2), SEQ_MAX, &last) < 0) {
		if (!op->call)
			redis_link_drop(op->link->link, "the log of changes cannot be understood");
		op_bad(op);
		return;
	}
	know_run(d, op->link->run, run, !op->call);
	if (op->call) {
		answer_watch(op, reply, first, last);
		return;
	}
	now_up(d);
	sdb_set_ok(&d->base);
	op_free(op);
}

static int ask_log(struct op *op)
{
	struct key log_key = key(op->d, "log", ""), run_key = key(op->d, "run", "");
	char from[NUMBER_ROOM], most[NUMBER_ROOM], fresh[NUMBER_ROOM];
	const char *const args[] = { log_key.s, run_key.s, from, most, fresh };
	bool changes = op->call && (op->call->from.run || op->call->from.seq);
	uint64_t random;

	clock_random(&random, sizeof(random));
	(void)snprintf(fresh, sizeof(fresh), "%" PRIu64, random >> 8 | 1);

	/* A cursor of another run may be any number. */
	(void)snprintf(from, sizeof(from), "%" PRIu64,
		       changes && op->call->from.seq < SEQ_MAX ? op->call->from.seq : SEQ_MAX);
	(void)snprintf(most, sizeof(most), "%d", SDB_RECORDS_MAX);
	return run_script(op, SCRIPT_LOG, "2", args, 5, on_log);
}

/* ---- calls ---- */

static int op_new(struct redis_db *d, struct sdb_call *call, struct link *link, struct op **ret)
{
	struct op *op = calloc(1, sizeof(*op));

	if (!op)
		return -ENOMEM;
	op->d = d;
	op->call = call;
	op->link = link;
	if (call)
		sdb_call_hold(call);
	*ret = op;
	return 0;
}

static void begin(struct redis_db *d, struct sdb_call *c)
{
	struct link *link = &d->links[c->durable ? d->n_links - 1 : LINK_MAIN];
	struct op *op;

	if (op_new(d, c, link, &op) < 0) {
		sdb_call_fail(c, -ENOMEM);
		return;
	}
	switch (c->verb) {
	case SDB_GET_MN:
		ask(op, ask_get);
		break;
	case SDB_PUT:
	case SDB_RENEW:
		ask(op, ask_look);
		break;
	case SDB_WATCH:
		ask(op, ask_log);
		break;
	case SDB_GET_POLICY:
		ask(op, ask_policy);
		break;
	}
}

static void on_work(void *ctx, usec_t now)
{
	struct redis_db *d = ctx;
	struct sdb_call *c;

	(void)now;
	/* Those that are there now: a callback may ask again. While it is not known whether there
	 * is a server they wait. */
	for (unsigned int i = 0; i < SDB_CALLS_MAX && (d->up || d->down); i++) {
		c = sdb_call_take(&d->base);
		if (!c)
			return;
		if (d->up)
			begin(d, c);
		else
			sdb_call_fail(c, -ENOTCONN);
	}
	if ((d->up || d->down) && !TAILQ_EMPTY(&d->base.queue))
		wake(&d->base);
}

static void on_poll(void *ctx, usec_t now)
{
	struct redis_db *d = ctx;
	struct sdb_call *c;

	(void)now;
	TAILQ_FOREACH(c, &d->base.calls, all) {
		if (c->verb == SDB_WATCH && !c->held)
			sdb_call_queue(c);
	}
	wake(&d->base);
}

/* ---- the connections ---- */

static void on_sha(void *ctx, const struct redisReply *reply, int err)
{
	const struct load *load = ctx;
	char *sha = load->d->sha[load->which];

	/* Without it EVAL does. */
	if (err == 0 && reply->type == REDIS_REPLY_STRING && reply->len == 40)
		(void)snprintf(sha, sizeof(load->d->sha[0]), "%s", reply->str);
}

static void load_scripts(struct redis_db *d)
{
	for (enum redis_script i = 0; i < SCRIPT_MAX; i++) {
		const char *const argv[] = { "SCRIPT", "LOAD", redis_scripts[i] };

		d->sha[i][0] = '\0';
		d->loads[i] = (struct load){ d, i };
		(void)redis_link_send(d->links[LINK_MAIN].link, 3, argv, on_sha, &d->loads[i]);
	}
}

static void on_up(void *ctx, struct redis_link *l, uint64_t run)
{
	struct link *link = ctx;
	struct redis_db *d = link->d;
	struct op *op;

	(void)l;
	link->up = true;
	link->run = run;
	for (unsigned int i = 0; i < d->n_links; i++) {
		if (!d->links[i].up)
			return;
	}
	if (d->links[LINK_MAIN].run != d->links[d->n_links - 1].run) {
		/* One of them is to a master that was; this one is the younger. */
		bool main_link = link == &d->links[LINK_MAIN];

		redis_link_drop(d->links[main_link ? LINK_DURABLE : LINK_MAIN].link,
				"the connections were to two servers");
		return;
	}
	load_scripts(d);
	if (op_new(d, NULL, &d->links[LINK_MAIN], &op) < 0) {
		redis_link_drop(link->link, "no memory");
		return;
	}
	ask(op, ask_log);
}

static void on_down(void *ctx, struct redis_link *l, const char *why, bool round_over)
{
	struct link *link = ctx;
	struct redis_db *d = link->d;

	(void)l;
	link->up = false;
	d->up = false;
	sdb_set_failed(&d->base, "%s", why);
	if (round_over)
		d->down = true;
	wake(&d->base);
}

/* ---- open and close ---- */

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

static int copy_text(const char *s, char **ret)
{
	if (!s)
		return 0;
	*ret = strdup(s);
	return *ret ? 0 : -ENOMEM;
}

static int set_servers(struct redis_db *d, const struct sdb_config *cfg, char *why, size_t len)
{
	if (cfg->n_servers < 1 || cfg->n_servers > REDIS_SERVERS_MAX)
		return fail(why, len, -EINVAL, "a session database in redis has 1 to %d servers",
			    REDIS_SERVERS_MAX);
	for (unsigned int i = 0; i < cfg->n_servers; i++) {
		if (redis_address_parse(cfg->servers[i], &d->cfg.servers[i]) < 0)
			return fail(why, len, -EINVAL, "\"%s\" is no address of a server; expected "
				    "[2001:db8::1]:6379, 192.0.2.1:6379 or unix:/path",
				    cfg->servers[i]);
	}
	d->cfg.n_servers = cfg->n_servers;
	return 0;
}

/* One hash tag, "{dmip6}:". */
static int set_keys(struct redis_db *d, const struct sdb_config *cfg, char *why, size_t len)
{
	const char *prefix = cfg->key_prefix ? cfg->key_prefix : "dmip6";

	if (!*prefix || strlen(prefix) > PREFIX_MAX || strpbrk(prefix, "{}: \t\r\n"))
		return fail(why, len, -EINVAL, "\"%s\" cannot begin the names of keys; expected 1 to %d "
			    "characters, no space, colon or brace", prefix, PREFIX_MAX);
	(void)snprintf(d->tag, sizeof(d->tag), "{%s}:", prefix);
	(void)snprintf(d->log_max, sizeof(d->log_max), "%u", cfg->log_max ? cfg->log_max : SDB_LOG_MAX);
	return 0;
}

static int set_tls(struct redis_db *d, const struct sdb_config *cfg, char *why, size_t len)
{
	const struct tls_config tls = {
		.certificate = cfg->tls_certificate, .key = cfg->tls_key,
		.authority = cfg->tls_authority, .peer_name = cfg->tls_name,
		.require_certificate = true,
	};
	char tls_reason_text[TLS_WHY_MAX];
	int err;

	if (!cfg->tls)
		return 0;
	err = tls_context_new(&tls, tls_reason_text, &d->cfg.tls);
	return err < 0 ? fail(why, len, err, "%s", tls_reason_text) : 0;
}

static int set_logins(struct redis_db *d, const struct sdb_config *cfg)
{
	int err = copy_text(cfg->user, &d->cfg.login.user);

	err = err < 0 ? err : copy_text(cfg->password, &d->cfg.login.password);
	err = err < 0 ? err : copy_text(cfg->sentinel_user, &d->cfg.sentinel_login.user);
	err = err < 0 ? err : copy_text(cfg->sentinel_password, &d->cfg.sentinel_login.password);
	return err < 0 ? err : copy_text(cfg->sentinel_master, &d->cfg.sentinel_master);
}

static int make_links(struct redis_db *d, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct redis_link_events ev = {
			.up = on_up, .down = on_down, .ctx = &d->links[i],
		};
		int err;

		d->links[i].d = d;
		err = redis_link_new(d->base.loop, &d->cfg, &ev, &d->links[i].link);
		if (err < 0)
			return err;
		d->n_links = i + 1;
	}
	return 0;
}

static void free_login(struct redis_login *l)
{
	free(l->user);
	if (l->password)
		explicit_bzero(l->password, strlen(l->password));
	free(l->password);
}

static void redis_close(struct sdb *db)
{
	struct redis_db *d;

	if (!db)
		return;
	d = of(db);
	sdb_shut(db);
	for (unsigned int i = 0; i < LINKS_MAX; i++)
		redis_link_free(d->links[i].link);
	timer_stop(loop_timers(db->loop), &d->work);
	timer_stop(loop_timers(db->loop), &d->poll);
	tls_context_free(d->cfg.tls);
	free_login(&d->cfg.login);
	free_login(&d->cfg.sentinel_login);
	free(d->cfg.sentinel_master);
	free(d);
}

static int redis_open(struct loop *l, const struct sdb_config *cfg,
		      const struct sdb_events *events, char *why, size_t why_len, struct sdb **ret)
{
	struct redis_db *d;
	int err;

	if (!in6_is_routable(&cfg->self))
		return fail(why, why_len, -EINVAL, "a session database needs the address of this anchor");
	d = calloc(1, sizeof(*d));
	if (!d)
		return fail(why, why_len, -ENOMEM, "no memory");
	sdb_init(&d->base, l, cfg, events, wake);
	timer_init(&d->work, "session database work", on_work, d);
	timer_init(&d->poll, "session database watch", on_poll, d);
	err = set_servers(d, cfg, why, why_len);
	if (err == 0)
		err = set_keys(d, cfg, why, why_len);
	if (err == 0)
		err = set_tls(d, cfg, why, why_len);
	if (err == 0) {
		(void)fail(why, why_len, -ENOMEM, "no memory");
		err = set_logins(d, cfg);
	}
	if (err == 0)
		err = make_links(d, cfg->replicas > 0 ? 2 : 1);
	if (err < 0) {
		redis_close(&d->base);
		return err;
	}
	*ret = &d->base;
	return 0;
}

const struct sdb_ops sdb_redis = {
	.name = "redis",
	.open = redis_open,
	.close = redis_close,
	.get_mn = sdb_get_mn,
	.put_if_version = sdb_put_if_version,
	.renew = sdb_renew,
	.del = sdb_del,
	.watch = sdb_watch,
	.get_policy = sdb_get_policy,
	.cancel = sdb_cancel,
	.health = sdb_health,
};
