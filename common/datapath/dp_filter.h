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
#include "common/datapath/dp_ruleset.h"

struct dp_filter;

int dp_filter_probe(const struct dp_ruleset *r, char *why, size_t len);
/* A table that is there already is kept with its elements and their counts. *r is
 * copied. */
int dp_filter_open(const struct dp_ruleset *r, struct dp_filter **ret);
void dp_filter_close(struct dp_filter *f, bool keep);
/* 1: rules or sets were missing, all stands again (empty sets where they were missing);
 * 0: nothing was missing. */
int dp_filter_repair(struct dp_filter *f);
/* HA: its home links; none until told. */
int dp_filter_homes(struct dp_filter *f, const struct dp_home *homes, unsigned int n);
/* HA, after its homes: a port of its own on the access links. -EOPNOTSUPP and the like: this
 * kernel has not all that it takes; the rest stands. */
int dp_filter_port(struct dp_filter *f, const struct dp_port *p);
bool dp_filter_is_home(const struct dp_filter *f, const struct in6_addr *addr);	/* our address */
int dp_filter_endpoint(struct dp_filter *f, const struct in6_addr *addr, bool present);
/* Adding what is there is 0 and keeps its counts; removing what is not there is -ENOENT. Of the
 * binding counts what is inner: an address, (HA) a whole prefix of DP_PREFIX bits, or the one of
 * a visit; the remote end is said beside it. */
/* What comes from remote with that inner address is accepted, and both ways are counted. */
int dp_filter_add(struct dp_filter *f, const struct dp_binding *b,
		  const struct in6_addr *remote);
/* The same for one more remote end. */
int dp_filter_accept(struct dp_filter *f, const struct dp_binding *b,
		     const struct in6_addr *remote);
int dp_filter_refuse(struct dp_filter *f, const struct dp_binding *b,
		     const struct in6_addr *remote);
/* A pair that is refused may come for DP_GRACE yet: what left before the move is under way. */
int dp_filter_late(struct dp_filter *f, const struct dp_binding *b,
		   const struct in6_addr *remote);
int dp_filter_no_longer_late(struct dp_filter *f, const struct dp_binding *b,
			     const struct in6_addr *remote);
/* HA: what goes to that inner address is limited. */
int dp_filter_unverified(struct dp_filter *f, const struct in6_addr *inner, bool present);
/* HA, with guarded links. */
int dp_filter_guard(struct dp_filter *f, const uint8_t mac[6], const struct in6_prefix *prefix,
		    bool allowed);
/* HA: the chain that marks packets by their way, made or changed in one transaction; and gone. */
int dp_filter_steer(struct dp_filter *f, const struct dp_steer *s);
int dp_filter_unsteer(struct dp_filter *f, const struct in6_prefix *inner);
int dp_filter_path(struct dp_filter *f, const struct in6_prefix *inner, unsigned int path,
		   uint64_t *ret_packets);
int dp_filter_flow_rules(struct dp_filter *f);	/* of all such chains, or negative errno */
int dp_filter_forget(struct dp_filter *f, const struct dp_binding *b);	/* the counts */
int dp_filter_in(struct dp_filter *f, const struct dp_binding *b, uint64_t *ret);
int dp_filter_tx(struct dp_filter *f, const struct dp_binding *b, uint64_t *ret);
/* Many elements in one transaction: from gather on, adding and deleting puts aside and
 * returns 0; commit does it all or nothing. */
void dp_filter_gather(struct dp_filter *f);
int dp_filter_commit(struct dp_filter *f);
int dp_filter_drops(struct dp_filter *f, struct dp_drops *ret);
int dp_filter_sent(struct dp_filter *f, void (*fn)(void *ctx, const struct in6_addr *from,
						   uint64_t ms_ago), void *ctx);
/* Those of addresses, of prefixes, of visits, and endpoints. */
enum dp_filter_set {
	DP_FILTER_RX, DP_FILTER_IN, DP_FILTER_TX,
	DP_FILTER_RX64, DP_FILTER_IN64, DP_FILTER_TX64,
	DP_FILTER_VRX64, DP_FILTER_VIN64, DP_FILTER_VTX64,
	DP_FILTER_LOCAL,
};
/* How many elements a set has, or -EOPNOTSUPP: kernels before 6.16 do not say. */
int dp_filter_count(struct dp_filter *f, enum dp_filter_set set);
/* Are all of these n (at most DP_FILTER_MANY) in the set? remote is used for RX only. 0, or
 * -ENOENT. */
#define DP_FILTER_MANY	64
int dp_filter_has(struct dp_filter *f, enum dp_filter_set set,
		  const struct dp_binding *const *bindings, unsigned int n);
/* Every element of the sets, from that one on, that this role has: b has what is inner, and the
 * remote end for those of pairs and of LOCAL. */
int dp_filter_dump(struct dp_filter *f, enum dp_filter_set from,
		   void (*fn)(void *ctx, enum dp_filter_set set, const struct dp_binding *b),
		   void *ctx);
int dp_filter_remove_all(void);		/* both roles' tables; how many there were */

#endif
