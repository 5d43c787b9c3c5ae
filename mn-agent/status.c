/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of what follows from each status of a Binding Acknowledgement. Owns nothing;
 * called by reply.c. RFC 6275 6.1.8, 11.7.1 and 11.7.3; RFC 4285 for 144 to 146. Those that
 * have only a number are of extensions (RFC 3963, RFC 5149) that are not used here.
 */
#include "mn-agent/status.h"

#include <stddef.h>

#include "common/wire/mh.h"

#define NEVER_ASKED	"refused for something that was not asked for"

static const struct ba_rule rules[] = {
	{ BA_ACCEPTED, BA_DO_TAKE, false, "accepted" },
	/* 11.7.3: what is known of the home prefixes may be out of date. */
	{ BA_PREFIX_DISCOVERY, BA_DO_SOLICIT, false,
	  "accepted, prefixes are to be asked for" },
	{ BA_UNSPECIFIED, BA_DO_ASK_AGAIN, false, "refused without a reason" },
	{ BA_PROHIBITED, BA_DO_ASK_SELDOM, false,
	  "the home agent's administrator does not allow it" },
	{ BA_RESOURCES, BA_DO_ASK_AGAIN, false, "the home agent has no room for more" },
	{ BA_NO_HOME_REG, BA_DO_ASK_SELDOM, true, "it registers nobody: it is no home agent" },
	{ BA_NOT_HOME_SUBNET, BA_DO_ASK_SELDOM, true,
	  "the address is not of the home agent's prefixes" },
	{ BA_NOT_HOME_AGENT, BA_DO_ASK_SELDOM, true,
	  "the home agent did not give the address to this host" },
	/* 11.7.1: such an address MUST NOT be used again. */
	{ BA_DAD_FAILED, BA_DO_GIVE_UP, true, "another host has taken the address" },
	{ BA_SEQ_OUT_OF_WINDOW, BA_DO_RESYNCHRONISE, false,
	  "the home agent expects other sequence numbers" },
	{ BA_EXPIRED_HOME_NONCE, BA_DO_ASK_SELDOM, false, NEVER_ASKED },
	{ BA_EXPIRED_COA_NONCE, BA_DO_ASK_SELDOM, false, NEVER_ASKED },
	{ BA_EXPIRED_NONCES, BA_DO_ASK_SELDOM, false, NEVER_ASKED },
	{ BA_TYPE_CHANGE, BA_DO_ASK_AGAIN, false,
	  "the home agent has the address as a correspondent's" },
	{ 140, BA_DO_ASK_SELDOM, false, NEVER_ASKED },	/* 140 to 143: mobile routers */
	{ 141, BA_DO_ASK_SELDOM, false, NEVER_ASKED },
	{ 142, BA_DO_ASK_SELDOM, false, NEVER_ASKED },
	{ 143, BA_DO_ASK_SELDOM, false, NEVER_ASKED },
	{ BA_ID_MISMATCH, BA_DO_SET_CLOCK, false, "the home agent has another time of day" },
	{ BA_MESG_ID_REQUIRED, BA_DO_SEND_TIMESTAMP, false,
	  "the home agent wants time stamps" },
	{ BA_AUTH_FAIL, BA_DO_ASK_SELDOM, false,
	  "the home agent finds the authenticator wrong" },
	{ 151, BA_DO_ASK_SELDOM, false, "the service is not authorized" },
	{ BA_REINIT_SA, BA_DO_ASK_SELDOM, false, "the home agent wants another key first" },
	/* 6.1.8: another one will do, and is registered as soon as there is one. */
	{ BA_INVALID_COA, BA_DO_ASK_AGAIN, false,
	  "the home agent does not take the care-of address" },
};

/* 6.1.8: below 128 says yes, whatever else (RFC 5648: 4 and 5 are about options that were
 * not sent). */
static const struct ba_rule unknown_yes = { 127, BA_DO_TAKE, false, "accepted" };
static const struct ba_rule unknown_no = {
	255, BA_DO_ASK_AGAIN, false, "refused for a reason that is not known here",
};

const struct ba_rule *status_rule(uint8_t status)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].status == status)
			return &rules[i];
	return status < 128 ? &unknown_yes : &unknown_no;
}
