/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stand-in: a default route of ours in the main table. After a move the network manager's
 * default route still leads through the router that was left, until it has noticed (systemd-
 * networkd takes a second and more), or for as long as that router's lifetime runs, as one leg
 * of several (it drops a router when the carrier is gone for long). New flows would wait for a
 * neighbour that does not answer. RFC 4861 6.3.6, RFC 6059: what is known to be
 * unreachable is not to be used. So a route through the router that we are attached to stands
 * before such a one, and only before it: its metric is smaller by one, which leaves the
 * manager's order of interfaces alone. Some managers (dhcpcd) take their route away first and
 * put the next one there a second later: for a while after a move the stand-in is there for a
 * route that is missing, too. It goes when it is not needed any more.
 *
 * Called by io.c and keep.c. Routes of others are not touched.
 */
#include <linux/rtnetlink.h>
#include <string.h>

#include "common/core/log.h"
#include "common/sys/clock.h"
#include "mn-agent/mnd.h"

#define DEFAULTS_MAX	64
#define HOLD		(10 * USEC_S)	/* after a move; a manager's route is there by then */

struct defaults { struct rt_default routes[DEFAULTS_MAX]; unsigned int n; };

static void take_default(void *ctx, const struct rt_default *r)
{
	struct defaults *all = ctx;

	if (all->n < DEFAULTS_MAX)
		all->routes[all->n++] = *r;
}

static bool was_left(const struct mn_iface *i, const struct in6_addr *router)
{
	for (unsigned int n = 0; n < i->n_past; n++)
		if (in6_eq(&i->past[n].linklocal, router))
			return !in6_eq(router, &i->move.router.linklocal);
	return false;
}

/* The metric that the interface's stand-in should have; 0: none is needed. */
static uint32_t metric_wanted(const struct mn_iface *i, struct mnd_standin *s,
			      const struct defaults *all, usec_t now)
{
	bool moved = i->n_past > 0 && now < i->attached_at + HOLD;
	uint32_t stale = UINT32_MAX, present = UINT32_MAX;

	for (unsigned int n = 0; n < all->n; n++) {
		const struct rt_default *r = &all->routes[n];

		if (r->ifindex != i->link.ifindex || r->protocol == RT_PROTOCOL)
			continue;
		s->usual = r->metric;
		if (was_left(i, &r->via) && r->metric < stale)
			stale = r->metric;
		/* One of several legs is taken for some flows only. Beside a route of equal metric
		 * the kernel itself prefers the reachable one. */
		if (!r->legs && in6_eq(&r->via, &i->move.router.linklocal) && r->metric < present)
			present = r->metric;
	}
	if (stale == UINT32_MAX && present == UINT32_MAX && moved)
		stale = s->usual;
	return i->attached && i->link.up && stale < present && stale > 1 ? stale - 1 : 0;
}

static void put(struct mnd *d, struct mnd_standin *s, const struct mn_iface *i, uint32_t metric)
{
	const struct mnd_standin old = *s;
	struct rt_route route = {
		.ifindex = s->ifindex, .table = RT_TABLE_MAIN, .metric = metric, .onlink = true,
		.via = i ? i->move.router.linklocal : in6addr_any,
	};
	int r = metric ? rt_route_replace(d->nl, &route) : 0;

	if (r) {
		log_debug("default route by %s: %s %s", in6_str(&route.via).s, strerror(-r),
			 nl_error(d->nl));
		return;
	}
	s->metric = metric;
	s->via = route.via;
	if (!old.metric || old.metric == metric)
		return;
	route.via = old.via;
	route.metric = old.metric;
	(void)rt_route_del(d->nl, &route);
}

static struct mnd_standin *of_interface(struct mnd *d, int ifindex)
{
	struct mnd_standin *unused = NULL;

	for (unsigned int n = 0; n < MN_INTERFACES_MAX; n++) {
		struct mnd_standin *s = &d->standins[n];

		if (s->ifindex == ifindex)
			return s;
		if (!s->metric && (!unused || !s->ifindex))
			unused = s;
	}
	if (unused)
		*unused = (struct mnd_standin){ .ifindex = ifindex };
	return unused;
}

static void standin_due(void *ctx, usec_t now)
{
	struct mnd *d = ctx;
	struct defaults all = { .n = 0 };
	bool kept[MN_INTERFACES_MAX] = { false };

	if (rt_default_dump(d->nl, take_default, &all) < 0)
		return;
	for (const struct mn_iface *i = d->mn.ifaces; i; i = i->next) {
		struct mnd_standin *s = of_interface(d, i->link.ifindex);
		uint32_t metric = s ? metric_wanted(i, s, &all, now) : 0;

		if (!s)
			continue;
		if (metric || s->metric)
			put(d, s, i, metric);
		kept[s - d->standins] = s->metric != 0;
		if (s->metric && !timer_armed(&d->standin))
			timer_set(loop_timers(d->loop), &d->standin, now + HOLD);
	}
	for (unsigned int n = 0; n < MN_INTERFACES_MAX; n++)	/* the interface is gone */
		if (d->standins[n].metric && !kept[n])
			put(d, &d->standins[n], NULL, 0);
}

/* Those of an earlier run go at the next look, unless they are needed still. */
static void adopt(void *ctx, const struct rt_default *r)
{
	struct mnd *d = ctx;
	struct mnd_standin *s = r->protocol == RT_PROTOCOL ? of_interface(d, r->ifindex) : NULL;

	if (s) {
		s->via = r->via;
		s->metric = r->metric;
	}
}

void mnd_standin_init(struct mnd *d)
{
	timer_init(&d->standin, "standin", standin_due, d);
}

void mnd_standin_adopt(struct mnd *d)
{
	(void)rt_default_dump(d->nl, adopt, d);
}

/* Before there is an address on which a new flow could start. */
void mnd_standin_moved(struct mnd *d, int ifindex)
{
	usec_t now = clock_now();

	for (const struct mn_iface *i = d->mn.ifaces; i; i = i->next) {
		if (i->link.ifindex != ifindex || i->attached_at == d->standin_for)
			continue;
		d->standin_for = i->attached_at;
		standin_due(d, now);
	}
}

void mnd_standin_look(struct mnd *d)
{
	/* In this turn of the loop, behind whatever is to be sent in it. */
	if (d->running)
		timer_set(loop_timers(d->loop), &d->standin, clock_now());
}

void mnd_standin_remove(struct mnd *d)
{
	for (unsigned int n = 0; n < MN_INTERFACES_MAX; n++)
		if (d->standins[n].metric)
			put(d, &d->standins[n], NULL, 0);
}
