/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The access side: hosts appear by Router Solicitations, get a lease and an answer at
 * once, and are watched until they are gone. Called by io.c (ha_rx_nd), ha.c (interface
 * states, restored leases), update.c (a host registered from elsewhere), binding.c (the last
 * binding went), mpd.c (an absent host needs another prefix), drain.c and renumber.c.
 * RFC 4861 6.2, 7.2; RFC 6275 section 7; RFC 8273; RFC 6085 (one host by its link-layer
 * address, whatever the IPv6 destination). In network mode whatever a host sends shows that it is
 * there, and what it has from other routers is mag.c's.
 *
 *	advertise (interface)	the next multicast advertisement, each ra_interval
 *	presence (lease)	attached: 60 s after the last sign of life it is probed,
 *				three times, 1 s apart; when it was lost by that, each
 *				60 s, for it may only have slept
 *	lifetime (lease)	attached: a third of the prefix lifetime after the last
 *				advertisement to it, the next one; otherwise the end of
 *				the prefix's valid lifetime
 */
#include <errno.h>
#include <string.h>

#include "common/core/log.h"
#include "ha-agent/discovery.h"
#include "ha-agent/lma.h"
#include "ha-agent/proxy.h"
#include "ha-agent/ra.h"
#include "ha-agent/sa.h"

#define ALL_NODES_MAC	((const uint8_t[6]){ 0x33, 0x33, 0, 0, 0, 1 })

static void change_state(struct lease *l, enum lease_state state, const char *reason, usec_t now)
{
	enum lease_state old = l->state;

	if (state == old)
		return;
	if (state == LEASE_FREE) {
		pool_release(&l->home->pool, l);
	} else {
		if (old == LEASE_FREE)
			pool_revive(&l->home->pool, l);
		l->state = state;
	}
	if (ha_log_routine(l->ha, now))
		log_info("lease %s of %s: %s -> %s, %s", in6_prefix_str(&l->prefix).s,
			 mac_str(l->mac).s, lease_state_name(old), lease_state_name(state),
			 reason);
}

static void arm(struct lease *l, struct timer *t, usec_t at)
{
	/* Room for both timers of a lease was made when it was begun. */
	if (timer_set(l->ha->timers, t, at) < 0)
		log_error("lease %s: no memory for its timer", in6_prefix_str(&l->prefix).s);
}

static void tell(const struct lease *l, enum ha_event_type type, const char *reason)
{
	ha_tell(l->ha, &(struct ha_event){ .type = type, .lease = l, .reason = reason });
}

static void send_link(struct ha *ha, const struct ha_interface *ifc, const uint8_t mac[6],
		      const void *data, size_t len, enum ha_counter counter)
{
	if (len == 0)
		return;
	ha->counters[counter]++;
	if (ha->ops->send_link(ha->ctx, ifc->ifindex, mac, data, len) < 0)
		ha->counters[HA_SEND_FAILED]++;
}

/* An advertisement for one host: what it has of each home of the interface. */
static void advertise_to(struct ha *ha, const struct ha_interface *ifc, const uint8_t mac[6],
			 enum ha_counter counter, usec_t now)
{
	struct ra_leases leases = { 0 };
	uint8_t room[RA_ROOM];

	for (unsigned int i = 0; i < ifc->n_homes; i++) {
		struct lease *l = pool_find_mac(&ifc->homes[i]->pool, mac);

		if (!l || l->state != LEASE_ATTACHED || l->interface != ifc)
			continue;
		l->ra_due = false;
		leases.of_home[i] = l;
	}
	leases.n_visited = mag_prefixes(ha, mac, now, leases.visited, ND_MAX_PREFIXES);
	send_link(ha, ifc, mac, room, ra_build(ha->cfg, ifc, &leases, now, room), counter);
}

