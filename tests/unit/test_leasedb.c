/* SPDX-License-Identifier: BSD-2-Clause */
/* The database of leases: what is written is there again, what is damaged is
 * refused and left alone. */
/* links: ha-agent/{leasedb,sqlite}.c common/core/in6.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ha-agent/leasedb.h"

struct place {
	char dir[64], file[96];
	char why[512];
};

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	snprintf(p->dir, sizeof(p->dir), "%s/dmip6-leasedb-XXXXXX", P_tmpdir);
	if (!mkdtemp(p->dir))
		return -1;
	snprintf(p->file, sizeof(p->file), "%s/had.db", p->dir);
	*state = p;
	return 0;
}

static int drop_place(void **state)
{
	static const char *const names[] = { "had.db", "had.db-wal", "had.db-shm", "had.lock" };
	struct place *p = *state;
	char path[128];

	for (unsigned int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", p->dir, names[i]);
		unlink(path);
	}
	rmdir(p->dir);
	free(p);
	return 0;
}

static struct leasedb *must_open(struct place *p)
{
	struct leasedb *db = NULL;

	if (leasedb_open(p->dir, p->why, sizeof(p->why), &db) < 0)
		fail_msg("%s", p->why);
	return db;
}

static struct ha_lease_record lease(uint8_t n, const char *prefix, int64_t until_s)
{
	struct ha_lease_record r = {
		.mac = { 2, 0, 0, 0, 0, n }, .interface = "lan0", .attached = true,
		.until = until_s * USEC_S,
	};

	assert_int_equal(in6_prefix_parse(prefix, &r.prefix), 0);
	assert_int_equal(in6_parse("fe80::5", &r.linklocal), 0);
	return r;
}

struct seen {
	unsigned int n;
	struct ha_lease_record leases[8];
};

static void see_lease(void *ctx, const struct ha_lease_record *r)
{
	struct seen *s = ctx;

	assert_true(s->n < 8);
	s->leases[s->n++] = *r;
}

static void survives_a_restart(void **state)
{
	struct ha_lease_record a = lease(1, "2001:db8:1:101::/64", 3000000000);
	struct ha_lease_record b = lease(2, "2001:db8:1:102::/64", 2000000000);
	struct leasedb *db = must_open(*state);
	struct seen s = { 0 };

	a.name = (struct sdb_mn_id){ .subtype = 1, .len = SDB_MN_ID_MAX };
	memset(a.name.data, 0xa7, a.name.len);
	assert_int_equal(leasedb_put_lease(db, &a), 0);
	assert_int_equal(leasedb_put_lease(db, &b), 0);
	leasedb_close(db);

	db = must_open(*state);
	assert_int_equal(leasedb_each_lease(db, see_lease, &s), 0);
	assert_int_equal(s.n, 2);
	assert_memory_equal(&s.leases[0].mac, &b.mac, 6);	/* ends first */
	assert_true(in6_prefix_eq(&s.leases[1].prefix, &a.prefix));
	assert_memory_equal(&s.leases[1].mac, &a.mac, 6);
	assert_true(sdb_mn_id_eq(&s.leases[1].name, &a.name));
	assert_int_equal(s.leases[0].name.len, 0);
	assert_string_equal(s.leases[1].interface, "lan0");
	assert_true(in6_eq(&s.leases[1].linklocal, &a.linklocal));
	assert_true(s.leases[1].attached);
	assert_true(s.leases[1].until == a.until);
	leasedb_close(db);
}

/* A process that is killed right after the commit has lost nothing. */
static void survives_a_kill(void **state)
{
	struct ha_lease_record a = lease(1, "2001:db8:1:101::/64", 3000000000);
	struct ha_lease_record b = lease(2, "2001:db8:1:102::/64", 3000000000);
	struct seen s = { 0 };
	struct leasedb *db;
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct place *p = *state;

		if (leasedb_open(p->dir, p->why, sizeof(p->why), &db) < 0 ||
		    leasedb_begin(db, true) < 0 || leasedb_put_lease(db, &a) < 0 ||
		    leasedb_commit(db) < 0 || leasedb_begin(db, false) < 0 ||
		    leasedb_put_lease(db, &b) < 0)
			_exit(1);
		_exit(0);	/* no close, the second transaction open */
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	db = must_open(*state);
	assert_int_equal(leasedb_each_lease(db, see_lease, &s), 0);
	assert_int_equal(s.n, 1);
	assert_memory_equal(s.leases[0].mac, a.mac, 6);
	leasedb_close(db);
}

