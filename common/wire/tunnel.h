/* SPDX-License-Identifier: BSD-2-Clause */
/* ICMPv6 errors about tunnel packets, and what is inside of those (RFC 2473 8). */
#ifndef DMIP6_WIRE_TUNNEL_H
#define DMIP6_WIRE_TUNNEL_H

#include "common/wire/buf.h"

#define IP6_MIN_MTU	1280		/* RFC 8200 5 */

/* A packet, or as much of it as came back in an error. */
struct tunnel_packet {
	const uint8_t *data;
	size_t len;
	size_t whole;			/* how long it was */
	struct in6_addr src, dst;
	uint8_t next, hop_limit;
};

/* An error about a tunnel packet. */
struct tunnel_error {
	struct in6_addr reporter, us;
	uint8_t type, code;
	uint32_t value;			/* the MTU, in a Packet Too Big */
	struct tunnel_packet outer, inner;
};

/* An IPv6 header; its payload is what is left in r. */
bool tunnel_packet_decode(struct rbuf *r, struct tunnel_packet *ret);
/* A whole IPv6 packet, unchecked. false: no error about a tunnel packet, or not readable as
 * far as the header inside of that. */
bool tunnel_error_decode(const void *data, size_t len, struct tunnel_error *ret);
/* RFC 2473 8.2, 7.1: how large a packet inside may be, by a Packet Too Big. */
uint16_t tunnel_error_mtu(const struct tunnel_error *e);
/* RFC 4443 2.4 e: an ICMPv6 error may be sent because of it, its source aside: it is no error
 * and no redirect itself. */
bool tunnel_packet_answerable(const struct tunnel_packet *p);

#endif
