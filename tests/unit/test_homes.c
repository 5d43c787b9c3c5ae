/* SPDX-License-Identifier: BSD-2-Clause */
/* links: $(mn_core) (-lcrypto) */
/* The life of a home: registered without a flow wherever the host is, at home on its own link. */
#include "tests/unit/home_world.h"

/* --- away ---------------------------------------------------------------------- */

static void registered_without_a_flow(void **state)
{
	struct world *w = *state;
	struct in6_addr hoa = addr(HOA);

	mn_homes(&w->mn, w->now);
	assert_true(is_held(w, &hoa));
	assert_int_equal(office(w)->state, ANCHOR_DEPARTED);
	abroad(w);
	assert_int_equal(w->n_sent, 1);
	same(&last(w)->src, COA);
	same(&last(w)->dst, HA);
	same(&last(w)->hoa, HOA);
	assert_int_equal(last(w)->lifetime_s, 600);
	assert_true(last(w)->is_signed);
	grant(w);
	assert_int_equal(office(w)->state, ANCHOR_BOUND);
	assert_true(w->tunnelled);
	assert_health(w, true, "1 home kept, all reachable");
	/* Refreshed for ever. */
	for (unsigned int n = 0; n < 5; n++) {
		after(w, 490 * S);
		assert_int_equal(office(w)->state, ANCHOR_REFRESHING);
		grant(w);
		assert_int_equal(office(w)->state, ANCHOR_BOUND);
	}
	assert_true(is_held(w, &hoa));
}

static void moves_with_it(void **state)
{
	struct world *w = *state;

	registered(w);
	visit(w, 8, "2001:db8:8::", COA2);
	same(&last(w)->src, COA2);
	assert_int_equal(office(w)->state, ANCHOR_REGISTERING);
	assert_true(w->tunnelled);
}

static void not_counted_by_the_cap(void **state)
{
	struct world *w = *state;

	w->cfg.max_anchors = 1;
	w->cfg.n_homes = 3;
	for (unsigned int n = 1; n < 3; n++) {
		w->cfg.homes[n] = w->cfg.homes[0];
		w->cfg.homes[n].name[0] = (char)('0' + n);
		w->cfg.homes[n].address.s6_addr[15] = (uint8_t)n;
	}
	mn_homes(&w->mn, w->now);
	abroad(w);
	assert_int_equal(w->n_sent, 3);
	for (const struct anchor *a = w->mn.anchors; a; a = a->next)
		assert_int_equal(a->state, ANCHOR_REGISTERING);
}

static void its_own_key(void **state)
{
	struct world *w = *state;

	w->cfg.homes[0].spi = 257;
	mn_homes(&w->mn, w->now);
	abroad(w);
	assert_int_equal(last(w)->spi, 257);
	grant(w);
	assert_int_equal(office(w)->state, ANCHOR_REGISTERING);
	assert_int_equal(w->mn.counters[MN_C_BA_WRONG_SPI], 1);
	acknowledge(w, BA_ACCEPTED, 600, &w->cfg.keys[1].key);
	assert_int_equal(office(w)->state, ANCHOR_BOUND);
}

static struct mn_key sha1_key(const char *secret)
{
	struct mn_key k = { .any_ha = true };

	assert_int_equal(auth_key_init(&k.key, 3, AUTH_HMAC_SHA1_96, secret, 16), 0);
	return k;
}

/* HMAC-SHA1-96 is allowed, and there is a key; the better one is used, and what is signed with
 * the other is no answer to it. */
static void a_better_key_comes_first(void **state)
{
	struct world *w = *state;
	struct mn_key kept[2] = { w->cfg.keys[0], w->cfg.keys[1] };

	w->cfg.hmac_sha1 = true;
	w->cfg.keys[0] = sha1_key("0123456789abcdef");
	w->cfg.keys[1] = kept[0];
	mn_homes(&w->mn, w->now);
	abroad(w);
	assert_int_equal(last(w)->spi, 256);
	acknowledge(w, BA_ACCEPTED, 600, &w->cfg.keys[0].key);
	assert_int_equal(office(w)->state, ANCHOR_REGISTERING);
	assert_int_equal(w->mn.counters[MN_C_BA_WRONG_SPI], 1);
	acknowledge(w, BA_ACCEPTED, 600, &kept[0].key);
	assert_int_equal(office(w)->state, ANCHOR_BOUND);
	auth_key_wipe(&w->cfg.keys[0].key);
	w->cfg.keys[0] = kept[0];
	w->cfg.keys[1] = kept[1];
}

