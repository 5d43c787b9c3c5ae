/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Draining: the home agent is going to stop, and does so without hurting anybody who can
 * go elsewhere in time.
 *
 *	- a host that has no prefix yet gets none; advertisements ask for another router
 *	  (RFC 4191: low preference), deprecate the hosts' prefixes and promise nothing beyond
 *	  the end;
 *	- hosts that have a prefix are served on: a binding may be made, for it is a flow that
 *	  the host takes along when it leaves, refreshed and moved; none is granted beyond the
 *	  end;
 *	- when no binding is left, or the time is over, whatever is left is revoked, and the
 *	  daemon stops.
 */
#ifndef DMIP6_HA_DRAIN_H
#define DMIP6_HA_DRAIN_H

#include <stdbool.h>

#include "common/core/timer.h"

#define HA_DRAIN_LAST	(10 * USEC_S)	/* the longest that the last revocations take */

struct ha;

enum drain_state {
	DRAIN_OFF,
	DRAIN_ON,
	DRAIN_LAST,			/* the last bindings are being revoked */
	DRAIN_OVER,			/* the daemon may stop */
};

struct drain {
	enum drain_state state;
	bool for_good;			/* it cannot be called off */
	usec_t until;			/* of what is promised to anybody */
	usec_t give_up;			/* LAST: nobody is waited for any longer */
	struct timer tick;
};

/* Begins; or, when it is under way, sets another end. for_good stays once it is set.
 * 0, -EALREADY (the last bindings are being revoked), -ENOMEM. */
int ha_drain(struct ha *ha, usec_t time, bool for_good, usec_t now);
/* 0, -ENOENT (it is not draining), -EPERM (for good, or too late). */
int ha_drain_cancel(struct ha *ha, usec_t now);

/* ---- between the files of the home agent ---- */

void drain_init(struct ha *ha);
void drain_free(struct ha *ha);

/* What may be promised to anybody of a time t. */
static inline usec_t drain_limit(const struct drain *d, usec_t t, usec_t now)
{
	usec_t left = d->until > now ? d->until - now : 0;

	return d->state == DRAIN_OFF || t < left ? t : left;
}

#endif
