/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The only clock and the only source of randomness; called by io.c, main.c and the loop.
 * The pure parts get time and random numbers as arguments.
 */
#include "common/sys/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

usec_t clock_now(void)
{
	struct timespec ts;

	/* Cannot fail: the clock is as old as Linux 2.6.39 and the pointer is good. */
	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (usec_t)ts.tv_sec * USEC_S + (usec_t)(ts.tv_nsec / 1000);
}

int64_t clock_wall_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + (int64_t)(ts.tv_nsec / 1000);
}

int64_t clock_wall_s(void)
{
	return clock_wall_us() / 1000000;
}

void clock_random(void *dst, size_t n)
{
	uint8_t *p = dst;

	while (n > 0) {
		ssize_t got = getrandom(p, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		/* Keys and sequence numbers out of something guessable would be worse. */
		if (got <= 0) {
			perror("getrandom");
			abort();
		}
		p += got;
		n -= (size_t)got;
	}
}
