/* SPDX-License-Identifier: BSD-2-Clause */
/* A data path that puts its work off until the end of the turn: nothing is acknowledged
 * before it is done, and what could not be done is as if it had not been asked for. */
/* links: ha-agent/ha.c ha-agent/nd.c ha-agent/update.c ha-agent/error.c ha-agent/verdict.c
 * ha-agent/binding.c ha-agent/bcache.c ha-agent/prefix.c ha-agent/ra.c and what they use */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/ha_fake.h"

#define COA1	"2001:db8:2::9"
#define COA2	"2001:db8:3::9"

static const uint8_t mac1[6] = { 2, 0, 0, 0, 0, 10 }, mac2[6] = { 2, 0, 0, 0, 0, 11 };
static const char hoa1[] = "2001:db8:1:101::5", hoa2[] = "2001:db8:1:102::5";

struct deferred {
	struct fake f;
	struct ha_ops ops;
	struct in6_prefix failing;	/* len 0: none */
	unsigned int commits;
};

static void commit(void *ctx)
{
	struct deferred *x = ctx;	/* the fake is its first member */

	x->commits++;
	if (x->failing.len > 0)
		ha_dp_failed(&x->f.ha, &x->failing, -ENOMEM);
}

static struct deferred d;

static void begin(void)
{
	memset(&d, 0, sizeof(d));
	fake_config(&d.f, "2001:db8:1:100::/56");
	d.ops = fake_ops;
	d.ops.dp_commit = commit;
	assert_int_equal(ha_init(&d.f.ha, &d.f.cfg, &d.ops, &d, &d.f.timers, d.f.now), 0);
	fake_link(&d.f, 7, "lan0", "fe80::1");
	fake_rs(&d.f, 7, mac1, "fe80::a", 255);
	fake_rs(&d.f, 7, mac2, "fe80::b", 255);
	fake_forget_calls(&d.f);
}

static void bu(const char *coa, const char *hoa, uint16_t seq, uint16_t lifetime)
{
	fake_bu(&d.f, &(struct bu){
		.src = coa, .hoa = hoa, .seq = seq, .lifetime = lifetime, .key = d.f.keys,
	});
}

static unsigned int answers(void)
{
	return fake_count(&d.f, CALL_SEND_ROUTED) + fake_count(&d.f, CALL_SEND_LINK);
}

static const struct binding *bound(const char *hoa)
{
	struct in6_addr a = addr(hoa);

	return ha_bound_find(&d.f.ha, &a);
}

static void fails(const char *hoa)
{
	d.failing = (struct in6_prefix){ addr(hoa), 128 };
}

static void acknowledged_when_it_stands(void **state)
{
	(void)state;
	begin();
	bu(COA1, hoa1, 1, 100);
	assert_int_equal(fake_count(&d.f, CALL_DP_SET), 1);
	assert_int_equal(answers(), 0);
	/* Written down before it is acknowledged. */
	assert_int_equal(fake_count(&d.f, CALL_BINDING_STORE), 1);
	ha_flush(&d.f.ha, d.f.now);
	assert_int_equal(d.commits, 1);
	assert_int_equal(answers(), 1);
	assert_int_equal(fake_ba(&d.f, d.f.keys, COA1, hoa1).status, BA_ACCEPTED);
	ha_flush(&d.f.ha, d.f.now);
	assert_int_equal(answers(), 1);
	fake_end(&d.f);
}

static void a_refresh_does_not_wait(void **state)
{
	(void)state;
	begin();
	bu(COA1, hoa1, 1, 100);
	ha_flush(&d.f.ha, d.f.now);
	bu(COA1, hoa1, 2, 100);
	assert_int_equal(answers(), 2);
	assert_int_equal(fake_count(&d.f, CALL_DP_SET), 1);
	fake_end(&d.f);
}

static void refusals_do_not_wait(void **state)
{
	(void)state;
	begin();
	bu(COA1, "2001:db8:1:1ff::5", 1, 100);
	assert_int_equal(answers(), 1);
	assert_int_equal(fake_ba(&d.f, d.f.keys, COA1, "2001:db8:1:1ff::5").status,
			 BA_NOT_HOME_SUBNET);
	fake_end(&d.f);
}

/* One thing at a time for one home address: each has its own answer. */
static void twice_in_one_turn(void **state)
{
	(void)state;
	begin();
	bu(COA1, hoa1, 1, 100);
	bu(COA1, hoa2, 1, 100);
	bu(COA2, hoa1, 2, 100);
	assert_int_equal(d.commits, 1);
	assert_int_equal(answers(), 2);
	ha_flush(&d.f.ha, d.f.now);
	assert_int_equal(answers(), 3);
	assert_int_equal(fake_ba(&d.f, d.f.keys, COA2, hoa1).seq, 2);
	assert_true(bound(hoa1) && bound(hoa2));
	fake_end(&d.f);
}

