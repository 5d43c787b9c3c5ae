/* SPDX-License-Identifier: BSD-2-Clause */
/* links: the pure files of mn-agent/, common/core/ without conf.c, common/wire/ (-lcrypto) */
/*
 * Two interfaces at once: which carries the flows, what stays on the road that works until the
 * home agent has answered, and how long a care-of address remains an end of tunnels.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/mn_fake.h"

static const uint8_t eth_mac[6] = { 2, 0, 0, 0, 0, 0x0e };

/* What the MN makes of its own on eth0 in the router's prefix. */
static struct in6_addr eth_addr(unsigned int router)
{
	struct in6_addr p = prefix_of(router), a;

	in6_eui64(&a, &p, eth_mac);
	return a;
}

static void eth_link(struct world *w, bool up)
{
	struct mn_link l = { .ifindex = IF2, .name = "eth0", .up = up, .eui64 = true };

	memcpy(l.mac, eth_mac, 6);
	mn_link(&w->mn, &l, w->now);
}

static void eth_hears(struct world *w, unsigned int router)
{
	struct nd_ra ra = advertisement(router, false);
	uint8_t room[1280];
	size_t len = make_ra(room, sizeof(room), router, &ra);

	mn_rx_nd(&w->mn, IF2, router_mac, room, len, w->now);
}

static void eth_has(struct world *w, const struct in6_addr *a)
{
	struct mn_addr m = { .ifindex = IF2, .addr = *a, .plen = 64, .usable = true };

	mn_addr(&w->mn, &m, false, w->now);
}

static void eth_joins(struct world *w, unsigned int router)
{
	struct in6_addr ll = at(0, "fe80::ff:fe00:a");

	eth_link(w, true);
	eth_has(w, &ll);
	eth_hears(w, router);
}

static void name(struct mn_names *list, const char *text)
{
	snprintf(list->name[list->n++], MN_NAME_MAX, "%s", text);
}

static void eth0_is_better(struct world *w)
{
	w->cfg.n_interfaces = 2;
	snprintf(w->cfg.interfaces[0], MN_NAME_MAX, "eth*");
	snprintf(w->cfg.interfaces[1], MN_NAME_MAX, "*");
}

static const char *current(const struct world *w)
{
	return w->mn.current ? w->mn.current->link.name : "none";
}

/* A flow on wlan0 at router 1, and eth0, which is better, comes to router 2. */
static void docked(struct world *w)
{
	struct in6_addr hoa = kernel_addr(1);

	eth0_is_better(w);
	attached(w);
	flow(w, &hoa);
	forget(w);
	eth_joins(w, 2);
}

static void a_better_interface_takes_over_before_the_lesser_goes(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = eth_addr(2);
	struct world *w = *state;
	const struct record *r;

	docked(w);
	assert_string_equal(current(w), "eth0");
	assert_string_equal(state_of(w, &hoa), "registering");
	r = &w->log[where(w, SENT_BU, &hoa)];
	assert_true(in6_eq(&r->other, &coa));
	assert_before(w, END_ADD, &coa, SENT_BU, &hoa);
	/* The flow stays on its own link until the home agent has said yes. */
	assert_int_equal(count(w, TUNNEL_SET), 0);
	grant(w, &hoa);
	assert_int_equal(count(w, TUNNEL_SET), 1);
	assert_string_equal(state_of(w, &hoa), "bound");
	/* The end of the lesser one is no event for the flow. */
	forget(w);
	link_is(w, false, true);
	after(w, 1 * S);
	assert_int_equal(count(w, SENT_BU), 0);
	assert_int_equal(count(w, TUNNEL_SET) + count(w, TUNNEL_DEL), 0);
	assert_string_equal(state_of(w, &hoa), "bound");
}

/* NetworkManager takes it down once more before it gives it a link-local address. */
static void a_better_interface_is_waited_for_until_it_is_configured(void **state)
{
	struct in6_addr ll = at(0, "fe80::ff:fe00:a"), hoa = kernel_addr(1), coa = eth_addr(2);
	struct world *w = *state;

	eth0_is_better(w);
	attached(w);
	flow(w, &hoa);
	eth_link(w, true);
	eth_hears(w, 2);
	eth_has(w, &coa);
	after(w, S);
	assert_string_equal(state_of(w, &hoa), "attached");
	assert_string_equal(current(w), "wlan0");
	eth_has(w, &ll);
	assert_string_equal(state_of(w, &hoa), "registering");
	assert_string_equal(current(w), "eth0");
}

