/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/core/conf.c common/core/in6.c */
/*
 * Fuzzes the configuration engine: any text ends in a count of errors that equals the
 * messages, each message is one line of text, and every kind of argument is tried.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_all(struct conf *c, void *obj, const struct conf_word *kw,
		     const struct conf_word *args, unsigned int n)
{
	struct in6_addr a;
	struct in6_prefix p;
	uint8_t mac[6], octets[64];
	uint32_t v;
	usec_t t;
	bool b;
	size_t len;

	(void)obj, (void)kw;
	for (unsigned int i = 0; i < n; i++) {
		conf_addr(c, &args[i], &a);
		conf_prefix(c, &args[i], &p);
		conf_mac(c, &args[i], mac);
		if (conf_u32(c, &args[i], 1, 100, &v) && (v < 1 || v > 100))
			abort();
		if (conf_duration(c, &args[i], USEC_MS, USEC_S, &t) && (t < USEC_MS || t > USEC_S))
			abort();
		conf_bool(c, &args[i], &b);
		if (conf_hex(c, &args[i], octets, 16, 64, &len) && (len < 16 || len > 64))
			abort();
	}
}

static void *open_any(struct conf *c, void *obj, const struct conf_word *kw,
		      const struct conf_word *args, unsigned int n)
{
	(void)c, (void)kw, (void)args;
	return n ? NULL : obj;
}

static void close_any(struct conf *c, void *obj, const struct conf_word *kw)
{
	(void)c, (void)kw;
	if (!obj)
		abort();
}

static const struct conf_keyword table[] = {
	{ .name = "interface", .args = "NAME", .min_args = 1, .max_args = 1, .set = take_all },
	{ .name = "linger", .args = "TIME", .min_args = 1, .max_args = 8, .set = take_all,
	  .once = true },
	{ .name = "key", .args = "[SPI]", .max_args = 1, .block = table, .open = open_any,
	  .close = close_any },
	{ .name = "quiet", .set = take_all },
	{ 0 },
};

static void count(void *ctx, const char *text)
{
	for (const char *p = text; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			abort();
	}
	++*(unsigned int *)ctx;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int messages = 0;
	int root;

	if (conf_parse("f", (const char *)data, size, table, &root, count, &messages) != messages)
		abort();
	return 0;
}
