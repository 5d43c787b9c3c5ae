/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/wire/{buf,cksum,ext,mhopt,mh}.c */
#include "common/wire/mh.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/wire/ext.h"
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

/* ---- golden packets ---- */

static enum mh_err decode_packet(const struct vector *v, struct mh_msg *ret)
{
	struct ip6_packet p;

	assert_non_null(v->data);
	assert_int_equal(ip6_decode(v->data, v->len, &p), IP6_OK);
	assert_int_equal(p.next_header, MH_NEXT_HEADER);
	return mh_decode(v->data + p.payload_off, p.payload_len, ip6_cksum_src(&p),
			 ip6_cksum_dst(&p), ret, NULL);
}

static struct mh_msg load(const char *name)
{
	struct vector v = vector_load(name);
	struct mh_msg m;

	assert_int_equal(decode_packet(&v, &m), MH_OK);
	free(v.data);
	return m;
}

static void golden_return_routability(void **state)
{
	struct mh_msg m = load("brr");

	(void)state;
	assert_int_equal(m.type, MH_BRR);
	m = load("hoti");
	assert_int_equal(m.type, MH_HOTI);
	assert_true(m.u.rr.cookie == 0x0102030405060708);
	m = load("coti");
	assert_int_equal(m.type, MH_COTI);
	assert_true(m.u.rr.cookie == 0x090a0b0c0d0e0f10);
	m = load("hot");
	assert_int_equal(m.type, MH_HOT);
	assert_int_equal(m.u.rr.nonce_index, 0x90a);
	assert_true(m.u.rr.cookie == 0x0102030405060708);
	assert_true(m.u.rr.token == 0x1112131415161718);
	m = load("cot");
	assert_int_equal(m.type, MH_COT);
	assert_int_equal(m.u.rr.nonce_index, 0x90b);
	assert_true(m.u.rr.token == 0x191a1b1c1d1e1f20);
	m = load("be");
	assert_int_equal(m.type, MH_BE);
	assert_int_equal(m.u.be.status, BE_UNKNOWN_HAO);
	assert_in6(&m.u.be.hoa, "2001:db8:1:101::40a");
}

static void golden_binding_updates(void **state)
{
	struct mh_msg m = load("bu-plain");

	(void)state;
	assert_int_equal(m.type, MH_BU);
	assert_int_equal(m.u.bu.seq, 1);
	assert_int_equal(m.u.bu.flags, BU_ACK | BU_HOME);
	assert_int_equal(m.u.bu.lifetime, 15);
	assert_false(m.opts.has_alt_coa || m.opts.mn_ha.present || m.opts.has_auth_data);

	m = load("bu-home");
	assert_int_equal(m.u.bu.seq, 0x1234);
	assert_int_equal(m.u.bu.flags, BU_ACK | BU_HOME | BU_LLOCAL);
	assert_int_equal(m.u.bu.lifetime, 150);
	assert_true(m.opts.has_alt_coa);
	assert_in6(&m.opts.alt_coa, "2001:db8:2:1::c0a");
	assert_true(m.opts.mn_ha.present);
	assert_int_equal(m.opts.mn_ha.spi, 256);
	assert_int_equal(m.opts.mn_ha.len, 16);
	assert_int_equal(m.opts.mn_ha.data[0], 0xa0);
	assert_int_equal(m.opts.mn_ha.data[15], 0xaf);
	assert_int_equal(m.opts.mn_ha.covered, 40);
	assert_true(m.opts.mn_ha.last);

	m = load("bu-correspondent");
	assert_int_equal(m.u.bu.flags, BU_ACK);
	assert_true(m.opts.has_nonce_indices && m.opts.has_auth_data);
	assert_int_equal(m.opts.home_nonce, 0x4d2);
	assert_int_equal(m.opts.coa_nonce, 0x162e);
	assert_int_equal(m.opts.auth_data_len, 12);
	assert_int_equal(m.opts.auth_data_off, 20);
	assert_memory_equal(m.opts.auth_data, "\1\2\3\4\5\6\7\10\11\12\13\14", 12);

	m = load("bu-deregister");
	assert_int_equal(m.u.bu.seq, 0xffff);
	assert_int_equal(m.u.bu.lifetime, 0);
}

static void golden_identity_options(void **state)
{
	struct mh_msg m = load("bu-identity");

	(void)state;
	assert_true(m.opts.has_mn_id);
	assert_int_equal(m.opts.mn_id_subtype, 1);
	assert_int_equal(m.opts.mn_id_len, 14);
	assert_memory_equal(m.opts.mn_id, "mn@example.org", 14);
	assert_true(m.opts.has_mesg_id);
	assert_true(m.opts.mesg_id == 0xe5f0a1b2c3d4e5f6);
	assert_int_equal(m.opts.mn_ha.spi, 3);
	assert_int_equal(m.opts.mn_ha.len, 12);
	/* MN-AAA follows: the MN-HA option is not the last one. */
	assert_false(m.opts.mn_ha.last);
	assert_int_equal(m.opts.mn_aaa.spi, 5);
	assert_int_equal(m.opts.mn_aaa.len, 20);
	assert_true(m.opts.mn_aaa.last);
	assert_true(m.opts.mn_aaa.covered > m.opts.mn_ha.covered);
}

