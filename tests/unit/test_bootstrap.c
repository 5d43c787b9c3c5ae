/* SPDX-License-Identifier: BSD-2-Clause */
/* Who gets a key, and who does not and why: nobody for what is another's, and nobody loses what
 * he is reached by. */
/* links: the home agent without its edges ($(ha_core) in Makefile.am) */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "ha-agent/prefix.h"
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

/* Refused for that reason, counted, and no key is there. */
static void refused(enum bootstrap_reason r, uint16_t status)
{
	unsigned int n = w.f.ha.sas.n;
	uint64_t before = w.f.ha.bootstraps[r];

	assert_int_equal(world_request(&w), r);
	assert_int_equal(w.response.status, status);
	assert_int_equal(w.response.spi, 0);
	assert_string_equal(w.response.reason, bootstrap_reason_text(r));
	assert_int_equal(w.f.ha.bootstraps[r], before + 1);
	assert_int_equal(w.f.ha.sas.n, n);
}

static void issued(void)
{
	assert_int_equal(world_request(&w), BOOTSTRAP_ISSUED);
	assert_int_equal(w.response.status, BOOT_OK);
}

static void allow(enum boot_mode first, unsigned int n, enum boot_mode second)
{
	w.f.cfg.bootstrap.modes = (struct boot_modes){ n, { first, second } };
}

/* ---- what is said ---- */

static void a_key_for_a_prefix(void **state)
{
	struct in6_addr prefix = addr("2001:db8:1:101::"), ha = addr(HA_ADDR);
	struct ha_key k;

	(void)state;
	world_peer(&w, HOA, BOOT_ON_LINK, "");
	issued();
	assert_true(sa_is_spi(w.response.spi));
	assert_int_equal(w.response.mode, BOOT_ON_LINK);
	assert_true(in6_eq(&w.response.hnp, &prefix));
	assert_int_equal(w.response.hnp_len, 64);
	assert_true(in6_eq(&w.response.ha, &ha));
	assert_int_equal(w.response.lifetime_s, 7 * 86400);
	assert_int_equal(w.response.validity_end_s, 1700000000 + 7 * 86400);
	assert_int_equal(w.response.retry_after_s, 0);
	assert_int_equal(w.f.ha.bootstraps[BOOTSTRAP_ISSUED], 1);
	k = world_key(&w.response);
	assert_int_equal(world_move(&w, HOA, COA, 1, &k), BA_ACCEPTED);
	auth_key_wipe(&k.auth);
}

static void a_key_for_one_address_of_a_shared_prefix(void **state)
{
	struct in6_addr hoa = addr(SHARED_HOA), ha = addr(SHARED_HA);

	(void)state;
	world_peer(&w, SHARED_HOA, BOOT_ON_LINK, "");
	issued();
	assert_true(in6_eq(&w.response.hnp, &hoa));
	assert_int_equal(w.response.hnp_len, 128);
	assert_true(in6_eq(&w.response.ha, &ha));
	/* Of its neighbour it gets none. */
	w.req.hoa = addr("2001:db8:4:400::a6");
	refused(BOOTSTRAP_OTHER_SOURCE, BOOT_UNAUTHORIZED);
}

static void several_prefixes_in_one_session(void **state)
{
	uint32_t first;

	(void)state;
	world_peer(&w, HOA, BOOT_ON_LINK, "");
	issued();
	first = w.response.spi;
	w.req.id = 2;
	w.req.hoa = addr(HOA_2);
	issued();
	assert_int_not_equal(w.response.spi, first);
	assert_int_equal(w.response.id, 2);
}

static void a_reason_for_everything(void **state)
{
	(void)state;
	for (enum bootstrap_reason r = 0; r < BOOTSTRAP_REASON_MAX; r++) {
		assert_non_null(bootstrap_reason_name(r));
		assert_true(strlen(bootstrap_reason_text(r)) < BOOT_REASON_MAX);
	}
}

/* ---- whose it is ---- */

static void knows(int ifindex, const char *source, bool expected)
{
	struct in6_addr a = addr(source);

	assert_int_equal(bootstrap_knows(&w.f.ha, ifindex, &a), expected);
}

