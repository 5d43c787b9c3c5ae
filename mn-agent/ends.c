/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ends of tunnels. Owns mn.ends: which care-of addresses the data path takes tunnel
 * packets at. handover.c adds one before a home agent is told of it; one that no anchor
 * needs any more stays for a while, for what a home agent had sent before it heard.
 *
 * Timer:
 *   ends   the next one whose time is over.
 */
#include "mn-agent/ends.h"

#include <string.h>

#include "common/core/log.h"
#include "mn-agent/coa.h"

#define UNDER_WAY	(3 * USEC_S)	/* no packet is under way for longer */

bool ends_has(const struct mn *mn, const struct in6_addr *addr)
{
	for (unsigned int n = 0; n < mn->n_ends; n++)
		if (in6_eq(&mn->ends[n].addr, addr))
			return true;
	return false;
}

/* May a home agent send there, or does a tunnel leave from there? While the MN returns, until
 * the home agent has let go. */
static bool needed(const struct mn *mn, const struct in6_addr *addr, usec_t now)
{
	for (const struct anchor *a = mn->anchors; a; a = a->next) {
		if (!anchor_away(a) && a->state != ANCHOR_RETURNING)
			continue;
		if (in6_eq(&a->coa, addr) ||
		    (in6_eq(&a->accepted, addr) && a->bound_until > now) ||
		    (a->tunnelled && in6_eq(&a->via, addr)))
			return true;
	}
	return false;
}

static void remove_end(struct mn *mn, unsigned int n)
{
	struct in6_addr addr = mn->ends[n].addr;

	mn->n_ends--;
	memmove(&mn->ends[n], &mn->ends[n + 1], (mn->n_ends - n) * sizeof(mn->ends[0]));
	mn->ops->endpoint_del(mn->ctx, &addr);
	coa_own_addr(mn, &addr);
}

/* The one that was needed last the longest ago: room for another. */
static void make_room(struct mn *mn)
{
	unsigned int oldest = 0;

	for (unsigned int n = 1; n < mn->n_ends; n++)
		if (mn->ends[n].until < mn->ends[oldest].until)
			oldest = n;
	remove_end(mn, oldest);
}

/* The newest is the last; of the copies on our device only its can be one for new flows. */
static void make_newest(struct mn *mn, unsigned int n)
{
	struct mn_end e = mn->ends[n];

	memmove(&mn->ends[n], &mn->ends[n + 1], (mn->n_ends - n - 1) * sizeof(e));
	mn->ends[mn->n_ends - 1] = e;
	coa_own_addr(mn, &e.addr);
	for (n = 0; n + 1 < mn->n_ends; n++)
		coa_own_addr(mn, &mn->ends[n].addr);
}

void ends_add(struct mn *mn, const struct in6_addr *addr)
{
	unsigned int n = 0;

	while (n < mn->n_ends && !in6_eq(&mn->ends[n].addr, addr))
		n++;
	if (n < mn->n_ends) {
		mn->ends[n].until = USEC_NEVER;
		if (n + 1 < mn->n_ends)
			make_newest(mn, n);
		return;
	}
	if (mn->n_ends == MN_ENDS_MAX)
		make_room(mn);
	mn->ends[mn->n_ends++] = (struct mn_end){ .addr = *addr, .until = USEC_NEVER };
	make_newest(mn, mn->n_ends - 1);
	if (mn->ops->endpoint_add(mn->ctx, addr))
		log_error("care-of address %s: cannot be made an end of tunnels",
			  in6_str(addr).s);
}

void ends_review(struct mn *mn, usec_t now)
{
	usec_t next = USEC_NEVER;

	for (unsigned int n = 0; n < mn->n_ends; n++) {
		struct mn_end *e = &mn->ends[n];

		if (needed(mn, &e->addr, now))
			e->until = USEC_NEVER;
		else if (e->until == USEC_NEVER)
			e->until = now + UNDER_WAY;
		if (e->until < next)
			next = e->until;
	}
	if (next == USEC_NEVER)
		timer_stop(mn->timers, &mn->ends_timer);
	else
		timer_set(mn->timers, &mn->ends_timer, next);
}

static void ends_due(void *ctx, usec_t now)
{
	struct mn *mn = ctx;

	ends_review(mn, now);
	for (unsigned int n = mn->n_ends; n > 0; n--)
		if (mn->ends[n - 1].until <= now)
			remove_end(mn, n - 1);
	ends_review(mn, now);
}

void ends_init(struct mn *mn)
{
	timer_init(&mn->ends_timer, "ends", ends_due, mn);
}

void ends_free(struct mn *mn, bool release)
{
	timer_stop(mn->timers, &mn->ends_timer);
	for (unsigned int n = 0; n < mn->n_ends && release; n++) {
		mn->ops->endpoint_del(mn->ctx, &mn->ends[n].addr);
		mn->ops->addr_unset(mn->ctx, &mn->ends[n].addr);
	}
	mn->n_ends = 0;
}
