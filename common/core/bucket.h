/* SPDX-License-Identifier: BSD-2-Clause */
/* A token bucket: how often something may be done (RFC 4443 2.4 f). */
#ifndef DMIP6_CORE_BUCKET_H
#define DMIP6_CORE_BUCKET_H

#include "common/core/timer.h"

/* Takes a token; false: there is none. One comes each `period`, up to `burst`; *at is when the
 * last of those came, both are the caller's to keep. */
static inline bool bucket_take(unsigned int *tokens, usec_t *at, unsigned int burst,
			       usec_t period, usec_t now)
{
	usec_t gained = (now - *at) / period;

	if (gained >= burst - *tokens) {
		*tokens = burst;
		*at = now;
	} else if (gained > 0) {
		*tokens += (unsigned int)gained;
		*at += gained * period;
	}
	if (*tokens == 0)
		return false;
	--*tokens;
	return true;
}

#endif
