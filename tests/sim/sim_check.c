/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must hold: after each step whatever happened, after a time without trouble, and when
 * all flows have ended.
 */
#include "tests/sim/sim.h"

#include <string.h>

#define ORPHAN_GRACE	(5 * USEC_S)	/* packets that were under way, and rounding */

static const struct anchor *find_anchor(const struct sim *s, const struct in6_addr *hoa)
{
	return s->mn.running ? mn_find_anchor(&s->mn.mn, hoa) : NULL;
}

/* --- the mobile node ------------------------------------------------------------------ */

/* The address may be on our device for something else. */
static bool is_carried(const struct sim *s, const struct in6_addr *a)
{
	return sim_mn_has_addr(s, a) &&
	       (!s->mn.running || sim_mn_port_at(s, sim_ha_of(a)) || find_anchor(s, a));
}

/* A flow whose address is gone, or that nobody carries on, is dead. That is the mobile node's doing unless it was not
 * running; and what it does it tells: MN_C_FLOWS_LOST. */
static void check_broken(struct sim *s)
{
	struct sim_mn *m = &s->mn;
	uint64_t told = m->told_before + (m->running ? m->mn.counters[MN_C_FLOWS_LOST] : 0);

	for (unsigned int n = 0; n < SIM_FLOWS; n++) {
		if (!m->flows[n].used || is_carried(s, &m->flows[n].local))
			continue;
		m->flows[n].used = false;
		m->broken++;
		if (!m->running)
			m->excused++;
		else if (m->broken > told + m->excused)
			sim_fail(s, "a flow on %s lost its address and nobody was told",
				 in6_str(&m->flows[n].local).s);
	}
}

/* The kernel has what the anchors say, no more and no less. */
static void check_kernel(struct sim *s)
{
	struct sim_mn *m = &s->mn;
	bool settled = s->now > m->started + 31 * USEC_S;
	unsigned int n = 0, tunnelled = 0;

	for (const struct anchor *a = m->mn.anchors; a; a = a->next) {
		n++;
		if (a->state == ANCHOR_GONE)
			sim_fail(s, "anchor %s is gone and still there", in6_str(&a->hoa).s);
		if (a->tunnelled && !sim_mn_tunnel(s, &a->hoa) && settled)
			sim_fail(s, "anchor %s is tunnelled, the data path has nothing",
				 in6_str(&a->hoa).s);
		if (a->held && !sim_mn_has_addr(s, &a->hoa))
			sim_fail(s, "anchor %s is held, the address is not there",
				 in6_str(&a->hoa).s);
		tunnelled += a->tunnelled;
	}
	if (n != m->mn.n_anchors)
		sim_fail(s, "%u anchors, counted as %u", n, m->mn.n_anchors);
	if (settled && m->n_tunnels != tunnelled)
		sim_fail(s, "%u tunnels for %u anchors", m->n_tunnels, tunnelled);
	for (unsigned int k = 0; k < m->n_own && settled; k++)
		if (!mn_wants_addr(&m->mn, &m->own[k].addr))
			sim_fail(s, "%s is on our device for nothing", in6_str(&m->own[k].addr).s);
	if (m->n_endpoints != m->mn.n_ends && !m->old_endpoints)
		sim_fail(s, "%u ends of tunnels, %u are known", m->n_endpoints, m->mn.n_ends);
}

/* --- the home agents -------------------------------------------------------------------- */

struct counted { struct sim *s; struct sim_ha *h; unsigned int n; };

static bool is_ours(const struct sim *s, const uint8_t mac[6])
{
	for (const struct sim_port *p = s->mn.ports; p < s->mn.ports + SIM_PORTS; p++)
		if (memcmp(p->mac, mac, 6) == 0)
			return true;
	return false;
}

static void check_binding(void *ctx, const struct binding *b)
{
	struct counted *c = ctx;
	const struct sim_route *r = sim_ha_route(c->h, &b->hoa);

	if (b->state != BINDING_BOUND)
		return;
	c->n++;
	if (!r || !in6_eq(&r->coa, &b->coa))
		sim_fail(c->s, "ha %u: %s is bound to %s and not routed there", c->h->n,
			 in6_str(&b->hoa).s, in6_str(&b->coa).s);
	if (b->expires < c->s->now)
		sim_fail(c->s, "ha %u: %s outlives its lifetime", c->h->n, in6_str(&b->hoa).s);
	if (!in6_in(&b->lease->prefix, &b->hoa) || !is_ours(c->s, b->lease->mac))
		sim_fail(c->s, "ha %u: %s is bound and not the host's", c->h->n,
			 in6_str(&b->hoa).s);
}

