/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When to put back what somebody else deletes: not before he can have finished, not often,
 * and less and less often if he goes on. Two programs that undo each other's work without
 * end help nobody. Pure.
 */
#ifndef DMIP6_CORE_MEND_H
#define DMIP6_CORE_MEND_H

#include <stdbool.h>

#include "common/core/timer.h"

#define MEND_DELAY	(250 * USEC_MS)	/* let whoever deletes finish */
#define MEND_PAUSE	(1 * USEC_S)	/* between two repairs */
#define MEND_PAUSE_MAX	(64 * USEC_S)
#define MEND_PATIENCE	5		/* so many repairs in a row at that pace */
#define MEND_CALM	(60 * USEC_S)	/* nothing deleted for so long: it is over */

struct mend {			/* all zero: nothing was ever deleted */
	usec_t last;		/* repair; 0: none */
	usec_t pause;
	unsigned int row;	/* repairs, each soon after the one before */
	uint64_t repairs;
};

/* Something was deleted now: the time to put it back. */
usec_t mend_when(const struct mend *m, usec_t now);
/* It was put back now. by_others: it was no consequence of what happened to a link. */
void mend_done(struct mend *m, bool by_others, usec_t now);
/* Was something put back so lately that people should hear of it? */
bool mend_recent(const struct mend *m, usec_t now);
/* Does somebody delete it again and again? */
bool mend_contested(const struct mend *m, usec_t now);

#endif
