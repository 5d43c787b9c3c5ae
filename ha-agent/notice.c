/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binding Revocation Indications about hosts that have moved on (RFC 5846 8.1). Owns those that are
 * not acknowledged yet; called by lma.c, by update.c with acknowledgements, and by its timer:
 *
 *	retry	1 s after the indication the second and last one, 2 s after that the end
 */
#include "ha-agent/notice.h"

#include <stdlib.h>
#include <string.h>

#include "common/core/backoff.h"
#include "ha-agent/ha.h"
#include "ha-agent/lma.h"

struct notice {
	struct ha *ha;
	struct in6_addr to, from;
	struct mh_opts who;		/* the host, and its prefix */
	uint16_t sequence;
	struct backoff backoff;
	struct timer retry;
	TAILQ_ENTRY(notice) entry;
};

void notice_init(struct ha *ha)
{
	TAILQ_INIT(&ha->notices.list);
}

static void drop(struct notice *n)
{
	timer_stop(n->ha->timers, &n->retry);
	TAILQ_REMOVE(&n->ha->notices.list, n, entry);
	n->ha->notices.n--;
	free(n);
}

void notice_free(struct ha *ha)
{
	struct notice *n;

	while ((n = TAILQ_FIRST(&ha->notices.list)))
		drop(n);
}

static void tell(struct notice *n, usec_t now)
{
	struct ha *ha = n->ha;
	const struct ha_peer *peer = ha_peer_of(ha, &n->to);
	const struct ip6_packet ip = {
		.src = n->from, .dst = n->to, .hop_limit = 64, .next_header = MH_NEXT_HEADER,
	};
	struct mh_msg msg = { .type = MH_BR, .opts = n->who, .u.br = {
		.type = BR_INDICATION, .code = BR_HANDOVER_UNKNOWN, .seq = n->sequence,
		.flags = BR_PROXY,
	} };
	uint8_t room[MESSAGE_ROOM];

	lma_stamp(ha, &msg.opts);
	if (!peer || timer_set(ha->timers, &n->retry, now + backoff_next(&n->backoff)) < 0) {
		drop(n);
		return;
	}
	message_send(ha, room, message_build(&ip, &msg, &peer->auth, &n->to, &n->from, room),
		     HA_TX_BRI);
}

static void on_retry(void *ctx, usec_t now)
{
	struct notice *n = ctx;

	if (n->backoff.tries > BRI_MAX_RETRIES)
		drop(n);
	else
		tell(n, now);
}

void notice_send(struct ha *ha, const struct binding *b, usec_t now)
{
	struct notice *n = ha->notices.n < NOTICES_MAX ? calloc(1, sizeof(*n)) : NULL;

	if (!n)
		return;
	n->ha = ha;
	n->to = b->coa;
	n->from = b->home->cfg.address;
	lma_name(b, &n->who);
	n->sequence = ha->revocations.next++;
	backoff_start(&n->backoff, BRI_INIT_MIN_DELAY_MS * USEC_MS,
		      BRI_MAX_BRACK_TIMEOUT_MS * USEC_MS, 0);
	timer_init(&n->retry, "notice", on_retry, n);
	TAILQ_INSERT_TAIL(&ha->notices.list, n, entry);
	ha->notices.n++;
	tell(n, now);
}

bool notice_rx(struct ha *ha, const struct ip6_packet *ip, const struct mh_msg *msg,
	       const uint8_t *mh)
{
	const struct mh_auth *a = &msg->opts.mn_ha;
	const struct ha_peer *peer = ha_peer_of(ha, &ip->src);
	struct notice *n;

	if (!peer || !(msg->u.br.flags & BR_PROXY) || !a->present || !a->last ||
	    a->spi != peer->auth.spi)
		return false;
	TAILQ_FOREACH(n, &ha->notices.list, entry) {
		if (n->sequence != msg->u.br.seq || !in6_eq(&n->to, &ip->src))
			continue;
		if (!auth_mn_ha_right(&peer->auth, &n->to, &n->from, mh, a->covered, a->data,
				      a->len))
			return false;
		ha->counters[HA_RX_BRA]++;
		drop(n);
		return true;
	}
	return false;
}
