/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world of a mobile node with a home that is configured: whole packets and kernel events
 * in, what it sends and what it does to addresses out. For test_homes.c, test_home_config.c.
 */
#ifndef DMIP6_TESTS_HOME_WORLD_H
#define DMIP6_TESTS_HOME_WORLD_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/core/log.h"
#include "common/wire/ext.h"
#include "mn-agent/mn.h"

#define S	USEC_S
#define IF	2
#define HOME	"2001:db8:5:500::"
#define HOA	"2001:db8:5:500::a5"
#define HA	"2001:db8:5:500::1"
#define ANYCAST	"2001:db8:5:500:fdff:ffff:ffff:fffe"
#define ABROAD	"2001:db8:7::"
#define COA	"2001:db8:7::5"
#define COA2	"2001:db8:8::5"

struct sent {
	bool request;			/* for home agents; else a Binding Update */
	struct in6_addr src, dst, hoa;
	uint16_t number;
	uint32_t lifetime_s;
	bool is_signed;
	uint32_t spi;
};

struct placed {
	struct in6_addr addr;
	int ifindex;
	uint32_t valid_s;
	bool dad;
	unsigned int sent;		/* how many packets had left before */
};

struct world {
	struct timers timers;
	usec_t now;
	struct mn_config cfg;
	struct mn mn;
	unsigned int n_sent, n_placed, n_dropped, n_na, n_made;
	struct sent sent[256];
	struct placed placed[64];
	struct in6_addr held[16];	/* on our own device */
	unsigned int n_held;
	struct in6_addr flow;		/* in use; unspecified: none */
	bool tunnelled;
	uint8_t dice;
};

static struct world the_world;
static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 9 };
static const uint8_t router_mac[6] = { 2, 0, 0, 0, 0, 1 };

static inline struct in6_addr addr(const char *s)
{
	struct in6_addr a;

	assert_int_equal(in6_parse(s, &a), 0);
	return a;
}

static inline void same(const struct in6_addr *a, const char *s)
{
	assert_string_equal(in6_str(a).s, s);
}

/* --- ops ----------------------------------------------------------------------- */

static inline int op_send_routed(void *ctx, const void *data, size_t len)
{
	struct world *w = ctx;
	struct sent *s = &w->sent[w->n_sent++];
	const uint8_t *payload = data;
	struct ip6_packet ip;
	struct icmp6_msg icmp;
	struct mh_msg m;

	assert_true(w->n_sent < 256);
	assert_int_equal(ip6_decode(data, len, &ip), IP6_OK);
	payload += ip.payload_off;
	*s = (struct sent){ .src = ip.src, .dst = ip.dst, .hoa = *ip6_cksum_src(&ip) };
	if (ip.next_header == IP6_NH_ICMP6) {
		assert_int_equal(icmp6_decode(payload, ip.payload_len, ip6_cksum_src(&ip),
					      &ip.dst, ip.hop_limit, &icmp), ICMP6_OK);
		if (icmp.type == ICMP6_MPS) {
			w->n_sent--;
			return 0;
		}
		assert_int_equal(icmp.type, ICMP6_DHAAD_REQUEST);
		s->request = true;
		s->number = icmp.u.dhaad.id;
		return 0;
	}
	assert_int_equal(mh_decode(payload, ip.payload_len, ip6_cksum_src(&ip),
				   ip6_cksum_dst(&ip), &m, NULL), MH_OK);
	s->number = m.u.bu.seq;
	s->lifetime_s = m.u.bu.lifetime * 4u;
	s->is_signed = m.opts.mn_ha.present;
	s->spi = m.opts.mn_ha.spi;
	return 0;
}

static inline int op_send_link(void *ctx, int ifindex, const uint8_t mac[6], const void *data,
			       size_t len)
{
	struct world *w = ctx;
	const uint8_t *p = data;

	(void)ifindex;
	(void)mac;
	if (p[6] == MH_NEXT_HEADER)
		return op_send_routed(ctx, data, len);
	w->n_na += p[40] == ICMP6_NA;
	return 0;
}

