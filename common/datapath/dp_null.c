/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The null backend: remembers bindings and moves nothing. For tests, the simulation and
 * --dry-run; called through dp_ops. No system call, only memory.
 */
#include "common/datapath/datapath.h"
#include "common/datapath/dp_key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/hash.h"

struct null_binding {
	struct dp_key key;
	struct dp_binding b;
	UT_hash_handle hh;
};

struct null_steer {
	struct dp_key key;
	struct dp_steer s;
	UT_hash_handle hh;
};

struct null {
	struct dp dp;
	struct null_binding *bindings;
	struct null_steer *steers;
	struct in6_addr *endpoints;
	size_t n_endpoints;
	unsigned long calls;		/* that would have changed the kernel */
};

static struct null *null_of(struct dp *dp)
{
	return (struct null *)(void *)dp;
}

static const struct null *null_of_const(const struct dp *dp)
{
	return (const struct null *)(const void *)dp;
}

static int null_probe(char *why, size_t len)
{
	(void)why;
	(void)len;
	return 0;
}

static int null_open(const struct dp_config *cfg, struct dp **ret)
{
	struct null *n = calloc(1, sizeof(*n));

	(void)cfg;
	if (!n)
		return -ENOMEM;
	n->dp.ops = &dp_null;
	*ret = &n->dp;
	return 0;
}

static size_t endpoint_at(const struct null *n, const struct in6_addr *addr)
{
	size_t i;

	for (i = 0; i < n->n_endpoints; i++) {
		if (in6_eq(&n->endpoints[i], addr))
			break;
	}
	return i;
}

