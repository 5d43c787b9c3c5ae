/* SPDX-License-Identifier: BSD-2-Clause */
/* links: mn-agent/mn.c mn-agent/receive.c mn-agent/flows.c mn-agent/attach.c mn-agent/coa.c mn-agent/handover.c
 * mn-agent/anchor.c mn-agent/movement.c mn-agent/solicit.c mn-agent/discover.c
 * mn-agent/bu.c common/wire/buf.c common/wire/cksum.c common/wire/ext.c common/wire/icmp6.c common/wire/mh.c
 * common/wire/mhopt.c common/core/in6.c common/core/auth.c common/core/backoff.c
 * common/core/timer.c common/core/log.c (-lcrypto) */
/*
 * Which addresses are in use: what kind of socket holds its address, how often the kernel is
 * asked, and for which addresses.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/core/log.h"
#include "mn-agent/flows.h"

#define MS	USEC_MS
#define S	USEC_S
#define SOCKETS	256

struct world {
	struct timers timers;
	usec_t now;
	struct mn_config cfg;
	struct mn mn;
	struct mn_flow sockets[SOCKETS];
	unsigned int n_sockets;
	int error;			/* what the kernel answers */
	unsigned int asked;		/* how often it was asked, */
	unsigned int n_locals;		/* for how many addresses at last, */
	unsigned int told;		/* and how many sockets it told then */
	bool watching;
	struct in6_addr sender;		/* has sent something, */
	usec_t sent_at;			/* then; 0: never */
	int sent_error;
};

static struct world the_world;

static int op_flows(void *ctx, const struct in6_addr *locals, unsigned int n_locals,
		    bool (*fn)(void *arg, const struct mn_flow *f), void *arg)
{
	struct world *w = ctx;

	w->asked++;
	w->n_locals = n_locals;
	w->told = 0;
	for (unsigned int n = 0; n < w->n_sockets && w->error == 0; n++)
		for (unsigned int k = 0; k < n_locals; k++) {
			if (!in6_eq(&locals[k], &w->sockets[n].local))
				continue;
			w->told++;
			if (!fn(arg, &w->sockets[n]))
				return 0;
		}
	return w->error;
}

static int op_sent(void *ctx, void (*fn)(void *arg, const struct in6_addr *from, usec_t ago),
		   void *arg)
{
	struct world *w = ctx;

	if (w->sent_at != 0 && w->sent_error == 0)
		fn(arg, &w->sender, w->now - w->sent_at);
	return w->sent_error;
}

static uint64_t op_traffic(void *ctx, const struct in6_addr *hoa)
{
	(void)ctx;
	(void)hoa;
	return 0;
}

static void op_watch_flows(void *ctx, bool on)
{
	((struct world *)ctx)->watching = on;
}

static void op_event(void *ctx, const char *name, const struct mn_iface *i,
		     const struct anchor *a, const char *detail, usec_t now)
{
	(void)ctx, (void)name, (void)i, (void)a, (void)detail, (void)now;
}

static void op_changed(void *ctx)
{
	(void)ctx;
}

static void op_random(void *ctx, void *dst, size_t n)
{
	(void)ctx;
	memset(dst, 0, n);
}

static int op_addr_set(void *ctx, const struct in6_addr *addr, bool preferred)
{
	(void)ctx, (void)addr, (void)preferred;
	return 0;
}

static void op_addr_unset(void *ctx, const struct in6_addr *addr)
{
	(void)ctx, (void)addr;
}

static const struct mn_ops ops = {
	.flows = op_flows, .sent = op_sent, .traffic = op_traffic,
	.watch_flows = op_watch_flows, .event = op_event,
	.changed = op_changed, .random = op_random, .addr_set = op_addr_set,
	.addr_unset = op_addr_unset,
};

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(in6_parse(text, &a), 0);
	return a;
}

static int setup(void **state)
{
	struct world *w = &the_world;

	memset(w, 0, sizeof(*w));
	timers_init(&w->timers);
	w->now = 100 * S;
	w->watching = true;
	w->cfg.max_anchors = 8;
	w->cfg.anchor.linger = 5 * S;
	mn_init(&w->mn, &w->cfg, &ops, w, &w->timers);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	mn_free(&w->mn, false);
	timers_free(&w->timers);
	return 0;
}

