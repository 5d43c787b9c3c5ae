/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/core/log.c */
/* The log: levels, one line per call whatever is in it, and what stderr gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/core/log.h"

static char last[4096];
static enum log_level last_level;
static unsigned int lines;

static void keep(void *ctx, enum log_level level, const char *line)
{
	assert_ptr_equal(ctx, &lines);
	snprintf(last, sizeof(last), "%s", line);
	last_level = level;
	lines++;
}

static void levels(void **state)
{
	(void)state;
	log_init("prog", LOG_LEVEL_INFO);
	log_set_sink(keep, &lines);
	lines = 0;
	log_error("e %d", 1);
	assert_int_equal(last_level, LOG_LEVEL_ERROR);
	assert_string_equal(last, "e 1");
	log_warn("w");
	assert_int_equal(last_level, LOG_LEVEL_WARN);
	log_info("i");
	assert_int_equal(last_level, LOG_LEVEL_INFO);
	log_debug("d");
	assert_int_equal(lines, 3);
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("d");
	assert_int_equal(lines, 4);
	log_set_level(LOG_LEVEL_ERROR);
	log_warn("w");
	assert_int_equal(lines, 4);
	log_set_sink(NULL, NULL);
}

static void hostile_text(void **state)
{
	char longer[3000];

	(void)state;
	log_init("prog", LOG_LEVEL_INFO);
	log_set_sink(keep, &lines);
	log_info("%s", "a\nb\rc\x1b[31md\te\x7f" "f\x01 \xc3\xa4");
	assert_string_equal(last, "a?b?c?[31md?e?f? \xc3\xa4");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	log_info("%s", longer);
	assert_int_equal(strlen(last), 1023);
	assert_string_equal(last + 1018, "xx...");
	log_set_sink(NULL, NULL);
}

/* What one line looks like on stderr. */
static void on_stderr(const char *journal, char *ret, size_t len)
{
	int fds[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	assert_int_equal(pipe(fds), 0);
	assert_int_not_equal(saved, -1);
	if (journal)
		setenv("JOURNAL_STREAM", journal, 1);
	else
		unsetenv("JOURNAL_STREAM");
	log_init("prog", LOG_LEVEL_DEBUG);
	assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	log_error("bad %s", "news");
	log_info("plain");
	log_debug("small");
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	n = read(fds[0], ret, len - 1);
	assert_true(n > 0);
	ret[n] = '\0';
	close(saved);
	close(fds[0]);
	close(fds[1]);
}

static void default_sink(void **state)
{
	char text[256];

	(void)state;
	on_stderr("8:1234", text, sizeof(text));
	assert_string_equal(text, "<3>bad news\n<6>plain\n<7>small\n");
	on_stderr(NULL, text, sizeof(text));
	assert_string_equal(text, "prog: error: bad news\nprog: plain\nprog: debug: small\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels),
		cmocka_unit_test(hostile_text),
		cmocka_unit_test(default_sink),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
