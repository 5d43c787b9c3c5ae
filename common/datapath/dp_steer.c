/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several ways to one inner prefix (RFC 5648, RFC 6089, RFC 7864). Beside the default way, which
 * dp_kernel.c has, each way n has a route in a table of its own (base + n), to which packets with
 * the mark of that way are led by a rule; dp_flows.c puts the marks on. The pairs of the filter
 * are there for every way. Owns dp_kernel.steered.
 *
 * Order of a change: what comes by the new ways is accepted, they are there, packets are sent by
 * them; then what nobody uses any more goes.
 */
#include "common/datapath/dp_steer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/datapath/dp_flows.h"
#include "common/datapath/dp_kernel.h"
#include "common/datapath/dp_batch.h"
#include "common/sys/rt.h"

static bool has(const struct dp_steer *s, unsigned int path)
{
	return !in6_is_any(&s->paths[path].remote);
}

static struct dp_binding as_binding(const struct dp_steer *s, unsigned int path)
{
	return (struct dp_binding){ .inner = s->inner, .local = s->paths[path].local,
				    .remote = s->paths[path].remote, .mtu = DP_MTU_DEFAULT };
}

struct steered *steered_find(const struct dp_kernel *s, const struct in6_prefix *inner)
{
	const struct dp_key key = dp_key(inner);
	struct steered *k;

	HASH_FIND(hh, s->steered, &key, sizeof(key), k);
	return k;
}

static bool leads_to(const struct dp_steer *s, const struct in6_addr *remote)
{
	for (unsigned int i = 0; i < DP_PATHS; i++)
		if (has(s, i) && in6_eq(&s->paths[i].remote, remote))
			return true;
	return false;
}

bool steered_takes(const struct dp_kernel *s, const struct in6_prefix *inner,
		   const struct in6_addr *remote)
{
	const struct steered *k = steered_find(s, inner);

	return k && leads_to(&k->s, remote);
}

static struct steered *note(struct dp_kernel *s, const struct in6_prefix *inner)
{
	struct steered *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->s.inner = *inner;
	k->key = dp_key(inner);
	HASH_ADD(hh, s->steered, key, sizeof(k->key), k);
	return k;
}

static void forget(struct dp_kernel *s, struct steered *k)
{
	HASH_DEL(s->steered, k);
	free(k);
}

/* ---- one way ---- */

static struct rt_rule rule_of(const struct dp_kernel *s, unsigned int path)
{
	return (struct rt_rule){
		.mark = DP_PATH_MARK + path, .table = s->base + path, .priority = s->base + path,
	};
}

static struct dp_route route_of(const struct dp_kernel *s, const struct dp_steer *st,
				unsigned int path)
{
	return (struct dp_route){
		.dst = st->inner, .table = s->base + path, .mtu = DP_MTU_DEFAULT,
		.ends = { .local = st->paths[path].local, .remote = st->paths[path].remote },
	};
}

static int way_install(const struct dp_kernel *s, const struct dp_steer *st, unsigned int path)
{
	const struct rt_rule rule = rule_of(s, path);
	const struct dp_route route = route_of(s, st, path);
	int err = dp_route_replace(s->tunnel, &route);

	if (err == 0)
		err = rt_rule_add(s->nl, &rule);
	return dp_complain(s, "way", err);
}

static bool is_used(const struct dp_kernel *s, unsigned int path)
{
	for (const struct steered *k = s->steered; k; k = k->hh.next)
		if (has(&k->s, path))
			return true;
	return false;
}

static void way_remove(const struct dp_kernel *s, const struct dp_steer *st, unsigned int path)
{
	const struct dp_route route = route_of(s, st, path);

	(void)dp_route_del(s->tunnel, &route);
}

/* What leads to a table in which nothing is is no use to anybody. */
static void rules_away(const struct dp_kernel *s)
{
	for (unsigned int i = 0; i < DP_PATHS; i++) {
		const struct rt_rule rule = rule_of(s, i);

		if (!is_used(s, i))
			(void)rt_rule_del(s->nl, &rule);
	}
}

/* ---- the filter ---- */

