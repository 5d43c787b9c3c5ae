/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control socket: listener, clients, framing, permissions. What the methods do is in the
 * daemons' ctl.c; this file calls them one request at a time. Clients are not trusted:
 * their number, the length of a line and what waits for them are bounded.
 */
#include "common/sys/ctl.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/sys/clock.h"

#define CLIENTS_MAX	64
#define LINE_MAX_OCTETS	65536
#define QUEUE_MAX	(1024 * 1024)
#define BACKLOG		16

struct client {
	struct ctl *ctl;
	struct bufferevent *bev;
	uid_t uid;
	bool monitor;
	bool skipping;		/* the rest of a line that was too long */
	bool leaving;		/* free it when the output is written */
};

struct ctl {
	const struct ctl_method *methods;
	void *ctx;
	struct evconnlistener *listener;
	struct client *clients[CLIENTS_MAX];
	unsigned int n_clients;
	json_int_t seq;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	dev_t dev;
	ino_t ino;		/* of the file that we made */
};

static void client_free(struct client *cl)
{
	struct ctl *c = cl->ctl;

	for (unsigned int i = 0; i < c->n_clients; i++) {
		if (c->clients[i] == cl) {
			c->clients[i] = c->clients[--c->n_clients];
			break;
		}
	}
	bufferevent_free(cl->bev);
	free(cl);
	(void)evconnlistener_enable(c->listener);	/* stopped when descriptors ran out */
}

/* Takes over the reference. What cannot be put into words ends the connection. */
static void send_json(struct client *cl, json_t *j)
{
	char *text = json_dumps(j, JSON_COMPACT);

	json_decref(j);
	if (!text) {
		cl->leaving = true;
		return;
	}
	(void)bufferevent_write(cl->bev, text, strlen(text));
	(void)bufferevent_write(cl->bev, "\n", 1);
	explicit_bzero(text, strlen(text));	/* root may have asked for secrets */
	free(text);
}

static void send_error(struct client *cl, const char *error, const char *code)
{
	json_t *j = json_pack("{s:s, s:s}", "error", error, "code", code);

	if (!j)		/* not UTF-8 */
		j = json_pack("{s:s, s:s}", "error", "bad request", "code", code);
	send_json(cl, j);
}

static void unknown_method(struct client *cl, const char *name)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "unknown method \"%.64s\"; expected one of ", name);

	for (const struct ctl_method *m = cl->ctl->methods; m->name; m++) {
		if (n > 0 && (size_t)n < sizeof(text))
			n += snprintf(text + n, sizeof(text) - (size_t)n, "%s, ", m->name);
	}
	if (n > 0 && (size_t)n < sizeof(text))
		(void)snprintf(text + n, sizeof(text) - (size_t)n, "monitor");
	send_error(cl, text, "unknown-method");
}

static void call_method(struct client *cl, const struct ctl_method *m, const json_t *parameters)
{
	const char *error = "the method failed", *code = "error";
	json_t *answer;

	/* Who runs the daemon may do worse to it than ask. */
	if (m->needs_root && cl->uid != 0 && cl->uid != geteuid()) {
		send_error(cl, "that is not for everybody: only root may ask for it", "refused");
		return;
	}
	answer = m->call(cl->ctl->ctx, parameters, &error, &code);
	if (answer)
		send_json(cl, json_pack("{s:o}", "parameters", answer));
	else
		send_error(cl, error, code);
}

static void dispatch(struct client *cl, json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "method"));
	json_t *parameters = json_object_get(request, "parameters"), *none = NULL;
	const struct ctl_method *m;

	if (!name) {
		send_error(cl, "a request is an object with a string \"method\"", "usage");
		return;
	}
	if (parameters && !json_is_object(parameters)) {
		send_error(cl, "\"parameters\" is to be an object", "usage");
		return;
	}
	if (strcmp(name, "monitor") == 0) {
		cl->monitor = true;
		return;
	}
	for (m = cl->ctl->methods; m->name; m++) {
		if (strcmp(m->name, name) == 0)
			break;
	}
	if (!m->name) {
		unknown_method(cl, name);
		return;
	}
	if (!parameters)
		parameters = none = json_object();
	call_method(cl, m, parameters);
	json_decref(none);
}

