/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes over what an earlier run left in the kernel, and removes what nobody claims, some
 * time after the start. (What others delete meanwhile: repair.c.) Called by io.c.
 */
#include "common/core/log.h"
#include "common/sys/clock.h"
#include "mn-agent/mnd.h"

#define LEFTOVERS_DELAY	(30 * USEC_S)	/* what an earlier run left, unclaimed */

struct leftovers { struct mnd *d; struct in6_addr addrs[64]; unsigned int n; };

static void leftover_addr(void *ctx, const struct rt_addr *a)
{
	struct leftovers *l = ctx;

	if (a->ifindex == l->d->device && !mn_wants_addr(&l->d->mn, &a->addr) &&
	    l->n < sizeof(l->addrs) / sizeof(l->addrs[0]))
		l->addrs[l->n++] = a->addr;
}

static void leftover_binding(void *ctx, const struct dp_binding *b)
{
	struct leftovers *l = ctx;
	const struct anchor *a = mn_find_anchor(&l->d->mn, &b->inner.addr);

	if ((!a || !a->tunnelled) && l->n < sizeof(l->addrs) / sizeof(l->addrs[0]))
		l->addrs[l->n++] = b->inner.addr;
}

/* What an earlier run left in the data path and no restored anchor claims. */
static void drop_leftover_bindings(struct mnd *d)
{
	struct leftovers l = { .d = d };

	d->dp->ops->dump(d->dp, leftover_binding, &l);
	for (unsigned int n = 0; n < l.n; n++)
		mnd_tunnel_del(d, &l.addrs[n]);
}

static void leftovers_due(void *ctx, usec_t now)
{
	struct mnd *d = ctx;
	struct leftovers l = { .d = d };

	(void)now;
	rt_addr_dump(d->nl, leftover_addr, &l);
	for (unsigned int n = 0; n < l.n; n++)
		rt_addr_del(d->nl, d->device, &l.addrs[n], 128);
	for (unsigned int slot = 0; slot < MN_INTERFACES_MAX; slot++) {
		bool used = false;

		for (const struct mn_iface *i = d->mn.ifaces; i; i = i->next)
			used |= i->slot == slot && i->path_up;
		if (d->path_there[slot] && !used)
			mnd_path_remove(d, slot);
	}
	drop_leftover_bindings(d);
}

/* The roads of an earlier run: known, so that they are replaced and not doubled. */
static void adopt_rule(void *ctx, const struct rt_rule *r)
{
	struct mnd *d = ctx;
	uint32_t first = d->settings.table_base + MND_PATH_TABLES, slot = r->table - first;

	if (r->table < first || slot >= MN_INTERFACES_MAX || r->from.len == 0 ||
	    r->protocol != RT_PROTOCOL)
		return;
	d->path_there[slot] = true;
	d->paths[slot] = (struct mn_path){ .slot = slot, .prefix = r->from };
}

static void adopt_addr(void *ctx, const struct rt_addr *a)
{
	struct mnd *d = ctx;

	if (a->protocol == RT_PROTOCOL && a->ifindex != d->device &&
	    d->n_earlier < MND_EARLIER_MAX)
		d->earlier[d->n_earlier++] = a->addr;
}

void mnd_adopt_addrs(struct mnd *d)
{
	rt_addr_dump(d->nl, adopt_addr, d);
}

bool mnd_made_before(const struct mnd *d, const struct in6_addr *addr)
{
	for (unsigned int n = 0; n < d->n_earlier; n++)
		if (in6_eq(&d->earlier[n], addr))
			return true;
	return false;
}

void mnd_keep_init(struct mnd *d)
{
	timer_init(&d->leftovers, "leftovers", leftovers_due, d);
}

void mnd_adopt_roads(struct mnd *d)
{
	rt_rule_dump(d->nl, adopt_rule, d);
}

void mnd_adopt_bindings(struct mnd *d)
{
	drop_leftover_bindings(d);
	timer_set(loop_timers(d->loop), &d->leftovers, clock_now() + LEFTOVERS_DELAY);
}
