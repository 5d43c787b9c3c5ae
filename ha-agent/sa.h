/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Security associations that the home agent has given out (bootstrap.c): a table by SPI, and
 * by what each is good for. A key is good for one prefix (per-host: the lease's /64; shared: one
 * home address, a /128) at this home agent; it dies with the lease and when a newer one
 * of the same prefix has been used. Pure; owns the keys, wipes them.
 */
#ifndef DMIP6_HA_SA_H
#define DMIP6_HA_SA_H

#include "common/core/hash.h"
#include "common/wire/boot.h"
#include "ha-agent/ha.h"

#define SA_GRACE	(60 * USEC_S)	/* of an older one, while the newer is not used */

struct sa {
	struct ha_key key;		/* key.sa points here; spi, secret, time stamp rule */
	struct in6_prefix prefix;	/* what it is good for */
	struct in6_addr ha;		/* our address that it was made for */
	enum boot_mode mode;
	char mn_id[BOOT_ID_MAX];	/* of the certificate or PSK; "" with on-link */
	usec_t until;			/* end of its lifetime */
	usec_t issued;
	uint64_t timestamp;		/* the greatest accepted, NTP format; kept over restarts */
	bool used;			/* an authentic message came with it */
	uint32_t place;			/* in the file; 0: nowhere yet */
	struct sa *older;		/* of the same prefix, until this one is used; or NULL */
	struct timer end;		/* of its lifetime, or of the older one's grace */
	struct ha *ha_of;		/* for the timer */
	UT_hash_handle by_spi, by_prefix;
};

struct sa_table {
	struct sa *by_spi, *by_prefix;	/* the newest of each prefix */
	unsigned int n, max;
};

/* What outlives the daemon; times in the clock of `now`. Holds the secret: wipe it. */
struct sa_record {
	uint32_t spi;
	struct in6_prefix prefix;
	struct in6_addr ha;
	enum boot_mode mode;
	char mn_id[BOOT_ID_MAX];
	uint8_t secret[BOOT_KEY_LEN];
	usec_t issued, until;
	uint64_t timestamp;
	bool used;
	uint32_t place;
};

/* An SPI that is not in use. */
uint32_t sa_fresh_spi(struct ha *ha);
/* Takes a new key for the prefix, and writes it down (durable before the response leaves). NULL:
 * no memory, or the table is full. The secret is copied. */
struct sa *sa_issue(struct ha *ha, uint32_t spi, const struct in6_prefix *prefix,
		    const struct in6_addr *ha_addr, enum boot_mode mode, const char *mn_id,
		    const uint8_t secret[BOOT_KEY_LEN], usec_t until, usec_t now);
struct sa *sa_find(const struct ha *ha, uint32_t spi);			/* NULL: none */
/* The newest that is good for the address; NULL: none. */
struct sa *sa_of_address(const struct ha *ha, const struct in6_addr *hoa);
/* An authentic message with it was accepted: the older one of the prefix dies; the time stamp
 * (0: none) is remembered, here and in the file. */
void sa_used(struct sa *s, uint64_t timestamp, usec_t now);
/* Wipes and forgets: the lease has gone, or an operator wants it. */
void sa_drop(struct sa *s, const char *why);
void sa_drop_prefix(struct ha *ha, const struct in6_prefix *prefix, const char *why);
int sa_restore(struct ha *ha, const struct sa_record *r, usec_t now);	/* 0, -ESTALE, ... */
void sa_free_all(struct ha *ha);
/* Calls fn for each, for showing. */
void sa_each(const struct ha *ha, void (*fn)(void *ctx, const struct sa *s), void *ctx);

#endif
