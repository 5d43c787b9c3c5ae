/* SPDX-License-Identifier: BSD-2-Clause */
/* Home agent address discovery and mobile prefix discovery, on the virtual clock. */
/* links: the home agent without its edges ($(ha_core) in Makefile.am) */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/core/log.h"
#include "tests/unit/ha_fake.h"

#define POOL	"2001:db8:1:100::/56"
#define HA	"2001:db8:1:100::1"
#define ANYCAST	"2001:db8:1:100:fdff:ffff:ffff:fffe"
#define HNP	"2001:db8:1:101::"
#define HOA	"2001:db8:1:101::a"
#define COA	"2001:db8:7::5"
#define COA2	"2001:db8:8::5"
#define STRANGER "2001:db8:9::9"

static const uint8_t mac_a[6] = { 2, 0, 0, 0, 0, 0xa };
static struct fake f;

static int begin(void **state)
{
	(void)state;
	fake_config(&f, POOL);
	f.cfg.binding_lifetime = 3600 * USEC_S;
	f.cfg.ra_interval = 1000000 * USEC_S;	/* only what a test is about is sent */
	fake_begin(&f);
	fake_link(&f, 7, "lan0", "fe80::1");
	fake_forget_calls(&f);
	return 0;
}

static int end(void **state)
{
	(void)state;
	fake_end(&f);
	return 0;
}

/* ---- what comes in ---- */

static void hear_ra(const char *from, const struct nd_ra *ra)
{
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, 0xee };
	struct icmp6_msg msg = { .type = ICMP6_RA, .u.ra = *ra };
	uint8_t room[1280];
	size_t len = nd_packet(room, sizeof(room), &msg, from, "ff02::1", 255);

	ha_rx_nd(&f.ha, 7, mac, room, len, f.now);
}

static void hear_home_agent(const char *from, const char *address, uint16_t preference)
{
	struct nd_ra ra = {
		.flags = RA_FLAG_HOME_AGENT, .router_lifetime_s = 1800, .has_ha_info = true,
		.ha_preference = preference, .ha_lifetime_s = 900, .n_prefixes = 1,
		.prefixes = { { .prefix = addr(address), .plen = 64, .flags = PIO_FLAG_ROUTER,
				.valid_s = 3600, .preferred_s = 3600 } },
	};

	hear_ra(from, &ra);
}

struct icmp {
	const char *src, *dst, *hoa;	/* hoa NULL: no Home Address option */
	const char *tunnel_src, *tunnel_dst;	/* NULL: no tunnel */
	uint8_t type;
	uint16_t id;
	uint16_t reserved;
};

static void hear(const struct icmp *m)
{
	struct ip6_packet outer = { .hop_limit = 64, .next_header = IP6_NH_TUNNEL };
	struct ip6_packet ip = {
		.src = addr(m->src), .dst = addr(m->dst), .hop_limit = 60,
		.has_hao = m->hoa != NULL, .next_header = IP6_NH_ICMP6,
	};
	uint8_t room[256];
	struct wbuf w;
	size_t at, ip_at;

	wb_init(&w, room, sizeof(room));
	if (m->tunnel_src) {
		outer.src = addr(m->tunnel_src);
		outer.dst = addr(m->tunnel_dst);
		ip6_encode(&w, &outer);
	}
	ip_at = w.len;
	if (m->hoa)
		ip.hao = addr(m->hoa);
	ip6_encode(&w, &ip);
	at = w.len;
	wb_u8(&w, m->type);
	wb_u8(&w, 0);
	wb_u16(&w, 0);
	wb_u16(&w, m->id);
	wb_u16(&w, m->reserved);
	wb_set_u16(&w, at + 2, cksum_ip6(ip6_cksum_src(&ip), &ip.dst, IP6_NH_ICMP6, room + at,
					 w.len - at));
	ip6_finish(&w, ip_at);
	if (m->tunnel_src)
		ip6_finish(&w, 0);
	assert_false(w.err);
	ha_rx_discovery(&f.ha, room, w.len, f.now);
}

static void ask_home_agents(const char *from, const char *to)
{
	hear(&(struct icmp){ .src = from, .dst = to, .type = ICMP6_DHAAD_REQUEST, .id = 77 });
}

static void solicit(const char *coa, uint16_t id)
{
	hear(&(struct icmp){ .src = coa, .dst = HA, .hoa = HOA, .type = ICMP6_MPS, .id = id });
}

