/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration: lexer and keyword-table engine. Owns nothing but one run's state on the
 * stack; called by the daemons' conf.c, which hold the keyword tables and the objects.
 * After an error the parser goes on at the next ';' or '}', so one run reports them all.
 */
#include "common/core/conf.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX	8	/* blocks in blocks */
#define ERRORS_MAX	100	/* a file that is no configuration at all is given up there */
#define KEYWORDS_MAX	64	/* in one table, as far as `once` is watched */
#define MESSAGE_MAX	1024
#define SUGGEST_MAX	32	/* longest keyword that is compared */
#define SUGGEST_DISTANCE 2

enum token_kind { TOKEN_WORD, TOKEN_SEMICOLON, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_END };

struct token {
	enum token_kind kind;
	struct conf_word word;	/* for the others only the place */
	bool quoted;
	bool bad;		/* an error in it, or in what stood before it, was reported */
	bool cut_off;		/* its quote was never closed: the statement ends here */
};

struct conf {
	const char *name;
	const char *text;
	size_t len, pos;
	unsigned int line, column;
	struct conf_word end;		/* where the last token ended; for a missing ';' */
	struct token token;
	bool pushed;			/* token is to be read again */
	bool given_up;
	unsigned int errors;
	conf_report_fn *report;
	void *ctx;
};

/* One statement while it is read. */
struct statement {
	struct conf_word kw;
	struct conf_word args[CONF_ARGS_MAX];
	unsigned int n;
	bool bad;
	enum token_kind end;		/* TOKEN_OPEN: a block follows */
};

/* ------------------------------------------------------------------ messages */

static void report_at(struct conf *c, unsigned int line, unsigned int column, const char *fmt,
		      va_list ap)
{
	char msg[MESSAGE_MAX];
	int n;

	if (c->given_up)
		return;
	c->errors++;
	n = snprintf(msg, sizeof(msg), "%s:%u:%u: ", c->name, line, column);
	if (n < 0)
		return;
	if (c->errors > ERRORS_MAX) {
		c->given_up = true;
		if ((size_t)n < sizeof(msg))
			snprintf(msg + n, sizeof(msg) - (size_t)n,
				 "more than %d errors; expected a configuration file", ERRORS_MAX);
	} else if ((size_t)n < sizeof(msg)) {
		vsnprintf(msg + n, sizeof(msg) - (size_t)n, fmt, ap);
	}
	c->report(c->ctx, msg);
}

void conf_error(struct conf *c, const struct conf_word *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_at(c, at->line, at->column, fmt, ap);
	va_end(ap);
}

/* ------------------------------------------------------------------ lexer */

static int peek(const struct conf *c)
{
	return c->pos < c->len ? (unsigned char)c->text[c->pos] : -1;
}

static void step(struct conf *c)
{
	unsigned char ch = (unsigned char)c->text[c->pos++];

	if (ch == '\n') {
		c->line++;
		c->column = 1;
	} else if ((ch & 0xc0) != 0x80) {	/* a UTF-8 character is one column */
		c->column++;
	}
}

static bool is_space(int ch)
{
	return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r';
}

static bool is_control(int ch)
{
	return ch >= 0 && (ch < 0x20 || ch == 0x7f);
}

static struct conf_word here(const struct conf *c)
{
	struct conf_word w;

	w.text[0] = '\0';
	w.line = c->line;
	w.column = c->column;
	return w;
}

static void reject_control(struct conf *c, struct token *t)
{
	struct conf_word at = here(c);

	conf_error(c, &at, "control character 0x%02x; expected text", (unsigned int)peek(c));
	t->bad = true;
	step(c);
}

static void skip_blank(struct conf *c, struct token *t)
{
	bool comment = false;

	for (int ch = peek(c); ch >= 0; ch = peek(c)) {
		if (is_control(ch) && !is_space(ch)) {
			reject_control(c, t);
			continue;
		}
		if (ch == '#')
			comment = true;
		else if (ch == '\n')
			comment = false;
		else if (!comment && !is_space(ch))
			return;
		step(c);
	}
}

