/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The home agent: everything it knows and decides, without socket, clock, netlink or
 * file. io.c hands in what happens and carries out what is asked for through `ops`; the
 * simulation does the same with a virtual clock.
 *
 *	ha.c		life cycle, interfaces, restoring an earlier run
 *	nd.c		Neighbour Discovery: solicitations, leases, advertisements, presence
 *	update.c	Binding Updates in, Binding Acknowledgements out
 *	steer.c		several ways to one host, and which flow goes by which
 *	refresh.c	Binding Refresh Requests before the end of a lifetime
 *	revoke.c	Binding Revocation Indications out, their acknowledgements in
 *	hosts.c		who a host is, and whether it is served
 *	heartbeat.c	whether other routers are there, and have been all the time
 *	notice.c	routers are told that a host of theirs has moved on
 *	claims.c	routers that claim hosts of which nobody else knows
 *	drain.c		the way to a stop that hurts nobody
 *	message.c	builds, signs and sends what these have to say
 *	error.c		answers to Mobility Headers that cannot be read
 *	lma.c		Proxy Binding Updates of other routers in, acknowledgements out
 *	pbu.c		what is to be said to one
 *	mag.c, visit.c	hosts that are here with prefixes of other routers; Proxy Binding
 *			Updates out, acknowledgements in
 *	verdict.c	what is to be said to a Binding Update
 *	binding.c	the state machine of one binding
 *	careof.c	tokens that show that a care-of address can be reached
 *	sa.c, bootstrap.c	keys that were given out; who gets one
 *	past.c		what is remembered of bindings that are over
 *	bcache.c, prefix.c	the binding cache; pools and their leases
 *	home.c		home links: prefixes and addresses, checked and looked up
 *	renumber.c	prefixes that are not configured any more
 *	ra.c		builds Router Advertisements
 *	discovery.c, halist.c	home agent address discovery; the home agents list
 *	mpd.c		mobile prefix discovery
 *	tunnel.c	errors about tunnel packets, told on to the senders
 *	proxy.c		Neighbour Discovery for absent hosts on a shared home link
 */
#ifndef DMIP6_HA_HA_H
#define DMIP6_HA_HA_H

#include <net/if.h>

#include "common/core/auth.h"
#include "common/core/bucket.h"
#include "common/core/in6.h"
#include "common/core/limit.h"
#include "common/core/timer.h"
#include "common/datapath/datapath.h"
#include "common/wire/boot.h"
#include "common/wire/ext.h"
#include "common/wire/icmp6.h"
#include "common/wire/mh.h"
#include "common/wire/reject.h"
#include "ha-agent/bcache.h"
#include "ha-agent/bootstrap.h"
#include "ha-agent/claims.h"
#include "ha-agent/drain.h"
#include "ha-agent/halist.h"
#include "ha-agent/heartbeat.h"
#include "ha-agent/hosts.h"
#include "ha-agent/mag.h"
#include "ha-agent/notice.h"
#include "ha-agent/past.h"
#include "ha-agent/pbu.h"
#include "ha-agent/prefix.h"
#include "ha-agent/revoke.h"
#include "ha-agent/steer.h"
#include "ha-agent/verdict.h"

#define HA_MAX_INTERFACES	16
#define HA_MAX_HOMES		32
#define HA_INTERFACE_HOMES	8
#define HA_KEY_HOAS		4
#define HA_MAX_KEYS		1024
#define HA_MAX_PEERS		256
#define HA_PEER_WINDOW_MIN	(10 * USEC_MS)	/* of time stamps between routers */
#define HA_PEER_WINDOW_MAX	(7 * USEC_S)	/* less than a binding is kept after its end */
#define HA_BINDINGS_PER_LEASE	16	/* home addresses of one host bound at a time */

#define HA_RS_BURST		5	/* solicitations of one host answered at once, */
#define HA_RS_PERIOD		(USEC_S / 2)	/* then one in this time */
#define HA_SHARED_RS_BURST	10	/* where hosts share a prefix: those of all; then one in */
#define HA_SHARED_RS_PERIOD	(30 * USEC_MS)	/* MinDelayBetweenRAs (RFC 6275 7.5) */
#define HA_NEW_HOSTS_BURST	1000	/* elsewhere: of hosts that have no prefix yet; then one */
#define HA_NEW_HOSTS_PERIOD	(20 * USEC_MS)	/* in this time, for each waits for the disk */
#define HA_ERROR_BURST		10	/* Binding Errors, parameter problems and the like */
#define HA_ERROR_PERIOD		(100 * USEC_MS)
#define HA_DHAAD_BURST		100	/* home agent address discovery replies at once, */
#define HA_DHAAD_PERIOD		(10 * USEC_MS)	/* then one in this time */
#define HA_RELAY_BURST		100	/* errors about tunnel packets told on at once, */
#define HA_RELAY_PERIOD		USEC_MS	/* then one in this time */
#define HA_REFRESH_BURST	64	/* looks at bindings that are near their end, */
#define HA_REFRESH_PERIOD	(1 * USEC_MS)	/* and Binding Refresh Requests with them */
#define HA_LOG_BURST		200	/* lines on what happens with every host and binding */
#define HA_LOG_PERIOD		(20 * USEC_MS)
#define HA_PRESENCE_IDLE	(60 * USEC_S)	/* silence of a host before it is probed */
#define HA_DISMISSED		USEC_S	/* packets of one that was said to have left do not count */
#define HA_UNCONFIRMED_TIME	(8 * USEC_S)	/* then who only solicited may lose its prefix */
#define HA_PRESENCE_RETRY	(1 * USEC_S)
#define HA_PRESENCE_TRIES	3
#define HA_TIMESTAMP_WINDOW	(7 * USEC_S)	/* RFC 4285 6: the default, */
#define HA_TIMESTAMP_WINDOW_MIN	(3 * USEC_S)	/* what it should exceed, and what a released */
#define HA_TIMESTAMP_WINDOW_MAX	(MIP6_MAX_DELETE_BCE_TIMEOUT_MS * USEC_MS) /* one is kept for */

