/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The home agent's life cycle: configuration checks, interfaces as they come and go, what
 * an earlier run left, and the small services that the other files share. Owns struct ha;
 * called by main.c, io.c, ctl.c and the simulation. RFC 6275 sections 8.4 and 10.
 */
#include "ha-agent/ha.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/core/log.h"
#include "ha-agent/discovery.h"
#include "ha-agent/lma.h"
#include "ha-agent/proxy.h"
#include "ha-agent/careof.h"
#include "ha-agent/sa.h"

static const char *const counter_names[HA_COUNTER_MAX] = {
	[HA_RX_ND] = "rx-nd",
	[HA_CARE_OF_VERIFIED] = "care-of-verified",
	[HA_CARE_OF_WRONG_TOKEN] = "care-of-wrong-token",
	[HA_RX_RS] = "rx-rs",
	[HA_RX_NA] = "rx-na",
	[HA_RX_RA] = "rx-ra",
	[HA_RX_ND_UNEXPECTED] = "rx-nd-unexpected",
	[HA_RS_BAD_SOURCE] = "rs-bad-source",
	[HA_RS_LIMITED] = "rs-limited",
	[HA_RS_NO_LINKLOCAL] = "rs-no-link-local",
	[HA_POOL_EXHAUSTED] = "pool-exhausted",
	[HA_STORE_FAILED] = "store-failed",
	[HA_ATTACH_FAILED] = "attach-failed",
	[HA_DRAIN_NO_PREFIX] = "drain-no-prefix",
	[HA_TX_RA_SOLICITED] = "tx-ra-solicited",
	[HA_TX_RA_PERIODIC] = "tx-ra-periodic",
	[HA_TX_RA_REFRESH] = "tx-ra-refresh",
	[HA_TX_NS] = "tx-ns",
	[HA_PRESENCE_LOST] = "presence-lost",
	[HA_RX_NS] = "rx-ns",
	[HA_TX_PROXY_NS] = "tx-proxy-ns",
	[HA_TX_PROXY_NA] = "tx-proxy-na",
	[HA_PROXY_CONFLICT] = "proxy-conflict",
	[HA_DAD_BEGUN] = "dad-begun",
	[HA_DAD_HELD] = "dad-held",
	[HA_DAD_DUPLICATE] = "dad-duplicate",
	[HA_RX_MH] = "rx-mh",
	[HA_RX_MH_ELSEWHERE] = "rx-mh-elsewhere",
	[HA_RX_MH_ROUTED] = "rx-mh-routing-header",
	[HA_RX_BU] = "rx-bu",
	[HA_RX_PBU] = "rx-pbu",
	[HA_RX_MH_UNEXPECTED] = "rx-mh-unexpected",
	[HA_HAO_BOUND] = "home-address-bound",
	[HA_HAO_UNBOUND] = "home-address-unbound",
	[HA_TX_BA] = "tx-ba",
	[HA_TX_PBA] = "tx-pba",
	[HA_TX_BE] = "tx-be",
	[HA_TX_BRR] = "tx-refresh-request",
	[HA_REFRESH_LIMITED] = "refresh-requests-limited",
	[HA_TX_PARAM_PROBLEM] = "tx-parameter-problem",
	[HA_ERRORS_LIMITED] = "errors-limited",
	[HA_LOG_LIMITED] = "log-limited",
	[HA_LIST_FULL] = "home-agents-list-full",
	[HA_RX_DHAAD] = "rx-dhaad",
	[HA_DHAAD_ELSEWHERE] = "dhaad-elsewhere",
	[HA_DHAAD_BAD_SOURCE] = "dhaad-bad-source",
	[HA_DHAAD_LIMITED] = "dhaad-limited",
	[HA_TX_DHAAD] = "tx-dhaad",
	[HA_RX_MPS] = "rx-mps",
	[HA_MPS_NO_BINDING] = "mps-no-binding",
	[HA_MPS_OTHER_CARE_OF] = "mps-other-care-of",
	[HA_MPS_DISABLED] = "mps-disabled",
	[HA_TX_MPA_SOLICITED] = "tx-mpa-solicited",
	[HA_TX_MPA_UNSOLICITED] = "tx-mpa-unsolicited",
	[HA_MPA_UNANSWERED] = "mpa-unanswered",
	[HA_DISCOVERY_UNEXPECTED] = "discovery-unexpected",
	[HA_RX_TUNNEL_ERROR] = "rx-tunnel-error",
	[HA_TUNNEL_ERROR_BAD] = "tunnel-error-bad",
	[HA_TUNNEL_ERROR_FORGED] = "tunnel-error-forged",
	[HA_TUNNEL_ERROR_USELESS] = "tunnel-error-useless",
	[HA_TUNNEL_ERROR_LIMITED] = "tunnel-error-limited",
	[HA_RX_REASSEMBLED] = "rx-reassembled",
	[HA_REASSEMBLED_FORGED] = "reassembled-forged",
	[HA_REASSEMBLED_BAD] = "reassembled-bad",
	[HA_TUNNEL_PATH_SMALL] = "tunnel-path-small",
	[HA_TX_TOO_BIG] = "tx-packet-too-big",
	[HA_TX_TIME_EXCEEDED] = "tx-time-exceeded",
	[HA_TX_UNREACHABLE] = "tx-unreachable",
	[HA_SEND_FAILED] = "send-failed",
	[HA_DATAPATH_FAILED] = "data-path-failed",
	[HA_BINDING_NEW] = "binding-new",
	[HA_BINDING_MOVED] = "binding-moved",
	[HA_BINDING_REFRESHED] = "binding-refreshed",
	[HA_BINDING_RELEASED] = "binding-released",
	[HA_BINDING_EXPIRED] = "binding-expired",
	[HA_BINDING_REVOKED] = "binding-revoked",
	[HA_PAST_FULL] = "numbers-forgotten",
	[HA_TX_BRI] = "tx-bri",
	[HA_RX_BRA] = "rx-bra",
	[HA_BRA_NO_MATCH] = "bra-no-match",
	[HA_BRA_BAD_SOURCE] = "bra-bad-source",
	[HA_BRA_BAD_AUTH] = "bra-bad-authentication",
	[HA_BRA_TIMESTAMP] = "bra-timestamp",
	[HA_REVOKE_ACCEPTED] = "revocation-accepted",
	[HA_REVOKE_REFUSED] = "revocation-refused",
	[HA_REVOKE_UNANSWERED] = "revocation-unanswered",
	[HA_ANCHORS_LATE] = "anchors-late",
	[HA_ANCHOR_UNKNOWN] = "anchor-unknown",
	[HA_LOOK_FAILED] = "look-up-failed",
	[HA_VISITS_FULL] = "visits-full",
	[HA_VISITS_TWICE] = "visits-twice",
	[HA_VISIT_NEW] = "visit-new",
	[HA_TX_PBU] = "tx-pbu",
	[HA_PBU_UNANSWERED] = "pbu-unanswered",
	[HA_PBU_REFUSED] = "pbu-was-refused",
	[HA_RX_PBA] = "rx-pba",
	[HA_PBA_NO_MATCH] = "pba-no-match",
	[HA_PBA_BAD_AUTH] = "pba-bad-authentication",
	[HA_RX_BRI] = "rx-bri",
	[HA_BRI_BAD_AUTH] = "bri-bad-authentication",
	[HA_BRI_TIMESTAMP] = "bri-timestamp",
	[HA_TX_BRA] = "tx-bra",
	[HA_TX_HEARTBEAT] = "tx-heartbeat",
	[HA_RX_HEARTBEAT] = "rx-heartbeat",
	[HA_HEARTBEAT_BAD] = "heartbeat-bad",
	[HA_CLAIM_UNRECORDED] = "claim-unrecorded",
	[HA_CLAIM_CONTESTED] = "claim-contested",
	[HA_UNCONFIRMED] = "prefix-unconfirmed",
	[HA_HOST_REFUSED] = "host-refused",
	[HA_SIGN_ATTACHED] = "attached-without-solicitation",
};

