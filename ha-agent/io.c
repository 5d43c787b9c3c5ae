/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets, netlink, data path and database of the home agent. Owns them all, and struct
 * ha; called by main.c.
 *
 *	repair	250 ms after a route or rule of ours was deleted, whoever did it, and not
 *		more often than every 2 s
 */
#include "ha-agent/io.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "common/sys/clock.h"
#include "common/sys/file.h"
#include "common/sys/rt.h"
#include "ha-agent/io_network.h"
#include "ha-agent/io_store.h"
#include "ha-agent/stale.h"

#define TABLE_MAIN	254
#define POOL_METRIC	65535		/* behind whatever an operator may have for it */
#define FORWARDING	"/proc/sys/net/ipv6/conf/all/forwarding"
#define LINKLOCAL_PREFIX ((struct in6_addr){ .s6_addr = { 0xfe, 0x80 } })

/* ---- leases in the kernel ---- */

static struct in6_addr neighbour(const uint8_t mac[6])
{
	const struct in6_addr prefix = LINKLOCAL_PREFIX;
	struct in6_addr a;

	in6_eui64(&a, &prefix, mac);
	return a;
}

static struct rt_route lease_route(const struct lease *l)
{
	return (struct rt_route){
		.dst = l->prefix, .via = neighbour(l->mac), .ifindex = l->interface->ifindex,
		.table = TABLE_MAIN, .metric = DP_LINK_METRIC,
	};
}

/* The neighbour is entered by hand: no solicitation delays the first packet, and the
 * host's own addresses may still be tentative. */
static int lease_in(struct io *io, const struct lease *l)
{
	struct rt_route r = lease_route(l);
	int err = rt_neigh_replace(io->nl, r.ifindex, &r.via, l->mac, true, false);

	if (err == 0)
		err = io->dp->ops->guard(io->dp, l->mac, &l->prefix, true);
	return err < 0 ? err : rt_route_replace(io->nl, &r);
}

static void lease_out(struct io *io, const struct lease *l)
{
	struct rt_route r;

	(void)io->dp->ops->guard(io->dp, l->mac, &l->prefix, false);
	if (!l->interface || l->interface->ifindex == 0)
		return;		/* the kernel has forgotten it with the interface */
	r = lease_route(l);
	(void)rt_route_del(io->nl, &r);
	(void)rt_neigh_del(io->nl, r.ifindex, &r.via);
}

/* What is for no host that is here, and for none that is bound elsewhere. Without it such
 * packets would go back by the default route to who sent them here, again and again. */
static struct rt_route pool_route(const struct in6_prefix *pool)
{
	return (struct rt_route){
		.dst = *pool, .table = TABLE_MAIN, .metric = POOL_METRIC, .unreachable = true,
	};
}

static int put_pools(struct io *io)
{
	int err = 0;

	for (unsigned int i = 0; err == 0 && i < io->ha.n_homes; i++) {
		const struct ha_home *h = &io->ha.homes[i];
		struct rt_route r = pool_route(&h->cfg.prefix);

		if (h->cfg.mode == HOME_PER_HOST && h->state != HOME_GONE)
			err = rt_route_replace(io->nl, &r);
	}
	return err;
}

/* Our address on the link that the hosts share: the kernel looks for duplicates, answers for
 * it and makes the route to the hosts. */
static struct rt_addr home_addr(const struct ha_home *home, int ifindex)
{
	return (struct rt_addr){
		.ifindex = ifindex, .addr = home->cfg.address, .plen = home->cfg.prefix.len,
		.flags = IFA_F_PERMANENT,
		.preferred_s = RT_LIFETIME_FOREVER, .valid_s = RT_LIFETIME_FOREVER,
	};
}

/* ---- operations of the home agent ---- */

static int op_send_link(void *ctx, int ifindex, const uint8_t mac[6], const void *data,
			size_t len)
{
	struct io *io = ctx;

	if (protect_wants(io, data, len))
		return ipsec_send(io->ipsec, ifindex, data, len);
	return pkt_send_link(io->nd, ifindex, mac, data, len);
}

