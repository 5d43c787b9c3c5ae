/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verdict on a Binding Update: a pure function of the message, what is known of its
 * home address, the key and the policy. Order of the tests: RFC 6275 9.5.1, RFC 4285 5,
 * RFC 6275 10.3.1 or 10.3.2.
 */
#ifndef DMIP6_HA_VERDICT_H
#define DMIP6_HA_VERDICT_H

#include "common/core/auth.h"
#include "common/core/in6.h"
#include "common/core/timer.h"
#include "common/wire/ext.h"
#include "common/wire/mh.h"

struct binding;
struct ha_home;
struct lease;
struct past;
struct ha_key;

enum verdict_reason {
	/* accepted */
	VERDICT_REGISTER,
	VERDICT_DEREGISTER,
	/* dropped without an answer (9.5.1, RFC 4285 5) */
	VERDICT_SOURCE,
	VERDICT_NO_HAO,
	VERDICT_HOA_UNROUTABLE,
	VERDICT_COA_UNROUTABLE,
	VERDICT_NONCE_INDICES,
	VERDICT_NO_AUTH,
	VERDICT_AUTH_ORDER,
	VERDICT_UNKNOWN_SPI,
	VERDICT_LIMITED,
	VERDICT_BAD_AUTH,
	VERDICT_NOT_HOME_REG,
	VERDICT_NOT_PROTECTED,		/* by IPsec, where that is asked for */
	VERDICT_NO_ALT_COA,
	/* refused */
	VERDICT_AUTH_FAIL,		/* 146, instead of VERDICT_BAD_AUTH where configured */
	VERDICT_OTHER_MN,		/* 133 */
	VERDICT_OTHER_KEY,		/* 129 */
	VERDICT_DOWNGRADE,		/* 129 */
	VERDICT_OTHER_PREFIX,		/* 133, and so on: of keys that were given out */
	VERDICT_OTHER_ADDRESS,		/* 133 */
	VERDICT_KEY_EXPIRED,		/* 176 */
	VERDICT_NO_TIMESTAMP,		/* 145 */
	VERDICT_TIMESTAMP,		/* 144 */
	VERDICT_SEQUENCE,		/* 135 */
	VERDICT_TYPE_CHANGE,		/* 139 */
	VERDICT_NONCES,			/* 138 */
	VERDICT_HOME_NONCE,		/* 136 */
	/* refused although valid: the sequence number counts (9.5.1) */
	VERDICT_NO_BINDING,		/* 133, de-registration */
	VERDICT_NO_HOME_REG,		/* 131 */
	VERDICT_NOT_SUBNET,		/* 132 */
	VERDICT_OTHER_HOME,		/* 132 */
	VERDICT_HOA_RESERVED,		/* 129 */
	VERDICT_NOT_ALLOCATED,		/* 132 */
	VERDICT_LEASE_OVER,		/* 132 */
	VERDICT_COA_AT_HOME,		/* 129 */
	VERDICT_COA_IS_HA,		/* 129 */
	VERDICT_COA_BOUND,		/* 129 */
	VERDICT_REVOKING,		/* 129 */
	VERDICT_TABLE_FULL,		/* 130 */
	VERDICT_MN_LIMIT,		/* 130 */
	VERDICT_DUPLICATE,		/* 134, found out by duplicate address detection */
	VERDICT_DATAPATH,		/* 128, found out while carrying it out */
	VERDICT_MAX
};
const char *verdict_name(enum verdict_reason r);	/* counter: "sequence" */
const char *verdict_text(enum verdict_reason r);	/* sentence for people */
uint8_t verdict_status(enum verdict_reason r);		/* status of the acknowledgement */
bool verdict_is_drop(enum verdict_reason r);		/* nothing is answered */
/* Genuine and newer than what came before: its sequence number is the last one now. */
bool verdict_is_valid(enum verdict_reason r);

struct verdict_policy {
	usec_t max_lifetime;
	unsigned int bindings_per_lease;
	bool answer_auth_failure;
	bool ipsec_required;		/* nothing else is heard */
	bool no_new_bindings;		/* those that are there may be refreshed and moved */
};

struct verdict_in {
	const struct ip6_packet *ip;	/* the packet's header */
	const struct mh_msg *msg;	/* the Binding Update */
	const uint8_t *mh;		/* its octets, for the authenticator */
	const struct ha_key *key;	/* of its SPI; NULL: unknown, or it has none */
	bool has_better_key;		/* SPI 3, and the host has a key that is none of it */
	bool may_be_unauthenticated;	/* it need not have any */
	bool protected_by_ipsec;	/* the kernel took it out of ESP, for its home address */
	const struct ha_home *home;	/* whose prefix holds the home address; NULL: none */
	bool to_other_home;		/* the update went to our address of another one */
	const struct binding *binding;	/* of its home address; NULL: none */
	const struct past *past;	/* what an earlier one has left; NULL: nothing */
	uint64_t greatest;		/* time stamp that one must be newer than; 0: any is */
	const struct lease *lease;	/* whose prefix holds the home address; NULL: none, or
					 * the prefix is shared */
	usec_t prefix_left;		/* how long the home address's prefix is valid yet */
	bool prefix_deprecated;
	bool hoa_is_ours;		/* the home address is the home agent's own */
	bool coa_is_ours;		/* the care-of address is the home agent's own */
	bool coa_is_bound;		/* the care-of address is itself a bound home address */
	bool too_many_wrong;		/* its authenticator is not to be computed (limit.c) */
	bool cache_full;
	bool key_of_binding_stands;	/* the key that made the binding is there still */
	const struct verdict_policy *policy;
	usec_t now;
	uint64_t wall;			/* time of day as RFC 4285 6 has it: NTP format */
};

struct verdict {
	enum verdict_reason reason;
	uint8_t status;
	uint16_t sequence;		/* for the acknowledgement */
	uint16_t lifetime;		/* granted, units of 4 s */
	uint64_t mesg_id;		/* for the acknowledgement, if the update has one */
	bool proven;			/* signed by a key that may do so, and fresh */
	struct in6_addr hoa, coa;	/* as RFC 6275 9.5.1 determines them */
};

/* May the key move this home address? lease: whose prefix holds it; NULL: none. */
bool verdict_key_allows(const struct ha_key *key, const struct in6_addr *hoa,
			const struct lease *lease);
/* How closely a key is meant for it: 0 not at all, 1 for everybody's, 2 for its host's, 3 for
 * this home address. */
int verdict_key_rank(const struct ha_key *key, const struct in6_addr *hoa,
		     const struct lease *lease);
/* Home and care-of address of a Binding Update (RFC 6275 9.5.1, at the end). */
void verdict_addresses(const struct ip6_packet *ip, const struct mh_msg *msg,
		       struct in6_addr *ret_hoa, struct in6_addr *ret_coa);
void verdict(const struct verdict_in *in, struct verdict *ret);

#endif
