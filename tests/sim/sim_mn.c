/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mobile node: its state machines, its flows, and as much of its kernel as they rely
 * on: addresses formed from advertisements after duplicate address detection, our own
 * device, rules and routes, the data path. The kernel outlives the daemon.
 */
#include "tests/sim/sim.h"

#include <errno.h>
#include <string.h>

#include "common/core/log.h"
#include "common/wire/ext.h"

#define LEFTOVERS	(30 * USEC_S)	/* as in mn-agent/io.c */
#define SAVE_DELAY	(10 * USEC_MS)

static const uint8_t secret[16] = "a shared secret";

/* --- the kernel ---------------------------------------------------------------------- */

bool sim_mn_has_addr(const struct sim *s, const struct in6_addr *a)
{
	const struct sim_mn *m = &s->mn;

	for (unsigned int n = 0; n < m->n_own; n++)
		if (in6_eq(&m->own[n].addr, a))
			return true;
	for (const struct sim_port *p = m->ports; p < m->ports + SIM_PORTS; p++)
		for (unsigned int n = 0; n < p->n_addrs; n++)
			if (in6_eq(&p->addrs[n].addr, a))
				return true;
	return false;
}

const struct sim_port *sim_mn_port_at(const struct sim *s, int place)
{
	for (const struct sim_port *p = s->mn.ports; p < s->mn.ports + SIM_PORTS; p++)
		if (p->link_up && p->at == place)
			return p;
	return NULL;
}

static unsigned int port_number(const struct sim *s, const struct sim_port *p)
{
	return (unsigned int)(p - s->mn.ports);
}

static int port_ifindex(const struct sim *s, const struct sim_port *p)
{
	return SIM_MN_IF + (int)port_number(s, p);
}

/* An event of the kernel about an interface. */
static struct sim_event *port_event(struct sim *s, const struct sim_port *p, usec_t d,
				    void (*fn)(struct sim_event *e))
{
	struct sim_event *e = sim_after(s, d, fn);

	e->port = port_number(s, p);
	e->generation = p->generation;
	return e;
}

static struct sim_port *port_of(struct sim_event *e)
{
	return &e->sim->mn.ports[e->port];
}

static const struct sim_port *port_by_ifindex(struct sim *s, int ifindex)
{
	if (ifindex >= SIM_MN_IF && ifindex < SIM_MN_IF + (int)s->mn.n_ports)
		return &s->mn.ports[ifindex - SIM_MN_IF];
	sim_fail(s, "mn: uses interface %d", ifindex);
	return &s->mn.ports[0];
}

const struct dp_binding *sim_mn_tunnel(const struct sim *s, const struct in6_addr *hoa)
{
	for (unsigned int n = 0; n < s->mn.n_tunnels; n++)
		if (in6_eq(&s->mn.tunnels[n].inner.addr, hoa))
			return &s->mn.tunnels[n];
	return NULL;
}

static void tell_addr(struct sim *s, const struct sim_port *p, const struct in6_addr *a,
		      bool usable, bool gone)
{
	struct mn_addr m = { .ifindex = port_ifindex(s, p), .addr = *a, .plen = 64, .usable = usable };

	if (s->mn.running)
		mn_addr(&s->mn.mn, &m, gone, s->now);
}

/* RFC 4861 6.3.7; three times, for one may be lost. */
static void solicit(struct sim_event *e)
{
	struct sim *s = e->sim;
	const struct sim_port *p = port_of(e);
	struct icmp6_msg rs = { .type = ICMP6_RS };
	struct ip6_packet ip = { .src = p->linklocal, .hop_limit = 255,
				 .next_header = IP6_NH_ICMP6 };
	uint8_t room[128];
	struct wbuf w;

	if (e->generation != p->generation || !p->link_up)
		return;
	in6_parse("ff02::2", &ip.dst);
	wb_init(&w, room, sizeof(room));
	ip6_encode(&w, &ip);
	if (icmp6_encode(&w, &rs, &ip.src, &ip.dst))
		return;
	ip6_finish(&w, 0);
	sim_transmit(s, true, sim_ha_rx_frame, p->at, p->mac, room, w.len);
}

