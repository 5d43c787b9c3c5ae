/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/sys/ctl.c common/sys/loop.c common/sys/clock.c common/core/timer.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/sys/clock.h"
#include "common/sys/ctl.h"

#define WAIT_MS	3000

static char dir[] = "test_ctl.XXXXXX";
static char path[64];

struct world {
	struct loop *l;
	struct ctl *ctl;
	struct timer deadline;
	struct loop_io *io;
	int client;
	char got[200000];		/* what came on the client */
	size_t len;
	unsigned int lines_wanted, lines;
	bool closed;
};

static struct world w;

static json_t *echo(void *ctx, const json_t *parameters, const char **error, const char **code)
{
	(void)error;
	(void)code;
	assert_ptr_equal(ctx, &w);
	return json_deep_copy(parameters);
}

static json_t *fails(void *ctx, const json_t *parameters, const char **error, const char **code)
{
	(void)ctx;
	(void)parameters;
	*error = "no anchor of that name";
	*code = "not-found";
	return NULL;
}

static const struct ctl_method methods[] = {
	{ "echo", false, echo },
	{ "fails", false, fails },
	{ "root", true, echo },
	{ NULL, false, NULL },
};

static void on_deadline(void *ctx, usec_t now)
{
	(void)ctx;
	(void)now;
	loop_stop(w.l);
}

static void on_client(void *ctx)
{
	ssize_t n = recv(w.client, w.got + w.len, sizeof(w.got) - 1 - w.len, MSG_DONTWAIT);

	(void)ctx;
	if (n <= 0) {
		w.closed = true;
		loop_stop(w.l);
		return;
	}
	for (ssize_t i = 0; i < n; i++)
		w.lines += w.got[w.len + (size_t)i] == '\n';
	w.len += (size_t)n;
	w.got[w.len] = '\0';
	if (w.lines >= w.lines_wanted)
		loop_stop(w.l);
}

