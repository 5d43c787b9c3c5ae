/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home Agent Address Discovery Requests out, Replies in (RFC 6275 6.5, 6.6, 11.4.1), and the
 * way from one home agent of the list to the next. Owns the discovery part of struct anchor;
 * mn_rx_discovery() is called by io.c, the rest by mn.c, attach.c and home.c.
 *
 *	timer	while a request is open: the request again, each time after twice as long;
 *		while an anchor without home agent waits: a new request;
 *		while its home agent refuses or is silent: the next of the list
 *
 * A reply is not authenticated. It answers a question that has a random number, and what it
 * names gets no packet of a flow before a Binding Acknowledgement has come from there.
 */
#include "mn-agent/discover.h"

#include <stdio.h>

#include "common/core/log.h"
#include "common/wire/ext.h"
#include "common/wire/icmp6.h"
#include "mn-agent/mn_private.h"

#define FIRST_WAIT	(3 * USEC_S)	/* RFC 6275 12: INITIAL_DHAAD_TIMEOUT */
#define RETRIES		4		/* RFC 6275 12: DHAAD_RETRIES */
#define PAUSE		(60 * USEC_S)	/* after that many: the next round */
#define NEXT_AFTER	(MIP6_INITIAL_BINDACK_FIRST_MS * USEC_MS)
#define AGAIN_AFTER	(MIP6_MAX_BINDACK_TIMEOUT_MS * USEC_MS)	/* when all have failed */
#define ROUNDS_MAX	5		/* then it is not doubled any more */
#define REQUEST_ROOM	64

/* ---- requests ---- */

static void send_request(struct mn *mn, struct anchor *a, usec_t now)
{
	struct ip6_packet ip = {
		.src = a->discovery.from, .dst = in6_home_agents_anycast(&a->prefix.addr),
		.hop_limit = 64, .next_header = IP6_NH_ICMP6,
	};
	struct icmp6_msg msg = { .type = ICMP6_DHAAD_REQUEST, .u.dhaad.id = a->discovery.id };
	uint8_t room[REQUEST_ROOM];
	struct wbuf w;

	wb_init(&w, room, sizeof(room));
	if (icmp6_packet(&w, &ip, &msg) < 0)
		return;
	mn->counters[MN_C_DHAAD]++;
	(void)mn->ops->send_routed(mn->ctx, w.base, w.len);
	mn_event(mn, "dhaad.sent", NULL, a, in6_str(&ip.dst).s, now);
}

/* RFC 6275 11.4.1: the same request again, each time after twice the time. */
static void ask(struct anchor *a, usec_t now)
{
	struct discovery *d = &a->discovery;

	timer_set(a->timers, &d->timer, now + (FIRST_WAIT << d->requests));
	d->requests++;
	send_request(a->ctx, a, now);
}

void discover_start(struct anchor *a, const struct in6_addr *from, usec_t now)
{
	struct discovery *d = &a->discovery;
	struct mn *mn = a->ctx;

	if (d->open && in6_eq(&d->from, from))
		return;
	d->wanted = true;
	d->open = true;
	d->from = *from;
	d->requests = 0;
	mn->ops->random(mn->ctx, &d->id, sizeof(d->id));
	ask(a, now);
}

/* ---- one home agent after the other ---- */

static void use_next(struct anchor *a, usec_t now)
{
	struct discovery *d = &a->discovery;

	mn_set_home_agent(a->ctx, a, &d->has[d->next++]);
	a->unproven = true;
	log_info("anchor %s: home agent %s, %u of %u found", in6_str(&a->hoa).s,
		 in6_str(&a->ha).s, d->next, d->n);
	anchor_home_agent(a, now);
}

static bool without_registration(const struct anchor *a)
{
	return a->state == ANCHOR_REFUSED || a->state == ANCHOR_UNREACHABLE;
}

/* On its own link it is asked for while there is time. */
static bool needed(const struct anchor *a)
{
	return without_registration(a) || a->state == ANCHOR_DISCOVERING ||
	       (a->state == ANCHOR_ATTACHED && in6_is_any(&a->ha));
}

/* Nobody has answered: people are told, and where it matters the question is asked anew. */
static void unanswered(struct anchor *a, usec_t now)
{
	struct in6_addr anycast = in6_home_agents_anycast(&a->prefix.addr);
	struct mn *mn = a->ctx;

	a->discovery.open = false;
	if (a->state == ANCHOR_DISCOVERING) {
		snprintf(a->reason, sizeof(a->reason), "no home agent answers at %s",
			 in6_str(&anycast).s);
		log_warn("anchor %s: %s", in6_str(&a->hoa).s, a->reason);
		mn_event(mn, "dhaad.unanswered", NULL, a, a->reason, now);
	}
	if (a->state != ANCHOR_ATTACHED)
		timer_set(a->timers, &a->discovery.timer, now + PAUSE);
}

