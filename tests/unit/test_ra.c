/* SPDX-License-Identifier: BSD-2-Clause */
/* The advertisements and solicitations that the home agent builds. */
/* links: ha-agent/ra.c common/core/in6.c common/wire/buf.c common/wire/cksum.c common/wire/ext.c common/wire/icmp6.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "ha-agent/ra.h"

static struct in6_addr addr(const char *s)
{
	struct in6_addr a;

	assert_int_equal(in6_parse(s, &a), 0);
	return a;
}

static struct ha_config config(void)
{
	return (struct ha_config){
		.router_lifetime = 1800 * USEC_S, .prefix_lifetime = 3600 * USEC_S,
		.ra_interval = 10 * USEC_S, .ra_interval_option = true,
	};
}

static struct ha_interface interface(void)
{
	static struct ha_home home;
	static struct ha ha;

	home.ha = &ha;
	home.cfg.address = addr("2001:db8:1:100::1");
	return (struct ha_interface){
		.n_homes = 1, .homes = { &home }, .name = "lan0", .ifindex = 3, .up = true, .mac = { 2, 0, 0, 0, 0, 1 },
		.linklocal = addr("fe80::1"), .ha = &ha,
	};
}

static struct nd_ra read_ra(const uint8_t *data, size_t len)
{
	struct in6_addr ours = addr("fe80::1"), all = addr("ff02::1");
	struct ip6_packet ip;
	struct icmp6_msg msg;

	assert_int_equal(ip6_decode(data, len, &ip), IP6_OK);
	assert_true(in6_eq(&ip.src, &ours) && in6_eq(&ip.dst, &all));
	assert_int_equal(ip.hop_limit, 255);
	assert_int_equal(icmp6_decode(data + ip.payload_off, ip.payload_len, &ip.src, &ip.dst,
				      ip.hop_limit, &msg), ICMP6_OK);
	assert_int_equal(msg.type, ICMP6_RA);
	return msg.u.ra;
}

static void the_retransmission_timer_where_it_is_not_the_usual(void **state)
{
	struct ha_interface ifc = interface();
	struct ha_config cfg = config();
	uint8_t room[RA_ROOM];

	(void)state;
	cfg.retrans_timer = HA_RETRANS_TIMER;
	assert_int_equal(read_ra(room, ra_build(&cfg, &ifc, NULL, 0, room)).retrans_ms, 0);
	cfg.retrans_timer = 200 * USEC_MS;
	assert_int_equal(read_ra(room, ra_build(&cfg, &ifc, NULL, 0, room)).retrans_ms, 200);
}

static void to_everybody(void **state)
{
	struct in6_addr address = addr("2001:db8:1:100::1");
	struct ha_interface ifc = interface();
	struct ha_config cfg = config();
	uint8_t room[RA_ROOM];
	struct nd_ra ra;

	(void)state;
	ra = read_ra(room, ra_build(&cfg, &ifc, NULL, 0, room));
	assert_int_equal(ra.flags, RA_FLAG_HOME_AGENT);
	assert_int_equal(ra.n_prefixes, 1);
	assert_int_equal(ra.prefixes[0].flags, PIO_FLAG_ROUTER);
	assert_int_equal(ra.prefixes[0].plen, 64);
	assert_true(in6_eq(&ra.prefixes[0].prefix, &address));	/* whole, not masked */
	assert_int_equal(ra.mtu, cfg.mtu);
	assert_int_equal(ra.n_rdnss, 0);
	assert_memory_equal(ra.slla.mac, ifc.mac, 6);
}

static void lifetime_is_what_is_left(void **state)
{
	struct lease l = { .valid_until = 100 * USEC_S + 1 };
	struct ha_interface ifc = interface();
	struct ha_config cfg = config();
	uint8_t room[RA_ROOM];
	struct nd_ra ra;

	(void)state;
	assert_int_equal(in6_prefix_parse("2001:db8:1:101::/64", &l.prefix), 0);
	ra = read_ra(room, ra_build(&cfg, &ifc, &(struct ra_leases){ .of_home = { &l } }, 40 * USEC_S, room));
	assert_int_equal(ra.n_prefixes, 2);
	assert_int_equal(ra.prefixes[0].flags, PIO_FLAG_AUTO);
	assert_int_equal(ra.prefixes[0].valid_s, 60);
	assert_int_equal(ra.prefixes[0].preferred_s, 60);
	/* Never more than was configured, never below zero. */
	l.valid_until = 99999 * USEC_S;
	ra = read_ra(room, ra_build(&cfg, &ifc, &(struct ra_leases){ .of_home = { &l } }, 0, room));
	assert_int_equal(ra.prefixes[0].valid_s, 3600);
	l.valid_until = 1;
	ra = read_ra(room, ra_build(&cfg, &ifc, &(struct ra_leases){ .of_home = { &l } }, 10, room));
	assert_int_equal(ra.prefixes[0].valid_s, 0);
}

