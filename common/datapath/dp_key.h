/* SPDX-License-Identifier: BSD-2-Clause */
/* The inner prefix of a binding as the key of a hash: struct in6_prefix has gaps. For the
 * backends. */
#ifndef DMIP6_DATAPATH_DP_KEY_H
#define DMIP6_DATAPATH_DP_KEY_H

#include <string.h>

#include "common/core/in6.h"

struct dp_key { uint8_t octets[sizeof(struct in6_addr) + 1]; };

static inline struct dp_key dp_key(const struct in6_prefix *inner)
{
	struct dp_key key;

	memcpy(key.octets, &inner->addr, sizeof(inner->addr));
	key.octets[sizeof(inner->addr)] = inner->len;
	return key;
}

#endif
