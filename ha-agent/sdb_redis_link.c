/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection to a Redis database: socket, TLS, greeting, replies, and all of it again when it
 * breaks. Owns the descriptor, the TLS session and hiredis' reader; called by sdb_redis.c and the
 * loop. RESP2 (redis.io/docs/reference/protocol-spec), Sentinel (redis.io/docs/reference/
 * sentinel-clients).
 *
 * One timer, which is by the state: DOWN: when to try again; CONNECTING to GREETING: how long
 * that may take; UP: when to see whether the server is silent.
 *
 * What the server says is not trusted: a reply is bounded in octets and elements, and one that is
 * no RESP, or that nobody has asked for, ends the connection.
 */
#include "ha-agent/sdb_redis_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "common/core/backoff.h"
#include "common/sys/clock.h"
#include "common/sys/loop.h"
#include "common/sys/tls_send.h"

#define CONNECT_TIME	(2 * USEC_S)	/* from the first octet to the end of the greeting */
#define PING_TIME	(500 * USEC_MS)
#define SILENT_TIME	(2 * USEC_S)	/* no reply for so long, and one is due: it hangs */
#define UP_LONG		USEC_S		/* then the next attempts are the first ones again */
#define BACKOFF_FIRST	(100 * USEC_MS)
#define BACKOFF_MAX	(5 * USEC_S)
#define REPLY_MAX	(1 << 20)	/* octets that are not yet a reply */
#define ELEMENTS_MAX	4096
#define READ_ROOM	16384
#define OUT_MAX		(1 << 20)	/* octets that the server does not take */
#define RUN_ID_DIGITS	16		/* of 40 */

enum link_state { LINK_DOWN, LINK_CONNECTING, LINK_TLS, LINK_GREETING, LINK_UP };

struct request {
	void (*fn)(void *ctx, const struct redisReply *reply, int err);
	void *ctx;
	usec_t asked;
	TAILQ_ENTRY(request) all;
};
TAILQ_HEAD(requests, request);

struct redis_link {
	struct loop *loop;
	const struct redis_link_config *cfg;
	struct redis_link_events ev;
	enum link_state state;
	struct timer timer;
	struct backoff backoff;
	unsigned int server;		/* the one that is tried */
	unsigned int failures;		/* since it was up for long */
	usec_t up_since;
	bool at_sentinel;		/* it is asked for the master */
	bool has_master;		/* it has answered */
	struct redis_address master, peer;
	uint64_t run;

	int fd;				/* -1: none */
	struct loop_io *in, *out;
	struct tls *tls;
	struct tls_out tls_out;
	redisReader *reader;
	redisReplyObjectFunctions makers, bounded;	/* hiredis' own, and with our bound */
	char *buf;			/* to be sent, before TLS */
	size_t len, cap;
	struct requests requests;	/* sent, in order */
	usec_t heard;			/* when the last reply came */
	bool doomed;			/* it is to be given up when the reply is done with */
	char why[REDIS_WHY_MAX];
};

/* ---- addresses ---- */

static int set_inet(const char *host, const char *port, struct redis_address *ret)
{
	struct redis_address a = { .len = 0 };
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&a.to.storage;
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&a.to.storage;
	char *end;
	unsigned long n = strtoul(port, &end, 10);

	if (port[0] < '0' || port[0] > '9' || *end || n < 1 || n > UINT16_MAX)
		return -EINVAL;
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)n);
		a.len = sizeof(*v6);
		(void)snprintf(a.text, sizeof(a.text), "[%.64s]:%lu", host, n);
	} else if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)n);
		a.len = sizeof(*v4);
		(void)snprintf(a.text, sizeof(a.text), "%.64s:%lu", host, n);
	} else {
		return -EINVAL;
	}
	*ret = a;
	return 0;
}

static int set_unix(const char *path, struct redis_address *ret)
{
	struct redis_address a = { .len = sizeof(a.to.un) };

	if (path[0] != '/' || strlen(path) >= sizeof(a.to.un.sun_path))
		return -EINVAL;
	a.to.un.sun_family = AF_UNIX;
	(void)snprintf(a.to.un.sun_path, sizeof(a.to.un.sun_path), "%s", path);
	(void)snprintf(a.text, sizeof(a.text), "%s", a.to.un.sun_path);
	*ret = a;
	return 0;
}

