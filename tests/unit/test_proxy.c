/* SPDX-License-Identifier: BSD-2-Clause */
/* A shared home link: duplicate address detection before the first acknowledgement, and the
 * defence of absent hosts' addresses (RFC 6275 10.3.1, 10.4.1). */
/* links: ha-agent/ha.c ha-agent/home.c ha-agent/nd.c ha-agent/update.c ha-agent/error.c
 * ha-agent/verdict.c ha-agent/binding.c ha-agent/bcache.c ha-agent/prefix.c ha-agent/proxy.c
 * ha-agent/ra.c ha-agent/revoke.c ha-agent/message.c common/core/backoff.c common/core/in6.c
 * common/core/auth.c common/core/timer.c common/core/hash.c common/core/log.c
 * common/wire/buf.c common/wire/cksum.c common/wire/ext.c common/wire/icmp6.c
 * common/wire/mh.c common/wire/mhopt.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/core/log.h"
#include "tests/unit/ha_fake.h"

#define PREFIX	"2001:db8:5:500::/64"
#define HA_ADDR	"2001:db8:5:500::1"
#define HOA	"2001:db8:5:500::a5"
#define HOA_LL	"fe80::a5"
#define COA	"2001:db8:9::9"
#define COA2	"2001:db8:9::10"
#define OTHER	"fe80::77"
#define IFC	7
#define S(n)	((usec_t)(n) * USEC_S)

static const uint8_t mac_mn[6] = { 2, 0, 0, 0, 0, 0xa }, mac_other[6] = { 2, 0, 0, 0, 0, 0xb };
static const uint8_t mac_all[6] = { 0x33, 0x33, 0, 0, 0, 1 };
static const uint8_t mac_solicited[6] = { 0x33, 0x33, 0xff, 0, 0, 0xa5 };

/* Neighbour Solicitations and Advertisements as they were sent. */
struct sent {
	uint8_t mac[6];
	struct ip6_packet ip;
	struct icmp6_msg msg;
};
static struct sent sent[64];
static unsigned int n_sent;

static int record(void *ctx, int ifindex, const uint8_t mac[6], const void *data, size_t len)
{
	struct sent s;

	assert_int_equal(ip6_decode(data, len, &s.ip), IP6_OK);
	memcpy(s.mac, mac, 6);
	if (s.ip.next_header == IP6_NH_ICMP6) {
		/* What we send must be what anybody accepts. */
		assert_int_equal(icmp6_decode((const uint8_t *)data + s.ip.payload_off,
					      s.ip.payload_len, &s.ip.src, &s.ip.dst,
					      s.ip.hop_limit, &s.msg), ICMP6_OK);
		if (s.msg.type == ICMP6_NS || s.msg.type == ICMP6_NA) {
			assert_int_equal(ifindex, IFC);
			assert_true(n_sent < sizeof(sent) / sizeof(sent[0]));
			sent[n_sent++] = s;
		}
	}
	return fake_send_link(ctx, ifindex, mac, data, len);
}

static void start_down(struct fake *f)
{
	static struct ha_ops ops;
	struct ha_home_config *h;

	ops = fake_ops;
	ops.send_link = record;
	fake_config(f, "2001:db8:1:100::/56");
	h = &f->cfg.homes[f->cfg.n_homes++];
	memcpy(h->interface, "lan0", 5);
	h->mode = HOME_SHARED;
	assert_int_equal(in6_prefix_parse(PREFIX, &h->prefix), 0);
	assert_null(ha_config_check(&f->cfg));
	assert_int_equal(ha_init(&f->ha, &f->cfg, &ops, f, &f->timers, f->now), 0);
	n_sent = 0;
}

static void start(struct fake *f)
{
	start_down(f);
	fake_link(f, IFC, "lan0", "fe80::1");
	fake_forget_calls(f);
}

static void bu(struct fake *f, const char *coa, uint16_t seq, uint16_t lifetime, uint16_t flags)
{
	fake_bu(f, &(struct bu){ .src = coa, .hoa = HOA, .seq = seq, .lifetime = lifetime,
				 .flags = (uint16_t)(BU_ACK | BU_HOME | flags),
				 .key = &f->keys[0], .dst = HA_ADDR });
}

static void bound(struct fake *f, uint16_t flags)
{
	start(f);
	bu(f, COA, 10, 100, flags);
	fake_run(f, S(5));
	assert_int_equal(ha_bound_count(&f->ha), 1);
	n_sent = 0;
	fake_forget_calls(f);
}

