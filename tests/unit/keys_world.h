/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A home agent that gives keys out, and what a mobile node makes of them: the other end of the
 * TLS session is a function of the context, so that a key of another prefix, address or SPI is
 * another key. With a database that outlives a kill. Included after cmocka.h.
 */
#ifndef DMIP6_TESTS_KEYS_WORLD_H
#define DMIP6_TESTS_KEYS_WORLD_H

#include "common/core/log.h"
#include "common/core/ntp.h"
#include "ha-agent/sa.h"
#include "tests/unit/ha_fake.h"

#define S(n)		((usec_t)(n) * USEC_S)
#define IF		7
#define POOL		"2001:db8:1:100::/56"
#define HA_ADDR		"2001:db8:1:100::1"
#define HOA		"2001:db8:1:101::5"	/* host A's */
#define HOA_2		"2001:db8:1:101::6"
#define OTHER		"2001:db8:1:102::5"	/* host B's */
#define COA		"2001:db8:2:200::1"
#define COA_2		"2001:db8:3:300::1"
#define SHARED		"2001:db8:4:400::/64"
#define SHARED_HA	"2001:db8:4:400::1"
#define SHARED_HOA	"2001:db8:4:400::a5"
#define ROWS		32

static const uint8_t mac_a[6] = { 2, 0, 0, 0, 0, 0xa }, mac_b[6] = { 2, 0, 0, 0, 0, 0xb };

/* The fake is the first member. */
struct world {
	struct fake f;
	struct ha_ops ops;
	struct sa_record keys[ROWS];		/* by place, from 1; spi 0: none */
	struct ha_lease_record leases[ROWS];
	unsigned int n_leases;
	struct ha_binding_record bindings[ROWS];	/* by place; no home address: none */
	int key_error, export_error;
	struct bootstrap_peer peer;
	struct boot_request req;
	struct boot_response response;
};

/* ---- the database ---- */

static inline int world_sa_store(void *ctx, struct sa_record *r)
{
	struct world *w = ctx;

	if (w->key_error < 0)
		return w->key_error;
	for (unsigned int i = 0; r->place == 0 && i < ROWS; i++)
		if (w->keys[i].spi == 0)
			r->place = i + 1;
	assert_in_range(r->place, 1, ROWS);
	w->keys[r->place - 1] = *r;
	return 0;
}

static inline void world_sa_forget(void *ctx, uint32_t spi, uint32_t place)
{
	struct world *w = ctx;

	assert_in_range(place, 1, ROWS);
	assert_int_equal(w->keys[place - 1].spi, spi);
	w->keys[place - 1] = (struct sa_record){ .spi = 0 };
}

static inline unsigned int world_rows(const struct world *w)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < ROWS; i++)
		n += w->keys[i].spi != 0;
	return n;
}

static inline int world_lease_store(void *ctx, const struct ha_lease_record *r, bool durable)
{
	struct world *w = ctx;
	unsigned int i = 0;

	(void)durable;
	while (i < w->n_leases && !in6_prefix_eq(&w->leases[i].prefix, &r->prefix))
		i++;
	assert_true(i < ROWS);
	w->leases[i] = *r;
	w->n_leases += i == w->n_leases;
	return 0;
}

static inline void world_binding_store(void *ctx, struct ha_binding_record *r)
{
	struct world *w = ctx;

	for (unsigned int i = 0; r->place == 0 && i < ROWS; i++)
		if (in6_is_any(&w->bindings[i].hoa))
			r->place = i + 1;
	assert_in_range(r->place, 1, ROWS);
	w->bindings[r->place - 1] = *r;
}

static inline void world_binding_forget(void *ctx, const struct in6_addr *hoa, uint32_t place)
{
	struct world *w = ctx;

	(void)hoa;
	if (place != 0)
		w->bindings[place - 1] = (struct ha_binding_record){ .place = 0 };
}

/* ---- life ---- */

static inline void world_quiet(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
}

static inline void world_begin(struct world *w)
{
	assert_int_equal(ha_init(&w->f.ha, &w->f.cfg, &w->ops, w, &w->f.timers, w->f.now), 0);
	fake_link(&w->f, IF, "lan0", "fe80::1");
	fake_link(&w->f, 8, "lan1", "fe80::2");
}

/* Two hosts are attached; each has its prefix. */
static inline void world_start(struct world *w)
{
	struct ha_home_config *h;

	memset(w, 0, sizeof(*w));
	log_set_sink(world_quiet, NULL);
	fake_config(&w->f, POOL);
	h = &w->f.cfg.homes[w->f.cfg.n_homes++];
	memcpy(h->interface, "lan1", 5);
	h->mode = HOME_SHARED;
	assert_int_equal(in6_prefix_parse(SHARED, &h->prefix), 0);
	assert_null(ha_config_check(&w->f.cfg));
	w->f.cfg.n_keys = 0;
	w->f.wall_us = 1700000000 * USEC_S;
	w->ops = fake_ops;
	w->ops.sa_store = world_sa_store;
	w->ops.sa_forget = world_sa_forget;
	w->ops.lease_store = world_lease_store;
	w->ops.binding_store = world_binding_store;
	w->ops.binding_forget = world_binding_forget;
	world_begin(w);
	fake_rs(&w->f, IF, mac_a, "::", 255);
	fake_rs(&w->f, IF, mac_b, "::", 255);
	fake_forget_calls(&w->f);
}

