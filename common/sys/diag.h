/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_diag: which local IPv6 addresses have sockets, and word when one is destroyed.
 */
#ifndef DMIP6_SYS_DIAG_H
#define DMIP6_SYS_DIAG_H

#include "common/core/in6.h"
#include "common/sys/loop.h"

struct diag_flow {
	struct in6_addr local, remote;	/* remote unspecified: bound, not connected */
	uint16_t local_port, remote_port;
	uint8_t protocol;		/* IPPROTO_TCP, IPPROTO_UDP */
	uint8_t state;			/* TCP state number of the kernel */
	uint32_t inode;
	uint64_t cookie;
};

struct diag;

struct diag_ops {
	/* A TCP or UDP socket over IPv6 went away. */
	void (*destroyed)(void *ctx, const struct diag_flow *f);
	/* So many did at once that word of some is lost: a dump tells what is left. */
	void (*lost)(void *ctx);
};

/* ops may be NULL: no word is wanted. On a kernel without these notifications: 0 and
 * diag_has_destroy() is false. */
int diag_open(struct loop *l, const struct diag_ops *ops, void *ctx, struct diag **ret);
void diag_close(struct diag *d);
bool diag_has_destroy(const struct diag *d);
/* Calls fn for every TCP socket that can still carry data (not TIME_WAIT, not CLOSE, not
 * LISTEN unless bound to an address) and every UDP socket with a local IPv6 address.
 * IPv4-mapped ones are left out. */
int diag_dump(struct diag *d, void (*fn)(void *ctx, const struct diag_flow *f), void *ctx);

#endif