static void linklocal_checked(struct sim_event *e)
{
	struct sim_port *p = port_of(e);

	if (e->generation != p->generation || !p->link_up)
		return;
	p->linklocal_usable = true;
	tell_addr(e->sim, p, &p->linklocal, true, false);
	for (int n = 0; n < 3; n++)
		port_event(e->sim, p, n * 4 * USEC_S, solicit);
}

static struct sim_kernel_addr *find_addr(struct sim_port *p, const struct in6_addr *a)
{
	for (unsigned int n = 0; n < p->n_addrs; n++)
		if (in6_eq(&p->addrs[n].addr, a))
			return &p->addrs[n];
	return NULL;
}

static void addr_checked(struct sim_event *e)
{
	struct sim_kernel_addr *a = find_addr(port_of(e), &e->addr);

	if (!a || a->generation != e->generation || !port_of(e)->link_up)
		return;
	a->usable = true;
	log_debug("kernel: %s usable", in6_str(&e->addr).s);
	tell_addr(e->sim, port_of(e), &e->addr, true, false);
}

static void check_addr(struct sim *s, const struct sim_port *p, struct sim_kernel_addr *a)
{
	struct sim_event *e = port_event(s, p, sim_time(s, USEC_S, 2 * USEC_S), addr_checked);

	a->usable = false;
	a->generation = e->generation = sim_random(s);
	e->addr = a->addr;
	tell_addr(s, p, &e->addr, false, false);
}

static void remove_addr(struct sim *s, struct sim_port *p, const struct in6_addr *addr)
{
	struct in6_addr copy = *addr;
	struct sim_kernel_addr *a = find_addr(p, &copy);

	if (!a)
		return;
	log_debug("kernel: %s off the link", in6_str(addr).s);
	*a = p->addrs[--p->n_addrs];
	tell_addr(s, p, &copy, false, true);
}

static void addr_expired(struct sim_event *e)
{
	struct sim_kernel_addr *a = find_addr(port_of(e), &e->addr);

	if (a && a->valid_until <= e->sim->now)
		remove_addr(e->sim, port_of(e), &e->addr);
}

/* RFC 4862 5.5.3, without its caution about short lifetimes. */
static void autoconfigure(struct sim *s, struct sim_port *port, const struct nd_prefix *p)
{
	struct in6_prefix prefix = { .addr = p->prefix, .len = p->plen };
	struct sim_kernel_addr *a = NULL;
	struct sim_event *e;

	if (!(p->flags & PIO_FLAG_AUTO) || p->plen != 64)
		return;
	for (unsigned int n = 0; n < port->n_addrs; n++)
		if (in6_in(&prefix, &port->addrs[n].addr))
			a = &port->addrs[n];
	if (!a) {
		if (port->n_addrs == SIM_ADDRS)
			return;
		a = &port->addrs[port->n_addrs++];
		*a = (struct sim_kernel_addr){ .addr = p->prefix };
		if (s->mn.eui64) {
			in6_eui64(&a->addr, &p->prefix, port->mac);
		} else {
			uint64_t iid = sim_random(s);

			memcpy(&a->addr.s6_addr[8], &iid, 8);
		}
		check_addr(s, port, a);
	}
	a->valid_until = s->now + (usec_t)p->valid_s * USEC_S;
	e = port_event(s, port, (usec_t)p->valid_s * USEC_S, addr_expired);
	e->addr = a->addr;
}

