/* SPDX-License-Identifier: BSD-2-Clause */
/* The messages that wire_tool builds for other decoders to read. */
#ifndef DMIP6_TESTS_CATALOGUE_H
#define DMIP6_TESTS_CATALOGUE_H

#include "common/wire/ext.h"
#include "common/wire/icmp6.h"
#include "common/wire/mh.h"

#define DB8(...)	{ { { 0x20, 0x01, 0x0d, 0xb8, __VA_ARGS__ } } }
#define COA		DB8(0, 2, 0, 1, [14] = 0x0c, 0x0a)	/* 2001:db8:2:1::c0a */
#define HOA		DB8(0, 1, 1, 1, [14] = 0x04, 0x0a)	/* 2001:db8:1:101::40a */
#define HA		DB8(0, 1, 1, 0, [15] = 1)		/* 2001:db8:1:100::1 */
#define MAR2		DB8(0, 2, 1, 0, [15] = 1)	/* 2001:db8:2:100::1 */
#define P2		DB8(0, 1, 1, 2)			/* 2001:db8:1:102:: */
#define CN		DB8(0, 9, [15] = 0x0c)			/* 2001:db8:9::c */
#define P1		DB8(0, 1, 1, 1)				/* 2001:db8:1:101:: */
#define ANYCAST		DB8(0, 1, 1, 0, 0xfd, 255, 255, 255, 255, 255, 255, 254)
#define MN_LL		{ { { 0xfe, 0x80, [11] = 0xff, 0xfe, 0, 0, 1 } } }
#define AR_LL		{ { { 0xfe, 0x80, [11] = 0xff, 0xfe, 0, 0, 0xa1 } } }
#define ALL_NODES	{ { { 0xff, 2, [15] = 1 } } }
#define ALL_ROUTERS	{ { { 0xff, 2, [15] = 2 } } }
#define AR_SOLICITED	{ { { 0xff, 2, [11] = 1, 0xff, 0, 0, 0xa1 } } }
#define ANY		{ { { 0 } } }
#define MN_MAC		{ true, { 2, 0, 0, 0, 0, 1 } }
#define AR_MAC		{ true, { 2, 0, 0, 0, 0, 0xa1 } }

struct message {
	const char *name;
	struct ip6_packet ip6;
	struct mh_msg mh;	/* if ip6.next_header is 135 */
	struct icmp6_msg icmp6;	/* if it is 58 */
};

#define MH_TO_HA	.ip6 = { .src = COA, .dst = HA, .hop_limit = 64, .has_hao = true, \
				 .hao = HOA, .next_header = MH_NEXT_HEADER }
#define MH_TO_MN	.ip6 = { .src = HA, .dst = COA, .hop_limit = 64, .has_rh2 = true, \
				 .rh2 = HOA, .next_header = MH_NEXT_HEADER }
#define MH_DIRECT(s, d)	.ip6 = { .src = s, .dst = d, .hop_limit = 64, \
				 .next_header = MH_NEXT_HEADER }
#define ND(s, d)	.ip6 = { .src = s, .dst = d, .hop_limit = 255, \
				 .next_header = IP6_NH_ICMP6 }

/* RFC 5213 section 8, all of them. */
#define PROXY_OPTIONS { \
	.has_mn_id = true, .mn_id_subtype = MN_ID_NAI, .mn_id_len = 14, \
	.mn_id = "mn@example.org", \
	.n_prefixes = 2, .prefixes = { { P1, 64 }, { P2, 64 } }, \
	.has_handoff = true, .handoff = HANDOFF_OTHER_GATEWAY, \
	.has_access_type = true, .access_type = ACCESS_WLAN, \
	.link_layer_len = 6, .link_layer = { 2, 0, 0, 0, 0, 1 }, \
	.has_link_local = true, .link_local = MN_LL, \
	.has_timestamp = true, .timestamp = 0x00006565a1b28000, \
}

