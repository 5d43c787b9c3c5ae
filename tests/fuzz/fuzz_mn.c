/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole mobile node, fed with a sequence of events: the input says which come, in which order
 * and with what in them. Two interfaces, four routers, home agents that answer this and that, a
 * kernel that refuses now and then, a clock that jumps. After each event what the mobile node
 * wants in the kernel is there and nothing else, its tables are within bounds, and the work was
 * bounded; after a stop nothing is left.
 * links: mn-agent without its edges, common/wire, common/core
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "common/wire/cksum.h"
#include "common/wire/ext.h"
#include "mn-agent/mn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROUTERS		4
#define IFACES		2
#define FLOWS		8
#define SET_MAX		128
#define EVENTS_MAX	400
#define OPS_MAX		20000		/* of one event */

struct set { unsigned int n; struct in6_addr a[SET_MAX]; };

static struct {
	const uint8_t *in;
	size_t left;
	usec_t now;
	struct timers timers;
	struct mn_config cfg;
	struct mn mn;
	struct set own, tunnels, endpoints;
	struct set links[IFACES];	/* what is ours on the links of others */
	struct mn_flow flows[FLOWS];
	unsigned int n_flows;
	unsigned int failures;		/* of the kernel, to come */
	unsigned int ops;
	uint8_t dice;
	/* The last Binding Update, to be answered. */
	bool asked;
	struct in6_addr hoa, coa, ha;
	uint16_t seq;
	/* The last request for home agents. */
	struct in6_addr from;
	uint16_t id;
} w;

static uint8_t take(void)
{
	if (w.left == 0)
		return 0;
	w.left--;
	return *w.in++;
}

static void take_bytes(uint8_t *dst, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = take();
}

/* --- the kernel ------------------------------------------------------------------ */

static int find(const struct set *s, const struct in6_addr *a)
{
	for (unsigned int n = 0; n < s->n; n++)
		if (in6_eq(&s->a[n], a))
			return (int)n;
	return -1;
}

static void put(struct set *s, const struct in6_addr *a)
{
	if (find(s, a) >= 0)
		return;
	assert(s->n < SET_MAX);
	s->a[s->n++] = *a;
}

static void drop(struct set *s, const struct in6_addr *a)
{
	int n = find(s, a);

	if (n >= 0)
		s->a[n] = s->a[--s->n];
}

static void worked(void)
{
	w.ops++;
	assert(w.ops < OPS_MAX);
}

static bool fails(void)
{
	worked();
	if (w.failures == 0)
		return false;
	w.failures--;
	return true;
}

static void remember_request(const struct ip6_packet *ip, const uint8_t *data)
{
	struct icmp6_msg m;

	assert(icmp6_decode(data + ip->payload_off, ip->payload_len, ip6_cksum_src(ip), &ip->dst,
			    ip->hop_limit, &m) == ICMP6_OK);
	if (m.type != ICMP6_DHAAD_REQUEST)
		return;
	assert(in6_is_home_agents_anycast(&ip->dst) && in6_is_routable(&ip->src));
	w.from = ip->src;
	w.id = m.u.dhaad.id;
}

static int op_send_routed(void *ctx, const void *data, size_t len)
{
	struct ip6_packet ip;
	struct mh_msg m;

	(void)ctx;
	assert(ip6_decode(data, len, &ip) == IP6_OK);
	if (fails())
		return -5;
	if (ip.next_header != MH_NEXT_HEADER) {
		remember_request(&ip, data);
		return 0;
	}
	assert(mh_decode((const uint8_t *)data + ip.payload_off, ip.payload_len,
			 ip6_cksum_src(&ip), ip6_cksum_dst(&ip), &m, NULL) == MH_OK);
	if (m.type != MH_BU)
		return 0;
	w.asked = true;
	w.hoa = *ip6_cksum_src(&ip);
	w.coa = ip.src;
	w.ha = ip.dst;
	w.seq = m.u.bu.seq;
	return 0;
}

