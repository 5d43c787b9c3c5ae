/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control socket of the home agent: builds the answer to `status` and the events of
 * `monitor`. Owns nothing but the socket; called by main.c and the control socket.
 */
#include "ha-agent/ctl.h"
#include "ha-agent/ctl_network.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/sys/clock.h"
#include "ha-agent/conf.h"
#include "ha-agent/io.h"
#include "ha-agent/sa.h"

#define SCHEMA		1
#define ERRORS_MAX	8192
#define HEALTH_ROOM	512
#define TEXT_OF(x)	#x
#define TEXT(x)		TEXT_OF(x)
/* Bindings, and leases, in one answer: while it is made no Binding Update is looked at, and
 * dmip6ctl reads no more than 16 MiB. */
#define LIST_MAX	10000

/* ---- health: the first sentence that matters ---- */

enum trouble { TROUBLE_NONE, TROUBLE_GONE, TROUBLE_NO_LINKLOCAL };

/* A port without carrier is no trouble: nobody is there. */
static enum trouble interface_trouble(const struct ha *ha, const char **ret_name)
{
	for (unsigned int i = 0; i < ha->n_interfaces; i++) {
		const struct ha_interface *ifc = &ha->interfaces[i];

		*ret_name = ifc->name;
		if (ifc->ifindex == 0)
			return TROUBLE_GONE;
		if (ifc->up && !ha_interface_usable(ifc))
			return TROUBLE_NO_LINKLOCAL;
	}
	return TROUBLE_NONE;
}

static const struct ha_home *full_home(const struct ha *ha)
{
	for (unsigned int i = 0; i < ha->n_homes; i++)
		if (ha_home_full(&ha->homes[i]))
			return &ha->homes[i];
	return NULL;
}

static const struct ha_home *duplicate_home(const struct ha *ha)
{
	for (unsigned int i = 0; i < ha->n_homes; i++)
		if (ha->homes[i].duplicate)
			return &ha->homes[i];
	return NULL;
}

#define FLOOD_OF_HOSTS	100

static void count_unconfirmed(void *ctx, const struct lease *l)
{
	unsigned int *n = ctx;

	*n += l->ha->cfg->network_mode && l->state == LEASE_ATTACHED && !l->confirmed;
}

static unsigned int unconfirmed(const struct ha *ha)
{
	unsigned int n = 0;

	ha_each_lease(ha, count_unconfirmed, &n);
	return n;
}

