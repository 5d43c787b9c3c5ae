/* SPDX-License-Identifier: BSD-2-Clause */
/* Prefixes that come to their end: deprecated, withdrawn, their bindings revoked; and that no
 * prefix is given to somebody else while anybody may still use it. */
/* links: ha-agent/ha.c ha-agent/home.c ha-agent/nd.c ha-agent/renumber.c and the rest of the
 * home agent's core: ha_core in Makefile.am */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/core/log.h"
#include "tests/unit/ha_fake.h"

#define OLD	"2001:db8:1:100::/56"
#define NEW	"2001:db8:2:200::/56"
#define OLD_A	"2001:db8:1:101::"
#define NEW_A	"2001:db8:2:201::"
#define HOA	"2001:db8:1:105::5"
#define COA	"2001:db8:9::9"
#define S(n)	((usec_t)(n) * USEC_S)
#define HOURS(n)	S(3600 * (n))

static const uint8_t mac_a[6] = { 2, 0, 0, 0, 0, 0xa }, mac_b[6] = { 2, 0, 0, 0, 0, 0xb };

static struct in6_prefix prefix(const char *text)
{
	struct in6_prefix p;

	assert_int_equal(in6_prefix_parse(text, &p), 0);
	return p;
}

static void config(struct fake *f, const char *first, const char *second, bool second_deprecated)
{
	fake_config(f, first);
	f->cfg.prefix_lifetime = HOURS(24);
	if (second) {
		f->cfg.homes[1].prefix = prefix(second);
		f->cfg.homes[1].deprecated = second_deprecated;
		f->cfg.n_homes = 2;
		assert_null(ha_config_check(&f->cfg));
	}
	fake_begin(f);
}

static struct ha_home_record old_home(void)
{
	return (struct ha_home_record){ .cfg = {
		.prefix = prefix(OLD), .address = addr("2001:db8:1:100::1"),
	} };
}

/* The host at lan0, there or away, as an earlier run wrote it down. */
static void restore_lease(struct fake *f, const uint8_t mac[6], const char *p, usec_t left,
			  bool attached)
{
	struct ha_lease_record r = {
		.prefix = prefix(p), .interface = "lan0", .linklocal = addr("fe80::a"),
		.attached = attached, .until = f->now + left,
	};

	memcpy(r.mac, mac, 6);
	assert_int_equal(ha_restore_lease(&f->ha, &r, f->now), 0);
}

static void restore_binding(struct fake *f, usec_t left)
{
	struct ha_binding_record r = {
		.hoa = addr(HOA), .coa = addr(COA), .sequence = 10, .spi = SPI,
		.lifetime_s = (uint32_t)(left / USEC_S), .expires = f->now + left,
	};

	f->cfg.binding_lifetime = left;
	assert_int_equal(ha_restore_binding(&f->ha, &r, f->now), 0);
}

/* A run in which NEW has taken the place of OLD. */
static void renumbered(struct fake *f)
{
	struct ha_home_record r = old_home();

	config(f, NEW, NULL, false);
	assert_int_equal(ha_restore_home(&f->ha, &r, f->now), 0);
	restore_lease(f, mac_a, OLD_A "/64", HOURS(40), true);
	restore_lease(f, mac_b, "2001:db8:1:105::/64", HOURS(40), false);
	restore_binding(f, HOURS(4));
	ha_restored(&f->ha, f->now);
	fake_forget_calls(f);
}

static const struct nd_prefix *told(const struct nd_ra *ra, const char *p)
{
	struct in6_addr a = addr(p);

	for (unsigned int i = 0; i < ra->n_prefixes; i++)
		if (in6_eq(&ra->prefixes[i].prefix, &a))
			return &ra->prefixes[i];
	return NULL;
}

static void assert_told(const struct fake *f, const char *p, uint32_t preferred, uint32_t valid)
{
	const struct nd_prefix *o;
	struct nd_ra ra;

	assert_true(fake_ra(f, &ra));
	o = told(&ra, p);
	assert_non_null(o);
	assert_int_equal(o->preferred_s, preferred);
	assert_int_equal(o->valid_s, valid);
}

