/* SPDX-License-Identifier: BSD-2-Clause */
/* links: mn-agent/anchor.c mn-agent/registration.c mn-agent/reply.c mn-agent/status.c
 * mn-agent/bu.c common/wire/buf.c common/wire/cksum.c common/wire/ext.c
 * common/wire/mh.c common/wire/mhopt.c common/core/in6.c common/core/auth.c
 * common/core/backoff.c common/core/timer.c common/core/log.c (-lcrypto) */
/*
 * What an anchor makes of each answer of its home agent, and of hints that nobody signed
 * (RFC 6275 11.3.5, 11.3.6, 11.7.3, 11.7.4).
 */
#include "tests/unit/anchor_world.h"
#include "mn-agent/status.h"

/* --- refusal --------------------------------------------------------------------- */

/* Somebody has to change something first: asked seldom, and not given up. */
static void refused_for_long(void **state)
{
	struct world *w = *state;
	static const uint8_t final[] = {
		BA_PROHIBITED, BA_NO_HOME_REG, BA_NOT_HOME_SUBNET, BA_NOT_HOME_AGENT, BA_AUTH_FAIL,
	};

	for (unsigned int n = 0; n < sizeof(final); n++) {
		afresh(state);
		registering(w);
		ba(w, final[n], last_bu(w)->seq, 0);
		assert_state(w, ANCHOR_REFUSED);
		assert_int_equal(count(w, TUNNEL_DEL), 1);
		assert_false(w->a.tunnelled);
		assert_int_equal(w->a.status, final[n]);
		assert_true(w->a.reason[0] != '\0');
		forget(w);
		after(w, 299 * S);
		assert_int_equal(count(w, BU), 0);
		after(w, 2 * S);
		assert_int_equal(count(w, BU), 1);
		grant(w);
		assert_state(w, ANCHOR_BOUND);
	}
}

static void refused_for_now_is_asked_again(void **state)
{
	struct world *w = *state;

	registering(w);
	ba(w, BA_RESOURCES, last_bu(w)->seq, 0);
	assert_state(w, ANCHOR_REFUSED);
	assert_false(w->a.tunnelled);
	forget(w);
	after(w, 8 * S);
	assert_int_equal(count(w, BU), 1);
	/* Not before somebody has said yes; until then people are told why not. */
	assert_false(w->a.tunnelled);
	assert_true(w->a.reason[0] != '\0');
	grant(w);
	assert_state(w, ANCHOR_BOUND);
	assert_true(w->a.tunnelled);
	assert_string_equal(w->a.reason, "");
}

/* One that says no to everything is asked less and less often, and never not at all. */
static void always_refused(void **state)
{
	struct world *w = *state;
	usec_t last = 0, gap = 0, end = w->now + 3600 * S;

	anchor_set_valid_until(&w->a, w->now + 7200 * S);
	registering(w);
	for (;;) {
		const struct record *r = last_bu(w);

		if (last != 0) {
			assert_true(r->at - last >= gap);
			gap = r->at - last;
		}
		last = r->at;
		ba(w, BA_RESOURCES, r->seq, 0);
		assert_state(w, ANCHOR_REFUSED);
		if (w->a.timer.at > end)
			break;
		until(w, w->a.timer.at);
	}
	assert_in_range(count(w, BU), 8, 14);
	assert_int_equal(gap, 600 * S);
	assert_int_equal(count(w, TUNNEL_SET), 1);	/* it does not come and go */
}

static void accepted_after_refusal_starts_anew(void **state)
{
	struct world *w = *state;

	registering(w);
	for (int n = 0; n < 4; n++) {
		ba(w, BA_RESOURCES, last_bu(w)->seq, 0);
		until(w, w->a.timer.at);
	}
	grant(w);
	anchor_coa(&w->a, &coa2, w->now);
	after(w, 1 * S);
	ba(w, BA_RESOURCES, last_bu(w)->seq, 0);
	assert_int_equal(w->a.timer.at, w->now + 8 * S);
}

/* RFC 6275 11.7.1: the address is somebody else's and MUST NOT be used again. */
static void duplicate_address_is_given_up(void **state)
{
	struct world *w = *state;

	registering(w);
	ba(w, BA_DAD_FAILED, last_bu(w)->seq, 0);
	assert_state(w, ANCHOR_GONE);
	assert_false(w->a.held);
	assert_false(w->a.tunnelled);
	assert_int_equal(w->a.flows, 1);		/* they are told of */
}

