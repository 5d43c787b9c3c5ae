/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asks home agents for keys: connections, TLS, requests out and responses in. Owns the sockets
 * and what resumes a session (in memory only); bootstrap.c says who is to be asked and makes
 * something of the answers. RFC 6618 4.3 and 5; RFC 5705 (the key is exported, never sent);
 * RFC 5082 (one hop: nobody behind a router gets here).
 *
 * A step of TLS may take milliseconds, so the loop does one a turn and everything else first.
 */
#include "mn-agent/keyclient.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/core/log.h"
#include "common/sys/clock.h"
#include "common/sys/tls_send.h"
#include "mn-agent/mn.h"

#define MAX_HOPS	255
#define CONNECT_TIME	(4 * USEC_S)
#define SESSION_TIME	(15 * USEC_S)	/* all of it */
#define READ_ROOM	4096
#define TICKET_MAX	8192
#define TICKETS		8		/* home agents whose sessions can be resumed */
#define REASONS_MAX	16

enum step { CONNECTING, HANDSHAKE, ASKED, CLOSING };

struct session {
	struct keyclient *k;
	struct bootstrap_ask ask;
	int fd;
	struct loop_io *io;
	struct tls *tls;
	enum step step;
	bool due;			/* a step can be made */
	struct timer deadline;
	unsigned int answered;
	struct tls_out out;
	uint8_t in[BOOT_MESSAGE_MAX];	/* of a response */
	size_t in_len;
	struct session *next;
};

struct ticket {
	struct in6_addr ha;
	size_t len;
	uint8_t data[TICKET_MAX];
};

struct keyclient {
	struct loop *loop;
	struct mn *mn;
	struct tls_context *context;
	struct boot_modes modes;
	struct session *sessions;
	struct ticket tickets[TICKETS];
	unsigned int next_ticket;
	uint64_t failed[REASONS_MAX];
	uint64_t resumed;
};

/* --- what resumes a session ------------------------------------------------------- */

static struct ticket *ticket_of(struct keyclient *k, const struct in6_addr *ha)
{
	for (unsigned int n = 0; n < TICKETS; n++)
		if (k->tickets[n].len > 0 && in6_eq(&k->tickets[n].ha, ha))
			return &k->tickets[n];
	return NULL;
}

static void keep_ticket(struct session *s)
{
	struct keyclient *k = s->k;
	struct ticket *t = ticket_of(k, &s->ask.ha);

	if (!t) {
		t = &k->tickets[k->next_ticket];
		k->next_ticket = (k->next_ticket + 1) % TICKETS;
	}
	explicit_bzero(t, sizeof(*t));
	t->ha = s->ask.ha;
	t->len = tls_session_take(s->tls, t->data, sizeof(t->data));
}

/* --- sessions --------------------------------------------------------------------- */

static struct session *session_with(const struct keyclient *k, const struct in6_addr *ha)
{
	for (struct session *s = k->sessions; s; s = s->next)
		if (in6_eq(&s->ask.ha, ha))
			return s;
	return NULL;
}

/* silently: no packet leaves any more; its link may have been left. */
static void session_free(struct session *s, bool silently)
{
	const struct linger now = { .l_onoff = 1 };
	struct session **p = &s->k->sessions;
	int on = 1;

	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	timer_stop(loop_timers(s->k->loop), &s->deadline);
	loop_io_del(s->io);
	tls_free(s->tls);
	if (silently && setsockopt(s->fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) < 0)
		(void)setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(s->fd);
	explicit_bzero(s, sizeof(*s));
	free(s);
}

static void over(struct session *s, enum bootstrap_result result, const char *why)
{
	struct in6_addr ha = s->ask.ha;
	struct mn *mn = s->k->mn;
	char text[TLS_WHY_MAX];

	snprintf(text, sizeof(text), "%s", why ? why : "");
	session_free(s, false);
	bootstrap_over(mn, &ha, result, why ? text : NULL, clock_now());
}

static void count_failure(struct keyclient *k, const char *reason)
{
	const char *const *words = tls_reasons();

	for (unsigned int n = 0; words[n] && n < REASONS_MAX; n++)
		k->failed[n] += strcmp(words[n], reason) == 0;
}