static void golden_unknown_options(void **state)
{
	struct mh_msg m = load("bu-unknown-options");

	(void)state;
	assert_int_equal(m.opts.unknown, 2);
	assert_true(m.opts.has_alt_coa);
	assert_in6(&m.opts.alt_coa, "2001:db8:2:1::c0a");
}

/* RFC 4866 5.4, 5.5: types 15 and 16, one without data, the other with eight octets. */
static void care_of_test_options(void **state)
{
	static const uint8_t want[] = { 15, 0, 16, 8, 1, 2, 3, 4, 5, 6, 7, 8 };
	const struct in6_addr a = { .s6_addr = { 0x20, 1 } };
	struct mh_msg m = { .type = MH_BU }, got;
	uint8_t room[64];
	struct wbuf w;

	(void)state;
	m.opts.has_care_of_test_init = m.opts.has_care_of_test = true;
	memcpy(m.opts.care_of_token, want + 4, MH_CARE_OF_TOKEN);
	wb_init(&w, room, sizeof(room));
	assert_int_equal(mh_encode(&w, &m), 0);
	assert_memory_equal(room + 12, want, sizeof(want));
	assert_int_equal(w.len % 8, 0);
	mh_set_cksum(room, w.len, &a, &a);
	assert_int_equal(mh_decode(room, w.len, &a, &a, &got, NULL), MH_OK);
	assert_true(got.opts.has_care_of_test_init && got.opts.has_care_of_test);
	assert_memory_equal(got.opts.care_of_token, want + 4, MH_CARE_OF_TOKEN);
	assert_int_equal(got.opts.unknown, 0);
	/* Of any other length they are none. */
	room[13] = 1;
	mh_set_cksum(room, w.len, &a, &a);
	assert_int_equal(mh_decode(room, w.len, &a, &a, &got, NULL), MH_ERR_OPTION);
}

static void golden_acknowledgements(void **state)
{
	struct mh_msg m = load("ba-accepted");

	(void)state;
	assert_int_equal(m.type, MH_BA);
	assert_int_equal(m.u.ba.status, BA_ACCEPTED);
	assert_int_equal(m.u.ba.flags, BA_KEYMGMT);
	assert_int_equal(m.u.ba.seq, 0x1234);
	assert_int_equal(m.u.ba.lifetime, 150);
	assert_true(m.opts.has_refresh_advice);
	assert_int_equal(m.opts.refresh_advice, 120);
	assert_true(m.opts.mn_ha.last);
	m = load("ba-rejected");
	assert_int_equal(m.u.ba.status, BA_SEQ_OUT_OF_WINDOW);
	assert_int_equal(m.u.ba.seq, 0x2000);
}

static void golden_revocation(void **state)
{
	struct mh_msg m = load("bri");

	(void)state;
	assert_int_equal(m.type, MH_BR);
	assert_int_equal(m.u.br.type, BR_INDICATION);
	assert_int_equal(m.u.br.code, BR_ADMINISTRATIVE);
	assert_int_equal(m.u.br.seq, 0xbeef);
	assert_int_equal(m.u.br.flags, 0);
	assert_int_equal(m.opts.mn_ha.covered, 20);
	assert_true(m.opts.mn_ha.last);
	m = load("bra");
	assert_int_equal(m.u.br.type, BR_ACKNOWLEDGEMENT);
	assert_int_equal(m.u.br.code, BR_NO_BINDING);
	assert_int_equal(m.u.br.seq, 0xbeef);
	m = load("bri-global");
	assert_int_equal(m.u.br.code, BR_PER_PEER_POLICY);
	assert_int_equal(m.u.br.flags, BR_PROXY | BR_GLOBAL);
	assert_false(m.opts.mn_ha.present);
}

static const char *const golden[] = {
	"brr", "hoti", "coti", "hot", "cot", "be", "bu-plain", "bu-home", "bu-correspondent",
	"bu-identity", "bu-unknown-options", "bu-deregister", "ba-accepted", "ba-rejected",
	"bri", "bra", "bri-global",
};
#define N_GOLDEN (sizeof(golden) / sizeof(golden[0]))

static void golden_cut_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_GOLDEN; i++) {
		struct vector v = vector_load(golden[i]);
		struct ip6_packet p;

		assert_int_equal(ip6_decode(v.data, v.len, &p), IP6_OK);
		for (size_t len = 0; len < p.payload_len; len++) {
			uint8_t *cut = malloc(len ? len : 1);
			struct mh_msg m, untouched;

			assert_non_null(cut);
			memcpy(cut, v.data + p.payload_off, len);
			memset(&m, 0x5a, sizeof(m));
			untouched = m;
			assert_int_equal(mh_decode(cut, len, ip6_cksum_src(&p),
						   ip6_cksum_dst(&p), &m, NULL),
					 MH_ERR_TRUNCATED);
			assert_memory_equal(&m, &untouched, sizeof(m));
			free(cut);
		}
		free(v.data);
	}
}

