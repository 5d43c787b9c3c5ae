/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/wire/{boot,buf}.c */
#include "common/wire/boot.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define REQUEST \
	"mn-id:alice@example.com\r\n" \
	"auth-method:certificate,on-link\r\n" \
	"mip6-ip6-hoa:2001:db8:1:0:0:0:0:c0a\r\n" \
	"mip6-sas:0\r\n" \
	"\r\n\r\n"

#define GRANTED \
	"status-code:200\r\n" \
	"auth-method:psk\r\n" \
	"mip6-spi:268435455\r\n" \
	"dmip6-integrity:hmac-sha-256-128\r\n" \
	"mip6-sa-validity-end:Sun, 06 Nov 1994 08:49:37 GMT\r\n" \
	"dmip6-sa-lifetime:604800\r\n" \
	"mip6-ip6-hnp:2001:db8:1:0:0:0:0:0/64\r\n" \
	"mip6-haa-ip6:2001:db8:0:0:0:0:0:1\r\n" \
	"mip6-sas:0\r\n" \
	"\r\n\r\n"

#define DENIED \
	"status-code:503\r\n" \
	"retry-after:Thu, 31 Dec 1998 23:59:59 GMT\r\n" \
	"dmip6-retry-after:30\r\n" \
	"dmip6-reason:too many sessions\r\n" \
	"\r\n\r\n"

struct message {
	uint8_t data[BOOT_MESSAGE_MAX + 1];
	size_t len;
};

/* The content with its container before it. */
static struct message message(uint8_t id, const char *content, size_t len)
{
	struct message m = { .len = BOOT_HEADER + len };

	assert_true(m.len <= sizeof(m.data));
	m.data[1] = id;
	m.data[2] = (uint8_t)(len >> 8);
	m.data[3] = (uint8_t)len;
	memcpy(m.data + BOOT_HEADER, content, len);
	return m;
}

static struct message text(const char *content)
{
	return message(1, content, strlen(content));
}

/* The content with one part of it replaced. */
static struct message changed(const char *content, const char *what, const char *by)
{
	const char *at = strstr(content, what);
	char room[BOOT_CONTENT_MAX + 1];

	assert_non_null(at);
	assert_true((size_t)snprintf(room, sizeof(room), "%.*s%s%s", (int)(at - content), content, by,
				     at + strlen(what)) < sizeof(room));
	return text(room);
}

static enum boot_err request(struct message m, struct boot_request *ret)
{
	return boot_decode_request(m.data, m.len, ret);
}

static enum boot_err response(struct message m, struct boot_response *ret)
{
	return boot_decode_response(m.data, m.len, ret);
}

static struct in6_addr in6(const char *s)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, s, &a), 1);
	return a;
}

static void assert_in6(const struct in6_addr *a, const char *want)
{
	char room[INET6_ADDRSTRLEN];

	assert_string_equal(inet_ntop(AF_INET6, a, room, sizeof(room)), want);
}

/* ---- golden messages ---- */

static struct boot_request a_request(void)
{
	return (struct boot_request){
		.id = 7, .mn_id = "alice@example.com", .hoa = in6("2001:db8:1::c0a"),
		.methods = { 2, { BOOT_CERTIFICATE, BOOT_ON_LINK } },
	};
}

static struct boot_response a_granted(void)
{
	return (struct boot_response){
		.id = 255, .status = BOOT_OK, .mode = BOOT_PSK, .spi = BOOT_SPI_MAX,
		.validity_end_s = 784111777, .lifetime_s = 604800, .hnp = in6("2001:db8:1::"),
		.hnp_len = 64, .ha = in6("2001:db8::1"),
	};
}

static struct boot_response a_denied(void)
{
	return (struct boot_response){
		.id = 1, .status = BOOT_UNAVAILABLE, .retry_after_s = 30, .retry_at_s = 915148799,
		.reason = "too many sessions",
	};
}

