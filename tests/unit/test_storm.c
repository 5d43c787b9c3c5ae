/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whatever comes, in whatever order: Binding Updates right and wrong, hosts that return, time
 * that passes, a data path that fails, revocations, restarts. After each turn the data path
 * and the database hold what the binding cache says, no address leads round in a ring, and
 * the leases' counts are right.
 */
/* links: the home agent without its edges ($(ha_core) in Makefile.am) */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "common/core/log.h"
#include "tests/unit/ha_fake.h"

#define POOL		"2001:db8:1:100::/56"
#define SHARED		"2001:db8:4:400::/64"
#define SHARED_HA	"2001:db8:4:400::1"
#define ROWS		64
#define STORMS		10
#define TURNS		1000

static const char *const hoas[] = {
	"2001:db8:1:101::5", "2001:db8:1:101::6", "2001:db8:1:102::5", "2001:db8:1:103::5",
	"2001:db8:4:400::a5", "2001:db8:4:400::a6",
};
#define N_HOAS	(sizeof(hoas) / sizeof(hoas[0]))
static const char *const elsewhere[] = { "2001:db8:2::1", "2001:db8:3::1", "2001:db8:2::2" };
#define N_ELSEWHERE	(sizeof(elsewhere) / sizeof(elsewhere[0]))

struct change {
	struct dp_binding b;
	bool del;
};

/* Kernel and database; the fake is the first member. */
struct world {
	struct fake f;
	struct ha_ops ops;
	uint32_t x;			/* of the random numbers */
	uint16_t seq[N_HOAS];
	struct dp_binding dp[ROWS];
	unsigned int n_dp;
	struct change put_off[ROWS * 4];
	unsigned int n_put_off;
	struct ha_binding_record rows[ROWS];	/* by place, from 1 */
	bool used[ROWS];
	struct ha_lease_record leases[ROWS];
	unsigned int n_leases;
	bool failing;
};

static struct world w;

static uint32_t any(uint32_t below)
{
	w.x ^= w.x << 13;
	w.x ^= w.x >> 17;
	w.x ^= w.x << 5;
	return w.x % below;
}

/* ---- kernel ---- */

static int put_off(const struct change *c)
{
	assert_true(w.n_put_off < sizeof(w.put_off) / sizeof(w.put_off[0]));
	w.put_off[w.n_put_off++] = *c;
	return 0;
}

static int dp_set(void *ctx, const struct dp_binding *b)
{
	(void)ctx;
	return put_off(&(struct change){ .b = *b });
}

static int dp_del(void *ctx, const struct in6_prefix *inner)
{
	(void)ctx;
	return put_off(&(struct change){ .b.inner = *inner, .del = true });
}

static struct dp_binding *find(const struct in6_addr *hoa)
{
	for (unsigned int i = 0; i < w.n_dp; i++)
		if (in6_eq(&w.dp[i].inner.addr, hoa))
			return &w.dp[i];
	return NULL;
}

static void carry(const struct change *c)
{
	struct dp_binding *b = find(&c->b.inner.addr);

	if (c->del) {
		if (b)
			*b = w.dp[--w.n_dp];
		return;
	}
	if (!b) {
		assert_true(w.n_dp < ROWS);
		b = &w.dp[w.n_dp++];
	}
	*b = c->b;
}

/* Removals work, as they do in a kernel; one of the others may fail. */
static void dp_commit(void *ctx)
{
	struct world *x = ctx;

	for (unsigned int i = 0; i < x->n_put_off; i++) {
		if (!x->put_off[i].del && x->failing && any(4) == 0)
			ha_dp_failed(&x->f.ha, &x->put_off[i].b.inner, -ENOMEM);
		else
			carry(&x->put_off[i]);
	}
	x->n_put_off = 0;
}

/* ---- database ---- */

static void binding_store(void *ctx, struct ha_binding_record *r)
{
	(void)ctx;
	for (uint32_t i = 1; r->place == 0 && i < ROWS; i++)
		if (!w.used[i])
			r->place = i;
	assert_true(r->place > 0);
	w.used[r->place] = true;
	w.rows[r->place] = *r;
}

