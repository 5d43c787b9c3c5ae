/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uthash with a keyed hash (SipHash-2-4): a peer that chooses its addresses cannot
 * choose its bucket. Include this instead of <uthash.h>.
 */
#ifndef DMIP6_CORE_HASH_H
#define DMIP6_CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_FUNCTION(keyptr, keylen, hashv) ((hashv) = hash_keyed((keyptr), (keylen)))
#include <uthash.h>

/* A table doubles when a chain is as long as this: with 100,000 elements two places an
 * element, where uthash's ten make four elements a place, each a cold cache line. */
#undef HASH_BKT_CAPACITY_THRESH
#define HASH_BKT_CAPACITY_THRESH	7U

/* Sets the key, once, before the first table; without it the key is zero (simulation). */
void hash_seed(const uint8_t key[16]);
unsigned int hash_keyed(const void *data, size_t len);

#endif
