/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/core/auth.c (-lcrypto) */
/*
 * Authenticators. RFC 4285 has no test vectors and those of RFC 4231 and RFC 2202 cannot be
 * laid out as addresses and a header, so the keys are theirs (4231 case 4, 2202 case 3)
 * and the values were computed over our layout by Python's hmac module:
 *	hmac.new(key, coa + hoa + mh[:4] + b"\0\0" + mh[6:], hashlib.sha256).digest()[:16]
 * and with hashlib.sha1 and [:12].
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>

#include <cmocka.h>

#include "common/core/auth.h"

/* A Binding Update up to and including the SPI of its authentication option. */
static const uint8_t mh[] = {
	0x3b, 0x03, 0x05, 0x00, 0xbe, 0xef, 0x00, 0x01, 0xc0, 0x00, 0x00, 0x96,
	0x0d, 0x15, 0x01, 0x00, 0x00, 0x01, 0x00,
};

static struct in6_addr coa, hoa;

static int setup(void **state)
{
	(void)state;
	return inet_pton(AF_INET6, "2001:db8:2::1", &coa) == 1 &&
	       inet_pton(AF_INET6, "2001:db8:1:100::42", &hoa) == 1 ? 0 : -1;
}

static void fill_key(uint8_t *key, size_t len)
{
	for (size_t i = 0; i < len; i++)
		key[i] = (uint8_t)(len == 20 ? 0xaa : len == 25 ? i + 1 : i);
}

static void known_values(void **state)
{
	static const struct {
		size_t key_len;
		uint8_t sha256[16], sha1[12];
	} t[] = {
		{ 25, { 0xbc, 0x44, 0x65, 0xc0, 0x45, 0x36, 0xff, 0xd4,
			0x02, 0xec, 0xd3, 0x51, 0x3a, 0xfb, 0xca, 0xf2 },
		      { 0x3e, 0x12, 0x6b, 0x04, 0x26, 0x6e, 0x12, 0x9e, 0x9f, 0x0b, 0x1e, 0x8c } },
		{ 20, { 0x3a, 0xdd, 0x2d, 0xfa, 0xd8, 0x0d, 0x0e, 0x6a,
			0xd6, 0x93, 0xe3, 0x9e, 0x1e, 0xe9, 0x13, 0xda },
		      { 0x37, 0x48, 0x05, 0xab, 0xd9, 0x24, 0x58, 0xd1, 0x79, 0x11, 0x1e, 0x70 } },
		{ 64, { 0x5b, 0xe2, 0xb6, 0x4e, 0x28, 0xa9, 0x91, 0x3d,
			0xd8, 0xde, 0xac, 0x1a, 0xa9, 0x59, 0xbd, 0x12 },
		      { 0xeb, 0x9b, 0x7f, 0x9a, 0xea, 0xd2, 0x77, 0xf5, 0x93, 0xdf, 0xad, 0xe6 } },
	};
	uint8_t key[AUTH_SECRET_MAX], mac[16];
	struct auth_key k;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		fill_key(key, t[i].key_len);
		assert_int_equal(auth_key_init(&k, 256, AUTH_HMAC_SHA256_128, key, t[i].key_len), 0);
		for (int again = 0; again < 3; again++) {	/* the kept context starts anew */
			memset(mac, 0, sizeof(mac));
			assert_int_equal(auth_mn_ha(&k, &coa, &hoa, mh, sizeof(mh), mac), 0);
			assert_memory_equal(mac, t[i].sha256, 16);
		}
		auth_key_wipe(&k);
		assert_int_equal(auth_key_init(&k, 3, AUTH_HMAC_SHA1_96, key, t[i].key_len), 0);
		memset(mac, 0x5a, sizeof(mac));
		assert_int_equal(auth_mn_ha(&k, &coa, &hoa, mh, sizeof(mh), mac), 0);
		assert_memory_equal(mac, t[i].sha1, 12);
		assert_memory_equal(mac + 12, "\x5a\x5a\x5a\x5a", 4);	/* no octet more */
		auth_key_wipe(&k);
	}
}

