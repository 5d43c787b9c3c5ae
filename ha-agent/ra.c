/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Router Advertisements (RFC 4861 4.2, RFC 6275 section 7, RFC 8273, RFC 8106). Owns
 * nothing; called by nd.c.
 */
#include "ha-agent/ra.h"

#include <string.h>

#define ALL_NODES	((struct in6_addr){ .s6_addr = { 0xff, 0x02, [15] = 1 } })

/* Lifetimes on the wire: whole seconds, never more than is meant. */
static uint32_t seconds(usec_t t, uint32_t max)
{
	if (t <= 0)
		return 0;
	return t / USEC_S > max ? max : (uint32_t)(t / USEC_S);
}

size_t nd_build(const struct icmp6_msg *msg, const struct in6_addr *src,
		const struct in6_addr *dst, uint8_t room[RA_ROOM])
{
	struct ip6_packet ip = {
		.src = *src, .dst = *dst, .hop_limit = 255, .next_header = IP6_NH_ICMP6,
	};
	struct wbuf w;

	wb_init(&w, room, RA_ROOM);
	return icmp6_packet(&w, &ip, msg) < 0 ? 0 : w.len;
}

/* RFC 4191 2.2: of lifetime zero with medium preference, always. */
static void set_router(struct nd_ra *ra, const struct ha_config *cfg, const struct drain *d,
		       usec_t now)
{
	usec_t lifetime = drain_limit(d, cfg->router_lifetime, now);

	ra->router_lifetime_s = (uint16_t)seconds(lifetime, UINT16_MAX);
	if (d->state != DRAIN_OFF && ra->router_lifetime_s > 0)
		ra->flags |= RA_PREFERENCE_LOW;
}

static struct nd_prefix prefix_option(const struct in6_addr *prefix, uint8_t flags,
				      uint32_t lifetime_s)
{
	return (struct nd_prefix){
		.prefix = *prefix, .plen = 64, .flags = flags,
		.valid_s = lifetime_s, .preferred_s = lifetime_s,
	};
}

/* RFC 4862 5.5.4: what is begun goes on with it, nothing new begins. */
static void deprecate(const struct ha_home *home, struct nd_prefix *p)
{
	if (home->ha->drain.state != DRAIN_OFF || home_is_deprecated(home))
		p->preferred_s = 0;
}

unsigned int ra_home_prefixes(const struct ha_config *cfg, const struct ha_home *home,
			      const struct lease *l, usec_t now,
			      struct nd_prefix ret[HA_HOME_PREFIXES])
{
	const struct drain *d = &home->ha->drain;
	uint32_t lifetime_s = seconds(home_limit(home, cfg->prefix_lifetime, now), UINT32_MAX);
	uint32_t ours_s = seconds(home_limit(home, drain_limit(d, cfg->prefix_lifetime, now), now),
				  UINT32_MAX);
	unsigned int n = 0;

	/* RFC 8273 4: the host's own prefix, not on-link for anybody. */
	if (l) {
		ret[n] = prefix_option(&l->prefix.addr, PIO_FLAG_AUTO,
				       seconds(l->valid_until - now, lifetime_s));
		deprecate(home, &ret[n++]);
	}
	/* RFC 6275 7.2: our whole address. In a prefix of single hosts nobody forms an address
	 * from this one; in a shared one it stands for the prefix as well. */
	if (home->cfg.mode == HOME_PER_HOST) {
		ret[n++] = prefix_option(&home->cfg.address, PIO_FLAG_ROUTER, ours_s);
	} else {
		ret[n] = prefix_option(&home->cfg.address, PIO_FLAG_ONLINK | PIO_FLAG_AUTO |
				       PIO_FLAG_ROUTER, lifetime_s);
		deprecate(home, &ret[n++]);
	}
	return n;
}

size_t ra_build(const struct ha_config *cfg, const struct ha_interface *ifc,
		const struct ra_leases *leases, usec_t now, uint8_t room[RA_ROOM])
{
	const struct in6_addr all_nodes = ALL_NODES;
	const struct drain *d = &ifc->ha->drain;
	struct icmp6_msg msg = { .type = ICMP6_RA, .u.ra = { .hop_limit = 64 } };
	struct nd_ra *ra = &msg.u.ra;

	if (in6_is_any(&ifc->linklocal))
		return 0;
	ra->flags = RA_FLAG_HOME_AGENT;
	set_router(ra, cfg, d, now);
	/* RFC 6275 7.5: a home agent's advertisements all carry its link-layer address. */
	ra->slla.present = true;
	memcpy(ra->slla.mac, ifc->mac, sizeof(ra->slla.mac));
	ra->mtu = cfg->mtu;
	/* RFC 4861 4.2: 0 leaves it to the hosts, who take a second. */
	if (cfg->retrans_timer != HA_RETRANS_TIMER)
		ra->retrans_ms = (uint32_t)(cfg->retrans_timer / USEC_MS);
	/* RFC 6275 7.3: the configured maximum; 7.5: 20 ms more where it is below 200 ms. */
	if (cfg->ra_interval_option)
		ra->adv_interval_ms = (uint32_t)(cfg->ra_interval / USEC_MS) +
				      (cfg->ra_interval < 200 * USEC_MS ? 20 : 0);
	/* RFC 6275 7.4: left out where it would only repeat the defaults. The home agent is
	 * good for as long as the prefixes that it hands out. */
	ra->ha_lifetime_s = (uint16_t)seconds(drain_limit(d, cfg->prefix_lifetime, now),
					      UINT16_MAX);
	ra->ha_preference = cfg->home_agent_preference;
	ra->has_ha_info = ra->ha_lifetime_s != 0 &&
			  (ra->ha_preference != 0 ||
			   ra->ha_lifetime_s != ra->router_lifetime_s);

	for (unsigned int i = 0; i < ifc->n_homes; i++)
		if (ifc->homes[i]->state <= HOME_RETIRING)
			ra->n_prefixes += ra_home_prefixes(cfg, ifc->homes[i],
							   leases ? leases->of_home[i] : NULL,
							   now, &ra->prefixes[ra->n_prefixes]);

	for (unsigned int i = 0; leases && i < leases->n_visited &&
	     ra->n_prefixes < ND_MAX_PREFIXES; i++)
		ra->prefixes[ra->n_prefixes++] = leases->visited[i];

	/* RFC 8106 5.1: by default three times the longest interval. */
	ra->n_rdnss = cfg->n_rdnss;
	memcpy(ra->rdnss, cfg->rdnss, sizeof(ra->rdnss));
	ra->rdnss_lifetime_s = seconds(3 * cfg->ra_interval + USEC_S - 1, UINT32_MAX);
	return nd_build(&msg, &ifc->linklocal, &all_nodes, room);
}

size_t ra_build_probe(const struct ha_interface *ifc, const struct lease *l,
		      uint8_t room[RA_ROOM])
{
	struct icmp6_msg msg = { .type = ICMP6_NS, .u.ns = { .target = l->linklocal } };

	if (in6_is_any(&ifc->linklocal))
		return 0;
	msg.u.ns.slla.present = true;
	memcpy(msg.u.ns.slla.mac, ifc->mac, sizeof(msg.u.ns.slla.mac));
	return nd_build(&msg, &ifc->linklocal, &l->linklocal, room);
}
