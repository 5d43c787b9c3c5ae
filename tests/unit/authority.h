/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An operator's authority in a directory of its own. What is wrong with a certificate is asked for
 * when it is made.
 */
#ifndef DMIP6_TESTS_AUTHORITY_H
#define DMIP6_TESTS_AUTHORITY_H

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY	86400

struct authority {
	X509 *cert;
	EVP_PKEY *key;
};

/* How a certificate is to be. */
struct subject {
	const char *file;		/* FILE.pem, FILE.key in the directory */
	const char *cn;			/* NULL: none */
	const char *san;		/* "DNS:...", "email:..."; NULL: none */
	const char *usage;		/* "serverAuth"; NULL: not said */
	long from, until;		/* seconds from now; 0, 0: a day before and after */
	long serial;
};

static char tls_dir[] = P_tmpdir "/dmip6-tls-XXXXXX";

static const char *tls_path(const char *name)
{
	static char room[64][128];
	static unsigned int n;
	char *s = room[n++ % 64];

	snprintf(s, sizeof(room[0]), "%s/%s", tls_dir, name);
	return s;
}

static FILE *tls_create(const char *name, mode_t mode)
{
	FILE *f = fopen(tls_path(name), "w");

	assert_non_null(f);
	assert_int_equal(chmod(tls_path(name), mode), 0);
	return f;
}

static void tls_add(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	assert_true(X509_add_ext(x, e, -1));
	X509_EXTENSION_free(e);
}

static X509 *tls_unsigned(const struct subject *s, EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), s->serial);
	X509_gmtime_adj(X509_getm_notBefore(x), s->from || s->until ? s->from : -DAY);
	X509_gmtime_adj(X509_getm_notAfter(x), s->from || s->until ? s->until : DAY);
	X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"tests", -1, -1, 0);
	if (s->cn)
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)s->cn,
					   -1, -1, 0);
	X509_set_pubkey(x, key);
	return x;
}

static void tls_save(const char *file, X509 *x, EVP_PKEY *key)
{
	char name[64];
	FILE *f;

	snprintf(name, sizeof(name), "%s.pem", file);
	f = tls_create(name, 0644);
	PEM_write_X509(f, x);
	fclose(f);
	snprintf(name, sizeof(name), "%s.key", file);
	f = tls_create(name, 0600);
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
}

/* An authority, FILE.pem; under another one or by itself (NULL). */
static struct authority tls_authority(const char *file, const struct authority *above)
{
	struct authority a = { .key = EVP_EC_gen("P-256") };
	const struct subject s = { .cn = file, .serial = above ? 77 : 1 };

	a.cert = tls_unsigned(&s, a.key);
	X509_set_issuer_name(a.cert, X509_get_subject_name(above ? above->cert : a.cert));
	tls_add(a.cert, above ? above->cert : a.cert, NID_basic_constraints, "critical,CA:TRUE");
	tls_add(a.cert, above ? above->cert : a.cert, NID_key_usage, "critical,keyCertSign,cRLSign");
	assert_true(X509_sign(a.cert, above ? above->key : a.key, EVP_sha256()) > 0);
	tls_save(file, a.cert, a.key);
	return a;
}

static void tls_authority_free(struct authority *a)
{
	X509_free(a->cert);
	EVP_PKEY_free(a->key);
}

static void tls_certificate(const struct authority *a, const struct subject *s)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = tls_unsigned(s, key);

	X509_set_issuer_name(x, X509_get_subject_name(a->cert));
	if (s->san)
		tls_add(x, a->cert, NID_subject_alt_name, s->san);
	if (s->usage)
		tls_add(x, a->cert, NID_ext_key_usage, s->usage);
	assert_true(X509_sign(x, a->key, EVP_sha256()) > 0);
	tls_save(s->file, x, key);
	X509_free(x);
	EVP_PKEY_free(key);
}

#endif
