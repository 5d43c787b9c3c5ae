/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys that home agents give: when an attached anchor asks for one, and what follows from the
 * answer. Owns mn->sas (the keys) and mn->askings (the home agents that were asked); mn.c says
 * that something has changed, keyclient.c carries sessions out and reports. RFC 6618 4.3, 5.3,
 * 5.5.4; design 7.
 *
 * A session asks for all anchors of one home agent: one request for each prefix that is this
 * host's alone. Where others share the prefix an address stands for itself only, and so the
 * session comes from there and asks for nothing else.
 *
 * Timer:
 *   keys   an anchor may be asked for (again), a key is to be renewed, or has ended. Behind all
 *          that a turn of the loop does for traffic: bootstrap_soon().
 */
#include "mn-agent/bootstrap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "mn-agent/attach.h"

#define ASKINGS_MAX	16		/* home agents remembered */
#define AGAIN_FIRST	USEC_S		/* it may not know this host yet, */
#define AGAIN_MAX	(600 * USEC_S)
#define SELDOM_FIRST	(300 * USEC_S)	/* or somebody has to change something there */
#define SELDOM_MAX	(3600 * USEC_S)
#define RETRY_AFTER_MAX	(3600 * USEC_S)	/* that a home agent may wish */
#define LIFETIME_MAX_S	(366 * 86400u)
#define TOGETHER	(60 * USEC_S)	/* keys to be renewed so soon are in one session */

static const char too_late[] = "the home agent had not given one when its link was left";
static const char only_there[] = "a home agent gives one on its own link only";

/* --- the keys --------------------------------------------------------------------- */

static bool fits(const struct mn_sa *s, const struct in6_addr *hoa, const struct in6_addr *ha)
{
	return in6_eq(&s->ha, ha) && in6_in(&s->prefix, hoa);
}

struct mn_sa *bootstrap_key(const struct mn *mn, const struct in6_addr *hoa,
			    const struct in6_addr *ha)
{
	for (struct mn_sa *s = mn->sas; s; s = s->next)
		if (fits(s, hoa, ha))
			return s;
	return NULL;
}

static bool allowed(const struct mn *mn, enum boot_mode mode)
{
	return boot_modes_have(&mn->cfg->key_modes, mode);
}

/* Takes it out of the list; whoever uses it is given what there is instead. */
static void drop(struct mn *mn, struct mn_sa *s, const char *why, usec_t now)
{
	struct mn_sa **p = &mn->sas;

	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	mn->keys_version++;
	for (struct anchor *a = mn->anchors; a; a = a->next) {
		if (a->key != &s->key)
			continue;
		snprintf(a->no_key, sizeof(a->no_key), "%s", why);
		mn_set_key(mn, a);
		if (a->state != ANCHOR_GONE)
			anchor_rekeyed(a, now);
	}
	auth_key_wipe(&s->key);
	free(s);
	mn->ops->changed(mn->ctx);
}

/* Is there an anchor that may have to tell its home agent something? */
static bool needed(const struct mn *mn, const struct mn_sa *s)
{
	for (const struct anchor *a = mn->anchors; a; a = a->next)
		if (a->state != ANCHOR_GONE && fits(s, &a->hoa, &a->ha))
			return true;
	return false;
}

static void drop_useless(struct mn *mn, usec_t now)
{
	for (struct mn_sa *s = mn->sas, *next; s; s = next) {
		next = s->next;
		if (!needed(mn, s)) {
			drop(mn, s, "it was forgotten", now);
		} else if (s->until <= now) {
			mn->counters[MN_C_KEY_EXPIRED]++;
			drop(mn, s, "the one that it had given has ended, and another is given "
			     "on its own link only", now);
		} else if (!allowed(mn, s->mode)) {
			drop(mn, s, "the one that it had given is of a mode that is not allowed "
			     "any more", now);
		}
	}
}

