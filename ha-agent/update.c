/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binding Updates in, Binding Acknowledgements out: looks up what verdict.c needs,
 * carries its verdict out, answers. Owns the answers that wait for the data path
 * (ha->pending). Called by io.c, and by binding.c when a test is over.
 * RFC 6275 9.2, 9.5.4, 10.3.1, 10.3.2; RFC 4285 section 5.
 */
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "common/core/ntp.h"
#include "ha-agent/careof.h"
#include "ha-agent/lma.h"
#include "ha-agent/proxy.h"
#include "ha-agent/sa.h"

#define UNIT		(MIP6_LIFETIME_UNIT_S * USEC_S)

static int by_spi(const void *spi, const void *key)
{
	uint32_t wanted = *(const uint32_t *)spi, at = ((const struct ha_key *)key)->auth.spi;

	return wanted < at ? -1 : wanted > at;
}

/* The keys of SPI 3 are the first ones. The one for the home address itself is the one that is
 * meant, then the host's, then everybody's. */
static const struct ha_key *sha1_key(const struct ha *ha, const struct in6_addr *hoa,
				     const struct lease *lease)
{
	const struct ha_key *best = NULL;
	int best_rank = 0;

	for (unsigned int i = 0; i < ha->cfg->n_keys; i++) {
		const struct ha_key *k = &ha->cfg->keys[i];
		int rank = verdict_key_rank(k, hoa, lease);

		if (k->auth.spi != AUTH_SPI_HMAC_SHA1)
			break;
		if (!best || rank > best_rank) {
			best = k;
			best_rank = rank;
		}
	}
	return best;
}

const struct ha_key *ha_find_key(const struct ha *ha, uint32_t spi, const struct in6_addr *hoa,
				 const struct lease *lease)
{
	const struct sa *s = sa_find(ha, spi);

	if (s)
		return &s->key;
	if (ha->cfg->n_keys == 0)
		return NULL;
	if (spi == AUTH_SPI_HMAC_SHA1)
		return sha1_key(ha, hoa, lease);
	return bsearch(&spi, ha->cfg->keys, ha->cfg->n_keys, sizeof(ha->cfg->keys[0]), by_spi);
}

const struct ha_key *ha_binding_key(const struct ha *ha, const struct binding *b)
{
	const struct ha_key *key = ha_find_key(ha, b->spi, &b->hoa, b->lease);
	const struct sa *s;

	if (key || !sa_is_spi(b->spi))
		return key;
	/* A newer one took its place, and the host has that. */
	s = sa_of_address(ha, &b->hoa);
	return s ? &s->key : NULL;
}

/* A node at home is reached by its link, not by a route: that leads to where it was as long
 * as the binding is there, and nowhere before we know that it is back (RFC 6275 10.3.2). */
static int send_ack(struct ha *ha, const struct ha_ack *ack, const void *data, size_t len)
{
	const struct lease *l = NULL;

	if (ack->ifindex != 0)
		return ha->ops->send_link(ha->ctx, ack->ifindex, ack->mac, data, len);
	if (in6_eq(&ack->to, &ack->hoa))
		l = ha_find_lease(ha, &ack->hoa);
	if (l && l->state != LEASE_FREE && l->interface &&
	    l->interface->ifindex != 0)
		return ha->ops->send_link(ha->ctx, l->interface->ifindex, l->mac, data, len);
	return ha->ops->send_routed(ha->ctx, data, len);
}

