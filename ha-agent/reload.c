/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration file, again while the home agent runs. Called by main.c on SIGHUP and by ctl.c
 * for `dmip6ctl reload'. The home agent looks its keys up by their numbers and reads times and
 * limits where it uses them, so a new configuration takes the place of the old one as it stands.
 * What was made with it at the start cannot be changed: such a file is refused, as is one with an
 * error.
 */
#include "ha-agent/reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "common/sys/file.h"
#include "ha-agent/conf_keys.h"
#include "ha-agent/conf_network.h"
#include "ha-agent/conf_peers.h"

struct errors {
	conf_report_fn *report;
	void *ctx;
	const char *path;
	unsigned int n;
};

static void complain(struct errors *e, const char *why)
{
	char text[512];

	snprintf(text, sizeof(text), "%.200s: %s", e->path, why);
	e->report(e->ctx, text);
	e->n++;
}

static void fixed(struct errors *e, bool differs, const char *name)
{
	char why[128];

	if (!differs)
		return;
	snprintf(why, sizeof(why), "%s cannot be changed while running; expected a restart", name);
	complain(e, why);
}

static bool same_homes(const struct ha_config *a, const struct ha_config *b)
{
	if (a->n_homes != b->n_homes || !in6_eq(&a->common_address, &b->common_address))
		return false;
	for (unsigned int i = 0; i < a->n_homes; i++) {
		const struct ha_home_config *x = &a->homes[i], *y = &b->homes[i];

		if (strcmp(x->interface, y->interface) != 0 || x->mode != y->mode ||
		    !in6_prefix_eq(&x->prefix, &y->prefix) || !in6_eq(&x->address, &y->address) ||
		    x->deprecated != y->deprecated || x->unauthenticated != y->unauthenticated)
			return false;
	}
	return true;
}

static bool same_interfaces(const struct ha_config *a, const struct ha_config *b)
{
	if (a->n_interfaces != b->n_interfaces)
		return false;
	for (unsigned int i = 0; i < a->n_interfaces; i++)
		if (strcmp(a->interfaces[i], b->interfaces[i]) != 0)
			return false;
	return true;
}

static void check_fixed(const struct ha_config *old, const struct ha_config *new, struct errors *e)
{
	bool path = old->datapath != new->datapath &&
		    (!old->datapath || !new->datapath ||
		     strcmp(old->datapath, new->datapath) != 0);

	fixed(e, !same_interfaces(old, new), "interface");
	fixed(e, !same_homes(old, new), "a prefix, with its address and what it says of it,");
	fixed(e, path, "datapath");
	fixed(e, old->tcp_mss != new->tcp_mss, "tcp-mss");
	fixed(e, old->late_packets != new->late_packets, "late-packets");
	fixed(e, old->ipsec_required != new->ipsec_required, "ipsec");
	fixed(e, !ha_conf_same_network(old, new), "network-mode, with what belongs to it,");
	fixed(e, old->max_leases != new->max_leases, "max-leases");
	fixed(e, old->max_bindings != new->max_bindings, "max-bindings");
}

static bool same_key(const struct ha_key *x, const struct ha_key *y)
{
	if (x->auth.spi != y->auth.spi || x->auth.algorithm != y->auth.algorithm ||
	    x->auth.secret_len != y->auth.secret_len ||
	    !auth_equal(x->auth.secret, y->auth.secret, x->auth.secret_len) ||
	    x->has_mn != y->has_mn || memcmp(x->mn, y->mn, sizeof(x->mn)) != 0 ||
	    x->n_hoas != y->n_hoas || x->timestamp_required != y->timestamp_required ||
	    x->timestamp_window != y->timestamp_window)
		return false;
	for (unsigned int i = 0; i < x->n_hoas; i++)
		if (!in6_eq(&x->hoas[i], &y->hoas[i]))
			return false;
	return true;
}

static bool same_keys(const struct ha_config *a, const struct ha_config *b)
{
	if (a->n_keys != b->n_keys)
		return false;
	for (unsigned int i = 0; i < a->n_keys; i++)
		if (!same_key(&a->keys[i], &b->keys[i]))
			return false;
	return true;
}

static bool same_servers(const struct ha_config *a, const struct ha_config *b)
{
	if (a->n_rdnss != b->n_rdnss)
		return false;
	for (unsigned int i = 0; i < a->n_rdnss; i++)
		if (!in6_eq(&a->rdnss[i], &b->rdnss[i]))
			return false;
	return true;
}

/* Keys by name, for they are what people look for; the rest together. */
static void differences(const struct ha_config *a, const struct ha_config *b, char *ret, size_t len)
{
	bool keys = !same_keys(a, b) || a->hmac_sha1 != b->hmac_sha1 ||
		!ha_conf_same_keys(&a->bootstrap, &b->bootstrap);
	bool advertised = a->mtu != b->mtu || !same_servers(a, b) ||
		a->router_lifetime != b->router_lifetime || a->ra_interval != b->ra_interval ||
		a->ra_interval_option != b->ra_interval_option ||
		a->retrans_timer != b->retrans_timer || a->prefix_lifetime != b->prefix_lifetime ||
		a->home_agent_preference != b->home_agent_preference;
	bool peers = !ha_conf_same_peers(a, b);
	bool bindings = a->binding_lifetime != b->binding_lifetime ||
		a->binding_refresh != b->binding_refresh || a->drain != b->drain ||
		a->prefix_advertisements != b->prefix_advertisements ||
		a->prefix_advertisement_min != b->prefix_advertisement_min ||
		a->prefix_advertisement_max != b->prefix_advertisement_max ||
		a->answer_auth_failure != b->answer_auth_failure ||
		a->care_of_test != b->care_of_test || a->release_idle != b->release_idle;

	bool hosts = !ha_conf_same_hosts(a, b), flows = !ha_conf_same_flows(a, b);

	snprintf(ret, len, "%s%s%s%s%s%s%s%s%s%s%s", keys ? "keys" : "", keys && peers ? ", " : "",
		 peers ? "peers" : "", (keys || peers) && advertised ? ", " : "",
		 advertised ? "what is advertised" : "",
		 (keys || peers || advertised) && bindings ? ", " : "",
		 bindings ? "what is granted" : "",
		 (keys || peers || advertised || bindings) && hosts ? ", " : "",
		 hosts ? "hosts" : "",
		 (keys || peers || advertised || bindings || hosts) && flows ? ", " : "",
		 flows ? "flows" : "");
}

static void read_again(const struct ha_reload *r, struct ha_config *ret, struct errors *e)
{
	const char *wrong;
	char *text;
	size_t len;
	int err = file_read(r->path, HA_CONF_MAX, &text, &len);

	ha_config_defaults(ret);
	if (err == 0) {
		e->n += ha_conf_parse(ret, r->path, text, len, e->report, e->ctx);
		explicit_bzero(text, len);
		free(text);
	} else if (err != -ENOENT || r->required) {
		complain(e, strerror(-err));
	}
	if (e->n > 0)
		return;
	ha_conf_override(ret, r->line);
	wrong = ha_config_check(ret);
	if (wrong)
		complain(e, wrong);
}

static void read_files(const struct ha_config *cfg, struct tls_context **ret, struct errors *e)
{
	char reason[TLS_WHY_MAX], why[TLS_WHY_MAX + 8];

	if (keyserver_read(&cfg->bootstrap, reason, ret) == 0)
		return;
	snprintf(why, sizeof(why), "keys: %s", reason);
	complain(e, why);
}

unsigned int ha_reload(const struct ha_reload *r, conf_report_fn *report, void *ctx,
		       char *ret_changed, size_t len)
{
	struct errors e = { report, ctx, r->path, 0 };
	struct tls_context *context = NULL;
	struct ha_config new, old;
	char changed[128];

	read_again(r, &new, &e);
	if (e.n == 0)
		check_fixed(r->in_force, &new, &e);
	if (e.n == 0)
		read_files(&new, &context, &e);
	if (e.n > 0) {
		ha_conf_wipe(&new);
		log_error("%s: refused, %u error%s; the configuration stays as it was", r->path,
			  e.n, e.n == 1 ? "" : "s");
		return e.n;
	}
	old = *r->in_force;
	differences(&old, &new, changed, sizeof(changed));
	*r->in_force = new;
	keyserver_use(r->keyserver, context);	/* the files may be others now */
	ha_conf_wipe(&old);
	if (r->ha)
		steer_review_all(r->ha);
	if (ha_conf_has_secrets(&new) && file_is_public(r->path))
		log_warn("%s holds keys and is readable for everybody; expected mode 640", r->path);
	log_info("%s read again: %s%s", r->path, changed[0] ? "changed: " : "nothing has changed",
		 changed);
	snprintf(ret_changed, len, "%s", changed);
	return 0;
}
