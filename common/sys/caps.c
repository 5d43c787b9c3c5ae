/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Privileges by libcap: called by main.c, caps_check() before anything is opened,
 * caps_drop() when everything is.
 */
#include "common/sys/caps.h"

#include <errno.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static const struct {
	cap_value_t value;
	const char *name;
} needed[] = {
	{ CAP_NET_ADMIN, "CAP_NET_ADMIN" },
	{ CAP_NET_RAW, "CAP_NET_RAW" },
};
#define N_NEEDED	(sizeof(needed) / sizeof(needed[0]))

/* Present in a program that was built with a sanitizer. */
extern void __asan_init(void) __attribute__((weak));

int caps_check(const char **missing)
{
	cap_t caps = cap_get_proc();
	int err = 0;

	if (!caps)
		return -errno;
	for (size_t i = 0; i < N_NEEDED && err == 0; i++) {
		cap_flag_value_t v = CAP_CLEAR;

		if (cap_get_flag(caps, needed[i].value, CAP_EFFECTIVE, &v) < 0 || v != CAP_SET) {
			*missing = needed[i].name;
			err = -EPERM;
		}
	}
	(void)cap_free(caps);
	return err;
}

bool caps_has(pid_t pid)
{
	cap_t caps = cap_get_pid(pid);
	bool all = caps;

	for (size_t i = 0; i < N_NEEDED && all; i++) {
		cap_flag_value_t v = CAP_CLEAR;

		all = cap_get_flag(caps, needed[i].value, CAP_PERMITTED, &v) == 0 && v == CAP_SET;
	}
	if (caps)
		(void)cap_free(caps);
	return all;
}

static bool is_needed(cap_value_t v)
{
	for (size_t i = 0; i < N_NEEDED; i++) {
		if (needed[i].value == v)
			return true;
	}
	return false;
}

/* Without CAP_SETPCAP the bounding set stays; no_new_privs makes it harmless. */
static void drop_bounding(void)
{
	for (cap_value_t v = 0; cap_get_bound(v) >= 0; v++) {
		if (!is_needed(v))
			(void)cap_drop_bound(v);
	}
}

int caps_drop(void)
{
	const struct rlimit no_core = { 0, 0 };
	cap_value_t keep[N_NEEDED];
	cap_t caps = cap_init();
	int err = 0;

	if (!caps)
		return -ENOMEM;
	for (size_t i = 0; i < N_NEEDED; i++)
		keep[i] = needed[i].value;
	drop_bounding();
	(void)cap_reset_ambient();
	if (cap_set_flag(caps, CAP_PERMITTED, (int)N_NEEDED, keep, CAP_SET) < 0 ||
	    cap_set_flag(caps, CAP_EFFECTIVE, (int)N_NEEDED, keep, CAP_SET) < 0 ||
	    cap_set_proc(caps) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		err = -errno;
	(void)cap_free(caps);
	if (err < 0)
		return err;
	/* Keys are in memory. A leak check at exit traces the process, so not under one. */
	if (!__asan_init && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	if (setrlimit(RLIMIT_CORE, &no_core) < 0)
		return -errno;
	return 0;
}
