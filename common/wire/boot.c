/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The messages of bootstrapping, octets to structures and back. Owns nothing; called by the
 * home agent's key server and the mobile node's key client, for what came out of TLS. RFC 6618
 * 5.1, 5.2, 5.5 to 5.7; the grammar is that of RFC 2616 section 2.
 *
 * A message is a list of lines "name:value". First they are found, then those are read that go
 * with the message; so a name that we do not know cannot spoil anything, and one that we know
 * cannot come twice.
 */
#include "common/wire/boot.h"

#include <errno.h>
#include <string.h>

#define SECONDS_A_DAY	86400
#define YEAR_MAX	9999		/* four digits (RFC 2616 3.3.1) */
#define WORDS		8		/* of an address in text (RFC 6618 5.7) */

static const char *const mode_names[BOOT_MODE_MAX] = {
	[BOOT_CERTIFICATE] = "certificate",
	[BOOT_PSK] = "psk",
	[BOOT_ON_LINK] = "on-link",
};

static const struct { const char *name, *text; } errs[BOOT_ERR_MAX] = {
	[BOOT_ERR_NONE] = { "none", "no error" },
	[BOOT_ERR_MORE] = { "more", "the message is not whole" },
	[BOOT_ERR_VERSION] = { "version", "version and reserved bits of the message are not 0" },
	[BOOT_ERR_ID] = { "identifier", "the identifier of the message is 0, not 1 to 255" },
	[BOOT_ERR_LENGTH] = { "length", "the message is empty, too long, or longer than it says" },
	[BOOT_ERR_SYNTAX] = { "syntax", "a line is no \"name:value\", or the empty one at the end is missing" },
	[BOOT_ERR_DUPLICATE] = { "duplicate", "a parameter comes twice" },
	[BOOT_ERR_MISSING] = { "missing", "a parameter that has to be there is missing" },
	[BOOT_ERR_VALUE] = { "value", "the value of a parameter cannot be" },
	[BOOT_ERR_UNSUPPORTED] = { "unsupported", "the algorithm or the scope is none that we have" },
};

enum header {
	MN_ID, AUTH_METHOD, HOA, SAS, STATUS, SPI, INTEGRITY, VALIDITY_END, LIFETIME, HNP, HAA,
	RETRY_AT, RETRY_AFTER, REASON, HEADER_MAX
};

static const char *const headers[HEADER_MAX] = {
	[MN_ID] = "mn-id",
	[AUTH_METHOD] = "auth-method",
	[HOA] = "mip6-ip6-hoa",
	[SAS] = "mip6-sas",
	[STATUS] = "status-code",
	[SPI] = "mip6-spi",
	[INTEGRITY] = "dmip6-integrity",
	[VALIDITY_END] = "mip6-sa-validity-end",
	[LIFETIME] = "dmip6-sa-lifetime",
	[HNP] = "mip6-ip6-hnp",
	[HAA] = "mip6-haa-ip6",
	[RETRY_AT] = "retry-after",
	[RETRY_AFTER] = "dmip6-retry-after",
	[REASON] = "dmip6-reason",
};

static const char integrity[] = "hmac-sha-256-128";
static const char scope[] = "0";	/* RFC 6618 5.6.4: signalling only */

const char *boot_mode_name(enum boot_mode m)
{
	return m < BOOT_MODE_MAX ? mode_names[m] : "?";
}

const char *boot_err_name(enum boot_err e)
{
	return e < BOOT_ERR_MAX ? errs[e].name : "?";
}

const char *boot_err_text(enum boot_err e)
{
	return e < BOOT_ERR_MAX ? errs[e].text : "?";
}

bool boot_modes_have(const struct boot_modes *s, enum boot_mode m)
{
	for (unsigned int i = 0; i < s->n && i < BOOT_MODE_MAX; i++) {
		if (s->mode[i] == m)
			return true;
	}
	return false;
}

/* ---- characters; none of them asks for a locale ---- */

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static bool blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool printable(uint8_t c)
{
	return c >= 0x20 && c < 0x7f;
}

/* RFC 2616 2.2: TEXT is anything but control characters. */
static bool text(uint8_t c)
{
	return (c >= 0x20 && c != 0x7f) || c == '\t';
}

