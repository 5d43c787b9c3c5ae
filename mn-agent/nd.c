/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Router and Neighbour Advertisements that arrive at the mobile node. Anybody on the link can
 * send them and nothing authenticates them: they are checked, counted by reason, cleaned of what
 * cannot be true, and remembered for a while so that people are told. Called by io.c (or a
 * simulation); what a good one means is in movement.c. RFC 4861 6.1.2 and 7.1.2, RFC 4862 5.5.3,
 * RFC 6275 7.2.
 */
#include <stdio.h>
#include <string.h>

#include "common/wire/ext.h"
#include "mn-agent/attach.h"
#include "mn-agent/mn_private.h"

#define SPELL	(60 * USEC_S)	/* so long people are told of a bad one */

static const struct { enum mn_counter counter; const char *why; } errors[ICMP6_ERR_MAX] = {
	[ICMP6_ERR_SHORT] = { MN_C_RA_LENGTH, "it is cut short" },
	[ICMP6_ERR_CHECKSUM] = { MN_C_RA_CHECKSUM, "wrong checksum" },
	[ICMP6_ERR_TYPE] = { MN_C_RA_BAD, "of a type that was not asked for" },
	[ICMP6_ERR_CODE] = { MN_C_RA_BAD, "unknown code" },
	[ICMP6_ERR_HOP_LIMIT] = { MN_C_RA_HOP_LIMIT, "it came through a router" },
	[ICMP6_ERR_SOURCE] = { MN_C_RA_SOURCE, "not from a link-local address" },
	[ICMP6_ERR_TARGET] = { MN_C_RA_BAD, "its target cannot be one" },
	[ICMP6_ERR_OPTION] = { MN_C_RA_LENGTH, "an option of a wrong length" },
};

static void bad(struct mn_iface *i, enum mn_counter c, const char *why,
		const struct in6_addr *from, usec_t now)
{
	struct mn_spell *s = &i->mn->spell;

	i->mn->counters[c]++;
	mn_bad(i->mn, from, now);
	if (s->n == 0 || now - s->last > SPELL)
		*s = (struct mn_spell){ .first = now };
	s->n++;
	s->last = now;
	s->why = why;
	s->from = *from;
	memcpy(s->interface, i->link.name, sizeof(s->interface));
}

/* An address of this node: no home agent can have it. */
static bool is_own(const struct mn_iface *i, const struct in6_addr *addr)
{
	for (const struct mn_iface *k = i->mn->ifaces; k; k = k->next)
		for (unsigned int n = 0; n < k->n_addrs; n++)
			if (in6_eq(&k->addrs[n].addr, addr))
				return true;
	return mn_wants_addr(i->mn, addr) || mn_find_anchor(i->mn, addr);
}

/* RFC 4862 5.5.3: a prefix option that no address can be formed by. Lifetimes of zero are the
 * way to take a prefix back. */
static bool is_unusable(const struct nd_prefix *p)
{
	return (p->flags & PIO_FLAG_AUTO) &&
	       (p->plen != 64 || p->preferred_s > p->valid_s || !in6_is_routable(&p->prefix));
}

/* What cannot be true is taken out; the rest of the advertisement may be good. */
static void clean(struct mn_iface *i, struct nd_ra *ra, const struct in6_addr *from, usec_t now)
{
	if (ra->dropped > 0 && ra->n_prefixes == ND_MAX_PREFIXES)
		bad(i, MN_C_RA_TOO_MANY, "more prefixes than a router can have", from, now);
	for (unsigned int n = 0; n < ra->n_prefixes; n++) {
		struct nd_prefix *p = &ra->prefixes[n];
		bool ha = (ra->flags & RA_FLAG_HOME_AGENT) && (p->flags & PIO_FLAG_ROUTER);

		if (is_unusable(p))
			bad(i, MN_C_RA_PREFIX, "a prefix that no address can be formed by", from,
			    now);
		if (!ha)
			continue;
		/* RFC 6275 7.2: the field is an address, reachable from elsewhere. */
		if (in6_is_routable(&p->prefix) && !is_own(i, &p->prefix))
			continue;
		bad(i, MN_C_RA_HA, "a home agent that cannot be one", from, now);
		p->flags &= (uint8_t)~PIO_FLAG_ROUTER;
	}
}

