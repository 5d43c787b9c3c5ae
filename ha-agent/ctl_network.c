/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network mode on the control socket: visits, the session database, hosts that a controller of the
 * access link says have come or gone. Owns nothing; called by ctl.c.
 */
#include "ha-agent/ctl_network.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/sys/clock.h"
#include "ha-agent/conf_flows.h"
#include "ha-agent/io_network.h"

#define SCHEMA	1

struct listing {
	const struct io *io;
	json_t *array;
	size_t max, n;
};

static json_t *left_s(usec_t until)
{
	usec_t left = until - clock_now();

	return json_integer(left > 0 ? left / USEC_S : 0);
}

static void add_visit(void *ctx, const struct visit *v)
{
	struct listing *l = ctx;

	for (unsigned int i = 0; i < v->n_prefixes; i++) {
		const struct visit_prefix *p = &v->prefixes[i];
		struct dp_stats stats = { 0 };

		if (l->n++ >= l->max)
			continue;
		(void)l->io->dp->ops->stats(l->io->dp, &p->prefix, &stats);
		json_array_append_new(l->array, json_pack(
			"{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:I, s:I}",
			"prefix", in6_prefix_str(&p->prefix).s,
			"mn", mac_str(v->of->mac).s,
			"interface", v->of->interface ? v->of->interface->name : "",
			"anchor", in6_str(&v->anchor).s,
			"state", visit_state_name(v->state),
			"remaining_s", left_s(v->expires),
			"valid_s", left_s(p->valid_until),
			"tx_packets", (json_int_t)stats.tx_packets,
			"rx_packets", (json_int_t)stats.rx_packets));
	}
}

json_t *ctl_visits(const struct io *io, size_t max, size_t *ret_n)
{
	struct listing l = { .io = io, .array = json_array(), .max = max };

	mag_each_visit(&io->ha, add_visit, &l);
	*ret_n = l.n;
	return l.array;
}

json_t *ctl_sessions(const struct io *io)
{
	struct sessions_state s;

	if (!io->sessions)
		return json_null();
	sessions_state(io->sessions, &s);
	return json_pack("{s:s, s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "backend", s.name, "ok", s.health.ok, "why", s.health.why,
			 "records", (json_int_t)s.records, "behind", (json_int_t)s.behind,
			 "conflicts", (json_int_t)s.conflicts,
			 "calls", (json_int_t)s.health.calls,
			 "timeouts", (json_int_t)s.health.timeouts,
			 "rtt_us", (json_int_t)s.health.rtt);
}

json_t *ctl_peers(const struct io *io)
{
	const struct ha *ha = &io->ha;
	json_t *array = json_array();

	for (unsigned int i = 0; i < ha->cfg->n_peers; i++) {
		const struct ha_peer *p = &ha->cfg->peers[i];
		const struct heartbeat *b = heartbeat_of(ha, p);
		bool heard = b && b->heard;

		json_array_append_new(array, json_pack(
			"{s:s, s:I, s:b, s:o}", "address", in6_str(&p->address).s,
			"spi", (json_int_t)p->auth.spi, "answers", heard && !b->lost,
			"heard_s_ago", heard ?
			json_integer((clock_now() - b->heard_at) / USEC_S) : json_null()));
	}
	return array;
}

bool ctl_sessions_health(const struct io *io, char *text, size_t len)
{
	struct sessions_state s;

	text[0] = '\0';
	if (!io->sessions)
		return true;
	sessions_state(io->sessions, &s);
	if (!s.health.ok)
		(void)snprintf(text, len, "session database: %s; hosts get new prefixes only",
			       s.health.why);
	else if (s.conflicts > 0)
		(void)snprintf(text, len, "session database: %llu prefixes of ours are held by other "
			       "routers", (unsigned long long)s.conflicts);
	return text[0] == '\0';
}

static void add_flows(void *ctx, const struct lease *lease)
{
	struct listing *l = ctx;
	struct steer_flow flows[HA_MAX_FLOWS];
	unsigned int n = lease->ways > 0 ? steer_flows(&l->io->ha, lease, flows) : 0;

	for (unsigned int i = 0; i < n; i++) {
		const struct steer_flow *f = &flows[i];

		json_array_append_new(l->array, json_pack(
			"{s:s, s:s, s:s, s:s, s:s, s:s}",
			"prefix", in6_prefix_str(&lease->prefix).s,
			"mn", mac_str(lease->mac).s, "flow", f->flow->name,
			"selector", selector_str(&f->flow->what).s,
			"access", ha_conf_access_name(f->access_type),
			"by", f->way ? in6_str(&f->way->coa).s : "default"));
	}
}

json_t *ctl_flows(const struct io *io)
{
	struct listing l = { .io = io, .array = json_array() };

	ha_each_lease(&io->ha, add_flows, &l);
	return l.array;
}

static bool read_mac(const json_t *parameters, uint8_t ret[6], const char **error,
		     const char **code)
{
	const char *mn = json_string_value(json_object_get(parameters, "mn"));

	*code = "usage";
	*error = "which host? expected \"mn\", a MAC address such as 02:00:5e:10:00:01";
	return mn && mac_parse(mn, ret) == 0 && !(ret[0] & 1);
}

json_t *ctl_attach(struct io *io, const json_t *parameters, const char **error, const char **code)
{
	const char *interface = json_string_value(json_object_get(parameters, "interface"));
	uint8_t mac[6];
	int err;

	if (!read_mac(parameters, mac, error, code))
		return NULL;
	err = ha_host_attach(&io->ha, interface ? interface : "", mac, clock_now());
	*code = err == -ENODEV ? "not-found" : "refused";
	*error = err == -ENODEV ? "that is no access interface of ours, or there are several; "
		 "expected the name of one" : "it gets no prefix: the pool is exhausted, or the "
		 "home agent is about to stop";
	return err == 0 ? json_pack("{s:i, s:s, s:b}", "schema", SCHEMA, "mn", mac_str(mac).s,
				    "attached", true) : NULL;
}

json_t *ctl_detach(struct io *io, const json_t *parameters, const char **error, const char **code)
{
	uint8_t mac[6];

	if (!read_mac(parameters, mac, error, code))
		return NULL;
	*code = "not-found";
	*error = "that host is not attached here";
	if (ha_host_detach(&io->ha, mac, clock_now()) < 0)
		return NULL;
	return json_pack("{s:i, s:s, s:b}", "schema", SCHEMA, "mn", mac_str(mac).s, "attached",
			 false);
}

json_t *ctl_move_flow(struct io *io, const json_t *parameters, const char **error,
		      const char **code)
{
	const char *flow = json_string_value(json_object_get(parameters, "flow"));
	const char *access = json_string_value(json_object_get(parameters, "access"));
	int type, err;
	uint8_t mac[6];

	if (!read_mac(parameters, mac, error, code))
		return NULL;
	type = !access ? -EINVAL : strcmp(access, "configured") == 0 ? -1 :
	       ha_conf_access_number(access);
	*error = "where to? expected \"flow\", a name of the configuration, and \"access\", one of "
		 "ethernet, wlan, wimax, lte, ppp, virtual, default or configured";
	if (!flow || type == -EINVAL)
		return NULL;
	err = steer_move(&io->ha, mac, flow, type);
	*code = err == -ENOENT ? "not-found" : "refused";
	*error = err == -ENOENT ? "there is no such flow in the configuration, or no such host here" :
		 "too many flows have been moved";
	return err == 0 ? json_pack("{s:i, s:s, s:s, s:s}", "schema", SCHEMA, "mn", mac_str(mac).s,
				    "flow", flow, "access", access) : NULL;
}
