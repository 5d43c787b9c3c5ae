/* SPDX-License-Identifier: BSD-2-Clause */
/* The whole home agent behind fake operations: what a host and an operator rely on. */
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

static const uint8_t mac_a[6] = { 2, 0, 0, 0, 0, 0xa }, mac_b[6] = { 2, 0, 0, 0, 0, 0xb };

static const struct nd_prefix *own_prefix(const struct nd_ra *ra)
{
	for (unsigned int i = 0; i < ra->n_prefixes; i++)
		if (ra->prefixes[i].flags & PIO_FLAG_AUTO)
			return &ra->prefixes[i];
	return NULL;
}

static void assert_given(const struct fake *f, const char *prefix)
{
	struct in6_addr p = addr(prefix);
	struct nd_ra ra;

	assert_true(fake_ra(f, &ra));
	assert_non_null(own_prefix(&ra));
	assert_true(in6_eq(&own_prefix(&ra)->prefix, &p));
}

/* Host A away at COA, bound with sequence number 10. */
static void bound(struct fake *f)
{
	fake_start(f, POOL);
	fake_rs(f, 7, mac_a, "fe80::a", 255);
	fake_bu(f, &(struct bu){ .src = COA, .hoa = HOA, .seq = 10, .lifetime = 100,
				 .key = &f->keys[0] });
	assert_int_equal(ha_bound_count(&f->ha), 1);
	fake_forget_calls(f);
}

/* ---- advertisements and leases ---- */

static void solicitation_is_answered_at_once(void **state)
{
	struct in6_addr ha_address = addr("2001:db8:1:100::1"), all = addr("ff02::1");
	struct ip6_packet ip;
	const struct nd_prefix *p;
	struct fake f;
	struct nd_ra ra;
	bool seen = false;

	(void)state;
	fake_config(&f, POOL);
	f.cfg.mtu = 1400;
	f.cfg.n_rdnss = 1;
	f.cfg.rdnss[0] = addr("2001:db8::53");
	fake_begin(&f);
	fake_link(&f, 7, "lan0", "fe80::1");
	fake_forget_calls(&f);
	fake_rs(&f, 7, mac_a, "::", 255);
	assert_given(&f, "2001:db8:1:101::");
	assert_memory_equal(f.packet_mac, mac_a, 6);
	assert_int_equal(f.packet_ifindex, 7);
	assert_int_equal(ip6_decode(f.packet, f.packet_len, &ip), IP6_OK);
	assert_true(in6_eq(&ip.dst, &all));
	assert_true(fake_ra(&f, &ra));
	assert_int_equal(ra.flags, RA_FLAG_HOME_AGENT);
	assert_int_equal(ra.router_lifetime_s, 1800);
	assert_int_equal(ra.adv_interval_ms, 10000);
	assert_true(ra.has_ha_info && ra.ha_lifetime_s == 3600);
	assert_true(ra.slla.present);
	assert_int_equal(ra.mtu, 1400);
	assert_int_equal(ra.n_rdnss, 1);
	p = own_prefix(&ra);
	assert_int_equal(p->flags, PIO_FLAG_AUTO);
	assert_int_equal(p->plen, 64);
	assert_int_equal(p->valid_s, 3600);
	for (unsigned int i = 0; i < ra.n_prefixes; i++)
		if (ra.prefixes[i].flags == PIO_FLAG_ROUTER)
			seen = in6_eq(&ra.prefixes[i].prefix, &ha_address);
	assert_true(seen);
	fake_end(&f);
}

static void stored_then_routed_then_told(void **state)
{
	struct fake f;

	(void)state;
	fake_start(&f, POOL);
	fake_rs(&f, 7, mac_a, "::", 255);
	assert_true(fake_at(&f, CALL_LEASE_STORE_DURABLE) >= 0);
	assert_true(fake_at(&f, CALL_LEASE_STORE_DURABLE) < fake_at(&f, CALL_SEND_LINK));
	assert_true(fake_at(&f, CALL_ATTACH) < fake_at(&f, CALL_SEND_LINK));
	assert_true(f.lease.until >= f.now + f.cfg.prefix_lifetime);
	assert_true(f.lease.attached);
	/* The database knows enough: the next answer needs no disk. */
	fake_forget_calls(&f);
	f.now += USEC_S;
	fake_rs(&f, 7, mac_a, "::", 255);
	assert_int_equal(fake_at(&f, CALL_LEASE_STORE_DURABLE), -1);
	assert_given(&f, "2001:db8:1:101::");
	fake_end(&f);
}

static void without_database_no_prefix(void **state)
{
	struct nd_ra ra;
	struct fake f;

	(void)state;
	fake_start(&f, POOL);
	f.store_error = -EROFS;
	fake_rs(&f, 7, mac_a, "::", 255);
	assert_true(fake_ra(&f, &ra));
	assert_null(own_prefix(&ra));
	assert_int_equal(f.ha.homes[0].pool.n, 0);
	assert_int_equal(fake_at(&f, CALL_ATTACH), -1);
	assert_int_equal(f.ha.counters[HA_STORE_FAILED], 1);
	fake_end(&f);
}