/* Perhaps it never gets one. */
static void a_better_interface_is_not_waited_for_for_ever(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = eth_addr(2);
	struct world *w = *state;

	eth0_is_better(w);
	attached(w);
	flow(w, &hoa);
	eth_link(w, true);
	eth_hears(w, 2);
	eth_has(w, &coa);
	after(w, 6 * S);
	assert_string_equal(current(w), "eth0");
}

/* As NetworkManager disconnects one that has a carrier. */
static void an_interface_without_ipv6_is_not_waited_for(void **state)
{
	struct in6_addr ll = at(0, "fe80::ff:fe00:9"), hoa = kernel_addr(1), coa = eth_addr(2);
	struct world *w = *state;

	attached(w);
	address(w, &ll, false);
	flow(w, &hoa);
	eth_joins(w, 2);
	eth_has(w, &coa);
	assert_string_equal(state_of(w, &hoa), "attached");
	forget(w);
	address(w, &hoa, true);
	assert_string_equal(state_of(w, &hoa), "attached");	/* one address is not all */
	address(w, &ll, true);
	assert_string_equal(state_of(w, &hoa), "registering");
	assert_true(in6_eq(&w->log[where(w, SENT_BU, &hoa)].other, &coa));
	assert_int_equal(count(w, TUNNEL_SET), 1);
	grant(w, &hoa);
	/* It is turned on again: a router is asked for at once, and the flow goes home. */
	forget(w);
	address(w, &ll, false);
	assert_true(count(w, SENT_LINK) > 0);
	hear_router(w, 1);
	after(w, 10 * S);
	assert_string_equal(state_of(w, &hoa), "returning");
}

static void each_interface_has_its_road(void **state)
{
	struct in6_addr p1 = prefix_of(1), p2 = prefix_of(2), own = eth_addr(2);
	struct world *w = *state;

	attached(w);
	assert_int_equal(count(w, PATH_SET), 0);	/* alone it needs none */
	eth_joins(w, 2);
	eth_has(w, &own);
	after(w, 1 * S);
	assert_true(where(w, PATH_SET, &p1) >= 0);
	assert_true(where(w, PATH_SET, &p2) >= 0);
	forget(w);
	eth_link(w, false);
	after(w, 1 * S);
	assert_true(where(w, PATH_UNSET, &p1) >= 0);
}

static void the_lesser_one_going_first_is_not_waited_for(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	docked(w);
	assert_int_equal(count(w, TUNNEL_SET), 0);
	link_is(w, false, true);
	assert_int_equal(count(w, TUNNEL_SET), 1);	/* by the BU that has left */
	assert_int_equal(count(w, SENT_BU), 1);
	grant(w, &hoa);
	assert_int_equal(count(w, TUNNEL_SET), 1);
}

static void without_flows_nothing_happens(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	eth0_is_better(w);
	attached(w);
	forget(w);
	eth_joins(w, 2);
	after(w, 1 * S);
	assert_string_equal(state_of(w, &hoa), "attached");
	assert_int_equal(count(w, SENT_BU) + count(w, END_ADD), 0);
}

static void a_later_flow_is_taken_over_too(void **state)
{
	struct in6_addr hoa = kernel_addr(1), own = eth_addr(2);
	struct world *w = *state;

	eth0_is_better(w);
	attached(w);
	eth_joins(w, 2);
	eth_has(w, &own);
	flow(w, &hoa);
	after(w, 11 * S);
	assert_string_equal(state_of(w, &hoa), "registering");
}

static void between_equals_nothing_is_taken_over(void **state)
{
	struct in6_addr hoa = kernel_addr(1), own = eth_addr(2);
	struct world *w = *state;

	attached(w);
	flow(w, &hoa);
	forget(w);
	eth_joins(w, 2);
	eth_has(w, &own);
	after(w, 11 * S);
	assert_string_equal(current(w), "wlan0");
	assert_string_equal(state_of(w, &hoa), "attached");
	assert_int_equal(count(w, SENT_BU), 0);
	/* But the other one is ready when it goes: the BU leaves in the same moment. */
	link_is(w, false, true);
	assert_string_equal(current(w), "eth0");
	assert_int_equal(count(w, SENT_BU), 1);
	assert_int_equal(count(w, TUNNEL_SET), 1);
}

