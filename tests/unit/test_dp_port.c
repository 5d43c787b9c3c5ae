/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/datapath/dp_port.c common/core/in6.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/datapath/dp_port.h"

static unsigned int count(const char *text, const char *what)
{
	unsigned int n = 0;

	for (const char *p = strstr(text, what); p; p = strstr(p + 1, what))
		n++;
	return n;
}

static struct dp_home home(const char *prefix)
{
	struct dp_home h = { 0 };

	assert_int_equal(in6_prefix_parse(prefix, &h.prefix), 0);
	return h;
}

/* How many rules there are is what a repair goes by; each that drops says so in a counter. */
static void test_rules(void **state)
{
	const struct dp_port p = { .port = 7872, .n_access = 2, .access = { "lan0", "lan1" } };
	const struct dp_home homes[] = { home("2001:db8:1:100::/56"), home("2001:db8:5:500::/64") };
	char text[DP_PORT_ROOM];
	unsigned int n = 0;

	(void)state;
	assert_int_equal(dp_port_text("t", &p, homes, 1, text, sizeof(text), &n), 0);
	assert_int_equal(count(text, "add rule inet t port "), n);
	assert_int_equal(count(text, " drop\n"), count(text, "counter name"));
	assert_int_equal(count(text, "tcp dport != 7872 accept"), 1);
	assert_int_equal(count(text, "iifname != { \"lan0\", \"lan1\" }"), 1);
	assert_int_equal(count(text, "ip6 saddr != { 2001:db8:1:100::/56 }"), 1);
	assert_int_equal(count(text, "@port_address {"), 0);

	/* Hosts that share a prefix are told apart by their addresses. */
	assert_int_equal(dp_port_text("t", &p, homes, 2, text, sizeof(text), &n), 0);
	assert_int_equal(count(text, "add rule inet t port "), n);
	assert_int_equal(count(text, "ip6 saddr { 2001:db8:5:500::/64 }"), 2);
	assert_int_equal(count(text, "update @port_address {"), 1);
	assert_int_equal(count(text, "update @port_host {"), 1);
}

static void test_as_many_as_there_may_be(void **state)
{
	struct dp_port p = { .port = 65535, .n_access = DP_ACCESS };
	struct dp_home homes[DP_HOMES];
	char text[DP_PORT_ROOM];
	unsigned int n = 0;

	(void)state;
	for (unsigned int i = 0; i < DP_ACCESS; i++)
		memcpy(p.access[i], "interface-name0", 16);
	for (unsigned int i = 0; i < DP_HOMES; i++)
		homes[i] = home("2001:db8:1111:2222::/64");
	assert_int_equal(dp_port_text("dmip6_ha", &p, homes, DP_HOMES, text, sizeof(text), &n), 0);
	assert_int_equal(dp_port_text("dmip6_ha", &p, homes, DP_HOMES, text, 100, &n), -ENOBUFS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_as_many_as_there_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
