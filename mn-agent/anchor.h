/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An anchor: what the MN knows of one home agent that gave it one home address, and the
 * state machine of its registration (design 4.5; RFC 6275 section 11.7 and 11.8). Pure.
 */
#ifndef DMIP6_MN_ANCHOR_H
#define DMIP6_MN_ANCHOR_H

#include "common/core/auth.h"
#include "common/core/backoff.h"
#include "common/core/in6.h"
#include "common/core/timer.h"
#include "common/datapath/datapath.h"
#include "common/wire/mh.h"
#include "mn-agent/discover.h"

#define ANCHOR_NAME_MAX	16
#define ANCHOR_BRI_MAX	8	/* numbers of revocations that are remembered */

enum anchor_state {
	ANCHOR_ATTACHED,	/* on its own link: no binding, no cost */
	ANCHOR_DEPARTED,	/* its link was left, its flows live, no care-of address yet */
	ANCHOR_DISCOVERING,	/* there is one, but no home agent is known: it is asked for */
	ANCHOR_REGISTERING,	/* BU sent, first answer awaited; traffic is tunnelled */
	ANCHOR_BOUND,
	ANCHOR_REFRESHING,	/* BU sent, the binding still lives */
	ANCHOR_RELEASING,	/* BU with lifetime 0 sent from away */
	ANCHOR_RETURNING,	/* back on its link, BU with lifetime 0 sent from the HoA */
	ANCHOR_REFUSED,		/* the HA said no, or there is no key: no tunnel */
	ANCHOR_UNREACHABLE,	/* no answer for long: still asking */
	ANCHOR_GONE,		/* to be freed by its owner */
	ANCHOR_STATE_MAX
};

enum anchor_event {
	ANCHOR_EV_DEPART,	/* the MN is no longer on the anchor's link */
	ANCHOR_EV_NO_COA,	/* the care-of address was lost */
	ANCHOR_EV_RETURN,	/* the MN is on the anchor's link again */
	ANCHOR_EV_BRR,		/* the HA asks for a refresh */
	ANCHOR_EV_TIMEOUT,	/* retransmission or refresh is due */
	ANCHOR_EV_IDLE,		/* no flow for the time of `linger` */
	ANCHOR_EV_BUSY,		/* a flow is there (again) */
	ANCHOR_EV_EXPIRED,	/* the lifetime of the home prefix ran out */
	ANCHOR_EVENT_MAX
};

/* Something that is not authentic, about Binding Updates that are not answered yet. */
enum anchor_hint {
	ANCHOR_HINT_TROUBLE,	/* on the way, or with what it answers */
	ANCHOR_HINT_NO_HOME_AGENT,	/* it does not know Mobile IPv6 */
};

struct anchor;

struct anchor_ops {
	/* A Binding Update of a, whole. */
	int (*send)(void *ctx, const struct anchor *a, const void *packet, size_t len);
	int (*tunnel_set)(void *ctx, const struct dp_binding *b);
	/* Packets may come out of a tunnel of the HA before any go into one. May be NULL. */
	void (*tunnel_expect)(void *ctx, const struct anchor *a);
	int (*tunnel_del)(void *ctx, const struct in6_addr *hoa);
	/* a->held changed: the HoA is to be kept on (or taken from) our own device. */
	void (*held)(void *ctx, struct anchor *a);
	/* Counts the flows on the HoA afresh: asked once, before an anchor is given up. */
	unsigned int (*count_flows)(void *ctx, struct anchor *a);
	/* The home agent has let the HoA go; its link may hear of it again. May be NULL. */
	void (*returned)(void *ctx, struct anchor *a);
	/* Its home agent is to be found from the care-of address; then anchor_home_agent(). */
	void (*discover)(void *ctx, struct anchor *a, usec_t now);
	int64_t (*wall_us)(void *ctx);	/* the time of day, microseconds of the epoch */
	/* Something to tell people: "bu.sent", "ba.received", "hint", "state". detail may be
	 * NULL. */
	void (*notify)(void *ctx, struct anchor *a, const char *event, const char *detail,
		       usec_t now);
};

struct anchor_config {
	usec_t linger;			/* after the last flow */
	uint32_t lifetime_s;		/* asked for */
	uint16_t mtu;			/* largest inner packet, at most */
	bool ipsec;			/* protects what goes to home agents; no key does */
};

#define ANCHOR_TOKENS	8

/* What the HA has sent to a CoA, to come back from there (RFC 4866). */
struct anchor_token {
	struct in6_addr coa;
	usec_t at;			/* when it came; 0: never */
	uint8_t token[MH_CARE_OF_TOKEN];
};

