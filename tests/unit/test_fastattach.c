/* SPDX-License-Identifier: BSD-2-Clause */
/* links: mn-agent/mn.c mn-agent/receive.c mn-agent/flows.c mn-agent/attach.c mn-agent/coa.c mn-agent/handover.c
 * mn-agent/anchor.c mn-agent/movement.c mn-agent/discover.c mn-agent/solicit.c
 * mn-agent/bu.c common/wire/buf.c common/wire/cksum.c common/wire/ext.c common/wire/icmp6.c common/wire/mh.c
 * common/wire/mhopt.c common/core/in6.c common/core/auth.c common/core/backoff.c
 * common/core/timer.c common/core/log.c (-lcrypto) */
/*
 * Fast attach in a prefix that other hosts share: an optimistic address of our own is the
 * care-of address at once, another is made where another host has it, and it goes when nothing
 * needs it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/mn_fake.h"

/* Leaves router 1 with a flow, for the shared link of router 2; the address that was made. */
static struct in6_addr arrive(struct world *w)
{
	struct in6_addr hoa = kernel_addr(1);
	struct nd_ra ra = advertisement(2, true);

	attached(w);
	flow(w, &hoa);
	w->optimistic = true;
	forget(w);
	link_is(w, false, true);
	link_is(w, true, true);
	hear(w, 2, &ra);
	assert_int_equal(count(w, ADDR_ADD), 1);
	return w->log[where(w, ADDR_ADD, NULL)].addr;
}

static void tell(struct world *w, const struct in6_addr *addr, bool usable)
{
	struct mn_addr m = { .ifindex = IF, .addr = *addr, .plen = 64, .usable = usable };

	mn_addr(&w->mn, &m, false, w->now);
}

static bool any_ours(const struct world *w)
{
	bool any = false;

	for (unsigned int n = 0; n < w->mn.ifaces->n_addrs; n++)
		any |= w->mn.ifaces->addrs[n].ours;
	return any;
}

static void registered_in_the_same_turn(void **state)
{
	struct in6_addr hoa = kernel_addr(1), prefix = prefix_of(2), there = kernel_addr(2), coa;
	struct world *w = *state;

	coa = arrive(w);
	assert_memory_equal(&coa, &prefix, 8);
	assert_before(w, ADDR_ADD, &coa, SENT_BU, &hoa);
	assert_before(w, PATH_SET, NULL, SENT_BU, &hoa);
	assert_true(in6_eq(&w->log[where(w, SENT_BU, &hoa)].other, &coa));
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");
	/* Its detection ends, and the kernel's own address is there: nothing changes. */
	forget(w);
	tell(w, &coa, true);
	address(w, &there, false);
	after(w, 1 * S);
	assert_int_equal(count(w, SENT_BU), 0);
	assert_int_equal(count(w, ADDR_DROP), 0);
}

static void nothing_is_made_without_need(void **state)
{
	struct nd_ra ra = advertisement(2, true);
	struct world *w = *state;

	attached(w);
	w->optimistic = true;
	link_is(w, false, true);
	link_is(w, true, true);
	hear(w, 2, &ra);
	assert_int_equal(count(w, ADDR_ADD), 0);
}

static void goes_with_the_last_anchor(void **state)
{
	struct in6_addr hoa = kernel_addr(1), there = kernel_addr(2), coa;
	struct world *w = *state;

	coa = arrive(w);
	grant(w, &hoa);
	tell(w, &coa, true);
	address(w, &there, false);
	end_flow(w, &hoa);
	after(w, 6 * S);
	assert_int_equal(where(w, ADDR_DROP, &coa), -1);	/* the release goes from there */
	grant(w, &hoa);
	after(w, 1 * S);
	assert_true(where(w, ADDR_DROP, &coa) >= 0);
	assert_string_equal(state_of(w, &hoa), "none");
	assert_string_equal(state_of(w, &there), "attached");
}

/* Somebody began something on it in the second before the kernel's own was there. */
static void stays_for_a_flow_of_its_own(void **state)
{
	struct in6_addr hoa = kernel_addr(1), there = kernel_addr(2), coa;
	struct world *w = *state;

	coa = arrive(w);
	grant(w, &hoa);
	tell(w, &coa, true);
	address(w, &there, false);
	flow(w, &coa);
	end_flow(w, &hoa);
	after(w, 6 * S);
	grant(w, &hoa);
	after(w, 30 * S);
	assert_int_equal(where(w, ADDR_DROP, &coa), -1);
	end_flow(w, &coa);
	after(w, 30 * S);
	assert_true(where(w, ADDR_DROP, &coa) >= 0);
}

static void left_with_the_link(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa;
	struct world *w = *state;

	coa = arrive(w);
	grant(w, &hoa);
	forget(w);
	/* Before the kernel has told anybody of it. */
	move_link_to(w, 3);
	assert_before(w, SENT_BU, &hoa, ADDR_DROP, &coa);
	/* And who was a neighbour there is none here. */
	assert_int_equal(count(w, ONLINK_GONE), 1);
	assert_before(w, SENT_BU, &hoa, ONLINK_GONE, &(struct in6_addr[]){ prefix_of(2) }[0]);
	assert_false(any_ours(w));
}

