/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a home agent says to a request for a key: a pure function of the session, the lease and
 * the policy, and the key that follows from it. keyserver.c moves the octets. RFC 6618 4.3, 5.3;
 * design section 7.
 */
#ifndef DMIP6_HA_BOOTSTRAP_H
#define DMIP6_HA_BOOTSTRAP_H

#include <stdbool.h>

#include "common/core/in6.h"
#include "common/core/timer.h"
#include "common/wire/boot.h"

struct ha;

/* What the connection and its TLS session have shown. */
struct bootstrap_peer {
	int ifindex;			/* the access link that it came by */
	struct in6_addr source;		/* of the connection */
	struct in6_addr local;		/* our address that it went to */
	enum boot_mode mode;		/* how it has shown who it is */
	char mn_id[BOOT_ID_MAX];	/* the certificate's or PSK's name; "" with on-link */
	bool resumed;
};

enum bootstrap_reason {
	BOOTSTRAP_ISSUED,
	BOOTSTRAP_MODE,			/* 401: this mode is not allowed here */
	BOOTSTRAP_NO_METHOD,		/* 401: nothing that both take */
	BOOTSTRAP_NAME,			/* 401: mn-id is not that of the certificate or PSK */
	BOOTSTRAP_NOT_LEASED,		/* 401: no prefix of ours, or of nobody */
	BOOTSTRAP_OTHER_LINK,		/* 401: attached elsewhere, or not attached */
	BOOTSTRAP_OTHER_SOURCE,		/* 401: the connection does not come from that prefix */
	BOOTSTRAP_OTHER_HOME_AGENT,	/* 401: to another of our addresses */
	BOOTSTRAP_BOUND,		/* 401: on-link, while it is bound from elsewhere */
	BOOTSTRAP_OTHER_NODE,		/* 401: the key of the lease is another identity's */
	BOOTSTRAP_TOO_MANY,		/* 503: of this host, or the table is full */
	BOOTSTRAP_DRAINING,		/* 503 */
	BOOTSTRAP_FAILED,		/* 500: no memory, no disk, or the exporter failed */
	BOOTSTRAP_REASON_MAX
};
const char *bootstrap_reason_name(enum bootstrap_reason r);	/* counter */
const char *bootstrap_reason_text(enum bootstrap_reason r);	/* sentence; dmip6-reason too */

/* May a connection from there be served at all? Asked before anything is answered: the
 * source has to be the address of a host that is attached to that link. */
bool bootstrap_knows(struct ha *ha, int ifindex, const struct in6_addr *source);

/* The exporter of the session: the key for this context. 0 or negative errno. */
struct bootstrap_ops {
	int (*export)(void *ctx, const uint8_t context[BOOT_CONTEXT_LEN],
		      uint8_t ret[BOOT_KEY_LEN]);
	void *ctx;
};

/* Carries the request out; *ret is the response to be sent. Counts by reason. */
enum bootstrap_reason bootstrap_request(struct ha *ha, const struct bootstrap_peer *peer,
					const struct boot_request *req,
					const struct bootstrap_ops *ops, usec_t now,
					struct boot_response *ret);

#endif
