/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who gets a key. Owns nothing but the counters: keys are sa.c's. Called by keyserver.c with
 * what a TLS session has shown and asked for. RFC 6618 4.3, 5.3, 5.5, 5.6; RFC 5705 4.
 *
 * What makes it safe to hand out a key: the connection comes by the access link, from an
 * address of the prefix that is asked for, whose host is attached to that very link; and
 * nobody is displaced. Who is away by a key of his own keeps it until it runs out or he says
 * so himself, whoever has taken his place on the link meanwhile.
 */
#include "ha-agent/bootstrap.h"

#include <stdio.h>
#include <string.h>

#include "common/core/log.h"
#include "ha-agent/sa.h"

#define RETRY_LATER_S	60		/* after which something may have become free */

static const struct {
	const char *name, *text;
	uint16_t status;
} reasons[BOOTSTRAP_REASON_MAX] = {
	[BOOTSTRAP_ISSUED] = { "issued", "a key was given out", BOOT_OK },
	[BOOTSTRAP_MODE] = { "mode", "this way of showing who asks is not allowed here",
			     BOOT_UNAUTHORIZED },
	[BOOTSTRAP_NO_METHOD] = { "no-method", "the way of this session is none that the asker takes",
				  BOOT_UNAUTHORIZED },
	[BOOTSTRAP_NAME] = { "name", "the name is not that of the certificate or pre-shared key",
			     BOOT_UNAUTHORIZED },
	[BOOTSTRAP_NOT_LEASED] = { "not-leased", "the home address is in no prefix of this home agent "
				   "that a host has", BOOT_UNAUTHORIZED },
	[BOOTSTRAP_OTHER_LINK] = { "other-link", "the host of that prefix is not attached to this link",
				   BOOT_UNAUTHORIZED },
	[BOOTSTRAP_OTHER_SOURCE] = { "other-source", "the connection does not come from the prefix of "
				     "the home address", BOOT_UNAUTHORIZED },
	[BOOTSTRAP_OTHER_HOME_AGENT] = { "other-home-agent", "the connection goes to the address of "
					 "another prefix", BOOT_UNAUTHORIZED },
	[BOOTSTRAP_BOUND] = { "bound", "the home address is away by a key that was given out, and who "
			      "asks has shown nothing but an address", BOOT_UNAUTHORIZED },
	[BOOTSTRAP_OTHER_NODE] = { "other-node", "another mobile node has the key of that prefix",
				   BOOT_UNAUTHORIZED },
	[BOOTSTRAP_TOO_MANY] = { "too-many", "too many keys were given out", BOOT_UNAVAILABLE },
	[BOOTSTRAP_DRAINING] = { "draining", "this home agent is about to stop", BOOT_UNAVAILABLE },
	[BOOTSTRAP_FAILED] = { "failed", "the key could not be made or written down",
			       BOOT_INTERNAL_ERROR },
};

const char *bootstrap_reason_name(enum bootstrap_reason r)
{
	return r < BOOTSTRAP_REASON_MAX ? reasons[r].name : "?";
}

const char *bootstrap_reason_text(enum bootstrap_reason r)
{
	return r < BOOTSTRAP_REASON_MAX ? reasons[r].text : "?";
}

/* What a key is asked for, as far as it was found. */
struct wanted {
	const struct ha_home *home;
	const struct lease *lease;	/* NULL: the home is shared */
	struct in6_prefix prefix;
	const struct sa *now;		/* its key as yet; NULL: none */
	bool away;			/* bound from elsewhere, or about to be */
};

static bool is_at(const struct lease *l, int ifindex)
{
	return l->state == LEASE_ATTACHED && l->interface && l->interface->ifindex == ifindex;
}

static bool is_away(const struct ha *ha, const struct in6_addr *hoa)
{
	const struct binding *b = bcache_find(&ha->bcache, hoa);

	return b && (binding_carries(b) || b->state == BINDING_TESTING);
}

bool bootstrap_knows(struct ha *ha, int ifindex, const struct in6_addr *source)
{
	const struct ha_home *home = ha_home_of(ha, source);
	const struct lease *l;

	if (!home || ifindex == 0 || ha_is_own_address(ha, source))
		return false;
	if (home->cfg.mode == HOME_SHARED)
		return home->link && home->link->ifindex == ifindex && !is_away(ha, source);
	l = ha_find_lease(ha, source);
	return l && is_at(l, ifindex);
}

/* ---- is it the asker's? ---- */

