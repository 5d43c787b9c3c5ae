/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Typed verbs of rtnetlink(7): addresses, routes, rules, neighbours and our own device.
 * Called by io.c of both daemons and by the data path. Everything that can carry a
 * protocol number carries RT_PROTOCOL.
 */
#include "common/sys/rt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TUNNEL_MTU	65495		/* as much as an IPv6 packet in another can be */

static void put_addr(struct nlmsghdr *nlh, uint16_t type, const struct in6_addr *a)
{
	mnl_attr_put(nlh, type, sizeof(*a), a);
}

/* The kernel has several words for "there is no such thing". */
static int no_such(int err)
{
	return err == -ESRCH ? -ENOENT : err;
}

int rt_addr_replace(struct nl *nl, const struct rt_addr *a)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
	struct ifaddrmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	const struct ifa_cacheinfo ci = { .ifa_prefered = a->preferred_s, .ifa_valid = a->valid_s };

	m->ifa_family = AF_INET6;
	m->ifa_prefixlen = a->plen;
	m->ifa_flags = (uint8_t)a->flags;
	m->ifa_scope = RT_SCOPE_UNIVERSE;
	m->ifa_index = (uint32_t)a->ifindex;
	put_addr(nlh, IFA_LOCAL, &a->addr);
	put_addr(nlh, IFA_ADDRESS, &a->addr);
	mnl_attr_put_u32(nlh, IFA_FLAGS, a->flags);
	mnl_attr_put(nlh, IFA_CACHEINFO, sizeof(ci), &ci);
	mnl_attr_put_u8(nlh, IFA_PROTO, RT_PROTOCOL);
	return nl_request(nl, nlh);
}

/* A setting of an interface, to be written and read; or negative errno. */
static int sysctl_open(const char *interface, const char *key)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", interface, key);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int rt_addr_optimistic(struct nl *nl, const struct rt_addr *a, const char *interface)
{
	struct rt_addr optimistic = *a;
	int fd = sysctl_open(interface, "optimistic_dad"), err;
	char was = '0';

	if (fd < 0)
		return -EOPNOTSUPP;
	if (read(fd, &was, 1) != 1 || pwrite(fd, "1", 1, 0) != 1) {
		(void)close(fd);
		return -EOPNOTSUPP;
	}
	optimistic.flags |= IFA_F_OPTIMISTIC;
	err = rt_addr_replace(nl, &optimistic);
	if (was == '0' && pwrite(fd, "0", 1, 0) != 1)
		err = err < 0 ? err : -errno;
	(void)close(fd);
	return err;
}

int rt_addr_del(struct nl *nl, int ifindex, const struct in6_addr *addr, uint8_t plen)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_DELADDR, 0);
	struct ifaddrmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));

	m->ifa_family = AF_INET6;
	m->ifa_prefixlen = plen;
	m->ifa_index = (uint32_t)ifindex;
	put_addr(nlh, IFA_LOCAL, addr);
	return nl_request(nl, nlh);
}

struct addr_dump {
	void (*fn)(void *ctx, const struct rt_addr *a);
	void *ctx;
};

static int on_addr(const struct nlmsghdr *nlh, void *ctx)
{
	const struct addr_dump *d = ctx;
	const struct ifaddrmsg *m = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[IFA_PROTO + 1];
	struct ifa_cacheinfo ci;
	struct rt_addr a = {
		.preferred_s = RT_LIFETIME_FOREVER, .valid_s = RT_LIFETIME_FOREVER,
	};

	if (nlh->nlmsg_type != RTM_NEWADDR || mnl_nlmsg_get_payload_len(nlh) < sizeof(*m) ||
	    m->ifa_family != AF_INET6)
		return 0;
	nl_attrs(nlh, sizeof(*m), tb, IFA_PROTO);
	if (!nl_get(tb[IFA_LOCAL], &a.addr, sizeof(a.addr)) &&
	    !nl_get(tb[IFA_ADDRESS], &a.addr, sizeof(a.addr)))
		return 0;
	a.ifindex = (int)m->ifa_index;
	a.plen = m->ifa_prefixlen;
	a.flags = nl_get_u32(tb[IFA_FLAGS], m->ifa_flags);
	(void)nl_get(tb[IFA_PROTO], &a.protocol, sizeof(a.protocol));
	if (nl_get(tb[IFA_CACHEINFO], &ci, sizeof(ci))) {
		a.preferred_s = ci.ifa_prefered;
		a.valid_s = ci.ifa_valid;
	}
	d->fn(d->ctx, &a);
	return 0;
}

