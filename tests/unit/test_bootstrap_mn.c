/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys that home agents give: when the mobile node asks, and what it makes of the answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "mn-agent/bootstrap.h"
#include "tests/unit/mn_fake.h"

static struct mn_ops keyed;
static struct bootstrap_ask asks[32];
static unsigned int n_asks, n_stops;
static struct in6_addr stopped;		/* the last one */
static int ask_result;
static struct mn_flow socket_of_ours;	/* local unspecified: there is none */

static int op_key_ask(void *ctx, const struct bootstrap_ask *ask)
{
	(void)ctx;
	assert_true(n_asks < 32);
	asks[n_asks++] = *ask;
	return ask_result;
}

static void op_key_stop(void *ctx, const struct in6_addr *ha)
{
	(void)ctx;
	stopped = *ha;
	n_stops++;
}

static int flows_with_ours(void *ctx, const struct in6_addr *locals, unsigned int n,
			   bool (*fn)(void *arg, const struct mn_flow *f), void *arg)
{
	if (!in6_is_any(&socket_of_ours.local) && !fn(arg, &socket_of_ours))
		return 0;
	return op_flows(ctx, locals, n, fn, arg);
}

static void no_static_key(struct world *w)
{
	auth_key_wipe(&w->cfg.keys[0].key);
	w->cfg.n_keys = 0;
}

static void only(struct world *w, enum boot_mode mode)
{
	w->cfg.key_modes = (struct boot_modes){ .n = 1, .mode = { mode } };
}

static int begin(void **state)
{
	struct world *w;

	if (setup(state))
		return -1;
	w = *state;
	no_static_key(w);
	keyed = ops;
	keyed.key_ask = op_key_ask;
	keyed.key_stop = op_key_stop;
	keyed.flows = flows_with_ours;
	w->mn.ops = &keyed;
	w->cfg.key_modes = (struct boot_modes){ .n = 3, .mode = { BOOT_CERTIFICATE, BOOT_PSK,
								  BOOT_ON_LINK } };
	n_asks = n_stops = 0;
	ask_result = 0;
	memset(&socket_of_ours, 0, sizeof(socket_of_ours));
	return 0;
}

#define K(f) cmocka_unit_test_setup_teardown(f, begin, teardown)

static const uint8_t secret[BOOT_KEY_LEN] = "a secret of thirty-two octets!!";

static struct boot_response response(unsigned int router, uint32_t spi, uint32_t lifetime_s)
{
	return (struct boot_response){
		.status = BOOT_OK, .mode = BOOT_ON_LINK, .spi = spi, .lifetime_s = lifetime_s,
		.hnp = prefix_of(router), .hnp_len = 64, .ha = ha_of(router),
	};
}

static void say(struct world *w, const struct in6_addr *hoa, const struct boot_response *r)
{
	struct in6_addr ha = ha_of(hoa->s6_addr[5]);

	bootstrap_answer(&w->mn, &ha, hoa, r, BOOT_ON_LINK, secret, w->now);
}

static void over(struct world *w, unsigned int router, enum bootstrap_result result)
{
	struct in6_addr ha = ha_of(router);

	bootstrap_over(&w->mn, &ha, result, NULL, w->now);
}

static void give(struct world *w, unsigned int router, uint32_t spi, uint32_t lifetime_s)
{
	struct boot_response r = response(router, spi, lifetime_s);
	struct in6_addr hoa = kernel_addr(router);

	say(w, &hoa, &r);
	over(w, router, BOOTSTRAP_DONE);
	after(w, 0);
}

static uint32_t spi_of(const struct world *w, unsigned int router)
{
	struct in6_addr hoa = kernel_addr(router);
	const struct anchor *a = mn_find_anchor(&w->mn, &hoa);

	return a && a->key ? a->key->spi : 0;
}

static const char *reason_of(const struct world *w, unsigned int router)
{
	struct in6_addr hoa = kernel_addr(router);

	return mn_find_anchor(&w->mn, &hoa)->reason;
}

