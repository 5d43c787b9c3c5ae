/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attachment to an access router and what follows from it: which anchors are formed,
 * depart and return. Owns the memory of earlier routers; called by movement.c through
 * attach_move_ops and by mn.c. RFC 6275 11.5.1 to 11.5.5, design 4.1 and 4.2.
 */
#include "mn-agent/attach.h"

#include <errno.h>
#include <string.h>

#include "common/wire/ext.h"
#include "mn-agent/bootstrap.h"
#include "mn-agent/coa.h"
#include "mn-agent/flows.h"
#include "mn-agent/handover.h"
#include "mn-agent/home.h"
#include "mn-agent/solicit.h"

static const uint8_t all_routers_mac[6] = { 0x33, 0x33, 0, 0, 0, 2 };
static const uint8_t all_nodes_mac[6] = { 0x33, 0x33, 0, 0, 0, 1 };
static const struct in6_addr all_nodes = { { { 0xff, 2, [15] = 1 } } };
static const struct in6_addr all_routers = { { { 0xff, 2, [15] = 2 } } };

/* The router has told again how long the anchor's prefix lives. */
static void renew(const struct mn_iface *i, struct anchor *a, usec_t now)
{
	const struct router *r = &i->move.router;
	int n = router_prefix_of(r, &a->hoa);

	if (n >= 0)
		solicit_told(a, r->prefixes[n].valid_s, now);
}

/* Of an address that is one of the link: what the router says of its home agent, and whether
 * it forms its addresses itself. */
static void refresh_home_agent(struct mn_iface *i, struct anchor *a)
{
	const struct router *r = &i->move.router;

	/* A router that says no more that it is one is asked all the same, when it is left. */
	if (r->has_ha && !router_has_ha(r, &a->ha) && (!a->fixed || in6_is_any(&a->ha)))
		mn_set_home_agent(i->mn, a, router_ha_of(r, &a->hoa));
	a->ifindex = i->link.ifindex;
	a->link_local = !memcmp(&a->hoa.s6_addr[8], &i->linklocal.s6_addr[8], 8);
}

static struct anchor *new_anchor(struct mn_iface *i, const struct in6_addr *addr, unsigned int n,
				 usec_t now)
{
	const struct router *r = &i->move.router;
	struct in6_prefix p = router_prefix(r, n);
	struct anchor *a = mn_new_anchor(i->mn, &p, addr,
					 r->has_ha ? router_ha_of(r, addr) : &in6addr_any);

	/* RFC 6275 11.4.1: a home agent that does not name its address is asked, for as long as
	 * it is near. */
	if (a && !r->has_ha)
		discover_start(a, addr, now);
	return a;
}

void attach_form_anchor(struct mn_iface *i, const struct in6_addr *addr, usec_t now)
{
	const struct router *r = &i->move.router;
	int n = router_prefix_of(r, addr);
	struct anchor *a = mn_anchor(i->mn, addr);

	/* The HA's own address as ours would be nonsense, or an attack. */
	if (n < 0 || (r->has_ha && router_has_ha(r, addr)))
		return;
	if (!a && r->is_ha)
		a = new_anchor(i, addr, (unsigned int)n, now);
	if (!a)
		return;
	if (a->state == ANCHOR_ATTACHED)
		refresh_home_agent(i, a);
	renew(i, a, now);
}

static void form_anchors(struct mn_iface *i, usec_t now)
{
	if (!i->attached)
		return;
	for (unsigned int n = 0; n < i->n_addrs; n++)
		if (i->addrs[n].usable)
			attach_form_anchor(i, &i->addrs[n].addr, now);
	if (i->coa_source == COA_OWN)
		attach_form_anchor(i, &i->coa, now);	/* its prefix lives longer now */
}

void attach_form_missing(struct mn_iface *i, usec_t now)
{
	if (!i->attached)
		return;
	for (unsigned int n = 0; n < i->n_addrs; n++)
		if (i->addrs[n].usable && !mn_find_anchor(i->mn, &i->addrs[n].addr))
			attach_form_anchor(i, &i->addrs[n].addr, now);
	if (i->coa_source == COA_OWN && !mn_find_anchor(i->mn, &i->coa))
		attach_form_anchor(i, &i->coa, now);
}