int rt_addr_dump(struct nl *nl, void (*fn)(void *ctx, const struct rt_addr *a), void *ctx)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_GETADDR, NLM_F_DUMP);
	struct ifaddrmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	struct addr_dump d = { fn, ctx };

	m->ifa_family = AF_INET6;
	return nl_query(nl, nlh, on_addr, &d);
}

static struct nlmsghdr *route_message(struct nl *nl, uint16_t type, uint16_t flags,
				      const struct rt_route *r)
{
	struct nlmsghdr *nlh = nl_message(nl, type, flags);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));

	m->rtm_family = AF_INET6;
	m->rtm_dst_len = r->dst.len;
	m->rtm_table = r->table < 256 ? (uint8_t)r->table : RT_TABLE_UNSPEC;
	m->rtm_protocol = RT_PROTOCOL;
	m->rtm_scope = RT_SCOPE_UNIVERSE;
	m->rtm_type = r->unreachable ? RTN_UNREACHABLE : RTN_UNICAST;
	if (r->onlink)
		m->rtm_flags = RTNH_F_ONLINK;
	put_addr(nlh, RTA_DST, &r->dst.addr);
	mnl_attr_put_u32(nlh, RTA_TABLE, r->table);
	if (!in6_is_any(&r->via))
		put_addr(nlh, RTA_GATEWAY, &r->via);
	if (r->ifindex > 0)
		mnl_attr_put_u32(nlh, RTA_OIF, (uint32_t)r->ifindex);
	if (r->metric > 0)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, r->metric);
	return nlh;
}

int rt_route_replace(struct nl *nl, const struct rt_route *r)
{
	return nl_request(nl, route_message(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, r));
}

int rt_route_del(struct nl *nl, const struct rt_route *r)
{
	struct nlmsghdr *nlh = route_message(nl, RTM_DELROUTE, 0, r);

	return no_such(nl_request(nl, nlh));
}

int rt_onlink_del(struct nl *nl, int ifindex, const struct in6_prefix *prefix)
{
	const struct rt_route r = { .dst = *prefix, .ifindex = ifindex, .table = RT_TABLE_MAIN };
	struct nlmsghdr *nlh = route_message(nl, RTM_DELROUTE, 0, &r);
	struct rtmsg *m = mnl_nlmsg_get_payload(nlh);

	m->rtm_protocol = RTPROT_KERNEL;
	return no_such(nl_request(nl, nlh));
}

struct route_dump {
	void (*fn)(void *ctx, const struct rt_route *r);
	void *ctx;
	uint32_t table;
};

static int on_route(const struct nlmsghdr *nlh, void *ctx)
{
	const struct route_dump *d = ctx;
	const struct rtmsg *m = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[RTA_TABLE + 1];
	struct rt_route r = { 0 };

	if (nlh->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(nlh) < sizeof(*m) ||
	    m->rtm_family != AF_INET6 || m->rtm_protocol != RT_PROTOCOL ||
	    (m->rtm_flags & RTM_F_CLONED))
		return 0;
	nl_attrs(nlh, sizeof(*m), tb, RTA_TABLE);
	r.table = nl_get_u32(tb[RTA_TABLE], m->rtm_table);
	if (d->table != 0 && d->table != r.table)
		return 0;
	r.dst.len = m->rtm_dst_len;
	(void)nl_get(tb[RTA_DST], &r.dst.addr, sizeof(r.dst.addr));
	(void)nl_get(tb[RTA_GATEWAY], &r.via, sizeof(r.via));
	r.ifindex = (int)nl_get_u32(tb[RTA_OIF], 0);
	r.metric = nl_get_u32(tb[RTA_PRIORITY], 0);
	r.onlink = m->rtm_flags & RTNH_F_ONLINK;
	r.unreachable = m->rtm_type == RTN_UNREACHABLE;
	d->fn(d->ctx, &r);
	return 0;
}

int rt_route_dump(struct nl *nl, uint32_t table, void (*fn)(void *ctx, const struct rt_route *r),
		  void *ctx)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_GETROUTE, NLM_F_DUMP);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	struct route_dump d = { fn, ctx, table };
	int err;

	m->rtm_family = AF_INET6;
	m->rtm_protocol = RT_PROTOCOL;
	if (table != 0)
		mnl_attr_put_u32(nlh, RTA_TABLE, table);
	err = nl_query(nl, nlh, on_route, &d);
	/* A table that nothing was ever put in does not exist: no routes. */
	return err == -ENOENT ? 0 : err;
}