static void assert_about(usec_t is, usec_t min, usec_t max)
{
	assert_in_range(is, min, max);
}

/* --- asking ----------------------------------------------------------------------- */

static void asked_when_attached(void **state)
{
	struct in6_addr hoa = kernel_addr(1), ha = ha_of(1);
	struct world *w = *state;

	attached(w);
	assert_int_equal(n_asks, 1);
	assert_int_equal(asks[0].ifindex, IF);
	assert_true(in6_eq(&asks[0].ha, &ha));
	assert_true(in6_eq(&asks[0].from, &hoa));
	assert_int_equal(asks[0].n, 1);
	after(w, 10 * S);
	assert_int_equal(n_asks, 1);		/* one session at a time */
	give(w, 1, 0x01000001, 3600);
	assert_int_equal(spi_of(w, 1), 0x01000001);
	assert_string_equal(w->event, "key.received");
	after(w, 100 * S);
	assert_int_equal(n_asks, 1);
	assert_int_equal(w->mn.counters[MN_C_KEY_RECEIVED], 1);
}

static void a_configured_key_goes_before(void **state)
{
	struct world *w = *state;

	w->cfg.n_keys = 1;
	assert_int_equal(auth_key_init(&w->cfg.keys[0].key, 256, AUTH_HMAC_SHA256_128,
				       "0123456789abcdef", 16), 0);
	attached(w);
	after(w, 100 * S);
	assert_int_equal(n_asks, 0);
	assert_int_equal(spi_of(w, 1), 256);
}

static void not_where_it_is_not_allowed(void **state)
{
	struct world *w = *state;
	struct in6_addr hoa = kernel_addr(1);

	w->cfg.key_modes.n = 0;
	attached(w);
	assert_int_equal(n_asks, 0);
	flow(w, &hoa);
	move_link_to(w, 2);
	assert_string_equal(reason_of(w, 1), "no key configured for this home agent");
}

/* A prefix of the host's own: one key for all addresses in it. */
static void one_for_a_prefix(void **state)
{
	struct in6_addr hoa = kernel_addr(1), second = hoa;
	struct world *w = *state;

	second.s6_addr[15] ^= 7;
	attached(w);
	address(w, &second, false);
	after(w, 1 * S);
	assert_int_equal(n_asks, 1);
	give(w, 1, 0x01000001, 3600);
	assert_true(mn_find_anchor(&w->mn, &second)->key ==
		    mn_find_anchor(&w->mn, &hoa)->key);
	assert_non_null(mn_find_anchor(&w->mn, &second)->key);
	after(w, 100 * S);
	assert_int_equal(n_asks, 1);
}

static void two_prefixes_in_one_session(void **state)
{
	struct nd_ra ra = advertisement(1, false);
	struct in6_addr ll = at(0, "fe80::ff:fe00:9"), a = kernel_addr(1), b = a, p = prefix_of(1);
	struct world *w = *state;
	struct boot_response r = response(1, 0x01000002, 3600);

	p.s6_addr[7] = 9;
	b.s6_addr[7] = 9;
	ra.prefixes[2] = ra.prefixes[1];
	ra.prefixes[1] = ra.prefixes[0];
	ra.prefixes[1].prefix = p;
	ra.n_prefixes = 3;
	link_is(w, true, true);
	address(w, &ll, false);
	hear(w, 1, &ra);
	address(w, &a, false);
	address(w, &b, false);
	after(w, 1 * S);
	assert_int_equal(n_asks, 1);
	assert_int_equal(asks[0].n, 2);
	say(w, &b, &r);				/* good for the first prefix only */
	assert_int_equal(w->mn.counters[MN_C_KEY_UNFIT], 1);
	assert_null(mn_find_anchor(&w->mn, &b)->key);
	say(w, &a, &r);
	over(w, 1, BOOTSTRAP_DONE);
	assert_int_equal(spi_of(w, 1), 0x01000002);
	after(w, 2000 * S);
	/* The one that failed is asked for again, alone. */
	assert_true(n_asks > 1);
	assert_int_equal(asks[1].n, 1);
	assert_true(in6_eq(&asks[1].hoas[0], &b));
}

