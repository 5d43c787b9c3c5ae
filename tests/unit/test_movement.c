/* SPDX-License-Identifier: BSD-2-Clause */
/* links: mn-agent/movement.c common/core/in6.c common/core/backoff.c common/core/timer.c */
/* Movement detection on a virtual clock (RFC 6275 11.5.1, RFC 4861 6.3.4, RFC 7559). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/core/in6.h"
#include "mn-agent/movement.h"

#define MS	USEC_MS
#define S	USEC_S
#define EVENTS	128

enum what { SOLICIT, PROBE, ATTACHED, CONFIRMED, LOST };

struct world {
	struct timers timers;
	usec_t now;
	enum what log[EVENTS];
	usec_t at[EVENTS];
	unsigned int n;
	int probe_error;
	unsigned int familiar;		/* the router that our addresses are from; 0: none */
	struct movement m;
};

static struct world the_world;
static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

static void put(struct world *w, enum what what)
{
	assert_true(w->n < EVENTS);
	w->log[w->n] = what;
	w->at[w->n++] = w->now;
}

static void op_solicit(void *ctx, struct movement *m, usec_t now)
{
	(void)m;
	(void)now;
	put(ctx, SOLICIT);
}

static int op_probe(void *ctx, struct movement *m, usec_t now)
{
	struct world *w = ctx;

	(void)m;
	(void)now;
	put(w, PROBE);
	return w->probe_error;
}

static bool op_is_stranger(void *ctx, const struct router *r)
{
	struct world *w = ctx;

	return w->familiar != 0 && r->linklocal.s6_addr[15] != w->familiar;
}

static void op_attached(void *ctx, struct movement *m, bool moved, usec_t now)
{
	(void)m;
	(void)now;
	put(ctx, moved ? ATTACHED : CONFIRMED);
}

static void op_lost(void *ctx, struct movement *m, usec_t now)
{
	(void)m;
	(void)now;
	put(ctx, LOST);
}

static const struct move_ops ops = {
	.solicit = op_solicit, .probe = op_probe, .is_stranger = op_is_stranger,
	.attached = op_attached, .lost = op_lost,
};

static int setup(void **state)
{
	struct world *w = &the_world;

	memset(w, 0, sizeof(*w));
	w->now = 100 * S;
	timers_init(&w->timers);
	move_init(&w->m, &ops, w, &w->timers);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	move_stop(&w->m);
	assert_int_equal(timers_next(&w->timers), USEC_NEVER);
	timers_free(&w->timers);
	return 0;
}

static void after(struct world *w, usec_t d)
{
	usec_t end = w->now + d;

	while (timers_next(&w->timers) <= end) {
		w->now = timers_next(&w->timers);
		timers_run(&w->timers, w->now);
	}
	w->now = end;
}

static unsigned int count(const struct world *w, enum what what)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < w->n; i++)
		n += w->log[i] == what;
	return n;
}

static void forget(struct world *w)
{
	w->n = 0;
}

static struct in6_addr addr(const char *s)
{
	struct in6_addr a;

	assert_int_equal(in6_parse(s, &a), 0);
	return a;
}

/* What router number `n` sends to this host. */
static struct nd_ra advertisement(unsigned int n, uint16_t lifetime_s)
{
	struct nd_ra ra = { .flags = RA_FLAG_HOME_AGENT, .router_lifetime_s = lifetime_s };
	struct in6_addr ha = addr("2001:db8:0:100::1"), prefix = addr("2001:db8:0:101::");

	ha.s6_addr[5] = prefix.s6_addr[5] = (uint8_t)n;
	ra.n_prefixes = 2;
	ra.prefixes[0] = (struct nd_prefix){ .prefix = prefix, .plen = 64, .flags = PIO_FLAG_AUTO,
					     .valid_s = 3600, .preferred_s = 3600 };
	ra.prefixes[1] = (struct nd_prefix){ .prefix = ha, .plen = 64, .flags = PIO_FLAG_ROUTER,
					     .valid_s = 3600, .preferred_s = 3600 };
	return ra;
}

static struct in6_addr linklocal(unsigned int n)
{
	struct in6_addr a = addr("fe80::");

