/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One host's session with the key server: octets of a TCP connection into TLS, requests out of it
 * to bootstrap.c, responses back. Owns its descriptor and the TLS session; called by keyserver.c
 * and the loop. RFC 6618 4.3, 5.1 to 5.7; RFC 5705 (keys are exported, never sent).
 *
 * A step works off one flight of the handshake or one request, no more: that takes a millisecond
 * or so, and Binding Updates do not wait for longer.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/core/log.h"
#include "common/sys/clock.h"
#include "ha-agent/keyserver_private.h"

#define SESSION_TIME	(10 * USEC_S)	/* all of it, from the connection to the end */
#define LAST_TIME	(2 * USEC_S)	/* for the peer to read what we said last */
#define READ_ROOM	4096

void keysession_free(struct keysession *s)
{
	struct keyserver *k = s->k;

	TAILQ_REMOVE(&k->sessions, s, all);
	if (s->due)
		TAILQ_REMOVE(&k->due, s, in_turn);
	timer_stop(loop_timers(k->loop), &s->deadline);
	loop_io_del(s->io);
	tls_free(s->tls);
	close(s->fd);
	keyhosts_leave(&k->hosts, s->host, clock_now());
	explicit_bzero(s, sizeof(*s));
	free(s);
	keyserver_room(k);
}

static void make_due(struct keysession *s)
{
	if (s->due)
		return;
	s->due = true;
	TAILQ_INSERT_TAIL(&s->k->due, s, in_turn);
	loop_background_wake(s->k->loop);
}

static void on_io(void *ctx)
{
	make_due(ctx);
}

static void on_deadline(void *ctx, usec_t now)
{
	struct keysession *s = ctx;

	(void)now;
	if (!s->shut)
		s->k->counters[KEYSERVER_TIMEOUT]++;
	keysession_free(s);
}

int keysession_new(struct keyserver *k, int fd, const struct bootstrap_peer *peer,
		   const uint8_t host[KEYHOST_ID])
{
	struct keysession *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	timer_init(&s->deadline, "key session", on_deadline, s);
	err = tls_new(k->context, &s->tls);
	if (err == 0)
		err = loop_io_new(k->loop, fd, on_io, s, &s->io);
	if (err == 0)
		err = timer_set(loop_timers(k->loop), &s->deadline, clock_now() + SESSION_TIME);
	if (err == 0)
		err = loop_io_wait(s->io, false);
	if (err < 0) {
		timer_stop(loop_timers(k->loop), &s->deadline);
		loop_io_del(s->io);
		tls_free(s->tls);
		free(s);
		return err;
	}
	s->k = k;
	s->fd = fd;
	s->peer = *peer;
	memcpy(s->host, host, KEYHOST_ID);
	TAILQ_INSERT_TAIL(&k->sessions, s, all);
	return 0;
}

/* ---- requests ---- */

static enum boot_mode mode_of(const struct tls *t)
{
	switch (tls_peer(t)) {
	case TLS_PEER_CERTIFICATE:
		return BOOT_CERTIFICATE;
	case TLS_PEER_PSK:
		return BOOT_PSK;
	case TLS_PEER_NONE:
		break;
	}
	return BOOT_ON_LINK;
}

static void know_peer(struct keysession *s)
{
	s->open = true;
	s->peer.mode = mode_of(s->tls);
	s->peer.resumed = tls_resumed(s->tls);
	snprintf(s->peer.mn_id, sizeof(s->peer.mn_id), "%s", tls_peer_name(s->tls));
	s->k->counters[KEYSERVER_SESSION]++;
	s->k->counters[KEYSERVER_RESUMED] += s->peer.resumed;
}

static int export_key(void *ctx, const uint8_t context[BOOT_CONTEXT_LEN],
		      uint8_t ret[BOOT_KEY_LEN])
{
	return tls_export(ctx, BOOT_EXPORTER_LABEL, context, BOOT_CONTEXT_LEN, ret, BOOT_KEY_LEN);
}

/* What the session has to say is over with what is queued now. */
static void say_last(struct keysession *s)
{
	s->last = true;
	s->more = false;
	tls_close(s->tls);
}

static void respond(struct keysession *s, const struct boot_response *r)
{
	uint8_t room[BOOT_MESSAGE_MAX];
	struct wbuf w;
	int err;

	wb_init(&w, room, sizeof(room));
	err = boot_encode_response(&w, r);
	if (err == 0)
		err = tls_write(s->tls, w.base, w.len);
	if (err == 0)
		return;
	log_warn("a response about a key could not be written: %s", strerror(-err));
	say_last(s);
}

