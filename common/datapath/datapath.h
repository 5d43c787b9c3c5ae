/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data path: the whole interface between the protocol and what moves packets.
 * One file per backend (dp_*.c). On the wire every kernel backend speaks RFC 2473
 * IPv6-in-IPv6, so backends interoperate.
 *
 * All changes replace: set() of an inner prefix that is there moves it in one atomic
 * step; no packet is lost by it.
 */
#ifndef DMIP6_DATAPATH_H
#define DMIP6_DATAPATH_H

#include "common/core/in6.h"
#include "common/core/selector.h"

#define DP_PROTOCOL	77	/* on every rule, route and nexthop that we install */
#define DP_TABLE_BASE	4500	/* tables and rule priorities 4500-4599 by default */
#define DP_TABLES	100
/* On tunnel packets that a rule by next header does not see, behind an 8-octet destination
 * options header (RFC 2473 4.1.1, tunnel encapsulation limit) or in fragments; on all that
 * may pass, where a device takes them apart. */
#define DP_MARK		0x644d4950
#define DP_HOMES	32
#define DP_PREFIX	64	/* length of a host's prefix */
/* Of the route to one by its tunnel: before that by its link, which has another, so that each can
 * come and go without the other. */
#define DP_PREFIX_METRIC	512
#define DP_LINK_METRIC		1024
#define DP_FILTER_MN	"dmip6_mn"	/* the inet tables of nftables that are ours */
#define DP_FILTER_HA	"dmip6_ha"
/* How long the remote end that a binding had last is still believed, in milliseconds: packets
 * from there are under way, and a mobile node that has several interfaces sends by the old
 * one until it hears that it may use the new one. */
#define DP_PATHS	7	/* ways of a home address beside the default one */
#define DP_FLOWS	32	/* of a home address, that are steered */
#define DP_PATH_MARK	0x644d4960	/* and the number of the way: of packets that go by it */
#define DP_GRACE_MS	10000
#define DP_SENT_SECONDS	3600	/* how long it is remembered who sent something */

enum dp_role { DP_ROLE_MN, DP_ROLE_HA };

/*
 * A binding as the kernel needs it.
 * HA: packets to `inner` go to `remote` (the care-of address), sent from `local` (the
 *     HA address); what comes back must have outer source `remote` and inner source in `inner`.
 *     A home address, or the whole prefix of a host (DP_PREFIX bits): an address of that which
 *     has a binding of its own goes by it.
 * MN: packets from `inner` (the HoA, /128) go to `remote` (the HA), sent from `local`
 *     (the CoA); what comes back must have outer source `remote` and inner destination `inner`.
 */
struct dp_binding {
	struct in6_prefix inner;
	struct in6_addr local;
	struct in6_addr remote;
	uint16_t mtu;		/* largest inner packet; 0: 1460 */
	bool visit;		/* HA: the prefix is another router's, and its host is here: packets
				 * from `inner` go to `remote`, the anchor, from `local`; what
				 * comes back has outer source `remote`, inner destination in it */
	bool unverified;	/* HA: the remote end has not shown that it is there; what goes to
				 * it is limited */
	bool steered;		/* only from dump(): it has ways of an earlier run, steer() has not
				 * been called for it since, and nothing else need be true of it */
};

/*
 * HA: other ways to who has `inner', beside the default one (that of set(), or its link), and
 * what goes by them. What comes from the remote end of any of them is accepted, as from the
 * default one.
 */
struct dp_steer {
	struct in6_prefix inner;
	struct dp_path {
		struct in6_addr local, remote;	/* remote unspecified: there is no such way */
	} paths[DP_PATHS];
	unsigned int n_flows;
	struct dp_flow {		/* in order: a packet is of the first that it matches */
		struct selector what;
		int path;		/* index, or -1: the default */
	} flows[DP_FLOWS];
};

struct dp_stats { uint64_t tx_packets, rx_packets; };	/* tx: into the tunnel */

/* A change that could not be made; what stood before it stands. */
typedef void dp_failed_fn(void *ctx, const struct in6_prefix *inner, int err);

struct dp_home {			/* a home link of the HA */
	struct in6_prefix prefix;
	struct in6_addr address;	/* what is tunnelled for the prefix leaves from there */
};

#define DP_ACCESS	16
#define DP_REPORTS	1000

/* What an unverified remote end may get: kilobytes at once, and then in a second. A round trip of
 * half a second at 100 Mbit/s, and what an old mobile node can live with. */
#define DP_CREDIT_BURST	8192
#define DP_CREDIT_RATE	128

struct dp_port {			/* a TCP port for the hosts of access links alone */
	uint16_t port;			/* 0: there is none */
	unsigned int n_access;
	char access[DP_ACCESS][16];	/* names of interfaces, that are there or not */
};

struct dp_links { unsigned int n; char names[DP_ACCESS][16]; };

struct dp_drops {
	uint64_t forged;	/* out of tunnels by the source checks, and what goes in a ring */
	uint64_t congestion;	/* RFC 6040 4.2: marked, but the packet inside cannot be */
	uint64_t errors;	/* too many packets that did not fit, or the like, at a time */
	uint64_t credit;	/* to remote ends that are unverified, beyond what they may get */
	uint64_t foreign;	/* from hosts of guarded links, with sources that are not theirs */
	uint64_t port_strangers, port_limited;	/* for dp_config's port: from elsewhere; too many */
};