/* RFC 6275 11.5.2: the home prefix tells. */
bool attach_at_home(const struct mn_iface *i, const struct anchor *a)
{
	return i->attached && router_has_prefix(&i->move.router, &a->prefix);
}

bool attach_at_home_anywhere(const struct mn *mn, const struct anchor *a)
{
	for (const struct mn_iface *i = mn->ifaces; i; i = i->next)
		if (attach_at_home(i, a))
			return true;
	return false;
}

/* An anchor formed on this interface, or restored and not yet placed. */
static bool formed_on(const struct mn_iface *i, const struct anchor *a)
{
	return a->ifindex == 0 || a->ifindex == i->link.ifindex;
}

static void depart_anchors(struct mn_iface *i, usec_t now)
{
	for (struct anchor *a = i->mn->anchors; a; a = a->next)
		if (formed_on(i, a) && !attach_at_home_anywhere(i->mn, a))
			anchor_event(a, ANCHOR_EV_DEPART, now);
}

/* Is another interface on its link too, and has it? There it stays. */
static bool lives_elsewhere(const struct mn_iface *i, const struct anchor *a)
{
	const struct mn_iface *k = mn_iface_of(i->mn, a->ifindex);

	return k && k != i && attach_at_home(k, a);
}

/* It is on its own link here, and that has not its address: what keeps it if flows use it. */
static void link_lacks(struct mn_iface *i, struct anchor *a, usec_t now)
{
	a->ifindex = i->link.ifindex;
	flows_ask(i->mn, a, now);
	if (a->flows > 0 || a->fixed)
		anchor_hold(a, true);
	else
		anchor_give_up(a, "the link lost the address", now);
}

/* They are on their own link here. Whether they return is handover.c's to say. */
static void welcome_anchors(struct mn_iface *i, usec_t now)
{
	for (struct anchor *a = i->mn->anchors; a; a = a->next) {
		if (a->state == ANCHOR_GONE || !attach_at_home(i, a))
			continue;
		renew(i, a, now);
		if (lives_elsewhere(i, a))
			continue;
		/* Of the earlier run: the address went while nobody looked, or it would have
		 * been placed. */
		if (a->state == ANCHOR_ATTACHED && a->ifindex == 0 && !a->fixed)
			link_lacks(i, a, now);
		home_moves_to(i, a);
		home_heard(i, a, now);
	}
}

/* Is addr one of a place that was left: of an earlier router, or of an anchor that is away? */
static bool is_left(const struct mn_iface *i, const struct in6_addr *addr)
{
	if (router_prefix_of(&i->move.router, addr) >= 0)
		return false;
	for (unsigned int n = 0; n < i->n_past; n++)
		if (router_prefix_of(&i->past[n], addr) >= 0)
			return true;
	for (const struct anchor *a = i->mn->anchors; a; a = a->next)
		if (in6_in(&a->prefix, addr) && !attach_at_home_anywhere(i->mn, a))
			return true;
	return false;
}

/* A new flow must not start on an address of a place that was left: those of the interface. */
static unsigned int find_left_addrs(const struct mn_iface *i, struct mn_addr ret[MN_ADDRS_MAX])
{
	unsigned int n = 0;

	for (unsigned int k = 0; k < i->n_addrs; k++)
		if (is_left(i, &i->addrs[k].addr))
			ret[n++] = i->addrs[k];
	return n;
}

/* The router of the last move joins those that were left, the newest first. */
static void remember_left(struct mn_iface *i)
{
	struct router past[MN_PAST_ROUTERS];
	unsigned int n = 0;

	if (!in6_is_any(&i->last.linklocal))
		past[n++] = i->last;
	for (unsigned int k = 0; k < i->n_past && n < MN_PAST_ROUTERS; k++)
		if (!in6_eq(&i->past[k].linklocal, &i->last.linklocal))
			past[n++] = i->past[k];
	memcpy(i->past, past, n * sizeof(past[0]));
	i->n_past = n;
	i->last = i->move.router;
}

/* Neighbours of the place that was left are reached by the router now, as everybody is: the
 * kernel would look for them on this link for as long as the prefix is valid. */
