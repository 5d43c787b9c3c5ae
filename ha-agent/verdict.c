/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verdict on a Binding Update. Owns nothing, changes nothing; called by update.c.
 * RFC 6275 9.5.1, 10.3.1, 10.3.2; RFC 4285 section 5.
 */
#include "ha-agent/verdict.h"

#include <string.h>

#include "common/core/seq.h"
#include "ha-agent/sa.h"

#define UNIT	(MIP6_LIFETIME_UNIT_S * USEC_S)
#define DROP	255	/* no acknowledgement; not a status of the registry's in use */

static const struct {
	const char *name, *text;
	uint8_t status;
} reasons[VERDICT_MAX] = {
	[VERDICT_REGISTER] = { "registered", "registered", BA_ACCEPTED },
	[VERDICT_DEREGISTER] = { "deregistered", "de-registered", BA_ACCEPTED },
	[VERDICT_SOURCE] = { "source", "source is not a unicast address", DROP },
	[VERDICT_NO_HAO] = { "no-home-address", "registration without a Home Address option",
			     DROP },
	[VERDICT_HOA_UNROUTABLE] = { "home-address-unroutable",
				     "home address is not unicast routable", DROP },
	[VERDICT_COA_UNROUTABLE] = { "care-of-unroutable",
				     "care-of address is not unicast routable", DROP },
	[VERDICT_NONCE_INDICES] = { "nonce-indices",
				    "home registration with a Nonce Indices option", DROP },
	[VERDICT_NO_AUTH] = { "no-authentication", "no MN-HA authentication option", DROP },
	[VERDICT_AUTH_ORDER] = { "authentication-order",
				 "authentication options in a wrong place", DROP },
	[VERDICT_UNKNOWN_SPI] = { "unknown-spi", "no key with this SPI", DROP },
	[VERDICT_LIMITED] = { "limited", "too many wrong ones from this network to look at each",
			      DROP },
	[VERDICT_BAD_AUTH] = { "bad-authentication", "authentication data is wrong", DROP },
	[VERDICT_NOT_HOME_REG] = { "not-home-registration",
				   "not a home registration, and no Nonce Indices option", DROP },
	[VERDICT_NOT_PROTECTED] = { "not-protected", "not protected by IPsec", DROP },
	[VERDICT_NO_ALT_COA] = { "no-alternate-care-of",
				 "protected by IPsec, but the care-of address is not", DROP },
	[VERDICT_AUTH_FAIL] = { "authentication-failed", "authentication data is wrong",
				BA_AUTH_FAIL },
	[VERDICT_OTHER_MN] = { "other-mobile-node",
			       "the key is not that of the prefix's mobile node",
			       BA_NOT_HOME_AGENT },
	[VERDICT_OTHER_KEY] = { "other-key", "the home address is bound by another key",
				BA_PROHIBITED },
	[VERDICT_DOWNGRADE] = { "downgrade",
				"signed by HMAC-SHA1-96, and the host has a better key",
				BA_PROHIBITED },
	[VERDICT_OTHER_PREFIX] = { "other-prefix", "the key was given out for another prefix",
				   BA_NOT_HOME_AGENT },
	[VERDICT_OTHER_ADDRESS] = { "other-address",
				    "the key was given out for another address of ours",
				    BA_NOT_HOME_AGENT },
	[VERDICT_KEY_EXPIRED] = { "key-expired", "the lifetime of the key is over",
				  BA_REINIT_SA },
	[VERDICT_NO_TIMESTAMP] = { "no-timestamp", "the key asks for a time stamp",
				   BA_MESG_ID_REQUIRED },
	[VERDICT_TIMESTAMP] = { "timestamp",
				"time stamp is not close to our clock, or not newer than the last",
				BA_ID_MISMATCH },
	[VERDICT_SEQUENCE] = { "sequence", "sequence number is not newer than the last",
			       BA_SEQ_OUT_OF_WINDOW },
	[VERDICT_TYPE_CHANGE] = { "type-change", "registration type may not change",
				  BA_TYPE_CHANGE },
	[VERDICT_NONCES] = { "nonces",
			     "not a home registration, and we keep no nonces",
			     BA_EXPIRED_NONCES },
	[VERDICT_HOME_NONCE] = { "home-nonce",
				 "not a home de-registration, and we keep no nonces",
				 BA_EXPIRED_HOME_NONCE },
	[VERDICT_NO_BINDING] = { "no-binding", "nothing is registered for this home address",
				 BA_NOT_HOME_AGENT },
	[VERDICT_NO_HOME_REG] = { "no-home-registration",
				  "no new home registrations are taken", BA_NO_HOME_REG },
	[VERDICT_NOT_SUBNET] = { "not-home-subnet", "home address is not of this home agent",
				 BA_NOT_HOME_SUBNET },
	[VERDICT_OTHER_HOME] = { "other-home",
				 "home address is not of the prefix of the home agent address",
				 BA_NOT_HOME_SUBNET },
	[VERDICT_HOA_RESERVED] = { "home-address-reserved",
				   "home address is the home agent's own, or an anycast one",
				   BA_PROHIBITED },
	[VERDICT_NOT_ALLOCATED] = { "not-allocated", "the prefix was never given out",
				    BA_NOT_HOME_SUBNET },
	[VERDICT_LEASE_OVER] = { "lease-over", "the lifetime of the prefix is over",
				 BA_NOT_HOME_SUBNET },
	[VERDICT_COA_AT_HOME] = { "care-of-at-home",
				  "care-of address lies in the home address's own prefix",
				  BA_PROHIBITED },
	[VERDICT_COA_IS_HA] = { "care-of-is-home-agent",
				"care-of address is the home agent's own", BA_PROHIBITED },
	[VERDICT_COA_BOUND] = { "care-of-is-bound",
				"care-of address is a home address that is away itself",
				BA_PROHIBITED },
	[VERDICT_REVOKING] = { "revoking", "the binding is being revoked", BA_PROHIBITED },
	[VERDICT_TABLE_FULL] = { "table-full", "the binding cache is full", BA_RESOURCES },
	[VERDICT_MN_LIMIT] = { "mobile-node-limit",
			       "too many home addresses of one mobile node", BA_RESOURCES },
	[VERDICT_DUPLICATE] = { "duplicate", "the home address is in use on the home link",
				BA_DAD_FAILED },
	/* What the kernel says fits no other status. */
	[VERDICT_DATAPATH] = { "data-path", "the data path could not take the binding",
			       BA_UNSPECIFIED },
};