static bool health(const struct io *io, char text[HEALTH_ROOM])
{
	const struct ha *ha = &io->ha;
	const char *trouble = store_trouble(io->store), *name = "";
	const char *bindings = store_binding_trouble(io->store);
	const char *keys = store_key_trouble(io->store), *deaf = "";
	int64_t valid_until = keyserver_valid_until(io->keyserver);
	int server = keyserver_trouble(io->keyserver, &deaf);
	enum trouble ifc = interface_trouble(ha, &name);
	unsigned int attached = ha_lease_count(ha, LEASE_ATTACHED);
	unsigned int detached = ha_lease_count(ha, LEASE_DETACHED);
	unsigned int bound = ha_bound_count(ha);
	const struct ha_home *full = full_home(ha), *twice = duplicate_home(ha);
	const struct ha_home_config *insecure = ha_config_insecure(ha->cfg);
	bool recent = mend_recent(&io->mend, clock_now());
	char lost[LOSS_STR_MAX];

	loss_str(&io->last_loss, lost);

	if (!io_forwarding())
		snprintf(text, HEALTH_ROOM, "IPv6 forwarding is off on this machine: no packet "
			 "of any host passes (sysctl net.ipv6.conf.all.forwarding=1)");
	else if (trouble)
		snprintf(text, HEALTH_ROOM, "the database cannot be written (%s): new hosts get "
			 "no prefix", trouble);
	else if (bindings)
		snprintf(text, HEALTH_ROOM, "bindings cannot be written down (%s): they would not "
			 "outlive a restart", bindings);
	else if (keys)
		snprintf(text, HEALTH_ROOM, "keys that are given out cannot be written down (%s): "
			 "they would not outlive a restart", keys);
	else if (server < 0)
		snprintf(text, HEALTH_ROOM, "hosts cannot ask for keys on %s, TCP port %u: %s",
			 deaf, BOOT_PORT, strerror(-server));
	else if (valid_until != 0 && valid_until <= clock_wall_s())
		snprintf(text, HEALTH_ROOM, "the certificate of the home agent has ended: hosts that "
			 "look at it take no key");
	else if (ifc == TROUBLE_GONE)
		snprintf(text, HEALTH_ROOM, "there is no interface %s", name);
	else if (ifc == TROUBLE_NO_LINKLOCAL)
		snprintf(text, HEALTH_ROOM, "interface %s has no usable link-local address", name);
	else if (twice)
		snprintf(text, HEALTH_ROOM, "another node on %s has the home agent's address %s",
			 twice->link->name, in6_str(&twice->cfg.address).s);
	else if (ha->drain.state != DRAIN_OFF)
		snprintf(text, HEALTH_ROOM, "draining: new hosts get no prefix; %u binding%s left, "
			 "%lld s to go", bound, bound == 1 ? "" : "s",
			 (long long)(drain_limit(&ha->drain, USEC_NEVER, clock_now()) / USEC_S));
	else if (full && unconfirmed(ha) > FLOOD_OF_HOSTS)
		snprintf(text, HEALTH_ROOM, "solicitations of %u hosts that nobody has heard of since "
			 "hold the pool %s", unconfirmed(ha),
			 in6_prefix_str(&full->cfg.prefix).s);
	else if (full)
		snprintf(text, HEALTH_ROOM, "the pool %s is exhausted: new hosts get no prefix",
			 in6_prefix_str(&full->cfg.prefix).s);
	else if (insecure)
		snprintf(text, HEALTH_ROOM, "INSECURE: registrations need no key on %s: anybody "
			 "can have any host's packets", in6_prefix_str(&insecure->prefix).s);
	else if (ha->cfg->n_keys == 0 && ha->cfg->bootstrap.off && !ha->cfg->ipsec_required)
		snprintf(text, HEALTH_ROOM, "no key is configured: no Binding Update can be "
			 "accepted");
	else if (mend_contested(&io->mend, clock_now()))
		snprintf(text, HEALTH_ROOM, "%s, again and again: it is put back every %lld s only",
			 lost, (long long)(io->mend.pause / USEC_S));
	else {
		snprintf(text, HEALTH_ROOM, "leases: %u attached, %u kept; bindings: %u%s%s%s",
			 attached, detached, bound, recent ? "; " : "", recent ? lost : "",
			 recent ? ": put back" : "");
		return true;
	}
	return false;
}

/* What lasts is told behind whatever else there is to say; it makes nothing ill by itself. */
static void append_flood(const struct limit *l, char text[HEALTH_ROOM])
{
	char flood[LIMIT_TEXT];
	size_t n = strlen(text);

	limit_str(l, flood);
	if (flood[0])
		snprintf(text + n, HEALTH_ROOM - n, "; %s", flood);
}

static bool append_sessions(const struct io *io, char text[HEALTH_ROOM])
{
	char more[HEALTH_ROOM / 2];
	bool ok = ctl_sessions_health(io, more, sizeof(more));
	size_t n = strlen(text);

	if (more[0])
		snprintf(text + n, HEALTH_ROOM - n, "; %s", more);
	return ok;
}

/* ---- status ---- */

static json_t *show_flood(const struct limit *l)
{
	bool known = l->flooded && l->from.len > 0;

	return json_pack("{s:b, s:I, s:o, s:I, s:I}", "active", l->flooded,
			 "rate", (json_int_t)(l->flooded ? l->rate : 0),
			 "from", known ? json_string(in6_prefix_str(&l->from).s) : json_null(),
			 "messages", (json_int_t)l->total, "floods", (json_int_t)l->floods);
}

