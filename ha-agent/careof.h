/* SPDX-License-Identifier: BSD-2-Clause */
/* Tokens that come back from a care-of address if it can be reached (RFC 4866 3.4, 4.1). */
#ifndef DMIP6_HA_CAREOF_H
#define DMIP6_HA_CAREOF_H

#include "ha-agent/ha.h"

void careof_free(struct ha *ha);
/* What goes to the care-of address, in an acknowledgement. */
void careof_token(struct ha *ha, const struct in6_addr *hoa, const struct in6_addr *coa, usec_t now,
		  uint8_t ret[MH_CARE_OF_TOKEN]);
/* Was it sent there, not long ago? */
bool careof_right(struct ha *ha, const struct in6_addr *hoa, const struct in6_addr *coa, usec_t now,
		  const uint8_t token[MH_CARE_OF_TOKEN]);

#endif
