/* SPDX-License-Identifier: BSD-2-Clause */
/* Sequence numbers of Binding Updates: compared modulo 2^16 (RFC 6275 9.5.1). */
#ifndef DMIP6_CORE_SEQ_H
#define DMIP6_CORE_SEQ_H

#include <stdbool.h>
#include <stdint.h>

/* RFC 6275 9.5.1: a is newer than b if it lies in the 32767 numbers after b; the
 * same number, and the 32768 before it, are not newer. */
static inline bool seq_newer(uint16_t a, uint16_t b)
{
	return (uint16_t)(a - b) - 1u < 32767u;
}

#endif