/* One bit turned anywhere in header, message or pseudo-header addresses is noticed. */
static void golden_wrong_checksum(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_GOLDEN; i++) {
		struct vector v = vector_load(golden[i]);
		struct ip6_packet p;
		struct mh_msg m;

		assert_int_equal(ip6_decode(v.data, v.len, &p), IP6_OK);
		for (size_t bit = 0; bit < p.payload_len * 8u; bit++) {
			enum mh_err err;

			v.data[p.payload_off + bit / 8] ^= (uint8_t)(1 << bit % 8);
			err = decode_packet(&v, &m);
			assert_true(err == MH_ERR_CHECKSUM || err == MH_ERR_TRUNCATED);
			v.data[p.payload_off + bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_int_equal(decode_packet(&v, &m), MH_OK);
		free(v.data);
	}
}

/* With the addresses of the IPv6 header the checksum of these would be wrong. */
static void checksum_uses_the_home_address(void **state)
{
	static const char *const names[] = { "bu-home", "ba-accepted", "bri", "bra" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct vector v = vector_load(names[i]);
		struct ip6_packet p;
		struct mh_msg m;

		assert_int_equal(ip6_decode(v.data, v.len, &p), IP6_OK);
		assert_int_equal(mh_decode(v.data + p.payload_off, p.payload_len, &p.src, &p.dst,
					   &m, NULL), MH_ERR_CHECKSUM);
		free(v.data);
	}
}

/* What we encode is, octet for octet, what another tool built from the same fields, where
 * the order of options is the same and no unknown option stands between. */
static void golden_encoded_alike(void **state)
{
	static const char *const names[] = {
		"brr", "hoti", "coti", "hot", "cot", "be", "bu-plain", "bu-home",
		"bu-correspondent", "bu-identity", "bu-deregister", "ba-accepted", "ba-rejected",
		"bri", "bra", "bri-global",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct vector v = vector_load(names[i]);
		uint8_t room[MH_MAX_LEN];
		struct ip6_packet p;
		struct mh_msg m;
		struct wbuf w;

		assert_int_equal(decode_packet(&v, &m), MH_OK);
		assert_int_equal(ip6_decode(v.data, v.len, &p), IP6_OK);
		wb_init(&w, room, sizeof(room));
		assert_int_equal(mh_encode(&w, &m), 0);
		mh_set_cksum(room, w.len, ip6_cksum_src(&p), ip6_cksum_dst(&p));
		assert_int_equal(w.len, p.payload_len);
		assert_memory_equal(room, v.data + p.payload_off, w.len);
		free(v.data);
	}
}

/* ---- hand-made messages ---- */

static struct in6_addr src, dst;

static const uint8_t types[] = {
	MH_BRR, MH_HOTI, MH_COTI, MH_HOT, MH_COT, MH_BU, MH_BA, MH_BE, MH_BR, MH_HEARTBEAT,
};
#define N_TYPES (sizeof(types) / sizeof(types[0]))
/* Without options. */
static const uint8_t octets[N_TYPES] = { 8, 16, 16, 24, 24, 16, 16, 24, 16, 16 };

static int addresses(void **state)
{
	(void)state;
	src = in6("2001:db8::1");
	dst = in6("2001:db8::2");
	return 0;
}

/* Decodes a Mobility Header whose length field and checksum are made right first. */
static enum mh_err decode_fixed(const uint8_t *data, size_t len, struct mh_msg *ret, size_t *off)
{
	uint8_t *mh = malloc(len);
	enum mh_err err;

	assert_non_null(mh);
	assert_int_equal(len % 8, 0);
	memcpy(mh, data, len);
	mh[1] = (uint8_t)(len / 8 - 1);
	mh_set_cksum(mh, len, &src, &dst);
	err = mh_decode(mh, len, &src, &dst, ret, off);
	free(mh);
	return err;
}

#define DECODE(bytes, m)	decode_fixed(bytes, sizeof(bytes), m, NULL)
#define BU_HEAD			59, 0, 5, 0, 0, 0, 0, 1, 0x80, 0, 0, 9

static void unknown_type(void **state)
{
	uint8_t mh[8] = { 59, 0, 0 };
	struct mh_msg m;
	size_t off;

	(void)state;
	for (unsigned int type = 8; type < 256; type++) {
		if (type == MH_BR || type == MH_HEARTBEAT)
			continue;
		mh[2] = (uint8_t)type;
		assert_int_equal(decode_fixed(mh, 8, &m, &off), MH_ERR_UNKNOWN_TYPE);
		assert_int_equal(off, 2);
		assert_string_equal(mh_type_name((uint8_t)type), "unknown");
	}
}

static void payload_proto(void **state)
{
	uint8_t mh[16] = { 58, 0, 5 };
	struct mh_msg m;
	size_t off = 99;

	(void)state;
	assert_int_equal(decode_fixed(mh, 16, &m, &off), MH_ERR_PROTO);
	assert_int_equal(off, 0);
}

static void too_short_for_the_type(void **state)
{
	uint8_t mh[24] = { 59 };
	struct mh_msg m;
	size_t off;

	(void)state;
	for (size_t i = 0; i < N_TYPES; i++) {
		mh[2] = types[i];
		if (types[i] == MH_BR)
			mh[6] = BR_INDICATION;
		for (size_t len = 8; len < octets[i]; len += 8) {
			assert_int_equal(decode_fixed(mh, len, &m, &off), MH_ERR_SHORT);
			assert_int_equal(off, 1);
		}
		assert_int_equal(decode_fixed(mh, octets[i], &m, &off), MH_OK);
		assert_int_equal(m.type, types[i]);
	}
}

static void unknown_revocation_type(void **state)
{
	uint8_t mh[16] = { 59, 0, MH_BR };
	struct mh_msg m;
	size_t off;

	(void)state;
	for (unsigned int type = 0; type < 256; type++) {
		bool known = type == BR_INDICATION || type == BR_ACKNOWLEDGEMENT;

		mh[6] = (uint8_t)type;
		off = 99;
		assert_int_equal(decode_fixed(mh, 16, &m, &off), known ? MH_OK : MH_ERR_BR_TYPE);
		assert_int_equal(off, known ? 99 : 6);
	}
}

/* RFC 6275 9.2: a wrong checksum is dropped silently before anything could be answered. */
static void checksum_comes_first(void **state)
{
	uint8_t mh[8] = { 41, 0, 200, 0, 0x12, 0x34 };
	struct mh_msg m;

	(void)state;
	assert_int_equal(mh_decode(mh, sizeof(mh), &src, &dst, &m, NULL), MH_ERR_CHECKSUM);
}

static void octets_behind_the_message(void **state)
{
	uint8_t mh[24] = { 59, 1, 5, 0, 0, 0, 0, 7, [12] = 1, 2, [16] = 0xff, 0xff };
	struct mh_msg m;

	(void)state;
	mh_set_cksum(mh, 16, &src, &dst);
	assert_int_equal(mh_decode(mh, sizeof(mh), &src, &dst, &m, NULL), MH_OK);
	assert_int_equal(m.u.bu.seq, 7);
}

/* Every length of a known option but the right ones is refused, and never read past. */
static void option_lengths(void **state)
{
	static const struct { uint8_t type; unsigned int min, max; } rules[] = {
		{ MHOPT_REFRESH_ADVICE, 2, 2 }, { MHOPT_ALT_COA, 16, 16 },
		{ MHOPT_NONCE_INDICES, 4, 4 }, { MHOPT_AUTH_DATA, 1, MH_AUTH_MAX },
		{ MHOPT_MN_ID, 1, 1 + MH_MN_ID_MAX }, { MHOPT_AUTH, 6, 5 + MH_AUTH_MAX },
		{ MHOPT_MESG_ID, 8, 8 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		for (unsigned int len = 0; len < 256; len++) {
			uint8_t mh[16 + 256] = { BU_HEAD };
			bool good = len >= rules[i].min && len <= rules[i].max;
			struct mh_msg m;
			size_t off = 0;

			mh[12] = rules[i].type;
			mh[13] = (uint8_t)len;
			mh[14] = MH_AUTH_MN_HA;
			assert_int_equal(decode_fixed(mh, (14 + len + 7) / 8 * 8, &m, &off),
					 good ? MH_OK : MH_ERR_OPTION);
			if (!good)
				assert_int_equal(off, 12);
		}
	}
}

static void options_past_the_end(void **state)
{
	uint8_t mh[16] = { BU_HEAD, 3, 16, 0, 0 };
	uint8_t no_length[16] = { BU_HEAD, 1, 1, 0, MHOPT_ALT_COA };
	uint8_t unknown[16] = { BU_HEAD, 200, 3, 0, 0 };
	uint8_t padn[16] = { BU_HEAD, MHOPT_PADN, 255, 0, 0 };
	struct mh_msg m;
	size_t off;

	(void)state;
	assert_int_equal(decode_fixed(mh, 16, &m, &off), MH_ERR_OPTION);
	assert_int_equal(off, 12);
	assert_int_equal(decode_fixed(no_length, 16, &m, &off), MH_ERR_OPTION);
	assert_int_equal(off, 15);
	assert_int_equal(DECODE(unknown, &m), MH_ERR_OPTION);
	assert_int_equal(DECODE(padn, &m), MH_ERR_OPTION);
}

static void duplicate_options(void **state)
{
	uint8_t refresh[24] = { BU_HEAD, 2, 2, 0, 1, 2, 2, 0, 1, 1, 2 };
	uint8_t nonces[24] = { BU_HEAD, 4, 4, 0, 1, 0, 2, 4, 4, 0, 1, 0, 2 };
	uint8_t unknown[24] = { BU_HEAD, 77, 2, 0, 1, 77, 4, 0, 1, 0, 2 };
	uint8_t alt[56] = { BU_HEAD, 1, 0, 3, 16, [32] = 1, 4, [38] = 3, 16 };
	uint8_t auth[40] = { BU_HEAD, 0, 9, 6, 1, 0, 0, 1, 0, 0xaa, 9, 6, 1, 0, 0, 1, 0, 0xaa,
			     1, 8 };
	uint8_t id[24] = { BU_HEAD, 8, 2, 1, 'a', 8, 2, 1, 'a', 1, 2 };
	uint8_t mesg[48] = { BU_HEAD, 1, 4, [18] = 10, 8, [28] = 1, 4, [34] = 10, 8, [44] = 1, 2 };
	uint8_t data[24] = { BU_HEAD, 5, 4, 0, 0, 0, 0, 5, 4 };
	struct mh_msg m;
	size_t off;

	(void)state;
	assert_int_equal(decode_fixed(refresh, 24, &m, &off), MH_ERR_DUPLICATE);
	assert_int_equal(off, 16);
	assert_int_equal(DECODE(nonces, &m), MH_ERR_DUPLICATE);
	assert_int_equal(DECODE(alt, &m), MH_ERR_DUPLICATE);
	assert_int_equal(DECODE(auth, &m), MH_ERR_DUPLICATE);
	assert_int_equal(DECODE(id, &m), MH_ERR_DUPLICATE);
	assert_int_equal(DECODE(mesg, &m), MH_ERR_DUPLICATE);
	assert_int_equal(DECODE(data, &m), MH_ERR_DUPLICATE);
	assert_int_equal(DECODE(unknown, &m), MH_OK);
	assert_int_equal(m.opts.unknown, 2);
}

static void authentication_order(void **state)
{
	/* MN-AAA in front of MN-HA: RFC 4285 5 discards it. */
	uint8_t aaa_first[40] = { BU_HEAD, 0, 9, 6, 2, 0, 0, 1, 0, 0xaa, 9, 6, 1, 0, 0, 1, 0,
				  0xaa, 1, 8 };
	/* A subtype of the future is an option we do not know. */
	uint8_t subtype3[24] = { BU_HEAD, 0, 9, 6, 3, 0, 0, 1, 0, 0xaa, 1, 1 };
	/* RFC 4283 3.2: the identifier stands in front of what authenticates. */
	uint8_t id_behind[32] = { BU_HEAD, 0, 9, 6, 1, 0, 0, 1, 0, 0xaa, 8, 2, 1, 'a', 1, 4 };
	/* RFC 6275 6.2: nothing but padding behind Binding Authorization Data. */
	uint8_t behind_data[24] = { BU_HEAD, 5, 4, 0, 0, 0, 0, 4, 4 };
	uint8_t unknown_behind[24] = { BU_HEAD, 5, 4, 0, 0, 0, 0, 99, 4 };
	struct mh_msg m;

	(void)state;
	assert_int_equal(DECODE(aaa_first, &m), MH_ERR_OPTION);
	assert_int_equal(DECODE(subtype3, &m), MH_OK);
	assert_int_equal(m.opts.unknown, 1);
	assert_false(m.opts.mn_ha.present || m.opts.mn_aaa.present);
	assert_int_equal(DECODE(id_behind, &m), MH_ERR_OPTION);
	assert_int_equal(DECODE(behind_data, &m), MH_ERR_OPTION);
	assert_int_equal(DECODE(unknown_behind, &m), MH_ERR_OPTION);
}

static void last_means_only_padding_follows(void **state)
{
	uint8_t mh[32] = { BU_HEAD, 0, 9, 6, 1, 0, 0, 1, 0, 0xaa, 0, 1, 0, 1, 3, 0, 0, 0, 0, 0 };
	struct mh_msg m;

	(void)state;
	assert_int_equal(DECODE(mh, &m), MH_OK);
	assert_true(m.opts.mn_ha.last);
	assert_int_equal(m.opts.mn_ha.covered, 20);
	mh[24] = 99;		/* PadN turned into an unknown option */
	assert_int_equal(DECODE(mh, &m), MH_OK);
	assert_false(m.opts.mn_ha.last);
}

/* ---- encoding ---- */

static size_t encode(struct mh_msg *m, uint8_t *room, size_t cap)
{
	struct wbuf w;

	wb_init(&w, room, cap);
	assert_int_equal(mh_encode(&w, m), 0);
	assert_int_equal(w.len % 8, 0);
	assert_int_equal(room[0], 59);
	assert_int_equal(room[1], w.len / 8 - 1);
	mh_set_cksum(room, w.len, &src, &dst);
	return w.len;
}

/* RFC 6275 6.1.2 to 6.1.9: length and padding of each message without options. */
/* The least that can be encoded. */
static struct mh_msg message(uint8_t type)
{
	struct mh_msg m;

	memset(&m, 0, sizeof(m));
	m.type = type;
	if (type == MH_BR)
		m.u.br.type = BR_INDICATION;
	return m;
}

static void sizes_without_options(void **state)
{
	uint8_t room[64];

	(void)state;
	for (size_t i = 0; i < N_TYPES; i++) {
		struct mh_msg m = message(types[i]);

		assert_int_equal(encode(&m, room, sizeof(room)), octets[i]);
		if (octets[i] == 16 && types[i] != MH_HOTI && types[i] != MH_COTI)
			assert_memory_equal(room + 12, "\1\2\0\0", 4);
	}
}

static struct mh_msg bu(void)
{
	struct mh_msg m;

	memset(&m, 0, sizeof(m));
	m.type = MH_BU;
	m.u.bu.seq = 0x0102;
	m.u.bu.flags = BU_ACK | BU_HOME;
	m.u.bu.lifetime = 0x0304;
	return m;
}

static void set_auth(struct mh_auth *a, uint32_t spi, uint8_t len)
{
	a->present = true;
	a->spi = spi;
	a->len = len;
	for (uint8_t i = 0; i < len; i++)
		a->data[i] = (uint8_t)(0x40 + i);
}

static void alignment(void **state)
{
	struct mh_msg m = bu();
	uint8_t room[512];
	size_t len;

	(void)state;
	m.opts.has_alt_coa = true;
	m.opts.alt_coa = dst;
	set_auth(&m.opts.mn_ha, 0x11223344, 16);
	len = encode(&m, room, sizeof(room));
	assert_int_equal(len, 56);
	assert_memory_equal(room + 6, "\1\2\300\0\3\4", 6);
	assert_memory_equal(room + 12, "\1\0\3\20", 4);	/* 8n+6 */
	assert_memory_equal(room + 16, &dst, 16);
	assert_memory_equal(room + 32, "\0\11\25\1\x11\x22\x33\x44", 8);	/* 4n+1 */
	assert_int_equal(m.opts.mn_ha.covered, 40);

	m = bu();
	m.opts.has_mesg_id = true;
	m.opts.mesg_id = 0x0102030405060708;
	len = encode(&m, room, sizeof(room));
	assert_int_equal(len, 32);
	assert_memory_equal(room + 12, "\1\4\0\0\0\0\12\10\1\2\3\4\5\6\7\10\1\2\0\0", 20);

	/* The identifier has no alignment; what follows it has. */
	m = bu();
	m.opts.has_mn_id = true;
	m.opts.mn_id_subtype = 1;
	m.opts.mn_id_len = 3;
	memcpy(m.opts.mn_id, "a@b", 3);
	set_auth(&m.opts.mn_ha, 256, 12);
	len = encode(&m, room, sizeof(room));
	assert_int_equal(len, 40);
	assert_memory_equal(room + 12, "\10\4\1a@b\1\1\0\11\21\1", 12);

	m = bu();
	m.opts.has_refresh_advice = true;
	m.opts.refresh_advice = 5;
	assert_int_equal(encode(&m, room, sizeof(room)), 16);
	assert_memory_equal(room + 12, "\2\2\0\5", 4);
}

/* RFC 6275 6.2.7: last, no trailing padding, whatever its length. */
static void binding_authorization_data_ends_the_message(void **state)
{
	uint8_t room[128];

	(void)state;
	for (uint8_t n = 1; n <= MH_AUTH_MAX; n++) {
		struct mh_msg m = bu(), back;
		size_t len;

		m.opts.has_nonce_indices = true;
		m.opts.has_auth_data = true;
		m.opts.auth_data_len = n;
		memset(m.opts.auth_data, 0x77, n);
		len = encode(&m, room, sizeof(room));
		assert_int_equal(m.opts.auth_data_off + n, len);
		assert_int_equal(room[m.opts.auth_data_off - 2], MHOPT_AUTH_DATA);
		assert_int_equal(mh_decode(room, len, &src, &dst, &back, NULL), MH_OK);
		assert_int_equal(back.opts.auth_data_len, n);
		assert_int_equal(back.opts.auth_data_off, m.opts.auth_data_off);
	}
}

static void round_trip(struct mh_msg *m)
{
	uint8_t room[MH_MAX_LEN];
	struct mh_msg back;
	size_t len = encode(m, room, sizeof(room));

	assert_int_equal(mh_decode(room, len, &src, &dst, &back, NULL), MH_OK);
	/* Decoding alone knows what is last. */
	m->opts.mn_ha.last = back.opts.mn_ha.last;
	m->opts.mn_aaa.last = back.opts.mn_aaa.last;
	assert_memory_equal(m, &back, sizeof(*m));
}

static void round_trip_messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_TYPES; i++) {
		uint8_t type = types[i];
		struct mh_msg m = message(type);

		if (type == MH_BU) {
			m.u.bu = (struct mh_bu){ 0xfffe, 0xf000, 0xffff };
		} else if (type == MH_BA) {
			m.u.ba = (struct mh_ba){ 146, 0x80, 0xfffe, 0xfffd };
		} else if (type == MH_BE) {
			m.u.be.status = 2;
			m.u.be.hoa = dst;
		} else if (type == MH_BR) {
			m.u.br = (struct mh_br){ BR_ACKNOWLEDGEMENT, 135, 0xfffe, 0xe000 };
		} else if (type == MH_HEARTBEAT) {
			m.u.heartbeat = (struct mh_heartbeat){ 3, UINT32_MAX };
		} else if (type != MH_BRR) {
			m.u.rr.cookie = 0xfedcba9876543210;
			if (type == MH_HOT || type == MH_COT) {
				m.u.rr.nonce_index = 0xabcd;
				m.u.rr.token = 0x0123456789abcdef;
			}
		}
		round_trip(&m);
	}
}