static void same_host_same_prefix(void **state)
{
	struct ha_lease_record kept;
	struct fake f;

	(void)state;
	fake_start(&f, POOL);
	fake_rs(&f, 7, mac_a, "::", 255);
	kept = f.lease;
	fake_rs(&f, 7, mac_b, "::", 255);
	assert_given(&f, "2001:db8:1:102::");
	fake_rs(&f, 7, mac_a, "fe80::a", 255);
	assert_given(&f, "2001:db8:1:101::");
	fake_link(&f, 8, "lan1", "fe80::2");	/* by another interface too */
	fake_rs(&f, 8, mac_a, "::", 255);
	assert_given(&f, "2001:db8:1:101::");
	assert_int_equal(f.packet_ifindex, 8);
	fake_end(&f);

	/* After a restart; B comes first this time. */
	fake_config(&f, POOL);
	fake_begin(&f);
	assert_int_equal(ha_restore_lease(&f.ha, &kept, f.now), 0);
	fake_link(&f, 7, "lan0", "fe80::1");
	assert_int_equal(fake_count(&f, CALL_ATTACH), 1);	/* it was attached */
	fake_rs(&f, 7, mac_b, "::", 255);
	assert_given(&f, "2001:db8:1:102::");
	fake_rs(&f, 7, mac_a, "::", 255);
	assert_given(&f, "2001:db8:1:101::");
	fake_end(&f);
}

