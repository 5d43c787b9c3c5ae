/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network mode in ha.conf: that hosts are served which know nothing of mobility, and the session
 * database by which their anchors are found. Owns nothing; called by conf.c and reload.c.
 */
#include "ha-agent/conf_network.h"

#include <stdlib.h>
#include <string.h>

void ha_conf_network_mode(struct conf *c, void *obj, const struct conf_word *kw,
			  const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	conf_bool(c, &args[0], &cfg->network_mode);
}

void ha_conf_fixed_address(struct conf *c, void *obj, const struct conf_word *kw,
			   const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	conf_bool(c, &args[0], &cfg->fixed_router_address);
}

void ha_conf_release_idle(struct conf *c, void *obj, const struct conf_word *kw,
			  const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	if (strcmp(args[0].text, "never") == 0)
		cfg->release_idle = 0;
	else
		conf_duration(c, &args[0], USEC_S, 365 * 86400 * USEC_S, &cfg->release_idle);
}

void ha_conf_access_type(struct conf *c, void *obj, const struct conf_word *kw,
			 const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;
	int type = ha_conf_access_number(args[0].text);

	(void)kw;
	(void)n;
	if (type > 0)
		cfg->access_type = (uint8_t)type;
	else
		conf_error(c, &args[0], "\"%s\" is no kind of access link; expected ethernet, wlan, "
			   "wimax, lte, ppp or virtual", args[0].text);
}

/* ---- hosts ---- */

/* What the block holds while it is read; there is one. */
static struct {
	struct ha_config *cfg;
	struct ha_host host;
} draft;

static void take_access(struct conf *c, const struct conf_word *w, enum sdb_access *ret)
{
	static const struct { const char *name; enum sdb_access access; } words[] = {
		{ "allowed", SDB_ALLOWED }, { "refused", SDB_REFUSED },
		{ "local-only", SDB_LOCAL_ONLY },
	};

	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].name, w->text) == 0) {
			*ret = words[i].access;
			return;
		}
	}
	conf_error(c, w, "\"%s\" says nothing of access; expected allowed, refused or local-only",
		   w->text);
}

void ha_conf_unknown_hosts(struct conf *c, void *obj, const struct conf_word *kw,
			   const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	take_access(c, &args[0], &cfg->unknown_hosts);
}

void *ha_conf_host_open(struct conf *c, void *obj, const struct conf_word *kw,
			const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	memset(&draft, 0, sizeof(draft));
	draft.cfg = cfg;
	draft.host.access = SDB_ALLOWED;
	if (!conf_mac(c, &args[0], draft.host.mac))
		return NULL;
	for (unsigned int i = 0; i < cfg->n_hosts; i++) {
		if (memcmp(cfg->hosts[i].mac, draft.host.mac, 6) == 0) {
			conf_error(c, &args[0], "host %s is there already; expected another one",
				   args[0].text);
			return NULL;
		}
	}
	if (cfg->n_hosts == HA_MAX_HOSTS) {
		conf_error(c, &args[0], "too many hosts; expected at most %d", HA_MAX_HOSTS);
		return NULL;
	}
	return &draft;
}

static void set_access(struct conf *c, void *obj, const struct conf_word *kw,
		       const struct conf_word *args, unsigned int n)
{
	(void)kw;
	(void)n;
	if (obj)
		take_access(c, &args[0], &draft.host.access);
}

/* RFC 4283: a network access identifier. */
static void set_identity(struct conf *c, void *obj, const struct conf_word *kw,
			 const struct conf_word *args, unsigned int n)
{
	size_t len = strlen(args[0].text);
	int same = 0;

	(void)kw;
	(void)n;
	if (!obj)
		return;
	if (len == 0 || len > SDB_MN_ID_MAX) {
		conf_error(c, &args[0], "\"%s\" is no identity; expected 1 to %d octets",
			   args[0].text, SDB_MN_ID_MAX);
		return;
	}
	draft.host.id = (struct sdb_mn_id){ .subtype = MN_ID_NAI, .len = (uint8_t)len };
	memcpy(draft.host.id.data, args[0].text, len);
	/* A host that has several interfaces has the same name with each. */
	for (unsigned int i = 0; i < draft.cfg->n_hosts; i++)
		same += sdb_mn_id_eq(&draft.cfg->hosts[i].id, &draft.host.id);
	if (same >= HA_HOST_LINKS)
		conf_error(c, &args[0], "identity %s has %d link-layer addresses already; expected no "
			   "more", args[0].text, HA_HOST_LINKS);
}

