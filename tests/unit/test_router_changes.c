/* SPDX-License-Identifier: BSD-2-Clause */
/* links: the mobile node without its edges ($(mn_core) in Makefile.am) */
/*
 * An access router that changes what it says while the host is there, or until it comes back;
 * and one that is no home agent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/mn_fake.h"

/* Router 1 with another prefix, as after it has lost what it had given to whom. */
static struct in6_addr second_prefix(void)
{
	struct in6_addr p = prefix_of(1);

	p.s6_addr[7] = 2;
	return p;
}

static struct in6_addr second_addr(void)
{
	struct in6_addr p = second_prefix(), a;

	in6_eui64(&a, &p, our_mac);
	return a;
}

static struct nd_ra with_second_prefix(void)
{
	struct nd_ra ra = advertisement(1, false);

	ra.prefixes[0].prefix = second_prefix();
	return ra;
}

static void nothing_moved(const struct world *w)
{
	assert_int_equal(count(w, SENT_BU), 0);
	assert_int_equal(count(w, ADDR_DROP), 0);
	assert_int_equal(count(w, TUNNEL_SET), 0);
}

/* --- the home agent ------------------------------------------------------------------- */

/* RFC 6275 11.5.2: the prefix tells whether this is home. The address stays one of the link,
 * and the home agent that it had is asked for help when the host has left. */
static void is_no_home_agent_any_more(void **state)
{
	struct in6_addr a = kernel_addr(1), b = kernel_addr(1);
	struct world *w = *state;
	struct nd_ra ra = advertisement(1, false);

	attached(w);
	flow(w, &a);
	forget(w);
	ra.flags = 0;
	ra.n_prefixes = 1;
	hear(w, 1, &ra);
	after(w, 2 * S);
	assert_string_equal(state_of(w, &a), "attached");
	nothing_moved(w);
	/* What is formed now has none. */
	b.s6_addr[15] ^= 1;
	address(w, &b, false);
	assert_string_equal(state_of(w, &b), "none");
	move_link_to(w, 2);
	assert_string_equal(state_of(w, &a), "registering");
	grant(w, &a);
	assert_string_equal(state_of(w, &a), "bound");
}

static void has_another_home_agent_address(void **state)
{
	struct in6_addr a = kernel_addr(1), other = ha_of(1);
	struct world *w = *state;
	struct nd_ra ra = advertisement(1, false);

	other.s6_addr[15] = 0x77;
	attached(w);
	flow(w, &a);
	forget(w);
	ra.prefixes[1].prefix = other;
	hear(w, 1, &ra);
	after(w, 2 * S);
	assert_string_equal(state_of(w, &a), "attached");
	nothing_moved(w);
	assert_true(in6_eq(&mn_find_anchor(&w->mn, &a)->ha, &other));
	move_link_to(w, 2);
	assert_string_equal(state_of(w, &a), "registering");
	assert_int_equal(count(w, SENT_BU), 1);
}

/* Away, nothing is believed of it; back, the binding is ended where it was made. */
static void has_another_home_agent_address_at_return(void **state)
{
	struct in6_addr a = kernel_addr(1), old = ha_of(1), other = ha_of(1);
	struct world *w = *state;
	struct nd_ra ra = advertisement(1, false);

	other.s6_addr[15] = 0x77;
	away(w);
	link_is(w, false, true);
	link_is(w, true, true);
	ra.prefixes[1].prefix = other;
	forget(w);
	hear(w, 1, &ra);
	assert_string_equal(state_of(w, &a), "returning");
	assert_true(in6_eq(&mn_find_anchor(&w->mn, &a)->ha, &old));
	grant(w, &a);
	assert_string_equal(state_of(w, &a), "attached");
	hear(w, 1, &ra);
	assert_true(in6_eq(&mn_find_anchor(&w->mn, &a)->ha, &other));
}

/* --- the prefix ------------------------------------------------------------------------- */

/* The same router, without a link event: what has flows is registered from the new address, and
 * what is formed now is an anchor too. */
static void hands_out_another_prefix(void **state)
{
	struct in6_addr a = kernel_addr(1), b = second_addr();
	struct nd_ra ra = with_second_prefix();
	struct world *w = *state;

	attached(w);
	flow(w, &a);
	forget(w);
	hear(w, 1, &ra);
	after(w, 1 * S);
	assert_string_equal(state_of(w, &a), "registering");
	assert_string_equal(state_of(w, &b), "attached");
	assert_true(in6_eq(&w->log[where(w, SENT_BU, &a)].other, &b));
	/* It has forgotten the old one: so it says, and it is told. */
	{
		struct ba ba = answer(w, &a);

		ba.status = BA_NOT_HOME_AGENT;
		deliver(w, &ba);
	}
	assert_string_equal(state_of(w, &a), "refused");
	end_flow(w, &a);
	after(w, 6 * S);
	assert_string_equal(state_of(w, &a), "none");
	assert_string_equal(state_of(w, &b), "attached");
}