static uint64_t packets_lost(const struct io *io)
{
	return pkt_lost(io->nd) + pkt_lost(io->mh) + pkt_lost(io->discovery) +
	       pkt_lost(io->hao) + pkt_lost(io->tunnel);
}

static json_t *remaining_s(usec_t until)
{
	usec_t left = until - clock_now();

	return json_integer(left > 0 ? left / USEC_S : 0);
}

struct listing {
	const struct io *io;
	const struct ha_interface *interface;	/* of home agents */
	json_t *array;
	size_t max;			/* entries of bindings and leases that are listed */
	size_t n;			/* there are */
};

/* Of a key that was given out; of one that is configured it is the SPI that tells. */
static json_t *show_key(const struct sa *s)
{
	usec_t left;

	if (!s)
		return json_null();
	left = s->until - clock_now();
	return json_pack("{s:I, s:s, s:s, s:I}", "spi", (json_int_t)s->key.auth.spi,
			 "mode", boot_mode_name(s->mode), "name", s->mn_id,
			 "until", (json_int_t)(clock_wall_s() + left / USEC_S));
}

static void add_binding(void *ctx, const struct binding *b)
{
	struct listing *l = ctx;
	const struct ha_key *key = ha_binding_key(&l->io->ha, b);
	struct in6_prefix inner = binding_inner(b);
	struct dp_stats stats = { 0 };

	/* A released one carries nothing; only its sequence number is kept a while. */
	if (!binding_carries(b) || l->n++ >= l->max)
		return;
	/* What comes back is counted for all ways together. */
	if (b->bid != 0)
		(void)l->io->dp->ops->path_stats(l->io->dp, &inner, b->bid - 1U, &stats.tx_packets);
	else
		(void)l->io->dp->ops->stats(l->io->dp, &inner, &stats);
	json_array_append_new(l->array, json_pack(
		"{s:s, s:s, s:s, s:i, s:b, s:b, s:s, s:s, s:I, s:o, s:i, s:I, s:I, s:I, s:s, s:o}",
		"prefix", in6_prefix_str(b->lease ? &b->lease->prefix : &b->home->cfg.prefix).s,
		"hoa", in6_str(&b->hoa).s,
		"coa", in6_str(&b->coa).s,
		"bid", (int)b->bid,
		"verified", !b->unverified,
		"by_router", b->by_router,
		"mn", b->lease ? mac_str(b->lease->mac).s : "",
		"state", binding_state_name(b->state),
		"lifetime_s", (json_int_t)b->lifetime_s,
		"remaining_s", remaining_s(b->expires),
		"sequence", (int)b->sequence,
		"tx_packets", (json_int_t)stats.tx_packets,
		"rx_packets", (json_int_t)stats.rx_packets,
		"spi", (json_int_t)b->spi,
		"algorithm", b->spi ? auth_algorithm_name(auth_algorithm_of(b->spi)) : "",
		"key", show_key(key ? key->sa : NULL)));
}

static void add_lease(void *ctx, const struct lease *lease)
{
	struct listing *l = ctx;

	if (lease->state == LEASE_FREE || l->n++ >= l->max)
		return;
	json_array_append_new(l->array, json_pack(
		"{s:s, s:s, s:s, s:b, s:o, s:i, s:o}",
		"prefix", in6_prefix_str(&lease->prefix).s,
		"mn", mac_str(lease->mac).s,
		"interface", lease->interface ? lease->interface->name : "",
		"attached", lease->state == LEASE_ATTACHED,
		"remaining_s", remaining_s(lease->valid_until),
		"bindings", (int)lease->bindings,
		"key", show_key(sa_of_address(&l->io->ha, &lease->prefix.addr))));
}

