/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Log: one line per call, no newline at the end of fmt. The sink can be replaced; the
 * default writes "<N>" priorities on stderr under journald, plain text elsewhere.
 */
#ifndef DMIP6_CORE_LOG_H
#define DMIP6_CORE_LOG_H

#include <stdarg.h>
#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

typedef void log_sink_fn(void *ctx, enum log_level level, const char *line);

void log_init(const char *program, enum log_level max);
void log_set_level(enum log_level max);
void log_set_sink(log_sink_fn *fn, void *ctx);	/* NULL: the default again */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Would a line of that level be written? Before what is costly to put into words. */
bool log_enabled(enum log_level level);
void log_debug_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The arguments are not evaluated when nobody will read them. */
#define log_debug(...) \
	(log_enabled(LOG_LEVEL_DEBUG) ? log_debug_line(__VA_ARGS__) : (void)0)

#endif