static void assert_not_told(const struct fake *f, const char *p)
{
	struct nd_ra ra;

	assert_true(fake_ra(f, &ra));
	assert_null(told(&ra, p));
}

/* ---- deprecated by the configuration ---- */

static void deprecated_prefix_is_kept_by_its_hosts(void **state)
{
	struct nd_ra ra;
	struct fake f;

	(void)state;
	config(&f, OLD, NEW, false);
	f.ha.homes[0].cfg.deprecated = true;
	fake_end(&f);
	/* The other way round: the deprecated one is written last and told last. */
	config(&f, NEW, OLD, true);
	restore_lease(&f, mac_a, OLD_A "/64", HOURS(40), true);
	ha_restored(&f.ha, f.now);
	fake_link(&f, 7, "lan0", "fe80::1");
	/* Nobody has asked: its host is told at once, and of another prefix. */
	assert_memory_equal(f.packet_mac, mac_a, 6);
	assert_told(&f, OLD_A, 0, 86400);
	assert_told(&f, NEW_A, 86400, 86400);
	assert_true(fake_ra(&f, &ra));
	assert_true(told(&ra, NEW_A) < told(&ra, OLD_A));
	/* It may go on with both. */
	f.now += S(10);
	fake_rs(&f, 7, mac_a, "fe80::a", 255);
	assert_told(&f, OLD_A, 0, 86400);
	assert_told(&f, NEW_A, 86400, 86400);
	/* Nobody new gets it. */
	fake_rs(&f, 7, mac_b, "fe80::b", 255);
	assert_told(&f, "2001:db8:2:202::", 86400, 86400);
	assert_true(fake_ra(&f, &ra));
	assert_int_equal(ra.n_prefixes, 3);	/* and our two addresses */
	assert_int_equal(f.ha.homes[1].pool.n, 1);
	assert_int_equal(f.ha.counters[HA_POOL_EXHAUSTED], 0);
	fake_end(&f);
}

/* RFC 6275 10.3.1: status 1 tells the mobile node to ask about its prefix. */
static void bindings_in_a_deprecated_prefix(void **state)
{
	struct fake f;

	(void)state;
	config(&f, NEW, OLD, true);
	restore_lease(&f, mac_b, "2001:db8:1:105::/64", HOURS(40), false);
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = HOA, .seq = 1, .lifetime = 100,
				  .key = &f.keys[0], .dst = "2001:db8:1:100::1" });
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA).status, BA_PREFIX_DISCOVERY);
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA).lifetime, 100);
	fake_end(&f);
}

/* ---- what absent mobile nodes are told, unasked (RFC 6275 10.6.2) ---- */

/* A run in which OLD is configured as before, and another one beside it or none, after one
 * with this lifetime. How often the mobile node that is away is told something. */
static uint64_t news(const char *also, uint32_t lifetime_s)
{
	struct ha_home_record r = old_home();
	struct fake f;
	uint64_t n;

	config(&f, OLD, also, false);
	f.cfg.prefix_advertisements = true;
	f.cfg.prefix_advertisement_min = S(1);
	f.cfg.prefix_advertisement_max = S(2);
	r.lifetime_s = lifetime_s;
	assert_int_equal(ha_restore_home(&f.ha, &r, f.now), 0);
	restore_lease(&f, mac_b, "2001:db8:1:105::/64", HOURS(40), false);
	restore_binding(&f, HOURS(4));
	ha_restored(&f.ha, f.now);
	fake_run(&f, S(3));
	n = f.ha.counters[HA_TX_MPA_UNSOLICITED];
	fake_end(&f);
	return n;
}

static void absent_ones_are_told_of_what_is_new(void **state)
{
	(void)state;
	assert_int_equal(news(NULL, 86400), 0);
	assert_int_equal(news(NEW, 86400), 1);
	assert_int_equal(news(NULL, 7200), 1);
}

/* ---- no longer configured ---- */

