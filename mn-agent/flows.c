/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which home addresses are in use. Owns the count of flows of every anchor; io.c tells of
 * sockets that ended, and whoever is about to give an address up asks for a fresh count.
 * Design 4.4.
 *
 * Timer:
 *   rescan  while anything lasts for its flows: counts them again, for what no notification told.
 */
#include "mn-agent/flows.h"

#include "mn-agent/attach.h"

#define RESCAN_INTERVAL	(10 * USEC_S)

/* During a count, `recounted` of an anchor is what has been seen so far. */
static void flow_seen(void *arg, const struct in6_addr *local)
{
	struct anchor *a = mn_anchor(arg, local);

	if (a)
		a->recounted++;
}

void flows_recount(struct mn *mn)
{
	for (struct anchor *a = mn->anchors; a; a = a->next)
		a->recounted = 0;
	mn->counters[MN_C_FLOWS_SCANNED]++;
	if (mn->ops->flows(mn->ctx, flow_seen, mn) == 0)
		return;
	/* Not to know is no reason to let a flow die. */
	for (struct anchor *a = mn->anchors; a; a = a->next)
		a->recounted = a->flows;
}

void mn_count_flows(struct mn *mn, usec_t now)
{
	flows_recount(mn);
	for (struct anchor *a = mn->anchors; a; a = a->next)
		if (a->state != ANCHOR_GONE)
			anchor_set_flows(a, a->recounted, now);
}

void mn_flow_ended(struct mn *mn, const struct in6_addr *local, usec_t now)
{
	struct anchor *a = mn_anchor(mn, local);

	if (!a || a->flows == 0)
		return;
	if (a->flows > 1) {
		a->flows--;
		return;
	}
	mn_flows_changed(mn, now);	/* the last one: be exact */
}

void mn_flows_changed(struct mn *mn, usec_t now)
{
	mn_count_flows(mn, now);
	timer_set(mn->timers, &mn->sweep, now);
}

/* Is there anything that lasts only as long as its flows? */
static bool lasts_for_flows(const struct mn *mn)
{
	for (const struct mn_iface *i = mn->ifaces; i; i = i->next)
		if (i->coa_source == COA_OWN)
			return true;
	for (const struct anchor *a = mn->anchors; a; a = a->next)
		if (a->held || anchor_away(a))
			return true;
	return false;
}

static void rescan_due(void *ctx, usec_t now)
{
	struct mn *mn = ctx;

	if (lasts_for_flows(mn))
		mn_flows_changed(mn, now);
	attach_leave_routers(mn);
	timer_set(mn->timers, &mn->rescan, now + RESCAN_INTERVAL);
}

void flows_init(struct mn *mn)
{
	timer_init(&mn->rescan, "rescan", rescan_due, mn);
	timer_set(mn->timers, &mn->rescan, RESCAN_INTERVAL);
}
