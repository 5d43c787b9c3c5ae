/* SPDX-License-Identifier: BSD-2-Clause */
/* What both databases in SQLite, leases and sessions, ask of it in one way. */
#ifndef DMIP6_HA_SQLITE_H
#define DMIP6_HA_SQLITE_H

#include <sqlite3.h>
#include <stddef.h>

/* 0 for what is no error; -EBUSY, -EACCES, -EROFS, -ENOSPC, -ENOMEM, -EUCLEAN (damaged, or no
 * database), else -EIO. */
int sqlite_errno(int rc);
/* The first column of the first row, as a number. 0 or negative errno. */
int sqlite_int(sqlite3 *s, const char *text, int *ret);
/* 0: the first row is this text; -EUCLEAN: it is another. */
int sqlite_expect(sqlite3 *s, const char *text, const char *expected);

#endif
