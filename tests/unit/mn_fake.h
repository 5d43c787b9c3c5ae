/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mobile node in a test: whole packets and kernel events in, a record of what is done to the
 * world out. Three access routers, each with a prefix for this host. Included after cmocka.h by
 * the tests of the whole mobile node.
 */
#ifndef DMIP6_TESTS_MN_FAKE_H
#define DMIP6_TESTS_MN_FAKE_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/core/log.h"
#include "common/wire/cksum.h"
#include "common/wire/ext.h"
#include "mn-agent/mn.h"

#define MS	USEC_MS
#define S	USEC_S
#define RECORDS	512
#define IF	2
#define IF2	3		/* eth0, where a test has a second one */

enum what {
	SENT_LINK, SENT_NA, SENT_BU, SENT_BRA, SENT_BE, SENT_ICMP6, PATH_SET, PATH_UNSET,
	ADDR_SET, ADDR_UNSET, ADDR_ADD, ADDR_DROP,
	ONLINK_GONE,
	END_ADD, END_DEL, TUNNEL_SET, TUNNEL_DEL
};

struct record {
	enum what what;
	struct in6_addr addr;		/* HoA, or the address it is about */
	struct in6_addr other;		/* care-of address, or router */
	uint16_t seq;
	uint8_t status;
	uint32_t lifetime_s;
	bool asks_for_token, has_token;	/* a Binding Update's */
	uint8_t token[MH_CARE_OF_TOKEN];
};

struct world {
	struct timers timers;
	usec_t now;
	struct mn_config cfg;
	struct mn mn;
	struct record log[RECORDS];
	unsigned int n;
	struct in6_addr flows[16];
	unsigned int n_flows;
	unsigned int n_traffic;		/* packets through the tunnels */
	struct { struct in6_addr hoa; uint64_t packets; } traffic[16];
	unsigned char dice;
	bool optimistic;		/* the kernel knows RFC 4429 */
	uint8_t sent[1280];		/* the last packet that was not for one link */
	size_t sent_len;
	char event[32], detail[128];	/* the last one */
	char lost[256];			/* what was said when flows were lost */
};

static struct world the_world;
static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 9 };
static const uint8_t router_mac[6] = { 2, 0, 0, 0, 0, 1 };

static inline struct record *record(struct world *w, enum what what, const struct in6_addr *addr)
{
	struct record *r = &w->log[w->n];

	assert_true(w->n < RECORDS);
	w->n++;
	*r = (struct record){ .what = what };
	if (addr)
		r->addr = *addr;
	return r;
}

static inline int op_send_routed(void *ctx, const void *data, size_t len)
{
	struct ip6_packet ip;
	struct record *r;
	struct mh_msg m;

	assert_int_equal(ip6_decode(data, len, &ip), IP6_OK);
	assert_true(len <= sizeof(((struct world *)ctx)->sent));
	memcpy(((struct world *)ctx)->sent, data, len);
	((struct world *)ctx)->sent_len = len;
	if (ip.next_header == IP6_NH_ICMP6) {
		record(ctx, SENT_ICMP6, &ip.dst)->other = ip.src;
		return 0;
	}
	assert_int_equal(mh_decode((const uint8_t *)data + ip.payload_off, ip.payload_len,
				   ip6_cksum_src(&ip), ip6_cksum_dst(&ip), &m, NULL), MH_OK);
	if (m.type == MH_BE) {
		r = record(ctx, SENT_BE, &ip.dst);
		r->other = m.u.be.hoa;
		r->status = m.u.be.status;
		return 0;
	}
	r = record(ctx, m.type == MH_BR ? SENT_BRA : SENT_BU, ip6_cksum_src(&ip));
	r->other = ip.src;
	if (m.type == MH_BR) {
		r->seq = m.u.br.seq;
		r->status = m.u.br.code;
		return 0;
	}
	r->seq = m.u.bu.seq;
	r->lifetime_s = m.u.bu.lifetime * 4u;
	r->asks_for_token = m.opts.has_care_of_test_init;
	r->has_token = m.opts.has_care_of_test;
	memcpy(r->token, m.opts.care_of_token, sizeof(r->token));
	return 0;
}

