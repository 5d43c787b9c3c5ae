/* SPDX-License-Identifier: BSD-2-Clause */
/* links: mn-agent/mn.c mn-agent/receive.c mn-agent/flows.c mn-agent/attach.c mn-agent/coa.c mn-agent/handover.c
 * mn-agent/anchor.c mn-agent/movement.c mn-agent/solicit.c
 * mn-agent/bu.c common/wire/buf.c common/wire/cksum.c common/wire/ext.c common/wire/icmp6.c common/wire/mh.c
 * common/wire/mhopt.c common/core/in6.c common/core/auth.c common/core/backoff.c
 * common/core/timer.c common/core/log.c (-lcrypto) */
/*
 * The mobile node by its entry points: whole packets and kernel events in, a record of what
 * is done to the world out. Three access routers, each with a prefix for this host.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/core/log.h"
#include "common/wire/cksum.h"
#include "common/wire/ext.h"
#include "mn-agent/mn.h"

#define MS	USEC_MS
#define S	USEC_S
#define RECORDS	512
#define IF	2

enum what {
	SENT_LINK, SENT_NA, SENT_BU, SENT_BRA, PATH_SET, PATH_UNSET, ADDR_SET, ADDR_UNSET, ADDR_DROP,
	END_ADD, END_DEL, TUNNEL_SET, TUNNEL_DEL
};

struct record {
	enum what what;
	struct in6_addr addr;		/* HoA, or the address it is about */
	struct in6_addr other;		/* care-of address, or router */
	uint16_t seq;
	uint8_t status;
	uint32_t lifetime_s;
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
	unsigned char dice;
};

static struct world the_world;
static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 9 };
static const uint8_t router_mac[6] = { 2, 0, 0, 0, 0, 1 };

static struct record *record(struct world *w, enum what what, const struct in6_addr *addr)
{
	struct record *r = &w->log[w->n];

	assert_true(w->n < RECORDS);
	w->n++;
	*r = (struct record){ .what = what };
	if (addr)
		r->addr = *addr;
	return r;
}

