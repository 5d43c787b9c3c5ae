/* SPDX-License-Identifier: BSD-2-Clause */
/* links: tests/sim/sim.c tests/sim/sim_mn.c tests/sim/sim_ha.c tests/sim/sim_moody.c
 * tests/sim/sim_check.c tests/sim/sim_keys.c, and the
 * pure files of mn-agent/ and ha-agent/, common/core/ without conf.c, common/wire/ (-lcrypto) */
/*
 * A mobile node moves at random between three access routers, a few thousand times in each
 * of several kinds of weather, and everything that must hold is looked at after each step.
 *
 *	test_moves [--moves N] [--seed S] [--loss PER_MILLE] [--only NAME] [--trace]
 *
 * The seed is printed; the same seed is the same run. A failure names the step.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "tests/sim/sim.h"

#define CALM	(75 * USEC_S)	/* two of the longest back-off, and what follows */

struct scenario {
	const char *name;
	struct sim_net net;
	usec_t short_stay, long_stay;	/* bounds of the pause after a step */
	unsigned int move, flap, wander, flow, unplug;	/* how often, parts of a thousand */
	unsigned int restart_mn, restart_ha, cut, mood;
	unsigned int choose;		/* by which interface */
	bool two;			/* interfaces, the second one preferred */
	bool exchange;			/* they take turns; nothing is ever lost */
	bool eui64, flush;
	usec_t binding_lifetime, prefix_lifetime;
	bool keys;			/* are given out; none is configured */
	usec_t key_lifetime;
};