void ha_acknowledge(struct ha *ha, const struct ha_ack *ack)
{
	bool at_home = in6_eq(&ack->to, &ack->hoa);
	/* RFC 6275 9.5.4: to the source, by a type 2 routing header with the home address
	 * unless the source was the home address. */
	struct ip6_packet ip = {
		.src = ack->from, .dst = ack->to, .hop_limit = 64,
		.has_rh2 = !at_home, .rh2 = ack->hoa, .next_header = MH_NEXT_HEADER,
	};
	struct mh_msg msg = { .type = MH_BA, .u.ba = {
		.status = ack->status, .seq = ack->sequence, .lifetime = ack->lifetime,
	} };
	const struct ha_key *key = ha_find_key(ha, ack->spi, &ack->hoa,
					       ha_find_lease(ha, &ack->hoa));
	uint8_t room[MESSAGE_ROOM];
	size_t len;

	if (!key && ack->spi != 0)
		return;
	/* RFC 6275 6.2.4, 10.3.1: only where it is shorter than what was granted. */
	msg.opts.refresh_advice = (uint16_t)(ha->cfg->binding_refresh / UNIT);
	msg.opts.has_refresh_advice = msg.opts.refresh_advice > 0 &&
				      msg.opts.refresh_advice < ack->lifetime;
	/* RFC 4285 6: a time stamp goes back to whoever sent one. */
	msg.opts.has_mesg_id = ack->has_mesg_id;
	msg.opts.mesg_id = ack->mesg_id;
	msg.opts.has_care_of_test = ack->has_care_of_token;
	memcpy(msg.opts.care_of_token, ack->care_of_token, sizeof(msg.opts.care_of_token));
	/* RFC 4285 5.1.1: authenticated as the update was. */
	len = message_build(&ip, &msg, key ? &key->auth : NULL, &ack->coa, &ack->hoa, room);
	if (len == 0)
		return;
	ha->counters[HA_TX_BA]++;
	if (send_ack(ha, ack, room, len) < 0)
		ha->counters[HA_SEND_FAILED]++;
}

static void refused(struct ha *ha, const struct verdict *v, const struct lease *lease, usec_t now)
{
	if (ha_log_routine(ha, now))
		log_info("binding %s: refused with status %u, %s", in6_str(&v->hoa).s, v->status,
			 verdict_text(v->reason));
	ha_tell(ha, &(struct ha_event){
		.type = HA_EVENT_BU_REFUSED, .lease = lease, .hoa = v->hoa, .coa = v->coa,
		.status = v->status, .reason = verdict_text(v->reason),
	});
}

/* What a later time stamp must be newer than; one that no key vouches for is none. */
static uint64_t timestamp_of(const struct verdict_in *in)
{
	return in->key ? in->msg->opts.mesg_id : 0;
}

/* RFC 4866 4.1: has the care-of address shown that it can be reached, if that is wanted? */
static bool is_verified(struct ha *ha, const struct mh_msg *msg, const struct verdict *v,
			usec_t now)
{
	if (!ha->cfg->care_of_test)
		return true;
	if (!msg->opts.has_care_of_test)
		return false;
	if (careof_right(ha, &v->hoa, &v->coa, now, msg->opts.care_of_token)) {
		ha->counters[HA_CARE_OF_VERIFIED]++;
		return true;
	}
	ha->counters[HA_CARE_OF_WRONG_TOKEN]++;
	return false;
}

/* RFC 4866 5.4: a token goes to whoever asks for one, where it is needed. */
static void add_token(struct ha *ha, const struct mh_msg *msg, const struct verdict *v, usec_t now,
		      struct ha_ack *ack)
{
	const struct binding *b = bcache_find(&ha->bcache, &v->hoa);

	if (v->reason != VERDICT_REGISTER || !msg->opts.has_care_of_test_init ||
	    !ha->cfg->care_of_test || !b || !(b->unverified || b->state == BINDING_TESTING))
		return;
	ack->has_care_of_token = true;
	careof_token(ha, &v->hoa, &v->coa, now, ack->care_of_token);
}