static int op_send_link(void *ctx, int ifindex, const uint8_t mac[6], const void *data, size_t len)
{
	struct ip6_packet ip;
	struct icmp6_msg msg;

	assert_int_equal(ifindex, IF);
	assert_int_equal(ip6_decode(data, len, &ip), IP6_OK);
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

static int op_send_routed(void *ctx, const void *data, size_t len)
{
	struct ip6_packet ip;
	struct record *r;
	struct mh_msg m;

	assert_int_equal(ip6_decode(data, len, &ip), IP6_OK);
	assert_int_equal(mh_decode((const uint8_t *)data + ip.payload_off, ip.payload_len,
				   ip6_cksum_src(&ip), ip6_cksum_dst(&ip), &m, NULL), MH_OK);
	r = record(ctx, m.type == MH_BR ? SENT_BRA : SENT_BU, ip6_cksum_src(&ip));
	r->other = ip.src;
	if (m.type == MH_BR) {
		r->seq = m.u.br.seq;
		r->status = m.u.br.code;
		return 0;
	}
	r->seq = m.u.bu.seq;
	r->lifetime_s = m.u.bu.lifetime * 4u;
	return 0;
}

static int op_path_set(void *ctx, const struct mn_path *p)
{
	record(ctx, PATH_SET, &p->prefix.addr)->other = p->router;
	return 0;
}

static void op_router_gone(void *ctx, int ifindex, const struct in6_addr *router)
{
	(void)ctx;
	(void)ifindex;
	(void)router;
}

static void op_path_unset(void *ctx, const struct mn_path *p)
{
	record(ctx, PATH_UNSET, &p->prefix.addr);
}

static int op_addr_set(void *ctx, const struct in6_addr *a, bool preferred)
{
	record(ctx, ADDR_SET, a)->seq = preferred;
	return 0;
}

static void op_addr_unset(void *ctx, const struct in6_addr *a)
{
	record(ctx, ADDR_UNSET, a);
}

static void op_addr_drop(void *ctx, const struct mn_addr *a)
{
	record(ctx, ADDR_DROP, &a->addr);
}

static int op_endpoint_add(void *ctx, const struct in6_addr *a)
{
	record(ctx, END_ADD, a);
	return 0;
}

static void op_endpoint_del(void *ctx, const struct in6_addr *a)
{
	record(ctx, END_DEL, a);
}

static int op_tunnel_set(void *ctx, const struct dp_binding *b)
{
	record(ctx, TUNNEL_SET, &b->inner.addr)->other = b->local;
	return 0;
}

static int op_tunnel_del(void *ctx, const struct in6_addr *hoa)
{
	record(ctx, TUNNEL_DEL, hoa);
	return 0;
}

static int op_flows(void *ctx, void (*fn)(void *arg, const struct in6_addr *local), void *arg)
{
	struct world *w = ctx;

	for (unsigned int n = 0; n < w->n_flows; n++)
		fn(arg, &w->flows[n]);
	return 0;
}

static void op_random(void *ctx, void *dst, size_t n)
{
	struct world *w = ctx;

	for (size_t i = 0; i < n; i++)
		((uint8_t *)dst)[i] = w->dice = (unsigned char)(w->dice * 5 + 113);
}

static int64_t op_wall_us(void *ctx)
{
	return (int64_t)((struct world *)ctx)->now;
}

static void op_event(void *ctx, const char *name, const struct mn_iface *i,
		     const struct anchor *a, const char *detail, usec_t now)
{
	(void)ctx;
	(void)i;
	(void)a;
	(void)detail;
	(void)now;
	assert_non_null(name);
}

static void op_changed(void *ctx)
{
	(void)ctx;
}

static const struct mn_ops ops = {
	.send_link = op_send_link, .send_routed = op_send_routed, .path_set = op_path_set,
	.path_unset = op_path_unset, .router_gone = op_router_gone,
	.addr_set = op_addr_set, .addr_unset = op_addr_unset,
	.addr_drop = op_addr_drop, .endpoint_add = op_endpoint_add,
	.endpoint_del = op_endpoint_del, .tunnel_set = op_tunnel_set,
	.tunnel_del = op_tunnel_del, .flows = op_flows, .random = op_random, .wall_us = op_wall_us,
	.event = op_event, .changed = op_changed,
};

static void quiet(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
}

static int setup(void **state)
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

static int teardown(void **state)
{
	struct world *w = *state;

	mn_free(&w->mn, false);
	assert_int_equal(timers_next(&w->timers), USEC_NEVER);
	timers_free(&w->timers);
	auth_key_wipe(&w->cfg.keys[0].key);
	return 0;
}

/* --- the world around it ------------------------------------------------------- */

static void after(struct world *w, usec_t d)
{
	usec_t end = w->now + d;

	while (timers_next(&w->timers) <= end) {
		w->now = timers_next(&w->timers);
		timers_run(&w->timers, w->now);
	}
	w->now = end;
}

static struct in6_addr at(unsigned int router, const char *text)
{
	struct in6_addr a;

	assert_int_equal(in6_parse(text, &a), 0);
	a.s6_addr[5] = (uint8_t)router;
	return a;
}

static struct in6_addr prefix_of(unsigned int router)
{
	return at(router, "2001:db8:0:101::");
}

static struct in6_addr ha_of(unsigned int router)
{
	return at(router, "2001:db8:0:100::1");
}

/* What the kernel forms in the router's prefix, and what the MN makes of its own. */
static struct in6_addr kernel_addr(unsigned int router)
{
	struct in6_addr p = prefix_of(router), a;

	in6_eui64(&a, &p, our_mac);
	return a;
}

static void link_is(struct world *w, bool up, bool eui64)
{
	struct mn_link l = { .ifindex = IF, .name = "wlan0", .up = up, .eui64 = eui64 };

	memcpy(l.mac, our_mac, 6);
	mn_link(&w->mn, &l, w->now);
}

static void address(struct world *w, const struct in6_addr *a, bool gone)
{
	struct mn_addr m = { .ifindex = IF, .addr = *a, .plen = 64, .usable = !gone };

	mn_addr(&w->mn, &m, gone, w->now);
}

static struct nd_ra advertisement(unsigned int router, bool shared)
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

static size_t make_ra(uint8_t *room, size_t cap, unsigned int router, const struct nd_ra *ra)
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

static void hear(struct world *w, unsigned int router, const struct nd_ra *ra)
{
	uint8_t room[1280];
	size_t len = make_ra(room, sizeof(room), router, ra);

	mn_rx_nd(&w->mn, IF, router_mac, room, len, w->now);
}

static void hear_router(struct world *w, unsigned int router)
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
	bool revocation;		/* an indication: status is its trigger */
	uint16_t flags;
};

static size_t make_ba(uint8_t *room, size_t cap, const struct ba *b)
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

static unsigned int count(const struct world *w, enum what what)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < w->n; i++)
		n += w->log[i].what == what;
	return n;
}

/* Where the first of its kind about addr (NULL: any) stands in the record, or -1. */
static int where(const struct world *w, enum what what, const struct in6_addr *addr)
{
	for (unsigned int i = 0; i < w->n; i++)
		if (w->log[i].what == what && (!addr || in6_eq(addr, &w->log[i].addr)))
			return (int)i;
	return -1;
}

static void assert_before(const struct world *w, enum what a, const struct in6_addr *aa,
			  enum what b, const struct in6_addr *bb)
{
	int x = where(w, a, aa), y = where(w, b, bb);

	assert_true(x >= 0);
	assert_true(y >= 0);
	assert_true(x < y);
}

static void forget(struct world *w)
{
	w->n = 0;
}

/* The answer to the last BU for hoa. */
static struct ba answer(const struct world *w, const struct in6_addr *hoa)
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

static void deliver(struct world *w, const struct ba *b)
{
	uint8_t room[512];
	size_t len = make_ba(room, sizeof(room), b);

	mn_rx_mh(&w->mn, room, len, w->now);
}

static void grant(struct world *w, const struct in6_addr *hoa)
{
	struct ba b = answer(w, hoa);

	deliver(w, &b);
}

static const char *state_of(const struct world *w, const struct in6_addr *hoa)
{
	const struct anchor *a = mn_find_anchor(&w->mn, hoa);

	return a ? anchor_state_name(a->state) : "none";
}

static void flow(struct world *w, const struct in6_addr *local)
{
	w->flows[w->n_flows++] = *local;
}

