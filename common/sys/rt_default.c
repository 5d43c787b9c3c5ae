/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the default routes of the main table, whoever made them, leg by leg. Called by the
 * mobile node, which has to know whether one of them leads through a router that was left,
 * and by dmip6ctl doctor.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "common/sys/rt.h"

struct default_dump {
	void (*fn)(void *ctx, const struct rt_default *r);
	void *ctx;
};

static struct in6_addr gateway_of(const struct rtnexthop *hop)
{
	const char *p = (const char *)(hop + 1);
	size_t left = hop->rtnh_len - sizeof(*hop);
	struct in6_addr via = in6addr_any;

	while (left >= sizeof(struct nlattr)) {
		const struct nlattr *a = (const void *)p;
		size_t step = MNL_ALIGN(a->nla_len);

		if (a->nla_len < sizeof(*a) || a->nla_len > left)
			break;
		if (mnl_attr_get_type(a) == RTA_GATEWAY)
			(void)nl_get(a, &via, sizeof(via));
		if (step >= left)
			break;
		left -= step;
		p += step;
	}
	return via;
}

static void report_legs(const struct default_dump *d, const struct nlattr *multipath,
			struct rt_default *r)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(multipath);
	size_t left = mnl_attr_get_payload_len(multipath);

	r->legs = true;
	while (left >= sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) && hop->rtnh_len <= left) {
		size_t step = MNL_ALIGN(hop->rtnh_len);

		r->via = gateway_of(hop);
		r->ifindex = hop->rtnh_ifindex;
		d->fn(d->ctx, r);
		if (step >= left)
			return;
		left -= step;
		hop = (const void *)((const char *)hop + step);
	}
}

static int on_route(const struct nlmsghdr *nlh, void *ctx)
{
	const struct default_dump *d = ctx;
	const struct rtmsg *m = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[RTA_TABLE + 1];
	struct rt_default r = { 0 };

	if (nlh->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(nlh) < sizeof(*m) ||
	    m->rtm_family != AF_INET6 || m->rtm_dst_len != 0 || m->rtm_src_len != 0 ||
	    m->rtm_type != RTN_UNICAST || (m->rtm_flags & RTM_F_CLONED))
		return 0;
	nl_attrs(nlh, sizeof(*m), tb, RTA_TABLE);
	if (nl_get_u32(tb[RTA_TABLE], m->rtm_table) != RT_TABLE_MAIN)
		return 0;
	r.metric = nl_get_u32(tb[RTA_PRIORITY], 0);
	r.protocol = m->rtm_protocol;
	if (tb[RTA_MULTIPATH]) {
		report_legs(d, tb[RTA_MULTIPATH], &r);
		return 0;
	}
	(void)nl_get(tb[RTA_GATEWAY], &r.via, sizeof(r.via));
	r.ifindex = (int)nl_get_u32(tb[RTA_OIF], 0);
	d->fn(d->ctx, &r);
	return 0;
}

int rt_default_dump(struct nl *nl, void (*fn)(void *ctx, const struct rt_default *r), void *ctx)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_GETROUTE, NLM_F_DUMP);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	struct default_dump d = { fn, ctx };

	m->rtm_family = AF_INET6;
	m->rtm_table = RT_TABLE_MAIN;
	mnl_attr_put_u32(nlh, RTA_TABLE, RT_TABLE_MAIN);
	return nl_query(nl, nlh, on_route, &d);
}