static void kernel_rx(struct sim *s, struct sim_port *p, const uint8_t *data, size_t len)
{
	struct icmp6_msg msg, na = { .type = ICMP6_NA };
	struct ip6_packet ip, out = { .hop_limit = 255, .next_header = IP6_NH_ICMP6 };
	uint8_t room[256];
	struct wbuf w;

	if (ip6_decode(data, len, &ip) ||
	    icmp6_decode(data + ip.payload_off, ip.payload_len, &ip.src, &ip.dst, ip.hop_limit,
			 &msg))
		return;
	if (msg.type == ICMP6_RA) {
		for (unsigned int n = 0; n < msg.u.ra.n_prefixes; n++)
			autoconfigure(s, p, &msg.u.ra.prefixes[n]);
		return;
	}
	if (msg.type != ICMP6_NS || !p->linklocal_usable ||
	    !in6_eq(&msg.u.ns.target, &p->linklocal))
		return;
	out.src = na.u.na.target = p->linklocal;
	out.dst = ip.src;
	na.u.na.flags = NA_FLAG_SOLICITED;
	wb_init(&w, room, sizeof(room));
	ip6_encode(&w, &out);
	if (icmp6_encode(&w, &na, &out.src, &out.dst))
		return;
	ip6_finish(&w, 0);
	sim_transmit(s, true, sim_ha_rx_frame, p->at, p->mac, room, w.len);
}

static void port_rx(struct sim *s, struct sim_port *p, const struct sim_event *e)
{
	bool kernel_first = sim_chance(s, 500);

	if (kernel_first)
		kernel_rx(s, p, e->data, e->len);
	if (s->mn.running)
		mn_rx_nd(&s->mn.mn, port_ifindex(s, p), s->has[e->place].mac, e->data, e->len,
			 s->now);
	if (!kernel_first)
		kernel_rx(s, p, e->data, e->len);
}

void sim_mn_rx_frame(struct sim_event *e)
{
	struct sim *s = e->sim;
	struct ip6_packet ip;

	if (ip6_decode(e->data, e->len, &ip))
		return;
	for (struct sim_port *p = s->mn.ports; p < s->mn.ports + SIM_PORTS; p++) {
		if (!p->link_up || p->at != e->place ||
		    (!(e->mac[0] & 1) && memcmp(e->mac, p->mac, 6) != 0))
			continue;
		if (ip.next_header != MH_NEXT_HEADER) {
			port_rx(s, p, e);
			continue;
		}
		sim_mn_rx_packet(s, e->place, e->data, e->len);
		return;
	}
}

void sim_mn_rx_packet(struct sim *s, int place, const void *data, size_t len)
{
	struct ip6_packet ip = { 0 };

	if (!sim_mn_port_at(s, place) || !s->mn.running)
		return;
	if (ip6_decode(data, len, &ip) == IP6_OK && ip.next_header == IP6_NH_ICMP6 &&
	    ((const uint8_t *)data)[ip.payload_off] < 128)
		mn_rx_update_error(&s->mn.mn, data, len, s->now);
	else if (ip.next_header == IP6_NH_ICMP6)
		mn_rx_prefixes(&s->mn.mn, data, len, s->now);
	else
		mn_rx_mh(&s->mn.mn, data, len, s->now);
}

/* --- ops ------------------------------------------------------------------------------ */

static int op_send_link(void *ctx, int ifindex, const uint8_t mac[6], const void *data, size_t len)
{
	struct sim *s = ctx;
	const struct sim_port *p = port_by_ifindex(s, ifindex);
	struct ip6_packet ip;

	(void)mac;
	if (p->at == SIM_NOWHERE || !p->link_up)
		return -ENETDOWN;
	if (ip6_decode(data, len, &ip) == IP6_OK && ip.next_header == MH_NEXT_HEADER) {
		sim_transmit(s, true, sim_ha_rx_local, p->at, NULL, data, len);
		return 0;
	}
	sim_transmit(s, true, sim_ha_rx_frame, p->at, p->mac, data, len);
	return 0;
}