static void end_flow(struct world *w, const struct in6_addr *local)
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
static void attached(struct world *w)
{
	struct in6_addr ll = at(0, "fe80::ff:fe00:9"), a = kernel_addr(1);

	link_is(w, true, true);
	address(w, &ll, false);
	hear_router(w, 1);
	address(w, &a, false);
	after(w, 1 * S);
	assert_string_equal(state_of(w, &a), "attached");
}

static void move_link_to(struct world *w, unsigned int router)
{
	link_is(w, false, true);
	after(w, 20 * MS);
	link_is(w, true, true);
	hear_router(w, router);
}

/* Bound from router 2 to router 1. */
static void away(struct world *w)
{
	struct in6_addr hoa = kernel_addr(1);

	attached(w);
	flow(w, &hoa);
	move_link_to(w, 2);
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");
}

/* --- discovery ------------------------------------------------------------------ */

static void nothing_is_done_at_the_first_router(void **state)
{
	struct world *w = *state;

	attached(w);
	assert_int_equal(count(w, SENT_BU), 0);
	assert_int_equal(count(w, ADDR_SET), 0);
	assert_int_equal(count(w, PATH_SET), 0);
	assert_int_equal(count(w, END_ADD), 0);
	assert_int_equal(w->mn.n_anchors, 1);
}

static void temporary_addresses_are_anchors_too(void **state)
{
	struct in6_addr t = at(1, "2001:db8:0:101:dead:beef:1:2");
	struct world *w = *state;

	attached(w);
	address(w, &t, false);
	assert_string_equal(state_of(w, &t), "attached");
	address(w, &t, true);
	after(w, 1 * S);
	assert_string_equal(state_of(w, &t), "none");
}

static void tentative_addresses_are_not(void **state)
{
	struct mn_addr m = { .ifindex = IF, .addr = kernel_addr(1), .plen = 64 };
	struct world *w = *state;

	link_is(w, true, true);
	hear_router(w, 1);
	mn_addr(&w->mn, &m, false, w->now);
	assert_int_equal(w->mn.n_anchors, 0);
	m.usable = true;
	mn_addr(&w->mn, &m, false, w->now);
	assert_int_equal(w->mn.n_anchors, 1);
}

static void the_home_agent_s_own_address_is_none_of_ours(void **state)
{
	struct nd_ra ra = advertisement(1, true);
	struct in6_addr ha;
	struct world *w = *state;

	ra.prefixes[0].prefix = ha_of(1);
	ha = ra.prefixes[0].prefix;
	link_is(w, true, true);
	hear(w, 1, &ra);
	address(w, &ha, false);
	assert_string_equal(state_of(w, &ha), "none");
}

static void other_interfaces_are_left_alone(void **state)
{
	struct world *w = *state;

	w->cfg.n_interfaces = 1;
	snprintf(w->cfg.interfaces[0], MN_NAME_MAX, "eth0");
	link_is(w, true, true);
	hear_router(w, 1);
	assert_null(w->mn.ifaces);
	assert_int_equal(w->n, 0);
}

static void many_addresses_are_bounded(void **state)
{
	struct in6_addr a = at(1, "2001:db8:0:101::");
	struct world *w = *state;

	attached(w);
	for (unsigned int n = 1; n < 200; n++) {
		a.s6_addr[15] = (uint8_t)n;
		address(w, &a, false);
	}
	assert_true(w->mn.n_anchors <= MN_ANCHORS_MAX);
}

/* --- bad input ------------------------------------------------------------------- */

static uint64_t counted(const struct world *w)
{
	uint64_t sum = 0;

	for (unsigned int c = 0; c < MN_C_MAX; c++)
		sum += w->mn.counters[c];
	return sum;
}

static void ra_with_hop_limit_64(void **state)
{
	struct nd_ra ra = advertisement(2, false);
	struct world *w = *state;
	uint8_t room[1280];
	size_t len;

	attached(w);
	forget(w);
	len = make_ra(room, sizeof(room), 2, &ra);
	room[7] = 64;
	mn_rx_nd(&w->mn, IF, router_mac, room, len, w->now);
	assert_int_equal(w->mn.counters[MN_C_RA_HOP_LIMIT], 1);
	after(w, 2 * S);
	assert_int_equal(w->n, 0);
}

static void ra_from_a_global_source(void **state)
{
	struct nd_ra ra = advertisement(2, false);
	struct in6_addr from = ha_of(2), to;
	struct world *w = *state;
	uint8_t room[1280], *icmp = room + IP6_HDR_LEN;
	uint16_t sum;
	size_t len;

	attached(w);
	forget(w);
	len = make_ra(room, sizeof(room), 2, &ra);
	memcpy(room + 8, &from, 16);
	memcpy(&to, room + 24, 16);
	icmp[2] = icmp[3] = 0;
	sum = cksum_ip6(&from, &to, IP6_NH_ICMP6, icmp, len - IP6_HDR_LEN);
	icmp[2] = (uint8_t)(sum >> 8);
	icmp[3] = (uint8_t)sum;
	mn_rx_nd(&w->mn, IF, router_mac, room, len, w->now);
	assert_int_equal(w->mn.counters[MN_C_RA_BAD], 1);
	after(w, 2 * S);
	assert_int_equal(w->n, 0);
}

