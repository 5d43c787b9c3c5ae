/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/wire/{mhsock,ext,buf}.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/mh.h"
#include "common/wire/mhsock.h"

static struct in6_addr in6(const char *s)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, s, &a), 1);
	return a;
}

static bool same(const struct in6_addr *a, const char *s)
{
	struct in6_addr b = in6(s);

	return memcmp(a, &b, sizeof(b)) == 0;
}

static const uint8_t mh[16] = { 59, 1, MH_BU, 0, 0x12, 0x34, 0, 7, 0xc0, 0, 0, 10, 1, 2, 0, 0 };

/* As it came from the wire: a Home Address option after 4 octets of padding. */
static const uint8_t dstopts[24] = {
	135, 2, 1, 2, 0, 0, 0xc9, 16,
	0x20, 1, 0xd, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xc,
};

static const uint8_t rthdr[24] = {
	135, 2, 2, 0, 0, 0, 0, 0,
	0x20, 1, 0xd, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xc,
};

/* Exactly so long, so that a sanitizer sees who reads on. */
static bool hao_of(const uint8_t *header, size_t len, struct in6_addr *ret)
{
	uint8_t *copy = malloc(len ? len : 1);
	bool found;

	assert_non_null(copy);
	memcpy(copy, header, len);
	found = mhsock_hao(copy, len, ret);
	free(copy);
	return found;
}

static void a_home_address_option_is_found(void **state)
{
	uint8_t padded[32] = { 135, 3, 0, 0, 1, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0xc9, 16 };
	struct in6_addr a;

	(void)state;
	assert_true(hao_of(dstopts, sizeof(dstopts), &a));
	assert_true(same(&a, "2001:db8:2::c"));
	memcpy(padded + 16, dstopts + 8, 16);
	assert_true(hao_of(padded, sizeof(padded), &a));
	assert_true(same(&a, "2001:db8:2::c"));
}

static void what_is_no_option_is_none(void **state)
{
	uint8_t wrong[24];
	struct in6_addr a;

	(void)state;
	for (size_t len = 0; len < sizeof(dstopts); len++)
		assert_false(hao_of(dstopts, len, &a));
	memcpy(wrong, dstopts, sizeof(wrong));
	wrong[6] = 0xc8;
	assert_false(hao_of(wrong, sizeof(wrong), &a));
	memcpy(wrong, dstopts, sizeof(wrong));
	wrong[7] = 15;				/* then the last octet is Pad1 */
	wrong[23] = 0;
	assert_false(hao_of(wrong, sizeof(wrong), &a));
	wrong[7] = 17;				/* over the end of the header */
	assert_false(hao_of(wrong, sizeof(wrong), &a));
}

static void a_routing_header_is_read(void **state)
{
	uint8_t wrong[24];
	struct in6_addr a;

	(void)state;
	assert_true(mhsock_rh2(rthdr, sizeof(rthdr), &a));
	assert_true(same(&a, "2001:db8:2::c"));
	for (size_t len = 0; len < sizeof(rthdr); len++)
		assert_false(mhsock_rh2(rthdr, len, &a));
	memcpy(wrong, rthdr, sizeof(wrong));
	wrong[2] = 4;				/* segment routing */
	assert_false(mhsock_rh2(wrong, sizeof(wrong), &a));
	memcpy(wrong, rthdr, sizeof(wrong));
	wrong[1] = 4;
	assert_false(mhsock_rh2(wrong, sizeof(wrong), &a));
}

static void put(const struct mhsock_rx *rx, struct ip6_packet *ret)
{
	uint8_t room[128];
	struct wbuf w;

	wb_init(&w, room, sizeof(room));
	assert_int_equal(mhsock_packet(&w, rx, mh, sizeof(mh)), 0);
	assert_int_equal(ip6_decode(room, w.len, ret), IP6_OK);
	assert_int_equal(ret->next_header, MH_NEXT_HEADER);
	assert_int_equal(ret->payload_len, sizeof(mh));
	assert_memory_equal(room + ret->payload_off, mh, sizeof(mh));
	/* There is no room for less of it. */
	wb_init(&w, room, ret->payload_off + sizeof(mh) - 1);
	assert_int_equal(mhsock_packet(&w, rx, mh, sizeof(mh)), -ENOSPC);
}

/* A mobile node that is away: from its care-of address, with the option. */
static void an_update_is_as_it_was_sent(void **state)
{
	struct mhsock_rx rx = {
		.src = in6("2001:db8:1:5::5"), .dst = in6("2001:db8:1::1"),
		.has_hao_coa = true, .hao_coa = in6("2001:db8:2::c"),
	};
	struct ip6_packet ip;

	(void)state;
	put(&rx, &ip);
	assert_true(same(&ip.src, "2001:db8:2::c") && same(&ip.dst, "2001:db8:1::1"));
	assert_true(ip.has_hao && same(&ip.hao, "2001:db8:1:5::5") && !ip.has_rh2);
	rx.has_hao_coa = false;			/* at home */
	put(&rx, &ip);
	assert_true(same(&ip.src, "2001:db8:1:5::5") && !ip.has_hao);
}

static void an_acknowledgement_is_as_it_was_sent(void **state)
{
	struct mhsock_rx rx = {
		.src = in6("2001:db8:1::1"), .dst = in6("2001:db8:1:5::5"),
		.has_rh2_coa = true, .rh2_coa = in6("2001:db8:2::c"),
	};
	struct ip6_packet ip;

	(void)state;
	put(&rx, &ip);
	assert_true(same(&ip.src, "2001:db8:1::1") && same(&ip.dst, "2001:db8:2::c"));
	assert_true(ip.has_rh2 && same(&ip.rh2, "2001:db8:1:5::5") && !ip.has_hao);
}

static bool is_protected(uint8_t type, uint8_t next_header, size_t len)
{
	struct ip6_packet ip = { .next_header = next_header, .hop_limit = 64 };
	uint8_t room[128], body[sizeof(mh)];
	struct wbuf w;

	memcpy(body, mh, sizeof(mh));
	body[2] = type;
	wb_init(&w, room, sizeof(room));
	ip6_encode(&w, &ip);
	wb_bytes(&w, body, len);
	ip6_finish(&w, 0);
	return mhsock_is_protected(room, w.len, &ip);
}

/* Everything between the two; a Binding Error may be for a stranger. */
static void what_is_protected(void **state)
{
	(void)state;
	assert_true(is_protected(MH_BU, MH_NEXT_HEADER, sizeof(mh)));
	assert_true(is_protected(MH_BA, MH_NEXT_HEADER, sizeof(mh)));
	assert_true(is_protected(MH_BRR, MH_NEXT_HEADER, sizeof(mh)));
	assert_true(is_protected(MH_BR, MH_NEXT_HEADER, sizeof(mh)));
	assert_false(is_protected(MH_BE, MH_NEXT_HEADER, sizeof(mh)));
	assert_false(is_protected(MH_BU, IP6_NH_ICMP6, sizeof(mh)));
	assert_false(is_protected(MH_BU, MH_NEXT_HEADER, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_home_address_option_is_found),
		cmocka_unit_test(what_is_no_option_is_none),
		cmocka_unit_test(a_routing_header_is_read),
		cmocka_unit_test(an_update_is_as_it_was_sent),
		cmocka_unit_test(an_acknowledgement_is_as_it_was_sent),
		cmocka_unit_test(what_is_protected),
	};

	return cmocka_run_group_tests_name("mhsock", tests, NULL, NULL);
}