static struct anchor *anchor(struct world *w, const char *hoa)
{
	struct in6_addr a = addr(hoa), ha = addr("2001:db8:ff::1");
	struct in6_prefix p = { .addr = a, .len = 64 };
	struct anchor *new;

	in6_mask(&p.addr, 64);
	new = mn_new_anchor(&w->mn, &p, &a, &ha);
	assert_non_null(new);
	return new;
}

/* One that is kept for its flows. */
static struct anchor *away(struct world *w, const char *hoa)
{
	struct anchor *a = anchor(w, hoa);

	a->state = ANCHOR_BOUND;
	return a;
}

static struct mn_flow *open_socket(struct world *w, uint8_t protocol, const char *local,
				   uint16_t port, const char *remote, uint16_t remote_port)
{
	struct mn_flow *f = &w->sockets[w->n_sockets++];

	assert_true(w->n_sockets <= SOCKETS);
	*f = (struct mn_flow){
		.local = addr(local), .remote = addr(remote), .local_port = port,
		.remote_port = remote_port, .protocol = protocol,
		.state = strcmp(remote, "::") == 0 ? FLOW_CLOSE : FLOW_ESTABLISHED, .owned = true,
	};
	return f;
}

static void connection(struct world *w, const char *local)
{
	open_socket(w, FLOW_TCP, local, 40000, "2001:db8:c::1", 22);
}

static void advance(struct world *w, usec_t by)
{
	usec_t end = w->now + by, next;

	while ((next = timers_next(&w->timers)) <= end) {
		w->now = next > w->now ? next : w->now;
		timers_run(&w->timers, w->now);
	}
	w->now = end;
}

/* How many flows an address has with the one socket that is described. */
static unsigned int holds(struct world *w, uint8_t protocol, uint8_t state, bool owned,
			  const char *remote, uint16_t remote_port)
{
	struct mn_flow *f;
	const char *why = NULL;
	bool held;

	w->n_sockets = 0;
	f = open_socket(w, protocol, "2001:db8:1::a", 4000, remote, remote_port);
	f->state = state;
	f->owned = owned;
	mn_count_flows(&w->mn, w->now);
	held = mn_flow_holds(&w->mn, f, &why);
	assert_int_equal(held, w->mn.anchors->flows);
	assert_true(why && why[0]);
	/* What is counted is among what the kernel is asked for. */
	if (held && protocol == FLOW_TCP)
		assert_true(mn_tcp_states_that_hold() & 1u << state);
	return w->mn.anchors->flows;
}

static void what_tcp_holds(void **state)
{
	static const struct { uint8_t state; bool owned; unsigned int holds; } table[] = {
		{ FLOW_ESTABLISHED, true, 1 }, { FLOW_SYN_SENT, true, 1 },
		{ FLOW_SYN_RECV, false, 0 }, { FLOW_NEW_SYN_RECV, false, 0 },
		{ FLOW_FIN_WAIT1, true, 1 }, { FLOW_FIN_WAIT1, false, 1 },
		{ FLOW_FIN_WAIT2, true, 1 }, { FLOW_FIN_WAIT2, false, 0 },
		{ FLOW_CLOSING, false, 1 }, { FLOW_LAST_ACK, false, 1 },
		{ FLOW_CLOSE_WAIT, true, 1 }, { FLOW_TIME_WAIT, false, 0 },
		{ FLOW_CLOSE, true, 0 }, { 0, true, 0 }, { FLOW_STATE_MAX, true, 0 },
		{ 255, true, 0 },
	};

	anchor(*state, "2001:db8:1::a");
	for (size_t n = 0; n < sizeof(table) / sizeof(table[0]); n++)
		assert_int_equal(holds(*state, FLOW_TCP, table[n].state, table[n].owned,
				       "2001:db8:c::1", 443), table[n].holds);
	assert_int_equal(holds(*state, FLOW_TCP, FLOW_LISTEN, true, "::", 0), 1);
	assert_false(mn_tcp_states_that_hold() & 1u << FLOW_TIME_WAIT);
}

