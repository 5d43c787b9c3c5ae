/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Puts back what others delete of ours: rules, routes, addresses, our device, the filter
 * table. Some time after the deletion, not often, less and less often against somebody who
 * goes on (core/mend.h); and tells who it was, as far as the kernel says. What goes with a
 * link that goes is nobody's doing: it is put back likewise, but not spoken of. Called by
 * io.c. Design 4.3.
 */
#include <stdio.h>
#include <string.h>

#include "common/core/log.h"
#include "common/sys/clock.h"
#include "mn-agent/mnd.h"

void mnd_repair_soon(struct mnd *d)
{
	if (d->running && !timer_armed(&d->repair))
		timer_set(loop_timers(d->loop), &d->repair, mend_when(&d->mend, clock_now()));
}

void mnd_repair_lost(struct mnd *d, enum loss_kind kind)
{
	if (!d->running)
		return;
	loss_note(&d->loss, kind, kind == LOSS_TABLE ? 0 : mon_by(d->mon));
	mnd_repair_soon(d);
}

static void tell(struct mnd *d, usec_t now)
{
	char what[LOSS_STR_MAX], text[LOSS_STR_MAX + 64];

	loss_str(&d->last_loss, what);
	if (mend_contested(&d->mend, now))
		(void)snprintf(text, sizeof(text), "%s again: put back, next time not before %lld s",
			       what, (long long)(d->mend.pause / USEC_S));
	else
		(void)snprintf(text, sizeof(text), "%s: put back", what);
	log_warn("%s", text);
	mnd_event(d, "repaired", text, now);
}

static void repair_due(void *ctx, usec_t now)
{
	struct mnd *d = ctx;
	struct loss lost = d->loss;
	int n;

	/* First what the rest stands on. */
	if (rt_device_make(d->nl, MND_DEVICE, &d->device) < 0)
		log_warn("device " MND_DEVICE ": %s", nl_error(d->nl));
	n = d->dp->ops->repair(d->dp);
	if (n < 0)
		log_warn("the data path could not be put right: %s", strerror(-n));
	mn_reassert(&d->mn);
	mnd_standin_look(d);
	/* That the filter table goes is also told when we ourselves make it anew. */
	if (n <= 0)
		lost.n[LOSS_TABLE] = 0;
	memset(&d->loss, 0, sizeof(d->loss));
	mend_done(&d->mend, loss_count(&lost) > 0, now);
	if (loss_count(&lost) == 0)
		return;
	d->deleted += loss_count(&lost);
	d->last_loss = lost;
	tell(d, now);
}

void mnd_repair_init(struct mnd *d)
{
	timer_init(&d->repair, "repair", repair_due, d);
}

bool mnd_repair_health(const struct mnd *d, usec_t now, char *text, size_t len)
{
	char what[LOSS_STR_MAX];

	if (!mend_recent(&d->mend, now))
		return true;
	loss_str(&d->last_loss, what);
	if (mend_contested(&d->mend, now)) {
		(void)snprintf(text, len, "; %s, again and again: it is put back every %lld s only",
			       what, (long long)(d->mend.pause / USEC_S));
		return false;
	}
	(void)snprintf(text, len, "; %s %lld s ago: put back", what,
		       (long long)((now - d->mend.last) / USEC_S));
	return true;
}
