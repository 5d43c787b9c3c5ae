/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of hosts in the configuration, looked up by link-layer address and by name (RFC 4283,
 * RFC 8371), and behind it what the session database says. Owns the latter; called by whoever has
 * to know who a host is.
 *
 *	purge	HOSTS_POLICY_TIME after something was learned all of it is forgotten, for the
 *		operator may say something else by now; but for the names of hosts that have a
 *		prefix from here, by which other routers ask for it
 */
#include "ha-agent/hosts.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "ha-agent/ha.h"

static const struct ha_host *find(const struct ha *ha, const uint8_t mac[6])
{
	for (unsigned int i = 0; i < ha->cfg->n_hosts; i++)
		if (memcmp(ha->cfg->hosts[i].mac, mac, 6) == 0)
			return &ha->cfg->hosts[i];
	return NULL;
}

struct host_policy {
	UT_hash_handle hh;
	uint8_t mac[6];
	bool has_access;
	enum sdb_access access;
	struct sdb_mn_id id;		/* len 0: it has no name */
};

/* Who goes by a name. */
struct host_name {
	UT_hash_handle hh;
	struct sdb_mn_id id;		/* key: as far as it goes */
	unsigned int n;
	uint8_t macs[HA_HOST_LINKS][6];
};

static size_t key_len(const struct sdb_mn_id *id)
{
	return offsetof(struct sdb_mn_id, data) + id->len;
}

static struct host_policy *find_policy(const struct ha *ha, const uint8_t mac[6])
{
	struct host_policy *p;

	HASH_FIND(hh, ha->policies.by_mac, mac, 6, p);
	return p;
}

static struct host_name *find_name(const struct ha *ha, const struct sdb_mn_id *id)
{
	struct host_name *n;

	HASH_FIND(hh, ha->policies.by_name, id, key_len(id), n);
	return n;
}

static void unname(struct ha *ha, struct host_policy *p)
{
	struct host_name *n = p->id.len > 0 ? find_name(ha, &p->id) : NULL;

	p->id.len = 0;
	for (unsigned int i = 0; n && i < n->n; i++) {
		if (memcmp(n->macs[i], p->mac, 6) != 0)
			continue;
		memmove(n->macs[i], n->macs[n->n - 1], 6);
		if (--n->n == 0) {
			HASH_DELETE(hh, ha->policies.by_name, n);
			free(n);
		}
		return;
	}
}

/* One that too many have already is none. */
static void name(struct ha *ha, struct host_policy *p, const struct sdb_mn_id *id)
{
	struct host_name *n;

	unname(ha, p);
	if (id->len == 0 || (id->subtype == MN_ID_EUI48 && id->len == 6))
		return;
	n = find_name(ha, id);
	if (!n) {
		n = calloc(1, sizeof(*n));
		if (!n)
			return;
		n->id = *id;
		HASH_ADD(hh, ha->policies.by_name, id, key_len(id), n);
	}
	if (n->n == HA_HOST_LINKS)
		return;
	memcpy(n->macs[n->n++], p->mac, 6);
	p->id = *id;
}

static void forget(struct ha *ha, struct host_policy *p)
{
	unname(ha, p);
	HASH_DELETE(hh, ha->policies.by_mac, p);
	free(p);
}

void hosts_free(struct ha *ha)
{
	struct host_policy *p, *next;

	timer_stop(ha->timers, &ha->policies.purge);
	HASH_ITER(hh, ha->policies.by_mac, p, next)
		forget(ha, p);
}

static bool has_lease(const struct ha *ha, const uint8_t mac[6])
{
	for (unsigned int i = 0; i < ha->n_homes; i++) {
		const struct lease *l = pool_find_mac(&ha->homes[i].pool, mac);

		if (l && l->state != LEASE_FREE)
			return true;
	}
	return false;
}

static void on_purge(void *ctx, usec_t now)
{
	struct host_policy *p, *next;
	struct ha *ha = ctx;

	HASH_ITER(hh, ha->policies.by_mac, p, next) {
		p->has_access = false;
		if (p->id.len == 0 || !has_lease(ha, p->mac))
			forget(ha, p);
	}
	if (ha->policies.by_mac)
		(void)timer_set(ha->timers, &ha->policies.purge, now + HOSTS_POLICY_TIME);
}

static struct host_policy *note(struct ha *ha, const uint8_t mac[6], usec_t now)
{
	struct host_policy *p = find_policy(ha, mac);

	if (p)
		return p;
	if (!timer_armed(&ha->policies.purge)) {
		timer_init(&ha->policies.purge, "policies", on_purge, ha);
		if (timer_set(ha->timers, &ha->policies.purge, now + HOSTS_POLICY_TIME) < 0)
			return NULL;
	}
	p = HASH_CNT(hh, ha->policies.by_mac) < ha->cfg->max_leases ? calloc(1, sizeof(*p)) : NULL;
	if (!p)
		return NULL;
	memcpy(p->mac, mac, sizeof(p->mac));
	HASH_ADD(hh, ha->policies.by_mac, mac, sizeof(p->mac), p);
	return p;
}

