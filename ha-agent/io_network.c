/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network mode's operations: the session database, routes and neighbours of visitors, the address
 * that all routers of the domain have on their access links (RFC 6543). Called by io.c and, through
 * its ops, by the home agent.
 *
 *	settle	IO_SETTLE after the start: what an earlier run left for visitors that have not come
 *		back goes
 */
#include "ha-agent/io_network.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <stdio.h>
#include <string.h>

#include "common/core/log.h"
#include "common/sys/clock.h"
#include "common/sys/nflog.h"
#include "common/sys/rt.h"
#include "ha-agent/stale.h"

#define TABLE_MAIN	254
#define LINKLOCAL_PREFIX ((struct in6_addr){ .s6_addr = { 0xfe, 0x80 } })

int io_session_find(void *ctx, const uint8_t mac[6])
{
	struct io *io = ctx;

	return io->sessions ? sessions_find(io->sessions, mac) : -ENOTCONN;
}

int io_session_check(void *ctx, const uint8_t mac[6])
{
	struct io *io = ctx;

	return io->sessions ? sessions_check(io->sessions, mac) : -ENOTCONN;
}

void io_session_put(void *ctx, const struct lease *l)
{
	struct io *io = ctx;

	if (io->sessions)
		sessions_put(io->sessions, l);
}

void io_session_del(void *ctx, const struct lease *l)
{
	struct io *io = ctx;

	if (io->sessions)
		sessions_del(io->sessions, &l->prefix);
}

/* ---- visitors in the kernel ---- */

static struct rt_route visit_route(const struct visitor *h, const struct in6_prefix *prefix)
{
	const struct in6_addr linklocal = LINKLOCAL_PREFIX;
	struct rt_route r = {
		.dst = *prefix, .ifindex = h->interface->ifindex, .table = TABLE_MAIN,
		.metric = DP_LINK_METRIC,
	};

	in6_eui64(&r.via, &linklocal, h->mac);
	return r;
}

int io_visit_attach(void *ctx, const struct visitor *h, const struct in6_prefix *prefix)
{
	struct rt_route r = visit_route(h, prefix);
	struct io *io = ctx;
	int err;

	if (!h->interface->up)
		return 0;		/* when it comes up */
	err = rt_neigh_replace(io->nl, r.ifindex, &r.via, h->mac, true, false);
	if (err == 0)
		err = io->dp->ops->guard(io->dp, h->mac, prefix, true);
	return err < 0 ? err : rt_route_replace(io->nl, &r);
}

/* The neighbour stays: the host's lease needs it, or takes it away. */
void io_visit_detach(void *ctx, const struct visitor *h, const struct in6_prefix *prefix)
{
	struct rt_route r;
	struct io *io = ctx;

	(void)io->dp->ops->guard(io->dp, h->mac, prefix, false);
	if (!h->interface || h->interface->ifindex == 0)
		return;
	r = visit_route(h, prefix);
	(void)rt_route_del(io->nl, &r);
}

static void put_back(void *ctx, const struct visit *v)
{
	for (unsigned int i = 0; i < v->n_prefixes; i++)
		if (v->prefixes[i].here)
			(void)io_visit_attach(ctx, v->of, &v->prefixes[i].prefix);
}

void network_repair(struct io *io)
{
	mag_each_visit(&io->ha, put_back, io);
}

#define LEFT_MAX	256

struct left {
	const struct ha *ha;
	struct in6_prefix inner[LEFT_MAX];
	unsigned int n;
};

static void on_left(void *ctx, const struct dp_binding *b)
{
	struct left *l = ctx;

	if (b->visit && !mag_visits(l->ha, &b->inner) && l->n < LEFT_MAX)
		l->inner[l->n++] = b->inner;
}

static void on_settle(void *ctx, usec_t now)
{
	struct io *io = ctx;
	struct left l = { .ha = &io->ha };

	io->ha.mag.settled = true;
	(void)io->dp->ops->dump(io->dp, on_left, &l);
	for (unsigned int i = 0; i < l.n; i++)
		(void)io->dp->ops->del(io->dp, &l.inner[i]);
	if (l.n > 0)
		log_info("removed %u visitors that an earlier run had and that are not here", l.n);
	if (l.n == LEFT_MAX)
		(void)timer_set(loop_timers(io->loop), &io->settle, now + USEC_S / 10);
	else
		(void)stale_routes(io->nl, &io->ha, NULL);
}

/* ---- the address of all routers ---- */

bool network_is_router_address(const struct io *io, const struct in6_addr *a)
{
	static const struct in6_addr fixed = MAG_ROUTER_LINK_LOCAL;

	return io->cfg.ha->fixed_router_address && in6_eq(a, &fixed);
}

