/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state machine of one binding. Called by update.c, by revoke.c, by ha.c at start, and
 * by its timer:
 *
 *	timer	TESTING: RetransTimer after the solicitation (RFC 4862 5.4)
 *		BOUND: a look before the lifetime ends (refresh.c)
 *		BOUND, REVOKING: the granted lifetime is over (RFC 6275 9.5.2)
 *		RELEASED: MAX_DELETE_BCE_TIMEOUT after de-registration (10.3.2)
 *
 * Only here are bindings put into the data path and taken out.
 */
#include "ha-agent/binding.h"

#include <errno.h>
#include <string.h>

#include "common/core/log.h"
#include "ha-agent/discovery.h"
#include "ha-agent/proxy.h"
#include "ha-agent/steer.h"

static const char *const event_names[BINDING_EVENT_MAX] = {
	[BINDING_EVENT_REGISTER] = "registration",
	[BINDING_EVENT_RESTORE] = "restored",
	[BINDING_EVENT_DUPLICATE] = "duplicate on the home link",
	[BINDING_EVENT_RELEASE] = "de-registration",
	[BINDING_EVENT_REVOKE] = "revocation",
	[BINDING_EVENT_REVOKED] = "revocation over",
	[BINDING_EVENT_TIMEOUT] = "lifetime over",
	[BINDING_EVENT_FAILED] = "data path failed",
};

const char *binding_event_name(enum binding_event e)
{
	return e < BINDING_EVENT_MAX ? event_names[e] : "?";
}

static void change_state(struct binding *b, enum binding_state state, enum binding_event why,
			 usec_t now)
{
	enum binding_state old = b->state;

	unsigned int *n = !b->lease ? NULL : b->bid != 0 ? &b->lease->ways : &b->lease->carried;

	if (n)
		*n -= binding_carries(b);
	b->state = state;
	if (n)
		*n += binding_carries(b);
	if (old != state && ha_log_routine(b->home->ha, now))
		log_info("binding %s: %s -> %s, %s", in6_str(&b->hoa).s,
			 binding_state_name(old), binding_state_name(state),
			 binding_event_name(why));
	/* RFC 6275 10.6.2: nothing more is told about prefixes without a registration. */
	if (state != BINDING_BOUND)
		mpd_end(b);
}

static void tell_why(const struct binding *b, enum ha_event_type type, const char *reason)
{
	ha_tell(b->home->ha, &(struct ha_event){
		.type = type, .lease = b->lease, .binding = b, .hoa = b->hoa, .coa = b->coa,
		.reason = reason,
	});
}

static void tell(const struct binding *b, enum ha_event_type type)
{
	tell_why(b, type, NULL);
}

static int install(const struct binding *b, const struct in6_addr *coa, bool unverified)
{
	struct ha *ha = b->home->ha;
	int err = steer_concerns(b) ? steer_set(b, coa) :
		  ha->ops->dp_set(ha->ctx, &(struct dp_binding){
			.inner = binding_inner(b), .local = b->home->cfg.address, .remote = *coa,
			.unverified = unverified,
		  });

	if (err < 0) {
		ha->counters[HA_DATAPATH_FAILED]++;
		log_warn("binding %s: data path refused care-of address %s: %s",
			 in6_str(&b->hoa).s, in6_str(coa).s, strerror(-err));
	}
	return err;
}

static void uninstall(const struct binding *b)
{
	struct ha *ha = b->home->ha;
	struct in6_prefix p = binding_inner(b);
	int err = steer_concerns(b) ? steer_set(b, NULL) : ha->ops->dp_del(ha->ctx, &p);

	if (err < 0 && err != -ENOENT) {
		ha->counters[HA_DATAPATH_FAILED]++;
		log_warn("binding %s: data path did not let it go: %s", in6_str(&b->hoa).s,
			 strerror(-err));
	}
}

static void store_as(struct binding *b, bool past)
{
	struct ha_binding_record r = {
		.hoa = b->hoa, .coa = b->coa, .sequence = b->sequence, .spi = b->spi,
		.lifetime_s = b->lifetime_s, .expires = b->expires, .place = b->place,
		.linklocal = b->linklocal, .by_router = b->by_router,
		.unverified = b->unverified,
		.timestamp = b->timestamp, .past = past, .bid = b->bid,
		.access_type = b->access_type,
	};

	memcpy(r.link_layer, b->link_layer, sizeof(r.link_layer));
	b->home->ha->ops->binding_store(b->home->ha->ctx, &r);
	b->place = r.place;
}

static void store(struct binding *b)
{
	store_as(b, false);
}

static void strike_out(struct binding *b)
{
	b->home->ha->ops->binding_forget(b->home->ha->ctx, &b->hoa, b->place);
	b->place = 0;
}

/* A restart does not bring it back; its numbers outlive it, if a key stands behind them. */
static void end_record(struct binding *b)
{
	/* RFC 5213 5.5: time stamps of other routers are good for less than the entry is kept. */
	if (b->spi != 0 && !b->by_router)
		store_as(b, true);
	else
		strike_out(b);
}

