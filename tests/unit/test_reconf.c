/* SPDX-License-Identifier: BSD-2-Clause */
/* links: mn-agent/mn.c mn-agent/receive.c mn-agent/flows.c mn-agent/attach.c mn-agent/coa.c mn-agent/handover.c
 * mn-agent/reconf.c mn-agent/anchor.c mn-agent/movement.c mn-agent/discover.c mn-agent/solicit.c
 * mn-agent/bu.c common/wire/buf.c common/wire/cksum.c common/wire/ext.c common/wire/icmp6.c common/wire/mh.c
 * common/wire/mhopt.c common/core/in6.c common/core/auth.c common/core/backoff.c
 * common/core/timer.c common/core/log.c (-lcrypto) */
/* Another configuration while anchors are in use: what it concerns changes, the rest stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/mn_fake.h"

static struct mn_config before;

/* A copy to change; finish() puts it in force. */
static struct mn_config *begin(struct world *w)
{
	before = w->cfg;
	for (unsigned int n = 0; n < w->cfg.n_keys; n++) {	/* as a file read again has them */
		const struct auth_key *k = &before.keys[n].key;

		assert_int_equal(auth_key_init(&w->cfg.keys[n].key, k->spi, k->algorithm,
					       k->secret, k->secret_len), 0);
	}
	return &w->cfg;
}

static void finish(struct world *w)
{
	forget(w);
	mn_reconfigured(&w->mn, &before, w->now);
	for (unsigned int n = 0; n < before.n_keys; n++)
		auth_key_wipe(&before.keys[n].key);
}

static void new_secret(struct mn_config *c, unsigned int n, uint32_t spi)
{
	auth_key_wipe(&c->keys[n].key);
	assert_int_equal(auth_key_init(&c->keys[n].key, spi, AUTH_HMAC_SHA256_128,
				       "another secret 17", 17), 0);
}

static void the_same_changes_nothing(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	away(w);
	begin(w);
	finish(w);
	after(w, 1 * S);
	assert_int_equal(w->n, 0);
	assert_string_equal(state_of(w, &hoa), "bound");
	/* The key in use is one that lives on. */
	after(w, 500 * S);
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");
}

static void another_secret_registers_again(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	away(w);
	new_secret(begin(w), 0, 256);
	finish(w);
	assert_int_equal(count(w, SENT_BU), 1);
	assert_int_equal(count(w, TUNNEL_DEL), 0);	/* the binding lives meanwhile */
	assert_string_equal(state_of(w, &hoa), "refreshing");
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");
}

/* One for this home agent goes before the one for all. */
static void a_key_of_its_own(void **state)
{
	struct in6_addr hoa = kernel_addr(1), other = kernel_addr(2);
	struct world *w = *state;
	struct mn_config *c;

	away(w);
	flow(w, &other);
	address(w, &other, false);
	move_link_to(w, 3);
	grant(w, &hoa);
	grant(w, &other);
	assert_string_equal(state_of(w, &other), "bound");
	c = begin(w);
	c->keys[1] = c->keys[0];
	memset(&c->keys[0], 0, sizeof(c->keys[0]));
	c->n_keys = 2;
	c->keys[0].ha = ha_of(2);
	new_secret(c, 0, 300);
	finish(w);
	assert_int_equal(count(w, SENT_BU), 1);
	assert_true(where(w, SENT_BU, &other) >= 0);
	assert_string_equal(state_of(w, &hoa), "bound");
	auth_key_wipe(&w->cfg.keys[1].key);
}

static void no_key_any_more(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;
	char text[256];

	away(w);
	auth_key_wipe(&begin(w)->keys[0].key);
	w->cfg.n_keys = 0;
	finish(w);
	assert_string_equal(state_of(w, &hoa), "refused");
	assert_true(where(w, TUNNEL_DEL, &hoa) >= 0);
	assert_false(mn_health(&w->mn, text, sizeof(text)));
	assert_non_null(strstr(text, "no key"));
	/* And there is one again. */
	w->cfg.n_keys = 0;
	begin(w);
	w->cfg.n_keys = 1;
	w->cfg.keys[0].any_ha = true;
	new_secret(&w->cfg, 0, 256);
	finish(w);
	assert_int_equal(count(w, SENT_BU), 1);
	(void)mn_health(&w->mn, text, sizeof(text));
	assert_null(strstr(text, "no key"));
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");
}