/* NULL: no memory. In the list, before older ones. */
static struct mn_sa *add(struct mn *mn, const struct bootstrap_record *r)
{
	struct mn_sa *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	if (auth_key_init(&s->key, r->spi, AUTH_HMAC_SHA256_128, r->secret, BOOT_KEY_LEN)) {
		free(s);
		return NULL;
	}
	s->prefix = r->prefix;
	s->ha = r->ha;
	s->mode = r->mode;
	s->until = r->until;
	s->renew_at = r->renew_at;
	s->next = mn->sas;
	mn->sas = s;
	mn->keys_version++;
	return s;
}

/* now: of an event; 0: restored, it is what it was. */
static void use(struct mn *mn, const struct mn_sa *s, usec_t now)
{
	for (struct anchor *a = mn->anchors; a; a = a->next) {
		if (a->state == ANCHOR_GONE || !fits(s, &a->hoa, &a->ha))
			continue;
		a->key_again = (struct backoff){ 0 };
		a->key_not_before = 0;
		a->no_key[0] = '\0';
		a->key_failed = false;
		mn_set_key(mn, a);
		if (a->key == &s->key && now != 0)
			anchor_rekeyed(a, now);
	}
}

int bootstrap_restore(struct mn *mn, const struct bootstrap_record *r, usec_t now)
{
	struct mn_sa *s;

	if (r->spi < BOOT_SPI_FIRST || r->spi > BOOT_SPI_MAX ||
	    (r->prefix.len != 64 && r->prefix.len != 128) || !in6_is_routable(&r->prefix.addr) ||
	    !in6_is_routable(&r->ha))
		return -EINVAL;
	if (r->until <= now || !allowed(mn, r->mode) || bootstrap_key(mn, &r->prefix.addr, &r->ha))
		return -ESTALE;
	s = add(mn, r);
	if (!s)
		return -ENOMEM;
	if (!needed(mn, s)) {
		drop(mn, s, "", now);
		return -ESTALE;
	}
	use(mn, s, 0);
	return 0;
}

/* --- who is to be asked ----------------------------------------------------------- */

static struct mn_asking *find(const struct mn *mn, const struct in6_addr *ha)
{
	for (struct mn_asking *k = mn->askings; k; k = k->next)
		if (in6_eq(&k->ha, ha))
			return k;
	return NULL;
}

/* The one asked longest ago makes room. NULL: no memory. */
static struct mn_asking *find_or_add(struct mn *mn, const struct in6_addr *ha)
{
	struct mn_asking *k = find(mn, ha), **oldest = NULL;
	unsigned int n = 0;

	if (k)
		return k;
	for (struct mn_asking **p = &mn->askings; *p; p = &(*p)->next, n++)
		if (!(*p)->open && (!oldest || (*p)->begun < (*oldest)->begun))
			oldest = p;
	if (n >= ASKINGS_MAX && !oldest)
		return NULL;
	if (n >= ASKINGS_MAX) {
		k = *oldest;
		*oldest = k->next;
		memset(k, 0, sizeof(*k));
	} else {
		k = calloc(1, sizeof(*k));
	}
	if (!k)
		return NULL;
	k->ha = *ha;
	k->next = mn->askings;
	mn->askings = k;
	return k;
}

bool bootstrap_wanted(const struct mn *mn, const struct anchor *a)
{
	return mn->ops->key_ask && mn->cfg->key_modes.n > 0 && !mn->cfg->anchor.ipsec &&
	       a->state != ANCHOR_GONE && !a->unauthenticated && a->spi == 0 &&
	       !mn_key_for(mn, a, &a->ha);
}

bool bootstrap_asking(const struct mn *mn, const struct anchor *a)
{
	const struct mn_asking *k = find(mn, &a->ha);

	for (unsigned int n = 0; k && k->open && n < k->ask.n; n++)
		if (in6_eq(&k->ask.hoas[n], &a->hoa) && !k->answered[n])
			return true;
	return false;
}

