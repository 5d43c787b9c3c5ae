/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys that were given out: what they are good for, for how long, how one takes the place of
 * another, and what is left of them after a kill. */
/* links: the home agent without its edges ($(ha_core) in Makefile.am) */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/keys_world.h"

static struct world w;

static int begin(void **state)
{
	(void)state;
	world_start(&w);
	return 0;
}

static int end(void **state)
{
	(void)state;
	world_end(&w);
	return 0;
}

static uint64_t count(enum verdict_reason r)
{
	return w.f.ha.verdicts[r];
}

static const char *coa_of(const char *hoa)
{
	struct in6_addr a = addr(hoa);
	const struct binding *b = ha_bound_find(&w.f.ha, &a);
	static struct in6_text text;

	if (!b)
		return "";
	text = in6_str(&b->coa);
	return text.s;
}

/* ---- what a key is good for ---- */

static void every_address_of_the_prefix_and_no_other(void **state)
{
	struct ha_key a = world_get(&w, HOA);

	(void)state;
	assert_int_equal(world_move(&w, HOA, COA, 1, &a), BA_ACCEPTED);
	assert_int_equal(world_move(&w, HOA_2, COA, 1, &a), BA_ACCEPTED);
	assert_int_equal(world_move(&w, OTHER, COA, 1, &a), BA_NOT_HOME_AGENT);
	assert_int_equal(world_move(&w, SHARED_HOA, COA, 1, &a), BA_NOT_HOME_AGENT);
	assert_int_equal(count(VERDICT_OTHER_PREFIX), 2);
	assert_int_equal(ha_bound_count(&w.f.ha), 2);
	auth_key_wipe(&a.auth);
}

static void one_address_where_hosts_share_the_prefix(void **state)
{
	struct ha_key a = world_get(&w, SHARED_HOA);

	(void)state;
	assert_int_equal(world_bu(&w, (struct bu){
		.src = COA, .hoa = "2001:db8:4:400::a6", .seq = 1, .lifetime = 100, .key = &a,
		.dst = SHARED_HA }), BA_NOT_HOME_AGENT);
	assert_int_equal(count(VERDICT_OTHER_PREFIX), 1);
	/* Its own is looked for on the link first. */
	after(&w, S(1));
	assert_int_equal(world_bu(&w, (struct bu){
		.src = COA, .hoa = SHARED_HOA, .seq = 1, .lifetime = 100, .key = &a,
		.dst = SHARED_HA }), SILENCE);
	after(&w, S(2));
	assert_string_equal(coa_of(SHARED_HOA), COA);
	auth_key_wipe(&a.auth);
}

/* The context has the home agent's address in it: at another one nothing is done, not even a
 * de-registration, which looks at no prefix. */
static void no_other_address_of_ours(void **state)
{
	struct ha_key a = world_get(&w, HOA);

	(void)state;
	assert_int_equal(world_move(&w, HOA, COA, 1, &a), BA_ACCEPTED);
	after(&w, S(1));
	assert_int_equal(world_bu(&w, (struct bu){
		.src = COA, .hoa = HOA, .seq = 2, .lifetime = 0, .key = &a, .dst = SHARED_HA }),
		BA_NOT_HOME_AGENT);
	assert_int_equal(count(VERDICT_OTHER_ADDRESS), 1);
	assert_string_equal(coa_of(HOA), COA);
	auth_key_wipe(&a.auth);
}

/* The same session would make another key for another prefix: the secret is no use there even
 * with the SPI of somebody who may. */
static void the_secret_is_another_for_each_prefix(void **state)
{
	struct ha_key a = world_get(&w, HOA), b = world_get(&w, OTHER);
	struct ha_key forged;

	(void)state;
	assert_int_equal(auth_key_init(&forged.auth, b.auth.spi, AUTH_HMAC_SHA256_128,
				       a.auth.secret, BOOT_KEY_LEN), 0);
	assert_int_equal(world_move(&w, OTHER, COA, 1, &forged), SILENCE);
	assert_int_equal(count(VERDICT_BAD_AUTH), 1);
	auth_key_wipe(&a.auth);
	auth_key_wipe(&b.auth);
	auth_key_wipe(&forged.auth);
}