static void bad_solicitations_change_nothing(void **state)
{
	static const uint8_t group[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	struct fake f;

	(void)state;
	fake_start(&f, POOL);
	fake_rs(&f, 7, mac_a, "fe80::a", 64);			/* not from this link */
	assert_int_equal(f.ha.icmp6_errors[ICMP6_ERR_HOP_LIMIT], 1);
	fake_rs(&f, 7, mac_a, "2001:db8::1", 255);
	fake_rs(&f, 7, group, "::", 255);
	assert_int_equal(f.ha.counters[HA_RS_BAD_SOURCE], 2);
	fake_rs(&f, 99, mac_a, "::", 255);			/* not an access interface */
	assert_int_equal(f.n_calls, 0);
	assert_int_equal(f.ha.homes[0].pool.n, 0);
	fake_end(&f);
}

static void cut_solicitation_changes_nothing(void **state)
{
	struct icmp6_msg msg = { .type = ICMP6_RS };
	uint8_t room[256];
	struct fake f;
	size_t len;

	(void)state;
	fake_start(&f, POOL);
	len = nd_packet(room, sizeof(room), &msg, "fe80::a", "ff02::2", 255);
	for (size_t n = 0; n < len; n++)
		ha_rx_nd(&f.ha, 7, mac_a, room, n, f.now);
	assert_int_equal(f.n_calls, 0);
	assert_int_equal(f.ha.counters[HA_RX_ND], len);
	assert_int_equal(f.ha.counters[HA_RX_RS], 0);
	fake_end(&f);
}

static void solicitations_are_limited(void **state)
{
	struct fake f;

	(void)state;
	fake_start(&f, POOL);
	for (unsigned int i = 0; i < 50; i++)
		fake_rs(&f, 7, mac_a, "::", 255);
	assert_true(fake_count(&f, CALL_SEND_LINK) <= HA_RS_BURST + 1);
	assert_true(f.ha.counters[HA_RS_LIMITED] >= 44);
	fake_forget_calls(&f);
	f.now += 2 * USEC_S;
	fake_rs(&f, 7, mac_a, "::", 255);
	assert_int_equal(fake_count(&f, CALL_SEND_LINK), 1);
	fake_end(&f);
}

static void exhausted_pool_says_so(void **state)
{
	uint8_t mac[6] = { 2, 0, 0, 1, 0, 0 };
	struct nd_ra ra;
	struct fake f;

	(void)state;
	fake_start(&f, "2001:db8:1:100::/62");	/* four /64s, one is ours */
	for (uint8_t i = 0; i < 3; i++) {
		mac[5] = i;
		fake_rs(&f, 7, mac, "::", 255);
		assert_true(fake_ra(&f, &ra));
		assert_non_null(own_prefix(&ra));
	}
	mac[5] = 3;
	fake_rs(&f, 7, mac, "::", 255);
	assert_true(fake_ra(&f, &ra));
	assert_null(own_prefix(&ra));
	assert_int_equal(f.ha.counters[HA_POOL_EXHAUSTED], 1);
	mac[5] = 1;				/* who has one keeps it */
	fake_rs(&f, 7, mac, "::", 255);
	assert_given(&f, "2001:db8:1:102::");
	fake_end(&f);
}

static void prefix_is_not_reused_too_early(void **state)
{
	struct nd_ra ra;
	struct fake f;

	(void)state;
	fake_start(&f, "2001:db8:1:100::/63");	/* one prefix to give */
	fake_rs(&f, 7, mac_a, "fe80::a", 255);
	assert_given(&f, "2001:db8:1:101::");
	/* A goes away and keeps its binding, with refreshes, past the lifetime. */
	for (uint16_t i = 0; i < 20; i++) {
		fake_bu(&f, &(struct bu){ .src = COA, .hoa = HOA, .seq = i, .lifetime = 150,
					  .key = &f.keys[0] });
		fake_run(&f, 590 * USEC_S);
	}
	assert_int_equal(ha_bound_count(&f.ha), 1);
	fake_rs(&f, 7, mac_b, "fe80::b", 255);
	assert_true(fake_ra(&f, &ra));
	assert_null(own_prefix(&ra));
	/* Binding over, lifetime not. */
	fake_run(&f, 700 * USEC_S);
	assert_int_equal(ha_bound_count(&f.ha), 0);
	assert_int_equal(ha_lease_count(&f.ha, LEASE_DETACHED), 1);
	fake_rs(&f, 7, mac_b, "fe80::b", 255);
	assert_true(fake_ra(&f, &ra));
	assert_null(own_prefix(&ra));
	/* Lifetime over. */
	fake_run(&f, 3600 * USEC_S);
	assert_int_equal(ha_lease_count(&f.ha, LEASE_FREE), 1);
	fake_rs(&f, 7, mac_b, "fe80::b", 255);
	assert_given(&f, "2001:db8:1:101::");
	fake_rs(&f, 7, mac_a, "fe80::a", 255);
	assert_true(fake_ra(&f, &ra));
	assert_null(own_prefix(&ra));
	fake_end(&f);
}

static void periodic_advertisements(void **state)
{
	static const uint8_t all[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	struct nd_ra ra;
	struct fake f;

	(void)state;
	fake_config(&f, POOL);
	fake_begin(&f);
	fake_link(&f, 7, "lan0", NULL);		/* no address yet */
	assert_int_equal(f.n_calls, 0);
	fake_link(&f, 7, "lan0", "fe80::1");	/* now: at once */
	assert_int_equal(fake_count(&f, CALL_SEND_LINK), 1);
	assert_memory_equal(f.packet_mac, all, 6);
	assert_true(fake_ra(&f, &ra));
	assert_null(own_prefix(&ra));
	assert_true(ra.flags & RA_FLAG_HOME_AGENT);
	fake_run(&f, 100 * USEC_S);
	assert_int_equal(fake_count(&f, CALL_SEND_LINK), 11);
	fake_link(&f, 0, "lan0", NULL);		/* gone: silence */
	fake_run(&f, 100 * USEC_S);
	assert_int_equal(fake_count(&f, CALL_SEND_LINK), 11);
	fake_end(&f);
}

static void solicitation_before_our_address(void **state)
{
	struct fake f;

	(void)state;
	fake_config(&f, POOL);
	fake_begin(&f);
	fake_link(&f, 7, "lan0", NULL);
	fake_rs(&f, 7, mac_a, "::", 255);
	assert_int_equal(fake_count(&f, CALL_SEND_LINK), 0);
	fake_link(&f, 7, "lan0", "fe80::1");	/* the answer is made up for */
	assert_given(&f, "2001:db8:1:101::");
	fake_end(&f);
}

static void attached_host_is_refreshed(void **state)
{
	struct nd_ra ra;
	struct fake f;

	(void)state;
	fake_start(&f, POOL);
	fake_rs(&f, 7, mac_a, "::", 255);
	fake_run(&f, 1199 * USEC_S);
	assert_int_equal(f.ha.counters[HA_TX_RA_REFRESH], 0);
	fake_run(&f, 1 * USEC_S);		/* a third of the lifetime */
	assert_int_equal(f.ha.counters[HA_TX_RA_REFRESH], 1);
	fake_forget_calls(&f);
	fake_na(&f, 7, mac_a, "fe80::a");
	/* As long as it answers it goes on, with the whole lifetime each time. */
	for (unsigned int i = 0; i < 240; i++) {
		fake_run(&f, 30 * USEC_S);
		fake_na(&f, 7, mac_a, "fe80::a");
		if (f.packet_mac[0] != mac_a[0] || !fake_ra(&f, &ra) || !own_prefix(&ra))
			continue;
		assert_int_equal(own_prefix(&ra)->valid_s, 3600);
	}
	assert_int_equal(f.ha.counters[HA_TX_RA_REFRESH], 7);
	assert_int_equal(ha_lease_count(&f.ha, LEASE_ATTACHED), 1);
	fake_end(&f);
}

/* ---- presence ---- */

static void silent_host_is_probed_then_detached(void **state)
{
	struct fake f;

	(void)state;
	fake_start(&f, POOL);
	fake_rs(&f, 7, mac_a, "fe80::a", 255);
	fake_run(&f, 59 * USEC_S);
	assert_int_equal(f.ha.counters[HA_TX_NS], 0);
	fake_run(&f, 1 * USEC_S);
	assert_int_equal(f.ha.counters[HA_TX_NS], 1);
	fake_na(&f, 7, mac_a, "fe80::a");	/* it answers: all is well */
	fake_run(&f, 59 * USEC_S);
	assert_int_equal(f.ha.counters[HA_TX_NS], 1);
	assert_int_equal(ha_lease_count(&f.ha, LEASE_ATTACHED), 1);
	fake_forget_calls(&f);
	fake_run(&f, 10 * USEC_S);		/* it does not answer any more */
	assert_int_equal(f.ha.counters[HA_TX_NS], 4);
	assert_int_equal(ha_lease_count(&f.ha, LEASE_DETACHED), 1);
	assert_int_equal(fake_count(&f, CALL_DETACH), 1);
	assert_false(f.lease.attached);
	fake_rs(&f, 7, mac_a, "::", 255);	/* back: the same prefix */
	assert_given(&f, "2001:db8:1:101::");
	assert_int_equal(ha_lease_count(&f.ha, LEASE_ATTACHED), 1);
	/* Lost once more; it only slept, and does not know that it should solicit. */
	fake_run(&f, 70 * USEC_S);
	assert_int_equal(ha_lease_count(&f.ha, LEASE_DETACHED), 1);
	fake_forget_calls(&f);
	fake_run(&f, 61 * USEC_S);
	assert_int_equal(fake_count(&f, CALL_SEND_LINK) > 0, 1);
	fake_na(&f, 7, mac_a, "fe80::a");
	assert_int_equal(ha_lease_count(&f.ha, LEASE_ATTACHED), 1);
	assert_int_equal(fake_count(&f, CALL_ATTACH), 1);
	/* Who registered from elsewhere is not asked, and not believed to be here. */
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = HOA, .seq = 1, .lifetime = 150,
				  .key = &f.keys[0] });
	fake_na(&f, 7, mac_a, "fe80::a");
	assert_int_equal(ha_lease_count(&f.ha, LEASE_DETACHED), 1);
	/* Never heard again: its prefix becomes free. */
	fake_run(&f, 2 * 3600 * USEC_S);
	assert_int_equal(ha_lease_count(&f.ha, LEASE_FREE), 1);
	assert_true(timers_next(&f.timers) <= f.now + f.cfg.ra_interval);
	fake_end(&f);
}

