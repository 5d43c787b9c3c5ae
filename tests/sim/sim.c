/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtual clock, chance, and packets under way. Owns every struct sim_event. */
#include "tests/sim/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SplitMix64 (Steele, Lea and Flood, 2014). */
uint64_t sim_random(struct sim *s)
{
	uint64_t z = (s->random += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

unsigned int sim_below(struct sim *s, unsigned int n)
{
	return n ? (unsigned int)(sim_random(s) % n) : 0;
}

bool sim_chance(struct sim *s, unsigned int per_mille)
{
	return sim_below(s, 1000) < per_mille;
}

usec_t sim_time(struct sim *s, usec_t min, usec_t max)
{
	return max <= min ? min : min + (usec_t)(sim_random(s) % (uint64_t)(max - min));
}

void sim_fail(struct sim *s, const char *fmt, ...)
{
	int n;
	va_list ap;

	if (s->failed)
		return;
	s->failed = true;
	n = snprintf(s->failure, sizeof(s->failure), "step %lu, at %.6f s: ", s->step,
		     (double)s->now / 1e6);
	va_start(ap, fmt);
	vsnprintf(s->failure + n, sizeof(s->failure) - (size_t)n, fmt, ap);
	va_end(ap);
}

static void free_event(struct sim_event *e)
{
	struct sim *s = e->sim;

	timer_stop(&s->timers, &e->timer);
	if (e->prev)
		e->prev->next = e->next;
	else
		s->events = e->next;
	if (e->next)
		e->next->prev = e->prev;
	free(e);
}

static void due(void *ctx, usec_t now)
{
	struct sim_event *e = ctx;

	e->sim->now = now;
	e->fn(e);
	free_event(e);
}

struct sim_event *sim_after(struct sim *s, usec_t d, void (*fn)(struct sim_event *e))
{
	struct sim_event *e = calloc(1, sizeof(*e));

	if (!e)
		abort();
	e->sim = s;
	e->fn = fn;
	e->place = SIM_NOWHERE;
	e->next = s->events;
	if (e->next)
		e->next->prev = e;
	s->events = e;
	timer_init(&e->timer, "event", due, e);
	if (timer_set(&s->timers, &e->timer, s->now + d))
		abort();
	return e;
}

void sim_transmit(struct sim *s, bool access, void (*fn)(struct sim_event *e), int place,
		  const uint8_t mac[6], const void *data, size_t len)
{
	unsigned int copies = sim_chance(s, s->net.loss) ? 0 : 1;

	if (len > SIM_PACKET) {
		sim_fail(s, "a packet of %zu octets", len);
		return;
	}
	if (copies && sim_chance(s, s->net.dup))
		copies++;
	while (copies--) {
		usec_t d = sim_time(s, s->net.delay, s->net.delay + s->net.jitter);
		struct sim_event *e = sim_after(s, access ? d / 10 + 1 : d + 1, fn);

		e->place = place;
		e->len = len;
		memcpy(e->data, data, len);
		if (mac)
			memcpy(e->mac, mac, 6);
	}
}

void sim_run(struct sim *s, usec_t d)
{
	usec_t end = s->now + d;

	while (timers_next(&s->timers) <= end && !s->failed) {
		if (timers_next(&s->timers) > s->now)	/* one may have been set to the past */
			s->now = timers_next(&s->timers);
		timers_run(&s->timers, s->now);
	}
	s->now = end;
}

void sim_init(struct sim *s, uint64_t seed, const struct sim_net *net)
{
	memset(s, 0, sizeof(*s));
	s->random = seed;
	s->now = 1000 * USEC_S;
	s->net = *net;
	timers_init(&s->timers);
}

void sim_free(struct sim *s)
{
	while (s->events)
		free_event(s->events);
	timers_free(&s->timers);
}

/* In the place of the same, or of the oldest. */
void sim_late_add(struct sim *s, struct sim_late late[SIM_LATE], const struct in6_addr *inner,
		  const struct in6_addr *outer)
{
	unsigned int at = 0;

	for (unsigned int n = 0; n < SIM_LATE; n++) {
		if (in6_eq(&late[n].inner, inner) && in6_eq(&late[n].outer, outer)) {
			at = n;
			break;
		}
		if (late[n].until < late[at].until)
			at = n;
	}
	late[at] = (struct sim_late){ *inner, *outer, s->now + SIM_GRACE };
}

bool sim_late_has(const struct sim *s, const struct sim_late late[SIM_LATE],
		  const struct in6_addr *inner, const struct in6_addr *outer)
{
	for (unsigned int n = 0; n < SIM_LATE; n++)
		if (in6_eq(&late[n].inner, inner) && in6_eq(&late[n].outer, outer) &&
		    late[n].until > s->now)
			return true;
	return false;
}
