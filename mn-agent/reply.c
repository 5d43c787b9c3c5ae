/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an anchor makes of what comes back: acknowledgements, which are authentic, and hints,
 * which are not. Owns the measured round trip and the granted lifetime; called by receive.c
 * and path.c, which have checked that it is for this anchor. RFC 6275 11.3.5, 11.3.6,
 * 11.7.3, 11.7.4; RFC 4285 6; RFC 5846 10.
 *
 * A hint changes no state by itself. It makes a live binding be confirmed, not more often
 * than each HINT_SPACING, or it explains why there was no answer.
 */
#include <stdio.h>
#include <string.h>

#include "common/core/log.h"
#include "common/core/seq.h"
#include "mn-agent/registration.h"

#define RESYNC_MAX	3		/* answers 135, 144 and 145 in a row that are followed */
#define TESTS_MAX	3		/* of one care-of address in a row */
#define HINT_SPACING	(10 * USEC_S)

/* The answer has the number of the BU that it answers, one of the last. Each move is to
 * another place: the last round trip tells more than a mean of those before. */
static void measure(struct anchor *a, uint16_t seq, usec_t now)
{
	if ((uint16_t)(a->seq - seq) < MIP6_MAX_UPDATE_RATE)
		a->rtt = now - reg_sent_at(a, seq);
}

/* RFC 6275 11.7.3: the HA may advise an earlier refresh. */
static uint32_t refresh_after(const struct mh_opts *opts, uint32_t granted_s)
{
	uint32_t refresh = granted_s * 4 / 5;
	uint32_t advice = (uint32_t)opts->refresh_advice * MIP6_LIFETIME_UNIT_S;

	return opts->has_refresh_advice && advice > 0 && advice < refresh ? advice : refresh;
}

static void refused(struct anchor *a, const struct ba_rule *rule, usec_t now)
{
	char why[sizeof(a->reason)];

	snprintf(why, sizeof(why), "%s (status %u)", rule->why, a->status);
	if (rule->unbound)
		a->bound_until = a->unheard_until = 0;
	else if (a->seq != a->seq_first)
		reg_owe(a, now);	/* another of this registration may have been accepted */
	if (rule->action == BA_DO_GIVE_UP && !a->fixed) {
		reg_count_lost(a);
		reg_gone(a, why, now);
		return;
	}
	/* RFC 6275 9.5.1: a refused one leaves the binding as it was. */
	if (a->state == ANCHOR_REFRESHING && a->bound_until > now) {
		reg_reason(a, "not renewed: %s", why);
		reg_state(a, ANCHOR_BOUND, a->reason, now);
		reg_ask_later(a, rule->action, now);
		if (a->timer.at > a->bound_until)
			timer_set(a->timers, &a->timer, a->bound_until);
		return;
	}
	if (rule->action == BA_DO_GIVE_UP)
		a->taken_at = now;
	reg_refused(a, why, now);
	if (rule->action != BA_DO_GIVE_UP)
		reg_ask_later(a, rule->action, now);
}

/* RFC 4866 4.1: a token that came to the care-of address goes back from there, at once; what was
 * accepted is in force meanwhile. A home agent that sends one after the other is not followed. */
static void care_of_test(struct anchor *a, const struct mh_msg *ba, usec_t now)
{
	struct anchor_token *t;

	if (!ba->opts.has_care_of_test) {
		a->verified = a->coa;
		a->tested = in6addr_any;
		return;
	}
	if (!in6_eq(&a->tested, &a->coa))
		a->tests = 0;
	a->tested = a->coa;
	t = &a->tokens[a->next_token];
	a->next_token = (uint8_t)((a->next_token + 1) % ANCHOR_TOKENS);
	*t = (struct anchor_token){ .coa = a->coa, .at = now };
	memcpy(t->token, ba->opts.care_of_token, sizeof(t->token));
	if (a->tests++ < TESTS_MAX)
		timer_set(a->timers, &a->timer, now);
	else
		a->verified = a->coa;
}