/* ---- what goes out ---- */

static struct icmp6_msg sent(const char *src, const char *dst, struct ip6_packet *ret)
{
	struct in6_addr from = addr(src), to = addr(dst);
	struct icmp6_msg msg;
	struct ip6_packet ip;

	assert_true(f.packet_len > 0 && f.packet_len <= 1280);
	assert_int_equal(f.packet_ifindex, 0);
	assert_int_equal(ip6_decode(f.packet, f.packet_len, &ip), IP6_OK);
	assert_true(in6_eq(&ip.src, &from) && in6_eq(&ip.dst, &to));
	assert_int_equal(icmp6_decode(f.packet + ip.payload_off, ip.payload_len,
				      ip6_cksum_src(&ip), ip6_cksum_dst(&ip), ip.hop_limit,
				      &msg), ICMP6_OK);
	if (ret)
		*ret = ip;
	return msg;
}

static struct icmp6_dhaad reply(void)
{
	struct icmp6_msg msg = sent(HA, STRANGER, NULL);

	assert_int_equal(msg.type, ICMP6_DHAAD_REPLY);
	assert_int_equal(msg.u.dhaad.id, 77);
	return msg.u.dhaad;
}

#define ASSERT_REPLY(...) \
	assert_reply(sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *), \
		     (const char *[]){ __VA_ARGS__ })
static void assert_reply(unsigned int n, const char *const texts[])
{
	struct icmp6_dhaad r;

	fake_forget_calls(&f);
	ask_home_agents(STRANGER, ANYCAST);
	r = reply();
	assert_int_equal(r.n_ha, n);
	for (unsigned int i = 0; i < n; i++)
		assert_string_equal(in6_str(&r.ha[i]).s, texts[i]);
}

/* The last packet as the advertisement that the host at `coa` is to get. */
static struct icmp6_mp advertisement(const char *coa)
{
	struct in6_addr hoa = addr(HOA);
	struct ip6_packet ip;
	struct icmp6_msg msg = sent(HA, coa, &ip);

	assert_int_equal(msg.type, ICMP6_MPA);
	assert_true(ip.has_rh2 && in6_eq(&ip.rh2, &hoa));
	return msg.u.mp;
}

static unsigned int packets(void)
{
	return fake_count(&f, CALL_SEND_ROUTED);
}

/* ---- home agent address discovery ---- */

static void answers_for_itself(void **state)
{
	(void)state;
	ASSERT_REPLY(HA);
	assert_int_equal(f.ha.counters[HA_RX_DHAAD], 1);
	assert_int_equal(f.ha.counters[HA_TX_DHAAD], 1);
}

static void reserved_is_ignored(void **state)
{
	(void)state;
	hear(&(struct icmp){ .src = STRANGER, .dst = ANYCAST, .type = ICMP6_DHAAD_REQUEST,
			     .id = 77, .reserved = 0xffff });
	assert_int_equal(reply().n_ha, 1);
}

static void the_anycast_address_of_each_host_prefix(void **state)
{
	(void)state;
	ask_home_agents(STRANGER, "2001:db8:1:133:fdff:ffff:ffff:fffe");
	assert_int_equal(reply().n_ha, 1);
}

static void others_in_order(void **state)
{
	(void)state;
	f.cfg.home_agent_preference = 5;
	hear_home_agent("fe80::a", "2001:db8:1:100::a", 9);
	hear_home_agent("fe80::b", "2001:db8:1:100::b", 4);
	ASSERT_REPLY("2001:db8:1:100::a", HA, "2001:db8:1:100::b");
	hear_home_agent("fe80::a", "2001:db8:1:100::a", 3);
	ASSERT_REPLY(HA, "2001:db8:1:100::b", "2001:db8:1:100::a");
	assert_int_equal(f.ha.counters[HA_RX_RA], 3);
}

static void others_leave(void **state)
{
	const struct nd_ra plain = { .router_lifetime_s = 1800 };

	(void)state;
	hear_home_agent("fe80::a", "2001:db8:1:100::a", 9);
	hear_home_agent("fe80::b", "2001:db8:1:100::b", 8);
	hear_ra("fe80::a", &plain);
	ASSERT_REPLY("2001:db8:1:100::b", HA);
	f.now += 900 * USEC_S;
	ASSERT_REPLY(HA);
}

static void own_advertisements_are_not_others(void **state)
{
	(void)state;
	hear_home_agent("fe80::1", "2001:db8:1:100::77", 9);
	ASSERT_REPLY(HA);
}

