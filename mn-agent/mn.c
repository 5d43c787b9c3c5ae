/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mobile node as a whole. Owns the interfaces and the anchors; io.c (or a simulation)
 * calls its entry points with packets, kernel events and time. What an attachment means is
 * in attach.c, coa.c and handover.c, a registration in anchor.c; receive.c reads packets.
 * RFC 6275 section 11; RFC 4861 6.3; design 4.
 *
 * Timers:
 *   sweep   at once, after an anchor has gone or an address has come: see handover_settle().
 */
#include "mn-agent/mn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "mn-agent/attach.h"
#include "mn-agent/bootstrap.h"
#include "mn-agent/coa.h"
#include "mn-agent/ends.h"
#include "mn-agent/flows.h"
#include "mn-agent/handover.h"
#include "mn-agent/home.h"
#include "mn-agent/solicit.h"

static const char *const counter_names[MN_C_MAX] = {
	[MN_C_RA] = "ra", [MN_C_RA_BAD] = "ra-bad", [MN_C_RA_HOP_LIMIT] = "ra-hop-limit",
	[MN_C_RA_SOURCE] = "ra-source", [MN_C_RA_CHECKSUM] = "ra-checksum",
	[MN_C_RA_LENGTH] = "ra-length", [MN_C_RA_TOO_MANY] = "ra-too-many-prefixes",
	[MN_C_RA_PREFIX] = "ra-prefix", [MN_C_RA_HA] = "ra-home-agent",
	[MN_C_RA_FLAP] = "ra-flap",
	[MN_C_NA] = "na", [MN_C_PACKET_BAD] = "packet-bad", [MN_C_MH_BAD] = "mh-bad",
	[MN_C_MH_CHECKSUM] = "mh-checksum", [MN_C_MH_UNKNOWN_TYPE] = "mh-unknown-type",
	[MN_C_NOT_PROTECTED] = "not-protected",
	[MN_C_MH_UNEXPECTED] = "mh-unexpected", [MN_C_BA] = "ba", [MN_C_BA_UNKNOWN] = "ba-unknown",
	[MN_C_BA_SEQUENCE] = "ba-sequence", [MN_C_BA_NO_AUTH] = "ba-no-authenticator",
	[MN_C_BA_WRONG_SPI] = "ba-wrong-spi", [MN_C_BA_WRONG_AUTH] = "ba-wrong-authenticator",
	[MN_C_BA_TIMESTAMP] = "ba-timestamp", [MN_C_BA_LIFETIME] = "ba-lifetime",
	[MN_C_BRR] = "brr", [MN_C_BRR_UNKNOWN] = "brr-unknown",
	[MN_C_BRR_NO_AUTH] = "brr-no-authenticator", [MN_C_BRR_AUTH] = "brr-authenticator",
	[MN_C_BRR_REPLAY] = "brr-replay", [MN_C_BE] = "be", [MN_C_BE_UNKNOWN] = "be-unknown",
	[MN_C_BE_SENT] = "be-sent", [MN_C_PARAM_PROBLEM_SENT] = "parameter-problem-sent",
	[MN_C_ERRORS_LIMITED] = "errors-limited", [MN_C_UPDATE_ERROR] = "update-error",
	[MN_C_UPDATE_ERROR_UNKNOWN] = "update-error-unknown",
	[MN_C_BRI] = "bri",
	[MN_C_BRI_UNKNOWN] = "bri-unknown", [MN_C_BRI_AUTH] = "bri-authenticator",
	[MN_C_BRI_REPLAY] = "bri-replay",
	[MN_C_BRI_REFUSED] = "bri-refused", [MN_C_DHAAD] = "dhaad",
	[MN_C_DHAAD_REPLY] = "dhaad-reply", [MN_C_DHAAD_UNKNOWN] = "dhaad-unknown",
	[MN_C_DHAAD_EMPTY] = "dhaad-empty", [MN_C_MPS] = "mps", [MN_C_MPA] = "mpa",
	[MN_C_MPA_UNKNOWN] = "mpa-unknown", [MN_C_MPA_UNSOLICITED] = "mpa-unsolicited",
	[MN_C_TOO_BIG] = "too-big", [MN_C_TOO_BIG_UNKNOWN] = "too-big-unknown",
	[MN_C_TUNNEL_REFUSED] = "tunnel-refused",
	[MN_C_COA_DUPLICATE] = "coa-duplicate", [MN_C_FLOWS_SCANNED] = "flow-scans",
	[MN_C_ANCHORS_DROPPED] = "anchors-dropped", [MN_C_ANCHORS_CAPPED] = "anchors-capped",
	[MN_C_FLOWS_LOST] = "flows-lost",
	[MN_C_FLOWS_ENDED] = "flows-ended",
	[MN_C_KEY_SESSIONS] = "key-sessions", [MN_C_KEY_RECEIVED] = "key-received",
	[MN_C_KEY_REFUSED] = "key-refused", [MN_C_KEY_UNAVAILABLE] = "key-unavailable",
	[MN_C_KEY_ERROR] = "key-error", [MN_C_KEY_DOWNGRADE] = "key-downgrade",
	[MN_C_KEY_UNFIT] = "key-unfit", [MN_C_KEY_UNEXPECTED] = "key-unexpected",
	[MN_C_KEY_NO_ANSWER] = "key-no-answer", [MN_C_KEY_NOT_GIVEN] = "key-not-given",
	[MN_C_KEY_TLS] = "key-tls", [MN_C_KEY_BROKEN] = "key-broken",
	[MN_C_KEY_LEFT] = "key-left", [MN_C_KEY_EXPIRED] = "key-expired",
	[MN_C_KEY_ANEW] = "key-anew",
};

