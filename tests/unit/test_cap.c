/* SPDX-License-Identifier: BSD-2-Clause */
/* links: the mobile node without its edges ($(mn_core) in Makefile.am) */
/*
 * More places left than may be kept: the one that was idle longest goes, and people are told
 * (design 4.5).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/mn_fake.h"

/* A flow from each of the routers 1 to n, the host is at the last one. */
static void tour(struct world *w, unsigned int n)
{
	struct in6_addr a = kernel_addr(1);

	attached(w);
	flow(w, &a);
	for (unsigned int r = 2; r <= n; r++) {
		move_link_to(w, r);
		for (unsigned int k = 1; k < r; k++) {
			a = kernel_addr(k);
			if (strcmp(state_of(w, &a), "registering") == 0)
				grant(w, &a);
		}
		a = kernel_addr(r);
		address(w, &a, false);
		flow(w, &a);
		after(w, 20 * S);
		forget(w);
	}
}

static void packets(struct world *w, unsigned int router, uint64_t n)
{
	w->traffic[w->n_traffic].hoa = kernel_addr(router);
	w->traffic[w->n_traffic++].packets = n;
}

static void idle_longest_goes(void **state)
{
	struct in6_addr busy = kernel_addr(1), idle = kernel_addr(2), fresh = kernel_addr(3);
	struct world *w = *state;

	w->cfg.max_anchors = 2;
	tour(w, 3);
	packets(w, 1, 1000);
	after(w, 11 * S);
	move_link_to(w, 4);
	assert_string_equal(state_of(w, &busy), "registering");
	assert_string_equal(state_of(w, &fresh), "registering");
	/* Its home agent is told; its flow is over, and not silently. */
	assert_string_equal(state_of(w, &idle), "releasing");
	assert_int_equal(w->mn.counters[MN_C_FLOWS_LOST], 1);
	assert_int_equal(w->mn.counters[MN_C_ANCHORS_CAPPED], 1);
	assert_non_null(strstr(w->lost, "1 flow of 2001:db8:2:101:"));
	assert_non_null(strstr(w->lost, "more than 2 anchors are away"));
	/* Its socket is still there, and brings it back no more. */
	after(w, 30 * S);
	assert_string_equal(state_of(w, &idle), "releasing");
	assert_false(mn_wants_addr(&w->mn, &idle));
	assert_int_equal(w->mn.counters[MN_C_FLOWS_LOST], 1);
	grant(w, &idle);
	assert_string_equal(state_of(w, &idle), "none");
}

/* One whose last flow has ended and that only lingers goes first, busy as it was. */
static void one_without_flows_goes_first(void **state)
{
	struct in6_addr a = kernel_addr(1), b = kernel_addr(2);
	struct world *w = *state;

	w->cfg.max_anchors = 2;
	w->cfg.anchor.linger = 3600 * S;
	tour(w, 3);
	packets(w, 2, 1000);
	after(w, 11 * S);
	end_flow(w, &b);
	after(w, 1 * S);
	move_link_to(w, 4);
	assert_string_equal(state_of(w, &b), "releasing");
	assert_string_equal(state_of(w, &a), "registering");
	assert_int_equal(w->mn.counters[MN_C_FLOWS_LOST], 0);
}

/* The list never grows beyond the cap, whatever is visited. */
static void bounded(void **state)
{
	struct world *w = *state;
	unsigned int away_now = 0;

	w->cfg.max_anchors = 3;
	tour(w, 9);
	for (const struct anchor *a = w->mn.anchors; a; a = a->next)
		away_now += anchor_away(a) && a->state != ANCHOR_RELEASING;
	assert_int_equal(away_now, 3);
	assert_int_equal(w->mn.counters[MN_C_ANCHORS_CAPPED], 5);
	assert_int_equal(w->mn.counters[MN_C_FLOWS_LOST], 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(idle_longest_goes), T(one_without_flows_goes_first), T(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