static void leave_neighbours(struct mn_iface *i)
{
	const struct router *r = &i->past[0];

	for (unsigned int n = 0; i->n_past > 0 && n < r->n_prefixes; n++) {
		struct in6_prefix p = router_prefix(r, n);

		if ((r->prefixes[n].flags & PIO_FLAG_ONLINK) &&
		    !router_has_prefix(&i->move.router, &p))
			i->mn->ops->onlink_gone(i->mn->ctx, i->link.ifindex, &p);
	}
}

/* Every router that was left counts as unreachable: the kernel forgets that it is each time
 * the carrier goes, and keeps its default route. */
static void leave_routers(struct mn_iface *i)
{
	for (unsigned int n = 0; n < i->n_past; n++)
		if (!in6_eq(&i->past[n].linklocal, &i->move.router.linklocal))
			i->mn->ops->router_gone(i->mn->ctx, i->link.ifindex,
						&i->past[n].linklocal);
}

void attach_leave_routers(struct mn *mn)
{
	for (struct mn_iface *i = mn->ifaces; i; i = i->next)
		if (i->attached)
			leave_routers(i);
}

/* --- addresses that are no anchors ------------------------------------------ */

/* Nobody can carry their flows on: they end here, and people are told. */
static void lament(struct mn_iface *i, const struct in6_addr *addr, usec_t now)
{
	unsigned int n = mn_find_anchor(i->mn, addr) ? 0 : flows_on(i->mn, addr);

	if (n > 0)
		mn_flows_lost(i->mn, i, NULL, addr, n, "its router was no home agent", now);
}

/* The router may come back, and the address with it. */
static void remember_flushed(struct mn_iface *i, const struct in6_addr *addr)
{
	if (i->n_flushed < MN_ADDRS_MAX)
		i->flushed[i->n_flushed++] = *addr;
}

static void lament_flushed(struct mn_iface *i, usec_t now)
{
	for (unsigned int n = 0; n < i->n_flushed; n++)
		if (router_prefix_of(&i->move.router, &i->flushed[n]) < 0)
			lament(i, &i->flushed[n], now);
	i->n_flushed = 0;
}

/* --- what movement detection says ------------------------------------------- */

static void on_solicit(void *ctx, struct movement *m, usec_t now)
{
	struct mn_iface *i = ctx;
	struct icmp6_msg rs = { .type = ICMP6_RS };
	struct ip6_packet ip = {
		.src = i->linklocal, .dst = all_routers, .hop_limit = 255,
		.next_header = IP6_NH_ICMP6,
	};
	uint8_t room[128];
	struct wbuf w;

	(void)m;
	/* RFC 4861 4.1: the option only with a source address. While the link-local one is
	 * tentative the solicitation goes out from the unspecified address. */
	if (!in6_is_any(&i->linklocal)) {
		rs.u.rs.slla.present = true;
		memcpy(rs.u.rs.slla.mac, i->link.mac, 6);
	}
	wb_init(&w, room, sizeof(room));
	if (icmp6_packet(&w, &ip, &rs) < 0)
		return;
	i->mn->ops->send_link(i->mn->ctx, i->link.ifindex, all_routers_mac, w.base, w.len);
	mn_event(i->mn, "rs.sent", i, NULL, NULL, now);
}

/* RFC 6275 11.5.5: to all nodes, unsolicited, and to override what the home agent had told
 * them. Nobody is a neighbour in a prefix of one host's own. */
void attach_announce(const struct mn_iface *i, const struct in6_addr *addr)
{
	struct icmp6_msg na = { .type = ICMP6_NA, .u.na = {
		.flags = NA_FLAG_OVERRIDE, .target = *addr, .tlla.present = true,
	} };
	struct ip6_packet ip = {
		.src = *addr, .dst = all_nodes, .hop_limit = 255, .next_header = IP6_NH_ICMP6,
	};
	uint8_t room[128];
	struct wbuf w;

	if (i->move.router.per_host)
		return;
	memcpy(na.u.na.tlla.mac, i->link.mac, 6);
	wb_init(&w, room, sizeof(room));
	ip6_encode(&w, &ip);
	if (icmp6_encode(&w, &na, &ip.src, &ip.dst))
		return;
	ip6_finish(&w, 0);
	(void)i->mn->ops->send_link(i->mn->ctx, i->link.ifindex, all_nodes_mac, w.base, w.len);
}

