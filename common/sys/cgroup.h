/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control groups (version 2) by their numbers, as sock_diag tells them of sockets.
 */
#ifndef DMIP6_SYS_CGROUP_H
#define DMIP6_SYS_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/core/timer.h"

struct cgroups;

/* mount: where they are; NULL: where the system has them. Returns NULL: no memory. Where no control
 * groups are mounted nothing is ever found. */
struct cgroups *cgroups_open(const char *mount);
void cgroups_close(struct cgroups *g);
bool cgroups_mounted(const struct cgroups *g);
/* The path below the mount point, as in /proc/PID/cgroup, until the next call; NULL: there is none
 * of that number. A number that is new is looked for in the whole tree once, and that is done at
 * most ten times a second. */
const char *cgroups_path(struct cgroups *g, uint64_t id, usec_t now);

#endif