static int op_send_routed(void *ctx, const void *data, size_t len)
{
	struct io *io = ctx;

	if (protect_wants(io, data, len))
		return ipsec_send(io->ipsec, 0, data, len);
	return pkt_queue_routed(io->mh, data, len);	/* until the end of the turn */
}

static int op_forward(void *ctx, const void *data, size_t len)
{
	struct io *io = ctx;

	return pkt_send_routed(io->mh, data, len);
}

static int op_dp_set(void *ctx, const struct dp_binding *b)
{
	struct io *io = ctx;

	return io->dp->ops->set(io->dp, b);
}

static int op_dp_del(void *ctx, const struct in6_prefix *inner)
{
	struct io *io = ctx;

	return io->dp->ops->del(io->dp, inner);
}

static int op_dp_steer(void *ctx, const struct dp_steer *s)
{
	struct io *io = ctx;

	return io->dp->ops->steer(io->dp, s);
}

static void op_dp_commit(void *ctx)
{
	struct io *io = ctx;

	io->dp->ops->commit(io->dp);
}

static void on_dp_failed(void *ctx, const struct in6_prefix *inner, int err)
{
	struct io *io = ctx;

	if (io->ha_ready)
		ha_dp_failed(&io->ha, inner, err);
}

static int op_dp_used(void *ctx, const struct in6_prefix *inner, uint64_t *ret_packets)
{
	struct io *io = ctx;
	struct dp_stats stats;
	int err = io->dp->ops->stats(io->dp, inner, &stats);

	if (err == 0)
		*ret_packets = stats.tx_packets + stats.rx_packets;
	return err;
}

/* RFC 4861 7.2.8: solicitations for absent hosts go to groups without number; instead of each
 * of them, all groups are taken. */
static int op_home_attach(void *ctx, const struct ha_home *home)
{
	struct io *io = ctx;
	struct rt_addr a = home_addr(home, home->link->ifindex);
	int err = pkt_all_multicast(io->nd, a.ifindex);

	return err < 0 ? err : rt_addr_replace(io->nl, &a);
}

/* So that nobody on the link has to be asked first. */
static int op_host_attach(void *ctx, const struct ha_home *home, const struct in6_addr *hoa,
			  const uint8_t mac[6])
{
	struct io *io = ctx;

	return rt_neigh_replace(io->nl, home->link->ifindex, hoa, mac, false, false);
}

static void op_group(void *ctx, int ifindex, const struct in6_addr *group, bool member)
{
	struct io *io = ctx;
	int err = 0;

	if (member)
		err = groups_join(io->groups, ifindex, group);
	else
		groups_leave(io->groups, ifindex, group);
	if (err < 0 && !io->groups_full)
		log_warn("no further multicast group can be joined (%s): where a switch listens to "
			 "MLD, solicitations for absent hosts may not come through",
			 strerror(-err));
	io->groups_full |= err < 0;
}

static bool has_address(const struct ha *ha, const struct ha_home *but, const struct in6_addr *a)
{
	for (unsigned int i = 0; i < ha->n_homes; i++)
		if (&ha->homes[i] != but && ha->homes[i].state != HOME_GONE &&
		    in6_eq(&ha->homes[i].cfg.address, a))
			return true;
	return false;
}

static void op_home_detach(void *ctx, const struct ha_home *home)
{
	struct io *io = ctx;
	const struct in6_addr *a = &home->cfg.address;

	struct rt_route pool = pool_route(&home->cfg.prefix);

	if (home->cfg.mode == HOME_PER_HOST)
		(void)rt_route_del(io->nl, &pool);
	if (home->link && home->link->ifindex != 0)
		(void)rt_addr_del(io->nl, home->link->ifindex, a, home->cfg.prefix.len);
	/* The home that took its place may have the same. */
	if (has_address(&io->ha, home, a))
		return;
	(void)io->dp->ops->endpoint_del(io->dp, a);
	(void)rt_addr_del(io->nl, io->device, a, 128);
}

