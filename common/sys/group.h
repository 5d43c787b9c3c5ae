/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multicast groups that this host is a member of on behalf of others. The kernel reports them
 * by MLD, so that switches that listen to it pass on what is sent there. Several may want the
 * same group; the last one who leaves it ends the membership.
 */
#ifndef DMIP6_SYS_GROUP_H
#define DMIP6_SYS_GROUP_H

#include "common/core/in6.h"

struct groups;

int groups_new(struct groups **ret);
void groups_free(struct groups *g);	/* leaves them all; NULL is harmless */
/* 0 or negative errno; -ENOSPC: as many groups as are wanted at most. */
int groups_join(struct groups *g, int ifindex, const struct in6_addr *group);
void groups_leave(struct groups *g, int ifindex, const struct in6_addr *group);

#endif
