/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nexthop objects and routes into tunnels, the same for every tunnel type of the kernel.
 * Called by dp_kernel.c, dp_sync.c and --cleanup. Nothing is remembered here.
 */
#include "common/datapath/dp_tunnel.h"

#include <errno.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <string.h>

static int no_such(int err)
{
	return err == -ESRCH ? -ENOENT : err;
}

int dp_place_of(const struct dp_tunnel *t, const struct in6_addr *addr)
{
	for (int n = 0; n < DP_SOURCES; n++) {
		if (!in6_is_any(addr) && in6_eq(&t->sources[n].addr, addr))
			return n;
	}
	return -1;
}

static const struct dp_encap_attrs of_nexthop = { NHA_ENCAP_TYPE, NHA_ENCAP };
static const struct dp_encap_attrs of_route = { RTA_ENCAP_TYPE, RTA_ENCAP };

int dp_nexthop_replace(const struct dp_tunnel *t, uint32_t id, const struct dp_ends *ends)
{
	struct nlmsghdr *nlh = nl_message(t->nl, RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_REPLACE);
	struct nhmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	int place = t->ops->use_place ? dp_place_of(t, &ends->local) : -1;

	m->nh_family = AF_INET6;
	m->nh_protocol = DP_PROTOCOL;
	mnl_attr_put_u32(nlh, NHA_ID, id);
	mnl_attr_put_u32(nlh, NHA_OIF,
			 (uint32_t)(place < 0 ? t->ifindex : t->sources[place].ifindex));
	t->ops->put_ends(nlh, ends, &of_nexthop);
	return nl_request(t->nl, nlh);
}

int dp_nexthop_del(struct nl *nl, uint32_t id)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_DELNEXTHOP, 0);

	(void)mnl_nlmsg_put_extra_header(nlh, sizeof(struct nhmsg));
	mnl_attr_put_u32(nlh, NHA_ID, id);
	return no_such(nl_request(nl, nlh));
}

struct nexthop_dump {
	const struct dp_tunnel_ops *ops;
	void (*fn)(void *ctx, uint32_t id, const struct dp_ends *ends);
	void *ctx;
};

static int on_nexthop(const struct nlmsghdr *nlh, void *ctx)
{
	const struct nexthop_dump *d = ctx;
	const struct nhmsg *m = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[NHA_ENCAP + 1];
	struct dp_ends ends = { 0 };
	uint16_t type = 0;
	bool known;

	if (nlh->nlmsg_type != RTM_NEWNEXTHOP || mnl_nlmsg_get_payload_len(nlh) < sizeof(*m) ||
	    m->nh_protocol != DP_PROTOCOL)
		return 0;
	nl_attrs(nlh, sizeof(*m), tb, NHA_ENCAP);
	known = d->ops && nl_get(tb[NHA_ENCAP_TYPE], &type, sizeof(type)) &&
		d->ops->get_ends(type, tb[NHA_ENCAP], &ends);
	ends.ifindex = (int)nl_get_u32(tb[NHA_OIF], 0);
	d->fn(d->ctx, nl_get_u32(tb[NHA_ID], 0), known ? &ends : NULL);
	return 0;
}

int dp_nexthop_dump(struct nl *nl, const struct dp_tunnel_ops *ops,
		    void (*fn)(void *ctx, uint32_t id, const struct dp_ends *ends), void *ctx)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_GETNEXTHOP, NLM_F_DUMP);
	struct nexthop_dump d = { ops, fn, ctx };

	(void)mnl_nlmsg_put_extra_header(nlh, sizeof(struct nhmsg));
	return nl_query(nl, nlh, on_nexthop, &d);
}

struct nlmsghdr *dp_route_message(struct nl *nl, uint16_t type, uint16_t flags,
				  const struct in6_prefix *dst, uint32_t table)
{
	struct nlmsghdr *nlh = nl_message(nl, type, flags);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));

	m->rtm_family = AF_INET6;
	m->rtm_dst_len = dst->len;
	m->rtm_table = table < 256 ? (uint8_t)table : RT_TABLE_UNSPEC;
	m->rtm_protocol = DP_PROTOCOL;
	m->rtm_scope = RT_SCOPE_UNIVERSE;
	m->rtm_type = RTN_UNICAST;
	mnl_attr_put(nlh, RTA_DST, sizeof(dst->addr), &dst->addr);
	mnl_attr_put_u32(nlh, RTA_TABLE, table);
	return nlh;
}

