/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes of many bindings in one go, for a home agent under load. For dp_kernel.c.
 */
#ifndef DMIP6_DATAPATH_DP_BATCH_H
#define DMIP6_DATAPATH_DP_BATCH_H

#include "common/datapath/dp_records.h"

/* As set and del of dp_ops, but done at the next commit. */
int dp_batch_set(struct dp_kernel *s, const struct dp_binding *b);
int dp_batch_del(struct dp_kernel *s, const struct in6_prefix *inner);
/* What could not be done goes to s->failed. */
void dp_batch_commit(struct dp_kernel *s);

#endif
