/* SPDX-License-Identifier: BSD-2-Clause */
/* The home agent's test of care-of addresses (RFC 4866): who gets a token, what makes an address
 * verified, and what the data path is told meanwhile. */
/* links: the home agent without its edges ($(ha_core) in Makefile.am) */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/core/log.h"
#include "tests/unit/ha_fake.h"

#define POOL	"2001:db8:1:100::/56"
#define HOA	"2001:db8:1:101::5"
#define HOA_2	"2001:db8:1:101::6"
#define AWAY	"2001:db8:2:200::1"
#define AWAY_2	"2001:db8:3:300::1"
#define S(n)	((usec_t)(n) * USEC_S)

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 0xa };

static struct {
	struct fake f;
	struct ha_ops ops;
	struct ha_binding_record row;	/* the last one */
	bool limited;			/* what the data path was told last */
	unsigned int told;
} w;

static void quiet(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
}

static int dp_set(void *ctx, const struct dp_binding *b)
{
	(void)ctx;
	w.limited = b->unverified;
	w.told++;
	return 0;
}

static void store(void *ctx, struct ha_binding_record *r)
{
	(void)ctx;
	r->place = 1;
	w.row = *r;
}

static void start(void)
{
	assert_int_equal(ha_init(&w.f.ha, &w.f.cfg, &w.ops, &w.f, &w.f.timers, w.f.now), 0);
	fake_link(&w.f, 7, "lan0", "fe80::1");
}

static int begin(void **state)
{
	(void)state;
	log_set_sink(quiet, NULL);
	memset(&w, 0, sizeof(w));
	fake_config(&w.f, POOL);
	w.f.cfg.care_of_test = true;
	w.ops = fake_ops;
	w.ops.dp_set = dp_set;
	w.ops.binding_store = store;
	start();
	fake_rs(&w.f, 7, mac, "::", 255);
	return 0;
}

static int end(void **state)
{
	(void)state;
	fake_end(&w.f);
	return 0;
}

/* A Binding Update; does its answer have a token? */
static bool update(const char *hoa, const char *coa, uint16_t seq, bool asks, const uint8_t *token,
		   uint8_t ret[MH_CARE_OF_TOKEN])
{
	struct ip6_packet ip;
	struct mh_msg msg;

	fake_bu(&w.f, &(struct bu){ .src = coa, .hoa = hoa, .alt_coa = coa, .seq = seq,
				    .lifetime = 100, .key = &w.f.keys[0],
				    .care_of_test_init = asks, .care_of_token = token });
	assert_int_equal(fake_ba(&w.f, &w.f.keys[0], coa, hoa).status, BA_ACCEPTED);
	assert_true(fake_mh(&w.f, &ip, &msg));
	memcpy(ret, msg.opts.care_of_token, MH_CARE_OF_TOKEN);
	return msg.opts.has_care_of_test;
}

static bool verified(const char *hoa)
{
	struct in6_addr a = addr(hoa);
	const struct binding *b = ha_bound_find(&w.f.ha, &a);

	assert_non_null(b);
	return !b->unverified;
}

static void a_token_that_comes_back(void **state)
{
	uint8_t token[MH_CARE_OF_TOKEN], next[MH_CARE_OF_TOKEN];

	(void)state;
	assert_true(update(HOA, AWAY, 1, true, NULL, token));
	assert_true(w.limited && !verified(HOA));
	assert_false(update(HOA, AWAY, 2, true, token, next));
	assert_true(!w.limited && verified(HOA));
	assert_int_equal(w.f.ha.counters[HA_CARE_OF_VERIFIED], 1);
	/* So it stays, and the data path is not told again, until the host moves on. */
	assert_int_equal(w.told, 2);
	assert_false(update(HOA, AWAY, 3, true, NULL, next));
	assert_true(verified(HOA));
	assert_int_equal(w.told, 2);
	assert_true(update(HOA, AWAY_2, 4, true, NULL, next));
	assert_true(w.limited && !verified(HOA));
	assert_true(memcmp(token, next, sizeof(token)) != 0);
	/* The way back is a new one, too; but who has been there shows that at once. */
	assert_true(update(HOA, AWAY, 5, true, NULL, next));
	assert_false(verified(HOA));
	assert_true(update(HOA, AWAY_2, 6, true, NULL, next));
	assert_false(update(HOA, AWAY, 7, true, token, next));
	assert_true(!w.limited && verified(HOA));
}

static void tokens_of_others_and_old_ones(void **state)
{
	uint8_t token[MH_CARE_OF_TOKEN], other[MH_CARE_OF_TOKEN], next[MH_CARE_OF_TOKEN];

	(void)state;
	assert_true(update(HOA_2, AWAY, 1, true, NULL, other));
	assert_true(update(HOA, AWAY_2, 1, true, NULL, token));
	/* Of another home address, of another care-of address, and one that nobody sent. */
	assert_true(update(HOA, AWAY, 2, true, other, next));
	assert_true(update(HOA, AWAY, 3, true, token, next));
	assert_true(update(HOA, AWAY, 4, true, (const uint8_t *)"guessed!", next));
	assert_false(verified(HOA));
	assert_int_equal(w.f.ha.counters[HA_CARE_OF_WRONG_TOKEN], 3);
	/* What was refused was answered by one that is right. */
	fake_run(&w.f, S(20));
	assert_false(update(HOA, AWAY, 5, true, next, token));
	assert_true(verified(HOA));
	/* Who was there four minutes ago need not be there now. */
	assert_true(update(HOA, AWAY_2, 6, true, NULL, token));
	assert_true(update(HOA, AWAY, 7, true, NULL, next));
	fake_run(&w.f, S(240));
	assert_true(update(HOA, AWAY_2, 8, true, token, next));
	assert_false(verified(HOA));
}

/* RFC 6275 knows no such options: such a mobile node is served, within its credit. */
static void who_does_not_know_it(void **state)
{
	uint8_t token[MH_CARE_OF_TOKEN];

	(void)state;
	assert_false(update(HOA, AWAY, 1, false, NULL, token));
	assert_true(w.limited && !verified(HOA));
	assert_false(update(HOA, AWAY, 2, false, NULL, token));
	assert_true(w.limited && !verified(HOA));
}

static void where_it_is_not_wanted(void **state)
{
	uint8_t token[MH_CARE_OF_TOKEN];

	(void)state;
	w.f.cfg.care_of_test = false;
	assert_false(update(HOA, AWAY, 1, true, NULL, token));
	assert_true(!w.limited && verified(HOA));
}

static void after_a_kill(void **state)
{
	uint8_t token[MH_CARE_OF_TOKEN], next[MH_CARE_OF_TOKEN];
	struct ha_lease_record lease;

	(void)state;
	assert_true(update(HOA, AWAY, 1, true, NULL, token));
	lease = w.f.lease;
	ha_free(&w.f.ha);
	w.limited = false;
	start();
	assert_int_equal(ha_restore_lease(&w.f.ha, &lease, w.f.now), 0);
	assert_int_equal(ha_restore_binding(&w.f.ha, &w.row, w.f.now), 0);
	assert_true(w.limited && !verified(HOA));
	/* The token of before is good for nothing, but for another one. */
	assert_true(update(HOA, AWAY, 2, true, token, next));
	assert_false(update(HOA, AWAY, 3, true, next, token));
	assert_true(!w.limited && verified(HOA));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_token_that_comes_back),
		TEST(tokens_of_others_and_old_ones),
		TEST(who_does_not_know_it),
		TEST(where_it_is_not_wanted),
		TEST(after_a_kill),
	};

	return cmocka_run_group_tests_name("reachable", tests, NULL, NULL);
}