static bool token(uint8_t c)
{
	return printable(c) && c != ' ' && !strchr("()<>@,;:\\\"/[]?={}", c);
}

/* Is the rest of v this word, in any case? v stays where it is. */
static bool is_word(struct rbuf v, const char *word)
{
	for (; *word; word++) {
		if (rb_left(&v) == 0 || lower(rb_u8(&v)) != lower((uint8_t)*word))
			return false;
	}
	return rb_left(&v) == 0;
}

/* Steps over this word, in any case. */
static bool skip_word(struct rbuf *v, const char *word)
{
	size_t n = strlen(word);
	struct rbuf w = rb_sub(v, n);

	return is_word(w, word) && !v->err;
}

int boot_mode_parse(const char *name, size_t len, enum boot_mode *ret)
{
	struct rbuf v;

	rb_init(&v, name, len);
	for (unsigned int i = 0; i < BOOT_MODE_MAX; i++) {
		if (is_word(v, mode_names[i])) {
			*ret = (enum boot_mode)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* ---- lines ---- */

/* Carves the next line, without its CRLF, into a cursor of its own. */
static bool take_line(struct rbuf *r, struct rbuf *ret)
{
	struct rbuf probe = *r;
	size_t n = 0;
	uint8_t c = 0;

	while (rb_left(&probe) > 0) {
		c = rb_u8(&probe);
		if (c == '\r')
			break;
		if (!text(c))
			return false;
		n++;
	}
	if (c != '\r' || rb_u8(&probe) != '\n')
		return false;
	*ret = rb_sub(r, n);
	rb_skip(r, 2);
	return true;
}

/* Without blanks at both ends (RFC 2616 4.2). */
static struct rbuf trimmed(struct rbuf v)
{
	struct rbuf probe;
	size_t len = 0, n = 0;

	while (rb_left(&v) > 0) {
		probe = v;
		if (!blank(rb_u8(&probe)))
			break;
		rb_skip(&v, 1);
	}
	for (probe = v; rb_left(&probe) > 0; ) {
		n++;
		if (!blank(rb_u8(&probe)))
			len = n;
	}
	return rb_sub(&v, len);
}

/* A line is a name, a colon without a blank before it, and a value. RFC 2616 2.2 lets a value
 * go on in the next line: nobody needs that, and two readers may see two things in it. */
static bool split(struct rbuf line, struct rbuf *ret_name, struct rbuf *ret_value)
{
	struct rbuf probe = line;
	size_t n = 0;
	uint8_t c = 0;

	while (rb_left(&probe) > 0) {
		c = rb_u8(&probe);
		if (!token(c))
			break;
		n++;
	}
	if (n == 0 || c != ':')
		return false;
	*ret_name = rb_sub(&line, n);
	rb_skip(&line, 1);
	*ret_value = trimmed(line);
	return true;
}

struct value {
	bool there;
	struct rbuf v;
};

static enum boot_err note(struct value values[HEADER_MAX], struct rbuf name, struct rbuf v)
{
	for (unsigned int i = 0; i < HEADER_MAX; i++) {
		if (!is_word(name, headers[i]))
			continue;
		if (values[i].there)
			return BOOT_ERR_DUPLICATE;
		values[i] = (struct value){ true, v };
	}
	return BOOT_ERR_NONE;
}

/* Finds the headers of the content, which begins where r stands. */
static enum boot_err scan(struct rbuf *r, struct value ret[HEADER_MAX])
{
	struct rbuf line, name, v;
	enum boot_err err;

	memset(ret, 0, HEADER_MAX * sizeof(*ret));
	for (;;) {
		if (!take_line(r, &line))
			return BOOT_ERR_SYNTAX;
		if (rb_left(&line) == 0)
			break;
		if (!split(line, &name, &v))
			return BOOT_ERR_SYNTAX;
		err = note(ret, name, v);
		if (err)
			return err;
	}
	/* RFC 6618 5.5.7: two CRLF after that of the last header. Who writes one, as HTTP does,
	 * is understood. */
	if (rb_left(r) > 0 && (!take_line(r, &line) || rb_left(&line) > 0))
		return BOOT_ERR_SYNTAX;
	return rb_left(r) == 0 ? BOOT_ERR_NONE : BOOT_ERR_SYNTAX;
}

/* ---- values: each reads all of v, or it is none ---- */

/* Digits up to the first that is none; at least one. */
static bool take_uint(struct rbuf *v, uint32_t max, uint32_t *ret)
{
	struct rbuf probe = *v;
	uint64_t n = 0;
	size_t digits = 0;

	while (rb_left(&probe) > 0) {
		uint8_t c = rb_u8(&probe);

		if (c < '0' || c > '9')
			break;
		n = n * 10 + (uint64_t)(c - '0');
		if (n > max)
			return false;
		digits++;
	}
	if (digits == 0)
		return false;
	rb_skip(v, digits);
	*ret = (uint32_t)n;
	return true;
}

static bool get_uint(struct rbuf v, uint32_t min, uint32_t max, uint32_t *ret)
{
	uint32_t n;

	if (!take_uint(&v, max, &n) || n < min || rb_left(&v) > 0)
		return false;
	*ret = n;
	return true;
}

static int hex_digit(uint8_t c)
{
	c = lower(c);
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 6618 5.7: eight words of one to four digits; no "::". */
static bool take_in6(struct rbuf *v, struct in6_addr *ret)
{
	struct rbuf probe;

	for (unsigned int i = 0; i < WORDS; i++) {
		unsigned int word = 0, digits = 0;

		if (i > 0 && rb_u8(v) != ':')
			return false;
		for (probe = *v; digits < 4 && rb_left(&probe) > 0; digits++) {
			int d = hex_digit(rb_u8(&probe));

			if (d < 0)
				break;
			word = word << 4 | (unsigned int)d;
		}
		if (digits == 0)
			return false;
		rb_skip(v, digits);
		ret->s6_addr[2 * i] = (uint8_t)(word >> 8);
		ret->s6_addr[2 * i + 1] = (uint8_t)word;
	}
	return true;
}

static bool get_in6(struct rbuf v, struct in6_addr *ret)
{
	return take_in6(&v, ret) && rb_left(&v) == 0;
}

static void mask(struct in6_addr *a, uint8_t len)
{
	for (unsigned int i = len; i < 128; i++)
		a->s6_addr[i / 8] &= (uint8_t)~(0x80 >> i % 8);
}

static bool is_prefix(const struct in6_addr *a, uint8_t len)
{
	struct in6_addr masked = *a;

	if (len < 1 || len > 128)
		return false;
	mask(&masked, len);
	return memcmp(&masked, a, sizeof(masked)) == 0;
}

/* RFC 6618 5.7; three digits of length, as one address is a prefix too. */
static bool get_prefix(struct rbuf v, struct in6_addr *ret, uint8_t *ret_len)
{
	uint32_t len;

	if (!take_in6(&v, ret) || rb_u8(&v) != '/' || !get_uint(v, 1, 128, &len))
		return false;
	*ret_len = (uint8_t)len;
	return is_prefix(ret, *ret_len);
}

/* Visible characters: RFC 4282 has no blank in a name. */
static bool get_id(struct rbuf v, char ret[BOOT_ID_MAX])
{
	size_t n = 0;

	if (rb_left(&v) >= BOOT_ID_MAX)
		return false;
	memset(ret, 0, BOOT_ID_MAX);
	while (rb_left(&v) > 0) {
		uint8_t c = rb_u8(&v);

		if (!printable(c) || c == ' ')
			return false;
		ret[n++] = (char)c;
	}
	return true;
}

/* A sentence for people: cut where it is too long, '?' for what has no place in a terminal. */
static void get_reason(struct rbuf v, char ret[BOOT_REASON_MAX])
{
	size_t n = 0;

	memset(ret, 0, BOOT_REASON_MAX);
	while (rb_left(&v) > 0 && n < BOOT_REASON_MAX - 1) {
		uint8_t c = rb_u8(&v);

		ret[n++] = printable(c) ? (char)c : '?';
	}
	while (n > 0 && ret[n - 1] == ' ')
		ret[--n] = 0;
}

/* Carves what is before the next comma; the comma is stepped over. */
static struct rbuf take_item(struct rbuf *v)
{
	struct rbuf probe = *v, item;
	size_t n = 0;

	while (rb_left(&probe) > 0 && rb_u8(&probe) != ',')
		n++;
	item = rb_sub(v, n);
	if (rb_left(v) > 0)
		rb_skip(v, 1);
	return trimmed(item);
}

static bool get_mode(struct rbuf v, enum boot_mode *ret)
{
	for (unsigned int i = 0; i < BOOT_MODE_MAX; i++) {
		if (is_word(v, mode_names[i])) {
			*ret = (enum boot_mode)i;
			return true;
		}
	}
	return false;
}

/* RFC 6618 5.5.2: at least one. Those that we do not know ("eap") are none of ours. */
static bool get_modes(struct rbuf v, struct boot_modes *ret)
{
	enum boot_mode m;

	memset(ret, 0, sizeof(*ret));
	if (rb_left(&v) == 0)
		return false;
	while (rb_left(&v) > 0) {
		struct rbuf item = take_item(&v);

		if (get_mode(item, &m) && !boot_modes_have(ret, m))
			ret->mode[ret->n++] = m;
	}
	return true;
}

/* ---- dates (RFC 2616 3.3.1): "Sun, 06 Nov 1994 08:49:37 GMT" ---- */

static const char weekdays[7][4] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
				    "Sep", "Oct", "Nov", "Dec" };

static bool is_leap(unsigned int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned int days_of_month(unsigned int year, unsigned int month)
{
	static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month] + (month == 1 && is_leap(year) ? 1U : 0U);
}

/* Days from 1 January 1970 to 1 January of the year. */
static int64_t days_before(unsigned int year)
{
	unsigned int y = year - 1;
	/* 719162 days lie between the year 1 and 1970. */
	return (int64_t)(y * 365 + y / 4 - y / 100 + y / 400) - 719162;
}

static bool take_digits(struct rbuf *v, size_t n, unsigned int max, unsigned int *ret)
{
	struct rbuf digits = rb_sub(v, n);
	uint32_t value;

	if (!get_uint(digits, 0, max, &value))
		return false;
	*ret = value;
	return true;
}

static bool take_name(struct rbuf *v, const char (*names)[4], unsigned int n, unsigned int *ret)
{
	struct rbuf name = rb_sub(v, 3);

	for (*ret = 0; *ret < n; ++*ret) {
		if (is_word(name, names[*ret]))
			return true;
	}
	return false;
}

static bool get_date(struct rbuf v, int64_t *ret)
{
	unsigned int weekday, day, month, year, hour, minute, second;
	int64_t days;

	if (!take_name(&v, weekdays, 7, &weekday) || !skip_word(&v, ", ") ||
	    !take_digits(&v, 2, 31, &day) || !skip_word(&v, " ") ||
	    !take_name(&v, months, 12, &month) || !skip_word(&v, " ") ||
	    !take_digits(&v, 4, YEAR_MAX, &year) || !skip_word(&v, " ") ||
	    !take_digits(&v, 2, 23, &hour) || !skip_word(&v, ":") ||
	    !take_digits(&v, 2, 59, &minute) || !skip_word(&v, ":") ||
	    !take_digits(&v, 2, 59, &second) || !is_word(v, " GMT"))
		return false;
	if (year < 1970 || day < 1 || day > days_of_month(year, month))
		return false;
	days = days_before(year) + day - 1;
	for (unsigned int m = 0; m < month; m++)
		days += days_of_month(year, m);
	if (weekday != (unsigned int)(days % 7))
		return false;
	*ret = days * SECONDS_A_DAY + hour * 3600 + minute * 60 + second;
	return true;
}

static bool is_date(int64_t s)
{
	return s >= 0 && s < days_before(YEAR_MAX + 1) * SECONDS_A_DAY;
}

/* ---- decoding ---- */

enum boot_err boot_length(const void *data, size_t len, size_t *ret_len)
{
	struct rbuf r;
	uint16_t content;

	rb_init(&r, data, len);
	/* RFC 6618 5.1: version 0, reserved bits 0. */
	if (rb_left(&r) > 0 && rb_u8(&r) != 0)
		return BOOT_ERR_VERSION;
	/* RFC 6618 5.1: identifier 0 is not used. */
	if (rb_left(&r) > 0 && rb_u8(&r) == 0)
		return BOOT_ERR_ID;
	content = rb_u16(&r);
	if (r.err || len < BOOT_HEADER)
		return BOOT_ERR_MORE;
	if (content == 0 || content > BOOT_CONTENT_MAX)
		return BOOT_ERR_LENGTH;
	*ret_len = BOOT_HEADER + (size_t)content;
	return BOOT_ERR_NONE;
}

/* Opens the message; *ret_id is set as soon as it was read. */
static enum boot_err open_message(const void *data, size_t len, uint8_t *ret_id,
				  struct value ret[HEADER_MAX])
{
	struct rbuf r;
	size_t want;
	enum boot_err err = boot_length(data, len, &want);

	if (err != BOOT_ERR_NONE && err != BOOT_ERR_LENGTH)
		return err;
	rb_init(&r, data, len);
	rb_skip(&r, 1);
	*ret_id = rb_u8(&r);
	if (err)
		return err;
	if (len != want)
		return len < want ? BOOT_ERR_MORE : BOOT_ERR_LENGTH;
	rb_skip(&r, 2);
	return scan(&r, ret);
}

/* The SA protects the signalling and no more. */
static enum boot_err check_scope(struct rbuf v)
{
	if (is_word(v, scope))
		return BOOT_ERR_NONE;
	return is_word(v, "1") ? BOOT_ERR_UNSUPPORTED : BOOT_ERR_VALUE;
}

static bool all_there(const struct value *h, const enum header *which, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!h[which[i]].there)
			return false;
	}
	return true;
}

enum boot_err boot_decode_request(const void *data, size_t len, struct boot_request *ret)
{
	static const enum header needed[] = { MN_ID, AUTH_METHOD, HOA, SAS };
	struct value h[HEADER_MAX];
	struct boot_request r;
	enum boot_err err;

	memset(&r, 0, sizeof(r));
	err = open_message(data, len, &r.id, h);
	if (r.id)
		ret->id = r.id;
	if (err)
		return err;
	if (!all_there(h, needed, sizeof(needed) / sizeof(needed[0])))
		return BOOT_ERR_MISSING;
	if (!get_id(h[MN_ID].v, r.mn_id) || !get_modes(h[AUTH_METHOD].v, &r.methods) ||
	    !get_in6(h[HOA].v, &r.hoa))
		return BOOT_ERR_VALUE;
	err = check_scope(h[SAS].v);
	if (err)
		return err;
	*ret = r;
	return BOOT_ERR_NONE;
}

static enum boot_err decode_granted(const struct value *h, struct boot_response *r)
{
	static const enum header needed[] = {
		AUTH_METHOD, SPI, INTEGRITY, VALIDITY_END, LIFETIME, HNP, HAA, SAS
	};
	enum boot_err err;

	if (!all_there(h, needed, sizeof(needed) / sizeof(needed[0])))
		return BOOT_ERR_MISSING;
	/* RFC 6618 5.6.1: 28 bits, and 0 is reserved. */
	if (!get_mode(h[AUTH_METHOD].v, &r->mode) ||
	    !get_uint(h[SPI].v, 1, BOOT_SPI_MAX, &r->spi) ||
	    !get_date(h[VALIDITY_END].v, &r->validity_end_s) ||
	    !get_uint(h[LIFETIME].v, 1, UINT32_MAX, &r->lifetime_s) ||
	    !get_prefix(h[HNP].v, &r->hnp, &r->hnp_len) || !get_in6(h[HAA].v, &r->ha))
		return BOOT_ERR_VALUE;
	err = check_scope(h[SAS].v);
	if (err)
		return err;
	return is_word(h[INTEGRITY].v, integrity) ? BOOT_ERR_NONE : BOOT_ERR_UNSUPPORTED;
}

static enum boot_err decode_denied(const struct value *h, struct boot_response *r)
{
	if (h[RETRY_AT].there && !get_date(h[RETRY_AT].v, &r->retry_at_s))
		return BOOT_ERR_VALUE;
	if (h[RETRY_AFTER].there && !get_uint(h[RETRY_AFTER].v, 0, UINT32_MAX, &r->retry_after_s))
		return BOOT_ERR_VALUE;
	if (h[REASON].there)
		get_reason(h[REASON].v, r->reason);
	return BOOT_ERR_NONE;
}

enum boot_err boot_decode_response(const void *data, size_t len, struct boot_response *ret)
{
	struct value h[HEADER_MAX];
	struct boot_response r;
	enum boot_err err;
	uint32_t status;

	memset(&r, 0, sizeof(r));
	err = open_message(data, len, &r.id, h);
	if (err)
		return err;
	if (!h[STATUS].there)
		return BOOT_ERR_MISSING;
	if (!get_uint(h[STATUS].v, 100, 599, &status))
		return BOOT_ERR_VALUE;
	r.status = (uint16_t)status;
	err = status == BOOT_OK ? decode_granted(h, &r) : decode_denied(h, &r);
	if (err)
		return err;
	*ret = r;
	return BOOT_ERR_NONE;
}

/* ---- encoding ---- */

static void put_text(struct wbuf *w, const char *s)
{
	wb_bytes(w, s, strlen(s));
}

static void put_uint(struct wbuf *w, uint32_t n, unsigned int width)
{
	char digits[10];
	unsigned int at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n || sizeof(digits) - at < width);
	wb_bytes(w, &digits[at], sizeof(digits) - at);
}

