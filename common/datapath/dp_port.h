/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules about the TCP port that is for hosts on the access links alone, as text. Pure. */
#ifndef DMIP6_DATAPATH_DP_PORT_H
#define DMIP6_DATAPATH_DP_PORT_H

#include "common/datapath/datapath.h"

#define DP_PORT_ROOM	8192

/* One transaction for the home agent's table, which is there, or gives the rules to the chain
 * that is there. ret_n: how many rules. 0 or -ENOBUFS. */
int dp_port_text(const char *table, const struct dp_port *p, const struct dp_home *homes,
		 unsigned int n_homes, char *text, size_t room, unsigned int *ret_n);

#endif