struct anchor {
	/* what the Router Advertisement told, or the configuration */
	struct in6_prefix prefix;
	struct in6_addr hoa;
	struct in6_addr ha;		/* unspecified: not known yet */
	int ifindex;			/* where it was formed; 0: restored, not known */
	usec_t valid_until;		/* of the home prefix */
	usec_t coa_until;		/* of the care-of address's; 0: unknown */
	bool link_local;		/* the HoA's interface id is the link-local's */
	const struct auth_key *key;	/* borrowed; NULL: there is none */
	uint32_t spi;			/* of the key that was configured for it; 0: of its HA */
	bool timestamps;		/* Binding Updates carry one (RFC 4285 6) */
	bool unauthenticated;		/* no key is wanted: whatever answers is believed */
	char name[ANCHOR_NAME_MAX];	/* for people; "": it has none */
	bool fixed;			/* registered whenever it is away, flows or not */
	bool placed;			/* on its own link the address is there by our hand */
	usec_t taken_at;		/* of a fixed one: another host had the address; 0: none */
	bool unproven;			/* the HA has not answered: no traffic goes there yet */
	struct discovery discovery;	/* if its HA is found by discover.c */

	enum anchor_state state;
	bool forsaken;			/* its flows were given up: it is only to be released */
	bool held;			/* HoA kept on our own device */
	bool tunnelled;			/* the data path has it */
	bool tunnel_due;		/* it is to have it, or another CoA, once a BU has left */
	struct in6_addr coa;		/* registered or being registered; unspecified: none */
	struct in6_addr via;		/* the tunnel leaves from there, while there is one */
	struct in6_addr accepted;	/* where the HA sends to by its last word; or unspecified */
	usec_t stay_until;		/* on its own link, whatever is better */
	bool keep_road;			/* until the HA accepts: see anchor_keep_road() */
	struct in6_addr verified;	/* the CoA of which the HA wants no test (any more) */
	struct in6_addr tested;		/* the CoA that a token came to last; unspecified: none */
	uint8_t tests;			/* how many came to it in a row */
	struct anchor_token tokens[ANCHOR_TOKENS];	/* a ring */
	uint8_t next_token;
	uint16_t mtu;			/* largest inner packet on the way from the CoA, */
	uint16_t path_mtu;		/* and as routers there said; 0: they did not */
	uint16_t seq;			/* last one used */
	uint16_t seq_first;		/* of this registration: all since are outstanding */
	uint64_t timestamp;		/* of the last BU; 0: none yet */
	uint64_t stamped_at;		/* what our clock said then */
	uint64_t clock_ahead;		/* of the HA's clock, NTP format, modulo 2^64 */
	uint64_t heard;			/* greatest time stamp in what the HA has signed; 0: none */
	uint16_t bri[ANCHOR_BRI_MAX];	/* numbers of the last revocations, a ring */
	uint8_t n_bri;			/* how many there ever were, modulo 2^8; 0: none */
	uint8_t status;			/* of the last BA */
	char reason[224];		/* what is wrong with it, for people; "" */
	enum anchor_hint hinted;	/* what hint is about */
	char hint[128];			/* why this registration has no answer yet; "" */
	uint32_t asked_s;		/* by the last BU */
	uint32_t lifetime_s;		/* granted */
	usec_t bound_until;		/* by what the HA said, or may have said unheard */
	usec_t unheard_until;		/* if a BU since then was accepted, and no answer came */
	bool prefixes_wanted;		/* status 1, and they were not told yet */
	usec_t sent_at;			/* of the first BU of this registration */
	usec_t rtt;			/* last round trip to the HA; 0: not known */
	usec_t rtt_guess;		/* the owner's, while it is not known; 0: none */
	usec_t confirmed_at;		/* when a hint last made it be refreshed */
	usec_t recent[MIP6_MAX_UPDATE_RATE];	/* the last BUs, in order */
	usec_t busy_at;			/* when a flow or a packet of one was last seen */
	uint64_t packets;		/* that its tunnel had carried by the last look */
	unsigned int flows;
	usec_t left;			/* the first count that saw it away; 0: it is not */
	bool unsure;			/* left; whether flows use it is still to be asked */
	bool asked;			/* scratch of the count under way: is it about this one? */
	unsigned int recounted;		/* and what has been seen so far */
	bool traffic;			/* its only flow is packets of no socket of its own, */
	usec_t traffic_left;		/* for so long, by the count under way */
	unsigned int resyncs;		/* answers that were followed since the last time-out */
	struct backoff backoff;
	struct backoff asking;		/* again, after refusals; max 0: none yet */
	struct timer timer;		/* retransmission, refresh */
	struct timer linger;
	struct timer expiry;