static const struct scenario scenarios[] = {
	{ .name = "fair weather", .net = { 0, 0, 10 * USEC_MS, 2 * USEC_MS },
	  .short_stay = 100 * USEC_MS, .long_stay = 20 * USEC_S,
	  .move = 500, .flap = 50, .flow = 400, .eui64 = true },
	{ .name = "lossy and out of order", .net = { 200, 100, 5 * USEC_MS, 300 * USEC_MS },
	  .short_stay = 10 * USEC_MS, .long_stay = 15 * USEC_S,
	  .move = 500, .flap = 50, .flow = 400, .eui64 = true },
	{ .name = "faster than the round trip", .net = { 20, 20, 40 * USEC_MS, 20 * USEC_MS },
	  .short_stay = 1 * USEC_MS, .long_stay = 90 * USEC_MS,
	  .move = 700, .flap = 50, .flow = 200, .eui64 = true },
	{ .name = "random identifiers, addresses flushed",
	  .net = { 50, 20, 10 * USEC_MS, 20 * USEC_MS },
	  .short_stay = 50 * USEC_MS, .long_stay = 20 * USEC_S,
	  .move = 400, .flap = 150, .flow = 400, .flush = true },
	{ .name = "random identifiers, addresses kept",
	  .net = { 50, 20, 10 * USEC_MS, 20 * USEC_MS },
	  .short_stay = 50 * USEC_MS, .long_stay = 20 * USEC_S,
	  .move = 400, .flap = 150, .flow = 400 },
	{ .name = "no link events", .net = { 30, 10, 10 * USEC_MS, 10 * USEC_MS },
	  .short_stay = 1 * USEC_S, .long_stay = 40 * USEC_S,
	  .move = 50, .wander = 450, .flow = 400, .eui64 = true },
	{ .name = "daemons restart", .net = { 50, 20, 10 * USEC_MS, 20 * USEC_MS },
	  .short_stay = 5 * USEC_MS, .long_stay = 10 * USEC_S,
	  .move = 300, .flap = 50, .flow = 350, .restart_mn = 100, .restart_ha = 100,
	  .eui64 = true },
	{ .name = "sites cut off", .net = { 30, 10, 10 * USEC_MS, 10 * USEC_MS },
	  .short_stay = 100 * USEC_MS, .long_stay = 60 * USEC_S,
	  .move = 350, .flap = 50, .flow = 350, .cut = 150, .unplug = 50, .eui64 = true },
	{ .name = "short lifetimes", .net = { 50, 20, 10 * USEC_MS, 20 * USEC_MS },
	  .short_stay = 1 * USEC_S, .long_stay = 60 * USEC_S,
	  .move = 300, .flap = 100, .flow = 500, .unplug = 50, .eui64 = true,
	  .binding_lifetime = 40 * USEC_S, .prefix_lifetime = 120 * USEC_S },
	{ .name = "moody home agents", .net = { 30, 20, 10 * USEC_MS, 20 * USEC_MS },
	  .short_stay = 100 * USEC_MS, .long_stay = 40 * USEC_S,
	  .move = 350, .flap = 50, .flow = 350, .mood = 200, .eui64 = true },
	{ .name = "moods, and nothing lasts long",
	  .net = { 30, 20, 10 * USEC_MS, 20 * USEC_MS },
	  .short_stay = 100 * USEC_MS, .long_stay = 90 * USEC_S,
	  .move = 300, .flap = 50, .flow = 350, .unplug = 30, .mood = 200, .flush = true,
	  .binding_lifetime = 60 * USEC_S, .prefix_lifetime = 900 * USEC_S },
	{ .name = "keys given out", .net = { 50, 20, 10 * USEC_MS, 20 * USEC_MS },
	  .short_stay = 50 * USEC_MS, .long_stay = 20 * USEC_S,
	  .move = 400, .flap = 100, .flow = 400, .eui64 = true, .keys = true },
	{ .name = "keys given out, daemons restart",
	  .net = { 50, 20, 10 * USEC_MS, 20 * USEC_MS },
	  .short_stay = 5 * USEC_MS, .long_stay = 10 * USEC_S,
	  .move = 300, .flap = 50, .flow = 350, .restart_mn = 100, .restart_ha = 100,
	  .eui64 = true, .keys = true },
	{ .name = "keys given out, nothing lasts long",
	  .net = { 50, 20, 10 * USEC_MS, 20 * USEC_MS },
	  .short_stay = 1 * USEC_S, .long_stay = 60 * USEC_S,
	  .move = 300, .flap = 100, .flow = 500, .unplug = 50, .restart_mn = 20,
	  .restart_ha = 20, .flush = true, .binding_lifetime = 40 * USEC_S,
	  .prefix_lifetime = 3600 * USEC_S, .keys = true, .key_lifetime = 3000 * USEC_S },
	{ .name = "keys given out, two interfaces",
	  .net = { 50, 20, 10 * USEC_MS, 20 * USEC_MS },
	  .short_stay = 10 * USEC_MS, .long_stay = 20 * USEC_S,
	  .move = 350, .flap = 100, .flow = 300, .unplug = 50, .restart_mn = 50,
	  .restart_ha = 50, .choose = 50, .eui64 = true, .two = true, .keys = true },
	{ .name = "two interfaces", .net = { 50, 20, 10 * USEC_MS, 20 * USEC_MS },
	  .short_stay = 10 * USEC_MS, .long_stay = 20 * USEC_S,
	  .move = 400, .flap = 100, .flow = 300, .unplug = 50, .choose = 100, .eui64 = true,
	  .two = true },
	{ .name = "two interfaces, restarts", .net = { 50, 20, 10 * USEC_MS, 20 * USEC_MS },
	  .short_stay = 10 * USEC_MS, .long_stay = 20 * USEC_S,
	  .move = 350, .flap = 100, .flow = 300, .unplug = 50, .restart_mn = 100,
	  .choose = 50, .eui64 = true, .two = true },
	{ .name = "two interfaces, restarts, flushed",
	  .net = { 50, 20, 10 * USEC_MS, 20 * USEC_MS },
	  .short_stay = 10 * USEC_MS, .long_stay = 20 * USEC_S,
	  .move = 350, .flap = 100, .flow = 300, .unplug = 50, .restart_mn = 100,
	  .choose = 50, .flush = true, .two = true },
	{ .name = "make before break", .net = { 0, 0, 10 * USEC_MS, 5 * USEC_MS },
	  .two = true, .exchange = true, .eui64 = true },
	{ .name = "make before break, signalling lost",
	  .net = { 100, 50, 10 * USEC_MS, 20 * USEC_MS },
	  .two = true, .exchange = true, .eui64 = true },
	{ .name = "make before break, restarts",
	  .net = { 50, 20, 10 * USEC_MS, 20 * USEC_MS }, .restart_mn = 300,
	  .two = true, .exchange = true, .eui64 = true },
};

