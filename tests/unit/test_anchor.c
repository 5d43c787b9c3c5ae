/* SPDX-License-Identifier: BSD-2-Clause */
/* links: mn-agent/anchor.c mn-agent/registration.c mn-agent/reply.c mn-agent/status.c
 * mn-agent/bu.c common/wire/buf.c common/wire/cksum.c common/wire/ext.c
 * common/wire/mh.c common/wire/mhopt.c common/core/in6.c common/core/auth.c
 * common/core/backoff.c common/core/timer.c common/core/log.c (-lcrypto) */
/* The registration state machine: leaving, registration, release, return. */
#include "tests/unit/anchor_world.h"

/* --- leaving -------------------------------------------------------------------- */

static void attached_costs_nothing(void **state)
{
	struct world *w = *state;

	flows(w, 3);
	after(w, 60 * S);
	flows(w, 0);
	after(w, 60 * S);
	assert_state(w, ANCHOR_ATTACHED);
	assert_int_equal(w->n, 0);
}

static void left_without_flows_is_forgotten(void **state)
{
	struct world *w = *state;

	anchor_event(&w->a, ANCHOR_EV_DEPART, w->now);
	assert_state(w, ANCHOR_GONE);
	assert_int_equal(count(w, BU), 0);
	assert_int_equal(count(w, HOLD), 0);
}

static void held_before_anything_else(void **state)
{
	struct world *w = *state;

	registering(w);
	assert_int_equal(w->log[0].what, HOLD);
	assert_true(w->a.held);
	assert_true(anchor_away(&w->a));
}

/* Design 4.2: the BU precedes the traffic on the wire, and the answer is not awaited. */
static void bu_before_tunnel(void **state)
{
	struct world *w = *state;

	registering(w);
	assert_int_equal(w->n, 3);
	assert_int_equal(w->log[1].what, BU);
	assert_int_equal(w->log[2].what, TUNNEL_SET);
	assert_true(in6_eq(&w->log[1].coa, &coa1));
	assert_true(in6_eq(&w->log[2].coa, &coa1));
	assert_int_equal(w->log[1].lifetime_s, LIFETIME);
	assert_int_equal(w->log[1].seq, 101);
	assert_false(w->log[1].home);
	assert_true(w->a.tunnelled);
}

static void departed_waits_for_a_coa(void **state)
{
	struct world *w = *state;

	depart(w);
	assert_state(w, ANCHOR_DEPARTED);
	after(w, 120 * S);
	assert_state(w, ANCHOR_DEPARTED);
	assert_int_equal(count(w, BU), 0);
	anchor_coa(&w->a, &coa1, w->now);
	assert_state(w, ANCHOR_REGISTERING);
}

static void flow_ends_before_there_is_a_coa(void **state)
{
	struct world *w = *state;

	depart(w);
	flows(w, 0);
	after(w, 6 * S);
	assert_state(w, ANCHOR_GONE);
	assert_int_equal(count(w, BU), 0);
	assert_int_equal(count(w, LET_GO), 1);
}

/* --- registration --------------------------------------------------------------- */

static void accepted(void **state)
{
	struct world *w = *state;

	bound(w);
	assert_int_equal(w->a.lifetime_s, LIFETIME);
	/* RFC 6275 11.7.3: it counts from when the Binding Update was sent. */
	assert_int_equal(w->a.bound_until, w->now - 20 * MS + LIFETIME * S);
	assert_int_equal(w->a.rtt, 20 * MS);
	forget(w);
	after(w, 60 * S);
	assert_int_equal(count(w, BU), 0);
}

static void refreshed_before_expiry(void **state)
{
	struct world *w = *state;
	usec_t until_old;

	bound(w);
	until_old = w->a.bound_until;
	forget(w);
	while (count(w, BU) == 0 && w->now < until_old)
		after(w, 100 * MS);
	assert_state(w, ANCHOR_REFRESHING);
	assert_true(w->now < until_old - 10 * S);
	assert_int_equal(last_bu(w)->lifetime_s, LIFETIME);
	assert_int_equal(last_bu(w)->seq, 102);
	assert_true(w->a.tunnelled);
	after(w, 20 * MS);
	grant(w);
	assert_state(w, ANCHOR_BOUND);
	assert_true(w->a.bound_until > until_old);
	assert_int_equal(count(w, TUNNEL_DEL), 0);
}