/* Puts the binding where the Binding Update wants it; false: the verdict has changed. */
static bool register_binding(struct ha *ha, const struct verdict_in *in, struct binding *b,
			     struct lease *lease, struct verdict *v, usec_t now)
{
	struct binding_request req = {
		.coa = v->coa, .sequence = v->sequence,
		.spi = in->key ? in->key->auth.spi : 0,
		.lifetime_s = v->lifetime * MIP6_LIFETIME_UNIT_S, .timestamp = timestamp_of(in),
		.linklocal = in->msg->u.bu.flags & BU_LLOCAL,
		.verified = is_verified(ha, in->msg, v, now),
	};
	bool have;

	if (!b) {
		b = bcache_add(&ha->bcache, &v->hoa, ha_home_of(ha, &v->hoa), lease);
		if (b) {
			binding_init(b);
			past_recall(b);
		}
	}
	have = b;
	if (b && binding_event(b, BINDING_EVENT_REGISTER, &req, now) == 0)
		return true;
	v->reason = have ? VERDICT_DATAPATH : VERDICT_TABLE_FULL;
	v->status = verdict_status(v->reason);
	v->lifetime = 0;
	return false;
}

/* A de-registration may have overtaken the registration that it ends. Its number is
 * remembered as if there had been a binding (RFC 6275 10.3.2), so that the registration,
 * when it comes, does not bind a host that is at home. */
static void remember_release(struct ha *ha, struct lease *lease, const struct verdict *v,
			     const struct binding_request *req, usec_t now)
{
	struct ha_home *home = ha_home_of(ha, &v->hoa);
	struct binding *b;

	if (!home || (home->cfg.mode == HOME_PER_HOST && !lease))
		return;
	if (lease && (lease->state == LEASE_FREE || lease->bindings >= HA_BINDINGS_PER_LEASE))
		return;
	b = bcache_add(&ha->bcache, &v->hoa, home, lease);
	if (!b)
		return;
	binding_init(b);
	past_recall(b);
	(void)binding_event(b, BINDING_EVENT_RELEASE, req, now);
}

/* Where the host is, is known now; that it is elsewhere counts when its binding stands. */
static void note_presence(struct ha *ha, struct lease *lease, const struct ip6_packet *ip,
			  const struct verdict *v, usec_t now)
{
	if (v->reason == VERDICT_REGISTER) {
		(void)ha_extend_lease(ha, lease, now, NULL);
		lease->missed = false;
	} else if (v->reason == VERDICT_DEREGISTER && in6_eq(&ip->src, &v->hoa)) {
		lease->seen = now;
		if (lease->state == LEASE_DETACHED && lease->interface &&
		    lease->home->state <= HOME_RETIRING)
			nd_lease_attach(ha, lease, lease->interface, now, "de-registered at home");
	}
}

static void carry_out(struct ha *ha, const struct verdict_in *in, struct binding *b,
		      struct lease *lease, struct verdict *v, usec_t now)
{
	struct binding_request req = {
		.sequence = v->sequence, .timestamp = timestamp_of(in),
		.spi = in->key ? in->key->auth.spi : 0,
	};

	if (v->reason == VERDICT_REGISTER) {
		register_binding(ha, in, b, lease, v, now);
	} else if (v->reason == VERDICT_DEREGISTER) {
		(void)binding_event(b, BINDING_EVENT_RELEASE, &req, now);
	} else if (v->reason == VERDICT_NO_BINDING) {
		remember_release(ha, lease, v, &req, now);
	} else if (b && verdict_is_valid(v->reason)) {
		binding_number(b, &req);
	}
}

/* ---- what the data path puts off ---- */

bool ha_waits(const struct ha *ha, const struct in6_addr *hoa)
{
	for (unsigned int i = 0; i < ha->n_pending; i++)
		if (in6_eq(&ha->pending[i].ack.hoa, hoa))
			return true;
	return false;
}

struct ha_pending ha_before(const struct binding *b)
{
	if (!b)
		return (struct ha_pending){ .state_before = BINDING_NEW };
	return (struct ha_pending){
		.state_before = b->state, .coa_before = b->coa,
		.unverified_before = b->unverified,
		.lifetime_before_s = b->lifetime_s, .expires_before = b->expires,
	};
}