void nd_advertise_host(struct ha *ha, struct ha_interface *ifc, const uint8_t mac[6], usec_t now)
{
	if (ha_interface_usable(ifc))
		advertise_to(ha, ifc, mac, HA_TX_RA_SOLICITED, now);
}

static void on_advertise(void *ctx, usec_t now)
{
	struct ha_interface *ifc = ctx;
	struct ha *ha = ifc->ha;
	uint8_t room[RA_ROOM];

	if (!ha_interface_usable(ifc))
		return;
	send_link(ha, ifc, ALL_NODES_MAC, room, ra_build(ha->cfg, ifc, NULL, now, room),
		  HA_TX_RA_PERIODIC);
	if (timer_set(ha->timers, &ifc->advertise, now + ha->cfg->ra_interval) < 0)
		log_error("%s: no memory for the next advertisement", ifc->name);
}

void nd_interface_init(struct ha *ha, struct ha_interface *ifc)
{
	ifc->ha = ha;
	ifc->rs_tokens = HA_SHARED_RS_BURST;
	ifc->new_tokens = HA_NEW_HOSTS_BURST;
	ifc->defence_tokens = HA_ERROR_BURST;
	timer_init(&ifc->advertise, "advertise", on_advertise, ifc);
}

static void attach_in_kernel(struct lease *l)
{
	struct ha *ha = l->ha;
	int err;

	if (!l->interface->up)
		return;
	err = ha->ops->lease_attach(ha->ctx, l);
	if (err < 0) {
		ha->counters[HA_ATTACH_FAILED]++;
		log_warn("lease %s of %s: no route to it: %s", in6_prefix_str(&l->prefix).s,
			 mac_str(l->mac).s, strerror(-err));
	}
}

/* Our address on the link that its hosts share. */
static void attach_home(struct ha_home *home)
{
	struct ha *ha = home->ha;
	int err = ha->ops->home_attach(ha->ctx, home);

	if (err < 0) {
		ha->counters[HA_ATTACH_FAILED]++;
		log_error("%s: address %s cannot be set: %s", home->link->name,
			  in6_str(&home->cfg.address).s, strerror(-err));
	}
}

/* ---- what a host has ---- */

/* True: its link-local address was not known before. */
static bool sign_of_life(struct lease *l, const struct in6_addr *linklocal, usec_t now)
{
	l->seen = now;
	l->probes = 0;
	if (!in6_is_linklocal(linklocal) || in6_eq(&l->linklocal, linklocal))
		return false;
	l->linklocal = *linklocal;
	return true;
}

/* Takes note of where the host is; true: something about that is new. */
static bool place(struct ha *ha, struct lease *l, struct ha_interface *ifc, const char *reason,
		  usec_t now)
{
	bool attached = l->state == LEASE_ATTACHED;

	if (attached && l->interface == ifc)
		return false;
	if (attached && l->interface)
		ha->ops->lease_detach(ha->ctx, l);
	l->interface = ifc;
	l->missed = false;
	change_state(l, LEASE_ATTACHED, reason, now);
	return true;
}

/* Solicitations are cheap, and prefixes are not. Where none is left, those go back whose host has
 * never done what anybody does that forms an address: look whether another has it (RFC 4862 5.4).
 * True: there was one. */
static bool take_back(struct ha_home *home, usec_t now)
{
	struct lease *l, *next, *oldest = NULL;

	HASH_ITER(by_mac, home->pool.by_mac, l, next)
		if (l->state != LEASE_FREE && !l->confirmed && l->bindings == 0 &&
		    now - l->seen >= HA_UNCONFIRMED_TIME && (!oldest || l->seen < oldest->seen))
			oldest = l;
	if (!oldest)
		return false;
	home->ha->counters[HA_UNCONFIRMED]++;
	oldest->valid_until = now;
	nd_lease_detach(home->ha, oldest, now, "nobody has shown himself after the solicitation");
	nd_lease_review(home->ha, oldest, now);
	return oldest->state == LEASE_FREE;
}

