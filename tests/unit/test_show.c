/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/cli/show.c (-ljansson) */
/* Text for people: whole answers in, whole texts out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cli/show.h"

static void expect(void (*show)(FILE *out, const json_t *j), const char *json, const char *want)
{
	json_t *j = json_loads(json, 0, NULL);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(j);
	assert_non_null(out);
	show(out, j);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, want);
	free(text);
	json_decref(j);
}

static void interfaces_of_a_mobile_node(void **state)
{
	(void)state;
	expect(show_status,
	       "{\"schema\":1,\"role\":\"mn\",\"health\":{\"ok\":true,\"text\":\"well\"},"
	       "\"attachments\":[],\"anchors\":[],\"interfaces\":["
	       "{\"interface\":\"eth0\",\"kind\":\"wired\",\"state\":\"attached\",\"order\":1,"
	       "\"metered\":false,\"chosen\":false,\"current\":true},"
	       "{\"interface\":\"wwan0\",\"kind\":\"mobile\",\"state\":\"down\",\"order\":2,"
	       "\"metered\":true,\"chosen\":false,\"current\":false}]}",
	       "Mobile node: ok: well\n"
	       "\n"
	       "Not attached to any router.\n"
	       "\n"
	       "INTERFACE  KIND    STATE     ORDER  METERED  CHOSEN  CURRENT\n"
	       "eth0       wired   attached      1  no       no      yes\n"
	       "wwan0      mobile  down          2  yes      no      no\n"
	       "\n"
	       "No anchors.\n");
	expect(show_handover, "{\"schema\":1,\"interface\":\"eth0\"}", "flows go over eth0\n");
	expect(show_handover, "{\"schema\":1,\"interface\":null}",
	       "flows will go over the first interface that is attached\n");
}

static void mobile_node(void **state)
{
	(void)state;
	expect(show_status,
	       "{\"schema\":1,\"role\":\"mn\",\"health\":{\"ok\":true,\"text\":\"all is well\"},"
	       "\"attachments\":[{\"interface\":\"wlan0\",\"coa\":\"2001:db8:2:101::1\","
	       "\"router\":\"fe80::1\",\"ha\":null}],\"anchors\":["
	       "{\"name\":\"office\",\"fixed\":true,"
	       "\"prefix\":\"2001:db8:1:101::/64\",\"hoa\":\"2001:db8:1:101::1\","
	       "\"ha\":\"2001:db8:1:100::1\",\"state\":\"bound\",\"coa\":\"2001:db8:2:101::1\","
	       "\"lifetime_s\":600,\"remaining_s\":598,\"flows\":2,\"tx_packets\":1000,"
	       "\"rx_packets\":9},"
	       "{\"name\":null,\"prefix\":\"2001:db8:2:101::/64\",\"hoa\":\"2001:db8:2:101::1\","
	       "\"ha\":\"2001:db8:2:100::1\",\"state\":\"refused\",\"coa\":null,"
	       "\"remaining_s\":0,\"flows\":0,\"tx_packets\":0,\"rx_packets\":0,"
	       "\"reason\":\"status 129\"}],\"counters\":{\"ra\":4,\"drops\":{\"short\":1,\"x\":0}}}",
	       "Mobile node: ok: all is well\n"
	       "\n"
	       "INTERFACE  ADDRESS            ROUTER   HOME AGENT\n"
	       "wlan0      2001:db8:2:101::1  fe80::1  -\n"
	       "\n"
	       "ANCHOR               HOME AGENT         STATE    FLOWS   LEFT   OUT  IN\n"
	       "2001:db8:1:101::/64  2001:db8:1:100::1  bound        2  9m58s  1000   9\n"
	       "  office: 2001:db8:1:101::1 at 2001:db8:2:101::1\n"
	       "2001:db8:2:101::/64  2001:db8:2:100::1  refused      0      -     0   0\n"
	       "  2001:db8:2:101::1\n"
	       "  status 129\n"
	       "\n"
	       "COUNTERS (those that are not zero)\n"
	       "  ra                                       4\n"
	       "  drops.short                              1\n");
}

static void home_agent(void **state)
{
	(void)state;
	expect(show_status,
	       "{\"schema\":1,\"role\":\"ha\",\"health\":{\"ok\":false,\"text\":\"no forwarding\"},"
	       "\"bindings\":[],\"leases\":[{\"prefix\":\"2001:db8:1:101::/64\","
	       "\"mn\":\"02:00:00:00:00:01\",\"interface\":\"ar0\",\"attached\":true},"
	       "{\"prefix\":\"2001:db8:1:102::/64\",\"attached\":false,\"key\":null},"
	       "{\"prefix\":\"2001:db8:1:103::/64\",\"attached\":false,\"key\":{"
	       "\"spi\":16777217,\"mode\":\"certificate\",\"name\":\"mn1\","
	       "\"until\":1700000000}},"
	       "{\"prefix\":\"2001:db8:1:104::/64\",\"attached\":false,\"key\":{"
	       "\"spi\":16777218,\"mode\":\"on-link\",\"name\":\"\"}}],"
	       "\"counters\":{}}",
	       "Home agent: not well: no forwarding\n"
	       "\n"
	       "No bindings.\n"
	       "\n"
	       "LEASE                MN                 INTERFACE  ATTACHED\n"
	       "2001:db8:1:101::/64  02:00:00:00:00:01  ar0        yes\n"
	       "2001:db8:1:102::/64  -                  -          no\n"
	       "2001:db8:1:103::/64  -                  -          no\n"
	       "  key 16777217, certificate mn1\n"
	       "2001:db8:1:104::/64  -                  -          no\n"
	       "  key 16777218, on-link\n");
}

static void what_is_insecure_is_shown(void **state)
{
	(void)state;
	expect(show_status,
	       "{\"role\":\"ha\",\"health\":{\"ok\":false,\"text\":\"no forwarding\"},\"homes\":["
	       "{\"prefix\":\"2001:db8:1::/56\",\"unauthenticated\":false},"
	       "{\"prefix\":\"2001:db8:2::/56\",\"unauthenticated\":true}]}",
	       "Home agent: not well: no forwarding\n"
	       "INSECURE: registrations need no key on 2001:db8:2::/56.\n"
	       "\n"
	       "HOME             MODE  INTERFACE  HOME AGENT  DEPRECATED  ENDS IN\n"
	       "2001:db8:1::/56  -     -          -           -                 -\n"
	       "2001:db8:2::/56  -     -          -           -                 -\n"
	       "\nNo bindings.\n\nNo leases.\n");
}

static void home_links(void **state)
{
	(void)state;
	expect(show_status,
	       "{\"role\":\"ha\",\"health\":{\"ok\":true,\"text\":\"x\"},\"homes\":["
	       "{\"prefix\":\"2001:db8:5:500::/64\",\"address\":\"2001:db8:5:500::1\","
	       "\"mode\":\"shared\",\"interface\":\"lan1\",\"deprecated\":false,"
	       "\"withdrawn_in_s\":null},"
	       "{\"prefix\":\"2001:db8:1::/56\",\"address\":\"2001:db8:1::1\","
	       "\"mode\":\"per-host\",\"interface\":\"\",\"deprecated\":true,"
	       "\"withdrawn_in_s\":7190}]}",
	       "Home agent: ok: x\n"
	       "\n"
	       "HOME                 MODE      INTERFACE  HOME AGENT         DEPRECATED  ENDS IN\n"
	       "2001:db8:5:500::/64  shared    lan1       2001:db8:5:500::1  no                -\n"
	       "2001:db8:1::/56      per-host  -          2001:db8:1::1      yes           1h59m\n"
	       "\nNo bindings.\n\nNo leases.\n");
}

static void what_is_not_listed_is_counted(void **state)
{
	(void)state;
	expect(show_status, "{\"role\":\"ha\",\"health\":{\"ok\":true,\"text\":\"x\"},"
	       "\"bindings\":[],\"leases\":[{\"prefix\":\"2001:db8:1:101::/64\"}],"
	       "\"totals\":{\"bindings\":5,\"leases\":8}}",
	       "Home agent: ok: x\n\n5 bindings, not listed\n\n"
	       "LEASE                MN  INTERFACE  ATTACHED\n"
	       "2001:db8:1:101::/64  -   -          -\n"
	       "  and 7 more, not listed\n");
}

static void how_keys_are_given_out(void **state)
{
	(void)state;
	expect(show_status, "{\"role\":\"ha\",\"health\":{\"ok\":true,\"text\":\"x\"},"
	       "\"bindings\":[],\"leases\":[],\"bootstrap\":{\"modes\":[\"psk\","
	       "\"on-\\u001b[31mlink\"],\"keys\":12}}",
	       "Home agent: ok: x\n"
	       "Keys are given out by psk, on-?[31mlink; 12 are out.\n"
	       "\nNo bindings.\n\nNo leases.\n");
}

static void keys(void **state)
{
	(void)state;
	expect(show_keys, "{\"keys\":[]}", "No keys.\n");
	expect(show_keys, "{\"keys\":[{\"spi\":256,\"from\":\"configuration\","
	       "\"algorithm\":\"hmac-sha-256-128\",\"hosts\":[\"02:00:00:00:00:01\"],"
	       "\"secret\":\"0a0b\"},{\"spi\":17000000,\"from\":\"psk\",\"name\":\"laptop\","
	       "\"prefix\":\"2001:db8:1:101::/64\",\"ha\":\"2001:db8:1:100::1\","
	       "\"remaining_s\":604800,\"algorithm\":\"hmac-sha-256-128\"}],\"unlisted\":3}",
	       "\n"
	       "     SPI  FROM           GOOD FOR             HOME AGENT         NAME     LEFT  "
	       "ALGORITHM\n"
	       "     256  configuration  -                    -                  -           -  "
	       "hmac-sha-256-128\n"
	       "  for 02:00:00:00:00:01\n"
	       "  secret 0a0b\n"
	       "17000000  psk            2001:db8:1:101::/64  2001:db8:1:100::1  laptop  7d00h  "
	       "hmac-sha-256-128\n"
	       "  and 3 more, not listed\n");
}

static void what_ipsec_refused(void **state)
{
	(void)state;
	expect(show_status, "{\"role\":\"ha\",\"health\":{\"ok\":true,\"text\":\"x\"},"
	       "\"bindings\":[],\"leases\":[],\"ipsec\":{\"received\":7,\"no_state\":1,"
	       "\"replayed\":2,\"forged\":3,\"other_address\":4,\"not_protected\":5}}",
	       "Home agent: ok: x\n"
	       "IPsec is required: 7 received; refused by the kernel: 1 without security "
	       "association, 3 forged, 2 replayed, 4 for another address, 5 not protected.\n"
	       "\nNo bindings.\n\nNo leases.\n");
}

static void other_home_agents(void **state)
{
	(void)state;
	expect(show_status,
	       "{\"role\":\"ha\",\"home_agents\":[{\"interface\":\"lan0\",\"linklocal\":\"fe80::2\","
	       "\"addresses\":[\"2001:db8::2\",\"2001:db8::3\"],\"preference\":7,"
	       "\"remaining_s\":60}]}",
	       "Home agent: not well: -\n\nNo bindings.\n\nNo leases.\n\n"
	       "OTHER HOME AGENT  INTERFACE  PREFERENCE   LEFT\n"
	       "fe80::2           lan0                7  1m00s\n"
	       "  2001:db8::2\n"
	       "  2001:db8::3\n");
}

static void times(void **state)
{
	static const struct { int seconds; const char *text; } t[] = {
		{ 1, "1s" }, { 59, "59s" }, { 60, "1m00s" }, { 3599, "59m59s" },
		{ 3600, "1h00m" }, { 90061, "1d01h" },
	};
	char json[256], want[512];

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		int width = strlen(t[i].text) > 4 ? (int)strlen(t[i].text) : 4;

		snprintf(json, sizeof(json), "{\"role\":\"ha\",\"bindings\":[{\"remaining_s\":%d,"
			 "\"hoa\":\"::1\"}]}", t[i].seconds);
		snprintf(want, sizeof(want), "Home agent: not well: -\n\n"
			 "BINDING  MN  STATE  %*s  SEQ  OUT  IN\n"
			 "-        -   -      %*s    -    -   -\n  ::1\n\nNo leases.\n",
			 width, "LEFT", width, t[i].text);
		expect(show_status, json, want);
	}
}

static void flows(void **state)
{
	(void)state;
	expect(show_flows, "{\"schema\":1,\"flows\":[]}", "0 flows, 0 of them through a tunnel.\n");
	expect(show_flows,
	       "{\"flows\":[{\"protocol\":\"tcp\",\"local\":\"2001:db8::1\",\"local_port\":40000,"
	       "\"remote\":\"2001:db8::2\",\"remote_port\":443,\"anchor\":\"2001:db8::/64\","
	       "\"path\":\"tunnel\",\"state\":\"established\",\"holds\":true,\"why\":\"x\","
	       "\"pid\":77,\"process\":\"ssh\"},"
	       "{\"protocol\":\"udp\",\"local\":\"2001:db8::1\",\"local_port\":53,\"remote\":null,"
	       "\"remote_port\":0,\"anchor\":null,\"path\":\"none\"},"
	       "{\"protocol\":\"udp\",\"local\":\"2001:db8::1\",\"local_port\":123,\"remote\":null,"
	       "\"remote_port\":0,\"anchor\":null,\"path\":\"tunnel\",\"state\":\"bound\","
	       "\"holds\":false,\"why\":\"so it is\",\"pid\":null,\"process\":null}],"
	       "\"omitted\":3,\"unlisted\":\"SCTP\"}",
	       "2 flows, 1 of them through a tunnel.\n"
	       "1 without a way; status says why.\n"
	       "3 sockets more are not shown.\n"
	       "The kernel does not list its SCTP sockets.\n"
	       "\n"
	       "PROTO  STATE        PATH    ANCHOR         LOCAL                REMOTE             "
	       "PID  PROCESS\n"
	       "tcp    established  tunnel  2001:db8::/64  [2001:db8::1]:40000  [2001:db8::2]:443  "
	       " 77  ssh\n"
	       "udp    -            none    -              [2001:db8::1]:53     *                  "
	       "  -  -\n"
	       "udp    bound        tunnel  -              [2001:db8::1]:123    *                  "
	       "  -  -\n"
	       "  does not hold its address: so it is\n");
}

static void hostile_text(void **state)
{
	(void)state;
	expect(show_flows, "{\"flows\":[{\"protocol\":\"a\\u001b[31m\\nb\",\"path\":7}]}",
	       "1 flow, 0 of them through a tunnel.\n\n"
	       "PROTO     STATE  PATH  ANCHOR  LOCAL  REMOTE  PID  PROCESS\n"
	       "a?[31m?b  -      -     -       *      *         -  -\n");
}

static void released(void **state)
{
	(void)state;
	expect(show_released,
	       "{\"schema\":1,\"released\":3,\"accepted\":2,\"refused\":0,\"unanswered\":1}",
	       "3 released\n"
	       "  2 acknowledged by the mobile node\n"
	       "  1 without an answer of the mobile node\n");
	expect(show_released, "{\"schema\":1,\"releasing\":7}",
	       "7 to be released; their mobile nodes are being told\n");
}

static void draining(void **state)
{
	(void)state;
	expect(show_drain, "{\"draining\":true,\"bindings\":1,\"remaining_s\":90}",
	       "draining: 1 binding left, 1m30s to go\n");
	expect(show_drain, "{\"draining\":false,\"bindings\":2,\"remaining_s\":null}",
	       "no longer draining\n");
}

static void reloaded(void **state)
{
	(void)state;
	expect(show_reload, "{\"changed\":\"linger, key\"}", "read again; changed: linger, key\n");
	expect(show_reload, "{\"changed\":\"\"}", "read again; nothing has changed\n");
}

static void checks(void **state)
{
	(void)state;
	expect(show_checks,
	       "{\"schema\":1,\"checks\":[{\"name\":\"a\",\"result\":\"ok\",\"found\":\"fine\","
	       "\"follows\":\"\"},{\"name\":\"b\",\"result\":\"fail\",\"found\":\"none\",\"follows\":"
	       "\"This sentence is long enough that it has to go on in a second line, and does.\"}]}",
	       "ok    a: fine\n"
	       "fail  b: none\n"
	       "      This sentence is long enough that it has to go on in a second line, and\n"
	       "      does.\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(mobile_node),
		cmocka_unit_test(interfaces_of_a_mobile_node),
		cmocka_unit_test(home_agent),
		cmocka_unit_test(home_links),
		cmocka_unit_test(what_is_insecure_is_shown),
		cmocka_unit_test(what_is_not_listed_is_counted),
		cmocka_unit_test(what_ipsec_refused),
		cmocka_unit_test(how_keys_are_given_out),
		cmocka_unit_test(keys),
		cmocka_unit_test(other_home_agents),
		cmocka_unit_test(times),
		cmocka_unit_test(flows),
		cmocka_unit_test(hostile_text),
		cmocka_unit_test(released),
		cmocka_unit_test(draining), cmocka_unit_test(reloaded),
		cmocka_unit_test(checks),
	};

	return cmocka_run_group_tests_name("show", tests, NULL, NULL);
}
