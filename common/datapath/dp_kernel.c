/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel backends' methods, the same for every tunnel type; called through dp_ops by
 * io.c of both daemons. What is installed: dp_records.c. Source checks: dp_filter.c.
 */
#include "common/datapath/dp_kernel.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "common/datapath/dp_batch.h"
#include "common/datapath/dp_records.h"
#include "common/datapath/dp_steer.h"
#include "common/sys/rt.h"

static struct dp_kernel *kernel_of(struct dp *dp)
{
	return (struct dp_kernel *)(void *)dp;
}

/* --- endpoints and the outer source ------------------------------------------------ */

static bool leaves_from(const struct dp_kernel *s, const struct in6_addr *addr)
{
	if (in6_is_any(addr))
		return false;
	if (in6_eq(&s->source, addr))
		return true;
	for (const struct binding *k = s->bindings; k; k = k->hh.next) {
		if (in6_eq(&k->b.local, addr))
			return true;
	}
	return false;
}

/* An endpoint of an earlier run has done its service with the last traffic from it. */
static void found_away(struct dp_kernel *s)
{
	for (int i = (int)s->n_endpoints - 1; i >= 0; i--) {
		if (s->endpoints[i].found && !leaves_from(s, &s->endpoints[i].addr))
			(void)endpoint_remove(s, i);
	}
}

/* HA: what all tunnels leave from, where they do not say it themselves. */
static int use_source(struct dp_kernel *s, const struct in6_addr *addr)
{
	int err = 0;

	if (in6_eq(&s->source, addr))
		return 0;
	if (s->tunnel->ops->source)
		err = dp_complain(s, "tunnel source", s->tunnel->ops->source(s->tunnel, addr));
	if (err < 0)
		return err;
	s->source = *addr;
	found_away(s);
	return 0;
}

/* MN: a place for a care-of address, before a nexthop has it as its outer source. Where there
 * are more of them than places, those tunnels that leave from one that ends nowhere any more
 * lose it, or the first. */
static int claim_place(struct dp_kernel *s, const struct in6_addr *local)
{
	int n = 0;

	if (s->role == DP_ROLE_HA || !s->tunnel->ops->use_place ||
	    dp_place_of(s->tunnel, local) >= 0)
		return 0;
	while (n < DP_SOURCES && leaves_from(s, &s->tunnel->sources[n].addr))
		n++;
	if (n == DP_SOURCES)
		for (n = DP_SOURCES - 1; n > 0; n--)
			if (endpoint_index(s, &s->tunnel->sources[n].addr) < 0)
				break;
	return dp_complain(s, "tunnel source",
			   s->tunnel->ops->use_place(s->tunnel, (unsigned int)n, local));
}

/* No new flow is to begin on an address that no tunnel leaves from any more. */
static void places_away(struct dp_kernel *s)
{
	if (s->role == DP_ROLE_HA || !s->tunnel->ops->use_place)
		return;
	for (unsigned int n = 0; n < DP_SOURCES; n++) {
		if (!in6_is_any(&s->tunnel->sources[n].addr) &&
		    !leaves_from(s, &s->tunnel->sources[n].addr))
			(void)s->tunnel->ops->use_place(s->tunnel, n, &in6addr_any);
	}
}

int dp_kernel_endpoint_add(struct dp *dp, const struct in6_addr *addr)
{
	struct dp_kernel *s = kernel_of(dp);
	int i = endpoint_index(s, addr), err;

	dp_batch_commit(s);
	if (i < 0 && s->n_endpoints == DP_ENDPOINTS_MAX)
		return -ENOSPC;
	err = endpoint_install(s, addr);
	if (err < 0)
		return err;
	if (i >= 0)
		endpoint_forget(s, i);
	s->endpoints[s->n_endpoints++] = (struct endpoint){ .addr = *addr };
	return s->role == DP_ROLE_HA ? use_source(s, addr) : 0;
}

/* What left from an address that is gone leaves from the source now. all: whatever leaves
 * is to find its way from there. */