/* ---- replay ---- */

static void without_a_time_stamp_nothing(void **state)
{
	struct ha_key a = world_get(&w, HOA);

	(void)state;
	fake_bu(&w.f, &(struct bu){ .src = COA, .hoa = HOA, .seq = 1, .lifetime = 100, .key = &a });
	assert_int_equal(count(VERDICT_NO_TIMESTAMP), 1);
	assert_int_equal(ha_bound_count(&w.f.ha), 0);
	auth_key_wipe(&a.auth);
}

static void an_old_message_is_known_after_a_kill(void **state)
{
	struct ha_key a = world_get(&w, HOA);
	uint64_t then;

	(void)state;
	after(&w, S(1));
	then = ntp_time(w.f.wall_us);
	assert_int_equal(world_bu(&w, (struct bu){ .src = COA, .hoa = HOA, .seq = 1, .lifetime = 1,
						   .key = &a, .mesg_id = then }), BA_ACCEPTED);
	/* Its binding is over, and nothing but the time stamp tells that this is a replay. */
	after(&w, S(5));
	world_restart(&w, true);
	assert_int_equal(ha_bound_count(&w.f.ha), 0);
	assert_int_equal(world_bu(&w, (struct bu){ .src = COA, .hoa = HOA, .seq = 1, .lifetime = 1,
						   .key = &a, .mesg_id = then }), BA_ID_MISMATCH);
	assert_int_equal(ha_bound_count(&w.f.ha), 0);
	assert_int_equal(world_move(&w, HOA, COA, 2, &a), BA_ACCEPTED);
	auth_key_wipe(&a.auth);
}

/* Addresses of one prefix have one key and move at the same time: what was sent for one may overtake
 * what was sent for the other. Neither is a replay, but once more each of them is. */
static void updates_of_one_key_may_overtake(void **state)
{
	struct ha_key a = world_get(&w, HOA);
	uint64_t t;

	(void)state;
	after(&w, S(1));
	t = ntp_time(w.f.wall_us);
	assert_int_equal(world_bu(&w, (struct bu){ .src = COA, .hoa = HOA, .seq = 1, .lifetime = 10,
						   .key = &a, .mesg_id = t }), BA_ACCEPTED);
	assert_int_equal(world_bu(&w, (struct bu){ .src = COA, .hoa = HOA_2, .seq = 1,
						   .lifetime = 10, .key = &a, .mesg_id = t - 1000 }),
			 BA_ACCEPTED);
	for (int killed = 0; killed < 2; killed++) {
		assert_int_equal(world_bu(&w, (struct bu){
			.src = COA_2, .hoa = HOA_2, .seq = 2, .lifetime = 10, .key = &a,
			.mesg_id = t - 1000 }), BA_ID_MISMATCH);
		assert_int_equal(world_bu(&w, (struct bu){
			.src = COA_2, .hoa = HOA, .seq = 2, .lifetime = 10, .key = &a,
			.mesg_id = t }), BA_ID_MISMATCH);
		assert_string_equal(coa_of(HOA_2), COA);
		world_restart(&w, true);
	}
	/* And nothing that is older than the clocks may differ. */
	after(&w, S(20));
	assert_int_equal(world_bu(&w, (struct bu){ .src = COA, .hoa = "2001:db8:1:101::7", .seq = 1,
						   .lifetime = 10, .key = &a, .mesg_id = t - 2000 }),
			 BA_ID_MISMATCH);
	auth_key_wipe(&a.auth);
}

/* A machine without a clock of its own starts in the past: what it heard before counts, and who
 * has the right time gets in all the same, by one answer. */
