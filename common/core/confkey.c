/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys in configurations (RFC 4285 5: SPI, algorithm, secret). Owns nothing; called by
 * conf.c of both daemons through their keyword tables.
 */
#include "common/core/confkey.h"

#include <stdlib.h>
#include <string.h>

void conf_hmac_sha1(struct conf *c, const struct conf_word *arg, bool *ret_allowed)
{
	*ret_allowed = strcmp(arg->text, "insecure-allow") == 0;
	if (!*ret_allowed)
		conf_error(c, arg, "\"%s\" does not allow it; expected insecure-allow, or no such "
			   "statement", arg->text);
}

void conf_ipsec(struct conf *c, const struct conf_word *arg, bool *ret_required)
{
	*ret_required = strcmp(arg->text, "require") == 0;
	if (!*ret_required)
		conf_error(c, arg, "\"%s\" is not known of IPsec; expected require, or no such "
			   "statement", arg->text);
}

/* RFC 4285 5: 0 to 255 are reserved, and 3 of them has a meaning (section 8). */
static bool is_spi(uint32_t spi)
{
	return spi == AUTH_SPI_HMAC_SHA1 ||
	       (spi >= AUTH_SPI_FIRST &&
		(spi < AUTH_SPI_GIVEN_FIRST || spi > AUTH_SPI_GIVEN_LAST));
}

void *conf_key_grow(void *array, size_t n, size_t size)
{
	void *bigger = calloc(n + 1, size);

	if (!bigger)
		return NULL;
	if (n > 0) {
		memcpy(bigger, array, n * size);
		explicit_bzero(array, n * size);
	}
	free(array);
	return bigger;
}

bool conf_key_begin(struct conf *c, const struct conf_word *spi, bool sha1, struct conf_key *k)
{
	uint32_t v;

	if (!conf_u32(c, spi, 0, UINT32_MAX, &v))
		return false;
	if (!is_spi(v)) {
		conf_error(c, spi, v < AUTH_SPI_FIRST ?
			   "SPI %u is reserved; expected 256 to 16777215, or from 268435456 on" :
			   "SPI %u is one that home agents give out; expected 256 to 16777215, or "
			   "from 268435456 on", v);
		return false;
	}
	if (v == AUTH_SPI_HMAC_SHA1 && !sha1) {
		conf_error(c, spi, "SPI 3 is HMAC-SHA1-96, which is not allowed; expected an SPI "
			   "from 256 up, or \"hmac-sha1 insecure-allow;\" before the key");
		return false;
	}
	k->spi = v;
	k->algorithm = auth_algorithm_of(v);
	k->secret_len = 0;
	return true;
}

void conf_key_algorithm(struct conf *c, void *obj, const struct conf_word *kw,
			const struct conf_word *args, unsigned int n)
{
	struct conf_key *k = obj;
	enum auth_algorithm a;

	(void)kw;
	(void)n;
	/* Says what the SPI says, for people; what says otherwise is a mistake. */
	if (k && (auth_algorithm_parse(args[0].text, &a) < 0 || a != k->algorithm))
		conf_error(c, &args[0], "algorithm \"%s\" is not that of SPI %u; expected %s, or "
			   "no such statement", args[0].text, k->spi,
			   auth_algorithm_name(k->algorithm));
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