static void ns(struct fake *f, const uint8_t mac[6], const char *src, const char *dst,
	       const char *target, bool slla)
{
	struct icmp6_msg msg = { .type = ICMP6_NS, .u.ns = { .target = addr(target) } };
	uint8_t room[256];
	size_t len;

	msg.u.ns.slla.present = slla;
	memcpy(msg.u.ns.slla.mac, mac, 6);
	len = nd_packet(room, sizeof(room), &msg, src, dst, 255);
	ha_rx_nd(&f->ha, IFC, mac, room, len, f->now);
}

static void na(struct fake *f, const uint8_t mac[6], const char *src, const char *target,
	       uint8_t flags)
{
	struct icmp6_msg msg = { .type = ICMP6_NA, .u.na = {
		.flags = flags, .target = addr(target), .tlla.present = true } };
	uint8_t room[256];
	size_t len;

	memcpy(msg.u.na.tlla.mac, mac, 6);
	len = nd_packet(room, sizeof(room), &msg, src, "ff02::1", 255);
	ha_rx_nd(&f->ha, IFC, mac, room, len, f->now);
}

/* The n-th that was sent asks from nobody for that address. */
static void assert_asks(unsigned int n, const char *target, const char *group)
{
	struct in6_addr t = addr(target), g = addr(group);

	assert_true(n < n_sent);
	assert_int_equal(sent[n].msg.type, ICMP6_NS);
	assert_true(in6_is_any(&sent[n].ip.src));
	assert_true(in6_eq(&sent[n].ip.dst, &g));
	assert_true(in6_eq(&sent[n].msg.u.ns.target, &t));
	assert_false(sent[n].msg.u.ns.slla.present);
	assert_memory_equal(sent[n].mac, mac_solicited, 6);
}

static void assert_advertises(const struct fake *f, unsigned int n, const char *target,
			      const char *dst, const uint8_t mac[6], uint8_t flags)
{
	struct in6_addr t = addr(target), d = addr(dst), us = addr("fe80::1");

	assert_true(n < n_sent);
	assert_int_equal(sent[n].msg.type, ICMP6_NA);
	assert_true(in6_eq(&sent[n].ip.src, &us));
	assert_true(in6_eq(&sent[n].ip.dst, &d));
	assert_memory_equal(sent[n].mac, mac, 6);
	assert_int_equal(sent[n].msg.u.na.flags, flags);
	assert_true(in6_eq(&sent[n].msg.u.na.target, &t));
	assert_true(sent[n].msg.u.na.tlla.present);
	assert_memory_equal(sent[n].msg.u.na.tlla.mac, f->ha.interfaces[0].mac, 6);
}

/* ---- advertisement of the prefix ---- */

static void one_option_does_both(void **state)
{
	struct in6_addr us = addr(HA_ADDR);
	struct fake f;
	struct nd_ra ra;
	bool seen = false;

	(void)state;
	start(&f);
	fake_rs(&f, IFC, mac_mn, OTHER, 255);
	assert_true(fake_ra(&f, &ra));
	assert_int_equal(ra.n_prefixes, 1);
	seen = ra.prefixes[0].flags == (PIO_FLAG_ONLINK | PIO_FLAG_AUTO | PIO_FLAG_ROUTER) &&
	       in6_eq(&ra.prefixes[0].prefix, &us) && ra.prefixes[0].plen == 64;
	assert_true(seen);
	assert_int_equal(ra.prefixes[0].valid_s, 3600);
	assert_true(ra.flags & RA_FLAG_HOME_AGENT);
	/* Nothing is kept for a host. */
	assert_int_equal(fake_at(&f, CALL_LEASE_STORE_DURABLE), -1);
	assert_int_equal(f.ha.homes[1].pool.n, 0);
	fake_end(&f);
}

static void our_address_is_put_on_the_link(void **state)
{
	struct fake f;

	(void)state;
	start_down(&f);
	assert_int_equal(fake_at(&f, CALL_HOME_ATTACH), -1);
	fake_link(&f, IFC, "lan0", NULL);
	assert_int_equal(fake_count(&f, CALL_HOME_ATTACH), 1);
	/* Away and back, by another number. */
	fake_link(&f, 0, "lan0", NULL);
	fake_link(&f, 9, "lan0", NULL);
	assert_int_equal(fake_count(&f, CALL_HOME_ATTACH), 2);
	fake_end(&f);
}

