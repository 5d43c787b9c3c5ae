/* SPDX-License-Identifier: BSD-2-Clause */
/* Draining: who is still served, what is promised, and when it is over. */
/* links: the home agent without its edges ($(ha_core) in Makefile.am) */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/core/log.h"
#include "tests/unit/ha_fake.h"

#define POOL	"2001:db8:1:100::/56"
#define COA	"2001:db8:2:200::9"
#define COA2	"2001:db8:3:300::9"
#define HOA	"2001:db8:1:101::5"
#define HOA_B	"2001:db8:1:102::5"

static const uint8_t mac_a[6] = { 2, 0, 0, 0, 0, 0xa }, mac_b[6] = { 2, 0, 0, 0, 0, 0xb },
		     mac_c[6] = { 2, 0, 0, 0, 0, 0xc };

static void send_bu(struct fake *f, const char *hoa, const char *coa, uint16_t seq,
		    uint16_t lifetime)
{
	fake_bu(f, &(struct bu){ .src = coa, .hoa = hoa, .seq = seq, .lifetime = lifetime,
				 .key = &f->keys[0] });
}

/* Host A is away and bound for 400 s, host B is on the link; then T seconds of draining. */
static void draining(struct fake *f, unsigned int seconds)
{
	fake_start(f, POOL);
	fake_rs(f, 7, mac_a, "fe80::a", 255);
	fake_rs(f, 7, mac_b, "fe80::b", 255);
	send_bu(f, HOA, COA, 10, 100);
	assert_int_equal(ha_bound_count(&f->ha), 1);
	fake_forget_calls(f);
	assert_int_equal(ha_drain(&f->ha, seconds * USEC_S, false, f->now), 0);
}

/* The last packet, which is an advertisement. */
static struct nd_ra told(const struct fake *f)
{
	struct nd_ra ra = { 0 };

	assert_true(fake_ra(f, &ra));
	return ra;
}

static const struct nd_prefix *prefix_with(const struct nd_ra *ra, uint8_t flag)
{
	for (unsigned int i = 0; i < ra->n_prefixes; i++)
		if (ra->prefixes[i].flags & flag)
			return &ra->prefixes[i];
	return NULL;
}

static void everybody_is_told(void **state)
{
	const struct nd_prefix *p;
	struct nd_ra ra;
	struct fake f;

	(void)state;
	draining(&f, 60);
	/* To all, and to B, whose prefix is deprecated; A is not here. */
	assert_int_equal(fake_count(&f, CALL_SEND_LINK), 2);
	assert_memory_equal(f.packet_mac, mac_b, 6);
	ra = told(&f);
	assert_int_equal(ra.router_lifetime_s, 60);
	assert_int_equal(ra.flags, RA_FLAG_HOME_AGENT | RA_PREFERENCE_LOW);
	p = prefix_with(&ra, PIO_FLAG_AUTO);
	assert_non_null(p);
	assert_int_equal(p->preferred_s, 0);
	assert_int_equal(p->valid_s, 3600);	/* what was promised is kept */
	p = prefix_with(&ra, PIO_FLAG_ROUTER);
	assert_int_equal(p->valid_s, 60);
	fake_end(&f);
}

static void new_host_gets_nothing(void **state)
{
	struct nd_ra ra;
	struct fake f;

	(void)state;
	draining(&f, 60);
	fake_forget_calls(&f);
	fake_rs(&f, 7, mac_c, "fe80::c", 255);
	ra = told(&f);
	assert_null(prefix_with(&ra, PIO_FLAG_AUTO));
	assert_int_equal(fake_at(&f, CALL_LEASE_STORE_DURABLE), -1);
	assert_int_equal(f.ha.counters[HA_DRAIN_NO_PREFIX], 1);
	/* One that has a prefix keeps it. */
	fake_rs(&f, 7, mac_b, "fe80::b", 255);
	ra = told(&f);
	assert_non_null(prefix_with(&ra, PIO_FLAG_AUTO));
	fake_end(&f);
}

