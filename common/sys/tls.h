/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS 1.3 (RFC 8446) without sockets: octets in, octets out. The caller moves them and keeps
 * the time. The only files that include OpenSSL's SSL.
 *
 * A context is made of a configuration once and shared by sessions; it holds a reference for
 * each, so a reload may free it while sessions live. Tickets are good in the context that they
 * were made in and in no other, at both ends, and no longer than the certificates and the CRL
 * behind them: whoever changes the rules makes a new context, and nothing gets around them.
 */
#ifndef DMIP6_SYS_TLS_H
#define DMIP6_SYS_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_NAME_MAX	64	/* as BOOT_ID_MAX */
#define TLS_WHY_MAX	192

/* How the peer has shown who it is. */
enum tls_peer {
	TLS_PEER_NONE,		/* it has not */
	TLS_PEER_CERTIFICATE,	/* by a chain to one of our authorities */
	TLS_PEER_PSK,		/* by an external key (not by a ticket: that keeps what it was) */
};

struct tls_psk {
	char identity[TLS_NAME_MAX];
	uint8_t key[64];
	size_t len;		/* 16 to 64 */
};

struct tls_config {
	bool server;
	/* Files in PEM; NULL: none. A server without a certificate that wants one (anonymous)
	 * makes itself a self-signed one of an ephemeral key. */
	const char *certificate, *key;	/* ours, chain after it. A client that has an authority
					 * shows it to nobody else */
	const char *authority;		/* of the peers */
	const char *crl;		/* of the authority; checked if given (RFC 5280) */
	const char *peer_name;		/* client: the server's dNSName has to be this; NULL: any
					 * name of that authority, but a certificate that says that
					 * it is a server's (extended key usage) */
	bool require_certificate;	/* of the peer; else it is asked for and may be missing. One
					 * that is shown has to be right. With PSKs: or one of
					 * these */
	bool anonymous;			/* server: may be met without a certificate of an
					 * authority. Client: takes any server; who one is that
					 * shows no good certificate is not known */
	unsigned int n_psks;
	const struct tls_psk *psks;	/* copied; a client uses the first */
	bool require_psk;		/* no session without one; certificates are not used */
};

struct tls_context;
struct tls;

/* 0; -EINVAL (a file is not what it should be), -ENOENT, -EACCES, -ENOMEM, ...: why holds a
 * sentence that names the file. */
int tls_context_new(const struct tls_config *cfg, char why[TLS_WHY_MAX],
		    struct tls_context **ret);
void tls_context_free(struct tls_context *c);		/* NULL is harmless; wipes keys */
/* When our certificate ends, seconds of the epoch; 0: there is none. */
int64_t tls_context_valid_until(const struct tls_context *c);

int tls_new(struct tls_context *c, struct tls **ret);
void tls_free(struct tls *t);				/* NULL is harmless */
/* Client, before the first octet: the session of an earlier connection (tls_session_take()). */
void tls_resume(struct tls *t, const void *session, size_t len);

enum tls_state {
	TLS_HANDSHAKE,		/* under way */
	TLS_OPEN,
	TLS_CLOSED,		/* by the peer, with its close_notify (RFC 8446 6.1) */
	TLS_FAILED,		/* tls_why() says why; there may be an alert to be sent yet */
};
enum tls_state tls_state(const struct tls *t);
/* A sentence for people; "" before it has failed. And a word for a counter: "certificate-
 * expired", "certificate-revoked", "certificate-unknown" (chain), "certificate-missing",
 * "certificate-name", "crl" (it has ended, or there is none of that authority), "psk-unknown",
 * "version", "protocol" (malformed, truncated), "alert" (the peer said no). */
const char *tls_why(const struct tls *t);
const char *tls_reason(const struct tls *t);
/* What the counter's words are, for showing zeros too; NULL after the last. */
const char *const *tls_reasons(void);

/* Octets that came: at most one flight of the handshake is worked off. 0, -EPROTO once
 * it has failed, -ENOMEM. The client calls it with len 0 to begin. What it says is to be read
 * (tls_read()) before more than 64 KiB of it have come. */
int tls_feed(struct tls *t, const void *data, size_t len);
/* The stream ended: a session that neither end has closed is truncated (TLS_FAILED). */
void tls_feed_end(struct tls *t);
/* Octets to be sent: at most room, how many; 0: none. */
size_t tls_take(struct tls *t, void *room, size_t len);
bool tls_wants_write(const struct tls *t);	/* would tls_take() give any? */
/* What the peer says: how many octets, 0: none now. What it said before it closed can be read
 * first, then the state is TLS_CLOSED; it can still be answered. */
size_t tls_read(struct tls *t, void *room, size_t len);
int tls_write(struct tls *t, const void *data, size_t len);	/* 0, -EPROTO, -ENOMEM */
void tls_close(struct tls *t);			/* queues close_notify */

/* Of an open session. */
enum tls_peer tls_peer(const struct tls *t);
/* Of the certificate: the first dNSName or rfc822Name of subjectAltName, else the common name;
 * of the PSK: its identity. "": none. Kept by resumption. */
const char *tls_peer_name(const struct tls *t);
bool tls_resumed(const struct tls *t);
/* RFC 5705, RFC 8446 7.5. 0, -EINVAL before it is open, -EIO. */
int tls_export(const struct tls *t, const char *label, const void *context, size_t context_len,
	       void *ret, size_t len);
/* Client: what resumes it (a ticket has come); how many octets, 0: none, or no room. Secret. */
size_t tls_session_take(struct tls *t, void *room, size_t len);

#endif