static int op_lease_attach(void *ctx, const struct lease *l)
{
	return lease_in(ctx, l);
}

static void op_lease_detach(void *ctx, const struct lease *l)
{
	lease_out(ctx, l);
}

static int64_t op_wall_us(void *ctx)
{
	(void)ctx;
	return clock_wall_us();
}

static void op_random(void *ctx, void *dst, size_t n)
{
	(void)ctx;
	clock_random(dst, n);
}

static void op_event(void *ctx, const struct ha_event *e)
{
	struct io *io = ctx;

	if (io->cfg.event)
		io->cfg.event(io->cfg.event_ctx, e);
}

static void op_drained(void *ctx)
{
	struct io *io = ctx;

	loop_stop(io->loop);
}

static const struct ha_ops ops = {
	.drained = op_drained,
	.send_link = op_send_link,
	.send_routed = op_send_routed,
	.forward = op_forward,
	.dp_set = op_dp_set,
	.dp_del = op_dp_del,
	.dp_used = op_dp_used,
	.dp_commit = op_dp_commit, .dp_steer = op_dp_steer,
	.home_attach = op_home_attach,
	.host_attach = op_host_attach,
	.group = op_group,
	.home_detach = op_home_detach,
	.home_store = io_home_store,
	.home_forget = io_home_forget,
	.session_find = io_session_find, .session_check = io_session_check,
	.session_put = io_session_put,
	.session_del = io_session_del,
	.visit_attach = io_visit_attach,
	.visit_detach = io_visit_detach,
	.lease_attach = op_lease_attach,
	.lease_detach = op_lease_detach,
	.lease_store = io_lease_store,
	.binding_store = io_binding_store,
	.binding_forget = io_binding_forget,
	.sa_store = io_sa_store,
	.sa_forget = io_sa_forget,
	.timestamp_floor = io_timestamp_floor,
	.wall_us = op_wall_us,
	.random = op_random,
	.event = op_event,
};

/* ---- what the kernel has and we do not know, and the reverse ---- */

struct stale {
	const struct ha *ha;
	struct io *io;
	struct in6_prefix *inner;
	size_t n, cap;
};

static void on_dp_binding(void *ctx, const struct dp_binding *b)
{
	struct stale *s = ctx;

	const struct binding *known = ha_bound_find(s->ha, &b->inner.addr);
	const struct in6_prefix inner = known ? binding_inner(known) : (struct in6_prefix){ 0 };

	/* Those that have been restored have named their ways. */
	if (b->steered) {
		(void)s->io->dp->ops->steer(s->io->dp, &(struct dp_steer){ .inner = b->inner });
		return;
	}
	/* Visitors are looked up again. */
	if (b->visit || (known && in6_prefix_eq(&inner, &b->inner)))
		return;
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;
		struct in6_prefix *bigger = realloc(s->inner, cap * sizeof(*bigger));

		if (!bigger)
			return;
		s->inner = bigger;
		s->cap = cap;
	}
	s->inner[s->n++] = b->inner;
}

static void drop_stale_bindings(struct io *io)
{
	struct stale s = { .ha = &io->ha, .io = io };
	int err = io->dp->ops->dump(io->dp, on_dp_binding, &s);

	if (err < 0)
		log_warn("the data path could not be read: %s", strerror(-err));
	for (size_t i = 0; i < s.n; i++)
		(void)io->dp->ops->del(io->dp, &s.inner[i]);
	if (s.n > 0)
		log_info("removed %zu bindings that an earlier run left", s.n);
	free(s.inner);
}

static void put_lease_back(void *ctx, const struct lease *l)
{
	if (l->state == LEASE_ATTACHED && l->interface->up)
		(void)lease_in(ctx, l);
}

static void count_expected(void *ctx, const struct lease *l)
{
	unsigned int *n = ctx;

	*n += l->state == LEASE_ATTACHED && l->interface->up;
}

