/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/wire/{buf,cksum,ext,icmp6}.c */
#include "common/wire/icmp6.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/wire/cksum.h"
#include "common/wire/ext.h"
#include "tests/vectors/vector.h"

static struct in6_addr ll, global, all_nodes, any;

static struct in6_addr in6(const char *s)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, s, &a), 1);
	return a;
}

static void assert_in6(const struct in6_addr *a, const char *want)
{
	char text[INET6_ADDRSTRLEN];

	assert_string_equal(inet_ntop(AF_INET6, a, text, sizeof(text)), want);
}

static int addresses(void **state)
{
	(void)state;
	ll = in6("fe80::1");
	global = in6("2001:db8::1");
	all_nodes = in6("ff02::1");
	any = in6("::");
	return 0;
}

/* ---- golden packets ---- */

static struct icmp6_msg load(const char *name)
{
	struct vector v = vector_load(name);
	struct ip6_packet p;
	struct icmp6_msg m;

	assert_non_null(v.data);
	assert_int_equal(ip6_decode(v.data, v.len, &p), IP6_OK);
	assert_int_equal(p.next_header, IP6_NH_ICMP6);
	assert_int_equal(icmp6_decode(v.data + p.payload_off, p.payload_len, ip6_cksum_src(&p),
				      ip6_cksum_dst(&p), p.hop_limit, &m), ICMP6_OK);
	free(v.data);
	return m;
}

static void golden_solicitations(void **state)
{
	struct icmp6_msg m = load("rs");

	(void)state;
	assert_int_equal(m.type, ICMP6_RS);
	assert_true(m.u.rs.slla.present);
	assert_memory_equal(m.u.rs.slla.mac, "\2\0\0\0\0\1", 6);
	m = load("rs-unspecified");
	assert_false(m.u.rs.slla.present);
	m = load("linux-rs");
	assert_memory_equal(m.u.rs.slla.mac, "\2\0\0\0\13\1", 6);
}

static void golden_advertisement(void **state)
{
	struct icmp6_msg m = load("ra-home-agent");
	const struct nd_ra *ra = &m.u.ra;

	(void)state;
	assert_int_equal(m.type, ICMP6_RA);
	assert_int_equal(ra->hop_limit, 64);
	assert_int_equal(ra->flags, RA_FLAG_OTHER | RA_FLAG_HOME_AGENT);
	assert_int_equal(ra->router_lifetime_s, 1800);
	assert_int_equal(ra->reachable_ms, 30000);
	assert_int_equal(ra->retrans_ms, 1000);
	assert_true(ra->slla.present);
	assert_memory_equal(ra->slla.mac, "\2\0\0\0\0\241", 6);
	assert_int_equal(ra->mtu, 1600);
	assert_int_equal(ra->adv_interval_ms, 10000);
	assert_true(ra->has_ha_info);
	assert_int_equal(ra->ha_preference, 10);
	assert_int_equal(ra->ha_lifetime_s, 900);
	assert_int_equal(ra->n_prefixes, 2);
	assert_in6(&ra->prefixes[0].prefix, "2001:db8:1:101::");
	assert_int_equal(ra->prefixes[0].plen, 64);
	assert_int_equal(ra->prefixes[0].flags, PIO_FLAG_AUTO);
	assert_int_equal(ra->prefixes[0].valid_s, 3600);
	assert_int_equal(ra->prefixes[0].preferred_s, 1800);
	/* With the R flag the whole address counts, the bits behind the prefix too. */
	assert_in6(&ra->prefixes[1].prefix, "2001:db8:1:100::1");
	assert_int_equal(ra->prefixes[1].flags, PIO_FLAG_ROUTER);
	assert_int_equal(ra->n_rdnss, 2);
	assert_int_equal(ra->rdnss_lifetime_s, 600);
	assert_in6(&ra->rdnss[1], "2001:db8:53::2");
	assert_int_equal(ra->dropped, 0);

	m = load("ra-plain");
	assert_int_equal(ra->flags, RA_FLAG_MANAGED);
	assert_int_equal(ra->router_lifetime_s, 0);
	assert_int_equal(ra->n_prefixes, 1);
	assert_int_equal(ra->prefixes[0].flags, PIO_FLAG_ONLINK | PIO_FLAG_AUTO);
	assert_true(ra->prefixes[0].valid_s == UINT32_MAX);
	assert_false(ra->has_ha_info || ra->slla.present);
	assert_int_equal(ra->mtu, 0);
}

