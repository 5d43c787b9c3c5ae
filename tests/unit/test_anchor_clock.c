/* SPDX-License-Identifier: BSD-2-Clause */
/* Time stamps in Binding Updates (RFC 4285 6), and a clock that is not the home agent's. */
/* links: mn-agent/anchor.c mn-agent/registration.c mn-agent/reply.c mn-agent/status.c
 * mn-agent/bu.c common/wire/buf.c common/wire/cksum.c common/wire/ext.c common/wire/mh.c common/wire/mhopt.c common/core/in6.c common/core/auth.c common/core/backoff.c common/core/timer.c common/core/log.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/core/log.h"
#include "common/core/ntp.h"
#include "common/wire/ext.h"
#include "mn-agent/anchor.h"

#define SECOND	(UINT64_C(1) << 32)

struct world {
	struct timers timers;
	usec_t now;
	int64_t wall_us;
	struct mh_msg sent;		/* the last BU */
	unsigned int n_sent;
	struct anchor a;
};

static struct auth_key key;
static const struct anchor_config cfg = {
	.linger = 5 * USEC_S, .lifetime_s = 600, .mtu = 1460,
};

static int op_send(void *ctx, const struct anchor *a, const void *packet, size_t len)
{
	struct world *w = ctx;
	struct ip6_packet ip;

	(void)a;
	assert_int_equal(ip6_decode(packet, len, &ip), IP6_OK);
	assert_int_equal(mh_decode((const uint8_t *)packet + ip.payload_off, ip.payload_len,
				   ip6_cksum_src(&ip), ip6_cksum_dst(&ip), &w->sent, NULL), MH_OK);
	w->n_sent++;
	return 0;
}

static int op_tunnel_set(void *ctx, const struct dp_binding *b)
{
	(void)ctx;
	(void)b;
	return 0;
}

static int op_tunnel_del(void *ctx, const struct in6_addr *addr)
{
	(void)ctx;
	(void)addr;
	return 0;
}

static void op_held(void *ctx, struct anchor *a)
{
	(void)ctx;
	(void)a;
}

static unsigned int op_count(void *ctx, struct anchor *a)
{
	(void)ctx;
	(void)a;
	return 1;
}

static int64_t op_wall_us(void *ctx)
{
	return ((struct world *)ctx)->wall_us;
}

static void op_notify(void *ctx, struct anchor *a, const char *event, const char *detail,
		      usec_t now)
{
	(void)ctx;
	(void)a;
	(void)event;
	(void)detail;
	(void)now;
}

static const struct anchor_ops ops = {
	.send = op_send, .tunnel_set = op_tunnel_set, .tunnel_del = op_tunnel_del,
	.held = op_held, .count_flows = op_count, .wall_us = op_wall_us, .notify = op_notify,
};

static struct in6_addr addr(const char *s)
{
	struct in6_addr a;

	assert_int_equal(in6_parse(s, &a), 0);
	return a;
}

/* Away, the first BU sent. */
static void begin(struct world *w, bool timestamps)
{
	const struct in6_addr coa = addr("2001:db8:2:101::42");

	memset(w, 0, sizeof(*w));
	w->now = 1000 * USEC_S;
	w->wall_us = INT64_C(1700000000) * 1000000 + 250000;
	timers_init(&w->timers);
	anchor_init(&w->a, &cfg, &ops, w, &w->timers, 100);
	w->a.hoa = addr("2001:db8:1:101::42");
	w->a.ha = addr("2001:db8:1:100::1");
	w->a.key = &key;
	w->a.timestamps = timestamps;
	w->a.prefix = (struct in6_prefix){ .addr = w->a.hoa, .len = 64 };
	anchor_set_valid_until(&w->a, w->now + 7200 * USEC_S);
	anchor_set_flows(&w->a, 1, w->now);
	anchor_event(&w->a, ANCHOR_EV_DEPART, w->now);
	anchor_coa(&w->a, &coa, w->now);
	assert_int_equal(w->n_sent, 1);
}

static void end(struct world *w)
{
	anchor_stop(&w->a);
	timers_free(&w->timers);
}

static void pass(struct world *w, usec_t usec)
{
	usec_t end_at = w->now + usec;

	while (timers_next(&w->timers) <= end_at) {
		w->now = timers_next(&w->timers);
		timers_run(&w->timers, w->now);
	}
	w->now = end_at;
}

static void answer(struct world *w, uint8_t status, uint64_t mesg_id)
{
	struct mh_msg m = { .type = MH_BA, .u.ba = {
		.status = status, .seq = w->sent.u.bu.seq, .lifetime = 150,
	} };

	m.opts.has_mesg_id = mesg_id != 0;
	m.opts.mesg_id = mesg_id;
	anchor_ba(&w->a, &m, w->now);
}

/* The home agent's answer 144 by its clock. */
static void mismatch(struct world *w, uint64_t clock)
{
	answer(w, BA_ID_MISMATCH, (clock & ~(uint64_t)UINT32_MAX) |
	       (uint32_t)w->sent.opts.mesg_id);
}

