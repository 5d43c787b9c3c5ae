/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binds the mobile node (mn.c) to the world: packet sockets, netlink, sock_diag, the data
 * path and the timers of the loop become its events, its ops become requests. Owns all
 * descriptors and everything the daemon puts into the kernel outside the data path: the
 * address on our own device, and per interface a rule and a table for its care-of prefix.
 */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "common/sys/cgroup.h"
#include "common/sys/clock.h"
#include "common/sys/notify.h"
#include "mn-agent/keyclient.h"
#include "mn-agent/mnd.h"
#include "mn-agent/outside.h"

#define SAVE_AGAIN	(10 * USEC_S)	/* when the disk did not take it */

/* --- ops ------------------------------------------------------------------------ */

static int op_send_link(void *ctx, int ifindex, const uint8_t mac[6], const void *data, size_t len)
{
	struct mnd *d = ctx;
	int r;

	if (mnd_protect_send(d, ifindex, data, len, &r))
		return r;
	return pkt_send_link(d->nd, ifindex, mac, data, len);
}

static int op_send_routed(void *ctx, const void *data, size_t len)
{
	struct mnd *d = ctx;
	int r;

	if (!mnd_protect_send(d, 0, data, len, &r))
		r = pkt_send_routed(d->mh, data, len);
	if (r)
		log_debug("binding update not sent: %s", strerror(-r));
	return r;
}

static struct rt_rule path_rule(const struct mnd *d, const struct mn_path *p)
{
	uint32_t table = d->settings.table_base + MND_PATH_TABLES + p->slot;

	return (struct rt_rule){
		.from = p->prefix, .table = table,
		.priority = d->dp->rule_base + MND_PATH_TABLES + p->slot,
	};
}

void mnd_path_remove(struct mnd *d, unsigned int slot)
{
	struct mn_path *p = &d->paths[slot];
	struct rt_rule rule = path_rule(d, p);
	struct rt_route route = { .ifindex = p->ifindex, .via = p->router, .table = rule.table };

	d->path_there[slot] = false;
	rt_rule_del(d->nl, &rule);
	rt_route_del(d->nl, &route);
}

/* The neighbour entry spares the first packet a resolution that would have to wait for the
 * link-local address. The new rule stands before the old one goes. */
static int op_path_set(void *ctx, const struct mn_path *p)
{
	struct mnd *d = ctx;
	struct rt_rule rule = path_rule(d, p), old = path_rule(d, &d->paths[p->slot]);
	struct rt_route route = {
		.ifindex = p->ifindex, .via = p->router, .table = rule.table, .onlink = true,
	};
	int r = rt_neigh_replace(d->nl, p->ifindex, &p->router, p->router_mac, false, true);

	if (r == 0)
		r = rt_route_replace(d->nl, &route);
	if (r == 0)
		r = rt_rule_add(d->nl, &rule);
	if (r) {
		log_warn("road by %s: %s %s", in6_str(&p->router).s, strerror(-r),
			 nl_error(d->nl));
		return r;
	}
	if (d->path_there[p->slot] && !in6_prefix_eq(&old.from, &rule.from))
		rt_rule_del(d->nl, &old);
	d->paths[p->slot] = *p;
	d->path_there[p->slot] = true;
	return 0;
}

static void op_path_unset(void *ctx, const struct mn_path *p)
{
	struct mnd *d = ctx;

	if (d->path_there[p->slot])
		mnd_path_remove(d, p->slot);
}

static void op_router_gone(void *ctx, int ifindex, const struct in6_addr *router)
{
	struct mnd *d = ctx;

	mnd_standin_moved(d, ifindex);
	rt_neigh_fail(d->nl, ifindex, router);
}

static void op_onlink_gone(void *ctx, int ifindex, const struct in6_prefix *prefix)
{
	struct mnd *d = ctx;

	rt_onlink_del(d->nl, ifindex, prefix);
}

