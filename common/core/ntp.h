/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The time of day as time stamps of RFC 4285 6 have it: NTP's 64 bits (RFC 5905 6), seconds
 * since 1900 modulo 2^32 and their fraction. Differences are right in either era.
 */
#ifndef DMIP6_CORE_NTP_H
#define DMIP6_CORE_NTP_H

#include <stdint.h>

#include "common/core/timer.h"

#define NTP_EPOCH_S	UINT64_C(2208988800)	/* from 1900 to 1970 */

/* From microseconds since 1970. */
static inline uint64_t ntp_time(int64_t wall_us)
{
	uint64_t us = (uint64_t)wall_us;

	return (us / USEC_S + NTP_EPOCH_S) << 32 | ((us % USEC_S) << 32) / USEC_S;
}

#endif
