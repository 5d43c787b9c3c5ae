/* SPDX-License-Identifier: BSD-2-Clause */
/* links: mn-agent/store.c and the mobile node without its edges, common/sys/file.c
 * common/sys/clock.c (-ljansson -lcrypto) */
/*
 * The anchors on disk: what is written is found again, whatever a file says nothing is broken by
 * it, and what cannot be used is kept for people.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/sys/clock.h"
#include "common/sys/file.h"
#include "mn-agent/bootstrap.h"
#include "mn-agent/mnd.h"
#include "mn-agent/mn_private.h"
#include "tests/unit/mn_fake.h"

static struct mnd d;
static struct dp null_dp;
static char dir[] = "test_mnstore.XXXXXX";
static char path[64], aside[80], keys[64], other[64], logged[2048];

static int dump(struct dp *dp, void (*fn)(void *ctx, const struct dp_binding *b), void *ctx)
{
	const struct dp_binding b = { .inner = { .addr = kernel_addr(1), .len = 128 } };

	(void)dp;
	fn(ctx, &b);
	return 0;
}

static const struct dp_ops dp_ops = { .name = "fake", .dump = dump };

static void keep_log(void *ctx, enum log_level level, const char *line)
{
	size_t n = strlen(logged);

	(void)ctx;
	(void)level;
	snprintf(logged + n, sizeof(logged) - n, "%s\n", line);
}

static struct mn *fresh(void)
{
	mn_free(&d.mn, false);
	mn_init(&d.mn, &the_world.cfg, &ops, &the_world, &the_world.timers);
	logged[0] = '\0';
	return &d.mn;
}

static int begin(void **state)
{
	int r = setup(state);

	the_world.now = clock_now();
	memset(&d, 0, sizeof(d));
	null_dp.ops = &dp_ops;
	d.dp = &null_dp;
	d.state_dir = dir;
	mn_init(&d.mn, &the_world.cfg, &ops, &the_world, &the_world.timers);
	log_set_sink(keep_log, NULL);
	logged[0] = '\0';
	return r;
}

static int end(void **state)
{
	(void)unlink(path);
	(void)unlink(aside);
	(void)unlink(keys);
	(void)unlink(other);
	mn_free(&d.mn, false);
	return teardown(state);
}

static void add(unsigned int router, bool is_away, usec_t valid, usec_t bound)
{
	struct mn_restore r = {
		.prefix = { .addr = prefix_of(router), .len = 64 }, .hoa = kernel_addr(router),
		.ha = ha_of(router), .coa = kernel_addr(9), .away = is_away, .seq = 65535,
		.valid_until = the_world.now + valid, .bound_until = the_world.now + bound,
	};

	assert_int_equal(mn_restore(&d.mn, &r, the_world.now), 0);
}

static void write_file(const char *text)
{
	assert_int_equal(file_replace(path, text, strlen(text)), 0);
}

static char *read_file(const char *name)
{
	char *text;
	size_t len;

	return file_read(name, 1024 * 1024, &text, &len) == 0 ? text : NULL;
}

/* The file with the first `from` in it replaced. */
static void edit(const char *from, const char *to)
{
	char *text = read_file(path), *at, out[8192];

	assert_non_null(text);
	at = strstr(text, from);
	assert_non_null(at);
	snprintf(out, sizeof(out), "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	free(text);
	write_file(out);
}

static void assert_set_aside(const char *why)
{
	struct stat st;

	mnd_store_load(&d);
	assert_int_equal(d.mn.n_anchors, 0);
	assert_non_null(strstr(logged, why));
	assert_non_null(strstr(logged, "anchors.json"));
	assert_int_equal(stat(aside, &st), 0);
	assert_int_not_equal(stat(path, &st), 0);
}

static void what_is_written_is_found(void **state)
{
	struct in6_addr away_hoa = kernel_addr(1), home_hoa = kernel_addr(2);
	const struct anchor *a;

	(void)state;
	add(1, true, 3600 * S, 300 * S);
	add(2, false, 7200 * S, 0);
	assert_int_equal(mnd_store_save(&d), 0);
	fresh();
	mnd_store_load(&d);
	assert_int_equal(d.mn.n_anchors, 2);
	a = mn_find_anchor(&d.mn, &away_hoa);
	assert_true(anchor_away(a));
	assert_true(a->tunnelled);	/* as the data path says */
	assert_int_equal(a->seq, 65535);
	assert_int_equal(a->valid_until, the_world.now + 3600 * S);
	assert_int_equal(a->bound_until, the_world.now + 300 * S);
	a = mn_find_anchor(&d.mn, &home_hoa);
	assert_false(anchor_away(a));
	assert_false(a->tunnelled);
}

/* After a restart no older stamp is sent, and no home agent has to say its time once more. An
 * earlier version has written nothing of that. */
static void time_stamps_are_kept(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct anchor *a;

	(void)state;
	add(1, true, 3600 * S, 300 * S);
	a = (struct anchor *)mn_find_anchor(&d.mn, &hoa);
	a->timestamps = true;
	a->timestamp = UINT64_C(0xfedcba9876543210);
	a->clock_ahead = UINT64_C(0xffffffff00000001);
	assert_int_equal(mnd_store_save(&d), 0);
	fresh();
	mnd_store_load(&d);
	a = (struct anchor *)mn_find_anchor(&d.mn, &hoa);
	assert_true(a->timestamps);
	assert_true(a->timestamp == UINT64_C(0xfedcba9876543210));
	assert_true(a->clock_ahead == UINT64_C(0xffffffff00000001));
	edit("\"timestamp\": \"f", "\"timestamp\": \"+");
	edit("\"clock_ahead\"", "\"nothing\"");
	edit("\"timestamps\"", "\"something\"");
	fresh();
	mnd_store_load(&d);
	a = (struct anchor *)mn_find_anchor(&d.mn, &hoa);
	assert_false(a->timestamps);
	assert_true(a->timestamp == 0 && a->clock_ahead == 0);
}

/* Somebody sets the clock: what the boot clock says counts. */
static void the_wall_clock_is_set(void **state)
{
	struct in6_addr hoa = kernel_addr(1);

	(void)state;
	add(1, true, 3600 * S, 300 * S);
	assert_int_equal(mnd_store_save(&d), 0);
	edit("\"valid_until\": 1", "\"valid_until\": -1");
	edit("\"bound_until\": 1", "\"bound_until\": 991");
	fresh();
	mnd_store_load(&d);
	assert_int_equal(mn_find_anchor(&d.mn, &hoa)->valid_until, the_world.now + 3600 * S);
	assert_int_equal(mn_find_anchor(&d.mn, &hoa)->bound_until, the_world.now + 300 * S);
}

/* After the next boot: who was away is told off, who was at home is forgotten. */
static void another_boot(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	const struct anchor *a;

	(void)state;
	add(1, true, 3600 * S, 300 * S);
	add(2, false, 7200 * S, 0);
	add(3, true, 3600 * S, 300 * S);
	assert_int_equal(mnd_store_save(&d), 0);
	edit("\"boot\": \"", "\"boot\": \"x");
	edit("\"valid_until_us\"", "\"nothing\"");
	fresh();
	mnd_store_load(&d);
	assert_int_equal(d.mn.n_anchors, 2);
	a = mn_find_anchor(&d.mn, &hoa);
	assert_in_range(a->valid_until, the_world.now + 3598 * S, the_world.now + 3602 * S);
	assert_in_range(a->bound_until, the_world.now + 298 * S, the_world.now + 302 * S);
}

static void what_ran_out_is_left_behind(void **state)
{
	(void)state;
	add(1, true, 1, 1);
	assert_int_equal(mnd_store_save(&d), 0);
	fresh();
	usleep(10);
	mnd_store_load(&d);
	assert_int_equal(d.mn.n_anchors, 0);
	assert_string_equal(logged, "");
}

static void no_file(void **state)
{
	(void)state;
	mnd_store_load(&d);
	assert_int_equal(d.mn.n_anchors, 0);
	assert_string_equal(logged, "");
}

static void damaged(void **state)
{
	(void)state;
	write_file("");
	assert_set_aside("kept as");
	logged[0] = '\0';
	add(1, true, 3600 * S, 300 * S);
	assert_int_equal(mnd_store_save(&d), 0);
	assert_int_equal(truncate(path, 200), 0);
	fresh();
	assert_set_aside("line ");
	write_file("[]");
	assert_set_aside("schema 0");
	write_file("{\"schema\":1,\"anchors\":{}}");
	assert_set_aside("no list of anchors");
	write_file("\xff\xfe\x00");
	assert_set_aside("kept as");
}

/* A newer program has written it: it may want it back. */
static void another_schema(void **state)
{
	static const char text[] = "{\"schema\":7,\"anchors\":[{\"hoa\":\"2001:db8::1\"}]}";
	char *kept;

	(void)state;
	write_file(text);
	assert_set_aside("schema 7; expected 1");
	kept = read_file(aside);
	assert_string_equal(kept, text);
	free(kept);
}

static void too_large(void **state)
{
	(void)state;
	write_file("{");
	assert_int_equal(truncate(path, 2 * 1024 * 1024), 0);
	assert_set_aside("File too large");
}

/* One entry is nonsense: the others are used, and people are told. */
static void nonsense_among_good_ones(void **state)
{
	static const char *const from[] = {
		"\"hoa\": \"2001", "\"prefix\": \"2001", "\"sequence\": 65535", "\"ha\": \"2001",
		"\"hoa\": \"2001:db8:2:", "\"coa\": \"::",
	};
	static const char *const to[] = {
		"\"hoa\": \"fe80", "\"prefix\": \"2002", "\"sequence\": 65536", "\"ha\": \"ff02",
		"\"hoa\": \"2001:db8:7:", "\"coa\": \"nothing",
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
		fresh();
		add(1, true, 3600 * S, 300 * S);
		add(2, true, 3600 * S, 300 * S);
		assert_int_equal(mnd_store_save(&d), 0);
		edit(from[i], to[i]);
		fresh();
		mnd_store_load(&d);
		assert_int_equal(d.mn.n_anchors, 1);
		assert_non_null(strstr(logged, "1 of its addresses"));
	}
}

/* The same one a hundred times. */
static void a_hundred_times(void **state)
{
	char *text, *all, *at, *close;
	size_t len;

	(void)state;
	add(1, true, 3600 * S, 300 * S);
	assert_int_equal(mnd_store_save(&d), 0);
	text = read_file(path);
	at = strchr(strstr(text, "\"anchors\""), '{');
	close = strchr(at, '}');
	len = (size_t)(close - at + 1);
	all = calloc(100, len + 1024);
	assert_non_null(all);
	sprintf(all, "%.*s", (int)(at - text), text);
	for (unsigned int i = 0; i < 99; i++)
		sprintf(all + strlen(all), "%.*s,", (int)len, at);
	sprintf(all + strlen(all), "%s", at);
	write_file(all);
	free(all);
	free(text);
	fresh();
	mnd_store_load(&d);
	assert_int_equal(d.mn.n_anchors, 1);
	assert_non_null(strstr(logged, "99 of its addresses"));
}

/* The disk does not take it: told once, and again when it does. */
static void not_written(void **state)
{
	char *text;

	(void)state;
	add(1, true, 3600 * S, 300 * S);
	assert_int_equal(mnd_store_save(&d), 0);
	d.state_dir = "/nonexistent/folder";
	logged[0] = '\0';
	assert_int_equal(mnd_store_save(&d), -ENOENT);
	assert_int_equal(d.save_error, -ENOENT);
	assert_non_null(strstr(logged, "not written: No such file"));
	logged[0] = '\0';
	assert_int_equal(mnd_store_save(&d), -ENOENT);
	assert_string_equal(logged, "");
	d.state_dir = dir;
	assert_int_equal(mnd_store_save(&d), 0);
	assert_non_null(strstr(logged, "written again"));
	assert_int_equal(d.save_error, 0);
	text = read_file(path);
	assert_non_null(text);
	free(text);
}

#define M(f) cmocka_unit_test_setup_teardown(f, begin, end)

/* --- keys that home agents gave --------------------------------------------------- */

static void add_key(unsigned int router, uint32_t spi, usec_t life)
{
	struct bootstrap_record r = {
		.spi = spi, .prefix = { .addr = prefix_of(router), .len = 64 },
		.ha = ha_of(router), .mode = BOOT_ON_LINK, .until = the_world.now + life,
		.renew_at = the_world.now + life / 2,
	};

	the_world.cfg.n_keys = 0;
	the_world.cfg.key_modes = (struct boot_modes){ .n = 1, .mode = { BOOT_ON_LINK } };
	memset(r.secret, 0xa5, sizeof(r.secret));
	assert_int_equal(bootstrap_restore(&d.mn, &r, the_world.now), 0);
}

static void load(void)
{
	fresh();
	mnd_store_load(&d);
	mnd_keys_load(&d);
}

static void keys_are_found(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	const struct anchor *a;
	struct stat st;

	(void)state;
	add(1, true, 3600 * S, 300 * S);
	add_key(1, 0x01234567, 1000 * S);
	assert_int_equal(mnd_store_save(&d), 0);
	assert_int_equal(stat(keys, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	load();
	a = mn_find_anchor(&d.mn, &hoa);
	assert_non_null(a->key);
	assert_int_equal(a->key->spi, 0x01234567);
	assert_int_equal(a->key->secret_len, BOOT_KEY_LEN);
	assert_int_equal(a->key->secret[31], 0xa5);
	assert_true(a->timestamps);
	assert_int_equal(d.mn.sas->mode, BOOT_ON_LINK);
	assert_int_equal(d.mn.sas->until, the_world.now + 1000 * S);
	assert_int_equal(d.mn.sas->renew_at, the_world.now + 500 * S);
	/* Nothing of it is in a log. */
	assert_null(strstr(logged, "a5a5"));
}

/* By the wall clock, when the other one began anew. */
static void keys_after_a_boot(void **state)
{
	char *text, *at;

	(void)state;
	add(1, true, 3600 * S, 300 * S);
	add_key(1, 0x01234567, 1000 * S);
	assert_int_equal(mnd_store_save(&d), 0);
	text = read_file(keys);
	at = strchr(text, '\n');
	at[-1] = at[-1] == 'x' ? 'y' : 'x';		/* of the boot's identity */
	assert_int_equal(file_replace(keys, text, strlen(text)), 0);
	free(text);
	load();
	assert_non_null(d.mn.sas);
	assert_in_range(d.mn.sas->until, the_world.now + 998 * S, the_world.now + 1002 * S);
}

/* Who has the disk afterwards finds zeros, whether the key was replaced or forgotten. */
static void keys_are_wiped(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	char *text;
	size_t len;

	(void)state;
	add(1, true, 3600 * S, 300 * S);
	add_key(1, 0x01234567, 1000 * S);
	assert_int_equal(mnd_store_save(&d), 0);
	assert_int_equal(link(keys, other), 0);		/* the file itself, whatever its name */
	anchor_give_up(mn_anchor(&d.mn, &hoa), "for the test", the_world.now);
	bootstrap_reconfigured(&d.mn, the_world.now);
	assert_null(d.mn.sas);
	assert_int_equal(mnd_store_save(&d), 0);
	assert_int_not_equal(access(keys, F_OK), 0);
	assert_int_equal(file_read(other, 65536, &text, &len), 0);
	assert_true(len > 100);
	for (size_t n = 0; n < len; n++)
		assert_int_equal(text[n], 0);
	free(text);
}

static void keys_that_are_nonsense(void **state)
{
	static const char *const bad[] = {
		"", "something else\n", "dmip6-mn-keys 2 -\n1 2 3\n", "dmip6-mn-keys 1 -\n1 2 3\n",
		"dmip6-mn-keys 1 -\n16777217 2001:db8::/64 2001:db8::1 telepathy 1 1 1 1 00\n",
		"dmip6-mn-keys 1 -\n16777217 2001:db8::/64 2001:db8::1 psk 1 1 99999999999 1 zz\n",
		"dmip6-mn-keys 1 -\n\n\n\377\n",
	};

	(void)state;
	the_world.cfg.key_modes = (struct boot_modes){ .n = 1, .mode = { BOOT_PSK } };
	for (size_t n = 0; n < sizeof(bad) / sizeof(bad[0]); n++) {
		add(1, true, 3600 * S, 300 * S);
		assert_int_equal(file_replace(keys, bad[n], strlen(bad[n])), 0);
		mnd_keys_load(&d);
		assert_null(d.mn.sas);
		/* And what could not be used is not kept. */
		assert_int_equal(mnd_store_save(&d), 0);
		assert_int_not_equal(access(keys, F_OK), 0);
		fresh();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		M(what_is_written_is_found), M(time_stamps_are_kept), M(the_wall_clock_is_set),
		M(another_boot),
		M(what_ran_out_is_left_behind), M(no_file), M(damaged), M(another_schema),
		M(too_large), M(nonsense_among_good_ones), M(a_hundred_times), M(not_written),
		M(keys_are_found), M(keys_after_a_boot), M(keys_are_wiped),
		M(keys_that_are_nonsense),
	};
	int r;

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/anchors.json", dir);
	snprintf(aside, sizeof(aside), "%s.damaged", path);
	snprintf(keys, sizeof(keys), "%s/keys", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	(void)rmdir(dir);
	return r;
}
