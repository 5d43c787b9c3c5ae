/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mobile node: interfaces, anchors, and what follows from each event. Pure: packets,
 * kernel events and time come in by the functions below; what is to be done to the world
 * goes out by struct mn_ops. io.c binds it to the kernel, tests/sim to a virtual network.
 */
#ifndef DMIP6_MN_MN_H
#define DMIP6_MN_MN_H

#include <string.h>

#include "common/core/limit.h"
#include "common/wire/boot.h"
#include "common/wire/ext.h"
#include "mn-agent/anchor.h"
#include "mn-agent/classes.h"
#include "mn-agent/policy.h"
#include "mn-agent/movement.h"

#define MN_INTERFACES_MAX	16
#define MN_KEYS_MAX		16
#define MN_ANCHORS_MAX		64	/* hard bound of the list, attached ones included */
#define MN_SENT_MAX		8
#define MN_NAME_MAX		16
#define MN_PAST_ROUTERS		8
#define MN_ENDS_MAX		32
#define MN_BOUND_MAX		64	/* sockets without a peer that are told apart */
#define MN_ADDRS_MAX		16	/* addresses remembered of one interface */
#define MN_HOMES_MAX		8

struct mn_key {
	struct auth_key key;
	bool any_ha;
	struct in6_addr ha;
	bool timestamps;		/* Binding Updates with it carry one (RFC 4285 6) */
};

/* A home that people have configured, as RFC 6275 has it; what is unspecified is found. */
struct mn_home {
	char name[ANCHOR_NAME_MAX];
	struct in6_prefix prefix;
	struct in6_addr address;
	char eui64_of[MN_NAME_MAX];	/* the address has the identifier of this interface */
	struct in6_addr ha;
	uint32_t spi;			/* of its key; 0: that of its home agent */
	bool unauthenticated;
};

struct mn_names {			/* of interfaces; a `*` at the end stands for anything */
	unsigned int n;
	char name[MN_INTERFACES_MAX][MN_NAME_MAX];
};

struct mn_config {
	bool hmac_sha1;			/* keys of SPI 3 are allowed */
	unsigned int n_keys;
	struct mn_key keys[MN_KEYS_MAX];
	struct boot_modes key_modes;	/* of keys that home agents give; none: not asked */
	unsigned int n_homes;
	struct mn_home homes[MN_HOMES_MAX];
	unsigned int n_interfaces;	/* 0: every Ethernet-like interface */
	/* In order of preference; a `*` as in mn_names. */
	char interfaces[MN_INTERFACES_MAX][MN_NAME_MAX];
	struct mn_names metered;	/* cost by volume: the last of equals */
	struct mn_names never;		/* not to be used */
	unsigned int max_anchors;	/* away at the same time */
	struct classes_config classes;
	struct class_policies policies;	/* for those that ask for no class, in order */
	struct anchor_config anchor;
};

/* The road of a care-of address: everything from `prefix` leaves through this router. */
struct mn_path {
	int ifindex;
	unsigned int slot;		/* which interface of ours: 0 .. MN_INTERFACES_MAX - 1 */
	struct in6_prefix prefix;
	struct in6_addr router;		/* link-local */
	uint8_t router_mac[6];
};

enum mn_link_kind { LINK_WIRED, LINK_WIRELESS, LINK_MOBILE };	/* the best one first */

struct mn_link {			/* what the kernel tells of an interface */
	int ifindex;
	char name[MN_NAME_MAX];
	enum mn_link_kind kind;
	bool metered;			/* as somebody else says */
	bool up;
	uint8_t mac[6];
	bool eui64;			/* it forms its interface identifiers from the MAC */
};

struct mn_addr {
	int ifindex;
	struct in6_addr addr;
	uint8_t plen;
	bool usable;			/* not tentative, or optimistic */
	bool duplicate;			/* another host has it, the kernel has found */
	bool ours;			/* made by addr_add() or addr_home(), perhaps earlier */
};

/* Protocols that have such states, or rules of their own, by their numbers in IPv6. */
enum { FLOW_TCP = 6, FLOW_UDP = 17, FLOW_DCCP = 33 };

/* States of TCP, with the kernel's numbers. What of another protocol has a peer is
 * ESTABLISHED, what has none is CLOSE. */
enum mn_flow_state {
	FLOW_ESTABLISHED = 1, FLOW_SYN_SENT, FLOW_SYN_RECV, FLOW_FIN_WAIT1, FLOW_FIN_WAIT2,
	FLOW_TIME_WAIT, FLOW_CLOSE, FLOW_CLOSE_WAIT, FLOW_LAST_ACK, FLOW_LISTEN, FLOW_CLOSING,
	FLOW_NEW_SYN_RECV, FLOW_STATE_MAX
};

