/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The test of a care-of address: RFC 4866 3.4 and 4.1, between a mobile node and its home agent.
 * The acknowledgement of its first Binding Update from there carries a token, and the next Binding
 * Update brings it back. Nothing waits for that; until then what goes there has a credit only
 * (RFC 4866 3.5, common/datapath/dp_ruleset.c). Called by update.c.
 *
 * Nothing is kept of a token: it is a MAC over the home address, the care-of address's /64 and the
 * time: who has been on a link has shown it for whichever address he has there next. The key is
 * of this run, so after a restart who has an older one is given another. Unlike RFC 4866 the token
 * goes back as it is: a Binding Update is authenticated anyway.
 */
#include "ha-agent/careof.h"

#include <string.h>

/* Tokens of one are alike, and good to the end of the next: RFC 6275 5.2.7 and 12, where those
 * of care-of tests are good for MAX_NONCE_LIFETIME, 240 s, at most. */
#define PERIOD		(120 * USEC_S)
#define PURPOSE		16		/* octets under the MAC beside the addresses */

/* Made when it is needed first. */
static bool have_key(struct ha *ha)
{
	uint64_t secret[4];
	int err;

	if (ha->care_of_key.ctx)
		return true;
	for (unsigned int i = 0; i < 4; i++)
		ha->ops->random(ha->ctx, &secret[i], sizeof(secret[i]));
	err = auth_key_init(&ha->care_of_key, AUTH_SPI_FIRST, AUTH_HMAC_SHA256_128, secret,
			    sizeof(secret));
	explicit_bzero(secret, sizeof(secret));
	return err == 0;
}

void careof_free(struct ha *ha)
{
	auth_key_wipe(&ha->care_of_key);
}

static bool make(struct ha *ha, const struct in6_addr *hoa, const struct in6_addr *coa,
		 int64_t period, uint8_t ret[MH_CARE_OF_TOKEN])
{
	uint8_t what[PURPOSE] = { 0 }, mac[MH_AUTH_MAX];
	struct in6_addr link = *coa;

	in6_mask(&link, 64);
	memcpy(what + PURPOSE - sizeof(period), &period, sizeof(period));
	if (!have_key(ha) || auth_mn_ha(&ha->care_of_key, &link, hoa, what, sizeof(what), mac) < 0)
		return false;
	memcpy(ret, mac, MH_CARE_OF_TOKEN);
	return true;
}

void careof_token(struct ha *ha, const struct in6_addr *hoa, const struct in6_addr *coa, usec_t now,
		  uint8_t ret[MH_CARE_OF_TOKEN])
{
	/* Without one nothing that comes back is right: the limit stays. */
	if (!make(ha, hoa, coa, now / PERIOD, ret))
		memset(ret, 0, MH_CARE_OF_TOKEN);
}

bool careof_right(struct ha *ha, const struct in6_addr *hoa, const struct in6_addr *coa, usec_t now,
		  const uint8_t token[MH_CARE_OF_TOKEN])
{
	uint8_t right[MH_CARE_OF_TOKEN];

	for (int64_t before = 0; before < 2; before++)
		if (make(ha, hoa, coa, now / PERIOD - before, right) &&
		    auth_equal(right, token, sizeof(right)))
			return true;
	return false;
}