static void a_clock_that_was_set_back(void **state)
{
	struct ha_key a = world_get(&w, HOA);
	uint64_t then, told;
	struct ip6_packet ip;
	struct mh_msg msg;

	(void)state;
	assert_int_equal(world_move(&w, HOA, COA, 1, &a), BA_ACCEPTED);
	then = ntp_time(w.f.wall_us);
	after(&w, S(600));
	w.f.wall_us = 1000 * USEC_S;
	world_restart(&w, false);
	/* Recorded in the time that the clock shows now, years ago: refused. */
	assert_int_equal(world_move(&w, HOA, COA, 5, &a), BA_ID_MISMATCH);
	assert_int_equal(world_bu(&w, (struct bu){
		.src = COA, .hoa = HOA, .seq = 6, .lifetime = 100, .key = &a,
		.mesg_id = then + (UINT64_C(600) << 32) }), BA_ID_MISMATCH);
	assert_true(fake_mh(&w.f, &ip, &msg));
	told = msg.opts.mesg_id;
	assert_true((int64_t)(told - then) > 0);
	assert_int_equal(world_bu(&w, (struct bu){ .src = COA, .hoa = HOA, .seq = 6,
						   .lifetime = 100, .key = &a,
						   .mesg_id = told + 1000 }), BA_ACCEPTED);
	auth_key_wipe(&a.auth);
}

/* ---- one takes the place of another ---- */

static void the_older_one_dies_when_the_newer_is_used(void **state)
{
	struct ha_key old = world_get(&w, HOA), new;

	(void)state;
	assert_int_equal(world_move(&w, HOA, COA, 1, &old), BA_ACCEPTED);
	assert_int_equal(world_bu(&w, (struct bu){
		.src = HOA, .seq = 2, .lifetime = 0, .key = &old,
		.mesg_id = ntp_time(w.f.wall_us) + 1 }), BA_ACCEPTED);
	new = world_get(&w, HOA);
	assert_int_equal(w.f.ha.sas.n, 2);
	/* The answer may have been lost: the older one is good. */
	assert_int_equal(world_move(&w, HOA, COA, 3, &old), BA_ACCEPTED);
	assert_int_equal(world_move(&w, HOA, COA_2, 4, &new), BA_ACCEPTED);
	assert_int_equal(w.f.ha.sas.n, 1);
	assert_int_equal(world_rows(&w), 1);
	/* Who has the older one, by whatever way, cannot have the host back. */
	assert_int_equal(world_move(&w, HOA, COA, 5, &old), SILENCE);
	assert_int_equal(world_move(&w, HOA_2, COA, 5, &old), SILENCE);
	assert_int_equal(count(VERDICT_UNKNOWN_SPI), 2);
	assert_string_equal(coa_of(HOA), COA_2);
	auth_key_wipe(&old.auth);
	auth_key_wipe(&new.auth);
}

static void a_wrong_message_uses_no_key(void **state)
{
	struct ha_key old = world_get(&w, HOA), new = world_get(&w, HOA), forged;

	(void)state;
	assert_int_equal(auth_key_init(&forged.auth, new.auth.spi, AUTH_HMAC_SHA256_128,
				       old.auth.secret, BOOT_KEY_LEN), 0);
	assert_int_equal(world_move(&w, HOA, COA, 1, &forged), SILENCE);
	/* Nor does one that is too old. */
	assert_int_equal(world_bu(&w, (struct bu){
		.src = COA, .hoa = HOA, .seq = 1, .lifetime = 100, .key = &new,
		.mesg_id = ntp_time(w.f.wall_us - S(60)) }), BA_ID_MISMATCH);
	assert_int_equal(w.f.ha.sas.n, 2);
	assert_int_equal(world_move(&w, HOA, COA, 1, &old), BA_ACCEPTED);
	auth_key_wipe(&old.auth);
	auth_key_wipe(&new.auth);
	auth_key_wipe(&forged.auth);
}

