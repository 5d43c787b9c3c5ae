/* SPDX-License-Identifier: BSD-2-Clause */
/* What tls.c, tls_context.c and tls_peer.c know of each other. */
#ifndef DMIP6_SYS_TLS_PRIVATE_H
#define DMIP6_SYS_TLS_PRIVATE_H

#include <openssl/ssl.h>

#include "common/sys/tls.h"

#define TLS_CONTEXT_ID	16		/* octets */
#define TLS_TICKET_MAX	(7 * 86400)	/* seconds (RFC 8446 4.6.1) */

enum tls_reason_code {
	TLS_REASON_NONE,
	TLS_REASON_EXPIRED, TLS_REASON_REVOKED, TLS_REASON_UNKNOWN, TLS_REASON_MISSING,
	TLS_REASON_NAME, TLS_REASON_CRL, TLS_REASON_PSK, TLS_REASON_VERSION, TLS_REASON_PROTOCOL,
	TLS_REASON_ALERT, TLS_REASON_MAX
};

/* Who the peer is, and until when that holds without asking again, seconds of the epoch. */
struct tls_who {
	enum tls_peer kind;
	char name[TLS_NAME_MAX];
	int64_t until;
};

struct tls_context {
	SSL_CTX *ssl;
	unsigned int refs;
	bool server, anonymous, require_certificate, require_psk;
	bool has_authority;
	bool any_name;			/* client: the server may have any */
	bool no_certificate;		/* server: lives of PSKs alone */
	int64_t valid_until;		/* our certificate; 0: none */
	int64_t crl_until;		/* the first of them that ends */
	uint8_t id[TLS_CONTEXT_ID];	/* random; in its tickets */
	unsigned int n_psks;
	struct tls_psk *psks;		/* a server's in order of identity */
};

struct tls {
	struct tls_context *c;
	SSL *ssl;
	BIO *in, *out;			/* owned by ssl */
	enum tls_state state;
	struct tls_who who;
	bool settled;			/* who is final */
	bool resumed;
	bool ended;			/* no more octets will come */
	bool closing;			/* we have said that we are done */
	size_t fed;			/* octets of the handshake */
	/* Why the peer's certificate was not taken; TLS_REASON_NONE: it was, or there was none. */
	enum tls_reason_code refused;
	char refused_why[TLS_WHY_MAX];
	enum tls_reason_code reason;
	char why[TLS_WHY_MAX];
};

/* tls_peer.c: how it is found out who the peer is. Makes a context ask it. */
void tls_peer_init(struct tls_context *c);
/* The handshake is as good as over: t->who and t->resumed become final, and go into the ticket.
 * 0, -EPROTO: the session says nothing of that kind. */
int tls_peer_settle(struct tls *t);
/* A session that was kept: may it be offered in this context now? */
bool tls_peer_may_resume(const struct tls_context *c, const SSL_SESSION *s);
/* Seconds of the epoch; INT64_MAX for what does not end, or cannot be read. */
int64_t tls_time(const ASN1_TIME *t);

#endif