void ha_conf_host_close(struct conf *c, void *obj, const struct conf_word *kw)
{
	struct ha_config *cfg = draft.cfg;
	struct ha_host *more;

	if (!obj)
		return;
	more = realloc(cfg->hosts, (cfg->n_hosts + 1) * sizeof(*more));
	if (!more) {
		conf_error(c, kw, "no memory for host %s", mac_str(draft.host.mac).s);
		return;
	}
	cfg->hosts = more;
	cfg->hosts[cfg->n_hosts++] = draft.host;
}

const struct conf_keyword ha_conf_host_table[] = {
	{ .name = "access", .args = "allowed|refused|local-only", .min_args = 1, .max_args = 1,
	  .set = set_access, .once = true },
	{ .name = "identity", .args = "NAME", .min_args = 1, .max_args = 1, .set = set_identity,
	  .once = true },
	{ 0 }
};

bool ha_conf_same_hosts(const struct ha_config *a, const struct ha_config *b)
{
	if (a->n_hosts != b->n_hosts || a->unknown_hosts != b->unknown_hosts)
		return false;
	for (unsigned int i = 0; i < a->n_hosts; i++) {
		const struct ha_host *x = &a->hosts[i], *y = &b->hosts[i];

		if (memcmp(x->mac, y->mac, sizeof(x->mac)) != 0 || x->access != y->access ||
		    !sdb_mn_id_eq(&x->id, &y->id))
			return false;
	}
	return true;
}

void ha_conf_wipe_hosts(struct ha_config *cfg)
{
	free(cfg->hosts);
	cfg->hosts = NULL;
	cfg->n_hosts = 0;
}

/* ---- session-database ---- */

void *ha_conf_sessions_open(struct conf *c, void *obj, const struct conf_word *kw,
			    const struct conf_word *args, unsigned int n)
{
	struct ha_sessions_config *s = &((struct ha_config *)obj)->sessions;

	(void)kw;
	(void)n;
	if (strcmp(args[0].text, "sqlite") == 0) {
		s->backend = HA_SESSIONS_SQLITE;
	} else if (strcmp(args[0].text, "redis") == 0) {
		s->backend = HA_SESSIONS_REDIS;
	} else {
		conf_error(c, &args[0], "\"%s\" is no session database; expected sqlite or redis",
			   args[0].text);
		return NULL;
	}
	return s;
}

static void take(struct conf *c, const struct conf_word *w, char *ret, size_t room)
{
	size_t len = strlen(w->text);

	if (len == 0 || len >= room)
		conf_error(c, w, "\"%s\" is too long or empty; expected 1 to %zu octets", w->text,
			   room - 1);
	else
		memcpy(ret, w->text, len + 1);
}

/* A setter of a word of that many octets. */
#define SET_WORD(name, member) \
	static void name(struct conf *c, void *obj, const struct conf_word *kw, \
			 const struct conf_word *args, unsigned int n) \
	{ \
		struct ha_sessions_config *s = obj; \
		(void)kw; \
		(void)n; \
		if (s) \
			take(c, &args[0], s->member, sizeof(s->member)); \
	}

SET_WORD(set_path, path)
SET_WORD(set_sentinel, sentinel_master)
SET_WORD(set_user, user)
SET_WORD(set_password_file, password_file)
SET_WORD(set_key_prefix, key_prefix)
SET_WORD(set_authority, authority)
SET_WORD(set_server_name, server_name)
SET_WORD(set_certificate, certificate)
SET_WORD(set_private_key, private_key)

static void set_servers(struct conf *c, void *obj, const struct conf_word *kw,
			const struct conf_word *args, unsigned int n)
{
	struct ha_sessions_config *s = obj;

	(void)kw;
	for (unsigned int i = 0; s && i < n; i++)
		take(c, &args[i], s->servers[s->n_servers++], sizeof(s->servers[0]));
}

static void set_replicas(struct conf *c, void *obj, const struct conf_word *kw,
			 const struct conf_word *args, unsigned int n)
{
	struct ha_sessions_config *s = obj;

	(void)kw;
	(void)n;
	if (s)
		conf_u32(c, &args[0], 0, 16, &s->replicas);
}

static void set_tls(struct conf *c, void *obj, const struct conf_word *kw,
		    const struct conf_word *args, unsigned int n)
{
	struct ha_sessions_config *s = obj;

	(void)kw;
	(void)n;
	if (s)
		conf_bool(c, &args[0], &s->tls);
}