static void flows_go_on(void **state)
{
	struct mh_ba ba;
	struct fake f;

	(void)state;
	draining(&f, 60);
	fake_run(&f, 20 * USEC_S);
	/* Refreshed, moved, and no longer than there is time. */
	send_bu(&f, HOA, COA2, 11, 100);
	ba = fake_ba(&f, &f.keys[0], COA2, HOA);
	assert_int_equal(ba.status, BA_ACCEPTED);
	assert_int_equal(ba.lifetime, 10);
	/* B leaves, and takes its flows along. */
	send_bu(&f, HOA_B, COA, 1, 100);
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA_B).status, BA_ACCEPTED);
	fake_run(&f, 39 * USEC_S);
	send_bu(&f, HOA, COA2, 12, 100);
	assert_int_equal(fake_ba(&f, &f.keys[0], COA2, HOA).lifetime, 1);
	assert_int_equal(fake_at(&f, CALL_DRAINED), -1);
	fake_end(&f);
}

static void ends_with_the_last_binding(void **state)
{
	struct fake f;

	(void)state;
	draining(&f, 60);
	fake_run(&f, 10 * USEC_S);
	assert_int_equal(fake_at(&f, CALL_DRAINED), -1);
	send_bu(&f, HOA, COA, 11, 0);
	fake_run(&f, USEC_S);
	assert_int_equal(fake_count(&f, CALL_DRAINED), 1);
	assert_int_equal(f.ha.counters[HA_TX_BRI], 0);
	fake_run(&f, 100 * USEC_S);
	assert_int_equal(fake_count(&f, CALL_DRAINED), 1);
	fake_end(&f);
}

static void ends_at_once_without_bindings(void **state)
{
	struct nd_ra ra;
	struct fake f;

	(void)state;
	fake_start(&f, POOL);
	assert_int_equal(ha_drain(&f.ha, 60 * USEC_S, false, f.now), 0);
	fake_run(&f, 0);
	assert_int_equal(fake_count(&f, CALL_DRAINED), 1);
	/* RFC 4861 6.2.5: the last words of a router. */
	ra = told(&f);
	assert_int_equal(ra.router_lifetime_s, 0);
	assert_int_equal(ra.flags, RA_FLAG_HOME_AGENT);
	assert_false(ra.has_ha_info);
	fake_end(&f);
}

static void time_over_revokes(void **state)
{
	struct fake f;

	(void)state;
	draining(&f, 60);
	fake_run(&f, 59 * USEC_S);
	assert_int_equal(f.ha.counters[HA_TX_BRI], 0);
	fake_forget_calls(&f);
	fake_run(&f, USEC_S);
	assert_int_equal(f.ha.counters[HA_TX_BRI], 1);
	assert_int_equal(f.ha.drain.state, DRAIN_LAST);
	/* Nobody may register any more, known or not. */
	send_bu(&f, HOA_B, COA, 1, 100);
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA_B).status, BA_NO_HOME_REG);
	send_bu(&f, HOA, COA, 11, 100);
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA).status, BA_PROHIBITED);
	assert_int_equal(fake_at(&f, CALL_DRAINED), -1);
	fake_run(&f, 3 * USEC_S);
	assert_int_equal(f.ha.counters[HA_REVOKE_UNANSWERED], 1);
	fake_run(&f, USEC_S);
	assert_int_equal(fake_count(&f, CALL_DRAINED), 1);
	assert_int_equal(ha_bound_count(&f.ha), 0);
	fake_end(&f);
}

static void cancelled(void **state)
{
	const struct nd_prefix *p;
	struct nd_ra ra;
	struct fake f;

	(void)state;
	draining(&f, 60);
	fake_forget_calls(&f);
	assert_int_equal(ha_drain_cancel(&f.ha, f.now), 0);
	ra = told(&f);		/* B is told again */
	p = prefix_with(&ra, PIO_FLAG_AUTO);
	assert_non_null(p);
	assert_int_equal(p->preferred_s, 3600);
	assert_int_equal(ra.router_lifetime_s, 1800);
	assert_int_equal(ra.flags, RA_FLAG_HOME_AGENT);
	fake_rs(&f, 7, mac_c, "fe80::c", 255);
	ra = told(&f);
	assert_non_null(prefix_with(&ra, PIO_FLAG_AUTO));
	fake_run(&f, 100 * USEC_S);
	assert_int_equal(fake_at(&f, CALL_DRAINED), -1);
	assert_int_equal(ha_bound_count(&f.ha), 1);
	assert_int_equal(ha_drain_cancel(&f.ha, f.now), -ENOENT);
	fake_end(&f);
}

