/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The database of leases, in the state directory. In SQLite, as sdb_sqlite.c.
 * Times of the records are microseconds of the wall clock here; store.c converts.
 */
#ifndef DMIP6_HA_LEASEDB_H
#define DMIP6_HA_LEASEDB_H

#include "ha-agent/ha.h"

struct leasedb;

/* Opens or makes DIR/had.db, for this process alone. 0, or negative errno with a sentence
 * in `why`: -EBUSY another daemon works there; -EROFS it cannot be written; -EUCLEAN it is
 * damaged, not ours or of a newer version. A file that is refused is left as it is. */
int leasedb_open(const char *dir, char *why, size_t why_len, struct leasedb **ret);
void leasedb_close(struct leasedb *db);

/* Each writes at once, or within the transaction that was begun. 0 or negative errno. */
/* durable: on the disk when the commit returns 0, a loss of power included; otherwise a kill
 * of the daemon loses nothing, and nothing is waited for. */
int leasedb_begin(struct leasedb *db, bool durable);
int leasedb_commit(struct leasedb *db);
void leasedb_rollback(struct leasedb *db);
/* Each replaces the row of the same prefix. */
int leasedb_put_home(struct leasedb *db, const struct ha_home_record *r);
int leasedb_del_home(struct leasedb *db, const struct in6_prefix *prefix);
int leasedb_put_lease(struct leasedb *db, const struct ha_lease_record *r);

int leasedb_each_home(struct leasedb *db, void (*fn)(void *ctx, const struct ha_home_record *r),
		      void *ctx);
/* Leases in the order of their ends. -EUCLEAN: a row cannot be understood. */
int leasedb_each_lease(struct leasedb *db, void (*fn)(void *ctx, const struct ha_lease_record *r),
		       void *ctx);
const char *leasedb_error(const struct leasedb *db);	/* of the last call that failed */

#endif