static void accepted(struct anchor *a, const struct mh_msg *ba, const struct ba_rule *rule,
		     usec_t now)
{
	static const struct ba_rule zero = {
		.action = BA_DO_ASK_AGAIN, .why = "accepted with a lifetime of zero",
	};
	uint32_t granted = (uint32_t)ba->u.ba.lifetime * MIP6_LIFETIME_UNIT_S;
	usec_t sent = reg_sent_at(a, ba->u.ba.seq);

	if (granted == 0) {
		a->bound_until = 0;
		refused(a, &zero, now);
		return;
	}
	if (granted > a->asked_s)
		granted = a->asked_s;
	/* RFC 6275 11.7.3: it counts from when the Binding Update was sent. One that is over
	 * already is no answer. */
	if (sent + (usec_t)granted * USEC_S <= now)
		return;
	measure(a, ba->u.ba.seq, now);
	a->lifetime_s = granted;
	a->bound_until = sent + (usec_t)granted * USEC_S;
	if (ba->u.ba.seq == a->seq)
		a->unheard_until = 0;
	a->taken_at = 0;
	a->prefixes_wanted = rule->action == BA_DO_SOLICIT;
	a->asking = (struct backoff){ 0 };
	a->reason[0] = '\0';
	timer_set(a->timers, &a->timer,
		  sent + (usec_t)refresh_after(&ba->opts, granted) * USEC_S);
	a->accepted = a->coa;
	a->keep_road = false;
	a->unproven = false;
	if (a->tunnel_due || !a->tunnelled || !in6_eq(&a->via, &a->coa))
		reg_tunnel_up(a);
	reg_state(a, ANCHOR_BOUND, rule->why, now);
	care_of_test(a, ba, now);
}

/* Once more, as the home agent wants it; not for ever. */
static void correct(struct anchor *a, const struct ba_rule *rule, usec_t now)
{
	if (++a->resyncs > RESYNC_MAX) {
		/* The retransmission timer goes on, slower. */
		anchor_hint(a, ANCHOR_HINT_TROUBLE, rule->why, now);
		return;
	}
	if (a->seq != a->seq_first)
		reg_owe(a, now);	/* one that went before it may have been accepted */
	a->seq_first = (uint16_t)(a->seq + 1);
	reg_transmit(a, now);
}

/* RFC 6275 11.7.3: 135 tells the last number the HA accepted; ours starts behind it. It has
 * that number from a binding, which may be of this very update, had twice (9.5.1). */
static void resynchronise(struct anchor *a, uint16_t ha_seq, const struct ba_rule *rule, usec_t now)
{
	/* One that is behind ours answers a BU that another overtook: it is late, not right. */
	if (seq_newer(a->seq, ha_seq))
		return;
	reg_owe(a, now);
	if (a->resyncs < RESYNC_MAX)
		a->seq = ha_seq;
	correct(a, rule, now);
}

/* RFC 4285 6: 144 brings the seconds of the HA's clock with the fraction that we sent. Our clock
 * may have been set back, so that what we sent was not what it said. */
static void set_clock(struct anchor *a, const struct mh_opts *o, const struct ba_rule *rule,
		      usec_t now)
{
	if (!o->has_mesg_id || (uint32_t)o->mesg_id != (uint32_t)a->timestamp)
		return;		/* late: it answers another BU than the last */
	if (a->resyncs < RESYNC_MAX) {
		a->clock_ahead = o->mesg_id - a->stamped_at;
		a->timestamp = 0;
	}
	correct(a, rule, now);
}

/* What can be put right at once is, and the BU goes again: then it is no refusal. */
static bool corrected(struct anchor *a, const struct mh_msg *ba, const struct ba_rule *rule,
		      usec_t now)
{
	switch (rule->action) {
	case BA_DO_RESYNCHRONISE:
		resynchronise(a, ba->u.ba.seq, rule, now);
		return true;
	case BA_DO_SET_CLOCK:
		if (!a->timestamps)
			return false;
		set_clock(a, &ba->opts, rule, now);
		return true;
	case BA_DO_SEND_TIMESTAMP:
		if (a->timestamps)
			return false;
		a->timestamps = true;
		correct(a, rule, now);
		return true;
	case BA_DO_TAKE:
	case BA_DO_SOLICIT:
	case BA_DO_ASK_AGAIN:
	case BA_DO_ASK_SELDOM:
	case BA_DO_GIVE_UP:
		break;
	}
	return false;
}

static void hear(struct anchor *a, uint64_t stamp)
{
	if (a->heard == 0 || (int64_t)(stamp - a->heard) > 0)
		a->heard = stamp;
}

static bool has_bri(const struct anchor *a, uint16_t seq)
{
	unsigned int n = a->n_bri < ANCHOR_BRI_MAX ? a->n_bri : ANCHOR_BRI_MAX;

	for (unsigned int i = 0; i < n; i++)
		if (a->bri[i] == seq)
			return true;
	return false;
}

static void note_bri(struct anchor *a, uint16_t seq)
{
	a->bri[a->n_bri % ANCHOR_BRI_MAX] = seq;
	a->n_bri++;
	if (a->n_bri == 0)		/* they are all there, and stay so */
		a->n_bri = ANCHOR_BRI_MAX;
}

