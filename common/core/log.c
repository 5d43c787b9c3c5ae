/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log. Owns the program's name, the level and the sink; set up by main, called from
 * everywhere. Priorities on stderr as sd-daemon(3) and journald read them.
 */
#include "common/core/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_LEN 1024	/* longer lines are cut, and end in "..." */

static const struct {
	const char *priority;	/* syslog(3)'s numbers */
	const char *name;
} levels[] = {
	[LOG_LEVEL_ERROR] = { "<3>", "error: " },
	[LOG_LEVEL_WARN] = { "<4>", "warning: " },
	[LOG_LEVEL_INFO] = { "<6>", "" },
	[LOG_LEVEL_DEBUG] = { "<7>", "debug: " },
};

static const char *program = "dmip6";
static enum log_level max_level = LOG_LEVEL_INFO;
static bool journal;

static void write_stderr(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	if (journal)
		fprintf(stderr, "%s%s\n", levels[level].priority, line);
	else
		fprintf(stderr, "%s: %s%s\n", program, levels[level].name, line);
}

static log_sink_fn *sink = write_stderr;
static void *sink_ctx;

void log_init(const char *name, enum log_level max)
{
	program = name;
	max_level = max;
	journal = getenv("JOURNAL_STREAM") != NULL;
}

void log_set_level(enum log_level max)
{
	max_level = max;
}

void log_set_sink(log_sink_fn *fn, void *ctx)
{
	sink = fn ? fn : write_stderr;
	sink_ctx = ctx;
}

/* One call is one line whatever a peer put into its arguments: no control characters. */
static void clean(char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < 0x20 || c == 0x7f)
			*s = '?';
	}
}

static void log_line(enum log_level level, const char *fmt, va_list ap)
{
	char line[LINE_MAX_LEN];
	int n;

	if (level > max_level)
		return;
	n = vsnprintf(line, sizeof(line), fmt, ap);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(line))
		memcpy(line + sizeof(line) - 4, "...", 4);
	clean(line);
	sink(sink_ctx, level, line);
}

void log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_ERROR, fmt, ap);
	va_end(ap);
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_WARN, fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_INFO, fmt, ap);
	va_end(ap);
}

bool log_enabled(enum log_level level)
{
	return level <= max_level;
}

void log_debug_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_DEBUG, fmt, ap);
	va_end(ap);
}