static void handle_line(struct client *cl, const char *line, size_t len)
{
	json_error_t why;
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);
	char text[256];

	if (!request) {
		(void)snprintf(text, sizeof(text), "not JSON: column %d: %.128s", why.column,
			       why.text);
		send_error(cl, text, "usage");
		return;
	}
	dispatch(cl, request);
	json_decref(request);
}

static size_t queued(const struct client *cl)
{
	return evbuffer_get_length(bufferevent_get_output(cl->bev));
}

/* Complete lines, while the client also reads the answers. */
static void handle_input(struct client *cl)
{
	struct evbuffer *in = bufferevent_get_input(cl->bev);
	size_t len;
	char *line;

	while (!cl->leaving && queued(cl) < QUEUE_MAX) {
		line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF);
		if (!line)
			break;
		if (cl->skipping)
			cl->skipping = false;
		else
			handle_line(cl, line, len);
		free(line);
	}
	if (queued(cl) >= QUEUE_MAX || evbuffer_get_length(in) <= LINE_MAX_OCTETS)
		return;
	(void)evbuffer_drain(in, evbuffer_get_length(in));
	if (!cl->skipping)
		send_error(cl, "the line is longer than 65536 octets", "usage");
	cl->skipping = true;
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct client *cl = arg;

	(void)bev;
	handle_input(cl);
	if (cl->leaving && queued(cl) == 0)
		client_free(cl);
}

/* All output is written. */
static void on_written(struct bufferevent *bev, void *arg)
{
	on_read(bev, arg);
}

static void on_end(struct bufferevent *bev, short what, void *arg)
{
	struct client *cl = arg;

	(void)bev;
	if (what & BEV_EVENT_EOF)
		cl->leaving = true;	/* it may still read what it asked for */
	if ((what & BEV_EVENT_ERROR) || queued(cl) == 0)
		client_free(cl);
}

