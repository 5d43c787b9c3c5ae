/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watching the kernel by libnl-3: links, addresses, policy rules. After an overrun
 * (ENOBUFS) everything is read again and reported; nothing is lost.
 */
#ifndef DMIP6_SYS_MON_H
#define DMIP6_SYS_MON_H

#include "common/sys/loop.h"
#include "common/sys/rt.h"

struct mon;

struct mon_ops {
	void (*link)(void *ctx, const struct rt_link *l, bool gone);
	void (*addr)(void *ctx, const struct rt_addr *a, bool gone);
	/* A rule, or else a route, with our protocol was deleted, and not by this program. */
	void (*ours_deleted)(void *ctx, bool rule);
	/* Somebody else changed the default routes of the main table. */
	void (*defaults)(void *ctx);
	/* Somebody else changed the policy rules. */
	void (*rules)(void *ctx);
	/* Notifications were lost, and everything has been reported afresh. What came and went
	 * meanwhile was not: a link may have been down and be up again at another place, and
	 * what is ours may have been deleted. */
	void (*lost)(void *ctx);
};

/* Reports everything that is there at once, from within the call. */
int mon_open(struct loop *l, const struct mon_ops *ops, void *ctx, struct mon **ret);
/* Reads and reports everything once more. 0 or negative errno. */
int mon_read(struct mon *m);
/* Within a report: the netlink port of whoever caused it; 0: the kernel. */
uint32_t mon_by(const struct mon *m);
void mon_close(struct mon *m);

#endif