static int put_address(struct io *io, const struct in6_addr *addr)
{
	struct rt_addr a = {
		.ifindex = io->device, .addr = *addr, .plen = 128,
		.flags = IFA_F_NODAD | IFA_F_PERMANENT,
		.preferred_s = RT_LIFETIME_FOREVER, .valid_s = RT_LIFETIME_FOREVER,
	};

	return rt_addr_replace(io->nl, &a);
}

static void tell_repair(struct io *io, usec_t now)
{
	unsigned int n = loss_count(&io->loss);
	char what[LOSS_STR_MAX];

	mend_done(&io->mend, n > 0, now);
	if (n == 0)
		return;
	io->deleted += n;
	io->last_loss = io->loss;
	memset(&io->loss, 0, sizeof(io->loss));
	loss_str(&io->last_loss, what);
	if (mend_contested(&io->mend, now))
		log_warn("%s again: put back, next time not before %lld s", what,
			 (long long)(io->mend.pause / USEC_S));
	else
		log_warn("%s: put back", what);
}

static void on_repair(void *ctx, usec_t now)
{
	struct io *io = ctx;
	unsigned int expected = 0, known = 0;
	bool table;
	int n;

	n = io->dp->ops->repair(io->dp);
	if (n < 0)
		log_error("the data path could not be repaired: %s", strerror(-n));
	table = n > 0;
	/* That the filter table goes is also told when we ourselves make it anew. */
	if (n <= 0)
		io->loss.n[LOSS_TABLE] = 0;
	n = put_pools(io);
	if (n < 0)
		log_error("the routes about pools could not be repaired: %s", strerror(-n));
	ha_each_lease(&io->ha, count_expected, &expected);
	/* With the filter's table went who may send from where. */
	if (stale_routes(io->nl, &io->ha, &known) >= 0 && (known < expected || table))
		ha_each_lease(&io->ha, put_lease_back, io);
	network_repair(io);
	tell_repair(io, now);
}

static void on_doubt(void *ctx)
{
	struct io *io = ctx;

	if (!timer_armed(&io->repair))
		(void)timer_set(loop_timers(io->loop), &io->repair,
				mend_when(&io->mend, clock_now()));
}

static void on_ours_deleted(void *ctx, bool rule)
{
	struct io *io = ctx;

	loss_note(&io->loss, rule ? LOSS_RULE : LOSS_ROUTE, mon_by(io->mon));
	on_doubt(io);
}

static void on_table_gone(void *ctx)
{
	struct io *io = ctx;

	loss_note(&io->loss, LOSS_TABLE, 0);
	on_doubt(io);
}

/* ---- interfaces ---- */

static void tell_link(struct io *io, unsigned int i)
{
	const struct io_link *l = &io->links[i];
	const struct in6_addr *linklocal = NULL;

	for (unsigned int n = 0; n < l->n_linklocals && !linklocal; n++)
		if (l->linklocals[n].verified)
			linklocal = &l->linklocals[n].addr;
	for (unsigned int n = 0; n < l->n_linklocals; n++)
		if (network_is_router_address(io, &l->linklocals[n].addr))
			linklocal = &l->linklocals[n].addr;
	ha_link(&io->ha, l->ifindex, io->cfg.ha->interfaces[i], l->mac, linklocal, l->up,
		clock_now());
	keyserver_link(io->keyserver, i, l->ifindex);
}

static void on_link(void *ctx, const struct rt_link *from, bool gone)
{
	struct io *io = ctx;

	for (unsigned int i = 0; i < io->cfg.ha->n_interfaces; i++) {
		struct io_link *l = &io->links[i];
		bool named = strcmp(io->cfg.ha->interfaces[i], from->name) == 0;

		if (!named && l->ifindex != from->ifindex)
			continue;
		/* Deleted, or renamed to something else. */
		if (gone || !named) {
			if (l->ifindex == from->ifindex)
				*l = (struct io_link){ 0 };
		} else {
			if (l->ifindex != from->ifindex)
				*l = (struct io_link){ .ifindex = from->ifindex };
			l->up = from->up;
			memcpy(l->mac, from->mac, sizeof(l->mac));
			network_link(io, l);
		}
		tell_link(io, i);
	}
}