static void host_of_unknown_address_is_not_probed(void **state)
{
	struct fake f;

	(void)state;
	fake_start(&f, POOL);
	fake_rs(&f, 7, mac_a, "::", 255);
	fake_run(&f, 1000 * USEC_S);
	assert_int_equal(f.ha.counters[HA_TX_NS], 0);
	assert_int_equal(ha_lease_count(&f.ha, LEASE_ATTACHED), 1);
	/* But a host that is never heard again does not keep its prefix for ever. */
	fake_run(&f, 3 * 3600 * USEC_S);
	assert_int_equal(ha_lease_count(&f.ha, LEASE_FREE), 1);
	fake_end(&f);
}

static void host_behind_a_dead_link(void **state)
{
	struct fake f;

	(void)state;
	fake_start(&f, POOL);
	fake_rs(&f, 7, mac_a, "fe80::a", 255);
	fake_link(&f, 0, "lan0", NULL);
	fake_run(&f, 1800 * USEC_S);
	assert_int_equal(ha_lease_count(&f.ha, LEASE_ATTACHED), 1);	/* our cable, not its */
	fake_run(&f, 7200 * USEC_S);
	assert_int_equal(ha_lease_count(&f.ha, LEASE_FREE), 1);
	fake_end(&f);
}

/* ---- Binding Updates ---- */

static void registration(void **state)
{
	struct in6_addr hoa = addr(HOA), coa = addr(COA), ha = addr("2001:db8:1:100::1");
	struct ip6_packet ip;
	struct mh_msg msg;
	struct mh_ba ba;
	struct fake f;

	(void)state;
	fake_start(&f, POOL);
	fake_rs(&f, 7, mac_a, "fe80::a", 255);
	fake_forget_calls(&f);
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = HOA, .seq = 10, .lifetime = 100,
				  .key = &f.keys[0] });
	ba = fake_ba(&f, &f.keys[0], COA, HOA);
	assert_int_equal(ba.status, BA_ACCEPTED);
	assert_int_equal(ba.seq, 10);
	assert_int_equal(ba.lifetime, 100);
	assert_true(fake_mh(&f, &ip, &msg));
	assert_true(in6_eq(&ip.src, &ha) && in6_eq(&ip.dst, &coa));
	assert_true(ip.has_rh2 && in6_eq(&ip.rh2, &hoa));
	assert_int_equal(fake_count(&f, CALL_SEND_ROUTED), 1);
	assert_int_equal(fake_count(&f, CALL_DP_SET), 1);
	assert_true(fake_at(&f, CALL_DP_SET) < fake_at(&f, CALL_SEND_ROUTED));
	assert_true(in6_eq(&f.dp.inner.addr, &hoa) && f.dp.inner.len == 128);
	assert_true(in6_eq(&f.dp.local, &ha) && in6_eq(&f.dp.remote, &coa));
	assert_int_equal(fake_count(&f, CALL_BINDING_STORE), 1);
	/* It registered from elsewhere: it is not on the link. */
	assert_int_equal(fake_count(&f, CALL_DETACH), 1);
	assert_int_equal(ha_lease_count(&f.ha, LEASE_DETACHED), 1);
	fake_end(&f);
}

static void refresh_touches_no_kernel(void **state)
{
	struct fake f;

	(void)state;
	bound(&f);
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = HOA, .seq = 11, .lifetime = 100,
				  .key = &f.keys[0] });
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA).status, BA_ACCEPTED);
	assert_int_equal(fake_count(&f, CALL_DP_SET), 0);
	assert_int_equal(f.event.type, HA_EVENT_BINDING_REFRESHED);
	fake_run(&f, 399 * USEC_S);
	assert_int_equal(ha_bound_count(&f.ha), 1);
	fake_end(&f);
}

static void move_replaces(void **state)
{
	struct in6_addr coa2 = addr(COA2);
	struct fake f;

	(void)state;
	bound(&f);
	fake_bu(&f, &(struct bu){ .src = COA2, .hoa = HOA, .seq = 11, .lifetime = 100,
				  .key = &f.keys[0] });
	assert_int_equal(fake_ba(&f, &f.keys[0], COA2, HOA).status, BA_ACCEPTED);
	assert_int_equal(fake_count(&f, CALL_DP_SET), 1);
	assert_int_equal(fake_count(&f, CALL_DP_DEL), 0);
	assert_true(in6_eq(&f.dp.remote, &coa2));
	assert_int_equal(f.event.type, HA_EVENT_BINDING_MOVED);
	fake_end(&f);
}

static void failed_move_keeps_the_binding(void **state)
{
	struct in6_addr hoa = addr(HOA), coa = addr(COA);
	struct fake f;

	(void)state;
	bound(&f);
	f.dp_error = -ENOMEM;
	fake_bu(&f, &(struct bu){ .src = COA2, .hoa = HOA, .seq = 11, .lifetime = 100,
				  .key = &f.keys[0] });
	assert_int_equal(fake_ba(&f, &f.keys[0], COA2, HOA).status, BA_UNSPECIFIED);
	assert_true(in6_eq(&ha_bound_find(&f.ha, &hoa)->coa, &coa));
	/* A new one leaves nothing behind. */
	fake_rs(&f, 7, mac_b, "::", 255);
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = HOA_B, .seq = 1, .lifetime = 100,
				  .key = &f.keys[0] });
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA_B).status, BA_UNSPECIFIED);
	assert_int_equal(f.ha.bcache.n, 1);
	assert_int_equal(f.ha.verdicts[VERDICT_DATAPATH], 2);
	fake_end(&f);
}