static struct rt_addr router_address(int ifindex)
{
	return (struct rt_addr){
		.ifindex = ifindex, .addr = MAG_ROUTER_LINK_LOCAL, .plen = 64,
		.flags = IFA_F_NODAD | IFA_F_PERMANENT,
		.preferred_s = RT_LIFETIME_FOREVER, .valid_s = RT_LIFETIME_FOREVER,
	};
}

/* RFC 6543 4.2: to a host that has moved it is the router that it had. */
void network_link(struct io *io, const struct io_link *l)
{
	static const uint8_t mac[6] = MAG_ROUTER_MAC;
	struct rt_addr a = router_address(l->ifindex);
	int err = 0;

	if (!io->cfg.ha->fixed_router_address || l->ifindex == 0 || !l->up)
		return;
	if (memcmp(l->mac, mac, sizeof(mac)) != 0)
		err = rt_link_set_mac(io->nl, l->ifindex, mac);
	if (err == 0)
		err = rt_addr_replace(io->nl, &a);
	if (err < 0 && !io->router_address_failed)
		log_warn("an access interface cannot have the address that all routers have (RFC 6543): "
			 "%s; hosts that move look for their router again", strerror(-err));
	io->router_address_failed |= err < 0;
}

/* ---- life ---- */

static bool is_shared(const struct ha_interface *ifc)
{
	for (unsigned int i = 0; i < ifc->n_homes; i++)
		if (ifc->homes[i]->cfg.mode == HOME_SHARED)
			return true;
	return false;
}

void network_guarded(const struct io *io, struct dp_links *ret)
{
	*ret = (struct dp_links){ 0 };
	for (unsigned int i = 0; io->cfg.ha->network_mode && i < io->ha.n_interfaces; i++)
		if (!is_shared(&io->ha.interfaces[i]))
			memcpy(ret->names[ret->n++], io->ha.interfaces[i].name, IFNAMSIZ);
}

static void on_foreign(void *ctx, const struct nflog_packet *p)
{
	struct io *io = ctx;

	if (p->mac)
		ha_rx_foreign(&io->ha, p->ifindex, p->mac, clock_now());
}

int network_open(struct io *io, char why[IO_WHY])
{
	const struct ha_config *cfg = io->cfg.ha;
	struct ha_sessions_config sessions = cfg->sessions;
	char reason[SDB_WHY_MAX];
	int err;

	timer_init(&io->settle, "settle", on_settle, io);
	if (!cfg->network_mode) {
		io->ha.mag.settled = true;
		return 0;
	}
	if (sessions.backend == HA_SESSIONS_SQLITE && !sessions.path[0] &&
	    (size_t)snprintf(sessions.path, sizeof(sessions.path), "%s/sessions.db",
			     io->cfg.state_dir) >= sizeof(sessions.path)) {
		(void)snprintf(why, IO_WHY, "%s: too long for a session database in it",
			       io->cfg.state_dir);
		return -ENAMETOOLONG;
	}
	err = nflog_open(io->loop, IO_REPORT_GROUP, on_foreign, io, &io->reports);
	if (err < 0)
		log_info("hosts that come and send nothing but data are not noticed: %s",
			 strerror(-err));
	err = sessions_open(io->loop, &io->ha, &sessions, mag_address(&io->ha), reason,
			    sizeof(reason), &io->sessions);
	if (err < 0) {
		(void)snprintf(why, IO_WHY, "session database: %s", reason);
		return err;
	}
	log_info("network mode: hosts of other routers are served from %s, sessions in %s",
		 in6_str(mag_address(&io->ha)).s, sessions.backend == HA_SESSIONS_REDIS ?
		 sessions.servers[0] : sessions.path);
	return timer_set(loop_timers(io->loop), &io->settle, clock_now() + IO_SETTLE);
}

static void put(void *ctx, const struct lease *l)
{
	struct io *io = ctx;

	if (l->state != LEASE_FREE && !l->client && hosts_access(&io->ha, l->mac) == SDB_ALLOWED)
		io_session_put(ctx, l);
}

void network_restored(struct io *io)
{
	if (io->sessions)
		ha_each_lease(&io->ha, put, io);
}

void network_close(struct io *io, bool keep)
{
	timer_stop(loop_timers(io->loop), &io->settle);
	nflog_close(io->reports);
	io->reports = NULL;
	sessions_close(io->sessions);
	io->sessions = NULL;
	for (unsigned int i = 0; !keep && io->cfg.ha->fixed_router_address &&
	     i < io->cfg.ha->n_interfaces; i++) {
		struct rt_addr a = router_address(io->links[i].ifindex);

		if (a.ifindex != 0)
			(void)rt_addr_del(io->nl, a.ifindex, &a.addr, a.plen);
	}
}