static struct io_linklocal *find_linklocal(struct io_link *l, const struct in6_addr *a)
{
	for (unsigned int n = 0; n < l->n_linklocals; n++)
		if (in6_eq(&l->linklocals[n].addr, a))
			return &l->linklocals[n];
	return NULL;
}

static void on_addr(void *ctx, const struct rt_addr *a, bool gone)
{
	struct io *io = ctx;
	bool tentative = a->flags & IFA_F_TENTATIVE, failed = a->flags & IFA_F_DADFAILED;

	if (!in6_is_linklocal(&a->addr)) {
		ha_address(&io->ha, a->ifindex, &a->addr, failed && !gone);
		return;
	}
	for (unsigned int i = 0; i < io->cfg.ha->n_interfaces; i++) {
		struct io_link *l = &io->links[i];
		struct io_linklocal *ll;

		if (l->ifindex == 0 || l->ifindex != a->ifindex)
			continue;
		ll = find_linklocal(l, &a->addr);
		if (gone) {
			if (ll)
				*ll = l->linklocals[--l->n_linklocals];
		} else {
			if (!ll && l->n_linklocals < IO_LINKLOCALS) {
				ll = &l->linklocals[l->n_linklocals++];
				*ll = (struct io_linklocal){ .addr = a->addr };
			}
			/* Each time the carrier comes the kernel looks for duplicates again;
			 * an address that passed once here is used meanwhile. */
			if (ll)
				ll->verified = !failed && (!tentative || ll->verified);
		}
		tell_link(io, i);
	}
}

static const struct mon_ops mon_ops = {
	.link = on_link,
	.addr = on_addr,
	.ours_deleted = on_ours_deleted,
	.lost = on_doubt,	/* something of ours may have been */
};

/* ---- packets ---- */

static void on_nd(void *ctx, const struct pkt_rx *rx)
{
	struct io *io = ctx;

	ha_rx_nd(&io->ha, rx->ifindex, rx->mac, rx->data, rx->len, clock_now());
}

static void on_mh(void *ctx, const struct pkt_rx *rx)
{
	struct io *io = ctx;

	limit_behind(&io->ha.limit, rx->behind);
	ha_rx_mh_link(&io->ha, rx->ifindex, rx->mac, rx->data, rx->len, clock_now());
}

static void on_turn(void *ctx)
{
	struct io *io = ctx;

	ha_flush(&io->ha, clock_now());
	io->ha.counters[HA_SEND_FAILED] += pkt_flush(io->mh);
}

static void on_discovery(void *ctx, const struct pkt_rx *rx)
{
	struct io *io = ctx;

	ha_rx_discovery(&io->ha, rx->data, rx->len, clock_now());
}

static void on_hao(void *ctx, const struct pkt_rx *rx)
{
	struct io *io = ctx;

	ha_rx_hao(&io->ha, rx->data, rx->len, clock_now());
}

static void on_tunnel_error(void *ctx, const struct pkt_rx *rx)
{
	struct io *io = ctx;

	ha_rx_tunnel_error(&io->ha, rx->data, rx->len, clock_now());
}

static void on_reassembled(void *ctx, const struct in6_addr *from, uint8_t *data, size_t len)
{
	struct io *io = ctx;

	ha_rx_reassembled(&io->ha, from, data, len, clock_now());
}

/* ---- life cycle ---- */

static int fail(char why[IO_WHY], int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(char why[IO_WHY], int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, IO_WHY, fmt, ap);
	va_end(ap);
	return err;
}

