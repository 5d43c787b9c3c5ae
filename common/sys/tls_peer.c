/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who the peer of a TLS session is: certificates (RFC 5280, RFC 6125), external pre-shared keys
 * (RFC 8446 2.2, 4.2.11) and tickets (4.6.1), which keep what the peer was in the session that
 * they come from. Owns nothing; OpenSSL calls it back, tls.c asks it.
 *
 * Who the peer is travels with OpenSSL's session object, as the data that an application may put
 * into a ticket: a server's ticket is sealed with it inside, a client keeps it beside the ticket.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/sys/clock.h"
#include "common/sys/tls_private.h"

#define MARK_VERSION	1

/* What stands in a session. */
struct mark {
	uint8_t version;
	uint8_t kind;			/* enum tls_peer */
	uint8_t external;		/* of a PSK's session: no ticket yet */
	uint8_t context[TLS_CONTEXT_ID];
	int64_t until;
	char name[TLS_NAME_MAX];
};

int64_t tls_time(const ASN1_TIME *t)
{
	struct tm tm;
	int64_t s;

	if (!t || !ASN1_TIME_to_tm(t, &tm))
		return INT64_MAX;
	s = (int64_t)timegm(&tm);
	return s < 0 ? 0 : s;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* ---- certificates ---- */

static int refuse(struct tls *t, enum tls_reason_code reason, const char *name, const char *why)
{
	t->refused = reason;
	if (name[0])
		snprintf(t->refused_why, sizeof(t->refused_why), "the certificate of %s: %s", name, why);
	else
		snprintf(t->refused_why, sizeof(t->refused_why), "the certificate of the peer: %s", why);
	return 0;
}

static enum tls_reason_code reason_of_verification(int err)
{
	switch (err) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return TLS_REASON_EXPIRED;
	case X509_V_ERR_CERT_REVOKED:
		return TLS_REASON_REVOKED;
	case X509_V_ERR_HOSTNAME_MISMATCH:
		return TLS_REASON_NAME;
	case X509_V_ERR_UNABLE_TO_GET_CRL:
	case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
	case X509_V_ERR_CRL_SIGNATURE_FAILURE:
	case X509_V_ERR_CRL_NOT_YET_VALID:
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
		return TLS_REASON_CRL;
	default:
		return TLS_REASON_UNKNOWN;
	}
}

/* Copies a name that can be shown and compared. 0, -EINVAL: it cannot. */
static int copy_name(const ASN1_STRING *s, char ret[TLS_NAME_MAX])
{
	unsigned char *utf8 = NULL;
	int n = ASN1_STRING_to_UTF8(&utf8, s), err = n < 1 || n >= TLS_NAME_MAX ? -EINVAL : 0;

	for (int i = 0; i < n && !err; i++) {
		/* A zero inside of it would end it: alice\0.example is not alice. */
		if (utf8[i] < 0x20 || utf8[i] > 0x7e || (utf8[i] == ' ' && (i == 0 || i == n - 1)))
			err = -EINVAL;
	}
	if (!err) {
		memcpy(ret, utf8, (size_t)n);
		ret[n] = '\0';
	}
	OPENSSL_free(utf8);
	return err;
}

/* The first dNSName or rfc822Name, else the common name. 0, -ENOENT: there is none, -EINVAL. */
static int name_of(const X509 *x, char ret[TLS_NAME_MAX])
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	X509_NAME *subject = X509_get_subject_name(x);
	int at, err = -ENOENT;

	ret[0] = '\0';
	for (int i = 0; names && i < sk_GENERAL_NAME_num(names) && err == -ENOENT; i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		if (n->type == GEN_DNS || n->type == GEN_EMAIL)
			err = copy_name(n->d.ia5, ret);
	}
	GENERAL_NAMES_free(names);
	if (err != -ENOENT)
		return err;
	at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (at < 0)
		return -ENOENT;
	return copy_name(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), ret);
}

/* A list of what an authority above the last one has revoked is welcome, but need not be. */
static int without_every_crl(int ok, X509_STORE_CTX *ctx)
{
	if (ok || X509_STORE_CTX_get_error(ctx) != X509_V_ERR_UNABLE_TO_GET_CRL ||
	    X509_STORE_CTX_get_error_depth(ctx) == 0)
		return ok;
	X509_STORE_CTX_set_error(ctx, X509_V_OK);
	return 1;
}

/* The chain is good: is it that of somebody who may stand there? */
static int check_holder(struct tls *t, X509 *leaf, const char *name, int named)
{
	uint32_t usage;

	if (t->c->server) {
		/* The name is who a mobile node is: nobody is not one. */
		return named == 0 ? 1 : refuse(t, TLS_REASON_NAME, "",
					       "it has no name, or none of printable characters");
	}
	/* Where any name will do, a mobile node of the same authority must not pass for a home
	 * agent: that of a home agent says what it is for (RFC 5280 4.2.1.12). */
	usage = X509_get_extended_key_usage(leaf);
	if (t->c->any_name && (usage == UINT32_MAX || !(usage & XKU_SSL_SERVER)))
		return refuse(t, TLS_REASON_UNKNOWN, name, "it is not that of a server");
	return 1;
}

