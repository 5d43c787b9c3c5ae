/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block "keys" of mn.conf: how keys are asked of home agents that were never met, with the
 * words of the same block of ha.conf. Owns nothing; called by conf.c. Whether the files are what
 * they should be is looked at by keyclient.c, which reads them.
 */
#include "mn-agent/conf_keys.h"

#include <string.h>

#include "common/core/auth.h"
#include "mn-agent/conf.h"

/* What the block holds while it is read; there is one. */
static struct {
	struct mn_settings *s;
	bool off, has_mode, has_any;
	struct conf_word authority, revoked, name;	/* where they stand */
} draft;

void *mn_conf_keys_open(struct conf *c, void *obj, const struct conf_word *kw,
			const struct conf_word *args, unsigned int n)
{
	bool on = true;

	(void)kw;
	memset(&draft, 0, sizeof(draft));
	if (n > 0 && !conf_bool(c, &args[0], &on))
		return NULL;
	draft.s = obj;
	draft.off = !on;
	draft.s->mn.key_modes.n = 0;
	return &draft;
}

static void set_mode(struct conf *c, void *obj, const struct conf_word *kw,
		     const struct conf_word *args, unsigned int n)
{
	struct boot_modes modes = { 0 };
	enum boot_mode m;

	(void)kw;
	if (!obj)
		return;
	draft.has_mode = draft.has_any = true;
	for (unsigned int i = 0; i < n; i++) {
		if (boot_mode_parse(args[i].text, strlen(args[i].text), &m) < 0)
			conf_error(c, &args[i], "no mode \"%s\"; expected %s, %s or %s",
				   args[i].text, boot_mode_name(BOOT_CERTIFICATE),
				   boot_mode_name(BOOT_PSK), boot_mode_name(BOOT_ON_LINK));
		else if (boot_modes_have(&modes, m))
			conf_error(c, &args[i], "mode %s twice; expected each once", args[i].text);
		else
			modes.mode[modes.n++] = m;
	}
	draft.s->mn.key_modes = modes;
}

static void take_path(struct conf *c, const struct conf_word *w, char ret[MN_PATH_MAX])
{
	size_t len = strlen(w->text);

	draft.has_any = true;
	if (len == 0 || len >= MN_PATH_MAX)
		conf_error(c, w, "\"%s\" is no file's name; expected one of 1 to %d octets",
			   w->text, MN_PATH_MAX - 1);
	else
		memcpy(ret, w->text, len + 1);
}

static void set_certificate(struct conf *c, void *obj, const struct conf_word *kw,
			    const struct conf_word *args, unsigned int n)
{
	(void)kw;
	(void)n;
	if (obj)
		take_path(c, &args[0], draft.s->keys.certificate);
}

static void set_private_key(struct conf *c, void *obj, const struct conf_word *kw,
			    const struct conf_word *args, unsigned int n)
{
	(void)kw;
	(void)n;
	if (obj)
		take_path(c, &args[0], draft.s->keys.private_key);
}

static void set_authority(struct conf *c, void *obj, const struct conf_word *kw,
			  const struct conf_word *args, unsigned int n)
{
	(void)n;
	draft.authority = *kw;
	if (obj)
		take_path(c, &args[0], draft.s->keys.authority);
}

static void set_revoked(struct conf *c, void *obj, const struct conf_word *kw,
			const struct conf_word *args, unsigned int n)
{
	(void)n;
	draft.revoked = *kw;
	if (obj)
		take_path(c, &args[0], draft.s->keys.revoked);
}

/* RFC 4282 names and the like: what can be printed, without blanks. */
static bool take_name(struct conf *c, const struct conf_word *w, const char *what,
		      char ret[BOOT_ID_MAX])
{
	size_t len = strlen(w->text);
	bool printable = len > 0 && len < BOOT_ID_MAX;

	draft.has_any = true;
	for (const char *p = w->text; *p; p++)
		printable &= *p > ' ' && *p <= '~';
	if (!printable)
		conf_error(c, w, "\"%s\" is no %s; expected 1 to %d printable characters without "
			   "blanks", w->text, what, BOOT_ID_MAX - 1);
	else
		memcpy(ret, w->text, len + 1);
	return printable;
}

static void set_name(struct conf *c, void *obj, const struct conf_word *kw,
		     const struct conf_word *args, unsigned int n)
{
	(void)n;
	draft.name = *kw;
	if (obj)
		take_name(c, &args[0], "name", draft.s->keys.home_agent_name);
}

