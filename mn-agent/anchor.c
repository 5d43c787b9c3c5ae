/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registration state machine of one anchor. Owns the anchor's state, sequence
 * numbers and timers; mn.c owns the anchors, says what happened and carries out the ops.
 * RFC 6275 11.5.5 (returning home), 11.7.1 to 11.7.3, 11.8; design 4.2 to 4.5.
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
#include "common/core/ntp.h"
#include "common/core/seq.h"
#include "mn-agent/bu.h"

#define TRIES_UNREACHABLE	5	/* unanswered before people are told */
#define TRIES_RELEASE		4	/* unanswered: then nothing is kept for it any more */
#define RESYNC_MAX		3	/* answers 135 and 144 in a row that are followed */
#define RATE_WINDOW		USEC_S	/* of MIP6_MAX_UPDATE_RATE */

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

/* Sets first, tells after: whoever is told sees the new state. */
static void change_state(struct anchor *a, enum anchor_state to, const char *why, usec_t now)
{
	enum anchor_state from = a->state;

	if (from == to)
		return;
	a->state = to;
	log_info("anchor %s: %s -> %s, %s", in6_str(&a->hoa).s, state_names[from],
		 state_names[to], why);
	a->ops->notify(a->ctx, a, "state", why, now);
}

void anchor_hold(struct anchor *a, bool hold)
{
	if (a->held == hold)
		return;
	a->held = hold;
	a->ops->held(a->ctx, a);
}

static void tunnel_down(struct anchor *a)
{
	a->tunnel_due = false;
	if (!a->tunnelled)
		return;
	a->tunnelled = false;
	a->ops->tunnel_del(a->ctx, &a->hoa);
}

static bool tunnel_from(struct anchor *a, const struct in6_addr *from)
{
	struct dp_binding b = {
		.inner = { .addr = a->hoa, .len = 128 }, .local = *from, .remote = a->ha,
		.mtu = a->mtu,
	};

	if (a->ops->tunnel_set(a->ctx, &b)) {
		snprintf(a->reason, sizeof(a->reason), "the data path did not take the tunnel");
		return false;
	}
	a->tunnelled = true;
	a->via = *from;
	return true;
}

static void tunnel_up(struct anchor *a)
{
	if (tunnel_from(a, &a->coa))
		a->tunnel_due = false;
}

void anchor_link_mtu(struct anchor *a, uint16_t mtu, const struct in6_addr *coa)
{
	bool same_way = in6_eq(&a->coa, coa);
	uint16_t was = a->mtu;

	if (!same_way)
		a->path_mtu = 0;	/* it was of another way */
	a->mtu = a->path_mtu != 0 && a->path_mtu < mtu ? a->path_mtu : mtu;
	if (a->mtu != was && same_way && a->tunnelled && !a->tunnel_due)
		tunnel_up(a);
}

void anchor_path_mtu(struct anchor *a, uint16_t mtu)
{
	if (mtu >= a->mtu)
		return;
	log_info("anchor %s: the way to its home agent lets packets of %u octets into the "
		 "tunnel, no longer %u", in6_str(&a->hoa).s, mtu, a->mtu);
	a->mtu = a->path_mtu = mtu;
	if (a->tunnelled)
		(void)tunnel_from(a, &a->via);
}

void anchor_stop(struct anchor *a)
{
	timer_stop(a->timers, &a->timer);
	timer_stop(a->timers, &a->linger);
	timer_stop(a->timers, &a->expiry);
	timer_stop(a->timers, &a->solicit);
	timer_stop(a->timers, &a->discovery.timer);
}

static void gone(struct anchor *a, const char *why, usec_t now)
{
	anchor_stop(a);
	tunnel_down(a);
	anchor_hold(a, false);
	change_state(a, ANCHOR_GONE, why, now);
}

void anchor_give_up(struct anchor *a, const char *why, usec_t now)
{
	if (!a->fixed)
		gone(a, why, now);
}

