/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the mobile node is, in one sentence for people. Owns nothing; called by ctl.c.
 */
#include <stdio.h>

#include "mn-agent/mn.h"

struct health {
	unsigned int away;		/* anchors kept from earlier routers */
	unsigned int bad;		/* of those: not reachable */
	const struct anchor *worst;	/* one that is not reachable, or else in trouble */
	unsigned int attached;		/* interfaces at a router, */
	unsigned int plain;		/* and those where it is no home agent */
};

static bool is_bad(const struct anchor *a)
{
	return a->state == ANCHOR_REFUSED || a->state == ANCHOR_UNREACHABLE ||
	       ((a->state == ANCHOR_REGISTERING || a->state == ANCHOR_DISCOVERING) &&
		a->reason[0] != '\0');
}

static struct health examine(const struct mn *mn)
{
	struct health h = { 0 };

	for (const struct mn_iface *i = mn->ifaces; i; i = i->next) {
		h.attached += i->attached;
		h.plain += i->attached && !i->move.router.has_ha;
	}
	for (const struct anchor *a = mn->anchors; a; a = a->next) {
		h.away += anchor_away(a);
		h.bad += is_bad(a);
		/* Nothing is wanted any more of one that is being released. */
		if (a->reason[0] == '\0' || a->state == ANCHOR_RELEASING)
			continue;
		if (is_bad(a) || !h.worst)
			h.worst = a;
	}
	return h;
}

static void say_worst(const struct health *h, char *text, size_t len)
{
	const struct anchor *a = h->worst;

	if (h->bad > 0)
		snprintf(text, len, "%u of %u addresses kept from earlier routers not reachable; "
			 "%s at %s: %s", h->bad, h->away, in6_str(&a->hoa).s, in6_str(&a->ha).s,
			 a->reason);
	else
		snprintf(text, len, "%s at %s: %s", in6_str(&a->hoa).s, in6_str(&a->ha).s,
			 a->reason);
}

bool mn_health(const struct mn *mn, char *text, size_t len)
{
	const struct health h = examine(mn);
	const char *plain = h.plain == 0 ? "" : "; the router here is no home agent: "
			    "what begins here ends with the next move";

	if (h.worst)
		say_worst(&h, text, len);
	else if (mn->cfg->n_keys == 0)
		snprintf(text, len, "no key is configured: no flow survives a move");
	else if (h.attached == 0)
		snprintf(text, len, "no access router found yet; %u addresses kept", h.away);
	else if (h.away > 0)
		snprintf(text, len, "%u address%s kept from earlier routers, all reachable%s",
			 h.away, h.away == 1 ? "" : "es", plain);
	else
		snprintf(text, len, "attached, no mobility in use%s", plain);
	return !h.worst && h.attached > 0 && mn->cfg->n_keys > 0;
}
