/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keywords of mn.conf. Owns nothing; main.c gives the text of the file to conf_parse()
 * with this table. Every keyword is described in dmip6-mnd(8); a test compares the two.
 */
#include "mn-agent/conf.h"
#include "mn-agent/conf_classes.h"
#include "mn-agent/conf_policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/core/confkey.h"

#define LINGER_DEFAULT		(5 * USEC_S)
#define LIFETIME_DEFAULT	(600 * USEC_S)
#define LIFETIME_MAX		((usec_t)UINT16_MAX * MIP6_LIFETIME_UNIT_S * USEC_S)
#define MTU_DEFAULT		1460	/* 1500 less the tunnel header */

/* The block being read; blocks do not nest. */
static struct {
	struct conf_key key;
	bool any_ha;
	struct in6_addr ha;
	bool timestamps;
	struct mn_settings *into;
} pending;

static struct {
	struct mn_home home;
	bool has_prefix;		/* be it a wrong one, which was told */
	struct mn_settings *into;
} home;

void mn_conf_defaults(struct mn_settings *s)
{
	memset(s, 0, sizeof(*s));
	s->table_base = DP_TABLE_BASE;
	s->mn.max_anchors = 8;
	s->mn.key_modes = (struct boot_modes){ .n = 1, .mode = { BOOT_ON_LINK } };
	s->mn.anchor.linger = LINGER_DEFAULT;
	s->mn.anchor.lifetime_s = LIFETIME_DEFAULT / USEC_S;
	s->mn.anchor.mtu = MTU_DEFAULT;
	mn_conf_classes_defaults(&s->mn.classes);
}

/* A `*` stands at the end, if at all. */
static bool is_interface(const char *name)
{
	size_t len = strlen(name);
	const char *star = strchr(name, '*');

	return len > 0 && len < MN_NAME_MAX && !strpbrk(name, "/ \t\n") &&
	       (!star || star[1] == '\0');
}

int mn_conf_add_interface(struct mn_settings *s, const char *name)
{
	size_t len = strlen(name);

	if (!is_interface(name))
		return -EINVAL;
	for (unsigned int n = 0; n < s->mn.n_interfaces; n++)
		if (strcmp(s->mn.interfaces[n], name) == 0)
			return 0;
	if (s->mn.n_interfaces == MN_INTERFACES_MAX)
		return -ENOSPC;
	memcpy(s->mn.interfaces[s->mn.n_interfaces++], name, len + 1);
	return 0;
}

void mn_conf_wipe(struct mn_settings *s)
{
	for (unsigned int n = 0; n < s->mn.n_keys; n++)
		auth_key_wipe(&s->mn.keys[n].key);
	s->mn.n_keys = 0;
	explicit_bzero(s->keys.psk, sizeof(s->keys.psk));
	explicit_bzero(&pending, sizeof(pending));
}

static void no_name(struct conf *c, const struct conf_word *w)
{
	conf_error(c, w, "\"%s\" cannot be an interface; expected a name of at most %d characters "
		   "such as wlan0, or wlan*", w->text, MN_NAME_MAX - 1);
}

static void too_many(struct conf *c, const struct conf_word *w)
{
	conf_error(c, w, "too many interfaces; expected at most %d", MN_INTERFACES_MAX);
}

static void set_interface(struct conf *c, void *obj, const struct conf_word *kw,
			  const struct conf_word *args, unsigned int n)
{
	(void)kw;
	(void)n;
	switch (mn_conf_add_interface(obj, args[0].text)) {
	case 0:
		break;
	case -ENOSPC:
		too_many(c, &args[0]);
		break;
	case -EINVAL:
		no_name(c, &args[0]);
		break;
	}
}

static void add_name(struct conf *c, struct mn_names *list, const struct conf_word *w)
{
	if (!is_interface(w->text))
		no_name(c, w);
	else if (list->n == MN_INTERFACES_MAX)
		too_many(c, w);
	else
		memcpy(list->name[list->n++], w->text, strlen(w->text) + 1);
}

