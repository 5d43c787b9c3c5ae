/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/datapath/dp_null.c common/core/hash.c common/core/in6.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>

#include "common/datapath/datapath.h"

static struct dp_binding binding(unsigned int inner, unsigned int remote)
{
	struct dp_binding b = { .inner.len = 128 };

	b.inner.addr.s6_addr[0] = 0x20;
	b.inner.addr.s6_addr[14] = (uint8_t)(inner >> 8);
	b.inner.addr.s6_addr[15] = (uint8_t)inner;
	b.remote.s6_addr[0] = 0x20;
	b.remote.s6_addr[15] = (uint8_t)remote;
	return b;
}

static struct dp *opened(void)
{
	const struct dp_config cfg = { .role = DP_ROLE_HA };
	struct dp *dp = NULL;

	assert_int_equal(dp_null.open(&cfg, &dp), 0);
	assert_ptr_equal(dp->ops, &dp_null);
	return dp;
}

static void test_set_moves(void **state)
{
	const struct dp_binding a = binding(1, 1), moved = binding(1, 2), other = binding(2, 1);
	struct dp *dp = opened();

	(void)state;
	assert_int_equal(dp_null.set(dp, &a), 0);
	assert_int_equal(dp_null.set(dp, &other), 0);
	assert_int_equal(dp_null.set(dp, &moved), 0);
	assert_int_equal(dp_null_count(dp), 2);
	assert_true(in6_eq(&dp_null_find(dp, &a.inner)->remote, &moved.remote));
	assert_int_equal(dp_null_calls(dp), 3);
	dp_null.close(dp, false);
}

static void test_del(void **state)
{
	const struct dp_binding a = binding(1, 1), b = binding(2, 1);
	struct dp_stats st;
	struct dp *dp = opened();

	(void)state;
	assert_int_equal(dp_null.set(dp, &a), 0);
	assert_int_equal(dp_null.set(dp, &b), 0);
	assert_int_equal(dp_null.stats(dp, &a.inner, &st), 0);
	assert_int_equal(dp_null.del(dp, &a.inner), 0);
	assert_int_equal(dp_null.del(dp, &a.inner), -ENOENT);
	assert_int_equal(dp_null.stats(dp, &a.inner, &st), -ENOENT);
	assert_null(dp_null_find(dp, &a.inner));
	assert_non_null(dp_null_find(dp, &b.inner));
	dp_null.close(dp, false);
}

struct dumped {
	struct dp *dp;
	unsigned int n;
};

static void delete_it(void *ctx, const struct dp_binding *b)
{
	struct dumped *d = ctx;

	d->n++;
	assert_int_equal(dp_null.del(d->dp, &b->inner), 0);
}

/* As a daemon does after a restart with what it does not know. */
static void test_delete_while_dumped(void **state)
{
	struct dumped d = { opened(), 0 };

	(void)state;
	for (unsigned int i = 0; i < 300; i++) {
		const struct dp_binding b = binding(i, 1);

		assert_int_equal(dp_null.set(d.dp, &b), 0);
	}
	assert_int_equal(dp_null.dump(d.dp, delete_it, &d), 0);
	assert_int_equal(d.n, 300);
	assert_int_equal(dp_null_count(d.dp), 0);
	dp_null.close(d.dp, true);
}

/* One address, two lengths: two bindings. */
static void test_lengths(void **state)
{
	struct dp_binding host = binding(1, 1), net = binding(1, 2);
	struct dp *dp = opened();

	(void)state;
	net.inner.len = 64;
	assert_int_equal(dp_null.set(dp, &host), 0);
	assert_int_equal(dp_null.set(dp, &net), 0);
	assert_int_equal(dp_null_count(dp), 2);
	assert_true(in6_eq(&dp_null_find(dp, &host.inner)->remote, &host.remote));
	assert_int_equal(dp_null.del(dp, &host.inner), 0);
	assert_non_null(dp_null_find(dp, &net.inner));
	dp_null.close(dp, false);
}

static void test_endpoints(void **state)
{
	const struct dp_binding b = binding(1, 1);
	struct dp *dp = opened();

	(void)state;
	assert_int_equal(dp_null.endpoint_del(dp, &b.remote), -ENOENT);
	assert_int_equal(dp_null.endpoint_add(dp, &b.remote), 0);
	assert_int_equal(dp_null.endpoint_add(dp, &b.remote), 0);
	assert_int_equal(dp_null.endpoint_del(dp, &b.remote), 0);
	assert_int_equal(dp_null.endpoint_del(dp, &b.remote), -ENOENT);
	dp_null.close(dp, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_moves),
		cmocka_unit_test(test_del),
		cmocka_unit_test(test_delete_while_dumped),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_endpoints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
