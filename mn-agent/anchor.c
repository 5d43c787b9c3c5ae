/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state machine of one anchor: what follows from each event. Owns its state, its home
 * address on our device and its linger and expiry timers; mn.c owns the anchors, says what
 * happened and carries out the ops. What goes out is in registration.c, what comes back in
 * reply.c. RFC 6275 11.5.5 (returning home), 11.7.1, 11.8; design 4.2 to 4.5.
 *
 * Timers:
 *   timer   in REGISTERING, REFRESHING, RELEASING, RETURNING, UNREACHABLE: send the BU
 *           again; in BOUND: refresh; in REFUSED: ask once more.
 *   linger  runs while an anchor that is away has no flow; at its end the flows are
 *           counted once more and the anchor is released.
 *   expiry  the home prefix's valid lifetime: nothing can save the address after it.
 */
#include "mn-agent/anchor.h"

#include <stdio.h>
#include <string.h>

#include "common/core/log.h"
#include "common/core/seq.h"
#include "mn-agent/registration.h"

#define TRIES_UNREACHABLE	5	/* unanswered before people are told */
#define TRIES_NO_HOME_AGENT	2	/* the same, if it says that it is none */
#define TRIES_RELEASE		4	/* unanswered: then nothing is kept for it any more */

static const char *const state_names[ANCHOR_STATE_MAX] = {
	[ANCHOR_ATTACHED] = "attached",
	[ANCHOR_DEPARTED] = "departed",
	[ANCHOR_DISCOVERING] = "discovering",
	[ANCHOR_REGISTERING] = "registering",
	[ANCHOR_BOUND] = "bound",
	[ANCHOR_REFRESHING] = "refreshing",
	[ANCHOR_RELEASING] = "releasing",
	[ANCHOR_RETURNING] = "returning",
	[ANCHOR_REFUSED] = "refused",
	[ANCHOR_UNREACHABLE] = "unreachable",
	[ANCHOR_GONE] = "gone",
};

const char *anchor_state_name(enum anchor_state s)
{
	return state_names[s];
}

void anchor_hold(struct anchor *a, bool hold)
{
	if (a->held == hold)
		return;
	a->held = hold;
	a->ops->held(a->ctx, a);
}

void anchor_link_mtu(struct anchor *a, uint16_t mtu, const struct in6_addr *coa)
{
	bool same_way = in6_eq(&a->coa, coa);
	uint16_t was = a->mtu;

	if (!same_way)
		a->path_mtu = 0;	/* it was of another way */
	a->mtu = a->path_mtu != 0 && a->path_mtu < mtu ? a->path_mtu : mtu;
	if (a->mtu != was && same_way && a->tunnelled && !a->tunnel_due)
		(void)reg_tunnel_from(a, &a->via);
}

void anchor_path_mtu(struct anchor *a, uint16_t mtu)
{
	if (mtu >= a->mtu)
		return;
	log_info("anchor %s: the way to its home agent lets packets of %u octets into the "
		 "tunnel, no longer %u", in6_str(&a->hoa).s, mtu, a->mtu);
	a->mtu = a->path_mtu = mtu;
	if (a->tunnelled)
		(void)reg_tunnel_from(a, &a->via);
}

void anchor_stop(struct anchor *a)
{
	timer_stop(a->timers, &a->timer);
	timer_stop(a->timers, &a->linger);
	timer_stop(a->timers, &a->expiry);
	timer_stop(a->timers, &a->solicit);
	timer_stop(a->timers, &a->discovery.timer);
}

void anchor_give_up(struct anchor *a, const char *why, usec_t now)
{
	if (!a->fixed)
		reg_gone(a, why, now);
}

bool anchor_may_register(const struct anchor *a)
{
	return a->key || a->unauthenticated || a->cfg->ipsec;
}

bool anchor_registered(const struct anchor *a, usec_t now)
{
	return anchor_may_register(a) && !in6_is_any(&a->ha) &&
	       (a->bound_until > now || a->state == ANCHOR_REGISTERING ||
		a->state == ANCHOR_RELEASING || a->state == ANCHOR_UNREACHABLE);
}

