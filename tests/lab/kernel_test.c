/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * common/sys on the running kernel: what rt.c changes is there, what mon.c, pkt.c and
 * diag.c report has happened. Prints TAP; needs root.
 */
#include <linux/if_addr.h>

#include "common/sys/diag.h"
#include "common/sys/loop.h"
#include "common/sys/mon.h"
#include "common/sys/pkt.h"
#include "tests/lab/kernel_lab.h"

/* Runs the loop until *done, or the deadline. */
struct turn {
	struct loop *l;
	struct timer deadline;
	bool late;
};

static void on_deadline(void *ctx, usec_t now)
{
	struct turn *t = ctx;

	(void)now;
	t->late = true;
	loop_stop(t->l);
}

static bool turn(struct loop *l)
{
	struct turn t = { .l = l };

	timer_init(&t.deadline, "deadline", on_deadline, &t);
	if (timer_set(loop_timers(l), &t.deadline, clock_now() + WAIT_MS * USEC_MS) < 0 ||
	    loop_run(l) < 0)
		bail("loop");
	timer_stop(loop_timers(l), &t.deadline);
	return !t.late;
}

static struct rt_addr wanted;
static bool addr_found;

static void on_addr(void *ctx, const struct rt_addr *a)
{
	(void)ctx;
	if (in6_eq(&a->addr, &wanted.addr) && a->ifindex == wanted.ifindex) {
		wanted = *a;
		addr_found = true;
	}
}

static void test_rt_addr(struct nl *nl, int ifindex)
{
	struct rt_addr a = {
		.ifindex = ifindex, .addr = addr("2001:db8:77::1"), .plen = 128,
		.flags = IFA_F_NODAD | IFA_F_NOPREFIXROUTE, .preferred_s = 0,
		.valid_s = RT_LIFETIME_FOREVER,
	};

	ok(rt_addr_replace(nl, &a) == 0, "rt: address added");
	wanted = a;
	ok(rt_addr_dump(nl, on_addr, NULL) == 0 && addr_found && wanted.preferred_s == 0 &&
	   (wanted.flags & IFA_F_DEPRECATED) && !(wanted.flags & IFA_F_TENTATIVE),
	   "rt: it is there, deprecated and not tentative");
	a.preferred_s = RT_LIFETIME_FOREVER;
	ok(rt_addr_replace(nl, &a) == 0 && rt_addr_dump(nl, on_addr, NULL) == 0 &&
	   !(wanted.flags & IFA_F_DEPRECATED), "rt: replaced, preferred now");
	ok(rt_addr_del(nl, ifindex, &a.addr, 128) == 0 &&
	   rt_addr_del(nl, ifindex, &a.addr, 128) == -EADDRNOTAVAIL,
	   "rt: deleted, and then not there");
	a.ifindex = 9999;
	ok(rt_addr_replace(nl, &a) == -ENODEV && nl_error(nl)[0] != '\0',
	   "rt: no such device (kernel: %s)", nl_error(nl));
}

static int n_routes, n_rules, n_neighs;

static void on_route(void *ctx, const struct rt_route *r)
{
	(void)ctx;
	(void)r;
	n_routes++;
}

static void on_rule(void *ctx, const struct rt_rule *r)
{
	(void)ctx;
	n_rules += r->protocol == RT_PROTOCOL;
}

static void on_neigh(void *ctx, int ifindex, const struct in6_addr *a)
{
	(void)ctx;
	(void)ifindex;
	(void)a;
	n_neighs++;
}

