/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Retransmission: RFC 6275 11.8 (first timeout, doubled, capped), with the first one
 * taken from a measured round trip where there is one (1.5 times it).
 */
#ifndef DMIP6_CORE_BACKOFF_H
#define DMIP6_CORE_BACKOFF_H

#include "common/core/timer.h"

struct backoff {
	usec_t initial;		/* the RFC's first timeout */
	usec_t max;
	usec_t cur;		/* the next one to be used */
	unsigned int tries;	/* sent so far */
};

/* rtt: measured round trip to this peer, 0 if unknown. With a measured one the first
 * timeout is 1.5 rtt (at least 5 ms), then twice that, then the RFC's initial and its
 * doubling. */
void backoff_start(struct backoff *b, usec_t initial, usec_t max, usec_t rtt);
/* The time to wait after sending once more; moves on to the next. */
usec_t backoff_next(struct backoff *b);

#endif