static int op_addr_set(void *ctx, const struct in6_addr *addr, bool preferred)
{
	struct mnd *d = ctx;
	struct rt_addr a = {
		.ifindex = d->device, .addr = *addr, .plen = 128,
		/* A type 2 routing header leads to a home address only. */
		.flags = IFA_F_NODAD | IFA_F_NOPREFIXROUTE | (d->ipsec ? IFA_F_HOMEADDRESS : 0),
		.preferred_s = preferred ? RT_LIFETIME_FOREVER : 0,
		.valid_s = RT_LIFETIME_FOREVER,
	};
	int r = rt_addr_replace(d->nl, &a);

	if (r)
		log_error("address %s: %s %s", in6_str(addr).s, strerror(-r), nl_error(d->nl));
	return r;
}

static void op_addr_unset(void *ctx, const struct in6_addr *addr)
{
	struct mnd *d = ctx;

	rt_addr_del(d->nl, d->device, addr, 128);
}

struct same { const struct mn_addr *of; bool there; };

static void same_addr(void *ctx, const struct rt_addr *a)
{
	struct same *s = ctx;

	s->there |= a->ifindex == s->of->ifindex && in6_eq(&a->addr, &s->of->addr) &&
		    !(a->flags & IFA_F_DADFAILED);
}

static int op_addr_add(void *ctx, const struct mn_addr *m)
{
	struct mnd *d = ctx;
	struct same s = { .of = m };
	/* Deprecated: what can begin on another address of the link does. */
	struct rt_addr a = {
		.ifindex = m->ifindex, .addr = m->addr, .plen = m->plen,
		.flags = IFA_F_NOPREFIXROUTE, .valid_s = RT_LIFETIME_FOREVER,
	};
	char name[IF_NAMESIZE];
	int r;

	rt_addr_dump(d->nl, same_addr, &s);
	if (s.there)
		return 0;
	r = if_indextoname((unsigned int)m->ifindex, name) ? 0 : -ENODEV;
	if (r == 0)
		r = rt_addr_optimistic(d->nl, &a, name);
	if (r)
		log_info("address %s: no optimistic one on this link (%s): the kernel's own is "
			 "waited for", in6_str(&m->addr).s, strerror(-r));
	return r;
}

static int op_addr_home(void *ctx, const struct mn_addr *addr, uint32_t valid_s,
			uint32_t preferred_s, bool dad)
{
	struct mnd *d = ctx;
	struct rt_addr a = {
		.ifindex = addr->ifindex, .addr = addr->addr, .plen = addr->plen,
		.flags = IFA_F_NOPREFIXROUTE | (dad ? 0 : IFA_F_NODAD),
		.preferred_s = preferred_s, .valid_s = valid_s,
	};
	int r = rt_addr_replace(d->nl, &a);

	if (r)
		log_error("home address %s: %s %s", in6_str(&addr->addr).s, strerror(-r),
			  nl_error(d->nl));
	return r;
}

static void op_addr_drop(void *ctx, const struct mn_addr *a)
{
	struct mnd *d = ctx;

	rt_addr_del(d->nl, a->ifindex, &a->addr, a->plen);
}

static int op_endpoint_add(void *ctx, const struct in6_addr *addr)
{
	struct mnd *d = ctx;

	return d->dp->ops->endpoint_add(d->dp, addr);
}

static void op_endpoint_del(void *ctx, const struct in6_addr *addr)
{
	struct mnd *d = ctx;

	d->dp->ops->endpoint_del(d->dp, addr);
}

static int op_tunnel_set(void *ctx, const struct dp_binding *b)
{
	struct mnd *d = ctx;
	int r = d->dp->ops->set(d->dp, b);

	if (r)
		log_error("tunnel of %s to %s: %s", in6_str(&b->inner.addr).s,
			  in6_str(&b->remote).s, strerror(-r));
	return r;
}

int mnd_tunnel_del(struct mnd *d, const struct in6_addr *hoa)
{
	struct in6_prefix p = { .addr = *hoa, .len = 128 };

	return d->dp->ops->del(d->dp, &p);
}