static const char *const event_names[HA_EVENT_MAX] = {
	[HA_EVENT_LEASE_NEW] = "lease.new",
	[HA_EVENT_LEASE_ATTACHED] = "lease.attached",
	[HA_EVENT_LEASE_DETACHED] = "lease.detached",
	[HA_EVENT_BINDING_NEW] = "binding.new",
	[HA_EVENT_BINDING_MOVED] = "binding.moved",
	[HA_EVENT_BINDING_REFRESHED] = "binding.refreshed",
	[HA_EVENT_BINDING_RELEASED] = "binding.released",
	[HA_EVENT_BINDING_EXPIRED] = "binding.expired",
	[HA_EVENT_BINDING_REVOKING] = "binding.revoking",
	[HA_EVENT_BINDING_REVOKED] = "binding.revoked",
	[HA_EVENT_BU_REFUSED] = "bu.refused",
	[HA_EVENT_VISIT_NEW] = "visit.new",
	[HA_EVENT_VISIT_REFUSED] = "visit.refused",
	[HA_EVENT_VISIT_REVOKED] = "visit.revoked",
	[HA_EVENT_VISIT_LEFT] = "visit.left",
	[HA_EVENT_CLAIM_CONTESTED] = "claim.contested",
	[HA_EVENT_CLAIM_UNRECORDED] = "claim.unrecorded",
	[HA_EVENT_PEER_LOST] = "peer.lost",
	[HA_EVENT_PEER_BACK] = "peer.back",
	[HA_EVENT_PEER_RESTARTED] = "peer.restarted",
	[HA_EVENT_KEY_ISSUED] = "key.issued",
	[HA_EVENT_KEY_REFUSED] = "key.refused",
};

