/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One daemon in a network namespace, of either kind. A second one would take the routes and
 * tunnels of the first for those of a dead run, or of somebody else, and remove them.
 */
#ifndef DMIP6_SYS_ALONE_H
#define DMIP6_SYS_ALONE_H

#include "common/sys/loop.h"

#define ALONE_STR_MAX	64

/* Claims the namespace until this process ends, however it does. 0, or negative errno;
 * -EADDRINUSE: ret_other says who has it, such as "dmip6-had (process 7)". */
int alone_claim(char ret_other[ALONE_STR_MAX]);
/* Lets those who ask go, or the queue fills up and the next one learns nothing. 0, or negative
 * errno; *ret_io is given to loop_io_del() before the loop is freed. */
int alone_serve(struct loop *loop, struct loop_io **ret_io);

#endif
