/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prefixes that come to their end: what the configuration had in an earlier run and has no
 * longer. Such a home goes on for a while without taking on anybody: its hosts hear of it
 * with a preferred lifetime of zero beside the prefix that takes its place, absent ones by
 * Mobile Prefix Advertisements; then it is withdrawn and the bindings that are left are
 * revoked. Owns the end of struct ha_home; called by io.c through store.c at start, and by
 * its timer:
 *
 *	withdraw	the end of the prefix; then, when revocations have had their time, of
 *			its address
 *
 * RFC 4862 5.5.3 e (a host does not believe that what it has ends in less than two hours),
 * 5.5.4; RFC 6275 10.3.1, 10.6.
 */
#include <errno.h>
#include <string.h>

#include "common/core/log.h"
#include "ha-agent/sa.h"

#define TWO_HOURS	(7200 * USEC_S)
#define AFTER_REVOKING	(20 * USEC_S)

static struct ha_home *find(struct ha *ha, const struct ha_home_config *c)
{
	for (unsigned int i = 0; i < ha->n_homes; i++) {
		struct ha_home *h = &ha->homes[i];

		if (h->cfg.mode == c->mode && in6_prefix_eq(&h->cfg.prefix, &c->prefix))
			return h;
	}
	return NULL;
}

/* All that the home has given out lies in one that is configured: nothing ends. */
static bool is_absorbed(const struct ha *ha, const struct ha_home_config *c)
{
	for (unsigned int i = 0; i < ha->n_homes; i++) {
		const struct ha_home *h = &ha->homes[i];

		if (h->until == 0 && h->cfg.mode == c->mode &&
		    in6_in(&h->cfg.prefix, &c->prefix.addr) &&
		    h->cfg.prefix.len <= c->prefix.len)
			return true;
	}
	return false;
}

static uint32_t lifetime_s(const struct ha *ha)
{
	return (uint32_t)(ha->cfg->prefix_lifetime / USEC_S);
}

static void store(const struct ha_home *h)
{
	h->ha->ops->home_store(h->ha->ctx, &(struct ha_home_record){
		.cfg = h->cfg, .lifetime_s = lifetime_s(h->ha), .until = h->until,
	});
}

static void forget(const struct ha_home *h)
{
	h->ha->ops->home_forget(h->ha->ctx, &h->cfg.prefix);
}

static void withdraw(struct ha_home *h, usec_t now)
{
	struct revoke_selection all = { .home = h };
	struct ha *ha = h->ha;
	struct lease *l, *next;
	unsigned int n;

	h->state = HOME_WITHDRAWN;
	HASH_ITER(by_mac, h->pool.by_mac, l, next)
		nd_lease_detach(ha, l, now, "its prefix is withdrawn");
	n = ha_revoke(ha, &all, BR_ADMINISTRATIVE, now);
	log_info("prefix %s: withdrawn, %u bindings are revoked",
		 in6_prefix_str(&h->cfg.prefix).s, n);
}

static void on_withdraw(void *ctx, usec_t now)
{
	struct ha_home *h = ctx;
	struct ha *ha = h->ha;

	if (h->state == HOME_RETIRING) {
		withdraw(h, now);
		if (timer_set(ha->timers, &h->withdraw, now + AFTER_REVOKING) == 0)
			return;
	}
	h->state = HOME_GONE;
	/* Its revocations were signed with them. */
	sa_drop_within(ha, &h->cfg.prefix, "its prefix is withdrawn", now);
	ha->ops->home_detach(ha->ctx, h);
	forget(h);
}

static int retire(struct ha *ha, const struct ha_home_record *r, usec_t now)
{
	usec_t longest = ha->cfg->prefix_lifetime < TWO_HOURS ? ha->cfg->prefix_lifetime :
			 TWO_HOURS;
	struct ha_home *h;
	int err;

	if (ha->n_homes == HA_MAX_HOMES)
		return -ENOSPC;
	h = &ha->homes[ha->n_homes];
	*h = (struct ha_home){ .cfg = r->cfg, .ha = ha, .state = HOME_RETIRING, .known = true };
	h->changed = r->until == 0;
	/* Whatever the clock did meanwhile, not for longer than when it had just begun. */
	h->until = r->until != 0 && r->until < now + longest ? r->until : now + longest;
	timer_init(&h->withdraw, "withdraw", on_withdraw, h);
	err = home_begin(h);
	if (err == 0)
		err = timer_set(ha->timers, &h->withdraw, h->until);
	if (err < 0)
		return err;
	ha->n_homes++;
	home_join(h);
	log_warn("prefix %s is no longer configured: deprecated, and withdrawn in %lld s",
		 in6_prefix_str(&h->cfg.prefix).s,
		 (long long)((h->until > now ? h->until - now : 0) / USEC_S));
	return 0;
}

int ha_restore_home(struct ha *ha, const struct ha_home_record *r, usec_t now)
{
	struct ha_home *h = find(ha, &r->cfg);

	if (h) {
		h->known = true;
		h->changed = r->until != 0 || r->cfg.deprecated != h->cfg.deprecated ||
			     r->lifetime_s != lifetime_s(ha);
		return 0;
	}
	if (is_absorbed(ha, &r->cfg)) {
		ha->ops->home_forget(ha->ctx, &r->cfg.prefix);
		return 0;
	}
	return retire(ha, r, now);
}

/* RFC 6275 10.6.2: a prefix that is new on a link is told to those whose home that is. */
static void note_new_homes(struct ha *ha)
{
	for (unsigned int i = 0; i < ha->n_interfaces; i++) {
		const struct ha_interface *ifc = &ha->interfaces[i];
		bool has_new = false;

		for (unsigned int j = 0; j < ifc->n_homes; j++)
			has_new |= !ifc->homes[j]->known;
		for (unsigned int j = 0; j < ifc->n_homes; j++)
			ifc->homes[j]->changed |= has_new;
	}
}

void ha_restored(struct ha *ha, usec_t now)
{
	struct lease *l, *next;

	note_new_homes(ha);
	for (unsigned int i = 0; i < ha->n_homes; i++) {
		struct ha_home *h = &ha->homes[i];

		store(h);
		/* RFC 6275 10.6.2. */
		if (h->changed)
			ha_prefix_changed(ha, h, now);
		/* Hosts on the link hear of it as soon as they can be told. */
		if (home_is_deprecated(h))
			HASH_ITER(by_mac, h->pool.by_mac, l, next)
				l->ra_due = l->state == LEASE_ATTACHED;
	}
}