static void only_hosts_of_the_link_are_heard(void **state)
{
	struct ha_key k;

	(void)state;
	knows(IF, HOA, true);
	knows(8, HOA, false);
	knows(0, HOA, false);
	knows(IF, HA_ADDR, false);
	knows(IF, "2001:db8:1:177::5", false);	/* nobody's */
	knows(IF, "fe80::5", false);
	knows(IF, COA, false);
	knows(8, SHARED_HOA, true);
	knows(IF, SHARED_HOA, false);
	knows(8, SHARED_HA, false);
	k = world_get(&w, HOA);
	assert_int_equal(world_move(&w, HOA, COA, 1, &k), BA_ACCEPTED);
	knows(IF, HOA, false);
	auth_key_wipe(&k.auth);
}

static void nothing_of_another_hosts(void **state)
{
	(void)state;
	world_peer(&w, HOA, BOOT_ON_LINK, "");
	w.req.hoa = addr(OTHER);
	refused(BOOTSTRAP_OTHER_SOURCE, BOOT_UNAUTHORIZED);
	/* Whether it is somebody's is not told. */
	w.req.hoa = addr("2001:db8:1:177::5");
	refused(BOOTSTRAP_OTHER_SOURCE, BOOT_UNAUTHORIZED);
	w.req.hoa = addr("2001:db8:77::5");
	refused(BOOTSTRAP_NOT_LEASED, BOOT_UNAUTHORIZED);
	w.req.hoa = addr(HA_ADDR);
	refused(BOOTSTRAP_NOT_LEASED, BOOT_UNAUTHORIZED);
	world_peer(&w, "2001:db8:1:177::5", BOOT_ON_LINK, "");
	refused(BOOTSTRAP_NOT_LEASED, BOOT_UNAUTHORIZED);
}

static void only_by_the_link_that_the_host_is_at(void **state)
{
	struct lease *l;

	(void)state;
	world_peer(&w, HOA, BOOT_ON_LINK, "");
	w.peer.ifindex = 8;
	refused(BOOTSTRAP_OTHER_LINK, BOOT_UNAUTHORIZED);
	w.peer.ifindex = IF;
	l = ha_find_lease(&w.f.ha, &w.req.hoa);
	nd_lease_detach(&w.f.ha, l, w.f.now, "in a test");
	refused(BOOTSTRAP_OTHER_LINK, BOOT_UNAUTHORIZED);
	world_peer(&w, SHARED_HOA, BOOT_ON_LINK, "");
	w.peer.ifindex = IF;
	refused(BOOTSTRAP_OTHER_LINK, BOOT_UNAUTHORIZED);
}

static void only_at_the_address_of_its_home(void **state)
{
	(void)state;
	world_peer(&w, HOA, BOOT_ON_LINK, "");
	w.peer.local = addr(SHARED_HA);
	refused(BOOTSTRAP_OTHER_HOME_AGENT, BOOT_UNAUTHORIZED);
}

/* ---- policy ---- */

static void only_by_a_way_that_both_take(void **state)
{
	(void)state;
	allow(BOOT_CERTIFICATE, 2, BOOT_PSK);
	world_peer(&w, HOA, BOOT_ON_LINK, "");
	refused(BOOTSTRAP_MODE, BOOT_UNAUTHORIZED);
	world_peer(&w, HOA, BOOT_PSK, "mn1");
	w.req.methods = (struct boot_modes){ 1, { BOOT_CERTIFICATE } };
	refused(BOOTSTRAP_NO_METHOD, BOOT_UNAUTHORIZED);
	w.req.methods = (struct boot_modes){ 1, { BOOT_PSK } };
	issued();
	w.f.cfg.bootstrap.off = true;
	refused(BOOTSTRAP_MODE, BOOT_UNAUTHORIZED);
}

static void a_name_is_what_was_shown(void **state)
{
	(void)state;
	allow(BOOT_CERTIFICATE, 2, BOOT_ON_LINK);
	world_peer(&w, HOA, BOOT_CERTIFICATE, "mn1");
	strcpy(w.req.mn_id, "mn2");
	refused(BOOTSTRAP_NAME, BOOT_UNAUTHORIZED);
	strcpy(w.req.mn_id, "mn1");
	issued();
	assert_string_equal(sa_find(&w.f.ha, w.response.spi)->mn_id, "mn1");
	/* Who has shown nothing but an address has no name, whatever he says. */
	world_peer(&w, OTHER, BOOT_ON_LINK, "");
	strcpy(w.req.mn_id, "mn1");
	issued();
	assert_string_equal(sa_find(&w.f.ha, w.response.spi)->mn_id, "");
}

