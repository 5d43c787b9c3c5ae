/* SPDX-License-Identifier: BSD-2-Clause */
/* What a home agent says without having been asked, and somebody has recorded: Binding Refresh
 * Requests and Binding Revocation Indications that come once more, later than what came after
 * them, or without what makes them new (RFC 4285 6, RFC 5846 10). */
/* links: the mobile node without its edges ($(mn_core) in Makefile.am) */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/mn_fake.h"

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
#define NTP_S	(UINT64_C(1) << 32)

/* Away from AR1, by a key with or without time stamps; what AR1 would say now. */
static struct ba bound(struct world *w, bool timestamps)
{
	struct in6_addr hoa = kernel_addr(1);
	struct ba b;

	w->cfg.keys[0].timestamps = timestamps;
	attached(w);
	flow(w, &hoa);
	move_link_to(w, 2);
	b = answer(w, &hoa);
	b.mesg_id = mn_find_anchor(&w->mn, &hoa)->timestamp;
	deliver(w, &b);
	assert_string_equal(state_of(w, &hoa), "bound");
	after(w, 10 * S);
	assert_int_equal(count(w, SENT_BU), 1);
	return b;
}

static struct ba request(const struct ba *bound, uint64_t mesg_id)
{
	struct ba b = *bound;

	b.refresh_request = true;
	b.mesg_id = mesg_id;
	return b;
}

static struct ba revocation(const struct ba *bound, uint16_t seq, uint64_t mesg_id)
{
	struct ba b = *bound;

	b.revocation = true;
	b.status = BR_ADMINISTRATIVE;
	b.seq = seq;
	b.mesg_id = mesg_id;
	return b;
}

static void a_refresh_request_counts_once(void **state)
{
	struct world *w = *state;
	struct ba first = bound(w, true);
	struct ba b = request(&first, first.mesg_id + 5 * NTP_S), old = request(&first, first.mesg_id);
	struct ba again;

	deliver(w, &old);			/* no newer than the acknowledgement */
	assert_int_equal(w->mn.counters[MN_C_BRR_REPLAY], 1);
	assert_int_equal(count(w, SENT_BU), 1);
	deliver(w, &b);
	assert_int_equal(count(w, SENT_BU), 2);
	again = answer(w, &b.hoa);
	again.mesg_id = mn_find_anchor(&w->mn, &b.hoa)->timestamp;
	deliver(w, &again);
	after(w, 60 * S);
	deliver(w, &b);
	assert_int_equal(w->mn.counters[MN_C_BRR_REPLAY], 2);
	assert_int_equal(count(w, SENT_BU), 2);
}

/* It says nothing of a time: with a key that has time stamps nobody knows when it was said. */
static void a_refresh_request_without_its_time(void **state)
{
	struct world *w = *state;
	struct ba first = bound(w, true), b = request(&first, 0);

	deliver(w, &b);
	assert_int_equal(w->mn.counters[MN_C_BRR_REPLAY], 1);
	assert_int_equal(count(w, SENT_BU), 1);
}

/* By another key it is nobody's. */
static void a_refresh_request_of_somebody_else(void **state)
{
	struct world *w = *state;
	struct ba first = bound(w, true), b = request(&first, first.mesg_id + NTP_S);
	struct auth_key key;

	assert_int_equal(auth_key_init(&key, 256, AUTH_HMAC_SHA256_128, "fedcba9876543210", 16), 0);
	b.key = &key;
	deliver(w, &b);
	assert_int_equal(w->mn.counters[MN_C_BRR_AUTH], 1);
	assert_int_equal(count(w, SENT_BU), 1);
	auth_key_wipe(&key);
}

/* Bound anew after a revocation that was obeyed. */
static void bound_again(struct world *w, const struct in6_addr *hoa)
{
	struct ba b;

	move_link_to(w, 1);
	after(w, 5 * S);
	flow(w, hoa);
	move_link_to(w, 2);
	b = answer(w, hoa);
	b.mesg_id = mn_find_anchor(&w->mn, hoa)->timestamp;
	deliver(w, &b);
	assert_string_equal(state_of(w, hoa), "bound");
}

static void a_revocation_counts_once(void **state)
{
	for (int timestamps = 0; timestamps < 2; timestamps++) {
		struct world *w = *state;
		struct ba first = bound(w, timestamps);
		struct ba b = revocation(&first, 77, timestamps ? first.mesg_id + 5 * NTP_S : 0);

		deliver(w, &b);
		assert_int_equal(count(w, SENT_BRA), 1);
		after(w, 1 * S);
		assert_string_equal(state_of(w, &b.hoa), "none");
		bound_again(w, &b.hoa);
		deliver(w, &b);
		assert_int_equal(w->mn.counters[MN_C_BRI_REPLAY], 1);
		assert_string_equal(state_of(w, &b.hoa), "bound");
		assert_int_equal(count(w, SENT_BRA), 1);
		if (timestamps)
			break;
		assert_int_equal(teardown(state), 0);
		assert_int_equal(setup(state), 0);
	}
}

static void a_revocation_without_its_time(void **state)
{
	struct world *w = *state;
	struct ba first = bound(w, true), b = revocation(&first, 77, 0);

	deliver(w, &b);
	assert_int_equal(w->mn.counters[MN_C_BRI_REPLAY], 1);
	b = revocation(&first, 78, first.mesg_id);
	deliver(w, &b);
	assert_int_equal(w->mn.counters[MN_C_BRI_REPLAY], 2);
	assert_string_equal(state_of(w, &b.hoa), "bound");
	assert_int_equal(count(w, SENT_BRA), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_refresh_request_counts_once), T(a_refresh_request_without_its_time),
		T(a_refresh_request_of_somebody_else), T(a_revocation_counts_once),
		T(a_revocation_without_its_time),
	};

	return cmocka_run_group_tests_name("news", tests, NULL, NULL);
}