/* Where others share the prefix an address can speak for itself only. */
static void shared_one_by_one(void **state)
{
	struct nd_ra ra = advertisement(1, true);
	struct in6_addr ll = at(0, "fe80::ff:fe00:9"), a = kernel_addr(1), b = a;
	struct world *w = *state;
	struct boot_response r = response(1, 0x01000002, 3600);

	b.s6_addr[15] ^= 7;
	link_is(w, true, true);
	address(w, &ll, false);
	hear(w, 1, &ra);
	address(w, &a, false);
	address(w, &b, false);
	after(w, 1 * S);
	assert_int_equal(n_asks, 1);
	assert_int_equal(asks[0].n, 1);
	assert_true(in6_eq(&asks[0].from, &asks[0].hoas[0]));
	r.hnp = asks[0].from;
	r.hnp_len = 128;
	say(w, &asks[0].from, &r);
	over(w, 1, BOOTSTRAP_DONE);
	after(w, 0);
	assert_int_equal(n_asks, 2);
	assert_false(in6_eq(&asks[0].from, &asks[1].from));
	assert_true(in6_eq(&asks[1].from, &asks[1].hoas[0]));
	assert_non_null(mn_find_anchor(&w->mn, &asks[0].from)->key);
	assert_null(mn_find_anchor(&w->mn, &asks[1].from)->key);
}

/* Not from an address that is still tentative. */
static void not_before_it_is_usable(void **state)
{
	struct in6_addr ll = at(0, "fe80::ff:fe00:9"), hoa = kernel_addr(1);
	struct mn_addr m = { .ifindex = IF, .addr = hoa, .plen = 64 };
	struct world *w = *state;

	link_is(w, true, true);
	address(w, &ll, false);
	hear_router(w, 1);
	mn_addr(&w->mn, &m, false, w->now);
	after(w, 1 * S);
	assert_int_equal(n_asks, 0);
	m.usable = true;
	mn_addr(&w->mn, &m, false, w->now);
	after(w, 0);
	assert_int_equal(n_asks, 1);
}

/* --- use -------------------------------------------------------------------------- */

static void moved_with_it(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	struct ip6_packet ip;
	struct mh_msg m;

	attached(w);
	give(w, 1, 0x01000001, 3600);
	flow(w, &hoa);
	forget(w);
	move_link_to(w, 2);
	assert_int_equal(count(w, SENT_BU), 1);
	assert_string_equal(state_of(w, &hoa), "registering");
	assert_before(w, SENT_BU, &hoa, TUNNEL_SET, &hoa);
	assert_int_equal(ip6_decode(w->sent, w->sent_len, &ip), IP6_OK);
	assert_int_equal(mh_decode(w->sent + ip.payload_off, ip.payload_len, ip6_cksum_src(&ip),
				   ip6_cksum_dst(&ip), &m, NULL), MH_OK);
	assert_int_equal(m.opts.mn_ha.spi, 0x01000001);
	assert_true(m.opts.has_mesg_id);	/* always with such a key */
	/* Away it is not asked for again, and the new place is. */
	assert_true(n_asks >= 1);
	for (unsigned int n = 1; n < n_asks; n++)
		assert_int_equal(asks[n].from.s6_addr[5], 2);
}

