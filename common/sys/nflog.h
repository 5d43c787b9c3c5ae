/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets that rules of nftables have reported (log group N). Linux only; nfnetlink_log. */
#ifndef DMIP6_SYS_NFLOG_H
#define DMIP6_SYS_NFLOG_H

#include <stddef.h>
#include <stdint.h>

struct loop;
struct nflog;

struct nflog_packet {
	int ifindex;			/* by which it came; 0: by none */
	const uint8_t *mac;		/* six octets, its link-layer source; NULL: not known */
	const void *data;		/* from its network header on, the first octets of it */
	size_t len;
};

/* Calls fn for each, from the loop. 0, or negative errno: -EBUSY somebody has that group. */
int nflog_open(struct loop *l, uint16_t group, void (*fn)(void *ctx, const struct nflog_packet *p),
	       void *ctx, struct nflog **ret);
void nflog_close(struct nflog *n);	/* NULL is harmless */

#endif
