/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A router in network mode between two peers that have gone mad: the input says what comes, from hosts,
 * from the session database and from the peers, whose checksums are put right and whose authenticators
 * are right whatever they are (auth_pass.c). Whatever that is: a prefix of ours is tunnelled to a peer
 * alone and only if a host has it, what visitors have is never of ours and goes to a peer, tables are
 * bounded, all that is sent can be read, and nothing is left at the end.
 * links: ha-agent without its edges, common/wire, common/core; auth_pass.c for common/core/auth.c
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/core/log.h"
#include "common/wire/cksum.h"
#include "ha-agent/ha.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOSTS		4
#define ROWS		64
#define EVENTS_MAX	200

static struct {
	const uint8_t *in;
	size_t left;
	usec_t now;
	int64_t wall_us;
	struct timers timers;
	struct ha_config cfg;
	struct ha_peer peers[2];
	struct ha_host host;
	struct ha ha;
	struct dp_binding dp[ROWS];
	unsigned int n_dp, n_here;
	uint16_t sequence;		/* of the last update that was sent */
	unsigned int asked;		/* questions to the database */
	uint8_t who[6];			/* the last was about that host */
	uint64_t random;
} w;

static uint8_t take(void)
{
	if (w.left == 0)
		return 0;
	w.left--;
	return *w.in++;
}

static struct in6_addr global(uint8_t net, uint8_t sub, uint8_t id)
{
	return (struct in6_addr){ .s6_addr = { 0x20, 1, 0xd, 0xb8, 0, net, 1, sub, [15] = id } };
}

static struct in6_addr router(uint8_t b)
{
	return global((uint8_t)(b % 4 + 1), 0, 1);	/* 1: ours; 2, 3: peers; 4: a stranger */
}

/* ---- the world ---- */

static int op_send_link(void *ctx, int ifindex, const uint8_t mac[6], const void *data, size_t len)
{
	struct ip6_packet ip;
	struct icmp6_msg m;

	(void)ctx;
	(void)mac;
	assert(ifindex == 7);
	assert(ip6_decode(data, len, &ip) == IP6_OK);
	if (ip.next_header == IP6_NH_ICMP6)
		assert(icmp6_decode((const uint8_t *)data + ip.payload_off, ip.payload_len, &ip.src,
				    &ip.dst, ip.hop_limit, &m) == ICMP6_OK);
	return 0;
}

static int op_send_routed(void *ctx, const void *data, size_t len)
{
	struct ip6_packet ip;
	struct mh_msg m;

	(void)ctx;
	assert(ip6_decode(data, len, &ip) == IP6_OK);
	if (ip.next_header != MH_NEXT_HEADER)
		return 0;
	assert(mh_decode((const uint8_t *)data + ip.payload_off, ip.payload_len, ip6_cksum_src(&ip),
			 ip6_cksum_dst(&ip), &m, NULL) == MH_OK);
	if (m.type == MH_BU)
		w.sequence = m.u.bu.seq;
	return 0;
}

static int op_forward(void *ctx, const void *data, size_t len)
{
	(void)ctx, (void)data, (void)len;
	return 0;
}

static bool is_peer(const struct in6_addr *a)
{
	return in6_eq(a, &w.peers[0].address) || in6_eq(a, &w.peers[1].address);
}

static unsigned int dp_at(const struct in6_prefix *inner)
{
	unsigned int i = 0;

	while (i < w.n_dp && !in6_prefix_eq(&w.dp[i].inner, inner))
		i++;
	return i;
}

static int op_dp_set(void *ctx, const struct dp_binding *b)
{
	const struct lease *l = ha_find_lease(&w.ha, &b->inner.addr);
	unsigned int i = dp_at(&b->inner);

	(void)ctx;
	assert(in6_eq(&b->local, &w.cfg.homes[0].address));
	if (b->visit) {
		assert(b->inner.len == 64 && is_peer(&b->remote));
		assert(!in6_in(&w.cfg.homes[0].prefix, &b->inner.addr));
	} else if (b->inner.len == 64) {
		assert(l && l->state != LEASE_FREE && is_peer(&b->remote));
	}
	assert(i < ROWS);
	w.dp[i] = *b;
	if (i == w.n_dp)
		w.n_dp++;
	return 0;
}

