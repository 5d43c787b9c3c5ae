/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Authenticators of RFC 4285 section 5. auth.c is the only file that includes
 * OpenSSL's HMAC. The context of a key is keyed once and kept.
 */
#ifndef DMIP6_CORE_AUTH_H
#define DMIP6_CORE_AUTH_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUTH_SPI_HMAC_SHA1	3	/* RFC 4285 8 */
#define AUTH_SPI_FIRST		256	/* 0-255 are reserved; ours start here */
/* Those that home agents give out (RFC 6618 5.6.1); no configured key has one. */
#define AUTH_SPI_GIVEN_FIRST	0x01000000
#define AUTH_SPI_GIVEN_LAST	0x0fffffff
#define AUTH_SECRET_MAX		64
#define AUTH_SECRET_MIN		16

enum auth_algorithm {
	AUTH_HMAC_SHA1_96,		/* SPI 3 alone: interoperation */
	AUTH_HMAC_SHA256_128,		/* ours: by agreement on SPIs from 256 up */
};

struct auth_key {
	uint32_t spi;
	enum auth_algorithm algorithm;
	uint8_t secret[AUTH_SECRET_MAX];
	size_t secret_len;
	void *ctx;			/* keyed, owned */
};

const char *auth_algorithm_name(enum auth_algorithm a);	/* "hmac-sha-256-128" */
int auth_algorithm_parse(const char *s, enum auth_algorithm *ret);	/* 0, -EINVAL */
size_t auth_len(enum auth_algorithm a);			/* octets of authentication data */
/* RFC 4285 8: the SPI decides, and nothing in a message can. */
enum auth_algorithm auth_algorithm_of(uint32_t spi);

/* Copies the secret. 0, -EINVAL (its length; an algorithm that the SPI does not have), -ENOMEM,
 * -ENOTSUP (no such digest). */
int auth_key_init(struct auth_key *k, uint32_t spi, enum auth_algorithm a,
		  const void *secret, size_t len);
void auth_key_wipe(struct auth_key *k);
/* MAC over care-of address | home address | the first `covered` octets of the MH, its
 * checksum taken as zero (RFC 4285 5.1). Writes auth_len() octets. 0, -EINVAL, -EIO. */
int auth_mn_ha(const struct auth_key *k, const struct in6_addr *coa,
	       const struct in6_addr *hoa, const uint8_t *mh, size_t covered, uint8_t *ret_mac);
/* Are these len octets that MAC? In constant time. */
bool auth_mn_ha_right(const struct auth_key *k, const struct in6_addr *coa,
		      const struct in6_addr *hoa, const uint8_t *mh, size_t covered,
		      const uint8_t *data, size_t len);
#define AUTH_SECRET_STR	(2 * AUTH_SECRET_MAX + 1)
void auth_secret_str(const struct auth_key *k, char ret[AUTH_SECRET_STR]);	/* hexadecimal */
bool auth_equal(const void *a, const void *b, size_t n);	/* in constant time */

#endif