/* Every subset of the options, in every message. */
static void round_trip_options(void **state)
{
	(void)state;
	for (unsigned int set = 0; set < 256; set++) {
		for (size_t i = 0; i < N_TYPES; i++) {
			struct mh_msg m = message(types[i]);
			struct mh_opts *o = &m.opts;

			o->has_refresh_advice = set & 1;
			o->refresh_advice = set & 1 ? 0x1234 : 0;
			o->has_alt_coa = set & 2;
			if (set & 2)
				o->alt_coa = src;
			o->has_nonce_indices = set & 4;
			o->home_nonce = set & 4 ? 1 : 0;
			o->coa_nonce = set & 4 ? 0xffff : 0;
			if (set & 8) {
				o->has_mn_id = true;
				o->mn_id_subtype = 1;
				o->mn_id_len = (uint8_t)(1 + set % MH_MN_ID_MAX);
				memset(o->mn_id, 'x', o->mn_id_len);
			}
			o->has_mesg_id = set & 16;
			o->mesg_id = set & 16 ? UINT64_MAX : 0;
			if (set & 32)
				set_auth(&o->mn_ha, UINT32_MAX, 12);
			if (set & 64)
				set_auth(&o->mn_aaa, 256, MH_AUTH_MAX);
			if (set & 128 && !(set & 96)) {
				o->has_auth_data = true;
				o->auth_data_len = 12;
			}
			round_trip(&m);
		}
	}
}

