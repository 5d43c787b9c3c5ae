/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/wire/{buf,ext}.c */
#include "common/wire/ext.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/vectors/vector.h"

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

/* A packet of the given extension octets in front of a payload of 8 octets. */
struct packet {
	uint8_t *data;
	size_t len;
};

static struct packet with_ext(uint8_t first_nh, const void *ext, size_t len)
{
	struct packet p = { malloc(48 + len), 48 + len };

	assert_non_null(p.data);
	memset(p.data, 0, p.len);
	p.data[0] = 0x60;
	p.data[4] = (uint8_t)((8 + len) >> 8);
	p.data[5] = (uint8_t)(8 + len);
	p.data[6] = first_nh;
	p.data[7] = 64;
	memcpy(p.data + 40, ext, len);
	return p;
}

static enum ip6_err decode_ext(uint8_t first_nh, const void *ext, size_t len,
			       struct ip6_packet *ret)
{
	struct packet p = with_ext(first_nh, ext, len);
	enum ip6_err err = ip6_decode(p.data, p.len, ret);

	free(p.data);
	return err;
}

#define DECODE_EXT(nh, bytes, ret)	decode_ext(nh, bytes, sizeof(bytes), ret)

static struct ip6_packet load(const char *name)
{
	struct vector v = vector_load(name);
	struct ip6_packet p;

	assert_non_null(v.data);
	assert_int_equal(ip6_decode(v.data, v.len, &p), IP6_OK);
	assert_int_equal(p.payload_off + p.payload_len, v.len);
	free(v.data);
	return p;
}

static void home_address_option(void **state)
{
	struct ip6_packet p = load("bu-home");

	(void)state;
	assert_in6(&p.src, "2001:db8:2:1::c0a");
	assert_in6(&p.dst, "2001:db8:1:100::1");
	assert_true(p.has_hao);
	assert_false(p.has_rh2);
	assert_in6(&p.hao, "2001:db8:1:101::40a");
	assert_int_equal(p.hao_off, 46);
	assert_int_equal(p.next_header, 135);
	assert_int_equal(p.payload_off, 64);
	assert_ptr_equal(ip6_cksum_src(&p), &p.hao);
	assert_ptr_equal(ip6_cksum_dst(&p), &p.dst);
}

static void type_2_routing_header(void **state)
{
	struct ip6_packet p = load("ba-accepted");

	(void)state;
	assert_true(p.has_rh2);
	assert_false(p.has_hao);
	assert_in6(&p.rh2, "2001:db8:1:101::40a");
	assert_int_equal(p.next_header, 135);
	assert_ptr_equal(ip6_cksum_src(&p), &p.src);
	assert_ptr_equal(ip6_cksum_dst(&p), &p.rh2);
}

static void tunnel_header(void **state)
{
	struct ip6_packet p = load("tunnel");

	(void)state;
	assert_true(p.has_tunnel_limit);
	assert_int_equal(p.tunnel_limit, 4);
	assert_int_equal(p.next_header, IP6_NH_TUNNEL);
	assert_int_equal(p.payload_off, 48);
	assert_int_equal(p.traffic_class, 0xb8);
	/* The inner header is payload: its addresses are not ours to read here. */
	assert_in6(&p.src, "2001:db8:2:1::c0a");
}

static void no_extension_header(void **state)
{
	struct ip6_packet p = load("linux-rs");

	(void)state;
	assert_int_equal(p.next_header, IP6_NH_ICMP6);
	assert_int_equal(p.payload_off, 40);
	assert_int_equal(p.payload_len, 16);
	assert_int_equal(p.hop_limit, 255);
}

static void cut_anywhere(void **state)
{
	static const char *const names[] = { "bu-home", "ba-accepted", "tunnel", "mpa" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct vector v = vector_load(names[i]);

		assert_non_null(v.data);
		for (size_t len = 0; len < v.len; len++) {
			uint8_t *cut = malloc(len ? len : 1);
			struct ip6_packet p, untouched;

			assert_non_null(cut);
			memcpy(cut, v.data, len);
			memset(&p, 0x5a, sizeof(p));
			untouched = p;
			assert_int_equal(ip6_decode(cut, len, &p), IP6_ERR_SHORT);
			assert_memory_equal(&p, &untouched, sizeof(p));
			/* Nor may a length that was made right bring us past the end. */
			if (len >= 40) {
				cut[4] = (uint8_t)((len - 40) >> 8);
				cut[5] = (uint8_t)(len - 40);
				if (ip6_decode(cut, len, &p) == IP6_OK)
					assert_true(p.payload_off + p.payload_len == len);
			}
			free(cut);
		}
		free(v.data);
	}
}

