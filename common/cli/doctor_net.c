/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dmip6ctl doctor: forwarding, IPv6 on the links, how large packets may be, and the policy
 * rules of others that stand before ours.
 */
#include <stdio.h>
#include <string.h>

#include "common/cli/doctor_private.h"
#include "common/datapath/datapath.h"

#define TUNNEL_HEADER	40	/* RFC 2473: one IPv6 header more */
#define MTU_MIN		1280	/* RFC 8200 5 */
#define MTU_DEFAULT	1460	/* of dmip6-had */

void doctor_forwarding(struct doctor *d)
{
	int v = doctor_sysctl("all", "forwarding");

	if (v == 1)
		doctor_add(d, "forwarding", RESULT_OK, "", "net.ipv6.conf.all.forwarding is 1");
	else if (v < 0)
		doctor_add(d, "forwarding", doctor_lacking(d), "Use a kernel with IPv6.",
			   "no IPv6 here");
	else
		doctor_add(d, "forwarding", doctor_lacking(d), "A home agent forwards nothing: "
			   "sysctl net.ipv6.conf.all.forwarding=1.",
			   "net.ipv6.conf.all.forwarding is %d", v);
}

void doctor_ipv6(struct doctor *d)
{
	unsigned int off = 0;

	for (size_t i = 0; i < d->n_links; i++) {
		const struct rt_link *l = &d->links[i];

		if (!doctor_is_access(l) || doctor_sysctl(l->name, "disable_ipv6") != 1)
			continue;
		off++;
		doctor_add(d, "IPv6", RESULT_WARN, "Nothing is attached by it. NetworkManager does "
			   "this for connections without IPv6 (ipv6.method disabled); or: sysctl "
			   "net.ipv6.conf.IF.disable_ipv6=0.", "%s: IPv6 is disabled", l->name);
	}
	if (!off)
		doctor_add(d, "IPv6", RESULT_OK, "", "it is enabled on every link that is up");
}

static const struct rt_link *uplink(const struct doctor *d)
{
	struct in6_addr anywhere = { .s6_addr = { 0x20, [15] = 1 } };
	int ifindex;

	if (rt_route_get(d->nl, &anywhere, &ifindex) < 0)
		return NULL;
	for (size_t i = 0; i < d->n_links; i++) {
		if (d->links[i].ifindex == ifindex && !d->links[i].loopback)
			return &d->links[i];
	}
	return NULL;
}

/* A packet as large as the hosts are told has to fit into the tunnel, on the uplink and on
 * the access link where the host is by then. A mobile node's links have to carry at least
 * the smallest packet that may not be asked to be smaller. */
void doctor_mtu(struct doctor *d)
{
	uint32_t need = (d->ha ? d->mtu ? d->mtu : MTU_DEFAULT : MTU_MIN) + TUNNEL_HEADER;
	unsigned int small = 0;

	if (d->ha && !uplink(d)) {
		doctor_add(d, "tunnel size", RESULT_WARN, "A home agent needs a way to where its "
			   "hosts go.", "no default route");
		return;
	}
	for (size_t i = 0; i < d->n_links; i++) {
		const struct rt_link *l = &d->links[i];

		if (l->loopback || doctor_is_ours(l) || !l->up || l->mtu >= need)
			continue;
		small++;
		doctor_add(d, "tunnel size", RESULT_WARN, d->ha ?
			   "Senders to hosts that left find out by losing a packet: raise its MTU, or "
			   "lower \"mtu\" in ha.conf." :
			   "Packets of kept addresses are lost on such a link: raise its MTU.",
			   "%s has MTU %u, %u is needed", l->name, l->mtu, need);
	}
	if (!small)
		doctor_add(d, "tunnel size", RESULT_OK, "", "all links carry %u octets", need);
}

/* ------------------------------------------------------------------ rules */

struct rules {
	uint32_t ours;			/* lowest priority of a rule for a home address */
	struct rt_rule shadow;		/* the first that takes every packet before it */
	bool shadowed;
};

static void find_ours(void *ctx, const struct rt_rule *r)
{
	struct rules *s = ctx;

	if (r->protocol == RT_PROTOCOL && r->from.len && r->priority < s->ours)
		s->ours = r->priority;
}

static void find_shadow(void *ctx, const struct rt_rule *r)
{
	struct rules *s = ctx;

	if (s->shadowed || !rt_rule_takes_all(r) || r->priority >= s->ours)
		return;
	s->shadow = *r;
	s->shadowed = true;
}

static void rule_str(const struct rt_rule *r, char *text, size_t len)
{
	char mark[32] = "";

	if (r->mark)
		(void)snprintf(mark, sizeof(mark), " fwmark 0x%x", r->mark);
	(void)snprintf(text, len, "%u: %sfrom all%s lookup %u", r->priority,
		       r->invert ? "not " : "", mark, r->table);
}

void doctor_rules(struct doctor *d)
{
	struct rules s = { .ours = UINT32_MAX };
	int err = rt_rule_dump(d->nl, find_ours, &s);
	char text[96];

	if (s.ours == UINT32_MAX)	/* none yet */
		s.ours = DP_TABLE_BASE;
	if (!err)
		err = rt_rule_dump(d->nl, find_shadow, &s);
	if (err) {
		doctor_add(d, "policy rules", RESULT_WARN, "", "cannot be read: %s", strerror(-err));
	} else if (s.shadowed) {
		rule_str(&s.shadow, text, sizeof(text));
		doctor_add(d, "policy rules", RESULT_WARN, "What its table has a route for never "
			   "reaches our rules and leaves untunnelled: give it a greater number "
			   "(ip -6 rule, \"preference\"), or start the VPN that made it before "
			   "dmip6-mnd.", "\"%s\" stands before ours at %u", text, s.ours);
	} else {
		doctor_add(d, "policy rules", RESULT_OK, "", "no foreign rule stands before %u",
			   s.ours);
	}
}
