/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/sys/{tls,tls_context,tls_peer,file,clock}.c */
#include "common/sys/tls.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tests/unit/tls_world.h"

#define LABEL	"EXPORTER-test"

static struct authority root, other, middle;

static struct tls_config server_cfg(void)
{
	return (struct tls_config){
		.server = true, .certificate = tls_path("ha.pem"), .key = tls_path("ha.key"),
		.authority = tls_path("root.pem"), .require_certificate = true,
	};
}

static struct tls_config client_cfg(void)
{
	return (struct tls_config){
		.certificate = tls_path("mn.pem"), .key = tls_path("mn.key"),
		.authority = tls_path("root.pem"), .peer_name = "ha.example",
	};
}

static int make_world(void **state)
{
	static const struct subject subjects[] = {
		{ .file = "ha", .cn = "not the name", .san = "DNS:ha.example", .usage = "serverAuth",
		  .serial = 10 },
		{ .file = "ha-silent", .cn = "ha.example", .san = "DNS:ha.example", .serial = 11 },
		{ .file = "ha-cn", .cn = "ha.example", .usage = "serverAuth", .serial = 12 },
		{ .file = "ha-wild", .san = "DNS:*.example", .usage = "serverAuth", .serial = 13 },
		{ .file = "ha-expired", .san = "DNS:ha.example", .usage = "serverAuth",
		  .from = -2L * DAY, .until = -60, .serial = 14 },
		{ .file = "mn", .cn = "common", .san = "email:alice@example.com,DNS:alice.example",
		  .usage = "clientAuth", .serial = 20 },
		{ .file = "mn-cn", .cn = "alice's notebook", .serial = 21 },
		{ .file = "mn-expired", .cn = "late", .from = -2L * DAY, .until = -60, .serial = 22 },
		{ .file = "mn-future", .cn = "early", .from = 3600, .until = DAY, .serial = 23 },
		{ .file = "mn-revoked", .cn = "gone", .serial = 666 },
		{ .file = "mn-nobody", .serial = 25 },
		{ .file = "mn-long", .serial = 26, .san = "DNS:0123456789012345678901234567890123456789"
		  "012345678901234567890.example" },
		{ .file = "mn-as-server", .cn = "usage", .usage = "serverAuth", .serial = 27 },
		{ .file = "mn-short", .cn = "soon", .from = -DAY, .until = 2, .serial = 28 },
	};
	static const struct subject stranger = { .file = "mn-other", .cn = "mallory" };
	static const struct subject below = { .file = "mn-below", .cn = "below", .serial = 5 };
	static const struct subject ha_other = { .file = "ha-other", .san = "DNS:ha.example",
						 .usage = "serverAuth" };

	(void)state;
	assert_non_null(mkdtemp(tls_dir));
	root = tls_authority("root", NULL);
	other = tls_authority("other", NULL);
	middle = tls_authority("middle", &root);
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++)
		tls_certificate(&root, &subjects[i]);
	tls_certificate(&other, &stranger);
	tls_certificate(&other, &ha_other);
	tls_certificate(&middle, &below);
	tls_crl(&root, "empty.crl", 0, DAY);
	tls_crl(&root, "crl", 666, DAY);
	tls_crl(&root, "crl-ha", 10, DAY);
	tls_crl(&root, "crl-middle", 77, DAY);
	tls_crl(&root, "crl-short", 0, 2);
	tls_crl(&root, "crl-old", 666, -60);
	tls_crl(&other, "crl-other", 0, DAY);
	return 0;
}

static int remove_world(void **state)
{
	char command[128];

	(void)state;
	tls_authority_free(&root);
	tls_authority_free(&other);
	tls_authority_free(&middle);
	snprintf(command, sizeof(command), "rm -r %s", tls_dir);
	return system(command);
}

/* One meeting under two configurations; the contexts live as long as the ends need them. */
static struct ends meet(struct tls_config client, struct tls_config server)
{
	struct tls_context *c = tls_context(client), *s = tls_context(server);
	struct ends e = tls_meet(c, s);

	tls_context_free(c);
	tls_context_free(s);
	assert_int_equal(ERR_peek_error(), 0);
	return e;
}

static void assert_open(const struct ends *e)
{
	if (tls_state(e->client) != TLS_OPEN || tls_state(e->server) != TLS_OPEN)
		fail_msg("client: %s; server: %s", tls_why(e->client), tls_why(e->server));
}

static void assert_failed(const struct tls *t, const char *reason, const char *why)
{
	assert_int_equal(tls_state(t), TLS_FAILED);
	assert_string_equal(tls_reason(t), reason);
	if (!strstr(tls_why(t), why))
		fail_msg("\"%s\" is not in \"%s\"", why, tls_why(t));
}

static void assert_says(struct tls *from, struct ends *e, struct tls *to, const char *text)
{
	char room[64] = "";

	assert_int_equal(tls_write(from, text, strlen(text)), 0);
	tls_settle(e, 4096);
	assert_int_equal(tls_read(to, room, sizeof(room)), strlen(text));
	assert_string_equal(room, text);
}

static void assert_same_key(const struct ends *e)
{
	uint8_t a[32], b[32], c[32];

	assert_int_equal(tls_export(e->client, LABEL, "one", 3, a, sizeof(a)), 0);
	assert_int_equal(tls_export(e->server, LABEL, "one", 3, b, sizeof(b)), 0);
	assert_int_equal(tls_export(e->server, LABEL, "two", 3, c, sizeof(c)), 0);
	assert_memory_equal(a, b, sizeof(a));
	assert_memory_not_equal(a, c, sizeof(a));
	assert_int_equal(tls_export(e->server, LABEL "s", "one", 3, c, sizeof(c)), 0);
	assert_memory_not_equal(a, c, sizeof(a));
}

/* ---- good ---- */

