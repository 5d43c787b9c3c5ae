/* SPDX-License-Identifier: BSD-2-Clause */
/* links: $(mn_core) (-lcrypto) */
/* What a home is made of: its address, its home agent, another configuration; and anchors
 * whose home agent does not name its address. */
#include "tests/unit/home_world.h"

/* --- its address and its home agent ---------------------------------------------- */

static void address_of_an_interface(void **state)
{
	struct world *w = *state;

	w->cfg.homes[0].address = in6addr_any;
	strcpy(w->cfg.homes[0].eui64_of, "wlan0");
	mn_homes(&w->mn, w->now);
	assert_null(office(w));
	abroad(w);
	same(&office(w)->hoa, "2001:db8:5:500:0:ff:fe00:9");
	same(&last(w)->hoa, "2001:db8:5:500:0:ff:fe00:9");
	visit(w, 8, "2001:db8:8::", COA2);
	assert_int_equal(w->mn.n_anchors, 1);
}

/* Another interface, which comes later and need not even be up. */
static void address_of_another_interface(void **state)
{
	struct mn_link l = { .ifindex = IF + 1, .name = "card", .mac = { 2, 0, 0, 0, 0, 7 } };
	struct world *w = *state;

	w->cfg.homes[0].address = in6addr_any;
	strcpy(w->cfg.homes[0].eui64_of, "card");
	mn_homes(&w->mn, w->now);
	abroad(w);
	assert_int_equal(w->n_sent, 0);
	mn_link(&w->mn, &l, w->now);
	after(w, 0);
	same(&last(w)->hoa, "2001:db8:5:500:0:ff:fe00:7");
	same(&last(w)->src, COA);
}

static void restore(struct world *w, const char *hoa, const char *ha)
{
	struct mn_restore r = {
		.name = "office", .discover = true, .prefix = { addr(HOME), 64 },
		.hoa = addr(hoa), .ha = addr(ha), .away = true, .tunnelled = true, .seq = 77,
		.valid_until = w->now + 3600 * S, .bound_until = w->now + 100 * S,
	};

	w->tunnelled = true;
	assert_int_equal(mn_restore(&w->mn, &r, w->now), 0);
}

static void an_address_that_was_made_is_kept(void **state)
{
	struct world *w = *state;
	struct in6_addr made;

	w->cfg.homes[0].address = w->cfg.homes[0].ha = in6addr_any;
	mn_homes(&w->mn, w->now);
	made = office(w)->hoa;
	assert_true(in6_in(&w->cfg.homes[0].prefix, &made));
	mn_free(&w->mn, false);
	mn_init(&w->mn, &w->cfg, &ops, w, &w->timers);
	restore(w, HOA, "::");
	mn_homes(&w->mn, w->now);
	assert_int_equal(w->mn.n_anchors, 1);
	same(&office(w)->hoa, HOA);
	assert_true(office(w)->fixed);
	abroad(w);
	assert_true(last(w)->request);
	same(&last(w)->dst, ANYCAST);
}

static void home_agent_that_was_found_is_kept(void **state)
{
	struct world *w = *state;

	w->cfg.homes[0].ha = in6addr_any;
	restore(w, HOA, "2001:db8:5:500::2");
	mn_homes(&w->mn, w->now);
	abroad(w);
	assert_false(last(w)->request);
	same(&last(w)->dst, "2001:db8:5:500::2");
	assert_int_equal(last(w)->number, 78);
}

static void configured_otherwise(void **state)
{
	struct world *w = *state;

	w->cfg.homes[0].address = addr("2001:db8:5:500::b6");
	restore(w, HOA, HA);
	mn_homes(&w->mn, w->now);
	assert_int_equal(w->mn.n_anchors, 2);
	same(&office(w)->hoa, "2001:db8:5:500::b6");
	abroad(w);
	after(w, 0);
	/* The earlier one has no flow: its home agent is told. */
	assert_int_equal(w->n_sent, 2);
	for (unsigned int n = 0; n < 2; n++)
		assert_int_equal(w->sent[n].lifetime_s,
				 w->sent[n].hoa.s6_addr[15] == 0xb6 ? 600 : 0);
}

