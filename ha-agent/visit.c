/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One registration of one host at one anchor: Proxy Binding Updates out, their acknowledgements
 * and revocations in (RFC 5213 6.9, RFC 5846 section 9). Owns the visits; called by mag.c, by
 * update.c with what comes in, and by its timer:
 *
 *	timer	REGISTERING, REFRESHING: no answer, the update is sent again (6.9.4)
 *		REGISTERED: two thirds of the lifetime are over, it is extended
 *		DOUBTED: the host did not answer: it is elsewhere
 *		LEAVING: no answer; after MAG_LEAVE_TRIES it is over
 *
 * A prefix is in the data path from the moment that its anchor is asked: the first packet that
 * comes by the tunnel may be here before the answer is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "ha-agent/ha.h"
#include "ha-agent/mag.h"

static const char *const state_names[VISIT_STATE_MAX] = {
	[VISIT_REGISTERING] = "registering",
	[VISIT_REGISTERED] = "registered",
	[VISIT_REFRESHING] = "refreshing",
	[VISIT_DOUBTED] = "doubted",
	[VISIT_LEAVING] = "leaving",
};

const char *visit_state_name(enum visit_state s)
{
	return s < VISIT_STATE_MAX ? state_names[s] : "?";
}

static void tell(const struct visit *v, enum ha_event_type type, uint8_t status, const char *reason)
{
	struct ha *ha = v->of->ha;

	ha_tell(ha, &(struct ha_event){
		.type = type, .lease = ha_lease_of(ha, v->of->mac),
		.hoa = v->n_prefixes > 0 ? v->prefixes[0].prefix.addr : in6addr_any,
		.coa = v->anchor, .status = status, .reason = reason,
	});
}

static void change_state(struct visit *v, enum visit_state state, const char *why, usec_t now)
{
	if (v->state != state && ha_log_routine(v->of->ha, now))
		log_info("visit of %s from %s: %s -> %s, %s", mac_str(v->of->mac).s,
			 in6_str(&v->anchor).s, visit_state_name(v->state), visit_state_name(state),
			 why);
	v->state = state;
}

/* ---- data path ---- */

int visit_prefix_at(const struct visit *v, const struct in6_prefix *prefix)
{
	for (unsigned int i = 0; i < v->n_prefixes; i++)
		if (in6_prefix_eq(&v->prefixes[i].prefix, prefix))
			return (int)i;
	return -ENOENT;
}

static int install(struct visit *v, struct visit_prefix *p)
{
	struct ha *ha = v->of->ha;
	int err = ha->ops->dp_set(ha->ctx, &(struct dp_binding){
		.inner = p->prefix, .local = *mag_address(ha), .remote = v->anchor, .visit = true,
	});

	if (err == 0) {
		p->here = true;
		err = ha->ops->visit_attach(ha->ctx, v->of, &p->prefix);
	}
	if (err < 0) {
		ha->counters[HA_DATAPATH_FAILED]++;
		log_warn("visit of %s: %s cannot be served: %s", mac_str(v->of->mac).s,
			 in6_prefix_str(&p->prefix).s, strerror(-err));
	}
	return err;
}

static void uninstall(const struct visit *v, struct visit_prefix *p)
{
	struct ha *ha = v->of->ha;

	if (!p->here)
		return;
	p->here = false;
	ha->ops->visit_detach(ha->ctx, v->of, &p->prefix);
	(void)ha->ops->dp_del(ha->ctx, &p->prefix);
}

void visit_failed(struct visit *v)
{
	if (v->state == VISIT_REGISTERED)
		(void)timer_set(v->of->ha->timers, &v->timer, 0);
}

void visit_drop_prefix(struct visit *v, unsigned int i)
{
	uninstall(v, &v->prefixes[i]);
	v->prefixes[i] = v->prefixes[--v->n_prefixes];
}

static void uninstall_all(struct visit *v)
{
	for (unsigned int i = 0; i < v->n_prefixes; i++)
		uninstall(v, &v->prefixes[i]);
}

void visit_moved(struct visit *v)
{
	/* A registration that was about to end goes on by what is found (visit_begin()). */
	for (unsigned int i = 0; v->state != VISIT_LEAVING && i < v->n_prefixes; i++)
		if (v->prefixes[i].here)
			(void)install(v, &v->prefixes[i]);
}

/* ---- messages ---- */