static void the_older_one_dies_soon_if_nothing_needs_it(void **state)
{
	struct ha_key old = world_get(&w, HOA), new = world_get(&w, HOA);

	(void)state;
	after(&w, SA_GRACE + 1);
	assert_int_equal(w.f.ha.sas.n, 1);
	assert_int_equal(world_rows(&w), 1);
	assert_int_equal(world_move(&w, HOA, COA, 1, &old), SILENCE);
	assert_int_equal(world_move(&w, HOA, COA, 1, &new), BA_ACCEPTED);
	auth_key_wipe(&old.auth);
	auth_key_wipe(&new.auth);
}

/* A certificate gets a newer one for a host that is away by the older one. */
static void the_older_one_lives_on_while_it_is_needed(void **state)
{
	struct ha_key old, new;

	(void)state;
	w.f.cfg.bootstrap.modes = (struct boot_modes){ 1, { BOOT_CERTIFICATE } };
	world_peer(&w, HOA, BOOT_CERTIFICATE, "mn1");
	assert_int_equal(world_request(&w), BOOTSTRAP_ISSUED);
	old = world_key(&w.response);
	assert_int_equal(world_move(&w, HOA, COA, 1, &old), BA_ACCEPTED);
	fake_rs(&w.f, IF, mac_a, "::", 255);
	assert_int_equal(world_request(&w), BOOTSTRAP_ISSUED);
	new = world_key(&w.response);
	after(&w, 3 * SA_GRACE);
	assert_int_equal(world_move(&w, HOA, COA_2, 2, &old), BA_ACCEPTED);
	/* Home again; what is left is the newer one. */
	assert_int_equal(world_bu(&w, (struct bu){
		.src = HOA, .seq = 3, .lifetime = 0, .key = &old,
		.mesg_id = ntp_time(w.f.wall_us) + 1 }), BA_ACCEPTED);
	after(&w, 2 * SA_GRACE);
	assert_int_equal(w.f.ha.sas.n, 1);
	assert_int_equal(world_move(&w, HOA, COA, 4, &new), BA_ACCEPTED);
	auth_key_wipe(&old.auth);
	auth_key_wipe(&new.auth);
}

/* Another address of the same host was bound by the older key: what is said about that is signed
 * with the one that the host has. */
static void what_the_older_one_bound_is_the_newer_ones(void **state)
{
	struct revoke_selection all = { .home = NULL };
	struct ha_key old, new;
	struct ip6_packet ip;
	struct mh_msg msg;

	(void)state;
	w.f.cfg.bootstrap.modes = (struct boot_modes){ 1, { BOOT_CERTIFICATE } };
	world_peer(&w, HOA, BOOT_CERTIFICATE, "mn1");
	assert_int_equal(world_request(&w), BOOTSTRAP_ISSUED);
	old = world_key(&w.response);
	assert_int_equal(world_move(&w, HOA_2, COA, 1, &old), BA_ACCEPTED);
	fake_rs(&w.f, IF, mac_a, "::", 255);
	assert_int_equal(world_request(&w), BOOTSTRAP_ISSUED);
	new = world_key(&w.response);
	assert_int_equal(world_move(&w, HOA, COA, 1, &new), BA_ACCEPTED);
	/* Over a restart too. */
	world_restart(&w, true);
	assert_int_equal(ha_bound_count(&w.f.ha), 2);
	all.within = (struct in6_prefix){ .addr = addr(HOA_2), .len = 128 };
	fake_forget_calls(&w.f);
	assert_int_equal(ha_revoke(&w.f.ha, &all, BR_ADMINISTRATIVE, w.f.now), 1);
	assert_true(fake_mh(&w.f, &ip, &msg));
	assert_int_equal(msg.type, MH_BR);
	assert_true(msg.opts.mn_ha.present);
	assert_int_equal(msg.opts.mn_ha.spi, new.auth.spi);
	auth_key_wipe(&old.auth);
	auth_key_wipe(&new.auth);
}

/* ---- the end ---- */

