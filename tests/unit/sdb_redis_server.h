/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Redis servers of the test's own: each a process with a directory, which is started, stopped and
 * ended by its id; and what the operator types, by a connection that waits.
 */
#ifndef DMIP6_TESTS_SDB_REDIS_SERVER_H
#define DMIP6_TESTS_SDB_REDIS_SERVER_H

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

struct server {
	char dir[64];
	int port;
	pid_t pid;		/* 0: it does not run */
	const char *name;	/* as what the program is called */
	char args[1024];	/* besides those that all have */
};

/* One binary is server, Sentinel and dump checker, by its name: redis-tools has it, without
 * the service. NULL: it is not installed. */
static const char *server_program(void)
{
	static const char *const paths[] = {
		"/usr/bin/redis-server", "/usr/bin/redis-check-rdb", "/usr/bin/valkey-server",
		"/usr/bin/valkey-check-rdb",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (access(paths[i], X_OK) == 0)
			return paths[i];
	}
	return NULL;
}

/* A port that nobody has. */
static int server_free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

static void server_init(struct server *s, const char *name)
{
	*s = (struct server){ .name = name };
	snprintf(s->dir, sizeof(s->dir), "%s/dmip6-redis-XXXXXX", P_tmpdir);
	assert_non_null(mkdtemp(s->dir));
	s->port = server_free_port();
}

/* A connection; -1: nobody is there. */
static int server_connect(const struct server *s)
{
	const struct timeval most = { .tv_sec = 5 };
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)s->port),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void server_exec(const struct server *s, const char *program)
{
	char text[1200], *args[64] = { NULL }, *at = text;
	int fd = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600), n = 0;
	char name[32];

	dup2(fd, 1);
	dup2(fd, 2);
	snprintf(name, sizeof(name), "%s", s->name);
	snprintf(text, sizeof(text), "%s", s->args);
	args[n++] = name;
	while (at && *at && n < 63)
		args[n++] = strsep(&at, "|");
	execv(program, args);
	_exit(127);
}

/* Arguments are separated by '|'. */
static void server_start(struct server *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void server_start(struct server *s, const char *fmt, ...)
{
	va_list ap;
	int fd = -1;

	va_start(ap, fmt);
	vsnprintf(s->args, sizeof(s->args), fmt, ap);
	va_end(ap);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0) {
		if (chdir(s->dir) < 0)
			_exit(126);
		server_exec(s, server_program());
	}
	for (int i = 0; i < 500 && fd < 0; i++) {
		int status;

		if (waitpid(s->pid, &status, WNOHANG) == s->pid) {
			s->pid = 0;
			fail_msg("%s has ended, see its log in %s", s->name, s->dir);
		}
		fd = server_connect(s);
		if (fd < 0)
			usleep(10000);
	}
	assert_true(fd >= 0);
	close(fd);
}

static void server_kill(struct server *s, int signo)
{
	int status;

	if (s->pid == 0)
		return;
	kill(s->pid, SIGCONT);
	kill(s->pid, signo);
	waitpid(s->pid, &status, 0);
	s->pid = 0;
}

/* With all that it has written. */
static void server_remove(const char *dir)
{
	char path[512];
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d && (e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof(path), "%.200s/%s", dir, e->d_name);
		if (unlink(path) < 0)
			server_remove(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

static void server_drop(struct server *s)
{
	if (!s->dir[0])
		return;
	server_kill(s, SIGKILL);
	server_remove(s->dir);
	s->dir[0] = '\0';
}

/* One command, its words; what the server says, its first 4 KiB. */
static const char *server_say(const struct server *s, ...)
{
	static char reply[4096];
	const char *words[16], *word;
	char text[4096];
	size_t len = 0;
	int fd = server_connect(s), n = 0;
	ssize_t got;
	va_list ap;

	assert_true(fd >= 0);
	va_start(ap, s);
	while ((word = va_arg(ap, const char *)) && n < 16)
		words[n++] = word;
	va_end(ap);
	len += (size_t)snprintf(text, sizeof(text), "*%d\r\n", n);
	for (int i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "$%zu\r\n%s\r\n",
					strlen(words[i]), words[i]);
	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
	got = recv(fd, reply, sizeof(reply) - 1, 0);
	close(fd);
	assert_true(got >= 0);
	reply[got] = '\0';
	return reply;
}

/* Waits until the reply has this in it. */
static void server_await(const struct server *s, const char *command, const char *argument,
			 const char *expected)
{
	for (int i = 0; i < 1000; i++) {
		if (strstr(server_say(s, command, argument, NULL), expected))
			return;
		usleep(20000);
	}
	fail_msg("%s %s never said %s", command, argument, expected);
}

#endif
