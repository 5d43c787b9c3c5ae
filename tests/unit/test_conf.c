/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/core/conf.c common/core/in6.c */
/*
 * The configuration engine over a table of texts: what is set, and every error of the text
 * with its place. The keywords are the test's own.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/core/conf.h"

/* What a run did, as text: "linger 5000000\n" ... */
struct record {
	char did[4096];
	char errors[16384];
	bool refuse_open;
};

__attribute__((format(printf, 2, 3)))
static void note(struct record *r, const char *fmt, ...)
{
	size_t n = strlen(r->did);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->did + n, sizeof(r->did) - n, fmt, ap);
	va_end(ap);
}

static void report(void *ctx, const char *text)
{
	struct record *r = ctx;
	size_t n = strlen(r->errors);

	assert_null(strchr(text, '\n'));
	snprintf(r->errors + n, sizeof(r->errors) - n, "%s\n", text);
}

static void set_words(struct conf *c, void *obj, const struct conf_word *kw,
		      const struct conf_word *args, unsigned int n)
{
	(void)c;
	note(obj, "%s", kw->text);
	for (unsigned int i = 0; i < n; i++)
		note(obj, "|%s", args[i].text);
	note(obj, "\n");
}

static void set_linger(struct conf *c, void *obj, const struct conf_word *kw,
		       const struct conf_word *args, unsigned int n)
{
	usec_t t = -1;

	(void)kw;
	assert_int_equal(n, 1);
	if (conf_duration(c, &args[0], 0, 3600 * USEC_S, &t))
		note(obj, "linger %lld\n", (long long)t);
	else
		assert_int_equal(t, -1);
}

static void set_max(struct conf *c, void *obj, const struct conf_word *kw,
		    const struct conf_word *args, unsigned int n)
{
	uint32_t v = 77;

	(void)kw, (void)n;
	if (conf_u32(c, &args[0], 1, 64, &v))
		note(obj, "max %u\n", v);
	else
		assert_int_equal(v, 77);
}

static void set_prefix(struct conf *c, void *obj, const struct conf_word *kw,
		       const struct conf_word *args, unsigned int n)
{
	struct in6_prefix p;

	(void)kw, (void)n;
	if (conf_prefix(c, &args[0], &p))
		note(obj, "prefix %s\n", in6_prefix_str(&p).s);
}

static void set_addr(struct conf *c, void *obj, const struct conf_word *kw,
		     const struct conf_word *args, unsigned int n)
{
	(void)kw;
	for (unsigned int i = 0; i < n; i++) {
		struct in6_addr a;

		if (conf_addr(c, &args[i], &a))
			note(obj, "addr %s\n", in6_str(&a).s);
	}
}

static void set_mac(struct conf *c, void *obj, const struct conf_word *kw,
		    const struct conf_word *args, unsigned int n)
{
	uint8_t mac[6];

	(void)kw, (void)n;
	if (conf_mac(c, &args[0], mac))
		note(obj, "mac %s\n", mac_str(mac).s);
}

static void set_bool(struct conf *c, void *obj, const struct conf_word *kw,
		     const struct conf_word *args, unsigned int n)
{
	bool b;

	(void)kw, (void)n;
	if (conf_bool(c, &args[0], &b))
		note(obj, "bool %d\n", b);
}

static void set_hex(struct conf *c, void *obj, const struct conf_word *kw,
		    const struct conf_word *args, unsigned int n)
{
	uint8_t octets[4] = { 0 };
	size_t len = 99;

	(void)kw, (void)n;
	if (conf_hex(c, &args[0], octets, 2, 4, &len))
		note(obj, "hex %zu %02x%02x%02x%02x\n", len, octets[0], octets[1], octets[2],
		     octets[3]);
	else
		assert_int_equal(len, 99);
}

static void *open_key(struct conf *c, void *obj, const struct conf_word *kw,
		      const struct conf_word *args, unsigned int n)
{
	struct record *r = obj;

	(void)kw;
	assert_int_equal(n, 1);
	if (r->refuse_open) {
		conf_error(c, &args[0], "refused; expected another");
		return NULL;
	}
	note(r, "open %s\n", args[0].text);
	return r;
}

static void close_key(struct conf *c, void *obj, const struct conf_word *kw)
{
	struct record *r = obj;

	note(r, "close\n");
	if (!strstr(r->did, "hex"))
		conf_error(c, kw, "key without a secret; expected \"secret HEX;\"");
}