/* Other routers find its prefixes by its name. */
static void tell_name(struct ha *ha, const uint8_t mac[6])
{
	for (unsigned int i = 0; i < ha->n_homes; i++) {
		struct lease *l = pool_find_mac(&ha->homes[i].pool, mac);

		if (!l || l->state == LEASE_FREE)
			continue;
		(void)ha_store_lease(ha, l, false);
		if (!l->client)
			ha->ops->session_put(ha->ctx, l);
	}
}

void hosts_policy(struct ha *ha, const uint8_t mac[6], const struct sdb_policy *policy, usec_t now)
{
	struct sdb_mn_id before = hosts_name(ha, mac), after;
	struct host_policy *p;

	if (!policy) {
		p = find_policy(ha, mac);
		if (p)
			forget(ha, p);
	} else {
		p = note(ha, mac, now);
		if (!p)
			return;
		p->has_access = true;
		p->access = policy->access;
		name(ha, p, &policy->mn_id);
	}
	if (hosts_access(ha, mac) == SDB_REFUSED && ha_host_detach(ha, mac, now) == 0)
		ha->counters[HA_HOST_REFUSED]++;
	after = hosts_name(ha, mac);
	if (!sdb_mn_id_eq(&before, &after))
		tell_name(ha, mac);
}

const struct sdb_mn_id *hosts_learned(const struct ha *ha, const uint8_t mac[6])
{
	const struct host_policy *p = find_policy(ha, mac);

	return p && p->id.len > 0 ? &p->id : NULL;
}

void hosts_restore(struct ha *ha, const uint8_t mac[6], const struct sdb_mn_id *id, usec_t now)
{
	struct host_policy *p = id->len > 0 ? note(ha, mac, now) : NULL;

	if (p)
		name(ha, p, id);
}

enum sdb_access hosts_access(const struct ha *ha, const uint8_t mac[6])
{
	const struct ha_host *h = find(ha, mac);
	const struct host_policy *p = h ? NULL : find_policy(ha, mac);

	if (!ha->cfg->network_mode)
		return SDB_ALLOWED;
	if (p && p->has_access)
		return p->access;
	return h ? h->access : ha->cfg->unknown_hosts;
}

struct sdb_mn_id hosts_name(const struct ha *ha, const uint8_t mac[6])
{
	const struct ha_host *h = find(ha, mac);
	const struct sdb_mn_id *learned = h ? NULL : hosts_learned(ha, mac);
	struct sdb_mn_id id = { .subtype = MN_ID_EUI48, .len = 6 };

	if (h && h->id.len > 0)
		return h->id;
	if (learned)
		return *learned;
	memcpy(id.data, mac, 6);
	return id;
}

void hosts_put_name(const struct ha *ha, const uint8_t mac[6], struct mh_opts *ret)
{
	const struct sdb_mn_id id = hosts_name(ha, mac);

	_Static_assert(sizeof(id.data) == sizeof(ret->mn_id), "as RFC 4283 has it");
	ret->has_mn_id = true;
	ret->mn_id_subtype = id.subtype;
	ret->mn_id_len = id.len;
	memcpy(ret->mn_id, id.data, id.len);
}

bool hosts_same(const struct ha *ha, const uint8_t a[6], const uint8_t b[6])
{
	struct sdb_mn_id x, y;

	if (memcmp(a, b, 6) == 0)
		return true;
	x = hosts_name(ha, a);
	y = hosts_name(ha, b);
	return sdb_mn_id_eq(&x, &y);
}

bool hosts_is_named(const struct ha *ha, const uint8_t mac[6], const struct mh_opts *o)
{
	const struct sdb_mn_id id = hosts_name(ha, mac);

	return o->has_mn_id && id.subtype == o->mn_id_subtype && id.len == o->mn_id_len &&
	       memcmp(id.data, o->mn_id, id.len) == 0;
}

unsigned int hosts_with_name(const struct ha *ha, const struct sdb_mn_id *id,
			     uint8_t ret[HA_HOST_LINKS][6])
{
	const struct host_name *learned = find_name(ha, id);
	unsigned int n = 0;

	for (unsigned int i = 0; i < ha->cfg->n_hosts && n < HA_HOST_LINKS; i++)
		if (ha->cfg->hosts[i].id.len > 0 && sdb_mn_id_eq(&ha->cfg->hosts[i].id, id))
			memcpy(ret[n++], ha->cfg->hosts[i].mac, 6);
	for (unsigned int i = 0; learned && i < learned->n && n < HA_HOST_LINKS; i++)
		if (!find(ha, learned->macs[i]))
			memcpy(ret[n++], learned->macs[i], 6);
	/* RFC 8371 4.2 */
	if (n == 0 && id->subtype == MN_ID_EUI48 && id->len == 6)
		memcpy(ret[n++], id->data, 6);
	return n;
}

unsigned int hosts_named(const struct ha *ha, const struct mh_opts *o,
			 uint8_t ret[HA_HOST_LINKS][6])
{
	struct sdb_mn_id id = { .subtype = o->mn_id_subtype, .len = o->mn_id_len };

	if (!o->has_mn_id || o->mn_id_len > sizeof(id.data))
		return 0;
	memcpy(id.data, o->mn_id, id.len);
	return hosts_with_name(ha, &id, ret);
}