static int op_send_link(void *ctx, int ifindex, const uint8_t mac[6], const void *data, size_t len)
{
	struct ip6_packet ip;

	(void)mac;
	assert(ifindex >= 2 && ifindex < 2 + IFACES);
	assert(ip6_decode(data, len, &ip) == IP6_OK);
	/* RFC 6275 11.5.5: a de-registration, to the home agent's link-layer address. */
	if (ip.next_header == MH_NEXT_HEADER)
		return op_send_routed(ctx, data, len);
	assert(ip.hop_limit == 255);
	return fails() ? -5 : 0;
}

static int op_path_set(void *ctx, const struct mn_path *p)
{
	(void)ctx;
	assert(p->slot < MN_INTERFACES_MAX && in6_is_linklocal(&p->router));
	return fails() ? -5 : 0;
}

static void op_path_unset(void *ctx, const struct mn_path *p)
{
	(void)ctx;
	(void)p;
	worked();
}

static void op_onlink_gone(void *ctx, int ifindex, const struct in6_prefix *prefix)
{
	(void)ctx;
	(void)ifindex;
	(void)prefix;
}

static void op_router_gone(void *ctx, int ifindex, const struct in6_addr *router)
{
	(void)ctx;
	(void)ifindex;
	(void)router;
	worked();
}

static int op_addr_set(void *ctx, const struct in6_addr *addr, bool preferred)
{
	(void)ctx;
	(void)preferred;
	worked();
	assert(in6_is_routable(addr));
	put(&w.own, addr);
	return 0;
}

static void op_addr_unset(void *ctx, const struct in6_addr *addr)
{
	(void)ctx;
	worked();
	drop(&w.own, addr);
}

static int op_addr_add(void *ctx, const struct mn_addr *a)
{
	(void)ctx;
	assert(in6_is_routable(&a->addr) && a->ifindex >= 2 && a->ifindex < 2 + IFACES);
	if (fails())
		return -EOPNOTSUPP;
	put(&w.links[a->ifindex - 2], &a->addr);
	return 0;
}

static int op_addr_home(void *ctx, const struct mn_addr *a, uint32_t valid_s,
			uint32_t preferred_s, bool dad)
{
	(void)ctx;
	(void)dad;
	assert(a->ifindex >= 2 && a->ifindex < 2 + IFACES && preferred_s <= valid_s);
	if (fails())
		return -5;
	put(&w.links[a->ifindex - 2], &a->addr);
	return 0;
}

static void op_addr_drop(void *ctx, const struct mn_addr *a)
{
	(void)ctx;
	worked();
	assert(a->ifindex >= 2 && a->ifindex < 2 + IFACES);
	drop(&w.links[a->ifindex - 2], &a->addr);
}

static int op_endpoint_add(void *ctx, const struct in6_addr *addr)
{
	(void)ctx;
	if (fails())
		return -5;
	put(&w.endpoints, addr);
	return 0;
}

static void op_endpoint_del(void *ctx, const struct in6_addr *addr)
{
	(void)ctx;
	worked();
	drop(&w.endpoints, addr);
}

static int op_tunnel_set(void *ctx, const struct dp_binding *b)
{
	(void)ctx;
	assert(b->inner.len == 128 && b->mtu >= 1280);
	assert(in6_is_routable(&b->local) && in6_is_routable(&b->remote));
	if (fails())
		return -5;
	put(&w.tunnels, &b->inner.addr);
	return 0;
}

static int op_tunnel_del(void *ctx, const struct in6_addr *hoa)
{
	(void)ctx;
	worked();
	drop(&w.tunnels, hoa);
	return 0;
}

static int op_flows(void *ctx, const struct in6_addr *locals, unsigned int n,
		    bool (*fn)(void *arg, const struct mn_flow *f), void *arg)
{
	(void)ctx;
	(void)locals;
	(void)n;
	if (fails())
		return -5;
	for (unsigned int i = 0; i < w.n_flows; i++)
		if (!fn(arg, &w.flows[i]))
			break;
	return 0;
}

static int op_sent(void *ctx, void (*fn)(void *arg, const struct in6_addr *from, usec_t ago),
		   void *arg)
{
	(void)ctx, (void)fn, (void)arg;
	return 0;
}

static uint64_t op_traffic(void *ctx, const struct in6_addr *hoa)
{
	(void)ctx;
	(void)hoa;
	return 0;
}

static void op_watch_flows(void *ctx, bool on)
{
	(void)ctx;
	(void)on;
}

