/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gathers writes to the database and restores from it. Owned by io.c.
 *
 *	flush	in the same turn of the loop, when its packets have been dealt with, so that
 *		a kill loses nothing; 2 s after a failure
 */
#include "ha-agent/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "common/sys/clock.h"

#define RETRY_AFTER	(2 * USEC_S)

enum waiting_kind { WAITING_LEASE, WAITING_BINDING };

struct waiting_key {
	struct in6_addr addr;		/* of the prefix; the home address */
	uint32_t kind;
};

struct waiting {
	struct waiting_key key;
	bool forget;
	union {
		struct ha_lease_record lease;
		struct ha_binding_record binding;
	} u;
	UT_hash_handle hh;
};

struct store {
	struct leasedb *db;
	struct timers *timers;
	struct timer flush;
	struct waiting *waiting;
	char trouble[256];
};

/* What has to be added to the daemon's clock to have that of the wall. */
static usec_t wall_offset(void)
{
	return clock_wall_s() * USEC_S - clock_now();
}

static int write_one(struct store *s, const struct waiting *w)
{
	if (w->key.kind == WAITING_LEASE)
		return leasedb_put_lease(s->db, &w->u.lease);
	if (w->forget)
		return leasedb_del_binding(s->db, &w->key.addr);
	return leasedb_put_binding(s->db, &w->u.binding);
}

static int write_all(struct store *s, bool durable)
{
	struct waiting *w, *next;
	int err = leasedb_begin(s->db, durable);

	if (err < 0)
		return err;
	HASH_ITER(hh, s->waiting, w, next) {
		err = write_one(s, w);
		if (err < 0)
			break;
	}
	return err < 0 ? err : leasedb_commit(s->db);
}

static int flush(struct store *s, bool durable, usec_t now)
{
	struct waiting *w, *next;
	int err = write_all(s, durable);

	if (err < 0) {
		if (s->trouble[0] == '\0')
			log_error("the database could not be written: %s", leasedb_error(s->db));
		snprintf(s->trouble, sizeof(s->trouble), "%s", leasedb_error(s->db));
		leasedb_rollback(s->db);
		(void)timer_set(s->timers, &s->flush, now + RETRY_AFTER);
		return err;
	}
	if (s->trouble[0] != '\0')
		log_info("the database can be written again");
	s->trouble[0] = '\0';
	timer_stop(s->timers, &s->flush);
	HASH_ITER(hh, s->waiting, w, next) {
		HASH_DEL(s->waiting, w);
		free(w);
	}
	return 0;
}

static void on_flush(void *ctx, usec_t now)
{
	(void)flush(ctx, false, now);
}

static struct waiting *wait_for(struct store *s, enum waiting_kind kind,
				const struct in6_addr *addr)
{
	struct waiting_key key = { .addr = *addr, .kind = kind };
	struct waiting *w;

	HASH_FIND(hh, s->waiting, &key, sizeof(key), w);
	if (!w) {
		w = calloc(1, sizeof(*w));
		if (!w)
			return NULL;
		w->key = key;
		HASH_ADD(hh, s->waiting, key, sizeof(w->key), w);
	}
	if (!timer_armed(&s->flush) &&
	    timer_set(s->timers, &s->flush, clock_now()) < 0)
		log_error("no memory to write the database later");
	return w;
}

int store_lease(struct store *s, const struct ha_lease_record *r, bool durable)
{
	struct waiting *w = wait_for(s, WAITING_LEASE, &r->prefix.addr);

	if (!w)
		return -ENOMEM;
	w->u.lease = *r;
	w->u.lease.until += wall_offset();
	return durable ? flush(s, true, clock_now()) : 0;
}

void store_binding(struct store *s, const struct ha_binding_record *r)
{
	struct waiting *w = wait_for(s, WAITING_BINDING, &r->hoa);

	if (!w) {
		log_error("no memory to store the binding of %s", in6_str(&r->hoa).s);
		return;
	}
	w->forget = false;
	w->u.binding = *r;
	w->u.binding.expires += wall_offset();
}

void store_forget_binding(struct store *s, const struct in6_addr *hoa)
{
	struct waiting *w = wait_for(s, WAITING_BINDING, hoa);

	if (w)
		w->forget = true;
}

const char *store_trouble(const struct store *s)
{
	return s->trouble[0] != '\0' ? s->trouble : NULL;
}

int store_new(struct leasedb *db, struct timers *timers, struct store **ret)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->db = db;
	s->timers = timers;
	timer_init(&s->flush, "flush", on_flush, s);
	*ret = s;
	return 0;
}

void store_free(struct store *s)
{
	struct waiting *w, *next;

	if (!s)
		return;
	if (s->waiting)
		(void)flush(s, true, clock_now());
	timer_stop(s->timers, &s->flush);
	HASH_ITER(hh, s->waiting, w, next) {
		HASH_DEL(s->waiting, w);
		free(w);
	}
	free(s);
}

/* ---- an earlier run ---- */

struct restore {
	struct store *store;
	struct ha *ha;
	usec_t now, offset;
	unsigned int leases, bindings;
};

static void restore_lease(void *ctx, const struct ha_lease_record *r)
{
	struct restore *x = ctx;
	struct ha_lease_record own = *r;
	int err;

	own.until -= x->offset;
	err = ha_restore_lease(x->ha, &own, x->now);
	if (err < 0)
		log_warn("lease %s of %s is not taken over: %s", in6_prefix_str(&r->prefix).s,
			 mac_str(r->mac).s, err == -EINVAL ? "not a prefix of this pool" :
			 strerror(-err));
	else
		x->leases++;
}

static void restore_binding(void *ctx, const struct ha_binding_record *r)
{
	struct restore *x = ctx;
	struct ha_binding_record own = *r;
	int err;

	own.expires -= x->offset;
	err = ha_restore_binding(x->ha, &own, x->now);
	if (err == 0) {
		x->bindings++;
		return;
	}
	if (err != -ESTALE)
		log_warn("binding %s is not taken over: %s", in6_str(&r->hoa).s,
			 err == -EINVAL ? "its prefix or key is not there any more" :
			 strerror(-err));
	store_forget_binding(x->store, &r->hoa);
}

int store_restore(struct store *s, struct ha *ha, usec_t now)
{
	struct restore x = { .store = s, .ha = ha, .now = now, .offset = wall_offset() };
	int err = leasedb_each_lease(s->db, restore_lease, &x);

	if (err == 0)
		err = leasedb_each_binding(s->db, restore_binding, &x);
	if (err == 0)
		log_info("restored %u leases and %u bindings", x.leases, x.bindings);
	return err;
}