/* RFC 6275 9.5.1: the binding is as it was, so the tunnel is. */
static void refresh_refused_keeps_the_binding(void **state)
{
	struct world *w = *state;

	bound(w);
	after(w, 480 * S);
	assert_state(w, ANCHOR_REFRESHING);
	ba(w, BA_RESOURCES, last_bu(w)->seq, 0);
	assert_state(w, ANCHOR_BOUND);
	assert_true(w->a.tunnelled);
	assert_non_null(strstr(w->a.reason, "not renewed"));
	after(w, 8 * S);
	assert_state(w, ANCHOR_REFRESHING);
	grant(w);
	assert_state(w, ANCHOR_BOUND);
	assert_string_equal(w->a.reason, "");
}

static void refresh_refused_until_the_binding_ends(void **state)
{
	struct world *w = *state;
	unsigned int n = 0;

	bound(w);
	forget(w);
	while (w->now < w->a.bound_until) {
		until(w, w->a.timer.at);
		if (count(w, BU) > n && w->a.state == ANCHOR_REFRESHING)
			ba(w, BA_UNSPECIFIED, last_bu(w)->seq, 0);
		n = count(w, BU);
		assert_true(w->now < 1700 * S);
	}
	assert_false(w->a.tunnelled);
	assert_true(n < 10);
	ba(w, BA_UNSPECIFIED, last_bu(w)->seq, 0);
	assert_state(w, ANCHOR_REFUSED);
}

/* It says that there is no binding: nothing is tunnelled on. */
static void refresh_refused_by_one_that_knows_no_binding(void **state)
{
	struct world *w = *state;

	bound(w);
	after(w, 480 * S);
	ba(w, BA_NOT_HOME_AGENT, last_bu(w)->seq, 0);
	assert_state(w, ANCHOR_REFUSED);
	assert_false(w->a.tunnelled);
	assert_false(anchor_registered(&w->a, w->now));
}

static void second_answer_is_better(void **state)
{
	struct world *w = *state;

	registering(w);
	after(w, 2 * S);
	assert_int_equal(count(w, BU), 2);
	ba(w, BA_RESOURCES, nth(w, BU, 0)->seq, 0);
	assert_state(w, ANCHOR_REFUSED);
	ba(w, BA_ACCEPTED, nth(w, BU, 1)->seq, LIFETIME);
	assert_state(w, ANCHOR_BOUND);
	assert_true(w->a.tunnelled);
}

static void release_refused_is_insisted_on(void **state)
{
	struct world *w = *state;
	usec_t end;

	bound(w);
	end = w->a.bound_until;
	flows(w, 0);
	after(w, 5 * S);
	ba(w, BA_RESOURCES, last_bu(w)->seq, 0);
	assert_state(w, ANCHOR_RELEASING);
	assert_non_null(strstr(w->a.reason, "not released"));
	forget(w);
	after(w, 60 * S);
	assert_false(w->a.held);
	assert_in_range(count(w, BU), 3, 7);
	until(w, end + 33 * S);
	assert_state(w, ANCHOR_GONE);
}

static void return_refused_is_insisted_on(void **state)
{
	struct world *w = *state;

	bound(w);
	anchor_event(&w->a, ANCHOR_EV_RETURN, w->now);
	ba(w, BA_RESOURCES, last_bu(w)->seq, 0);
	assert_state(w, ANCHOR_RETURNING);
	after(w, 1 * S);
	grant(w);
	assert_state(w, ANCHOR_ATTACHED);
	assert_string_equal(w->a.reason, "");
}

/* --- accepted, but ------------------------------------------------------------------ */

/* RFC 6275 11.7.3: MAX(0, L_remain - (L_update - L_ack)), from when it was sent. */
/* The HA may have renewed the binding, whose old lifetime then says nothing. */
static void return_lasts_as_long_as_an_unheard_renewal(void **state)
{
	struct world *w = *state;
	usec_t old;

	bound(w);
	old = w->a.bound_until;
	until(w, old - 1 * S);
	assert_state(w, ANCHOR_REFRESHING);
	anchor_event(&w->a, ANCHOR_EV_RETURN, w->now);
	forget(w);
	until(w, old + LIFETIME / 2 * S);
	assert_state(w, ANCHOR_RETURNING);
	assert_true(count(w, BU) > 1);
	until(w, old + (LIFETIME + 40) * S);
	assert_state(w, ANCHOR_ATTACHED);
}