static void what_others_hold(void **state)
{
	enum { ICMP6 = 58, SCTP = 132, UDPLITE = 136, OSPF = 89 };

	anchor(*state, "2001:db8:1::a");
	assert_int_equal(holds(*state, FLOW_UDP, FLOW_ESTABLISHED, true, "2001:db8:c::1", 443), 1);
	assert_int_equal(holds(*state, FLOW_UDP, FLOW_CLOSE, true, "::", 0), 1);
	assert_int_equal(holds(*state, FLOW_UDP, FLOW_ESTABLISHED, true, "2001:db8:c::1", 53), 0);
	assert_int_equal(holds(*state, FLOW_UDP, FLOW_ESTABLISHED, true, "2001:db8:c::1", 123), 0);
	assert_int_equal(holds(*state, UDPLITE, FLOW_ESTABLISHED, true, "2001:db8:c::1", 53), 1);
	assert_int_equal(holds(*state, ICMP6, FLOW_CLOSE, true, "::", 0), 1);
	assert_int_equal(holds(*state, OSPF, FLOW_CLOSE, true, "::", 0), 1);
	assert_int_equal(holds(*state, SCTP, 3, true, "2001:db8:c::1", 5000), 1);
	assert_int_equal(holds(*state, FLOW_DCCP, FLOW_TIME_WAIT, false, "2001:db8:c::1", 5), 0);
}

/* ntpd and named bind to each address of the host; to move with it they need no help. */
static void who_is_on_all_addresses_holds_none(void **state)
{
	struct world *w = *state;
	struct anchor *one = anchor(w, "2001:db8:1::a"), *two = anchor(w, "2001:db8:2::a");
	const struct mn_flow *ntp = open_socket(w, FLOW_UDP, "2001:db8:1::a", 123, "::", 0);
	const struct mn_flow *game, *dns, *ssh;
	const char *why;

	open_socket(w, FLOW_UDP, "::1", 123, "::", 0);
	dns = open_socket(w, FLOW_UDP, "2001:db8:2::a", 53, "::", 0);
	open_socket(w, FLOW_UDP, "2001:db8:1::a", 53, "::", 0);
	game = open_socket(w, FLOW_UDP, "2001:db8:2::a", 3074, "::", 0);
	ssh = open_socket(w, FLOW_TCP, "2001:db8:2::a", 22, "::", 0);
	w->sockets[w->n_sockets - 1].state = FLOW_LISTEN;
	/* Another protocol is another server; a second socket at the same place is the same. */
	open_socket(w, FLOW_UDP, "2001:db8:1::a", 22, "::", 0);
	open_socket(w, FLOW_TCP, "2001:db8:2::a", 22, "::", 0)->state = FLOW_LISTEN;
	mn_count_flows(&w->mn, w->now);
	assert_int_equal(one->flows, 1);
	assert_int_equal(two->flows, 2);
	assert_false(mn_flow_holds(&w->mn, ntp, &why));
	assert_false(mn_flow_holds(&w->mn, dns, &why));
	assert_true(mn_flow_holds(&w->mn, game, &why));
	assert_true(mn_flow_holds(&w->mn, ssh, &why));
}

static void servers_without_end_hold(void **state)
{
	struct world *w = *state;
	struct anchor *a = anchor(w, "2001:db8:1::a");

	for (uint16_t n = 0; n < 200; n++)
		open_socket(w, FLOW_UDP, "2001:db8:1::a", (uint16_t)(5000 + n), "::", 0);
	mn_count_flows(&w->mn, w->now);
	assert_int_equal(a->flows, 200);
}

/* Of ten thousand connections one is enough to know that the address is in use. */
static void a_move_asks_for_no_more_than_it_needs(void **state)
{
	struct world *w = *state;
	struct anchor *busy = anchor(w, "2001:db8:1::a"), *idle = anchor(w, "2001:db8:2::a");

	w->mn.watching = false;		/* long at home, nothing was counted */
	for (unsigned int n = 0; n < 100; n++)
		connection(w, "2001:db8:1::a");
	connection(w, "2001:db8:2::a");
	flows_at_move(&w->mn, w->now);
	assert_true(w->mn.watching && w->watching);
	assert_true(busy->unsure && idle->unsure);
	assert_int_equal(w->asked, 0);
	assert_true(flows_resolve(&w->mn, w->now));
	assert_false(busy->unsure || idle->unsure);
	assert_true(busy->flows > 0 && idle->flows == 1);
	assert_int_equal(w->n_locals, 3);

	/* It is known to be in use, and what ends is told: nobody has to ask again. */
	idle->flows = 0;
	w->n_sockets--;
	flows_at_move(&w->mn, w->now);
	assert_true(flows_resolve(&w->mn, w->now));
	assert_int_equal(w->n_locals, 2);
	assert_int_equal(w->told, 0);
	connection(w, "2001:db8:2::a");
	connection(w, "2001:db8:2::a");
	flows_at_move(&w->mn, w->now);
	assert_true(flows_resolve(&w->mn, w->now));
	assert_int_equal(w->told, 1);
	assert_true(idle->flows > 0);
	w->asked = 0;
	flows_at_move(&w->mn, w->now);
	assert_false(flows_resolve(&w->mn, w->now));
	assert_int_equal(w->asked, 0);

	/* For people all of them are counted. */
	mn_count_flows(&w->mn, w->now);
	assert_int_equal(busy->flows, 100);
	assert_int_equal(idle->flows, 2);
}