static void writes_golden_messages(void **state)
{
	struct boot_request q = a_request();
	struct boot_response g = a_granted(), d = a_denied();
	struct message want;
	uint8_t room[BOOT_MESSAGE_MAX];
	struct wbuf w;

	(void)state;
	wb_init(&w, room, sizeof(room));
	want = message(7, REQUEST, strlen(REQUEST));
	assert_int_equal(boot_encode_request(&w, &q), 0);
	assert_int_equal(w.len, want.len);
	assert_memory_equal(room, want.data, want.len);

	wb_init(&w, room, sizeof(room));
	want = message(255, GRANTED, strlen(GRANTED));
	assert_int_equal(boot_encode_response(&w, &g), 0);
	assert_int_equal(w.len, want.len);
	assert_memory_equal(room, want.data, want.len);

	wb_init(&w, room, sizeof(room));
	want = message(1, DENIED, strlen(DENIED));
	assert_int_equal(boot_encode_response(&w, &d), 0);
	assert_int_equal(w.len, want.len);
	assert_memory_equal(room, want.data, want.len);
}

static void reads_a_request(void **state)
{
	struct boot_request r;

	(void)state;
	assert_int_equal(request(message(9, REQUEST, strlen(REQUEST)), &r), BOOT_ERR_NONE);
	assert_int_equal(r.id, 9);
	assert_string_equal(r.mn_id, "alice@example.com");
	assert_int_equal(r.methods.n, 2);
	assert_int_equal(r.methods.mode[0], BOOT_CERTIFICATE);
	assert_int_equal(r.methods.mode[1], BOOT_ON_LINK);
	assert_in6(&r.hoa, "2001:db8:1::c0a");
}

static void reads_what_was_granted(void **state)
{
	struct boot_response r;

	(void)state;
	assert_int_equal(response(text(GRANTED), &r), BOOT_ERR_NONE);
	assert_int_equal(r.status, 200);
	assert_int_equal(r.mode, BOOT_PSK);
	assert_int_equal(r.spi, 0x0fffffff);
	assert_int_equal(r.validity_end_s, 784111777);
	assert_int_equal(r.lifetime_s, 604800);
	assert_in6(&r.hnp, "2001:db8:1::");
	assert_int_equal(r.hnp_len, 64);
	assert_in6(&r.ha, "2001:db8::1");
	assert_string_equal(r.reason, "");
	/* One address is a prefix too, although the grammar has two digits. */
	assert_int_equal(response(changed(GRANTED, "0:0/64", "0:1/128"), &r), BOOT_ERR_NONE);
	assert_int_equal(r.hnp_len, 128);
	assert_in6(&r.hnp, "2001:db8:1::1");
}

static void reads_what_was_denied(void **state)
{
	struct boot_response r;

	(void)state;
	assert_int_equal(response(text(DENIED), &r), BOOT_ERR_NONE);
	assert_int_equal(r.status, 503);
	assert_int_equal(r.retry_at_s, 915148799);
	assert_int_equal(r.retry_after_s, 30);
	assert_string_equal(r.reason, "too many sessions");
	/* Nothing but the status: that says it all. */
	assert_int_equal(response(text("status-code:401\r\n\r\n\r\n"), &r), BOOT_ERR_NONE);
	assert_int_equal(r.status, 401);
	assert_int_equal(r.retry_after_s, 0);
	/* A status that is none of ours is still an answer. */
	assert_int_equal(response(text("status-code:504\r\n\r\n\r\n"), &r), BOOT_ERR_NONE);
	assert_int_equal(r.status, 504);
	/* What does not go with the status is not looked at. */
	assert_int_equal(response(text("status-code:401\r\nmip6-spi:0\r\n\r\n\r\n"), &r), 0);
	assert_int_equal(r.spi, 0);
}

static void a_reason_does_no_harm(void **state)
{
	struct boot_response r;
	char line[400];
	int n = snprintf(line, sizeof(line), "status-code:400\r\ndmip6-reason: a\x80\tb%200s\r\n\r\n\r\n",
			 "c");

	(void)state;
	assert_int_equal(response(message(1, line, (size_t)n), &r), BOOT_ERR_NONE);
	assert_string_equal(r.reason, "a??b");	/* cut, and no blanks at its end */
	assert_int_equal(strlen(r.reason) < BOOT_REASON_MAX, true);
}