static void op_tunnel_expect(void *ctx, const struct in6_addr *hoa, const struct in6_addr *ha)
{
	struct mnd *d = ctx;

	(void)d->dp->ops->expect(d->dp, hoa, ha);
}

static int op_tunnel_del(void *ctx, const struct in6_addr *hoa)
{
	return mnd_tunnel_del(ctx, hoa);
}

_Static_assert((int)FLOW_NEW_SYN_RECV == TCP_CLOSING + 1 && (int)FLOW_CLOSE == TCP_CLOSE &&
	       (int)FLOW_LISTEN == TCP_LISTEN, "states are the kernel's");

struct mn_flow mnd_flow(const struct diag_flow *f)
{
	return (struct mn_flow){
		.local = f->local, .remote = f->remote, .local_port = f->local_port,
		.remote_port = f->remote_port, .protocol = f->protocol, .state = f->state,
		.owned = f->inode != 0, .cookie = f->cookie, .uid = f->uid, .cgroup = f->cgroup,
	};
}

struct flow_sink { bool (*fn)(void *arg, const struct mn_flow *f); void *arg; };

static bool on_socket(void *ctx, const struct diag_flow *f)
{
	const struct flow_sink *s = ctx;
	struct mn_flow flow = mnd_flow(f);

	return s->fn(s->arg, &flow);
}

static int op_flows(void *ctx, const struct in6_addr *locals, unsigned int n,
		    bool (*fn)(void *arg, const struct mn_flow *f), void *arg)
{
	struct mnd *d = ctx;
	struct flow_sink s = { fn, arg };
	struct diag_query q = {
		.locals = locals, .n_locals = n, .tcp_states = mn_tcp_states_that_hold(),
	};

	return diag_dump(d->diag, &q, on_socket, &s);
}

static void op_flow_end(void *ctx, const struct mn_flow *f)
{
	const struct diag_flow flow = {
		.local = f->local, .remote = f->remote, .local_port = f->local_port,
		.remote_port = f->remote_port, .protocol = f->protocol, .cookie = f->cookie,
	};
	struct mnd *d = ctx;
	int r = diag_end(d->diag, &flow);

	log_debug("connection of %s to %s: ended (%s)", in6_str(&f->local).s,
		  in6_str(&f->remote).s, r ? strerror(-r) : "its address was left");
}

void mnd_warn_of_policies(const struct mnd *d)
{
	const struct class_policies *all = &d->settings.mn.policies;

	for (unsigned int i = 0; i < all->n; i++)
		if (all->list[i].n_cgroups > 0 && !cgroups_mounted(d->cgroups))
			log_warn("policy %s cannot count: it names a control group, and no file system of "
				 "them (cgroup2) is mounted here", all->list[i].name);
}

static const char *op_cgroup(void *ctx, uint64_t id)
{
	struct mnd *d = ctx;

	return cgroups_path(d->cgroups, id, clock_now());
}

struct sent_sink { void (*fn)(void *arg, const struct in6_addr *from, usec_t ago); void *arg; };

static void on_sent(void *ctx, const struct in6_addr *from, uint64_t ms_ago)
{
	const struct sent_sink *s = ctx;

	s->fn(s->arg, from, (usec_t)ms_ago * USEC_MS);
}

static int op_sent(void *ctx, void (*fn)(void *arg, const struct in6_addr *from, usec_t ago),
		   void *arg)
{
	struct mnd *d = ctx;
	struct sent_sink s = { fn, arg };

	return d->dp->ops->sent(d->dp, on_sent, &s);
}

static uint64_t op_traffic(void *ctx, const struct in6_addr *hoa)
{
	const struct in6_prefix inner = { .addr = *hoa, .len = 128 };
	struct mnd *d = ctx;
	struct dp_stats st = { 0 };

	(void)d->dp->ops->stats(d->dp, &inner, &st);
	return st.tx_packets + st.rx_packets;
}

