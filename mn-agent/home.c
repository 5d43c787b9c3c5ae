/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Homes that people have configured: a home address with its prefix, and its home agent or
 * none, which discover.c then finds. Each is an anchor that needs no flow; what the mobile
 * node does with it is in anchor.c as with any other. Here is what a home has of its own:
 * how its address is made, and the address on its own link, where nobody else puts it.
 * mn_homes() is called by io.c and reconf.c, the rest by mn.c, attach.c and handover.c.
 * RFC 6275 4.1 and 11.5.5, RFC 4862 5.4.
 */
#include "mn-agent/home.h"

#include <stdio.h>
#include <string.h>

#include "common/core/log.h"
#include "mn-agent/attach.h"
#include "mn-agent/discover.h"
#include "mn-agent/flows.h"

#define TAKEN_AGAIN	(60 * USEC_S)	/* another host had the address: it is tried again */

static struct anchor *anchor_named(struct mn *mn, const char *name)
{
	for (struct anchor *a = mn->anchors; a; a = a->next)
		if (a->state != ANCHOR_GONE && strcmp(a->name, name) == 0)
			return a;
	return NULL;
}

static const struct mn_home *home_named(const struct mn *mn, const char *name)
{
	for (unsigned int n = 0; n < mn->cfg->n_homes; n++)
		if (strcmp(mn->cfg->homes[n].name, name) == 0)
			return &mn->cfg->homes[n];
	return NULL;
}

/* An address that was made is kept: whoever knows it reaches the host there. */
static bool still_right(const struct anchor *a, const struct mn_home *h)
{
	return in6_prefix_eq(&a->prefix, &h->prefix) &&
	       (in6_is_any(&h->address) || in6_eq(&a->hoa, &h->address));
}

/* False: not before the interface is there. */
static bool make_address(struct mn *mn, const struct mn_home *h, struct in6_addr *ret)
{
	if (!in6_is_any(&h->address)) {
		*ret = h->address;
		return true;
	}
	if (h->eui64_of[0] == '\0') {
		/* RFC 8064: an identifier that says nothing. */
		*ret = h->prefix.addr;
		mn->ops->random(mn->ctx, &ret->s6_addr[8], 8);
		return true;
	}
	for (const struct mn_iface *i = mn->ifaces; i; i = i->next) {
		if (strcmp(i->link.name, h->eui64_of) != 0)
			continue;
		in6_eui64(ret, &h->prefix.addr, i->link.mac);
		return true;
	}
	return false;
}

/* The configuration says how and where it is registered; whether that is another way. */
static bool take_over(struct mn *mn, struct anchor *a, const struct mn_home *h)
{
	struct in6_addr ha = in6_is_any(&h->ha) ? a->ha : h->ha;
	bool other = !in6_eq(&a->ha, &ha) || a->spi != h->spi ||
		     a->unauthenticated != h->unauthenticated;

	a->discovery.wanted = in6_is_any(&h->ha);
	a->spi = h->spi;
	a->unauthenticated = h->unauthenticated;
	if (other)
		mn_set_home_agent(mn, a, &ha);
	return other;
}

static void begin(struct mn *mn, struct anchor *a, const struct mn_home *h, usec_t now)
{
	bool other = take_over(mn, a, h);

	snprintf(a->name, sizeof(a->name), "%s", h->name);
	a->fixed = true;
	a->forsaken = false;
	log_info("home %s: %s", a->name, in6_str(&a->hoa).s);
	if (a->unauthenticated)
		log_warn("home %s: INSECURE: registered without a key; anybody who can send "
			 "packets in the name of its home agent is believed", a->name);
	/* Away, until it is seen to be at home; its home agent may just be told to forget it. */
	anchor_event(a, ANCHOR_EV_DEPART, now);
	if (a->state == ANCHOR_RELEASING)
		anchor_event(a, ANCHOR_EV_BUSY, now);
	else if (other)
		anchor_home_agent(a, now);
	anchor_hold(a, true);		/* the cap may have let go of it */
}

void home_take_away(struct mn *mn, struct anchor *a)
{
	struct mn_addr addr = { .ifindex = a->ifindex, .addr = a->hoa, .plen = a->prefix.len };

	if (a->placed)
		mn->ops->addr_drop(mn->ctx, &addr);
	a->placed = false;
}

/* It is configured no more: an anchor like others, which lasts as long as its flows. Without any
 * the address goes from its link, if it is there by our hand. */
static void end(struct mn *mn, struct anchor *a, usec_t now)
{
	if (a->fixed)
		log_info("home %s: %s is configured no more", a->name, in6_str(&a->hoa).s);
	a->fixed = false;
	a->name[0] = '\0';
	flows_ask(mn, a, now);
	if (a->flows == 0)
		home_take_away(mn, a);
}

/* Returns whether there is one more. */
static bool start(struct mn *mn, const struct mn_home *h, usec_t now)
{
	struct anchor *a = anchor_named(mn, h->name);
	struct in6_addr hoa;

	if (a && a->fixed) {
		if (take_over(mn, a, h))
			anchor_home_agent(a, now);
		return false;
	}
	if (!a && make_address(mn, h, &hoa)) {
		a = mn_anchor(mn, &hoa);
		if (!a)
			a = mn_new_anchor(mn, &h->prefix, &hoa, &h->ha);
		/* Nobody has said yet how long its prefix lives. */
		if (a && a->valid_until == 0)
			a->valid_until = USEC_NEVER;
	}
	if (a)
		begin(mn, a, h, now);
	return a != NULL;
}