static void tls_failed(struct session *s)
{
	count_failure(s->k, tls_reason(s->tls));
	over(s, BOOTSTRAP_TLS_FAILED, tls_why(s->tls));
}

static void on_deadline(void *ctx, usec_t now)
{
	struct session *s = ctx;

	(void)now;
	over(s, BOOTSTRAP_NO_ANSWER,
	     s->step == CONNECTING ? "no connection in time" : "its session takes too long");
}

/* What the session has shown of the home agent, whatever it says. */
static enum boot_mode shown(const struct session *s)
{
	switch (tls_peer(s->tls)) {
	case TLS_PEER_CERTIFICATE:
		return BOOT_CERTIFICATE;
	case TLS_PEER_PSK:
		return BOOT_PSK;
	case TLS_PEER_NONE:
		break;
	}
	return BOOT_ON_LINK;
}

static int send_requests(struct session *s)
{
	struct boot_request q = { .methods = s->k->modes };
	uint8_t room[BOOT_MESSAGE_MAX];
	int r = 0;

	for (unsigned int n = 0; n < s->ask.n && r == 0; n++) {
		struct wbuf w;

		q.id = (uint8_t)(n + 1);
		q.hoa = s->ask.hoas[n];
		wb_init(&w, room, sizeof(room));
		r = boot_encode_request(&w, &q);
		if (r == 0)
			r = tls_write(s->tls, w.base, w.len);
	}
	return r;
}

/* False: the session is over. */
static bool begin_asking(struct session *s)
{
	enum boot_mode mode = shown(s);

	s->k->resumed += tls_resumed(s->tls);
	/* No downgrade: nothing is said to a home agent that shows less than is wanted. */
	if (!boot_modes_have(&s->k->modes, mode) && !boot_modes_have(&s->k->modes, BOOT_ON_LINK)) {
		over(s, BOOTSTRAP_TLS_FAILED, "it has shown less than is wanted here");
		return false;
	}
	if (send_requests(s)) {
		over(s, BOOTSTRAP_BROKEN, "the requests could not be written");
		return false;
	}
	s->step = ASKED;
	return true;
}

/* False: the session is over. */
static bool take_response(struct session *s, const struct boot_response *r)
{
	uint8_t context[BOOT_CONTEXT_LEN], secret[BOOT_KEY_LEN];
	const struct in6_addr *hoa = &s->ask.hoas[r->id - 1];
	int err;

	s->answered++;
	if (r->status != BOOT_OK) {
		bootstrap_answer(s->k->mn, &s->ask.ha, hoa, r, shown(s), NULL, clock_now());
		return true;
	}
	boot_key_context(&r->hnp, r->hnp_len, &r->ha, r->spi, context);
	err = tls_export(s->tls, BOOT_EXPORTER_LABEL, context, sizeof(context), secret,
			 sizeof(secret));
	if (err) {
		over(s, BOOTSTRAP_BROKEN, "no key could be exported from the session");
		return false;
	}
	bootstrap_answer(s->k->mn, &s->ask.ha, hoa, r, shown(s), secret, clock_now());
	explicit_bzero(secret, sizeof(secret));
	return true;
}

/* One message of those that have come: 1; 0: not a whole one yet; -1: the session is over. */
static int read_response(struct session *s)
{
	struct boot_response r;
	enum boot_err err;
	size_t len;

	err = boot_length(s->in, s->in_len, &len);
	if (err == BOOT_ERR_MORE || (err == BOOT_ERR_NONE && len > s->in_len))
		return 0;
	if (err == BOOT_ERR_NONE)
		err = boot_decode_response(s->in, len, &r);
	if (err == BOOT_ERR_NONE && r.id > s->ask.n)
		err = BOOT_ERR_ID;
	if (err != BOOT_ERR_NONE) {
		over(s, BOOTSTRAP_BROKEN, boot_err_text(err));
		return -1;
	}
	s->in_len -= len;
	memmove(s->in, s->in + len, s->in_len);
	return take_response(s, &r) ? 1 : -1;
}

