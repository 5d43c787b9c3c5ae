/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block "keys" of ha.conf: how mobile nodes that were never met get a key here. Owns the
 * pre-shared keys of a struct ha_keys_config; called by conf.c. Whether the files are what
 * they should be is looked at by keyserver.c, which reads them.
 */
#include "ha-agent/conf_keys.h"

#include <stdlib.h>
#include <string.h>

#include "common/core/auth.h"
#include "common/core/confkey.h"

#define MAX_KEYS	(1U << 20)

/* What the block holds while it is read; there is one. */
static struct {
	struct ha_keys_config *k;
	bool has_mode;
	struct conf_word authority, revoked;	/* where they stand */
} draft;

void *ha_conf_keys_open(struct conf *c, void *obj, const struct conf_word *kw,
			const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;
	bool on = true;

	(void)kw;
	memset(&draft, 0, sizeof(draft));
	if (n > 0 && !conf_bool(c, &args[0], &on))
		return NULL;
	draft.k = &cfg->bootstrap;
	draft.k->off = !on;
	return draft.k;
}

static void set_mode(struct conf *c, void *obj, const struct conf_word *kw,
		     const struct conf_word *args, unsigned int n)
{
	struct ha_keys_config *k = obj;
	struct boot_modes modes = { 0 };
	enum boot_mode m;

	(void)kw;
	if (!k)
		return;
	draft.has_mode = true;
	for (unsigned int i = 0; i < n; i++) {
		if (boot_mode_parse(args[i].text, strlen(args[i].text), &m) < 0)
			conf_error(c, &args[i], "no mode \"%s\"; expected %s, %s or %s",
				   args[i].text, boot_mode_name(BOOT_CERTIFICATE),
				   boot_mode_name(BOOT_PSK), boot_mode_name(BOOT_ON_LINK));
		else if (boot_modes_have(&modes, m))
			conf_error(c, &args[i], "mode %s twice; expected each once",
				   args[i].text);
		else
			modes.mode[modes.n++] = m;
	}
	k->modes = modes;
}

static void take_path(struct conf *c, const struct conf_word *w, char ret[HA_PATH_MAX])
{
	size_t len = strlen(w->text);

	if (len == 0 || len >= HA_PATH_MAX)
		conf_error(c, w, "\"%s\" is no file's name; expected one of 1 to %d octets",
			   w->text, HA_PATH_MAX - 1);
	else
		memcpy(ret, w->text, len + 1);
}

static void set_certificate(struct conf *c, void *obj, const struct conf_word *kw,
			    const struct conf_word *args, unsigned int n)
{
	struct ha_keys_config *k = obj;

	(void)kw;
	(void)n;
	if (k)
		take_path(c, &args[0], k->certificate);
}

static void set_private_key(struct conf *c, void *obj, const struct conf_word *kw,
			    const struct conf_word *args, unsigned int n)
{
	struct ha_keys_config *k = obj;

	(void)kw;
	(void)n;
	if (k)
		take_path(c, &args[0], k->private_key);
}

static void set_authority(struct conf *c, void *obj, const struct conf_word *kw,
			  const struct conf_word *args, unsigned int n)
{
	struct ha_keys_config *k = obj;

	(void)n;
	if (!k)
		return;
	take_path(c, &args[0], k->authority);
	draft.authority = *kw;
}

static void set_revoked(struct conf *c, void *obj, const struct conf_word *kw,
			const struct conf_word *args, unsigned int n)
{
	struct ha_keys_config *k = obj;

	(void)n;
	if (!k)
		return;
	take_path(c, &args[0], k->revoked);
	draft.revoked = *kw;
}

