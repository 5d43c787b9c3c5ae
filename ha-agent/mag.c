/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hosts that come to a link of this router with prefixes of others (RFC 5213 6.1 to 6.8, the
 * draft's figure 5): when one is attached its sessions are looked up, each anchor is asked for it
 * at once (visit.c), and the advertisement that tells it of all its prefixes leaves when they have
 * answered, or after MAG_RA_DEADLINE. Owns the visitors; called by nd.c, update.c, io.c and ctl.c.
 *
 *	deadline (visitor)	the advertisement leaves without waiting any longer
 *	again (visitor)		the database did not answer: it is asked once more
 */
#include "ha-agent/mag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "ha-agent/ha.h"

const struct in6_addr *mag_address(const struct ha *ha)
{
	return &ha->cfg->homes[0].address;
}

struct visitor *mag_find(const struct ha *ha, const uint8_t mac[6])
{
	struct visitor *h;

	HASH_FIND(by_mac, ha->mag.by_mac, mac, 6, h);
	return h;
}

void mag_init(struct ha *ha)
{
	uint64_t seed;

	TAILQ_INIT(&ha->mag.waiting);
	/* RFC 5213 6.9.1.1: from any number on; an answer to an earlier run is none to us. */
	ha->ops->random(ha->ctx, &seed, sizeof(seed));
	ha->mag.next = (uint16_t)seed;
}

static void unwait(struct visitor *h)
{
	struct mag *m = &h->ha->mag;

	if (h->look == LOOK_WAITS)
		TAILQ_REMOVE(&m->waiting, h, waits);
	else if (h->look == LOOK_ASKED)
		m->n_asked--;
	h->look = LOOK_NONE;
}

static void drop(struct visitor *h)
{
	struct ha *ha = h->ha;

	while (h->n_visits > 0)
		visit_end(h->visits[h->n_visits - 1]);
	unwait(h);
	timer_stop(ha->timers, &h->deadline);
	timer_stop(ha->timers, &h->again);
	HASH_DELETE(by_mac, ha->mag.by_mac, h);
	free(h);
}

void mag_free(struct ha *ha)
{
	struct visitor *h, *next;

	HASH_ITER(by_mac, ha->mag.by_mac, h, next)
		drop(h);
}

void mag_forget(struct visitor *h)
{
	if (h->away && h->n_visits == 0)
		drop(h);
}

/* ---- advertisements ---- */

void mag_advertise(struct visitor *h, usec_t now)
{
	h->ra_due = false;
	timer_stop(h->ha->timers, &h->deadline);
	nd_advertise_host(h->ha, h->interface, h->mac, now);
}

static bool waits(const struct visitor *h)
{
	if (h->look != LOOK_NONE)
		return true;
	for (unsigned int i = 0; i < h->n_visits; i++)
		if (h->visits[i]->state == VISIT_REGISTERING)
			return true;
	return false;
}

void mag_review(struct visitor *h, usec_t now)
{
	if (h->ra_due && !waits(h))
		mag_advertise(h, now);
}

static void on_deadline(void *ctx, usec_t now)
{
	struct visitor *h = ctx;

	if (h->ra_due) {
		h->ha->counters[HA_ANCHORS_LATE]++;
		mag_advertise(h, now);
	}
}

/* RFC 4862 5.5.4: what is begun goes on with it, nothing new begins. */
static struct nd_prefix prefix_option(const struct visit_prefix *p, usec_t now)
{
	usec_t left = p->valid_until - now;

	return (struct nd_prefix){
		.prefix = p->prefix.addr, .plen = p->prefix.len, .flags = PIO_FLAG_AUTO,
		.valid_s = left > 0 ? (uint32_t)(left / USEC_S) : 0,
	};
}

unsigned int mag_prefixes(const struct ha *ha, const uint8_t mac[6], usec_t now,
			  struct nd_prefix *ret, unsigned int room)
{
	const struct visitor *h = mag_find(ha, mac);
	unsigned int n = 0;

	for (unsigned int i = 0; h && !h->away && i < h->n_visits; i++) {
		const struct visit *v = h->visits[i];

		for (unsigned int j = 0; j < v->n_prefixes && n < room; j++)
			if (!v->prefixes[j].off_link)
				ret[n++] = prefix_option(&v->prefixes[j], now);
	}
	return n;
}

/* What has been found is news to the host: its addresses from there are to be deprecated. */
void mag_advertise_soon(struct visitor *h, usec_t now)
{
	if (!h->ra_due && !h->away)
		h->ra_due = timer_set(h->ha->timers, &h->deadline, now + MAG_RA_DEADLINE) == 0;
}

/* ---- looking up ---- */

static void mag_ask_waiting(struct ha *ha, usec_t now);

static void on_again(void *ctx, usec_t now)
{
	struct visitor *h = ctx;

	if (h->look != LOOK_NONE || h->away)
		return;
	h->look = LOOK_WAITS;
	TAILQ_INSERT_TAIL(&h->ha->mag.waiting, h, waits);
	mag_ask_waiting(h->ha, now);
}

static void ask(struct visitor *h, usec_t now)
{
	timer_stop(h->ha->timers, &h->again);
	on_again(h, now);
}

/* Later, and more seldom each time. */
static void ask_later(struct visitor *h, usec_t now)
{
	struct ha *ha = h->ha;

	ha->counters[HA_LOOK_FAILED]++;
	h->look_pause = h->look_pause == 0 ? MAG_LOOK_RETRY_MIN : 2 * h->look_pause;
	if (h->look_pause > MAG_LOOK_RETRY_MAX)
		h->look_pause = MAG_LOOK_RETRY_MAX;
	(void)timer_set(ha->timers, &h->again, now + h->look_pause);
}

/* The database takes so many questions at a time; the rest wait in the order in which they came. */
static void mag_ask_waiting(struct ha *ha, usec_t now)
{
	struct mag *m = &ha->mag;
	struct visitor *h;

	if (m->asking)
		return;
	m->asking = true;
	while ((h = TAILQ_FIRST(&m->waiting))) {
		int err = ha->ops->session_find(ha->ctx, h->mac);

		if (err == -EBUSY && m->n_asked > 0)
			break;		/* the next answer makes room */
		unwait(h);
		if (err == 0) {
			h->look = LOOK_ASKED;
			m->n_asked++;
			continue;
		}
		ask_later(h, now);
		mag_review(h, now);
	}
	m->asking = false;
}

/* An anchor that is no peer of ours has no key that its answer could be known by. */
static bool is_foreign(struct ha *ha, const struct sdb_record *r)
{
	if (r->state != SDB_ACTIVE || r->prefix.len != BCACHE_PREFIX ||
	    ha_is_own_address(ha, &r->anchor) || ha_home_of(ha, &r->prefix.addr))
		return false;
	if (ha_peer_of(ha, &r->anchor))
		return true;
	ha->counters[HA_ANCHOR_UNKNOWN]++;
	log_debug("session of %s at %s: that is no peer of ours", in6_prefix_str(&r->prefix).s,
		  in6_str(&r->anchor).s);
	return false;
}

void mag_found(struct ha *ha, const uint8_t mac[6], int err, const struct sdb_record *records,
	       unsigned int n, usec_t now)
{
	struct visitor *h = mag_find(ha, mac);
	bool news = false;

	if (!h || h->look != LOOK_ASKED)
		return;
	unwait(h);
	if (err < 0) {
		ask_later(h, now);
	} else {
		h->looked = now;
		h->look_pause = 0;
		for (unsigned int i = 0; i < n && !h->away; i++)
			if (is_foreign(ha, &records[i]))
				news |= visit_begin(h, &records[i], true, now);
		if (news)
			mag_advertise_soon(h, now);
		if (!h->away)
			visit_register(h, now);
	}
	mag_ask_waiting(ha, now);
	mag_review(h, now);
}

void mag_changed(struct ha *ha, const struct sdb_record *r, usec_t now)
{
	uint8_t macs[HA_HOST_LINKS][6];
	unsigned int n = hosts_with_name(ha, &r->mn_id, macs);

	for (unsigned int i = 0; i < n; i++) {
		struct visitor *h = mag_find(ha, macs[i]);

		if (!h || h->away || !is_foreign(ha, r))
			continue;
		/* It was given there late, or the host has come there since: it knows. */
		if (visit_begin(h, r, false, now) && visit_is_own(h, r) && !visit_ask(h, now))
			mag_advertise_soon(h, now);
		visit_register(h, now);
	}
}

void mag_database_back(struct ha *ha, bool all, usec_t now)
{
	struct visitor *h, *next;

	HASH_ITER(by_mac, ha->mag.by_mac, h, next)
		if (h->look_pause != 0 || all)
			ask(h, now);
}

void mag_anchor_back(struct ha *ha, const struct in6_addr *anchor, usec_t now)
{
	struct visitor *h, *next;

	HASH_ITER(by_mac, ha->mag.by_mac, h, next)
		for (unsigned int i = h->away ? 0 : h->n_visits; i-- > 0;)
			if (in6_eq(&h->visits[i]->anchor, anchor))
				visit_claim(h->visits[i], HANDOFF_UNKNOWN, now);
}

/* ---- hosts ---- */

static struct visitor *begin(struct ha *ha, const uint8_t mac[6])
{
	struct visitor *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	memcpy(h->mac, mac, sizeof(h->mac));
	h->ha = ha;
	timer_init(&h->deadline, "deadline", on_deadline, h);
	timer_init(&h->again, "again", on_again, h);
	HASH_ADD(by_mac, ha->mag.by_mac, mac, sizeof(h->mac), h);
	return h;
}

/* It is somewhere else than it was: what it takes along leads there now. */
static void place(struct visitor *h, struct ha_interface *ifc)
{
	h->away = false;
	h->interface = ifc;
	for (unsigned int i = 0; i < h->n_visits; i++)
		visit_moved(h->visits[i]);
}

bool mag_attached(struct ha *ha, struct ha_interface *ifc, const uint8_t mac[6], usec_t now)
{
	struct visitor *h;
	bool is_new;

	if (!ha->cfg->network_mode || ha->drain.state != DRAIN_OFF ||
	    hosts_access(ha, mac) != SDB_ALLOWED)
		return false;
	h = mag_find(ha, mac);
	is_new = !h || h->away;
	if (!h)
		h = begin(ha, mac);
	if (!h)
		return false;
	if (is_new || h->interface != ifc)
		place(h, ifc);
	else if (now - h->looked < MAG_LOOK_AGAIN || h->look != LOOK_NONE)
		return h->ra_due;
	/* It is back before its anchors have answered that it had left. */
	for (unsigned int i = is_new ? h->n_visits : 0; i-- > 0;)
		visit_claim(h->visits[i], HANDOFF_UNKNOWN, now);
	if (is_new) {
		h->ra_due = timer_set(ha->timers, &h->deadline, now + MAG_RA_DEADLINE) == 0;
		h->looked = 0;
	}
	ask(h, now);
	/* It may have been advertised to from within: then nothing is due any more. */
	return is_new || h->ra_due;
}

void mag_heard(struct ha *ha, const uint8_t mac[6], usec_t now)
{
	struct visitor *h = mag_find(ha, mac);

	for (unsigned int i = h ? h->n_visits : 0; i-- > 0;)
		if (h->visits[i]->state == VISIT_DOUBTED)
			visit_claim(h->visits[i], HANDOFF_OTHER_GATEWAY, now);
}

void mag_detached(struct ha *ha, const uint8_t mac[6], bool claimed, usec_t now)
{
	struct visitor *h = mag_find(ha, mac);

	if (!h || h->away)
		return;
	h->away = true;
	h->ra_due = false;
	unwait(h);
	timer_stop(ha->timers, &h->deadline);
	timer_stop(ha->timers, &h->again);
	for (unsigned int i = h->n_visits; i-- > 0;)
		visit_leave(h->visits[i], !claimed, now);
	mag_forget(h);
}

void mag_goodbye(struct ha *ha, usec_t now)
{
	struct visitor *h, *next;

	HASH_ITER(by_mac, ha->mag.by_mac, h, next)
		for (unsigned int i = 0; i < h->n_visits; i++)
			visit_goodbye(h->visits[i], now);
}

bool mag_visits(const struct ha *ha, const struct in6_prefix *prefix)
{
	const struct visitor *h, *next;

	HASH_ITER(by_mac, ha->mag.by_mac, h, next)
		for (unsigned int i = 0; i < h->n_visits; i++)
			if (visit_prefix_at(h->visits[i], prefix) >= 0)
				return true;
	return false;
}

void mag_each_visit(const struct ha *ha, void (*fn)(void *ctx, const struct visit *v), void *ctx)
{
	const struct visitor *h, *next;

	HASH_ITER(by_mac, ha->mag.by_mac, h, next)
		for (unsigned int i = 0; i < h->n_visits; i++)
			fn(ctx, h->visits[i]);
}

bool mag_dp_failed(struct ha *ha, const struct in6_prefix *prefix)
{
	struct visitor *h, *next;

	HASH_ITER(by_mac, ha->mag.by_mac, h, next)
		for (unsigned int i = 0; i < h->n_visits; i++) {
			int at = visit_prefix_at(h->visits[i], prefix);

			if (at < 0)
				continue;
			h->visits[i]->prefixes[at].valid_until = 0;
			visit_failed(h->visits[i]);
			return true;
		}
	return false;
}