static void a_full_batch_does_not_wait(void **state)
{
	(void)state;
	begin();
	for (unsigned int i = 0; i < HA_BINDINGS_PER_LEASE; i++) {
		char hoa[64];

		snprintf(hoa, sizeof(hoa), "2001:db8:1:101::%x", i + 1);
		bu(COA1, hoa, 1, 100);
	}
	assert_int_equal(d.f.ha.n_pending, HA_BINDINGS_PER_LEASE);
	d.f.ha.n_pending = HA_BATCH - 1;	/* as if so many others waited */
	memset(d.f.ha.pending, 0, sizeof(d.f.ha.pending));
	bu(COA1, hoa2, 1, 100);
	assert_int_equal(d.f.ha.n_pending, 0);
	assert_int_equal(d.commits, 1);
	fake_end(&d.f);
}

static void a_new_binding_fails(void **state)
{
	struct in6_addr hoa = addr(hoa1);

	(void)state;
	begin();
	bu(COA1, hoa2, 1, 100);
	bu(COA1, hoa1, 1, 100);
	fails(hoa1);
	ha_flush(&d.f.ha, d.f.now);
	assert_int_equal(answers(), 2);
	assert_null(bound(hoa1));
	assert_non_null(bound(hoa2));
	assert_int_equal(d.f.ha.bcache.n, 1);
	assert_int_equal(fake_count(&d.f, CALL_BINDING_FORGET), 1);
	assert_int_equal(d.f.ha.verdicts[VERDICT_DATAPATH], 1);
	assert_int_equal(d.f.ha.verdicts[VERDICT_REGISTER], 1);
	/* Whoever was told of it hears of its end. */
	assert_int_equal(d.f.ha.counters[HA_BINDING_NEW], 1);
	assert_int_equal(d.f.event.type, HA_EVENT_BINDING_RELEASED);
	assert_true(in6_eq(&d.f.event.hoa, &hoa));
	assert_string_equal(d.f.event.reason, "data path failed");
	fake_end(&d.f);
}

static void the_failure_is_answered(void **state)
{
	struct mh_ba ba;

	(void)state;
	begin();
	bu(COA1, hoa1, 9, 100);
	fails(hoa1);
	ha_flush(&d.f.ha, d.f.now);
	ba = fake_ba(&d.f, d.f.keys, COA1, hoa1);
	assert_int_equal(ba.status, BA_UNSPECIFIED);
	assert_int_equal(ba.seq, 9);
	assert_int_equal(ba.lifetime, 0);
	fake_end(&d.f);
}

/* A move that fails leaves the binding where it was, for as long as it had. */
static void a_move_fails(void **state)
{
	const struct binding *b;
	struct in6_addr coa = addr(COA1);
	usec_t expires;

	(void)state;
	begin();
	bu(COA1, hoa1, 1, 100);
	ha_flush(&d.f.ha, d.f.now);
	expires = bound(hoa1)->expires;
	d.f.now += 5 * USEC_S;
	bu(COA2, hoa1, 2, 50);
	fails(hoa1);
	ha_flush(&d.f.ha, d.f.now);
	assert_int_equal(fake_ba(&d.f, d.f.keys, COA2, hoa1).status, BA_UNSPECIFIED);
	b = bound(hoa1);
	assert_non_null(b);
	assert_true(in6_eq(&b->coa, &coa));
	assert_true(b->expires == expires);
	assert_int_equal(b->sequence, 2);	/* RFC 6275 9.5.1: its number counts */
	assert_true(in6_eq(&d.f.binding.coa, &coa));
	assert_int_equal(d.f.ha.counters[HA_BINDING_MOVED], 0);
	assert_int_equal(d.f.event.type, HA_EVENT_BINDING_MOVED);
	assert_true(in6_eq(&d.f.event.coa, &coa));
	fake_end(&d.f);
}

static void a_released_one_stays_released(void **state)
{
	(void)state;
	begin();
	bu(COA1, hoa1, 1, 100);
	ha_flush(&d.f.ha, d.f.now);
	bu(COA1, hoa1, 2, 0);
	assert_int_equal(answers(), 1);
	ha_flush(&d.f.ha, d.f.now);
	assert_int_equal(answers(), 2);
	bu(COA2, hoa1, 3, 100);
	fails(hoa1);
	ha_flush(&d.f.ha, d.f.now);
	assert_null(bound(hoa1));
	assert_int_equal(d.f.event.type, HA_EVENT_BINDING_RELEASED);
	assert_int_equal(d.f.ha.bcache.n, 1);
	fake_run(&d.f, 11 * USEC_S);
	assert_int_equal(d.f.ha.bcache.n, 0);
	fake_end(&d.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(acknowledged_when_it_stands),
		cmocka_unit_test(a_refresh_does_not_wait),
		cmocka_unit_test(refusals_do_not_wait),
		cmocka_unit_test(twice_in_one_turn),
		cmocka_unit_test(a_full_batch_does_not_wait),
		cmocka_unit_test(a_new_binding_fails),
		cmocka_unit_test(the_failure_is_answered),
		cmocka_unit_test(a_move_fails),
		cmocka_unit_test(a_released_one_stays_released),
	};

	return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