static void enter_returning(struct anchor *a, usec_t now)
{
	bool tell = anchor_registered(a, now);

	timer_stop(a->timers, &a->timer);
	timer_stop(a->timers, &a->linger);
	a->tunnel_due = false;
	a->coa = a->hoa;
	a->taken_at = 0;	/* its link will tell */
	a->asking = (struct backoff){ 0 };
	a->forsaken = false;
	a->reason[0] = '\0';
	if (!tell) {
		reg_tunnel_down(a);
		reg_state(a, ANCHOR_ATTACHED, "back on its link, never registered", now);
		return;
	}
	/* The binding may live as long as it was granted, or is unknown: bounded below. */
	reg_owe(a, now);
	reg_state(a, ANCHOR_RETURNING, "back on its link", now);
	reg_start(a, now);
	/* RFC 6275 11.5.5: the home address is used on its own link once the BU has left. That
	 * goes to the link itself and enters no tunnel. */
	reg_tunnel_down(a);
}

void anchor_home_agent(struct anchor *a, usec_t now)
{
	switch (a->state) {
	case ANCHOR_DISCOVERING:
	case ANCHOR_REGISTERING:
	case ANCHOR_BOUND:
	case ANCHOR_REFRESHING:
	case ANCHOR_REFUSED:
	case ANCHOR_UNREACHABLE:
		reg_register(a, REG_TUNNEL_AT_ONCE, "another home agent", now);
		break;
	case ANCHOR_ATTACHED:
	case ANCHOR_DEPARTED:
	case ANCHOR_RELEASING:
	case ANCHOR_RETURNING:
	case ANCHOR_GONE:
	case ANCHOR_STATE_MAX:
		break;
	}
}

void anchor_keep_road(struct anchor *a, bool keep)
{
	bool ceased = a->keep_road && !keep;

	a->keep_road = keep;
	if (ceased && a->state == ANCHOR_REFUSED)
		reg_tunnel_down(a);
	else if (ceased && a->tunnel_due && !a->unproven &&
		 anchor_seq_outstanding(a, a->seq))
		reg_tunnel_up(a);		/* a BU has left already */
}

void anchor_coa(struct anchor *a, const struct in6_addr *coa, usec_t now)
{
	bool same = in6_eq(&a->coa, coa);

	switch (a->state) {
	case ANCHOR_DEPARTED:
		a->coa = *coa;
		if (a->flows > 0 || a->fixed)
			reg_register(a, REG_TUNNEL_AT_ONCE, "care-of address", now);
		else if (anchor_registered(a, now))
			reg_release(a, "no flow left", now);
		else
			reg_gone(a, "no flow left", now);
		break;
	case ANCHOR_DISCOVERING:
	case ANCHOR_REGISTERING:
	case ANCHOR_BOUND:
	case ANCHOR_REFRESHING:
	case ANCHOR_UNREACHABLE:
	case ANCHOR_REFUSED:
		if (same)
			break;
		a->coa = *coa;
		reg_register(a, REG_TUNNEL_AT_ONCE, "new care-of address", now);
		break;
	case ANCHOR_RELEASING:
		if (same)
			break;
		a->coa = *coa;
		reg_release(a, "new care-of address", now);
		break;
	case ANCHOR_ATTACHED:
	case ANCHOR_RETURNING:
	case ANCHOR_GONE:
	case ANCHOR_STATE_MAX:
		break;
	}
}

static void on_depart(struct anchor *a, usec_t now)
{
	switch (a->state) {
	case ANCHOR_ATTACHED:
		if (a->flows == 0 && !a->fixed && !a->unsure) {
			reg_gone(a, "left without flows", now);
			break;
		}
		if (!a->unsure)
			anchor_hold(a, true);
		a->coa = in6addr_any;
		a->busy_at = now;
		reg_state(a, ANCHOR_DEPARTED, "link left", now);
		break;
	case ANCHOR_RETURNING:
		anchor_hold(a, true);
		timer_stop(a->timers, &a->timer);
		a->coa = in6addr_any;
		reg_state(a, ANCHOR_DEPARTED, "link left again", now);
		break;
	case ANCHOR_DEPARTED:
	case ANCHOR_DISCOVERING:
	case ANCHOR_REGISTERING:
	case ANCHOR_BOUND:
	case ANCHOR_REFRESHING:
	case ANCHOR_RELEASING:
	case ANCHOR_REFUSED:
	case ANCHOR_UNREACHABLE:
	case ANCHOR_GONE:
	case ANCHOR_STATE_MAX:
		break;
	}
}