struct sa;
struct sa_record;

struct ha_key {
	struct auth_key auth;
	struct sa *sa;			/* given out by bootstrapping; NULL: configured */
	bool has_mn;			/* good for the leases of this host, */
	uint8_t mn[6];
	unsigned int n_hoas;		/* for these home addresses, or (neither) for all */
	struct in6_addr hoas[HA_KEY_HOAS];
	bool timestamp_required;	/* RFC 4285 6; one that comes is checked anyway */
	usec_t timestamp_window;	/* "close enough" */
};

enum home_mode {
	HOME_PER_HOST,			/* a /64 of the prefix for each host (RFC 8273) */
	HOME_SHARED,			/* one /64 for all hosts of one interface */
	HOME_MODE_MAX
};
const char *home_mode_name(enum home_mode m);	/* "per-host", "shared" */

/* A home link: a prefix and the home agent's address there. */
struct ha_home_config {
	char interface[IFNAMSIZ];	/* "": each interface that has no home of its own */
	enum home_mode mode;
	struct in6_prefix prefix;
	struct in6_addr address;	/* unspecified: prefix::1 */
	bool deprecated;		/* nobody new gets it, and who has it prefers another */
	bool unauthenticated;		/* registrations without a key are taken: anybody's */
};

#define HA_PATH_MAX	256
#define HA_MAX_PSKS	1024
#define HA_PSK_MIN	16		/* octets */
#define HA_PSK_MAX	64

struct ha_psk {
	char identity[BOOT_ID_MAX];	/* of a mobile node, or of a group of them */
	uint8_t key[HA_PSK_MAX];
	size_t len;
};

/* How mobile nodes get keys here (bootstrap.c, keyserver.c); dmip6-had(8), "keys". */
struct ha_keys_config {
	bool off;
	struct boot_modes modes;	/* that are allowed, the preferred one first */
	char certificate[HA_PATH_MAX], private_key[HA_PATH_MAX];	/* ours, PEM; "": none */
	char authority[HA_PATH_MAX];	/* of mobile nodes' certificates, */
	char revoked[HA_PATH_MAX];	/* and its list of those that it has taken back */
	unsigned int n_psks;
	struct ha_psk *psks;		/* the caller's */
	usec_t lifetime;		/* of a key that is given out */
	unsigned int max;		/* of them at one time */
};

#define HA_MAX_SERVERS	8
#define HA_NAME_MAX	64

enum ha_sessions_backend { HA_SESSIONS_NONE, HA_SESSIONS_SQLITE, HA_SESSIONS_REDIS };

/* The session database (sdb.h); "": not given; without a path the file is among those of the
 * state. */
struct ha_sessions_config {
	enum ha_sessions_backend backend;
	char path[HA_PATH_MAX];
	unsigned int n_servers, replicas;
	char servers[HA_MAX_SERVERS][HA_PATH_MAX];
	char sentinel_master[HA_NAME_MAX], user[HA_NAME_MAX], key_prefix[HA_NAME_MAX];
	char password_file[HA_PATH_MAX];
	bool tls;
	char authority[HA_PATH_MAX], server_name[HA_NAME_MAX];
	char certificate[HA_PATH_MAX], private_key[HA_PATH_MAX];
};

#define HA_RETRANS_TIMER	USEC_S	/* RFC 4861 10: what hosts take that are told nothing */

/* Filled by ha_config_defaults() and the caller; must outlive the home agent. */
struct ha_config {
	unsigned int n_interfaces;
	char interfaces[HA_MAX_INTERFACES][IFNAMSIZ];
	unsigned int n_homes;
	struct ha_home_config homes[HA_MAX_HOMES];
	struct in6_addr common_address;	/* of the first home without an interface, if given */
	uint32_t mtu;			/* of the RA's option; 0: none */
	unsigned int n_rdnss;
	struct in6_addr rdnss[ND_MAX_RDNSS];
	usec_t router_lifetime;
	usec_t ra_interval;
	usec_t retrans_timer;		/* of the access links (RFC 4861 6.3.2) */
	bool ra_interval_option;	/* advertisements tell of it (RFC 6275 7.3) */
	usec_t prefix_lifetime;
	usec_t binding_lifetime;	/* the most that is granted */
	usec_t drain;			/* what a stop waits for bindings to end; 0: it does not */
	usec_t binding_refresh;		/* advised in acknowledgements; 0: not advised */
	unsigned int max_leases, max_bindings;
	uint16_t home_agent_preference;	/* among the home agents of a link; more is better */
	bool prefix_advertisements;	/* to absent hosts (RFC 6275 8.4) */
	usec_t prefix_advertisement_min, prefix_advertisement_max;	/* RFC 6275 13 */
	const char *datapath;		/* of dp_all(); NULL: the first that works */
	uint16_t tcp_mss;		/* of connections through tunnels; 0: not limited */
	bool late_packets;		/* of hosts that have just moved are taken */
	bool care_of_test;		/* what goes to a care-of address is limited until that has
					 * answered (RFC 4866) */
	bool answer_auth_failure;	/* status 146 (RFC 4285 5.1.1) instead of silence */
	bool hmac_sha1;			/* keys of SPI 3 are allowed */
	bool ipsec_required;		/* Mobility Headers count only if they came in ESP */
	unsigned int n_keys;
	struct ha_key *keys;		/* the caller's */
	struct ha_keys_config bootstrap;
	unsigned int n_peers;		/* other routers that may register prefixes */
	struct ha_peer *peers;		/* the caller's */
	usec_t timestamp_window;	/* for what they send (RFC 5213 9.1) */
	bool network_mode;		/* hosts are served that know nothing of mobility */
	usec_t release_idle;		/* a prefix that is away and carries nothing; 0: never */
	enum sdb_access unknown_hosts;	/* those that are not in the table */
	unsigned int n_hosts;
	struct ha_host *hosts;		/* the caller's */
	bool fixed_router_address;	/* on access links that of all routers (RFC 6543) */
	uint8_t access_type;		/* enum mh_access_type, of the access links */
	unsigned int n_flows;
	struct ha_flow *flows;		/* the caller's; in the order of priority */
	struct ha_sessions_config sessions;
};