static void tolerates_what_does_not_matter(void **state)
{
	struct boot_request r;

	(void)state;
	/* Names in any case, blanks round the value, headers of others, one CRLF at the end. */
	assert_int_equal(request(text("MN-Id: \t bob \r\nX-New_thing:a:b,\xc3\xa4\r\n"
				      "AUTH-METHOD:eap, PSK ,psk,On-Link\r\nx-new_thing:\r\n"
				      "mip6-sas: 0\r\nmip6-ip6-hoa:2001:DB8:0000:0:0:0:0:000f\r\n"
				      "mip6-spi:garbage\r\n\r\n"), &r), BOOT_ERR_NONE);
	assert_string_equal(r.mn_id, "bob");
	assert_int_equal(r.methods.n, 2);
	assert_int_equal(r.methods.mode[0], BOOT_PSK);
	assert_int_equal(r.methods.mode[1], BOOT_ON_LINK);
	assert_in6(&r.hoa, "2001:db8::f");
	/* No name, where the mode tells it; no method that we know: the home agent decides. */
	assert_int_equal(request(changed(REQUEST, "alice@example.com", ""), &r), BOOT_ERR_NONE);
	assert_string_equal(r.mn_id, "");
	assert_int_equal(request(changed(REQUEST, "certificate,on-link", "eap"), &r), 0);
	assert_int_equal(r.methods.n, 0);
}

/* ---- errors ---- */

static void the_container_is_checked(void **state)
{
	uint8_t h[BOOT_HEADER] = { 0, 1, 0, 5 };
	size_t len = 99;

	(void)state;
	for (size_t n = 0; n < BOOT_HEADER; n++)
		assert_int_equal(boot_length(h, n, &len), BOOT_ERR_MORE);
	assert_int_equal(len, 99);
	assert_int_equal(boot_length(h, 4, &len), BOOT_ERR_NONE);
	assert_int_equal(len, 9);
	for (unsigned int bit = 0; bit < 8; bit++) {
		h[0] = (uint8_t)(1 << bit);
		assert_int_equal(boot_length(h, 1, &len), BOOT_ERR_VERSION);
	}
	h[0] = 0;
	h[1] = 0;
	assert_int_equal(boot_length(h, 2, &len), BOOT_ERR_ID);
	h[1] = 255;
	h[3] = 0;
	assert_int_equal(boot_length(h, 4, &len), BOOT_ERR_LENGTH);
	h[2] = BOOT_CONTENT_MAX >> 8;
	assert_int_equal(boot_length(h, 4, &len), BOOT_ERR_NONE);
	assert_int_equal(len, BOOT_MESSAGE_MAX);
	h[3] = 1;
	assert_int_equal(boot_length(h, 4, &len), BOOT_ERR_LENGTH);
}

static void a_message_longer_than_it_says(void **state)
{
	struct message m = text(REQUEST);
	struct boot_request r = { .id = 0 };

	(void)state;
	m.len++;
	assert_int_equal(request(m, &r), BOOT_ERR_LENGTH);
	assert_int_equal(r.id, 1);
}

