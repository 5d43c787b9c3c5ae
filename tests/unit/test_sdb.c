/* SPDX-License-Identifier: BSD-2-Clause */
/* Session records as values: text and back, order, who may store what. */
/* links: ha-agent/sdb.c common/core/in6.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ha-agent/sdb.h"

#define GOOD	"v=1 mn=1:a@example.com prefix=2001:db8:1:2::/64 anchor=2001:db8::1" \
		" proxy-coa=2001:db8::2 state=active lifetime=3600 linklocal=fe80::3" \
		" mac=02:00:00:00:00:04 access=4 version=0000000000000005.00000000000000ff"

static struct sdb_record good(void)
{
	struct sdb_record r;

	assert_int_equal(sdb_record_parse(GOOD, &r), 0);
	return r;
}

static void text_of_a_record(void **state)
{
	struct sdb_record r = good();

	(void)state;
	assert_int_equal(r.mn_id.subtype, 1);
	assert_int_equal(r.mn_id.len, 13);
	assert_memory_equal(r.mn_id.data, "a@example.com", 13);
	assert_string_equal(in6_prefix_str(&r.prefix).s, "2001:db8:1:2::/64");
	assert_string_equal(in6_str(&r.anchor).s, "2001:db8::1");
	assert_string_equal(in6_str(&r.proxy_coa).s, "2001:db8::2");
	assert_int_equal(r.state, SDB_ACTIVE);
	assert_int_equal(r.lifetime_s, 3600);
	assert_string_equal(in6_str(&r.linklocal).s, "fe80::3");
	assert_int_equal(r.mac[5], 4);
	assert_int_equal(r.access_type, 4);
	assert_int_equal(r.version.epoch, 5);
	assert_int_equal(r.version.counter, 255);
	assert_string_equal(sdb_record_str(&r).s, GOOD);
}

/* Each octet of a good text, cut off or changed: refused, or another good record. */
static void hostile_texts(void **state)
{
	struct sdb_record r;
	char text[sizeof(GOOD)];

	(void)state;
	for (size_t i = 0; i < sizeof(GOOD) - 1; i++) {
		memcpy(text, GOOD, sizeof(GOOD));
		text[i] = '\0';
		/* A shorter counter is a shorter text. */
		assert_true(sdb_record_parse(text, &r) < 0);
		for (int c = 1; c < 256; c++) {
			memcpy(text, GOOD, sizeof(GOOD));
			text[i] = (char)c;
			if (sdb_record_parse(text, &r) == 0)
				assert_string_equal(sdb_record_str(&r).s, text);
		}
	}
}

static void refused_texts(void **state)
{
	static const struct { const char *from, *to; int err; } cases[] = {
		{ "v=1", "v=2", -EPROTONOSUPPORT }, { "v=1", "v=0", -EINVAL },
		{ "v=1 ", "", -EINVAL }, { "v=1", "v=01", -EINVAL },
		{ "mn=1:", "mn=256:", -EINVAL }, { "mn=1:", "mn=:", -EINVAL },
		{ "a@example.com", "", -EINVAL }, { "a@", "a%4g", -EINVAL }, { "a@", "a%4", -EINVAL },
		{ "a@", "%61@", -EINVAL },		/* plain is plain */
		{ "::/64", "::/63", -EINVAL }, { "1:2::/64", "1:2::1/64", -EINVAL },
		{ "2001:db8:1:2::/64", "fe80::/64", -EINVAL },
		{ "anchor=2001:db8::1", "anchor=::", -EINVAL },
		{ "anchor=2001:db8::1", "anchor=2001:DB8::1", -EINVAL },
		{ "proxy-coa=2001:db8::2", "proxy-coa=ff02::1", -EINVAL },
		{ "active", "dead", -EINVAL }, { "=3600", "=0", -EINVAL }, { "=3600", "=-1", -EINVAL },
		{ "=3600", "=03600", -EINVAL }, { "=3600", "=99999999999999999999", -EINVAL },
		{ "linklocal=fe80::3", "linklocal=2001:db8::3", -EINVAL },
		{ "access=4", "access=256", -EINVAL }, { "access=4", "access=", -EINVAL },
		{ "00ff", "00FF", -EINVAL }, { "00ff", "0ff", -EINVAL }, { "00ff", "00fff", -EINVAL },
		{ "5.0", "5:0", -EINVAL }, { " mac=", "  mac=", -EINVAL }, { "ff", "ff ", -EINVAL },
		{ "ff", "ff x=1", -EINVAL },
	};
	struct sdb_record r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *at = strstr(GOOD, cases[i].from);
		char text[1024];
		int err;

		assert_non_null(at);
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - GOOD), GOOD, cases[i].to,
			 at + strlen(cases[i].from));
		err = sdb_record_parse(text, &r);
		if (err != cases[i].err)
			fail_msg("%d for %s", err, text);
	}
}