struct mn_flow {			/* a socket with a local address */
	struct in6_addr local, remote;	/* remote unspecified: bound, not connected */
	uint16_t local_port, remote_port;
	uint8_t protocol;		/* of the IPv6 header */
	uint8_t state;			/* enum mn_flow_state, or what the kernel says */
	bool owned;			/* a process has it */
	uint64_t cookie;		/* the kernel's name of it; 0: not known */
	uint32_t uid;
	uint64_t cgroup;		/* its number; 0: not known */
};

/* A socket without a peer: protocol and port, and whether another address has them too. */
struct mn_bound {
	struct in6_addr local;
	uint16_t port;
	uint8_t protocol;
	bool elsewhere;
};

struct mn;
struct mn_iface;
struct bootstrap_ask;

struct mn_ops {
	/* Packets: whole, as they go on the wire. 0 or negative errno. */
	int (*send_link)(void *ctx, int ifindex, const uint8_t mac[6], const void *data,
			 size_t len);
	int (*send_routed)(void *ctx, const void *data, size_t len);
	/* The kernel. All replace; all 0 or negative errno. */
	int (*path_set)(void *ctx, const struct mn_path *p);
	void (*path_unset)(void *ctx, const struct mn_path *p);
	/* A router that was left counts as unreachable (RFC 4861 7.3.3): the kernel may keep its
	 * default route for long, and would send new flows there first. */
	void (*router_gone)(void *ctx, int ifindex, const struct in6_addr *router);
	/* What an earlier router advertised as on link is not there any more. */
	void (*onlink_gone)(void *ctx, int ifindex, const struct in6_prefix *prefix);
	/* Our own device. */
	int (*addr_set)(void *ctx, const struct in6_addr *addr, bool preferred);
	void (*addr_unset)(void *ctx, const struct in6_addr *addr);
	/* An access link. add: an address of our making, unless it is there, usable at once while
	 * the kernel looks for another host that has it (RFC 4429); -EOPNOTSUPP: it cannot. */
	int (*addr_add)(void *ctx, const struct mn_addr *a);
	/* home: a home address on its own link (dad: with duplicate address detection). */
	int (*addr_home)(void *ctx, const struct mn_addr *a, uint32_t valid_s,
			 uint32_t preferred_s, bool dad);
	void (*addr_drop)(void *ctx, const struct mn_addr *a);
	/* The data path. */
	int (*endpoint_add)(void *ctx, const struct in6_addr *addr);
	void (*endpoint_del)(void *ctx, const struct in6_addr *addr);
	int (*tunnel_set)(void *ctx, const struct dp_binding *b);
	/* Packets for hoa may come out of a tunnel from ha soon. May be NULL. */
	void (*tunnel_expect)(void *ctx, const struct in6_addr *hoa, const struct in6_addr *ha);
	int (*tunnel_del)(void *ctx, const struct in6_addr *hoa);
	/* Calls fn for the sockets with one of these n local addresses, and perhaps for others,
	 * until it returns false. */
	int (*flows)(void *ctx, const struct in6_addr *locals, unsigned int n,
		     bool (*fn)(void *arg, const struct mn_flow *f), void *arg);
	/* Ends the connection of a socket, so that its program hears of it at once; *f as it was
	 * reported. May be NULL. */
	void (*flow_end)(void *ctx, const struct mn_flow *f);
	/* The path of a control group by its number, until the next call; NULL: it is not known.
	 * May be NULL. */
	const char *(*cgroup)(void *ctx, uint64_t id);
	/* Calls fn for each address of this host that has sent something other than TCP lately,
	 * by a socket that is bound to it or not. Negative errno: it cannot be told. */
	int (*sent)(void *ctx, void (*fn)(void *arg, const struct in6_addr *from, usec_t ago),
		    void *arg);
	/* How many packets the tunnel of a home address has carried, both ways. */
	uint64_t (*traffic)(void *ctx, const struct in6_addr *hoa);
	/* Is mn_flow_ended() to be called for each that ends? */
	void (*watch_flows)(void *ctx, bool on);
	void (*random)(void *ctx, void *dst, size_t n);
	int64_t (*wall_us)(void *ctx);	/* the time of day, microseconds of the epoch */
	/* Begins a session for keys: bootstrap_answer() and bootstrap_over() tell what came of
	 * it, later. 0 or negative errno. NULL: no home agent is ever asked. */
	int (*key_ask)(void *ctx, const struct bootstrap_ask *ask);
	/* Ends it at once, without a word. NULL only with key_ask. */
	void (*key_stop)(void *ctx, const struct in6_addr *ha);
	/* For people: i or a may be NULL. */
	void (*event)(void *ctx, const char *name, const struct mn_iface *i,
		      const struct anchor *a, const char *detail, usec_t now);
	/* Something that a restart must know has changed. */
	void (*changed)(void *ctx);
};

