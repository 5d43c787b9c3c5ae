/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verdict on a Proxy Binding Update, in the order of RFC 5213 5.3.1. Owns nothing, changes
 * nothing; called by lma.c.
 */
#include "ha-agent/pbu.h"

#include "common/core/in6.h"
#include "common/core/seq.h"
#include "ha-agent/bcache.h"
#include "ha-agent/prefix.h"

struct row {
	const char *name, *text;
	uint8_t status;
	bool drop;
};

static const struct row rows[PBU_MAX] = {
	[PBU_REGISTER] = { "register", "registered", BA_ACCEPTED, false },
	[PBU_DEREGISTER] = { "deregister", "de-registered", BA_ACCEPTED, false },
	[PBU_NO_BINDING] = { "no-binding", "there was no binding to de-register", BA_ACCEPTED,
			     false },
	[PBU_UNKNOWN_ROUTER] = { "unknown-router", "not from a router that is configured here",
				 0, true },
	[PBU_NO_AUTH] = { "no-authentication", "it is not signed", 0, true },
	[PBU_AUTH_ORDER] = { "authentication-order", "something follows its signature", 0, true },
	[PBU_UNKNOWN_SPI] = { "unknown-spi", "its SPI is not that of the router's key", 0, true },
	[PBU_LIMITED] = { "limited", "too many wrong ones came from there", 0, true },
	[PBU_BAD_AUTH] = { "bad-authentication", "its signature is wrong", 0, true },
	[PBU_NOT_CURRENT] = { "not-current", "de-registration by a router that is not the host's "
			      "any more", 0, true },
	[PBU_NO_MN_ID] = { "no-identifier", "it does not say which host", BA_MISSING_MN_ID,
			   false },
	[PBU_NOT_ANCHOR] = { "not-anchor", "that host has no prefix from here", BA_NOT_ANCHOR,
			     false },
	[PBU_NOT_ENABLED] = { "not-enabled", "that host gets no mobility service",
			      BA_PROXY_NOT_ENABLED, false },
	[PBU_TIMESTAMP_MISMATCH] = { "timestamp-mismatch", "its time stamp is not close enough to "
				     "the clock", BA_TIMESTAMP_MISMATCH, false },
	[PBU_TIMESTAMP_LOWER] = { "timestamp-lower", "a newer one came before", BA_TIMESTAMP_LOWER,
				  false },
	[PBU_MOVED_ON] = { "moved-on", "another router has the host now", BA_TIMESTAMP_LOWER,
			   false },
	[PBU_SEQUENCE] = { "sequence", "its sequence number is out of window",
			   BA_SEQ_OUT_OF_WINDOW, false },
	[PBU_NO_PREFIX] = { "no-prefix", "it names no prefix", BA_MISSING_PREFIX, false },
	[PBU_NO_HANDOFF] = { "no-handoff-indicator", "it has no handoff indicator",
			     BA_MISSING_HANDOFF_INDICATOR, false },
	[PBU_NO_ACCESS_TYPE] = { "no-access-type", "it has no access technology type",
				 BA_MISSING_ACCESS_TYPE, false },
	[PBU_NO_HOME_REG] = { "no-home-registration", "the flag of a home registration is not set",
			      BA_NO_HOME_REG, false },
	[PBU_ASKS_FOR_PREFIX] = { "asks-for-prefix", "each router gives out prefixes of its own: "
				  "there is none by request", BA_RESOURCES, false },
	[PBU_NOT_AUTHORIZED] = { "not-authorized", "a prefix is not that host's",
				 BA_PREFIX_NOT_AUTHORIZED, false },
	[PBU_PREFIX_SET] = { "prefix-set", "its prefixes are not those of the host's session",
			     BA_PREFIX_SET_MISMATCH, false },
	[PBU_COA] = { "care-of-address", "its care-of address is not the router's own",
		      BA_INVALID_COA, false },
	[PBU_REVOKING] = { "revoking", "the binding is being revoked", BA_PROHIBITED, false },
	[PBU_DRAINING] = { "draining", "nothing new is begun before a stop", BA_PROHIBITED,
			   false },
	[PBU_TABLE_FULL] = { "table-full", "the binding cache is full", BA_RESOURCES, false },
	[PBU_DATAPATH] = { "data-path", "the data path could not be set", BA_UNSPECIFIED, false },
};

