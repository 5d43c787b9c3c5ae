/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binding Updates that somebody has recorded and sends once more, when their bindings are over,
 * when the home agent was restarted in between, and when its clock was set back (RFC 6275 9.5.1
 * and 15.3, RFC 4285 6); and that the mobile node itself gets through all the same.
 */
/* links: the home agent without its edges ($(ha_core) in Makefile.am) */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/core/log.h"
#include "common/core/ntp.h"
#include "tests/unit/ha_fake.h"

#define POOL	"2001:db8:1:100::/56"
#define HOA	"2001:db8:1:101::5"
#define HOA_2	"2001:db8:1:101::6"
#define AWAY	"2001:db8:2:200::1"
#define AWAY_2	"2001:db8:3:300::1"
#define ROWS	64
#define S(n)	((usec_t)(n) * USEC_S)

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 0xa };

/* A home agent with a disk. */
static struct {
	struct fake f;
	struct ha_ops ops;
	struct ha_binding_record rows[ROWS + 1];	/* by place, from 1 on */
	bool used[ROWS + 1];
	struct ha_lease_record lease;
	uint64_t floor;
} w;

struct packet {
	uint8_t data[512];
	size_t len;
};

static void quiet(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
}

static void disk_store(void *ctx, struct ha_binding_record *r)
{
	(void)ctx;
	for (uint32_t i = 1; r->place == 0 && i <= ROWS; i++)
		if (!w.used[i])
			r->place = i;
	assert_in_range(r->place, 1, ROWS);
	w.used[r->place] = true;
	w.rows[r->place] = *r;
}

static void disk_forget(void *ctx, const struct in6_addr *hoa, uint32_t place)
{
	(void)ctx;
	assert_in_range(place, 1, ROWS);
	assert_true(w.used[place] && in6_eq(&w.rows[place].hoa, hoa));
	w.used[place] = false;
}

static void disk_floor(void *ctx, uint64_t floor)
{
	(void)ctx;
	w.floor = floor;
}

static void pass(usec_t t)
{
	for (usec_t step; t > 0; t -= step) {
		step = t < S(100) ? t : S(100);
		w.f.wall_us += step;
		fake_forget_calls(&w.f);
		fake_run(&w.f, step);
	}
}

static void begin(bool timestamps)
{
	log_set_sink(quiet, NULL);
	memset(&w, 0, sizeof(w));
	fake_config(&w.f, POOL);
	w.f.wall_us = 1795000000 * USEC_S;
	w.f.keys[0].timestamp_required = timestamps;
	w.f.keys[0].timestamp_window = HA_TIMESTAMP_WINDOW;
	w.f.cfg.prefix_lifetime = S(86400);
	w.ops = fake_ops;
	w.ops.binding_store = disk_store;
	w.ops.binding_forget = disk_forget;
	w.ops.timestamp_floor = disk_floor;
	assert_int_equal(ha_init(&w.f.ha, &w.f.cfg, &w.ops, &w.f, &w.f.timers, w.f.now), 0);
	fake_link(&w.f, 7, "lan0", "fe80::1");
	fake_rs(&w.f, 7, mac, "::", 255);
	w.lease = w.f.lease;
}

static void end(void)
{
	fake_end(&w.f);
}

/* A kill, and a start with what the disk has. */
static void restart(void)
{
	struct ha_binding_record rows[ROWS + 1];
	bool used[ROWS + 1];

	w.lease = w.f.lease;
	ha_free(&w.f.ha);
	assert_int_equal(ha_init(&w.f.ha, &w.f.cfg, &w.ops, &w.f, &w.f.timers, w.f.now), 0);
	assert_int_equal(ha_restore_lease(&w.f.ha, &w.lease, w.f.now), 0);
	ha_restore_floor(&w.f.ha, w.floor);
	memcpy(rows, w.rows, sizeof(rows));
	memcpy(used, w.used, sizeof(used));
	for (uint32_t i = 1; i <= ROWS; i++)
		if (used[i] && ha_restore_binding(&w.f.ha, &rows[i], w.f.now) < 0) {
			past_forgotten(&w.f.ha, rows[i].timestamp);
			w.used[i] = false;
		}
	ha_restored(&w.f.ha, w.f.now);
	fake_link(&w.f, 7, "lan0", "fe80::1");
}

