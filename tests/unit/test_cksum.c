/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/wire/{buf,cksum}.c */
#include "common/wire/cksum.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct in6_addr in6(const char *s)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, s, &a), 1);
	return a;
}

/* A solicitation as a Linux kernel sent it: the checksum is 0x652c. */
static void agrees_with_a_captured_packet(void **state)
{
	uint8_t rs[] = { 0x85, 0, 0x65, 0x2c, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0x0b, 0x01 };
	struct in6_addr src = in6("fe80::ff:fe00:b01"), dst = in6("ff02::2");

	(void)state;
	assert_int_equal(cksum_ip6(&src, &dst, 58, rs, sizeof(rs)), 0);
	rs[2] = rs[3] = 0;
	assert_int_equal(cksum_ip6(&src, &dst, 58, rs, sizeof(rs)), 0x652c);
}

static void every_bit_counts(void **state)
{
	uint8_t msg[24] = { 59, 2, 7, 0, 0, 0, 1 };
	struct in6_addr src = in6("2001:db8::1"), dst = in6("2001:db8::2"), other;
	uint16_t c = cksum_ip6(&src, &dst, 135, msg, sizeof(msg));

	(void)state;
	for (unsigned int i = 0; i < sizeof(msg) * 8; i++) {
		msg[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_not_equal(cksum_ip6(&src, &dst, 135, msg, sizeof(msg)), c);
		msg[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	other = in6("2001:db8::3");
	assert_int_not_equal(cksum_ip6(&other, &dst, 135, msg, sizeof(msg)), c);
	assert_int_not_equal(cksum_ip6(&src, &other, 135, msg, sizeof(msg)), c);
	assert_int_not_equal(cksum_ip6(&src, &dst, 58, msg, sizeof(msg)), c);
	assert_int_not_equal(cksum_ip6(&src, &dst, 135, msg, sizeof(msg) - 2), c);
}

/* The last octet of an odd length is the high half of a word. */
static void odd_length(void **state)
{
	static const uint8_t even[] = { 0x12, 0x34, 0x56, 0x00 };
	struct in6_addr any = in6("::"), one = in6("::1");
	uint8_t *odd = malloc(3);

	(void)state;
	assert_non_null(odd);
	memcpy(odd, even, 3);
	/* The length in the pseudo-header differs by one, so does the sum. */
	assert_int_equal(cksum_ip6(&any, &one, 58, odd, 3),
			 cksum_ip6(&any, &one, 58, even, 4) + 1);
	free(odd);
}

static void carries_of_a_long_message(void **state)
{
	size_t len = 65535;
	uint8_t *msg = malloc(len);
	struct in6_addr src, dst;
	uint16_t c;

	(void)state;
	assert_non_null(msg);
	memset(msg, 0xff, len);
	memset(&src, 0xff, sizeof(src));
	memset(&dst, 0xff, sizeof(dst));
	msg[0] = msg[1] = 0;
	c = cksum_ip6(&src, &dst, 135, msg, len);
	msg[0] = (uint8_t)(c >> 8);
	msg[1] = (uint8_t)c;
	assert_int_equal(cksum_ip6(&src, &dst, 135, msg, len), 0);
	free(msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_a_captured_packet),
		cmocka_unit_test(every_bit_counts),
		cmocka_unit_test(odd_length),
		cmocka_unit_test(carries_of_a_long_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