static void ra_cut_at_every_byte(void **state)
{
	struct nd_ra ra = advertisement(2, false);
	struct world *w = *state;
	uint8_t room[1280];
	size_t len;

	attached(w);
	forget(w);
	len = make_ra(room, sizeof(room), 2, &ra);
	for (size_t cut = 0; cut < len; cut++) {
		uint64_t before = counted(w);

		mn_rx_nd(&w->mn, IF, router_mac, room, cut, w->now);
		assert_int_equal(counted(w), before + 1);
	}
	assert_int_equal(w->mn.counters[MN_C_RA], 1);	/* the one of attached() */
	after(w, 2 * S);
	assert_int_equal(w->n, 0);
}

static void ba_cut_at_every_byte(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	uint8_t room[512];
	struct ba b;
	size_t len;

	attached(w);
	flow(w, &hoa);
	move_link_to(w, 2);
	b = answer(w, &hoa);
	len = make_ba(room, sizeof(room), &b);
	for (size_t cut = 0; cut < len; cut++)
		mn_rx_mh(&w->mn, room, cut, w->now);
	assert_string_equal(state_of(w, &hoa), "registering");
	assert_int_equal(w->mn.counters[MN_C_PACKET_BAD], len);
	mn_rx_mh(&w->mn, room, len, w->now);
	assert_string_equal(state_of(w, &hoa), "bound");
}

static void ba_with_any_bit_wrong(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	uint8_t room[512];
	struct ba b;
	size_t len;

	attached(w);
	flow(w, &hoa);
	move_link_to(w, 2);
	b = answer(w, &hoa);
	len = make_ba(room, sizeof(room), &b);
	/* Behind the routing header, which has an octet or two that mean nothing. */
	for (size_t n = IP6_HDR_LEN + 24; n < len; n++) {
		room[n] ^= 0x20;
		mn_rx_mh(&w->mn, room, len, w->now);
		room[n] ^= 0x20;
		assert_string_equal(state_of(w, &hoa), "registering");
	}
	assert_true(w->mn.counters[MN_C_MH_CHECKSUM] > 20);
}

static void ba_of_another_home_agent(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	struct ba b;

	attached(w);
	flow(w, &hoa);
	move_link_to(w, 2);
	b = answer(w, &hoa);
	b.ha = ha_of(3);
	deliver(w, &b);
	assert_string_equal(state_of(w, &hoa), "registering");
	assert_int_equal(w->mn.counters[MN_C_BA_UNKNOWN], 1);
}

static void ba_with_another_key(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	struct auth_key key;
	struct ba b;

	assert_int_equal(auth_key_init(&key, 256, AUTH_HMAC_SHA256_128, "fedcba9876543210", 16), 0);
	attached(w);
	flow(w, &hoa);
	move_link_to(w, 2);
	b = answer(w, &hoa);
	b.key = &key;
	deliver(w, &b);
	assert_int_equal(w->mn.counters[MN_C_BA_WRONG_AUTH], 1);
	key.spi = 400;
	deliver(w, &b);
	assert_int_equal(w->mn.counters[MN_C_BA_WRONG_SPI], 1);
	assert_string_equal(state_of(w, &hoa), "registering");
	auth_key_wipe(&key);
}

/* RFC 5846 10: answered, and nothing is left of it; the flows are lost, and counted. */
static void revoked(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	const struct record *r;
	struct ba b;

	away(w);
	b = answer(w, &hoa);
	b.revocation = true;
	b.status = BR_ADMINISTRATIVE;
	b.seq = 0xbeef;
	forget(w);
	deliver(w, &b);
	assert_int_equal(count(w, SENT_BRA), 1);
	r = &w->log[where(w, SENT_BRA, &hoa)];
	assert_int_equal(r->seq, 0xbeef);
	assert_int_equal(r->status, BR_SUCCESS);
	assert_before(w, SENT_BRA, &hoa, TUNNEL_DEL, &hoa);
	assert_true(where(w, ADDR_UNSET, &hoa) >= 0);
	assert_int_equal(w->mn.counters[MN_C_FLOWS_LOST], 1);
	after(w, 100 * S);
	assert_null(mn_find_anchor(&w->mn, &hoa));
	assert_int_equal(count(w, SENT_BU), 0);
	/* Told again, it has nothing to say. */
	deliver(w, &b);
	assert_int_equal(count(w, SENT_BRA), 1);
}

static void revocations_that_do_not_count(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	struct auth_key key;
	struct ba good, b;

	assert_int_equal(auth_key_init(&key, 256, AUTH_HMAC_SHA256_128, "fedcba9876543210", 16), 0);
	away(w);
	good = answer(w, &hoa);
	good.revocation = true;
	good.status = BR_ADMINISTRATIVE;
	b = good;
	b.key = &key;
	deliver(w, &b);
	assert_int_equal(w->mn.counters[MN_C_BRI_AUTH], 1);
	b = good;
	b.ha = ha_of(3);
	deliver(w, &b);
	b = good;
	b.hoa.s6_addr[15] ^= 1;
	deliver(w, &b);
	assert_int_equal(w->mn.counters[MN_C_BRI_UNKNOWN], 2);
	assert_int_equal(count(w, SENT_BRA), 0);
	/* Genuine, but for what a mobile node does not have: told so, and nothing else. */
	b = good;
	b.flags = BR_PROXY;
	deliver(w, &b);
	assert_int_equal(w->log[where(w, SENT_BRA, &hoa)].status, BR_PROXY_NOT_SUPPORTED);
	assert_int_equal(w->mn.counters[MN_C_BRI_REFUSED], 1);
	assert_string_equal(state_of(w, &hoa), "bound");
	auth_key_wipe(&key);
}