static int check_chain(struct tls *t, X509_STORE_CTX *ctx)
{
	X509 *leaf = X509_STORE_CTX_get0_cert(ctx);
	STACK_OF(X509) *chain;
	char name[TLS_NAME_MAX];
	int named = name_of(leaf, name), err;

	X509_STORE_CTX_set_verify_cb(ctx, without_every_crl);
	if (X509_verify_cert(ctx) != 1) {
		err = X509_STORE_CTX_get_error(ctx);
		return refuse(t, reason_of_verification(err), name,
			      X509_verify_cert_error_string(err));
	}
	if (!check_holder(t, leaf, name, named))
		return 0;
	t->who.kind = TLS_PEER_CERTIFICATE;
	memcpy(t->who.name, name, sizeof(name));
	t->who.until = t->c->crl_until;
	chain = X509_STORE_CTX_get0_chain(ctx);
	for (int i = 0; i < sk_X509_num(chain); i++)
		t->who.until = earlier(t->who.until,
				       tls_time(X509_get0_notAfter(sk_X509_value(chain, i))));
	return 1;
}

/* Instead of OpenSSL's own check of a certificate. */
static int verify(X509_STORE_CTX *ctx, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *t = SSL_get_app_data(ssl);
	int ok;

	(void)arg;
	/* The certificates of a session mean that the PSK was not taken. */
	if (t->c->require_psk) {
		refuse(t, TLS_REASON_PSK, "", "a pre-shared key was wanted instead");
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_APPLICATION_VERIFICATION);
		return 0;
	}
	ERR_set_mark();
	ok = t->c->has_authority ? check_chain(t, ctx) : t->c->anonymous;
	if (!ok && X509_STORE_CTX_get_error(ctx) == X509_V_OK)
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_APPLICATION_VERIFICATION);
	if (!ok && t->c->anonymous && !t->c->server) {
		X509_STORE_CTX_set_error(ctx, X509_V_OK);
		ok = 1;
	}
	if (ok)
		t->refused = TLS_REASON_NONE;
	/* An error that is left in the queue would be taken for one of the session. */
	if (ok)
		ERR_pop_to_mark();
	else
		ERR_clear_last_mark();
	return ok;
}

/* The server asks for our certificate: whom we do not know does not learn who we are. */
static int show_certificate(SSL *ssl, void *arg)
{
	struct tls *t = SSL_get_app_data(ssl);

	(void)arg;
	if (!t->c->server && t->c->has_authority && t->who.kind != TLS_PEER_CERTIFICATE)
		SSL_certs_clear(ssl);
	return 1;
}

/* ---- what a session keeps ---- */

static bool put_mark(SSL_SESSION *s, const struct tls_context *c, const struct tls_who *who,
		     bool external)
{
	struct mark m;

	memset(&m, 0, sizeof(m));
	m.version = MARK_VERSION;
	m.kind = (uint8_t)who->kind;
	m.external = external;
	memcpy(m.context, c->id, sizeof(m.context));
	m.until = who->until;
	memcpy(m.name, who->name, sizeof(m.name));
	return SSL_SESSION_set1_ticket_appdata(s, &m, sizeof(m));
}

static bool get_mark(const SSL_SESSION *s, const struct tls_context *c, struct tls_who *ret,
		     bool *ret_external)
{
	struct mark m;
	void *data = NULL;
	size_t len = 0;

	if (!SSL_SESSION_get0_ticket_appdata((SSL_SESSION *)s, &data, &len) || !data ||
	    len != sizeof(m))
		return false;
	memcpy(&m, data, sizeof(m));
	if (m.version != MARK_VERSION || m.kind > TLS_PEER_PSK || m.name[TLS_NAME_MAX - 1] ||
	    memcmp(m.context, c->id, sizeof(m.context)) != 0)
		return false;
	ret->kind = (enum tls_peer)m.kind;
	ret->until = m.until;
	memcpy(ret->name, m.name, sizeof(ret->name));
	*ret_external = m.external;
	return true;
}

/* Is this a peer that the context lets in? */
static bool let_in(const struct tls_context *c, const struct tls_who *who)
{
	if (c->require_psk)
		return who->kind == TLS_PEER_PSK;
	if (c->server ? c->require_certificate : !c->anonymous)
		return who->kind != TLS_PEER_NONE;
	return true;
}

bool tls_peer_may_resume(const struct tls_context *c, const SSL_SESSION *s)
{
	struct tls_who who;
	bool external;

	return get_mark(s, c, &who, &external) && !external && let_in(c, &who) &&
	       clock_wall_s() < who.until;
}

