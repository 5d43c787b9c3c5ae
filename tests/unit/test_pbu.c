/* SPDX-License-Identifier: BSD-2-Clause */
/* The verdict on Proxy Binding Updates: RFC 5213 5.3.1, clause by clause, and in its order. */
/* links: ha-agent/{pbu,bcache}.c common/core/{auth,hash,in6}.c common/wire/{mh,mhopt,buf,cksum,ext}.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "common/core/in6.h"
#include "ha-agent/bcache.h"
#include "ha-agent/pbu.h"
#include "ha-agent/prefix.h"

#define WALL	INT64_C(1796000000000000)
#define SPI	400

/* Host A, whose prefix P is anchored here, is at the router MAR2, which asks. */
struct world {
	struct ip6_packet ip;
	struct mh_msg msg;
	struct ha_peer peer;
	struct lease lease;
	struct binding binding;
	struct pbu_in in;
	uint8_t mh[512];
	size_t len;
	bool signs;
	struct pbu_verdict v;
};

static struct in6_addr addr(const char *s)
{
	struct in6_addr a;

	assert_int_equal(in6_parse(s, &a), 0);
	return a;
}

static struct auth_key key;		/* the only owner of its memory */

static int make_key(void **state)
{
	(void)state;
	return auth_key_init(&key, SPI, AUTH_HMAC_SHA256_128, "0123456789abcdef", 16);
}

static int drop_key(void **state)
{
	(void)state;
	auth_key_wipe(&key);
	return 0;
}

static void begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->ip = (struct ip6_packet){ .src = addr("2001:db8:2:100::1"),
				     .dst = addr("2001:db8:1:100::1") };
	w->peer = (struct ha_peer){ .address = w->ip.src, .auth = key };
	w->msg = (struct mh_msg){ .type = MH_BU,
		.u.bu = { 7, BU_ACK | BU_HOME | BU_PROXY, 75 },
		.opts = { .has_mn_id = true, .mn_id_subtype = MN_ID_EUI48, .mn_id_len = 6,
			  .n_prefixes = 1, .prefixes = { { addr("2001:db8:1:101::"), 64 } },
			  .has_handoff = true, .handoff = HANDOFF_OTHER_GATEWAY,
			  .has_access_type = true, .access_type = ACCESS_WLAN,
			  .has_timestamp = true, .timestamp = pbu_time(WALL) } };
	w->in = (struct pbu_in){
		.ip = &w->ip, .msg = &w->msg, .mh = w->mh, .peer = &w->peer, .mn_known = true,
		.prefixes = { { &w->lease, NULL, true } }, .room = 10,
		.max_lifetime = 600 * USEC_S, .window = PBU_TIMESTAMP_WINDOW,
		.wall = pbu_time(WALL),
	};
	w->signs = true;
}

/* The prefix is bound to that router already. */
static void bound(struct world *w, const char *coa)
{
	w->binding = (struct binding){ .state = BINDING_BOUND, .coa = addr(coa), .sequence = 6 };
	w->in.prefixes[0].binding = &w->binding;
	w->in.n_bound = 1;
}

static enum pbu_reason judge(struct world *w)
{
	struct mh_auth *a = &w->msg.opts.mn_ha;
	struct wbuf buf;

	if (w->signs)
		*a = (struct mh_auth){ .present = true, .spi = SPI, .len = 16, .last = true };
	wb_init(&buf, w->mh, sizeof(w->mh));
	assert_int_equal(mh_encode(&buf, &w->msg), 0);
	w->len = buf.len;
	if (w->signs)
		assert_int_equal(auth_mn_ha(&w->peer.auth, &w->ip.src, &w->ip.dst, w->mh,
					    a->covered, a->data), 0);
	pbu_verdict(&w->in, &w->v);
	assert_int_equal(w->v.status, pbu_status(w->v.reason));
	return w->v.reason;
}

static void registers(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	assert_int_equal(judge(&w), PBU_REGISTER);
	assert_int_equal(w.v.status, BA_ACCEPTED);
	assert_int_equal(w.v.lifetime, 75);
	assert_int_equal(w.v.sequence, 7);
	assert_true(w.v.timestamp == pbu_time(WALL));
	/* No more than is granted here. */
	w.msg.u.bu.lifetime = 1000;
	assert_int_equal(judge(&w), PBU_REGISTER);
	assert_int_equal(w.v.lifetime, 150);
}

/* 5.3.3, 5.3.4 */
static void refreshes_and_moves(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	bound(&w, "2001:db8:2:100::1");
	assert_int_equal(judge(&w), PBU_REGISTER);
	begin(&w);
	bound(&w, "2001:db8:3:100::1");
	assert_int_equal(judge(&w), PBU_REGISTER);
}