static void set_psk(struct conf *c, void *obj, const struct conf_word *kw,
		    const struct conf_word *args, unsigned int n)
{
	(void)kw;
	(void)n;
	if (!obj || !take_name(c, &args[0], "identity", draft.s->keys.psk_identity))
		return;
	if (!conf_hex(c, &args[1], draft.s->keys.psk, MN_PSK_MIN, MN_PSK_MAX,
		      &draft.s->keys.psk_len))
		draft.s->keys.psk_identity[0] = '\0';
}

/* What is configured is what is wanted: on-link is not allowed beside it unless that is said. */
static struct boot_modes modes_of(const struct mn_keys_config *k)
{
	struct boot_modes m = { 0 };

	if (k->authority[0])
		m.mode[m.n++] = BOOT_CERTIFICATE;
	if (k->psk_identity[0])
		m.mode[m.n++] = BOOT_PSK;
	if (m.n == 0)
		m.mode[m.n++] = BOOT_ON_LINK;
	return m;
}

static void check_certificate(struct conf *c, const struct conf_word *kw,
			      const struct mn_keys_config *k, bool wanted)
{
	if (!k->certificate[0] != !k->private_key[0])
		conf_error(c, kw, "%s alone; expected \"certificate FILE;\" and \"private-key "
			   "FILE;\"", k->certificate[0] ? "certificate" : "private-key");
	if (wanted && (!k->certificate[0] || !k->authority[0]))
		conf_error(c, kw, "mode certificate needs files; expected \"certificate FILE;\", "
			   "\"private-key FILE;\" and \"authority FILE;\"");
	if (!wanted && k->authority[0])
		conf_error(c, &draft.authority, "authority is of no use without mode certificate; "
			   "expected that among the modes, or no authority");
	if (k->revoked[0] && !k->authority[0])
		conf_error(c, &draft.revoked, "revoked is of no use without authority; expected "
			   "\"authority FILE;\"");
	if (k->home_agent_name[0] && !k->authority[0])
		conf_error(c, &draft.name, "home-agent-name is of no use without authority; "
			   "expected \"authority FILE;\"");
}

void mn_conf_keys_close(struct conf *c, void *obj, const struct conf_word *kw)
{
	struct mn_settings *s = draft.s;
	const struct mn_keys_config *k;

	if (!obj)
		return;
	k = &s->keys;
	if (draft.off) {
		if (draft.has_any)
			conf_error(c, kw, "\"keys no\" with statements; expected \"keys no;\" or "
				   "\"keys { ... }\"");
		s->mn.key_modes.n = 0;
		return;
	}
	if (!draft.has_mode)
		s->mn.key_modes = modes_of(k);
	check_certificate(c, kw, k, boot_modes_have(&s->mn.key_modes, BOOT_CERTIFICATE));
	if (boot_modes_have(&s->mn.key_modes, BOOT_PSK) != (k->psk_identity[0] != '\0'))
		conf_error(c, kw, k->psk_identity[0] ? "psk is of no use without mode psk; expected "
			   "that among the modes, or no psk" : "mode psk needs a key; expected "
			   "\"psk IDENTITY HEX;\"");
}

const struct conf_keyword mn_conf_keys_table[] = {
	{ .name = "mode", .args = "certificate|psk|on-link ...", .min_args = 1,
	  .max_args = BOOT_MODE_MAX, .set = set_mode, .once = true },
	{ .name = "certificate", .args = "FILE", .min_args = 1, .max_args = 1,
	  .set = set_certificate, .once = true },
	{ .name = "private-key", .args = "FILE", .min_args = 1, .max_args = 1,
	  .set = set_private_key, .once = true },
	{ .name = "authority", .args = "FILE", .min_args = 1, .max_args = 1,
	  .set = set_authority, .once = true },
	{ .name = "revoked", .args = "FILE", .min_args = 1, .max_args = 1, .set = set_revoked,
	  .once = true },
	{ .name = "home-agent-name", .args = "NAME", .min_args = 1, .max_args = 1,
	  .set = set_name, .once = true },
	{ .name = "psk", .args = "IDENTITY HEX", .min_args = 2, .max_args = 2, .set = set_psk,
	  .once = true },
	{ 0 }
};

bool mn_conf_same_keys(const struct mn_keys_config *a, const struct mn_keys_config *b)
{
	return strcmp(a->certificate, b->certificate) == 0 &&
	       strcmp(a->private_key, b->private_key) == 0 &&
	       strcmp(a->authority, b->authority) == 0 && strcmp(a->revoked, b->revoked) == 0 &&
	       strcmp(a->home_agent_name, b->home_agent_name) == 0 &&
	       strcmp(a->psk_identity, b->psk_identity) == 0 && a->psk_len == b->psk_len &&
	       auth_equal(a->psk, b->psk, a->psk_len);
}
