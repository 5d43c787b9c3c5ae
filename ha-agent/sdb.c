/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Session records as values: their one text form, their order, and who may store what. Owns
 * nothing, pure; called by the backends (sdb_sqlite.c, sdb_redis.c) and by whoever shows records.
 * RFC 4283 for the MN-ID, RFC 5213 8.5 for the access type.
 *
 * The text is what stands in the database: a person can read it there, and every backend keeps
 * the same. What comes back is not trusted: a field that is missing, out of its place, out of its
 * range or not in the form that we write makes the whole record one that cannot be understood.
 */
#include "ha-agent/sdb.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA		1
#define VERSION_TEXT	33		/* two numbers of 16 digits, and the point */

static const char *const states[SDB_STATE_MAX] = {
	[SDB_ACTIVE] = "active", [SDB_RELEASED] = "released",
};
static const char *const accesses[SDB_ACCESS_MAX] = {
	[SDB_ALLOWED] = "allowed", [SDB_REFUSED] = "refused", [SDB_LOCAL_ONLY] = "local-only",
};
static const char *const resets[SDB_RESET_MAX] = {
	[SDB_RESET_LINK] = "link", [SDB_RESET_SERVER] = "server", [SDB_RESET_RESTORED] = "restored",
};

const char *sdb_state_str(enum sdb_state s)
{
	return states[s];
}

const char *sdb_access_str(enum sdb_access a)
{
	return accesses[a];
}

const char *sdb_reset_str(enum sdb_reset r)
{
	return resets[r];
}

static int parse_word(const char *const *words, unsigned int n, const char *s, unsigned int *ret)
{
	for (unsigned int i = 0; i < n; i++) {
		if (strcmp(s, words[i]) == 0) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

int sdb_access_parse(const char *s, enum sdb_access *ret)
{
	unsigned int i;

	if (parse_word(accesses, SDB_ACCESS_MAX, s, &i) < 0)
		return -EINVAL;
	*ret = (enum sdb_access)i;
	return 0;
}

int sdb_number(const char *s, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;

	if (!*s || (s[0] == '0' && s[1]))
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		n = n * 10 + (uint64_t)(*s - '0');
		if (n > max)
			return -EINVAL;
	}
	*ret = n;
	return 0;
}

/* ---- MN-ID ---- */

static bool is_plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-._@+=", c));
}

struct sdb_mn_text sdb_mn_id_str(const struct sdb_mn_id *id)
{
	struct sdb_mn_text t;
	int n = snprintf(t.s, sizeof(t.s), "%u:", id->subtype);
	char *p = t.s + n;

	for (unsigned int i = 0; i < id->len && i < SDB_MN_ID_MAX; i++) {
		if (is_plain(id->data[i])) {
			*p++ = (char)id->data[i];
			continue;
		}
		(void)snprintf(p, 4, "%%%02X", id->data[i]);
		p += 3;
	}
	*p = '\0';
	return t;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* People write policies: %XX is taken for any octet, in either case. */
int sdb_mn_id_parse(const char *s, struct sdb_mn_id *ret)
{
	struct sdb_mn_id id = { 0 };
	const char *colon = strchr(s, ':');
	char subtype[4] = "";
	uint64_t n;

	if (!colon || colon == s || colon - s > 3)
		return -EINVAL;
	memcpy(subtype, s, (size_t)(colon - s));
	if (sdb_number(subtype, UINT8_MAX, &n) < 0)
		return -EINVAL;
	id.subtype = (uint8_t)n;
	for (s = colon + 1; *s; s++) {
		int high, low;

		if (id.len == SDB_MN_ID_MAX)
			return -EINVAL;
		if (*s != '%') {
			if (!is_plain((uint8_t)*s))
				return -EINVAL;
			id.data[id.len++] = (uint8_t)*s;
			continue;
		}
		high = hex_digit(s[1]);
		low = high < 0 ? -1 : hex_digit(s[2]);
		if (low < 0)
			return -EINVAL;
		id.data[id.len++] = (uint8_t)(high << 4 | low);
		s += 2;
	}
	if (id.len == 0)
		return -EINVAL;
	*ret = id;
	return 0;
}

/* ---- records ---- */

int sdb_version_cmp(const struct sdb_version *a, const struct sdb_version *b)
{
	if (a->epoch != b->epoch)
		return a->epoch < b->epoch ? -1 : 1;
	if (a->counter != b->counter)
		return a->counter < b->counter ? -1 : 1;
	return 0;
}

int sdb_record_check(const struct sdb_record *r)
{
	struct in6_addr masked = r->prefix.addr;

	in6_mask(&masked, 64);
	if (r->mn_id.len < 1 || r->mn_id.len > SDB_MN_ID_MAX || r->prefix.len != 64 ||
	    !in6_eq(&masked, &r->prefix.addr) || !in6_is_routable(&r->prefix.addr) ||
	    !in6_is_routable(&r->anchor) || (unsigned int)r->state >= SDB_STATE_MAX ||
	    r->lifetime_s < 1 || r->lifetime_s > SDB_LIFETIME_MAX)
		return -EINVAL;
	if (!in6_is_any(&r->proxy_coa) && !in6_is_routable(&r->proxy_coa))
		return -EINVAL;
	if (!in6_is_any(&r->linklocal) && !in6_is_linklocal(&r->linklocal))
		return -EINVAL;
	return 0;
}

bool sdb_record_same(const struct sdb_record *a, const struct sdb_record *b)
{
	return sdb_mn_id_eq(&a->mn_id, &b->mn_id) && in6_prefix_eq(&a->prefix, &b->prefix) &&
	       in6_eq(&a->anchor, &b->anchor) && in6_eq(&a->proxy_coa, &b->proxy_coa) &&
	       a->state == b->state && in6_eq(&a->linklocal, &b->linklocal) &&
	       memcmp(a->mac, b->mac, sizeof(a->mac)) == 0 && a->access_type == b->access_type &&
	       sdb_version_cmp(&a->version, &b->version) == 0;
}

struct sdb_text sdb_record_str(const struct sdb_record *r)
{
	struct sdb_text t;

