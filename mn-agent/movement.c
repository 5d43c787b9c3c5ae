/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Movement detection of one interface. Owns its state and timers; mn.c owns it and
 * carries out the ops. RFC 6275 11.5.1; RFC 4861 6.3.4, 6.3.7; RFC 6059; RFC 7559.
 *
 * Timers:
 *   timer     SOLICITING: the RS again, doubling from 100 ms to a minute (RFC 7559 without
 *             its random start: RFC 6275 11.5.1 lets a mobile node be eager).
 *             PROBING: the next NS, or the verdict.
 *   lifetime  the router lifetime of the current router.
 *   doubt     after a time in which too much was said to be heard: asks who is there.
 */
#include "mn-agent/movement.h"

#include <string.h>

#define RS_FIRST	(100 * USEC_MS)
#define RS_MAX		(60 * USEC_S)
#define PATIENCE	(600 * USEC_MS)	/* a router answers in half a second (RFC 4861 6.2.6) */
#define PROBE_TRIES	3
#define PROBE_WAIT	(100 * USEC_MS)
#define CHANGES_MAX	8	/* of what routers say, without a link event, in */
#define CHANGES_TIME	(10 * USEC_S)
#define PREFIX_SURE	(600 * USEC_S)	/* a prefix of our own was told: so long it is believed, */
#define PREFIX_ASK	(120 * USEC_S)	/* then it is asked for so often, until it is told again */
#define PROBE_HOLD	(30 * USEC_S)	/* ours answered: another is left alone so long */

static const char *const state_names[MOVE_STATE_MAX] = {
	[MOVE_DOWN] = "down",
	[MOVE_SOLICITING] = "soliciting",
	[MOVE_ATTACHED] = "attached",
	[MOVE_PROBING] = "probing",
};

const char *move_state_name(enum move_state s)
{
	return state_names[s];
}

struct in6_prefix router_prefix(const struct router *r, unsigned int n)
{
	return (struct in6_prefix){ .addr = r->prefixes[n].prefix, .len = r->prefixes[n].plen };
}

int router_prefix_of(const struct router *r, const struct in6_addr *addr)
{
	for (unsigned int n = 0; n < r->n_prefixes; n++) {
		struct in6_prefix p = router_prefix(r, n);

		if (in6_in(&p, addr))
			return (int)n;
	}
	return -1;
}

static void add_ha(struct router *r, const struct in6_addr *ha)
{
	if (!r->has_ha)
		r->ha = *ha;
	else if (r->n_more_has < MOVE_MORE_HAS)
		r->more_has[r->n_more_has++] = *ha;
	r->has_ha = true;
}

/* RFC 4862 5.5.3: those for autoconfiguration; or RFC 4861 6.3.4: those that are on link only,
 * whose addresses come from elsewhere (DHCPv6, people). */
static void add_prefixes(struct router *r, const struct nd_ra *ra, bool autoconf)
{
	for (unsigned int i = 0; i < ra->n_prefixes; i++) {
		const struct nd_prefix *p = &ra->prefixes[i];
		bool is_auto = p->flags & PIO_FLAG_AUTO;

		if (is_auto != autoconf || (!is_auto && !(p->flags & PIO_FLAG_ONLINK)) ||
		    p->plen != 64 || p->valid_s == 0 || p->preferred_s > p->valid_s ||
		    !in6_is_routable(&p->prefix) || r->n_prefixes == MOVE_PREFIXES_MAX)
			continue;
		if (router_prefix_of(r, &p->prefix) >= 0)
			continue;		/* the same once more */
		r->prefixes[r->n_prefixes] = *p;
		in6_mask(&r->prefixes[r->n_prefixes].prefix, 64);
		r->n_prefixes++;
	}
}