const char *mn_counter_name(enum mn_counter c)
{
	return counter_names[c];
}

void mn_event(struct mn *mn, const char *name, const struct mn_iface *i, const struct anchor *a,
	      const char *detail, usec_t now)
{
	mn->ops->event(mn->ctx, name, i, a, detail, now);
}

bool mn_any_away(const struct mn *mn)
{
	for (const struct anchor *a = mn->anchors; a; a = a->next)
		if (anchor_away(a))
			return true;
	return false;
}

const struct anchor *mn_find_anchor(const struct mn *mn, const struct in6_addr *hoa)
{
	for (const struct anchor *a = mn->anchors; a; a = a->next)
		if (a->state != ANCHOR_GONE && in6_eq(&a->hoa, hoa))
			return a;
	return NULL;
}

struct anchor *mn_anchor(struct mn *mn, const struct in6_addr *hoa)
{
	for (struct anchor *a = mn->anchors; a; a = a->next)
		if (a->state != ANCHOR_GONE && in6_eq(&a->hoa, hoa))
			return a;
	return NULL;
}

struct mn_iface *mn_iface_of(struct mn *mn, int ifindex)
{
	for (struct mn_iface *i = mn->ifaces; i; i = i->next)
		if (i->link.ifindex == ifindex)
			return i;
	return NULL;
}

static void sweep_due(void *ctx, usec_t now)
{
	handover_settle(ctx, now);
}

/* --- anchors ------------------------------------------------------------------ */

static int anchor_send(void *ctx, const struct anchor *a, const void *packet, size_t len)
{
	const struct mn_iface *i = mn_iface_of(ctx, a->ifindex);
	struct mn *mn = ctx;

	/* RFC 6275 11.5.5: to the link-layer address that the home agent's advertisement told.
	 * The kernel would solicit for it, from the home address, which the home agent defends.
	 * A router that is not the home agent knows how to reach it. */
	if (in6_eq(&a->coa, &a->hoa) && i)
		return mn->ops->send_link(mn->ctx, i->link.ifindex, i->move.router.mac, packet,
					  len);
	return mn->ops->send_routed(mn->ctx, packet, len);
}

static int anchor_tunnel_set(void *ctx, const struct dp_binding *b)
{
	struct mn *mn = ctx;

	return mn->ops->tunnel_set(mn->ctx, b);
}