/* The route to its link goes after that into the tunnel has come: a host with two interfaces
 * is still there. */
static void host_left(struct ha *ha, const struct in6_addr *hoa, usec_t now)
{
	const struct binding *b = bcache_find(&ha->bcache, hoa);

	if (b && b->lease && binding_carries(b)) {
		nd_lease_detach(ha, b->lease, now, "registered from elsewhere");
		b->lease->missed = false;
		if (b->by_router)
			lma_claimed(b, now);
	}
}

void update_put_off(struct ha *ha, const struct ha_pending *p)
{
	ha->pending[ha->n_pending++] = *p;
}

/* What changes nothing in the data path is acknowledged at once, the rest when it stands. */
static void answer(struct ha *ha, const struct ha_pending *p, enum verdict_reason reason,
		   usec_t now)
{
	bool refresh = p->state_before == BINDING_BOUND && in6_eq(&p->coa_before, &p->ack.coa);

	if (!ha->ops->dp_commit || (reason != VERDICT_REGISTER && reason != VERDICT_DEREGISTER) ||
	    (reason == VERDICT_REGISTER && refresh)) {
		ha_acknowledge(ha, &p->ack);
		if (p->left)
			host_left(ha, &p->ack.hoa, now);
		return;
	}
	update_put_off(ha, p);
	if (ha->n_pending == HA_BATCH)
		ha_flush(ha, now);
}

void ha_dp_failed(struct ha *ha, const struct in6_prefix *inner, int err)
{
	struct binding *b = bcache_find(&ha->bcache, &inner->addr);
	bool awaited = false;

	ha->counters[HA_DATAPATH_FAILED]++;
	log_warn("binding %s: the data path failed: %s", in6_prefix_str(inner).s, strerror(-err));
	if (mag_dp_failed(ha, inner))
		return;
	for (unsigned int i = 0; i < ha->n_pending; i++)
		if (in6_eq(&inner->addr, &ha->pending[i].ack.hoa)) {
			ha->pending[i].err = err;
			awaited = true;
		}
	/* One of an earlier run that could not be put back: nobody waits for an answer. */
	if (!awaited && b && binding_carries(b))
		binding_lost(b);
}

/* RFC 6275 9.5.4: what could not be done is refused. */
static void refuse(struct ha *ha, struct ha_pending *p, usec_t now)
{
	struct binding *b = bcache_find(&ha->bcache, &p->ack.hoa);
	struct verdict v = { .reason = VERDICT_DATAPATH, .hoa = p->ack.hoa, .coa = p->ack.coa };

	if (!b || b->state != BINDING_BOUND)
		return;			/* a removal: there is nobody to whom it matters */
	v.status = p->ack.status = verdict_status(v.reason);
	p->ack.lifetime = 0;
	if (p->proxy) {
		lma_failed(p->proxy, &p->ack.hoa);
	} else {
		ha->verdicts[VERDICT_REGISTER]--;
		ha->verdicts[VERDICT_DATAPATH]++;
	}
	refused(ha, &v, b->lease, now);
	binding_failed(b, p, now);
}

void ha_flush(struct ha *ha, usec_t now)
{
	if (ha->ops->dp_commit)
		ha->ops->dp_commit(ha->ctx);
	for (unsigned int i = 0; i < ha->n_pending; i++) {
		if (ha->pending[i].err < 0)
			refuse(ha, &ha->pending[i], now);
		if (!ha->pending[i].proxy)
			ha_acknowledge(ha, &ha->pending[i].ack);
		if (ha->pending[i].left && ha->pending[i].err == 0)
			host_left(ha, &ha->pending[i].ack.hoa, now);
	}
	ha->n_pending = 0;
	for (unsigned int i = 0; i < ha->n_answers; i++)
		lma_acknowledge(ha, &ha->answers[i]);
	ha->n_answers = 0;
}