static void put_in6(struct wbuf *w, const struct in6_addr *a)
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned int i = 0; i < WORDS; i++) {
		unsigned int word = (unsigned int)(a->s6_addr[2 * i] << 8 | a->s6_addr[2 * i + 1]);
		int shift = word > 0xfff ? 12 : word > 0xff ? 8 : word > 0xf ? 4 : 0;

		if (i > 0)
			wb_u8(w, ':');
		for (; shift >= 0; shift -= 4)
			wb_u8(w, (uint8_t)digits[word >> shift & 0xf]);
	}
}

static void put_date(struct wbuf *w, int64_t s)
{
	int64_t days = s / SECONDS_A_DAY;
	uint32_t rest = (uint32_t)(s % SECONDS_A_DAY), day;
	unsigned int year = (unsigned int)(1970 + days / 366), month = 0;

	while (days_before(year + 1) <= days)
		year++;
	day = (uint32_t)(days - days_before(year));
	while (day >= days_of_month(year, month))
		day -= days_of_month(year, month++);
	put_text(w, weekdays[days % 7]);
	put_text(w, ", ");
	put_uint(w, day + 1, 2);
	put_text(w, " ");
	put_text(w, months[month]);
	put_text(w, " ");
	put_uint(w, year, 4);
	put_text(w, " ");
	put_uint(w, rest / 3600, 2);
	put_text(w, ":");
	put_uint(w, rest / 60 % 60, 2);
	put_text(w, ":");
	put_uint(w, rest % 60, 2);
	put_text(w, " GMT");
}

