/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes of bindings are put aside and made together: three messages to the kernel for all
 * of them, instead of three or four for each. Called by dp_kernel.c.
 *
 * The order is that of a single change: what comes from the new remote ends is accepted
 * before anything makes it come, and what comes from the old ones until everything has left
 * them.
 *
 *	1. filter: add the new pairs		one transaction
 *	2. nexthops and routes			one message after the other, each answered
 *	3. filter: delete the old pairs		one transaction
 *
 * What fails in one of them is tried again by itself, as without batches; what fails then is
 * reported.
 */
#include "common/datapath/dp_batch.h"

#include <errno.h>

#include "common/datapath/dp_steer.h"

static int filters_open(struct dp_kernel *s)
{
	int err = 0;

	dp_filter_gather(s->filter);
	for (unsigned int i = 0; i < s->n_changes && err == 0; i++) {
		const struct change *c = &s->changes[i];

		if (c->kind == CHANGE_NEW)
			err = dp_filter_add(s->filter, &c->k->b, &c->to.remote);
		else if (c->kind == CHANGE_MOVE)
			err = dp_filter_accept(s->filter, &c->k->b, &c->to.remote);
		if (err == 0 && c->kind != CHANGE_DEL && c->to.unverified)
			err = dp_filter_unverified(s->filter, &c->to.inner.addr, true);
	}
	return dp_first_error(err, dp_filter_commit(s->filter));
}

static bool same_way(const struct dp_binding *a, const struct dp_binding *b)
{
	return in6_eq(&a->remote, &b->remote) && in6_eq(&a->local, &b->local) && a->mtu == b->mtu;
}

static int ask(struct dp_kernel *s, const struct change *c)
{
	const struct dp_ends ends = binding_ends(&c->to);
	struct binding *k = c->k;
	int err = 0;

	switch (c->kind) {
	case CHANGE_MOVE:
		if (same_way(&k->b, &c->to))
			break;
		/* fall through */
	case CHANGE_NEW:
		if (!k->b.visit)
			err = dp_nexthop_replace(s->tunnel, k->nexthop, &ends);
		if (err == 0 && (k->b.visit || c->kind == CHANGE_NEW || c->to.mtu != k->b.mtu))
			err = binding_install(s, k, &c->to);
		break;
	case CHANGE_DEL:
		err = binding_remove(s, k);
		if (err == 0 && !k->b.visit)
			err = dp_nexthop_del(s->nl, k->nexthop);
		break;
	}
	return err;
}

static void on_refused(void *ctx, unsigned int n, int err)
{
	struct dp_kernel *s = ctx;

	for (unsigned int i = 0; i < s->n_changes; i++) {
		struct change *c = &s->changes[i];

		if (n < c->first || n >= c->end)
			continue;
		/* What is to go and is not there has gone. */
		if (c->kind != CHANGE_DEL || (err != -ENOENT && err != -ESRCH))
			c->err = err;
		return;
	}
}

static void routes(struct dp_kernel *s)
{
	int err;

	nl_gather(s->nl);
	for (unsigned int i = 0; i < s->n_changes; i++) {
		struct change *c = &s->changes[i];

		c->first = nl_gathered(s->nl);
		c->err = ask(s, c);
		c->end = nl_gathered(s->nl);
	}
	err = nl_commit(s->nl, on_refused, s);
	for (unsigned int i = 0; err < 0 && i < s->n_changes; i++)
		s->changes[i].err = err;
}

static void close_filter(struct dp_kernel *s, const struct change *c)
{
	if (c->err == 0 && c->kind != CHANGE_NEW && c->k->b.unverified &&
	    (c->kind == CHANGE_DEL || !c->to.unverified))
		(void)dp_filter_unverified(s->filter, &c->k->b.inner.addr, false);
	if (c->err < 0 || c->kind == CHANGE_NEW ||
	    (c->kind == CHANGE_MOVE && in6_eq(&c->k->b.remote, &c->to.remote)))
		return;
	binding_refuse(s, c->k);
	if (c->kind == CHANGE_DEL && !steered_find(s, &c->k->b.inner))
		(void)dp_filter_forget(s->filter, &c->k->b);
}