static int nexthops_again(const struct dp_kernel *s, const struct in6_addr *gone, bool all)
{
	int err = 0;

	for (struct binding *k = s->bindings; k; k = k->hh.next) {
		struct dp_ends ends;

		if (in6_eq(&k->b.local, gone))
			k->b.local = s->source;
		else if (!all)
			continue;
		ends = binding_ends(&k->b);
		err = dp_first_error(err, k->b.visit ? binding_install(s, k, &k->b) :
				     nexthop_install(s, k, &ends));
	}
	return err;
}

int dp_kernel_endpoint_del(struct dp *dp, const struct in6_addr *addr)
{
	struct dp_kernel *s = kernel_of(dp);
	bool all = in6_eq(&s->source, addr);
	int i = endpoint_index(s, addr), err;

	if (i < 0)
		return -ENOENT;
	dp_batch_commit(s);
	err = endpoint_remove(s, i);
	if (s->role == DP_ROLE_MN)
		return err;
	if (all)
		err = dp_first_error(err, use_source(s, s->n_endpoints > 0 ?
						     &s->endpoints[s->n_endpoints - 1].addr :
						     &in6addr_any));
	return dp_first_error(err, nexthops_again(s, addr, all));
}

/* --- bindings ---------------------------------------------------------------------- */

static int free_slot(const struct dp_kernel *s)
{
	if (s->role == DP_ROLE_HA)
		return 0;
	for (int i = 0; i < DP_SLOTS; i++) {
		if (!s->slots[i])
			return i;
	}
	return -ENOSPC;
}

/* Before anything goes there. */
static int limit_before(struct dp_kernel *s, const struct dp_binding *b)
{
	return b->unverified ? dp_complain(s, "filter", dp_filter_unverified(s->filter,
							&b->inner.addr, true)) : 0;
}

static void no_limit(struct dp_kernel *s, const struct dp_binding *b)
{
	if (b->unverified)
		(void)dp_filter_unverified(s->filter, &b->inner.addr, false);
}

/* A way beside the default one may be the same, and counts go on with the others. */
static void refuse(struct dp_kernel *s, const struct dp_binding *b)
{
	if (!steered_takes(s, &b->inner, &b->remote))
		(void)dp_filter_refuse(s->filter, b, &b->remote);
}

static void filter_away(struct dp_kernel *s, const struct dp_binding *b)
{
	refuse(s, b);
	if (!steered_find(s, &b->inner))
		(void)dp_filter_forget(s->filter, b);
}

int binding_begin(struct dp_kernel *s, struct binding *k, const struct dp_binding *b)
{
	const struct dp_ends ends = binding_ends(b);
	int err = dp_complain(s, "filter", dp_filter_add(s->filter, b, &b->remote));

	if (err == 0)
		err = limit_before(s, b);
	if (err == 0)
		err = claim_place(s, &b->local);
	if (err == 0 && !b->visit)
		err = nexthop_install(s, k, &ends);
	if (err == 0)
		err = binding_install(s, k, b);
	if (err < 0) {
		(void)binding_remove(s, k);
		no_limit(s, b);
		filter_away(s, b);
		nexthop_remove(s, k);
		binding_forget(s, k);
		return err;
	}
	k->b = *b;
	return 0;
}

static int set_new(struct dp_kernel *s, const struct dp_binding *b)
{
	int slot = free_slot(s), err;
	struct binding *k;

	if (slot < 0)
		return slot;
	k = binding_note(s, &b->inner, (unsigned int)slot);
	if (!k)
		return -ENOMEM;
	k->b.visit = b->visit;
	err = b->visit ? 0 : nexthop_claim(s, k, 0);
	if (err < 0) {
		binding_forget(s, k);
		return err;
	}
	return binding_begin(s, k, b);
}

/*
 * Order: what comes from the new remote end is accepted before anything makes it come, and
 * what comes from the old one until everything has left it.
 */
