/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration file, at the start and again while the daemon runs. Owns d->settings; called
 * by main.c at the start and on SIGHUP, by ctl.c for `dmip6ctl reload'. A file with an error is
 * refused as a whole, and so is one that wants what only a start can do. What a difference
 * means for the mobile node is in reconf.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "common/sys/clock.h"
#include "common/sys/file.h"
#include "mn-agent/conf_classes.h"
#include "mn-agent/conf_policy.h"
#include "mn-agent/keyclient.h"
#include "mn-agent/mnd.h"

#define CONFIG_MAX	(1024 * 1024)

struct errors {
	conf_report_fn *report;
	void *ctx;
	const char *path;
	unsigned int n;
};

static void complain(struct errors *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void complain(struct errors *e, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n = snprintf(text, sizeof(text), "%.255s: ", e->path);

	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	e->report(e->ctx, text);
	e->n++;
}

static void override(const struct mnd_options *o, struct mn_settings *s)
{
	if (o->n_interfaces)
		s->mn.n_interfaces = 0;
	for (unsigned int n = 0; n < o->n_interfaces; n++)
		(void)mn_conf_add_interface(s, o->interfaces[n]);	/* looked at by main.c */
	if (o->datapath)
		s->datapath = o->datapath;
}

unsigned int mnd_settings_read(const struct mnd_options *o, struct mn_settings *ret,
			       conf_report_fn *report, void *ctx)
{
	struct errors e = { report, ctx, o->config ? o->config : MND_CONFIG, 0 };
	char *text;
	size_t len;
	int r = file_read(e.path, CONFIG_MAX, &text, &len);

	mn_conf_defaults(ret);
	if (r == 0) {
		e.n = conf_parse(e.path, text, len, mn_conf_table, ret, report, ctx);
		explicit_bzero(text, len);
		free(text);
	} else if (r != -ENOENT || o->config) {		/* works without one */
		complain(&e, "cannot be read: %s", strerror(-r));
	}
	override(o, ret);
	return e.n;
}

/* What is made once, at the start. */
static void check_fixed(const struct mnd *d, const struct mn_settings *new, struct errors *e)
{
	const char *datapath = d->dp->ops->name;

	if (new->table_base != d->settings.table_base)
		complain(e, "table-base %u cannot be changed to %u while running; expected a "
			 "restart", d->settings.table_base, new->table_base);
	if (new->datapath && strcmp(new->datapath, datapath) != 0)
		complain(e, "datapath %s cannot be changed to %s while running; expected a restart",
			 datapath, new->datapath);
}

static void check_ipsec(const struct mnd *d, const struct mn_settings *new, struct errors *e)
{
	if (new->mn.anchor.ipsec != d->settings.mn.anchor.ipsec)
		complain(e, "ipsec cannot be changed while running; expected a restart");
}

static bool same_keys(const struct mn_config *a, const struct mn_config *b)
{
	if (a->n_keys != b->n_keys)
		return false;
	for (unsigned int n = 0; n < a->n_keys; n++) {
		const struct mn_key *x = &a->keys[n], *y = &b->keys[n];

		if (x->key.spi != y->key.spi || x->key.algorithm != y->key.algorithm ||
		    x->key.secret_len != y->key.secret_len ||
		    !auth_equal(x->key.secret, y->key.secret, x->key.secret_len) ||
		    x->any_ha != y->any_ha || (!x->any_ha && !in6_eq(&x->ha, &y->ha)) ||
		    x->timestamps != y->timestamps)
			return false;
	}
	return true;
}

static bool same_interfaces(const struct mn_config *a, const struct mn_config *b)
{
	if (a->n_interfaces != b->n_interfaces)
		return false;
	for (unsigned int n = 0; n < a->n_interfaces; n++)
		if (strcmp(a->interfaces[n], b->interfaces[n]) != 0)
			return false;
	return true;
}

static bool same_homes(const struct mn_config *a, const struct mn_config *b)
{
	if (a->n_homes != b->n_homes)
		return false;
	for (unsigned int n = 0; n < a->n_homes; n++) {
		const struct mn_home *x = &a->homes[n], *y = &b->homes[n];

		if (strcmp(x->name, y->name) != 0 || !in6_prefix_eq(&x->prefix, &y->prefix) ||
		    !in6_eq(&x->address, &y->address) || strcmp(x->eui64_of, y->eui64_of) != 0 ||
		    !in6_eq(&x->ha, &y->ha) || x->spi != y->spi ||
		    x->unauthenticated != y->unauthenticated)
			return false;
	}
	return true;
}

static bool same_names(const struct mn_names *a, const struct mn_names *b)
{
	if (a->n != b->n)
		return false;
	for (unsigned int n = 0; n < a->n; n++)
		if (strcmp(a->name[n], b->name[n]) != 0)
			return false;
	return true;
}

/* How keys are asked of home agents. */
static bool same_given(const struct mn_settings *a, const struct mn_settings *b)
{
	const struct boot_modes *x = &a->mn.key_modes, *y = &b->mn.key_modes;

	if (x->n != y->n)
		return false;
	for (unsigned int n = 0; n < x->n; n++)
		if (x->mode[n] != y->mode[n])
			return false;
	return mn_conf_same_keys(&a->keys, &b->keys);
}

static void add(char *list, size_t len, bool differs, const char *name)
{
	size_t n = strlen(list);

	if (differs && n < len)
		snprintf(list + n, len - n, "%s%s", n > 0 ? ", " : "", name);
}

/* The keywords whose meaning is another now. */
static void differences(const struct mn_settings *old, const struct mn_settings *new, char *ret,
			size_t len)
{
	const struct mn_config *a = &old->mn, *b = &new->mn;

	ret[0] = '\0';
	add(ret, len, !same_interfaces(a, b), "interface");
	add(ret, len, !same_names(&a->metered, &b->metered), "metered");
	add(ret, len, !same_names(&a->never, &b->never), "never");
	add(ret, len, a->anchor.linger != b->anchor.linger, "linger");
	add(ret, len, a->anchor.lifetime_s != b->anchor.lifetime_s, "binding-lifetime");
	add(ret, len, a->max_anchors != b->max_anchors, "max-anchors");
	add(ret, len, a->anchor.mtu != b->anchor.mtu, "tunnel-mtu");
	add(ret, len, a->hmac_sha1 != b->hmac_sha1, "hmac-sha1");
	add(ret, len, !same_keys(a, b), "key");
	add(ret, len, !same_given(old, new), "keys");
	add(ret, len, !same_homes(a, b), "home");
	add(ret, len, !mn_conf_same_classes(&a->classes, &b->classes), "class");
	add(ret, len, !mn_conf_same_policies(&a->policies, &b->policies), "policy");
}

unsigned int mnd_reload(struct mnd *d, conf_report_fn *report, void *ctx, char *ret_changed,
			size_t len)
{
	const char *path = d->options.config ? d->options.config : MND_CONFIG;
	struct errors e = { report, ctx, path, 0 };
	struct mn_settings new, old = d->settings;
	struct tls_context *context = NULL;
	char changed[128], why[TLS_WHY_MAX];

	e.n = mnd_settings_read(&d->options, &new, report, ctx);
	if (e.n == 0)
		check_fixed(d, &new, &e);
	if (e.n == 0)
		check_ipsec(d, &new, &e);
	if (e.n == 0 && keyclient_read(&new.mn.key_modes, &new.keys, why, &context))
		complain(&e, "keys: %s", why);
	if (e.n > 0) {
		mn_conf_wipe(&new);
		log_error("%s: refused, %u error%s; the configuration stays as it was", path, e.n,
			  e.n == 1 ? "" : "s");
		return e.n;
	}
	differences(&old, &new, changed, sizeof(changed));
	d->settings = new;
	keyclient_use(d->keys, &new.mn.key_modes, context);	/* the files may be others now */
	explicit_bzero(&new, sizeof(new));
	mn_reconfigured(&d->mn, &old.mn, clock_now());
	mn_conf_wipe(&old);
	mnd_warn_of_policies(d);
	/* Interfaces that were none of ours are told once more. */
	if (mon_read(d->mon))
		log_warn("interfaces and addresses could not be read again");
	if ((d->settings.mn.n_keys > 0 || d->settings.keys.psk_len > 0) && file_is_public(path))
		log_warn("%s holds keys and is readable for everybody; expected mode 640", path);
	log_info("%s read again: %s%s", path, changed[0] ? "changed: " : "nothing has changed",
		 changed);
	snprintf(ret_changed, len, "%s", changed);
	return 0;
}