static enum bootstrap_reason find_leased(struct ha *ha, const struct bootstrap_peer *peer,
					 const struct in6_addr *hoa, struct wanted *w)
{
	w->prefix = (struct in6_prefix){ .addr = *hoa, .len = 64 };
	in6_mask(&w->prefix.addr, w->prefix.len);
	/* The source first: of other hosts' prefixes nobody is told anything. */
	if (!in6_in(&w->prefix, &peer->source))
		return BOOTSTRAP_OTHER_SOURCE;
	w->lease = ha_find_lease(ha, hoa);
	if (!w->lease || w->lease->state == LEASE_FREE)
		return BOOTSTRAP_NOT_LEASED;
	if (!is_at(w->lease, peer->ifindex))
		return BOOTSTRAP_OTHER_LINK;
	w->away = w->lease->carried > 0;
	return BOOTSTRAP_ISSUED;
}

/* Nobody was given that address: whoever answers at it has it. */
static enum bootstrap_reason find_shared(struct ha *ha, const struct bootstrap_peer *peer,
					 const struct in6_addr *hoa, struct wanted *w)
{
	if (!in6_eq(hoa, &peer->source))
		return BOOTSTRAP_OTHER_SOURCE;
	if (!w->home->link || w->home->link->ifindex != peer->ifindex)
		return BOOTSTRAP_OTHER_LINK;
	w->prefix = (struct in6_prefix){ .addr = *hoa, .len = 128 };
	w->away = is_away(ha, hoa);
	return BOOTSTRAP_ISSUED;
}

static enum bootstrap_reason find(struct ha *ha, const struct bootstrap_peer *peer,
				  const struct in6_addr *hoa, struct wanted *w)
{
	enum bootstrap_reason r;

	w->home = ha_home_of(ha, hoa);
	if (!w->home || ha_is_own_address(ha, hoa))
		return BOOTSTRAP_NOT_LEASED;
	r = w->home->cfg.mode == HOME_SHARED ? find_shared(ha, peer, hoa, w) :
	    find_leased(ha, peer, hoa, w);
	if (r != BOOTSTRAP_ISSUED)
		return r;
	w->now = sa_of_address(ha, hoa);
	/* The key is bound to the address that the mobile node thinks it is for. */
	return in6_eq(&peer->local, &w->home->cfg.address) ? BOOTSTRAP_ISSUED :
	       BOOTSTRAP_OTHER_HOME_AGENT;
}

/* ---- may the asker have one? ---- */

static enum bootstrap_reason check_policy(const struct ha *ha, const struct bootstrap_peer *peer,
					  const struct boot_request *req)
{
	const struct ha_keys_config *cfg = &ha->cfg->bootstrap;

	if (cfg->off || !boot_modes_have(&cfg->modes, peer->mode))
		return BOOTSTRAP_MODE;
	/* RFC 6618 5.5.2: of those that the mobile node offers. It may want more than this. */
	if (!boot_modes_have(&req->methods, peer->mode))
		return BOOTSTRAP_NO_METHOD;
	/* RFC 6618 5.5.1: what it says of itself counts for nothing beside what it has shown. */
	if (peer->mode != BOOT_ON_LINK && req->mn_id[0] != '\0' &&
	    strcmp(req->mn_id, peer->mn_id) != 0)
		return BOOTSTRAP_NAME;
	return BOOTSTRAP_ISSUED;
}

static bool is_same_node(const struct sa *s, const struct bootstrap_peer *peer)
{
	return s->mode == peer->mode && strcmp(s->mn_id, peer->mn_id) == 0;
}

/* Nobody loses what he is reached by. */
static enum bootstrap_reason check_displacement(const struct ha *ha,
						const struct bootstrap_peer *peer,
						const struct in6_addr *hoa, const struct wanted *w)
{
	if (peer->mode == BOOT_ON_LINK) {
		if (w->away)
			return BOOTSTRAP_BOUND;
		if (ha_has_configured_key(ha, AUTH_HMAC_SHA1_96, hoa, w->lease))
			return BOOTSTRAP_OTHER_NODE;
	}
	if (!w->now || is_same_node(w->now, peer))
		return BOOTSTRAP_ISSUED;
	/* Who has shown an address only gives way to who shows more, as long as he is there. */
	if (w->now->mode == BOOT_ON_LINK && !w->away)
		return BOOTSTRAP_ISSUED;
	return BOOTSTRAP_OTHER_NODE;
}

/* What is going to stop takes nobody on; a host that has a prefix may take its flows along. */
static bool is_stopping(const struct ha *ha, const struct wanted *w)
{
	switch (ha->drain.state) {
	case DRAIN_OFF:
		return false;
	case DRAIN_ON:
		return !w->lease;
	case DRAIN_LAST:
	case DRAIN_OVER:
		break;
	}
	return true;
}