static void link_padding_is_not_payload(void **state)
{
	struct vector v = vector_load("linux-rs");
	uint8_t *longer = calloc(1, v.len + 6);
	struct ip6_packet p;

	(void)state;
	assert_non_null(longer);
	memcpy(longer, v.data, v.len);
	assert_int_equal(ip6_decode(longer, v.len + 6, &p), IP6_OK);
	assert_int_equal(p.payload_len, 16);
	free(longer);
	free(v.data);
}

static void version(void **state)
{
	struct vector v = vector_load("linux-rs");
	struct ip6_packet p;

	(void)state;
	v.data[0] = 0x45;
	assert_int_equal(ip6_decode(v.data, v.len, &p), IP6_ERR_VERSION);
	free(v.data);
}

static void malformed_home_address_option(void **state)
{
	uint8_t two[48] = { 59, 5, 1, 2, [6] = IP6_OPT_HAO, 16, [24] = IP6_OPT_HAO, 16,
			    [42] = 1, 4 };
	uint8_t length[16] = { 59, 1, IP6_OPT_HAO, 12 };
	uint8_t past_end[24] = { 59, 2, [8] = IP6_OPT_HAO, 16 };
	uint8_t in_hop_by_hop[24] = { 59, 2, 1, 2, [6] = IP6_OPT_HAO, 16 };
	struct ip6_packet p;

	(void)state;
	assert_int_equal(DECODE_EXT(60, two, &p), IP6_ERR_HAO);
	assert_int_equal(DECODE_EXT(60, length, &p), IP6_ERR_HAO);
	assert_int_equal(DECODE_EXT(60, past_end, &p), IP6_ERR_EXT);
	assert_int_equal(DECODE_EXT(0, in_hop_by_hop, &p), IP6_ERR_OPTION);
}

static void home_address_option_in_two_headers(void **state)
{
	uint8_t ext[48] = { 60, 2, 1, 2, [6] = IP6_OPT_HAO, 16,
			    [24] = 59, 2, 1, 2, [30] = IP6_OPT_HAO, 16 };
	struct ip6_packet p;

	(void)state;
	assert_int_equal(DECODE_EXT(60, ext, &p), IP6_ERR_HAO);
}

static void unknown_options(void **state)
{
	uint8_t ext[8] = { 59, 0, 0, 3, 0, 0, 0, 0 };	/* Pad1, then type 3 with length 0 */
	struct ip6_packet p;

	(void)state;
	for (unsigned int i = 6; i < 256; i++) {
		if (i == IP6_OPT_HAO)
			continue;
		ext[3] = (uint8_t)i;
		assert_int_equal(DECODE_EXT(60, ext, &p), i < 64 ? IP6_OK : IP6_ERR_OPTION);
		assert_int_equal(DECODE_EXT(0, ext, &p), i < 64 ? IP6_OK : IP6_ERR_OPTION);
	}
}

static void option_framing(void **state)
{
	uint8_t past_end[8] = { 59, 0, 1, 5 };
	uint8_t no_length[8] = { 59, 0, 1, 3, 0, 0, 0, 1 };
	uint8_t limit[8] = { 59, 0, 4, 2, 0, 0, 0, 0 };
	uint8_t header[8] = { 59, 2 };
	struct ip6_packet p;

	(void)state;
	assert_int_equal(DECODE_EXT(60, past_end, &p), IP6_ERR_EXT);
	assert_int_equal(DECODE_EXT(60, no_length, &p), IP6_ERR_EXT);
	assert_int_equal(DECODE_EXT(60, limit, &p), IP6_ERR_EXT);
	assert_int_equal(DECODE_EXT(60, header, &p), IP6_ERR_EXT);
}

static void routing_headers(void **state)
{
	uint8_t good[24] = { 59, 2, 2, 1 };
	uint8_t left[24] = { 59, 2, 2, 0 };
	uint8_t length[40] = { 59, 4, 2, 1 };
	uint8_t twice[48] = { 43, 2, 2, 1, [24] = 59, 2, 2, 1 };
	uint8_t type0[24] = { 59, 2, 0, 1 };
	uint8_t type0_done[24] = { 59, 2, 0, 0 };
	struct ip6_packet p;

	(void)state;
	assert_int_equal(DECODE_EXT(43, good, &p), IP6_OK);
	assert_true(p.has_rh2);
	assert_int_equal(DECODE_EXT(43, left, &p), IP6_ERR_RH2);
	assert_int_equal(DECODE_EXT(43, length, &p), IP6_ERR_RH2);
	assert_int_equal(DECODE_EXT(43, twice, &p), IP6_ERR_RH2);
	assert_int_equal(DECODE_EXT(43, type0, &p), IP6_ERR_EXT);
	assert_int_equal(DECODE_EXT(43, type0_done, &p), IP6_OK);
	assert_false(p.has_rh2);
}