static void kind_and_cost(void **state)
{
	struct in6_addr own = eth_addr(2);
	struct world *w = *state;
	struct mn_link l = { .ifindex = IF, .name = "wlan0", .up = true, .eui64 = true,
			     .kind = LINK_WIRELESS };

	memcpy(l.mac, our_mac, 6);
	attached(w);
	eth_joins(w, 2);
	eth_has(w, &own);
	assert_string_equal(current(w), "wlan0");
	mn_link(&w->mn, &l, w->now);		/* wired is better */
	assert_string_equal(current(w), "eth0");
	name(&w->cfg.metered, "eth*");		/* but not if it costs */
	mn_reconfigured(&w->mn, &w->cfg, w->now);
	assert_string_equal(current(w), "wlan0");
	l.metered = true;			/* as much as the other */
	mn_link(&w->mn, &l, w->now);
	assert_string_equal(current(w), "eth0");
	w->cfg.n_interfaces = 2;		/* the configured order says more */
	snprintf(w->cfg.interfaces[0], MN_NAME_MAX, "wlan0");
	snprintf(w->cfg.interfaces[1], MN_NAME_MAX, "eth0");
	mn_reconfigured(&w->mn, &w->cfg, w->now);
	assert_string_equal(current(w), "wlan0");
}

static void never(void **state)
{
	struct world *w = *state;

	name(&w->cfg.never, "eth*");
	eth_joins(w, 2);
	assert_null(w->mn.ifaces);
	attached(w);
	assert_string_equal(w->mn.ifaces->link.name, "wlan0");
	assert_null(w->mn.ifaces->next);
}

static void chosen_by_an_operator(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	docked(w);
	grant(w, &hoa);
	forget(w);
	assert_int_equal(mn_choose(&w->mn, "usb0", w->now), -ENODEV);
	assert_int_equal(mn_choose(&w->mn, "wlan0", w->now), 0);
	/* It goes back to its own link, and the home agent's last packets still come out. Until
	 * that has heard it, others do not come to an address that is bound to where they are. */
	assert_string_equal(state_of(w, &hoa), "returning");
	assert_string_equal(current(w), "eth0");
	assert_int_equal(count(w, END_DEL), 0);
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "attached");
	after(w, 1 * MS);
	assert_string_equal(current(w), "wlan0");
	after(w, 1 * S);
	assert_int_equal(count(w, END_DEL), 0);
	after(w, 4 * S);
	assert_int_equal(count(w, END_DEL), 1);
	/* By preference again. */
	assert_int_equal(mn_choose(&w->mn, NULL, w->now), 0);
	assert_string_equal(current(w), "eth0");
	assert_string_equal(state_of(w, &hoa), "registering");
	/* Chosen as long as it works. */
	assert_int_equal(mn_choose(&w->mn, "wlan0", w->now), 0);
	link_is(w, false, true);
	assert_int_equal(mn_choose(&w->mn, "wlan0", w->now), -ENETDOWN);
	link_is(w, true, true);
	hear_router(w, 3);
	assert_string_equal(current(w), "eth0");
}

/* Bound over wlan0 at router 2, then eth0 at router 3 takes over. */
static void the_old_end_stays_until_nothing_is_under_way(void **state)
{
	struct in6_addr hoa = kernel_addr(1), old = kernel_addr(2), new = eth_addr(3);
	struct world *w = *state;

	eth0_is_better(w);
	away(w);
	after(w, 5 * S);
	forget(w);
	eth_joins(w, 3);
	assert_int_equal(count(w, TUNNEL_SET), 0);
	after(w, 100 * MS);
	assert_int_equal(count(w, END_DEL), 0);
	grant(w, &hoa);
	assert_true(in6_eq(&w->log[where(w, TUNNEL_SET, &hoa)].other, &new));
	after(w, 2 * S);
	assert_int_equal(where(w, END_DEL, &old), -1);
	after(w, 2 * S);
	assert_true(where(w, END_DEL, &old) >= 0);
	assert_int_equal(w->mn.n_ends, 1);
}

