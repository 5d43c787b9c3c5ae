/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which interface carries the anchors that are away, and what is kept when none does. Owns
 * the choice of the current interface and the cap on anchors; called whenever an interface,
 * an address or an anchor has changed. RFC 6275 11.5.4, design 4.5 and 4.6.
 *
 * Timer:
 *   handover   an interface that was lost and came back has worked long enough.
 */
#include "mn-agent/handover.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/core/log.h"
#include "common/wire/ext.h"
#include "common/wire/tunnel.h"
#include "mn-agent/attach.h"
#include "mn-agent/coa.h"
#include "mn-agent/ends.h"
#include "mn-agent/prefer.h"
#include "mn-agent/flows.h"
#include "mn-agent/home.h"

#define ASK_AGAIN	(300 * USEC_MS)
#define RETURNED_LATELY	(10 * USEC_S)	/* its release may still be under way */
#define KERNEL_FIRST	(2 * USEC_S)	/* at a new place it forms its addresses */
#define REFUSED_STAY	(60 * USEC_S)	/* on its own link, after the HA has said no */

/* Is less lost with a? One without flows goes first, then the one that was idle longest, by
 * what went through its tunnel; between equals the one with fewer flows. */
static bool is_idler(const struct anchor *a, const struct anchor *b)
{
	if ((a->flows == 0) != (b->flows == 0))
		return a->flows == 0;
	if (a->busy_at != b->busy_at)
		return a->busy_at < b->busy_at;
	return a->flows <= b->flows;
}

/* Its flows are lost. */
static void cap(struct mn *mn, struct anchor *a, usec_t now)
{
	char why[96];

	snprintf(why, sizeof(why), "more than %u anchors are away, and this one was idle longest",
		 mn->cfg->max_anchors);
	mn->counters[MN_C_ANCHORS_CAPPED]++;
	mn_event(mn, "anchor.capped", NULL, a, why, now);
	if (a->flows > 0)
		mn_flows_lost(mn, NULL, a, &a->hoa, a->flows, why, now);
	anchor_forsake(a, why, now);
}

/* At most max_anchors are away at a time (the list has the newest first). */
static void limit_away(struct mn *mn, usec_t now)
{
	for (;;) {
		struct anchor *victim = NULL;
		unsigned int n = 0;

		for (struct anchor *a = mn->anchors; a; a = a->next) {
			if (!anchor_away(a) || a->state == ANCHOR_RELEASING || a->fixed ||
			    a->forsaken || a->unsure)
				continue;
			n++;
			if (!victim || is_idler(a, victim))
				victim = a;
		}
		if (n <= mn->cfg->max_anchors || !victim)
			return;
		if (flows_make_exact(mn, now))
			continue;
		cap(mn, victim, now);
	}
}

/* Where does the anchor's own link work? Where it was last, or the best of them, or NULL. */
static struct mn_iface *home_of(const struct mn *mn, const struct anchor *a)
{
	struct mn_iface *best = NULL;

	for (struct mn_iface *i = mn->ifaces; i; i = i->next) {
		if (!attach_at_home(i, a))
			continue;
		if (i->link.ifindex == a->ifindex)
			return i;
		if (!best || prefer_over(i, best))
			best = i;
	}
	return best;
}

/* Not later than something else has wished. */
static void again_at(struct mn *mn, usec_t at)
{
	if (at != USEC_NEVER && (!timer_armed(&mn->handover) || at < mn->handover.at))
		timer_set(mn->timers, &mn->handover, at);
}

static void choose_current(struct mn *mn, usec_t now)
{
	struct mn_iface *old = mn->current;
	usec_t again;

	mn->current = prefer_best(mn, now, &again);
	again_at(mn, again);
	if (mn->current && mn->current != old)
		mn_event(mn, "interface", mn->current, NULL, in6_str(&mn->current->coa).s, now);
}

/*
 * Do the anchor's packets belong on its own link, without a tunnel? There they stay as long
 * as it works, unless a better interface can carry them: that takes them over while both
 * work, so that nothing is lost when the lesser one goes. Not where others share the link:
 * its home agent would find the address in use there (RFC 6275 10.3.1).
 */
static bool belongs_home(struct mn *mn, const struct anchor *a, usec_t now)
{
	const struct mn_iface *home = home_of(mn, a), *c = mn->current;

	if (!home)
		return false;
	if (!c || c == home || !anchor_may_register(a) || !home->move.router.per_host)
		return true;
	if (a->flows == 0 || now < a->stay_until)
		return true;
	if (prefer_over(c, home))
		return false;
	/* It is carried by another that works: back, when its own link has proved itself. */
	if (!anchor_away(a) || now >= prefer_stable_at(home))
		return true;
	again_at(mn, prefer_stable_at(home));
	return false;
}

