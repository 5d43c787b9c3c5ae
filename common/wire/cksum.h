/* SPDX-License-Identifier: BSD-2-Clause */
/* Internet checksum over the IPv6 pseudo-header (RFC 8200 8.1) and an upper-layer
 * message, shared by the Mobility Header and ICMPv6. */
#ifndef DMIP6_WIRE_CKSUM_H
#define DMIP6_WIRE_CKSUM_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

/* Returns the checksum, host order, ready to be written; over a message that
 * already holds a right checksum it returns 0. */
uint16_t cksum_ip6(const struct in6_addr *src, const struct in6_addr *dst,
		   uint8_t next_header, const void *msg, size_t len);

#endif
