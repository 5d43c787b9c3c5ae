/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Builds Binding Updates and checks Binding Acknowledgements (RFC 6275 6.1.7, 6.1.8,
 * 11.7.1, 11.7.3; RFC 4285 5); answers Binding Revocation Indications (RFC 5846 10). Owns
 * nothing; called by anchor.c and mn.c.
 */
#include "mn-agent/bu.h"

#include <errno.h>
#include <string.h>

#include "common/core/in6.h"

/* The packet and its message, to the home agent; ip's addresses and msg are filled in. key:
 * NULL where the home agent wants no authentication option. */
static int build(struct wbuf *w, const struct ip6_packet *ip, struct mh_msg *msg,
		 const struct in6_addr *hoa, const struct auth_key *key)
{
	struct mh_auth *auth = &msg->opts.mn_ha;
	size_t ip_at = w->len, mh_at;
	int r;

	if (key) {
		auth->present = true;
		auth->spi = key->spi;
		auth->len = (uint8_t)auth_len(key->algorithm);
	}
	ip6_encode(w, ip);
	mh_at = w->len;
	r = mh_encode(w, msg);
	if (r)
		return r;
	if (key) {
		r = auth_mn_ha(key, &ip->src, hoa, w->base + mh_at, auth->covered, auth->data);
		if (r)
			return r;
		r = mh_set_auth(w->base + mh_at, w->len - mh_at, auth);
		if (r)
			return r;
	}
	/* RFC 6275 6.1.1: the pseudo-header's source is the home address. */
	mh_set_cksum(w->base + mh_at, w->len - mh_at, hoa, &ip->dst);
	ip6_finish(w, ip_at);
	return w->err ? -ENOSPC : 0;
}

int bu_build(struct wbuf *w, const struct bu_params *p, const struct auth_key *key)
{
	bool home = in6_eq(&p->coa, &p->hoa);
	struct ip6_packet ip = {
		.src = p->coa, .dst = p->ha, .hop_limit = 64, .next_header = MH_NEXT_HEADER,
	};
	struct mh_msg msg = { .type = MH_BU };

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
	msg.opts.has_mesg_id = p->has_timestamp;
	msg.opts.mesg_id = p->timestamp;
	msg.opts.has_care_of_test_init = p->care_of_test_init;
	if (p->care_of_token) {
		msg.opts.has_care_of_test = true;
		memcpy(msg.opts.care_of_token, p->care_of_token, MH_CARE_OF_TOKEN);
	}
	return build(w, &ip, &msg, &p->hoa, key);
}

enum ba_verdict ba_check(const struct mh_msg *msg, const uint8_t *mh, size_t len,
			 const struct in6_addr *coa, const struct in6_addr *hoa,
			 const struct auth_key *key)
{
	const struct mh_auth *auth = &msg->opts.mn_ha;
	uint8_t mac[MH_AUTH_MAX];

	if (!key)
		return BA_GOOD;
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

uint8_t bri_status(const struct mh_msg *bri)
{
	const struct mh_br *br = &bri->u.br;

	/* RFC 5846 10: nobody stands in for this mobile node. */
	if (br->flags & BR_PROXY)
		return BR_PROXY_NOT_SUPPORTED;
	/* RFC 5846 10: no IPv4 home address was ever registered, so the option, if it is there
	 * (the codec skips it as unknown), names none of ours. */
	if (br->flags & BR_IPV4_ONLY)
		return bri->opts.unknown == 0 ? BR_IPV4_HOA_REQUIRED : BR_NO_BINDING;
	/* RFC 5846 6.2.1: a trigger and a reach that do not go together; a mobile node is
	 * never one of many. */
	if ((br->flags & BR_GLOBAL) || br->code == BR_PER_PEER_POLICY ||
	    br->code == BR_LOCAL_POLICY)
		return BR_FUNCTION_NOT_SUPPORTED;
	return br->code > BR_OUT_OF_SYNC ? BR_TRIGGER_NOT_SUPPORTED : BR_SUCCESS;
}

int bra_build(struct wbuf *w, const struct bra_params *p, const struct auth_key *key)
{
	struct ip6_packet ip = {
		.src = p->coa, .dst = p->ha, .hop_limit = 64, .has_hao = true, .hao = p->hoa,
		.next_header = MH_NEXT_HEADER,
	};
	/* RFC 5846 6.1.2: number and flags are those of the indication. */
	struct mh_msg msg = { .type = MH_BR, .u.br = {
		.type = BR_ACKNOWLEDGEMENT, .code = p->status, .seq = p->bri->seq,
		.flags = p->bri->flags & (BR_PROXY | BR_IPV4_ONLY | BR_GLOBAL),
	} };

	msg.opts.has_mesg_id = p->has_timestamp;
	msg.opts.mesg_id = p->timestamp;
	return build(w, &ip, &msg, &p->hoa, key);
}