static void golden_neighbours(void **state)
{
	struct icmp6_msg m = load("ns");

	(void)state;
	assert_int_equal(m.type, ICMP6_NS);
	assert_in6(&m.u.ns.target, "fe80::ff:fe00:a1");
	assert_true(m.u.ns.slla.present);
	m = load("linux-dad-ns");
	assert_in6(&m.u.ns.target, "fe80::ff:fe00:b02");
	assert_false(m.u.ns.slla.present);
	m = load("linux-ns");
	assert_memory_equal(m.u.ns.slla.mac, "\2\0\0\0\13\1", 6);
	m = load("na");
	assert_int_equal(m.u.na.flags, NA_FLAG_ROUTER | NA_FLAG_SOLICITED | NA_FLAG_OVERRIDE);
	assert_memory_equal(m.u.na.tlla.mac, "\2\0\0\0\0\241", 6);
	m = load("linux-na");
	assert_int_equal(m.u.na.flags, NA_FLAG_SOLICITED | NA_FLAG_OVERRIDE);
	assert_in6(&m.u.na.target, "fe80::ff:fe00:b02");
	assert_true(m.u.na.tlla.present);
}

static void golden_mobility(void **state)
{
	struct icmp6_msg m = load("dhaad-request");

	(void)state;
	assert_int_equal(m.type, ICMP6_DHAAD_REQUEST);
	assert_int_equal(m.u.dhaad.id, 0x5a5a);
	m = load("dhaad-reply");
	assert_int_equal(m.u.dhaad.id, 0x5a5a);
	assert_int_equal(m.u.dhaad.n_ha, 2);
	assert_in6(&m.u.dhaad.ha[1], "2001:db8:1:100::2");
	m = load("mps");
	assert_int_equal(m.type, ICMP6_MPS);
	assert_int_equal(m.u.mp.id, 0x77);
	m = load("mpa");
	assert_int_equal(m.u.mp.id, 0x77);
	assert_int_equal(m.u.mp.flags, RA_FLAG_MANAGED);
	assert_int_equal(m.u.mp.n_prefixes, 1);
	assert_in6(&m.u.mp.prefixes[0].prefix, "2001:db8:1:101::");
	assert_int_equal(m.u.mp.prefixes[0].valid_s, 7200);
}

static const char *const golden[] = {
	"rs", "rs-unspecified", "ra-home-agent", "ra-plain", "ns", "na", "dhaad-request",
	"dhaad-reply", "mps", "mpa", "linux-rs", "linux-dad-ns", "linux-ns", "linux-na",
};
#define N_GOLDEN (sizeof(golden) / sizeof(golden[0]))

static void fix_checksum(uint8_t *msg, size_t len, const struct in6_addr *src,
			 const struct in6_addr *dst)
{
	uint16_t c;

	if (len < 4)
		return;
	msg[2] = msg[3] = 0;
	c = cksum_ip6(src, dst, IP6_NH_ICMP6, msg, len);
	msg[2] = (uint8_t)(c >> 8);
	msg[3] = (uint8_t)c;
}

static void golden_cut_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_GOLDEN; i++) {
		struct vector v = vector_load(golden[i]);
		struct ip6_packet p;

		assert_int_equal(ip6_decode(v.data, v.len, &p), IP6_OK);
		for (size_t len = 0; len < p.payload_len; len++) {
			const struct in6_addr *s = ip6_cksum_src(&p), *d = ip6_cksum_dst(&p);
			uint8_t *cut = malloc(len ? len : 1);
			struct icmp6_msg m, untouched;

			assert_non_null(cut);
			memcpy(cut, v.data + p.payload_off, len);
			memset(&m, 0x5a, sizeof(m));
			untouched = m;
			assert_int_not_equal(icmp6_decode(cut, len, s, d, p.hop_limit, &m),
					     ICMP6_OK);
			assert_memory_equal(&m, &untouched, sizeof(m));
			/* With a right checksum only a cut between options, or between the
			 * addresses of a list, can be a message. */
			fix_checksum(cut, len, s, d);
			if (len % 8 != 0)
				assert_int_not_equal(icmp6_decode(cut, len, s, d, p.hop_limit, &m),
						     ICMP6_OK);
			else
				icmp6_decode(cut, len, s, d, p.hop_limit, &m);
			free(cut);
		}
		free(v.data);
	}
}

