/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of the data path's nftables table, as text. Pure. */
#ifndef DMIP6_DATAPATH_DP_RULESET_H
#define DMIP6_DATAPATH_DP_RULESET_H

#include "common/datapath/datapath.h"

#define DP_RULESET_ROOM	16384

struct dp_ruleset {
	enum dp_role role;
	/* By which comes what the kernel has taken out of tunnels, whether or not they are
	 * ours; NULL: none. */
	const char *device;
	uint16_t mss;			/* see struct dp_config */
	uint8_t reassembled;		/* see struct dp_ops */
	bool ipsec, visits, steers;	/* see struct dp_config */
	struct dp_links guarded;
	uint16_t report_group;		/* see struct dp_config */
};

const char *dp_ruleset_table(enum dp_role role);
/* One transaction that makes the table, or gives the rules to the one that is there and
 * keeps its sets. ret_n: how many rules the table has then. 0 or -ENOBUFS. */
int dp_ruleset_text(const struct dp_ruleset *r, char *text, size_t room, unsigned int *ret_n);
/* The same for a home agent's own chains about its homes, with one rule for each; one_source:
 * with two, for the kernel's tunnels all leave from the same address, and one more for visits. */
int dp_ruleset_homes(const struct dp_home *homes, unsigned int n, bool one_source, bool visits,
		     char *text, size_t room);

#endif