enum coa_source {
	COA_NONE,
	COA_OWN,			/* ours, on our device: the prefix is this host's alone */
	COA_LINK,			/* ours, on the access link, which others share */
	COA_KERNEL,			/* of the kernel, or of whoever configures the link */
};

struct mn_iface {
	struct mn *mn;
	struct mn_link link;
	unsigned int slot;
	unsigned int preference;	/* smaller is better */
	struct in6_addr linklocal;	/* unspecified while there is none usable */
	bool had_linklocal;		/* since the link came up */
	bool ipv6_off;			/* the link is up, and every address of it was taken away */
	unsigned int n_addrs;		/* global ones, tentative ones too */
	struct mn_addr addrs[MN_ADDRS_MAX];
	bool addrs_full;		/* and that was told */
	/* Those that went while the interface was at no router, and were no anchors. */
	unsigned int n_flushed;
	struct in6_addr flushed[MN_ADDRS_MAX];
	struct movement move;		/* move.router: the one attached to, or the last one */
	struct router last;		/* the one of the last move, to know it at the next */
	struct router past[MN_PAST_ROUTERS];	/* routers that were left, newest first */
	unsigned int n_past;
	bool attached;
	bool moved_here;		/* it came from another router: fast attach */
	enum coa_source coa_source;
	struct in6_addr coa;
	unsigned int coa_tries;		/* of COA_LINK at this router */
	bool path_up;
	struct mn_path path;
	usec_t attached_at;
	usec_t lost_at;			/* 0: never yet */
	struct mn_iface *next;
};

enum mn_counter {
	MN_C_RA, MN_C_RA_BAD, MN_C_RA_HOP_LIMIT, MN_C_RA_SOURCE, MN_C_RA_CHECKSUM, MN_C_RA_LENGTH,
	MN_C_RA_TOO_MANY, MN_C_RA_PREFIX, MN_C_RA_HA, MN_C_RA_FLAP, MN_C_NA, MN_C_PACKET_BAD,
	MN_C_MH_BAD, MN_C_MH_CHECKSUM, MN_C_MH_UNKNOWN_TYPE, MN_C_MH_UNEXPECTED, MN_C_NOT_PROTECTED,
	MN_C_BA, MN_C_BA_UNKNOWN, MN_C_BA_SEQUENCE, MN_C_BA_NO_AUTH, MN_C_BA_WRONG_SPI,
	MN_C_BA_WRONG_AUTH, MN_C_BA_TIMESTAMP, MN_C_BA_LIFETIME,
	MN_C_BRR, MN_C_BRR_UNKNOWN, MN_C_BRR_NO_AUTH, MN_C_BRR_AUTH, MN_C_BRR_REPLAY,
	MN_C_BE, MN_C_BE_UNKNOWN,
	MN_C_BE_SENT, MN_C_PARAM_PROBLEM_SENT, MN_C_ERRORS_LIMITED,
	MN_C_UPDATE_ERROR, MN_C_UPDATE_ERROR_UNKNOWN,
	MN_C_BRI, MN_C_BRI_UNKNOWN, MN_C_BRI_AUTH, MN_C_BRI_REPLAY, MN_C_BRI_REFUSED,
	MN_C_DHAAD, MN_C_DHAAD_REPLY, MN_C_DHAAD_UNKNOWN, MN_C_DHAAD_EMPTY,
	MN_C_MPS, MN_C_MPA, MN_C_MPA_UNKNOWN, MN_C_MPA_UNSOLICITED,
	MN_C_TOO_BIG, MN_C_TOO_BIG_UNKNOWN, MN_C_TUNNEL_REFUSED,
	MN_C_COA_DUPLICATE, MN_C_FLOWS_SCANNED, MN_C_ANCHORS_DROPPED, MN_C_ANCHORS_CAPPED,
	MN_C_FLOWS_LOST, MN_C_FLOWS_ENDED,
	MN_C_KEY_SESSIONS, MN_C_KEY_RECEIVED, MN_C_KEY_REFUSED, MN_C_KEY_UNAVAILABLE,
	MN_C_KEY_ERROR, MN_C_KEY_DOWNGRADE, MN_C_KEY_UNFIT, MN_C_KEY_UNEXPECTED,
	MN_C_KEY_NO_ANSWER, MN_C_KEY_NOT_GIVEN, MN_C_KEY_TLS, MN_C_KEY_BROKEN, MN_C_KEY_LEFT,
	MN_C_KEY_EXPIRED, MN_C_KEY_ANEW,
	MN_C_MAX
};

