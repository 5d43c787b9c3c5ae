/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile prefix discovery: what absent mobile nodes are told of their prefixes, asked or
 * unasked (RFC 6275 6.8, 10.6). Owns the struct mpd of a binding, which exists only while
 * there is something to do; called by discovery.c, binding.c, ha.c, and by its timer:
 *
 *	prefixes (mpd)	the answer to a solicitation that came within a second of the last
 *			advertisement; a change at its random time, then 3, 6 and 12 s later
 *			until the mobile node solicits; a second after the last one sent, the
 *			end of the entry
 *
 * The day's advertisement (MaxMobPfxAdvInterval) needs no timer: its time is looked at when
 * the mobile node refreshes its binding.
 */
#include <stdlib.h>

#include "common/core/log.h"
#include "ha-agent/discovery.h"
#include "ha-agent/ra.h"

#define SPACING		USEC_S		/* RFC 6275 6.8: not more than one per second */

struct mpd {
	struct binding *binding;
	usec_t sent;			/* the last advertisement */
	bool answer;			/* a solicitation is to be answered, */
	uint16_t id;			/* with this identifier */
	usec_t announce_at;		/* unsolicited; USEC_NEVER: none */
	unsigned int tries;		/* unsolicited ones since the last solicitation */
	bool changed;			/* they tell of a change, not only that a day is over */
	struct timer timer;
};

static usec_t min_time(usec_t a, usec_t b)
{
	return a < b ? a : b;
}

/* ---- advertisements ---- */

/* Where the host is at home; NULL: it is not known. */
static const struct ha_interface *home_link(const struct binding *b)
{
	const struct ha_interface *ifc = b->lease ? b->lease->interface :
					 b->home->link;

	return ifc && ha_serves(ifc, b->home) ? ifc : NULL;
}

/* RFC 6275 10.6.2: RAND_ADV_DELAY. */
static usec_t random_delay(struct binding *b, usec_t now)
{
	const struct ha_config *cfg = b->home->ha->cfg;
	usec_t valid = home_valid_left(b->home, b->lease, now);
	usec_t range = min_time(cfg->prefix_advertisement_max, valid) -
		       cfg->prefix_advertisement_min;
	uint64_t r;

	if (range < 0)
		range = -range;
	b->home->ha->ops->random(b->home->ha->ctx, &r, sizeof(r));
	/* What comes after the end of the prefix is of no use. */
	return min_time(valid / 2, cfg->prefix_advertisement_min +
			(range ? (usec_t)(r % (uint64_t)range) : 0));
}

/* The host's lease of a home, with as much time as can be; NULL: none. */
static struct lease *lease_in(const struct binding *b, struct ha_home *home, usec_t now)
{
	struct lease *l;

	if (!b->lease)
		return NULL;
	l = pool_find_mac(&home->pool, b->lease->mac);
	/* RFC 6275 10.6: one whose prefix ends hears of the one that takes its place. */
	if (!l && home_is_deprecated(b->home))
		return nd_lease_offer(home, b->lease, now);
	if (!l || l->state == LEASE_FREE)
		return NULL;
	(void)ha_extend_lease(b->home->ha, l, now, NULL);
	return l;
}

/* RFC 6275 10.6.1, 10.6.2: all prefixes of the home link, and of those the ones that are the
 * host's: what it would hear at home. */
static unsigned int home_prefixes(struct binding *b, usec_t now,
				  struct nd_prefix ret[ND_MAX_PREFIXES])
{
	const struct ha_interface *ifc = home_link(b);
	struct ha_home *const *homes = ifc ? ifc->homes : &b->home;
	unsigned int n_homes = ifc ? ifc->n_homes : 1, n = 0;
	const struct ha_config *cfg = b->home->ha->cfg;

	for (unsigned int i = 0; i < n_homes; i++)
		if (homes[i]->state <= HOME_RETIRING)
			n += ra_home_prefixes(cfg, homes[i], lease_in(b, homes[i], now), now,
					      &ret[n]);
	return n;
}

static void advertise(struct mpd *m, uint16_t id, enum ha_counter counter, usec_t now)
{
	struct binding *b = m->binding;
	struct ha *ha = b->home->ha;
	/* RFC 6275 10.6.3, 6.8. */
	const struct ip6_packet ip = message_header(b, IP6_NH_ICMP6);
	/* RFC 6275 6.8: M and O are clear where there is no DHCPv6. */
	struct icmp6_msg msg = { .type = ICMP6_MPA, .u.mp = { .id = id } };
	uint8_t room[RA_ROOM];
	struct wbuf w;

	msg.u.mp.n_prefixes = home_prefixes(b, now, msg.u.mp.prefixes);
	/* RFC 6275 6.8: one prefix or more. */
	if (msg.u.mp.n_prefixes == 0)
		return;
	wb_init(&w, room, sizeof(room));
	if (icmp6_packet(&w, &ip, &msg) < 0)
		return;
	m->sent = now;
	b->prefixes_due = now + random_delay(b, now);
	message_send(ha, w.base, w.len, counter);
}

