/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Proxy Binding Updates in, Proxy Binding Acknowledgements out (RFC 5213 5.3): looks up what
 * pbu.c needs, carries its verdict out, answers. Owns the answers that wait for the data path.
 * Called by update.c, and by nd.c when a host is back. What becomes of a binding is binding.c's,
 * as for a Binding Update.
 */
#include "ha-agent/lma.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "ha-agent/binding.h"
#include "ha-agent/sa.h"

/* After that a host that shows itself has come back rather than never left. */
#define CLAIM_CONTESTED	USEC_S

int lma_init(struct ha *ha)
{
	ha->answers = calloc(HA_BATCH, sizeof(*ha->answers));
	return ha->answers ? 0 : -ENOMEM;
}

void lma_free(struct ha *ha)
{
	free(ha->answers);
	ha->answers = NULL;
}

static struct binding *binding_of(const struct ha *ha, const struct in6_addr *prefix)
{
	struct binding *b = bcache_find(&ha->bcache, prefix);

	return b && b->by_router ? b : NULL;
}

/* The lease on exactly that prefix, if the host of it may still have it. */
static struct lease *lease_of(const struct ha *ha, const struct mh_prefix *p)
{
	const struct in6_prefix prefix = { .addr = p->addr, .len = p->len };
	struct lease *l = ha_find_lease(ha, &p->addr);

	return l && l->state != LEASE_FREE && in6_prefix_eq(&l->prefix, &prefix) ? l : NULL;
}

/*
 * RFC 5213 5.4.1, RFC 7864 3.2.1: a session is that of one interface. Which entry of the prefix is
 * it about: that which this interface has, the one without an identifier if the prefix was given
 * to it, or if the host takes it from one interface to another; else a way of its own. -ENOSPC:
 * there are as many as there may be.
 */
static int bid_of(const struct ha *ha, const struct lease *l, const struct mh_opts *o)
{
	int unused = -ENOSPC;

	if (o->link_layer_len != sizeof(l->mac) ||
	    memcmp(o->link_layer, l->mac, sizeof(l->mac)) == 0)
		return 0;
	for (uint16_t bid = 0; bid < BCACHE_BIDS; bid++) {
		const struct binding *b = bcache_find_bid(&ha->bcache, &l->prefix.addr, bid);

		if (b && b->by_router && memcmp(b->link_layer, o->link_layer, 6) == 0)
			return bid;
		if (!b && bid > 0 && unused < 0)
			unused = bid;
	}
	return o->handoff == HANDOFF_OTHER_INTERFACE ? 0 : unused;
}

static struct binding *entry(const struct ha *ha, const struct lease *l, int bid)
{
	struct binding *b = bid < 0 ? NULL : bcache_find_bid(&ha->bcache, &l->prefix.addr,
							      (uint16_t)bid);

	return b && b->by_router ? b : NULL;
}

const struct binding *lma_binding_at(const struct ha *ha, const struct in6_addr *prefix,
				     const struct in6_addr *coa)
{
	for (uint16_t bid = 1; bid < BCACHE_BIDS; bid++) {
		const struct binding *b = bcache_find_bid(&ha->bcache, prefix, bid);

		if (b && binding_carries(b) && in6_eq(&b->coa, coa))
			return b;
	}
	return bcache_find(&ha->bcache, prefix);
}

/* What the host has here: has it anything, and how much of that is bound? */
static void look_at_host(const struct ha *ha, const uint8_t mac[6], struct pbu_in *in)
{
	for (unsigned int i = 0; i < ha->n_homes; i++) {
		const struct lease *l = pool_find_mac(&ha->homes[i].pool, mac);
		const struct binding *b;

		if (ha->homes[i].cfg.mode != HOME_PER_HOST || !l || l->state == LEASE_FREE)
			continue;
		in->mn_known = true;
		/* 5.3.1 6: by the operator, or it does so itself, or has a key for that. */
		in->mn_refused |= hosts_access(ha, mac) != SDB_ALLOWED || l->client ||
				  sa_of_address(ha, &l->prefix.addr);
		/* A session is with one address of ours. */
		if (!in6_eq(&ha->homes[i].cfg.address, &in->ip->dst))
			continue;
		b = entry(ha, l, bid_of(ha, l, &in->msg->opts));
		in->n_bound += b && binding_carries(b);
	}
}

static bool is_mac(const struct lease *l, const struct mh_opts *o)
{
	return o->has_mn_id && o->link_layer_len == sizeof(l->mac) &&
	       memcmp(o->link_layer, l->mac, sizeof(l->mac)) == 0;
}