static void anchor_tunnel_expect(void *ctx, const struct anchor *a)
{
	struct mn *mn = ctx;

	if (mn->ops->tunnel_expect)
		mn->ops->tunnel_expect(mn->ctx, &a->hoa, &a->ha);
}

static int anchor_tunnel_del(void *ctx, const struct in6_addr *hoa)
{
	struct mn *mn = ctx;

	return mn->ops->tunnel_del(mn->ctx, hoa);
}

static void anchor_held(void *ctx, struct anchor *a)
{
	coa_own_addr(ctx, &a->hoa);
}

static unsigned int anchor_count_flows(void *ctx, struct anchor *a)
{
	flows_recount(ctx);
	return a->recounted;
}

void mn_flows_lost(struct mn *mn, const struct mn_iface *i, const struct anchor *a,
		   const struct in6_addr *addr, unsigned int n, const char *why, usec_t now)
{
	char detail[256];

	mn->counters[MN_C_FLOWS_LOST] += n;
	snprintf(detail, sizeof(detail), "%u flow%s of %s: %s", n, n == 1 ? "" : "s",
		 in6_str(addr).s, why);
	log_warn("lost: %s", detail);
	mn_event(mn, "flows.lost", i, a, detail, now);
}

static void anchor_notify(void *ctx, struct anchor *a, const char *event, const char *detail,
			  usec_t now)
{
	struct mn *mn = ctx;

	if (a->state == ANCHOR_GONE || a->state == ANCHOR_ATTACHED) {
		if (a->state == ANCHOR_GONE && a->flows > 0)
			mn_flows_lost(mn, NULL, a, &a->hoa, a->flows, detail, now);
		timer_set(mn->timers, &mn->sweep, now);
		if (a->state == ANCHOR_ATTACHED)	/* its link may carry others now */
			timer_set(mn->timers, &mn->handover, now);
	} else if (a->state == ANCHOR_BOUND) {
		timer_set(mn->timers, &mn->sweep, now);	/* the road before is free now */
	} else if (a->state == ANCHOR_REFUSED) {
		timer_set(mn->timers, &mn->handover, now);	/* its own link may still do */
	}
	if (a->state == ANCHOR_REFUSED || a->state == ANCHOR_UNREACHABLE)
		discover_failed(a, now);
	/* Is the care-of address one of this place at all? Somebody may have told us so. */
	if (a->state == ANCHOR_UNREACHABLE && mn->current)
		move_ask(&mn->current->move, now);
	if (mn->n_ends > 1)
		ends_review(mn, now);	/* a tunnel may leave from another one now */
	bootstrap_soon(mn, now);
	mn_event(mn, event, NULL, a, detail, now);
	mn->ops->changed(mn->ctx);
}

static void anchor_discover(void *ctx, struct anchor *a, usec_t now)
{
	(void)ctx;
	discover_start(a, &a->coa, now);
}

static void anchor_returned(void *ctx, struct anchor *a)
{
	const struct mn_iface *i = mn_iface_of(ctx, a->ifindex);

	if (!i)
		return;
	attach_announce(i, &a->hoa);
	/* RFC 6275 11.5.5: and the other one that the home agent has defended. */
	if (a->link_local && !in6_is_any(&i->linklocal))
		attach_announce(i, &i->linklocal);
}

/* Of several Binding Updates at once each has a time of its own: the home agent may look at all
 * that are signed with one key together (RFC 4285 6). A clock that was set back is followed. */
static int64_t anchor_wall_us(void *ctx)
{
	struct mn *mn = ctx;
	int64_t t = mn->ops->wall_us(mn->ctx);

	if (t <= mn->stamped_at && mn->stamped_at - t < USEC_S)
		t = mn->stamped_at + 1;
	mn->stamped_at = t;
	return t;
}

