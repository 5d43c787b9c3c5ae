/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An access router: the home agent's state machines, and what its kernel and its database
 * hold, which outlive it. Site n has 2001:db8:<n+1>::/48; its pool is the part :100::/60.
 */
#include "tests/sim/sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "common/wire/ext.h"

static const uint8_t secret[16] = "a shared secret";

int sim_ha_of(const struct in6_addr *a)
{
	struct in6_prefix p = { .len = 40 };

	in6_parse("2001:db8::", &p.addr);
	if (!in6_in(&p, a) || a->s6_addr[5] < 1 || a->s6_addr[5] > SIM_HAS)
		return SIM_NOWHERE;
	return a->s6_addr[5] - 1;
}

const struct sim_route *sim_ha_route(const struct sim_ha *h, const struct in6_addr *hoa)
{
	for (unsigned int i = 0; i < h->n_routes; i++)
		if (in6_eq(&h->routes[i].hoa, hoa))
			return &h->routes[i];
	return NULL;
}

bool sim_ha_attached(const struct sim_ha *h, const struct in6_addr *a)
{
	for (unsigned int i = 0; i < h->n_leases; i++)
		if (in6_in(&h->leases[i].prefix, a))
			return true;
	return false;
}

/* --- ops -------------------------------------------------------------------------- */

/* What a host was told is a promise: the prefix is its own so long. */
static void note_promise(struct sim_ha *h, const uint8_t mac[6], const void *data, size_t len)
{
	struct ip6_packet ip;
	struct icmp6_msg m;
	struct sim_told *t;

	if (ip6_decode(data, len, &ip) ||
	    icmp6_decode((const uint8_t *)data + ip.payload_off, ip.payload_len, &ip.src, &ip.dst,
			 ip.hop_limit, &m) || m.type != ICMP6_RA)
		return;
	for (unsigned int n = 0; n < m.u.ra.n_prefixes; n++) {
		const struct nd_prefix *p = &m.u.ra.prefixes[n];
		struct in6_prefix prefix = { .addr = p->prefix, .len = p->plen };

		if (!(p->flags & PIO_FLAG_AUTO))
			continue;
		for (t = h->told; t < h->told + h->n_told; t++)
			if (in6_prefix_eq(&t->prefix, &prefix))
				break;
		if (t == h->told + h->n_told) {
			if (h->n_told == SIM_ROWS) {
				sim_fail(h->sim, "ha %u: more prefixes than it has", h->n);
				return;
			}
			h->n_told++;
			t->prefix = prefix;
		} else if (memcmp(t->mac, mac, 6) != 0 && t->until > h->sim->now) {
			sim_fail(h->sim, "ha %u: %s was promised to %s and is given to %s", h->n,
				 in6_prefix_str(&prefix).s, mac_str(t->mac).s, mac_str(mac).s);
		}
		memcpy(t->mac, mac, 6);
		t->until = h->sim->now + (usec_t)p->valid_s * USEC_S;
	}
}

static int op_send_link(void *ctx, int ifindex, const uint8_t mac[6], const void *data, size_t len)
{
	struct sim_ha *h = ctx;

	if (ifindex != SIM_HA_IF)
		sim_fail(h->sim, "ha %u: sends on interface %d", h->n, ifindex);
	note_promise(h, mac, data, len);
	sim_transmit(h->sim, true, sim_mn_rx_frame, (int)h->n, mac, data, len);
	return 0;
}

static int op_send_routed(void *ctx, const void *data, size_t len)
{
	struct sim_ha *h = ctx;
	struct ip6_packet ip;
	int to;

	if (ip6_decode(data, len, &ip)) {
		sim_fail(h->sim, "ha %u: sends what cannot be read", h->n);
		return 0;
	}
	to = sim_ha_of(&ip.dst);
	if (to == (int)h->n)
		sim_transmit(h->sim, true, sim_ha_rx_local, to, NULL, data, len);
	else if (to != SIM_NOWHERE && h->reachable)
		sim_transmit(h->sim, false, sim_ha_rx_packet, to, NULL, data, len);
	return 0;
}

void sim_ha_send(struct sim_ha *h, const void *data, size_t len)
{
	if (len > 0)
		op_send_routed(h, data, len);
}