static void replay_is_refused(void **state)
{
	struct in6_addr hoa = addr(HOA), coa2 = addr(COA2);
	uint8_t room[512];
	struct mh_ba ba;
	struct fake f;
	size_t len;

	(void)state;
	bound(&f);
	len = bu_packet(&(struct bu){ .src = COA, .hoa = HOA, .seq = 11, .lifetime = 100,
				      .key = &f.keys[0] }, room, sizeof(room));
	ha_rx_mh(&f.ha, room, len, f.now);
	fake_bu(&f, &(struct bu){ .src = COA2, .hoa = HOA, .seq = 12, .lifetime = 100,
				  .key = &f.keys[0] });
	fake_forget_calls(&f);
	ha_rx_mh(&f.ha, room, len, f.now);	/* word for word */
	ba = fake_ba(&f, &f.keys[0], COA, HOA);
	assert_int_equal(ba.status, BA_SEQ_OUT_OF_WINDOW);
	assert_int_equal(ba.seq, 12);
	assert_int_equal(fake_count(&f, CALL_DP_SET), 0);
	assert_true(in6_eq(&ha_bound_find(&f.ha, &hoa)->coa, &coa2));
	fake_end(&f);
}

static void sequence_wraps(void **state)
{
	struct fake f;

	(void)state;
	fake_start(&f, POOL);
	fake_rs(&f, 7, mac_a, "::", 255);
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = HOA, .seq = 65535, .lifetime = 100,
				  .key = &f.keys[0] });
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = HOA, .seq = 0, .lifetime = 100,
				  .key = &f.keys[0] });
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA).status, BA_ACCEPTED);
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = HOA, .seq = 65535, .lifetime = 100,
				  .key = &f.keys[0] });
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA).status, BA_SEQ_OUT_OF_WINDOW);
	fake_end(&f);
}

static void binding_expires(void **state)
{
	struct fake f;

	(void)state;
	bound(&f);
	fake_run(&f, 401 * USEC_S);
	assert_int_equal(f.ha.bcache.n, 0);
	assert_int_equal(fake_count(&f, CALL_DP_DEL), 1);
	assert_int_equal(fake_count(&f, CALL_BINDING_FORGET), 1);
	assert_int_equal(f.event.type, HA_EVENT_BINDING_EXPIRED);
	fake_end(&f);
}

static void deregistration_from_away(void **state)
{
	struct mh_ba ba;
	struct fake f;

	(void)state;
	bound(&f);
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = HOA, .seq = 11, .lifetime = 0,
				  .key = &f.keys[0] });
	ba = fake_ba(&f, &f.keys[0], COA, HOA);
	assert_int_equal(ba.status, BA_ACCEPTED);
	assert_int_equal(ba.lifetime, 0);
	assert_int_equal(ha_bound_count(&f.ha), 0);
	assert_true(fake_at(&f, CALL_DP_DEL) >= 0);
	assert_true(fake_at(&f, CALL_DP_DEL) < fake_at(&f, CALL_SEND_ROUTED));
	assert_int_equal(ha_lease_count(&f.ha, LEASE_DETACHED), 1);
	/* An older update that was delayed does not bring it back (RFC 6275 10.3.2). */
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = HOA, .seq = 10, .lifetime = 100,
				  .key = &f.keys[0] });
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA).status, BA_SEQ_OUT_OF_WINDOW);
	assert_int_equal(ha_bound_count(&f.ha), 0);
	/* A new one does. */
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = HOA, .seq = 12, .lifetime = 100,
				  .key = &f.keys[0] });
	assert_int_equal(ha_bound_count(&f.ha), 1);
	fake_end(&f);
}

static void deregistration_at_home(void **state)
{
	struct in6_addr hoa = addr(HOA);
	struct ip6_packet ip;
	struct mh_msg msg;
	struct fake f;

	(void)state;
	bound(&f);
	fake_rs(&f, 7, mac_a, "fe80::a", 255);
	fake_forget_calls(&f);
	fake_bu(&f, &(struct bu){ .src = HOA, .seq = 11, .lifetime = 0, .key = &f.keys[0] });
	assert_int_equal(fake_ba(&f, &f.keys[0], HOA, HOA).status, BA_ACCEPTED);
	assert_true(fake_mh(&f, &ip, &msg));
	assert_false(ip.has_rh2);
	assert_true(in6_eq(&ip.dst, &hoa));
	/* By the link, whatever routes there are. */
	assert_int_equal(fake_count(&f, CALL_SEND_LINK), 1);
	assert_memory_equal(f.packet_mac, mac_a, 6);
	assert_int_equal(ha_bound_count(&f.ha), 0);
	assert_int_equal(ha_lease_count(&f.ha, LEASE_ATTACHED), 1);
	/* After the wait nothing is left. */
	fake_run(&f, 11 * USEC_S);
	assert_int_equal(f.ha.bcache.n, 0);
	assert_int_equal(pool_find_mac(&f.ha.homes[0].pool, mac_a)->bindings, 0);
	/* And there is nothing to release a second time. */
	fake_bu(&f, &(struct bu){ .src = HOA, .seq = 12, .lifetime = 0, .key = &f.keys[0] });
	assert_int_equal(fake_ba(&f, &f.keys[0], HOA, HOA).status, BA_NOT_HOME_AGENT);
	fake_end(&f);
}

/* The registration was overtaken by its end. */
static void deregistration_comes_first(void **state)
{
	struct fake f;

	(void)state;
	fake_start(&f, POOL);
	fake_rs(&f, 7, mac_a, "fe80::a", 255);
	fake_bu(&f, &(struct bu){ .src = HOA, .seq = 11, .lifetime = 0, .key = &f.keys[0] });
	assert_int_equal(fake_ba(&f, &f.keys[0], HOA, HOA).status, BA_NOT_HOME_AGENT);
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = HOA, .seq = 10, .lifetime = 100,
				  .key = &f.keys[0] });
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA).status, BA_SEQ_OUT_OF_WINDOW);
	assert_int_equal(fake_count(&f, CALL_DP_SET), 0);
	assert_int_equal(fake_count(&f, CALL_DP_DEL), 0);
	assert_int_equal(ha_bound_count(&f.ha), 0);
	assert_int_equal(ha_lease_count(&f.ha, LEASE_ATTACHED), 1);
	fake_run(&f, 10 * USEC_S);
	assert_int_equal(f.ha.bcache.n, 0);
	fake_end(&f);
}