static inline int op_path_set(void *ctx, const struct mn_path *p)
{
	(void)ctx;
	(void)p;
	return 0;
}

static inline void op_path_unset(void *ctx, const struct mn_path *p)
{
	(void)ctx;
	(void)p;
}

static inline void op_onlink_gone(void *ctx, int ifindex, const struct in6_prefix *prefix)
{
	(void)ctx;
	(void)ifindex;
	(void)prefix;
}

static inline void op_router_gone(void *ctx, int ifindex, const struct in6_addr *router)
{
	(void)ctx;
	(void)ifindex;
	(void)router;
}

static inline bool is_held(const struct world *w, const struct in6_addr *a)
{
	for (unsigned int n = 0; n < w->n_held; n++)
		if (in6_eq(&w->held[n], a))
			return true;
	return false;
}

static inline int op_addr_set(void *ctx, const struct in6_addr *a, bool preferred)
{
	struct world *w = ctx;

	(void)preferred;
	if (!is_held(w, a))
		w->held[w->n_held++] = *a;
	return 0;
}

static inline void op_addr_unset(void *ctx, const struct in6_addr *a)
{
	struct world *w = ctx;

	for (unsigned int n = 0; n < w->n_held; n++)
		if (in6_eq(&w->held[n], a))
			w->held[n--] = w->held[--w->n_held];
}

/* A kernel that makes no optimistic addresses: its own is waited for. */
static inline int op_addr_add(void *ctx, const struct mn_addr *a)
{
	(void)a;
	((struct world *)ctx)->n_made++;
	return -EOPNOTSUPP;
}

static inline int op_addr_home(void *ctx, const struct mn_addr *a, uint32_t valid_s,
			uint32_t preferred_s, bool dad)
{
	struct world *w = ctx;

	assert_int_equal(a->plen, 64);
	assert_true(preferred_s <= valid_s);
	assert_true(w->n_placed < 64);
	w->placed[w->n_placed++] = (struct placed){ a->addr, a->ifindex, valid_s, dad, w->n_sent };
	return 0;
}

static inline void op_addr_drop(void *ctx, const struct mn_addr *a)
{
	struct world *w = ctx;

	assert_int_equal(a->ifindex, IF);
	w->n_dropped++;
}

static inline int op_endpoint_add(void *ctx, const struct in6_addr *a)
{
	(void)ctx;
	(void)a;
	return 0;
}

static inline void op_endpoint_del(void *ctx, const struct in6_addr *a)
{
	(void)ctx;
	(void)a;
}

static inline int op_tunnel_set(void *ctx, const struct dp_binding *b)
{
	(void)b;
	((struct world *)ctx)->tunnelled = true;
	return 0;
}

static inline int op_tunnel_del(void *ctx, const struct in6_addr *hoa)
{
	(void)hoa;
	((struct world *)ctx)->tunnelled = false;
	return 0;
}

static inline int op_flows(void *ctx, const struct in6_addr *locals, unsigned int n,
		    bool (*fn)(void *arg, const struct mn_flow *f), void *arg)
{
	struct world *w = ctx;
	struct mn_flow f = { .local = w->flow, .remote = addr("2001:db8:c::1"), .protocol = 6,
			     .local_port = 1, .remote_port = 2, .state = FLOW_ESTABLISHED,
			     .owned = true };

	for (unsigned int i = 0; i < n; i++)
		if (in6_eq(&locals[i], &w->flow))
			(void)fn(arg, &f);
	return 0;
}

static inline int op_sent(void *ctx, void (*fn)(void *arg, const struct in6_addr *from, usec_t ago),
		   void *arg)
{
	(void)ctx, (void)fn, (void)arg;
	return 0;
}

static inline uint64_t op_traffic(void *ctx, const struct in6_addr *hoa)
{
	(void)ctx;
	(void)hoa;
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
		((uint8_t *)dst)[i] = w->dice = (uint8_t)(w->dice * 5 + 113);
}

static inline int64_t op_wall_us(void *ctx)
{
	return (int64_t)((struct world *)ctx)->now;
}