/* What is asked for in this state; RFC 6275 11.7.1: no longer than the home prefix lives. */
static uint32_t lifetime_wanted(const struct anchor *a, usec_t now)
{
	usec_t left = a->valid_until - now;
	uint32_t want = a->cfg->lifetime_s;

	if (a->state == ANCHOR_RELEASING || a->state == ANCHOR_RETURNING)
		return 0;
	if (left < (usec_t)want * USEC_S)
		want = left > 0 ? (uint32_t)(left / USEC_S) : 0;
	return want < MIP6_LIFETIME_UNIT_S ? MIP6_LIFETIME_UNIT_S : want;
}

/* RFC 6275 11.8: no more than MAX_UPDATE_RATE a second. Returns when the next may go. */
static usec_t rate_limit(struct anchor *a, usec_t now)
{
	usec_t oldest = a->recent[0];

	if (oldest != 0 && now < oldest + RATE_WINDOW)
		return oldest + RATE_WINDOW;
	memmove(&a->recent[0], &a->recent[1], sizeof(a->recent) - sizeof(a->recent[0]));
	a->recent[MIP6_MAX_UPDATE_RATE - 1] = now;
	return 0;
}

/* RFC 4285 6: the time of day as the HA has it, and greater than any before. */
static uint64_t next_timestamp(struct anchor *a)
{
	uint64_t t = ntp_time(a->ops->wall_us(a->ctx)) + a->clock_ahead;

	if (a->timestamp != 0 && (int64_t)(t - a->timestamp) <= 0)
		t = a->timestamp + 1;
	a->timestamp = t;
	return t;
}

static void transmit(struct anchor *a, usec_t now)
{
	uint8_t room[BU_PACKET_MAX];
	struct bu_params p = {
		.hoa = a->hoa, .coa = a->coa, .ha = a->ha, .link_local = a->link_local,
		.lifetime_s = lifetime_wanted(a, now),
	};
	struct wbuf w;
	usec_t later = rate_limit(a, now);
	char detail[64];
	int r;

	if (later) {
		timer_set(a->timers, &a->timer, later);
		return;
	}
	/* RFC 6275 11.8: a retransmission carries a greater sequence number too. */
	p.seq = ++a->seq;
	p.has_timestamp = a->timestamps;
	if (a->timestamps)
		p.timestamp = next_timestamp(a);
	wb_init(&w, room, sizeof(room));
	r = bu_build(&w, &p, a->key);
	if (r == 0)
		r = a->ops->send(a->ctx, w.base, w.len);
	if (a->seq == a->seq_first)
		a->sent_at = now;
	snprintf(detail, sizeof(detail), "seq %u lifetime %u%s", p.seq, p.lifetime_s,
		 r ? " not sent" : "");
	timer_set(a->timers, &a->timer, now + backoff_next(&a->backoff));
	/* Design 4.2: the BU precedes the traffic on the wire; the answer is awaited only while
	 * another road works. */
	if (r == 0 && a->tunnel_due && !a->keep_road && !a->unproven)
		tunnel_up(a);
	a->ops->notify(a->ctx, a, "bu.sent", detail, now);
}

/* A new registration (or de-registration) in the state that was just entered. */
static void start(struct anchor *a, usec_t now)
{
	backoff_start(&a->backoff, MIP6_INITIAL_BINDACK_TIMEOUT_MS * USEC_MS,
		      MIP6_MAX_BINDACK_TIMEOUT_MS * USEC_MS, a->rtt ? a->rtt : a->rtt_guess);
	a->seq_first = (uint16_t)(a->seq + 1);
	transmit(a, now);
}

/* An older binding that the HA may still hold is not forgotten: bound_until stays. */
static void refused(struct anchor *a, const char *why, usec_t now)
{
	timer_stop(a->timers, &a->timer);
	a->tunnel_due = false;
	/* What it had accepted before stands, and so does the road to it. */
	if (!a->keep_road)
		tunnel_down(a);
	snprintf(a->reason, sizeof(a->reason), "%s", why);
	change_state(a, ANCHOR_REFUSED, why, now);
}

bool anchor_may_register(const struct anchor *a)
{
	return a->key || a->unauthenticated;
}