static void removed_prefix_is_deprecated(void **state)
{
	struct fake f;

	(void)state;
	renumbered(&f);
	fake_link(&f, 7, "lan0", "fe80::1");
	/* RFC 4862 5.5.3 e: two hours are the least that a host believes. */
	assert_told(&f, OLD_A, 0, 7200);
	assert_told(&f, NEW_A, 86400, 86400);
	assert_memory_equal(f.packet_mac, mac_a, 6);
	f.now += HOURS(1);
	fake_rs(&f, 7, mac_a, "fe80::a", 255);
	assert_told(&f, OLD_A, 0, 3600);
	/* It is not given to anybody who has nothing of it. */
	fake_rs(&f, 7, (const uint8_t[]){ 2, 0, 0, 0, 0, 0xc }, "::", 255);
	assert_int_equal(f.ha.homes[1].pool.n, 2);
	fake_end(&f);
}

static void its_bindings_last_no_longer(void **state)
{
	struct mh_ba ba;
	struct fake f;

	(void)state;
	renumbered(&f);
	assert_int_equal(ha_bound_count(&f.ha), 1);
	f.now += HOURS(1);
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = HOA, .seq = 11, .lifetime = 3000,
				  .key = &f.keys[0], .dst = "2001:db8:1:100::1" });
	ba = fake_ba(&f, &f.keys[0], COA, HOA);
	assert_int_equal(ba.status, BA_PREFIX_DISCOVERY);
	assert_int_equal(ba.lifetime, 900);
	/* Its tunnel is as before: from the old address. */
	fake_bu(&f, &(struct bu){ .src = COA, .alt_coa = "2001:db8:9::10", .hoa = HOA, .seq = 12,
				  .lifetime = 10, .key = &f.keys[0], .dst = "2001:db8:1:100::1" });
	assert_true(in6_eq(&f.dp.local, &(struct in6_addr){ { { 0x20, 1, 0xd, 0xb8, 0, 1, 1,
							      [15] = 1 } } }));
	fake_end(&f);
}

static void then_withdrawn_and_revoked(void **state)
{
	struct nd_ra ra;
	struct fake f;

	(void)state;
	renumbered(&f);
	fake_link(&f, 7, "lan0", "fe80::1");
	fake_run(&f, HOURS(2) - S(1));
	assert_int_equal(ha_bound_count(&f.ha), 1);
	assert_int_equal(fake_at(&f, CALL_HOME_DETACH), -1);
	fake_forget_calls(&f);
	fake_run(&f, S(1));
	/* RFC 5846: the mobile node is told, from the address that it knows. */
	assert_int_equal(f.ha.counters[HA_TX_BRI], 1);
	assert_int_equal(f.ha.homes[1].state, HOME_WITHDRAWN);
	fake_run(&f, S(30));
	assert_int_equal(ha_bound_count(&f.ha), 0);
	assert_int_equal(f.ha.counters[HA_BINDING_REVOKED], 1);
	assert_int_equal(fake_count(&f, CALL_HOME_DETACH), 1);
	assert_int_equal(f.n_homes, 1);
	/* Nothing of it is told or taken any more. */
	fake_rs(&f, 7, mac_a, "fe80::a", 255);
	assert_not_told(&f, OLD_A);
	assert_true(fake_ra(&f, &ra));
	assert_null(told(&ra, "2001:db8:1:100::1"));
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = HOA, .seq = 20, .lifetime = 100,
				  .key = &f.keys[0], .dst = "2001:db8:1:100::1" });
	assert_int_equal(f.ha.counters[HA_RX_MH_ELSEWHERE], 1);
	assert_null(ha_home_of(&f.ha, &(struct in6_addr){ { { 0x20, 1, 0xd, 0xb8, 0, 1, 1, 1 } } }));
	fake_end(&f);
}