static const struct anchor_ops anchor_ops = {
	.send = anchor_send, .tunnel_set = anchor_tunnel_set, .tunnel_del = anchor_tunnel_del,
	.tunnel_expect = anchor_tunnel_expect,
	.held = anchor_held, .count_flows = anchor_count_flows, .wall_us = anchor_wall_us,
	.returned = anchor_returned, .discover = anchor_discover, .notify = anchor_notify,
};

/* Of two keys that fit: that of the home agent itself, else the better algorithm, else the first
 * in the file. */
static bool is_better(const struct mn_key *k, const struct mn_key *than)
{
	if (k->any_ha != than->any_ha)
		return than->any_ha;
	return k->key.algorithm > than->key.algorithm;
}

const struct mn_key *mn_key_for(const struct mn *mn, const struct anchor *a,
				const struct in6_addr *ha)
{
	const struct mn_key *best = NULL;

	if (a->unauthenticated || mn->cfg->anchor.ipsec)
		return NULL;
	for (unsigned int n = 0; n < mn->cfg->n_keys; n++) {
		const struct mn_key *k = &mn->cfg->keys[n];

		if (a->spi != 0 && a->spi != k->key.spi)
			continue;
		/* A key that the home names is for its home agent, whatever that is called. */
		if (!k->any_ha && !in6_eq(&k->ha, ha) &&
		    (a->spi == 0 || a->spi == AUTH_SPI_HMAC_SHA1))
			continue;
		if (!best || is_better(k, best))
			best = k;
	}
	return best;
}

void mn_set_key(struct mn *mn, struct anchor *a)
{
	const struct mn_key *key = mn_key_for(mn, a, &a->ha);
	struct mn_sa *sa = NULL;

	if (!key && a->spi == 0 && !a->unauthenticated && !mn->cfg->anchor.ipsec)
		sa = bootstrap_key(mn, &a->hoa, &a->ha);
	a->key = key ? &key->key : NULL;
	a->timestamps = key && key->timestamps;
	if (sa) {
		a->key = &sa->key;
		a->timestamps = true;
	}
}

void mn_set_home_agent(struct mn *mn, struct anchor *a, const struct in6_addr *ha)
{
	a->ha = *ha;
	mn_set_key(mn, a);
}

/* The limit on Binding Updates is one for the address, however often it is an anchor. */
static void remember_sent(struct mn *mn, const struct anchor *a)
{
	struct mn_sent *s = &mn->sent[mn->next_sent];

	s->hoa = a->hoa;
	s->seq = a->seq;
	s->timestamp = a->timestamp;
	s->clock_ahead = a->clock_ahead;
	s->heard = a->heard;
	s->n_bri = a->n_bri;
	memcpy(s->bri, a->bri, sizeof(s->bri));
	memcpy(s->recent, a->recent, sizeof(s->recent));
	mn->next_sent = (mn->next_sent + 1) % MN_SENT_MAX;
}

static void recall_sent(const struct mn *mn, struct anchor *a)
{
	for (unsigned int n = 0; n < MN_SENT_MAX; n++) {
		const struct mn_sent *s = &mn->sent[(mn->next_sent + n) % MN_SENT_MAX];

		if (!in6_eq(&s->hoa, &a->hoa))
			continue;
		memcpy(a->recent, s->recent, sizeof(a->recent));
		a->seq = s->seq;
		a->timestamp = s->timestamp;
		a->clock_ahead = s->clock_ahead;
		a->heard = s->heard;
		a->n_bri = s->n_bri;
		memcpy(a->bri, s->bri, sizeof(a->bri));
	}
}