static void refresh_unanswered_lasts_to_the_end(void **state)
{
	struct world *w = *state;
	usec_t end;

	bound(w);
	end = w->a.bound_until;
	until(w, end - 100 * MS);
	assert_state(w, ANCHOR_REFRESHING);
	until(w, end + 33 * S);
	assert_state(w, ANCHOR_UNREACHABLE);
	assert_true(w->a.reason[0] != '\0');
	forget(w);
	after(w, 70 * S);		/* still asking */
	assert_in_range(count(w, BU), 2, 3);
	grant(w);
	assert_state(w, ANCHOR_BOUND);
}

static void advice_refreshes_earlier(void **state)
{
	struct world *w = *state;
	struct mh_msg m = { .type = MH_BA };

	registering(w);
	m.u.ba.seq = last_bu(w)->seq;
	m.u.ba.lifetime = LIFETIME / 4;
	m.opts.has_refresh_advice = true;
	m.opts.refresh_advice = 10;		/* 40 s */
	anchor_ba(&w->a, &m, w->now);
	forget(w);
	after(w, 39 * S);
	assert_int_equal(count(w, BU), 0);
	after(w, 1500 * MS);
	assert_int_equal(count(w, BU), 1);
}

static void granted_more_is_capped(void **state)
{
	struct world *w = *state;

	registering(w);
	ba(w, BA_ACCEPTED, last_bu(w)->seq, 10 * LIFETIME);
	assert_state(w, ANCHOR_BOUND);
	assert_int_equal(w->a.lifetime_s, LIFETIME);
	assert_int_equal(w->a.bound_until, w->now + LIFETIME * S);
}

static void granted_less_is_obeyed(void **state)
{
	struct world *w = *state;

	registering(w);
	ba(w, BA_ACCEPTED, last_bu(w)->seq, 40);
	assert_int_equal(w->a.lifetime_s, 40);
	forget(w);
	after(w, 39 * S);
	assert_true(count(w, BU) >= 1);
}

static void granted_zero_is_a_refusal(void **state)
{
	struct world *w = *state;

	registering(w);
	ba(w, BA_ACCEPTED, last_bu(w)->seq, 0);
	assert_state(w, ANCHOR_REFUSED);
	assert_false(w->a.tunnelled);
	assert_true(w->a.reason[0] != '\0');
}

static void prefix_discovery_status_is_accepted(void **state)
{
	struct world *w = *state;

	registering(w);
	ba(w, BA_PREFIX_DISCOVERY, last_bu(w)->seq, LIFETIME);
	assert_state(w, ANCHOR_BOUND);
}

/* RFC 6275 11.7.1: no longer than the home prefix lives. */
static void lifetime_ends_with_the_prefix(void **state)
{
	struct world *w = *state;

	anchor_set_valid_until(&w->a, w->now + 101 * S);
	registering(w);
	assert_int_equal(last_bu(w)->lifetime_s, 100);
}

static void no_key_no_registration(void **state)
{
	struct world *w = *state;

	w->a.key = NULL;
	depart(w);
	anchor_coa(&w->a, &coa1, w->now);
	assert_state(w, ANCHOR_REFUSED);
	assert_int_equal(count(w, BU), 0);
	assert_int_equal(count(w, TUNNEL_SET), 0);
	assert_non_null(strstr(w->a.reason, "key"));
	after(w, 300 * S);
	assert_int_equal(count(w, BU), 0);
	flows(w, 0);
	after(w, 6 * S);
	assert_state(w, ANCHOR_GONE);
}

static void state_is_told_with_a_reason(void **state)
{
	struct world *w = *state;

	bound(w);
	assert_int_equal(w->states_told, 3);	/* departed, registering, bound */
	assert_string_equal(w->last_reason, "accepted");
}

/* --- retransmission --------------------------------------------------------------- */

static void retransmitted_with_back_off(void **state)
{
	struct world *w = *state;
	usec_t gap, last = 0;

	registering(w);
	after(w, 300 * S);
	/* 11.8: the home agent may be looking for duplicates of the address. */
	assert_int_equal(nth(w, BU, 1)->at - nth(w, BU, 0)->at, 1500 * MS);
	for (unsigned int n = 1; n < count(w, BU); n++) {
		gap = nth(w, BU, n)->at - nth(w, BU, n - 1)->at;
		assert_true(gap >= last && gap <= 32 * S);
		/* RFC 6275 11.8: a new sequence number each time. */
		assert_int_equal(nth(w, BU, n)->seq, nth(w, BU, n - 1)->seq + 1);
		last = gap;
	}
	assert_int_equal(last, 32 * S);
}