static void only_those_of_the_home_link(void **state)
{
	(void)state;
	fake_end(&f);
	fake_config(&f, POOL);
	f.cfg.n_homes = 2;
	memcpy(f.cfg.homes[0].interface, "lan0", 5);
	memcpy(f.cfg.homes[1].interface, "lan1", 5);
	assert_int_equal(in6_prefix_parse("2001:db8:2:100::/56", &f.cfg.homes[1].prefix), 0);
	assert_null(ha_config_check(&f.cfg));
	fake_begin(&f);
	fake_link(&f, 7, "lan0", "fe80::1");
	fake_link(&f, 8, "lan1", "fe80::2");
	hear_home_agent("fe80::a", "2001:db8:1:100::a", 9);
	ASSERT_REPLY("2001:db8:1:100::a", HA);
	fake_forget_calls(&f);
	ask_home_agents(STRANGER, "2001:db8:2:100:fdff:ffff:ffff:fffe");
	assert_int_equal(sent("2001:db8:2:100::1", STRANGER, NULL).u.dhaad.n_ha, 1);
}

/* A link whose hosts share a prefix: they ask on the link for whoever has the address. */
static void the_anycast_address_of_a_shared_link(void **state)
{
	struct icmp6_msg ns = { .type = ICMP6_NS }, na;
	uint8_t room[128];
	struct ip6_packet ip;
	size_t len;

	(void)state;
	fake_end(&f);
	fake_config(&f, POOL);
	f.cfg.homes[0].mode = HOME_SHARED;
	f.cfg.homes[0].prefix.len = 64;
	memcpy(f.cfg.homes[0].interface, "lan0", 5);
	f.cfg.homes[1] = f.cfg.homes[0];
	memcpy(f.cfg.homes[1].interface, "lan1", 5);
	assert_int_equal(in6_prefix_parse("2001:db8:2:100::/64", &f.cfg.homes[1].prefix), 0);
	f.cfg.homes[1].address = in6addr_any;
	f.cfg.n_homes = 2;
	assert_null(ha_config_check(&f.cfg));
	fake_begin(&f);
	fake_link(&f, 7, "lan0", "fe80::1");
	fake_forget_calls(&f);
	ns.u.ns.target = addr(ANYCAST);
	len = nd_packet(room, sizeof(room), &ns, "fe80::a", "ff02::1:ffff:fffe", 255);
	ha_rx_nd(&f.ha, 7, mac_a, room, len, f.now);
	assert_int_equal(fake_count(&f, CALL_SEND_LINK), 1);
	assert_memory_equal(f.packet_mac, mac_a, 6);
	assert_int_equal(ip6_decode(f.packet, f.packet_len, &ip), IP6_OK);
	assert_int_equal(icmp6_decode(f.packet + ip.payload_off, ip.payload_len, &ip.src, &ip.dst,
				      ip.hop_limit, &na), ICMP6_OK);
	assert_int_equal(na.type, ICMP6_NA);
	assert_int_equal(na.u.na.flags, NA_FLAG_ROUTER | NA_FLAG_SOLICITED);
	assert_true(in6_eq(&na.u.na.target, &ns.u.ns.target));
	fake_forget_calls(&f);
	/* Of another link. */
	ns.u.ns.target = addr("2001:db8:2:100:fdff:ffff:ffff:fffe");
	len = nd_packet(room, sizeof(room), &ns, "fe80::a", "ff02::1:ffff:fffe", 255);
	ha_rx_nd(&f.ha, 7, mac_a, room, len, f.now);
	assert_int_equal(f.n_calls, 0);
	ask_home_agents(STRANGER, ANYCAST);
	assert_int_equal(reply().n_ha, 1);
}

static void as_many_as_fit(void **state)
{
	struct nd_ra ra = {
		.flags = RA_FLAG_HOME_AGENT, .router_lifetime_s = 1800, .n_prefixes = 8,
	};
	char from[] = "fe80::a00";

	(void)state;
	f.cfg.home_agent_preference = 1;
	for (unsigned int i = 0; i < 20; i++) {
		for (unsigned int n = 0; n < 8; n++) {
			ra.prefixes[n] = (struct nd_prefix){
				.prefix = addr("2001:db8:1:100::"), .plen = 64,
				.flags = PIO_FLAG_ROUTER, .valid_s = 100, .preferred_s = 100,
			};
			ra.prefixes[n].prefix.s6_addr[14] = (uint8_t)(i + 1);
			ra.prefixes[n].prefix.s6_addr[15] = (uint8_t)n;
		}
		from[8] = "0123456789"[i % 10];
		from[7] = "01"[i / 10];
		hear_ra(from, &ra);
	}
	fake_forget_calls(&f);
	ask_home_agents(STRANGER, ANYCAST);
	assert_int_equal(reply().n_ha, 77);
	assert_string_equal(in6_str(&reply().ha[0]).s, HA);
	assert_int_equal(f.packet_len, 1280);
}