/* RFC 4282 names and the like: what can be printed, without blanks. */
static bool is_identity(const char *s)
{
	size_t len = strlen(s);

	for (const char *p = s; *p; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return len > 0 && len < BOOT_ID_MAX;
}

static void set_psk(struct conf *c, void *obj, const struct conf_word *kw,
		    const struct conf_word *args, unsigned int n)
{
	struct ha_keys_config *k = obj;
	struct ha_psk *p;

	(void)n;
	if (!k)
		return;
	if (!is_identity(args[0].text)) {
		conf_error(c, &args[0], "\"%s\" is no identity; expected 1 to %d printable "
			   "characters without blanks", args[0].text, BOOT_ID_MAX - 1);
		return;
	}
	for (unsigned int i = 0; i < k->n_psks; i++)
		if (strcmp(k->psks[i].identity, args[0].text) == 0) {
			conf_error(c, &args[0], "identity %s is there already; expected another",
				   args[0].text);
			return;
		}
	if (k->n_psks == HA_MAX_PSKS) {
		conf_error(c, &args[0], "too many pre-shared keys; expected at most %d",
			   HA_MAX_PSKS);
		return;
	}
	p = conf_key_grow(k->psks, k->n_psks, sizeof(*p));
	if (!p) {
		conf_error(c, kw, "no memory for the key of %s", args[0].text);
		return;
	}
	k->psks = p;
	p += k->n_psks;
	if (!conf_hex(c, &args[1], p->key, HA_PSK_MIN, HA_PSK_MAX, &p->len))
		return;
	memcpy(p->identity, args[0].text, strlen(args[0].text) + 1);
	k->n_psks++;
}

static void set_lifetime(struct conf *c, void *obj, const struct conf_word *kw,
			 const struct conf_word *args, unsigned int n)
{
	struct ha_keys_config *k = obj;

	(void)kw;
	(void)n;
	if (k)
		conf_duration(c, &args[0], HA_KEY_LIFETIME_MIN, HA_KEY_LIFETIME_MAX, &k->lifetime);
}

static void set_max_keys(struct conf *c, void *obj, const struct conf_word *kw,
			 const struct conf_word *args, unsigned int n)
{
	struct ha_keys_config *k = obj;

	(void)kw;
	(void)n;
	if (k)
		conf_u32(c, &args[0], 1, MAX_KEYS, &k->max);
}

/* What is configured is what is wanted: on-link is not allowed beside it unless that is said. */
static struct boot_modes modes_of(const struct ha_keys_config *k)
{
	struct boot_modes m = { 0 };

	if (k->authority[0])
		m.mode[m.n++] = BOOT_CERTIFICATE;
	if (k->n_psks > 0)
		m.mode[m.n++] = BOOT_PSK;
	if (m.n == 0)
		m.mode[m.n++] = BOOT_ON_LINK;
	return m;
}

static bool has_anything(const struct ha_keys_config *k)
{
	return draft.has_mode || k->certificate[0] || k->private_key[0] || k->authority[0] ||
	       k->revoked[0] || k->n_psks > 0;
}

static const struct conf_word *where(const struct conf_word *w, const struct conf_word *kw)
{
	return w->line > 0 ? w : kw;
}

void ha_conf_keys_close(struct conf *c, void *obj, const struct conf_word *kw)
{
	struct ha_keys_config *k = obj;

	if (!k)
		return;
	if (k->off && has_anything(k))
		conf_error(c, kw, "\"keys no\" with statements; expected \"keys no;\" or "
			   "\"keys { ... }\"");
	if (!draft.has_mode)
		k->modes = modes_of(k);
	if (!k->certificate[0] != !k->private_key[0])
		conf_error(c, kw, "%s alone; expected \"certificate FILE;\" and \"private-key "
			   "FILE;\"", k->certificate[0] ? "certificate" : "private-key");
	if (boot_modes_have(&k->modes, BOOT_CERTIFICATE)) {
		if (!k->certificate[0] || !k->authority[0])
			conf_error(c, kw, "mode certificate needs files; expected \"certificate "
				   "FILE;\", \"private-key FILE;\" and \"authority FILE;\"");
	} else if (k->authority[0]) {
		conf_error(c, where(&draft.authority, kw), "authority is of no use without mode certificate; "
			   "expected that among the modes, or no authority");
	}
	if (k->revoked[0] && !k->authority[0])
		conf_error(c, where(&draft.revoked, kw), "revoked is of no use without authority; expected "
			   "\"authority FILE;\"");
	if (boot_modes_have(&k->modes, BOOT_PSK) != (k->n_psks > 0))
		conf_error(c, kw, k->n_psks > 0 ? "psk is of no use without mode psk; expected "
			   "that among the modes, or no psk" : "mode psk needs keys; expected \"psk "
			   "IDENTITY HEX;\"");
}

const struct conf_keyword ha_conf_keys_table[] = {
	{ .name = "mode", .args = "certificate|psk|on-link ...", .min_args = 1,
	  .max_args = CONF_ARGS_MAX, .set = set_mode, .once = true },
	{ .name = "certificate", .args = "FILE", .min_args = 1, .max_args = 1,
	  .set = set_certificate, .once = true },
	{ .name = "private-key", .args = "FILE", .min_args = 1, .max_args = 1,
	  .set = set_private_key, .once = true },
	{ .name = "authority", .args = "FILE", .min_args = 1, .max_args = 1,
	  .set = set_authority, .once = true },
	{ .name = "revoked", .args = "FILE", .min_args = 1, .max_args = 1, .set = set_revoked,
	  .once = true },
	{ .name = "psk", .args = "IDENTITY HEX", .min_args = 2, .max_args = 2, .set = set_psk },
	{ .name = "lifetime", .args = "DURATION", .min_args = 1, .max_args = 1,
	  .set = set_lifetime, .once = true },
	{ .name = "max-keys", .args = "NUMBER", .min_args = 1, .max_args = 1,
	  .set = set_max_keys, .once = true },
	{ 0 }
};

void ha_conf_wipe_keys(struct ha_keys_config *k)
{
	if (k->psks)
		explicit_bzero(k->psks, k->n_psks * sizeof(*k->psks));
	free(k->psks);
	k->psks = NULL;
	k->n_psks = 0;
}

bool ha_conf_has_secrets(const struct ha_config *cfg)
{
	return cfg->n_keys > 0 || cfg->n_peers > 0 || cfg->bootstrap.n_psks > 0;
}

static bool same_psks(const struct ha_keys_config *a, const struct ha_keys_config *b)
{
	if (a->n_psks != b->n_psks)
		return false;
	for (unsigned int i = 0; i < a->n_psks; i++) {
		const struct ha_psk *x = &a->psks[i], *y = &b->psks[i];

		if (strcmp(x->identity, y->identity) != 0 || x->len != y->len ||
		    !auth_equal(x->key, y->key, x->len))
			return false;
	}
	return true;
}

bool ha_conf_same_keys(const struct ha_keys_config *a, const struct ha_keys_config *b)
{
	if (a->off != b->off || a->modes.n != b->modes.n || a->lifetime != b->lifetime ||
	    a->max != b->max)
		return false;
	for (unsigned int i = 0; i < a->modes.n; i++)
		if (a->modes.mode[i] != b->modes.mode[i])
			return false;
	return strcmp(a->certificate, b->certificate) == 0 &&
	       strcmp(a->private_key, b->private_key) == 0 &&
	       strcmp(a->authority, b->authority) == 0 && strcmp(a->revoked, b->revoked) == 0 &&
	       same_psks(a, b);
}