static struct nlmsghdr *rule_message(struct nl *nl, uint16_t type, uint16_t flags,
				     const struct rt_rule *r)
{
	struct nlmsghdr *nlh = nl_message(nl, type, flags);
	struct fib_rule_hdr *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));

	m->family = AF_INET6;
	m->action = FR_ACT_TO_TBL;
	m->src_len = r->from.len;
	m->table = r->table < 256 ? (uint8_t)r->table : RT_TABLE_UNSPEC;
	if (r->from.len > 0)
		put_addr(nlh, FRA_SRC, &r->from.addr);
	mnl_attr_put_u32(nlh, FRA_PRIORITY, r->priority);
	mnl_attr_put_u32(nlh, FRA_TABLE, r->table);
	mnl_attr_put_u8(nlh, FRA_PROTOCOL, r->protocol ? r->protocol : RT_PROTOCOL);
	if (r->ip_proto)
		mnl_attr_put_u8(nlh, FRA_IP_PROTO, r->ip_proto);
	if (r->mark) {
		mnl_attr_put_u32(nlh, FRA_FWMARK, r->mark);
		mnl_attr_put_u32(nlh, FRA_FWMASK, UINT32_MAX);
	}
	if (r->iif[0])
		mnl_attr_put_strz(nlh, FRA_IIFNAME, r->iif);
	return nlh;
}

int rt_rule_add(struct nl *nl, const struct rt_rule *r)
{
	int err = nl_request(nl, rule_message(nl, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, r));

	return err == -EEXIST ? 0 : err;
}

int rt_rule_del(struct nl *nl, const struct rt_rule *r)
{
	return no_such(nl_request(nl, rule_message(nl, RTM_DELRULE, 0, r)));
}

struct rule_dump {
	void (*fn)(void *ctx, const struct rt_rule *r);
	void *ctx;
};

static int on_rule(const struct nlmsghdr *nlh, void *ctx)
{
	const struct rule_dump *d = ctx;
	const struct fib_rule_hdr *m = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[FRA_DPORT_RANGE + 1];
	struct rt_rule r = { 0 };

	if (nlh->nlmsg_type != RTM_NEWRULE || mnl_nlmsg_get_payload_len(nlh) < sizeof(*m) ||
	    m->family != AF_INET6)
		return 0;
	nl_attrs(nlh, sizeof(*m), tb, FRA_DPORT_RANGE);
	r.from.len = m->src_len;
	(void)nl_get(tb[FRA_SRC], &r.from.addr, sizeof(r.from.addr));
	r.priority = nl_get_u32(tb[FRA_PRIORITY], 0);
	r.table = nl_get_u32(tb[FRA_TABLE], m->table);
	r.mark = nl_get_u32(tb[FRA_FWMARK], 0);
	(void)nl_get(tb[FRA_IP_PROTO], &r.ip_proto, sizeof(r.ip_proto));
	(void)nl_get(tb[FRA_PROTOCOL], &r.protocol, sizeof(r.protocol));
	r.invert = m->flags & FIB_RULE_INVERT;
	r.narrow = m->dst_len > 0 || m->tos != 0 || tb[FRA_UID_RANGE] || tb[FRA_SPORT_RANGE] ||
		   tb[FRA_DPORT_RANGE] || tb[FRA_L3MDEV];
	r.specific = nl_get_u32(tb[FRA_SUPPRESS_PREFIXLEN], UINT32_MAX) != UINT32_MAX;
	if (tb[FRA_IIFNAME])
		(void)snprintf(r.iif, sizeof(r.iif), "%s", mnl_attr_get_str(tb[FRA_IIFNAME]));
	if (tb[FRA_OIFNAME])
		(void)snprintf(r.oif, sizeof(r.oif), "%s", mnl_attr_get_str(tb[FRA_OIFNAME]));
	d->fn(d->ctx, &r);
	return 0;
}

