/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attachment to an access router and what follows from it. Owns the interface's care-of
 * address, its road (rule and table) and the endpoint of the data path; called by
 * movement.c through attach_move_ops and by mn.c. RFC 6275 11.5.1 to 11.5.5, RFC 8273,
 * design 4.2 and 4.3.
 *
 * Fast attach: in a prefix that is this host's alone no other host can have the address,
 * so the MN makes a care-of address there at once, without duplicate address detection,
 * on its own device. Elsewhere it waits for an address of the kernel (an optimistic one
 * will do).
 */
#include "mn-agent/attach.h"

#include <errno.h>
#include <string.h>

#include "common/core/log.h"
#include "common/wire/ext.h"
#include "common/wire/tunnel.h"
#include "mn-agent/solicit.h"

static const uint8_t all_routers_mac[6] = { 0x33, 0x33, 0, 0, 0, 2 };
static const uint8_t all_nodes_mac[6] = { 0x33, 0x33, 0, 0, 0, 1 };
static const struct in6_addr all_nodes = { { { 0xff, 2, [15] = 1 } } };
static const struct in6_addr all_routers = { { { 0xff, 2, [15] = 2 } } };

static struct in6_prefix router_prefix(const struct router *r, unsigned int n)
{
	return (struct in6_prefix){ .addr = r->prefixes[n].prefix, .len = r->prefixes[n].plen };
}

/* The index of the router's prefix that holds addr, or -1. */
static int router_prefix_of(const struct router *r, const struct in6_addr *addr)
{
	for (unsigned int n = 0; n < r->n_prefixes; n++) {
		struct in6_prefix p = router_prefix(r, n);

		if (in6_in(&p, addr))
			return (int)n;
	}
	return -1;
}

void attach_own_addr(struct mn *mn, const struct in6_addr *addr)
{
	bool preferred = in6_eq(&mn->endpoint, addr);

	/* New flows may start on a care-of address, one that is only held is deprecated. While
	 * there are tunnels they leave from the one address that is not. */
	for (const struct mn_iface *i = mn->ifaces; i && in6_is_any(&mn->endpoint); i = i->next)
		preferred |= i->coa_source == COA_OWN && in6_eq(&i->coa, addr);
	if (mn_wants_addr(mn, addr))
		mn->ops->addr_set(mn->ctx, addr, preferred);
	else
		mn->ops->addr_unset(mn->ctx, addr);
}

/* The usable kernel address of the interface in one of its router's prefixes. */
static const struct mn_addr *kernel_addr(const struct mn_iface *i)
{
	for (unsigned int n = 0; n < i->n_addrs; n++)
		if (i->addrs[n].usable && router_prefix_of(&i->move.router, &i->addrs[n].addr) >= 0)
			return &i->addrs[n];
	return NULL;
}

static bool kernel_has(const struct mn_iface *i, const struct in6_addr *addr)
{
	for (unsigned int n = 0; n < i->n_addrs; n++)
		if (i->addrs[n].usable && in6_eq(&i->addrs[n].addr, addr))
			return true;
	return false;
}

static void make_own_coa(struct mn_iface *i)
{
	struct mn *mn = i->mn;
	struct in6_prefix p = router_prefix(&i->move.router, 0);

	if (!in6_is_any(&mn->wish) && in6_in(&p, &mn->wish)) {
		i->coa = mn->wish;
	} else if (i->link.eui64) {
		in6_eui64(&i->coa, &p.addr, i->link.mac);
	} else {
		/* RFC 8064: an identifier that says nothing; new in every prefix. */
		i->coa = p.addr;
		mn->ops->random(mn->ctx, &i->coa.s6_addr[8], 8);
	}
	i->coa_source = COA_OWN;
	attach_own_addr(mn, &i->coa);
}

static void drop_coa(struct mn_iface *i)
{
	enum coa_source source = i->coa_source;

	i->coa_source = COA_NONE;
	if (source == COA_OWN)
		attach_own_addr(i->mn, &i->coa);
}

