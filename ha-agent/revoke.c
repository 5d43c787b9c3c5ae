/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binding revocation, RFC 5846 sections 6 to 8. Owns the revocations under way, and nothing
 * of the bindings: their states are binding.c's. Called by whoever wants a binding to end,
 * by update.c (acknowledgements), by binding.c (the binding has ended) and by its timer:
 *
 *	retry	1 s after the indication the second and last one, 2 s after that the end
 */
#include "ha-agent/revoke.h"

#include <stdlib.h>
#include <string.h>

#include "common/core/backoff.h"
#include "common/core/log.h"
#include "ha-agent/binding.h"
#include "ha-agent/ha.h"
#include "ha-agent/lma.h"
#include "ha-agent/lma.h"

struct revocation {
	struct binding *binding;
	enum mh_br_trigger trigger;
	bool told;			/* outstanding, not waiting */
	uint16_t sequence;
	uint64_t stamps[2];		/* of the last indication and the one before; 0: none */
	struct backoff backoff;
	struct timer retry;
	TAILQ_ENTRY(revocation) entry;
};

void revoke_init(struct ha *ha)
{
	uint64_t seed;

	TAILQ_INIT(&ha->revocations.waiting);
	TAILQ_INIT(&ha->revocations.outstanding);
	/* RFC 5846 5.1: random, so that what was acknowledged in an earlier run fits nothing. */
	ha->ops->random(ha->ctx, &seed, sizeof(seed));
	ha->revocations.next = (uint16_t)seed;
}

/* RFC 5846 6.1: what protects the Binding Updates protects this. NULL: nothing does. */
static const struct auth_key *auth_of(const struct ha *ha, const struct binding *b)
{
	const struct ha_peer *peer = b->by_router ? ha_peer_of(ha, &b->coa) : NULL;
	const struct ha_key *key = b->by_router ? NULL : ha_binding_key(ha, b);

	if (peer)
		return &peer->auth;
	return key ? &key->auth : NULL;
}

/* The other address that is signed: the mobile node's, or (struct ha_peer) ours. */
static const struct in6_addr *signed_for(const struct binding *b)
{
	return b->by_router ? &b->home->cfg.address : &b->hoa;
}

static void send_indication(struct revocation *r)
{
	const struct binding *b = r->binding;
	struct ha *ha = b->home->ha;
	/* RFC 5846 7: to the care-of address, by a type 2 routing header. */
	struct ip6_packet ip = message_header(b, MH_NEXT_HEADER);
	struct mh_msg msg = { .type = MH_BR, .u.br = {
		.type = BR_INDICATION, .code = (uint8_t)r->trigger, .seq = r->sequence,
	} };
	uint8_t room[MESSAGE_ROOM];
	size_t len;

	/* RFC 5846 5.1, 8.1: to a router, for the host that it names. */
	if (b->by_router) {
		ip.has_rh2 = false;
		msg.u.br.flags = BR_PROXY;
		lma_name(b, &msg.opts);
		lma_stamp(ha, &msg.opts);
	} else {
		message_stamp(b, ha_binding_key(ha, b), &msg);
	}
	r->stamps[1] = r->stamps[0];
	r->stamps[0] = msg.opts.mesg_id;
	len = message_build(&ip, &msg, auth_of(ha, b), &b->coa, signed_for(b), room);
	message_send(ha, room, len, HA_TX_BRI);
}

static void tell(struct revocation *r, usec_t now)
{
	struct timers *timers = r->binding->home->ha->timers;

	send_indication(r);
	/* Its place among the timers was made when the revocation began. */
	(void)timer_set(timers, &r->retry, now + backoff_next(&r->backoff));
}

/* RFC 5846 5.1: no two of those outstanding have one number. They are in the order of their
 * numbers, so the one that `next` could meet first is the oldest. */
static bool may_tell(const struct revocations *rs)
{
	const struct revocation *oldest = TAILQ_FIRST(&rs->outstanding);

	return rs->n_outstanding < REVOKE_MAX && (!oldest || oldest->sequence != rs->next);
}

