/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel objects of the seg6 backend, one verb per object. Nothing is remembered here.
 * All return 0 or negative errno; deleting what is not there is -ENOENT.
 */
#ifndef DMIP6_DATAPATH_DP_SEG6_KERNEL_H
#define DMIP6_DATAPATH_DP_SEG6_KERNEL_H

#include <stdbool.h>

#include "common/core/in6.h"
#include "common/sys/nl.h"

/* A route into a tunnel: whatever is for dst (or, in a table of its own, everything). */
struct seg6_route {
	struct in6_prefix dst;
	uint32_t table;
	uint32_t nexthop;	/* id */
	uint16_t mtu;		/* largest inner packet */
};

/* Outer source address of all tunnels of this network namespace (generic netlink). */
int seg6_source_get(struct nl *genl, int family, struct in6_addr *ret);
int seg6_source_set(struct nl *genl, int family, const struct in6_addr *addr);

/* Nexthop object that encapsulates towards remote; replaces an object of that id. */
int seg6_nexthop_replace(struct nl *nl, uint32_t id, const struct in6_addr *remote, int ifindex);
int seg6_nexthop_del(struct nl *nl, uint32_t id);
int seg6_nexthop_dump(struct nl *nl,
		      void (*fn)(void *ctx, uint32_t id, const struct in6_addr *remote), void *ctx);

int seg6_route_replace(struct nl *nl, const struct seg6_route *r);
int seg6_route_del(struct nl *nl, const struct seg6_route *r);
int seg6_route_dump(struct nl *nl, void (*fn)(void *ctx, const struct seg6_route *r), void *ctx);

/* Route that decapsulates what is addressed to addr. */
int seg6_decap_replace(struct nl *nl, uint32_t table, const struct in6_addr *addr, int ifindex);
int seg6_decap_del(struct nl *nl, uint32_t table, const struct in6_addr *addr);

/* The rules that lead into the decapsulating table, in front of the local table's rule.
 * Returns how many things had to be put right. */
int seg6_rules_first(struct nl *nl, uint32_t table);
/* A crash while the local rule was moved leaves its stand-in: puts the local rule back. */
int seg6_rules_standin_away(struct nl *nl, uint32_t table);
int seg6_rules_del(struct nl *nl, uint32_t table);

/* dp_ops.probe: tries each kind of object and takes it away again. */
int seg6_probe(char *why, size_t len);

#endif
