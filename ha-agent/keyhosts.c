/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hosts that opened connections to the key server lately; owns them, called by keyserver.c. A
 * host is forgotten when it has no connection and could open as many as one that was never
 * seen. RFC 4225 and common practice: what a stranger can make us keep is bounded.
 */
#include "ha-agent/keyhosts.h"

#include <stdlib.h>
#include <string.h>

#include "common/core/bucket.h"

void keyhosts_init(struct keyhosts *t, unsigned int max_connections)
{
	*t = (struct keyhosts){ .max_connections = max_connections, .swept_at = -KEYHOST_PERIOD };
}

static void forget(struct keyhosts *t, struct keyhost *h)
{
	HASH_DEL(t->hosts, h);
	t->n--;
	free(h);
}

void keyhosts_free(struct keyhosts *t)
{
	struct keyhost *h, *next;

	HASH_ITER(hh, t->hosts, h, next)
		forget(t, h);
}

/* As good as never seen. */
static bool is_idle(const struct keyhost *h, usec_t now)
{
	return h->connections == 0 &&
	       now - h->tokens_at >= (usec_t)(KEYHOST_BURST - h->tokens) * KEYHOST_PERIOD;
}

/* All that are idle; not more often than one could become so. */
static void sweep(struct keyhosts *t, usec_t now)
{
	struct keyhost *h, *next;

	if (now - t->swept_at < KEYHOST_PERIOD)
		return;
	t->swept_at = now;
	HASH_ITER(hh, t->hosts, h, next)
		if (is_idle(h, now))
			forget(t, h);
}

static struct keyhost *find_or_add(struct keyhosts *t, const uint8_t id[KEYHOST_ID], usec_t now)
{
	struct keyhost *h;

	HASH_FIND(hh, t->hosts, id, KEYHOST_ID, h);
	if (h)
		return h;
	if (t->n == KEYHOST_MAX)
		sweep(t, now);
	h = t->n < KEYHOST_MAX ? calloc(1, sizeof(*h)) : NULL;
	if (!h)
		return NULL;
	memcpy(h->id, id, KEYHOST_ID);
	h->tokens = KEYHOST_BURST;
	h->tokens_at = now;
	HASH_ADD(hh, t->hosts, id, KEYHOST_ID, h);
	t->n++;
	return h;
}

enum keyhost_verdict keyhosts_enter(struct keyhosts *t, const uint8_t id[KEYHOST_ID], usec_t now)
{
	struct keyhost *h;

	if (t->connections >= t->max_connections)
		return KEYHOST_FULL;
	h = find_or_add(t, id, now);
	if (!h)
		return KEYHOST_FULL;
	if (h->connections >= KEYHOST_CONNECTIONS)
		return KEYHOST_BUSY;
	if (!bucket_take(&h->tokens, &h->tokens_at, KEYHOST_BURST, KEYHOST_PERIOD, now))
		return KEYHOST_OFTEN;
	h->connections++;
	t->connections++;
	return KEYHOST_WELCOME;
}

void keyhosts_leave(struct keyhosts *t, const uint8_t id[KEYHOST_ID], usec_t now)
{
	struct keyhost *h;

	HASH_FIND(hh, t->hosts, id, KEYHOST_ID, h);
	if (!h || h->connections == 0)
		return;
	h->connections--;
	t->connections--;
	if (is_idle(h, now))
		forget(t, h);
}