static void another_node_with_our_address(void **state)
{
	struct in6_addr us = addr(HA_ADDR), per_host = addr("2001:db8:1:100::1");
	struct fake f;

	(void)state;
	start(&f);
	ha_address(&f.ha, IFC, &us, false);
	ha_address(&f.ha, 8, &us, true);
	ha_address(&f.ha, IFC, &per_host, true);
	assert_false(f.ha.homes[0].duplicate || f.ha.homes[1].duplicate);
	ha_address(&f.ha, IFC, &us, true);
	assert_true(f.ha.homes[1].duplicate);
	ha_address(&f.ha, IFC, &us, false);
	assert_false(f.ha.homes[1].duplicate);
	fake_end(&f);
}

static void solicitations_of_all_are_limited(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	for (uint8_t i = 0; i < 50; i++)
		fake_rs(&f, IFC, (const uint8_t[]){ 2, 0, 0, 1, 0, i }, "::", 255);
	assert_int_equal(fake_count(&f, CALL_SEND_LINK), HA_SHARED_RS_BURST);
	assert_int_equal(f.ha.counters[HA_RS_LIMITED], 50 - HA_SHARED_RS_BURST);
	f.now += HA_SHARED_RS_PERIOD;
	fake_rs(&f, IFC, mac_mn, "::", 255);
	assert_int_equal(fake_count(&f, CALL_SEND_LINK), HA_SHARED_RS_BURST + 1);
	fake_end(&f);
}

/* ---- the test before the first acknowledgement ---- */

static void acknowledged_after_the_test(void **state)
{
	struct fake f;
	struct mh_ba ba;

	(void)state;
	start(&f);
	bu(&f, COA, 10, 100, 0);
	/* Asked for, and neither answered nor tunnelled yet. */
	assert_int_equal(n_sent, 1);
	assert_asks(0, HOA, "ff02::1:ff00:a5");
	assert_int_equal(fake_at(&f, CALL_SEND_ROUTED), -1);
	assert_int_equal(fake_at(&f, CALL_DP_SET), -1);
	assert_int_equal(fake_at(&f, CALL_BINDING_STORE), -1);
	assert_int_equal(ha_bound_count(&f.ha), 0);
	fake_run(&f, S(1) - 1);
	assert_int_equal(fake_at(&f, CALL_SEND_ROUTED), -1);
	fake_run(&f, 1);
	ba = fake_ba(&f, &f.keys[0], COA, HOA);
	assert_int_equal(ba.status, BA_ACCEPTED);
	assert_int_equal(ba.seq, 10);
	assert_int_equal(ba.lifetime, 100);
	assert_true(fake_at(&f, CALL_DP_SET) < fake_at(&f, CALL_SEND_ROUTED));
	assert_int_equal(ha_bound_count(&f.ha), 1);
	assert_int_equal(f.ha.verdicts[VERDICT_REGISTER], 1);
	fake_end(&f);
}

/* The time is the link's, and a host that leaves waits no longer than that. */
static void the_test_takes_as_long_as_is_configured(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	f.cfg.retrans_timer = 100 * USEC_MS;
	bu(&f, COA, 10, 100, 0);
	fake_run(&f, 100 * USEC_MS - 1);
	assert_int_equal(fake_at(&f, CALL_SEND_ROUTED), -1);
	fake_run(&f, 1);
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA).status, BA_ACCEPTED);
	fake_end(&f);
}

static void with_l_both_are_tested_and_announced(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	bu(&f, COA, 10, 100, BU_LLOCAL);
	assert_int_equal(n_sent, 2);
	assert_asks(0, HOA, "ff02::1:ff00:a5");
	assert_asks(1, HOA_LL, "ff02::1:ff00:a5");
	n_sent = 0;
	fake_run(&f, S(10));
	/* RFC 4861 7.2.6: three times each, a second apart. */
	assert_int_equal(n_sent, 6);
	for (unsigned int i = 0; i < 6; i++)
		assert_advertises(&f, i, i % 2 ? HOA_LL : HOA, "ff02::1", mac_all,
				  NA_FLAG_OVERRIDE);
	assert_true(f.binding.linklocal);
	fake_end(&f);
}

