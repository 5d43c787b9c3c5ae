/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Security associations that the home agent has given out (bootstrap.c): a table by SPI, and
 * by what each is good for. A key is good for one prefix (per-host: the lease's /64; shared: one
 * home address, a /128) at this home agent; it dies with the lease and when a newer one
 * of the same prefix has been used. Pure; owns the keys, wipes them.
 *
 *	current	good for its prefix until the end of its lifetime. Of several of one prefix
 *		the newest is the one that is meant; an older one stays good until a newer
 *		is used, and SA_GRACE after that was issued unless a binding needs it
 *	spent	its lifetime is over and there is no newer one: it is good for nothing, and kept
 *		for SA_SPENT so that who signs with it can be told so (RFC 6618 4.3), in memory
 *		only
 */
#ifndef DMIP6_HA_SA_H
#define DMIP6_HA_SA_H

#include "common/core/hash.h"
#include "common/wire/boot.h"
#include "ha-agent/ha.h"

#define SA_GRACE	(60 * USEC_S)	/* of an older one beside a newer that is not used */
#define SA_SPENT	(600 * USEC_S)
#define SA_OF_PREFIX	4		/* at one time */

struct sa {
	struct ha_key key;		/* key.sa points here; spi, secret, time stamp rule */
	struct in6_prefix prefix;	/* what it is good for */
	struct in6_addr ha;		/* our address that it was made for */
	enum boot_mode mode;
	char mn_id[BOOT_ID_MAX];	/* of the certificate or PSK; "" with on-link */
	usec_t until;			/* end of its lifetime */
	usec_t issued;
	uint64_t number;		/* the newer, the greater; clocks are set and set back */
	uint64_t timestamp;		/* the greatest accepted, NTP format; kept over restarts */
	bool used;			/* an authentic message came with it */
	bool spent;
	uint32_t place;			/* in the file; 0: nowhere */
	struct sa *older;		/* of the same prefix, until this one is used; or NULL */
	struct timer end;		/* of its lifetime, or of the older one's grace */
	struct ha *ha_of;		/* for the timer */
	UT_hash_handle by_spi, by_prefix;
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
	uint64_t number, timestamp;
	bool used;
	uint32_t place;
};

/* Is it one of those that are given out? */
static inline bool sa_is_spi(uint32_t spi)
{
	return spi >= BOOT_SPI_FIRST && spi <= BOOT_SPI_MAX;
}

/* An SPI that is not in use. */
uint32_t sa_fresh_spi(struct ha *ha);
/* Takes a new key for the prefix, and writes it down: a kill after this loses nothing. NULL:
 * no memory, the table is full, or it could not be written down. The secret is copied. */
struct sa *sa_issue(struct ha *ha, uint32_t spi, const struct in6_prefix *prefix,
		    const struct in6_addr *ha_addr, enum boot_mode mode, const char *mn_id,
		    const uint8_t secret[BOOT_KEY_LEN], usec_t until, usec_t now);
/* The key of that SPI, if its mode is one that is allowed; it may be spent. NULL: none. */
struct sa *sa_find(const struct ha *ha, uint32_t spi);
/* The newest that is good for the address; NULL: none. */
struct sa *sa_of_address(const struct ha *ha, const struct in6_addr *hoa);
/* How many there are for exactly this prefix, those that are spent too. */
unsigned int sa_count(const struct ha *ha, const struct in6_prefix *prefix);
/* For one more of this prefix; the oldest that nobody needs goes for it. */
bool sa_has_room(const struct ha *ha, const struct in6_prefix *prefix);
/* A message that is authentic and fresh came with it: the older ones of the prefix die; the time
 * stamp (0: none) is remembered, here and in the file. */
void sa_used(struct sa *s, uint64_t timestamp, usec_t now);
/* Wipes and forgets: the lease has gone, or an operator wants it. */
void sa_drop(struct sa *s, const char *why, usec_t now);
void sa_drop_prefix(struct ha *ha, const struct in6_prefix *prefix, const char *why, usec_t now);
/* All whose prefix lies in that one. */
void sa_drop_within(struct ha *ha, const struct in6_prefix *prefix, const char *why, usec_t now);
/* What an earlier run wrote down; leases are there already. 0; -ESTALE: its time is over, or a
 * newer one was used; -EINVAL: its prefix, lease or our address is not there any more; -EEXIST,
 * -ENOSPC, -ENOMEM. */
int sa_restore(struct ha *ha, const struct sa_record *r, usec_t now);
void sa_free_all(struct ha *ha);
/* Calls fn for each, for showing. */
void sa_each(const struct ha *ha, void (*fn)(void *ctx, const struct sa *s), void *ctx);

#endif
