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
#include "ha-agent/conf_keys.h"
#include "ha-agent/conf_network.h"
#include "ha-agent/conf_peers.h"

#define MAX_ENTRIES	(1U << 24)

/* What a block holds while it is read; no two of the same kind nest. */
static struct place {
	struct ha_config *cfg;
	char interface[IFNAMSIZ];
} place;

static struct {
	struct ha_config *cfg;
	struct conf_word at;		/* the prefix */
	struct ha_home_config home;
} home;

static struct {
	struct conf_key key;
	struct ha_config *cfg;
	bool has_mn;
	uint8_t mn[6];
	unsigned int n_hoas;
	struct in6_addr hoas[HA_KEY_HOAS];
	bool timestamp_required;
	usec_t timestamp_window;
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

/* Keeps the homes of which keep() is true. */
static void filter_homes(struct ha_config *cfg, bool (*keep)(const struct ha_config *cfg,
							     const struct ha_home_config *h))
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < cfg->n_homes; i++)
		if (keep(cfg, &cfg->homes[i]))
			cfg->homes[n++] = cfg->homes[i];
	cfg->n_homes = n;
}

static bool has_interface(const struct ha_config *cfg, const struct ha_home_config *h)
{
	for (unsigned int i = 0; i < cfg->n_interfaces; i++)
		if (strcmp(cfg->interfaces[i], h->interface) == 0)
			return true;
	return h->interface[0] == '\0';
}

static bool is_own(const struct ha_config *cfg, const struct ha_home_config *h)
{
	(void)cfg;
	return h->interface[0] != '\0';
}

void ha_conf_override(struct ha_config *cfg, const struct ha_config *line)
{
	if (line->n_interfaces > 0) {
		cfg->n_interfaces = line->n_interfaces;
		memcpy(cfg->interfaces, line->interfaces, sizeof(cfg->interfaces));
		filter_homes(cfg, has_interface);
	}
	if (line->n_homes > 0) {
		filter_homes(cfg, is_own);
		if (cfg->n_homes < HA_MAX_HOMES) {
			memmove(cfg->homes + 1, cfg->homes, cfg->n_homes * sizeof(cfg->homes[0]));
			cfg->homes[0] = line->homes[0];
			cfg->n_homes++;
		}
	}
	if (line->datapath)
		cfg->datapath = line->datapath;
	if (line->drain > 0)
		cfg->drain = line->drain;
	if (!in6_is_any(&line->common_address))
		cfg->common_address = line->common_address;
}

int ha_conf_set_datapath(struct ha_config *cfg, const char *name)
{
	for (const struct dp_ops *const *o = dp_all(); *o; o++) {
		if (strcmp((*o)->name, name) == 0) {
			cfg->datapath = (*o)->name;
			return 0;
		}
	}
	return -ENOENT;
}

void ha_conf_wipe(struct ha_config *cfg)
{
	for (unsigned int i = 0; i < cfg->n_keys; i++)
		auth_key_wipe(&cfg->keys[i].auth);
	free(cfg->keys);
	cfg->keys = NULL;
	cfg->n_keys = 0;
	ha_conf_wipe_keys(&cfg->bootstrap);
	ha_conf_wipe_peers(cfg);
	ha_conf_wipe_hosts(cfg);
	ha_conf_wipe_flows(cfg);
}

static void take_address(struct conf *c, const struct conf_word *word, struct in6_addr *ret)
{
	struct in6_addr a;

	if (!conf_addr(c, word, &a))
		return;
	if (in6_is_routable(&a))
		*ret = a;
	else
		conf_error(c, word, "%s cannot be the home agent's address; expected a global one",
			   word->text);
}

/* ---- interface NAME [{ prefix ... }]; prefix PREFIX [{ ... }] ---- */

static void *open_interface(struct conf *c, void *obj, const struct conf_word *kw,
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
	if (err < 0)
		return NULL;
	place.cfg = obj;
	memcpy(place.interface, args[0].text, strlen(args[0].text) + 1);	/* it was checked */
	return &place;
}

/* The draft of a home, for an interface ("": for all that have none of their own). */
static void *begin_home(struct conf *c, struct ha_config *cfg, const char *interface,
			const struct conf_word *word)
{
	struct in6_prefix p;

	if (!conf_prefix(c, word, &p))
		return NULL;
	if (cfg->n_homes == HA_MAX_HOMES) {
		conf_error(c, word, "too many prefixes; expected at most %d", HA_MAX_HOMES);
		return NULL;
	}
	home.cfg = cfg;
	home.at = *word;
	home.home = (struct ha_home_config){ .prefix = p };
	memcpy(home.home.interface, interface, strlen(interface) + 1);
	return &home;
}