static void first_retransmission_after_one_and_a_half_round_trips(void **state)
{
	struct world *w = *state;

	bound(w);			/* 20 ms */
	after(w, 1 * S);
	forget(w);
	anchor_coa(&w->a, &coa2, w->now);
	after(w, 10 * S);
	assert_int_equal(nth(w, BU, 1)->at - nth(w, BU, 0)->at, 30 * MS);
	assert_int_equal(nth(w, BU, 2)->at - nth(w, BU, 1)->at, 60 * MS);
	assert_int_equal(nth(w, BU, 3)->at - nth(w, BU, 2)->at, 1 * S);
	assert_int_equal(nth(w, BU, 4)->at - nth(w, BU, 3)->at, 2 * S);
}

/* The number of the answer says which one it answers. */
static void round_trip_of_the_one_that_was_answered(void **state)
{
	struct world *w = *state;

	registering(w);
	after(w, 1600 * MS);
	assert_int_equal(count(w, BU), 2);
	ba(w, BA_ACCEPTED, nth(w, BU, 0)->seq, LIFETIME);
	assert_state(w, ANCHOR_BOUND);
	assert_int_equal(w->a.rtt, 1600 * MS);
	anchor_coa(&w->a, &coa2, w->now);
	after(w, 1 * S);
	assert_int_equal(count(w, BU), 3);
	after(w, 510 * MS);
	ba(w, BA_ACCEPTED, last_bu(w)->seq, LIFETIME);
	assert_int_equal(w->a.rtt, 1510 * MS);
}

/* What is known of other home agents is better than a second, until it has answered itself. */
static void first_registration_with_a_guess(void **state)
{
	struct world *w = *state;

	w->a.rtt_guess = 20 * MS;
	registering(w);
	after(w, 45 * MS);
	assert_int_equal(count(w, BU), 2);
	grant(w);
	assert_state(w, ANCHOR_BOUND);
	assert_int_equal(w->a.rtt, 15 * MS);
}

static void unreachable_is_told_and_goes_on(void **state)
{
	struct world *w = *state;

	registering(w);
	after(w, 50 * S);
	assert_state(w, ANCHOR_UNREACHABLE);
	assert_true(w->a.reason[0] != '\0');
	assert_true(w->a.tunnelled);	/* no one has said no */
	grant(w);
	assert_state(w, ANCHOR_BOUND);
	assert_string_equal(w->a.reason, "");
}

/* RFC 6275 11.8: never more than MAX_UPDATE_RATE in a second, whatever happens. */
static void rate_is_limited(void **state)
{
	struct world *w = *state;
	usec_t t;

	bound(w);
	for (unsigned int n = 0; n < 40; n++) {
		anchor_coa(&w->a, n % 2 ? &coa1 : &coa2, w->now);
		after(w, 50 * MS);
	}
	after(w, 5 * S);
	assert_true(count(w, BU) > 6);
	for (unsigned int n = 0; n + MIP6_MAX_UPDATE_RATE < count(w, BU); n++) {
		t = nth(w, BU, n)->at;
		assert_true(nth(w, BU, n + MIP6_MAX_UPDATE_RATE)->at >= t + S);
	}
	/* What was held back is not lost: the last BU names the last care-of address. */
	assert_true(in6_eq(&last_bu(w)->coa, &coa1));
}

/* Traffic from an address that the HA was never told of would be dropped there. */
static void rate_limited_bu_still_precedes_its_tunnel(void **state)
{
	struct world *w = *state;
	const struct in6_addr *told = NULL;

	bound(w);
	for (unsigned int n = 0; n < 8; n++) {
		anchor_coa(&w->a, n % 2 ? &coa1 : &coa2, w->now);
		after(w, 10 * MS);
	}
	after(w, 5 * S);
	for (unsigned int n = 0; n < w->n; n++) {
		if (w->log[n].what == BU)
			told = &w->log[n].coa;
		if (w->log[n].what != TUNNEL_SET)
			continue;
		assert_non_null(told);
		assert_true(in6_eq(told, &w->log[n].coa));
	}
}