static void without_a_key_nothing_is_sent(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	away(w);
	end_flow(w, &hoa);
	after(w, 6 * S);
	assert_string_equal(state_of(w, &hoa), "releasing");
	auth_key_wipe(&begin(w)->keys[0].key);
	w->cfg.n_keys = 0;
	finish(w);
	after(w, 100 * S);
	assert_int_equal(count(w, SENT_BU), 0);
	assert_string_equal(state_of(w, &hoa), "none");
	assert_true(where(w, TUNNEL_DEL, &hoa) >= 0);
}

static void smaller_packets(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	away(w);
	begin(w)->anchor.mtu = 1300;
	finish(w);
	assert_int_equal(count(w, TUNNEL_SET), 1);
	assert_true(where(w, TUNNEL_SET, &hoa) >= 0);
	assert_int_equal(mn_find_anchor(&w->mn, &hoa)->mtu, 1300);
	assert_int_equal(count(w, SENT_BU), 0);
}

static void fewer_anchors(void **state)
{
	struct in6_addr hoa = kernel_addr(1), other = kernel_addr(2);
	struct world *w = *state;

	away(w);
	flow(w, &hoa);
	flow(w, &other);
	address(w, &other, false);
	move_link_to(w, 3);
	grant(w, &hoa);
	grant(w, &other);
	w->traffic[0].hoa = hoa;
	w->traffic[0].packets = 1;
	w->n_traffic = 1;
	after(w, 11 * S);
	begin(w)->max_anchors = 1;
	finish(w);
	assert_string_equal(state_of(w, &hoa), "bound");	/* the other one is idle */
	assert_string_equal(state_of(w, &other), "releasing");
}

static void times_count_from_the_next_time_on(void **state)
{
	struct in6_addr hoa = kernel_addr(1);
	struct world *w = *state;

	away(w);
	begin(w)->anchor.lifetime_s = 120;
	w->cfg.anchor.linger = 1 * S;
	finish(w);
	assert_int_equal(w->n, 0);
	after(w, 500 * S);
	assert_int_equal(w->log[where(w, SENT_BU, &hoa)].lifetime_s, 120);
	grant(w, &hoa);
	end_flow(w, &hoa);
	after(w, 1100 * MS);
	assert_string_equal(state_of(w, &hoa), "releasing");
}

static void assert_health(struct world *w, bool ok, const char *expected)
{
	char text[256];

	assert_int_equal(mn_health(&w->mn, text, sizeof(text)), ok);
	assert_string_equal(text, expected);
}

static void an_interface_is_taken_away(void **state)
{
	struct in6_addr hoa = kernel_addr(1), coa = kernel_addr(2);
	struct world *w = *state;
	struct mn_config *c;

	away(w);
	c = begin(w);
	c->n_interfaces = 1;
	strcpy(c->interfaces[0], "eth0");
	finish(w);
	assert_null(w->mn.ifaces);
	assert_health(w, false, "there is no interface that may be used; 1 address kept");
	assert_string_equal(state_of(w, &hoa), "departed");
	assert_true(where(w, PATH_UNSET, NULL) >= 0);
	/* It is told once more, and is none of ours; then it is again. */
	link_is(w, true, true);
	assert_null(w->mn.ifaces);
	begin(w)->n_interfaces = 0;
	finish(w);
	link_is(w, true, true);
	assert_health(w, false, "no access router found yet; 1 address kept");
	link_is(w, false, false);
	assert_health(w, false, "no interface has a link; 1 address kept");
	link_is(w, true, true);
	hear_router(w, 2);
	assert_health(w, true, "1 address kept from earlier routers, 1 not registered yet");
	assert_true(in6_eq(&w->log[where(w, SENT_BU, &hoa)].other, &coa));
	grant(w, &hoa);
	assert_string_equal(state_of(w, &hoa), "bound");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_same_changes_nothing), T(another_secret_registers_again),
		T(a_key_of_its_own), T(no_key_any_more), T(without_a_key_nothing_is_sent),
		T(smaller_packets), T(fewer_anchors), T(times_count_from_the_next_time_on),
		T(an_interface_is_taken_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
