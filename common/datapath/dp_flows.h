/* SPDX-License-Identifier: BSD-2-Clause */
/* Which packets go by which way, as text for nftables. Pure. */
#ifndef DMIP6_DATAPATH_DP_FLOWS_H
#define DMIP6_DATAPATH_DP_FLOWS_H

#include "common/datapath/datapath.h"

#define DP_FLOWS_ROOM	((DP_FLOWS + DP_PATHS + 4) * (SELECTOR_TEXT + 160))
#define DP_FLOWS_CHAIN	"flow_"		/* the names of all chains of flows begin so */

struct dp_flows_name { char s[48]; };

bool dp_flows_any(const struct dp_steer *s);		/* it has a way */
/* The counter of what went by a way. */
struct dp_flows_name dp_flows_counter(const struct in6_prefix *inner, unsigned int path);
/* The maps that lead to the chains, and the rules that ask them; n_rules: how many those are. */
int dp_flows_base(const char *table, const char *chain, char *text, size_t room,
		  unsigned int *ret_n_rules);
/* One transaction that makes the chain of an inner prefix, or gives new rules to the one that is
 * there; ret_n: how many it has then. 0 or -ENOBUFS. */
int dp_flows_text(const char *table, const struct dp_steer *s, char *text, size_t room,
		  unsigned int *ret_n);
/* Packets come to the chain from then on; or, in two transactions, no longer, and it is gone. */
int dp_flows_enter(const char *table, const struct in6_prefix *inner, char *text, size_t room);
int dp_flows_leave(const char *table, const struct in6_prefix *inner, char *text, size_t room);
int dp_flows_drop(const char *table, const struct in6_prefix *inner, char *text, size_t room);

#endif
