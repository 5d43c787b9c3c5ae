/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Classes of addresses (RFC 8653 3.2) for the sockets of programs that ask for none, as the
 * configuration says. Pure; asked by classes.c for each socket, and by ctl.c for people.
 */
#ifndef DMIP6_MN_POLICY_H
#define DMIP6_MN_POLICY_H

#include <sys/types.h>

#include "common/core/app.h"
#include "common/core/selector.h"

#define POLICY_NAME	32
#define POLICY_WORDS	8		/* of each kind, of one policy */
#define POLICY_CGROUP	160
#define POLICY_MAX	32

struct mn;
struct mn_flow;

/* A socket fits that has one of each kind that is named. */
struct class_policy {
	char name[POLICY_NAME];
	enum app_class class;
	unsigned int n_users, n_ports, n_cgroups;
	uid_t users[POLICY_WORDS];
	struct selector_ports ports[POLICY_WORDS];	/* of the peer */
	char cgroups[POLICY_WORDS][POLICY_CGROUP];	/* and what is below: "/system.slice" */
};

struct class_policies {
	unsigned int n;
	struct class_policy list[POLICY_MAX];
};

/* The first that fits; NULL: none does, or it is not known whether one does that names a control
 * group. */
const struct class_policy *policy_of(const struct mn *mn, const struct mn_flow *f);
/* Is there one of this class? */
bool policy_has(const struct mn *mn, enum app_class class);

#endif