static void its_end_is_the_same_after_a_restart(void **state)
{
	struct ha_home_record kept;
	struct fake f;
	usec_t end;

	(void)state;
	renumbered(&f);
	end = f.now + HOURS(2);
	assert_int_equal(f.n_homes, 2);
	kept = f.homes[1];
	assert_true(in6_prefix_eq(&kept.cfg.prefix, &(struct in6_prefix){ addr("2001:db8:1:100::"),
									  56 }));
	assert_int_equal(kept.until, end);
	fake_end(&f);

	config(&f, NEW, NULL, false);
	f.now = end - S(600);
	assert_int_equal(ha_restore_home(&f.ha, &kept, f.now), 0);
	restore_lease(&f, mac_a, OLD_A "/64", HOURS(40), true);
	ha_restored(&f.ha, f.now);
	fake_link(&f, 7, "lan0", "fe80::1");
	assert_told(&f, OLD_A, 0, 600);
	fake_end(&f);

	/* Over meanwhile: who is still bound is told all the same. */
	config(&f, NEW, NULL, false);
	f.now = end + S(60);
	assert_int_equal(ha_restore_home(&f.ha, &kept, f.now), 0);
	restore_lease(&f, mac_b, "2001:db8:1:105::/64", HOURS(40), false);
	restore_binding(&f, HOURS(1));
	ha_restored(&f.ha, f.now);
	fake_run(&f, S(60));
	assert_true(f.ha.counters[HA_TX_BRI] > 0);
	assert_int_equal(f.ha.counters[HA_BINDING_REVOKED], 1);
	assert_int_equal(f.n_homes, 1);
	fake_end(&f);
}

static void a_clock_that_jumped_keeps_nothing_for_ever(void **state)
{
	struct ha_home_record r = old_home();
	struct fake f;

	(void)state;
	config(&f, NEW, NULL, false);
	r.until = f.now + HOURS(10000);
	assert_int_equal(ha_restore_home(&f.ha, &r, f.now), 0);
	assert_int_equal(f.ha.homes[1].until, f.now + HOURS(2));
	fake_end(&f);
}

static void what_is_still_configured_does_not_end(void **state)
{
	struct ha_home_record r = old_home();
	struct fake f;

	(void)state;
	/* In a larger pool. */
	config(&f, "2001:db8:1::/48", NULL, false);
	assert_int_equal(ha_restore_home(&f.ha, &r, f.now), 0);
	restore_lease(&f, mac_a, OLD_A "/64", HOURS(40), true);
	ha_restored(&f.ha, f.now);
	assert_int_equal(f.ha.n_homes, 1);
	fake_link(&f, 7, "lan0", "fe80::1");
	fake_rs(&f, 7, mac_a, "fe80::a", 255);
	assert_told(&f, OLD_A, 86400, 86400);
	fake_end(&f);
	/* Back in time. */
	config(&f, OLD, NULL, false);
	r.until = f.now + HOURS(1);
	assert_int_equal(ha_restore_home(&f.ha, &r, f.now), 0);
	ha_restored(&f.ha, f.now);
	assert_int_equal(f.ha.n_homes, 1);
	assert_int_equal(f.homes[0].until, 0);
	fake_run(&f, HOURS(3));
	assert_int_equal(f.ha.homes[0].state, HOME_SERVED);
	fake_end(&f);
	/* A part of it is a pool of its own now: the rest ends. */
	config(&f, "2001:db8:1:100::/60", NULL, false);
	r.until = 0;
	assert_int_equal(ha_restore_home(&f.ha, &r, f.now), 0);
	restore_lease(&f, mac_a, OLD_A "/64", HOURS(40), true);
	restore_lease(&f, mac_b, "2001:db8:1:145::/64", HOURS(40), false);
	ha_restored(&f.ha, f.now);
	assert_int_equal(f.ha.homes[0].pool.n, 1);
	assert_int_equal(f.ha.homes[1].pool.n, 1);
	fake_end(&f);
}

