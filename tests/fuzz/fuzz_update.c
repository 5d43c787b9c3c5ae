/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The home agent behind its authenticators: the input says what comes, checksums are put right and
 * every authenticator is right (auth_pass.c), as if somebody had all the keys. Whatever is signed
 * with a key that was given out moves nothing but what it was given out for: no other prefix, at
 * no other address of ours, not when a newer one was used, not a second time, not after a
 * kill. Beside it the tables, the database and the counts agree at any time.
 * links: ha-agent without its edges, common/wire, common/core; auth_pass.c for common/core/auth.c
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/core/log.h"
#include "common/core/ntp.h"
#include "common/wire/cksum.h"
#include "ha-agent/sa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOSTS		3
#define ROWS		64
#define KEYS		64
#define EVENTS_MAX	200

/* Of a key that was given out, as somebody knows it who looks on. */
struct given {
	uint32_t spi;
	struct in6_prefix prefix;
	struct in6_addr ha;
	unsigned int order;		/* in which they were given out */
	bool over;			/* a newer one of its prefix was used */
};

static struct {
	const uint8_t *in;
	size_t left;
	usec_t now;
	int64_t wall_us;
	struct timers timers;
	struct ha_config cfg;
	struct ha_key key;		/* configured, for every host */
	struct ha ha;
	struct sa_record keys[ROWS];
	struct ha_lease_record leases[ROWS];
	struct ha_binding_record bindings[ROWS];
	unsigned int n_leases;
	struct given given[KEYS];
	unsigned int n_given;
	uint64_t random;
	/* The greatest time stamp that was obeyed, of each home address. */
	struct { struct in6_addr hoa; uint64_t greatest; } obeyed[ROWS];
	unsigned int n_obeyed;
	/* What the message that is being dealt with is. */
	struct given *by;
	struct in6_addr to;
	uint64_t stamp;
	bool sent;
} w;

static uint8_t take(void)
{
	if (w.left == 0)
		return 0;
	w.left--;
	return *w.in++;
}

/* ---- the world ---- */

static int op_send_link(void *ctx, int ifindex, const uint8_t mac[6], const void *data, size_t len)
{
	struct ip6_packet ip;

	(void)ctx;
	(void)mac;
	assert(ifindex == 7 || ifindex == 8);
	assert(ip6_decode(data, len, &ip) == IP6_OK);
	return 0;
}

static int op_send_routed(void *ctx, const void *data, size_t len)
{
	struct ip6_packet ip;
	struct mh_msg m;

	(void)ctx;
	assert(ip6_decode(data, len, &ip) == IP6_OK);
	if (ip.next_header == MH_NEXT_HEADER)
		assert(mh_decode((const uint8_t *)data + ip.payload_off, ip.payload_len,
				 ip6_cksum_src(&ip), ip6_cksum_dst(&ip), &m, NULL) == MH_OK);
	w.sent = true;
	return 0;
}

static int op_forward(void *ctx, const void *data, size_t len)
{
	(void)ctx, (void)data, (void)len;
	return 0;
}

static uint64_t *obeyed(const struct in6_addr *hoa)
{
	unsigned int n = 0;

	while (n < w.n_obeyed && !in6_eq(&w.obeyed[n].hoa, hoa))
		n++;
	assert(n < ROWS);
	if (n == w.n_obeyed)
		w.obeyed[w.n_obeyed++].hoa = *hoa;
	return &w.obeyed[n].greatest;
}

/* The only way in which anybody's packets go elsewhere. */
static int op_dp_set(void *ctx, const struct dp_binding *b)
{
	uint64_t *greatest;

	(void)ctx;
	assert(b->inner.len == 128);
	if (!w.by)
		return 0;
	assert(in6_in(&w.by->prefix, &b->inner.addr));
	assert(in6_eq(&w.by->ha, &w.to) && in6_eq(&b->local, &w.to));
	assert(!w.by->over);
	greatest = obeyed(&b->inner.addr);
	assert(*greatest == 0 || (int64_t)(w.stamp - *greatest) > 0);
	*greatest = w.stamp;
	return 0;
}

static int op_dp_del(void *ctx, const struct in6_prefix *inner)
{
	(void)ctx, (void)inner;
	return 0;
}

static int op_home(void *ctx, const struct ha_home *home)
{
	(void)ctx, (void)home;
	return 0;
}