static void on_no_coa(struct anchor *a, usec_t now)
{
	switch (a->state) {
	case ANCHOR_REGISTERING:
	case ANCHOR_BOUND:
	case ANCHOR_REFRESHING:
	case ANCHOR_RELEASING:
	case ANCHOR_UNREACHABLE:
		if (a->state != ANCHOR_RELEASING)
			reg_owe(a, now);
		timer_stop(a->timers, &a->timer);
		reg_state(a, ANCHOR_DEPARTED, "care-of address lost", now);
		break;
	case ANCHOR_DISCOVERING:
	case ANCHOR_REFUSED:
		timer_stop(a->timers, &a->timer);
		reg_state(a, ANCHOR_DEPARTED, "care-of address lost", now);
		break;
	case ANCHOR_ATTACHED:
	case ANCHOR_DEPARTED:
	case ANCHOR_RETURNING:
	case ANCHOR_GONE:
	case ANCHOR_STATE_MAX:
		break;
	}
}

static bool is_no_home_agent(const struct anchor *a)
{
	return a->hint[0] != '\0' && a->hinted == ANCHOR_HINT_NO_HOME_AGENT;
}

/* For long, or until the binding ran out: people are told, and it is asked on. */
static void unanswered(struct anchor *a, const char *until, usec_t now)
{
	char guess[64] = "";

	/* A home agent does not answer what is signed with a key that it does not hold. */
	if (a->hint[0] == '\0' && a->key)
		snprintf(guess, sizeof(guess), "perhaps it is down, or has another key %u",
			 a->key->spi);
	reg_reason(a, "no valid answer to %u binding updates%s%s%s%s", a->backoff.tries, until,
		   a->hint[0] || guess[0] ? ": " : "", a->hint, guess);
	/* RFC 6275 11.3.5: such a node is not asked so often. */
	if (is_no_home_agent(a)) {
		reg_owe(a, now);
		reg_refused(a, a->reason, now);
		reg_ask_later(a, BA_DO_ASK_AGAIN, now);
		return;
	}
	reg_state(a, ANCHOR_UNREACHABLE, a->reason, now);
	reg_transmit(a, now);
}

static void on_refresh_due(struct anchor *a, usec_t now)
{
	usec_t latest = a->bound_until - (usec_t)a->lifetime_s * USEC_S / 10;

	/* All that was asked of it since was refused; or this host has slept. */
	if (now >= a->bound_until && a->reason[0] != '\0') {
		reg_tunnel_down(a);
		reg_register(a, REG_TUNNEL_WHEN_BOUND, "it ran out and was not renewed", now);
		return;
	}
	if (now >= a->bound_until) {
		reg_register(a, REG_TUNNEL_AT_ONCE, "it ran out", now);
		return;
	}
	if (in6_eq(&a->tested, &a->coa) && !in6_eq(&a->verified, &a->coa)) {
		reg_state(a, ANCHOR_REFRESHING, "the care-of address is shown to be ours", now);
		reg_start(a, now);
		return;
	}
	/* RFC 6275 11.7.1: after status 1 not before the prefixes are known; but in time. */
	if (a->prefixes_wanted && now < latest) {
		timer_set(a->timers, &a->timer, latest);
		return;
	}
	reg_state(a, ANCHOR_REFRESHING, "lifetime ends soon", now);
	reg_start(a, now);
}

static void on_timeout(struct anchor *a, usec_t now)
{
	a->resyncs = 0;
	switch (a->state) {
	case ANCHOR_REGISTERING:
		if (a->backoff.tries >= (is_no_home_agent(a) ? TRIES_NO_HOME_AGENT
							     : TRIES_UNREACHABLE))
			unanswered(a, "", now);
		else
			reg_transmit(a, now);
		break;
	case ANCHOR_BOUND:
		on_refresh_due(a, now);
		break;
	case ANCHOR_REFRESHING:
		if (now >= a->bound_until)
			unanswered(a, " before the binding ran out", now);
		else
			reg_transmit(a, now);
		break;
	case ANCHOR_UNREACHABLE:
		unanswered(a, "", now);
		break;
	case ANCHOR_RELEASING:
		if (now >= a->bound_until) {
			reg_gone(a, "no answer to the release; the lifetime has ended it", now);
			break;
		}
		/* Nothing is kept for it meanwhile but the wish to tell. */
		if (a->backoff.tries >= TRIES_RELEASE) {
			if (a->reason[0] == '\0')
				reg_reason(a, "no answer to the release");
			reg_tunnel_down(a);
			anchor_hold(a, false);
		}
		reg_transmit(a, now);
		break;
	case ANCHOR_RETURNING:
		if (now < a->bound_until) {
			reg_transmit(a, now);
			break;
		}
		a->bound_until = 0;
		a->accepted = in6addr_any;
		a->reason[0] = '\0';
		reg_state(a, ANCHOR_ATTACHED, "the binding ran out", now);
		break;
	case ANCHOR_REFUSED:
		reg_register(a, REG_TUNNEL_WHEN_BOUND, "asking again", now);
		break;
	case ANCHOR_ATTACHED:
	case ANCHOR_DEPARTED:
	case ANCHOR_DISCOVERING:
	case ANCHOR_GONE:
	case ANCHOR_STATE_MAX:
		break;
	}
}

