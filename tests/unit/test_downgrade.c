/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys of SPI 3, HMAC-SHA1-96, at a home agent (RFC 4285 8): which of several is meant, and
 * that none of them moves a host that has a better one.
 */
/* links: the home agent without its edges ($(ha_core) in Makefile.am) */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/core/log.h"
#include "tests/unit/ha_fake.h"

#define POOL	"2001:db8:1:100::/56"
#define HOA_A	"2001:db8:1:101::5"
#define HOA_A2	"2001:db8:1:101::6"
#define HOA_B	"2001:db8:1:102::5"
#define HOA_C	"2001:db8:1:103::5"
#define AWAY	"2001:db8:2:200::1"
#define AWAY_2	"2001:db8:3:300::1"

static const uint8_t macs[3][6] = {
	{ 2, 0, 0, 0, 0, 0xa }, { 2, 0, 0, 0, 0, 0xb }, { 2, 0, 0, 0, 0, 0xc },
};

static void quiet(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
}

struct world {
	struct fake f;
	struct ha_key keys[8];
};

static struct ha_key *add(struct world *w, uint32_t spi, const char *secret, const uint8_t *mn,
			  const char *hoa)
{
	struct ha_key *k = &w->keys[w->f.cfg.n_keys++];

	assert_int_equal(auth_key_init(&k->auth, spi, auth_algorithm_of(spi), secret, 16), 0);
	k->timestamp_window = HA_TIMESTAMP_WINDOW;
	k->has_mn = mn;
	if (mn)
		memcpy(k->mn, mn, sizeof(k->mn));
	if (hoa)
		k->hoas[k->n_hoas++] = addr(hoa);
	return k;
}

/* Three hosts have their prefixes; no key is there. */
static void begin(struct world *w)
{
	log_set_sink(quiet, NULL);
	memset(w, 0, sizeof(*w));
	fake_start(&w->f, POOL);
	w->f.cfg.keys = w->keys;
	w->f.cfg.n_keys = 0;
	for (unsigned int i = 0; i < 3; i++)
		fake_rs(&w->f, 7, macs[i], "::", 255);
	fake_forget_calls(&w->f);
}

static void end(struct world *w)
{
	for (unsigned int i = 0; i < w->f.cfg.n_keys; i++)
		auth_key_wipe(&w->keys[i].auth);
	fake_end(&w->f);
}

/* The status of the answer, which is signed by the same key; -1: silence. */
static int ask(struct world *w, const struct ha_key *key, const char *hoa, const char *coa,
	       uint16_t seq)
{
	fake_forget_calls(&w->f);
	fake_bu(&w->f, &(struct bu){ .src = coa, .hoa = hoa, .seq = seq, .lifetime = 100,
				     .key = key });
	return w->f.packet_len == 0 ? -1 : fake_ba(&w->f, key, coa, hoa).status;
}

/* Each host is known by its own key, though all have one SPI. */
static void several_hosts(void **state)
{
	struct ha_key *a, *a2, *b, *all;
	struct world w;

	(void)state;
	begin(&w);
	all = add(&w, 3, "everybody's key.", NULL, NULL);
	a = add(&w, 3, "key of host A...", macs[0], NULL);
	b = add(&w, 3, "key of host B...", macs[1], NULL);
	a2 = add(&w, 3, "of one address..", NULL, HOA_A2);
	assert_null(ha_config_check(&w.f.cfg));
	assert_int_equal(ask(&w, a, HOA_A, AWAY, 1), BA_ACCEPTED);
	assert_int_equal(ask(&w, b, HOA_B, AWAY, 1), BA_ACCEPTED);
	assert_int_equal(ask(&w, a2, HOA_A2, AWAY, 1), BA_ACCEPTED);
	assert_int_equal(ask(&w, all, HOA_C, AWAY, 1), BA_ACCEPTED);
	/* Nobody's key is good for another's address. */
	assert_int_equal(ask(&w, b, HOA_A, AWAY_2, 2), -1);
	assert_int_equal(ask(&w, all, HOA_A, AWAY_2, 2), -1);
	assert_int_equal(ask(&w, a, HOA_A2, AWAY_2, 2), -1);
	assert_int_equal(ask(&w, a, HOA_C, AWAY_2, 2), -1);
	assert_int_equal(w.f.ha.verdicts[VERDICT_BAD_AUTH], 4);
	/* An MN that moves is known again. */
	assert_int_equal(ask(&w, a, HOA_A, AWAY_2, 2), BA_ACCEPTED);

	/* Not told apart: nobody could say which of them a message is signed with. */
	memcpy(w.keys[1].mn, w.keys[2].mn, 6);
	assert_non_null(ha_config_check(&w.f.cfg));
	memcpy(w.keys[1].mn, macs[0], 6);
	assert_null(ha_config_check(&w.f.cfg));
	end(&w);
}

