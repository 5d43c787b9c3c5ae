/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `ipsec require': Mobility Headers go to home agents and come from them through the kernel's
 * IPsec only (RFC 3776, RFC 4877; dmip6-ipsec(7)). Owns d->ipsec and its timer; called by io.c
 * and ctl.c.
 *
 *	protect	the IKE daemon is asked for the security associations of addresses at home, while
 *		they can be had: every 2 s until each is there, then every 30 s
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/core/log.h"
#include "common/sys/clock.h"
#include "common/sys/ipsec.h"
#include "mn-agent/mnd.h"

#define ASK_AGAIN	(2 * USEC_S)
#define LOOK_AGAIN	(30 * USEC_S)

static void on_mh(void *ctx, int ifindex, const uint8_t *data, size_t len)
{
	struct mnd *d = ctx;

	(void)ifindex;
	mn_rx_mh_protected(&d->mn, data, len, clock_now());
}

/* An address that is at home, of a router that is a home agent. The first one that can have no
 * security association yet is told of once. */
static void protect_due(void *ctx, usec_t now)
{
	struct mnd *d = ctx;
	unsigned int missing = 0;

	for (const struct anchor *a = d->mn.anchors; a; a = a->next) {
		if (a->state != ANCHOR_ATTACHED || in6_is_any(&a->ha) ||
		    ipsec_ask(d->ipsec, &a->hoa, &a->ha) == 0)
			continue;
		if (missing == 0 && d->unprotected == 0)
			log_info("address %s: the IKE daemon is asked for a security association with "
				 "%s", in6_str(&a->hoa).s, in6_str(&a->ha).s);
		missing++;
	}
	if (missing == 0 && d->unprotected > 0)
		log_info("every address at home has its security association");
	d->unprotected = missing;
	timer_set(loop_timers(d->loop), &d->protect,
		  now + (missing > 0 ? ASK_AGAIN : LOOK_AGAIN));
}

int mnd_protect_open(struct mnd *d, const char **ret_what)
{
	timer_init(&d->protect, "protect", protect_due, d);
	if (!d->settings.mn.anchor.ipsec)
		return 0;
	*ret_what = "ipsec require: a kernel with IPsec (CONFIG_XFRM_USER, "
		    "CONFIG_INET6_ESP) and Mobile IPv6 (CONFIG_IPV6_MIP6)";
	return ipsec_open(d->loop, IPSEC_MN, on_mh, d, &d->ipsec);
}

void mnd_protect_close(struct mnd *d, bool keep)
{
	if (!d->ipsec)
		return;
	timer_stop(loop_timers(d->loop), &d->protect);
	ipsec_close(d->ipsec, keep);
	d->ipsec = NULL;
}

void mnd_protect_look(struct mnd *d)
{
	if (d->ipsec)
		timer_set(loop_timers(d->loop), &d->protect, clock_now());
}

bool mnd_protect_send(struct mnd *d, int ifindex, const void *data, size_t len, int *ret)
{
	if (!d->ipsec || !ipsec_wants(data, len))
		return false;
	*ret = ipsec_send(d->ipsec, ifindex, data, len);
	if (*ret == -EAGAIN && !d->unsent)
		log_warn("a message to a home agent was not sent: there is no IPsec security "
			 "association; the IKE daemon was asked for one");
	d->unsent = *ret == -EAGAIN;
	return true;
}

bool mnd_protect_health(const struct mnd *d, char *text, size_t len)
{
	if (d->unprotected > 0)
		snprintf(text, len, "; %u address%s cannot move yet: no IPsec security association "
			 "with the home agent", d->unprotected, d->unprotected == 1 ? "" : "es");
	return d->unprotected == 0;
}
