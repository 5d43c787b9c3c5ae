/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traffic selectors (RFC 6088): which packets of a mobile node are a flow. Pure; used by whoever
 * steers flows, and by the data path.
 */
#ifndef DMIP6_CORE_SELECTOR_H
#define DMIP6_CORE_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "common/core/in6.h"

#define SELECTOR_TEXT	256

struct selector_ports { uint16_t first, last; };	/* last 0: any */

/* Seen from the mobile node: `local' is its own end. What is zero is not asked for. */
struct selector {
	struct in6_prefix local, remote;
	struct selector_ports local_port, remote_port;
	uint8_t protocol;		/* of the upper layer; 0: any */
	bool has_dscp;
	uint8_t dscp;
};

struct selector_text { char s[SELECTOR_TEXT]; };

/* 0, or -EINVAL: nothing is ever like that. Ports without a protocol that has any are those of
 * TCP and UDP. */
int selector_check(const struct selector *s);
bool selector_eq(const struct selector *a, const struct selector *b);
/* "protocol udp, local-port 5000-5010, remote 2001:db8::/32"; "all" for one that asks nothing. */
struct selector_text selector_str(const struct selector *s);
/* As words of an nftables rule about packets to the mobile node (down), or from it. */
struct selector_text selector_nft(const struct selector *s, bool down);
/* The number of a protocol that has a name here, or that is a decimal number; 0: it is none. */
uint8_t selector_protocol(const char *word);
/* "5000" or "5000-5010"; false: it is neither. */
bool selector_read_ports(const char *text, struct selector_ports *ret);

#endif