static void op_watch_flows(void *ctx, bool on)
{
	struct mnd *d = ctx;

	diag_watch(d->diag, on);
}

static void op_random(void *ctx, void *dst, size_t n)
{
	(void)ctx;
	clock_random(dst, n);
}

static int64_t op_wall_us(void *ctx)
{
	(void)ctx;
	return clock_wall_us();
}

static int op_key_ask(void *ctx, const struct bootstrap_ask *ask)
{
	struct mnd *d = ctx;

	return keyclient_ask(d->keys, ask);
}

static void op_key_stop(void *ctx, const struct in6_addr *ha)
{
	struct mnd *d = ctx;

	keyclient_stop(d->keys, ha);
}

/* What of an anchor's life matters to whoever uses its address. */
static void tell_programs(const struct mnd *d, const struct anchor *a)
{
	switch (a->state) {
	case ANCHOR_GONE:
		app_tell(d->app, APP_EVENT_LOST, &a->hoa);
		break;
	case ANCHOR_REFUSED:
	case ANCHOR_UNREACHABLE:
		app_tell(d->app, APP_EVENT_UNREACHABLE, &a->hoa);
		break;
	case ANCHOR_BOUND:
	case ANCHOR_ATTACHED:
		app_tell(d->app, APP_EVENT_MOVED, &a->hoa);
		break;
	case ANCHOR_DEPARTED:
	case ANCHOR_DISCOVERING:
	case ANCHOR_REGISTERING:
	case ANCHOR_REFRESHING:
	case ANCHOR_RELEASING:
	case ANCHOR_RETURNING:
	case ANCHOR_STATE_MAX:
		break;
	}
}

static void op_event(void *ctx, const char *name, const struct mn_iface *i,
		     const struct anchor *a, const char *detail, usec_t now)
{
	struct mnd *d = ctx;
	json_t *event = d->ctl ? mnd_event_json(name, i, a, detail, now) : NULL;

	log_debug("%s%s%s %s", name, i ? " " : "", i ? i->link.name : "", detail ? detail : "");
	if (event)
		ctl_event(d->ctl, event);
	if (a && strcmp(name, "state") == 0)
		tell_programs(d, a);
}

void mnd_event(struct mnd *d, const char *name, const char *detail, usec_t now)
{
	op_event(d, name, NULL, NULL, detail, now);
}

static void op_changed(void *ctx)
{
	struct mnd *d = ctx;

	/* In this turn of the loop, behind whatever is to be sent in it. */
	if (!timer_armed(&d->save))
		timer_set(loop_timers(d->loop), &d->save, clock_now());
	mnd_protect_look(d);
}

static const struct mn_ops ops = {
	.send_link = op_send_link, .send_routed = op_send_routed, .path_set = op_path_set,
	.path_unset = op_path_unset, .router_gone = op_router_gone,
	.onlink_gone = op_onlink_gone, .addr_set = op_addr_set,
	.addr_unset = op_addr_unset, .addr_add = op_addr_add, .addr_home = op_addr_home,
	.addr_drop = op_addr_drop, .endpoint_add = op_endpoint_add,
	.endpoint_del = op_endpoint_del, .tunnel_set = op_tunnel_set,
	.tunnel_expect = op_tunnel_expect, .tunnel_del = op_tunnel_del,
	.flows = op_flows, .flow_end = op_flow_end, .cgroup = op_cgroup,
	.sent = op_sent, .traffic = op_traffic,
	.watch_flows = op_watch_flows, .random = op_random, .wall_us = op_wall_us,
	.key_ask = op_key_ask, .key_stop = op_key_stop, .event = op_event,
	.changed = op_changed,
};

/* --- events --------------------------------------------------------------------- */

static void on_nd(void *ctx, const struct pkt_rx *rx)
{
	struct mnd *d = ctx;

	mn_rx_nd(&d->mn, rx->ifindex, rx->mac, rx->data, rx->len, clock_now());
}

