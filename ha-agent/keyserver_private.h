/* SPDX-License-Identifier: BSD-2-Clause */
/* What keyserver.c and keyserver_session.c know of each other. */
#ifndef DMIP6_HA_KEYSERVER_PRIVATE_H
#define DMIP6_HA_KEYSERVER_PRIVATE_H

#include <sys/queue.h>

#include "common/sys/tls_send.h"
#include "ha-agent/keyhosts.h"
#include "ha-agent/keyserver.h"

#define KEYSERVER_CONNECTIONS	512	/* at a time; others wait in the kernel's queue */
#define KEYSERVER_REASONS	16	/* of tls_reasons() */

enum keyserver_counter {
	KEYSERVER_CONNECTION,		/* that were taken */
	KEYSERVER_STRANGER,		/* not of a host that is attached there */
	KEYSERVER_HOST_BUSY,		/* the host has as many as it may, */
	KEYSERVER_HOST_OFTEN,		/* or had too many in a short time */
	KEYSERVER_FULL,
	KEYSERVER_TIMEOUT,		/* a session that took too long */
	KEYSERVER_SESSION,		/* TLS sessions, and those of them that went on from */
	KEYSERVER_RESUMED,		/* an earlier one */
	KEYSERVER_COUNTER_MAX
};

struct keysession {
	struct keyserver *k;
	int fd;
	struct loop_io *io;
	struct tls *tls;
	struct timer deadline;
	struct bootstrap_peer peer;
	uint8_t host[KEYHOST_ID];
	bool open;			/* the peer has shown who it is */
	bool more;			/* a request may be there already */
	bool last;			/* we have said what we had to say */
	bool shut;			/* and all of it has left */
	bool due;			/* a step can be made */
	unsigned int requests;
	uint8_t in[BOOT_MESSAGE_MAX];	/* of a request */
	size_t in_len;
	struct tls_out out;
	TAILQ_ENTRY(keysession) all, in_turn;
};

TAILQ_HEAD(keysessions, keysession);

struct keylistener {			/* of one access interface */
	struct keyserver *k;
	int ifindex;			/* 0: it is not there */
	int fd;				/* -1: closed */
	struct loop_io *io;
	int err;			/* why it is closed */
};

struct keyserver {
	struct loop *loop;
	struct ha *ha;
	struct tls_context *context;	/* NULL: nobody is served */
	struct keylistener listeners[HA_MAX_INTERFACES];
	struct timer retry;		/* of what could not be opened, or accepted */
	struct keyhosts hosts;
	struct keysessions sessions;
	struct keysessions due;		/* of which a step can be made, in their turn */
	uint64_t counters[KEYSERVER_COUNTER_MAX];
	uint64_t tls_failed[KEYSERVER_REASONS];
	uint64_t dropped[BOOT_ERR_MAX];
};

/* A connection that is welcome: the descriptor becomes the session's. 0 or negative errno; then
 * it is the caller's still, and so is the place among its host's connections. */
int keysession_new(struct keyserver *k, int fd, const struct bootstrap_peer *peer,
		   const uint8_t host[KEYHOST_ID]);
void keysession_free(struct keysession *s);
/* One step of the one whose turn it is. Is there more to do? */
bool keysession_step(struct keyserver *k);
/* A session has ended: there may be room for who waits. */
void keyserver_room(struct keyserver *k);

#endif
