/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the mobile node is, in one sentence for people. Owns nothing; called by ctl.c.
 */
#include <stdio.h>
#include <string.h>

#include "mn-agent/bootstrap.h"
#include "mn-agent/mn.h"

struct health {
	unsigned int away;		/* anchors kept from earlier routers */
	unsigned int bad;		/* of those: not reachable, */
	unsigned int unanswered;		/* and not answered so far, with homes */
	const struct anchor *worst;	/* one that is not reachable, or else in trouble */
	unsigned int links, up;		/* interfaces, and those that are up */
	unsigned int attached;		/* interfaces at a router, */
	unsigned int plain;		/* and those where it is no home agent */
	unsigned int homes;		/* configured ones that are away */
	const struct anchor *open;	/* one that is registered without a key */
	unsigned int keyless;		/* addresses here whose home agent has given no key, */
	const struct anchor *unmovable;	/* one of them */
	bool unproven;			/* one has a key of mode on-link */
};

static bool is_bad(const struct anchor *a)
{
	return a->state == ANCHOR_REFUSED || a->state == ANCHOR_UNREACHABLE ||
	       ((a->state == ANCHOR_REGISTERING || a->state == ANCHOR_DISCOVERING) &&
		a->reason[0] != '\0');
}

/* How the key came, or why it did not. */
static void look_at_key(const struct mn *mn, const struct anchor *a, struct health *h)
{
	const struct mn_sa *s = bootstrap_key(mn, &a->hoa, &a->ha);

	if (s && a->key == &s->key)
		h->unproven |= s->mode == BOOT_ON_LINK;
	if (a->key || !a->key_failed || a->state != ANCHOR_ATTACHED)
		return;
	h->keyless++;
	h->unmovable = a;
}

static struct health examine(const struct mn *mn)
{
	struct health h = { 0 };

	for (const struct mn_iface *i = mn->ifaces; i; i = i->next) {
		h.links++;
		h.up += i->link.up;
		h.attached += i->attached;
		h.plain += i->attached && !i->move.router.is_ha;
	}
	for (const struct anchor *a = mn->anchors; a; a = a->next) {
		/* Nothing is wanted any more of one that is being released. */
		if (a->state == ANCHOR_GONE || a->state == ANCHOR_RELEASING)
			continue;
		h.away += anchor_away(a) && !a->fixed;
		h.homes += anchor_away(a) && a->fixed;
		h.bad += is_bad(a) && !a->fixed;
		h.unanswered += a->state == ANCHOR_REGISTERING || a->state == ANCHOR_DISCOVERING;
		if (a->unauthenticated)
			h.open = a;
		look_at_key(mn, a, &h);
		if (a->reason[0] == '\0')
			continue;
		if (is_bad(a) || !h.worst)
			h.worst = a;
	}
	return h;
}

static void say_worst(const struct health *h, char *text, size_t len)
{
	const struct anchor *a = h->worst;

	if (a->fixed)
		snprintf(text, len, "home %s, %s, %s%s", a->name, in6_str(&a->hoa).s,
			 is_bad(a) ? "not reachable: " : "", a->reason);
	else if (h->bad > 0)
		snprintf(text, len, "%u of %u addresses kept from earlier routers not reachable; "
			 "%s at %s: %s", h->bad, h->away, in6_str(&a->hoa).s, in6_str(&a->ha).s,
			 a->reason);
	else
		snprintf(text, len, "%s at %s: %s", in6_str(&a->hoa).s, in6_str(&a->ha).s,
			 a->reason);
}

static void say_lost(const struct health *h, char *text, size_t len)
{
	unsigned int kept = h->away + h->homes;
	const char *why = "no access router found yet";

	if (h->links == 0)
		why = "there is no interface that may be used";
	else if (h->up == 0)
		why = "no interface has a link";
	snprintf(text, len, "%s; %u address%s kept", why, kept, kept == 1 ? "" : "es");
}

/* How many addresses are kept, and how many homes. */
static void say_kept(const struct health *h, const char *plain, char *text, size_t len)
{
	char kept[64] = "", homes[32] = "", reach[48] = "all reachable";

	if (h->unanswered > 0)
		snprintf(reach, sizeof(reach), "%u not registered yet", h->unanswered);
	if (h->away > 0)
		snprintf(kept, sizeof(kept), "%u address%s kept from earlier routers", h->away,
			 h->away == 1 ? "" : "es");
	if (h->homes > 0)
		snprintf(homes, sizeof(homes), "%s%u home%s kept", h->away > 0 ? ", " : "",
			 h->homes, h->homes == 1 ? "" : "s");
	snprintf(text, len, "%s%s, %s%s", kept, homes, reach, plain);
}

static bool mn_can_register(const struct mn_config *cfg)
{
	return cfg->n_keys > 0 || cfg->key_modes.n > 0 || cfg->anchor.ipsec;
}

static void say_unproven(const struct health *h, char *text, size_t len)
{
	size_t n = strlen(text);

	if (h->unproven)
		snprintf(text + n, len - n, "; keys by on-link: nobody has proved who he is");
}

bool mn_health(const struct mn *mn, char *text, size_t len)
{
	const struct health h = examine(mn);
	const char *plain = h.plain == 0 ? "" : "; the router here is no home agent: "
			    "what begins here ends with the next move";

	if (h.worst)
		say_worst(&h, text, len);
	else if (h.open)
		snprintf(text, len, "INSECURE: home %s is registered without a key",
			 h.open->name[0] ? h.open->name : in6_str(&h.open->hoa).s);
	else if (!mn_can_register(mn->cfg))
		snprintf(text, len, "no key is configured: no flow survives a move");
	else if (h.unmovable)
		snprintf(text, len, "%u address%s cannot be moved; %s: no key: %s", h.keyless,
			 h.keyless == 1 ? "" : "es", in6_str(&h.unmovable->hoa).s,
			 h.unmovable->no_key);
	else if (h.attached == 0)
		say_lost(&h, text, len);
	else if (h.away + h.homes > 0)
		say_kept(&h, plain, text, len);
	else
		snprintf(text, len, "attached, no mobility in use%s", plain);
	say_unproven(&h, text, len);
	return !h.worst && !h.open && !h.unmovable && h.attached > 0 && mn_can_register(mn->cfg);
}
