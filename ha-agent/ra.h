/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Builds the Router Advertisements of the home agent and the solicitation by which it
 * asks whether a host is still there. Pure.
 */
#ifndef DMIP6_HA_RA_H
#define DMIP6_HA_RA_H

#include <stddef.h>
#include <stdint.h>

#include "ha-agent/ha.h"

#define RA_ROOM		1280		/* enough for any that we build */

/* What a host has of each home of its interface, in the order of these; NULL: nothing. */
struct ra_leases {
	const struct lease *of_home[HA_INTERFACE_HOMES];
	unsigned int n_visited;		/* prefixes of other routers */
	struct nd_prefix visited[ND_MAX_PREFIXES];
};

/* A whole IPv6 packet to all nodes; with the prefixes of one host's leases where they are
 * given. Returns its length, 0 if the interface has no usable address. */
size_t ra_build(const struct ha_config *cfg, const struct ha_interface *ifc,
		const struct ra_leases *leases, usec_t now, uint8_t room[RA_ROOM]);
/* What a host is told of one home, by a Router Advertisement or, when it is elsewhere, by a
 * Mobile Prefix Advertisement (RFC 6275 10.6.1). l NULL: it has no prefix there. Returns how
 * many. */
#define HA_HOME_PREFIXES	2
unsigned int ra_home_prefixes(const struct ha_config *cfg, const struct ha_home *home,
			      const struct lease *l, usec_t now,
			      struct nd_prefix ret[HA_HOME_PREFIXES]);
/* A whole IPv6 packet with one message of Neighbour Discovery. Its length, or 0. */
size_t nd_build(const struct icmp6_msg *msg, const struct in6_addr *src,
		const struct in6_addr *dst, uint8_t room[RA_ROOM]);
/* A Neighbour Solicitation for the host's link-local address, to that address. */
size_t ra_build_probe(const struct ha_interface *ifc, const struct lease *l,
		      uint8_t room[RA_ROOM]);

#endif
