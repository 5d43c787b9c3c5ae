/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that ask for an address of a class (libdmip6): listener, clients, who they are. Owns the
 * socket and its clients; called by io.c, asks classes.c. Anybody may connect, so nothing that a
 * client does costs more than a message: their number is bounded, in all and of one user; who does
 * not read what he has subscribed to loses it; nothing is ever waited for.
 */
#include "mn-agent/app.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/core/log.h"
#include "common/sys/clock.h"

#define CLIENTS_MAX	512
#define CLIENTS_OF_USER	128
#define BACKLOG		128
#define GROUPS_MAX	256
#define PER_TURN	16		/* messages of one client; the rest in the next turn */

struct app_client {
	struct app *of;
	int fd;
	struct loop_io *io;
	uid_t uid;
	bool subscribed;
	LIST_ENTRY(app_client) entry;
};

struct app {
	struct loop *loop;
	struct mn *mn;
	int fd;
	struct loop_io *io;
	LIST_HEAD(, app_client) clients;
	unsigned int n_clients;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
};

static void drop(struct app_client *c)
{
	LIST_REMOVE(c, entry);
	c->of->n_clients--;
	loop_io_del(c->io);
	(void)close(c->fd);
	free(c);
}

static void send_answer(const struct app_client *c, const struct app_answer *a)
{
	(void)send(c->fd, a, sizeof(*a), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* As they were when he connected. */
static struct class_user user_of(const struct app_client *c, gid_t room[GROUPS_MAX])
{
	socklen_t len = GROUPS_MAX * sizeof(gid_t);
	struct class_user who = { .uid = c->uid, .groups = room };
	struct ucred cred;

	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERGROUPS, room, &len) == 0)
		who.n_groups = (unsigned int)(len / sizeof(gid_t));
	if (who.n_groups < GROUPS_MAX &&
	    getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &cred, &(socklen_t){ sizeof(cred) }) == 0)
		room[who.n_groups++] = cred.gid;
	return who;
}

static void obey(struct app_client *c, const struct app_request *q)
{
	struct app_answer a = { .magic = APP_MAGIC, .class = q->class };
	enum app_class class = (enum app_class)q->class;
	const struct class_socket *s;
	gid_t groups[GROUPS_MAX];
	struct class_user who;

	switch (q->op) {
	case APP_ADDRESS:
	case APP_CLAIM:
		who = user_of(c, groups);
		a.err = q->op == APP_ADDRESS ?
			classes_address(c->of->mn, class, q->anchor, &who, &a.address) :
			classes_claim(c->of->mn, q->cookie, class, q->anchor, &who, clock_now(),
				      &a.address);
		break;
	case APP_CLASS:
		s = classes_find(c->of->mn, q->cookie);
		a.class = s ? (uint8_t)s->class : 0;
		break;
	case APP_SUBSCRIBE:
		c->subscribed = true;
		break;
	default:		/* of another version than ours */
		a.err = -EOPNOTSUPP;
		break;
	}
	send_answer(c, &a);
}

static bool is_whole(const struct app_request *q, ssize_t n)
{
	return n == (ssize_t)sizeof(*q) && q->magic == APP_MAGIC &&
	       memchr(q->anchor, '\0', sizeof(q->anchor));
}

static void on_request(void *ctx)
{
	struct app_client *c = ctx;

	for (int i = 0; i < PER_TURN; i++) {
		struct app_request q;
		ssize_t n = recv(c->fd, &q, sizeof(q), MSG_DONTWAIT | MSG_TRUNC);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n > 0 && is_whole(&q, n)) {
			obey(c, &q);
			continue;
		}
		if (n > 0)
			send_answer(c, &(struct app_answer){ .magic = APP_MAGIC, .err = -EPROTO });
		drop(c);
		return;
	}
}

static unsigned int clients_of(const struct app *p, uid_t uid)
{
	const struct app_client *c;
	unsigned int n = 0;

	LIST_FOREACH(c, &p->clients, entry)
		n += c->uid == uid;
	return n;
}

static int take(struct app *p, int fd)
{
	struct app_client *c;
	struct ucred cred;
	int err;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &(socklen_t){ sizeof(cred) }) < 0)
		return -errno;
	if (p->n_clients >= CLIENTS_MAX || clients_of(p, cred.uid) >= CLIENTS_OF_USER)
		return -EMFILE;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->of = p;
	c->fd = fd;
	c->uid = cred.uid;
	err = loop_io_add(p->loop, fd, on_request, c, &c->io);
	if (err < 0) {
		free(c);
		return err;
	}
	LIST_INSERT_HEAD(&p->clients, c, entry);
	p->n_clients++;
	return 0;
}

static void on_connection(void *ctx)
{
	struct app *p = ctx;
	int fd = accept4(p->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0 && take(p, fd) < 0)
		(void)close(fd);
}

void app_tell(struct app *p, enum app_event what, const struct in6_addr *address)
{
	const struct app_answer a = {
		.magic = APP_MAGIC, .event = (uint8_t)what, .address = *address,
	};
	const struct app_client *c;

	if (!p)
		return;
	LIST_FOREACH(c, &p->clients, entry)
		if (c->subscribed)
			send_answer(c, &a);
}

static int listen_at(struct app *p, const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	memcpy(at.sun_path, path, strlen(path) + 1);
	p->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0)
		return -errno;
	/* The control socket stands for the daemon: where that could be had this is ours, too. */
	(void)unlink(path);
	if (bind(p->fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		return -errno;
	memcpy(p->path, path, strlen(path) + 1);
	return chmod(path, 0666) < 0 || listen(p->fd, BACKLOG) < 0 ? -errno : 0;
}

int app_open(struct loop *l, struct mn *mn, const char *path, struct app **ret)
{
	struct app *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->loop = l;
	p->mn = mn;
	LIST_INIT(&p->clients);
	err = listen_at(p, path);
	if (err == 0)
		err = loop_io_add(l, p->fd, on_connection, p, &p->io);
	if (err < 0) {
		app_close(p);
		return err;
	}
	*ret = p;
	return 0;
}

void app_close(struct app *p)
{
	struct app_client *c;

	if (!p)
		return;
	while ((c = LIST_FIRST(&p->clients)))
		drop(c);
	loop_io_del(p->io);
	if (p->fd >= 0)
		(void)close(p->fd);
	if (p->path[0])
		(void)unlink(p->path);
	free(p);
}