	a.s6_addr[15] = (uint8_t)n;
	return a;
}

static void hear(struct world *w, unsigned int n, const struct nd_ra *ra)
{
	struct in6_addr from = linklocal(n);

	move_ra(&w->m, &from, mac, ra, w->now);
}

static void hear_router(struct world *w, unsigned int n, uint16_t lifetime_s)
{
	struct nd_ra ra = advertisement(n, lifetime_s);

	hear(w, n, &ra);
}

static void hear_beacon(struct world *w, unsigned int n)
{
	struct nd_ra ra = advertisement(n, 1800);

	ra.prefixes[0] = ra.prefixes[1];
	ra.n_prefixes = 1;
	hear(w, n, &ra);
}

static void attach(struct world *w)
{
	move_link(&w->m, true, w->now);
	hear_router(w, 1, 1800);
	assert_int_equal(w->m.state, MOVE_ATTACHED);
	forget(w);
}

static void neighbour(struct world *w, unsigned int n)
{
	struct nd_na na = { .flags = NA_FLAG_SOLICITED, .target = linklocal(n) };

	move_na(&w->m, &na, w->now);
}

/* --- reading an advertisement ------------------------------------------------- */

static void reads_what_matters(void **state)
{
	struct nd_ra ra = advertisement(1, 1800);
	struct in6_addr from = linklocal(1), ha = addr("2001:db8:1:100::1");
	struct in6_prefix p = { .addr = addr("2001:db8:1:101::"), .len = 64 };
	struct router r;

	(void)state;
	ra.mtu = 1500;
	router_from_ra(&r, &from, mac, &ra);
	assert_true(r.has_ha);
	assert_true(in6_eq(&r.ha, &ha));
	assert_true(r.per_host);
	assert_int_equal(r.n_prefixes, 1);
	assert_true(router_has_prefix(&r, &p));
	assert_int_equal(r.mtu, 1500);
	assert_memory_equal(r.mac, mac, 6);

	/* The option is believed rather than the frame. */
	ra.slla.present = true;
	memset(ra.slla.mac, 7, 6);
	router_from_ra(&r, &from, mac, &ra);
	assert_memory_equal(r.mac, ra.slla.mac, 6);
}

static void one_option_for_both_in_a_shared_prefix(void **state)
{
	struct nd_ra ra = advertisement(1, 1800);
	struct in6_prefix p = { .addr = addr("2001:db8:1:100::"), .len = 64 };
	struct in6_addr from = linklocal(1);
	struct router r;

	(void)state;
	ra.prefixes[0] = ra.prefixes[1];
	ra.prefixes[0].flags = PIO_FLAG_ONLINK | PIO_FLAG_AUTO | PIO_FLAG_ROUTER;
	ra.n_prefixes = 1;
	router_from_ra(&r, &from, mac, &ra);
	assert_true(r.has_ha);
	assert_false(r.per_host);
	assert_true(router_has_prefix(&r, &p));
}

/* A router whose link is being renumbered, or has several prefixes. */
static void several_home_agent_addresses(void **state)
{
	struct in6_addr first = addr("2001:db8:2:200::1"), second = addr("2001:db8:1:100::1");
	struct in6_addr a = addr("2001:db8:1:105::5"), b = addr("2001:db8:2:205::5");
	struct in6_addr elsewhere = addr("2001:db8:3:300::1"), from = linklocal(1);
	struct nd_ra ra = advertisement(1, 1800);
	struct router r;

	(void)state;
	ra.n_prefixes = 8;
	for (unsigned int i = 0; i < 8; i++) {
		ra.prefixes[i] = ra.prefixes[1];
		ra.prefixes[i].flags = PIO_FLAG_ROUTER;
		ra.prefixes[i].prefix = i == 0 ? first : i == 1 ? second : elsewhere;
	}
	router_from_ra(&r, &from, mac, &ra);	/* those beyond are left out */
	assert_true(in6_eq(&r.ha, &first));
	assert_true(router_has_ha(&r, &first));
	assert_true(router_has_ha(&r, &second));
	assert_true(in6_eq(router_ha_of(&r, &a), &second));
	assert_true(in6_eq(router_ha_of(&r, &b), &first));
	ra.n_prefixes = 2;
	router_from_ra(&r, &from, mac, &ra);
	assert_false(router_has_ha(&r, &elsewhere));
	ra.flags = 0;
	router_from_ra(&r, &from, mac, &ra);
	assert_false(router_has_ha(&r, &first));
	assert_false(router_has_ha(&r, &in6addr_any));
}

