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

/* Called when an anchor is attached, a key was lost, the configuration has changed, or a timer
 * has come: asks mn->ops->key_ask() for sessions. At most one with each home agent at a time. */
void bootstrap_look(struct mn *mn, usec_t now);
/* The answer to one request; secret: exported from the session (NULL unless status is 200). */
void bootstrap_answer(struct mn *mn, const struct in6_addr *ha, const struct in6_addr *hoa,
		      const struct boot_response *r, const uint8_t secret[BOOT_KEY_LEN],
		      usec_t now);
/* The session is over. why: a sentence for people, or NULL. */
void bootstrap_over(struct mn *mn, const struct in6_addr *ha, enum bootstrap_result result,
		    const char *why, usec_t now);
/* The key of an anchor; NULL: none. Static keys go before it. */
struct mn_sa *bootstrap_key(struct mn *mn, const struct in6_addr *hoa, const struct in6_addr *ha);

#endif