static void both_show_certificates(void **state)
{
	struct ends e = meet(client_cfg(), server_cfg());

	(void)state;
	assert_open(&e);
	assert_int_equal(tls_peer(e.client), TLS_PEER_CERTIFICATE);
	assert_string_equal(tls_peer_name(e.client), "ha.example");
	assert_int_equal(tls_peer(e.server), TLS_PEER_CERTIFICATE);
	assert_string_equal(tls_peer_name(e.server), "alice@example.com");
	assert_false(tls_resumed(e.client) || tls_resumed(e.server));
	assert_same_key(&e);
	assert_says(e.client, &e, e.server, "request");
	assert_says(e.server, &e, e.client, "response");
	assert_string_equal(tls_why(e.client), "");
	assert_string_equal(tls_reason(e.client), "");
	tls_part(&e);
}

static void keys_of_two_sessions_differ(void **state)
{
	struct ends e = meet(client_cfg(), server_cfg()), f = meet(client_cfg(), server_cfg());
	uint8_t a[32], b[32];

	(void)state;
	assert_int_equal(tls_export(e.client, LABEL, "x", 1, a, sizeof(a)), 0);
	assert_int_equal(tls_export(f.client, LABEL, "x", 1, b, sizeof(b)), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	tls_part(&e);
	tls_part(&f);
}

static void one_octet_at_a_time(void **state)
{
	struct tls_context *c = tls_context(client_cfg()), *s = tls_context(server_cfg());
	struct ends e = tls_ends(c, s);
	char room[8] = "";

	(void)state;
	tls_feed(e.client, NULL, 0);
	tls_settle(&e, 1);
	assert_open(&e);
	assert_int_equal(tls_write(e.client, "hello", 5), 0);
	tls_settle(&e, 1);
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(tls_read(e.server, room + i, 1), 1);
	assert_string_equal(room, "hello");
	assert_int_equal(tls_read(e.server, room, 1), 0);
	tls_part(&e);
	tls_context_free(c);
	tls_context_free(s);
}

static void a_name_is_a_common_name_where_there_is_no_other(void **state)
{
	struct tls_config c = client_cfg();
	struct ends e;

	(void)state;
	c.certificate = tls_path("mn-cn.pem");
	c.key = tls_path("mn-cn.key");
	e = meet(c, server_cfg());
	assert_open(&e);
	assert_string_equal(tls_peer_name(e.server), "alice's notebook");
	tls_part(&e);
}

static void anonymous_meet(void **state)
{
	const struct tls_config c = { .anonymous = true }, s = { .server = true, .anonymous = true };
	struct tls_context *context = tls_context(s);
	struct ends e = meet(c, s);

	(void)state;
	assert_open(&e);
	assert_int_equal(tls_peer(e.client), TLS_PEER_NONE);
	assert_int_equal(tls_peer(e.server), TLS_PEER_NONE);
	assert_string_equal(tls_peer_name(e.client), "");
	assert_same_key(&e);
	tls_part(&e);
	assert_int_equal(tls_context_valid_until(context), 0);
	tls_context_free(context);
}

/* A home agent takes both kinds of mobile node, and knows them apart. */
static void a_certificate_may_be_missing(void **state)
{
	struct tls_config c = client_cfg(), s = server_cfg();
	struct ends e;

	(void)state;
	s.require_certificate = false;
	s.anonymous = true;
	e = meet(c, s);
	assert_open(&e);
	assert_int_equal(tls_peer(e.server), TLS_PEER_CERTIFICATE);
	tls_part(&e);
	c.certificate = c.key = NULL;
	e = meet(c, s);
	assert_open(&e);
	assert_int_equal(tls_peer(e.server), TLS_PEER_NONE);
	assert_int_equal(tls_peer(e.client), TLS_PEER_CERTIFICATE);
	tls_part(&e);
}

/* Who takes any server meets one of his own operator and one of a stranger: he knows which is
 * which, and does not tell the stranger who he is. */
static void a_stranger_does_not_learn_a_name(void **state)
{
	struct tls_config c = client_cfg(), s = server_cfg();
	struct ends e;

	(void)state;
	c.anonymous = true;
	s.require_certificate = false;
	s.anonymous = true;
	e = meet(c, s);
	assert_open(&e);
	assert_int_equal(tls_peer(e.client), TLS_PEER_CERTIFICATE);
	assert_string_equal(tls_peer_name(e.server), "alice@example.com");
	tls_part(&e);
	s.certificate = tls_path("ha-other.pem");
	s.key = tls_path("ha-other.key");
	e = meet(c, s);
	assert_open(&e);
	assert_int_equal(tls_peer(e.client), TLS_PEER_NONE);
	assert_string_equal(tls_peer_name(e.client), "");
	assert_int_equal(tls_peer(e.server), TLS_PEER_NONE);
	assert_string_equal(tls_peer_name(e.server), "");
	tls_part(&e);
	/* An expired one of his operator is one of a stranger. */
	s.certificate = tls_path("ha-expired.pem");
	s.key = tls_path("ha-expired.key");
	e = meet(c, s);
	assert_open(&e);
	assert_int_equal(tls_peer(e.client), TLS_PEER_NONE);
	tls_part(&e);
}

static void psk_meet(void **state)
{
	const struct tls_psk bobs[] = { tls_psk("bob", 2), tls_psk("group", 3) };
	const struct tls_psk all[] = { tls_psk("zoe", 1), tls_psk("group", 3), tls_psk("bob", 2) };
	const struct tls_config c = { .n_psks = 2, .psks = bobs, .require_psk = true };
	const struct tls_config s = { .server = true, .n_psks = 3, .psks = all, .require_psk = true };
	struct ends e = meet(c, s);

	(void)state;
	assert_open(&e);
	assert_int_equal(tls_peer(e.client), TLS_PEER_PSK);
	assert_string_equal(tls_peer_name(e.client), "bob");
	assert_int_equal(tls_peer(e.server), TLS_PEER_PSK);
	assert_string_equal(tls_peer_name(e.server), "bob");
	assert_false(tls_resumed(e.client) || tls_resumed(e.server));
	assert_same_key(&e);
	tls_part(&e);
}

/* Each of both is enough where the home agent takes both; a PSK is not asked for more. */
static void psk_beside_certificates(void **state)
{
	const struct tls_psk bob = tls_psk("bob", 2);
	const struct tls_config c = { .n_psks = 1, .psks = &bob, .require_psk = true };
	struct tls_config s = server_cfg();
	struct ends e;

	(void)state;
	s.n_psks = 1;
	s.psks = &bob;
	e = meet(c, s);
	assert_open(&e);
	assert_int_equal(tls_peer(e.server), TLS_PEER_PSK);
	tls_part(&e);
	e = meet(client_cfg(), s);
	assert_open(&e);
	assert_int_equal(tls_peer(e.server), TLS_PEER_CERTIFICATE);
	tls_part(&e);
	/* The mobile node takes both, too; the key is the shorter way. */
	s.certificate = s.key = s.authority = NULL;
	s.require_certificate = false;
	{
		struct tls_config both = client_cfg();

		both.n_psks = 1;
		both.psks = &bob;
		e = meet(both, s);
		assert_open(&e);
		assert_int_equal(tls_peer(e.client), TLS_PEER_PSK);
		tls_part(&e);
	}
}

static void psk_of_every_length(void **state)
{
	(void)state;
	for (size_t len = 16; len <= 64; len += 16) {
		struct tls_psk p = tls_psk("bob", 2);
		struct tls_config c = { .n_psks = 1, .psks = &p, .require_psk = true }, s = c;
		struct ends e;

		p.len = len;
		memset(p.key, 7, len);
		s.server = true;
		e = meet(c, s);
		assert_open(&e);
		tls_part(&e);
	}
}

static void a_chain_is_sent_along(void **state)
{
	struct tls_config c = client_cfg();
	char command[512];
	struct ends e;

	(void)state;
	snprintf(command, sizeof(command), "cat %s %s >%s", tls_path("mn-below.pem"),
		 tls_path("middle.pem"), tls_path("mn-chain.pem"));
	assert_int_equal(system(command), 0);
	c.certificate = tls_path("mn-chain.pem");
	c.key = tls_path("mn-below.key");
	e = meet(c, server_cfg());
	assert_open(&e);
	assert_string_equal(tls_peer_name(e.server), "below");
	tls_part(&e);
}

/* ---- bad certificates ---- */

static void bad_client(const char *file, const char *crl, const char *reason, const char *why,
		       const char *told)
{
	struct tls_config c = client_cfg(), s = server_cfg();
	char pem[64], key[64];
	struct ends e;

	snprintf(pem, sizeof(pem), "%s.pem", file);
	snprintf(key, sizeof(key), "%s.key", file);
	c.certificate = tls_path(pem);
	c.key = tls_path(key);
	s.crl = crl ? tls_path(crl) : NULL;
	e = meet(c, s);
	assert_failed(e.server, reason, why);
	assert_int_equal(tls_peer(e.server), TLS_PEER_NONE);
	/* The mobile node hears of it after its own handshake is over. */
	assert_failed(e.client, "alert", told);
	tls_part(&e);
}

static void a_bad_certificate_of_a_mobile_node(void **state)
{
	(void)state;
	bad_client("mn-expired", NULL, "certificate-expired", "late: certificate has expired",
		   "certificate expired");
	bad_client("mn-future", NULL, "certificate-expired", "not yet valid", "bad certificate");
	bad_client("mn-revoked", "crl", "certificate-revoked", "gone: certificate revoked",
		   "certificate revoked");
	bad_client("mn-other", NULL, "certificate-unknown", "mallory: ", "unknown CA");
	bad_client("mn-below", NULL, "certificate-unknown", "below: ", "unknown CA");
	bad_client("mn-as-server", NULL, "certificate-unknown", "unsuitable certificate purpose",
		   "unsupported certificate");
	bad_client("mn-nobody", NULL, "certificate-name", "it has no name", "");
	bad_client("mn-long", NULL, "certificate-name", "it has no name", "");
	/* No one knows whether it is good: it is not. */
	bad_client("mn", "crl-old", "crl", "CRL has expired", "");
	bad_client("mn", "crl-other", "crl", "unable to get certificate CRL", "unknown CA");
}

static void a_good_one_beside_a_crl(void **state)
{
	struct tls_config s = server_cfg();
	struct ends e;

	(void)state;
	s.crl = tls_path("crl");
	e = meet(client_cfg(), s);
	assert_open(&e);
	tls_part(&e);
}

/* The list of the root names the authority between; there is none of that authority. */
static void an_authority_between_is_revoked(void **state)
{
	struct tls_config c = client_cfg(), s = server_cfg();
	char command[512];
	struct ends e;

	(void)state;
	tls_crl(&middle, "middle.crl", 0, DAY);
	snprintf(command, sizeof(command), "cat %s %s >%s; cat %s %s >%s", tls_path("mn-below.pem"),
		 tls_path("middle.pem"), tls_path("mn-chain.pem"), tls_path("middle.crl"),
		 tls_path("crl-middle"), tls_path("both.crl"));
	assert_int_equal(system(command), 0);
	c.certificate = tls_path("mn-chain.pem");
	c.key = tls_path("mn-below.key");
	s.crl = tls_path("both.crl");
	e = meet(c, s);
	assert_failed(e.server, "certificate-revoked", "revoked");
	tls_part(&e);
	/* Without one of the root: that of whoever has issued it is enough. */
	s.crl = tls_path("middle.crl");
	e = meet(c, s);
	assert_open(&e);
	tls_part(&e);
}

static void a_certificate_is_missing(void **state)
{
	struct tls_config c = client_cfg();
	struct ends e;

	(void)state;
	c.certificate = c.key = NULL;
	e = meet(c, server_cfg());
	assert_failed(e.server, "certificate-missing", "no certificate");
	assert_failed(e.client, "alert", "certificate required");
	tls_part(&e);
}

static void bad_server(const char *file, const char *name, const char *crl, const char *reason,
		       const char *why)
{
	struct tls_config c = client_cfg(), s = server_cfg();
	char pem[64], key[64];
	struct ends e;

	snprintf(pem, sizeof(pem), "%s.pem", file);
	snprintf(key, sizeof(key), "%s.key", file);
	s.certificate = tls_path(pem);
	s.key = tls_path(key);
	c.peer_name = name;
	c.crl = crl ? tls_path(crl) : NULL;
	e = meet(c, s);
	assert_failed(e.client, reason, why);
	assert_failed(e.server, "alert", "");
	tls_part(&e);
}

static void a_bad_certificate_of_a_home_agent(void **state)
{
	(void)state;
	bad_server("ha", "hb.example", NULL, "certificate-name", "ha.example: hostname mismatch");
	bad_server("ha", "example", NULL, "certificate-name", "");
	bad_server("ha-cn", "ha.example", NULL, "certificate-name", "");
	bad_server("ha-wild", "ha.example", NULL, "certificate-name", "");
	bad_server("ha-expired", "ha.example", NULL, "certificate-expired", "has expired");
	bad_server("ha-other", "ha.example", NULL, "certificate-unknown", "");
	bad_server("ha", "ha.example", "crl-ha", "certificate-revoked", "revoked");
	bad_server("ha", "ha.example", "crl-old", "crl", "expired");
	/* A mobile node of the same operator is no home agent: it says so itself, or says
	 * nothing where any name would do. */
	bad_server("mn", NULL, NULL, "certificate-unknown", "purpose");
	bad_server("mn-cn", NULL, NULL, "certificate-unknown", "not that of a server");
	bad_server("ha-silent", NULL, NULL, "certificate-unknown", "not that of a server");
}

static void any_name_of_the_authority(void **state)
{
	struct tls_config c = client_cfg(), s = server_cfg();
	struct ends e;

	(void)state;
	c.peer_name = NULL;
	e = meet(c, s);
	assert_open(&e);
	assert_string_equal(tls_peer_name(e.client), "ha.example");
	tls_part(&e);
	/* With a name, the name is what says it. */
	c.peer_name = "ha.example";
	s.certificate = tls_path("ha-silent.pem");
	s.key = tls_path("ha-silent.key");
	e = meet(c, s);
	assert_open(&e);
	tls_part(&e);
}

/* An end that offers less than the other requires. */
static void no_downgrade(void **state)
{
	const struct tls_config anyone = { .server = true, .anonymous = true };
	const struct tls_config nobody = { .anonymous = true };
	const struct tls_psk bob = tls_psk("bob", 2);
	struct tls_config s = server_cfg();
	const struct tls_config psk = { .n_psks = 1, .psks = &bob, .require_psk = true };
	struct ends e;

	(void)state;
	e = meet(client_cfg(), anyone);
	assert_failed(e.client, "certificate-unknown", "");
	tls_part(&e);
	e = meet(nobody, s);
	assert_failed(e.server, "certificate-missing", "");
	tls_part(&e);
	e = meet(psk, anyone);
	assert_failed(e.client, "psk-unknown", "a pre-shared key was wanted");
	tls_part(&e);
	e = meet(psk, s);
	assert_failed(e.client, "psk-unknown", "a pre-shared key was wanted");
	tls_part(&e);
	s = psk;
	s.server = true;
	e = meet(nobody, s);
	assert_failed(e.server, "psk-unknown", "no pre-shared key that we know");
	assert_failed(e.client, "alert", "handshake failure");
	tls_part(&e);
	/* A certificate does not replace the key, here or there. */
	s.certificate = tls_path("ha.pem");
	s.key = tls_path("ha.key");
	e = meet(client_cfg(), s);
	assert_failed(e.server, "psk-unknown", "");
	tls_part(&e);
}

static void a_wrong_psk(void **state)
{
	const struct tls_psk bob = tls_psk("bob", 2), false_bob = tls_psk("bob", 3),
			     eve = tls_psk("eve", 2);
	struct tls_config c = { .n_psks = 1, .psks = &false_bob, .require_psk = true };
	const struct tls_config s = { .server = true, .n_psks = 1, .psks = &bob, .require_psk = true };
	struct ends e = meet(c, s);

	(void)state;
	assert_failed(e.server, "psk-unknown", "not the one that we have");
	assert_failed(e.client, "alert", "pre-shared key");
	tls_part(&e);
	c.psks = &eve;
	e = meet(c, s);
	assert_failed(e.server, "psk-unknown", "no pre-shared key that we know");
	assert_failed(e.client, "alert", "handshake failure");
	tls_part(&e);
}

/* ---- bad TLS ---- */

/* A client of plain OpenSSL, as old as asked for. */
static void old_client(int version, const char *reason)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl;
	struct tls_context *s = tls_context(server_cfg());
	struct tls *t;
	uint8_t room[8192];
	int n;

	SSL_CTX_set_max_proto_version(ctx, version);
	ssl = SSL_new(ctx);
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_connect_state(ssl);
	SSL_do_handshake(ssl);
	n = BIO_read(SSL_get_wbio(ssl), room, sizeof(room));
	assert_true(n > 0);
	ERR_clear_error();
	assert_int_equal(tls_new(s, &t), 0);
	assert_int_equal(tls_feed(t, room, (size_t)n), -EPROTO);
	assert_failed(t, reason, "TLS 1.3");
	/* It is told. */
	assert_true(tls_wants_write(t));
	n = (int)tls_take(t, room, sizeof(room));
	assert_int_equal(n, 7);
	assert_int_equal(room[6], SSL_AD_PROTOCOL_VERSION);
	assert_int_equal(ERR_peek_error(), 0);
	tls_free(t);
	tls_context_free(s);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

static void tls_1_2_is_refused(void **state)
{
	(void)state;
	old_client(TLS1_2_VERSION, "version");
}

/* A server that knows only TLS 1.2 answers so, or refuses. */
static void a_server_of_tls_1_2(void **state)
{
	static const uint8_t alert[] = { 21, 3, 3, 0, 2, 2, SSL_AD_PROTOCOL_VERSION };
	struct tls_context *c = tls_context(client_cfg());
	uint8_t hello[] = { 22, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3, [43] = 0, 0xc0, 0x2f, 0 };
	struct tls *t;

	(void)state;
	assert_int_equal(tls_new(c, &t), 0);
	tls_feed(t, NULL, 0);
	assert_int_equal(tls_feed(t, alert, sizeof(alert)), -EPROTO);
	assert_failed(t, "version", "no TLS 1.3");
	tls_free(t);
	assert_int_equal(tls_new(c, &t), 0);
	tls_feed(t, NULL, 0);
	assert_int_equal(tls_feed(t, hello, sizeof(hello)), -EPROTO);
	assert_failed(t, "version", "no TLS 1.3");
	tls_free(t);
	tls_context_free(c);
}

static void garbage_is_refused(void **state)
{
	static const char http[] = "GET / HTTP/1.0\r\n\r\n";
	struct tls_context *s = tls_context(server_cfg());
	uint8_t room[4096];
	struct tls *t;

	(void)state;
	for (unsigned int i = 0; i < 300; i++) {
		size_t n = sizeof(room);

		RAND_bytes(room, sizeof(room));
		if (i == 0)
			memcpy(room, http, n = strlen(http));
		if (i % 3 == 1)		/* a record of a handshake, with nonsense in it */
			memcpy(room, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
		assert_int_equal(tls_new(s, &t), 0);
		if (tls_feed(t, room, n) == 0)
			tls_feed_end(t);
		assert_int_equal(tls_state(t), TLS_FAILED);
		assert_true(strlen(tls_why(t)) > 10);
		assert_string_not_equal(tls_reason(t), "");
		/* Nothing wakes it up. */
		assert_int_equal(tls_feed(t, room, n), -EPROTO);
		assert_int_equal(tls_read(t, room, sizeof(room)), 0);
		assert_int_equal(tls_write(t, "x", 1), -EPROTO);
		assert_int_equal(tls_export(t, LABEL, NULL, 0, room, 32), -EINVAL);
		assert_int_equal(ERR_peek_error(), 0);
		tls_free(t);
	}
	tls_context_free(s);
}

/* Cut at each octet of the handshake, and in the middle of a session. */
static void a_stream_that_ends_is_truncated(void **state)
{
	struct tls_context *c = tls_context(client_cfg()), *s = tls_context(server_cfg());
	uint8_t hello[1024];
	struct ends e = tls_ends(c, s);
	size_t n;

	(void)state;
	tls_feed(e.client, NULL, 0);
	n = tls_take(e.client, hello, sizeof(hello));
	assert_true(n > 100 && n < sizeof(hello));
	tls_part(&e);
	for (size_t cut = 0; cut <= n; cut++) {
		struct tls *t;

		assert_int_equal(tls_new(s, &t), 0);
		assert_int_equal(tls_feed(t, hello, cut), 0);
		assert_int_equal(tls_state(t), TLS_HANDSHAKE);
		tls_feed_end(t);
		assert_failed(t, "protocol", "middle of the handshake");
		tls_free(t);
	}
	e = tls_meet(c, s);
	assert_open(&e);
	tls_feed_end(e.server);
	assert_failed(e.server, "protocol", "cut off");
	tls_part(&e);
	/* What came before the end can be read first. */
	e = tls_meet(c, s);
	assert_int_equal(tls_write(e.client, "last words", 10), 0);
	tls_settle(&e, 4096);
	tls_feed_end(e.server);
	assert_int_equal(tls_state(e.server), TLS_OPEN);
	assert_int_equal(tls_read(e.server, hello, sizeof(hello)), 10);
	assert_failed(e.server, "protocol", "cut off");
	tls_part(&e);
	tls_context_free(c);
	tls_context_free(s);
}

/* A record that somebody has changed on the way, or cut short. */
static void a_changed_record_is_refused(void **state)
{
	(void)state;
	for (size_t at = 0; at < 32; at++) {
		struct ends e = meet(client_cfg(), server_cfg());
		uint8_t record[64];
		size_t n;

		assert_int_equal(tls_write(e.client, "0123456789", 10), 0);
		n = tls_take(e.client, record, sizeof(record));
		assert_int_equal(n, 32);
		record[at] ^= 1;
		if (at == 4)		/* one octet less than was sealed */
			record[at] = (uint8_t)(n - 5 - 1);
		/* One that says that it is longer is waited for. */
		if (at == 3)
			tls_feed_end(e.server);
		assert_int_equal(tls_feed(e.server, record, n), -EPROTO);
		assert_failed(e.server, "protocol", "");
		tls_part(&e);
	}
}

static void a_peer_without_end_is_cut(void **state)
{
	static uint8_t many[65536];
	struct tls_context *s = tls_context(server_cfg());
	struct tls *t;

	(void)state;
	/* ClientHello of 128 KiB, a piece at a time. */
	assert_int_equal(tls_new(s, &t), 0);
	for (unsigned int i = 0; i < 8 && tls_state(t) == TLS_HANDSHAKE; i++) {
		uint8_t record[5 + 16384] = { 22, 3, 1, 0x40, 0 };

		if (i == 0)
			memcpy(record + 5, "\x01\x01\xff\x00\x03\x03", 6);
		tls_feed(t, record, sizeof(record));
	}
	assert_failed(t, "protocol", "");
	tls_free(t);
	assert_int_equal(tls_new(s, &t), 0);
	assert_int_equal(tls_feed(t, many, sizeof(many)), -EPROTO);
	tls_free(t);
	tls_context_free(s);
}

/* Octets that nobody reads do not pile up. */
static void what_is_not_read_is_bounded(void **state)
{
	struct ends e = meet(client_cfg(), server_cfg());
	static uint8_t block[16000];
	unsigned int i;

	(void)state;
	for (i = 0; i < 100 && tls_state(e.server) == TLS_OPEN; i++) {
		assert_int_equal(tls_write(e.client, block, sizeof(block)), 0);
		tls_settle(&e, 4096);
	}
	assert_failed(e.server, "protocol", "more than was asked for");
	assert_true(i < 10);
	tls_part(&e);
}

/* ---- closing ---- */

static void who_closes_has_said_all(void **state)
{
	struct ends e = meet(client_cfg(), server_cfg());
	char room[16] = "";

	(void)state;
	assert_int_equal(tls_write(e.client, "bye", 3), 0);
	tls_close(e.client);
	tls_settle(&e, 4096);
	assert_int_equal(tls_state(e.server), TLS_OPEN);
	assert_int_equal(tls_read(e.server, room, sizeof(room)), 3);
	assert_int_equal(tls_state(e.server), TLS_CLOSED);
	/* It still gets its answer. */
	assert_int_equal(tls_write(e.server, "yes", 3), 0);
	tls_close(e.server);
	tls_settle(&e, 4096);
	assert_int_equal(tls_read(e.client, room, sizeof(room)), 3);
	assert_string_equal(room, "yes");
	assert_int_equal(tls_state(e.client), TLS_CLOSED);
	assert_int_equal(tls_write(e.client, "more", 4), -EPROTO);
	tls_feed_end(e.client);
	tls_feed_end(e.server);
	assert_int_equal(tls_state(e.client), TLS_CLOSED);
	assert_int_equal(tls_state(e.server), TLS_CLOSED);
	tls_part(&e);
	/* Who has closed does not care how the other end goes. */
	e = meet(client_cfg(), server_cfg());
	tls_close(e.server);
	tls_feed_end(e.server);
	assert_int_equal(tls_state(e.server), TLS_CLOSED);
	tls_part(&e);
}

static void nothing_is_said_before_the_handshake(void **state)
{
	struct tls_context *c = tls_context(client_cfg());
	uint8_t room[64];
	struct tls *t;

	(void)state;
	assert_int_equal(tls_new(c, &t), 0);
	assert_int_equal(tls_state(t), TLS_HANDSHAKE);
	assert_int_equal(tls_write(t, "x", 1), -EPROTO);
	assert_int_equal(tls_read(t, room, sizeof(room)), 0);
	assert_int_equal(tls_export(t, LABEL, "", 0, room, 32), -EINVAL);
	assert_int_equal(tls_session_take(t, room, sizeof(room)), 0);
	tls_close(t);
	assert_false(tls_wants_write(t));
	tls_free(t);
	tls_free(NULL);
	tls_context_free(NULL);
	tls_context_free(c);
}

/* ---- resumption ---- */

struct kept {
	uint8_t data[8192];
	size_t len;
};

static struct kept keep(struct ends *e)
{
	struct kept k;

	k.len = tls_session_take(e->client, k.data, sizeof(k.data));
	assert_true(k.len > 0);
	return k;
}

static struct ends meet_again(struct tls_context *c, struct tls_context *s, const struct kept *k)
{
	struct ends e = tls_ends(c, s);

	tls_resume(e.client, k->data, k->len);
	tls_feed(e.client, NULL, 0);
	tls_settle(&e, 4096);
	return e;
}

static void resumed(struct tls_config client, struct tls_config server, enum tls_peer kind,
		    const char *client_name, const char *server_name)
{
	struct tls_context *c = tls_context(client), *s = tls_context(server);
	struct ends e = tls_meet(c, s);
	struct kept k;

	assert_open(&e);
	/* Again and again: what was shown once goes along. */
	for (unsigned int i = 0; i < 3; i++) {
		uint8_t before[32], after[32];

		k = keep(&e);
		assert_int_equal(tls_export(e.client, LABEL, "x", 1, before, 32), 0);
		tls_part(&e);
		e = meet_again(c, s, &k);
		assert_open(&e);
		assert_true(tls_resumed(e.client) && tls_resumed(e.server));
		assert_int_equal(tls_peer(e.client), kind);
		assert_int_equal(tls_peer(e.server), kind);
		assert_string_equal(tls_peer_name(e.client), server_name);
		assert_string_equal(tls_peer_name(e.server), client_name);
		assert_same_key(&e);
		assert_int_equal(tls_export(e.client, LABEL, "x", 1, after, 32), 0);
		assert_memory_not_equal(before, after, 32);
	}
	tls_part(&e);
	tls_context_free(c);
	tls_context_free(s);
}

static void resumption_keeps_who_it_is(void **state)
{
	const struct tls_psk bob = tls_psk("bob", 2);
	const struct tls_config c = { .n_psks = 1, .psks = &bob, .require_psk = true };
	const struct tls_config anonymous = { .anonymous = true };
	struct tls_config s = c, anyone = anonymous;

	(void)state;
	resumed(client_cfg(), server_cfg(), TLS_PEER_CERTIFICATE, "alice@example.com", "ha.example");
	s.server = true;
	resumed(c, s, TLS_PEER_PSK, "bob", "bob");
	anyone.server = true;
	resumed(anonymous, anyone, TLS_PEER_NONE, "", "");
}

/* Both ends forget tickets of other rules: what was good before the list came is looked at anew. */
static void a_ticket_does_not_get_around_new_rules(void **state)
{
	struct tls_config with_crl = server_cfg(), anyone = server_cfg(), revoked = client_cfg();
	struct tls_context *c, *before, *after;
	struct ends e;
	struct kept k;

	(void)state;
	revoked.certificate = tls_path("mn-revoked.pem");
	revoked.key = tls_path("mn-revoked.key");
	c = tls_context(revoked);
	before = tls_context(server_cfg());
	e = tls_meet(c, before);
	assert_open(&e);
	k = keep(&e);
	tls_part(&e);
	with_crl.crl = tls_path("crl");
	after = tls_context(with_crl);
	e = meet_again(c, after, &k);
	assert_failed(e.server, "certificate-revoked", "");
	tls_part(&e);
	tls_context_free(after);
	tls_context_free(before);
	tls_context_free(c);

	/* On-link yesterday, a certificate today. */
	anyone.require_certificate = false;
	anyone.anonymous = true;
	c = tls_context((struct tls_config){ .anonymous = true });
	before = tls_context(anyone);
	e = tls_meet(c, before);
	assert_open(&e);
	k = keep(&e);
	tls_part(&e);
	after = tls_context(server_cfg());
	e = meet_again(c, after, &k);
	assert_failed(e.server, "certificate-missing", "");
	tls_part(&e);
	tls_context_free(after);
	tls_context_free(c);

	/* The same at the mobile node: its ticket is not offered under other rules. */
	c = tls_context(client_cfg());
	e = meet_again(c, before, &k);
	assert_open(&e);
	assert_false(tls_resumed(e.client));
	tls_part(&e);
	tls_context_free(c);
	tls_context_free(before);
}

/* A ticket is not good for longer than the certificate, or than the list that it was looked up
 * in. */
static void a_ticket_ends_with_what_is_behind_it(void **state)
{
	struct tls_config client = client_cfg(), server = server_cfg();
	struct tls_context *c, *s, *listed;
	struct ends e, f;
	struct kept k, l;

	(void)state;
	client.certificate = tls_path("mn-short.pem");
	client.key = tls_path("mn-short.key");
	/* Two seconds from when they are made, and this is long after. */
	tls_certificate(&root, &(struct subject){ .file = "mn-short", .cn = "soon", .from = -DAY,
						  .until = 2, .serial = 28 });
	tls_crl(&root, "crl-short", 0, 2);
	c = tls_context(client);
	s = tls_context(server);
	client = client_cfg();
	server.crl = tls_path("crl-short");
	listed = tls_context(server);
	e = tls_meet(c, s);
	assert_open(&e);
	k = keep(&e);
	tls_part(&e);
	tls_context_free(c);
	c = tls_context(client);
	f = tls_meet(c, listed);
	assert_open(&f);
	l = keep(&f);
	tls_part(&f);
	sleep(3);	/* the certificate's time is in whole seconds of the wall clock */
	f = meet_again(c, listed, &l);
	assert_failed(f.server, "crl", "expired");
	tls_part(&f);
	tls_context_free(c);
	client.certificate = tls_path("mn-short.pem");
	client.key = tls_path("mn-short.key");
	c = tls_context(client);
	e = meet_again(c, s, &k);
	assert_failed(e.server, "certificate-expired", "");
	tls_part(&e);
	tls_context_free(c);
	tls_context_free(s);
	tls_context_free(listed);
}

static void a_session_that_is_none_is_not_offered(void **state)
{
	struct tls_context *c = tls_context(client_cfg()), *s = tls_context(server_cfg());
	struct ends e = tls_meet(c, s);
	struct kept k = keep(&e), small;

	(void)state;
	assert_int_equal(tls_session_take(e.client, small.data, k.len - 1), 0);
	assert_int_equal(tls_session_take(e.server, small.data, sizeof(small.data)), 0);
	tls_part(&e);
	for (size_t cut = 0; cut < k.len; cut += 1 + cut / 16) {
		struct kept bad = k;

		bad.len = cut;
		e = meet_again(c, s, &bad);
		assert_open(&e);
		assert_false(tls_resumed(e.server));
		tls_part(&e);
	}
	for (size_t at = 0; at < k.len; at += 7) {
		struct kept bad = k;

		bad.data[at] ^= 0x41;
		e = meet_again(c, s, &bad);
		/* It is no secret to the client itself: a session that was spoilt is one that
		 * fails, or a new one; never another peer. */
		if (tls_state(e.server) == TLS_OPEN)
			assert_string_equal(tls_peer_name(e.server), "alice@example.com");
		tls_part(&e);
		assert_int_equal(ERR_peek_error(), 0);
	}
	tls_context_free(c);
	tls_context_free(s);
}

static void a_context_outlives_its_owner(void **state)
{
	struct tls_context *c = tls_context(client_cfg()), *s = tls_context(server_cfg());
	struct ends e = tls_ends(c, s);

	(void)state;
	tls_context_free(c);
	tls_context_free(s);
	tls_feed(e.client, NULL, 0);
	tls_settle(&e, 4096);
	assert_open(&e);
	tls_part(&e);
}

/* ---- configurations ---- */

static void bad_config(struct tls_config cfg, int err, const char *why_not)
{
	struct tls_context *c = (struct tls_context *)&cfg;
	char why[TLS_WHY_MAX];

	if (tls_context_new(&cfg, why, &c) != err)
		fail_msg("it was taken, or with another error: %s", why);
	if (!strstr(why, why_not))
		fail_msg("\"%s\" is not in \"%s\"", why_not, why);
	assert_ptr_equal(c, &cfg);
	assert_int_equal(ERR_peek_error(), 0);
}

static void files_that_are_not_what_they_should_be(void **state)
{
	struct tls_config s;

	(void)state;
	tls_write_text("text.pem", "nothing to see here\n");
	tls_write_text("cut.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
	tls_write_text("cut.crl", "-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n");
#define BAD(change, err, why) do { \
		s = server_cfg(); \
		change; \
		bad_config(s, err, why); \
	} while (0)
	BAD(s.certificate = tls_path("nowhere"), -ENOENT, "nowhere: No such file");
	BAD(s.key = tls_path("nowhere"), -ENOENT, "nowhere: No such file");
	BAD(s.authority = tls_path("nowhere"), -ENOENT, "nowhere: No such file");
	BAD(s.crl = tls_path("nowhere"), -ENOENT, "nowhere: No such file");
	BAD(s.certificate = tls_path("text.pem"), -EINVAL, "text.pem: no certificate");
	BAD(s.certificate = tls_path("cut.pem"), -EINVAL, "cut.pem: a certificate in it cannot");
	BAD(s.certificate = tls_path("ha.key"), -EINVAL, "ha.key: no certificate");
	BAD(s.authority = tls_path("text.pem"), -EINVAL, "text.pem: no certificate");
	BAD(s.crl = tls_path("root.pem"), -EINVAL, "root.pem: no CRL");
	BAD(s.crl = tls_path("cut.crl"), -EINVAL, "cut.crl: a CRL in it cannot");
	BAD(s.key = tls_path("ha.pem"), -EACCES, "ha.pem holds a private key and is readable");
	BAD(s.key = tls_path("mn.key"), -EINVAL, "mn.key is not the key");
	BAD(s.key = NULL, -EINVAL, "go together");
	BAD(s.certificate = tls_dir, -EISDIR, "Is a directory");
	assert_int_equal(chmod(tls_path("text.pem"), 0600), 0);
	BAD(s.key = tls_path("text.pem"), -EINVAL, "text.pem: no private key");
}

/* A key under a passphrase is refused; nobody is asked at a terminal. */
static void a_passphrase_is_not_asked_for(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	FILE *f = tls_create("locked.key", 0600);
	struct tls_config s = server_cfg();

	(void)state;
	PEM_write_PrivateKey(f, key, EVP_aes_128_cbc(), (const unsigned char *)"secret", 6, NULL, NULL);
	fclose(f);
	EVP_PKEY_free(key);
	s.key = tls_path("locked.key");
	bad_config(s, -EINVAL, "passphrase");
}

static void rules_that_cannot_be(void **state)
{
	struct tls_psk two[2] = { tls_psk("bob", 1), tls_psk("bob", 2) };
	struct tls_config s;

	(void)state;
	BAD(s.authority = NULL, -EINVAL, "no authority");
	BAD(s.require_psk = true, -EINVAL, "there is none");
	BAD((s.require_psk = true, s.psks = two, s.n_psks = 1), -EINVAL, "has no certificate");
	BAD((s.authority = NULL, s.require_certificate = false, s.crl = "x"), -EINVAL, "a CRL says");
	BAD((s.certificate = s.key = NULL), -EINVAL, "nobody can know us");
	bad_config((struct tls_config){ .server = false }, -EINVAL, "no home agent can be known");
	BAD((s.psks = two, s.n_psks = 2), -EINVAL, "bob has two");
	two[0].len = 15;
	BAD((s.psks = two, s.n_psks = 1), -EINVAL, "15 octets; expected 16 to 64");
	two[0].len = 65;
	BAD((s.psks = two, s.n_psks = 1), -EINVAL, "65 octets; expected 16 to 64");
	two[0] = tls_psk("", 1);
	BAD((s.psks = two, s.n_psks = 1), -EINVAL, "1 to 63 characters");
	memset(two[0].identity, 'x', sizeof(two[0].identity));
	BAD((s.psks = two, s.n_psks = 1), -EINVAL, "1 to 63 characters");
}

static void it_is_known_when_our_certificate_ends(void **state)
{
	struct tls_context *s = tls_context(server_cfg());
	int64_t left = tls_context_valid_until(s) - (int64_t)time(NULL);

	(void)state;
	assert_true(left > DAY - 600 && left <= DAY);
	tls_context_free(s);
}

static void reasons_are_listed_once(void **state)
{
	const char *const *r = tls_reasons();
	unsigned int n;

	(void)state;
	for (n = 0; r[n]; n++) {
		for (unsigned int i = 0; i < n; i++)
			assert_string_not_equal(r[i], r[n]);
	}
	assert_int_equal(n, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_show_certificates),
		cmocka_unit_test(keys_of_two_sessions_differ),
		cmocka_unit_test(one_octet_at_a_time),
		cmocka_unit_test(a_name_is_a_common_name_where_there_is_no_other),
		cmocka_unit_test(anonymous_meet),
		cmocka_unit_test(a_certificate_may_be_missing),
		cmocka_unit_test(a_stranger_does_not_learn_a_name),
		cmocka_unit_test(psk_meet),
		cmocka_unit_test(psk_beside_certificates),
		cmocka_unit_test(psk_of_every_length),
		cmocka_unit_test(a_chain_is_sent_along),
		cmocka_unit_test(a_bad_certificate_of_a_mobile_node),
		cmocka_unit_test(a_good_one_beside_a_crl),
		cmocka_unit_test(an_authority_between_is_revoked),
		cmocka_unit_test(a_certificate_is_missing),
		cmocka_unit_test(a_bad_certificate_of_a_home_agent),
		cmocka_unit_test(any_name_of_the_authority),
		cmocka_unit_test(no_downgrade),
		cmocka_unit_test(a_wrong_psk),
		cmocka_unit_test(tls_1_2_is_refused),
		cmocka_unit_test(a_server_of_tls_1_2),
		cmocka_unit_test(garbage_is_refused),
		cmocka_unit_test(a_stream_that_ends_is_truncated),
		cmocka_unit_test(a_changed_record_is_refused),
		cmocka_unit_test(a_peer_without_end_is_cut),
		cmocka_unit_test(what_is_not_read_is_bounded),
		cmocka_unit_test(who_closes_has_said_all),
		cmocka_unit_test(nothing_is_said_before_the_handshake),
		cmocka_unit_test(resumption_keeps_who_it_is),
		cmocka_unit_test(a_ticket_does_not_get_around_new_rules),
		cmocka_unit_test(a_ticket_ends_with_what_is_behind_it),
		cmocka_unit_test(a_session_that_is_none_is_not_offered),
		cmocka_unit_test(a_context_outlives_its_owner),
		cmocka_unit_test(files_that_are_not_what_they_should_be),
		cmocka_unit_test(a_passphrase_is_not_asked_for),
		cmocka_unit_test(rules_that_cannot_be),
		cmocka_unit_test(it_is_known_when_our_certificate_ends),
		cmocka_unit_test(reasons_are_listed_once),
	};

	return cmocka_run_group_tests(tests, make_world, remove_world);
}