static void intervals(void **state)
{
	struct ha_interface ifc = interface();
	struct ha_config cfg = config();
	uint8_t room[RA_ROOM];
	struct nd_ra ra;

	(void)state;
	cfg.ra_interval = 100 * USEC_MS;	/* RFC 6275 7.5: 20 ms are added */
	ra = read_ra(room, ra_build(&cfg, &ifc, NULL, 0, room));
	assert_int_equal(ra.adv_interval_ms, 120);
	cfg.ra_interval = 200 * USEC_MS;
	ra = read_ra(room, ra_build(&cfg, &ifc, NULL, 0, room));
	assert_int_equal(ra.adv_interval_ms, 200);
	/* RFC 6275 8.3: the configuration says whether they are told. */
	cfg.ra_interval_option = false;
	ra = read_ra(room, ra_build(&cfg, &ifc, NULL, 0, room));
	assert_int_equal(ra.adv_interval_ms, 0);
	/* RFC 6275 7.4: nothing but defaults, no option. */
	cfg.prefix_lifetime = cfg.router_lifetime;
	ra = read_ra(room, ra_build(&cfg, &ifc, NULL, 0, room));
	assert_false(ra.has_ha_info);
}

static void everything_fits(void **state)
{
	struct lease l = { .valid_until = 100 * USEC_S };
	struct ha_interface ifc = interface();
	struct ha_config cfg = config();
	uint8_t room[RA_ROOM];
	struct nd_ra ra;

	(void)state;
	cfg.mtu = 1400;
	cfg.n_rdnss = ND_MAX_RDNSS;
	for (unsigned int i = 0; i < ND_MAX_RDNSS; i++)
		cfg.rdnss[i] = addr("2001:db8::53");
	ra = read_ra(room, ra_build(&cfg, &ifc, &(struct ra_leases){ .of_home = { &l } }, 0, room));
	assert_int_equal(ra.n_rdnss, ND_MAX_RDNSS);
	assert_int_equal(ra.rdnss_lifetime_s, 30);
	assert_int_equal(ra.mtu, 1400);
	assert_int_equal(ra.n_prefixes, 2);
}

static void probe(void **state)
{
	struct lease l = { .linklocal = addr("fe80::a") };
	struct ha_interface ifc = interface();
	uint8_t room[RA_ROOM];
	struct ip6_packet ip;
	struct icmp6_msg msg;
	size_t len;

	(void)state;
	len = ra_build_probe(&ifc, &l, room);
	assert_int_equal(ip6_decode(room, len, &ip), IP6_OK);
	assert_true(in6_eq(&ip.dst, &l.linklocal));
	assert_int_equal(icmp6_decode(room + ip.payload_off, ip.payload_len, &ip.src, &ip.dst,
				      ip.hop_limit, &msg), ICMP6_OK);
	assert_int_equal(msg.type, ICMP6_NS);
	assert_true(in6_eq(&msg.u.ns.target, &l.linklocal));
	assert_memory_equal(msg.u.ns.slla.mac, ifc.mac, 6);
}

static void nothing_without_an_address(void **state)
{
	struct ha_interface ifc = interface();
	struct ha_config cfg = config();
	struct lease l = { .linklocal = addr("fe80::a") };
	uint8_t room[RA_ROOM];

	(void)state;
	ifc.linklocal = in6addr_any;
	assert_int_equal(ra_build(&cfg, &ifc, NULL, 0, room), 0);
	assert_int_equal(ra_build_probe(&ifc, &l, room), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(to_everybody),
		cmocka_unit_test(the_retransmission_timer_where_it_is_not_the_usual),
		cmocka_unit_test(lifetime_is_what_is_left),
		cmocka_unit_test(intervals),
		cmocka_unit_test(everything_fits),
		cmocka_unit_test(probe),
		cmocka_unit_test(nothing_without_an_address),
	};

	return cmocka_run_group_tests_name("ra", tests, NULL, NULL);
}