static int connected(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static int setup(void **state)
{
	(void)state;
	w = (struct world){ .client = -1 };
	if (loop_new(&w.l) < 0 || ctl_open(w.l, path, methods, &w, &w.ctl) < 0)
		return -1;
	w.client = connected();
	return loop_io_add(w.l, w.client, on_client, NULL, &w.io);
}

static int teardown(void **state)
{
	struct stat st;

	(void)state;
	loop_io_del(w.io);
	close(w.client);
	ctl_close(w.ctl);
	loop_free(w.l);
	return stat(path, &st) < 0 && errno == ENOENT ? 0 : -1;
}

static void say(const char *text)
{
	size_t n = strlen(text);

	assert_int_equal(send(w.client, text, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* Runs until that many lines have come, the connection is closed, or the deadline. */
static const char *lines(unsigned int n)
{
	w.len = w.lines = 0;
	w.got[0] = '\0';
	w.lines_wanted = n;
	timer_init(&w.deadline, "deadline", on_deadline, NULL);
	assert_int_equal(timer_set(loop_timers(w.l), &w.deadline, clock_now() + WAIT_MS * USEC_MS),
			 0);
	assert_int_equal(loop_run(w.l), 0);
	assert_true(timer_armed(&w.deadline));
	timer_stop(loop_timers(w.l), &w.deadline);
	return w.got;
}

static void test_call(void **state)
{
	(void)state;
	say("{\"method\":\"echo\",\"parameters\":{\"a\":1}}\n");
	assert_string_equal(lines(1), "{\"parameters\":{\"a\":1}}\n");
	say("{\"method\":\"echo\"}\n{\"method\":\"fails\"}\n");
	assert_string_equal(lines(2), "{\"parameters\":{}}\n"
			    "{\"error\":\"no anchor of that name\",\"code\":\"not-found\"}\n");
}

/* The connection goes on after each of them. */
static void test_bad_requests(void **state)
{
	static const struct {
		const char *say, *answer;
	} cases[] = {
		{ "not json\n", "\"error\":\"not JSON" },
		{ "\n", "\"error\":\"not JSON" },
		{ "[1]\n", "a request is an object" },
		{ "{\"method\":5}\n", "a request is an object" },
		{ "{\"method\":\"echo\",\"parameters\":[]}\n", "to be an object" },
		{ "{\"method\":\"echo\",\"method\":\"echo\"}\n", "duplicate" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		say(cases[i].say);
		assert_non_null(strstr(lines(1), cases[i].answer));
		assert_non_null(strstr(w.got, "\"code\":\"usage\""));
	}
	say("{\"method\":\"ecko\"}\n");
	assert_string_equal(lines(1), "{\"error\":\"unknown method \\\"ecko\\\"; expected one of "
			    "echo, fails, root, monitor\",\"code\":\"unknown-method\"}\n");
	say("{\"method\":\"echo\"}\n");
	assert_string_equal(lines(1), "{\"parameters\":{}}\n");
}

static void test_long_line(void **state)
{
	static char big[100001];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	say(big);
	assert_non_null(strstr(lines(1), "longer than 65536"));
	say("the rest of it\n{\"method\":\"echo\"}\n");
	assert_string_equal(lines(1), "{\"parameters\":{}}\n");
}

/* Root, and who runs the daemon; t_ctl has somebody else. */
static void test_root_only(void **state)
{
	(void)state;
	say("{\"method\":\"root\"}\n");
	assert_string_equal(lines(1), "{\"parameters\":{}}\n");
}

static void test_monitor(void **state)
{
	(void)state;
	assert_false(ctl_listening(w.ctl));
	say("{\"method\":\"monitor\",\"more\":true}\n{\"method\":\"echo\"}\n");
	assert_string_equal(lines(1), "{\"parameters\":{}}\n");
	assert_true(ctl_listening(w.ctl));
	ctl_event(w.ctl, json_pack("{s:s}", "event", "bound"));
	ctl_event(w.ctl, json_pack("{s:s}", "event", "gone"));
	assert_non_null(strstr(lines(2),
			       "{\"parameters\":{\"event\":\"bound\",\"seq\":1,\"time\":"));
	assert_non_null(strstr(w.got, "{\"parameters\":{\"event\":\"gone\",\"seq\":2,\"time\":"));
	assert_non_null(strstr(w.got, "},\"continues\":true}\n"));
}

/* A client that does not read loses events, sees the gap, and costs bounded memory. */
static void test_slow_monitor(void **state)
{
	static char text[10001];
	const char *seq;
	long first = 0, last;

	(void)state;
	memset(text, 'e', sizeof(text) - 1);
	say("{\"method\":\"monitor\",\"more\":true}\n{\"method\":\"echo\"}\n");
	(void)lines(1);
	for (int i = 0; i < 1000; i++)
		ctl_event(w.ctl, json_pack("{s:s}", "event", text));
	for (int i = 0; i < 20; i++) {		/* what was kept: about 1 MiB */
		(void)lines(10);
		for (seq = w.got; (seq = strstr(seq, "\"seq\":")); seq += 6)
			first = strtol(seq + 6, NULL, 10);
		if (first >= 100)
			break;
	}
	assert_true(first >= 100 && first < 200);
	/* Back in time: reads the rest, then a new event shows the gap. */
	ctl_event(w.ctl, json_pack("{s:s}", "event", "now"));
	(void)lines(1);
	seq = strstr(w.got, "\"event\":\"now\"");
	while (!seq) {
		(void)lines(1);
		seq = strstr(w.got, "\"event\":\"now\"");
	}
	last = strtol(strstr(seq, "\"seq\":") + 6, NULL, 10);
	assert_int_equal(last, 1001);
}

static void test_many_clients(void **state)
{
	int fds[80];

	(void)state;
	for (size_t i = 0; i < 80; i++) {
		fds[i] = connected();
		say("{\"method\":\"echo\"}\n");		/* lets the loop accept it */
		(void)lines(1);
	}
	for (size_t i = 0; i < 80; i++) {
		char text[64] = "";
		struct pollfd pf = { .fd = fds[i], .events = POLLIN };

		/* This one and 63 more are served. */
		if (i < 63) {
			assert_int_equal(poll(&pf, 1, 0), 0);
		} else {
			assert_int_equal(poll(&pf, 1, 0), 1);
			assert_true(recv(fds[i], text, sizeof(text) - 1, 0) > 0);
			assert_non_null(strstr(text, "too many clients"));
		}
	}
	for (size_t i = 0; i < 80; i++)
		close(fds[i]);
	say("{\"method\":\"echo\"}\n");
	assert_string_equal(lines(1), "{\"parameters\":{}}\n");
}

static void test_half_close(void **state)
{
	(void)state;
	say("{\"method\":\"echo\"}\n");
	assert_int_equal(shutdown(w.client, SHUT_WR), 0);
	assert_string_equal(lines(1), "{\"parameters\":{}}\n");
	(void)lines(1);
	assert_true(w.closed);
}

static void test_second_daemon(void **state)
{
	struct ctl *second = NULL;
	struct stat st;

	(void)state;
	assert_int_equal(ctl_open(w.l, path, methods, &w, &second), -EADDRINUSE);
	assert_null(second);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
}

static void test_stale_socket(void **state)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char stale[200];
	struct ctl *c = NULL;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	snprintf(stale, sizeof(stale), "%s.stale", path);
	snprintf(at.sun_path, sizeof(at.sun_path), "%.100s", stale);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	close(fd);
	assert_int_equal(ctl_open(w.l, stale, methods, &w, &c), 0);
	ctl_close(c);
	assert_int_equal(ctl_open(w.l, dir, methods, &w, &c), -ENOTSOCK);
	memset(stale, 'x', sizeof(stale) - 1);
	stale[sizeof(stale) - 1] = '\0';
	assert_int_equal(ctl_open(w.l, stale, methods, &w, &c), -ENAMETOOLONG);
}

static int group_setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/made/here/ctl.sock", dir);
	return 0;
}

static int group_teardown(void **state)
{
	char cmd[64];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_call, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_root_only, setup, teardown),
		cmocka_unit_test_setup_teardown(test_monitor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_monitor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_clients, setup, teardown),
		cmocka_unit_test_setup_teardown(test_half_close, setup, teardown),
		cmocka_unit_test_setup_teardown(test_second_daemon, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stale_socket, setup, teardown),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