static int null_endpoint_add(struct dp *dp, const struct in6_addr *addr)
{
	struct null *n = null_of(dp);
	struct in6_addr *bigger;

	n->calls++;
	if (endpoint_at(n, addr) < n->n_endpoints)
		return 0;
	bigger = realloc(n->endpoints, (n->n_endpoints + 1) * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	n->endpoints = bigger;
	n->endpoints[n->n_endpoints++] = *addr;
	return 0;
}

static int null_endpoint_del(struct dp *dp, const struct in6_addr *addr)
{
	struct null *n = null_of(dp);
	size_t i = endpoint_at(n, addr);

	n->calls++;
	if (i == n->n_endpoints)
		return -ENOENT;
	n->endpoints[i] = n->endpoints[--n->n_endpoints];
	return 0;
}

static struct null_binding *find(const struct null *n, const struct in6_prefix *inner)
{
	const struct dp_key key = dp_key(inner);
	struct null_binding *k;

	HASH_FIND(hh, n->bindings, &key, sizeof(key), k);
	return k;
}

static int null_set(struct dp *dp, const struct dp_binding *b)
{
	struct null *n = null_of(dp);
	struct null_binding *k = find(n, &b->inner);

	n->calls++;
	if (!k) {
		k = calloc(1, sizeof(*k));
		if (!k)
			return -ENOMEM;
		k->key = dp_key(&b->inner);
		HASH_ADD(hh, n->bindings, key, sizeof(k->key), k);
	}
	k->b = *b;
	return 0;
}

static void forget(struct null *n, struct null_binding *k)
{
	HASH_DEL(n->bindings, k);
	free(k);
}

/* Nothing passes that could be refused. */
static int null_guard(struct dp *dp, const uint8_t mac[6], const struct in6_prefix *prefix,
		      bool allowed)
{
	(void)mac;
	(void)prefix;
	(void)allowed;
	null_of(dp)->calls++;
	return 0;
}

static int null_del(struct dp *dp, const struct in6_prefix *inner)
{
	struct null *n = null_of(dp);
	struct null_binding *k = find(n, inner);

	n->calls++;
	if (!k)
		return -ENOENT;
	forget(n, k);
	return 0;
}

static struct null_steer *find_steer(const struct null *n, const struct in6_prefix *inner)
{
	const struct dp_key key = dp_key(inner);
	struct null_steer *k;

	HASH_FIND(hh, n->steers, &key, sizeof(key), k);
	return k;
}

static bool has_paths(const struct dp_steer *s)
{
	for (unsigned int i = 0; i < DP_PATHS; i++)
		if (!in6_is_any(&s->paths[i].remote))
			return true;
	return false;
}

static int null_steer(struct dp *dp, const struct dp_steer *s)
{
	struct null *n = null_of(dp);
	struct null_steer *k = find_steer(n, &s->inner);

	n->calls++;
	if (!has_paths(s)) {
		if (k) {
			HASH_DEL(n->steers, k);
			free(k);
		}
		return 0;
	}
	if (!k) {
		k = calloc(1, sizeof(*k));
		if (!k)
			return -ENOMEM;
		k->key = dp_key(&s->inner);
		HASH_ADD(hh, n->steers, key, sizeof(k->key), k);
	}
	k->s = *s;
	return 0;
}

static int null_path_stats(struct dp *dp, const struct in6_prefix *inner, unsigned int path,
			   uint64_t *ret_packets)
{
	const struct null_steer *k = find_steer(null_of(dp), inner);

	if (!k || path >= DP_PATHS || in6_is_any(&k->s.paths[path].remote))
		return -ENOENT;
	*ret_packets = 0;
	return 0;
}

static void null_commit(struct dp *dp)
{
	(void)dp;		/* nothing is ever put off */
}

static int null_stats(struct dp *dp, const struct in6_prefix *inner, struct dp_stats *ret)
{
	if (!dp_null_find(dp, inner))
		return -ENOENT;
	*ret = (struct dp_stats){ 0 };
	return 0;
}

static int null_dump(struct dp *dp, void (*fn)(void *ctx, const struct dp_binding *b), void *ctx)
{
	struct null_binding *k, *next;

	HASH_ITER(hh, null_of(dp)->bindings, k, next) {	/* fn may delete this one */
		const struct dp_binding b = k->b;

		fn(ctx, &b);
	}
	return 0;
}

static int null_repair(struct dp *dp)
{
	(void)dp;
	return 0;
}

static int null_sent(struct dp *dp, void (*fn)(void *ctx, const struct in6_addr *from,
						uint64_t ms_ago), void *ctx)
{
	(void)dp, (void)fn, (void)ctx;
	return -EOPNOTSUPP;
}

static int null_drops(struct dp *dp, struct dp_drops *ret)
{
	(void)dp;
	*ret = (struct dp_drops){ 0 };
	return 0;
}

static int null_expect(struct dp *dp, const struct in6_addr *hoa, const struct in6_addr *ha)
{
	(void)dp;
	(void)hoa;
	(void)ha;
	return 0;
}

static void null_close(struct dp *dp, bool keep)
{
	struct null *n = null_of(dp);
	struct null_binding *k, *next;
	struct null_steer *st, *st_next;

	(void)keep;
	HASH_ITER(hh, n->bindings, k, next)
		forget(n, k);
	HASH_ITER(hh, n->steers, st, st_next) {
		HASH_DEL(n->steers, st);
		free(st);
	}
	free(n->endpoints);
	free(n);
}

size_t dp_null_count(const struct dp *dp)
{
	return HASH_COUNT(null_of_const(dp)->bindings);
}

const struct dp_binding *dp_null_find(const struct dp *dp, const struct in6_prefix *inner)
{
	const struct null_binding *k = find(null_of_const(dp), inner);

	return k ? &k->b : NULL;
}

const struct dp_steer *dp_null_steered(const struct dp *dp, const struct in6_prefix *inner)
{
	const struct null_steer *k = find_steer(null_of_const(dp), inner);

	return k ? &k->s : NULL;
}

unsigned long dp_null_calls(const struct dp *dp)
{
	return null_of_const(dp)->calls;
}

const struct dp_ops dp_null = {
	.name = "null",
	.probe = null_probe,
	.open = null_open,
	.endpoint_add = null_endpoint_add,
	.endpoint_del = null_endpoint_del,
	.set = null_set,
	.del = null_del,
	.steer = null_steer,
	.path_stats = null_path_stats,
	.guard = null_guard,
	.commit = null_commit,
	.expect = null_expect,
	.stats = null_stats,
	.dump = null_dump,
	.repair = null_repair,
	.sent = null_sent,
	.drops = null_drops,
	.close = null_close,
};