static bool on_stranger(void *ctx, const struct router *r)
{
	const struct mn_iface *i = ctx;

	for (unsigned int n = 0; n < i->n_addrs; n++)
		if (router_prefix_of(r, &i->addrs[n].addr) >= 0)
			return false;
	return i->n_addrs > 0;
}

static int on_probe(void *ctx, struct movement *m, usec_t now)
{
	struct mn_iface *i = ctx;
	struct icmp6_msg ns = { .type = ICMP6_NS };
	struct ip6_packet ip = {
		.src = i->linklocal, .dst = m->router.linklocal, .hop_limit = 255,
		.next_header = IP6_NH_ICMP6,
	};
	uint8_t room[128];
	struct wbuf w;

	(void)now;
	if (in6_is_any(&i->linklocal))
		return -EAGAIN;
	ns.u.ns.target = m->router.linklocal;
	ns.u.ns.slla.present = true;
	memcpy(ns.u.ns.slla.mac, i->link.mac, 6);
	wb_init(&w, room, sizeof(room));
	if (icmp6_packet(&w, &ip, &ns) < 0)
		return -EINVAL;
	return i->mn->ops->send_link(i->mn->ctx, i->link.ifindex, m->router.mac, w.base, w.len);
}

/* RFC 6275 11.5.3: the care-of address is deprecated, and there is another one. */
static void change_stale(struct mn_iface *i, usec_t now)
{
	if (!coa_is_stale(i))
		return;
	i->coa_source = COA_NONE;
	handover_evaluate(i->mn, now);
}

/* The same place again, or its advertisement refreshed. */
static void confirmed(struct mn_iface *i, usec_t now)
{
	bool was = i->attached;

	if (!was)
		flows_at_move(i->mn, now);	/* another may have been left meanwhile */
	i->attached = true;
	if (!was)
		i->attached_at = now;
	welcome_anchors(i, now);
	form_anchors(i, now);
	handover_coa_renewed(i);
	if (was) {
		change_stale(i, now);
		return;
	}
	i->n_flushed = 0;
	bootstrap_attached(i, now);
	if (i->coa_source == COA_LINK)
		coa_renew(i);
	if (coa_is_ours(i) || i->path_up)
		coa_set_path(i);		/* a device that was down has lost its routes */
	leave_routers(i);
	handover_evaluate(i->mn, now);
}

static void on_attached(void *ctx, struct movement *m, bool moved, usec_t now)
{
	struct mn_iface *i = ctx;
	struct mn *mn = i->mn;
	bool came = i->attached_at != 0;
	struct in6_addr old_coa = i->coa;
	struct mn_path old_path = i->path;
	bool old_path_up = i->path_up, old_own = i->coa_source == COA_OWN;
	struct mn_addr left[MN_ADDRS_MAX];
	unsigned int n_left;

	if (!moved) {
		confirmed(i, now);
		return;
	}
	mn_event(mn, "attached", i, NULL, in6_str(&m->router.linklocal).s, now);
	i->attached = true;
	flows_at_move(mn, now);
	i->attached_at = now;
	i->moved_here = came || i->moved_here;
	i->coa_source = COA_NONE;
	i->coa_tries = 0;
	i->path_up = false;
	remember_left(i);
	/* Before there is an address on which a new flow could start. */
	leave_routers(i);
	/* RFC 6275 11.5.1: first everything that is needed to be reached again ... */
	depart_anchors(i, now);
	flows_resolve_alone(mn, now);
	coa_choose(i, now);
	welcome_anchors(i, now);
	form_anchors(i, now);
	n_left = find_left_addrs(i, left);
	handover_evaluate(mn, now);
	(void)flows_resolve(mn, now);	/* if it has not been done there */
	/* ... then what is left of the place before. */
	if (old_own)
		coa_own_addr(mn, &old_coa);
	if (old_path_up && !i->path_up)
		mn->ops->path_unset(mn->ctx, &old_path);
	for (unsigned int n = 0; n < n_left; n++) {
		lament(i, &left[n].addr, now);
		coa_drop_addr(i, &left[n].addr);	/* held, if there are flows on it */
	}
	lament_flushed(i, now);
	leave_neighbours(i);
	/* A packet of an old flow that was still sent there has revived the entry. */
	leave_routers(i);
	coa_forget_wishes(mn);
	bootstrap_attached(i, now);
}