static void golden_encoded_alike(void **state)
{
	static const char *const names[] = {
		"rs", "rs-unspecified", "ra-home-agent", "ns", "na", "dhaad-request",
		"dhaad-reply", "mps", "mpa", "linux-rs", "linux-ns", "linux-na",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct vector v = vector_load(names[i]);
		struct icmp6_msg m = load(names[i]);
		uint8_t room[2048];
		struct ip6_packet p;
		struct wbuf w;

		assert_int_equal(ip6_decode(v.data, v.len, &p), IP6_OK);
		wb_init(&w, room, sizeof(room));
		assert_int_equal(icmp6_encode(&w, &m, ip6_cksum_src(&p), ip6_cksum_dst(&p)), 0);
		assert_int_equal(w.len, p.payload_len);
		assert_memory_equal(room, v.data + p.payload_off, w.len);
		free(v.data);
	}
}

/* ---- hand-made messages ---- */

static enum icmp6_err decode(const uint8_t *data, size_t len, const struct in6_addr *src,
			     const struct in6_addr *dst, struct icmp6_msg *ret)
{
	uint8_t *msg = malloc(len ? len : 1);
	enum icmp6_err err;

	assert_non_null(msg);
	memcpy(msg, data, len);
	fix_checksum(msg, len, src, dst);
	err = icmp6_decode(msg, len, src, dst, 255, ret);
	free(msg);
	return err;
}

#define DECODE(bytes, src, dst, m)	decode(bytes, sizeof(bytes), src, dst, m)
#define RA_HEAD		134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0

/* RFC 4861: what came from off the link has a smaller hop limit. */
static void hop_limit(void **state)
{
	uint8_t ra[16] = { RA_HEAD }, rs[8] = { 133 }, ns[24] = { 135 }, na[24] = { 136 };
	uint8_t mps[8] = { 146 };
	struct icmp6_msg m;

	(void)state;
	fix_checksum(ra, sizeof(ra), &ll, &all_nodes);
	assert_int_equal(icmp6_decode(ra, 16, &ll, &all_nodes, 64, &m), ICMP6_ERR_HOP_LIMIT);
	assert_int_equal(icmp6_decode(ra, 16, &ll, &all_nodes, 254, &m), ICMP6_ERR_HOP_LIMIT);
	assert_int_equal(icmp6_decode(ra, 16, &ll, &all_nodes, 255, &m), ICMP6_OK);
	fix_checksum(rs, sizeof(rs), &ll, &all_nodes);
	assert_int_equal(icmp6_decode(rs, 8, &ll, &all_nodes, 64, &m), ICMP6_ERR_HOP_LIMIT);
	fix_checksum(ns, sizeof(ns), &ll, &all_nodes);
	assert_int_equal(icmp6_decode(ns, 24, &ll, &all_nodes, 64, &m), ICMP6_ERR_HOP_LIMIT);
	fix_checksum(na, sizeof(na), &ll, &all_nodes);
	assert_int_equal(icmp6_decode(na, 24, &ll, &all_nodes, 64, &m), ICMP6_ERR_HOP_LIMIT);
	/* Mobile prefix discovery crosses routers. */
	fix_checksum(mps, sizeof(mps), &global, &global);
	assert_int_equal(icmp6_decode(mps, 8, &global, &global, 3, &m), ICMP6_OK);
}

static void source_of_advertisement(void **state)
{
	uint8_t ra[16] = { RA_HEAD };
	struct icmp6_msg m;

	(void)state;
	assert_int_equal(DECODE(ra, &global, &all_nodes, &m), ICMP6_ERR_SOURCE);
	assert_int_equal(DECODE(ra, &any, &all_nodes, &m), ICMP6_ERR_SOURCE);
	assert_int_equal(DECODE(ra, &ll, &all_nodes, &m), ICMP6_OK);
}