static void prefixes_of_others(void **state)
{
	struct fake f;

	(void)state;
	fake_start(&f, POOL);
	f.keys[0].has_mn = true;
	memcpy(f.keys[0].mn, mac_a, 6);
	fake_rs(&f, 7, mac_a, "::", 255);
	fake_rs(&f, 7, mac_b, "::", 255);
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = HOA_B, .seq = 1, .lifetime = 100,
				  .key = &f.keys[0] });
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA_B).status, BA_NOT_HOME_AGENT);
	assert_int_equal(f.event.type, HA_EVENT_BU_REFUSED);
	assert_int_equal(f.event.status, BA_NOT_HOME_AGENT);
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = "2001:db8:9:101::5", .seq = 1,
				  .lifetime = 100, .key = &f.keys[0] });
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, "2001:db8:9:101::5").status,
			 BA_NOT_HOME_SUBNET);
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = "2001:db8:1:1f0::5", .seq = 1,
				  .lifetime = 100, .key = &f.keys[0] });
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, "2001:db8:1:1f0::5").status,
			 BA_NOT_HOME_SUBNET);
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = "2001:db8:1:100::5", .seq = 1,
				  .lifetime = 100, .key = &f.keys[0] });	/* our own /64 */
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, "2001:db8:1:100::5").status,
			 BA_NOT_HOME_SUBNET);
	assert_int_equal(fake_count(&f, CALL_DP_SET), 0);
	assert_int_equal(f.ha.bcache.n, 0);
	fake_end(&f);
}

static void two_home_addresses_make_no_loop(void **state)
{
	struct fake f;

	(void)state;
	bound(&f);
	fake_rs(&f, 7, mac_b, "::", 255);
	/* B bound at A's home address, which is bound itself. */
	fake_bu(&f, &(struct bu){ .src = HOA, .hoa = HOA_B, .seq = 1, .lifetime = 100,
				  .key = &f.keys[0] });
	assert_int_equal(f.ha.verdicts[VERDICT_COA_BOUND], 1);
	assert_int_equal(ha_bound_count(&f.ha), 1);
	fake_end(&f);
}

/* ---- strangers ---- */

static void wrong_key_is_not_answered(void **state)
{
	struct ha_key wrong = { 0 };
	struct fake f;

	(void)state;
	fake_start(&f, POOL);
	fake_rs(&f, 7, mac_a, "::", 255);
	fake_forget_calls(&f);
	assert_int_equal(auth_key_init(&wrong.auth, SPI, AUTH_HMAC_SHA256_128,
				       "not the right key", 16), 0);
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = HOA, .seq = 1, .lifetime = 100,
				  .key = &wrong });
	assert_int_equal(f.ha.verdicts[VERDICT_BAD_AUTH], 1);
	wrong.auth.spi = 999;
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = HOA, .seq = 1, .lifetime = 100,
				  .key = &wrong });
	assert_int_equal(f.ha.verdicts[VERDICT_UNKNOWN_SPI], 1);
	assert_int_equal(f.n_calls, 0);
	assert_int_equal(f.ha.bcache.n, 0);
	/* Only where the operator asks for it (RFC 4285 5.1.1), and not without limit. */
	f.cfg.answer_auth_failure = true;
	wrong.auth.spi = SPI;
	for (unsigned int i = 0; i < 50; i++)
		fake_bu(&f, &(struct bu){ .src = COA, .hoa = HOA, .seq = 1, .lifetime = 100,
					  .key = &wrong });
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA).status, BA_AUTH_FAIL);
	assert_int_equal(fake_count(&f, CALL_SEND_ROUTED), HA_ERROR_BURST);
	assert_int_equal(f.ha.bcache.n, 0);
	auth_key_wipe(&wrong.auth);
	fake_end(&f);
}

static uint64_t all_drops(const struct ha *ha)
{
	uint64_t n = ha->counters[HA_RX_MH_ELSEWHERE];

	for (enum ip6_err e = 0; e < IP6_ERR_MAX; e++)
		n += ha->mh_ip6_errors[e];
	for (enum mh_err e = 0; e < MH_ERR_MAX; e++)
		n += ha->mh_errors[e];
	for (enum verdict_reason r = 0; r < VERDICT_MAX; r++)
		n += ha->verdicts[r];
	return n;
}

static void cut_or_flipped_update_changes_nothing(void **state)
{
	uint8_t room[512], cut[512];
	struct fake f;
	size_t len;

	(void)state;
	bound(&f);
	len = bu_packet(&(struct bu){ .src = COA2, .hoa = HOA, .seq = 11, .lifetime = 100,
				      .alt_coa = COA2, .key = &f.keys[0] }, room, sizeof(room));
	for (size_t n = 0; n < len; n++) {
		uint64_t before = all_drops(&f.ha);

		memcpy(cut, room, n);
		ha_rx_mh(&f.ha, cut, n, f.now);
		assert_true(all_drops(&f.ha) == before + 1);
	}
	/* Without the alternate care-of address the source is covered too. */
	len = bu_packet(&(struct bu){ .src = COA2, .hoa = HOA, .seq = 11, .lifetime = 100,
				      .key = &f.keys[0] }, room, sizeof(room));
	for (size_t n = 0; n < len; n++) {
		uint64_t before = all_drops(&f.ha);

		/* Traffic class, flow label, hop limit; padding of the options header: nothing
		 * covers those. */
		if (n < 4 || n == 7 || n == 42 || n == 44 || n == 45)
			continue;
		memcpy(cut, room, len);
		cut[n] ^= 0x10;
		ha_rx_mh(&f.ha, cut, len, f.now);
		if (all_drops(&f.ha) != before + 1 || f.ha.verdicts[VERDICT_REGISTER] != 1)
			fail_msg("octet %zu of %zu", n, len);
	}
	assert_int_equal(fake_count(&f, CALL_DP_SET), 0);
	assert_int_equal(f.ha.verdicts[VERDICT_REGISTER], 1);
	/* Whole it is good. */
	ha_rx_mh(&f.ha, room, len, f.now);
	assert_int_equal(f.ha.verdicts[VERDICT_REGISTER], 2);
	fake_end(&f);
}