static void on_idle(struct anchor *a, usec_t now)
{
	switch (a->state) {
	case ANCHOR_REGISTERING:
	case ANCHOR_BOUND:
	case ANCHOR_REFRESHING:
	case ANCHOR_UNREACHABLE:
		reg_release(a, "last flow ended", now);
		break;
	case ANCHOR_DEPARTED:
		/* Without a care-of address nobody can be told; anchor_coa() does it. */
		if (!anchor_registered(a, now))
			reg_gone(a, "last flow ended", now);
		break;
	case ANCHOR_DISCOVERING:
		reg_gone(a, "last flow ended", now);
		break;
	case ANCHOR_REFUSED:
		if (anchor_registered(a, now))
			reg_release(a, "last flow ended", now);
		else
			reg_gone(a, "last flow ended", now);
		break;
	case ANCHOR_ATTACHED:
	case ANCHOR_RELEASING:
	case ANCHOR_RETURNING:
	case ANCHOR_GONE:
	case ANCHOR_STATE_MAX:
		break;
	}
}

static void on_expired(struct anchor *a, usec_t now)
{
	if (!a->fixed) {
		reg_gone(a, "the home prefix's lifetime ran out", now);
		return;
	}
	/* What people have configured ends by their hand; until then the HA decides. */
	a->valid_until = USEC_NEVER;
	on_timeout(a, now);
}

void anchor_event(struct anchor *a, enum anchor_event ev, usec_t now)
{
	switch (ev) {
	case ANCHOR_EV_DEPART:
		on_depart(a, now);
		break;
	case ANCHOR_EV_NO_COA:
		on_no_coa(a, now);
		break;
	case ANCHOR_EV_RETURN:
		if (a->state != ANCHOR_ATTACHED && a->state != ANCHOR_RETURNING &&
		    a->state != ANCHOR_GONE)
			enter_returning(a, now);
		break;
	case ANCHOR_EV_BRR:
		/* RFC 6275 11.7.4: the HA would like the binding refreshed. */
		anchor_confirm(a, "the home agent asks for a refresh", now);
		break;
	case ANCHOR_EV_TIMEOUT:
		on_timeout(a, now);
		break;
	case ANCHOR_EV_IDLE:
		on_idle(a, now);
		break;
	case ANCHOR_EV_BUSY:
		if (a->state == ANCHOR_RELEASING) {
			anchor_hold(a, true);
			reg_register(a, REG_TUNNEL_AT_ONCE, "a flow again", now);
		}
		break;
	case ANCHOR_EV_EXPIRED:
		on_expired(a, now);
		break;
	case ANCHOR_EVENT_MAX:
		break;
	}
}

bool anchor_away(const struct anchor *a)
{
	return a->state != ANCHOR_ATTACHED && a->state != ANCHOR_RETURNING &&
	       a->state != ANCHOR_GONE;
}

bool anchor_asking(const struct anchor *a)
{
	return a->state == ANCHOR_REGISTERING || a->state == ANCHOR_REFRESHING ||
	       a->state == ANCHOR_UNREACHABLE || a->state == ANCHOR_RELEASING ||
	       a->state == ANCHOR_RETURNING;
}

void anchor_sure(struct anchor *a, usec_t now)
{
	a->unsure = false;
	if (a->state != ANCHOR_DEPARTED)
		return;
	if (a->flows > 0 || a->fixed)
		anchor_hold(a, true);
	else
		reg_gone(a, "left without flows", now);
}