struct dp_config {
	enum dp_role role;
	uint32_t table_base;	/* DP_TABLE_BASE unless configured */
	uint32_t rule_base;	/* MN: priorities of rules; 0: as table_base */
	const char *device;	/* name of our own device: "dmip6mn0", "dmip6ha0" */
	/* HA: no TCP connection that begins in a tunnel has longer segments; 0: as the ends
	 * say. */
	uint16_t mss;
	bool no_grace;		/* a remote end that a binding had before is not believed */
	bool ipsec;		/* Mobility Headers that came in ESP are for a raw socket */
	/* HA: its home links, copied. The daemon alone answers who asks for home agents
	 * there: the kernel neither passes that on nor answers it. */
	const struct dp_home *homes;
	unsigned int n_homes;	/* at most DP_HOMES */
	/* HA: hosts of other routers may come to the access links that `port' names; what is sent
	 * for them leaves from the first home's address. */
	bool visits;
	/* HA: inner prefixes may have several ways (steer()). */
	bool steers;
	/* HA: links whose hosts send from prefixes that were allowed to them, and no others. */
	struct dp_links guarded;
	/* HA: what hosts of these send from others is reported, up to DP_REPORTS a second, to that
	 * group of nfnetlink_log; 0, or a kernel that has
	 * none: it is not. */
	uint16_t report_group;
	/* HA: who is not on an access link with an address of a home is not answered there. */
	struct dp_port port;
	/* HA: set and del may put off what they do until commit and report here what failed,
	 * also from within another set or del. NULL: each is done when it returns. */
	dp_failed_fn *failed;
	void *failed_ctx;
};

struct dp;			/* an open data path; one per daemon */

struct dp_ops {
	const char *name;
	/* HA: the protocol as which raw sockets get what was inside of tunnel packets that came
	 * in fragments, with DP_MARK if it has been checked; the caller sends it on. 0: the
	 * kernel does it all. */
	uint8_t reassembled;
	/* Can it work on this kernel? 0, or negative errno with the reason and what
	 * follows from it in `why`. Leaves nothing behind. */
	int (*probe)(char *why, size_t len);
	/* Takes over what an earlier run left with our protocol number. */
	int (*open)(const struct dp_config *cfg, struct dp **ret);
	/* Makes addr an end of tunnels here. HA: its address. MN: each care-of address; it
	 * has to be an address of this host. */
	int (*endpoint_add)(struct dp *dp, const struct in6_addr *addr);
	int (*endpoint_del)(struct dp *dp, const struct in6_addr *addr);
	int (*set)(struct dp *dp, const struct dp_binding *b);
	int (*del)(struct dp *dp, const struct in6_prefix *inner);	/* -ENOENT */
	void (*commit)(struct dp *dp);		/* what was put off */
	/* HA: in place of what there was for that inner prefix; without any path: nothing is
	 * steered any more. At once, and after what was put off; on error what stood before it
	 * stands. */
	int (*steer)(struct dp *dp, const struct dp_steer *s);
	/* Packets by that way so far (not those that the kernel sends by itself). */
	int (*path_stats)(struct dp *dp, const struct in6_prefix *inner, unsigned int path,
			  uint64_t *ret_packets);
	/* MN: packets for the HoA may come out of a tunnel from there for DP_GRACE_MS, though
	 * none go into one yet: the HA is about to be asked for it. */
	int (*expect)(struct dp *dp, const struct in6_addr *hoa, const struct in6_addr *ha);
	int (*stats)(struct dp *dp, const struct in6_prefix *inner, struct dp_stats *ret);
	/* HA: the host may send from that prefix (DP_PREFIX bits), or no longer; on any guarded
	 * link. To say it again is 0. */
	int (*guard)(struct dp *dp, const uint8_t mac[6], const struct in6_prefix *prefix,
		     bool allowed);
	/* Calls fn for every binding that is installed in the kernel, ours of an earlier
	 * run too. After open(), the daemon deletes those it does not know. */
	int (*dump)(struct dp *dp, void (*fn)(void *ctx, const struct dp_binding *b), void *ctx);
	/* Somebody may have deleted our rules, routes or tables: puts back what is missing.
	 * Returns how many things were put back, or negative errno. */
	int (*repair)(struct dp *dp);
	/* MN: calls fn for each address of this host that sent something other than TCP in the
	 * last DP_SENT_SECONDS, from sockets bound to it or not, and how long ago; short
	 * questions and signalling do not count. -EOPNOTSUPP: it cannot be told. */
	int (*sent)(struct dp *dp, void (*fn)(void *ctx, const struct in6_addr *from,
					      uint64_t ms_ago), void *ctx);
	/* Since open(). */
	int (*drops)(struct dp *dp, struct dp_drops *ret);
	/* keep: leave the kernel state for the next run (restart). Otherwise remove it all. */
	void (*close)(struct dp *dp, bool keep);
};

struct dp {			/* first member of every backend's own struct */
	const struct dp_ops *ops;
	/* MN: from where the rules are numbered that are made or removed from now on. Who
	 * changes it moves those that are there. */
	uint32_t rule_base;
};

/* Chosen by name, or (NULL) the first whose probe works. -ENOENT: no such name;
 * -ENOTSUP: none works; `why` then says why for each. */
int dp_choose(const char *name, const struct dp_ops **ret, char *why, size_t len);
const struct dp_ops *const *dp_all(void);	/* ends with NULL */
/* Removes everything with our protocol number, and our device and filter table; for
 * --cleanup. Returns how many things were removed, or negative errno. */
int dp_cleanup(uint32_t table_base, const char *device);

extern const struct dp_ops dp_ip6tnl;
extern const struct dp_ops dp_seg6;
extern const struct dp_ops dp_null;

/* dp_null's record, for tests and the simulation. */
size_t dp_null_count(const struct dp *dp);
const struct dp_binding *dp_null_find(const struct dp *dp, const struct in6_prefix *inner);
const struct dp_steer *dp_null_steered(const struct dp *dp, const struct in6_prefix *inner);
unsigned long dp_null_calls(const struct dp *dp);

#endif