/* Whoever comes later has the prefix; a host may have one of each of its home links. */
static void one_prefix_one_host(void **state)
{
	struct ha_lease_record a = lease(1, "2001:db8:1:101::/64", 100);
	struct leasedb *db = must_open(*state);
	struct seen s = { 0 };

	assert_int_equal(leasedb_put_lease(db, &a), 0);
	a.mac[5] = 2;					/* the prefix passes on */
	assert_int_equal(leasedb_put_lease(db, &a), 0);
	assert_int_equal(leasedb_each_lease(db, see_lease, &s), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.leases[0].mac[5], 2);
	in6_prefix_parse("2001:db8:2:205::/64", &a.prefix);
	assert_int_equal(leasedb_put_lease(db, &a), 0);
	s.n = 0;
	assert_int_equal(leasedb_each_lease(db, see_lease, &s), 0);
	assert_int_equal(s.n, 2);
	leasedb_close(db);
}

static void see_home(void *ctx, const struct ha_home_record *r)
{
	struct ha_home_record *seen = ctx;

	seen[r->cfg.mode == HOME_SHARED] = *r;
}

static void homes_are_kept(void **state)
{
	struct ha_home_record a = { .cfg = { .deprecated = true } }, b, seen[2] = { 0 };
	struct leasedb *db = must_open(*state);

	in6_prefix_parse("2001:db8:1:100::/56", &a.cfg.prefix);
	in6_parse("2001:db8:1:100::1", &a.cfg.address);
	b = a;
	b.cfg.mode = HOME_SHARED;
	b.cfg.deprecated = false;
	memcpy(b.cfg.interface, "lan1", 5);
	in6_prefix_parse("2001:db8:5:500::/64", &b.cfg.prefix);
	b.lifetime_s = 3600;
	b.until = 1234 * USEC_S;
	assert_int_equal(leasedb_put_home(db, &b), 0);
	assert_int_equal(leasedb_put_home(db, &a), 0);
	assert_int_equal(leasedb_put_home(db, &a), 0);
	leasedb_close(db);
	db = must_open(*state);
	assert_int_equal(leasedb_each_home(db, see_home, seen), 0);
	assert_true(in6_prefix_eq(&seen[0].cfg.prefix, &a.cfg.prefix));
	assert_true(in6_eq(&seen[0].cfg.address, &a.cfg.address));
	assert_string_equal(seen[0].cfg.interface, "");
	assert_true(seen[0].cfg.deprecated);
	assert_int_equal(seen[0].until, 0);
	assert_string_equal(seen[1].cfg.interface, "lan1");
	assert_int_equal(seen[1].lifetime_s, 3600);
	assert_int_equal(seen[1].until, b.until);
	assert_int_equal(leasedb_del_home(db, &a.cfg.prefix), 0);
	memset(seen, 0, sizeof(seen));
	assert_int_equal(leasedb_each_home(db, see_home, seen), 0);
	assert_int_equal(seen[0].cfg.prefix.len, 0);
	leasedb_close(db);
}

/* As earlier versions of the program made it. */
#define COLUMNS	" interface TEXT NOT NULL, linklocal TEXT NOT NULL, attached INTEGER NOT NULL," \
	" until INTEGER NOT NULL) STRICT, WITHOUT ROWID;" \
	"INSERT INTO lease VALUES ('2001:db8:1:101::/64', '02:00:00:00:00:01', 'lan0'," \
	" '::', 1, 100); PRAGMA application_id = 1684892016;"

static void of_an_earlier_version(void **state)
{
	static const char *const texts[] = {
		"CREATE TABLE lease (prefix TEXT NOT NULL PRIMARY KEY, mac TEXT NOT NULL UNIQUE,"
		COLUMNS "PRAGMA user_version = 1;",
		"CREATE TABLE lease (prefix TEXT NOT NULL PRIMARY KEY, mac TEXT NOT NULL,"
		COLUMNS "CREATE TABLE home (prefix TEXT NOT NULL PRIMARY KEY, shared INTEGER NOT NULL,"
		" address TEXT NOT NULL, interface TEXT NOT NULL, deprecated INTEGER NOT NULL,"
		" lifetime INTEGER NOT NULL, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
		"PRAGMA user_version = 2;",
	};
	struct ha_lease_record a = lease(1, "2001:db8:2:201::/64", 100);
	struct leasedb *db;
	char path[256];
	sqlite3 *old;

	snprintf(path, sizeof(path), "%s/had.db", (const char *)*state);
	for (unsigned int i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct seen s = { 0 };

		assert_int_equal(sqlite3_open(path, &old), SQLITE_OK);
		assert_int_equal(sqlite3_exec(old, texts[i], NULL, NULL, NULL), SQLITE_OK);
		sqlite3_close(old);
		db = must_open(*state);
		assert_int_equal(leasedb_put_lease(db, &a), 0);
		assert_int_equal(leasedb_each_lease(db, see_lease, &s), 0);
		assert_int_equal(s.n, 2);
		assert_int_equal(s.leases[0].name.len, 0);
		leasedb_close(db);
		db = must_open(*state);		/* and it is no longer of that version */
		leasedb_close(db);
		assert_int_equal(remove(path), 0);
	}
}

