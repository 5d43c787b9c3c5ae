/* SPDX-License-Identifier: BSD-2-Clause */
/* links: mn-agent/conf.c mn-agent/conf_classes.c common/core/conf.c common/core/confkey.c common/core/in6.c
 * common/core/auth.c (-lcrypto) */
/* mn.conf: what each keyword sets, and what people are told about mistakes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mn-agent/conf.h"

static const struct dp_ops ip6tnl_like = { .name = "ip6tnl" }, seg6_like = { .name = "seg6" },
	null_like = { .name = "null" };

/* The data paths of this build, without them. */
const struct dp_ops *const *dp_all(void)
{
	static const struct dp_ops *const all[] = { &ip6tnl_like, &seg6_like, &null_like, NULL };

	return all;
}

#define SECRET "000102030405060708090a0b0c0d0e0f"

struct result {
	struct mn_settings s;
	unsigned int errors;
	char text[4096];
};

static struct result the_result;

static void report(void *ctx, const char *text)
{
	struct result *r = ctx;
	size_t n = strlen(r->text);

	snprintf(r->text + n, sizeof(r->text) - n, "%s\n", text);
}

static struct result *parse(const char *text)
{
	struct result *r = &the_result;

	mn_conf_wipe(&r->s);
	r->text[0] = '\0';
	mn_conf_defaults(&r->s);
	r->errors = conf_parse("mn.conf", text, strlen(text), mn_conf_table, &r->s, report, r);
	return r;
}

static int teardown(void **state)
{
	(void)state;
	mn_conf_wipe(&the_result.s);
	return 0;
}

static void empty_is_the_defaults(void **state)
{
	const struct result *r = parse("# nothing to configure\n");

	(void)state;
	assert_int_equal(r->errors, 0);
	assert_int_equal(r->s.mn.n_interfaces, 0);
	assert_int_equal(r->s.mn.n_keys, 0);
	assert_int_equal(r->s.mn.max_anchors, 8);
	assert_int_equal(r->s.mn.anchor.linger, 5 * USEC_S);
	assert_int_equal(r->s.mn.anchor.lifetime_s, 600);
	assert_int_equal(r->s.mn.anchor.mtu, 1460);
	assert_int_equal(r->s.table_base, DP_TABLE_BASE);
	assert_null(r->s.datapath);
}

static void every_keyword(void **state)
{
	const struct result *r = parse(
		"interface wlan0;\ninterface eth0;\ninterface wlan0;\n"
		"linger 200ms;\nbinding-lifetime 2m;\nmax-anchors 3;\ntable-base 5000;\n"
		"tunnel-mtu 1400;\ndatapath null;\n"
		"key 256 {\n\talgorithm hmac-sha-256-128;\n\tsecret " SECRET ";\n"
		"\thome-agent 2001:db8:1:100::1;\n}\n"
		"hmac-sha1 insecure-allow;\n"
		"key 3 { secret \"" SECRET SECRET "\"; algorithm hmac-sha1-96; }\n");
	struct in6_addr ha;

	(void)state;
	assert_string_equal(r->text, "");
	assert_int_equal(r->errors, 0);
	assert_int_equal(r->s.mn.n_interfaces, 2);
	assert_string_equal(r->s.mn.interfaces[0], "wlan0");
	assert_string_equal(r->s.mn.interfaces[1], "eth0");
	assert_int_equal(r->s.mn.anchor.linger, 200 * USEC_MS);
	assert_int_equal(r->s.mn.anchor.lifetime_s, 120);
	assert_int_equal(r->s.mn.max_anchors, 3);
	assert_int_equal(r->s.table_base, 5000);
	assert_int_equal(r->s.mn.anchor.mtu, 1400);
	assert_string_equal(r->s.datapath, "null");
	assert_int_equal(r->s.mn.n_keys, 2);
	assert_int_equal(r->s.mn.keys[0].key.spi, 256);
	assert_int_equal(r->s.mn.keys[0].key.algorithm, AUTH_HMAC_SHA256_128);
	assert_int_equal(r->s.mn.keys[0].key.secret_len, 16);
	assert_int_equal(r->s.mn.keys[0].key.secret[15], 15);
	assert_false(r->s.mn.keys[0].any_ha);
	assert_int_equal(in6_parse("2001:db8:1:100::1", &ha), 0);
	assert_true(in6_eq(&r->s.mn.keys[0].ha, &ha));
	assert_int_equal(r->s.mn.keys[1].key.spi, 3);
	assert_int_equal(r->s.mn.keys[1].key.algorithm, AUTH_HMAC_SHA1_96);
	assert_int_equal(r->s.mn.keys[1].key.secret_len, 32);
	assert_true(r->s.mn.keys[1].any_ha);
}

