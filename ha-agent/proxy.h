/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home addresses on a shared home link while their mobile nodes are away: looked for before
 * the first acknowledgement (RFC 6275 10.3.1, RFC 4862 5.4), then announced and defended
 * (RFC 6275 10.4.1, RFC 4861 7.2.6, 7.2.8), until the binding ends. With L the link-local
 * address with the same interface identifier as well.
 *
 * The kernel could answer for them too (proxy_ndp). It would walk one of sixteen lists of
 * them for each packet that it forwards from the link, cannot look for a duplicate, and
 * delays its answers by default. So the daemon does it, of whom a binding needs nothing but
 * its entry; a restart takes less time than a neighbour's three tries.
 */
#ifndef DMIP6_HA_PROXY_H
#define DMIP6_HA_PROXY_H

#include "ha-agent/binding.h"

#define PROXY_ADVERTISEMENTS	3		/* MAX_NEIGHBOR_ADVERTISEMENT */

/* A registration that waits for the end of the test. */
struct proxy_held {
	struct binding_request request;
	struct ha_ack ack;
};

/* ---- for binding.c ---- */

/* Keeps the request until proxy_let_go(); a later one takes its place. 0 or -ENOMEM. */
int proxy_hold(struct binding *b, const struct binding_request *req);
struct proxy_held proxy_let_go(struct binding *b);
/* False: there is no working link, and nobody on it who could have the address. */
bool proxy_can_ask(const struct binding *b);
void proxy_ask(struct binding *b);
/* Announces the address; until the binding ends, it is answered for. */
void proxy_defend(struct binding *b, usec_t now);
/* Nothing more is sent for it. Harmless where nothing was. */
void proxy_end(struct binding *b);

/* ---- for update.c and nd.c ---- */

/* What to answer when the test is over; the binding is TESTING. */
void proxy_hold_ack(struct binding *b, const struct ha_ack *ack);
/* The interface can be used (again): all of its absent hosts are announced. */
void proxy_interface_usable(struct ha_interface *ifc, usec_t now);
void proxy_rx_ns(struct ha *ha, const struct ha_interface *ifc, const uint8_t mac[6],
		 const struct in6_addr *src, const struct nd_ns *ns, usec_t now);
void proxy_rx_na(struct ha *ha, struct ha_interface *ifc, const uint8_t mac[6],
		 const struct nd_na *na, usec_t now);

#endif