static void strangers_hear_nothing(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.in.peer = NULL;
	assert_int_equal(judge(&w), PBU_UNKNOWN_ROUTER);
	begin(&w);
	w.signs = false;
	assert_int_equal(judge(&w), PBU_NO_AUTH);
	begin(&w);
	(void)judge(&w);
	w.peer.auth.spi++;
	pbu_verdict(&w.in, &w.v);
	assert_int_equal(w.v.reason, PBU_UNKNOWN_SPI);
	begin(&w);
	(void)judge(&w);
	w.msg.opts.mn_ha.last = false;
	pbu_verdict(&w.in, &w.v);
	assert_int_equal(w.v.reason, PBU_AUTH_ORDER);
	begin(&w);
	w.in.too_many_wrong = true;
	assert_int_equal(judge(&w), PBU_LIMITED);
	for (enum pbu_reason r = PBU_UNKNOWN_ROUTER; r <= PBU_NOT_CURRENT; r++)
		assert_true(pbu_is_drop(r));
	for (enum pbu_reason r = PBU_NO_MN_ID; r < PBU_MAX; r++)
		assert_false(pbu_is_drop(r));
}

/* Whatever octet is turned, between whichever routers it is said again. */
static void signature_covers_all(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	assert_int_equal(judge(&w), PBU_REGISTER);
	for (size_t at = 0; at < w.msg.opts.mn_ha.covered; at++) {
		if (at == 4 || at == 5)		/* the checksum */
			continue;
		w.mh[at] ^= 1;
		pbu_verdict(&w.in, &w.v);
		assert_int_equal(w.v.reason, PBU_BAD_AUTH);
		w.mh[at] ^= 1;
	}
	w.ip.dst = addr("2001:db8:4:100::1");
	pbu_verdict(&w.in, &w.v);
	assert_int_equal(w.v.reason, PBU_BAD_AUTH);
}

static void which_host(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.msg.opts.has_mn_id = false;
	w.in.mn_known = false;
	assert_int_equal(judge(&w), PBU_NO_MN_ID);
	assert_int_equal(w.v.status, 160);
	begin(&w);
	w.in.mn_known = false;
	assert_int_equal(judge(&w), PBU_NOT_ANCHOR);
	assert_int_equal(w.v.status, 153);
	begin(&w);
	w.in.mn_refused = true;
	assert_int_equal(judge(&w), PBU_NOT_ENABLED);
	assert_int_equal(w.v.status, 152);
}

static void what_has_to_be_there(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.msg.opts.n_prefixes = 0;
	assert_int_equal(judge(&w), PBU_NO_PREFIX);
	assert_int_equal(w.v.status, 158);
	begin(&w);
	w.msg.opts.has_handoff = false;
	assert_int_equal(judge(&w), PBU_NO_HANDOFF);
	assert_int_equal(w.v.status, 161);
	begin(&w);
	w.msg.opts.has_access_type = false;
	assert_int_equal(judge(&w), PBU_NO_ACCESS_TYPE);
	assert_int_equal(w.v.status, 162);
	begin(&w);
	w.msg.u.bu.flags = BU_ACK | BU_PROXY;
	assert_int_equal(judge(&w), PBU_NO_HOME_REG);
	assert_int_equal(w.v.status, 131);
}

static void whose_prefix(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.in.prefixes[0].lease = NULL;
	assert_int_equal(judge(&w), PBU_NOT_AUTHORIZED);
	assert_int_equal(w.v.status, 155);
	begin(&w);
	w.in.prefixes[0].of_mn = false;
	assert_int_equal(judge(&w), PBU_NOT_AUTHORIZED);
	/* One of two is enough to refuse it. */
	begin(&w);
	w.msg.opts.n_prefixes = 2;
	w.msg.opts.prefixes[1] = w.msg.opts.prefixes[0];
	assert_int_equal(judge(&w), PBU_NOT_AUTHORIZED);
	begin(&w);
	w.msg.opts.prefixes[0].len = 0;
	w.msg.opts.prefixes[0].addr = in6addr_any;
	assert_int_equal(judge(&w), PBU_ASKS_FOR_PREFIX);
	assert_int_equal(w.v.status, 130);
	/* And to a care-of address that is not the router's own nothing is sent. */
	begin(&w);
	w.msg.opts.has_alt_coa = true;
	w.msg.opts.alt_coa = addr("2001:db8:9::9");
	assert_int_equal(judge(&w), PBU_COA);
	assert_int_equal(w.v.status, 174);
	w.msg.opts.alt_coa = w.ip.src;
	assert_int_equal(judge(&w), PBU_REGISTER);
}