int redis_address_parse(const char *s, struct redis_address *ret)
{
	const char *colon = strrchr(s, ':');
	char host[64];
	size_t n;

	if (strncmp(s, "unix:", 5) == 0)
		return set_unix(s + 5, ret);
	if (!colon)
		return -EINVAL;
	n = (size_t)(colon - s);
	if (s[0] == '[') {
		if (n < 3 || s[n - 1] != ']')
			return -EINVAL;
		s++;
		n -= 2;
	} else if (memchr(s, ':', n)) {
		return -EINVAL;
	}
	if (n >= sizeof(host))
		return -EINVAL;
	memcpy(host, s, n);
	host[n] = '\0';
	return set_inet(host, colon + 1, ret);
}

/* ---- the end of a connection ---- */

static void set_timer(struct redis_link *l, usec_t in)
{
	/* It has had its place since redis_link_new(). */
	(void)timer_set(loop_timers(l->loop), &l->timer, clock_now() + in);
}

static void close_socket(struct redis_link *l)
{
	loop_io_del(l->in);
	loop_io_del(l->out);
	l->in = l->out = NULL;
	tls_free(l->tls);
	l->tls = NULL;
	l->tls_out.len = 0;
	if (l->reader)
		redisReaderFree(l->reader);
	l->reader = NULL;
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	l->len = 0;
	l->doomed = false;
}

static void fail_requests(struct redis_link *l, int err)
{
	struct requests failed;
	struct request *q;

	TAILQ_INIT(&failed);
	TAILQ_CONCAT(&failed, &l->requests, all);
	while ((q = TAILQ_FIRST(&failed))) {
		TAILQ_REMOVE(&failed, q, all);
		q->fn(q->ctx, NULL, err);
		free(q);
	}
}

/* When it is tried again: what was up, at once; the next address, at once; after a round of all,
 * later and later, and not when all others do. */
static usec_t pause_time(struct redis_link *l)
{
	usec_t pause;
	uint8_t random;

	if (l->failures % l->cfg->n_servers != 0)
		return 1;
	pause = backoff_next(&l->backoff);
	clock_random(&random, sizeof(random));
	return pause - pause * random / 1024;
}

static void lose(struct redis_link *l)
{
	bool was_up = l->state == LINK_UP;
	char why[REDIS_WHY_MAX];

	memcpy(why, l->why, sizeof(why));
	close_socket(l);
	l->state = LINK_DOWN;
	l->at_sentinel = l->has_master = false;
	if (was_up && clock_now() - l->up_since > UP_LONG) {
		/* The same may be there again; its Sentinels know more. */
		l->failures = 0;
		backoff_start(&l->backoff, BACKOFF_FIRST, BACKOFF_MAX, 0);
		set_timer(l, 1);
	} else {
		l->server = (l->server + 1) % l->cfg->n_servers;
		l->failures++;
		set_timer(l, pause_time(l));
	}
	fail_requests(l, -ECONNRESET);
	l->ev.down(l->ev.ctx, l, why, l->failures >= l->cfg->n_servers);
}

static int __attribute__((format(printf, 2, 3))) broken(struct redis_link *l, const char *fmt, ...)
{
	va_list ap;

	l->doomed = true;
	va_start(ap, fmt);
	(void)vsnprintf(l->why, sizeof(l->why), fmt, ap);
	va_end(ap);
	/* The server's words come into logs. */
	for (char *p = l->why; *p; p++) {
		if (*p < ' ' || *p > '~')
			*p = '?';
	}
	return -EPROTO;
}

void redis_link_drop(struct redis_link *l, const char *why)
{
	if (l->state == LINK_DOWN || l->doomed)
		return;
	(void)broken(l, "%s", why);
	set_timer(l, 1);		/* unless it is seen before */
}

/* ---- sending ---- */

static int append(struct redis_link *l, const char *data, size_t len)
{
	if (l->len + len > l->cap) {
		size_t cap = l->len + len + READ_ROOM;
		char *buf = cap <= OUT_MAX ? realloc(l->buf, cap) : NULL;

		if (!buf)
			return -ENOMEM;
		l->buf = buf;
		l->cap = cap;
	}
	memcpy(l->buf + l->len, data, len);
	l->len += len;
	return 0;
}

