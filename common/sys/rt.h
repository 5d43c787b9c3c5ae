/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Typed verbs of rtnetlink: what the daemons do to the kernel outside the data path.
 * All add what they add with protocol `RT_PROTOCOL`, and replace rather than delete and
 * add. All return 0 or negative errno; deleting what is not there is -ENOENT or, for
 * addresses, -EADDRNOTAVAIL.
 */
#ifndef DMIP6_SYS_RT_H
#define DMIP6_SYS_RT_H

#include <stdbool.h>

#include "common/core/in6.h"
#include "common/sys/nl.h"

#define RT_PROTOCOL	77
#define RT_TABLE_PROBE	0x44600000U	/* what is tried there is gone at once, nobody's loss */
#define RT_LIFETIME_FOREVER	UINT32_MAX

struct rt_link {
	int ifindex;
	char name[16];
	bool up;		/* administratively up and carrier */
	bool loopback;
	bool ethernet;
	uint8_t mac[6];
	uint32_t mtu;
	uint8_t addr_gen_mode;	/* 0 EUI-64, 1 none, 2 stable privacy, 3 random */
};

struct rt_addr {
	int ifindex;
	struct in6_addr addr;
	uint8_t plen;
	uint32_t flags;		/* IFA_F_* */
	uint32_t preferred_s, valid_s;	/* RT_LIFETIME_FOREVER */
	uint8_t protocol;	/* of what was read: RT_PROTOCOL is ours */
};

struct rt_route {
	struct in6_prefix dst;
	struct in6_addr via;	/* unspecified: on link */
	int ifindex;
	uint32_t table;		/* 254 main */
	uint32_t metric;	/* 0: the kernel's choice */
	bool onlink;
	bool unreachable;	/* leads nowhere: the sender is told so */
};

struct rt_default {		/* a default route of the main table, or a leg of one */
	int ifindex;
	struct in6_addr via;	/* unspecified: on link */
	uint32_t metric;
	uint8_t protocol;
	bool legs;		/* it is one of several of the same route */
};

struct rt_rule {
	struct in6_prefix from;		/* len 0: all */
	uint8_t ip_proto;		/* 0: all */
	uint32_t priority;
	uint32_t table;
	uint8_t protocol;		/* FRA_PROTOCOL; 0: RT_PROTOCOL */
	uint32_t mark;			/* 0: any */
	char iif[16];			/* what comes in by it; "": all */
	/* Only of what was read: */
	bool invert;			/* it takes what the selectors do not match */
	bool narrow;			/* it has selectors that are not listed here */
	bool specific;			/* it takes no route of a prefix as short as the default */
	char oif[16];
};

int rt_addr_replace(struct nl *nl, const struct rt_addr *a);
/* The same on the access link of that name, to be used while duplicate address detection runs
 * (RFC 4429). The kernel takes the flag from whoever adds an address only while
 * optimistic_dad is on for the interface: it is put on for that moment. -EOPNOTSUPP: this
 * kernel cannot, or the setting cannot be written; there is no such address then. */
int rt_addr_optimistic(struct nl *nl, const struct rt_addr *a, const char *interface);
int rt_addr_del(struct nl *nl, int ifindex, const struct in6_addr *addr, uint8_t plen);
int rt_addr_dump(struct nl *nl, void (*fn)(void *ctx, const struct rt_addr *a), void *ctx);
int rt_route_replace(struct nl *nl, const struct rt_route *r);
int rt_route_del(struct nl *nl, const struct rt_route *r);
/* The route that the kernel made for a prefix that was advertised as on link. */
int rt_onlink_del(struct nl *nl, int ifindex, const struct in6_prefix *prefix);
/* Every route with our protocol in one table (0: all). */
int rt_route_dump(struct nl *nl, uint32_t table,
		  void (*fn)(void *ctx, const struct rt_route *r), void *ctx);
/* Every default route of the main table, whoever made it. */
int rt_default_dump(struct nl *nl, void (*fn)(void *ctx, const struct rt_default *r), void *ctx);
int rt_rule_add(struct nl *nl, const struct rt_rule *r);	/* an equal one is there: 0 */
int rt_rule_del(struct nl *nl, const struct rt_rule *r);
/* Does it take packets whatever their source is (main and local not counted)? */
bool rt_rule_takes_all(const struct rt_rule *r);
int rt_rule_dump(struct nl *nl, void (*fn)(void *ctx, const struct rt_rule *r), void *ctx);
/* permanent: NUD_PERMANENT; else NUD_REACHABLE, as if a solicitation had been answered. */
int rt_neigh_replace(struct nl *nl, int ifindex, const struct in6_addr *addr,
		     const uint8_t mac[6], bool permanent, bool router);
/* NUD_FAILED, as if solicitations had gone unanswered: routes through it come last. */
int rt_neigh_fail(struct nl *nl, int ifindex, const struct in6_addr *addr);
int rt_neigh_del(struct nl *nl, int ifindex, const struct in6_addr *addr);
/* Every IPv6 neighbour with our protocol. */
int rt_neigh_dump(struct nl *nl, void (*fn)(void *ctx, int ifindex, const struct in6_addr *addr),
		  void *ctx);
/* Our own device: a dummy where the kernel has it, else one end of a veth pair; up,
 * no autoconfiguration, no router solicitations. Found again by name. */
int rt_device_make(struct nl *nl, const char *name, int *ret_ifindex);
/* An ip6_tunnel device that takes the ends of its tunnels from routes, up as above; it lets
 * packets of any size in, the way out says how large they may be. 1: made; 0: was there. */
int rt_tunnel_make(struct nl *nl, const char *name, int *ret_ifindex);
/* Its link-layer address; some drivers refuse that while it is up. */
int rt_link_set_mac(struct nl *nl, int ifindex, const uint8_t mac[6]);
int rt_device_del(struct nl *nl, const char *name);
int rt_link_dump(struct nl *nl, void (*fn)(void *ctx, const struct rt_link *l), void *ctx);
int rt_link_by_name(struct nl *nl, const char *name, struct rt_link *ret);	/* -ENODEV */
/* The device by which packets to dst leave. */
int rt_route_get(struct nl *nl, const struct in6_addr *dst, int *ret_ifindex);

#endif