static void moved_before_it_came(void **state)
{
	struct boot_response r = response(1, 0x01000001, 3600);
	struct in6_addr hoa = kernel_addr(1), ha = ha_of(1);
	struct world *w = *state;

	attached(w);
	flow(w, &hoa);
	forget(w);
	move_link_to(w, 2);
	after(w, 0);
	assert_int_equal(n_stops, 1);		/* at once */
	assert_true(in6_eq(&stopped, &ha));
	assert_string_equal(state_of(w, &hoa), "refused");
	assert_string_equal(reason_of(w, 1), "no key: the home agent had not given one when its "
			    "link was left");
	assert_int_equal(count(w, SENT_BU), 0);
	/* What comes late is of a session that is over. */
	say(w, &hoa, &r);
	assert_int_equal(spi_of(w, 1), 0);
	assert_int_equal(w->mn.counters[MN_C_KEY_UNEXPECTED], 1);
	assert_int_equal(w->mn.counters[MN_C_KEY_LEFT], 1);
	/* Back there it is asked for again. */
	n_asks = 0;
	move_link_to(w, 1);
	after(w, 100 * MS);
	assert_int_equal(n_asks, 1);
	assert_true(in6_eq(&asks[0].from, &hoa));
	give(w, 1, 0x01000003, 3600);
	assert_int_equal(spi_of(w, 1), 0x01000003);
}

/* The link goes down and comes back: another session, and the first one was ended. */
static void link_bounced(void **state)
{
	struct world *w = *state;

	attached(w);
	link_is(w, false, true);
	after(w, 0);
	assert_int_equal(n_stops, 1);
	link_is(w, true, true);
	hear_router(w, 1);
	after(w, 100 * MS);
	assert_int_equal(n_asks, 2);
}

static void nobody_needs_it(void **state)
{
	struct world *w = *state;

	attached(w);
	give(w, 1, 0x01000001, 3600);
	assert_non_null(w->mn.sas);
	move_link_to(w, 2);			/* without a flow */
	after(w, 100 * MS);
	assert_null(w->mn.sas);
}

static void ended_while_away(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	attached(w);
	give(w, 1, 0x01000001, 100);
	flow(w, &hoa);
	move_link_to(w, 2);
	assert_string_equal(state_of(w, &hoa), "registering");
	after(w, 101 * S);
	assert_string_equal(state_of(w, &hoa), "refused");
	assert_non_null(strstr(reason_of(w, 1), "has ended"));
	assert_null(w->mn.sas);
	assert_int_equal(w->mn.counters[MN_C_KEY_EXPIRED], 1);
}

static void socket_is_no_flow(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	attached(w);
	socket_of_ours = (struct mn_flow){
		.local = hoa, .remote = ha_of(1), .local_port = 40000, .remote_port = BOOT_PORT,
		.protocol = FLOW_TCP, .state = FLOW_ESTABLISHED, .owned = true,
	};
	mn_count_flows(&w->mn, w->now);
	assert_int_equal(mn_find_anchor(&w->mn, &hoa)->flows, 0);
	socket_of_ours.remote_port = 443;
	mn_count_flows(&w->mn, w->now);
	assert_int_equal(mn_find_anchor(&w->mn, &hoa)->flows, 1);
}

/* --- renewal ---------------------------------------------------------------------- */

static void renewed_in_time(void **state)
{
	struct world *w = *state;
	usec_t since;

	attached(w);
	give(w, 1, 0x01000001, 1000);
	since = w->now;
	while (n_asks == 1 && w->now < since + 1000 * S)
		after(w, 1 * S);
	assert_about(w->now - since, 740 * S, 801 * S);
	assert_int_equal(spi_of(w, 1), 0x01000001);	/* goes on meanwhile */
	give(w, 1, 0x01000002, 1000);
	assert_int_equal(spi_of(w, 1), 0x01000002);
	assert_null(w->mn.sas->next);
	after(w, 100 * S);
	assert_int_equal(n_asks, 2);
}

static void renewal_that_fails(void **state)
{
	struct world *w = *state;
	usec_t since;

	attached(w);
	give(w, 1, 0x01000001, 1000);
	since = w->now;
	while (w->now < since + 990 * S) {
		unsigned int before = n_asks;

		after(w, 1 * S);
		if (n_asks > before)
			over(w, 1, BOOTSTRAP_NO_ANSWER);
	}
	assert_about(n_asks, 4, 12);			/* less and less often */
	assert_int_equal(spi_of(w, 1), 0x01000001);
	after(w, 20 * S);
	assert_int_equal(spi_of(w, 1), 0);
}