static void ba_of_no_outstanding_update(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	struct ba b;

	attached(w);
	flow(w, &hoa);
	move_link_to(w, 2);
	b = answer(w, &hoa);
	b.seq = (uint16_t)(b.seq + 1);
	deliver(w, &b);
	assert_int_equal(w->mn.counters[MN_C_BA_SEQUENCE], 1);
	assert_string_equal(state_of(w, &hoa), "registering");
}

static void ba_for_somebody_else_is_not_looked_at(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	uint64_t before;
	struct ba b;

	away(w);
	b = answer(w, &hoa);
	b.hoa.s6_addr[15] ^= 1;
	b.coa.s6_addr[15] ^= 1;
	before = counted(w);
	deliver(w, &b);
	assert_int_equal(counted(w), before);
}

static void counters_have_names(void **state)
{
	(void)state;
	for (unsigned int c = 0; c < MN_C_MAX; c++)
		assert_non_null(mn_counter_name((enum mn_counter)c));
}

/* --- moving ---------------------------------------------------------------------- */

/* The order is what makes a handover short and safe. */
static void order_of_a_move(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = kernel_addr(2), p2 = prefix_of(2);
	struct world *w = *state;

	attached(w);
	flow(w, &hoa);
	forget(w);
	move_link_to(w, 2);
	assert_before(w, ADDR_SET, &coa, SENT_BU, &hoa);
	assert_before(w, PATH_SET, &p2, SENT_BU, &hoa);
	assert_before(w, END_ADD, &coa, SENT_BU, &hoa);
	assert_before(w, SENT_BU, &hoa, TUNNEL_SET, &hoa);
	assert_before(w, ADDR_SET, &hoa, ADDR_DROP, &hoa);
	assert_before(w, SENT_BU, &hoa, ADDR_DROP, &hoa);
	assert_before(w, SENT_LINK, NULL, SENT_BU, &hoa);
	assert_int_equal(w->log[where(w, ADDR_SET, &coa)].seq, 1);	/* preferred */
	assert_int_equal(w->log[where(w, ADDR_SET, &hoa)].seq, 0);	/* deprecated */
	assert_int_equal(count(w, SENT_BU), 1);
	assert_int_equal(w->log[where(w, SENT_BU, &hoa)].lifetime_s, 600);
	assert_true(in6_eq(&w->log[where(w, SENT_BU, &hoa)].other, &coa));
}

static void left_without_flows(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	attached(w);
	forget(w);
	move_link_to(w, 2);
	after(w, 1 * S);
	assert_int_equal(count(w, SENT_BU), 0);
	assert_int_equal(where(w, ADDR_SET, &hoa), -1);
	assert_true(where(w, ADDR_DROP, &hoa) >= 0);	/* no new flow may start on it */
	assert_string_equal(state_of(w, &hoa), "none");
}

static void several_anchors_register_at_one_move(void **state)
{
	struct in6_addr hoa1 = kernel_addr(1), hoa2 = kernel_addr(2), coa = kernel_addr(3);
	struct world *w = *state;

	away(w);
	address(w, &hoa2, false);
	flow(w, &hoa2);
	after(w, 2 * S);
	forget(w);
	move_link_to(w, 3);
	assert_int_equal(count(w, SENT_BU), 2);
	assert_true(where(w, SENT_BU, &hoa1) >= 0);
	assert_true(where(w, SENT_BU, &hoa2) >= 0);
	for (unsigned int i = 0; i < w->n; i++)
		if (w->log[i].what == SENT_BU)
			assert_true(in6_eq(&w->log[i].other, &coa));
	grant(w, &hoa1);
	grant(w, &hoa2);
	assert_string_equal(state_of(w, &hoa1), "bound");
	assert_string_equal(state_of(w, &hoa2), "bound");
}

static void new_flows_use_the_new_prefix(void **state)
{
	struct in6_addr coa = kernel_addr(2);
	struct world *w = *state;

	away(w);
	assert_string_equal(state_of(w, &coa), "attached");
	assert_int_equal(count(w, TUNNEL_SET), 1);
}

static void return_to_the_first_router(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = kernel_addr(2);
	struct world *w = *state;
	const struct record *r;

	away(w);
	after(w, 2 * S);
	forget(w);
	move_link_to(w, 1);
	assert_string_equal(state_of(w, &hoa), "returning");
	assert_before(w, TUNNEL_DEL, &hoa, SENT_BU, &hoa);
	r = &w->log[where(w, SENT_BU, &hoa)];
	assert_int_equal(r->lifetime_s, 0);
	assert_true(in6_eq(&r->other, &hoa));
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "attached");
	address(w, &hoa, false);
	after(w, 1 * S);
	assert_true(where(w, ADDR_UNSET, &coa) >= 0);
	assert_true(where(w, END_DEL, &coa) >= 0);
	assert_true(in6_is_any(&w->mn.endpoint));
	assert_false(mn_find_anchor(&w->mn, &hoa)->held);
	assert_int_equal(count(w, SENT_NA), 0);		/* nobody else is in its prefix */
}

/* RFC 6275 11.5.5: who has neighbours tells them, when the home agent has let go, and not
 * before. */