static void hands_out_another_prefix_later(void **state)
{
	struct in6_addr a = kernel_addr(1), b = second_addr();
	struct nd_ra ra = with_second_prefix();
	struct world *w = *state;

	attached(w);
	forget(w);
	hear(w, 1, &ra);
	after(w, 1 * S);
	assert_string_equal(state_of(w, &a), "none");	/* nothing used it */
	address(w, &b, false);
	assert_string_equal(state_of(w, &b), "attached");
}

static void two_visits_two_prefixes(void **state)
{
	struct in6_addr a = kernel_addr(1), b = second_addr();
	struct nd_ra ra = with_second_prefix();
	struct world *w = *state;

	away(w);
	link_is(w, false, true);
	after(w, 20 * MS);
	link_is(w, true, true);
	forget(w);
	hear(w, 1, &ra);
	/* The router is the same, the link of that address it is not. */
	assert_string_equal(state_of(w, &a), "registering");
	assert_true(in6_eq(&w->log[where(w, SENT_BU, &a)].other, &b));
	grant(w, &a);
	flow(w, &b);
	move_link_to(w, 3);
	assert_string_equal(state_of(w, &a), "registering");
	assert_string_equal(state_of(w, &b), "registering");
	grant(w, &a);
	grant(w, &b);
	after(w, 1 * S);
	/* Home for one of them. */
	move_link_to(w, 1);
	assert_string_equal(state_of(w, &a), "returning");
	grant(w, &a);
	assert_string_equal(state_of(w, &a), "attached");
	grant(w, &b);
	assert_string_equal(state_of(w, &b), "bound");
}

/* Lifetimes of zero: nothing begins on it any more, and what has begun lasts as long as was told
 * before; the address is still one of the link. */
static void withdraws_its_prefix(void **state)
{
	struct in6_addr a = kernel_addr(1), b = second_addr();
	struct nd_ra ra = advertisement(1, true);
	struct world *w = *state;
	usec_t end;

	attached(w);
	flow(w, &a);
	end = mn_find_anchor(&w->mn, &a)->valid_until;
	forget(w);
	ra.prefixes[0].valid_s = ra.prefixes[0].preferred_s = 0;
	hear(w, 1, &ra);
	after(w, 10 * S);
	assert_string_equal(state_of(w, &a), "attached");
	assert_int_equal(mn_find_anchor(&w->mn, &a)->valid_until, end);
	nothing_moved(w);
	/* With another in its place: registered from there. */
	ra.prefixes[2] = ra.prefixes[0];
	ra.prefixes[2].prefix = second_prefix();
	ra.prefixes[2].valid_s = ra.prefixes[2].preferred_s = 3600;
	ra.n_prefixes = 3;
	address(w, &b, false);
	hear(w, 1, &ra);
	after(w, 1 * S);
	assert_string_equal(state_of(w, &b), "attached");
	assert_string_equal(state_of(w, &a), "registering");
	assert_true(in6_eq(&w->log[where(w, SENT_BU, &a)].other, &b));
}

/* Two at a time: the older one goes on, deprecated or not. */
static void adds_a_prefix(void **state)
{
	struct in6_addr a = kernel_addr(1), b = second_addr();
	struct nd_ra ra = advertisement(1, false);
	struct world *w = *state;

	attached(w);
	flow(w, &a);
	forget(w);
	ra.prefixes[2] = ra.prefixes[1];
	ra.prefixes[1] = ra.prefixes[0];
	ra.prefixes[1].preferred_s = 0;
	ra.prefixes[0].prefix = second_prefix();
	ra.n_prefixes = 3;
	hear(w, 1, &ra);
	address(w, &b, false);
	after(w, 1 * S);
	assert_string_equal(state_of(w, &a), "attached");
	assert_string_equal(state_of(w, &b), "attached");
	nothing_moved(w);
}

/* RFC 4862 5.5.3 e: nobody can end an address by a short lifetime; RFC 6275 11.4.3 has the same
 * rules for what is told from afar. */
static void short_lifetimes_are_not_believed(void **state)
{
	struct in6_addr a = kernel_addr(1);
	struct nd_ra ra = advertisement(1, false);
	struct world *w = *state;
	usec_t end;

	attached(w);
	flow(w, &a);
	end = mn_find_anchor(&w->mn, &a)->valid_until;
	ra.prefixes[0].valid_s = ra.prefixes[0].preferred_s = 1;
	hear(w, 1, &ra);
	after(w, 10 * S);
	assert_string_equal(state_of(w, &a), "attached");
	assert_int_equal(mn_find_anchor(&w->mn, &a)->valid_until, end);
	ra.prefixes[0].valid_s = ra.prefixes[0].preferred_s = 36000;
	hear(w, 1, &ra);
	assert_int_equal(mn_find_anchor(&w->mn, &a)->valid_until, w->now + 36000 * S);
	ra.prefixes[0].valid_s = ra.prefixes[0].preferred_s = 60;
	hear(w, 1, &ra);
	assert_int_equal(mn_find_anchor(&w->mn, &a)->valid_until, w->now + 7200 * S);
}