/* The home agent refuses what is new: what it had accepted goes on. */
static void a_refusal_leaves_the_old_road(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	struct ba b;

	eth0_is_better(w);
	away(w);
	forget(w);
	eth_joins(w, 3);
	b = answer(w, &hoa);
	b.status = BA_UNSPECIFIED;
	deliver(w, &b);
	assert_string_equal(state_of(w, &hoa), "refused");
	assert_int_equal(count(w, TUNNEL_DEL), 0);
	link_is(w, false, true);
	assert_int_equal(count(w, TUNNEL_DEL), 1);
}

/* On its own link it stays there for a while, and is not asked for again at once. */
static void a_refusal_leaves_its_own_link(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	struct ba b;

	docked(w);
	b = answer(w, &hoa);
	b.status = BA_PROHIBITED;
	deliver(w, &b);
	after(w, 1 * MS);
	assert_string_equal(state_of(w, &hoa), "attached");
	after(w, 50 * S);
	assert_string_equal(state_of(w, &hoa), "attached");
	assert_int_equal(count(w, SENT_BU), 1);
	assert_int_equal(count(w, TUNNEL_SET), 0);
	after(w, 20 * S);
	assert_string_equal(state_of(w, &hoa), "registering");
}

/* One that comes and goes is not trusted at once. */
static void no_flapping(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	docked(w);
	grant(w, &hoa);
	after(w, 1 * S);
	eth_link(w, false);
	assert_string_equal(current(w), "wlan0");
	grant(w, &hoa);
	for (int n = 0; n < 5; n++) {
		eth_link(w, true);
		eth_hears(w, 2);
		assert_string_equal(current(w), "wlan0");
		after(w, 2 * S);
		eth_link(w, false);
		after(w, 100 * MS);
	}
	forget(w);
	eth_link(w, true);
	eth_hears(w, 2);
	after(w, 4900 * MS);
	assert_int_equal(count(w, SENT_BU), 0);
	after(w, 200 * MS);
	assert_string_equal(current(w), "eth0");
	assert_int_equal(count(w, SENT_BU), 1);
}

/* RFC 6275 10.3.1: where others share its link, it would find the address in use there. */
static void not_from_a_link_that_others_share(void **state)
{
	struct in6_addr hoa = kernel_addr(1), ll = at(0, "fe80::ff:fe00:9");
	struct nd_ra ra = advertisement(1, true);
	struct world *w = *state;

	eth0_is_better(w);
	link_is(w, true, true);
	address(w, &ll, false);
	hear(w, 1, &ra);
	address(w, &hoa, false);
	flow(w, &hoa);
	forget(w);
	eth_joins(w, 2);
	after(w, 11 * S);
	assert_string_equal(state_of(w, &hoa), "attached");
	assert_int_equal(count(w, SENT_BU), 0);
}

static void many_ends_are_bounded(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	attached(w);
	flow(w, &hoa);
	for (unsigned int n = 0; n < 3 * MN_ENDS_MAX; n++) {
		move_link_to(w, 2 + n % 200);
		forget(w);
	}
	assert_true(w->mn.n_ends <= MN_ENDS_MAX);
	after(w, 5 * S);
	assert_int_equal(w->mn.n_ends, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_better_interface_takes_over_before_the_lesser_goes),
		T(a_better_interface_is_waited_for_until_it_is_configured),
		T(a_better_interface_is_not_waited_for_for_ever),
		T(an_interface_without_ipv6_is_not_waited_for),
		T(each_interface_has_its_road), T(the_lesser_one_going_first_is_not_waited_for),
		T(without_flows_nothing_happens), T(a_later_flow_is_taken_over_too),
		T(between_equals_nothing_is_taken_over), T(kind_and_cost), T(never),
		T(chosen_by_an_operator), T(the_old_end_stays_until_nothing_is_under_way),
		T(a_refusal_leaves_the_old_road), T(a_refusal_leaves_its_own_link), T(no_flapping),
		T(not_from_a_link_that_others_share), T(many_ends_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
