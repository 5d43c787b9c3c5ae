/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What sock_diag does not tell of sockets, out of /proc/net. Private to diag.c.
 */
#ifndef DMIP6_SYS_DIAG_PROC_H
#define DMIP6_SYS_DIAG_PROC_H

#include "common/sys/diag.h"

/* Raw and ping sockets. *more becomes false when fn does. */
int diag_proc_dump(bool (*fn)(void *ctx, const struct diag_flow *f), void *ctx, bool *more);
/* A line of /proc/net/raw6 or icmp6; false: not a socket with an IPv6 address of its own.
 * Of a raw socket the kernel writes the protocol where others have the port. */
bool diag_proc_line(const char *line, bool raw, struct diag_flow *ret);
/* Is a protocol of that name (SCTPv6) at work in the kernel? */
bool diag_proc_has(const char *name);

#endif
