/* SPDX-License-Identifier: BSD-2-Clause */
/* links: the home agent without its edges ($(ha_core) in Makefile.am), tunnel.c (-lcrypto) */
/*
 * Network mode without a network: a number of access routers that are peers, hosts that know
 * nothing of mobility and move between them, and a session database that is away at times. Messages
 * between routers are late, lost and overtake each other; routers crash and come back with what
 * they had stored. When things have been quiet for a time everything that must hold is looked at.
 *
 *	test_mars [--steps N] [--seed S] [--only NAME] [--trace]
 *
 * The seed is printed; the same seed is the same run. A failure names the step.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "ha-agent/ha.h"

#define MARS_MAX	20
#define HOSTS_MAX	200
#define PREFIXES	32		/* that one host may have */
#define PACKETS		65536		/* under way */
#define DP_MAX		8192		/* entries of one router's data path */
#define RECORDS_MAX	16384
#define QUIET		(120 * USEC_S)	/* longer than any back-off */
#define WALL		INT64_C(1796000000000000)
#define ACC		7		/* ifindex */

struct weather {
	const char *name;
	unsigned int mars, hosts;
	unsigned int loss, doubled;	/* per mille */
	usec_t delay, jitter;
	usec_t short_stay, long_stay;
	/* what a step is, in per mille; the rest moves a host */
	unsigned int crash, database, leave;
	bool solicits;			/* else hosts only look for duplicates */
};

static const struct weather weathers[] = {
	{ .name = "figure 4", .mars = 3, .hosts = 1, .delay = 5 * USEC_MS, .jitter = USEC_MS,
	  .short_stay = 500 * USEC_MS, .long_stay = 5 * USEC_S, .solicits = true },
	{ .name = "hosts that do not solicit", .mars = 3, .hosts = 5, .delay = 5 * USEC_MS,
	  .jitter = 5 * USEC_MS, .short_stay = 10 * USEC_MS, .long_stay = 5 * USEC_S },
	{ .name = "lossy and out of order", .mars = 5, .hosts = 20, .loss = 200, .doubled = 100,
	  .delay = 5 * USEC_MS, .jitter = 200 * USEC_MS, .short_stay = 10 * USEC_MS,
	  .long_stay = 3 * USEC_S, .leave = 50, .solicits = true },
	{ .name = "faster than the round trip", .mars = 3, .hosts = 3, .loss = 20, .doubled = 20,
	  .delay = 40 * USEC_MS, .jitter = 20 * USEC_MS, .short_stay = USEC_MS,
	  .long_stay = 60 * USEC_MS },
	{ .name = "routers crash", .mars = 5, .hosts = 20, .loss = 50, .delay = 5 * USEC_MS,
	  .jitter = 20 * USEC_MS, .short_stay = 5 * USEC_MS, .long_stay = 2 * USEC_S,
	  .crash = 150, .leave = 50 },
	{ .name = "the database comes and goes", .mars = 5, .hosts = 20, .loss = 50,
	  .delay = 5 * USEC_MS, .jitter = 20 * USEC_MS, .short_stay = 5 * USEC_MS,
	  .long_stay = 2 * USEC_S, .database = 150, .crash = 20, .solicits = true },
	{ .name = "twenty routers, hundreds of hosts", .mars = 20, .hosts = 200, .loss = 20,
	  .delay = 10 * USEC_MS, .jitter = 10 * USEC_MS, .short_stay = USEC_MS,
	  .long_stay = 100 * USEC_MS, .crash = 5, .database = 5, .leave = 20 },
};

/* ---- the world ---- */

struct packet {
	usec_t due;
	struct in6_addr dst;
	size_t len;
	uint8_t *data;
};

struct answer {				/* of the database, under way */
	usec_t due;
	bool used;
	uint8_t mac[6];
	int err;
};