static void return_to_a_shared_link_is_announced(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = kernel_addr(2), ll = at(0, "fe80::ff:fe00:9");
	struct nd_ra shared = advertisement(1, true);
	struct world *w = *state;

	link_is(w, true, true);
	address(w, &ll, false);
	hear(w, 1, &shared);
	address(w, &hoa, false);
	after(w, 1 * S);
	flow(w, &hoa);
	move_link_to(w, 2);
	address(w, &coa, false);
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");
	link_is(w, false, true);
	link_is(w, true, true);
	hear(w, 1, &shared);
	assert_string_equal(state_of(w, &hoa), "returning");
	assert_int_equal(count(w, SENT_NA), 0);
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "attached");
	assert_int_equal(count(w, SENT_NA), 1);
	assert_true(where(w, SENT_NA, &hoa) >= 0);
}

/* The advertisement that brings it home says how long the prefix lives from now. */
static void return_renews_the_prefix(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	away(w);
	after(w, 590 * S);
	forget(w);
	move_link_to(w, 1);
	assert_string_equal(state_of(w, &hoa), "returning");
	assert_int_equal(mn_find_anchor(&w->mn, &hoa)->valid_until, w->now + 3600 * S);
}

static void released_after_the_last_flow(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = kernel_addr(2);
	struct world *w = *state;

	away(w);
	flow(w, &hoa);
	after(w, 11 * S);		/* the slow recount sees the second one */
	end_flow(w, &hoa);
	after(w, 11 * S);
	assert_string_equal(state_of(w, &hoa), "bound");
	forget(w);
	end_flow(w, &hoa);
	after(w, 5500 * MS);
	assert_string_equal(state_of(w, &hoa), "releasing");
	grant(w, &hoa);
	after(w, 1 * S);
	assert_string_equal(state_of(w, &hoa), "none");
	assert_true(where(w, TUNNEL_DEL, &hoa) >= 0);
	assert_true(where(w, ADDR_UNSET, &hoa) >= 0);
	assert_true(where(w, END_DEL, &coa) >= 0);
}

static void lost_end_of_flow_is_found_by_the_recount(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	away(w);
	w->n_flows = 0;			/* no notification came */
	after(w, 16 * S);
	assert_string_equal(state_of(w, &hoa), "releasing");
}

static void a_flap_registers_again(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = kernel_addr(2);
	struct world *w = *state;

	away(w);
	after(w, 2 * S);
	forget(w);
	move_link_to(w, 2);
	assert_string_equal(state_of(w, &hoa), "registering");
	assert_true(in6_eq(&w->log[where(w, SENT_BU, &hoa)].other, &coa));
	assert_true(where(w, PATH_SET, NULL) >= 0);	/* the device's routes went with the link */
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");
}

static void a_flap_at_home_keeps_the_flow_s_address(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	attached(w);
	flow(w, &hoa);
	forget(w);
	link_is(w, false, true);
	assert_true(where(w, ADDR_SET, &hoa) >= 0);	/* before the kernel flushes it */
	address(w, &hoa, true);
	link_is(w, true, true);
	hear_router(w, 1);
	assert_string_equal(state_of(w, &hoa), "attached");
	assert_int_equal(count(w, SENT_BU), 0);
	address(w, &hoa, false);
	after(w, 1 * S);
	assert_true(where(w, ADDR_UNSET, &hoa) >= 0);
}

/* What is held at home for a flow is let go with the flow, though the kernel never forms
 * that address again (a random interface identifier). */
static void held_at_home_ends_with_its_flows(void **state)
{
	struct in6_addr hoa = kernel_addr(1), other = at(1, "2001:db8:0:101:aaaa::1");
	struct world *w = *state;

	attached(w);
	flow(w, &hoa);
	link_is(w, false, true);
	address(w, &hoa, true);
	link_is(w, true, true);
	hear_router(w, 1);
	address(w, &other, false);
	after(w, 1 * S);
	forget(w);
	end_flow(w, &hoa);
	after(w, 60 * S);
	assert_true(where(w, ADDR_UNSET, &hoa) >= 0);
	assert_string_equal(state_of(w, &hoa), "none");
}

/* In a prefix that others share an address is not made without asking them. */
static void shared_prefix_waits_for_the_kernel(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = kernel_addr(2);
	struct nd_ra ra = advertisement(2, true);
	struct world *w = *state;

	attached(w);
	flow(w, &hoa);
	forget(w);
	link_is(w, false, true);
	link_is(w, true, true);
	hear(w, 2, &ra);
	assert_int_equal(count(w, SENT_BU), 0);
	assert_int_equal(where(w, ADDR_SET, &coa), -1);
	assert_string_equal(state_of(w, &hoa), "departed");
	after(w, 1 * S);
	address(w, &coa, false);
	assert_string_equal(state_of(w, &hoa), "registering");
	assert_before(w, PATH_SET, NULL, SENT_BU, &hoa);
}

static void own_coa_is_retired(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = kernel_addr(2);
	struct world *w = *state;

	away(w);
	address(w, &coa, false);
	after(w, 1 * S);
	assert_int_equal(where(w, ADDR_UNSET, &coa), -1);	/* the binding needs it */
	forget(w);
	end_flow(w, &hoa);
	after(w, 5500 * MS);
	grant(w, &hoa);
	after(w, 1 * S);
	assert_true(where(w, ADDR_UNSET, &coa) >= 0);
	/* Its flows keep the road: the kernel's default routes of earlier routers live on. */
	assert_int_equal(where(w, PATH_UNSET, NULL), -1);
	assert_string_equal(state_of(w, &coa), "attached");
}