/* A lease for a host that has none; NULL: none to be had. */
static struct lease *begin_lease(struct ha_home *home, const uint8_t mac[6], usec_t now)
{
	struct lease *l = pool_take(&home->pool, mac);
	struct ha *ha = home->ha;

	if (!l && ha->cfg->network_mode && take_back(home, now))
		l = pool_take(&home->pool, mac);
	if (!l) {
		ha->counters[HA_POOL_EXHAUSTED]++;
		if (!home->exhausted)
			log_warn("pool %s is exhausted: %s gets no prefix",
				 in6_prefix_str(&home->cfg.prefix).s, mac_str(mac).s);
		home->exhausted = true;
		return NULL;
	}
	home->exhausted = false;
	nd_lease_init(home, l);
	l->tokens = HA_RS_BURST;
	l->tokens_at = now;
	if (timer_set(ha->timers, &l->presence, now + HA_PRESENCE_IDLE) < 0 ||
	    timer_set(ha->timers, &l->lifetime, now + ha->cfg->prefix_lifetime) < 0) {
		timer_stop(ha->timers, &l->presence);
		pool_drop(&home->pool, l);
		return NULL;
	}
	return l;
}

/* One that nobody was told of. */
static void drop_new(struct lease *l)
{
	timer_stop(l->ha->timers, &l->presence);
	timer_stop(l->ha->timers, &l->lifetime);
	pool_drop(&l->home->pool, l);
}

/* The lease is the host's, on this interface, and written down; false: it could not be
 * written down and must not be told to anybody. */
static bool settle_lease(struct ha *ha, struct lease *l, bool is_new, struct ha_interface *ifc,
			 const struct in6_addr *src, usec_t now)
{
	bool learned = sign_of_life(l, src, now);
	bool placed, stored = false;

	placed = place(ha, l, ifc, "router solicitation", now);
	if (ha_extend_lease(ha, l, now, &stored) < 0 && l->valid_until <= now) {
		if (is_new) {
			drop_new(l);
		} else if (placed) {
			change_state(l, LEASE_DETACHED, "not written down", now);
			nd_lease_review(ha, l, now);
		}
		return false;
	}
	if ((placed || learned) && !stored)
		(void)ha_store_lease(ha, l, false);
	attach_in_kernel(l);
	if (placed)
		lma_returned(ha, l, now);
	if (ha->cfg->network_mode && !l->client && hosts_access(ha, l->mac) == SDB_ALLOWED)
		ha->ops->session_put(ha->ctx, l);
	arm(l, &l->presence, now + HA_PRESENCE_IDLE);
	arm(l, &l->lifetime, now + ha->cfg->prefix_lifetime / 3);
	if (is_new)
		tell(l, HA_EVENT_LEASE_NEW, NULL);
	if (placed)
		tell(l, HA_EVENT_LEASE_ATTACHED, "router solicitation");
	return true;
}

/* The host's lease in one home of the interface, extended or new; NULL: it gets none. */
static struct lease *solicited_lease(struct ha_home *home, struct ha_interface *ifc,
				     const uint8_t mac[6], const struct in6_addr *src, usec_t now)
{
	struct lease *l = pool_find_mac(&home->pool, mac);
	bool is_new = !l;

	/* RFC 4862 5.5.4: what ends takes nobody on. */
	if (home_is_deprecated(home) && (is_new || l->state == LEASE_FREE))
		return NULL;
	/* What is going to stop takes nobody on. */
	if (home->ha->drain.state != DRAIN_OFF && (is_new || l->state == LEASE_FREE)) {
		home->ha->counters[HA_DRAIN_NO_PREFIX]++;
		return NULL;
	}
	if (is_new)
		l = begin_lease(home, mac, now);
	return l && settle_lease(home->ha, l, is_new, ifc, src, now) ? l : NULL;
}

struct lease *nd_lease_offer(struct ha_home *home, const struct lease *like, usec_t now)
{
	struct ha *ha = home->ha;
	struct lease *l;