static int op_dp_set(void *ctx, const struct dp_binding *b)
{
	struct sim_ha *h = ctx;
	unsigned int i = 0;

	while (i < h->n_routes && !in6_eq(&h->routes[i].hoa, &b->inner.addr))
		i++;
	if (i == SIM_ROUTES)
		return -ENOSPC;
	if (i < h->n_routes && !in6_eq(&h->routes[i].coa, &b->remote))
		sim_late_add(h->sim, h->late, &b->inner.addr, &h->routes[i].coa);
	h->routes[i] = (struct sim_route){ .hoa = b->inner.addr, .coa = b->remote };
	if (i == h->n_routes)
		h->n_routes++;
	return 0;
}

static int op_dp_del(void *ctx, const struct in6_prefix *inner)
{
	struct sim_ha *h = ctx;

	for (unsigned int i = 0; i < h->n_routes; i++) {
		if (!in6_eq(&h->routes[i].hoa, &inner->addr))
			continue;
		sim_late_add(h->sim, h->late, &h->routes[i].hoa, &h->routes[i].coa);
		h->routes[i] = h->routes[--h->n_routes];
		return 0;
	}
	return -ENOENT;
}

static int op_lease_attach(void *ctx, const struct lease *l)
{
	struct sim_ha *h = ctx;
	unsigned int i = 0;

	while (i < h->n_leases && !in6_prefix_eq(&h->leases[i].prefix, &l->prefix))
		i++;
	if (i == SIM_ROWS)
		return -ENOSPC;
	h->leases[i].prefix = l->prefix;
	memcpy(h->leases[i].mac, l->mac, 6);
	if (i == h->n_leases)
		h->n_leases++;
	return 0;
}

static void op_lease_detach(void *ctx, const struct lease *l)
{
	struct sim_ha *h = ctx;

	for (unsigned int i = 0; i < h->n_leases; i++)
		if (in6_prefix_eq(&h->leases[i].prefix, &l->prefix))
			h->leases[i--] = h->leases[--h->n_leases];
}

static int op_lease_store(void *ctx, const struct ha_lease_record *r, bool durable)
{
	struct sim_ha *h = ctx;

	(void)durable;
	for (unsigned int i = 0; i < h->n_lease_rows; i++)
		if (in6_prefix_eq(&h->lease_rows[i].prefix, &r->prefix) ||
		    memcmp(h->lease_rows[i].mac, r->mac, 6) == 0)
			h->lease_rows[i--] = h->lease_rows[--h->n_lease_rows];
	if (h->n_lease_rows == SIM_ROWS)
		return -ENOSPC;
	h->lease_rows[h->n_lease_rows++] = *r;
	return 0;
}

static void op_binding_forget(void *ctx, const struct in6_addr *hoa, uint32_t place)
{
	struct sim_ha *h = ctx;

	(void)place;
	for (unsigned int i = 0; i < h->n_binding_rows; i++)
		if (in6_eq(&h->binding_rows[i].hoa, hoa))
			h->binding_rows[i--] = h->binding_rows[--h->n_binding_rows];
}

static void op_binding_store(void *ctx, struct ha_binding_record *r)
{
	struct sim_ha *h = ctx;

	op_binding_forget(h, &r->hoa, r->place);
	r->place = 1;			/* it is found by its address */
	if (h->n_binding_rows == 2 * SIM_BINDINGS)
		sim_fail(h->sim, "ha %u: too many bindings", h->n);
	else
		h->binding_rows[h->n_binding_rows++] = *r;
}

static int64_t op_wall_us(void *ctx)
{
	struct sim_ha *h = ctx;

	return (int64_t)(h->sim->now + SIM_HA_CLOCK);
}

static void op_random(void *ctx, void *dst, size_t n)
{
	struct sim_ha *h = ctx;

	for (uint8_t *p = dst; n > 0; n--)
		*p++ = (uint8_t)sim_random(h->sim);
}

static const struct ha_ops ops = {
	.send_link = op_send_link, .send_routed = op_send_routed, .dp_set = op_dp_set,
	.dp_del = op_dp_del, .lease_attach = op_lease_attach, .lease_detach = op_lease_detach,
	.lease_store = op_lease_store, .binding_store = op_binding_store,
	.binding_forget = op_binding_forget, .wall_us = op_wall_us, .random = op_random,
	.sa_store = sim_sa_store, .sa_forget = sim_sa_forget,
};