static inline int op_send_link(void *ctx, int ifindex, const uint8_t mac[6], const void *data,
			       size_t len)
{
	struct ip6_packet ip;
	struct icmp6_msg msg;

	assert_true(ifindex == IF || ifindex == IF2);
	assert_int_equal(ip6_decode(data, len, &ip), IP6_OK);
	/* RFC 6275 11.5.5: a de-registration, to the home agent's link-layer address. */
	if (ip.next_header == MH_NEXT_HEADER) {
		assert_false(ip.has_hao);
		assert_memory_equal(mac, router_mac, 6);
		return op_send_routed(ctx, data, len);
	}
	assert_int_equal(icmp6_decode((const uint8_t *)data + ip.payload_off, ip.payload_len, &ip.src,
				      &ip.dst, ip.hop_limit, &msg), ICMP6_OK);
	if (msg.type != ICMP6_NA) {
		record(ctx, SENT_LINK, NULL);
		return 0;
	}
	/* RFC 6275 11.5.5. */
	assert_memory_equal(mac, ((const uint8_t[]){ 0x33, 0x33, 0, 0, 0, 1 }), 6);
	assert_int_equal(msg.u.na.flags, NA_FLAG_OVERRIDE);
	assert_true(msg.u.na.tlla.present);
	assert_memory_equal(msg.u.na.tlla.mac, our_mac, 6);
	record(ctx, SENT_NA, &msg.u.na.target);
	return 0;
}

static inline int op_path_set(void *ctx, const struct mn_path *p)
{
	record(ctx, PATH_SET, &p->prefix.addr)->other = p->router;
	return 0;
}

static inline void op_router_gone(void *ctx, int ifindex, const struct in6_addr *router)
{
	(void)ctx;
	(void)ifindex;
	(void)router;
}

static inline void op_path_unset(void *ctx, const struct mn_path *p)
{
	record(ctx, PATH_UNSET, &p->prefix.addr);
}

static inline void op_onlink_gone(void *ctx, int ifindex, const struct in6_prefix *prefix)
{
	(void)ifindex;
	record(ctx, ONLINK_GONE, &prefix->addr);
}

static inline int op_addr_set(void *ctx, const struct in6_addr *a, bool preferred)
{
	record(ctx, ADDR_SET, a)->seq = preferred;
	return 0;
}

static inline void op_addr_unset(void *ctx, const struct in6_addr *a)
{
	record(ctx, ADDR_UNSET, a);
}

static inline int op_addr_add(void *ctx, const struct mn_addr *a)
{
	struct world *w = ctx;

	if (!w->optimistic)
		return -EOPNOTSUPP;
	record(ctx, ADDR_ADD, &a->addr);
	return 0;
}

static inline void op_addr_drop(void *ctx, const struct mn_addr *a)
{
	record(ctx, ADDR_DROP, &a->addr);
}

static inline int op_endpoint_add(void *ctx, const struct in6_addr *a)
{
	record(ctx, END_ADD, a);
	return 0;
}

static inline void op_endpoint_del(void *ctx, const struct in6_addr *a)
{
	record(ctx, END_DEL, a);
}

static inline int op_tunnel_set(void *ctx, const struct dp_binding *b)
{
	record(ctx, TUNNEL_SET, &b->inner.addr)->other = b->local;
	return 0;
}

static inline int op_tunnel_del(void *ctx, const struct in6_addr *hoa)
{
	record(ctx, TUNNEL_DEL, hoa);
	return 0;
}

static inline int op_flows(void *ctx, const struct in6_addr *locals, unsigned int n_locals,
			   bool (*fn)(void *arg, const struct mn_flow *f), void *arg)
{
	struct world *w = ctx;

	for (unsigned int n = 0; n < w->n_flows; n++) {
		struct mn_flow f = {
			.local = w->flows[n], .remote = in6addr_loopback, .protocol = FLOW_TCP,
			.state = FLOW_ESTABLISHED, .owned = true,
		};

		for (unsigned int k = 0; k < n_locals; k++)
			if (in6_eq(&locals[k], &f.local) && !fn(arg, &f))
				return 0;
	}
	return 0;
}

static inline int op_sent(void *ctx,
			  void (*fn)(void *arg, const struct in6_addr *from, usec_t ago), void *arg)
{
	(void)ctx, (void)fn, (void)arg;
	return 0;
}