static void without_the_h_flag_no_home_agent(void **state)
{
	struct nd_ra ra = advertisement(1, 1800);
	struct in6_addr from = linklocal(1);
	struct router r;

	(void)state;
	ra.flags = 0;
	router_from_ra(&r, &from, mac, &ra);
	assert_false(r.has_ha);
	assert_false(r.per_host);
	assert_int_equal(r.n_prefixes, 1);
}

/* RFC 4862 5.5.3; and an address that cannot be a home agent's. */
static void prefixes_that_form_no_address(void **state)
{
	struct nd_ra ra = advertisement(1, 1800);
	struct in6_addr from = linklocal(1);
	struct nd_prefix good = ra.prefixes[0];
	struct router r;

	(void)state;
	for (unsigned int n = 0; n < 6; n++) {
		ra.prefixes[0] = good;
		switch (n) {
		case 0: ra.prefixes[0].flags = 0; break;
		case 1: ra.prefixes[0].plen = 56; break;
		case 2: ra.prefixes[0].valid_s = 0; break;
		case 3: ra.prefixes[0].preferred_s = good.valid_s + 1; break;
		case 4: ra.prefixes[0].prefix = addr("fe80::"); break;
		case 5: ra.prefixes[0].prefix = addr("ff05::"); break;
		}
		router_from_ra(&r, &from, mac, &ra);
		assert_int_equal(r.n_prefixes, 0);
		assert_false(r.per_host);
	}
	ra.prefixes[1].prefix = addr("::1");
	router_from_ra(&r, &from, mac, &ra);
	assert_false(r.has_ha);
}

/* An address in it comes from DHCPv6, or from people; those that hosts form are first. */
static void prefixes_that_are_on_link_only(void **state)
{
	struct nd_ra ra = advertisement(1, 1800);
	struct in6_addr from = linklocal(1);
	struct router r;

	(void)state;
	ra.prefixes[ra.n_prefixes] = ra.prefixes[0];
	ra.prefixes[ra.n_prefixes].prefix = addr("2001:db8:77::");
	ra.prefixes[0].flags = PIO_FLAG_ONLINK;
	router_from_ra(&r, &from, mac, &ra);
	assert_int_equal(r.n_prefixes, 1);
	assert_int_equal(r.prefixes[0].flags, PIO_FLAG_ONLINK);
	assert_false(r.per_host);
	ra.n_prefixes++;
	router_from_ra(&r, &from, mac, &ra);
	assert_int_equal(r.n_prefixes, 2);
	assert_int_equal(r.prefixes[0].flags, PIO_FLAG_AUTO);
	assert_int_equal(r.prefixes[1].flags, PIO_FLAG_ONLINK);
	assert_true(r.per_host);
}

static void many_prefixes_are_bounded(void **state)
{
	struct nd_ra ra = advertisement(1, 1800);
	struct in6_addr from = linklocal(1);
	struct router r;

	(void)state;
	for (unsigned int n = 0; n < ND_MAX_PREFIXES; n++) {
		ra.prefixes[n] = ra.prefixes[0];
		ra.prefixes[n].prefix.s6_addr[7] = (uint8_t)n;
	}
	ra.n_prefixes = ND_MAX_PREFIXES;
	router_from_ra(&r, &from, mac, &ra);
	assert_int_equal(r.n_prefixes, MOVE_PREFIXES_MAX);
}

/* --- a link comes up ----------------------------------------------------------- */

static void solicits_at_once(void **state)
{
	struct world *w = *state;

	move_link(&w->m, true, w->now);
	assert_int_equal(w->n, 1);
	assert_int_equal(w->log[0], SOLICIT);
	move_link(&w->m, true, w->now);		/* up is up */
	assert_int_equal(w->n, 1);
}

