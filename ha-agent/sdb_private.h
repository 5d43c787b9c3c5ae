/* SPDX-License-Identifier: BSD-2-Clause */
/* What sdb_call.c and the backends know of each other: a call is one of these from the owner's
 * question to the backend's answer. */
#ifndef DMIP6_HA_SDB_PRIVATE_H
#define DMIP6_HA_SDB_PRIVATE_H

#include <sys/queue.h>

#include "ha-agent/sdb.h"

#define SDB_LOG_MAX	10000
#define SDB_POLL	(50 * USEC_MS)	/* a watch looks so often */

enum sdb_verb {
	SDB_GET_MN, SDB_PUT, SDB_RENEW, SDB_WATCH, SDB_GET_POLICY,
};

struct sdb_call {
	struct sdb *db;
	enum sdb_verb verb;
	bool durable;			/* SDB_PUT */
	struct sdb_mn_id mn_id;		/* SDB_GET_MN */
	struct sdb_record record;	/* SDB_PUT, SDB_RENEW */
	struct sdb_cursor from;		/* SDB_WATCH */
	uint8_t mac[6];			/* SDB_GET_POLICY */
	usec_t asked, due;		/* its deadline */
	sdb_done_fn *fn;
	void *ctx;
	bool over;			/* answered or cancelled */
	unsigned int held;		/* questions of the backend that will name it yet */
	bool queued;			/* the backend's: it is in db->queue */
	TAILQ_ENTRY(sdb_call) all;	/* of db->calls, until it is over */
	TAILQ_ENTRY(sdb_call) in_queue;
};
TAILQ_HEAD(sdb_calls, sdb_call);

/* The first member of each backend's own. */
struct sdb {
	struct loop *loop;
	struct in6_addr selves[1 + SDB_SELVES_MAX];
	unsigned int n_selves;
	struct sdb_events events;
	struct sdb_health health;
	struct sdb_calls calls;		/* that are not over, in the order in which they came */
	struct sdb_calls queue;		/* the backend's: what is to be begun */
	struct timer timer;		/* for the next deadline */
	unsigned int n_room;		/* calls in memory */
	bool in_deadlines;		/* they are gone through just now */
	bool closing;
	/* A call is new in db->queue. */
	void (*wake)(struct sdb *db);
};

void sdb_init(struct sdb *db, struct loop *l, const struct sdb_config *cfg,
	      const struct sdb_events *events, void (*wake)(struct sdb *db));
/* -ECANCELED for what is outstanding, and no call from then on. Calls that are held stay until
 * they are let go. */
void sdb_shut(struct sdb *db);

/* The ops of every backend. */
int sdb_get_mn(struct sdb *db, const struct sdb_mn_id *mn_id, usec_t deadline, sdb_done_fn *fn,
	       void *ctx);
int sdb_put_if_version(struct sdb *db, const struct sdb_record *r, bool durable, usec_t deadline,
		       sdb_done_fn *fn, void *ctx);
int sdb_renew(struct sdb *db, const struct sdb_record *r, usec_t deadline, sdb_done_fn *fn,
	      void *ctx);
int sdb_del(struct sdb *db, const struct sdb_record *r, usec_t deadline, sdb_done_fn *fn,
	    void *ctx);
int sdb_watch(struct sdb *db, const struct sdb_cursor *from, usec_t deadline, sdb_done_fn *fn,
	      void *ctx);
int sdb_get_policy(struct sdb *db, const uint8_t mac[6], usec_t deadline, sdb_done_fn *fn,
		   void *ctx);
void sdb_cancel(struct sdb *db, const void *ctx);
void sdb_health(const struct sdb *db, struct sdb_health *ret);

struct sdb_call *sdb_call_take(struct sdb *db);	/* the first out of the queue; NULL: none */
void sdb_call_queue(struct sdb_call *c);	/* into it, last; unless it is over */
/* A question names it until it is let go; a call that is over by then is freed. */
void sdb_call_hold(struct sdb_call *c);
void sdb_call_let_go(struct sdb_call *c);
/* The answer; one that is over already counts as late. The call is gone then, unless it is held. */
void sdb_call_done(struct sdb_call *c, const struct sdb_answer *a);
void sdb_call_fail(struct sdb_call *c, int err);

/* Tells the owner if this is new. `fmt' is a sentence. */
void sdb_set_ok(struct sdb *db);
void sdb_set_failed(struct sdb *db, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sdb_tell_reset(struct sdb *db, enum sdb_reset what);

#endif