static int64_t *clock_of(struct ha *ha, const struct ha_peer *peer)
{
	return &ha->mag.clocks[peer - ha->cfg->peers];
}

/* RFC 5213 6.9.1.1, 8.8: greater than all that went before, by the clock of whom it is for. */
static uint64_t next_stamp(const struct visit *v, const struct ha_peer *peer)
{
	struct ha *ha = v->of->ha;
	uint64_t t = pbu_time(ha->ops->wall_us(ha->ctx));

	if ((int64_t)(t - ha->mag.stamp) <= 0)
		t = ha->mag.stamp + 1;
	ha->mag.stamp = t;
	return t + (uint64_t)*clock_of(ha, peer);
}

static bool is_shared(const struct visit *v)
{
	for (unsigned int i = 0; i < v->n_prefixes; i++)
		if (v->prefixes[i].shared)
			return true;
	return false;
}

/* RFC 5213 6.9.1.1, 6.9.1.4 */
static void send_update(struct visit *v, usec_t now)
{
	struct ha *ha = v->of->ha;
	const struct ha_peer *peer = ha_peer_of(ha, &v->anchor);
	const struct ip6_packet ip = {
		.src = *mag_address(ha), .dst = v->anchor, .hop_limit = 64,
		.next_header = MH_NEXT_HEADER,
	};
	struct mh_msg msg = { .type = MH_BU, .u.bu = {
		.seq = v->sequence = ha->mag.next++, .flags = BU_ACK | BU_HOME | BU_PROXY,
		.lifetime = v->state == VISIT_LEAVING ? 0 :
			    (uint16_t)(MAG_LIFETIME / USEC_S / MIP6_LIFETIME_UNIT_S),
	} };
	struct mh_opts *o = &msg.opts;
	uint8_t room[MESSAGE_ROOM];

	v->sent = now;
	if (!peer)
		return;
	hosts_put_name(ha, v->of->mac, o);
	o->n_prefixes = v->n_prefixes;
	for (unsigned int i = 0; i < v->n_prefixes; i++)
		o->prefixes[i] = (struct mh_prefix){ .addr = v->prefixes[i].prefix.addr,
						     .len = v->prefixes[i].prefix.len };
	o->has_handoff = true;
	o->handoff = v->handoff;
	/* RFC 7864 3.2.1 */
	if (v->handoff != HANDOFF_NONE && is_shared(v))
		o->handoff = HANDOFF_SHARED;
	o->has_access_type = true;
	o->access_type = ha->cfg->access_type;
	o->link_layer_len = sizeof(v->of->mac);
	memcpy(o->link_layer, v->of->mac, sizeof(v->of->mac));
	/* RFC 6543 4.1: all routers use one address on their access links. */
	o->has_link_local = true;
	o->has_timestamp = true;
	o->timestamp = v->stamp = next_stamp(v, peer);
	message_send(ha, room, message_build(&ip, &msg, &peer->auth, &ip.src, &ip.dst, room),
		     HA_TX_PBU);
}

/* Once more, or for the first time, and again if no answer comes. */
static void update(struct visit *v, usec_t now)
{
	send_update(v, now);
	(void)timer_set(v->of->ha->timers, &v->timer, now + backoff_next(&v->backoff));
}

static void update_anew(struct visit *v, enum visit_state state, uint8_t handoff, const char *why,
			usec_t now)
{
	change_state(v, state, why, now);
	v->handoff = handoff;
	backoff_start(&v->backoff, MAG_PBU_FIRST, MAG_PBU_LONGEST, 0);
	update(v, now);
}

/* ---- life ---- */

void visit_end(struct visit *v)
{
	struct visitor *h = v->of;

	uninstall_all(v);
	timer_stop(h->ha->timers, &v->timer);
	for (unsigned int i = 0; i < h->n_visits; i++)
		if (h->visits[i] == v)
			h->visits[i] = h->visits[--h->n_visits];
	free(v);
}

/* Nothing of it is left; who waits for it does so no longer. */
static void over(struct visit *v, usec_t now)
{
	struct visitor *h = v->of;

	visit_end(v);
	mag_review(h, now);
	mag_forget(h);
}

/* The prefixes that nobody is to use any longer; what is left goes on. */
static void drop_old(struct visit *v, usec_t now)
{
	for (unsigned int i = v->n_prefixes; i-- > 0;)
		if (v->prefixes[i].valid_until <= now)
			visit_drop_prefix(v, i);
}

