/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An anchor on a virtual clock, for the unit tests of its state machine. Whatever it does to
 * the world is recorded in order; Binding Updates are recorded as the codec reads them.
 */
#ifndef DMIP6_TESTS_ANCHOR_WORLD_H
#define DMIP6_TESTS_ANCHOR_WORLD_H

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
#include "mn-agent/anchor.h"

#define RECORDS		256
#define LIFETIME	600
#define MS		USEC_MS
#define S		USEC_S

enum what { BU, TUNNEL_SET, TUNNEL_DEL, HOLD, LET_GO, COUNTED };

struct record {
	enum what what;
	usec_t at;
	uint16_t seq;
	uint32_t lifetime_s;
	bool home;			/* no Home Address option */
	bool stamped;			/* with a time stamp */
	struct in6_addr coa;
};

struct world {
	struct timers timers;
	usec_t now;
	struct record log[RECORDS];
	unsigned int n;
	unsigned int live;		/* flows that a count would find */
	int tunnel_error;
	unsigned int states_told, hints_told;
	char last_reason[192];
	struct anchor a;
};

static struct in6_addr hoa, ha, coa1, coa2;
static struct auth_key key;
static const struct anchor_config cfg = { .linger = 5 * S, .lifetime_s = LIFETIME, .mtu = 1460 };

static inline struct record *record(struct world *w, enum what what)
{
	struct record *r = &w->log[w->n];

	assert_true(w->n < RECORDS);
	w->n++;
	*r = (struct record){ .what = what, .at = w->now };
	return r;
}

static inline int op_send(void *ctx, const struct anchor *a, const void *packet, size_t len)
{
	struct record *r = record(ctx, BU);
	struct ip6_packet ip;
	struct mh_msg m;

	assert_non_null(a);
	assert_int_equal(ip6_decode(packet, len, &ip), IP6_OK);
	assert_int_equal(mh_decode((const uint8_t *)packet + ip.payload_off, ip.payload_len,
				   ip6_cksum_src(&ip), ip6_cksum_dst(&ip), &m, NULL), MH_OK);
	assert_int_equal(m.type, MH_BU);
	assert_true(in6_eq(&ip.dst, &ha));
	r->seq = m.u.bu.seq;
	r->lifetime_s = m.u.bu.lifetime * 4u;
	r->home = !ip.has_hao;
	r->stamped = m.opts.has_mesg_id;
	r->coa = ip.src;
	return 0;
}

static inline int op_tunnel_set(void *ctx, const struct dp_binding *b)
{
	struct world *w = ctx;

	assert_true(in6_eq(&b->inner.addr, &hoa));
	assert_int_equal(b->inner.len, 128);
	assert_true(in6_eq(&b->remote, &ha));
	record(w, TUNNEL_SET)->coa = b->local;
	return w->tunnel_error;
}

static inline int op_tunnel_del(void *ctx, const struct in6_addr *addr)
{
	assert_true(in6_eq(addr, &hoa));
	record(ctx, TUNNEL_DEL);
	return 0;
}

static inline void op_held(void *ctx, struct anchor *a)
{
	record(ctx, a->held ? HOLD : LET_GO);
}

static inline unsigned int op_count(void *ctx, struct anchor *a)
{
	struct world *w = ctx;

	(void)a;
	record(w, COUNTED);
	return w->live;
}

static inline int64_t op_wall_us(void *ctx)
{
	struct world *w = ctx;

	return (int64_t)w->now;
}

static inline void op_notify(void *ctx, struct anchor *a, const char *event, const char *detail,
		      usec_t now)
{
	struct world *w = ctx;

	assert_int_equal(now, w->now);
	assert_ptr_equal(a, &w->a);
	w->hints_told += strcmp(event, "hint") == 0;
	if (strcmp(event, "state") != 0)
		return;
	w->states_told++;
	snprintf(w->last_reason, sizeof(w->last_reason), "%s", detail);
}

static const struct anchor_ops ops = {
	.send = op_send, .tunnel_set = op_tunnel_set, .tunnel_del = op_tunnel_del,
	.held = op_held, .count_flows = op_count, .wall_us = op_wall_us, .notify = op_notify,
};