static void retransmission_does_not_start_it_anew(void **state)
{
	struct fake f;
	struct mh_ba ba;

	(void)state;
	start(&f);
	bu(&f, COA, 10, 100, 0);
	fake_run(&f, S(1) / 2);
	bu(&f, COA2, 11, 50, 0);
	assert_int_equal(n_sent, 1);
	assert_int_equal(f.ha.counters[HA_DAD_BEGUN], 1);
	assert_int_equal(f.ha.counters[HA_DAD_HELD], 2);
	/* An old number is an old number. */
	bu(&f, COA, 10, 100, 0);
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA).status, BA_SEQ_OUT_OF_WINDOW);
	fake_forget_calls(&f);
	fake_run(&f, S(1) / 2);
	ba = fake_ba(&f, &f.keys[0], COA2, HOA);
	assert_int_equal(ba.status, BA_ACCEPTED);
	assert_int_equal(ba.seq, 11);
	assert_int_equal(ba.lifetime, 50);
	assert_int_equal(fake_count(&f, CALL_SEND_ROUTED), 1);
	fake_end(&f);
}

static void assert_refused(struct fake *f)
{
	struct mh_ba ba = fake_ba(f, &f->keys[0], COA, HOA);

	assert_int_equal(ba.status, BA_DAD_FAILED);
	assert_int_equal(ba.lifetime, 0);
	assert_int_equal(ba.seq, 10);
	assert_int_equal(f->event.type, HA_EVENT_BU_REFUSED);
	assert_int_equal(f->ha.verdicts[VERDICT_DUPLICATE], 1);
	assert_int_equal(f->ha.verdicts[VERDICT_REGISTER], 0);
	assert_int_equal(f->ha.bcache.n, 0);
	assert_int_equal(fake_at(f, CALL_DP_SET), -1);
	n_sent = 0;
	fake_run(f, S(10));
	assert_int_equal(n_sent, 0);
	assert_int_equal(ha_bound_count(&f->ha), 0);
	fake_end(f);
}

static void address_in_use_is_refused(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	bu(&f, COA, 10, 100, 0);
	fake_run(&f, 100 * USEC_MS);
	na(&f, mac_other, HOA, HOA, NA_FLAG_OVERRIDE);
	assert_refused(&f);
}

static void linklocal_in_use_is_refused(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	bu(&f, COA, 10, 100, BU_LLOCAL);
	fake_run(&f, 100 * USEC_MS);
	na(&f, mac_other, HOA_LL, HOA_LL, NA_FLAG_OVERRIDE);
	assert_refused(&f);
}

static void another_that_looks_for_it_is_refused_too(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	bu(&f, COA, 10, 100, 0);
	ns(&f, mac_other, "::", "ff02::1:ff00:a5", HOA, false);
	assert_refused(&f);
}

static void what_is_no_duplicate(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	bu(&f, COA, 10, 100, 0);
	/* Somebody who wants to talk to it; our own packet, sent back; without L the
	 * link-local address; another address; another interface. */
	ns(&f, mac_other, OTHER, "ff02::1:ff00:a5", HOA, true);
	ns(&f, f.ha.interfaces[0].mac, "::", "ff02::1:ff00:a5", HOA, false);
	na(&f, mac_other, HOA_LL, HOA_LL, NA_FLAG_OVERRIDE);
	na(&f, mac_other, "2001:db8:5:500::a6", "2001:db8:5:500::a6", NA_FLAG_OVERRIDE);
	fake_link(&f, 8, "lan1", "fe80::1");
	fake_na(&f, 8, mac_other, HOA);
	assert_int_equal(n_sent, 1);
	fake_run(&f, S(1));
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA).status, BA_ACCEPTED);
	fake_end(&f);
}

static void binding_that_is_there_is_not_tested(void **state)
{
	struct fake f;

	(void)state;
	bound(&f, 0);
	bu(&f, COA2, 11, 100, 0);
	assert_int_equal(fake_ba(&f, &f.keys[0], COA2, HOA).status, BA_ACCEPTED);
	assert_int_equal(n_sent, 0);
	assert_int_equal(f.ha.counters[HA_DAD_BEGUN], 1);
	fake_end(&f);
}

static void deregistration_ends_the_test(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	bu(&f, COA, 10, 100, 0);
	bu(&f, COA, 11, 0, 0);
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA).status, BA_ACCEPTED);
	fake_forget_calls(&f);
	n_sent = 0;
	fake_run(&f, S(20));
	assert_int_equal(fake_at(&f, CALL_SEND_ROUTED), -1);
	assert_int_equal(n_sent, 0);
	assert_int_equal(f.ha.bcache.n, 0);
	fake_end(&f);
}