/* The link has gone with its prefix: its absent hosts are served to the end. */
static void removed_with_its_interface(void **state)
{
	struct ha_home_record r = { .cfg = {
		.mode = HOME_SHARED, .interface = "lan7", .prefix = prefix("2001:db8:5:500::/64"),
		.address = addr("2001:db8:5:500::1"),
	} };
	struct ha_binding_record b = {
		.hoa = addr("2001:db8:5:500::a5"), .coa = addr(COA), .sequence = 10, .spi = SPI,
		.lifetime_s = 100, .linklocal = true,
	};
	struct fake f;

	(void)state;
	config(&f, NEW, NULL, false);
	assert_int_equal(ha_restore_home(&f.ha, &r, f.now), 0);
	b.expires = f.now + S(100);
	assert_int_equal(ha_restore_binding(&f.ha, &b, f.now), 0);
	ha_restored(&f.ha, f.now);
	fake_link(&f, 7, "lan0", "fe80::1");
	fake_run(&f, S(10));
	assert_int_equal(ha_bound_count(&f.ha), 1);
	/* Nobody is there who could have the address of another one. */
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = "2001:db8:5:500::a6", .seq = 1,
				  .lifetime = 100, .key = &f.keys[0],
				  .dst = "2001:db8:5:500::1" });
	fake_run(&f, 0);
	assert_int_equal(ha_bound_count(&f.ha), 2);
	fake_run(&f, HOURS(3));
	assert_int_equal(ha_bound_count(&f.ha), 0);
	assert_int_equal(f.n_homes, 1);
	fake_end(&f);
}

static void too_many_of_them(void **state)
{
	struct ha_home_record r = old_home();
	struct fake f;
	int err = 0;

	(void)state;
	config(&f, NEW, NULL, false);
	for (unsigned int i = 0; i < HA_MAX_HOMES && err == 0; i++) {
		r.cfg.prefix.addr.s6_addr[3] = (uint8_t)(0xc0 + i);
		err = ha_restore_home(&f.ha, &r, f.now);
	}
	assert_int_equal(err, -ENOSPC);
	assert_true(f.ha.n_homes <= HA_MAX_HOMES);
	for (unsigned int i = 0; i < f.ha.n_interfaces; i++)
		assert_true(f.ha.interfaces[i].n_homes <= HA_INTERFACE_HOMES);
	fake_run(&f, HOURS(3));
	fake_end(&f);
}

/* ---- when a prefix may go to somebody else ---- */

/* The only host of a pool for one, told of a day; who else gets the prefix, and when. */
static void one_prefix(struct fake *f)
{
	fake_config(f, "2001:db8:1:100::/63");
	f->cfg.prefix_lifetime = HOURS(24);
	fake_begin(f);
	fake_link(f, 7, "lan0", "fe80::1");
	fake_rs(f, 7, mac_a, "fe80::a", 255);
	assert_told(f, OLD_A, 86400, 86400);
}

static void pass(struct fake *f, usec_t t)
{
	for (usec_t end = f->now + t; f->now < end;) {
		fake_forget_calls(f);
		fake_run(f, end - f->now < HOURS(1) ? end - f->now : HOURS(1));
	}
}

static bool gets_it(struct fake *f, const uint8_t mac[6])
{
	struct nd_ra ra;

	f->now += S(10);
	fake_rs(f, 7, mac, "::", 255);
	assert_true(fake_ra(f, &ra));
	return told(&ra, OLD_A) != NULL;
}

static void not_before_the_last_lifetime_that_was_told(void **state)
{
	struct fake f;

	(void)state;
	one_prefix(&f);
	/* Refreshed without being asked, while the host is there; then it goes. */
	for (unsigned int i = 0; i < 600; i++) {
		pass(&f, S(59));
		fake_na(&f, 7, mac_a, "fe80::a");
	}
	assert_true(f.ha.counters[HA_TX_RA_REFRESH] > 0);
	fake_run(&f, S(200));
	assert_int_equal(ha_lease_count(&f.ha, LEASE_ATTACHED), 0);
	pass(&f, HOURS(13));
	assert_false(gets_it(&f, mac_b));
	assert_int_equal(f.ha.counters[HA_POOL_EXHAUSTED], 1);
	pass(&f, HOURS(12));
	assert_true(gets_it(&f, mac_b));
	assert_false(gets_it(&f, mac_a));
	fake_end(&f);
}