static void close_lease(struct conf *c, void *obj, const struct conf_word *kw)
{
	(void)c, (void)kw;
	note(obj, "done\n");
}

static const struct conf_keyword key_table[] = {
	{ .name = "secret", .args = "HEX", .min_args = 1, .max_args = 1, .set = set_hex,
	  .once = true },
	{ .name = "mac", .args = "MAC", .min_args = 1, .max_args = 1, .set = set_mac },
	{ 0 },
};

static const struct conf_keyword nest_table[] = {
	{ .name = "nest", .block = nest_table },
	{ .name = "word", .args = "[WORD ...]", .max_args = 8, .set = set_words },
	{ 0 },
};

static const struct conf_keyword table[] = {
	{ .name = "interface", .args = "NAME", .min_args = 1, .max_args = 1, .set = set_words },
	{ .name = "linger", .args = "TIME", .min_args = 1, .max_args = 1, .set = set_linger,
	  .once = true },
	{ .name = "max-anchors", .args = "N", .min_args = 1, .max_args = 1, .set = set_max },
	{ .name = "prefix", .args = "PREFIX", .min_args = 1, .max_args = 1, .set = set_prefix },
	{ .name = "rdnss", .args = "ADDRESS ...", .min_args = 1, .max_args = 3, .set = set_addr },
	{ .name = "debug", .args = "yes|no", .min_args = 1, .max_args = 1, .set = set_bool },
	{ .name = "key", .args = "SPI", .min_args = 1, .max_args = 1, .block = key_table,
	  .open = open_key, .close = close_key },
	{ .name = "nest", .block = nest_table },
	{ .name = "lease", .args = "NAME", .min_args = 1, .max_args = 1, .block = key_table,
	  .block_optional = true, .open = open_key, .close = close_lease },
	{ .name = "quiet", .set = set_words },
	{ 0 },
};

static struct record rec;

static void run(const char *text, size_t len)
{
	unsigned int errors, lines = 0;

	rec.did[0] = rec.errors[0] = '\0';
	errors = conf_parse("f", text, len, table, &rec, report, &rec);
	for (const char *p = rec.errors; *p; p++)
		lines += *p == '\n';
	assert_int_equal(errors, lines);
}

static void expect(const char *text, const char *did, const char *errors)
{
	run(text, strlen(text));
	assert_string_equal(rec.errors, errors);
	assert_string_equal(rec.did, did);
}

static void block_or_none(void **state)
{
	(void)state;
	expect("lease a;lease b{mac 02:00:00:00:00:01;}lease c{}",
	       "open a\ndone\nopen b\nmac 02:00:00:00:00:01\ndone\nopen c\ndone\n", "");
	expect("lease;quiet;", "quiet\n", "f:1:1: too few arguments; expected \"lease NAME;\"\n");
	expect("lease a", "open a\ndone\n", "f:1:8: missing ';'; expected \"lease NAME;\"\n");
}

static void good(void **state)
{
	(void)state;
	expect("", "", "");
	expect("# nothing but a comment", "", "");
	expect("\xef\xbb\xbfquiet;", "quiet\n", "");
	expect("linger 5s;", "linger 5000000\n", "");
	expect("linger\n\t200ms\n;\r\n", "linger 200000\n", "");
	expect("linger 0s;linger#2m;\n", "linger 0\n", "f:1:11: \"linger\" a second time; "
	       "expected it once (first in line 1)\n"
	       "f:1:11: too few arguments; expected \"linger TIME;\"\n");
	expect("interface eth0;interface \"wlan 0\"; # two\ninterface \"a\\\"\\\\b#;{\";",
	       "interface|eth0\ninterface|wlan 0\ninterface|a\"\\b#;{\n", "");
	expect("interface\nlinger;", "", "f:1:1: too few arguments; expected \"interface NAME;\"\n"
	       "f:2:1: too few arguments; expected \"linger TIME;\"\n");
	expect("interface \"linger\";interface\n\"linger\";",
	       "interface|linger\ninterface|linger\n", "");
	expect("max-anchors 8; debug yes; debug no; prefix 2001:db8::/32;",
	       "max 8\nbool 1\nbool 0\nprefix 2001:db8::/32\n", "");
	expect("rdnss ::1\n ::2\n ::3;", "addr ::1\naddr ::2\naddr ::3\n", "");
	expect("key 256 { secret 0a0B; mac 02:00:00:00:00:01; }\nquiet;",
	       "open 256\nhex 2 0a0b0000\nmac 02:00:00:00:00:01\nclose\nquiet\n", "");
	expect("nest{nest{word a b;word;}}", "word|a|b\nword\n", "");
}