const char *pbu_name(enum pbu_reason r)
{
	return r < PBU_MAX ? rows[r].name : "?";
}

const char *pbu_text(enum pbu_reason r)
{
	return r < PBU_MAX ? rows[r].text : "?";
}

uint8_t pbu_status(enum pbu_reason r)
{
	return r < PBU_MAX ? rows[r].status : BA_UNSPECIFIED;
}

bool pbu_is_drop(enum pbu_reason r)
{
	return r < PBU_MAX && rows[r].drop;
}

uint64_t pbu_time(int64_t wall_us)
{
	uint64_t us = (uint64_t)wall_us;

	return us / USEC_S << 16 | (us % USEC_S << 16) / USEC_S;
}

/* Differences are small next to the whole range: modulo 2^64, as a signed number. */
static int64_t time_between(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b);
}

bool pbu_time_close(uint64_t a, uint64_t b, usec_t window)
{
	int64_t off = time_between(a, b), most = (int64_t)pbu_time(window);

	return off <= most && off >= -most;
}

/* RFC 5213 4: authenticated, by the key of the router that it says it is from. */
static enum pbu_reason authenticate(const struct pbu_in *in)
{
	const struct mh_auth *a = &in->msg->opts.mn_ha;

	if (!in->peer)
		return PBU_UNKNOWN_ROUTER;
	if (!a->present)
		return PBU_NO_AUTH;
	/* RFC 4285 5: what follows is not covered. */
	if (!a->last)
		return PBU_AUTH_ORDER;
	if (a->spi != in->peer->auth.spi)
		return PBU_UNKNOWN_SPI;
	if (in->too_many_wrong)
		return PBU_LIMITED;
	if (!auth_mn_ha_right(&in->peer->auth, &in->ip->src, &in->ip->dst, in->mh, a->covered,
			      a->data, a->len))
		return PBU_BAD_AUTH;
	return PBU_REGISTER;
}

/* 5.3.1 4, 6 to 8: who the host is, and that it is served here. */
static enum pbu_reason identify(const struct pbu_in *in)
{
	if (!in->msg->opts.has_mn_id)
		return PBU_NO_MN_ID;
	if (!in->mn_known)
		return PBU_NOT_ANCHOR;
	if (in->mn_refused)
		return PBU_NOT_ENABLED;
	return PBU_REGISTER;
}

/* 5.5: greater than all time stamps of the host's bindings, or a newer sequence number. */
static enum pbu_reason order(const struct pbu_in *in, struct pbu_verdict *ret)
{
	const struct mh_opts *o = &in->msg->opts;

	if (o->has_timestamp && !pbu_time_close(o->timestamp, in->wall, in->window)) {
		ret->timestamp = in->wall;
		return PBU_TIMESTAMP_MISMATCH;
	}
	for (unsigned int i = 0; i < o->n_prefixes; i++) {
		const struct binding *b = in->prefixes[i].binding;

		if (!b)
			continue;
		if (o->has_timestamp) {
			if (b->timestamp != 0 && time_between(o->timestamp, b->timestamp) <= 0) {
				ret->timestamp = in->wall;
				return PBU_TIMESTAMP_LOWER;
			}
		} else if (b->timestamp != 0 || !seq_newer(in->msg->u.bu.seq, b->sequence)) {
			/* Who has used time stamps is not to be overtaken without one. */
			ret->sequence = b->sequence;
			return PBU_SEQUENCE;
		}
	}
	return PBU_REGISTER;
}

/* 5.3.1 10 to 12: what has to be there. */
static enum pbu_reason complete(const struct pbu_in *in)
{
	const struct mh_opts *o = &in->msg->opts;

	if (o->n_prefixes == 0)
		return PBU_NO_PREFIX;
	if (!o->has_handoff)
		return PBU_NO_HANDOFF;
	if (!o->has_access_type)
		return PBU_NO_ACCESS_TYPE;
	if (!(in->msg->u.bu.flags & BU_HOME))
		return PBU_NO_HOME_REG;
	return PBU_REGISTER;
}

/* 5.3.2 1 to 3: each prefix is given out here, and to this host. */
static enum pbu_reason authorize(const struct pbu_in *in)
{
	const struct mh_opts *o = &in->msg->opts;