static void append(struct conf *c, struct token *t, size_t *n)
{
	if (*n + 1 < CONF_WORD_MAX) {
		t->word.text[(*n)++] = c->text[c->pos];
	} else if (*n + 1 == CONF_WORD_MAX) {
		conf_error(c, &t->word, "word too long; expected at most %d characters",
			   CONF_WORD_MAX - 1);
		t->bad = true;
		++*n;
	}
	step(c);
}

static void finish(struct token *t, size_t n)
{
	t->word.text[n < CONF_WORD_MAX ? n : CONF_WORD_MAX - 1] = '\0';
}

static bool ends_bare(int ch)	/* a NUL too: skip_blank() reports it */
{
	return ch < 0 || is_space(ch) || strchr(";{}#\"", ch) != NULL;
}

static void lex_bare(struct conf *c, struct token *t)
{
	size_t n = 0;

	while (!ends_bare(peek(c))) {
		if (is_control(peek(c)))
			reject_control(c, t);
		else
			append(c, t, &n);
	}
	finish(t, n);
	if (peek(c) == '"') {
		struct conf_word at = here(c);

		conf_error(c, &at, "'\"' inside a word; expected a space before it");
		t->bad = true;
	}
}

static void lex_quoted(struct conf *c, struct token *t)
{
	size_t n = 0;
	int ch;

	t->quoted = true;
	step(c);
	for (ch = peek(c); ch >= 0 && ch != '\n' && ch != '"'; ch = peek(c)) {
		if (is_control(ch)) {
			reject_control(c, t);
			continue;
		}
		if (ch == '\\' && c->pos + 1 < c->len &&
		    (c->text[c->pos + 1] == '"' || c->text[c->pos + 1] == '\\'))
			step(c);
		append(c, t, &n);
	}
	finish(t, n);
	if (ch != '"') {
		conf_error(c, &t->word, "unclosed quote; expected '\"' before the end of the line");
		t->bad = t->cut_off = true;
		return;
	}
	step(c);
	if (!ends_bare(peek(c)) || peek(c) == '"') {
		struct conf_word at = here(c);

		conf_error(c, &at, "text right behind a quote; expected a space or ';'");
		t->bad = true;
	}
}

/* The next token; it stays valid until the next call. */
static struct token *next_token(struct conf *c)
{
	struct token *t = &c->token;
	int ch;

	if (c->pushed) {
		c->pushed = false;
		return t;
	}
	c->end = here(c);
	t->quoted = t->bad = t->cut_off = false;
	skip_blank(c, t);
	t->word = here(c);
	ch = c->given_up ? -1 : peek(c);
	if (ch == ';' || ch == '{' || ch == '}') {
		t->kind = ch == ';' ? TOKEN_SEMICOLON : ch == '{' ? TOKEN_OPEN : TOKEN_CLOSE;
		step(c);
	} else if (ch < 0) {
		t->kind = TOKEN_END;
	} else {
		t->kind = TOKEN_WORD;
		if (ch == '"')
			lex_quoted(c, t);
		else
			lex_bare(c, t);
	}
	return t;
}

static void push_back(struct conf *c)
{
	c->pushed = true;
}

/* ------------------------------------------------------------------ keywords */

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