static const struct bad {
	const char *what, *by;
	enum boot_err err;
} bad_requests[] = {
	{ "\r\n\r\n\r\n", "\r\n", BOOT_ERR_SYNTAX },			/* no end */
	{ "\r\n\r\n\r\n", "\r\n\r\n\r\n\r\n", BOOT_ERR_SYNTAX },
	{ "\r\n\r\n\r\n", "\r\n\r\nmip6-sas:0\r\n", BOOT_ERR_SYNTAX },
	{ "mip6-sas:0\r\n", "mip6-sas:0\n", BOOT_ERR_SYNTAX },
	{ "mip6-sas:0\r\n", "mip6-sas:0\r\r\n", BOOT_ERR_SYNTAX },
	{ "mip6-sas:0\r\n", "mip6-sas 0\r\n", BOOT_ERR_SYNTAX },
	{ "mip6-sas:0\r\n", "mip6-sas :0\r\n", BOOT_ERR_SYNTAX },
	{ "mip6-sas:0\r\n", "mip6-sas:0\r\n on\r\n", BOOT_ERR_SYNTAX },
	{ "mip6-sas:0\r\n", ":0\r\n", BOOT_ERR_SYNTAX },
	{ "mip6-sas:0\r\n", "mip6-sas:0\r\nnothing\r\n", BOOT_ERR_SYNTAX },
	{ "alice", "al\x01" "ice", BOOT_ERR_SYNTAX },
	{ "alice", "al\x7f" "ice", BOOT_ERR_SYNTAX },
	{ "mip6-sas:0", "mip6-sas:0\r\nMIP6-SAS:0", BOOT_ERR_DUPLICATE },
	{ "mip6-sas:0", "mip6-sas:0\r\nmip6-spi:1\r\nmip6-spi:1", BOOT_ERR_DUPLICATE },
	{ "mip6-sas", "mip6-sax", BOOT_ERR_MISSING },
	{ "mn-id", "mn-ie", BOOT_ERR_MISSING },
	{ "auth-method", "auth-methods", BOOT_ERR_MISSING },
	{ "mip6-ip6-hoa", "mip6-ip6-ho", BOOT_ERR_MISSING },
	{ "mip6-sas:0", "mip6-sas:1", BOOT_ERR_UNSUPPORTED },
	{ "mip6-sas:0", "mip6-sas:2", BOOT_ERR_VALUE },
	{ "mip6-sas:0", "mip6-sas:", BOOT_ERR_VALUE },
	{ "mip6-sas:0", "mip6-sas:00", BOOT_ERR_VALUE },
	{ "certificate,on-link", "", BOOT_ERR_VALUE },
	{ "alice", "al ice", BOOT_ERR_VALUE },
	{ "alice", "al\xc3\xa4ice", BOOT_ERR_VALUE },
	{ "alice", "0123456789012345678901234567890123456789012345678901", BOOT_ERR_VALUE },
	{ "2001:db8:1:0:0:0:0:c0a", "", BOOT_ERR_VALUE },
	{ "2001:db8:1:0:0:0:0:c0a", "2001:db8:1::c0a", BOOT_ERR_VALUE },
	{ "2001:db8:1:0:0:0:0:c0a", "2001:db8:1:0:0:0:c0a", BOOT_ERR_VALUE },
	{ "2001:db8:1:0:0:0:0:c0a", "2001:db8:1:0:0:0:0:0:c0a", BOOT_ERR_VALUE },
	{ "2001:db8:1:0:0:0:0:c0a", "2001:db8:1:0:0:0:0:", BOOT_ERR_VALUE },
	{ "2001:db8:1:0:0:0:0:c0a", "2001:db8:1:0:0:0:0:00c0a", BOOT_ERR_VALUE },
	{ "2001:db8:1:0:0:0:0:c0a", "2001:db8:1:0:0:0:0:g", BOOT_ERR_VALUE },
	{ "2001:db8:1:0:0:0:0:c0a", "2001:db8:1:0:0:0:0:1/64", BOOT_ERR_VALUE },
	{ "2001:db8:1:0:0:0:0:c0a", "2001;db8:1:0:0:0:0:1", BOOT_ERR_VALUE },
}, bad_responses[] = {
	{ "status-code:200\r\n", "", BOOT_ERR_MISSING },
	{ "200", "", BOOT_ERR_VALUE },
	{ "200", "099", BOOT_ERR_VALUE },
	{ "200", "600", BOOT_ERR_VALUE },
	{ "200", "200 OK", BOOT_ERR_VALUE },
	{ "auth-method:psk\r\n", "", BOOT_ERR_MISSING },
	{ "auth-method:psk", "auth-method:eap", BOOT_ERR_VALUE },
	{ "auth-method:psk", "auth-method:psk,on-link", BOOT_ERR_VALUE },
	{ "mip6-spi:268435455\r\n", "", BOOT_ERR_MISSING },
	{ "268435455", "0", BOOT_ERR_VALUE },
	{ "268435455", "268435456", BOOT_ERR_VALUE },
	{ "268435455", "18446744073709551617", BOOT_ERR_VALUE },
	{ "268435455", "-1", BOOT_ERR_VALUE },
	{ "268435455", "0x10", BOOT_ERR_VALUE },
	{ "268435455", "1 0", BOOT_ERR_VALUE },
	{ "dmip6-integrity:hmac-sha-256-128\r\n", "", BOOT_ERR_MISSING },
	{ "hmac-sha-256-128", "hmac-sha1-96", BOOT_ERR_UNSUPPORTED },
	{ "hmac-sha-256-128", "", BOOT_ERR_UNSUPPORTED },
	{ "dmip6-sa-lifetime:604800\r\n", "", BOOT_ERR_MISSING },
	{ "604800", "0", BOOT_ERR_VALUE },
	{ "604800", "4294967296", BOOT_ERR_VALUE },
	{ "0:0:0:0/64", "0:0:0:1/64", BOOT_ERR_VALUE },	/* host bits */
	{ "/64", "", BOOT_ERR_VALUE },
	{ "/64", "/", BOOT_ERR_VALUE },
	{ "/64", "/129", BOOT_ERR_VALUE },
	{ "2001:db8:1:0:0:0:0:0/64", "0:0:0:0:0:0:0:0/0", BOOT_ERR_VALUE },	/* everything */
	{ "mip6-haa-ip6:2001:db8:0:0:0:0:0:1\r\n", "", BOOT_ERR_MISSING },
	{ "2001:db8:0:0:0:0:0:1", "192.0.2.1", BOOT_ERR_VALUE },
	{ "mip6-sas:0\r\n", "", BOOT_ERR_MISSING },
	{ "mip6-sas:0", "mip6-sas:1", BOOT_ERR_UNSUPPORTED },
	{ "Sun, 06", "Mon, 06", BOOT_ERR_VALUE },
	{ "Sun, 06", "Sun 06", BOOT_ERR_VALUE },
	{ "06 Nov 1994", "6 Nov 1994", BOOT_ERR_VALUE },
	{ "06 Nov 1994", "31 Nov 1994", BOOT_ERR_VALUE },
	{ "06 Nov 1994", "00 Nov 1994", BOOT_ERR_VALUE },
	{ "06 Nov 1994", "06 Nob 1994", BOOT_ERR_VALUE },
	{ "06 Nov 1994", "06-Nov-94", BOOT_ERR_VALUE },
	{ "Sun, 06 Nov 1994", "Wed, 31 Dec 1969", BOOT_ERR_VALUE },
	{ "Sun, 06 Nov 1994", "Thu, 29 Feb 1900", BOOT_ERR_VALUE },
	{ "Sun, 06 Nov 1994", "Mon, 29 Feb 2100", BOOT_ERR_VALUE },
	{ "08:49:37", "24:00:00", BOOT_ERR_VALUE },
	{ "08:49:37", "08:60:00", BOOT_ERR_VALUE },
	{ "08:49:37", "08:49:60", BOOT_ERR_VALUE },
	{ "08:49:37", "8:49:37", BOOT_ERR_VALUE },
	{ "GMT", "CET", BOOT_ERR_VALUE },
	{ " GMT", "", BOOT_ERR_VALUE },
}, bad_denials[] = {
	{ "31 Dec 1998", "32 Dec 1998", BOOT_ERR_VALUE },
	{ "dmip6-retry-after:30", "dmip6-retry-after:soon", BOOT_ERR_VALUE },
};

