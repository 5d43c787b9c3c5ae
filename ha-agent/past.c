/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers of bindings that are over. Owns them and the floor; called by binding.c when an entry
 * goes, by update.c when one comes and to look one up, by ha.c at the start, and by its timer:
 *
 *	review	when the oldest one may be of no use any more: 30 s, where the key requires time
 *		stamps, otherwise a day after the binding's end
 *
 * RFC 6275 9.5.1: a home agent that has no entry takes any number. What is kept here is the rest
 * of an entry (10.3.2 keeps one for the same purpose, but not for long), so a mobile node that
 * has forgotten its number hears status 135 and goes on from there (11.7.3).
 */
#include "ha-agent/past.h"

#include <errno.h>
#include <stdlib.h>

#include "common/core/ntp.h"
#include "ha-agent/ha.h"

#define BRIEF	(30 * USEC_S)		/* more than the widest window, to both sides */
#define LASTING	(86400 * USEC_S)

static uint64_t wall(const struct ha *ha)
{
	return ntp_time(ha->ops->wall_us(ha->ctx));
}

static uint64_t widest_window(void)
{
	return ((uint64_t)HA_TIMESTAMP_WINDOW_MAX << 32) / USEC_S;
}

const struct past *past_find(const struct ha *ha, const struct in6_addr *hoa)
{
	struct past *p;

	HASH_FIND(by_hoa, ha->pasts.by_hoa, hoa, sizeof(*hoa), p);
	return p;
}

static struct past_list *list_of(struct pasts *ps, const struct past *p)
{
	return p->brief ? &ps->brief : &ps->lasting;
}

static usec_t period_of(const struct past *p)
{
	return p->brief ? BRIEF : LASTING;
}

static void arm(struct ha *ha)
{
	const struct past *brief = TAILQ_FIRST(&ha->pasts.brief);
	const struct past *lasting = TAILQ_FIRST(&ha->pasts.lasting);
	const struct past *first = !brief || (lasting && lasting->until < brief->until) ?
				   lasting : brief;

	/* Without memory for it the next one tries again. */
	if (first)
		(void)timer_set(ha->timers, &ha->pasts.review, first->until);
	else
		timer_stop(ha->timers, &ha->pasts.review);
}

static void take_out(struct ha *ha, struct past *p)
{
	TAILQ_REMOVE(list_of(&ha->pasts, p), p, entry);
	HASH_DELETE(by_hoa, ha->pasts.by_hoa, p);
	ha->pasts.n--;
}

void past_forgotten(struct ha *ha, uint64_t timestamp)
{
	uint64_t most = wall(ha) + widest_window();

	if (timestamp == 0)
		return;
	/* A key's holder may count its stamps up as it likes; that is no floor for others. It is
	 * refused for being in the future until it has become present. */
	if ((int64_t)(timestamp - most) > 0)
		timestamp = most;
	if (ha->pasts.floor != 0 && (int64_t)(timestamp - ha->pasts.floor) <= 0)
		return;
	ha->pasts.floor = timestamp;
	if (ha->ops->timestamp_floor)
		ha->ops->timestamp_floor(ha->ctx, timestamp);
}

/* The floor first: a kill between the two loses nothing. */
static void drop(struct ha *ha, struct past *p)
{
	past_forgotten(ha, p->timestamp);
	ha->ops->binding_forget(ha->ctx, &p->hoa, p->place);
	take_out(ha, p);
	free(p);
}

/* Could a recorded Binding Update be taken, if it were forgotten? */
static bool is_needed(struct ha *ha, const struct past *p)
{
	const struct lease *l = ha_find_lease(ha, &p->hoa);
	const struct ha_key *k = ha_find_key(ha, p->spi, &p->hoa, l);
	const struct ha_home *home = ha_home_of(ha, &p->hoa);

	if (p->brief)
		return (int64_t)(p->timestamp + widest_window() - wall(ha)) >= 0;
	if (!home || !k || !verdict_key_allows(k, &p->hoa, l))
		return false;
	return home->cfg.mode == HOME_SHARED || (l && l->state != LEASE_FREE);
}