int binding_change(struct dp_kernel *s, struct binding *k, const struct dp_binding *b)
{
	const struct dp_ends ends = binding_ends(b);
	bool moves = !in6_eq(&k->b.remote, &b->remote);
	int err = dp_complain(s, "filter", dp_filter_add(s->filter, b, &b->remote));

	if (err == 0)
		err = limit_before(s, b);
	if (err == 0)
		err = claim_place(s, &b->local);
	/* On the MN also for the same HA: a new care-of address may leave by another router. */
	if (err == 0 && (moves || s->role == DP_ROLE_MN || !in6_eq(&k->b.local, &b->local)))
		err = b->visit ? binding_install(s, k, b) : nexthop_install(s, k, &ends);
	if (err < 0) {
		if (moves)
			refuse(s, b);
		return err;
	}
	if (moves)	/* the old remote end may not send any longer */
		binding_refuse(s, k);
	if (k->b.mtu != b->mtu)
		err = binding_install(s, k, b);
	if (!b->unverified)
		no_limit(s, &k->b);
	k->b = *b;
	if (s->role == DP_ROLE_MN) {
		found_away(s);
		places_away(s);
	}
	return err;
}

int binding_end(struct dp_kernel *s, struct binding *k)
{
	int err = dp_complain(s, "removal", binding_remove(s, k));

	nexthop_remove(s, k);
	binding_refuse(s, k);
	no_limit(s, &k->b);
	if (!steered_find(s, &k->b.inner))
		(void)dp_filter_forget(s->filter, &k->b);
	binding_forget(s, k);
	if (s->role == DP_ROLE_MN)
		found_away(s);
	places_away(s);
	return err;
}

/* A home agent moves whole prefixes, too; visitors come by an access link. */
static bool may_be_inner(const struct dp_kernel *s, const struct dp_binding *b)
{
	const struct in6_prefix *inner = &b->inner;
	struct in6_addr first = inner->addr;

	in6_mask(&first, inner->len);
	return in6_eq(&first, &inner->addr) &&
	       ((inner->len == 128 && !b->visit) ||
		(inner->len == DP_PREFIX && s->role == DP_ROLE_HA &&
		 (!b->visit || s->n_access > 0)));
}

int dp_kernel_set(struct dp *dp, const struct dp_binding *b)
{
	struct dp_kernel *s = kernel_of(dp);
	struct dp_binding to = *b;
	struct binding *k;

	if (!may_be_inner(s, &to))
		return -EOPNOTSUPP;
	/* As a route of an earlier run says it, so that this is no change. */
	if (to.mtu == 0)
		to.mtu = DP_MTU_DEFAULT;
	if (s->failed)
		return dp_batch_set(s, &to);
	k = binding_find(s, &to.inner);
	/* A host of ours was a visitor in an earlier life of its prefix, or the reverse. */
	if (k && k->b.visit != to.visit) {
		(void)binding_end(s, k);
		k = NULL;
	}
	return k ? binding_change(s, k, &to) : set_new(s, &to);
}

int dp_kernel_del(struct dp *dp, const struct in6_prefix *inner)
{
	struct dp_kernel *s = kernel_of(dp);
	struct binding *k = binding_find(s, inner);

	if (!k)
		return -ENOENT;
	return s->failed ? dp_batch_del(s, inner) : binding_end(s, k);
}

void dp_kernel_commit(struct dp *dp)
{
	dp_batch_commit(kernel_of(dp));
}

int dp_kernel_expect(struct dp *dp, const struct in6_addr *hoa, const struct in6_addr *ha)
{
	struct dp_kernel *s = kernel_of(dp);
	const struct dp_binding b = { .inner = { *hoa, 128 } };
	const struct binding *k = binding_find(s, &b.inner);
	int err;

	if (k && in6_eq(&k->b.remote, ha))
		return 0;
	/* One that is there already begins anew. */
	dp_filter_gather(s->filter);
	(void)dp_filter_no_longer_late(s->filter, &b, ha);
	(void)dp_filter_late(s->filter, &b, ha);
	err = dp_filter_commit(s->filter);
	return err < 0 ? dp_complain(s, "filter", dp_filter_late(s->filter, &b, ha)) : 0;
}

