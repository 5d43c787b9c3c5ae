/* SPDX-License-Identifier: BSD-2-Clause */
/* The paths of control groups by number, in a tree of common directories. */
/* links: common/sys/cgroup.c, common/core/hash.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/sys/cgroup.h"

static char root[] = "test_cgroup.XXXXXX";

static const char *below(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s%s", root, name);
	return path;
}

static uint64_t make(const char *name)
{
	struct stat st;

	if (name[0] != '\0')
		assert_int_equal(mkdir(below(name), 0700), 0);
	assert_int_equal(stat(below(name), &st), 0);
	return st.st_ino;
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
	char cmd[64];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", root);
	return system(cmd);
}

static void paths(void **state)
{
	uint64_t top = make(""), slice = make("/a.slice"), unit = make("/a.slice/b.service");
	struct cgroups *g = cgroups_open(root);

	(void)state;
	assert_non_null(g);
	assert_string_equal(cgroups_path(g, unit, USEC_S), "/a.slice/b.service");
	assert_string_equal(cgroups_path(g, slice, USEC_S), "/a.slice");
	assert_string_equal(cgroups_path(g, top, USEC_S), "/");
	cgroups_close(g);
}

/* One that has just been made is not found before it is looked for again; one that was missed then
 * is not looked for any more, whatever else is new. */
static void looks(void **state)
{
	uint64_t early = make("/early"), late = 0, later = 0;
	const uint64_t gone = UINT64_MAX;
	struct cgroups *g = cgroups_open(root);

	(void)state;
	assert_non_null(g);
	assert_non_null(cgroups_path(g, early, USEC_S));
	late = make("/late");
	assert_null(cgroups_path(g, late, USEC_S + 99 * USEC_MS));
	assert_string_equal(cgroups_path(g, late, USEC_S + 100 * USEC_MS), "/late");
	assert_null(cgroups_path(g, gone, 2 * USEC_S));
	/* Had it been looked for now, the next one would have to wait. */
	assert_null(cgroups_path(g, gone, 3 * USEC_S));
	later = make("/later");
	assert_string_equal(cgroups_path(g, later, 3 * USEC_S), "/later");
	assert_null(cgroups_path(g, gone, 4 * USEC_S));
	assert_int_equal(rmdir(below("/later")), 0);
	assert_null(cgroups_path(g, gone - 1, 4 * USEC_S));
	assert_null(cgroups_path(g, later, 4 * USEC_S));
	assert_string_equal(cgroups_path(g, late, 4 * USEC_S), "/late");
	cgroups_close(g);
}

static void none(void **state)
{
	struct cgroups *g = cgroups_open("");

	(void)state;
	assert_non_null(g);
	assert_false(cgroups_mounted(g));
	assert_null(cgroups_path(g, 1, USEC_S));
	cgroups_close(g);
	cgroups_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths),
		cmocka_unit_test(looks),
		cmocka_unit_test(none),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