void mn_homes(struct mn *mn, usec_t now)
{
	for (struct anchor *a = mn->anchors; a; a = a->next) {
		const struct mn_home *h = home_named(mn, a->name);

		if (a->state != ANCHOR_GONE && a->name[0] && (!h || !still_right(a, h)))
			end(mn, a, now);
	}
	for (unsigned int n = 0; n < mn->cfg->n_homes; n++)
		(void)start(mn, &mn->cfg->homes[n], now);
}

void home_interface(struct mn_iface *i, usec_t now)
{
	for (unsigned int n = 0; n < i->mn->cfg->n_homes; n++)
		if (strcmp(i->mn->cfg->homes[n].eui64_of, i->link.name) == 0 &&
		    start(i->mn, &i->mn->cfg->homes[n], now))
			timer_set(i->mn->timers, &i->mn->handover, now);
}

/* ---- on its own link ---- */

static bool is_there(const struct mn_iface *i, const struct anchor *a)
{
	for (unsigned int n = 0; n < i->n_addrs; n++)
		if (in6_eq(&i->addrs[n].addr, &a->hoa))
			return true;
	return false;
}

/* The address lives there as long as the router says. */
static void place(const struct mn_iface *i, struct anchor *a)
{
	const struct router *r = &i->move.router;
	struct mn_addr addr = {
		.ifindex = i->link.ifindex, .addr = a->hoa, .plen = a->prefix.len,
	};
	int n = router_prefix_of(r, &a->hoa);

	/* Nothing new begins on one that is there for its flows. */
	uint32_t preferred_s = n >= 0 && a->fixed ? r->prefixes[n].preferred_s : 0;

	/* RFC 6275 11.5.5: while the home agent may have a binding it defends the address, and
	 * there is no duplicate address detection; if it has none, there is. */
	if (n >= 0 && i->mn->ops->addr_home(i->mn->ctx, &addr, r->prefixes[n].valid_s,
					    preferred_s, a->state == ANCHOR_ATTACHED) == 0)
		a->placed = true;
}

void home_here(const struct mn_iface *i, struct anchor *a)
{
	if (a->fixed && !is_there(i, a))
		place(i, a);
}

void home_moves_to(const struct mn_iface *i, struct anchor *a)
{
	if (a->ifindex == i->link.ifindex)
		return;
	if (a->ifindex != 0)
		home_take_away(i->mn, a);
	a->ifindex = i->link.ifindex;
}

void home_put_back(const struct mn_iface *i, struct anchor *a)
{
	if (i->move.router.per_host || a->placed || is_there(i, a))
		return;
	home_moves_to(i, a);
	place(i, a);
}

void home_is_back(const struct mn_iface *i, struct anchor *a)
{
	anchor_hold(a, false);
	/* Neighbours know it at another interface. */
	if (a->placed && !a->fixed)
		attach_announce(i, &a->hoa);
}

static void duplicate(struct mn_iface *i, struct anchor *a, usec_t now)
{
	a->taken_at = now;
	snprintf(a->reason, sizeof(a->reason), "another host has the address on its link");
	log_warn("home %s: %s: %s", a->name, in6_str(&a->hoa).s, a->reason);
	mn_event(i->mn, "home.duplicate", i, a, NULL, now);
}

void home_saw(struct mn_iface *i, const struct mn_addr *seen, bool gone, usec_t now,
	      struct mn_addr *ret)
{
	struct anchor *a = mn_anchor(i->mn, &seen->addr);

	*ret = *seen;
	if (!a || !a->fixed)
		return;
	ret->ours = false;
	if (seen->duplicate && !anchor_away(a) && a->ifindex == i->link.ifindex)
		duplicate(i, a, now);
	else if (!gone && seen->usable && a->taken_at != 0) {
		a->taken_at = 0;
		a->reason[0] = '\0';
	}
	/* An earlier run may have put it there. */
	if (a->ifindex == 0 || a->ifindex == i->link.ifindex)
		a->placed = !gone && (a->placed || seen->ours);
}

void home_heard(struct mn_iface *i, struct anchor *a, usec_t now)
{
	const struct router *r = &i->move.router;

	if (!a->fixed)
		return;
	/* Somebody else's is left alone. */
	if (!anchor_away(a) &&
	    (a->placed || (!is_there(i, a) &&
			   (a->taken_at == 0 || now >= a->taken_at + TAKEN_AGAIN))))
		place(i, a);
	if (!in6_is_any(&a->ha))
		return;
	if (r->has_ha)
		mn_set_home_agent(i->mn, a, router_ha_of(r, &a->hoa));
	else if (!in6_eq(&a->discovery.from, &a->hoa))	/* once for each time here */
		discover_start(a, &a->hoa, now);
}

bool mn_wants_home(const struct mn *mn, int ifindex, const struct in6_addr *addr)
{
	for (const struct mn_iface *i = mn->ifaces; i; i = i->next)
		for (const struct anchor *a = mn->anchors; a; a = a->next)
			if (i->link.ifindex == ifindex && a->ifindex == ifindex && a->fixed &&
			    in6_eq(&a->hoa, addr) && a->taken_at == 0 && !anchor_away(a) &&
			    attach_at_home(i, a))
				return true;
	return false;
}

void home_reassert(struct mn *mn)
{
	for (const struct mn_iface *i = mn->ifaces; i; i = i->next)
		for (struct anchor *a = mn->anchors; a; a = a->next)
			if (mn_wants_home(mn, i->link.ifindex, &a->hoa))
				home_here(i, a);
}
