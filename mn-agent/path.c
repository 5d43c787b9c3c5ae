/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The size of what goes into the tunnels of the mobile node: a router on the way from the
 * care-of address to a home agent says that a tunnel packet was too big for its next link
 * (RFC 2473 7.1). Called by io.c; owns nothing.
 *
 * The route into the tunnel then says so, and with it the sockets of this host know.
 */
#include "common/wire/icmp6.h"
#include "common/wire/tunnel.h"
#include "mn-agent/mn.h"

static struct anchor *find(struct mn *mn, const struct tunnel_error *e)
{
	for (struct anchor *a = mn->anchors; a; a = a->next)
		if (a->tunnelled && in6_eq(&a->hoa, &e->inner.src) &&
		    in6_eq(&a->ha, &e->outer.dst) && in6_eq(&a->via, &e->outer.src) &&
		    in6_eq(&a->via, &e->us))
			return a;
	return NULL;
}

void mn_rx_tunnel_error(struct mn *mn, const void *data, size_t len)
{
	struct tunnel_error e;
	struct anchor *a;

	if (!tunnel_error_decode(data, len, &e)) {
		mn->counters[MN_C_PACKET_BAD]++;
		return;
	}
	/* Other errors are about the way, which Binding Updates and their answers watch. */
	if (e.type != ICMP6_TOO_BIG)
		return;
	a = find(mn, &e);
	if (!a) {
		mn->counters[MN_C_TOO_BIG_UNKNOWN]++;
		return;
	}
	mn->counters[MN_C_TOO_BIG]++;
	anchor_path_mtu(a, tunnel_error_mtu(&e));
}