static void solicits_again_and_slower(void **state)
{
	struct world *w = *state;
	usec_t gap, last = 0;

	move_link(&w->m, true, w->now);
	after(w, 600 * S);
	assert_in_range(w->n, 12, 24);
	assert_int_equal(w->at[1] - w->at[0], 100 * MS);
	assert_int_equal(w->at[2] - w->at[1], 200 * MS);
	for (unsigned int n = 1; n < w->n; n++) {
		gap = w->at[n] - w->at[n - 1];
		assert_true(gap >= last && gap <= 60 * S);
		last = gap;
	}
	assert_int_equal(last, 60 * S);
}

static void first_router_with_a_prefix_wins(void **state)
{
	struct world *w = *state;

	move_link(&w->m, true, w->now);
	hear_router(w, 1, 1800);
	hear_router(w, 2, 1800);
	assert_int_equal(count(w, ATTACHED), 1);
	assert_int_equal(w->m.router.linklocal.s6_addr[15], 1);
	forget(w);
	after(w, 50 * MS);
	assert_int_equal(count(w, SOLICIT), 0);
}

static void a_beacon_alone_is_not_an_attachment(void **state)
{
	struct world *w = *state;

	move_link(&w->m, true, w->now);
	hear_beacon(w, 1);
	assert_int_equal(w->m.state, MOVE_SOLICITING);
	assert_int_equal(count(w, ATTACHED), 0);
	assert_int_equal(count(w, SOLICIT), 2);		/* asked again, for it is there */
	for (unsigned int n = 0; n < 50; n++) {		/* but not as often as it is heard */
		hear_beacon(w, 1);
		after(w, 100 * MS);
	}
	assert_true(count(w, SOLICIT) < 20);
}

static void a_router_that_is_none_does_not_attach(void **state)
{
	struct world *w = *state;

	move_link(&w->m, true, w->now);
	hear_router(w, 1, 0);
	assert_int_equal(w->m.state, MOVE_SOLICITING);
	assert_int_equal(count(w, ATTACHED), 0);
}

static void nothing_is_heard_on_a_link_that_is_down(void **state)
{
	struct world *w = *state;

	hear_router(w, 1, 1800);
	neighbour(w, 1);
	after(w, 100 * S);
	assert_int_equal(w->n, 0);
	assert_int_equal(w->m.state, MOVE_DOWN);
}

/* --- flaps and moves -------------------------------------------------------------- */

static void same_router_after_a_flap_is_no_move(void **state)
{
	struct world *w = *state;

	attach(w);
	move_link(&w->m, false, w->now);
	assert_int_equal(count(w, LOST), 1);
	after(w, 3 * S);
	move_link(&w->m, true, w->now);
	hear_router(w, 1, 1800);
	assert_int_equal(count(w, ATTACHED), 0);
	assert_int_equal(count(w, CONFIRMED), 1);
}

static void other_router_after_a_flap_is_a_move(void **state)
{
	struct world *w = *state;

	attach(w);
	move_link(&w->m, false, w->now);
	move_link(&w->m, true, w->now);
	hear_router(w, 2, 1800);
	assert_int_equal(count(w, ATTACHED), 1);
	assert_int_equal(w->m.router.linklocal.s6_addr[15], 2);
	assert_int_equal(count(w, PROBE), 0);
}

/* The same link-local address says little (fe80::1 is a favourite): the home agent tells. */
static void same_linklocal_of_another_home_agent_is_a_move(void **state)
{
	struct nd_ra ra = advertisement(2, 1800);
	struct world *w = *state;

	attach(w);
	move_link(&w->m, false, w->now);
	move_link(&w->m, true, w->now);
	hear(w, 1, &ra);
	assert_int_equal(count(w, ATTACHED), 1);
}

/* Without a sign of the link: there is no use in asking the one that was left. */
static void same_linklocal_of_another_home_agent_unseen(void **state)
{
	struct nd_ra ra = advertisement(2, 1800);
	struct world *w = *state;

	attach(w);
	hear(w, 1, &ra);
	assert_int_equal(count(w, ATTACHED), 1);
	assert_int_equal(count(w, PROBE), 0);
	ra = advertisement(3, 1800);
	ra.prefixes[0] = ra.prefixes[1];	/* its address alone: it is asked for more */
	ra.n_prefixes = 1;
	hear(w, 1, &ra);
	assert_int_equal(count(w, LOST), 1);
	assert_int_equal(w->m.state, MOVE_SOLICITING);
}