static void review_list(struct ha *ha, struct past_list *list, usec_t now)
{
	struct past *p;

	while ((p = TAILQ_FIRST(list)) && p->until <= now) {
		if (!is_needed(ha, p)) {
			drop(ha, p);
			continue;
		}
		p->until = now + period_of(p);
		TAILQ_REMOVE(list, p, entry);
		TAILQ_INSERT_TAIL(list, p, entry);
	}
}

static void on_review(void *ctx, usec_t now)
{
	struct ha *ha = ctx;

	review_list(ha, &ha->pasts.brief, now);
	review_list(ha, &ha->pasts.lasting, now);
	arm(ha);
}

void past_init(struct ha *ha)
{
	ha->pasts.max = ha->cfg->max_bindings;
	TAILQ_INIT(&ha->pasts.brief);
	TAILQ_INIT(&ha->pasts.lasting);
	timer_init(&ha->pasts.review, "past", on_review, ha);
}

void past_free(struct ha *ha)
{
	struct past *p, *next;

	HASH_ITER(by_hoa, ha->pasts.by_hoa, p, next) {
		take_out(ha, p);
		free(p);
	}
	timer_stop(ha->timers, &ha->pasts.review);
}

/* Short-lived ones first: the floor is as good. */
static void make_room(struct ha *ha)
{
	struct past *p = TAILQ_FIRST(&ha->pasts.brief);

	if (!p)
		p = TAILQ_FIRST(&ha->pasts.lasting);
	if (ha->pasts.n < ha->pasts.max || !p)
		return;
	ha->counters[HA_PAST_FULL]++;
	drop(ha, p);
}

/* Of one that has none yet. */
static int add(struct ha *ha, const struct past *what, usec_t now)
{
	const struct ha_key *k = ha_find_key(ha, what->spi, &what->hoa,
					     ha_find_lease(ha, &what->hoa));
	struct past *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	make_room(ha);
	*p = *what;
	p->brief = p->timestamp != 0 && (!k || k->timestamp_required);
	p->until = now + period_of(p);
	HASH_ADD(by_hoa, ha->pasts.by_hoa, hoa, sizeof(p->hoa), p);
	TAILQ_INSERT_TAIL(list_of(&ha->pasts, p), p, entry);
	ha->pasts.n++;
	arm(ha);
	return 0;
}

bool past_keep(const struct binding *b, usec_t now)
{
	const struct past p = {
		.hoa = b->hoa, .timestamp = b->timestamp, .spi = b->spi, .place = b->place,
		.sequence = b->sequence,
	};

	/* What nobody signed proves nothing, once more either; what was never written down was
	 * never acknowledged. */
	if (b->spi == 0 || b->by_router || b->bid != 0 || b->place == 0 ||
	    past_find(b->home->ha, &b->hoa))
		return false;
	return add(b->home->ha, &p, now) == 0;
}

void past_recall(struct binding *b)
{
	struct ha *ha = b->home->ha;
	struct past *p;

	HASH_FIND(by_hoa, ha->pasts.by_hoa, &b->hoa, sizeof(b->hoa), p);
	if (!p)
		return;
	b->timestamp = p->timestamp;
	b->sequence = p->sequence;
	b->spi = p->spi;
	b->place = p->place;
	take_out(ha, p);
	free(p);
	arm(ha);
}

int past_restore(struct ha *ha, const struct ha_binding_record *r, usec_t now)
{
	const struct past p = {
		.hoa = r->hoa, .timestamp = r->timestamp, .spi = r->spi, .place = r->place,
		.sequence = r->sequence,
	};
	struct ha_binding_record over = *r;

	if (r->spi == 0 || past_find(ha, &r->hoa) || bcache_find(&ha->bcache, &r->hoa))
		return -ESTALE;
	if (add(ha, &p, now) < 0)
		return -ENOMEM;
	/* A clock that is set back must not bring it to life. */
	over.past = true;
	if (!r->past)
		ha->ops->binding_store(ha->ctx, &over);
	return 1;
}

void past_restore_floor(struct ha *ha, uint64_t floor)
{
	ha->pasts.floor = floor;
}
