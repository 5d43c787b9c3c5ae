/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMPv6 errors about tunnel packets of ours, told on to those who sent what was inside
 * (RFC 2473 8); what was inside of tunnel packets that came in fragments (7). Called by io.c.
 * Owns nothing.
 *
 * The errors are also how senders learn how large a packet may be: the first router, this one
 * included, whose link is too small for the tunnel packet says so to its source, which is
 * the home agent. No state is kept; each packet that was too large is answered from the
 * error that it caused, so the value is always that of the path of the moment.
 */
#include <errno.h>
#include <string.h>

#include "common/wire/tunnel.h"
#include "ha-agent/bcache.h"
#include "ha-agent/ha.h"

#define CODE_ADDRESS		3	/* address unreachable */
#define CODE_HOP_LIMIT		0
#define OFF_HOP_LIMIT		7

/* RFC 2473 8.1, 8.2. Fills in what the sender is to be told and returns true, or returns
 * false; *count is the counter of either. */
static bool translate(const struct tunnel_error *e, struct icmp6_error *told,
		      enum ha_counter *count)
{
	*count = HA_TUNNEL_ERROR_USELESS;
	switch (e->type) {
	case ICMP6_TOO_BIG:
		told->type = ICMP6_TOO_BIG;
		told->value = tunnel_error_mtu(e);
		if (e->inner.whole > told->value) {
			*count = HA_TX_TOO_BIG;
			return true;
		}
		/* RFC 2473 7.1: the sender may not be asked for less. */
		if (e->value < e->inner.whole + IP6_HDR_LEN)
			*count = HA_TUNNEL_PATH_SMALL;
		return false;
	case ICMP6_TIME_EXCEEDED:
		/* The time is over for fragments: a lost packet, not a lost path. */
		if (e->code != CODE_HOP_LIMIT)
			return false;
		/* Found here: it is the packet's own hop limit, which comes to its end at
		 * the entry of the tunnel. Further on it is the tunnel's. */
		if (in6_eq(&e->reporter, &e->us)) {
			told->type = ICMP6_TIME_EXCEEDED;
			*count = HA_TX_TIME_EXCEEDED;
			return true;
		}
		break;
	case ICMP6_UNREACHABLE:
		break;
	default:
		/* A parameter problem: about an encapsulation limit, of which we send none. */
		return false;
	}
	told->type = ICMP6_UNREACHABLE;
	told->code = CODE_ADDRESS;
	*count = HA_TX_UNREACHABLE;
	return true;
}

/* The quoted packet is one that we may have sent: strangers get nothing out of us. */
static bool is_ours(const struct ha *ha, const struct tunnel_error *e)
{
	const struct binding *b;

	if (!ha_is_own_address(ha, &e->us) || !in6_eq(&e->us, &e->outer.src))
		return false;
	b = ha_bound_for(ha, &e->inner.dst);
	return b && in6_eq(&b->coa, &e->outer.dst);
}

/* Tells the sender of the packet, unless that may not be. */
static void tell(struct ha *ha, const struct tunnel_packet *p, struct icmp6_error *told,
		 enum ha_counter count, usec_t now)
{
	/* RFC 4443 2.4 e */
	if (!in6_is_routable(&p->src) || ha_is_own_address(ha, &p->src) ||
	    !tunnel_packet_answerable(p)) {
		ha->counters[HA_TUNNEL_ERROR_USELESS]++;
		return;
	}
	/* RFC 4443 2.4 f */
	if (!bucket_take(&ha->relay_tokens, &ha->relay_tokens_at, HA_RELAY_BURST, HA_RELAY_PERIOD,
			 now)) {
		ha->counters[HA_TUNNEL_ERROR_LIMITED]++;
		return;
	}
	told->to = p->src;
	told->about = p->data;
	told->about_len = p->len;
	error_icmp6(ha, told, count);
}

void ha_rx_tunnel_error(struct ha *ha, const void *data, size_t len, usec_t now)
{
	struct icmp6_error told = { 0 };
	struct tunnel_error e = { 0 };
	enum ha_counter count;

	ha->counters[HA_RX_TUNNEL_ERROR]++;
	if (!tunnel_error_decode(data, len, &e)) {
		ha->counters[HA_TUNNEL_ERROR_BAD]++;
		ha_bad_packet(ha, data, len, now);
		return;
	}
	if (!is_ours(ha, &e)) {
		ha->counters[HA_TUNNEL_ERROR_FORGED]++;
		ha_bad_packet(ha, data, len, now);
		return;
	}
	if (!translate(&e, &told, &count)) {
		ha->counters[count]++;
		return;
	}
	told.from = e.us;
	tell(ha, &e.inner, &told, count, now);
}

/* It goes on as what the kernel takes out of a tunnel does: a hop is taken off. */
static void pass_on(const struct binding *b, const struct tunnel_packet *p, uint8_t *data,
		    usec_t now)
{
	struct icmp6_error told = { .from = b->home->cfg.address };
	struct ha *ha = b->home->ha;
	int err;

	if (p->hop_limit <= 1) {
		told.type = ICMP6_TIME_EXCEEDED;
		tell(ha, p, &told, HA_TX_TIME_EXCEEDED, now);
		return;
	}
	data[OFF_HOP_LIMIT]--;
	err = ha->ops->forward(ha->ctx, data, p->whole);
	if (err == -EMSGSIZE && p->whole > IP6_MIN_MTU) {
		/* Which size fits was not said; this one does. */
		told.type = ICMP6_TOO_BIG;
		told.value = IP6_MIN_MTU;
		tell(ha, p, &told, HA_TX_TOO_BIG, now);
	} else if (err < 0) {
		ha->counters[HA_SEND_FAILED]++;
	}
}

void ha_rx_reassembled(struct ha *ha, const struct in6_addr *from, uint8_t *inner, size_t len,
		       usec_t now)
{
	const struct binding *b;
	struct tunnel_packet p;
	struct rbuf r;

	ha->counters[HA_RX_REASSEMBLED]++;
	rb_init(&r, inner, len);
	if (!tunnel_packet_decode(&r, &p) || p.whole > len || !in6_is_routable(&p.dst)) {
		ha->counters[HA_REASSEMBLED_BAD]++;
		limit_failed(&ha->limit, from, LIMIT_CHEAP, now);
		return;
	}
	/* RFC 6275 10.4.5. A tunnel inside of one that ends here too is for nobody. */
	b = ha_bound_for(ha, &p.src);
	if (!b || !in6_eq(&b->coa, from) ||
	    (p.next == IP6_NH_TUNNEL && ha_is_own_address(ha, &p.dst))) {
		ha->counters[HA_REASSEMBLED_FORGED]++;
		limit_failed(&ha->limit, from, LIMIT_CHEAP, now);
		return;
	}
	p.len = p.whole;
	pass_on(b, &p, inner, now);
}