static void binding_forget(void *ctx, const struct in6_addr *hoa, uint32_t place)
{
	(void)ctx;
	if (place == 0)
		return;
	assert_true(w.used[place] && in6_eq(&w.rows[place].hoa, hoa));
	w.used[place] = false;
}

static int lease_store(void *ctx, const struct ha_lease_record *r, bool durable)
{
	(void)ctx;
	(void)durable;
	for (unsigned int i = 0; i < w.n_leases; i++) {
		if (in6_prefix_eq(&w.leases[i].prefix, &r->prefix)) {
			w.leases[i] = *r;
			return 0;
		}
	}
	assert_true(w.n_leases < ROWS);
	w.leases[w.n_leases++] = *r;
	return 0;
}

/* ---- what must always be true ---- */

static void assert_no_ring(void)
{
	for (unsigned int i = 0; i < N_HOAS; i++) {
		struct in6_addr a = addr(hoas[i]);
		unsigned int steps = 0;

		for (const struct dp_binding *b = find(&a); b; b = find(&a)) {
			a = b->remote;
			if (++steps > N_HOAS)
				fail_msg("%s leads round in a ring", hoas[i]);
		}
	}
}

static void assert_consistent(void)
{
	unsigned int carried = 0, bound = 0, rows = 0, counted = 0, held = 0;
	unsigned int over = 0, ended = 0;
	struct binding *b, *next_b;
	struct lease *l, *next_l;

	HASH_ITER(by_hoa, w.f.ha.bcache.by_hoa, b, next_b) {
		const struct dp_binding *d = find(&b->hoa);

		assert_true(timer_armed(&b->timer));
		counted += b->lease != NULL;
		if (binding_carries(b)) {
			if (!d || !in6_eq(&d->remote, &b->coa))
				fail_msg("%s (%s): at %s, the data path has %s", in6_str(&b->hoa).s,
					 binding_state_name(b->state), in6_str(&b->coa).s,
					 d ? in6_str(&d->remote).s : "nothing");
			assert_true(in6_eq(&d->local, &b->home->cfg.address));
			assert_true(b->expires > w.f.now);
			carried++;
		}
		if (b->state == BINDING_BOUND) {
			assert_true(b->place > 0 && w.used[b->place]);
			assert_true(in6_eq(&w.rows[b->place].hoa, &b->hoa));
			assert_true(in6_eq(&w.rows[b->place].coa, &b->coa));
			assert_true(w.rows[b->place].expires == b->expires);
			bound++;
		} else if (b->place != 0) {
			assert_true(w.rows[b->place].past);
			ended++;
		}
		assert_null(past_find(&w.f.ha, &b->hoa));
	}
	assert_int_equal(w.n_dp, carried);
	for (unsigned int i = 1; i < ROWS; i++) {
		rows += w.used[i] && !w.rows[i].past;
		over += w.used[i] && w.rows[i].past;
	}
	assert_int_equal(rows, bound);
	/* What is over is in the cache for a while yet, or in what is remembered; never in both. */
	assert_int_equal(over, ended + w.f.ha.pasts.n);
	for (unsigned int i = 0; i < w.f.ha.n_homes; i++)
		HASH_ITER(by_mac, w.f.ha.homes[i].pool.by_mac, l, next_l)
			held += l->bindings;
	assert_int_equal(held, counted);
	assert_no_ring();
}

/* ---- what happens ---- */

static void configure(void)
{
	struct ha_home_config *h;

	fake_config(&w.f, POOL);
	h = &w.f.cfg.homes[w.f.cfg.n_homes++];
	memcpy(h->interface, "lan1", 5);
	h->mode = HOME_SHARED;
	assert_int_equal(in6_prefix_parse(SHARED, &h->prefix), 0);
	assert_null(ha_config_check(&w.f.cfg));
	w.ops = fake_ops;
	w.ops.dp_set = dp_set;
	w.ops.dp_del = dp_del;
	w.ops.dp_commit = dp_commit;
	w.ops.binding_store = binding_store;
	w.ops.binding_forget = binding_forget;
	w.ops.lease_store = lease_store;
}

/* As the event loop does it: the data path is asked at the end of each turn. */
static void pass(usec_t usec)
{
	usec_t end = w.f.now + usec;

	ha_flush(&w.f.ha, w.f.now);
	while (timers_next(&w.f.timers) <= end) {
		usec_t next = timers_next(&w.f.timers);

		fake_run(&w.f, next > w.f.now ? next - w.f.now : 0);
		ha_flush(&w.f.ha, w.f.now);
	}
	fake_run(&w.f, end - w.f.now);
}