/* --- what arrives ------------------------------------------------------------------- */

void sim_ha_rx_frame(struct sim_event *e)
{
	struct sim_ha *h = &e->sim->has[e->place];
	struct ip6_packet ip;
	struct icmp6_msg m, na = { .type = ICMP6_NA };
	struct wbuf w;
	uint8_t room[256];

	if (ip6_decode(e->data, e->len, &ip))
		return;
	/* Its kernel answers for its link-local address, whether the daemon runs or not. */
	if (icmp6_decode(e->data + ip.payload_off, ip.payload_len, &ip.src, &ip.dst, ip.hop_limit,
			 &m) == ICMP6_OK && m.type == ICMP6_NS &&
	    in6_eq(&m.u.ns.target, &h->linklocal)) {
		struct ip6_packet out = { .src = h->linklocal, .dst = ip.src, .hop_limit = 255,
					  .next_header = IP6_NH_ICMP6 };

		na.u.na.flags = NA_FLAG_ROUTER | NA_FLAG_SOLICITED;
		na.u.na.target = h->linklocal;
		wb_init(&w, room, sizeof(room));
		ip6_encode(&w, &out);
		if (icmp6_encode(&w, &na, &out.src, &out.dst) == 0) {
			ip6_finish(&w, 0);
			sim_transmit(e->sim, true, sim_mn_rx_frame, e->place, e->mac, room, w.len);
		}
		return;
	}
	if (h->running)
		ha_rx_nd(&h->ha, SIM_HA_IF, e->mac, e->data, e->len, e->sim->now);
}

/* For the home agent, into a tunnel, or to a host on the link. */
void sim_ha_rx_local(struct sim_event *e)
{
	struct sim_ha *h = &e->sim->has[e->place];
	struct ip6_packet ip;

	if (ip6_decode(e->data, e->len, &ip))
		return;
	if (in6_eq(&ip.dst, &h->cfg.homes[0].address)) {
		if (h->running && ip.next_header == IP6_NH_ICMP6)
			ha_rx_discovery(&h->ha, e->data, e->len, e->sim->now);
		else if (h->running && !sim_moody_takes(h, e->data, e->len))
			ha_rx_mh(&h->ha, e->data, e->len, e->sim->now);
		return;
	}
	if (sim_ha_route(h, &ip.dst))
		return;			/* tunnelled; control packets are of no use there */
	if (sim_ha_attached(h, &ip.dst))
		sim_mn_rx_packet(e->sim, e->place, e->data, e->len);
}

void sim_ha_rx_packet(struct sim_event *e)
{
	if (e->sim->has[e->place].reachable)
		sim_ha_rx_local(e);
}

/* A host that stays where it is wants a prefix. */
void sim_stranger(struct sim *s, unsigned int n)
{
	struct icmp6_msg rs = { .type = ICMP6_RS };
	struct ip6_packet ip = { .hop_limit = 255, .next_header = IP6_NH_ICMP6 };
	uint8_t room[128], mac[6] = { 2, 0xaa, 0, 0, 0, (uint8_t)sim_below(s, 12) };
	struct wbuf w;

	in6_parse("ff02::2", &ip.dst);
	wb_init(&w, room, sizeof(room));
	ip6_encode(&w, &ip);
	if (icmp6_encode(&w, &rs, &ip.src, &ip.dst) == 0) {
		ip6_finish(&w, 0);
		sim_transmit(s, true, sim_ha_rx_frame, (int)n, mac, room, w.len);
	}
}

/* --- life --------------------------------------------------------------------------- */

static int by_until(const void *a, const void *b)
{
	const struct ha_lease_record *x = a, *y = b;

	return x->until < y->until ? -1 : x->until > y->until;
}

