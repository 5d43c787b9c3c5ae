/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Neighbour Discovery for absent hosts on a shared home link. Owns the struct proxy of
 * each binding. Called by binding.c (the binding begins and ends), update.c (what to answer),
 * nd.c (what others on the link send) and its timer:
 *
 *	announce	the next of three unsolicited advertisements, RetransTimer apart
 *
 * RFC 6275 10.3.1, 10.4.1; RFC 4861 7.2; RFC 4862 5.4.
 */
#include "ha-agent/proxy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "ha-agent/ra.h"

#define ALL_NODES	((struct in6_addr){ .s6_addr = { 0xff, 0x02, [15] = 1 } })
#define SPREAD		USEC_MS		/* between hosts, when all are announced anew */

struct proxy {
	struct proxy_held *held;	/* while TESTING */
	unsigned int left;		/* advertisements still to be sent */
	struct timer announce;
	struct binding *binding;
};

/* NULL: the home is not configured any more, nor is its interface. */
static struct ha_interface *link_of(const struct binding *b)
{
	return b->home->link;
}

static struct in6_addr linklocal_of(const struct binding *b)
{
	struct in6_addr a = { .s6_addr = { 0xfe, 0x80 } };

	memcpy(&a.s6_addr[8], &b->hoa.s6_addr[8], 8);
	return a;
}

/* RFC 4291 2.7.1; that of the link-local address with the same identifier is the same. */
static struct in6_addr solicited_node(const struct in6_addr *addr)
{
	struct in6_addr group = { .s6_addr = { 0xff, 0x02, [11] = 1, [12] = 0xff } };

	memcpy(&group.s6_addr[13], &addr->s6_addr[13], 3);
	return group;
}

/* ---- what is sent ---- */

static void send_nd(struct ha *ha, const struct ha_interface *ifc, const uint8_t mac[6],
		    const struct in6_addr *src, const struct in6_addr *dst,
		    const struct icmp6_msg *msg, enum ha_counter counter)
{
	uint8_t room[RA_ROOM];
	size_t len = nd_build(msg, src, dst, room);

	if (len == 0)
		return;
	ha->counters[counter]++;
	if (ha->ops->send_link(ha->ctx, ifc->ifindex, mac, room, len) < 0)
		ha->counters[HA_SEND_FAILED]++;
}

/* RFC 2464 7: the group of a multicast address on Ethernet. */
static void group_mac(const struct in6_addr *group, uint8_t ret[6])
{
	ret[0] = ret[1] = 0x33;
	memcpy(ret + 2, &group->s6_addr[12], 4);
}

/* RFC 4862 5.4.2: from nobody, to the solicited-node group of the address. */
static void ask_for(struct ha *ha, const struct ha_interface *ifc, const struct in6_addr *addr)
{
	const struct in6_addr group = solicited_node(addr);
	struct icmp6_msg msg = { .type = ICMP6_NS, .u.ns = { .target = *addr } };
	uint8_t mac[6];

	group_mac(&group, mac);
	send_nd(ha, ifc, mac, &in6addr_any, &group, &msg, HA_TX_PROXY_NS);
}

static void advertise(struct ha *ha, const struct ha_interface *ifc, const uint8_t mac[6],
		      const struct in6_addr *dst, const struct in6_addr *target, uint8_t flags)
{
	/* Our link-layer address. */
	struct icmp6_msg msg = { .type = ICMP6_NA, .u.na = {
		.flags = flags, .target = *target, .tlla.present = true,
	} };

	memcpy(msg.u.na.tlla.mac, ifc->mac, sizeof(msg.u.na.tlla.mac));
	send_nd(ha, ifc, mac, &ifc->linklocal, dst, &msg, HA_TX_PROXY_NA);
}

static void to_all(const struct binding *b, const struct in6_addr *target, uint8_t flags)
{
	const struct in6_addr all = ALL_NODES;
	uint8_t mac[6];

	group_mac(&all, mac);
	advertise(b->home->ha, link_of(b), mac, &all, target, flags);
}

/* RFC 6275 10.4.1: to everybody, unsolicited, and to override what they know; never as a
 * router. */
static void announce(const struct binding *b)
{
	struct in6_addr linklocal = linklocal_of(b);

	if (!ha_interface_usable(link_of(b)))
		return;
	to_all(b, &b->hoa, NA_FLAG_OVERRIDE);
	if (b->linklocal)
		to_all(b, &linklocal, NA_FLAG_OVERRIDE);
}

/* ---- one binding ---- */

