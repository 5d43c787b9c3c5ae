/* SPDX-License-Identifier: BSD-2-Clause */
/* links: mn-agent/discover.c mn-agent/anchor.c mn-agent/bu.c common/wire/buf.c
 * common/wire/cksum.c common/wire/ext.c common/wire/icmp6.c common/wire/mh.c
 * common/wire/mhopt.c common/core/in6.c common/core/auth.c common/core/backoff.c
 * common/core/timer.c common/core/log.c (-lcrypto) */
/* An anchor whose home agent is not known: asked for, answered, one tried after the other. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "common/core/log.h"
#include "common/wire/ext.h"
#include "common/wire/icmp6.h"
#include "mn-agent/mn_private.h"

#define S(n)	((usec_t)(n) * USEC_S)
#define HOA	"2001:db8:5:500::a5"
#define ANYCAST	"2001:db8:5:500:fdff:ffff:ffff:fffe"
#define COA	"2001:db8:7::5"
#define HA1	"2001:db8:5:500::1"
#define HA2	"2001:db8:5:500::2"
#define HA3	"2001:db8:6::3"

static struct mn mn;
static struct anchor anchor;
static struct timers timers;
static struct auth_key key;
static usec_t now;
static unsigned int n_requests, n_updates, n_tunnels;
static usec_t requested_at[32], updated_at[64];
static uint16_t ids[32], next_id, seq;
static struct in6_addr asked_from, update_to;

static struct in6_addr addr(const char *s)
{
	struct in6_addr a;

	assert_int_equal(in6_parse(s, &a), 0);
	return a;
}

static void same(const struct in6_addr *a, const char *s)
{
	assert_string_equal(in6_str(a).s, s);
}

/* ---- what is below and above ---- */

void mn_event(struct mn *m, const char *name, const struct mn_iface *i, const struct anchor *a,
	      const char *detail, usec_t t)
{
	(void)m;
	(void)i;
	(void)detail;
	(void)t;
	assert_memory_equal(name, "dhaad.", 6);
	assert_ptr_equal(a, &anchor);
}

const struct anchor *mn_find_anchor(const struct mn *m, const struct in6_addr *hoa)
{
	(void)m;
	return in6_eq(&anchor.hoa, hoa) ? &anchor : NULL;
}

void mn_set_home_agent(struct mn *m, struct anchor *a, const struct in6_addr *ha)
{
	(void)m;
	a->ha = *ha;
	a->key = &key;
}

static int send_packet(void *ctx, const void *data, size_t len)
{
	struct ip6_packet ip;
	struct icmp6_msg msg;
	const uint8_t *payload = data;
	struct mh_msg bu;

	(void)ctx;
	assert_int_equal(ip6_decode(data, len, &ip), IP6_OK);
	payload += ip.payload_off;
	if (ip.next_header == MH_NEXT_HEADER) {
		assert_int_equal(mh_decode(payload, ip.payload_len, ip6_cksum_src(&ip), &ip.dst,
					   &bu, NULL), MH_OK);
		updated_at[n_updates++] = now;
		update_to = ip.dst;
		seq = bu.u.bu.seq;
		return 0;
	}
	assert_int_equal(icmp6_decode(payload, ip.payload_len, &ip.src, &ip.dst, ip.hop_limit,
				      &msg), ICMP6_OK);
	assert_int_equal(msg.type, ICMP6_DHAAD_REQUEST);
	same(&ip.dst, ANYCAST);
	asked_from = ip.src;
	requested_at[n_requests] = now;
	ids[n_requests++] = msg.u.dhaad.id;
	return 0;
}

static void random_number(void *ctx, void *dst, size_t n)
{
	(void)ctx;
	assert_int_equal(n, sizeof(next_id));
	memcpy(dst, &next_id, n);
	next_id++;
}

static void changed(void *ctx)
{
	(void)ctx;
}

static const struct mn_ops ops = {
	.send_routed = send_packet, .random = random_number, .changed = changed,
};

static int tunnel_set(void *ctx, const struct dp_binding *b)
{
	(void)ctx;
	(void)b;
	n_tunnels++;
	return 0;
}

static int tunnel_del(void *ctx, const struct in6_addr *hoa)
{
	(void)ctx;
	(void)hoa;
	return 0;
}

