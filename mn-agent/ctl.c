/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the MN daemon answers on its control socket: `status', `flows', and the events of
 * `monitor'. Reads the mobile node, changes nothing but the flow counts. The JSON is
 * described in dmip6ctl(8); keys are only ever added.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "common/sys/clock.h"
#include "mn-agent/keyclient.h"
#include "mn-agent/mnd.h"
#include "mn-agent/prefer.h"

#define SCHEMA		1
#define ERRORS_MAX	8192
#define FLOWS_SHOWN	4096

static json_t *text(const struct in6_addr *a)
{
	return in6_is_any(a) ? json_null() : json_string(in6_str(a).s);
}

static json_int_t seconds_left(usec_t until, usec_t now)
{
	return until > now ? (json_int_t)((until - now) / USEC_S) : 0;
}

/* How it came; never the key. */
static json_t *show_key(const struct mn *mn, const struct anchor *a, usec_t now)
{
	const struct mn_sa *s = bootstrap_key(mn, &a->hoa, &a->ha);

	if (s && a->key == &s->key)
		return json_pack("{s:s,s:I,s:s,s:I,s:b}", "mode", boot_mode_name(s->mode),
				 "spi", (json_int_t)s->key.spi,
				 "prefix", in6_prefix_str(&s->prefix).s,
				 "remaining_s", seconds_left(s->until, now),
				 "asking", (int)bootstrap_asking(mn, a));
	if (a->key)
		return json_pack("{s:s,s:I,s:b}", "mode", "configured",
				 "spi", (json_int_t)a->key->spi, "asking", 0);
	return json_pack("{s:n,s:b,s:s}", "mode", "asking", (int)bootstrap_asking(mn, a), "reason",
			 a->no_key);
}

static json_t *show_anchor(struct mnd *d, const struct anchor *a, usec_t now)
{
	struct in6_prefix inner = { .addr = a->hoa, .len = 128 };
	struct dp_stats st = { 0 };

	if (a->tunnelled)
		d->dp->ops->stats(d->dp, &inner, &st);
	return json_pack("{s:o,s:o,s:b,s:b,s:s,s:s,s:o,s:s,s:o,s:I,s:I,s:I,s:I,s:I,s:s,s:o,s:I,"
			 "s:s}", "key", show_key(&d->mn, a, now),
			 "name", a->name[0] ? json_string(a->name) : json_null(),
			 "fixed", (int)a->fixed, "unauthenticated", (int)a->unauthenticated,
			 "prefix", in6_prefix_str(&a->prefix).s, "hoa", in6_str(&a->hoa).s,
			 "ha", text(&a->ha), "state", anchor_state_name(a->state),
			 "coa", anchor_away(a) ? text(&a->coa) : json_null(),
			 "lifetime_s", (json_int_t)(anchor_away(a) ? a->lifetime_s : 0),
			 "remaining_s",
			 anchor_away(a) ? seconds_left(a->bound_until, now) : (json_int_t)0,
			 "flows", (json_int_t)a->flows,
			 "tx_packets", (json_int_t)st.tx_packets,
			 "rx_packets", (json_int_t)st.rx_packets,
			 "reason", a->reason[0] != '\0' ? a->reason : a->hint,
			 "prefix_remaining_s", a->valid_until == USEC_NEVER ? json_null() :
			 json_integer(seconds_left(a->valid_until, now)),
			 "spi", (json_int_t)(a->key ? a->key->spi : 0),
			 "algorithm", a->key ? auth_algorithm_name(a->key->algorithm) : "");
}

static json_t *show_attachment(const struct mn_iface *i)
{
	const struct router *r = &i->move.router;

	return json_pack("{s:s,s:o,s:s,s:o,s:s}", "interface", i->link.name,
			 "coa", i->coa_source == COA_NONE ? json_null() : text(&i->coa),
			 "router", in6_str(&r->linklocal).s,
			 "ha", r->has_ha ? text(&r->ha) : json_null(),
			 "movement", move_state_name(i->move.state));
}

static json_t *show_interface(const struct mn *mn, const struct mn_iface *i)
{
	static const char *const kinds[] = {
		[LINK_WIRED] = "wired", [LINK_WIRELESS] = "wireless", [LINK_MOBILE] = "mobile",
	};

	return json_pack("{s:s,s:s,s:s,s:o,s:o,s:I,s:b,s:b,s:b}", "interface", i->link.name,
			 "kind", kinds[i->link.kind], "state", move_state_name(i->move.state),
			 "router",
			 i->attached ? text(&i->move.router.linklocal) : json_null(),
			 "coa", i->coa_source == COA_NONE ? json_null() : text(&i->coa),
			 "order", (json_int_t)i->preference + 1, "metered", (int)prefer_metered(i),
			 "current", (int)(mn->current == i),
			 "chosen", (int)(mn->chosen == i->link.ifindex));
}

static void ignore_sender(void *ctx, const struct in6_addr *from, uint64_t ms_ago)
{
	(void)ctx, (void)from, (void)ms_ago;
}

static json_t *show_configuration(const struct mnd *d)
{
	const struct mn_config *c = &d->settings.mn;
	json_t *names = json_array(), *spis = json_array();

	for (unsigned int n = 0; n < c->n_interfaces; n++)
		json_array_append_new(names, json_string(c->interfaces[n]));
	for (unsigned int n = 0; n < c->n_keys; n++)
		json_array_append_new(spis, json_integer((json_int_t)c->keys[n].key.spi));
	return json_pack("{s:o,s:f,s:I,s:I,s:I,s:b,s:s,s:I,s:o,s:I}", "interfaces", names,
			 "linger_s", (double)c->anchor.linger / (double)USEC_S,
			 "max_anchors", (json_int_t)c->max_anchors,
			 "binding_lifetime_s", (json_int_t)c->anchor.lifetime_s,
			 "table_base", (json_int_t)d->settings.table_base,
			 "unbound_seen",
			 (int)(d->dp->ops->sent(d->dp, ignore_sender, NULL) == 0),
			 "datapath", d->dp->ops->name, "keys", (json_int_t)c->n_keys,
			 "spis", spis, "tunnel_mtu", (json_int_t)c->anchor.mtu);
}

/* What would be lost by a restart. */
static bool show_save_error(const struct mnd *d, char *text, size_t len)
{
	if (d->save_error)
		snprintf(text, len, "; %s: not written: %s; a restart would break flows",
			 d->state_dir, strerror(-d->save_error));
	return d->save_error == 0;
}

static json_t *show_flood(const struct limit *l, char *text, size_t len)
{
	bool known = l->flooded && l->from.len > 0;
	char flood[LIMIT_TEXT];

	limit_str(l, flood);
	if (flood[0])
		snprintf(text, len, "; %s", flood);
	return json_pack("{s:b,s:I,s:o,s:I,s:I}", "active", (int)l->flooded,
			 "rate", (json_int_t)(l->flooded ? l->rate : 0),
			 "from", known ? json_string(in6_prefix_str(&l->from).s) : json_null(),
			 "messages", (json_int_t)l->total, "floods", (json_int_t)l->floods);
}

static json_t *show_ipsec(const struct mnd *d)
{
	struct ipsec_refused r = { 0 };

	if (!d->ipsec)
		return json_null();
	(void)ipsec_refused(&r);
	return json_pack("{s:i,s:I,s:I,s:I,s:I,s:I,s:I}", "missing", (int)d->unprotected,
			 "received", (json_int_t)ipsec_received(d->ipsec),
			 "no_state", (json_int_t)r.no_state, "replayed", (json_int_t)r.replayed,
			 "forged", (json_int_t)r.forged,
			 "other_address", (json_int_t)r.other_address,
			 "not_protected", (json_int_t)r.not_protected);
}

static json_t *status(void *ctx, const json_t *parameters, const char **error, const char **code)
{
	struct mnd *d = ctx;
	usec_t now = clock_now();
	json_t *attachments = json_array(), *anchors = json_array(), *counters = json_object();
	json_t *interfaces = json_array();
	struct dp_drops drops;
	char words[512];
	json_t *flood, *answer;
	bool ok;

	(void)parameters;
	(void)error;
	(void)code;
	mn_count_flows(&d->mn, now);
	for (const struct mn_iface *i = d->mn.ifaces; i; i = i->next) {
		json_array_append_new(interfaces, show_interface(&d->mn, i));
		if (i->attached)
			json_array_append_new(attachments, show_attachment(i));
	}
	for (const struct anchor *a = d->mn.anchors; a; a = a->next)
		if (a->state != ANCHOR_GONE)
			json_array_append_new(anchors, show_anchor(d, a, now));
	for (enum mn_counter c = 0; c < MN_C_MAX; c++)
		json_object_set_new(counters, mn_counter_name(c),
				    json_integer((json_int_t)d->mn.counters[c]));
	json_object_set_new(counters, "packets-lost",
			    json_integer((json_int_t)(pkt_lost(d->nd) + pkt_lost(d->mh) +
						      pkt_lost(d->prefixes) +
						      pkt_lost(d->home_agents) +
						      pkt_lost(d->trouble) +
						      pkt_lost(d->tunnel))));
	if (d->dp->ops->drops(d->dp, &drops) == 0) {
		json_object_set_new(counters, "tunnel-source-drops",
				    json_integer((json_int_t)drops.forged));
		json_object_set_new(counters, "tunnel-congestion-drops",
				    json_integer((json_int_t)drops.congestion));
	}
	for (unsigned int n = 0; tls_reasons()[n]; n++) {
		char name[64];

		snprintf(name, sizeof(name), "key-tls-%s", tls_reasons()[n]);
		json_object_set_new(counters, name,
				    json_integer((json_int_t)keyclient_failed(d->keys, n)));
	}
	json_object_set_new(counters, "key-resumed",
			    json_integer((json_int_t)keyclient_resumed(d->keys)));
	json_object_set_new(counters, "deleted-by-others", json_integer((json_int_t)d->deleted));
	json_object_set_new(counters, "repairs", json_integer((json_int_t)d->mend.repairs));
	ok = mn_health(&d->mn, words, sizeof(words));
	mn_health_nd(&d->mn, now, words + strlen(words), sizeof(words) - strlen(words));
	ok &= mnd_repair_health(d, now, words + strlen(words), sizeof(words) - strlen(words));
	ok &= mnd_protect_health(d, words + strlen(words), sizeof(words) - strlen(words));
	ok &= show_save_error(d, words + strlen(words), sizeof(words) - strlen(words));
	flood = show_flood(&d->mn.limit, words + strlen(words), sizeof(words) - strlen(words));
	answer = json_pack("{s:i,s:s,s:{s:b,s:s},s:b,s:o,s:o,s:o,s:o,s:o,s:o}", "schema", SCHEMA,
			 "role", "mn", "health", "ok", (int)ok, "text", words,
			 "hmac_sha1", (int)d->settings.mn.hmac_sha1,
			 "ipsec", show_ipsec(d),
			 "attachments", attachments, "interfaces", interfaces, "anchors", anchors,
			 "counters", counters,
			 "configuration", show_configuration(d));
	json_object_set_new(answer, "flood", flood);
	return answer;
}

static const char *protocol_name(uint8_t protocol, char room[8])
{
	static const struct { uint8_t number; const char *name; } names[] = {
		{ IPPROTO_TCP, "tcp" }, { IPPROTO_UDP, "udp" }, { IPPROTO_UDPLITE, "udplite" },
		{ IPPROTO_ICMPV6, "icmp6" }, { IPPROTO_SCTP, "sctp" }, { IPPROTO_DCCP, "dccp" },
	};

	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
		if (names[n].number == protocol)
			return names[n].name;
	snprintf(room, 8, "%u", protocol);
	return room;
}

static const char *flow_state(const struct mn_flow *f)
{
	static const char *const names[FLOW_STATE_MAX] = {
		[FLOW_ESTABLISHED] = "established", [FLOW_SYN_SENT] = "syn-sent",
		[FLOW_SYN_RECV] = "syn-received", [FLOW_FIN_WAIT1] = "fin-wait-1",
		[FLOW_FIN_WAIT2] = "fin-wait-2", [FLOW_TIME_WAIT] = "time-wait",
		[FLOW_CLOSE] = "closed", [FLOW_CLOSE_WAIT] = "close-wait",
		[FLOW_LAST_ACK] = "last-ack", [FLOW_LISTEN] = "listening",
		[FLOW_CLOSING] = "closing", [FLOW_NEW_SYN_RECV] = "syn-received",
	};

	if (f->protocol != FLOW_TCP && f->protocol != FLOW_DCCP)
		return in6_is_any(&f->remote) ? "bound" : "connected";
	return f->state < FLOW_STATE_MAX && names[f->state] ? names[f->state] : "";
}

struct flow_list { struct mnd *d; json_t *list; json_int_t omitted; };

/* a may be NULL: an address that is no anchor's. */
static const char *path_of(const struct anchor *a)
{
	if (a && a->tunnelled)
		return "tunnel";
	return a && anchor_away(a) ? "none" : "direct";
}

static bool show_flow(void *ctx, const struct diag_flow *s)
{
	struct flow_list *l = ctx;
	const struct anchor *a = mn_find_anchor(&l->d->mn, &s->local);
	struct mn_flow f = mnd_flow(s);
	const struct class_policy *p = classes_find(&l->d->mn, f.cookie) ? NULL :
				       policy_of(&l->d->mn, &f);
	char number[8];
	const char *why;
	bool holds;

	if (!in6_is_routable(&f.local))
		return true;
	if (json_array_size(l->list) == FLOWS_SHOWN) {
		l->omitted++;
		return true;
	}
	holds = mn_flow_holds(&l->d->mn, &f, &why);
	json_array_append_new(l->list,
		json_pack("{s:s,s:s,s:i,s:o,s:i,s:o,s:s,s:s,s:b,s:s,s:s?,s:I,s:I}",
			  "protocol", protocol_name(f.protocol, number),
			  "local", in6_str(&f.local).s, "local_port", (int)f.local_port,
			  "remote", text(&f.remote), "remote_port", (int)f.remote_port,
			  "anchor", a ? json_string(in6_prefix_str(&a->prefix).s) : json_null(),
			  "path", path_of(a),
			  "state", flow_state(&f), "holds", (int)holds, "why", why,
			  "policy", p ? p->name : NULL,
			  "uid", (json_int_t)s->uid, "inode", (json_int_t)s->inode));
	return true;
}

/* Of sockets that are bound to no address only the packets show. */
static void show_traffic(json_t *list, const struct anchor *a)
{
	json_array_append_new(list,
		json_pack("{s:s,s:s,s:i,s:n,s:i,s:s,s:s,s:s,s:b,s:s,s:n,s:n,s:n}", "protocol", "any",
			  "local", in6_str(&a->hoa).s, "local_port", 0, "remote",
			  "remote_port", 0, "anchor", in6_prefix_str(&a->prefix).s,
			  "path", path_of(a), "state", "packets",
			  "holds", 1, "why", "packets of a socket that is bound to no address",
			  "policy", "uid", "inode"));
}

static json_t *flows(void *ctx, const json_t *parameters, const char **error, const char **code)
{
	struct mnd *d = ctx;
	/* What is over is no news, and there may be thousands. */
	const struct diag_query q = {
		.tcp_states = mn_tcp_states_that_hold() | 1u << FLOW_SYN_RECV,
	};
	struct flow_list l = { .d = d, .list = json_array() };

	(void)parameters;
	mn_count_flows(&d->mn, clock_now());
	if (diag_dump(d->diag, &q, show_flow, &l)) {
		json_decref(l.list);
		*error = "the kernel did not list its sockets";
		*code = "error";
		return NULL;
	}
	for (const struct anchor *a = d->mn.anchors; a; a = a->next)
		if (a->state != ANCHOR_GONE && a->traffic)
			show_traffic(l.list, a);
	return json_pack("{s:i,s:o,s:I,s:s}", "schema", SCHEMA, "flows", l.list,
			 "omitted", l.omitted, "unlisted", diag_unlisted(d->diag));
}

json_t *mnd_event_json(const char *name, const struct mn_iface *i, const struct anchor *a,
		       const char *detail, usec_t now)
{
	json_t *e = json_pack("{s:s,s:I}", "event", name, "mono_us", (json_int_t)now);

	if (e && i)
		json_object_set_new(e, "interface", json_string(i->link.name));
	if (e && a) {
		json_object_set_new(e, "hoa", json_string(in6_str(&a->hoa).s));
		json_object_set_new(e, "ha", text(&a->ha));
		json_object_set_new(e, "coa", text(&a->coa));
		json_object_set_new(e, "state", json_string(anchor_state_name(a->state)));
		json_object_set_new(e, "flows", json_integer((json_int_t)a->flows));
	}
	if (e && detail)
		json_object_set_new(e, "detail", json_string(detail));
	return e;
}

/* Takes over the reference. */
static void add_key(json_t *array, json_t *o, const struct auth_key *k, bool secrets)
{
	char secret[AUTH_SECRET_STR];

	json_object_set_new(o, "spi", json_integer((json_int_t)k->spi));
	json_object_set_new(o, "algorithm", json_string(auth_algorithm_name(k->algorithm)));
	if (secrets) {
		auth_secret_str(k, secret);
		json_object_set_new(o, "secret", json_string(secret));
		explicit_bzero(secret, sizeof(secret));
	}
	json_array_append_new(array, o);
}

static json_t *list_keys(const struct mnd *d, bool secrets)
{
	const struct mn_config *c = &d->settings.mn;
	json_t *array = json_array();
	usec_t now = clock_now();

	for (unsigned int n = 0; n < c->n_keys; n++)
		add_key(array, json_pack("{s:s,s:o}", "from", "configuration", "ha",
					 c->keys[n].any_ha ? json_null() : text(&c->keys[n].ha)),
			&c->keys[n].key, secrets);
	for (const struct mn_sa *s = d->mn.sas; s; s = s->next) {
		usec_t left = s->until > now ? s->until - now : 0;

		add_key(array, json_pack("{s:s,s:s,s:o,s:I}", "from", boot_mode_name(s->mode),
					 "prefix", in6_prefix_str(&s->prefix).s,
					 "ha", text(&s->ha),
					 "remaining_s", (json_int_t)(left / USEC_S)),
			&s->key, secrets);
	}
	return json_pack("{s:i,s:s,s:o,s:i}", "schema", SCHEMA, "role", "mn", "keys", array,
			 "unlisted", 0);
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
	struct mnd *d = ctx;
	char changed[128];

	(void)parameters;
	errors[0] = '\0';
	if (mnd_reload(d, append_line, errors, changed, sizeof(changed))) {
		*error = errors;
		*code = "refused";
		return NULL;
	}
	return json_pack("{s:i,s:s,s:o}", "schema", SCHEMA, "changed", changed,
			 "configuration", show_configuration(d));
}

static json_t *handover(void *ctx, const json_t *parameters, const char **error, const char **code)
{
	const json_t *name = json_object_get(parameters, "interface");
	struct mnd *d = ctx;
	int err;

	if (name && !json_is_string(name)) {
		*error = "no such request; expected the name of an interface, or none";
		*code = "usage";
		return NULL;
	}
	err = mn_choose(&d->mn, json_string_value(name), clock_now());
	if (err < 0) {
		*error = err == -ENODEV ?
			 "that is no interface of the mobile node; expected one that status lists" :
			 "that interface is at no access router; expected one that is attached";
		*code = err == -ENODEV ? "not-found" : "refused";
		return NULL;
	}
	return json_pack("{s:i,s:o}", "schema", SCHEMA, "interface",
			 d->mn.current ? json_string(d->mn.current->link.name) : json_null());
}

const struct ctl_method mnd_methods[] = {
	{ .name = "handover", .needs_root = true, .call = handover },
	{ .name = "reload", .needs_root = true, .call = reload },
	{ .name = "status", .call = status },
	{ .name = "flows", .call = flows },
	{ .name = "keys", .call = keys },
	{ .name = "secrets", .needs_root = true, .call = secrets },
	{ 0 }
};
