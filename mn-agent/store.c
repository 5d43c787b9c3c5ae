/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The anchors on disk, so that a restart does not break a running flow. One JSON file, replaced
 * as a whole. It is not forced to the disk: when the power fails, so do the flows, and a move
 * must not wait for a disk. Times are told twice: by the clock of this boot, which nobody sets,
 * and by the wall clock for after the next boot, when what is left to do is to tell home agents
 * that nothing is wanted of them. Called by io.c. What it reads is checked like anything from
 * outside; what it cannot use is set aside.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "common/sys/clock.h"
#include "common/sys/file.h"
#include "mn-agent/mnd.h"

#define SCHEMA		1
#define FILE_MAX	(1024 * 1024)
#define BOOT_ID		"/proc/sys/kernel/random/boot_id"

/* The clocks that a file's times are read by. */
struct clocks {
	usec_t now;
	bool same_boot;		/* the boot clock is the one that it was written by */
};

static void file_name(const struct mnd *d, char *ret, size_t len)
{
	snprintf(ret, len, "%s/anchors.json", d->state_dir);
}

static json_int_t to_wall(usec_t at, usec_t now)
{
	return at > now ? (json_int_t)(clock_wall_s() + (at - now) / USEC_S) : 0;
}

void mnd_boot_id(char ret[64])
{
	char *text;
	size_t len;

	ret[0] = '\0';
	if (file_read(BOOT_ID, 64, &text, &len))
		return;
	snprintf(ret, 64, "%.*s", (int)strcspn(text, "\n"), text);
	free(text);
}

/* A clock that was set back must not make a lifetime longer than it can be. */
static usec_t get_time(const json_t *o, const char *name, const struct clocks *c, usec_t max)
{
	char boot_name[32];
	const json_t *boot;
	json_int_t wall = json_integer_value(json_object_get(o, name));
	int64_t left;

	snprintf(boot_name, sizeof(boot_name), "%s_us", name);
	boot = json_object_get(o, boot_name);
	if (c->same_boot && json_is_integer(boot)) {
		left = json_integer_value(boot) - c->now;
		return left > max ? c->now + max : c->now + (left > 0 ? left : 0);
	}
	if (wall <= clock_wall_s())
		return 0;
	left = wall - clock_wall_s();
	return left > max / USEC_S ? c->now + max : c->now + left * USEC_S;
}

/* JSON's integers have a sign, and not all readers 64 bits. */
static json_t *hex(uint64_t v)
{
	char text[17];

	snprintf(text, sizeof(text), "%016" PRIx64, v);
	return json_string(text);
}

/* What an earlier version has not written is 0. */
static uint64_t get_hex(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s && strspn(s, "0123456789abcdef") == 16 && s[16] == '\0' ?
	       strtoull(s, NULL, 16) : 0;
}

static json_t *anchor_json(const struct anchor *a, usec_t now)
{
	return json_pack("{s:s,s:b,s:s,s:s,s:s,s:s,s:b,s:b,s:b,s:I,s:b,s:o,s:o,s:o,s:I,s:I,s:I,s:I}",
			 "name", a->name, "discover", (int)a->discovery.wanted,
			 "prefix", in6_prefix_str(&a->prefix).s, "hoa", in6_str(&a->hoa).s,
			 "ha", in6_str(&a->ha).s, "coa", in6_str(&a->coa).s,
			 "away", (int)(a->state != ANCHOR_ATTACHED),
			 "held", (int)a->held, "link_local", (int)a->link_local,
			 "sequence", (json_int_t)a->seq, "timestamps", (int)a->timestamps,
			 "timestamp", hex(a->timestamp), "clock_ahead", hex(a->clock_ahead),
			 "heard", hex(a->heard),
			 "valid_until", to_wall(a->valid_until, now),
			 "bound_until", to_wall(a->bound_until, now),
			 "valid_until_us", (json_int_t)a->valid_until,
			 "bound_until_us", (json_int_t)a->bound_until);
}

static json_t *state_json(const struct mnd *d)
{
	json_t *anchors = json_array(), *coas = json_array();
	usec_t now = clock_now();
	char boot[64];

	mnd_boot_id(boot);
	for (const struct anchor *a = d->mn.anchors; a; a = a->next)
		if (a->state != ANCHOR_GONE)
			json_array_append_new(anchors, anchor_json(a, now));
	for (const struct mn_iface *i = d->mn.ifaces; i; i = i->next)
		if (i->coa_source == COA_OWN)
			json_array_append_new(coas, json_string(in6_str(&i->coa).s));
	for (unsigned int n = 0; n < d->mn.n_wishes; n++)
		json_array_append_new(coas, json_string(in6_str(&d->mn.wishes[n]).s));
	return json_pack("{s:i,s:s,s:I,s:o,s:o}", "schema", SCHEMA, "boot", boot,
			 "written_us", (json_int_t)now, "anchors", anchors, "care_of", coas);
}

/* Told once, when it begins and when it ends: each change of an anchor tries again. */
static void tell_save(struct mnd *d, const char *path, int err)
{
	if (err && err != d->save_error)
		log_error("%s: not written: %s; a restart would break running flows", path,
			  strerror(-err));
	else if (!err && d->save_error)
		log_info("%s: written again", path);
	d->save_error = err;
}

int mnd_store_save(struct mnd *d)
{
	json_t *root = state_json(d);
	char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
	char path[4096];
	int r = -ENOMEM;

	json_decref(root);
	file_name(d, path, sizeof(path));
	if (text)
		r = file_replace(path, text, strlen(text));
	free(text);
	if (r == 0)
		r = mnd_keys_save(d);
	tell_save(d, path, r);
	return r;
}