static void on_timer(void *ctx, usec_t now)
{
	struct visit *v = ctx;

	drop_old(v, now);
	if (v->n_prefixes == 0 || !ha_peer_of(v->of->ha, &v->anchor)) {
		over(v, now);
		return;
	}
	switch (v->state) {
	case VISIT_REGISTERED:
		update_anew(v, VISIT_REFRESHING, HANDOFF_NONE, "its lifetime runs out", now);
		break;
	case VISIT_REGISTERING:
	case VISIT_REFRESHING:
		v->of->ha->counters[HA_PBU_UNANSWERED]++;
		update(v, now);
		break;
	case VISIT_DOUBTED:
		if (v->sent != 0)
			tell(v, HA_EVENT_VISIT_LEFT, 0, "the host is at another router");
		over(v, now);
		break;
	case VISIT_LEAVING:
		if (v->backoff.tries < MAG_LEAVE_TRIES)
			update(v, now);
		else
			over(v, now);
		break;
	case VISIT_STATE_MAX:
		break;
	}
}

static struct visit *find(const struct visitor *h, const struct in6_addr *anchor)
{
	for (unsigned int i = 0; i < h->n_visits; i++)
		if (in6_eq(&h->visits[i]->anchor, anchor))
			return h->visits[i];
	return NULL;
}

static struct visit *begin(struct visitor *h, const struct in6_addr *anchor, usec_t now)
{
	struct visit *v = h->n_visits < MAG_VISITS_MAX ? calloc(1, sizeof(*v)) : NULL;

	if (!v) {
		h->ha->counters[HA_VISITS_FULL]++;
		return NULL;
	}
	v->of = h;
	v->anchor = *anchor;
	v->state = VISIT_REGISTERING;
	timer_init(&v->timer, "visit", on_timer, v);
	if (timer_set(h->ha->timers, &v->timer, now + MAG_PBU_FIRST) < 0) {
		free(v);
		return NULL;
	}
	h->visits[h->n_visits++] = v;
	return v;
}

/* The interface that it was given to is here, as the other one is: it is its own. */
static void give_back(const struct ha *ha, const struct in6_prefix *prefix, usec_t now)
{
	struct visitor *h, *next;

	HASH_ITER(by_mac, ha->mag.by_mac, h, next)
		for (unsigned int i = h->n_visits; i-- > 0;) {
			struct visit *v = h->visits[i];
			int at = visit_prefix_at(v, prefix);

			if (at < 0 || !v->prefixes[at].shared)
				continue;
			visit_drop_prefix(v, (unsigned int)at);
			if (v->n_prefixes == 0)
				over(v, now);
			return;
		}
}

bool visit_is_own(const struct visitor *h, const struct sdb_record *r)
{
	return memcmp(r->mac, h->mac, sizeof(h->mac)) == 0;
}

bool visit_begin(struct visitor *h, const struct sdb_record *r, bool again, usec_t now)
{
	struct visit *v = find(h, &r->anchor);
	usec_t until = now + (usec_t)r->lifetime_s * USEC_S;
	/* RFC 7864 3.1: of a host with several interfaces, the prefix of another one. */
	bool shared = !visit_is_own(h, r);
	bool added = false;
	int at;

	at = v ? visit_prefix_at(v, &r->prefix) : -ENOENT;
	if (at < 0 && !shared)
		give_back(h->ha, &r->prefix, now);
	/* The database may say so of two hosts, and the anchor has said so of one. */
	if (at < 0 && mag_visits(h->ha, &r->prefix)) {
		h->ha->counters[HA_VISITS_TWICE]++;
		return false;
	}
	if (!v)
		v = begin(h, &r->anchor, now);
	if (!v)
		return false;
	if (at < 0 && v->n_prefixes == MAG_VISIT_PREFIXES) {
		h->ha->counters[HA_VISITS_FULL]++;
		return false;
	}
	if (at < 0) {
		at = (int)v->n_prefixes++;
		v->prefixes[at] = (struct visit_prefix){
			.prefix = r->prefix, .shared = shared, .off_link = shared,
		};
		added = true;
	}
	v->prefixes[at].valid_until = until;
	v->due |= added || v->state == VISIT_LEAVING ||
		  (again && (v->state == VISIT_DOUBTED || now - v->sent >= MAG_LOOK_AGAIN));
	return added;
}