/* Every way leads to a peer, and every flow by one that is there. */
static int op_dp_steer(void *ctx, const struct dp_steer *s)
{
	const struct lease *l = ha_find_lease(&w.ha, &s->inner.addr);

	(void)ctx;
	assert(l && l->state != LEASE_FREE && in6_prefix_eq(&l->prefix, &s->inner));
	for (unsigned int i = 0; i < DP_PATHS; i++)
		assert(in6_is_any(&s->paths[i].remote) || is_peer(&s->paths[i].remote));
	for (unsigned int i = 0; i < s->n_flows; i++)
		assert(s->flows[i].path < DP_PATHS && (s->flows[i].path < 0 ||
		       !in6_is_any(&s->paths[s->flows[i].path].remote)));
	return 0;
}

static int op_dp_del(void *ctx, const struct in6_prefix *inner)
{
	unsigned int i = dp_at(inner);

	(void)ctx;
	if (i == w.n_dp)
		return -ENOENT;
	w.dp[i] = w.dp[--w.n_dp];
	return 0;
}

static int op_dp_used(void *ctx, const struct in6_prefix *inner, uint64_t *ret)
{
	(void)ctx, (void)inner;
	*ret = w.random / 3;
	return 0;
}

static int op_home(void *ctx, const struct ha_home *home)
{
	(void)ctx, (void)home;
	return 0;
}

static void op_home_over(void *ctx, const struct ha_home *home)
{
	(void)ctx, (void)home;
}

static void op_group(void *ctx, int ifindex, const struct in6_addr *group, bool member)
{
	(void)ctx, (void)ifindex, (void)group, (void)member;
}

static int op_attach(void *ctx, const struct lease *l)
{
	(void)ctx, (void)l;
	return 0;
}

static void op_lease(void *ctx, const struct lease *l)
{
	(void)ctx, (void)l;
}

static int op_lease_store(void *ctx, const struct ha_lease_record *r, bool durable)
{
	(void)ctx, (void)r, (void)durable;
	return 0;
}

static void op_binding_store(void *ctx, struct ha_binding_record *r)
{
	(void)ctx;
	r->place = 1;
}

static void op_binding_forget(void *ctx, const struct in6_addr *hoa, uint32_t place)
{
	(void)ctx, (void)hoa, (void)place;
}

static int op_session_find(void *ctx, const uint8_t mac[6])
{
	(void)ctx;
	if (w.asked >= 2)
		return -EBUSY;
	memcpy(w.who, mac, 6);
	w.asked++;
	return 0;
}

static int op_visit(void *ctx, const struct visitor *h, const struct in6_prefix *prefix)
{
	(void)ctx, (void)prefix;
	assert(h->interface && !h->away);
	return 0;
}

static void op_visit_over(void *ctx, const struct visitor *h, const struct in6_prefix *prefix)
{
	(void)ctx, (void)h, (void)prefix;
}

static int64_t op_wall_us(void *ctx)
{
	(void)ctx;
	return w.wall_us;
}

static void op_random(void *ctx, void *dst, size_t n)
{
	(void)ctx;
	memset(dst, (int)++w.random, n);
}

static void op_drained(void *ctx)
{
	(void)ctx;
}