static void test_rt_routes(struct nl *nl, int ifindex)
{
	const struct in6_addr via = addr("fe80::1"), dst = addr("2001:db8:88::5");
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };
	struct rt_route r = {
		.dst = { addr("2001:db8:88::"), 64 }, .via = via, .ifindex = ifindex,
		.table = 4590, .onlink = true,
	};
	const struct rt_rule rule = {
		.from = { addr("2001:db8:99::"), 64 }, .priority = 4590, .table = 4590,
	};
	int out = 0;

	ok(rt_route_dump(nl, 4590, on_route, NULL) == 0 && n_routes == 0, "rt: table is empty");
	ok(rt_route_replace(nl, &r) == 0 && rt_route_replace(nl, &r) == 0, "rt: route, twice");
	ok(rt_route_dump(nl, 4590, on_route, NULL) == 0 && n_routes == 1, "rt: it is there once");
	ok(rt_rule_add(nl, &rule) == 0 && rt_rule_add(nl, &rule) == 0 &&
	   rt_rule_dump(nl, on_rule, NULL) == 0 && n_rules == 1, "rt: rule, twice, there once");
	r.table = 254;
	ok(rt_route_replace(nl, &r) == 0 && rt_route_get(nl, &dst, &out) == 0 && out == ifindex,
	   "rt: the device of a destination");
	ok(rt_route_del(nl, &r) == 0 && rt_route_del(nl, &r) == -ENOENT, "rt: route deleted");
	ok(rt_route_get(nl, &dst, &out) < 0, "rt: no device for it any more");
	r.table = 4590;
	ok(rt_route_del(nl, &r) == 0 && rt_rule_del(nl, &rule) == 0 &&
	   rt_rule_del(nl, &rule) == -ENOENT, "rt: the other route and the rule deleted");
	ok(rt_neigh_replace(nl, ifindex, &via, mac, true, true) == 0 &&
	   rt_neigh_dump(nl, on_neigh, NULL) == 0 && n_neighs == 1 &&
	   rt_neigh_del(nl, ifindex, &via) == 0, "rt: permanent neighbour");
}

static void test_rt(void)
{
	int ns = ns_new(), ifindex = 0, again = 0;
	char *before = snapshot(ns);
	struct rt_link l;
	struct nl *nl;

	if (nl_open(NETLINK_ROUTE, &nl) < 0)
		bail("netlink");
	ok(rt_link_by_name(nl, "dmip6x0", &l) == -ENODEV, "rt: no such link");
	ok(rt_device_make(nl, "dmip6x0", &ifindex) == 0, "rt: device made");
	ok(rt_device_make(nl, "dmip6x0", &again) == 0 && again == ifindex, "rt: found again");
	ok(rt_link_by_name(nl, "dmip6x0", &l) == 0 && l.up && l.addr_gen_mode == 1 &&
	   l.ethernet && !l.loopback, "rt: it is up and has no autoconfiguration");
	run("test -z \"$(ip -6 addr show dev dmip6x0)\"");
	test_rt_addr(nl, ifindex);
	test_rt_routes(nl, ifindex);
	ok(rt_device_del(nl, "dmip6x0") == 0 && rt_device_del(nl, "dmip6x0") == -ENOENT,
	   "rt: device deleted");
	nl_free(nl);
	same(before, snapshot(ns), "rt");
	free(before);
	close(ns);
}

struct seen {
	struct loop *l;
	int links, addrs, gone, ours;
	int stop_at_ours, stop_at_gone, stop_at_addrs;
	int lost;			/* overruns */
	/* As they were reported last: the link dmx, and addresses 2001:db8::1 and so on. */
	bool up, there[8];
};

static void seen_link(void *ctx, const struct rt_link *l, bool gone)
{
	struct seen *s = ctx;

	if (strcmp(l->name, "dmx") == 0)
		s->up = l->up && !gone;
	s->links += !gone;
	s->gone += gone;
	if (gone && s->gone == s->stop_at_gone)
		loop_stop(s->l);
}

static void seen_addr(void *ctx, const struct rt_addr *a, bool gone)
{
	struct seen *s = ctx;

	if (a->addr.s6_addr[0] == 0x20 && a->addr.s6_addr[5] == 0 && a->addr.s6_addr[15] < 8)
		s->there[a->addr.s6_addr[15]] = !gone;
	s->addrs += gone ? -1 : 1;
	if (s->addrs == s->stop_at_addrs)
		loop_stop(s->l);
}

static void seen_ours(void *ctx, bool rule)
{
	struct seen *s = ctx;

	(void)rule;
	if (++s->ours == s->stop_at_ours)
		loop_stop(s->l);
}

static void seen_lost(void *ctx)
{
	struct seen *s = ctx;

	s->lost++;
	loop_stop(s->l);
}