static void put_name(struct wbuf *w, enum header h)
{
	put_text(w, headers[h]);
	put_text(w, ":");
}

static void put_end(struct wbuf *w)
{
	put_text(w, "\r\n");
}

static void put_line(struct wbuf *w, enum header h, const char *v)
{
	put_name(w, h);
	put_text(w, v);
	put_end(w);
}

static void put_number(struct wbuf *w, enum header h, uint32_t v)
{
	put_name(w, h);
	put_uint(w, v, 1);
	put_end(w);
}

static void put_address(struct wbuf *w, enum header h, const struct in6_addr *a)
{
	put_name(w, h);
	put_in6(w, a);
	put_end(w);
}

static void put_when(struct wbuf *w, enum header h, int64_t s)
{
	put_name(w, h);
	put_date(w, s);
	put_end(w);
}

/* Where the message begins. */
static size_t begin(struct wbuf *w, uint8_t id)
{
	size_t at = w->len;

	wb_u8(w, 0);
	wb_u8(w, id);
	wb_u16(w, 0);
	return at;
}

/* RFC 6618 5.5.7 */
static int finish(struct wbuf *w, size_t at)
{
	size_t content;

	put_text(w, "\r\n\r\n");
	if (w->err)
		return -ENOSPC;
	content = w->len - at - BOOT_HEADER;
	if (content > BOOT_CONTENT_MAX)
		return -EINVAL;
	wb_set_u16(w, at + 2, (uint16_t)content);
	return 0;
}