static void link_layer_address_from_nowhere(void **state)
{
	uint8_t rs[16] = { 133, [8] = 1, 1, 2, 0, 0, 0, 0, 1 };
	uint8_t ns[32] = { 135, [8] = 0xfe, 0x80, [23] = 7, 1, 1, 2, 0, 0, 0, 0, 1 };
	struct in6_addr group = in6("ff02::1:ff00:7");
	struct icmp6_msg m;

	(void)state;
	assert_int_equal(DECODE(rs, &any, &all_nodes, &m), ICMP6_ERR_SOURCE);
	assert_int_equal(DECODE(rs, &ll, &all_nodes, &m), ICMP6_OK);
	assert_int_equal(DECODE(ns, &any, &group, &m), ICMP6_ERR_SOURCE);
	assert_int_equal(DECODE(ns, &ll, &group, &m), ICMP6_OK);
}

static void targets(void **state)
{
	uint8_t ns[24] = { 135, [8] = 0xfe, 0x80, [23] = 7 };
	uint8_t na[24] = { 136, [4] = NA_FLAG_SOLICITED, [8] = 0xfe, 0x80, [23] = 7 };
	struct in6_addr group = in6("ff02::1:ff00:7");
	struct icmp6_msg m;

	(void)state;
	assert_int_equal(DECODE(ns, &any, &group, &m), ICMP6_OK);
	assert_int_equal(DECODE(ns, &any, &all_nodes, &m), ICMP6_ERR_TARGET);
	assert_int_equal(DECODE(na, &ll, &ll, &m), ICMP6_OK);
	assert_int_equal(DECODE(na, &ll, &all_nodes, &m), ICMP6_ERR_TARGET);
	ns[8] = na[8] = 0xff;
	assert_int_equal(DECODE(ns, &ll, &ll, &m), ICMP6_ERR_TARGET);
	assert_int_equal(DECODE(na, &ll, &ll, &m), ICMP6_ERR_TARGET);
}

static void checksum_code_type_length(void **state)
{
	static const struct { uint8_t type, min; } mins[] = {
		{ 133, 8 }, { 134, 16 }, { 135, 24 }, { 136, 24 }, { 144, 8 }, { 145, 8 },
		{ 146, 8 }, { 147, 8 },
	};
	struct icmp6_msg m;

	(void)state;
	for (size_t i = 0; i < sizeof(mins) / sizeof(mins[0]); i++) {
		uint8_t msg[24] = { mins[i].type, 0, 0xde, 0xad };
		size_t len = mins[i].min;

		assert_int_equal(icmp6_decode(msg, len, &ll, &ll, 255, &m), ICMP6_ERR_CHECKSUM);
		assert_int_equal(decode(msg, len, &ll, &ll, &m), ICMP6_OK);
		assert_int_equal(m.type, mins[i].type);
		assert_int_equal(decode(msg, len - 1, &ll, &ll, &m), ICMP6_ERR_SHORT);
		msg[1] = 1;
		assert_int_equal(decode(msg, len, &ll, &ll, &m), ICMP6_ERR_CODE);
	}
	for (unsigned int type = 0; type < 256; type++) {
		uint8_t msg[24] = { (uint8_t)type };
		bool known = (type >= 133 && type <= 136) || (type >= 144 && type <= 147);

		if (!known)
			assert_int_equal(decode(msg, 24, &ll, &ll, &m), ICMP6_ERR_TYPE);
	}
}

static void option_of_length_zero(void **state)
{
	uint8_t ra[32] = { RA_HEAD, [16] = 5, 1, [24] = 200, 0 };
	uint8_t rs[16] = { 133, [8] = 1, 0 };
	uint8_t mps[16] = { 146, [8] = 77, 0 };
	struct icmp6_msg m;

	(void)state;
	assert_int_equal(DECODE(ra, &ll, &all_nodes, &m), ICMP6_ERR_OPTION);
	assert_int_equal(DECODE(rs, &ll, &all_nodes, &m), ICMP6_ERR_OPTION);
	assert_int_equal(DECODE(mps, &ll, &ll, &m), ICMP6_ERR_OPTION);
}