	(void)snprintf(t.s, sizeof(t.s),
		       "v=%d mn=%s prefix=%s anchor=%s proxy-coa=%s state=%s lifetime=%" PRIu32
		       " linklocal=%s mac=%s access=%u version=%016" PRIx64 ".%016" PRIx64,
		       SCHEMA, sdb_mn_id_str(&r->mn_id).s, in6_prefix_str(&r->prefix).s,
		       in6_str(&r->anchor).s, in6_str(&r->proxy_coa).s, states[r->state],
		       r->lifetime_s, in6_str(&r->linklocal).s, mac_str(r->mac).s, r->access_type,
		       r->version.epoch, r->version.counter);
	return t;
}

static int hex_number(const char *s, uint64_t *ret)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < 16; i++) {
		int d = hex_digit(s[i]);

		if (d < 0 || (s[i] >= 'A' && s[i] <= 'F'))
			return -EINVAL;
		n = n << 4 | (uint64_t)d;
	}
	*ret = n;
	return 0;
}

/* The value of the next field, which is to have this name, zero-terminated; NULL: it is not that
 * field. */
static char *next_field(char **at, const char *name)
{
	char *field = strsep(at, " ");
	size_t n = strlen(name);

	if (!field || strncmp(field, name, n) != 0 || field[n] != '=')
		return NULL;
	return field + n + 1;
}

static int parse_address_fields(char **at, struct sdb_record *r)
{
	const char *mn = next_field(at, "mn");
	const char *prefix = mn ? next_field(at, "prefix") : NULL;
	const char *anchor = prefix ? next_field(at, "anchor") : NULL;
	const char *coa = anchor ? next_field(at, "proxy-coa") : NULL;

	if (!coa || sdb_mn_id_parse(mn, &r->mn_id) < 0 ||
	    in6_prefix_parse(prefix, &r->prefix) < 0 || in6_parse(anchor, &r->anchor) < 0 ||
	    in6_parse(coa, &r->proxy_coa) < 0)
		return -EINVAL;
	return 0;
}

static int parse_other_fields(char **at, struct sdb_record *r)
{
	const char *state = next_field(at, "state");
	const char *lifetime = state ? next_field(at, "lifetime") : NULL;
	const char *linklocal = lifetime ? next_field(at, "linklocal") : NULL;
	const char *mac = linklocal ? next_field(at, "mac") : NULL;
	const char *access = mac ? next_field(at, "access") : NULL;
	const char *version = access ? next_field(at, "version") : NULL;
	unsigned int word;
	uint64_t seconds, type;

	if (!version || *at || parse_word(states, SDB_STATE_MAX, state, &word) < 0 ||
	    sdb_number(lifetime, SDB_LIFETIME_MAX, &seconds) < 0 ||
	    in6_parse(linklocal, &r->linklocal) < 0 || mac_parse(mac, r->mac) < 0 ||
	    sdb_number(access, UINT8_MAX, &type) < 0 || strlen(version) != VERSION_TEXT ||
	    hex_number(version, &r->version.epoch) < 0 || version[16] != '.' ||
	    hex_number(version + 17, &r->version.counter) < 0)
		return -EINVAL;
	r->state = (enum sdb_state)word;
	r->lifetime_s = (uint32_t)seconds;
	r->access_type = (uint8_t)type;
	return 0;
}

int sdb_record_parse(const char *s, struct sdb_record *ret)
{
	struct sdb_record r = { 0 };
	char room[SDB_TEXT_MAX], *at = room;
	const char *schema;
	uint64_t n;

	if (strnlen(s, sizeof(room)) >= sizeof(room))
		return -EINVAL;
	(void)snprintf(room, sizeof(room), "%s", s);
	schema = next_field(&at, "v");
	if (!schema || sdb_number(schema, UINT32_MAX, &n) < 0 || n < 1)
		return -EINVAL;
	if (n > SCHEMA)
		return -EPROTONOSUPPORT;
	if (parse_address_fields(&at, &r) < 0 || parse_other_fields(&at, &r) < 0 ||
	    sdb_record_check(&r) < 0)
		return -EINVAL;
	/* One text for each record: the databases compare and find by it. */
	if (strcmp(sdb_record_str(&r).s, s) != 0)
		return -EINVAL;
	*ret = r;
	return 0;
}

/* ---- who may store what ---- */

int sdb_record_decide(const struct sdb_record *r, const struct sdb_record *stored,
		      const struct sdb_record *holder)
{
	int order;

	if (stored) {
		if (!in6_eq(&stored->anchor, &r->anchor))
			return -ESTALE;
		order = sdb_version_cmp(&r->version, &stored->version);
		if (order < 0 || (order == 0 && !sdb_record_same(r, stored)))
			return -ESTALE;
	}
	return r->state == SDB_ACTIVE && holder ? -EEXIST : 0;
}

int sdb_record_renewable(const struct sdb_record *r, const struct sdb_record *stored)
{
	if (!stored)
		return -ENOENT;
	return sdb_record_same(r, stored) && r->state == SDB_ACTIVE ? 0 : -ESTALE;
}
