/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Heartbeats between routers (RFC 5847): is a peer there still, and has it been all the time? One
 * that starts says so to all others at once, and whoever has visits of its hosts registers these
 * again. Only where there is network mode.
 */
#ifndef DMIP6_HA_HEARTBEAT_H
#define DMIP6_HA_HEARTBEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/core/timer.h"

#define HEARTBEAT_INTERVAL	(60 * USEC_S)	/* RFC 5847 5 */
#define HEARTBEAT_MISSING	3		/* MISSING_HEARTBEATS_ALLOWED */

struct ha;
struct ha_peer;
struct ip6_packet;
struct mh_msg;

struct heartbeat {
	uint32_t sequence;		/* of the last request */
	unsigned int missing;		/* requests without an answer */
	bool heard, lost;
	uint32_t restarts;		/* what the peer has said of itself; valid if heard */
	usec_t heard_at;
};

struct heartbeats {
	struct heartbeat *peers;	/* in the order of the configuration's */
	unsigned int n;
	uint32_t restarts;		/* ours: grows from start to start */
	struct timer timer;
};

/* restarts: greater than at any earlier start. */
void heartbeat_begin(struct ha *ha, uint32_t restarts, usec_t now);
void heartbeat_free(struct ha *ha);
void heartbeat_rx(struct ha *ha, const struct ip6_packet *ip, const struct mh_msg *msg,
		  const uint8_t *mh, usec_t now);
/* What is known of a peer; NULL: nothing yet. */
const struct heartbeat *heartbeat_of(const struct ha *ha, const struct ha_peer *peer);

#endif