static const struct mon_ops mon_ops = {
	.link = seen_link, .addr = seen_addr, .ours_deleted = seen_ours, .lost = seen_lost,
};

/* More notifications than the socket holds, and in between what must not be missed. */
static void test_mon_overrun(void)
{
	struct seen s = { .stop_at_addrs = -1 };
	int ns = ns_new();
	struct mon *m;
	bool good;

	if (loop_new(&s.l) < 0)
		bail("loop");
	run("ip link add dmx type veth peer name dmy && ip link set dmx up && ip link set dmy up "
	    "&& ip -6 addr add 2001:db8::1/128 dev dmy nodad");
	if (mon_open(s.l, &mon_ops, &s, &m) < 0)
		bail("mon");
	good = s.there[1];
	run("many() { for i in $(seq 2500); do echo addr $1 2001:db8:f::$i/128 dev dmy; done | "
	    "ip -6 -batch -; }; many add && ip -6 addr del 2001:db8::1/128 dev dmy && "
	    "ip -6 addr add 2001:db8::2/128 dev dmy nodad && ip link set dmx down && many del");
	good = good && turn(s.l);
	ok(good && s.lost == 1, "mon: an overrun is told, once (%d)", s.lost);
	ok(!s.up, "mon: the link that went down meanwhile is reported down");
	ok(!s.there[1], "mon: an address that went meanwhile is reported gone");
	ok(s.there[2], "mon: an address that came meanwhile is reported");
	run("ip -6 addr add 2001:db8::3/128 dev dmy nodad");
	s.stop_at_addrs = s.addrs + 1;
	good = turn(s.l);
	ok(good && s.there[3] && s.lost == 1, "mon: afterwards it goes on as before");
	mon_close(m);
	loop_free(s.l);
	close(ns);
}

static void test_mon(void)
{
	const struct rt_rule rule = { .priority = 4501, .table = 4501 };
	struct seen s = { .stop_at_addrs = -1 };
	int ns = ns_new();
	struct nl *nl;
	struct mon *m;
	bool good;

	if (loop_new(&s.l) < 0)
		bail("loop");
	good = mon_open(s.l, &mon_ops, &s, &m) == 0 && s.links >= 1 && s.addrs == 1;
	ok(good, "mon: what is there is reported at once (%d links, %d address)", s.links, s.addrs);
	s.stop_at_addrs = 2;
	run("ip link add dmx type veth peer name dmy && "
	    "ip -6 addr add 2001:db8::1/128 dev dmx nodad");
	ok(turn(s.l) && s.links >= 3, "mon: new links and a new address");
	s.stop_at_ours = 1;
	if (nl_open(NETLINK_ROUTE, &nl) < 0 || rt_rule_add(nl, &rule) < 0 ||
	    rt_rule_del(nl, &rule) < 0)
		bail("rule");
	run("ip -6 rule add pref 4500 from 2001:db8::1 lookup 4500 protocol 77 && "
	    "ip -6 rule del pref 4500");
	ok(turn(s.l) && s.ours == 1, "mon: our rule was deleted by somebody else, not by us");
	s.stop_at_ours = 2;
	run("ip link set dmx up && ip link set dmy up && "
	    "ip -6 route add 2001:db8:5::/64 dev dmx proto 77 && ip -6 route del 2001:db8:5::/64");
	ok(turn(s.l), "mon: our route was deleted");
	s.stop_at_addrs = -1;
	s.addrs = s.gone = 0;
	s.stop_at_gone = 2;
	/* More than the socket holds, then the loss of what was reported. */
	run("for i in $(seq 1200); do echo addr add 2001:db8:f::$i/128 dev dmy nodad; done | "
	    "ip -6 -batch - && for i in $(seq 1200); do echo addr del 2001:db8:f::$i/128 dev dmy; "
	    "done | ip -6 -batch - && ip link del dmx");
	good = turn(s.l);
	ok(good, "mon: after many changes, both links are reported gone (%d)", s.gone);
	mon_close(m);
	nl_free(nl);
	loop_free(s.l);
	close(ns);
}

struct caught {
	struct loop *l;
	int n, want;
	size_t len[8];
	uint8_t want_type, mac[6];	/* ICMPv6; 0: want packets, of any type */
};

