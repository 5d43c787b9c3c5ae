/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Further ways of an inner prefix in a kernel backend. For dp_kernel.c, dp_sync.c and
 * dp_records.c, nobody else.
 */
#ifndef DMIP6_DATAPATH_DP_STEER_H
#define DMIP6_DATAPATH_DP_STEER_H

#include "common/datapath/dp_records.h"

struct steered {
	struct dp_key key;		/* of s.inner */
	struct dp_steer s;		/* as it is installed */
	bool found;			/* of an earlier run, not named since: flows unknown */
	bool seen[DP_PATHS];		/* its routes, by the last look at the kernel */
	bool seen_rx[DP_PATHS], seen_in, seen_tx;	/* the elements of the filter */
	UT_hash_handle hh;
};

struct steered *steered_find(const struct dp_kernel *s, const struct in6_prefix *inner);
/* What comes from there with that inner prefix comes by a further way. */
bool steered_takes(const struct dp_kernel *s, const struct in6_prefix *inner,
		   const struct in6_addr *remote);
void steered_dump(struct dp_kernel *s, void (*fn)(void *ctx, const struct dp_binding *b),
		  void *ctx);
/* keep: what is in the kernel stays. */
void steered_free(struct dp_kernel *s, bool keep);

/* ---- for dp_sync.c ---- */

void steered_unsee(struct dp_kernel *s);
/* A route in the table of a way. 0: it is one of ours; 1: it is none, and goes; -ENOMEM. */
int steered_found(struct dp_kernel *s, const struct dp_route *r, bool adopt);
/* How many things were put right, or negative errno. */
int steered_put_back(struct dp_kernel *s);
/* Elements that stand for ways alone: of pairs, and of inner prefixes. */
unsigned int steered_pairs(const struct dp_kernel *s, bool prefixes);
unsigned int steered_alone(const struct dp_kernel *s, bool prefixes);

#endif