/* What is in use is registered before the kernel is asked about what may be. */
static void what_is_known_goes_first(void **state)
{
	struct world *w = *state;
	struct anchor *known = away(w, "2001:db8:1::a"), *left = anchor(w, "2001:db8:2::a");

	connection(w, "2001:db8:1::a");
	mn_count_flows(&w->mn, w->now);
	w->asked = 0;
	flows_at_move(&w->mn, w->now);
	anchor_event(left, ANCHOR_EV_DEPART, w->now);
	assert_int_equal(left->state, ANCHOR_DEPARTED);
	assert_false(left->held);
	flows_resolve_alone(&w->mn, w->now);
	assert_int_equal(w->asked, 0);
	assert_true(left->unsure && !known->unsure);
	assert_true(flows_resolve(&w->mn, w->now));
	assert_int_equal(left->state, ANCHOR_GONE);

	left = anchor(w, "2001:db8:3::a");
	connection(w, "2001:db8:3::a");
	flows_at_move(&w->mn, w->now);
	anchor_event(left, ANCHOR_EV_DEPART, w->now);
	advance(w, 20 * MS);
	assert_false(left->unsure);
	assert_true(left->held);
	assert_int_equal(left->state, ANCHOR_DEPARTED);
}

/* Who has the fewest flows goes: for that they have to be counted. */
static void who_compares_gets_all(void **state)
{
	struct world *w = *state;
	struct anchor *a = anchor(w, "2001:db8:1::a"), *b = anchor(w, "2001:db8:2::a");

	for (unsigned int n = 0; n < 100; n++)
		connection(w, "2001:db8:1::a");
	connection(w, "2001:db8:2::a");
	flows_at_move(&w->mn, w->now);
	(void)flows_resolve(&w->mn, w->now);
	assert_true(flows_make_exact(&w->mn, w->now));
	assert_int_equal(a->flows, 100);
	assert_int_equal(b->flows, 1);
	assert_false(flows_make_exact(&w->mn, w->now));
}

static void not_to_know_lets_nothing_die(void **state)
{
	struct world *w = *state;
	struct anchor *a = away(w, "2001:db8:1::a");

	connection(w, "2001:db8:1::a");
	mn_count_flows(&w->mn, w->now);
	assert_int_equal(a->flows, 1);
	w->error = -ENOBUFS;
	mn_flow_ended(&w->mn, &a->hoa, w->now);
	advance(w, 60 * S);
	assert_int_equal(a->flows, 1);
	assert_int_equal(a->state, ANCHOR_BOUND);
}

/* A browser closes a hundred connections at once. */
static void many_that_end_are_counted_once(void **state)
{
	struct world *w = *state;
	struct anchor *a = away(w, "2001:db8:1::a");

	connection(w, "2001:db8:1::a");
	mn_count_flows(&w->mn, w->now);
	w->asked = 0;
	for (unsigned int n = 0; n < 100; n++) {
		mn_flow_ended(&w->mn, &a->hoa, w->now);
		advance(w, 1 * MS);
	}
	assert_in_range(w->asked, 1, 2);
	assert_int_equal(a->flows, 1);
}

static void lost_notifications_lead_to_a_count(void **state)
{
	struct world *w = *state;
	struct anchor *a = away(w, "2001:db8:1::a");

	connection(w, "2001:db8:1::a");
	mn_count_flows(&w->mn, w->now);
	w->n_sockets = 0;
	mn_flows_changed(&w->mn, w->now);
	advance(w, 200 * MS);
	assert_int_equal(a->flows, 0);
	assert_true(timer_armed(&a->linger));
}

