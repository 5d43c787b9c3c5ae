/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys that home agents give out: the mobile node's sessions with them, as far as its and their
 * state machines can tell, and the keys on the home agents' disks. A session is TCP's business:
 * what is lost comes late.
 */
#include "tests/sim/sim.h"

#include <errno.h>
#include <string.h>

#include "common/core/log.h"
#include "ha-agent/sa.h"

#define ROUND_TRIPS	3		/* TCP, TLS, the request */
#define RETRANSMIT	USEC_S
#define GIVE_UP		(15 * USEC_S)	/* as keyclient.c */

static struct sim_session *session_with(struct sim *s, const struct in6_addr *ha)
{
	for (struct sim_session *x = s->mn.sessions; x < s->mn.sessions + SIM_SESSIONS; x++)
		if (x->id != 0 && in6_eq(&x->ask.ha, ha))
			return x;
	return NULL;
}

/* That of the event, if it is still under way. */
static struct sim_session *session_of(const struct sim_event *e)
{
	struct sim_session *x = &e->sim->mn.sessions[e->port];

	return x->id == e->generation && e->sim->mn.running ? x : NULL;
}

static struct sim_event *session_event(struct sim *s, const struct sim_session *x, usec_t d,
				       void (*fn)(struct sim_event *e))
{
	struct sim_event *e = sim_after(s, d, fn);

	e->port = (unsigned int)(x - s->mn.sessions);
	e->generation = x->id;
	return e;
}

static bool is_there(const struct sim *s, const struct sim_session *x)
{
	const struct sim_port *p = &s->mn.ports[x->ask.ifindex - SIM_MN_IF];

	return p->link_up && p->at == sim_ha_of(&x->ask.ha);
}

/* Some time on the access link: each round trip may have to be made again. */
static usec_t on_link(struct sim *s)
{
	usec_t d = 1;

	for (int n = 0; n < ROUND_TRIPS; n++) {
		d += sim_time(s, s->net.delay, s->net.delay + s->net.jitter) / 10;
		while (sim_chance(s, s->net.loss))
			d += RETRANSMIT;
	}
	return d;
}

static void over(struct sim *s, struct sim_session *x, enum bootstrap_result r, const char *why)
{
	struct in6_addr ha = x->ask.ha;

	explicit_bzero(x, sizeof(*x));
	bootstrap_over(&s->mn.mn, &ha, r, why, s->now);
}

static void given_up(struct sim_event *e)
{
	struct sim_session *x = session_of(e);

	if (x)
		over(e->sim, x, BOOTSTRAP_NO_ANSWER, "its session takes too long");
}

/* As SSL_export_keying_material(): of the session and the context, the same at both ends. */
static void export_from(const struct sim_session *x, const uint8_t context[BOOT_CONTEXT_LEN],
			uint8_t ret[BOOT_KEY_LEN])
{
	uint64_t h = x->id;

	for (unsigned int n = 0; n < BOOT_KEY_LEN; n++) {
		for (unsigned int i = 0; i < BOOT_CONTEXT_LEN; i++)
			h = (h ^ context[i] ^ n) * 0x100000001b3;	/* FNV-1a */
		ret[n] = (uint8_t)(h >> 32);
	}
}

static int op_export(void *ctx, const uint8_t context[BOOT_CONTEXT_LEN], uint8_t ret[BOOT_KEY_LEN])
{
	export_from(ctx, context, ret);
	return 0;
}

/* The responses are at the mobile node. */
static void answered(struct sim_event *e)
{
	struct sim_session *x = session_of(e);
	uint8_t context[BOOT_CONTEXT_LEN], secret[BOOT_KEY_LEN];
	struct sim *s = e->sim;

	if (!x || !is_there(s, x))
		return;
	for (unsigned int n = 0; n < x->ask.n; n++) {
		const struct boot_response *r = &x->responses[n];

		boot_key_context(&r->hnp, r->hnp_len, &r->ha, r->spi, context);
		export_from(x, context, secret);
		bootstrap_answer(&s->mn.mn, &x->ask.ha, &x->ask.hoas[n], r, BOOT_ON_LINK,
				 r->status == BOOT_OK ? secret : NULL, s->now);
		if (x->id != e->generation)
			return;		/* it was stopped by that */
	}
	over(s, x, BOOTSTRAP_DONE, NULL);
}

/* The requests are at the home agent. */
static void asked(struct sim_event *e)
{
	struct sim_session *x = session_of(e);
	struct sim *s = e->sim;
	struct sim_ha *h;

	if (!x || !is_there(s, x))
		return;
	h = &s->has[sim_ha_of(&x->ask.ha)];
	if (!h->running) {
		over(s, x, BOOTSTRAP_REFUSED_CONNECTION, NULL);
		return;
	}
	if (!bootstrap_knows(&h->ha, SIM_HA_IF, &x->ask.from)) {
		over(s, x, BOOTSTRAP_NO_ANSWER, "connection reset by peer");
		return;
	}
	for (unsigned int n = 0; n < x->ask.n; n++) {
		const struct bootstrap_peer peer = {
			.ifindex = SIM_HA_IF, .source = x->ask.from, .local = x->ask.ha,
			.mode = BOOT_ON_LINK,
		};
		const struct bootstrap_ops ops = { .export = op_export, .ctx = x };
		const struct boot_request q = {
			.id = (uint8_t)(n + 1), .methods = s->mn.cfg.key_modes,
			.hoa = x->ask.hoas[n],
		};

		(void)bootstrap_request(&h->ha, &peer, &q, &ops, s->now, &x->responses[n]);
	}
	session_event(s, x, on_link(s) / ROUND_TRIPS + 1, answered);
}