/* A key of SPI 3 is configured for everybody, and one for host A by mistake or long ago: host A
 * has a better key, and is moved by nothing else. */
static void no_way_around_a_better_key(void **state)
{
	struct ha_key *all, *old, *own;
	struct in6_addr hoa = addr(HOA_A), away = addr(AWAY);
	struct world w;

	(void)state;
	begin(&w);
	all = add(&w, 3, "everybody's key.", NULL, NULL);
	own = add(&w, 300, "A's SHA-256 key.", macs[0], NULL);
	assert_int_equal(ask(&w, own, HOA_A, AWAY, 10), BA_ACCEPTED);
	assert_int_equal(ask(&w, all, HOA_A, AWAY_2, 11), BA_PROHIBITED);
	assert_int_equal(w.f.ha.verdicts[VERDICT_DOWNGRADE], 1);
	assert_true(in6_eq(&ha_bound_find(&w.f.ha, &hoa)->coa, &away));
	/* Nor before host A has used its own, nor an address that it has never used. */
	assert_int_equal(ask(&w, all, HOA_A2, AWAY_2, 11), BA_PROHIBITED);
	/* Nor is its binding ended, nor its number spoiled. */
	fake_bu(&w.f, &(struct bu){ .src = AWAY_2, .hoa = HOA_A, .seq = 12, .key = all });
	assert_int_equal(w.f.ha.verdicts[VERDICT_DOWNGRADE], 3);
	assert_non_null(ha_bound_find(&w.f.ha, &hoa));
	assert_int_equal(ask(&w, own, HOA_A, AWAY, 11), BA_ACCEPTED);
	end(&w);

	begin(&w);
	old = add(&w, 3, "A's SHA-1 key...", macs[0], NULL);
	own = add(&w, 300, "A's SHA-256 key.", NULL, HOA_A);
	assert_int_equal(ask(&w, old, HOA_A, AWAY, 10), BA_PROHIBITED);
	assert_int_equal(ask(&w, old, HOA_A2, AWAY, 10), BA_ACCEPTED);
	assert_int_equal(ask(&w, own, HOA_A, AWAY, 10), BA_ACCEPTED);
	end(&w);
}

/* A key for everybody has bound the address: the one of SPI 3, be it the host's own, does not
 * take it. */
static void what_a_better_key_has_bound(void **state)
{
	struct ha_key *old, *any;
	struct world w;

	(void)state;
	begin(&w);
	old = add(&w, 3, "B's SHA-1 key...", macs[1], NULL);
	any = add(&w, 301, "everybody's key.", NULL, NULL);
	assert_int_equal(ask(&w, any, HOA_B, AWAY, 1), BA_ACCEPTED);
	assert_int_equal(ask(&w, old, HOA_B, AWAY_2, 2), BA_PROHIBITED);
	assert_int_equal(w.f.ha.verdicts[VERDICT_DOWNGRADE], 1);
	end(&w);
}

/* SPI 3 with 128 bits of SHA-256, or a SPI of ours with 96 of SHA-1: neither is a signature. */
static void lengths_do_not_choose(void **state)
{
	struct ha_key *sha1, *own, forged;
	struct world w;

	(void)state;
	begin(&w);
	sha1 = add(&w, 3, "0123456789abcdef", macs[1], NULL);
	own = add(&w, 300, "0123456789abcdef", macs[0], NULL);
	forged = *own;
	forged.auth.spi = 3;
	fake_bu(&w.f, &(struct bu){ .src = AWAY, .hoa = HOA_B, .seq = 1, .lifetime = 100,
				    .key = &forged });
	forged = *sha1;
	forged.auth.spi = 300;
	fake_bu(&w.f, &(struct bu){ .src = AWAY, .hoa = HOA_A, .seq = 1, .lifetime = 100,
				    .key = &forged });
	assert_int_equal(w.f.ha.verdicts[VERDICT_BAD_AUTH], 2);
	assert_int_equal(ha_bound_count(&w.f.ha), 0);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(several_hosts),
		cmocka_unit_test(no_way_around_a_better_key),
		cmocka_unit_test(what_a_better_key_has_bound),
		cmocka_unit_test(lengths_do_not_choose),
	};

	return cmocka_run_group_tests_name("downgrade", tests, NULL, NULL);
}
