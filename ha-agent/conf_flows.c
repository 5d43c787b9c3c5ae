/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flows in ha.conf: what they are (RFC 6088), and by which of a host's links they go. Owns nothing;
 * called by conf.c, reload.c, and ctl_network.c for the names of links.
 */
#include "ha-agent/conf_flows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct { const char *name; enum mh_access_type type; } types[] = {
	{ "virtual", ACCESS_VIRTUAL }, { "ppp", ACCESS_PPP }, { "ethernet", ACCESS_ETHERNET },
	{ "wlan", ACCESS_WLAN }, { "wimax", ACCESS_WIMAX }, { "lte", ACCESS_LTE },
};
#define N_TYPES	(sizeof(types) / sizeof(types[0]))

int ha_conf_access_number(const char *name)
{
	for (size_t i = 0; i < N_TYPES; i++)
		if (strcmp(types[i].name, name) == 0)
			return (int)types[i].type;
	return strcmp(name, "default") == 0 ? 0 : -EINVAL;
}

const char *ha_conf_access_name(uint8_t type)
{
	for (size_t i = 0; i < N_TYPES; i++)
		if ((uint8_t)types[i].type == type)
			return types[i].name;
	return type == 0 ? "default" : "?";
}

/* What the block holds while it is read; there is one. */
static struct {
	struct ha_config *cfg;
	struct ha_flow flow;
	bool has_access;
} draft;

void *ha_conf_flow_open(struct conf *c, void *obj, const struct conf_word *kw,
			const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	memset(&draft, 0, sizeof(draft));
	draft.cfg = cfg;
	if (!conf_name(c, &args[0], "a flow", draft.flow.name, sizeof(draft.flow.name)))
		return NULL;
	for (unsigned int i = 0; i < cfg->n_flows; i++) {
		if (strcmp(cfg->flows[i].name, args[0].text) == 0) {
			conf_error(c, &args[0], "flow %s is there already; expected another name",
				   args[0].text);
			return NULL;
		}
	}
	if (cfg->n_flows == HA_MAX_FLOWS) {
		conf_error(c, &args[0], "too many flows; expected at most %d", HA_MAX_FLOWS);
		return NULL;
	}
	return &draft;
}

static void set_host(struct conf *c, void *obj, const struct conf_word *kw,
		     const struct conf_word *args, unsigned int n)
{
	(void)kw;
	(void)n;
	if (obj)
		draft.flow.has_mac = conf_mac(c, &args[0], draft.flow.mac);
}

static void set_protocol(struct conf *c, void *obj, const struct conf_word *kw,
			 const struct conf_word *args, unsigned int n)
{
	(void)kw;
	(void)n;
	if (!obj)
		return;
	draft.flow.what.protocol = selector_protocol(args[0].text);
	if (draft.flow.what.protocol == 0)
		conf_error(c, &args[0], "\"%s\" is no protocol; expected tcp, udp, icmp6, esp, dccp, "
			   "sctp, udplite or a number from 1 to 255", args[0].text);
}

static void take_ports(struct conf *c, const struct conf_word *w, struct selector_ports *ret)
{
	if (!selector_read_ports(w->text, ret))
		conf_error(c, w, "\"%s\" is no port; expected a number from 1 to 65535, or two such as "
			   "5000-5010, the lower one first", w->text);
}

static void set_local_port(struct conf *c, void *obj, const struct conf_word *kw,
			   const struct conf_word *args, unsigned int n)
{
	(void)kw;
	(void)n;
	if (obj)
		take_ports(c, &args[0], &draft.flow.what.local_port);
}

static void set_remote_port(struct conf *c, void *obj, const struct conf_word *kw,
			    const struct conf_word *args, unsigned int n)
{
	(void)kw;
	(void)n;
	if (obj)
		take_ports(c, &args[0], &draft.flow.what.remote_port);
}

