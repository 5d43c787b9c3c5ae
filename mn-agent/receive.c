/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobility Headers that arrive at the mobile node: checks each packet in the order that its RFC
 * gives, counts what is dropped by reason, answers what cannot be read, and hands the rest to
 * the anchor that it is for. Called by io.c (or a simulation). RFC 6275 9.2, 11.3.6, 11.7.3 and
 * 11.7.4, RFC 5846 10.
 */
#include "common/core/bucket.h"
#include "common/core/log.h"
#include "common/wire/reject.h"
#include "mn-agent/attach.h"
#include "mn-agent/bootstrap.h"
#include "mn-agent/bu.h"
#include "mn-agent/solicit.h"

#define ERROR_BURST	10		/* Binding Errors and parameter problems, */
#define ERROR_PERIOD	(100 * USEC_MS)	/* then one in this time */

static bool is_authentic(struct mn *mn, struct anchor *a, const struct mh_msg *msg,
			 const uint8_t *mh, size_t len, usec_t now)
{
	switch (ba_check(msg, mh, len, &a->coa, &a->hoa, a->key)) {
	case BA_NO_AUTH:
		mn->counters[MN_C_BA_NO_AUTH]++;
		mn_bad(mn, &a->ha, now);
		anchor_hint(a, ANCHOR_HINT_TROUBLE, "its answers have no authenticator", now);
		return false;
	case BA_WRONG_SPI:
		mn->counters[MN_C_BA_WRONG_SPI]++;
		mn_bad(mn, &a->ha, now);
		anchor_hint(a, ANCHOR_HINT_TROUBLE, "its answers are signed with another key", now);
		return false;
	case BA_WRONG_AUTH:
		mn->counters[MN_C_BA_WRONG_AUTH]++;
		mn_bad(mn, &a->ha, now);
		anchor_hint(a, ANCHOR_HINT_TROUBLE, "its answers have a wrong authenticator; "
			    "is the key the same on both sides?", now);
		return false;
	case BA_GOOD:
		break;
	}
	return true;
}

/* RFC 6275 11.7.3: what an acknowledgement must be, in that order. */
static void rx_ba(struct mn *mn, const struct ip6_packet *ip, const struct mh_msg *msg,
		  const uint8_t *mh, usec_t now)
{
	struct anchor *a = mn_anchor(mn, ip->has_rh2 ? &ip->rh2 : &ip->dst);

	mn->counters[MN_C_BA]++;
	if (!a || !anchor_may_register(a) || !in6_eq(&ip->src, &a->ha) ||
	    !in6_eq(&ip->dst, &a->coa)) {
		mn->counters[MN_C_BA_UNKNOWN]++;
		mn_bad(mn, &ip->src, now);
		return;
	}
	if (!is_authentic(mn, a, msg, mh, ip->payload_len, now))
		return;
	/* The number is that of an outstanding BU, or the status says that it is not. */
	if (msg->u.ba.status != BA_SEQ_OUT_OF_WINDOW &&
	    !anchor_seq_outstanding(a, msg->u.ba.seq)) {
		mn->counters[MN_C_BA_SEQUENCE]++;
		mn_bad(mn, &ip->src, now);
		return;
	}
	/* RFC 4285 6: with the time stamp of the BU, or the status says that it is not. */
	if (a->timestamps && msg->u.ba.status != BA_ID_MISMATCH &&
	    (!msg->opts.has_mesg_id || msg->opts.mesg_id != a->timestamp)) {
		mn->counters[MN_C_BA_TIMESTAMP]++;
		mn_bad(mn, &ip->src, now);
		return;
	}
	if (msg->u.ba.status < BA_UNSPECIFIED &&
	    (uint32_t)msg->u.ba.lifetime * MIP6_LIFETIME_UNIT_S > a->asked_s)
		mn->counters[MN_C_BA_LIFETIME]++;
	anchor_ba(a, msg, now);
	if (msg->u.ba.status == BA_REINIT_SA)
		bootstrap_refused(mn, a, now);
	/* RFC 6275 11.7.3: what is known of the home prefixes may be wrong. */
	if (a->prefixes_wanted && a->state == ANCHOR_BOUND)
		solicit_at_once(a, now);
}

/* RFC 6275 11.7.4. RFC 4285 5 has no authenticator for them, and home agents need not send one, so
 * a request without is a hint, which makes a binding be refreshed at most once in a while (RFC
 * 6275 11.8): nobody gains more by it than one Binding Update. So is one that may have been
 * recorded. One that is signed wrongly is no home agent's, and no hint either. */