/* Can a connection come from there by its own link? */
static bool can_ask(const struct anchor *a, const struct mn_iface *i)
{
	if (!i || !attach_at_home(i, a) || a->state != ANCHOR_ATTACHED || !in6_is_routable(&a->ha))
		return false;
	if (a->held || (i->coa_source == COA_OWN && in6_eq(&i->coa, &a->hoa)))
		return true;
	for (unsigned int n = 0; n < i->n_addrs; n++)
		if (in6_eq(&i->addrs[n].addr, &a->hoa))
			return i->addrs[n].usable;
	return false;
}

static const struct mn_iface *iface_of(const struct mn *mn, int ifindex)
{
	const struct mn_iface *i = mn->ifaces;

	while (i && i->link.ifindex != ifindex)
		i = i->next;
	return i;
}

/* When it may be asked for, as far as time decides; USEC_NEVER: it cannot be, as things are. */
static usec_t due_at(const struct mn *mn, const struct anchor *a)
{
	const struct mn_sa *s = bootstrap_key(mn, &a->hoa, &a->ha);
	const struct mn_asking *k = find(mn, &a->ha);
	usec_t at = s ? s->renew_at : 0;

	if (!bootstrap_wanted(mn, a) || !can_ask(a, iface_of(mn, a->ifindex)))
		return USEC_NEVER;
	if (at < a->key_not_before)
		at = a->key_not_before;
	if (k && at < k->not_before)
		at = k->not_before;
	return at;
}

/* What a key for this address is good for: where the prefix is the host's alone, all of it. */
static struct in6_prefix good_for(const struct mn *mn, const struct anchor *a)
{
	const struct mn_iface *i = iface_of(mn, a->ifindex);
	int n = i ? router_prefix_of(&i->move.router, &a->hoa) : -1;
	struct in6_prefix one = { .addr = a->hoa, .len = 128 };

	if (n < 0 || (i->move.router.prefixes[n].flags & (PIO_FLAG_ONLINK | PIO_FLAG_ROUTER)))
		return one;
	return router_prefix(&i->move.router, (unsigned int)n);
}

static bool is_asked_already(const struct bootstrap_ask *ask, const struct in6_prefix *p)
{
	for (unsigned int n = 0; n < ask->n; n++)
		if (in6_in(p, &ask->hoas[n]))
			return true;
	return false;
}

/* --- sessions --------------------------------------------------------------------- */

/* For the first one, and in the same session for the others that may come with it. */
static void fill(const struct mn *mn, const struct anchor *first, usec_t now,
		 struct bootstrap_ask *ask)
{
	*ask = (struct bootstrap_ask){
		.ifindex = first->ifindex, .ha = first->ha, .from = first->hoa, .n = 1,
		.hoas = { first->hoa },
	};
	if (good_for(mn, first).len == 128)
		return;
	for (const struct anchor *a = mn->anchors; a && ask->n < BOOTSTRAP_ASK_MAX; a = a->next) {
		struct in6_prefix p = good_for(mn, a);
		usec_t due = due_at(mn, a);

		if (due != USEC_NEVER && due <= now + TOGETHER && a->key_not_before <= now &&
		    a->ifindex == first->ifindex && in6_eq(&a->ha, &first->ha) &&
		    p.len != 128 && !is_asked_already(ask, &p))
			ask->hoas[ask->n++] = a->hoa;
	}
}

static usec_t pause_after(struct mn *mn, struct backoff *b, usec_t first, usec_t max)
{
	usec_t t;
	uint8_t dice;

	if (b->max != max)
		backoff_start(b, first, max, 0);
	t = backoff_next(b);
	mn->ops->random(mn->ctx, &dice, sizeof(dice));
	return t + t / 4 * dice / 255;		/* not everybody at once */
}

static void begin(struct mn *mn, const struct anchor *first, usec_t now)
{
	struct mn_asking *k = find_or_add(mn, &first->ha);
	int r;

	if (!k || k->open)
		return;
	fill(mn, first, now, &k->ask);
	memset(k->answered, 0, sizeof(k->answered));
	k->begun = now;
	k->open = true;
	mn->counters[MN_C_KEY_SESSIONS]++;
	r = mn->ops->key_ask(mn->ctx, &k->ask);
	if (r)
		bootstrap_over(mn, &k->ha, BOOTSTRAP_NO_ANSWER, strerror(-r), now);
}