static void not_asked_properly(void **state)
{
	(void)state;
	ask_home_agents(STRANGER, HA);
	ask_home_agents(STRANGER, "2001:db8:9:100:fdff:ffff:ffff:fffe");
	assert_int_equal(f.ha.counters[HA_DHAAD_ELSEWHERE], 2);
	ask_home_agents("ff02::1", ANYCAST);
	ask_home_agents("::", ANYCAST);
	ask_home_agents("fe80::9", ANYCAST);
	ask_home_agents(HA, ANYCAST);
	assert_int_equal(f.ha.counters[HA_DHAAD_BAD_SOURCE], 4);
	hear(&(struct icmp){ .src = STRANGER, .dst = ANYCAST, .hoa = HOA,
			     .type = ICMP6_DHAAD_REQUEST });
	hear(&(struct icmp){ .src = STRANGER, .dst = ANYCAST, .type = ICMP6_DHAAD_REQUEST,
			     .tunnel_src = COA, .tunnel_dst = HA });
	assert_int_equal(f.ha.counters[HA_DISCOVERY_UNEXPECTED], 2);
	assert_int_equal(packets(), 0);
}

static void a_flood_is_limited(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2 * HA_DHAAD_BURST; i++)
		ask_home_agents(STRANGER, ANYCAST);
	assert_int_equal(packets(), HA_DHAAD_BURST);
	assert_int_equal(f.ha.counters[HA_DHAAD_LIMITED], HA_DHAAD_BURST);
	f.now += HA_DHAAD_PERIOD;
	ask_home_agents(STRANGER, ANYCAST);
	assert_int_equal(packets(), HA_DHAAD_BURST + 1);
}

static void noise(void **state)
{
	static const uint8_t short_packet[8] = { 0x60 };
	uint8_t room[128];
	struct icmp6_msg msg = { .type = ICMP6_DHAAD_REQUEST };
	size_t len = nd_packet(room, sizeof(room), &msg, STRANGER, ANYCAST, 64);

	(void)state;
	ha_rx_discovery(&f.ha, short_packet, sizeof(short_packet), f.now);
	assert_int_equal(f.ha.discovery_ip6_errors[IP6_ERR_SHORT], 1);
	room[len - 1] ^= 1;
	ha_rx_discovery(&f.ha, room, len, f.now);
	assert_int_equal(f.ha.icmp6_errors[ICMP6_ERR_CHECKSUM], 1);
	assert_int_equal(packets(), 0);
}

/* ---- mobile prefix discovery ---- */

static uint16_t sequence;

static void register_at(const char *coa, uint16_t lifetime)
{
	fake_bu(&f, &(struct bu){ .src = coa, .hoa = HOA, .seq = ++sequence,
				  .lifetime = lifetime, .key = &f.keys[0] });
}

/* The host has its prefix and is registered. */
static void absent(uint16_t lifetime)
{
	fake_rs(&f, 7, mac_a, "fe80::a", 255);
	register_at(COA, lifetime);
	assert_int_equal(ha_bound_count(&f.ha), 1);
	fake_forget_calls(&f);
}

static void assert_prefixes(const struct icmp6_mp *mp, uint32_t valid_s)
{
	struct in6_addr hnp = addr(HNP), ha = addr(HA);

	assert_int_equal(mp->flags, 0);
	assert_int_equal(mp->n_prefixes, 2);
	assert_true(in6_eq(&mp->prefixes[0].prefix, &hnp));
	assert_int_equal(mp->prefixes[0].plen, 64);
	assert_int_equal(mp->prefixes[0].flags, PIO_FLAG_AUTO);
	assert_int_equal(mp->prefixes[0].valid_s, valid_s);
	assert_int_equal(mp->prefixes[0].preferred_s, valid_s);
	assert_true(in6_eq(&mp->prefixes[1].prefix, &ha));
	assert_int_equal(mp->prefixes[1].flags, PIO_FLAG_ROUTER);
}

