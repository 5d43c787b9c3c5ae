/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home links: which prefix and which address of ours belongs to which access interface.
 * Owns struct ha_home. Called by ha.c, and by all who look up an address. RFC 6275 7.2 and
 * 10.1 (the home agent's prefix list), RFC 8273.
 */
#include <errno.h>
#include <string.h>

#include "common/core/log.h"
#include "ha-agent/ha.h"

static const char *const mode_names[HOME_MODE_MAX] = {
	[HOME_PER_HOST] = "per-host",
	[HOME_SHARED] = "shared",
};

const char *home_mode_name(enum home_mode m)
{
	return m < HOME_MODE_MAX ? mode_names[m] : "?";
}

/* ---- configuration ---- */

static bool is_common(const struct ha_home_config *h)
{
	return h->interface[0] == '\0';
}

static bool has_own(const struct ha_config *cfg, const char *interface)
{
	for (unsigned int i = 0; i < cfg->n_homes; i++)
		if (strcmp(cfg->homes[i].interface, interface) == 0)
			return true;
	return false;
}

static bool serves(const struct ha_config *cfg, const struct ha_home_config *h,
		   const char *interface)
{
	return is_common(h) ? !has_own(cfg, interface) : strcmp(h->interface, interface) == 0;
}

static unsigned int homes_at(const struct ha_config *cfg, const char *interface)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < cfg->n_homes; i++)
		n += serves(cfg, &cfg->homes[i], interface);
	return n;
}

static unsigned int interfaces_of(const struct ha_config *cfg, const struct ha_home_config *h)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < cfg->n_interfaces; i++)
		n += serves(cfg, h, cfg->interfaces[i]);
	return n;
}

static void set_address(struct ha_config *cfg, struct ha_home_config *h, bool first_common)
{
	if (!in6_is_any(&h->address))
		return;
	if (first_common && !in6_is_any(&cfg->common_address)) {
		h->address = cfg->common_address;
		return;
	}
	h->address = h->prefix.addr;
	h->address.s6_addr[15] = 1;
}

static const char *check_address(const struct ha_config *cfg, const struct ha_home_config *h)
{
	/* The first /64 of a pool is ours; any other will belong to a host. */
	struct in6_prefix own = { .addr = h->prefix.addr, .len = 64 };

	if (!in6_is_routable(&h->address))
		return "the home agent's address is not unicast routable; expected a global one";
	/* RFC 6275 7.2: it stands in the prefix option. */
	if (h->mode == HOME_SHARED && !in6_in(&h->prefix, &h->address))
		return "the home agent's address is outside of the shared prefix; expected one in it";
	if (in6_in(&h->prefix, &h->address) && !in6_in(&own, &h->address))
		return "the home agent's address must lie in the first /64 of the prefix, "
		       "or outside of it";
	for (const struct ha_home_config *o = cfg->homes; o < cfg->homes + cfg->n_homes; o++) {
		if (o == h)
			continue;
		if (in6_eq(&o->address, &h->address))
			return "two prefixes have the same home agent address";
		if (in6_in(&o->prefix, &h->address))
			return "the home agent's address for one prefix lies in another";
	}
	return NULL;
}

static const char *check_home(const struct ha_config *cfg, const struct ha_home_config *h)
{
	if (h->prefix.len == 0)
		return "no prefix is given to take the hosts' prefixes from";
	if (h->mode == HOME_PER_HOST && h->prefix.len > 63)
		return "the prefix has no room for a /64 for each host; use a /63 or shorter";
	/* RFC 4291 2.5.1: interface identifiers have 64 bits. */
	if (h->mode == HOME_SHARED && h->prefix.len != 64)
		return "a shared prefix must be a /64";
	if (h->mode == HOME_SHARED && interfaces_of(cfg, h) > 1)
		return "a shared prefix serves more than one interface; give it to one of them";
	if (!in6_is_routable(&h->prefix.addr))
		return "the prefix is not unicast routable";
	if (interfaces_of(cfg, h) == 0)
		return is_common(h) ? "a prefix serves no interface, for each has one of its own" :
		       "a prefix is given for an interface that is not served";
	for (const struct ha_home_config *o = cfg->homes; o < h; o++)
		if (in6_in(&o->prefix, &h->prefix.addr) || in6_in(&h->prefix, &o->prefix.addr))
			return "two prefixes overlap";
	return NULL;
}

const char *home_config_check(struct ha_config *cfg)
{
	const char *wrong = NULL;
	bool first = true;

	for (struct ha_home_config *h = cfg->homes; h < cfg->homes + cfg->n_homes; h++) {
		wrong = check_home(cfg, h);
		if (wrong)
			return wrong;
		set_address(cfg, h, is_common(h) && first);
		first = first && !is_common(h);
	}
	for (unsigned int i = 0; !wrong && i < cfg->n_homes; i++)
		wrong = check_address(cfg, &cfg->homes[i]);
	for (unsigned int i = 0; !wrong && i < cfg->n_interfaces; i++) {
		unsigned int n = homes_at(cfg, cfg->interfaces[i]);

		if (n == 0)
			wrong = "an interface has no prefix, neither of its own nor a common one";
		else if (n > HA_INTERFACE_HOMES)
			wrong = "an interface has too many prefixes";
	}
	return wrong;
}