/* ---- nobody is displaced ---- */

static void who_is_away_keeps_his_address(void **state)
{
	struct ha_key k = world_get(&w, HOA);

	(void)state;
	assert_int_equal(world_move(&w, HOA_2, COA, 1, &k), BA_ACCEPTED);
	/* Somebody takes the link-layer address of who has left, and so the prefix. */
	fake_rs(&w.f, IF, mac_a, "::", 255);
	knows(IF, HOA, true);
	world_peer(&w, HOA, BOOT_ON_LINK, "");
	refused(BOOTSTRAP_BOUND, BOOT_UNAUTHORIZED);
	/* A certificate is no way around it. */
	allow(BOOT_CERTIFICATE, 2, BOOT_ON_LINK);
	world_peer(&w, HOA, BOOT_CERTIFICATE, "mn2");
	refused(BOOTSTRAP_OTHER_NODE, BOOT_UNAUTHORIZED);
	assert_int_equal(world_move(&w, HOA_2, COA_2, 2, &k), BA_ACCEPTED);
	/* Home again, and de-registered: a new one. */
	assert_int_equal(world_bu(&w, (struct bu){
		.src = HOA_2, .seq = 3, .lifetime = 0, .key = &k,
		.mesg_id = ntp_time(w.f.wall_us) + 1 }), BA_ACCEPTED);
	world_peer(&w, HOA, BOOT_ON_LINK, "");
	issued();
	auth_key_wipe(&k.auth);
}

static void the_same_where_hosts_share_the_prefix(void **state)
{
	struct ha_key k = world_get(&w, SHARED_HOA);

	(void)state;
	assert_int_equal(world_bu(&w, (struct bu){ .src = COA, .hoa = SHARED_HOA, .seq = 1,
						   .lifetime = 100, .key = &k, .dst = SHARED_HA }),
			 SILENCE);
	/* From when it is looked for on the link. */
	knows(8, SHARED_HOA, false);
	world_peer(&w, SHARED_HOA, BOOT_ON_LINK, "");
	refused(BOOTSTRAP_BOUND, BOOT_UNAUTHORIZED);
	after(&w, S(3));
	assert_int_equal(ha_bound_count(&w.f.ha), 1);
	refused(BOOTSTRAP_BOUND, BOOT_UNAUTHORIZED);
	auth_key_wipe(&k.auth);
}

static void another_node_gets_none(void **state)
{
	struct in6_prefix prefix;

	(void)state;
	allow(BOOT_CERTIFICATE, 2, BOOT_ON_LINK);
	world_peer(&w, HOA, BOOT_ON_LINK, "");
	issued();
	/* Who shows more may have it from who has shown an address only, */
	world_peer(&w, HOA, BOOT_CERTIFICATE, "mn1");
	issued();
	/* but not from each other, nor back again. */
	world_peer(&w, HOA, BOOT_CERTIFICATE, "mn2");
	refused(BOOTSTRAP_OTHER_NODE, BOOT_UNAUTHORIZED);
	world_peer(&w, HOA, BOOT_ON_LINK, "");
	refused(BOOTSTRAP_OTHER_NODE, BOOT_UNAUTHORIZED);
	allow(BOOT_CERTIFICATE, 2, BOOT_PSK);
	world_peer(&w, HOA, BOOT_PSK, "mn1");
	refused(BOOTSTRAP_OTHER_NODE, BOOT_UNAUTHORIZED);
	world_peer(&w, HOA, BOOT_CERTIFICATE, "mn1");
	issued();
	/* Over a restart as well; and when the key is gone, whoever is there. */
	world_restart(&w, true);
	world_peer(&w, HOA, BOOT_CERTIFICATE, "mn2");
	refused(BOOTSTRAP_OTHER_NODE, BOOT_UNAUTHORIZED);
	prefix = sa_of_address(&w.f.ha, &w.req.hoa)->prefix;
	sa_drop_prefix(&w.f.ha, &prefix, "in a test", w.f.now);
	issued();
}