static void bad_ones_are_named(void **state)
{
	struct boot_request q, q_before;
	struct boot_response r, r_before;

	(void)state;
	memset(&q, 0x55, sizeof(q));
	q.id = 1;
	memset(&r, 0x55, sizeof(r));
	q_before = q;
	r_before = r;
	for (size_t i = 0; i < sizeof(bad_requests) / sizeof(bad_requests[0]); i++) {
		const struct bad *b = &bad_requests[i];

		if (request(changed(REQUEST, b->what, b->by), &q) != b->err)
			fail_msg("a request with '%s' for '%s' is not refused so", b->by, b->what);
		assert_memory_equal(&q, &q_before, sizeof(q));
	}
	for (size_t i = 0; i < sizeof(bad_responses) / sizeof(bad_responses[0]); i++) {
		const struct bad *b = &bad_responses[i];

		if (response(changed(GRANTED, b->what, b->by), &r) != b->err)
			fail_msg("a response with '%s' for '%s' is not refused so", b->by, b->what);
		assert_memory_equal(&r, &r_before, sizeof(r));
	}
	for (size_t i = 0; i < sizeof(bad_denials) / sizeof(bad_denials[0]); i++) {
		const struct bad *b = &bad_denials[i];

		assert_int_equal(response(changed(DENIED, b->what, b->by), &r), b->err);
		assert_memory_equal(&r, &r_before, sizeof(r));
	}
}

