/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules of TLS sessions: a configuration and its files become a context. Owns the context;
 * called at the start and at a reload. RFC 8446; what is in a file is read once.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sys/file.h"
#include "common/sys/tls_private.h"

#define PEM_MAX		(1024 * 1024)	/* octets of a file; a CRL is the longest */
#define CHAIN_MAX	4		/* certificates above a peer's own */
#define PSK_MIN		16		/* octets (RFC 9257 6) */
#define CERTIFICATE_MESSAGE_MAX	16384	/* octets of what a peer shows */

/* The short ones of those that are good: a step of a handshake holds the loop up. SHA-256 alone,
 * because a PSK goes with one hash (RFC 8446 4.2.11). */
#define GROUPS		"X25519:P-256"
#define CIPHERS		"TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"

static int __attribute__((format(printf, 3, 4))) failed(char *why, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, TLS_WHY_MAX, fmt, ap);
	va_end(ap);
	ERR_clear_error();
	return err;
}

static const char *openssl_why(void)
{
	const char *s = ERR_reason_error_string(ERR_peek_last_error());

	return s ? s : "unknown error";
}

/* Nobody is asked for a passphrase: there is no one to ask. */
static int no_passphrase(char *buf, int size, int writing, void *ctx)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

/* A file of PEM in memory, wiped by close_pem(). */
struct pem {
	char *data;
	size_t len;
	BIO *bio;
};

static void close_pem(struct pem *p)
{
	BIO_free(p->bio);
	if (p->data)
		OPENSSL_cleanse(p->data, p->len);
	free(p->data);
}

static int open_pem(const char *path, char *why, struct pem *ret)
{
	int err;

	memset(ret, 0, sizeof(*ret));
	err = file_read(path, PEM_MAX, &ret->data, &ret->len);
	if (err)
		return failed(why, err, "%s: %s", path, strerror(-err));
	ret->bio = BIO_new_mem_buf(ret->data, (int)ret->len);
	if (ret->bio)
		return 0;
	close_pem(ret);
	return failed(why, -ENOMEM, "%s: no memory", path);
}

/* Has the last reader met the end of the file, rather than something that it could not read? */
static bool at_end(void)
{
	return ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_PEM &&
	       ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

/* Every certificate of the file, the caller's. */
static int read_certificates(const char *path, char *why, STACK_OF(X509) **ret)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	struct pem p;
	X509 *x;
	int err;

	if (!all)
		return failed(why, -ENOMEM, "%s: no memory", path);
	err = open_pem(path, why, &p);
	if (err) {
		sk_X509_free(all);
		return err;
	}
	ERR_clear_error();
	while ((x = PEM_read_bio_X509(p.bio, NULL, no_passphrase, NULL))) {
		if (!sk_X509_push(all, x)) {
			X509_free(x);
			err = failed(why, -ENOMEM, "%s: no memory", path);
			break;
		}
	}
	if (!err && !at_end())
		err = failed(why, -EINVAL, "%s: a certificate in it cannot be read: %s", path,
			     openssl_why());
	else if (!err && sk_X509_num(all) == 0)
		err = failed(why, -EINVAL, "%s: no certificate in it; expected PEM, "
			     "\"-----BEGIN CERTIFICATE-----\"", path);
	close_pem(&p);
	ERR_clear_error();
	if (err) {
		sk_X509_pop_free(all, X509_free);
		return err;
	}
	*ret = all;
	return 0;
}

static int read_key(const char *path, char *why, EVP_PKEY **ret)
{
	struct pem p;
	int err = open_pem(path, why, &p);

	if (err)
		return err;
	if (file_is_public(path)) {
		close_pem(&p);
		return failed(why, -EACCES, "%s holds a private key and is readable for everybody; "
			      "expected mode 640", path);
	}
	*ret = PEM_read_bio_PrivateKey(p.bio, NULL, no_passphrase, NULL);
	close_pem(&p);
	if (*ret)
		return 0;
	return failed(why, -EINVAL, "%s: no private key in it, or one with a passphrase; expected "
		      "PEM, \"-----BEGIN PRIVATE KEY-----\"", path);
}