static void a_key_that_has_run_out_is_told_so(void **state)
{
	struct ha_key a;

	(void)state;
	w.f.cfg.bootstrap.lifetime = S(100);
	a = world_get(&w, HOA);
	assert_int_equal(w.response.lifetime_s, 100);
	assert_int_equal(world_move(&w, HOA, COA, 1, &a), BA_ACCEPTED);
	/* No binding outlives it. */
	assert_string_equal(coa_of(HOA), COA);
	after(&w, S(100));
	assert_string_equal(coa_of(HOA), "");
	assert_int_equal(world_rows(&w), 0);
	assert_int_equal(world_move(&w, HOA, COA, 2, &a), BA_REINIT_SA);
	assert_int_equal(count(VERDICT_KEY_EXPIRED), 1);
	assert_int_equal(ha_bound_count(&w.f.ha), 0);
	after(&w, SA_SPENT);
	assert_int_equal(w.f.ha.sas.n, 0);
	assert_int_equal(world_move(&w, HOA, COA, 3, &a), SILENCE);
	auth_key_wipe(&a.auth);
}

/* However short their lifetime: who renews them gets one each time, and no more than two of his
 * are kept. */
static void renewed_again_and_again(void **state)
{
	struct in6_addr hoa = addr(HOA);

	(void)state;
	w.f.cfg.bootstrap.lifetime = S(60);
	world_peer(&w, HOA, BOOT_ON_LINK, "");
	for (unsigned int i = 0; i < 50; i++) {
		assert_int_equal(world_request(&w), BOOTSTRAP_ISSUED);
		assert_true(w.f.ha.sas.n <= 2);
		after(&w, S(i % 10 == 9 ? 70 : 48));
	}
	assert_int_equal(sa_of_address(&w.f.ha, &hoa) == NULL, true);
	assert_int_equal(w.f.ha.sas.n, 1);
	assert_int_equal(world_rows(&w), 0);
}

/* What an operator ends is bound again, as with a key that is configured. */
static void a_revoked_binding_leaves_the_key(void **state)
{
	struct revoke_selection all = { .home = NULL };
	struct ha_key a = world_get(&w, HOA);

	(void)state;
	assert_int_equal(world_move(&w, HOA, COA, 1, &a), BA_ACCEPTED);
	assert_int_equal(ha_revoke(&w.f.ha, &all, BR_ADMINISTRATIVE, w.f.now), 1);
	after(&w, S(10));
	assert_string_equal(coa_of(HOA), "");
	assert_int_equal(world_move(&w, HOA, COA, 2, &a), BA_ACCEPTED);
	auth_key_wipe(&a.auth);
}

/* A prefix that is not configured any more: what its bindings need stays until the end, and then
 * nothing of it. */
static void it_goes_with_the_prefix(void **state)
{
	struct ha_key a = world_get(&w, HOA);
	struct ha_home_record old = { .cfg = w.f.cfg.homes[0], .lifetime_s = 3600 };
	usec_t withdrawn;

	(void)state;
	assert_int_equal(world_move(&w, HOA, COA, 1, &a), BA_ACCEPTED);
	w.f.cfg.binding_lifetime = S(3600);
	after(&w, S(1));
	assert_int_equal(world_bu(&w, (struct bu){ .src = COA, .hoa = HOA, .seq = 2, .key = &a,
						   .lifetime = 850 }), BA_ACCEPTED);
	ha_free(&w.f.ha);
	assert_int_equal(in6_prefix_parse("2001:db8:7:700::/56", &w.f.cfg.homes[0].prefix), 0);
	w.f.cfg.homes[0].address = addr("2001:db8:7:700::1");
	assert_null(ha_config_check(&w.f.cfg));
	world_begin(&w);
	assert_int_equal(ha_restore_home(&w.f.ha, &old, w.f.now), 0);
	withdrawn = w.f.now + S(3600);
	for (unsigned int i = 0; i < w.n_leases; i++)
		assert_int_equal(ha_restore_lease(&w.f.ha, &w.leases[i], w.f.now), 0);
	assert_int_equal(sa_restore(&w.f.ha, &w.keys[0], w.f.now), 0);
	for (unsigned int i = 0; i < ROWS; i++)
		if (!in6_is_any(&w.bindings[i].hoa))
			assert_int_equal(ha_restore_binding(&w.f.ha, &w.bindings[i], w.f.now), 0);
	/* Another one is for no longer than the prefix. */
	world_peer(&w, HOA, BOOT_ON_LINK, "");
	w.f.now += S(1000);
	fake_rs(&w.f, IF, mac_a, "::", 255);
	assert_int_equal(world_request(&w), BOOTSTRAP_BOUND);
	w.f.wall_us += S(1000);
	assert_int_equal(world_bu(&w, (struct bu){ .src = COA_2, .hoa = HOA, .seq = 3, .key = &a,
						   .lifetime = 850 }), BA_PREFIX_DISCOVERY);
	fake_run(&w.f, withdrawn - w.f.now - S(1));
	assert_int_equal(w.f.ha.sas.n, 1);
	fake_run(&w.f, S(30));
	assert_int_equal(w.f.ha.sas.n, 0);
	assert_int_equal(world_rows(&w), 0);
	auth_key_wipe(&a.auth);
}