/* RFC 4285 6: greater than all before. */
static void note_timestamp(struct binding *b, const struct binding_request *req)
{
	if (req->timestamp != 0)
		b->timestamp = req->timestamp;
}

static void forget(struct binding *b, enum binding_event why, usec_t now)
{
	struct ha *ha = b->home->ha;
	struct lease *lease = b->lease;

	change_state(b, BINDING_GONE, why, now);
	timer_stop(ha->timers, &b->timer);
	proxy_end(b);
	if (!past_keep(b, now) && b->place != 0)
		strike_out(b);
	bcache_del(&ha->bcache, b);
	if (lease)
		nd_lease_review(ha, lease, now);
}

/* Fails only for an entry whose timer was never armed: a new one. */
static int arm(struct binding *b, usec_t at)
{
	int err = timer_set(b->home->ha->timers, &b->timer, at);

	if (err == 0)
		b->expires = at;
	return err;
}

/* The end of a binding; it is looked at before. */
static void arm_bound(struct binding *b, usec_t end)
{
	b->expires = end;
	b->looks = 0;
	(void)timer_set(b->home->ha->timers, &b->timer, refresh_at(b));
}

/* RFC 6275 10.3.1: on a link that others share the home address is looked for before the
 * first acknowledgement. Nothing is tunnelled meanwhile: whoever has it there is its owner
 * (10.4.1). A further Binding Update takes the place of the one that waits. */
static int test(struct binding *b, enum binding_event e, const struct binding_request *req,
		usec_t now)
{
	bool begins = b->state != BINDING_TESTING;
	int err = proxy_hold(b, req);

	if (err == 0 && begins)
		err = arm(b, now + (proxy_can_ask(b) ? b->home->ha->cfg->retrans_timer : 0));
	if (err < 0) {
		if (b->state == BINDING_NEW)
			forget(b, e, now);
		return err;
	}
	b->sequence = req->sequence;
	note_timestamp(b, req);
	b->spi = req->spi;
	b->linklocal = req->linklocal;
	change_state(b, BINDING_TESTING, e, now);
	if (begins)
		proxy_ask(b);
	return 0;
}

/* A care-of address, new or as before. */
static int take(struct binding *b, enum binding_event e, const struct binding_request *req,
		usec_t now)
{
	bool bound = b->state == BINDING_BOUND;
	bool same = bound && in6_eq(&b->coa, &req->coa);
	bool restore = e == BINDING_EVENT_RESTORE;
	/* Once verified it stays so, while it is the same. */
	bool unverified = !req->verified && !(same && !b->unverified);
	struct ha *ha = b->home->ha;
	int err = 0;

	if (b->state == BINDING_REVOKING)
		return -EBUSY;
	b->by_router = req->by_router;
	/* No binding without its end. */
	if (b->state == BINDING_NEW)
		err = arm(b, now);
	if (err == 0 && (!same || unverified != b->unverified))
		err = install(b, &req->coa, unverified);
	if (err < 0) {
		if (b->state == BINDING_NEW)
			forget(b, e, now);
		return err;
	}
	b->coa = req->coa;
	b->unverified = unverified;
	b->sequence = req->sequence;
	b->spi = req->spi;
	b->lifetime_s = req->lifetime_s;
	if (restore)
		b->place = req->place;
	note_timestamp(b, req);
	b->linklocal = req->linklocal;
	if (!bound)
		b->used = now;
	change_state(b, BINDING_BOUND, e, now);
	arm_bound(b, restore ? req->expires : now + req->lifetime_s * USEC_S);
	if (!bound && b->home->cfg.mode == HOME_SHARED)
		proxy_defend(b, now);
	if (restore)
		return 0;
	store(b);
	if (!b->by_router)
		mpd_registered(b, now);
	if (same) {
		ha->counters[HA_BINDING_REFRESHED]++;
		tell(b, HA_EVENT_BINDING_REFRESHED);
	} else if (bound) {
		ha->counters[HA_BINDING_MOVED]++;
		if (ha_log_routine(ha, now))
			log_info("binding %s: moved to %s", in6_str(&b->hoa).s, in6_str(&b->coa).s);
		tell(b, HA_EVENT_BINDING_MOVED);
	} else {
		ha->counters[HA_BINDING_NEW]++;
		tell(b, HA_EVENT_BINDING_NEW);
	}
	return 0;
}

/* Out of the data path and the revocations under way, and never back from the disk. */
static void cease(struct binding *b, usec_t now)
{
	uninstall(b);
	end_record(b);
	revoke_drop(b, now);
}

/* RFC 6275 10.3.2: interception ends at once; the entry stays as invalid for a while, so
 * that an older Binding Update that was delayed is recognised by its number. */