bool rt_rule_takes_all(const struct rt_rule *r)
{
	return r->protocol != RT_PROTOCOL && r->table != 0 && r->table != RT_TABLE_MAIN &&
	       r->table != RT_TABLE_LOCAL && r->table != RT_TABLE_DEFAULT && r->from.len == 0 &&
	       !r->narrow && !r->iif[0] && !r->oif[0] && !r->ip_proto && !r->specific &&
	       (r->mark == 0 || r->invert);
}

int rt_rule_dump(struct nl *nl, void (*fn)(void *ctx, const struct rt_rule *r), void *ctx)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_GETRULE, NLM_F_DUMP);
	struct fib_rule_hdr *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	struct rule_dump d = { fn, ctx };

	m->family = AF_INET6;
	return nl_query(nl, nlh, on_rule, &d);
}

int rt_neigh_replace(struct nl *nl, int ifindex, const struct in6_addr *addr,
		     const uint8_t mac[6], bool permanent, bool router)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
	struct ndmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));

	m->ndm_family = AF_INET6;
	m->ndm_ifindex = ifindex;
	m->ndm_state = permanent ? NUD_PERMANENT : NUD_REACHABLE;
	m->ndm_flags = router ? NTF_ROUTER : 0;
	put_addr(nlh, NDA_DST, addr);
	mnl_attr_put(nlh, NDA_LLADDR, 6, mac);
	mnl_attr_put_u8(nlh, NDA_PROTOCOL, RT_PROTOCOL);
	return nl_request(nl, nlh);
}

int rt_neigh_fail(struct nl *nl, int ifindex, const struct in6_addr *addr)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
	struct ndmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));

	m->ndm_family = AF_INET6;
	m->ndm_ifindex = ifindex;
	m->ndm_state = NUD_FAILED;
	put_addr(nlh, NDA_DST, addr);
	mnl_attr_put_u8(nlh, NDA_PROTOCOL, RT_PROTOCOL);
	return nl_request(nl, nlh);
}

int rt_neigh_del(struct nl *nl, int ifindex, const struct in6_addr *addr)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_DELNEIGH, 0);
	struct ndmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));

	m->ndm_family = AF_INET6;
	m->ndm_ifindex = ifindex;
	put_addr(nlh, NDA_DST, addr);
	return no_such(nl_request(nl, nlh));
}

struct neigh_dump {
	void (*fn)(void *ctx, int ifindex, const struct in6_addr *addr);
	void *ctx;
};

static int on_neigh(const struct nlmsghdr *nlh, void *ctx)
{
	const struct neigh_dump *d = ctx;
	const struct ndmsg *m = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[NDA_PROTOCOL + 1];
	struct in6_addr addr;
	uint8_t protocol = 0;

	if (nlh->nlmsg_type != RTM_NEWNEIGH || mnl_nlmsg_get_payload_len(nlh) < sizeof(*m) ||
	    m->ndm_family != AF_INET6)
		return 0;
	nl_attrs(nlh, sizeof(*m), tb, NDA_PROTOCOL);
	if (nl_get(tb[NDA_PROTOCOL], &protocol, 1) && protocol == RT_PROTOCOL &&
	    nl_get(tb[NDA_DST], &addr, sizeof(addr)))
		d->fn(d->ctx, m->ndm_ifindex, &addr);
	return 0;
}

int rt_neigh_dump(struct nl *nl, void (*fn)(void *ctx, int ifindex, const struct in6_addr *addr),
		  void *ctx)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_GETNEIGH, NLM_F_DUMP);
	struct ndmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	struct neigh_dump d = { fn, ctx };

	m->ndm_family = AF_INET6;
	return nl_query(nl, nlh, on_neigh, &d);
}

struct link_dump {
	void (*fn)(void *ctx, const struct rt_link *l);
	void *ctx;
};

