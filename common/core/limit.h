/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What messages that were no good have cost, by the /64 that they say they are from: whose
 * authenticators are not looked at any more while there is too much of that work, and whether
 * people have to be told of a flood. Fixed memory, no allocation. What it can and cannot do is
 * told at the top of limit.c.
 */
#ifndef DMIP6_CORE_LIMIT_H
#define DMIP6_CORE_LIMIT_H

#include "common/core/in6.h"
#include "common/core/timer.h"

#define LIMIT_SETS		128
#define LIMIT_WAYS		8	/* /64s of one set: of them the oldest makes room */
#define LIMIT_BEHIND		32	/* full reads in a row: more comes than is looked at */
#define LIMIT_CHECK_PERIOD	50	/* us: one wrong authenticator, while that is so, */
#define LIMIT_CHECK_BURST	2000	/* and at once */
#define LIMIT_NET_PERIOD	(100 * USEC_MS)	/* the same of one /64, while there are more */
#define LIMIT_NET_BURST		20
#define LIMIT_FLOOD		200	/* bad messages within LIMIT_WINDOW that are a flood */
#define LIMIT_WINDOW		USEC_S
#define LIMIT_QUIET		(10 * USEC_S)	/* without as many: it is over */
#define LIMIT_TEXT		160	/* room for limit_str() */

enum limit_kind {
	LIMIT_CHEAP,			/* no authenticator was computed for it */
	LIMIT_CHECKED,			/* its authenticator was computed, and is another */
};

struct limit_net {
	uint8_t net[8];
	bool used;
	usec_t charged;			/* last */
	usec_t debt;			/* when all is paid back */
	usec_t window;			/* the one that n belongs to */
	uint32_t n;			/* bad messages in it */
};

struct limit {
	struct timers *timers;
	struct timer look;		/* armed while a flood lasts */
	bool behind;			/* the daemon does not keep up with what comes in */
	usec_t debt;			/* the same of all together */
	usec_t window;			/* its begin */
	uint64_t n;			/* bad messages in it, */
	struct limit_net top;		/* and of whom there were the most */
	/* The flood that lasts, or the last one. */
	bool flooded;
	usec_t since, loud;		/* begin; end of the last window that was a flood */
	uint64_t total;			/* its bad messages */
	uint64_t rate;			/* in the last whole window, a second */
	struct in6_prefix from;		/* most of them; length 0: from many */
	uint64_t floods;		/* so far */
	struct limit_net nets[LIMIT_SETS][LIMIT_WAYS];
};

void limit_init(struct limit *l, struct timers *timers);
void limit_free(struct limit *l);	/* its timer */
/* How many reads in a row gave as much as a read can: whether the daemon keeps up. */
void limit_behind(struct limit *l, unsigned int full_reads);
/* Is an authenticator from there to be looked at? Changes nothing. */
bool limit_allows(const struct limit *l, const struct in6_addr *src, usec_t now);
/* A message that says it is from there was no good. Writes a line to the log when a flood
 * begins; another one follows when it is over. */
void limit_failed(struct limit *l, const struct in6_addr *src, enum limit_kind kind, usec_t now);
/* "" or "flood: 1200 bad messages a second from 2001:db8::/64". */
void limit_str(const struct limit *l, char text[LIMIT_TEXT]);

#endif
