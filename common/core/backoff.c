/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When to send an unanswered message again. Values only; the state machines that
 * retransmit own a struct backoff each. RFC 6275 section 11.8.
 */
#include "common/core/backoff.h"

#define FIRST_MIN (5 * USEC_MS)	/* a lab's round trip is shorter than a scheduler's delay */
#define FAST	  2		/* timeouts below the RFC's first */

static usec_t at_most(usec_t t, usec_t max)
{
	return t < max ? t : max;
}

void backoff_start(struct backoff *b, usec_t initial, usec_t max, usec_t rtt)
{
	usec_t first = initial;

	if (rtt > 0) {
		first = at_most(rtt, max);
		first = at_most(first + first / 2, max);
		if (first < FIRST_MIN)
			first = FIRST_MIN;
	}
	*b = (struct backoff){ .initial = initial, .max = max, .cur = at_most(first, max) };
}

usec_t backoff_next(struct backoff *b)
{
	usec_t t = b->cur;

	b->tries++;
	/* RFC 6275 11.8: doubled each time up to the maximum, then on at that rate. After a
	 * first timeout below the RFC's, from a measured round trip, and its double, there
	 * have been three messages, as many as may go in a second: on with the RFC's own. */
	if (t < b->initial && (b->tries >= FAST || 2 * t > b->initial))
		b->cur = at_most(b->initial, b->max);
	else
		b->cur = t > b->max / 2 ? b->max : 2 * t;
	return t;
}