	/* What ends, or is going to stop, takes nobody on. */
	if (home->cfg.mode != HOME_PER_HOST || home_is_deprecated(home) ||
	    ha->drain.state != DRAIN_OFF)
		return NULL;
	l = begin_lease(home, like->mac, now);
	if (!l)
		return NULL;
	l->interface = like->interface;
	l->linklocal = like->linklocal;
	l->seen = now;
	if (ha_extend_lease(ha, l, now, NULL) < 0) {
		drop_new(l);
		return NULL;
	}
	arm(l, &l->lifetime, l->valid_until);
	tell(l, HA_EVENT_LEASE_NEW, "its other prefix ends");
	return l;
}

/* Whose prefix ends needs another one, and will not ask. */
static void offer_more(const struct lease *l, usec_t now)
{
	struct ha_interface *ifc = l->interface;

	for (unsigned int i = 0; i < ifc->n_homes; i++) {
		struct ha_home *home = ifc->homes[i];

		if (home->cfg.mode == HOME_PER_HOST && !home_is_deprecated(home) &&
		    !pool_find_mac(&home->pool, l->mac))
			(void)solicited_lease(home, ifc, l->mac, &l->linklocal, now);
	}
}

/* The host is told how long its prefix stays its own. */
static void renew(struct lease *l, enum ha_counter counter, usec_t now)
{
	struct ha *ha = l->ha;

	if (home_is_deprecated(l->home))
		offer_more(l, now);
	(void)ha_extend_lease(ha, l, now, NULL);
	advertise_to(ha, l->interface, l->mac, counter, now);
	arm(l, &l->lifetime, now + ha->cfg->prefix_lifetime / 3);
}

void nd_interface_up(struct ha_interface *ifc)
{
	struct lease *l, *next;

	for (unsigned int i = 0; i < ifc->n_homes; i++) {
		if (ifc->homes[i]->cfg.mode == HOME_SHARED &&
		    ifc->homes[i]->state != HOME_GONE)
			attach_home(ifc->homes[i]);
		HASH_ITER(by_mac, ifc->homes[i]->pool.by_mac, l, next)
			if (l->state == LEASE_ATTACHED && l->interface == ifc)
				attach_in_kernel(l);
	}
}

void nd_interface_usable(struct ha_interface *ifc, usec_t now)
{
	struct lease *l, *next;

	on_advertise(ifc, now);
	/* Whoever is attached from an earlier run, or since before the link went, has visits to be
	 * found again. */
	for (unsigned int i = 0; i < ifc->n_homes; i++)
		HASH_ITER(by_mac, ifc->homes[i]->pool.by_mac, l, next)
			if (l->state == LEASE_ATTACHED && l->interface == ifc)
				(void)mag_attached(ifc->ha, ifc, l->mac, now);
	for (unsigned int i = 0; i < ifc->n_homes; i++)
		HASH_ITER(by_mac, ifc->homes[i]->pool.by_mac, l, next)
			if (l->ra_due && l->state == LEASE_ATTACHED && l->interface == ifc)
				renew(l, HA_TX_RA_SOLICITED, now);
	proxy_interface_usable(ifc, now);
}

void nd_advertise_all(struct ha *ha, usec_t now)
{
	struct lease *l, *next;

	for (unsigned int i = 0; i < ha->n_homes; i++)
		HASH_ITER(by_mac, ha->homes[i].pool.by_mac, l, next)
			l->ra_due = l->state == LEASE_ATTACHED;
	for (unsigned int i = 0; i < ha->n_interfaces; i++)
		if (ha_interface_usable(&ha->interfaces[i]))
			nd_interface_usable(&ha->interfaces[i], now);
}

/* ---- one lease ---- */

void nd_probe(const struct lease *l)
{
	uint8_t room[RA_ROOM];

	if (ha_interface_usable(l->interface))
		send_link(l->ha, l->interface, l->mac, room,
			  ra_build_probe(l->interface, l, room), HA_TX_NS);
}