static void on_update_error(void *ctx, const struct pkt_rx *rx)
{
	struct mnd *d = ctx;

	mn_rx_update_error(&d->mn, rx->data, rx->len, clock_now());
}

static void on_tunnel_error(void *ctx, const struct pkt_rx *rx)
{
	struct mnd *d = ctx;

	mn_rx_tunnel_error(&d->mn, rx->data, rx->len, clock_now());
}

static void on_mh(void *ctx, const struct pkt_rx *rx)
{
	struct mnd *d = ctx;

	mn_rx_mh(&d->mn, rx->data, rx->len, clock_now());
}

static void on_prefixes(void *ctx, const struct pkt_rx *rx)
{
	struct mnd *d = ctx;

	mn_rx_prefixes(&d->mn, rx->data, rx->len, clock_now());
}

static void on_home_agents(void *ctx, const struct pkt_rx *rx)
{
	struct mnd *d = ctx;

	mn_rx_discovery(&d->mn, rx->data, rx->len, clock_now());
}

static void on_flow_destroyed(void *ctx, const struct diag_flow *f)
{
	struct mnd *d = ctx;
	struct mn_flow flow = mnd_flow(f);

	classes_ended(&d->mn, f->cookie);
	if (!mn_flow_is_for_key(&d->mn, &flow))
		mn_flow_ended(&d->mn, &f->local, clock_now());
}

/* Of many sockets at once: only a count tells what is left. */
static void on_ends_lost(void *ctx)
{
	struct mnd *d = ctx;

	mn_flows_changed(&d->mn, clock_now());
}

static const struct diag_ops diag_ops = {
	.destroyed = on_flow_destroyed, .lost = on_ends_lost,
};

static void on_late(void *ctx, usec_t by)
{
	struct mnd *d = ctx;

	log_info("%lld s late: the computer slept, or the process was stopped",
		 (long long)(by / USEC_S));
	mn_woken(&d->mn, clock_now());
}

static void on_link(void *ctx, const struct rt_link *l, bool gone)
{
	struct mnd *d = ctx;
	struct mn_link m = { .ifindex = l->ifindex, .up = l->up, .eui64 = l->addr_gen_mode == 0 };

	if (gone && l->ifindex == d->device)
		mnd_repair_lost(d, LOSS_DEVICE);
	/* Our own device, and its other end where it is a veth pair, are no access links. */
	if (l->loopback || !l->ethernet || strncmp(l->name, "dmip6", 5) == 0)
		return;
	if (gone) {
		mn_link_gone(&d->mn, l->ifindex, clock_now());
		mnd_standin_look(d);
		return;
	}
	memcpy(m.name, l->name, sizeof(m.name));
	memcpy(m.mac, l->mac, sizeof(m.mac));
	m.kind = outside_kind("", m.name);
	m.metered = outside_metered("", m.name);
	mn_link(&d->mn, &m, clock_now());
	mnd_standin_look(d);
}

/* Somebody has said that an interface costs by volume, or no longer. */
static void on_outside(void *ctx)
{
	struct mnd *d = ctx;

	for (struct mn_iface *i = d->mn.ifaces; i; i = i->next) {
		struct mn_link l = i->link;

		l.metered = outside_metered("", l.name);
		mn_link(&d->mn, &l, clock_now());
	}
}

static void on_addr(void *ctx, const struct rt_addr *a, bool gone)
{
	struct mnd *d = ctx;
	struct mn_addr m = {
		.ifindex = a->ifindex, .addr = a->addr, .plen = a->plen,
		.ours = mnd_made_before(d, &a->addr),
	};

	if (a->ifindex == d->device) {
		if (gone && mn_wants_addr(&d->mn, &a->addr))
			mnd_repair_lost(d, LOSS_ADDR);
		return;
	}
	/* RFC 4429: an optimistic address is usable; one that failed is not. */
	m.duplicate = a->flags & IFA_F_DADFAILED;
	m.usable = !m.duplicate &&
		   (!(a->flags & IFA_F_TENTATIVE) || (a->flags & IFA_F_OPTIMISTIC));
	mn_addr(&d->mn, &m, gone, clock_now());
	if (gone && mn_wants_home(&d->mn, a->ifindex, &a->addr))
		mnd_repair_soon(d);
}