static void home_agent_wants_another(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	attached(w);
	give(w, 1, 0x01000001, 3600);
	bootstrap_refused(&w->mn, mn_find_anchor(&w->mn, &hoa), w->now);
	after(w, 0);
	assert_int_equal(n_asks, 2);
	give(w, 1, 0x01000002, 3600);
	assert_int_equal(spi_of(w, 1), 0x01000002);
}

/* --- home agents that give none --------------------------------------------------- */

/* How long until it asks again. */
static usec_t silence(struct world *w, usec_t max)
{
	usec_t since = w->now;
	unsigned int before = n_asks;

	while (n_asks == before && w->now < since + max) {
		after(w, 100 * MS);
		if (w->now % (600 * S) < 100 * MS)
			hear_router(w, 1);	/* it is still there */
	}
	return w->now - since;
}

static void gives_none(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	usec_t pause = 0;

	attached(w);
	over(w, 1, BOOTSTRAP_REFUSED_CONNECTION);
	assert_string_equal(w->event, "key.failed");
	assert_string_equal(w->detail, "the home agent gives none");
	/* Its daemon may be about to start; if it does not, less and less often. */
	assert_about(silence(w, 4000 * S), 1 * S, 2 * S);
	over(w, 1, BOOTSTRAP_REFUSED_CONNECTION);
	assert_about(silence(w, 4000 * S), 2 * S, 3 * S);
	for (unsigned int n = 0; n < 12; n++) {
		over(w, 1, BOOTSTRAP_REFUSED_CONNECTION);
		pause = silence(w, 5000 * S);
	}
	assert_about(pause, 3600 * S, 4501 * S);
	over(w, 1, BOOTSTRAP_REFUSED_CONNECTION);
	flow(w, &hoa);
	move_link_to(w, 2);
	assert_string_equal(state_of(w, &hoa), "refused");
	assert_string_equal(reason_of(w, 1), "no key: the home agent gives none");
}

static void asked_again_where_it_comes_again(void **state)
{
	struct world *w = *state;

	attached(w);
	over(w, 1, BOOTSTRAP_REFUSED_CONNECTION);
	link_is(w, false, true);
	after(w, 1 * S);
	link_is(w, true, true);
	hear_router(w, 1);
	after(w, 100 * MS);
	assert_int_equal(n_asks, 2);
}

static void silent_one(void **state)
{
	struct world *w = *state;
	usec_t t;

	attached(w);
	over(w, 1, BOOTSTRAP_NO_ANSWER);
	t = silence(w, 10 * S);
	assert_about(t, 1 * S, 1400 * MS);
	over(w, 1, BOOTSTRAP_NO_ANSWER);
	assert_about(silence(w, 10 * S), 2 * S, 2600 * MS);
	for (unsigned int n = 0; n < 15; n++) {
		over(w, 1, BOOTSTRAP_NO_ANSWER);
		t = silence(w, 1000 * S);
	}
	assert_about(t, 600 * S, 751 * S);
}

static void no_socket(void **state)
{
	struct world *w = *state;

	ask_result = -EADDRNOTAVAIL;
	attached(w);
	assert_true(n_asks >= 1);
	ask_result = 0;
	after(w, 3 * S);
	give(w, 1, 0x01000001, 3600);
	assert_int_equal(spi_of(w, 1), 0x01000001);
}

static void refused_with_a_reason(void **state)
{
	struct boot_response r = { .status = BOOT_UNAUTHORIZED, .reason = "on-link is not allowed" };
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	attached(w);
	say(w, &hoa, &r);
	over(w, 1, BOOTSTRAP_DONE);
	assert_string_equal(w->detail, "the home agent refuses one: on-link is not allowed");
	assert_int_equal(w->mn.counters[MN_C_KEY_REFUSED], 1);
	assert_about(silence(w, 4000 * S), 300 * S, 376 * S);
}

