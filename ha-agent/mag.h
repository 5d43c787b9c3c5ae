/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mobile access gateway (RFC 5213 section 6): hosts that know nothing of mobility come to a
 * link of this router and keep the prefixes that earlier routers, their anchors, have given them.
 *
 *	mag.c		the hosts: looks their sessions up, tells them of their prefixes
 *	visit.c		one registration of one host at one anchor: the Binding Update List
 *
 * A host has a lease of ours as any other (nd.c); beside it, for each anchor that it had before, a
 * visit. Nothing of this is written down: what the kernel has is kept over a restart, and each host
 * that is attached is looked up again.
 */
#ifndef DMIP6_HA_MAG_H
#define DMIP6_HA_MAG_H

#include <sys/queue.h>

#include "common/core/backoff.h"
#include "common/core/hash.h"
#include "common/core/in6.h"
#include "common/core/timer.h"
#include "common/wire/icmp6.h"
#include "common/wire/mh.h"
#include "ha-agent/sdb.h"

#define MAG_RA_DEADLINE		(100 * USEC_MS)	/* a host waits so long for its anchors */
#define MAG_LOOK_RETRY_MIN	USEC_S		/* a database that does not answer is asked again */
#define MAG_LOOK_RETRY_MAX	(60 * USEC_S)
#define MAG_LOOK_AGAIN		(300 * USEC_MS)	/* what is older is not believed at a new sign */
#define MAG_LIFETIME		(300 * USEC_S)	/* asked for */
#define MAG_VISITS_MAX		8		/* anchors of one host at a time */
#define MAG_VISIT_PREFIXES	8		/* of one host from one anchor */
#define MAG_PBU_FIRST		USEC_S		/* RFC 6275 12: INITIAL_BINDACK_TIMEOUT */
#define MAG_PBU_LONGEST		(32 * USEC_S)	/* MAX_BINDACK_TIMEOUT */
#define MAG_LEAVE_TRIES		3		/* of a de-registration */
#define MAG_DOUBT		(3 * USEC_S)	/* a host that is asked whether it is here */
#define MAG_PEERS_MAX		256		/* as HA_MAX_PEERS */

struct ha;
struct ha_interface;
struct ip6_packet;
struct lease;
struct visitor;

/* RFC 6543 3, 4.1: what all routers of the domain have on their access links. */
#define MAG_ROUTER_LINK_LOCAL \
	{ .s6_addr = { 0xfe, 0x80, [8] = 0x02, 0, 0x5e, 0xff, 0xfe, 0, 0x52, 0x13 } }
#define MAG_ROUTER_MAC		{ 0x00, 0x00, 0x5e, 0x00, 0x52, 0x13 }

enum visit_state {
	VISIT_REGISTERING,		/* the first answer is waited for */
	VISIT_REGISTERED,
	VISIT_REFRESHING,		/* registered, and an answer is waited for */
	VISIT_DOUBTED,			/* it may be elsewhere: it is asked */
	VISIT_LEAVING,			/* the host has left, and the anchor is told */
	VISIT_STATE_MAX
};
const char *visit_state_name(enum visit_state s);

struct visit_prefix {
	struct in6_prefix prefix;
	usec_t valid_until;		/* as the host's anchor has told it */
	bool shared;			/* it was given to another interface of the host */
	bool off_link;			/* RFC 7864 4.1: whose addresses it is to have alone */
	bool here;			/* in the data path, on the link, past the guard */
};

/* An entry of the Binding Update List (RFC 5213 6.1). */
struct visit {
	struct visitor *of;
	struct in6_addr anchor;
	enum visit_state state;
	unsigned int n_prefixes;
	struct visit_prefix prefixes[MAG_VISIT_PREFIXES];
	uint16_t sequence;		/* of the last update */
	uint64_t stamp;			/* and its time stamp */
	uint8_t handoff;		/* enum mh_handoff, of the last update */
	usec_t sent, expires;
	struct backoff backoff;
	struct timer timer;
	bool due;			/* visit_register() says it */
	bool news;			/* the host has to be told of it when it stands */
};

enum look { LOOK_NONE, LOOK_WAITS, LOOK_ASKED };

/* A host on a link of ours. */
struct visitor {
	UT_hash_handle by_mac;
	uint8_t mac[6];
	bool away;			/* it has left, and a visit is still LEAVING */
	struct ha *ha;
	struct ha_interface *interface;
	enum look look;
	usec_t looked;			/* when the last answer came; 0: never */
	usec_t look_pause;		/* until the database is asked again */
	bool ra_due;			/* it waits for an advertisement */
	struct timer deadline;		/* the advertisement leaves now */
	struct timer again;		/* the database is asked again */
	unsigned int n_visits;
	struct visit *visits[MAG_VISITS_MAX];	/* gone through backwards: the one that is looked at
						 * may end */
	TAILQ_ENTRY(visitor) waits;
};