static size_t raw_mh(uint8_t *room, size_t cap, uint8_t proto, uint8_t hdrlen, uint8_t type)
{
	struct ip6_packet ip = {
		.src = addr(COA), .dst = addr("2001:db8:1:100::1"), .hop_limit = 64,
		.next_header = MH_NEXT_HEADER,
	};
	struct wbuf w;

	wb_init(&w, room, cap);
	ip6_encode(&w, &ip);
	wb_u8(&w, proto);
	wb_u8(&w, hdrlen);
	wb_u8(&w, type);
	wb_u8(&w, 0);
	wb_u16(&w, 0);
	wb_zero(&w, (size_t)(hdrlen + 1) * 8 - 6);
	ip6_finish(&w, 0);
	mh_set_cksum(room + 40, w.len - 40, &ip.src, &ip.dst);
	return w.len;
}

static void unreadable_headers_are_answered_within_limits(void **state)
{
	struct in6_addr coa = addr(COA);
	struct ip6_packet ip;
	struct mh_msg msg;
	uint8_t room[512];
	struct fake f;
	size_t len;

	(void)state;
	fake_start(&f, POOL);
	len = raw_mh(room, sizeof(room), 59, 1, 77);		/* unknown type */
	ha_rx_mh(&f.ha, room, len, f.now);
	assert_true(fake_mh(&f, &ip, &msg));
	assert_int_equal(msg.type, MH_BE);
	assert_int_equal(msg.u.be.status, BE_UNKNOWN_MH_TYPE);
	assert_true(in6_is_any(&msg.u.be.hoa) && in6_eq(&ip.dst, &coa));
	len = raw_mh(room, sizeof(room), 59, 0, MH_BU);		/* too short for a BU */
	ha_rx_mh(&f.ha, room, len, f.now);
	assert_int_equal(ip6_decode(f.packet, f.packet_len, &ip), IP6_OK);
	assert_int_equal(ip.next_header, IP6_NH_ICMP6);
	assert_int_equal(f.packet[40], 4);			/* parameter problem */
	assert_int_equal(f.packet[41], 0);
	assert_int_equal(f.packet[47], 41);			/* at Header Len */
	assert_memory_equal(f.packet + 48, room, len);
	assert_int_equal(cksum_ip6(&ip.src, &ip.dst, IP6_NH_ICMP6, f.packet + 40,
				   f.packet_len - 40), 0);
	len = raw_mh(room, sizeof(room), 6, 1, MH_BU);		/* piggybacking */
	ha_rx_mh(&f.ha, room, len, f.now);
	assert_int_equal(f.packet[47], 40);			/* at Payload Proto */
	for (unsigned int i = 0; i < 100; i++)
		ha_rx_mh(&f.ha, room, len, f.now);
	assert_int_equal(fake_count(&f, CALL_SEND_ROUTED), HA_ERROR_BURST);
	assert_true(f.ha.counters[HA_ERRORS_LIMITED] > 0);
	fake_end(&f);
}

static void what_passes_through_is_left_alone(void **state)
{
	struct fake f;

	(void)state;
	fake_start(&f, POOL);
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = HOA, .seq = 1, .lifetime = 100,
				  .key = &f.keys[0], .dst = "2001:db8:5::1" });
	assert_int_equal(f.ha.counters[HA_RX_MH_ELSEWHERE], 1);
	assert_int_equal(f.n_calls, 0);
	fake_end(&f);
}

/* ---- an earlier run ---- */

static void binding_is_restored(void **state)
{
	struct ha_binding_record r;
	struct ha_lease_record l;
	struct in6_addr hoa = addr(HOA);
	struct fake f;
	usec_t left;

	(void)state;
	bound(&f);
	r = f.binding;
	l = f.lease;
	left = r.expires - f.now;
	fake_end(&f);

	fake_config(&f, POOL);
	fake_begin(&f);
	assert_int_equal(ha_restore_binding(&f.ha, &r, f.now), -EINVAL);	/* no lease */
	assert_int_equal(ha_restore_lease(&f.ha, &l, f.now), 0);
	assert_int_equal(ha_restore_binding(&f.ha, &r, f.now), 0);
	assert_int_equal(fake_count(&f, CALL_DP_SET), 1);
	assert_int_equal(ha_bound_find(&f.ha, &hoa)->sequence, 10);
	/* A replay from before the restart. */
	fake_bu(&f, &(struct bu){ .src = COA, .hoa = HOA, .seq = 10, .lifetime = 100,
				  .key = &f.keys[0] });
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA).status, BA_SEQ_OUT_OF_WINDOW);
	fake_run(&f, left + USEC_S);
	assert_int_equal(ha_bound_count(&f.ha), 0);
	/* Over, or its key taken away: not restored. */
	assert_int_equal(ha_restore_binding(&f.ha, &r, f.now), -ESTALE);
	r.expires = f.now + 60 * USEC_S;
	r.spi = 4711;
	assert_int_equal(ha_restore_binding(&f.ha, &r, f.now), -EINVAL);
	fake_end(&f);
}

