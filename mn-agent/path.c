/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMPv6 errors about what went into the tunnels of the mobile node. Called by io.c; owns
 * nothing.
 *
 * A router on the way from the care-of address to a home agent says that a tunnel packet was
 * too big for its next link (RFC 2473 7.1): the route into the tunnel then says so, and with it
 * the sockets of this host know. The home agent itself says that it does not take the packet:
 * then it has perhaps no binding any more, and that is made sure of (as RFC 6275 11.3.6 has it
 * for a Binding Error). What else routers say is about the way, which Binding Updates watch.
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

static void on_too_big(struct mn *mn, struct anchor *a, const struct tunnel_error *e, usec_t now)
{
	if (!a) {
		mn->counters[MN_C_TOO_BIG_UNKNOWN]++;
		mn_bad(mn, &e->reporter, now);
		return;
	}
	mn->counters[MN_C_TOO_BIG]++;
	anchor_path_mtu(a, tunnel_error_mtu(e));
}

void mn_rx_tunnel_error(struct mn *mn, const void *data, size_t len, usec_t now)
{
	struct tunnel_error e;
	struct anchor *a;

	if (!tunnel_error_decode(data, len, &e)) {
		mn_bad_packet(mn, data, len, now);
		return;
	}
	a = find(mn, &e);
	if (e.type == ICMP6_TOO_BIG) {
		on_too_big(mn, a, &e, now);
	} else if (a && in6_eq(&e.reporter, &a->ha) &&
		   (e.type == ICMP6_UNREACHABLE || e.type == ICMP6_PARAM_PROBLEM)) {
		mn->counters[MN_C_TUNNEL_REFUSED]++;
		anchor_confirm(a, "the home agent does not take what is tunnelled", now);
	}
}
