/* SPDX-License-Identifier: BSD-2-Clause */
/* The session database in Redis: the suite of all backends, and what servers can suffer. Each test
 * has real servers of its own; without one installed there is nothing to test. */
/* links: ha-agent/sdb.c ha-agent/sdb_call.c ha-agent/sdb_redis.c ha-agent/sdb_redis_link.c
 * ha-agent/sdb_redis_lua.c common/core/backoff.c common/core/in6.c common/core/timer.c
 * common/sys/clock.c common/sys/file.c common/sys/loop.c common/sys/tls.c
 * common/sys/tls_context.c common/sys/tls_peer.c common/sys/tls_send.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/authority.h"
#include "tests/unit/sdb_redis_server.h"
#include "tests/unit/sdb_suite.h"

#define BARE	"--port|%d|--bind|127.0.0.1|--save||--appendonly|no|--repl-diskless-sync-delay|0"

static struct server one, two, three;
static char address[3][32];
static const char *addresses[3] = { address[0], address[1], address[2] };

static void set_policy(const char *mac, const char *mn, const char *access)
{
	char key[64], value[256];

	snprintf(key, sizeof(key), "{dmip6}:policy:%s", mac);
	snprintf(value, sizeof(value), "%s %s", mn, access);
	assert_non_null(strstr(server_say(&one, "SET", key, value, NULL), "OK"));
}

static void spoil(const struct sdb_record *r, const char *text)
{
	char key[512], value[1024];

	snprintf(key, sizeof(key), "{dmip6}:mn:%s", sdb_mn_id_str(&r->mn_id).s);
	snprintf(value, sizeof(value), "%lld %s", (long long)clock_wall_us() / 1000 + 60000, text);
	assert_non_null(strstr(server_say(&one, "HSET", key, in6_prefix_str(&r->prefix).s, value,
					  NULL), ":0"));
}

static struct sdb_backend redis_backend = {
	.ops = &sdb_redis, .set_policy = set_policy, .spoil = spoil,
};

/* A loop, and no server yet. */
static int bare_setup(void **state)
{
	(void)state;
	server_init(&one, "redis-server");
	snprintf(address[0], sizeof(address[0]), "127.0.0.1:%d", one.port);
	backend = &redis_backend;
	backend->cfg = (struct sdb_config){ .servers = addresses, .n_servers = 1 };
	return loop_new(&sdb_loop);
}

static int sdb_setup(void **state)
{
	int err = bare_setup(state);

	server_start(&one, BARE, one.port);
	return err;
}

static int sdb_teardown(void **state)
{
	(void)state;
	loop_free(sdb_loop);
	server_drop(&one);
	server_drop(&two);
	server_drop(&three);
	return 0;
}

#define BARE_TEST(f)	cmocka_unit_test_setup_teardown(f, bare_setup, sdb_teardown)

static bool wait_reset(const struct asked *q, enum sdb_reset what, usec_t most)
{
	usec_t end = clock_now() + most;

	while (q->resets[what] == 0 && clock_now() < end)
		sdb_wait(NULL, 0, 20 * USEC_MS);
	return q->resets[what] > 0;
}

static struct sdb *open_unconnected(struct asked *events)
{
	char why[SDB_WHY_MAX] = "";
	int err;
	struct sdb *db = sdb_try_open(ANCHOR_A, events, why, &err);

	if (err < 0)
		fail_msg("%s", why);
	return db;
}

static const char *health_of(struct sdb *db)
{
	static struct sdb_health h;

	backend->ops->health(db, &h);
	return h.why;
}

/* ---- the server ends ---- */

static void nobody_is_there(void **state)
{
	struct sdb_record r = sdb_record(ANCHOR_A, 1, 1, 1);
	struct asked events = { 0 }, q = { 0 };
	struct sdb *db = open_unconnected(&events);
	(void)state;
	/* Nobody waits for the deadline to be told: that would be -ETIMEDOUT. */
	assert_int_equal(sdb_get(db, &r.mn_id, &q), -ENOTCONN);
	assert_int_equal(sdb_put(db, &r, &q), -ENOTCONN);
	assert_false(sdb_is_ok(db));
	assert_non_null(strstr(health_of(db), "cannot be reached"));
	server_start(&one, BARE, one.port);
	assert_true(sdb_wait_ok(db, true, 10 * USEC_S));
	assert_int_equal(sdb_put(db, &r, &q), 0);
	assert_int_equal(events.resets[SDB_RESET_SERVER] + events.resets[SDB_RESET_LINK], 0);
	sdb_close(db);
}