static void on_presence(void *ctx, usec_t now)
{
	struct lease *l = ctx;
	struct ha *ha = l->ha;

	if (l->state == LEASE_DETACHED && l->missed) {
		nd_probe(l);
		arm(l, &l->presence, now + HA_PRESENCE_IDLE);
	}
	if (l->state != LEASE_ATTACHED)
		return;
	if (now - l->seen < HA_PRESENCE_IDLE) {
		arm(l, &l->presence, l->seen + HA_PRESENCE_IDLE);
		return;
	}
	/* Whom we cannot ask cannot be missed. */
	if (in6_is_any(&l->linklocal) || !ha_interface_usable(l->interface)) {
		l->probes = 0;
		arm(l, &l->presence, now + HA_PRESENCE_IDLE);
		return;
	}
	if (l->probes == HA_PRESENCE_TRIES) {
		ha->counters[HA_PRESENCE_LOST]++;
		nd_lease_detach(ha, l, now, "no answer to neighbour solicitations");
		if (l->state == LEASE_DETACHED) {
			l->missed = true;
			arm(l, &l->presence, now + HA_PRESENCE_IDLE);
		}
		return;
	}
	l->probes++;
	nd_probe(l);
	arm(l, &l->presence, now + HA_PRESENCE_RETRY);
}

static void refresh(struct lease *l, usec_t now)
{
	struct ha *ha = l->ha;

	/* A host that cannot be probed and is not heard for a whole prefix lifetime is not
	 * kept alive by our own advertisements. */
	if (in6_is_any(&l->linklocal) && now - l->seen >= ha->cfg->prefix_lifetime) {
		if (now >= l->valid_until)
			nd_lease_detach(ha, l, now, "not heard for its whole lifetime");
		else
			arm(l, &l->lifetime, l->valid_until);
		return;
	}
	if (!ha_interface_usable(l->interface)) {
		l->ra_due = true;
		if (now >= l->valid_until)
			nd_lease_detach(ha, l, now, "no link to it for its whole lifetime");
		else
			arm(l, &l->lifetime, now + ha->cfg->prefix_lifetime / 3);
		return;
	}
	renew(l, HA_TX_RA_REFRESH, now);
}

static void on_lifetime(void *ctx, usec_t now)
{
	struct lease *l = ctx;

	switch (l->state) {
	case LEASE_ATTACHED:
		refresh(l, now);
		break;
	case LEASE_DETACHED:
		nd_lease_review(l->ha, l, now);
		break;
	case LEASE_FREE:
	case LEASE_STATE_MAX:
		break;
	}
}

void nd_lease_init(struct ha_home *home, struct lease *l)
{
	l->home = home;
	l->ha = home->ha;
	timer_init(&l->presence, "presence", on_presence, l);
	timer_init(&l->lifetime, "lifetime", on_lifetime, l);
}

void nd_lease_attach(struct ha *ha, struct lease *l, struct ha_interface *ifc, usec_t now,
		     const char *reason)
{
	if (place(ha, l, ifc, reason, now)) {
		(void)ha_store_lease(ha, l, false);
		tell(l, HA_EVENT_LEASE_ATTACHED, reason);
	}
	attach_in_kernel(l);
	steer_review(l);
	arm(l, &l->presence, now + HA_PRESENCE_IDLE);
	arm(l, &l->lifetime, now + ha->cfg->prefix_lifetime / 3);
}

void nd_lease_detach(struct ha *ha, struct lease *l, usec_t now, const char *reason)
{
	if (l->state != LEASE_ATTACHED)
		return;
	/* Before its prefix goes: it may have been told of others beside it. */
	mag_detached(ha, l->mac, l->carried > 0, now);
	ha->ops->lease_detach(ha->ctx, l);
	l->ra_due = false;
	l->missed = false;
	timer_stop(ha->timers, &l->presence);
	change_state(l, LEASE_DETACHED, reason, now);
	(void)ha_store_lease(ha, l, false);
	steer_review(l);
	tell(l, HA_EVENT_LEASE_DETACHED, reason);
	nd_lease_review(ha, l, now);
}