static void on_ours_deleted(void *ctx, bool rule)
{
	mnd_repair_lost(ctx, rule ? LOSS_RULE : LOSS_ROUTE);
}

static void on_table_gone(void *ctx)
{
	mnd_repair_lost(ctx, LOSS_TABLE);
}

static void on_defaults(void *ctx)
{
	mnd_standin_look(ctx);
}

static void on_rules(void *ctx)
{
	mnd_order_look(ctx);
}

static void on_news_lost(void *ctx)
{
	struct mnd *d = ctx;

	log_info("more happened in the kernel than it could tell: all was read again");
	mn_doubt(&d->mn, clock_now());
	mnd_repair_soon(d);
	mnd_standin_look(d);
	mnd_order_look(d);
}

static const struct mon_ops mon_ops = {
	.link = on_link, .addr = on_addr, .ours_deleted = on_ours_deleted,
	.defaults = on_defaults, .rules = on_rules, .lost = on_news_lost,
};

/* --- timers --------------------------------------------------------------------- */

static void save_due(void *ctx, usec_t now)
{
	struct mnd *d = ctx;

	if (mnd_store_save(d))
		timer_set(loop_timers(d->loop), &d->save, now + SAVE_AGAIN);
}

static void watchdog_due(void *ctx, usec_t now)
{
	struct mnd *d = ctx;

	notify_send("WATCHDOG=1");
	timer_set(loop_timers(d->loop), &d->watchdog, now + notify_watchdog());
}

/* --- start and stop --------------------------------------------------------------- */

static int open_datapath(struct mnd *d, const char **ret_what)
{
	static char why[1024];
	const struct dp_ops *chosen;
	struct dp_config cfg = {
		.role = DP_ROLE_MN, .table_base = d->settings.table_base,
		.rule_base = mnd_order_base(d), .device = MND_DEVICE,
		.ipsec = d->settings.mn.anchor.ipsec,
	};
	int r = dp_choose(d->settings.datapath, &chosen, why, sizeof(why));

	if (r) {
		*ret_what = why;
		return r;
	}
	*ret_what = "data path";
	r = chosen->open(&cfg, &d->dp);
	if (r)
		return r;
	d->dp->rule_base = cfg.rule_base;	/* null does not look at it */
	log_info("data path %s", chosen->name);
	return 0;
}

static int open_sockets(struct mnd *d, const char **ret_what)
{
	int r;

	*ret_what = "packet socket for neighbour discovery";
	r = pkt_open(d->loop, PKT_ND_HOST, on_nd, d, &d->nd);
	if (r)
		return r;
	*ret_what = "packet socket for mobility headers";
	r = pkt_open(d->loop, PKT_MH, on_mh, d, &d->mh);
	if (r)
		return r;
	*ret_what = "packet socket for prefix advertisements";
	r = pkt_open(d->loop, PKT_PREFIXES, on_prefixes, d, &d->prefixes);
	if (r)
		return r;
	*ret_what = "packet socket for home agent addresses";
	r = pkt_open(d->loop, PKT_HOME_AGENTS, on_home_agents, d, &d->home_agents);
	if (r)
		return r;
	*ret_what = "packet socket for errors about binding updates";
	r = pkt_open(d->loop, PKT_UPDATE_ERROR, on_update_error, d, &d->trouble);
	if (r)
		return r;
	*ret_what = "packet socket for errors about tunnel packets";
	r = pkt_open(d->loop, PKT_TUNNEL_ERROR, on_tunnel_error, d, &d->tunnel);
	if (r)
		return r;
	*ret_what = "sock_diag";
	r = diag_open(d->loop, &diag_ops, d, &d->diag);
	d->cgroups = cgroups_open(NULL);
	if (!d->cgroups)
		return -ENOMEM;
	mnd_warn_of_policies(d);
	return r ? r : mnd_protect_open(d, ret_what);
}

