/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv6 header and the extension headers of Mobile IPv6: Home Address option
 * (RFC 6275 6.3), type 2 routing header (6.4), and the RFC 2473 tunnel header.
 */
#ifndef DMIP6_WIRE_EXT_H
#define DMIP6_WIRE_EXT_H

#include "common/wire/buf.h"

#define IP6_HDR_LEN		40
#define IP6_SRC_AT		8
#define IP6_NH_HOPOPTS		0
#define IP6_NH_TUNNEL		41
#define IP6_NH_ROUTING		43
#define IP6_NH_FRAGMENT		44
#define IP6_NH_ESP		50
#define IP6_NH_AH		51
#define IP6_NH_ICMP6		58
#define IP6_NH_NONE		59
#define IP6_NH_DSTOPTS		60
#define IP6_OPT_HAO		0xc9
#define IP6_OPT_TUNNEL_LIMIT	4	/* RFC 2473 4.1.1 */
#define IP6_RH_TYPE2		2

struct ip6_packet {
	struct in6_addr src, dst;	/* as in the IPv6 header */
	uint8_t hop_limit;
	uint8_t traffic_class;
	bool has_hao;
	struct in6_addr hao;
	uint16_t hao_off;		/* decode: where the option starts in the packet */
	bool has_rh2;
	struct in6_addr rh2;
	bool has_tunnel_limit;
	uint8_t tunnel_limit;
	uint8_t next_header;		/* of the payload, behind all extension headers */
	uint16_t payload_off;		/* where it starts in the packet */
	uint16_t payload_len;
};

enum ip6_err {
	IP6_OK = 0,
	IP6_ERR_SHORT,		/* fewer bytes than the header says */
	IP6_ERR_VERSION,
	IP6_ERR_EXT,		/* an extension header does not fit */
	IP6_ERR_OPTION,		/* an option that must not be skipped (RFC 8200 4.2) */
	IP6_ERR_HAO,		/* Home Address option of wrong length, or twice */
	IP6_ERR_RH2,		/* type 2 routing header: wrong length or segments left */
	IP6_ERR_FRAGMENT,	/* fragmented: never reassembled here */
	IP6_ERR_MAX
};
const char *ip6_err_name(enum ip6_err e);

/* Reads the IPv6 header and walks the extension headers. *ret untouched on error. */
enum ip6_err ip6_decode(const void *data, size_t len, struct ip6_packet *ret);

/* Addresses for the upper-layer checksum (RFC 6275 6.1.1, 11.3.1). */
const struct in6_addr *ip6_cksum_src(const struct ip6_packet *p);
const struct in6_addr *ip6_cksum_dst(const struct ip6_packet *p);

/*
 * Appends the IPv6 header and, where asked, the destination options header with the
 * Home Address option (8n+6) or the type 2 routing header. p->next_header names the
 * payload, which the caller appends; then ip6_finish() sets the payload length.
 */
void ip6_encode(struct wbuf *w, const struct ip6_packet *p);
void ip6_finish(struct wbuf *w, size_t ip6_at);	/* ip6_at: where the IPv6 header starts */

#endif