/* --- moving on ------------------------------------------------------------------- */

static void new_coa_while_registering(void **state)
{
	struct world *w = *state;
	uint16_t old;

	registering(w);
	old = last_bu(w)->seq;
	after(w, 10 * MS);
	anchor_coa(&w->a, &coa2, w->now);
	assert_true(in6_eq(&last_bu(w)->coa, &coa2));
	assert_false(anchor_seq_outstanding(&w->a, old));
	ba(w, BA_ACCEPTED, old, LIFETIME);
	assert_state(w, ANCHOR_REGISTERING);
	grant(w);
	assert_state(w, ANCHOR_BOUND);
	assert_true(in6_eq(&w->a.coa, &coa2));
}

static void new_coa_while_bound_moves_the_tunnel(void **state)
{
	struct world *w = *state;

	bound(w);
	forget(w);
	anchor_coa(&w->a, &coa2, w->now);
	assert_state(w, ANCHOR_REGISTERING);
	assert_int_equal(w->n, 2);
	assert_int_equal(w->log[0].what, BU);
	assert_int_equal(w->log[1].what, TUNNEL_SET);	/* replaced, never withdrawn */
	assert_true(in6_eq(&w->log[1].coa, &coa2));
}

static void same_coa_again_changes_nothing(void **state)
{
	struct world *w = *state;

	bound(w);
	forget(w);
	anchor_coa(&w->a, &coa1, w->now);
	assert_state(w, ANCHOR_BOUND);
	assert_int_equal(w->n, 0);
}

static void coa_lost_and_found(void **state)
{
	struct world *w = *state;

	bound(w);
	anchor_event(&w->a, ANCHOR_EV_NO_COA, w->now);
	assert_state(w, ANCHOR_DEPARTED);
	forget(w);
	after(w, 100 * S);
	assert_int_equal(count(w, BU), 0);
	anchor_coa(&w->a, &coa1, w->now);	/* the same one: the HA may have forgotten it */
	assert_state(w, ANCHOR_REGISTERING);
	assert_int_equal(count(w, BU), 1);
}

/* A release is owed even if the flows ended while nobody could be told. */
static void flows_end_without_coa_release_later(void **state)
{
	struct world *w = *state;

	bound(w);
	anchor_event(&w->a, ANCHOR_EV_NO_COA, w->now);
	flows(w, 0);
	after(w, 10 * S);
	assert_state(w, ANCHOR_DEPARTED);
	anchor_coa(&w->a, &coa2, w->now);
	assert_state(w, ANCHOR_RELEASING);
	assert_int_equal(last_bu(w)->lifetime_s, 0);
	assert_true(in6_eq(&last_bu(w)->coa, &coa2));
}

static void outstanding_numbers_wrap(void **state)
{
	struct world *w = *state;

	w->a.seq = 0xfffe;
	registering(w);
	after(w, 5 * S);			/* 65535, 0, 1 */
	assert_int_equal(count(w, BU), 3);
	assert_true(anchor_seq_outstanding(&w->a, 0xffff));
	assert_true(anchor_seq_outstanding(&w->a, 0));
	assert_true(anchor_seq_outstanding(&w->a, 1));
	assert_false(anchor_seq_outstanding(&w->a, 2));
	assert_false(anchor_seq_outstanding(&w->a, 0xfffe));
	assert_false(anchor_seq_outstanding(&w->a, 0x7fff));	/* neither newer nor older */
	assert_false(anchor_seq_outstanding(&w->a, 0x8000));
	assert_false(anchor_seq_outstanding(&w->a, 0x8001));
}

/* --- release ----------------------------------------------------------------------- */

static void released_after_linger(void **state)
{
	struct world *w = *state;

	bound(w);
	forget(w);
	flows(w, 0);
	after(w, 4900 * MS);
	assert_state(w, ANCHOR_BOUND);
	after(w, 200 * MS);
	assert_state(w, ANCHOR_RELEASING);
	assert_int_equal(count(w, COUNTED), 1);	/* exact before it is given up */
	assert_int_equal(last_bu(w)->lifetime_s, 0);
	assert_false(last_bu(w)->home);
	assert_true(w->a.held);
	grant(w);
	assert_state(w, ANCHOR_GONE);
	assert_false(w->a.held);
	assert_false(w->a.tunnelled);
	assert_int_equal(count(w, TUNNEL_DEL), 1);
	assert_int_equal(count(w, LET_GO), 1);
}

