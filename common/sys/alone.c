/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One daemon of a kind in a network namespace: called by main.c of both daemons, before
 * anything in the kernel is touched.
 *
 * The claim is a name among the abstract UNIX sockets. Each network namespace has its own, and
 * the kernel gives it back when the process is gone. Any user can take such a name, so only
 * one that is held by a process with our privileges counts: nobody else can keep us from
 * starting.
 */
#include "common/sys/alone.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/sys/caps.h"

static int open_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/* Whether somebody who may change the network holds the name. Their process id is known only
 * where it is in our process namespace. */
static int ask_holder(const struct sockaddr_un *name, socklen_t len, pid_t *ret_holder)
{
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);
	int fd = open_socket(), err = 0;

	if (fd < 0)
		return fd;
	if (connect(fd, (const struct sockaddr *)name, len) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		err = -errno;
	(void)close(fd);
	if (err < 0)
		return err;
	if (peer.pid > 0 && !caps_has(peer.pid))
		return -EPERM;
	*ret_holder = peer.pid;
	return 0;
}

int alone_claim(const char *program, pid_t *ret_other)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int n = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "%s", program);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
	int fd = open_socket(), err;

	if (fd < 0)
		return fd;
	if (bind(fd, (const struct sockaddr *)&name, len) == 0 && listen(fd, 1) == 0)
		return 0;	/* open for as long as this process lives */
	err = -errno;
	(void)close(fd);
	if (err == -EADDRINUSE && ask_holder(&name, len, ret_other) < 0)
		return 0;
	return err;
}