static void busy_one(void **state)
{
	struct boot_response r = { .status = BOOT_UNAVAILABLE, .retry_after_s = 40 };
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	attached(w);
	say(w, &hoa, &r);
	over(w, 1, BOOTSTRAP_DONE);
	assert_int_equal(w->mn.counters[MN_C_KEY_UNAVAILABLE], 1);
	assert_about(silence(w, 4000 * S), 40 * S, 41 * S);
	r.retry_after_s = UINT32_MAX;		/* not for ever */
	say(w, &hoa, &r);
	over(w, 1, BOOTSTRAP_DONE);
	assert_about(silence(w, 4000 * S), 3600 * S, 3601 * S);
}

/* Done, it said; but not all was answered. */
static void unanswered_request(void **state)
{
	struct world *w = *state;

	attached(w);
	over(w, 1, BOOTSTRAP_DONE);
	assert_int_equal(w->mn.counters[MN_C_KEY_BROKEN], 1);
	assert_int_equal(spi_of(w, 1), 0);
}

/* --- what is not believed --------------------------------------------------------- */

static void no_downgrade(void **state)
{
	struct boot_response r = response(1, 0x01000001, 3600);
	struct in6_addr hoa = kernel_addr(1), ha = ha_of(1);
	struct world *w = *state;

	only(w, BOOT_CERTIFICATE);
	attached(w);
	say(w, &hoa, &r);				/* on-link */
	over(w, 1, BOOTSTRAP_DONE);
	assert_int_equal(w->mn.counters[MN_C_KEY_DOWNGRADE], 1);
	assert_int_equal(spi_of(w, 1), 0);
	assert_non_null(strstr(w->detail, "not allowed"));

	/* It calls it a certificate's, and its session has shown none. */
	silence(w, 4000 * S);
	r.mode = BOOT_CERTIFICATE;
	say(w, &hoa, &r);
	over(w, 1, BOOTSTRAP_DONE);
	assert_int_equal(w->mn.counters[MN_C_KEY_DOWNGRADE], 2);
	assert_int_equal(spi_of(w, 1), 0);

	silence(w, 4000 * S);
	bootstrap_answer(&w->mn, &ha, &hoa, &r, BOOT_CERTIFICATE, secret, w->now);
	assert_int_equal(spi_of(w, 1), 0x01000001);
	assert_int_equal(w->mn.sas->mode, BOOT_CERTIFICATE);
}

static void not_fit(void **state)
{
	struct boot_response good = response(1, 0x01000001, 3600), bad[6] = {
		good, good, good, good, good, good,
	};
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	bad[0].hnp = prefix_of(2);
	bad[1].hnp_len = 48;
	bad[2].ha = ha_of(2);
	bad[3].lifetime_s = 0;
	bad[4].spi = 256;				/* one of a configuration */
	bad[5].spi = BOOT_SPI_MAX + 1;
	attached(w);
	for (unsigned int n = 0; n < 6; n++) {
		say(w, &hoa, &bad[n]);
		over(w, 1, BOOTSTRAP_DONE);
		assert_int_equal(w->mn.counters[MN_C_KEY_UNFIT], n + 1);
		assert_null(w->mn.sas);
		silence(w, 8000 * S);
	}
	say(w, &hoa, &good);
	assert_int_equal(spi_of(w, 1), 0x01000001);
	/* A second answer to the same request is none. */
	good.spi = 0x01000009;
	say(w, &hoa, &good);
	assert_int_equal(spi_of(w, 1), 0x01000001);
	assert_int_equal(w->mn.counters[MN_C_KEY_UNEXPECTED], 1);
}

static void nobody_was_asked(void **state)
{
	struct boot_response r = response(2, 0x01000001, 3600);
	struct in6_addr hoa = kernel_addr(2);
	struct world *w = *state;

	attached(w);
	say(w, &hoa, &r);
	over(w, 2, BOOTSTRAP_NO_ANSWER);
	assert_int_equal(w->mn.counters[MN_C_KEY_UNEXPECTED], 1);
	assert_int_equal(w->mn.counters[MN_C_KEY_NO_ANSWER], 0);
	assert_null(w->mn.sas);
}