int dp_kernel_stats(struct dp *dp, const struct in6_prefix *inner, struct dp_stats *ret)
{
	struct dp_kernel *s = kernel_of(dp);
	const struct binding *k = binding_find(s, inner);
	struct dp_stats st = { 0 };
	int err;

	if (!k)
		return -ENOENT;
	err = dp_filter_tx(s->filter, &k->b, &st.tx_packets);
	if (err == 0)
		err = dp_filter_in(s->filter, &k->b, &st.rx_packets);
	if (err < 0)
		return err;
	*ret = st;
	return 0;
}

int dp_kernel_dump(struct dp *dp, void (*fn)(void *ctx, const struct dp_binding *b), void *ctx)
{
	struct dp_kernel *s = kernel_of(dp);
	struct binding *k, *next;

	HASH_ITER(hh, s->bindings, k, next) {	/* fn may delete this one */
		const struct dp_binding b = k->b;

		fn(ctx, &b);
	}
	steered_dump(s, fn, ctx);
	return 0;
}

int dp_kernel_sent(struct dp *dp, void (*fn)(void *ctx, const struct in6_addr *from,
					     uint64_t ms_ago), void *ctx)
{
	return dp_filter_sent(kernel_of(dp)->filter, fn, ctx);
}

int dp_kernel_guard(struct dp *dp, const uint8_t mac[6], const struct in6_prefix *prefix,
		    bool allowed)
{
	struct dp_kernel *s = kernel_of(dp);
	int err;

	if (prefix->len != DP_PREFIX)
		return -EOPNOTSUPP;
	err = dp_filter_guard(s->filter, mac, prefix, allowed);
	return err == -ENOENT || err == -EEXIST ? 0 : err;
}

int dp_kernel_drops(struct dp *dp, struct dp_drops *ret)
{
	return dp_filter_drops(kernel_of(dp)->filter, ret);
}

int dp_kernel_repair(struct dp *dp)
{
	dp_kernel_commit(dp);
	return dp_sync(kernel_of(dp), false);
}

/* --- open and close ---------------------------------------------------------------- */

static void free_records(struct dp_kernel *s)
{
	struct binding *k, *next;

	HASH_ITER(hh, s->bindings, k, next)
		binding_forget(s, k);
	free(s->by_nexthop);
}

static void remove_all(struct dp_kernel *s)
{
	struct binding *k, *next;

	HASH_ITER(hh, s->bindings, k, next) {
		(void)binding_remove(s, k);
		nexthop_remove(s, k);
		binding_forget(s, k);
	}
	visits_away(s);
	while (s->n_endpoints > 0)
		(void)endpoint_remove(s, (int)s->n_endpoints - 1);
}

void dp_kernel_close(struct dp *dp, bool keep)
{
	struct dp_kernel *s = kernel_of(dp);

	dp_batch_commit(s);
	steered_free(s, keep);
	if (!keep)
		remove_all(s);
	free_records(s);
	if (s->tunnel)
		s->tunnel->ops->close(s->tunnel, keep);
	if (!keep)
		(void)rt_device_del(s->nl, s->device);
	dp_filter_close(s->filter, keep);
	nl_free(s->nl);
	free(s);
}

static void on_any_nexthop(void *ctx, uint32_t id, const struct dp_ends *ends)
{
	bool *used = ctx;

	(void)id;
	*used |= ends != NULL;
}

/* An earlier run may have used another tunnel type: its nexthops went with dp_sync(). Those
 * that are left are the other role's. */
static void other_types_away(const struct dp_kernel *s)
{
	for (const struct dp_tunnel_ops *const *t = dp_tunnel_types; *t; t++) {
		bool used = false;

		if (*t == s->tunnel->ops ||
		    dp_nexthop_dump(s->nl, *t, on_any_nexthop, &used) < 0 || used)
			continue;
		(void)(*t)->cleanup(s->nl, s->tunnel->table);
	}
}

