/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The seg6 backend: RFC 2473 tunnels by the kernel's segment routing lightweight tunnels,
 * for kernels without ip6_tunnel. "encap.red" with a single segment puts a bare RFC 2473
 * header on the wire; End.DT6 (RFC 8986 4.6) takes it off again, whether or not a segment
 * routing header is there. Called by dp_kernel.c through dp_tunnel_ops.
 *
 * Decapsulating routes, one per endpoint, stand in a table of their own in front of the
 * local table (dp_seg6_rules.c).
 *
 * The outer source address: on the HA that of the network namespace (SET_TUNSRC), set once.
 * Changing that waits for an RCU grace period, 10 to 20 ms in the middle of a handover. On
 * the MN it is therefore left unset; the kernel then takes the preferred address of the
 * device that the nexthop names. There are devices for that, each with one care-of address:
 * with several interfaces at once not all tunnels leave from the same one.
 */
#include "common/datapath/datapath.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/genetlink.h>
#include <linux/lwtunnel.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <linux/seg6.h>
#include <linux/seg6_genl.h>
#include <linux/seg6_iptunnel.h>
#include <linux/seg6_local.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/datapath/dp_kernel.h"
#include "common/datapath/dp_seg6_rules.h"
#include "common/datapath/dp_tunnel.h"
#include "common/sys/rt.h"

#define GENL_VERSION	1
#define ROUTING_TYPE_SEGMENT	4	/* RFC 8754 2 */
/* The kernel takes the room of a whole segment routing header off a route's mtu, although
 * none is sent: 40 for the outer header, 8 + 16 for that. */
#define MTU_HEADROOM	64
#define REASSEMBLED	253	/* for experiments (RFC 3692 2.1): nobody else's */
#define PROBE_ID	0x44600000U	/* of no role */
#define NO_TABLE_IS_POLICY	0	/* End.DT6: the full policy lookup */

struct seg6 {
	struct dp_tunnel t;
	struct nl *genl;
	int family;
	struct in6_addr source_before;	/* what close() puts back */
};

static struct seg6 *seg6_of(struct dp_tunnel *t)
{
	return (struct seg6 *)(void *)t;
}

/* --- outer source address of all tunnels of this network namespace -------------------- */

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

static int source_get(struct nl *genl, int family, struct in6_addr *ret)
{
	return nl_query(genl, source_message(genl, family, SEG6_CMD_GET_TUNSRC), on_source, ret);
}

static int source_set(struct nl *genl, int family, const struct in6_addr *addr)
{
	struct nlmsghdr *nlh = source_message(genl, family, SEG6_CMD_SET_TUNSRC);

	mnl_attr_put(nlh, SEG6_ATTR_DST, sizeof(*addr), addr);
	return nl_request(genl, nlh);
}

static int seg6_source(struct dp_tunnel *t, const struct in6_addr *addr)
{
	struct seg6 *s = seg6_of(t);
	const struct in6_addr *wanted = t->role == DP_ROLE_HA ? addr : &in6addr_any;
	struct in6_addr now;
	int err = source_get(s->genl, s->family, &now);

	if (err < 0 || in6_eq(&now, wanted))
		return err;
	err = source_set(s->genl, s->family, wanted);
	return err < 0 ? err : 1;
}

/* "dmip6a0" and so on: the last octet of a name is lost in that of a pair's other end. */
static void place_name(unsigned int n, char ret[16])
{
	(void)snprintf(ret, 16, "dmip6%c0", (char)('a' + n));
}

static int place_replace(const struct dp_tunnel *t, unsigned int n)
{
	const struct rt_addr a = {
		.ifindex = t->sources[n].ifindex, .addr = t->sources[n].addr, .plen = 128,
		.flags = IFA_F_NODAD | IFA_F_NOPREFIXROUTE,
		.preferred_s = RT_LIFETIME_FOREVER, .valid_s = RT_LIFETIME_FOREVER,
	};

	return rt_addr_replace(t->nl, &a);
}

