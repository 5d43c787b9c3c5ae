/* SPDX-License-Identifier: BSD-2-Clause */
/* The only clock and the only source of randomness. */
#ifndef DMIP6_SYS_CLOCK_H
#define DMIP6_SYS_CLOCK_H

#include "common/core/timer.h"

usec_t clock_now(void);		/* CLOCK_BOOTTIME: runs on while a laptop sleeps */
int64_t clock_wall_s(void);	/* seconds of the epoch, for what outlives a boot */
int64_t clock_wall_us(void);	/* the same in microseconds, for people's time lines */
void clock_random(void *dst, size_t n);	/* getrandom(2); aborts if the kernel has none */

#endif
