/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel objects of the seg6 backend: nexthops, routes, rules, the source address. Called
 * by dp_seg6.c. "encap.red" with a single segment puts a bare RFC 2473 header on the wire;
 * End.DT6 (RFC 8986 4.6) takes it off again, whether or not a segment routing header is
 * there.
 */
#include "common/datapath/dp_seg6_kernel.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/lwtunnel.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <linux/seg6.h>
#include <linux/seg6_genl.h>
#include <linux/seg6_iptunnel.h>
#include <linux/seg6_local.h>
#include <stdio.h>
#include <string.h>

#include "common/datapath/datapath.h"
#include "common/datapath/dp_filter.h"
#include "common/sys/rt.h"

#define TABLE_LOCAL	255
#define PREF_FIRST	0
#define PREF_STANDIN	1	/* for the local rule, while it is moved */
#define PROTO_KERNEL	2	/* RTPROT_KERNEL */
#define GENL_VERSION	1
#define ROUTING_TYPE_SEGMENT	4	/* RFC 8754 2 */
/* The kernel takes the room of a whole segment routing header off a route's mtu, although
 * none is sent: 40 for the outer header, 8 + 16 for that. */
#define MTU_HEADROOM	64
#define PROBE_ID	0x44600000U	/* of no role */
#define PROBE_TABLE	0x44600000U
#define NO_TABLE_IS_POLICY	0	/* End.DT6: the full policy lookup */

static void put_addr(struct nlmsghdr *nlh, uint16_t type, const struct in6_addr *a)
{
	mnl_attr_put(nlh, type, sizeof(*a), a);
}

static int no_such(int err)
{
	return err == -ESRCH ? -ENOENT : err;
}

static struct nlmsghdr *source_message(struct nl *genl, int family, uint8_t cmd)
{
	struct nlmsghdr *nlh = nl_message(genl, (uint16_t)family, 0);
	struct genlmsghdr *g = mnl_nlmsg_put_extra_header(nlh, sizeof(*g));

	g->cmd = cmd;
	g->version = GENL_VERSION;
	return nlh;
}

static int on_source(const struct nlmsghdr *nlh, void *ctx)
{
	const struct nlattr *tb[SEG6_ATTR_DST + 1];

	nl_attrs(nlh, sizeof(struct genlmsghdr), tb, SEG6_ATTR_DST);
	return nl_get(tb[SEG6_ATTR_DST], ctx, sizeof(struct in6_addr)) ? 0 : -EBADMSG;
}

int seg6_source_get(struct nl *genl, int family, struct in6_addr *ret)
{
	return nl_query(genl, source_message(genl, family, SEG6_CMD_GET_TUNSRC), on_source, ret);
}

int seg6_source_set(struct nl *genl, int family, const struct in6_addr *addr)
{
	struct nlmsghdr *nlh = source_message(genl, family, SEG6_CMD_SET_TUNSRC);

	put_addr(nlh, SEG6_ATTR_DST, addr);
	return nl_request(genl, nlh);
}

/* struct seg6_iptunnel_encap with a segment routing header (RFC 8754 2) of one segment,
 * which as the only one never goes out. */
struct one_segment {
	int mode;
	uint8_t next_header, hdr_ext_len, routing_type, segments_left, last_entry, flags;
	uint16_t tag;
	struct in6_addr segment;
};
_Static_assert(sizeof(struct one_segment) == sizeof(struct seg6_iptunnel_encap) +
	       sizeof(struct ipv6_sr_hdr) + sizeof(struct in6_addr), "as the kernel has it");

int seg6_nexthop_replace(struct nl *nl, uint32_t id, const struct in6_addr *remote, int ifindex)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_REPLACE);
	struct nhmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	struct nlattr *nest;
	struct one_segment s = {
		.mode = SEG6_IPTUN_MODE_ENCAP_RED,
		.hdr_ext_len = sizeof(s.segment) / 8, .routing_type = ROUTING_TYPE_SEGMENT,
		.segment = *remote,
	};

	m->nh_family = AF_INET6;
	m->nh_protocol = DP_PROTOCOL;
	mnl_attr_put_u32(nlh, NHA_ID, id);
	mnl_attr_put_u32(nlh, NHA_OIF, (uint32_t)ifindex);
	mnl_attr_put_u16(nlh, NHA_ENCAP_TYPE, LWTUNNEL_ENCAP_SEG6);
	nest = mnl_attr_nest_start(nlh, NHA_ENCAP);
	mnl_attr_put(nlh, SEG6_IPTUNNEL_SRH, sizeof(s), &s);
	mnl_attr_nest_end(nlh, nest);
	return nl_request(nl, nlh);
}

