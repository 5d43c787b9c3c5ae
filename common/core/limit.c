/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns the table of /64s and their debts. Called by the daemons' receive paths, for each message
 * that was no good, and by their control sockets. RFC 6275 15.4.5, RFC 4285 7; the debts are
 * token buckets in the form of one time stamp (ITU-T I.371's virtual scheduling).
 *
 * Whom a limit could hurt. Nothing of a Binding Update is proven before its authenticator has
 * been computed, the source least of all. A limit by source that always holds would be a gift:
 * who forges the victim's network as the source, a few times a second, silences the victim. So:
 *
 *  - Off the path nobody knows the SPI (28 random bits where the home agent gives them out). An
 *    SPI that is not known is looked up and the message gone; there is no work to be saved by
 *    a limit, so such messages (LIMIT_CHEAP) are counted for people and put nobody in debt.
 *    Nor does what cannot be decoded.
 *  - Who has seen an SPI, on a path or as the SPI was configured by hand and is a small number,
 *    makes us compute an HMAC for each message. That is less work than it is to receive one. As
 *    long as the daemon keeps up with what comes in, it is work that can be done, and nobody is
 *    turned away whatever he owes. Nothing else would be gained by that: a message that is not
 *    looked at has cost most of what it can cost.
 *  - When reads find the socket full again and again, more comes than is looked at, and the kernel
 *    soon throws away at random, good ones too. Then wrong ones have a rate, one in
 *    LIMIT_CHECK_PERIOD, and /64s in debt have no more of it than what the others leave. How
 *    much this saves depends on the machine: with instructions for SHA-256 little, without much.
 *  - If the forger takes the network of a victim's present care-of address, the caller does not
 *    ask: messages by the key of a binding from where it is bound, or from its home, are always
 *    looked at. Each such message costs its HMAC; the victim does not notice.
 *  - There remains the network that a victim is just moving into, forged by someone who knows
 *    it and the SPI in advance, at a rate that is a load. Its update may be among those that
 *    are not looked at. It is one of those that compete for the rate that is left, and is sent
 *    again (RFC 6275 11.8); it is not shut out. Such a forger sits on the path and could as well
 *    drop the message.
 *  - If every message has another forged source, no table of any size helps, and this one does
 *    not try: /64s without debt are looked at, and what is forgotten to make room for a new one
 *    is the debt of somebody who can have as many sources as he likes. The HMACs are then
 *    bounded by what can be received; good messages get through among them.
 *  - There is no cookie to ask for, as WireGuard and DTLS do: a Binding Update is one message, and
 *    a round trip before it is what a handover must not have.
 */
#include "common/core/limit.h"

#include <stdio.h>
#include <string.h>

#include "common/core/hash.h"
#include "common/core/log.h"

static void on_look(void *ctx, usec_t now);

void limit_init(struct limit *l, struct timers *timers)
{
	*l = (struct limit){ .timers = timers };
	timer_init(&l->look, "flood", on_look, l);
}

void limit_free(struct limit *l)
{
	timer_stop(l->timers, &l->look);
}

/* ---- debts ---- */

/* Owed is paid back as time goes by; more than the burst and one message is never owed, so that
 * a flood is forgotten soon after its end. */
static void charge(usec_t *debt, usec_t period, unsigned int burst, usec_t now)
{
	usec_t most = now + period * (burst + 1);

	if (*debt < now)
		*debt = now;
	*debt += period;
	if (*debt > most)
		*debt = most;
}

static bool in_debt(usec_t debt, usec_t period, unsigned int burst, usec_t now)
{
	return debt > now + period * burst;
}

static unsigned int set_of(const struct in6_addr *src)
{
	return hash_keyed(src->s6_addr, sizeof(((struct limit_net *)NULL)->net)) % LIMIT_SETS;
}

static const struct limit_net *find(const struct limit *l, const struct in6_addr *src)
{
	const struct limit_net *set = l->nets[set_of(src)];

	for (unsigned int i = 0; i < LIMIT_WAYS; i++)
		if (set[i].used && memcmp(set[i].net, src->s6_addr, sizeof(set[i].net)) == 0)
			return &set[i];
	return NULL;
}

/* Its place, or that of the one in its set that has been charged least recently. */
static struct limit_net *place(struct limit *l, const struct in6_addr *src)
{
	struct limit_net *set = l->nets[set_of(src)], *oldest = set;

	for (unsigned int i = 0; i < LIMIT_WAYS; i++) {
		if (!set[i].used) {
			oldest = &set[i];
			break;
		}
		if (memcmp(set[i].net, src->s6_addr, sizeof(set[i].net)) == 0)
			return &set[i];
		if (set[i].charged < oldest->charged)
			oldest = &set[i];
	}
	*oldest = (struct limit_net){ .used = true };
	memcpy(oldest->net, src->s6_addr, sizeof(oldest->net));
	return oldest;
}

void limit_behind(struct limit *l, unsigned int full_reads)
{
	l->behind = full_reads >= LIMIT_BEHIND;
}

bool limit_allows(const struct limit *l, const struct in6_addr *src, usec_t now)
{
	const struct limit_net *n;

	if (!l->behind || !in_debt(l->debt, LIMIT_CHECK_PERIOD, LIMIT_CHECK_BURST, now))
		return true;
	n = find(l, src);
	return !n || !in_debt(n->debt, LIMIT_NET_PERIOD, LIMIT_NET_BURST, now);
}

/* ---- floods ---- */

static struct in6_prefix prefix_of(const struct limit_net *n)
{
	struct in6_prefix p = { .len = 64 };

	memcpy(p.addr.s6_addr, n->net, sizeof(n->net));
	return p;
}

static const char *from_str(const struct limit *l, char text[IN6_TEXT])
{
	if (l->from.len == 0)
		return "many networks";
	snprintf(text, IN6_TEXT, "%s", in6_prefix_str(&l->from).s);
	return text;
}

static void end_flood(struct limit *l)
{
	char from[IN6_TEXT];

	l->flooded = false;
	log_info("flood: over after %lld s and %llu bad messages, the last from %s",
		 (long long)((l->loud - l->since) / USEC_S + 1), (unsigned long long)l->total,
		 from_str(l, from));
}

static void note_source(struct limit *l)
{
	l->from = l->top.n > l->n / 2 ? prefix_of(&l->top) : (struct in6_prefix){ .len = 0 };
}

static void begin_flood(struct limit *l, usec_t now)
{
	char from[IN6_TEXT];

	l->flooded = true;
	l->floods++;
	l->since = l->loud = now;
	l->total = l->rate = l->n;
	note_source(l);
	log_warn("flood: more than %d bad messages a second, from %s; they are dropped and counted",
		 LIMIT_FLOOD, from_str(l, from));
	(void)timer_set(l->timers, &l->look, now + LIMIT_WINDOW);
}

/* A window is over: what it was, and whether that is a flood still. */
static void close_window(struct limit *l, usec_t now)
{
	if (now - l->window < LIMIT_WINDOW)
		return;
	if (l->flooded) {
		l->rate = l->n * USEC_S / (uint64_t)(now - l->window);
		if (l->n > LIMIT_FLOOD) {
			l->loud = now;
			note_source(l);
		}
		if (now - l->loud >= LIMIT_QUIET)
			end_flood(l);
	}
	l->window = now;
	l->n = 0;
	l->top = (struct limit_net){ 0 };
}

static void on_look(void *ctx, usec_t now)
{
	struct limit *l = ctx;

	close_window(l, now);
	if (l->flooded)
		(void)timer_set(l->timers, &l->look, now + LIMIT_WINDOW);
}

void limit_failed(struct limit *l, const struct in6_addr *src, enum limit_kind kind, usec_t now)
{
	struct limit_net *n = place(l, src);

	close_window(l, now);
	n->charged = now;
	if (kind == LIMIT_CHECKED) {
		charge(&l->debt, LIMIT_CHECK_PERIOD, LIMIT_CHECK_BURST, now);
		charge(&n->debt, LIMIT_NET_PERIOD, LIMIT_NET_BURST, now);
	}
	if (n->window != l->window)
		n->n = 0;
	n->window = l->window;
	n->n++;
	if (n->n > l->top.n)
		l->top = *n;
	l->n++;
	if (l->flooded)
		l->total++;
	else if (l->n > LIMIT_FLOOD)
		begin_flood(l, now);
}

void limit_str(const struct limit *l, char text[LIMIT_TEXT])
{
	char from[IN6_TEXT];

	text[0] = '\0';
	if (l->flooded)
		snprintf(text, LIMIT_TEXT, "flood: %llu bad messages a second from %s",
			 (unsigned long long)l->rate, from_str(l, from));
}
