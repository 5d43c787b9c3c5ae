/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watching nftables: says when a table is deleted, as `nft flush ruleset' does to everybody's
 * and with it the start of Debian's nftables.service.
 */
#ifndef DMIP6_SYS_NFMON_H
#define DMIP6_SYS_NFMON_H

#include "common/sys/loop.h"

struct nfmon;

/* gone() is called when an inet table of this name is deleted, by whomever, ourselves included;
 * and when news were lost. -ENOTSUP or the like: the kernel has no nftables. */
int nfmon_open(struct loop *l, const char *table, void (*gone)(void *ctx), void *ctx,
	       struct nfmon **ret);
void nfmon_close(struct nfmon *m);

#endif
