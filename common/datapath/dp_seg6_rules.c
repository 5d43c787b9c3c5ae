/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Policy rules of the seg6 tunnel type: what is addressed to an end of tunnels must reach
 * the decapsulating routes before the local table takes it. Called by dp_seg6.c.
 */
#include "common/datapath/dp_seg6_rules.h"

#include <netinet/in.h>
#include <string.h>

#include "common/datapath/datapath.h"
#include "common/datapath/dp_filter.h"
#include "common/sys/rt.h"

#define TABLE_LOCAL	255
#define PREF_FIRST	0
#define PREF_STANDIN	1	/* for the local rule, while it is moved */
#define PROTO_KERNEL	2	/* RTPROT_KERNEL */

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
		else if (r->ip_proto == IPPROTO_DSTOPTS && r->mark == DP_MARK)
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

/* The mark stays on the packet that was inside, which may be for this host. */
static struct rt_rule rule_tunnel(uint32_t table, bool marked)
{
	return (struct rt_rule){
		.priority = PREF_FIRST, .table = table,
		.ip_proto = marked ? IPPROTO_DSTOPTS : IPPROTO_IPV6,
		.mark = marked ? DP_MARK : 0,
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