static bool names_ha(const struct nd_ra *ra, const struct in6_addr *ha)
{
	for (unsigned int n = 0; n < ra->n_prefixes; n++)
		if ((ra->prefixes[n].flags & PIO_FLAG_ROUTER) &&
		    in6_eq(&ra->prefixes[n].prefix, ha))
			return true;
	return false;
}

/* An anchor of ours whose home agent is not the router that tells of its prefix. */
static bool is_of_another(const struct mn *mn, const struct nd_ra *ra, const struct nd_prefix *p)
{
	const struct in6_prefix prefix = { .addr = p->prefix, .len = p->plen };

	for (const struct anchor *a = mn->anchors; a; a = a->next)
		if (in6_prefix_eq(&a->prefix, &prefix) && !in6_is_any(&a->ha) &&
		    !names_ha(ra, &a->ha))
			return true;
	return false;
}

/* A router in network mode serves what hosts have from earlier routers, of which it tells as
 * deprecated. That is for those who cannot do it themselves: for us it is not that link. */
static void leave_visits_out(const struct mn *mn, struct nd_ra *ra)
{
	unsigned int n = 0;

	if (!(ra->flags & RA_FLAG_HOME_AGENT))
		return;
	for (unsigned int k = 0; k < ra->n_prefixes; k++) {
		const struct nd_prefix p = ra->prefixes[k];

		if (!(p.flags & PIO_FLAG_AUTO) || (p.flags & PIO_FLAG_ROUTER) ||
		    p.preferred_s > 0 || !is_of_another(mn, ra, &p))
			ra->prefixes[n++] = p;
	}
	ra->n_prefixes = n;
}

static void rx_ra(struct mn_iface *i, const struct in6_addr *from, const uint8_t mac[6],
		  struct nd_ra *ra, usec_t now)
{
	uint64_t before = i->move.ignored;

	i->mn->counters[MN_C_RA]++;
	clean(i, ra, from, now);
	leave_visits_out(i->mn, ra);
	if (i->move.state == MOVE_SOLICITING)
		mn_event(i->mn, "ra.received", i, NULL, in6_str(from).s, now);
	move_ra(&i->move, from, mac, ra, now);
	if (i->move.ignored != before)
		bad(i, MN_C_RA_FLAP, "what routers say changes all the time", from, now);
}

void mn_rx_nd(struct mn *mn, int ifindex, const uint8_t mac[6], const void *data, size_t len,
	      usec_t now)
{
	struct mn_iface *i = mn_iface_of(mn, ifindex);
	struct ip6_packet ip;
	struct icmp6_msg msg;
	enum icmp6_err err;

	if (!i)
		return;
	if (ip6_decode(data, len, &ip) || ip.next_header != IP6_NH_ICMP6) {
		mn_bad_packet(mn, data, len, now);
		return;
	}
	err = icmp6_decode((const uint8_t *)data + ip.payload_off, ip.payload_len, &ip.src,
			   &ip.dst, ip.hop_limit, &msg);
	if (err) {
		bad(i, errors[err].counter, errors[err].why, &ip.src, now);
	} else if (msg.type == ICMP6_RA) {
		rx_ra(i, &ip.src, mac, &msg.u.ra, now);
	} else if (msg.type == ICMP6_NA) {
		mn->counters[MN_C_NA]++;
		move_na(&i->move, &msg.u.na, now);
	}
}

void mn_health_nd(const struct mn *mn, usec_t now, char *text, size_t len)
{
	const struct mn_spell *s = &mn->spell;
	usec_t t = now - s->first;

	text[0] = '\0';
	if (s->n == 0 || now - s->last > SPELL)
		return;
	snprintf(text, len, "; %llu bad advertisement%s in %lld s, the last from %s on %s: %s",
		 (unsigned long long)s->n, s->n == 1 ? "" : "s",
		 (long long)(t / USEC_S + 1), in6_str(&s->from).s, s->interface, s->why);
}