/* --- configuration, restart ------------------------------------------------------- */

static void another_policy(void **state)
{
	struct world *w = *state;
	struct mn_config before;

	attached(w);
	give(w, 1, 0x01000001, 3600);
	before = w->cfg;
	only(w, BOOT_CERTIFICATE);
	mn_reconfigured(&w->mn, &before, w->now);
	assert_null(w->mn.sas);
	assert_int_equal(spi_of(w, 1), 0);
	after(w, 0);
	assert_int_equal(n_asks, 2);
	before = w->cfg;
	mn_reconfigured(&w->mn, &before, w->now);	/* the same: but the files may differ */
	after(w, 0);
	assert_int_equal(n_stops, 1);
	assert_int_equal(n_asks, 3);
}

static struct mn_restore earlier(struct world *w, bool is_away)
{
	return (struct mn_restore){
		.prefix = { .addr = prefix_of(1), .len = 64 }, .hoa = kernel_addr(1),
		.ha = ha_of(1), .away = is_away, .held = is_away, .valid_until = w->now + 1000 * S,
		.bound_until = w->now + 100 * S,
	};
}

static struct bootstrap_record record_of(struct world *w)
{
	struct bootstrap_record r = {
		.spi = 0x01000005, .prefix = { .addr = prefix_of(1), .len = 64 },
		.ha = ha_of(1), .mode = BOOT_PSK, .until = w->now + 500 * S,
		.renew_at = w->now + 400 * S,
	};

	memcpy(r.secret, secret, sizeof(secret));
	return r;
}

static void restored(void **state)
{
	struct world *w = *state;
	struct mn_restore a = earlier(w, true);
	struct bootstrap_record r = record_of(w);
	struct in6_addr hoa = kernel_addr(1), ll = at(0, "fe80::ff:fe00:9");

	a.timestamp = 77;
	a.clock_ahead = 5;
	flow(w, &hoa);
	assert_int_equal(bootstrap_restore(&w->mn, &r, w->now), -ESTALE);	/* for nobody */
	assert_int_equal(mn_restore(&w->mn, &a, w->now), 0);
	r.until = w->now;
	assert_int_equal(bootstrap_restore(&w->mn, &r, w->now), -ESTALE);
	r = record_of(w);
	r.spi = 256;
	assert_int_equal(bootstrap_restore(&w->mn, &r, w->now), -EINVAL);
	r = record_of(w);
	assert_int_equal(bootstrap_restore(&w->mn, &r, w->now), 0);
	assert_int_equal(spi_of(w, 1), 0x01000005);
	/* What the home agent's clock says is known from the earlier run. */
	assert_int_equal(mn_find_anchor(&w->mn, &hoa)->timestamp, 77);
	assert_int_equal(mn_find_anchor(&w->mn, &hoa)->clock_ahead, 5);
	assert_true(mn_find_anchor(&w->mn, &hoa)->timestamps);
	/* It registers with it where it is now. */
	link_is(w, true, true);
	address(w, &ll, false);
	hear_router(w, 2);
	assert_int_equal(count(w, SENT_BU), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		K(asked_when_attached), K(a_configured_key_goes_before),
		K(not_where_it_is_not_allowed), K(one_for_a_prefix),
		K(two_prefixes_in_one_session), K(shared_one_by_one), K(not_before_it_is_usable),
		K(moved_with_it), K(moved_before_it_came), K(link_bounced), K(nobody_needs_it),
		K(ended_while_away), K(socket_is_no_flow), K(renewed_in_time),
		K(renewal_that_fails), K(home_agent_wants_another), K(gives_none),
		K(asked_again_where_it_comes_again), K(silent_one), K(no_socket),
		K(refused_with_a_reason), K(busy_one), K(unanswered_request), K(no_downgrade),
		K(not_fit), K(nobody_was_asked), K(another_policy), K(restored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