static int on_link(const struct nlmsghdr *nlh, void *ctx)
{
	const struct link_dump *d = ctx;
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[IFLA_AF_SPEC + 1], *family[AF_INET6 + 1];
	const struct nlattr *inet6[IFLA_INET6_ADDR_GEN_MODE + 1];
	struct rt_link l = { 0 };

	if (nlh->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(nlh) < sizeof(*m))
		return 0;
	nl_attrs(nlh, sizeof(*m), tb, IFLA_AF_SPEC);
	if (!tb[IFLA_IFNAME])
		return 0;
	(void)snprintf(l.name, sizeof(l.name), "%s", mnl_attr_get_str(tb[IFLA_IFNAME]));
	l.ifindex = m->ifi_index;
	/* IFF_RUNNING is carrier, and on Wi-Fi also that the keys are in place. */
	l.up = (m->ifi_flags & IFF_UP) && (m->ifi_flags & IFF_RUNNING);
	l.loopback = m->ifi_flags & IFF_LOOPBACK;
	l.ethernet = m->ifi_type == ARPHRD_ETHER;
	(void)nl_get(tb[IFLA_ADDRESS], l.mac, sizeof(l.mac));
	l.mtu = nl_get_u32(tb[IFLA_MTU], 0);
	nl_nested(tb[IFLA_AF_SPEC], family, AF_INET6);
	nl_nested(family[AF_INET6], inet6, IFLA_INET6_ADDR_GEN_MODE);
	(void)nl_get(inet6[IFLA_INET6_ADDR_GEN_MODE], &l.addr_gen_mode, 1);
	d->fn(d->ctx, &l);
	return 0;
}

int rt_link_dump(struct nl *nl, void (*fn)(void *ctx, const struct rt_link *l), void *ctx)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_GETLINK, NLM_F_DUMP);
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	struct link_dump d = { fn, ctx };

	m->ifi_family = AF_UNSPEC;
	return nl_query(nl, nlh, on_link, &d);
}

static void take_link(void *ctx, const struct rt_link *l)
{
	*(struct rt_link *)ctx = *l;
}

int rt_link_by_name(struct nl *nl, const char *name, struct rt_link *ret)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_GETLINK, 0);
	struct rt_link found = { 0 };
	struct link_dump d = { take_link, &found };
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	int err;

	if (strlen(name) >= sizeof(found.name))
		return -ENODEV;
	m->ifi_family = AF_UNSPEC;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	err = nl_query(nl, nlh, on_link, &d);
	if (err < 0)
		return err;
	if (found.ifindex == 0)
		return -ENODEV;
	*ret = found;
	return 0;
}

/* The beginning of a message that makes a link, up to its kind; *ret_info is to be closed. */
static struct nlmsghdr *link_message(struct nl *nl, const char *name, const char *kind,
				     struct nlattr **ret_info)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);

	(void)mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	*ret_info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_str(nlh, IFLA_INFO_KIND, kind);
	return nlh;
}

static int link_create(struct nl *nl, const char *name, const char *kind, const char *peer)
{
	struct nlattr *info, *data, *peer_info;
	struct nlmsghdr *nlh = link_message(nl, name, kind, &info);

	if (peer) {
		data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
		peer_info = mnl_attr_nest_start(nlh, VETH_INFO_PEER);
		(void)mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
		mnl_attr_put_strz(nlh, IFLA_IFNAME, peer);
		mnl_attr_nest_end(nlh, peer_info);
		mnl_attr_nest_end(nlh, data);
	}
	mnl_attr_nest_end(nlh, info);
	return nl_request(nl, nlh);
}

/* No link-local address of its own: then no solicitations either (RFC 4861 6.3.7). */
static int link_no_autoconf(struct nl *nl, int ifindex)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_SETLINK, 0);
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	struct nlattr *spec, *inet6;

	m->ifi_family = AF_UNSPEC;
	m->ifi_index = ifindex;
	spec = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	inet6 = mnl_attr_nest_start(nlh, AF_INET6);
	mnl_attr_put_u8(nlh, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(nlh, inet6);
	mnl_attr_nest_end(nlh, spec);
	return nl_request(nl, nlh);
}

static int link_set_up(struct nl *nl, int ifindex)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_SETLINK, 0);
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));

	m->ifi_family = AF_UNSPEC;
	m->ifi_index = ifindex;
	m->ifi_flags = IFF_UP;
	m->ifi_change = IFF_UP;
	return nl_request(nl, nlh);
}

/* In a container /proc/sys may be read-only; nobody advertises on this device anyway. */
static void sysctl_off(const char *name, const char *key)
{
	int fd = sysctl_open(name, key);

	if (fd < 0)
		return;
	if (write(fd, "0", 1) < 0)
		errno = 0;
	(void)close(fd);
}

/* One end of our device: no autoconfiguration, then up. -ENODEV when it is not there. */
static int link_ready(struct nl *nl, const char *name, int *ret_ifindex)
{
	struct rt_link l;
	int err = rt_link_by_name(nl, name, &l);

	if (err < 0)
		return err;
	sysctl_off(name, "disable_ipv6");
	sysctl_off(name, "accept_ra");
	sysctl_off(name, "autoconf");
	err = link_no_autoconf(nl, l.ifindex);
	if (err == 0)
		err = link_set_up(nl, l.ifindex);
	if (err == 0)
		*ret_ifindex = l.ifindex;
	return err;
}