const char *ha_event_name(enum ha_event_type t)
{
	return t < HA_EVENT_MAX ? event_names[t] : "?";
}

/* ---- configuration ---- */

void ha_config_defaults(struct ha_config *cfg)
{
	*cfg = (struct ha_config){
		.router_lifetime = 1800 * USEC_S,
		.ra_interval = 10 * USEC_S,
		.retrans_timer = HA_RETRANS_TIMER,
		.mtu = 1460,		/* 1500 less the tunnel header */
		.tcp_mss = 1400,	/* and less the headers of IPv6 and TCP */
		.prefix_lifetime = 86400 * USEC_S,	/* flows of absent hosts last no longer */
		.binding_lifetime = 600 * USEC_S,
		.ra_interval_option = true,
		.late_packets = true,
		.timestamp_window = PBU_TIMESTAMP_WINDOW,
		.access_type = ACCESS_ETHERNET,
		/* RFC 9293 3.8.4: a connection may be silent for so long and live. */
		.release_idle = 7200 * USEC_S,
		.care_of_test = true,
		.prefix_advertisements = true,
		.prefix_advertisement_min = 600 * USEC_S,	/* RFC 6275 13 */
		.prefix_advertisement_max = 86400 * USEC_S,
		.max_leases = 65536,
		.max_bindings = 65536,
		.bootstrap = {
			.modes = { .n = 1, .mode = { BOOT_ON_LINK } },
			.lifetime = 7 * 86400 * USEC_S,
			.max = 65536,
		},
	};
}

/* In the order of their SPIs, as ha_find_key() wants them. In place: no copy of a secret is
 * left anywhere. */
static void sort_keys(struct ha_config *cfg)
{
	struct ha_key k;

	for (unsigned int i = 1; i < cfg->n_keys; i++) {
		unsigned int at = i;

		k = cfg->keys[i];
		for (; at > 0 && cfg->keys[at - 1].auth.spi > k.auth.spi; at--)
			cfg->keys[at] = cfg->keys[at - 1];
		cfg->keys[at] = k;
	}
	explicit_bzero(&k, sizeof(k));
}

static bool has_hoa(const struct ha_key *k, const struct in6_addr *hoa)
{
	for (unsigned int i = 0; i < k->n_hoas; i++)
		if (in6_eq(&k->hoas[i], hoa))
			return true;
	return false;
}

