/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keywords of ha.conf. Owns the keys of a struct ha_config; called by main.c. Every keyword
 * is described in dmip6-had(8); a test compares the two.
 */
#include "ha-agent/conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/confkey.h"

#define MAX_ENTRIES	(1U << 24)

/* A key while its block is read; blocks do not nest. */
static struct {
	struct conf_key key;
	struct ha_config *cfg;
	bool has_mn;
	uint8_t mn[6];
} draft;

int ha_conf_add_interface(struct ha_config *cfg, const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= IFNAMSIZ || strpbrk(name, "/ \t\n") || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return -EINVAL;
	for (unsigned int i = 0; i < cfg->n_interfaces; i++)
		if (strcmp(cfg->interfaces[i], name) == 0)
			return 0;
	if (cfg->n_interfaces == HA_MAX_INTERFACES)
		return -ENOSPC;
	memcpy(cfg->interfaces[cfg->n_interfaces++], name, len + 1);
	return 0;
}

void ha_conf_wipe(struct ha_config *cfg)
{
	for (unsigned int i = 0; i < cfg->n_keys; i++)
		auth_key_wipe(&cfg->keys[i].auth);
	free(cfg->keys);
	cfg->keys = NULL;
	cfg->n_keys = 0;
}

static void set_interface(struct conf *c, void *obj, const struct conf_word *kw,
			  const struct conf_word *args, unsigned int n)
{
	int err = ha_conf_add_interface(obj, args[0].text);

	(void)kw;
	(void)n;
	if (err == -ENOSPC)
		conf_error(c, &args[0], "too many interfaces; expected at most %d",
			   HA_MAX_INTERFACES);
	else if (err < 0)
		conf_error(c, &args[0], "\"%s\" cannot be an interface; expected a name of at "
			   "most %d characters such as lan0", args[0].text, IFNAMSIZ - 1);
}

static void set_prefix(struct conf *c, void *obj, const struct conf_word *kw,
		       const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;
	struct in6_prefix p;

	(void)kw;
	(void)n;
	if (!conf_prefix(c, &args[0], &p))
		return;
	if (p.len == 0 || p.len > 63 || !in6_is_routable(&p.addr))
		conf_error(c, &args[0], "%s cannot be shared out; expected a global prefix of "
			   "at most /63", args[0].text);
	else
		cfg->prefix = p;
}

static void set_address(struct conf *c, void *obj, const struct conf_word *kw,
			const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;
	struct in6_addr a;

	(void)kw;
	(void)n;
	if (!conf_addr(c, &args[0], &a))
		return;
	if (in6_is_routable(&a))
		cfg->address = a;
	else
		conf_error(c, &args[0], "%s cannot be the home agent's address; expected a "
			   "global one", args[0].text);
}

static void set_mtu(struct conf *c, void *obj, const struct conf_word *kw,
		    const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	conf_u32(c, &args[0], 1280, 65535, &cfg->mtu);
}

static void set_rdnss(struct conf *c, void *obj, const struct conf_word *kw,
		      const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	for (unsigned int i = 0; i < n; i++) {
		if (cfg->n_rdnss == ND_MAX_RDNSS) {
			conf_error(c, &args[i], "too many name servers; expected at most %d",
				   ND_MAX_RDNSS);
			return;
		}
		if (conf_addr(c, &args[i], &cfg->rdnss[cfg->n_rdnss]))
			cfg->n_rdnss++;
	}
}

static void set_router_lifetime(struct conf *c, void *obj, const struct conf_word *kw,
				const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	/* RFC 4861 6.2.1: at most 9000 seconds; 0: no default router. */
	conf_duration(c, &args[0], 0, 9000 * USEC_S, &cfg->router_lifetime);
}

static void set_ra_interval(struct conf *c, void *obj, const struct conf_word *kw,
			    const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	/* RFC 6275 7.5: down to 70 ms; RFC 4861 6.2.1: up to 1800 s. */
	conf_duration(c, &args[0], 70 * USEC_MS, 1800 * USEC_S, &cfg->ra_interval);
}

static void set_prefix_lifetime(struct conf *c, void *obj, const struct conf_word *kw,
				const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	conf_duration(c, &args[0], 60 * USEC_S, 365 * 86400 * USEC_S, &cfg->prefix_lifetime);
}

static void set_binding_lifetime(struct conf *c, void *obj, const struct conf_word *kw,
				 const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	conf_duration(c, &args[0], MIP6_LIFETIME_UNIT_S * USEC_S,
		      UINT16_MAX * MIP6_LIFETIME_UNIT_S * USEC_S, &cfg->binding_lifetime);
}

static void set_max_leases(struct conf *c, void *obj, const struct conf_word *kw,
			   const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	conf_u32(c, &args[0], 1, MAX_ENTRIES, &cfg->max_leases);
}

static void set_max_bindings(struct conf *c, void *obj, const struct conf_word *kw,
			     const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	conf_u32(c, &args[0], 1, MAX_ENTRIES, &cfg->max_bindings);
}