void ha_config_defaults(struct ha_config *cfg);
/* NULL, or the sentence that says why the home agent cannot work with it. Sets the
 * addresses that were not given, and puts the keys in the order of their SPIs. */
const char *ha_config_check(struct ha_config *cfg);
/* Would it not be known which of the two a message is signed with? */
bool ha_keys_collide(const struct ha_key *a, const struct ha_key *b);
/* The first home that takes registrations without a key; NULL: none does. */
const struct ha_home_config *ha_config_insecure(const struct ha_config *cfg);

enum ha_event_type {
	HA_EVENT_LEASE_NEW,
	HA_EVENT_LEASE_ATTACHED,
	HA_EVENT_LEASE_DETACHED,
	HA_EVENT_BINDING_NEW,
	HA_EVENT_BINDING_MOVED,
	HA_EVENT_BINDING_REFRESHED,
	HA_EVENT_BINDING_RELEASED,
	HA_EVENT_BINDING_EXPIRED,
	HA_EVENT_BINDING_REVOKING,
	HA_EVENT_BINDING_REVOKED,
	HA_EVENT_BU_REFUSED,
	HA_EVENT_VISIT_NEW,
	HA_EVENT_VISIT_REFUSED,
	HA_EVENT_VISIT_REVOKED,
	HA_EVENT_VISIT_LEFT,
	HA_EVENT_CLAIM_CONTESTED,
	HA_EVENT_CLAIM_UNRECORDED,
	HA_EVENT_PEER_LOST,
	HA_EVENT_PEER_BACK,
	HA_EVENT_PEER_RESTARTED,
	HA_EVENT_KEY_ISSUED,
	HA_EVENT_KEY_REFUSED,
	HA_EVENT_MAX
};
const char *ha_event_name(enum ha_event_type t);	/* "lease.new", "bu.refused" */

struct ha_event {
	enum ha_event_type type;
	const struct lease *lease;	/* lease.* and, where known, the others */
	const struct binding *binding;	/* binding.* */
	struct in6_addr hoa, coa;	/* binding.*, bu.refused; key.*, coa: who asked; visit.*:
					 * the prefix and its anchor; peer.*, hoa: its address */
	uint8_t status;			/* bu.refused, visit.refused */
	const char *reason;		/* a sentence; NULL: none */
};

/* What outlives the daemon. Times are in the clock of `now`. */
struct ha_lease_record {
	uint8_t mac[6];
	struct in6_prefix prefix;
	char interface[IFNAMSIZ];	/* "": none */
	struct in6_addr linklocal;
	bool attached;
	usec_t until;			/* the prefix is the host's at least so long */
	struct sdb_mn_id name;		/* that the session database has for it; len 0: none */
};

struct ha_binding_record {
	struct in6_addr hoa, coa;
	uint16_t sequence;
	uint32_t spi;
	uint32_t lifetime_s;
	usec_t expires;
	uint64_t timestamp;		/* the greatest accepted (RFC 4285 6); 0: none */
	uint32_t place;			/* where it is written down; 0: nowhere yet */
	bool linklocal;			/* L was set */
	bool by_router;			/* hoa is a prefix, coa another router */
	bool unverified;		/* nobody has answered from the care-of address */
	bool past;			/* over: only its numbers count */
	uint16_t bid;			/* by_router: as struct binding has them */
	uint8_t link_layer[6];
	uint8_t access_type;
};

/* A home as it was configured once. */
struct ha_home_record {
	struct ha_home_config cfg;
	uint32_t lifetime_s;		/* that prefixes had */
	usec_t until;			/* as in struct ha_home */
};

/* All return 0 or negative errno where they return anything. No op may call back into the
 * home agent. */