static void set_path(struct mn_iface *i)
{
	struct mn_path *p = &i->path;

	p->ifindex = i->link.ifindex;
	p->slot = i->slot;
	p->prefix = router_prefix(&i->move.router, 0);
	for (unsigned int n = 0; n < i->move.router.n_prefixes; n++) {
		struct in6_prefix q = router_prefix(&i->move.router, n);

		if (in6_in(&q, &i->coa))
			p->prefix = q;
	}
	p->router = i->move.router.linklocal;
	memcpy(p->router_mac, i->move.router.mac, 6);
	i->path_up = i->mn->ops->path_set(i->mn->ctx, p) == 0;
}

static void unset_path(struct mn_iface *i)
{
	if (!i->path_up)
		return;
	i->path_up = false;
	i->mn->ops->path_unset(i->mn->ctx, &i->path);
}

/* The router has told again how long the anchor's prefix lives. */
static void renew(const struct mn_iface *i, struct anchor *a, usec_t now)
{
	const struct router *r = &i->move.router;
	int n = router_prefix_of(r, &a->hoa);

	if (n >= 0)
		solicit_valid_until(a, now + (usec_t)r->prefixes[n].valid_s * USEC_S, now);
}

/* Every global address formed from the router's prefixes becomes an anchor (design 4.1). */
static void form_anchor(struct mn_iface *i, const struct in6_addr *addr, usec_t now)
{
	const struct router *r = &i->move.router;
	int n = router_prefix_of(r, addr);
	struct anchor *a;
	struct in6_prefix p;

	/* The HA's own address as ours would be nonsense, or an attack. */
	if (n < 0 || !r->has_ha || router_has_ha(r, addr))
		return;
	p = router_prefix(r, (unsigned int)n);
	for (a = i->mn->anchors; a; a = a->next)
		if (in6_eq(&a->hoa, addr) && a->state != ANCHOR_GONE)
			break;
	if (!a) {
		a = mn_new_anchor(i->mn, &p, addr, router_ha_of(r, addr));
		if (!a)
			return;
	}
	if (a->state == ANCHOR_ATTACHED) {
		a->ifindex = i->link.ifindex;
		a->link_local = !memcmp(&addr->s6_addr[8], &i->linklocal.s6_addr[8], 8);
		renew(i, a, now);
	}
}

static void form_anchors(struct mn_iface *i, usec_t now)
{
	if (!i->attached)
		return;
	for (unsigned int n = 0; n < i->n_addrs; n++)
		if (i->addrs[n].usable)
			form_anchor(i, &i->addrs[n].addr, now);
	if (i->coa_source == COA_OWN)
		form_anchor(i, &i->coa, now);	/* its prefix lives longer now */
}

/* Chooses a CoA where there is none. */
static void choose_coa(struct mn_iface *i, usec_t now)
{
	const struct mn_addr *k;

	if (!i->attached || i->coa_source != COA_NONE)
		return;
	if (i->move.router.per_host && (i->moved_here || mn_any_away(i->mn))) {
		i->moved_here = true;	/* perhaps before the daemon was started again */
		make_own_coa(i);
		set_path(i);
		mn_event(i->mn, "coa.usable", i, NULL, in6_str(&i->coa).s, now);
		form_anchor(i, &i->coa, now);
		return;
	}
	k = kernel_addr(i);
	if (k) {
		i->coa = k->addr;
		i->coa_source = COA_KERNEL;
	}
}

/* Does this router hand out the anchor's prefix? */
static bool at_home(const struct mn_iface *i, const struct anchor *a)
{
	return i->attached && router_has_ha(&i->move.router, &a->ha) &&
	       router_has_prefix(&i->move.router, &a->prefix);
}

static bool at_home_anywhere(const struct mn *mn, const struct anchor *a)
{
	for (const struct mn_iface *i = mn->ifaces; i; i = i->next)
		if (at_home(i, a))
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
		if (formed_on(i, a) && !at_home_anywhere(i->mn, a))
			anchor_event(a, ANCHOR_EV_DEPART, now);
}