/* False: the session is over. */
static bool read_responses(struct session *s)
{
	size_t n;

	do {
		int r;

		n = tls_read(s->tls, s->in + s->in_len, sizeof(s->in) - s->in_len);
		s->in_len += n;
		while (s->answered < s->ask.n && (r = read_response(s)) != 0)
			if (r < 0)
				return false;
	} while (n > 0 && s->answered < s->ask.n);
	if (s->answered < s->ask.n)
		return true;
	keep_ticket(s);
	tls_close(s->tls);
	s->step = CLOSING;
	return true;
}

/* False: it cannot be sent, and the session is over. */
static bool flush(struct session *s)
{
	int err = tls_send(s->tls, s->fd, &s->out);

	if (err == 0)
		return true;
	over(s, s->step == CLOSING ? BOOTSTRAP_DONE : BOOTSTRAP_NO_ANSWER, strerror(-err));
	return false;
}

/* What follows from what has come. */
static void progress(struct session *s)
{
	enum tls_state state = tls_state(s->tls);

	if (s->step == HANDSHAKE && state == TLS_OPEN && !begin_asking(s))
		return;
	if (s->step == ASKED && (state == TLS_OPEN || state == TLS_CLOSED) && !read_responses(s))
		return;
	if (s->step != CLOSING && state == TLS_FAILED) {
		if (flush(s))		/* the alert */
			tls_failed(s);
		return;
	}
	if (s->step != CLOSING && state == TLS_CLOSED) {
		over(s, BOOTSTRAP_NO_ANSWER, "it has ended the session");
		return;
	}
	if (!flush(s))
		return;
	if (s->step == CLOSING && s->out.len == 0) {
		over(s, BOOTSTRAP_DONE, NULL);
		return;
	}
	(void)loop_io_wait(s->io, s->out.len > 0);
}

/* --- events ----------------------------------------------------------------------- */

static void connected(struct session *s)
{
	const struct ticket *t = ticket_of(s->k, &s->ask.ha);
	int err = 0, hops = MAX_HOPS;
	socklen_t len = sizeof(err);

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	/* RFC 5082 3: and nothing else is taken. Not before: the refusal of a kernel where nobody
	 * listens comes with its usual hop limit. */
	if (!err && setsockopt(s->fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &hops, sizeof(hops)) < 0)
		err = errno;
	if (err) {
		over(s, err == ECONNREFUSED ? BOOTSTRAP_REFUSED_CONNECTION : BOOTSTRAP_NO_ANSWER,
		     err == ECONNREFUSED ? NULL : strerror(err));
		return;
	}
	if (tls_new(s->k->context, &s->tls)) {
		over(s, BOOTSTRAP_NO_ANSWER, "no memory");
		return;
	}
	if (t)
		tls_resume(s->tls, t->data, t->len);
	s->step = HANDSHAKE;
	timer_set(loop_timers(s->k->loop), &s->deadline, clock_now() + SESSION_TIME);
	(void)tls_feed(s->tls, NULL, 0);
	progress(s);
}

static void receive(struct session *s)
{
	uint8_t room[READ_ROOM];
	ssize_t n = recv(s->fd, room, sizeof(room), 0);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		over(s, BOOTSTRAP_NO_ANSWER, strerror(errno));
		return;
	}
	if (n == 0)
		tls_feed_end(s->tls);
	else if (n > 0)
		(void)tls_feed(s->tls, room, (size_t)n);
	progress(s);
}

static void make_step(struct session *s)
{
	s->due = false;
	if (s->step == CONNECTING)
		connected(s);
	else if (s->out.len > 0)
		progress(s);
	else
		receive(s);
}

static bool background(void *ctx)
{
	struct keyclient *k = ctx;
	struct session *s = k->sessions;

	while (s && !s->due)
		s = s->next;
	if (s)
		make_step(s);
	for (s = k->sessions; s; s = s->next)
		if (s->due)
			return true;
	return false;
}

static void on_io(void *ctx)
{
	struct session *s = ctx;

	s->due = true;
	loop_background_wake(s->k->loop);
}

/* --- asking ----------------------------------------------------------------------- */

/* Only by this link. RFC 5082 3: sent with 255. */
static int prepare(int fd, const struct bootstrap_ask *ask)
{
	struct sockaddr_in6 from = { .sin6_family = AF_INET6, .sin6_addr = ask->from };
	int hops = MAX_HOPS, on = 1, tries = 2, dev = ask->ifindex;

	if (setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &dev, sizeof(dev)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &tries, sizeof(tries)) < 0 ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0)
		return -errno;
	return 0;
}