static void killed_and_restarted(void **state)
{
	struct sdb_record r = sdb_record(ANCHOR_A, 1, 1, 1);
	struct asked events = { 0 }, q = { 0 };
	struct sdb *db;
	struct sdb_cursor at;

	(void)state;
	server_start(&one, "--port|%d|--bind|127.0.0.1|--save||--appendonly|yes|--appendfsync|always",
		     one.port);
	db = sdb_open(ANCHOR_A, &events);
	assert_int_equal(sdb_put(db, &r, &q), 0);
	at = sdb_now(db);
	server_kill(&one, SIGKILL);
	assert_true(sdb_wait_ok(db, false, SOON));
	sdb_wait(NULL, 0, 300 * USEC_MS);
	assert_int_equal(sdb_get(db, &r.mn_id, &q), -ENOTCONN);
	server_start(&one, "--port|%d|--bind|127.0.0.1|--save||--appendonly|yes|--appendfsync|always",
		     one.port);
	assert_true(sdb_wait_ok(db, true, 10 * USEC_S));
	/* Another run: what it has lost is not known, so the owner asserts. */
	assert_int_equal(events.resets[SDB_RESET_SERVER], 1);
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	assert_int_equal(q.a.n_records, 1);
	assert_int_equal(sdb_put(db, &r, &q), 0);
	assert_int_equal(sdb_ask_watch(db, at, SOON, &q), -ERANGE);
	sdb_close(db);
}

static void restarted_empty(void **state)
{
	struct sdb_record r = sdb_record(ANCHOR_A, 1, 1, 1);
	struct asked events = { 0 }, q = { 0 };
	struct sdb *db = sdb_open(ANCHOR_A, &events);

	(void)state;
	assert_int_equal(sdb_put(db, &r, &q), 0);
	server_kill(&one, SIGKILL);
	server_start(&one, BARE, one.port);
	assert_true(wait_reset(&events, SDB_RESET_RESTORED, 10 * USEC_S));
	assert_true(sdb_wait_ok(db, true, SOON));
	assert_int_equal(sdb_ask_renew(db, &r, &q), -ENOENT);
	assert_int_equal(sdb_put(db, &r, &q), 0);
	sdb_close(db);
}

/* The link is cut, the server goes on. */
static void link_is_cut(void **state)
{
	struct sdb_record r = sdb_record(ANCHOR_A, 1, 1, 1);
	struct asked events = { 0 }, q = { 0 };
	struct sdb *db = sdb_open(ANCHOR_A, &events);
	struct sdb_cursor at = sdb_now(db);

	(void)state;
	assert_int_equal(sdb_put(db, &r, &q), 0);
	sdb_wait(NULL, 0, 1100 * USEC_MS);
	server_say(&one, "CLIENT", "KILL", "TYPE", "normal", NULL);
	assert_true(wait_reset(&events, SDB_RESET_LINK, SOON));
	assert_int_equal(events.resets[SDB_RESET_SERVER], 0);
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	assert_int_equal(q.a.n_records, 1);
	/* The watcher goes on where it was. */
	assert_int_equal(sdb_ask_watch(db, at, SOON, &q), 0);
	assert_int_equal(q.a.n_records, 1);
	sdb_close(db);
}

static void emptied_by_hand(void **state)
{
	struct sdb_record r = sdb_record(ANCHOR_A, 1, 1, 1);
	struct asked events = { 0 }, q = { 0 };
	struct sdb *db = sdb_open(ANCHOR_A, &events);
	struct sdb_cursor at = sdb_now(db);

	(void)state;
	assert_int_equal(sdb_put(db, &r, &q), 0);
	server_say(&one, "FLUSHALL", NULL);
	server_say(&one, "SCRIPT", "FLUSH", NULL);
	assert_int_equal(sdb_ask_watch(db, at, SOON, &q), -ERANGE);
	assert_int_equal(events.resets[SDB_RESET_RESTORED], 1);
	assert_int_equal(sdb_ask_renew(db, &r, &q), -ENOENT);
	assert_int_equal(sdb_put(db, &r, &q), 0);
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	assert_int_equal(q.a.n_records, 1);
	sdb_close(db);
}