static void enter_registering(struct anchor *a, const char *why, usec_t now)
{
	/* RFC 6275 11.4.1: the home agent's address may have to be asked for. */
	if (in6_is_any(&a->ha)) {
		change_state(a, ANCHOR_DISCOVERING, why, now);
		a->ops->discover(a->ctx, a, now);
		return;
	}
	if (!anchor_may_register(a)) {
		refused(a, "no key configured for this home agent", now);
		return;
	}
	a->resyncs = 0;
	a->reason[0] = '\0';
	change_state(a, ANCHOR_REGISTERING, why, now);
	a->tunnel_due = true;
	start(a, now);
}

bool anchor_registered(const struct anchor *a, usec_t now)
{
	return anchor_may_register(a) && !in6_is_any(&a->ha) &&
	       (a->bound_until > now || a->state == ANCHOR_REGISTERING ||
		a->state == ANCHOR_RELEASING || a->state == ANCHOR_UNREACHABLE);
}

/* Until the HA has answered, or its binding must have run out: a return home before that
 * has to end the binding, or the HA would go on tunnelling. */
static void enter_releasing(struct anchor *a, const char *why, usec_t now)
{
	timer_stop(a->timers, &a->linger);
	if (a->bound_until <= now)
		a->bound_until = now + (usec_t)a->cfg->lifetime_s * USEC_S;
	a->resyncs = 0;
	change_state(a, ANCHOR_RELEASING, why, now);
	start(a, now);
}

static void enter_returning(struct anchor *a, usec_t now)
{
	bool tell = anchor_registered(a, now);

	timer_stop(a->timers, &a->timer);
	timer_stop(a->timers, &a->linger);
	/* RFC 6275 11.5.5: from here on the home address is used on its own link. The rule
	 * into the tunnel goes first, or the BU itself would enter it. */
	tunnel_down(a);
	a->coa = a->hoa;
	a->resyncs = 0;
	a->reason[0] = '\0';
	if (!tell) {
		change_state(a, ANCHOR_ATTACHED, "back on its link, never registered", now);
		return;
	}
	/* The binding may live as long as it was granted, or is unknown: bounded below. */
	if (a->bound_until <= now)
		a->bound_until = now + (usec_t)a->cfg->lifetime_s * USEC_S;
	change_state(a, ANCHOR_RETURNING, "back on its link", now);
	start(a, now);
}

/* The answer has the number of the BU that it answers, one of the last. Each move is to
 * another place: the last round trip tells more than a mean of those before. */
static void measure_round_trip(struct anchor *a, uint16_t seq, usec_t now)
{
	unsigned int ago = (uint16_t)(a->seq - seq);

	if (ago < MIP6_MAX_UPDATE_RATE)
		a->rtt = now - a->recent[MIP6_MAX_UPDATE_RATE - 1 - ago];
}

static void bound(struct anchor *a, const struct mh_msg *ba, usec_t now)
{
	uint32_t asked = lifetime_wanted(a, now);
	uint32_t granted = (uint32_t)ba->u.ba.lifetime * MIP6_LIFETIME_UNIT_S;
	uint32_t refresh;

	measure_round_trip(a, ba->u.ba.seq, now);
	if (granted == 0) {
		a->bound_until = 0;
		refused(a, "accepted with a lifetime of zero", now);
		return;
	}
	if (granted > asked)
		granted = asked;
	a->lifetime_s = granted;
	a->bound_until = now + (usec_t)granted * USEC_S;
	a->accepted = a->coa;
	a->keep_road = false;
	/* RFC 6275 11.7.3: the HA may advise an earlier refresh. */
	refresh = granted * 4 / 5;
	if (ba->opts.has_refresh_advice) {
		uint32_t advice = (uint32_t)ba->opts.refresh_advice * MIP6_LIFETIME_UNIT_S;

		if (advice > 0 && advice < refresh)
			refresh = advice;
	}
	timer_set(a->timers, &a->timer, now + (usec_t)refresh * USEC_S);
	a->reason[0] = '\0';
	a->unproven = false;
	if (a->tunnel_due)
		tunnel_up(a);
	change_state(a, ANCHOR_BOUND, "accepted", now);
}