struct ha_ops {
	int (*send_link)(void *ctx, int ifindex, const uint8_t mac[6], const void *data,
			 size_t len);
	int (*send_routed)(void *ctx, const void *data, size_t len);
	/* The same for what came in, of any size: -EMSGSIZE if the way is too small. */
	int (*forward)(void *ctx, const void *data, size_t len);
	int (*dp_set)(void *ctx, const struct dp_binding *b);
	int (*dp_del)(void *ctx, const struct in6_prefix *inner);
	/* Packets through the tunnel of that home address so far, both ways. May be NULL:
	 * then no mobile node is asked to refresh. */
	int (*dp_used)(void *ctx, const struct in6_prefix *inner, uint64_t *ret_packets);
	/* May be NULL: then dp_set and dp_del have done what they say when they return.
	 * Otherwise they may have put it off until this, and ha_dp_failed() is told of each
	 * that could not be done; what stood before it stands. */
	void (*dp_commit)(void *ctx);
	/* Other ways to who has that prefix; at once, and after what was put off. */
	int (*dp_steer)(void *ctx, const struct dp_steer *s);
	/* Our address and the route to the hosts of a shared home, on its link; both may be
	 * there already. */
	int (*home_attach)(void *ctx, const struct ha_home *home);
	/* Whether we are a member of the group there. */
	void (*group)(void *ctx, int ifindex, const struct in6_addr *group, bool member);
	/* A host of a shared home is on the link, there. */
	int (*host_attach)(void *ctx, const struct ha_home *home, const struct in6_addr *hoa,
			   const uint8_t mac[6]);
	/* What the session database knows of the host: mag_found() is called once, not from
	 * within. -EBUSY: when one of those that are under way has been answered. This and
	 * what follows only in network mode. */
	int (*session_find)(void *ctx, const uint8_t mac[6]);
	/* The same for claims_found(). May be NULL: nobody is asked. */
	int (*session_check)(void *ctx, const uint8_t mac[6]);
	/* What the lease is now, is to be known to all routers; or that it is over. */
	void (*session_put)(void *ctx, const struct lease *l);
	void (*session_del)(void *ctx, const struct lease *l);
	/* As for a lease, for a prefix of another router. */
	int (*visit_attach)(void *ctx, const struct visitor *h, const struct in6_prefix *prefix);
	void (*visit_detach)(void *ctx, const struct visitor *h, const struct in6_prefix *prefix);
	/* Neighbour and route for the lease's prefix by its interface (which has an
	 * ifindex); both may be there already. */
	int (*lease_attach)(void *ctx, const struct lease *l);
	void (*lease_detach)(void *ctx, const struct lease *l);
	/* The home is over: neither address nor tunnels of it are left. */
	void (*home_detach)(void *ctx, const struct ha_home *home);
	/* What a later run has to know of the homes of this one. */
	void (*home_store)(void *ctx, const struct ha_home_record *r);
	void (*home_forget)(void *ctx, const struct in6_prefix *prefix);
	/* durable: on the disk when it returns, for an advertisement is about to leave;
	 * otherwise soon. A row replaces that of the same prefix. */
	int (*lease_store)(void *ctx, const struct ha_lease_record *r, bool durable);
	/* Before it is acknowledged: a kill loses nothing. Sets r->place. */
	void (*binding_store)(void *ctx, struct ha_binding_record *r);
	void (*binding_forget)(void *ctx, const struct in6_addr *hoa, uint32_t place);
	/* The same for a key that was given out; on error it is not there. Only of home agents
	 * that give any. */
	int (*sa_store)(void *ctx, struct sa_record *r);
	void (*sa_forget)(void *ctx, uint32_t spi, uint32_t place);
	/* No time stamp up to this one is new to a home address without a record. May be NULL. */
	void (*timestamp_floor)(void *ctx, uint64_t floor);
	int64_t (*wall_us)(void *ctx);	/* the time of day, microseconds of the epoch */
	void (*random)(void *ctx, void *dst, size_t n);
	void (*drained)(void *ctx);	/* the daemon may stop */
	void (*event)(void *ctx, const struct ha_event *e);	/* may be NULL */
};

enum home_state {
	HOME_SERVED,
	HOME_RETIRING,			/* no longer configured: deprecated, until its end */
	HOME_WITHDRAWN,			/* its bindings are being revoked */
	HOME_GONE,
};

/* A home link at work. */
struct ha_home {
	struct ha_home_config cfg;
	enum home_state state;
	usec_t until;			/* the end of the prefix; 0: it is configured */
	bool known, changed;		/* to, and since, the earlier run */
	struct timer withdraw;
	struct pool pool;		/* HOME_PER_HOST */
	struct ha_interface *link;	/* HOME_SHARED: its only interface; NULL: not served now */
	bool duplicate;			/* another node on the link has our address */
	bool exhausted;			/* a host got no prefix, and nothing became free since */
	struct ha *ha;
};

struct ha_interface {
	char name[IFNAMSIZ];
	unsigned int n_homes;
	struct ha_home *homes[HA_INTERFACE_HOMES];
	int ifindex;			/* 0: not there */
	bool up;
	uint8_t mac[6];
	struct in6_addr linklocal;	/* ours, usable; unspecified: none yet */
	struct timer advertise;
	struct halist home_agents;	/* the others on the link */
	/* Token buckets: answers to solicitations where hosts share a prefix, to hosts that have
	 * none yet where they do not, and to those who claim what we defend. */
	usec_t rs_tokens_at, new_tokens_at, defence_tokens_at;
	unsigned int rs_tokens, new_tokens, defence_tokens;
	struct ha *ha;
};

