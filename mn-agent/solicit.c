/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobile Prefix Solicitations out, Mobile Prefix Advertisements in (RFC 6275 6.7, 6.8,
 * 11.4.2, 11.4.3). Owns the solicitation's part of struct anchor; mn_rx_prefixes() is called
 * by io.c, the rest by mn.c and attach.c.
 *
 *	solicit (anchor)	when two thirds of the lifetime told last are over, then 3 s later
 *				and each time twice as long, until there is an answer
 *
 * An advertisement is not authenticated: it answers a question that has a random number, and
 * by the rules for others that are not (RFC 4862 5.5.3 e) it makes no lifetime short.
 */
#include "mn-agent/solicit.h"

#include <stdio.h>

#include "common/core/log.h"
#include "common/wire/ext.h"
#include "mn-agent/attach.h"

#define FIRST_WAIT	(3 * USEC_S)	/* RFC 6275 12: INITIAL_SOLICIT_TIMER */
#define DOUBLINGS	10
#define SPACING		USEC_S		/* RFC 6275 6.8: the home agent answers no sooner */
#define TWO_HOURS	(2 * 3600 * USEC_S)
#define VANISHED_ASK	(60 * USEC_S)	/* not sooner again for a prefix that was not told */
#define MPS_ROOM	128

static usec_t min_time(usec_t a, usec_t b)
{
	return a < b ? a : b;
}

static usec_t max_time(usec_t a, usec_t b)
{
	return a > b ? a : b;
}

/* ---- solicitations ---- */

/* RFC 6275 6.7: from the care-of address, with a Home Address option. */
static void send_solicitation(struct mn *mn, struct anchor *a)
{
	struct ip6_packet ip = {
		.src = a->coa, .dst = a->ha, .hop_limit = 64, .has_hao = true, .hao = a->hoa,
		.next_header = IP6_NH_ICMP6,
	};
	struct icmp6_msg msg = { .type = ICMP6_MPS, .u.mp.id = a->solicit_id };
	uint8_t room[MPS_ROOM];
	struct wbuf w;

	wb_init(&w, room, sizeof(room));
	if (icmp6_packet(&w, &ip, &msg) < 0)
		return;
	mn->counters[MN_C_MPS]++;
	(void)mn->ops->send_routed(mn->ctx, w.base, w.len);
}

/* The home agent knows where it is. */
static bool is_bound(const struct anchor *a)
{
	return a->state == ANCHOR_BOUND || a->state == ANCHOR_REFRESHING;
}

static void solicit(struct mn *mn, struct anchor *a, usec_t now)
{
	/* RFC 6275 11.4.2: a random identifier; the same when it is asked again. */
	if (a->solicitations == 0)
		mn->ops->random(mn->ctx, &a->solicit_id, sizeof(a->solicit_id));
	a->solicit_open = true;
	a->solicited_at = now;
	send_solicitation(mn, a);
	timer_set(a->timers, &a->solicit, now + (FIRST_WAIT << a->solicitations));
	if (a->solicitations < DOUBLINGS)
		a->solicitations++;
}

void solicit_at_once(struct anchor *a, usec_t now)
{
	if (a->solicit_open)
		return;			/* it is being asked */
	a->solicitations = 0;
	solicit(a->ctx, a, now);
}

static void on_solicit(void *ctx, usec_t now)
{
	struct anchor *a = ctx;
	usec_t left = a->valid_until - now;

	if (left <= 0)
		return;			/* its expiry is due as well */
	if (is_bound(a))
		solicit(a->ctx, a, now);
	else
		timer_set(a->timers, &a->solicit, now + max_time(left / 10, USEC_S));
}

void solicit_init(struct anchor *a)
{
	timer_init(&a->solicit, "solicit", on_solicit, a);
}

void solicit_valid_until(struct anchor *a, usec_t at, usec_t now)
{
	anchor_set_valid_until(a, at);
	a->solicitations = 0;
	a->solicit_open = false;
	timer_set(a->timers, &a->solicit, at - (at - now) / 3);
}

/* ---- advertisements ---- */

/* RFC 4862 5.5.3 e: how long the prefix is valid now. */
static usec_t believed(const struct anchor *a, uint32_t valid_s, usec_t now)
{
	usec_t told = (usec_t)valid_s * USEC_S, left = a->valid_until - now;

	if (told > TWO_HOURS || told > left)
		return told;
	return min_time(left, TWO_HOURS);
}