/* Optimal string alignment: inserted, left out, wrong, or two letters in each other's place. */
static unsigned int distance(const char *a, size_t la, const char *b, size_t lb)
{
	unsigned int d[SUGGEST_MAX + 1][SUGGEST_MAX + 1];

	for (size_t i = 0; i <= la; i++)
		d[i][0] = (unsigned int)i;
	for (size_t j = 0; j <= lb; j++)
		d[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= la; i++) {
		for (size_t j = 1; j <= lb; j++) {
			d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1,
				       d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[la][lb];
}

const char *conf_suggest(const struct conf_keyword *table, const char *word)
{
	const char *best = NULL;
	unsigned int best_d = SUGGEST_DISTANCE + 1;
	size_t len = strlen(word);

	if (len > SUGGEST_MAX)
		return NULL;
	for (; table->name; table++) {
		size_t n = strlen(table->name);
		unsigned int d;

		if (n > SUGGEST_MAX)
			continue;
		d = distance(word, len, table->name, n);
		/* Every word of two letters is near every other one: no suggestion. */
		if (d < best_d && d < len) {
			best = table->name;
			best_d = d;
		}
	}
	return best;
}

static const struct conf_keyword *find(const struct conf_keyword *table, const char *word)
{
	for (; table->name; table++) {
		if (strcmp(table->name, word) == 0)
			return table;
	}
	return NULL;
}

static void unknown_keyword(struct conf *c, const struct conf_keyword *table,
			    const struct conf_word *kw)
{
	const char *near = conf_suggest(table, kw->text);
	char names[512] = "";
	size_t n = 0;

	if (near) {
		conf_error(c, kw, "unknown keyword \"%s\"; did you mean \"%s\"?", kw->text, near);
		return;
	}
	for (; table->name && n < sizeof(names); table++)
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", n ? ", " : "",
				      table->name);
	conf_error(c, kw, "unknown keyword \"%s\"; expected one of %s", kw->text, names);
}

static bool needs_block(const struct conf_keyword *k)
{
	return k->block && !k->block_optional;
}

/* What a statement of this keyword looks like, for "expected". */
struct form { char s[160]; };

static struct form form(const struct conf_keyword *k)
{
	struct form f;

	snprintf(f.s, sizeof(f.s), "\"%s%s%s%s\"", k->name, k->args ? " " : "",
		 k->args ? k->args : "", needs_block(k) ? " { ... }" : ";");
	return f;
}

/* ------------------------------------------------------------------ statements */

/* Reads the arguments up to what ends the statement. A word on a new line that can only
 * be the next statement's keyword ends this one too: its ';' was forgotten. */
static void read_statement(struct conf *c, const struct conf_keyword *table,
			   const struct conf_keyword *k, struct statement *s)
{
	unsigned int max = k && k->max_args < CONF_ARGS_MAX ? k->max_args : CONF_ARGS_MAX;
	unsigned int line = s->kw.line;

	for (;;) {
		struct token *t = next_token(c);

		s->end = t->kind;
		if (t->kind != TOKEN_WORD) {
			s->bad |= t->bad && t->kind != TOKEN_END;
			if (t->kind == TOKEN_CLOSE || t->kind == TOKEN_END)
				push_back(c);
			return;
		}
		if (t->word.line != line && !t->quoted && find(table, t->word.text)) {
			push_back(c);
			return;
		}
		s->bad |= t->bad;
		if (t->cut_off) {
			s->end = TOKEN_SEMICOLON;
			return;
		}
		line = t->word.line;
		if (s->n < max) {
			s->args[s->n++] = t->word;
		} else if (k && !s->bad) {
			conf_error(c, &t->word, "too many arguments; expected %s", form(k).s);
			s->bad = true;
		}
	}
}

/* Reads on behind a '{' to its '}': what is in there belongs to nothing known. */
static void skip_block(struct conf *c)
{
	struct conf_word open = c->token.word;
	unsigned int depth = 1;

	while (depth) {
		switch (next_token(c)->kind) {
		case TOKEN_OPEN:
			depth++;
			break;
		case TOKEN_CLOSE:
			depth--;
			break;
		case TOKEN_END:
			conf_error(c, &open, "unclosed block; expected '}'");
			return;
		case TOKEN_WORD:
		case TOKEN_SEMICOLON:
			break;
		}
	}
}

/* The statement's end against what the keyword wants. True if its block is to be read. */
static bool check_end(struct conf *c, const struct conf_keyword *k, struct statement *s)
{
	struct conf_word end = c->end;

	switch (s->end) {
	case TOKEN_OPEN:
		if (k->block)
			return true;
		conf_error(c, &c->token.word, "\"%s\" takes no block; expected %s", k->name, form(k).s);
		s->bad = true;
		skip_block(c);
		return false;
	case TOKEN_SEMICOLON:
		if (needs_block(k) && !s->bad)
			conf_error(c, &c->token.word, "\"%s\" without its block; expected %s",
				   k->name, form(k).s);
		s->bad |= needs_block(k);
		return false;
	case TOKEN_WORD:
	case TOKEN_CLOSE:
	case TOKEN_END:
		if (s->bad)
			return false;
		if (needs_block(k)) {
			conf_error(c, &end, "missing block; expected %s", form(k).s);
			s->bad = true;
		} else {
			conf_error(c, &end, "missing ';'; expected %s", form(k).s);
		}
		return false;
	}
	return false;
}

static void check_once(struct conf *c, const struct conf_keyword *table,
		       const struct conf_keyword *k, const struct conf_word *kw,
		       unsigned int *first)
{
	size_t i = (size_t)(k - table);

	if (!k->once || i >= KEYWORDS_MAX)
		return;
	if (first[i])
		conf_error(c, kw, "\"%s\" a second time; expected it once (first in line %u)",
			   k->name, first[i]);
	else
		first[i] = kw->line;
}

static void parse_block(struct conf *c, const struct conf_keyword *table, void *obj, bool live,
			const struct conf_word *opener, unsigned int depth);

static void parse_inner(struct conf *c, const struct conf_keyword *k, void *obj, bool live,
			const struct statement *s, unsigned int depth)
{
	void *inner = obj;
	unsigned int before;

	if (depth == DEPTH_MAX) {
		conf_error(c, &s->kw, "blocks too deep; expected at most %d in each other", DEPTH_MAX);
		skip_block(c);
		return;
	}
	live = live && !s->bad;
	if (live && k->open) {
		inner = k->open(c, obj, &s->kw, s->args, s->n);
		live = inner != NULL;
	}
	before = c->errors;
	if (s->end == TOKEN_OPEN)
		parse_block(c, k->block, inner, live, &s->kw, depth + 1);
	/* Completeness is worth a word only where nothing was left out by an error. */
	if (live && k->close && c->errors == before)
		k->close(c, inner, &s->kw);
}

/* live: there is an object for what is read; otherwise only the form is checked. */
static void carry_out(struct conf *c, const struct conf_keyword *k, void *obj, bool live,
		      struct statement *s, unsigned int depth)
{
	if (!s->bad && s->n < k->min_args) {
		conf_error(c, &s->kw, "too few arguments; expected %s", form(k).s);
		s->bad = true;
	}
	if (check_end(c, k, s) || k->block_optional)
		parse_inner(c, k, obj, live, s, depth);
	else if (live && !s->bad && k->set)
		k->set(c, obj, &s->kw, s->args, s->n);
}

static void parse_statement(struct conf *c, const struct conf_keyword *table, void *obj, bool live,
			    unsigned int *first, unsigned int depth)
{
	struct statement s = { .kw = c->token.word, .n = 0, .bad = c->token.bad };
	const struct conf_keyword *k = find(table, s.kw.text);

	if (c->token.cut_off)
		return;
	if (!k && !s.bad)
		unknown_keyword(c, table, &s.kw);
	read_statement(c, table, k, &s);
	if (k) {
		check_once(c, table, k, &s.kw, first);
		carry_out(c, k, obj, live, &s, depth);
	} else if (s.end == TOKEN_OPEN) {
		skip_block(c);
	}
	explicit_bzero(&s, sizeof(s));		/* it may be a secret */
}

static void parse_block(struct conf *c, const struct conf_keyword *table, void *obj, bool live,
			const struct conf_word *opener, unsigned int depth)
{
	unsigned int first[KEYWORDS_MAX] = { 0 };

	for (;;) {
		struct token *t = next_token(c);

		switch (t->kind) {
		case TOKEN_WORD:
			parse_statement(c, table, obj, live, first, depth);
			break;
		case TOKEN_SEMICOLON:
			if (!t->bad)
				conf_error(c, &t->word, "';' behind nothing; expected a keyword");
			break;
		case TOKEN_OPEN:
			conf_error(c, &t->word, "'{' behind nothing; expected a keyword");
			skip_block(c);
			break;
		case TOKEN_CLOSE:
			if (opener)
				return;
			conf_error(c, &t->word, "'}' without a '{'; expected a keyword");
			break;
		case TOKEN_END:
			if (opener)
				conf_error(c, opener, "unclosed block of \"%s\"; expected '}'",
					   opener->text);
			push_back(c);
			return;
		}
	}
}

unsigned int conf_parse(const char *name, const char *text, size_t len,
			const struct conf_keyword *table, void *root,
			conf_report_fn *report, void *ctx)
{
	struct conf c = {
		.name = name, .text = text, .len = len, .line = 1, .column = 1,
		.report = report, .ctx = ctx,
	};
	unsigned int errors;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		c.pos = 3;	/* a byte order mark, as some editors write it */
	parse_block(&c, table, root, true, NULL, 0);
	errors = c.errors;
	explicit_bzero(&c, sizeof(c));		/* its last words may be a secret */
	return errors;
}

/* ------------------------------------------------------------------ arguments */

bool conf_addr(struct conf *c, const struct conf_word *w, struct in6_addr *ret)
{
	if (in6_parse(w->text, ret) == 0)
		return true;
	conf_error(c, w, "\"%s\" is no IPv6 address; expected one such as 2001:db8::1", w->text);
	return false;
}

/* A well-formed prefix but for bits that are set behind its length? Then without them. */
static bool has_host_bits(const char *word, struct in6_prefix *ret)
{
	char text[CONF_WORD_MAX];
	struct in6_prefix p;
	unsigned int len;
	char *slash, rest;

	snprintf(text, sizeof(text), "%s", word);
	slash = strchr(text, '/');
	if (!slash || sscanf(slash + 1, "%3u%c", &len, &rest) != 1 || len > 128)
		return false;
	*slash = '\0';
	if (in6_parse(text, &p.addr) < 0)
		return false;
	p.len = (uint8_t)len;
	*ret = p;
	in6_mask(&ret->addr, p.len);
	return !in6_prefix_eq(&p, ret);
}

bool conf_prefix(struct conf *c, const struct conf_word *w, struct in6_prefix *ret)
{
	struct in6_prefix masked;

	if (in6_prefix_parse(w->text, ret) == 0)
		return true;
	if (has_host_bits(w->text, &masked))
		conf_error(c, w, "\"%s\" has bits set behind its length; expected %s", w->text,
			   in6_prefix_str(&masked).s);
	else
		conf_error(c, w, "\"%s\" is no IPv6 prefix; expected one such as "
			   "2001:db8:1:100::/56", w->text);
	return false;
}

bool conf_mac(struct conf *c, const struct conf_word *w, uint8_t ret[6])
{
	if (mac_parse(w->text, ret) == 0)
		return true;
	conf_error(c, w, "\"%s\" is no MAC address; expected one such as 02:00:5e:10:00:01",
		   w->text);
	return false;
}

bool conf_name(struct conf *c, const struct conf_word *w, const char *what, char *ret, size_t room)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";
	size_t len = strlen(w->text);

	if (len > 0 && len < room && strspn(w->text, allowed) == len) {
		memcpy(ret, w->text, len + 1);
		return true;
	}
	conf_error(c, w, "\"%s\" is no name of %s; expected 1 to %zu letters, digits and \"-_.\"",
		   w->text, what, room - 1);
	return false;
}