static int op_host(void *ctx, const struct ha_home *home, const struct in6_addr *hoa,
		   const uint8_t mac[6])
{
	(void)ctx, (void)home, (void)hoa, (void)mac;
	return 0;
}

static void op_group(void *ctx, int ifindex, const struct in6_addr *group, bool member)
{
	(void)ctx, (void)ifindex, (void)group, (void)member;
}

static void op_home_detach(void *ctx, const struct ha_home *home)
{
	(void)ctx, (void)home;
}

static void op_home_store(void *ctx, const struct ha_home_record *r)
{
	(void)ctx, (void)r;
}

static void op_home_forget(void *ctx, const struct in6_prefix *prefix)
{
	(void)ctx, (void)prefix;
}

static int op_lease_attach(void *ctx, const struct lease *l)
{
	(void)ctx, (void)l;
	return 0;
}

static void op_lease_detach(void *ctx, const struct lease *l)
{
	(void)ctx, (void)l;
}

static int op_lease_store(void *ctx, const struct ha_lease_record *r, bool durable)
{
	unsigned int i = 0;

	(void)ctx, (void)durable;
	while (i < w.n_leases && !in6_prefix_eq(&w.leases[i].prefix, &r->prefix))
		i++;
	assert(i < ROWS);
	w.leases[i] = *r;
	w.n_leases += i == w.n_leases;
	return 0;
}

static void op_binding_store(void *ctx, struct ha_binding_record *r)
{
	(void)ctx;
	for (unsigned int i = 0; r->place == 0 && i < ROWS; i++)
		if (w.bindings[i].place == 0)
			r->place = i + 1;
	assert(r->place > 0);
	w.bindings[r->place - 1] = *r;
}

static void op_binding_forget(void *ctx, const struct in6_addr *hoa, uint32_t place)
{
	(void)ctx, (void)hoa;
	if (place != 0)
		w.bindings[place - 1].place = 0;
}

static int op_sa_store(void *ctx, struct sa_record *r)
{
	(void)ctx;
	for (unsigned int i = 0; r->place == 0 && i < ROWS; i++)
		if (w.keys[i].place == 0)
			r->place = i + 1;
	if (r->place == 0)
		return -ENOSPC;
	w.keys[r->place - 1] = *r;
	return 0;
}

static void op_sa_forget(void *ctx, uint32_t spi, uint32_t place)
{
	(void)ctx;
	assert(place > 0 && w.keys[place - 1].spi == spi);
	w.keys[place - 1].place = 0;
}

static int64_t op_wall_us(void *ctx)
{
	(void)ctx;
	return w.wall_us;
}

static void op_random(void *ctx, void *dst, size_t n)
{
	(void)ctx;
	assert(n == sizeof(w.random));
	memcpy(dst, &w.random, n);
	w.random++;
}

static void op_drained(void *ctx)
{
	(void)ctx;
}

static const struct ha_ops ops = {
	.send_link = op_send_link, .send_routed = op_send_routed, .forward = op_forward,
	.dp_set = op_dp_set, .dp_del = op_dp_del, .home_attach = op_home, .host_attach = op_host,
	.group = op_group, .home_detach = op_home_detach, .home_store = op_home_store,
	.home_forget = op_home_forget, .lease_attach = op_lease_attach,
	.lease_detach = op_lease_detach, .lease_store = op_lease_store,
	.binding_store = op_binding_store, .binding_forget = op_binding_forget,
	.sa_store = op_sa_store, .sa_forget = op_sa_forget, .wall_us = op_wall_us,
	.random = op_random, .drained = op_drained,
};

/* ---- addresses ---- */

static struct in6_addr global(uint8_t site, uint8_t net, uint8_t host)
{
	struct in6_addr a = { { { 0x20, 1, 0xd, 0xb8, [5] = site, [6] = 1, [7] = net,
				  [15] = host } } };

	return a;
}

/* Home agent 0 has the hosts' prefixes, 1 the shared one. */
static struct in6_addr ours(uint8_t n)
{
	return n & 1 ? global(4, 0, 1) : global(1, 0, 1);
}

static struct in6_addr some_home(uint8_t b)
{
	return b & 8 ? global(4, 0, 0xa0 + (b & 3)) : global(1, 1 + (b & 3), 5 + ((b >> 2) & 1));
}