void solicit_told(struct anchor *a, uint32_t valid_s, usec_t now)
{
	solicit_valid_until(a, now + believed(a, valid_s, now), now);
}

/* What it says of the anchor's prefix, or NULL. */
static const struct nd_prefix *find_prefix(const struct anchor *a, const struct icmp6_mp *mp)
{
	for (unsigned int i = 0; i < mp->n_prefixes; i++) {
		const struct nd_prefix *p = &mp->prefixes[i];
		const struct in6_prefix prefix = { p->prefix, p->plen };

		if ((p->flags & PIO_FLAG_AUTO) && p->plen == a->prefix.len &&
		    in6_in(&prefix, &a->hoa))
			return p;
	}
	return NULL;
}

/* RFC 4861 6.3.4: what is not advertised lasts as long as was told before. It may come back. */
static void vanished(struct mn *mn, struct anchor *a, usec_t now)
{
	usec_t left = a->valid_until - now;
	char detail[64];

	a->solicitations = 0;
	timer_set(a->timers, &a->solicit, now + max_time(left / 3, VANISHED_ASK));
	snprintf(detail, sizeof(detail), "not advertised; it ends in %lld s",
		 (long long)(left / USEC_S));
	log_warn("anchor %s: its prefix is %s", in6_str(&a->hoa).s, detail);
	mn_event(mn, "prefix.vanished", NULL, a, detail, now);
}

/* Other prefixes of the home link are of no use here: what is new begins where the host is. */
static void take(struct mn *mn, struct anchor *a, const struct icmp6_mp *mp, usec_t now)
{
	const struct nd_prefix *p = find_prefix(a, mp);
	bool deprecated = p && p->preferred_s == 0;
	char detail[64];

	if (!p) {
		vanished(mn, a, now);
		return;
	}
	/* RFC 4862 5.5.3 c. */
	if (p->preferred_s > p->valid_s)
		return;
	solicit_told(a, p->valid_s, now);
	snprintf(detail, sizeof(detail), "valid for %lld s",
		 (long long)((a->valid_until - now) / USEC_S));
	mn_event(mn, deprecated ? "prefix.deprecated" : "prefix.renewed", NULL, a, detail, now);
	mn->ops->changed(mn->ctx);
}

static struct anchor *find(struct mn *mn, const struct in6_addr *hoa)
{
	for (struct anchor *a = mn->anchors; a; a = a->next)
		if (is_bound(a) && in6_eq(&a->hoa, hoa))
			return a;
	return NULL;
}

void mn_rx_prefixes(struct mn *mn, const void *data, size_t len, usec_t now)
{
	struct ip6_packet ip;
	struct icmp6_msg msg;
	struct anchor *a;

	if (ip6_decode(data, len, &ip) || ip.next_header != IP6_NH_ICMP6 ||
	    icmp6_decode((const uint8_t *)data + ip.payload_off, ip.payload_len,
			 ip6_cksum_src(&ip), ip6_cksum_dst(&ip), ip.hop_limit, &msg) ||
	    msg.type != ICMP6_MPA) {
		mn_bad_packet(mn, data, len, now);
		return;
	}
	mn->counters[MN_C_MPA]++;
	/* RFC 6275 11.4.3: by a type 2 routing header, from the home agent that the home
	 * address is registered with. */
	a = ip.has_rh2 ? find(mn, &ip.rh2) : NULL;
	if (!a || !in6_eq(&ip.src, &a->ha) || !in6_eq(&ip.dst, &a->coa)) {
		mn->counters[MN_C_MPA_UNKNOWN]++;
		mn_bad(mn, &ip.src, now);
		return;
	}
	if (a->solicit_open && msg.u.mp.id == a->solicit_id) {
		a->solicit_open = false;
		a->prefixes_wanted = false;
		take(mn, a, &msg.u.mp, now);
		return;
	}
	/* RFC 6275 11.4.3: one that was not asked for is not believed, but something may have
	 * changed: so it is asked for. */
	mn->counters[MN_C_MPA_UNSOLICITED]++;
	if (now - a->solicited_at >= SPACING) {
		a->solicitations = 0;
		solicit(mn, a, now);
	}
}
