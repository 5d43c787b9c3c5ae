/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is to be written to the database: at once where it must be, otherwise gathered for
 * a moment and written in one transaction, the last word on each row only. Converts
 * between the clock of the daemon and that of the wall.
 */
#ifndef DMIP6_HA_STORE_H
#define DMIP6_HA_STORE_H

#include "ha-agent/ha.h"
#include "ha-agent/leasedb.h"

struct store;

int store_new(struct leasedb *db, struct timers *timers, struct store **ret);
/* Writes what is waiting, and forgets it. The database stays the caller's. */
void store_free(struct store *s);
int store_lease(struct store *s, const struct ha_lease_record *r, bool durable);
void store_binding(struct store *s, const struct ha_binding_record *r);
void store_forget_binding(struct store *s, const struct in6_addr *hoa);
/* NULL, or why the database could not be written the last time. */
const char *store_trouble(const struct store *s);
/* Hands the leases, then the bindings of the database to the home agent. */
int store_restore(struct store *s, struct ha *ha, usec_t now);

#endif
