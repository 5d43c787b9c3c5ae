/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * This router's part of the session database (sdb.h): which of its prefixes has which host, kept up
 * to date there, and what others say of a host that has come. It is a hint for those: nothing here
 * waits for it, and what could not be written is written again.
 */
#ifndef DMIP6_HA_SESSIONS_H
#define DMIP6_HA_SESSIONS_H

#include "common/core/in6.h"
#include "common/sys/loop.h"
#include "ha-agent/ha.h"
#include "ha-agent/sdb.h"

#define SESSIONS_FIND_TIME	USEC_S		/* for an answer, then it is asked again */
#define SESSIONS_WATCH_TIME	(60 * USEC_S)	/* of one question for what has changed */
#define SESSIONS_PUT_TIME	(3 * USEC_S)
#define SESSIONS_PUTS_MAX	32		/* writings at a time: the rest is for questions */
#define SESSIONS_RETRY_MIN	USEC_S
#define SESSIONS_RETRY_MAX	(60 * USEC_S)

struct sessions;

/* 0, or negative errno with a sentence. ha: must outlive it. */
int sessions_open(struct loop *loop, struct ha *ha, const struct ha_sessions_config *cfg,
		  const struct in6_addr *self, char *why, size_t len, struct sessions **ret);
void sessions_close(struct sessions *s);	/* NULL is harmless */
/* mag_found() is called with the answer. 0, -EBUSY or another negative errno. */
int sessions_find(struct sessions *s, const uint8_t mac[6]);
/* The same for claims_found(). */
int sessions_check(struct sessions *s, const uint8_t mac[6]);
/* The lease is as it is now; what is there already costs nothing. */
void sessions_put(struct sessions *s, const struct lease *l);
/* Nobody is to look for the prefix any more. */
void sessions_del(struct sessions *s, const struct in6_prefix *prefix);
/* behind: what is not written yet. name: of the backend. */
struct sessions_state {
	const char *name;
	struct sdb_health health;
	unsigned int records, behind;
	uint64_t conflicts;		/* a prefix of ours that another router says is its own */
};
void sessions_state(const struct sessions *s, struct sessions_state *ret);

#endif