/* Our own certificate, its chain and key. */
static int load_own(struct tls_context *c, const struct tls_config *cfg, char *why)
{
	STACK_OF(X509) *chain;
	X509 *leaf;
	EVP_PKEY *key;
	int err;

	err = read_certificates(cfg->certificate, why, &chain);
	if (err)
		return err;
	leaf = sk_X509_shift(chain);
	err = read_key(cfg->key, why, &key);
	if (err)
		goto out;
	if (!X509_check_private_key(leaf, key)) {
		err = failed(why, -EINVAL, "%s is not the key of the first certificate in %s",
			     cfg->key, cfg->certificate);
	} else if (c->server && cfg->require_psk) {
		/* It is not to be met with: a session would be one without a PSK. */
		err = 0;
	} else if (!SSL_CTX_use_cert_and_key(c->ssl, leaf, key, chain, 1)) {
		err = failed(why, -EINVAL, "%s cannot be used: %s", cfg->certificate, openssl_why());
	} else {
		c->valid_until = tls_time(X509_get0_notAfter(leaf));
	}
	EVP_PKEY_free(key);
out:
	X509_free(leaf);
	sk_X509_pop_free(chain, X509_free);
	return err;
}

static bool fill_ephemeral(X509 *x, EVP_PKEY *key)
{
	X509_NAME *name = X509_get_subject_name(x);

	/* Nobody checks it, and no clock decides about it. */
	return X509_set_version(x, X509_VERSION_3) &&
	       ASN1_INTEGER_set(X509_get_serialNumber(x), 1) &&
	       ASN1_TIME_set_string(X509_getm_notBefore(x), "19700101000000Z") &&
	       ASN1_TIME_set_string(X509_getm_notAfter(x), "99991231235959Z") &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					  (const unsigned char *)"nobody", -1, -1, 0) &&
	       X509_set_issuer_name(x, name) && X509_set_pubkey(x, key) &&
	       X509_sign(x, key, EVP_sha256()) > 0;
}

/* A server has to have a certificate (RFC 8446 4.4.2), if only one that says nothing. */
static int make_ephemeral(struct tls_context *c, char *why)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	int err = 0;

	if (!key || !x || !fill_ephemeral(x, key) ||
	    !SSL_CTX_use_cert_and_key(c->ssl, x, key, NULL, 1))
		err = failed(why, -ENOMEM, "no self-signed certificate could be made: %s",
			     openssl_why());
	X509_free(x);
	EVP_PKEY_free(key);
	return err;
}

static int load_authority(struct tls_context *c, const char *path, char *why)
{
	X509_STORE *store = SSL_CTX_get_cert_store(c->ssl);
	STACK_OF(X509) *all;
	int err = read_certificates(path, why, &all);

	if (err)
		return err;
	for (int i = 0; i < sk_X509_num(all) && !err; i++) {
		if (!X509_STORE_add_cert(store, sk_X509_value(all, i)))
			err = failed(why, -ENOMEM, "%s: %s", path, openssl_why());
	}
	sk_X509_pop_free(all, X509_free);
	/* All that the file holds is trusted, a sub-authority without its root too. */
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(c->ssl), X509_V_FLAG_PARTIAL_CHAIN);
	c->has_authority = true;
	return err;
}