static void return_anchors(struct mn_iface *i, usec_t now)
{
	for (struct anchor *a = i->mn->anchors; a; a = a->next) {
		if (a->state == ANCHOR_GONE || !at_home(i, a))
			continue;
		a->ifindex = i->link.ifindex;
		renew(i, a, now);
		anchor_event(a, ANCHOR_EV_RETURN, now);
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
		if (in6_in(&a->prefix, addr) && !at_home_anywhere(i->mn, a))
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

/* At most max_anchors are away at a time: the one with the fewest flows, the oldest of
 * those, goes (the list has the newest first). */
static void limit_away(struct mn *mn, usec_t now)
{
	for (;;) {
		struct anchor *victim = NULL;
		unsigned int n = 0;

		for (struct anchor *a = mn->anchors; a; a = a->next) {
			if (!anchor_away(a) || a->state == ANCHOR_RELEASING)
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
	attach_own_addr(mn, addr);
	if (!in6_is_any(&old))
		attach_own_addr(mn, &old);
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
	attach_own_addr(mn, &old);
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

void attach_evaluate(struct mn *mn, usec_t now)
{
	struct in6_addr old = mn->endpoint;

	/* An anchor whose link is down is departed as soon as another one can carry it. */
	mn->current = choose_current(mn);
	if (mn->current)
		for (struct anchor *a = mn->anchors; a; a = a->next)
			if (!at_home_anywhere(mn, a) && a->ifindex != mn->current->link.ifindex)
				anchor_event(a, ANCHOR_EV_DEPART, now);
	limit_away(mn, now);
	for (struct mn_iface *i = mn->ifaces; i; i = i->next)
		choose_coa(i, now);
	mn->current = choose_current(mn);

	if (!mn_any_away(mn)) {
		attach_settle(mn, now);
		return;
	}
	if (!mn->current) {
		for (struct anchor *a = mn->anchors; a; a = a->next)
			if (anchor_away(a))
				anchor_event(a, ANCHOR_EV_NO_COA, now);
		return;
	}
	if (!mn->current->path_up)
		set_path(mn->current);
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

/* The kernel has its own address in the prefix by now, and nothing needs ours. */
static void retire_own_coa(struct mn_iface *i, usec_t now)
{
	const struct mn_addr *k = kernel_addr(i);
	struct anchor *a;

	if (i->coa_source != COA_OWN || !k)
		return;
	if (!kernel_has(i, &i->coa))
		mn_count_flows(i->mn, now);
	for (a = i->mn->anchors; a; a = a->next)
		if (in6_eq(&a->hoa, &i->coa))
			break;
	if (!kernel_has(i, &i->coa)) {
		if (a && a->flows > 0)
			return;
		if (a)
			anchor_give_up(a, "the kernel's own address is there", now);
	}
	drop_coa(i);
	i->coa = k->addr;
	i->coa_source = COA_KERNEL;
}

/* At home an address is held for as long as the link lacks it and a flow needs it. */
static void settle_held(struct mn_iface *i, struct anchor *a, usec_t now)
{
	bool own = i->coa_source == COA_OWN && in6_eq(&i->coa, &a->hoa);

	if (kernel_has(i, &a->hoa) || own)
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
	drop_coa(i);
}

void attach_settle(struct mn *mn, usec_t now)
{
	bool away = mn_any_away(mn);

	for (struct mn_iface *i = mn->ifaces; i; i = i->next)
		for (struct anchor *a = mn->anchors; a; a = a->next)
			if (a->held && a->state == ANCHOR_ATTACHED && at_home(i, a))
				settle_held(i, a, now);
	if (!away)
		unset_endpoint(mn);
	for (struct mn_iface *i = mn->ifaces; i; i = i->next)
		drop_dead_coa(i);
	for (struct mn_iface *i = mn->ifaces; i && !away; i = i->next) {
		retire_own_coa(i, now);
		/* Once it has moved, its flows keep the road by this router: the kernel's
		 * default routes by earlier ones are still there. */
		if (i->coa_source != COA_OWN && !i->moved_here)
			unset_path(i);
	}
	for (struct anchor *a = mn->anchors, *next; a; a = next) {
		next = a->next;
		if (a->state == ANCHOR_GONE)
			mn_drop_anchor(mn, a);
	}
	mn->ops->changed(mn->ctx);
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
void attach_announce(const struct mn_iface *i, const struct in6_addr *hoa)
{
	struct icmp6_msg na = { .type = ICMP6_NA, .u.na = {
		.flags = NA_FLAG_OVERRIDE, .target = *hoa, .tlla.present = true,
	} };
	struct ip6_packet ip = {
		.src = *hoa, .dst = all_nodes, .hop_limit = 255, .next_header = IP6_NH_ICMP6,
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

/* The care-of address of an earlier run, if this is not its place: off our device. */
static void forget_wish(struct mn *mn)
{
	struct in6_addr wish = mn->wish;

	mn->wish = in6addr_any;
	if (!in6_is_any(&wish))
		attach_own_addr(mn, &wish);
}

/* The same place again, or its advertisement refreshed. */
static void confirmed(struct mn_iface *i, usec_t now)
{
	bool was = i->attached;

	i->attached = true;
	if (!was) {
		i->attached_at = now;
		return_anchors(i, now);
	}
	form_anchors(i, now);
	if (was)
		return;
	if (i->coa_source == COA_OWN || i->path_up)
		set_path(i);		/* a device that was down has lost its routes */
	leave_routers(i);
	attach_evaluate(i->mn, now);
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
	mn_count_flows(mn, now);
	i->attached = true;
	i->attached_at = now;
	i->moved_here = came || i->moved_here;
	i->coa_source = COA_NONE;
	i->path_up = false;
	remember_left(i);
	/* Before there is an address on which a new flow could start. */
	leave_routers(i);
	/* RFC 6275 11.5.1: first everything that is needed to be reached again ... */
	depart_anchors(i, now);
	choose_coa(i, now);
	return_anchors(i, now);
	form_anchors(i, now);
	n_left = find_left_addrs(i, left);
	attach_evaluate(mn, now);
	/* ... then what is left of the place before. */
	if (old_own)
		attach_own_addr(mn, &old_coa);
	if (old_path_up && !i->path_up)
		mn->ops->path_unset(mn->ctx, &old_path);
	for (unsigned int n = 0; n < n_left; n++)
		mn->ops->addr_drop(mn->ctx, &left[n]);	/* held, if there are flows on it */
	/* A packet of an old flow that was still sent there has revived the entry. */
	leave_routers(i);
	forget_wish(mn);
}

static void on_lost(void *ctx, struct movement *m, usec_t now)
{
	struct mn_iface *i = ctx;

	(void)m;
	if (!i->attached)
		return;
	mn_event(i->mn, "lost", i, NULL, NULL, now);
	/* Whoever manages the link may flush its addresses now: those in use are kept. */
	mn_count_flows(i->mn, now);
	i->attached = false;
	for (struct anchor *a = i->mn->anchors; a; a = a->next)
		if (a->state == ANCHOR_ATTACHED && a->flows > 0 && formed_on(i, a))
			anchor_hold(a, true);
	attach_evaluate(i->mn, now);
}

const struct move_ops attach_move_ops = {
	.solicit = on_solicit, .probe = on_probe, .attached = on_attached, .lost = on_lost,
};

void attach_addr_changed(struct mn_iface *i, const struct mn_addr *a, bool gone, usec_t now)
{
	struct anchor *an;
	bool own = i->coa_source == COA_OWN && in6_eq(&i->coa, &a->addr);

	if (!gone) {
		if (!i->attached || !a->usable)
			return;
		/* Its duplicate address detection ended after the move. */
		if (is_left(i, &a->addr)) {
			i->mn->ops->addr_drop(i->mn->ctx, a);
			return;
		}
		form_anchors(i, now);
		if (i->coa_source == COA_NONE)
			attach_evaluate(i->mn, now);
		else
			timer_set(i->mn->timers, &i->mn->sweep, now);
		return;
	}
	for (an = i->mn->anchors; an; an = an->next)
		if (in6_eq(&an->hoa, &a->addr) && an->ifindex == i->link.ifindex)
			break;
	if (an && an->state == ANCHOR_ATTACHED && !own) {
		mn_count_flows(i->mn, now);
		if (an->flows > 0)
			anchor_hold(an, true);
		else
			anchor_give_up(an, "the link lost the address", now);
	}
	if (i->coa_source == COA_KERNEL && in6_eq(&i->coa, &a->addr)) {
		i->coa_source = COA_NONE;
		attach_evaluate(i->mn, now);
	}
}

void attach_forget(struct mn_iface *i, usec_t now)
{
	move_link(&i->move, false, now);
	move_stop(&i->move);
	drop_coa(i);
	unset_path(i);
	attach_evaluate(i->mn, now);
}