static void every_error_has_a_name_and_a_text(void **state)
{
	(void)state;
	for (unsigned int e = 0; e < BOOT_ERR_MAX; e++) {
		assert_true(strlen(boot_err_name((enum boot_err)e)) > 1);
		assert_true(strlen(boot_err_text((enum boot_err)e)) > 4);
		for (unsigned int o = 0; o < e; o++)
			assert_string_not_equal(boot_err_name((enum boot_err)e),
						boot_err_name((enum boot_err)o));
	}
}

/* Cut anywhere: as it comes, and as if the sender had meant it so. */
static void a_cut_message_is_none(void **state)
{
	static const char *const contents[] = { REQUEST, GRANTED, DENIED };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		size_t len = strlen(contents[i]);

		for (size_t cut = 0; cut < BOOT_HEADER + len; cut++) {
			struct message m = text(contents[i]);
			struct boot_request q;
			struct boot_response r;

			assert_int_equal(boot_decode_request(m.data, cut, &q), BOOT_ERR_MORE);
			assert_int_equal(boot_decode_response(m.data, cut, &r), BOOT_ERR_MORE);
		}
		/* Without its last CRLF it ends as HTTP does; that is the only one taken. */
		for (size_t cut = 1; cut < len; cut++) {
			struct message m = message(1, contents[i], cut);
			struct boot_request q;
			struct boot_response r;
			enum boot_err err = i == 0 ? boot_decode_request(m.data, m.len, &q) :
						     boot_decode_response(m.data, m.len, &r);

			assert_int_equal(err, cut == len - 2 ? BOOT_ERR_NONE : BOOT_ERR_SYNTAX);
		}
	}
}

/* ---- what cannot be written ---- */

static void what_cannot_be_read_is_not_written(void **state)
{
	uint8_t room[BOOT_MESSAGE_MAX];
	struct boot_request q;
	struct boot_response r;
	struct wbuf w;

	(void)state;
	wb_init(&w, room, sizeof(room));
#define NOT_REQUEST(change) do { \
		q = a_request(); \
		change; \
		assert_int_equal(boot_encode_request(&w, &q), -EINVAL); \
		assert_int_equal(w.len, 0); \
	} while (0)
#define NOT_RESPONSE(of, change) do { \
		r = of; \
		change; \
		assert_int_equal(boot_encode_response(&w, &r), -EINVAL); \
		assert_int_equal(w.len, 0); \
	} while (0)
	NOT_REQUEST(q.id = 0);
	NOT_REQUEST(q.methods.n = 0);
	NOT_REQUEST(q.methods.n = 4);
	NOT_REQUEST(q.methods.mode[1] = BOOT_CERTIFICATE);
	NOT_REQUEST(q.methods.mode[1] = BOOT_MODE_MAX);
	NOT_REQUEST(q.mn_id[5] = ' ');
	NOT_REQUEST(q.mn_id[5] = '\r');
	NOT_REQUEST(memset(q.mn_id, 'a', sizeof(q.mn_id)));
	NOT_RESPONSE(a_granted(), r.id = 0);
	NOT_RESPONSE(a_granted(), r.status = 99);
	NOT_RESPONSE(a_granted(), r.status = 600);
	NOT_RESPONSE(a_granted(), r.mode = BOOT_MODE_MAX);
	NOT_RESPONSE(a_granted(), r.spi = 0);
	NOT_RESPONSE(a_granted(), r.spi = BOOT_SPI_MAX + 1);
	NOT_RESPONSE(a_granted(), r.validity_end_s = -1);
	NOT_RESPONSE(a_granted(), r.validity_end_s = 253402300800);
	NOT_RESPONSE(a_granted(), r.lifetime_s = 0);
	NOT_RESPONSE(a_granted(), r.hnp_len = 0);
	NOT_RESPONSE(a_granted(), r.hnp_len = 129);
	NOT_RESPONSE(a_granted(), r.hnp_len = 40);	/* host bits */
	NOT_RESPONSE(a_denied(), r.reason[3] = '\n');
	NOT_RESPONSE(a_denied(), r.reason[0] = ' ');
	NOT_RESPONSE(a_denied(), memset(r.reason, 'a', sizeof(r.reason)));
	NOT_RESPONSE(a_denied(), r.retry_at_s = -1);
}