static void on_packet(void *ctx, const struct pkt_rx *rx)
{
	struct caught *c = ctx;

	/* The kernels at both ends discover each other meanwhile. */
	if (c->want_type && rx->data[40] != c->want_type)
		return;
	if (c->n < 8)
		c->len[c->n] = rx->len;
	memcpy(c->mac, rx->mac, 6);
	if (++c->n == c->want)
		loop_stop(c->l);
}

/* Mobility Headers behind everything that may stand in front, and what is none. */
static int send_mixture(int fd, const char *from, const uint8_t mac[6], const char *dst)
{
	static const uint8_t chains[][4] = {
		{ IPPROTO_MH }, { IPPROTO_DSTOPTS, IPPROTO_MH }, { IPPROTO_ROUTING, IPPROTO_MH },
		{ IPPROTO_DSTOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS, IPPROTO_MH },
		{ IPPROTO_UDP }, { IPPROTO_DSTOPTS, IPPROTO_UDP }, { IPPROTO_IPV6 },
		{ IPPROTO_FRAGMENT, IPPROTO_MH }, { IPPROTO_DSTOPTS },
	};
	uint8_t p[ROOM];

	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
		size_t at = 40, n = 0;

		memset(p, 0, sizeof(p));
		while (n < 3 && chains[i][n + 1]) {
			p[at] = chains[i][++n];		/* 8 octets, then 16, then 24 */
			p[at + 1] = (uint8_t)(n - 1);
			at += 8 * n;
		}
		at += chains[i][n] == IPPROTO_DSTOPTS ? 0 : 8;
		put_ip6(p, "2001:db8:e1::1", dst, chains[i][0], at - 40);
		inject(fd, from, mac, p, at);
	}
	return 4;
}

