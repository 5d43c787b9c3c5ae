/* SPDX-License-Identifier: BSD-2-Clause */
/* What the mobile node does about each status of a Binding Acknowledgement. Pure. */
#ifndef DMIP6_MN_STATUS_H
#define DMIP6_MN_STATUS_H

#include <stdbool.h>
#include <stdint.h>

enum ba_action {
	BA_DO_TAKE,		/* it is bound */
	BA_DO_SOLICIT,		/* it is bound; the prefixes are asked for at once */
	BA_DO_ASK_AGAIN,	/* the cause may pass: soon, then less and less often */
	BA_DO_ASK_SELDOM,	/* somebody has to change something first */
	BA_DO_RESYNCHRONISE,	/* the next sequence number is the one told, plus one */
	BA_DO_SET_CLOCK,	/* the time of day is the home agent's */
	BA_DO_SEND_TIMESTAMP,	/* the same again, with a time stamp */
	BA_DO_GIVE_UP,		/* the home address is not to be used any more */
};

struct ba_rule {
	uint8_t status;
	enum ba_action action;
	bool unbound;		/* the home agent holds no binding, not even an older one */
	const char *why;	/* a sentence for people */
};

/* Never NULL: a status that is not known has a rule too (RFC 6275 6.1.8). */
const struct ba_rule *status_rule(uint8_t status);

#endif
