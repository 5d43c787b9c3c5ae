/* SPDX-License-Identifier: BSD-2-Clause */
/* IPv6 addresses and prefixes: compare, mask, print, parse. Pure. */
#ifndef DMIP6_CORE_IN6_H
#define DMIP6_CORE_IN6_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IN6_TEXT	64	/* room for "address/128" and the zero */

struct in6_prefix { struct in6_addr addr; uint8_t len; };
struct in6_text { char s[IN6_TEXT]; };	/* returned by value: usable in a printf argument */

bool in6_eq(const struct in6_addr *a, const struct in6_addr *b);
bool in6_is_any(const struct in6_addr *a);
bool in6_is_linklocal(const struct in6_addr *a);	/* fe80::/10 */
bool in6_is_multicast(const struct in6_addr *a);
/* Global unicast that a host may use as home or care-of address: not unspecified,
 * loopback, multicast, link-local, mapped. Unique local addresses count. */
bool in6_is_routable(const struct in6_addr *a);
/* The Mobile IPv6 Home-Agents anycast address of a /64 (RFC 2526 2.1), and is it one? */
struct in6_addr in6_home_agents_anycast(const struct in6_addr *prefix);
bool in6_is_home_agents_anycast(const struct in6_addr *a);
void in6_mask(struct in6_addr *a, uint8_t len);		/* clears the bits behind len */
bool in6_in(const struct in6_prefix *p, const struct in6_addr *a);
bool in6_prefix_eq(const struct in6_prefix *a, const struct in6_prefix *b);
/* The n-th prefix of length len inside p; false where there is none. */
bool in6_subprefix(const struct in6_prefix *p, uint8_t len, uint64_t n, struct in6_prefix *ret);
/* Prefix (64 bits of it) with the modified EUI-64 interface identifier of a MAC (RFC 4291 A). */
void in6_eui64(struct in6_addr *a, const struct in6_addr *prefix, const uint8_t mac[6]);
struct in6_text in6_str(const struct in6_addr *a);
struct in6_text in6_prefix_str(const struct in6_prefix *p);
/* 0 or -EINVAL; in6_prefix_parse refuses host bits that are set. */
int in6_parse(const char *s, struct in6_addr *ret);
int in6_prefix_parse(const char *s, struct in6_prefix *ret);

#define MAC_TEXT 18
struct mac_text { char s[MAC_TEXT]; };
struct mac_text mac_str(const uint8_t mac[6]);
int mac_parse(const char *s, uint8_t ret[6]);

#endif
