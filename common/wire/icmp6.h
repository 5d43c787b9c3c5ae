/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ICMPv6 messages that mobility reads or writes: Neighbour Discovery (RFC 4861
 * with the Mobile IPv6 additions of RFC 6275 section 7), home agent address discovery
 * (6.5, 6.6) and mobile prefix discovery (6.7, 6.8).
 */
#ifndef DMIP6_WIRE_ICMP6_H
#define DMIP6_WIRE_ICMP6_H

#include "common/wire/buf.h"

struct ip6_packet;

#define ICMP6_UNREACHABLE	1	/* RFC 4443 */
#define ICMP6_TOO_BIG		2
#define ICMP6_TIME_EXCEEDED	3
#define ICMP6_PARAM_PROBLEM	4
#define ICMP6_RS		133
#define ICMP6_RA		134
#define ICMP6_NS		135
#define ICMP6_NA		136
#define ICMP6_REDIRECT		137
#define ICMP6_DHAAD_REQUEST	144
#define ICMP6_DHAAD_REPLY	145
#define ICMP6_MPS		146
#define ICMP6_MPA		147

#define ND_OPT_SLLA		1
#define ND_OPT_TLLA		2
#define ND_OPT_PREFIX		3
#define ND_OPT_MTU		5
#define ND_OPT_ADV_INTERVAL	7	/* RFC 6275 7.3 */
#define ND_OPT_HA_INFO		8	/* RFC 6275 7.4 */
#define ND_OPT_RDNSS		25	/* RFC 8106 */

#define RA_FLAG_MANAGED		0x80
#define RA_FLAG_OTHER		0x40
#define RA_FLAG_HOME_AGENT	0x20	/* RFC 6275 7.1 */
#define RA_PREFERENCE_LOW	0x18	/* RFC 4191 2.1; 0 is medium */
#define PIO_FLAG_ONLINK		0x80
#define PIO_FLAG_AUTO		0x40
#define PIO_FLAG_ROUTER		0x20	/* RFC 6275 7.2: the prefix is an address */
#define NA_FLAG_ROUTER		0x80
#define NA_FLAG_SOLICITED	0x40
#define NA_FLAG_OVERRIDE	0x20

#define ND_MAX_PREFIXES		16	/* more in one message are counted, not kept */
#define ND_MAX_RDNSS		4
#define ND_MAX_HA		77	/* in 1,280 octets, the smallest MTU of IPv6 */

struct nd_lladdr { bool present; uint8_t mac[6]; };

struct nd_prefix {
	struct in6_addr prefix;		/* with PIO_FLAG_ROUTER: the router's full address */
	uint8_t plen;
	uint8_t flags;
	uint32_t valid_s, preferred_s;
};

struct nd_rs { struct nd_lladdr slla; };

struct nd_ra {
	uint8_t hop_limit;
	uint8_t flags;
	uint16_t router_lifetime_s;
	uint32_t reachable_ms, retrans_ms;
	struct nd_lladdr slla;
	uint32_t mtu;			/* 0: none */
	uint32_t adv_interval_ms;	/* 0: none */
	bool has_ha_info;
	uint16_t ha_preference;
	uint16_t ha_lifetime_s;
	unsigned int n_prefixes;
	struct nd_prefix prefixes[ND_MAX_PREFIXES];
	uint32_t rdnss_lifetime_s;
	unsigned int n_rdnss;
	struct in6_addr rdnss[ND_MAX_RDNSS];
	unsigned int dropped;		/* decode: prefixes and servers beyond our limits */
};

struct nd_ns { struct in6_addr target; struct nd_lladdr slla; };
struct nd_na { uint8_t flags; struct in6_addr target; struct nd_lladdr tlla; };

struct icmp6_dhaad {			/* request and reply */
	uint16_t id;
	unsigned int n_ha;		/* reply only */
	struct in6_addr ha[ND_MAX_HA];
};

struct icmp6_mp {			/* mobile prefix solicitation and advertisement */
	uint16_t id;
	uint8_t flags;			/* advertisement: RA_FLAG_MANAGED, RA_FLAG_OTHER */
	unsigned int n_prefixes;
	struct nd_prefix prefixes[ND_MAX_PREFIXES];
};

struct icmp6_msg {
	uint8_t type;
	union {
		struct nd_rs rs;
		struct nd_ra ra;
		struct nd_ns ns;
		struct nd_na na;
		struct icmp6_dhaad dhaad;
		struct icmp6_mp mp;
	} u;
};

enum icmp6_err {
	ICMP6_OK = 0,
	ICMP6_ERR_SHORT,
	ICMP6_ERR_CHECKSUM,
	ICMP6_ERR_TYPE,		/* a type that we do not read */
	ICMP6_ERR_CODE,
	ICMP6_ERR_HOP_LIMIT,	/* RFC 4861 6.1, 7.1: not 255 */
	ICMP6_ERR_SOURCE,	/* RFC 4861 6.1.2: an RA not from a link-local address; 6.1.1,
				 * 7.1.1: a source link-layer address from `::` */
	ICMP6_ERR_TARGET,	/* RFC 4861 7.1: target or destination not allowed here */
	ICMP6_ERR_OPTION,	/* option of length zero, past the end, or of a wrong length */
	ICMP6_ERR_MAX
};
const char *icmp6_err_name(enum icmp6_err e);

/* Reads and validates one message as the RFC of its type says (RFC 4861 6.1.1, 6.1.2,
 * 7.1.1, 7.1.2; hop_limit is that of the IPv6 header). *ret untouched on error. */
enum icmp6_err icmp6_decode(const void *data, size_t len, const struct in6_addr *src,
			    const struct in6_addr *dst, uint8_t hop_limit,
			    struct icmp6_msg *ret);

/* Appends one message with its checksum. 0, -ENOSPC or -EINVAL. */
int icmp6_encode(struct wbuf *w, const struct icmp6_msg *msg, const struct in6_addr *src,
		 const struct in6_addr *dst);
/* Appends the whole packet: this header and one message. 0, -ENOSPC or -EINVAL. */
int icmp6_packet(struct wbuf *w, const struct ip6_packet *ip, const struct icmp6_msg *msg);

#endif
