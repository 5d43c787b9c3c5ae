/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the operator has said about hosts in network mode: who they are to other routers, and
 * whether they are served at all. Pure; asked by nd.c, lma.c, visit.c and sessions.c.
 */
#ifndef DMIP6_HA_HOSTS_H
#define DMIP6_HA_HOSTS_H

#include "ha-agent/sdb.h"

struct ha;
struct host_name;
struct host_policy;
struct mh_opts;

#define HA_MAX_HOSTS		4096
#define HA_HOST_LINKS		8	/* interfaces of one host */
#define HOSTS_POLICY_TIME	(60 * USEC_S)

struct ha_host {
	uint8_t mac[6];
	enum sdb_access access;
	struct sdb_mn_id id;		/* len 0: its link-layer address */
};

struct policies {
	struct host_policy *by_mac;
	struct host_name *by_name;
	struct timer purge;
};

/* Of one that is not in the table what is configured for these; without network mode
 * SDB_ALLOWED. */
enum sdb_access hosts_access(const struct ha *ha, const uint8_t mac[6]);
/* What the session database says of a host; NULL: nothing. It comes behind the table, is forgotten
 * after HOSTS_POLICY_TIME, and takes a host that is refused off its link. Its name is kept for as
 * long as the host has a prefix from here, also over restarts. */
void hosts_policy(struct ha *ha, const uint8_t mac[6], const struct sdb_policy *p, usec_t now);
/* The name that the database has said; NULL: none. And what an earlier run knew of that. */
const struct sdb_mn_id *hosts_learned(const struct ha *ha, const uint8_t mac[6]);
void hosts_restore(struct ha *ha, const uint8_t mac[6], const struct sdb_mn_id *id, usec_t now);
void hosts_free(struct ha *ha);
/* The name that it has with other routers (RFC 4283), else its address (RFC 8371 4.2). */
struct sdb_mn_id hosts_name(const struct ha *ha, const uint8_t mac[6]);
/* Two interfaces of one host: it has a name in the table, with several addresses. */
bool hosts_same(const struct ha *ha, const uint8_t a[6], const uint8_t b[6]);
/* The name in a message; whether that is a host's; and all addresses that go by the name there.
 * Returns how many. */
void hosts_put_name(const struct ha *ha, const uint8_t mac[6], struct mh_opts *ret);
bool hosts_is_named(const struct ha *ha, const uint8_t mac[6], const struct mh_opts *o);
unsigned int hosts_named(const struct ha *ha, const struct mh_opts *o,
			 uint8_t ret[HA_HOST_LINKS][6]);
unsigned int hosts_with_name(const struct ha *ha, const struct sdb_mn_id *id,
			     uint8_t ret[HA_HOST_LINKS][6]);

#endif