void router_from_ra(struct router *ret, const struct in6_addr *from, const uint8_t mac[6],
		    const struct nd_ra *ra)
{
	memset(ret, 0, sizeof(*ret));
	ret->linklocal = *from;
	memcpy(ret->mac, ra->slla.present ? ra->slla.mac : mac, 6);
	ret->lifetime_s = ra->router_lifetime_s;
	ret->mtu = ra->mtu;
	ret->is_ha = ra->flags & RA_FLAG_HOME_AGENT;
	for (unsigned int i = 0; i < ra->n_prefixes; i++) {
		const struct nd_prefix *p = &ra->prefixes[i];

		/* RFC 6275 7.2: with the R flag the field is the home agent's own address. */
		if ((p->flags & PIO_FLAG_ROUTER) && (ra->flags & RA_FLAG_HOME_AGENT) &&
		    in6_is_routable(&p->prefix))
			add_ha(ret, &p->prefix);
	}
	add_prefixes(ret, ra, true);
	add_prefixes(ret, ra, false);
	/* RFC 8273: a prefix of one host's own is not on link. */
	ret->per_host = ret->has_ha && ret->n_prefixes > 0 &&
		!(ret->prefixes[0].flags & (PIO_FLAG_ONLINK | PIO_FLAG_ROUTER));
}

bool router_has_ha(const struct router *r, const struct in6_addr *addr)
{
	if (!r->has_ha || in6_eq(&r->ha, addr))
		return r->has_ha;
	for (unsigned int i = 0; i < r->n_more_has; i++)
		if (in6_eq(&r->more_has[i], addr))
			return true;
	return false;
}

static unsigned int common_bits(const struct in6_addr *a, const struct in6_addr *b)
{
	unsigned int n = 0;

	while (n < 128 && !((a->s6_addr[n / 8] ^ b->s6_addr[n / 8]) >> (7 - n % 8) & 1))
		n++;
	return n;
}

const struct in6_addr *router_ha_of(const struct router *r, const struct in6_addr *addr)
{
	const struct in6_addr *best = &r->ha;

	/* A router with several home links has an address in, or next to, each prefix. */
	for (unsigned int i = 0; i < r->n_more_has; i++)
		if (common_bits(&r->more_has[i], addr) > common_bits(best, addr))
			best = &r->more_has[i];
	return best;
}

bool router_has_prefix(const struct router *r, const struct in6_prefix *p)
{
	for (unsigned int i = 0; i < r->n_prefixes; i++)
		if (r->prefixes[i].plen == p->len && in6_eq(&r->prefixes[i].prefix, &p->addr))
			return true;
	return false;
}

/* The same router as far as our addresses go: it still hands out the one we use (RFC 6275
 * 11.5.2: whatever it says of home agents). */
static bool same_router(const struct router *a, const struct router *b)
{
	struct in6_prefix p;

	if (!in6_eq(&a->linklocal, &b->linklocal))
		return false;
	if (a->n_prefixes == 0)
		return true;
	p.addr = a->prefixes[0].prefix;
	p.len = a->prefixes[0].plen;
	return router_has_prefix(b, &p);
}

static void solicit_again(struct movement *m, usec_t now)
{
	timer_set(m->timers, &m->timer, now + backoff_next(&m->rs));
	m->ops->solicit(m->ctx, m, now);
}

static void solicit(struct movement *m, usec_t now)
{
	m->state = MOVE_SOLICITING;
	m->soliciting_since = now;
	m->candidate.n_prefixes = 0;
	backoff_start(&m->rs, RS_FIRST, RS_MAX, 0);
	solicit_again(m, now);
}

static void attach(struct movement *m, const struct router *r, usec_t now)
{
	bool moved = !m->has_router || !same_router(&m->router, r);

	m->router = *r;
	m->heard_at = now;
	m->has_router = true;
	m->settled = true;
	m->state = MOVE_ATTACHED;
	timer_stop(m->timers, &m->timer);
	timer_set(m->timers, &m->lifetime, now + (usec_t)r->lifetime_s * USEC_S);
	m->ops->attached(m->ctx, m, moved, now);
}

static void attach_candidate(struct movement *m, usec_t now)
{
	struct router next = m->candidate;

	attach(m, &next, now);
}

static void lost(struct movement *m, usec_t now)
{
	timer_stop(m->timers, &m->lifetime);
	m->ops->lost(m->ctx, m, now);
}

void move_link(struct movement *m, bool up, usec_t now)
{
	if (!up && m->state != MOVE_DOWN) {
		m->state = MOVE_DOWN;
		timer_stop(m->timers, &m->timer);
		lost(m, now);
	} else if (up && m->state == MOVE_DOWN) {
		m->not_before = 0;
		m->changes = 0;
		solicit(m, now);
	}
}

