/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packet sockets: how Mobility Headers and Neighbour Discovery come in and go out on
 * any kernel (design section 7). They see packets before the kernel's own verdict.
 * What arrives is a whole IPv6 packet, unchecked: decoding is the caller's. That the kernel
 * does not answer it as well is the business of the data path's filter (dp_ruleset.c).
 */
#ifndef DMIP6_SYS_PKT_H
#define DMIP6_SYS_PKT_H

#include "common/core/in6.h"
#include "common/sys/loop.h"

enum pkt_kind {
	PKT_MH,		/* next header 135, also behind extension headers */
	PKT_ND_HOST,	/* Router and Neighbour Advertisements (ICMPv6 134, 136) */
	PKT_ND_ROUTER,	/* Router and Neighbour Solicitations and Advertisements (133 to 136) */
	PKT_DISCOVERY,	/* RFC 6275 6.5, 6.7: home agent address discovery requests (ICMPv6 144);
			 * mobile prefix solicitations (146), behind destination options or in
			 * a tunnel packet */
	PKT_PREFIXES,	/* RFC 6275 6.8: Mobile Prefix Advertisements (ICMPv6 147), behind a
			 * routing header */
	PKT_HOME_AGENTS, /* RFC 6275 6.6: home agent address discovery replies (ICMPv6 145) */
	PKT_HAO,	/* destination options first, which may hold a Home Address option, and
			 * behind them neither a tunnelled packet nor what may stand there without
			 * a binding (RFC 6275 9.3.1: ESP, AH, Mobility Header) */
	PKT_UPDATE_ERROR, /* ICMPv6 errors (1 to 4) about Mobility Headers, behind destination
			 * options or not, those made here too */
	PKT_TUNNEL_ERROR, /* ICMPv6 errors (1 to 4) about IPv6 in IPv6, those made here too */
};

struct pkt_rx {
	int ifindex;
	uint8_t mac[6];		/* link-layer source */
	const uint8_t *data;	/* the IPv6 header is first; valid during the call */
	size_t len;
	/* Reads in a row, this one too, that gave as many packets as one can: more are waiting. */
	unsigned int behind;
};

struct pkt;

/* Receives from all interfaces; never what this host sent. Bounded work per turn. */
int pkt_open(struct loop *l, enum pkt_kind kind, void (*fn)(void *ctx, const struct pkt_rx *rx),
	     void *ctx, struct pkt **ret);
void pkt_close(struct pkt *p);
/* How many came faster than they were read, since it was opened. */
uint64_t pkt_lost(struct pkt *p);
/* Of PKT_MH: only what is to one of these addresses comes in from now on, whatever else passes
 * through this host, and does not wake anybody. No more than PKT_DESTINATIONS: 0, -E2BIG or
 * what the kernel says; then everything comes in as before. */
#define PKT_DESTINATIONS	32
int pkt_only_to(struct pkt *p, const struct in6_addr *addrs, unsigned int n);
/* Every multicast packet of the interface comes in, to whatever group, until it goes away or
 * the socket is closed. */
int pkt_all_multicast(struct pkt *p, int ifindex);
/* One whole IPv6 packet, to a link-layer address on one interface. */
int pkt_send_link(struct pkt *p, int ifindex, const uint8_t mac[6], const void *data, size_t len);
/* One whole IPv6 packet, routed by the kernel by its destination and source. */
int pkt_send_routed(struct pkt *p, const void *data, size_t len);
/* The same, but at the latest when pkt_flush() is called: many go in one system call. A packet
 * of more than PKT_QUEUED_MAX octets is -EMSGSIZE. */
#define PKT_QUEUED_MAX	1280
int pkt_queue_routed(struct pkt *p, const void *data, size_t len);
unsigned int pkt_flush(struct pkt *p);		/* how many could not be sent since the last */

#endif