/* Nor do they come at all: the slow count finds it. */
static void no_notification_leads_to_a_late_count(void **state)
{
	struct world *w = *state;
	struct anchor *a = away(w, "2001:db8:1::a");

	connection(w, "2001:db8:1::a");
	advance(w, 1 * MS);
	assert_int_equal(a->flows, 1);
	w->n_sockets = 0;
	advance(w, 10 * S);
	assert_int_equal(a->flows, 0);
}

static void at_home_nobody_listens_to_sockets(void **state)
{
	struct world *w = *state;
	struct anchor *a = anchor(w, "2001:db8:1::a");

	advance(w, 1 * S);
	assert_false(w->watching);
	mn_count_flows(&w->mn, w->now);
	assert_true(w->watching);
	advance(w, 11 * S);
	assert_false(w->watching);
	a->state = ANCHOR_BOUND;
	connection(w, "2001:db8:1::a");
	advance(w, 11 * S);
	assert_true(w->watching);
}

static void sends(struct world *w, const char *from)
{
	w->sender = addr(from);
	w->sent_at = w->now;
}

/* A socket bound to no address: its packets show that the address is in use, until none has
 * come for the time of `linger`, and not for twice that time. */
static void packets_hold_for_the_time_of_linger(void **state)
{
	struct world *w = *state;
	struct anchor *a = away(w, "2001:db8:1::a");

	advance(w, 1 * S);
	sends(w, "2001:db8:1::a");
	advance(w, 2 * S);
	flows_ask(&w->mn, a, w->now);
	assert_int_equal(a->flows, 1);
	assert_true(a->traffic);
	for (unsigned int n = 0; n < 40; n++) {
		sends(w, "2001:db8:1::a");
		advance(w, 1 * S);
		assert_int_equal(a->flows, 1);
	}
	advance(w, 3900 * MS);
	assert_int_equal(a->flows, 1);
	a->state = ANCHOR_REFUSED;	/* to be forgotten without a word to anybody */
	advance(w, 200 * MS);
	assert_null(mn_find_anchor(&w->mn, &w->sender));
}

static void old_packets_hold_nothing(void **state)
{
	struct world *w = *state;
	struct anchor *a = anchor(w, "2001:db8:1::a");

	sends(w, "2001:db8:1::a");
	advance(w, 5 * S);
	flows_ask(&w->mn, a, w->now);
	assert_int_equal(a->flows, 0);
	w->cfg.anchor.linger = 0;
	sends(w, "2001:db8:1::a");
	flows_ask(&w->mn, a, w->now);
	assert_int_equal(a->flows, 0);
	w->cfg.anchor.linger = 5 * S;
	w->sent_error = -EOPNOTSUPP;
	flows_ask(&w->mn, a, w->now);
	assert_int_equal(a->flows, 0);
}

/* Who has a socket is not asked for packets; when that is closed linger begins then. */
static void a_socket_counts_before_packets(void **state)
{
	struct world *w = *state;
	struct anchor *a = away(w, "2001:db8:1::a");

	advance(w, 1 * MS);
	connection(w, "2001:db8:1::a");
	mn_count_flows(&w->mn, w->now);
	assert_false(a->traffic);
	advance(w, 20 * S);
	w->n_sockets = 0;
	mn_flow_ended(&w->mn, &a->hoa, w->now);
	advance(w, 4900 * MS);
	assert_int_equal(a->state, ANCHOR_BOUND);
	assert_true(timer_armed(&a->linger));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_tcp_holds), T(what_others_hold), T(who_is_on_all_addresses_holds_none),
		T(servers_without_end_hold), T(a_move_asks_for_no_more_than_it_needs),
		T(what_is_known_goes_first), T(who_compares_gets_all), T(not_to_know_lets_nothing_die),
		T(many_that_end_are_counted_once), T(lost_notifications_lead_to_a_count),
		T(no_notification_leads_to_a_late_count), T(at_home_nobody_listens_to_sockets),
		T(packets_hold_for_the_time_of_linger), T(old_packets_hold_nothing),
		T(a_socket_counts_before_packets),
	};

	log_init("test_flows", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