static const struct ha_ops ops = {
	.drained = op_drained, .send_link = op_send_link, .send_routed = op_send_routed,
	.forward = op_forward, .dp_set = op_dp_set, .dp_del = op_dp_del,
	.dp_steer = op_dp_steer, .dp_used = op_dp_used,
	.home_attach = op_home, .home_detach = op_home_over, .group = op_group,
	.lease_attach = op_attach, .lease_detach = op_lease, .lease_store = op_lease_store,
	.binding_store = op_binding_store, .binding_forget = op_binding_forget,
	.session_find = op_session_find, .session_put = op_lease, .session_del = op_lease,
	.visit_attach = op_visit, .visit_detach = op_visit_over, .wall_us = op_wall_us,
	.random = op_random,
};

/* ---- what comes ---- */

static void mac_of(uint8_t b, uint8_t ret[6])
{
	memset(ret, 0, 6);
	ret[0] = 2;
	ret[5] = (uint8_t)(b % HOSTS + 1);
}

static void ev_host(void)
{
	static const struct in6_addr linklocal = { .s6_addr = { 0xfe, 0x80, [15] = 9 } };
	static const uint8_t types[] = { ICMP6_RS, ICMP6_NA, ICMP6_NS, ICMP6_RS };
	struct ip6_packet ip = { .src = linklocal, .dst = { .s6_addr = { 0xff, 2, [15] = 2 } },
				 .hop_limit = 255, .next_header = IP6_NH_ICMP6 };
	uint8_t b = take(), mac[6], room[256];
	struct icmp6_msg m = { .type = types[b >> 6] };
	struct wbuf o;

	mac_of(b, mac);
	if (m.type == ICMP6_NA)
		m.u.na.target = linklocal;
	else if (m.type == ICMP6_NS)
		m.u.ns.target = linklocal;
	if (b & 32)
		(void)ha_host_detach(&w.ha, mac, w.now);
	wb_init(&o, room, sizeof(room));
	if (icmp6_packet(&o, &ip, &m) == 0)
		ha_rx_nd(&w.ha, 7, mac, room, o.len, w.now);
}

static void record(struct sdb_record *r, const uint8_t mac[6])
{
	uint8_t b = take();

	*r = (struct sdb_record){
		.mn_id = { .subtype = MN_ID_EUI48, .len = 6 }, .anchor = router(b),
		.prefix = { global((uint8_t)(b % 4 + 1), (uint8_t)(b >> 4), 0), 64 },
		.state = b & 8 ? SDB_RELEASED : SDB_ACTIVE, .lifetime_s = take() + 1U,
	};
	memcpy(r->mn_id.data, mac, 6);
	memcpy(r->mac, mac, 6);
	r->mac[5] ^= b >> 7;		/* or another interface of the same host */
}

static void ev_database(void)
{
	struct sdb_record r[12];
	uint8_t b = take(), mac[6];
	unsigned int n = b % 12;

	mac_of(take(), mac);
	if (b & 128) {
		record(&r[0], mac);
		mag_changed(&w.ha, &r[0], w.now);
		return;
	}
	if (b & 64)
		mag_database_back(&w.ha, b & 32, w.now);
	for (unsigned int i = 0; i < n; i++)
		record(&r[i], w.who);
	if (w.asked > 0)
		w.asked--;
	mag_found(&w.ha, w.who, b & 16 ? -ETIMEDOUT : 0, r, n, w.now);
}

static void feed(struct wbuf *o, size_t mh, const struct ip6_packet *ip)
{
	ip6_finish(o, 0);
	if (o->err)
		return;
	mh_set_cksum(o->base + mh, o->len - mh, ip6_cksum_src(ip), ip6_cksum_dst(ip));
	ha_rx_mh(&w.ha, o->base, o->len, w.now);
}

