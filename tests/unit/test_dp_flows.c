/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/datapath/dp_flows.c common/core/selector.c common/core/in6.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "common/datapath/dp_flows.h"

#define LINK	"2001:db8:1:100::/64"
#define HOA	"2001:db8:1:100::a/128"

static struct in6_prefix prefix(const char *s)
{
	struct in6_prefix p;

	assert_int_equal(in6_prefix_parse(s, &p), 0);
	return p;
}

static struct dp_steer two_flows(void)
{
	struct dp_steer s = { .inner = prefix(LINK), .n_flows = 2 };

	s.paths[2].remote = prefix(HOA).addr;
	s.flows[0] = (struct dp_flow){
		.what = { .protocol = 17, .remote = prefix("2001:db8:9::/48"),
			  .local_port = { 5000, 5010 } }, .path = 2,
	};
	s.flows[1] = (struct dp_flow){ .what = { .has_dscp = true, .dscp = 46 }, .path = -1 };
	return s;
}

/* In the order of their priority; a flow of the default way is done with, unmarked. */
static void rules_in_their_order(void **state)
{
	char text[DP_FLOWS_ROOM];
	const struct dp_steer s = two_flows();
	const char *first, *second;
	unsigned int n;

	(void)state;
	assert_true(dp_flows_any(&s));
	assert_int_equal(dp_flows_text("t", &s, text, sizeof(text), &n), 0);
	assert_int_equal(n, 2);
	assert_non_null(strstr(text, "flush chain inet t flow_20010db800010100\n"));
	first = strstr(text, "add rule inet t flow_20010db800010100 meta nfproto ipv6 "
		       "ip6 saddr 2001:db8:9::/48 meta l4proto 17 th dport 5000-5010 "
		       "counter name way2_20010db800010100 meta mark set 0x644d4962 return\n");
	second = strstr(text, "add rule inet t flow_20010db800010100 meta nfproto ipv6 "
			"ip6 dscp 46 return\n");
	assert_non_null(first);
	assert_non_null(second);
	assert_true(first < second);
}

static void elements_by_length(void **state)
{
	const struct in6_prefix whole = prefix(LINK), one = prefix(HOA);
	char text[512];

	(void)state;
	assert_int_equal(dp_flows_enter("t", &whole, text, sizeof(text)), 0);
	assert_string_equal(text, "add element inet t flows64 { 0x20010db800010100 : jump "
			    "flow_20010db800010100 }\n");
	assert_int_equal(dp_flows_enter("t", &one, text, sizeof(text)), 0);
	assert_string_equal(text, "add element inet t flows { 2001:db8:1:100::a : jump "
			    "flow_20010db800010100000000000000000a }\n");
	assert_int_equal(dp_flows_leave("t", &whole, text, sizeof(text)), 0);
	assert_string_equal(text, "delete element inet t flows64 { 0x20010db800010100 }\n");
	assert_int_equal(dp_flows_drop("t", &one, text, 20), -ENOBUFS);
}

/* All flows that there may be, each as long as one can be. */
static void room_for_all(void **state)
{
	struct dp_steer s = { .inner = prefix(HOA), .n_flows = DP_FLOWS };
	char text[DP_FLOWS_ROOM];
	unsigned int n;

	(void)state;
	for (unsigned int i = 0; i < DP_FLOWS; i++) {
		memset(&s.flows[i].what.remote, 0xff, sizeof(s.flows[i].what.remote));
		s.flows[i].what.local = prefix("2001:db8:1111:2222:3333:4444:5555:6666/127");
		s.flows[i].what.remote = prefix("2001:db8:ffff:ffff:ffff:ffff:ffff:fffe/127");
		s.flows[i].what.local_port = (struct selector_ports){ 10000, 65535 };
		s.flows[i].what.remote_port = (struct selector_ports){ 10000, 65535 };
		s.flows[i].what.has_dscp = true;
		s.flows[i].path = DP_PATHS - 1;
	}
	assert_int_equal(dp_flows_text("dmip6_ha", &s, text, sizeof(text), &n), 0);
	assert_int_equal(n, DP_FLOWS);
	assert_int_equal(dp_flows_text("dmip6_ha", &s, text, 1000, &n), -ENOBUFS);
	s = (struct dp_steer){ .inner = s.inner };
	assert_false(dp_flows_any(&s));
}

static void selectors(void **state)
{
	static const struct { struct selector s; int err; } cases[] = {
		{ { .protocol = 0 }, 0 },
		{ { .local_port = { 1, 65535 } }, 0 },
		{ { .local_port = { 5, 4 } }, -EINVAL },
		{ { .remote_port = { 0, 4 } }, -EINVAL },
		{ { .protocol = 58, .remote_port = { 4, 4 } }, -EINVAL },
		{ { .protocol = 132, .remote_port = { 4, 4 } }, 0 },
		{ { .has_dscp = true, .dscp = 64 }, -EINVAL },
		{ { .local.len = 129 }, -EINVAL },
	};
	const struct selector s = { .protocol = 6, .local_port = { 22, 22 },
				    .remote = prefix("2001:db8::/32"), .has_dscp = true, .dscp = 8 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(selector_check(&cases[i].s), cases[i].err);
	assert_string_equal(selector_str(&s).s, "protocol tcp, local-port 22, remote 2001:db8::/32, "
			    "dscp 8");
	assert_string_equal(selector_str(&cases[0].s).s, "all");
	assert_string_equal(selector_nft(&s, false).s, "meta nfproto ipv6 ip6 daddr 2001:db8::/32 "
			    "ip6 dscp 8 meta l4proto 6 th sport 22 ");
	assert_string_equal(selector_nft(&cases[1].s, true).s, "meta nfproto ipv6 meta l4proto "
			    "{ 6, 17 } th dport 1-65535 ");
	assert_true(selector_eq(&s, &s));
	assert_false(selector_eq(&s, &cases[0].s));
	assert_int_equal(selector_protocol("udp"), 17);
	assert_int_equal(selector_protocol("89"), 89);
	assert_int_equal(selector_protocol("256"), 0);
	assert_int_equal(selector_protocol("0"), 0);
	assert_int_equal(selector_protocol("tcp4"), 0);
	assert_int_equal(selector_protocol("-1"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_in_their_order),
		cmocka_unit_test(elements_by_length),
		cmocka_unit_test(room_for_all),
		cmocka_unit_test(selectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