/* Does this text come back as it is? */
static bool is_id(const char *s, size_t room)
{
	size_t n = strnlen(s, room);

	for (size_t i = 0; i < n; i++) {
		if (!printable((uint8_t)s[i]) || s[i] == ' ')
			return false;
	}
	return n < room;
}

static bool is_reason(const char *s, size_t room)
{
	size_t n = strnlen(s, room);

	for (size_t i = 0; i < n; i++) {
		if (!printable((uint8_t)s[i]))
			return false;
	}
	return n < room && (n == 0 || (s[0] != ' ' && s[n - 1] != ' '));
}

static bool are_modes(const struct boot_modes *s)
{
	struct boot_modes seen = { 0 };

	if (s->n < 1 || s->n > BOOT_MODE_MAX)
		return false;
	for (unsigned int i = 0; i < s->n; i++) {
		if (s->mode[i] >= BOOT_MODE_MAX || boot_modes_have(&seen, s->mode[i]))
			return false;
		seen.mode[seen.n++] = s->mode[i];
	}
	return true;
}

int boot_encode_request(struct wbuf *w, const struct boot_request *r)
{
	size_t at;

	if (r->id == 0 || !is_id(r->mn_id, sizeof(r->mn_id)) || !are_modes(&r->methods))
		return -EINVAL;
	at = begin(w, r->id);
	put_line(w, MN_ID, r->mn_id);
	put_name(w, AUTH_METHOD);
	for (unsigned int i = 0; i < r->methods.n; i++) {
		put_text(w, i ? "," : "");
		put_text(w, mode_names[r->methods.mode[i]]);
	}
	put_end(w);
	put_address(w, HOA, &r->hoa);
	put_line(w, SAS, scope);
	return finish(w, at);
}