/* All prefixes in the data path; those that cannot be are left out. */
static void install_all(struct visit *v)
{
	for (unsigned int i = v->n_prefixes; i-- > 0;)
		if (!v->prefixes[i].here && install(v, &v->prefixes[i]) < 0)
			visit_drop_prefix(v, i);
}

/* The host may be at another router by now: only if it answers here it is claimed again. */
static void doubt(struct visit *v, const char *why, usec_t now)
{
	struct visitor *h = v->of;

	change_state(v, VISIT_DOUBTED, why, now);
	(void)timer_set(h->ha->timers, &v->timer, now + MAG_DOUBT + USEC_S);
	nd_doubt(h->ha, h->mac, now);
	mag_review(h, now);
}

bool visit_ask(struct visitor *h, usec_t now)
{
	const struct lease *l = ha_lease_of(h->ha, h->mac);

	if (!l || in6_is_any(&l->linklocal))
		return false;
	for (unsigned int i = h->n_visits; i-- > 0;) {
		struct visit *v = h->visits[i];

		/* What is registered goes on until its anchor says something else. */
		if (!v->due || v->state != VISIT_REGISTERING || v->sent != 0)
			continue;
		v->due = false;
		v->news = true;
		doubt(v, "there is a new session with that anchor", now);
	}
	return true;
}

void visit_register(struct visitor *h, usec_t now)
{
	for (unsigned int i = h->n_visits; i-- > 0;) {
		struct visit *v = h->visits[i];

		if (v->due)
			visit_claim(v, HANDOFF_UNKNOWN, now);
	}
}

void visit_claim(struct visit *v, uint8_t handoff, usec_t now)
{
	bool was = v->state == VISIT_REGISTERED || v->state == VISIT_REFRESHING;

	v->due = false;
	install_all(v);
	if (v->n_prefixes == 0)
		visit_end(v);
	else
		update_anew(v, was ? VISIT_REFRESHING : VISIT_REGISTERING, handoff,
			    "the host is here", now);
}

void visit_leave(struct visit *v, bool say, usec_t now)
{
	uninstall_all(v);
	tell(v, HA_EVENT_VISIT_LEFT, 0, say ? "the host has left" : "another router has it");
	if (say && v->state != VISIT_DOUBTED)
		update_anew(v, VISIT_LEAVING, HANDOFF_UNKNOWN, "the host has left", now);
	else
		visit_end(v);
}

void visit_goodbye(struct visit *v, usec_t now)
{
	if (v->state == VISIT_DOUBTED)
		return;
	v->state = VISIT_LEAVING;
	v->handoff = HANDOFF_UNKNOWN;
	send_update(v, now);
}

/* ---- what comes in ---- */

static struct visitor *named(const struct ha *ha, const struct mh_opts *o)
{
	uint8_t macs[HA_HOST_LINKS][6];
	unsigned int n = hosts_named(ha, o, macs), only = 0;
	struct visitor *h = NULL;

	/* Of a host with several interfaces that one which is meant. */
	for (unsigned int i = 0; i < n; i++) {
		bool meant = o->link_layer_len != 6 || memcmp(o->link_layer, macs[i], 6) == 0;

		if (mag_find(ha, macs[i]) && (meant || n == 1)) {
			h = mag_find(ha, macs[i]);
			only++;
		}
	}
	return only == 1 ? h : NULL;
}

/* By the key that the two of us have, over all of it. */
static bool is_signed(struct ha *ha, const struct ha_peer *peer, const struct ip6_packet *ip,
		      const struct mh_msg *msg, const uint8_t *mh, usec_t now)
{
	const struct mh_auth *a = &msg->opts.mn_ha;
	bool right;

	if (!a->present || !a->last || a->spi != peer->auth.spi ||
	    !limit_allows(&ha->limit, &ip->src, now))
		return false;
	/* As struct ha_peer has it: the care-of address is the gateway's, the home address the
	 * anchor's. */
	right = auth_mn_ha_right(&peer->auth, &ip->dst, &ip->src, mh, a->covered, a->data, a->len);
	if (!right)
		limit_failed(&ha->limit, &ip->src, LIMIT_CHECKED, now);
	return right;
}

