/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may open one more connection to the key server: so many at a time, and so often, for each
 * host and in all. Pure.
 */
#ifndef DMIP6_HA_KEYHOSTS_H
#define DMIP6_HA_KEYHOSTS_H

#include "common/core/hash.h"
#include "common/core/timer.h"

#define KEYHOST_ID		16	/* octets: the host's link-layer address, or its own */
#define KEYHOST_CONNECTIONS	4	/* of one host at a time */
#define KEYHOST_BURST		10	/* connections that it may open at once, */
#define KEYHOST_PERIOD		USEC_S	/* then one in this time */
#define KEYHOST_MAX		8192	/* hosts that are remembered */

struct keyhost {
	uint8_t id[KEYHOST_ID];
	unsigned int connections;
	unsigned int tokens;
	usec_t tokens_at;
	UT_hash_handle hh;
};

struct keyhosts {
	struct keyhost *hosts;
	unsigned int n, connections;
	unsigned int max_connections;	/* of all hosts */
	usec_t swept_at;
};

enum keyhost_verdict {
	KEYHOST_WELCOME,
	KEYHOST_BUSY,			/* it has as many as it may */
	KEYHOST_OFTEN,			/* too many in a short time */
	KEYHOST_FULL,			/* all that we have are taken */
};

void keyhosts_init(struct keyhosts *t, unsigned int max_connections);
void keyhosts_free(struct keyhosts *t);
/* Counts it if it is welcome; then keyhosts_leave() has to follow. */
enum keyhost_verdict keyhosts_enter(struct keyhosts *t, const uint8_t id[KEYHOST_ID], usec_t now);
void keyhosts_leave(struct keyhosts *t, const uint8_t id[KEYHOST_ID], usec_t now);

#endif