static void without_a_link_nobody_has_it(void **state)
{
	struct fake f;

	(void)state;
	start_down(&f);
	bu(&f, COA, 10, 100, 0);
	fake_run(&f, 0);
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA).status, BA_ACCEPTED);
	assert_int_equal(n_sent, 0);
	/* It is announced when there is one. */
	fake_link(&f, IFC, "lan0", "fe80::1");
	fake_run(&f, S(5));
	assert_int_equal(n_sent, 3);
	assert_advertises(&f, 0, HOA, "ff02::1", mac_all, NA_FLAG_OVERRIDE);
	fake_end(&f);
}

static void data_path_that_fails_is_told(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	f.dp_error = -ENOMEM;
	bu(&f, COA, 10, 100, 0);
	fake_run(&f, S(1));
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA).status, verdict_status(VERDICT_DATAPATH));
	assert_int_equal(f.ha.bcache.n, 0);
	n_sent = 0;
	fake_run(&f, S(5));
	assert_int_equal(n_sent, 0);
	fake_end(&f);
}

/* ---- defence ---- */

static void announced_thrice(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	bu(&f, COA, 10, 100, 0);
	n_sent = 0;
	fake_run(&f, S(1));
	assert_int_equal(n_sent, 1);
	assert_advertises(&f, 0, HOA, "ff02::1", mac_all, NA_FLAG_OVERRIDE);
	fake_run(&f, S(1));
	assert_int_equal(n_sent, 2);
	fake_run(&f, S(100));
	assert_int_equal(n_sent, 3);
	fake_end(&f);
}

static void solicitations_are_answered(void **state)
{
	struct fake f;

	(void)state;
	bound(&f, 0);
	/* RFC 4861 7.2.4, 7.2.8: solicited, no override, to the asker. */
	ns(&f, mac_other, OTHER, "ff02::1:ff00:a5", HOA, true);
	assert_int_equal(n_sent, 1);
	assert_advertises(&f, 0, HOA, OTHER, mac_other, NA_FLAG_SOLICITED);
	/* Is it still there? Unicast, no link-layer address. */
	ns(&f, mac_other, "2001:db8:5:500::77", HOA, HOA, false);
	assert_int_equal(n_sent, 2);
	assert_advertises(&f, 1, HOA, "2001:db8:5:500::77", mac_other, NA_FLAG_SOLICITED);
	/* Somebody wants the address: it is defended. */
	ns(&f, mac_other, "::", "ff02::1:ff00:a5", HOA, false);
	assert_int_equal(n_sent, 3);
	assert_advertises(&f, 2, HOA, "ff02::1", mac_all, 0);
	/* Not registered with L; nobody; ours, which the kernel answers for. */
	ns(&f, mac_other, OTHER, "ff02::1:ff00:a5", HOA_LL, true);
	ns(&f, mac_other, OTHER, "ff02::1:ff00:a6", "2001:db8:5:500::a6", true);
	ns(&f, mac_other, OTHER, "ff02::1:ff00:1", HA_ADDR, true);
	assert_int_equal(n_sent, 3);
	assert_int_equal(f.ha.counters[HA_RX_NS], 6);
	fake_end(&f);
}

static void linklocal_is_answered_for_with_l(void **state)
{
	struct fake f;

	(void)state;
	bound(&f, BU_LLOCAL);
	ns(&f, mac_other, OTHER, "ff02::1:ff00:a5", HOA_LL, true);
	assert_int_equal(n_sent, 1);
	assert_advertises(&f, 0, HOA_LL, OTHER, mac_other, NA_FLAG_SOLICITED);
	ns(&f, mac_other, "::", "ff02::1:ff00:a5", HOA_LL, false);
	assert_int_equal(n_sent, 2);
	assert_advertises(&f, 1, HOA_LL, "ff02::1", mac_all, 0);
	fake_end(&f);
}