struct mn_end {				/* an end of tunnels in the data path */
	struct in6_addr addr;
	usec_t until;			/* USEC_NEVER: as long as it is needed */
};

/* Bad advertisements with less than a minute between them. */
struct mn_spell {
	uint64_t n;			/* 0: there was none */
	usec_t first, last;
	const char *why;		/* of the last one */
	struct in6_addr from;
	char interface[MN_NAME_MAX];
};

/* The last Binding Updates of an anchor that was freed: when they left (RFC 6275 11.8), and what
 * its home agent has seen: it remembers that (9.5.1), and an older number costs a round trip. */
struct mn_sent {
	struct in6_addr hoa;
	uint16_t seq;
	uint64_t timestamp, clock_ahead, heard;
	uint16_t bri[ANCHOR_BRI_MAX];
	uint8_t n_bri;
	usec_t recent[MIP6_MAX_UPDATE_RATE];
};

struct mn {
	const struct mn_config *cfg;
	const struct mn_ops *ops;
	void *ctx;
	struct timers *timers;
	struct mn_iface *ifaces;
	struct anchor *anchors;
	unsigned int n_anchors;
	struct mn_iface *current;		/* whose CoA is registered; NULL: none */
	int chosen;				/* ifindex: by an operator; 0: none */
	struct timer handover;			/* an interface has proved to be stable */
	struct mn_end ends[MN_ENDS_MAX];	/* of tunnels; oldest first */
	unsigned int n_ends;
	struct timer ends_timer;
	unsigned int n_wishes;		/* our care-of addresses of an earlier run, one for each */
	struct in6_addr wishes[MN_INTERFACES_MAX];	/* interface at most, to be used again */
	struct timer rescan;			/* slow recount of flows */
	usec_t asked_at;			/* when that was done last */
	bool watching;				/* ops->watch_flows() was told so last */
	bool inexact;				/* not all flows have been counted */
	usec_t counted_at;			/* when they were the last time */
	struct classes classes;			/* of sockets */
	unsigned int n_bound;			/* of that count */
	struct mn_bound bound[MN_BOUND_MAX];
	struct timer sweep;			/* frees what is gone, settles the rest */
	struct mn_spell spell;
	unsigned int next_sent;
	struct mn_sent sent[MN_SENT_MAX];	/* a ring */
	struct mn_sa *sas;			/* bootstrap.c: keys that home agents gave */
	struct mn_asking *askings;		/* and those that were asked */
	struct timer keys;			/* one is to be asked for, or has ended */
	unsigned int keys_version;		/* another with each change of sas */
	int64_t stamped_at;			/* in microseconds: that of the last time stamp */
	unsigned int error_tokens;		/* receive.c: answers to what cannot be read */
	usec_t error_tokens_at;
	struct limit limit;			/* bad messages, and from where */
	uint64_t counters[MN_C_MAX];
};

const char *mn_counter_name(enum mn_counter c);

/* A packet that says it is from there was no good: counted for its source, beside its reason. */
static inline void mn_bad(struct mn *mn, const struct in6_addr *src, usec_t now)
{
	limit_failed(&mn->limit, src, LIMIT_CHEAP, now);
}

/* The same where the headers could not be read, or not yet. */
static inline void mn_bad_packet(struct mn *mn, const void *data, size_t len, usec_t now)
{
	struct in6_addr src;

	mn->counters[MN_C_PACKET_BAD]++;
	if (len < IP6_HDR_LEN)
		return;
	memcpy(&src, (const uint8_t *)data + IP6_SRC_AT, sizeof(src));
	mn_bad(mn, &src, now);
}

void mn_init(struct mn *mn, const struct mn_config *cfg, const struct mn_ops *ops, void *ctx,
	     struct timers *timers);
/* release: take away from the kernel what was put there (stop); else leave it (restart). */
void mn_free(struct mn *mn, bool release);

/* *cfg has been overwritten with another configuration; old is what it was. Whatever it does not
 * concern goes on untouched. Interfaces that are new in it are reported by mn_link() after. */
void mn_reconfigured(struct mn *mn, const struct mn_config *old, usec_t now);	/* reconf.c */

/* Before mn_free(): tells the home agents that nothing is wanted of them any more. */
void mn_release_all(struct mn *mn, usec_t now);