static void a_shorter_lifetime_does_not_take_back_what_was_told(void **state)
{
	struct ha_lease_record r;
	struct fake f;

	(void)state;
	one_prefix(&f);
	r = f.lease;
	fake_end(&f);
	/* The next run advertises ten minutes, which a host that has heard of a day believes
	 * to be two hours. */
	fake_config(&f, "2001:db8:1:100::/63");
	f.cfg.prefix_lifetime = S(600);
	fake_begin(&f);
	assert_int_equal(ha_restore_lease(&f.ha, &r, f.now), 0);
	ha_restored(&f.ha, f.now);
	fake_link(&f, 7, "lan0", "fe80::1");
	f.now += S(10);
	fake_rs(&f, 7, mac_a, "fe80::a", 255);
	assert_told(&f, OLD_A, 600, 600);
	pass(&f, HOURS(23));
	assert_false(gets_it(&f, mac_b));
	pass(&f, HOURS(26));
	assert_true(gets_it(&f, mac_b));
	fake_end(&f);
}

static void nor_does_a_longer_one_end_early(void **state)
{
	struct ha_lease_record r;
	struct fake f;

	(void)state;
	one_prefix(&f);
	r = f.lease;
	fake_end(&f);
	fake_config(&f, "2001:db8:1:100::/63");
	f.cfg.prefix_lifetime = HOURS(72);
	fake_begin(&f);
	assert_int_equal(ha_restore_lease(&f.ha, &r, f.now), 0);
	fake_link(&f, 7, "lan0", "fe80::1");
	f.now += S(10);
	fake_rs(&f, 7, mac_a, "fe80::a", 255);
	assert_told(&f, OLD_A, 259200, 259200);
	pass(&f, HOURS(71));
	assert_false(gets_it(&f, mac_b));
	pass(&f, HOURS(2));
	assert_true(gets_it(&f, mac_b));
	fake_end(&f);
}

/* Its prefix was taken out and put back: who had it may use it still. */
static void nor_does_a_removal(void **state)
{
	struct ha_lease_record r;
	struct fake f;

	(void)state;
	one_prefix(&f);
	r = f.lease;
	fake_end(&f);
	fake_config(&f, "2001:db8:1:100::/63");
	f.cfg.prefix_lifetime = HOURS(24);
	fake_begin(&f);
	f.now += HOURS(20);
	assert_int_equal(ha_restore_lease(&f.ha, &r, f.now), 0);
	fake_link(&f, 7, "lan0", "fe80::1");
	assert_false(gets_it(&f, mac_b));
	fake_end(&f);
}

/* A run in which the prefix has just been withdrawn; its binding is being revoked. */
static void withdrawn(struct fake *f)
{
	renumbered(f);
	fake_link(f, 7, "lan0", "fe80::1");
	fake_run(f, HOURS(2));
	assert_int_equal(f->ha.homes[1].state, HOME_WITHDRAWN);
	assert_int_equal(ha_bound_count(&f->ha), 1);
	fake_forget_calls(f);
}

static void nobody_comes_home_to_it(void **state)
{
	struct fake f;

	(void)state;
	withdrawn(&f);
	fake_bu(&f, &(struct bu){ .src = HOA, .seq = 20, .key = &f.keys[0],
				  .dst = "2001:db8:1:100::1" });
	assert_int_equal(f.ha.counters[HA_BINDING_RELEASED], 1);
	assert_int_equal(fake_count(&f, CALL_ATTACH), 0);
	assert_int_equal(ha_lease_count(&f.ha, LEASE_ATTACHED), 0);
	fake_end(&f);
}

/* RFC 6275 10.5.1: what is told are addresses that a home agent has. */
static void nobody_finds_its_address(void **state)
{
	struct icmp6_msg msg = { .type = ICMP6_DHAAD_REQUEST, .u.dhaad.id = 7 };
	uint8_t room[256];
	struct ip6_packet ip;
	struct in6_addr us;
	struct fake f;
	size_t len;

	(void)state;
	withdrawn(&f);
	us = f.ha.homes[0].cfg.address;
	len = nd_packet(room, sizeof(room), &msg, COA, "2001:db8:2:200:fdff:ffff:ffff:fffe", 64);
	ha_rx_discovery(&f.ha, room, len, f.now);
	assert_int_equal(f.ha.counters[HA_TX_DHAAD], 1);
	assert_int_equal(ip6_decode(f.packet, f.packet_len, &ip), IP6_OK);
	assert_int_equal(icmp6_decode(f.packet + ip.payload_off, ip.payload_len, &ip.src, &ip.dst,
				      ip.hop_limit, &msg), ICMP6_OK);
	assert_int_equal(msg.u.dhaad.n_ha, 1);
	assert_true(in6_eq(&msg.u.dhaad.ha[0], &us));
	fake_end(&f);
}