static void option_past_the_end(void **state)
{
	uint8_t ra[24] = { RA_HEAD, 5, 2 };
	uint8_t unknown[24] = { RA_HEAD, 253, 255 };
	uint8_t stub[17] = { RA_HEAD, 5 };
	struct icmp6_msg m;

	(void)state;
	assert_int_equal(DECODE(ra, &ll, &all_nodes, &m), ICMP6_ERR_OPTION);
	assert_int_equal(DECODE(unknown, &ll, &all_nodes, &m), ICMP6_ERR_OPTION);
	assert_int_equal(DECODE(stub, &ll, &all_nodes, &m), ICMP6_ERR_OPTION);
}

static void option_of_wrong_length(void **state)
{
	static const struct { uint8_t type, units; } good[] = {
		{ ND_OPT_SLLA, 1 }, { ND_OPT_PREFIX, 4 }, { ND_OPT_MTU, 1 },
		{ ND_OPT_ADV_INTERVAL, 1 }, { ND_OPT_HA_INFO, 1 },
	};
	struct icmp6_msg m;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		for (uint8_t units = 1; units < 8; units++) {
			uint8_t ra[16 + 64] = { RA_HEAD, good[i].type, units };

			assert_int_equal(decode(ra, 16u + units * 8u, &ll, &all_nodes, &m),
					 units == good[i].units ? ICMP6_OK : ICMP6_ERR_OPTION);
		}
	}
	/* RFC 8106: 3 or more, and odd. */
	for (uint8_t units = 1; units < 8; units++) {
		uint8_t ra[16 + 64] = { RA_HEAD, ND_OPT_RDNSS, units };

		assert_int_equal(decode(ra, 16u + units * 8u, &ll, &all_nodes, &m),
				 units >= 3 && units % 2 ? ICMP6_OK : ICMP6_ERR_OPTION);
	}
}

