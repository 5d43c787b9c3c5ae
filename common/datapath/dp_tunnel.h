/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tunnel types of the kernel. dp_kernel.c keeps bindings and endpoints and installs what
 * every type has in common: nexthop objects, routes to them, the filter. A type
 * (dp_ip6tnl.c, dp_seg6.c) says how packets are put into its tunnels and taken out again.
 * One per open data path.
 *
 * All return 0 or negative errno; deleting what is not there is -ENOENT.
 */
#ifndef DMIP6_DATAPATH_DP_TUNNEL_H
#define DMIP6_DATAPATH_DP_TUNNEL_H

#include <stdbool.h>

#include "common/core/in6.h"
#include "common/datapath/datapath.h"
#include "common/sys/nl.h"

#define DP_VISIT_OFFSET	98	/* from the table base: the table, and priority, of visits */
#define DP_DECAP_OFFSET	99	/* from the table base: the table of decapsulating routes */

#define DP_SOURCES	3	/* different outer sources of a mobile node at a time */

struct dp_ends {
	struct in6_addr local;		/* outer source; unspecified: not known from there */
	struct in6_addr remote;		/* outer destination */
	int ifindex;			/* of what was read: the nexthop's device */
};

/* What they are called in a nexthop object, and in a route. */
struct dp_encap_attrs { uint16_t type, encap; };

struct dp_tunnel;

struct dp_tunnel_ops {
	const char *name;
	const char *device;	/* what comes out of tunnels comes in by it; NULL: by none */
	/* What the kernel takes off the mtu of a route into a tunnel of this type. */
	uint16_t mtu_headroom;
	/* For what is forwarded the kernel asks the device, unless the route's mtu is locked. */
	bool mtu_locked_on_ha;

	/* dp_ops.probe without the filter. */
	int (*probe)(struct nl *nl, char *why, size_t len);
	/* nl: rtnetlink, stays the caller's. table: for decapsulating routes. */
	int (*open)(enum dp_role role, struct nl *nl, uint32_t table, struct dp_tunnel **ret);
	/* keep: leave the kernel state for the next run. Frees t. */
	void (*close)(struct dp_tunnel *t, bool keep);
	/* What all tunnels share, devices and rules: makes it, or puts back what is missing.
	 * Returns how many things had to be put right. */
	int (*prepare)(struct dp_tunnel *t);
	/* Attributes of a nexthop object or a route, and from there again; false: it is not of
	 * this type. */
	void (*put_ends)(struct nlmsghdr *nlh, const struct dp_ends *e,
			 const struct dp_encap_attrs *a);
	bool (*get_ends)(uint16_t encap_type, const struct nlattr *encap, struct dp_ends *ret);
	/* HA, NULL where each tunnel has its own: the outer source of all that is sent.
	 * Returns 1 if it had to be changed. */
	int (*source)(struct dp_tunnel *t, const struct in6_addr *addr);
	/* MN, NULL where each tunnel has its own: nexthops that are made from now on with addr
	 * as their outer source use place n (less than DP_SOURCES), in place of what was
	 * there; unspecified: nothing. t->sources says what is where. */
	int (*use_place)(struct dp_tunnel *t, unsigned int n, const struct in6_addr *addr);
	/* Makes addr decapsulate, or no longer. NULL where every address does. */
	int (*decap_add)(struct dp_tunnel *t, const struct in6_addr *addr);
	int (*decap_del)(struct dp_tunnel *t, const struct in6_addr *addr);
	int (*decap_dump)(struct dp_tunnel *t,
			  void (*fn)(void *ctx, const struct in6_addr *addr), void *ctx);
	/* Removes what tunnels of this type share, whoever made it; for dp_cleanup(), and when
	 * this run uses another type. How many things, or negative errno. */
	int (*cleanup)(struct nl *nl, uint32_t table);
};

struct dp_tunnel {		/* first member of every type's own struct */
	const struct dp_tunnel_ops *ops;
	enum dp_role role;
	struct nl *nl;
	uint32_t table;
	int own_ifindex;	/* our device with the addresses; set before prepare() */
	int ifindex;		/* the device of the nexthops; set by prepare() */
	/* HA: what open() found as the outer source of an earlier run; else unspecified. */
	struct in6_addr source;
	/* MN, with use_place; prepare() finds those of an earlier run. */
	struct dp_place { struct in6_addr addr; int ifindex; } sources[DP_SOURCES];
};

/* In the order of preference; ends with NULL. */
extern const struct dp_tunnel_ops *const dp_tunnel_types[];
extern const struct dp_tunnel_ops dp_ip6tnl_tunnel;
extern const struct dp_tunnel_ops dp_seg6_tunnel;

/* Where the outer source addr is, or -1. */
int dp_place_of(const struct dp_tunnel *t, const struct in6_addr *addr);
/* Nexthop object that puts packets into a tunnel; replaces an object of that id. */
int dp_nexthop_replace(const struct dp_tunnel *t, uint32_t id, const struct dp_ends *ends);
int dp_nexthop_del(struct nl *nl, uint32_t id);
/* Every nexthop with our protocol; ends is NULL if it is not of type ops (NULL: any). */
int dp_nexthop_dump(struct nl *nl, const struct dp_tunnel_ops *ops,
		    void (*fn)(void *ctx, uint32_t id, const struct dp_ends *ends), void *ctx);

/* A route into a tunnel: whatever is for dst (or, in a table of its own, everything). Of a visit:
 * whatever is from src. Without a nexthop object the ends of the tunnel are its own: of a visit,
 * for the kernel takes none there, and of further ways. */
struct dp_route {
	struct in6_prefix dst;
	uint32_t table;
	uint32_t nexthop;	/* id; 0: it has ends */
	uint16_t mtu;		/* largest inner packet */
	bool visit;
	struct in6_prefix src;
	struct dp_ends ends;
};

/* The beginning of a message about a route of ours: everything but where it leads. */
struct nlmsghdr *dp_route_message(struct nl *nl, uint16_t type, uint16_t flags,
				  const struct in6_prefix *dst, uint32_t table);
int dp_route_replace(const struct dp_tunnel *t, const struct dp_route *r);
int dp_route_del(const struct dp_tunnel *t, const struct dp_route *r);
int dp_route_dump(const struct dp_tunnel *t, void (*fn)(void *ctx, const struct dp_route *r),
		  void *ctx);

#endif
