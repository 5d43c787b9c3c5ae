/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RFC 5213 4 leaves to an anchor whom it believes. A router at which a host really is has given it
 * a prefix of its own, and has said so in the session database; of one that has not, this is told:
 * by a counter and an event, for a database that was away is no proof. Owns the claims that have
 * not been looked at; called by lma.c, io_network.c, and by its timer:
 *
 *	timer	the next one is due: CLAIMS_FIRST after it was made, and once more
 */
#include "ha-agent/claims.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "ha-agent/ha.h"
#include "ha-agent/lma.h"

#define AGAIN	(100 * USEC_MS)		/* the database takes no more questions */

struct claim {
	struct in6_addr prefix, coa;
	uint8_t mac[6];			/* of the host, as the prefix was given to it */
	usec_t due;
	bool second, asked;
	TAILQ_ENTRY(claim) entry;
};

static struct claim_list *list_of(struct ha *ha, const struct claim *c)
{
	return c->second ? &ha->claims.second : &ha->claims.first;
}

static void drop(struct ha *ha, struct claim *c)
{
	TAILQ_REMOVE(list_of(ha, c), c, entry);
	ha->claims.n--;
	free(c);
}

static const struct binding *binding_of(const struct ha *ha, const struct claim *c)
{
	const struct binding *b = lma_binding_at(ha, &c->prefix, &c->coa);

	return b && b->by_router && binding_carries(b) && in6_eq(&b->coa, &c->coa) ? b : NULL;
}

static struct claim *next(const struct claim_list *l)
{
	struct claim *c;

	TAILQ_FOREACH(c, l, entry)
		if (!c->asked)
			return c;
	return NULL;
}

/* -EBUSY: not now. */
static int ask(struct ha *ha, struct claim *c)
{
	int err = ha->ops->session_check(ha->ctx, c->mac);

	if (err == 0) {
		c->asked = true;
		ha->claims.n_asked++;
	} else if (err != -EBUSY) {
		drop(ha, c);		/* there is nobody to ask */
	}
	return err;
}

/* All that are due; true: the database takes no more. */
static bool ask_due(struct ha *ha, struct claim_list *l, usec_t now)
{
	struct claim *c;

	while (ha->claims.n_asked < CLAIMS_ASKED && (c = next(l)) && c->due <= now) {
		if (!binding_of(ha, c))
			drop(ha, c);		/* it has come to nothing, or moved on */
		else if (ask(ha, c) == -EBUSY)
			return true;
	}
	return false;
}

static void arm(struct ha *ha, usec_t now, bool busy)
{
	const struct claim *a = next(&ha->claims.first), *b = next(&ha->claims.second);
	usec_t at = a ? a->due : USEC_NEVER;

	if (b && b->due < at)
		at = b->due;
	if (busy || (at <= now && ha->claims.n_asked == CLAIMS_ASKED))
		at = now + AGAIN;
	if (at == USEC_NEVER)
		timer_stop(ha->timers, &ha->claims.timer);
	else
		(void)timer_set(ha->timers, &ha->claims.timer, at);
}

static void on_timer(void *ctx, usec_t now)
{
	struct ha *ha = ctx;
	bool busy = ask_due(ha, &ha->claims.first, now);

	busy = busy || ask_due(ha, &ha->claims.second, now);
	arm(ha, now, busy);
}

void claims_init(struct ha *ha)
{
	TAILQ_INIT(&ha->claims.first);
	TAILQ_INIT(&ha->claims.second);
	timer_init(&ha->claims.timer, "claims", on_timer, ha);
}

void claims_free(struct ha *ha)
{
	struct claim *c;

	while ((c = TAILQ_FIRST(&ha->claims.first)) || (c = TAILQ_FIRST(&ha->claims.second)))
		drop(ha, c);
	timer_stop(ha->timers, &ha->claims.timer);
}

void claims_note(struct ha *ha, const struct binding *b, usec_t now)
{
	struct claim *c;

	if (!ha->cfg->network_mode || !ha->ops->session_check || !b->lease)
		return;
	c = ha->claims.n < CLAIMS_MAX ? calloc(1, sizeof(*c)) : NULL;
	if (!c)
		return;
	c->prefix = b->hoa;
	c->coa = b->coa;
	memcpy(c->mac, b->lease->mac, sizeof(c->mac));
	c->due = now + CLAIMS_FIRST;
	TAILQ_INSERT_TAIL(&ha->claims.first, c, entry);
	ha->claims.n++;
	arm(ha, now, false);
}

/* A router may give prefixes of several addresses, of which we know one: an anchor that is no peer
 * may be the same. */
static bool is_recorded(const struct ha *ha, const struct claim *c, const struct sdb_record *r,
			unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if (r[i].state != SDB_ACTIVE || ha_is_own_address(ha, &r[i].anchor))
			continue;
		if (in6_eq(&r[i].anchor, &c->coa) || !ha_peer_of(ha, &r[i].anchor))
			return true;
	}
	return false;
}

static void unrecorded(struct ha *ha, const struct claim *c, usec_t now)
{
	const struct binding *b = binding_of(ha, c);

	if (!b)
		return;
	ha->counters[HA_CLAIM_UNRECORDED]++;
	if (ha_log_routine(ha, now))
		log_warn("router %s has registered %s of host %s, and has not said in the session "
			 "database that this host is there", in6_str(&c->coa).s,
			 in6_str(&c->prefix).s, mac_str(c->mac).s);
	ha_tell(ha, &(struct ha_event){
		.type = HA_EVENT_CLAIM_UNRECORDED, .lease = b->lease, .binding = b,
		.hoa = b->hoa, .coa = b->coa,
		.reason = "the session database does not know that the host is there",
	});
}

static void judge(struct ha *ha, struct claim *c, int err, const struct sdb_record *records,
		  unsigned int n, usec_t now)
{
	bool last = c->second;

	/* Who cannot be asked says nothing of anybody. */
	if (err < 0 || is_recorded(ha, c, records, n) || last) {
		if (err == 0 && last && !is_recorded(ha, c, records, n))
			unrecorded(ha, c, now);
		drop(ha, c);
		return;
	}
	TAILQ_REMOVE(&ha->claims.first, c, entry);
	c->asked = false;
	c->second = true;
	c->due = now + CLAIMS_SECOND;
	TAILQ_INSERT_TAIL(&ha->claims.second, c, entry);
}

void claims_found(struct ha *ha, const uint8_t mac[6], int err, const struct sdb_record *records,
		  unsigned int n, usec_t now)
{
	struct claim *c, *after, *asked = NULL;

	if (ha->claims.n_asked > 0)
		ha->claims.n_asked--;
	/* One answer for one question; of several about a host any will do. */
	for (c = TAILQ_FIRST(&ha->claims.second); c && !asked; c = after) {
		after = TAILQ_NEXT(c, entry);
		if (c->asked && memcmp(c->mac, mac, 6) == 0)
			asked = c;
	}
	for (c = TAILQ_FIRST(&ha->claims.first); c && !asked; c = after) {
		after = TAILQ_NEXT(c, entry);
		if (c->asked && memcmp(c->mac, mac, 6) == 0)
			asked = c;
	}
	if (asked)
		judge(ha, asked, err, records, n, now);
	on_timer(ha, now);
}
