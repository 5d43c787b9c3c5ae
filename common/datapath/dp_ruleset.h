/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of the data path's nftables table, as text. Pure. */
#ifndef DMIP6_DATAPATH_DP_RULESET_H
#define DMIP6_DATAPATH_DP_RULESET_H

#include "common/datapath/datapath.h"

#define DP_RULESET_ROOM	8192

const char *dp_ruleset_table(enum dp_role role);
/* One transaction that makes the table, or gives the rules to the one that is there and
 * keeps its sets. device as in dp_filter_open(). ret_n: how many rules
 * the table has then. 0 or -ENOBUFS. */
int dp_ruleset_text(enum dp_role role, const char *device, char *text, size_t room,
		    unsigned int *ret_n);
/* The same for a home agent's own chain about its homes, with one rule for each. */
int dp_ruleset_homes(const struct in6_prefix *homes, unsigned int n, char *text, size_t room);

#endif