static void set_remote(struct conf *c, void *obj, const struct conf_word *kw,
		       const struct conf_word *args, unsigned int n)
{
	(void)kw;
	(void)n;
	if (obj)
		conf_prefix(c, &args[0], &draft.flow.what.remote);
}

static void set_dscp(struct conf *c, void *obj, const struct conf_word *kw,
		     const struct conf_word *args, unsigned int n)
{
	uint32_t v;

	(void)kw;
	(void)n;
	if (!obj || !conf_u32(c, &args[0], 0, 63, &v))
		return;
	draft.flow.what.has_dscp = true;
	draft.flow.what.dscp = (uint8_t)v;
}

static void set_access(struct conf *c, void *obj, const struct conf_word *kw,
		       const struct conf_word *args, unsigned int n)
{
	int type = ha_conf_access_number(args[0].text);

	(void)kw;
	(void)n;
	if (!obj)
		return;
	draft.has_access = true;
	if (type < 0)
		conf_error(c, &args[0], "\"%s\" is no kind of access link; expected ethernet, wlan, "
			   "wimax, lte, ppp, virtual or default", args[0].text);
	else
		draft.flow.access_type = (uint8_t)type;
}

void ha_conf_flow_close(struct conf *c, void *obj, const struct conf_word *kw)
{
	struct ha_config *cfg = draft.cfg;
	struct ha_flow *more;

	if (!obj)
		return;
	if (!draft.has_access)
		conf_error(c, kw, "flow %s: it is not said by which link it goes; expected "
			   "\"access wlan;\" or the like", draft.flow.name);
	if (selector_check(&draft.flow.what) < 0)
		conf_error(c, kw, "flow %s: that protocol has no ports; expected tcp, udp or another "
			   "one that has", draft.flow.name);
	more = realloc(cfg->flows, (cfg->n_flows + 1) * sizeof(*more));
	if (!more) {
		conf_error(c, kw, "no memory for flow %s", draft.flow.name);
		return;
	}
	cfg->flows = more;
	cfg->flows[cfg->n_flows++] = draft.flow;
}

const struct conf_keyword ha_conf_flow_table[] = {
	{ .name = "host", .args = "MAC", .min_args = 1, .max_args = 1, .set = set_host,
	  .once = true },
	{ .name = "protocol", .args = "NAME|NUMBER", .min_args = 1, .max_args = 1,
	  .set = set_protocol, .once = true },
	{ .name = "local-port", .args = "PORT[-PORT]", .min_args = 1, .max_args = 1,
	  .set = set_local_port, .once = true },
	{ .name = "remote-port", .args = "PORT[-PORT]", .min_args = 1, .max_args = 1,
	  .set = set_remote_port, .once = true },
	{ .name = "remote", .args = "PREFIX", .min_args = 1, .max_args = 1, .set = set_remote,
	  .once = true },
	{ .name = "dscp", .args = "NUMBER", .min_args = 1, .max_args = 1, .set = set_dscp,
	  .once = true },
	{ .name = "access", .args = HA_CONF_ACCESS_TYPES "|default", .min_args = 1, .max_args = 1,
	  .set = set_access, .once = true },
	{ 0 }
};

bool ha_conf_same_flows(const struct ha_config *a, const struct ha_config *b)
{
	if (a->n_flows != b->n_flows)
		return false;
	for (unsigned int i = 0; i < a->n_flows; i++) {
		const struct ha_flow *x = &a->flows[i], *y = &b->flows[i];

		if (strcmp(x->name, y->name) != 0 || x->has_mac != y->has_mac ||
		    memcmp(x->mac, y->mac, sizeof(x->mac)) != 0 ||
		    !selector_eq(&x->what, &y->what) || x->access_type != y->access_type)
			return false;
	}
	return true;
}

void ha_conf_wipe_flows(struct ha_config *cfg)
{
	free(cfg->flows);
	cfg->flows = NULL;
	cfg->n_flows = 0;
}
