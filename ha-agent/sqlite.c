/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small questions to SQLite, and its errors as ours. Owns nothing; called by leasedb.c and
 * sdb_sqlite.c.
 */
#include "ha-agent/sqlite.h"

#include <errno.h>
#include <string.h>

int sqlite_errno(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return 0;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:		/* WAL begun by several processes at once */
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	default:
		return -EIO;
	}
}

int sqlite_int(sqlite3 *s, const char *text, int *ret)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(s, text, -1, &st, NULL);

	if (rc != SQLITE_OK)
		return sqlite_errno(rc);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? 0 : rc == SQLITE_DONE ? -EIO : sqlite_errno(rc);
}

int sqlite_expect(sqlite3 *s, const char *text, const char *expected)
{
	const char *value;
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(s, text, -1, &st, NULL), err;

	if (rc != SQLITE_OK)
		return sqlite_errno(rc);
	rc = sqlite3_step(st);
	err = sqlite_errno(rc);
	value = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : NULL;
	if (err == 0 && (!value || strcmp(value, expected) != 0))
		err = -EUCLEAN;
	sqlite3_finalize(st);
	return err;
}