enum ha_counter {
	HA_RX_ND,			/* packets of Neighbour Discovery */
	HA_RX_RS,
	HA_RX_NA,
	HA_RX_RA,			/* of other routers */
	HA_RX_ND_UNEXPECTED,		/* readable, but not for a router */
	HA_RS_BAD_SOURCE,		/* source neither unspecified nor link-local */
	HA_RS_LIMITED,
	HA_RS_NO_LINKLOCAL,		/* we have no usable address on the link yet */
	HA_POOL_EXHAUSTED,
	HA_STORE_FAILED,
	HA_ATTACH_FAILED,
	HA_DRAIN_NO_PREFIX,		/* a new host, while we are draining */
	HA_TX_RA_SOLICITED,
	HA_TX_RA_PERIODIC,
	HA_TX_RA_REFRESH,
	HA_TX_NS,
	HA_PRESENCE_LOST,
	HA_RX_NS,
	HA_TX_PROXY_NS,			/* on shared home links, for absent hosts */
	HA_TX_PROXY_NA,
	HA_PROXY_CONFLICT,		/* somebody claims an address that is defended */
	HA_DAD_BEGUN,			/* duplicate address detection for a home address */
	HA_DAD_HELD,			/* registrations that wait for its end */
	HA_DAD_DUPLICATE,
	HA_RX_MH,
	HA_RX_MH_ELSEWHERE,		/* to another address: passing through */
	HA_RX_MH_ROUTED,		/* with a type 2 routing header, which is for MNs */
	HA_RX_BU,
	HA_RX_PBU,
	HA_RX_MH_UNEXPECTED,		/* known type that a home agent does not take */
	HA_HAO_BOUND,			/* Home Address options: with a binding there, */
	HA_HAO_UNBOUND,			/* and without */
	HA_TX_BA,
	HA_TX_PBA,
	HA_TX_BE,
	HA_TX_BRR,
	HA_REFRESH_LIMITED,		/* bindings near their end that were not looked at */
	HA_TX_PARAM_PROBLEM,
	HA_ERRORS_LIMITED,
	HA_LOG_LIMITED,
	HA_LIST_FULL,			/* home agents that did not fit into the list */
	HA_RX_DHAAD,			/* home agent address discovery requests */
	HA_DHAAD_ELSEWHERE,		/* not to an anycast address of ours */
	HA_DHAAD_BAD_SOURCE,
	HA_DHAAD_LIMITED,
	HA_TX_DHAAD,
	HA_RX_MPS,			/* mobile prefix solicitations */
	HA_MPS_NO_BINDING,
	HA_MPS_OTHER_CARE_OF,		/* not from where the host is registered */
	HA_MPS_DISABLED,
	HA_TX_MPA_SOLICITED,
	HA_TX_MPA_UNSOLICITED,
	HA_MPA_UNANSWERED,		/* given up (RFC 6275 10.6.2) */
	HA_DISCOVERY_UNEXPECTED,	/* readable, but not as it should be sent */
	HA_RX_TUNNEL_ERROR,		/* ICMPv6 errors about tunnel packets */
	HA_TUNNEL_ERROR_BAD,		/* cannot be read */
	HA_TUNNEL_ERROR_FORGED,		/* about a packet that we did not send */
	HA_TUNNEL_ERROR_USELESS,	/* nothing the sender should know */
	HA_TUNNEL_ERROR_LIMITED,
	HA_RX_REASSEMBLED,		/* tunnel packets that came in fragments */
	HA_REASSEMBLED_FORGED,
	HA_REASSEMBLED_BAD,
	HA_TUNNEL_PATH_SMALL,		/* a path too small for the smallest MTU in a tunnel */
	HA_TX_TOO_BIG,
	HA_TX_TIME_EXCEEDED,
	HA_TX_UNREACHABLE,
	HA_SEND_FAILED,
	HA_DATAPATH_FAILED,
	HA_BINDING_NEW,
	HA_BINDING_MOVED,
	HA_BINDING_REFRESHED,
	HA_BINDING_RELEASED,
	HA_BINDING_EXPIRED,
	HA_BINDING_REVOKED,
	HA_PAST_FULL,			/* numbers forgotten before their time, for newer ones */
	HA_TX_BRI,
	HA_RX_BRA,
	HA_BRA_NO_MATCH,		/* no revocation of that binding and number under way */
	HA_BRA_BAD_SOURCE,		/* not from the binding's care-of address */
	HA_BRA_BAD_AUTH,
	HA_BRA_TIMESTAMP,		/* not that of an indication that was sent */
	HA_REVOKE_ACCEPTED,		/* how revocations ended */
	HA_REVOKE_REFUSED,
	HA_REVOKE_UNANSWERED,
	HA_ANCHORS_LATE,		/* advertisements that did not wait for them any longer */
	HA_ANCHOR_UNKNOWN,		/* sessions at a router that is no peer */
	HA_LOOK_FAILED,			/* the session database did not answer */
	HA_VISITS_FULL,			/* a host with too many anchors, or prefixes of one */
	HA_VISITS_TWICE,		/* a prefix that another visitor has */
	HA_VISIT_NEW,
	HA_TX_PBU,
	HA_PBU_UNANSWERED,		/* and sent again */
	HA_PBU_REFUSED,
	HA_RX_PBA,
	HA_PBA_NO_MATCH,		/* to no update of ours */
	HA_PBA_BAD_AUTH,
	HA_RX_BRI,
	HA_BRI_BAD_AUTH,
	HA_BRI_TIMESTAMP,		/* without one, or said too long ago */
	HA_TX_BRA,
	HA_TX_HEARTBEAT,
	HA_RX_HEARTBEAT,
	HA_HEARTBEAT_BAD,		/* of no peer, not signed, or to no request */
	HA_CLAIM_UNRECORDED,		/* the database does not know it */
	HA_CLAIM_CONTESTED,		/* a router has registered a host that is here */
	HA_UNCONFIRMED,			/* prefixes taken back: nobody was there */
	HA_HOST_REFUSED,		/* by the table of hosts */
	HA_SIGN_ATTACHED,		/* hosts that did not solicit */
	HA_CARE_OF_VERIFIED,		/* tokens that came back */
	HA_CARE_OF_WRONG_TOKEN,
	HA_COUNTER_MAX
};

