/* SPDX-License-Identifier: BSD-2-Clause */
/* links: the pure files of mn-agent/, common/core/ without conf.c, common/wire/ (-lcrypto) */
/*
 * After a restart, before its interfaces have heard their routers again: an address that a flow
 * uses is kept whatever happens to its link, and none is left on which one begins that nobody
 * carries.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/mn_fake.h"

/* Our own care-of address of the earlier run, with a random identifier. */
static struct in6_addr own_addr(void)
{
	return at(1, "2001:db8:0:101:5eed:1:2:3");
}

static void restore(struct world *w, const struct in6_addr *hoa, bool own)
{
	struct mn_restore r = { .hoa = *hoa, .seq = 7 };

	r.prefix = (struct in6_prefix){ prefix_of(1), 64 };
	r.ha = ha_of(1);
	r.valid_until = w->now + 3600 * S;
	if (own)
		mn_restore_coa(&w->mn, hoa);
	assert_int_equal(mn_restore(&w->mn, &r, w->now), 0);
}

static void eth_hears(struct world *w, unsigned int router)
{
	struct mn_link l = { .ifindex = IF2, .name = "eth0", .up = true, .eui64 = true,
			     .mac = { 2, 0, 0, 0, 0, 0x0e } };
	struct nd_ra ra = advertisement(router, false);
	uint8_t room[1280];
	size_t len = make_ra(room, sizeof(room), router, &ra);

	mn_link(&w->mn, &l, w->now);
	mn_rx_nd(&w->mn, IF2, router_mac, room, len, w->now);
}

/* The kernel takes its address off with the link, before a router was heard there. */
static void a_link_that_goes_at_once(void **state)
{
	struct in6_addr hoa = kernel_addr(1), idle = at(1, "2001:db8:0:101::77");
	struct world *w = *state;

	restore(w, &hoa, false);
	restore(w, &idle, false);
	link_is(w, true, false);
	address(w, &hoa, false);
	address(w, &idle, false);
	flow(w, &hoa);
	forget(w);
	link_is(w, false, false);
	address(w, &hoa, true);
	address(w, &idle, true);
	assert_true(where(w, ADDR_SET, &hoa) >= 0);
	assert_true(mn_wants_addr(&w->mn, &hoa));
	assert_false(mn_wants_addr(&w->mn, &idle));
	assert_string_equal(state_of(w, &idle), "none");
	/* And it goes on wherever the host is next. */
	link_is(w, true, false);
	hear_router(w, 2);
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");
}

/* The link went and came at the same place while nobody looked, and the kernel's address with
 * it: what flows use is kept on our own device, the rest is forgotten. */
static void an_address_that_went_meanwhile(void **state)
{
	struct in6_addr hoa = at(1, "2001:db8:0:101::66"), idle = at(1, "2001:db8:0:101::77");
	struct world *w = *state;

	restore(w, &hoa, false);
	restore(w, &idle, false);
	flow(w, &hoa);
	link_is(w, true, false);
	hear_router(w, 1);
	assert_true(mn_wants_addr(&w->mn, &hoa));
	assert_string_equal(state_of(w, &hoa), "attached");
	assert_false(mn_wants_addr(&w->mn, &idle));
	assert_string_equal(state_of(w, &idle), "none");
}

/* At its own place nothing is away, and nobody needs fast attach: but flows use the address. */
static void a_care_of_address_in_use_at_its_place(void **state)
{
	struct in6_addr own = own_addr(), kernel = kernel_addr(1);
	struct world *w = *state;

	restore(w, &own, true);
	flow(w, &own);
	link_is(w, true, false);
	hear_router(w, 1);
	address(w, &kernel, false);
	after(w, 40 * S);
	assert_int_equal(where(w, ADDR_UNSET, &own), -1);
	assert_true(mn_wants_addr(&w->mn, &own));
	assert_string_equal(state_of(w, &own), "attached");
	/* The kernel's own is there: with the last flow ours goes. */
	end_flow(w, &own);
	after(w, 20 * S);
	assert_true(where(w, ADDR_UNSET, &own) >= 0);
	assert_string_equal(state_of(w, &own), "none");
}

/* No link for long: what removes leftovers of the earlier run leaves it alone. */
static void a_care_of_address_while_there_is_no_link(void **state)
{
	struct in6_addr own = own_addr();
	struct world *w = *state;

	restore(w, &own, true);
	link_is(w, false, false);
	after(w, 60 * S);
	assert_true(mn_wants_addr(&w->mn, &own));
	flow(w, &own);
	link_is(w, true, false);
	hear_router(w, 2);
	grant(w, &own);
	assert_string_equal(state_of(w, &own), "bound");
	assert_int_equal(where(w, ADDR_UNSET, &own), -1);
}

/* Another interface is heard first, and its own goes before it is heard: it was no more than
 * preferred by the kernel, and nothing would carry a flow that begins on it. */
static void a_care_of_address_without_anchor(void **state)
{
	struct in6_addr own = own_addr();
	struct world *w = *state;

	restore(w, &own, true);
	link_is(w, true, false);
	eth_hears(w, 2);
	after(w, 1 * MS);
	assert_string_equal(state_of(w, &own), "none");
	assert_true(where(w, ADDR_UNSET, &own) >= 0);
	assert_false(mn_wants_addr(&w->mn, &own));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_link_that_goes_at_once), T(an_address_that_went_meanwhile),
		T(a_care_of_address_in_use_at_its_place),
		T(a_care_of_address_while_there_is_no_link), T(a_care_of_address_without_anchor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