struct mar {
	struct ha ha;
	struct ha_config cfg;
	struct ha_peer peers[MARS_MAX];
	unsigned int id;
	bool down;
	struct dp_binding dp[DP_MAX];	/* survives a crash, as the kernel's does */
	unsigned int n_dp;
	struct ha_lease_record leases[HOSTS_MAX];
	unsigned int n_leases;
	struct ha_binding_record bindings[HOSTS_MAX];
	unsigned int n_bindings;
	struct in6_prefix links[DP_MAX];	/* routes to the access link */
	unsigned int n_links;
	struct answer answers[HOSTS_MAX];
	struct timers timers;
};

struct host {
	uint8_t mac[6];
	int at;				/* router; -1: nowhere */
	struct in6_prefix prefixes[PREFIXES];	/* from advertisements */
	usec_t until[PREFIXES];
	unsigned int n;
	usec_t reply;			/* to a solicitation; 0: none is due */
};

struct record { struct sdb_record r; usec_t until; bool used; };

static struct mar mars[MARS_MAX];
static struct host hosts[HOSTS_MAX];
static struct record records[RECORDS_MAX];
static struct packet packets[PACKETS];
static unsigned int n_packets;
static bool database_up;
static const struct weather *weather;
static usec_t now;
static uint64_t rng;
static bool trace;
static unsigned int n_failed, n_sent, n_advertised;