bool ha_has_configured_key(const struct ha *ha, enum auth_algorithm worst,
			   const struct in6_addr *hoa, const struct lease *lease)
{
	for (unsigned int i = 0; i < ha->cfg->n_keys; i++) {
		const struct ha_key *k = &ha->cfg->keys[i];

		if (k->auth.algorithm >= worst && (k->has_mn || k->n_hoas > 0) &&
		    verdict_key_allows(k, hoa, lease))
			return true;
	}
	return false;
}

/* Is there a key of this host's own, with an algorithm as good as that one at least? */
static bool has_own_key(const struct ha *ha, enum auth_algorithm worst,
			const struct in6_addr *hoa, const struct lease *lease)
{
	return sa_of_address(ha, hoa) || ha_has_configured_key(ha, worst, hoa, lease);
}

/* RFC 4285 5: a host that shares a key with us is not heard without it, whatever else is
 * allowed on its link. */
static bool may_be_unauthenticated(const struct ha *ha, const struct ha_home *home,
				   const struct in6_addr *hoa, const struct lease *lease)
{
	return home && home->cfg.unauthenticated &&
	       !has_own_key(ha, AUTH_HMAC_SHA1_96, hoa, lease);
}

/* A binding of a home address in a prefix that hosts share begins with a test; the answer
 * waits for its end. */
static bool hold(struct ha *ha, const struct ha_home *home, const struct in6_addr *hoa,
		 enum verdict_reason reason, const struct ha_ack *ack)
{
	struct binding *b;

	if (reason != VERDICT_REGISTER || !home || home->cfg.mode != HOME_SHARED)
		return false;
	b = bcache_find(&ha->bcache, hoa);
	if (!b || b->state != BINDING_TESTING)
		return false;
	ha->counters[HA_DAD_HELD]++;
	proxy_hold_ack(b, ack);
	return true;
}

void update_tested(struct ha *ha, const struct ha_ack *ack, bool duplicate, int err, usec_t now)
{
	struct ha_pending pending = { .state_before = BINDING_NEW, .ack = *ack };
	struct verdict v = {
		.reason = duplicate ? VERDICT_DUPLICATE : err < 0 ? VERDICT_DATAPATH :
			  VERDICT_REGISTER,
		.hoa = ack->hoa, .coa = ack->coa,
	};

	ha->verdicts[v.reason]++;
	if (v.reason != VERDICT_REGISTER) {
		v.status = pending.ack.status = verdict_status(v.reason);
		pending.ack.lifetime = 0;
		refused(ha, &v, NULL, now);
	}
	answer(ha, &pending, v.reason, now);
	ha_flush(ha, now);
}

/* Packets to the address go on to another one, or will when its test is over. */
static bool leads_on(const struct ha *ha, const struct in6_addr *a)
{
	const struct binding *b = bcache_find(&ha->bcache, a);

	return (b && b->state == BINDING_TESTING) || ha_bound_for(ha, a);
}

/* Where a Mobility Header came from; ifindex 0: not known. */
struct from {
	int ifindex;
	uint8_t mac[6];
	bool protected_by_ipsec;
};

/* RFC 6275 10.3.2: a node on its shared home link is answered at its link-layer address,
 * which may not be asked for there while the home agent defends the home address. */
static bool is_on_link(const struct ha_home *home, const struct from *from,
		       const struct ip6_packet *ip, const struct in6_addr *hoa)
{
	return home && home->link && from->ifindex != 0 &&
	       home->link->ifindex == from->ifindex && in6_eq(&ip->src, hoa);
}

/* While draining nothing is promised beyond the end, but for the unit that time has here. */
static usec_t longest_lifetime(const struct ha *ha, usec_t now)
{
	usec_t t = drain_limit(&ha->drain, ha->cfg->binding_lifetime, now);

	return t > UNIT ? t : UNIT;
}