static void prefix_bits(void **state)
{
	uint8_t ra[48] = { RA_HEAD, 3, 4, 57, 0xc0 };
	struct icmp6_msg m;

	(void)state;
	memset(ra + 32, 0xff, 16);
	assert_int_equal(DECODE(ra, &ll, &all_nodes, &m), ICMP6_OK);
	assert_in6(&m.u.ra.prefixes[0].prefix, "ffff:ffff:ffff:ff80::");
	ra[18] = 0;
	assert_int_equal(DECODE(ra, &ll, &all_nodes, &m), ICMP6_OK);
	assert_in6(&m.u.ra.prefixes[0].prefix, "::");
	ra[18] = 128;
	assert_int_equal(DECODE(ra, &ll, &all_nodes, &m), ICMP6_OK);
	assert_in6(&m.u.ra.prefixes[0].prefix, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	ra[18] = 129;
	assert_int_equal(DECODE(ra, &ll, &all_nodes, &m), ICMP6_ERR_OPTION);
}

static void options_of_other_messages_are_ignored(void **state)
{
	/* Advertisement interval and prefix in a solicitation, of lengths that would be wrong. */
	uint8_t rs[40] = { 133, [8] = 7, 2, [24] = 3, 1, [32] = 1, 1, 2, 0, 0, 0, 0, 9 };
	struct icmp6_msg m;

	(void)state;
	assert_int_equal(DECODE(rs, &ll, &all_nodes, &m), ICMP6_OK);
	assert_true(m.u.rs.slla.present);
	assert_int_equal(m.u.rs.slla.mac[5], 9);
}

static void the_first_of_two_counts(void **state)
{
	uint8_t ra[32] = { RA_HEAD, 5, 1, 0, 0, 0, 0, 5, 220, 5, 1, 0, 0, 0, 0, 5, 0 };
	struct icmp6_msg m;

	(void)state;
	assert_int_equal(DECODE(ra, &ll, &all_nodes, &m), ICMP6_OK);
	assert_int_equal(m.u.ra.mtu, 1500);
}

static void more_prefixes_than_we_keep(void **state)
{
	enum { N = ND_MAX_PREFIXES + 5 };
	uint8_t ra[16 + 32 * N] = { RA_HEAD };
	uint8_t mpa[8 + 32 * N] = { 147 };
	struct icmp6_msg m;

	(void)state;
	for (unsigned int i = 0; i < N; i++) {
		uint8_t pio[32] = { 3, 4, 64, 0xc0, [16] = 0x20, 0x01, [23] = (uint8_t)i };

		memcpy(ra + 16 + 32 * i, pio, 32);
		memcpy(mpa + 8 + 32 * i, pio, 32);
	}
	assert_int_equal(DECODE(ra, &ll, &all_nodes, &m), ICMP6_OK);
	assert_int_equal(m.u.ra.n_prefixes, ND_MAX_PREFIXES);
	assert_int_equal(m.u.ra.dropped, 5);
	assert_int_equal(m.u.ra.prefixes[ND_MAX_PREFIXES - 1].prefix.s6_addr[7],
			 ND_MAX_PREFIXES - 1);
	assert_int_equal(DECODE(mpa, &global, &global, &m), ICMP6_OK);
	assert_int_equal(m.u.mp.n_prefixes, ND_MAX_PREFIXES);
}

static void more_servers_than_we_keep(void **state)
{
	uint8_t ra[16 + 8 + 16 * 7 + 24] = { RA_HEAD, ND_OPT_RDNSS, 15, 0, 0, 0, 0, 0, 60 };
	struct icmp6_msg m;

	(void)state;
	/* A second option with another lifetime. */
	ra[136] = ND_OPT_RDNSS;
	ra[137] = 3;
	ra[143] = 61;
	assert_int_equal(DECODE(ra, &ll, &all_nodes, &m), ICMP6_OK);
	assert_int_equal(m.u.ra.n_rdnss, ND_MAX_RDNSS);
	assert_int_equal(m.u.ra.rdnss_lifetime_s, 60);
	assert_int_equal(m.u.ra.dropped, 4);
}

/* One lifetime is kept: a server that has another one is dropped though there is room. */
static void servers_of_another_lifetime(void **state)
{
	uint8_t ra[16 + 24 * 3] = {
		RA_HEAD, ND_OPT_RDNSS, 3, [23] = 60, [39] = 1,
		[40] = ND_OPT_RDNSS, 3, [47] = 61, [63] = 2,
		[64] = ND_OPT_RDNSS, 3, [71] = 60, [87] = 3,
	};
	struct icmp6_msg m;

	(void)state;
	assert_int_equal(DECODE(ra, &ll, &all_nodes, &m), ICMP6_OK);
	assert_int_equal(m.u.ra.n_rdnss, 2);
	assert_in6(&m.u.ra.rdnss[0], "::1");
	assert_in6(&m.u.ra.rdnss[1], "::3");
	assert_int_equal(m.u.ra.rdnss_lifetime_s, 60);
	assert_int_equal(m.u.ra.dropped, 1);
}

static void home_agent_lists(void **state)
{
	uint8_t reply[8 + 16 * (ND_MAX_HA + 2)] = { 145, 0, 0, 0, 0x12, 0x34 };
	struct icmp6_msg m;

	(void)state;
	for (unsigned int i = 0; i < ND_MAX_HA + 2; i++)
		reply[8 + 16 * i + 15] = (uint8_t)(i + 1);
	assert_int_equal(DECODE(reply, &global, &global, &m), ICMP6_OK);
	assert_int_equal(m.u.dhaad.n_ha, ND_MAX_HA);
	assert_int_equal(m.u.dhaad.ha[ND_MAX_HA - 1].s6_addr[15], ND_MAX_HA);
	assert_int_equal(decode(reply, 8, &global, &global, &m), ICMP6_OK);
	assert_int_equal(m.u.dhaad.n_ha, 0);
	assert_int_equal(decode(reply, 8 + 24, &global, &global, &m), ICMP6_ERR_SHORT);
}

/* ---- encoding ---- */

static void round_trip(const struct icmp6_msg *m, const struct in6_addr *src,
		       const struct in6_addr *dst)
{
	uint8_t room[2048];
	struct icmp6_msg back;
	struct wbuf w;

	wb_init(&w, room, sizeof(room));
	wb_zero(&w, 40);
	assert_int_equal(icmp6_encode(&w, m, src, dst), 0);
	assert_int_equal(icmp6_decode(room + 40, w.len - 40, src, dst, 255, &back), ICMP6_OK);
	assert_memory_equal(m, &back, sizeof(*m));
}

static struct nd_lladdr mac(uint8_t last)
{
	struct nd_lladdr a = { true, { 2, 0, 0, 0, 0, last } };

	return a;
}

static struct icmp6_msg message(uint8_t type)
{
	struct icmp6_msg m;

	memset(&m, 0, sizeof(m));
	m.type = type;
	return m;
}

static void round_trip_neighbours(void **state)
{
	struct icmp6_msg m = message(ICMP6_RS);

	(void)state;
	round_trip(&m, &any, &all_nodes);
	m.u.rs.slla = mac(1);
	round_trip(&m, &ll, &all_nodes);
	m = message(ICMP6_NS);
	m.u.ns.target = global;
	m.u.ns.slla = mac(2);
	round_trip(&m, &ll, &global);
	m = message(ICMP6_NA);
	m.u.na.target = global;
	m.u.na.flags = NA_FLAG_OVERRIDE;
	round_trip(&m, &ll, &all_nodes);
	m.u.na.tlla = mac(3);
	round_trip(&m, &ll, &all_nodes);
}

static void fill_prefixes(struct nd_prefix *p, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		p[i].prefix = global;
		p[i].prefix.s6_addr[6] = (uint8_t)i;
		p[i].flags = i % 2 ? PIO_FLAG_ROUTER : PIO_FLAG_AUTO;
		p[i].plen = (uint8_t)(i % 2 ? 64 : 128 - i);
		if (!(i % 2))
			memset(p[i].prefix.s6_addr + 8, 0, 8);
		p[i].valid_s = UINT32_MAX - i;
		p[i].preferred_s = i;
	}
}