/* 6.9.1.2: of the anchor, for the host, to the last update. NULL: to none. */
static struct visit *answered(struct ha *ha, const struct ip6_packet *ip, const struct mh_msg *msg,
			      const uint8_t *mh, usec_t now)
{
	const struct ha_peer *peer = ha_peer_of(ha, &ip->src);
	struct visitor *h = named(ha, &msg->opts);
	struct visit *v = h ? find(h, &ip->src) : NULL;

	if (!peer || !(msg->u.ba.flags & BA_PROXY) || !v || v->state == VISIT_DOUBTED ||
	    (msg->u.ba.seq != v->sequence && msg->u.ba.status != BA_SEQ_OUT_OF_WINDOW)) {
		ha->counters[HA_PBA_NO_MATCH]++;
		limit_failed(&ha->limit, &ip->src, LIMIT_CHEAP, now);
		return NULL;
	}
	if (!is_signed(ha, peer, ip, msg, mh, now)) {
		ha->counters[HA_PBA_BAD_AUTH]++;
		return NULL;
	}
	return v;
}

static const struct mh_prefix *granted(const struct mh_opts *o, const struct in6_prefix *p)
{
	for (unsigned int i = 0; i < o->n_prefixes; i++)
		if (o->prefixes[i].len == p->len && in6_eq(&o->prefixes[i].addr, &p->addr))
			return &o->prefixes[i];
	return NULL;
}

static void accepted(struct visit *v, const struct mh_msg *msg, usec_t now)
{
	usec_t lifetime = (usec_t)msg->u.ba.lifetime * MIP6_LIFETIME_UNIT_S * USEC_S;
	bool is_new = v->state == VISIT_REGISTERING, news = false;

	/* 6.9.1.2: what the anchor does not name it does not forward. */
	for (unsigned int i = v->n_prefixes; i-- > 0;) {
		const struct mh_prefix *p = granted(&msg->opts, &v->prefixes[i].prefix);

		news |= p && p->off_link != v->prefixes[i].off_link;
		if (p)
			v->prefixes[i].off_link = p->off_link;
		else
			visit_drop_prefix(v, i);
	}
	if (v->n_prefixes == 0 || lifetime == 0) {
		over(v, now);
		return;
	}
	change_state(v, VISIT_REGISTERED, "accepted", now);
	v->expires = now + lifetime;
	(void)timer_set(v->of->ha->timers, &v->timer, now + lifetime / 3 * 2);
	if (is_new) {
		v->of->ha->counters[HA_VISIT_NEW]++;
		tell(v, HA_EVENT_VISIT_NEW, 0, NULL);
	}
	if (news || v->news)
		mag_advertise_soon(v->of, now);
	v->news = false;
	mag_review(v->of, now);
}

static void refused(struct visit *v, const struct mh_msg *msg, usec_t now)
{
	struct ha *ha = v->of->ha;
	const struct ha_peer *peer = ha_peer_of(ha, &v->anchor);
	uint8_t status = msg->u.ba.status;

	ha->counters[HA_PBU_REFUSED]++;
	/* 6.9.1.2: the anchor's clock is what counts; told of it once it is not wrong again. */
	if (status == BA_TIMESTAMP_MISMATCH && msg->opts.has_timestamp && v->backoff.tries <= 2) {
		*clock_of(ha, peer) += (int64_t)(msg->opts.timestamp - v->stamp);
		update(v, now);
		return;
	}
	if (status == BA_TIMESTAMP_LOWER && v->state != VISIT_LEAVING) {
		doubt(v, mh_ba_status_text(status), now);
		return;
	}
	if (status == BA_SEQ_OUT_OF_WINDOW && v->backoff.tries <= 2) {
		ha->mag.next = (uint16_t)(msg->u.ba.seq + 1);
		update(v, now);
		return;
	}
	/* These pass; the timer tries again. */
	if (status == BA_PROHIBITED || status == BA_RESOURCES || status == BA_UNSPECIFIED)
		return;
	if (ha_log_routine(ha, now))
		log_info("visit of %s: anchor %s refuses it with status %u, %s",
			 mac_str(v->of->mac).s, in6_str(&v->anchor).s, status,
			 mh_ba_status_text(status));
	tell(v, HA_EVENT_VISIT_REFUSED, status, mh_ba_status_text(status));
	over(v, now);
}

