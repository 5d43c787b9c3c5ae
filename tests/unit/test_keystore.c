/* SPDX-License-Identifier: BSD-2-Clause */
/* A daemon that gave a key out and was killed: with the real files. Its binding goes on, its time
 * stamps count, what was dropped stays dropped. */
/* links: the home agent without its edges ($(ha_core) in Makefile.am), ha-agent/store.c and the
 * files behind it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/sys/clock.h"
#include "ha-agent/store.h"
#include "tests/unit/keys_world.h"

static struct world w;
static char dir[64];
static struct leasedb *db;
static struct recfile *bindings, *keys;
static struct store *store;

/* ---- ops that write ---- */

static int op_lease_store(void *ctx, const struct ha_lease_record *r, bool durable)
{
	(void)ctx;
	return store_lease(store, r, durable);
}

static void op_binding_store(void *ctx, struct ha_binding_record *r)
{
	(void)ctx;
	store_binding(store, r);
}

static void op_binding_forget(void *ctx, const struct in6_addr *hoa, uint32_t place)
{
	(void)ctx;
	store_forget_binding(store, hoa, place);
}

static int op_sa_store(void *ctx, struct sa_record *r)
{
	(void)ctx;
	return store_key(store, r);
}

static void op_sa_forget(void *ctx, uint32_t spi, uint32_t place)
{
	(void)ctx;
	store_forget_key(store, spi, place);
}

static void open_files(void)
{
	char why[512];

	if (leasedb_open(dir, why, sizeof(why), &db) < 0 ||
	    bindfile_open(dir, why, sizeof(why), &bindings) < 0 ||
	    keyfile_open(dir, why, sizeof(why), &keys) < 0)
		fail_msg("%s", why);
	assert_int_equal(store_new(db, bindings, keys, &w.f.timers, &store), 0);
}

/* As the daemon starts; its clock is the machine's. */
static void start(void)
{
	memset(&w, 0, sizeof(w));
	log_set_sink(world_quiet, NULL);
	fake_config(&w.f, POOL);
	w.f.cfg.n_keys = 0;
	w.f.now = clock_now();
	w.f.wall_us = clock_wall_us();
	w.f.random = (uint64_t)getpid();
	w.ops = fake_ops;
	w.ops.lease_store = op_lease_store;
	w.ops.binding_store = op_binding_store;
	w.ops.binding_forget = op_binding_forget;
	w.ops.sa_store = op_sa_store;
	w.ops.sa_forget = op_sa_forget;
	open_files();
	world_begin(&w);
	assert_int_equal(store_restore(store, &w.f.ha, w.f.now), 0);
}

static void stop(void)
{
	ha_free(&w.f.ha);
	store_free(store);
	recfile_close(bindings);
	recfile_close(keys);
	leasedb_close(db);
	timers_free(&w.f.timers);
	auth_key_wipe(&w.f.keys[0].auth);
	auth_key_wipe(&w.f.keys[1].auth);
}

/* What the mobile node was told, from the daemon that is killed. */
struct told {
	struct boot_response newer, older;
	uint64_t stamp;
	int64_t wall_us;
};

/* The host has two keys, moves with the newer one, and the daemon is killed. */
static void run_and_die(int out)
{
	struct told t;
	struct ha_key k;

	start();
	fake_rs(&w.f, IF, mac_a, "::", 255);
	world_peer(&w, HOA, BOOT_ON_LINK, "");
	if (world_request(&w) != BOOTSTRAP_ISSUED)
		_exit(1);
	t.older = w.response;
	if (world_request(&w) != BOOTSTRAP_ISSUED)
		_exit(1);
	t.newer = w.response;
	k = world_key(&t.newer);
	t.stamp = ntp_time(w.f.wall_us);
	t.wall_us = w.f.wall_us;
	if (world_bu(&w, (struct bu){ .src = COA, .hoa = HOA, .seq = 7, .lifetime = 100,
				      .key = &k, .mesg_id = t.stamp }) != BA_ACCEPTED ||
	    write(out, &t, sizeof(t)) != (ssize_t)sizeof(t))
		_exit(1);
	raise(SIGKILL);
}

static int begin(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "%s/dmip6-keystore-XXXXXX", P_tmpdir);
	return mkdtemp(dir) ? 0 : -1;
}

static int end(void **state)
{
	static const char *const names[] = {
		"had.db", "had.db-wal", "had.db-shm", "had.lock", "had.bindings", "had.keys",
	};
	char path[128];

	(void)state;
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	return rmdir(dir);
}

static struct told killed(void)
{
	struct told t;
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		run_and_die(fds[1]);
	close(fds[1]);
	assert_int_equal(read(fds[0], &t, sizeof(t)), sizeof(t));
	close(fds[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return t;
}

static void after_a_kill(void **state)
{
	struct told t = killed();
	struct ha_key k = world_key(&t.newer), old = world_key(&t.older);
	struct in6_addr hoa = addr(HOA);
	const struct binding *b;

	(void)state;
	start();
	b = ha_bound_find(&w.f.ha, &hoa);
	assert_non_null(b);
	assert_int_equal(b->spi, t.newer.spi);
	/* Said before the kill: not a second time, with whatever number. */
	assert_int_equal(world_bu(&w, (struct bu){ .src = COA_2, .hoa = HOA, .seq = 7,
						   .lifetime = 100, .key = &k,
						   .mesg_id = t.stamp }), BA_ID_MISMATCH);
	assert_int_equal(world_bu(&w, (struct bu){ .src = COA_2, .hoa = HOA, .seq = 8,
						   .lifetime = 100, .key = &k,
						   .mesg_id = t.stamp + 1 }), BA_ACCEPTED);
	/* The older one died with the first use of this. */
	assert_int_equal(world_bu(&w, (struct bu){ .src = COA, .hoa = HOA, .seq = 9,
						   .lifetime = 100, .key = &old,
						   .mesg_id = t.stamp + 2 }), SILENCE);
	stop();
	/* Stopped in order: the same. */
	start();
	assert_non_null(ha_bound_find(&w.f.ha, &hoa));
	assert_int_equal(w.f.ha.sas.n, 1);
	assert_int_equal(w.f.ha.sas.by_spi->timestamp, t.stamp + 1);
	assert_true(w.f.ha.sas.by_spi->until > w.f.now + 6 * 86400 * USEC_S);
	stop();
	auth_key_wipe(&k.auth);
	auth_key_wipe(&old.auth);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(after_a_kill, begin, end),
	};

	return cmocka_run_group_tests_name("keystore", tests, NULL, NULL);
}