static void set_metered(struct conf *c, void *obj, const struct conf_word *kw,
			const struct conf_word *args, unsigned int n)
{
	struct mn_settings *s = obj;

	(void)kw;
	(void)n;
	add_name(c, &s->mn.metered, &args[0]);
}

static void set_never(struct conf *c, void *obj, const struct conf_word *kw,
		      const struct conf_word *args, unsigned int n)
{
	struct mn_settings *s = obj;

	(void)kw;
	(void)n;
	add_name(c, &s->mn.never, &args[0]);
}

static void set_linger(struct conf *c, void *obj, const struct conf_word *kw,
		       const struct conf_word *args, unsigned int n)
{
	struct mn_settings *s = obj;

	(void)kw;
	(void)n;
	conf_duration(c, &args[0], 0, 3600 * USEC_S, &s->mn.anchor.linger);
}

static void set_lifetime(struct conf *c, void *obj, const struct conf_word *kw,
			 const struct conf_word *args, unsigned int n)
{
	struct mn_settings *s = obj;
	usec_t v;

	(void)kw;
	(void)n;
	if (conf_duration(c, &args[0], 10 * USEC_S, LIFETIME_MAX, &v))
		s->mn.anchor.lifetime_s = (uint32_t)(v / USEC_S);
}

static void set_max_anchors(struct conf *c, void *obj, const struct conf_word *kw,
			    const struct conf_word *args, unsigned int n)
{
	struct mn_settings *s = obj;
	uint32_t v;

	(void)kw;
	(void)n;
	if (conf_u32(c, &args[0], 1, MN_ANCHORS_MAX / 2, &v))
		s->mn.max_anchors = v;
}

static void set_table_base(struct conf *c, void *obj, const struct conf_word *kw,
			   const struct conf_word *args, unsigned int n)
{
	struct mn_settings *s = obj;

	(void)kw;
	(void)n;
	/* Rule priorities too: between the kernel's 0 and its 32766. */
	conf_u32(c, &args[0], 1000, 32000, &s->table_base);
}

static void set_mtu(struct conf *c, void *obj, const struct conf_word *kw,
		    const struct conf_word *args, unsigned int n)
{
	struct mn_settings *s = obj;
	uint32_t v;

	(void)kw;
	(void)n;
	if (conf_u32(c, &args[0], 1280, 65495, &v))
		s->mn.anchor.mtu = (uint16_t)v;
}

static void set_datapath(struct conf *c, void *obj, const struct conf_word *kw,
			 const struct conf_word *args, unsigned int n)
{
	struct mn_settings *s = obj;

	(void)kw;
	(void)n;
	for (const struct dp_ops *const *o = dp_all(); *o; o++) {
		if (strcmp((*o)->name, args[0].text) != 0)
			continue;
		s->datapath = (*o)->name;
		return;
	}
	conf_error(c, &args[0], "no data path \"%s\"; expected ip6tnl, seg6 or null",
		   args[0].text);
}

/* A home agent's address. */
static bool get_home_agent(struct conf *c, const struct conf_word *w, struct in6_addr *ret)
{
	struct in6_addr a;

	if (!conf_addr(c, w, &a))
		return false;
	if (!in6_is_routable(&a) || in6_is_home_agents_anycast(&a)) {
		conf_error(c, w, "%s is no home agent's address; expected a global one", w->text);
		return false;
	}
	*ret = a;
	return true;
}

static void set_hmac_sha1(struct conf *c, void *obj, const struct conf_word *kw,
			  const struct conf_word *args, unsigned int n)
{
	struct mn_settings *s = obj;

	(void)kw;
	(void)n;
	conf_hmac_sha1(c, &args[0], &s->mn.hmac_sha1);
}