static void statements(void **state)
{
	(void)state;
	expect("lingr 5s;", "", "f:1:1: unknown keyword \"lingr\"; did you mean \"linger\"?\n");
	expect("key 1 { secrte 00; }", "open 1\n",
	       "f:1:9: unknown keyword \"secrte\"; did you mean \"secret\"?\n");
	expect("key 1 { linger 0s; }", "open 1\n",
	       "f:1:9: unknown keyword \"linger\"; expected one of secret, mac\n");
	expect("linger;", "", "f:1:1: too few arguments; expected \"linger TIME;\"\n");
	expect("quiet now or never;", "", "f:1:7: too many arguments; expected \"quiet;\"\n");
	expect("linger 5s", "linger 5000000\n",
	       "f:1:10: missing ';'; expected \"linger TIME;\"\n");
	expect("linger 5s\nquiet;\n", "linger 5000000\nquiet\n",
	       "f:1:10: missing ';'; expected \"linger TIME;\"\n");
	expect("rdnss ::1 # dns\nmax-anchors 200;", "addr ::1\n",
	       "f:1:10: missing ';'; expected \"rdnss ADDRESS ...;\"\n"
	       "f:2:13: 200 is out of range; expected 1 to 64\n");
	expect("key 1 { secret 0001 } quiet;", "open 1\nhex 2 00010000\nquiet\n",
	       "f:1:20: missing ';'; expected \"secret HEX;\"\n");
	expect(";", "", "f:1:1: ';' behind nothing; expected a keyword\n");
	expect("quiet; } quiet;", "quiet\nquiet\n", "f:1:8: '}' without a '{'; expected a keyword\n");
	expect("{ linger x; } quiet;", "quiet\n", "f:1:1: '{' behind nothing; expected a keyword\n");
	expect("what { is { this; } ; } quiet;", "quiet\n", "f:1:1: unknown keyword \"what\"; expected "
	       "one of interface, linger, max-anchors, prefix, rdnss, debug, key, nest, lease, quiet\n");
	expect("linger 5s; max-anchors 1;\nlinger 6s;", "linger 5000000\nmax 1\nlinger 6000000\n",
	       "f:2:1: \"linger\" a second time; expected it once (first in line 1)\n");
}

static void blocks(void **state)
{
	(void)state;
	expect("key 1;", "", "f:1:6: \"key\" without its block; expected \"key SPI { ... }\"\n");
	expect("key 1 quiet;", "", "f:1:7: too many arguments; expected \"key SPI { ... }\"\n");
	expect("key 1\nquiet;", "quiet\n", "f:1:6: missing block; expected \"key SPI { ... }\"\n");
	expect("linger 5s { quiet; } quiet;", "quiet\n",
	       "f:1:11: \"linger\" takes no block; expected \"linger TIME;\"\n");
	expect("key 1 { secret 0001;", "open 1\nhex 2 00010000\n",
	       "f:1:1: unclosed block of \"key\"; expected '}'\n");
	expect("nest { nest { word;", "word\n", "f:1:8: unclosed block of \"nest\"; expected '}'\n"
	       "f:1:1: unclosed block of \"nest\"; expected '}'\n");
	expect("what { is", "", "f:1:1: unknown keyword \"what\"; expected one of interface, linger, "
	       "max-anchors, prefix, rdnss, debug, key, nest, lease, quiet\n"
	       "f:1:6: unclosed block; expected '}'\n");
	expect("key { secret 0001; sekret; }", "", "f:1:1: too few arguments; expected "
	       "\"key SPI { ... }\"\nf:1:20: unknown keyword \"sekret\"; did you mean \"secret\"?\n");
	expect("key 1 { }", "open 1\nclose\n",
	       "f:1:1: key without a secret; expected \"secret HEX;\"\n");
	expect("key 1 { secret 00; }", "open 1\n",
	       "f:1:16: 2 hexadecimal digits; expected 4 to 8, an even number\n");
	expect("key 1 { secret 0011; secret 0022; } key 2 { secret 0033; }",
	       "open 1\nhex 2 00110000\nhex 2 00220000\nopen 2\nhex 2 00330000\nclose\n",
	       "f:1:22: \"secret\" a second time; expected it once (first in line 1)\n");
	rec.refuse_open = true;
	expect("key 1 { secret xyz; oops; } quiet;", "quiet\n", "f:1:5: refused; expected another\n"
	       "f:1:21: unknown keyword \"oops\"; expected one of secret, mac\n");
	rec.refuse_open = false;
}