static void configured_no_more(void **state)
{
	struct world *w = *state;

	w->cfg.n_homes = 0;
	restore(w, HOA, HA);
	mn_homes(&w->mn, w->now);
	assert_null(office(w));
	w->flow = addr(HOA);
	abroad(w);
	assert_int_equal(last(w)->lifetime_s, 600);
	w->flow = in6addr_any;
	after(w, 20 * S);
	assert_int_equal(last(w)->lifetime_s, 0);
}

/* The address of the network's own, which becomes the home's when that is configured. */
static void an_anchor_becomes_a_home(void **state)
{
	struct world *w = *state;

	at_home(w);
	address(w, HOA, false, false);
	assert_int_equal(w->mn.n_anchors, 1);
	mn_homes(&w->mn, w->now);
	assert_int_equal(w->mn.n_anchors, 1);
	assert_true(office(w)->fixed);
	abroad(w);
	assert_int_equal(last(w)->lifetime_s, 600);
}

static void nonsense_is_not_restored(void **state)
{
	struct world *w = *state;
	struct mn_restore r = {
		.prefix = { addr(HOME), 64 }, .hoa = addr(HOA), .away = true,
		.valid_until = w->now + 3600 * S,
	};

	assert_int_equal(mn_restore(&w->mn, &r, w->now), -EINVAL);
}

/* --- the configuration is read again ------------------------------------------------ */

static void read_again_without_it(void **state)
{
	struct world *w = *state;
	struct mn_config old;

	registered(w);
	old = w->cfg;
	w->cfg.n_homes = 0;
	mn_reconfigured(&w->mn, &old, w->now);
	assert_null(office(w));
	after(w, 4 * S);
	assert_int_equal(w->n_sent, 1);
	after(w, 20 * S);
	assert_int_equal(w->sent[1].lifetime_s, 0);
	same(&w->sent[1].hoa, HOA);
}

static void read_again_with_it_while_it_is_released(void **state)
{
	struct world *w = *state;
	struct mn_config with = w->cfg, without = w->cfg;

	registered(w);
	without.n_homes = 0;
	w->cfg = without;
	mn_reconfigured(&w->mn, &with, w->now);
	after(w, 5 * S);
	assert_int_equal(last(w)->lifetime_s, 0);
	w->cfg = with;
	mn_reconfigured(&w->mn, &without, w->now);
	assert_int_equal(last(w)->lifetime_s, 600);
	grant(w);
	assert_int_equal(office(w)->state, ANCHOR_BOUND);
	after(w, 60 * S);
	assert_int_equal(office(w)->state, ANCHOR_BOUND);
}

static void read_again_with_another_home_agent(void **state)
{
	struct world *w = *state;
	struct mn_config old;

	registered(w);
	old = w->cfg;
	w->cfg.homes[0].ha = addr("2001:db8:5:500::2");
	mn_reconfigured(&w->mn, &old, w->now);
	same(&last(w)->dst, "2001:db8:5:500::2");
	assert_int_equal(office(w)->state, ANCHOR_REGISTERING);
	grant(w);
	assert_int_equal(office(w)->state, ANCHOR_BOUND);
}

static void read_again_with_another_key(void **state)
{
	struct world *w = *state;
	struct mn_config old;

	registered(w);
	old = w->cfg;
	w->cfg.homes[0].spi = 257;
	mn_reconfigured(&w->mn, &old, w->now);
	assert_int_equal(last(w)->spi, 257);
	acknowledge(w, BA_ACCEPTED, 600, &w->cfg.keys[1].key);
	assert_int_equal(office(w)->state, ANCHOR_BOUND);
}

static void read_again_with_one_more(void **state)
{
	struct world *w = *state;
	struct mn_config old;

	registered(w);
	old = w->cfg;
	w->cfg.n_homes = 2;
	w->cfg.homes[1] = w->cfg.homes[0];
	w->cfg.homes[1].name[0] = 'O';
	w->cfg.homes[1].address.s6_addr[15] = 0xb6;
	mn_reconfigured(&w->mn, &old, w->now);
	assert_int_equal(w->n_sent, 2);
	same(&last(w)->hoa, "2001:db8:5:500::b6");
	same(&last(w)->src, COA);
}

static void read_again(struct world *w, unsigned int n_homes)
{
	struct mn_config old = w->cfg;

	w->cfg.n_homes = n_homes;
	mn_reconfigured(&w->mn, &old, w->now);
	after(w, 0);
}