static void check_lease(void *ctx, const struct lease *l)
{
	struct counted *c = ctx;
	unsigned int n = 0;

	for (unsigned int i = 0; i < c->h->n_leases; i++)
		n += in6_prefix_eq(&c->h->leases[i].prefix, &l->prefix);
	if (n != (l->state == LEASE_ATTACHED))
		sim_fail(c->s, "ha %u: %s is %s and has %u routes", c->h->n,
			 in6_prefix_str(&l->prefix).s, lease_state_name(l->state), n);
	if (l->state == LEASE_FREE && l->bindings)
		sim_fail(c->s, "ha %u: %s is free and has bindings", c->h->n,
			 in6_prefix_str(&l->prefix).s);
}

/* A binding behind which no anchor stands ends with its lifetime at the latest. */
static void check_orphan(void *ctx, const struct binding *b)
{
	struct counted *c = ctx;
	struct sim_ha *h = c->h;
	unsigned int n = 0;

	if (b->state != BINDING_BOUND || find_anchor(c->s, &b->hoa))
		return;
	while (n < h->n_orphans && !in6_eq(&h->orphans[n].hoa, &b->hoa))
		n++;
	if (n == SIM_ROUTES)
		return;
	if (n == h->n_orphans) {
		h->orphans[n].hoa = b->hoa;
		h->orphans[n].since = c->s->now;
		h->n_orphans++;
	}
	h->orphans[n].seen = true;
	if (c->s->now > h->orphans[n].since + c->s->binding_lifetime + ORPHAN_GRACE)
		sim_fail(c->s, "ha %u: %s is bound for nobody since %.3f s", h->n,
			 in6_str(&b->hoa).s, (double)h->orphans[n].since / 1e6);
}

static void check_ha(struct sim *s, struct sim_ha *h)
{
	struct counted c = { .s = s, .h = h };

	if (!h->running)
		return;
	ha_each_binding(&h->ha, check_binding, &c);
	if (c.n != h->n_routes)
		sim_fail(s, "ha %u: %u routes for %u bindings", h->n, h->n_routes, c.n);
	ha_each_lease(&h->ha, check_lease, &c);
	for (unsigned int n = 0; n < h->n_orphans; n++)
		h->orphans[n].seen = false;
	ha_each_binding(&h->ha, check_orphan, &c);
	for (unsigned int n = 0; n < h->n_orphans; n++)
		if (!h->orphans[n].seen)
			h->orphans[n--] = h->orphans[--h->n_orphans];
}

void sim_check(struct sim *s)
{
	check_broken(s);
	if (s->mn.running)
		check_kernel(s);
	for (unsigned int n = 0; n < SIM_HAS; n++)
		check_ha(s, &s->has[n]);
	sim_check_keys(s);
}

/* --- from end to end ---------------------------------------------------------------------- */

static bool has_endpoint(const struct sim_mn *m, const struct in6_addr *a)
{
	for (unsigned int n = 0; n < m->n_endpoints; n++)
		if (in6_eq(&m->endpoints[n], a))
			return true;
	return false;
}

/*
 * How a packet to the address would fare; NULL: it arrives. A care-of address may itself be away
 * for a moment, while flows go from one interface to another: a tunnel within a tunnel, at most
 * `depth` of them.
 */
static const char *downlink(const struct sim *s, const struct in6_addr *a, unsigned int depth)
{
	const struct sim_mn *m = &s->mn;
	const struct sim_ha *home = &s->has[sim_ha_of(a)];
	const struct sim_route *r = sim_ha_route(home, a);
	const struct dp_binding *t = sim_mn_tunnel(s, a);

	if (!sim_mn_has_addr(s, a))
		return "the host does not have the address";
	if (!r) {
		if (!sim_mn_port_at(s, (int)home->n))
			return "it is not bound, and the host is elsewhere";
		return sim_ha_attached(home, a) ? NULL : "no route on its own link";
	}
	if (depth == 0)
		return "its care-of address is bound elsewhere";
	if (!has_endpoint(m, &r->coa))
		return "the care-of address is no end of tunnels";
	if ((!t || !in6_eq(&t->remote, &home->cfg.homes[0].address)) &&
	    !sim_late_has(s, m->late, a, &home->cfg.homes[0].address))
		return "the host does not expect the tunnel";
	return downlink(s, &r->coa, depth - 1);
}

/* How one that has the address as its source leaves the host. */
static const char *leave(const struct sim *s, const struct in6_addr *a)
{
	const struct sim_mn *m = &s->mn;

	if (!sim_mn_port_at(s, sim_ha_of(a)))
		return "it leaves from an address that is not of the site";
	if (!sim_mn_has_addr(s, a))
		return "the host does not have the care-of address";
	for (unsigned int n = 0; n < MN_INTERFACES_MAX; n++) {
		if (!m->path_there[n] || !in6_in(&m->paths[n].prefix, a))
			continue;
		if (!m->path_alive[n] ||
		    !in6_eq(&m->paths[n].router, &s->has[sim_ha_of(a)].linklocal))
			return "its road leads nowhere";
	}
	return NULL;
}