static void other_prefix_of_the_same_router_is_a_move(void **state)
{
	struct nd_ra ra = advertisement(1, 1800);
	struct world *w = *state;

	attach(w);
	ra.prefixes[0].prefix = addr("2001:db8:1:1ff::");
	hear(w, 1, &ra);
	assert_int_equal(count(w, ATTACHED), 1);
	hear(w, 1, &ra);
	assert_int_equal(count(w, ATTACHED), 1);
}

static void down_while_soliciting_stops(void **state)
{
	struct world *w = *state;

	move_link(&w->m, true, w->now);
	move_link(&w->m, false, w->now);
	forget(w);
	after(w, 100 * S);
	assert_int_equal(w->n, 0);
}

/* --- another router without a link event --------------------------------------- */

static void another_router_is_no_reason_to_move_yet(void **state)
{
	struct world *w = *state;

	attach(w);
	hear_router(w, 2, 1800);
	assert_int_equal(w->m.state, MOVE_PROBING);
	assert_int_equal(count(w, PROBE), 1);
	assert_int_equal(count(w, ATTACHED), 0);
	neighbour(w, 1);
	assert_int_equal(w->m.state, MOVE_ATTACHED);
	forget(w);
	for (unsigned int n = 0; n < 20; n++) {		/* it is left alone for a while */
		after(w, 1 * S);
		hear_router(w, 2, 1800);
	}
	assert_int_equal(w->n, 0);
	assert_int_equal(w->m.router.linklocal.s6_addr[15], 1);
}

static void somebody_else_s_answer_does_not_count(void **state)
{
	struct world *w = *state;

	attach(w);
	hear_router(w, 2, 1800);
	neighbour(w, 2);
	assert_int_equal(w->m.state, MOVE_PROBING);
}

static void ours_heard_again_ends_the_probe(void **state)
{
	struct world *w = *state;

	attach(w);
	hear_router(w, 2, 1800);
	hear_beacon(w, 1);
	assert_int_equal(w->m.state, MOVE_ATTACHED);
	after(w, 5 * S);
	assert_int_equal(count(w, ATTACHED), 0);
}

static void silence_moves(void **state)
{
	struct world *w = *state;
	usec_t began;

	attach(w);
	began = w->now;
	hear_router(w, 2, 1800);
	after(w, 1 * S);
	assert_int_equal(count(w, PROBE), 3);
	assert_int_equal(count(w, ATTACHED), 1);
	assert_true(w->at[w->n - 1] - began < 500 * MS);
	assert_int_equal(w->m.router.linklocal.s6_addr[15], 2);
}

static void silence_with_only_a_beacon_solicits(void **state)
{
	struct world *w = *state;

	attach(w);
	hear_beacon(w, 2);
	after(w, 350 * MS);
	assert_int_equal(count(w, LOST), 1);
	assert_int_equal(w->m.state, MOVE_SOLICITING);
	hear_router(w, 2, 1800);
	assert_int_equal(count(w, ATTACHED), 1);
}

/* While the link-local address is tentative no NS can leave: the question is asked by RS. */
static void probe_without_a_source_solicits(void **state)
{
	struct world *w = *state;

	attach(w);
	w->probe_error = -EAGAIN;
	hear_router(w, 2, 1800);
	assert_int_equal(count(w, SOLICIT), 1);
	hear_router(w, 1, 1800);
	assert_int_equal(w->m.state, MOVE_ATTACHED);
	assert_int_equal(count(w, ATTACHED), 0);
}

/* --- the router goes ------------------------------------------------------------- */

static void lifetime_zero_of_our_router(void **state)
{
	struct world *w = *state;

	attach(w);
	hear_router(w, 1, 0);
	assert_int_equal(count(w, LOST), 1);
	assert_int_equal(count(w, SOLICIT), 1);
	hear_router(w, 2, 1800);
	assert_int_equal(count(w, ATTACHED), 1);
}

static void lifetime_zero_of_another_router(void **state)
{
	struct world *w = *state;

	attach(w);
	hear_router(w, 2, 0);
	assert_int_equal(w->n, 0);
	assert_int_equal(w->m.state, MOVE_ATTACHED);
}