/* What tells it from others to the same destination. */
static void put_identity(struct nlmsghdr *nlh, const struct dp_route *r)
{
	if (r->visit) {
		struct rtmsg *m = mnl_nlmsg_get_payload(nlh);

		m->rtm_src_len = r->src.len;
		mnl_attr_put(nlh, RTA_SRC, sizeof(r->src.addr), &r->src.addr);
	}
	if (r->dst.len == DP_PREFIX)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, DP_PREFIX_METRIC);
}

int dp_route_replace(const struct dp_tunnel *t, const struct dp_route *r)
{
	struct nlmsghdr *nlh = dp_route_message(t->nl, RTM_NEWROUTE,
						NLM_F_CREATE | NLM_F_REPLACE, &r->dst, r->table);
	struct nlattr *metrics;

	put_identity(nlh, r);
	if (r->nexthop == 0) {
		mnl_attr_put_u32(nlh, RTA_OIF, (uint32_t)t->ifindex);
		t->ops->put_ends(nlh, &r->ends, &of_route);
	} else {
		mnl_attr_put_u32(nlh, RTA_NH_ID, r->nexthop);
	}
	metrics = mnl_attr_nest_start(nlh, RTA_METRICS);
	mnl_attr_put_u32(nlh, RTAX_MTU, (uint32_t)r->mtu + t->ops->mtu_headroom);
	if (t->role == DP_ROLE_HA && t->ops->mtu_locked_on_ha)
		mnl_attr_put_u32(nlh, RTAX_LOCK, 1U << RTAX_MTU);
	mnl_attr_nest_end(nlh, metrics);
	return nl_request(t->nl, nlh);
}

int dp_route_del(const struct dp_tunnel *t, const struct dp_route *r)
{
	struct nlmsghdr *nlh = dp_route_message(t->nl, RTM_DELROUTE, 0, &r->dst, r->table);

	put_identity(nlh, r);
	return no_such(nl_request(t->nl, nlh));
}

struct route_dump {
	const struct dp_tunnel_ops *ops;
	void (*fn)(void *ctx, const struct dp_route *r);
	void *ctx;
};

static int on_route(const struct nlmsghdr *nlh, void *ctx)
{
	const struct route_dump *d = ctx;
	const struct rtmsg *m = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[RTA_NH_ID + 1], *metrics[RTAX_MTU + 1];
	struct dp_route r = { 0 };
	uint16_t type = 0;
	uint32_t mtu;

	if (nlh->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(nlh) < sizeof(*m) ||
	    m->rtm_family != AF_INET6 || m->rtm_protocol != DP_PROTOCOL)
		return 0;
	nl_attrs(nlh, sizeof(*m), tb, RTA_NH_ID);
	if (!tb[RTA_NH_ID] && !tb[RTA_ENCAP_TYPE])
		return 0;	/* into no tunnel */
	r.visit = m->rtm_src_len > 0 && !tb[RTA_NH_ID];
	nl_nested(tb[RTA_METRICS], metrics, RTAX_MTU);
	mtu = nl_get_u32(metrics[RTAX_MTU], 0);
	r.dst.len = m->rtm_dst_len;
	(void)nl_get(tb[RTA_DST], &r.dst.addr, sizeof(r.dst.addr));
	r.table = nl_get_u32(tb[RTA_TABLE], m->rtm_table);
	r.nexthop = nl_get_u32(tb[RTA_NH_ID], 0);
	r.mtu = mtu > d->ops->mtu_headroom ? (uint16_t)(mtu - d->ops->mtu_headroom) : 0;
	if (r.visit) {
		r.src.len = m->rtm_src_len;
		(void)nl_get(tb[RTA_SRC], &r.src.addr, sizeof(r.src.addr));
	}
	if (!tb[RTA_NH_ID]) {
		(void)nl_get(tb[RTA_ENCAP_TYPE], &type, sizeof(type));
		if (!d->ops->get_ends(type, tb[RTA_ENCAP], &r.ends))
			r.ends = (struct dp_ends){ 0 };
	}
	d->fn(d->ctx, &r);
	return 0;
}

int dp_route_dump(const struct dp_tunnel *t, void (*fn)(void *ctx, const struct dp_route *r),
		  void *ctx)
{
	struct nlmsghdr *nlh = nl_message(t->nl, RTM_GETROUTE, NLM_F_DUMP);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	struct route_dump d = { t->ops, fn, ctx };

	m->rtm_family = AF_INET6;
	m->rtm_protocol = DP_PROTOCOL;
	return nl_query(t->nl, nlh, on_route, &d);
}
