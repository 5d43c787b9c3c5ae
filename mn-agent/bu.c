/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Builds Binding Updates and checks Binding Acknowledgements (RFC 6275 6.1.7, 6.1.8,
 * 11.7.1, 11.7.3; RFC 4285 5). Owns nothing; called by anchor.c and mn.c.
 */
#include "mn-agent/bu.h"

#include <errno.h>
#include <string.h>

#include "common/core/in6.h"

int bu_build(struct wbuf *w, const struct bu_params *p, const struct auth_key *key)
{
	bool home = in6_eq(&p->coa, &p->hoa);
	struct ip6_packet ip = {
		.src = p->coa, .dst = p->ha, .hop_limit = 64, .next_header = MH_NEXT_HEADER,
	};
	struct mh_msg msg = { .type = MH_BU };
	size_t ip_at = w->len, mh_at;
	int r;

	/* RFC 6275 11.5.5: at home the packet goes out from the home address itself, and
	 * neither option nor alternate address is needed. */
	if (!home) {
		ip.has_hao = true;
		ip.hao = p->hoa;
		/* RFC 6275 11.7.1: the care-of address inside the protected message. */
		msg.opts.has_alt_coa = true;
		msg.opts.alt_coa = p->coa;
	}
	msg.u.bu.seq = p->seq;
	msg.u.bu.flags = BU_ACK | BU_HOME;
	if (p->link_local)
		msg.u.bu.flags |= BU_LLOCAL;
	msg.u.bu.lifetime = p->lifetime_s / MIP6_LIFETIME_UNIT_S > UINT16_MAX
		? UINT16_MAX : (uint16_t)(p->lifetime_s / MIP6_LIFETIME_UNIT_S);
	msg.opts.mn_ha.present = true;
	msg.opts.mn_ha.spi = key->spi;
	msg.opts.mn_ha.len = (uint8_t)auth_len(key->algorithm);

	ip6_encode(w, &ip);
	mh_at = w->len;
	r = mh_encode(w, &msg);
	if (r)
		return r;
	r = auth_mn_ha(key, &p->coa, &p->hoa, w->base + mh_at, msg.opts.mn_ha.covered,
		       msg.opts.mn_ha.data);
	if (r)
		return r;
	r = mh_set_auth(w->base + mh_at, w->len - mh_at, &msg.opts.mn_ha);
	if (r)
		return r;
	/* RFC 6275 6.1.1: the pseudo-header's source is the home address. */
	mh_set_cksum(w->base + mh_at, w->len - mh_at, &p->hoa, &p->ha);
	ip6_finish(w, ip_at);
	return w->err ? -ENOSPC : 0;
}

enum ba_verdict ba_check(const struct mh_msg *msg, const uint8_t *mh, size_t len,
			 const struct in6_addr *coa, const struct in6_addr *hoa,
			 const struct auth_key *key)
{
	const struct mh_auth *auth = &msg->opts.mn_ha;
	uint8_t mac[MH_AUTH_MAX];

	/* RFC 4285 5.1: the MN-HA option is the last one of the message. */
	if (!auth->present || !auth->last || auth->covered > len)
		return BA_NO_AUTH;
	if (auth->spi != key->spi || auth->len != auth_len(key->algorithm))
		return BA_WRONG_SPI;
	if (auth_mn_ha(key, coa, hoa, mh, auth->covered, mac) ||
	    !auth_equal(mac, auth->data, auth->len))
		return BA_WRONG_AUTH;
	return BA_GOOD;
}