static json_t *list_homes(const struct ha *ha)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < ha->n_homes; i++) {
		const struct ha_home *h = &ha->homes[i];

		if (h->state > HOME_RETIRING)
			continue;
		json_array_append_new(array, json_pack(
			"{s:s, s:s, s:s, s:s, s:b, s:o, s:b, s:b, s:I}",
			"prefix", in6_prefix_str(&h->cfg.prefix).s,
			"address", in6_str(&h->cfg.address).s,
			"mode", home_mode_name(h->cfg.mode),
			"interface", h->cfg.interface,
			"deprecated", home_is_deprecated(h),
			"withdrawn_in_s", h->until ? remaining_s(h->until) : json_null(),
			"unauthenticated", h->cfg.unauthenticated,
			"exhausted", ha_home_full(h),
			"leases", (json_int_t)(h->pool.n - h->pool.n_free)));
	}
	return array;
}

static void add_home_agent(void *ctx, const struct halist_entry *e)
{
	struct listing *l = ctx;
	json_t *addresses = json_array();

	for (unsigned int i = 0; i < e->n_addresses; i++)
		json_array_append_new(addresses, json_string(in6_str(&e->addresses[i].addr).s));
	json_array_append_new(l->array, json_pack(
		"{s:s, s:s, s:o, s:i, s:o}",
		"interface", l->interface->name,
		"linklocal", in6_str(&e->linklocal).s,
		"addresses", addresses,
		"preference", (int)e->preference,
		"remaining_s", remaining_s(e->until)));
}

/* The others; we ourselves are not among them. */
static json_t *home_agents(const struct ha *ha)
{
	struct listing l = { .array = json_array() };

	for (unsigned int i = 0; i < ha->n_interfaces; i++) {
		l.interface = &ha->interfaces[i];
		halist_each(&l.interface->home_agents, clock_now(), add_home_agent, &l);
	}
	return l.array;
}

static void add_counter(void *ctx, const char *name, uint64_t v)
{
	json_object_set_new(ctx, name, json_integer((json_int_t)v));
}

/* How many are to be listed; negative: not to be understood. */
static json_int_t list_limit(const json_t *parameters)
{
	const json_t *limit = json_object_get(parameters, "limit");
	json_int_t n = limit ? json_integer_value(limit) : LIST_MAX;

	if (limit && !json_is_integer(limit))
		return -1;
	return n > LIST_MAX ? -1 : n;
}

static json_t *show_ipsec(const struct io *io)
{
	struct ipsec_refused r = { 0 };

	if (!io->ipsec)
		return json_null();
	(void)ipsec_refused(&r);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}",
			 "received", (json_int_t)ipsec_received(io->ipsec),
			 "no_state", (json_int_t)r.no_state, "replayed", (json_int_t)r.replayed,
			 "forged", (json_int_t)r.forged,
			 "other_address", (json_int_t)r.other_address,
			 "not_protected", (json_int_t)r.not_protected);
}

/* How hosts get keys here; null: they do not. */
static json_t *show_bootstrap(const struct io *io)
{
	const struct ha_keys_config *cfg = &io->cfg.ha->bootstrap;
	int64_t until = keyserver_valid_until(io->keyserver);
	json_t *modes = json_array();

	if (cfg->off) {
		json_decref(modes);
		return json_null();
	}
	for (unsigned int i = 0; i < cfg->modes.n; i++)
		json_array_append_new(modes, json_string(boot_mode_name(cfg->modes.mode[i])));
	return json_pack("{s:o, s:o, s:I, s:I, s:I}", "modes", modes, "certificate_until",
			 until != 0 ? json_integer((json_int_t)until) : json_null(),
			 "keys", (json_int_t)io->ha.sas.n,
			 "connections", (json_int_t)keyserver_connections(io->keyserver),
			 "longest_step_us", (json_int_t)loop_background_longest(io->loop));
}