static void broken_solicitations_are_not_answered(void **state)
{
	struct icmp6_msg msg = { .type = ICMP6_NS, .u.ns = { .target = addr(HOA) } };
	uint8_t room[256];
	struct fake f;
	size_t len;

	(void)state;
	bound(&f, 0);
	/* RFC 4861 7.1.1: from another link; cut at every octet. */
	len = nd_packet(room, sizeof(room), &msg, OTHER, "ff02::1:ff00:a5", 254);
	ha_rx_nd(&f.ha, IFC, mac_other, room, len, f.now);
	len = nd_packet(room, sizeof(room), &msg, OTHER, "ff02::1:ff00:a5", 255);
	for (size_t n = 0; n < len; n++)
		ha_rx_nd(&f.ha, IFC, mac_other, room, n, f.now);
	assert_int_equal(n_sent, 0);
	fake_end(&f);
}

static void a_claim_is_contradicted_within_limits(void **state)
{
	struct fake f;

	(void)state;
	bound(&f, 0);
	na(&f, mac_other, HOA, HOA, NA_FLAG_OVERRIDE);
	assert_int_equal(n_sent, 1);
	assert_advertises(&f, 0, HOA, "ff02::1", mac_all, NA_FLAG_OVERRIDE);
	assert_int_equal(f.ha.counters[HA_PROXY_CONFLICT], 1);
	for (unsigned int i = 0; i < 50; i++)
		na(&f, mac_other, HOA, HOA, NA_FLAG_OVERRIDE);
	assert_int_equal(n_sent, HA_ERROR_BURST);
	assert_int_equal(f.ha.counters[HA_PROXY_CONFLICT], 51);
	assert_int_equal(ha_bound_count(&f.ha), 1);
	fake_end(&f);
}

/* ---- the end of it ---- */

static void assert_left_alone(struct fake *f)
{
	n_sent = 0;
	ns(f, mac_other, OTHER, "ff02::1:ff00:a5", HOA, true);
	ns(f, mac_mn, "::", "ff02::1:ff00:a5", HOA, false);
	na(f, mac_mn, HOA, HOA, NA_FLAG_OVERRIDE);
	fake_run(f, S(3));
	assert_int_equal(n_sent, 0);
	assert_int_equal(f->ha.counters[HA_PROXY_CONFLICT], 0);
}

/* The host is back: nothing of its Neighbour Discovery is fought, the acknowledgement goes to
 * its link-layer address, and so does all else at once. */
static void return_ends_the_defence(void **state)
{
	struct bu b = { .src = HOA, .seq = 11, .dst = HA_ADDR };
	uint8_t room[512];
	struct fake f;

	(void)state;
	bound(&f, BU_LLOCAL);
	b.key = &f.keys[0];
	ha_rx_mh_link(&f.ha, IFC, mac_mn, room, bu_packet(&b, room, sizeof(room)), f.now);
	assert_int_equal(fake_ba(&f, &f.keys[0], HOA, HOA).status, BA_ACCEPTED);
	assert_int_equal(f.packet_ifindex, IFC);
	assert_memory_equal(f.packet_mac, mac_mn, 6);
	assert_int_equal(fake_count(&f, CALL_HOST_ATTACH), 1);
	assert_memory_equal(f.host_mac, mac_mn, 6);
	assert_true(fake_at(&f, CALL_DP_DEL) >= 0);
	assert_left_alone(&f);
	fake_end(&f);
}

/* With nothing to de-register the answer finds the host all the same (RFC 6275 10.3.2). */
static void answer_at_home_without_a_binding(void **state)
{
	struct bu b = { .src = HOA, .seq = 11, .dst = HA_ADDR };
	uint8_t room[512];
	struct fake f;

	(void)state;
	start(&f);
	b.key = &f.keys[0];
	ha_rx_mh_link(&f.ha, IFC, mac_mn, room, bu_packet(&b, room, sizeof(room)), f.now);
	assert_int_equal(fake_ba(&f, &f.keys[0], HOA, HOA).status, BA_NOT_HOME_AGENT);
	assert_memory_equal(f.packet_mac, mac_mn, 6);
	/* A registration that comes late finds a newer number. */
	bu(&f, COA, 10, 100, 0);
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA).status, BA_SEQ_OUT_OF_WINDOW);
	fake_end(&f);
}

static void deregistration_from_away_ends_it_too(void **state)
{
	struct fake f;

	(void)state;
	bound(&f, 0);
	bu(&f, COA, 11, 0, 0);
	assert_left_alone(&f);
	fake_end(&f);
}

static void expiry_ends_it_too(void **state)
{
	struct fake f;

	(void)state;
	bound(&f, 0);
	fake_run(&f, S(500));
	assert_int_equal(ha_bound_count(&f.ha), 0);
	assert_left_alone(&f);
	fake_end(&f);
}