static void set_ipsec(struct conf *c, void *obj, const struct conf_word *kw,
		      const struct conf_word *args, unsigned int n)
{
	struct mn_settings *s = obj;

	(void)kw;
	(void)n;
	conf_ipsec(c, &args[0], &s->mn.anchor.ipsec);
}

/* --- key SPI { ... } ----------------------------------------------------------- */

static void *open_key(struct conf *c, void *obj, const struct conf_word *kw,
		      const struct conf_word *args, unsigned int n)
{
	struct mn_settings *s = obj;

	(void)kw;
	(void)n;
	explicit_bzero(&pending, sizeof(pending));
	pending.any_ha = true;
	pending.into = s;
	if (!conf_key_begin(c, &args[0], s->mn.hmac_sha1, &pending.key))
		return NULL;
	for (unsigned int k = 0; k < s->mn.n_keys; k++) {
		if (s->mn.keys[k].key.spi != pending.key.spi ||
		    pending.key.spi == AUTH_SPI_HMAC_SHA1)
			continue;
		conf_error(c, &args[0], "key %u is there already; expected another SPI",
			   pending.key.spi);
		return NULL;
	}
	if (s->mn.n_keys == MN_KEYS_MAX) {
		conf_error(c, &args[0], "too many keys; expected at most %d", MN_KEYS_MAX);
		return NULL;
	}
	return &pending;
}

static void set_home_agent(struct conf *c, void *obj, const struct conf_word *kw,
			   const struct conf_word *args, unsigned int n)
{
	(void)kw;
	(void)n;
	if (obj && get_home_agent(c, &args[0], &pending.ha))
		pending.any_ha = false;
}

static void set_timestamp(struct conf *c, void *obj, const struct conf_word *kw,
			  const struct conf_word *args, unsigned int n)
{
	(void)obj;
	(void)kw;
	(void)n;
	conf_bool(c, &args[0], &pending.timestamps);
}

/* SPI 3 is every home agent's: its keys are told apart by these. */
static bool is_distinct(struct conf *c, const struct conf_word *kw, const struct mn_config *mn)
{
	for (unsigned int k = 0; k < mn->n_keys; k++) {
		const struct mn_key *x = &mn->keys[k];

		if (x->key.spi != pending.key.spi || x->any_ha != pending.any_ha ||
		    (!x->any_ha && !in6_eq(&x->ha, &pending.ha)))
			continue;
		conf_error(c, kw, "another key %u is for the same home agent; expected "
			   "\"home-agent ADDRESS;\" that tells them apart", pending.key.spi);
		return false;
	}
	return true;
}

static void close_key(struct conf *c, void *obj, const struct conf_word *kw)
{
	struct mn_settings *s = pending.into;
	struct mn_key *k;

	if (!obj || !is_distinct(c, kw, &s->mn)) {
		explicit_bzero(&pending, sizeof(pending));
		return;
	}
	k = &s->mn.keys[s->mn.n_keys];
	k->any_ha = pending.any_ha;
	k->ha = pending.ha;
	k->timestamps = pending.timestamps;
	if (conf_key_end(c, kw, &pending.key, &k->key))
		s->mn.n_keys++;
	explicit_bzero(&pending, sizeof(pending));
}

static const struct conf_keyword key_table[] = {
	CONF_KEY_ROWS,
	{ .name = "home-agent", .args = "ADDRESS", .min_args = 1, .max_args = 1,
	  .set = set_home_agent, .once = true },
	{ .name = "timestamp", .args = "yes|no", .min_args = 1, .max_args = 1,
	  .set = set_timestamp, .once = true },
	{ 0 }
};

/* --- home NAME { ... } ---------------------------------------------------------- */