bool handover_wanted(const struct mn_iface *i)
{
	for (const struct anchor *a = i->mn->anchors; a; a = a->next) {
		const struct mn_iface *home = home_of(i->mn, a);

		if (a->state == ANCHOR_ATTACHED && a->flows > 0 && anchor_may_register(a) &&
		    home && home->move.router.per_host && prefer_over(i, home))
			return true;
	}
	return false;
}

/* --- the anchors ------------------------------------------------------------------ */

/* A refused care-of address that is a home address of ours and on its link again: the HA has
 * heard of the registration, but not yet, or only after it, that it is no longer away. */
static void ask_again_soon(struct mn *mn, struct anchor *a, usec_t now)
{
	const struct anchor *b = mn_find_anchor(mn, &a->coa);

	if (b && (b->state == ANCHOR_RETURNING ||
		  (b->state == ANCHOR_ATTACHED && now < b->sent_at + RETURNED_LATELY)))
		timer_set(a->timers, &a->timer, now + ASK_AGAIN);
}

/* Departs whom another interface is to carry, returns whom none has to. */
static void place_anchors(struct mn *mn, usec_t now)
{
	for (struct anchor *a = mn->anchors; a; a = a->next) {
		const struct mn_iface *home = home_of(mn, a);
		bool away = anchor_away(a);

		if (a->state == ANCHOR_GONE)
			continue;
		/* The HA does not want it from elsewhere: its own link still works. */
		if (a->state == ANCHOR_REFUSED && home)
			a->stay_until = now + REFUSED_STAY;
		if (a->state == ANCHOR_REFUSED && a->status == BA_PROHIBITED &&
		    anchor_may_register(a))
			ask_again_soon(mn, a, now);
		if (belongs_home(mn, a, now)) {
			if (!away && (!a->fixed || home->link.ifindex == a->ifindex))
				continue;
			home_moves_to(home, a);
			anchor_event(a, ANCHOR_EV_RETURN, now);
			home_here(home, a);
		} else if (!away && mn->current &&
			   (a->ifindex != mn->current->link.ifindex || home)) {
			/* One whose link is down departs as soon as another can carry it. */
			anchor_event(a, ANCHOR_EV_DEPART, now);
		}
	}
}

