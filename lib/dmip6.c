/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libdmip6: asks the mobile node's daemon for an address (common/core/app.h) and binds to it. Owns
 * nothing between two calls: no descriptor, no memory, no thread; any of them may call from several
 * threads, and after fork(). RFC 8653; RFC 5014 for dmip6_class_of_preferences().
 */
#include "lib/dmip6.h"

#include <errno.h>
#include <linux/in6.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/core/app.h"

#define PATIENCE_MS	1000		/* a daemon that is stopped holds nobody up for longer */

static int fail(int err)
{
	errno = err;
	return -1;
}

/* A failure leaves errno as the reason, whatever close() says. */
static int close_failed(int fd, int err)
{
	(void)close(fd);
	return fail(err);
}

static int reach(void)
{
	const char *path = secure_getenv("DMIP6_APPLICATIONS");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (!path)
		path = APP_SOCKET;
	if (strlen(path) >= sizeof(to.sun_path))
		return fail(ENAMETOOLONG);
	memcpy(to.sun_path, path, strlen(path));
	/* Not blocking: a daemon whose queue is full is one that does not answer. */
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	if (errno == EAGAIN)
		return close_failed(fd, ETIMEDOUT);
	/* No socket, or nobody who may be asked: there is no daemon for us. */
	return close_failed(fd, errno == ENOENT || errno == EACCES ? ECONNREFUSED : errno);
}

static long now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Signals do not make it longer. 0, or -1 with errno. */
static int wait_for(int fd, long until_ms)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		long left = until_ms - now_ms();
		int n = poll(&p, 1, left > 0 ? (int)left : 0);

		if (n > 0)
			return 0;
		if (n == 0)
			return fail(ETIMEDOUT);
		if (errno != EINTR)
			return -1;
	}
}

static int receive(int fd, struct app_answer *ret)
{
	ssize_t n;

	do
		n = recv(fd, ret, sizeof(*ret), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	if (n == 0)
		return fail(ECONNRESET);
	return n == (ssize_t)sizeof(*ret) && ret->magic == APP_MAGIC ? 0 : fail(EPROTO);
}

static int exchange(int fd, const struct app_request *q, struct app_answer *ret)
{
	if (send(fd, q, sizeof(*q), MSG_NOSIGNAL) < 0)
		return errno == EAGAIN ? fail(ETIMEDOUT) : -1;
	if (wait_for(fd, now_ms() + PATIENCE_MS) < 0 || receive(fd, ret) < 0)
		return -1;
	return ret->err < 0 ? fail(-ret->err) : 0;
}

static int ask(const struct app_request *q, struct app_answer *ret)
{
	int fd = reach(), err;

	if (fd < 0)
		return -1;
	err = exchange(fd, q, ret) < 0 ? errno : 0;
	(void)close(fd);
	return err == 0 ? 0 : fail(err == ECONNRESET ? ECONNREFUSED : err);
}

static int put_request(struct app_request *q, enum app_op op, int service_class, const char *anchor)
{
	*q = (struct app_request){ .magic = APP_MAGIC, .op = (uint8_t)op };
	if (service_class < DMIP6_NONPERSISTENT || service_class > DMIP6_GRACEFUL ||
	    (anchor && strlen(anchor) >= sizeof(q->anchor)))
		return fail(EINVAL);
	q->class = (uint8_t)service_class;
	if (anchor)
		memcpy(q->anchor, anchor, strlen(anchor));
	return 0;
}

/* Its cookie; -1 with errno: it is none that could be bound. */
static int look_at(int fd, uint64_t *ret_cookie, bool unbound)
{
	struct sockaddr_in6 at = { .sin6_family = AF_UNSPEC };
	socklen_t len = sizeof(at);
	int domain;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &(socklen_t){ sizeof(domain) }) < 0)
		return -1;
	if (domain != AF_INET6)
		return fail(EAFNOSUPPORT);
	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, ret_cookie,
		       &(socklen_t){ sizeof(*ret_cookie) }) < 0)
		return -1;
	if (!unbound)
		return 0;
	if (getsockname(fd, (struct sockaddr *)&at, &len) < 0)
		return -1;
	return IN6_IS_ADDR_UNSPECIFIED(&at.sin6_addr) && at.sin6_port == 0 ? 0 : fail(EINVAL);
}

static int bind_to(int fd, const struct in6_addr *address)
{
	const struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_addr = *address };
	const int one = 1;

	if (IN6_IS_ADDR_UNSPECIFIED(address))
		return 0;		/* as the kernel chooses */
	/* A port that is chosen now would be one of few; when it is connected, one of many. */
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	return bind(fd, (const struct sockaddr *)&at, sizeof(at));
}

int dmip6_setsc(int fd, int service_class, const char *anchor)
{
	struct app_request q;
	struct app_answer a;

	if (put_request(&q, APP_CLAIM, service_class, anchor) < 0 ||
	    look_at(fd, &q.cookie, true) < 0 || ask(&q, &a) < 0)
		return -1;
	return bind_to(fd, &a.address);
}

int dmip6_getsc(int fd)
{
	struct app_request q = { .magic = APP_MAGIC, .op = APP_CLASS };
	struct app_answer a;

	if (look_at(fd, &q.cookie, false) < 0 || ask(&q, &a) < 0)
		return -1;
	return a.class;
}

int dmip6_address(int service_class, const char *anchor, struct in6_addr *address)
{
	struct app_request q;
	struct app_answer a;

	if (put_request(&q, APP_ADDRESS, service_class, anchor) < 0 || ask(&q, &a) < 0)
		return -1;
	if (IN6_IS_ADDR_UNSPECIFIED(&a.address))
		return fail(EADDRNOTAVAIL);
	*address = a.address;
	return 0;
}

int dmip6_class_of_preferences(uint32_t flags)
{
	bool home = flags & IPV6_PREFER_SRC_HOME, coa = flags & IPV6_PREFER_SRC_COA;

	/* RFC 5014 5: EINVAL. */
	if (home && coa)
		return fail(EINVAL);
	if (home)
		return DMIP6_SESSION;
	return coa ? DMIP6_NONPERSISTENT : 0;
}

int dmip6_subscribe(void)
{
	const struct app_request q = { .magic = APP_MAGIC, .op = APP_SUBSCRIBE };
	struct app_answer a;
	int fd = reach();

	if (fd < 0)
		return -1;
	if (exchange(fd, &q, &a) < 0)
		return close_failed(fd, errno);
	return fd;
}

int dmip6_next_event(int fd, struct dmip6_event *event)
{
	struct app_answer a;

	if (receive(fd, &a) < 0)
		return errno == EAGAIN ? 0 : -1;
	if (a.event < APP_EVENT_LOST || a.event > APP_EVENT_MOVED)
		return fail(EPROTO);
	event->type = (enum dmip6_event_type)a.event;
	event->address = a.address;
	return 1;
}