/* RFC 4861 7.2.8: as long as it is tested or defended, and not longer. */
static void member_of_the_group(void **state)
{
	struct in6_addr group = addr("ff02::1:ff00:a5");
	struct fake f;

	(void)state;
	start(&f);
	bu(&f, COA, 10, 100, BU_LLOCAL);
	assert_int_equal(f.groups, 1);
	assert_true(in6_eq(&f.group, &group));
	fake_run(&f, S(20));
	assert_int_equal(f.groups, 1);
	bu(&f, COA2, 11, 100, BU_LLOCAL);
	assert_int_equal(f.groups, 1);
	/* The interface goes and comes back by another number. */
	fake_link(&f, 0, "lan0", NULL);
	fake_link(&f, 9, "lan0", NULL);
	fake_link(&f, IFC, "lan0", "fe80::1");
	fake_run(&f, S(20));
	assert_int_equal(f.groups, 1);
	bu(&f, COA2, 12, 0, 0);
	assert_int_equal(f.groups, 0);
	/* A duplicate; an expiry. */
	bu(&f, COA, 13, 100, 0);
	assert_int_equal(f.groups, 1);
	na(&f, mac_other, HOA, HOA, NA_FLAG_OVERRIDE);
	assert_int_equal(f.groups, 0);
	bu(&f, COA, 14, 10, 0);
	fake_run(&f, S(60));
	assert_int_equal(f.ha.bcache.n, 0);
	assert_int_equal(f.groups, 0);
	fake_end(&f);
}

static void a_new_registration_is_tested_again(void **state)
{
	struct fake f;

	(void)state;
	bound(&f, 0);
	bu(&f, COA, 11, 0, 0);
	fake_forget_calls(&f);
	bu(&f, COA, 12, 100, 0);
	assert_asks(0, HOA, "ff02::1:ff00:a5");
	assert_int_equal(fake_at(&f, CALL_SEND_ROUTED), -1);
	fake_run(&f, S(1));
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA).status, BA_ACCEPTED);
	fake_end(&f);
}

/* ---- who may ---- */

static enum verdict_reason verdict_of(struct fake *f)
{
	for (enum verdict_reason r = 0; r < VERDICT_MAX; r++)
		if (f->ha.verdicts[r] > 0)
			return r;
	return VERDICT_MAX;
}

/* RFC 6275 9.5.1: one that is valid and refused counts, whatever waits meanwhile. */
static void what_is_refused_meanwhile_counts(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	bu(&f, COA, 10, 100, 0);
	bu(&f, "2001:db8:5:500::99", 11, 100, 0);
	assert_int_equal(f.ha.verdicts[VERDICT_COA_AT_HOME], 1);
	fake_run(&f, S(5));
	assert_int_equal(ha_bound_count(&f.ha), 1);
	bu(&f, COA2, 11, 100, 0);
	assert_int_equal(fake_ba(&f, &f.keys[0], COA2, HOA).status, BA_SEQ_OUT_OF_WINDOW);
	fake_end(&f);
}

static void keys_are_good_for_their_home_addresses(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	f.keys[0].n_hoas = 2;
	f.keys[0].hoas[0] = addr("2001:db8:5:500::a6");
	f.keys[0].hoas[1] = addr("2001:db8:5:500::a7");
	bu(&f, COA, 10, 100, 0);
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA).status, BA_NOT_HOME_AGENT);
	assert_int_equal(verdict_of(&f), VERDICT_OTHER_MN);
	f.keys[0].hoas[1] = addr(HOA);
	bu(&f, COA, 11, 100, 0);
	fake_run(&f, S(1));
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA).status, BA_ACCEPTED);
	fake_end(&f);
}

static void a_link_layer_address_says_nothing_here(void **state)
{
	struct fake f;

	(void)state;
	start(&f);
	f.keys[0].has_mn = true;
	memcpy(f.keys[0].mn, mac_mn, 6);
	bu(&f, COA, 10, 100, 0);
	assert_int_equal(fake_ba(&f, &f.keys[0], COA, HOA).status, BA_NOT_HOME_AGENT);
	fake_end(&f);
}