/* What is wrong with one is in tests/conf/mn-homes-errors. */
static void homes(void **state)
{
	const struct result *r = parse(
		"key 256 { secret " SECRET "; }\n"
		"home office { key 256; prefix 2001:db8:5::/64; address 2001:db8:5::a5;\n"
		"\thome-agent 2001:db8:5::1; }\n"
		"home lab.2 { prefix fd00:2::/64; address eui-64 wlan0;\n"
		"\tunauthenticated-registration insecure-allow; }\n");
	const struct mn_home *h = r->s.mn.homes;

	(void)state;
	assert_string_equal(r->text, "");
	assert_int_equal(r->s.mn.n_homes, 2);
	assert_string_equal(h[0].name, "office");
	assert_string_equal(in6_prefix_str(&h[0].prefix).s, "2001:db8:5::/64");
	assert_string_equal(in6_str(&h[0].address).s, "2001:db8:5::a5");
	assert_string_equal(in6_str(&h[0].ha).s, "2001:db8:5::1");
	assert_int_equal(h[0].spi, 256);
	assert_false(h[0].unauthenticated);
	assert_string_equal(h[1].name, "lab.2");
	assert_string_equal(h[1].eui64_of, "wlan0");
	assert_true(in6_is_any(&h[1].address));
	assert_true(in6_is_any(&h[1].ha));
	assert_int_equal(h[1].spi, 0);
	assert_true(h[1].unauthenticated);
}

static void too_many_homes(void **state)
{
	char text[1024] = "";

	(void)state;
	for (int n = 0; n <= MN_HOMES_MAX; n++) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "home h%d { prefix 2001:db8::/64; }\n", n);
	}
	assert_int_equal(parse(text)->errors, 1);
	assert_non_null(strstr(the_result.text, "too many homes; expected at most 8"));
}

static void bounds_of_numbers(void **state)
{
	static const char *const good[] = {
		"linger 0s;", "linger 1h;", "binding-lifetime 10s;", "binding-lifetime 72h;",
		"max-anchors 1;", "max-anchors 32;", "table-base 1000;", "table-base 32000;",
		"tunnel-mtu 1280;", "tunnel-mtu 65495;", "datapath seg6;", "datapath ip6tnl;",
	};
	static const char *const bad[] = {
		"linger 2h;", "linger 5;", "linger -1s;", "binding-lifetime 9s;",
		"binding-lifetime 73h;", "max-anchors 0;", "max-anchors 33;", "table-base 999;",
		"table-base 32001;", "tunnel-mtu 1279;", "tunnel-mtu 65496;", "datapath ipip;",
		"interface a/b;", "interface \"\";", "interface abcdefghijklmnop;", "interface;",
		"interface a b;", "linger 1s", "key 255 { secret " SECRET "; }",
		"key { secret " SECRET "; }", "key 256;", "key 256 { }",
		"key 256 { secret 0001; }", "key 256 { secret zz; }",
		"key 256 { secret " SECRET "; algorithm md5; }",
		"key 256 { secret " SECRET "; home-agent fe80::1; }",
		"key 256 { secret " SECRET "; home-agent ::; }",
		"key 256 { secret " SECRET "; home-agent nowhere; }",
		"key 256 { secret " SECRET "; linger 5s; }",
		"key 256 { secret " SECRET "; ", "linger 1s; linger 2s;",
	};

	(void)state;
	for (size_t n = 0; n < sizeof(good) / sizeof(good[0]); n++) {
		parse(good[n]);
		if (the_result.errors)
			fail_msg("%s: %s", good[n], the_result.text);
	}
	for (size_t n = 0; n < sizeof(bad) / sizeof(bad[0]); n++) {
		parse(bad[n]);
		if (!the_result.errors)
			fail_msg("%s: taken", bad[n]);
		/* Where, what, and what was expected. */
		if (strncmp(the_result.text, "mn.conf:1:", 10) != 0 ||
		    !strstr(the_result.text, "expected"))
			fail_msg("%s: %s", bad[n], the_result.text);
	}
}