static inline void quiet(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
}

static inline int group_setup(void **state)
{
	(void)state;
	log_set_sink(quiet, NULL);
	return in6_parse("2001:db8:1:101::42", &hoa) || in6_parse("2001:db8:1:100::1", &ha) ||
	       in6_parse("2001:db8:2:101::42", &coa1) || in6_parse("2001:db8:3:101::42", &coa2) ||
	       auth_key_init(&key, 256, AUTH_HMAC_SHA256_128, "0123456789abcdef", 16);
}

static inline int group_teardown(void **state)
{
	(void)state;
	auth_key_wipe(&key);
	return 0;
}

static struct world the_world;

static inline int setup(void **state)
{
	struct world *w = &the_world;

	memset(w, 0, sizeof(*w));
	w->now = 1000 * S;
	timers_init(&w->timers);
	anchor_init(&w->a, &cfg, &ops, w, &w->timers, 100);
	w->a.hoa = hoa;
	w->a.ha = ha;
	w->a.key = &key;
	w->a.prefix = (struct in6_prefix){ .addr = hoa, .len = 64 };
	in6_mask(&w->a.prefix.addr, 64);
	anchor_set_valid_until(&w->a, w->now + 7200 * S);
	*state = w;
	return 0;
}

static inline int teardown(void **state)
{
	struct world *w = *state;

	anchor_stop(&w->a);
	assert_int_equal(timers_next(&w->timers), USEC_NEVER);	/* no timer was forgotten */
	timers_free(&w->timers);
	return 0;
}

/* Another world in the middle of a test. */
static inline void afresh(void **state)
{
	teardown(state);
	setup(state);
}

/* Time passes; timers run at their time. */
static inline void until(struct world *w, usec_t at)
{
	while (timers_next(&w->timers) <= at) {
		w->now = timers_next(&w->timers);
		timers_run(&w->timers, w->now);
	}
	w->now = at;
}

static inline void after(struct world *w, usec_t d)
{
	until(w, w->now + d);
}

static inline void forget(struct world *w)
{
	w->n = 0;
}

static inline unsigned int count(const struct world *w, enum what what)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < w->n; i++)
		n += w->log[i].what == what;
	return n;
}

/* The n-th of its kind; fails the test if there is none. */
static inline const struct record *nth(const struct world *w, enum what what, unsigned int n)
{
	for (unsigned int i = 0; i < w->n; i++)
		if (w->log[i].what == what && n-- == 0)
			return &w->log[i];
	fail_msg("not so many of kind %d", (int)what);
	return NULL;
}

static inline const struct record *last_bu(const struct world *w)
{
	return nth(w, BU, count(w, BU) - 1);
}

static inline void assert_state(const struct world *w, enum anchor_state s)
{
	assert_string_equal(anchor_state_name(w->a.state), anchor_state_name(s));
}

/* As mn.c does: an acknowledgement of no outstanding BU does not come through. */
static inline void ba(struct world *w, uint8_t status, uint16_t seq, uint32_t lifetime_s)
{
	struct mh_msg m = { .type = MH_BA };

	m.u.ba.status = status;
	m.u.ba.seq = seq;
	m.u.ba.lifetime = (uint16_t)(lifetime_s / 4);
	if (status == BA_SEQ_OUT_OF_WINDOW || anchor_seq_outstanding(&w->a, seq))
		anchor_ba(&w->a, &m, w->now);
}

static inline void grant(struct world *w)
{
	const struct record *r = last_bu(w);

	ba(w, BA_ACCEPTED, r->seq, r->lifetime_s);
}

static inline void flows(struct world *w, unsigned int n)
{
	w->live = n;
	anchor_set_flows(&w->a, n, w->now);
}

static inline void depart(struct world *w)
{
	flows(w, 1);
	anchor_event(&w->a, ANCHOR_EV_DEPART, w->now);
}

static inline void registering(struct world *w)
{
	depart(w);
	anchor_coa(&w->a, &coa1, w->now);
	assert_state(w, ANCHOR_REGISTERING);
}

static inline void bound(struct world *w)
{
	registering(w);
	after(w, 20 * MS);
	grant(w);
	assert_state(w, ANCHOR_BOUND);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