/* Nothing more is to be sent of ourselves; the address is answered for all the same. */
static void be_silent(struct binding *b)
{
	struct proxy *p = b->proxy;

	if (!p)
		return;
	timer_stop(b->home->ha->timers, &p->announce);
	free(p->held);
	free(p);
	b->proxy = NULL;
}

static void on_announce(void *ctx, usec_t now)
{
	struct proxy *p = ctx;
	struct binding *b = p->binding;

	announce(b);
	if (--p->left == 0 || timer_set(b->home->ha->timers, &p->announce,
					now + b->home->ha->cfg->retrans_timer) < 0)
		be_silent(b);
}

static struct proxy *make(struct binding *b)
{
	struct proxy *p = b->proxy;

	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->binding = b;
	timer_init(&p->announce, "announce", on_announce, p);
	b->proxy = p;
	return p;
}

static void leave(struct binding *b)
{
	const struct in6_addr group = solicited_node(&b->hoa);

	if (b->joined != 0)
		b->home->ha->ops->group(b->home->ha->ctx, b->joined, &group, false);
	b->joined = 0;
}

/* RFC 4861 7.2.8, RFC 4862 5.4.2: solicitations for the address go to this group. The packet
 * socket takes all groups; a switch on the way may not pass them on. */
static void join(struct binding *b)
{
	const struct in6_addr group = solicited_node(&b->hoa);
	int ifindex = link_of(b) ? link_of(b)->ifindex : 0;

	if (b->joined == ifindex)
		return;
	leave(b);
	if (ifindex != 0)
		b->home->ha->ops->group(b->home->ha->ctx, ifindex, &group, true);
	b->joined = ifindex;
}

void proxy_end(struct binding *b)
{
	be_silent(b);
	leave(b);
}

int proxy_hold(struct binding *b, const struct binding_request *req)
{
	struct proxy *p = make(b);

	if (p && !p->held)
		p->held = calloc(1, sizeof(*p->held));
	if (!p || !p->held) {
		be_silent(b);
		return -ENOMEM;
	}
	p->held->request = *req;
	return 0;
}

void proxy_hold_ack(struct binding *b, const struct ha_ack *ack)
{
	b->proxy->held->ack = *ack;
}

struct proxy_held proxy_let_go(struct binding *b)
{
	struct proxy_held held = *b->proxy->held;

	be_silent(b);
	return held;
}

bool proxy_can_ask(const struct binding *b)
{
	return link_of(b) && link_of(b)->ifindex != 0 && link_of(b)->up;
}

void proxy_ask(struct binding *b)
{
	struct in6_addr linklocal = linklocal_of(b);

	b->home->ha->counters[HA_DAD_BEGUN]++;
	if (!proxy_can_ask(b))
		return;
	join(b);
	ask_for(b->home->ha, link_of(b), &b->hoa);
	/* RFC 6275 10.3.1: with L both are tested. */
	if (b->linklocal)
		ask_for(b->home->ha, link_of(b), &linklocal);
}

static void announce_at(struct binding *b, usec_t at)
{
	struct proxy *p = make(b);

	join(b);
	if (p)
		p->left = PROXY_ADVERTISEMENTS;
	/* Without memory once must do. */
	if (!p || timer_set(b->home->ha->timers, &p->announce, at) < 0) {
		announce(b);
		be_silent(b);
	}
}

void proxy_defend(struct binding *b, usec_t now)
{
	struct proxy *p;

	join(b);
	if (!ha_interface_usable(link_of(b)))
		return;			/* it is announced when the interface is there */
	/* The first one now: no packet is to be lost to a neighbour's old entry. */
	announce(b);
	p = make(b);
	if (!p)
		return;
	p->left = PROXY_ADVERTISEMENTS - 1;
	if (timer_set(b->home->ha->timers, &p->announce,
		      now + b->home->ha->cfg->retrans_timer) < 0)
		be_silent(b);
}

void proxy_interface_usable(struct ha_interface *ifc, usec_t now)
{
	struct binding *b, *next;
	bool shared = false;
	usec_t at = now;

	for (unsigned int i = 0; i < ifc->n_homes; i++)
		shared |= ifc->homes[i]->link == ifc;
	if (!shared)
		return;
	HASH_ITER(by_hoa, ifc->ha->bcache.by_hoa, b, next)
		if (binding_carries(b) && b->home->link == ifc) {
			announce_at(b, at);
			at += SPREAD;
		}
}

/* ---- what others send ---- */