static void tell_waiting(struct ha *ha, usec_t now)
{
	struct revocations *rs = &ha->revocations;
	struct revocation *r;

	while ((r = TAILQ_FIRST(&rs->waiting)) && may_tell(rs)) {
		TAILQ_REMOVE(&rs->waiting, r, entry);
		TAILQ_INSERT_TAIL(&rs->outstanding, r, entry);
		rs->n_outstanding++;
		r->told = true;
		r->sequence = rs->next++;
		backoff_start(&r->backoff, BRI_INIT_MIN_DELAY_MS * USEC_MS,
			      BRI_MAX_BRACK_TIMEOUT_MS * USEC_MS, 0);
		tell(r, now);
	}
}

static void take_out(struct revocation *r)
{
	struct ha *ha = r->binding->home->ha;
	struct revocations *rs = &ha->revocations;

	timer_stop(ha->timers, &r->retry);
	TAILQ_REMOVE(r->told ? &rs->outstanding : &rs->waiting, r, entry);
	rs->n_outstanding -= r->told;
	rs->n--;
	r->binding->revocation = NULL;
	free(r);
}

void revoke_drop(struct binding *b, usec_t now)
{
	if (!b->revocation)
		return;
	take_out(b->revocation);
	tell_waiting(b->home->ha, now);
}

void revoke_free(struct ha *ha)
{
	struct revocation *r;

	while ((r = TAILQ_FIRST(&ha->revocations.waiting)) ||
	       (r = TAILQ_FIRST(&ha->revocations.outstanding)))
		take_out(r);
}

static void finish(struct revocation *r, enum ha_counter how, const char *reason, usec_t now)
{
	struct binding *b = r->binding;
	struct binding_request req = {
		.sequence = b->sequence, .reason = reason,
	};

	b->home->ha->counters[how]++;
	(void)binding_event(b, BINDING_EVENT_REVOKED, &req, now);
}

static void on_retry(void *ctx, usec_t now)
{
	struct revocation *r = ctx;

	/* While it waits for its turn it ends with the binding's lifetime, not by this. */
	if (!r->told)
		return;
	/* RFC 5846 6.3: after the last try everything is cleaned up. */
	if (r->backoff.tries > BRI_MAX_RETRIES)
		finish(r, HA_REVOKE_UNANSWERED, "revocation not acknowledged", now);
	else
		tell(r, now);
}

/* True: it is being revoked. */
static bool begin(struct ha *ha, struct binding *b, enum mh_br_trigger trigger, usec_t now)
{
	struct revocation *r;

	if (b->state == BINDING_REVOKING)
		return true;
	r = calloc(1, sizeof(*r));
	if (!r)
		return false;
	r->binding = b;
	r->trigger = trigger;
	timer_init(&r->retry, "retry", on_retry, r);
	if (timer_set(ha->timers, &r->retry, b->expires) < 0) {
		free(r);
		return false;
	}
	b->revocation = r;
	TAILQ_INSERT_TAIL(&ha->revocations.waiting, r, entry);
	ha->revocations.n++;
	/* The database forgets before anybody is told. */
	(void)binding_event(b, BINDING_EVENT_REVOKE, NULL, now);
	tell_waiting(ha, now);
	return true;
}

static bool is_selected(const struct binding *b, const struct revoke_selection *which)
{
	return binding_carries(b) && in6_in(&which->within, &b->hoa) &&
	       (!which->home || b->home == which->home) &&
	       (!which->has_mn ||
		(b->lease && memcmp(b->lease->mac, which->mn, sizeof(which->mn)) == 0));
}

unsigned int ha_revoke(struct ha *ha, const struct revoke_selection *which,
		       enum mh_br_trigger trigger, usec_t now)
{
	struct binding *b, *next;
	unsigned int n = 0;