static void a_solicitation_is_answered(void **state)
{
	struct icmp6_mp mp;

	(void)state;
	absent(150);
	fake_run(&f, 500 * USEC_S);
	fake_forget_calls(&f);
	solicit(COA, 0xabcd);
	mp = advertisement(COA);
	assert_int_equal(mp.id, 0xabcd);
	assert_prefixes(&mp, 3600);
	assert_int_equal(f.ha.counters[HA_TX_MPA_SOLICITED], 1);
	/* What it was told is written down. */
	assert_true(f.lease.until >= f.now + 3600 * USEC_S);
}

static void every_prefix_of_the_home_link(void **state)
{
	struct in6_addr wanted[4] = { addr(HNP), addr(HA), addr("2001:db8:2:101::"),
				      addr("2001:db8:2:100::1") };
	struct icmp6_mp mp;

	(void)state;
	fake_end(&f);
	fake_config(&f, POOL);
	f.cfg.n_homes = 3;
	memcpy(f.cfg.homes[0].interface, "lan0", 5);
	memcpy(f.cfg.homes[1].interface, "lan0", 5);
	memcpy(f.cfg.homes[2].interface, "lan1", 5);
	assert_int_equal(in6_prefix_parse("2001:db8:2:100::/56", &f.cfg.homes[1].prefix), 0);
	assert_int_equal(in6_prefix_parse("2001:db8:3:100::/56", &f.cfg.homes[2].prefix), 0);
	assert_null(ha_config_check(&f.cfg));
	fake_begin(&f);
	fake_link(&f, 7, "lan0", "fe80::1");
	absent(150);
	solicit(COA, 1);
	mp = advertisement(COA);
	assert_int_equal(mp.n_prefixes, 4);
	for (unsigned int i = 0; i < 4; i++)
		assert_true(in6_eq(&mp.prefixes[i].prefix, &wanted[i]));
	/* And told of changes of each of them, but of no other. */
	fake_run(&f, 2 * USEC_S);
	fake_forget_calls(&f);
	ha_prefix_changed(&f.ha, &f.ha.homes[2], f.now);
	assert_int_equal(f.ha.counters[HA_TX_MPA_UNSOLICITED], 0);
	register_at(COA, 500);
	ha_prefix_changed(&f.ha, &f.ha.homes[1], f.now);
	for (unsigned int t = 0; t < 4; t++) {
		fake_run(&f, 200 * USEC_S);
		register_at(COA, 500);
	}
	assert_int_equal(f.ha.counters[HA_MPA_UNANSWERED], 1);
}

/* A host whose prefix ends while it is away gets one in the prefix that takes its place. */
static void renumbered_while_away(void **state)
{
	struct in6_addr hnp = addr(HNP), next = addr("2001:db8:2:102::");
	struct icmp6_mp mp;
	struct lease *l;

	(void)state;
	fake_end(&f);
	fake_config(&f, POOL);
	f.cfg.n_homes = 2;
	assert_int_equal(in6_prefix_parse("2001:db8:2:100::/56", &f.cfg.homes[1].prefix), 0);
	assert_null(ha_config_check(&f.cfg));
	fake_begin(&f);
	fake_link(&f, 7, "lan0", "fe80::1");
	absent(150);
	/* As if the other prefix had not been there yet. */
	l = pool_find_mac(&f.ha.homes[1].pool, mac_a);
	timer_stop(&f.timers, &l->presence);
	timer_stop(&f.timers, &l->lifetime);
	pool_drop(&f.ha.homes[1].pool, l);
	solicit(COA, 1);
	assert_int_equal(advertisement(COA).n_prefixes, 3);
	f.ha.homes[0].cfg.deprecated = true;
	fake_run(&f, 2 * USEC_S);
	fake_forget_calls(&f);
	solicit(COA, 2);
	mp = advertisement(COA);
	assert_int_equal(mp.n_prefixes, 4);
	assert_true(in6_eq(&mp.prefixes[0].prefix, &hnp));
	assert_int_equal(mp.prefixes[0].preferred_s, 0);
	assert_true(mp.prefixes[0].valid_s > 0);
	assert_true(in6_eq(&mp.prefixes[2].prefix, &next));
	assert_int_equal(mp.prefixes[2].preferred_s, 3600);
	/* It is the host's, and written down before it is told. */
	assert_true(fake_at(&f, CALL_LEASE_STORE_DURABLE) < fake_at(&f, CALL_SEND_ROUTED));
	l = pool_find_mac(&f.ha.homes[1].pool, mac_a);
	assert_non_null(l);
	assert_int_equal(l->state, LEASE_DETACHED);
	assert_true(l->interface == &f.ha.interfaces[0]);
}