static inline void op_event(void *ctx, const char *name, const struct mn_iface *i,
		     const struct anchor *a, const char *detail, usec_t now)
{
	(void)ctx;
	(void)name;
	(void)i;
	(void)a;
	(void)detail;
	(void)now;
}

static inline void op_changed(void *ctx)
{
	(void)ctx;
}

static const struct mn_ops ops = {
	.send_link = op_send_link, .send_routed = op_send_routed, .path_set = op_path_set,
	.path_unset = op_path_unset, .router_gone = op_router_gone,
	.onlink_gone = op_onlink_gone, .addr_set = op_addr_set, .addr_unset = op_addr_unset,
	.addr_add = op_addr_add, .addr_home = op_addr_home, .addr_drop = op_addr_drop,
	.endpoint_add = op_endpoint_add, .endpoint_del = op_endpoint_del,
	.tunnel_set = op_tunnel_set, .tunnel_del = op_tunnel_del, .flows = op_flows,
	.sent = op_sent, .traffic = op_traffic, .watch_flows = op_watch_flows, .random = op_random,
	.wall_us = op_wall_us, .event = op_event, .changed = op_changed,
};

static inline void quiet(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
}

/* --- the world around it ------------------------------------------------------- */

static inline void make_key(struct mn_key *k, uint32_t spi, const char *secret)
{
	assert_int_equal(auth_key_init(&k->key, spi, AUTH_HMAC_SHA256_128, secret, 16), 0);
	k->any_ha = true;
}

static inline int setup(void **state)
{
	struct world *w = &the_world;

	memset(w, 0, sizeof(*w));
	log_set_sink(quiet, NULL);
	w->now = 100 * S;
	w->cfg.n_keys = 2;
	make_key(&w->cfg.keys[0], 256, "0123456789abcdef");
	make_key(&w->cfg.keys[1], 257, "fedcba9876543210");
	w->cfg.max_anchors = 8;
	w->cfg.anchor = (struct anchor_config){ .linger = 5 * S, .lifetime_s = 600, .mtu = 1460 };
	w->cfg.n_homes = 1;
	strcpy(w->cfg.homes[0].name, "office");
	w->cfg.homes[0].prefix = (struct in6_prefix){ addr(HOME), 64 };
	w->cfg.homes[0].address = addr(HOA);
	w->cfg.homes[0].ha = addr(HA);
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
	for (unsigned int n = 0; n < 2; n++)
		auth_key_wipe(&w->cfg.keys[n].key);
	return 0;
}

static inline void after(struct world *w, usec_t d)
{
	usec_t end = w->now + d;

	while (timers_next(&w->timers) <= end) {
		w->now = timers_next(&w->timers);
		timers_run(&w->timers, w->now);
	}
	w->now = end;
}

static inline void link_is(struct world *w, bool up)
{
	struct mn_link l = { .ifindex = IF, .name = "wlan0", .up = up, .eui64 = true };

	memcpy(l.mac, our_mac, 6);
	mn_link(&w->mn, &l, w->now);
}

static inline void address(struct world *w, const char *text, bool gone, bool ours)
{
	struct mn_addr m = { .ifindex = IF, .addr = addr(text), .plen = 64, .usable = !gone,
			     .ours = ours };

	mn_addr(&w->mn, &m, gone, w->now);
}

static inline void hear_on(struct world *w, int ifindex, unsigned int router,
			   const struct nd_ra *ra)
{
	struct icmp6_msg msg = { .type = ICMP6_RA, .u.ra = *ra };
	struct ip6_packet ip = { .hop_limit = 255, .next_header = IP6_NH_ICMP6,
				 .src = addr("fe80::1"), .dst = addr("ff02::1") };
	uint8_t room[1280];
	struct wbuf b;

	ip.src.s6_addr[14] = (uint8_t)router;
	wb_init(&b, room, sizeof(room));
	assert_int_equal(icmp6_packet(&b, &ip, &msg), 0);
	mn_rx_nd(&w->mn, ifindex, router_mac, b.base, b.len, w->now);
}

static inline void hear(struct world *w, unsigned int router, const struct nd_ra *ra)
{
	hear_on(w, IF, router, ra);
}

