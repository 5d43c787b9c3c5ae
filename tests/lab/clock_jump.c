/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A clock that can be set forward while a daemon runs, as it goes forward while a computer sleeps.
 * For tests only: programs of the laboratory are linked with these in place of the C library's
 * (ld --wrap). The file that DMIP6_TEST_CLOCK names holds the seconds that were slept. A timer
 * that is overdue by it fires when the loop turns next, as it would after a real sleep.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>

int __real_clock_gettime(clockid_t clock, struct timespec *ts);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);
int __real_timerfd_settime(int fd, int flags, const struct itimerspec *set,
			   struct itimerspec *old);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *set,
			   struct itimerspec *old);

static long slept(void)
{
	const char *name = getenv("DMIP6_TEST_CLOCK");
	FILE *f = name ? fopen(name, "re") : NULL;
	long seconds = 0;

	if (f && fscanf(f, "%ld", &seconds) != 1)
		seconds = 0;
	if (f)
		fclose(f);
	return seconds;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	int r = __real_clock_gettime(clock, ts);

	if (r == 0 && (clock == CLOCK_BOOTTIME || clock == CLOCK_REALTIME))
		ts->tv_sec += slept();
	return r;
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *set, struct itimerspec *old)
{
	struct itimerspec at = *set;
	long s = slept();

	if (at.it_value.tv_sec > s)
		at.it_value.tv_sec -= s;
	else if (at.it_value.tv_sec > 0 || at.it_value.tv_nsec > 0)
		at.it_value = (struct timespec){ .tv_nsec = 1 };	/* long ago */
	return __real_timerfd_settime(fd, flags, &at, old);
}
