/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preference among interfaces. Owns nothing; called by handover.c and mn.c. In this order:
 * the one that an operator chose, as long as it works; the order of the configuration; what
 * costs nothing by volume; wired, then wireless, then mobile networks.
 */
#include "mn-agent/prefer.h"

#include <string.h>

#define FORGIVEN	(60 * USEC_S)	/* an interface was lost, and has worked since */
#define PROBATION	(5 * USEC_S)	/* it was lost less than that ago: it has to work so long */

/* A name, or its beginning and a `*`. */
static bool matches(const char *pattern, const char *name)
{
	size_t len = strlen(pattern);

	if (len > 0 && pattern[len - 1] == '*')
		return strncmp(pattern, name, len - 1) == 0;
	return strcmp(pattern, name) == 0;
}

static bool listed(const struct mn_names *list, const char *name)
{
	for (unsigned int n = 0; n < list->n; n++)
		if (matches(list->name[n], name))
			return true;
	return false;
}

int mn_preference(const struct mn_config *cfg, const char *name)
{
	if (listed(&cfg->never, name))
		return -1;
	for (unsigned int n = 0; n < cfg->n_interfaces; n++)
		if (matches(cfg->interfaces[n], name))
			return (int)n;
	return cfg->n_interfaces == 0 ? 0 : -1;
}

bool prefer_metered(const struct mn_iface *i)
{
	return i->link.metered || listed(&i->mn->cfg->metered, i->link.name);
}

bool prefer_over(const struct mn_iface *a, const struct mn_iface *b)
{
	const int chosen = a->mn->chosen;

	if ((a->link.ifindex == chosen) != (b->link.ifindex == chosen))
		return a->link.ifindex == chosen;
	if (a->preference != b->preference)
		return a->preference < b->preference;
	if (prefer_metered(a) != prefer_metered(b))
		return prefer_metered(b);
	return a->link.kind < b->link.kind;
}

bool prefer_usable(const struct mn_iface *i)
{
	return i->attached && i->coa_source != COA_NONE;
}

usec_t prefer_stable_at(const struct mn_iface *i)
{
	if (i->link.ifindex == i->mn->chosen)
		return i->attached_at;
	/* Who configures it is not done, and may take it down once more (NetworkManager does). */
	if (in6_is_any(&i->linklocal))
		return i->attached_at + PROBATION;
	if (i->lost_at == 0 || i->attached_at > i->lost_at + FORGIVEN)
		return i->attached_at;
	return i->attached_at + PROBATION;
}

/* Its care-of address is a home address that has to come back to its link first: until the home
 * agent has heard that, what is sent to the one that it was away at would go round in a ring. */
static bool is_returning(const struct mn_iface *i)
{
	const struct anchor *a = mn_find_anchor(i->mn, &i->coa);

	return a && (anchor_away(a) || a->state == ANCHOR_RETURNING);
}

struct mn_iface *prefer_best(const struct mn *mn, usec_t now, usec_t *ret_again)
{
	struct mn_iface *best = NULL, *old = mn->current;

	*ret_again = USEC_NEVER;
	for (struct mn_iface *i = mn->ifaces; i; i = i->next)
		if (prefer_usable(i) &&
		    (!best || prefer_over(i, best) ||
		     (!prefer_over(best, i) && i->attached_at > best->attached_at)))
			best = i;
	if (!old || !prefer_usable(old) || best == old)
		return best;
	if (!prefer_over(best, old) || is_returning(best))
		return old;
	if (now >= prefer_stable_at(best))
		return best;
	*ret_again = prefer_stable_at(best);
	return old;
}