static uint64_t rnd(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

static usec_t between(usec_t a, usec_t b)
{
	return b > a ? a + (usec_t)(rnd() % (uint64_t)(b - a + 1)) : a;
}

static bool chance(unsigned int per_mille)
{
	return rnd() % 1000 < per_mille;
}

static void die(const char *what)
{
	fprintf(stderr, "test_mars: %s\n", what);
	exit(2);
}

static struct in6_addr addr_of(unsigned int mar)
{
	return (struct in6_addr){ .s6_addr = { 0x20, 1, 0xd, 0xb8, 0, (uint8_t)(mar + 1), 1,
					       [15] = 1 } };
}

static int mar_of(const struct in6_addr *a)
{
	for (unsigned int i = 0; i < weather->mars; i++) {
		struct in6_addr own = addr_of(i);

		if (memcmp(&own, a, 7) == 0)
			return (int)i;
	}
	return -1;
}

/* ---- operations of a router ---- */

static struct host *host_of(const uint8_t mac[6])
{
	for (unsigned int i = 0; i < weather->hosts; i++)
		if (memcmp(hosts[i].mac, mac, 6) == 0)
			return &hosts[i];
	return NULL;
}

static void hears(struct host *h, const struct nd_ra *ra)
{
	for (unsigned int i = 0; i < ra->n_prefixes; i++) {
		const struct nd_prefix *p = &ra->prefixes[i];
		const struct in6_prefix prefix = { .addr = p->prefix, .len = 64 };
		unsigned int j = 0;

		if (!(p->flags & PIO_FLAG_AUTO))
			continue;
		while (j < h->n && !in6_prefix_eq(&h->prefixes[j], &prefix))
			j++;
		if (j == PREFIXES)
			die("a host with too many prefixes");
		h->prefixes[j] = prefix;
		if (j == h->n)
			h->n++;
		h->until[j] = now + (usec_t)p->valid_s * USEC_S;
	}
}

static int op_send_link(void *ctx, int ifindex, const uint8_t mac[6], const void *data, size_t len)
{
	struct mar *m = ctx;
	struct host *h = host_of(mac);
	struct ip6_packet ip;
	struct icmp6_msg msg;

	(void)ifindex;
	if (!h || h->at != (int)m->id || ip6_decode(data, len, &ip) != IP6_OK ||
	    icmp6_decode((const uint8_t *)data + ip.payload_off, ip.payload_len, &ip.src, &ip.dst,
			 ip.hop_limit, &msg) != ICMP6_OK)
		return 0;
	if (msg.type == ICMP6_RA) {
		n_advertised++;
		hears(h, &msg.u.ra);
	} else if (msg.type == ICMP6_NS) {
		h->reply = now + between(USEC_MS, 5 * USEC_MS);
	}
	return 0;
}

static void post(const struct in6_addr *dst, const void *data, size_t len)
{
	struct packet *p;

	if (n_packets == PACKETS)
		die("too many packets under way");
	p = &packets[n_packets++];
	p->due = now + weather->delay + between(0, weather->jitter);
	p->dst = *dst;
	p->len = len;
	p->data = malloc(len);
	if (!p->data)
		die("no memory");
	memcpy(p->data, data, len);
}

static int op_send_routed(void *ctx, const void *data, size_t len)
{
	struct in6_addr dst;

	(void)ctx;
	memcpy(&dst, (const uint8_t *)data + 24, sizeof(dst));
	n_sent++;
	if (!chance(weather->loss))
		post(&dst, data, len);
	if (chance(weather->doubled))
		post(&dst, data, len);
	return 0;
}

static int op_forward(void *ctx, const void *data, size_t len)
{
	(void)ctx;
	(void)data;
	(void)len;
	return 0;
}

static struct dp_binding *dp_find(struct mar *m, const struct in6_prefix *inner)
{
	for (unsigned int i = 0; i < m->n_dp; i++)
		if (in6_prefix_eq(&m->dp[i].inner, inner))
			return &m->dp[i];
	return NULL;
}

static int op_dp_set(void *ctx, const struct dp_binding *b)
{
	struct mar *m = ctx;
	struct dp_binding *at = dp_find(m, &b->inner);

	if (!at && m->n_dp == DP_MAX)
		die("data path full");
	if (!at)
		at = &m->dp[m->n_dp++];
	*at = *b;
	return 0;
}

static int op_dp_steer(void *ctx, const struct dp_steer *s)
{
	(void)ctx;
	(void)s;
	return 0;
}

static int op_dp_del(void *ctx, const struct in6_prefix *inner)
{
	struct mar *m = ctx;
	struct dp_binding *at = dp_find(m, inner);

	if (!at)
		return -ENOENT;
	*at = m->dp[--m->n_dp];
	return 0;
}

static void link_set(struct mar *m, const struct in6_prefix *p, bool there)
{
	unsigned int i = 0;

	while (i < m->n_links && !in6_prefix_eq(&m->links[i], p))
		i++;
	if (there && i == m->n_links) {
		if (m->n_links == DP_MAX)
			die("too many routes");
		m->links[m->n_links++] = *p;
	} else if (!there && i < m->n_links) {
		m->links[i] = m->links[--m->n_links];
	}
}

static bool link_has(const struct mar *m, const struct in6_prefix *p)
{
	for (unsigned int i = 0; i < m->n_links; i++)
		if (in6_prefix_eq(&m->links[i], p))
			return true;
	return false;
}

static int op_lease_attach(void *ctx, const struct lease *l)
{
	link_set(ctx, &l->prefix, true);
	return 0;
}

static void op_lease_detach(void *ctx, const struct lease *l)
{
	link_set(ctx, &l->prefix, false);
}

static int op_visit_attach(void *ctx, const struct visitor *h, const struct in6_prefix *p)
{
	(void)h;
	link_set(ctx, p, true);
	return 0;
}

static void op_visit_detach(void *ctx, const struct visitor *h, const struct in6_prefix *p)
{
	(void)h;
	link_set(ctx, p, false);
}

static int op_lease_store(void *ctx, const struct ha_lease_record *r, bool durable)
{
	struct mar *m = ctx;
	unsigned int i = 0;

	(void)durable;
	while (i < m->n_leases && !in6_prefix_eq(&m->leases[i].prefix, &r->prefix))
		i++;
	if (i == HOSTS_MAX)
		die("too many leases");
	m->leases[i] = *r;
	if (i == m->n_leases)
		m->n_leases++;
	return 0;
}

static void op_binding_store(void *ctx, struct ha_binding_record *r)
{
	struct mar *m = ctx;
	unsigned int i = 0;

	while (i < m->n_bindings && !in6_eq(&m->bindings[i].hoa, &r->hoa))
		i++;
	if (i == HOSTS_MAX)
		die("too many bindings");
	r->place = i + 1;
	m->bindings[i] = *r;
	if (i == m->n_bindings)
		m->n_bindings++;
}

static void op_binding_forget(void *ctx, const struct in6_addr *hoa, uint32_t place)
{
	struct mar *m = ctx;

	(void)place;
	for (unsigned int i = 0; i < m->n_bindings; i++)
		if (in6_eq(&m->bindings[i].hoa, hoa))
			m->bindings[i].past = true;
}

static int op_session_find(void *ctx, const uint8_t mac[6])
{
	struct mar *m = ctx;
	unsigned int i = 0;

	while (i < HOSTS_MAX && m->answers[i].used)
		i++;
	if (i >= 64)
		return -EBUSY;
	m->answers[i].used = true;
	memcpy(m->answers[i].mac, mac, 6);
	m->answers[i].err = database_up ? 0 : -ETIMEDOUT;
	m->answers[i].due = now + (database_up ? between(100, 2 * USEC_MS) : USEC_S);
	return 0;
}

static void record_set(const struct mar *m, const struct lease *l, enum sdb_state state)
{
	struct record *free_one = NULL, *r = NULL;

	for (unsigned int i = 0; i < RECORDS_MAX && !r; i++) {
		if (!records[i].used && !free_one)
			free_one = &records[i];
		if (records[i].used && in6_prefix_eq(&records[i].r.prefix, &l->prefix))
			r = &records[i];
	}
	if (!r)
		r = free_one;
	if (!r)
		die("too many records");
	r->used = true;
	r->r = (struct sdb_record){
		.mn_id = { .subtype = MN_ID_EUI48, .len = 6 }, .prefix = l->prefix,
		.anchor = addr_of(m->id), .state = state, .lifetime_s = 1,
	};
	memcpy(r->r.mn_id.data, l->mac, 6);
	memcpy(r->r.mac, l->mac, 6);
	r->until = l->valid_until;
}

/* What could not be written is written when the database is back. */
static void op_session_put(void *ctx, const struct lease *l)
{
	if (database_up)
		record_set(ctx, l, SDB_ACTIVE);
}

static void op_session_del(void *ctx, const struct lease *l)
{
	if (database_up)
		record_set(ctx, l, SDB_RELEASED);
}

static void group(void *ctx, int ifindex, const struct in6_addr *g, bool member)
{
	(void)ctx;
	(void)ifindex;
	(void)g;
	(void)member;
}

static int home_attach(void *ctx, const struct ha_home *home)
{
	(void)ctx;
	(void)home;
	return 0;
}

static void home_detach(void *ctx, const struct ha_home *home)
{
	(void)ctx;
	(void)home;
}

static void home_store(void *ctx, const struct ha_home_record *r)
{
	(void)ctx;
	(void)r;
}

static void home_forget(void *ctx, const struct in6_prefix *p)
{
	(void)ctx;
	(void)p;
}

/* Each clock is a little off, by as much as RFC 5213 allows for. */
static int64_t op_wall_us(void *ctx)
{
	const struct mar *m = ctx;

	return WALL + now + (int64_t)m->id * 7 * USEC_MS;
}

static void op_random(void *ctx, void *dst, size_t n)
{
	(void)ctx;
	for (size_t i = 0; i < n; i++)
		((uint8_t *)dst)[i] = (uint8_t)rnd();
}

static void drained(void *ctx)
{
	(void)ctx;
}

static const struct ha_ops ops = {
	.drained = drained, .send_link = op_send_link, .send_routed = op_send_routed,
	.forward = op_forward, .dp_set = op_dp_set, .dp_del = op_dp_del,
	.dp_steer = op_dp_steer,
	.home_attach = home_attach, .group = group, .home_detach = home_detach,
	.home_store = home_store, .home_forget = home_forget, .lease_attach = op_lease_attach,
	.lease_detach = op_lease_detach, .lease_store = op_lease_store,
	.binding_store = op_binding_store, .binding_forget = op_binding_forget,
	.session_find = op_session_find, .session_put = op_session_put,
	.session_del = op_session_del, .visit_attach = op_visit_attach,
	.visit_detach = op_visit_detach, .wall_us = op_wall_us, .random = op_random,
};

/* ---- life of a router ---- */

static void start(struct mar *m)
{
	static const uint8_t mac[6] = MAG_ROUTER_MAC;
	const struct in6_addr linklocal = MAG_ROUTER_LINK_LOCAL;

	if (ha_init(&m->ha, &m->cfg, &ops, m, &m->timers, now) < 0)
		die("a router does not start");
	for (unsigned int i = 0; i < m->n_leases; i++)
		(void)ha_restore_lease(&m->ha, &m->leases[i], now);
	for (unsigned int i = 0; i < m->n_bindings; i++)
		if (!m->bindings[i].past)
			(void)ha_restore_binding(&m->ha, &m->bindings[i], now);
	ha_restored(&m->ha, now);
	m->down = false;
	ha_link(&m->ha, ACC, "acc0", mac, &linklocal, true, now);
}

/* What it had in the kernel stays there. */
static void stop(struct mar *m)
{
	ha_free(&m->ha);
	m->down = true;
	for (unsigned int i = 0; i < HOSTS_MAX; i++)
		m->answers[i].used = false;
}

/* As io_network.c does after a restart: what nobody has claimed again goes. */
static void settle(struct mar *m)
{
	for (unsigned int i = m->n_dp; i-- > 0;) {
		const struct in6_prefix p = m->dp[i].inner;

		if (m->dp[i].visit ? mag_visits(&m->ha, &p) :
		    ha_bound_find(&m->ha, &p.addr) != NULL)
			continue;
		(void)op_dp_del(m, &p);
	}
	for (unsigned int i = m->n_links; i-- > 0;) {
		const struct in6_prefix p = m->links[i];
		const struct lease *l = ha_find_lease(&m->ha, &p.addr);

		if (!(l && l->state == LEASE_ATTACHED) && !mag_visits(&m->ha, &p))
			link_set(m, &p, false);
	}
}

static void make_mar(unsigned int id)
{
	struct mar *m = &mars[id];

	memset(m, 0, sizeof(*m));
	m->id = id;
	timers_init(&m->timers);
	ha_config_defaults(&m->cfg);
	m->cfg.n_interfaces = 1;
	memcpy(m->cfg.interfaces[0], "acc0", 5);
	m->cfg.n_homes = 1;
	m->cfg.homes[0].prefix = (struct in6_prefix){ .addr = addr_of(id), .len = 56 };
	in6_mask(&m->cfg.homes[0].prefix.addr, 56);
	m->cfg.network_mode = true;
	m->cfg.sessions.backend = HA_SESSIONS_SQLITE;
	m->cfg.peers = m->peers;
	for (unsigned int i = 0; i < weather->mars; i++) {
		struct ha_peer *p = &m->peers[m->cfg.n_peers];

		if (i == id)
			continue;
		p->address = addr_of(i);
		if (auth_key_init(&p->auth, 500 + (i < id ? i * 20 + id : id * 20 + i),
				  AUTH_HMAC_SHA256_128, "0123456789abcdef", 16) < 0)
			die("no key");
		m->cfg.n_peers++;
	}
	if (ha_config_check(&m->cfg))
		die(ha_config_check(&m->cfg));
	start(m);
}

/* ---- hosts ---- */

static size_t nd(uint8_t *room, const struct icmp6_msg *msg, const struct in6_addr *src,
		 const struct in6_addr *dst)
{
	struct ip6_packet ip = { .src = *src, .dst = *dst, .hop_limit = 255,
				 .next_header = IP6_NH_ICMP6 };
	struct wbuf w;

	wb_init(&w, room, 256);
	return icmp6_packet(&w, &ip, msg) < 0 ? 0 : w.len;
}

static void host_says(struct host *h, uint8_t type)
{
	static const struct in6_addr prefix = { .s6_addr = { 0xfe, 0x80 } };
	const struct in6_addr routers = { .s6_addr = { 0xff, 2, [15] = 2 } };
	struct icmp6_msg msg = { .type = type };
	struct in6_addr own, dst = routers, any = in6addr_any;
	uint8_t room[256];
	size_t len;

	if (h->at < 0 || mars[h->at].down)
		return;
	in6_eui64(&own, &prefix, h->mac);
	if (type == ICMP6_NS) {
		msg.u.ns.target = own;
		dst = (struct in6_addr){ .s6_addr = { 0xff, 2, [11] = 1, 0xff, own.s6_addr[13],
						      own.s6_addr[14], own.s6_addr[15] } };
	} else if (type == ICMP6_NA) {
		msg.u.na.target = own;
		msg.u.na.flags = NA_FLAG_SOLICITED;
		dst = (struct in6_addr)MAG_ROUTER_LINK_LOCAL;
	}
	len = nd(room, &msg, type == ICMP6_NS ? &any : &own, &dst);
	ha_rx_nd(&mars[h->at].ha, ACC, h->mac, room, len, now);
	ha_flush(&mars[h->at].ha, now);
}

static void move(struct host *h, int to)
{
	if (trace)
		printf("# %.3f host %02x: %d -> %d\n", (double)now / 1e6, h->mac[5], h->at, to);
	h->at = to;
	h->reply = 0;
	host_says(h, weather->solicits ? ICMP6_RS : ICMP6_NS);
}

/* ---- time ---- */

static void deliver(void)
{
	for (unsigned int i = 0; i < n_packets;) {
		struct packet p = packets[i];
		int to;

		if (p.due > now) {
			i++;
			continue;
		}
		packets[i] = packets[--n_packets];
		to = mar_of(&p.dst);
		if (to >= 0 && !mars[to].down) {
			ha_rx_mh(&mars[to].ha, p.data, p.len, now);
			ha_flush(&mars[to].ha, now);
		}
		free(p.data);
	}
}

static void answer(struct mar *m)
{
	for (unsigned int i = 0; i < HOSTS_MAX && !m->down; i++) {
		struct sdb_record found[SDB_RECORDS_MAX];
		unsigned int n = 0;

		if (!m->answers[i].used || m->answers[i].due > now)
			continue;
		m->answers[i].used = false;
		for (unsigned int j = 0; j < RECORDS_MAX && n < SDB_RECORDS_MAX; j++) {
			if (!records[j].used || records[j].until <= now ||
			    memcmp(records[j].r.mac, m->answers[i].mac, 6) != 0)
				continue;
			found[n] = records[j].r;
			found[n++].lifetime_s = (uint32_t)((records[j].until - now) / USEC_S) + 1;
		}
		mag_found(&m->ha, m->answers[i].mac, m->answers[i].err, found, n, now);
		ha_flush(&m->ha, now);
	}
}

static void reply(void)
{
	for (unsigned int i = 0; i < weather->hosts; i++) {
		if (hosts[i].reply == 0 || hosts[i].reply > now)
			continue;
		hosts[i].reply = 0;
		host_says(&hosts[i], ICMP6_NA);
	}
}

static usec_t next_event(usec_t end)
{
	usec_t t = end;

	for (unsigned int i = 0; i < weather->hosts; i++)
		if (hosts[i].reply != 0 && hosts[i].reply < t)
			t = hosts[i].reply;

	for (unsigned int i = 0; i < n_packets; i++)
		t = packets[i].due < t ? packets[i].due : t;
	for (unsigned int i = 0; i < weather->mars; i++) {
		const struct mar *m = &mars[i];

		if (m->down)
			continue;
		t = timers_next(&m->timers) < t ? timers_next(&m->timers) : t;
		for (unsigned int j = 0; j < HOSTS_MAX; j++)
			if (m->answers[j].used && m->answers[j].due < t)
				t = m->answers[j].due;
	}
	return t < now ? now : t;
}

static void run(usec_t for_usec)
{
	usec_t end = now + for_usec;

	for (;;) {
		now = next_event(end);
		deliver();
		reply();
		for (unsigned int i = 0; i < weather->mars; i++) {
			answer(&mars[i]);
			if (mars[i].down)
				continue;
			(void)timers_run(&mars[i].timers, now);
			ha_flush(&mars[i].ha, now);
		}
		if (now >= end)
			return;
	}
}

/* ---- what must hold ---- */

static void wrong(const struct host *h, const struct in6_prefix *p, const char *what, int a, int b)
{
	printf("# %.3f host %02x at %d, %s: %s (%d, %d)\n", (double)now / 1e6, h->mac[5], h->at,
	       in6_prefix_str(p).s, what, a, b);
	n_failed++;
}

/* Does a packet for that prefix of the host come to it, and one from it to the world? */
static void check_prefix(struct host *h, const struct in6_prefix *p)
{
	int home = mar_of(&p->addr);
	struct mar *anchor = &mars[home];
	const struct dp_binding *b = dp_find(anchor, p), *v;
	const struct lease *l = ha_find_lease(&anchor->ha, &p->addr);

	if (!l || l->state == LEASE_FREE || memcmp(l->mac, h->mac, 6) != 0) {
		wrong(h, p, "the prefix is not the host's any more at its anchor", home, 0);
		return;
	}
	if (h->at == home) {
		if (b)
			wrong(h, p, "there is a tunnel for a host that is at home",
			      mar_of(&b->remote), 0);
		if (!link_has(anchor, p))
			wrong(h, p, "there is no route to a host that is at home", 0, 0);
		return;
	}
	if (h->at < 0)
		return;
	if (!b || mar_of(&b->remote) != h->at) {
		wrong(h, p, "the anchor's tunnel leads to another router",
		      b ? mar_of(&b->remote) : -1, 0);
		return;
	}
	v = dp_find(&mars[h->at], p);
	if (!v || !v->visit || mar_of(&v->remote) != home)
		wrong(h, p, "no tunnel from where the host is", v ? mar_of(&v->remote) : -1, home);
	if (!link_has(&mars[h->at], p))
		wrong(h, p, "no route to the visitor", 0, 0);
}

/* No tunnel, visit or route is left that serves nobody; no prefix has two hosts. */
static void check_rest(unsigned int id, bool whole)
{
	struct mar *m = &mars[id];

	for (unsigned int i = 0; i < m->n_dp; i++) {
		const struct dp_binding *d = &m->dp[i];
		const struct host *at = NULL;

		for (unsigned int j = 0; j < weather->hosts; j++)
			for (unsigned int k = 0; k < hosts[j].n; k++)
				if (in6_prefix_eq(&hosts[j].prefixes[k], &d->inner)) {
					if (at)
						wrong(at, &d->inner, "two hosts have it", 0, 0);
					at = &hosts[j];
				}
		if (whole && d->visit && at && at->at != (int)id)
			wrong(at, &d->inner, "a visit of a host that is elsewhere", (int)id, 0);
	}
}

static void check(bool whole)
{
	for (unsigned int i = 0; i < weather->hosts; i++)
		for (unsigned int j = 0; j < hosts[i].n; j++)
			if (hosts[i].until[j] > now && whole)
				check_prefix(&hosts[i], &hosts[i].prefixes[j]);
	for (unsigned int i = 0; i < weather->mars; i++)
		check_rest(i, whole);
}

/* The host shows itself now and then, as any does that speaks with its router. */
static void everybody_speaks(void)
{
	for (unsigned int i = 0; i < weather->hosts; i++)
		host_says(&hosts[i], ICMP6_NA);
}

static void database_back(void)
{
	database_up = true;
	for (unsigned int i = 0; i < weather->mars; i++) {
		struct lease *l, *next;

		if (mars[i].down)
			continue;
		HASH_ITER(by_mac, mars[i].ha.homes[0].pool.by_mac, l, next)
			record_set(&mars[i], l, l->state == LEASE_FREE ? SDB_RELEASED : SDB_ACTIVE);
		mag_database_back(&mars[i].ha, false, now);
	}
}

static void calm_down(void)
{
	for (unsigned int i = 0; i < weather->mars; i++)
		if (mars[i].down)
			start(&mars[i]);
	database_back();
	/* Presence is asked for each minute; who has left is missed by then. */
	for (int i = 0; i < 20; i++) {
		run(QUIET / 20);
		everybody_speaks();
	}
	for (unsigned int i = 0; i < weather->mars; i++)
		settle(&mars[i]);
}

static void step(void)
{
	struct host *h = &hosts[rnd() % weather->hosts];
	struct mar *m = &mars[rnd() % weather->mars];
	unsigned int what = (unsigned int)(rnd() % 1000);

	if (what < weather->crash) {
		if (m->down)
			start(m);
		else
			stop(m);
		return;
	}
	what -= weather->crash;
	if (what < weather->database) {
		if (database_up)
			database_up = false;
		else
			database_back();
		return;
	}
	what -= weather->database;
	if (what < weather->leave)
		move(h, -1);
	else
		/* Nobody goes farther than a gateway has room for anchors. */
		move(h, (int)((h->mac[5] + rnd() % MAG_VISITS_MAX) % weather->mars));
}

static void end_world(void)
{
	for (unsigned int i = 0; i < weather->mars; i++) {
		if (!mars[i].down)
			ha_free(&mars[i].ha);
		for (unsigned int j = 0; j < mars[i].cfg.n_peers; j++)
			auth_key_wipe(&mars[i].peers[j].auth);
		timers_free(&mars[i].timers);
	}
	while (n_packets > 0)
		free(packets[--n_packets].data);
}

static void begin_world(const struct weather *w, uint64_t seed)
{
	weather = w;
	rng = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	now = 1000 * USEC_S;
	n_packets = n_failed = n_sent = n_advertised = 0;
	database_up = true;
	memset(records, 0, sizeof(records));
	memset(hosts, 0, sizeof(hosts));
	for (unsigned int i = 0; i < w->hosts; i++) {
		hosts[i].mac[0] = 2;
		hosts[i].mac[4] = (uint8_t)(i >> 8);
		hosts[i].mac[5] = (uint8_t)(i + 1);
		hosts[i].at = -1;
	}
	for (unsigned int i = 0; i < w->mars; i++)
		make_mar(i);
}

static bool play(const struct weather *w, unsigned int steps, uint64_t seed)
{
	unsigned int quiet = 0;

	begin_world(w, seed);
	for (unsigned int i = 1; i <= steps && n_failed == 0; i++) {
		step();
		run(between(w->short_stay, w->long_stay));
		check(false);
		if (i % 50 == 0 || i == steps) {
			calm_down();
			check(true);
			quiet++;
		}
		if (n_failed > 0)
			printf("# step %u, seed %llu\n", i, (unsigned long long)seed);
	}
	printf("# %s: %u steps, %u times all of it looked at, %u messages, %u advertisements\n",
	       w->name, steps, quiet, n_sent, n_advertised);
	end_world();
	return n_failed == 0;
}

int main(int argc, char **argv)
{
	unsigned int steps = 1000, n = 0;
	const char *only = NULL;
	uint64_t seed = 1;
	bool good = true;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--trace") == 0)
			trace = true;
		else if (i + 1 < argc && strcmp(argv[i], "--steps") == 0)
			steps = (unsigned int)strtoul(argv[++i], NULL, 10);
		else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0)
			seed = strtoull(argv[++i], NULL, 10);
		else if (i + 1 < argc && strcmp(argv[i], "--only") == 0)
			only = argv[++i];
		else
			die("expected --steps N, --seed S, --only NAME or --trace");
	}
	log_set_level(trace ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR);
	for (unsigned int i = 0; i < sizeof(weathers) / sizeof(weathers[0]); i++) {
		bool held;

		if (only && strcmp(only, weathers[i].name) != 0)
			continue;
		held = play(&weathers[i], steps, seed);
		printf("%sok %u - %s\n", held ? "" : "not ", ++n, weathers[i].name);
		good = good && held;
	}
	printf("1..%u\n", n);
	return good && n > 0 ? 0 : 1;
}