/* RFC 4429 3.3: another one, and the home agent is told of it. */
static void another_host_has_it(void **state)
{
	struct in6_addr hoa = kernel_addr(1), first, second;
	struct world *w = *state;

	first = arrive(w);
	grant(w, &hoa);
	forget(w);
	after(w, 1 * S);
	tell(w, &first, false);
	assert_true(where(w, ADDR_DROP, &first) >= 0);
	assert_int_equal(count(w, ADDR_ADD), 1);
	second = w->log[where(w, ADDR_ADD, NULL)].addr;
	assert_false(in6_eq(&first, &second));
	assert_true(in6_eq(&w->log[where(w, SENT_BU, &hoa)].other, &second));
	assert_int_equal(w->mn.counters[MN_C_COA_DUPLICATE], 1);
}

/* A link where somebody has every address: not for ever. */
static void everybody_has_it(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa;
	struct world *w = *state;

	coa = arrive(w);
	for (unsigned int n = 1; n <= 5; n++) {
		forget(w);
		after(w, 1 * S);
		tell(w, &coa, false);
		if (count(w, ADDR_ADD) == 0)
			break;
		coa = w->log[where(w, ADDR_ADD, NULL)].addr;
	}
	assert_int_equal(w->mn.counters[MN_C_COA_DUPLICATE], 3);
	assert_string_equal(state_of(w, &hoa), "departed");
	assert_false(any_ours(w));
	/* At another link there is hope again. */
	move_link_to(w, 3);
	assert_string_equal(state_of(w, &hoa), "registering");
}

static void the_carrier_flaps(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa;
	struct nd_ra ra = advertisement(2, true);
	struct world *w = *state;

	coa = arrive(w);
	grant(w, &hoa);
	forget(w);
	link_is(w, false, true);
	after(w, 20 * MS);
	link_is(w, true, true);
	hear(w, 2, &ra);
	assert_true(where(w, ADDR_ADD, &coa) >= 0);	/* if it is not there */
	assert_int_equal(where(w, ADDR_DROP, &coa), -1);
	assert_true(in6_eq(&w->mn.ifaces->coa, &coa));
}

/* An earlier run made it: used again, and not made twice. */
static void after_a_restart(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = prefix_of(2), there = kernel_addr(2);
	struct mn_restore r = { .hoa = hoa, .away = true, .tunnelled = true, .seq = 7 };
	struct mn_addr m = { .ifindex = IF, .plen = 64, .usable = true, .ours = true };
	struct nd_ra ra = advertisement(2, true);
	struct world *w = *state;

	coa.s6_addr[15] = 77;
	r.prefix = (struct in6_prefix){ prefix_of(1), 64 };
	r.ha = ha_of(1);
	r.valid_until = w->now + 3600 * S;
	assert_int_equal(mn_restore(&w->mn, &r, w->now), 0);
	w->optimistic = true;
	flow(w, &hoa);
	link_is(w, true, true);
	m.addr = coa;
	mn_addr(&w->mn, &m, false, w->now);
	address(w, &there, false);
	hear(w, 2, &ra);
	assert_int_equal(count(w, ADDR_ADD), 0);
	assert_true(in6_eq(&w->log[where(w, SENT_BU, &hoa)].other, &coa));
}

/* The same, and nothing is away: it is of no use. */
static void after_a_restart_without_need(void **state)
{
	struct in6_addr coa = prefix_of(2), there = kernel_addr(2);
	struct mn_addr m = { .ifindex = IF, .plen = 64, .usable = true, .ours = true };
	struct nd_ra ra = advertisement(2, true);
	struct world *w = *state;

	coa.s6_addr[15] = 77;
	m.addr = coa;
	link_is(w, true, true);
	mn_addr(&w->mn, &m, false, w->now);
	address(w, &there, false);
	hear(w, 2, &ra);
	after(w, 1 * S);
	assert_true(where(w, ADDR_DROP, &coa) >= 0);
	assert_int_equal(where(w, ADDR_DROP, &there), -1);
}

/* With several anchors the last one's update does not wait for the first one's tunnel. */
static void updates_leave_before_tunnels_are_made(void **state)
{
	struct in6_addr hoa[] = { kernel_addr(1), kernel_addr(2) };
	struct world *w = *state;

	attached(w);
	flow(w, &hoa[0]);
	move_link_to(w, 2);
	grant(w, &hoa[0]);
	address(w, &hoa[1], false);
	flow(w, &hoa[1]);
	forget(w);
	move_link_to(w, 3);
	assert_int_equal(count(w, SENT_BU), 2);
	assert_int_equal(count(w, TUNNEL_SET), 2);
	for (unsigned int n = 0; n < 4; n++)
		assert_before(w, SENT_BU, &hoa[n % 2], TUNNEL_SET, &hoa[n / 2]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(registered_in_the_same_turn), T(nothing_is_made_without_need),
		T(goes_with_the_last_anchor), T(stays_for_a_flow_of_its_own),
		T(left_with_the_link), T(another_host_has_it), T(everybody_has_it),
		T(the_carrier_flaps), T(after_a_restart), T(after_a_restart_without_need),
		T(updates_leave_before_tunnels_are_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