const struct ha_home_config *ha_config_insecure(const struct ha_config *cfg)
{
	for (unsigned int i = 0; i < cfg->n_homes; i++)
		if (cfg->homes[i].unauthenticated)
			return &cfg->homes[i];
	return NULL;
}

/* ---- life cycle ---- */

int home_begin(struct ha_home *home)
{
	if (home->cfg.mode == HOME_SHARED)
		return 0;
	return pool_init(&home->pool, &home->cfg.prefix, home->ha->cfg->max_leases);
}

/* One that is not configured any more served every interface, or the one it names. */
static bool serves_now(const struct ha_home *home, const char *interface)
{
	return home->state == HOME_SERVED ? serves(home->ha->cfg, &home->cfg, interface) :
	       is_common(&home->cfg) || strcmp(home->cfg.interface, interface) == 0;
}

/* What is to be preferred comes first, in Router Advertisements too. */
static void insert(struct ha_interface *ifc, struct ha_home *home)
{
	unsigned int at = ifc->n_homes++;

	for (; at > 0 && !home_is_deprecated(home) && home_is_deprecated(ifc->homes[at - 1]); at--)
		ifc->homes[at] = ifc->homes[at - 1];
	ifc->homes[at] = home;
}

int home_join(struct ha_home *home)
{
	struct ha *ha = home->ha;

	for (unsigned int i = 0; i < ha->n_interfaces; i++) {
		struct ha_interface *ifc = &ha->interfaces[i];

		if (!serves_now(home, ifc->name))
			continue;
		if (ifc->n_homes == HA_INTERFACE_HOMES)
			return -ENOSPC;
		insert(ifc, home);
		if (home->cfg.mode == HOME_SHARED)
			home->link = ifc;
	}
	return 0;
}

int home_init_all(struct ha *ha)
{
	for (unsigned int i = 0; i < ha->cfg->n_homes; i++) {
		struct ha_home *home = &ha->homes[i];
		int err;

		home->cfg = ha->cfg->homes[i];
		home->ha = ha;
		err = home_begin(home);
		if (err < 0)
			return err;
		ha->n_homes++;
		err = home_join(home);
		if (err < 0)
			return err;
	}
	return 0;
}

void home_free_all(struct ha *ha)
{
	struct lease *l, *next;

	for (unsigned int i = 0; i < ha->n_homes; i++) {
		HASH_ITER(by_mac, ha->homes[i].pool.by_mac, l, next) {
			timer_stop(ha->timers, &l->presence);
			timer_stop(ha->timers, &l->lifetime);
		}
		pool_free(&ha->homes[i].pool);
		timer_stop(ha->timers, &ha->homes[i].withdraw);
	}
}

usec_t home_valid_left(const struct ha_home *home, const struct lease *l, usec_t now)
{
	/* A shared prefix is advertised for its whole lifetime again and again. */
	return home_limit(home, l ? l->valid_until - now : home->ha->cfg->prefix_lifetime, now);
}

/* ---- looking up ---- */

/* What is withdrawn is no home of anybody any more. */
static bool is_home_of(const struct ha_home *home, const struct in6_addr *a)
{
	return in6_in(&home->cfg.prefix, a) && home->state <= HOME_RETIRING;
}

struct ha_home *ha_home_of(struct ha *ha, const struct in6_addr *a)
{
	for (unsigned int i = 0; i < ha->n_homes; i++)
		if (is_home_of(&ha->homes[i], a))
			return &ha->homes[i];
	return NULL;
}

bool ha_is_own_address(const struct ha *ha, const struct in6_addr *a)
{
	for (unsigned int i = 0; i < ha->n_homes; i++)
		if (in6_eq(&ha->homes[i].cfg.address, a) && ha->homes[i].state != HOME_GONE)
			return true;
	return false;
}

unsigned int ha_addresses(const struct ha *ha, struct in6_addr ret[HA_MAX_HOMES])
{
	for (unsigned int i = 0; i < ha->n_homes; i++)
		ret[i] = ha->homes[i].cfg.address;
	return ha->n_homes;
}

void ha_address(struct ha *ha, int ifindex, const struct in6_addr *addr, bool duplicate)
{
	for (unsigned int i = 0; i < ha->n_homes; i++) {
		struct ha_home *h = &ha->homes[i];

		if (!h->link || h->link->ifindex != ifindex || !in6_eq(&h->cfg.address, addr))
			continue;
		if (duplicate && !h->duplicate)
			log_error("%s: another node has our address %s", h->link->name,
				  in6_str(addr).s);
		h->duplicate = duplicate;
	}
}

bool ha_serves(const struct ha_interface *ifc, const struct ha_home *home)
{
	for (unsigned int i = 0; i < ifc->n_homes; i++)
		if (ifc->homes[i] == home)
			return true;
	return false;
}

struct lease *ha_find_lease(const struct ha *ha, const struct in6_addr *a)
{
	for (unsigned int i = 0; i < ha->n_homes; i++)
		if (is_home_of(&ha->homes[i], a))
			return pool_find_addr(&ha->homes[i].pool, a);
	return NULL;
}

bool ha_home_full(const struct ha_home *home)
{
	return home->cfg.mode == HOME_PER_HOST && !home_is_deprecated(home) &&
	       pool_full(&home->pool);
}