static void op_random(void *ctx, void *dst, size_t n)
{
	(void)ctx;
	for (size_t i = 0; i < n; i++)
		((uint8_t *)dst)[i] = w.dice = (uint8_t)(w.dice * 5 + 113);
}

static int64_t op_wall_us(void *ctx)
{
	(void)ctx;
	return w.now;
}

static void op_event(void *ctx, const char *name, const struct mn_iface *i,
		     const struct anchor *a, const char *detail, usec_t now)
{
	(void)ctx;
	(void)i;
	(void)a;
	(void)detail;
	(void)now;
	assert(name);
}

static void op_changed(void *ctx)
{
	(void)ctx;
}

static const struct mn_ops ops = {
	.send_link = op_send_link, .send_routed = op_send_routed, .path_set = op_path_set,
	.path_unset = op_path_unset, .router_gone = op_router_gone,
	.onlink_gone = op_onlink_gone, .addr_set = op_addr_set,
	.addr_unset = op_addr_unset, .addr_add = op_addr_add, .addr_home = op_addr_home,
	.addr_drop = op_addr_drop,
	.endpoint_add = op_endpoint_add,
	.endpoint_del = op_endpoint_del, .tunnel_set = op_tunnel_set,
	.tunnel_del = op_tunnel_del, .flows = op_flows, .sent = op_sent, .traffic = op_traffic,
	.watch_flows = op_watch_flows,
	.random = op_random, .wall_us = op_wall_us, .event = op_event, .changed = op_changed,
};

/* --- addresses ------------------------------------------------------------------- */

/* 2001:db8:0:R01:: and so on; the home agent of router R is 2001:db8:0:R00::1. */
static struct in6_addr make(uint8_t router, uint8_t net, uint8_t host)
{
	struct in6_addr a = { { { 0x20, 1, 0xd, 0xb8, [6] = router, [7] = net, [15] = host } } };

	return a;
}

static struct in6_addr link_local(uint8_t host)
{
	struct in6_addr a = { { { 0xfe, 0x80, [15] = host } } };

	return a;
}

/* Mostly what the mobile node has, sometimes what it has not, sometimes nonsense. */
static struct in6_addr some_addr(void)
{
	uint8_t how = take();
	struct in6_addr a;
	unsigned int n = 0;

	if (how < 16) {
		take_bytes(a.s6_addr, 16);
		return a;
	}
	if (how < 64 && w.mn.anchors) {
		const struct anchor *at = w.mn.anchors;

		for (n = how % (w.mn.n_anchors + 1); n > 0 && at->next; n--)
			at = at->next;
		return how & 32 ? at->hoa : at->coa;
	}
	if (how < 72)
		return link_local(how & 7);
	return make(how % ROUTERS, 1 + (how >> 2) % 3, 1 + (how >> 5));
}

/* --- events ---------------------------------------------------------------------- */

static void ev_link(void)
{
	uint8_t b = take();
	struct mn_link l = { .ifindex = 2 + b % IFACES, .up = b & 4, .eui64 = b & 8,
			     .mac = { 2, 0, 0, 0, 0, 9 } };

	snprintf(l.name, sizeof(l.name), b & 16 && b & 32 ? "x%u" : "w%u", b % IFACES);
	if (b >= 250) {
		w.links[b % IFACES].n = 0;
		mn_link_gone(&w.mn, l.ifindex, w.now);
	} else {
		mn_link(&w.mn, &l, w.now);
	}
}

static void ev_addr(void)
{
	uint8_t b = take();
	struct mn_addr a = { .ifindex = 2 + b % IFACES, .plen = 64, .usable = b & 8,
			     .duplicate = (b & 12) == 4 };

	a.addr = b & 64 ? link_local(9) : some_addr();
	if ((b & 48) == 48)
		drop(&w.links[b % IFACES], &a.addr);
	mn_addr(&w.mn, &a, (b & 48) == 48, w.now);
	/* Many at once. */
	for (unsigned int n = 0; n < 20 && (b & 0xf0) == 0x90; n++) {
		a.addr.s6_addr[14]++;
		mn_addr(&w.mn, &a, false, w.now);
	}
}

