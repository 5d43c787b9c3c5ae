/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys that were given out, in a file (recfile.c): what a record of it is. Called by store.c and
 * io.c. No copy of a secret stays behind here.
 */
#include "ha-agent/keyfile.h"

#include <errno.h>
#include <string.h>

struct record {
	struct in6_addr prefix, ha;
	int64_t issued, until;
	uint64_t number, timestamp;
	uint8_t secret[BOOT_KEY_LEN];
	char mn_id[BOOT_ID_MAX];
	uint32_t spi;
	uint8_t prefix_len, mode;
	uint16_t flags;
	uint8_t unused[84];		/* zero: a record is to be 256 octets */
	uint32_t check;			/* of all before it */
};
_Static_assert(sizeof(struct record) == 256, "a page holds whole records");

#define RECORD_THERE	1
#define RECORD_USED	2		/* a message came with it */

static const struct recfile_format format = {
	.name = "had.keys", .holds = "keys", .magic = 0x646d6b79U,	/* "dmky" */
	.version = 1, .size = sizeof(struct record), .secret = true,
};

int keyfile_open(const char *dir, char *why, size_t why_len, struct recfile **ret)
{
	return recfile_open(dir, &format, why, why_len, ret);
}

static uint32_t check_of(const struct record *r)
{
	return recfile_check(r, offsetof(struct record, check));
}

int keyfile_put(struct recfile *f, struct sa_record *r)
{
	struct record rec = {
		.prefix = r->prefix.addr, .prefix_len = r->prefix.len, .ha = r->ha,
		.issued = r->issued, .until = r->until, .number = r->number,
		.timestamp = r->timestamp,
		.spi = r->spi, .mode = (uint8_t)r->mode,
		.flags = (uint16_t)(RECORD_THERE | (r->used ? RECORD_USED : 0)),
	};
	int err;

	memcpy(rec.secret, r->secret, sizeof(rec.secret));
	memcpy(rec.mn_id, r->mn_id, sizeof(rec.mn_id));
	rec.check = check_of(&rec);
	err = recfile_put(f, &rec, &r->place);
	explicit_bzero(&rec, sizeof(rec));
	return err;
}

struct reading {
	void (*fn)(void *ctx, const struct sa_record *r);
	void *ctx;
};

static bool is_whole(const struct record *r)
{
	return r->check == check_of(r) && (r->flags & RECORD_THERE) && r->until >= 0 &&
	       r->mode < BOOT_MODE_MAX && r->prefix_len <= 128 &&
	       memchr(r->mn_id, '\0', sizeof(r->mn_id));
}

static int take(void *ctx, uint32_t place, const void *record)
{
	const struct reading *x = ctx;
	struct sa_record r = { .place = place };
	struct record rec;
	bool whole;

	memcpy(&rec, record, sizeof(rec));
	whole = is_whole(&rec);
	if (whole) {
		r.spi = rec.spi;
		r.prefix = (struct in6_prefix){ .addr = rec.prefix, .len = rec.prefix_len };
		r.ha = rec.ha;
		r.mode = (enum boot_mode)rec.mode;
		memcpy(r.mn_id, rec.mn_id, sizeof(r.mn_id));
		memcpy(r.secret, rec.secret, sizeof(r.secret));
		r.issued = rec.issued;
		r.until = rec.until;
		r.number = rec.number;
		r.timestamp = rec.timestamp;
		r.used = rec.flags & RECORD_USED;
		x->fn(x->ctx, &r);
	}
	explicit_bzero(&rec, sizeof(rec));
	explicit_bzero(&r, sizeof(r));
	return whole ? 0 : -EBADMSG;
}

int keyfile_each(struct recfile *f, void (*fn)(void *ctx, const struct sa_record *r), void *ctx)
{
	struct reading x = { .fn = fn, .ctx = ctx };

	return recfile_each(f, take, &x);
}
