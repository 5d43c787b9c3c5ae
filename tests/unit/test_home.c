/* SPDX-License-Identifier: BSD-2-Clause */
/* Home links: several prefixes, each with its own pool and its own address of ours. */
/* links: the home agent without its edges ($(ha_core) in Makefile.am) */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/core/log.h"
#include "tests/unit/ha_fake.h"

#define COMMON	"2001:db8:1:100::/56"
#define OWN	"2001:db8:2:200::/62"		/* of lan1: room for three hosts */
#define COA	"2001:db8:9::9"

static const uint8_t mac_a[6] = { 2, 0, 0, 0, 0, 0xa };

static void add_home(struct ha_config *cfg, const char *interface, const char *prefix)
{
	struct ha_home_config *h = &cfg->homes[cfg->n_homes++];

	memset(h, 0, sizeof(*h));
	memcpy(h->interface, interface, strlen(interface));
	assert_int_equal(in6_prefix_parse(prefix, &h->prefix), 0);
}

/* lan0 takes from the common prefix, lan1 has one of its own. */
static void start(struct fake *f)
{
	fake_config(f, COMMON);
	add_home(&f->cfg, "lan1", OWN);
	assert_null(ha_config_check(&f->cfg));
	fake_begin(f);
	fake_link(f, 7, "lan0", "fe80::1");
	fake_link(f, 8, "lan1", "fe80::1");
	fake_forget_calls(f);
}

static bool told(const struct fake *f, const char *prefix, uint8_t flags)
{
	struct in6_addr p = addr(prefix);
	struct nd_ra ra;

	assert_true(fake_ra(f, &ra));
	for (unsigned int i = 0; i < ra.n_prefixes; i++)
		if (in6_eq(&ra.prefixes[i].prefix, &p) && ra.prefixes[i].flags == flags)
			return true;
	return false;
}

static void each_interface_has_its_pool_and_address(void **state)
{
	struct nd_ra ra;
	struct fake f;

	(void)state;
	start(&f);
	fake_rs(&f, 7, mac_a, "::", 255);
	assert_true(told(&f, "2001:db8:1:101::", PIO_FLAG_AUTO));
	assert_true(told(&f, "2001:db8:1:100::1", PIO_FLAG_ROUTER));
	assert_true(fake_ra(&f, &ra));
	assert_int_equal(ra.n_prefixes, 2);
	/* The same host at the other interface: a prefix of that one. */
	fake_rs(&f, 8, mac_a, "::", 255);
	assert_true(told(&f, "2001:db8:2:201::", PIO_FLAG_AUTO));
	assert_true(told(&f, "2001:db8:2:200::1", PIO_FLAG_ROUTER));
	assert_true(fake_ra(&f, &ra));
	assert_int_equal(ra.n_prefixes, 2);
	fake_end(&f);
}

static void several_prefixes_on_one_interface(void **state)
{
	struct nd_ra ra;
	struct fake f;

	(void)state;
	fake_config(&f, COMMON);
	add_home(&f.cfg, "lan1", OWN);
	add_home(&f.cfg, "lan1", "2001:db8:3:300::/56");
	assert_null(ha_config_check(&f.cfg));
	fake_begin(&f);
	fake_link(&f, 8, "lan1", "fe80::1");
	fake_rs(&f, 8, mac_a, "fe80::a", 255);
	assert_true(told(&f, "2001:db8:2:201::", PIO_FLAG_AUTO));
	assert_true(told(&f, "2001:db8:3:301::", PIO_FLAG_AUTO));
	assert_true(told(&f, "2001:db8:2:200::1", PIO_FLAG_ROUTER));
	assert_true(told(&f, "2001:db8:3:300::1", PIO_FLAG_ROUTER));
	assert_true(fake_ra(&f, &ra));
	assert_int_equal(ra.n_prefixes, 4);
	assert_int_equal(ha_lease_count(&f.ha, LEASE_ATTACHED), 2);
	/* A refresh of one of them tells of both. */
	fake_forget_calls(&f);
	for (unsigned int i = 0; i < 2000 && f.ha.counters[HA_TX_RA_REFRESH] == 0; i++) {
		fake_run(&f, USEC_S);
		fake_na(&f, 8, mac_a, "fe80::a");
	}
	assert_int_equal(ha_lease_count(&f.ha, LEASE_ATTACHED), 2);
	assert_true(told(&f, "2001:db8:2:201::", PIO_FLAG_AUTO));
	assert_true(told(&f, "2001:db8:3:301::", PIO_FLAG_AUTO));
	fake_end(&f);
}