const char *verdict_name(enum verdict_reason r)
{
	return r < VERDICT_MAX ? reasons[r].name : "?";
}

const char *verdict_text(enum verdict_reason r)
{
	return r < VERDICT_MAX ? reasons[r].text : "?";
}

uint8_t verdict_status(enum verdict_reason r)
{
	return r < VERDICT_MAX ? reasons[r].status : BA_UNSPECIFIED;
}

bool verdict_is_drop(enum verdict_reason r)
{
	return verdict_status(r) == DROP;
}

bool verdict_is_valid(enum verdict_reason r)
{
	return r == VERDICT_REGISTER || r == VERDICT_DEREGISTER || r >= VERDICT_NO_BINDING;
}

int verdict_key_rank(const struct ha_key *key, const struct in6_addr *hoa,
		     const struct lease *lease)
{
	if (key->sa)
		return in6_in(&key->sa->prefix, hoa);
	for (unsigned int i = 0; i < key->n_hoas; i++)
		if (in6_eq(&key->hoas[i], hoa))
			return 3;
	if (!key->has_mn)
		return key->n_hoas == 0;
	return lease && memcmp(key->mn, lease->mac, sizeof(key->mn)) == 0 ? 2 : 0;
}

bool verdict_key_allows(const struct ha_key *key, const struct in6_addr *hoa,
			const struct lease *lease)
{
	return verdict_key_rank(key, hoa, lease) > 0;
}

