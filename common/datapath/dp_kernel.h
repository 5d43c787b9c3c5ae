/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all kernel backends have in common: bindings and endpoints, what is installed for
 * them, and how that is found again and repaired. A backend's own file opens it with its
 * tunnel type.
 */
#ifndef DMIP6_DATAPATH_DP_KERNEL_H
#define DMIP6_DATAPATH_DP_KERNEL_H

#include "common/datapath/datapath.h"
#include "common/datapath/dp_tunnel.h"

int dp_kernel_probe(const struct dp_tunnel_ops *type, char *why, size_t len);
int dp_kernel_open(const struct dp_ops *ops, const struct dp_tunnel_ops *type,
		   const struct dp_config *cfg, struct dp **ret);

int dp_kernel_endpoint_add(struct dp *dp, const struct in6_addr *addr);
int dp_kernel_endpoint_del(struct dp *dp, const struct in6_addr *addr);
int dp_kernel_set(struct dp *dp, const struct dp_binding *b);
int dp_kernel_del(struct dp *dp, const struct in6_prefix *inner);
void dp_kernel_commit(struct dp *dp);
int dp_kernel_expect(struct dp *dp, const struct in6_addr *hoa, const struct in6_addr *ha);
int dp_kernel_stats(struct dp *dp, const struct in6_prefix *inner, struct dp_stats *ret);
int dp_kernel_dump(struct dp *dp, void (*fn)(void *ctx, const struct dp_binding *b), void *ctx);
int dp_kernel_repair(struct dp *dp);
int dp_kernel_sent(struct dp *dp, void (*fn)(void *ctx, const struct in6_addr *from,
					     uint64_t ms_ago), void *ctx);
int dp_kernel_drops(struct dp *dp, struct dp_drops *ret);
int dp_kernel_guard(struct dp *dp, const uint8_t mac[6], const struct in6_prefix *prefix,
		    bool allowed);
int dp_kernel_steer(struct dp *dp, const struct dp_steer *s);	/* dp_steer.c */
int dp_kernel_path_stats(struct dp *dp, const struct in6_prefix *inner, unsigned int path,
			 uint64_t *ret_packets);
void dp_kernel_close(struct dp *dp, bool keep);

#define DP_KERNEL_METHODS \
	.endpoint_add = dp_kernel_endpoint_add, \
	.endpoint_del = dp_kernel_endpoint_del, \
	.set = dp_kernel_set, \
	.del = dp_kernel_del, \
	.commit = dp_kernel_commit, \
	.expect = dp_kernel_expect, \
	.stats = dp_kernel_stats, \
	.dump = dp_kernel_dump, \
	.repair = dp_kernel_repair, \
	.sent = dp_kernel_sent, \
	.drops = dp_kernel_drops, \
	.guard = dp_kernel_guard, \
	.steer = dp_kernel_steer, \
	.path_stats = dp_kernel_path_stats, \
	.close = dp_kernel_close

#endif
