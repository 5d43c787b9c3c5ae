/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Security associations that were given out: the table, their lifetimes and how one takes
 * the place of another. Owns every struct sa and its secret. Called by bootstrap.c (a new one),
 * update.c (used), nd.c and renumber.c (the prefix has gone), store.c (an earlier run), and all
 * who look for a key. RFC 6618 4.3, 5.6.1.
 *
 *	end	the end of the lifetime, then of the time for which a spent one is known;
 *		before that, of an older one: SA_GRACE after the newer was issued
 */
#include "ha-agent/sa.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"

/* The octets of a struct in6_prefix that are not padding. */
#define PREFIX_KEY	(offsetof(struct in6_prefix, len) + sizeof(uint8_t))

static struct sa *newest_of(const struct ha *ha, const struct in6_prefix *prefix)
{
	struct sa *s;

	HASH_FIND(by_prefix, ha->sas.by_prefix, prefix, PREFIX_KEY, s);
	return s;
}

/* Who takes a mode away ends what it did, and may give it back. */
static bool is_allowed(const struct sa *s)
{
	const struct ha_keys_config *cfg = &s->ha_of->cfg->bootstrap;

	return !cfg->off && boot_modes_have(&cfg->modes, s->mode);
}

static struct sa *by_spi(const struct ha *ha, uint32_t spi)
{
	struct sa *s;

	HASH_FIND(by_spi, ha->sas.by_spi, &spi, sizeof(spi), s);
	return s;
}

struct sa *sa_find(const struct ha *ha, uint32_t spi)
{
	struct sa *s = sa_is_spi(spi) ? by_spi(ha, spi) : NULL;

	return s && is_allowed(s) ? s : NULL;
}

static struct sa *good_of(const struct ha *ha, const struct in6_prefix *prefix)
{
	struct sa *s = newest_of(ha, prefix);

	while (s && (s->spent || !is_allowed(s)))
		s = s->older;
	return s;
}

struct sa *sa_of_address(const struct ha *ha, const struct in6_addr *hoa)
{
	struct in6_prefix p = { .addr = *hoa, .len = 128 };
	struct sa *s = good_of(ha, &p);

	if (s)
		return s;
	p.len = 64;
	in6_mask(&p.addr, p.len);
	return good_of(ha, &p);
}

unsigned int sa_count(const struct ha *ha, const struct in6_prefix *prefix)
{
	unsigned int n = 0;

	for (const struct sa *s = newest_of(ha, prefix); s; s = s->older)
		n++;
	return n;
}

/* RFC 6618 5.6.1: 28 bits; random, so that nobody who does not see it can name it. */
uint32_t sa_fresh_spi(struct ha *ha)
{
	uint64_t any;
	uint32_t spi;

	do {
		ha->ops->random(ha->ctx, &any, sizeof(any));
		spi = BOOT_SPI_FIRST + (uint32_t)(any % (BOOT_SPI_MAX - BOOT_SPI_FIRST + 1));
	} while (by_spi(ha, spi));
	return spi;
}

/* ---- the file ---- */

static int store(struct sa *s)
{
	struct sa_record r = {
		.spi = s->key.auth.spi, .prefix = s->prefix, .ha = s->ha, .mode = s->mode,
		.issued = s->issued, .until = s->until, .number = s->number,
		.timestamp = s->timestamp, .used = s->used, .place = s->place,
	};
	int err;

	memcpy(r.mn_id, s->mn_id, sizeof(r.mn_id));
	memcpy(r.secret, s->key.auth.secret, sizeof(r.secret));
	err = s->ha_of->ops->sa_store(s->ha_of->ctx, &r);
	if (err < 0)
		s->ha_of->counters[HA_STORE_FAILED]++;
	else
		s->place = r.place;
	explicit_bzero(&r, sizeof(r));
	return err;
}

static void strike_out(struct sa *s)
{
	if (s->place != 0)
		s->ha_of->ops->sa_forget(s->ha_of->ctx, s->key.auth.spi, s->place);
	s->place = 0;
}

/* ---- in and out of the table ---- */

static void wipe(struct sa *s)
{
	auth_key_wipe(&s->key.auth);
	explicit_bzero(s, sizeof(*s));
	free(s);
}

/* Behind those of its prefix that are newer. */
static void enter(struct sa *s)
{
	struct sa_table *t = &s->ha_of->sas;
	struct sa *at = newest_of(s->ha_of, &s->prefix);

	if (at && at->number > s->number) {
		while (at->older && at->older->number > s->number)
			at = at->older;
		s->older = at->older;
		at->older = s;
	} else {
		if (at)
			HASH_DELETE(by_prefix, t->by_prefix, at);
		s->older = at;
		HASH_ADD(by_prefix, t->by_prefix, prefix, PREFIX_KEY, s);
	}
	HASH_ADD(by_spi, t->by_spi, key.auth.spi, sizeof(s->key.auth.spi), s);
	t->n++;
}

