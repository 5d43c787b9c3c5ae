/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was inside of tunnel packets that came in fragments, where the kernel can put them
 * together but not take them apart: raw(7).
 */
#ifndef DMIP6_SYS_INNER_H
#define DMIP6_SYS_INNER_H

#include "common/core/in6.h"
#include "common/sys/loop.h"

struct inner;

/* Packets of that protocol with that mark, without their own header. from: the source in
 * it; data: may be written to, is good during the call. Bounded work per turn. */
int inner_open(struct loop *l, uint8_t protocol, uint32_t mark,
	       void (*fn)(void *ctx, const struct in6_addr *from, uint8_t *data, size_t len),
	       void *ctx, struct inner **ret);
void inner_close(struct inner *in);	/* NULL is harmless; not from within fn */

#endif