/* Its beacons tell that it is there, not that our prefix is still ours: from time to time it
 * is asked. */
static void prefix_is_made_sure_of(void **state)
{
	struct in6_addr a = kernel_addr(1), b = second_addr();
	struct nd_ra beacon = advertisement(1, false), ra = with_second_prefix();
	struct world *w = *state;

	attached(w);
	flow(w, &a);
	forget(w);
	beacon.prefixes[0] = beacon.prefixes[1];
	beacon.n_prefixes = 1;
	for (int n = 0; n < 60; n++) {
		hear(w, 1, &beacon);
		after(w, 5 * S);
	}
	assert_int_equal(count(w, SENT_LINK), 0);
	for (int n = 0; n < 72; n++) {
		hear(w, 1, &beacon);
		after(w, 5 * S);
	}
	assert_in_range(count(w, SENT_LINK), 1, 3);
	end_flow(w, &a);
	hear(w, 1, &ra);
	assert_string_equal(state_of(w, &b), "attached");
	forget(w);
	for (int n = 0; n < 60; n++) {
		hear(w, 1, &beacon);
		after(w, 5 * S);
	}
	assert_int_equal(count(w, SENT_LINK), 0);
}

/* --- no home agent at all ---------------------------------------------------------------- */

static void plain_router(struct world *w, unsigned int router)
{
	struct in6_addr a = kernel_addr(router);
	struct nd_ra ra = advertisement(router, true);

	ra.flags = 0;
	ra.n_prefixes = 1;
	link_is(w, false, true);
	after(w, 20 * MS);
	link_is(w, true, true);
	hear(w, router, &ra);
	address(w, &a, false);
	after(w, 1 * S);
}

/* What begins there ends with the move, is told of, and nothing is kept for it. */
static void flows_of_a_plain_router_end(void **state)
{
	struct in6_addr a = kernel_addr(1), b = kernel_addr(2);
	struct world *w = *state;
	char words[512];

	attached(w);
	flow(w, &a);
	plain_router(w, 2);
	assert_string_equal(state_of(w, &b), "none");
	assert_string_equal(state_of(w, &a), "registering");
	grant(w, &a);
	assert_true(mn_health(&w->mn, words, sizeof(words)));
	assert_non_null(strstr(words, "no home agent"));
	flow(w, &b);
	flow(w, &b);
	forget(w);
	move_link_to(w, 3);
	assert_int_equal(w->mn.counters[MN_C_FLOWS_LOST], 2);
	assert_non_null(strstr(w->lost, "2 flows of 2001:db8:2:101:"));
	assert_true(where(w, ADDR_DROP, &b) >= 0);
	assert_string_equal(state_of(w, &b), "none");
	assert_string_equal(state_of(w, &a), "registering");
	/* The kernel says that it is gone, as it was told to: that is no second loss. */
	address(w, &b, true);
	assert_int_equal(w->mn.counters[MN_C_FLOWS_LOST], 2);
	grant(w, &a);
	after(w, 60 * S);
	assert_false(mn_wants_addr(&w->mn, &b));
}

/* Whoever manages the interface took the address off when the link went. */
static void flushed_and_elsewhere(void **state)
{
	struct in6_addr b = kernel_addr(2);
	struct world *w = *state;

	attached(w);
	plain_router(w, 2);
	flow(w, &b);
	link_is(w, false, true);
	address(w, &b, true);
	assert_int_equal(w->mn.counters[MN_C_FLOWS_LOST], 0);
	link_is(w, true, true);
	hear_router(w, 3);
	assert_int_equal(w->mn.counters[MN_C_FLOWS_LOST], 1);
}

static void flushed_and_back(void **state)
{
	struct in6_addr b = kernel_addr(2);
	struct world *w = *state;

	attached(w);
	plain_router(w, 2);
	flow(w, &b);
	link_is(w, false, true);
	address(w, &b, true);
	plain_router(w, 2);
	assert_int_equal(w->mn.counters[MN_C_FLOWS_LOST], 0);
	/* Taken away while the router is there. */
	address(w, &b, true);
	assert_int_equal(w->mn.counters[MN_C_FLOWS_LOST], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(is_no_home_agent_any_more), T(has_another_home_agent_address),
		T(has_another_home_agent_address_at_return), T(hands_out_another_prefix),
		T(hands_out_another_prefix_later), T(two_visits_two_prefixes), T(withdraws_its_prefix), T(adds_a_prefix),
		T(short_lifetimes_are_not_believed), T(prefix_is_made_sure_of),
		T(flows_of_a_plain_router_end), T(flushed_and_elsewhere), T(flushed_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