static void foreign_leases_are_not_restored(void **state)
{
	struct ha_lease_record r = { .mac = { 2, 0, 0, 0, 0, 0xa } };
	struct fake f;

	(void)state;
	fake_config(&f, POOL);
	fake_begin(&f);
	r.until = f.now + 60 * USEC_S;
	assert_int_equal(in6_prefix_parse("2001:db8:9:101::/64", &r.prefix), 0);
	assert_int_equal(ha_restore_lease(&f.ha, &r, f.now), -EINVAL);
	assert_int_equal(in6_prefix_parse("2001:db8:1:100::/64", &r.prefix), 0);
	assert_int_equal(ha_restore_lease(&f.ha, &r, f.now), -EINVAL);
	assert_int_equal(in6_prefix_parse("2001:db8:1:101::/64", &r.prefix), 0);
	assert_int_equal(ha_restore_lease(&f.ha, &r, f.now), 0);
	assert_int_equal(ha_restore_lease(&f.ha, &r, f.now), -EEXIST);
	fake_end(&f);
}

static void interface_comes_back(void **state)
{
	struct fake f;

	(void)state;
	fake_start(&f, POOL);
	fake_rs(&f, 7, mac_a, "fe80::a", 255);
	fake_link(&f, 0, "lan0", NULL);
	fake_forget_calls(&f);
	fake_link(&f, 12, "lan0", "fe80::1");	/* another number now */
	assert_int_equal(fake_count(&f, CALL_ATTACH), 1);
	assert_int_equal(f.packet_ifindex, 12);
	fake_rs(&f, 12, mac_a, "::", 255);
	assert_given(&f, "2001:db8:1:101::");
	fake_end(&f);
}

static void impossible_configurations_are_refused(void **state)
{
	struct ha_config cfg;

	(void)state;
	ha_config_defaults(&cfg);
	assert_non_null(ha_config_check(&cfg));
	cfg.n_interfaces = 1;
	memcpy(cfg.interfaces[0], "lan0", 5);
	assert_non_null(ha_config_check(&cfg));
	cfg.n_homes = 1;
	assert_int_equal(in6_prefix_parse("2001:db8:1:1::/64", &cfg.homes[0].prefix), 0);
	assert_non_null(ha_config_check(&cfg));
	assert_int_equal(in6_prefix_parse(POOL, &cfg.homes[0].prefix), 0);
	assert_null(ha_config_check(&cfg));
	cfg.homes[0].address = addr("2001:db8:1:105::1");	/* a host's */
	assert_non_null(ha_config_check(&cfg));
	cfg.homes[0].address = addr("2001:db8:99::1");
	assert_null(ha_config_check(&cfg));
}

static void count_name(void *ctx, const char *name, uint64_t v)
{
	unsigned int *n = ctx;

	(void)v;
	assert_non_null(name);
	assert_null(strchr(name, ' '));
	++*n;
}

static void every_counter_has_a_name(void **state)
{
	unsigned int n = 0;
	struct fake f;

	(void)state;
	fake_start(&f, POOL);
	ha_each_counter(&f.ha, count_name, &n);
	assert_int_equal(n, HA_COUNTER_MAX + VERDICT_MAX + PBU_MAX + BOOTSTRAP_REASON_MAX +
			 MH_ERR_MAX - 1 +
			 3 * (IP6_ERR_MAX - 1) + ICMP6_ERR_MAX - 1);
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
		cmocka_unit_test(solicitation_is_answered_at_once),
		cmocka_unit_test(stored_then_routed_then_told),
		cmocka_unit_test(without_database_no_prefix),
		cmocka_unit_test(same_host_same_prefix),
		cmocka_unit_test(bad_solicitations_change_nothing),
		cmocka_unit_test(cut_solicitation_changes_nothing),
		cmocka_unit_test(solicitations_are_limited),
		cmocka_unit_test(exhausted_pool_says_so),
		cmocka_unit_test(prefix_is_not_reused_too_early),
		cmocka_unit_test(periodic_advertisements),
		cmocka_unit_test(solicitation_before_our_address),
		cmocka_unit_test(attached_host_is_refreshed),
		cmocka_unit_test(silent_host_is_probed_then_detached),
		cmocka_unit_test(host_of_unknown_address_is_not_probed),
		cmocka_unit_test(host_behind_a_dead_link),
		cmocka_unit_test(registration),
		cmocka_unit_test(refresh_touches_no_kernel),
		cmocka_unit_test(move_replaces),
		cmocka_unit_test(failed_move_keeps_the_binding),
		cmocka_unit_test(replay_is_refused),
		cmocka_unit_test(sequence_wraps),
		cmocka_unit_test(binding_expires),
		cmocka_unit_test(deregistration_from_away),
		cmocka_unit_test(deregistration_at_home),
		cmocka_unit_test(deregistration_comes_first),
		cmocka_unit_test(prefixes_of_others),
		cmocka_unit_test(two_home_addresses_make_no_loop),
		cmocka_unit_test(wrong_key_is_not_answered),
		cmocka_unit_test(cut_or_flipped_update_changes_nothing),
		cmocka_unit_test(unreadable_headers_are_answered_within_limits),
		cmocka_unit_test(what_passes_through_is_left_alone),
		cmocka_unit_test(binding_is_restored),
		cmocka_unit_test(foreign_leases_are_not_restored),
		cmocka_unit_test(interface_comes_back),
		cmocka_unit_test(impossible_configurations_are_refused),
		cmocka_unit_test(every_counter_has_a_name),
	};

	return cmocka_run_group_tests_name("ha", tests, quiet, NULL);
}