static void cannot_be_cancelled(void **state)
{
	struct fake f;

	(void)state;
	draining(&f, 60);
	/* A signal comes after the order. */
	assert_int_equal(ha_drain(&f.ha, 30 * USEC_S, true, f.now), 0);
	assert_int_equal(ha_drain_cancel(&f.ha, f.now), -EPERM);
	/* Another order sets another time, but is no way out. */
	assert_int_equal(ha_drain(&f.ha, 40 * USEC_S, false, f.now), 0);
	assert_int_equal(ha_drain_cancel(&f.ha, f.now), -EPERM);
	fake_run(&f, 39 * USEC_S);
	assert_int_equal(f.ha.drain.state, DRAIN_ON);
	fake_run(&f, USEC_S);
	assert_int_equal(f.ha.drain.state, DRAIN_LAST);
	assert_int_equal(ha_drain(&f.ha, 40 * USEC_S, false, f.now), -EALREADY);
	assert_int_equal(ha_drain_cancel(&f.ha, f.now), -EPERM);
	fake_end(&f);
}

/* So many mobile nodes that never answer that not all can be told: it stops all the same. */
static void gives_up(void **state)
{
	struct fake f;

	(void)state;
	draining(&f, 60);
	f.ha.revocations.n_outstanding = REVOKE_MAX;	/* as if so many were told already */
	fake_run(&f, 69 * USEC_S);
	assert_int_equal(f.ha.drain.state, DRAIN_LAST);
	assert_int_equal(f.ha.counters[HA_TX_BRI], 0);
	assert_int_equal(fake_at(&f, CALL_DRAINED), -1);
	fake_run(&f, USEC_S);
	assert_int_equal(fake_count(&f, CALL_DRAINED), 1);
	fake_end(&f);
}

/* Of hosts that share a prefix nobody knows who was there before. */
static void shared_prefix(void **state)
{
	const struct nd_prefix *p;
	struct ha_home_config *h;
	struct nd_ra ra;
	struct fake f;

	(void)state;
	fake_config(&f, POOL);
	h = &f.cfg.homes[f.cfg.n_homes++];
	memcpy(h->interface, "lan0", 5);
	h->mode = HOME_SHARED;
	assert_int_equal(in6_prefix_parse("2001:db8:5:500::/64", &h->prefix), 0);
	assert_null(ha_config_check(&f.cfg));
	fake_begin(&f);
	fake_link(&f, 7, "lan0", "fe80::1");
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = "2001:db8:5:500::a5", .seq = 10,
				  .lifetime = 100, .key = &f.keys[0],
				  .dst = "2001:db8:5:500::1" });
	fake_run(&f, 5 * USEC_S);
	assert_int_equal(ha_bound_count(&f.ha), 1);
	assert_int_equal(ha_drain(&f.ha, 60 * USEC_S, false, f.now), 0);
	ra = told(&f);
	p = prefix_with(&ra, PIO_FLAG_AUTO);
	assert_non_null(p);
	assert_int_equal(p->preferred_s, 0);
	assert_int_equal(p->valid_s, 3600);	/* hosts go on using what they have */
	fake_bu(&f, &(struct bu){ .src = COA2, .hoa = "2001:db8:5:500::a6", .seq = 1,
				  .lifetime = 100, .key = &f.keys[0],
				  .dst = "2001:db8:5:500::1" });
	assert_int_equal(fake_ba(&f, &f.keys[0], COA2, "2001:db8:5:500::a6").status,
			 BA_NO_HOME_REG);
	fake_bu(&f, &(struct bu){ .src = COA2, .hoa = "2001:db8:5:500::a5", .seq = 11,
				  .lifetime = 100, .key = &f.keys[0],
				  .dst = "2001:db8:5:500::1" });
	assert_int_equal(fake_ba(&f, &f.keys[0], COA2, "2001:db8:5:500::a5").status, BA_ACCEPTED);
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
		cmocka_unit_test(everybody_is_told),
		cmocka_unit_test(new_host_gets_nothing),
		cmocka_unit_test(flows_go_on),
		cmocka_unit_test(ends_with_the_last_binding),
		cmocka_unit_test(ends_at_once_without_bindings),
		cmocka_unit_test(time_over_revokes),
		cmocka_unit_test(cancelled),
		cmocka_unit_test(cannot_be_cancelled),
		cmocka_unit_test(gives_up),
		cmocka_unit_test(shared_prefix),
	};

	return cmocka_run_group_tests_name("drain", tests, quiet, NULL);
}
