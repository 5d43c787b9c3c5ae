/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What outlives the daemon: leases in the database, at once where it must be, otherwise
 * gathered for a moment and written in one transaction, the last word on each row only;
 * bindings and keys in their files, at once. Converts between the clock of the daemon and that of
 * the wall.
 */
#ifndef DMIP6_HA_STORE_H
#define DMIP6_HA_STORE_H

#include "ha-agent/bindfile.h"
#include "ha-agent/ha.h"
#include "ha-agent/keyfile.h"
#include "ha-agent/leasedb.h"

struct store;

int store_new(struct leasedb *db, struct recfile *bindings, struct recfile *keys,
	      struct timers *timers, struct store **ret);
/* Writes what is waiting, and forgets it. Database and files stay the caller's. */
void store_free(struct store *s);
int store_lease(struct store *s, const struct ha_lease_record *r, bool durable);
void store_binding(struct store *s, struct ha_binding_record *r);	/* sets r->place */
void store_forget_binding(struct store *s, const struct in6_addr *hoa, uint32_t place);
int store_key(struct store *s, struct sa_record *r);			/* sets r->place */
void store_forget_key(struct store *s, uint32_t spi, uint32_t place);
void store_floor(struct store *s, uint64_t floor);	/* of time stamps: past.h */
/* NULL, or why leases (bindings, keys) could not be written the last time. */
const char *store_trouble(const struct store *s);
const char *store_binding_trouble(const struct store *s);
const char *store_key_trouble(const struct store *s);
void store_home(struct store *s, const struct ha_home_record *r);
void store_forget_home(struct store *s, const struct in6_prefix *prefix);
/* Hands the homes of an earlier run to the home agent; the rest comes after the data path
 * knows them. */
int store_restore_homes(struct store *s, struct ha *ha, usec_t now);
/* Hands the leases, then the keys, then the bindings of an earlier run to the home agent. */
int store_restore(struct store *s, struct ha *ha, usec_t now);

#endif