void nd_lease_review(struct ha *ha, struct lease *l, usec_t now)
{
	if (l->state != LEASE_DETACHED)
		return;
	if (now < l->valid_until) {
		arm(l, &l->lifetime, l->valid_until);
		return;
	}
	/* Its last binding will ask again. */
	if (l->bindings > 0)
		return;
	timer_stop(ha->timers, &l->presence);
	timer_stop(ha->timers, &l->lifetime);
	l->missed = false;
	l->client = l->confirmed = false;
	change_state(l, LEASE_FREE, "valid lifetime is over", now);
	if (ha->cfg->network_mode)
		ha->ops->session_del(ha->ctx, l);
	sa_drop_prefix(ha, &l->prefix, "its prefix is free", now);
}

/* ---- what comes in ---- */

static bool has_shared(const struct ha_interface *ifc)
{
	for (unsigned int i = 0; i < ifc->n_homes; i++)
		if (ifc->homes[i]->cfg.mode == HOME_SHARED)
			return true;
	return false;
}

/* One host may solicit so often; those whom no lease counts all together. */
static bool rs_allowed(struct ha_interface *ifc, const uint8_t mac[6], usec_t now)
{
	for (unsigned int i = 0; i < ifc->n_homes; i++) {
		struct lease *l = pool_find_mac(&ifc->homes[i]->pool, mac);

		if (l)
			return bucket_take(&l->tokens, &l->tokens_at, HA_RS_BURST, HA_RS_PERIOD,
					   now);
	}
	if (has_shared(ifc))
		return bucket_take(&ifc->rs_tokens, &ifc->rs_tokens_at, HA_SHARED_RS_BURST,
				   HA_SHARED_RS_PERIOD, now);
	return bucket_take(&ifc->new_tokens, &ifc->new_tokens_at, HA_NEW_HOSTS_BURST,
			   HA_NEW_HOSTS_PERIOD, now);
}

/* What the host gets of the homes of the interface; false: nothing at all. */
static bool offer(struct ha_interface *ifc, const uint8_t mac[6], const struct in6_addr *src,
		  usec_t now)
{
	bool any = false;

	if (hosts_access(ifc->ha, mac) == SDB_REFUSED) {
		ifc->ha->counters[HA_HOST_REFUSED]++;
		return false;
	}

	for (unsigned int i = 0; i < ifc->n_homes; i++) {
		struct lease *l;

		if (ifc->homes[i]->state > HOME_RETIRING)
			continue;
		if (ifc->homes[i]->cfg.mode == HOME_SHARED) {
			any = true;
			continue;
		}
		l = solicited_lease(ifc->homes[i], ifc, mac, src, now);
		if (l)
			l->ra_due = any = true;
	}
	return any;
}

static void rx_rs(struct ha *ha, struct ha_interface *ifc, const uint8_t mac[6],
		  const struct in6_addr *src, usec_t now)
{
	bool any;

	ha->counters[HA_RX_RS]++;
	/* RFC 4861 4.1: unspecified, or an address of the sending interface. A group is no
	 * host. */
	if ((!in6_is_any(src) && !in6_is_linklocal(src)) || (mac[0] & 1)) {
		ha->counters[HA_RS_BAD_SOURCE]++;
		limit_failed(&ha->limit, src, LIMIT_CHEAP, now);
		return;
	}
	if (!rs_allowed(ifc, mac, now)) {
		ha->counters[HA_RS_LIMITED]++;
		return;
	}
	any = offer(ifc, mac, src, now);
	if (!any && hosts_access(ha, mac) == SDB_REFUSED)
		return;
	if (!ha_interface_usable(ifc)) {
		ha->counters[HA_RS_NO_LINKLOCAL]++;
		return;
	}
	if (!any && !ha_error_allowed(ha, now)) {
		ha->counters[HA_RS_LIMITED]++;
		return;
	}
	if (any && mag_attached(ha, ifc, mac, now))
		return;
	advertise_to(ha, ifc, mac, HA_TX_RA_SOLICITED, now);
}