static void *open_common_prefix(struct conf *c, void *obj, const struct conf_word *kw,
				const struct conf_word *args, unsigned int n)
{
	(void)kw;
	(void)n;
	return begin_home(c, obj, "", &args[0]);
}

static void *open_own_prefix(struct conf *c, void *obj, const struct conf_word *kw,
			     const struct conf_word *args, unsigned int n)
{
	struct place *p = obj;

	(void)kw;
	(void)n;
	return begin_home(c, p->cfg, p->interface, &args[0]);
}

static void close_prefix(struct conf *c, void *obj, const struct conf_word *kw)
{
	struct ha_home_config *h = &home.home;
	bool shared = h->mode == HOME_SHARED;
	struct ha_config *cfg = home.cfg;

	(void)obj;
	(void)kw;
	if (!in6_is_routable(&h->prefix.addr) || h->prefix.len == 0 ||
	    (shared ? h->prefix.len != 64 : h->prefix.len > 63)) {
		conf_error(c, &home.at, shared ? "%s cannot be shared by hosts; expected a global "
			   "/64" : "%s cannot be shared out; expected a global prefix of at most "
			   "/63", home.at.text);
		return;
	}
	for (unsigned int i = 0; i < cfg->n_homes; i++) {
		const struct in6_prefix *other = &cfg->homes[i].prefix;

		if (in6_in(other, &h->prefix.addr) || in6_in(&h->prefix, &other->addr)) {
			conf_error(c, &home.at, "%s and %s overlap; expected prefixes that have "
				   "no address in common", home.at.text, in6_prefix_str(other).s);
			return;
		}
	}
	cfg->homes[cfg->n_homes++] = *h;
}

static void set_home_address(struct conf *c, void *obj, const struct conf_word *kw,
			     const struct conf_word *args, unsigned int n)
{
	(void)obj;
	(void)kw;
	(void)n;
	take_address(c, &args[0], &home.home.address);
}

static void set_unauthenticated(struct conf *c, void *obj, const struct conf_word *kw,
				const struct conf_word *args, unsigned int n)
{
	(void)obj;
	(void)kw;
	(void)n;
	home.home.unauthenticated = strcmp(args[0].text, "insecure-allow") == 0;
	if (!home.home.unauthenticated)
		conf_error(c, &args[0], "\"%s\" does not allow it; expected insecure-allow, or "
			   "no such statement", args[0].text);
}

static void set_mode(struct conf *c, void *obj, const struct conf_word *kw,
		     const struct conf_word *args, unsigned int n)
{
	(void)obj;
	(void)kw;
	(void)n;
	for (enum home_mode m = 0; m < HOME_MODE_MAX; m++)
		if (strcmp(home_mode_name(m), args[0].text) == 0) {
			home.home.mode = m;
			return;
		}
	conf_error(c, &args[0], "no mode \"%s\"; expected %s or %s", args[0].text,
		   home_mode_name(HOME_PER_HOST), home_mode_name(HOME_SHARED));
}

static void set_deprecated(struct conf *c, void *obj, const struct conf_word *kw,
			   const struct conf_word *args, unsigned int n)
{
	(void)c;
	(void)obj;
	(void)kw;
	(void)args;
	(void)n;
	home.home.deprecated = true;
}

static const struct conf_keyword prefix_table[] = {
	{ .name = "deprecated", .set = set_deprecated, .once = true },
	{ .name = "mode", .args = "per-host|shared", .min_args = 1, .max_args = 1,
	  .set = set_mode, .once = true },
	{ .name = "address", .args = "ADDRESS", .min_args = 1, .max_args = 1,
	  .set = set_home_address, .once = true },
	{ .name = "unauthenticated-registration", .args = "insecure-allow", .min_args = 1,
	  .max_args = 1, .set = set_unauthenticated, .once = true },
	{ 0 }
};

static const struct conf_keyword interface_table[] = {
	{ .name = "prefix", .args = "PREFIX", .min_args = 1, .max_args = 1,
	  .block = prefix_table, .block_optional = true, .open = open_own_prefix,
	  .close = close_prefix },
	{ 0 }
};