static void leave(struct sa *s)
{
	struct sa_table *t = &s->ha_of->sas;
	struct sa *at = newest_of(s->ha_of, &s->prefix);

	if (at == s) {
		HASH_DELETE(by_prefix, t->by_prefix, s);
		if (s->older) {
			at = s->older;
			HASH_ADD(by_prefix, t->by_prefix, prefix, PREFIX_KEY, at);
		}
	} else {
		while (at->older != s)
			at = at->older;
		at->older = s->older;
	}
	HASH_DELETE(by_spi, t->by_spi, s);
	t->n--;
	timer_stop(s->ha_of->timers, &s->end);
}

void sa_drop(struct sa *s, const char *why, usec_t now)
{
	if (ha_log_routine(s->ha_of, now))
		log_info("key %u of %s: dropped, %s", s->key.auth.spi,
			 in6_prefix_str(&s->prefix).s, why);
	strike_out(s);
	leave(s);
	wipe(s);
}

static void drop_older(struct sa *s, usec_t now)
{
	while (s->older)
		sa_drop(s->older, "a newer one is in use", now);
}

void sa_drop_prefix(struct ha *ha, const struct in6_prefix *prefix, const char *why, usec_t now)
{
	struct sa *s;

	while ((s = newest_of(ha, prefix)))
		sa_drop(s, why, now);
}

void sa_drop_within(struct ha *ha, const struct in6_prefix *prefix, const char *why, usec_t now)
{
	struct sa *s, *next;

	HASH_ITER(by_spi, ha->sas.by_spi, s, next)
		if (in6_in(prefix, &s->prefix.addr))
			sa_drop(s, why, now);
}

void sa_free_all(struct ha *ha)
{
	struct sa *s, *next;

	HASH_ITER(by_spi, ha->sas.by_spi, s, next) {
		leave(s);
		wipe(s);
	}
}

void sa_each(const struct ha *ha, void (*fn)(void *ctx, const struct sa *s), void *ctx)
{
	struct sa *s, *next;

	HASH_ITER(by_spi, ha->sas.by_spi, s, next)
		fn(ctx, s);
}

/* ---- time ---- */

static bool is_newest(const struct sa *s)
{
	return newest_of(s->ha_of, &s->prefix) == s;
}

/* Its host is away by it: without it there would be no way home. */
static bool is_needed(const struct sa *s)
{
	const struct lease *l = ha_find_lease(s->ha_of, &s->prefix.addr);
	const struct binding *b;

	if (l)
		return s->used && l->carried > 0;
	b = s->prefix.len == 128 ? bcache_find(&s->ha_of->bcache, &s->prefix.addr) : NULL;
	return b && b->spi == s->key.auth.spi &&
	       (binding_carries(b) || b->state == BINDING_TESTING);
}

static void arm(struct sa *s, usec_t at)
{
	/* Its place among the timers was made when it was begun. */
	(void)timer_set(s->ha_of->timers, &s->end, at);
}

/* A newer one has been there for a while, and nobody has used that yet. */
static void on_grace(struct sa *s, usec_t now)
{
	if (is_newest(s))
		arm(s, s->until);
	else if (is_needed(s))
		arm(s, now + SA_GRACE < s->until ? now + SA_GRACE : s->until);
	else
		sa_drop(s, "a newer one was issued", now);
}

static void on_end(void *ctx, usec_t now)
{
	struct sa *s = ctx;

	if (s->spent) {
		sa_drop(s, "it ran out a while ago", now);
	} else if (now >= s->until && !is_newest(s)) {
		sa_drop(s, "its lifetime is over, and there is a newer one", now);
	} else if (now >= s->until) {
		s->spent = true;
		strike_out(s);
		if (ha_log_routine(s->ha_of, now))
			log_info("key %u of %s: its lifetime is over", s->key.auth.spi,
				 in6_prefix_str(&s->prefix).s);
		arm(s, now + SA_SPENT);
	} else {
		on_grace(s, now);
	}
}

/* What is older than this one has a while to live; of one that is spent everything was said. */
static void give_grace(struct sa *s, usec_t now)
{
	struct sa *next;

	for (struct sa *o = s->older; o; o = next) {
		next = o->older;
		if (o->spent)
			sa_drop(o, "it ran out, and a newer one was issued", now);
		else if (o->end.at > now + SA_GRACE)
			arm(o, now + SA_GRACE);
	}
}

/* ---- a new one, and one that is used ---- */

static int make(struct ha *ha, const struct sa_record *r, struct sa **ret)
{
	struct sa *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	err = auth_key_init(&s->key.auth, r->spi, AUTH_HMAC_SHA256_128, r->secret,
			    sizeof(r->secret));
	if (err < 0) {
		free(s);
		return err;
	}
	s->ha_of = ha;
	s->key.sa = s;
	/* RFC 4285 6: nothing but the time tells a new message from an old one after a restart. */
	s->key.timestamp_required = true;
	s->key.timestamp_window = HA_TIMESTAMP_WINDOW;
	s->prefix = r->prefix;
	s->ha = r->ha;
	s->mode = r->mode;
	memcpy(s->mn_id, r->mn_id, sizeof(s->mn_id));
	s->until = r->until;
	s->issued = r->issued;
	s->number = r->number;
	s->timestamp = r->timestamp;
	s->used = r->used;
	s->place = r->place;
	timer_init(&s->end, "key", on_end, s);
	err = timer_set(ha->timers, &s->end, s->until);
	if (err < 0) {
		wipe(s);
		return err;
	}
	enter(s);
	*ret = s;
	return 0;
}