static void rx_brr(struct mn *mn, const struct ip6_packet *ip, const struct mh_msg *msg,
		   const uint8_t *mh, usec_t now)
{
	struct anchor *a = ip->has_rh2 ? mn_anchor(mn, &ip->rh2) : NULL;

	mn->counters[MN_C_BRR]++;
	if (!a || !in6_eq(&ip->src, &a->ha) || !in6_eq(&ip->dst, &a->coa)) {
		mn->counters[MN_C_BRR_UNKNOWN]++;
		mn_bad(mn, &ip->src, now);
	} else if (a->key && !msg->opts.mn_ha.present) {
		mn->counters[MN_C_BRR_NO_AUTH]++;
		anchor_confirm(a, "refresh requested", now);
	} else if (ba_check(msg, mh, ip->payload_len, &a->coa, &a->hoa, a->key) != BA_GOOD) {
		mn->counters[MN_C_BRR_AUTH]++;
		mn_bad(mn, &ip->src, now);
	} else if (!anchor_is_news(a, msg)) {
		mn->counters[MN_C_BRR_REPLAY]++;
		mn_bad(mn, &ip->src, now);
	} else if (a->key && !a->timestamps) {
		anchor_confirm(a, "refresh requested", now);
	} else {
		anchor_event(a, ANCHOR_EV_BRR, now);
	}
}

/* Is it from this anchor's home agent? RFC 6275 9.3.3: about a packet without Home Address option
 * it names no home address. */
static bool is_about(const struct anchor *a, const struct ip6_packet *ip, const struct mh_be *be)
{
	return a->state != ANCHOR_GONE && in6_eq(&ip->src, &a->ha) && in6_eq(&ip->dst, &a->coa) &&
	       (in6_eq(&be->hoa, &a->hoa) ||
		(in6_is_any(&be->hoa) && be->status == BE_UNKNOWN_MH_TYPE));
}

/* RFC 6275 11.3.6: of a home agent that a Binding Update was sent to. Nobody signs it. */
static void rx_be(struct mn *mn, const struct ip6_packet *ip, const struct mh_be *be, usec_t now)
{
	unsigned int n = 0;

	mn->counters[MN_C_BE]++;
	for (struct anchor *a = mn->anchors; a; a = a->next) {
		if (!is_about(a, ip, be))
			continue;
		n++;
		if (be->status == BE_UNKNOWN_HAO)
			anchor_confirm(a, "the home agent does not know the binding", now);
		else if (be->status == BE_UNKNOWN_MH_TYPE)
			anchor_hint(a, ANCHOR_HINT_NO_HOME_AGENT,
				    "it does not know Binding Updates", now);
	}
	if (n == 0) {
		mn->counters[MN_C_BE_UNKNOWN]++;
		mn_bad(mn, &ip->src, now);
	}
}

static void acknowledge_revocation(struct mn *mn, const struct anchor *a,
				   const struct mh_msg *bri, uint8_t status)
{
	struct bra_params p = {
		.hoa = a->hoa, .coa = a->coa, .ha = a->ha, .bri = &bri->u.br, .status = status,
		.has_timestamp = bri->opts.has_mesg_id, .timestamp = bri->opts.mesg_id,
	};
	uint8_t room[BU_PACKET_MAX];
	struct wbuf w;

	wb_init(&w, room, sizeof(room));
	if (bra_build(&w, &p, a->key) == 0)
		(void)mn->ops->send_routed(mn->ctx, w.base, w.len);
}

/* RFC 5846 6.2 and 10: what an indication must be, in that order. */
static void rx_bri(struct mn *mn, const struct ip6_packet *ip, const struct mh_msg *msg,
		   const uint8_t *mh, usec_t now)
{
	struct anchor *a = ip->has_rh2 ? mn_anchor(mn, &ip->rh2) : NULL;
	uint8_t status;

	mn->counters[MN_C_BRI]++;
	if (!a || !in6_eq(&ip->src, &a->ha) || !in6_eq(&ip->dst, &a->coa) ||
	    !anchor_registered(a, now)) {
		mn->counters[MN_C_BRI_UNKNOWN]++;
		mn_bad(mn, &ip->src, now);
		return;
	}
	if (ba_check(msg, mh, ip->payload_len, &a->coa, &a->hoa, a->key) != BA_GOOD) {
		mn->counters[MN_C_BRI_AUTH]++;
		mn_bad(mn, &ip->src, now);
		return;
	}
	if (!anchor_is_news(a, msg)) {
		mn->counters[MN_C_BRI_REPLAY]++;
		mn_bad(mn, &ip->src, now);
		return;
	}
	status = bri_status(msg);
	acknowledge_revocation(mn, a, msg, status);
	mn_event(mn, "bri.received", NULL, a, mh_br_status_text(status), now);
	if (status == BR_SUCCESS)
		anchor_revoked(a, now);
	else
		mn->counters[MN_C_BRI_REFUSED]++;
}