struct anchor *mn_new_anchor(struct mn *mn, const struct in6_prefix *prefix,
			     const struct in6_addr *hoa, const struct in6_addr *ha)
{
	struct anchor *a;
	uint16_t seq;

	if (mn->n_anchors >= MN_ANCHORS_MAX) {
		mn->counters[MN_C_ANCHORS_DROPPED]++;
		return NULL;
	}
	a = calloc(1, sizeof(*a));
	if (!a) {
		mn->counters[MN_C_ANCHORS_DROPPED]++;
		return NULL;
	}
	mn->ops->random(mn->ctx, &seq, sizeof(seq));
	anchor_init(a, &mn->cfg->anchor, &anchor_ops, mn, mn->timers, seq);
	solicit_init(a);
	discover_init(a);
	a->prefix = *prefix;
	a->hoa = *hoa;
	recall_sent(mn, a);
	mn_set_home_agent(mn, a, ha);
	a->next = mn->anchors;
	mn->anchors = a;
	mn->n_anchors++;
	return a;
}

void mn_drop_anchor(struct mn *mn, struct anchor *a)
{
	struct anchor **p = &mn->anchors;

	while (*p != a)
		p = &(*p)->next;
	*p = a->next;
	mn->n_anchors--;
	remember_sent(mn, a);
	home_take_away(mn, a);
	anchor_stop(a);
	free(a);
}

int mn_restore(struct mn *mn, const struct mn_restore *r, usec_t now)
{
	struct anchor *a;

	if (!in6_is_routable(&r->hoa) || !in6_in(&r->prefix, &r->hoa) ||
	    !(in6_is_routable(&r->ha) || (r->discover && in6_is_any(&r->ha))) ||
	    r->valid_until <= now || mn_anchor(mn, &r->hoa))
		return -EINVAL;
	if (mn->n_anchors >= MN_ANCHORS_MAX)
		return -ENOSPC;
	a = mn_new_anchor(mn, &r->prefix, &r->hoa, &r->ha);
	if (!a)
		return -ENOMEM;
	memcpy(a->name, r->name, sizeof(a->name));
	a->discovery.wanted = r->discover;
	a->seq = r->seq;
	a->seq_first = (uint16_t)(r->seq + 1);
	a->link_local = r->link_local;
	a->timestamps = a->key && (a->timestamps || r->timestamps);
	a->timestamp = r->timestamp;
	a->clock_ahead = r->clock_ahead;
	a->heard = r->heard;
	a->bound_until = r->bound_until;
	/* A BU may have reached the HA without its answer reaching the earlier run. */
	if (r->away && a->bound_until <= now)
		a->bound_until = now + (usec_t)mn->cfg->anchor.lifetime_s * USEC_S;
	solicit_valid_until(a, r->valid_until, now);
	if (!r->away) {
		anchor_hold(a, r->held);
		return 0;
	}
	/* Where it was registered is not relied on: the first attachment registers again.
	 * Until then the kernel goes on with what the earlier run installed. */
	a->state = ANCHOR_DEPARTED;
	a->tunnelled = r->tunnelled;
	a->via = r->coa;
	anchor_hold(a, true);
	return 0;
}

void mn_restore_coa(struct mn *mn, const struct in6_addr *coa)
{
	if (mn->n_wishes < MN_INTERFACES_MAX)
		mn->wishes[mn->n_wishes++] = *coa;
}

/* --- interfaces --------------------------------------------------------------- */

static struct mn_iface *new_iface(struct mn *mn)
{
	uint32_t used = 0;
	struct mn_iface *i;

	for (i = mn->ifaces; i; i = i->next)
		used |= 1u << i->slot;
	if (used == (1u << MN_INTERFACES_MAX) - 1)
		return NULL;
	i = calloc(1, sizeof(*i));
	if (!i)
		return NULL;
	while (used & (1u << i->slot))
		i->slot++;
	i->mn = mn;
	move_init(&i->move, &attach_move_ops, i, mn->timers);
	i->next = mn->ifaces;
	mn->ifaces = i;
	return i;
}

