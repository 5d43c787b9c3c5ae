/* SPDX-License-Identifier: BSD-2-Clause */
/* The home agents list: what advertisements make of it, and the order of an answer. */
/* links: ha-agent/halist.c common/core/in6.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "ha-agent/halist.h"

static struct halist list;
static struct in6_addr order[ND_MAX_HA];

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(in6_parse(text, &a), 0);
	return a;
}

static struct nd_ra agent(uint16_t preference, uint16_t lifetime_s)
{
	return (struct nd_ra){
		.flags = RA_FLAG_HOME_AGENT, .router_lifetime_s = 1800, .has_ha_info = true,
		.ha_preference = preference, .ha_lifetime_s = lifetime_s,
	};
}

static void add_address(struct nd_ra *ra, const char *text, uint32_t valid_s)
{
	ra->prefixes[ra->n_prefixes++] = (struct nd_prefix){
		.prefix = addr(text), .plen = 64, .flags = PIO_FLAG_ROUTER,
		.valid_s = valid_s, .preferred_s = valid_s,
	};
}

static enum halist_change learn(const char *from, const struct nd_ra *ra, usec_t now)
{
	struct in6_addr linklocal = addr(from);

	return halist_learn(&list, &linklocal, ra, now);
}

/* A home agent with one address. */
static void learn_one(const char *from, const char *address, uint16_t preference)
{
	struct nd_ra ra = agent(preference, 1000);

	add_address(&ra, address, 3600);
	assert_int_equal(learn(from, &ra, 0), HALIST_NEW);
}

static unsigned int answer(uint64_t seed, usec_t now, unsigned int max)
{
	struct halist_choice c = { 0 };

	halist_choose_list(&c, &list);
	return halist_order(&c, seed, now, order, max);
}

static void assert_answer(usec_t now, unsigned int n, const char *const texts[])
{
	assert_int_equal(answer(1, now, ND_MAX_HA), n);
	for (unsigned int i = 0; i < n; i++)
		assert_string_equal(in6_str(&order[i]).s, texts[i]);
}
#define ASSERT_ANSWER(now, ...) \
	assert_answer((now), sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *), \
		      (const char *[]){ __VA_ARGS__ })
#define ASSERT_NO_ANSWER(now)	assert_int_equal(answer(1, (now), ND_MAX_HA), 0)

static int setup(void **state)
{
	(void)state;
	memset(&list, 0, sizeof(list));
	return 0;
}

static void by_preference(void **state)
{
	(void)state;
	learn_one("fe80::1", "2001:db8::1", 0);
	learn_one("fe80::2", "2001:db8::2", 0xffff);
	learn_one("fe80::3", "2001:db8::3", 7);
	ASSERT_ANSWER(0, "2001:db8::2", "2001:db8::3", "2001:db8::1");
}

static void defaults_without_the_option(void **state)
{
	struct nd_ra ra = agent(9, 9);

	(void)state;
	ra.has_ha_info = false;
	add_address(&ra, "2001:db8::1", 3600);
	assert_int_equal(learn("fe80::1", &ra, 0), HALIST_NEW);
	learn_one("fe80::2", "2001:db8::2", 1);
	/* Preference 0, lifetime of the router. */
	ASSERT_ANSWER(0, "2001:db8::2", "2001:db8::1");
	ASSERT_ANSWER(1799 * USEC_S, "2001:db8::1");
	ASSERT_NO_ANSWER(1800 * USEC_S);
}

static void preference_and_lifetime_change(void **state)
{
	struct nd_ra ra = agent(5, 10);

	(void)state;
	learn_one("fe80::1", "2001:db8::1", 1);
	learn_one("fe80::2", "2001:db8::2", 3);
	ASSERT_ANSWER(0, "2001:db8::2", "2001:db8::1");
	assert_int_equal(learn("fe80::1", &ra, 0), HALIST_KEPT);
	/* The address is known although this advertisement did not repeat it. */
	ASSERT_ANSWER(0, "2001:db8::1", "2001:db8::2");
	ASSERT_ANSWER(10 * USEC_S, "2001:db8::2");
}