/* What cannot be read ends the session: where the next request begins is not to be known. */
static void refuse(struct keysession *s, uint8_t id, enum boot_err err)
{
	struct boot_response r = {
		/* RFC 6618 5.5.4 */
		.id = id != 0 ? id : 1,
		.status = err == BOOT_ERR_UNSUPPORTED ? BOOT_NOT_IMPLEMENTED : BOOT_BAD_REQUEST,
	};

	s->k->dropped[err]++;
	snprintf(r.reason, sizeof(r.reason), "%s", boot_err_text(err));
	respond(s, &r);
	say_last(s);
}

/* One message of those that have come. Was there one? */
static bool serve_one(struct keysession *s)
{
	const struct bootstrap_ops ops = { .export = export_key, .ctx = s->tls };
	struct boot_request q = { 0 };
	struct boot_response r;
	enum boot_err err;
	size_t len;

	s->in_len += tls_read(s->tls, s->in + s->in_len, sizeof(s->in) - s->in_len);
	err = boot_length(s->in, s->in_len, &len);
	if (err == BOOT_ERR_MORE || (err == BOOT_ERR_NONE && len > s->in_len))
		return false;
	if (err == BOOT_ERR_NONE)
		err = boot_decode_request(s->in, len, &q);
	/* RFC 6618 5.3: the identifiers of a session are all there are. */
	if (err == BOOT_ERR_NONE && ++s->requests > BOOT_REQUESTS_MAX)
		err = BOOT_ERR_ID;
	if (err != BOOT_ERR_NONE) {
		refuse(s, q.id, err);
		return false;
	}
	s->in_len -= len;
	memmove(s->in, s->in + len, s->in_len);
	(void)bootstrap_request(s->k->ha, &s->peer, &q, &ops, clock_now(), &r);
	respond(s, &r);
	return !s->last;
}

/* ---- octets ---- */

/* False: it cannot be sent, and the session is over. */
static bool flush(struct keysession *s)
{
	if (tls_send(s->tls, s->fd, &s->out) == 0)
		return true;
	keysession_free(s);
	return false;
}

static void count_failure(struct keyserver *k, const char *reason)
{
	const char *const *words = tls_reasons();

	for (unsigned int n = 0; words[n] && n < KEYSERVER_REASONS; n++)
		k->tls_failed[n] += strcmp(words[n], reason) == 0;
}

static void tell_failure(const struct keysession *s)
{
	count_failure(s->k, tls_reason(s->tls));
	if (ha_log_routine(s->k->ha, clock_now()))
		log_info("no session with %s about a key: %s", in6_str(&s->peer.source).s,
			 tls_why(s->tls));
}

/* A connection that is closed while octets are unread is reset, and the peer may lose what we
 * said. So it is read to its end, though not for long. */
static void shut(struct keysession *s)
{
	s->shut = true;
	(void)shutdown(s->fd, SHUT_WR);
	(void)timer_set(loop_timers(s->k->loop), &s->deadline, clock_now() + LAST_TIME);
	(void)loop_io_wait(s->io, false);
}

/* What follows from what has come. */
static void progress(struct keysession *s)
{
	enum tls_state state = tls_state(s->tls);

	if (!s->open && (state == TLS_OPEN || state == TLS_CLOSED))
		know_peer(s);
	if (s->open && !s->last)
		s->more = serve_one(s);
	state = tls_state(s->tls);
	if (state == TLS_FAILED && !s->last) {
		tell_failure(s);
		s->last = true;			/* there may be an alert to be sent */
		s->more = false;
	} else if (state == TLS_CLOSED && !s->more && !s->last) {
		say_last(s);
	}
	if (!flush(s))
		return;
	if (s->last && s->out.len == 0)
		shut(s);
	else if (s->more)
		make_due(s);
	else
		(void)loop_io_wait(s->io, s->out.len > 0);
}

static void receive(struct keysession *s)
{
	uint8_t room[READ_ROOM];
	ssize_t n = recv(s->fd, room, sizeof(room), 0);

	if ((n < 0 && errno != EAGAIN && errno != EINTR) || (n == 0 && s->shut)) {
		keysession_free(s);
		return;
	}
	if (s->shut) {
		(void)loop_io_wait(s->io, false);
		return;
	}
	if (n == 0)
		tls_feed_end(s->tls);
	else if (n > 0)
		(void)tls_feed(s->tls, room, (size_t)n);
	progress(s);
}

bool keysession_step(struct keyserver *k)
{
	struct keysession *s = TAILQ_FIRST(&k->due);

	if (!s)
		return false;
	TAILQ_REMOVE(&k->due, s, in_turn);
	s->due = false;
	if (s->more || s->out.len > 0)
		progress(s);
	else
		receive(s);
	return !TAILQ_EMPTY(&k->due);
}