static json_t *status(void *ctx, const json_t *parameters, const char **error, const char **code)
{
	const struct ha_ctl *c = ctx;
	const struct io *io = c->io;
	json_int_t limit = list_limit(parameters);
	struct listing bindings = { .io = io, .max = (size_t)limit };
	struct listing leases = { .io = io, .max = (size_t)limit };
	json_t *counters, *answer;
	char text[HEALTH_ROOM];
	struct dp_drops drops;
	bool ok = health(io, text);
	size_t visits;

	if (limit < 0) {
		*error = "\"limit\" is out of range; expected 0 to " TEXT(LIST_MAX);
		*code = "usage";
		return NULL;
	}
	ok = append_sessions(io, text) && ok;
	append_flood(&io->ha.limit, text);
	bindings.array = json_array();
	leases.array = json_array();
	counters = json_object();
	ha_each_binding(&io->ha, add_binding, &bindings);
	ha_each_lease(&io->ha, add_lease, &leases);
	ha_each_counter(&io->ha, add_counter, counters);
	keyserver_each_counter(io->keyserver, add_counter, counters);
	add_counter(counters, "deleted-by-others", io->deleted);
	add_counter(counters, "repairs", io->mend.repairs);
	add_counter(counters, "packets-lost", packets_lost(io));
	if (io->dp->ops->drops(io->dp, &drops) == 0) {
		add_counter(counters, "data-path-drops", drops.forged);
		add_counter(counters, "data-path-congestion", drops.congestion);
		add_counter(counters, "data-path-errors-limited", drops.errors);
		add_counter(counters, "care-of-credit-drops", drops.credit);
		add_counter(counters, "data-path-foreign-sources", drops.foreign);
		add_counter(counters, "key-port-strangers", drops.port_strangers);
		add_counter(counters, "key-port-limited", drops.port_limited);
	}
	answer = json_pack("{s:i, s:s, s:{s:b, s:s}, s:s, s:s, s:s, s:I, s:b, s:b, s:o, s:o, s:o, s:o, "
			   "s:o, s:{s:I, s:I, s:I}, s:o}",
			   "schema", SCHEMA, "role", "ha",
			   "health", "ok", ok, "text", text,
			   "address", in6_str(&io->ha.homes[0].cfg.address).s,
			   "prefix", in6_prefix_str(&io->ha.homes[0].cfg.prefix).s,
			   "datapath", io->dp->ops->name,
			   "mtu", (json_int_t)io->cfg.ha->mtu,
			   "draining", io->ha.drain.state != DRAIN_OFF,
			   "hmac_sha1", io->cfg.ha->hmac_sha1, "ipsec", show_ipsec(io),
			   "homes", list_homes(&io->ha), "home_agents", home_agents(&io->ha),
			   "bindings", bindings.array, "leases", leases.array,
			   "totals", "bindings", (json_int_t)bindings.n, "leases",
			   (json_int_t)leases.n, "keys", (json_int_t)io->ha.sas.n,
			   "counters", counters);
	json_object_set_new(answer, "flood", show_flood(&io->ha.limit));
	json_object_set_new(answer, "bootstrap", show_bootstrap(io));
	json_object_set_new(answer, "visits", ctl_visits(io, (size_t)limit, &visits));
	json_object_set_new(answer, "sessions", ctl_sessions(io));
	json_object_set_new(answer, "peers", ctl_peers(io));
	json_object_set_new(answer, "flows", ctl_flows(io));
	json_object_set_new(json_object_get(answer, "totals"), "visits",
			    json_integer((json_int_t)visits));
	if (!answer) {
		*error = "no memory for the answer";
		*code = "error";
	}
	return answer;
}

/* ---- keys ---- */

struct key_listing {
	const struct ha *ha;
	json_t *array;
	bool secrets;
	size_t n;
};

/* Takes over the reference. */
static void add_key(struct key_listing *l, json_t *o, const struct auth_key *k)
{
	char secret[AUTH_SECRET_STR];

	json_object_set_new(o, "spi", json_integer((json_int_t)k->spi));
	json_object_set_new(o, "algorithm", json_string(auth_algorithm_name(k->algorithm)));
	if (l->secrets) {
		auth_secret_str(k, secret);
		json_object_set_new(o, "secret", json_string(secret));
		explicit_bzero(secret, sizeof(secret));
	}
	json_array_append_new(l->array, o);
}