static void a_host_with_a_configured_key_needs_more_than_its_address(void **state)
{
	(void)state;
	w.f.cfg.n_keys = 1;
	world_peer(&w, HOA, BOOT_ON_LINK, "");
	issued();		/* that key is for everybody */
	w.f.keys[0].has_mn = true;
	memcpy(w.f.keys[0].mn, mac_a, 6);
	refused(BOOTSTRAP_OTHER_NODE, BOOT_UNAUTHORIZED);
	world_peer(&w, OTHER, BOOT_ON_LINK, "");
	issued();
}

/* ---- limits ---- */

static void one_host_gets_so_many(void **state)
{
	struct in6_prefix prefix;
	uint32_t first = 0;

	(void)state;
	world_peer(&w, HOA, BOOT_ON_LINK, "");
	for (unsigned int i = 0; i < 3 * SA_OF_PREFIX; i++) {
		issued();
		if (i == 0)
			first = w.response.spi;
	}
	/* The last ones are good: a link that comes and goes leaves no host without a key. */
	prefix = sa_of_address(&w.f.ha, &w.req.hoa)->prefix;
	assert_int_equal(sa_count(&w.f.ha, &prefix), SA_OF_PREFIX);
	assert_int_equal(sa_of_address(&w.f.ha, &w.req.hoa)->key.auth.spi, w.response.spi);
	assert_null(sa_find(&w.f.ha, first));
	/* Others do not suffer. */
	world_peer(&w, OTHER, BOOT_ON_LINK, "");
	issued();
	after(&w, SA_GRACE + 1);
	world_peer(&w, HOA, BOOT_ON_LINK, "");
	issued();
	assert_int_equal(sa_count(&w.f.ha, &sa_of_address(&w.f.ha, &w.req.hoa)->prefix), 2);
}

static void all_hosts_get_so_many(void **state)
{
	(void)state;
	w.f.cfg.bootstrap.max = 1;
	world_peer(&w, HOA, BOOT_ON_LINK, "");
	issued();
	world_peer(&w, OTHER, BOOT_ON_LINK, "");
	refused(BOOTSTRAP_TOO_MANY, BOOT_UNAVAILABLE);
}

/* Nobody is promised more than the end; and what is not going to be there at all takes nobody. */
static void draining(void **state)
{
	(void)state;
	assert_int_equal(ha_drain(&w.f.ha, S(600), false, w.f.now), 0);
	world_peer(&w, HOA, BOOT_ON_LINK, "");
	issued();
	assert_int_equal(w.response.lifetime_s, 600);
	world_peer(&w, SHARED_HOA, BOOT_ON_LINK, "");
	refused(BOOTSTRAP_DRAINING, BOOT_UNAVAILABLE);
	after(&w, S(601));
	world_peer(&w, OTHER, BOOT_ON_LINK, "");
	refused(BOOTSTRAP_DRAINING, BOOT_UNAVAILABLE);
}

static void no_exporter_no_key(void **state)
{
	(void)state;
	w.export_error = -EIO;
	world_peer(&w, HOA, BOOT_ON_LINK, "");
	refused(BOOTSTRAP_FAILED, BOOT_INTERNAL_ERROR);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_key_for_a_prefix),
		TEST(a_key_for_one_address_of_a_shared_prefix),
		TEST(several_prefixes_in_one_session),
		TEST(a_reason_for_everything),
		TEST(only_hosts_of_the_link_are_heard),
		TEST(nothing_of_another_hosts),
		TEST(only_by_the_link_that_the_host_is_at),
		TEST(only_at_the_address_of_its_home),
		TEST(only_by_a_way_that_both_take),
		TEST(a_name_is_what_was_shown),
		TEST(who_is_away_keeps_his_address),
		TEST(the_same_where_hosts_share_the_prefix),
		TEST(another_node_gets_none),
		TEST(a_host_with_a_configured_key_needs_more_than_its_address),
		TEST(one_host_gets_so_many),
		TEST(all_hosts_get_so_many),
		TEST(draining),
		TEST(no_exporter_no_key),
	};

	return cmocka_run_group_tests_name("bootstrap", tests, NULL, NULL);
}