/* Two home agents, each with a key of SPI 3. */
static void sha1_keys_by_home_agent(void **state)
{
	struct world *w = *state;
	struct mn_key kept[2] = { w->cfg.keys[0], w->cfg.keys[1] };

	w->cfg.keys[0] = sha1_key("of another HA...");
	w->cfg.keys[0].any_ha = false;
	w->cfg.keys[0].ha = addr("2001:db8:77::1");
	w->cfg.keys[1] = sha1_key("of this one.....");
	w->cfg.homes[0].spi = 3;
	mn_homes(&w->mn, w->now);
	abroad(w);
	assert_int_equal(last(w)->spi, 3);
	acknowledge(w, BA_ACCEPTED, 600, &w->cfg.keys[0].key);
	assert_int_equal(w->mn.counters[MN_C_BA_WRONG_AUTH], 1);
	acknowledge(w, BA_ACCEPTED, 600, &w->cfg.keys[1].key);
	assert_int_equal(office(w)->state, ANCHOR_BOUND);
	for (unsigned int n = 0; n < 2; n++) {
		auth_key_wipe(&w->cfg.keys[n].key);
		w->cfg.keys[n] = kept[n];
	}
}

static void without_a_key(void **state)
{
	struct world *w = *state;

	w->cfg.homes[0].unauthenticated = true;
	mn_homes(&w->mn, w->now);
	abroad(w);
	assert_false(last(w)->is_signed);
	acknowledge(w, BA_ACCEPTED, 600, NULL);
	assert_int_equal(office(w)->state, ANCHOR_BOUND);
	assert_health(w, false, "INSECURE: home office is registered without a key");
	at_home(w);
	assert_int_equal(last(w)->lifetime_s, 0);
	assert_false(last(w)->is_signed);
	acknowledge(w, BA_ACCEPTED, 0, NULL);
	assert_int_equal(office(w)->state, ANCHOR_ATTACHED);
}

static void what_has_no_key_is_not_believed_elsewhere(void **state)
{
	struct world *w = *state;

	mn_homes(&w->mn, w->now);
	abroad(w);
	acknowledge(w, BA_ACCEPTED, 600, NULL);
	assert_int_equal(office(w)->state, ANCHOR_REGISTERING);
	assert_int_equal(w->mn.counters[MN_C_BA_NO_AUTH], 1);
}

static void no_key_at_all(void **state)
{
	struct world *w = *state;

	w->cfg.n_keys = 0;
	mn_homes(&w->mn, w->now);
	abroad(w);
	assert_int_equal(w->n_sent, 0);
	assert_int_equal(office(w)->state, ANCHOR_REFUSED);
	assert_health(w, false, "home office, " HOA ", not reachable: no key configured");
	w->cfg.n_keys = 2;
}

static void refused_and_revoked_it_stays(void **state)
{
	struct world *w = *state;
	struct in6_addr hoa = addr(HOA);

	mn_homes(&w->mn, w->now);
	abroad(w);
	acknowledge(w, BA_RESOURCES, 0, &w->cfg.keys[0].key);
	assert_int_equal(office(w)->state, ANCHOR_REFUSED);
	assert_false(w->tunnelled);
	after(w, 8 * S);
	assert_int_equal(w->n_sent, 2);
	grant(w);
	assert_int_equal(office(w)->state, ANCHOR_BOUND);
	anchor_revoked(office(w), w->now);
	after(w, 0);
	assert_int_equal(office(w)->state, ANCHOR_REFUSED);
	assert_false(w->tunnelled);
	/* An acknowledgement that the revocation has overtaken, or that somebody sends again. */
	grant(w);
	assert_int_equal(office(w)->state, ANCHOR_REFUSED);
	after(w, 1000 * S);
	assert_int_equal(w->n_sent, 2);		/* asked no more, here */
	visit(w, 8, "2001:db8:8::", COA2);
	assert_int_equal(w->n_sent, 3);
	assert_true(is_held(w, &hoa));
}