/* The digits at the front of s. Returns what follows them; NULL: none, or too many. */
static const char *number(const char *s, uint64_t *ret)
{
	uint64_t v = 0;
	size_t n;

	for (n = 0; s[n] >= '0' && s[n] <= '9'; n++) {
		if (n == 12)
			return NULL;
		v = v * 10 + (uint64_t)(s[n] - '0');
	}
	if (!n)
		return NULL;
	*ret = v;
	return s + n;
}

bool conf_u32(struct conf *c, const struct conf_word *w, uint32_t min, uint32_t max, uint32_t *ret)
{
	uint64_t v;
	const char *end = number(w->text, &v);

	if (end && !*end && v >= min && v <= max) {
		*ret = (uint32_t)v;
		return true;
	}
	if (end && !*end)
		conf_error(c, w, "%s is out of range; expected %u to %u", w->text, min, max);
	else
		conf_error(c, w, "\"%s\" is no number; expected %u to %u", w->text, min, max);
	return false;
}

static const struct { const char *name; usec_t usec; } units[] = {
	{ "d", 86400 * USEC_S },
	{ "h", 3600 * USEC_S },
	{ "m", 60 * USEC_S },
	{ "s", USEC_S },
	{ "ms", USEC_MS },
};

#define UNITS (sizeof(units) / sizeof(units[0]))

