/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The floor of the handover benchmark: what no mobile node and no home agent on this kernel
 * can leave out, and nothing else. The new router, the care-of address and the home agents are
 * known beforehand; at link up the mobile node changes its kernel as the daemon does and sends
 * each home agent a datagram, upon which that moves the binding and answers: one round trip.
 * No discovery, no authentication, no parser, no retransmission, no state machine. Started by
 * handover.py; no part of the daemons.
 *
 *	handover_floor ha ADDRESS
 *	handover_floor mn
 *
 * Orders to the mobile node's end come on standard input, one a line, answered with "ok":
 *	anchor HOA HA			a home address and its home agent
 *	next INTERFACE COA ROUTER MAC	what is there at the next link up of the interface
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/core/log.h"
#include "common/datapath/datapath.h"
#include "common/sys/mon.h"

#define PORT		7701
#define ANCHORS		16
#define TABLE		4580
#define HA_DEVICE	"dmip6ha0"
#define MN_DEVICE	"dmip6mn0"

struct anchor { struct in6_addr hoa, ha; };

struct place {
	int ifindex;
	struct in6_addr coa, router;
	uint8_t mac[6];
	bool awaited;
};

struct floor {
	struct loop *loop;
	struct nl *nl;
	struct dp *dp;
	struct mon *mon;
	int device;
	struct anchor anchors[ANCHORS];
	unsigned int n_anchors;
	struct place at, next;
	int udp;			/* the home agent's */
	struct in6_addr ha;
};

static void die(const char *what, int err)
{
	fprintf(stderr, "handover_floor: %s: %s\n", what, strerror(-err));
	exit(1);
}

static void must(int err, const char *what)
{
	if (err < 0)
		die(what, err);
}

static void open_datapath(struct floor *f, enum dp_role role, const char *device)
{
	struct dp_config cfg = { .role = role, .table_base = DP_TABLE_BASE, .device = device };
	const struct dp_ops *ops;
	char why[512];

	must(nl_open(NETLINK_ROUTE, &f->nl), "netlink");
	must(rt_device_make(f->nl, device, &f->device), device);
	must(dp_choose(NULL, &ops, why, sizeof(why)), why);
	must(ops->open(&cfg, &f->dp), "data path");
}

static int open_udp(const struct in6_addr *from, in_port_t port)
{
	struct sockaddr_in6 here = {
		.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = *from,
	};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0)
		die("udp", -errno);
	return fd;
}

/* ---- the home agent ---- */

static void on_update(void *ctx)
{
	struct floor *f = ctx;
	struct dp_binding b = { .inner.len = 128, .local = f->ha };
	struct sockaddr_in6 from;
	socklen_t room = sizeof(from);

	if (recvfrom(f->udp, &b.inner.addr, sizeof(b.inner.addr), 0, (struct sockaddr *)&from,
		     &room) != (ssize_t)sizeof(b.inner.addr))
		return;
	b.remote = from.sin6_addr;
	must(f->dp->ops->set(f->dp, &b), "binding");
	f->dp->ops->commit(f->dp);
	(void)sendto(f->udp, &b.inner.addr, sizeof(b.inner.addr), 0, (struct sockaddr *)&from,
		     room);
}

static void home_agent(struct floor *f, const char *address)
{
	struct loop_io *io;

	if (in6_parse(address, &f->ha) < 0)
		die(address, -EINVAL);
	open_datapath(f, DP_ROLE_HA, HA_DEVICE);
	must(f->dp->ops->endpoint_add(f->dp, &f->ha), "endpoint");
	f->udp = open_udp(&f->ha, PORT);
	must(loop_io_add(f->loop, f->udp, on_update, f, &io), "loop");
}

/* ---- the mobile node ---- */

static struct in6_prefix prefix_of(const struct in6_addr *addr)
{
	struct in6_prefix p = { *addr, 64 };

	in6_mask(&p.addr, 64);
	return p;
}

static void keep(struct floor *f, const struct in6_addr *addr, bool preferred)
{
	struct rt_addr a = {
		.ifindex = f->device, .addr = *addr, .plen = 128,
		.flags = IFA_F_NODAD | IFA_F_NOPREFIXROUTE,
		.preferred_s = preferred ? RT_LIFETIME_FOREVER : 0,
		.valid_s = RT_LIFETIME_FOREVER,
	};

	must(rt_addr_replace(f->nl, &a), "address");
}

static struct rt_rule rule_of(const struct place *p)
{
	return (struct rt_rule){ .from = prefix_of(&p->coa), .priority = TABLE, .table = TABLE };
}

static void update(const struct floor *f, const struct anchor *a)
{
	struct sockaddr_in6 to = {
		.sin6_family = AF_INET6, .sin6_port = htons(PORT), .sin6_addr = a->ha,
	};
	int fd = open_udp(&f->at.coa, 0);

	(void)sendto(fd, &a->hoa, sizeof(a->hoa), 0, (struct sockaddr *)&to, sizeof(to));
	(void)close(fd);		/* the answer tells nothing that would be used */
}

