/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys for anchors: which of those that are attached ask their home agent for one, when, and
 * what becomes of the answer. Pure; keyclient.c has the connection. Nothing waits for it: an
 * anchor that is left without a key is refused as before. RFC 6618 4.3, 5.3; design 7.
 */
#ifndef DMIP6_MN_BOOTSTRAP_H
#define DMIP6_MN_BOOTSTRAP_H

#include "common/core/auth.h"
#include "common/core/backoff.h"
#include "common/core/in6.h"
#include "common/core/timer.h"
#include "common/wire/boot.h"

struct mn;
struct mn_iface;
struct anchor;

/* A key that a home agent gave: for every home address in the prefix. Kept in mn->sas, over
 * restarts too, as long as an anchor may need it. */
struct mn_sa {
	struct auth_key key;
	struct in6_prefix prefix;	/* a /64, or a /128 */
	struct in6_addr ha;
	enum boot_mode mode;
	usec_t until, renew_at;
	struct mn_sa *next;
};

enum bootstrap_result {			/* of a session, or of an attempt at one */
	BOOTSTRAP_DONE,			/* every request was answered */
	BOOTSTRAP_NO_ANSWER,		/* not reached, or it fell silent */
	BOOTSTRAP_REFUSED_CONNECTION,	/* nobody listens there: it gives no keys */
	BOOTSTRAP_TLS_FAILED,		/* why says it: a certificate, a name, a downgrade */
	BOOTSTRAP_BROKEN,		/* what it said could not be read */
	BOOTSTRAP_RESULT_MAX
};

/* One session that is wanted: with a home agent, for some of its anchors' addresses. */
#define BOOTSTRAP_ASK_MAX	16
struct bootstrap_ask {
	int ifindex;
	struct in6_addr ha;
	struct in6_addr from;		/* the source of the connection: a home address */
	unsigned int n;
	struct in6_addr hoas[BOOTSTRAP_ASK_MAX];	/* one request each */
};

/* What is known of a home agent that was asked: mn->askings. */
struct mn_asking {
	struct in6_addr ha;
	bool open;			/* a session is under way: */
	struct bootstrap_ask ask;
	bool answered[BOOTSTRAP_ASK_MAX];
	usec_t begun;
	enum bootstrap_result result;	/* of the last one */
	struct backoff again;		/* after those that failed; max 0: none has */
	usec_t not_before;
	struct mn_asking *next;
};

/* mn_init(), mn_free(). */
void bootstrap_init(struct mn *mn);
void bootstrap_free(struct mn *mn);
/* Something has changed that it may depend on: bootstrap_look() in this turn of the loop. */
void bootstrap_soon(struct mn *mn, usec_t now);
/* Called when an anchor is attached, a key was lost, the configuration has changed, or a timer
 * has come: asks mn->ops->key_ask() for sessions. At most one with each home agent at a time.
 * Ends those whose link was left, and wipes keys that nobody needs any more. */
void bootstrap_look(struct mn *mn, usec_t now);
/* The interface is at a router to which it has just come: whatever was said there before. */
void bootstrap_attached(struct mn_iface *i, usec_t now);
/* Another configuration: what it does not allow any more is given up, and everybody is asked. */
void bootstrap_reconfigured(struct mn *mn, usec_t now);
/* The answer to one request; secret: exported from the session (NULL unless status is 200).
 * shown: how the home agent has shown who it is, by the session and not by what it says. */
void bootstrap_answer(struct mn *mn, const struct in6_addr *ha, const struct in6_addr *hoa,
		      const struct boot_response *r, enum boot_mode shown,
		      const uint8_t secret[BOOT_KEY_LEN], usec_t now);
/* The session is over. why: a sentence for people, or NULL. */
void bootstrap_over(struct mn *mn, const struct in6_addr *ha, enum bootstrap_result result,
		    const char *why, usec_t now);
/* The key of an anchor; NULL: none. Static keys go before it. */
struct mn_sa *bootstrap_key(const struct mn *mn, const struct in6_addr *hoa,
			    const struct in6_addr *ha);
/* RFC 6618 5.8.1: the home agent wants another one, authentically (status 176). */
void bootstrap_refused(struct mn *mn, const struct anchor *a, usec_t now);
/* Is this anchor one that a key is asked for? And is that under way? */
bool bootstrap_wanted(const struct mn *mn, const struct anchor *a);
bool bootstrap_asking(const struct mn *mn, const struct anchor *a);

/* After a restart, behind the anchors: a key of the earlier run. 0, -EINVAL, -ESTALE (nobody needs
 * it, or it has ended, or the configuration does not allow it), -ENOMEM. */
struct bootstrap_record {
	uint32_t spi;
	struct in6_prefix prefix;
	struct in6_addr ha;
	enum boot_mode mode;
	usec_t until, renew_at;
	uint8_t secret[BOOT_KEY_LEN];
};
int bootstrap_restore(struct mn *mn, const struct bootstrap_record *r, usec_t now);

#endif