static struct in6_addr some_away(uint8_t b)
{
	switch (b & 7) {
	case 0: return some_home(b >> 3);
	case 1: return ours(b >> 3);
	}
	return global(9, b & 3, 1 + (b >> 6));
}

/* ---- events ---- */

/* The host asks for its prefix. */
static void ev_host(void)
{
	uint8_t b = take(), room[128], mac[6] = { 2, 0, 0, 0, 0, (uint8_t)(b % HOSTS) };
	struct icmp6_msg rs = { .type = ICMP6_RS };
	struct ip6_packet ip = { .hop_limit = 255, .next_header = IP6_NH_ICMP6,
				 .dst = { { { 0xff, 2, [15] = 2 } } } };
	struct wbuf o;

	wb_init(&o, room, sizeof(room));
	if (icmp6_packet(&o, &ip, &rs) == 0)
		ha_rx_nd(&w.ha, 7, mac, room, o.len, w.now);
}

static int exported(void *ctx, const uint8_t context[BOOT_CONTEXT_LEN], uint8_t ret[BOOT_KEY_LEN])
{
	(void)ctx;
	memcpy(ret, context, BOOT_KEY_LEN);
	return take() == 255 ? -EIO : 0;
}

static void ev_request(void)
{
	static const struct bootstrap_ops export = { exported, NULL };
	uint8_t b = take(), how = take();
	struct bootstrap_peer peer = {
		.ifindex = b & 8 ? 8 : 7, .source = some_home(b), .local = ours(b >> 3),
		.mode = (enum boot_mode)(how % BOOT_MODE_MAX), .mn_id = { how & 16 ? 'a' : 'b' },
	};
	struct boot_request req = {
		.id = 1, .methods = { 3, { BOOT_CERTIFICATE, BOOT_PSK, BOOT_ON_LINK } },
		.hoa = how & 32 ? some_home(take()) : peer.source,
	};
	bool known = bootstrap_knows(&w.ha, peer.ifindex, &peer.source);
	struct boot_response res;
	enum bootstrap_reason r = bootstrap_request(&w.ha, &peer, &req, &export, w.now, &res);

	assert((r == BOOTSTRAP_ISSUED) == (res.status == BOOT_OK));
	if (r != BOOTSTRAP_ISSUED)
		return;
	assert(known || peer.mode != BOOT_ON_LINK);
	assert(res.lifetime_s > 0 && sa_is_spi(res.spi));
	if (w.n_given == KEYS)
		memmove(w.given, w.given + 1, --w.n_given * sizeof(w.given[0]));
	w.given[w.n_given] = (struct given){
		.spi = res.spi, .prefix = { res.hnp, res.hnp_len }, .ha = res.ha,
		.order = (unsigned int)w.random,
	};
	assert(in6_in(&w.given[w.n_given].prefix, &peer.source));
	w.n_given++;
}

/* Somebody used the key: those of its prefix that are older are over. */
static void note_used(struct given *g)
{
	const struct sa *s = sa_find(&w.ha, g->spi);

	if (!s || s->timestamp != w.stamp)
		return;
	for (unsigned int i = 0; i < w.n_given; i++)
		if (in6_prefix_eq(&w.given[i].prefix, &g->prefix) && w.given[i].order < g->order)
			w.given[i].over = true;
}

static void feed(struct wbuf *o, size_t mh, const struct ip6_packet *ip)
{
	ip6_finish(o, 0);
	if (o->err)
		return;
	mh_set_cksum(o->base + mh, o->len - mh, ip6_cksum_src(ip), ip6_cksum_dst(ip));
	w.sent = false;
	ha_rx_mh(&w.ha, o->base, o->len, w.now);
}

/* A Binding Update or a revocation's acknowledgement by one of the keys; some octets of it may be
 * others. */
