/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The care-of address of an interface and the road of its packets: chosen, made, retired.
 * Owns mn_iface's coa, coa_source and path; attach.c calls it when the place has changed,
 * handover.c when something else has. RFC 6275 11.5.3, RFC 8273, design 4.2 and 4.3.
 *
 * Fast attach: in a prefix that is this host's alone no other host can have the address,
 * so the MN makes a care-of address there at once, without duplicate address detection,
 * on its own device. In one that others share, where the kernel would let its own be used
 * after a second or two, and where anchors are waiting for one, the MN puts an address with
 * a random identifier on the link, optimistic (RFC 4429): it is used at once, and the kernel
 * looks for another host that has it meanwhile. It is none for flows to begin on: when the
 * kernel's own is there and nothing is away any more, it goes.
 */
#include "mn-agent/coa.h"

#include <string.h>

#include "common/core/log.h"
#include "mn-agent/attach.h"
#include "mn-agent/flows.h"
#include "mn-agent/handover.h"

#define LINK_TRIES	3	/* RFC 7217 5: IDGEN_RETRIES */

/* May a new flow begin on it: is it a care-of address of a working interface, or of the only
 * one there is? All others of our device are deprecated. */
static bool for_new_flows(const struct mn *mn, const struct in6_addr *addr)
{
	for (const struct mn_iface *i = mn->ifaces; i; i = i->next) {
		if (i->coa_source == COA_OWN && in6_eq(&i->coa, addr) &&
		    (i->attached || !mn->current))
			return true;
	}
	return false;
}

void coa_own_addr(struct mn *mn, const struct in6_addr *addr)
{
	if (mn_wants_addr(mn, addr))
		mn->ops->addr_set(mn->ctx, addr, for_new_flows(mn, addr));
	else
		mn->ops->addr_unset(mn->ctx, addr);
}

/* Is it of a prefix that is not deprecated? */
static bool is_fresh(const struct mn_iface *i, const struct in6_addr *addr)
{
	int n = router_prefix_of(&i->move.router, addr);

	return n >= 0 && i->move.router.prefixes[n].preferred_s > 0;
}

/* A usable one on the link, a fresh one if there is any; or NULL. */
static const struct mn_addr *usable_addr(const struct mn_iface *i, bool ours)
{
	const struct mn_addr *found = NULL;

	for (unsigned int n = 0; n < i->n_addrs; n++) {
		const struct mn_addr *a = &i->addrs[n];

		if (!a->usable || a->ours != ours ||
		    router_prefix_of(&i->move.router, &a->addr) < 0)
			continue;
		if (is_fresh(i, &a->addr))
			return a;
		if (!found)
			found = a;
	}
	return found;
}

const struct mn_addr *coa_kernel_addr(const struct mn_iface *i)
{
	return usable_addr(i, false);
}

/* One of our making on the link, of this attachment or of an earlier run; or NULL. */
static const struct mn_addr *link_addr(const struct mn_iface *i)
{
	return usable_addr(i, true);
}

bool coa_is_ours(const struct mn_iface *i)
{
	return i->coa_source == COA_OWN || i->coa_source == COA_LINK;
}

bool coa_kernel_has(const struct mn_iface *i, const struct in6_addr *addr)
{
	for (unsigned int n = 0; n < i->n_addrs; n++)
		if (i->addrs[n].usable && in6_eq(&i->addrs[n].addr, addr))
			return true;
	return false;
}

/* Was there one of ours in this prefix in the earlier run? It is ours again then. */
static bool take_wish(struct mn *mn, const struct in6_prefix *p, struct in6_addr *ret)
{
	for (unsigned int n = 0; n < mn->n_wishes; n++) {
		if (!in6_in(p, &mn->wishes[n]))
			continue;
		*ret = mn->wishes[n];
		mn->wishes[n] = mn->wishes[--mn->n_wishes];
		return true;
	}
	return false;
}