static void room_is_kept(void **state)
{
	uint8_t room[BOOT_MESSAGE_MAX];
	struct boot_response r = a_granted();
	struct wbuf w;

	(void)state;
	for (size_t cap = 0; cap < BOOT_HEADER + strlen(GRANTED); cap++) {
		wb_init(&w, room, cap);
		assert_int_equal(boot_encode_response(&w, &r), -ENOSPC);
		assert_true(w.len <= cap);
	}
	/* Appended to what is there. */
	wb_init(&w, room, sizeof(room));
	assert_int_equal(boot_encode_response(&w, &r), 0);
	assert_int_equal(boot_encode_response(&w, &r), 0);
	assert_int_equal(w.len, 2 * (BOOT_HEADER + strlen(GRANTED)));
	assert_memory_equal(room, room + w.len / 2, w.len / 2);
}

/* ---- round trips ---- */

/* xorshift64: variety, not secrecy; the same each time. */
static uint64_t next(void)
{
	static uint64_t s = 88172645463325252;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s;
}

static void random_in6(struct in6_addr *a)
{
	for (unsigned int i = 0; i < 16; i++)
		a->s6_addr[i] = next() % 3 ? 0 : (uint8_t)next();
}

static void random_word(char *s, size_t max, char first)
{
	size_t n = next() % max;

	memset(s, 0, max);
	for (size_t i = 0; i < n; i++)
		s[i] = (char)(first + (char)(next() % (uint64_t)(0x7f - first)));
	/* Blanks at the ends are not kept. */
	if (n > 0 && s[0] == ' ')
		s[0] = '.';
	if (n > 0 && s[n - 1] == ' ')
		s[n - 1] = '.';
}

static void random_requests_come_back(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2000; i++) {
		struct boot_request q, back;
		uint8_t room[BOOT_MESSAGE_MAX];
		struct wbuf w;
		size_t len;

		memset(&q, 0, sizeof(q));
		memset(&back, 0, sizeof(back));
		q.id = (uint8_t)(1 + next() % 255);
		random_word(q.mn_id, sizeof(q.mn_id), '!');
		q.methods.n = (unsigned int)(1 + next() % 3);
		for (unsigned int k = 0, m = (unsigned int)next() % 3; k < q.methods.n; k++)
			q.methods.mode[k] = (enum boot_mode)((m + k) % 3);
		random_in6(&q.hoa);
		wb_init(&w, room, sizeof(room));
		assert_int_equal(boot_encode_request(&w, &q), 0);
		assert_int_equal(boot_length(room, w.len, &len), BOOT_ERR_NONE);
		assert_int_equal(len, w.len);
		assert_int_equal(boot_decode_request(room, w.len, &back), BOOT_ERR_NONE);
		assert_memory_equal(&q, &back, sizeof(q));
	}
}

static void random_response(struct boot_response *r)
{
	memset(r, 0, sizeof(*r));
	r->id = (uint8_t)(1 + next() % 255);
	r->status = next() % 2 ? BOOT_OK : (uint16_t)(300 + next() % 300);
	if (r->status == BOOT_OK) {
		r->mode = (enum boot_mode)(next() % 3);
		r->spi = (uint32_t)(1 + next() % BOOT_SPI_MAX);
		r->validity_end_s = (int64_t)(next() % 253402300800);
		r->lifetime_s = (uint32_t)(1 + next() % UINT32_MAX);
		r->hnp_len = (uint8_t)(1 + next() % 128);
		random_in6(&r->hnp);
		for (unsigned int i = r->hnp_len; i < 128; i++)
			r->hnp.s6_addr[i / 8] &= (uint8_t)~(0x80 >> i % 8);
		random_in6(&r->ha);
		return;
	}
	r->retry_after_s = (uint32_t)next();
	r->retry_at_s = (int64_t)(next() % 253402300800);
	random_word(r->reason, sizeof(r->reason), ' ');
}

static void random_responses_come_back(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2000; i++) {
		struct boot_response r, back;
		uint8_t room[BOOT_MESSAGE_MAX];
		struct wbuf w;

		memset(&back, 0, sizeof(back));
		random_response(&r);
		wb_init(&w, room, sizeof(room));
		assert_int_equal(boot_encode_response(&w, &r), 0);
		assert_int_equal(boot_decode_response(room, w.len, &back), BOOT_ERR_NONE);
		assert_memory_equal(&r, &back, sizeof(r));
	}
}