static void ev_update(void)
{
	uint8_t b = take(), flags = take(), key = take(), spoil = take(), room[512];
	struct ip6_packet ip = { .hop_limit = 64, .next_header = MH_NEXT_HEADER,
				 .dst = ours(flags), .hao = some_home(b), .has_hao = flags & 2 };
	struct mh_msg m = { .type = MH_BU, .u.bu = {
		.seq = (uint16_t)(take() << 8 | 1), .flags = BU_ACK | BU_HOME,
		.lifetime = flags & 4 ? 0 : take(),
	} };
	struct wbuf o;
	size_t mh;

	ip.src = ip.has_hao ? some_away(take()) : ip.hao;
	if (flags & 8) {
		m.opts.has_alt_coa = true;
		m.opts.alt_coa = some_away(take());
	}
	if (flags & 128)
		m = (struct mh_msg){ .type = MH_BR, .u.br = {
			.type = BR_ACKNOWLEDGEMENT, .code = take(),
			.seq = (uint16_t)(w.ha.revocations.next - 1) } };
	w.by = w.n_given > 0 && key < 200 ? &w.given[key % w.n_given] : NULL;
	m.opts.mn_ha = (struct mh_auth){ .present = !(flags & 16), .len = 16,
					 .spi = w.by ? w.by->spi : 300 };
	m.opts.has_mesg_id = !(flags & 32);
	w.stamp = m.opts.mesg_id = ntp_time(w.wall_us + (int8_t)take() * 100 * USEC_MS);
	w.to = ip.dst;
	wb_init(&o, room, sizeof(room));
	ip6_encode(&o, &ip);
	mh = o.len;
	if (mh_encode(&o, &m) == 0 && !o.err) {
		/* Not the SPI and what stands behind: by which key it is has to be known. */
		if (spoil & 1 && spoil % 24 + 6u < m.opts.mn_ha.covered - 24u)
			o.base[mh + 6 + spoil % 24] ^= take();
		if (spoil & 1)
			w.by = NULL;
		feed(&o, mh, &ip);
		if (w.by)
			note_used(w.by);
	}
	w.by = NULL;
}

/* Octets as they come, behind a header that can be read. */
static void ev_octets(void)
{
	uint8_t b = take(), n = take(), room[512];
	struct ip6_packet ip = { .hop_limit = 64, .next_header = MH_NEXT_HEADER, .dst = ours(b),
				 .src = some_away(take()), .hao = some_home(take()),
				 .has_hao = b & 2 };
	struct wbuf o;
	size_t mh;

	wb_init(&o, room, sizeof(room));
	ip6_encode(&o, &ip);
	mh = o.len;
	for (unsigned int i = 0; i < n + 8u; i++)
		wb_u8(&o, take());
	if (!o.err)
		feed(&o, mh, &ip);
}

static void ev_time(void)
{
	static const usec_t steps[] = { 100 * USEC_MS, USEC_S, 10 * USEC_S, 70 * USEC_S,
					700 * USEC_S, 4000 * USEC_S };
	uint8_t b = take();
	usec_t end = w.now + steps[b % 6];

	ha_flush(&w.ha, w.now);
	while (timers_next(&w.timers) <= end) {
		if (timers_next(&w.timers) > w.now)
			w.now = timers_next(&w.timers);
		timers_run(&w.timers, w.now);
	}
	w.wall_us += steps[b % 6];
	w.now = end;
	if (b > 240)			/* the clock is set */
		w.wall_us += (b & 1 ? 1 : -1) * 100000 * USEC_S;
}

static void start(void)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	const struct in6_addr linklocal = { { { 0xfe, 0x80, [15] = 1 } } };

	assert(ha_init(&w.ha, &w.cfg, &ops, NULL, &w.timers, w.now) == 0);
	ha_link(&w.ha, 7, "lan0", mac, &linklocal, true, w.now);
	ha_link(&w.ha, 8, "lan1", mac, &linklocal, true, w.now);
}

static void ev_kill(void)
{
	ha_free(&w.ha);
	assert(timers_next(&w.timers) == USEC_NEVER);
	start();
	for (unsigned int i = 0; i < w.n_leases; i++)
		(void)ha_restore_lease(&w.ha, &w.leases[i], w.now);
	for (unsigned int i = 0; i < ROWS; i++) {
		struct sa_record r = w.keys[i];

		if (r.place != 0 && sa_restore(&w.ha, &r, w.now) < 0)
			w.keys[i].place = 0;
	}
	for (unsigned int i = 0; i < ROWS; i++) {
		struct ha_binding_record r = w.bindings[i];

		if (r.place != 0 && ha_restore_binding(&w.ha, &r, w.now) < 0)
			w.bindings[i].place = 0;
	}
}