static void authentication_follows_everything(void **state)
{
	struct mh_msg m = bu(), back;
	uint8_t room[512];
	size_t len;

	(void)state;
	m.opts.has_mesg_id = true;
	m.opts.has_mn_id = true;
	m.opts.mn_id_len = 5;
	set_auth(&m.opts.mn_ha, 256, 16);
	len = encode(&m, room, sizeof(room));
	assert_int_equal(mh_decode(room, len, &src, &dst, &back, NULL), MH_OK);
	assert_true(back.opts.mn_ha.last);

	set_auth(&m.opts.mn_aaa, 3, 12);
	len = encode(&m, room, sizeof(room));
	assert_int_equal(mh_decode(room, len, &src, &dst, &back, NULL), MH_OK);
	assert_false(back.opts.mn_ha.last);
	assert_true(back.opts.mn_aaa.last);
}

static void cannot_be_encoded(void **state)
{
	uint8_t room[256];
	struct mh_msg m = bu();
	struct wbuf w;

	(void)state;
	wb_init(&w, room, sizeof(room));
	wb_zero(&w, 8);
	m.type = 8;
	assert_int_equal(mh_encode(&w, &m), -EINVAL);
	m = message(MH_BR);
	m.u.br.type = 3;
	assert_int_equal(mh_encode(&w, &m), -EINVAL);
	m = bu();
	m.opts.has_mn_id = true;
	m.opts.mn_id_len = MH_MN_ID_MAX + 1;
	assert_int_equal(mh_encode(&w, &m), -EINVAL);
	m = bu();
	m.opts.mn_ha.present = true;
	assert_int_equal(mh_encode(&w, &m), -EINVAL);
	m.opts.mn_ha.len = MH_AUTH_MAX + 1;
	assert_int_equal(mh_encode(&w, &m), -EINVAL);
	m = bu();
	m.opts.has_auth_data = true;
	assert_int_equal(mh_encode(&w, &m), -EINVAL);
	m.opts.auth_data_len = MH_AUTH_MAX + 1;
	assert_int_equal(mh_encode(&w, &m), -EINVAL);
	/* Two options that must both be the last one. */
	m.opts.auth_data_len = 12;
	set_auth(&m.opts.mn_ha, 256, 16);
	assert_int_equal(mh_encode(&w, &m), -EINVAL);
	/* Nothing was left behind by the attempts. */
	assert_int_equal(w.len, 8);
	assert_false(w.err);
}