/* The tunnel has the home's address, so a registration at that of another is refused. */
static void binding_knows_its_home(void **state)
{
	struct in6_addr own = addr("2001:db8:2:200::1");
	struct ip6_packet ip;
	struct mh_msg msg;
	struct fake f;

	(void)state;
	start(&f);
	fake_rs(&f, 8, mac_a, "fe80::a", 255);
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = "2001:db8:2:201::5", .seq = 1,
				  .lifetime = 100, .key = &f.keys[0],
				  .dst = "2001:db8:2:200::1" });
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, "2001:db8:2:201::5").status, BA_ACCEPTED);
	assert_true(fake_mh(&f, &ip, &msg));
	assert_true(in6_eq(&ip.src, &own));
	assert_true(in6_eq(&f.dp.local, &own));
	/* To the other home's address: answered from there. */
	fake_bu(&f, &(struct bu){ .src = "2001:db8:9::a", .hoa = "2001:db8:2:201::5", .seq = 2,
				  .lifetime = 100, .key = &f.keys[0],
				  .dst = "2001:db8:1:100::1" });
	assert_true(fake_mh(&f, &ip, &msg));
	assert_int_equal(msg.u.ba.status, BA_NOT_HOME_SUBNET);
	assert_int_equal(f.ha.verdicts[VERDICT_OTHER_HOME], 1);
	own = addr("2001:db8:1:100::1");
	assert_true(in6_eq(&ip.src, &own));
	assert_int_equal(f.ha.counters[HA_RX_MH_ELSEWHERE], 0);
	fake_end(&f);
}

static void own_addresses_are_no_care_of_addresses(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	fake_rs(&f, 7, mac_a, "fe80::a", 255);
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = "2001:db8:1:101::5", .seq = 1,
				  .alt_coa = "2001:db8:2:200::1", .lifetime = 100,
				  .key = &f.keys[0] });
	assert_int_equal(f.ha.verdicts[VERDICT_COA_IS_HA], 1);
	fake_end(&f);
}

static void pools_run_out_on_their_own(void **state)
{
	struct nd_ra ra;
	struct fake f;

	(void)state;
	start(&f);
	for (uint8_t i = 1; i <= 3; i++)
		fake_rs(&f, 8, (const uint8_t[]){ 2, 0, 0, 0, 1, i }, "::", 255);
	assert_true(ha_home_full(&f.ha.homes[1]));
	assert_false(ha_home_full(&f.ha.homes[0]));
	fake_rs(&f, 8, mac_a, "::", 255);
	assert_true(fake_ra(&f, &ra));
	assert_int_equal(ra.n_prefixes, 1);	/* our address alone */
	assert_int_equal(f.ha.counters[HA_POOL_EXHAUSTED], 1);
	fake_rs(&f, 7, mac_a, "::", 255);
	assert_true(told(&f, "2001:db8:1:101::", PIO_FLAG_AUTO));
	fake_end(&f);
}

static void leases_are_restored_by_their_prefix(void **state)
{
	struct ha_lease_record r = { .mac = { 2, 0, 0, 0, 0, 0xa }, .interface = "lan1",
				     .attached = true };
	struct fake f;

	(void)state;
	start(&f);
	r.until = f.now + 100 * USEC_S;
	assert_int_equal(in6_prefix_parse("2001:db8:2:202::/64", &r.prefix), 0);
	assert_int_equal(ha_restore_lease(&f.ha, &r, f.now), 0);
	assert_int_equal(f.ha.homes[0].pool.n, 0);
	assert_int_equal(f.ha.homes[1].pool.n, 1);
	assert_int_equal(in6_prefix_parse("2001:db8:7:202::/64", &r.prefix), 0);
	assert_int_equal(ha_restore_lease(&f.ha, &r, f.now), -EINVAL);
	fake_end(&f);
}

