/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ip6tnl backend: RFC 2473 tunnels by one collect-metadata device of ip6_tunnel for all
 * bindings; a nexthop says both ends ("encap ip6"). The default where the kernel has it.
 * Called by dp_kernel.c through dp_tunnel_ops.
 *
 * The device takes off whatever comes in a tunnel to an address of this host: who may send
 * is the filter's to say. A packet that is too large is answered by it with Packet Too Big,
 * to the packet's own sender (RFC 2473 7.1). A network namespace can have one such device,
 * so a mobile node and a home agent in one namespace share it.
 */
#include "common/datapath/datapath.h"

#include <errno.h>
#include <linux/lwtunnel.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/datapath/dp_kernel.h"
#include "common/datapath/dp_tunnel.h"
#include "common/sys/rt.h"

#define DEVICE		"dmip6tnl0"
#define PROBE_DEVICE	"dmip6probe0"
#define PROBE_ID	0x44600001U	/* of no role */
#define HOP_LIMIT	64		/* RFC 2473 6.3: of the tunnel, not the inner one */

/* --- nexthops -------------------------------------------------------------------------- */

static void ip6tnl_put_ends(struct nlmsghdr *nlh, const struct dp_ends *e,
			    const struct dp_encap_attrs *a)
{
	struct nlattr *nest;

	mnl_attr_put_u16(nlh, a->type, LWTUNNEL_ENCAP_IP6);
	nest = mnl_attr_nest_start(nlh, a->encap);
	mnl_attr_put(nlh, LWTUNNEL_IP6_DST, sizeof(e->remote), &e->remote);
	mnl_attr_put(nlh, LWTUNNEL_IP6_SRC, sizeof(e->local), &e->local);
	mnl_attr_put_u8(nlh, LWTUNNEL_IP6_HOPLIMIT, HOP_LIMIT);
	mnl_attr_nest_end(nlh, nest);
}

static bool ip6tnl_get_ends(uint16_t encap_type, const struct nlattr *encap, struct dp_ends *ret)
{
	const struct nlattr *tb[LWTUNNEL_IP6_SRC + 1];
	struct dp_ends e;

	nl_nested(encap, tb, LWTUNNEL_IP6_SRC);
	if (encap_type != LWTUNNEL_ENCAP_IP6 ||
	    !nl_get(tb[LWTUNNEL_IP6_DST], &e.remote, sizeof(e.remote)) ||
	    !nl_get(tb[LWTUNNEL_IP6_SRC], &e.local, sizeof(e.local)))
		return false;
	*ret = e;
	return true;
}

/* --- open, close, cleanup -------------------------------------------------------------- */

static int ip6tnl_tunnel_open(enum dp_role role, struct nl *nl, uint32_t table,
			      struct dp_tunnel **ret)
{
	struct dp_tunnel *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	*t = (struct dp_tunnel){
		.ops = &dp_ip6tnl_tunnel, .role = role, .nl = nl, .table = table,
	};
	*ret = t;
	return 0;
}

static void on_nexthop(void *ctx, uint32_t id, const struct dp_ends *ends)
{
	bool *used = ctx;

	(void)id;
	*used |= ends != NULL;
}

/* Our own nexthops are gone by now; what is there is of the other role. */
static bool others_use_it(struct nl *nl)
{
	bool used = false;

	(void)dp_nexthop_dump(nl, &dp_ip6tnl_tunnel, on_nexthop, &used);
	return used;
}

static void ip6tnl_close(struct dp_tunnel *t, bool keep)
{
	if (!keep && !others_use_it(t->nl))
		(void)rt_device_del(t->nl, DEVICE);
	free(t);
}

static int ip6tnl_prepare(struct dp_tunnel *t)
{
	return rt_tunnel_make(t->nl, DEVICE, &t->ifindex);
}

static int ip6tnl_cleanup(struct nl *nl, uint32_t table)
{
	int err = rt_device_del(nl, DEVICE);

	(void)table;
	return err < 0 ? err : 1;
}

/* --- probe ------------------------------------------------------------------------------ */

static int say(const struct nl *nl, int err, const char *lacks, char *why, size_t len)
{
	(void)snprintf(why, len, "kernel lacks %s: %s%s%s; so packets cannot be put into tunnels",
		       lacks, strerror(-err), nl_error(nl)[0] ? ": " : "", nl_error(nl));
	return err;
}

static int try_device(struct nl *nl, char *why, size_t len)
{
	int err = rt_tunnel_make(nl, PROBE_DEVICE, &(int){ 0 });

	(void)rt_device_del(nl, PROBE_DEVICE);
	if (err == -EEXIST)
		(void)snprintf(why, len, "the one collect-metadata ip6tnl device that this network "
			       "namespace can have is another program's; so there can be none "
			       "of ours");
	else if (err < 0)
		(void)say(nl, err, "ip6_tunnel devices that collect metadata "
			  "(CONFIG_IPV6_TUNNEL)", why, len);
	return err < 0 ? err : 0;
}

/* A device, unless ours is there, and a nexthop on the loopback device, gone at once. */
static int ip6tnl_tunnel_probe(struct nl *nl, char *why, size_t len)
{
	struct dp_tunnel t = { .ops = &dp_ip6tnl_tunnel, .nl = nl };
	/* In the discard-only prefix (RFC 6666). */
	const struct in6_addr somewhere = { .s6_addr = { 1, [15] = 0x4d } };
	const struct dp_ends ends = { .local = somewhere, .remote = somewhere };
	struct rt_link l;
	int err = rt_link_by_name(nl, DEVICE, &l);

	if (err == -ENODEV)
		err = try_device(nl, why, len);
	if (err == 0)
		err = rt_link_by_name(nl, "lo", &l);
	if (err < 0)
		return err;
	t.ifindex = l.ifindex;
	err = dp_nexthop_replace(&t, PROBE_ID, &ends);
	if (err == 0)
		(void)dp_nexthop_del(nl, PROBE_ID);
	else if (err != -ENETDOWN)	/* asked about the device only after the tunnel type */
		return say(nl, err, "nexthop objects with tunnels (CONFIG_LWTUNNEL)", why, len);
	return 0;
}

const struct dp_tunnel_ops dp_ip6tnl_tunnel = {
	.name = "ip6tnl",
	.device = DEVICE,
	.mtu_locked_on_ha = true,
	.probe = ip6tnl_tunnel_probe,
	.open = ip6tnl_tunnel_open,
	.close = ip6tnl_close,
	.prepare = ip6tnl_prepare,
	.put_ends = ip6tnl_put_ends,
	.get_ends = ip6tnl_get_ends,
	.cleanup = ip6tnl_cleanup,
};

static int ip6tnl_probe(char *why, size_t len)
{
	return dp_kernel_probe(&dp_ip6tnl_tunnel, why, len);
}

static int ip6tnl_open(const struct dp_config *cfg, struct dp **ret)
{
	return dp_kernel_open(&dp_ip6tnl, &dp_ip6tnl_tunnel, cfg, ret);
}

const struct dp_ops dp_ip6tnl = {
	.name = "ip6tnl",
	.probe = ip6tnl_probe,
	.open = ip6tnl_open,
	DP_KERNEL_METHODS,
};
