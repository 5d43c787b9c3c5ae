/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Home agents in a bad mood: they refuse with any status, or forget to answer, or answer
 * Binding Updates with what nobody signs. And what a mobile node may not do to them: more
 * than MAX_UPDATE_RATE updates of one home address in a second (RFC 6275 11.8).
 */
#include "tests/sim/sim.h"

#include <string.h>

#include "common/core/log.h"
#include "common/wire/reject.h"

/* Signed, with any status that says no; nothing is done. */
static void refuse(struct sim_ha *h, const struct ip6_packet *bu, const struct mh_msg *m)
{
	static const uint8_t no[] = {
		BA_UNSPECIFIED, BA_PROHIBITED, BA_RESOURCES, BA_NO_HOME_REG, BA_NOT_HOME_SUBNET,
		BA_NOT_HOME_AGENT, BA_DAD_FAILED, BA_SEQ_OUT_OF_WINDOW, BA_EXPIRED_NONCES,
		BA_TYPE_CHANGE, 140, BA_ID_MISMATCH, BA_MESG_ID_REQUIRED, BA_AUTH_FAIL, 151,
		BA_INVALID_COA, 200, 255,
	};
	const struct in6_addr *hoa = ip6_cksum_src(bu);
	struct ip6_packet ip = {
		.src = bu->dst, .dst = bu->src, .hop_limit = 64, .next_header = MH_NEXT_HEADER,
		.has_rh2 = bu->has_hao, .rh2 = *hoa,
	};
	struct mh_msg ba = { .type = MH_BA, .u.ba = {
		.status = no[sim_below(h->sim, sizeof(no))], .seq = m->u.bu.seq,
		.lifetime = (uint16_t)sim_random(h->sim),
	} };
	uint8_t room[MESSAGE_ROOM];

	/* Not a lie: it does not deny a binding that it has. */
	if (ha_bound_find(&h->ha, hoa) && ba.u.ba.status >= BA_NO_HOME_REG &&
	    ba.u.ba.status <= BA_DAD_FAILED)
		ba.u.ba.status = BA_UNSPECIFIED;
	if (ba.u.ba.status == BA_SEQ_OUT_OF_WINDOW)
		ba.u.ba.seq = (uint16_t)sim_random(h->sim);
	ba.opts.has_mesg_id = m->opts.has_mesg_id;
	ba.opts.mesg_id = m->opts.mesg_id;
	sim_ha_send(h, room, message_build(&ip, &ba, &h->key.auth, &bu->src, hoa, room));
}

/* Not signed: a Binding Error, or an ICMPv6 error with the whole update in it. */
static void puzzle(struct sim_ha *h, const struct ip6_packet *bu, const void *data, size_t len)
{
	static const struct { uint8_t type, code; } errors[] = {
		{ ICMP6_UNREACHABLE, 0 }, { ICMP6_UNREACHABLE, 1 }, { ICMP6_UNREACHABLE, 3 },
		{ ICMP6_UNREACHABLE, 77 }, { ICMP6_TIME_EXCEEDED, 0 }, { ICMP6_PARAM_PROBLEM, 0 },
		{ ICMP6_PARAM_PROBLEM, 1 }, { ICMP6_PARAM_PROBLEM, 2 },
	};
	unsigned int n = sim_below(h->sim, 2 + sizeof(errors) / sizeof(errors[0]));
	struct icmp6_error e = {
		.from = bu->dst, .to = bu->src, .about = data, .about_len = len,
	};
	uint8_t room[REJECT_MAX];
	struct wbuf w;

	wb_init(&w, room, sizeof(room));
	if (n < 2) {
		if (reject_binding_error(&w, bu, n ? BE_UNKNOWN_HAO : BE_UNKNOWN_MH_TYPE) == 0)
			sim_ha_send(h, room, w.len);
		return;
	}
	e.type = errors[n - 2].type;
	e.code = errors[n - 2].code;
	if (reject_icmp6(&w, &e) == 0)
		sim_ha_send(h, room, w.len);
}

bool sim_moody_takes(struct sim_ha *h, const void *data, size_t len)
{
	struct ip6_packet ip;
	struct mh_msg m;

	if (h->mood == SIM_WELL || ip6_decode(data, len, &ip) ||
	    ip.next_header != MH_NEXT_HEADER ||
	    mh_decode((const uint8_t *)data + ip.payload_off, ip.payload_len, ip6_cksum_src(&ip),
		      ip6_cksum_dst(&ip), &m, NULL) || m.type != MH_BU)
		return false;
	if (h->mood == SIM_REFUSES)
		refuse(h, &ip, &m);
	else if (h->mood == SIM_PUZZLES)
		puzzle(h, &ip, data, len);
	return true;
}

void sim_moody_change(struct sim *s)
{
	static const char *const names[] = { "well", "refuses", "puzzles", "is deaf" };
	struct sim_ha *h = &s->has[sim_below(s, SIM_HAS)];

	h->mood = (enum sim_mood)sim_below(s, SIM_MOODS);
	log_debug("ha %u: %s", h->n, names[h->mood]);
}

void sim_moody_rate(struct sim *s, const void *data, size_t len)
{
	struct ip6_packet ip;
	struct mh_msg m;
	struct sim_rate *r = s->mn.rates;

	if (ip6_decode(data, len, &ip) || ip.next_header != MH_NEXT_HEADER ||
	    mh_decode((const uint8_t *)data + ip.payload_off, ip.payload_len, ip6_cksum_src(&ip),
		      ip6_cksum_dst(&ip), &m, NULL) || m.type != MH_BU)
		return;
	while (r < s->mn.rates + SIM_ADDRS - 1 && !in6_is_any(&r->hoa) &&
	       !in6_eq(&r->hoa, ip6_cksum_src(&ip)))
		r++;
	if (!in6_eq(&r->hoa, ip6_cksum_src(&ip)))
		*r = (struct sim_rate){ .hoa = *ip6_cksum_src(&ip) };
	if (r->at[0] != 0 && s->now < r->at[0] + USEC_S)
		sim_fail(s, "mn: more than %d updates of %s in a second", MIP6_MAX_UPDATE_RATE,
			 in6_str(&r->hoa).s);
	memmove(&r->at[0], &r->at[1], sizeof(r->at) - sizeof(r->at[0]));
	r->at[MIP6_MAX_UPDATE_RATE - 1] = s->now;
}