/* The binding that the address is tested or defended for; NULL: none. */
static struct binding *find(struct ha *ha, const struct ha_interface *ifc,
			    const struct in6_addr *target)
{
	static const uint8_t linklocal[8] = { 0xfe, 0x80 };
	bool is_linklocal = memcmp(target, linklocal, sizeof(linklocal)) == 0;
	struct in6_addr hoa = *target;

	for (unsigned int i = 0; i < ifc->n_homes; i++) {
		const struct ha_home *home = ifc->homes[i];
		struct binding *b;

		if (home->cfg.mode != HOME_SHARED)
			continue;
		if (is_linklocal)
			memcpy(&hoa, &home->cfg.prefix.addr, 8);
		b = bcache_find(&ha->bcache, &hoa);
		if (b && b->home == home && (!is_linklocal || b->linklocal) &&
		    (b->state == BINDING_TESTING || binding_carries(b)))
			return b;
	}
	return NULL;
}

static void duplicate(struct binding *b, const struct in6_addr *target, const uint8_t mac[6],
		      usec_t now)
{
	log_warn("binding %s: %s is in use on the home link, by %s", in6_str(&b->hoa).s,
		 in6_str(target).s, mac_str(mac).s);
	b->home->ha->counters[HA_DAD_DUPLICATE]++;
	binding_event(b, BINDING_EVENT_DUPLICATE, NULL, now);
}

static bool is_own_mac(const struct ha_interface *ifc, const uint8_t mac[6])
{
	return memcmp(ifc->mac, mac, sizeof(ifc->mac)) == 0;
}

static bool is_home_agents(const struct ha_interface *ifc, const struct in6_addr *target)
{
	if (!in6_is_home_agents_anycast(target))
		return false;
	for (unsigned int i = 0; i < ifc->n_homes; i++)
		if (ifc->homes[i]->cfg.mode == HOME_SHARED &&
		    in6_in(&ifc->homes[i]->cfg.prefix, target))
			return true;
	return false;
}

void proxy_rx_ns(struct ha *ha, const struct ha_interface *ifc, const uint8_t mac[6],
		 const struct in6_addr *src, const struct nd_ns *ns, usec_t now)
{
	struct binding *b = find(ha, ifc, &ns->target);

	if (is_own_mac(ifc, mac) || !ha_interface_usable(ifc))
		return;
	/* RFC 6275 8.4: packets to the home agents' anycast address are for us; RFC 4861 7.2.7:
	 * and perhaps for others too, so the answer overrides nothing. A link has few home
	 * agents: none waits before it answers. */
	if (is_home_agents(ifc, &ns->target) && !in6_is_any(src))
		advertise(ha, ifc, ns->slla.present ? ns->slla.mac : mac, src, &ns->target,
			  NA_FLAG_ROUTER | NA_FLAG_SOLICITED);
	if (!b)
		return;
	if (b->state == BINDING_TESTING) {
		/* RFC 4862 5.4.3: another one that looks for it, so neither may have it. Who
		 * wants to talk to it gets no answer yet. */
		if (in6_is_any(src))
			duplicate(b, &ns->target, mac, now);
		return;
	}
	/* RFC 4861 7.2.4: to all, unsolicited, where the asker has no address; this is what
	 * defends the address (RFC 6275 10.4.1). Otherwise to the asker, who has told where it
	 * is. RFC 4861 7.2.8: a proxy's answer overrides nothing. */
	if (in6_is_any(src))
		to_all(b, &ns->target, 0);
	else
		advertise(ha, ifc, ns->slla.present ? ns->slla.mac : mac, src, &ns->target,
			  NA_FLAG_SOLICITED);
}

void proxy_rx_na(struct ha *ha, struct ha_interface *ifc, const uint8_t mac[6],
		 const struct nd_na *na, usec_t now)
{
	struct binding *b = find(ha, ifc, &na->target);

	if (!b || is_own_mac(ifc, mac))
		return;
	/* RFC 4862 5.4.4. */
	if (b->state == BINDING_TESTING) {
		duplicate(b, &na->target, mac, now);
		return;
	}
	/* An address that is ours to keep unique (RFC 6275 10.3.1). The mobile node itself says
	 * that it has it only when its de-registration was acknowledged (11.5.5), and then
	 * nothing is defended any more. */
	ha->counters[HA_PROXY_CONFLICT]++;
	if (!bucket_take(&ifc->defence_tokens, &ifc->defence_tokens_at, HA_ERROR_BURST,
			 HA_ERROR_PERIOD, now))
		return;
	log_warn("%s: %s claims %s, which is registered from elsewhere", ifc->name,
		 mac_str(mac).s, in6_str(&na->target).s);
	if (na->flags & NA_FLAG_OVERRIDE && ha_interface_usable(ifc))
		to_all(b, &na->target, NA_FLAG_OVERRIDE);
}