static void set_address(struct conf *c, void *obj, const struct conf_word *kw,
			const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	take_address(c, &args[0], &cfg->common_address);
}

static void set_mtu(struct conf *c, void *obj, const struct conf_word *kw,
		    const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	conf_u32(c, &args[0], 1280, 65535, &cfg->mtu);
}

static void set_tcp_mss(struct conf *c, void *obj, const struct conf_word *kw,
			const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;
	uint32_t mss;

	(void)kw;
	(void)n;
	/* What the smallest MTU of IPv6 leaves, and the largest that TCP can say. */
	if (strcmp(args[0].text, "no") == 0)
		cfg->tcp_mss = 0;
	else if (args[0].text[0] < '0' || args[0].text[0] > '9')
		conf_error(c, &args[0], "\"%s\" is no segment size; expected 1220 to 65535, or no",
			   args[0].text);
	else if (conf_u32(c, &args[0], 1220, 65535, &mss))
		cfg->tcp_mss = (uint16_t)mss;
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

static void set_retrans_timer(struct conf *c, void *obj, const struct conf_word *kw,
			      const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	conf_duration(c, &args[0], 20 * USEC_MS, 10 * USEC_S, &cfg->retrans_timer);
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

static void set_binding_refresh(struct conf *c, void *obj, const struct conf_word *kw,
				const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	conf_duration(c, &args[0], MIP6_LIFETIME_UNIT_S * USEC_S,
		      UINT16_MAX * MIP6_LIFETIME_UNIT_S * USEC_S, &cfg->binding_refresh);
}

static void set_drain(struct conf *c, void *obj, const struct conf_word *kw,
		      const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	conf_duration(c, &args[0], 0, HA_DRAIN_MAX, &cfg->drain);
}

static void set_datapath(struct conf *c, void *obj, const struct conf_word *kw,
			 const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	if (ha_conf_set_datapath(cfg, args[0].text) < 0)
		conf_error(c, &args[0], "no data path \"%s\"; expected ip6tnl, seg6 or null",
			   args[0].text);
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

static void set_ra_interval_option(struct conf *c, void *obj, const struct conf_word *kw,
				   const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	conf_bool(c, &args[0], &cfg->ra_interval_option);
}

static void set_care_of_test(struct conf *c, void *obj, const struct conf_word *kw,
			     const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	conf_bool(c, &args[0], &cfg->care_of_test);
}

static void set_late_packets(struct conf *c, void *obj, const struct conf_word *kw,
			     const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	conf_bool(c, &args[0], &cfg->late_packets);
}

static void set_preference(struct conf *c, void *obj, const struct conf_word *kw,
			   const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;
	uint32_t preference;

	(void)kw;
	(void)n;
	if (conf_u32(c, &args[0], 0, UINT16_MAX, &preference))
		cfg->home_agent_preference = (uint16_t)preference;
}

static void set_prefix_advertisements(struct conf *c, void *obj, const struct conf_word *kw,
				      const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	conf_bool(c, &args[0], &cfg->prefix_advertisements);
}

static void set_prefix_interval(struct conf *c, void *obj, const struct conf_word *kw,
				const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;
	usec_t min, max;

	(void)kw;
	(void)n;
	if (!conf_duration(c, &args[0], 1 * USEC_S, 365 * 86400 * USEC_S, &min) ||
	    !conf_duration(c, &args[1], 1 * USEC_S, 365 * 86400 * USEC_S, &max))
		return;
	if (max < min) {
		conf_error(c, &args[1], "%s is below the shortest interval, %s; expected the "
			   "longest", args[1].text, args[0].text);
		return;
	}
	cfg->prefix_advertisement_min = min;
	cfg->prefix_advertisement_max = max;
}

static void set_answer(struct conf *c, void *obj, const struct conf_word *kw,
		       const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	conf_bool(c, &args[0], &cfg->answer_auth_failure);
}

static void set_ipsec(struct conf *c, void *obj, const struct conf_word *kw,
		      const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	conf_ipsec(c, &args[0], &cfg->ipsec_required);
}

static void set_hmac_sha1(struct conf *c, void *obj, const struct conf_word *kw,
			  const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	conf_hmac_sha1(c, &args[0], &cfg->hmac_sha1);
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
	draft.timestamp_window = HA_TIMESTAMP_WINDOW;
	if (!conf_key_begin(c, &args[0], cfg->hmac_sha1, &draft.key))
		return NULL;
	for (unsigned int i = 0; i < cfg->n_keys && draft.key.spi != AUTH_SPI_HMAC_SHA1; i++) {
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

static void set_timestamp(struct conf *c, void *obj, const struct conf_word *kw,
			  const struct conf_word *args, unsigned int n)
{
	(void)obj;
	(void)kw;
	(void)n;
	draft.timestamp_required = strcmp(args[0].text, "required") == 0;
	if (!draft.timestamp_required && strcmp(args[0].text, "allowed") != 0)
		conf_error(c, &args[0], "\"%s\" is no rule for time stamps; expected required "
			   "or allowed", args[0].text);
}

static void set_timestamp_window(struct conf *c, void *obj, const struct conf_word *kw,
				 const struct conf_word *args, unsigned int n)
{
	(void)obj;
	(void)kw;
	(void)n;
	conf_duration(c, &args[0], HA_TIMESTAMP_WINDOW_MIN, HA_TIMESTAMP_WINDOW_MAX,
		      &draft.timestamp_window);
}

static void set_home_addresses(struct conf *c, void *obj, const struct conf_word *kw,
			       const struct conf_word *args, unsigned int n)
{
	struct in6_addr a;

	(void)kw;
	if (!obj)
		return;
	for (unsigned int i = 0; i < n; i++) {
		if (!conf_addr(c, &args[i], &a))
			continue;
		if (in6_is_routable(&a))
			draft.hoas[draft.n_hoas++] = a;
		else
			conf_error(c, &args[i], "%s cannot be a home address; expected a global "
				   "one", args[i].text);
	}
}

/* SPI 3 names no host: the key behind the last one is told from others by what it is for. */
static bool is_distinct(struct conf *c, const struct conf_word *kw, const struct ha_config *cfg)
{
	for (unsigned int i = 0; i < cfg->n_keys; i++) {
		if (!ha_keys_collide(&cfg->keys[i], &cfg->keys[cfg->n_keys]))
			continue;
		conf_error(c, kw, "another key 3 is for the same host, or for everybody's as this "
			   "is; expected \"mn MAC;\" or \"home-address ADDRESS;\" that tells them "
			   "apart");
		return false;
	}
	return true;
}

static void close_key(struct conf *c, void *obj, const struct conf_word *kw)
{
	struct ha_config *cfg = draft.cfg;
	struct ha_key *k;

	if (!obj)
		return;
	k = conf_key_grow(cfg->keys, cfg->n_keys, sizeof(*k));
	if (!k) {
		conf_error(c, kw, "no memory for key %u", draft.key.spi);
		return;
	}
	cfg->keys = k;
	k += cfg->n_keys;
	k->has_mn = draft.has_mn;
	memcpy(k->mn, draft.mn, sizeof(k->mn));
	k->n_hoas = draft.n_hoas;
	memcpy(k->hoas, draft.hoas, sizeof(k->hoas));
	k->timestamp_required = draft.timestamp_required;
	k->timestamp_window = draft.timestamp_window;
	if (conf_key_end(c, kw, &draft.key, &k->auth) && is_distinct(c, kw, cfg))
		cfg->n_keys++;
	else
		auth_key_wipe(&k->auth);
	explicit_bzero(&draft, sizeof(draft));
}

static void set_peer_window(struct conf *c, void *obj, const struct conf_word *kw,
			    const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	conf_duration(c, &args[0], HA_PEER_WINDOW_MIN, HA_PEER_WINDOW_MAX, &cfg->timestamp_window);
}

static const struct conf_keyword key_table[] = {
	CONF_KEY_ROWS,
	{ .name = "mn", .args = "MAC", .min_args = 1, .max_args = 1, .set = set_mn,
	  .once = true },
	{ .name = "home-address", .args = "ADDRESS ...", .min_args = 1, .max_args = HA_KEY_HOAS,
	  .set = set_home_addresses, .once = true },
	{ .name = "timestamp", .args = "required|allowed", .min_args = 1, .max_args = 1,
	  .set = set_timestamp, .once = true },
	{ .name = "timestamp-window", .args = "DURATION", .min_args = 1, .max_args = 1,
	  .set = set_timestamp_window, .once = true },
	{ 0 }
};

const struct conf_keyword ha_conf_table[] = {
	{ .name = "interface", .args = "NAME", .min_args = 1, .max_args = 1,
	  .block = interface_table, .block_optional = true, .open = open_interface },
	{ .name = "prefix", .args = "PREFIX", .min_args = 1, .max_args = 1,
	  .block = prefix_table, .block_optional = true, .open = open_common_prefix,
	  .close = close_prefix },
	{ .name = "address", .args = "ADDRESS", .min_args = 1, .max_args = 1,
	  .set = set_address, .once = true },
	{ .name = "mtu", .args = "OCTETS", .min_args = 1, .max_args = 1, .set = set_mtu,
	  .once = true },
	{ .name = "tcp-mss", .args = "OCTETS|no", .min_args = 1, .max_args = 1,
	  .set = set_tcp_mss, .once = true },
	{ .name = "rdnss", .args = "ADDRESS ...", .min_args = 1, .max_args = ND_MAX_RDNSS,
	  .set = set_rdnss },
	{ .name = "router-lifetime", .args = "DURATION", .min_args = 1, .max_args = 1,
	  .set = set_router_lifetime, .once = true },
	{ .name = "ra-interval", .args = "DURATION", .min_args = 1, .max_args = 1,
	  .set = set_ra_interval, .once = true },
	{ .name = "ra-interval-option", .args = "yes|no", .min_args = 1, .max_args = 1,
	  .set = set_ra_interval_option, .once = true },
	{ .name = "care-of-test", .args = "yes|no", .min_args = 1, .max_args = 1,
	  .set = set_care_of_test, .once = true },
	{ .name = "late-packets", .args = "yes|no", .min_args = 1, .max_args = 1,
	  .set = set_late_packets, .once = true },
	{ .name = "retrans-timer", .args = "DURATION", .min_args = 1, .max_args = 1,
	  .set = set_retrans_timer, .once = true },
	{ .name = "prefix-lifetime", .args = "DURATION", .min_args = 1, .max_args = 1,
	  .set = set_prefix_lifetime, .once = true },
	{ .name = "binding-lifetime", .args = "DURATION", .min_args = 1, .max_args = 1,
	  .set = set_binding_lifetime, .once = true },
	{ .name = "binding-refresh", .args = "DURATION", .min_args = 1, .max_args = 1,
	  .set = set_binding_refresh, .once = true },
	{ .name = "datapath", .args = "NAME", .min_args = 1, .max_args = 1, .set = set_datapath,
	  .once = true },
	{ .name = "drain", .args = "DURATION", .min_args = 1, .max_args = 1, .set = set_drain,
	  .once = true },
	{ .name = "max-leases", .args = "NUMBER", .min_args = 1, .max_args = 1,
	  .set = set_max_leases, .once = true },
	{ .name = "max-bindings", .args = "NUMBER", .min_args = 1, .max_args = 1,
	  .set = set_max_bindings, .once = true },
	{ .name = "home-agent-preference", .args = "NUMBER", .min_args = 1, .max_args = 1,
	  .set = set_preference, .once = true },
	{ .name = "mobile-prefix-advertisements", .args = "yes|no", .min_args = 1, .max_args = 1,
	  .set = set_prefix_advertisements, .once = true },
	{ .name = "mobile-prefix-interval", .args = "SHORTEST LONGEST", .min_args = 2,
	  .max_args = 2, .set = set_prefix_interval, .once = true },
	{ .name = "answer-auth-failure", .args = "yes|no", .min_args = 1, .max_args = 1,
	  .set = set_answer, .once = true },
	CONF_HMAC_SHA1_ROW(set_hmac_sha1),
	CONF_IPSEC_ROW(set_ipsec),
	{ .name = "key", .args = "SPI", .min_args = 1, .max_args = 1, .block = key_table,
	  .open = open_key, .close = close_key },
	HA_CONF_KEYS_ROW,
	HA_CONF_PEER_ROW,
	HA_CONF_NETWORK_ROWS,
	{ .name = "peer-timestamp-window", .args = "DURATION", .min_args = 1, .max_args = 1,
	  .set = set_peer_window, .once = true },
	{ 0 }
};

unsigned int ha_conf_parse(struct ha_config *cfg, const char *name, const char *text, size_t len,
			   conf_report_fn *report, void *ctx)
{
	return conf_parse(name, text, len, ha_conf_table, cfg, report, ctx);
}
