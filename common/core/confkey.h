/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of `key SPI { ... }' that both daemons' configurations share: SPI, algorithm,
 * secret; and the statement without which SPI 3, HMAC-SHA1-96, is refused. The object of the
 * block starts with a struct conf_key.
 */
#ifndef DMIP6_CORE_CONFKEY_H
#define DMIP6_CORE_CONFKEY_H

#include "common/core/auth.h"
#include "common/core/conf.h"

struct conf_key {
	uint32_t spi;
	enum auth_algorithm algorithm;
	uint8_t secret[AUTH_SECRET_MAX];
	size_t secret_len;
};

/* Rows of the block's table. */
#define CONF_KEY_ROWS \
	{ .name = "algorithm", .args = "NAME", .min_args = 1, .max_args = 1, \
	  .set = conf_key_algorithm, .once = true }, \
	{ .name = "secret", .args = "HEX", .min_args = 1, .max_args = 1, \
	  .set = conf_key_secret, .once = true }

/* The row of the whole file's table; set() gives its argument to conf_hmac_sha1(). */
/* `ipsec require': Binding Updates and what answers them go in ESP, and nothing else counts. */
#define CONF_IPSEC_ROW(function) \
	{ .name = "ipsec", .args = "require", .min_args = 1, .max_args = 1, \
	  .set = function, .once = true }
void conf_ipsec(struct conf *c, const struct conf_word *arg, bool *ret_required);

#define CONF_HMAC_SHA1_ROW(function) \
	{ .name = "hmac-sha1", .args = "insecure-allow", .min_args = 1, .max_args = 1, \
	  .set = function, .once = true }
void conf_hmac_sha1(struct conf *c, const struct conf_word *arg, bool *ret_allowed);

/* A copy with room for one more, zeroed, in place of an array of n things with secrets; nothing of
 * these stays behind. NULL: no memory, and all is as it was. */
void *conf_key_grow(void *array, size_t n, size_t size);

/* Reads the SPI, sets what a block may leave out; false after an error was reported. sha1: SPI
 * 3 was allowed before this. */
bool conf_key_begin(struct conf *c, const struct conf_word *spi, bool sha1, struct conf_key *k);
void conf_key_algorithm(struct conf *c, void *obj, const struct conf_word *kw,
			const struct conf_word *args, unsigned int n);
void conf_key_secret(struct conf *c, void *obj, const struct conf_word *kw,
		     const struct conf_word *args, unsigned int n);
/* Makes the key, the caller's to wipe; false after an error was reported. */
bool conf_key_end(struct conf *c, const struct conf_word *kw, const struct conf_key *k,
		  struct auth_key *ret);

#endif