static void restore(struct sim_ha *h)
{
	struct ha_lease_record leases[SIM_ROWS];
	struct ha_binding_record rows[2 * SIM_BINDINGS];
	unsigned int n = h->n_lease_rows, nb = h->n_binding_rows;
	int r;

	memcpy(leases, h->lease_rows, sizeof(leases));
	memcpy(rows, h->binding_rows, sizeof(rows));
	qsort(leases, n, sizeof(leases[0]), by_until);
	for (unsigned int i = 0; i < n; i++) {
		r = ha_restore_lease(&h->ha, &leases[i], h->sim->now);
		if (r)
			sim_fail(h->sim, "ha %u: lease %s not restored: %d", h->n,
				 in6_prefix_str(&leases[i].prefix).s, r);
	}
	sim_sas_load(h);
	for (unsigned int i = 0; i < nb; i++) {
		r = ha_restore_binding(&h->ha, &rows[i], h->sim->now);
		if (r == -ESTALE)
			op_binding_forget(h, &rows[i].hoa, rows[i].place);
		else if (r < 0)
			sim_fail(h->sim, "ha %u: binding %s not restored: %d", h->n,
				 in6_str(&rows[i].hoa).s, r);
	}
	/* As ha-agent/io.c does it: what only the kernel still has goes. */
	for (unsigned int i = 0; i < h->n_routes; i++)
		if (!ha_bound_find(&h->ha, &h->routes[i].hoa))
			h->routes[i--] = h->routes[--h->n_routes];
	for (unsigned int i = 0; i < h->n_leases; i++) {
		const struct lease *l = ha_find_lease(&h->ha, &h->leases[i].prefix.addr);

		if (!l || l->state != LEASE_ATTACHED)
			h->leases[i--] = h->leases[--h->n_leases];
	}
}

void sim_ha_start(struct sim *s, unsigned int n)
{
	struct sim_ha *h = &s->has[n];

	if (h->running)
		return;
	if (ha_init(&h->ha, &h->cfg, &ops, h, &s->timers, s->now)) {
		sim_fail(s, "ha %u does not start", n);
		return;
	}
	h->running = true;
	log_debug("ha %u: starts", n);
	restore(h);
	ha_link(&h->ha, SIM_HA_IF, "access", h->mac, &h->linklocal, true, s->now);
}

void sim_ha_stop(struct sim *s, unsigned int n)
{
	if (!s->has[n].running)
		return;
	log_debug("ha %u: killed", n);
	ha_free(&s->has[n].ha);
	s->has[n].running = false;
}

void sim_ha_init(struct sim *s, unsigned int n)
{
	struct sim_ha *h = &s->has[n];
	const char *wrong;

	h->sim = s;
	h->n = n;
	h->reachable = true;
	in6_parse("fe80::1", &h->linklocal);
	h->linklocal.s6_addr[14] = (uint8_t)(n + 1);
	memcpy(h->mac, (const uint8_t[]){ 2, 0xff, 0, 0, 0, (uint8_t)n }, 6);
	ha_config_defaults(&h->cfg);
	h->cfg.n_interfaces = 1;
	memcpy(h->cfg.interfaces[0], "access", 7);
	h->cfg.n_homes = 1;
	in6_parse("2001:db8:0:100::", &h->cfg.homes[0].prefix.addr);
	h->cfg.homes[0].prefix.addr.s6_addr[5] = (uint8_t)(n + 1);
	h->cfg.homes[0].prefix.len = 60;
	h->cfg.prefix_lifetime = s->prefix_lifetime;
	h->cfg.binding_lifetime = s->binding_lifetime;
	h->cfg.max_bindings = SIM_BINDINGS;
	h->cfg.n_keys = s->given_keys ? 0 : 1;
	h->cfg.keys = &h->key;
	if (s->key_lifetime)
		h->cfg.bootstrap.lifetime = s->key_lifetime;
	wrong = ha_config_check(&h->cfg);
	if (wrong)
		sim_fail(s, "%s", wrong);
	if (auth_key_init(&h->key.auth, 256 + n, AUTH_HMAC_SHA256_128, secret, sizeof(secret)))
		sim_fail(s, "no key");
	h->key.timestamp_required = n == SIM_STAMPED;
	h->key.timestamp_window = HA_TIMESTAMP_WINDOW;
	sim_ha_start(s, n);
}

void sim_ha_free(struct sim *s, unsigned int n)
{
	sim_ha_stop(s, n);
	auth_key_wipe(&s->has[n].key.auth);
}