static void deep(void **state)
{
	char text[2000] = "";

	(void)state;
	for (int i = 0; i < 8; i++)
		strcat(text, "nest {");
	strcat(text, "word ok;");
	for (int i = 0; i < 8; i++)
		strcat(text, "}");
	expect(text, "word|ok\n", "");
	text[0] = '\0';
	for (int i = 0; i < 100; i++)
		strcat(text, "nest {");
	for (int i = 0; i < 100; i++)
		strcat(text, "}");
	strcat(text, "quiet;");
	expect(text, "quiet\n", "f:1:49: blocks too deep; expected at most 8 in each other\n");
}

static void words(void **state)
{
	char text[1000];

	(void)state;
	expect("interface \"eth0;\nquiet;", "quiet\n",
	       "f:1:11: unclosed quote; expected '\"' before the end of the line\n");
	expect("\"interface eth0;\nquiet;", "quiet\n",
	       "f:1:1: unclosed quote; expected '\"' before the end of the line\n");
	expect("interface \"", "", "f:1:11: unclosed quote; expected '\"' before the end of the line\n");
	expect("interface \"a\\", "", "f:1:11: unclosed quote; expected '\"' before the end of the "
	       "line\n");
	expect("interface \"a\"b; quiet;", "quiet\n",
	       "f:1:14: text right behind a quote; expected a space or ';'\n");
	expect("interface a\"b\"; quiet;", "quiet\n",
	       "f:1:12: '\"' inside a word; expected a space before it\n");
	expect("interface e\x01th; quiet;", "quiet\n",
	       "f:1:12: control character 0x01; expected text\n");
	expect("inter\x1b[31mface x; quiet;", "quiet\n",
	       "f:1:6: control character 0x1b; expected text\n");
	expect("interface \"a\tb\"; quiet;", "quiet\n",
	       "f:1:13: control character 0x09; expected text\n");
	expect("# \x07\nquiet;", "", "f:1:3: control character 0x07; expected text\n");
	run("quiet\0;", 7);
	assert_string_equal(rec.errors, "f:1:6: control character 0x00; expected text\n");
	assert_string_equal(rec.did, "");
	/* the column counts characters */
	expect("interface \"\xc3\xa4\xc3\xb6\" x;", "",
	       "f:1:16: too many arguments; expected \"interface NAME;\"\n");
	memset(text, 'x', sizeof(text));
	memcpy(text, "interface ", 10);
	memcpy(text + 10 + 256, "; quiet;", 9);
	expect(text, "quiet\n", "f:1:11: word too long; expected at most 255 characters\n");
	memset(text, 'y', 300);
	memcpy(text + 300, ";", 2);
	expect(text, "", "f:1:1: word too long; expected at most 255 characters\n");
	memset(text, 'x', sizeof(text));
	memcpy(text, "interface ", 10);
	memcpy(text + 10 + 255, ";", 2);
	run(text, strlen(text));
	assert_string_equal(rec.errors, "");
	assert_int_equal(strlen(rec.did), strlen("interface|\n") + 255);
}