/* Of two keys of SPI 3 a message does not tell which it is signed with. */
bool ha_keys_collide(const struct ha_key *a, const struct ha_key *b)
{
	if (a->auth.spi != b->auth.spi)
		return false;
	if (a->auth.spi != AUTH_SPI_HMAC_SHA1)
		return true;
	for (unsigned int i = 0; i < a->n_hoas; i++)
		if (has_hoa(b, &a->hoas[i]))
			return true;
	if (a->has_mn && b->has_mn)
		return memcmp(a->mn, b->mn, sizeof(a->mn)) == 0;
	return !a->has_mn && a->n_hoas == 0 && !b->has_mn && b->n_hoas == 0;
}

static const char *check_keys(struct ha_config *cfg)
{
	sort_keys(cfg);
	for (unsigned int i = 0; i < cfg->n_keys; i++)
		for (unsigned int j = i; j-- > 0 && cfg->keys[j].auth.spi == cfg->keys[i].auth.spi;)
			if (ha_keys_collide(&cfg->keys[i], &cfg->keys[j]))
				return "two keys have the same SPI";
	return NULL;
}

static const char *check_peers(const struct ha_config *cfg)
{
	if (cfg->n_peers > 0 && cfg->ipsec_required)
		return "a peer signs what it sends, which \"ipsec require;\" does not let count; expected "
		       "one of the two";
	for (unsigned int i = 0; i < cfg->n_peers; i++)
		for (unsigned int j = 0; j < cfg->n_homes; j++)
			if (in6_eq(&cfg->peers[i].address, &cfg->homes[j].address))
				return "a peer has an address of this home agent; expected that of "
				       "another router";
	return NULL;
}

static const char *check_network(const struct ha_config *cfg)
{
	if (cfg->network_mode && cfg->sessions.backend == HA_SESSIONS_NONE)
		return "network-mode needs a session database; expected \"session-database sqlite;\" "
		       "or \"session-database redis { ... }\"";
	for (unsigned int i = 0; cfg->network_mode && i < cfg->n_homes; i++)
		if (cfg->homes[i].mode == HOME_PER_HOST)
			return NULL;
	return cfg->network_mode ? "network-mode without a prefix that each host has a part of; "
				   "expected one that is not \"mode shared;\"" : NULL;
}

const char *ha_config_check(struct ha_config *cfg)
{
	const char *wrong;

	if (cfg->n_interfaces == 0)
		return "no access interface is given; expected --interface NAME, or \"interface NAME;\" "
		       "in the configuration";
	if (cfg->n_homes == 0)
		return "no prefix is given; expected --prefix PREFIX, or \"prefix PREFIX;\" in the "
		       "configuration";
	wrong = home_config_check(cfg);
	if (wrong)
		return wrong;
	/* RFC 4861 6.2.1: a router lifetime is zero or not below the interval. */
	if (cfg->router_lifetime != 0 && cfg->router_lifetime < cfg->ra_interval)
		return "router-lifetime is shorter than ra-interval; expected 0s or a longer time";
	if (cfg->prefix_lifetime < cfg->binding_lifetime)
		return "prefix-lifetime is shorter than binding-lifetime; expected it to be as long "
		       "at least";
	/* RFC 6275 6.2.4. */
	if (cfg->binding_refresh >= cfg->binding_lifetime)
		return "binding-refresh is not shorter than binding-lifetime; expected it to be";
	if (cfg->prefix_advertisement_max < cfg->prefix_advertisement_min)
		return "mobile-prefix-interval ends before it begins; expected the shortest time "
		       "first";
	wrong = check_peers(cfg);
	if (!wrong)
		wrong = check_network(cfg);
	return wrong ? wrong : check_keys(cfg);
}

/* ---- life cycle ---- */

int ha_init(struct ha *ha, const struct ha_config *cfg, const struct ha_ops *ops, void *ctx,
	    struct timers *timers, usec_t now)
{
	int err;

