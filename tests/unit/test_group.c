/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memberships on behalf of others, as the kernel has them on the loopback device: of a network
 * namespace of its own, for another run of this program would join the same groups.
 */
/* links: common/sys/group.c common/core/hash.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "common/sys/group.h"

static struct in6_addr group(unsigned int n)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, "ff02::1:ff00:0", &a), 1);
	a.s6_addr[13] = 0x77;
	a.s6_addr[14] = (uint8_t)(n >> 8);
	a.s6_addr[15] = (uint8_t)n;
	return a;
}

/* By /proc/net/igmp6: index, name, group, and how often it was joined. */
static unsigned int members(void)
{
	FILE *f = fopen("/proc/net/igmp6", "r");
	unsigned int n = 0;
	char line[256];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		n += strstr(line, "ff0200000000000000000001ff77") != NULL;
	fclose(f);
	return n;
}

static void as_long_as_anybody_wants_it(void **state)
{
	int lo = (int)if_nametoindex("lo");
	struct in6_addr a = group(1), b = group(2);
	struct groups *g;

	(void)state;
	assert_int_equal(groups_new(&g), 0);
	assert_int_equal(groups_join(g, lo, &a), 0);
	assert_int_equal(groups_join(g, lo, &a), 0);
	assert_int_equal(groups_join(g, lo, &b), 0);
	assert_int_equal(members(), 2);
	groups_leave(g, lo, &a);
	assert_int_equal(members(), 2);
	groups_leave(g, lo, &a);
	assert_int_equal(members(), 1);
	groups_leave(g, lo, &a);
	assert_int_equal(groups_join(g, lo, &a), 0);
	assert_int_equal(members(), 2);
	groups_free(g);
	assert_int_equal(members(), 0);
	groups_free(NULL);
}

static void more_than_one_socket_takes(void **state)
{
	struct in6_addr seventh = group(7), ninth = group(9), another = group(5001);
	int lo = (int)if_nametoindex("lo"), err = 0;
	unsigned int n = 0;
	struct groups *g;

	(void)state;
	assert_int_equal(groups_new(&g), 0);
	for (; n < 5000 && err == 0; n += err == 0) {
		struct in6_addr a = group(n);

		err = groups_join(g, lo, &a);
	}
	assert_int_equal(err, -ENOSPC);
	assert_int_equal(members(), 4096);
	/* One that is there already is no further one, and one that goes makes room. */
	assert_int_equal(groups_join(g, lo, &seventh), 0);
	groups_leave(g, lo, &ninth);
	assert_int_equal(groups_join(g, lo, &another), 0);
	groups_free(g);
	assert_int_equal(members(), 0);
}

static unsigned int open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Where many come and go there is an end to sockets, not to those who come. */
static void sockets_that_have_room_again_are_used(void **state)
{
	int lo = (int)if_nametoindex("lo");
	unsigned int before;
	struct groups *g;

	(void)state;
	assert_int_equal(groups_new(&g), 0);
	for (unsigned int n = 0; n < 4096; n++) {
		struct in6_addr a = group(n);

		assert_int_equal(groups_join(g, lo, &a), 0);
	}
	before = open_files();
	for (unsigned int n = 0; n < 3000; n++) {
		struct in6_addr old = group(n), new = group(n + 5000);

		groups_leave(g, lo, &old);
		assert_int_equal(groups_join(g, lo, &new), 0);
	}
	assert_int_equal(open_files(), before);
	groups_free(g);
}

static void no_such_interface(void **state)
{
	struct in6_addr a = group(1);
	struct groups *g;

	(void)state;
	assert_int_equal(groups_new(&g), 0);
	assert_int_equal(groups_join(g, 999999, &a), -ENODEV);
	groups_leave(g, 999999, &a);
	groups_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_long_as_anybody_wants_it),
		cmocka_unit_test(more_than_one_socket_takes),
		cmocka_unit_test(sockets_that_have_room_again_are_used),
		cmocka_unit_test(no_such_interface),
	};

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
		puts("1..0 # SKIP may have no network namespace");
		return 0;
	}
	return cmocka_run_group_tests_name("group", tests, NULL, NULL);
}
