/* SPDX-License-Identifier: BSD-2-Clause */
/* links: mn-agent/mn.c mn-agent/receive.c mn-agent/flows.c mn-agent/attach.c mn-agent/coa.c mn-agent/handover.c
 * mn-agent/anchor.c mn-agent/movement.c mn-agent/discover.c mn-agent/solicit.c
 * mn-agent/bu.c common/wire/buf.c common/wire/cksum.c common/wire/ext.c common/wire/icmp6.c common/wire/mh.c
 * common/wire/mhopt.c common/core/in6.c common/core/auth.c common/core/backoff.c
 * common/core/timer.c common/core/log.c (-lcrypto) */
/*
 * The computer sleeps, and wakes up: what is still good is made sure of at once, what is not is
 * given up at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/mn_fake.h"

#define H	(3600 * S)

/* As the event loop does it: everything that is overdue is so in one turn. */
static void sleep_for(struct world *w, usec_t d)
{
	forget(w);
	w->now += d;
	mn_woken(&w->mn, w->now);
	timers_run(&w->timers, w->now);
}

static void nothing_was_taken_away(const struct world *w)
{
	assert_int_equal(count(w, TUNNEL_DEL), 0);
	assert_int_equal(count(w, ADDR_UNSET), 0);
	assert_int_equal(count(w, END_DEL), 0);
}

static void a_nap_away_from_home(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	away(w);
	sleep_for(w, 12 * S);
	/* The router is asked, and everybody; the home agent is told. */
	assert_int_equal(count(w, SENT_LINK), 2);
	assert_int_equal(count(w, SENT_BU), 1);
	assert_string_equal(state_of(w, &hoa), "refreshing");
	hear_router(w, 2);
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");
	after(w, 1 * S);
	assert_int_equal(count(w, SENT_BU), 1);
	nothing_was_taken_away(w);
}

/* The binding has run out, and the router's lifetime; the prefix of the anchor has not. */
static void half_an_hour_away_from_home(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	away(w);
	sleep_for(w, H / 2 + 1 * S);
	assert_true(count(w, SENT_LINK) > 0);
	assert_int_equal(count(w, SENT_BU), 1);
	hear_router(w, 2);
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");
	assert_int_equal(count(w, TUNNEL_DEL), 0);
	assert_false(mn_wants_addr(&w->mn, &hoa) && where(w, ADDR_UNSET, &hoa) >= 0);
	after(w, 1 * S);
	assert_true(count(w, SENT_BU) <= 2);
}

static void carried_elsewhere_asleep(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa;
	struct world *w = *state;

	away(w);
	sleep_for(w, 60 * S);
	forget(w);
	hear_router(w, 3);
	after(w, 400 * MS);	/* the one of before does not answer */
	coa = kernel_addr(3);
	assert_true(where(w, SENT_BU, &hoa) >= 0);
	assert_true(in6_eq(&w->log[where(w, SENT_BU, &hoa)].other, &coa));
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");
	assert_int_equal(count(w, TUNNEL_DEL), 0);
}

static void the_prefix_ended_in_the_sleep(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	away(w);
	sleep_for(w, H + 1 * S);
	assert_string_equal(state_of(w, &hoa), "none");
	assert_int_equal(count(w, SENT_BU), 0);
	assert_true(where(w, TUNNEL_DEL, &hoa) >= 0);
	assert_true(where(w, ADDR_UNSET, &hoa) >= 0);
	assert_int_equal(w->mn.counters[MN_C_FLOWS_LOST], 1);
	assert_true(count(w, SENT_LINK) > 0);
}

static void at_home_nothing_is_registered(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	attached(w);
	flow(w, &hoa);
	sleep_for(w, H / 4);
	assert_int_equal(count(w, SENT_BU), 0);
	assert_int_equal(count(w, SENT_LINK), 2);
	hear_router(w, 1);
	assert_string_equal(state_of(w, &hoa), "attached");
	nothing_was_taken_away(w);
}

static void who_waits_to_ask_again_asks_at_once(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	struct ba b;

	away(w);
	move_link_to(w, 3);
	b = answer(w, &hoa);
	b.status = BA_PROHIBITED;
	deliver(w, &b);
	assert_string_equal(state_of(w, &hoa), "refused");
	sleep_for(w, 10 * S);		/* it would have asked after 32 s */
	assert_int_equal(count(w, SENT_BU), 1);
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");

	move_link_to(w, 2);
	after(w, 64 * S);
	assert_string_equal(state_of(w, &hoa), "unreachable");
	sleep_for(w, 7 * S);
	assert_int_equal(count(w, SENT_BU), 1);
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");
}

/* A link that is down stays so, and nobody is asked. */
static void without_a_link(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	away(w);
	link_is(w, false, true);
	sleep_for(w, 60 * S);
	assert_int_equal(count(w, SENT_LINK), 0);
	assert_int_equal(count(w, SENT_BU), 0);
	assert_string_equal(state_of(w, &hoa), "departed");
	forget(w);
	link_is(w, true, true);
	assert_int_equal(count(w, SENT_LINK), 1);
	hear_router(w, 2);
	assert_int_equal(count(w, SENT_BU), 1);
}

/* News was lost: the link went to another place and nobody told. */
static void news_lost(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = kernel_addr(3);
	struct world *w = *state;

	away(w);
	forget(w);
	mn_doubt(&w->mn, w->now);
	assert_int_equal(count(w, SENT_LINK), 2);
	assert_int_equal(count(w, SENT_BU), 0);
	mn_doubt(&w->mn, w->now);
	assert_int_equal(count(w, SENT_LINK), 2);	/* it is being asked */
	hear_router(w, 3);
	after(w, 400 * MS);
	assert_true(in6_eq(&w->log[where(w, SENT_BU, &hoa)].other, &coa));
}

/* So many sockets ended that not each was told. */
static void ends_lost(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	away(w);
	w->n_flows = 0;
	mn_flows_changed(&w->mn, w->now);
	after(w, 6 * S);	/* linger */
	assert_string_equal(state_of(w, &hoa), "releasing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_nap_away_from_home), T(half_an_hour_away_from_home),
		T(carried_elsewhere_asleep), T(the_prefix_ended_in_the_sleep),
		T(at_home_nothing_is_registered), T(who_waits_to_ask_again_asks_at_once),
		T(without_a_link), T(news_lost), T(ends_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