/* Is it still where the session comes from? */
static bool still_there(const struct mn *mn, const struct mn_asking *k)
{
	const struct mn_iface *i = iface_of(mn, k->ask.ifindex);
	const struct anchor *a = mn_find_anchor(mn, &k->ask.from);

	return a && a->ifindex == k->ask.ifindex && bootstrap_wanted(mn, a) && can_ask(a, i);
}

static void stop_left(struct mn *mn)
{
	for (struct mn_asking *k = mn->askings; k; k = k->next) {
		if (!k->open || still_there(mn, k))
			continue;
		k->open = false;
		mn->counters[MN_C_KEY_LEFT]++;
		mn->ops->key_stop(mn->ctx, &k->ha);
	}
}

static void set_reason_beforehand(struct mn *mn, struct anchor *a)
{
	if (!a->key && a->no_key[0] == '\0' && bootstrap_wanted(mn, a))
		snprintf(a->no_key, sizeof(a->no_key), "%s",
			 a->state == ANCHOR_ATTACHED ? too_late : only_there);
}

void bootstrap_look(struct mn *mn, usec_t now)
{
	usec_t next = USEC_NEVER;

	if (!mn->ops->key_ask)
		return;
	stop_left(mn);
	drop_useless(mn, now);
	for (struct anchor *a = mn->anchors; a; a = a->next) {
		usec_t due = due_at(mn, a);
		const struct mn_asking *k = find(mn, &a->ha);

		set_reason_beforehand(mn, a);
		if (k && k->open)
			continue;	/* its end is told */
		if (due <= now)
			begin(mn, a, now);
		else if (due < next)
			next = due;
	}
	for (const struct mn_sa *s = mn->sas; s; s = s->next)
		next = s->until < next ? s->until : next;
	for (const struct mn_asking *k = mn->askings; k; k = k->next)
		if (!k->open && k->not_before > now && k->not_before < next)
			next = k->not_before;
	if (next == USEC_NEVER)
		timer_stop(mn->timers, &mn->keys);
	else
		timer_set(mn->timers, &mn->keys, next);
}

static void keys_due(void *ctx, usec_t now)
{
	bootstrap_look(ctx, now);
}

void bootstrap_soon(struct mn *mn, usec_t now)
{
	if (mn->ops->key_ask && (!timer_armed(&mn->keys) || mn->keys.at > now))
		timer_set(mn->timers, &mn->keys, now);
}

void bootstrap_attached(struct mn_iface *i, usec_t now)
{
	struct mn *mn = i->mn;

	for (struct mn_asking *k = mn->askings; k; k = k->next) {
		if (k->open || !router_has_ha(&i->move.router, &k->ha))
			continue;
		k->again = (struct backoff){ 0 };
		k->not_before = 0;
	}
	for (struct anchor *a = mn->anchors; a; a = a->next) {
		if (!attach_at_home(i, a))
			continue;
		a->key_again = (struct backoff){ 0 };
		a->key_not_before = 0;
	}
	bootstrap_soon(mn, now);
}

void bootstrap_reconfigured(struct mn *mn, usec_t now)
{
	for (struct mn_asking *k = mn->askings; k; k = k->next) {
		if (k->open)
			mn->ops->key_stop(mn->ctx, &k->ha);
		k->open = false;
		k->again = (struct backoff){ 0 };
		k->not_before = 0;
	}
	for (struct anchor *a = mn->anchors; a; a = a->next) {
		a->key_again = (struct backoff){ 0 };
		a->key_not_before = 0;
		a->key_failed = false;
		if (!a->key && !bootstrap_wanted(mn, a))
			a->no_key[0] = '\0';	/* it is for people to configure one */
	}
	drop_useless(mn, now);
	bootstrap_soon(mn, now);
}

/* --- what comes back -------------------------------------------------------------- */

