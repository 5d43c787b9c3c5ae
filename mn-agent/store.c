/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The anchors on disk, so that a restart does not break a running flow. One JSON file,
 * replaced as a whole; times are those of the wall clock, for the boot clock starts anew.
 * Called by io.c. What it reads is checked like anything from outside.
 */
#include <errno.h>
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

static void file_name(const struct mnd *d, char *ret, size_t len)
{
	snprintf(ret, len, "%s/anchors.json", d->state_dir);
}

static json_int_t to_wall(usec_t at, usec_t now)
{
	return at > now ? (json_int_t)(clock_wall_s() + (at - now) / USEC_S) : 0;
}

/* A wall clock that was set back must not make a lifetime longer than it can be. */
static usec_t from_wall(json_int_t wall, usec_t now, usec_t max)
{
	usec_t left;

	if (wall <= clock_wall_s())
		return 0;
	if (wall - clock_wall_s() > max / USEC_S)
		return now + max;
	left = (usec_t)(wall - clock_wall_s()) * USEC_S;
	return now + left;
}

static json_t *anchor_json(const struct anchor *a, usec_t now)
{
	return json_pack("{s:s,s:b,s:s,s:s,s:s,s:s,s:b,s:b,s:I,s:I,s:I}",
			 "name", a->name, "discover", (int)a->discovery.wanted,
			 "prefix", in6_prefix_str(&a->prefix).s, "hoa", in6_str(&a->hoa).s,
			 "ha", in6_str(&a->ha).s, "coa", in6_str(&a->coa).s,
			 "away", (int)(a->state != ANCHOR_ATTACHED),
			 "link_local", (int)a->link_local,
			 "sequence", (json_int_t)a->seq,
			 "valid_until", to_wall(a->valid_until, now),
			 "bound_until", to_wall(a->bound_until, now));
}

void mnd_store_save(struct mnd *d)
{
	usec_t now = clock_now();
	json_t *anchors = json_array(), *coas = json_array(), *root;
	char path[4096], *text;
	int r;

	for (const struct anchor *a = d->mn.anchors; a; a = a->next)
		if (a->state != ANCHOR_GONE)
			json_array_append_new(anchors, anchor_json(a, now));
	for (const struct mn_iface *i = d->mn.ifaces; i; i = i->next)
		if (i->coa_source == COA_OWN)
			json_array_append_new(coas, json_string(in6_str(&i->coa).s));
	if (!in6_is_any(&d->mn.wish))
		json_array_append_new(coas, json_string(in6_str(&d->mn.wish).s));
	root = json_pack("{s:i,s:o,s:o}", "schema", SCHEMA, "anchors", anchors,
			 "care_of", coas);
	text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
	json_decref(root);
	if (!text)
		return;
	file_name(d, path, sizeof(path));
	r = file_replace(path, text, strlen(text));
	free(text);
	if (r)
		log_warn("%s: not written: %s; a restart would break running flows", path,
			 strerror(-r));
}

static bool get_addr(const json_t *o, const char *key, struct in6_addr *ret)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s && in6_parse(s, ret) == 0;
}

static bool get_anchor(const json_t *o, struct mn_restore *r, usec_t now)
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
	r->away = json_is_true(json_object_get(o, "away"));
	r->link_local = json_is_true(json_object_get(o, "link_local"));
	r->valid_until = from_wall(json_integer_value(json_object_get(o, "valid_until")), now,
				   (usec_t)UINT32_MAX * USEC_S);
	r->bound_until = from_wall(json_integer_value(json_object_get(o, "bound_until")), now,
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

void mnd_store_load(struct mnd *d)
{
	usec_t now = clock_now();
	char path[4096], *text;
	unsigned int restored = 0;
	struct in6_addr coa;
	json_t *root, *o;
	size_t len, n;
	int r;

	file_name(d, path, sizeof(path));
	r = file_read(path, FILE_MAX, &text, &len);
	if (r == -ENOENT)
		return;
	if (r) {
		log_error("%s: not read: %s; starting without it", path, strerror(-r));
		return;
	}
	root = json_loadb(text, len, 0, NULL);
	free(text);
	if (!root || json_integer_value(json_object_get(root, "schema")) != SCHEMA ||
	    !json_is_array(json_object_get(root, "anchors"))) {
		set_aside(path, "is not a list of anchors of schema 1");
		json_decref(root);
		return;
	}
	json_array_foreach(json_object_get(root, "care_of"), n, o)
		if (json_is_string(o) && in6_parse(json_string_value(o), &coa) == 0)
			mn_restore_coa(&d->mn, &coa);
	json_array_foreach(json_object_get(root, "anchors"), n, o) {
		struct mn_restore a;

		/* One that ran out meanwhile is silently left behind. */
		if (!get_anchor(o, &a, now))
			continue;
		a.tunnelled = in_datapath(d, &a.hoa);
		restored += mn_restore(&d->mn, &a, now) == 0;
	}
	json_decref(root);
	if (restored)
		log_info("%u addresses of the earlier run found again", restored);
}