static void arguments(void **state)
{
	static const struct { const char *text, *error; } t[] = {
		{ "linger 5;", "f:1:8: \"5\" has no unit; expected a time such as 1s (ms, s, m, h, d)\n" },
		{ "linger s;", "f:1:8: \"s\" is no time; expected 0ms to 1h\n" },
		{ "linger -5s;", "f:1:8: \"-5s\" is no time; expected 0ms to 1h\n" },
		{ "linger 5sec;", "f:1:8: \"5sec\" is no time; expected 0ms to 1h\n" },
		{ "linger 61m;", "f:1:8: 61m is out of range; expected 0ms to 1h\n" },
		{ "linger 999999999999d;",
		  "f:1:8: 999999999999d is out of range; expected 0ms to 1h\n" },
		{ "linger 9999999999999s;",
		  "f:1:8: \"9999999999999s\" is no time; expected 0ms to 1h\n" },
		{ "max-anchors 0;", "f:1:13: 0 is out of range; expected 1 to 64\n" },
		{ "max-anchors 4294967297;", "f:1:13: 4294967297 is out of range; expected 1 to 64\n" },
		{ "max-anchors 1x;", "f:1:13: \"1x\" is no number; expected 1 to 64\n" },
		{ "max-anchors \"\";", "f:1:13: \"\" is no number; expected 1 to 64\n" },
		{ "debug maybe;", "f:1:7: \"maybe\" is neither; expected yes or no\n" },
		{ "prefix 2001:db8::1/64;", "f:1:8: \"2001:db8::1/64\" has bits set behind its "
		  "length; expected 2001:db8::/64\n" },
		{ "prefix 2001:db8::;", "f:1:8: \"2001:db8::\" is no IPv6 prefix; expected one such as "
		  "2001:db8:1:100::/56\n" },
		{ "prefix 2001:db8::/129;", "f:1:8: \"2001:db8::/129\" is no IPv6 prefix; expected one "
		  "such as 2001:db8:1:100::/56\n" },
		{ "rdnss ::g;", "f:1:7: \"::g\" is no IPv6 address; expected one such as 2001:db8::1\n" },
		{ "nest { word a b c d e f g h i; }",
		  "f:1:29: too many arguments; expected \"word [WORD ...];\"\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		expect(t[i].text, "", t[i].error);
	expect("key 1 { mac 02; }", "open 1\n",
	       "f:1:13: \"02\" is no MAC address; expected one such as 02:00:5e:10:00:01\n");
	/* a secret is never repeated in a message */
	expect("key 1 { secret 00zz; }", "open 1\n",
	       "f:1:16: no hexadecimal digit at place 3; expected 0-9, a-f\n");
	expect("key 1 { secret 001122334455; }", "open 1\n",
	       "f:1:16: 12 hexadecimal digits; expected 4 to 8, an even number\n");
	expect("key 1 { secret 00112; }", "open 1\n",
	       "f:1:16: 5 hexadecimal digits; expected 4 to 8, an even number\n");
}

static void all_errors_at_once(void **state)
{
	(void)state;
	expect("interfaze eth0;\nlinger 5;\nmax-anchors 100;\nkey 256 {\n\tsecret 0;\n}\nquiet;\n",
	       "open 256\nquiet\n",
	       "f:1:1: unknown keyword \"interfaze\"; did you mean \"interface\"?\n"
	       "f:2:8: \"5\" has no unit; expected a time such as 1s (ms, s, m, h, d)\n"
	       "f:3:13: 100 is out of range; expected 1 to 64\n"
	       "f:5:9: 1 hexadecimal digits; expected 4 to 8, an even number\n");
}

static void no_text_at_all(void **state)
{
	char noise[5000];

	(void)state;
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)(i * 7);
	rec.errors[0] = rec.did[0] = '\0';
	assert_int_equal(conf_parse("f", noise, sizeof(noise), table, &rec, report, &rec), 101);
	assert_non_null(strstr(rec.errors, "more than 100 errors; expected a configuration file\n"));
}

static void suggestions(void **state)
{
	(void)state;
	assert_string_equal(conf_suggest(table, "lingre"), "linger");
	assert_string_equal(conf_suggest(table, "inger"), "linger");
	assert_string_equal(conf_suggest(table, "maxanchors"), "max-anchors");
	assert_string_equal(conf_suggest(table, "kye"), "key");
	assert_null(conf_suggest(table, "lng"));
	assert_null(conf_suggest(table, "zz"));
	assert_null(conf_suggest(table, ""));
	assert_null(conf_suggest(table, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

static void durations_of_a_command_line(void **state)
{
	static const char *const wrong[] = { "", "5", "s", "5 s", "5x", "-1s", "9999999999999s",
					     "999999999999d", "1s1" };
	usec_t t = 7;

	(void)state;
	assert_int_equal(conf_duration_parse("90s", &t), 0);
	assert_true(t == 90 * USEC_S);
	assert_int_equal(conf_duration_parse("250ms", &t), 0);
	assert_true(t == 250 * USEC_MS);
	assert_int_equal(conf_duration_parse("2d", &t), 0);
	assert_true(t == 2 * 86400 * USEC_S);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(conf_duration_parse(wrong[i], &t), -EINVAL);
	assert_true(t == 2 * 86400 * USEC_S);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(block_or_none),
		cmocka_unit_test(statements),
		cmocka_unit_test(blocks),
		cmocka_unit_test(deep),
		cmocka_unit_test(words),
		cmocka_unit_test(arguments),
		cmocka_unit_test(all_errors_at_once),
		cmocka_unit_test(no_text_at_all),
		cmocka_unit_test(suggestions),
		cmocka_unit_test(durations_of_a_command_line),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