/* A server that hangs: deadlines hold, late answers are dropped, and it is given up. */
static void stopped(void **state)
{
	static struct asked more[4 * SDB_CALLS_MAX];
	struct sdb_record r = sdb_record(ANCHOR_A, 1, 1, 1);
	struct asked events = { 0 }, q = { 0 }, p = { 0 };
	struct sdb *db = sdb_open(ANCHOR_A, &events);
	struct sdb_health h;
	usec_t start;
	unsigned int taken = 0;

	(void)state;
	assert_int_equal(sdb_put(db, &r, &q), 0);
	kill(one.pid, SIGSTOP);
	q.n = 0;
	start = clock_now();
	r.version.counter = 2;
	assert_int_equal(backend->ops->put_if_version(db, &r, true, start + 100 * USEC_MS, sdb_done,
						      &q), 0);
	assert_int_equal(backend->ops->get_mn(db, &r.mn_id, start + 200 * USEC_MS, sdb_done, &p), 0);
	assert_true(sdb_wait(&q, 1, SOON));
	assert_true(clock_now() - start >= 100 * USEC_MS);
	assert_int_equal(q.a.err, -ETIMEDOUT);
	assert_true(sdb_wait(&p, 1, SOON));
	assert_true(clock_now() - start >= 200 * USEC_MS);
	assert_int_equal(p.a.err, -ETIMEDOUT);
	/* It comes back: the answers are late. What timed out in time has not been written. */
	kill(one.pid, SIGCONT);
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	assert_int_equal(q.records[0].version.counter, 1);
	backend->ops->health(db, &h);
	assert_int_equal(h.late, 2);
	assert_int_equal(h.timeouts, 2);
	/* Again, and for long: as many as there may be, then no more; and the link is given up. */
	kill(one.pid, SIGSTOP);
	start = clock_now();
	while (taken < 4 * SDB_CALLS_MAX) {
		int err = backend->ops->get_mn(db, &r.mn_id, clock_now() + 20 * USEC_MS, sdb_done,
					       &more[taken]);

		if (err == 0 && ++taken % SDB_CALLS_MAX == 0)
			assert_true(sdb_wait(&more[taken - 1], 1, SOON));
		if (err == -EBUSY)
			break;
		assert_int_equal(err, 0);
	}
	assert_int_equal(taken, 2 * SDB_CALLS_MAX);
	assert_true(sdb_wait_ok(db, false, 10 * USEC_S));
	assert_true(clock_now() - start >= USEC_S);
	assert_non_null(strstr(health_of(db), "does not answer"));
	assert_int_equal(backend->ops->get_mn(db, &r.mn_id, clock_now() + 50 * USEC_MS, sdb_done, &p),
			 0);
	kill(one.pid, SIGCONT);
	assert_true(sdb_wait_ok(db, true, 10 * USEC_S));
	assert_int_equal(events.resets[SDB_RESET_LINK], 1);
	assert_int_equal(sdb_put(db, &r, &q), 0);
	sdb_close(db);
}

/* ---- yesterday's dump ---- */

static void copy_dump(const char *from, const char *to)
{
	char path[128];
	static char room[1 << 16];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", one.dir, from);
	f = fopen(path, "rb");
	assert_non_null(f);
	n = fread(room, 1, sizeof(room), f);
	fclose(f);
	snprintf(path, sizeof(path), "%s/%s", one.dir, to);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(room, 1, n, f), n);
	fclose(f);
}