static void it_goes_with_the_lease(void **state)
{
	struct ha_key a = world_get(&w, HOA), b = world_get(&w, OTHER);

	(void)state;
	/* Nobody answers, and the lifetime of the prefixes ends. */
	after(&w, 2 * w.f.cfg.prefix_lifetime);
	assert_int_equal(ha_lease_count(&w.f.ha, LEASE_FREE), 2);
	assert_int_equal(w.f.ha.sas.n, 0);
	assert_int_equal(world_rows(&w), 0);
	assert_int_equal(world_move(&w, HOA, COA, 1, &a), SILENCE);
	/* The same host again, and its prefix: the key is not. */
	fake_rs(&w.f, IF, mac_a, "::", 255);
	assert_int_equal(world_move(&w, HOA, COA, 1, &a), SILENCE);
	auth_key_wipe(&a.auth);
	auth_key_wipe(&b.auth);
}

static void a_mode_that_is_taken_away_takes_its_keys_along(void **state)
{
	struct ha_key a = world_get(&w, HOA);

	(void)state;
	w.f.cfg.bootstrap.modes = (struct boot_modes){ 1, { BOOT_CERTIFICATE } };
	assert_int_equal(world_move(&w, HOA, COA, 1, &a), SILENCE);
	w.f.cfg.bootstrap.modes = (struct boot_modes){ 1, { BOOT_ON_LINK } };
	assert_int_equal(world_move(&w, HOA, COA, 1, &a), BA_ACCEPTED);
	w.f.cfg.bootstrap.off = true;
	assert_int_equal(world_move(&w, HOA, COA_2, 2, &a), SILENCE);
	auth_key_wipe(&a.auth);
}

/* ---- beside keys that are configured ---- */

static void no_configured_key_loses_what_it_has_bound(void **state)
{
	struct ha_key a = world_get(&w, HOA);

	(void)state;
	w.f.cfg.n_keys = 1;
	assert_int_equal(world_move(&w, HOA, COA, 1, &w.f.keys[0]), BA_ACCEPTED);
	assert_int_equal(world_move(&w, HOA, COA_2, 2, &a), BA_PROHIBITED);
	assert_int_equal(count(VERDICT_OTHER_KEY), 1);
	/* Nor the other way round, with a key for every host. */
	assert_int_equal(world_move(&w, HOA_2, COA, 1, &a), BA_ACCEPTED);
	assert_int_equal(world_move(&w, HOA_2, COA_2, 2, &w.f.keys[0]), BA_PROHIBITED);
	assert_string_equal(coa_of(HOA), COA);
	assert_string_equal(coa_of(HOA_2), COA);
	auth_key_wipe(&a.auth);
}

