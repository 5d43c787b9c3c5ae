/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of bindings: what was acknowledged is there after a kill, what a loss of power
 * tore is left out, what is not ours is refused and left alone. */
/* links: ha-agent/bindfile.c ha-agent/recfile.c common/core/in6.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ha-agent/bindfile.h"

#define RECORD	64

struct place {
	char dir[64], file[96];
	char why[512];
};

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	snprintf(p->dir, sizeof(p->dir), "%s/dmip6-bindfile-XXXXXX", P_tmpdir);
	if (!mkdtemp(p->dir))
		return -1;
	snprintf(p->file, sizeof(p->file), "%s/had.bindings", p->dir);
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

	if (bindfile_open(p->dir, p->why, sizeof(p->why), &f) < 0)
		fail_msg("%s", p->why);
	return f;
}

static struct ha_binding_record binding(uint8_t n)
{
	struct ha_binding_record r = {
		.sequence = 65535, .spi = 4000000000U, .lifetime_s = 600U + n,
		.expires = 2000000000 * USEC_S + 5,
	};

	assert_int_equal(in6_parse("2001:db8:1:101::", &r.hoa), 0);
	assert_int_equal(in6_parse("2001:db8:2::9", &r.coa), 0);
	r.hoa.s6_addr[15] = n;
	return r;
}

struct seen {
	unsigned int n;
	struct ha_binding_record records[4096];
};

static void see(void *ctx, const struct ha_binding_record *r)
{
	struct seen *s = ctx;

	assert_true(s->n < sizeof(s->records) / sizeof(s->records[0]));
	s->records[s->n++] = *r;
}

static struct seen *read_back(struct recfile *f, int broken)
{
	static struct seen s;

	s.n = 0;
	assert_int_equal(bindfile_each(f, see, &s), broken);
	return &s;
}

static void assert_same(const struct ha_binding_record *a, const struct ha_binding_record *b)
{
	assert_true(in6_eq(&a->hoa, &b->hoa) && in6_eq(&a->coa, &b->coa));
	assert_int_equal(a->sequence, b->sequence);
	assert_true(a->spi == b->spi && a->expires == b->expires);
	assert_int_equal(a->lifetime_s, b->lifetime_s);
	assert_int_equal(a->place, b->place);
}

static void survives_a_restart(void **state)
{
	struct ha_binding_record a = binding(1), b = binding(2);
	struct recfile *f = must_open(*state);
	struct seen *s;

	assert_int_equal(bindfile_put(f, &a), 0);
	assert_int_equal(bindfile_put(f, &b), 0);
	assert_true(a.place != 0 && b.place != 0 && a.place != b.place);
	a.sequence = 7;
	assert_int_equal(bindfile_put(f, &a), 0);
	recfile_close(f);

	f = must_open(*state);
	s = read_back(f, 0);
	assert_int_equal(s->n, 2);
	assert_same(&s->records[0], &a);
	assert_same(&s->records[1], &b);
	recfile_close(f);
}

static void survives_a_kill(void **state)
{
	struct place *p = *state;
	struct ha_binding_record a = binding(1);
	pid_t pid = fork();
	struct recfile *f;
	struct seen *s;

	assert_true(pid >= 0);
	if (pid == 0) {
		f = must_open(p);
		if (bindfile_put(f, &a) == 0)
			raise(SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	f = must_open(p);
	s = read_back(f, 0);
	assert_int_equal(s->n, 1);
	a.place = s->records[0].place;
	assert_same(&s->records[0], &a);
	recfile_close(f);
}

static void change_octet(const struct place *p, off_t at);

/* The greatest time stamp of each, live or over, and that of those that were forgotten. */
static void time_stamps(void **state)
{
	struct place *p = *state;
	struct ha_binding_record a = binding(1), b = binding(2);
	struct recfile *f = must_open(p);
	struct seen *s;

	assert_true(recfile_number(f) == 0);
	a.timestamp = UINT64_C(0xfedcba9876543210);
	b.past = true;
	assert_int_equal(bindfile_put(f, &a), 0);
	assert_int_equal(bindfile_put(f, &b), 0);
	assert_int_equal(recfile_set_number(f, UINT64_C(0xfedcba9800000001)), 0);
	recfile_close(f);
	f = must_open(p);
	s = read_back(f, 0);
	assert_int_equal(s->n, 2);
	assert_same(&s->records[0], &a);
	assert_same(&s->records[1], &b);
	assert_true(s->records[0].timestamp == a.timestamp && !s->records[0].past);
	assert_true(s->records[1].timestamp == 0 && s->records[1].past);
	assert_true(recfile_number(f) == UINT64_C(0xfedcba9800000001));
	recfile_close(f);
	/* Torn: none is better than one that refuses everybody. */
	change_octet(p, 12);
	f = must_open(p);
	assert_true(recfile_number(f) == 0);
	assert_int_equal(read_back(f, 0)->n, 2);
	recfile_close(f);
}