static void restored_from_a_dump(void **state)
{
	struct sdb_record r = sdb_record(ANCHOR_A, 1, 1, 1), s = sdb_record(ANCHOR_A, 2, 2, 1);
	struct asked events = { 0 }, q = { 0 };
	struct sdb *db = sdb_open(ANCHOR_A, &events);
	struct sdb_cursor at;

	(void)state;
	assert_int_equal(sdb_put(db, &r, &q), 0);
	assert_int_equal(sdb_put(db, &s, &q), 0);
	assert_non_null(strstr(server_say(&one, "SAVE", NULL), "OK"));
	copy_dump("dump.rdb", "yesterday.rdb");
	/* Today: one has moved on, one is released. */
	r.version.counter = 2;
	assert_int_equal(sdb_put(db, &r, &q), 0);
	s.version.counter = 2;
	assert_int_equal(sdb_ask_del(db, &s, &q), 0);
	s.state = SDB_RELEASED;
	at = sdb_now(db);
	server_kill(&one, SIGKILL);
	copy_dump("yesterday.rdb", "dump.rdb");
	server_start(&one, BARE, one.port);
	assert_true(wait_reset(&events, SDB_RESET_SERVER, 10 * USEC_S));
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	assert_int_equal(q.records[0].version.counter, 1);
	assert_int_equal(sdb_ask_renew(db, &r, &q), -ESTALE);
	assert_int_equal(sdb_ask_watch(db, at, SOON, &q), -ERANGE);
	/* The owner asserts what it has, its tombstones too. */
	assert_int_equal(sdb_put(db, &r, &q), 0);
	assert_int_equal(sdb_put(db, &s, &q), 0);
	assert_int_equal(sdb_get(db, &s.mn_id, &q), 0);
	assert_int_equal(q.records[0].state, SDB_RELEASED);
	sdb_close(db);
}

/* ---- replicas ---- */

static void start_replica(void)
{
	server_init(&two, "redis-server");
	snprintf(address[1], sizeof(address[1]), "127.0.0.1:%d", two.port);
	backend->cfg.n_servers = 2;
	server_start(&two, BARE "|--replicaof|127.0.0.1|%d", two.port, one.port);
	server_await(&two, "INFO", "replication", "master_link_status:up");
	/* And has said so to the master, which hears of it once a second. */
	server_say(&one, "SET", "hello", "replica", NULL);
	for (int i = 0; i < 200; i++) {
		const char *replica = strstr(server_say(&one, "INFO", "replication", NULL), "slave0:");

		if (replica && strstr(replica, "state=online") && !strstr(replica, ",offset=0,"))
			return;
		usleep(20000);
	}
	fail_msg("the master does not see its replica");
}

/* A replica is passed over; what is durable is there too when the call is answered. */
static void durable_means_a_replica(void **state)
{
	struct sdb_record r = sdb_record(ANCHOR_A, 1, 1, 1);
	struct asked events = { 0 }, q = { 0 };
	struct sdb_health h;
	struct sdb *db;
	const char *swap;
	usec_t start;

	(void)state;
	start_replica();
	swap = addresses[0];
	addresses[0] = addresses[1];
	addresses[1] = swap;
	backend->cfg.replicas = 1;
	db = sdb_open(ANCHOR_A, &events);
	swap = addresses[0];
	addresses[0] = addresses[1];
	addresses[1] = swap;
	for (unsigned int i = 1; i <= 20; i++) {
		r.version.counter = i;
		assert_int_equal(sdb_put(db, &r, &q), 0);
		assert_true(q.a.durable);
	}
	assert_non_null(strstr(server_say(&two, "HGETALL", "{dmip6}:mn:1:mn1@example.com", NULL),
			       ".0000000000000014"));
	/* Without it the call is answered all the same, and says so. */
	kill(two.pid, SIGSTOP);
	r.version.counter = 21;
	start = clock_now();
	assert_int_equal(sdb_put(db, &r, &q), 0);
	assert_false(q.a.durable);
	assert_true(clock_now() - start >= 400 * USEC_MS);
	backend->ops->health(db, &h);
	assert_int_equal(h.not_durable, 1);
	assert_true(h.ok);
	/* Waiting for a replica holds up nobody else. */
	r.version.counter = 22;
	q = (struct asked){ 0 };
	assert_int_equal(backend->ops->put_if_version(db, &r, true, clock_now() + SOON, sdb_done, &q),
			 0);
	sdb_wait(NULL, 0, 50 * USEC_MS);
	{
		struct asked p = { 0 };

		assert_int_equal(sdb_get(db, &r.mn_id, &p), 0);
		assert_int_equal(p.records[0].version.counter, 22);
	}
	assert_int_equal(q.n, 0);
	assert_true(sdb_wait(&q, 1, SOON));
	assert_false(q.a.durable);
	kill(two.pid, SIGCONT);
	sdb_close(db);
}

/* The replica is cut off, writes go on, then the master dies and the replica is promoted: what
 * was not durable is lost, and the owner writes it again. */