static void addresses_nobody_may_have(void **state)
{
	static const char *const hoas[] = { HA_ADDR, "2001:db8:5:500::",
					    "2001:db8:5:500:fdff:ffff:ffff:fffe" };
	struct fake f;

	(void)state;
	start(&f);
	for (unsigned int i = 0; i < 3; i++) {
		fake_bu(&f, &(struct bu){ .src = COA, .hoa = hoas[i], .seq = 1, .lifetime = 10,
					  .key = &f.keys[0], .dst = HA_ADDR });
		assert_true(fake_ba(&f, &f.keys[0], COA, hoas[i]).status >= BA_UNSPECIFIED);
	}
	/* Away means elsewhere. */
	bu(&f, "2001:db8:5:500::99", 10, 100, 0);
	assert_true(fake_ba(&f, &f.keys[0], "2001:db8:5:500::99", HOA).status >= BA_UNSPECIFIED);
	assert_int_equal(n_sent, 0);
	fake_end(&f);
}

/* ---- restart ---- */

static void defence_goes_on_after_a_restart(void **state)
{
	struct ha_binding_record r;
	struct fake f;

	(void)state;
	start(&f);
	bu(&f, COA, 10, 100, BU_LLOCAL);
	fake_run(&f, S(2));
	r = f.binding;
	fake_end(&f);

	start_down(&f);
	r.expires = f.now + S(100);
	assert_int_equal(ha_restore_binding(&f.ha, &r, f.now), 0);
	assert_int_equal(ha_bound_count(&f.ha), 1);
	fake_link(&f, IFC, "lan0", "fe80::1");
	fake_run(&f, S(10));
	/* Not looked for, for it was not given up; announced anew. */
	assert_int_equal(n_sent, 6);
	assert_advertises(&f, 0, HOA, "ff02::1", mac_all, NA_FLAG_OVERRIDE);
	assert_advertises(&f, 1, HOA_LL, "ff02::1", mac_all, NA_FLAG_OVERRIDE);
	n_sent = 0;
	ns(&f, mac_other, OTHER, "ff02::1:ff00:a5", HOA, true);
	assert_advertises(&f, 0, HOA, OTHER, mac_other, NA_FLAG_SOLICITED);
	/* Not if its key has gone. */
	fake_end(&f);
	start_down(&f);
	r.spi = 999;
	r.expires = f.now + S(100);
	assert_int_equal(ha_restore_binding(&f.ha, &r, f.now), -EINVAL);
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
		cmocka_unit_test(one_option_does_both),
		cmocka_unit_test(our_address_is_put_on_the_link),
		cmocka_unit_test(another_node_with_our_address),
		cmocka_unit_test(solicitations_of_all_are_limited),
		cmocka_unit_test(acknowledged_after_the_test),
		cmocka_unit_test(with_l_both_are_tested_and_announced),
		cmocka_unit_test(the_test_takes_as_long_as_is_configured),
		cmocka_unit_test(retransmission_does_not_start_it_anew),
		cmocka_unit_test(address_in_use_is_refused),
		cmocka_unit_test(linklocal_in_use_is_refused),
		cmocka_unit_test(another_that_looks_for_it_is_refused_too),
		cmocka_unit_test(what_is_no_duplicate),
		cmocka_unit_test(binding_that_is_there_is_not_tested),
		cmocka_unit_test(deregistration_ends_the_test),
		cmocka_unit_test(without_a_link_nobody_has_it),
		cmocka_unit_test(data_path_that_fails_is_told),
		cmocka_unit_test(announced_thrice),
		cmocka_unit_test(solicitations_are_answered),
		cmocka_unit_test(linklocal_is_answered_for_with_l),
		cmocka_unit_test(broken_solicitations_are_not_answered),
		cmocka_unit_test(a_claim_is_contradicted_within_limits),
		cmocka_unit_test(return_ends_the_defence),
		cmocka_unit_test(answer_at_home_without_a_binding),
		cmocka_unit_test(deregistration_from_away_ends_it_too),
		cmocka_unit_test(expiry_ends_it_too),
		cmocka_unit_test(member_of_the_group),
		cmocka_unit_test(a_new_registration_is_tested_again),
		cmocka_unit_test(what_is_refused_meanwhile_counts),
		cmocka_unit_test(keys_are_good_for_their_home_addresses),
		cmocka_unit_test(a_link_layer_address_says_nothing_here),
		cmocka_unit_test(addresses_nobody_may_have),
		cmocka_unit_test(defence_goes_on_after_a_restart),
	};

	return cmocka_run_group_tests_name("proxy", tests, quiet, NULL);
}