/* What version 0.1 wrote: nothing of time stamps. */
static void an_earlier_version(void **state)
{
	static const uint8_t header[RECORD] = { 'p', 'b', 'm', 'd', 1 };
	struct place *p = *state;
	struct ha_binding_record a = binding(1);
	struct recfile *f = must_open(p);
	int fd;

	assert_int_equal(bindfile_put(f, &a), 0);	/* without a time stamp it is the same */
	recfile_close(f);
	fd = open(p->file, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, header, sizeof(header), 0), sizeof(header));
	close(fd);
	f = must_open(p);
	assert_true(recfile_number(f) == 0);
	assert_same(&read_back(f, 0)->records[0], &a);
	recfile_close(f);
}

static off_t size_of(const struct place *p)
{
	struct stat st;

	assert_int_equal(stat(p->file, &st), 0);
	return st.st_size;
}

/* Coming and going does not make the file grow, not over a restart either. */
static void places_are_used_again(void **state)
{
	struct place *p = *state;
	struct recfile *f = must_open(p);
	struct ha_binding_record r;
	off_t size;

	for (unsigned int i = 0; i < 3000; i++) {
		r = binding((uint8_t)i);
		assert_int_equal(bindfile_put(f, &r), 0);
	}
	size = size_of(p);
	assert_true(size == 3001 * RECORD);
	for (unsigned int round = 0; round < 2; round++) {
		struct seen *s = read_back(f, 0);

		assert_int_equal(s->n, 3000);
		for (unsigned int i = 0; i < s->n; i += 2)
			assert_int_equal(recfile_drop(f, s->records[i].place), 0);
		if (round == 1) {
			recfile_close(f);
			f = must_open(p);
			assert_int_equal(read_back(f, 0)->n, 1500);
		}
		for (unsigned int i = 0; i < 1500; i++) {
			r = binding((uint8_t)i);
			assert_int_equal(bindfile_put(f, &r), 0);
		}
		assert_true(size_of(p) == size);
	}
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

/* Any octet of a record that is not as it was written makes the record worthless. */
static void torn_records_are_left_out(void **state)
{
	struct place *p = *state;
	struct recfile *f = must_open(p);
	struct ha_binding_record a = binding(1), b = binding(2);

	assert_int_equal(bindfile_put(f, &a), 0);
	assert_int_equal(bindfile_put(f, &b), 0);
	for (off_t at = RECORD; at < 2 * RECORD; at++) {
		struct seen *s;

		change_octet(p, at);
		s = read_back(f, 1);
		assert_int_equal(s->n, 1);
		assert_same(&s->records[0], &b);
		change_octet(p, at);
	}
	assert_int_equal(read_back(f, 0)->n, 2);
	recfile_close(f);
	/* Cut off in the middle of the last one. */
	assert_int_equal(truncate(p->file, 3 * RECORD - 1), 0);
	f = must_open(p);
	assert_int_equal(read_back(f, 0)->n, 1);
	b.place = 0;
	assert_int_equal(bindfile_put(f, &b), 0);
	assert_int_equal(read_back(f, 0)->n, 2);
	recfile_close(f);
}

static void refused(struct place *p, int expected, const char *word)
{
	struct recfile *f = NULL;
	off_t size = size_of(p);

	assert_int_equal(bindfile_open(p->dir, p->why, sizeof(p->why), &f), expected);
	assert_null(f);
	assert_non_null(strstr(p->why, word));
	assert_non_null(strstr(p->why, "had.bindings"));
	assert_true(size_of(p) == size);
}

static void what_is_not_ours_is_refused(void **state)
{
	struct place *p = *state;

	recfile_close(must_open(p));
	change_octet(p, 0);
	refused(p, -EUCLEAN, "no bindings");
	change_octet(p, 0);
	change_octet(p, 4);
	refused(p, -EUCLEAN, "version");
	change_octet(p, 4);
	assert_int_equal(truncate(p->file, 10), 0);
	refused(p, -EUCLEAN, "no bindings");
}

static void no_such_directory(void **state)
{
	struct place *p = *state;
	struct recfile *f = NULL;

	assert_int_equal(bindfile_open("/nonexistent/dmip6", p->why, sizeof(p->why), &f), -ENOENT);
	assert_non_null(strstr(p->why, "/nonexistent/dmip6"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(survives_a_restart, make_place, drop_place),
		cmocka_unit_test_setup_teardown(time_stamps, make_place, drop_place),
		cmocka_unit_test_setup_teardown(an_earlier_version, make_place, drop_place),
		cmocka_unit_test_setup_teardown(survives_a_kill, make_place, drop_place),
		cmocka_unit_test_setup_teardown(places_are_used_again, make_place, drop_place),
		cmocka_unit_test_setup_teardown(torn_records_are_left_out, make_place, drop_place),
		cmocka_unit_test_setup_teardown(what_is_not_ours_is_refused, make_place, drop_place),
		cmocka_unit_test_setup_teardown(no_such_directory, make_place, drop_place),
	};

	return cmocka_run_group_tests_name("bindfile", tests, NULL, NULL);
}