int tls_peer_settle(struct tls *t)
{
	SSL_SESSION *s = SSL_get_session(t->ssl);
	bool external = false;

	if (t->settled)
		return 0;
	if (SSL_session_reused(t->ssl)) {
		if (!get_mark(s, t->c, &t->who, &external))
			return -EPROTO;
		t->resumed = !external;
	}
	/* RFC 8446 4.6.1: who proved long ago who he is proves it again one day. */
	if (!t->resumed) {
		int64_t longest = clock_wall_s() + TLS_TICKET_MAX;

		t->who.until = t->who.kind == TLS_PEER_CERTIFICATE ?
			       earlier(t->who.until, longest) : longest;
	}
	if (!let_in(t->c, &t->who) || !put_mark(s, t->c, &t->who, false))
		return -EPROTO;
	t->settled = true;
	return 0;
}

static int make_ticket(SSL *ssl, void *arg)
{
	(void)arg;
	return tls_peer_settle(SSL_get_app_data(ssl)) == 0;
}

static SSL_TICKET_RETURN read_ticket(SSL *ssl, SSL_SESSION *s, const unsigned char *key_name,
				     size_t key_name_len, SSL_TICKET_STATUS status, void *arg)
{
	const struct tls *t = SSL_get_app_data(ssl);

	(void)key_name;
	(void)key_name_len;
	(void)arg;
	if ((status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW) &&
	    tls_peer_may_resume(t->c, s))
		return SSL_TICKET_RETURN_USE_RENEW;
	return SSL_TICKET_RETURN_IGNORE_RENEW;
}

/* ---- external pre-shared keys ---- */

/* RFC 8446 4.2.11: a PSK goes with one hash; ours with SHA-256. */
static SSL_SESSION *session_of_psk(const struct tls *t, const struct tls_psk *psk)
{
	static const unsigned char aes_128_gcm_sha256[] = { 0x13, 0x01 };
	const SSL_CIPHER *cipher = SSL_CIPHER_find(t->ssl, aes_128_gcm_sha256);
	struct tls_who who = { .kind = TLS_PEER_PSK };
	SSL_SESSION *s = SSL_SESSION_new();

	memcpy(who.name, psk->identity, sizeof(who.name));
	if (s && cipher && SSL_SESSION_set1_master_key(s, psk->key, psk->len) &&
	    SSL_SESSION_set_cipher(s, cipher) &&
	    SSL_SESSION_set_protocol_version(s, TLS1_3_VERSION) && put_mark(s, t->c, &who, true))
		return s;
	SSL_SESSION_free(s);
	return NULL;
}

static int use_psk(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *id_len,
		   SSL_SESSION **ret)
{
	const struct tls *t = SSL_get_app_data(ssl);
	const struct tls_psk *psk = t->c->psks;

	*ret = NULL;
	/* After a HelloRetryRequest the hash has been chosen. */
	if (md && !EVP_MD_is_a(md, "SHA256"))
		return 1;
	*ret = session_of_psk(t, psk);
	*id = (const unsigned char *)psk->identity;
	*id_len = strlen(psk->identity);
	return *ret != NULL;
}

static int compare_identity(const void *key, const void *psk)
{
	return strcmp(key, ((const struct tls_psk *)psk)->identity);
}

/* Asked for every identity that a client offers, tickets too. */
static int find_psk(SSL *ssl, const unsigned char *id, size_t id_len, SSL_SESSION **ret)
{
	const struct tls *t = SSL_get_app_data(ssl);
	const struct tls_psk *psk;
	char identity[TLS_NAME_MAX];

	*ret = NULL;
	if (id_len < 1 || id_len >= sizeof(identity) || memchr(id, 0, id_len))
		return 1;
	memcpy(identity, id, id_len);
	identity[id_len] = '\0';
	psk = bsearch(identity, t->c->psks, t->c->n_psks, sizeof(*psk), compare_identity);
	if (!psk)
		return 1;
	*ret = session_of_psk(t, psk);
	return *ret != NULL;
}

void tls_peer_init(struct tls_context *c)
{
	int mode = SSL_VERIFY_NONE;

	if (!c->server || c->has_authority)
		mode = SSL_VERIFY_PEER;
	if (c->server && c->require_certificate)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(c->ssl, mode, NULL);
	SSL_CTX_set_cert_verify_callback(c->ssl, verify, NULL);
	SSL_CTX_set_cert_cb(c->ssl, show_certificate, NULL);
	SSL_CTX_set_session_ticket_cb(c->ssl, make_ticket, read_ticket, NULL);
	if (c->n_psks == 0)
		return;
	if (c->server)
		SSL_CTX_set_psk_find_session_callback(c->ssl, find_psk);
	else
		SSL_CTX_set_psk_use_session_callback(c->ssl, use_psk);
}