static int load_crl(struct tls_context *c, const char *path, char *why)
{
	X509_STORE *store = SSL_CTX_get_cert_store(c->ssl);
	struct pem p;
	X509_CRL *crl;
	unsigned int n = 0;
	int err = open_pem(path, why, &p);

	if (err)
		return err;
	ERR_clear_error();
	while (!err && (crl = PEM_read_bio_X509_CRL(p.bio, NULL, no_passphrase, NULL))) {
		int64_t until = tls_time(X509_CRL_get0_nextUpdate(crl));

		if (until < c->crl_until)
			c->crl_until = until;
		if (!X509_STORE_add_crl(store, crl))
			err = failed(why, -ENOMEM, "%s: %s", path, openssl_why());
		X509_CRL_free(crl);
		n++;
	}
	if (!err && !at_end())
		err = failed(why, -EINVAL, "%s: a CRL in it cannot be read: %s", path, openssl_why());
	else if (!err && n == 0)
		err = failed(why, -EINVAL, "%s: no CRL in it; expected PEM, "
			     "\"-----BEGIN X509 CRL-----\"", path);
	close_pem(&p);
	ERR_clear_error();
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(c->ssl),
				    X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return err;
}

static int compare_psks(const void *a, const void *b)
{
	return strcmp(((const struct tls_psk *)a)->identity, ((const struct tls_psk *)b)->identity);
}

static int copy_psks(struct tls_context *c, const struct tls_config *cfg, char *why)
{
	c->n_psks = cfg->server || cfg->n_psks < 1 ? cfg->n_psks : 1;
	if (c->n_psks == 0)
		return 0;
	c->psks = calloc(c->n_psks, sizeof(*c->psks));
	if (!c->psks)
		return failed(why, -ENOMEM, "no memory");
	memcpy(c->psks, cfg->psks, c->n_psks * sizeof(*c->psks));
	for (unsigned int i = 0; i < c->n_psks; i++) {
		size_t n = strnlen(c->psks[i].identity, TLS_NAME_MAX);

		if (n < 1 || n >= TLS_NAME_MAX)
			return failed(why, -EINVAL, "an identity of a pre-shared key has 1 to %u "
				      "characters", TLS_NAME_MAX - 1);
		if (c->psks[i].len < PSK_MIN || c->psks[i].len > sizeof(c->psks[i].key))
			return failed(why, -EINVAL, "the pre-shared key of %s has %zu octets; expected "
				      "%u to %zu", c->psks[i].identity, c->psks[i].len, PSK_MIN,
				      sizeof(c->psks[i].key));
	}
	qsort(c->psks, c->n_psks, sizeof(*c->psks), compare_psks);
	for (unsigned int i = 1; i < c->n_psks; i++) {
		if (compare_psks(&c->psks[i - 1], &c->psks[i]) == 0)
			return failed(why, -EINVAL, "%s has two pre-shared keys", c->psks[i].identity);
	}
	return 0;
}

/* What cannot be, whatever the files are. */
static int check(const struct tls_config *cfg, char *why)
{
	if (!cfg->certificate != !cfg->key)
		return failed(why, -EINVAL, "a certificate and its key go together");
	if (cfg->require_psk && cfg->n_psks == 0)
		return failed(why, -EINVAL, "a pre-shared key is required, and there is none");
	if (cfg->require_psk && (cfg->require_certificate || cfg->anonymous))
		return failed(why, -EINVAL, "a session by a pre-shared key has no certificate, and its "
			      "peer is known");
	if (cfg->require_certificate && !cfg->authority)
		return failed(why, -EINVAL, "a certificate is required, and no authority is known");
	if (cfg->require_certificate && cfg->anonymous && !cfg->server)
		return failed(why, -EINVAL, "a certificate is required, or it is not");
	if (cfg->crl && !cfg->authority)
		return failed(why, -EINVAL, "a CRL says nothing without its authority");
	if (!cfg->server && !cfg->anonymous && !cfg->authority && cfg->n_psks == 0)
		return failed(why, -EINVAL, "no home agent can be known: there is no authority and no "
			      "pre-shared key");
	if (cfg->server && !cfg->anonymous && !cfg->certificate && cfg->n_psks == 0)
		return failed(why, -EINVAL, "nobody can know us: there is no certificate and no "
			      "pre-shared key");
	return 0;
}

