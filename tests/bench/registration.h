/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mobile nodes of the registration benchmark by number: addresses that generator and
 * reference agree on. registration.py gives out the same prefixes.
 */
#ifndef DMIP6_TESTS_BENCH_REGISTRATION_H
#define DMIP6_TESTS_BENCH_REGISTRATION_H

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#define BENCH_STRIDE	7919	/* prime: shares nothing with a power of ten */

static inline void bench_put32(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 24);
	at[1] = (uint8_t)(v >> 16);
	at[2] = (uint8_t)(v >> 8);
	at[3] = (uint8_t)v;
}

/* Node i has the /64 number i + 1 of 2001:db8::/32; the first is the home agent's own. */
static inline struct in6_addr bench_hoa(uint32_t index)
{
	struct in6_addr a = { .s6_addr = { 0x20, 0x01, 0x0d, 0xb8, [8] = 2, [11] = 0xff,
					   [12] = 0xfe, [15] = 1 } };

	bench_put32(&a.s6_addr[4], index + 1);
	return a;
}

static inline uint32_t bench_index(const struct in6_addr *hoa)
{
	const uint8_t *p = &hoa->s6_addr[4];

	return ((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]) - 1;
}

/* Where it is in the generation-th round of moves: RFC 9637's prefix. */
static inline struct in6_addr bench_coa(uint32_t index, uint32_t generation)
{
	struct in6_addr a = { .s6_addr = { 0x3f, 0xff, [4] = (uint8_t)(generation >> 8),
					   [5] = (uint8_t)generation } };

	bench_put32(&a.s6_addr[12], index + 1);
	return a;
}

/* The n-th node in an order that has nothing to do with that of their numbers. */
static inline uint32_t bench_spread(uint32_t n, uint32_t population)
{
	return (uint32_t)((uint64_t)n * BENCH_STRIDE % population);
}

#endif