static void three_errors_are_three_reports(void **state)
{
	const struct result *r = parse("linger forever;\n"
				       "interfase wlan0;\n"
				       "max-anchors 8;\n"
				       "key 256 {\n\tsecret abc;\n}\n");

	(void)state;
	assert_true(r->errors >= 3);
	assert_non_null(strstr(r->text, "mn.conf:1:"));
	assert_non_null(strstr(r->text, "mn.conf:2:1:"));
	assert_non_null(strstr(r->text, "\"interface\""));	/* a suggestion */
	assert_non_null(strstr(r->text, "mn.conf:5:"));
}

static void a_secret_is_never_repeated(void **state)
{
	(void)state;
	parse("key 256 { secret 00112233445566778899aabbccddeef; }");
	assert_true(the_result.errors > 0);
	assert_null(strstr(the_result.text, "00112233445566"));
	parse("key 256 { secert 00112233445566778899aabbccddeeff; }");
	assert_true(the_result.errors > 0);
	assert_null(strstr(the_result.text, "00112233445566"));
}

static void two_keys_of_one_spi(void **state)
{
	(void)state;
	parse("key 256 { secret " SECRET "; }\nkey 256 { secret " SECRET "; }\n");
	assert_int_equal(the_result.errors, 1);
	assert_non_null(strstr(the_result.text, "mn.conf:2:"));
	assert_int_equal(the_result.s.mn.n_keys, 1);
}

static void lists_are_bounded(void **state)
{
	char text[8192];
	size_t n = 0;

	(void)state;
	for (unsigned int i = 0; i <= MN_INTERFACES_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "interface eth%u;\n", i);
	for (unsigned int i = 0; i <= MN_KEYS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "key %u { secret " SECRET "; }\n",
				      256 + i);
	parse(text);
	assert_int_equal(the_result.errors, 2);
	assert_int_equal(the_result.s.mn.n_interfaces, MN_INTERFACES_MAX);
	assert_int_equal(the_result.s.mn.n_keys, MN_KEYS_MAX);
}

static void names_of_interfaces(void **state)
{
	const struct result *r = parse("interface eth*;\ninterface *;\nmetered usb*;\n"
				       "metered phone0;\nnever wwan*;\n");

	(void)state;
	assert_int_equal(r->errors, 0);
	assert_string_equal(r->s.mn.interfaces[1], "*");
	assert_int_equal(r->s.mn.metered.n, 2);
	assert_string_equal(r->s.mn.metered.name[1], "phone0");
	assert_string_equal(r->s.mn.never.name[0], "wwan*");
	r = parse("never *0;\nmetered a/b;\ninterface wlan*x;\n");
	assert_int_equal(r->errors, 3);
	assert_non_null(strstr(r->text, "\"*0\" cannot be an interface"));
}

static void interfaces_of_the_command_line(void **state)
{
	struct mn_settings s;

	(void)state;
	mn_conf_defaults(&s);
	assert_int_equal(mn_conf_add_interface(&s, "wlan0"), 0);
	assert_int_equal(mn_conf_add_interface(&s, "wlan0"), 0);
	assert_int_equal(s.mn.n_interfaces, 1);
	assert_int_equal(mn_conf_add_interface(&s, ""), -EINVAL);
	assert_int_equal(mn_conf_add_interface(&s, "a name with spaces"), -EINVAL);
	assert_int_equal(mn_conf_add_interface(&s, "sixteen-letters."), -EINVAL);
	assert_int_equal(mn_conf_add_interface(&s, "fifteen-letters"), 0);
}

static void keys_are_wiped(void **state)
{
	static const uint8_t zero[AUTH_SECRET_MAX];
	struct result *r = parse("key 256 { secret " SECRET "; }");

	(void)state;
	assert_int_equal(r->s.mn.n_keys, 1);
	mn_conf_wipe(&r->s);
	assert_int_equal(r->s.mn.n_keys, 0);
	assert_memory_equal(r->s.mn.keys[0].key.secret, zero, sizeof(zero));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_is_the_defaults), cmocka_unit_test(every_keyword),
		cmocka_unit_test(homes), cmocka_unit_test(too_many_homes),
		cmocka_unit_test(bounds_of_numbers),
		cmocka_unit_test(three_errors_are_three_reports),
		cmocka_unit_test(a_secret_is_never_repeated),
		cmocka_unit_test(two_keys_of_one_spi), cmocka_unit_test(lists_are_bounded),
		cmocka_unit_test(names_of_interfaces),
		cmocka_unit_test(interfaces_of_the_command_line),
		cmocka_unit_test(keys_are_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
