/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One daemon in a network namespace: called by main.c of both daemons, before
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
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/sys/caps.h"
#include "common/sys/file.h"

/* Those who ask while the holder is stopped, by SIGSTOP or a debugger, wait here. */
#define QUEUE	128

static int claimed = -1;	/* for as long as this process lives */

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

static void describe(pid_t holder, char ret[ALONE_STR_MAX])
{
	char path[64], *name = NULL;
	size_t len;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)holder);
	if (holder > 0 && file_read(path, ALONE_STR_MAX, &name, &len) == 0)
		name[strcspn(name, "\n")] = '\0';
	(void)snprintf(ret, ALONE_STR_MAX, "%.31s (process %d)",
		       name && *name ? name : "another daemon", (int)holder);
	free(name);
}

int alone_claim(char ret_other[ALONE_STR_MAX])
{
	static const char claim[] = "dmip6";
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t len = offsetof(struct sockaddr_un, sun_path) + sizeof(claim);
	int fd = open_socket(), err;
	pid_t holder = 0;

	if (fd < 0)
		return fd;
	memcpy(name.sun_path + 1, claim, sizeof(claim) - 1);
	if (bind(fd, (const struct sockaddr *)&name, len) == 0 && listen(fd, QUEUE) == 0) {
		claimed = fd;
		return 0;
	}
	err = -errno;
	(void)close(fd);
	if (err != -EADDRINUSE)
		return err;
	if (ask_holder(&name, len, &holder) < 0)
		return 0;
	describe(holder, ret_other);
	return err;
}

static void dismiss(void *ctx)
{
	int fd = accept4(claimed, NULL, NULL, SOCK_CLOEXEC);

	(void)ctx;
	if (fd >= 0)
		(void)close(fd);
}

int alone_serve(struct loop *loop, struct loop_io **ret_io)
{
	if (claimed < 0)
		return 0;	/* an ordinary user has the name */
	return loop_io_add(loop, claimed, dismiss, NULL, ret_io);
}