#define N_SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

struct options {
	unsigned long moves;
	uint64_t seed;
	long loss;
	const char *only;
	bool trace;
};

static struct sim world;

static void traced(void *ctx, enum log_level level, const char *line)
{
	struct sim *s = ctx;

	(void)level;
	fprintf(stderr, "%.6f %lu %s\n", (double)s->now / 1e6, s->step, line);
}

static void quiet(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
}

static int elsewhere(struct sim *s, unsigned int port)
{
	int place = (int)sim_below(s, SIM_HAS);

	return place == s->mn.ports[port].at ? (place + 1) % SIM_HAS : place;
}

/* Is it this one that the dice shows? Otherwise its share is taken off. */
static bool drawn(unsigned int *dice, unsigned int weight)
{
	if (*dice < weight)
		return true;
	*dice -= weight;
	return false;
}

static void repair(struct sim *s)
{
	for (unsigned int n = 0; n < SIM_HAS; n++) {
		sim_ha_start(s, n);
		s->has[n].reachable = true;
		s->has[n].mood = SIM_WELL;
	}
	sim_mn_start(s);
}

static void restart_ha(struct sim *s)
{
	unsigned int n = sim_below(s, SIM_HAS);

	if (s->has[n].running && sim_chance(s, 700)) {
		sim_ha_stop(s, n);
		if (sim_chance(s, 500))
			sim_ha_start(s, n);
	} else {
		sim_ha_start(s, n);
	}
}

static void kill_mn(struct sim *s)
{
	/* What happened in the last milliseconds is not on its disk yet: that much may be lost
	 * with a daemon that is killed, and is not looked for here. */
	while (s->mn.save_due && !s->failed)
		sim_run(s, USEC_MS);
	sim_mn_stop(s, false);
}

static void restart_mn(struct sim *s)
{
	if (!s->mn.running) {
		sim_mn_start(s);
		return;
	}
	kill_mn(s);
	if (sim_chance(s, 700))
		sim_mn_start(s);
}

/* Returns whether it was a move. */
static bool act(struct sim *s, const struct scenario *sc)
{
	unsigned int dice = sim_below(s, 1000), n, port = sim_below(s, s->mn.n_ports);

	if (drawn(&dice, sc->move)) {
		sim_mn_leave(s, port);
		sim_run(s, sim_time(s, 0, 50 * USEC_MS));
		sim_mn_join(s, port, elsewhere(s, port));
		return true;
	}
	if (drawn(&dice, sc->wander)) {
		sim_mn_wander(s, port, elsewhere(s, port));
		return true;
	}
	if (drawn(&dice, sc->flap)) {
		int here = s->mn.ports[port].at;

		sim_mn_leave(s, port);
		sim_run(s, sim_time(s, 0, 3 * USEC_S));
		sim_mn_join(s, port, here == SIM_NOWHERE ? elsewhere(s, port) : here);
	} else if (drawn(&dice, sc->unplug)) {
		sim_mn_leave(s, port);
	} else if (drawn(&dice, sc->flow)) {
		if (sim_chance(s, 500))
			sim_mn_flow_begin(s);
		else
			for (n = 0; n < 4; n++)
				sim_mn_flow_end(s, sim_chance(s, 850));
	} else if (drawn(&dice, sc->restart_mn)) {
		restart_mn(s);
	} else if (drawn(&dice, sc->restart_ha)) {
		restart_ha(s);
	} else if (drawn(&dice, sc->choose)) {
		if (s->mn.running)
			(void)mn_choose(&s->mn.mn, sim_chance(s, 300) ? NULL :
					s->mn.ports[port].name, s->now);
	} else if (drawn(&dice, sc->cut)) {
		n = sim_below(s, SIM_HAS);
		s->has[n].reachable = !s->has[n].reachable;
	} else if (drawn(&dice, sc->mood)) {
		sim_moody_change(s);
	} else {
		sim_stranger(s, sim_below(s, SIM_HAS));
	}
	return false;
}