/* Routers drop what has a source that is not of their site (RFC 2827). */
static int op_send_routed(void *ctx, const void *data, size_t len)
{
	struct sim *s = ctx;
	struct ip6_packet ip;
	int at;

	if (ip6_decode(data, len, &ip)) {
		sim_fail(s, "mn: sends what cannot be read");
		return 0;
	}
	sim_moody_rate(s, data, len);
	if (sim_mn_tunnel(s, &ip.src)) {
		sim_fail(s, "mn: a message from %s enters its own tunnel", in6_str(&ip.src).s);
		return 0;
	}
	if (!sim_mn_has_addr(s, &ip.src))
		return -EADDRNOTAVAIL;
	if (!s->mn.ports[0].link_up && !s->mn.ports[1].link_up)
		return -ENETUNREACH;
	at = sim_ha_of(&ip.src);
	if (!sim_mn_port_at(s, at))
		return 0;
	if (sim_ha_of(&ip.dst) == at)
		sim_transmit(s, true, sim_ha_rx_local, at, NULL, data, len);
	else if (s->has[at].reachable)
		sim_transmit(s, false, sim_ha_rx_packet, sim_ha_of(&ip.dst), NULL, data, len);
	return 0;
}

static int op_path_set(void *ctx, const struct mn_path *p)
{
	struct sim *s = ctx;

	if (!port_by_ifindex(s, p->ifindex)->link_up)
		return -ENETDOWN;
	s->mn.path_there[p->slot] = s->mn.path_alive[p->slot] = true;
	s->mn.paths[p->slot] = *p;
	return 0;
}

static void op_path_unset(void *ctx, const struct mn_path *p)
{
	struct sim *s = ctx;

	s->mn.path_there[p->slot] = false;
}

static void op_router_gone(void *ctx, int ifindex, const struct in6_addr *router)
{
	struct sim *s = ctx;

	for (const struct mn_iface *i = s->mn.mn.ifaces; i; i = i->next)
		if (i->link.ifindex == ifindex && i->attached &&
		    in6_eq(router, &i->move.router.linklocal))
			sim_fail(s, "mn: its own router counts as gone");
}

static void op_onlink_gone(void *ctx, int ifindex, const struct in6_prefix *prefix)
{
	(void)ctx;
	(void)ifindex;
	(void)prefix;
}

static int op_addr_set(void *ctx, const struct in6_addr *addr, bool preferred)
{
	struct sim_mn *m = &((struct sim *)ctx)->mn;
	unsigned int n = 0;

	while (n < m->n_own && !in6_eq(&m->own[n].addr, addr))
		n++;
	if (n == SIM_ADDRS)
		return -ENOSPC;
	m->own[n] = (struct sim_own){ .addr = *addr, .preferred = preferred };
	log_debug("kernel: %s on our device%s", in6_str(addr).s, preferred ? ", preferred" : "");
	if (n == m->n_own)
		m->n_own++;
	return 0;
}

static void op_addr_unset(void *ctx, const struct in6_addr *addr)
{
	struct sim_mn *m = &((struct sim *)ctx)->mn;

	log_debug("kernel: %s off our device", in6_str(addr).s);
	for (unsigned int n = 0; n < m->n_own; n++)
		if (in6_eq(&m->own[n].addr, addr))
			m->own[n--] = m->own[--m->n_own];
}

static void dropped(struct sim_event *e)
{
	remove_addr(e->sim, port_of(e), &e->addr);
}

/* A kernel without optimistic addresses. */
static int op_addr_add(void *ctx, const struct mn_addr *a)
{
	(void)ctx;
	(void)a;
	return -EOPNOTSUPP;
}

/* The request is obeyed at once; the notification comes by another socket. */
static void op_addr_drop(void *ctx, const struct mn_addr *a)
{
	struct sim *s = ctx;

	port_event(s, port_by_ifindex(s, a->ifindex), USEC_MS, dropped)->addr = a->addr;
}

static int op_endpoint_add(void *ctx, const struct in6_addr *addr)
{
	struct sim_mn *m = &((struct sim *)ctx)->mn;

	if (m->old_endpoints)
		m->n_endpoints = 0;
	m->old_endpoints = false;
	if (m->n_endpoints == SIM_ADDRS)
		return -ENOSPC;
	m->endpoints[m->n_endpoints++] = *addr;
	return 0;
}

static void op_endpoint_del(void *ctx, const struct in6_addr *addr)
{
	struct sim_mn *m = &((struct sim *)ctx)->mn;

	for (unsigned int n = 0; n < m->n_endpoints; n++)
		if (in6_eq(&m->endpoints[n], addr))
			m->endpoints[n--] = m->endpoints[--m->n_endpoints];
}