/* The other end of the pair, where there is no dummy device: "dmip6mn0" has "dmip6mnp". */
static int peer_name(const char *name, char ret[IFNAMSIZ])
{
	size_t len = strlen(name);

	if (len == 0 || len >= IFNAMSIZ || name[len - 1] == 'p')
		return -EINVAL;
	memcpy(ret, name, len + 1);
	ret[len - 1] = 'p';
	return 0;
}

int rt_device_make(struct nl *nl, const char *name, int *ret_ifindex)
{
	struct rt_link there;
	char peer[IFNAMSIZ];
	int err, peer_ifindex;

	err = peer_name(name, peer);
	if (err < 0)
		return err;
	err = rt_link_by_name(nl, name, &there);
	if (err == 0 && there.up && there.addr_gen_mode == IN6_ADDR_GEN_MODE_NONE) {
		*ret_ifindex = there.ifindex;	/* as we leave it */
		return 0;
	}
	if (err == -ENODEV) {
		err = link_create(nl, name, "dummy", NULL);
		if (err == -EOPNOTSUPP)
			err = link_create(nl, name, "veth", peer);
	}
	if (err < 0)
		return err;
	err = link_ready(nl, peer, &peer_ifindex);	/* a pair has carrier when both are up */
	if (err < 0 && err != -ENODEV)
		return err;
	return link_ready(nl, name, ret_ifindex);
}

static int tunnel_create(struct nl *nl, const char *name)
{
	struct nlattr *info, *data;
	struct nlmsghdr *nlh = link_message(nl, name, "ip6tnl", &info);

	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	mnl_attr_put(nlh, IFLA_IPTUN_COLLECT_METADATA, 0, NULL);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	mnl_attr_put_u32(nlh, IFLA_MTU, TUNNEL_MTU);
	return nl_request(nl, nlh);
}

int rt_tunnel_make(struct nl *nl, const char *name, int *ret_ifindex)
{
	struct rt_link there;
	int err = rt_link_by_name(nl, name, &there);

	if (err == 0 && there.up && there.addr_gen_mode == IN6_ADDR_GEN_MODE_NONE) {
		*ret_ifindex = there.ifindex;
		return 0;
	}
	if (err == -ENODEV)
		err = tunnel_create(nl, name);
	if (err == 0)
		err = link_ready(nl, name, ret_ifindex);
	return err < 0 ? err : 1;
}

int rt_link_set_mac(struct nl *nl, int ifindex, const uint8_t mac[6])
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_NEWLINK, 0);
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));

	m->ifi_index = ifindex;
	mnl_attr_put(nlh, IFLA_ADDRESS, 6, mac);
	return nl_request(nl, nlh);
}

int rt_device_del(struct nl *nl, const char *name)
{
	struct nlmsghdr *nlh;
	struct ifinfomsg *m;
	struct rt_link l;
	int err = rt_link_by_name(nl, name, &l);

	if (err < 0)
		return err == -ENODEV ? -ENOENT : err;
	nlh = nl_message(nl, RTM_DELLINK, 0);
	m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	m->ifi_family = AF_UNSPEC;
	m->ifi_index = l.ifindex;
	return nl_request(nl, nlh);	/* takes the other end of a pair with it */
}

static int on_route_get(const struct nlmsghdr *nlh, void *ctx)
{
	const struct nlattr *tb[RTA_OIF + 1];

	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return 0;
	nl_attrs(nlh, sizeof(struct rtmsg), tb, RTA_OIF);
	*(int *)ctx = (int)nl_get_u32(tb[RTA_OIF], 0);
	return 0;
}

int rt_route_get(struct nl *nl, const struct in6_addr *dst, int *ret_ifindex)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_GETROUTE, 0);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	int ifindex = 0, err;

	m->rtm_family = AF_INET6;
	m->rtm_dst_len = 128;
	put_addr(nlh, RTA_DST, dst);
	err = nl_query(nl, nlh, on_route_get, &ifindex);
	if (err < 0)
		return err;
	if (ifindex == 0)
		return -ENETUNREACH;
	*ret_ifindex = ifindex;
	return 0;
}