static struct sim_session *free_session(struct sim *s)
{
	for (struct sim_session *x = s->mn.sessions; x < s->mn.sessions + SIM_SESSIONS; x++)
		if (x->id == 0)
			return x;
	return NULL;
}

int sim_key_ask(void *ctx, const struct bootstrap_ask *ask)
{
	struct sim *s = ctx;
	struct sim_session *x = free_session(s);

	if (session_with(s, &ask->ha))
		sim_fail(s, "mn: a second session with %s", in6_str(&ask->ha).s);
	if (!x)
		return -EMFILE;
	x->id = sim_random(s) | 1;
	x->ask = *ask;
	session_event(s, x, on_link(s), asked);
	session_event(s, x, GIVE_UP, given_up);
	return 0;
}

void sim_key_stop(void *ctx, const struct in6_addr *ha)
{
	struct sim_session *x = session_with(ctx, ha);

	if (x)
		explicit_bzero(x, sizeof(*x));
}

/* --- the mobile node's disk ----------------------------------------------------------- */

void sim_keys_save(struct sim *s)
{
	struct sim_mn *m = &s->mn;

	m->n_saved_keys = 0;
	for (const struct mn_sa *sa = m->mn.sas; sa; sa = sa->next) {
		struct bootstrap_record *r = &m->saved_keys[m->n_saved_keys];

		if (m->n_saved_keys == SIM_KEYS) {
			sim_fail(s, "mn: too many keys");
			return;
		}
		*r = (struct bootstrap_record){
			.spi = sa->key.spi, .prefix = sa->prefix, .ha = sa->ha, .mode = sa->mode,
			.until = sa->until, .renew_at = sa->renew_at,
		};
		memcpy(r->secret, sa->key.secret, BOOT_KEY_LEN);
		m->n_saved_keys++;
	}
}

void sim_keys_load(struct sim *s)
{
	int r;

	for (unsigned int n = 0; n < s->mn.n_saved_keys; n++) {
		r = bootstrap_restore(&s->mn.mn, &s->mn.saved_keys[n], s->now);
		if (r && r != -ESTALE)
			sim_fail(s, "mn: key %u is not restored: %d", s->mn.saved_keys[n].spi, r);
	}
}

/* --- the home agents' disks ------------------------------------------------------------- */

void sim_sa_forget(void *ctx, uint32_t spi, uint32_t place)
{
	struct sim_ha *h = ctx;

	(void)place;
	for (unsigned int n = 0; n < h->n_key_rows; n++)
		if (h->key_rows[n].spi == spi)
			h->key_rows[n--] = h->key_rows[--h->n_key_rows];
}

int sim_sa_store(void *ctx, struct sa_record *r)
{
	struct sim_ha *h = ctx;

	sim_sa_forget(h, r->spi, r->place);
	if (h->n_key_rows == SIM_KEYS)
		return -ENOSPC;
	r->place = 1;
	h->key_rows[h->n_key_rows++] = *r;
	return 0;
}

void sim_sas_load(struct sim_ha *h)
{
	struct sa_record rows[SIM_KEYS];
	unsigned int n = h->n_key_rows;
	int r;

	memcpy(rows, h->key_rows, sizeof(rows));
	for (unsigned int i = 0; i < n; i++) {
		r = sa_restore(&h->ha, &rows[i], h->sim->now);
		if (r == 0)
			continue;
		if (r != -ESTALE)
			sim_fail(h->sim, "ha %u: key %u is not restored: %d", h->n, rows[i].spi, r);
		sim_sa_forget(h, rows[i].spi, rows[i].place);
	}
}

/* --- what must hold ----------------------------------------------------------------------- */

/* Is the key that a mobile node would sign with the one that its home agent would take? */
static const char *differs(const struct sim_ha *h, const struct mn_sa *key)
{
	const struct sa *sa = sa_find(&h->ha, key->key.spi);

	if (!sa || sa->spent)
		return "is not known there";
	if (!auth_equal(sa->key.auth.secret, key->key.secret, BOOT_KEY_LEN))
		return "is another one there";
	return in6_prefix_eq(&sa->prefix, &key->prefix) ? NULL : "is for another prefix there";
}

void sim_check_keys(struct sim *s)
{
	const struct mn *mn = &s->mn.mn;

	if (!s->given_keys || !s->mn.running)
		return;
	for (const struct mn_sa *key = mn->sas; key; key = key->next) {
		const struct sim_ha *h = &s->has[sim_ha_of(&key->ha)];
		const char *wrong = h->running ? differs(h, key) : NULL;

		/* In the place of one that is due another may have been given out, whose answer
		 * was lost: it is asked for again before this one can be needed. */
		if (wrong && key->renew_at > s->now)
			sim_fail(s, "key %u of %s %s", key->key.spi,
				 in6_prefix_str(&key->prefix).s, wrong);
	}
}

/* After a time without trouble: who has a key can be moved with it, and who is where he gets one
 * has one. */
void sim_check_keys_settled(struct sim *s)
{
	if (!s->given_keys)
		return;
	for (const struct anchor *a = s->mn.mn.anchors; a; a = a->next) {
		const struct mn_sa *key = bootstrap_key(&s->mn.mn, &a->hoa, &a->ha);

		/* A lifetime of less than four seconds cannot be granted (RFC 6275 6.1.7). */
		if (a->state == ANCHOR_REFUSED && key && key->until > s->now + 4 * USEC_S)
			sim_fail(s, "anchor %s has a key and is refused: %s", in6_str(&a->hoa).s,
				 a->reason);
		if (a->state == ANCHOR_ATTACHED && !a->key &&
		    sim_mn_port_at(s, sim_ha_of(&a->hoa)))
			sim_fail(s, "anchor %s is attached and has no key: %s",
				 in6_str(&a->hoa).s, a->no_key);
	}
}