static int flush_plain(struct redis_link *l)
{
	size_t sent = 0;

	while (sent < l->len) {
		ssize_t n = send(l->fd, l->buf + sent, l->len - sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return broken(l, "%s: %s", l->peer.text, strerror(errno));
		if (n < 0)
			break;
		sent += (size_t)n;
	}
	l->len -= sent;
	memmove(l->buf, l->buf + sent, l->len);
	return 0;
}

static int flush_tls(struct redis_link *l)
{
	int err = 0;

	if (l->len > 0 && tls_state(l->tls) == TLS_OPEN) {
		err = tls_write(l->tls, l->buf, l->len);
		l->len = 0;
	}
	if (err == 0)
		err = tls_send(l->tls, l->fd, &l->tls_out);
	if (err < 0)
		return broken(l, "%s: %s", l->peer.text, strerror(-err));
	return 0;
}

static bool has_more(const struct redis_link *l)
{
	if (l->tls)
		return l->tls_out.len > 0 || tls_wants_write(l->tls);
	return l->len > 0;
}

static void flush(struct redis_link *l)
{
	if (l->doomed || l->state < LINK_TLS)
		return;
	if ((l->tls ? flush_tls(l) : flush_plain(l)) < 0)
		return;
	if (has_more(l) && loop_io_wait(l->out, true) < 0)
		(void)broken(l, "no memory");
}

static int send_command(struct redis_link *l, unsigned int argc, const char *const *argv,
			void (*fn)(void *ctx, const struct redisReply *reply, int err), void *ctx)
{
	struct request *q = malloc(sizeof(*q));
	const char **args = malloc(argc * sizeof(*args));
	char *text = NULL;
	long long n = -1;
	int err = -ENOMEM;

	if (q && args) {
		memcpy(args, argv, argc * sizeof(*args));
		n = redisFormatCommandArgv(&text, (int)argc, args, NULL);
	}
	free(args);
	if (n > 0)
		err = append(l, text, (size_t)n);
	if (text)
		redisFreeCommand(text);
	if (err < 0) {
		free(q);
		return err;
	}
	*q = (struct request){ .fn = fn, .ctx = ctx, .asked = clock_now() };
	TAILQ_INSERT_TAIL(&l->requests, q, all);
	/* Commands of one turn go together. */
	if (loop_io_wait(l->out, true) < 0)
		(void)broken(l, "no memory");
	return 0;
}

int redis_link_send(struct redis_link *l, unsigned int argc, const char *const *argv,
		    void (*fn)(void *ctx, const struct redisReply *reply, int err), void *ctx)
{
	if (l->state != LINK_UP || l->doomed)
		return -ENOTCONN;
	return send_command(l, argc, argv, fn, ctx);
}

/* ---- the greeting ---- */

static const char *error_of(const struct redisReply *r)
{
	if (!r)
		return NULL;
	return r->type == REDIS_REPLY_ERROR ? r->str : NULL;
}

static void on_auth(void *ctx, const struct redisReply *reply, int err)
{
	struct redis_link *l = ctx;

	if (err == 0 && error_of(reply))
		(void)broken(l, "%s refuses our password: %s", l->peer.text, reply->str);
}

/* run_id:HEX, a line of INFO. */
static int find_run(const char *info, uint64_t *ret)
{
	const char *at = strstr(info, "run_id:");
	char digits[RUN_ID_DIGITS + 1], *end;

	if (!at)
		return -EINVAL;
	(void)snprintf(digits, sizeof(digits), "%s", at + strlen("run_id:"));
	*ret = strtoull(digits, &end, 16);
	return end == digits + RUN_ID_DIGITS && *ret != 0 ? 0 : -EINVAL;
}

static void on_info(void *ctx, const struct redisReply *reply, int err)
{
	struct redis_link *l = ctx;

	if (err < 0)
		return;
	if (error_of(reply))
		(void)broken(l, "%s does not work for us: %s", l->peer.text, reply->str);
	else if (reply->type != REDIS_REPLY_STRING || find_run(reply->str, &l->run) < 0)
		(void)broken(l, "%s is no Redis: expected run_id in the reply to INFO", l->peer.text);
}

static void on_role(void *ctx, const struct redisReply *reply, int err)
{
	struct redis_link *l = ctx;

	if (err < 0)
		return;
	if (error_of(reply)) {
		(void)broken(l, "%s does not work for us: %s", l->peer.text, reply->str);
		return;
	}
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 1 ||
	    reply->element[0]->type != REDIS_REPLY_STRING) {
		(void)broken(l, "%s is no Redis: expected an array in reply to ROLE", l->peer.text);
		return;
	}
	if (strcmp(reply->element[0]->str, "master") != 0) {
		(void)broken(l, "%s is a %s; expected a master", l->peer.text,
			     reply->element[0]->str);
		return;
	}
	l->state = LINK_UP;
	l->up_since = clock_now();
	set_timer(l, PING_TIME);
	l->ev.up(l->ev.ctx, l, l->run);
}

