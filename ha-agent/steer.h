/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hosts that are on links of several routers at once (the draft's figure 6, RFC 7864): which flow
 * goes by which of their interfaces. Pure; called by binding.c and nd.c when a way comes or goes,
 * and by ctl.c when an operator moves a flow.
 */
#ifndef DMIP6_HA_STEER_H
#define DMIP6_HA_STEER_H

#include "common/core/hash.h"
#include "common/core/in6.h"
#include "common/core/selector.h"

struct binding;
struct ha;
struct lease;

#define HA_MAX_FLOWS		32	/* as DP_FLOWS */
#define HA_FLOW_NAME		32
#define HA_FLOW_MOVES		4096

/* A kind of flow, and by which of a host's links it is to go (RFC 7864 5.2). */
struct ha_flow {
	char name[HA_FLOW_NAME];
	bool has_mac;			/* of that host alone */
	uint8_t mac[6];
	struct selector what;
	uint8_t access_type;		/* enum mh_access_type; 0: the default way */
};

struct flow_move;
struct flow_moves { struct flow_move *by_key; };

/* Where a flow of a prefix goes now. */
struct steer_flow {
	const struct ha_flow *flow;
	uint8_t access_type;		/* that is wanted: an operator may have moved it */
	const struct binding *way;	/* NULL: the default way */
};

/* Has its home address other ways than this binding? Then it is put into the data path by: */
bool steer_concerns(const struct binding *b);
/* It leads to that care-of address from now on, or (NULL) is no more. 0 or negative errno: then
 * what stood before it stands. */
int steer_set(const struct binding *b, const struct in6_addr *coa);
/* The host has come to its link, or gone; or it has been said anew which flow goes where. */
void steer_review(const struct lease *l);
void steer_review_all(struct ha *ha);
/* By which packets to the prefix go if they are of no flow; NULL: by its link, or nowhere. */
const struct binding *steer_default(const struct ha *ha, const struct in6_addr *prefix);
/* Those of a prefix, in order. Returns how many. */
unsigned int steer_flows(const struct ha *ha, const struct lease *l,
			 struct steer_flow ret[HA_MAX_FLOWS]);
/* An operator moves a flow of a host to its link of that type; 0: to the default way. -1: back to
 * what the configuration says. 0, -ENOENT: there is no such flow, or none of that host; -ENOSPC. */
int steer_move(struct ha *ha, const uint8_t mac[6], const char *flow, int access_type);
void steer_free(struct ha *ha);

#endif