/* A Binding Acknowledgement to be sent, now or when what it reports is done. */
struct ha_ack {
	struct in6_addr from;		/* ours, to which the Binding Update went */
	struct in6_addr to;		/* its source */
	int ifindex;			/* to a node at home, by its link; 0: routed */
	uint8_t mac[6];
	struct in6_addr hoa, coa;
	uint32_t spi;			/* of the key that signs; 0: none does */
	uint8_t status;
	uint16_t sequence;
	uint16_t lifetime;		/* units of 4 s */
	bool has_mesg_id;
	uint64_t mesg_id;
	bool has_care_of_token;
	uint8_t care_of_token[MH_CARE_OF_TOKEN];
};

#define HA_BATCH	64		/* Binding Updates carried out together */

/* A Binding Update whose work is put off: what to answer, and what stood before. */
struct ha_pending {
	struct ha_ack ack;
	enum binding_state state_before;	/* NEW: there was no binding */
	struct in6_addr coa_before;
	bool unverified_before;
	uint32_t lifetime_before_s;
	usec_t expires_before;
	bool left;			/* the host was on its link until then */
	struct lma_answer *proxy;	/* instead of ack; NULL: by the host itself */
	int err;			/* of the data path */
};

/* Keys that were given out (sa.h). */
struct sa_table {
	struct sa *by_spi, *by_prefix;	/* the newest of each prefix */
	unsigned int n;
	uint64_t next;			/* number of the next one; over restarts */
};

struct ha {
	const struct ha_config *cfg;
	const struct ha_ops *ops;
	void *ctx;
	struct timers *timers;
	unsigned int n_interfaces;
	struct ha_interface interfaces[HA_MAX_INTERFACES];
	unsigned int n_homes;
	struct ha_home homes[HA_MAX_HOMES];
	struct bcache bcache;
	struct sa_table sas;
	struct pasts pasts;
	struct revocations revocations;
	struct notices notices;
	struct claims claims;
	struct heartbeats heartbeats;
	struct policies policies;
	struct mag mag;
	struct flow_moves flow_moves;
	struct drain drain;
	usec_t error_tokens_at;		/* token bucket of error messages */
	unsigned int error_tokens;
	usec_t log_tokens_at;		/* and of routine lines in the log */
	unsigned int log_tokens;
	usec_t relay_tokens_at;		/* and of errors about tunnel packets */
	unsigned int relay_tokens;
	usec_t refresh_tokens_at;	/* and of looks at bindings near their end */
	unsigned int refresh_tokens;
	usec_t dhaad_tokens_at;		/* and of home agent address discovery replies */
	unsigned int dhaad_tokens;
	struct ha_pending pending[HA_BATCH];
	unsigned int n_pending;
	struct lma_answer *answers;	/* to other routers, that wait with these; HA_BATCH */
	unsigned int n_answers;
	struct auth_key care_of_key;	/* of this run: makes tokens (careof.c) */
	struct limit limit;		/* what bad messages have cost, and from where */
	uint64_t counters[HA_COUNTER_MAX];
	uint64_t nd_ip6_errors[IP6_ERR_MAX], mh_ip6_errors[IP6_ERR_MAX];
	uint64_t discovery_ip6_errors[IP6_ERR_MAX];
	uint64_t icmp6_errors[ICMP6_ERR_MAX];
	uint64_t mh_errors[MH_ERR_MAX];
	uint64_t verdicts[VERDICT_MAX];
	uint64_t pbus[PBU_MAX];
	uint64_t bootstraps[BOOTSTRAP_REASON_MAX];
};

/* ---- for io.c, ctl.c and the simulation ---- */

/* 0, -EINVAL (ha_config_check() would say why) or -ENOMEM. */
int ha_init(struct ha *ha, const struct ha_config *cfg, const struct ha_ops *ops, void *ctx,
	    struct timers *timers, usec_t now);
/* Forgets everything; asks nothing of the ops. */
void ha_free(struct ha *ha);

/* State of an access interface by its name; names that are not configured are ignored.
 * ifindex 0: gone. linklocal NULL or unspecified: no usable (non-tentative) one. */
void ha_link(struct ha *ha, int ifindex, const char *name, const uint8_t mac[6],
	     const struct in6_addr *linklocal, bool up, usec_t now);
/* The kernel's look for another node with our address on a shared home's link. */
void ha_address(struct ha *ha, int ifindex, const struct in6_addr *addr, bool duplicate);
/* A whole IPv6 packet, unchecked. mac: its link-layer source. */
void ha_rx_nd(struct ha *ha, int ifindex, const uint8_t mac[6], const void *data, size_t len,
	      usec_t now);
/* A packet of a host on a link of ours, from an address that it has not from here: it has come from
 * elsewhere, perhaps, and has noticed nothing (network mode). */
void ha_rx_foreign(struct ha *ha, int ifindex, const uint8_t mac[6], usec_t now);
void ha_rx_mh(struct ha *ha, const void *data, size_t len, usec_t now);
/* The same, and where it came from: the interface and its link-layer source. */
/* The same, and the kernel took it out of ESP by a security association for its home
 * address. */
void ha_rx_mh_protected(struct ha *ha, const void *data, size_t len, usec_t now);
void ha_rx_mh_link(struct ha *ha, int ifindex, const uint8_t mac[6], const void *data, size_t len,
		   usec_t now);
