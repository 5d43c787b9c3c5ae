/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is remembered of bindings that are over, so that a Binding Update that made one, and that
 * somebody has recorded, makes none again: the last sequence number and the greatest time
 * stamp of each home address (RFC 6275 9.5.1 and 15.3, RFC 4285 6), kept over restarts.
 *
 * Time stamps are remembered one by one only until their age alone refuses them. From then on one
 * number for all does, the floor: the greatest that was forgotten. Nothing at or below it is
 * new, whatever the clock does. Where a key does not require time stamps the number is all there
 * is, and is kept for as long as the key is good for the address, and the lease is there.
 *
 * There are max-bindings of them at most; the oldest makes room.
 */
#ifndef DMIP6_HA_PAST_H
#define DMIP6_HA_PAST_H

#include <stdbool.h>
#include <sys/queue.h>

#include "common/core/hash.h"
#include "common/core/in6.h"
#include "common/core/timer.h"

struct binding;
struct ha;
struct ha_binding_record;

struct past {
	UT_hash_handle by_hoa;
	struct in6_addr hoa;		/* key */
	uint64_t timestamp;		/* greatest; 0: there was none */
	usec_t until;			/* when it is looked at again */
	uint32_t spi;			/* of the key that signed; never 0 */
	uint32_t place;			/* where it is written down */
	uint16_t sequence;
	bool brief;			/* its key requires time stamps: the floor will do */
	TAILQ_ENTRY(past) entry;
};

TAILQ_HEAD(past_list, past);

struct pasts {
	struct past *by_hoa;
	struct past_list brief, lasting;	/* in the order of `until` */
	unsigned int n, max;
	uint64_t floor;			/* greatest time stamp that was forgotten; 0: none */
	struct timer review;
};

void past_init(struct ha *ha);
void past_free(struct ha *ha);
const struct past *past_find(const struct ha *ha, const struct in6_addr *hoa);
/* The binding is about to be freed. True: it is remembered, and its place in the file with it. */
bool past_keep(const struct binding *b, usec_t now);
/* A new entry for a home address: has what was remembered from now on, and the place. */
void past_recall(struct binding *b);
/* Of an earlier run, and over. 1; -ESTALE: it is of no use any more, -ENOMEM. */
int past_restore(struct ha *ha, const struct ha_binding_record *r, usec_t now);
/* The floor of an earlier run. */
void past_restore_floor(struct ha *ha, uint64_t floor);
/* A record with this time stamp (0: none) is dropped. */
void past_forgotten(struct ha *ha, uint64_t timestamp);

#endif