/* Without it strangers hear that there is nothing for them, which is no reason not to start. */
static void silence_port(struct dp_filter *f, const struct dp_port *p)
{
	int err = dp_filter_port(f, p);

	if (err < 0)
		log_warn("TCP port %u answers strangers that it is closed: the kernel takes no rules "
			 "about it (%s)", p->port, strerror(-err));
}

/* Reports are the first thing to do without. */
static int open_filter(struct dp_ruleset *rules, struct dp_filter **ret)
{
	int err = dp_filter_open(rules, ret);

	if (err == 0 || rules->report_group == 0)
		return err;
	rules->report_group = 0;
	return dp_filter_open(rules, ret);
}

int dp_kernel_open(const struct dp_ops *ops, const struct dp_tunnel_ops *type,
		   const struct dp_config *cfg, struct dp **ret)
{
	struct dp_ruleset rules = {
		.role = cfg->role, .device = type->device, .mss = cfg->mss,
		.reassembled = cfg->role == DP_ROLE_HA ? ops->reassembled : 0,
		.ipsec = cfg->ipsec, .visits = cfg->visits, .guarded = cfg->guarded,
		.steers = cfg->steers, .report_group = cfg->report_group,
	};
	struct dp_kernel *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->dp.ops = ops;
	s->role = cfg->role;
	s->no_grace = cfg->no_grace;
	s->steers = cfg->steers;
	s->failed = cfg->failed;
	s->failed_ctx = cfg->failed_ctx;
	if (cfg->visits) {
		s->n_access = cfg->port.n_access;
		memcpy(s->access, cfg->port.access, sizeof(s->access));
	}
	s->base = cfg->table_base ? cfg->table_base : DP_TABLE_BASE;
	s->dp.rule_base = cfg->rule_base ? cfg->rule_base : s->base;
	(void)snprintf(s->device, sizeof(s->device), "%s", cfg->device);
	err = nl_open(NETLINK_ROUTE, &s->nl);
	if (err == 0)
		err = type->open(s->role, s->nl, s->base + DP_DECAP_OFFSET, &s->tunnel);
	if (err == 0)
		err = open_filter(&rules, &s->filter);
	if (err == 0 && cfg->n_homes > 0)
		err = dp_filter_homes(s->filter, cfg->homes, cfg->n_homes);
	if (err == 0 && cfg->port.port != 0)
		silence_port(s->filter, &cfg->port);
	if (err == 0) {
		s->source = s->tunnel->source;
		err = dp_sync(s, true);
	}
	if (err < 0) {
		dp_kernel_close(&s->dp, true);
		return err;
	}
	other_types_away(s);
	*ret = &s->dp;
	return 0;
}

static int probe_filter(const char *device, char *why, size_t len)
{
	struct dp_ruleset rules = { .device = device, .mss = 1220 };
	char words[200] = "";
	int err = 0;

	for (int role = DP_ROLE_MN; role <= (int)DP_ROLE_HA && err == 0; role++) {
		rules.role = (enum dp_role)role;
		rules.visits = rules.steers = role == DP_ROLE_HA;
		rules.guarded = (struct dp_links){ .n = role == DP_ROLE_HA, .names = { "lo" } };
		err = dp_filter_probe(&rules, words, sizeof(words));
	}
	if (err < 0)
		(void)snprintf(why, len, "kernel lacks nftables for inet with sets (%s); so the "
			       "source of tunnel packets could not be checked", words);
	return err;
}

int dp_kernel_probe(const struct dp_tunnel_ops *type, char *why, size_t len)
{
	struct nl *nl;
	int err = nl_open(NETLINK_ROUTE, &nl);

	if (err < 0) {
		(void)snprintf(why, len, "no netlink: %s", strerror(-err));
		return err;
	}
	err = type->probe(nl, why, len);
	if (err == 0)
		err = probe_filter(type->device, why, len);
	if (err == -EPERM)	/* says nothing of what the kernel can do */
		(void)snprintf(why, len, "needs CAP_NET_ADMIN in this network namespace; so it "
			       "cannot even be tried");
	nl_free(nl);
	return err;
}