static bool is_full(const struct ha *ha)
{
	return ha->sas.n >= ha->cfg->bootstrap.max;
}

/* Of as many as there may be of one prefix, the one that goes for a new one: a host that attaches
 * again and again asks each time, and the answers may have been lost. NULL: all are needed. */
static struct sa *oldest_unneeded(const struct ha *ha, const struct in6_prefix *prefix)
{
	struct sa *ret = NULL;

	for (struct sa *s = newest_of(ha, prefix); s; s = s->older)
		if (!is_needed(s))
			ret = s;
	return ret;
}

bool sa_has_room(const struct ha *ha, const struct in6_prefix *prefix)
{
	return sa_count(ha, prefix) < SA_OF_PREFIX ? !is_full(ha) :
	       oldest_unneeded(ha, prefix) != NULL;
}

static void make_room(struct ha *ha, const struct in6_prefix *prefix, usec_t now)
{
	struct sa *s = sa_count(ha, prefix) >= SA_OF_PREFIX ? oldest_unneeded(ha, prefix) : NULL;

	if (s)
		sa_drop(s, "there are too many newer ones", now);
}

struct sa *sa_issue(struct ha *ha, uint32_t spi, const struct in6_prefix *prefix,
		    const struct in6_addr *ha_addr, enum boot_mode mode, const char *mn_id,
		    const uint8_t secret[BOOT_KEY_LEN], usec_t until, usec_t now)
{
	struct sa_record r = {
		.spi = spi, .prefix = *prefix, .ha = *ha_addr, .mode = mode, .issued = now,
		.until = until, .number = ha->sas.next,
	};
	struct sa *s = NULL;
	int err;

	if (!sa_has_room(ha, prefix) || by_spi(ha, spi))
		return NULL;
	make_room(ha, prefix, now);
	strncpy(r.mn_id, mn_id, sizeof(r.mn_id) - 1);
	memcpy(r.secret, secret, sizeof(r.secret));
	err = make(ha, &r, &s);
	explicit_bzero(&r, sizeof(r));
	if (err < 0)
		return NULL;
	if (store(s) < 0) {
		leave(s);
		wipe(s);
		return NULL;
	}
	ha->sas.next++;
	give_grace(s, now);
	return s;
}

void sa_used(struct sa *s, uint64_t timestamp, usec_t now)
{
	bool newer = timestamp != 0 &&
		     (s->timestamp == 0 || (int64_t)(timestamp - s->timestamp) > 0);

	if (s->used && !newer)
		return;
	if (newer)
		s->timestamp = timestamp;
	if (!s->used && ha_log_routine(s->ha_of, now))
		log_info("key %u of %s: in use", s->key.auth.spi, in6_prefix_str(&s->prefix).s);
	s->used = true;
	/* On the disk that it was used comes first: of a kill between the two a restart makes the
	 * same. */
	(void)store(s);
	drop_older(s, now);
}

/* ---- an earlier run ---- */

static bool has_place(struct ha *ha, const struct sa_record *r)
{
	const struct ha_home *home = ha_home_of(ha, &r->prefix.addr);
	const struct lease *l;

	if (!home || !in6_eq(&home->cfg.address, &r->ha) || r->mode >= BOOT_MODE_MAX ||
	    !sa_is_spi(r->spi))
		return false;
	if (home->cfg.mode == HOME_SHARED)
		return r->prefix.len == 128;
	l = ha_find_lease(ha, &r->prefix.addr);
	return l && l->state != LEASE_FREE && in6_prefix_eq(&l->prefix, &r->prefix);
}

static bool newer_is_used(const struct ha *ha, const struct sa_record *r)
{
	for (const struct sa *s = newest_of(ha, &r->prefix); s; s = s->older)
		if (s->number > r->number && s->used)
			return true;
	return false;
}

int sa_restore(struct ha *ha, const struct sa_record *r, usec_t now)
{
	struct sa_record own = *r;
	struct sa *s = NULL;
	int err = 0;

	if (ha->sas.next <= r->number)
		ha->sas.next = r->number + 1;
	/* Whatever the clock did meanwhile, no longer than we would grant. */
	if (own.until > now + ha->cfg->bootstrap.lifetime)
		own.until = now + ha->cfg->bootstrap.lifetime;
	if (r->until <= now || newer_is_used(ha, r))
		err = -ESTALE;
	else if (!has_place(ha, r))
		err = -EINVAL;
	else if (by_spi(ha, r->spi))
		err = -EEXIST;
	else if (is_full(ha))
		err = -ENOSPC;
	else
		err = make(ha, &own, &s);
	explicit_bzero(&own, sizeof(own));
	if (err < 0)
		return err;
	if (s->used)
		drop_older(s, now);
	give_grace(newest_of(ha, &s->prefix), now);
	return 0;
}