	if (cfg->n_interfaces > HA_MAX_INTERFACES || cfg->n_homes > HA_MAX_HOMES)
		return -EINVAL;
	memset(ha, 0, sizeof(*ha));
	ha->cfg = cfg;
	ha->ops = ops;
	ha->ctx = ctx;
	ha->timers = timers;
	ha->error_tokens = HA_ERROR_BURST;
	ha->error_tokens_at = now;
	ha->log_tokens = HA_LOG_BURST;
	ha->log_tokens_at = now;
	ha->refresh_tokens = HA_REFRESH_BURST;
	ha->refresh_tokens_at = now;
	ha->dhaad_tokens = HA_DHAAD_BURST;
	ha->dhaad_tokens_at = now;
	ha->relay_tokens = HA_RELAY_BURST;
	ha->relay_tokens_at = now;
	limit_init(&ha->limit, timers);
	bcache_init(&ha->bcache, cfg->max_bindings);
	past_init(ha);
	revoke_init(ha);
	notice_init(ha);
	claims_init(ha);
	mag_init(ha);
	drain_init(ha);
	ha->n_interfaces = cfg->n_interfaces;
	for (unsigned int i = 0; i < ha->n_interfaces; i++) {
		struct ha_interface *ifc = &ha->interfaces[i];

		memcpy(ifc->name, cfg->interfaces[i], sizeof(ifc->name));
		nd_interface_init(ha, ifc);
	}
	err = lma_init(ha);
	return err < 0 ? err : home_init_all(ha);
}

void ha_free(struct ha *ha)
{
	struct binding *b, *next_b;

	for (unsigned int i = 0; i < ha->n_interfaces; i++)
		timer_stop(ha->timers, &ha->interfaces[i].advertise);
	limit_free(&ha->limit);
	drain_free(ha);
	revoke_free(ha);
	notice_free(ha);
	heartbeat_free(ha);
	hosts_free(ha);
	steer_free(ha);
	claims_free(ha);
	mag_free(ha);
	HASH_ITER(by_hoa, ha->bcache.by_hoa, b, next_b) {
		timer_stop(ha->timers, &b->timer);
		mpd_end(b);
		b->joined = 0;		/* it goes with its socket */
		proxy_end(b);
	}
	bcache_free(&ha->bcache);
	sa_free_all(ha);
	past_free(ha);
	lma_free(ha);
	careof_free(ha);
	home_free_all(ha);
}

/* ---- interfaces ---- */

static struct ha_interface *interface_by_name(struct ha *ha, const char *name)
{
	for (unsigned int i = 0; i < ha->n_interfaces; i++)
		if (strcmp(ha->interfaces[i].name, name) == 0)
			return &ha->interfaces[i];
	return NULL;
}

struct ha_interface *ha_interface_by_index(struct ha *ha, int ifindex)
{
	for (unsigned int i = 0; i < ha->n_interfaces; i++)
		if (ifindex != 0 && ha->interfaces[i].ifindex == ifindex)
			return &ha->interfaces[i];
	return NULL;
}

bool ha_interface_usable(const struct ha_interface *ifc)
{
	return ifc && ifc->ifindex != 0 && ifc->up && !in6_is_any(&ifc->linklocal);
}

void ha_link(struct ha *ha, int ifindex, const char *name, const uint8_t mac[6],
	     const struct in6_addr *linklocal, bool up, usec_t now)
{
	struct ha_interface *ifc = interface_by_name(ha, name);
	struct ha_interface old;

	if (!ifc)
		return;
	old = *ifc;
	ifc->ifindex = ifindex;
	ifc->up = up && ifindex != 0;
	if (mac)
		memcpy(ifc->mac, mac, sizeof(ifc->mac));
	ifc->linklocal = linklocal ? *linklocal : in6addr_any;

	/* The kernel forgets routes and neighbours with the link. */
	if (ifc->up && (!old.up || old.ifindex != ifindex))
		nd_interface_up(ifc);
	if (!ha_interface_usable(ifc)) {
		timer_stop(ha->timers, &ifc->advertise);
		if (ha_interface_usable(&old))
			log_info("%s: no longer usable", ifc->name);
		return;
	}
	if (ha_interface_usable(&old) && old.ifindex == ifindex &&
	    in6_eq(&old.linklocal, &ifc->linklocal) &&
	    memcmp(old.mac, ifc->mac, sizeof(old.mac)) == 0)
		return;
	log_info("%s: usable, our address there is %s", ifc->name, in6_str(&ifc->linklocal).s);
	nd_interface_usable(ifc, now);
}

