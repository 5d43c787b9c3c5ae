/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Internet checksum (RFC 1071) over the IPv6 pseudo-header of RFC 8200 8.1.
 * Called by mh.c and icmp6.c, when they read and when they write.
 */
#include "common/wire/cksum.h"

#include "common/wire/buf.h"

/* Sum of the 16-bit words; an odd last octet counts as the high half of a word. */
static uint64_t sum_words(struct rbuf *r)
{
	uint64_t sum = 0;

	while (rb_left(r) >= 2)
		sum += rb_u16(r);
	if (rb_left(r) == 1)
		sum += (uint64_t)rb_u8(r) << 8;
	return sum;
}

static uint64_t sum_bytes(const void *data, size_t len)
{
	struct rbuf r;

	rb_init(&r, data, len);
	return sum_words(&r);
}

uint16_t cksum_ip6(const struct in6_addr *src, const struct in6_addr *dst,
		   uint8_t next_header, const void *msg, size_t len)
{
	uint64_t sum = 0;

	sum += sum_bytes(src->s6_addr, sizeof(src->s6_addr));
	sum += sum_bytes(dst->s6_addr, sizeof(dst->s6_addr));
	sum += (len >> 16 & 0xffff) + (len & 0xffff);
	sum += next_header;
	sum += sum_bytes(msg, len);

	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}
