/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobility Headers as a raw socket of a kernel with Mobile IPv6 gives them: without their
 * IPv6 header, the addresses that stand for each other exchanged (RFC 6275 9.3.1, 6.4). Pure.
 */
#ifndef DMIP6_WIRE_MHSOCK_H
#define DMIP6_WIRE_MHSOCK_H

#include "common/wire/ext.h"

/* What the socket told beside the Mobility Header. */
struct mhsock_rx {
	struct in6_addr src, dst;	/* after the exchange: home addresses */
	bool has_hao_coa;		/* a Home Address option, now with the care-of address */
	struct in6_addr hao_coa;
	bool has_rh2_coa;		/* the same for a type 2 routing header */
	struct in6_addr rh2_coa;
};

/* The care-of address in a destination options header, or in a routing header, as the socket
 * gives it: the whole header. False: there is none, or the header is not whole. */
bool mhsock_hao(const void *header, size_t len, struct in6_addr *ret);
bool mhsock_rh2(const void *header, size_t len, struct in6_addr *ret);
/* Appends the packet as it was on the wire, but for ESP. 0 or -ENOSPC. */
int mhsock_packet(struct wbuf *w, const struct mhsock_rx *rx, const void *mh, size_t len);
/* Is it a whole packet with a Mobility Header of a kind that IPsec protects between a mobile
 * node and its home agent: all but Binding Errors, which are for anybody (RFC 3776 4.1)? */
bool mhsock_is_protected(const void *packet, size_t len, struct ip6_packet *ret);

#endif