/* --- at home ------------------------------------------------------------------- */

static void starts_at_home(void **state)
{
	struct world *w = *state;
	struct in6_addr hoa = addr(HOA);

	mn_homes(&w->mn, w->now);
	at_home(w);
	assert_int_equal(office(w)->state, ANCHOR_ATTACHED);
	assert_int_equal(w->n_sent, 0);
	assert_int_equal(w->n_made, 0);		/* no other address is needed here */
	assert_int_equal(w->n_placed, 1);
	same(&w->placed[0].addr, HOA);
	assert_true(w->placed[0].dad);
	assert_int_equal(w->placed[0].valid_s, 7200);
	assert_true(is_held(w, &hoa));
	address(w, HOA, false, true);
	after(w, 0);
	assert_false(is_held(w, &hoa));
	assert_int_equal(office(w)->state, ANCHOR_ATTACHED);
	assert_health(w, true, "no mobility in use");
	/* Its lifetime follows the advertisements. */
	at_home(w);
	assert_int_equal(w->n_placed, 2);
	/* Away: kept before the link can lose it, registered without a flow. */
	link_is(w, false);
	assert_true(is_held(w, &hoa));
	abroad(w);
	assert_int_equal(office(w)->state, ANCHOR_REGISTERING);
	assert_int_equal(w->n_dropped, 1);
}

/* RFC 6275 11.5.5: the Binding Update, then the address, without looking for duplicates. */
static void comes_home(void **state)
{
	struct world *w = *state;

	registered(w);
	at_home(w);
	assert_int_equal(office(w)->state, ANCHOR_RETURNING);
	assert_int_equal(w->n_sent, 2);
	same(&last(w)->src, HOA);
	same(&last(w)->dst, HA);
	assert_int_equal(last(w)->lifetime_s, 0);
	assert_int_equal(w->n_placed, 1);
	assert_false(w->placed[0].dad);
	assert_int_equal(w->placed[0].sent, 2);
	assert_int_equal(w->n_na, 0);
	acknowledge(w, BA_ACCEPTED, 0, &w->cfg.keys[0].key);
	assert_int_equal(office(w)->state, ANCHOR_ATTACHED);
	assert_int_equal(w->n_na, 1);
	assert_false(w->tunnelled);
}

/* Whoever configured the address there goes on doing so. */
static void somebody_else_s_address_is_left_alone(void **state)
{
	struct world *w = *state;

	mn_homes(&w->mn, w->now);
	link_is(w, true);
	address(w, HOA, false, false);
	at_home(w);
	assert_int_equal(office(w)->state, ANCHOR_ATTACHED);
	assert_int_equal(w->n_placed, 0);
}

static void taken_off_its_link(void **state)
{
	struct world *w = *state;
	struct in6_addr hoa = addr(HOA);

	mn_homes(&w->mn, w->now);
	at_home(w);
	address(w, HOA, false, true);
	after(w, 0);
	address(w, HOA, true, true);
	after(w, 0);
	assert_true(is_held(w, &hoa));
	assert_int_equal(office(w)->state, ANCHOR_ATTACHED);
	assert_true(mn_wants_home(&w->mn, IF, &hoa));
	assert_false(mn_wants_home(&w->mn, IF + 1, &hoa));
	mn_reassert(&w->mn);
	assert_int_equal(w->n_placed, 2);
	abroad(w);
	assert_false(mn_wants_home(&w->mn, IF, &hoa));
}

