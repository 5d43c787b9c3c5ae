/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bindings in a file (recfile.c): what a record of it is. Called by store.c and io.c.
 *
 * A binding changes with each Binding Update, and what is acknowledged has to outlive a kill.
 */
#include "ha-agent/bindfile.h"

#include <errno.h>
#include <string.h>

struct record {
	struct in6_addr hoa, coa;
	int64_t expires;
	uint64_t timestamp;		/* zero in the records of earlier versions */
	uint32_t lifetime_s;
	uint32_t spi;
	uint16_t sequence;
	uint16_t flags;			/* RECORD_USED and what else a binding is */
	uint32_t check;			/* of all before it */
};
_Static_assert(sizeof(struct record) == 64, "a page holds whole records");

#define RECORD_USED	1
#define RECORD_LINKLOCAL	2	/* L was set */
#define RECORD_UNVERIFIED	8	/* nobody has answered from the care-of address */
#define RECORD_BY_ROUTER	16	/* of a prefix, by another router */
#define RECORD_PAST	4	/* instead of USED, for earlier versions know no such binding */

static const struct recfile_format format = {
	.name = "had.bindings", .holds = "bindings", .magic = 0x646d6270U,	/* "dmbp" */
	.version = 1, .size = sizeof(struct record),
};

int bindfile_open(const char *dir, char *why, size_t why_len, struct recfile **ret)
{
	return recfile_open(dir, &format, why, why_len, ret);
}

/* A prefix leaves half of its address free: there is what tells the host's interface. */
enum { AT_LINK_LAYER = 8, AT_ACCESS_TYPE = 14, AT_BID = 15 };

static uint32_t check_of(const struct record *r)
{
	return recfile_check(r, offsetof(struct record, check));
}

int bindfile_put(struct recfile *f, struct ha_binding_record *r)
{
	struct record rec = {
		.hoa = r->hoa, .coa = r->coa, .expires = r->expires,
		.lifetime_s = r->lifetime_s, .spi = r->spi, .sequence = r->sequence,
		.timestamp = r->timestamp,
		.flags = (uint16_t)((r->past ? RECORD_PAST : RECORD_USED) |
				    (r->by_router ? RECORD_BY_ROUTER : 0) |
				    (r->linklocal ? RECORD_LINKLOCAL : 0) |
				    (r->unverified ? RECORD_UNVERIFIED : 0)),
	};

	if (r->by_router) {
		memcpy(rec.hoa.s6_addr + AT_LINK_LAYER, r->link_layer, sizeof(r->link_layer));
		rec.hoa.s6_addr[AT_ACCESS_TYPE] = r->access_type;
		rec.hoa.s6_addr[AT_BID] = (uint8_t)r->bid;
	}
	rec.check = check_of(&rec);
	return recfile_put(f, &rec, &r->place);
}

struct reading {
	void (*fn)(void *ctx, const struct ha_binding_record *r);
	void *ctx;
};

static int take(void *ctx, uint32_t place, const void *record)
{
	const struct reading *x = ctx;
	struct ha_binding_record r;
	struct record rec;

	memcpy(&rec, record, sizeof(rec));
	if (rec.check != check_of(&rec) || !(rec.flags & (RECORD_USED | RECORD_PAST)) ||
	    rec.expires < 0)
		return -EBADMSG;
	r = (struct ha_binding_record){
		.hoa = rec.hoa, .coa = rec.coa, .sequence = rec.sequence, .spi = rec.spi,
		.lifetime_s = rec.lifetime_s, .expires = rec.expires, .place = place,
		.linklocal = rec.flags & RECORD_LINKLOCAL,
		.by_router = rec.flags & RECORD_BY_ROUTER, .timestamp = rec.timestamp,
		.unverified = rec.flags & RECORD_UNVERIFIED, .past = rec.flags & RECORD_PAST,
	};
	if (r.by_router) {
		memcpy(r.link_layer, rec.hoa.s6_addr + AT_LINK_LAYER, sizeof(r.link_layer));
		r.access_type = rec.hoa.s6_addr[AT_ACCESS_TYPE];
		r.bid = rec.hoa.s6_addr[AT_BID];
		in6_mask(&r.hoa, BCACHE_PREFIX);
	}
	x->fn(x->ctx, &r);
	return 0;
}

int bindfile_each(struct recfile *f, void (*fn)(void *ctx, const struct ha_binding_record *r),
		  void *ctx)
{
	struct reading x = { .fn = fn, .ctx = ctx };

	return recfile_each(f, take, &x);
}