/* Between two advertisements of its router: at home at once. And gone at once. */
static void read_again_on_its_link(void **state)
{
	struct world *w = *state;

	w->cfg.n_homes = 0;
	at_home(w);
	read_again(w, 1);
	assert_int_equal(office(w)->state, ANCHOR_ATTACHED);
	assert_int_equal(w->n_placed, 1);
	assert_int_equal(w->n_dropped, 0);
	read_again(w, 0);
	assert_int_equal(w->n_dropped, 1);
}

static void read_again_without_it_in_use_on_its_link(void **state)
{
	const struct mn_link card = { .ifindex = IF + 1, .name = "card" };
	const struct mn_addr there = { .ifindex = IF + 1, .addr = addr(HOA), .plen = 64,
				       .usable = true };
	struct world *w = *state;

	mn_homes(&w->mn, w->now);
	at_home(w);
	address(w, HOA, false, true);
	/* Somebody has had it on another interface, too. */
	mn_link(&w->mn, &card, w->now);
	mn_addr(&w->mn, &there, false, w->now);
	mn_addr(&w->mn, &there, true, w->now);
	w->flow = addr(HOA);
	read_again(w, 0);
	assert_int_equal(w->n_dropped, 0);
	mn_release_all(&w->mn, w->now);
	mn_free(&w->mn, true);
	assert_int_equal(w->n_dropped, 1);
	mn_init(&w->mn, &w->cfg, &ops, w, &w->timers);
}

static void heard_on(struct world *w, int ifindex)
{
	struct nd_ra ra = router(RA_FLAG_HOME_AGENT, HA,
				 PIO_FLAG_ONLINK | PIO_FLAG_AUTO | PIO_FLAG_ROUTER, 7200);

	hear_on(w, ifindex, 5, &ra);
	after(w, 0);
}

/* Two interfaces on the home link: one has the address, or each would find it in use by the
 * other. When that one goes, the other has it. */
static void two_interfaces_on_its_link(void **state)
{
	const struct mn_link card = { .ifindex = IF + 1, .name = "card", .up = true };
	struct world *w = *state;

	mn_homes(&w->mn, w->now);
	at_home(w);
	address(w, HOA, false, false);
	mn_link(&w->mn, &card, w->now);
	heard_on(w, IF + 1);
	heard_on(w, IF);
	mn_reassert(&w->mn);
	assert_true(w->n_placed > 0);
	for (unsigned int n = 0; n < w->n_placed; n++)
		assert_int_equal(w->placed[n].ifindex, IF);
	w->n_placed = 0;
	link_is(w, false);
	assert_int_equal(w->n_placed, 1);
	assert_int_equal(w->placed[0].ifindex, IF + 1);
}

/* No home: an address of a prefix that hosts share, in use, and its interface goes. Neighbours
 * ask for it on the link, so it has to be there, on the other interface. */
static void in_use_on_a_shared_link(void **state)
{
	const struct mn_link card = { .ifindex = IF + 1, .name = "card", .up = true };
	const struct mn_addr there = { .ifindex = IF + 1, .addr = addr(HOA), .plen = 64,
				       .usable = true };
	struct in6_addr hoa = addr(HOA);
	struct world *w = *state;

	w->cfg.n_homes = 0;
	at_home(w);
	address(w, HOA, false, false);
	mn_link(&w->mn, &card, w->now);
	heard_on(w, IF + 1);
	after(w, 5 * S);
	w->flow = hoa;
	link_is(w, false);
	address(w, HOA, true, false);
	after(w, 1 * S);
	assert_true(is_held(w, &hoa));
	assert_int_equal(w->n_placed, 1);
	assert_int_equal(w->placed[0].ifindex, IF + 1);
	mn_addr(&w->mn, &there, false, w->now);
	after(w, 1 * S);
	assert_false(is_held(w, &hoa));
	assert_int_equal(w->n_na, 1);
	/* Who takes it off is not fought. */
	mn_addr(&w->mn, &there, true, w->now);
	after(w, 30 * S);
	assert_true(is_held(w, &hoa));
	assert_int_equal(w->n_placed, 1);
}