static void lifetimes_end(void **state)
{
	struct nd_ra ra = agent(0, 30);

	(void)state;
	add_address(&ra, "2001:db8::1", 20);
	add_address(&ra, "2001:db8::2", UINT32_MAX);
	assert_int_equal(learn("fe80::1", &ra, 0), HALIST_NEW);
	assert_int_equal(answer(1, 19 * USEC_S, ND_MAX_HA), 2);
	ASSERT_ANSWER(20 * USEC_S, "2001:db8::2");
	ASSERT_NO_ANSWER(30 * USEC_S);
	/* It is new when it comes again. */
	ra.n_prefixes = 0;
	assert_int_equal(learn("fe80::1", &ra, 40 * USEC_S), HALIST_NEW);
	ASSERT_NO_ANSWER(40 * USEC_S);
}

static void no_home_agent_any_more(void **state)
{
	struct nd_ra plain = agent(0, 100), zero = agent(0, 0), zero_router = agent(0, 9);

	(void)state;
	plain.flags = 0;
	assert_int_equal(learn("fe80::1", &plain, 0), HALIST_NONE);
	learn_one("fe80::1", "2001:db8::1", 0);
	assert_int_equal(learn("fe80::1", &plain, 1), HALIST_REMOVED);
	ASSERT_NO_ANSWER(1);

	assert_int_equal(learn("fe80::1", &zero, 2), HALIST_NONE);
	learn_one("fe80::1", "2001:db8::1", 0);
	assert_int_equal(learn("fe80::1", &zero, 3), HALIST_REMOVED);
	ASSERT_NO_ANSWER(3);

	zero_router.has_ha_info = false;
	zero_router.router_lifetime_s = 0;
	learn_one("fe80::1", "2001:db8::1", 0);
	assert_int_equal(learn("fe80::1", &zero_router, 4), HALIST_REMOVED);
	ASSERT_NO_ANSWER(4);
}

static void only_addresses_of_routers(void **state)
{
	struct nd_ra ra = agent(0, 100);

	(void)state;
	add_address(&ra, "2001:db8::", 3600);
	ra.prefixes[0].flags = PIO_FLAG_ONLINK | PIO_FLAG_AUTO;
	add_address(&ra, "fe80::77", 3600);
	add_address(&ra, "ff02::1", 3600);
	add_address(&ra, "::", 3600);
	assert_int_equal(learn("fe80::1", &ra, 0), HALIST_NEW);
	ASSERT_NO_ANSWER(0);
}

static void an_address_is_withdrawn(void **state)
{
	struct nd_ra ra = agent(0, 100);

	(void)state;
	learn_one("fe80::1", "2001:db8::1", 0);
	add_address(&ra, "2001:db8::1", 0);
	add_address(&ra, "2001:db8:9::1", 100);
	assert_int_equal(learn("fe80::1", &ra, 0), HALIST_KEPT);
	ASSERT_ANSWER(0, "2001:db8:9::1");
}

/* How often each of the first n came first, in 1000 answers. */
static void count_first(unsigned int counts[], unsigned int n)
{
	for (uint64_t seed = 0; seed < 1000; seed++) {
		assert_true(answer(seed, 0, ND_MAX_HA) >= n);
		assert_in_range(order[0].s6_addr[15], 1, n);
		counts[order[0].s6_addr[15] - 1]++;
	}
}

static void equal_ones_take_turns(void **state)
{
	unsigned int first[2] = { 0 };

	(void)state;
	learn_one("fe80::1", "2001:db8::1", 7);
	learn_one("fe80::2", "2001:db8::2", 7);
	learn_one("fe80::3", "2001:db8::3", 6);
	count_first(first, 2);
	assert_in_range(first[0], 400, 600);
	assert_string_equal(in6_str(&order[2]).s, "2001:db8::3");
}

