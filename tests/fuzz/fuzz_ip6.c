/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole IPv6 packet, the way the packet input of the daemons takes it: IPv6 header,
 * extension headers, then the message, first as it came and then with its checksum right.
 * links: common/wire/{buf,cksum,ext,mhopt,mh,icmp6}.c
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/cksum.h"
#include "common/wire/ext.h"
#include "common/wire/icmp6.h"
#include "common/wire/mh.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_payload(const struct ip6_packet *p, uint8_t *msg)
{
	const struct in6_addr *src = ip6_cksum_src(p), *dst = ip6_cksum_dst(p);
	struct icmp6_msg icmp6;
	struct mh_msg mh;

	if (p->next_header == MH_NEXT_HEADER) {
		mh_decode(msg, p->payload_len, src, dst, &mh, NULL);
		mh_set_cksum(msg, p->payload_len, src, dst);
		mh_decode(msg, p->payload_len, src, dst, &mh, NULL);
	} else if (p->next_header == IP6_NH_ICMP6 && p->payload_len >= 4) {
		uint16_t c;

		icmp6_decode(msg, p->payload_len, src, dst, p->hop_limit, &icmp6);
		msg[2] = msg[3] = 0;
		c = cksum_ip6(src, dst, IP6_NH_ICMP6, msg, p->payload_len);
		msg[2] = (uint8_t)(c >> 8);
		msg[3] = (uint8_t)c;
		icmp6_decode(msg, p->payload_len, src, dst, p->hop_limit, &icmp6);
	}
}

/* Headers that were read are written to the same meaning. */
static void check_headers(struct ip6_packet *p)
{
	uint8_t room[256];
	struct ip6_packet back;
	struct wbuf w;

	wb_init(&w, room, sizeof(room));
	ip6_encode(&w, p);
	ip6_finish(&w, 0);
	assert(!w.err && w.len % 8 == 0);
	/* Nothing follows: an extension header as payload would be walked. */
	assert(ip6_decode(room, w.len, &back) == IP6_OK);
	/* Where things stand depends on what else does. */
	p->hao_off = back.hao_off;
	p->payload_off = back.payload_off;
	p->payload_len = back.payload_len;
	assert(memcmp(p, &back, sizeof(back)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ip6_packet p;
	uint8_t *msg;

	if (ip6_decode(data, size, &p) != IP6_OK)
		return 0;
	assert((size_t)p.payload_off + p.payload_len <= size);
	assert(p.payload_off >= IP6_HDR_LEN);
	/* A copy of its own, so that a read past the payload is seen. */
	msg = malloc(p.payload_len ? p.payload_len : 1);
	if (!msg)
		return 0;
	memcpy(msg, data + p.payload_off, p.payload_len);
	read_payload(&p, msg);
	free(msg);
	check_headers(&p);
	return 0;
}