static inline void world_end(struct world *w)
{
	ha_free(&w->f.ha);
	assert_int_equal(timers_next(&w->f.timers), USEC_NEVER);
	timers_free(&w->f.timers);
	auth_key_wipe(&w->f.keys[0].auth);
	auth_key_wipe(&w->f.keys[1].auth);
}

static inline void after(struct world *w, usec_t t)
{
	w->f.n_calls = 0;
	fake_run(&w->f, t);
	w->f.wall_us += t;
}

/* Killed, and started again. bindings: they are restored as well. Rows that are not taken over
 * go, as store.c has it. */
static inline void world_restart(struct world *w, bool bindings)
{
	ha_free(&w->f.ha);
	world_begin(w);
	for (unsigned int i = 0; i < w->n_leases; i++)
		assert_int_equal(ha_restore_lease(&w->f.ha, &w->leases[i], w->f.now), 0);
	for (unsigned int i = 0; i < ROWS; i++) {
		struct sa_record r = w->keys[i];

		r.place = i + 1;
		if (r.spi != 0 && sa_restore(&w->f.ha, &r, w->f.now) < 0)
			w->keys[i] = (struct sa_record){ .spi = 0 };
	}
	for (unsigned int i = 0; bindings && i < ROWS; i++)
		if (!in6_is_any(&w->bindings[i].hoa))
			(void)ha_restore_binding(&w->f.ha, &w->bindings[i], w->f.now);
	fake_forget_calls(&w->f);
}

/* ---- keys ---- */

static inline int world_export(void *ctx, const uint8_t context[BOOT_CONTEXT_LEN],
			       uint8_t ret[BOOT_KEY_LEN])
{
	const struct world *w = ctx;

	for (unsigned int i = 0; i < BOOT_KEY_LEN; i++)
		ret[i] = (uint8_t)(context[i] * 7u + context[BOOT_CONTEXT_LEN - 1 - i] * 3u + i);
	return w ? w->export_error : 0;
}

/* Who asks by which way for which address. */
static inline void world_peer(struct world *w, const char *source, enum boot_mode mode,
			      const char *name)
{
	bool shared = strncmp(source, "2001:db8:4:400:", 15) == 0;

	memset(&w->peer, 0, sizeof(w->peer));
	w->peer.ifindex = shared ? 8 : IF;
	w->peer.source = addr(source);
	w->peer.local = addr(shared ? SHARED_HA : HA_ADDR);
	w->peer.mode = mode;
	strcpy(w->peer.mn_id, name);
	memset(&w->req, 0, sizeof(w->req));
	w->req.id = 1;
	w->req.methods = (struct boot_modes){
		3, { BOOT_CERTIFICATE, BOOT_PSK, BOOT_ON_LINK },
	};
	w->req.hoa = addr(source);
}

static inline enum bootstrap_reason world_request(struct world *w)
{
	struct bootstrap_ops ops = { world_export, w };
	enum bootstrap_reason r;

	r = bootstrap_request(&w->f.ha, &w->peer, &w->req, &ops, w->f.now, &w->response);
	assert_int_equal(w->response.id, w->req.id);
	assert_int_equal(w->response.reason[0] == '\0', r == BOOTSTRAP_ISSUED);
	return r;
}

/* The key as the mobile node has it: of what the response says. */
static inline struct ha_key world_key(const struct boot_response *r)
{
	struct ha_key k = { .n_hoas = 0 };
	uint8_t context[BOOT_CONTEXT_LEN], secret[BOOT_KEY_LEN];

	boot_key_context(&r->hnp, r->hnp_len, &r->ha, r->spi, context);
	assert_int_equal(world_export(NULL, context, secret), 0);
	assert_int_equal(auth_key_init(&k.auth, r->spi, AUTH_HMAC_SHA256_128, secret,
				       sizeof(secret)), 0);
	return k;
}

/* On link, for that address. */
static inline struct ha_key world_get(struct world *w, const char *hoa)
{
	world_peer(w, hoa, BOOT_ON_LINK, "");
	assert_int_equal(world_request(w), BOOTSTRAP_ISSUED);
	return world_key(&w->response);
}

/* ---- Binding Updates ---- */

#define SILENCE	255

/* The status that it is answered with; SILENCE. The time stamp is now, or mesg_id. */
static inline unsigned int world_bu(struct world *w, struct bu bu)
{
	struct ip6_packet ip;
	struct mh_msg msg;

	if (bu.mesg_id == 0)
		bu.mesg_id = ntp_time(w->f.wall_us);
	fake_forget_calls(&w->f);
	fake_bu(&w->f, &bu);
	if (!fake_mh(&w->f, &ip, &msg))
		return SILENCE;
	assert_int_equal(msg.type, MH_BA);
	/* Whatever is said is signed with the key that it was asked with. */
	assert_true(msg.opts.mn_ha.present);
	assert_int_equal(msg.opts.mn_ha.spi, bu.key->auth.spi);
	return msg.u.ba.status;
}

/* Host A moves, half a second after whatever was before. */
static inline unsigned int world_move(struct world *w, const char *hoa, const char *coa,
				      uint16_t seq, const struct ha_key *key)
{
	after(w, USEC_S / 2);
	return world_bu(w, (struct bu){ .src = coa, .hoa = hoa, .seq = seq, .lifetime = 100,
					.key = key });
}

#endif