static void ev_operator(void)
{
	static const struct boot_modes modes[] = {
		{ 1, { BOOT_ON_LINK } }, { 2, { BOOT_CERTIFICATE, BOOT_ON_LINK } },
		{ 3, { BOOT_CERTIFICATE, BOOT_PSK, BOOT_ON_LINK } }, { 1, { BOOT_CERTIFICATE } },
	};
	struct revoke_selection some = { .within = { some_home(take()), 64 } };
	uint8_t b = take();

	in6_mask(&some.within.addr, 64);
	switch (b % 4) {
	case 0: w.cfg.bootstrap.modes = modes[b >> 6]; break;
	case 1: (void)ha_revoke(&w.ha, &some, BR_ADMINISTRATIVE, w.now); break;
	case 2: w.cfg.bootstrap.lifetime = b & 64 ? 30 * USEC_S : 7 * 86400 * USEC_S; break;
	case 3:
		if (b & 64)
			(void)ha_drain(&w.ha, 100 * USEC_S, false, w.now);
		else
			(void)ha_drain_cancel(&w.ha, w.now);
		break;
	}
}

/* ---- what must hold ---- */

static void count_row(void *ctx, const struct sa *s)
{
	unsigned int *n = ctx;

	++*n;
	assert(s->spent == (s->place == 0));
	if (s->place != 0)
		assert(w.keys[s->place - 1].place == s->place &&
		       w.keys[s->place - 1].spi == s->key.auth.spi);
	assert(sa_count(&w.ha, &s->prefix) <= SA_OF_PREFIX);
	assert(timer_armed(&s->end));
}

static void check_lease(void *ctx, const struct lease *l)
{
	struct binding *b, *next;
	unsigned int carried = 0;

	(void)ctx;
	HASH_ITER(by_hoa, w.ha.bcache.by_hoa, b, next)
		carried += b->lease == l && binding_carries(b);
	assert(carried == l->carried && carried <= l->bindings);
	if (l->state == LEASE_FREE)
		assert(sa_count(&w.ha, &l->prefix) == 0);
}

static void check(void)
{
	unsigned int n = 0, rows = 0;

	sa_each(&w.ha, count_row, &n);
	assert(n == w.ha.sas.n);
	for (unsigned int i = 0; i < ROWS; i++)
		rows += w.keys[i].place != 0;
	assert(rows <= n);
	ha_each_lease(&w.ha, check_lease, NULL);
	for (unsigned int i = 0; i < w.n_given; i++)
		if (w.given[i].over)
			assert(!sa_find(&w.ha, w.given[i].spi));
}

static void quiet(void *ctx, enum log_level level, const char *line)
{
	(void)ctx, (void)level, (void)line;
}

static void event(void)
{
	switch (take() % 12) {
	case 0: ev_host(); break;
	case 1:
	case 2: ev_request(); break;
	case 3:
	case 4:
	case 5:
	case 6:
	case 7: ev_update(); break;
	case 8: ev_octets(); break;
	case 9: ev_time(); break;
	case 10: ev_kill(); break;
	case 11: ev_operator(); break;
	}
}

static void configure(void)
{
	ha_config_defaults(&w.cfg);
	w.cfg.prefix_lifetime = 3600 * USEC_S;
	w.cfg.max_bindings = 16;
	w.cfg.max_leases = 16;
	w.cfg.bootstrap.max = 16;
	w.cfg.n_interfaces = 2;
	memcpy(w.cfg.interfaces[0], "lan0", 5);
	memcpy(w.cfg.interfaces[1], "lan1", 5);
	w.cfg.n_homes = 2;
	w.cfg.homes[0].prefix = (struct in6_prefix){ global(1, 0, 0), 56 };
	w.cfg.homes[1].prefix = (struct in6_prefix){ global(4, 0, 0), 64 };
	w.cfg.homes[1].mode = HOME_SHARED;
	memcpy(w.cfg.homes[1].interface, "lan1", 5);
	assert(!ha_config_check(&w.cfg));
	assert(auth_key_init(&w.key.auth, 300, AUTH_HMAC_SHA256_128, "0123456789abcdef", 16) == 0);
	w.cfg.keys = &w.key;
	w.cfg.n_keys = 1;
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
	configure();
	start();
	for (unsigned int n = 0; w.left > 0 && n < EVENTS_MAX; n++) {
		event();
		check();
	}
	ha_free(&w.ha);
	assert(timers_next(&w.timers) == USEC_NEVER);
	timers_free(&w.timers);
	auth_key_wipe(&w.key.auth);
	return 0;
}