/* Somebody who lets an advertisement say now this and now that would have us move all the time.
 * What is said too often is not heard; when it has become quiet, who is there is asked. */
static bool too_often(struct movement *m, usec_t now)
{
	if (now - m->changes_since > CHANGES_TIME) {
		m->changes_since = now;
		m->changes = 0;
	}
	if (m->changes < CHANGES_MAX) {
		m->changes++;
		return false;
	}
	m->ignored++;
	timer_set(m->timers, &m->doubt, m->changes_since + CHANGES_TIME + 1);
	return true;
}

/* RFC 4861 7.3.1: is the current router still reachable? Without a source address to ask
 * from (it is tentative for a second or two) it is asked by a solicitation instead. */
static void probe(struct movement *m, usec_t now)
{
	m->probes++;
	timer_set(m->timers, &m->timer, now + PROBE_WAIT);
	if (m->ops->probe(m->ctx, m, now))
		m->ops->solicit(m->ctx, m, now);
}

/* An advertisement of a router other than the current one, without a link event. */
static void other_router(struct movement *m, const struct router *r, usec_t now)
{
	if (m->state == MOVE_PROBING) {
		m->candidate = *r;
		return;
	}
	if (now < m->not_before || too_often(m, now))
		return;
	m->candidate = *r;
	m->state = MOVE_PROBING;
	m->probes = 0;
	probe(m, now);
}

static void our_router(struct movement *m, const struct router *r, usec_t now)
{
	/* RFC 4861 6.3.4: lifetime 0 is no default router any more. */
	if (r->lifetime_s == 0) {
		if (too_often(m, now))
			return;
		lost(m, now);
		m->has_router = false;
		solicit(m, now);
		return;
	}
	if (r->n_prefixes > 0 && !same_router(&m->router, r) && too_often(m, now))
		return;
	if (m->state == MOVE_PROBING)
		m->not_before = now + PROBE_HOLD;
	if (r->n_prefixes > 0) {
		attach(m, r, now);
		return;
	}
	/* The beacon of a per-host router: it is alive, and says nothing of our prefix. That it
	 * has forgotten whose the prefix is would be seen by nobody: from time to time it is
	 * asked. */
	m->state = MOVE_ATTACHED;
	timer_stop(m->timers, &m->timer);
	timer_set(m->timers, &m->lifetime, now + (usec_t)r->lifetime_s * USEC_S);
	if (now >= m->heard_at + PREFIX_SURE && now >= m->asked_at + PREFIX_ASK) {
		m->asked_at = now;
		m->ops->solicit(m->ctx, m, now);
	}
}

/* The link is new: whoever answers first with a prefix is our router. At the start of the daemon
 * the host may have been attached for long, and the one that its addresses are from answers a
 * moment later. */
static void first_router(struct movement *m, const struct router *r, usec_t now)
{
	if (m->settled || !m->ops->is_stranger(m->ctx, r)) {
		attach(m, r, now);
		return;
	}
	m->candidate = *r;
	/* The next solicitation may be a minute away. */
	if (m->timer.at > now + PATIENCE)
		timer_set(m->timers, &m->timer, now + PATIENCE);
}

/* Does it come from the current router? Routers on different links may have the same link-local
 * address: then the home agent tells, or the prefix. One with our link-layer address may cease to
 * be a home agent, or have another address as such. */
static bool is_ours(const struct movement *m, const struct router *r)
{
	const struct router *ours = &m->router;

	if (!m->has_router || !in6_eq(&ours->linklocal, &r->linklocal))
		return false;
	if (ours->has_ha == r->has_ha && (!r->has_ha || router_has_ha(r, &ours->ha)))
		return true;
	return memcmp(ours->mac, r->mac, sizeof(r->mac)) == 0 &&
	       (!r->has_ha || (r->n_prefixes > 0 && same_router(ours, r)));
}

/* RFC 6275 11.5.1: the link-local address of ours, and another global one: the link is another,
 * unseen. Ours cannot be asked whether it is there, for this one would answer. */
