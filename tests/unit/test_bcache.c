/* SPDX-License-Identifier: BSD-2-Clause */
/* The binding cache: one entry for each home address, bounded, counted at the lease. */
/* links: ha-agent/bcache.c common/core/in6.c common/core/hash.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "ha-agent/ha.h"

static struct in6_addr addr(const char *s)
{
	struct in6_addr a;

	assert_int_equal(in6_parse(s, &a), 0);
	return a;
}

static void one_entry_each(void **state)
{
	struct in6_addr a = addr("2001:db8:1:101::5"), b = addr("2001:db8:1:101::6");
	struct lease lease = { .bindings = 0 };
	struct ha_home home = { 0 };
	struct binding *first;
	struct bcache bc;

	(void)state;
	bcache_init(&bc, 10);
	assert_null(bcache_find(&bc, &a));
	first = bcache_add(&bc, &a, &home, &lease);
	assert_non_null(first);
	assert_int_equal(first->state, BINDING_NEW);
	assert_null(bcache_add(&bc, &a, &home, &lease));
	assert_ptr_equal(bcache_find(&bc, &a), first);
	assert_null(bcache_find(&bc, &b));
	assert_non_null(bcache_add(&bc, &b, &home, &lease));
	assert_int_equal(bc.n, 2);
	assert_int_equal(lease.bindings, 2);
	bcache_del(&bc, first);
	assert_null(bcache_find(&bc, &a));
	assert_non_null(bcache_find(&bc, &b));
	assert_int_equal(lease.bindings, 1);
	bcache_free(&bc);
	assert_int_equal(lease.bindings, 0);
	assert_int_equal(bc.n, 0);
}

static void bounded(void **state)
{
	struct in6_addr a = addr("2001:db8:1:101::");
	struct lease lease = { .bindings = 0 };
	struct ha_home home = { 0 };
	struct bcache bc;

	(void)state;
	bcache_init(&bc, 3);
	for (uint8_t i = 0; i < 3; i++) {
		a.s6_addr[15] = i;
		assert_non_null(bcache_add(&bc, &a, &home, &lease));
	}
	a.s6_addr[15] = 3;
	assert_null(bcache_add(&bc, &a, &home, &lease));
	assert_int_equal(lease.bindings, 3);
	a.s6_addr[15] = 1;
	bcache_del(&bc, bcache_find(&bc, &a));
	assert_non_null(bcache_add(&bc, &a, &home, &lease));
	bcache_free(&bc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_entry_each),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests_name("bcache", tests, NULL, NULL);
}