static void impossible_homes_are_refused(void **state)
{
	struct ha_config good, cfg;
	struct fake f;

	(void)state;
	start(&f);
	fake_end(&f);
	good = f.cfg;
	good.n_keys = 0;		/* they are wiped */
	cfg = good;
	assert_int_equal(in6_prefix_parse("2001:db8:1:180::/60", &cfg.homes[1].prefix), 0);
	cfg.homes[1].address = in6addr_any;
	assert_string_equal(ha_config_check(&cfg), "two prefixes overlap");
	cfg = good;
	assert_int_equal(in6_prefix_parse("2001:db8::/32", &cfg.homes[1].prefix), 0);
	cfg.homes[1].address = in6addr_any;
	assert_string_equal(ha_config_check(&cfg), "two prefixes overlap");
	cfg = good;
	cfg.homes[1].address = cfg.homes[0].address;
	assert_non_null(ha_config_check(&cfg));
	cfg.homes[1].address = addr("2001:db8:1:107::1");
	assert_non_null(ha_config_check(&cfg));
	cfg = good;
	memcpy(cfg.homes[1].interface, "lan9", 5);
	assert_non_null(ha_config_check(&cfg));
	/* Each interface has its own: whom is the common one for? */
	cfg = good;
	add_home(&cfg, "lan0", "2001:db8:4:400::/56");
	assert_non_null(ha_config_check(&cfg));
	cfg = good;
	cfg.homes[0] = cfg.homes[1];
	cfg.n_homes = 1;
	assert_non_null(ha_config_check(&cfg));
	assert_null(ha_config_check(&good));
}

/* Each new host is written to the disk before it is answered, and meanwhile nobody else is. */
static void hosts_that_nobody_knows_are_limited(void **state)
{
	const unsigned int n = HA_NEW_HOSTS_BURST + 500;
	struct fake f;

	(void)state;
	fake_start(&f, "2001:db8::/48");
	for (unsigned int i = 1; i <= n; i++) {
		uint8_t mac[6] = { 2, 0, 0, 1, (uint8_t)(i >> 8), (uint8_t)i };

		fake_forget_calls(&f);
		fake_rs(&f, 7, mac, "::", 255);
	}
	assert_int_equal(f.ha.homes[0].pool.n, HA_NEW_HOSTS_BURST);
	assert_int_equal(f.ha.counters[HA_RS_LIMITED], 500);
	assert_int_equal(f.packet_len, 0);
	/* Who has a prefix is not hindered by them. */
	fake_rs(&f, 7, (const uint8_t[]){ 2, 0, 0, 1, 0, 1 }, "::", 255);
	assert_true(told(&f, "2001:db8:0:1::", PIO_FLAG_AUTO));
	/* A host asks thrice, 4 s apart. */
	f.now += 4 * USEC_S;
	fake_rs(&f, 7, mac_a, "::", 255);
	assert_int_equal(f.ha.homes[0].pool.n, HA_NEW_HOSTS_BURST + 1);
	fake_end(&f);
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
		cmocka_unit_test(each_interface_has_its_pool_and_address),
		cmocka_unit_test(several_prefixes_on_one_interface),
		cmocka_unit_test(binding_knows_its_home),
		cmocka_unit_test(own_addresses_are_no_care_of_addresses),
		cmocka_unit_test(pools_run_out_on_their_own),
		cmocka_unit_test(leases_are_restored_by_their_prefix),
		cmocka_unit_test(impossible_homes_are_refused),
		cmocka_unit_test(hosts_that_nobody_knows_are_limited),
	};

	return cmocka_run_group_tests_name("home", tests, quiet, NULL);
}