static void filters_close(struct dp_kernel *s)
{
	dp_filter_gather(s->filter);
	for (unsigned int i = 0; i < s->n_changes; i++)
		close_filter(s, &s->changes[i]);
	if (dp_filter_commit(s->filter) == 0)
		return;
	/* One that somebody had deleted keeps all the others. */
	for (unsigned int i = 0; i < s->n_changes; i++)
		close_filter(s, &s->changes[i]);
}

/* The record follows what is in the kernel now. */
static void settle(struct dp_kernel *s, const struct change *c)
{
	struct binding *k = c->k;

	k->queued = false;
	switch (c->kind) {
	case CHANGE_NEW:
	case CHANGE_MOVE:
		k->b = c->to;
		break;
	case CHANGE_DEL:
		binding_forget(s, k);
		break;
	}
}

static int alone(struct dp_kernel *s, const struct change *c)
{
	c->k->queued = false;
	switch (c->kind) {
	case CHANGE_NEW:
		return binding_begin(s, c->k, &c->to);
	case CHANGE_MOVE:
		return binding_change(s, c->k, &c->to);
	case CHANGE_DEL:
		return binding_end(s, c->k);
	}
	return 0;
}

void dp_batch_commit(struct dp_kernel *s)
{
	unsigned int n = s->n_changes;
	int err;

	if (n == 0)
		return;
	err = filters_open(s);
	if (err == 0) {
		routes(s);
		filters_close(s);
	}
	for (unsigned int i = 0; i < n; i++) {
		struct change *c = &s->changes[i];
		const struct in6_prefix inner = c->to.inner;

		if (err == 0 && c->err == 0) {
			settle(s, c);
			continue;
		}
		c->err = alone(s, c);
		if (c->err < 0 && s->failed)
			s->failed(s->failed_ctx, &inner, c->err);
	}
	s->n_changes = 0;
}

/* Where there is no more room the others go first: what is reported as failed is never what
 * the caller is just asking for. */
static void put_aside(struct dp_kernel *s, struct binding *k, enum change_kind kind,
		      const struct dp_binding *to)
{
	if (s->n_changes == DP_BATCH)
		dp_batch_commit(s);
	s->changes[s->n_changes++] = (struct change){ .k = k, .kind = kind, .to = *to };
	k->queued = true;
}

/* The binding as it is, with nothing waiting; NULL: there is none. */
static struct binding *settled(struct dp_kernel *s, const struct in6_prefix *inner)
{
	struct binding *k = binding_find(s, inner);

	if (!k || !k->queued)
		return k;
	dp_batch_commit(s);
	return binding_find(s, inner);
}

int dp_batch_set(struct dp_kernel *s, const struct dp_binding *b)
{
	struct binding *k = settled(s, &b->inner);
	int err;

	/* A host of ours was a visitor in an earlier life of its prefix, or the reverse. */
	if (k && k->b.visit != b->visit) {
		put_aside(s, k, CHANGE_DEL, &k->b);
		k = settled(s, &b->inner);
	}
	if (k) {
		if (!same_way(&k->b, b) || k->b.unverified != b->unverified)
			put_aside(s, k, CHANGE_MOVE, b);
		return 0;
	}
	k = binding_note(s, &b->inner, 0);
	if (!k)
		return -ENOMEM;
	k->b.visit = b->visit;
	err = b->visit ? 0 : nexthop_claim(s, k, 0);
	if (err < 0) {
		binding_forget(s, k);
		return err;
	}
	put_aside(s, k, CHANGE_NEW, b);
	return 0;
}

int dp_batch_del(struct dp_kernel *s, const struct in6_prefix *inner)
{
	struct binding *k = settled(s, inner);

	if (!k)
		return -ENOENT;
	put_aside(s, k, CHANGE_DEL, &k->b);
	return 0;
}