static void confirm(struct ha *ha, const uint8_t mac[6])
{
	for (unsigned int i = 0; i < ha->n_homes; i++) {
		struct lease *l = pool_find_mac(&ha->homes[i].pool, mac);

		if (l)
			l->confirmed = true;
	}
}

/* A host that has a router does not solicit for another when only its link was away: what it sends
 * to see that its addresses are its own still, or to find its router, says as much (RFC 5213
 * 6.2). src: its link-local address, if it can be told. */
static void signed_up(struct ha *ha, struct ha_interface *ifc, const uint8_t mac[6],
		      const struct in6_addr *src, usec_t now)
{
	const struct lease *l;

	if (!ha->cfg->network_mode || (mac[0] & 1))
		return;
	l = ha_lease_of(ha, mac);
	if (l && l->interface == ifc) {
		confirm(ha, mac);
		mag_heard(ha, mac, now);
		return;
	}
	if (!rs_allowed(ifc, mac, now)) {
		ha->counters[HA_RS_LIMITED]++;
		return;
	}
	if (!offer(ifc, mac, src, now))
		return;
	ha->counters[HA_SIGN_ATTACHED]++;
	if (ha_interface_usable(ifc) && !mag_attached(ha, ifc, mac, now))
		advertise_to(ha, ifc, mac, HA_TX_RA_SOLICITED, now);
}

static bool was_dismissed(const struct ha_interface *ifc, const uint8_t mac[6], usec_t now)
{
	for (unsigned int i = 0; i < ifc->n_homes; i++) {
		const struct lease *l = pool_find_mac(&ifc->homes[i]->pool, mac);

		if (l && l->dismissed != 0 && now - l->dismissed < HA_DISMISSED)
			return true;
	}
	return false;
}

void ha_rx_foreign(struct ha *ha, int ifindex, const uint8_t mac[6], usec_t now)
{
	struct ha_interface *ifc = ha_interface_by_index(ha, ifindex);

	/* What it sent before it left may come after that was said. */
	if (ifc && !was_dismissed(ifc, mac, now))
		signed_up(ha, ifc, mac, &in6addr_any, now);
}

int ha_host_attach(struct ha *ha, const char *interface, const uint8_t mac[6], usec_t now)
{
	struct ha_interface *ifc = NULL;

	for (unsigned int i = 0; i < ha->n_interfaces; i++)
		if (strcmp(ha->interfaces[i].name, interface) == 0 ||
		    (interface[0] == '\0' && ha->n_interfaces == 1))
			ifc = &ha->interfaces[i];
	if (!ifc)
		return -ENODEV;
	if (!offer(ifc, mac, &in6addr_any, now))
		return -EAGAIN;
	if (ha_interface_usable(ifc) &&
	    !mag_attached(ha, ifc, mac, now))
		advertise_to(ha, ifc, mac, HA_TX_RA_SOLICITED, now);
	return 0;
}

int ha_host_detach(struct ha *ha, const uint8_t mac[6], usec_t now)
{
	int err = -ENOENT;

	for (unsigned int i = 0; i < ha->n_homes; i++) {
		struct lease *l = pool_find_mac(&ha->homes[i].pool, mac);

		if (!l || l->state != LEASE_ATTACHED)
			continue;
		nd_lease_detach(ha, l, now, "said to have left");
		l->dismissed = now;
		err = 0;
	}
	return err;
}