/* Draining refuses who is new. A host that has a lease was here before: what it registers is
 * a flow that it takes along. */
static bool refuses_new(const struct ha *ha, const struct lease *lease)
{
	switch (ha->drain.state) {
	case DRAIN_OFF:
		return false;
	case DRAIN_ON:
		return !lease;
	case DRAIN_LAST:
	case DRAIN_OVER:
		break;
	}
	return true;
}

/* What a time stamp has to be newer than: the greatest of its home address, and where nothing is
 * known of that, the greatest that was forgotten. */
static uint64_t greatest_timestamp(const struct ha *ha, const struct binding *b,
				   const struct past *past)
{
	if (b && b->timestamp != 0)
		return b->timestamp;
	return past && past->timestamp != 0 ? past->timestamp : ha->pasts.floor;
}

/* What the verdict goes by, but for the message's octets and the policy. */
static struct verdict_in look_up(struct ha *ha, const struct ip6_packet *ip,
				 const struct mh_msg *msg, const struct ha_home *home,
				 const struct binding *binding, const struct lease *lease,
				 usec_t now)
{
	bool is_signed = msg->opts.mn_ha.present;
	const struct past *past;
	struct in6_addr hoa, coa;

	verdict_addresses(ip, msg, &hoa, &coa);
	past = binding ? NULL : past_find(ha, &hoa);
	return (struct verdict_in){
		.ip = ip, .msg = msg,
		.key = is_signed ? ha_find_key(ha, msg->opts.mn_ha.spi, &hoa, lease) : NULL,
		.has_better_key = is_signed && msg->opts.mn_ha.spi == AUTH_SPI_HMAC_SHA1 &&
				  has_own_key(ha, AUTH_HMAC_SHA256_128, &hoa, lease),
		.may_be_unauthenticated = !is_signed &&
					  may_be_unauthenticated(ha, home, &hoa, lease),
		.home = home, .binding = binding, .past = past, .lease = lease,
		.greatest = greatest_timestamp(ha, binding, past),
		.prefix_left = home ? home_valid_left(home, lease, now) : 0,
		.prefix_deprecated = home && home_is_deprecated(home),
		.to_other_home = home && !in6_eq(&home->cfg.address, &ip->dst),
		.hoa_is_ours = ha_is_own_address(ha, &hoa),
		.coa_is_ours = ha_is_own_address(ha, &coa),
		.coa_is_bound = !in6_eq(&hoa, &coa) && leads_on(ha, &coa),
		.cache_full = ha->bcache.n >= ha->bcache.max,
		.key_of_binding_stands = binding && ha_binding_key(ha, binding),
		.now = now,
		.wall = msg->opts.has_mesg_id ? ntp_time(ha->ops->wall_us(ha->ctx)) : 0,
	};
}

static bool same_network(const struct in6_addr *a, const struct in6_addr *b)
{
	const struct in6_prefix p = { .addr = *a, .len = 64 };

	return in6_in(&p, b);
}

/* From where the home address is bound by that key, or from its home: whoever forges that
 * network must not keep the host's own messages from being looked at. */
static bool is_at_its_place(const struct verdict_in *in, const struct in6_addr *hoa)
{
	const struct binding *b = in->binding;

	return b && b->spi == in->key->auth.spi &&
	       (same_network(&in->ip->src, &b->coa) || same_network(&in->ip->src, hoa));
}

static bool may_be_checked(const struct ha *ha, const struct verdict_in *in,
			   const struct in6_addr *hoa, usec_t now)
{
	return !in->key || limit_allows(&ha->limit, &in->ip->src, now) ||
	       is_at_its_place(in, hoa);
}

/* Drops, and what is answered though nobody has proven to be who he says. */
static void note_failure(struct ha *ha, const struct ip6_packet *ip, enum verdict_reason reason,
			 usec_t now)
{
	if (reason == VERDICT_BAD_AUTH || reason == VERDICT_AUTH_FAIL)
		limit_failed(&ha->limit, &ip->src, LIMIT_CHECKED, now);
	else if (verdict_is_drop(reason))
		limit_failed(&ha->limit, &ip->src, LIMIT_CHEAP, now);
}