	/* solicit.c */
	struct timer solicit;		/* asks how long the home prefix is valid */
	uint16_t solicit_id;
	bool solicit_open;		/* that one was not answered yet */
	unsigned int solicitations;	/* without an answer */
	usec_t solicited_at;		/* the last one */

	/* bootstrap.c: */
	char no_key[160];		/* why its home agent gave none, for people; "" */
	bool key_failed;		/* it was asked for, and that is the answer */
	usec_t key_not_before;		/* it is not asked for one before */
	struct backoff key_again;	/* after answers that gave none; max 0: there was none */

	const struct anchor_config *cfg;
	const struct anchor_ops *ops;
	void *ctx;
	struct timers *timers;
	struct anchor *next;		/* the owner's list */
};

const char *anchor_state_name(enum anchor_state s);

/* In state ATTACHED. prefix, hoa, ha, ifindex, valid_until, key, timestamps, link_local are the
 * caller's to fill in before. seq: where sequence numbers start. */
void anchor_init(struct anchor *a, const struct anchor_config *cfg, const struct anchor_ops *ops,
		 void *ctx, struct timers *timers, uint16_t seq);
/* What happened; the two events that bring something have functions of their own. */
void anchor_event(struct anchor *a, enum anchor_event ev, usec_t now);
/* A (new) care-of address is usable. */
void anchor_coa(struct anchor *a, const struct in6_addr *coa, usec_t now);
/* a->ha and what belongs to it was set, or set anew: it is the one to register with. */
void anchor_home_agent(struct anchor *a, usec_t now);
/* Told before that: does what has carried the flows until now still work? Then they stay on
 * it until the HA has accepted the new address (make before break). Told again when it has
 * ceased to: they leave it at once. */
void anchor_keep_road(struct anchor *a, bool keep);
/* An authentic acknowledgement of an outstanding BU. */
void anchor_ba(struct anchor *a, const struct mh_msg *ba, usec_t now);
/* Somebody who may be the HA says that its binding should be looked at: it is refreshed, if
 * that was not done a moment ago. */
void anchor_confirm(struct anchor *a, const char *why, usec_t now);
/* Kept to explain why there is no answer; forgotten if there is one. what: a sentence. */
void anchor_hint(struct anchor *a, enum anchor_hint hint, const char *what, usec_t now);
/* Is there a BU without an answer? */
bool anchor_asking(const struct anchor *a);
/* Is there what a BU is to be authenticated with, or need it not be? */
bool anchor_may_register(const struct anchor *a);
/* May the HA hold a binding for it, as far as we know? */
bool anchor_registered(const struct anchor *a, usec_t now);
/* Is what the HA has signed, and nobody has asked for, new: not of an earlier binding (RFC 4285 6)?
 * Then it is old from now on. A message without a time stamp is if none is used. */
bool anchor_is_news(struct anchor *a, const struct mh_msg *msg);
/* The HA has ended it. */
void anchor_revoked(struct anchor *a, usec_t now);
/* Keeps the HoA on our own device, before it can vanish from the link; or lets it go. */
void anchor_hold(struct anchor *a, bool hold);
/* It was unsure, and is so no longer: flows use it, or it is forgotten. */
void anchor_sure(struct anchor *a, usec_t now);
/* What is counted: how many flows use the HoA now. Starts and stops linger. */
void anchor_set_flows(struct anchor *a, unsigned int n, usec_t now);
/* a->key or a->timestamps have changed: what it is registered with at the home agent is so no
 * longer. */
void anchor_rekeyed(struct anchor *a, usec_t now);
void anchor_set_valid_until(struct anchor *a, usec_t at);
/* Is seq that of a BU that was sent and not answered? */
bool anchor_seq_outstanding(const struct anchor *a, uint16_t seq);
/* Does it need a care-of address: is it away and to be kept? */
/* What the link at the care-of address lets into a tunnel; what a router further on does. */
void anchor_link_mtu(struct anchor *a, uint16_t mtu, const struct in6_addr *coa);
void anchor_path_mtu(struct anchor *a, uint16_t mtu);
bool anchor_away(const struct anchor *a);
/* Gives it up for another reason than its lifetime: nothing is kept, the HA is not told. */
void anchor_give_up(struct anchor *a, const char *why, usec_t now);
/* Gives its flows up, whatever sockets there are: the HA is told as soon as it can be, and
 * nothing is kept meanwhile. */
void anchor_forsake(struct anchor *a, const char *why, usec_t now);
/* Stops timers; withdraws nothing. */
void anchor_stop(struct anchor *a);

#endif