/* Where the kernel makes another address than we did, ours goes with its last flow. */
static void own_random_coa_is_retired_after_its_flows(void **state)
{
	struct in6_addr kernel = at(2, "2001:db8:0:101:aaaa::1"), own;
	struct world *w = *state;

	attached(w);
	link_is(w, false, false);
	link_is(w, true, false);
	hear_router(w, 2);
	own = w->mn.ifaces->coa;
	assert_false(in6_is_any(&own));
	flow(w, &own);
	address(w, &kernel, false);
	after(w, 1 * S);
	assert_int_equal(where(w, ADDR_UNSET, &own), -1);
	end_flow(w, &own);
	after(w, 60 * S);
	assert_true(where(w, ADDR_UNSET, &own) >= 0);
	assert_string_equal(state_of(w, &own), "none");
}

static void away_anchors_are_capped(void **state)
{
	struct world *w = *state;
	unsigned int n_away = 0;
	struct in6_addr a;

	w->cfg.max_anchors = 2;
	attached(w);
	for (unsigned int r = 1; r < 5; r++) {
		a = kernel_addr(r);
		flow(w, &a);
		address(w, &a, false);
		move_link_to(w, r + 1);
		after(w, 2 * S);
	}
	for (const struct anchor *n = w->mn.anchors; n; n = n->next)
		n_away += anchor_away(n) && n->state != ANCHOR_RELEASING;
	assert_int_equal(n_away, 2);
	assert_true(w->mn.counters[MN_C_FLOWS_LOST] >= 2);
	a = kernel_addr(4);
	assert_string_not_equal(state_of(w, &a), "none");	/* the newest is kept */
}

/* An anchor given up with flows stays given up though the next count finds them. */
static void capped_anchors_do_not_come_back(void **state)
{
	struct world *w = *state;
	struct in6_addr a;
	unsigned int n_away;

	w->cfg.max_anchors = 1;
	attached(w);
	for (unsigned int r = 1; r < 4; r++) {
		a = kernel_addr(r);
		flow(w, &a);
		address(w, &a, false);
		move_link_to(w, r + 1);
		grant(w, &a);
	}
	mn_count_flows(&w->mn, w->now);
	n_away = 0;
	for (const struct anchor *n = w->mn.anchors; n; n = n->next)
		n_away += anchor_away(n) && n->state != ANCHOR_RELEASING;
	assert_int_equal(n_away, 1);
}

static void the_interface_is_pulled_out(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	away(w);
	mn_link_gone(&w->mn, IF, w->now);
	assert_null(w->mn.ifaces);
	assert_string_equal(state_of(w, &hoa), "departed");
	after(w, 60 * S);
	link_is(w, true, true);
	hear_router(w, 3);
	assert_string_equal(state_of(w, &hoa), "registering");
}

static void refresh_request_of_the_home_agent_only(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct ip6_packet ip = { .hop_limit = 64, .next_header = MH_NEXT_HEADER, .has_rh2 = true };
	struct mh_msg m = { .type = MH_BRR };
	static const unsigned int senders[] = { 3, 1 };
	struct world *w = *state;

	away(w);
	for (unsigned int n = 0; n < 2; n++) {
		unsigned int from = senders[n];
		uint8_t room[128];
		struct wbuf b;
		size_t mh;

		ip.src = ha_of(from);
		ip.dst = kernel_addr(2);
		ip.rh2 = hoa;
		wb_init(&b, room, sizeof(room));
		ip6_encode(&b, &ip);
		mh = b.len;
		assert_int_equal(mh_encode(&b, &m), 0);
		mh_set_cksum(room + mh, b.len - mh, &ip.src, &hoa);
		ip6_finish(&b, 0);
		mn_rx_mh(&w->mn, room, b.len, w->now);
		assert_string_equal(state_of(w, &hoa), from == 1 ? "refreshing" : "bound");
	}
}

/* --- stop and restart --------------------------------------------------------------- */

static void stop_takes_everything_away(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = kernel_addr(2);
	struct world *w = *state;

	away(w);
	forget(w);
	mn_free(&w->mn, true);
	assert_true(where(w, TUNNEL_DEL, &hoa) >= 0);
	assert_true(where(w, ADDR_UNSET, &hoa) >= 0);
	assert_true(where(w, ADDR_UNSET, &coa) >= 0);
	assert_true(where(w, PATH_UNSET, NULL) >= 0);
	assert_true(where(w, END_DEL, &coa) >= 0);
	mn_init(&w->mn, &w->cfg, &ops, w, &w->timers);
}

static struct mn_restore saved(const struct world *w, const struct in6_addr *hoa)
{
	const struct anchor *a = mn_find_anchor(&w->mn, hoa);

	return (struct mn_restore){
		.prefix = a->prefix, .hoa = a->hoa, .ha = a->ha, .coa = a->coa,
		.away = anchor_away(a), .tunnelled = a->tunnelled,
		.link_local = a->link_local, .seq = a->seq,
		.valid_until = a->valid_until, .bound_until = a->bound_until };
}