static void never_more_than_is_stored(void **state)
{
	struct icmp6_mp mp;

	(void)state;
	absent(900);
	f.store_error = -EIO;
	fake_run(&f, 3500 * USEC_S);
	fake_forget_calls(&f);
	solicit(COA, 1);
	mp = advertisement(COA);
	/* Of twice the lifetime that was written at first. */
	assert_in_range(mp.prefixes[0].valid_s, 1, 2 * 3600 - 3500);
	f.store_error = 0;
}

static void through_the_tunnel(void **state)
{
	struct icmp tunnelled = {
		.src = HOA, .dst = HA, .type = ICMP6_MPS, .id = 9, .tunnel_src = COA,
		.tunnel_dst = HA, .reserved = 0x8001,
	};

	(void)state;
	absent(150);
	hear(&tunnelled);
	assert_int_equal(advertisement(COA).id, 9);
	fake_run(&f, 2 * USEC_S);
	fake_forget_calls(&f);
	/* From somewhere else, or not in a tunnel. */
	tunnelled.tunnel_src = COA2;
	hear(&tunnelled);
	assert_int_equal(f.ha.counters[HA_MPS_OTHER_CARE_OF], 1);
	tunnelled.tunnel_src = NULL;
	hear(&tunnelled);
	assert_int_equal(f.ha.counters[HA_DISCOVERY_UNEXPECTED], 1);
	assert_int_equal(packets(), 0);
}

static void strangers_are_not_answered(void **state)
{
	(void)state;
	solicit(COA, 1);
	assert_int_equal(f.ha.counters[HA_MPS_NO_BINDING], 1);
	absent(150);
	solicit(STRANGER, 1);
	assert_int_equal(f.ha.counters[HA_MPS_OTHER_CARE_OF], 1);
	hear(&(struct icmp){ .src = COA, .dst = "2001:db8:1:100::2", .hoa = HOA,
			     .type = ICMP6_MPS });
	assert_int_equal(f.ha.counters[HA_MPS_NO_BINDING], 2);
	register_at(COA, 0);
	fake_forget_calls(&f);
	solicit(COA, 1);
	assert_int_equal(f.ha.counters[HA_MPS_NO_BINDING], 3);
	assert_int_equal(packets(), 0);
}

static void one_a_second(void **state)
{
	(void)state;
	absent(150);
	solicit(COA, 1);
	for (uint16_t id = 2; id < 10; id++)
		solicit(COA, id);
	assert_int_equal(packets(), 1);
	fake_run(&f, USEC_S - 1);
	assert_int_equal(packets(), 1);
	/* The last one is answered, a second later, where the host is by then. */
	register_at(COA2, 150);
	fake_forget_calls(&f);
	fake_run(&f, 10 * USEC_S);
	assert_int_equal(packets(), 1);
	assert_int_equal(advertisement(COA2).id, 9);
}

static void configured_not_to(void **state)
{
	(void)state;
	f.cfg.prefix_advertisements = false;
	absent(900);
	solicit(COA, 1);
	ha_prefix_changed(&f.ha, &f.ha.homes[0], f.now);
	fake_run(&f, 3000 * USEC_S);
	assert_int_equal(packets(), 0);
	assert_int_equal(f.ha.counters[HA_MPS_DISABLED], 1);
}

static void a_change_is_told_until_it_is_acknowledged(void **state)
{
	(void)state;
	f.random = 60 * USEC_S;
	absent(900);
	f.random = 60 * USEC_S;
	ha_prefix_changed(&f.ha, &f.ha.homes[0], f.now);
	f.random = 500 * USEC_S;
	ha_prefix_changed(&f.ha, &f.ha.homes[0], f.now);	/* it is scheduled already */
	fake_run(&f, 659 * USEC_S);
	assert_int_equal(packets(), 0);
	fake_run(&f, 2 * USEC_S);
	assert_int_equal(packets(), 1);
	assert_int_equal(advertisement(COA).id, 0);
	fake_run(&f, 3 * USEC_S);
	assert_int_equal(packets(), 2);
	fake_run(&f, 6 * USEC_S);
	assert_int_equal(packets(), 3);
	solicit(COA, 5);
	assert_int_equal(advertisement(COA).id, 5);
	fake_run(&f, 100 * USEC_S);
	assert_int_equal(packets(), 4);
	assert_int_equal(f.ha.counters[HA_TX_MPA_UNSOLICITED], 3);
	assert_int_equal(f.ha.counters[HA_MPA_UNANSWERED], 0);
}

