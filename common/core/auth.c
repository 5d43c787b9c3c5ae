/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Authenticators of the mobility message authentication option. Owns the keyed OpenSSL
 * contexts; called by the daemons' io.c to seal and check BU and BA. RFC 4285
 * section 5 (what is covered), RFC 2104 (HMAC), RFC 2404 and RFC 4868 (truncation).
 */
#include "common/core/auth.h"

#include <errno.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#define MH_CHECKSUM_AT	4	/* RFC 6275 6.1.1 */
#define MH_CHECKSUM_END	6

static const struct {
	const char *name;
	const char *digest;
	size_t len;
} algorithms[] = {
	[AUTH_HMAC_SHA1_96] = { "hmac-sha1-96", "SHA1", 12 },
	[AUTH_HMAC_SHA256_128] = { "hmac-sha-256-128", "SHA256", 16 },
};

const char *auth_algorithm_name(enum auth_algorithm a)
{
	return algorithms[a].name;
}

int auth_algorithm_parse(const char *s, enum auth_algorithm *ret)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		if (strcmp(s, algorithms[i].name) == 0) {
			*ret = (enum auth_algorithm)i;
			return 0;
		}
	}
	return -EINVAL;
}

size_t auth_len(enum auth_algorithm a)
{
	return algorithms[a].len;
}

enum auth_algorithm auth_algorithm_of(uint32_t spi)
{
	return spi == AUTH_SPI_HMAC_SHA1 ? AUTH_HMAC_SHA1_96 : AUTH_HMAC_SHA256_128;
}

/* A context with the key in it. EVP_MAC_fetch() is the slow part: once per key. */
static EVP_MAC_CTX *make_ctx(enum auth_algorithm a, const void *secret, size_t len, int *ret_err)
{
	char digest[16];
	OSSL_PARAM params[2];
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx;

	if (!mac) {
		*ret_err = -ENOTSUP;
		return NULL;
	}
	ctx = EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac);	/* the context holds its own reference */
	if (!ctx) {
		*ret_err = -ENOMEM;
		return NULL;
	}
	memcpy(digest, algorithms[a].digest, strlen(algorithms[a].digest) + 1);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
	params[1] = OSSL_PARAM_construct_end();
	if (!EVP_MAC_init(ctx, secret, len, params)) {
		EVP_MAC_CTX_free(ctx);
		*ret_err = -ENOTSUP;
		return NULL;
	}
	return ctx;
}

int auth_key_init(struct auth_key *k, uint32_t spi, enum auth_algorithm a,
		  const void *secret, size_t len)
{
	EVP_MAC_CTX *ctx;
	int err = 0;

	if (len < AUTH_SECRET_MIN || len > AUTH_SECRET_MAX || a != auth_algorithm_of(spi))
		return -EINVAL;
	ctx = make_ctx(a, secret, len, &err);
	if (!ctx)
		return err;
	*k = (struct auth_key){ .spi = spi, .algorithm = a, .secret_len = len, .ctx = ctx };
	memcpy(k->secret, secret, len);
	return 0;
}

void auth_secret_str(const struct auth_key *k, char ret[AUTH_SECRET_STR])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < k->secret_len; i++) {
		*ret++ = digits[k->secret[i] >> 4];
		*ret++ = digits[k->secret[i] & 15];
	}
	*ret = '\0';
}

void auth_key_wipe(struct auth_key *k)
{
	EVP_MAC_CTX_free(k->ctx);	/* OpenSSL cleanses the key in there */
	OPENSSL_cleanse(k, sizeof(*k));
}

int auth_mn_ha(const struct auth_key *k, const struct in6_addr *coa,
	       const struct in6_addr *hoa, const uint8_t *mh, size_t covered, uint8_t *ret_mac)
{
	static const uint8_t zero[MH_CHECKSUM_END - MH_CHECKSUM_AT];
	uint8_t full[EVP_MAX_MD_SIZE];
	size_t n = 0;

	if (!k->ctx || covered < MH_CHECKSUM_END)
		return -EINVAL;
	/* RFC 4285 5.1: care-of address, home address, then the Mobility Header with a
	 * checksum of zero, up to and including the SPI of the option. */
	if (!EVP_MAC_init(k->ctx, NULL, 0, NULL) ||
	    !EVP_MAC_update(k->ctx, coa->s6_addr, sizeof(coa->s6_addr)) ||
	    !EVP_MAC_update(k->ctx, hoa->s6_addr, sizeof(hoa->s6_addr)) ||
	    !EVP_MAC_update(k->ctx, mh, MH_CHECKSUM_AT) ||
	    !EVP_MAC_update(k->ctx, zero, sizeof(zero)) ||
	    !EVP_MAC_update(k->ctx, mh + MH_CHECKSUM_END, covered - MH_CHECKSUM_END) ||
	    !EVP_MAC_final(k->ctx, full, &n, sizeof(full)) || n < auth_len(k->algorithm))
		return -EIO;
	memcpy(ret_mac, full, auth_len(k->algorithm));
	return 0;
}

bool auth_mn_ha_right(const struct auth_key *k, const struct in6_addr *coa,
		      const struct in6_addr *hoa, const uint8_t *mh, size_t covered,
		      const uint8_t *data, size_t len)
{
	uint8_t mac[EVP_MAX_MD_SIZE];

	return len == auth_len(k->algorithm) &&
	       auth_mn_ha(k, coa, hoa, mh, covered, mac) == 0 && auth_equal(mac, data, len);
}

bool auth_equal(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}
