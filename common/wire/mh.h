/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page: Mobility Header numbers, constants and decoded messages.
 * RFC 6275 sections 6.1, 6.2 and 12; RFC 4285 for the authentication options;
 * RFC 4283 for the mobile node identifier; RFC 5846 for binding revocation; RFC 5213 section 8
 * for Proxy Binding Updates; RFC 5847 for heartbeats. Decoded structures are host order and hold
 * no pointer into the packet.
 */
#ifndef DMIP6_WIRE_MH_H
#define DMIP6_WIRE_MH_H

#include "common/wire/buf.h"

#define MH_NEXT_HEADER		135	/* RFC 6275 6.1.1 */
#define MH_FIXED_LEN		6	/* proto, length, type, reserved, checksum */
#define MH_MAX_LEN		2048	/* (255 + 1) * 8 */

/* RFC 6275 section 12 */
#define MIP6_LIFETIME_UNIT_S		4
#define MIP6_INITIAL_BINDACK_TIMEOUT_MS	1000
#define MIP6_INITIAL_BINDACK_FIRST_MS	1500	/* first registration, 11.8 */
#define MIP6_MAX_BINDACK_TIMEOUT_MS	32000
#define MIP6_MAX_UPDATE_RATE		3	/* per second */
#define MIP6_MAX_DELETE_BCE_TIMEOUT_MS	10000
#define MIP6_PREFIX_ADV_RETRIES		3	/* retransmissions */
#define MIP6_PREFIX_ADV_TIMEOUT_S	3

/* RFC 5846 section 11 */
#define BRI_MAX_RETRIES			1	/* BRIMaxRetriesNumber */
#define BRI_INIT_MIN_DELAY_MS		1000	/* InitMINDelayBRIs */
#define BRI_MAX_BRACK_TIMEOUT_MS	2000	/* MAX_BRACK_TIMEOUT */

/* RFC 5847 section 5, in seconds */
#define HEARTBEAT_INTERVAL_S		60	/* HEARTBEAT_INTERVAL: the default, */
#define HEARTBEAT_INTERVAL_MIN_S	30	/* and what it may be */
#define HEARTBEAT_INTERVAL_MAX_S	3600
#define HEARTBEAT_MISSING_ALLOWED	3	/* MISSING_HEARTBEATS_ALLOWED */

enum mh_type {
	MH_BRR = 0, MH_HOTI = 1, MH_COTI = 2, MH_HOT = 3, MH_COT = 4,
	MH_BU = 5, MH_BA = 6, MH_BE = 7,
	MH_HEARTBEAT = 13,		/* RFC 5847 */
	MH_BR = 16,			/* RFC 5846: revocation, either type */
};

enum mh_bu_flag {
	BU_ACK = 0x8000, BU_HOME = 0x4000, BU_LLOCAL = 0x2000, BU_KEYMGMT = 0x1000,
	BU_PROXY = 0x0200,		/* RFC 5213 8.1 */
};

enum mh_ba_flag {
	BA_KEYMGMT = 0x80,
	BA_PROXY = 0x20,		/* RFC 5213 8.2 */
};

enum mh_ba_status {
	BA_ACCEPTED = 0,
	BA_PREFIX_DISCOVERY = 1,
	BA_UNSPECIFIED = 128,
	BA_PROHIBITED = 129,
	BA_RESOURCES = 130,
	BA_NO_HOME_REG = 131,
	BA_NOT_HOME_SUBNET = 132,
	BA_NOT_HOME_AGENT = 133,
	BA_DAD_FAILED = 134,
	BA_SEQ_OUT_OF_WINDOW = 135,
	BA_EXPIRED_HOME_NONCE = 136,
	BA_EXPIRED_COA_NONCE = 137,
	BA_EXPIRED_NONCES = 138,
	BA_TYPE_CHANGE = 139,
	BA_ID_MISMATCH = 144,		/* RFC 4285 */
	BA_MESG_ID_REQUIRED = 145,
	BA_AUTH_FAIL = 146,
	BA_PROXY_NOT_ENABLED = 152,	/* RFC 5213 8.9, to 162 */
	BA_NOT_ANCHOR = 153,
	BA_GATEWAY_NOT_AUTHORIZED = 154,
	BA_PREFIX_NOT_AUTHORIZED = 155,
	BA_TIMESTAMP_MISMATCH = 156,
	BA_TIMESTAMP_LOWER = 157,
	BA_MISSING_PREFIX = 158,
	BA_PREFIX_SET_MISMATCH = 159,
	BA_MISSING_MN_ID = 160,
	BA_MISSING_HANDOFF_INDICATOR = 161,
	BA_MISSING_ACCESS_TYPE = 162,
	BA_INVALID_COA = 174,		/* RFC 6275 6.1.8 */
	BA_REINIT_SA = 176,		/* RFC 6618 8.2: REINIT_SA_WITH_HAC */
};