static void a_deaf_host_is_told_four_times(void **state)
{
	(void)state;
	absent(900);
	ha_prefix_changed(&f.ha, &f.ha.homes[0], f.now);
	fake_run(&f, 3000 * USEC_S);
	assert_int_equal(packets(), 1 + MIP6_PREFIX_ADV_RETRIES);
	assert_int_equal(f.ha.counters[HA_MPA_UNANSWERED], 1);
	/* It is told again when it registers from elsewhere, after the acknowledgement. */
	register_at(COA2, 900);
	fake_forget_calls(&f);
	fake_run(&f, 2 * USEC_S);
	assert_int_equal(packets(), 1);
	(void)advertisement(COA2);
	/* And no more when the binding is over. */
	register_at(COA2, 0);
	fake_forget_calls(&f);
	fake_run(&f, 1000 * USEC_S);
	assert_int_equal(packets(), 0);
	assert_int_equal(ha_bound_count(&f.ha), 0);
}

static void a_binding_that_expires(void **state)
{
	(void)state;
	absent(1);
	ha_prefix_changed(&f.ha, &f.ha.homes[0], f.now);
	fake_run(&f, 3000 * USEC_S);
	assert_int_equal(packets(), 0);
	assert_int_equal(ha_bound_count(&f.ha), 0);
}

/* RFC 6275 10.6.2: not longer than MaxMobPfxAdvInterval without one. */
static void once_a_day(void **state)
{
	(void)state;
	f.cfg.prefix_lifetime = 10 * 86400 * USEC_S;
	f.random = 80000 * USEC_S;
	absent(900);
	for (unsigned int t = 0; t < 86400 + 600; t += 300) {
		fake_run(&f, 300 * USEC_S);
		register_at(COA, 900);
		fake_forget_calls(&f);
	}
	assert_int_equal(f.ha.counters[HA_TX_MPA_UNSOLICITED], 1 + MIP6_PREFIX_ADV_RETRIES);
	assert_int_equal(f.ha.counters[HA_MPA_UNANSWERED], 1);
}

static void count_line(void *ctx, enum log_level level, const char *line)
{
	(void)level;
	*(unsigned int *)ctx += strstr(line, "home agent") != NULL;
}

/* A neighbour that comes and goes as fast as it can. */
static void no_flood_of_lines(void **state)
{
	const struct nd_ra none = { .router_lifetime_s = 1800 };
	unsigned int lines = 0;

	(void)state;
	log_set_sink(count_line, &lines);
	log_set_level(LOG_LEVEL_INFO);
	for (unsigned int i = 0; i < 2 * HA_LOG_BURST; i++) {
		hear_home_agent("fe80::99", "2001:db8:1:100::99", 0);
		hear_ra("fe80::99", &none);
	}
	log_set_sink(NULL, NULL);
	assert_in_range(lines, 1, HA_LOG_BURST);
}

int main(void)
{
#define T(fn)	cmocka_unit_test_setup_teardown(fn, begin, end)
	const struct CMUnitTest tests[] = {
		T(answers_for_itself),
		T(reserved_is_ignored),
		T(the_anycast_address_of_each_host_prefix),
		T(others_in_order),
		T(others_leave),
		T(own_advertisements_are_not_others),
		T(only_those_of_the_home_link),
		T(the_anycast_address_of_a_shared_link),
		T(as_many_as_fit),
		T(not_asked_properly),
		T(a_flood_is_limited),
		T(no_flood_of_lines),
		T(noise),
		T(a_solicitation_is_answered),
		T(every_prefix_of_the_home_link),
		T(renumbered_while_away),
		T(never_more_than_is_stored),
		T(through_the_tunnel),
		T(strangers_are_not_answered),
		T(one_a_second),
		T(configured_not_to),
		T(a_change_is_told_until_it_is_acknowledged),
		T(a_deaf_host_is_told_four_times),
		T(a_binding_that_expires),
		T(once_a_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