static inline uint64_t op_traffic(void *ctx, const struct in6_addr *hoa)
{
	struct world *w = ctx;

	for (unsigned int n = 0; n < w->n_traffic; n++)
		if (in6_eq(&w->traffic[n].hoa, hoa))
			return w->traffic[n].packets;
	return 0;
}

static inline void op_watch_flows(void *ctx, bool on)
{
	(void)ctx;
	(void)on;
}

static inline void op_random(void *ctx, void *dst, size_t n)
{
	struct world *w = ctx;

	for (size_t i = 0; i < n; i++)
		((uint8_t *)dst)[i] = w->dice = (unsigned char)(w->dice * 5 + 113);
}

static inline int64_t op_wall_us(void *ctx)
{
	return (int64_t)((struct world *)ctx)->now;
}

static inline void op_event(void *ctx, const char *name, const struct mn_iface *i,
		     const struct anchor *a, const char *detail, usec_t now)
{
	struct world *w = ctx;

	(void)i;
	(void)a;
	(void)now;
	assert_non_null(name);
	if (strcmp(name, "flows.lost") == 0)
		snprintf(w->lost, sizeof(w->lost), "%s", detail);
	snprintf(w->event, sizeof(w->event), "%s", name);
	snprintf(w->detail, sizeof(w->detail), "%s", detail ? detail : "");
}

static inline void op_changed(void *ctx)
{
	(void)ctx;
}

static const struct mn_ops ops = {
	.send_link = op_send_link, .send_routed = op_send_routed, .path_set = op_path_set,
	.path_unset = op_path_unset, .router_gone = op_router_gone, .onlink_gone = op_onlink_gone,
	.addr_set = op_addr_set, .addr_unset = op_addr_unset,
	.addr_add = op_addr_add, .addr_drop = op_addr_drop, .endpoint_add = op_endpoint_add,
	.endpoint_del = op_endpoint_del, .tunnel_set = op_tunnel_set,
	.tunnel_del = op_tunnel_del, .flows = op_flows,
	.sent = op_sent, .traffic = op_traffic,
	.watch_flows = op_watch_flows, .random = op_random, .wall_us = op_wall_us,
	.event = op_event, .changed = op_changed,
};

static inline void quiet(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
}

static inline int setup(void **state)
{
	struct world *w = &the_world;

	memset(w, 0, sizeof(*w));
	log_set_sink(quiet, NULL);
	w->now = 100 * S;
	w->cfg.n_keys = 1;
	w->cfg.keys[0].any_ha = true;
	w->cfg.max_anchors = 8;
	w->cfg.anchor = (struct anchor_config){ .linger = 5 * S, .lifetime_s = 600, .mtu = 1460 };
	if (auth_key_init(&w->cfg.keys[0].key, 256, AUTH_HMAC_SHA256_128, "0123456789abcdef", 16))
		return -1;
	timers_init(&w->timers);
	mn_init(&w->mn, &w->cfg, &ops, w, &w->timers);
	*state = w;
	return 0;
}

static inline int teardown(void **state)
{
	struct world *w = *state;

	mn_free(&w->mn, false);
	assert_int_equal(timers_next(&w->timers), USEC_NEVER);
	timers_free(&w->timers);
	auth_key_wipe(&w->cfg.keys[0].key);
	return 0;
}

/* --- the world around it ------------------------------------------------------- */

static inline void after(struct world *w, usec_t d)
{
	usec_t end = w->now + d;

	while (timers_next(&w->timers) <= end) {
		w->now = timers_next(&w->timers);
		timers_run(&w->timers, w->now);
	}
	w->now = end;
}

static inline struct in6_addr at(unsigned int router, const char *text)
{
	struct in6_addr a;

	assert_int_equal(in6_parse(text, &a), 0);
	a.s6_addr[5] = (uint8_t)router;
	return a;
}

static inline struct in6_addr prefix_of(unsigned int router)
{
	return at(router, "2001:db8:0:101::");
}

static inline struct in6_addr ha_of(unsigned int router)
{
	return at(router, "2001:db8:0:100::1");
}