/* A packet with the checksum right. */
static void hear(const struct in6_addr *src, const struct in6_addr *dst, uint8_t hop_limit,
		 const uint8_t *body, size_t len)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct ip6_packet ip = { .src = *src, .dst = *dst, .hop_limit = hop_limit,
				 .next_header = IP6_NH_ICMP6 };
	uint8_t room[2048];
	size_t at;
	struct wbuf b;

	wb_init(&b, room, sizeof(room));
	ip6_encode(&b, &ip);
	at = b.len;
	wb_bytes(&b, body, len);
	if (b.err || len < 4)
		return;
	wb_set_u16(&b, at + 2, 0);
	wb_set_u16(&b, at + 2, cksum_ip6(src, dst, IP6_NH_ICMP6, room + at, len));
	ip6_finish(&b, 0);
	mn_rx_nd(&w.mn, 2 + take() % IFACES, mac, room, b.len, w.now);
}

static void ev_advertisement(void)
{
	static const uint16_t lifetimes[] = { 1800, 0, 1, 9000 };
	static const uint32_t valid[] = { 3600, 0, 30, UINT32_MAX };
	const struct in6_addr all = { { { 0xff, 2, [15] = 1 } } };
	uint8_t r = take() % ROUTERS, b = take(), n = take() % 10, body[1500] = { ICMP6_RA };
	struct in6_addr src = link_local((uint8_t)(1 + r));
	size_t len = 16;

	body[5] = b & RA_FLAG_HOME_AGENT;
	body[6] = (uint8_t)(lifetimes[b & 3] >> 8);
	body[7] = (uint8_t)lifetimes[b & 3];
	for (uint8_t i = 0; i < n; i++, len += 32) {
		uint8_t flags = take(), v = take();
		struct in6_addr p = flags & 1 ? some_addr() :
			make(r, flags & PIO_FLAG_ROUTER ? 0 : 1 + (v >> 6), 1);
		uint32_t life = valid[v & 3];
		const uint8_t life_octets[4] = { (uint8_t)(life >> 24), (uint8_t)(life >> 16),
						 (uint8_t)(life >> 8), (uint8_t)life };

		body[len] = 3;
		body[len + 1] = 4;
		body[len + 2] = v & 4 ? take() : 64;
		body[len + 3] = flags & 0xe0;
		memcpy(body + len + 4, life_octets, 4);
		memcpy(body + len + 8, life_octets, 4);
		memcpy(body + len + 16, &p, 16);
	}
	if (b & 4) {
		const uint8_t mtu[8] = { 5, 1, 0, 0, take(), take(), take(), take() };

		memcpy(body + len, mtu, 8);
		len += 8;
	}
	hear(&src, &all, 255, body, len);
}

static void ev_discovery(void)
{
	struct in6_addr src = take() & 1 ? link_local(1) : some_addr(), dst = link_local(9);
	uint8_t body[128];
	size_t len = 4 + take() % (sizeof(body) - 4);

	take_bytes(body, len);
	hear(&src, &dst, take() ? 255 : 64, body, len);
}

static void ev_neighbour(void)
{
	struct in6_addr src = link_local((uint8_t)(1 + take() % ROUTERS)), dst = link_local(9);
	uint8_t body[24] = { ICMP6_NA, [4] = 0x60 };

	memcpy(body + 8, &src, 16);
	hear(&src, &dst, 255, body, sizeof(body));
}