/* A Binding Update of the mobile node, whose clock is that far from the home agent's. */
static struct packet update(const char *hoa, uint16_t seq, uint16_t lifetime, usec_t ahead)
{
	struct packet p;

	p.len = bu_packet(&(struct bu){
		.src = AWAY, .hoa = hoa, .seq = seq, .lifetime = lifetime, .key = &w.f.keys[0],
		.mesg_id = w.f.keys[0].timestamp_required ?
			   ntp_time(w.f.wall_us + (int64_t)ahead) : 0,
	}, p.data, sizeof(p.data));
	return p;
}

static struct mh_msg deliver(const struct packet *p)
{
	struct ip6_packet ip;
	struct mh_msg msg;

	fake_forget_calls(&w.f);
	ha_rx_mh(&w.f.ha, p->data, p->len, w.f.now);
	assert_true(fake_mh(&w.f, &ip, &msg));
	assert_int_equal(msg.type, MH_BA);
	return msg;
}

static int status_of(const struct packet *p)
{
	return deliver(p).u.ba.status;
}

static bool bound(const char *hoa)
{
	const struct in6_addr a = addr(hoa);

	return ha_bound_find(&w.f.ha, &a) != NULL;
}

/* How a binding comes to its end. */
enum end { RELEASED, EXPIRED, REVOKED, EXPIRED_WHILE_DOWN, END_MAX };

static struct packet recorded_and_over(enum end how)
{
	struct revoke_selection all = { .has_mn = false };
	struct packet first = update(HOA, 10, 5, 0), bye;

	assert_int_equal(status_of(&first), BA_ACCEPTED);
	pass(S(1));
	switch (how) {
	case RELEASED:
		bye = update(HOA, 11, 0, 0);
		assert_int_equal(status_of(&bye), BA_ACCEPTED);
		break;
	case EXPIRED:
		pass(S(20));
		break;
	case REVOKED:
		assert_int_equal(ha_revoke(&w.f.ha, &all, BR_ADMINISTRATIVE, w.f.now), 1);
		break;
	case EXPIRED_WHILE_DOWN:
		w.f.now += S(20);
		w.f.wall_us += S(20);
		restart();
		break;
	case END_MAX:
		break;
	}
	return first;
}

/* Its time stamp is inside of the window still, or there is none. */
static void once_more(bool timestamps)
{
	const int no = timestamps ? BA_ID_MISMATCH : BA_SEQ_OUT_OF_WINDOW;

	for (enum end how = RELEASED; how < END_MAX; how++) {
		struct packet recorded, next;

		begin(timestamps);
		recorded = recorded_and_over(how);
		if (how != REVOKED)
			assert_int_equal(status_of(&recorded), no);
		restart();
		if (status_of(&recorded) != no || bound(HOA))
			fail_msg("replayed after end %d and a restart", how);
		restart();
		assert_int_equal(status_of(&recorded), no);
		/* The mobile node goes on. */
		pass(S(1));
		next = update(HOA, 12, 100, 0);
		assert_int_equal(status_of(&next), BA_ACCEPTED);
		assert_true(bound(HOA));
		end();
	}
}

static void with_time_stamps(void **state)
{
	(void)state;
	once_more(true);
}

static void with_sequence_numbers_alone(void **state)
{
	(void)state;
	once_more(false);
}

/* While it is bound, too: what the last one said is on the disk. */
static void a_live_binding(void **state)
{
	struct packet first, second;

	(void)state;
	begin(true);
	first = update(HOA, 10, 100, 0);
	assert_int_equal(status_of(&first), BA_ACCEPTED);
	pass(S(1));
	/* Of a number that comes round: the time stamp alone tells. */
	for (unsigned int n = 1; n < 3; n++) {
		second = update(HOA, (uint16_t)(10 + n * 30000), 100, 0);
		assert_int_equal(status_of(&second), BA_ACCEPTED);
		pass(S(1));
	}
	restart();
	assert_int_equal(status_of(&first), BA_ID_MISMATCH);
	assert_true(bound(HOA));
	end();
}