static int op_tunnel_set(void *ctx, const struct dp_binding *b)
{
	struct sim_mn *m = &((struct sim *)ctx)->mn;
	unsigned int n = 0;

	while (n < m->n_tunnels && !in6_eq(&m->tunnels[n].inner.addr, &b->inner.addr))
		n++;
	if (n == SIM_TUNNELS)
		return -ENOSPC;
	m->tunnels[n] = *b;
	if (n == m->n_tunnels)
		m->n_tunnels++;
	return 0;
}

static void op_tunnel_expect(void *ctx, const struct in6_addr *hoa, const struct in6_addr *ha)
{
	sim_late_add(ctx, ((struct sim *)ctx)->mn.late, hoa, ha);
}

static int op_tunnel_del(void *ctx, const struct in6_addr *hoa)
{
	struct sim_mn *m = &((struct sim *)ctx)->mn;

	for (unsigned int n = 0; n < m->n_tunnels; n++) {
		if (!in6_eq(&m->tunnels[n].inner.addr, hoa))
			continue;
		sim_late_add(ctx, m->late, hoa, &m->tunnels[n].remote);
		m->tunnels[n] = m->tunnels[--m->n_tunnels];
		return 0;
	}
	return -ENOENT;
}

static int op_flows(void *ctx, const struct in6_addr *locals, unsigned int n_locals,
		    bool (*fn)(void *arg, const struct mn_flow *f), void *arg)
{
	struct sim *s = ctx;

	(void)locals;
	(void)n_locals;
	for (unsigned int n = 0; n < SIM_FLOWS; n++) {
		struct mn_flow f = {
			.local = s->mn.flows[n].local, .remote = in6addr_loopback,
			.protocol = FLOW_TCP, .state = FLOW_ESTABLISHED, .owned = true,
		};

		if (s->mn.flows[n].used && !fn(arg, &f))
			return 0;
	}
	return 0;
}

static int op_sent(void *ctx,
		   void (*fn)(void *arg, const struct in6_addr *from, usec_t ago), void *arg)
{
	(void)ctx, (void)fn, (void)arg;
	return 0;
}

static uint64_t op_traffic(void *ctx, const struct in6_addr *hoa)
{
	(void)ctx;
	(void)hoa;
	return 0;
}

static void op_watch_flows(void *ctx, bool on)
{
	(void)ctx;
	(void)on;
}

static void op_random(void *ctx, void *dst, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)dst)[i] = (uint8_t)sim_random(ctx);
}

static int64_t op_wall_us(void *ctx)
{
	return (int64_t)((struct sim *)ctx)->now;
}

static void op_event(void *ctx, const char *name, const struct mn_iface *i,
		     const struct anchor *a, const char *detail, usec_t now)
{
	(void)i;
	(void)a;
	(void)detail;
	if (!name || ((struct sim *)ctx)->now != now)
		sim_fail(ctx, "mn: an event without a name or at another time");
}

static void save(struct sim *s)
{
	struct sim_mn *m = &s->mn;

	m->n_saved = 0;
	for (const struct anchor *a = m->mn.anchors; a; a = a->next)
		if (a->state != ANCHOR_GONE)
			m->saved[m->n_saved++] = (struct mn_restore){
				.prefix = a->prefix, .hoa = a->hoa, .ha = a->ha, .coa = a->coa,
				.away = a->state != ANCHOR_ATTACHED, .held = a->held, .link_local = a->link_local,
				.seq = a->seq, .timestamps = a->timestamps,
				.timestamp = a->timestamp, .clock_ahead = a->clock_ahead,
				.heard = a->heard,
				.valid_until = a->valid_until,
				.bound_until = a->bound_until };
	sim_keys_save(s);
	m->n_saved_coas = 0;
	for (unsigned int n = 0; n < m->mn.n_wishes; n++)
		m->saved_coas[m->n_saved_coas++] = m->mn.wishes[n];
	for (const struct mn_iface *i = m->mn.ifaces; i; i = i->next)
		if (i->coa_source == COA_OWN)
			m->saved_coas[m->n_saved_coas++] = i->coa;
}