static void test_pkt(void)
{
	static const uint8_t everybody[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	int a = ns_new(), b = ns_new(), fd, expect, out;
	struct caught c = { 0 }, nd = { .want_type = ND_ROUTER_ADVERT };
	uint8_t mac[6], far[6], p[ROOM], ra[16] = { ND_ROUTER_ADVERT };
	struct pkt *mh = NULL, *host = NULL, *router = NULL;
	bool good;
	size_t n;

	wire(a, "m1", "2001:db8:e1::2/64", b, "r1", "2001:db8:e1::1/64");
	mac_of(a, "m1", mac);
	mac_of(b, "r1", far);
	fd = tap(b, "r1");
	enter(a);
	if (loop_new(&c.l) < 0)
		bail("loop");
	nd.l = c.l;
	nd.want = 1;
	ok(pkt_open(c.l, PKT_MH, on_packet, &c, &mh) == 0 &&
	   pkt_open(c.l, PKT_ND_HOST, on_packet, &nd, &host) == 0, "pkt: opened");
	enter(b);
	expect = send_mixture(fd, "r1", mac, "2001:db8:e1::2");
	(void)send_mixture(fd, "r1", mac, "2001:db8:e1::99");		/* routed on: still seen */
	n = put_ip6(p, "fe80::1", "ff02::1", IPPROTO_ICMPV6, sizeof(ra));
	memcpy(p + n, ra, sizeof(ra));
	inject(fd, "r1", everybody, p, n + sizeof(ra));
	enter(a);
	good = turn(c.l) && c.n == 2 * expect;
	ok(good, "pkt: %d Mobility Headers of 9 packets, twice (%d)",
	   expect, c.n);
	ok(c.len[0] == 48 && memcmp(c.mac, far, 6) == 0, "pkt: length and link-layer source");
	ok(nd.n == 1 && nd.len[0] == 56, "pkt: a Router Advertisement (%d, length %zu)", nd.n,
	   nd.len[0]);
	n = put_udp(p, "2001:db8:e1::2", "2001:db8:e1::1", "x");
	ok(pkt_send_routed(mh, p, n) == 0 && capture(fd, IPPROTO_UDP, p) == n, "pkt: routed send");
	n = put_udp(p, "2001:db8:1::5", "2001:db8:e1::1", "x");
	ok(pkt_send_routed(mh, p, n) == 0 && capture(fd, IPPROTO_UDP, p) == n,
	   "pkt: also from an address that is not here");
	n = put_ip6(p, "::", "ff02::2", IPPROTO_ICMPV6, 8);
	memset(p + n, 0, 8);
	p[n] = ND_ROUTER_SOLICIT;
	out = (int)if_nametoindex("m1");
	ok(pkt_send_link(mh, out, (const uint8_t *)"\x33\x33\0\0\0\2", p, n + 8) == 0,
	   "pkt: link send");
	enter(b);
	c.n = 0;
	c.want = 1;
	c.want_type = ND_ROUTER_SOLICIT;
	ok(pkt_open(c.l, PKT_ND_ROUTER, on_packet, &c, &router) == 0, "pkt: router's socket");
	enter(a);
	(void)pkt_send_link(mh, out, (const uint8_t *)"\x33\x33\0\0\0\2", p, n + 8);
	ok(turn(c.l) && c.n == 1 && c.len[0] == 48, "pkt: a Router Solicitation");
	pkt_close(router);
	pkt_close(mh);
	pkt_close(host);
	loop_free(c.l);
	close(fd);
	close(a);
	close(b);
}

/* What is to others, and only passes by, wakes nobody. */
static void test_pkt_only_to(void)
{
	struct in6_addr ours[PKT_DESTINATIONS] = { 0 };
	int a = ns_new(), b = ns_new(), fd, expect;
	struct caught c = { 0 };
	struct pkt *p = NULL;
	uint8_t mac[6];

	/* Ours at both ends and in the middle; the others differ from them in one bit or more. */
	for (unsigned int i = 0; i < PKT_DESTINATIONS; i++) {
		ours[i] = addr("2001:db8:e4::2");
		ours[i].s6_addr[i % 16] ^= (uint8_t)(1 << i / 16);
	}
	ours[0] = addr("2001:db8:e4::2");
	ours[PKT_DESTINATIONS / 2] = addr("2001:db8:e4::3");
	ours[PKT_DESTINATIONS - 1] = addr("2001:db8:e4::4");
	wire(a, "m4", "2001:db8:e4::2/64", b, "r4", "2001:db8:e4::1/64");
	mac_of(a, "m4", mac);
	fd = tap(b, "r4");
	enter(a);
	if (loop_new(&c.l) < 0)
		bail("loop");
	ok(pkt_open(c.l, PKT_MH, on_packet, &c, &p) == 0 &&
	   pkt_only_to(p, ours, PKT_DESTINATIONS) == 0, "pkt: only to %d addresses",
	   PKT_DESTINATIONS);
	enter(b);
	(void)send_mixture(fd, "r4", mac, "2001:db8:e4::99");
	(void)send_mixture(fd, "r4", mac, "2001:db8:e7::2");
	(void)send_mixture(fd, "r4", mac, "2001:db8:e4:0:1::3");
	(void)send_mixture(fd, "r4", mac, "2001:db8:e4::3");
	(void)send_mixture(fd, "r4", mac, "2001:db8:e4::4");
	expect = 3 * send_mixture(fd, "r4", mac, "2001:db8:e4::2");
	enter(a);
	c.want = expect;
	ok(turn(c.l) && c.n == expect, "pkt: %d Mobility Headers to ours (%d)", expect, c.n);
	ok(pkt_only_to(p, ours, PKT_DESTINATIONS + 1) == -E2BIG, "pkt: no more than that");
	pkt_close(p);
	loop_free(c.l);
	close(fd);
	close(a);
	close(b);
}

/* One header chain, each extension header of 8 octets, with an ICMPv6 type at its end. */
static void send_chain(int fd, const uint8_t mac[6], const uint8_t chain[], size_t n, uint8_t type)
{
	uint8_t p[ROOM] = { 0 };
	size_t at = 40;

	for (size_t i = 1; i < n; i++) {
		if (chain[i - 1] == IPPROTO_IPV6) {
			at += put_ip6(p + at, "2001:db8:e3::1", "2001:db8:e2::2", chain[i], 8);
		} else {
			p[at] = chain[i];
			at += 8;
		}
	}
	p[at] = type;
	put_ip6(p, "2001:db8:e2::1", "2001:db8:e2::2", chain[0], at + 8 - 40);
	inject(fd, "r2", mac, p, at + 8);
}

/* RFC 6275 6.5, 6.7: what is for the home agent, among what is not. */
static void test_pkt_discovery(void)
{
	static const struct { uint8_t chain[4], type; bool taken; } t[] = {
		{ { IPPROTO_ICMPV6 }, 144, true },
		{ { IPPROTO_ICMPV6 }, 146, false },
		{ { IPPROTO_ICMPV6 }, 128, false },
		{ { IPPROTO_UDP }, 144, false },
		{ { IPPROTO_DSTOPTS, IPPROTO_ICMPV6 }, 146, true },
		{ { IPPROTO_DSTOPTS, IPPROTO_ICMPV6 }, 144, false },
		{ { IPPROTO_ROUTING, IPPROTO_DSTOPTS, IPPROTO_ICMPV6 }, 146, true },
		{ { IPPROTO_DSTOPTS, IPPROTO_UDP }, 146, false },
		{ { IPPROTO_IPV6, IPPROTO_ICMPV6 }, 146, true },
		{ { IPPROTO_IPV6, IPPROTO_ICMPV6 }, 144, false },
		{ { IPPROTO_IPV6, IPPROTO_UDP }, 146, false },
		{ { IPPROTO_DSTOPTS, IPPROTO_IPV6, IPPROTO_ICMPV6 }, 146, true },
		{ { IPPROTO_DSTOPTS, IPPROTO_IPV6, IPPROTO_ICMPV6 }, 128, false },
		{ { IPPROTO_FRAGMENT, IPPROTO_ICMPV6 }, 146, false },
		{ { IPPROTO_ICMPV6 }, 144, true },	/* the last one ends the wait */
	};
	int a = ns_new(), b = ns_new(), fd, expect = 0;
	struct caught c = { 0 };
	struct pkt *p = NULL;
	uint8_t mac[6];
	bool good;

	wire(a, "m2", "2001:db8:e2::2/64", b, "r2", "2001:db8:e2::1/64");
	mac_of(a, "m2", mac);
	fd = tap(b, "r2");
	enter(a);
	if (loop_new(&c.l) < 0)
		bail("loop");
	good = pkt_open(c.l, PKT_DISCOVERY, on_packet, &c, &p) == 0;
	enter(b);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		size_t n = 1;

		while (n < 4 && t[i].chain[n])
			n++;
		send_chain(fd, mac, t[i].chain, n, t[i].type);
		expect += t[i].taken;
	}
	c.want = expect;
	enter(a);
	good = good && turn(c.l) && c.n == expect;
	ok(good && c.len[1] == 56 && c.len[2] == 64 && c.len[3] == 88 && c.len[4] == 96,
	   "pkt: %d packets of discovery out of %zu (%d)", expect, sizeof(t) / sizeof(t[0]), c.n);
	pkt_close(p);
	loop_free(c.l);
	close(fd);
	close(a);
	close(b);
}

