/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a kernel backend remembers: nexthops, endpoints, bindings, and how each of them is
 * installed in the kernel. For dp_kernel.c and dp_sync.c, nobody else.
 */
#ifndef DMIP6_DATAPATH_DP_RECORDS_H
#define DMIP6_DATAPATH_DP_RECORDS_H

#include "common/core/hash.h"
#include "common/core/timer.h"
#include "common/datapath/datapath.h"
#include "common/datapath/dp_filter.h"
#include "common/datapath/dp_key.h"
#include "common/datapath/dp_tunnel.h"

#define DP_TABLE_MAIN	254
#define DP_SLOTS	80	/* tables base + 0 to 79; above: care-of prefixes */
#define DP_ENDPOINTS_MAX	64
#define DP_MTU_DEFAULT	1460
#define DP_NEXTHOP_IDS	0x00080000U
#define DP_BATCH	64		/* changes made together */

struct binding {
	struct dp_key key;		/* of b.inner */
	struct dp_binding b;
	struct in6_addr former;		/* the remote end before; believed until then */
	usec_t former_until;
	uint32_t nexthop;		/* its id; 0: none yet */
	uint8_t slot;			/* MN */
	/* by the last look at the kernel */
	bool seen_nexthop:1, seen_route:1, seen_rule:1, seen_rx:1, seen_in:1, seen_tx:1;
	bool queued:1;			/* a change of it waits in dp_kernel.changes */
	UT_hash_handle hh;
};

enum change_kind { CHANGE_NEW, CHANGE_MOVE, CHANGE_DEL };

struct change {				/* of a binding, put aside (dp_batch.c) */
	struct binding *k;
	enum change_kind kind;
	struct dp_binding to;
	unsigned int first, end;	/* its requests among those gathered */
	int err;
};

struct endpoint {
	struct in6_addr addr;
	bool found;			/* of an earlier run, not named since */
	bool seen, seen_local;		/* its decapsulation, its element of the filter */
};

struct dp_kernel {
	struct dp dp;
	enum dp_role role;
	uint32_t base;
	char device[16];
	struct nl *nl;
	struct dp_tunnel *tunnel;
	struct dp_filter *filter;
	bool no_grace;
	struct in6_addr source;		/* HA: of the tunnels, now: one of the endpoints */
	struct endpoint endpoints[DP_ENDPOINTS_MAX];	/* oldest first */
	unsigned int n_endpoints;
	struct binding *bindings;
	struct binding **by_nexthop;	/* id less dp_nexthop_base() */
	uint32_t n_nexthops;		/* places in it */
	uint32_t free_nexthop;		/* no free place is before this one */
	bool slots[DP_SLOTS];
	dp_failed_fn *failed;		/* NULL: each change is made at once */
	void *failed_ctx;
	char access[DP_ACCESS][16];	/* HA: links by which visitors may come */
	unsigned int n_access;
	bool steers;			/* HA: inner prefixes may have several ways */
	struct steered *steered;	/* those that do (dp_steer.c) */
	struct change changes[DP_BATCH];
	unsigned int n_changes;
};

/* Logs what failed; returns err. */
int dp_complain(const struct dp_kernel *s, const char *what, int err);
int dp_first_error(int a, int b);
uint32_t dp_nexthop_base(const struct dp_kernel *s);

/* The binding whose nexthop has that id; NULL: none. */
struct binding *nexthop_owner(const struct dp_kernel *s, uint32_t id);
/* An id for a binding that has none: the given one, or (0) one that is free. Nothing is
 * installed by that. 0, -ENOMEM, -ENOSPC. */
int nexthop_claim(struct dp_kernel *s, struct binding *k, uint32_t id);
/* Also makes the tunnel look for its way again: it may remember the route that it found. */
int nexthop_install(const struct dp_kernel *s, const struct binding *k,
		    const struct dp_ends *ends);
void nexthop_remove(const struct dp_kernel *s, const struct binding *k);
struct dp_ends binding_ends(const struct dp_binding *b);

int endpoint_index(const struct dp_kernel *s, const struct in6_addr *addr);	/* -ENOENT */
void endpoint_forget(struct dp_kernel *s, int i);
int endpoint_install(struct dp_kernel *s, const struct in6_addr *addr);
int endpoint_remove(struct dp_kernel *s, int i);

struct binding *binding_find(const struct dp_kernel *s, const struct in6_prefix *inner);
struct binding *binding_note(struct dp_kernel *s, const struct in6_prefix *inner,
			     unsigned int slot);
void binding_forget(struct dp_kernel *s, struct binding *k);	/* its id is free then */
/* to: as it is to be. */
int binding_install(const struct dp_kernel *s, const struct binding *k,
		    const struct dp_binding *to);
int binding_remove(const struct dp_kernel *s, const struct binding *k);
/* The filter no longer takes what comes from k->b.remote, but for what is under way: for
 * that one remote end, for a time. Part of a transaction if one is gathered. */
void binding_refuse(struct dp_kernel *s, struct binding *k);

/* The rules that lead what visitors send to their routes. */
int visits_prepare(const struct dp_kernel *s);
void visits_away(const struct dp_kernel *s);

/* Whole changes in dp_kernel.c. begin: k is new and has claimed its nexthop; after a
 * failure, and after end, the record is gone. change: after a failure all is as before. */
int binding_begin(struct dp_kernel *s, struct binding *k, const struct dp_binding *b);
int binding_change(struct dp_kernel *s, struct binding *k, const struct dp_binding *b);
int binding_end(struct dp_kernel *s, struct binding *k);

/* Compares the kernel with the records and puts back what is missing. adopt: what is found
 * becomes ours; else it goes. Returns how many things were put right. */
int dp_sync(struct dp_kernel *s, bool adopt);

#endif
