/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes of bindings put aside and made together: who is told of what could not be done,
 * and when. The kernel is a number of refusals. */
/* links: common/datapath/dp_batch.c common/datapath/dp_records.c common/core/hash.c
 * common/core/in6.c common/core/log.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "common/datapath/dp_batch.h"
#include "common/datapath/dp_steer.h"
#include "common/sys/clock.h"
#include "common/sys/rt.h"

static struct dp_kernel dp;
static unsigned int n_gathered, n_commits;
static bool limited;			/* the one inner address of a test */
static bool refusing;			/* routes and nexthops, alone or together */
static const struct in6_addr *being_set;	/* set() has not returned */
static unsigned int n_failed;
static struct in6_addr failed[2 * DP_BATCH];

/* ---- the kernel ---- */

static int answer(void)
{
	return refusing ? -ENOMEM : 0;
}

int dp_nexthop_replace(const struct dp_tunnel *t, uint32_t id, const struct dp_ends *ends)
{
	(void)t;
	(void)id;
	(void)ends;
	n_gathered++;
	return 0;
}

/* Nothing here has several ways. */
struct steered *steered_find(const struct dp_kernel *s, const struct in6_prefix *inner)
{
	(void)s;
	(void)inner;
	return NULL;
}

bool steered_takes(const struct dp_kernel *s, const struct in6_prefix *inner,
		   const struct in6_addr *remote)
{
	(void)s;
	(void)inner;
	(void)remote;
	return false;
}

int dp_nexthop_del(struct nl *nl, uint32_t id)
{
	(void)nl;
	(void)id;
	n_gathered++;
	return 0;
}

int dp_route_replace(const struct dp_tunnel *t, const struct dp_route *r)
{
	(void)t;
	(void)r;
	n_gathered++;
	return 0;
}

int dp_route_del(const struct dp_tunnel *t, const struct dp_route *r)
{
	(void)t;
	(void)r;
	n_gathered++;
	return 0;
}

void nl_gather(struct nl *nl)
{
	(void)nl;
	n_gathered = 0;
}

unsigned int nl_gathered(const struct nl *nl)
{
	(void)nl;
	return n_gathered;
}

int nl_commit(struct nl *nl, void (*on_refused)(void *ctx, unsigned int n, int err), void *ctx)
{
	(void)nl;
	n_commits++;
	for (unsigned int i = 0; refusing && i < n_gathered; i++)
		on_refused(ctx, i, -ENOMEM);
	return 0;
}

const char *nl_error(const struct nl *nl)
{
	(void)nl;
	return "";
}

int rt_rule_add(struct nl *nl, const struct rt_rule *r)
{
	(void)nl;
	(void)r;
	return 0;
}

int rt_rule_del(struct nl *nl, const struct rt_rule *r)
{
	(void)nl;
	(void)r;
	return 0;
}

void dp_filter_gather(struct dp_filter *f)
{
	(void)f;
}

int dp_filter_commit(struct dp_filter *f)
{
	(void)f;
	return 0;
}

int dp_filter_add(struct dp_filter *f, const struct dp_binding *b,
		  const struct in6_addr *remote)
{
	(void)f;
	(void)b;
	(void)remote;
	return 0;
}

int dp_filter_accept(struct dp_filter *f, const struct dp_binding *b,
		     const struct in6_addr *remote)
{
	return dp_filter_add(f, b, remote);
}

int dp_filter_refuse(struct dp_filter *f, const struct dp_binding *b,
		     const struct in6_addr *remote)
{
	return dp_filter_add(f, b, remote);
}

int dp_filter_late(struct dp_filter *f, const struct dp_binding *b,
		   const struct in6_addr *remote)
{
	return dp_filter_add(f, b, remote);
}

int dp_filter_no_longer_late(struct dp_filter *f, const struct dp_binding *b,
			     const struct in6_addr *remote)
{
	return dp_filter_add(f, b, remote);
}

usec_t clock_now(void)
{
	return USEC_S;
}

int dp_filter_forget(struct dp_filter *f, const struct dp_binding *b)
{
	(void)f;
	(void)b;
	return 0;
}

int dp_filter_unverified(struct dp_filter *f, const struct in6_addr *inner, bool present)
{
	(void)f;
	(void)inner;
	assert_int_equal(limited, !present);
	limited = present;
	return 0;
}

int dp_filter_endpoint(struct dp_filter *f, const struct in6_addr *addr, bool present)
{
	(void)f;
	(void)addr;
	(void)present;
	return 0;
}

/* ---- dp_kernel.c ---- */

int binding_begin(struct dp_kernel *s, struct binding *k, const struct dp_binding *b)
{
	int err = answer();

	if (err < 0)
		binding_forget(s, k);
	else
		k->b = *b;
	return err;
}

int binding_change(struct dp_kernel *s, struct binding *k, const struct dp_binding *b)
{
	int err = answer();

	(void)s;
	if (err == 0)
		k->b = *b;
	return err;
}

int binding_end(struct dp_kernel *s, struct binding *k)
{
	binding_forget(s, k);
	return answer();
}

/* ---- */

static void on_failed(void *ctx, const struct in6_prefix *inner, int err)
{
	(void)ctx;
	assert_int_equal(err, -ENOMEM);
	assert_int_equal(inner->len, 128);
	/* Whoever asked does not know yet that it has been put off. */
	assert_false(being_set && in6_eq(being_set, &inner->addr));
	assert_true(n_failed < sizeof(failed) / sizeof(failed[0]));
	failed[n_failed++] = inner->addr;
}