static void rx_bu(struct ha *ha, const struct from *from, const struct ip6_packet *ip,
		  const struct mh_msg *msg, const uint8_t *mh, usec_t now)
{
	struct verdict_policy policy = {
		.max_lifetime = longest_lifetime(ha, now),
		.bindings_per_lease = HA_BINDINGS_PER_LEASE,
		.answer_auth_failure = ha->cfg->answer_auth_failure,
		.ipsec_required = ha->cfg->ipsec_required,
	};
	struct in6_addr hoa, coa;
	struct binding *binding;
	struct ha_home *home;
	struct lease *lease;
	struct ha_pending pending;
	struct verdict_in in;
	struct verdict v;
	uint32_t spi;

	ha->counters[HA_RX_BU]++;
	verdict_addresses(ip, msg, &hoa, &coa);
	if (ha_waits(ha, &hoa))
		ha_flush(ha, now);	/* one thing at a time for one home address */
	binding = bcache_find(&ha->bcache, &hoa);
	/* What another router has registered is not the host's to change. */
	if (binding && binding->by_router)
		binding = NULL;
	home = ha_home_of(ha, &hoa);
	lease = binding ? binding->lease : ha_find_lease(ha, &hoa);
	policy.no_new_bindings = refuses_new(ha, lease);
	in = look_up(ha, ip, msg, home, binding, lease, now);
	in.mh = mh;
	in.policy = &policy;
	in.too_many_wrong = !may_be_checked(ha, &in, &hoa, now);
	in.protected_by_ipsec = from->protected_by_ipsec;
	verdict(&in, &v);
	pending = ha_before(binding);
	spi = in.key ? in.key->auth.spi : 0;
	if (v.proven && in.key->sa)
		sa_used(in.key->sa, msg->opts.mesg_id, now);
	if (!verdict_is_drop(v.reason))
		carry_out(ha, &in, binding, lease, &v, now);
	pending.ack = (struct ha_ack){
		.from = ip->dst, .to = ip->src, .hoa = v.hoa, .coa = v.coa,
		.spi = spi,
		.status = v.status, .sequence = v.sequence, .lifetime = v.lifetime,
		.has_mesg_id = msg->opts.has_mesg_id, .mesg_id = v.mesg_id,
	};
	add_token(ha, msg, &v, now, &pending.ack);
	if (hold(ha, home, &hoa, v.reason, &pending.ack))
		return;
	ha->verdicts[v.reason]++;
	note_failure(ha, ip, v.reason, now);
	if (verdict_is_drop(v.reason)) {
		log_debug("Binding Update from %s for %s dropped: %s", in6_str(&ip->src).s,
			  in6_str(&hoa).s, verdict_text(v.reason));
		return;
	}
	/* What is sent, and said, for a message that was not authenticated is counted out. */
	if ((v.reason == VERDICT_AUTH_FAIL ||
	     (!in.key && !in.protected_by_ipsec && v.status >= BA_UNSPECIFIED)) &&
	    !ha_error_allowed(ha, now))
		return;
	if (v.status >= BA_UNSPECIFIED)
		refused(ha, &v, lease, now);
	if (is_on_link(home, from, ip, &hoa)) {
		pending.ack.ifindex = from->ifindex;
		memcpy(pending.ack.mac, from->mac, sizeof(pending.ack.mac));
	}
	if (v.reason == VERDICT_REGISTER && lease)
		lma_client(ha, lease, now);
	pending.left = v.reason == VERDICT_REGISTER && lease && lease->state == LEASE_ATTACHED;
	if (lease)
		note_presence(ha, lease, ip, &v, now);
	answer(ha, &pending, v.reason, now);
	if (!lease && v.reason == VERDICT_DEREGISTER && pending.ack.ifindex != 0)
		(void)ha->ops->host_attach(ha->ctx, home, &hoa, from->mac);
}