void anchor_set_flows(struct anchor *a, unsigned int n, usec_t now)
{
	if (a->forsaken)
		return;
	if (n > a->flows || (n == 0 && a->flows > 0))
		a->busy_at = now;
	a->flows = n;
	if (n > 0) {
		timer_stop(a->timers, &a->linger);
		anchor_event(a, ANCHOR_EV_BUSY, now);
	} else if (!a->fixed && anchor_away(a) && a->state != ANCHOR_RELEASING &&
		   !timer_armed(&a->linger)) {
		timer_set(a->timers, &a->linger, now + a->cfg->linger);
	}
}

void anchor_forsake(struct anchor *a, const char *why, usec_t now)
{
	a->forsaken = true;
	a->flows = 0;
	timer_stop(a->timers, &a->linger);
	reg_tunnel_down(a);
	anchor_hold(a, false);
	reg_reason(a, "%s", why);
	/* Without a care-of address it waits for one: anchor_coa(). */
	if (anchor_registered(a, now))
		anchor_event(a, ANCHOR_EV_IDLE, now);
	else
		reg_gone(a, why, now);
}

/* Without a key nothing can be told to the home agent any more. */
static void key_gone(struct anchor *a, usec_t now)
{
	switch (a->state) {
	case ANCHOR_REGISTERING:
	case ANCHOR_BOUND:
	case ANCHOR_REFRESHING:
	case ANCHOR_UNREACHABLE:
		reg_keyless(a, now);
		break;
	case ANCHOR_RELEASING:
		reg_gone(a, "its key was removed", now);
		break;
	case ANCHOR_RETURNING:
		timer_stop(a->timers, &a->timer);
		reg_state(a, ANCHOR_ATTACHED, "its key was removed", now);
		break;
	case ANCHOR_ATTACHED:
	case ANCHOR_DISCOVERING:
	case ANCHOR_DEPARTED:
	case ANCHOR_REFUSED:
	case ANCHOR_GONE:
	case ANCHOR_STATE_MAX:
		break;
	}
}

void anchor_rekeyed(struct anchor *a, usec_t now)
{
	a->clock_ahead = 0;
	if (!a->key) {
		key_gone(a, now);
		return;
	}
	/* What was wrong was so with the old key, or without one. */
	if (a->state == ANCHOR_REFUSED)
		reg_reason(a, "no answer yet to what is signed with the key as it is now");
	anchor_event(a, ANCHOR_EV_TIMEOUT, now);
}

void anchor_set_valid_until(struct anchor *a, usec_t at)
{
	a->valid_until = at;
	timer_set(a->timers, &a->expiry, at);
}

bool anchor_seq_outstanding(const struct anchor *a, uint16_t seq)
{
	uint16_t sent = (uint16_t)(a->seq - a->seq_first);	/* so many after the first */

	/* None while the first one of this registration is held back. */
	return sent != UINT16_MAX && (uint16_t)(seq - a->seq_first) <= sent;
}

static void timer_due(void *ctx, usec_t now)
{
	anchor_event(ctx, ANCHOR_EV_TIMEOUT, now);
}

static void linger_due(void *ctx, usec_t now)
{
	struct anchor *a = ctx;
	unsigned int n = a->ops->count_flows(a->ctx, a);

	a->flows = n;
	if (n == 0 && !a->fixed)
		anchor_event(a, ANCHOR_EV_IDLE, now);
}

static void expiry_due(void *ctx, usec_t now)
{
	struct anchor *a = ctx;

	reg_count_lost(a);
	anchor_event(a, ANCHOR_EV_EXPIRED, now);
}

void anchor_init(struct anchor *a, const struct anchor_config *cfg, const struct anchor_ops *ops,
		 void *ctx, struct timers *timers, uint16_t seq)
{
	memset(a, 0, sizeof(*a));
	a->state = ANCHOR_ATTACHED;
	a->cfg = cfg;
	a->ops = ops;
	a->ctx = ctx;
	a->timers = timers;
	a->mtu = cfg->mtu;
	a->seq = seq;
	a->seq_first = (uint16_t)(seq + 1);
	timer_init(&a->timer, "registration", timer_due, a);
	timer_init(&a->linger, "linger", linger_due, a);
	timer_init(&a->expiry, "expiry", expiry_due, a);
}
