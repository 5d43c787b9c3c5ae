/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of the session database in SQLite, and what is asked of them. For sdb_sqlite.c
 * only. */
#ifndef DMIP6_HA_SDB_SQLITE_TEXT_H
#define DMIP6_HA_SDB_SQLITE_TEXT_H

#define APPLICATION_ID	1684892019	/* "dmis"; the leases' is "dmip" */
#define VERSION		1
#define TEXT_OF(x)	#x
#define TEXT(x)		TEXT_OF(x)
#define TRIM_MAX	"64"		/* rows that a writing removes at most */

enum statement {
	BEGIN, COMMIT, ROLLBACK, GET_ONE, GET_MN, GET_PREFIX, PUT, SET_UNTIL, ADD_CHANGE,
	LOG_ENDS, CHANGES, GET_POLICY, TRIM_LOG, TRIM_SESSIONS, GET_RUN, SET_RUN,
	STATEMENT_MAX
};

static const char *const sql[STATEMENT_MAX] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[GET_ONE] = "SELECT record, until, mn, prefix FROM session WHERE mn = ?1 AND prefix = ?2"
		    " AND until > ?3",
	[GET_MN] = "SELECT record, until, mn, prefix FROM session WHERE mn = ?1 AND until > ?2"
		   " ORDER BY prefix",
	[GET_PREFIX] = "SELECT record, until, mn, prefix FROM session WHERE prefix = ?1"
		       " AND mn <> ?2 AND until > ?3",
	[PUT] = "REPLACE INTO session (mn, prefix, record, until) VALUES (?1, ?2, ?3, ?4)",
	[SET_UNTIL] = "UPDATE session SET until = ?3 WHERE mn = ?1 AND prefix = ?2",
	[ADD_CHANGE] = "INSERT INTO change (record) VALUES (?1)",
	[LOG_ENDS] = "SELECT (SELECT seq FROM change ORDER BY seq LIMIT 1),"
		     " (SELECT seq FROM sqlite_sequence WHERE name = 'change')",
	[CHANGES] = "SELECT seq, record FROM change WHERE seq > ?1 ORDER BY seq LIMIT ?2",
	[GET_POLICY] = "SELECT mn, access FROM policy WHERE mac = ?1",
	[TRIM_LOG] = "DELETE FROM change WHERE seq IN (SELECT seq FROM change WHERE seq <= ?1"
		     " ORDER BY seq LIMIT " TRIM_MAX ")",
	[TRIM_SESSIONS] = "DELETE FROM session WHERE (mn, prefix) IN (SELECT mn, prefix FROM session"
			  " WHERE until <= ?1 LIMIT " TRIM_MAX ")",
	[GET_RUN] = "SELECT run FROM about",
	[SET_RUN] = "UPDATE about SET run = ?1",
};

static const char schema[] =
	"CREATE TABLE about (run INTEGER NOT NULL) STRICT;"
	"INSERT INTO about VALUES (1 + abs(random() % 9223372036854775806));"
	"CREATE TABLE session ("
	" mn TEXT NOT NULL,"
	" prefix TEXT NOT NULL,"
	" record TEXT NOT NULL,"	/* sdb_record_str() */
	" until INTEGER NOT NULL,"	/* milliseconds of the epoch */
	" PRIMARY KEY (mn, prefix)"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX session_prefix ON session (prefix);"
	"CREATE INDEX session_until ON session (until);"
	"CREATE TABLE change ("
	" seq INTEGER PRIMARY KEY AUTOINCREMENT,"
	" record TEXT NOT NULL"
	") STRICT;"
	"CREATE TABLE policy ("		/* the operator's: INSERT INTO policy VALUES */
	" mac TEXT NOT NULL PRIMARY KEY,"	/* ('02:00:00:00:00:01', */
	" mn TEXT NOT NULL,"			/* '1:a@example.com', */
	" access TEXT NOT NULL"			/* 'allowed') */
	") STRICT, WITHOUT ROWID;"
	"PRAGMA application_id = " TEXT(APPLICATION_ID) ";"
	"PRAGMA user_version = " TEXT(VERSION) ";"
	"COMMIT;";

#endif