static void promoted_replica(void **state)
{
	struct sdb_record kept = sdb_record(ANCHOR_A, 1, 1, 1), lost = sdb_record(ANCHOR_A, 2, 2, 1);
	struct asked events = { 0 }, q = { 0 };
	struct sdb *db;
	struct sdb_cursor at;

	(void)state;
	start_replica();
	backend->cfg.replicas = 1;
	db = sdb_open(ANCHOR_A, &events);
	assert_int_equal(sdb_put(db, &kept, &q), 0);
	assert_true(q.a.durable);
	/* Cut: it asks a master that is not there. */
	server_say(&two, "REPLICAOF", "127.0.0.1", "1", NULL);
	assert_int_equal(sdb_put(db, &lost, &q), 0);
	assert_false(q.a.durable);
	kept.version.counter = 2;
	assert_int_equal(sdb_put(db, &kept, &q), 0);
	at = sdb_now(db);
	server_kill(&one, SIGKILL);
	assert_true(sdb_wait_ok(db, false, SOON));
	server_say(&two, "REPLICAOF", "NO", "ONE", NULL);
	assert_true(wait_reset(&events, SDB_RESET_SERVER, 10 * USEC_S));
	assert_int_equal(sdb_get(db, &kept.mn_id, &q), 0);
	assert_int_equal(q.a.n_records, 1);
	assert_int_equal(q.records[0].version.counter, 1);
	assert_int_equal(sdb_get(db, &lost.mn_id, &q), 0);
	assert_int_equal(q.a.n_records, 0);
	assert_int_equal(sdb_ask_watch(db, at, SOON, &q), -ERANGE);
	at = q.a.cursor;
	assert_int_equal(sdb_put(db, &kept, &q), 0);
	assert_int_equal(sdb_put(db, &lost, &q), 0);
	assert_int_equal(sdb_ask_watch(db, at, SOON, &q), 0);
	assert_int_equal(q.a.n_records, 2);
	sdb_close(db);
}

/* It becomes a replica under our hands. */
static void demoted_master(void **state)
{
	struct sdb_record r = sdb_record(ANCHOR_A, 1, 1, 1);
	struct asked events = { 0 }, q = { 0 };
	struct sdb *db;

	(void)state;
	start_replica();
	db = sdb_open(ANCHOR_A, &events);
	assert_int_equal(sdb_put(db, &r, &q), 0);
	server_say(&two, "REPLICAOF", "NO", "ONE", NULL);
	{
		char port[16];

		snprintf(port, sizeof(port), "%d", two.port);
		server_say(&one, "REPLICAOF", "127.0.0.1", port, NULL);
	}
	r.version.counter = 2;
	assert_true(sdb_put(db, &r, &q) < 0);
	assert_true(wait_reset(&events, SDB_RESET_SERVER, 10 * USEC_S));
	assert_int_equal(sdb_put(db, &r, &q), 0);
	assert_non_null(strstr(server_say(&two, "HGETALL", "{dmip6}:mn:1:mn1@example.com", NULL),
			       ".0000000000000002"));
	sdb_close(db);
}

static void by_sentinel(void **state)
{
	struct sdb_record r = sdb_record(ANCHOR_A, 1, 1, 1);
	struct asked events = { 0 }, q = { 0 };
	char path[128];
	struct sdb *db;
	FILE *f;

	(void)state;
	start_replica();
	server_init(&three, "redis-sentinel");
	snprintf(path, sizeof(path), "%s/sentinel.conf", three.dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "port %d\nbind 127.0.0.1\ndir %s\nsentinel monitor net 127.0.0.1 %d 1\n"
		"sentinel down-after-milliseconds net 500\nsentinel failover-timeout net 2000\n",
		three.port, three.dir, one.port);
	fclose(f);
	server_start(&three, "sentinel.conf|--sentinel");
	server_await(&three, "SENTINEL", "masters", "num-slaves\r\n$1\r\n1");
	/* Not a Sentinel, then the Sentinel. */
	snprintf(address[0], sizeof(address[0]), "127.0.0.1:1");
	snprintf(address[1], sizeof(address[1]), "127.0.0.1:%d", three.port);
	backend->cfg.sentinel_master = "nobody";
	db = open_unconnected(&events);
	sdb_wait(NULL, 0, 300 * USEC_MS);
	assert_non_null(strstr(health_of(db), "knows no master \"nobody\""));
	sdb_close(db);
	backend->cfg.sentinel_master = "net";
	backend->cfg.replicas = 1;
	db = sdb_open(ANCHOR_A, &events);
	assert_int_equal(sdb_put(db, &r, &q), 0);
	assert_true(q.a.durable);
	server_kill(&one, SIGKILL);
	assert_true(wait_reset(&events, SDB_RESET_SERVER, 30 * USEC_S));
	assert_true(sdb_wait_ok(db, true, SOON));
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	assert_int_equal(q.a.n_records, 1);
	assert_int_equal(sdb_put(db, &r, &q), 0);
	sdb_close(db);
}