int seg6_nexthop_del(struct nl *nl, uint32_t id)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_DELNEXTHOP, 0);

	(void)mnl_nlmsg_put_extra_header(nlh, sizeof(struct nhmsg));
	mnl_attr_put_u32(nlh, NHA_ID, id);
	return no_such(nl_request(nl, nlh));
}

struct nexthop_dump {
	void (*fn)(void *ctx, uint32_t id, const struct in6_addr *remote);
	void *ctx;
};

static int on_nexthop(const struct nlmsghdr *nlh, void *ctx)
{
	const struct nexthop_dump *d = ctx;
	const struct nhmsg *m = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[NHA_ENCAP + 1], *encap[SEG6_IPTUNNEL_SRH + 1];
	struct one_segment s;

	if (nlh->nlmsg_type != RTM_NEWNEXTHOP || mnl_nlmsg_get_payload_len(nlh) < sizeof(*m) ||
	    m->nh_protocol != DP_PROTOCOL)
		return 0;
	nl_attrs(nlh, sizeof(*m), tb, NHA_ENCAP);
	nl_nested(tb[NHA_ENCAP], encap, SEG6_IPTUNNEL_SRH);
	if (nl_get(encap[SEG6_IPTUNNEL_SRH], &s, sizeof(s)))
		d->fn(d->ctx, nl_get_u32(tb[NHA_ID], 0), &s.segment);
	return 0;
}

int seg6_nexthop_dump(struct nl *nl,
		      void (*fn)(void *ctx, uint32_t id, const struct in6_addr *remote), void *ctx)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_GETNEXTHOP, NLM_F_DUMP);
	struct nexthop_dump d = { fn, ctx };

	(void)mnl_nlmsg_put_extra_header(nlh, sizeof(struct nhmsg));
	return nl_query(nl, nlh, on_nexthop, &d);
}

static struct nlmsghdr *route_message(struct nl *nl, uint16_t type, uint16_t flags,
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
	put_addr(nlh, RTA_DST, &dst->addr);
	mnl_attr_put_u32(nlh, RTA_TABLE, table);
	return nlh;
}

int seg6_route_replace(struct nl *nl, const struct seg6_route *r)
{
	struct nlmsghdr *nlh = route_message(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE,
					     &r->dst, r->table);
	struct nlattr *metrics;

	mnl_attr_put_u32(nlh, RTA_NH_ID, r->nexthop);
	metrics = mnl_attr_nest_start(nlh, RTA_METRICS);
	mnl_attr_put_u32(nlh, RTAX_MTU, r->mtu + MTU_HEADROOM);
	mnl_attr_nest_end(nlh, metrics);
	return nl_request(nl, nlh);
}

int seg6_route_del(struct nl *nl, const struct seg6_route *r)
{
	return no_such(nl_request(nl, route_message(nl, RTM_DELROUTE, 0, &r->dst, r->table)));
}

struct route_dump {
	void (*fn)(void *ctx, const struct seg6_route *r);
	void *ctx;
};

static int on_route(const struct nlmsghdr *nlh, void *ctx)
{
	const struct route_dump *d = ctx;
	const struct rtmsg *m = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[RTA_NH_ID + 1], *metrics[RTAX_MTU + 1];
	struct seg6_route r = { 0 };
	uint32_t mtu;

	if (nlh->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(nlh) < sizeof(*m) ||
	    m->rtm_family != AF_INET6 || m->rtm_protocol != DP_PROTOCOL)
		return 0;
	nl_attrs(nlh, sizeof(*m), tb, RTA_NH_ID);
	if (!tb[RTA_NH_ID])
		return 0;
	nl_nested(tb[RTA_METRICS], metrics, RTAX_MTU);
	mtu = nl_get_u32(metrics[RTAX_MTU], 0);
	r.dst.len = m->rtm_dst_len;
	(void)nl_get(tb[RTA_DST], &r.dst.addr, sizeof(r.dst.addr));
	r.table = nl_get_u32(tb[RTA_TABLE], m->rtm_table);
	r.nexthop = nl_get_u32(tb[RTA_NH_ID], 0);
	r.mtu = mtu > MTU_HEADROOM ? (uint16_t)(mtu - MTU_HEADROOM) : 0;
	d->fn(d->ctx, &r);
	return 0;
}

int seg6_route_dump(struct nl *nl, void (*fn)(void *ctx, const struct seg6_route *r), void *ctx)
{
	struct nlmsghdr *nlh = nl_message(nl, RTM_GETROUTE, NLM_F_DUMP);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	struct route_dump d = { fn, ctx };

	m->rtm_family = AF_INET6;
	m->rtm_protocol = DP_PROTOCOL;
	return nl_query(nl, nlh, on_route, &d);
}