	/* What the data path puts off is either done or undone first. */
	ha_flush(ha, now);
	HASH_ITER(by_hoa, ha->bcache.by_hoa, b, next) {
		if (!is_selected(b, which))
			continue;
		if (begin(ha, b, trigger, now))
			n++;
		else
			log_error("binding %s: no memory to revoke it", in6_str(&b->hoa).s);
	}
	return n;
}

/* By the binding's own key, and nothing stands behind what it covers. */
static bool is_signed(const struct ha *ha, const struct binding *b, const struct mh_auth *a,
		      const uint8_t *mh)
{
	const struct auth_key *key = auth_of(ha, b);

	return key && a->present && a->last && a->spi == key->spi &&
	       auth_mn_ha_right(key, &b->coa, signed_for(b), mh, a->covered, a->data, a->len);
}

/* The time stamp of an indication comes back with its acknowledgement, as that of a Binding Update
 * does (RFC 4285 6): one of an earlier revocation with the same number ends nothing. */
static bool has_stamp(const struct revocation *r, const struct mh_opts *o)
{
	if (r->stamps[0] == 0)
		return true;
	return o->has_mesg_id && o->mesg_id != 0 &&
	       (o->mesg_id == r->stamps[0] || o->mesg_id == r->stamps[1]);
}

/* RFC 5846 6.2: by a mobile node, of its home address; or by a router, of a prefix. */
static const struct binding *named(const struct ha *ha, const struct ip6_packet *ip,
				   const struct mh_msg *msg)
{
	bool by_router = msg->u.br.flags & BR_PROXY;
	const struct binding *b = NULL;

	if (!by_router && ip->has_hao)
		b = bcache_find(&ha->bcache, &ip->hao);
	else if (by_router && msg->opts.n_prefixes == 1)
		b = lma_binding_at(ha, &msg->opts.prefixes[0].addr, &ip->src);
	return b && b->by_router == by_router ? b : NULL;
}

/* The revocation that an acknowledgement is about; NULL: it is not a good one. */
static struct revocation *match(struct ha *ha, const struct ip6_packet *ip,
				const struct mh_msg *msg, const uint8_t *mh)
{
	const struct binding *b = named(ha, ip, msg);
	struct revocation *r = b ? b->revocation : NULL;

	/* RFC 5846 6.2.2: of what is not outstanding, nothing. */
	if (!r || !r->told || msg->u.br.seq != r->sequence) {
		ha->counters[HA_BRA_NO_MATCH]++;
		return NULL;
	}
	/* RFC 6275 9.3.1: a Home Address option counts only from its care-of address. */
	if (!in6_eq(&ip->src, &b->coa)) {
		ha->counters[HA_BRA_BAD_SOURCE]++;
		return NULL;
	}
	/* RFC 5846 6.2: protected as the Binding Updates were. */
	if (b->spi != 0 && !is_signed(ha, b, &msg->opts.mn_ha, mh)) {
		ha->counters[HA_BRA_BAD_AUTH]++;
		return NULL;
	}
	if (!has_stamp(r, &msg->opts)) {
		ha->counters[HA_BRA_TIMESTAMP]++;
		return NULL;
	}
	return r;
}

void revoke_rx(struct ha *ha, const struct ip6_packet *ip, const struct mh_msg *msg,
	       const uint8_t *mh, usec_t now)
{
	uint8_t status = msg->u.br.code;
	struct revocation *r;

	ha->counters[HA_RX_BRA]++;
	r = match(ha, ip, msg, mh);
	if (!r) {
		limit_failed(&ha->limit, &ip->src, LIMIT_CHEAP, now);
		log_debug("Binding Revocation Acknowledgement from %s ignored",
			  in6_str(&ip->src).s);
		return;
	}
	/* RFC 5846 6.2.2: below 128 the binding has to go; above it is ours to decide, and
	 * what was to end ends. */
	finish(r, status < BR_NO_BINDING ? HA_REVOKE_ACCEPTED : HA_REVOKE_REFUSED,
	       mh_br_status_text(status), now);
}
