/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One TLS session between two pairs of buffers. Owns the session; called by the key server and
 * the key client, which have the sockets. RFC 8446; RFC 5705 for the keys that come out of it.
 *
 * OpenSSL keeps its errors in a queue of the thread, and takes what is left there for an error of
 * the next call: every function here leaves it empty.
 */
#include "common/sys/tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sys/tls_private.h"

/* What a peer can make us keep, octets: of the handshake, of what was not read, of our answers
 * that it does not take. */
#define HANDSHAKE_MAX	65536
#define INPUT_MAX	65536
#define OUTPUT_MAX	(256 * 1024)
#define SESSION_MAX	16384		/* of what a client keeps to resume */
#define ALERT_REASON	1000		/* OpenSSL's reasons from there on are alerts that came */

static const char *const reasons[] = {
	"certificate-expired", "certificate-revoked", "certificate-unknown",
	"certificate-missing", "certificate-name", "crl", "psk-unknown", "version", "protocol",
	"alert", NULL
};

const char *const *tls_reasons(void)
{
	return reasons;
}

const char *tls_reason(const struct tls *t)
{
	return t->reason == TLS_REASON_NONE ? "" : reasons[t->reason - 1];
}

const char *tls_why(const struct tls *t)
{
	return t->why;
}

enum tls_state tls_state(const struct tls *t)
{
	return t->state;
}

int tls_new(struct tls_context *c, struct tls **ret)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->ssl = SSL_new(c->ssl);
	t->in = BIO_new(BIO_s_mem());
	t->out = BIO_new(BIO_s_mem());
	ERR_clear_error();
	if (!t->ssl || !t->in || !t->out) {
		SSL_free(t->ssl);
		BIO_free(t->in);
		BIO_free(t->out);
		free(t);
		return -ENOMEM;
	}
	/* Empty is not the end. */
	BIO_set_mem_eof_return(t->in, -1);
	SSL_set_bio(t->ssl, t->in, t->out);
	SSL_set_app_data(t->ssl, t);
	if (c->server)
		SSL_set_accept_state(t->ssl);
	else
		SSL_set_connect_state(t->ssl);
	t->c = c;
	c->refs++;
	*ret = t;
	return 0;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	ERR_clear_error();
	tls_context_free(t->c);
	OPENSSL_cleanse(t, sizeof(*t));
	free(t);
}

void tls_resume(struct tls *t, const void *session, size_t len)
{
	const unsigned char *p = session;
	SSL_SESSION *s;

	if (t->c->server || t->state != TLS_HANDSHAKE || t->fed || len > SESSION_MAX)
		return;
	s = d2i_SSL_SESSION(NULL, &p, (long)len);
	if (s && tls_peer_may_resume(t->c, s))
		SSL_set_session(t->ssl, s);
	SSL_SESSION_free(s);
	ERR_clear_error();
}

/* ---- failure ---- */

static int __attribute__((format(printf, 3, 4)))
fail(struct tls *t, enum tls_reason_code reason, const char *fmt, ...)
{
	va_list ap;

	t->state = TLS_FAILED;
	t->reason = reason;
	va_start(ap, fmt);
	vsnprintf(t->why, sizeof(t->why), fmt, ap);
	va_end(ap);
	ERR_clear_error();
	return -EPROTO;
}

/* The first thing that TLS complained of: what comes after it are consequences. */
static unsigned long first_complaint(void)
{
	unsigned long e, first = 0;

	while ((e = ERR_get_error()) != 0) {
		if (!first || (ERR_GET_LIB(first) != ERR_LIB_SSL && ERR_GET_LIB(e) == ERR_LIB_SSL))
			first = e;
	}
	return first;
}

