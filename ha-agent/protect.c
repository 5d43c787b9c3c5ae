/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `ipsec require': Mobility Headers of mobile nodes come, and what answers them goes, through
 * the kernel's IPsec only (RFC 3776, RFC 4877; dmip6-ipsec(7)). Owns io->ipsec until
 * io_close(); called by io.c.
 */
#include <stdio.h>
#include <string.h>

#include "common/sys/clock.h"
#include "ha-agent/io.h"

static void on_mh(void *ctx, int ifindex, const uint8_t *data, size_t len)
{
	struct io *io = ctx;

	(void)ifindex;
	ha_rx_mh_protected(&io->ha, data, len, clock_now());
}

int protect_open(struct io *io, char why[IO_WHY])
{
	int err;

	if (!io->cfg.ha->ipsec_required)
		return 0;
	err = ipsec_open(io->loop, IPSEC_HA, on_mh, io, &io->ipsec);
	if (err < 0)
		snprintf(why, IO_WHY, "ipsec require: %s; expected a kernel with IPsec "
			 "(CONFIG_XFRM_USER, CONFIG_INET6_ESP) and Mobile IPv6 "
			 "(CONFIG_IPV6_MIP6)", strerror(-err));
	return err;
}

bool protect_wants(const struct io *io, const void *data, size_t len)
{
	return io->ipsec && ipsec_wants(data, len);
}