static void held(void *ctx, struct anchor *a)
{
	(void)ctx;
	(void)a;
}

static void notify(void *ctx, struct anchor *a, const char *event, const char *detail, usec_t t)
{
	(void)ctx;
	(void)event;
	(void)detail;
	if (a->state == ANCHOR_REFUSED || a->state == ANCHOR_UNREACHABLE)
		discover_failed(a, t);
}

static void discover(void *ctx, struct anchor *a, usec_t t)
{
	(void)ctx;
	discover_start(a, &a->coa, t);
}

static int send_update(void *ctx, const struct anchor *a, const void *data, size_t len)
{
	(void)a;
	return send_packet(ctx, data, len);
}

static const struct anchor_ops anchor_ops = {
	.send = send_update, .tunnel_set = tunnel_set, .tunnel_del = tunnel_del, .held = held,
	.discover = discover, .notify = notify,
};
static const struct anchor_config anchor_cfg = { .lifetime_s = 600, .mtu = 1460 };

static void quiet(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
}

static int begin(void **state)
{
	(void)state;
	log_set_sink(quiet, NULL);
	memset(&mn, 0, sizeof(mn));
	timers_init(&timers);
	mn.ops = &ops;
	mn.timers = &timers;
	now = S(1000);
	n_requests = n_updates = n_tunnels = 0;
	next_id = 0x5000;
	assert_int_equal(auth_key_init(&key, 256, AUTH_HMAC_SHA256_128, "0123456789abcdef", 16), 0);
	anchor_init(&anchor, &anchor_cfg, &anchor_ops, &mn, &timers, 1);
	discover_init(&anchor);
	anchor.prefix = (struct in6_prefix){ addr("2001:db8:5:500::"), 64 };
	anchor.hoa = addr(HOA);
	anchor.fixed = true;
	anchor.valid_until = USEC_NEVER;
	mn.anchors = &anchor;
	return 0;
}

static int end(void **state)
{
	(void)state;
	anchor_stop(&anchor);
	timers_free(&timers);
	auth_key_wipe(&key);
	return 0;
}

static void run(usec_t t)
{
	usec_t until = now + t;

	while (timers_next(&timers) <= until) {
		now = timers_next(&timers);
		timers_run(&timers, now);
	}
	now = until;
}

static void leave(void)
{
	struct in6_addr coa = addr(COA);

	anchor_event(&anchor, ANCHOR_EV_DEPART, now);
	anchor_coa(&anchor, &coa, now);
}

static void reply_to(const char *dst, uint16_t id, unsigned int n, const char *const has[])
{
	struct ip6_packet ip = {
		.src = addr(HA1), .dst = addr(dst), .hop_limit = 60, .next_header = IP6_NH_ICMP6,
	};
	struct icmp6_msg msg = { .type = ICMP6_DHAAD_REPLY, .u.dhaad = { .id = id, .n_ha = n } };
	uint8_t room[1280];
	struct wbuf w;

	for (unsigned int i = 0; i < n; i++)
		msg.u.dhaad.ha[i] = addr(has[i]);
	wb_init(&w, room, sizeof(room));
	assert_int_equal(icmp6_packet(&w, &ip, &msg), 0);
	mn_rx_discovery(&mn, w.base, w.len, now);
}

static void reply(unsigned int n, const char *const has[])
{
	reply_to(COA, ids[n_requests - 1], n, has);
}

static const char *const three[] = { HA2, HA3, HA1 };

static void acknowledge(uint8_t status)
{
	struct mh_msg ba = { .type = MH_BA, .u.ba = { .status = status, .seq = seq,
						       .lifetime = status < 128 ? 150 : 0 } };

	anchor_ba(&anchor, &ba, now);
}

/* ---- tests ---- */

static void asks_and_takes_the_first(void **state)
{
	(void)state;
	leave();
	assert_int_equal(anchor.state, ANCHOR_DISCOVERING);
	assert_true(anchor_away(&anchor));
	assert_int_equal(n_requests, 1);
	same(&asked_from, COA);
	assert_int_equal(mn.counters[MN_C_DHAAD], 1);
	reply(3, three);
	assert_int_equal(anchor.state, ANCHOR_REGISTERING);
	same(&update_to, HA2);
	/* Nothing of a flow goes to somebody who has not proved who he is. */
	assert_int_equal(n_tunnels, 0);
	acknowledge(BA_ACCEPTED);
	assert_int_equal(anchor.state, ANCHOR_BOUND);
	assert_int_equal(n_tunnels, 1);
	run(S(300));
	assert_int_equal(n_requests, 1);
}

