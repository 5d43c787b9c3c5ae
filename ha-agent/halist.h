/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The home agents list of one link (RFC 6275 10.1, 10.5.1): the other home agents there, as
 * their Router Advertisements tell, and the order in which a mobile node hears of them.
 * Data only; what is over counts as gone at once and is removed when the next advertisement
 * comes in.
 */
#ifndef DMIP6_HA_HALIST_H
#define DMIP6_HA_HALIST_H

#include "common/core/in6.h"
#include "common/core/timer.h"
#include "common/wire/icmp6.h"

#define HALIST_MAX		32	/* home agents of a link */
#define HALIST_MAX_ADDRESSES	8	/* of one home agent */

struct halist_address {
	struct in6_addr addr;
	usec_t until;			/* its prefix is valid so long */
};

struct halist_entry {
	struct in6_addr linklocal;	/* key: the source of its advertisements */
	uint16_t preference;
	usec_t until;
	unsigned int n_addresses;
	struct halist_address addresses[HALIST_MAX_ADDRESSES];
};

struct halist {
	unsigned int n;
	struct halist_entry entries[HALIST_MAX];
};

enum halist_change {
	HALIST_NONE,			/* no home agent, and none before */
	HALIST_NEW,
	HALIST_KEPT,			/* known before: preference, lifetime, addresses renewed */
	HALIST_REMOVED,
	HALIST_FULL,			/* one more than there is room for: ignored */
};

/* One valid Router Advertisement from `linklocal` on the list's link. */
enum halist_change halist_learn(struct halist *l, const struct in6_addr *linklocal,
				const struct nd_ra *ra, usec_t now);
/* Calls fn for each that is not over, with its addresses that are not over. */
void halist_each(const struct halist *l, usec_t now,
		 void (*fn)(void *ctx, const struct halist_entry *e), void *ctx);

/* The home agents of one answer: those of some lists, which must stay as they are meanwhile,
 * and others. */
#define HALIST_CHOICE_MAX	(4 * HALIST_MAX)
struct halist_choice {
	unsigned int n;
	const struct halist_entry *entries[HALIST_CHOICE_MAX];
};

void halist_choose_list(struct halist_choice *c, const struct halist *l);
void halist_choose(struct halist_choice *c, const struct halist_entry *e);
/* Their addresses as RFC 6275 10.5.1 orders them: by decreasing preference; equal ones, and
 * the addresses of one home agent, in an order that `seed` decides. None twice, none that is
 * over. Returns how many were written, at most max. */
unsigned int halist_order(struct halist_choice *c, uint64_t seed, usec_t now,
			  struct in6_addr *ret, unsigned int max);

#endif