static void second_daemon_is_refused(void **state)
{
	struct place *p = *state;
	struct leasedb *db = must_open(p), *other = NULL;

	assert_int_equal(leasedb_open(p->dir, p->why, sizeof(p->why), &other), -EBUSY);
	assert_non_null(strstr(p->why, "another home agent"));
	assert_null(other);
	leasedb_close(db);
	leasedb_close(must_open(p));
}

static void write_file(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static size_t read_file(const char *path, uint8_t *room, size_t cap)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(room, 1, cap, f);
	fclose(f);
	return n;
}

static void refused_and_untouched(struct place *p, int err, const char *word)
{
	static uint8_t before[1 << 20], after[1 << 20];
	size_t n = read_file(p->file, before, sizeof(before));
	struct leasedb *db = NULL;

	assert_int_equal(leasedb_open(p->dir, p->why, sizeof(p->why), &db), err);
	assert_null(db);
	if (!strstr(p->why, word))
		fail_msg("%s", p->why);
	assert_int_equal(read_file(p->file, after, sizeof(after)), n);
	assert_memory_equal(before, after, n);
}

static void not_a_database(void **state)
{
	struct place *p = *state;
	char junk[4096];

	memset(junk, 'x', sizeof(junk));
	write_file(p->file, junk, sizeof(junk));
	refused_and_untouched(p, -EUCLEAN, "damaged");
}

static void damaged_in_the_middle(void **state)
{
	struct place *p = *state;
	struct leasedb *db = must_open(p);
	static uint8_t data[1 << 20];
	size_t n;

	for (unsigned int i = 1; i < 200; i++) {
		char prefix[64];
		struct ha_lease_record r;

		snprintf(prefix, sizeof(prefix), "2001:db8:1:%x::/64", 0x100 + i);
		r = lease((uint8_t)i, prefix, 100);
		assert_int_equal(leasedb_put_lease(db, &r), 0);
	}
	leasedb_close(db);
	n = read_file(p->file, data, sizeof(data));
	assert_true(n > 8192);
	memset(data + 4096, 0x5a, n - 8192);
	write_file(p->file, data, n);
	refused_and_untouched(p, -EUCLEAN, "damaged");
}

static void cut_short(void **state)
{
	struct place *p = *state;
	static uint8_t data[1 << 20];

	leasedb_close(must_open(p));
	assert_true(read_file(p->file, data, sizeof(data)) > 4096);
	write_file(p->file, data, 4096);
	refused_and_untouched(p, -EUCLEAN, "damaged");
}

static void read_only(void **state)
{
	struct place *p = *state;

	leasedb_close(must_open(p));
	assert_int_equal(chmod(p->file, 0400), 0);
	refused_and_untouched(p, -EROFS, "read-only");
}

static void of_another_version(void **state)
{
	struct place *p = *state;
	static uint8_t data[1 << 20];
	size_t n;

	leasedb_close(must_open(p));
	n = read_file(p->file, data, sizeof(data));
	data[63] = 9;			/* user_version, in the file's header */
	write_file(p->file, data, n);
	refused_and_untouched(p, -EUCLEAN, "version 9");
}

static void no_such_directory(void **state)
{
	struct place *p = *state;
	struct leasedb *db = NULL;

	assert_int_equal(leasedb_open("/nonexistent/dmip6", p->why, sizeof(p->why), &db),
			 -ENOENT);
	assert_non_null(strstr(p->why, "/nonexistent/dmip6"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(survives_a_restart, make_place, drop_place),
		cmocka_unit_test_setup_teardown(survives_a_kill, make_place, drop_place),
		cmocka_unit_test_setup_teardown(one_prefix_one_host, make_place, drop_place),
		cmocka_unit_test_setup_teardown(homes_are_kept, make_place, drop_place),
		cmocka_unit_test_setup_teardown(of_an_earlier_version, make_place, drop_place),
		cmocka_unit_test_setup_teardown(second_daemon_is_refused, make_place, drop_place),
		cmocka_unit_test_setup_teardown(not_a_database, make_place, drop_place),
		cmocka_unit_test_setup_teardown(damaged_in_the_middle, make_place, drop_place),
		cmocka_unit_test_setup_teardown(cut_short, make_place, drop_place),
		cmocka_unit_test_setup_teardown(read_only, make_place, drop_place),
		cmocka_unit_test_setup_teardown(of_another_version, make_place, drop_place),
		cmocka_unit_test_setup_teardown(no_such_directory, make_place, drop_place),
	};

	return cmocka_run_group_tests_name("leasedb", tests, NULL, NULL);
}