/* RFC 6275 11.7.3: 135 tells the last number the HA accepted; ours starts behind it. */
static void resynchronise(struct anchor *a, uint16_t ha_seq, usec_t now)
{
	/* One that is behind ours answers a BU that another overtook: it is late, not right. */
	if (seq_newer(a->seq, ha_seq))
		return;
	if (++a->resyncs > RESYNC_MAX)
		return;		/* the retransmission timer goes on, slower */
	a->seq = ha_seq;
	a->seq_first = (uint16_t)(a->seq + 1);
	transmit(a, now);
}

/* RFC 4285 6: 144 brings the seconds of the HA's clock with the fraction that we sent. */
static void set_clock(struct anchor *a, const struct mh_msg *ba, usec_t now)
{
	const struct mh_opts *o = &ba->opts;

	if (!o->has_mesg_id || (uint32_t)o->mesg_id != (uint32_t)a->timestamp)
		return;		/* late: it answers another BU than the last */
	if (++a->resyncs > RESYNC_MAX)
		return;
	a->clock_ahead += o->mesg_id - a->timestamp;
	a->timestamp = 0;
	a->seq_first = (uint16_t)(a->seq + 1);
	transmit(a, now);
}

/* Is it about sequence number or clock? Then these are put right, and the BU goes again. */
static bool out_of_step(struct anchor *a, const struct mh_msg *ba, usec_t now)
{
	if (ba->u.ba.status == BA_SEQ_OUT_OF_WINDOW)
		resynchronise(a, ba->u.ba.seq, now);
	else if (ba->u.ba.status == BA_ID_MISMATCH && a->timestamps)
		set_clock(a, ba, now);
	else
		return false;
	return true;
}

void anchor_ba(struct anchor *a, const struct mh_msg *ba, usec_t now)
{
	const struct mh_ba *m = &ba->u.ba;
	char detail[96];

	a->status = m->status;
	snprintf(detail, sizeof(detail), "seq %u status %u: %s", m->seq, m->status,
		 mh_ba_status_text(m->status));
	a->ops->notify(a->ctx, a, "ba.received", detail, now);

	/* RFC 6275 11.7.3: what was asked for decides; a granted lifetime ends no binding. */
	if ((a->state == ANCHOR_RELEASING || a->state == ANCHOR_RETURNING) &&
	    m->status < BA_UNSPECIFIED && m->lifetime > 0)
		return;
	switch (a->state) {
	case ANCHOR_REGISTERING:
	case ANCHOR_REFRESHING:
	case ANCHOR_UNREACHABLE:
		if (out_of_step(a, ba, now))
			break;
		if (m->status < BA_UNSPECIFIED) {
			bound(a, ba, now);
		} else {
			refused(a, mh_ba_status_text(m->status), now);
			/* What cannot change is not asked again: there is no binding either. */
			if (m->status == BA_NOT_HOME_SUBNET || m->status == BA_NOT_HOME_AGENT)
				a->bound_until = 0;
			else
				timer_set(a->timers, &a->timer,
					  now + MIP6_MAX_BINDACK_TIMEOUT_MS * USEC_MS);
		}
		break;
	case ANCHOR_RELEASING:
		if (!out_of_step(a, ba, now))
			gone(a, "released", now);
		break;
	case ANCHOR_RETURNING:
		if (out_of_step(a, ba, now))
			break;
		timer_stop(a->timers, &a->timer);
		a->bound_until = 0;
		a->accepted = in6addr_any;
		change_state(a, ANCHOR_ATTACHED, "home registration ended", now);
		if (a->ops->returned && m->status < BA_UNSPECIFIED)
			a->ops->returned(a->ctx, a);
		break;
	case ANCHOR_ATTACHED:
	case ANCHOR_DEPARTED:
	case ANCHOR_DISCOVERING:
	case ANCHOR_BOUND:
	case ANCHOR_REFUSED:
	case ANCHOR_GONE:
	case ANCHOR_STATE_MAX:
		break;
	}
}