/* RFC 6275 10.6.2: again after PREFIX_ADV_TIMEOUT, twice that, and so on. */
static void announce(struct mpd *m, usec_t now)
{
	if (m->tries > MIP6_PREFIX_ADV_RETRIES) {
		m->binding->home->ha->counters[HA_MPA_UNANSWERED]++;
		m->announce_at = USEC_NEVER;
		return;
	}
	advertise(m, 0, HA_TX_MPA_UNSOLICITED, now);
	m->announce_at = now + (MIP6_PREFIX_ADV_TIMEOUT_S * USEC_S << m->tries++);
}

/* ---- the entry ---- */

void mpd_end(struct binding *b)
{
	if (!b->mpd)
		return;
	timer_stop(b->home->ha->timers, &b->mpd->timer);
	free(b->mpd);
	b->mpd = NULL;
}

/* Does what is due and arms the timer for the rest; the entry may be gone afterwards. */
static void run(struct mpd *m, usec_t now)
{
	struct binding *b = m->binding;
	usec_t next = m->sent + SPACING;

	if (now >= next && m->answer) {
		m->answer = false;
		advertise(m, m->id, HA_TX_MPA_SOLICITED, now);
	} else if (now >= next && now >= m->announce_at) {
		announce(m, now);
	}
	next = m->sent + SPACING;
	if (!m->answer && m->announce_at != USEC_NEVER && m->announce_at > next)
		next = m->announce_at;
	else if (!m->answer && m->announce_at == USEC_NEVER && now >= next) {
		/* Who never answered is told of a change again when it registers next. */
		if (!m->changed)
			mpd_end(b);
		return;
	}
	if (timer_set(b->home->ha->timers, &m->timer, next) < 0) {
		log_error("binding %s: no memory to tell it of its prefixes", in6_str(&b->hoa).s);
		mpd_end(b);
	}
}

static void on_timer(void *ctx, usec_t now)
{
	run(ctx, now);
}

static struct mpd *entry(struct binding *b, usec_t now)
{
	struct mpd *m = b->mpd;

	if (m)
		return m;
	m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->binding = b;
	m->sent = now - SPACING;
	m->announce_at = USEC_NEVER;
	timer_init(&m->timer, "prefixes", on_timer, m);
	b->mpd = m;
	return m;
}

/* ---- what happens ---- */

void mpd_solicited(struct binding *b, uint16_t id, usec_t now)
{
	struct mpd *m = entry(b, now);

	if (!m)
		return;
	/* RFC 6275 10.6.2: answered right away; it acknowledges what was sent unasked. */
	m->announce_at = USEC_NEVER;
	m->tries = 0;
	m->changed = false;
	m->answer = true;
	m->id = id;
	run(m, now);
}

void mpd_registered(struct binding *b, usec_t now)
{
	struct mpd *m = b->mpd;
	bool again = m && m->changed && m->tries > 0;

	if (!b->home->ha->cfg->prefix_advertisements)
		return;
	if (b->prefixes_due == 0)
		b->prefixes_due = now + random_delay(b, now);
	/* RFC 6275 10.6.2: one that moved before it answered is told from the beginning; and
	 * nobody is left without news for longer than MaxMobPfxAdvInterval. */
	if (!again && now < b->prefixes_due)
		return;
	if (!again && m && m->announce_at != USEC_NEVER)
		return;
	m = entry(b, now);
	if (!m)
		return;
	m->tries = 0;
	m->announce_at = now + SPACING;	/* behind the acknowledgement */
	run(m, now);
}

static void changed(struct binding *b, usec_t now)
{
	struct mpd *m = entry(b, now);

	if (!m)
		return;
	/* RFC 6275 10.6.2: what is scheduled already, or to be repeated, says the new. */
	m->announce_at = min_time(m->announce_at, now + random_delay(b, now));
	m->tries = 0;
	m->changed = true;
	run(m, now);
}

/* Is the home on the binding's home link? */
static bool hears_of(const struct binding *b, const struct ha_home *home)
{
	const struct ha_interface *ifc = home_link(b);

	return b->home == home || (ifc && ha_serves(ifc, home));
}

void ha_prefix_changed(struct ha *ha, struct ha_home *home, usec_t now)
{
	struct binding *b, *next;

	if (!ha->cfg->prefix_advertisements)
		return;
	HASH_ITER(by_hoa, ha->bcache.by_hoa, b, next)
		if (b->state == BINDING_BOUND && !b->by_router && hears_of(b, home))
			changed(b, now);
}