void mn_link(struct mn *mn, const struct mn_link *l, usec_t now)
{
	struct mn_iface *i = mn_iface_of(mn, l->ifindex);
	int pref = mn_preference(mn->cfg, l->name);
	bool was_up = i && i->link.up, other;

	if (pref < 0) {
		mn_link_gone(mn, l->ifindex, now);	/* its name is another now */
		return;
	}
	if (!i)
		i = new_iface(mn);
	if (!i)
		return;
	other = i->link.kind != l->kind || i->link.metered != l->metered ||
		i->preference != (unsigned int)pref;
	i->preference = (unsigned int)pref;
	i->link = *l;
	home_interface(i, now);
	if (l->up == was_up) {
		if (l->up && other) {
			mn_count_flows(mn, now);
			handover_evaluate(mn, now);
		}
		return;
	}
	mn_event(mn, l->up ? "link.up" : "link.down", i, NULL, NULL, now);
	/* Its link-local address stays: if the kernel takes that away, too, it says so. */
	i->had_linklocal = !in6_is_any(&i->linklocal);
	i->ipv6_off = false;
	move_link(&i->move, l->up, now);
}

void mn_link_gone(struct mn *mn, int ifindex, usec_t now)
{
	struct mn_iface **p = &mn->ifaces, *i = mn_iface_of(mn, ifindex);

	if (!i)
		return;
	attach_forget(i, now);
	while (*p != i)
		p = &(*p)->next;
	*p = i->next;
	if (mn->current == i)
		mn->current = NULL;
	free(i);
	handover_evaluate(mn, now);
}

void mn_remember_addr(struct mn_iface *i, const struct mn_addr *a, bool gone)
{
	unsigned int n = 0;
	bool ours;

	while (n < i->n_addrs && !in6_eq(&i->addrs[n].addr, &a->addr))
		n++;
	if (gone) {
		if (n < i->n_addrs) {
			i->addrs[n] = i->addrs[--i->n_addrs];
			i->addrs_full = false;
		}
		return;
	}
	if (n == MN_ADDRS_MAX) {
		if (!i->addrs_full)
			log_warn("interface %s has more than %d addresses: flows on %s and later "
				 "ones are not carried on", i->link.name, MN_ADDRS_MAX,
				 in6_str(&a->addr).s);
		i->addrs_full = true;
		return;
	}
	/* The kernel's notification does not tell who made it. */
	ours = a->ours || (n < i->n_addrs && i->addrs[n].ours);
	i->addrs[n] = *a;
	i->addrs[n].ours = ours;
	if (n == i->n_addrs)
		i->n_addrs++;
}

/* Who disconnects a link leaves its carrier as it is, and takes away every address, the
 * link-local one too (NetworkManager sets disable_ipv6): as if the link went down. */
static void look_for_ipv6(struct mn_iface *i, usec_t now)
{
	bool off = i->link.up && i->had_linklocal && in6_is_any(&i->linklocal) && i->n_addrs == 0;

	if (off == i->ipv6_off)
		return;
	i->ipv6_off = off;
	mn_event(i->mn, off ? "link.down" : "link.up", i, NULL,
		 off ? "IPv6 was turned off" : "IPv6 was turned on", now);
	move_link(&i->move, !off, now);
}

static void linklocal_changed(struct mn_iface *i, const struct mn_addr *a, bool gone)
{
	if (!gone && a->usable) {
		i->linklocal = a->addr;
		i->had_linklocal = true;
	} else if (in6_eq(&i->linklocal, &a->addr)) {
		i->linklocal = in6addr_any;
	}
}

void mn_addr(struct mn *mn, const struct mn_addr *a, bool gone, usec_t now)
{
	struct mn_iface *i = mn_iface_of(mn, a->ifindex);
	struct mn_addr seen;

	if (!i)
		return;
	if (in6_is_linklocal(&a->addr)) {
		linklocal_changed(i, a, gone);
		look_for_ipv6(i, now);
		if (i->attached)	/* it may have been waited for */
			handover_evaluate(mn, now);
		return;
	}
	if (!in6_is_routable(&a->addr))
		return;
	home_saw(i, a, gone, now, &seen);
	mn_remember_addr(i, &seen, gone);
	attach_addr_changed(i, a, gone, now);
	look_for_ipv6(i, now);
}

void mn_doubt(struct mn *mn, usec_t now)
{
	for (struct mn_iface *i = mn->ifaces; i; i = i->next)
		move_doubt(&i->move, now);
}