static void on_timer(void *ctx, usec_t now)
{
	struct anchor *a = ctx;
	struct discovery *d = &a->discovery;

	if (!needed(a))
		d->open = false;
	else if (d->open && d->requests <= RETRIES)
		ask(a, now);
	else if (d->open)
		unanswered(a, now);
	else if (without_registration(a) && d->next < d->n)
		use_next(a, now);
	else
		discover_start(a, &a->coa, now);
}

void discover_init(struct anchor *a)
{
	timer_init(&a->discovery.timer, "discovery", on_timer, a);
}

void discover_failed(struct anchor *a, usec_t now)
{
	struct discovery *d = &a->discovery;
	usec_t at;

	if (!d->wanted || d->open || timer_armed(&d->timer) || a->taken_at != 0)
		return;
	if (!a->unproven)
		d->rounds = 0;		/* it had worked */
	/* RFC 6275 11.4.1: not sooner than this after the first BU to the one before. */
	at = a->sent_at + NEXT_AFTER;
	if (d->next >= d->n) {
		at = now + (AGAIN_AFTER << d->rounds);
		if (d->rounds < ROUNDS_MAX)
			d->rounds++;
	}
	timer_set(a->timers, &d->timer, at > now ? at : now);
}

/* ---- replies ---- */

/* Could a home agent have this address? Neither is it ours, nor is it nobody's own. */
static bool plausible(const struct mn *mn, const struct in6_addr *ha)
{
	if (!in6_is_routable(ha) || in6_is_home_agents_anycast(ha) || mn_find_anchor(mn, ha))
		return false;
	for (const struct mn_iface *i = mn->ifaces; i; i = i->next) {
		if (i->coa_source != COA_NONE && in6_eq(&i->coa, ha))
			return false;
		for (unsigned int n = 0; n < i->n_addrs; n++)
			if (in6_eq(&i->addrs[n].addr, ha))
				return false;
	}
	return true;
}

static bool is_listed(const struct discovery *d, const struct in6_addr *ha)
{
	for (unsigned int n = 0; n < d->n; n++)
		if (in6_eq(&d->has[n], ha))
			return true;
	return false;
}

/* RFC 6275 11.4.1: tried in the order in which they are named. */
static void take(struct mn *mn, struct discovery *d, const struct icmp6_dhaad *reply)
{
	d->n = d->next = 0;
	for (unsigned int i = 0; i < reply->n_ha && d->n < DISCOVER_HAS_MAX; i++)
		if (plausible(mn, &reply->ha[i]) && !is_listed(d, &reply->ha[i]))
			d->has[d->n++] = reply->ha[i];
}

static struct anchor *asker(struct mn *mn, const struct in6_addr *from, uint16_t id)
{
	for (struct anchor *a = mn->anchors; a; a = a->next)
		if (a->state != ANCHOR_GONE && a->discovery.open && a->discovery.id == id &&
		    in6_eq(&a->discovery.from, from))
			return a;
	return NULL;
}

void mn_rx_discovery(struct mn *mn, const void *data, size_t len, usec_t now)
{
	struct ip6_packet ip;
	struct icmp6_msg msg;
	struct anchor *a;

	if (ip6_decode(data, len, &ip) || ip.next_header != IP6_NH_ICMP6 ||
	    icmp6_decode((const uint8_t *)data + ip.payload_off, ip.payload_len,
			 ip6_cksum_src(&ip), ip6_cksum_dst(&ip), ip.hop_limit, &msg) ||
	    msg.type != ICMP6_DHAAD_REPLY) {
		mn_bad_packet(mn, data, len, now);
		return;
	}
	mn->counters[MN_C_DHAAD_REPLY]++;
	/* RFC 6275 6.6: to the source of the request, with its identifier; 10.5.1: from a
	 * home agent's own address. */
	a = !ip.has_hao && !ip.has_rh2 ? asker(mn, &ip.dst, msg.u.dhaad.id) : NULL;
	if (!a || !in6_is_routable(&ip.src)) {
		mn->counters[MN_C_DHAAD_UNKNOWN]++;
		mn_bad(mn, &ip.src, now);
		return;
	}
	take(mn, &a->discovery, &msg.u.dhaad);
	if (a->discovery.n == 0) {
		mn->counters[MN_C_DHAAD_EMPTY]++;
		return;			/* another home agent may say more */
	}
	a->discovery.open = false;
	timer_stop(mn->timers, &a->discovery.timer);
	mn_event(mn, "dhaad.received", NULL, a, in6_str(&ip.src).s, now);
	if (needed(a))
		use_next(a, now);
	mn->ops->changed(mn->ctx);
}
