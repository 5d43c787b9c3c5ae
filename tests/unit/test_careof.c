/* SPDX-License-Identifier: BSD-2-Clause */
/* links: mn-agent/mn.c mn-agent/receive.c mn-agent/flows.c mn-agent/attach.c mn-agent/coa.c mn-agent/handover.c
 * mn-agent/anchor.c mn-agent/movement.c mn-agent/discover.c mn-agent/solicit.c
 * mn-agent/bu.c common/wire/buf.c common/wire/cksum.c common/wire/ext.c common/wire/icmp6.c common/wire/mh.c
 * common/wire/mhopt.c common/core/in6.c common/core/auth.c common/core/backoff.c
 * common/core/timer.c common/core/log.c (-lcrypto) */
/* The care-of address: how long it lives, and what is done with it meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/mn_fake.h"

/* RFC 6275 11.7.1: the care-of address's prefix ends before the home prefix. */
static void no_binding_outlives_the_care_of_address(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct nd_ra brief = advertisement(2, false);
	struct world *w = *state;

	attached(w);
	flow(w, &hoa);
	link_is(w, false, true);
	link_is(w, true, true);
	for (unsigned int n = 0; n < brief.n_prefixes; n++)
		brief.prefixes[n].valid_s = brief.prefixes[n].preferred_s = 100;
	hear(w, 2, &brief);
	assert_int_equal(w->log[where(w, SENT_BU, &hoa)].lifetime_s, 100);
	grant(w, &hoa);
	after(w, 60 * S);
	hear(w, 2, &brief);		/* for 100 s from now */
	forget(w);
	after(w, 25 * S);
	assert_int_equal(w->log[where(w, SENT_BU, &hoa)].lifetime_s, 80);
}

/* RFC 6275 11.5.3: its prefix is deprecated, and the router has another one. */
static void a_deprecated_one_is_exchanged(void **state)
{
	struct in6_addr hoa = kernel_addr(1), old = kernel_addr(2), fresh = at(0, "2001:db8:99::5");
	struct nd_ra plain = advertisement(2, true), both;
	struct world *w = *state;
	struct record *r;

	attached(w);
	flow(w, &hoa);
	link_is(w, false, true);
	link_is(w, true, true);
	hear(w, 2, &plain);
	address(w, &old, false);
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");
	forget(w);
	both = plain;
	both.prefixes[0].preferred_s = 0;
	both.prefixes[2] = plain.prefixes[0];
	both.prefixes[2].prefix = at(0, "2001:db8:99::");
	both.n_prefixes = 3;
	hear(w, 2, &both);
	assert_int_equal(count(w, SENT_BU), 0);		/* not while there is nothing better */
	address(w, &fresh, false);
	r = &w->log[where(w, SENT_BU, &hoa)];
	assert_true(in6_eq(&r->other, &fresh));
}

/* RFC 4862 5.5.4: of our own making, too, it is in a prefix that is not deprecated. */
static void ours_is_in_a_fresh_prefix(void **state)
{
	struct in6_prefix fresh = { .addr = at(0, "2001:db8:99::"), .len = 64 };
	struct nd_ra both = advertisement(2, false);
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	attached(w);
	flow(w, &hoa);
	link_is(w, false, true);
	link_is(w, true, true);
	both.prefixes[both.n_prefixes] = both.prefixes[0];
	both.prefixes[both.n_prefixes++].prefix = fresh.addr;
	both.prefixes[0].preferred_s = 0;
	hear(w, 2, &both);
	assert_true(in6_in(&fresh, &w->log[where(w, SENT_BU, &hoa)].other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(no_binding_outlives_the_care_of_address), T(a_deprecated_one_is_exchanged),
		T(ours_is_in_a_fresh_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