static void lifetime_counts_from_the_update(void **state)
{
	struct world *w = *state;

	registering(w);
	after(w, 3 * S);
	assert_int_equal(count(w, BU), 2);
	ba(w, BA_ACCEPTED, nth(w, BU, 0)->seq, 100);
	assert_int_equal(w->a.bound_until, nth(w, BU, 0)->at + 100 * S);
}

static void acceptance_that_has_run_out_is_none(void **state)
{
	struct world *w = *state;

	registering(w);
	after(w, 1 * S);
	ba(w, BA_ACCEPTED, last_bu(w)->seq, 4);
	assert_state(w, ANCHOR_BOUND);
	afresh(state);
	registering(w);
	after(w, 14 * S);
	assert_true(count(w, BU) >= 4);
	ba(w, BA_ACCEPTED, nth(w, BU, 0)->seq, 4);
	assert_state(w, ANCHOR_REGISTERING);
}

static void granted_zero_is_asked_again(void **state)
{
	struct world *w = *state;

	registering(w);
	ba(w, BA_ACCEPTED, last_bu(w)->seq, 0);
	assert_state(w, ANCHOR_REFUSED);
	forget(w);
	after(w, 8 * S);
	assert_int_equal(count(w, BU), 1);
}

/* RFC 6275 6.1.8: any status below 128 says yes, those of RFC 5648 too. */
static void unknown_yes_is_a_yes(void **state)
{
	struct world *w = *state;
	static const uint8_t yes[] = { 2, 3, 4, 5, 6, 100, 127 };

	for (unsigned int n = 0; n < sizeof(yes); n++) {
		afresh(state);
		registering(w);
		ba(w, yes[n], last_bu(w)->seq, LIFETIME);
		assert_state(w, ANCHOR_BOUND);
		assert_false(w->a.prefixes_wanted);
	}
}

static void unknown_no_is_a_no(void **state)
{
	struct world *w = *state;
	static const uint8_t no[] = { 147, 164, 200, 255 };

	for (unsigned int n = 0; n < sizeof(no); n++) {
		afresh(state);
		registering(w);
		ba(w, no[n], last_bu(w)->seq, LIFETIME);
		assert_state(w, ANCHOR_REFUSED);
		assert_true(w->a.timer.at < w->now + 60 * S);
	}
}

/* RFC 6275 11.7.1: not again before the prefixes are known; but the binding is not lost. */
static void prefix_discovery_delays_the_refresh(void **state)
{
	struct world *w = *state;

	registering(w);
	ba(w, BA_PREFIX_DISCOVERY, last_bu(w)->seq, LIFETIME);
	assert_state(w, ANCHOR_BOUND);
	assert_true(w->a.prefixes_wanted);
	forget(w);
	after(w, 500 * S);
	assert_int_equal(count(w, BU), 0);
	after(w, 40500 * MS);
	assert_state(w, ANCHOR_REFRESHING);
	assert_int_equal(count(w, BU), 1);
}

static void refused_is_asked_again_from_a_new_coa(void **state)
{
	struct world *w = *state;

	registering(w);
	ba(w, BA_PROHIBITED, last_bu(w)->seq, 0);
	assert_state(w, ANCHOR_REFUSED);
	anchor_coa(&w->a, &coa2, w->now);
	assert_state(w, ANCHOR_REGISTERING);
	assert_true(w->a.tunnelled);
}

/* --- sequence numbers --------------------------------------------------------------- */

static void resynchronised(void **state)
{
	struct world *w = *state;

	registering(w);
	forget(w);
	ba(w, BA_SEQ_OUT_OF_WINDOW, 5000, 0);
	assert_int_equal(count(w, BU), 1);
	assert_int_equal(last_bu(w)->seq, 5001);
	assert_state(w, ANCHOR_REGISTERING);
	grant(w);
	assert_state(w, ANCHOR_BOUND);
}

