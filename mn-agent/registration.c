/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registrations of one anchor: Binding Updates out, the tunnel that they bring up. Owns the
 * anchor's sequence numbers, its registration timer and when a refused one asks again;
 * called by anchor.c (events) and reply.c (answers). RFC 6275 11.7.1, 11.8; design 4.2.
 */
#include "mn-agent/registration.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/core/log.h"
#include "common/core/ntp.h"
#include "mn-agent/bu.h"

#define RATE_WINDOW	USEC_S		/* of MIP6_MAX_UPDATE_RATE */
#define TOKEN_LIFE	(200 * USEC_S)	/* HAs take them for four minutes at most */
#define AGAIN_FIRST	(8 * USEC_S)	/* after a refusal whose cause may pass */
#define AGAIN_MAX	(600 * USEC_S)
#define SELDOM_FIRST	(300 * USEC_S)	/* somebody has to change something first */
#define SELDOM_MAX	(3600 * USEC_S)

void reg_state(struct anchor *a, enum anchor_state to, const char *why, usec_t now)
{
	enum anchor_state from = a->state;

	if (from == to)
		return;
	a->state = to;
	log_info("anchor %s: %s -> %s, %s", in6_str(&a->hoa).s, anchor_state_name(from),
		 anchor_state_name(to), why);
	a->ops->notify(a->ctx, a, "state", why, now);
}

void reg_reason(struct anchor *a, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(a->reason, sizeof(a->reason), fmt, args);
	va_end(args);
}

void reg_tunnel_down(struct anchor *a)
{
	a->tunnel_due = false;
	if (!a->tunnelled)
		return;
	a->tunnelled = false;
	a->ops->tunnel_del(a->ctx, &a->hoa);
}

bool reg_tunnel_from(struct anchor *a, const struct in6_addr *from)
{
	struct dp_binding b = {
		.inner = { .addr = a->hoa, .len = 128 }, .local = *from, .remote = a->ha,
		.mtu = a->mtu,
	};

	if (a->ops->tunnel_set(a->ctx, &b)) {
		reg_reason(a, "the data path did not take the tunnel");
		return false;
	}
	a->tunnelled = true;
	a->via = *from;
	return true;
}

void reg_tunnel_up(struct anchor *a)
{
	if (reg_tunnel_from(a, &a->coa))
		a->tunnel_due = false;
}

/* What is asked for in this state; RFC 6275 11.7.1: no longer than the home prefix lives, and
 * the care-of address's. */
static uint32_t lifetime_wanted(const struct anchor *a, usec_t now)
{
	/* One that is still there after its time is somebody's who knows more than we do. */
	bool coa_first = a->coa_until > now && a->coa_until < a->valid_until;
	usec_t left = (coa_first ? a->coa_until : a->valid_until) - now;
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

usec_t reg_sent_at(const struct anchor *a, uint16_t seq)
{
	uint16_t back = (uint16_t)(a->seq - seq);

	if (back < MIP6_MAX_UPDATE_RATE && a->recent[MIP6_MAX_UPDATE_RATE - 1 - back] != 0)
		return a->recent[MIP6_MAX_UPDATE_RATE - 1 - back];
	return a->sent_at;
}

/* RFC 4285 6: the time of day as the HA has it, and greater than any before. */
static uint64_t next_timestamp(struct anchor *a)
{
	uint64_t t;

	a->stamped_at = ntp_time(a->ops->wall_us(a->ctx));
	t = a->stamped_at + a->clock_ahead;
	if (a->timestamp != 0 && (int64_t)(t - a->timestamp) <= 0)
		t = a->timestamp + 1;
	a->timestamp = t;
	return t;
}

/* RFC 6275 5.2.7: who comes back to where it was not long ago has shown that it was there, with
 * whichever address. */
static const uint8_t *token_of(const struct anchor *a, usec_t now)
{
	struct in6_prefix link = { .addr = a->coa, .len = 64 };
	const uint8_t *ret = NULL;

	in6_mask(&link.addr, link.len);

	for (unsigned int n = 0; n < ANCHOR_TOKENS; n++) {
		const struct anchor_token *t = &a->tokens[(a->next_token + n) % ANCHOR_TOKENS];

		if (t->at != 0 && now < t->at + TOKEN_LIFE && in6_in(&link, &t->coa))
			ret = t->token;		/* the last one is the newest */
	}
	return ret;
}

void reg_transmit(struct anchor *a, usec_t now)
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
	/* RFC 4866 4.1: as long as the home agent may doubt that we are where we say. */
	p.care_of_test_init = p.lifetime_s > 0 && !in6_eq(&a->coa, &a->verified);
	if (p.care_of_test_init)
		p.care_of_token = token_of(a, now);
	p.has_timestamp = a->timestamps;
	if (a->timestamps)
		p.timestamp = next_timestamp(a);
	wb_init(&w, room, sizeof(room));
	r = bu_build(&w, &p, a->key);
	/* The HA sends by the tunnel before we hear that it does. */
	if (a->tunnel_due && !a->tunnelled && (a->keep_road || a->unproven) &&
	    a->ops->tunnel_expect)
		a->ops->tunnel_expect(a->ctx, a);
	if (r == 0)
		r = a->ops->send(a->ctx, a, w.base, w.len);
	if (a->seq == a->seq_first)
		a->sent_at = now;
	a->asked_s = p.lifetime_s;
	if (r == 0 && p.lifetime_s > 0)
		a->unheard_until = now + (usec_t)p.lifetime_s * USEC_S;
	snprintf(detail, sizeof(detail), "seq %u lifetime %u%s", p.seq, p.lifetime_s,
		 r ? " not sent" : "");
	timer_set(a->timers, &a->timer, now + backoff_next(&a->backoff));
	/* Design 4.2: the BU precedes the traffic on the wire; the answer is awaited only while
	 * another road works. */
	if (r == 0 && a->tunnel_due && !a->keep_road && !a->unproven)
		reg_tunnel_up(a);
	a->ops->notify(a->ctx, a, "bu.sent", detail, now);
}

