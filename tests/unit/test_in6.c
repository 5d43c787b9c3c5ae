/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/core/in6.c */
/* Addresses and prefixes, with the borders where masks and counts go wrong. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/core/in6.h"

static struct in6_addr addr(const char *s)
{
	struct in6_addr a;

	assert_int_equal(in6_parse(s, &a), 0);
	return a;
}

static struct in6_prefix prefix(const char *s)
{
	struct in6_prefix p;

	assert_int_equal(in6_prefix_parse(s, &p), 0);
	return p;
}

static void kinds(void **state)
{
	static const struct { const char *s; bool linklocal, multicast, routable; } t[] = {
		{ "::", false, false, false },
		{ "::1", false, false, false },
		{ "::ffff:192.0.2.1", false, false, false },
		{ "fe80::1", true, false, false },
		{ "febf:ffff::1", true, false, false },
		{ "fec0::1", false, false, true },
		{ "fe7f::1", false, false, true },
		{ "ff02::1", false, true, false },
		{ "fd00::1", false, false, true },
		{ "2001:db8::1", false, false, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct in6_addr a = addr(t[i].s);

		assert_int_equal(in6_is_linklocal(&a), t[i].linklocal);
		assert_int_equal(in6_is_multicast(&a), t[i].multicast);
		assert_int_equal(in6_is_routable(&a), t[i].routable);
		assert_int_equal(in6_is_any(&a), i == 0);
	}
}

static void home_agents_anycast(void **state)
{
	struct in6_addr a = addr("2001:db8:1:2:3:4:5:6");

	(void)state;
	assert_false(in6_is_home_agents_anycast(&a));
	a = in6_home_agents_anycast(&a);
	assert_string_equal(in6_str(&a).s, "2001:db8:1:2:fdff:ffff:ffff:fffe");
	assert_true(in6_is_home_agents_anycast(&a));
	/* The subnet's last address is another group's. */
	a.s6_addr[15] = 0xff;
	assert_false(in6_is_home_agents_anycast(&a));
}

static void comparison(void **state)
{
	struct in6_addr a = addr("2001:db8::1"), b = addr("2001:db8::2");

	(void)state;
	assert_true(in6_eq(&a, &a));
	assert_false(in6_eq(&a, &b));
}