static void restart_goes_on(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = kernel_addr(2);
	struct world *w = *state;
	struct mn_restore r;
	uint16_t seq;

	away(w);
	r = saved(w, &hoa);
	seq = r.seq;
	forget(w);
	mn_free(&w->mn, false);
	assert_int_equal(w->n, 0);		/* all is left in place */
	mn_init(&w->mn, &w->cfg, &ops, w, &w->timers);
	assert_int_equal(mn_restore(&w->mn, &r, w->now), 0);
	mn_restore_coa(&w->mn, &coa);
	link_is(w, true, false);
	hear_router(w, 2);
	assert_string_equal(state_of(w, &hoa), "registering");
	assert_true(in6_eq(&w->log[where(w, SENT_BU, &hoa)].other, &coa));
	assert_int_equal(w->log[where(w, SENT_BU, &hoa)].seq, (uint16_t)(seq + 1));
	assert_int_equal(count(w, TUNNEL_DEL), 0);
	assert_int_equal(count(w, ADDR_UNSET), 0);
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");
}

static void restart_after_the_flows_ended_releases(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	struct mn_restore r;

	away(w);
	r = saved(w, &hoa);
	mn_free(&w->mn, false);
	w->n_flows = 0;
	mn_init(&w->mn, &w->cfg, &ops, w, &w->timers);
	assert_int_equal(mn_restore(&w->mn, &r, w->now), 0);
	forget(w);
	link_is(w, true, true);
	hear_router(w, 2);
	assert_string_equal(state_of(w, &hoa), "releasing");
	grant(w, &hoa);
	after(w, 1 * S);
	assert_true(where(w, TUNNEL_DEL, &hoa) >= 0);
	assert_true(where(w, ADDR_UNSET, &hoa) >= 0);
}

static void restored_nonsense_is_refused(void **state)
{
	struct mn_restore r = { .hoa = kernel_addr(1), .ha = ha_of(1), .away = true,
				.prefix = { .addr = prefix_of(1), .len = 64 } };
	struct world *w = *state;

	r.valid_until = w->now;
	assert_int_equal(mn_restore(&w->mn, &r, w->now), -EINVAL);	/* over */
	r.valid_until = w->now + 100 * S;
	r.prefix.addr = prefix_of(2);
	assert_int_equal(mn_restore(&w->mn, &r, w->now), -EINVAL);
	r.prefix.addr = prefix_of(1);
	assert_int_equal(mn_restore(&w->mn, &r, w->now), 0);
	assert_int_equal(mn_restore(&w->mn, &r, w->now), -EINVAL);	/* twice */
	for (unsigned int n = 2; n <= MN_ANCHORS_MAX + 1; n++) {
		r.hoa.s6_addr[15] = (uint8_t)n;
		r.hoa.s6_addr[14] = 7;
		assert_int_equal(mn_restore(&w->mn, &r, w->now),
				 n <= MN_ANCHORS_MAX ? 0 : -ENOSPC);
	}
}

static void health_in_words(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	char text[256];
	struct ba b;

	assert_false(mn_health(&w->mn, text, sizeof(text)));
	away(w);
	assert_true(mn_health(&w->mn, text, sizeof(text)));
	w->cfg.n_keys = 0;
	assert_false(mn_health(&w->mn, text, sizeof(text)));
	assert_non_null(strstr(text, "no key"));
	w->cfg.n_keys = 1;
	after(w, 2 * S);
	forget(w);
	move_link_to(w, 3);
	b = answer(w, &hoa);
	b.status = BA_PROHIBITED;
	deliver(w, &b);
	assert_false(mn_health(&w->mn, text, sizeof(text)));
	assert_non_null(strstr(text, in6_str(&hoa).s));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(nothing_is_done_at_the_first_router), T(temporary_addresses_are_anchors_too),
		T(tentative_addresses_are_not), T(the_home_agent_s_own_address_is_none_of_ours),
		T(other_interfaces_are_left_alone), T(many_addresses_are_bounded),
		T(ra_with_hop_limit_64), T(ra_from_a_global_source), T(ra_cut_at_every_byte),
		T(ba_cut_at_every_byte), T(ba_with_any_bit_wrong), T(ba_of_another_home_agent),
		T(ba_with_another_key), T(revoked), T(revocations_that_do_not_count),
		T(ba_of_no_outstanding_update),
		T(ba_for_somebody_else_is_not_looked_at), T(counters_have_names),
		T(order_of_a_move), T(left_without_flows),
		T(several_anchors_register_at_one_move), T(new_flows_use_the_new_prefix),
		T(return_to_the_first_router), T(return_to_a_shared_link_is_announced),
		T(return_renews_the_prefix),
		T(released_after_the_last_flow),
		T(lost_end_of_flow_is_found_by_the_recount), T(a_flap_registers_again),
		T(a_flap_at_home_keeps_the_flow_s_address), T(held_at_home_ends_with_its_flows),
		T(shared_prefix_waits_for_the_kernel), T(own_coa_is_retired),
		T(own_random_coa_is_retired_after_its_flows), T(away_anchors_are_capped),
		T(capped_anchors_do_not_come_back), T(the_interface_is_pulled_out),
		T(refresh_request_of_the_home_agent_only), T(stop_takes_everything_away),
		T(restart_goes_on), T(restart_after_the_flows_ended_releases),
		T(restored_nonsense_is_refused), T(health_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