enum mh_be_status { BE_UNKNOWN_HAO = 1, BE_UNKNOWN_MH_TYPE = 2 };

/* RFC 5846 5, 5.1, 5.2 */
enum mh_br_type { BR_INDICATION = 1, BR_ACKNOWLEDGEMENT = 2 };

enum mh_br_flag {
	BR_PROXY = 0x8000, BR_IPV4_ONLY = 0x4000, BR_GLOBAL = 0x2000,
};

enum mh_br_trigger {
	/* for one mobile node */
	BR_UNSPECIFIED = 0,
	BR_ADMINISTRATIVE = 1,
	BR_HANDOVER_SAME_ACCESS = 2,
	BR_HANDOVER_OTHER_ACCESS = 3,
	BR_HANDOVER_UNKNOWN = 4,
	BR_USER_ENDED = 5,
	BR_ACCESS_NETWORK_ENDED = 6,
	BR_OUT_OF_SYNC = 7,
	/* with BR_GLOBAL */
	BR_PER_PEER_POLICY = 128,
	BR_LOCAL_POLICY = 129,
};

enum mh_br_status {
	BR_SUCCESS = 0,
	BR_PARTIAL_SUCCESS = 1,
	BR_NO_BINDING = 128,
	BR_IPV4_HOA_REQUIRED = 129,
	BR_GLOBAL_NOT_AUTHORIZED = 130,
	BR_IDENTITY_REQUIRED = 131,
	BR_MN_ATTACHED = 132,
	BR_TRIGGER_NOT_SUPPORTED = 133,
	BR_FUNCTION_NOT_SUPPORTED = 134,
	BR_PROXY_NOT_SUPPORTED = 135,
};

enum mh_opt_type {
	MHOPT_PAD1 = 0, MHOPT_PADN = 1,
	MHOPT_REFRESH_ADVICE = 2,	/* 6.2.4, 2n */
	MHOPT_ALT_COA = 3,		/* 6.2.5, 8n+6 */
	MHOPT_NONCE_INDICES = 4,	/* 6.2.6, 2n */
	MHOPT_AUTH_DATA = 5,		/* 6.2.7, 8n+2, last */
	MHOPT_MN_ID = 8,		/* RFC 4283 */
	MHOPT_AUTH = 9,			/* RFC 4285 5, 4n+1 */
	MHOPT_MESG_ID = 10,		/* RFC 4285 6, 8n+2 */
	MHOPT_CARE_OF_TEST_INIT = 15,	/* RFC 4866 5.4 */
	MHOPT_CARE_OF_TEST = 16,	/* RFC 4866 5.5 */
	MHOPT_HOME_PREFIX = 22,		/* RFC 5213 8.3, 8n+4, repeats */
	MHOPT_HANDOFF_INDICATOR = 23,	/* 8.4 */
	MHOPT_ACCESS_TYPE = 24,		/* 8.5 */
	MHOPT_LINK_LAYER_ID = 25,	/* 8.6 */
	MHOPT_LINK_LOCAL = 26,		/* 8.7, 8n+6 */
	MHOPT_TIMESTAMP = 27,		/* 8.8, 8n+2 */
	MHOPT_RESTART_COUNTER = 28,	/* RFC 5847 3.4, 4n+2 */
};

