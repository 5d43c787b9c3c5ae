/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Draining before a stop. Owns struct drain; called by main.c (a signal), ctl.c (an order)
 * and its timer; nd.c, ra.c and update.c ask it what may be promised.
 *
 *	tick	each second: is any binding left, is the time over? While the last ones are
 *		revoked each 100 ms, 10 s at most
 */
#include "ha-agent/drain.h"

#include <errno.h>

#include "common/core/log.h"
#include "ha-agent/ha.h"

#define TICK		(1 * USEC_S)
#define TICK_LAST	(100 * USEC_MS)

static void over(struct ha *ha)
{
	ha->drain.state = DRAIN_OVER;
	log_info("drained: no binding is left");
	ha->ops->drained(ha->ctx);
}

/* RFC 4861 6.2.5: hosts on the links are told that this is no router any more. */
static void begin_last(struct ha *ha, usec_t now)
{
	ha->drain.state = DRAIN_LAST;
	ha->drain.until = now;
	ha->drain.give_up = now + HA_DRAIN_LAST;
	if (ha_bound_count(ha) > 0)
		log_info("draining: the time is over, %u bindings are revoked",
			 ha_bound_count(ha));
	nd_advertise_all(ha, now);
}

static void on_tick(void *ctx, usec_t now)
{
	static const struct revoke_selection all;
	struct ha *ha = ctx;
	struct drain *d = &ha->drain;

	if (d->state == DRAIN_ON && (now >= d->until || ha_bound_count(ha) == 0))
		begin_last(ha, now);
	/* Each time anew: one that was only being tested may have become a binding. */
	if (d->state == DRAIN_LAST &&
	    (ha_revoke(ha, &all, BR_ADMINISTRATIVE, now) == 0 || now >= d->give_up)) {
		over(ha);
		return;
	}
	/* It was armed before: there is room for it. */
	(void)timer_set(ha->timers, &d->tick, now + (d->state == DRAIN_LAST ? TICK_LAST : TICK));
}

void drain_init(struct ha *ha)
{
	timer_init(&ha->drain.tick, "drain", on_tick, ha);
}

void drain_free(struct ha *ha)
{
	timer_stop(ha->timers, &ha->drain.tick);
}

int ha_drain(struct ha *ha, usec_t time, bool for_good, usec_t now)
{
	struct drain *d = &ha->drain;

	if (d->state == DRAIN_LAST || d->state == DRAIN_OVER)
		return -EALREADY;
	if (timer_set(ha->timers, &d->tick, now) < 0)
		return -ENOMEM;
	d->state = DRAIN_ON;
	d->for_good = d->for_good || for_good;
	d->until = now + time;
	log_info("draining for %lld s: no new hosts, %u bindings are left",
		 (long long)(time / USEC_S), ha_bound_count(ha));
	nd_advertise_all(ha, now);
	return 0;
}

int ha_drain_cancel(struct ha *ha, usec_t now)
{
	struct drain *d = &ha->drain;

	if (d->state == DRAIN_OFF)
		return -ENOENT;
	if (d->state != DRAIN_ON || d->for_good)
		return -EPERM;
	timer_stop(ha->timers, &d->tick);
	d->state = DRAIN_OFF;
	log_info("no longer draining");
	nd_advertise_all(ha, now);
	return 0;
}