/* A home link may have other routers, which know nothing of home agents. */
static void the_prefix_alone_tells_the_home_link(void **state)
{
	struct world *w = *state;
	struct nd_ra ra = router(0, HOME, PIO_FLAG_ONLINK, 3600);

	registered(w);
	link_is(w, false);
	link_is(w, true);
	hear(w, 6, &ra);
	assert_int_equal(office(w)->state, ANCHOR_RETURNING);
	same(&last(w)->dst, HA);
}

/* People say when it ends, and the home agent. */
static void outlives_the_lifetime_of_its_prefix(void **state)
{
	struct world *w = *state;

	mn_homes(&w->mn, w->now);
	at_home(w);
	abroad(w);
	grant(w);
	for (unsigned int n = 0; n < 9000; n++) {
		if (office(w)->state == ANCHOR_REFRESHING)
			grant(w);
		assert_int_equal(office(w)->state, ANCHOR_BOUND);
		after(w, S);
	}
	assert_int_equal(last(w)->lifetime_s, 600);
}

/* The kernel tells that another host has it: it is not used, and not tried all the time. */
static void another_host_has_its_address(void **state)
{
	struct world *w = *state;
	struct in6_addr hoa = addr(HOA);
	struct mn_addr m = { .ifindex = IF, .addr = hoa, .plen = 64, .duplicate = true };

	mn_homes(&w->mn, w->now);
	at_home(w);
	mn_addr(&w->mn, &m, true, w->now);
	assert_health(w, false, "home office, " HOA ", another host has the address on its link");
	assert_false(mn_wants_home(&w->mn, IF, &hoa));
	mn_reassert(&w->mn);
	heard_again(w);
	assert_int_equal(w->n_placed, 1);
	after(w, 60 * S);
	heard_again(w);
	assert_int_equal(w->n_placed, 2);
	abroad(w);
	assert_int_equal(w->n_sent, 0);
	assert_int_equal(office(w)->state, ANCHOR_REFUSED);
	at_home(w);
	assert_int_equal(w->n_placed, 3);
	address(w, HOA, false, true);
	assert_health(w, true, "no mobility in use");
	abroad(w);
	assert_int_equal(w->n_sent, 1);
}

/* RFC 6275 11.7.1: said by its home agent; until its own link says otherwise. */
static void taken_says_the_home_agent(void **state)
{
	struct world *w = *state;

	mn_homes(&w->mn, w->now);
	abroad(w);
	acknowledge(w, BA_DAD_FAILED, 0, &w->cfg.keys[0].key);
	assert_int_equal(office(w)->state, ANCHOR_REFUSED);
	after(w, 5000 * S);
	visit(w, 8, "2001:db8:8::", COA2);
	assert_int_equal(w->n_sent, 1);
	assert_health(w, false, "another host has taken the address");
	at_home(w);
	assert_true(w->placed[0].dad);
	abroad(w);
	assert_int_equal(w->n_sent, 2);
}

/* The sleep was longer than everything that was granted. */
static void outlives_a_long_sleep(void **state)
{
	struct world *w = *state;

	mn_homes(&w->mn, w->now);
	at_home(w);
	abroad(w);
	grant(w);
	w->now += 100000 * S;
	mn_woken(&w->mn, w->now);
	after(w, S);
	assert_non_null(office(w));
	assert_true(anchor_away(office(w)));
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(registered_without_a_flow), T(moves_with_it), T(not_counted_by_the_cap),
		T(its_own_key), T(without_a_key), T(what_has_no_key_is_not_believed_elsewhere),
		T(a_better_key_comes_first), T(without_a_key), T(what_has_no_key_is_not_believed_elsewhere),
		T(sha1_keys_by_home_agent), T(without_a_key), T(what_has_no_key_is_not_believed_elsewhere),
		T(no_key_at_all), T(refused_and_revoked_it_stays), T(starts_at_home),
		T(comes_home), T(somebody_else_s_address_is_left_alone), T(taken_off_its_link),
		T(the_prefix_alone_tells_the_home_link), T(outlives_the_lifetime_of_its_prefix),
		T(another_host_has_its_address), T(taken_says_the_home_agent),
		T(outlives_a_long_sleep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