static int seg6_use_place(struct dp_tunnel *t, unsigned int n, const struct in6_addr *addr)
{
	struct dp_place *p = &t->sources[n];
	const struct in6_addr old = p->addr;
	int err = 0;

	p->addr = *addr;
	if (!in6_is_any(addr))
		err = place_replace(t, n);
	if (err < 0) {
		p->addr = old;
		return err;
	}
	if (!in6_is_any(&old) && !in6_eq(&old, addr))
		(void)rt_addr_del(t->nl, p->ifindex, &old, 128);
	return 0;
}

static void on_place_addr(void *ctx, const struct rt_addr *a)
{
	struct dp_tunnel *t = ctx;

	for (unsigned int n = 0; n < DP_SOURCES; n++) {
		if (a->ifindex == t->sources[n].ifindex && in6_is_routable(&a->addr))
			t->sources[n].addr = a->addr;
	}
}

/* Makes the devices, or puts back what is missing; how many things. */
static int prepare_places(struct dp_tunnel *t)
{
	bool first = t->sources[0].ifindex == 0;
	int err, made = 0;

	for (unsigned int n = 0; n < DP_SOURCES; n++) {
		int before = t->sources[n].ifindex;
		char name[16];

		place_name(n, name);
		err = rt_device_make(t->nl, name, &t->sources[n].ifindex);
		if (err < 0)
			return err;
		if (first)
			continue;
		made += before != t->sources[n].ifindex;
		if (!in6_is_any(&t->sources[n].addr))
			(void)place_replace(t, n);
	}
	err = first ? rt_addr_dump(t->nl, on_place_addr, t) : 0;
	return err < 0 ? err : made;
}

static int places_away(struct nl *nl)
{
	int removed = 0;

	for (unsigned int n = 0; n < DP_SOURCES; n++) {
		char name[16];

		place_name(n, name);
		removed += rt_device_del(nl, name) == 0;
	}
	return removed;
}

/* --- nexthops -------------------------------------------------------------------------- */

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

static void seg6_put_ends(struct nlmsghdr *nlh, const struct dp_ends *e,
			  const struct dp_encap_attrs *a)
{
	const struct one_segment s = {
		.mode = SEG6_IPTUN_MODE_ENCAP_RED,
		.hdr_ext_len = sizeof(s.segment) / 8, .routing_type = ROUTING_TYPE_SEGMENT,
		.segment = e->remote,
	};
	struct nlattr *nest;

	mnl_attr_put_u16(nlh, a->type, LWTUNNEL_ENCAP_SEG6);
	nest = mnl_attr_nest_start(nlh, a->encap);
	mnl_attr_put(nlh, SEG6_IPTUNNEL_SRH, sizeof(s), &s);
	mnl_attr_nest_end(nlh, nest);
}

static bool seg6_get_ends(uint16_t encap_type, const struct nlattr *encap, struct dp_ends *ret)
{
	const struct nlattr *tb[SEG6_IPTUNNEL_SRH + 1];
	struct one_segment s;

	nl_nested(encap, tb, SEG6_IPTUNNEL_SRH);
	if (encap_type != LWTUNNEL_ENCAP_SEG6 || !nl_get(tb[SEG6_IPTUNNEL_SRH], &s, sizeof(s)))
		return false;
	*ret = (struct dp_ends){ .remote = s.segment };
	return true;
}

/* --- decapsulation --------------------------------------------------------------------- */

