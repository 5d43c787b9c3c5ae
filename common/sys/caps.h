/* SPDX-License-Identifier: BSD-2-Clause */
/* Privileges by libcap: what the daemons need and nothing else. */
#ifndef DMIP6_SYS_CAPS_H
#define DMIP6_SYS_CAPS_H

#include <stdbool.h>
#include <sys/types.h>

/* 0, or -EPERM when CAP_NET_ADMIN or CAP_NET_RAW is missing (*missing names it). */
int caps_check(const char **missing);
/* Whether another process may have them. */
bool caps_has(pid_t pid);
/* Keeps CAP_NET_ADMIN and CAP_NET_RAW, drops the rest for good, sets no_new_privs and
 * forbids core dumps to others. 0 or negative errno. */
int caps_drop(void);

#endif
