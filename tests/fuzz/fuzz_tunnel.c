/* SPDX-License-Identifier: BSD-2-Clause */
/* ICMPv6 errors about tunnel packets, as any stranger may send them; their checksum is put
 * right, or few would be read any further. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/cksum.h"
#include "common/wire/ext.h"
#include "common/wire/tunnel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_checksum(uint8_t *packet, size_t len)
{
	struct ip6_packet ip;
	struct wbuf w;

	if (ip6_decode(packet, len, &ip) != IP6_OK || ip.payload_len < 4)
		return;
	wb_init(&w, packet, len);
	w.len = len;
	wb_set_u16(&w, ip.payload_off + 2U, 0);
	wb_set_u16(&w, ip.payload_off + 2U, cksum_ip6(&ip.src, &ip.dst, IP6_NH_ICMP6,
						      packet + ip.payload_off, ip.payload_len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *packet = malloc(size ? size : 1);
	struct tunnel_error e;

	if (!packet)
		return 0;
	memcpy(packet, data, size);
	put_checksum(packet, size);
	if (tunnel_error_decode(packet, size, &e)) {
		assert(e.outer.data > packet && e.inner.data == e.outer.data + IP6_HDR_LEN);
		assert(e.inner.data + e.inner.len <= packet + size);
		assert(e.inner.len >= IP6_HDR_LEN && e.outer.len == e.inner.len + IP6_HDR_LEN);
		assert(tunnel_error_mtu(&e) >= IP6_MIN_MTU);
		(void)tunnel_packet_answerable(&e.inner);
	}
	free(packet);
	return 0;
}