static int accept_all(struct dp_kernel *s, const struct dp_steer *st)
{
	int err = 0;

	for (unsigned int i = 0; i < DP_PATHS && err == 0; i++) {
		const struct dp_binding b = as_binding(st, i);

		if (has(st, i))
			err = dp_complain(s, "filter", dp_filter_add(s->filter, &b, &b.remote));
	}
	return err;
}

/* Pairs of ways that are no more, unless they are those of another one or of the default. What
 * left by them is under way for a while. */
static void refuse_old(struct dp_kernel *s, const struct dp_steer *old, const struct dp_steer *st)
{
	const struct binding *k = binding_find(s, &old->inner);

	for (unsigned int i = 0; i < DP_PATHS; i++) {
		const struct dp_binding b = as_binding(old, i);

		if (!has(old, i) || leads_to(st, &b.remote) ||
		    (k && in6_eq(&k->b.remote, &b.remote)))
			continue;
		(void)dp_filter_no_longer_late(s->filter, &b, &b.remote);
		if (!s->no_grace)
			(void)dp_filter_late(s->filter, &b, &b.remote);
		(void)dp_filter_refuse(s->filter, &b, &b.remote);
	}
}

/* ---- changes ---- */

static void drop(struct dp_kernel *s, struct steered *k)
{
	const struct dp_steer old = k->s, none = { .inner = k->s.inner };
	const struct dp_binding b = { .inner = old.inner };

	(void)dp_filter_unsteer(s->filter, &old.inner);
	for (unsigned int i = 0; i < DP_PATHS; i++)
		if (has(&old, i))
			way_remove(s, &old, i);
	refuse_old(s, &old, &none);
	forget(s, k);
	rules_away(s);
	if (!binding_find(s, &b.inner))
		(void)dp_filter_forget(s->filter, &b);
}

static bool same_way(const struct dp_steer *a, const struct dp_steer *b, unsigned int path)
{
	return in6_eq(&a->paths[path].remote, &b->paths[path].remote) &&
	       in6_eq(&a->paths[path].local, &b->paths[path].local);
}

/* From what is installed (old) to what is wanted; k is the record of both. */
static int change(struct dp_kernel *s, struct steered *k, const struct dp_steer *st)
{
	const struct dp_steer old = k->s;
	int err = accept_all(s, st);

	for (unsigned int i = 0; i < DP_PATHS && err == 0; i++)
		if (has(st, i) && (!same_way(&old, st, i) || k->found))
			err = way_install(s, st, i);
	if (err == 0)
		err = dp_complain(s, "flows", dp_filter_steer(s->filter, st));
	if (err < 0)
		return err;
	k->s = *st;
	k->found = false;
	for (unsigned int i = 0; i < DP_PATHS; i++)
		if (has(&old, i) && !has(st, i))
			way_remove(s, &old, i);
	refuse_old(s, &old, st);
	rules_away(s);
	return 0;
}

int dp_kernel_steer(struct dp *dp, const struct dp_steer *st)
{
	struct dp_kernel *s = (struct dp_kernel *)(void *)dp;
	struct steered *k;
	int err;

	if (s->role != DP_ROLE_HA || !s->steers || st->n_flows > DP_FLOWS)
		return -EOPNOTSUPP;
	dp_batch_commit(s);
	k = steered_find(s, &st->inner);
	if (!dp_flows_any(st)) {
		if (k)
			drop(s, k);
		return 0;
	}
	if (k) {
		const struct dp_steer old = k->s;

		err = change(s, k, st);
		if (err < 0 && !k->found)
			(void)change(s, k, &old);
		return err;
	}
	k = note(s, &st->inner);
	if (!k)
		return -ENOMEM;
	err = change(s, k, st);
	if (err < 0) {
		k->s = *st;		/* all that may be there of it goes */
		drop(s, k);
	}
	return err;
}

int dp_kernel_path_stats(struct dp *dp, const struct in6_prefix *inner, unsigned int path,
			 uint64_t *ret_packets)
{
	const struct dp_kernel *s = (const struct dp_kernel *)(const void *)dp;
	const struct steered *k = steered_find(s, inner);

	if (!k || path >= DP_PATHS || !has(&k->s, path))
		return -ENOENT;
	return dp_filter_path(s->filter, inner, path, ret_packets);
}

