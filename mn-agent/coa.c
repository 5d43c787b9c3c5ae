/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The care-of address of an interface and the road of its packets: chosen, made, retired.
 * Owns mn_iface's coa, coa_source and path; attach.c calls it when the place has changed,
 * handover.c when something else has. RFC 6275 11.5.3, RFC 8273, design 4.2 and 4.3.
 *
 * Fast attach: in a prefix that is this host's alone no other host can have the address,
 * so the MN makes a care-of address there at once, without duplicate address detection,
 * on its own device. Elsewhere it waits for an address of the kernel (an optimistic one
 * will do).
 */
#include "mn-agent/coa.h"

#include <string.h>

#include "mn-agent/attach.h"
#include "mn-agent/handover.h"

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

const struct mn_addr *coa_kernel_addr(const struct mn_iface *i)
{
	for (unsigned int n = 0; n < i->n_addrs; n++)
		if (i->addrs[n].usable && router_prefix_of(&i->move.router, &i->addrs[n].addr) >= 0)
			return &i->addrs[n];
	return NULL;
}

bool coa_kernel_has(const struct mn_iface *i, const struct in6_addr *addr)
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
	coa_own_addr(mn, &i->coa);
}

void coa_drop(struct mn_iface *i)
{
	enum coa_source source = i->coa_source;

	i->coa_source = COA_NONE;
	if (source == COA_OWN)
		coa_own_addr(i->mn, &i->coa);
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

void coa_choose(struct mn_iface *i, usec_t now)
{
	const struct mn_addr *k;

	if (!i->attached || i->coa_source != COA_NONE)
		return;
	if (i->move.router.per_host &&
	    (i->moved_here || mn_any_away(i->mn) || handover_wanted(i))) {
		i->moved_here = true;	/* perhaps before the daemon was started again */
		make_own_coa(i);
		coa_set_path(i);
		mn_event(i->mn, "coa.usable", i, NULL, in6_str(&i->coa).s, now);
		attach_form_anchor(i, &i->coa, now);
		return;
	}
	k = coa_kernel_addr(i);
	if (k) {
		i->coa = k->addr;
		i->coa_source = COA_KERNEL;
	}
}

void coa_retire(struct mn_iface *i, usec_t now)
{
	const struct mn_addr *k = coa_kernel_addr(i);
	struct anchor *a;

	if (i->coa_source != COA_OWN || !k)
		return;
	if (!coa_kernel_has(i, &i->coa))
		mn_count_flows(i->mn, now);
	for (a = i->mn->anchors; a; a = a->next)
		if (in6_eq(&a->hoa, &i->coa))
			break;
	if (!coa_kernel_has(i, &i->coa)) {
		if (a && a->flows > 0)
			return;
		if (a)
			anchor_give_up(a, "the kernel's own address is there", now);
	}
	coa_drop(i);
	i->coa = k->addr;
	i->coa_source = COA_KERNEL;
}

void coa_forget_wish(struct mn *mn)
{
	struct in6_addr wish = mn->wish;

	mn->wish = in6addr_any;
	if (!in6_is_any(&wish))
		coa_own_addr(mn, &wish);
}