/* RFC 6275 11.4.1 and 12: 3 s, each time twice as long, four times more; then a pause. */
static void asks_again(void **state)
{
	static const usec_t at[] = { 0, 3, 9, 21, 45, 93 + 60, 93 + 63 };

	(void)state;
	leave();
	run(S(93 + 64));
	assert_int_equal(n_requests, 7);
	for (unsigned int n = 0; n < 7; n++)
		assert_int_equal(requested_at[n], S(1000) + S(at[n]));
	for (unsigned int n = 1; n < 5; n++)
		assert_int_equal(ids[n], ids[0]);
	assert_int_not_equal(ids[5], ids[0]);
	assert_string_equal(anchor.reason, "no home agent answers at " ANYCAST);
	assert_int_equal(anchor.state, ANCHOR_DISCOVERING);
	/* Even late: it is heard. */
	reply(3, three);
	assert_int_equal(anchor.state, ANCHOR_REGISTERING);
	assert_string_equal(anchor.reason, "");
}

/* The order of the reply; 1.5 s between Binding Updates to different ones; then anew. */
static void refused_by_all(void **state)
{
	static const char *const to[] = { HA2, HA3, HA1 };

	(void)state;
	leave();
	reply(3, three);
	for (unsigned int n = 0; n < 3; n++) {
		assert_int_equal(n_updates, n + 1);
		same(&update_to, to[n]);
		acknowledge(BA_RESOURCES);
		assert_int_equal(anchor.state, ANCHOR_REFUSED);
		assert_int_equal(n_tunnels, 0);
		if (n < 2) {
			run(1499 * USEC_MS);
			assert_int_equal(n_updates, n + 1);
			run(1 * USEC_MS);
		}
	}
	run(S(31));
	assert_int_equal(n_requests, 1);
	run(S(2));
	assert_int_equal(n_requests, 2);
}

static void silent_then_the_next(void **state)
{
	(void)state;
	leave();
	reply(3, three);
	run(S(50));
	same(&update_to, HA3);
	acknowledge(BA_ACCEPTED);
	assert_int_equal(anchor.state, ANCHOR_BOUND);
	run(S(300));
	assert_int_equal(anchor.state, ANCHOR_BOUND);
	same(&anchor.ha, HA3);
}

/* RFC 6275 11.4.1: first the one that has it; then the others of the list. */
static void registered_one_first(void **state)
{
	struct in6_addr coa = addr("2001:db8:9::5");

	(void)state;
	leave();
	reply(3, three);
	acknowledge(BA_ACCEPTED);
	anchor_coa(&anchor, &coa, now);
	same(&update_to, HA2);
	assert_int_equal(n_requests, 1);
	run(S(40));
	same(&update_to, HA3);
}

static void home_agent_that_is_told_otherwise(void **state)
{
	(void)state;
	anchor.ha = addr(HA1);
	anchor.key = &key;
	leave();
	assert_int_equal(anchor.state, ANCHOR_REGISTERING);
	assert_int_equal(n_tunnels, 1);
	acknowledge(BA_UNSPECIFIED);
	run(S(200));
	assert_int_equal(n_requests, 0);
	same(&update_to, HA1);
}

static void another_care_of_address(void **state)
{
	struct in6_addr coa = addr("2001:db8:9::5");

	(void)state;
	leave();
	run(S(5));
	assert_int_equal(n_requests, 2);
	anchor_coa(&anchor, &coa, now);
	assert_int_equal(n_requests, 3);
	same(&asked_from, "2001:db8:9::5");
	assert_int_not_equal(ids[2], ids[1]);
	reply_to(COA, ids[1], 3, three);
	assert_int_equal(mn.counters[MN_C_DHAAD_UNKNOWN], 1);
	assert_int_equal(anchor.state, ANCHOR_DISCOVERING);
	anchor_event(&anchor, ANCHOR_EV_NO_COA, now);
	assert_int_equal(anchor.state, ANCHOR_DEPARTED);
	run(S(500));
	assert_int_equal(n_requests, 3);
	leave();
	assert_int_equal(n_requests, 4);
}