static int check_interfaces(struct io *io, char why[IO_WHY])
{
	for (unsigned int i = 0; i < io->cfg.ha->n_interfaces; i++) {
		const char *name = io->cfg.ha->interfaces[i];
		struct rt_link l;
		int err = rt_link_by_name(io->nl, name, &l);

		if (err == -ENODEV) {	/* others may make it later: a bridge, a VLAN */
			log_warn("there is no interface %s yet: it is waited for", name);
			continue;
		}
		if (err < 0)
			return fail(why, err, "interface %s: %s", name, strerror(-err));
		if (l.loopback || !l.ethernet)
			return fail(why, -EINVAL, "interface %s is not an Ethernet-like one",
				    name);
	}
	return 0;
}

static int open_database(struct io *io, char why[IO_WHY])
{
	int err = file_make_dir(io->cfg.state_dir);

	if (err < 0)
		return fail(why, err, "state directory %s cannot be made: %s", io->cfg.state_dir,
			    strerror(-err));
	err = leasedb_open(io->cfg.state_dir, why, IO_WHY, &io->db);
	if (err < 0)
		return err;
	err = bindfile_open(io->cfg.state_dir, why, IO_WHY, &io->bindings);
	if (err < 0)
		return err;
	err = keyfile_open(io->cfg.state_dir, why, IO_WHY, &io->keys);
	if (err < 0)
		return err;
	err = store_new(io->db, io->bindings, io->keys, loop_timers(io->loop), &io->store);
	return err < 0 ? fail(why, err, "no memory") : 0;
}

/* The home's address is ours, and an end of tunnels. */
static int open_home(struct io *io, const struct ha_home_config *home, char why[IO_WHY])
{
	int err = put_address(io, &home->address);

	if (err < 0)
		return fail(why, err, "address %s cannot be set: %s", in6_str(&home->address).s,
			    strerror(-err));
	err = io->dp->ops->endpoint_add(io->dp, &home->address);
	if (err < 0)
		return fail(why, err, "data path %s: %s is no tunnel endpoint: %s",
			    io->dp->ops->name, in6_str(&home->address).s, strerror(-err));
	log_info("data path %s, home agent address %s for %s", io->dp->ops->name,
		 in6_str(&home->address).s, in6_prefix_str(&home->prefix).s);
	return 0;
}

static int open_datapath(struct io *io, char why[IO_WHY])
{
	struct dp_home homes[HA_MAX_HOMES];
	struct dp_config cfg = {
		.role = DP_ROLE_HA, .table_base = DP_TABLE_BASE, .device = HA_DEVICE,
		.homes = homes, .n_homes = io->ha.n_homes, .mss = io->cfg.ha->tcp_mss,
		.visits = io->cfg.ha->network_mode, .steers = io->cfg.ha->network_mode,
		.no_grace = !io->cfg.ha->late_packets, .ipsec = io->cfg.ha->ipsec_required,
		.failed = on_dp_failed, .failed_ctx = io,
	};
	const struct dp_ops *dp_ops;
	char reason[IO_WHY / 2];
	int err = dp_choose(io->cfg.ha->datapath, &dp_ops, reason, sizeof(reason));

	for (unsigned int i = 0; i < cfg.n_homes; i++)
		homes[i] = (struct dp_home){
			io->ha.homes[i].cfg.prefix, io->ha.homes[i].cfg.address,
		};
	cfg.port = (struct dp_port){ .port = BOOT_PORT, .n_access = io->cfg.ha->n_interfaces };
	memcpy(cfg.port.access, io->cfg.ha->interfaces, sizeof(io->cfg.ha->interfaces));
	network_guarded(io, &cfg.guarded);
	cfg.report_group = io->cfg.ha->network_mode ? IO_REPORT_GROUP : 0;
	if (err < 0 && io->cfg.ha->datapath)
		return fail(why, err, "data path %s does not work here: %s",
			    io->cfg.ha->datapath, reason);
	if (err < 0)
		return fail(why, err, "no data path works here: %s", reason);
	err = rt_device_make(io->nl, HA_DEVICE, &io->device);
	if (err < 0)
		return fail(why, err, "device " HA_DEVICE " cannot be made: %s", strerror(-err));
	io->device_made = true;
	err = dp_ops->open(&cfg, &io->dp);
	if (err < 0)
		return fail(why, err, "data path %s: %s", dp_ops->name, strerror(-err));
	for (unsigned int i = 0; err == 0 && i < io->ha.n_homes; i++)
		err = open_home(io, &io->ha.homes[i].cfg, why);
	if (err < 0)
		return err;
	err = put_pools(io);
	return err < 0 ? fail(why, err, "no route about the pool: %s", strerror(-err)) : 0;
}