/* ---- an earlier run ---- */

int ha_restore_lease(struct ha *ha, const struct ha_lease_record *r, usec_t now)
{
	struct ha_home *home = ha_home_of(ha, &r->prefix.addr);
	struct lease *l;
	int err;

	if (!home || home->cfg.mode != HOME_PER_HOST)
		return -EINVAL;
	err = pool_restore(&home->pool, r->mac, &r->prefix, &l);
	if (err < 0)
		return err;
	nd_lease_init(home, l);
	l->interface = interface_by_name(ha, r->interface);
	l->linklocal = r->linklocal;
	l->confirmed = true;
	hosts_restore(ha, r->mac, &r->name, now);
	l->valid_until = l->stored_until = r->until;
	l->seen = now;
	l->tokens = HA_RS_BURST;
	l->tokens_at = now;
	if (r->until <= now) {
		pool_release(&home->pool, l);
		return 0;
	}
	/* Attached ones get their route and neighbour as soon as the interface is there. */
	if (r->attached && l->interface)
		l->state = LEASE_ATTACHED;
	if (timer_set(ha->timers, &l->presence, now + HA_PRESENCE_IDLE) < 0 ||
	    timer_set(ha->timers, &l->lifetime, l->state == LEASE_ATTACHED ?
		      now + ha->cfg->prefix_lifetime / 3 : r->until) < 0) {
		timer_stop(ha->timers, &l->presence);
		pool_drop(&home->pool, l);
		return -ENOMEM;
	}
	return 0;
}

/* The key is there still, and good for the host: taking a key away ends what it did. */
static bool key_stands(const struct ha *ha, const struct ha_home *home,
		       const struct ha_binding_record *r, const struct lease *l)
{
	const struct ha_key *k = ha_find_key(ha, r->spi, &r->hoa, l);
	const struct sa *s = !k && sa_is_spi(r->spi) ? sa_of_address(ha, &r->hoa) : NULL;

	/* It was registered by another router, which still is one. */
	if (r->by_router) {
		const struct ha_peer *peer = ha_peer_of(ha, &r->coa);

		return peer && peer->auth.spi == r->spi;
	}
	/* A newer key took the place of the one that made it. */
	if (s)
		k = &s->key;
	if (r->spi == 0)
		return home->cfg.unauthenticated;
	return k && verdict_key_allows(k, &r->hoa, l);
}

int ha_restore_binding(struct ha *ha, const struct ha_binding_record *r, usec_t now)
{
	struct ha_home *home = ha_home_of(ha, &r->hoa);
	struct lease *l = ha_find_lease(ha, &r->hoa);
	struct binding_request req = {
		.coa = r->coa, .sequence = r->sequence, .spi = r->spi,
		.lifetime_s = r->lifetime_s, .expires = r->expires, .place = r->place,
		.linklocal = r->linklocal, .by_router = r->by_router, .timestamp = r->timestamp,
		.verified = !r->unverified || !ha->cfg->care_of_test,
	};
	struct binding *b;

	if (r->past || r->expires <= now)
		return past_restore(ha, r, now);
	if (!home || !in6_is_routable(&r->coa) || !key_stands(ha, home, r, l) ||
	    (home->cfg.mode == HOME_PER_HOST && (!l || l->state == LEASE_FREE)))
		return -EINVAL;
	/* Whatever the clock did meanwhile, no longer than we would grant. */
	if (req.expires > now + ha->cfg->binding_lifetime)
		req.expires = now + ha->cfg->binding_lifetime;
	if (r->bid >= BCACHE_BIDS)
		return -EINVAL;
	b = bcache_add_bid(&ha->bcache, &r->hoa, r->bid, home, l);
	if (!b)
		return bcache_find_bid(&ha->bcache, &r->hoa, r->bid) ? -EEXIST : -ENOSPC;
	binding_init(b);
	memcpy(b->link_layer, r->link_layer, sizeof(b->link_layer));
	b->access_type = r->access_type;
	if (l && !r->by_router)
		l->client = true;
	return binding_event(b, BINDING_EVENT_RESTORE, &req, now);
}