/* What the kernel forms in the router's prefix, and what the MN makes of its own. */
static inline struct in6_addr kernel_addr(unsigned int router)
{
	struct in6_addr p = prefix_of(router), a;

	in6_eui64(&a, &p, our_mac);
	return a;
}

static inline void link_is(struct world *w, bool up, bool eui64)
{
	struct mn_link l = { .ifindex = IF, .name = "wlan0", .up = up, .eui64 = eui64 };

	memcpy(l.mac, our_mac, 6);
	mn_link(&w->mn, &l, w->now);
}

static inline void address(struct world *w, const struct in6_addr *a, bool gone)
{
	struct mn_addr m = { .ifindex = IF, .addr = *a, .plen = 64, .usable = !gone };

	mn_addr(&w->mn, &m, gone, w->now);
}

static inline struct nd_ra advertisement(unsigned int router, bool shared)
{
	struct nd_ra ra = { .flags = RA_FLAG_HOME_AGENT, .router_lifetime_s = 1800 };

	ra.n_prefixes = 2;
	ra.prefixes[0] = (struct nd_prefix){
		.prefix = prefix_of(router), .plen = 64,
		.flags = PIO_FLAG_AUTO | (shared ? PIO_FLAG_ONLINK : 0),
		.valid_s = 3600, .preferred_s = 3600 };
	ra.prefixes[1] = (struct nd_prefix){ .prefix = ha_of(router), .plen = 64,
					     .flags = PIO_FLAG_ROUTER,
					     .valid_s = 3600, .preferred_s = 3600 };
	return ra;
}

static inline size_t make_ra(uint8_t *room, size_t cap, unsigned int router, const struct nd_ra *ra)
{
	struct icmp6_msg msg = { .type = ICMP6_RA, .u.ra = *ra };
	struct ip6_packet ip = { .hop_limit = 255, .next_header = IP6_NH_ICMP6 };
	struct wbuf w;

	assert_int_equal(in6_parse("fe80::1", &ip.src), 0);
	ip.src.s6_addr[14] = (uint8_t)router;
	assert_int_equal(in6_parse("ff02::1", &ip.dst), 0);
	wb_init(&w, room, cap);
	ip6_encode(&w, &ip);
	assert_int_equal(icmp6_encode(&w, &msg, &ip.src, &ip.dst), 0);
	ip6_finish(&w, 0);
	assert_false(w.err);
	return w.len;
}

static inline void hear(struct world *w, unsigned int router, const struct nd_ra *ra)
{
	uint8_t room[1280];
	size_t len = make_ra(room, sizeof(room), router, ra);

	mn_rx_nd(&w->mn, IF, router_mac, room, len, w->now);
}

static inline void hear_router(struct world *w, unsigned int router)
{
	struct nd_ra ra = advertisement(router, false);

	hear(w, router, &ra);
}

struct ba {
	struct in6_addr hoa, coa, ha;
	uint16_t seq;
	uint8_t status;
	uint32_t lifetime_s;
	const struct auth_key *key;
	const uint8_t *token;		/* that is to come back; NULL: none */
	uint64_t mesg_id;		/* 0: no time stamp */
	bool refresh_request;		/* not an acknowledgement */
	bool revocation;		/* an indication: status is its trigger */
	uint16_t flags;
};

static inline size_t make_ba(uint8_t *room, size_t cap, const struct ba *b)
{
	struct ip6_packet ip = { .src = b->ha, .dst = b->coa, .hop_limit = 64,
				 .next_header = MH_NEXT_HEADER };
	struct mh_msg m = { .type = MH_BA };
	struct wbuf w;
	size_t mh;

	if (!in6_eq(&b->hoa, &b->coa)) {
		ip.has_rh2 = true;
		ip.rh2 = b->hoa;
	}
	m.u.ba.status = b->status;
	m.u.ba.seq = b->seq;
	m.u.ba.lifetime = (uint16_t)(b->lifetime_s / 4);
	if (b->revocation) {
		m.type = MH_BR;
		m.u.br = (struct mh_br){ BR_INDICATION, b->status, b->seq, b->flags };
	}
	if (b->refresh_request)
		m.type = MH_BRR;
	m.opts.has_mesg_id = b->mesg_id != 0;
	m.opts.mesg_id = b->mesg_id;
	m.opts.has_care_of_test = b->token != NULL;
	if (b->token)
		memcpy(m.opts.care_of_token, b->token, sizeof(m.opts.care_of_token));
	m.opts.mn_ha.present = true;
	m.opts.mn_ha.spi = b->key->spi;
	m.opts.mn_ha.len = 16;
	wb_init(&w, room, cap);
	ip6_encode(&w, &ip);
	mh = w.len;
	assert_int_equal(mh_encode(&w, &m), 0);
	assert_int_equal(auth_mn_ha(b->key, &b->coa, &b->hoa, room + mh, m.opts.mn_ha.covered,
				    m.opts.mn_ha.data), 0);
	assert_int_equal(mh_set_auth(room + mh, w.len - mh, &m.opts.mn_ha), 0);
	mh_set_cksum(room + mh, w.len - mh, &b->ha, &b->hoa);
	ip6_finish(&w, 0);
	assert_false(w.err);
	return w.len;
}

