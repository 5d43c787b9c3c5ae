/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/sys/diag_proc.c common/sys/file.c common/core/in6.c */
/* Lines of /proc/net/raw6 and icmp6, as kernels 6.1 and 6.18 write them. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/sys/diag_proc.h"

static const char ping[] =
	"   42: B80D0120000100000000000001000000:002A B80D0120000C00000000000001000000:0000 07"
	" 00000000:00000000 00:00000000 00000000  1000        0 31337 2 0000000000000000 0";
static const char heading[] =
	"  sl  local_address                         remote_address                        st"
	" tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops";

/* The words are the host's: made here as the kernel does. */
static void line_of(char *line, size_t room, const char *text, const struct in6_addr *a)
{
	uint32_t w[4];

	memcpy(w, a, sizeof(w));
	assert_true(strlen(text) < room);
	strcpy(line, text);
	for (unsigned int n = 0; n < 4; n++) {
		char digits[9];

		(void)snprintf(digits, sizeof(digits), "%08X", w[n]);
		memcpy(strchr(line, ':') + 2 + 8 * n, digits, 8);
	}
}

static void a_ping_socket(void **state)
{
	struct in6_addr a;
	struct diag_flow f;
	char line[512];

	(void)state;
	assert_int_equal(in6_parse("2001:db8:1::a", &a), 0);
	line_of(line, sizeof(line), ping, &a);
	assert_true(diag_proc_line(line, false, &f));
	assert_true(in6_eq(&f.local, &a));
	assert_int_equal(f.protocol, IPPROTO_ICMPV6);
	assert_int_equal(f.local_port, 0x2a);
	assert_int_equal(f.state, 7);
	assert_int_equal(f.uid, 1000);
	assert_int_equal(f.inode, 31337);
}

static void a_raw_socket(void **state)
{
	struct in6_addr a;
	struct diag_flow f;
	char line[512];

	(void)state;
	assert_int_equal(in6_parse("2001:db8:1::a", &a), 0);
	line_of(line, sizeof(line), ping, &a);
	assert_true(diag_proc_line(line, true, &f));
	assert_int_equal(f.protocol, 0x2a);
	assert_int_equal(f.local_port, 0);
}

static void what_is_none(void **state)
{
	struct diag_flow f = { .state = 99 };
	struct in6_addr a;
	char line[512];

	(void)state;
	assert_false(diag_proc_line(heading, false, &f));
	assert_false(diag_proc_line("", false, &f));
	line_of(line, sizeof(line), ping, &in6addr_any);
	assert_false(diag_proc_line(line, false, &f));
	assert_int_equal(in6_parse("::ffff:192.0.2.1", &a), 0);
	line_of(line, sizeof(line), ping, &a);
	assert_false(diag_proc_line(line, false, &f));
	for (size_t n = 0; n < 120; n++) {
		memcpy(line, ping, n);
		line[n] = '\0';
		assert_false(diag_proc_line(line, false, &f));
	}
	assert_int_equal(f.state, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ping_socket), cmocka_unit_test(a_raw_socket),
		cmocka_unit_test(what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