void ha_restore_floor(struct ha *ha, uint64_t floor)
{
	past_restore_floor(ha, floor);
}

/* ---- looking in ---- */

const struct ha_peer *ha_peer_of(const struct ha *ha, const struct in6_addr *addr)
{
	for (unsigned int i = 0; i < ha->cfg->n_peers; i++)
		if (in6_eq(&ha->cfg->peers[i].address, addr))
			return &ha->cfg->peers[i];
	return NULL;
}

const struct lease *ha_lease_of(const struct ha *ha, const uint8_t mac[6])
{
	for (unsigned int i = 0; i < ha->n_homes; i++) {
		const struct lease *l = pool_find_mac(&ha->homes[i].pool, mac);

		if (l && l->state == LEASE_ATTACHED)
			return l;
	}
	return NULL;
}

unsigned int ha_bound_count(const struct ha *ha)
{
	struct binding *b, *next;
	unsigned int n = 0;

	HASH_ITER(by_hoa, ha->bcache.by_hoa, b, next)
		n += binding_carries(b);
	return n;
}

const struct binding *ha_bound_find(const struct ha *ha, const struct in6_addr *hoa)
{
	const struct binding *b = bcache_find(&ha->bcache, hoa);

	return b && binding_carries(b) ? b : steer_default(ha, hoa);
}

const struct binding *ha_bound_for(const struct ha *ha, const struct in6_addr *a)
{
	const struct binding *b = ha_bound_find(ha, a);
	struct in6_addr prefix = *a;

	if (b)
		return b;
	in6_mask(&prefix, BCACHE_PREFIX);
	b = ha_bound_find(ha, &prefix);
	return b && b->by_router ? b : NULL;
}

unsigned int ha_lease_count(const struct ha *ha, enum lease_state state)
{
	struct lease *l, *next;
	unsigned int n = 0;

	for (unsigned int i = 0; i < ha->n_homes; i++)
		HASH_ITER(by_mac, ha->homes[i].pool.by_mac, l, next)
			n += l->state == state;
	return n;
}

void ha_each_binding(const struct ha *ha, void (*fn)(void *ctx, const struct binding *b),
		     void *ctx)
{
	struct binding *b, *next;

	HASH_ITER(by_hoa, ha->bcache.by_hoa, b, next)
		fn(ctx, b);
}

void ha_each_lease(const struct ha *ha, void (*fn)(void *ctx, const struct lease *l), void *ctx)
{
	struct lease *l, *next;

	for (unsigned int i = 0; i < ha->n_homes; i++)
		HASH_ITER(by_mac, ha->homes[i].pool.by_mac, l, next)
			fn(ctx, l);
}

static void each_prefixed(const char *prefix, const char *name, uint64_t value,
			  void (*fn)(void *ctx, const char *name, uint64_t v), void *ctx)
{
	char full[96];

	snprintf(full, sizeof(full), "%s%s", prefix, name);
	fn(ctx, full, value);
}

void ha_each_counter(const struct ha *ha, void (*fn)(void *ctx, const char *name, uint64_t v),
		     void *ctx)
{
	for (enum ha_counter c = 0; c < HA_COUNTER_MAX; c++)
		fn(ctx, counter_names[c], ha->counters[c]);
	for (enum verdict_reason r = 0; r < VERDICT_MAX; r++)
		each_prefixed("bu-", verdict_name(r), ha->verdicts[r], fn, ctx);
	for (enum pbu_reason r = 0; r < PBU_MAX; r++)
		each_prefixed("pbu-", pbu_name(r), ha->pbus[r], fn, ctx);
	for (enum bootstrap_reason r = 0; r < BOOTSTRAP_REASON_MAX; r++)
		each_prefixed("key-", bootstrap_reason_name(r), ha->bootstraps[r], fn, ctx);
	for (enum mh_err e = MH_OK + 1; e < MH_ERR_MAX; e++)
		each_prefixed("drop-", mh_err_name(e), ha->mh_errors[e], fn, ctx);
	for (enum ip6_err e = IP6_OK + 1; e < IP6_ERR_MAX; e++)
		each_prefixed("drop-mh-", ip6_err_name(e), ha->mh_ip6_errors[e], fn, ctx);
	for (enum icmp6_err e = ICMP6_OK + 1; e < ICMP6_ERR_MAX; e++)
		each_prefixed("drop-", icmp6_err_name(e), ha->icmp6_errors[e], fn, ctx);
	for (enum ip6_err e = IP6_OK + 1; e < IP6_ERR_MAX; e++)
		each_prefixed("drop-nd-", ip6_err_name(e), ha->nd_ip6_errors[e], fn, ctx);
	for (enum ip6_err e = IP6_OK + 1; e < IP6_ERR_MAX; e++)
		each_prefixed("drop-discovery-", ip6_err_name(e), ha->discovery_ip6_errors[e],
			      fn, ctx);
}