/* Was there one? Flows may use it, whether or not anything is away. ret: in which prefix. */
static bool has_wish(const struct mn_iface *i, struct in6_prefix *ret)
{
	for (unsigned int m = 0; m < i->move.router.n_prefixes; m++) {
		struct in6_prefix p = router_prefix(&i->move.router, m);

		for (unsigned int n = 0; n < i->mn->n_wishes; n++) {
			if (!in6_in(&p, &i->mn->wishes[n]))
				continue;
			*ret = p;
			return true;
		}
	}
	return false;
}

/* RFC 4862 5.5.4: nothing new begins in a deprecated prefix while there is another. */
static struct in6_prefix best_prefix(const struct mn_iface *i)
{
	unsigned int n = 0;

	while (n < i->move.router.n_prefixes && i->move.router.prefixes[n].preferred_s == 0)
		n++;
	return router_prefix(&i->move.router, n < i->move.router.n_prefixes ? n : 0);
}

static void make_own_coa(struct mn_iface *i)
{
	struct mn *mn = i->mn;
	struct in6_prefix p;

	if (!has_wish(i, &p))
		p = best_prefix(i);
	if (take_wish(mn, &p, &i->coa)) {
		;	/* it may be on our device still */
	} else if (i->link.eui64) {
		in6_eui64(&i->coa, &p.addr, i->link.mac);
	} else {
		/* RFC 8064: an identifier that says nothing; new in every prefix. */
		i->coa = p.addr;
		mn->ops->random(mn->ctx, &i->coa.s6_addr[8], 8);
	}
	i->coa_source = COA_OWN;
	coa_own_addr(mn, &i->coa);
}

/* Puts one on the link. The kernel's notification would come when it is no longer optimistic:
 * it is remembered at once. */
static bool make_link_addr(struct mn_iface *i)
{
	struct mn *mn = i->mn;
	struct in6_prefix p = best_prefix(i);
	struct mn_addr a = {
		.ifindex = i->link.ifindex, .addr = p.addr, .plen = p.len, .usable = true,
		.ours = true,
	};

	/* One that cannot be remembered would stay on the link. */
	if (i->move.router.n_prefixes == 0 || i->coa_tries == LINK_TRIES ||
	    i->n_addrs == MN_ADDRS_MAX)
		return false;
	i->coa_tries++;
	mn->ops->random(mn->ctx, &a.addr.s6_addr[8], 8);
	if (mn->ops->addr_add(mn->ctx, &a))
		return false;
	mn_remember_addr(i, &a, false);
	return true;
}

void coa_drop_addr(struct mn_iface *i, const struct in6_addr *addr)
{
	for (unsigned int n = 0; n < i->n_addrs; n++) {
		const struct mn_addr a = i->addrs[n];

		if (!in6_eq(&a.addr, addr))
			continue;
		i->mn->ops->addr_drop(i->mn->ctx, &a);
		/* The kernel has perhaps told nobody of it yet, and will not tell of its end. */
		if (a.ours)
			mn_remember_addr(i, &a, true);
		return;
	}
}

void coa_renew(struct mn_iface *i)
{
	const struct mn_addr *a = link_addr(i);

	if (a)
		(void)i->mn->ops->addr_add(i->mn->ctx, a);
}

void coa_drop(struct mn_iface *i)
{
	enum coa_source source = i->coa_source;

	i->coa_source = COA_NONE;
	if (source == COA_OWN)
		coa_own_addr(i->mn, &i->coa);
	else if (source == COA_LINK)
		coa_drop_addr(i, &i->coa);
}

void coa_lost(struct mn_iface *i, bool duplicate, usec_t now)
{
	if (duplicate) {
		i->mn->counters[MN_C_COA_DUPLICATE]++;
		log_warn("care-of address %s: another host on %s has it", in6_str(&i->coa).s,
			 i->link.name);
		coa_drop(i);
	}
	i->coa_source = COA_NONE;
	handover_evaluate(i->mn, now);
}

void coa_set_path(struct mn_iface *i)
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

void coa_unset_path(struct mn_iface *i)
{
	if (!i->path_up)
		return;
	i->path_up = false;
	i->mn->ops->path_unset(i->mn->ctx, &i->path);
}