/* One that is asked for with this request: its address, or another in the same prefix. */
static bool concerns(const struct mn *mn, const struct mn_asking *k, const struct anchor *a,
		     const struct in6_addr *hoa)
{
	struct in6_prefix p = good_for(mn, a);

	return a->state != ANCHOR_GONE && in6_eq(&a->ha, &k->ha) && in6_in(&p, hoa);
}

/* Told once, and again when it is another reason. */
static void tell_failure(struct mn *mn, const struct anchor *a, const char *was, usec_t now)
{
	if (strcmp(was, a->no_key) != 0)
		log_info("%s %s: %s", in6_str(&a->hoa).s,
			 a->key ? "has its key not renewed" : "cannot be moved away, no key",
			 a->no_key);
	mn_event(mn, "key.failed", NULL, a, a->no_key, now);
}

static void set_reason(struct mn *mn, struct anchor *a, const char *why, usec_t now)
{
	char was[sizeof(a->no_key)];

	memcpy(was, a->no_key, sizeof(was));
	snprintf(a->no_key, sizeof(a->no_key), "%s", why);
	a->key_failed = true;
	tell_failure(mn, a, was, now);
}

/* No key for these: why, and when they are asked for again. */
static void failed(struct mn *mn, const struct mn_asking *k, const struct in6_addr *hoa,
		   const char *why, usec_t first, usec_t max, usec_t now)
{
	for (struct anchor *a = mn->anchors; a; a = a->next) {
		if (!concerns(mn, k, a, hoa))
			continue;
		a->key_not_before = now + pause_after(mn, &a->key_again, first, max);
		set_reason(mn, a, why, now);
	}
}

/* What a response tells in seconds from now, or else as a date; 0: neither. */
static uint32_t seconds(struct mn *mn, uint32_t from_now, int64_t date)
{
	int64_t left = date - mn->ops->wall_us(mn->ctx) / USEC_S;

	if (from_now > 0 || date == 0 || left <= 0)
		return from_now;
	return left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
}

static void refused(struct mn *mn, const struct mn_asking *k, const struct in6_addr *hoa,
		    const struct boot_response *r, usec_t now)
{
	const char *colon = r->reason[0] ? ": " : "";
	usec_t after = (usec_t)seconds(mn, r->retry_after_s, r->retry_at_s) * USEC_S;
	usec_t until = now + (after < RETRY_AFTER_MAX ? after : RETRY_AFTER_MAX);
	char why[160];

	/* RFC 6618 5.5.4 */
	if (r->status == BOOT_UNAUTHORIZED) {
		mn->counters[MN_C_KEY_REFUSED]++;
		snprintf(why, sizeof(why), "the home agent refuses one%s%.100s", colon, r->reason);
		failed(mn, k, hoa, why, SELDOM_FIRST, SELDOM_MAX, now);
		return;
	}
	if (r->status != BOOT_UNAVAILABLE) {
		mn->counters[MN_C_KEY_ERROR]++;
		snprintf(why, sizeof(why), "the home agent answers %u%s%.100s", r->status, colon,
			 r->reason);
		failed(mn, k, hoa, why, AGAIN_FIRST, AGAIN_MAX, now);
		return;
	}
	mn->counters[MN_C_KEY_UNAVAILABLE]++;
	snprintf(why, sizeof(why), "the home agent can give none now%s%.100s", colon, r->reason);
	failed(mn, k, hoa, why, AGAIN_FIRST, AGAIN_MAX, now);
	for (struct anchor *a = mn->anchors; a && after > 0; a = a->next)
		if (concerns(mn, k, a, hoa))
			a->key_not_before = until;
}

/* Is the response one to this request, and is what it gives good for it? */
static bool is_fit(const struct mn_asking *k, const struct in6_addr *hoa,
		   const struct boot_response *r, struct in6_prefix *ret)
{
	*ret = (struct in6_prefix){ .addr = r->hnp, .len = r->hnp_len };
	return (r->hnp_len == 64 || r->hnp_len == 128) && in6_in(ret, hoa) &&
	       in6_eq(&r->ha, &k->ha) && r->spi >= BOOT_SPI_FIRST &&
	       r->spi <= BOOT_SPI_MAX;
}