static void nobody_gets_by_without_a_key_where_there_is_one(void **state)
{
	struct ha_key a = world_get(&w, HOA);
	const struct bu bare = { .src = COA, .hoa = HOA, .seq = 1, .lifetime = 100 };

	(void)state;
	w.f.ha.homes[0].cfg.unauthenticated = true;
	fake_bu(&w.f, &bare);
	assert_int_equal(count(VERDICT_NO_AUTH), 1);
	assert_int_equal(ha_bound_count(&w.f.ha), 0);
	auth_key_wipe(&a.auth);
}

/* ---- a kill ---- */

static void a_binding_goes_on_after_a_kill(void **state)
{
	struct ha_key a = world_get(&w, HOA);

	(void)state;
	assert_int_equal(world_move(&w, HOA, COA, 1, &a), BA_ACCEPTED);
	world_restart(&w, true);
	assert_string_equal(coa_of(HOA), COA);
	assert_int_equal(world_move(&w, HOA, COA_2, 2, &a), BA_ACCEPTED);
	assert_string_equal(coa_of(HOA), COA_2);
	/* Its key is not there: the binding is not taken over. */
	w.keys[0].spi = 0;
	world_restart(&w, true);
	assert_string_equal(coa_of(HOA), "");
	auth_key_wipe(&a.auth);
}

static void what_does_not_fit_any_more_is_not_taken_over(void **state)
{
	struct ha_key a = world_get(&w, HOA);
	struct sa_record good = w.keys[0], r;

	(void)state;
	world_restart(&w, false);
	assert_int_equal(sa_restore(&w.f.ha, &good, w.f.now), -EEXIST);
	r = good;
	r.spi++;
	r.until = w.f.now;
	assert_int_equal(sa_restore(&w.f.ha, &r, w.f.now), -ESTALE);
	r.until = good.until;
	r.prefix.addr = addr("2001:db8:1:177::");	/* nobody's */
	assert_int_equal(sa_restore(&w.f.ha, &r, w.f.now), -EINVAL);
	r.prefix = (struct in6_prefix){ .addr = addr(HOA), .len = 128 };
	assert_int_equal(sa_restore(&w.f.ha, &r, w.f.now), -EINVAL);
	r.prefix = good.prefix;
	r.ha = addr(SHARED_HA);
	assert_int_equal(sa_restore(&w.f.ha, &r, w.f.now), -EINVAL);
	r.ha = good.ha;
	r.spi = 300;
	assert_int_equal(sa_restore(&w.f.ha, &r, w.f.now), -EINVAL);
	r.spi = good.spi + 1;
	w.f.cfg.bootstrap.max = 1;
	assert_int_equal(sa_restore(&w.f.ha, &r, w.f.now), -ENOSPC);
	w.f.cfg.bootstrap.max = 2;
	/* Whatever the clock did meanwhile. */
	r.until = good.until + S(864000000);
	assert_int_equal(sa_restore(&w.f.ha, &r, w.f.now), 0);
	assert_true(sa_find(&w.f.ha, r.spi)->until <= w.f.now + w.f.cfg.bootstrap.lifetime);
	auth_key_wipe(&a.auth);
}

/* Killed between writing down that the newer one was used and striking the older one out. */
static void a_kill_halfway_does_not_bring_the_older_one_back(void **state)
{
	struct ha_key old = world_get(&w, HOA), new;
	struct sa_record r = w.keys[0];

	(void)state;
	after(&w, S(1));
	new = world_get(&w, HOA);
	assert_int_equal(world_move(&w, HOA, COA, 1, &new), BA_ACCEPTED);
	assert_int_equal(world_rows(&w), 1);
	/* In either order of the places. */
	w.keys[5] = r;
	world_restart(&w, true);
	assert_null(sa_find(&w.f.ha, old.auth.spi));
	assert_non_null(sa_find(&w.f.ha, new.auth.spi));
	w.keys[6] = w.keys[1];
	w.keys[1] = (struct sa_record){ .spi = 0 };
	w.keys[0] = r;
	w.keys[0].place = 1;
	world_restart(&w, true);
	assert_null(sa_find(&w.f.ha, old.auth.spi));
	assert_non_null(sa_find(&w.f.ha, new.auth.spi));
	assert_int_equal(world_rows(&w), 1);
	auth_key_wipe(&old.auth);
	auth_key_wipe(&new.auth);
}