static int start(int fd, const struct bootstrap_ask *ask)
{
	struct sockaddr_in6 to = {
		.sin6_family = AF_INET6, .sin6_port = htons(BOOT_PORT), .sin6_addr = ask->ha,
	};
	int r = prepare(fd, ask);

	if (r == 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
		r = -errno;
	return r;
}

int keyclient_ask(struct keyclient *k, const struct bootstrap_ask *ask)
{
	struct session *s;
	int fd, r;

	if (!k->context || session_with(k, &ask->ha))
		return -EBUSY;
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	s = calloc(1, sizeof(*s));
	r = s ? start(fd, ask) : -ENOMEM;
	if (r == 0)
		r = loop_io_new(k->loop, fd, on_io, s, &s->io);
	if (r == 0)
		r = loop_io_wait(s->io, true);
	if (r) {
		if (s)
			loop_io_del(s->io);
		free(s);
		close(fd);
		return r;
	}
	s->k = k;
	s->ask = *ask;
	s->fd = fd;
	timer_init(&s->deadline, "key session", on_deadline, s);
	timer_set(loop_timers(k->loop), &s->deadline, clock_now() + CONNECT_TIME);
	s->next = k->sessions;
	k->sessions = s;
	return 0;
}

void keyclient_stop(struct keyclient *k, const struct in6_addr *ha)
{
	struct session *s = session_with(k, ha);

	if (s)
		session_free(s, true);
}

/* --- configuration ---------------------------------------------------------------- */

int keyclient_read(const struct boot_modes *modes, const struct mn_keys_config *cfg,
		   char why[TLS_WHY_MAX], struct tls_context **ret)
{
	bool certificate = boot_modes_have(modes, BOOT_CERTIFICATE);
	bool psk = boot_modes_have(modes, BOOT_PSK);
	bool on_link = boot_modes_have(modes, BOOT_ON_LINK);
	struct tls_config c = {
		.anonymous = on_link, .require_certificate = certificate && !psk && !on_link,
		.require_psk = psk && !certificate && !on_link,
	};
	struct tls_psk key = { .len = cfg->psk_len };
	int r;

	*ret = NULL;
	if (modes->n == 0)
		return 0;
	if (certificate) {
		c.certificate = cfg->certificate;
		c.key = cfg->private_key;
		c.authority = cfg->authority;
		c.crl = cfg->revoked[0] ? cfg->revoked : NULL;
		c.peer_name = cfg->home_agent_name[0] ? cfg->home_agent_name : NULL;
	}
	if (psk) {
		snprintf(key.identity, sizeof(key.identity), "%s", cfg->psk_identity);
		memcpy(key.key, cfg->psk, cfg->psk_len);
		c.n_psks = 1;
		c.psks = &key;
	}
	r = tls_context_new(&c, why, ret);
	explicit_bzero(&key, sizeof(key));
	return r;
}

void keyclient_use(struct keyclient *k, const struct boot_modes *modes, struct tls_context *c)
{
	explicit_bzero(k->tickets, sizeof(k->tickets));
	tls_context_free(k->context);
	k->context = c;
	k->modes = *modes;
}

int64_t keyclient_valid_until(const struct keyclient *k)
{
	return k->context ? tls_context_valid_until(k->context) : 0;
}

uint64_t keyclient_failed(const struct keyclient *k, unsigned int n)
{
	return n < REASONS_MAX ? k->failed[n] : 0;
}

uint64_t keyclient_resumed(const struct keyclient *k)
{
	return k->resumed;
}

int keyclient_open(struct loop *l, struct mn *mn, struct keyclient **ret)
{
	struct keyclient *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->loop = l;
	k->mn = mn;
	loop_background(l, background, k);
	*ret = k;
	return 0;
}

void keyclient_close(struct keyclient *k)
{
	if (!k)
		return;
	while (k->sessions)
		session_free(k->sessions, true);
	tls_context_free(k->context);
	explicit_bzero(k, sizeof(*k));
	free(k);
}