void reg_start(struct anchor *a, usec_t now)
{
	/* RFC 6275 11.8: longer where there is no binding yet, for the home agent may have to
	 * look for duplicates of the address first. */
	unsigned int first_ms = a->bound_until > now ? MIP6_INITIAL_BINDACK_TIMEOUT_MS
						     : MIP6_INITIAL_BINDACK_FIRST_MS;

	backoff_start(&a->backoff, first_ms * USEC_MS, MIP6_MAX_BINDACK_TIMEOUT_MS * USEC_MS,
		      a->rtt ? a->rtt : a->rtt_guess);
	a->seq_first = (uint16_t)(a->seq + 1);
	a->resyncs = 0;
	a->hint[0] = '\0';
	reg_transmit(a, now);
}

/* An older binding that the HA may still hold is not forgotten: bound_until stays. */
void reg_refused(struct anchor *a, const char *why, usec_t now)
{
	timer_stop(a->timers, &a->timer);
	a->tunnel_due = false;
	/* What it had accepted before stands, and so does the road to it. */
	if (!a->keep_road)
		reg_tunnel_down(a);
	if (why != a->reason)
		reg_reason(a, "%s", why);
	reg_state(a, ANCHOR_REFUSED, why, now);
}

void reg_keyless(struct anchor *a, usec_t now)
{
	if (a->no_key[0] == '\0')
		reg_reason(a, "no key configured for this home agent");
	else
		reg_reason(a, "no key: %s", a->no_key);
	reg_refused(a, a->reason, now);
}

void reg_ask_later(struct anchor *a, enum ba_action how, usec_t now)
{
	bool seldom = how == BA_DO_ASK_SELDOM;
	usec_t max = seldom ? SELDOM_MAX : AGAIN_MAX;

	if (a->asking.max != max)
		backoff_start(&a->asking, seldom ? SELDOM_FIRST : AGAIN_FIRST, max, 0);
	timer_set(a->timers, &a->timer, now + backoff_next(&a->asking));
}

void reg_register(struct anchor *a, enum reg_tunnel tunnel, const char *why, usec_t now)
{
	/* RFC 6275 11.4.1: the home agent's address may have to be asked for. */
	if (in6_is_any(&a->ha)) {
		reg_state(a, ANCHOR_DISCOVERING, why, now);
		a->ops->discover(a->ctx, a, now);
		return;
	}
	/* RFC 6275 11.7.1: such an address MUST NOT be used again. */
	if (a->taken_at != 0) {
		reg_refused(a, "another host has taken the address", now);
		return;
	}
	if (!anchor_may_register(a)) {
		reg_keyless(a, now);
		return;
	}
	/* Of one that was refused the reason stays, until an answer is better. */
	if (tunnel == REG_TUNNEL_AT_ONCE)
		a->reason[0] = '\0';
	reg_state(a, ANCHOR_REGISTERING, why, now);
	a->tunnel_due = tunnel == REG_TUNNEL_AT_ONCE;
	reg_start(a, now);
}

void reg_owe(struct anchor *a, usec_t now)
{
	if (a->bound_until < a->unheard_until)
		a->bound_until = a->unheard_until;
	if (a->bound_until <= now)
		a->bound_until = now + (usec_t)a->cfg->lifetime_s * USEC_S;
}

/* Until the HA has answered, or its binding must have run out: a return home before that
 * has to end the binding, or the HA would go on tunnelling. */
void reg_release(struct anchor *a, const char *why, usec_t now)
{
	timer_stop(a->timers, &a->linger);
	reg_owe(a, now);
	reg_state(a, ANCHOR_RELEASING, why, now);
	reg_start(a, now);
}

void reg_count_lost(struct anchor *a)
{
	if (!a->forsaken)
		a->flows = a->ops->count_flows(a->ctx, a);
}

void reg_gone(struct anchor *a, const char *why, usec_t now)
{
	anchor_stop(a);
	reg_tunnel_down(a);
	anchor_hold(a, false);
	reg_state(a, ANCHOR_GONE, why, now);
}