/* No trouble for a while: then every flow works. */
static void calm(struct sim *s)
{
	struct sim_net rough = s->net;

	repair(s);
	s->net.loss = s->net.dup = 0;
	if (!s->mn.ports[0].link_up && !s->mn.ports[1].link_up)
		sim_mn_join(s, 0, (int)sim_below(s, SIM_HAS));
	sim_run(s, CALM);
	sim_check(s);
	sim_check_flows(s);
	sim_check_keys_settled(s);
	s->net = rough;
}

static void settle(struct sim *s)
{
	calm(s);
	s->net.loss = s->net.dup = 0;
	sim_mn_flows_end(s, sim_chance(s, 500));
	sim_run(s, s->binding_lifetime + 60 * USEC_S);
	sim_check(s);
	sim_check_nothing_left(s);
}

/* Stopped with flows that are away: the home agents are told, the kernel is as before. */
static void stop(struct sim *s)
{
	for (int n = 0; n < 4; n++) {
		sim_mn_flow_begin(s);
		sim_mn_leave(s, 0);
		sim_mn_join(s, 0, elsewhere(s, 0));
		sim_run(s, 3 * USEC_S);
	}
	sim_mn_stop(s, true);
	sim_run(s, 2 * USEC_S);
	sim_check_stopped(s);
}

/* Do all flows go over this place now? */
static bool carried(const struct sim *s, int place)
{
	for (unsigned int n = 0; n < SIM_FLOWS; n++) {
		const struct in6_addr *a = &s->mn.flows[n].local;
		const struct dp_binding *t;

		if (!s->mn.flows[n].used)
			continue;
		t = sim_mn_tunnel(s, a);
		if (t ? sim_ha_of(&t->local) != place : sim_ha_of(a) != place)
			return false;
		if (!t && sim_ha_route(&s->has[place], a))
			return false;		/* back there, its home agent has not heard it */
	}
	return true;
}

/* Millisecond by millisecond; in each of them every flow works in both directions. */
static void watch(struct sim *s, usec_t d)
{
	for (usec_t end = s->now + d; s->now < end && !s->failed;) {
		sim_run(s, USEC_MS);
		sim_check(s);
		sim_check_flows_now(s);
	}
}

/* The other interface comes, everything goes over it, and only then the first one leaves. */
static void exchange(struct sim *s, unsigned int old)
{
	unsigned int port = 1 - old;
	int place = elsewhere(s, old);
	usec_t began = s->now;

	sim_mn_join(s, port, place);
	while (mn_choose(&s->mn.mn, s->mn.ports[port].name, s->now) && !s->failed)
		watch(s, USEC_MS);
	while (!carried(s, place) && !s->failed) {
		watch(s, USEC_MS);
		if (s->now > began + CALM)
			sim_fail(s, "not everything goes over %d", place);
	}
	watch(s, sim_time(s, 50 * USEC_MS, 200 * USEC_MS));
	sim_mn_leave(s, old);
	watch(s, sim_time(s, 0, 3 * USEC_S));
}

/* No packet is lost by it. Nothing moves until it has heard its router again: which link works is
 * not known before. */
static void restart_at_once(struct sim *s)
{
	kill_mn(s);
	sim_mn_start(s);
	for (usec_t end = s->now + CALM; !s->mn.mn.current && !s->failed;) {
		watch(s, USEC_MS);
		if (s->now > end)
			sim_fail(s, "no router since the restart");
	}
	watch(s, sim_time(s, 0, USEC_S));
}

static void take_turns(struct sim *s, const struct scenario *sc, unsigned long moves)
{
	for (unsigned long n = 0; n < moves && !s->failed; n++) {
		s->step++;
		exchange(s, n % 2);
		if (sim_chance(s, 500))
			sim_mn_flow_begin(s);
		else if (sim_chance(s, 300))
			sim_mn_flow_end(s, true);
		watch(s, sim_time(s, 0, USEC_S));
		if (sim_chance(s, sc->restart_mn))
			restart_at_once(s);
	}
}