void steered_dump(struct dp_kernel *s, void (*fn)(void *ctx, const struct dp_binding *b), void *ctx)
{
	struct steered *k, *next;

	HASH_ITER(hh, s->steered, k, next) {	/* fn may end this one */
		const struct dp_binding b = { .inner = k->s.inner, .steered = true };

		if (k->found)
			fn(ctx, &b);
	}
}

void steered_free(struct dp_kernel *s, bool keep)
{
	struct steered *k, *next;

	HASH_ITER(hh, s->steered, k, next) {
		if (keep)
			forget(s, k);
		else
			drop(s, k);
	}
}

/* ---- looking and mending ---- */

void steered_unsee(struct dp_kernel *s)
{
	for (struct steered *k = s->steered; k; k = k->hh.next) {
		memset(k->seen, 0, sizeof(k->seen));
		memset(k->seen_rx, 0, sizeof(k->seen_rx));
		k->seen_in = k->seen_tx = false;
	}
}

int steered_found(struct dp_kernel *s, const struct dp_route *r, bool adopt)
{
	struct steered *k = steered_find(s, &r->dst);
	unsigned int path = r->table - s->base;

	if (!s->steers || path >= DP_PATHS || in6_is_any(&r->ends.remote) ||
	    (r->dst.len != 128 && r->dst.len != DP_PREFIX))
		return 1;
	if (!k && adopt) {
		k = note(s, &r->dst);
		if (!k)
			return -ENOMEM;
		k->found = true;
	}
	if (!k || (!k->found && !has(&k->s, path)))
		return 1;
	if (k->found) {
		k->s.paths[path] = (struct dp_path){
			.local = in6_is_any(&r->ends.local) ? s->source : r->ends.local,
			.remote = r->ends.remote,
		};
	}
	k->seen[path] = in6_eq(&k->s.paths[path].remote, &r->ends.remote);
	return 0;
}

int steered_put_back(struct dp_kernel *s)
{
	unsigned int flows = 0;
	int n = 0, err = 0;

	for (const struct steered *k = s->steered; k && err == 0; k = k->hh.next) {
		for (unsigned int i = 0; i < DP_PATHS && err == 0; i++) {
			const struct rt_rule rule = rule_of(s, i);

			if (!has(&k->s, i))
				continue;
			if (k->seen[i]) {
				err = rt_rule_add(s->nl, &rule);
			} else {
				err = way_install(s, &k->s, i);
				n++;
			}
		}
		flows += k->found ? 0 : k->s.n_flows;
	}
	/* Of an earlier run nothing is known but that it is there. */
	for (const struct steered *k = s->steered; k; k = k->hh.next)
		if (k->found)
			return err < 0 ? err : n;
	if (err < 0 || (unsigned int)dp_filter_flow_rules(s->filter) == flows)
		return err < 0 ? err : n;
	for (const struct steered *k = s->steered; k && err == 0; k = k->hh.next)
		err = dp_filter_steer(s->filter, &k->s);
	return err < 0 ? dp_complain(s, "flows", err) : n + 1;
}

static bool is_prefix(const struct steered *k)
{
	return k->s.inner.len == DP_PREFIX;
}

unsigned int steered_pairs(const struct dp_kernel *s, bool prefixes)
{
	unsigned int n = 0;

	for (const struct steered *k = s->steered; k; k = k->hh.next) {
		const struct binding *main = binding_find(s, &k->s.inner);

		for (unsigned int i = 0; i < DP_PATHS && is_prefix(k) == prefixes; i++) {
			bool again = main && in6_eq(&main->b.remote, &k->s.paths[i].remote);

			for (unsigned int j = 0; j < i; j++)
				again |= in6_eq(&k->s.paths[j].remote, &k->s.paths[i].remote);
			n += has(&k->s, i) && !again;
		}
	}
	return n;
}

unsigned int steered_alone(const struct dp_kernel *s, bool prefixes)
{
	unsigned int n = 0;

	for (const struct steered *k = s->steered; k; k = k->hh.next)
		n += is_prefix(k) == prefixes && !binding_find(s, &k->s.inner);
	return n;
}