static struct pbu_in look_up(struct ha *ha, const struct ip6_packet *ip, const struct mh_msg *msg,
			     const uint8_t *mh, usec_t now)
{
	const struct mh_opts *o = &msg->opts;
	usec_t lifetime = drain_limit(&ha->drain, ha->cfg->binding_lifetime, now);
	struct pbu_in in = {
		.ip = ip, .msg = msg, .mh = mh, .peer = ha_peer_of(ha, &ip->src),
		.too_many_wrong = !limit_allows(&ha->limit, &ip->src, now),
		.room = ha->bcache.max - ha->bcache.n, .draining = ha->drain.state != DRAIN_OFF,
		.max_lifetime = lifetime, .window = ha->cfg->timestamp_window,
		.wall = pbu_time(ha->ops->wall_us(ha->ctx)),
	};
	uint8_t macs[HA_HOST_LINKS][6];
	unsigned int n = hosts_named(ha, o, macs);

	for (unsigned int i = 0; i < n; i++)
		look_at_host(ha, macs[i], &in);
	for (unsigned int i = 0; i < o->n_prefixes; i++) {
		struct lease *l = lease_of(ha, &o->prefixes[i]);
		int bid = l ? bid_of(ha, l, o) : 0;

		in.prefixes[i] = (struct pbu_prefix){
			.lease = l, .binding = l ? entry(ha, l, bid) : NULL,
			.of_mn = l && (hosts_is_named(ha, l->mac, o) || (n == 0 && is_mac(l, o))),
			.no_way = bid < 0,
		};
		/* A name that nobody here has heard of: the address tells. */
		if (in.prefixes[i].of_mn && n == 0)
			look_at_host(ha, l->mac, &in);
		/* No longer than what the prefix is of lasts. */
		if (l)
			in.max_lifetime = home_limit(l->home, in.max_lifetime, now);
	}
	return in;
}

/* 5.3.6: what came goes back, and what did not is there as nothing. */
static struct lma_answer begin_answer(const struct pbu_in *in, const struct pbu_verdict *v)
{
	const struct mh_opts *o = &in->msg->opts;
	struct lma_answer a = {
		.to = in->ip->src, .from = in->ip->dst, .status = v->status,
		.sequence = v->sequence, .lifetime = v->lifetime,
		.opts = { .has_mn_id = true, .mn_id_subtype = o->mn_id_subtype,
			  .mn_id_len = o->mn_id_len, .n_prefixes = o->n_prefixes,
			  .has_handoff = true, .handoff = o->handoff,
			  .has_access_type = true, .access_type = o->access_type,
			  .link_layer_len = o->link_layer_len,
			  .has_timestamp = o->has_timestamp, .timestamp = v->timestamp },
	};

	memcpy(a.opts.mn_id, o->mn_id, o->mn_id_len);
	memcpy(a.opts.prefixes, o->prefixes, sizeof(o->prefixes));
	memcpy(a.opts.link_layer, o->link_layer, o->link_layer_len);
	if (o->n_prefixes == 0)
		a.opts.n_prefixes = 1;		/* all zero */
	/* 5.3.6: as it came; if it asks, RFC 6543 has one that all routers use. */
	a.opts.has_link_local = o->has_link_local;
	a.opts.link_local = o->link_local;
	if (o->has_link_local && in6_is_any(&o->link_local) && v->status < BA_UNSPECIFIED)
		a.opts.link_local = (struct in6_addr)MAG_ROUTER_LINK_LOCAL;
	return a;
}

/* 5.3.6: of what was granted each prefix that there is; of what was refused all that came. */
static void leave_out_failed(struct ha *ha, const struct lma_answer *a, struct mh_msg *msg)
{
	struct mh_opts *o = &msg->opts;

	if (a->failed == 0)
		return;
	o->n_prefixes = 0;
	for (unsigned int i = 0; i < a->opts.n_prefixes; i++)
		if (!(a->failed & UINT32_C(1) << i))
			o->prefixes[o->n_prefixes++] = a->opts.prefixes[i];
	if (o->n_prefixes > 0)
		return;
	*o = a->opts;
	msg->u.ba.status = pbu_status(PBU_DATAPATH);
	msg->u.ba.lifetime = 0;
	/* Only a registration can fail there. */
	ha->pbus[PBU_REGISTER]--;
	ha->pbus[PBU_DATAPATH]++;
}

void lma_acknowledge(struct ha *ha, const struct lma_answer *a)
{
	const struct ip6_packet ip = {
		.src = a->from, .dst = a->to, .hop_limit = 64,
		.next_header = MH_NEXT_HEADER,
	};
	struct mh_msg msg = { .type = MH_BA, .opts = a->opts, .u.ba = {
		.status = a->status, .flags = BA_PROXY, .seq = a->sequence,
		.lifetime = a->lifetime,
	} };
	const struct ha_peer *peer = ha_peer_of(ha, &a->to);
	uint8_t room[MESSAGE_ROOM];

	leave_out_failed(ha, a, &msg);
	if (peer)
		message_send(ha, room, message_build(&ip, &msg, &peer->auth, &a->to, &a->from,
						     room), HA_TX_PBA);
}

