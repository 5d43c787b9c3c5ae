/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Source checks and counters for kernel backends: an nftables table of our own, one per
 * role. Decapsulation accepts a packet only from the outer source and with the inner
 * address of a binding, and only for an end of tunnels that was told here. Also keeps the
 * kernel from answering Mobility Headers, which it may not know.
 */
#ifndef DMIP6_DATAPATH_DP_FILTER_H
#define DMIP6_DATAPATH_DP_FILTER_H

#include "common/datapath/datapath.h"

/* On tunnel packets with an 8-octet destination options header in front (RFC 2473 4.1.1,
 * tunnel encapsulation limit), which a rule by next header does not see; on all that may
 * pass, where a device takes them apart. */
#define DP_FILTER_MARK	0x644d4950

struct dp_filter;

#define DP_FILTER_MANY	64	/* elements in one question */

struct dp_pair {		/* element of set rx: as the packet has it */
	struct in6_addr remote, inner;
};

int dp_filter_probe(enum dp_role role, const char *device, char *why, size_t len);
/* A table that is there already is kept with its elements and their counts. device: by which
 * comes what the kernel has taken out of tunnels, whether or not they are ours; NULL: none. */
int dp_filter_open(enum dp_role role, const char *device, struct dp_filter **ret);
void dp_filter_close(struct dp_filter *f, bool keep);
/* 1: rules or sets were missing, all stands again (empty sets where they were missing);
 * 0: nothing was missing. */
int dp_filter_repair(struct dp_filter *f);
/* HA: its home links; none until told. */
int dp_filter_homes(struct dp_filter *f, const struct dp_home *homes, unsigned int n);
int dp_filter_endpoint(struct dp_filter *f, const struct in6_addr *addr, bool present);
/* Adding what is there is 0 and keeps its count; removing what is not there is -ENOENT. */
int dp_filter_add(struct dp_filter *f, const struct in6_addr *inner, const struct in6_addr *remote);
int dp_filter_del_rx(struct dp_filter *f, const struct in6_addr *inner,
		     const struct in6_addr *remote);
int dp_filter_del_tx(struct dp_filter *f, const struct in6_addr *inner);
int dp_filter_rx(struct dp_filter *f, const struct in6_addr *inner, const struct in6_addr *remote,
		 uint64_t *ret);
int dp_filter_tx(struct dp_filter *f, const struct in6_addr *inner, uint64_t *ret);
/* rx of many pairs in one question; a pair that is not there makes it -ENOENT. */
int dp_filter_rx_many(struct dp_filter *f, const struct dp_pair *pairs, unsigned int n,
		      uint64_t *ret);
/* Many elements in one transaction: from gather on, adding and deleting puts aside and
 * returns 0; commit does it all or nothing. */
void dp_filter_gather(struct dp_filter *f);
int dp_filter_commit(struct dp_filter *f);
int dp_filter_drops(struct dp_filter *f, uint64_t *ret);	/* since open */
/* Every accepted pair; every counted inner address (remote is then NULL); every endpoint
 * (inner is NULL). */
int dp_filter_dump(struct dp_filter *f,
		   void (*fn)(void *ctx, const struct in6_addr *inner,
			      const struct in6_addr *remote), void *ctx);
int dp_filter_remove_all(void);		/* both roles' tables; how many there were */

#endif
