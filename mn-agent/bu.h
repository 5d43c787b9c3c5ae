/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packets of a registration and of its end: Binding Update out, Binding Acknowledgement
 * in; Binding Revocation Indication in, its acknowledgement out. Pure.
 */
#ifndef DMIP6_MN_BU_H
#define DMIP6_MN_BU_H

#include "common/core/auth.h"
#include "common/wire/ext.h"
#include "common/wire/mh.h"

#define BU_PACKET_MAX	256

struct bu_params {
	struct in6_addr hoa, coa, ha;	/* coa == hoa: at home, de-registration */
	uint16_t seq;
	uint32_t lifetime_s;		/* 0: de-registration; rounded down to units of 4 s */
	bool link_local;		/* L flag: RFC 6275 11.7.1 */
	bool has_timestamp;
	uint64_t timestamp;		/* RFC 4285 6 */
	bool care_of_test_init;		/* RFC 4866 5.4: a token is asked for, */
	const uint8_t *care_of_token;	/* and this one has come; NULL: none */
};

/* Appends the whole IPv6 packet, authenticated with key, or (NULL) not at all. 0, -ENOSPC,
 * -EINVAL, -EIO. */
int bu_build(struct wbuf *w, const struct bu_params *p, const struct auth_key *key);

enum ba_verdict {
	BA_GOOD,
	BA_NO_AUTH,		/* no MN-HA authentication option, or not the last one */
	BA_WRONG_SPI,
	BA_WRONG_AUTH,
};

/* Is this acknowledgement, or indication, from the holder of the key, if one is needed (not
 * NULL)? mh: the raw Mobility
 * Header that was decoded into msg. RFC 4285 5.1: care-of and home address are those of the
 * BU. */
enum ba_verdict ba_check(const struct mh_msg *msg, const uint8_t *mh, size_t len,
			 const struct in6_addr *coa, const struct in6_addr *hoa,
			 const struct auth_key *key);

/* What is answered to an indication about a home address that is registered: enum
 * mh_br_status, BR_SUCCESS if its binding has ended (RFC 5846 6.2.1 and 10). */
uint8_t bri_status(const struct mh_msg *bri);
/* Appends the answer to it, authenticated with key as above. 0, -ENOSPC, -EINVAL, -EIO. */
struct bra_params {
	struct in6_addr hoa, coa, ha;
	const struct mh_br *bri;
	uint8_t status;
	bool has_timestamp;		/* that of the indication goes back (as RFC 4285 6 has it */
	uint64_t timestamp;		/* for acknowledgements) */
};
int bra_build(struct wbuf *w, const struct bra_params *p, const struct auth_key *key);

#endif