/* Nothing keeps the number of a key without time stamps but the lease and the key. */
static void for_as_long_as_the_lease(void **state)
{
	struct packet recorded;

	(void)state;
	begin(false);
	recorded = recorded_and_over(RELEASED);
	for (unsigned int days = 0; days < 5; days++) {
		fake_rs(&w.f, 7, mac, "::", 255);
		pass(S(40000));
		fake_rs(&w.f, 7, mac, "::", 255);
		pass(S(40000));
	}
	assert_int_equal(w.f.ha.pasts.n, 1);
	assert_int_equal(status_of(&recorded), BA_SEQ_OUT_OF_WINDOW);
	/* It goes with them. */
	w.f.cfg.n_keys = 0;
	pass(S(2 * 86400));
	assert_int_equal(w.f.ha.pasts.n, 0);
	for (uint32_t i = 1; i <= ROWS; i++)
		assert_false(w.used[i]);
	end();
}

/* With time stamps the floor remembers for all, and the memory is empty soon. */
static void the_floor(void **state)
{
	struct packet recorded, next;
	struct mh_msg ba;

	(void)state;
	begin(true);
	recorded = recorded_and_over(RELEASED);
	pass(S(60));
	assert_int_equal(w.f.ha.pasts.n, 0);
	assert_int_equal(w.f.ha.bcache.n, 0);
	assert_true(w.floor != 0);
	assert_int_equal(status_of(&recorded), BA_ID_MISMATCH);
	/* The clock is set back to when it was recorded, and the daemon is restarted. */
	w.f.wall_us -= S(61);
	restart();
	ba = deliver(&recorded);
	assert_int_equal(ba.u.ba.status, BA_ID_MISMATCH);
	assert_false(bound(HOA));
	/* Status 144 tells a time that will be taken, though it is not that of the clock. */
	assert_true((int64_t)(ba.opts.mesg_id - w.floor) > 0);
	next = update(HOA, 1, 100, S(2));
	assert_int_equal(status_of(&next), BA_ACCEPTED);
	end();
}

/* The home agent's clock is set back by an hour under a binding: the mobile node is told a time
 * that works, once, and goes on; what was recorded before is still old. */
static void clock_set_back(void **state)
{
	struct packet first, p;
	struct mh_msg ba;

	(void)state;
	begin(true);
	first = update(HOA, 10, 500, 0);
	assert_int_equal(status_of(&first), BA_ACCEPTED);
	pass(S(100));
	w.f.wall_us -= S(3600);
	/* The mobile node's clock is right. */
	p = update(HOA, 11, 500, S(3600));
	ba = deliver(&p);
	assert_int_equal(ba.u.ba.status, BA_ID_MISMATCH);
	p.len = bu_packet(&(struct bu){ .src = AWAY, .hoa = HOA, .seq = 12, .lifetime = 500,
					.key = &w.f.keys[0], .mesg_id = ba.opts.mesg_id + 1000 },
			  p.data, sizeof(p.data));
	assert_int_equal(status_of(&p), BA_ACCEPTED);
	assert_int_equal(status_of(&first), BA_ID_MISMATCH);
	restart();
	assert_int_equal(status_of(&first), BA_ID_MISMATCH);
	assert_int_equal(status_of(&p), BA_ID_MISMATCH);
	end();
}

/* A holder of a key that counts its own stamps up spoils nothing for others. */
static void nobody_raises_the_floor_for_others(void **state)
{
	struct packet p;

	(void)state;
	begin(true);
	for (uint16_t i = 0; i < 100; i++) {
		p = update(HOA, (uint16_t)(10 + i), 5, S(6) * (i + 1));
		assert_int_equal(status_of(&p), BA_ACCEPTED);
	}
	pass(S(100));
	assert_int_equal(w.f.ha.pasts.n, 1);	/* it is not of the past yet */
	w.f.cfg.max_bindings = 1;
	w.f.ha.pasts.max = 1;
	p = update(HOA_2, 1, 5, 0);
	assert_int_equal(status_of(&p), BA_ACCEPTED);
	pass(S(100));
	assert_int_equal(w.f.ha.counters[HA_PAST_FULL], 1);
	/* For that it was not forgotten a moment ago, when its stamps would have been good. */
	pass(S(11));
	p = update("2001:db8:1:101::7", 1, 5, 0);
	assert_int_equal(status_of(&p), BA_ACCEPTED);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_time_stamps),
		cmocka_unit_test(with_sequence_numbers_alone),
		cmocka_unit_test(a_live_binding),
		cmocka_unit_test(for_as_long_as_the_lease),
		cmocka_unit_test(the_floor),
		cmocka_unit_test(clock_set_back),
		cmocka_unit_test(nobody_raises_the_floor_for_others),
	};

	return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