enum mh_handoff {			/* RFC 5213 8.4, RFC 7864 */
	HANDOFF_NEW_INTERFACE = 1,
	HANDOFF_OTHER_INTERFACE = 2,
	HANDOFF_OTHER_GATEWAY = 3,
	HANDOFF_UNKNOWN = 4,
	HANDOFF_NONE = 5,		/* the lifetime is extended */
	HANDOFF_SHARED = 6,		/* a new interface with the prefixes of another one */
};

enum mh_access_type {			/* RFC 5213 8.5 */
	ACCESS_VIRTUAL = 1, ACCESS_PPP = 2, ACCESS_ETHERNET = 3, ACCESS_WLAN = 4,
	ACCESS_WIMAX = 5, ACCESS_LTE = 8,
};

enum mh_id_subtype {			/* RFC 4283 3.1, RFC 8371 */
	MN_ID_NAI = 1, MN_ID_IPV6 = 2, MN_ID_EUI48 = 5, MN_ID_EUI64 = 6,
};

enum mh_heartbeat_flag {		/* RFC 5847 3.3 */
	HEARTBEAT_UNSOLICITED = 0x2, HEARTBEAT_RESPONSE = 0x1,
};

#define MH_AUTH_MN_HA	1		/* RFC 4285 subtypes */
#define MH_AUTH_MN_AAA	2
#define MH_AUTH_MAX	32		/* octets of authentication data we handle */
#define MH_MN_ID_MAX	128
#define MH_PREFIXES_MAX	16		/* home network prefixes in one message */
#define MH_LINK_LAYER_MAX	16	/* octets of a link-layer identifier that we handle */

struct mh_bu { uint16_t seq; uint16_t flags; uint16_t lifetime; /* units of 4 s */ };
struct mh_ba { uint8_t status; uint8_t flags; uint16_t seq; uint16_t lifetime; };
struct mh_be { uint8_t status; struct in6_addr hoa; };
struct mh_br {				/* RFC 5846 */
	uint8_t type;			/* enum mh_br_type */
	uint8_t code;			/* enum mh_br_trigger; of an acknowledgement mh_br_status */
	uint16_t seq;
	uint16_t flags;			/* enum mh_br_flag */
};
struct mh_rr {				/* HoTI, CoTI, HoT, CoT */
	uint64_t cookie;
	uint16_t nonce_index;		/* HoT, CoT only */
	uint64_t token;			/* HoT, CoT only */
};

struct mh_heartbeat { uint16_t flags; uint32_t seq; };

#define MH_CARE_OF_TOKEN	8	/* octets, RFC 4866 5.5 */

struct mh_auth {			/* one RFC 4285 option */
	bool present;
	uint32_t spi;
	uint8_t len;			/* octets of data */
	uint8_t data[MH_AUTH_MAX];
	/* Octets of the MH up to and including the SPI field: what the MAC covers.
	 * Set by decode and by encode. 0: not known. */
	uint16_t covered;
	bool last;			/* decode: no other option but padding follows */
};

/* RFC 5213 8.3. As it came: bits behind len may be set. off_link: the L flag of RFC 7864 4.1. */
struct mh_prefix { struct in6_addr addr; uint8_t len; bool off_link; };