static void arrive(struct floor *f)
{
	struct rt_route route = { .ifindex = f->next.ifindex, .via = f->next.router,
				  .table = TABLE, .onlink = true };
	struct rt_rule rule = rule_of(&f->next), old_rule = rule_of(&f->at);
	struct place old = f->at;

	f->next.awaited = false;
	f->at = f->next;
	keep(f, &f->at.coa, true);
	/* The table of neighbours is one for the whole machine, and may be full: then the kernel
	 * asks for the router itself. */
	(void)rt_neigh_replace(f->nl, f->at.ifindex, &f->at.router, f->at.mac, false, true);
	must(rt_route_replace(f->nl, &route), "route");
	must(rt_rule_add(f->nl, &rule), "rule");
	must(f->dp->ops->endpoint_add(f->dp, &f->at.coa), "endpoint");
	if (!in6_is_any(&old.coa))
		keep(f, &old.coa, false);
	for (unsigned int i = 0; i < f->n_anchors; i++)
		update(f, &f->anchors[i]);
	for (unsigned int i = 0; i < f->n_anchors; i++) {
		struct dp_binding b = {
			.inner = { f->anchors[i].hoa, 128 }, .local = f->at.coa,
			.remote = f->anchors[i].ha,
		};

		must(f->dp->ops->set(f->dp, &b), "tunnel");
	}
	if (in6_is_any(&old.coa))
		return;
	(void)rt_rule_del(f->nl, &old_rule);
	(void)f->dp->ops->endpoint_del(f->dp, &old.coa);
	(void)rt_addr_del(f->nl, f->device, &old.coa, 128);
}

static void on_link(void *ctx, const struct rt_link *l, bool gone)
{
	struct floor *f = ctx;

	if (!gone && l->up && f->next.awaited && l->ifindex == f->next.ifindex)
		arrive(f);
}

static int order_anchor(struct floor *f, const char *hoa, const char *ha)
{
	struct anchor *a = &f->anchors[f->n_anchors];

	if (f->n_anchors == ANCHORS || in6_parse(hoa, &a->hoa) < 0 || in6_parse(ha, &a->ha) < 0)
		return -EINVAL;
	keep(f, &a->hoa, false);
	f->n_anchors++;
	return 0;
}

static int order_next(struct floor *f, const char *interface, const char *coa,
		      const char *router, const char *mac)
{
	struct place p = { .ifindex = (int)if_nametoindex(interface), .awaited = true };

	if (p.ifindex == 0 || in6_parse(coa, &p.coa) < 0 || in6_parse(router, &p.router) < 0 ||
	    sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &p.mac[0], &p.mac[1], &p.mac[2],
		   &p.mac[3], &p.mac[4], &p.mac[5]) != 6)
		return -EINVAL;
	f->next = p;
	return 0;
}

static void on_order(void *ctx)
{
	struct floor *f = ctx;
	char line[256], a[64], b[64], c[64], d[64];
	int r = -EINVAL;

	if (!fgets(line, sizeof(line), stdin)) {
		loop_stop(f->loop);
		return;
	}
	if (sscanf(line, "anchor %63s %63s", a, b) == 2)
		r = order_anchor(f, a, b);
	else if (sscanf(line, "next %63s %63s %63s %63s", a, b, c, d) == 4)
		r = order_next(f, a, b, c, d);
	printf("%s\n", r ? "what?" : "ok");
}

static void mobile_node(struct floor *f)
{
	static const struct mon_ops mon_ops = { .link = on_link };

	open_datapath(f, DP_ROLE_MN, MN_DEVICE);
	must(mon_open(f->loop, &mon_ops, f, &f->mon), "watching");
}

int main(int argc, char **argv)
{
	struct floor f = { 0 };
	struct loop_io *io;

	log_init("handover_floor", LOG_LEVEL_WARN);
	must(loop_new(&f.loop), "loop");
	if (argc == 3 && strcmp(argv[1], "ha") == 0) {
		home_agent(&f, argv[2]);
	} else if (argc == 2 && strcmp(argv[1], "mn") == 0) {
		mobile_node(&f);
	} else {
		fprintf(stderr, "usage: handover_floor ha ADDRESS | mn\n");
		return 2;
	}
	setvbuf(stdin, NULL, _IONBF, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	must(loop_io_add(f.loop, STDIN_FILENO, on_order, &f, &io), "loop");
	printf("ok\n");
	must(loop_run(f.loop), "loop");
	mon_close(f.mon);
	f.dp->ops->close(f.dp, false);
	nl_free(f.nl);
	loop_free(f.loop);
	return 0;
}
