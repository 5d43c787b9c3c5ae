/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps our policy rules before those of a VPN that takes everything. A rule that is added
 * without a number (wg-quick does so) stands just before the first that is there, which is
 * one of ours: what belongs to kept addresses would go into the VPN, the tunnel packets and
 * Binding Updates too. Then ours move before it, the new ones first, and back when it has
 * gone. Their tables and selectors stay. Called by io.c.
 *
 * Rules far from ours are somebody's decision: they are left where they are, and dmip6ctl
 * doctor tells what they do.
 */
#include <string.h>

#include "common/core/log.h"
#include "common/sys/clock.h"
#include "mn-agent/mnd.h"

#define ORDER_RANGE	1000		/* so far before our place we follow */
#define ORDER_PAUSE	(1 * USEC_S)	/* between two moves */
#define OURS_MAX	DP_TABLES

struct order {
	struct mnd *d;
	uint32_t first;			/* the first rule of others that takes everything */
	struct rt_rule ours[OURS_MAX];
	unsigned int n;
};

static bool is_ours(const struct mnd *d, const struct rt_rule *r)
{
	uint32_t base = d->settings.table_base;

	return r->protocol == RT_PROTOCOL && r->from.len > 0 && r->table >= base &&
	       r->table - base < DP_TABLES;
}

static void take_rule(void *ctx, const struct rt_rule *r)
{
	struct order *o = ctx;
	uint32_t place = o->d->settings.table_base;

	if (is_ours(o->d, r)) {
		if (o->n < OURS_MAX)
			o->ours[o->n++] = *r;
	} else if (rt_rule_takes_all(r) && r->priority + ORDER_RANGE > place &&
		   r->priority < o->first) {
		o->first = r->priority;
	}
}

/* Number from which ours stand before it; as they are where there is no room. */
static uint32_t base_wanted(const struct mnd *d, uint32_t first)
{
	uint32_t place = d->settings.table_base;

	if (first >= place + DP_TABLES)
		return place;
	if (first >= d->dp->rule_base + DP_TABLES || first <= DP_TABLES ||
	    first + ORDER_RANGE <= place + DP_TABLES)
		return d->dp->rule_base;
	return first - DP_TABLES;
}

static void move(struct mnd *d, const struct order *o, uint32_t base)
{
	for (unsigned int n = 0; n < o->n; n++) {
		struct rt_rule r = o->ours[n];

		r.priority = base + (r.table - d->settings.table_base);
		if (r.priority == o->ours[n].priority)
			continue;
		if (rt_rule_add(d->nl, &r) == 0)
			(void)rt_rule_del(d->nl, &o->ours[n]);
	}
}

static void order_due(void *ctx, usec_t now)
{
	struct mnd *d = ctx;
	struct order o = { .d = d, .first = UINT32_MAX };
	uint32_t base;

	if (rt_rule_dump(d->nl, take_rule, &o) < 0)
		return;
	base = base_wanted(d, o.first);
	if (base == d->dp->rule_base)
		return;
	log_info("our policy rules are numbered from %u now, not %u: %s", base, d->dp->rule_base,
		 base == d->settings.table_base ? "nothing stands before them any more" :
		 "another one took everything before them");
	move(d, &o, base);
	d->dp->rule_base = base;
	d->ordered_at = now;
}

void mnd_order_init(struct mnd *d)
{
	timer_init(&d->order, "order", order_due, d);
}

void mnd_order_look(struct mnd *d)
{
	usec_t now = clock_now(), next = d->ordered_at + ORDER_PAUSE;

	if (d->running && !timer_armed(&d->order))
		timer_set(loop_timers(d->loop), &d->order,
			  d->ordered_at && next > now ? next : now);
}

static void take_base(void *ctx, const struct rt_rule *r)
{
	struct order *o = ctx;

	if (is_ours(o->d, r))
		o->first = r->priority - (r->table - o->d->settings.table_base);
}

uint32_t mnd_order_base(struct mnd *d)
{
	struct order o = { .d = d, .first = d->settings.table_base };

	(void)rt_rule_dump(d->nl, take_base, &o);
	return o.first;
}
