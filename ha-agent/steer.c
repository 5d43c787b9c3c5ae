/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ways to a host that has several, and which flow goes by which (RFC 7864 5.1, 5.2). Owns what
 * operators have moved. What the data path is told is a function of the prefix's bindings, of
 * whether its host is on its link, and of the configuration; it is made anew whenever one of these
 * changes:
 *
 *	default		the binding without an identifier; else the host's link here; else the
 *			way with the lowest identifier, so that a link which goes away leaves
 *			its flows to another one
 *	flows		each by the way whose link is of the type that is wanted for it; if there
 *			is none, by the default
 */
#include "ha-agent/steer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "common/datapath/datapath.h"
#include "ha-agent/ha.h"

_Static_assert(HA_MAX_FLOWS == DP_FLOWS && BCACHE_BIDS == DP_PATHS + 1, "as the data path has it");

/* What an operator has moved: for a flow and the host whose prefix it is of. */
struct flow_move {
	UT_hash_handle hh;
	struct move_key {
		char flow[HA_FLOW_NAME];
		uint8_t mac[6];
	} key;
	uint8_t access_type;
};

/* A binding that is about to change, as it will be. */
struct change {
	const struct binding *b;
	const struct in6_addr *coa;	/* NULL: it is over */
};

/* Where a binding leads; NULL: nowhere. */
static const struct in6_addr *leads_to(const struct binding *b, const struct change *c)
{
	if (!b)
		return NULL;
	if (c && c->b == b)
		return c->coa;
	return binding_carries(b) ? &b->coa : NULL;
}

/* The ways of a prefix. */
struct ways {
	bool linked;			/* its host is on a link here */
	const struct binding *by[BCACHE_BIDS];
	const struct in6_addr *coa[BCACHE_BIDS];	/* NULL: there is none of that number */
};

static struct ways look(const struct ha *ha, const struct lease *l, const struct change *c)
{
	struct ways w = { .linked = l->state == LEASE_ATTACHED };

	for (uint16_t bid = 0; bid < BCACHE_BIDS; bid++) {
		w.by[bid] = bcache_find_bid(&ha->bcache, &l->prefix.addr, bid);
		/* One of an address is no way of the prefix. */
		if (w.by[bid] && !w.by[bid]->by_router)
			w.by[bid] = NULL;
		w.coa[bid] = leads_to(w.by[bid], c);
	}
	return w;
}

/* Its number; -1: by the link, or there is none. */
static int default_way(const struct ways *w)
{
	if (w->coa[0] || w->linked)
		return w->coa[0] ? 0 : -1;
	for (int bid = 1; bid < BCACHE_BIDS; bid++)
		if (w->coa[bid])
			return bid;
	return -1;
}

/* ---- flows ---- */

static struct flow_move *find_move(const struct ha *ha, const char *flow, const uint8_t mac[6])
{
	struct move_key k = { .flow = "" };
	struct flow_move *m;

	memcpy(k.flow, flow, strlen(flow));
	memcpy(k.mac, mac, sizeof(k.mac));
	HASH_FIND(hh, ha->flow_moves.by_key, &k, sizeof(k), m);
	return m;
}

static bool is_of(const struct ha *ha, const struct ha_flow *f, const struct lease *l)
{
	return !f->has_mac || hosts_same(ha, f->mac, l->mac);
}

static uint8_t wanted(const struct ha *ha, const struct ha_flow *f, const struct lease *l)
{
	const struct flow_move *m = find_move(ha, f->name, l->mac);

	return m ? m->access_type : f->access_type;
}

/* The number of the way by a link of that type; -1: the default way. */
static int way_for(const struct ha *ha, const struct ways *w, uint8_t access_type)
{
	int standard = default_way(w);
	uint8_t there = standard >= 0 ? w->by[standard]->access_type : ha->cfg->access_type;

	if (access_type == 0 || there == access_type)
		return -1;
	for (int bid = 1; bid < BCACHE_BIDS; bid++)
		if (w->coa[bid] && w->by[bid]->access_type == access_type)
			return bid;
	return -1;
}

unsigned int steer_flows(const struct ha *ha, const struct lease *l,
			 struct steer_flow ret[HA_MAX_FLOWS])
{
	const struct ways w = look(ha, l, NULL);
	unsigned int n = 0;

	for (unsigned int i = 0; i < ha->cfg->n_flows && n < HA_MAX_FLOWS; i++) {
		const struct ha_flow *f = &ha->cfg->flows[i];
		uint8_t type;
		int way;

		if (!is_of(ha, f, l))
			continue;
		type = wanted(ha, f, l);
		way = way_for(ha, &w, type);
		ret[n++] = (struct steer_flow){ f, type, way > 0 ? w.by[way] : NULL };
	}
	return n;
}

/* ---- the data path ---- */

static struct dp_steer steering(const struct ha *ha, const struct lease *l, const struct ways *w)
{
	struct dp_steer s = { .inner = l->prefix };