/* From the home agent, signed with the key; what is in it is the input's business. */
static void ev_answer(void)
{
	static const uint8_t types[] = { MH_BA, MH_BA, MH_BA, MH_BA, MH_BRR, MH_BE, MH_BR, MH_HOT };
	static const uint8_t statuses[] = { 0, 0, 0, 128, 129, 130, 131, 132, 133, 134, 135, 144 };
	const struct auth_key *k = &w.cfg.keys[0].key;
	uint8_t b = take(), s = take(), room[512];
	struct ip6_packet ip = { .src = w.ha, .dst = w.coa, .hop_limit = 64,
				 .next_header = MH_NEXT_HEADER };
	struct mh_msg m = { .type = types[b & 7] };
	struct wbuf o;
	size_t mh;

	if (!w.asked)
		return;
	ip.has_rh2 = !in6_eq(&w.hoa, &w.coa);
	ip.rh2 = w.hoa;
	switch (m.type) {
	case MH_BA:
		m.u.ba.status = statuses[s % sizeof(statuses)];
		m.u.ba.seq = (uint16_t)(w.seq + (s & 128 ? take() - 128 : 0));
		m.u.ba.lifetime = b & 8 ? (uint16_t)(take() * 257) : 150;
		break;
	case MH_BE:
		m.u.be.status = s;
		m.u.be.hoa = w.hoa;
		break;
	case MH_BR:
		m.u.br = (struct mh_br){ BR_INDICATION, s, take(), (uint16_t)(take() << 8) };
		break;
	}
	if (b & 16) {
		m.opts.has_refresh_advice = true;
		m.opts.refresh_advice = take();
	}
	if (!(b & 32))
		m.opts.mn_ha = (struct mh_auth){ .present = true, .spi = k->spi, .len = 16 };
	wb_init(&o, room, sizeof(room));
	ip6_encode(&o, &ip);
	mh = o.len;
	if (mh_encode(&o, &m))
		return;
	if (!(b & 32)) {
		if (auth_mn_ha(k, &w.coa, &w.hoa, room + mh, m.opts.mn_ha.covered,
			       m.opts.mn_ha.data))
			abort();
		mh_set_auth(room + mh, o.len - mh, &m.opts.mn_ha);
	}
	mh_set_cksum(room + mh, o.len - mh, &ip.src, &w.hoa);
	ip6_finish(&o, 0);
	if (!o.err)
		mn_rx_mh(&w.mn, room, o.len, w.now);
}

/* The answer to the last request: which home agents there are is the input's business. */
static void ev_reply(void)
{
	struct icmp6_msg m = { .type = ICMP6_DHAAD_REPLY, .u.dhaad.id = w.id };
	struct ip6_packet ip = { .src = make(0, 0, 1), .dst = w.from, .hop_limit = 64,
				 .next_header = IP6_NH_ICMP6 };
	uint8_t b = take(), room[512];
	struct wbuf o;

	m.u.dhaad.n_ha = b % 12;
	for (unsigned int n = 0; n < m.u.dhaad.n_ha; n++)
		m.u.dhaad.ha[n] = b & 128 ? some_addr() : make(n % ROUTERS, 0, 1);
	wb_init(&o, room, sizeof(room));
	if (icmp6_packet(&o, &ip, &m) == 0)
		mn_rx_discovery(&w.mn, room, o.len, w.now);
}

static void ev_packet(void)
{
	uint8_t room[256], how = take();
	size_t len = take();

	if (how & 128) {
		ev_reply();
		return;
	}
	take_bytes(room, len);
	switch (how % 5) {
	case 0:
		mn_rx_mh(&w.mn, room, len, w.now);
		break;
	case 1:
		mn_rx_prefixes(&w.mn, room, len, w.now);
		break;
	case 2:
		mn_rx_discovery(&w.mn, room, len, w.now);
		break;
	case 3:
		mn_rx_tunnel_error(&w.mn, room, len, w.now);
		break;
	case 4:
		mn_rx_update_error(&w.mn, room, len, w.now);
		break;
	}
}

static void ev_flow(void)
{
	uint8_t b = take();
	struct in6_addr a = some_addr();
	unsigned int n = b % FLOWS;

	if (b & 128 && n < w.n_flows) {
		a = w.flows[n].local;
		w.flows[n] = w.flows[--w.n_flows];
		if (b & 64)
			mn_flow_ended(&w.mn, &a, w.now);
		else
			mn_flows_changed(&w.mn, w.now);
	} else if (w.n_flows < FLOWS) {
		w.flows[w.n_flows++] = (struct mn_flow){
			.local = a, .remote = make(9, 9, b & 32 ? 0 : 9), .remote_port = 80,
			.local_port = 1024, .state = FLOW_ESTABLISHED, .owned = true,
			.protocol = b & 16 ? FLOW_UDP : FLOW_TCP };
	}
}