/* Two in one moment, which of them is the newer is known after a restart, whatever the clock of
 * the wall was set to meanwhile. */
static void which_is_newer_no_clock_decides(void **state)
{
	struct ha_key first = world_get(&w, HOA), gone = world_get(&w, OTHER), old, new;
	struct in6_prefix prefix = { .addr = addr(OTHER), .len = 64 };

	(void)state;
	in6_mask(&prefix.addr, 64);
	old = world_get(&w, HOA);
	sa_drop_prefix(&w.f.ha, &prefix, "in a test", w.f.now);
	new = world_get(&w, HOA);	/* at a place in front of the older one's */
	assert_true(sa_find(&w.f.ha, new.auth.spi)->place < sa_find(&w.f.ha, old.auth.spi)->place);
	for (unsigned int i = 0; i < ROWS; i++)
		if (w.keys[i].spi == new.auth.spi)
			w.keys[i].issued -= S(3600);
	world_restart(&w, true);
	assert_int_equal(world_move(&w, HOA, COA, 1, &new), BA_ACCEPTED);
	assert_int_equal(world_move(&w, HOA, COA_2, 2, &old), SILENCE);
	assert_int_equal(w.f.ha.sas.n, 1);
	auth_key_wipe(&first.auth);
	auth_key_wipe(&gone.auth);
	auth_key_wipe(&old.auth);
	auth_key_wipe(&new.auth);
}

static void what_cannot_be_written_down_is_not_given_out(void **state)
{
	(void)state;
	w.key_error = -ENOSPC;
	world_peer(&w, HOA, BOOT_ON_LINK, "");
	assert_int_equal(world_request(&w), BOOTSTRAP_FAILED);
	assert_int_equal(w.f.ha.sas.n, 0);
	assert_null(sa_find(&w.f.ha, BOOT_SPI_FIRST));
	assert_int_equal(w.f.ha.counters[HA_STORE_FAILED], 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(every_address_of_the_prefix_and_no_other),
		TEST(one_address_where_hosts_share_the_prefix),
		TEST(no_other_address_of_ours),
		TEST(the_secret_is_another_for_each_prefix),
		TEST(without_a_time_stamp_nothing),
		TEST(an_old_message_is_known_after_a_kill),
		TEST(updates_of_one_key_may_overtake),
		TEST(a_clock_that_was_set_back),
		TEST(the_older_one_dies_when_the_newer_is_used),
		TEST(a_wrong_message_uses_no_key),
		TEST(the_older_one_dies_soon_if_nothing_needs_it),
		TEST(the_older_one_lives_on_while_it_is_needed),
		TEST(what_the_older_one_bound_is_the_newer_ones),
		TEST(a_key_that_has_run_out_is_told_so),
		TEST(renewed_again_and_again),
		TEST(a_revoked_binding_leaves_the_key),
		TEST(it_goes_with_the_prefix),
		TEST(it_goes_with_the_lease),
		TEST(a_mode_that_is_taken_away_takes_its_keys_along),
		TEST(no_configured_key_loses_what_it_has_bound),
		TEST(nobody_gets_by_without_a_key_where_there_is_one),
		TEST(a_binding_goes_on_after_a_kill),
		TEST(what_does_not_fit_any_more_is_not_taken_over),
		TEST(a_kill_halfway_does_not_bring_the_older_one_back),
		TEST(which_is_newer_no_clock_decides),
		TEST(what_cannot_be_written_down_is_not_given_out),
	};

	return cmocka_run_group_tests_name("sa", tests, NULL, NULL);
}