/* Is there an anchor that could be carried by this interface: away, and not to come home here? */
static bool is_needed(const struct mn_iface *i)
{
	for (const struct anchor *a = i->mn->anchors; a; a = a->next)
		if (anchor_away(a) && !attach_at_home(i, a))
			return true;
	return false;
}

void coa_choose(struct mn_iface *i, usec_t now)
{
	const struct mn_addr *k, *l;
	struct in6_prefix wished;
	bool stale;

	if (!i->attached || i->coa_source != COA_NONE)
		return;
	if (i->move.router.per_host &&
	    (i->moved_here || has_wish(i, &wished) || is_needed(i) || handover_wanted(i))) {
		i->moved_here = true;	/* perhaps before the daemon was started again */
		make_own_coa(i);
		coa_set_path(i);
		mn_event(i->mn, "coa.usable", i, NULL, in6_str(&i->coa).s, now);
		attach_form_anchor(i, &i->coa, now);
		return;
	}
	k = coa_kernel_addr(i);
	l = link_addr(i);
	stale = k && l && is_fresh(i, &k->addr) && !is_fresh(i, &l->addr);
	if (is_needed(i) && !stale && (l || (!k && make_link_addr(i)))) {
		i->coa = link_addr(i)->addr;
		i->coa_source = COA_LINK;
		mn_event(i->mn, "coa.usable", i, NULL, in6_str(&i->coa).s, now);
		return;
	}
	if (k) {
		i->coa = k->addr;
		i->coa_source = COA_KERNEL;
	}
}

bool coa_is_stale(const struct mn_iface *i)
{
	const struct mn_addr *k = coa_kernel_addr(i);

	return (i->coa_source == COA_KERNEL || i->coa_source == COA_LINK) &&
	       !is_fresh(i, &i->coa) && k && is_fresh(i, &k->addr);
}

/* Those of our making that are no longer the care-of address, and that no flow uses. */
static void retire_link_addrs(struct mn_iface *i, usec_t now)
{
	for (unsigned int n = i->n_addrs; n-- > 0;) {
		const struct mn_addr l = i->addrs[n];
		struct anchor *a = mn_anchor(i->mn, &l.addr);

		if (!l.ours || (i->coa_source == COA_LINK && in6_eq(&i->coa, &l.addr)))
			continue;
		if (a && a->flows == 0)
			flows_ask(i->mn, a, now);
		if (!a || a->flows == 0)
			coa_drop_addr(i, &l.addr);
	}
}

void coa_retire(struct mn_iface *i, usec_t now)
{
	const struct mn_addr *k = coa_kernel_addr(i);
	bool stays = i->coa_source == COA_OWN && coa_kernel_has(i, &i->coa);
	struct anchor *a;

	retire_link_addrs(i, now);
	if (!coa_is_ours(i) || !k)
		return;
	for (a = i->mn->anchors; a; a = a->next)
		if (in6_eq(&a->hoa, &i->coa))
			break;
	if (!stays && a) {
		flows_ask(i->mn, a, now);
		if (a->flows > 0)
			return;
		anchor_give_up(a, "the kernel's own address is there", now);
	}
	coa_drop(i);
	i->coa = k->addr;
	i->coa_source = COA_KERNEL;
}

void coa_forget_wish(struct mn *mn, const struct in6_addr *addr)
{
	for (unsigned int n = 0; n < mn->n_wishes; n++) {
		if (!in6_eq(&mn->wishes[n], addr))
			continue;
		mn->wishes[n] = mn->wishes[--mn->n_wishes];
		coa_own_addr(mn, addr);
		return;
	}
}

void coa_forget_wishes(struct mn *mn)
{
	/* Another interface may want one of them yet. */
	for (const struct mn_iface *i = mn->ifaces; i; i = i->next)
		if (i->link.up && !i->attached)
			return;
	while (mn->n_wishes > 0)
		coa_own_addr(mn, &mn->wishes[--mn->n_wishes]);
}