static void on_master(void *ctx, const struct redisReply *reply, int err)
{
	struct redis_link *l = ctx;

	if (err < 0)
		return;
	if (error_of(reply)) {
		(void)broken(l, "Sentinel %s: %s", l->peer.text, reply->str);
		return;
	}
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
	    reply->element[0]->type != REDIS_REPLY_STRING ||
	    reply->element[1]->type != REDIS_REPLY_STRING) {
		(void)broken(l, "Sentinel %s knows no master \"%s\"", l->peer.text,
			     l->cfg->sentinel_master);
		return;
	}
	if (set_inet(reply->element[0]->str, reply->element[1]->str, &l->master) < 0) {
		(void)broken(l, "Sentinel %s names the master %s port %s; expected an address",
			     l->peer.text, reply->element[0]->str, reply->element[1]->str);
		return;
	}
	l->has_master = true;
}

static int send_auth(struct redis_link *l, const struct redis_login *login)
{
	const char *argv[3] = { "AUTH", login->user, login->password };

	if (!login->password)
		return 0;
	if (login->user)
		return send_command(l, 3, argv, on_auth, l);
	argv[1] = login->password;
	return send_command(l, 2, argv, on_auth, l);
}

static void greet(struct redis_link *l)
{
	const char *const ask[] = { "SENTINEL", "get-master-addr-by-name", l->cfg->sentinel_master };
	static const char *const info[] = { "INFO", "server" };
	static const char *const role[] = { "ROLE" };
	int err = send_auth(l, l->at_sentinel ? &l->cfg->sentinel_login : &l->cfg->login);

	l->state = LINK_GREETING;
	if (l->at_sentinel) {
		err = err < 0 ? err : send_command(l, 3, ask, on_master, l);
	} else {
		err = err < 0 ? err : send_command(l, 2, info, on_info, l);
		err = err < 0 ? err : send_command(l, 1, role, on_role, l);
	}
	if (err < 0)
		(void)broken(l, "no memory");
}

/* ---- receiving ---- */

/* configure knows the type. */
static void *create_array(const redisReadTask *task, REDIS_ELEMENTS elements)
{
	struct redis_link *l = task->privdata;

	/* The default function has no bound. */
	if (elements > ELEMENTS_MAX)
		return NULL;
	return l->makers.createArray(task, elements);
}

static void dispatch(struct redis_link *l)
{
	struct request *q;
	void *reply = NULL;

	while (!l->doomed) {
		if (redisReaderGetReply(l->reader, &reply) != REDIS_OK) {
			(void)broken(l, "%s is no Redis: %s", l->peer.text, l->reader->errstr);
			return;
		}
		if (!reply) {
			if (l->reader->len - l->reader->pos > REPLY_MAX)
				(void)broken(l, "%s sends a reply without end", l->peer.text);
			return;
		}
		q = TAILQ_FIRST(&l->requests);
		if (!q) {
			freeReplyObject(reply);
			(void)broken(l, "%s answers what was not asked", l->peer.text);
			return;
		}
		TAILQ_REMOVE(&l->requests, q, all);
		l->heard = clock_now();
		q->fn(q->ctx, reply, 0);
		free(q);
		freeReplyObject(reply);
	}
}

static int feed(struct redis_link *l, const char *data, size_t len)
{
	if (redisReaderFeed(l->reader, data, len) != REDIS_OK)
		return broken(l, "no memory");
	dispatch(l);
	return l->doomed ? -EPROTO : 0;
}

static int feed_tls(struct redis_link *l, const char *data, size_t len)
{
	char plain[READ_ROOM];
	size_t n;

	if (tls_feed(l->tls, data, len) < 0)
		return broken(l, "%s: TLS: %s", l->peer.text, tls_why(l->tls));
	if (l->state == LINK_TLS && tls_state(l->tls) == TLS_OPEN)
		greet(l);
	while (!l->doomed && (n = tls_read(l->tls, plain, sizeof(plain))) > 0) {
		if (feed(l, plain, n) < 0)
			return -EPROTO;
	}
	flush(l);
	return l->doomed ? -EPROTO : 0;
}

static void connect_to(struct redis_link *l, const struct redis_address *a);

/* After whatever has happened: what could not be done within it. */
static void settle(struct redis_link *l)
{
	if (l->doomed) {
		lose(l);
	} else if (l->at_sentinel && l->has_master) {
		struct redis_address master = l->master;

		close_socket(l);
		fail_requests(l, -ECONNRESET);
		l->at_sentinel = l->has_master = false;
		connect_to(l, &master);
	}
}