/* ---- services ---- */

void ha_tell(struct ha *ha, const struct ha_event *e)
{
	if (ha->ops->event)
		ha->ops->event(ha->ctx, e);
}

bool ha_log_routine(struct ha *ha, usec_t now)
{
	if (!log_enabled(LOG_LEVEL_INFO))
		return false;
	if (bucket_take(&ha->log_tokens, &ha->log_tokens_at, HA_LOG_BURST, HA_LOG_PERIOD, now))
		return true;
	ha->counters[HA_LOG_LIMITED]++;
	return false;
}

bool ha_error_allowed(struct ha *ha, usec_t now)
{
	if (bucket_take(&ha->error_tokens, &ha->error_tokens_at, HA_ERROR_BURST, HA_ERROR_PERIOD,
			now))
		return true;
	ha->counters[HA_ERRORS_LIMITED]++;
	return false;
}

void ha_bad_packet(struct ha *ha, const void *data, size_t len, usec_t now)
{
	struct in6_addr src;

	if (len < IP6_HDR_LEN)
		return;
	memcpy(&src, (const uint8_t *)data + IP6_SRC_AT, sizeof(src));
	limit_failed(&ha->limit, &src, LIMIT_CHEAP, now);
}

static struct ha_lease_record record(const struct lease *l)
{
	struct ha_lease_record r = {
		.prefix = l->prefix, .linklocal = l->linklocal,
		.attached = l->state == LEASE_ATTACHED, .until = l->stored_until,
	};

	const struct sdb_mn_id *name = hosts_learned(l->home->ha, l->mac);

	memcpy(r.mac, l->mac, sizeof(r.mac));
	if (name)
		r.name = *name;
	if (l->interface)
		memcpy(r.interface, l->interface->name, sizeof(r.interface));
	return r;
}

static int store(struct ha *ha, const struct ha_lease_record *r, bool durable)
{
	int err = ha->ops->lease_store(ha->ctx, r, durable);

	if (err < 0) {
		ha->counters[HA_STORE_FAILED]++;
		log_error("lease %s of %s could not be stored: %s", in6_prefix_str(&r->prefix).s,
			  mac_str(r->mac).s, strerror(-err));
	}
	return err;
}

int ha_store_lease(struct ha *ha, struct lease *l, bool durable)
{
	struct ha_lease_record r = record(l);

	return store(ha, &r, durable);
}

int ha_extend_lease(struct ha *ha, struct lease *l, usec_t now, bool *ret_stored)
{
	usec_t until = now + home_limit(l->home, ha->cfg->prefix_lifetime, now);
	struct ha_lease_record r;
	int err;

	if (until > l->stored_until) {
		/* Twice as long is written down, so that not each advertisement has to. */
		r = record(l);
		r.until = until + ha->cfg->prefix_lifetime;
		err = store(ha, &r, true);
		if (err < 0) {
			l->valid_until = l->stored_until;
			return err;
		}
		l->stored_until = r.until;
		if (ret_stored)
			*ret_stored = true;
	}
	/* Never earlier than what the host was told before: it may go by that still. */
	if (until > l->valid_until)
		l->valid_until = until;
	return 0;
}