static void chain_rules(void **state)
{
	uint8_t late_hop_by_hop[16] = { 0, 0, 1, 4, [8] = 59, 0, 1, 4 };
	uint8_t fragment[8] = { 135, 0, 0, 1 };
	uint8_t behind[16] = { 44, 0, 1, 4, [8] = 135 };
	struct ip6_packet p;

	(void)state;
	assert_int_equal(DECODE_EXT(60, late_hop_by_hop, &p), IP6_ERR_EXT);
	assert_int_equal(DECODE_EXT(44, fragment, &p), IP6_ERR_FRAGMENT);
	assert_int_equal(DECODE_EXT(60, behind, &p), IP6_ERR_FRAGMENT);
}

static void round_trip(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		uint8_t room[256];
		struct ip6_packet p, q;
		struct wbuf w;

		memset(&p, 0, sizeof(p));
		p.src = in6("2001:db8::1");
		p.dst = in6("2001:db8::2");
		p.hop_limit = 64;
		p.traffic_class = 0xb8;
		p.next_header = 135;
		p.has_hao = i & 1;
		p.has_rh2 = i & 2;
		p.has_tunnel_limit = i & 4;
		if (p.has_hao)
			p.hao = in6("2001:db8::a");
		if (p.has_rh2)
			p.rh2 = in6("2001:db8::b");
		p.tunnel_limit = p.has_tunnel_limit ? 9 : 0;

		wb_init(&w, room, sizeof(room));
		wb_zero(&w, 14);
		ip6_encode(&w, &p);
		/* The payload starts on 8 octets, as the Mobility Header must. */
		assert_int_equal((w.len - 14) % 8, 0);
		p.payload_off = (uint16_t)(w.len - 14);
		p.payload_len = 16;
		wb_zero(&w, 16);
		ip6_finish(&w, 14);
		assert_false(w.err);
		assert_int_equal(ip6_decode(room + 14, w.len - 14, &q), IP6_OK);
		assert_int_equal(p.has_hao ? room[14 + q.hao_off] : IP6_OPT_HAO, IP6_OPT_HAO);
		p.hao_off = q.hao_off;
		assert_memory_equal(&p, &q, sizeof(p));
	}
}

/* Octet for octet what scapy builds, in front of the same payload. */
static void encodes_as_others_do(void **state)
{
	static const char *const names[] = { "bu-home", "ba-accepted", "tunnel", "linux-rs" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct vector v = vector_load(names[i]);
		uint8_t room[512];
		struct ip6_packet p;
		struct wbuf w;

		assert_int_equal(ip6_decode(v.data, v.len, &p), IP6_OK);
		wb_init(&w, room, sizeof(room));
		ip6_encode(&w, &p);
		assert_int_equal(w.len, p.payload_off);
		wb_bytes(&w, v.data + p.payload_off, p.payload_len);
		ip6_finish(&w, 0);
		assert_int_equal(w.len, v.len);
		assert_memory_equal(room, v.data, v.len);
		free(v.data);
	}
}

static void finish_refuses_nonsense(void **state)
{
	uint8_t *room = malloc(70000);
	struct ip6_packet p;
	struct wbuf w;

	(void)state;
	assert_non_null(room);
	memset(&p, 0, sizeof(p));
	wb_init(&w, room, 70000);
	ip6_finish(&w, 0);
	assert_true(w.err);
	wb_init(&w, room, 70000);
	ip6_encode(&w, &p);
	wb_zero(&w, 65536);
	ip6_finish(&w, 0);
	assert_true(w.err);
	wb_init(&w, room, 41);
	p.has_hao = true;
	ip6_encode(&w, &p);
	assert_true(w.err);
	free(room);
}

static void every_error_has_a_name(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < IP6_ERR_MAX; i++)
		assert_true(strlen(ip6_err_name((enum ip6_err)i)) > 1);
	assert_string_equal(ip6_err_name(IP6_ERR_MAX), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(home_address_option),
		cmocka_unit_test(type_2_routing_header),
		cmocka_unit_test(tunnel_header),
		cmocka_unit_test(no_extension_header),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(link_padding_is_not_payload),
		cmocka_unit_test(version),
		cmocka_unit_test(malformed_home_address_option),
		cmocka_unit_test(home_address_option_in_two_headers),
		cmocka_unit_test(unknown_options),
		cmocka_unit_test(option_framing),
		cmocka_unit_test(routing_headers),
		cmocka_unit_test(chain_rules),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(encodes_as_others_do),
		cmocka_unit_test(finish_refuses_nonsense),
		cmocka_unit_test(every_error_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