static void on_readable(void *ctx)
{
	struct redis_link *l = ctx;
	char room[READ_ROOM];
	ssize_t n = recv(l->fd, room, sizeof(room), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		(void)broken(l, "%s: %s", l->peer.text, strerror(errno));
	else if (n == 0)
		(void)broken(l, "%s has closed the connection", l->peer.text);
	else if (l->tls)
		(void)feed_tls(l, room, (size_t)n);
	else
		(void)feed(l, room, (size_t)n);
	settle(l);
}

/* ---- connecting ---- */

static int start_reading(struct redis_link *l)
{
	int err = loop_io_add(l->loop, l->fd, on_readable, l, &l->in);

	l->reader = redisReaderCreate();
	if (err < 0 || !l->reader)
		return broken(l, "no memory");
	l->makers = *l->reader->fn;
	l->bounded = l->makers;
	l->bounded.createArray = create_array;
	l->reader->fn = &l->bounded;
	l->reader->privdata = l;
	return 0;
}

static void connected(struct redis_link *l)
{
	int err = 0, one = 1;
	socklen_t len = sizeof(err);

	if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	if (err != 0) {
		(void)broken(l, "%s cannot be reached: %s", l->peer.text, strerror(err));
		return;
	}
	if (l->peer.to.any.sa_family != AF_UNIX)
		(void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (start_reading(l) < 0)
		return;
	if (!l->cfg->tls || l->peer.to.any.sa_family == AF_UNIX) {
		greet(l);
		return;
	}
	l->state = LINK_TLS;
	if (tls_new(l->cfg->tls, &l->tls) < 0 || tls_feed(l->tls, NULL, 0) < 0)
		(void)broken(l, "no TLS");
	flush(l);
}

static void on_writable(void *ctx)
{
	struct redis_link *l = ctx;

	if (l->state == LINK_CONNECTING)
		connected(l);
	else
		flush(l);
	settle(l);
}

/* Failing is for the next turn, by settle() or the timer. */
static void connect_to(struct redis_link *l, const struct redis_address *a)
{
	l->peer = *a;
	l->state = LINK_CONNECTING;
	set_timer(l, CONNECT_TIME);
	l->fd = socket(a->to.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0 || (connect(l->fd, &a->to.any, a->len) < 0 && errno != EINPROGRESS)) {
		(void)broken(l, "%s cannot be reached: %s", a->text, strerror(errno));
	} else if (loop_io_new(l->loop, l->fd, on_writable, l, &l->out) < 0 ||
		   loop_io_wait(l->out, true) < 0) {
		(void)broken(l, "no memory");
	}
	if (l->doomed)
		set_timer(l, 1);
}

static void look_if_alive(struct redis_link *l, usec_t now)
{
	static const char *const ping[] = { "PING" };
	const struct request *oldest = TAILQ_FIRST(&l->requests);

	set_timer(l, PING_TIME);
	if (oldest && now - oldest->asked > SILENT_TIME && now - l->heard > SILENT_TIME)
		(void)broken(l, "%s does not answer", l->peer.text);
	else if (!oldest)
		(void)send_command(l, 1, ping, on_auth, l);
}

static void on_timer(void *ctx, usec_t now)
{
	struct redis_link *l = ctx;

	if (l->doomed) {
		lose(l);
		return;
	}
	switch (l->state) {
	case LINK_DOWN:
		l->at_sentinel = l->cfg->sentinel_master;
		connect_to(l, &l->cfg->servers[l->server]);
		return;
	case LINK_CONNECTING:
	case LINK_TLS:
	case LINK_GREETING:
		(void)broken(l, "%s does not answer", l->peer.text);
		break;
	case LINK_UP:
		look_if_alive(l, now);
		break;
	}
	settle(l);
}

int redis_link_new(struct loop *loop, const struct redis_link_config *cfg,
		   const struct redis_link_events *ev, struct redis_link **ret)
{
	struct redis_link *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	l->loop = loop;
	l->cfg = cfg;
	l->ev = *ev;
	l->fd = -1;
	TAILQ_INIT(&l->requests);
	backoff_start(&l->backoff, BACKOFF_FIRST, BACKOFF_MAX, 0);
	timer_init(&l->timer, "redis link", on_timer, l);
	err = timer_set(loop_timers(loop), &l->timer, clock_now() + 1);
	if (err < 0) {
		free(l);
		return err;
	}
	*ret = l;
	return 0;
}

void redis_link_free(struct redis_link *l)
{
	if (!l)
		return;
	timer_stop(loop_timers(l->loop), &l->timer);
	close_socket(l);
	l->state = LINK_DOWN;
	fail_requests(l, -ECANCELED);
	timer_stop(loop_timers(l->loop), &l->timer);
	free(l->buf);
	free(l);
}