static void namesake(struct movement *m, const struct router *r, usec_t now)
{
	if (r->lifetime_s == 0 || too_often(m, now))
		return;
	if (r->n_prefixes > 0) {
		attach(m, r, now);
		return;
	}
	lost(m, now);
	m->has_router = false;
	solicit(m, now);
}

void move_ra(struct movement *m, const struct in6_addr *from, const uint8_t mac[6],
	     const struct nd_ra *ra, usec_t now)
{
	bool same = m->has_router && in6_eq(&m->router.linklocal, from);
	struct router r;

	router_from_ra(&r, from, mac, ra);
	switch (m->state) {
	case MOVE_DOWN:
		break;
	case MOVE_SOLICITING:
		/* A beacon without one only tells that the solicitation was not heard yet. */
		if (r.lifetime_s > 0 && r.n_prefixes > 0)
			first_router(m, &r, now);
		else if (r.lifetime_s > 0 && m->rs.tries < 3)
			solicit_again(m, now);
		break;
	case MOVE_ATTACHED:
	case MOVE_PROBING:
		if (is_ours(m, &r))
			our_router(m, &r, now);
		else if (same && m->router.has_ha && r.has_ha)
			namesake(m, &r, now);
		else if (r.lifetime_s > 0)
			other_router(m, &r, now);
		break;
	case MOVE_STATE_MAX:
		break;
	}
}

void move_doubt(struct movement *m, usec_t now)
{
	switch (m->state) {
	case MOVE_SOLICITING:
		solicit(m, now);
		break;
	case MOVE_ATTACHED:
		memset(&m->candidate, 0, sizeof(m->candidate));
		m->state = MOVE_PROBING;
		m->probes = 0;
		m->ops->solicit(m->ctx, m, now);
		probe(m, now);
		break;
	case MOVE_PROBING:	/* is being asked */
	case MOVE_DOWN:
	case MOVE_STATE_MAX:
		break;
	}
}

void move_ask(struct movement *m, usec_t now)
{
	if (m->state == MOVE_ATTACHED)
		m->ops->solicit(m->ctx, m, now);
}

void move_na(struct movement *m, const struct nd_na *na, usec_t now)
{
	if (m->state != MOVE_PROBING || !in6_eq(&na->target, &m->router.linklocal))
		return;
	m->state = MOVE_ATTACHED;
	m->not_before = now + PROBE_HOLD;
	timer_stop(m->timers, &m->timer);
}

static void timer_due(void *ctx, usec_t now)
{
	struct movement *m = ctx;

	switch (m->state) {
	case MOVE_SOLICITING:
		if (m->candidate.n_prefixes > 0 && now >= m->soliciting_since + PATIENCE)
			attach_candidate(m, now);
		else
			solicit_again(m, now);
		break;
	case MOVE_PROBING:
		if (m->probes < PROBE_TRIES) {
			probe(m, now);
			break;
		}
		/* RFC 6275 11.5.1: unreachable, and another one is there: moved. */
		if (m->candidate.n_prefixes > 0) {
			attach_candidate(m, now);
			break;
		}
		lost(m, now);
		m->has_router = false;
		solicit(m, now);
		break;
	case MOVE_DOWN:
	case MOVE_ATTACHED:
	case MOVE_STATE_MAX:
		break;
	}
}

static void doubt_due(void *ctx, usec_t now)
{
	move_doubt(ctx, now);
}

static void lifetime_due(void *ctx, usec_t now)
{
	struct movement *m = ctx;

	if (m->state != MOVE_ATTACHED && m->state != MOVE_PROBING)
		return;
	lost(m, now);
	m->has_router = false;
	solicit(m, now);
}

void move_init(struct movement *m, const struct move_ops *ops, void *ctx, struct timers *timers)
{
	memset(m, 0, sizeof(*m));
	m->state = MOVE_DOWN;
	m->ops = ops;
	m->ctx = ctx;
	m->timers = timers;
	timer_init(&m->timer, "movement", timer_due, m);
	timer_init(&m->lifetime, "router", lifetime_due, m);
	timer_init(&m->doubt, "doubt", doubt_due, m);
}

void move_stop(struct movement *m)
{
	timer_stop(m->timers, &m->timer);
	timer_stop(m->timers, &m->lifetime);
	timer_stop(m->timers, &m->doubt);
}
