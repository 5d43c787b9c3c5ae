/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which interface carries the anchors that are away, and what is kept when none does. Owns
 * the choice of the current interface, the end of the tunnels and the cap on anchors;
 * called whenever an interface, an address or an anchor has changed. RFC 6275 11.5.4,
 * design 4.5 and 4.6.
 */
#include "mn-agent/handover.h"

#include "common/core/log.h"
#include "common/wire/ext.h"
#include "common/wire/tunnel.h"
#include "mn-agent/attach.h"
#include "mn-agent/coa.h"

/* At most max_anchors are away at a time: the one with the fewest flows, the oldest of
 * those, goes (the list has the newest first). */
static void limit_away(struct mn *mn, usec_t now)
{
	for (;;) {
		struct anchor *victim = NULL;
		unsigned int n = 0;

		for (struct anchor *a = mn->anchors; a; a = a->next) {
			if (!anchor_away(a) || a->state == ANCHOR_RELEASING || a->fixed)
				continue;
			n++;
			if (!victim || a->flows <= victim->flows)
				victim = a;
		}
		if (n <= mn->cfg->max_anchors || !victim)
			return;
		log_warn("anchor %s: given up with %u flows, more than %u anchors are away",
			 in6_str(&victim->hoa).s, victim->flows, mn->cfg->max_anchors);
		mn->counters[MN_C_FLOWS_LOST] += victim->flows;
		victim->flows = 0;
		anchor_event(victim, ANCHOR_EV_IDLE, now);
		if (victim->state == ANCHOR_DEPARTED)
			anchor_give_up(victim, "too many anchors are away", now);
	}
}

static struct mn_iface *choose_current(const struct mn *mn)
{
	struct mn_iface *best = NULL;

	for (struct mn_iface *i = mn->ifaces; i; i = i->next) {
		if (!i->attached || i->coa_source == COA_NONE)
			continue;
		if (!best || i->preference < best->preference ||
		    (i->preference == best->preference && i->attached_at > best->attached_at))
			best = i;
	}
	return best;
}

/* Tunnels end at addr from now on, and leave from it. */
static void set_endpoint(struct mn *mn, const struct in6_addr *addr)
{
	struct in6_addr old = mn->endpoint;

	if (in6_eq(&old, addr))
		return;
	mn->endpoint = *addr;
	coa_own_addr(mn, addr);
	if (!in6_is_any(&old))
		coa_own_addr(mn, &old);
	if (mn->ops->endpoint_add(mn->ctx, addr))
		log_error("care-of address %s: cannot be made an end of tunnels",
			  in6_str(addr).s);
}

static void unset_endpoint(struct mn *mn)
{
	struct in6_addr old = mn->endpoint;

	if (in6_is_any(&old))
		return;
	mn->endpoint = in6addr_any;
	mn->ops->endpoint_del(mn->ctx, &old);
	coa_own_addr(mn, &old);
}

/* RFC 2473 7: the outer header has to fit on the link too. */
static uint16_t tunnel_mtu(const struct mn_iface *i)
{
	uint16_t max = i->mn->cfg->anchor.mtu;
	uint32_t link = i->move.router.mtu;

	if (link < IP6_MIN_MTU + IP6_HDR_LEN || link - IP6_HDR_LEN >= max)
		return max;
	return (uint16_t)(link - IP6_HDR_LEN);
}

void handover_evaluate(struct mn *mn, usec_t now)
{
	struct in6_addr old = mn->endpoint;

	/* An anchor whose link is down is departed as soon as another one can carry it. */
	mn->current = choose_current(mn);
	if (mn->current)
		for (struct anchor *a = mn->anchors; a; a = a->next)
			if (!attach_at_home_anywhere(mn, a) &&
			    a->ifindex != mn->current->link.ifindex)
				anchor_event(a, ANCHOR_EV_DEPART, now);
	limit_away(mn, now);
	for (struct mn_iface *i = mn->ifaces; i; i = i->next)
		coa_choose(i, now);
	mn->current = choose_current(mn);

	if (!mn_any_away(mn)) {
		handover_settle(mn, now);
		return;
	}
	if (!mn->current) {
		for (struct anchor *a = mn->anchors; a; a = a->next)
			if (anchor_away(a))
				anchor_event(a, ANCHOR_EV_NO_COA, now);
		return;
	}
	if (!mn->current->path_up)
		coa_set_path(mn->current);
	set_endpoint(mn, &mn->current->coa);
	for (struct anchor *a = mn->anchors; a; a = a->next) {
		if (!anchor_away(a))
			continue;
		anchor_link_mtu(a, tunnel_mtu(mn->current), &mn->current->coa);
		anchor_coa(a, &mn->current->coa, now);
	}
	if (!in6_is_any(&old) && !in6_eq(&old, &mn->endpoint))
		mn->ops->endpoint_del(mn->ctx, &old);
	mn->ops->changed(mn->ctx);
}

/* At home an address is held for as long as the link lacks it and a flow needs it. */
static void settle_held(struct mn_iface *i, struct anchor *a, usec_t now)
{
	bool own = i->coa_source == COA_OWN && in6_eq(&i->coa, &a->hoa);

	if (coa_kernel_has(i, &a->hoa) || own)
		anchor_hold(a, false);
	else if (a->flows == 0)
		anchor_give_up(a, "no flow, and the link has not the address", now);
}

/* Its prefix ran out while the link was down: nothing may begin on it, and the tunnels, as
 * long as they lead nowhere, need no end here. */
static void drop_dead_coa(struct mn_iface *i)
{
	if (i->coa_source != COA_OWN || i->attached || mn_find_anchor(i->mn, &i->coa))
		return;
	if (in6_eq(&i->mn->endpoint, &i->coa))
		unset_endpoint(i->mn);
	coa_drop(i);
}

void handover_settle(struct mn *mn, usec_t now)
{
	bool away = mn_any_away(mn);

	for (struct mn_iface *i = mn->ifaces; i; i = i->next)
		for (struct anchor *a = mn->anchors; a; a = a->next)
			if (a->held && a->state == ANCHOR_ATTACHED && attach_at_home(i, a))
				settle_held(i, a, now);
	if (!away)
		unset_endpoint(mn);
	for (struct mn_iface *i = mn->ifaces; i; i = i->next)
		drop_dead_coa(i);
	for (struct mn_iface *i = mn->ifaces; i && !away; i = i->next) {
		coa_retire(i, now);
		/* Once it has moved, its flows keep the road by this router: the kernel's
		 * default routes by earlier ones are still there. */
		if (i->coa_source != COA_OWN && !i->moved_here)
			coa_unset_path(i);
	}
	for (struct anchor *a = mn->anchors, *next; a; a = next) {
		next = a->next;
		if (a->state == ANCHOR_GONE)
			mn_drop_anchor(mn, a);
	}
	mn->ops->changed(mn->ctx);
}