static int unreadable(const struct io *io, int err, char why[IO_WHY])
{
	return fail(why, err, "what an earlier run left in %s cannot be read: %s",
		    io->cfg.state_dir, err == -EUCLEAN ? "a row makes no sense" :
		    strerror(-err));
}

/* What the earlier run knew comes first; then what only the kernel still has goes. */
static int begin(struct io *io, char why[IO_WHY])
{
	int err = ha_init(&io->ha, io->cfg.ha, &ops, io, loop_timers(io->loop), clock_now());

	if (err < 0)
		return fail(why, err, "the home agent cannot start: %s", strerror(-err));
	io->ha_ready = true;
	err = store_restore_homes(io->store, &io->ha, clock_now());
	return err < 0 ? unreadable(io, err, why) : 0;
}

static int restore(struct io *io, char why[IO_WHY])
{
	int err = store_restore(io->store, &io->ha, clock_now());

	if (err < 0)
		return unreadable(io, err, why);
	ha_restored(&io->ha, clock_now());
	network_restored(io);
	drop_stale_bindings(io);
	return 0;
}

static int open_keyserver(struct io *io, char why[IO_WHY])
{
	struct tls_context *context;
	char reason[TLS_WHY_MAX];
	int err = keyserver_read(&io->cfg.ha->bootstrap, reason, &context);

	if (err < 0)
		return fail(why, err, "keys: %s", reason);
	err = keyserver_open(io->loop, &io->ha, &io->keyserver);
	if (err < 0) {
		tls_context_free(context);
		return fail(why, err, "no memory");
	}
	keyserver_use(io->keyserver, context);
	return 0;
}

static int open_sockets(struct io *io, char why[IO_WHY])
{
	struct in6_addr ours[HA_MAX_HOMES];
	int err = pkt_open(io->loop, PKT_ND_ROUTER, on_nd, io, &io->nd);

	if (err == 0)
		err = pkt_open(io->loop, PKT_MH, on_mh, io, &io->mh);
	if (err == 0)
		(void)pkt_only_to(io->mh, ours, ha_addresses(&io->ha, ours));
	if (err == 0)
		err = pkt_open(io->loop, PKT_DISCOVERY, on_discovery, io, &io->discovery);
	if (err == 0)
		err = pkt_open(io->loop, PKT_HAO, on_hao, io, &io->hao);
	if (err == 0)
		err = pkt_open(io->loop, PKT_TUNNEL_ERROR, on_tunnel_error, io, &io->tunnel);
	if (err == 0 && io->dp->ops->reassembled != 0)
		err = inner_open(io->loop, io->dp->ops->reassembled, DP_MARK, on_reassembled, io,
				 &io->inner);
	if (err < 0)
		return fail(why, err, "no packet socket: %s", strerror(-err));
	/* A kernel without nftables has no table that could be deleted. */
	(void)nfmon_open(io->loop, DP_FILTER_HA, on_table_gone, io, &io->nfmon);
	err = mon_open(io->loop, &mon_ops, io, &io->mon);
	if (err < 0)
		return fail(why, err, "the kernel's tables cannot be watched: %s",
			    strerror(-err));
	/* Now the interfaces are known, and with them which routes are right. */
	err = stale_routes(io->nl, &io->ha, NULL);
	if (err > 0)
		log_info("removed %d routes that an earlier run left", err);
	err = stale_addrs(io->nl, &io->ha);
	if (err > 0)
		log_info("removed %d addresses that an earlier run left", err);
	return 0;
}

