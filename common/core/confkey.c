/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys in configurations (RFC 4285 5: SPI, algorithm, secret). Owns nothing; called by
 * conf.c of both daemons through their keyword tables.
 */
#include "common/core/confkey.h"

bool conf_key_begin(struct conf *c, const struct conf_word *spi, struct conf_key *k)
{
	/* RFC 4285 5: 0 to 255 are reserved. */
	if (!conf_u32(c, spi, AUTH_SPI_FIRST, UINT32_MAX, &k->spi))
		return false;
	k->algorithm = AUTH_HMAC_SHA256_128;
	k->secret_len = 0;
	return true;
}

void conf_key_algorithm(struct conf *c, void *obj, const struct conf_word *kw,
			const struct conf_word *args, unsigned int n)
{
	struct conf_key *k = obj;

	(void)kw;
	(void)n;
	if (k && auth_algorithm_parse(args[0].text, &k->algorithm) < 0)
		conf_error(c, &args[0], "no algorithm \"%s\"; expected %s or %s", args[0].text,
			   auth_algorithm_name(AUTH_HMAC_SHA256_128),
			   auth_algorithm_name(AUTH_HMAC_SHA1_96));
}

void conf_key_secret(struct conf *c, void *obj, const struct conf_word *kw,
		     const struct conf_word *args, unsigned int n)
{
	struct conf_key *k = obj;

	(void)kw;
	(void)n;
	if (k)
		conf_hex(c, &args[0], k->secret, AUTH_SECRET_MIN, AUTH_SECRET_MAX, &k->secret_len);
}

bool conf_key_end(struct conf *c, const struct conf_word *kw, const struct conf_key *k,
		  struct auth_key *ret)
{
	if (k->secret_len == 0) {
		conf_error(c, kw, "key %u has no usable secret; expected \"secret HEX;\" in its "
			   "block", k->spi);
		return false;
	}
	if (auth_key_init(ret, k->spi, k->algorithm, k->secret, k->secret_len) < 0) {
		conf_error(c, kw, "key %u cannot be used: the cryptographic library refuses it",
			   k->spi);
		return false;
	}
	return true;
}
