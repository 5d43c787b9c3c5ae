/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binding revocation (RFC 5846 sections 6 to 8): the mobile node, or the router that has
 * registered a prefix of it, is told that the binding ends, and has 3 s to say that it heard.
 *
 * The binding stays in the data path until the acknowledgement comes or the tries are used
 * up: the mobile node hears first, and only then do packets cease. Nothing else is left to
 * it: the database has forgotten it from the start, so that a daemon that is killed meanwhile
 * does not bring it back, and a Binding Update that would refresh or move it is refused. What
 * the acknowledgement says changes nothing about the end.
 *
 * Numbers tell the revocations under way apart (5.1), so there are at most REVOKE_MAX at a
 * time; more of them wait for their turn.
 */
#ifndef DMIP6_HA_REVOKE_H
#define DMIP6_HA_REVOKE_H

#include <stdbool.h>
#include <sys/queue.h>

#include "common/core/in6.h"
#include "common/core/timer.h"
#include "common/wire/ext.h"
#include "common/wire/mh.h"

#define REVOKE_MAX	4096

struct binding;
struct ha;
struct ha_home;
struct revocation;

TAILQ_HEAD(revocation_list, revocation);

struct revocations {
	struct revocation_list waiting;		/* their mobile nodes do not know yet */
	struct revocation_list outstanding;	/* told, by number from `next` on backwards */
	unsigned int n, n_outstanding;		/* both lists; the second */
	uint16_t next;				/* number of the next one */
};

/* Which bindings: all of them by default. */
struct revoke_selection {
	struct in6_prefix within;	/* home addresses; ::/0: all */
	const struct ha_home *home;	/* theirs; NULL: any */
	bool has_mn;
	uint8_t mn[6];			/* whose lease holds the home address */
};

/* Begins. Returns how many of these are being revoked now, those included that were
 * before. */
unsigned int ha_revoke(struct ha *ha, const struct revoke_selection *which,
		       enum mh_br_trigger trigger, usec_t now);

/* ---- between the files of the home agent ---- */

void revoke_init(struct ha *ha);
void revoke_free(struct ha *ha);
/* The binding has ended, whatever by. Harmless if it was not being revoked. */
void revoke_drop(struct binding *b, usec_t now);
/* A Binding Revocation Acknowledgement. */
void revoke_rx(struct ha *ha, const struct ip6_packet *ip, const struct mh_msg *msg,
	       const uint8_t *mh, usec_t now);

#endif
