/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration: lexer and keyword-table engine. Pure: reads a buffer, not a file.
 *
 *	# comment to the end of the line
 *	keyword argument ... ;
 *	keyword argument ... { statements }
 *
 * A statement ends at ';' or at its block. Words are bare or "quoted". Every error of
 * the text is reported, as "file:line:column: what is wrong; expected what is right",
 * with a suggestion for a misspelt keyword; the caller refuses the whole file if there
 * was one. Keywords are rows of a table, so help, man page test and parser agree.
 */
#ifndef DMIP6_CORE_CONF_H
#define DMIP6_CORE_CONF_H

#include "common/core/in6.h"
#include "common/core/timer.h"

#define CONF_ARGS_MAX	8
#define CONF_WORD_MAX	256

struct conf_word {
	char text[CONF_WORD_MAX];
	unsigned int line, column;	/* from 1 */
};

struct conf;				/* one run of the parser */

struct conf_keyword {
	const char *name;
	const char *args;		/* for people: "ADDRESS", "SPI"; NULL: none */
	unsigned int min_args, max_args;
	/* Takes the arguments; obj is what the enclosing block's `open` returned (the
	 * root object at the top). Reports its own errors by conf_error(). */
	void (*set)(struct conf *c, void *obj, const struct conf_word *kw,
		    const struct conf_word *args, unsigned int n);
	/* A block follows the arguments: its table, and the object for its statements
	 * (NULL after an error that was reported: the block is still checked for syntax). */
	const struct conf_keyword *block;
	void *(*open)(struct conf *c, void *obj, const struct conf_word *kw,
		      const struct conf_word *args, unsigned int n);
	/* After the block's '}': completeness checks. May be NULL. */
	void (*close)(struct conf *c, void *obj, const struct conf_word *kw);
	bool block_optional;		/* ';' stands for an empty block */
	bool once;			/* a second one in the same block is an error */
};				/* a table ends with name == NULL */

/* Called for each error; text is the whole line without newline. */
typedef void conf_report_fn(void *ctx, const char *text);

/* Parses len bytes. Returns the number of errors. name stands in front of messages. */
unsigned int conf_parse(const char *name, const char *text, size_t len,
			const struct conf_keyword *table, void *root,
			conf_report_fn *report, void *ctx);

void conf_error(struct conf *c, const struct conf_word *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Arguments by kind. Each returns true, or reports what was expected and returns false
 * with *ret untouched. */
bool conf_addr(struct conf *c, const struct conf_word *w, struct in6_addr *ret);
bool conf_prefix(struct conf *c, const struct conf_word *w, struct in6_prefix *ret);
bool conf_mac(struct conf *c, const struct conf_word *w, uint8_t ret[6]);
/* A name of letters, digits and "-_.", with its end, into room octets; what: whose, "a flow". */
bool conf_name(struct conf *c, const struct conf_word *w, const char *what, char *ret, size_t room);
bool conf_u32(struct conf *c, const struct conf_word *w, uint32_t min, uint32_t max, uint32_t *ret);
/* "5s", "200ms", "2m", "1h", "7d"; a bare number is refused: units are not guessed. */
bool conf_duration(struct conf *c, const struct conf_word *w, usec_t min, usec_t max, usec_t *ret);
/* The same outside of a file: 0 or -EINVAL. */
int conf_duration_parse(const char *text, usec_t *ret);
bool conf_bool(struct conf *c, const struct conf_word *w, bool *ret);	/* yes, no */
/* Hexadecimal octets, even count, min to max of them. */
bool conf_hex(struct conf *c, const struct conf_word *w, uint8_t *ret, size_t min, size_t max,
	      size_t *ret_len);

/* The nearest of the names in a table (edit distance at most 2), or NULL. */
const char *conf_suggest(const struct conf_keyword *table, const char *word);

#endif