/* Kernel events. An interface is known by its first mn_link(). */
void mn_link(struct mn *mn, const struct mn_link *l, usec_t now);
void mn_link_gone(struct mn *mn, int ifindex, usec_t now);
void mn_addr(struct mn *mn, const struct mn_addr *a, bool gone, usec_t now);
void mn_flow_ended(struct mn *mn, const struct in6_addr *local, usec_t now);
/* Flows ended, or may have, that were not told one by one: counts them, and acts on it. */
void mn_flows_changed(struct mn *mn, usec_t now);
/* Packets: whole IPv6 packets as they arrived. */
void mn_rx_nd(struct mn *mn, int ifindex, const uint8_t mac[6], const void *data, size_t len,
	      usec_t now);
void mn_rx_mh(struct mn *mn, const void *data, size_t len, usec_t now);
/* The same, and the kernel took it out of ESP by a security association for the home address. */
void mn_rx_mh_protected(struct mn *mn, const void *data, size_t len, usec_t now);
void mn_rx_prefixes(struct mn *mn, const void *data, size_t len, usec_t now);	/* solicit.c */
void mn_rx_discovery(struct mn *mn, const void *data, size_t len, usec_t now);	/* discover.c */
/* An ICMPv6 error about a Binding Update: trouble.c. */
void mn_rx_update_error(struct mn *mn, const void *data, size_t len, usec_t now);
/* An ICMPv6 error about a tunnel packet: path.c. */
void mn_rx_tunnel_error(struct mn *mn, const void *data, size_t len, usec_t now);

/* After a restart, before the first event: an anchor of the earlier run. state is
 * ATTACHED, or anything else for "away". 0, -EINVAL, -ENOSPC, -ENOMEM. */
struct mn_restore {
	char name[ANCHOR_NAME_MAX];
	bool discover;			/* its home agent was found, or is to be found, by asking */
	struct in6_prefix prefix;
	struct in6_addr hoa, ha, coa;
	bool away;
	bool tunnelled;			/* the data path has it (as found there) */
	bool held;			/* our device has the HoA, for its link lacked it */
	bool link_local;
	uint16_t seq;
	bool timestamps;		/* the HA asked for them */
	uint64_t timestamp, clock_ahead, heard;	/* as in struct anchor */
	usec_t valid_until;
	usec_t bound_until;
};
int mn_restore(struct mn *mn, const struct mn_restore *r, usec_t now);
/* A care-of address of our own of the earlier run, to be used again in its prefix. One for each
 * interface, at most MN_INTERFACES_MAX; more are ignored. */
void mn_restore_coa(struct mn *mn, const struct in6_addr *coa);

/* After that, before the first event: the homes that are configured. */
void mn_homes(struct mn *mn, usec_t now);

/* News from the kernel was lost: a link may be at another place than before. */
void mn_doubt(struct mn *mn, usec_t now);
/* The computer slept, or the process was stopped, for seconds or days. Called before the
 * timers that are overdue: the rest of what ended meanwhile is their business. */
void mn_woken(struct mn *mn, usec_t now);

/* Somebody may have taken away what was put into the kernel: puts it all there again. */
void mn_reassert(struct mn *mn);
/* Everything over this interface from now on, as long as it works; NULL: by preference again.
 * -ENODEV: none of ours. -ENETDOWN: it is at no router. */
int mn_choose(struct mn *mn, const char *name, usec_t now);
/* Is this address to be on our own device now? */
bool mn_wants_addr(const struct mn *mn, const struct in6_addr *addr);
/* Is it to be on this access link, its own, as the address of a home? */
bool mn_wants_home(const struct mn *mn, int ifindex, const struct in6_addr *addr);
/* Counts the flows of every anchor (for status too). */
void mn_count_flows(struct mn *mn, usec_t now);
/* 1 << enum mn_flow_state of those in which a TCP socket may hold its address. */
uint32_t mn_tcp_states_that_hold(void);
/* Does this socket hold its address, by the last count? *ret_why: for people. */
bool mn_flow_holds(const struct mn *mn, const struct mn_flow *f, const char **ret_why);
/* Is it a connection by which an anchor's home agent is asked for a key? That is no flow. */
bool mn_flow_is_for_key(const struct mn *mn, const struct mn_flow *f);
const struct anchor *mn_find_anchor(const struct mn *mn, const struct in6_addr *hoa);
/* Health in words; returns whether all is well. */
bool mn_health(const struct mn *mn, char *text, size_t len);
/* To be put behind it: "" or "; 12 bad advertisements ...". nd.c */
void mn_health_nd(const struct mn *mn, usec_t now, char *text, size_t len);

#endif