static bool get_addr(const json_t *o, const char *key, struct in6_addr *ret)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s && in6_parse(s, ret) == 0;
}

static bool get_anchor(const json_t *o, struct mn_restore *r, const struct clocks *c)
{
	const char *prefix = json_string_value(json_object_get(o, "prefix"));
	const char *name = json_string_value(json_object_get(o, "name"));
	json_int_t seq = json_integer_value(json_object_get(o, "sequence"));

	memset(r, 0, sizeof(*r));
	if (!prefix || in6_prefix_parse(prefix, &r->prefix) || !get_addr(o, "hoa", &r->hoa) ||
	    !get_addr(o, "ha", &r->ha) || !get_addr(o, "coa", &r->coa) || seq < 0 ||
	    seq > UINT16_MAX)
		return false;
	if (name)
		snprintf(r->name, sizeof(r->name), "%s", name);
	r->discover = json_is_true(json_object_get(o, "discover"));
	r->seq = (uint16_t)seq;
	r->timestamps = json_is_true(json_object_get(o, "timestamps"));
	r->timestamp = get_hex(o, "timestamp");
	r->clock_ahead = get_hex(o, "clock_ahead");
	r->heard = get_hex(o, "heard");
	r->away = json_is_true(json_object_get(o, "away"));
	r->held = json_is_true(json_object_get(o, "held"));
	r->link_local = json_is_true(json_object_get(o, "link_local"));
	r->valid_until = get_time(o, "valid_until", c, (usec_t)UINT32_MAX * USEC_S);
	r->bound_until = get_time(o, "bound_until", c,
				  (usec_t)UINT16_MAX * MIP6_LIFETIME_UNIT_S * USEC_S);
	return true;
}

struct found { struct in6_addr hoa; bool yes; };

static void find_binding(void *ctx, const struct dp_binding *b)
{
	struct found *f = ctx;

	f->yes |= b->inner.len == 128 && in6_eq(&b->inner.addr, &f->hoa);
}

static bool in_datapath(struct mnd *d, const struct in6_addr *hoa)
{
	struct found f = { .hoa = *hoa };

	d->dp->ops->dump(d->dp, find_binding, &f);
	return f.yes;
}

static void set_aside(const char *path, const char *why)
{
	char aside[4200];

	snprintf(aside, sizeof(aside), "%s.damaged", path);
	log_error("%s: %s; kept as %s, starting without it", path, why, aside);
	if (rename(path, aside))
		log_error("%s: %s", aside, strerror(errno));
}

/* NULL, and the file set aside, if it is none of ours. */
static json_t *read_state(const char *path)
{
	json_error_t e;
	char *text, why[256];
	json_t *root;
	json_int_t schema;
	size_t len;
	int r = file_read(path, FILE_MAX, &text, &len);

	if (r == -ENOENT)
		return NULL;
	if (r) {
		set_aside(path, strerror(-r));
		return NULL;
	}
	root = json_loadb(text, len, 0, &e);
	free(text);
	schema = json_integer_value(json_object_get(root, "schema"));
	if (root && schema == SCHEMA && json_is_array(json_object_get(root, "anchors")))
		return root;
	if (!root)
		snprintf(why, sizeof(why), "line %d: %s", e.line, e.text);
	else if (schema != SCHEMA)
		snprintf(why, sizeof(why), "is of schema %lld; expected %d", (long long)schema,
			 SCHEMA);
	else
		snprintf(why, sizeof(why), "has no list of anchors");
	json_decref(root);
	set_aside(path, why);
	return NULL;
}

static struct clocks read_clocks(const json_t *root)
{
	const char *boot = json_string_value(json_object_get(root, "boot"));
	struct clocks c = { .now = clock_now() };
	char now[64];

	mnd_boot_id(now);
	/* A container may see another clock than the run before. */
	c.same_boot = boot && now[0] != '\0' && strcmp(boot, now) == 0 &&
		      json_integer_value(json_object_get(root, "written_us")) <= c.now;
	return c;
}

/* One that ran out meanwhile is silently left behind, and so are the addresses that were at
 * home when the computer was switched off: nobody holds them any more. */
static bool is_over(const struct mn_restore *a, const struct clocks *c)
{
	return a->valid_until <= c->now || (!a->away && !c->same_boot);
}

void mnd_store_load(struct mnd *d)
{
	unsigned int restored = 0, bad = 0;
	struct in6_addr coa;
	struct clocks clocks;
	struct mn_restore a;
	char path[4096];
	json_t *root, *o;
	size_t n;

	file_name(d, path, sizeof(path));
	root = read_state(path);
	if (!root)
		return;
	clocks = read_clocks(root);
	json_array_foreach(json_object_get(root, "care_of"), n, o)
		if (json_is_string(o) && in6_parse(json_string_value(o), &coa) == 0 &&
		    in6_is_routable(&coa))
			mn_restore_coa(&d->mn, &coa);
	json_array_foreach(json_object_get(root, "anchors"), n, o) {
		if (!get_anchor(o, &a, &clocks)) {
			bad++;
			continue;
		}
		if (is_over(&a, &clocks))
			continue;
		a.tunnelled = in_datapath(d, &a.hoa);
		if (mn_restore(&d->mn, &a, clocks.now) == 0)
			restored++;
		else
			bad++;
	}
	json_decref(root);
	if (bad)
		log_warn("%s: %u of its addresses cannot be used and are left out", path, bad);
	if (restored)
		log_info("%u addresses of the earlier run found again", restored);
}