static bool is_shared(const struct verdict_in *in)
{
	return in->home && in->home->cfg.mode == HOME_SHARED;
}

void verdict_addresses(const struct ip6_packet *ip, const struct mh_msg *msg,
		       struct in6_addr *ret_hoa, struct in6_addr *ret_coa)
{
	/* RFC 6275 9.5.1: from the options where they are present, else the source. */
	*ret_hoa = ip->has_hao ? ip->hao : ip->src;
	*ret_coa = msg->opts.has_alt_coa ? msg->opts.alt_coa : ip->src;
}

/* RFC 6275 10.3.2: lifetime zero, or the care-of address is the home address. */
static bool is_deregistration(const struct verdict_in *in, const struct verdict *v)
{
	return in->msg->u.bu.lifetime == 0 || in6_eq(&v->coa, &v->hoa);
}

/* What is wrong with the message before anybody looks at its key; VERDICT_MAX: nothing. */
static enum verdict_reason check_structure(const struct verdict_in *in, const struct verdict *v)
{
	const struct mh_opts *o = &in->msg->opts;

	if (in->policy->ipsec_required && !in->protected_by_ipsec)
		return VERDICT_NOT_PROTECTED;
	/* RFC 6275 9.5.4: from no unicast address, nothing. Link-local is not enough: the
	 * answer goes by the routing table. */
	if (!in6_is_routable(&in->ip->src))
		return VERDICT_SOURCE;
	/* RFC 6275 10.3.1 wants the option; 10.3.2 lets it be left out at home, for a
	 * de-registration. */
	if (!in->ip->has_hao && !is_deregistration(in, v))
		return VERDICT_NO_HAO;
	/* RFC 6275 9.5.1: a unicast routable home address. */
	if (!in6_is_routable(&v->hoa))
		return VERDICT_HOA_UNROUTABLE;
	/* RFC 6275 6.1.7: nor an answer for a care-of address that is not unicast routable. */
	if (!in6_is_routable(&v->coa))
		return VERDICT_COA_UNROUTABLE;
	/* RFC 6275 9.5.1: a home registration has no Nonce Indices option. */
	if ((in->msg->u.bu.flags & BU_HOME) && o->has_nonce_indices)
		return VERDICT_NONCE_INDICES;
	/* RFC 3776 4.1: ESP covers nothing in front of it; where a mobile node is away, its
	 * care-of address counts only inside of the message. */
	if (in->protected_by_ipsec && in->ip->has_hao && !o->has_alt_coa)
		return VERDICT_NO_ALT_COA;
	/* RFC 4285 5: without the option, silence. */
	if (!o->mn_ha.present)
		return (in->may_be_unauthenticated || in->protected_by_ipsec) &&
		       !o->mn_aaa.present ? VERDICT_MAX : VERDICT_NO_AUTH;
	/* RFC 4285 5, 5.1: MN-HA is the last option, or MN-AAA is and MN-HA stands before. */
	if (o->mn_aaa.present ? !o->mn_aaa.last || o->mn_ha.last : !o->mn_ha.last)
		return VERDICT_AUTH_ORDER;
	return VERDICT_MAX;
}

static enum verdict_reason check_authentication(const struct verdict_in *in,
						const struct verdict *v)
{
	const struct mh_auth *a = &in->msg->opts.mn_ha;

	if (!a->present)
		return VERDICT_MAX;
	/* RFC 4285 5.1.1: no security association, no answer. */
	if (!in->key)
		return VERDICT_UNKNOWN_SPI;
	/* RFC 6275 15.4.5: what it costs to refuse has an end. */
	if (in->too_many_wrong)
		return VERDICT_LIMITED;
	if (auth_mn_ha_right(&in->key->auth, &v->coa, &v->hoa, in->mh, a->covered, a->data,
			     a->len))
		return VERDICT_MAX;
	/* RFC 4285 5.1.1 wants status 146 here. It would make us sign what strangers wrote,
	 * so that answer must be asked for. */
	return in->policy->answer_auth_failure ? VERDICT_AUTH_FAIL : VERDICT_BAD_AUTH;
}