static void flow_within_linger_keeps_it(void **state)
{
	struct world *w = *state;

	bound(w);
	flows(w, 0);
	after(w, 3 * S);
	flows(w, 1);
	after(w, 60 * S);
	assert_state(w, ANCHOR_BOUND);
}

static void lost_notification_is_caught_by_the_count(void **state)
{
	struct world *w = *state;

	bound(w);
	flows(w, 0);
	w->live = 2;			/* began since, nobody told */
	after(w, 6 * S);
	assert_state(w, ANCHOR_BOUND);
	assert_int_equal(w->a.flows, 2);
}

static void flow_appears_during_release(void **state)
{
	struct world *w = *state;

	bound(w);
	flows(w, 0);
	after(w, 5 * S);
	assert_state(w, ANCHOR_RELEASING);
	forget(w);
	flows(w, 1);
	assert_state(w, ANCHOR_REGISTERING);
	assert_int_equal(last_bu(w)->lifetime_s, LIFETIME);
	assert_true(w->a.tunnelled);
}

/* Nothing is kept for it, but until the binding must have run out a return home has to
 * end it, or the HA would tunnel on. */
static void release_unanswered_is_remembered(void **state)
{
	struct world *w = *state;
	usec_t end;

	bound(w);
	end = w->a.bound_until;
	forget(w);
	flows(w, 0);
	after(w, 60 * S);
	assert_state(w, ANCHOR_RELEASING);
	assert_false(w->a.tunnelled);
	assert_false(w->a.held);
	assert_true(count(w, BU) >= 4);
	for (unsigned int n = 0; n < count(w, BU); n++)
		assert_int_equal(nth(w, BU, n)->lifetime_s, 0);
	until(w, end + 33 * S);
	assert_state(w, ANCHOR_GONE);
}

static void return_after_an_unanswered_release(void **state)
{
	struct world *w = *state;

	bound(w);
	flows(w, 0);
	after(w, 60 * S);
	forget(w);
	anchor_event(&w->a, ANCHOR_EV_RETURN, w->now);
	assert_state(w, ANCHOR_RETURNING);
	assert_int_equal(last_bu(w)->lifetime_s, 0);
	assert_true(last_bu(w)->home);
}

static void flow_appears_after_an_unanswered_release(void **state)
{
	struct world *w = *state;

	bound(w);
	flows(w, 0);
	after(w, 60 * S);
	forget(w);
	flows(w, 1);
	assert_state(w, ANCHOR_REGISTERING);
	assert_true(w->a.held);
	assert_true(w->a.tunnelled);
}

/* What has not left cannot have been answered: a late acknowledgement of the registration
 * before says nothing about the release that the rate limit holds back. */
static void rate_limited_release_is_not_answered_before_it_left(void **state)
{
	struct world *w = *state;
	uint16_t seq;

	registering(w);
	for (unsigned int n = 0; n < 2; n++) {
		anchor_event(&w->a, ANCHOR_EV_NO_COA, w->now);
		after(w, 10 * MS);
		anchor_coa(&w->a, &coa1, w->now);
	}
	assert_int_equal(count(w, BU), MIP6_MAX_UPDATE_RATE);
	seq = last_bu(w)->seq;
	anchor_event(&w->a, ANCHOR_EV_NO_COA, w->now);
	flows(w, 0);
	after(w, 10 * MS);
	anchor_coa(&w->a, &coa1, w->now);
	assert_state(w, ANCHOR_RELEASING);
	assert_int_equal(count(w, BU), MIP6_MAX_UPDATE_RATE);
	ba(w, BA_ACCEPTED, seq, LIFETIME);
	assert_state(w, ANCHOR_RELEASING);
	after(w, 1 * S);
	assert_int_equal(last_bu(w)->lifetime_s, 0);
	grant(w);
	assert_state(w, ANCHOR_GONE);
}

static void release_goes_on_from_a_new_coa(void **state)
{
	struct world *w = *state;

	bound(w);
	flows(w, 0);
	after(w, 5 * S);
	anchor_coa(&w->a, &coa2, w->now);
	assert_state(w, ANCHOR_RELEASING);
	assert_true(in6_eq(&last_bu(w)->coa, &coa2));
	assert_int_equal(last_bu(w)->lifetime_s, 0);
}

