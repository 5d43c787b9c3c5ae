/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of keys that were given out: nobody else reads it, what is dropped leaves no secret
 * behind, what a loss of power tore is left out. What it has in common with the file of bindings
 * is tested in test_bindfile.c. */
/* links: ha-agent/keyfile.c ha-agent/recfile.c common/core/in6.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ha-agent/keyfile.h"

#define RECORD	256

struct place {
	char dir[64], file[96];
	char why[512];
};

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	snprintf(p->dir, sizeof(p->dir), "%s/dmip6-keyfile-XXXXXX", P_tmpdir);
	if (!mkdtemp(p->dir))
		return -1;
	snprintf(p->file, sizeof(p->file), "%s/had.keys", p->dir);
	*state = p;
	return 0;
}

static int drop_place(void **state)
{
	struct place *p = *state;

	unlink(p->file);
	rmdir(p->dir);
	free(p);
	return 0;
}

static struct recfile *must_open(struct place *p)
{
	struct recfile *f = NULL;

	if (keyfile_open(p->dir, p->why, sizeof(p->why), &f) < 0)
		fail_msg("%s", p->why);
	return f;
}

static struct sa_record key(uint8_t n)
{
	struct sa_record r = {
		.spi = BOOT_SPI_FIRST + n, .mode = BOOT_PSK, .mn_id = "mn1.example",
		.issued = 1700000000 * USEC_S, .until = 1800000000 * USEC_S + 7,
		.timestamp = UINT64_C(0xe1234567) << 32 | 9, .used = n % 2 == 1,
		.number = 1000000 + n,
	};

	assert_int_equal(in6_prefix_parse("2001:db8:1:100::/64", &r.prefix), 0);
	r.prefix.addr.s6_addr[7] = n;
	assert_int_equal(in6_parse("2001:db8:1:100::1", &r.ha), 0);
	memset(r.secret, 0xa0 + n, sizeof(r.secret));
	return r;
}

struct seen {
	unsigned int n;
	struct sa_record records[16];
};

static void see(void *ctx, const struct sa_record *r)
{
	struct seen *s = ctx;

	assert_true(s->n < 16);
	s->records[s->n++] = *r;
}

static struct seen *read_back(struct recfile *f, int broken)
{
	static struct seen s;

	s.n = 0;
	assert_int_equal(keyfile_each(f, see, &s), broken);
	return &s;
}

static void assert_same(const struct sa_record *a, const struct sa_record *b)
{
	assert_int_equal(a->spi, b->spi);
	assert_true(in6_prefix_eq(&a->prefix, &b->prefix) && in6_eq(&a->ha, &b->ha));
	assert_int_equal(a->mode, b->mode);
	assert_string_equal(a->mn_id, b->mn_id);
	assert_memory_equal(a->secret, b->secret, sizeof(a->secret));
	assert_true(a->issued == b->issued && a->until == b->until);
	assert_true(a->timestamp == b->timestamp && a->number == b->number);
	assert_int_equal(a->used, b->used);
	assert_int_equal(a->place, b->place);
}

/* Does that secret stand anywhere in the file? */
static bool holds(const struct place *p, const struct sa_record *r)
{
	static uint8_t all[64 * RECORD];
	int fd = open(p->file, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, all, sizeof(all));
	close(fd);
	assert_true(n > 0);
	/* Half of it would be too much as well. */
	return memmem(all, (size_t)n, r->secret, sizeof(r->secret) / 2);
}

static void survives_a_kill(void **state)
{
	struct place *p = *state;
	struct sa_record a = key(1), b = key(2);
	pid_t pid = fork();
	struct recfile *f;
	struct seen *s;

	assert_true(pid >= 0);
	if (pid == 0) {
		f = must_open(p);
		if (keyfile_put(f, &a) == 0 && keyfile_put(f, &b) == 0)
			raise(SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	f = must_open(p);
	s = read_back(f, 0);
	assert_int_equal(s->n, 2);
	a.place = s->records[0].place;
	b.place = s->records[1].place;
	assert_same(&s->records[0], &a);
	assert_same(&s->records[1], &b);
	recfile_close(f);
}

static void nobody_else_reads_it(void **state)
{
	struct place *p = *state;
	mode_t mask = umask(0);
	struct stat st;

	recfile_close(must_open(p));
	assert_int_equal(stat(p->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* Put back by hand, and readable for everybody. */
	assert_int_equal(chmod(p->file, 0644), 0);
	recfile_close(must_open(p));
	assert_int_equal(stat(p->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	umask(mask);
}

static void what_is_dropped_leaves_nothing_behind(void **state)
{
	struct place *p = *state;
	struct recfile *f = must_open(p);
	struct sa_record a = key(1), b = key(2), old = a;

	assert_int_equal(keyfile_put(f, &a), 0);
	assert_int_equal(keyfile_put(f, &b), 0);
	assert_true(holds(p, &a) && holds(p, &b));
	/* Another secret in its place: not beside the old one. */
	memset(a.secret, 0x77, sizeof(a.secret));
	assert_int_equal(keyfile_put(f, &a), 0);
	assert_false(holds(p, &old));
	assert_int_equal(recfile_drop(f, a.place), 0);
	assert_false(holds(p, &a));
	assert_true(holds(p, &b));
	assert_int_equal(read_back(f, 0)->n, 1);
	recfile_close(f);
}

static void change_octet(const struct place *p, off_t at)
{
	int fd = open(p->file, O_RDWR | O_CLOEXEC);
	uint8_t c;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &c, 1, at), 1);
	c ^= 0x40;
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	close(fd);
}

/* Whichever octet it is; and what is left of a secret goes. */
static void torn_records_are_left_out(void **state)
{
	struct place *p = *state;
	struct recfile *f = must_open(p);
	struct sa_record a = key(1), b = key(2);

	assert_int_equal(keyfile_put(f, &a), 0);
	assert_int_equal(keyfile_put(f, &b), 0);
	for (off_t at = RECORD; at < 2 * RECORD; at++) {
		struct seen *s;

		change_octet(p, at);
		s = read_back(f, 1);
		assert_int_equal(s->n, 1);
		assert_same(&s->records[0], &b);
		assert_false(holds(p, &a));
		assert_int_equal(read_back(f, 0)->n, 1);
		a.place = 1;
		assert_int_equal(keyfile_put(f, &a), 0);
	}
	assert_int_equal(read_back(f, 0)->n, 2);
	recfile_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(survives_a_kill, make_place, drop_place),
		cmocka_unit_test_setup_teardown(nobody_else_reads_it, make_place, drop_place),
		cmocka_unit_test_setup_teardown(what_is_dropped_leaves_nothing_behind, make_place,
						drop_place),
		cmocka_unit_test_setup_teardown(torn_records_are_left_out, make_place, drop_place),
	};

	return cmocka_run_group_tests_name("keyfile", tests, NULL, NULL);
}