static void too_long(void **state)
{
	static char text[4096];
	struct sdb_record r = good();

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(sdb_record_parse(text, &r), -EINVAL);
	assert_int_equal(sdb_mn_id_parse(text, &r.mn_id), -EINVAL);
	memcpy(text, "1:", 2);
	assert_int_equal(sdb_mn_id_parse(text, &r.mn_id), -EINVAL);
	text[2 + SDB_MN_ID_MAX] = '\0';
	assert_int_equal(sdb_mn_id_parse(text, &r.mn_id), 0);
	/* The longest record there is. */
	memset(r.mn_id.data, 0xff, SDB_MN_ID_MAX);
	r.mn_id.subtype = 255;
	assert_int_equal(in6_prefix_parse("2001:db11:1111:1111::/64", &r.prefix), 0);
	r.anchor = r.prefix.addr;
	memset(&r.anchor.s6_addr[8], 0x11, 8);
	r.proxy_coa = r.anchor;
	r.state = SDB_RELEASED;
	r.lifetime_s = SDB_LIFETIME_MAX;
	r.access_type = 255;
	assert_true(strlen(sdb_record_str(&r).s) > 600);
	{
		struct sdb_record back;

		assert_int_equal(sdb_record_parse(sdb_record_str(&r).s, &back), 0);
		assert_true(sdb_record_same(&r, &back));
	}
}

static void every_octet_in_an_mn_id(void **state)
{
	(void)state;
	for (unsigned int c = 0; c < 256; c++) {
		struct sdb_mn_id id = { .subtype = (uint8_t)c, .len = 2, .data = { (uint8_t)c, 'z' } };
		struct sdb_mn_id back;
		struct sdb_mn_text t = sdb_mn_id_str(&id);

		assert_null(strpbrk(t.s, " {}\n\"'*"));
		assert_int_equal(sdb_mn_id_parse(t.s, &back), 0);
		assert_true(sdb_mn_id_eq(&id, &back));
	}
}

static void same_and_order(void **state)
{
	struct sdb_version a = { 1, UINT64_MAX }, b = { 2, 0 };
	struct sdb_record r = good(), s = r;

	(void)state;
	assert_true(sdb_version_cmp(&a, &b) < 0);
	assert_true(sdb_version_cmp(&b, &a) > 0);
	assert_true(sdb_version_cmp(&a, &a) == 0);
	s.lifetime_s++;
	assert_true(sdb_record_same(&r, &s));
	s.mac[0]++;
	assert_false(sdb_record_same(&r, &s));
}

static void decisions(void **state)
{
	struct sdb_record r = good(), stored = r, holder = r;

	(void)state;
	holder.mn_id.data[0] = 'b';
	assert_int_equal(sdb_record_decide(&r, NULL, NULL), 0);
	assert_int_equal(sdb_record_decide(&r, &stored, NULL), 0);
	assert_int_equal(sdb_record_decide(&r, NULL, &holder), -EEXIST);
	r.access_type++;
	assert_int_equal(sdb_record_decide(&r, &stored, NULL), -ESTALE);
	r.version.counter++;
	assert_int_equal(sdb_record_decide(&r, &stored, NULL), 0);
	assert_int_equal(sdb_record_renewable(&r, &stored), -ESTALE);
	assert_int_equal(sdb_record_renewable(&r, NULL), -ENOENT);
	assert_int_equal(sdb_record_renewable(&stored, &stored), 0);
	stored.anchor.s6_addr[15]++;
	assert_int_equal(sdb_record_decide(&r, &stored, NULL), -ESTALE);
	r.state = SDB_RELEASED;
	assert_int_equal(sdb_record_decide(&r, NULL, &holder), 0);
	assert_int_equal(sdb_record_renewable(&r, &r), -ESTALE);
}

static void words(void **state)
{
	enum sdb_access a;

	(void)state;
	for (enum sdb_access i = 0; i < SDB_ACCESS_MAX; i++) {
		assert_int_equal(sdb_access_parse(sdb_access_str(i), &a), 0);
		assert_int_equal(a, i);
	}
	assert_int_equal(sdb_access_parse("Allowed", &a), -EINVAL);
	for (enum sdb_reset i = 0; i < SDB_RESET_MAX; i++)
		assert_non_null(sdb_reset_str(i));
	for (enum sdb_state i = 0; i < SDB_STATE_MAX; i++)
		assert_non_null(sdb_state_str(i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_of_a_record),
		cmocka_unit_test(hostile_texts),
		cmocka_unit_test(refused_texts),
		cmocka_unit_test(too_long),
		cmocka_unit_test(every_octet_in_an_mn_id),
		cmocka_unit_test(same_and_order),
		cmocka_unit_test(decisions),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests_name("sdb", tests, NULL, NULL);
}