/* Does what carries the anchor until now still work, beside the current interface? */
static bool road_works(const struct mn *mn, const struct anchor *a)
{
	if (!a->tunnelled)
		return home_of(mn, a) != NULL;
	for (const struct mn_iface *i = mn->ifaces; i; i = i->next)
		if (prefer_usable(i) && i != mn->current && in6_eq(&i->coa, &a->via))
			return true;
	return false;
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

/* Packets of each interface's addresses leave by its own router, wherever the kernel's default
 * route leads: where there are several interfaces, and where there were several routers. */
static void set_roads(struct mn *mn)
{
	unsigned int n = 0;

	for (const struct mn_iface *i = mn->ifaces; i; i = i->next)
		n += i->attached;
	for (struct mn_iface *i = mn->ifaces; i; i = i->next) {
		bool wanted = coa_is_ours(i) || i->moved_here || n > 1 ||
			      mn_any_away(mn);

		/* One that is down has none, where another has taken over. */
		if (!wanted || (!i->attached && mn->current))
			coa_unset_path(i);
		else if (prefer_usable(i) &&
			 (!i->path_up || !in6_in(&i->path.prefix, &i->coa)))
			coa_set_path(i);
	}
}

/* How long a home agent may take to answer whose round trip is not known: as long as the
 * farthest of the others. 0: nothing is known of any. */
static usec_t guess_round_trip(const struct mn *mn)
{
	usec_t longest = 0;

	for (const struct anchor *a = mn->anchors; a; a = a->next)
		longest = a->rtt > longest ? a->rtt : longest;
	return longest;
}

/* Until when the interface's care-of address is valid, by the last advertisement. */
static usec_t coa_until(const struct mn_iface *i)
{
	const struct router *r = &i->move.router;
	int n = router_prefix_of(r, &i->coa);

	return n < 0 ? 0 : i->move.heard_at + (usec_t)r->prefixes[n].valid_s * USEC_S;
}

void handover_coa_renewed(struct mn_iface *i)
{
	for (struct anchor *a = i->mn->anchors; a; a = a->next)
		if (anchor_away(a) && in6_eq(&a->coa, &i->coa))
			a->coa_until = coa_until(i);
}

/* RFC 6275 11.5.4: every anchor that is away is registered from the current interface. */
static void carry(struct mn *mn, usec_t now)
{
	struct mn_iface *c = mn->current;
	usec_t guess = guess_round_trip(mn);

	ends_add(mn, &c->coa);
	for (struct anchor *a = mn->anchors; a; a = a->next) {
		if (!anchor_away(a) || a->unsure)
			continue;
		a->rtt_guess = guess;
		anchor_link_mtu(a, tunnel_mtu(c), &c->coa);
		anchor_keep_road(a, true);
		a->coa_until = coa_until(c);
		anchor_coa(a, &c->coa, now);
	}
	/* Only when all updates have left is the kernel busied with tunnels. */
	for (struct anchor *a = mn->anchors; a; a = a->next)
		if (anchor_away(a))
			anchor_keep_road(a, road_works(mn, a));
}

void handover_evaluate(struct mn *mn, usec_t now)
{
	const struct mn_iface *placed;

	choose_current(mn, now);
	place_anchors(mn, now);
	flows_resolve_alone(mn, now);
	limit_away(mn, now);
	placed = mn->current;
	for (struct mn_iface *i = mn->ifaces; i; i = i->next)
		coa_choose(i, now);
	choose_current(mn, now);
	if (mn->current != placed) {	/* one has its care-of address only now */
		place_anchors(mn, now);
		limit_away(mn, now);
	}

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
	set_roads(mn);
	carry(mn, now);
	/* Of the others the kernel is asked when the first Binding Updates have left. */
	if (flows_resolve(mn, now)) {
		limit_away(mn, now);
		carry(mn, now);
	}
	ends_review(mn, now);
	mn->ops->changed(mn->ctx);
}

/* At home an address is held for as long as the link lacks it and a flow needs it. */
static void settle_held(struct mn_iface *i, struct anchor *a, usec_t now)
{
	bool own = i->coa_source == COA_OWN && in6_eq(&i->coa, &a->hoa);

	if (coa_kernel_has(i, &a->hoa) || own)
		home_is_back(i, a);
	else if (home_of(i->mn, a) != i)
		return;
	else if (a->flows == 0)
		anchor_give_up(a, "no flow, and the link has not the address", now);
	else if (now >= i->attached_at + KERNEL_FIRST)
		home_put_back(i, a);
}

/* Its prefix ran out while the link was down: nothing may begin on it. */
static void drop_dead_coa(struct mn_iface *i)
{
	if (coa_is_ours(i) && !i->attached && !mn_find_anchor(i->mn, &i->coa))
		coa_drop(i);
}

void handover_settle(struct mn *mn, usec_t now)
{
	bool away = mn_any_away(mn);

	for (struct mn_iface *i = mn->ifaces; i; i = i->next)
		for (struct anchor *a = mn->anchors; a; a = a->next)
			if (a->held && a->state == ANCHOR_ATTACHED && attach_at_home(i, a))
				settle_held(i, a, now);
	for (struct mn_iface *i = mn->ifaces; i; i = i->next)
		drop_dead_coa(i);
	for (struct mn_iface *i = mn->ifaces; i && !away; i = i->next)
		coa_retire(i, now);
	set_roads(mn);
	ends_review(mn, now);
	for (struct anchor *a = mn->anchors, *next; a; a = next) {
		next = a->next;
		if (a->state != ANCHOR_GONE)
			continue;
		coa_forget_wish(mn, &a->hoa);
		mn_drop_anchor(mn, a);
	}
	/* One that was released elsewhere may be on its own link: flows can begin there. */
	for (struct mn_iface *i = mn->ifaces; i; i = i->next)
		attach_form_missing(i, now);
	mn->ops->changed(mn->ctx);
}

int mn_choose(struct mn *mn, const char *name, usec_t now)
{
	const struct mn_iface *i = mn->ifaces;

	while (name && i && strcmp(i->link.name, name) != 0)
		i = i->next;
	if (!name) {
		mn->chosen = 0;
	} else if (!i) {
		return -ENODEV;
	} else if (!i->attached) {
		return -ENETDOWN;
	} else {
		mn->chosen = i->link.ifindex;
	}
	mn_count_flows(mn, now);
	handover_evaluate(mn, now);
	return 0;
}

static void handover_due(void *ctx, usec_t now)
{
	handover_evaluate(ctx, now);
}

void handover_init(struct mn *mn)
{
	timer_init(&mn->handover, "handover", handover_due, mn);
}