int io_open(struct loop *loop, const struct io_config *cfg, char why[IO_WHY], struct io **ret)
{
	struct io *io = calloc(1, sizeof(*io));
	int err;

	if (!io)
		return fail(why, -ENOMEM, "no memory");
	io->cfg = *cfg;
	io->loop = loop;
	timer_init(&io->repair, "repair", on_repair, io);
	err = nl_open(NETLINK_ROUTE, &io->nl);
	if (err == 0)
		err = groups_new(&io->groups);
	if (err < 0)
		fail(why, err, "no netlink socket: %s", strerror(-err));
	else
		err = check_interfaces(io, why);
	if (err == 0)
		err = open_database(io, why);
	if (err == 0)
		err = begin(io, why);
	if (err == 0)
		err = open_datapath(io, why);
	if (err == 0)
		err = network_open(io, why);
	if (err == 0)
		err = restore(io, why);
	if (err == 0)
		err = protect_open(io, why);
	if (err == 0)
		err = open_keyserver(io, why);
	if (err == 0)
		err = open_sockets(io, why);
	if (err < 0) {
		io_close(io, false);
		return err;
	}
	/* Seconds of the epoch: greater at each start. */
	heartbeat_begin(&io->ha, (uint32_t)clock_wall_s(), clock_now());
	loop_turn(loop, on_turn, io);
	*ret = io;
	return 0;
}

static void take_lease_out(void *ctx, const struct lease *l)
{
	if (l->state == LEASE_ATTACHED)
		lease_out(ctx, l);
}

void io_close(struct io *io, bool keep)
{
	if (!io)
		return;
	loop_turn(io->loop, NULL, NULL);
	if (!keep && io->ha_ready && io->mh)
		mag_goodbye(&io->ha, clock_now());
	if (io->mh)
		(void)pkt_flush(io->mh);
	mon_close(io->mon);
	nfmon_close(io->nfmon);
	pkt_close(io->nd);
	pkt_close(io->mh);
	pkt_close(io->discovery);
	pkt_close(io->hao);
	pkt_close(io->tunnel);
	ipsec_close(io->ipsec, keep);
	inner_close(io->inner);
	timer_stop(loop_timers(io->loop), &io->repair);
	keyserver_close(io->keyserver);
	if (io->ha_ready)
		network_close(io, keep);
	if (io->ha_ready) {
		if (!keep) {
			ha_each_lease(&io->ha, take_lease_out, io);
			(void)stale_routes(io->nl, NULL, NULL);
			(void)stale_addrs(io->nl, NULL);
		}
		ha_free(&io->ha);
	}
	if (io->dp)
		io->dp->ops->close(io->dp, keep);
	if (io->device_made && !keep)
		(void)rt_device_del(io->nl, HA_DEVICE);
	store_free(io->store);
	recfile_close(io->bindings);
	recfile_close(io->keys);
	leasedb_close(io->db);
	nl_free(io->nl);
	groups_free(io->groups);
	free(io);
}

int io_cleanup(void)
{
	struct nl *nl;
	int routes, addrs, states, rest, err = nl_open(NETLINK_ROUTE, &nl);

	if (err < 0)
		return err;
	routes = stale_routes(nl, NULL, NULL);
	addrs = stale_addrs(nl, NULL);
	nl_free(nl);
	states = ipsec_cleanup();
	rest = dp_cleanup(DP_TABLE_BASE, HA_DEVICE);
	if (routes < 0 || addrs < 0)
		return routes < 0 ? routes : addrs;
	if (states < 0)
		return states;
	return rest < 0 ? rest : routes + addrs + states + rest;
}

bool io_forwarding(void)
{
	size_t len;
	char *text;
	bool on;

	if (file_read(FORWARDING, 64, &text, &len) < 0)
		return true;	/* not to be known; do not cry wolf */
	on = text[0] == '1';
	free(text);
	return on;
}