/* A packet that may have a Home Address option and is no Mobility Header. */
void ha_rx_hao(struct ha *ha, const void *data, size_t len, usec_t now);
/* A whole IPv6 packet, unchecked: an ICMPv6 error about a tunnel packet. */
void ha_rx_tunnel_error(struct ha *ha, const void *data, size_t len, usec_t now);
/* What was inside of a tunnel packet that came in fragments from that address. Is changed. */
void ha_rx_reassembled(struct ha *ha, const struct in6_addr *from, uint8_t *inner, size_t len,
		       usec_t now);
/* At the end of each turn: what the data path put off is done, then acknowledged. */
void ha_flush(struct ha *ha, usec_t now);
/* May be called at any time, also from within an op. */
void ha_dp_failed(struct ha *ha, const struct in6_prefix *inner, int err);
/* Home agent address discovery and mobile prefix discovery. */
void ha_rx_discovery(struct ha *ha, const void *data, size_t len, usec_t now);
/* A home's prefix, its flags or its lifetimes are not what they were: absent hosts are told
 * (RFC 6275 10.6.2). */
void ha_prefix_changed(struct ha *ha, struct ha_home *home, usec_t now);

/* The home whose prefix holds the address; NULL: none. */
struct ha_home *ha_home_of(struct ha *ha, const struct in6_addr *a);
bool ha_serves(const struct ha_interface *ifc, const struct ha_home *home);
bool ha_is_own_address(const struct ha *ha, const struct in6_addr *a);	/* of any home */
unsigned int ha_addresses(const struct ha *ha, struct in6_addr ret[HA_MAX_HOMES]);	/* those */
/* The lease whose /64 holds the address, in whichever home; NULL: none. */
struct lease *ha_find_lease(const struct ha *ha, const struct in6_addr *a);
/* New hosts get no prefix. */
bool ha_home_full(const struct ha_home *home);

/* What an earlier run stored. First the homes: one that is not configured any more comes to
 * its end in its own time, and until then belongs to ha->homes. 0, -ENOSPC, -ENOMEM. */
int ha_restore_home(struct ha *ha, const struct ha_home_record *r, usec_t now);
/* Leases before bindings, oldest `until` first, before anything else
 * happens. 0; -EINVAL: does not fit the configuration any more (the caller says so and
 * goes on); -EEXIST, -ENOSPC, -ENOMEM. */
int ha_restore_lease(struct ha *ha, const struct ha_lease_record *r, usec_t now);
/* Puts the binding into the data path too. 1: it is over, and remembered; -ESTALE: it is over and
 * of no use. */
int ha_restore_binding(struct ha *ha, const struct ha_binding_record *r, usec_t now);
/* The greatest time stamp that was forgotten; after that of bindings. */
void ha_restore_floor(struct ha *ha, uint64_t floor);
/* That was all; the database is told of the homes of this run. */
void ha_restored(struct ha *ha, usec_t now);

/* Bindings that are in the data path, and one by its home address (NULL: none there). */
unsigned int ha_bound_count(const struct ha *ha);
const struct binding *ha_bound_find(const struct ha *ha, const struct in6_addr *hoa);
/* The one whose tunnel has packets of that address, which may be that of a whole prefix. */
const struct binding *ha_bound_for(const struct ha *ha, const struct in6_addr *a);
unsigned int ha_lease_count(const struct ha *ha, enum lease_state state);
/* Calls fn for each, in no order that means anything. */
void ha_each_binding(const struct ha *ha, void (*fn)(void *ctx, const struct binding *b),
		     void *ctx);
void ha_each_lease(const struct ha *ha, void (*fn)(void *ctx, const struct lease *l), void *ctx);
void ha_each_counter(const struct ha *ha, void (*fn)(void *ctx, const char *name, uint64_t v),
		     void *ctx);

/* ---- between the files of the home agent ---- */

/* What stood before a change, and what is to be done when the data path has it. */
struct ha_pending ha_before(const struct binding *b);
bool ha_waits(const struct ha *ha, const struct in6_addr *hoa);
/* There has to be room for it. */
void update_put_off(struct ha *ha, const struct ha_pending *p);
void ha_acknowledge(struct ha *ha, const struct ha_ack *ack);
/* A registration that waited for duplicate address detection: what became of it. err: of the
 * data path. */
void update_tested(struct ha *ha, const struct ha_ack *ack, bool duplicate, int err, usec_t now);
/* The router that has this address; NULL: none is configured. */
const struct ha_peer *ha_peer_of(const struct ha *ha, const struct in6_addr *addr);
/* The key of this SPI; of several of SPI 3, which names no host, the one for this home address
 * (lease: as for verdict_key_allows()). NULL: there is none. */
const struct ha_key *ha_find_key(const struct ha *ha, uint32_t spi, const struct in6_addr *hoa,
				 const struct lease *lease);
/* Is one configured for this host and nobody else, with an algorithm as good as that one at
 * least? */
bool ha_has_configured_key(const struct ha *ha, enum auth_algorithm worst,
			   const struct in6_addr *hoa, const struct lease *lease);
/* That of a binding: what its messages are signed with. NULL: none, or it was taken away. */
const struct ha_key *ha_binding_key(const struct ha *ha, const struct binding *b);

#define MESSAGE_ROOM	1024	/* 16 prefixes and all other options of RFC 5213 are less */
/* The whole packet: ip, msg with an MN-HA option by the key (NULL: none) for this binding,
 * checksum. Its length; 0: it cannot be built. */