static void *open_home(struct conf *c, void *obj, const struct conf_word *kw,
		       const struct conf_word *args, unsigned int n)
{
	struct mn_settings *s = obj;

	(void)kw;
	(void)n;
	memset(&home, 0, sizeof(home));
	home.into = s;
	if (!conf_name(c, &args[0], "a home", home.home.name, sizeof(home.home.name)))
		return NULL;
	for (unsigned int k = 0; k < s->mn.n_homes; k++) {
		if (strcmp(s->mn.homes[k].name, args[0].text) != 0)
			continue;
		conf_error(c, &args[0], "home %s is there already; expected another name",
			   args[0].text);
		return NULL;
	}
	if (s->mn.n_homes == MN_HOMES_MAX) {
		conf_error(c, &args[0], "too many homes; expected at most %d", MN_HOMES_MAX);
		return NULL;
	}
	return &home;
}

static void set_home_prefix(struct conf *c, void *obj, const struct conf_word *kw,
			    const struct conf_word *args, unsigned int n)
{
	struct in6_prefix p;

	(void)kw;
	(void)n;
	home.has_prefix = true;
	if (!obj || !conf_prefix(c, &args[0], &p))
		return;
	/* RFC 2526 2: home agents are found by an address that is defined for these only. */
	if (p.len == 64 && in6_is_routable(&p.addr))
		home.home.prefix = p;
	else
		conf_error(c, &args[0], "%s is no prefix of a home link; expected a global one of "
			   "64 bits", args[0].text);
}

static void set_home_address(struct conf *c, void *obj, const struct conf_word *kw,
			     const struct conf_word *args, unsigned int n)
{
	(void)kw;
	if (!obj)
		return;
	if (n == 1 && strcmp(args[0].text, "eui-64") == 0) {
		conf_error(c, &args[0], "eui-64 of which interface? expected \"address eui-64 NAME;\"");
	} else if (n == 1) {
		conf_addr(c, &args[0], &home.home.address);
	} else if (strcmp(args[0].text, "eui-64") != 0) {
		conf_error(c, &args[0], "\"%s\" makes no address; expected an address, or eui-64 "
			   "and an interface", args[0].text);
	} else if (!is_interface(args[1].text) || strchr(args[1].text, '*')) {
		conf_error(c, &args[1], "\"%s\" cannot be an interface; expected a name of at most "
			   "%d characters such as wlan0", args[1].text, MN_NAME_MAX - 1);
	} else {
		memcpy(home.home.eui64_of, args[1].text, strlen(args[1].text) + 1);
	}
}

static void set_home_home_agent(struct conf *c, void *obj, const struct conf_word *kw,
				const struct conf_word *args, unsigned int n)
{
	(void)kw;
	(void)n;
	if (obj)
		get_home_agent(c, &args[0], &home.home.ha);
}

static void set_home_key(struct conf *c, void *obj, const struct conf_word *kw,
			 const struct conf_word *args, unsigned int n)
{
	uint32_t spi;

	(void)kw;
	(void)n;
	if (!obj || !conf_u32(c, &args[0], 1, UINT32_MAX, &spi))
		return;
	for (unsigned int k = 0; k < home.into->mn.n_keys; k++)
		if (home.into->mn.keys[k].key.spi == spi)
			home.home.spi = spi;
	if (home.home.spi == 0)
		conf_error(c, &args[0], "there is no key %u so far; expected one that stands before "
			   "the home", spi);
}

static void set_home_unauthenticated(struct conf *c, void *obj, const struct conf_word *kw,
				     const struct conf_word *args, unsigned int n)
{
	(void)kw;
	(void)n;
	if (!obj)
		return;
	home.home.unauthenticated = strcmp(args[0].text, "insecure-allow") == 0;
	if (!home.home.unauthenticated)
		conf_error(c, &args[0], "\"%s\" does not allow it; expected insecure-allow, or "
			   "no such statement", args[0].text);
}

/* What a host may have in the prefix: not the routers' anycast addresses, nor the HA's own. */
static bool address_fits(const struct mn_home *h)
{
	return in6_in(&h->prefix, &h->address) && !in6_eq(&h->prefix.addr, &h->address) &&
	       !in6_is_home_agents_anycast(&h->address) && !in6_eq(&h->ha, &h->address);
}