void lma_name(const struct binding *b, struct mh_opts *ret)
{
	static const uint8_t unknown[6];
	const uint8_t *mac = memcmp(b->link_layer, unknown, 6) == 0 ? b->lease->mac : b->link_layer;

	hosts_put_name(b->home->ha, b->lease->mac, ret);
	ret->link_layer_len = 6;
	memcpy(ret->link_layer, mac, 6);
	ret->n_prefixes = 1;
	ret->prefixes[0] = (struct mh_prefix){ .addr = b->hoa, .len = BCACHE_PREFIX };
}

void lma_stamp(const struct ha *ha, struct mh_opts *ret)
{
	ret->has_timestamp = true;
	ret->timestamp = pbu_time(ha->ops->wall_us(ha->ctx));
}

void lma_failed(struct lma_answer *a, const struct in6_addr *prefix)
{
	for (unsigned int i = 0; i < a->opts.n_prefixes; i++)
		if (in6_eq(&a->opts.prefixes[i].addr, prefix))
			a->failed |= UINT32_C(1) << i;
}

void lma_client(struct ha *ha, struct lease *l, usec_t now)
{
	if (l->client)
		return;
	l->client = true;
	if (ha->cfg->network_mode)
		ha->ops->session_del(ha->ctx, l);
	for (int bid = 0; bid < BCACHE_BIDS; bid++) {
		struct binding *b = entry(ha, l, bid);

		if (!b || !binding_carries(b))
			continue;
		notice_send(ha, b, now);
		(void)binding_event(b, BINDING_EVENT_RELEASE, &(struct binding_request){
			.sequence = b->sequence, .by_router = true,
			.reason = "the host registers itself",
		}, now);
	}
}

/* A router that takes hosts which are not with it is not to go unnoticed: the host is asked where
 * it was, and answers if it is there still. */
void lma_claimed(const struct binding *b, usec_t now)
{
	struct ha *ha = b->home->ha;

	if (!ha->cfg->network_mode || !b->lease || in6_is_any(&b->lease->linklocal))
		return;
	b->lease->claimed = now;
	nd_probe(b->lease);
}

static void contested(struct ha *ha, const struct binding *b)
{
	ha->counters[HA_CLAIM_CONTESTED]++;
	log_warn("router %s has registered %s, whose host %s is here", in6_str(&b->coa).s,
		 in6_str(&b->hoa).s, mac_str(b->lease->mac).s);
	ha_tell(ha, &(struct ha_event){
		.type = HA_EVENT_CLAIM_CONTESTED, .lease = b->lease, .binding = b,
		.hoa = b->hoa, .coa = b->coa, .reason = "the host answers on its own link",
	});
}

void lma_returned(struct ha *ha, struct lease *l, usec_t now)
{
	struct binding *b = binding_of(ha, &l->prefix.addr);

	if (!b || !binding_carries(b))
		return;
	if (l->claimed != 0 && now - l->claimed < CLAIM_CONTESTED)
		contested(ha, b);
	notice_send(ha, b, now);
	(void)binding_event(b, BINDING_EVENT_RELEASE, &(struct binding_request){
		.sequence = b->sequence, .by_router = true,
		.reason = "the host is on its link again",
	}, now);
}

/* 5.1: the interface of the host there. */
static void note_link(struct binding *b, const struct mh_opts *o)
{
	b->access_type = o->access_type;
	memset(b->link_layer, 0, sizeof(b->link_layer));
	if (o->link_layer_len == sizeof(b->link_layer))
		memcpy(b->link_layer, o->link_layer, sizeof(b->link_layer));
}

static int set_prefix(struct ha *ha, const struct pbu_in *in, const struct pbu_verdict *v,
		      struct lease *l, usec_t now)
{
	const struct mh_opts *o = &in->msg->opts;
	int bid = bid_of(ha, l, o), err;
	struct binding *b = entry(ha, l, bid);
	bool is_new;
	struct binding_request req = {
		.coa = in->ip->src, .sequence = in->msg->u.bu.seq,
		.by_router = true, .verified = true,
		.spi = in->peer->auth.spi, .lifetime_s = v->lifetime * MIP6_LIFETIME_UNIT_S,
		.timestamp = o->has_timestamp ? o->timestamp : 0,
	};