static void save_due(struct sim_event *e)
{
	e->sim->mn.save_due = false;
	if (e->sim->mn.running)
		save(e->sim);
}

static void op_changed(void *ctx)
{
	struct sim *s = ctx;

	if (!s->mn.save_due)
		sim_after(s, SAVE_DELAY, save_due);
	s->mn.save_due = true;
}

static const struct mn_ops ops = {
	.send_link = op_send_link, .send_routed = op_send_routed, .path_set = op_path_set,
	.path_unset = op_path_unset, .addr_set = op_addr_set, .addr_unset = op_addr_unset,
	.addr_add = op_addr_add, .addr_drop = op_addr_drop, .router_gone = op_router_gone,
	.onlink_gone = op_onlink_gone,
	.endpoint_add = op_endpoint_add,
	.endpoint_del = op_endpoint_del, .tunnel_set = op_tunnel_set,
	.tunnel_expect = op_tunnel_expect, .tunnel_del = op_tunnel_del,
	.flows = op_flows, .sent = op_sent,
	.traffic = op_traffic, .watch_flows = op_watch_flows,
	.random = op_random,
	.wall_us = op_wall_us,
	.event = op_event, .changed = op_changed,
	.key_ask = sim_key_ask, .key_stop = sim_key_stop,
};

/* --- links ------------------------------------------------------------------------------ */

static void tell_link(struct sim *s, const struct sim_port *p)
{
	struct mn_link l = { .ifindex = port_ifindex(s, p), .up = p->link_up,
			     .eui64 = s->mn.eui64 };

	strcpy(l.name, p->name);
	memcpy(l.mac, p->mac, 6);
	if (s->mn.running)
		mn_link(&s->mn.mn, &l, s->now);
}

void sim_mn_leave(struct sim *s, unsigned int port)
{
	struct sim_port *p = &s->mn.ports[port];

	if (!p->link_up)
		return;
	p->at = SIM_NOWHERE;
	p->link_up = false;
	p->linklocal_usable = false;
	for (unsigned int n = 0; n < MN_INTERFACES_MAX; n++)
		s->mn.path_alive[n] &= s->mn.paths[n].ifindex != port_ifindex(s, p);
	log_debug("link: %s down", p->name);
	tell_link(s, p);
	while (s->mn.flush && p->n_addrs)
		remove_addr(s, p, &p->addrs[0].addr);
}

void sim_mn_join(struct sim *s, unsigned int port, int place)
{
	struct sim_port *p = &s->mn.ports[port];

	sim_mn_leave(s, port);
	p->at = place;
	p->link_up = true;
	p->generation = sim_random(s);
	port_event(s, p, sim_time(s, USEC_S, 2 * USEC_S), linklocal_checked);
	for (unsigned int n = 0; n < p->n_addrs; n++)
		check_addr(s, p, &p->addrs[n]);
	log_debug("link: %s up at %d", p->name, place);
	tell_link(s, p);
}

void sim_mn_wander(struct sim *s, unsigned int port, int place)
{
	log_debug("link: %s wanders to %d", s->mn.ports[port].name, place);
	if (s->mn.ports[port].link_up)
		s->mn.ports[port].at = place;
	else
		sim_mn_join(s, port, place);
}

/* --- flows ------------------------------------------------------------------------------ */

/* Usable, and of where the interface is now. Of an address that was formed while it did not run
 * the daemon cannot know the home agent, until it hears it. */
static bool may_begin_on(struct sim *s, const struct sim_port *p, const struct sim_kernel_addr *a)
{
	const struct mn_iface *i = s->mn.mn.ifaces;

	while (i && i->link.ifindex != port_ifindex(s, p))
		i = i->next;
	if ((!i || !i->attached) && !mn_find_anchor(&s->mn.mn, &a->addr))
		return false;
	/* Nothing begins on an interface that is down while another is up. */
	if (p->at == SIM_NOWHERE)
		return a->usable && !s->mn.ports[0].link_up && !s->mn.ports[1].link_up;
	return a->usable && sim_ha_of(&a->addr) == p->at;
}