/* A router with one prefix. */
static inline struct nd_ra router(uint8_t flags, const char *prefix, uint8_t prefix_flags, uint32_t valid_s)
{
	struct nd_ra ra = { .flags = flags, .router_lifetime_s = 65535, .n_prefixes = 1 };

	ra.prefixes[0] = (struct nd_prefix){ .prefix = addr(prefix), .plen = 64,
					     .flags = prefix_flags, .valid_s = valid_s,
					     .preferred_s = valid_s / 2 };
	return ra;
}

static inline void visit(struct world *w, unsigned int n, const char *prefix, const char *coa)
{
	struct nd_ra ra = router(0, prefix, PIO_FLAG_ONLINK | PIO_FLAG_AUTO, 3600);

	link_is(w, false);
	link_is(w, true);
	hear(w, n, &ra);
	address(w, coa, false, false);
	after(w, 0);
}

static inline void abroad(struct world *w)
{
	visit(w, 7, ABROAD, COA);
}

/* The next advertisement of the home link. */
static inline void heard_again(struct world *w)
{
	struct nd_ra ra = router(RA_FLAG_HOME_AGENT, HA,
				 PIO_FLAG_ONLINK | PIO_FLAG_AUTO | PIO_FLAG_ROUTER, 7200);

	hear(w, 5, &ra);
	after(w, 0);
}

static inline void at_home(struct world *w)
{
	link_is(w, false);
	link_is(w, true);
	heard_again(w);
}

static inline struct anchor *office(struct world *w)
{
	for (struct anchor *a = w->mn.anchors; a; a = a->next)
		if (strcmp(a->name, "office") == 0)
			return a;
	return NULL;
}

static const struct sent *last(const struct world *w)
{
	assert_true(w->n_sent > 0);
	return &w->sent[w->n_sent - 1];
}

/* key: NULL: without authentication. */
static inline void acknowledge(struct world *w, uint8_t status, uint32_t lifetime_s,
			const struct auth_key *key)
{
	const struct anchor *a = office(w);
	struct ip6_packet ip = { .src = a->ha, .dst = a->coa, .hop_limit = 64,
				 .has_rh2 = !in6_eq(&a->coa, &a->hoa), .rh2 = a->hoa,
				 .next_header = MH_NEXT_HEADER };
	struct mh_msg m = { .type = MH_BA, .u.ba = { .status = status, .seq = last(w)->number,
						      .lifetime = (uint16_t)(lifetime_s / 4) } };
	uint8_t room[256];
	struct wbuf b;
	size_t mh;

	if (key) {
		m.opts.mn_ha.present = true;
		m.opts.mn_ha.spi = key->spi;
		m.opts.mn_ha.len = (uint8_t)auth_len(key->algorithm);
	}
	wb_init(&b, room, sizeof(room));
	ip6_encode(&b, &ip);
	mh = b.len;
	assert_int_equal(mh_encode(&b, &m), 0);
	if (key) {
		assert_int_equal(auth_mn_ha(key, &ip.dst, &a->hoa, room + mh,
					    m.opts.mn_ha.covered, m.opts.mn_ha.data), 0);
		assert_int_equal(mh_set_auth(room + mh, b.len - mh, &m.opts.mn_ha), 0);
	}
	mh_set_cksum(room + mh, b.len - mh, &ip.src, &a->hoa);
	ip6_finish(&b, 0);
	mn_rx_mh(&w->mn, b.base, b.len, w->now);
	after(w, 0);
}

static inline void grant(struct world *w)
{
	acknowledge(w, BA_ACCEPTED, last(w)->lifetime_s, &w->cfg.keys[0].key);
}

/* Registered from abroad. */
static inline void registered(struct world *w)
{
	mn_homes(&w->mn, w->now);
	abroad(w);
	grant(w);
	assert_int_equal(office(w)->state, ANCHOR_BOUND);
}

static inline void assert_health(struct world *w, bool ok, const char *part)
{
	char text[256];

	assert_int_equal(mn_health(&w->mn, text, sizeof(text)), ok);
	assert_non_null(strstr(text, part));
}

#endif