static void addresses_of_one_take_turns(void **state)
{
	struct nd_ra ra = agent(7, 100);
	unsigned int first[3] = { 0 };

	(void)state;
	add_address(&ra, "2001:db8::1", 100);
	add_address(&ra, "2001:db8::2", 100);
	add_address(&ra, "2001:db8::3", 100);
	assert_int_equal(learn("fe80::1", &ra, 0), HALIST_NEW);
	learn_one("fe80::2", "2001:db8::4", 6);
	count_first(first, 3);
	for (unsigned int i = 0; i < 3; i++)
		assert_in_range(first[i], 250, 420);
	assert_string_equal(in6_str(&order[3]).s, "2001:db8::4");
}

static void the_best_where_room_is_short(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= 20; i++) {
		struct nd_ra ra = agent((uint16_t)i, 100);
		struct in6_addr from = addr("fe80::");

		add_address(&ra, "2001:db8::", 100);
		ra.prefixes[0].prefix.s6_addr[15] = from.s6_addr[15] = (uint8_t)i;
		assert_int_equal(halist_learn(&list, &from, &ra, 0), HALIST_NEW);
	}
	assert_int_equal(answer(3, 0, 4), 4);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(order[i].s6_addr[15], 20 - i);
}

static void bounded(void **state)
{
	struct nd_ra ra = agent(0, 100);
	struct in6_addr from = addr("fe80::");

	(void)state;
	for (unsigned int i = 0; i < HALIST_MAX_ADDRESSES + 3; i++) {
		add_address(&ra, "2001:db8::", 100);
		ra.prefixes[i].prefix.s6_addr[15] = (uint8_t)i;
	}
	for (unsigned int i = 0; i < HALIST_MAX; i++) {
		from.s6_addr[15] = (uint8_t)i;
		assert_int_equal(halist_learn(&list, &from, &ra, 0), HALIST_NEW);
	}
	/* Each address once, however many claim it. */
	assert_int_equal(answer(1, 0, ND_MAX_HA), HALIST_MAX_ADDRESSES);
	from.s6_addr[15] = HALIST_MAX;
	assert_int_equal(halist_learn(&list, &from, &ra, 0), HALIST_FULL);
	/* What is over makes room. */
	assert_int_equal(halist_learn(&list, &from, &ra, 100 * USEC_S), HALIST_NEW);
	assert_int_equal(list.n, 1);
}

static void own_entry_among_them(void **state)
{
	struct halist_entry own = {
		.preference = 5, .until = USEC_NEVER, .n_addresses = 1,
		.addresses = { { addr("2001:db8::55"), USEC_NEVER } },
	};
	struct halist_choice c = { 0 };

	(void)state;
	learn_one("fe80::1", "2001:db8::1", 9);
	learn_one("fe80::2", "2001:db8::2", 1);
	halist_choose(&c, &own);
	halist_choose_list(&c, &list);
	assert_int_equal(halist_order(&c, 1, 0, order, ND_MAX_HA), 3);
	assert_string_equal(in6_str(&order[1]).s, "2001:db8::55");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(by_preference, setup),
		cmocka_unit_test_setup(defaults_without_the_option, setup),
		cmocka_unit_test_setup(preference_and_lifetime_change, setup),
		cmocka_unit_test_setup(lifetimes_end, setup),
		cmocka_unit_test_setup(no_home_agent_any_more, setup),
		cmocka_unit_test_setup(only_addresses_of_routers, setup),
		cmocka_unit_test_setup(an_address_is_withdrawn, setup),
		cmocka_unit_test_setup(equal_ones_take_turns, setup),
		cmocka_unit_test_setup(addresses_of_one_take_turns, setup),
		cmocka_unit_test_setup(the_best_where_room_is_short, setup),
		cmocka_unit_test_setup(bounded, setup),
		cmocka_unit_test_setup(own_entry_among_them, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
