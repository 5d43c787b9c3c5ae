/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/sys/file.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/sys/file.h"

static char dir[] = "test_file.XXXXXX";

static int setup(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char cmd[64];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static const char *in_dir(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static unsigned int entries(void)
{
	DIR *d = opendir(dir);
	unsigned int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void test_replace_and_read(void **state)
{
	static char big[20000];
	struct stat st;
	char *text;
	size_t len;

	(void)state;
	assert_int_equal(file_replace(in_dir("a"), "one", 3), 0);
	assert_int_equal(file_replace(in_dir("a"), "second", 6), 0);
	assert_int_equal(file_read(in_dir("a"), 100, &text, &len), 0);
	assert_int_equal(len, 6);
	assert_string_equal(text, "second");
	free(text);
	assert_int_equal(stat(in_dir("a"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(entries(), 1);		/* nothing beside it is left */
	memset(big, 'x', sizeof(big));
	assert_int_equal(file_replace(in_dir("a"), big, sizeof(big)), 0);
	assert_int_equal(file_read(in_dir("a"), sizeof(big), &text, &len), 0);
	assert_int_equal(len, sizeof(big));
	assert_memory_equal(text, big, sizeof(big));
	assert_int_equal(text[len], 0);
	free(text);
	assert_int_equal(file_replace(in_dir("a"), "", 0), 0);
	assert_int_equal(file_read(in_dir("a"), 0, &text, &len), 0);
	assert_int_equal(len, 0);
	free(text);
}

static void test_errors(void **state)
{
	char *text = (char *)0x1;
	size_t len = 77;

	(void)state;
	assert_int_equal(file_read(in_dir("none"), 100, &text, &len), -ENOENT);
	assert_int_equal(file_read(dir, 100, &text, &len), -EISDIR);
	assert_int_equal(file_replace(in_dir("b"), "12345", 5), 0);
	assert_int_equal(file_read(in_dir("b"), 4, &text, &len), -EFBIG);
	assert_ptr_equal(text, (char *)0x1);
	assert_int_equal(len, 77);
	assert_int_equal(file_replace(in_dir("none/b"), "1", 1), -ENOENT);
	assert_int_equal(unlink(in_dir("b")), 0);
}

static void test_make_dir(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(file_make_dir(in_dir("x/y/z")), 0);
	assert_int_equal(file_make_dir(in_dir("x/y/z/")), 0);
	assert_int_equal(stat(in_dir("x/y/z"), &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(file_replace(in_dir("plain"), "1", 1), 0);
	assert_int_equal(file_make_dir(in_dir("plain")), -ENOTDIR);
	assert_int_equal(file_make_dir(in_dir("plain/sub")), -ENOTDIR);
	assert_int_equal(file_make_dir(""), -EINVAL);
}

static void test_public(void **state)
{
	const char *path = in_dir("secret");

	(void)state;
	assert_false(file_is_public(path));
	assert_int_equal(file_replace(path, "x", 1), 0);
	assert_false(file_is_public(path));
	assert_int_equal(chmod(path, 0640), 0);
	assert_false(file_is_public(path));
	assert_int_equal(chmod(path, 0644), 0);
	assert_true(file_is_public(path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replace_and_read),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_make_dir),
		cmocka_unit_test(test_public),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