/* 5.5 */
static void time_stamps(void **state)
{
	const usec_t off[] = { 290 * USEC_MS, -290 * USEC_MS, 310 * USEC_MS, -310 * USEC_MS };
	struct world w;

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		begin(&w);
		w.msg.opts.timestamp = pbu_time(WALL + off[i]);
		assert_int_equal(judge(&w), i < 2 ? PBU_REGISTER : PBU_TIMESTAMP_MISMATCH);
		assert_true(w.v.timestamp == (i < 2 ? w.msg.opts.timestamp : w.in.wall));
	}
	assert_int_equal(w.v.status, 156);
	/* Greater than all before; the number does not matter. */
	for (int d = -1; d <= 1; d++) {
		begin(&w);
		bound(&w, "2001:db8:3:100::1");
		w.binding.timestamp = pbu_time(WALL) - 5;
		w.binding.sequence = 100;
		w.msg.opts.timestamp = (uint64_t)((int64_t)w.binding.timestamp + d);
		assert_int_equal(judge(&w), d > 0 ? PBU_REGISTER : PBU_TIMESTAMP_LOWER);
		assert_int_equal(w.v.sequence, 7);
		assert_true(w.v.timestamp == (d > 0 ? w.msg.opts.timestamp : w.in.wall));
	}
}

static void sequence_numbers(void **state)
{
	struct world w;

	(void)state;
	for (unsigned int seq = 0; seq <= UINT16_MAX; seq += 13) {
		bool newer = (uint16_t)(seq - 6) - 1u < 32767u;

		begin(&w);
		bound(&w, "2001:db8:3:100::1");
		w.msg.opts.has_timestamp = false;
		w.msg.u.bu.seq = (uint16_t)seq;
		assert_int_equal(judge(&w), newer ? PBU_REGISTER : PBU_SEQUENCE);
		assert_int_equal(w.v.sequence, newer ? seq : 6);
	}
	/* Who has used time stamps is not overtaken without one. */
	begin(&w);
	bound(&w, "2001:db8:3:100::1");
	w.binding.timestamp = 1;
	w.msg.opts.has_timestamp = false;
	assert_int_equal(judge(&w), PBU_SEQUENCE);
	assert_int_equal(w.v.status, 135);
}

/* 5.3.5 */
static void de_registration(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.msg.u.bu.lifetime = 0;
	assert_int_equal(judge(&w), PBU_NO_BINDING);
	assert_int_equal(w.v.status, BA_ACCEPTED);
	begin(&w);
	w.msg.u.bu.lifetime = 0;
	bound(&w, "2001:db8:2:100::1");
	assert_int_equal(judge(&w), PBU_DEREGISTER);
	assert_int_equal(w.v.lifetime, 0);
	/* By the router that the host has left: not even when it is newer. */
	begin(&w);
	w.msg.u.bu.lifetime = 0;
	bound(&w, "2001:db8:3:100::1");
	assert_int_equal(judge(&w), PBU_NOT_CURRENT);
	w.binding.timestamp = UINT64_MAX;
	assert_int_equal(judge(&w), PBU_NOT_CURRENT);
}

static void session_and_limits(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	bound(&w, "2001:db8:2:100::1");
	w.in.n_bound = 2;
	assert_int_equal(judge(&w), PBU_PREFIX_SET);
	assert_int_equal(w.v.status, 159);
	begin(&w);
	bound(&w, "2001:db8:2:100::1");
	w.binding.state = BINDING_REVOKING;
	assert_int_equal(judge(&w), PBU_REVOKING);
	begin(&w);
	w.in.draining = true;
	assert_int_equal(judge(&w), PBU_DRAINING);
	bound(&w, "2001:db8:3:100::1");
	assert_int_equal(judge(&w), PBU_REGISTER);
	begin(&w);
	w.in.room = 0;
	assert_int_equal(judge(&w), PBU_TABLE_FULL);
	bound(&w, "2001:db8:3:100::1");
	assert_int_equal(judge(&w), PBU_REGISTER);
}

static void each_has_a_name(void **state)
{
	(void)state;
	for (enum pbu_reason r = 0; r < PBU_MAX; r++) {
		assert_true(strlen(pbu_name(r)) > 1);
		assert_true(strlen(pbu_text(r)) > 8);
		for (enum pbu_reason s = 0; s < r; s++)
			assert_string_not_equal(pbu_name(r), pbu_name(s));
	}
	assert_string_equal(pbu_name(PBU_MAX), "?");
	assert_true(pbu_time(INT64_C(1500000)) == 0x18000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers),
		cmocka_unit_test(refreshes_and_moves),
		cmocka_unit_test(strangers_hear_nothing),
		cmocka_unit_test(signature_covers_all),
		cmocka_unit_test(which_host),
		cmocka_unit_test(what_has_to_be_there),
		cmocka_unit_test(whose_prefix),
		cmocka_unit_test(time_stamps),
		cmocka_unit_test(sequence_numbers),
		cmocka_unit_test(de_registration),
		cmocka_unit_test(session_and_limits),
		cmocka_unit_test(each_has_a_name),
	};

	return cmocka_run_group_tests(tests, make_key, drop_key);
}