/* RFC 4285 6 has time stamps in Binding Updates and their answers. Ours are in whatever the home
 * agent signs, and newer there than that of the binding's last update: what was recorded before
 * it is old. Where no time stamps are used only the last numbers of revocations are known. */
bool anchor_is_news(struct anchor *a, const struct mh_msg *msg)
{
	if (a->timestamps) {
		if (!msg->opts.has_mesg_id ||
		    (a->heard != 0 && (int64_t)(msg->opts.mesg_id - a->heard) <= 0))
			return false;
		hear(a, msg->opts.mesg_id);
		return true;
	}
	if (msg->type != MH_BR || !a->key)
		return true;
	if (has_bri(a, msg->u.br.seq))
		return false;
	note_bri(a, msg->u.br.seq);
	return true;
}

static bool says_yes(const struct ba_rule *rule)
{
	return rule->action == BA_DO_TAKE || rule->action == BA_DO_SOLICIT;
}

static void registration_answered(struct anchor *a, const struct mh_msg *ba,
				  const struct ba_rule *rule, usec_t now)
{
	a->hint[0] = '\0';
	if (says_yes(rule))
		accepted(a, ba, rule, now);
	else if (!corrected(a, ba, rule, now))
		refused(a, rule, now);
}

/* Returns whether there is no binding any more. */
static bool deregistration_answered(struct anchor *a, const struct mh_msg *ba,
				    const struct ba_rule *rule, usec_t now)
{
	/* RFC 6275 11.7.3: what was asked for decides; a granted lifetime ends no binding. */
	if (says_yes(rule))
		return ba->u.ba.lifetime == 0;
	if (rule->unbound)
		return true;
	/* The retransmission timer goes on, at most until the lifetime has ended it. */
	if (!corrected(a, ba, rule, now))
		reg_reason(a, "not released: %s (status %u)", rule->why, a->status);
	return false;
}

void anchor_ba(struct anchor *a, const struct mh_msg *ba, usec_t now)
{
	const struct mh_ba *m = &ba->u.ba;
	const struct ba_rule *rule = status_rule(m->status);
	char detail[96];

	a->status = m->status;
	if (says_yes(rule) && ba->opts.has_mesg_id)
		hear(a, ba->opts.mesg_id);
	snprintf(detail, sizeof(detail), "seq %u status %u: %s", m->seq, m->status,
		 mh_ba_status_text(m->status));
	a->ops->notify(a->ctx, a, "ba.received", detail, now);

	switch (a->state) {
	case ANCHOR_REGISTERING:
	case ANCHOR_REFRESHING:
	case ANCHOR_UNREACHABLE:
		registration_answered(a, ba, rule, now);
		break;
	case ANCHOR_REFUSED:
		/* The first of several was refused, a later one was not. */
		if (says_yes(rule))
			registration_answered(a, ba, rule, now);
		break;
	case ANCHOR_RELEASING:
		if (deregistration_answered(a, ba, rule, now))
			reg_gone(a, "released", now);
		break;
	case ANCHOR_RETURNING:
		if (!deregistration_answered(a, ba, rule, now))
			break;
		timer_stop(a->timers, &a->timer);
		a->bound_until = 0;
		a->accepted = in6addr_any;
		a->reason[0] = '\0';
		reg_state(a, ANCHOR_ATTACHED, "home registration ended", now);
		if (a->ops->returned && says_yes(rule))
			a->ops->returned(a->ctx, a);
		break;
	case ANCHOR_ATTACHED:
	case ANCHOR_DEPARTED:
	case ANCHOR_DISCOVERING:
	case ANCHOR_BOUND:
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
	a->seq_first = (uint16_t)(a->seq + 1);	/* no acknowledgement counts after it */
	if (a->fixed) {
		reg_refused(a, "revoked by the home agent", now);
		return;
	}
	reg_count_lost(a);
	reg_gone(a, "revoked by the home agent", now);
}

void anchor_confirm(struct anchor *a, const char *why, usec_t now)
{
	if (a->state != ANCHOR_BOUND ||
	    (a->confirmed_at != 0 && now < a->confirmed_at + HINT_SPACING))
		return;
	a->confirmed_at = now;
	reg_state(a, ANCHOR_REFRESHING, why, now);
	reg_start(a, now);
}

void anchor_hint(struct anchor *a, enum anchor_hint hint, const char *what, usec_t now)
{
	if (!anchor_asking(a))
		return;
	if (a->hint[0] == '\0') {
		log_info("anchor %s: %s", in6_str(&a->hoa).s, what);
		a->ops->notify(a->ctx, a, "hint", what, now);
	}
	a->hinted = hint;
	snprintf(a->hint, sizeof(a->hint), "%s", what);
}