static int fail_alert(struct tls *t, int alert)
{
	const char *what = SSL_alert_desc_string_long(alert);

	if (alert == SSL_AD_PROTOCOL_VERSION)
		return fail(t, TLS_REASON_VERSION, "the peer refused: it has no TLS 1.3");
	/* A PSK that the server has otherwise: RFC 8446 6.2, and what OpenSSL says. */
	if (t->c->n_psks > 0 &&
	    (alert == SSL_AD_DECRYPT_ERROR || alert == SSL_AD_ILLEGAL_PARAMETER))
		return fail(t, TLS_REASON_ALERT,
			    "the peer refused: %s; its pre-shared key for %s may be another", what,
			    t->c->psks[0].identity);
	if (alert == SSL_AD_CERTIFICATE_REQUIRED)	/* OpenSSL has no text for it */
		what = "certificate required";
	return fail(t, TLS_REASON_ALERT, "the peer refused: %s", what);
}

static int fail_openssl(struct tls *t)
{
	unsigned long e = first_complaint();
	const char *text = ERR_reason_error_string(e);
	int reason = ERR_GET_LIB(e) == ERR_LIB_SSL ? ERR_GET_REASON(e) : 0;

	if (reason > ALERT_REASON && reason <= ALERT_REASON + UINT8_MAX)
		return fail_alert(t, reason - ALERT_REASON);
	switch (reason) {
	case SSL_R_CERTIFICATE_VERIFY_FAILED:
		if (t->refused != TLS_REASON_NONE)
			return fail(t, t->refused, "%s", t->refused_why);
		break;
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
		return fail(t, TLS_REASON_MISSING, "the peer has shown no certificate");
	case SSL_R_BINDER_DOES_NOT_VERIFY:
		return fail(t, TLS_REASON_PSK, "the pre-shared key of the peer is not the one that we have");
	case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
	case SSL_R_NO_SHARED_CIPHER:
	case SSL_R_NO_CERTIFICATE_SET:
		if (t->c->no_certificate)
			return fail(t, TLS_REASON_PSK, "the peer has no pre-shared key that we know");
		break;
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_WRONG_SSL_VERSION:
	case SSL_R_VERSION_TOO_LOW:
	case SSL_R_VERSION_TOO_HIGH:
	case SSL_R_UNKNOWN_PROTOCOL:
		return fail(t, TLS_REASON_VERSION, "the peer has no TLS 1.3");
	default:
		break;
	}
	return fail(t, TLS_REASON_PROTOCOL, "what the peer sent is not right: %s",
		    text ? text : "unknown error");
}

/* ---- work ---- */

/* A call into OpenSSL did not do what it was asked for. */
static void not_done(struct tls *t, int r)
{
	int e = SSL_get_error(t->ssl, r);

	if (e == SSL_ERROR_ZERO_RETURN) {
		t->state = TLS_CLOSED;
	} else if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE) {
		fail_openssl(t);
	} else if (t->ended && t->closing) {
		t->state = TLS_CLOSED;
	} else if (t->ended) {
		/* RFC 8446 6.1: without close_notify there may have been more. */
		fail(t, TLS_REASON_PROTOCOL, t->state == TLS_OPEN ?
		     "the connection ended and the session did not: it was cut off" :
		     "the connection ended in the middle of the handshake");
	}
}

static void shake_hands(struct tls *t)
{
	int r = SSL_do_handshake(t->ssl);

	if (r != 1) {
		not_done(t, r);
		return;
	}
	if (tls_peer_settle(t)) {
		fail(t, TLS_REASON_UNKNOWN, "the peer has not shown who it is");
		return;
	}
	t->state = TLS_OPEN;
}

/* Works off what came: the state is then that of the last octet, but for what is to be read. */
static void work(struct tls *t)
{
	char c;
	int r;

	ERR_clear_error();
	if (t->state == TLS_HANDSHAKE)
		shake_hands(t);
	if (t->state == TLS_OPEN) {
		r = SSL_peek(t->ssl, &c, 1);
		if (r <= 0)
			not_done(t, r);
	}
	if (t->state != TLS_FAILED && BIO_ctrl_pending(t->out) > OUTPUT_MAX)
		fail(t, TLS_REASON_PROTOCOL, "the peer makes us talk, and does not listen");
	ERR_clear_error();
}