static inline unsigned int count(const struct world *w, enum what what)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < w->n; i++)
		n += w->log[i].what == what;
	return n;
}

/* Where the first of its kind about addr (NULL: any) stands in the record, or -1. */
static inline int where(const struct world *w, enum what what, const struct in6_addr *addr)
{
	for (unsigned int i = 0; i < w->n; i++)
		if (w->log[i].what == what && (!addr || in6_eq(addr, &w->log[i].addr)))
			return (int)i;
	return -1;
}

static inline void assert_before(const struct world *w, enum what a, const struct in6_addr *aa,
			  enum what b, const struct in6_addr *bb)
{
	int x = where(w, a, aa), y = where(w, b, bb);

	assert_true(x >= 0);
	assert_true(y >= 0);
	assert_true(x < y);
}

static inline void forget(struct world *w)
{
	w->n = 0;
}

/* The answer to the last BU for hoa. */
static inline struct ba answer(const struct world *w, const struct in6_addr *hoa)
{
	struct ba b = { .hoa = *hoa, .key = &w->cfg.keys[0].key };

	for (unsigned int i = 0; i < w->n; i++) {
		const struct record *r = &w->log[i];

		if (r->what != SENT_BU || !in6_eq(&r->addr, hoa))
			continue;
		b.coa = r->other;
		b.seq = r->seq;
		b.lifetime_s = r->lifetime_s;
	}
	b.ha = ha_of(hoa->s6_addr[5]);
	return b;
}

static inline void deliver(struct world *w, const struct ba *b)
{
	uint8_t room[512];
	size_t len = make_ba(room, sizeof(room), b);

	mn_rx_mh(&w->mn, room, len, w->now);
}

static inline void grant(struct world *w, const struct in6_addr *hoa)
{
	struct ba b = answer(w, hoa);

	deliver(w, &b);
}

static const char *state_of(const struct world *w, const struct in6_addr *hoa)
{
	const struct anchor *a = mn_find_anchor(&w->mn, hoa);

	return a ? anchor_state_name(a->state) : "none";
}

static inline void flow(struct world *w, const struct in6_addr *local)
{
	w->flows[w->n_flows++] = *local;
}

static inline void end_flow(struct world *w, const struct in6_addr *local)
{
	for (unsigned int n = 0; n < w->n_flows; n++) {
		if (!in6_eq(&w->flows[n], local))
			continue;
		w->flows[n] = w->flows[--w->n_flows];
		mn_flow_ended(&w->mn, local, w->now);
		return;
	}
}

/* At router 1, with the kernel's address there. */
static inline void attached(struct world *w)
{
	struct in6_addr ll = at(0, "fe80::ff:fe00:9"), a = kernel_addr(1);

	link_is(w, true, true);
	address(w, &ll, false);
	hear_router(w, 1);
	address(w, &a, false);
	after(w, 1 * S);
	assert_string_equal(state_of(w, &a), "attached");
}

static inline void move_link_to(struct world *w, unsigned int router)
{
	link_is(w, false, true);
	after(w, 20 * MS);
	link_is(w, true, true);
	hear_router(w, router);
}

/* Bound from router 2 to router 1. */
static inline void away(struct world *w)
{
	struct in6_addr hoa = kernel_addr(1);

	attached(w);
	flow(w, &hoa);
	move_link_to(w, 2);
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
