/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is to be said to a Proxy Binding Update: RFC 5213 5.3.1, 5.4.1 and 5.5 as one pure
 * function. Who asks is another access router, on behalf of a host that has a prefix from
 * here and is on a link of that router now.
 */
#ifndef DMIP6_HA_PBU_H
#define DMIP6_HA_PBU_H

#include "common/core/auth.h"
#include "common/core/timer.h"
#include "common/wire/ext.h"
#include "common/wire/mh.h"

struct binding;
struct lease;

/* RFC 5213 9.1 */
#define PBU_TIMESTAMP_WINDOW	(300 * USEC_MS)	/* TimestampValidityWindow */

/* Another router, and the key that only it and this one have. RFC 4285 5 does not say what a
 * Proxy Binding Update is signed for, as it has no home address: here the care-of address is
 * that of the router, the home address that of the one which is asked. */
struct ha_peer {
	struct in6_addr address;
	struct auth_key auth;
};

enum pbu_reason {
	/* accepted */
	PBU_REGISTER,
	PBU_DEREGISTER,
	PBU_NO_BINDING,			/* de-registration of what is not registered any more */
	/* dropped without an answer */
	PBU_UNKNOWN_ROUTER,
	PBU_NO_AUTH,
	PBU_AUTH_ORDER,
	PBU_UNKNOWN_SPI,
	PBU_LIMITED,
	PBU_BAD_AUTH,
	PBU_NOT_CURRENT,		/* de-registration by a router that the host has left */
	/* refused */
	PBU_NO_MN_ID,			/* 160 */
	PBU_NOT_ANCHOR,			/* 153: no host of that name has a prefix from here */
	PBU_NOT_ENABLED,		/* 152 */
	PBU_TIMESTAMP_MISMATCH,		/* 156 */
	PBU_TIMESTAMP_LOWER,		/* 157 */
	PBU_MOVED_ON,			/* 157: extended by a router that the host has left */
	PBU_SEQUENCE,			/* 135 */
	PBU_NO_PREFIX,			/* 158 */
	PBU_NO_HANDOFF,			/* 161 */
	PBU_NO_ACCESS_TYPE,		/* 162 */
	PBU_NO_HOME_REG,		/* 131 */
	PBU_ASKS_FOR_PREFIX,		/* 130 */
	PBU_NOT_AUTHORIZED,		/* 155 */
	PBU_PREFIX_SET,			/* 159 */
	PBU_COA,			/* 174 */
	PBU_REVOKING,			/* 129 */
	PBU_DRAINING,			/* 129 */
	PBU_TABLE_FULL,			/* 130 */
	PBU_DATAPATH,			/* 128, found out while carrying it out */
	PBU_MAX
};
const char *pbu_name(enum pbu_reason r);	/* counter: "sequence" */
const char *pbu_text(enum pbu_reason r);	/* sentence for people */
uint8_t pbu_status(enum pbu_reason r);
bool pbu_is_drop(enum pbu_reason r);		/* nothing is answered */

/* What is known of one home network prefix option. */
struct pbu_prefix {
	const struct lease *lease;	/* whose prefix is exactly that; NULL: none */
	const struct binding *binding;	/* of the prefix, for that interface; NULL: none */
	bool of_mn;			/* the lease is that of the host that is named */
	bool no_way;			/* it has as many ways already as there may be */
};

struct pbu_in {
	const struct ip6_packet *ip;
	const struct mh_msg *msg;	/* a Binding Update with the P flag */
	const uint8_t *mh;		/* its octets, for the authenticator */
	const struct ha_peer *peer;	/* that has the source address; NULL: none */
	bool too_many_wrong;		/* its authenticator is not to be computed (limit.c) */
	bool mn_known;			/* the host that is named has a lease here */
	bool mn_refused;		/* by policy it gets no mobility service */
	/* In the order of the message's options. */
	struct pbu_prefix prefixes[MH_PREFIXES_MAX];
	unsigned int n_bound;		/* prefixes of this interface that are bound */
	unsigned int room;		/* in the binding cache */
	bool draining;			/* nothing new is begun */
	usec_t max_lifetime;
	usec_t window;			/* "close enough" for a time stamp */
	uint64_t wall;			/* time of day as RFC 5213 8.8 has it */
};

struct pbu_verdict {
	enum pbu_reason reason;
	uint8_t status;
	uint16_t sequence;		/* for the acknowledgement */
	uint16_t lifetime;		/* granted, units of 4 s */
	uint64_t timestamp;		/* for the acknowledgement, if the update has one */
};

/* Microseconds since 1970 as RFC 5213 8.8 has them: 48 bits of seconds, 16 of fractions. */
uint64_t pbu_time(int64_t wall_us);
/* Are these no farther apart than that? */
bool pbu_time_close(uint64_t a, uint64_t b, usec_t window);
void pbu_verdict(const struct pbu_in *in, struct pbu_verdict *ret);

#endif