/* A key that was given out is good for what its context says (RFC 5705 4) and for no more:
 * what signs with it may be known to whoever has the prefix now, had it, or sees the messages. */
static enum verdict_reason check_given(const struct verdict_in *in, const struct verdict *v,
				       bool bound)
{
	const struct sa *s = in->key->sa;

	if (!in6_in(&s->prefix, &v->hoa))
		return VERDICT_OTHER_PREFIX;
	if (!in6_eq(&s->ha, &in->ip->dst))
		return VERDICT_OTHER_ADDRESS;
	/* RFC 6618 4.3: whoever has the key is told to get another one. */
	if (in->now + UNIT > s->until)
		return VERDICT_KEY_EXPIRED;
	/* Nor does it take a home address from a key that is configured. */
	return bound && !sa_is_spi(in->binding->spi) ? VERDICT_OTHER_KEY : VERDICT_MAX;
}

/* RFC 6275 10.3.1: the home address alone decides which key is the right one. */
static enum verdict_reason check_authorisation(const struct verdict_in *in,
					       const struct verdict *v)
{
	const struct ha_key *key = in->key;
	bool bound = in->binding && in->key_of_binding_stands &&
		     (in->binding->state == BINDING_BOUND ||
		      in->binding->state == BINDING_TESTING);

	/* What a key has bound nobody takes without one, even where none is asked for; but who
	 * comes by IPsec has shown whose the home address is. */
	if (!key)
		return bound && !in->protected_by_ipsec ? VERDICT_NO_AUTH : VERDICT_MAX;
	if (key->sa)
		return check_given(in, v, bound);
	/* What nobody has got is refused for that, further on. */
	if (!verdict_key_allows(key, &v->hoa, in->lease))
		return in->lease || is_shared(in) ? VERDICT_OTHER_MN : VERDICT_MAX;
	/* What is allowed for those who have nothing better is no way around a better key: not the
	 * host's own, nor that which bound the home address. */
	if (key->auth.algorithm == AUTH_HMAC_SHA1_96 &&
	    (in->has_better_key || (bound && in->binding->spi != 0 &&
				    in->binding->spi != key->auth.spi)))
		return VERDICT_DOWNGRADE;
	if (key->has_mn || key->n_hoas > 0)
		return VERDICT_MAX;
	/* Nor does a key for every host take a home address from the key that bound it. */
	return bound && in->binding->spi != key->auth.spi ? VERDICT_OTHER_KEY : VERDICT_MAX;
}

static uint64_t newer_of(uint64_t a, uint64_t b)	/* 0: none */
{
	if (a == 0 || b == 0)
		return a | b;
	return (int64_t)(a - b) > 0 ? a : b;
}

/* The greatest time stamp that was accepted, of this home address or with this key; 0: none. */
static uint64_t last_timestamp(const struct verdict_in *in)
{
	return newer_of(in->greatest, in->key && in->key->sa ? in->key->sa->timestamp : 0);
}

/* The clock that time stamps are held against: that of the wall, but if it was set back, the
 * greatest that was accepted. So a mobile node that follows status 144 always gets through. */
static uint64_t reference(const struct verdict_in *in)
{
	return newer_of(last_timestamp(in), in->wall);
}

/* RFC 4285 6: with 144 goes our time of day, its fraction as it came; nothing that would be
 * refused itself. */
static uint64_t resynchronise(const struct verdict_in *in, uint64_t theirs)
{
	uint64_t t = (reference(in) & ~(uint64_t)UINT32_MAX) | (theirs & UINT32_MAX);
	uint64_t last = last_timestamp(in);

	if (last != 0 && (int64_t)(t - last) <= 0)
		t += UINT64_C(1) << 32;
	return t;
}

/* RFC 4285 6: close to our clock and newer than what was accepted before (past.h). That is a matter
 * of the home address: of several that move with one key at once, the updates may overtake each
 * other. */