static void read_again_and_nothing_is_new(void **state)
{
	struct world *w = *state;
	struct mn_config old;

	registered(w);
	old = w->cfg;
	mn_reconfigured(&w->mn, &old, w->now);
	assert_int_equal(w->n_sent, 1);
	assert_int_equal(office(w)->state, ANCHOR_BOUND);
}

/* --- home agents that do not name their address ------------------------------------ */

static void reply(struct world *w, const char *ha)
{
	struct ip6_packet ip = { .src = addr(ha), .dst = last(w)->src, .hop_limit = 64,
				 .next_header = IP6_NH_ICMP6 };
	struct icmp6_msg msg = { .type = ICMP6_DHAAD_REPLY,
				 .u.dhaad = { .id = last(w)->number, .n_ha = 1,
					      .ha = { addr(ha) } } };
	uint8_t room[128];
	struct wbuf b;

	wb_init(&b, room, sizeof(room));
	assert_int_equal(icmp6_packet(&b, &ip, &msg), 0);
	mn_rx_discovery(&w->mn, b.base, b.len, w->now);
	after(w, 0);
}

/* The H flag, and no prefix option with the R flag: asked for on the link. */
static void asked_for_on_the_link(void **state)
{
	char text[256];
	struct world *w = *state;
	struct nd_ra ra = router(RA_FLAG_HOME_AGENT, HOME, PIO_FLAG_ONLINK | PIO_FLAG_AUTO, 3600);

	w->cfg.n_homes = 0;
	link_is(w, true);
	hear(w, 5, &ra);
	address(w, HOA, false, false);
	assert_int_equal(w->mn.n_anchors, 1);
	assert_true(last(w)->request);
	same(&last(w)->src, HOA);
	same(&last(w)->dst, ANYCAST);
	reply(w, HA);
	same(&w->mn.anchors->ha, HA);
	assert_int_equal(w->mn.anchors->state, ANCHOR_ATTACHED);
	assert_true(mn_health(&w->mn, text, sizeof(text)));
	assert_string_equal(text, "attached, no mobility in use");
	assert_int_equal(w->n_sent, 1);
	w->flow = addr(HOA);
	abroad(w);
	assert_false(last(w)->request);
	same(&last(w)->dst, HA);
	/* It is at home by the prefix, which is all that the router says. */
	link_is(w, false);
	link_is(w, true);
	hear(w, 5, &ra);
	assert_int_equal(w->mn.anchors->state, ANCHOR_RETURNING);
}

static void asked_for_from_elsewhere(void **state)
{
	struct world *w = *state;
	struct nd_ra ra = router(RA_FLAG_HOME_AGENT, HOME, PIO_FLAG_ONLINK | PIO_FLAG_AUTO, 3600);

	w->cfg.n_homes = 0;
	link_is(w, true);
	hear(w, 5, &ra);
	address(w, HOA, false, false);
	w->flow = addr(HOA);
	abroad(w);
	assert_int_equal(w->n_sent, 2);
	assert_true(last(w)->request);
	same(&last(w)->src, COA);
	assert_int_equal(w->mn.anchors->state, ANCHOR_DISCOVERING);
	reply(w, HA);
	assert_false(last(w)->request);
	same(&last(w)->dst, HA);
	same(&last(w)->hoa, HOA);
	after(w, 1000 * S);
	assert_health(w, false, "not reachable");
}

static void nobody_is_asked_where_there_is_no_home_agent(void **state)
{
	struct world *w = *state;

	w->cfg.n_homes = 0;
	abroad(w);
	assert_int_equal(w->n_sent, 0);
	assert_int_equal(w->mn.n_anchors, 0);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(address_of_an_interface), T(address_of_another_interface),
		T(an_address_that_was_made_is_kept),
		T(home_agent_that_was_found_is_kept), T(configured_otherwise),
		T(configured_no_more), T(an_anchor_becomes_a_home), T(nonsense_is_not_restored),
		T(read_again_without_it), T(read_again_on_its_link),
		T(two_interfaces_on_its_link), T(in_use_on_a_shared_link),
		T(read_again_without_it_in_use_on_its_link), T(read_again_with_it_while_it_is_released),
		T(read_again_with_another_home_agent),
		T(read_again_with_another_key), T(read_again_with_one_more),
		T(read_again_and_nothing_is_new), T(asked_for_on_the_link),
		T(asked_for_from_elsewhere), T(nobody_is_asked_where_there_is_no_home_agent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