/* RFC 5846 10: what could be done to be registered again is for people to do, so nothing is
 * asked for anew. */
void anchor_revoked(struct anchor *a, usec_t now)
{
	a->bound_until = 0;
	if (a->fixed) {
		refused(a, "revoked by the home agent", now);
		return;
	}
	a->flows = a->ops->count_flows(a->ctx, a);	/* to tell what is lost */
	gone(a, "revoked by the home agent", now);
}

void anchor_home_agent(struct anchor *a, usec_t now)
{
	switch (a->state) {
	case ANCHOR_DISCOVERING:
	case ANCHOR_REGISTERING:
	case ANCHOR_REFUSED:
	case ANCHOR_UNREACHABLE:
		enter_registering(a, "home agent found", now);
		break;
	case ANCHOR_ATTACHED:
	case ANCHOR_DEPARTED:
	case ANCHOR_BOUND:
	case ANCHOR_REFRESHING:
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
		tunnel_down(a);
	else if (ceased && a->tunnel_due && !a->unproven &&
		 anchor_seq_outstanding(a, a->seq))
		tunnel_up(a);		/* a BU has left already */
}

void anchor_coa(struct anchor *a, const struct in6_addr *coa, usec_t now)
{
	bool same = in6_eq(&a->coa, coa);

	switch (a->state) {
	case ANCHOR_DEPARTED:
		a->coa = *coa;
		if (a->flows > 0 || a->fixed)
			enter_registering(a, "care-of address", now);
		else if (anchor_registered(a, now))
			enter_releasing(a, "no flow left", now);
		else
			gone(a, "no flow left", now);
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
		enter_registering(a, "new care-of address", now);
		break;
	case ANCHOR_RELEASING:
		if (same)
			break;
		a->coa = *coa;
		enter_releasing(a, "new care-of address", now);
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
		if (a->flows == 0 && !a->fixed) {
			gone(a, "left without flows", now);
			break;
		}
		anchor_hold(a, true);
		a->coa = in6addr_any;
		change_state(a, ANCHOR_DEPARTED, "link left", now);
		break;
	case ANCHOR_RETURNING:
		anchor_hold(a, true);
		timer_stop(a->timers, &a->timer);
		a->coa = in6addr_any;
		change_state(a, ANCHOR_DEPARTED, "link left again", now);
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
		/* A BU may have arrived: until it would have run out, a release is owed. */
		if (a->bound_until <= now && a->state != ANCHOR_RELEASING)
			a->bound_until = now + (usec_t)a->cfg->lifetime_s * USEC_S;
		timer_stop(a->timers, &a->timer);
		change_state(a, ANCHOR_DEPARTED, "care-of address lost", now);
		break;
	case ANCHOR_DISCOVERING:
	case ANCHOR_REFUSED:
		timer_stop(a->timers, &a->timer);
		change_state(a, ANCHOR_DEPARTED, "care-of address lost", now);
		break;
	case ANCHOR_ATTACHED:
	case ANCHOR_DEPARTED:
	case ANCHOR_RETURNING:
	case ANCHOR_GONE:
	case ANCHOR_STATE_MAX:
		break;
	}
}

static void on_timeout(struct anchor *a, usec_t now)
{
	switch (a->state) {
	case ANCHOR_REGISTERING:
		if (a->backoff.tries >= TRIES_UNREACHABLE) {
			snprintf(a->reason, sizeof(a->reason), "no answer to %u binding updates",
				 a->backoff.tries);
			change_state(a, ANCHOR_UNREACHABLE, a->reason, now);
		}
		transmit(a, now);
		break;
	case ANCHOR_BOUND:
		a->resyncs = 0;
		change_state(a, ANCHOR_REFRESHING, "lifetime ends soon", now);
		start(a, now);
		break;
	case ANCHOR_REFRESHING:
		if (now >= a->bound_until) {
			snprintf(a->reason, sizeof(a->reason),
				 "no answer before the binding ran out");
			change_state(a, ANCHOR_UNREACHABLE, a->reason, now);
		}
		transmit(a, now);
		break;
	case ANCHOR_UNREACHABLE:
		transmit(a, now);
		break;
	case ANCHOR_RELEASING:
		if (now >= a->bound_until) {
			gone(a, "no answer to the release; the lifetime has ended it", now);
			break;
		}
		/* Nothing is kept for it meanwhile but the wish to tell. */
		if (a->backoff.tries >= TRIES_RELEASE) {
			snprintf(a->reason, sizeof(a->reason), "no answer to the release");
			tunnel_down(a);
			anchor_hold(a, false);
		}
		transmit(a, now);
		break;
	case ANCHOR_RETURNING:
		if (now < a->bound_until) {
			transmit(a, now);
			break;
		}
		a->bound_until = 0;
		a->accepted = in6addr_any;
		change_state(a, ANCHOR_ATTACHED, "the binding ran out", now);
		break;
	case ANCHOR_REFUSED:
		enter_registering(a, "asking again", now);
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
		enter_releasing(a, "last flow ended", now);
		break;
	case ANCHOR_DEPARTED:
		/* Without a care-of address nobody can be told; anchor_coa() does it. */
		if (!anchor_registered(a, now))
			gone(a, "last flow ended", now);
		break;
	case ANCHOR_DISCOVERING:
		gone(a, "last flow ended", now);
		break;
	case ANCHOR_REFUSED:
		if (anchor_registered(a, now))
			enter_releasing(a, "last flow ended", now);
		else
			gone(a, "last flow ended", now);
		break;
	case ANCHOR_ATTACHED:
	case ANCHOR_RELEASING:
	case ANCHOR_RETURNING:
	case ANCHOR_GONE:
	case ANCHOR_STATE_MAX:
		break;
	}
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
		if (a->state == ANCHOR_BOUND)
			on_timeout(a, now);
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
			enter_registering(a, "a flow again", now);
		}
		break;
	case ANCHOR_EV_EXPIRED:
		gone(a, "the home prefix's lifetime ran out", now);
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

void anchor_set_flows(struct anchor *a, unsigned int n, usec_t now)
{
	a->flows = n;
	if (n > 0) {
		timer_stop(a->timers, &a->linger);
		anchor_event(a, ANCHOR_EV_BUSY, now);
	} else if (!a->fixed && anchor_away(a) && a->state != ANCHOR_RELEASING &&
		   !timer_armed(&a->linger)) {
		timer_set(a->timers, &a->linger, now + a->cfg->linger);
	}
}

/* Without a key nothing can be told to the home agent any more. */
static void key_gone(struct anchor *a, usec_t now)
{
	switch (a->state) {
	case ANCHOR_REGISTERING:
	case ANCHOR_BOUND:
	case ANCHOR_REFRESHING:
	case ANCHOR_UNREACHABLE:
		refused(a, "no key configured for this home agent", now);
		break;
	case ANCHOR_RELEASING:
		gone(a, "its key was removed", now);
		break;
	case ANCHOR_RETURNING:
		timer_stop(a->timers, &a->timer);
		change_state(a, ANCHOR_ATTACHED, "its key was removed", now);
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
	if (a->key)
		anchor_event(a, ANCHOR_EV_TIMEOUT, now);
	else
		key_gone(a, now);
}

void anchor_set_valid_until(struct anchor *a, usec_t at)
{
	a->valid_until = at;
	timer_set(a->timers, &a->expiry, at);
}

bool anchor_seq_outstanding(const struct anchor *a, uint16_t seq)
{
	/* None while the first one of this registration is held back. */
	return !seq_newer(a->seq_first, a->seq) && !seq_newer(seq, a->seq) &&
	       !seq_newer(a->seq_first, seq);
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

	/* What people have configured ends by their hand, and until then the HA decides. */
	if (a->fixed) {
		a->valid_until = USEC_NEVER;
		return;
	}
	a->flows = a->ops->count_flows(a->ctx, a);	/* to tell what is lost */
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