static void rx_mh(struct ha *ha, const struct from *from, const void *data, size_t len,
		  usec_t now)
{
	const uint8_t *mh;
	struct ip6_packet ip;
	struct mh_msg msg;
	enum ip6_err ip_err;
	enum mh_err err;
	size_t at = 0;

	ha->counters[HA_RX_MH]++;
	ip_err = ip6_decode(data, len, &ip);
	if (ip_err != IP6_OK) {
		ha->mh_ip6_errors[ip_err]++;
		ha_bad_packet(ha, data, len, now);
		return;
	}
	if (!ha_is_own_address(ha, &ip.dst) || ip.next_header != MH_NEXT_HEADER) {
		ha->counters[HA_RX_MH_ELSEWHERE]++;
		return;
	}
	/* RFC 6275 6.4.1: it goes on to a mobile node's home address, and we are none. */
	if (ip.has_rh2) {
		ha->counters[HA_RX_MH_ROUTED]++;
		limit_failed(&ha->limit, &ip.src, LIMIT_CHEAP, now);
		return;
	}
	mh = (const uint8_t *)data + ip.payload_off;
	err = mh_decode(mh, ip.payload_len, ip6_cksum_src(&ip), ip6_cksum_dst(&ip), &msg, &at);
	if (err != MH_OK) {
		ha->mh_errors[err]++;
		limit_failed(&ha->limit, &ip.src, LIMIT_CHEAP, now);
		error_mh(ha, &ip, data, len, err, at, now);
		return;
	}
	if (msg.type == MH_BU && (msg.u.bu.flags & BU_PROXY)) {
		lma_rx(ha, &ip, &msg, mh, now);
	} else if (msg.type == MH_HEARTBEAT && ha->cfg->network_mode) {
		heartbeat_rx(ha, &ip, &msg, mh, now);
	} else if (msg.type == MH_BA && ha->cfg->network_mode) {
		mag_rx_pba(ha, &ip, &msg, mh, now);
	} else if (msg.type == MH_BR && msg.u.br.type == BR_INDICATION && ha->cfg->network_mode) {
		mag_rx_bri(ha, &ip, &msg, mh, now);
	} else if (msg.type == MH_BU) {
		rx_bu(ha, from, &ip, &msg, mh, now);
	} else if (msg.type != MH_BR || msg.u.br.type != BR_ACKNOWLEDGEMENT) {
		ha->counters[HA_RX_MH_UNEXPECTED]++;
		limit_failed(&ha->limit, &ip.src, LIMIT_CHEAP, now);
	} else if (ha->cfg->ipsec_required && !from->protected_by_ipsec) {
		/* RFC 5846 6.2: protected as the Binding Updates were. */
		ha->counters[HA_BRA_BAD_AUTH]++;
		limit_failed(&ha->limit, &ip.src, LIMIT_CHEAP, now);
	} else if (!notice_rx(ha, &ip, &msg, mh)) {
		revoke_rx(ha, &ip, &msg, mh, now);
	}
}

void ha_rx_mh(struct ha *ha, const void *data, size_t len, usec_t now)
{
	rx_mh(ha, &(struct from){ .ifindex = 0 }, data, len, now);
}

void ha_rx_mh_link(struct ha *ha, int ifindex, const uint8_t mac[6], const void *data, size_t len,
		   usec_t now)
{
	struct from from = { .ifindex = ifindex };

	memcpy(from.mac, mac, sizeof(from.mac));
	rx_mh(ha, &from, data, len, now);
}

void ha_rx_mh_protected(struct ha *ha, const void *data, size_t len, usec_t now)
{
	rx_mh(ha, &(struct from){ .protected_by_ipsec = true }, data, len, now);
}