static bool has_redis_words(const struct ha_sessions_config *s)
{
	return s->n_servers > 0 || s->replicas > 0 || s->tls || s->sentinel_master[0] ||
	       s->user[0] || s->password_file[0] || s->key_prefix[0] || s->authority[0] ||
	       s->server_name[0] || s->certificate[0] || s->private_key[0];
}

void ha_conf_sessions_close(struct conf *c, void *obj, const struct conf_word *kw)
{
	struct ha_sessions_config *s = obj;

	if (!s)
		return;
	if (s->backend == HA_SESSIONS_SQLITE) {
		if (has_redis_words(s))
			conf_error(c, kw, "sqlite is a file here; expected \"path FILE;\" alone");
		return;
	}
	if (s->path[0])
		conf_error(c, kw, "redis has no file here; expected \"server ADDRESS;\"");
	if (s->n_servers == 0)
		conf_error(c, kw, "redis without a server; expected \"server [ADDRESS]:PORT;\" or "
			   "\"server unix:PATH;\"");
	if (!s->tls && (s->authority[0] || s->server_name[0] || s->certificate[0] ||
			s->private_key[0]))
		conf_error(c, kw, "certificates without TLS; expected \"tls yes;\" beside them");
	if (s->tls && !s->authority[0])
		conf_error(c, kw, "TLS without an authority; expected \"authority FILE;\"");
	if (!s->certificate[0] != !s->private_key[0])
		conf_error(c, kw, "%s alone; expected \"certificate FILE;\" and \"private-key "
			   "FILE;\"", s->certificate[0] ? "certificate" : "private-key");
}

const struct conf_keyword ha_conf_sessions_table[] = {
	{ .name = "path", .args = "FILE", .min_args = 1, .max_args = 1, .set = set_path,
	  .once = true },
	{ .name = "server", .args = "[ADDRESS]:PORT|unix:PATH ...", .min_args = 1,
	  .max_args = HA_MAX_SERVERS, .set = set_servers, .once = true },
	{ .name = "sentinel", .args = "NAME", .min_args = 1, .max_args = 1,
	  .set = set_sentinel, .once = true },
	{ .name = "user", .args = "NAME", .min_args = 1, .max_args = 1, .set = set_user,
	  .once = true },
	{ .name = "password-file", .args = "FILE", .min_args = 1, .max_args = 1,
	  .set = set_password_file, .once = true },
	{ .name = "key-prefix", .args = "NAME", .min_args = 1, .max_args = 1,
	  .set = set_key_prefix, .once = true },
	{ .name = "replicas", .args = "NUMBER", .min_args = 1, .max_args = 1,
	  .set = set_replicas, .once = true },
	{ .name = "tls", .args = "yes|no", .min_args = 1, .max_args = 1, .set = set_tls,
	  .once = true },
	{ .name = "authority", .args = "FILE", .min_args = 1, .max_args = 1,
	  .set = set_authority, .once = true },
	{ .name = "server-name", .args = "NAME", .min_args = 1, .max_args = 1,
	  .set = set_server_name, .once = true },
	{ .name = "certificate", .args = "FILE", .min_args = 1, .max_args = 1,
	  .set = set_certificate, .once = true },
	{ .name = "private-key", .args = "FILE", .min_args = 1, .max_args = 1,
	  .set = set_private_key, .once = true },
	{ 0 }
};

static bool same_sessions(const struct ha_sessions_config *a, const struct ha_sessions_config *b)
{
	if (a->backend != b->backend || strcmp(a->path, b->path) != 0 ||
	    a->n_servers != b->n_servers || a->replicas != b->replicas || a->tls != b->tls)
		return false;
	for (unsigned int i = 0; i < a->n_servers; i++)
		if (strcmp(a->servers[i], b->servers[i]) != 0)
			return false;
	return strcmp(a->sentinel_master, b->sentinel_master) == 0 &&
	       strcmp(a->user, b->user) == 0 && strcmp(a->key_prefix, b->key_prefix) == 0 &&
	       strcmp(a->password_file, b->password_file) == 0 &&
	       strcmp(a->authority, b->authority) == 0 &&
	       strcmp(a->server_name, b->server_name) == 0 &&
	       strcmp(a->certificate, b->certificate) == 0 &&
	       strcmp(a->private_key, b->private_key) == 0;
}

bool ha_conf_same_network(const struct ha_config *a, const struct ha_config *b)
{
	return a->network_mode == b->network_mode &&
	       a->fixed_router_address == b->fixed_router_address &&
	       a->access_type == b->access_type && same_sessions(&a->sessions, &b->sessions);
}