/* What an application gets as its source: a preferred address of where the host is now. */
static bool choose_source(struct sim *s, struct in6_addr *ret)
{
	struct sim_mn *m = &s->mn;
	struct in6_addr found[(1 + SIM_PORTS) * SIM_ADDRS];
	unsigned int n_found = 0;

	if (!m->running)
		return false;
	for (unsigned int n = 0; n < m->n_own; n++)
		if (m->own[n].preferred)
			found[n_found++] = m->own[n].addr;
	for (const struct sim_port *p = m->ports; p < m->ports + SIM_PORTS; p++)
		for (unsigned int n = 0; n < p->n_addrs; n++)
			if (may_begin_on(s, p, &p->addrs[n]))
				found[n_found++] = p->addrs[n].addr;
	if (n_found == 0)
		return false;
	*ret = found[sim_below(s, n_found)];
	return true;
}

bool sim_mn_flow_begin(struct sim *s)
{
	for (unsigned int n = 0; n < SIM_FLOWS; n++) {
		if (s->mn.flows[n].used)
			continue;
		s->mn.flows[n].used = choose_source(s, &s->mn.flows[n].local);
		if (s->mn.flows[n].used)
			log_debug("flow: begins on %s", in6_str(&s->mn.flows[n].local).s);
		return s->mn.flows[n].used;
	}
	return false;
}

static void end(struct sim *s, struct sim_flow *f, bool tell)
{
	f->used = false;
	log_debug("flow: ends on %s%s", in6_str(&f->local).s, tell ? "" : ", nobody is told");
	if (tell && s->mn.running)
		mn_flow_ended(&s->mn.mn, &f->local, s->now);
}

void sim_mn_flow_end(struct sim *s, bool tell)
{
	struct sim_flow *f = &s->mn.flows[sim_below(s, SIM_FLOWS)];

	if (f->used)
		end(s, f, tell);
}

void sim_mn_flows_end(struct sim *s, bool tell)
{
	for (unsigned int n = 0; n < SIM_FLOWS; n++)
		if (s->mn.flows[n].used)
			end(s, &s->mn.flows[n], tell);
}

/* --- life ------------------------------------------------------------------------------- */

/* As mn-agent/io.c does it, some time after a start. */
static void leftovers(struct sim_event *e)
{
	struct sim_mn *m = &e->sim->mn;

	if (!m->running || e->generation != (uint64_t)m->started)
		return;
	for (unsigned int n = 0; n < m->n_own; n++)
		if (!mn_wants_addr(&m->mn, &m->own[n].addr))
			m->own[n--] = m->own[--m->n_own];
	for (unsigned int n = 0; n < MN_INTERFACES_MAX; n++) {
		bool used = false;

		for (const struct mn_iface *i = m->mn.ifaces; i; i = i->next)
			used |= i->slot == n && i->path_up;
		m->path_there[n] &= used;
	}
	if (m->old_endpoints)
		m->n_endpoints = 0;
}

static void drop_unknown_tunnels(struct sim_mn *m)
{
	for (unsigned int n = 0; n < m->n_tunnels; n++) {
		const struct anchor *a = mn_find_anchor(&m->mn, &m->tunnels[n].inner.addr);

		if (!a || !a->tunnelled)
			m->tunnels[n--] = m->tunnels[--m->n_tunnels];
	}
}

/* All that a daemon that starts finds. */
static void tell_port(struct sim *s, const struct sim_port *p)
{
	const struct sim_port copy = *p;

	tell_link(s, p);
	if (copy.linklocal_usable)
		tell_addr(s, p, &copy.linklocal, true, false);
	for (unsigned int n = 0; n < copy.n_addrs; n++)
		tell_addr(s, p, &copy.addrs[n].addr, copy.addrs[n].usable, false);
}

