/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMPv6: what decodes must encode, and decode again to the same message. The checksum is
 * made right first, or nothing would get past it.
 * links: common/wire/{buf,cksum,icmp6}.c
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/cksum.h"
#include "common/wire/ext.h"
#include "common/wire/icmp6.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* RFC 6275 7.4: read as it comes, never sent so. */
static bool may_not_be_sent(const struct icmp6_msg *m)
{
	const struct nd_ra *ra = &m->u.ra;

	return m->type == ICMP6_RA && ra->has_ha_info &&
	       (!(ra->flags & RA_FLAG_HOME_AGENT) || ra->ha_lifetime_s == 0);
}

static void check(const uint8_t *msg, size_t len, const struct in6_addr *src,
		  const struct in6_addr *dst)
{
	uint8_t first[2048], second[2048];
	struct icmp6_msg m, back;
	struct wbuf w, v;
	int rc;

	if (icmp6_decode(msg, len, src, dst, 255, &m) != ICMP6_OK)
		return;
	wb_init(&w, first, sizeof(first));
	rc = icmp6_encode(&w, &m, src, dst);
	if (may_not_be_sent(&m)) {
		assert(rc == -EINVAL);
		return;
	}
	assert(rc == 0);
	assert(icmp6_decode(first, w.len, src, dst, 255, &back) == ICMP6_OK);
	wb_init(&v, second, sizeof(second));
	assert(icmp6_encode(&v, &back, src, dst) == 0);
	assert(v.len == w.len && memcmp(first, second, w.len) == 0);
	if (m.type == ICMP6_RA)
		m.u.ra.dropped = 0;
	assert(memcmp(&m, &back, sizeof(m)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct in6_addr srcs[] = {
		{ { { 0xfe, 0x80, [15] = 1 } } }, { { { 0 } } }, { { { 0x20, 0x01, [15] = 1 } } },
	};
	static const struct in6_addr dst = { { { 0xff, 2, [11] = 1, 0xff, [15] = 2 } } };
	uint8_t *msg;

	if (size < 4 || size > 65535)
		return 0;
	msg = malloc(size);
	if (!msg)
		return 0;
	for (size_t i = 0; i < sizeof(srcs) / sizeof(srcs[0]); i++) {
		struct wbuf w;

		memcpy(msg, data, size);
		wb_init(&w, msg + 2, 2);
		wb_u16(&w, 0);
		wb_set_u16(&w, 0, cksum_ip6(&srcs[i], &dst, IP6_NH_ICMP6, msg, size));
		check(msg, size, &srcs[i], &dst);
	}
	free(msg);
	return 0;
}