/* Is the packet for one of our home or care-of addresses? Others are only passing by. */
static bool for_us(const struct mn *mn, const struct in6_addr *dst)
{
	for (const struct anchor *a = mn->anchors; a; a = a->next)
		if (in6_eq(&a->hoa, dst) || in6_eq(&a->coa, dst))
			return true;
	return false;
}

static enum mn_counter counter_of(enum mh_err err)
{
	if (err == MH_ERR_CHECKSUM)
		return MN_C_MH_CHECKSUM;
	return err == MH_ERR_UNKNOWN_TYPE ? MN_C_MH_UNKNOWN_TYPE : MN_C_MH_BAD;
}

/* RFC 6275 9.2: what cannot be read is answered; 9.3.3, RFC 4443 2.4: to one node, which is not
 * ourselves, and not too often. */
static void reject(struct mn *mn, const struct ip6_packet *ip, const void *data, size_t len,
		   enum mh_err err, size_t err_offset, usec_t now)
{
	uint8_t room[REJECT_MAX];
	struct wbuf w;
	bool be;

	mn->counters[counter_of(err)]++;
	mn_bad(mn, &ip->src, now);
	wb_init(&w, room, sizeof(room));
	if (!in6_is_routable(&ip->src) || for_us(mn, &ip->src) ||
	    reject_mh(&w, ip, data, len, err, err_offset, &be))
		return;
	if (!bucket_take(&mn->error_tokens, &mn->error_tokens_at, ERROR_BURST, ERROR_PERIOD, now)) {
		mn->counters[MN_C_ERRORS_LIMITED]++;
		return;
	}
	mn->counters[be ? MN_C_BE_SENT : MN_C_PARAM_PROBLEM_SENT]++;
	(void)mn->ops->send_routed(mn->ctx, w.base, w.len);
}

static void rx_mh(struct mn *mn, const void *data, size_t len, bool protected_by_ipsec, usec_t now)
{
	struct ip6_packet ip;
	struct mh_msg msg;
	const uint8_t *mh;
	size_t err_offset;
	enum mh_err err;

	if (ip6_decode(data, len, &ip) || ip.next_header != MH_NEXT_HEADER) {
		mn_bad_packet(mn, data, len, now);
		return;
	}
	if (!for_us(mn, &ip.dst))
		return;
	mh = (const uint8_t *)data + ip.payload_off;
	err = mh_decode(mh, ip.payload_len, ip6_cksum_src(&ip), ip6_cksum_dst(&ip), &msg,
			&err_offset);
	if (err) {
		reject(mn, &ip, data, len, err, err_offset, now);
		return;
	}
	/* Nobody protects a Binding Error, and it is believed accordingly (RFC 6275 11.3.6). */
	if (mn->cfg->anchor.ipsec && !protected_by_ipsec && msg.type != MH_BE) {
		mn->counters[MN_C_NOT_PROTECTED]++;
		mn_bad(mn, &ip.src, now);
		return;
	}
	switch ((enum mh_type)msg.type) {
	case MH_BA:
		rx_ba(mn, &ip, &msg, mh, now);
		break;
	case MH_BRR:
		rx_brr(mn, &ip, &msg, mh, now);
		break;
	case MH_BE:
		rx_be(mn, &ip, &msg.u.be, now);
		break;
	case MH_HOTI:
	case MH_COTI:
	case MH_HOT:
	case MH_COT:
	case MH_BU:
	case MH_HEARTBEAT:
		mn->counters[MN_C_MH_UNEXPECTED]++;
		mn_bad(mn, &ip.src, now);
		break;
	case MH_BR:
		if (msg.u.br.type == BR_INDICATION)
			rx_bri(mn, &ip, &msg, mh, now);
		else
			mn->counters[MN_C_MH_UNEXPECTED]++;
		break;
	}
}

void mn_rx_mh(struct mn *mn, const void *data, size_t len, usec_t now)
{
	rx_mh(mn, data, len, false, now);
}

void mn_rx_mh_protected(struct mn *mn, const void *data, size_t len, usec_t now)
{
	rx_mh(mn, data, len, true, now);
}
