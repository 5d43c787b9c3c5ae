/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For programs that know nothing of classes: stands between them and libc (LD_PRELOAD, by
 * dmip6-run), and binds each IPv6 socket of theirs to an address of the class before it speaks to
 * somebody for the first time. Owns nothing; what it wants is in the environment. A socket that is
 * bound, or speaks to somebody near (not 2000::/3), is left alone. Where the daemon is not there
 * the program works as it would without; where it says no the call fails with its errno (RFC 8653
 * 3.4).
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/dmip6.h"
#include "lib/run.h"

static int class_wanted(void)
{
	const char *s = getenv(RUN_CLASS);

	return s ? run_class(s) : 0;
}

/* Global unicast, and not of this machine's own making. */
static bool is_far(const struct sockaddr *to, socklen_t len)
{
	struct sockaddr_in6 a;

	if (!to || len < sizeof(a) || to->sa_family != AF_INET6)
		return false;
	memcpy(&a, to, sizeof(a));
	return (a.sin6_addr.s6_addr[0] & 0xe0) == 0x20;
}

/* It has neither an address nor a port nor a peer. */
static bool is_free(int fd)
{
	struct sockaddr_in6 at = { .sin6_family = AF_UNSPEC };
	socklen_t len = sizeof(at);

	return getsockname(fd, (struct sockaddr *)&at, &len) == 0 && at.sin6_family == AF_INET6 &&
	       IN6_IS_ADDR_UNSPECIFIED(&at.sin6_addr) && at.sin6_port == 0;
}

/* 0: the call goes on; -1 with errno: it fails. Otherwise errno is what it was. */
static int prepare(int fd, const struct sockaddr *to, socklen_t len)
{
	int before = errno, c = class_wanted(), kind;
	const char *anchor = getenv(RUN_ANCHOR);
	socklen_t kind_len = sizeof(kind);

	if (c <= 0 || !is_far(to, len) || !is_free(fd) ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &kind_len) < 0 ||
	    (kind != SOCK_STREAM && kind != SOCK_DGRAM)) {
		errno = before;
		return 0;
	}
	if (dmip6_setsc(fd, c, anchor && anchor[0] ? anchor : NULL) == 0 ||
	    errno == ECONNREFUSED || errno == ETIMEDOUT || errno == EPROTO ||
	    (errno == EADDRNOTAVAIL && c == DMIP6_NONPERSISTENT)) {	/* the kernel's to choose */
		errno = before;
		return 0;
	}
	return -1;
}

/* The function that would have been called; that it is not there cannot be. */
static void *next(const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);

	if (!f)
		abort();
	return f;
}

#define EXPORT __attribute__((visibility("default")))

EXPORT int connect(int fd, const struct sockaddr *to, socklen_t len)
{
	static int (*real)(int, const struct sockaddr *, socklen_t);

	if (!real)
		*(void **)&real = next("connect");
	return prepare(fd, to, len) < 0 ? -1 : real(fd, to, len);
}

EXPORT ssize_t sendto(int fd, const void *data, size_t n, int flags, const struct sockaddr *to,
		      socklen_t len)
{
	static ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);

	if (!real)
		*(void **)&real = next("sendto");
	return prepare(fd, to, len) < 0 ? -1 : real(fd, data, n, flags, to, len);
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	static ssize_t (*real)(int, const struct msghdr *, int);

	if (!real)
		*(void **)&real = next("sendmsg");
	return m && prepare(fd, m->msg_name, m->msg_namelen) < 0 ? -1 : real(fd, m, flags);
}

EXPORT int sendmmsg(int fd, struct mmsghdr *m, unsigned int n, int flags)
{
	static int (*real)(int, struct mmsghdr *, unsigned int, int);

	if (!real)
		*(void **)&real = next("sendmmsg");
	if (n > 0 && prepare(fd, m[0].msg_hdr.msg_name, m[0].msg_hdr.msg_namelen) < 0)
		return -1;
	return real(fd, m, n, flags);
}