static void no_room(void **state)
{
	struct mh_msg m = bu();
	uint8_t full[64];
	size_t need;

	(void)state;
	set_auth(&m.opts.mn_ha, 256, 16);
	need = encode(&m, full, sizeof(full));
	for (size_t cap = 0; cap < need; cap++) {
		uint8_t *room = malloc(cap ? cap : 1);
		struct wbuf w;

		assert_non_null(room);
		wb_init(&w, room, cap);
		assert_int_equal(mh_encode(&w, &m), -ENOSPC);
		assert_int_equal(w.len, 0);
		free(room);
	}
}

static void authentication_data_is_filled_in(void **state)
{
	struct mh_msg m = bu(), back;
	struct mh_auth auth;
	uint8_t room[64];
	size_t len;

	(void)state;
	m.opts.mn_ha.present = true;
	m.opts.mn_ha.spi = 256;
	m.opts.mn_ha.len = 16;
	len = encode(&m, room, sizeof(room));
	auth = m.opts.mn_ha;
	memset(auth.data, 0xcc, 16);
	assert_int_equal(mh_set_auth(room, len, &auth), 0);
	mh_set_cksum(room, len, &src, &dst);
	assert_int_equal(mh_decode(room, len, &src, &dst, &back, NULL), MH_OK);
	assert_memory_equal(back.opts.mn_ha.data, auth.data, 16);

	/* Not where the option is, not its length, not its SPI, cut short, not computed. */
	auth.covered++;
	assert_int_equal(mh_set_auth(room, len, &auth), -EINVAL);
	auth.covered--;
	auth.len = 12;
	assert_int_equal(mh_set_auth(room, len, &auth), -EINVAL);
	auth.len = 16;
	auth.spi++;
	assert_int_equal(mh_set_auth(room, len, &auth), -EINVAL);
	auth.spi--;
	assert_int_equal(mh_set_auth(room, auth.covered + 15u, &auth), -EINVAL);
	auth.covered = 0;
	assert_int_equal(mh_set_auth(room, len, &auth), -EINVAL);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(mh_type_name(MH_BU), "BU");
	assert_string_equal(mh_type_name(MH_HOTI), "HoTI");
	for (unsigned int i = 0; i < MH_ERR_MAX; i++)
		assert_true(strlen(mh_err_name((enum mh_err)i)) > 1);
	assert_string_equal(mh_err_name(MH_ERR_MAX), "unknown");
	assert_string_equal(mh_ba_status_text(BA_AUTH_FAIL), "authentication failed");
	assert_string_equal(mh_ba_status_text(127), "accepted, unknown status");
	assert_string_equal(mh_ba_status_text(255), "rejected, unknown status");
	assert_string_equal(mh_type_name(MH_BR), "BR");
	assert_string_equal(mh_br_status_text(BR_SUCCESS), "revocation acknowledged");
	assert_string_equal(mh_br_status_text(2), "accepted, unknown status");
	assert_string_equal(mh_br_status_text(136), "rejected, unknown status");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_return_routability),
		cmocka_unit_test(golden_binding_updates),
		cmocka_unit_test(golden_identity_options),
		cmocka_unit_test(golden_unknown_options),
		cmocka_unit_test(care_of_test_options),
		cmocka_unit_test(golden_acknowledgements),
		cmocka_unit_test(golden_revocation),
		cmocka_unit_test(golden_cut_anywhere),
		cmocka_unit_test(golden_wrong_checksum),
		cmocka_unit_test(checksum_uses_the_home_address),
		cmocka_unit_test(golden_encoded_alike),
		cmocka_unit_test(unknown_type),
		cmocka_unit_test(payload_proto),
		cmocka_unit_test(too_short_for_the_type),
		cmocka_unit_test(unknown_revocation_type),
		cmocka_unit_test(checksum_comes_first),
		cmocka_unit_test(octets_behind_the_message),
		cmocka_unit_test(option_lengths),
		cmocka_unit_test(options_past_the_end),
		cmocka_unit_test(duplicate_options),
		cmocka_unit_test(authentication_order),
		cmocka_unit_test(last_means_only_padding_follows),
		cmocka_unit_test(sizes_without_options),
		cmocka_unit_test(alignment),
		cmocka_unit_test(binding_authorization_data_ends_the_message),
		cmocka_unit_test(round_trip_messages),
		cmocka_unit_test(round_trip_options),
		cmocka_unit_test(authentication_follows_everything),
		cmocka_unit_test(cannot_be_encoded),
		cmocka_unit_test(no_room),
		cmocka_unit_test(authentication_data_is_filled_in),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, addresses, NULL);
}