void mn_woken(struct mn *mn, usec_t now)
{
	mn_doubt(mn, now);
	bootstrap_soon(mn, now);
	mn_count_flows(mn, now);
	/* What the home agents know is as old as the sleep: they are told at once, in every
	 * state that waits for its time to do so. */
	for (struct anchor *a = mn->anchors; a; a = a->next)
		anchor_event(a, a->valid_until > now ? ANCHOR_EV_TIMEOUT : ANCHOR_EV_EXPIRED, now);
}

void mn_reassert(struct mn *mn)
{
	for (struct mn_iface *i = mn->ifaces; i; i = i->next) {
		if (i->path_up && i->link.up)
			mn->ops->path_set(mn->ctx, &i->path);
		if (i->coa_source == COA_OWN)
			coa_own_addr(mn, &i->coa);
	}
	for (struct anchor *a = mn->anchors; a; a = a->next)
		if (a->held)
			coa_own_addr(mn, &a->hoa);
	for (unsigned int n = 0; n < mn->n_ends; n++)
		coa_own_addr(mn, &mn->ends[n].addr);
	home_reassert(mn);
}

bool mn_wants_addr(const struct mn *mn, const struct in6_addr *addr)
{
	if (ends_has(mn, addr))
		return true;
	for (unsigned int n = 0; n < mn->n_wishes; n++)
		if (in6_eq(&mn->wishes[n], addr))
			return true;		/* its interface has no router yet */
	for (const struct mn_iface *i = mn->ifaces; i; i = i->next)
		if (i->coa_source == COA_OWN && in6_eq(&i->coa, addr))
			return true;
	for (const struct anchor *a = mn->anchors; a; a = a->next)
		if (a->held && in6_eq(&a->hoa, addr))
			return true;
	return false;
}

/* --- the whole ---------------------------------------------------------------- */

void mn_init(struct mn *mn, const struct mn_config *cfg, const struct mn_ops *ops, void *ctx,
	     struct timers *timers)
{
	memset(mn, 0, sizeof(*mn));
	mn->cfg = cfg;
	mn->ops = ops;
	mn->ctx = ctx;
	mn->timers = timers;
	limit_init(&mn->limit, timers);
	timer_init(&mn->sweep, "sweep", sweep_due, mn);
	flows_init(mn);
	ends_init(mn);
	handover_init(mn);
	bootstrap_init(mn);
}

void mn_release_all(struct mn *mn, usec_t now)
{
	for (struct anchor *a = mn->anchors; a; a = a->next)
		anchor_event(a, ANCHOR_EV_IDLE, now);
}

void mn_free(struct mn *mn, bool release)
{
	for (struct anchor *a = mn->anchors, *next; a; a = next) {
		next = a->next;
		anchor_stop(a);
		if (release && a->tunnelled)
			mn->ops->tunnel_del(mn->ctx, &a->hoa);
		if (release && a->held)
			mn->ops->addr_unset(mn->ctx, &a->hoa);
		if (release)
			home_take_away(mn, a);
		free(a);
	}
	limit_free(&mn->limit);
	classes_free(mn);
	ends_free(mn, release);
	for (struct mn_iface *i = mn->ifaces, *next; i; i = next) {
		next = i->next;
		move_stop(&i->move);
		if (release && i->path_up)
			mn->ops->path_unset(mn->ctx, &i->path);
		if (release && i->coa_source == COA_OWN)
			mn->ops->addr_unset(mn->ctx, &i->coa);
		for (unsigned int n = 0; release && n < i->n_addrs; n++)
			if (i->addrs[n].ours)
				mn->ops->addr_drop(mn->ctx, &i->addrs[n]);
		free(i);
	}
	bootstrap_free(mn);
	timer_stop(mn->timers, &mn->rescan);
	timer_stop(mn->timers, &mn->sweep);
	timer_stop(mn->timers, &mn->handover);
	memset(mn, 0, sizeof(*mn));
}