static bool set_rules(struct tls_context *c)
{
	SSL_CTX *ssl = c->ssl;

	SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	/* Nothing between two neighbours has to be told that this is TLS 1.2. */
	SSL_CTX_clear_options(ssl, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_security_level(ssl, 2);
	SSL_CTX_set_verify_depth(ssl, CHAIN_MAX);
	SSL_CTX_set_max_cert_list(ssl, CERTIFICATE_MESSAGE_MAX);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(ssl, TLS_TICKET_MAX);
	/* Early data could be replayed (RFC 8446 8), and is no faster here. */
	return SSL_CTX_set_min_proto_version(ssl, TLS1_3_VERSION) &&
	       SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) &&
	       SSL_CTX_set_max_early_data(ssl, 0) && SSL_CTX_set_recv_max_early_data(ssl, 0) &&
	       SSL_CTX_set_num_tickets(ssl, 1) && SSL_CTX_set1_groups_list(ssl, GROUPS) &&
	       SSL_CTX_set_ciphersuites(ssl, CIPHERS) &&
	       RAND_bytes(c->id, sizeof(c->id)) == 1 &&
	       /* Where certificates are asked for, a ticket has to name its context. At a client,
		* this would keep sessions of PSKs out. */
	       (!c->server || SSL_CTX_set_session_id_context(ssl, c->id, sizeof(c->id)));
}

/* RFC 6125 6.4.3, 6.4.4: the dNSName as it is; no wildcard, no common name. */
static int set_peer_name(struct tls_context *c, const char *name, char *why)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(c->ssl);

	c->any_name = !name;
	if (!name)
		return 0;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_WILDCARDS |
					X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (!X509_VERIFY_PARAM_set1_host(param, name, 0))
		return failed(why, -EINVAL, "\"%s\" is no name of a home agent", name);
	return 0;
}

static int fill(struct tls_context *c, const struct tls_config *cfg, char *why)
{
	int err = 0;

	c->ssl = SSL_CTX_new(cfg->server ? TLS_server_method() : TLS_client_method());
	if (!c->ssl || !set_rules(c))
		return failed(why, -ENOMEM, "no TLS: %s", openssl_why());
	err = copy_psks(c, cfg, why);
	if (!err && cfg->certificate)
		err = load_own(c, cfg, why);
	else if (!err && cfg->server && cfg->anonymous)
		err = make_ephemeral(c, why);
	if (!err && cfg->authority)
		err = load_authority(c, cfg->authority, why);
	if (!err && cfg->crl)
		err = load_crl(c, cfg->crl, why);
	if (!err && !cfg->server)
		err = set_peer_name(c, cfg->peer_name, why);
	if (!err)
		tls_peer_init(c);
	return err;
}

int tls_context_new(const struct tls_config *cfg, char why[TLS_WHY_MAX], struct tls_context **ret)
{
	struct tls_context *c;
	int err;

	why[0] = '\0';
	ERR_clear_error();
	err = check(cfg, why);
	if (err)
		return err;
	c = calloc(1, sizeof(*c));
	if (!c)
		return failed(why, -ENOMEM, "no memory");
	c->refs = 1;
	c->server = cfg->server;
	c->anonymous = cfg->anonymous;
	c->require_certificate = cfg->require_certificate;
	c->require_psk = cfg->require_psk;
	c->no_certificate = cfg->server &&
			    (cfg->require_psk || (!cfg->certificate && !cfg->anonymous));
	c->crl_until = INT64_MAX;
	err = fill(c, cfg, why);
	ERR_clear_error();
	if (err) {
		tls_context_free(c);
		return err;
	}
	*ret = c;
	return 0;
}

void tls_context_free(struct tls_context *c)
{
	if (!c || --c->refs > 0)
		return;
	SSL_CTX_free(c->ssl);
	if (c->psks)
		OPENSSL_cleanse(c->psks, c->n_psks * sizeof(*c->psks));
	free(c->psks);
	free(c);
}

int64_t tls_context_valid_until(const struct tls_context *c)
{
	return c->valid_until;
}