static void add_configured(struct key_listing *l, const struct ha_key *k)
{
	json_t *hosts = json_array();

	if (k->has_mn)
		json_array_append_new(hosts, json_string(mac_str(k->mn).s));
	for (unsigned int i = 0; i < k->n_hoas; i++)
		json_array_append_new(hosts, json_string(in6_str(&k->hoas[i]).s));
	add_key(l, json_pack("{s:s, s:o}", "from", "configuration", "hosts", hosts), &k->auth);
}

static void add_given(void *ctx, const struct sa *s)
{
	struct key_listing *l = ctx;

	if (s->spent || l->n++ >= LIST_MAX)
		return;
	add_key(l, json_pack("{s:s, s:s, s:s, s:s, s:o, s:b}", "from", boot_mode_name(s->mode),
			     "name", s->mn_id, "prefix", in6_prefix_str(&s->prefix).s,
			     "ha", in6_str(&s->ha).s, "remaining_s", remaining_s(s->until),
			     "used", s->used), &s->key.auth);
}

static json_t *list_keys(const struct ha_ctl *c, bool secrets)
{
	const struct ha *ha = &c->io->ha;
	struct key_listing l = { .ha = ha, .array = json_array(), .secrets = secrets };

	for (unsigned int i = 0; i < ha->cfg->n_keys; i++)
		add_configured(&l, &ha->cfg->keys[i]);
	sa_each(ha, add_given, &l);
	return json_pack("{s:i, s:s, s:o, s:I}", "schema", SCHEMA, "role", "ha", "keys", l.array,
			 "unlisted", (json_int_t)(l.n > LIST_MAX ? l.n - LIST_MAX : 0));
}

static json_t *keys(void *ctx, const json_t *parameters, const char **error, const char **code)
{
	(void)parameters, (void)error, (void)code;
	return list_keys(ctx, false);
}

static json_t *secrets(void *ctx, const json_t *parameters, const char **error, const char **code)
{
	(void)parameters, (void)error, (void)code;
	return list_keys(ctx, true);
}

/* One that was given out: nothing that is signed with it is taken any more. */
static json_t *forget_key(void *ctx, const json_t *parameters, const char **error,
			  const char **code)
{
	const struct ha_ctl *c = ctx;
	const json_t *spi = json_object_get(parameters, "spi");
	struct sa *s = NULL;

	*code = "usage";
	*error = "which key? expected \"spi\", the number of one that was given out";
	if (!json_is_integer(spi) || json_object_size(parameters) != 1)
		return NULL;
	if (json_integer_value(spi) > 0 && json_integer_value(spi) <= UINT32_MAX)
		s = sa_find(&c->io->ha, (uint32_t)json_integer_value(spi));
	*code = "not-found";
	*error = "there is no such key; expected the number of one that was given out (a "
		 "configured one is taken out of the configuration)";
	if (!s)
		return NULL;
	sa_drop(s, "an operator wants it", clock_now());
	return json_pack("{s:i, s:I}", "schema", SCHEMA, "forgotten", json_integer_value(spi));
}

/* ---- release ---- */

/* Exactly one of the parameters says which; NULL, or the sentence that says what is wrong. */
static const char *read_selection(const json_t *parameters, struct revoke_selection *ret)
{
	const char *binding = json_string_value(json_object_get(parameters, "binding"));
	const char *prefix = json_string_value(json_object_get(parameters, "prefix"));
	const char *mn = json_string_value(json_object_get(parameters, "mn"));
	bool all = json_is_true(json_object_get(parameters, "all"));

	if (json_object_size(parameters) != 1 || (!binding && !prefix && !mn && !all))
		return "which bindings? expected one of \"binding\": address, \"prefix\": prefix, "
		       "\"mn\": MAC address, \"all\": true";
	*ret = (struct revoke_selection){ 0 };
	if (binding) {
		ret->within.len = 128;
		if (in6_parse(binding, &ret->within.addr) < 0)
			return "that is no home address; expected an IPv6 address such as "
			       "2001:db8:1:101::5";
	} else if (prefix) {
		if (in6_prefix_parse(prefix, &ret->within) < 0)
			return "that is no prefix; expected one such as 2001:db8:1:101::/64, "
			       "without bits behind its length";
	} else if (mn) {
		ret->has_mn = true;
		if (mac_parse(mn, ret->mn) < 0)
			return "that is no MAC address; expected one such as 02:00:5e:10:00:01";
	}
	return NULL;
}