	for (unsigned int i = 0; i < o->n_prefixes; i++) {
		if (o->prefixes[i].len == 0 || in6_is_any(&o->prefixes[i].addr))
			return PBU_ASKS_FOR_PREFIX;
		if (!in->prefixes[i].lease || !in->prefixes[i].of_mn)
			return PBU_NOT_AUTHORIZED;
	}
	/* A proxy care-of address that is not the router's own would have the host's packets go
	 * to somebody who has not asked for them. */
	if (o->has_alt_coa && !in6_eq(&o->alt_coa, &in->ip->src))
		return PBU_COA;
	return PBU_REGISTER;
}

struct found {
	unsigned int bound, here, revoking, no_way;	/* of the prefixes that are named */
};

static bool names_twice(const struct mh_opts *o)
{
	for (unsigned int i = 0; i < o->n_prefixes; i++)
		for (unsigned int j = 0; j < i; j++)
			if (in6_eq(&o->prefixes[i].addr, &o->prefixes[j].addr))
				return true;
	return false;
}

static struct found look(const struct pbu_in *in)
{
	struct found f = { 0 };

	for (unsigned int i = 0; i < in->msg->opts.n_prefixes; i++) {
		const struct binding *b = in->prefixes[i].binding;

		f.no_way += in->prefixes[i].no_way;
		if (!b || !binding_carries(b))
			continue;
		f.bound++;
		f.here += in6_eq(&b->coa, &in->ip->src);
		f.revoking += b->state == BINDING_REVOKING;
	}
	return f;
}

/* 5.3.5 */
static enum pbu_reason deregister(const struct found *f)
{
	if (f->bound == 0)
		return PBU_NO_BINDING;
	return f->here < f->bound ? PBU_NOT_CURRENT : PBU_DEREGISTER;
}

static enum pbu_reason judge(const struct pbu_in *in, struct pbu_verdict *ret)
{
	enum pbu_reason r = authenticate(in);
	struct found f = look(in);

	if (r == PBU_REGISTER)
		r = identify(in);
	if (r == PBU_REGISTER)
		r = complete(in);
	if (r == PBU_REGISTER)
		r = authorize(in);
	/* 5.3.5 1: ignored, so that a router that is late does not end what another has. */
	if (r == PBU_REGISTER && in->msg->u.bu.lifetime == 0 && deregister(&f) == PBU_NOT_CURRENT)
		return PBU_NOT_CURRENT;
	if (r == PBU_REGISTER)
		r = order(in, ret);
	if (r != PBU_REGISTER)
		return r;
	if (in->msg->u.bu.lifetime == 0)
		return deregister(&f);
	/* 8.4: with "no change" a binding is extended, and none is moved. */
	if (in->msg->opts.handoff == HANDOFF_NONE && f.here < f.bound)
		return PBU_MOVED_ON;
	/* 5.4.1.1: a session is the set of its prefixes. */
	if (f.bound < in->n_bound || names_twice(&in->msg->opts))
		return PBU_PREFIX_SET;
	if (f.revoking > 0)
		return PBU_REVOKING;
	if (in->draining && f.bound < in->msg->opts.n_prefixes)
		return PBU_DRAINING;
	if (in->msg->opts.n_prefixes - f.bound > in->room || f.no_way > 0)
		return PBU_TABLE_FULL;
	return PBU_REGISTER;
}

void pbu_verdict(const struct pbu_in *in, struct pbu_verdict *ret)
{
	const usec_t unit = MIP6_LIFETIME_UNIT_S * USEC_S;
	usec_t most = in->max_lifetime / unit;

	*ret = (struct pbu_verdict){
		/* 5.3.6: as they came, but for what order() has to say. */
		.sequence = in->msg->u.bu.seq, .timestamp = in->msg->opts.timestamp,
	};
	ret->reason = judge(in, ret);
	ret->status = pbu_status(ret->reason);
	if (ret->reason != PBU_REGISTER)
		return;
	/* 5.3.1, RFC 6275 9.5.1: as asked for, or less. */
	ret->lifetime = in->msg->u.bu.lifetime;
	if (ret->lifetime > most)
		ret->lifetime = (uint16_t)(most > 0 ? most : 1);
}