size_t message_build(const struct ip6_packet *ip, struct mh_msg *msg, const struct auth_key *key,
		     const struct in6_addr *coa, const struct in6_addr *hoa,
		     uint8_t room[MESSAGE_ROOM]);
/* To the mobile node where it is, from the address that it registered with; by a type 2
 * routing header with its home address. */
struct ip6_packet message_header(const struct binding *b, uint8_t next_header);
/* What nobody has asked for is known to be new by its time stamp (RFC 4285 6): where these are
 * used, msg gets the time of day, and one that is newer than the binding's. */
void message_stamp(const struct binding *b, const struct ha_key *key, struct mh_msg *msg);
/* By the routing table; counts it, and a failure too. len 0: nothing to be sent. */
void message_send(struct ha *ha, const void *packet, size_t len, enum ha_counter counter);

/* The part of ha_config_check() that is about homes and their interfaces. */
const char *home_config_check(struct ha_config *cfg);
/* 0, -EINVAL or -ENOSPC. */
int home_init_all(struct ha *ha);
int home_begin(struct ha_home *home);	/* its pool */
int home_join(struct ha_home *home);	/* the interfaces that it serves; 0 or -ENOSPC */
/* RFC 4862 5.5.4: not to be used for anything new. */
static inline bool home_is_deprecated(const struct ha_home *home)
{
	return home->cfg.deprecated || home->state != HOME_SERVED;
}

/* No longer than the prefix lasts. */
static inline usec_t home_limit(const struct ha_home *home, usec_t t, usec_t now)
{
	return home->until != 0 && home->until - now < t ? home->until - now : t;
}

/* How long what a host has of the home stays valid; l NULL: the home is shared. */
usec_t home_valid_left(const struct ha_home *home, const struct lease *l, usec_t now);
void home_free_all(struct ha *ha);	/* leases too; their timers are stopped already */

struct ha_interface *ha_interface_by_index(struct ha *ha, int ifindex);
bool ha_interface_usable(const struct ha_interface *ifc);
void ha_tell(struct ha *ha, const struct ha_event *e);
bool ha_error_allowed(struct ha *ha, usec_t now);
/* A packet whose headers cannot be read: counts it for its source, if it has as much as that. */
void ha_bad_packet(struct ha *ha, const void *data, size_t len, usec_t now);
/* Is a line on what happens with every host, neighbour or binding to be written? With few hosts all
 * are; with many they would cost more than what they tell (`monitor` tells it all). */
bool ha_log_routine(struct ha *ha, usec_t now);
/* Writes the lease down as it stands. */
int ha_store_lease(struct ha *ha, struct lease *l, bool durable);
/* The host will be told, or has shown, that the prefix stays its own for a prefix lifetime
 * from now. Durable where the database does not say so yet; if that fails the lease keeps
 * the end that is stored and the error is returned. */
int ha_extend_lease(struct ha *ha, struct lease *l, usec_t now, bool *ret_stored);

void nd_interface_init(struct ha *ha, struct ha_interface *ifc);	/* its timer */
/* The link works: routes and neighbours of those attached to it are put in (again). */
void nd_interface_up(struct ha_interface *ifc);
/* Advertisements can leave. */
void nd_interface_usable(struct ha_interface *ifc, usec_t now);
/* Everybody is told what has changed: the links, and each host that is attached. */
void nd_advertise_all(struct ha *ha, usec_t now);
void nd_lease_init(struct ha_home *home, struct lease *l);	/* its timers */
void nd_lease_attach(struct ha *ha, struct lease *l, struct ha_interface *ifc, usec_t now,
		     const char *reason);
/* Another one for a host that is away, in a home that goes on. NULL: none to be had. */
struct lease *nd_lease_offer(struct ha_home *home, const struct lease *like, usec_t now);
void nd_lease_detach(struct ha *ha, struct lease *l, usec_t now, const char *reason);
/* An advertisement with all that the host has, to it alone. */
void nd_advertise_host(struct ha *ha, struct ha_interface *ifc, const uint8_t mac[6], usec_t now);
/* It is asked whether it is still there, and is gone if it does not answer. */
void nd_doubt(struct ha *ha, const uint8_t mac[6], usec_t now);
/* It is asked once, whatever is believed of it. */
void nd_probe(const struct lease *l);
/* An operator, or a controller of the access link, says so: 0, -ENODEV no such interface, -EAGAIN
 * it gets no prefix. */
int ha_host_attach(struct ha *ha, const char *interface, const uint8_t mac[6], usec_t now);
/* 0, -ENOENT: it is not attached. */
int ha_host_detach(struct ha *ha, const uint8_t mac[6], usec_t now);
/* One that is attached; NULL: none. */
const struct lease *ha_lease_of(const struct ha *ha, const uint8_t mac[6]);
/* The last binding went, or the lifetime ended: frees the prefix if nothing holds it. */
void nd_lease_review(struct ha *ha, struct lease *l, usec_t now);

/* Limits are the caller's; counts what was sent. */
void error_icmp6(struct ha *ha, const struct icmp6_error *e, enum ha_counter counter);

/* When a bound binding is to be looked at next; its end, if no more before that. */
usec_t refresh_at(const struct binding *b);
/* The look: may send a Binding Refresh Request. */
void refresh_look(struct binding *b, usec_t now);

void error_mh(struct ha *ha, const struct ip6_packet *ip, const void *packet, size_t len,
	      enum mh_err err, size_t err_offset, usec_t now);

#endif