static void close_home(struct conf *c, void *obj, const struct conf_word *kw)
{
	const struct mn_home *h = &home.home;
	struct mn_config *mn = &home.into->mn;

	if (!obj)
		return;
	if (!home.has_prefix) {
		conf_error(c, kw, "home %s has no prefix; expected \"prefix PREFIX/64;\"", h->name);
		return;
	}
	if (h->prefix.len != 0 && !in6_is_any(&h->address) && !address_fits(h)) {
		conf_error(c, kw, "%s cannot be the address of home %s; expected a host's in %s",
			   in6_str(&h->address).s, h->name, in6_prefix_str(&h->prefix).s);
		return;
	}
	if (h->spi != 0 && h->unauthenticated) {
		conf_error(c, kw, "home %s has a key and is to do without; expected one of the two",
			   h->name);
		return;
	}
	for (unsigned int k = 0; k < mn->n_homes; k++) {
		if (in6_is_any(&h->address) || !in6_eq(&mn->homes[k].address, &h->address))
			continue;
		conf_error(c, kw, "home %s has the address of home %s; expected another", h->name,
			   mn->homes[k].name);
		return;
	}
	mn->homes[mn->n_homes++] = *h;
}

static const struct conf_keyword home_table[] = {
	{ .name = "prefix", .args = "PREFIX/64", .min_args = 1, .max_args = 1,
	  .set = set_home_prefix, .once = true },
	{ .name = "address", .args = "ADDRESS|eui-64 INTERFACE", .min_args = 1, .max_args = 2,
	  .set = set_home_address, .once = true },
	{ .name = "home-agent", .args = "ADDRESS", .min_args = 1, .max_args = 1,
	  .set = set_home_home_agent, .once = true },
	{ .name = "key", .args = "SPI", .min_args = 1, .max_args = 1, .set = set_home_key,
	  .once = true },
	{ .name = "unauthenticated-registration", .args = "insecure-allow", .min_args = 1,
	  .max_args = 1, .set = set_home_unauthenticated, .once = true },
	{ 0 }
};

const struct conf_keyword mn_conf_table[] = {
	{ .name = "interface", .args = "NAME", .min_args = 1, .max_args = 1,
	  .set = set_interface },
	{ .name = "metered", .args = "NAME", .min_args = 1, .max_args = 1, .set = set_metered },
	{ .name = "never", .args = "NAME", .min_args = 1, .max_args = 1, .set = set_never },
	{ .name = "linger", .args = "DURATION", .min_args = 1, .max_args = 1,
	  .set = set_linger, .once = true },
	{ .name = "binding-lifetime", .args = "DURATION", .min_args = 1, .max_args = 1,
	  .set = set_lifetime, .once = true },
	{ .name = "max-anchors", .args = "NUMBER", .min_args = 1, .max_args = 1,
	  .set = set_max_anchors, .once = true },
	{ .name = "table-base", .args = "NUMBER", .min_args = 1, .max_args = 1,
	  .set = set_table_base, .once = true },
	{ .name = "tunnel-mtu", .args = "OCTETS", .min_args = 1, .max_args = 1,
	  .set = set_mtu, .once = true },
	{ .name = "datapath", .args = "NAME", .min_args = 1, .max_args = 1,
	  .set = set_datapath, .once = true },
	CONF_HMAC_SHA1_ROW(set_hmac_sha1),
	CONF_IPSEC_ROW(set_ipsec),
	{ .name = "key", .args = "SPI", .min_args = 1, .max_args = 1, .block = key_table,
	  .open = open_key, .close = close_key },
	MN_CONF_KEYS_ROW,
	MN_CONF_CLASS_ROW,
	MN_CONF_POLICY_ROW,
	{ .name = "home", .args = "NAME", .min_args = 1, .max_args = 1, .block = home_table,
	  .open = open_home, .close = close_home },
	{ 0 }
};
