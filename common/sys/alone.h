/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One daemon of a kind in a network namespace. A second one would take the routes and tunnels
 * of the first for those of a dead run, and remove them.
 */
#ifndef DMIP6_SYS_ALONE_H
#define DMIP6_SYS_ALONE_H

#include <sys/types.h>

/* Claims the namespace for `program` until this process ends, however it does. 0, or negative
 * errno; -EADDRINUSE: process *ret_other (0: not known) has it. */
int alone_claim(const char *program, pid_t *ret_other);

#endif
