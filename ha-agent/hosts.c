/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of hosts in the configuration, looked up by link-layer address and by name (RFC 4283,
 * RFC 8371). Owns nothing; called by whoever has to know who a host is.
 */
#include "ha-agent/hosts.h"

#include <string.h>

#include "ha-agent/ha.h"

static const struct ha_host *find(const struct ha *ha, const uint8_t mac[6])
{
	for (unsigned int i = 0; i < ha->cfg->n_hosts; i++)
		if (memcmp(ha->cfg->hosts[i].mac, mac, 6) == 0)
			return &ha->cfg->hosts[i];
	return NULL;
}

enum sdb_access hosts_access(const struct ha *ha, const uint8_t mac[6])
{
	const struct ha_host *h = find(ha, mac);

	if (!ha->cfg->network_mode)
		return SDB_ALLOWED;
	return h ? h->access : ha->cfg->unknown_hosts;
}

struct sdb_mn_id hosts_name(const struct ha *ha, const uint8_t mac[6])
{
	const struct ha_host *h = find(ha, mac);
	struct sdb_mn_id id = { .subtype = MN_ID_EUI48, .len = 6 };

	if (h && h->id.len > 0)
		return h->id;
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

bool hosts_get_name(const struct ha *ha, const struct mh_opts *o, uint8_t ret[6])
{
	if (!o->has_mn_id)
		return false;
	for (unsigned int i = 0; i < ha->cfg->n_hosts; i++) {
		const struct ha_host *h = &ha->cfg->hosts[i];

		if (h->id.len == 0 || h->id.subtype != o->mn_id_subtype ||
		    h->id.len != o->mn_id_len || memcmp(h->id.data, o->mn_id, h->id.len) != 0)
			continue;
		memcpy(ret, h->mac, 6);
		return true;
	}
	if (o->mn_id_subtype != MN_ID_EUI48 || o->mn_id_len != 6)
		return false;
	memcpy(ret, o->mn_id, 6);
	return true;
}