struct mag {
	struct visitor *by_mac;
	unsigned int n_asked;		/* questions under way */
	TAILQ_HEAD(, visitor) waiting;	/* for the database to take another question */
	bool settled;			/* who was here in an earlier run is, or is not any more */
	bool asking;			/* within mag_ask_waiting() */
	uint16_t next;			/* sequence number */
	uint64_t stamp;			/* the last that was used, so that each is newer */
	int64_t clocks[MAG_PEERS_MAX];	/* what those of the peers are ahead of ours, as stamps */
};

void mag_init(struct ha *ha);
void mag_free(struct ha *ha);

/* The host is on that link: it has shown itself, or an operator says so. It has a lease. True: it
 * gets its advertisement from here, as soon as its anchors have answered. */
bool mag_attached(struct ha *ha, struct ha_interface *ifc, const uint8_t mac[6], usec_t now);
/* It has answered: what was doubted is not any more. */
void mag_heard(struct ha *ha, const uint8_t mac[6], usec_t now);
/* It is gone. claimed: another router has said that it is there, so the anchors know. */
void mag_detached(struct ha *ha, const uint8_t mac[6], bool claimed, usec_t now);
/* This router stops: all anchors hear so, once. */
void mag_goodbye(struct ha *ha, usec_t now);
/* What the database says about a host; err as in struct sdb_answer. */
void mag_found(struct ha *ha, const uint8_t mac[6], int err, const struct sdb_record *records,
	       unsigned int n, usec_t now);
/* It has a new record, or another one: its host may be here already, or not any more. */
void mag_changed(struct ha *ha, const struct sdb_record *r, usec_t now);
/* It answers again: who was not found is looked up. all: everybody is, for what it knows now is not
 * what it knew. */
void mag_database_back(struct ha *ha, bool all, usec_t now);
/* The prefixes of other anchors for an advertisement to the host (RFC 4862 5.5.4: deprecated).
 * Returns how many. */
unsigned int mag_prefixes(const struct ha *ha, const uint8_t mac[6], usec_t now,
			  struct nd_prefix *ret, unsigned int room);
/* An anchor may have forgotten what was registered with it. */
void mag_anchor_back(struct ha *ha, const struct in6_addr *anchor, usec_t now);
/* A Proxy Binding Acknowledgement, and a Binding Revocation Indication with the P flag. */
void mag_rx_pba(struct ha *ha, const struct ip6_packet *ip, const struct mh_msg *msg,
		const uint8_t *mh, usec_t now);
void mag_rx_bri(struct ha *ha, const struct ip6_packet *ip, const struct mh_msg *msg,
		const uint8_t *mh, usec_t now);
/* The data path could not do it. True: the prefix is that of a visit. */
bool mag_dp_failed(struct ha *ha, const struct in6_prefix *prefix);
/* Does a host here have that prefix from there? For what an earlier run left. */
bool mag_visits(const struct ha *ha, const struct in6_prefix *prefix);
void mag_each_visit(const struct ha *ha, void (*fn)(void *ctx, const struct visit *v), void *ctx);
/* What the anchors know of us as, and tunnels of visitors end at (Proxy-CoA). */
const struct in6_addr *mag_address(const struct ha *ha);

/* ---- between the two files ---- */

struct visitor *mag_find(const struct ha *ha, const uint8_t mac[6]);
/* Nothing is waited for any more, perhaps: the advertisement leaves then. */
void mag_review(struct visitor *h, usec_t now);
void mag_advertise(struct visitor *h, usec_t now);
void mag_advertise_soon(struct visitor *h, usec_t now);
/* It has neither a link nor a visit any more, perhaps: it is freed then. */
void mag_forget(struct visitor *h);
/* A registration begins; or goes on with another prefix. again: the host has shown itself anew, so
 * what has been said some time ago is said again. True: the prefix was not known before. */
bool visit_begin(struct visitor *h, const struct sdb_record *r, bool again, usec_t now);
/* A prefix that was given to this interface of the host, and not to another one of it. */
bool visit_is_own(const struct visitor *h, const struct sdb_record *r);
/* What visit_begin() has begun is said to nobody before the host has shown that it is here; it is
 * told of it then. False: it cannot be asked. */
bool visit_ask(struct visitor *h, usec_t now);
/* What was put off by visit_begin() is said to the anchors. */
void visit_register(struct visitor *h, usec_t now);
/* The host is on another link of ours than before. */
void visit_moved(struct visit *v);
/* Asserts it again: somebody else may have claimed the host meanwhile. */
void visit_claim(struct visit *v, uint8_t handoff, usec_t now);
void visit_leave(struct visit *v, bool tell, usec_t now);
void visit_goodbye(struct visit *v, usec_t now);	/* nobody waits for an answer */
/* One of its prefixes is not in the data path: that is over, as soon as it may be. */
void visit_failed(struct visit *v);
void visit_end(struct visit *v);	/* frees */
void visit_drop_prefix(struct visit *v, unsigned int i);
int visit_prefix_at(const struct visit *v, const struct in6_prefix *prefix);	/* -ENOENT */

#endif