/* --- returning home -------------------------------------------------------------- */

/* RFC 6275 11.5.5: nothing leaves from the home address on its link before the BU. */
static void return_home(void **state)
{
	struct world *w = *state;

	bound(w);
	forget(w);
	anchor_event(&w->a, ANCHOR_EV_RETURN, w->now);
	assert_state(w, ANCHOR_RETURNING);
	assert_false(anchor_away(&w->a));
	assert_int_equal(w->n, 2);
	assert_int_equal(w->log[0].what, BU);
	assert_int_equal(w->log[0].lifetime_s, 0);
	assert_true(w->log[0].home);
	assert_true(in6_eq(&w->log[0].coa, &hoa));
	assert_int_equal(w->log[1].what, TUNNEL_DEL);
	grant(w);
	assert_state(w, ANCHOR_ATTACHED);
	forget(w);
	after(w, 100 * S);
	assert_int_equal(count(w, BU), 0);
}

static void return_before_anything_was_sent(void **state)
{
	struct world *w = *state;

	depart(w);
	anchor_event(&w->a, ANCHOR_EV_RETURN, w->now);
	assert_state(w, ANCHOR_ATTACHED);
	assert_int_equal(count(w, BU), 0);
}

/* The BU may have arrived though its answer did not. */
static void return_while_registering_takes_it_back(void **state)
{
	struct world *w = *state;

	registering(w);
	forget(w);
	anchor_event(&w->a, ANCHOR_EV_RETURN, w->now);
	assert_state(w, ANCHOR_RETURNING);
	assert_int_equal(last_bu(w)->lifetime_s, 0);
}

static void return_unanswered_is_insisted_on(void **state)
{
	struct world *w = *state;
	usec_t end;

	bound(w);
	end = w->a.bound_until;
	anchor_event(&w->a, ANCHOR_EV_RETURN, w->now);
	forget(w);
	after(w, 60 * S);
	assert_true(count(w, BU) >= 4);
	assert_state(w, ANCHOR_RETURNING);
	until(w, end + 33 * S);
	assert_state(w, ANCHOR_ATTACHED);
}

static void return_refused_is_home_all_the_same(void **state)
{
	struct world *w = *state;

	bound(w);
	anchor_event(&w->a, ANCHOR_EV_RETURN, w->now);
	ba(w, BA_NOT_HOME_AGENT, last_bu(w)->seq, 0);	/* it has no such binding */
	assert_state(w, ANCHOR_ATTACHED);
}

static void leaves_again_while_returning(void **state)
{
	struct world *w = *state;

	bound(w);
	anchor_event(&w->a, ANCHOR_EV_RETURN, w->now);
	after(w, 5 * MS);
	anchor_event(&w->a, ANCHOR_EV_DEPART, w->now);
	assert_state(w, ANCHOR_DEPARTED);
	forget(w);
	anchor_coa(&w->a, &coa2, w->now);
	assert_state(w, ANCHOR_REGISTERING);
	assert_true(w->a.tunnelled);
	grant(w);
	assert_state(w, ANCHOR_BOUND);
}

/* What the HA refused need not be what it holds: an older binding may live on there and
 * draw the traffic away from home. */
static void return_after_a_refused_update_ends_the_older_binding(void **state)
{
	struct world *w = *state;

	bound(w);
	anchor_coa(&w->a, &coa2, w->now);
	ba(w, BA_RESOURCES, last_bu(w)->seq, 0);
	assert_state(w, ANCHOR_REFUSED);
	forget(w);
	anchor_event(&w->a, ANCHOR_EV_RETURN, w->now);
	assert_int_equal(count(w, BU), 1);
	assert_int_equal(last_bu(w)->lifetime_s, 0);
}

/* --- the rest ---------------------------------------------------------------------- */

static void prefix_expires_while_bound(void **state)
{
	struct world *w = *state;

	anchor_set_valid_until(&w->a, w->now + 50 * S);
	bound(w);
	after(w, 60 * S);
	assert_state(w, ANCHOR_GONE);
	assert_false(w->a.tunnelled);
	assert_false(w->a.held);
	assert_int_equal(count(w, TUNNEL_DEL), 1);
}

static void prefix_expires_while_attached(void **state)
{
	struct world *w = *state;

	after(w, 7201 * S);
	assert_state(w, ANCHOR_GONE);
	assert_int_equal(count(w, BU), 0);
}