static void lifetime_runs_out(void **state)
{
	struct world *w = *state;

	attach(w);
	after(w, 1799 * S);
	assert_int_equal(w->n, 0);
	after(w, 2 * S);
	assert_int_equal(count(w, LOST), 1);
	assert_int_equal(w->m.state, MOVE_SOLICITING);
}

static void a_beacon_renews_the_lifetime(void **state)
{
	struct world *w = *state;

	attach(w);
	for (unsigned int n = 0; n < 10; n++) {
		after(w, 1000 * S);
		hear_beacon(w, 1);
	}
	assert_int_equal(count(w, LOST), 0);
	assert_int_equal(w->m.router.n_prefixes, 1);	/* our prefix is not forgotten */
}

/* At the start of the daemon the one that our addresses are from is waited for, a moment. */
static void the_one_we_know_wins_at_the_start(void **state)
{
	struct world *w = *state;

	w->familiar = 2;
	move_link(&w->m, true, w->now);
	hear_router(w, 1, 1800);
	assert_int_equal(count(w, ATTACHED), 0);
	after(w, 300 * MS);
	hear_router(w, 2, 1800);
	assert_int_equal(count(w, ATTACHED), 1);
	assert_int_equal(w->m.router.linklocal.s6_addr[15], 2);
	/* Later whoever answers first is the one. */
	move_link(&w->m, false, w->now);
	move_link(&w->m, true, w->now);
	hear_router(w, 1, 1800);
	assert_int_equal(count(w, ATTACHED), 2);
}

static void a_stranger_will_do(void **state)
{
	struct world *w = *state;

	w->familiar = 2;
	move_link(&w->m, true, w->now);
	hear_router(w, 1, 1800);
	after(w, 1 * S);
	assert_int_equal(count(w, ATTACHED), 1);
	assert_int_equal(w->m.state, MOVE_ATTACHED);
	assert_true(w->at[w->n - 1] <= 101 * S);
}

/* The router itself was away for long, and solicitations have become rare. */
static void a_stranger_that_comes_late(void **state)
{
	struct world *w = *state;

	w->familiar = 2;
	move_link(&w->m, true, w->now);
	after(w, 60 * S);
	hear_router(w, 1, 1800);
	assert_int_equal(count(w, ATTACHED), 0);	/* the other one has its moment */
	after(w, 1 * S);
	assert_int_equal(count(w, ATTACHED), 1);
}

static void states_have_names(void **state)
{
	(void)state;
	for (unsigned int s = 0; s < MOVE_STATE_MAX; s++)
		assert_non_null(move_state_name((enum move_state)s));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(reads_what_matters), T(one_option_for_both_in_a_shared_prefix),
		T(several_home_agent_addresses),
		T(without_the_h_flag_no_home_agent), T(prefixes_that_form_no_address),
		T(prefixes_that_are_on_link_only),
		T(many_prefixes_are_bounded), T(solicits_at_once), T(solicits_again_and_slower),
		T(first_router_with_a_prefix_wins), T(a_beacon_alone_is_not_an_attachment),
		T(a_router_that_is_none_does_not_attach),
		T(nothing_is_heard_on_a_link_that_is_down),
		T(same_router_after_a_flap_is_no_move), T(other_router_after_a_flap_is_a_move),
		T(same_linklocal_of_another_home_agent_is_a_move),
		T(same_linklocal_of_another_home_agent_unseen),
		T(other_prefix_of_the_same_router_is_a_move), T(down_while_soliciting_stops),
		T(another_router_is_no_reason_to_move_yet),
		T(somebody_else_s_answer_does_not_count), T(ours_heard_again_ends_the_probe),
		T(silence_moves), T(silence_with_only_a_beacon_solicits),
		T(probe_without_a_source_solicits), T(lifetime_zero_of_our_router),
		T(lifetime_zero_of_another_router), T(lifetime_runs_out),
		T(a_beacon_renews_the_lifetime), T(the_one_we_know_wins_at_the_start),
		T(a_stranger_will_do), T(a_stranger_that_comes_late),
		T(states_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