static int decap_replace(struct nl *nl, uint32_t table, const struct in6_addr *addr, int ifindex)
{
	const struct in6_prefix dst = { *addr, 128 };
	struct nlmsghdr *nlh = dp_route_message(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE,
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

static int decap_del(struct nl *nl, uint32_t table, const struct in6_addr *addr)
{
	const struct in6_prefix dst = { *addr, 128 };
	int err = nl_request(nl, dp_route_message(nl, RTM_DELROUTE, 0, &dst, table));

	return err == -ESRCH ? -ENOENT : err;
}

static int seg6_decap_add(struct dp_tunnel *t, const struct in6_addr *addr)
{
	return decap_replace(t->nl, t->table, addr, t->ifindex);
}

static int seg6_decap_del(struct dp_tunnel *t, const struct in6_addr *addr)
{
	return decap_del(t->nl, t->table, addr);
}

struct decap_dump {
	void (*fn)(void *ctx, const struct in6_addr *addr);
	void *ctx;
};

static void on_decap(void *ctx, const struct rt_route *r)
{
	const struct decap_dump *d = ctx;

	d->fn(d->ctx, &r->dst.addr);
}

static int seg6_decap_dump(struct dp_tunnel *t,
			   void (*fn)(void *ctx, const struct in6_addr *addr), void *ctx)
{
	struct decap_dump d = { fn, ctx };

	return rt_route_dump(t->nl, t->table, on_decap, &d);
}

/* --- open, close, cleanup -------------------------------------------------------------- */

struct search {
	const struct in6_addr *addr;
	bool found;
};

static void on_search(void *ctx, const struct in6_addr *addr)
{
	struct search *s = ctx;

	s->found |= in6_eq(s->addr, addr);
}

/* A source that is no endpoint of an earlier run is somebody else's. */
static bool is_endpoint(struct nl *nl, uint32_t table, const struct in6_addr *addr)
{
	struct search s = { addr, false };
	struct decap_dump d = { on_search, &s };

	return rt_route_dump(nl, table, on_decap, &d) == 0 && s.found;
}

static int open_source(struct seg6 *s)
{
	struct in6_addr now;
	int err = nl_open(NETLINK_GENERIC, &s->genl);

	if (err < 0)
		return err;
	s->family = nl_genl_family(s->genl, "SEG6");
	if (s->family < 0)
		return s->family;
	err = source_get(s->genl, s->family, &now);
	if (err < 0)
		return err;
	if (s->t.role == DP_ROLE_HA && is_endpoint(s->t.nl, s->t.table, &now))
		s->t.source = now;
	else
		s->source_before = now;
	if (s->t.role == DP_ROLE_HA || in6_is_any(&now))
		return 0;
	return source_set(s->genl, s->family, &in6addr_any);
}

static void seg6_close(struct dp_tunnel *t, bool keep)
{
	struct seg6 *s = seg6_of(t);

	if (!keep) {
		if (t->role == DP_ROLE_MN)
			(void)places_away(t->nl);
		(void)seg6_rules_del(t->nl, t->table);
		if (t->role == DP_ROLE_HA || !in6_is_any(&s->source_before))
			(void)source_set(s->genl, s->family, &s->source_before);
	}
	nl_free(s->genl);
	free(s);
}

static int seg6_tunnel_open(enum dp_role role, struct nl *nl, uint32_t table,
			    struct dp_tunnel **ret)
{
	struct seg6 *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->t.ops = &dp_seg6_tunnel;
	s->t.role = role;
	s->t.nl = nl;
	s->t.table = table;
	err = open_source(s);
	if (err < 0) {
		seg6_close(&s->t, true);
		return err;
	}
	*ret = &s->t;
	return 0;
}

static int seg6_prepare(struct dp_tunnel *t)
{
	int made = 0, n;

	t->ifindex = t->own_ifindex;
	if (t->role == DP_ROLE_MN)
		made = prepare_places(t);
	if (made < 0)
		return made;
	n = seg6_rules_first(t->nl, t->table);
	return n < 0 ? n : made + n;
}

/* The outer source of tunnels goes back to the kernel's choice, if it was ours. */
static int source_away(struct nl *nl, uint32_t table)
{
	struct in6_addr now;
	struct nl *genl;
	int err = nl_open(NETLINK_GENERIC, &genl), family, n = 0;

	if (err < 0)
		return err;
	family = nl_genl_family(genl, "SEG6");
	/* A kernel without has nothing to put back. */
	if (family >= 0 && source_get(genl, family, &now) == 0 && is_endpoint(nl, table, &now)) {
		err = source_set(genl, family, &in6addr_any);
		n = 1;
	}
	nl_free(genl);
	return err < 0 ? err : n;
}

struct removal {
	struct nl *nl;
	uint32_t table;
	int n;
};

static void remove_decap(void *ctx, const struct in6_addr *addr)
{
	struct removal *r = ctx;

	if (decap_del(r->nl, r->table, addr) == 0)
		r->n++;
}

static int seg6_cleanup(struct nl *nl, uint32_t table)
{
	struct removal r = { nl, table, 0 };
	struct decap_dump d = { remove_decap, &r };
	int n = source_away(nl, table), err = seg6_rules_del(nl, table);

	if (n < 0)
		return n;
	if (err == 0)
		n++;
	else if (err != -ENOENT)
		return err;
	err = rt_route_dump(nl, table, on_decap, &d);
	return err < 0 ? err : n + r.n + places_away(nl);
}

/* --- probe ------------------------------------------------------------------------------ */

/* In the discard-only prefix (RFC 6666). */
static const struct in6_addr somewhere = { .s6_addr = { 1, [15] = 0x4d } };

static int say(const struct nl *nl, int err, const char *lacks, const char *follows, char *why,
	       size_t len)
{
	(void)snprintf(why, len, "kernel lacks %s: %s%s%s; so %s", lacks, strerror(-err),
		       nl_error(nl)[0] ? ": " : "", nl_error(nl), follows);
	return err;
}

static int try_family(char *why, size_t len)
{
	struct nl *genl;
	int err = nl_open(NETLINK_GENERIC, &genl);

	if (err < 0)
		return err;
	err = nl_genl_family(genl, "SEG6");
	if (err < 0)
		(void)say(genl, err, "IPv6 segment routing (generic netlink family SEG6)",
			  "the source of tunnels cannot be set", why, len);
	nl_free(genl);
	return err < 0 ? err : 0;
}

/* A nexthop and a decapsulating route on the loopback device, gone at once. The kernel asks
 * whether that is up only after the tunnel type. */
static int seg6_tunnel_probe(struct nl *nl, char *why, size_t len)
{
	struct dp_tunnel t = { .ops = &dp_seg6_tunnel, .nl = nl };
	const struct dp_ends ends = { .remote = somewhere };
	struct rt_link lo;
	int err = try_family(why, len);

	if (err == 0)
		err = rt_link_by_name(nl, "lo", &lo);
	if (err < 0)
		return err;
	t.ifindex = lo.ifindex;
	err = dp_nexthop_replace(&t, PROBE_ID, &ends);
	if (err == 0)
		(void)dp_nexthop_del(nl, PROBE_ID);
	else if (err != -ENETDOWN)
		return say(nl, err, "nexthop objects with segment routing (encap.red: Linux 6.0, "
			   "CONFIG_IPV6_SEG6_LWTUNNEL)", "packets cannot be put into tunnels",
			   why, len);
	err = decap_replace(nl, RT_TABLE_PROBE, &somewhere, lo.ifindex);
	if (err == 0)
		(void)decap_del(nl, RT_TABLE_PROBE, &somewhere);
	else if (err != -ENETDOWN)
		return say(nl, err, "End.DT6 of segment routing", "packets cannot be taken out of "
			   "tunnels", why, len);
	return 0;
}

const struct dp_tunnel_ops dp_seg6_tunnel = {
	.name = "seg6",
	.mtu_headroom = MTU_HEADROOM,
	.probe = seg6_tunnel_probe,
	.open = seg6_tunnel_open,
	.close = seg6_close,
	.prepare = seg6_prepare,
	.put_ends = seg6_put_ends,
	.get_ends = seg6_get_ends,
	.source = seg6_source,
	.use_place = seg6_use_place,
	.decap_add = seg6_decap_add,
	.decap_del = seg6_decap_del,
	.decap_dump = seg6_decap_dump,
	.cleanup = seg6_cleanup,
};

static int seg6_probe(char *why, size_t len)
{
	return dp_kernel_probe(&dp_seg6_tunnel, why, len);
}

static int seg6_open(const struct dp_config *cfg, struct dp **ret)
{
	return dp_kernel_open(&dp_seg6, &dp_seg6_tunnel, cfg, ret);
}

const struct dp_ops dp_seg6 = {
	.name = "seg6",
	.reassembled = REASSEMBLED,
	.probe = seg6_probe,
	.open = seg6_open,
	DP_KERNEL_METHODS,
};
