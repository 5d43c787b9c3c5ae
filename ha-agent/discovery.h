/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How absent mobile nodes find home agents and learn of their prefixes (RFC 6275 10.5,
 * 10.6): what the other files of the home agent call.
 */
#ifndef DMIP6_HA_DISCOVERY_H
#define DMIP6_HA_DISCOVERY_H

#include "ha-agent/ha.h"

/* ---- discovery.c ---- */

/* A Router Advertisement of another router on an access link. */
void discovery_rx_ra(struct ha *ha, struct ha_interface *ifc, const struct in6_addr *src,
		     const struct nd_ra *ra, usec_t now);

/* ---- mpd.c: mobile prefix discovery of one binding ---- */

/* Its registration was accepted. */
void mpd_registered(struct binding *b, usec_t now);
/* The mobile node solicits an advertisement. */
void mpd_solicited(struct binding *b, uint16_t id, usec_t now);
/* The binding ends: nothing more is sent. */
void mpd_end(struct binding *b);

#endif
