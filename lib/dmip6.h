/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libdmip6: which kind of address a socket is to have on a mobile host (RFC 8653). Needs the daemon
 * dmip6-mnd; where that does not run each call says so (ECONNREFUSED) and changes nothing, and the
 * program works as it would without. libdmip6(3) has it all, with an example.
 */
#ifndef DMIP6_H
#define DMIP6_H

#include <netinet/in.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum dmip6_class {
	/* The newest address. When the host moves its connections end, at once. */
	DMIP6_NONPERSISTENT = 1,
	/* It stays the host's for as long as the socket is open, wherever the host is. */
	DMIP6_SESSION = 2,
	/* An address of a home that is configured: the host's always, and reachable there. */
	DMIP6_FIXED = 3,
	/* As DMIP6_SESSION, for a time after the host has left: until a new one has been found. */
	DMIP6_GRACEFUL = 4
};

/*
 * Binds an IPv6 socket, that is not bound yet, to an address of that class; a port is chosen when
 * it is connected. anchor: the name of a home or an address of an anchor, to have one of that;
 * NULL: any. 0, or -1 with errno, and then the socket is as it was:
 *	EADDRNOTAVAIL	there is no such address now
 *	EPERM		the host's policy does not allow it to this user
 *	EINVAL		no such class, a name that is too long, or the socket is bound already
 *	EAFNOSUPPORT	no IPv6 socket
 *	EBADF, ENOTSOCK	no socket at all
 *	ECONNREFUSED	no daemon; ETIMEDOUT: it does not answer
 *	EPROTO		it is of another version
 */
int dmip6_setsc(int fd, int service_class, const char *anchor);
/* The class that it was given; 0: none. Or -1 with errno. */
int dmip6_getsc(int fd);
/* An address of that class, for who binds by himself; nothing is kept for it before that. errno as
 * above. */
int dmip6_address(int service_class, const char *anchor, struct in6_addr *address);
/* The class that comes nearest to flags of RFC 5014 (IPV6_PREFER_SRC_HOME, _COA, ...); 0: they say
 * nothing of that. -1 with EINVAL: they contradict each other. */
int dmip6_class_of_preferences(uint32_t flags);

enum dmip6_event_type {
	DMIP6_ADDRESS_LOST = 1,		/* the address is not this host's any more */
	DMIP6_ANCHOR_UNREACHABLE = 2,	/* its anchor does not answer, or refuses */
	DMIP6_SESSION_MOVED = 3		/* its packets take another way now */
};

struct dmip6_event {
	enum dmip6_event_type type;
	struct in6_addr address;
};

/* A descriptor that is readable when something has happened; close() ends it. -1 with errno. */
int dmip6_subscribe(void);
/* Takes one event. 1; 0: there is none now; -1 with errno, ECONNRESET: the daemon has ended. */
int dmip6_next_event(int fd, struct dmip6_event *event);

#ifdef __cplusplus
}
#endif

#endif
