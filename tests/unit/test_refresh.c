/* SPDX-License-Identifier: BSD-2-Clause */
/* Binding Refresh Requests: to whom, when, how many, and what is in them. */
/* links: the home agent without its edges ($(ha_core) in Makefile.am) */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "common/core/log.h"
#include "tests/unit/ha_fake.h"

#define POOL	"2001:db8:1:100::/56"
#define HA	"2001:db8:1:100::1"
#define HOA	"2001:db8:1:101::5"
#define AWAY	"2001:db8:2:200::1"

static const uint8_t mac_a[6] = { 2, 0, 0, 0, 0, 0xa };

/* Bound for that many units, with key 0 or without any. */
static void begin(struct fake *f, uint16_t units, bool with_key)
{
	fake_config(f, POOL);
	f->cfg.homes[0].unauthenticated = !with_key;
	f->cfg.ra_interval = 1800 * USEC_S;	/* the last packet is not an advertisement */
	fake_begin(f);
	fake_link(f, 7, "lan0", "fe80::1");
	fake_rs(f, 7, mac_a, "::", 255);
	fake_bu(f, &(struct bu){ .src = AWAY, .hoa = HOA, .seq = 10, .lifetime = units,
				 .key = with_key ? &f->keys[0] : NULL });
	assert_int_equal(ha_bound_count(&f->ha), 1);
	fake_forget_calls(f);
}

static uint64_t requests(const struct fake *f)
{
	return f->ha.counters[HA_TX_BRR];
}

static void run(struct fake *f, unsigned int s, uint64_t packets)
{
	f->dp_packets += packets;
	fake_run(f, s * USEC_S);
}

static void used_one_is_asked_for_twice(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 100, true);		/* 400 s: looks at 340, 360 and 380 s */
	run(&f, 339, 1000);
	assert_int_equal(fake_count(&f, CALL_DP_USED), 0);
	run(&f, 2, 0);
	assert_int_equal(fake_count(&f, CALL_DP_USED), 1);
	run(&f, 20, 1);
	assert_int_equal(requests(&f), 1);
	run(&f, 20, 1);
	assert_int_equal(requests(&f), 2);
	run(&f, 18, 1000);
	assert_int_equal(ha_bound_count(&f.ha), 1);
	run(&f, 1, 1000);
	assert_int_equal(ha_bound_count(&f.ha), 0);
	assert_int_equal(requests(&f), 2);
	fake_end(&f);
}

static void idle_one_is_left_to_end(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 100, true);
	run(&f, 341, 1000);			/* it was in use, a while ago */
	run(&f, 60, 0);
	assert_int_equal(requests(&f), 0);
	assert_int_equal(ha_bound_count(&f.ha), 0);
	fake_end(&f);
}

static void refresh_cancels(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 100, true);
	run(&f, 341, 1);
	run(&f, 20, 1);
	assert_int_equal(requests(&f), 1);
	fake_bu(&f, &(struct bu){ .src = AWAY, .hoa = HOA, .seq = 11, .lifetime = 100,
				  .key = &f.keys[0] });
	run(&f, 300, 1000);
	assert_int_equal(requests(&f), 1);
	fake_bu(&f, &(struct bu){ .src = AWAY, .hoa = HOA, .seq = 12, .lifetime = 0,
				  .key = &f.keys[0] });
	run(&f, 400, 1000);
	assert_int_equal(requests(&f), 1);
	fake_end(&f);
}

static void short_one_is_not_asked_for(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, 4, true);
	for (unsigned int i = 0; i < 16; i++)
		run(&f, 1, 1);
	assert_int_equal(fake_count(&f, CALL_DP_USED), 0);
	assert_int_equal(ha_bound_count(&f.ha), 0);
	fake_end(&f);
}

/* RFC 6275 6.1.2, 9.3.2: from us to the home address by way of the care-of address. */
static void what_it_looks_like(void **state)
{
	const struct in6_addr ha = addr(HA), hoa = addr(HOA), coa = addr(AWAY);
	struct ip6_packet ip;
	struct mh_msg msg;
	struct fake f;

	(void)state;
	for (unsigned int with_key = 0; with_key < 2; with_key++) {
		uint8_t mac[MH_AUTH_MAX];

		begin(&f, 100, with_key);
		run(&f, 341, 1);
		run(&f, 20, 1);
		assert_true(fake_mh(&f, &ip, &msg));
		assert_int_equal(msg.type, MH_BRR);
		assert_true(in6_eq(&ip.src, &ha) && in6_eq(&ip.dst, &coa));
		assert_true(ip.has_rh2 && in6_eq(&ip.rh2, &hoa));
		assert_int_equal(msg.opts.mn_ha.present, with_key);
		if (with_key) {
			assert_int_equal(auth_mn_ha(&f.keys[0].auth, &coa, &hoa,
						    f.packet + ip.payload_off,
						    msg.opts.mn_ha.covered, mac), 0);
			assert_memory_equal(mac, msg.opts.mn_ha.data, msg.opts.mn_ha.len);
		}
		fake_end(&f);
	}
}

/* A restored binding is looked at as any other, and what is overdue is not asked for. */
static void after_a_restart(void **state)
{
	struct ha_binding_record kept;
	struct ha_lease_record lease;
	struct fake f;

	(void)state;
	begin(&f, 100, true);
	kept = f.binding;
	lease = f.lease;
	fake_end(&f);
	fake_config(&f, POOL);
	fake_begin(&f);
	f.now += 370 * USEC_S;
	assert_int_equal(ha_restore_lease(&f.ha, &lease, f.now), 0);
	assert_int_equal(ha_restore_binding(&f.ha, &kept, f.now), 0);
	run(&f, 5, 0);				/* two looks at once: nothing in between */
	assert_int_equal(requests(&f), 0);
	run(&f, 6, 1);
	assert_int_equal(requests(&f), 1);
	fake_end(&f);
}

static void looks_are_limited(void **state)
{
	struct fake f;

	(void)state;
	fake_start(&f, POOL);
	for (unsigned int i = 0; i < 16; i++) {
		const uint8_t mac[6] = { 2, 0, 0, 0, 1, (uint8_t)i };

		fake_rs(&f, 7, mac, "::", 255);
		for (unsigned int n = 0; n < 16; n++) {
			char hoa[64];

			snprintf(hoa, sizeof(hoa), "2001:db8:1:1%02x::%x", i + 1, n + 1);
			fake_bu(&f, &(struct bu){ .src = AWAY, .hoa = hoa, .seq = 10,
						  .lifetime = 100, .key = &f.keys[0] });
		}
	}
	assert_int_equal(ha_bound_count(&f.ha), 256);
	fake_forget_calls(&f);
	run(&f, 341, 1);
	assert_int_equal(fake_count(&f, CALL_DP_USED), HA_REFRESH_BURST);
	assert_int_equal(f.ha.counters[HA_REFRESH_LIMITED], 256 - HA_REFRESH_BURST);
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
		cmocka_unit_test(used_one_is_asked_for_twice),
		cmocka_unit_test(idle_one_is_left_to_end),
		cmocka_unit_test(refresh_cancels),
		cmocka_unit_test(short_one_is_not_asked_for),
		cmocka_unit_test(what_it_looks_like),
		cmocka_unit_test(after_a_restart),
		cmocka_unit_test(looks_are_limited),
	};

	return cmocka_run_group_tests_name("refresh", tests, quiet, NULL);
}