int seg6_decap_replace(struct nl *nl, uint32_t table, const struct in6_addr *addr, int ifindex)
{
	const struct in6_prefix dst = { *addr, 128 };
	struct nlmsghdr *nlh = route_message(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE,
					     &dst, table);
	struct nlattr *encap;

	mnl_attr_put_u32(nlh, RTA_OIF, (uint32_t)ifindex);
	mnl_attr_put_u16(nlh, RTA_ENCAP_TYPE, LWTUNNEL_ENCAP_SEG6_LOCAL);
	encap = mnl_attr_nest_start(nlh, RTA_ENCAP);
	mnl_attr_put_u32(nlh, SEG6_LOCAL_ACTION, SEG6_LOCAL_ACTION_END_DT6);
	mnl_attr_put_u32(nlh, SEG6_LOCAL_TABLE, NO_TABLE_IS_POLICY);
	mnl_attr_nest_end(nlh, encap);
	return nl_request(nl, nlh);
}

int seg6_decap_del(struct nl *nl, uint32_t table, const struct in6_addr *addr)
{
	const struct in6_prefix dst = { *addr, 128 };

	return no_such(nl_request(nl, route_message(nl, RTM_DELROUTE, 0, &dst, table)));
}

/* Where the rules that matter stand, in the order in which the kernel asks them. */
struct rules {
	uint32_t table;
	int n;
	int local, standin, tunnel, marked;	/* place from 1; 0: not there */
	uint8_t local_protocol;
};

static void on_rule(void *ctx, const struct rt_rule *r)
{
	struct rules *v = ctx;

	v->n++;
	if (r->from.len != 0)
		return;
	if (r->table == TABLE_LOCAL && r->protocol == DP_PROTOCOL) {
		v->standin = v->n;
	} else if (r->table == TABLE_LOCAL && r->priority == PREF_FIRST && !r->ip_proto &&
		   !r->mark) {
		v->local = v->n;
		v->local_protocol = r->protocol ? r->protocol : PROTO_KERNEL;
	} else if (r->table == v->table && r->priority == PREF_FIRST &&
		   r->protocol == DP_PROTOCOL) {
		if (r->ip_proto == IPPROTO_IPV6)
			v->tunnel = v->n;
		else if (r->mark == DP_FILTER_MARK)
			v->marked = v->n;
	}
}

static int read_rules(struct nl *nl, uint32_t table, struct rules *v)
{
	memset(v, 0, sizeof(*v));
	v->table = table;
	return rt_rule_dump(nl, on_rule, v);
}

static struct rt_rule rule_local(uint32_t priority, uint8_t protocol)
{
	return (struct rt_rule){
		.priority = priority, .table = TABLE_LOCAL, .protocol = protocol,
	};
}

static struct rt_rule rule_tunnel(uint32_t table, bool marked)
{
	return (struct rt_rule){
		.priority = PREF_FIRST, .table = table,
		.ip_proto = marked ? 0 : IPPROTO_IPV6, .mark = marked ? DP_FILTER_MARK : 0,
	};
}

/*
 * A rule lands behind those of the same priority, and there is none before 0. So the local
 * rule goes away and comes back behind ours; a stand-in keeps the local table reachable in
 * every moment. The stand-in bears our protocol number: after a crash in between, the next
 * run finds it.
 */
static int local_behind(struct nl *nl, uint8_t protocol)
{
	const struct rt_rule local = rule_local(PREF_FIRST, protocol);
	const struct rt_rule standin = rule_local(PREF_STANDIN, DP_PROTOCOL);
	int err = rt_rule_add(nl, &standin);

	if (err < 0)
		return err;
	err = rt_rule_del(nl, &local);
	if (err == 0)
		err = rt_rule_add(nl, &local);
	if (err < 0)
		return err;	/* the stand-in stays: without it nothing local works */
	return rt_rule_del(nl, &standin);
}

/* What a crash in local_behind() left. */
static int standin_away(struct nl *nl, const struct rules *v)
{
	const struct rt_rule local = rule_local(PREF_FIRST, PROTO_KERNEL);
	const struct rt_rule standin = rule_local(PREF_STANDIN, DP_PROTOCOL);
	int err = 0;

	if (!v->standin)
		return 0;
	if (!v->local)
		err = rt_rule_add(nl, &local);
	if (err == 0)
		err = rt_rule_del(nl, &standin);
	return err < 0 ? err : 1;
}