static void none_unless_asked_for(void **state)
{
	struct world w;

	(void)state;
	begin(&w, false);
	assert_false(w.sent.opts.has_mesg_id);
	/* And then an answer about it is a refusal as any other. */
	mismatch(&w, SECOND);
	assert_int_equal(w.a.state, ANCHOR_REFUSED);
	end(&w);
}

static void each_is_newer_than_the_last(void **state)
{
	struct world w;
	uint64_t last;

	(void)state;
	begin(&w, true);
	assert_true(w.sent.opts.has_mesg_id);
	assert_true(w.sent.opts.mesg_id == ntp_time(w.wall_us));
	assert_true((uint32_t)w.sent.opts.mesg_id == UINT32_C(1) << 30);	/* a quarter */
	for (unsigned int i = 0; i < 5; i++) {
		last = w.sent.opts.mesg_id;
		w.wall_us -= 1000000 * (i % 2);		/* somebody sets the clock back */
		pass(&w, 40 * USEC_S);
		assert_true((int64_t)(w.sent.opts.mesg_id - last) > 0);
	}
	end(&w);
}

static void clock_is_put_right(void **state)
{
	static const int64_t off_s[] = { 3600, -3600, 8, -8, INT64_C(86400) * 365 * 20 };

	(void)state;
	for (unsigned int i = 0; i < sizeof(off_s) / sizeof(off_s[0]); i++) {
		struct world w;
		uint64_t clock;

		begin(&w, true);
		clock = ntp_time(w.wall_us) + (uint64_t)off_s[i] * SECOND + SECOND / 3;
		mismatch(&w, clock);
		assert_int_equal(w.n_sent, 2);		/* at once */
		assert_true((int64_t)(w.sent.opts.mesg_id - clock) < (int64_t)SECOND &&
			    (int64_t)(clock - w.sent.opts.mesg_id) < (int64_t)SECOND);
		answer(&w, BA_ACCEPTED, w.sent.opts.mesg_id);
		assert_int_equal(w.a.state, ANCHOR_BOUND);
		/* The refresh knows it. */
		w.wall_us += 480 * 1000000;
		pass(&w, 480 * USEC_S);
		clock += 480 * SECOND;
		assert_int_equal(w.n_sent, 3);
		assert_true((int64_t)(w.sent.opts.mesg_id - clock) < (int64_t)SECOND &&
			    (int64_t)(clock - w.sent.opts.mesg_id) < (int64_t)SECOND);
		end(&w);
	}
}

/* Our clock is set back under the binding: what we send then is one more than the last. The home
 * agent says its time once, and that is enough. */
static void our_clock_is_set_back(void **state)
{
	struct world w;
	uint64_t clock;

	(void)state;
	begin(&w, true);
	answer(&w, BA_ACCEPTED, w.sent.opts.mesg_id);
	w.wall_us += 480 * INT64_C(1000000);
	clock = ntp_time(w.wall_us);
	w.wall_us -= 3600 * INT64_C(1000000);
	pass(&w, 480 * USEC_S);
	assert_int_equal(w.n_sent, 2);
	mismatch(&w, clock);
	assert_int_equal(w.n_sent, 3);
	assert_true((int64_t)(w.sent.opts.mesg_id - clock) < (int64_t)SECOND &&
		    (int64_t)(clock - w.sent.opts.mesg_id) < (int64_t)SECOND);
	end(&w);
}

static void not_for_ever(void **state)
{
	struct world w;

	(void)state;
	begin(&w, true);
	for (unsigned int i = 0; i < 20; i++)
		mismatch(&w, (uint64_t)i << 50);
	assert_true(w.n_sent <= 4);
	end(&w);
}

/* The fraction is the last BU's, or it answers another one. */
static void late_ones_do_not_count(void **state)
{
	struct world w;

	(void)state;
	begin(&w, true);
	answer(&w, BA_ID_MISMATCH, w.sent.opts.mesg_id + 1000 * SECOND + 1);
	answer(&w, BA_ID_MISMATCH, 0);
	assert_int_equal(w.n_sent, 1);
	assert_int_equal(w.a.state, ANCHOR_REGISTERING);
	end(&w);
}

static void the_era_of_ntp_ends(void **state)
{
	(void)state;
	assert_true(ntp_time(0) == UINT64_C(2208988800) << 32);
	assert_true(ntp_time(INT64_C(2085978496) * 1000000) == 0);	/* in 2036 */
	assert_true(ntp_time(INT64_C(2085978496) * 1000000 - 1) >> 32 == UINT32_MAX);
}

static int setup(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	return auth_key_init(&key, 256, AUTH_HMAC_SHA256_128, "0123456789abcdef", 16);
}

static int teardown(void **state)
{
	(void)state;
	auth_key_wipe(&key);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_unless_asked_for),
		cmocka_unit_test(each_is_newer_than_the_last),
		cmocka_unit_test(clock_is_put_right),
		cmocka_unit_test(our_clock_is_set_back),
		cmocka_unit_test(not_for_ever),
		cmocka_unit_test(late_ones_do_not_count),
		cmocka_unit_test(the_era_of_ntp_ends),
	};

	return cmocka_run_group_tests_name("anchor clock", tests, setup, teardown);
}
