/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sockets of this network namespace that have a local IPv6 address, and word when one is
 * destroyed.
 */
#ifndef DMIP6_SYS_DIAG_H
#define DMIP6_SYS_DIAG_H

#include "common/core/in6.h"
#include "common/sys/loop.h"

#define DIAG_LOCALS_MAX	128

struct diag_flow {
	struct in6_addr local, remote;	/* remote unspecified: bound, not connected */
	uint16_t local_port, remote_port;	/* of raw sockets: 0 */
	uint8_t protocol;		/* of the IPv6 header: TCP, UDP, ... */
	uint8_t state;			/* the kernel's number, of TCP for every protocol */
	uint32_t inode;			/* 0: no process has it any more, or none has it yet */
	uint32_t uid;
	uint64_t cookie;		/* SO_COOKIE; 0: not known */
	uint64_t cgroup;		/* of version 2; 0: not known */
};

struct diag_query {
	/* Only those with one of these addresses, at most DIAG_LOCALS_MAX of them; 0: with
	 * any. */
	const struct in6_addr *locals;
	unsigned int n_locals;
	uint32_t tcp_states;		/* of TCP: 1 << state of those that are wanted */
};

struct diag_ops {
	/* A TCP or UDP socket over IPv6 went away. */
	void (*destroyed)(void *ctx, const struct diag_flow *f);
	/* So many did at once that word of some is lost: a dump tells what is left. */
	void (*lost)(void *ctx);
};

struct diag;

/* ops may be NULL: no notifications. On a kernel without them: 0, and diag_has_destroy() is
 * false. Otherwise they come until diag_watch() says that nobody cares. */
int diag_open(struct loop *l, const struct diag_ops *ops, void *ctx, struct diag **ret);
void diag_close(struct diag *d);
bool diag_has_destroy(const struct diag *d);
/* While nobody listens the kernel spares itself the work, for each socket of the host. */
void diag_watch(struct diag *d, bool on);
/* Calls fn for TCP, UDP, UDP-Lite, raw and ping sockets, and SCTP and DCCP where a socket of
 * theirs can be, until it returns false. Those that are bound to no address are left out, and
 * IPv4-mapped ones. 0 or negative errno. */
int diag_dump(struct diag *d, const struct diag_query *q,
	      bool (*fn)(void *ctx, const struct diag_flow *f), void *ctx);
/* Ends a connection of TCP or UDP, as it was reported: its program gets ECONNABORTED. -EOPNOTSUPP:
 * the kernel cannot (CONFIG_INET_DIAG_DESTROY); -ENOENT: it has ended. */
int diag_end(struct diag *d, const struct diag_flow *f);
/* Protocols in use on this kernel whose sockets it does not list, for people; "": none. */
const char *diag_unlisted(const struct diag *d);

#endif
