/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dynamic home agent address discovery (RFC 6275 11.4.1): which home agents a home link has,
 * and which of them is tried next. Pure; private to mn-agent/.
 */
#ifndef DMIP6_MN_DISCOVER_H
#define DMIP6_MN_DISCOVER_H

#include "common/core/in6.h"
#include "common/core/timer.h"

#define DISCOVER_HAS_MAX	8	/* of a reply, in its order; others are not tried */

struct anchor;
struct mn;

struct discovery {			/* of one anchor */
	bool wanted;			/* its home agent is not told otherwise */
	struct timer timer;		/* the request again, or what comes next */
	bool open;			/* a request is not answered yet */
	uint16_t id;
	struct in6_addr from;
	unsigned int requests;		/* with this identifier */
	unsigned int rounds;		/* all refused, or were silent, so many times in a row */
	unsigned int n, next;		/* of the last reply; the one to be tried next */
	struct in6_addr has[DISCOVER_HAS_MAX];
};

/* After anchor_init(); the anchor's ctx is its struct mn. */
void discover_init(struct anchor *a);
/* Asks the home link of the anchor; from: an address of ours that the answer reaches. */
void discover_start(struct anchor *a, const struct in6_addr *from, usec_t now);
/* Its home agent has refused, or does not answer: others are tried, at their time. */
void discover_failed(struct anchor *a, usec_t now);

#endif