/* Timers run as they are due, or all of them late. */
static void ev_time(void)
{
	static const usec_t steps[] = { USEC_MS, 100 * USEC_MS, USEC_S, 10 * USEC_S,
					100 * USEC_S, 1000 * USEC_S, 10000 * USEC_S };
	uint8_t b = take();
	usec_t end = w.now + steps[b % 7] * (1 + (b >> 5));
	unsigned int runs = 0;

	if (b & 8) {
		w.now = end;
		mn_woken(&w.mn, w.now);
	}
	while (timers_next(&w.timers) <= end && runs++ < 5000) {
		if (timers_next(&w.timers) > w.now)
			w.now = timers_next(&w.timers);
		timers_run(&w.timers, w.now);
		w.ops = 0;
	}
	w.now = end;
}

/* A home, of each of the kinds that there are. */
static void configure_home(struct mn_home *h, uint8_t b)
{
	*h = (struct mn_home){ .prefix = { make(b % ROUTERS, 1, 0), 64 },
			       .unauthenticated = (b & 12) == 12, .spi = (b & 12) == 8 ? 256 : 0 };
	snprintf(h->name, sizeof(h->name), "h%u", b >> 6);
	if (b & 16)
		h->address = make(b % ROUTERS, 1, 1 + (b >> 6));
	else if (b & 4)
		strcpy(h->eui64_of, "w0");
	if (b & 32)
		h->ha = make(b % ROUTERS, 0, 1);
}

static void ev_configuration(void)
{
	struct mn_config old = w.cfg;
	uint8_t b = take(), homes = take();

	w.cfg.n_homes = homes & 1 ? 1 + (homes >> 6 != 3) : 0;
	for (unsigned int n = 0; n < w.cfg.n_homes; n++)
		configure_home(&w.cfg.homes[n], (uint8_t)(homes + 64 * n));

	w.cfg.max_anchors = 1 + b % 8;
	w.cfg.anchor.mtu = b & 8 ? 1280 : 1460;
	w.cfg.anchor.linger = b & 16 ? 0 : 5 * USEC_S;
	w.cfg.anchor.lifetime_s = b & 32 ? 10 : 600;
	w.cfg.n_interfaces = b & 64 ? 1 : 0;
	w.cfg.never.n = homes & 2 ? 1 : 0;
	strcpy(w.cfg.never.name[0], homes & 4 ? "x*" : "w1");
	strcpy(w.cfg.interfaces[0], b & 1 ? "w1" : "w0");
	w.cfg.keys[0].timestamps = b & 2;
	/* The key leaves and comes, but stays ours to sign with. */
	if (b & 128)
		w.cfg.n_keys = 1 - old.n_keys;
	mn_reconfigured(&w.mn, &old, w.now);
}

static void ev_restart(void)
{
	struct mn_restore kept[MN_ANCHORS_MAX];
	struct in6_addr coa = in6addr_any;
	uint8_t b = take();
	unsigned int n = 0;

	for (const struct anchor *a = w.mn.anchors; a; a = a->next) {
		if (a->state == ANCHOR_GONE)
			continue;
		kept[n] = (struct mn_restore){
			.discover = a->discovery.wanted, .prefix = a->prefix, .hoa = a->hoa,
			.ha = a->ha, .coa = a->coa, .away = anchor_away(a),
			.tunnelled = a->tunnelled, .seq = a->seq, .link_local = a->link_local,
			.valid_until = a->valid_until, .bound_until = a->bound_until };
		memcpy(kept[n++].name, a->name, sizeof(a->name));
	}
	for (const struct mn_iface *i = w.mn.ifaces; i; i = i->next)
		if (i->coa_source == COA_OWN)
			coa = i->coa;
	mn_free(&w.mn, false);
	assert(timers_next(&w.timers) == USEC_NEVER);
	if (b & 1) {			/* the host was started anew */
		w.own.n = w.tunnels.n = w.endpoints.n = w.n_flows = 0;
		for (unsigned int k = 0; k < n; k++)
			kept[k].tunnelled = false;
	}
	/* As keep.c does after a while; here at once. */
	w.own.n = w.endpoints.n = 0;
	for (unsigned int k = 0; k < IFACES; k++)
		w.links[k].n = 0;
	mn_init(&w.mn, &w.cfg, &ops, NULL, &w.timers);
	if (!in6_is_any(&coa) && !(b & 2))
		mn_restore_coa(&w.mn, &coa);
	for (unsigned int k = 0; k < n; k++)
		(void)mn_restore(&w.mn, &kept[k], w.now);
	mn_homes(&w.mn, w.now);
	for (unsigned int k = 0; k < w.tunnels.n;) {
		const struct anchor *a = mn_find_anchor(&w.mn, &w.tunnels.a[k]);

		if (a && a->tunnelled)
			k++;
		else
			w.tunnels.a[k] = w.tunnels.a[--w.tunnels.n];
	}
}

