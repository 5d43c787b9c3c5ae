/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * May a router claim the hosts that it claims? It is believed at once, for a handover does not
 * wait; afterwards the session database is asked, where each router says what it has given to
 * which host. Pure; called by lma.c.
 */
#ifndef DMIP6_HA_CLAIMS_H
#define DMIP6_HA_CLAIMS_H

#include <sys/queue.h>

#include "common/core/in6.h"
#include "common/core/timer.h"
#include "ha-agent/sdb.h"

struct binding;
struct claim;
struct ha;

#define CLAIMS_MAX	4096		/* that wait at a time; more are not looked at */
#define CLAIMS_FIRST	(3 * USEC_S)	/* a router writes down what it gives at once, */
#define CLAIMS_SECOND	(30 * USEC_S)	/* if the database answers it */
#define CLAIMS_ASKED	8		/* questions under way */

struct claims {
	TAILQ_HEAD(claim_list, claim) first, second;	/* each in the order of their time */
	unsigned int n, n_asked;
	struct timer timer;
};

void claims_init(struct ha *ha);
void claims_free(struct ha *ha);
/* A router has registered the host of that binding, and had not before. */
void claims_note(struct ha *ha, const struct binding *b, usec_t now);
/* What the database says of a host; err as in struct sdb_answer. */
void claims_found(struct ha *ha, const uint8_t mac[6], int err, const struct sdb_record *records,
		  unsigned int n, usec_t now);

#endif
