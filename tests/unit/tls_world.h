/* SPDX-License-Identifier: BSD-2-Clause */
/* Two ends of TLS in one process, with the certificates of authority.h. */
#ifndef DMIP6_TESTS_TLS_WORLD_H
#define DMIP6_TESTS_TLS_WORLD_H

#include <openssl/rand.h>

#include "common/sys/tls.h"
#include "tests/unit/authority.h"

static void tls_write_text(const char *name, const char *text)
{
	FILE *f = tls_create(name, 0644);

	fputs(text, f);
	fclose(f);
}

/* FILE: a list that revokes one serial number (0: none), good for so many seconds from now. */
static void tls_crl(const struct authority *a, const char *file, long serial, long until)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *last = X509_gmtime_adj(NULL, -2L * DAY), *next = X509_gmtime_adj(NULL, until);
	FILE *f;

	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(a->cert));
	X509_CRL_set1_lastUpdate(crl, last);
	X509_CRL_set1_nextUpdate(crl, next);
	if (serial) {
		X509_REVOKED *r = X509_REVOKED_new();
		ASN1_INTEGER *n = ASN1_INTEGER_new();

		ASN1_INTEGER_set(n, serial);
		X509_REVOKED_set_serialNumber(r, n);
		X509_REVOKED_set_revocationDate(r, last);
		X509_CRL_add0_revoked(crl, r);
		ASN1_INTEGER_free(n);
	}
	assert_true(X509_CRL_sign(crl, a->key, EVP_sha256()) > 0);
	f = tls_create(file, 0644);
	PEM_write_X509_CRL(f, crl);
	fclose(f);
	ASN1_TIME_free(last);
	ASN1_TIME_free(next);
	X509_CRL_free(crl);
}

static struct tls_context *tls_context(struct tls_config cfg)
{
	struct tls_context *c = NULL;
	char why[TLS_WHY_MAX];

	if (tls_context_new(&cfg, why, &c))
		fail_msg("%s", why);
	assert_string_equal(why, "");
	return c;
}

static struct tls_psk tls_psk(const char *identity, uint8_t octet)
{
	struct tls_psk p = { .len = 32 };

	snprintf(p.identity, sizeof(p.identity), "%s", identity);
	memset(p.key, octet, p.len);
	return p;
}

/* ---- two ends ---- */

struct ends {
	struct tls *client, *server;
};

/* Carries what one end has to say to the other, so many octets at a time. */
static bool tls_carry(struct tls *from, struct tls *to, size_t at_once)
{
	uint8_t room[4096];
	bool moved = false;
	size_t n;

	while ((n = tls_take(from, room, at_once)) > 0) {
		tls_feed(to, room, n);
		moved = true;
	}
	assert_false(tls_wants_write(from));
	return moved;
}

static void tls_settle(struct ends *e, size_t at_once)
{
	bool moved = true;

	while (moved) {
		moved = tls_carry(e->client, e->server, at_once);
		moved |= tls_carry(e->server, e->client, at_once);
	}
}

static struct ends tls_ends(struct tls_context *client, struct tls_context *server)
{
	struct ends e;

	assert_int_equal(tls_new(client, &e.client), 0);
	assert_int_equal(tls_new(server, &e.server), 0);
	return e;
}

static struct ends tls_meet(struct tls_context *client, struct tls_context *server)
{
	struct ends e = tls_ends(client, server);

	tls_feed(e.client, NULL, 0);
	tls_settle(&e, 4096);
	return e;
}

static void tls_part(struct ends *e)
{
	tls_free(e->client);
	tls_free(e->server);
}

#endif