static void round_trip_advertisements(void **state)
{
	struct icmp6_msg m = message(ICMP6_RA);
	struct nd_ra *ra = &m.u.ra;

	(void)state;
	round_trip(&m, &ll, &all_nodes);
	ra->hop_limit = 255;
	ra->flags = 0xff;
	ra->router_lifetime_s = 0xfedc;
	ra->reachable_ms = 1;
	ra->retrans_ms = UINT32_MAX;
	ra->slla = mac(9);
	ra->mtu = 1280;
	ra->adv_interval_ms = 70;
	ra->has_ha_info = true;
	ra->ha_preference = 0xffff;
	ra->ha_lifetime_s = 1;
	ra->rdnss_lifetime_s = 7;
	for (unsigned int n = 0; n <= ND_MAX_RDNSS; n++) {
		for (unsigned int i = 0; i < n; i++)
			ra->rdnss[i] = global;
		ra->n_rdnss = n;
		ra->rdnss_lifetime_s = n ? 7 : 0;
		ra->n_prefixes = n * 4;
		fill_prefixes(ra->prefixes, ra->n_prefixes);
		round_trip(&m, &ll, &all_nodes);
	}
}

static void round_trip_mobility(void **state)
{
	struct icmp6_msg m = message(ICMP6_DHAAD_REQUEST);

	(void)state;
	m.u.dhaad.id = 0xabcd;
	round_trip(&m, &global, &global);
	m.type = ICMP6_DHAAD_REPLY;
	for (unsigned int n = 0; n < ND_MAX_HA; n++) {
		round_trip(&m, &global, &global);
		m.u.dhaad.ha[m.u.dhaad.n_ha++] = ll;
	}
	m = message(ICMP6_MPS);
	m.u.mp.id = 1;
	round_trip(&m, &global, &global);
	m = message(ICMP6_MPA);
	m.u.mp.id = 0xffff;
	m.u.mp.flags = RA_FLAG_MANAGED | RA_FLAG_OTHER;
	m.u.mp.n_prefixes = ND_MAX_PREFIXES;
	fill_prefixes(m.u.mp.prefixes, ND_MAX_PREFIXES);
	round_trip(&m, &global, &global);
}