static void begin_run(void)
{
	assert_int_equal(ha_init(&w.f.ha, &w.f.cfg, &w.ops, &w, &w.f.timers, w.f.now), 0);
	for (unsigned int i = 0; i < w.n_leases; i++)
		(void)ha_restore_lease(&w.f.ha, &w.leases[i], w.f.now);
	w.n_dp = 0;
	for (unsigned int i = 1; i < ROWS; i++) {
		struct ha_binding_record r = w.rows[i];

		if (w.used[i] && ha_restore_binding(&w.f.ha, &r, w.f.now) < 0)
			w.used[i] = false;
	}
	fake_link(&w.f, 7, "lan0", "fe80::1");
	fake_link(&w.f, 8, "lan1", "fe80::1");
	ha_flush(&w.f.ha, w.f.now);
	pass(0);			/* what could not be put back goes */
}

static void solicit(unsigned int host)
{
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, (uint8_t)(0xa + host) };

	fake_rs(&w.f, 7, mac, "fe80::a", 255);
}

static void update(void)
{
	unsigned int h = any(N_HOAS), kind = any(8);
	bool at_home = kind == 0;
	struct bu bu = {
		.src = at_home ? hoas[h] : elsewhere[any(N_ELSEWHERE)],
		.hoa = at_home && any(2) ? NULL : hoas[h],
		.lifetime = (uint16_t)(any(3) == 0 ? 0 : 1 + any(20)),
		.key = &w.f.keys[any(8) == 0], .dst = h >= 4 ? SHARED_HA : NULL,
		.flags = any(16) == 0 ? BU_ACK : BU_ACK | BU_HOME,
	};

	if (kind >= 5)
		bu.alt_coa = hoas[any(N_HOAS)];
	bu.seq = any(8) == 0 ? w.seq[h] : (uint16_t)(w.seq[h] + 1 + any(3));
	w.seq[h] = bu.seq;
	fake_bu(&w.f, &bu);
}

static void somebody_has_it(void)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 0x77 };

	fake_na(&w.f, 8, mac, hoas[4 + any(2)]);
}

static void revoke(void)
{
	struct revoke_selection which = {
		.within = { .addr = addr(hoas[any(N_HOAS)]), .len = 64 },
	};

	(void)ha_revoke(&w.f.ha, &which, 1, w.f.now);
}

static void step(void)
{
	unsigned int n = any(40);

	if (n < 24)
		update();
	else if (n < 29)
		solicit(any(3));
	else if (n < 36)
		pass(any(20) * USEC_S + any(USEC_S));
	else if (n < 38)
		somebody_has_it();
	else if (n == 38)
		revoke();
	else
		fake_link(&w.f, any(4) ? 7 : 0, "lan0", "fe80::1");
}

static void storm(uint32_t seed)
{
	unsigned int most = 0;

	memset(&w, 0, sizeof(w));
	w.x = seed;
	configure();
	begin_run();
	for (unsigned int i = 0; i < TURNS; i++) {
		fake_forget_calls(&w.f);
		w.failing = any(10) == 0;
		for (unsigned int n = any(4); n > 0; n--)
			step();
		ha_flush(&w.f.ha, w.f.now);
		assert_consistent();
		if (w.n_dp > most)
			most = w.n_dp;
		if (any(100) == 0) {
			ha_free(&w.f.ha);
			begin_run();
			assert_consistent();
		}
	}
	assert_true(most >= 4);		/* it was no calm */
	w.failing = false;
	for (unsigned int i = 0; i < 20; i++) {
		fake_forget_calls(&w.f);
		pass(60 * USEC_S);
	}
	assert_int_equal(w.n_dp, 0);	/* in the end everything ends */
	assert_int_equal(w.f.ha.bcache.n, 0);
	fake_end(&w.f);
}

static void whatever_comes(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= STORMS; n++)
		storm(n * 2654435761u);
}

static int quiet(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_comes),
	};

	return cmocka_run_group_tests_name("storm", tests, quiet, NULL);
}