struct duration { char s[32]; };

/* In the largest unit that leaves no rest. */
static struct duration duration(usec_t t)
{
	struct duration d;
	size_t i = 0;

	while (i + 1 < UNITS && (t < units[i].usec || t % units[i].usec))
		i++;
	snprintf(d.s, sizeof(d.s), "%lld%s", (long long)(t / units[i].usec), units[i].name);
	return d;
}

bool conf_duration(struct conf *c, const struct conf_word *w, usec_t min, usec_t max, usec_t *ret)
{
	uint64_t v;
	const char *end = number(w->text, &v);

	if (end && !*end) {
		conf_error(c, w, "\"%s\" has no unit; expected a time such as %s (ms, s, m, h, d)",
			   w->text, duration(min > 0 ? min : USEC_S).s);
		return false;
	}
	for (size_t i = 0; end && i < UNITS; i++) {
		if (strcmp(end, units[i].name) != 0)
			continue;
		/* 12 digits of days do not fit into the clock; no configured time is so long. */
		if (v <= (uint64_t)(max / units[i].usec) && (usec_t)v * units[i].usec >= min) {
			*ret = (usec_t)v * units[i].usec;
			return true;
		}
		conf_error(c, w, "%s is out of range; expected %s to %s", w->text,
			   duration(min).s, duration(max).s);
		return false;
	}
	conf_error(c, w, "\"%s\" is no time; expected %s to %s", w->text, duration(min).s,
		   duration(max).s);
	return false;
}