static int add_missing(struct nl *nl, const struct rules *v)
{
	const struct rt_rule tunnel = rule_tunnel(v->table, false);
	const struct rt_rule marked = rule_tunnel(v->table, true);
	int err = 0, n = 0;

	if (!v->tunnel) {
		err = rt_rule_add(nl, &tunnel);
		n++;
	}
	if (err == 0 && !v->marked) {
		err = rt_rule_add(nl, &marked);
		n++;
	}
	return err < 0 ? err : n;
}

int seg6_rules_first(struct nl *nl, uint32_t table)
{
	struct rules v;
	int n, err = read_rules(nl, table, &v);

	if (err < 0)
		return err;
	n = standin_away(nl, &v);
	err = n < 0 ? n : add_missing(nl, &v);
	if (err < 0)
		return err;
	n += err;
	err = read_rules(nl, table, &v);
	if (err == 0 && v.local && (v.local < v.tunnel || v.local < v.marked)) {
		err = local_behind(nl, v.local_protocol);
		n++;
	}
	return err < 0 ? err : n;
}

int seg6_rules_standin_away(struct nl *nl, uint32_t table)
{
	struct rules v;
	int err = read_rules(nl, table, &v);

	return err < 0 ? err : standin_away(nl, &v);
}

int seg6_rules_del(struct nl *nl, uint32_t table)
{
	const struct rt_rule tunnel = rule_tunnel(table, false), marked = rule_tunnel(table, true);
	int err = seg6_rules_standin_away(nl, table), second;

	if (err < 0)
		return err;
	err = rt_rule_del(nl, &tunnel);
	second = rt_rule_del(nl, &marked);
	return err < 0 ? err : second;
}

/* A nexthop and a decapsulating route on the loopback device, gone at once. */
static int try_tunnel(struct nl *nl, char *why, size_t len)
{
	/* In the discard-only prefix (RFC 6666). */
	static const struct in6_addr somewhere = { .s6_addr = { 1, [15] = 0x4d } };
	const uint32_t id = PROBE_ID;
	struct rt_link lo;
	int err = rt_link_by_name(nl, "lo", &lo);

	if (err < 0)
		return err;
	err = seg6_nexthop_replace(nl, id, &somewhere, lo.ifindex);
	if (err == 0)
		(void)seg6_nexthop_del(nl, id);
	if (err == -ENETDOWN)
		err = 0;		/* asked about the device only after the tunnel type */
	if (err < 0) {
		(void)snprintf(why, len, "kernel lacks nexthop objects with segment routing "
			       "(encap.red: Linux 6.0, CONFIG_IPV6_SEG6_LWTUNNEL): %s%s%s; so "
			       "packets cannot be put into tunnels", strerror(-err),
			       nl_error(nl)[0] ? ": " : "", nl_error(nl));
		return err;
	}
	err = seg6_decap_replace(nl, PROBE_TABLE, &somewhere, lo.ifindex);
	if (err == 0)
		(void)seg6_decap_del(nl, PROBE_TABLE, &somewhere);
	if (err == -ENETDOWN)
		err = 0;
	if (err < 0)
		(void)snprintf(why, len, "kernel lacks End.DT6 of segment routing: %s%s%s; so "
			       "packets cannot be taken out of tunnels", strerror(-err),
			       nl_error(nl)[0] ? ": " : "", nl_error(nl));
	return err;
}

static int try_filter(char *why, size_t len)
{
	char words[200];
	int err = 0;

	words[0] = '\0';
	for (int role = DP_ROLE_MN; role <= (int)DP_ROLE_HA && err == 0; role++)
		err = dp_filter_probe((enum dp_role)role, words, sizeof(words));
	if (err < 0)
		(void)snprintf(why, len, "kernel lacks nftables for inet with sets (%s); so the "
			       "source of tunnel packets could not be checked", words);
	return err;
}

int seg6_probe(char *why, size_t len)
{
	struct nl *nl = NULL, *genl = NULL;
	int err = nl_open(NETLINK_ROUTE, &nl);

	if (err == 0)
		err = nl_open(NETLINK_GENERIC, &genl);
	if (err < 0) {
		(void)snprintf(why, len, "no netlink: %s", strerror(-err));
	} else {
		err = nl_genl_family(genl, "SEG6");
		if (err < 0)
			(void)snprintf(why, len, "kernel lacks IPv6 segment routing (generic "
				       "netlink family SEG6: %s); so the source of tunnels cannot "
				       "be set", strerror(-err));
	}
	if (err >= 0)
		err = try_tunnel(nl, why, len);
	if (err >= 0)
		err = try_filter(why, len);
	if (err == -EPERM)	/* says nothing of what the kernel can do */
		(void)snprintf(why, len, "needs CAP_NET_ADMIN in this network namespace; so it "
			       "cannot even be tried");
	nl_free(genl);
	nl_free(nl);
	return err < 0 ? err : 0;
}