int tls_feed(struct tls *t, const void *data, size_t len)
{
	if (t->state == TLS_FAILED)
		return -EPROTO;
	if (t->state == TLS_CLOSED)
		return 0;
	if (len > INPUT_MAX || BIO_ctrl_pending(t->in) + len > INPUT_MAX)
		return fail(t, TLS_REASON_PROTOCOL, "the peer sends more than was asked for");
	if (t->state == TLS_HANDSHAKE)
		t->fed += len;
	if (t->fed > HANDSHAKE_MAX)
		return fail(t, TLS_REASON_PROTOCOL, "the handshake of the peer has no end");
	if (len > 0 && BIO_write(t->in, data, (int)len) != (int)len) {
		ERR_clear_error();
		return -ENOMEM;
	}
	work(t);
	return t->state == TLS_FAILED ? -EPROTO : 0;
}

void tls_feed_end(struct tls *t)
{
	t->ended = true;
	if (t->state == TLS_HANDSHAKE || t->state == TLS_OPEN)
		work(t);
}

bool tls_wants_write(const struct tls *t)
{
	return BIO_ctrl_pending(t->out) > 0;
}

size_t tls_take(struct tls *t, void *room, size_t len)
{
	int n = BIO_read(t->out, room, len < INT_MAX ? (int)len : INT_MAX);

	ERR_clear_error();
	return n > 0 ? (size_t)n : 0;
}

size_t tls_read(struct tls *t, void *room, size_t len)
{
	int n;

	if (t->state != TLS_OPEN || len == 0)
		return 0;
	ERR_clear_error();
	n = SSL_read(t->ssl, room, len < INT_MAX ? (int)len : INT_MAX);
	if (n <= 0)
		not_done(t, n);
	else
		work(t);
	ERR_clear_error();
	return n > 0 ? (size_t)n : 0;
}

int tls_write(struct tls *t, const void *data, size_t len)
{
	int n;

	if ((t->state != TLS_OPEN && t->state != TLS_CLOSED) || t->closing || len > INT_MAX)
		return -EPROTO;
	if (len == 0)
		return 0;
	ERR_clear_error();
	n = SSL_write(t->ssl, data, (int)len);
	ERR_clear_error();
	return n == (int)len ? 0 : -ENOMEM;
}

void tls_close(struct tls *t)
{
	if (t->closing || (t->state != TLS_OPEN && t->state != TLS_CLOSED))
		return;
	t->closing = true;
	ERR_clear_error();
	SSL_shutdown(t->ssl);
	ERR_clear_error();
}

/* ---- of an open session ---- */

enum tls_peer tls_peer(const struct tls *t)
{
	return t->settled ? t->who.kind : TLS_PEER_NONE;
}

const char *tls_peer_name(const struct tls *t)
{
	return t->settled ? t->who.name : "";
}

bool tls_resumed(const struct tls *t)
{
	return t->resumed;
}

int tls_export(const struct tls *t, const char *label, const void *context, size_t context_len,
	       void *ret, size_t len)
{
	int ok;

	if (t->state != TLS_OPEN && t->state != TLS_CLOSED)
		return -EINVAL;
	ERR_clear_error();
	ok = SSL_export_keying_material(t->ssl, ret, len, label, strlen(label), context,
					context_len, 1);
	ERR_clear_error();
	return ok == 1 ? 0 : -EIO;
}

size_t tls_session_take(struct tls *t, void *room, size_t len)
{
	SSL_SESSION *s = SSL_get_session(t->ssl);
	unsigned char *p = room;
	int n;

	if (t->c->server || !t->settled || t->state == TLS_FAILED || !s ||
	    !SSL_SESSION_is_resumable(s))
		return 0;
	n = i2d_SSL_SESSION(s, NULL);
	if (n <= 0 || (size_t)n > len)
		return 0;
	n = i2d_SSL_SESSION(s, &p);
	ERR_clear_error();
	return n > 0 ? (size_t)n : 0;
}