/* ---- who may ---- */

static void passwords(void **state)
{
	struct sdb_record r = sdb_record(ANCHOR_A, 1, 1, 1);
	struct asked events = { 0 }, q = { 0 };
	struct sdb *db;

	(void)state;
	/* What a man page can tell an operator to allow, and no more. */
	server_say(&one, "ACL", "SETUSER", "mar", "on", ">secret", "~{dmip6}:*", "resetchannels",
		   "-@all", "+@scripting", "+@connection", "+info", "+role", NULL);
	server_say(&one, "ACL", "SETUSER", "mar", "+time", "+hget", "+hgetall", "+hset", "+hdel", "+get",
		   "+set", "+del", "+pttl", "+pexpire", NULL);
	assert_non_null(strstr(server_say(&one, "ACL", "SETUSER", "mar", "+xadd", "+xrange",
					  "+xrevrange", "+xread", "+wait", NULL), "OK"));
	backend->cfg.user = "mar";
	backend->cfg.password = "wrong";
	db = open_unconnected(&events);
	sdb_wait(NULL, 0, 300 * USEC_MS);
	assert_false(sdb_is_ok(db));
	assert_non_null(strstr(health_of(db), "refuses our password"));
	assert_null(strstr(health_of(db), "wrong"));
	sdb_close(db);
	backend->cfg.password = "secret";
	db = sdb_open(ANCHOR_A, &events);
	assert_int_equal(sdb_put(db, &r, &q), 0);
	assert_int_equal(sdb_ask_renew(db, &r, &q), 0);
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	assert_int_equal(q.a.n_records, 1);
	r.version.counter++;
	assert_int_equal(sdb_ask_del(db, &r, &q), 0);
	/* Less than that: it refuses, and is not asked in a circle. */
	server_say(&one, "ACL", "SETUSER", "mar", "-hset", NULL);
	r.version.counter++;
	assert_true(sdb_put(db, &r, &q) == -EACCES || q.a.err == -EIO);
	assert_non_null(strstr(health_of(db), "refuses"));
	sdb_close(db);
	server_say(&one, "CONFIG", "SET", "requirepass", "all", NULL);
	backend->cfg.user = NULL;
	backend->cfg.password = "all";
	db = sdb_open(ANCHOR_A, NULL);
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	sdb_close(db);
}

/* Nothing works for this user: seen at the greeting, and tried later and later. */
static void not_allowed_at_all(void **state)
{
	struct asked events = { 0 };
	struct sdb *db;
	const char *stats;

	(void)state;
	server_say(&one, "ACL", "SETUSER", "mar", "on", ">secret", "~none:*", "-@all", "+info", "+role",
		   "+@connection", NULL);
	backend->cfg.user = "mar";
	backend->cfg.password = "secret";
	db = open_unconnected(&events);
	sdb_wait(NULL, 0, 2 * USEC_S);
	assert_false(sdb_is_ok(db));
	assert_non_null(strstr(health_of(db), "NOPERM"));
	sdb_close(db);
	stats = strstr(server_say(&one, "INFO", "stats", NULL), "total_connections_received:");
	assert_non_null(stats);
	assert_in_range(atoi(stats + strlen("total_connections_received:")), 3, 15);
}