static void resynchronised_release(void **state)
{
	struct world *w = *state;

	bound(w);
	flows(w, 0);
	after(w, 5 * S);
	ba(w, BA_SEQ_OUT_OF_WINDOW, 5000, 0);
	assert_state(w, ANCHOR_RELEASING);
	assert_int_equal(last_bu(w)->seq, 5001);
	assert_int_equal(last_bu(w)->lifetime_s, 0);
}

/* An update that went before the one that was put right may have been accepted, its answer
 * lost: a refusal of the later one does not end what the home agent may hold. */
static void refused_after_correction_may_be_bound(void **state)
{
	struct world *w = *state;

	registering(w);
	after(w, 2 * S);
	assert_true(count(w, BU) > 1);
	ba(w, BA_MESG_ID_REQUIRED, last_bu(w)->seq, 0);
	ba(w, BA_RESOURCES, last_bu(w)->seq, 0);
	assert_state(w, ANCHOR_REFUSED);
	assert_true(anchor_registered(&w->a, w->now));

	/* Of a first one that was answered nothing is left. */
	afresh(state);
	registering(w);
	ba(w, BA_MESG_ID_REQUIRED, last_bu(w)->seq, 0);
	ba(w, BA_RESOURCES, last_bu(w)->seq, 0);
	assert_state(w, ANCHOR_REFUSED);
	assert_false(anchor_registered(&w->a, w->now));
}

/* The network doubled the only update, and the answer to the first copy was lost: the home
 * agent, which knows a number, has a binding. */
static void refused_after_resynchronisation_may_be_bound(void **state)
{
	struct world *w = *state;

	registering(w);
	ba(w, BA_SEQ_OUT_OF_WINDOW, last_bu(w)->seq, 0);
	assert_int_equal(count(w, BU), 2);
	ba(w, BA_RESOURCES, last_bu(w)->seq, 0);
	assert_state(w, ANCHOR_REFUSED);
	assert_true(anchor_registered(&w->a, w->now));
}

/* Two parties that never agree do not make a storm. */
static void resynchronisation_is_bounded(void **state)
{
	struct world *w = *state;

	registering(w);
	for (uint16_t n = 0; n < 50; n++) {
		ba(w, BA_SEQ_OUT_OF_WINDOW, (uint16_t)(last_bu(w)->seq + 1000), 0);
		after(w, 10 * MS);
	}
	assert_true(count(w, BU) <= 6);
	assert_state(w, ANCHOR_REGISTERING);
}

/* An answer to a duplicate that was overtaken: the number we use now is newer than the
 * one it names, so it tells nothing, and going back would be wrong. */
static void late_out_of_window_does_not_go_back(void **state)
{
	struct world *w = *state;
	uint16_t seq;

	bound(w);
	after(w, 2 * S);
	anchor_coa(&w->a, &coa2, w->now);
	seq = last_bu(w)->seq;
	ba(w, BA_SEQ_OUT_OF_WINDOW, (uint16_t)(seq - 1), 0);
	for (unsigned int n = 1; n < count(w, BU); n++)
		assert_true(nth(w, BU, n)->seq > nth(w, BU, n - 1)->seq);
	assert_true(anchor_seq_outstanding(&w->a, seq));
	ba(w, BA_ACCEPTED, seq, LIFETIME);
	assert_state(w, ANCHOR_BOUND);
}

static void resynchronised_round_trip_is_its_own(void **state)
{
	struct world *w = *state;

	registering(w);
	after(w, 500 * MS);
	ba(w, BA_SEQ_OUT_OF_WINDOW, 5000, 0);
	after(w, 10 * MS);
	grant(w);
	assert_state(w, ANCHOR_BOUND);
	assert_true(w->a.rtt <= 10 * MS);
}

static void time_stamps_are_sent_when_asked_for(void **state)
{
	struct world *w = *state;

	registering(w);
	assert_false(last_bu(w)->stamped);
	ba(w, BA_MESG_ID_REQUIRED, last_bu(w)->seq, 0);
	assert_state(w, ANCHOR_REGISTERING);
	assert_int_equal(count(w, BU), 2);
	assert_true(last_bu(w)->stamped);
	/* It does not see them: that is a refusal. */
	ba(w, BA_MESG_ID_REQUIRED, last_bu(w)->seq, 0);
	assert_state(w, ANCHOR_REFUSED);
}