static void options(struct mh_opts *o)
{
	uint8_t b = take(), c = take();

	o->has_mn_id = c % 8 != 0;
	o->mn_id_subtype = MN_ID_EUI48;
	o->mn_id_len = 6;
	mac_of(b, o->mn_id);
	o->n_prefixes = b >> 6;
	for (unsigned int i = 0; i < o->n_prefixes; i++) {
		uint8_t p = take();

		o->prefixes[i] = (struct mh_prefix){ global((uint8_t)(p % 4 + 1), p >> 4, 0),
						     p & 8 && p & 4 ? 48 : 64,
						     p & 16 };
	}
	o->has_handoff = c % 16 != 1;
	o->handoff = (uint8_t)(c >> 5);
	o->has_access_type = c % 16 != 2;
	o->access_type = ACCESS_ETHERNET;
	o->has_timestamp = c & 16;
	o->timestamp = pbu_time(w.wall_us) + (uint64_t)(int64_t)(int8_t)take() * 4096;
	o->has_link_local = c & 4;
	o->has_restart_counter = c & 8;
	o->restart_counter = c >> 6;
	o->mn_ha = (struct mh_auth){ .present = true, .len = 16, .spi = 500 };
}

/* What a router says; some octets of it may be others. */
static void ev_message(void)
{
	uint8_t kind = take(), b = take(), spoil = take(), room[1024];
	struct ip6_packet ip = { .hop_limit = 64, .next_header = MH_NEXT_HEADER,
				 .src = router(b), .dst = w.cfg.homes[0].address };
	uint16_t seq = b & 64 ? w.sequence : take();
	struct mh_msg m = { 0 };
	struct wbuf o;
	size_t mh;

	options(&m.opts);
	m.type = (const uint8_t[]){ MH_BU, MH_BA, MH_BR, MH_HEARTBEAT }[kind % 4];
	if (m.type == MH_BU)
		m.u.bu = (struct mh_bu){ seq, BU_ACK | BU_HOME | BU_PROXY, take() };
	else if (m.type == MH_BA)
		m.u.ba = (struct mh_ba){ b & 128 ? take() : 0, BA_PROXY, seq, take() };
	else if (m.type == MH_BR)
		m.u.br = (struct mh_br){ b & 128 ? BR_INDICATION : BR_ACKNOWLEDGEMENT, take(),
					 (uint16_t)(w.ha.revocations.next - 1), BR_PROXY };
	else
		m.u.heartbeat = (struct mh_heartbeat){ kind >> 6, kind >> 4 & 3 };
	wb_init(&o, room, sizeof(room));
	ip6_encode(&o, &ip);
	mh = o.len;
	if (mh_encode(&o, &m) < 0 || o.err)
		return;
	if (spoil & 1)
		o.base[mh + 6 + spoil % (o.len - mh - 6)] ^= take();
	feed(&o, mh, &ip);
}

static void ev_time(void)
{
	static const usec_t steps[] = { 50 * USEC_MS, USEC_S, 5 * USEC_S, 70 * USEC_S,
					400 * USEC_S, 4000 * USEC_S };
	uint8_t b = take();
	usec_t end = w.now + steps[b % 6];

	while (timers_next(&w.timers) <= end) {
		if (timers_next(&w.timers) > w.now)
			w.now = timers_next(&w.timers);
		timers_run(&w.timers, w.now);
	}
	w.wall_us += end - w.now + steps[b % 6];
	w.now = end;
	w.random++;
}

static void ev_operator(void)
{
	uint8_t b = take(), mac[6];
	struct in6_prefix p = { global(2, b >> 4, 0), 64 };

	mac_of(b, mac);
	switch (b % 6) {
	case 0: (void)ha_host_attach(&w.ha, "lan0", mac, w.now); break;
	case 1: (void)ha_host_detach(&w.ha, mac, w.now); break;
	case 2: ha_dp_failed(&w.ha, &p, -ENOSPC); break;
	case 3: (void)ha_revoke(&w.ha, &(struct revoke_selection){ 0 }, BR_ADMINISTRATIVE, w.now);
		break;
	case 4: w.host.access = (enum sdb_access)(b >> 4 & 3) % SDB_ACCESS_MAX; break;
	case 5: w.cfg.release_idle = b & 64 ? 10 * USEC_S : 0; break;
	}
}

/* ---- what must hold ---- */