/* The C library knows the calendar too. */
static void dates_are_those_of_the_calendar(void **state)
{
	static const int64_t edges[] = { 0, 951782400, 951868799, 951868800, 4107542399, 4107542400,
					 253402300799 };

	(void)state;
	for (unsigned int i = 0; i < 3000; i++) {
		size_t n = sizeof(edges) / sizeof(edges[0]);
		int64_t s = i < n ? edges[i] : (int64_t)(next() % 253402300800);
		struct boot_response r = a_granted();
		uint8_t room[BOOT_MESSAGE_MAX + 1];
		char want[64];
		struct wbuf w;
		time_t t = (time_t)s;
		struct tm tm;

		r.validity_end_s = s;
		wb_init(&w, room, BOOT_MESSAGE_MAX);
		assert_int_equal(boot_encode_response(&w, &r), 0);
		room[w.len] = 0;
		assert_non_null(gmtime_r(&t, &tm));
		strftime(want, sizeof(want), "end:%a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
		assert_non_null(strstr((char *)room + BOOT_HEADER, want));
	}
}

/* ---- modes, context ---- */

static void modes_have_names(void **state)
{
	enum boot_mode m = BOOT_ON_LINK;
	struct boot_modes s = { 2, { BOOT_PSK, BOOT_ON_LINK } };

	(void)state;
	assert_string_equal(boot_mode_name(BOOT_CERTIFICATE), "certificate");
	assert_string_equal(boot_mode_name(BOOT_PSK), "psk");
	assert_string_equal(boot_mode_name(BOOT_ON_LINK), "on-link");
	assert_int_equal(boot_mode_parse("psk,", 3, &m), 0);
	assert_int_equal(m, BOOT_PSK);
	assert_int_equal(boot_mode_parse("psk,", 4, &m), -EINVAL);
	assert_int_equal(boot_mode_parse("ps", 2, &m), -EINVAL);
	assert_int_equal(boot_mode_parse("", 0, &m), -EINVAL);
	assert_int_equal(m, BOOT_PSK);
	assert_true(boot_modes_have(&s, BOOT_PSK));
	assert_false(boot_modes_have(&s, BOOT_CERTIFICATE));
}

static void the_context_says_what_the_key_is_for(void **state)
{
	static const uint8_t want[BOOT_CONTEXT_LEN] = {
		0x20, 1, 0xd, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		64,
		0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
		1, 2, 3, 4,
	};
	struct in6_addr hnp = in6("2001:db8:1::"), hoa = in6("2001:db8:1::5"),
			ha = in6("2001:db8::1");
	uint8_t c[BOOT_CONTEXT_LEN];

	(void)state;
	boot_key_context(&hnp, 64, &ha, 0x01020304, c);
	assert_memory_equal(c, want, sizeof(want));
	boot_key_context(&hoa, 64, &ha, 0x01020304, c);
	assert_memory_equal(c, want, sizeof(want));
	boot_key_context(&hoa, 128, &ha, 0x01020304, c);
	assert_int_equal(c[15], 5);
	assert_int_equal(c[16], 128);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_golden_messages),
		cmocka_unit_test(reads_a_request),
		cmocka_unit_test(reads_what_was_granted),
		cmocka_unit_test(reads_what_was_denied),
		cmocka_unit_test(a_reason_does_no_harm),
		cmocka_unit_test(tolerates_what_does_not_matter),
		cmocka_unit_test(the_container_is_checked),
		cmocka_unit_test(a_message_longer_than_it_says),
		cmocka_unit_test(bad_ones_are_named),
		cmocka_unit_test(every_error_has_a_name_and_a_text),
		cmocka_unit_test(a_cut_message_is_none),
		cmocka_unit_test(what_cannot_be_read_is_not_written),
		cmocka_unit_test(room_is_kept),
		cmocka_unit_test(random_requests_come_back),
		cmocka_unit_test(random_responses_come_back),
		cmocka_unit_test(dates_are_those_of_the_calendar),
		cmocka_unit_test(modes_have_names),
		cmocka_unit_test(the_context_says_what_the_key_is_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
