/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv6 addresses, prefixes and MAC addresses as values: no state, nothing owned. Used
 * everywhere. RFC 4291 (addressing), RFC 5952 (text, written by the C library).
 */
#include "common/core/in6.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

bool in6_eq(const struct in6_addr *a, const struct in6_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool in6_is_any(const struct in6_addr *a)
{
	return IN6_IS_ADDR_UNSPECIFIED(a);
}

bool in6_is_linklocal(const struct in6_addr *a)
{
	return a->s6_addr[0] == 0xfe && (a->s6_addr[1] & 0xc0) == 0x80;
}

bool in6_is_multicast(const struct in6_addr *a)
{
	return a->s6_addr[0] == 0xff;
}

bool in6_is_routable(const struct in6_addr *a)
{
	return !in6_is_any(a) && !IN6_IS_ADDR_LOOPBACK(a) && !in6_is_multicast(a) &&
	       !in6_is_linklocal(a) && !IN6_IS_ADDR_V4MAPPED(a);
}

static const uint8_t home_agents_anycast[8] = {
	0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
};

struct in6_addr in6_home_agents_anycast(const struct in6_addr *prefix)
{
	struct in6_addr a = *prefix;

	memcpy(&a.s6_addr[8], home_agents_anycast, sizeof(home_agents_anycast));
	return a;
}

bool in6_is_home_agents_anycast(const struct in6_addr *a)
{
	return memcmp(&a->s6_addr[8], home_agents_anycast, sizeof(home_agents_anycast)) == 0;
}

void in6_mask(struct in6_addr *a, uint8_t len)
{
	size_t byte = len / 8;

	if (byte >= sizeof(a->s6_addr))
		return;
	a->s6_addr[byte] = (uint8_t)(a->s6_addr[byte] & ~(0xff >> (len % 8)));
	memset(&a->s6_addr[byte + 1], 0, sizeof(a->s6_addr) - byte - 1);
}

bool in6_in(const struct in6_prefix *p, const struct in6_addr *a)
{
	struct in6_addr net = *a, own = p->addr;

	in6_mask(&net, p->len);
	in6_mask(&own, p->len);
	return in6_eq(&net, &own);
}

bool in6_prefix_eq(const struct in6_prefix *a, const struct in6_prefix *b)
{
	return a->len == b->len && in6_eq(&a->addr, &b->addr);
}

bool in6_subprefix(const struct in6_prefix *p, uint8_t len, uint64_t n, struct in6_prefix *ret)
{
	struct in6_prefix sub = { .addr = p->addr, .len = len };

	if (len > 128 || len < p->len)
		return false;
	in6_mask(&sub.addr, p->len);
	/* The number's lowest bit is the sub-prefix's last one, and so on upwards. */
	for (int bit = len - 1; n; n >>= 1, bit--) {
		if (bit < p->len)
			return false;
		if (n & 1)
			sub.addr.s6_addr[bit / 8] |= (uint8_t)(0x80 >> (bit % 8));
	}
	*ret = sub;
	return true;
}

void in6_eui64(struct in6_addr *a, const struct in6_addr *prefix, const uint8_t mac[6])
{
	struct in6_addr r = *prefix;

	/* RFC 4291 A: ff fe in the middle, the universal/local bit inverted. */
	r.s6_addr[8] = mac[0] ^ 0x02;
	r.s6_addr[9] = mac[1];
	r.s6_addr[10] = mac[2];
	r.s6_addr[11] = 0xff;
	r.s6_addr[12] = 0xfe;
	r.s6_addr[13] = mac[3];
	r.s6_addr[14] = mac[4];
	r.s6_addr[15] = mac[5];
	*a = r;
}

struct in6_text in6_str(const struct in6_addr *a)
{
	struct in6_text t;

	if (!inet_ntop(AF_INET6, a, t.s, sizeof(t.s)))
		t.s[0] = '\0';
	return t;
}

struct in6_text in6_prefix_str(const struct in6_prefix *p)
{
	struct in6_text t = in6_str(&p->addr);
	size_t n = strlen(t.s);

	snprintf(t.s + n, sizeof(t.s) - n, "/%u", p->len);
	return t;
}

int in6_parse(const char *s, struct in6_addr *ret)
{
	struct in6_addr a;

	if (inet_pton(AF_INET6, s, &a) != 1)
		return -EINVAL;
	*ret = a;
	return 0;
}

/* Up to three digits, 0 to 128; -1 for anything else. */
static int parse_prefix_len(const char *s)
{
	int len = 0;

	if (!*s || strlen(s) > 3)
		return -1;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		len = len * 10 + (*s - '0');
	}
	return len <= 128 ? len : -1;
}

int in6_prefix_parse(const char *s, struct in6_prefix *ret)
{
	struct in6_prefix p;
	struct in6_addr masked;
	char text[INET6_ADDRSTRLEN];
	const char *slash = strchr(s, '/');
	size_t n = slash ? (size_t)(slash - s) : 0;
	int len;

	if (!slash || n >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, n);
	text[n] = '\0';
	len = parse_prefix_len(slash + 1);
	if (len < 0 || in6_parse(text, &p.addr) < 0)
		return -EINVAL;
	p.len = (uint8_t)len;
	masked = p.addr;
	in6_mask(&masked, p.len);
	if (!in6_eq(&masked, &p.addr))
		return -EINVAL;
	*ret = p;
	return 0;
}

struct mac_text mac_str(const uint8_t mac[6])
{
	struct mac_text t;

	snprintf(t.s, sizeof(t.s), "%02x:%02x:%02x:%02x:%02x:%02x",
		 mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return t;
}

int mac_parse(const char *s, uint8_t ret[6])
{
	uint8_t m[6];

	if (strlen(s) != MAC_TEXT - 1)
		return -EINVAL;
	for (size_t i = 0; s[i]; i++) {
		if (i % 3 == 2 ? s[i] != ':' : !isxdigit((unsigned char)s[i]))
			return -EINVAL;
	}
	if (sscanf(s, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &m[0], &m[1], &m[2], &m[3], &m[4],
		   &m[5]) != 6)
		return -EINVAL;
	memcpy(ret, m, sizeof(m));
	return 0;
}