/* After a while one more answer is followed: the home agent may have been put right. */
static void resynchronised_in_the_end(void **state)
{
	struct world *w = *state;

	registering(w);
	for (uint16_t n = 0; n < 10; n++) {
		after(w, 1 * S);
		ba(w, BA_SEQ_OUT_OF_WINDOW, (uint16_t)(last_bu(w)->seq + 1000), 0);
	}
	assert_true(w->a.hint[0] != '\0');
	after(w, 100 * S);
	assert_state(w, ANCHOR_UNREACHABLE);
	forget(w);
	ba(w, BA_SEQ_OUT_OF_WINDOW, 20000, 0);
	assert_int_equal(last_bu(w)->seq, 20001);
	grant(w);
	assert_state(w, ANCHOR_BOUND);
}

/* --- hints ---------------------------------------------------------------------------- */

static void refresh_request(void **state)
{
	struct world *w = *state;

	bound(w);
	forget(w);
	anchor_event(&w->a, ANCHOR_EV_BRR, w->now);
	assert_state(w, ANCHOR_REFRESHING);
	assert_int_equal(count(w, BU), 1);
	anchor_event(&w->a, ANCHOR_EV_BRR, w->now);	/* once is enough */
	assert_int_equal(count(w, BU), 1);
}

static void refresh_request_elsewhere_is_ignored(void **state)
{
	struct world *w = *state;

	anchor_event(&w->a, ANCHOR_EV_BRR, w->now);
	assert_state(w, ANCHOR_ATTACHED);
	depart(w);
	anchor_event(&w->a, ANCHOR_EV_BRR, w->now);
	assert_state(w, ANCHOR_DEPARTED);
	assert_int_equal(count(w, BU), 0);
}

/* Nobody signs them: a flood of them costs the home agent one update in ten seconds. */
static void requests_are_rate_limited(void **state)
{
	struct world *w = *state;

	bound(w);
	forget(w);
	for (int n = 0; n < 6000; n++) {
		anchor_event(&w->a, ANCHOR_EV_BRR, w->now);
		anchor_confirm(&w->a, "a forgery", w->now);
		after(w, 10 * MS);
		if (w->a.state == ANCHOR_REFRESHING)
			grant(w);
	}
	assert_int_equal(count(w, BU), 6);
	assert_state(w, ANCHOR_BOUND);
}

/* RFC 6275 11.3.6: an update; what is tunnelled goes on meanwhile. */
static void binding_unknown_there_is_registered_again(void **state)
{
	struct world *w = *state;

	bound(w);
	forget(w);
	anchor_confirm(&w->a, "the home agent does not know the binding", w->now);
	assert_state(w, ANCHOR_REFRESHING);
	assert_int_equal(count(w, BU), 1);
	assert_int_equal(last_bu(w)->lifetime_s, LIFETIME);
	assert_true(w->a.tunnelled);
}

/* RFC 6275 11.3.5: it is asked less often, and people are told. */
static void no_home_agent_there(void **state)
{
	struct world *w = *state;

	registering(w);
	anchor_hint(&w->a, ANCHOR_HINT_NO_HOME_AGENT, "it does not know Binding Updates", w->now);
	assert_state(w, ANCHOR_REGISTERING);	/* by itself it changes nothing */
	assert_true(w->a.tunnelled);
	after(w, 4600 * MS);
	assert_state(w, ANCHOR_REFUSED);
	assert_int_equal(count(w, BU), 2);
	assert_non_null(strstr(w->a.reason, "it does not know Binding Updates"));
	assert_false(w->a.tunnelled);
	after(w, 9 * S);			/* its daemon was only restarted */
	assert_state(w, ANCHOR_REGISTERING);
	grant(w);
	assert_state(w, ANCHOR_BOUND);
}

static void hint_explains_why_there_is_no_answer(void **state)
{
	struct world *w = *state;

	registering(w);
	anchor_hint(&w->a, ANCHOR_HINT_TROUBLE, "no route to it", w->now);
	anchor_hint(&w->a, ANCHOR_HINT_TROUBLE, "no route to it", w->now);
	assert_int_equal(w->hints_told, 1);
	after(w, 50 * S);
	assert_state(w, ANCHOR_UNREACHABLE);
	assert_non_null(strstr(w->a.reason, "no route to it"));
	assert_true(w->a.tunnelled);
}