/* A newer one takes the place of those that are good for the same, or for less. */
static void replace(struct mn *mn, const struct mn_sa *by, usec_t now)
{
	for (struct mn_sa *s = mn->sas, *next; s; s = next) {
		next = s->next;
		if (s != by && in6_eq(&s->ha, &by->ha) && in6_in(&by->prefix, &s->prefix.addr))
			drop(mn, s, "", now);
	}
}

static void take(struct mn *mn, const struct mn_asking *k, const struct in6_addr *hoa,
		 const struct boot_response *r, const struct in6_prefix *good, uint32_t s,
		 const uint8_t secret[BOOT_KEY_LEN], usec_t now)
{
	usec_t life = (usec_t)s * USEC_S;
	struct bootstrap_record rec = {
		.spi = r->spi, .prefix = *good, .ha = r->ha, .mode = r->mode,
		/* Not after the home agent's: it counts from a time that was later than this. */
		.until = k->begun + life,
	};
	struct mn_sa *sa;
	char detail[160];
	uint8_t dice;

	mn->ops->random(mn->ctx, &dice, sizeof(dice));
	rec.renew_at = k->begun + life / 5 * 4 - life / 20 * dice / 255;
	memcpy(rec.secret, secret, sizeof(rec.secret));
	sa = add(mn, &rec);
	explicit_bzero(&rec, sizeof(rec));
	if (!sa) {
		log_error("key of %s: no memory", in6_str(hoa).s);
		return;
	}
	mn->counters[MN_C_KEY_RECEIVED]++;
	use(mn, sa, now);
	replace(mn, sa, now);
	snprintf(detail, sizeof(detail), "%s, good for %s, %u s", boot_mode_name(sa->mode),
		 in6_prefix_str(&sa->prefix).s, s);
	log_info("key %u from %s: %s", sa->key.spi, in6_str(&sa->ha).s, detail);
	mn_event(mn, "key.received", NULL, mn_find_anchor(mn, hoa), detail, now);
	mn->ops->changed(mn->ctx);
	/* It may be carried by another interface now. */
	timer_set(mn->timers, &mn->handover, now);
}

static void granted(struct mn *mn, const struct mn_asking *k, const struct in6_addr *hoa,
		    const struct boot_response *r, enum boot_mode shown,
		    const uint8_t secret[BOOT_KEY_LEN], usec_t now)
{
	uint32_t lifetime_s = seconds(mn, r->lifetime_s, r->validity_end_s);
	struct in6_prefix good;
	char why[160];

	/* No downgrade: what the home agent calls it has to be allowed here, and it counts for
	 * no more than what the session has shown. */
	if (!allowed(mn, r->mode) || (r->mode != BOOT_ON_LINK && r->mode != shown)) {
		mn->counters[MN_C_KEY_DOWNGRADE]++;
		snprintf(why, sizeof(why), "the home agent would give one by %s, its session shows "
			 "%s, and that is not allowed here", boot_mode_name(r->mode),
			 boot_mode_name(shown));
		failed(mn, k, hoa, why, SELDOM_FIRST, SELDOM_MAX, now);
		return;
	}
	if (!is_fit(k, hoa, r, &good) || lifetime_s == 0) {
		mn->counters[MN_C_KEY_UNFIT]++;
		failed(mn, k, hoa, "the home agent gave one that is not good for this address",
		       SELDOM_FIRST, SELDOM_MAX, now);
		return;
	}
	if (lifetime_s > LIFETIME_MAX_S)
		lifetime_s = LIFETIME_MAX_S;
	take(mn, k, hoa, r, &good, lifetime_s, secret, now);
}