static void over_tls(void **state)
{
	struct sdb_record r = sdb_record(ANCHOR_A, 1, 1, 1);
	struct authority ours, theirs;
	struct asked events = { 0 }, q = { 0 };
	struct sdb *db;
	int plain = one.port;

	(void)state;
	assert_non_null(mkdtemp(tls_dir));
	ours = tls_authority("ours", NULL);
	theirs = tls_authority("theirs", NULL);
	tls_certificate(&ours, &(struct subject){ .file = "db", .cn = "db", .san = "DNS:db.example",
						   .usage = "serverAuth", .serial = 5 });
	tls_certificate(&ours, &(struct subject){ .file = "mar", .cn = "mar", .serial = 6 });
	server_start(&one, BARE "|--tls-port|%d|--tls-cert-file|%s|--tls-key-file|%s|--tls-ca-cert-file|%s",
		     plain, one.port = server_free_port(), tls_path("db.pem"), tls_path("db.key"),
		     tls_path("ours.pem"));
	snprintf(address[0], sizeof(address[0]), "127.0.0.1:%d", one.port);
	backend->cfg.tls = true;
	backend->cfg.tls_authority = tls_path("ours.pem");
	backend->cfg.tls_name = "db.example";
	backend->cfg.tls_certificate = tls_path("mar.pem");
	backend->cfg.tls_key = tls_path("mar.key");
	db = sdb_open(ANCHOR_A, &events);
	for (unsigned int i = 1; i < 40; i++) {
		r.version.counter = i;
		assert_int_equal(sdb_put(db, &r, &q), 0);
	}
	assert_int_equal(sdb_get(db, &r.mn_id, &q), 0);
	assert_int_equal(q.a.n_records, 1);
	sdb_close(db);
	/* Not the server that was meant; of an authority that is not ours; without TLS. */
	backend->cfg.tls_name = "other.example";
	db = open_unconnected(&events);
	sdb_wait(NULL, 0, 300 * USEC_MS);
	assert_false(sdb_is_ok(db));
	assert_non_null(strstr(health_of(db), "TLS"));
	sdb_close(db);
	backend->cfg.tls_name = NULL;
	backend->cfg.tls_authority = tls_path("theirs.pem");
	db = open_unconnected(&events);
	sdb_wait(NULL, 0, 300 * USEC_MS);
	assert_false(sdb_is_ok(db));
	sdb_close(db);
	backend->cfg.tls_authority = tls_path("ours.pem");
	snprintf(address[0], sizeof(address[0]), "127.0.0.1:%d", plain);
	db = open_unconnected(&events);
	sdb_wait(NULL, 0, 300 * USEC_MS);
	assert_false(sdb_is_ok(db));
	sdb_close(db);
	tls_authority_free(&ours);
	tls_authority_free(&theirs);
	server_remove(tls_dir);
}

static void on_a_socket_file(void **state)
{
	struct sdb_record r = sdb_record(ANCHOR_A, 1, 1, 1);
	char path[128];
	const char *servers[1] = { path };
	struct asked q;
	struct sdb *db;

	(void)state;
	server_start(&one, BARE "|--unixsocket|%s/sock", one.port, one.dir);
	snprintf(path, sizeof(path), "unix:%s/sock", one.dir);
	backend->cfg.servers = servers;
	db = sdb_open(ANCHOR_A, NULL);
	assert_int_equal(sdb_put(db, &r, &q), 0);
	sdb_close(db);
}

static void wrong_configuration(void **state)
{
	static const char *const bad[] = {
		"localhost:6379", "127.0.0.1", "::1:6379", "[::1]", "[::1]:0", "[::1]:65536",
		"127.0.0.1:x", "unix:relative", "", ":", "[]:1", "127.0.0.1:6379 ",
	};
	char why[SDB_WHY_MAX];
	int err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		backend->cfg.servers = &bad[i];
		assert_null(sdb_try_open(ANCHOR_A, NULL, why, &err));
		if (err != -EINVAL || !strstr(why, "expected"))
			fail_msg("%s: %d %s", bad[i], err, why);
	}
	backend->cfg.servers = addresses;
	backend->cfg.key_prefix = "a{b}";
	assert_null(sdb_try_open(ANCHOR_A, NULL, why, &err));
	assert_int_equal(err, -EINVAL);
	backend->cfg.key_prefix = NULL;
	backend->cfg.tls = true;
	backend->cfg.tls_authority = "/nonexistent.pem";
	assert_null(sdb_try_open(ANCHOR_A, NULL, why, &err));
	assert_int_equal(err, -ENOENT);
	assert_non_null(strstr(why, "/nonexistent.pem"));
}

/* ---- who is no Redis ---- */