static void hold_used(struct anchor *a)
{
	if ((a->flows > 0 && !a->unsure) || a->fixed)
		anchor_hold(a, true);
}

void attach_hold_used(struct mn *mn)
{
	for (struct anchor *a = mn->anchors; a; a = a->next) {
		const struct mn_iface *i = mn_iface_of(mn, a->ifindex);

		if (a->state == ANCHOR_ATTACHED && a->ifindex != 0 && !(i && i->attached))
			hold_used(a);
	}
}

static void on_lost(void *ctx, struct movement *m, usec_t now)
{
	struct mn_iface *i = ctx;

	(void)m;
	if (!i->attached)
		return;
	mn_event(i->mn, "lost", i, NULL, NULL, now);
	i->attached = false;
	i->lost_at = now;
	if (i->mn->chosen == i->link.ifindex)
		i->mn->chosen = 0;
	flows_at_move(i->mn, now);
	flows_resolve_alone(i->mn, now);
	for (struct anchor *a = i->mn->anchors; a; a = a->next)
		if (a->state == ANCHOR_ATTACHED && formed_on(i, a))
			hold_used(a);
	handover_evaluate(i->mn, now);
	bootstrap_soon(i->mn, now);
}

const struct move_ops attach_move_ops = {
	.solicit = on_solicit, .probe = on_probe, .is_stranger = on_stranger,
	.attached = on_attached, .lost = on_lost,
};

/* The kernel, or who manages the interface, has taken it off. What we take off ourselves was
 * lamented before. */
static void lost_addr(struct mn_iface *i, const struct in6_addr *addr, usec_t now)
{
	if (!i->attached)
		remember_flushed(i, addr);
	else if (!is_left(i, addr))
		lament(i, addr, now);
}

/* An anchor of the earlier run whose address the interface has belongs there: before its router
 * is heard the link may go, and the address with it. */
static void place_restored(struct mn_iface *i, const struct in6_addr *addr)
{
	struct anchor *a = mn_anchor(i->mn, addr);

	if (a && a->ifindex == 0)
		a->ifindex = i->link.ifindex;
}

void attach_addr_changed(struct mn_iface *i, const struct mn_addr *a, bool gone, usec_t now)
{
	struct anchor *an;
	bool coa = in6_eq(&i->coa, &a->addr);
	bool own = i->coa_source == COA_OWN && coa;

	place_restored(i, &a->addr);
	bootstrap_soon(i->mn, now);
	if (!gone && !a->usable && i->coa_source == COA_LINK && coa) {
		coa_lost(i, true, now);
		return;
	}
	if (!gone) {
		if (!i->attached || !a->usable)
			return;
		/* Its duplicate address detection ended after the move. */
		if (is_left(i, &a->addr)) {
			i->mn->ops->addr_drop(i->mn->ctx, a);
			return;
		}
		form_anchors(i, now);
		change_stale(i, now);
		if (i->coa_source == COA_NONE)
			handover_evaluate(i->mn, now);
		else
			timer_set(i->mn->timers, &i->mn->sweep, now);
		return;
	}
	for (an = i->mn->anchors; an; an = an->next)
		if (in6_eq(&an->hoa, &a->addr) && an->ifindex == i->link.ifindex)
			break;
	if (!an && !a->ours)
		lost_addr(i, &a->addr, now);
	if (an && an->state == ANCHOR_ATTACHED && !own)
		link_lacks(i, an, now);
	if ((i->coa_source == COA_KERNEL || i->coa_source == COA_LINK) && coa)
		coa_lost(i, false, now);
}

void attach_forget(struct mn_iface *i, usec_t now)
{
	move_link(&i->move, false, now);
	move_stop(&i->move);
	coa_drop(i);
	for (unsigned int n = i->n_addrs; n-- > 0;)
		if (i->addrs[n].ours)
			coa_drop_addr(i, &i->addrs[n].addr);
	coa_unset_path(i);
	handover_evaluate(i->mn, now);
	bootstrap_soon(i->mn, now);
}