/* --- what must hold --------------------------------------------------------------- */

static void check(void)
{
	unsigned int n = 0, tunnelled = 0;
	char text[256];

	for (const struct anchor *a = w.mn.anchors; a; a = a->next) {
		n++;
		assert(a->state != ANCHOR_GONE || (!a->held && !a->tunnelled));
		if (!a->tunnelled)
			continue;
		tunnelled++;
		assert(find(&w.tunnels, &a->hoa) >= 0);
	}
	assert(n == w.mn.n_anchors && n <= MN_ANCHORS_MAX);
	assert(tunnelled == w.tunnels.n);
	for (unsigned int k = 0; k < w.own.n; k++)
		assert(mn_wants_addr(&w.mn, &w.own.a[k]));
	assert(w.endpoints.n <= MN_ENDS_MAX);
	for (const struct mn_iface *i = w.mn.ifaces; i; i = i->next)
		assert(i->n_addrs <= MN_ADDRS_MAX && i->n_past <= MN_PAST_ROUTERS);
	(void)mn_health(&w.mn, text, sizeof(text));
	mn_health_nd(&w.mn, w.now, text, sizeof(text));
}

/* What concerns all of it at once. */
static void ev_whole(void)
{
	uint8_t b = take();

	switch (b % 4) {
	case 0: mn_doubt(&w.mn, w.now); break;
	case 1: mn_woken(&w.mn, w.now); break;
	case 2: (void)mn_choose(&w.mn, b & 4 ? "w0" : b & 8 ? "w1" : NULL, w.now); break;
	case 3: mn_reassert(&w.mn); break;
	}
}

static void quiet(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
}

static void event(void)
{
	w.ops = 0;
	switch (take() % 16) {
	case 0: ev_link(); break;
	case 1: ev_addr(); break;
	case 2:
	case 3: ev_advertisement(); break;
	case 4: ev_discovery(); break;
	case 5: ev_neighbour(); break;
	case 6:
	case 7: ev_answer(); break;
	case 8: ev_packet(); break;
	case 9: ev_flow(); break;
	case 10:
	case 11: ev_time(); break;
	case 12: ev_whole(); break;
	case 13: ev_configuration(); break;
	case 14: ev_restart(); break;
	case 15: w.failures = take() % 8; break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memset(&w, 0, sizeof(w));
	log_set_sink(quiet, NULL);
	w.in = data;
	w.left = size;
	w.now = 1000 * USEC_S;
	w.cfg.n_keys = 1;
	w.cfg.keys[0].any_ha = true;
	w.cfg.max_anchors = 8;
	w.cfg.anchor = (struct anchor_config){ .linger = 5 * USEC_S, .lifetime_s = 600,
					       .mtu = 1460 };
	if (auth_key_init(&w.cfg.keys[0].key, 256, AUTH_HMAC_SHA256_128, "0123456789abcdef", 16))
		return 0;
	timers_init(&w.timers);
	mn_init(&w.mn, &w.cfg, &ops, NULL, &w.timers);
	for (unsigned int n = 0; w.left > 0 && n < EVENTS_MAX; n++) {
		event();
		check();
	}
	w.failures = 0;
	mn_release_all(&w.mn, w.now);
	mn_free(&w.mn, true);
	assert(w.own.n == 0 && w.tunnels.n == 0 && w.endpoints.n == 0);
	for (unsigned int k = 0; k < IFACES; k++)
		assert(w.links[k].n == 0);
	assert(timers_next(&w.timers) == USEC_NEVER);
	timers_free(&w.timers);
	auth_key_wipe(&w.cfg.keys[0].key);
	return 0;
}