static int open_keys(struct mnd *d, const char **ret_what)
{
	static char why[TLS_WHY_MAX];
	struct tls_context *context;
	int r;

	*ret_what = why;
	r = keyclient_read(&d->settings.mn.key_modes, &d->settings.keys, why, &context);
	if (r)
		return r;
	*ret_what = "key client";
	r = keyclient_open(d->loop, &d->mn, &d->keys);
	if (r)
		tls_context_free(context);
	else
		keyclient_use(d->keys, &d->settings.mn.key_modes, context);
	return r;
}

int mnd_open(struct mnd *d, const char **ret_what)
{
	usec_t watchdog = notify_watchdog();
	struct timers *timers = loop_timers(d->loop);
	struct rt_link there;
	int r;

	mnd_keep_init(d);
	mnd_repair_init(d);
	mnd_order_init(d);
	mnd_standin_init(d);
	timer_init(&d->save, "save", save_due, d);
	timer_init(&d->watchdog, "watchdog", watchdog_due, d);
	mn_init(&d->mn, &d->settings.mn, &ops, d, timers);

	r = open_keys(d, ret_what);
	if (r)
		return r;
	*ret_what = "netlink";
	r = nl_open(NETLINK_ROUTE, &d->nl);
	if (r == 0)
		r = open_sockets(d, ret_what);
	if (r)
		return r;
	*ret_what = "device " MND_DEVICE;
	d->device_new = rt_link_by_name(d->nl, MND_DEVICE, &there) == -ENODEV;
	r = rt_device_make(d->nl, MND_DEVICE, &d->device);
	if (r == 0)
		r = open_datapath(d, ret_what);
	if (r)
		return r;
	mnd_adopt_roads(d);
	mnd_adopt_addrs(d);
	mnd_standin_adopt(d);
	mnd_store_load(d);
	mnd_keys_load(d);
	mn_homes(&d->mn, clock_now());
	mnd_adopt_bindings(d);
	*ret_what = "watching links and addresses";
	r = mon_open(d->loop, &mon_ops, d, &d->mon);
	if (r)
		return r;
	/* A kernel without nftables has no table that could be deleted. */
	(void)nfmon_open(d->loop, DP_FILTER_MN, on_table_gone, d, &d->nfmon);
	if (outside_open(d->loop, on_outside, d, &d->outside))
		log_info("what NetworkManager says of cost is seen late: it cannot be watched");
	if (watchdog)
		timer_set(timers, &d->watchdog, clock_now() + watchdog);
	loop_late(d->loop, on_late, d);
	d->running = true;
	mnd_order_look(d);
	return 0;
}

void mnd_close(struct mnd *d)
{
	/* A start that failed leaves what an earlier run had installed. */
	bool release = d->running && !d->keep;

	if (release)
		mn_release_all(&d->mn, clock_now());
	else if (d->running)
		mnd_store_save(d);
	outside_close(d->outside);
	mon_close(d->mon);
	nfmon_close(d->nfmon);
	mn_free(&d->mn, release);
	if (release) {
		mnd_standin_remove(d);
		mnd_store_save(d);	/* nothing is held any more */
		for (unsigned int slot = 0; slot < MN_INTERFACES_MAX; slot++)
			if (d->path_there[slot])
				mnd_path_remove(d, slot);
	}
	if (d->dp)
		d->dp->ops->close(d->dp, !release);
	if (d->nl && (release || (!d->running && d->device_new)))
		rt_device_del(d->nl, MND_DEVICE);
	mnd_protect_close(d, !release);
	keyclient_close(d->keys);
	diag_close(d->diag);
	cgroups_close(d->cgroups);
	pkt_close(d->home_agents);
	pkt_close(d->prefixes);
	pkt_close(d->trouble);
	pkt_close(d->tunnel);
	pkt_close(d->mh);
	pkt_close(d->nd);
	nl_free(d->nl);
}