static int setup(void **state)
{
	(void)state;
	memset(&dp, 0, sizeof(dp));
	dp.dp.ops = &(const struct dp_ops){ .name = "test" };
	dp.role = DP_ROLE_HA;
	dp.failed = on_failed;
	n_commits = n_failed = 0;
	refusing = limited = false;
	log_set_level(LOG_LEVEL_ERROR);
	return 0;
}

static int teardown(void **state)
{
	struct binding *k, *next;

	(void)state;
	HASH_ITER(hh, dp.bindings, k, next)
		binding_forget(&dp, k);
	free(dp.by_nexthop);
	return 0;
}

static struct dp_binding numbered(unsigned int i, uint8_t remote)
{
	return (struct dp_binding){
		.inner = { { .s6_addr = { 0x20, 1, [14] = (uint8_t)(i >> 8), [15] = (uint8_t)i } }, 128 },
		.local = { .s6_addr = { 0x20, 1, [15] = 1 } },
		.remote = { .s6_addr = { 0x20, 2, [15] = remote } }, .mtu = 1460,
	};
}

static void set(unsigned int i, uint8_t remote)
{
	const struct dp_binding b = numbered(i, remote);

	being_set = &b.inner.addr;
	assert_int_equal(dp_batch_set(&dp, &b), 0);
	being_set = NULL;
}

static void nothing_is_done_before_the_commit(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= DP_BATCH; i++)
		set(i, 9);
	dp_batch_commit(&dp);
	assert_int_equal(n_commits, 1);
	assert_int_equal(n_failed, 0);
	assert_int_equal(HASH_COUNT(dp.bindings), DP_BATCH);
	dp_batch_commit(&dp);
	assert_int_equal(n_commits, 1);
}

/* What is one too many makes the others go, and is not among them: it is reported when its own
 * set() has long returned. */
static void more_than_a_batch(void **state)
{
	const struct dp_binding last = numbered(DP_BATCH + 1, 9);

	(void)state;
	refusing = true;
	for (unsigned int i = 1; i <= DP_BATCH + 1; i++)
		set(i, 9);
	assert_int_equal(n_failed, DP_BATCH);
	assert_int_equal(HASH_COUNT(dp.bindings), 1);
	dp_batch_commit(&dp);
	assert_int_equal(n_failed, DP_BATCH + 1);
	assert_true(in6_eq(&failed[DP_BATCH], &last.inner.addr));
	assert_int_equal(HASH_COUNT(dp.bindings), 0);
}

static void a_move_that_fails_leaves_what_was(void **state)
{
	const struct dp_binding before = numbered(1, 9);

	(void)state;
	set(1, 9);
	dp_batch_commit(&dp);
	refusing = true;
	set(1, 10);
	dp_batch_commit(&dp);
	assert_int_equal(n_failed, 1);
	assert_true(in6_eq(&dp.bindings->b.remote, &before.remote));
	refusing = false;
	set(1, 9);			/* no change */
	dp_batch_commit(&dp);
	assert_int_equal(n_commits, 2);
}

/* Before anything goes there; and that it is over costs no route. */
static void limited_until_verified(void **state)
{
	struct dp_binding b = numbered(1, 9);

	(void)state;
	b.unverified = true;
	assert_int_equal(dp_batch_set(&dp, &b), 0);
	dp_batch_commit(&dp);
	assert_true(limited);
	b.unverified = false;
	assert_int_equal(dp_batch_set(&dp, &b), 0);
	dp_batch_commit(&dp);
	assert_false(limited);
	assert_int_equal(n_gathered, 0);
	assert_int_equal(dp.bindings->b.remote.s6_addr[15], 9);
	b.unverified = true;
	b.remote.s6_addr[15] = 10;
	assert_int_equal(dp_batch_set(&dp, &b), 0);
	dp_batch_commit(&dp);
	assert_true(limited);
	assert_int_equal(dp_batch_del(&dp, &b.inner), 0);
	dp_batch_commit(&dp);
	assert_false(limited);
}

/* One thing at a time for one inner address. */
static void twice_the_same(void **state)
{
	const struct dp_binding b = numbered(1, 9);

	(void)state;
	set(1, 9);
	assert_int_equal(dp_batch_del(&dp, &b.inner), 0);
	assert_int_equal(n_commits, 1);
	set(1, 10);
	assert_int_equal(n_commits, 2);
	dp_batch_commit(&dp);
	assert_int_equal(n_commits, 3);
	assert_int_equal(HASH_COUNT(dp.bindings), 1);
	assert_int_equal(dp.bindings->b.remote.s6_addr[15], 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_is_done_before_the_commit, setup, teardown),
		cmocka_unit_test_setup_teardown(more_than_a_batch, setup, teardown),
		cmocka_unit_test_setup_teardown(a_move_that_fails_leaves_what_was, setup, teardown),
		cmocka_unit_test_setup_teardown(limited_until_verified, setup, teardown),
		cmocka_unit_test_setup_teardown(twice_the_same, setup, teardown),
	};

	return cmocka_run_group_tests_name("dp_batch", tests, NULL, NULL);
}