static int release(struct binding *b, enum binding_event e, const struct binding_request *req,
		   usec_t now)
{
	struct ha *ha = b->home->ha;
	bool revoked = e == BINDING_EVENT_REVOKED;
	int err = arm(b, now + MIP6_MAX_DELETE_BCE_TIMEOUT_MS * USEC_MS);

	if (err < 0) {		/* a new one, as only its timer can fail */
		forget(b, e, now);
		return err;
	}
	b->sequence = req->sequence;
	note_timestamp(b, req);
	b->by_router = req->by_router || b->by_router;
	if (req->spi != 0)
		b->spi = req->spi;
	if (binding_carries(b)) {
		cease(b, now);
		ha->counters[revoked ? HA_BINDING_REVOKED : HA_BINDING_RELEASED]++;
		change_state(b, BINDING_RELEASED, e, now);
		tell_why(b, revoked ? HA_EVENT_BINDING_REVOKED : HA_EVENT_BINDING_RELEASED,
			 req->reason);
	} else {
		end_record(b);
		change_state(b, BINDING_RELEASED, e, now);
	}
	proxy_end(b);
	return 0;
}

/* Who was told how the binding changed hears how it is; it was counted for nothing. */
static void take_back(const struct binding *b, bool moved)
{
	b->home->ha->counters[moved ? HA_BINDING_MOVED : HA_BINDING_NEW]--;
	tell_why(b, moved ? HA_EVENT_BINDING_MOVED : HA_EVENT_BINDING_RELEASED,
		 binding_event_name(BINDING_EVENT_FAILED));
}

void binding_failed(struct binding *b, const struct ha_pending *before, usec_t now)
{
	bool moved = before->state_before == BINDING_BOUND;

	if (moved) {
		b->coa = before->coa_before;
		b->unverified = before->unverified_before;
	}
	take_back(b, moved);
	if (before->state_before == BINDING_NEW) {
		end_record(b);
		forget(b, BINDING_EVENT_FAILED, now);
		return;
	}
	b->lifetime_s = before->lifetime_before_s;
	change_state(b, before->state_before, BINDING_EVENT_FAILED, now);
	if (b->state == BINDING_BOUND) {
		arm_bound(b, before->expires_before);
		store(b);
	} else {
		(void)arm(b, before->expires_before);
		end_record(b);
		proxy_end(b);
	}
}

void binding_number(struct binding *b, const struct binding_request *req)
{
	b->sequence = req->sequence;
	note_timestamp(b, req);
	if (b->place != 0)
		store_as(b, b->state != BINDING_BOUND);
}

void binding_lost(struct binding *b)
{
	(void)arm(b, 0);
}

/* RFC 5846 7: marked as being revoked, in force until the mobile node has heard. */
static void revoke(struct binding *b, enum binding_event e, usec_t now)
{
	end_record(b);
	change_state(b, BINDING_REVOKING, e, now);
	tell(b, HA_EVENT_BINDING_REVOKING);
}

/* The test is over; what has waited is answered. */
static void conclude(struct binding *b, enum binding_event e, usec_t now)
{
	bool duplicate = e == BINDING_EVENT_DUPLICATE;
	struct proxy_held held = proxy_let_go(b);
	struct ha *ha = b->home->ha;
	int err = 0;

	/* RFC 6275 9.5.1: what was refused meanwhile may have been newer. */
	held.request.sequence = b->sequence;
	if (!duplicate)
		err = take(b, BINDING_EVENT_REGISTER, &held.request, now);
	if (duplicate || err < 0)
		forget(b, duplicate ? e : BINDING_EVENT_FAILED, now);
	update_tested(ha, &held.ack, duplicate, err, now);
}

static void timeout(struct binding *b, enum binding_event e, usec_t now)
{
	if (binding_carries(b)) {
		cease(b, now);
		b->home->ha->counters[HA_BINDING_EXPIRED]++;
		tell(b, HA_EVENT_BINDING_EXPIRED);
	}
	forget(b, e, now);
}

static void on_timer(void *ctx, usec_t now)
{
	struct binding *b = ctx;

	if (now >= b->expires) {
		(void)binding_event(b, BINDING_EVENT_TIMEOUT, NULL, now);
		return;
	}
	if (b->state == BINDING_BOUND)
		refresh_look(b, now);
	(void)timer_set(b->home->ha->timers, &b->timer,
			b->state == BINDING_BOUND ? refresh_at(b) : b->expires);
}

void binding_init(struct binding *b)
{
	timer_init(&b->timer, "binding", on_timer, b);
}

int binding_event(struct binding *b, enum binding_event e, const struct binding_request *req,
		  usec_t now)
{
	switch (e) {
	case BINDING_EVENT_REGISTER:
		if (b->home->cfg.mode == HOME_SHARED && !binding_carries(b))
			return test(b, e, req, now);
		return take(b, e, req, now);
	case BINDING_EVENT_RESTORE:
		return take(b, e, req, now);
	case BINDING_EVENT_DUPLICATE:
		conclude(b, e, now);
		return 0;
	case BINDING_EVENT_RELEASE:
	case BINDING_EVENT_REVOKED:
		return release(b, e, req, now);
	case BINDING_EVENT_REVOKE:
		revoke(b, e, now);
		return 0;
	case BINDING_EVENT_TIMEOUT:
		if (b->state == BINDING_TESTING)
			conclude(b, e, now);
		else
			timeout(b, e, now);
		return 0;
	case BINDING_EVENT_FAILED:	/* binding_failed() */
	case BINDING_EVENT_MAX:
		break;
	}
	return -EINVAL;
}
