/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gathers writes of leases, passes on those of bindings and keys, restores them. Owned by io.c.
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

struct waiting {
	struct in6_addr prefix;		/* key */
	struct ha_lease_record lease;
	UT_hash_handle hh;
};

struct store {
	struct leasedb *db;
	struct recfile *bindings, *keys;
	struct timers *timers;
	struct timer flush;
	struct waiting *waiting;
	char trouble[256], binding_trouble[128], key_trouble[128];
};

/* What has to be added to the daemon's clock to have that of the wall. */
static usec_t wall_offset(void)
{
	return clock_wall_s() * USEC_S - clock_now();
}

static int write_all(struct store *s, bool durable)
{
	struct waiting *w, *next;
	int err = leasedb_begin(s->db, durable);

	if (err < 0)
		return err;
	HASH_ITER(hh, s->waiting, w, next) {
		err = leasedb_put_lease(s->db, &w->lease);
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

int store_lease(struct store *s, const struct ha_lease_record *r, bool durable)
{
	struct waiting *w;

	HASH_FIND(hh, s->waiting, &r->prefix.addr, sizeof(r->prefix.addr), w);
	if (!w) {
		w = calloc(1, sizeof(*w));
		if (!w)
			return -ENOMEM;
		w->prefix = r->prefix.addr;
		HASH_ADD(hh, s->waiting, prefix, sizeof(w->prefix), w);
	}
	w->lease = *r;
	w->lease.until += wall_offset();
	if (durable)
		return flush(s, true, clock_now());
	if (!timer_armed(&s->flush) &&
	    timer_set(s->timers, &s->flush, clock_now()) < 0)
		log_error("no memory to write the database later");
	return 0;
}

/* Trouble is told when it begins and when it ends. */
static void note(char trouble[128], const char *what, int err)
{
	bool was = trouble[0] != '\0';

	if (err < 0 && !was)
		log_error("%s could not be written down: %s", what, strerror(-err));
	if (err == 0 && was)
		log_info("%s can be written down again", what);
	snprintf(trouble, 128, "%s", err < 0 ? strerror(-err) : "");
}

void store_binding(struct store *s, struct ha_binding_record *r)
{
	struct ha_binding_record own = *r;

	own.expires += wall_offset();
	note(s->binding_trouble, "bindings", bindfile_put(s->bindings, &own));
	r->place = own.place;
}

void store_forget_binding(struct store *s, const struct in6_addr *hoa, uint32_t place)
{
	int err = recfile_drop(s->bindings, place);

	if (err < 0)
		log_error("the binding of %s could not be struck out: %s", in6_str(hoa).s,
			  strerror(-err));
}

int store_key(struct store *s, struct sa_record *r)
{
	struct sa_record own = *r;
	usec_t offset = wall_offset();
	int err;

	own.issued += offset;
	own.until += offset;
	err = keyfile_put(s->keys, &own);
	note(s->key_trouble, "keys", err);
	r->place = own.place;
	explicit_bzero(&own, sizeof(own));
	return err;
}

void store_forget_key(struct store *s, uint32_t spi, uint32_t place)
{
	int err = recfile_drop(s->keys, place);

	if (err < 0)
		log_error("key %u could not be struck out: %s", spi, strerror(-err));
}

void store_floor(struct store *s, uint64_t floor)
{
	note(s->binding_trouble, "bindings", recfile_set_number(s->bindings, floor));
}

/* Rare, and so at once. */
static void written(struct store *s, int err)
{
	if (err < 0)
		log_error("the database could not be written: %s", leasedb_error(s->db));
}

void store_home(struct store *s, const struct ha_home_record *r)
{
	struct ha_home_record wall = *r;

	if (wall.until != 0)
		wall.until += wall_offset();
	written(s, leasedb_put_home(s->db, &wall));
}

void store_forget_home(struct store *s, const struct in6_prefix *prefix)
{
	written(s, leasedb_del_home(s->db, prefix));
}

const char *store_trouble(const struct store *s)
{
	return s->trouble[0] != '\0' ? s->trouble : NULL;
}

const char *store_binding_trouble(const struct store *s)
{
	return s->binding_trouble[0] != '\0' ? s->binding_trouble : NULL;
}

const char *store_key_trouble(const struct store *s)
{
	return s->key_trouble[0] != '\0' ? s->key_trouble : NULL;
}

int store_new(struct leasedb *db, struct recfile *bindings, struct recfile *keys,
	      struct timers *timers, struct store **ret)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->db = db;
	s->bindings = bindings;
	s->keys = keys;
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
	unsigned int leases, keys, bindings;
};

/* Kept until all are read: the home agent may want to change one. */
struct homes {
	struct ha_home_record records[HA_MAX_HOMES];
	unsigned int n;
};

static void note_home(void *ctx, const struct ha_home_record *r)
{
	struct homes *h = ctx;

	if (h->n < HA_MAX_HOMES)
		h->records[h->n++] = *r;
}

int store_restore_homes(struct store *s, struct ha *ha, usec_t now)
{
	struct homes homes = { .n = 0 };
	int err = leasedb_each_home(s->db, note_home, &homes);

	for (unsigned int i = 0; err == 0 && i < homes.n; i++) {
		struct ha_home_record *r = &homes.records[i];
		int failed;

		if (r->until != 0)
			r->until -= wall_offset();
		failed = ha_restore_home(ha, r, now);
		if (failed < 0)
			log_warn("prefix %s of an earlier run is not taken over: %s",
				 in6_prefix_str(&r->cfg.prefix).s, strerror(-failed));
	}
	return err;
}

static void restore_lease(void *ctx, const struct ha_lease_record *r)
{
	struct restore *x = ctx;
	struct ha_lease_record own = *r;
	int err;

	own.until -= x->offset;
	err = ha_restore_lease(x->ha, &own, x->now);
	/* Of a prefix that was withdrawn long ago: nobody misses it. */
	if (err == -EINVAL && own.until <= x->now)
		return;
	if (err < 0)
		log_warn("lease %s of %s is not taken over: %s", in6_prefix_str(&r->prefix).s,
			 mac_str(r->mac).s, err == -EINVAL ? "not of a prefix that is configured" :
			 strerror(-err));
	else
		x->leases++;
}

static void restore_key(void *ctx, const struct sa_record *r)
{
	struct restore *x = ctx;
	struct sa_record own = *r;
	int err;

	own.issued -= x->offset;
	own.until -= x->offset;
	err = sa_restore(x->ha, &own, x->now);
	explicit_bzero(&own, sizeof(own));
	if (err == 0) {
		x->keys++;
		return;
	}
	if (err != -ESTALE)
		log_warn("key %u of %s is not taken over: %s", r->spi,
			 in6_prefix_str(&r->prefix).s,
			 err == -EINVAL ? "its prefix or our address is not there any more" :
			 strerror(-err));
	store_forget_key(x->store, r->spi, r->place);
}

static void restore_binding(void *ctx, const struct ha_binding_record *r)
{
	struct restore *x = ctx;
	struct ha_binding_record own = *r;
	int err;

	own.expires -= x->offset;
	err = ha_restore_binding(x->ha, &own, x->now);
	x->bindings += err == 0;
	if (err >= 0)
		return;
	if (err != -ESTALE)
		log_warn("binding %s is not taken over: %s", in6_str(&r->hoa).s,
			 err == -EINVAL ? "its prefix or key is not there any more" :
			 strerror(-err));
	past_forgotten(x->ha, r->timestamp);
	store_forget_binding(x->store, &r->hoa, r->place);
}

int store_restore(struct store *s, struct ha *ha, usec_t now)
{
	struct restore x = { .store = s, .ha = ha, .now = now, .offset = wall_offset() };
	int err = leasedb_each_lease(s->db, restore_lease, &x);

	if (err < 0)
		return err;
	ha_restore_floor(ha, recfile_number(s->bindings));
	err = keyfile_each(s->keys, restore_key, &x);
	if (err > 0)
		log_warn("%d keys were damaged on the disk and are not taken over", err);
	if (err >= 0)
		err = bindfile_each(s->bindings, restore_binding, &x);
	if (err < 0)
		return err;
	if (err > 0)
		log_warn("%d bindings were damaged on the disk and are not taken over", err);
	log_info("restored %u leases, %u keys and %u bindings", x.leases, x.keys, x.bindings);
	return 0;
}