static enum bootstrap_reason decide(struct ha *ha, const struct bootstrap_peer *peer,
				    const struct boot_request *req, struct wanted *w)
{
	enum bootstrap_reason r = check_policy(ha, peer, req);

	if (r == BOOTSTRAP_ISSUED)
		r = find(ha, peer, &req->hoa, w);
	if (r == BOOTSTRAP_ISSUED)
		r = check_displacement(ha, peer, &req->hoa, w);
	if (r != BOOTSTRAP_ISSUED)
		return r;
	if (is_stopping(ha, w))
		return BOOTSTRAP_DRAINING;
	return sa_has_room(ha, &w->prefix) ? BOOTSTRAP_ISSUED : BOOTSTRAP_TOO_MANY;
}

/* ---- the key, and the response ---- */

static usec_t lifetime_of(const struct ha *ha, const struct ha_home *home, usec_t now)
{
	usec_t t = home_limit(home, ha->cfg->bootstrap.lifetime, now);

	return drain_limit(&ha->drain, t, now);
}

static enum bootstrap_reason issue(struct ha *ha, const struct bootstrap_peer *peer,
				   const struct wanted *w, const struct bootstrap_ops *ops,
				   usec_t now, struct boot_response *ret)
{
	const struct in6_addr *address = &w->home->cfg.address;
	usec_t lifetime = lifetime_of(ha, w->home, now);
	uint8_t context[BOOT_CONTEXT_LEN], secret[BOOT_KEY_LEN];
	uint32_t spi = sa_fresh_spi(ha);
	struct sa *s = NULL;

	/* RFC 5705 4: what the key is good for is part of what it is made from. */
	boot_key_context(&w->prefix.addr, w->prefix.len, address, spi, context);
	if (ops->export(ops->ctx, context, secret) == 0)
		s = sa_issue(ha, spi, &w->prefix, address, peer->mode,
			     peer->mode == BOOT_ON_LINK ? "" : peer->mn_id, secret,
			     now + lifetime, now);
	explicit_bzero(secret, sizeof(secret));
	if (!s)
		return BOOTSTRAP_FAILED;
	ret->spi = spi;
	ret->mode = peer->mode;
	ret->lifetime_s = (uint32_t)(lifetime / USEC_S);
	ret->validity_end_s = ha->ops->wall_us(ha->ctx) / USEC_S + lifetime / USEC_S;
	ret->hnp = w->prefix.addr;
	ret->hnp_len = w->prefix.len;
	ret->ha = *address;
	return BOOTSTRAP_ISSUED;
}

static void note(struct ha *ha, const struct bootstrap_peer *peer, const struct boot_request *req,
		 enum bootstrap_reason r, const struct boot_response *ret, usec_t now)
{
	const char *name = peer->mn_id[0] != '\0' ? peer->mn_id : "the host";
	const struct ha_event e = {
		.type = r == BOOTSTRAP_ISSUED ? HA_EVENT_KEY_ISSUED : HA_EVENT_KEY_REFUSED,
		.lease = r == BOOTSTRAP_ISSUED ? ha_find_lease(ha, &req->hoa) : NULL,
		.hoa = req->hoa, .coa = peer->source,
		.reason = r == BOOTSTRAP_ISSUED ? boot_mode_name(peer->mode) :
			  bootstrap_reason_text(r),
	};

	ha->bootstraps[r]++;
	ha_tell(ha, &e);
	if (!ha_log_routine(ha, now))
		return;
	if (r == BOOTSTRAP_ISSUED)
		log_info("key %u for %s/%u: given to %s (%s) for %u s", ret->spi,
			 in6_str(&ret->hnp).s, ret->hnp_len, name, boot_mode_name(peer->mode),
			 ret->lifetime_s);
	else
		log_info("key for %s: refused to %s at %s (%s), %s", in6_str(&req->hoa).s, name,
			 in6_str(&peer->source).s, boot_mode_name(peer->mode),
			 bootstrap_reason_text(r));
}

enum bootstrap_reason bootstrap_request(struct ha *ha, const struct bootstrap_peer *peer,
					const struct boot_request *req,
					const struct bootstrap_ops *ops, usec_t now,
					struct boot_response *ret)
{
	struct wanted w = { .home = NULL };
	enum bootstrap_reason r;

	*ret = (struct boot_response){ .id = req->id };
	r = decide(ha, peer, req, &w);
	if (r == BOOTSTRAP_ISSUED)
		r = issue(ha, peer, &w, ops, now, ret);
	ret->status = reasons[r].status;
	if (ret->status == BOOT_UNAVAILABLE)
		ret->retry_after_s = RETRY_LATER_S;
	if (r != BOOTSTRAP_ISSUED)
		snprintf(ret->reason, sizeof(ret->reason), "%s", bootstrap_reason_text(r));
	note(ha, peer, req, r, ret, now);
	return r;
}