int conf_duration_parse(const char *text, usec_t *ret)
{
	uint64_t v;
	const char *end = number(text, &v);

	for (size_t i = 0; end && i < UNITS; i++) {
		if (strcmp(end, units[i].name) != 0 || v > (uint64_t)(USEC_NEVER / units[i].usec))
			continue;
		*ret = (usec_t)v * units[i].usec;
		return 0;
	}
	return -EINVAL;
}

bool conf_bool(struct conf *c, const struct conf_word *w, bool *ret)
{
	if (strcmp(w->text, "yes") != 0 && strcmp(w->text, "no") != 0) {
		conf_error(c, w, "\"%s\" is neither; expected yes or no", w->text);
		return false;
	}
	*ret = w->text[0] == 'y';
	return true;
}

/* Its messages do not repeat the word: it may be a secret, and errors are logged. */
bool conf_hex(struct conf *c, const struct conf_word *w, uint8_t *ret, size_t min, size_t max,
	      size_t *ret_len)
{
	uint8_t octets[CONF_WORD_MAX / 2];
	size_t n = strlen(w->text);
	bool right;

	for (size_t i = 0; i < n; i++) {
		int ch = tolower((unsigned char)w->text[i]);
		int v = ch <= '9' ? ch - '0' : ch - 'a' + 10;

		if (!isxdigit(ch)) {
			explicit_bzero(octets, sizeof(octets));
			conf_error(c, w, "no hexadecimal digit at place %zu; expected 0-9, a-f", i + 1);
			return false;
		}
		octets[i / 2] = (uint8_t)(i % 2 ? octets[i / 2] << 4 | v : v);
	}
	right = n % 2 == 0 && n / 2 >= min && n / 2 <= max;
	if (right) {
		memcpy(ret, octets, n / 2);
		*ret_len = n / 2;
	} else {
		conf_error(c, w, "%zu hexadecimal digits; expected %zu to %zu, an even number",
			   n, 2 * min, 2 * max);
	}
	explicit_bzero(octets, sizeof(octets));
	return right;
}