	for (unsigned int i = 0; i < DP_PATHS; i++)
		if (w->coa[i + 1])
			s.paths[i] = (struct dp_path){ l->home->cfg.address, *w->coa[i + 1] };
	for (unsigned int i = 0; i < ha->cfg->n_flows && s.n_flows < DP_FLOWS; i++) {
		const struct ha_flow *f = &ha->cfg->flows[i];

		int way;

		if (!is_of(ha, f, l))
			continue;
		way = way_for(ha, w, wanted(ha, f, l));
		s.flows[s.n_flows++] = (struct dp_flow){ f->what, way > 0 ? way - 1 : -1 };
	}
	return s;
}

static int apply(const struct lease *l, const struct change *c)
{
	struct ha *ha = l->home->ha;
	const struct ways w = look(ha, l, c);
	const struct dp_steer s = steering(ha, l, &w);
	int err = ha->ops->dp_steer(ha->ctx, &s), way = default_way(&w);

	if (err < 0)
		return err;
	if (way >= 0)
		return ha->ops->dp_set(ha->ctx, &(struct dp_binding){
			.inner = l->prefix, .local = l->home->cfg.address, .remote = *w.coa[way],
		});
	err = ha->ops->dp_del(ha->ctx, &l->prefix);
	return err == -ENOENT ? 0 : err;
}

bool steer_concerns(const struct binding *b)
{
	return b->bid != 0 || (b->by_router && b->lease && b->lease->ways > 0);
}

int steer_set(const struct binding *b, const struct in6_addr *coa)
{
	const struct change c = { b, coa };

	return apply(b->lease, &c);
}

void steer_review(const struct lease *l)
{
	int err = l->ways > 0 ? apply(l, NULL) : 0;

	if (err >= 0)
		return;
	l->home->ha->counters[HA_DATAPATH_FAILED]++;
	log_warn("ways of %s: the data path failed: %s", in6_prefix_str(&l->prefix).s,
		 strerror(-err));
}

static void review(void *ctx, const struct lease *l)
{
	(void)ctx;
	steer_review(l);
}

void steer_review_all(struct ha *ha)
{
	ha_each_lease(ha, review, NULL);
}

const struct binding *steer_default(const struct ha *ha, const struct in6_addr *prefix)
{
	const struct lease *l = ha_find_lease(ha, prefix);
	struct ways w;
	int way;

	if (!l || l->ways == 0 || !in6_eq(&l->prefix.addr, prefix))
		return NULL;
	w = look(ha, l, NULL);
	way = default_way(&w);
	return way >= 0 ? w.by[way] : NULL;
}

/* ---- operators ---- */

static void forget(struct ha *ha, struct flow_move *m)
{
	HASH_DELETE(hh, ha->flow_moves.by_key, m);
	free(m);
}

void steer_free(struct ha *ha)
{
	struct flow_move *m, *next;

	HASH_ITER(hh, ha->flow_moves.by_key, m, next)
		forget(ha, m);
}

static int note_move(struct ha *ha, const char *flow, const uint8_t mac[6], int access_type)
{
	struct flow_move *m = find_move(ha, flow, mac);

	if (access_type < 0) {
		if (m)
			forget(ha, m);
		return 0;
	}
	if (!m) {
		m = HASH_CNT(hh, ha->flow_moves.by_key) < HA_FLOW_MOVES ? calloc(1, sizeof(*m)) :
		    NULL;
		if (!m)
			return -ENOSPC;
		memcpy(m->key.flow, flow, strlen(flow));
		memcpy(m->key.mac, mac, sizeof(m->key.mac));
		HASH_ADD(hh, ha->flow_moves.by_key, key, sizeof(m->key), m);
	}
	m->access_type = (uint8_t)access_type;
	return 0;
}

struct moving {
	struct ha *ha;
	const uint8_t *mac;
	const char *flow;
	int access_type;
	int err;			/* -ENOENT until one has been moved */
};

/* Whichever of its link-layer addresses was said. */
static void move(void *ctx, const struct lease *l)
{
	struct moving *m = ctx;

	if (l->state == LEASE_FREE || !hosts_same(m->ha, m->mac, l->mac) ||
	    (m->err < 0 && m->err != -ENOENT))
		return;
	m->err = note_move(m->ha, m->flow, l->mac, m->access_type);
	steer_review(l);
}

int steer_move(struct ha *ha, const uint8_t mac[6], const char *flow, int access_type)
{
	struct moving m = { ha, mac, flow, access_type, -ENOENT };
	bool known = false;

	for (unsigned int i = 0; i < ha->cfg->n_flows; i++)
		known |= strcmp(ha->cfg->flows[i].name, flow) == 0 &&
			 (!ha->cfg->flows[i].has_mac || hosts_same(ha, ha->cfg->flows[i].mac, mac));
	if (known)
		ha_each_lease(ha, move, &m);
	return m.err;
}