static void masks(void **state)
{
	static const struct { uint8_t len; const char *s; } t[] = {
		{ 0, "::" }, { 1, "8000::" }, { 7, "fe00::" }, { 8, "ff00::" },
		{ 63, "ffff:ffff:ffff:fffe::" }, { 64, "ffff:ffff:ffff:ffff::" },
		{ 65, "ffff:ffff:ffff:ffff:8000::" },
		{ 127, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe" },
		{ 128, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct in6_addr a, want = addr(t[i].s);

		memset(&a, 0xff, sizeof(a));
		in6_mask(&a, t[i].len);
		assert_memory_equal(&a, &want, sizeof(a));
	}
}

static void membership(void **state)
{
	struct in6_prefix p = prefix("2001:db8:1:100::/56"), all = prefix("::/0");
	struct in6_prefix host = prefix("2001:db8::1/128");
	struct in6_addr first = addr("2001:db8:1:100::"), last = addr("2001:db8:1:1ff::ffff");
	struct in6_addr before = addr("2001:db8:1:ff::"), behind = addr("2001:db8:1:200::");
	struct in6_addr one = addr("2001:db8::1"), two = addr("2001:db8::2");

	(void)state;
	assert_true(in6_in(&p, &first));
	assert_true(in6_in(&p, &last));
	assert_false(in6_in(&p, &before));
	assert_false(in6_in(&p, &behind));
	assert_true(in6_in(&all, &behind));
	assert_true(in6_in(&host, &one));
	assert_false(in6_in(&host, &two));
	p.addr = last;	/* host bits in the prefix do not matter */
	assert_true(in6_in(&p, &first));
}

static void subprefixes(void **state)
{
	struct in6_prefix p = prefix("2001:db8:1:100::/56"), r, before;

	(void)state;
	assert_true(in6_subprefix(&p, 64, 0, &r));
	assert_string_equal(in6_prefix_str(&r).s, "2001:db8:1:100::/64");
	assert_true(in6_subprefix(&p, 64, 255, &r));
	assert_string_equal(in6_prefix_str(&r).s, "2001:db8:1:1ff::/64");
	assert_true(in6_subprefix(&p, 60, 9, &r));
	assert_string_equal(in6_prefix_str(&r).s, "2001:db8:1:190::/60");
	before = r;
	assert_false(in6_subprefix(&p, 64, 256, &r));
	assert_false(in6_subprefix(&p, 64, UINT64_MAX, &r));
	assert_false(in6_subprefix(&p, 48, 0, &r));
	assert_false(in6_subprefix(&p, 129, 0, &r));
	assert_true(in6_prefix_eq(&r, &before));
	assert_true(in6_subprefix(&p, 56, 0, &r));
	assert_true(in6_prefix_eq(&r, &p));
	assert_false(in6_subprefix(&p, 56, 1, &r));
	p = prefix("::/0");
	assert_true(in6_subprefix(&p, 64, UINT64_MAX, &r));
	assert_string_equal(in6_prefix_str(&r).s, "ffff:ffff:ffff:ffff::/64");
	assert_false(in6_subprefix(&p, 63, UINT64_MAX, &r));
}

static void identifiers(void **state)
{
	/* RFC 4291 appendix A: 34-56-78-9A-BC-DE gives 36-56-78-FF-FE-9A-BC-DE. */
	static const uint8_t mac[6] = { 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde };
	struct in6_addr a = addr("2001:db8:1:2:aaaa::aaaa");

	(void)state;
	in6_eui64(&a, &a, mac);
	assert_string_equal(in6_str(&a).s, "2001:db8:1:2:3656:78ff:fe9a:bcde");
}

static void text(void **state)
{
	static const char *const bad_prefix[] = {
		"", "/", "2001:db8::", "2001:db8::/", "2001:db8::/129", "2001:db8::/-1",
		"2001:db8::/ 64", "2001:db8::/64 ", "2001:db8::/6x", "2001:db8::/0064",
		"2001:db8::1/64", "::1/0", "192.0.2.0/24", "2001:db8::/64/64",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc/64",
	};
	static const char *const bad_mac[] = {
		"", "02:00:5e:10:00", "02:00:5e:10:00:0g", "02-00-5e-10-00-01",
		"02:00:5e:10:00:01:02", "02:00:5e:10:00: 1", "+2:00:5e:10:00:01", "0200:5e:10:00:011",
	};
	struct in6_prefix p = prefix("2001:db8::/32"), p0 = p;
	uint8_t mac[6] = { 0 }, zero[6] = { 0 };
	struct in6_addr a = addr("::1");

	(void)state;
	for (size_t i = 0; i < sizeof(bad_prefix) / sizeof(bad_prefix[0]); i++)
		assert_int_equal(in6_prefix_parse(bad_prefix[i], &p), -EINVAL);
	assert_true(in6_prefix_eq(&p, &p0));
	for (size_t i = 0; i < sizeof(bad_mac) / sizeof(bad_mac[0]); i++)
		assert_int_equal(mac_parse(bad_mac[i], mac), -EINVAL);
	assert_memory_equal(mac, zero, 6);
	assert_int_equal(mac_parse("02:00:5E:10:ab:01", mac), 0);
	assert_string_equal(mac_str(mac).s, "02:00:5e:10:ab:01");
	assert_int_equal(in6_parse("2001:db8::1%eth0", &a), -EINVAL);
	assert_string_equal(in6_str(&a).s, "::1");
	memset(&p, 0xff, sizeof(p));	/* the longest text fits */
	assert_string_equal(in6_prefix_str(&p).s, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/255");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(home_agents_anycast),
		cmocka_unit_test(comparison),
		cmocka_unit_test(masks),
		cmocka_unit_test(membership),
		cmocka_unit_test(subprefixes),
		cmocka_unit_test(identifiers),
		cmocka_unit_test(text),
	};

	return cmocka_run_group_tests_name("in6", tests, NULL, NULL);
}