static void count_visit(void *ctx, const struct visit *v)
{
	unsigned int *n = ctx;

	assert(v->n_prefixes <= MAG_VISIT_PREFIXES);
	assert(v->of->n_visits <= MAG_VISITS_MAX);
	assert(timer_armed(&v->timer));
	for (unsigned int i = 0; i < v->n_prefixes; i++) {
		unsigned int at = dp_at(&v->prefixes[i].prefix);

		if (!v->prefixes[i].here)
			continue;
		++*n;
		assert(at < w.n_dp && w.dp[at].visit && in6_eq(&w.dp[at].remote, &v->anchor));
	}
}

static void check(void)
{
	unsigned int here = 0, visits = 0;

	mag_each_visit(&w.ha, count_visit, &here);
	for (unsigned int i = 0; i < w.n_dp; i++)
		visits += w.dp[i].visit;
	assert(visits == here);
	assert(ha_bound_count(&w.ha) == w.n_dp - visits);
	assert(w.ha.notices.n <= NOTICES_MAX);
	/* A host that nobody has seen, and that is not here, is remembered no longer than its
	 * registrations take to end. */
	assert(HASH_CNT(by_mac, w.ha.mag.by_mac) <= HOSTS);
}

static void quiet(void *ctx, enum log_level level, const char *line)
{
	(void)ctx, (void)level, (void)line;
}

static void start(void)
{
	static const uint8_t mac[6] = MAG_ROUTER_MAC;
	const struct in6_addr linklocal = MAG_ROUTER_LINK_LOCAL;

	ha_config_defaults(&w.cfg);
	w.cfg.prefix_lifetime = 3600 * USEC_S;
	w.cfg.max_bindings = 16;
	w.cfg.max_leases = 16;
	w.cfg.n_interfaces = 1;
	memcpy(w.cfg.interfaces[0], "lan0", 5);
	w.cfg.n_homes = 1;
	w.cfg.homes[0].prefix = (struct in6_prefix){ global(1, 0, 0), 56 };
	w.cfg.network_mode = true;
	w.cfg.sessions.backend = HA_SESSIONS_SQLITE;
	w.cfg.release_idle = 100 * USEC_S;
	w.cfg.peers = w.peers;
	w.cfg.n_peers = 2;
	w.cfg.hosts = &w.host;
	w.cfg.n_hosts = 1;
	mac_of(0, w.host.mac);
	for (uint8_t i = 0; i < 2; i++) {
		w.peers[i].address = router((uint8_t)(i + 1));
		assert(auth_key_init(&w.peers[i].auth, 500, AUTH_HMAC_SHA256_128,
				     "0123456789abcdef", 16) == 0);
	}
	assert(!ha_config_check(&w.cfg));
	assert(ha_init(&w.ha, &w.cfg, &ops, NULL, &w.timers, w.now) == 0);
	ha_link(&w.ha, 7, "lan0", mac, &linklocal, true, w.now);
	heartbeat_begin(&w.ha, 1, w.now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memset(&w, 0, sizeof(w));
	log_set_sink(quiet, NULL);
	w.in = data;
	w.left = size;
	w.now = 1000 * USEC_S;
	w.wall_us = 1700000000 * USEC_S;
	timers_init(&w.timers);
	start();
	for (unsigned int i = 0; i < EVENTS_MAX && w.left > 0; i++) {
		switch (take() % 12) {
		case 0:
		case 1:
		case 2: ev_host(); break;
		case 3:
		case 4: ev_database(); break;
		case 5:
		case 6:
		case 7:
		case 8:
		case 9: ev_message(); break;
		case 10: ev_time(); break;
		case 11: ev_operator(); break;
		}
		ha_flush(&w.ha, w.now);
		check();
	}
	ha_free(&w.ha);
	assert(timers_next(&w.timers) == USEC_NEVER);
	timers_free(&w.timers);
	return 0;
}