static enum verdict_reason check_timestamp(const struct verdict_in *in)
{
	const struct mh_opts *o = &in->msg->opts;
	int64_t off = (int64_t)(o->mesg_id - reference(in));	/* in either era of NTP */
	int64_t window;

	if (!in->key)
		return VERDICT_MAX;
	if (!o->has_mesg_id)
		return in->key->timestamp_required ? VERDICT_NO_TIMESTAMP : VERDICT_MAX;
	window = (int64_t)((in->key->timestamp_window << 32) / USEC_S);
	if (off > window || off < -window)
		return VERDICT_TIMESTAMP;
	if (in->greatest != 0 && (int64_t)(o->mesg_id - in->greatest) <= 0)
		return VERDICT_TIMESTAMP;
	return VERDICT_MAX;
}

/* The last one that was accepted; false: none is known. */
static bool last_sequence(const struct verdict_in *in, uint16_t *ret)
{
	/* Without a key anybody could have left it; with time stamps these say more. */
	if (!in->binding && (!in->past || !in->key || in->key->timestamp_required))
		return false;
	*ret = in->binding ? in->binding->sequence : in->past->sequence;
	return true;
}

/* RFC 6275 9.5.1: the message is valid. RFC 4285 7 would leave the sequence number alone
 * where there is a time stamp; RFC 6275 does not, and both are cheap. */
static enum verdict_reason check_validity(const struct verdict_in *in)
{
	const struct mh_bu *bu = &in->msg->u.bu;
	uint16_t last;

	/* RFC 6275 9.5.1: newer than the last, modulo 2^16; any number without an entry, of which
	 * nothing may be left. */
	if (last_sequence(in, &last) && !seq_newer(bu->seq, last))
		return VERDICT_SEQUENCE;
	if (bu->flags & BU_HOME)
		return VERDICT_MAX;
	/* RFC 6275 9.5.1: an entry keeps its type. */
	if (in->binding)
		return VERDICT_TYPE_CHANGE;
	if (!in->msg->opts.has_nonce_indices)
		return VERDICT_NOT_HOME_REG;
	/*
	 * RFC 6275 9.5.1: indices that are not recognised have an answer. A home agent is no
	 * correspondent: it hands out no nonces and so recognises none, neither the home nor
	 * the care-of one, of which a request to delete has only the first looked at. Status
	 * 137 would need a home nonce that is good. Strangers do not get here.
	 */
	return bu->lifetime == 0 ? VERDICT_HOME_NONCE : VERDICT_NONCES;
}

/*
 * No loop can come of what passes here: a care-of address is never one that is a bound home
 * address at that time, so the binding that would close a ring is the one that is refused.
 * A care-of address may be bound as a home address later. That is how a mobile node moves on
 * from one of our links, and the chain goes as soon as its older binding has moved too.
 */
static enum verdict_reason check_care_of(const struct verdict_in *in, const struct verdict *v)
{
	if (in6_in(is_shared(in) ? &in->home->cfg.prefix : &in->lease->prefix, &v->coa))
		return VERDICT_COA_AT_HOME;
	if (in->coa_is_ours)
		return VERDICT_COA_IS_HA;
	if (in->coa_is_bound)
		return VERDICT_COA_BOUND;
	return VERDICT_MAX;
}

/* Ours, or everybody's: the Subnet-Router anycast address (RFC 4291 2.6.1) and the highest
 * 128 (RFC 2526 2, with the universal bit of a /64's interface identifiers cleared). */