static json_t *release(void *ctx, const json_t *parameters, const char **error,
		       const char **code)
{
	const struct ha_ctl *c = ctx;
	struct revoke_selection which;
	unsigned int n;

	*error = read_selection(parameters, &which);
	*code = "usage";
	if (*error)
		return NULL;
	/* RFC 5846 5.1: administrative reason. */
	n = ha_revoke(&c->io->ha, &which, BR_ADMINISTRATIVE, clock_now());
	if (n == 0 && json_is_true(json_object_get(parameters, "all")))
		*error = "there is no binding";
	else
		*error = "there is no such binding";
	*code = "not-found";
	return n > 0 ? json_pack("{s:i, s:i}", "schema", SCHEMA, "releasing", (int)n) : NULL;
}

/* How far that is, and how those ended that ended since the daemon's start. */
static json_t *revocations(void *ctx, const json_t *parameters, const char **error,
			   const char **code)
{
	const struct ha_ctl *c = ctx;
	const struct ha *ha = &c->io->ha;

	(void)parameters;
	(void)error;
	(void)code;
	return json_pack("{s:i, s:i, s:I, s:I, s:I}", "schema", SCHEMA,
			 "under_way", (int)ha->revocations.n,
			 "accepted", (json_int_t)ha->counters[HA_REVOKE_ACCEPTED],
			 "refused", (json_int_t)ha->counters[HA_REVOKE_REFUSED],
			 "unanswered", (json_int_t)ha->counters[HA_REVOKE_UNANSWERED]);
}

/* ---- drain ---- */

static const char *cancel_drain(struct ha *ha, const char **code)
{
	switch (ha_drain_cancel(ha, clock_now())) {
	case 0:
		return NULL;
	case -ENOENT:
		*code = "not-found";
		return "it is not draining";
	}
	*code = "refused";
	return "it was told to stop, or its time is over: that cannot be called off";
}

/* "timeout_s", or the configured time. */
static const char *begin_drain(struct ha *ha, const json_t *parameters, const char **code)
{
	json_t *timeout = json_object_get(parameters, "timeout_s");
	json_int_t s = timeout ? json_integer_value(timeout) : ha->cfg->drain / USEC_S;
	int err;

	*code = "usage";
	if (!timeout && s == 0)
		return "how long? no time is configured; expected \"timeout_s\"";
	if (s < 1 || s > HA_DRAIN_MAX / USEC_S)
		return "\"timeout_s\" is out of range; expected 1 to 604800 seconds";
	err = ha_drain(ha, s * USEC_S, false, clock_now());
	if (err == 0)
		return NULL;
	*code = err == -EALREADY ? "refused" : "error";
	return err == -EALREADY ? "its time is over: it stops in a moment" : "no memory";
}

static json_t *drain(void *ctx, const json_t *parameters, const char **error, const char **code)
{
	const struct ha_ctl *c = ctx;
	struct ha *ha = &c->io->ha;
	bool cancel = json_is_true(json_object_get(parameters, "cancel"));

	*code = "usage";
	if (cancel && json_object_size(parameters) != 1)
		*error = "\"cancel\" stands alone";
	else
		*error = cancel ? cancel_drain(ha, code) : begin_drain(ha, parameters, code);
	if (*error)
		return NULL;
	return json_pack("{s:i, s:b, s:i, s:o}", "schema", SCHEMA, "draining", !cancel,
			 "bindings", (int)ha_bound_count(ha), "remaining_s",
			 cancel ? json_null() : remaining_s(ha->drain.until));
}

