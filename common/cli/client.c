/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's end of the control socket: connection, lines, JSON. Owns the descriptor
 * and the buffer of what was received; called by the commands.
 */
#include "common/cli/client.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define ROOM_FIRST 65536

const struct daemon client_daemons[] = {
	{ "dmip6-mnd", "mn", "/run/dmip6/mnd.sock" },
	{ "dmip6-had", "ha", "/run/dmip6/had.sock" },
	{ 0 },
};

struct client {
	int fd;
	char *buf;
	size_t len, cap;	/* received and not yet given out */
	size_t scanned;		/* no newline in the first so many */
};

static int set_timeout(int fd, int option, time_t seconds)
{
	struct timeval tv = { .tv_sec = seconds };

	return setsockopt(fd, SOL_SOCKET, option, &tv, sizeof(tv)) < 0 ? -errno : 0;
}

int client_open(const char *path, struct client **ret)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct client *c;
	int err;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path) + 1);
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		err = -errno;
		free(c);
		return err;
	}
	err = set_timeout(c->fd, SO_SNDTIMEO, CLIENT_TIMEOUT_S);
	if (!err)
		err = set_timeout(c->fd, SO_RCVTIMEO, CLIENT_TIMEOUT_S);
	if (!err && connect(c->fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		err = errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (err) {
		client_close(c);
		return err;
	}
	*ret = c;
	return 0;
}

void client_close(struct client *c)
{
	if (!c)
		return;
	close(c->fd);
	free(c->buf);
	free(c);
}

static int send_line(struct client *c, const char *method, json_t *parameters, bool more)
{
	json_t *request = json_pack("{s:s}", "method", method);
	char *text;
	size_t len, done = 0;
	int err = 0;

	if (request && more)
		json_object_set_new(request, "more", json_true());
	if (request && parameters)
		json_object_set(request, "parameters", parameters);
	text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	json_decref(request);
	if (!text)
		return -ENOMEM;
	len = strlen(text);
	text[len++] = '\n';	/* in place of the final zero: it is not a string any more */
	while (done < len && !err) {
		/* MSG_NOSIGNAL: a daemon that went away is an error, not our death. */
		ssize_t n = send(c->fd, text + done, len - done, MSG_NOSIGNAL);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			err = errno == EAGAIN ? -ETIMEDOUT : -errno;
	}
	free(text);
	return err;
}

static int make_room(struct client *c)
{
	size_t cap = c->cap ? 2 * c->cap : ROOM_FIRST;
	char *buf;

	if (c->len < c->cap)
		return 0;
	if (c->len >= CLIENT_LINE_MAX)
		return -EMSGSIZE;
	buf = realloc(c->buf, cap);
	if (!buf)
		return -ENOMEM;
	c->buf = buf;
	c->cap = cap;
	return 0;
}

static int receive(struct client *c)
{
	ssize_t n;
	int err = make_room(c);

	if (err)
		return err;
	do
		n = recv(c->fd, c->buf + c->len, c->cap - c->len, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : errno == ECONNRESET ? -ENODATA : -errno;
	if (n == 0)
		return c->len ? -EPIPE : -ENODATA;
	c->len += (size_t)n;
	return 0;
}

static int read_object(struct client *c, json_t **ret)
{
	char *newline = NULL;
	json_t *j;
	size_t used;

	for (;;) {
		int err;

		if (c->len > c->scanned)
			newline = memchr(c->buf + c->scanned, '\n', c->len - c->scanned);
		if (newline)
			break;
		c->scanned = c->len;
		err = receive(c);
		if (err)
			return err;
	}
	used = (size_t)(newline - c->buf) + 1;
	j = json_loadb(c->buf, used - 1, 0, NULL);
	c->len -= used;
	c->scanned = 0;
	memmove(c->buf, c->buf + used, c->len);
	if (!json_is_object(j)) {
		json_decref(j);
		return -EBADMSG;
	}
	*ret = j;
	return 0;
}

int client_call(struct client *c, const char *method, json_t *parameters, json_t **ret_reply)
{
	int err = send_line(c, method, parameters, false);

	return err ? err : read_object(c, ret_reply);
}

int client_monitor(struct client *c)
{
	int err = send_line(c, "monitor", NULL, true);

	return err ? err : set_timeout(c->fd, SO_RCVTIMEO, 0);
}

int client_event(struct client *c, json_t **ret_event)
{
	return read_object(c, ret_event);
}

const char *client_error(int err)
{
	switch (err) {
	case -ENOENT:
		return "there is no such socket";
	case -ECONNREFUSED:
		return "no daemon listens on it";
	case -EACCES:
		return "it is open to root and its group only";
	case -ETIMEDOUT:
		return "the daemon does not answer";
	case -ENODATA:
		return "the daemon closed the connection";
	case -EPIPE:
		return "the daemon went away in the middle of a line";
	case -EMSGSIZE:
		return "the daemon sent a line that is too long";
	case -EBADMSG:
		return "what answers there speaks another protocol";
	}
	return strerror(-err);
}