/* A server that says this to whoever comes, whatever is asked, in a process of its own. */
static void start_liar(struct server *s, const char *text, size_t len)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)s->port),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one_ = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one_, sizeof(one_));
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 8), 0);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid > 0) {
		close(fd);
		return;
	}
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int c = accept(fd, NULL, NULL);
		char room[4096];

		/* For ever, if need be. */
		while (recv(c, room, sizeof(room), 0) > 0 && send(c, text, len, 0) > 0)
			;
		close(c);
	}
}

static void no_redis(void **state)
{
	static char endless[65536];
	static const struct { const char *text; const char *why; } lies[] = {
		{ "SSH-2.0-OpenSSH_9.2\r\n", "no Redis" },
		{ "+OK\r\n+OK\r\n+OK\r\n", "no Redis" },
		{ "$7\r\nrun_id:\r\n*1\r\n$6\r\nmaster\r\n", "run_id" },
		{ "*2000000000\r\n", "no Redis" },
		{ "$40\r\nrun_id:zzzzzzzzzzzzzzzz\r\nxxxxxxxxxxxxxxx\r\n*0\r\n", "run_id" },
		{ "-LOADING Redis is \x1b[31mloading\r\n", "LOADING Redis is ?[31mloading" },
		/* A good greeting, and then nonsense, also unasked. */
		{ "$32\r\nrun_id:0123456789abcdef012345678\r\n*1\r\n$6\r\nmaster\r\n"
		  "*0\r\n*0\r\n*0\r\n*0\r\n*3\r\n$1\r\n1\r\n$1\r\nx\r\n$1\r\n0\r\n+OK\r\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct asked events = { 0 };
		struct sdb *db;

		start_liar(&one, lies[i].text, strlen(lies[i].text));
		db = open_unconnected(&events);
		sdb_wait(NULL, 0, 200 * USEC_MS);
		assert_false(sdb_is_ok(db));
		if (!strstr(health_of(db), lies[i].why))
			fail_msg("%zu: %s", i, health_of(db));
		sdb_close(db);
		server_kill(&one, SIGKILL);
	}
	/* A reply that has no end is not kept. */
	memset(endless, 'x', sizeof(endless));
	memcpy(endless, "$2000000000\r\n", 13);
	start_liar(&one, endless, sizeof(endless));
	{
		struct sdb *db = open_unconnected(NULL);

		sdb_wait(NULL, 0, 300 * USEC_MS);
		assert_false(sdb_is_ok(db));
		sdb_close(db);
	}
}

/* A key that has become something else. */
static void wrong_type(void **state)
{
	struct sdb_record r = sdb_record(ANCHOR_A, 1, 1, 1);
	struct sdb *db = sdb_open(ANCHOR_A, NULL);
	struct sdb_health h;
	struct asked q;

	(void)state;
	server_say(&one, "SET", "{dmip6}:mn:1:mn1@example.com", "x", NULL);
	assert_int_equal(sdb_get(db, &r.mn_id, &q), -EUCLEAN);
	assert_int_equal(sdb_put(db, &r, &q), -EUCLEAN);
	backend->ops->health(db, &h);
	assert_int_equal(h.bad, 2);
	sdb_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SDB_SUITE,
		BARE_TEST(nobody_is_there),
		BARE_TEST(killed_and_restarted),
		SDB_TEST(restarted_empty),
		SDB_TEST(link_is_cut),
		SDB_TEST(emptied_by_hand),
		SDB_TEST(stopped),
		SDB_TEST(restored_from_a_dump),
		SDB_TEST(durable_means_a_replica),
		SDB_TEST(promoted_replica),
		SDB_TEST(demoted_master),
		SDB_TEST(by_sentinel),
		SDB_TEST(passwords),
		SDB_TEST(not_allowed_at_all),
		BARE_TEST(over_tls),
		BARE_TEST(on_a_socket_file),
		BARE_TEST(wrong_configuration),
		BARE_TEST(no_redis),
		SDB_TEST(wrong_type),
	};

	if (!server_program() || !sdb_redis.close) {
		puts(!server_program() ? "1..0 # SKIP needs the Debian package redis-tools" :
		     "1..0 # SKIP built without libhiredis-dev");
		return 0;
	}
	return cmocka_run_group_tests_name("sdb_redis", tests, NULL, NULL);
}