static int encode_granted(struct wbuf *w, const struct boot_response *r)
{
	if (r->mode >= BOOT_MODE_MAX || r->spi == 0 || r->spi > BOOT_SPI_MAX ||
	    !is_date(r->validity_end_s) || r->lifetime_s == 0 || !is_prefix(&r->hnp, r->hnp_len))
		return -EINVAL;
	put_line(w, AUTH_METHOD, mode_names[r->mode]);
	put_number(w, SPI, r->spi);
	put_line(w, INTEGRITY, integrity);
	put_when(w, VALIDITY_END, r->validity_end_s);
	put_number(w, LIFETIME, r->lifetime_s);
	put_name(w, HNP);
	put_in6(w, &r->hnp);
	put_text(w, "/");
	put_uint(w, r->hnp_len, 1);
	put_end(w);
	put_address(w, HAA, &r->ha);
	put_line(w, SAS, scope);
	return 0;
}

static int encode_denied(struct wbuf *w, const struct boot_response *r)
{
	if (!is_date(r->retry_at_s) || !is_reason(r->reason, sizeof(r->reason)))
		return -EINVAL;
	if (r->retry_at_s)
		put_when(w, RETRY_AT, r->retry_at_s);
	if (r->retry_after_s)
		put_number(w, RETRY_AFTER, r->retry_after_s);
	if (r->reason[0])
		put_line(w, REASON, r->reason);
	return 0;
}

int boot_encode_response(struct wbuf *w, const struct boot_response *r)
{
	size_t at = w->len;
	int rc;

	if (r->id == 0 || r->status < 100 || r->status > 599)
		return -EINVAL;
	begin(w, r->id);
	put_number(w, STATUS, r->status);
	rc = r->status == BOOT_OK ? encode_granted(w, r) : encode_denied(w, r);
	if (rc) {
		w->len = at;
		return rc;
	}
	return finish(w, at);
}

void boot_key_context(const struct in6_addr *hnp, uint8_t hnp_len, const struct in6_addr *ha,
		      uint32_t spi, uint8_t ret[BOOT_CONTEXT_LEN])
{
	struct in6_addr prefix = *hnp;
	struct wbuf w;

	mask(&prefix, hnp_len);
	wb_init(&w, ret, BOOT_CONTEXT_LEN);
	wb_in6(&w, &prefix);
	wb_u8(&w, hnp_len);
	wb_in6(&w, ha);
	wb_u32(&w, spi);
}