/* While it is near: from the address on its own link. */
static void asked_from_the_link(void **state)
{
	struct in6_addr hoa = addr(HOA);

	(void)state;
	discover_start(&anchor, &hoa, now);
	discover_start(&anchor, &hoa, now);
	assert_int_equal(n_requests, 1);
	same(&asked_from, HOA);
	reply_to(HOA, ids[0], 3, three);
	same(&anchor.ha, HA2);
	assert_int_equal(anchor.state, ANCHOR_ATTACHED);
	leave();
	assert_int_equal(anchor.state, ANCHOR_REGISTERING);
	assert_int_equal(n_requests, 1);
}

static void nobody_near_is_no_harm(void **state)
{
	struct in6_addr hoa = addr(HOA);

	(void)state;
	discover_start(&anchor, &hoa, now);
	run(S(1000));
	assert_int_equal(n_requests, 5);
	assert_string_equal(anchor.reason, "");
}

static void home_again(void **state)
{
	(void)state;
	leave();
	anchor_event(&anchor, ANCHOR_EV_RETURN, now);
	assert_int_equal(anchor.state, ANCHOR_ATTACHED);
	assert_int_equal(n_updates, 0);
}

/* An anchor that nobody has configured is kept for its flows, this one is not needed. */
static void last_flow_ends_before_the_answer(void **state)
{
	(void)state;
	anchor.fixed = false;
	anchor.flows = 1;
	leave();
	assert_int_equal(anchor.state, ANCHOR_DISCOVERING);
	anchor_event(&anchor, ANCHOR_EV_IDLE, now);
	assert_int_equal(anchor.state, ANCHOR_GONE);
	assert_int_equal(timers_next(&timers), USEC_NEVER);
}

static void what_is_not_believed(void **state)
{
	static const char *const bad[] = { HOA, COA, ANYCAST, "::", "ff02::1", "fe80::1", HA3, HA3 };
	struct mn_iface here = { .n_addrs = 1 };

	(void)state;
	here.addrs[0].addr = addr(COA);
	mn.ifaces = &here;
	leave();
	reply_to(COA, (uint16_t)(ids[0] + 1), 3, three);
	reply_to(HOA, ids[0], 3, three);
	assert_int_equal(mn.counters[MN_C_DHAAD_UNKNOWN], 2);
	reply(0, NULL);
	reply(6, bad);
	assert_int_equal(mn.counters[MN_C_DHAAD_EMPTY], 2);
	assert_int_equal(anchor.state, ANCHOR_DISCOVERING);
	reply(8, bad);
	assert_int_equal(anchor.discovery.n, 1);
	same(&anchor.ha, HA3);
	reply(3, three);		/* answered already */
	assert_int_equal(mn.counters[MN_C_DHAAD_UNKNOWN], 3);
	same(&anchor.ha, HA3);
	mn_rx_discovery(&mn, "\x60", 1, now);
	assert_int_equal(mn.counters[MN_C_PACKET_BAD], 1);
}

static void more_than_are_remembered(void **state)
{
	struct in6_addr a = addr(HA1);
	static char text[20][IN6_TEXT];
	const char *has[20];

	(void)state;
	for (unsigned int n = 0; n < 20; n++) {
		a.s6_addr[15] = (uint8_t)(n + 1);
		strcpy(text[n], in6_str(&a).s);
		has[n] = text[n];
	}
	leave();
	reply(20, has);
	assert_int_equal(anchor.discovery.n, DISCOVER_HAS_MAX);
	same(&anchor.ha, HA1);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(asks_and_takes_the_first), T(asks_again), T(refused_by_all),
		T(silent_then_the_next), T(registered_one_first),
		T(home_agent_that_is_told_otherwise), T(another_care_of_address),
		T(asked_from_the_link), T(nobody_near_is_no_harm), T(home_again),
		T(last_flow_ends_before_the_answer), T(what_is_not_believed),
		T(more_than_are_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