static const char *uplink(const struct sim *s, const struct in6_addr *a, unsigned int depth)
{
	const struct sim_ha *home = &s->has[sim_ha_of(a)];
	const struct sim_route *r = sim_ha_route(home, a);
	const struct dp_binding *t = sim_mn_tunnel(s, a);

	if (!t)
		return leave(s, a);
	if (depth == 0)
		return "its care-of address enters a tunnel";
	if (!(r && in6_eq(&r->coa, &t->local)) && !sim_late_has(s, home->late, a, &t->local))
		return "the home agent does not take it";
	return uplink(s, &t->local, depth - 1);
}

/* Told of, in words and in the state: then it is not a fault of the machine. */
static bool reported(const struct sim *s, const struct in6_addr *a)
{
	const struct anchor *an = find_anchor(s, a);

	/* Not renewed, but of several updates another may have been taken. */
	if (an && an->state == ANCHOR_BOUND)
		return strncmp(an->reason, "not renewed", 11) == 0;
	return an && (an->state == ANCHOR_REFUSED || an->state == ANCHOR_UNREACHABLE ||
		      an->state == ANCHOR_REGISTERING) && an->reason[0] != '\0';
}

static void check_flows(struct sim *s, unsigned int depth)
{
	const struct sim_mn *m = &s->mn;

	for (unsigned int n = 0; n < SIM_FLOWS; n++) {
		const struct in6_addr *a = &m->flows[n].local;
		const struct anchor *an;
		const char *wrong;

		if (!m->flows[n].used)
			continue;
		an = find_anchor(s, a);
		wrong = downlink(s, a, depth);
		if (wrong && !reported(s, a))
			sim_fail(s, "the flow on %s hears nothing: %s (anchor: %s, at %d, %d)",
				 in6_str(a).s, wrong, an ? anchor_state_name(an->state) : "none",
				 m->ports[0].at, m->ports[1].at);
		wrong = uplink(s, a, depth);
		if (wrong && !reported(s, a))
			sim_fail(s, "the flow on %s is not heard: %s (anchor: %s, at %d, %d)",
				 in6_str(a).s, wrong, an ? anchor_state_name(an->state) : "none",
				 m->ports[0].at, m->ports[1].at);
	}
}

void sim_check_flows(struct sim *s)
{
	check_flows(s, 1);
}

void sim_check_flows_now(struct sim *s)
{
	check_flows(s, 3);
}

static void check_bindings_gone(struct sim *s)
{
	for (unsigned int n = 0; n < SIM_HAS; n++)
		if (s->has[n].n_routes || ha_bound_count(&s->has[n].ha))
			sim_fail(s, "ha %u: a binding is left", n);
}

static bool leads_somewhere(const struct sim *s, const struct mn_path *p)
{
	int place = sim_ha_of(&p->prefix.addr);

	return sim_mn_port_at(s, place) && in6_eq(&p->router, &s->has[place].linklocal);
}

/* The road by the router where the host is now may stay while the daemon runs. */
static void check_kernel_clean(struct sim *s, bool running)
{
	const struct sim_mn *m = &s->mn;

	if (m->n_tunnels || m->n_endpoints || m->n_own)
		sim_fail(s, "left: %u tunnels, %u ends of tunnels, %u addresses", m->n_tunnels,
			 m->n_endpoints, m->n_own);
	for (unsigned int n = 0; n < MN_INTERFACES_MAX; n++) {
		const struct mn_path *p = &m->paths[n];

		if (!m->path_there[n] || (running && leads_somewhere(s, p)))
			continue;
		sim_fail(s, "the road of %s is left", in6_prefix_str(&p->prefix).s);
	}
}

void sim_check_nothing_left(struct sim *s)
{
	const struct sim_mn *m = &s->mn;

	check_bindings_gone(s);
	for (const struct anchor *a = m->mn.anchors; a; a = a->next)
		if (a->state != ANCHOR_ATTACHED || a->held || !sim_mn_port_at(s, sim_ha_of(&a->hoa)))
			sim_fail(s, "anchor %s is left: %s%s", in6_str(&a->hoa).s,
				 anchor_state_name(a->state), a->held ? ", held" : "");
	check_kernel_clean(s, true);
}

void sim_check_stopped(struct sim *s)
{
	check_bindings_gone(s);
	check_kernel_clean(s, false);
}