struct flows {
	struct loop *l;
	int tcp, udp, destroyed, lost;
	struct in6_addr last;		/* of it the end came last */
	uint8_t protocol;
};

static bool on_flow(void *ctx, const struct diag_flow *f)
{
	struct flows *s = ctx;

	s->tcp += f->protocol == IPPROTO_TCP;
	s->udp += f->protocol == IPPROTO_UDP && f->local_port == PORT;
	return true;
}

static void on_destroyed(void *ctx, const struct diag_flow *f)
{
	struct flows *s = ctx;

	s->protocol = f->protocol;
	s->last = f->local;
	s->destroyed++;
	loop_stop(s->l);
}

static void on_flows_lost(void *ctx)
{
	struct flows *s = ctx;

	s->lost++;
	loop_stop(s->l);
}

static const struct diag_ops diag_ops = { on_destroyed, on_flows_lost };

#define ENDS		20000

/* What lies unread in the notifications' socket, in octets, and how many were dropped. */
static void unread(unsigned int *ret_octets, unsigned int *ret_drops)
{
	FILE *f = fopen("/proc/self/net/netlink", "re");
	unsigned int protocol, groups, octets, drops;
	char line[256];

	if (!f)
		bail("/proc/self/net/netlink");
	*ret_octets = *ret_drops = 0;
	while (fgets(line, sizeof(line), f)) {
		/* sk, protocol, port, groups, rmem, wmem, dump, locks, drops, inode */
		if (sscanf(line, "%*s %u %*u %x %u %*u %*u %*u %u", &protocol, &groups, &octets,
			   &drops) == 4 && protocol == NETLINK_SOCK_DIAG && groups != 0) {
			*ret_octets = octets;
			*ret_drops = drops;
		}
	}
	fclose(f);
}

