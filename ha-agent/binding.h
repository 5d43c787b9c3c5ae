/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state machine of one binding: lifetime, expiry, de-registration (RFC 6275 9.5.2,
 * 10.3.1, 10.3.2) and revocation (RFC 5846 7). What a Binding Update may do is decided
 * before, by verdict.c; when a revocation is over, by revoke.c.
 *
 *	NEW      -- register, restore --> BOUND      NEW -- data path fails --> GONE
 *	NEW, RELEASED on a shared home link -- register --> TESTING
 *	TESTING  -- register --> TESTING (takes its place; the test goes on)
 *	TESTING  -- timeout --> BOUND                TESTING -- duplicate --> GONE
 *	TESTING  -- release --> RELEASED
 *	NEW      -- release --> RELEASED (nothing was bound: its number is kept all the same)
 *	BOUND    -- register --> BOUND               BOUND -- timeout --> GONE
 *	BOUND    -- release --> RELEASED             RELEASED -- register --> BOUND
 *	RELEASED -- release --> RELEASED             RELEASED -- timeout --> GONE
 *	BOUND    -- data path fails --> as before the registration (BOUND, RELEASED, GONE)
 *	BOUND    -- revoke --> REVOKING              REVOKING -- revoked --> RELEASED
 *	REVOKING -- release --> RELEASED             REVOKING -- timeout --> GONE
 *	REVOKING -- register: refused (-EBUSY)
 */
#ifndef DMIP6_HA_BINDING_H
#define DMIP6_HA_BINDING_H

#include "ha-agent/ha.h"

enum binding_event {
	BINDING_EVENT_REGISTER,		/* an accepted registration */
	BINDING_EVENT_RESTORE,		/* from the database of an earlier run */
	BINDING_EVENT_DUPLICATE,	/* the home address is in use on the home link */
	BINDING_EVENT_RELEASE,		/* an accepted de-registration */
	BINDING_EVENT_REVOKE,		/* of BOUND only */
	BINDING_EVENT_REVOKED,		/* the mobile node knows, or does not answer */
	BINDING_EVENT_TIMEOUT,		/* of its timer */
	BINDING_EVENT_FAILED,		/* the data path could not do what it had put off */
	BINDING_EVENT_MAX
};
const char *binding_event_name(enum binding_event e);

struct binding_request {
	struct in6_addr coa;
	uint16_t sequence;
	uint32_t spi;
	uint32_t lifetime_s;		/* granted */
	uint64_t timestamp;		/* 0: the update had none, and what was stays */
	bool linklocal;			/* L */
	bool by_router;			/* of the prefix, by another router */
	bool verified;			/* a token came back from the care-of address, or none is
					 * wanted */
	usec_t expires;			/* RESTORE only, and where it is written down */
	uint32_t place;
	const char *reason;		/* REVOKED only: how it ended */
};

/* A cache entry's part that the state machine needs, after bcache_add(). */
void binding_init(struct binding *b);
/* 0, or the data path's error: then a binding that was bound stays as it was, and a new
 * one is gone. req may be NULL for TIMEOUT and REVOKE. After TIMEOUT the entry is gone. */
int binding_event(struct binding *b, enum binding_event e, const struct binding_request *req,
		  usec_t now);
/* A Binding Update that was refused for what it asks for was genuine and new: only its numbers
 * are taken (RFC 6275 9.5.1). */
void binding_number(struct binding *b, const struct binding_request *req);
/* The data path does not have it: its lifetime is over as soon as timers run. */
void binding_lost(struct binding *b);
/* What the last registration changed is undone, but for the sequence number; after it the
 * entry may be gone. */
void binding_failed(struct binding *b, const struct ha_pending *before, usec_t now);

#endif
