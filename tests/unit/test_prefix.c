/* SPDX-License-Identifier: BSD-2-Clause */
/* The pool of prefixes and its leases. */
/* links: ha-agent/prefix.c common/core/in6.c common/core/hash.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "ha-agent/prefix.h"

static void begin(struct pool *p, const char *text, unsigned int max)
{
	struct in6_prefix prefix;

	assert_int_equal(in6_prefix_parse(text, &prefix), 0);
	assert_int_equal(pool_init(p, &prefix, max), 0);
}

static struct lease *take(struct pool *p, uint8_t n)
{
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, n };

	return pool_take(p, mac);
}

static void assert_prefix(const struct lease *l, const char *text)
{
	assert_non_null(l);
	assert_string_equal(in6_prefix_str(&l->prefix).s, text);
}

static void first_is_ours(void **state)
{
	struct pool p;

	(void)state;
	begin(&p, "2001:db8:1:100::/62", 100);
	assert_prefix(take(&p, 1), "2001:db8:1:101::/64");
	assert_prefix(take(&p, 2), "2001:db8:1:102::/64");
	assert_prefix(take(&p, 3), "2001:db8:1:103::/64");
	assert_null(take(&p, 4));
	assert_int_equal(p.n, 3);
	pool_free(&p);
}

static void too_small_a_pool(void **state)
{
	struct in6_prefix prefix;
	struct pool p;

	(void)state;
	assert_int_equal(in6_prefix_parse("2001:db8:1:100::/64", &prefix), 0);
	assert_int_equal(pool_init(&p, &prefix, 10), -EINVAL);
}

static void found_by_host_and_by_address(void **state)
{
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct in6_addr a;
	struct lease *l;
	struct pool p;

	(void)state;
	begin(&p, "2001:db8:1:100::/56", 100);
	l = take(&p, 1);
	assert_ptr_equal(pool_find_mac(&p, mac), l);
	in6_parse("2001:db8:1:101:1:2:3:4", &a);
	assert_ptr_equal(pool_find_addr(&p, &a), l);
	in6_parse("2001:db8:1:102::1", &a);
	assert_null(pool_find_addr(&p, &a));
	in6_parse("2001:db8:1:100::1", &a);
	assert_null(pool_find_addr(&p, &a));
	pool_free(&p);
}

static void oldest_freed_goes_first_but_after_the_fresh(void **state)
{
	const uint8_t mac1[6] = { 2, 0, 0, 0, 0, 1 };
	struct lease *a, *b;
	struct pool p;

	(void)state;
	begin(&p, "2001:db8:1:100::/62", 100);
	a = take(&p, 1);
	b = take(&p, 2);
	pool_release(&p, b);
	pool_release(&p, a);
	assert_prefix(take(&p, 3), "2001:db8:1:103::/64");	/* nobody had it yet */
	assert_prefix(take(&p, 4), "2001:db8:1:102::/64");	/* free for longest */
	assert_ptr_equal(pool_find_mac(&p, mac1), a);		/* still remembered */
	assert_prefix(take(&p, 5), "2001:db8:1:101::/64");
	assert_null(pool_find_mac(&p, mac1));
	assert_null(take(&p, 6));
	pool_free(&p);
}

static void returning_host_has_its_own_again(void **state)
{
	struct lease *a;
	struct pool p;

	(void)state;
	begin(&p, "2001:db8:1:100::/63", 100);
	a = take(&p, 1);
	pool_release(&p, a);
	pool_revive(&p, a);
	assert_int_equal(a->state, LEASE_DETACHED);
	assert_null(take(&p, 2));
	pool_free(&p);
}

static void restored_are_skipped(void **state)
{
	const uint8_t mac9[6] = { 2, 0, 0, 0, 0, 9 }, mac8[6] = { 2, 0, 0, 0, 0, 8 };
	struct in6_prefix prefix;
	struct lease *l;
	struct pool p;

	(void)state;
	begin(&p, "2001:db8:1:100::/56", 3);
	in6_prefix_parse("2001:db8:1:101::/64", &prefix);
	assert_int_equal(pool_restore(&p, mac9, &prefix, &l), 0);
	assert_int_equal(pool_restore(&p, mac8, &prefix, &l), -EEXIST);
	in6_prefix_parse("2001:db8:1:102::/64", &prefix);
	assert_int_equal(pool_restore(&p, mac9, &prefix, &l), -EEXIST);
	in6_prefix_parse("2001:db8:1:200::/64", &prefix);
	assert_int_equal(pool_restore(&p, mac8, &prefix, &l), -EINVAL);
	in6_prefix_parse("2001:db8:1:100::/64", &prefix);
	assert_int_equal(pool_restore(&p, mac8, &prefix, &l), -EINVAL);
	assert_prefix(take(&p, 1), "2001:db8:1:102::/64");
	assert_prefix(take(&p, 2), "2001:db8:1:103::/64");
	assert_null(take(&p, 3));				/* the configured bound */
	pool_free(&p);
}

/* Any order of taking, freeing and coming back: never one prefix for two hosts. */
static void no_prefix_twice(void **state)
{
	unsigned int seed = 1;
	struct pool p;

	(void)state;
	begin(&p, "2001:db8:1:100::/60", 100);
	for (unsigned int i = 0; i < 20000; i++) {
		uint8_t mac[6] = { 2, 0, 0, 0, 0, 0 };
		struct lease *l, *a, *next;
		unsigned int n = 0;

		seed = seed * 1103515245 + 12345;
		mac[5] = (uint8_t)(seed >> 16) % 40;
		l = pool_find_mac(&p, mac);
		if (!l)
			l = pool_take(&p, mac);
		else if (l->state == LEASE_FREE)
			pool_revive(&p, l);
		else
			pool_release(&p, l);
		HASH_ITER(by_mac, p.by_mac, a, next) {
			assert_ptr_equal(pool_find_addr(&p, &a->prefix.addr), a);
			n++;
		}
		assert_int_equal(n, p.n);
		assert_int_equal(HASH_CNT(by_prefix, p.by_prefix), p.n);
		assert_true(p.n <= 15);
	}
	pool_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_is_ours),
		cmocka_unit_test(too_small_a_pool),
		cmocka_unit_test(found_by_host_and_by_address),
		cmocka_unit_test(oldest_freed_goes_first_but_after_the_fresh),
		cmocka_unit_test(returning_host_has_its_own_again),
		cmocka_unit_test(restored_are_skipped),
		cmocka_unit_test(no_prefix_twice),
	};

	return cmocka_run_group_tests_name("prefix", tests, NULL, NULL);
}