struct mh_opts {
	bool has_refresh_advice;
	uint16_t refresh_advice;	/* units of 4 s */
	bool has_alt_coa;
	struct in6_addr alt_coa;
	bool has_nonce_indices;
	uint16_t home_nonce, coa_nonce;
	bool has_auth_data;		/* return routability: 12 octets as a rule */
	uint8_t auth_data_len;
	uint8_t auth_data[MH_AUTH_MAX];
	uint16_t auth_data_off;		/* decode, encode: where its bytes start in the MH */
	bool has_mn_id;
	uint8_t mn_id_subtype;
	uint8_t mn_id_len;
	uint8_t mn_id[MH_MN_ID_MAX];
	bool has_mesg_id;
	uint64_t mesg_id;		/* NTP format */
	bool has_care_of_test_init;	/* without data */
	bool has_care_of_test;
	uint8_t care_of_token[MH_CARE_OF_TOKEN];
	unsigned int n_prefixes;	/* home network prefixes; ::/0 asks for one */
	struct mh_prefix prefixes[MH_PREFIXES_MAX];
	bool has_handoff;
	uint8_t handoff;		/* enum mh_handoff */
	bool has_access_type;
	uint8_t access_type;		/* enum mh_access_type */
	uint8_t link_layer_len;		/* 0: no link-layer identifier */
	uint8_t link_layer[MH_LINK_LAYER_MAX];
	bool has_link_local;
	struct in6_addr link_local;	/* unspecified: asks for it */
	bool has_timestamp;
	uint64_t timestamp;		/* 48 bits of seconds since 1970, 16 of a second */
	bool has_restart_counter;
	uint32_t restart_counter;
	struct mh_auth mn_ha;
	struct mh_auth mn_aaa;
	uint16_t unknown;		/* decode: options skipped because unknown */
};

struct mh_msg {
	uint8_t type;			/* enum mh_type */
	union {
		struct mh_bu bu;
		struct mh_ba ba;
		struct mh_be be;
		struct mh_br br;
		struct mh_heartbeat heartbeat;
		struct mh_rr rr;
	} u;
	struct mh_opts opts;
};

/* Why a message could not be read; each is a counter of the receiver. */
enum mh_err {
	MH_OK = 0,
	MH_ERR_SHORT,		/* RFC 6275 9.2: length too small for the type */
	MH_ERR_TRUNCATED,	/* fewer bytes than its length field says */
	MH_ERR_PROTO,		/* payload proto is not 59 (9.2) */
	MH_ERR_CHECKSUM,
	MH_ERR_UNKNOWN_TYPE,	/* 9.2: answered by a Binding Error, status 2 */
	MH_ERR_BR_TYPE,		/* RFC 5846 5: a revocation type that is not assigned */
	MH_ERR_OPTION,		/* an option does not fit, or has a wrong length */
	MH_ERR_DUPLICATE,	/* an option that may not repeat repeats */
	MH_ERR_TOO_MANY,	/* more home network prefixes than anybody has */
	MH_ERR_MAX
};
const char *mh_err_name(enum mh_err e);
const char *mh_type_name(uint8_t type);		/* "BU"; "unknown" */
const char *mh_ba_status_text(uint8_t status);	/* sentence for people */
const char *mh_br_status_text(uint8_t status);	/* of a revocation's acknowledgement */

/*
 * Reads one Mobility Header. data is the header itself; src and dst are those of
 * the pseudo-header (RFC 6275 6.1.1: the home address where a Home Address option
 * or type 2 routing header stands). On error *ret is untouched and *err_offset
 * (may be NULL) is the offset in the MH that an ICMPv6 parameter problem would name.
 */
enum mh_err mh_decode(const void *data, size_t len, const struct in6_addr *src,
		      const struct in6_addr *dst, struct mh_msg *ret, size_t *err_offset);

/*
 * Appends one Mobility Header with its options in ascending type order (those that
 * authenticate last: MN-HA, MN-AAA) and right padding, checksum zero. Authentication data
 * is written as it stands in msg (zeros before it is known); msg->opts.mn_ha.covered
 * and the like are set. The MH must begin at w->len == an 8-octet boundary of its packet.
 * Returns 0, -ENOSPC, or -EINVAL for a message that cannot be written.
 */
int mh_encode(struct wbuf *w, struct mh_msg *msg);

/* Writes the MN-HA authentication data into an encoded MH (once it is computed). */
int mh_set_auth(uint8_t *mh, size_t len, const struct mh_auth *auth);
/* Computes and writes the checksum of an encoded MH. */
void mh_set_cksum(uint8_t *mh, size_t len, const struct in6_addr *src,
		  const struct in6_addr *dst);

#endif