static const struct message catalogue[] = {
	{ "brr", MH_DIRECT(CN, HOA), .mh = { .type = MH_BRR } },
	{ "hoti", MH_DIRECT(HOA, CN), .mh = { .type = MH_HOTI,
		.u.rr.cookie = 0x0102030405060708 } },
	{ "coti", MH_DIRECT(COA, CN), .mh = { .type = MH_COTI,
		.u.rr.cookie = 0x090a0b0c0d0e0f10 } },
	{ "hot", MH_DIRECT(CN, HOA), .mh = { .type = MH_HOT, .u.rr = {
		.nonce_index = 0x90a, .cookie = 0x0102030405060708,
		.token = 0x1112131415161718 } } },
	{ "cot", MH_DIRECT(CN, COA), .mh = { .type = MH_COT, .u.rr = {
		.nonce_index = 0x90b, .cookie = 0x090a0b0c0d0e0f10,
		.token = 0x191a1b1c1d1e1f20 } } },
	{ "bu-plain", MH_TO_HA, .mh = { .type = MH_BU, .u.bu = { 1, BU_ACK | BU_HOME, 15 } } },
	{ "bu-home", MH_TO_HA, .mh = { .type = MH_BU,
		.u.bu = { 0x1234, BU_ACK | BU_HOME | BU_LLOCAL, 150 },
		.opts = { .has_alt_coa = true, .alt_coa = COA,
			  .mn_ha = { .present = true, .spi = 256, .len = 16 } } } },
	{ "bu-open", MH_TO_HA, .mh = { .type = MH_BU, .u.bu = { 2, BU_ACK | BU_HOME, 150 },
		.opts = { .has_alt_coa = true, .alt_coa = COA } } },
	{ "bu-identity", MH_TO_HA, .mh = { .type = MH_BU,
		.u.bu = { 9, BU_ACK | BU_HOME | BU_KEYMGMT, 150 },
		.opts = { .has_mn_id = true, .mn_id_subtype = 1, .mn_id_len = 14,
			  .mn_id = "mn@example.org",
			  .has_mesg_id = true, .mesg_id = 0xe5f0a1b2c3d4e5f6,
			  .mn_ha = { .present = true, .spi = 3, .len = 12 } } } },
	{ "bu-aaa", MH_TO_HA, .mh = { .type = MH_BU, .u.bu = { 10, BU_ACK | BU_HOME, 150 },
		.opts = { .mn_ha = { .present = true, .spi = 3, .len = 12 },
			  .mn_aaa = { .present = true, .spi = 5, .len = 20, .data = "aaa" } } } },
	{ "bu-correspondent",
	  .ip6 = { .src = COA, .dst = CN, .hop_limit = 64, .has_hao = true, .hao = HOA,
		   .next_header = MH_NEXT_HEADER },
	  .mh = { .type = MH_BU, .u.bu = { 7, BU_ACK, 105 },
		.opts = { .has_nonce_indices = true, .home_nonce = 0x4d2, .coa_nonce = 0x162e,
			  .has_auth_data = true, .auth_data_len = 12,
			  .auth_data = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 } } } },
	{ "bu-deregister", MH_DIRECT(HOA, HA), .mh = { .type = MH_BU,
		.u.bu = { 0xffff, BU_ACK | BU_HOME, 0 },
		.opts.mn_ha = { .present = true, .spi = 256, .len = 16 } } },
	{ "ba-accepted", MH_TO_MN, .mh = { .type = MH_BA,
		.u.ba = { BA_ACCEPTED, BA_KEYMGMT, 0x1234, 150 },
		.opts = { .has_refresh_advice = true, .refresh_advice = 120,
			  .mn_ha = { .present = true, .spi = 256, .len = 16 } } } },
	{ "ba-rejected", MH_TO_MN, .mh = { .type = MH_BA,
		.u.ba = { BA_SEQ_OUT_OF_WINDOW, 0, 0x2000, 0 } } },
	{ "be", MH_DIRECT(CN, COA), .mh = { .type = MH_BE,
		.u.be = { BE_UNKNOWN_HAO, HOA } } },
	{ "bri", MH_TO_MN, .mh = { .type = MH_BR,
		.u.br = { BR_INDICATION, BR_ADMINISTRATIVE, 0xbeef, 0 },
		.opts.mn_ha = { .present = true, .spi = 256, .len = 16 } } },
	{ "bri-global", MH_DIRECT(HA, COA), .mh = { .type = MH_BR,
		.u.br = { BR_INDICATION, BR_PER_PEER_POLICY, 7, BR_PROXY | BR_GLOBAL } } },
	{ "bra", MH_TO_HA, .mh = { .type = MH_BR,
		.u.br = { BR_ACKNOWLEDGEMENT, BR_NO_BINDING, 0xbeef, 0 },
		.opts.mn_ha = { .present = true, .spi = 256, .len = 16 } } },
	{ "pbu", MH_DIRECT(MAR2, HA), .mh = { .type = MH_BU,
		.u.bu = { 0x4321, BU_ACK | BU_HOME | BU_PROXY, 75 }, .opts = PROXY_OPTIONS } },
	{ "pba", MH_DIRECT(HA, MAR2), .mh = { .type = MH_BA,
		.u.ba = { BA_PREFIX_NOT_AUTHORIZED, BA_PROXY, 0x4321, 0 },
		.opts = PROXY_OPTIONS } },
	{ "heartbeat", MH_DIRECT(HA, MAR2), .mh = { .type = MH_HEARTBEAT,
		.u.heartbeat = { HEARTBEAT_UNSOLICITED | HEARTBEAT_RESPONSE, 0xdeadbeef },
		.opts = { .has_restart_counter = true, .restart_counter = 0x10203 } } },
	{ "rs", ND(MN_LL, ALL_ROUTERS), .icmp6 = { ICMP6_RS, .u.rs.slla = MN_MAC } },
	{ "rs-unspecified", ND(ANY, ALL_ROUTERS), .icmp6 = { .type = ICMP6_RS } },
	{ "ra-home-agent", ND(AR_LL, ALL_NODES), .icmp6 = { ICMP6_RA, .u.ra = {
		.hop_limit = 64, .flags = RA_FLAG_OTHER | RA_FLAG_HOME_AGENT,
		.router_lifetime_s = 1800, .reachable_ms = 30000, .retrans_ms = 1000,
		.slla = AR_MAC, .mtu = 1600, .adv_interval_ms = 10000,
		.has_ha_info = true, .ha_preference = 10, .ha_lifetime_s = 900,
		.n_prefixes = 2, .prefixes = {
			{ P1, 64, PIO_FLAG_AUTO, 3600, 1800 },
			{ HA, 64, PIO_FLAG_ROUTER, 3600, 1800 },
		},
		.rdnss_lifetime_s = 600, .n_rdnss = 2, .rdnss = { HA, CN } } } },
	{ "ra-final", ND(AR_LL, ALL_NODES), .icmp6 = { ICMP6_RA, .u.ra = {
		.flags = RA_FLAG_MANAGED } } },
	{ "ns", ND(MN_LL, AR_SOLICITED), .icmp6 = { ICMP6_NS,
		.u.ns = { .target = AR_LL, .slla = MN_MAC } } },
	{ "na", ND(AR_LL, MN_LL), .icmp6 = { ICMP6_NA, .u.na = {
		NA_FLAG_ROUTER | NA_FLAG_SOLICITED | NA_FLAG_OVERRIDE, AR_LL, AR_MAC } } },
	{ "dhaad-request",
	  .ip6 = { .src = COA, .dst = ANYCAST, .hop_limit = 64, .next_header = IP6_NH_ICMP6 },
	  .icmp6 = { ICMP6_DHAAD_REQUEST, .u.dhaad.id = 0x5a5a } },
	{ "dhaad-reply",
	  .ip6 = { .src = HA, .dst = COA, .hop_limit = 64, .next_header = IP6_NH_ICMP6 },
	  .icmp6 = { ICMP6_DHAAD_REPLY, .u.dhaad = { 0x5a5a, 2, { HA, CN } } } },
	{ "mps",
	  .ip6 = { .src = COA, .dst = HA, .hop_limit = 64, .has_hao = true, .hao = HOA,
		   .next_header = IP6_NH_ICMP6 },
	  .icmp6 = { ICMP6_MPS, .u.mp.id = 0x77 } },
	{ "mpa",
	  .ip6 = { .src = HA, .dst = COA, .hop_limit = 64, .has_rh2 = true, .rh2 = HOA,
		   .next_header = IP6_NH_ICMP6 },
	  .icmp6 = { ICMP6_MPA, .u.mp = { 0x77, RA_FLAG_MANAGED, 1,
		{ { P1, 64, PIO_FLAG_AUTO, 7200, 3600 } } } } },
	{ "tunnel",
	  .ip6 = { .src = COA, .dst = HA, .hop_limit = 64, .traffic_class = 0xb8,
		   .has_tunnel_limit = true, .tunnel_limit = 4, .next_header = IP6_NH_TUNNEL } },
};

#endif