static void cannot_be_encoded(void **state)
{
	struct icmp6_msg m = message(ICMP6_RA);
	uint8_t room[1024];
	struct wbuf w;

	(void)state;
	wb_init(&w, room, sizeof(room));
	assert_int_equal(icmp6_encode(&w, &m, &global, &all_nodes), -EINVAL);
	m.u.ra.n_prefixes = ND_MAX_PREFIXES + 1;
	assert_int_equal(icmp6_encode(&w, &m, &ll, &all_nodes), -EINVAL);
	m.u.ra.n_prefixes = 1;
	m.u.ra.prefixes[0].plen = 129;
	assert_int_equal(icmp6_encode(&w, &m, &ll, &all_nodes), -EINVAL);
	m = message(ICMP6_RA);
	m.u.ra.n_rdnss = ND_MAX_RDNSS + 1;
	assert_int_equal(icmp6_encode(&w, &m, &ll, &all_nodes), -EINVAL);
	m = message(ICMP6_RA);
	m.u.ra.has_ha_info = true;
	m.u.ra.ha_lifetime_s = 1;
	assert_int_equal(icmp6_encode(&w, &m, &ll, &all_nodes), -EINVAL);
	m.u.ra.flags = RA_FLAG_HOME_AGENT;
	m.u.ra.ha_lifetime_s = 0;
	assert_int_equal(icmp6_encode(&w, &m, &ll, &all_nodes), -EINVAL);
	m = message(ICMP6_RS);
	m.u.rs.slla = mac(1);
	assert_int_equal(icmp6_encode(&w, &m, &any, &all_nodes), -EINVAL);
	m = message(128);
	assert_int_equal(icmp6_encode(&w, &m, &ll, &ll), -EINVAL);
	m = message(ICMP6_DHAAD_REPLY);
	m.u.dhaad.n_ha = ND_MAX_HA + 1;
	assert_int_equal(icmp6_encode(&w, &m, &ll, &ll), -EINVAL);
	assert_int_equal(w.len, 0);
	assert_false(w.err);
}

static void no_room(void **state)
{
	struct icmp6_msg m = message(ICMP6_RA);

	(void)state;
	m.u.ra.n_prefixes = 1;
	m.u.ra.slla = mac(1);
	for (size_t cap = 0; cap < 16 + 8 + 32; cap++) {
		uint8_t *room = malloc(cap ? cap : 1);
		struct wbuf w;

		assert_non_null(room);
		wb_init(&w, room, cap);
		assert_int_equal(icmp6_encode(&w, &m, &ll, &all_nodes), -ENOSPC);
		assert_int_equal(w.len, 0);
		free(room);
	}
}

static void every_error_has_a_name(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ICMP6_ERR_MAX; i++)
		assert_true(strlen(icmp6_err_name((enum icmp6_err)i)) > 1);
	assert_string_equal(icmp6_err_name(ICMP6_ERR_MAX), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_solicitations),
		cmocka_unit_test(golden_advertisement),
		cmocka_unit_test(golden_neighbours),
		cmocka_unit_test(golden_mobility),
		cmocka_unit_test(golden_cut_anywhere),
		cmocka_unit_test(golden_encoded_alike),
		cmocka_unit_test(hop_limit),
		cmocka_unit_test(source_of_advertisement),
		cmocka_unit_test(link_layer_address_from_nowhere),
		cmocka_unit_test(targets),
		cmocka_unit_test(checksum_code_type_length),
		cmocka_unit_test(option_of_length_zero),
		cmocka_unit_test(option_past_the_end),
		cmocka_unit_test(option_of_wrong_length),
		cmocka_unit_test(prefix_bits),
		cmocka_unit_test(options_of_other_messages_are_ignored),
		cmocka_unit_test(the_first_of_two_counts),
		cmocka_unit_test(more_prefixes_than_we_keep),
		cmocka_unit_test(more_servers_than_we_keep),
		cmocka_unit_test(servers_of_another_lifetime),
		cmocka_unit_test(home_agent_lists),
		cmocka_unit_test(round_trip_neighbours),
		cmocka_unit_test(round_trip_advertisements),
		cmocka_unit_test(round_trip_mobility),
		cmocka_unit_test(cannot_be_encoded),
		cmocka_unit_test(no_room),
		cmocka_unit_test(every_error_has_a_name),
	};

	return cmocka_run_group_tests(tests, addresses, NULL);
}