void mag_rx_pba(struct ha *ha, const struct ip6_packet *ip, const struct mh_msg *msg,
		const uint8_t *mh, usec_t now)
{
	struct visit *v;

	ha->counters[HA_RX_PBA]++;
	v = answered(ha, ip, msg, mh, now);
	if (!v)
		return;
	if (v->state == VISIT_LEAVING && msg->u.ba.status != BA_TIMESTAMP_MISMATCH)
		over(v, now);
	else if (msg->u.ba.status < BA_UNSPECIFIED)
		accepted(v, msg, now);
	else
		refused(v, msg, now);
}

/* RFC 5846 9.2: as it came, with what became of it. */
static void acknowledge(struct ha *ha, const struct ha_peer *peer, const struct ip6_packet *to,
			const struct mh_msg *what, uint8_t status)
{
	const struct ip6_packet ip = {
		.src = to->dst, .dst = to->src, .hop_limit = 64, .next_header = MH_NEXT_HEADER,
	};
	struct mh_msg msg = { .type = MH_BR, .u.br = {
		.type = BR_ACKNOWLEDGEMENT, .code = status, .seq = what->u.br.seq,
		.flags = BR_PROXY,
	} };
	uint8_t room[MESSAGE_ROOM];

	msg.opts.has_mn_id = what->opts.has_mn_id;
	msg.opts.mn_id_subtype = what->opts.mn_id_subtype;
	msg.opts.mn_id_len = what->opts.mn_id_len;
	memcpy(msg.opts.mn_id, what->opts.mn_id, sizeof(msg.opts.mn_id));
	msg.opts.n_prefixes = what->opts.n_prefixes;
	memcpy(msg.opts.prefixes, what->opts.prefixes, sizeof(msg.opts.prefixes));
	message_send(ha, room, message_build(&ip, &msg, &peer->auth, &ip.src, &ip.dst, room),
		     HA_TX_BRA);
}

/* RFC 5846 9.2: the prefix is over: the host is told, then nothing of it is left. */
static void revoked(struct visit *v, const struct mh_prefix *p, usec_t now)
{
	const struct in6_prefix prefix = { .addr = p->addr, .len = p->len };
	int at = visit_prefix_at(v, &prefix);
	struct visitor *h = v->of;

	if (at < 0)
		return;
	tell(v, HA_EVENT_VISIT_REVOKED, 0, NULL);
	v->prefixes[at].valid_until = now;
	if (!h->away && !h->ra_due)
		mag_advertise(h, now);
	visit_drop_prefix(v, (unsigned int)at);
}

void mag_rx_bri(struct ha *ha, const struct ip6_packet *ip, const struct mh_msg *msg,
		const uint8_t *mh, usec_t now)
{
	const struct ha_peer *peer = ha_peer_of(ha, &ip->src);
	struct visitor *h = named(ha, &msg->opts);
	struct visit *v = h ? find(h, &ip->src) : NULL;
	uint8_t trigger = msg->u.br.code;

	ha->counters[HA_RX_BRI]++;
	if (!peer || !is_signed(ha, peer, ip, msg, mh, now)) {
		ha->counters[HA_BRI_BAD_AUTH]++;
		limit_failed(&ha->limit, &ip->src, LIMIT_CHEAP, now);
		return;
	}
	/* One that was said long ago ends nothing of what has begun since. */
	if (!msg->opts.has_timestamp ||
	    !pbu_time_close(msg->opts.timestamp, pbu_time(ha->ops->wall_us(ha->ctx)) +
			    (uint64_t)*clock_of(ha, peer), ha->cfg->timestamp_window)) {
		ha->counters[HA_BRI_TIMESTAMP]++;
		return;
	}
	acknowledge(ha, peer, ip, msg, v ? BR_SUCCESS : BR_NO_BINDING);
	if (!v || v->state == VISIT_LEAVING)
		return;
	if (trigger == BR_HANDOVER_SAME_ACCESS || trigger == BR_HANDOVER_OTHER_ACCESS ||
	    trigger == BR_HANDOVER_UNKNOWN) {
		if (v->state != VISIT_DOUBTED)
			doubt(v, "the anchor says that it is at another router", now);
		return;
	}
	for (unsigned int i = 0; i < msg->opts.n_prefixes; i++)
		revoked(v, &msg->opts.prefixes[i], now);
	if (v->n_prefixes == 0)
		over(v, now);
}