static void forged_hints_end_nothing(void **state)
{
	struct world *w = *state;

	bound(w);
	anchor_hint(&w->a, ANCHOR_HINT_NO_HOME_AGENT, "a forgery", w->now);
	assert_string_equal(w->a.hint, "");	/* nothing is awaited */
	after(w, 480 * S);
	assert_state(w, ANCHOR_REFRESHING);
	anchor_hint(&w->a, ANCHOR_HINT_NO_HOME_AGENT, "a forgery", w->now);
	after(w, 60 * S);
	assert_state(w, ANCHOR_REFRESHING);
	assert_true(w->a.tunnelled);
	grant(w);
	assert_state(w, ANCHOR_BOUND);
	assert_string_equal(w->a.hint, "");
}

static void binding_ends_with_a_hint(void **state)
{
	struct world *w = *state;
	usec_t end;

	bound(w);
	end = w->a.bound_until;
	after(w, 480 * S);
	anchor_hint(&w->a, ANCHOR_HINT_NO_HOME_AGENT, "it does not know Binding Updates", w->now);
	until(w, end + 32 * S);
	assert_false(w->a.tunnelled);
	assert_true(w->a.state != ANCHOR_REFRESHING && w->a.state != ANCHOR_BOUND);
	assert_true(w->a.reason[0] != '\0');
}

/* --- the table ------------------------------------------------------------------------ */

/* Each status has a sentence, and yes and no are where RFC 6275 6.1.8 has them. */
static void every_status_has_a_rule(void **state)
{
	(void)state;
	for (unsigned int n = 0; n < 256; n++) {
		const struct ba_rule *r = status_rule((uint8_t)n);
		bool yes = r->action == BA_DO_TAKE || r->action == BA_DO_SOLICIT;

		assert_true(r->why[0] != '\0');
		assert_int_equal(yes, n < 128);
		assert_false(yes && r->unbound);
	}
}

/* Any status at any time: nothing falls over, and no state claims a tunnel that is not there. */
static void any_status_in_any_state(void **state)
{
	struct world *w = *state;

	for (unsigned int s = 0; s < ANCHOR_GONE; s++) {
		for (unsigned int status = 0; status < 256; status++) {
			afresh(state);
			bound(w);
			w->a.state = (enum anchor_state)s;
			ba(w, (uint8_t)status, w->a.seq, status % 2 ? LIFETIME : 0);
			if (w->a.state == ANCHOR_GONE || w->a.state == ANCHOR_REFUSED)
				assert_true(!w->a.tunnelled || s == ANCHOR_REFUSED);
			assert_true(count(w, BU) <= 2);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(refused_for_long), T(refused_for_now_is_asked_again), T(always_refused),
		T(accepted_after_refusal_starts_anew), T(duplicate_address_is_given_up),
		T(refresh_refused_keeps_the_binding),
		T(refresh_refused_until_the_binding_ends),
		T(refresh_refused_by_one_that_knows_no_binding), T(second_answer_is_better),
		T(release_refused_is_insisted_on), T(return_refused_is_insisted_on),
		T(return_lasts_as_long_as_an_unheard_renewal),
		T(lifetime_counts_from_the_update), T(acceptance_that_has_run_out_is_none),
		T(granted_zero_is_asked_again), T(unknown_yes_is_a_yes), T(unknown_no_is_a_no),
		T(prefix_discovery_delays_the_refresh),
		T(refused_is_asked_again_from_a_new_coa), T(resynchronised),
		T(resynchronised_release), T(refused_after_correction_may_be_bound),
		T(refused_after_resynchronisation_may_be_bound), T(resynchronisation_is_bounded),
		T(late_out_of_window_does_not_go_back),
		T(resynchronised_round_trip_is_its_own),
		T(time_stamps_are_sent_when_asked_for), T(resynchronised_in_the_end),
		T(refresh_request), T(refresh_request_elsewhere_is_ignored),
		T(requests_are_rate_limited), T(binding_unknown_there_is_registered_again),
		T(no_home_agent_there), T(hint_explains_why_there_is_no_answer),
		T(forged_hints_end_nothing), T(binding_ends_with_a_hint),
		T(every_status_has_a_rule), T(any_status_in_any_state),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