/* All errors of the file, a line each, as far as they fit. */
static void append_line(void *ctx, const char *line)
{
	char *text = ctx;
	size_t n = strlen(text);

	snprintf(text + n, ERRORS_MAX - n, "%s%s", n > 0 ? "\n" : "", line);
}

static json_t *reload(void *ctx, const json_t *parameters, const char **error, const char **code)
{
	static char errors[ERRORS_MAX];
	const struct ha_ctl *c = ctx;
	char changed[128];

	(void)parameters;
	errors[0] = '\0';
	if (ha_reload(c->reload, append_line, errors, changed, sizeof(changed)) == 0)
		return json_pack("{s:i, s:s}", "schema", SCHEMA, "changed", changed);
	*error = errors;
	*code = "refused";
	return NULL;
}

static json_t *attach(void *ctx, const json_t *parameters, const char **error, const char **code)
{
	const struct ha_ctl *c = ctx;

	return ctl_attach(c->io, parameters, error, code);
}

static json_t *detach(void *ctx, const json_t *parameters, const char **error, const char **code)
{
	const struct ha_ctl *c = ctx;

	return ctl_detach(c->io, parameters, error, code);
}

static json_t *move_flow(void *ctx, const json_t *parameters, const char **error, const char **code)
{
	const struct ha_ctl *c = ctx;

	return ctl_move_flow(c->io, parameters, error, code);
}

static const struct ctl_method methods[] = {
	{ .name = "reload", .needs_root = true, .call = reload },
	{ .name = "status", .call = status },
	{ .name = "release", .needs_root = true, .call = release },
	{ .name = "revocations", .call = revocations },
	{ .name = "keys", .call = keys },
	{ .name = "secrets", .needs_root = true, .call = secrets },
	{ .name = "forget-key", .needs_root = true, .call = forget_key },
	{ .name = "drain", .needs_root = true, .call = drain },
	{ .name = "attach", .needs_root = true, .call = attach },
	{ .name = "detach", .needs_root = true, .call = detach },
	{ .name = "move-flow", .needs_root = true, .call = move_flow },
	{ 0 }
};

/* ---- events ---- */

static void set_text(json_t *o, const char *name, const char *text)
{
	json_object_set_new(o, name, json_string(text));
}

void ha_ctl_event(void *ctx, const struct ha_event *e)
{
	const struct ha_ctl *c = ctx;
	json_t *o;

	if (!c->ctl || !ctl_listening(c->ctl))
		return;
	o = json_object();
	set_text(o, "event", ha_event_name(e->type));
	if (e->lease) {
		set_text(o, "prefix", in6_prefix_str(&e->lease->prefix).s);
		set_text(o, "mn", mac_str(e->lease->mac).s);
		if (e->lease->interface)
			set_text(o, "interface", e->lease->interface->name);
	}
	if (!in6_is_any(&e->hoa)) {
		set_text(o, "hoa", in6_str(&e->hoa).s);
		set_text(o, "coa", in6_str(&e->coa).s);
	}
	if (e->binding) {
		add_counter(o, "lifetime_s", e->binding->lifetime_s);
		add_counter(o, "sequence", e->binding->sequence);
	}
	if (e->type == HA_EVENT_BU_REFUSED || e->type == HA_EVENT_VISIT_REFUSED)
		add_counter(o, "status", e->status);
	if (e->reason)
		set_text(o, "reason", e->reason);
	ctl_event(c->ctl, o);
}

int ha_ctl_open(struct ha_ctl *c, struct loop *loop, const char *path)
{
	return ctl_open(loop, path, methods, c, &c->ctl);
}

void ha_ctl_close(struct ha_ctl *c)
{
	if (c->ctl)
		ctl_close(c->ctl);
	c->ctl = NULL;
}
