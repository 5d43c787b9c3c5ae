/* SPDX-License-Identifier: BSD-2-Clause */
/* links: mn-agent/mn.c mn-agent/receive.c mn-agent/flows.c mn-agent/attach.c mn-agent/coa.c mn-agent/handover.c
 * mn-agent/home.c mn-agent/reconf.c mn-agent/anchor.c mn-agent/movement.c mn-agent/discover.c
 * mn-agent/solicit.c mn-agent/bu.c common/wire/buf.c common/wire/cksum.c common/wire/ext.c
 * common/wire/icmp6.c common/wire/mh.c common/wire/mhopt.c common/core/in6.c common/core/auth.c
 * common/core/backoff.c common/core/timer.c common/core/log.c (-lcrypto) */
/*
 * Where parts of the mobile node meet: a full table of addresses and a fast attach, another
 * care-of address and the road of the one before, a reload and what was put on a link, a
 * configured home and an anchor that is there already.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/mn_fake.h"

/* More addresses than are remembered, none of them of the new place: there is no room for one
 * of our making, and the kernel's own is waited for. */
static void no_room_for_an_address(void **state)
{
	struct in6_addr hoa = kernel_addr(1), other;
	struct nd_ra ra = advertisement(2, true);
	struct world *w = *state;

	attached(w);
	flow(w, &hoa);
	w->optimistic = true;
	for (unsigned int n = 0; n < MN_ADDRS_MAX; n++) {
		other = at(9, "2001:db8:0:900::");
		other.s6_addr[15] = (uint8_t)(n + 1);
		address(w, &other, false);
	}
	link_is(w, false, true);
	link_is(w, true, true);
	hear(w, 2, &ra);
	assert_int_equal(count(w, ADDR_ADD), 0);
	assert_string_equal(state_of(w, &hoa), "departed");
	/* What was left is gone, and there is room. */
	address(w, &hoa, true);
	other = kernel_addr(2);
	address(w, &other, false);
	assert_string_equal(state_of(w, &hoa), "registering");
}

/* Of router 2, for hosts that share them; and an address of the second one. */
static struct nd_ra two_prefixes(struct in6_addr *ret_second, struct in6_addr *ret_addr)
{
	struct nd_ra ra = advertisement(2, true);

	ra.n_prefixes = 3;
	ra.prefixes[2] = ra.prefixes[1];
	ra.prefixes[1] = ra.prefixes[0];
	ra.prefixes[1].prefix.s6_addr[7] ^= 2;
	*ret_second = *ret_addr = ra.prefixes[1].prefix;
	ret_addr->s6_addr[15] = 9;
	return ra;
}

/* The prefix of the care-of address is deprecated, another of the same router is taken: packets
 * from there have a road of their own, too. */
static void road_follows_the_care_of_address(void **state)
{
	struct in6_addr hoa = kernel_addr(1), here = kernel_addr(2), second, there;
	struct nd_ra ra = two_prefixes(&second, &there);
	struct world *w = *state;

	attached(w);
	flow(w, &hoa);
	link_is(w, false, true);
	link_is(w, true, true);
	hear(w, 2, &ra);
	address(w, &here, false);
	address(w, &there, false);
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");
	forget(w);
	ra.prefixes[0].preferred_s = 0;
	hear(w, 2, &ra);
	assert_true(in6_eq(&w->log[where(w, SENT_BU, &hoa)].other, &there));
	assert_before(w, PATH_SET, &second, SENT_BU, &hoa);
}

/* An interface that is not to be used any more is left as it was before us. */
static void nothing_stays_on_an_interface_given_up(void **state)
{
	struct in6_addr hoa = kernel_addr(1), second, there, coa;
	struct nd_ra ra = two_prefixes(&second, &there);
	struct world *w = *state;
	struct mn_config old;

	attached(w);
	flow(w, &hoa);
	w->optimistic = true;
	link_is(w, false, true);
	link_is(w, true, true);
	hear(w, 2, &ra);
	coa = w->log[where(w, ADDR_ADD, NULL)].addr;
	address(w, &coa, false);
	/* It has a flow of its own when another one becomes the care-of address. */
	flow(w, &coa);
	ra.prefixes[0].preferred_s = 0;
	hear(w, 2, &ra);
	address(w, &there, false);
	after(w, 30 * S);
	assert_int_equal(w->mn.ifaces->coa_source, COA_KERNEL);
	assert_int_equal(where(w, ADDR_DROP, &coa), -1);
	old = w->cfg;
	w->cfg.never.n = 1;
	snprintf(w->cfg.never.name[0], MN_NAME_MAX, "wlan0");
	mn_reconfigured(&w->mn, &old, w->now);
	assert_null(w->mn.ifaces);
	assert_true(where(w, ADDR_DROP, &coa) >= 0);
}

/* udev gives an interface its name after the kernel has told of it. */
static void a_new_name_counts(void **state)
{
	struct mn_link l = { .ifindex = IF, .name = "wlan0", .up = true };
	struct world *w = *state;

	w->cfg.n_interfaces = 2;
	snprintf(w->cfg.interfaces[0], MN_NAME_MAX, "wlp3s0");
	snprintf(w->cfg.interfaces[1], MN_NAME_MAX, "wlan0");
	w->cfg.never.n = 1;
	snprintf(w->cfg.never.name[0], MN_NAME_MAX, "guest*");
	mn_link(&w->mn, &l, w->now);
	assert_int_equal(w->mn.ifaces->preference, 1);
	snprintf(l.name, sizeof(l.name), "wlp3s0");
	mn_link(&w->mn, &l, w->now);
	assert_int_equal(w->mn.ifaces->preference, 0);
	snprintf(l.name, sizeof(l.name), "guest0");
	mn_link(&w->mn, &l, w->now);
	assert_null(w->mn.ifaces);
}

static void configure_home(struct world *w, const struct in6_addr *hoa, const struct in6_addr *ha)
{
	struct mn_home *h = &w->cfg.homes[0];
	struct mn_config old = w->cfg;

	w->cfg.n_homes = 1;
	*h = (struct mn_home){ .name = "office", .prefix = { prefix_of(1), 64 },
			       .address = *hoa, .ha = *ha };
	mn_reconfigured(&w->mn, &old, w->now);
}

/* What is bound at one home agent is configured to be at another. */
static void home_of_an_anchor_elsewhere(void **state)
{
	struct in6_addr hoa = kernel_addr(1), ha = ha_of(7);
	struct world *w = *state;

	away(w);
	forget(w);
	configure_home(w, &hoa, &ha);
	assert_string_equal(state_of(w, &hoa), "registering");
	assert_int_equal(count(w, SENT_BU), 1);
}

/* The cap had given it up; what people configure is kept. */
static void home_of_an_anchor_given_up(void **state)
{
	struct in6_addr hoa = kernel_addr(1), ha = ha_of(1);
	struct world *w = *state;
	struct anchor *a;

	away(w);
	for (a = w->mn.anchors; !in6_eq(&a->hoa, &hoa); a = a->next)
		;
	anchor_forsake(a, "test", w->now);
	link_is(w, false, true);
	assert_false(mn_wants_addr(&w->mn, &hoa));
	configure_home(w, &hoa, &ha);
	assert_true(mn_wants_addr(&w->mn, &hoa));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(no_room_for_an_address),
		T(road_follows_the_care_of_address),
		T(nothing_stays_on_an_interface_given_up),
		T(a_new_name_counts),
		T(home_of_an_anchor_elsewhere),
		T(home_of_an_anchor_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