/* The kernel tells of an end some time after it. Waits until it told of so many in all, which
 * are of one size, and returns how many are unread. size 0: of the first, and returns that. */
static unsigned int told(unsigned int many, unsigned int size)
{
	const usec_t end = clock_now() + WAIT_MS * USEC_MS;
	unsigned int octets, drops;

	for (;;) {
		unread(&octets, &drops);
		if (size == 0 && octets != 0)
			return octets;
		if (size != 0 && octets / size + drops == many)
			return octets / size;
		if (clock_now() > end)
			return 0;
		(void)poll(NULL, 0, 10);
	}
}

/* More sockets end at once than the notifications' socket holds. */
static void test_diag_overrun(void)
{
	const struct in6_addr last = addr("2001:db8::1");
	struct flows s = { 0 };
	int ns = ns_new();
	unsigned int size, held;
	struct diag *d;

	run("ip -6 addr add 2001:db8::1/128 dev lo");
	if (loop_new(&s.l) < 0 || diag_open(s.l, &diag_ops, &s, &d) < 0)
		bail("diag");
	close(udp_socket(ns, "::1"));
	size = told(1, 0);
	for (int i = 1; i < ENDS; i++)
		close(udp_socket(ns, "::1"));
	held = size ? told(ENDS, size) : 0;
	ok(held > 0 && held < ENDS, "diag: of %d ends it holds %u", ENDS, held);
	while (s.lost == 0 && turn(s.l))
		;
	/* While something is unread the kernel drops what comes without a further word. */
	ok(s.lost == 1 && s.destroyed == (int)held,
	   "diag: an overrun is told, when the rest has been read (%d)", s.destroyed);
	close(udp_socket(ns, "2001:db8::1"));
	while (!in6_eq(&s.last, &last) && turn(s.l))
		;
	ok(in6_eq(&s.last, &last) && s.lost == 1, "diag: an end after that is told, too");
	diag_close(d);
	loop_free(s.l);
	close(ns);
}

static void test_diag(void)
{
	static const struct diag_query every = { .tcp_states = UINT32_MAX };
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t len = sizeof(at);
	struct flows s = { 0 };
	int ns = ns_new(), udp, listener, client;
	struct diag *d;
	bool good;

	if (loop_new(&s.l) < 0)
		bail("loop");
	ok(diag_open(s.l, &diag_ops, &s, &d) == 0 && diag_has_destroy(d),
	   "diag: opened, with destroy notifications");
	udp = udp_socket(ns, "::1");
	listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	client = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&at, len) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&at, &len) < 0 ||
	    connect(client, (struct sockaddr *)&at, len) < 0)
		bail("tcp");
	good = diag_dump(d, &every, on_flow, &s) == 0 && s.tcp == 3 && s.udp == 1;
	ok(good, "diag: listener, two ends and a UDP socket (%d tcp, %d udp)", s.tcp, s.udp);
	close(udp);
	ok(turn(s.l) && s.protocol == IPPROTO_UDP, "diag: UDP socket destroyed");
	close(client);
	close(listener);
	ok(turn(s.l) && s.protocol == IPPROTO_TCP, "diag: TCP socket destroyed");
	diag_close(d);
	loop_free(s.l);
	close(ns);
}

int main(void)
{
	lab_begin("kernel_test");
	test_rt();
	test_mon();
	test_mon_overrun();
	test_pkt();
	test_pkt_only_to();
	test_pkt_discovery();
	test_diag();
	test_diag_overrun();
	return lab_end();
}