/* A pool that was made smaller: what lies in what is left of it is nobody's to end. */
static void a_smaller_pool_keeps_its_bindings(void **state)
{
	struct ha_home_record r = old_home();
	struct fake f;

	(void)state;
	config(&f, "2001:db8:1:100::/60", NULL, false);
	assert_int_equal(ha_restore_home(&f.ha, &r, f.now), 0);
	restore_lease(&f, mac_b, "2001:db8:1:105::/64", HOURS(40), false);
	restore_binding(&f, HOURS(4));
	ha_restored(&f.ha, f.now);
	fake_link(&f, 7, "lan0", "fe80::1");
	fake_run(&f, HOURS(2) + S(60));
	assert_int_equal(f.ha.homes[1].state, HOME_GONE);
	assert_int_equal(f.ha.counters[HA_TX_BRI], 0);
	assert_int_equal(ha_bound_count(&f.ha), 1);
	fake_end(&f);
}

/* What cannot be written down is not the host's, and is not kept for it either. */
static void without_database_a_free_one_stays_free(void **state)
{
	struct fake f;

	(void)state;
	config(&f, OLD, NULL, false);
	restore_lease(&f, mac_a, OLD_A "/64", -S(1), false);
	fake_link(&f, 7, "lan0", "fe80::1");
	f.store_error = -EROFS;
	fake_rs(&f, 7, mac_a, "fe80::a", 255);
	assert_not_told(&f, OLD_A);
	assert_int_equal(ha_lease_count(&f.ha, LEASE_ATTACHED), 0);
	assert_int_equal(ha_lease_count(&f.ha, LEASE_FREE), 1);
	f.store_error = 0;
	fake_forget_calls(&f);
	f.now += S(1);
	fake_rs(&f, 7, mac_a, "fe80::a", 255);
	assert_told(&f, OLD_A, 86400, 86400);
	assert_int_equal(fake_count(&f, CALL_EVENT), 1);
	assert_int_equal(f.event.type, HA_EVENT_LEASE_ATTACHED);
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
		cmocka_unit_test(deprecated_prefix_is_kept_by_its_hosts),
		cmocka_unit_test(bindings_in_a_deprecated_prefix),
		cmocka_unit_test(absent_ones_are_told_of_what_is_new),
		cmocka_unit_test(removed_prefix_is_deprecated),
		cmocka_unit_test(its_bindings_last_no_longer),
		cmocka_unit_test(then_withdrawn_and_revoked),
		cmocka_unit_test(its_end_is_the_same_after_a_restart),
		cmocka_unit_test(a_clock_that_jumped_keeps_nothing_for_ever),
		cmocka_unit_test(what_is_still_configured_does_not_end),
		cmocka_unit_test(removed_with_its_interface),
		cmocka_unit_test(too_many_of_them),
		cmocka_unit_test(not_before_the_last_lifetime_that_was_told),
		cmocka_unit_test(a_shorter_lifetime_does_not_take_back_what_was_told),
		cmocka_unit_test(nor_does_a_longer_one_end_early),
		cmocka_unit_test(nor_does_a_removal),
		cmocka_unit_test(nobody_comes_home_to_it),
		cmocka_unit_test(nobody_finds_its_address),
		cmocka_unit_test(a_smaller_pool_keeps_its_bindings),
		cmocka_unit_test(without_database_a_free_one_stays_free),
	};

	return cmocka_run_group_tests_name("renumber", tests, quiet, NULL);
}