static bool is_reserved(const struct verdict_in *in, const struct in6_addr *hoa)
{
	static const uint8_t zero[8], top[7] = { 0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	const uint8_t *iid = &hoa->s6_addr[8];

	return in->hoa_is_ours || memcmp(iid, zero, sizeof(zero)) == 0 ||
	       (memcmp(iid, top, sizeof(top)) == 0 && iid[7] >= 0x80);
}

/* RFC 6275 10.3.1: no more than was asked for, than the prefix has left, than policy. */
static uint16_t granted(const struct verdict_in *in)
{
	usec_t left = in->prefix_left;
	usec_t t = in->msg->u.bu.lifetime * UNIT;

	if (t > in->policy->max_lifetime)
		t = in->policy->max_lifetime;
	if (t > left)
		t = left;
	/* No binding outlives the key that was given out for it. */
	if (in->key && in->key->sa && t > in->key->sa->until - in->now)
		t = in->key->sa->until - in->now;
	if (t < UNIT)
		return 0;
	return (uint16_t)(t / UNIT);
}

/* RFC 6275 10.3.1. */
static enum verdict_reason check_registration(const struct verdict_in *in, struct verdict *v)
{
	bool is_new = !in->binding;
	enum verdict_reason r;

	/* RFC 5846 7: local policy; what is to end is not begun anew before it has. */
	if (in->binding && in->binding->state == BINDING_REVOKING)
		return VERDICT_REVOKING;
	/* A binding that is there is served to its end. */
	if (in->policy->no_new_bindings &&
	    (is_new || in->binding->state != BINDING_BOUND))
		return VERDICT_NO_HOME_REG;
	if (!in->home)
		return VERDICT_NOT_SUBNET;
	/* RFC 6275 6.1.7: it goes to a router of the home address's prefix. The tunnel has that
	 * router's address, and the mobile node takes packets only from where it registered. */
	if (in->to_other_home)
		return VERDICT_OTHER_HOME;
	if (is_reserved(in, &v->hoa))
		return VERDICT_HOA_RESERVED;
	if (!in->lease && !is_shared(in))
		return VERDICT_NOT_ALLOCATED;
	v->lifetime = granted(in);
	if ((in->lease && in->lease->state == LEASE_FREE) || v->lifetime == 0)
		return VERDICT_LEASE_OVER;
	r = check_care_of(in, v);
	if (r != VERDICT_MAX)
		return r;
	if (is_new && in->cache_full)
		return VERDICT_TABLE_FULL;
	if (is_new && in->lease && in->lease->bindings >= in->policy->bindings_per_lease)
		return VERDICT_MN_LIMIT;
	return VERDICT_REGISTER;
}

static enum verdict_reason decide(const struct verdict_in *in, struct verdict *v)
{
	enum verdict_reason r;

	r = check_structure(in, v);
	if (r == VERDICT_MAX)
		r = check_authentication(in, v);
	if (r == VERDICT_MAX)
		r = check_authorisation(in, v);
	if (r == VERDICT_MAX)
		r = check_timestamp(in);
	v->proven = r == VERDICT_MAX && in->key;
	if (r == VERDICT_MAX)
		r = check_validity(in);
	if (r != VERDICT_MAX)
		return r;
	if (is_deregistration(in, v))
		/* RFC 6275 10.3.2: there must be something to de-register. */
		return in->binding ? VERDICT_DEREGISTER : VERDICT_NO_BINDING;
	return check_registration(in, v);
}

void verdict(const struct verdict_in *in, struct verdict *ret)
{
	struct verdict v = {
		.sequence = in->msg->u.bu.seq, .mesg_id = in->msg->opts.mesg_id,
	};

	verdict_addresses(in->ip, in->msg, &v.hoa, &v.coa);
	v.reason = decide(in, &v);
	v.status = reasons[v.reason].status;
	/* RFC 6275 9.5.1: with 135 goes the last number that was accepted. */
	if (v.reason == VERDICT_SEQUENCE)
		(void)last_sequence(in, &v.sequence);
	if (v.reason == VERDICT_TIMESTAMP)
		v.mesg_id = resynchronise(in, v.mesg_id);
	if (v.reason != VERDICT_REGISTER) {
		v.lifetime = 0;
	} else if (in->prefix_deprecated || (usec_t)v.lifetime >= in->prefix_left / UNIT) {
		/* RFC 6275 10.3.1: the prefix is deprecated, or ends with the binding. */
		v.status = BA_PREFIX_DISCOVERY;
	}
	*ret = v;
}
