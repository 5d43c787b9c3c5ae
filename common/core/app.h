/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What programs and the mobile node's daemon say to each other, on a UNIX socket of whole messages
 * (SOCK_SEQPACKET) that everybody may connect to: one request, one answer; after APP_SUBSCRIBE
 * events as they happen. libdmip6 (lib/dmip6.c) and mn-agent/app.c are the two ends. No other
 * header of the project is needed here.
 */
#ifndef DMIP6_CORE_APP_H
#define DMIP6_CORE_APP_H

#include <netinet/in.h>
#include <stdint.h>

#define APP_SOCKET	"/run/dmip6/applications.sock"
#define APP_MAGIC	0x64414d31u	/* "dAM1": and the version */
#define APP_ANCHOR	48		/* room for a name or an address as text, with its zero */

enum app_op {
	APP_ADDRESS = 1,		/* an address of a class, or of a named anchor */
	APP_CLAIM,			/* the same for the socket with that cookie, which is about
					 * to be bound to it */
	APP_CLASS,			/* the class of the socket with that cookie */
	APP_SUBSCRIBE,
};

/* RFC 8653 3.2; the numbers are those of dmip6.h. */
enum app_class {
	APP_NO_CLASS,
	APP_NONPERSISTENT, APP_SESSION, APP_FIXED, APP_GRACEFUL,
	APP_CLASS_MAX
};

enum app_event {
	APP_EVENT_LOST = 1,		/* the address is not this host's any more */
	APP_EVENT_UNREACHABLE,		/* its anchor does not answer, or refuses */
	APP_EVENT_MOVED,		/* its packets take another way now */
};

struct app_request {
	uint32_t magic;
	uint8_t op;			/* enum app_op */
	uint8_t class;			/* enum app_class */
	uint8_t zero[2];
	uint64_t cookie;		/* SO_COOKIE */
	char anchor[APP_ANCHOR];	/* "": any */
};

struct app_answer {
	uint32_t magic;
	int32_t err;			/* 0 or a negative errno */
	uint8_t class;
	uint8_t event;			/* enum app_event; 0: an answer */
	uint8_t zero[6];
	struct in6_addr address;	/* ADDRESS, CLAIM: unspecified, as the kernel chooses */
};

#endif