/* Every octet is covered, but for the checksum's two. */
static void what_is_covered(void **state)
{
	uint8_t key[32], good[16], mac[16], m[sizeof(mh)];
	struct in6_addr other;
	struct auth_key k;

	(void)state;
	fill_key(key, sizeof(key));
	assert_int_equal(auth_key_init(&k, 256, AUTH_HMAC_SHA256_128, key, sizeof(key)), 0);
	assert_int_equal(auth_mn_ha(&k, &coa, &hoa, mh, sizeof(mh), good), 0);
	for (size_t i = 0; i < sizeof(m); i++) {
		memcpy(m, mh, sizeof(m));
		m[i] ^= 0x01;
		assert_int_equal(auth_mn_ha(&k, &coa, &hoa, m, sizeof(m), mac), 0);
		assert_int_equal(auth_equal(mac, good, sizeof(mac)), i == 4 || i == 5);
		assert_int_equal(auth_mn_ha_right(&k, &coa, &hoa, m, sizeof(m), good, 16),
				 i == 4 || i == 5);
	}
	assert_false(auth_mn_ha_right(&k, &coa, &hoa, mh, sizeof(mh), good, 15));
	assert_false(auth_mn_ha_right(&k, &coa, &hoa, mh, 5, good, 16));
	for (size_t i = 0; i < 16; i++) {
		other = coa;
		other.s6_addr[i] ^= 0x80;
		assert_int_equal(auth_mn_ha(&k, &other, &hoa, mh, sizeof(mh), mac), 0);
		assert_false(auth_equal(mac, good, sizeof(mac)));
		other = hoa;
		other.s6_addr[i] ^= 0x80;
		assert_int_equal(auth_mn_ha(&k, &coa, &other, mh, sizeof(mh), mac), 0);
		assert_false(auth_equal(mac, good, sizeof(mac)));
	}
	auth_key_wipe(&k);
	key[31] ^= 1;
	assert_int_equal(auth_key_init(&k, 256, AUTH_HMAC_SHA256_128, key, sizeof(key)), 0);
	assert_int_equal(auth_mn_ha(&k, &coa, &hoa, mh, sizeof(mh), mac), 0);
	assert_false(auth_equal(mac, good, sizeof(mac)));
	auth_key_wipe(&k);
}

static void refusals(void **state)
{
	uint8_t secret[AUTH_SECRET_MAX + 1] = { 1 }, mac[16] = { 0 }, zero[16] = { 0 };
	struct auth_key k = { .spi = 7 };

	(void)state;
	assert_int_equal(auth_key_init(&k, 256, AUTH_HMAC_SHA256_128, secret, 15), -EINVAL);
	assert_int_equal(auth_key_init(&k, 256, AUTH_HMAC_SHA256_128, secret, 65), -EINVAL);
	/* The SPI is the algorithm. */
	assert_int_equal(auth_key_init(&k, 256, AUTH_HMAC_SHA1_96, secret, 16), -EINVAL);
	assert_int_equal(auth_key_init(&k, 3, AUTH_HMAC_SHA256_128, secret, 16), -EINVAL);
	assert_int_equal(k.spi, 7);
	assert_int_equal(auth_mn_ha(&k, &coa, &hoa, mh, sizeof(mh), mac), -EINVAL);
	assert_int_equal(auth_key_init(&k, 256, AUTH_HMAC_SHA256_128, secret, 16), 0);
	assert_int_equal(auth_mn_ha(&k, &coa, &hoa, mh, 5, mac), -EINVAL);
	assert_memory_equal(mac, zero, sizeof(mac));
	assert_int_equal(auth_mn_ha(&k, &coa, &hoa, mh, 6, mac), 0);
	auth_key_wipe(&k);
	assert_null(k.ctx);
	assert_memory_equal(k.secret, zero, 16);
	auth_key_wipe(&k);	/* twice is harmless */
}

static void names(void **state)
{
	enum auth_algorithm a = AUTH_HMAC_SHA1_96;

	(void)state;
	assert_int_equal(auth_algorithm_parse("hmac-sha-256-128", &a), 0);
	assert_int_equal(a, AUTH_HMAC_SHA256_128);
	assert_int_equal(auth_algorithm_parse("hmac-md5", &a), -EINVAL);
	assert_int_equal(auth_algorithm_parse("", &a), -EINVAL);
	assert_int_equal(a, AUTH_HMAC_SHA256_128);
	for (int i = AUTH_HMAC_SHA1_96; i <= AUTH_HMAC_SHA256_128; i++) {
		assert_int_equal(auth_algorithm_parse(auth_algorithm_name((enum auth_algorithm)i),
						      &a), 0);
		assert_int_equal(a, i);
	}
	assert_int_equal(auth_len(AUTH_HMAC_SHA1_96), 12);
	assert_int_equal(auth_len(AUTH_HMAC_SHA256_128), 16);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_values),
		cmocka_unit_test(what_is_covered),
		cmocka_unit_test(refusals),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests_name("auth", tests, setup, NULL);
}