static void run(struct sim *s, const struct scenario *sc, const struct options *o, uint64_t seed)
{
	unsigned long moves = 0;

	sim_init(s, seed, &sc->net);
	if (o->loss >= 0)
		s->net.loss = (unsigned int)o->loss;
	s->binding_lifetime = sc->binding_lifetime ? sc->binding_lifetime : 600 * USEC_S;
	s->prefix_lifetime = sc->prefix_lifetime ? sc->prefix_lifetime : 36000 * USEC_S;
	s->given_keys = sc->keys;
	s->key_lifetime = sc->key_lifetime;
	s->mn.flush = sc->flush;
	s->mn.n_ports = sc->two ? 2 : 1;
	if (sc->two) {			/* eth0, then the rest */
		s->mn.cfg.n_interfaces = 2;
		strcpy(s->mn.cfg.interfaces[0], "eth0");
		strcpy(s->mn.cfg.interfaces[1], "*");
	}
	for (unsigned int n = 0; n < SIM_HAS; n++)
		sim_ha_init(s, n);
	sim_mn_init(s, sc->eui64);
	sim_mn_join(s, 0, 0);
	sim_run(s, 5 * USEC_S);
	if (sc->exchange)
		take_turns(s, sc, moves = o->moves / 10);
	while (!sc->exchange && moves < o->moves && !s->failed) {
		s->step++;
		moves += act(s, sc);
		sim_run(s, sim_chance(s, 300) ? sim_time(s, 0, sc->short_stay)
					      : sim_time(s, sc->short_stay, sc->long_stay));
		sim_check(s);
		if (sim_chance(s, 100))
			calm(s);
	}
	if (!s->failed)
		settle(s);
	if (!s->failed)
		stop(s);
	sim_mn_free(s);
	for (unsigned int n = 0; n < SIM_HAS; n++)
		sim_ha_free(s, n);
	sim_free(s);
}

static bool parse(int argc, char **argv, struct options *o)
{
	for (int n = 1; n < argc; n++) {
		const char *value = n + 1 < argc ? argv[n + 1] : NULL;

		if (strcmp(argv[n], "--trace") == 0) {
			o->trace = true;
			continue;
		}
		if (!value)
			return false;
		if (strcmp(argv[n], "--moves") == 0)
			o->moves = strtoul(value, NULL, 0);
		else if (strcmp(argv[n], "--seed") == 0)
			o->seed = strtoull(value, NULL, 0);
		else if (strcmp(argv[n], "--loss") == 0)
			o->loss = strtol(value, NULL, 0);
		else if (strcmp(argv[n], "--only") == 0)
			o->only = value;
		else
			return false;
		n++;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct options o = { .moves = getenv("TEST_LONG") ? 30000 : 3000, .seed = 1, .loss = -1 };
	int failures = 0;

	if (!parse(argc, argv, &o)) {
		fprintf(stderr, "usage: %s [--moves N] [--seed S] [--loss PER_MILLE] "
			"[--only NAME] [--trace]\n", argv[0]);
		return 2;
	}
	log_init("sim", LOG_LEVEL_DEBUG);
	log_set_sink(o.trace ? traced : quiet, &world);
	printf("1..%zu\n", N_SCENARIOS);
	for (size_t n = 0; n < N_SCENARIOS; n++) {
		const struct scenario *sc = &scenarios[n];

		if (o.only && !strstr(sc->name, o.only)) {
			printf("ok %zu - %s # SKIP not asked for\n", n + 1, sc->name);
			continue;
		}
		run(&world, sc, &o, o.seed);
		printf("%sok %zu - %s: %lu moves, %lu steps, %.0f s, seed %llu\n",
		       world.failed ? "not " : "", n + 1, sc->name, o.moves, world.step,
		       (double)world.now / 1e6, (unsigned long long)o.seed);
		if (world.failed)
			printf("# %s\n# again: --seed %llu --moves %lu --only '%s' --trace\n",
			       world.failure, (unsigned long long)o.seed, o.moves, sc->name);
		failures += world.failed;
		fflush(stdout);
	}
	return failures ? 1 : 0;
}