void bootstrap_answer(struct mn *mn, const struct in6_addr *ha, const struct in6_addr *hoa,
		      const struct boot_response *r, enum boot_mode shown,
		      const uint8_t secret[BOOT_KEY_LEN], usec_t now)
{
	struct mn_asking *k = find(mn, ha);
	unsigned int n = 0;

	while (k && n < k->ask.n && !in6_eq(&k->ask.hoas[n], hoa))
		n++;
	/* Only once, and only while it is waited for: an older answer changes nothing. */
	if (!k || !k->open || n == k->ask.n || k->answered[n]) {
		mn->counters[MN_C_KEY_UNEXPECTED]++;
		return;
	}
	k->answered[n] = true;
	if (r->status == BOOT_OK && secret)
		granted(mn, k, hoa, r, shown, secret, now);
	else
		refused(mn, k, hoa, r, now);
}

static const struct over_rule {
	enum mn_counter counter;
	usec_t first, max;
	const char *what;		/* why is put behind it */
} over_rules[BOOTSTRAP_RESULT_MAX] = {
	/* It was said to be complete: what is open nevertheless was not answered. */
	[BOOTSTRAP_DONE] = { MN_C_KEY_BROKEN, AGAIN_FIRST, AGAIN_MAX,
			     "the home agent did not answer the request" },
	[BOOTSTRAP_NO_ANSWER] = { MN_C_KEY_NO_ANSWER, AGAIN_FIRST, AGAIN_MAX,
				  "the home agent does not answer" },
	/* Or its daemon is about to start. */
	[BOOTSTRAP_REFUSED_CONNECTION] = { MN_C_KEY_NOT_GIVEN, AGAIN_FIRST, SELDOM_MAX,
					   "the home agent gives none" },
	[BOOTSTRAP_TLS_FAILED] = { MN_C_KEY_TLS, AGAIN_FIRST, SELDOM_MAX,
				   "no session with the home agent" },
	[BOOTSTRAP_BROKEN] = { MN_C_KEY_BROKEN, AGAIN_FIRST, SELDOM_MAX,
			       "what the home agent said cannot be read" },
};

void bootstrap_over(struct mn *mn, const struct in6_addr *ha, enum bootstrap_result result,
		    const char *why, usec_t now)
{
	const struct over_rule *rule = &over_rules[result];
	struct mn_asking *k = find(mn, ha);
	bool all = true;
	char text[160];

	if (!k || !k->open)
		return;
	k->open = false;
	k->result = result;
	for (unsigned int n = 0; n < k->ask.n; n++)
		all &= k->answered[n];
	bootstrap_soon(mn, now);
	if (all) {
		k->again = (struct backoff){ 0 };
		k->not_before = 0;
		return;
	}
	mn->counters[rule->counter]++;
	k->not_before = now + pause_after(mn, &k->again, rule->first, rule->max);
	snprintf(text, sizeof(text), "%s%s%s", rule->what, why ? ": " : "", why ? why : "");
	for (unsigned int n = 0; n < k->ask.n; n++)
		for (struct anchor *a = mn->anchors; a && !k->answered[n]; a = a->next)
			if (concerns(mn, k, a, &k->ask.hoas[n]))
				set_reason(mn, a, text, now);
}

void bootstrap_refused(struct mn *mn, const struct anchor *a, usec_t now)
{
	struct mn_sa *s = bootstrap_key(mn, &a->hoa, &a->ha);

	if (!s || a->key != &s->key || s->renew_at <= now)
		return;
	mn->counters[MN_C_KEY_ANEW]++;
	s->renew_at = now;
	mn->keys_version++;
	mn->ops->changed(mn->ctx);
	bootstrap_soon(mn, now);
}

void bootstrap_init(struct mn *mn)
{
	timer_init(&mn->keys, "keys", keys_due, mn);
}

void bootstrap_free(struct mn *mn)
{
	timer_stop(mn->timers, &mn->keys);
	for (struct mn_sa *s = mn->sas, *next; s; s = next) {
		next = s->next;
		auth_key_wipe(&s->key);
		free(s);
	}
	for (struct mn_asking *k = mn->askings, *next; k; k = next) {
		next = k->next;
		if (k->open)
			mn->ops->key_stop(mn->ctx, &k->ha);
		free(k);
	}
	mn->sas = NULL;
	mn->askings = NULL;
}