/* Their address came to its end while nobody was there to tell it. */
static void excuse_flows(struct sim_mn *m, const struct in6_addr *hoa)
{
	for (unsigned int n = 0; n < SIM_FLOWS; n++)
		m->excused += m->flows[n].used && in6_eq(&m->flows[n].local, hoa);
}

void sim_mn_start(struct sim *s)
{
	struct sim_mn *m = &s->mn;

	if (m->running)
		return;
	mn_init(&m->mn, &m->cfg, &ops, s, &s->timers);
	m->running = true;
	m->old_endpoints = true;
	m->started = s->now;
	memset(m->rates, 0, sizeof(m->rates));	/* nobody remembers those of before */
	log_debug("mn: starts, knowing %u anchors", m->n_saved);
	for (unsigned int n = 0; n < m->n_saved_coas; n++)
		mn_restore_coa(&m->mn, &m->saved_coas[n]);
	for (unsigned int n = 0; n < m->n_saved; n++) {
		if (m->saved[n].valid_until <= s->now)
			excuse_flows(m, &m->saved[n].hoa);
		m->saved[n].tunnelled = false;
		for (unsigned int t = 0; t < m->n_tunnels; t++)
			m->saved[n].tunnelled |= in6_eq(&m->tunnels[t].inner.addr,
							&m->saved[n].hoa);
		mn_restore(&m->mn, &m->saved[n], s->now);
	}
	sim_keys_load(s);
	drop_unknown_tunnels(m);
	for (unsigned int n = 0; n < m->n_ports; n++)
		tell_port(s, &m->ports[n]);
	sim_after(s, LEFTOVERS, leftovers)->generation = (uint64_t)m->started;
}

void sim_mn_stop(struct sim *s, bool release)
{
	struct sim_mn *m = &s->mn;

	if (!m->running)
		return;
	log_debug("mn: %s", release ? "stops" : "killed");
	m->told_before += m->mn.counters[MN_C_FLOWS_LOST];
	if (release)
		mn_release_all(&m->mn, s->now);
	mn_free(&m->mn, release);
	m->running = false;
	if (release) {
		m->n_saved = 0;
		m->n_saved_keys = 0;
		m->n_saved_coas = 0;
	}
}

void sim_mn_init(struct sim *s, bool eui64)
{
	struct sim_mn *m = &s->mn;

	m->eui64 = eui64;
	for (unsigned int n = 0; n < SIM_PORTS; n++) {
		struct sim_port *p = &m->ports[n];
		const struct in6_addr link = { .s6_addr = { 0xfe, 0x80 } };

		p->name = n ? "eth0" : "wlan0";
		p->at = SIM_NOWHERE;
		memcpy(p->mac, (const uint8_t[]){ 2, 0, 0, 0, 0, (uint8_t)(9 + n) }, 6);
		in6_eui64(&p->linklocal, &link, p->mac);
	}
	if (!m->n_ports)
		m->n_ports = 1;
	m->cfg.max_anchors = 8;
	m->cfg.anchor.linger = 5 * USEC_S;
	m->cfg.anchor.lifetime_s = (uint32_t)(s->binding_lifetime / USEC_S);
	m->cfg.anchor.mtu = 1460;
	m->cfg.n_keys = s->given_keys ? 0 : SIM_HAS;
	if (s->given_keys)
		m->cfg.key_modes = (struct boot_modes){ .n = 1, .mode = { BOOT_ON_LINK } };
	for (unsigned int n = 0; n < SIM_HAS; n++) {
		m->cfg.keys[n].ha = s->has[n].cfg.homes[0].address;
		if (auth_key_init(&m->cfg.keys[n].key, 256 + n, AUTH_HMAC_SHA256_128, secret,
				  sizeof(secret)))
			sim_fail(s, "no key");
	}
	m->cfg.keys[SIM_STAMPED].timestamps = true;
	sim_mn_start(s);
}

void sim_mn_free(struct sim *s)
{
	sim_mn_stop(s, false);
	for (unsigned int n = 0; n < SIM_HAS; n++)
		auth_key_wipe(&s->mn.cfg.keys[n].key);
}