	if (v->reason == PBU_DEREGISTER) {
		if (b && binding_carries(b))
			(void)binding_event(b, BINDING_EVENT_RELEASE, &req, now);
		return 0;
	}
	/* RFC 5846 8.1: who had it until now is told. */
	if (b && binding_carries(b) && !in6_eq(&b->coa, &req.coa))
		notice_send(ha, b, now);
	if (!b) {
		b = bid < 0 ? NULL : bcache_add_bid(&ha->bcache, &l->prefix.addr, (uint16_t)bid,
						    l->home, l);
		if (!b)
			return -ENOSPC;
		binding_init(b);
	}
	note_link(b, o);
	is_new = !binding_carries(b) || !in6_eq(&b->coa, &req.coa);
	err = binding_event(b, BINDING_EVENT_REGISTER, &req, now);
	if (err == 0 && is_new)
		claims_note(ha, b, now);
	return err;
}

/* Each prefix by itself; what cannot be done is not in the answer. */
static void carry_out(struct ha *ha, const struct pbu_in *in, const struct pbu_verdict *v,
		      usec_t now)
{
	struct lma_answer *a = &ha->answers[ha->n_answers];

	*a = begin_answer(in, v);
	for (unsigned int i = 0; i < in->msg->opts.n_prefixes; i++) {
		struct lease *l = lease_of(ha, &in->msg->opts.prefixes[i]);
		struct ha_pending p;
		int bid;

		if (!l)
			continue;
		bid = bid_of(ha, l, &in->msg->opts);
		p = ha_before(entry(ha, l, 0));
		p.ack = (struct ha_ack){ .hoa = l->prefix.addr, .coa = in->ip->src };
		p.proxy = a;
		p.left = v->reason == PBU_REGISTER && l->state == LEASE_ATTACHED;
		if (v->reason == PBU_REGISTER) {
			l->confirmed = true;
			(void)ha_extend_lease(ha, l, now, NULL);
			l->missed = false;
		}
		if (set_prefix(ha, in, v, l, now) < 0)
			lma_failed(a, &l->prefix.addr);
		else if (bid == 0)
			update_put_off(ha, &p);
		/* RFC 7864 4.1: its addresses are those of another interface. */
		else
			a->opts.prefixes[i].off_link =
				steer_default(ha, &l->prefix.addr) != entry(ha, l, bid);
	}
	ha->n_answers++;
	/* Nothing is put off where the data path does everything at once, and no more than fits. */
	if (!ha->ops->dp_commit || ha->n_pending == HA_BATCH)
		ha_flush(ha, now);
}

/* All that it names waits for the data path together. */
static void make_room(struct ha *ha, const struct mh_opts *o, usec_t now)
{
	bool flush = ha->n_answers == HA_BATCH || ha->n_pending + o->n_prefixes > HA_BATCH;

	for (unsigned int i = 0; i < o->n_prefixes; i++)
		flush = flush || ha_waits(ha, &o->prefixes[i].addr);
	if (flush)
		ha_flush(ha, now);
}

static void refused(struct ha *ha, const struct pbu_in *in, const struct pbu_verdict *v,
		    usec_t now)
{
	const struct mh_opts *o = &in->msg->opts;
	const struct lma_answer a = begin_answer(in, v);

	if (v->status >= BA_UNSPECIFIED) {
		struct in6_addr prefix = o->n_prefixes > 0 ? o->prefixes[0].addr : in6addr_any;

		if (ha_log_routine(ha, now))
			log_info("router %s: refused with status %u for %s, %s",
				 in6_str(&in->ip->src).s, v->status, in6_str(&prefix).s,
				 pbu_text(v->reason));
		ha_tell(ha, &(struct ha_event){
			.type = HA_EVENT_BU_REFUSED, .lease = in->prefixes[0].lease,
			.hoa = prefix, .coa = in->ip->src, .status = v->status,
			.reason = pbu_text(v->reason),
		});
	}
	lma_acknowledge(ha, &a);
}

void lma_rx(struct ha *ha, const struct ip6_packet *ip, const struct mh_msg *msg,
	    const uint8_t *mh, usec_t now)
{
	struct pbu_verdict v;
	struct pbu_in in;

	ha->counters[HA_RX_PBU]++;
	make_room(ha, &msg->opts, now);
	in = look_up(ha, ip, msg, mh, now);
	pbu_verdict(&in, &v);
	ha->pbus[v.reason]++;
	if (pbu_is_drop(v.reason)) {
		if (v.reason != PBU_NOT_CURRENT)
			limit_failed(&ha->limit, &ip->src, v.reason == PBU_BAD_AUTH ?
				     LIMIT_CHECKED : LIMIT_CHEAP, now);
		log_debug("Proxy Binding Update from %s dropped: %s", in6_str(&ip->src).s,
			  pbu_text(v.reason));
		return;
	}
	if (v.reason == PBU_REGISTER || v.reason == PBU_DEREGISTER)
		carry_out(ha, &in, &v, now);
	else
		refused(ha, &in, &v, now);
}