static void tunnel_that_fails_is_tried_again(void **state)
{
	struct world *w = *state;

	w->tunnel_error = -ENOMEM;
	registering(w);
	assert_false(w->a.tunnelled);
	w->tunnel_error = 0;
	grant(w);
	assert_state(w, ANCHOR_BOUND);
	assert_true(w->a.tunnelled);
}

/* Every event in every state: nothing falls over, and nothing is tunnelled afterwards in a
 * state that says that nothing is. */
static void any_event_in_any_state(void **state)
{
	struct world *w = *state;

	for (unsigned int s = 0; s < ANCHOR_GONE; s++) {
		for (unsigned int e = 0; e < ANCHOR_EVENT_MAX + 2; e++) {
			afresh(state);
			w->a.state = (enum anchor_state)s;
			w->a.flows = e % 2;
			if (s != ANCHOR_ATTACHED)
				w->a.coa = coa1;
			if (e == ANCHOR_EVENT_MAX)
				anchor_coa(&w->a, &coa2, w->now);
			else if (e == ANCHOR_EVENT_MAX + 1)
				ba(w, BA_ACCEPTED, w->a.seq, LIFETIME);
			else
				anchor_event(&w->a, (enum anchor_event)e, w->now);
			assert_non_null(anchor_state_name(w->a.state));
			if (w->a.state == ANCHOR_ATTACHED || w->a.state == ANCHOR_RETURNING ||
			    w->a.state == ANCHOR_REFUSED || w->a.state == ANCHOR_GONE)
				assert_false(w->a.tunnelled);
			if (w->a.state == ANCHOR_GONE)
				assert_false(w->a.held);
		}
	}
}

static void gone_stays_gone(void **state)
{
	struct world *w = *state;

	anchor_event(&w->a, ANCHOR_EV_DEPART, w->now);
	forget(w);
	for (unsigned int e = 0; e < ANCHOR_EVENT_MAX; e++)
		anchor_event(&w->a, (enum anchor_event)e, w->now);
	anchor_coa(&w->a, &coa1, w->now);
	ba(w, BA_ACCEPTED, w->a.seq, LIFETIME);
	assert_state(w, ANCHOR_GONE);
	assert_int_equal(w->n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(attached_costs_nothing), T(left_without_flows_is_forgotten),
		T(held_before_anything_else), T(bu_before_tunnel), T(departed_waits_for_a_coa),
		T(flow_ends_before_there_is_a_coa), T(accepted), T(refreshed_before_expiry),
		T(refresh_unanswered_lasts_to_the_end), T(advice_refreshes_earlier),
		T(granted_more_is_capped), T(granted_less_is_obeyed),
		T(granted_zero_is_a_refusal), T(prefix_discovery_status_is_accepted),
		T(lifetime_ends_with_the_prefix), T(no_key_no_registration),
		T(state_is_told_with_a_reason), T(retransmitted_with_back_off),
		T(first_retransmission_after_one_and_a_half_round_trips),
		T(round_trip_of_the_one_that_was_answered), T(first_registration_with_a_guess),
		T(unreachable_is_told_and_goes_on),
		T(rate_is_limited), T(rate_limited_bu_still_precedes_its_tunnel),
		T(new_coa_while_registering), T(new_coa_while_bound_moves_the_tunnel),
		T(same_coa_again_changes_nothing), T(coa_lost_and_found),
		T(flows_end_without_coa_release_later), T(outstanding_numbers_wrap),
		T(released_after_linger), T(flow_within_linger_keeps_it),
		T(lost_notification_is_caught_by_the_count), T(flow_appears_during_release),
		T(release_unanswered_is_remembered),
		T(return_after_an_unanswered_release), T(flow_appears_after_an_unanswered_release),
		T(release_goes_on_from_a_new_coa),
		T(rate_limited_release_is_not_answered_before_it_left), T(return_home),
		T(return_before_anything_was_sent), T(return_while_registering_takes_it_back),
		T(return_unanswered_is_insisted_on), T(return_refused_is_home_all_the_same),
		T(leaves_again_while_returning),
		T(return_after_a_refused_update_ends_the_older_binding),
		T(prefix_expires_while_bound), T(prefix_expires_while_attached),
		T(tunnel_that_fails_is_tried_again), T(any_event_in_any_state), T(gone_stays_gone),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