static void set_answer(struct conf *c, void *obj, const struct conf_word *kw,
		       const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	conf_bool(c, &args[0], &cfg->answer_auth_failure);
}

/* ---- key SPI { ... } ---- */

static void *open_key(struct conf *c, void *obj, const struct conf_word *kw,
		      const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	explicit_bzero(&draft, sizeof(draft));
	draft.cfg = cfg;
	if (!conf_key_begin(c, &args[0], &draft.key))
		return NULL;
	for (unsigned int i = 0; i < cfg->n_keys; i++) {
		if (cfg->keys[i].auth.spi == draft.key.spi) {
			conf_error(c, &args[0], "key %u is there already; expected another SPI",
				   draft.key.spi);
			return NULL;
		}
	}
	if (cfg->n_keys == HA_MAX_KEYS) {
		conf_error(c, &args[0], "too many keys; expected at most %d", HA_MAX_KEYS);
		return NULL;
	}
	return &draft;
}

static void set_mn(struct conf *c, void *obj, const struct conf_word *kw,
		   const struct conf_word *args, unsigned int n)
{
	(void)kw;
	(void)n;
	if (obj && conf_mac(c, &args[0], draft.mn))
		draft.has_mn = true;
}

/* Room for one key more; nothing of a secret stays behind in what is freed. */
static bool grow_keys(struct ha_config *cfg)
{
	struct ha_key *bigger = calloc(cfg->n_keys + 1, sizeof(*bigger));

	if (!bigger)
		return false;
	if (cfg->n_keys > 0) {
		memcpy(bigger, cfg->keys, cfg->n_keys * sizeof(*bigger));
		explicit_bzero(cfg->keys, cfg->n_keys * sizeof(*bigger));
	}
	free(cfg->keys);
	cfg->keys = bigger;
	return true;
}

static void close_key(struct conf *c, void *obj, const struct conf_word *kw)
{
	struct ha_config *cfg = draft.cfg;
	struct ha_key *k;

	if (!obj)
		return;
	if (!grow_keys(cfg)) {
		conf_error(c, kw, "no memory for key %u", draft.key.spi);
		return;
	}
	k = &cfg->keys[cfg->n_keys];
	k->has_mn = draft.has_mn;
	memcpy(k->mn, draft.mn, sizeof(k->mn));
	if (conf_key_end(c, kw, &draft.key, &k->auth))
		cfg->n_keys++;
	explicit_bzero(&draft, sizeof(draft));
}

static const struct conf_keyword key_table[] = {
	CONF_KEY_ROWS,
	{ .name = "mn", .args = "MAC", .min_args = 1, .max_args = 1, .set = set_mn,
	  .once = true },
	{ 0 }
};

const struct conf_keyword ha_conf_table[] = {
	{ .name = "interface", .args = "NAME", .min_args = 1, .max_args = 1,
	  .set = set_interface },
	{ .name = "prefix", .args = "PREFIX", .min_args = 1, .max_args = 1, .set = set_prefix,
	  .once = true },
	{ .name = "address", .args = "ADDRESS", .min_args = 1, .max_args = 1,
	  .set = set_address, .once = true },
	{ .name = "mtu", .args = "OCTETS", .min_args = 1, .max_args = 1, .set = set_mtu,
	  .once = true },
	{ .name = "rdnss", .args = "ADDRESS ...", .min_args = 1, .max_args = ND_MAX_RDNSS,
	  .set = set_rdnss },
	{ .name = "router-lifetime", .args = "DURATION", .min_args = 1, .max_args = 1,
	  .set = set_router_lifetime, .once = true },
	{ .name = "ra-interval", .args = "DURATION", .min_args = 1, .max_args = 1,
	  .set = set_ra_interval, .once = true },
	{ .name = "prefix-lifetime", .args = "DURATION", .min_args = 1, .max_args = 1,
	  .set = set_prefix_lifetime, .once = true },
	{ .name = "binding-lifetime", .args = "DURATION", .min_args = 1, .max_args = 1,
	  .set = set_binding_lifetime, .once = true },
	{ .name = "max-leases", .args = "NUMBER", .min_args = 1, .max_args = 1,
	  .set = set_max_leases, .once = true },
	{ .name = "max-bindings", .args = "NUMBER", .min_args = 1, .max_args = 1,
	  .set = set_max_bindings, .once = true },
	{ .name = "answer-auth-failure", .args = "yes|no", .min_args = 1, .max_args = 1,
	  .set = set_answer, .once = true },
	{ .name = "key", .args = "SPI", .min_args = 1, .max_args = 1, .block = key_table,
	  .open = open_key, .close = close_key },
	{ 0 }
};

unsigned int ha_conf_parse(struct ha_config *cfg, const char *name, const char *text, size_t len,
			   conf_report_fn *report, void *ctx)
{
	return conf_parse(name, text, len, ha_conf_table, cfg, report, ctx);
}