static uid_t uid_of(evutil_socket_t fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return (uid_t)-1;
	return cred.uid;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr,
		      int addr_len, void *arg)
{
	static const char full[] = "{\"error\":\"too many clients\",\"code\":\"error\"}\n";
	struct ctl *c = arg;
	struct client *cl;

	(void)addr;
	(void)addr_len;
	if (c->n_clients == CLIENTS_MAX) {
		(void)send(fd, full, sizeof(full) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		(void)close(fd);
		return;
	}
	cl = calloc(1, sizeof(*cl));
	if (cl)
		cl->bev = bufferevent_socket_new(evconnlistener_get_base(listener), fd,
						 BEV_OPT_CLOSE_ON_FREE);
	if (!cl || !cl->bev) {
		free(cl);
		(void)close(fd);
		return;
	}
	cl->ctl = c;
	cl->uid = uid_of(fd);
	c->clients[c->n_clients++] = cl;
	bufferevent_setcb(cl->bev, on_read, on_written, on_end, cl);
	/* Never more than one line too long in memory. */
	bufferevent_setwatermark(cl->bev, EV_READ, 0, LINE_MAX_OCTETS + 1);
	(void)bufferevent_enable(cl->bev, EV_READ | EV_WRITE);
}

/* Out of descriptors: do not spin. A client that leaves gives one back. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	const struct ctl *c = arg;

	if (c->n_clients > 0)
		(void)evconnlistener_disable(listener);
}

static int make_parents(const char *path)
{
	char part[PATH_MAX];

	for (size_t i = 1; path[i] != '\0' && i < sizeof(part); i++) {
		if (path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

/* A socket file whose daemon is dead refuses connections: take its place. */
static int clear_path(const struct sockaddr_un *at)
{
	struct stat st;
	int fd, err;

	if (lstat(at->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	err = connect(fd, (const struct sockaddr *)at, sizeof(*at)) < 0 ? -errno : 0;
	(void)close(fd);
	if (err == -ECONNREFUSED)
		return unlink(at->sun_path) < 0 && errno != ENOENT ? -errno : 0;
	if (err == 0 || err == -EAGAIN)		/* its backlog is full: it lives */
		return -EADDRINUSE;
	return err == -ENOENT ? 0 : err;
}

static int bind_socket(struct ctl *c)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t mask;
	int fd, err;

	memcpy(at.sun_path, c->path, sizeof(at.sun_path));
	err = make_parents(c->path);
	if (err == 0)
		err = clear_path(&at);
	if (err < 0)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	mask = umask(0117);	/* 0660 from the first moment */
	err = bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ? -errno : 0;
	(void)umask(mask);
	if (err == 0 && listen(fd, BACKLOG) < 0)
		err = -errno;
	if (err < 0) {
		(void)close(fd);
		return err;
	}
	if (lstat(c->path, &st) == 0) {
		c->dev = st.st_dev;
		c->ino = st.st_ino;
	}
	return fd;
}

int ctl_open(struct loop *l, const char *path, const struct ctl_method *methods, void *ctx,
	     struct ctl **ret)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct ctl *c;
	int fd;

	if (strlen(path) >= sizeof(c->path) || path[0] == '\0')
		return -ENAMETOOLONG;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->methods = methods;
	c->ctx = ctx;
	(void)snprintf(c->path, sizeof(c->path), "%s", path);
	fd = bind_socket(c);
	if (fd < 0) {
		free(c);
		return fd;
	}
	(void)sigaction(SIGPIPE, &ignore, NULL);	/* clients leave in mid-answer */
	c->listener = evconnlistener_new(loop_base(l), on_accept, c,
					 LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!c->listener) {
		(void)close(fd);
		(void)unlink(c->path);
		free(c);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(c->listener, on_accept_error);
	*ret = c;
	return 0;
}

void ctl_close(struct ctl *c)
{
	struct stat st;

	if (!c)
		return;
	while (c->n_clients > 0) {
		struct bufferevent *bev = c->clients[0]->bev;
		struct evbuffer *out = bufferevent_get_output(bev);

		/* The last events should still arrive; bufferevents cannot be flushed. */
		(void)evbuffer_unfreeze(out, 1);
		(void)evbuffer_write(out, bufferevent_getfd(bev));
		client_free(c->clients[0]);
	}
	evconnlistener_free(c->listener);
	if (lstat(c->path, &st) == 0 && st.st_dev == c->dev && st.st_ino == c->ino)
		(void)unlink(c->path);
	free(c);
}

bool ctl_listening(const struct ctl *c)
{
	for (unsigned int i = 0; i < c->n_clients; i++)
		if (c->clients[i]->monitor)
			return true;
	return false;
}

void ctl_event(struct ctl *c, json_t *event)
{
	json_t *line;
	char *text;

	if (!event)
		return;
	(void)json_object_set_new(event, "seq", json_integer(++c->seq));
	(void)json_object_set_new(event, "time", json_real((double)clock_wall_us() / 1e6));
	line = json_pack("{s:o, s:b}", "parameters", event, "continues", 1);
	text = line ? json_dumps(line, JSON_COMPACT) : NULL;
	json_decref(line);
	for (unsigned int i = 0; text && i < c->n_clients; i++) {
		const struct client *cl = c->clients[i];

		if (!cl->monitor || queued(cl) >= QUEUE_MAX)
			continue;
		(void)bufferevent_write(cl->bev, text, strlen(text));
		(void)bufferevent_write(cl->bev, "\n", 1);
	}
	free(text);
}