void nd_doubt(struct ha *ha, const uint8_t mac[6], usec_t now)
{
	for (unsigned int i = 0; i < ha->n_homes; i++) {
		struct lease *l = pool_find_mac(&ha->homes[i].pool, mac);

		if (!l || l->state != LEASE_ATTACHED || in6_is_any(&l->linklocal))
			continue;
		l->seen = now - HA_PRESENCE_IDLE;
		l->probes = 1;
		nd_probe(l);
		arm(l, &l->presence, now + HA_PRESENCE_RETRY);
	}
}

static void heard(struct lease *l, struct ha_interface *ifc, const struct in6_addr *linklocal,
		  usec_t now)
{
	if (l->home->state > HOME_RETIRING || l->interface != ifc ||
	    (l->state != LEASE_ATTACHED && !l->missed))
		return;
	if (sign_of_life(l, linklocal, now))
		(void)ha_store_lease(l->ha, l, false);
	if (l->missed && l->state == LEASE_DETACHED)
		nd_lease_attach(l->ha, l, ifc, now, "it answers again");
}

static void rx_na(struct ha *ha, struct ha_interface *ifc, const uint8_t mac[6],
		  const struct in6_addr *src, const struct nd_na *na, usec_t now)
{
	ha->counters[HA_RX_NA]++;
	proxy_rx_na(ha, ifc, mac, na, now);
	signed_up(ha, ifc, mac, in6_is_linklocal(&na->target) ? &na->target : src, now);
	for (unsigned int i = 0; i < ifc->n_homes; i++) {
		struct lease *l = pool_find_mac(&ifc->homes[i]->pool, mac);

		if (l)
			heard(l, ifc, in6_is_linklocal(&na->target) ? &na->target : src, now);
	}
}

static void rx_ns(struct ha *ha, struct ha_interface *ifc, const uint8_t mac[6],
		  const struct in6_addr *src, const struct nd_ns *ns, usec_t now)
{
	ha->counters[HA_RX_NS]++;
	/* RFC 4862 5.4.2: from nowhere, for the address that it is about to have. */
	signed_up(ha, ifc, mac, in6_is_any(src) ? &ns->target : src, now);
	proxy_rx_ns(ha, ifc, mac, src, ns, now);
}

void ha_rx_nd(struct ha *ha, int ifindex, const uint8_t mac[6], const void *data, size_t len,
	      usec_t now)
{
	struct ha_interface *ifc = ha_interface_by_index(ha, ifindex);
	struct ip6_packet ip;
	struct icmp6_msg msg;
	enum ip6_err ip_err;
	enum icmp6_err err;

	if (!ifc)
		return;
	ha->counters[HA_RX_ND]++;
	ip_err = ip6_decode(data, len, &ip);
	if (ip_err != IP6_OK) {
		ha->nd_ip6_errors[ip_err]++;
		ha_bad_packet(ha, data, len, now);
		return;
	}
	if (ip.next_header != IP6_NH_ICMP6) {
		ha->counters[HA_RX_ND_UNEXPECTED]++;
		return;
	}
	err = icmp6_decode((const uint8_t *)data + ip.payload_off, ip.payload_len, &ip.src,
			   &ip.dst, ip.hop_limit, &msg);
	if (err != ICMP6_OK) {
		ha->icmp6_errors[err]++;
		limit_failed(&ha->limit, &ip.src, LIMIT_CHEAP, now);
		return;
	}
	if (msg.type == ICMP6_RA)
		discovery_rx_ra(ha, ifc, &ip.src, &msg.u.ra, now);
	else if (msg.type == ICMP6_RS)
		rx_rs(ha, ifc, mac, &ip.src, now);
	else if (msg.type == ICMP6_NA)
		rx_na(ha, ifc, mac, &ip.src, &msg.u.na, now);
	else if (msg.type == ICMP6_NS)
		rx_ns(ha, ifc, mac, &ip.src, &msg.u.ns, now);
	else
		ha->counters[HA_RX_ND_UNEXPECTED]++;
}
