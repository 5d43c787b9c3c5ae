/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stands in for common/core/auth.c in a fuzz target: every authenticator of the right length is
 * right, so that inputs get behind it. Whoever makes them can so sign with every key there is.
 */
#include <errno.h>
#include <string.h>

#include "common/core/auth.h"

int auth_key_init(struct auth_key *k, uint32_t spi, enum auth_algorithm a, const void *secret,
		  size_t len)
{
	if (len < AUTH_SECRET_MIN || len > AUTH_SECRET_MAX || a != auth_algorithm_of(spi))
		return -EINVAL;
	*k = (struct auth_key){ .spi = spi, .algorithm = a, .secret_len = len };
	memcpy(k->secret, secret, len);
	return 0;
}

void auth_key_wipe(struct auth_key *k)
{
	memset(k, 0, sizeof(*k));
}

enum auth_algorithm auth_algorithm_of(uint32_t spi)
{
	return spi == AUTH_SPI_HMAC_SHA1 ? AUTH_HMAC_SHA1_96 : AUTH_HMAC_SHA256_128;
}

size_t auth_len(enum auth_algorithm a)
{
	return a == AUTH_HMAC_SHA1_96 ? 12 : 16;
}

int auth_mn_ha(const struct auth_key *k, const struct in6_addr *coa, const struct in6_addr *hoa,
	       const uint8_t *mh, size_t covered, uint8_t *ret_mac)
{
	(void)coa;
	(void)hoa;
	/* What would be read is read. */
	ret_mac[0] = covered > 0 ? mh[covered - 1] : 0;
	memset(ret_mac, 0, auth_len(k->algorithm));
	return 0;
}

bool auth_mn_ha_right(const struct auth_key *k, const struct in6_addr *coa,
		      const struct in6_addr *hoa, const uint8_t *mh, size_t covered,
		      const uint8_t *data, size_t len)
{
	uint8_t mac[16];

	(void)data;
	return len == auth_len(k->algorithm) && auth_mn_ha(k, coa, hoa, mh, covered, mac) == 0;
}

bool auth_equal(const void *a, const void *b, size_t n)
{
	return memcmp(a, b, n) == 0;
}
