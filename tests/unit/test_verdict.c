/* SPDX-License-Identifier: BSD-2-Clause */
/* The verdict on a Binding Update: every reason, its status, and the order of the tests. */
/* links: ha-agent/verdict.c common/core/in6.c common/core/auth.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "ha-agent/ha.h"

#define SPI	300
#define COVERED	32
#define NOW_NTP	(UINT64_C(0xe0000000) << 32)	/* the time of day, NTP format */
#define NTP_S	(UINT64_C(1) << 32)

static const uint8_t mac_a[6] = { 2, 0, 0, 0, 0, 0xa }, mac_b[6] = { 2, 0, 0, 0, 0, 0xb };

struct world {
	struct ip6_packet ip;
	struct mh_msg msg;
	uint8_t mh[COVERED + 16];
	struct ha_key key;
	struct binding binding;
	struct lease lease;
	struct ha_home home;
	struct verdict_policy policy;
	struct verdict_in in;
	bool sign;			/* sign after the change, as the owner of the key would */
};

static struct in6_addr addr(const char *s)
{
	struct in6_addr a;

	assert_int_equal(in6_parse(s, &a), 0);
	return a;
}

/* A first registration that is right in everything. */
static void good(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->sign = true;
	w->ip.src = addr("2001:db8:2:200::1");
	w->ip.dst = addr("2001:db8:1:100::1");
	w->ip.has_hao = true;
	w->ip.hao = addr("2001:db8:1:101::5");
	w->msg.type = MH_BU;
	w->msg.u.bu = (struct mh_bu){ .seq = 100, .flags = BU_ACK | BU_HOME, .lifetime = 100 };
	w->msg.opts.mn_ha = (struct mh_auth){
		.present = true, .spi = SPI, .covered = COVERED, .last = true,
	};
	for (unsigned int i = 0; i < sizeof(w->mh); i++)
		w->mh[i] = (uint8_t)i;
	assert_int_equal(auth_key_init(&w->key.auth, SPI, AUTH_HMAC_SHA256_128,
				       "0123456789abcdef", 16), 0);
	w->key.timestamp_window = HA_TIMESTAMP_WINDOW;
	assert_int_equal(in6_prefix_parse("2001:db8:1:101::/64", &w->lease.prefix), 0);
	memcpy(w->lease.mac, mac_a, 6);
	w->lease.state = LEASE_ATTACHED;
	w->binding.hoa = w->ip.hao;
	w->binding.sequence = 99;
	w->binding.state = BINDING_BOUND;
	w->binding.spi = SPI;
	w->binding.lease = &w->lease;
	w->policy.max_lifetime = 600 * USEC_S;
	w->policy.bindings_per_lease = 2;
	w->in = (struct verdict_in){
		.ip = &w->ip, .msg = &w->msg, .mh = w->mh, .key = &w->key, .home = &w->home,
		.lease = &w->lease, .policy = &w->policy, .key_of_binding_stands = true,
		.wall = NOW_NTP, .prefix_left = 3600 * USEC_S,
	};
}

static struct verdict judge(struct world *w)
{
	struct mh_auth *a = &w->msg.opts.mn_ha;
	struct in6_addr hoa, coa;
	struct verdict v;

	if (w->sign) {
		verdict_addresses(&w->ip, &w->msg, &hoa, &coa);
		a->len = (uint8_t)auth_len(w->key.auth.algorithm);
		assert_int_equal(auth_mn_ha(&w->key.auth, &coa, &hoa, w->mh, COVERED, a->data), 0);
	}
	verdict(&w->in, &v);
	auth_key_wipe(&w->key.auth);
	return v;
}

/* ---- one fault each, in the order in which they are looked for ---- */

static void f_source(struct world *w) { w->ip.src = addr("ff02::1"); }
static void f_no_hao(struct world *w) { w->ip.has_hao = false;
	w->msg.opts.has_alt_coa = true; w->msg.opts.alt_coa = addr("2001:db8:2:200::9"); }
static void f_hoa_linklocal(struct world *w) { w->ip.hao = addr("fe80::5"); }
static void f_nonce(struct world *w) { w->msg.opts.has_nonce_indices = true; }
static void f_no_auth(struct world *w) { w->msg.opts.mn_ha.present = false; }
static void f_not_last(struct world *w) { w->msg.opts.mn_ha.last = false; }
static void f_spi(struct world *w) { w->in.key = NULL; }
static void f_mac(struct world *w) { w->sign = false; w->msg.opts.mn_ha.len = 16; }
static void f_auth_fail(struct world *w) { f_mac(w); w->policy.answer_auth_failure = true; }
static void f_other_mn(struct world *w) { w->key.has_mn = true; memcpy(w->key.mn, mac_b, 6); }
static void f_other_key(struct world *w) { w->in.binding = &w->binding;
	w->binding.spi = SPI + 1; }
static void f_downgrade(struct world *w)
{
	auth_key_wipe(&w->key.auth);
	assert_int_equal(auth_key_init(&w->key.auth, AUTH_SPI_HMAC_SHA1, AUTH_HMAC_SHA1_96,
				       "0123456789abcdef", 16), 0);
	w->msg.opts.mn_ha.spi = AUTH_SPI_HMAC_SHA1;
	w->in.has_better_key = true;
}

/* Nor is what another key has bound, be the one of SPI 3 the host's own. */
static void f_downgrade_bound(struct world *w)
{
	f_downgrade(w);
	w->in.has_better_key = false;
	w->key.has_mn = true;
	memcpy(w->key.mn, mac_a, 6);
	w->in.binding = &w->binding;
}

static void f_no_timestamp(struct world *w) { w->key.timestamp_required = true; }
static void f_timestamp(struct world *w) { w->msg.opts.has_mesg_id = true;
	w->msg.opts.mesg_id = NOW_NTP + 7 * NTP_S + 1; }
static void f_timestamp_late(struct world *w) { w->msg.opts.has_mesg_id = true;
	w->msg.opts.mesg_id = NOW_NTP - 7 * NTP_S - 1; }
static void f_timestamp_old(struct world *w) { w->in.binding = &w->binding;
	w->msg.opts.has_mesg_id = true; w->msg.opts.mesg_id = w->in.greatest = NOW_NTP; }
static void f_sequence(struct world *w) { w->in.binding = &w->binding;
	w->binding.sequence = 100; }
static void f_type(struct world *w) { w->in.binding = &w->binding;
	w->msg.u.bu.flags = BU_ACK; }
static void f_not_home(struct world *w) { w->msg.u.bu.flags = BU_ACK; }
static void f_nonces(struct world *w) { f_not_home(w); f_nonce(w); }
static void f_home_nonce(struct world *w) { f_nonces(w); w->msg.u.bu.lifetime = 0; }
static void f_no_binding(struct world *w) { w->msg.u.bu.lifetime = 0; }
static void f_no_home_reg(struct world *w) { w->policy.no_new_bindings = true; }
static void f_other_home(struct world *w) { w->in.to_other_home = true; }
static void f_hoa_ha(struct world *w) { w->in.hoa_is_ours = true; w->in.lease = NULL; }
static void f_hoa_router(struct world *w) { w->ip.hao = addr("2001:db8:1:101::"); }
static void f_hoa_anycast(struct world *w) {
	w->ip.hao = addr("2001:db8:1:101:fdff:ffff:ffff:fffe"); }
static void f_subnet(struct world *w) { w->ip.hao = addr("2001:db8:7::5"); w->in.home = NULL;
	w->in.lease = NULL; }
static void f_not_allocated(struct world *w) { w->ip.hao = addr("2001:db8:1:1ff::5");
	w->in.lease = NULL; }
static void f_lease_over(struct world *w) { w->lease.state = LEASE_FREE; }
static void f_lease_ends(struct world *w) { w->in.prefix_left = 3 * USEC_S; }
static void f_coa_linklocal(struct world *w) { w->msg.opts.has_alt_coa = true;
	w->msg.opts.alt_coa = addr("fe80::9"); }
static void f_coa_home(struct world *w) { w->msg.opts.has_alt_coa = true;
	w->msg.opts.alt_coa = addr("2001:db8:1:101::77"); }
static void f_coa_ha(struct world *w) { w->in.coa_is_ours = true; }
static void f_coa_bound(struct world *w) { w->in.coa_is_bound = true; }
static void f_full(struct world *w) { w->in.cache_full = true; }
static void f_limit(struct world *w) { w->lease.bindings = 2; }

static const struct {
	const char *what;
	void (*fault)(struct world *w);
	enum verdict_reason reason;
	int status;			/* -1: silence */
} faults[] = {
	{ "multicast source", f_source, VERDICT_SOURCE, -1 },
	{ "no home address option", f_no_hao, VERDICT_NO_HAO, -1 },
	{ "link-local home address", f_hoa_linklocal, VERDICT_HOA_UNROUTABLE, -1 },
	{ "link-local care-of address", f_coa_linklocal, VERDICT_COA_UNROUTABLE, -1 },
	{ "nonce indices", f_nonce, VERDICT_NONCE_INDICES, -1 },
	{ "no authentication", f_no_auth, VERDICT_NO_AUTH, -1 },
	{ "option behind the authenticator", f_not_last, VERDICT_AUTH_ORDER, -1 },
	{ "unknown SPI", f_spi, VERDICT_UNKNOWN_SPI, -1 },
	{ "wrong authenticator", f_mac, VERDICT_BAD_AUTH, -1 },
	{ "wrong authenticator, answered", f_auth_fail, VERDICT_AUTH_FAIL, 146 },
	{ "key of another node", f_other_mn, VERDICT_OTHER_MN, 133 },
	{ "bound by another key", f_other_key, VERDICT_OTHER_KEY, 129 },
	{ "HMAC-SHA1 and a better key", f_downgrade, VERDICT_DOWNGRADE, 129 },
	{ "HMAC-SHA1, bound by a better key", f_downgrade_bound, VERDICT_DOWNGRADE, 129 },
	{ "no time stamp", f_no_timestamp, VERDICT_NO_TIMESTAMP, 145 },
	{ "time stamp in the future", f_timestamp, VERDICT_TIMESTAMP, 144 },
	{ "time stamp in the past", f_timestamp_late, VERDICT_TIMESTAMP, 144 },
	{ "time stamp once more", f_timestamp_old, VERDICT_TIMESTAMP, 144 },
	{ "same sequence number", f_sequence, VERDICT_SEQUENCE, 135 },
	{ "H cleared, binding there", f_type, VERDICT_TYPE_CHANGE, 139 },
	{ "H cleared, no binding", f_not_home, VERDICT_NOT_HOME_REG, -1 },
	{ "H cleared, nonce indices", f_nonces, VERDICT_NONCES, 138 },
	{ "the same, lifetime zero", f_home_nonce, VERDICT_HOME_NONCE, 136 },
	{ "nothing to de-register", f_no_binding, VERDICT_NO_BINDING, 133 },
	{ "no new bindings", f_no_home_reg, VERDICT_NO_HOME_REG, 131 },
	{ "other home agent's prefix", f_subnet, VERDICT_NOT_SUBNET, 132 },
	{ "other home agent address", f_other_home, VERDICT_OTHER_HOME, 132 },
	{ "home address is ours", f_hoa_ha, VERDICT_HOA_RESERVED, 129 },
	{ "home address of all routers", f_hoa_router, VERDICT_HOA_RESERVED, 129 },
	{ "home address of all home agents", f_hoa_anycast, VERDICT_HOA_RESERVED, 129 },
	{ "prefix never given out", f_not_allocated, VERDICT_NOT_ALLOCATED, 132 },
	{ "lease is over", f_lease_over, VERDICT_LEASE_OVER, 132 },
	{ "lease ends within a unit", f_lease_ends, VERDICT_LEASE_OVER, 132 },
	{ "care-of address at home", f_coa_home, VERDICT_COA_AT_HOME, 129 },
	{ "care-of address is ours", f_coa_ha, VERDICT_COA_IS_HA, 129 },
	{ "care-of address is bound", f_coa_bound, VERDICT_COA_BOUND, 129 },
	{ "cache full", f_full, VERDICT_TABLE_FULL, 130 },
	{ "node's limit", f_limit, VERDICT_MN_LIMIT, 130 },
};
#define N_FAULTS (sizeof(faults) / sizeof(faults[0]))

static void each_fault_has_its_status(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < N_FAULTS; i++) {
		struct world w;
		struct verdict v;

		good(&w);
		faults[i].fault(&w);
		v = judge(&w);
		if (v.reason != faults[i].reason)
			fail_msg("%s: %s", faults[i].what, verdict_name(v.reason));
		assert_int_equal(verdict_is_drop(v.reason), faults[i].status < 0);
		if (faults[i].status >= 0)
			assert_int_equal(v.status, faults[i].status);
		assert_int_equal(v.lifetime, 0);
	}
}

/* Of two faults the one that the RFC looks at first is named: faults that do not contradict
 * each other, in that order. */
static void the_first_fault_decides(void **state)
{
	static void (*const order[])(struct world *w) = {
		f_source, f_hoa_linklocal, f_coa_linklocal, f_nonce, f_no_auth, f_not_last, f_spi,
		f_mac, f_other_mn, f_timestamp, f_sequence, f_no_home_reg, f_subnet, f_lease_over,
		f_coa_bound, f_full, f_limit,
	};
	unsigned int n = sizeof(order) / sizeof(order[0]);

	(void)state;
	for (unsigned int i = 0; i < n; i++) {
		enum verdict_reason alone;
		struct world w;

		good(&w);
		order[i](&w);
		alone = judge(&w).reason;
		for (unsigned int j = i + 1; j < n; j++) {
			enum verdict_reason both;

			/* Another home agent's prefix has no lease whose key could differ, and
			 * it is the later fault that sets the home address last. */
			if (order[j] == f_subnet &&
			    (order[i] == f_other_mn || order[i] == f_hoa_linklocal))
				continue;
			good(&w);
			order[i](&w);
			order[j](&w);
			both = judge(&w).reason;
			if (both != alone)
				fail_msg("%s: %s", verdict_name(alone), verdict_name(both));
		}
	}
}

static void a_good_one_is_accepted(void **state)
{
	struct world w;
	struct verdict v;

	(void)state;
	good(&w);
	v = judge(&w);
	assert_int_equal(v.reason, VERDICT_REGISTER);
	assert_int_equal(v.status, BA_ACCEPTED);
	assert_int_equal(v.sequence, 100);
	assert_int_equal(v.lifetime, 100);
	assert_true(in6_eq(&v.hoa, &w.ip.hao));
	assert_true(in6_eq(&v.coa, &w.ip.src));
}

static void alternate_care_of_address_counts(void **state)
{
	struct world w;
	struct verdict v;

	(void)state;
	good(&w);
	w.msg.opts.has_alt_coa = true;
	w.msg.opts.alt_coa = addr("2001:db8:3::1");
	v = judge(&w);
	assert_int_equal(v.reason, VERDICT_REGISTER);
	assert_true(in6_eq(&v.coa, &w.msg.opts.alt_coa));
}

/* The authenticator covers both addresses: moving either spoils it. */
static void addresses_are_authenticated(void **state)
{
	struct world w;

	(void)state;
	good(&w);
	assert_int_equal(judge(&w).reason, VERDICT_REGISTER);
	good(&w);
	judge(&w);
	w.sign = false;
	assert_int_equal(auth_key_init(&w.key.auth, SPI, AUTH_HMAC_SHA256_128,
				       "0123456789abcdef", 16), 0);
	w.ip.src.s6_addr[15] ^= 1;
	assert_int_equal(judge(&w).reason, VERDICT_BAD_AUTH);
	good(&w);
	judge(&w);
	w.sign = false;
	assert_int_equal(auth_key_init(&w.key.auth, SPI, AUTH_HMAC_SHA256_128,
				       "0123456789abcdef", 16), 0);
	w.mh[3] ^= 1;
	assert_int_equal(judge(&w).reason, VERDICT_BAD_AUTH);
}

static void lifetime_is_bounded(void **state)
{
	struct world w;
	struct verdict v;

	(void)state;
	good(&w);
	w.msg.u.bu.lifetime = 0xffff;
	v = judge(&w);
	assert_int_equal(v.lifetime, 150);		/* policy: 600 s */
	assert_int_equal(v.status, BA_ACCEPTED);

	good(&w);
	w.in.prefix_left = 43 * USEC_S;
	v = judge(&w);
	assert_int_equal(v.reason, VERDICT_REGISTER);
	assert_int_equal(v.lifetime, 10);		/* lease: 43 s, whole units */
	assert_int_equal(v.status, BA_PREFIX_DISCOVERY);

	/* The prefix ends with the binding, in units (10.3.1), or after it. */
	good(&w);
	w.in.prefix_left = 403 * USEC_S;
	assert_int_equal(judge(&w).status, BA_PREFIX_DISCOVERY);
	good(&w);
	w.in.prefix_left = 404 * USEC_S;
	assert_int_equal(judge(&w).status, BA_ACCEPTED);

	good(&w);
	w.msg.u.bu.lifetime = 1;
	v = judge(&w);
	assert_int_equal(v.reason, VERDICT_REGISTER);
	assert_int_equal(v.lifetime, 1);
}

static void sequence_is_modulo_2_16(void **state)
{
	/* RFC 6275 9.5.1's own example, and the wrap. */
	static const struct { uint16_t last, next; bool ok; } cases[] = {
		{ 15, 16, true }, { 15, 32782, true }, { 15, 15, false }, { 15, 0, false },
		{ 15, 32783, false }, { 15, 65535, false }, { 65535, 0, true },
		{ 65535, 32766, true }, { 65535, 32767, false }, { 32783, 14, true },
		{ 32783, 15, false },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world w;
		struct verdict v;

		good(&w);
		w.in.binding = &w.binding;
		w.binding.sequence = cases[i].last;
		w.msg.u.bu.seq = cases[i].next;
		v = judge(&w);
		assert_int_equal(v.reason, cases[i].ok ? VERDICT_REGISTER : VERDICT_SEQUENCE);
		assert_int_equal(v.sequence, cases[i].ok ? cases[i].next : cases[i].last);
	}
}

/* RFC 4285 6: the fraction goes back, the seconds are ours. */
static void clock_is_told_with_144(void **state)
{
	struct world w;
	struct verdict v;

	(void)state;
	good(&w);
	w.msg.opts.has_mesg_id = true;
	w.msg.opts.mesg_id = NOW_NTP - 3600 * NTP_S + 12345;
	v = judge(&w);
	assert_int_equal(v.status, BA_ID_MISMATCH);
	assert_true(v.mesg_id == NOW_NTP + 12345);

	good(&w);				/* a good one goes back as it came */
	w.in.binding = &w.binding;
	w.binding.timestamp = NOW_NTP - 4 * NTP_S;
	w.msg.opts.has_mesg_id = true;
	w.msg.opts.mesg_id = NOW_NTP - 3 * NTP_S + 12345;
	v = judge(&w);
	assert_int_equal(v.reason, VERDICT_REGISTER);
	assert_true(v.mesg_id == w.msg.opts.mesg_id);

	good(&w);				/* the era ends in 2036 */
	w.key.timestamp_required = true;
	w.in.wall = NTP_S;
	w.in.binding = &w.binding;
	w.binding.timestamp = (uint64_t)0 - 3 * NTP_S;
	w.msg.opts.has_mesg_id = true;
	w.msg.opts.mesg_id = (uint64_t)0 - 2 * NTP_S;
	assert_int_equal(judge(&w).reason, VERDICT_REGISTER);
}

/* Two keys for every host: the second takes nothing from the first, but after it. */
static void a_bound_address_keeps_its_key(void **state)
{
	struct world w;

	(void)state;
	good(&w);
	f_other_key(&w);
	w.in.key_of_binding_stands = false;	/* the old key was taken away */
	assert_int_equal(judge(&w).reason, VERDICT_REGISTER);
	good(&w);
	f_other_key(&w);
	w.binding.state = BINDING_RELEASED;
	assert_int_equal(judge(&w).reason, VERDICT_REGISTER);
	good(&w);
	f_other_key(&w);
	w.key.has_mn = true;			/* the host's own key */
	memcpy(w.key.mn, mac_a, 6);
	assert_int_equal(judge(&w).reason, VERDICT_REGISTER);
}

static void running_bindings_outlive_the_last_call(void **state)
{
	struct world w;

	(void)state;
	good(&w);
	f_no_home_reg(&w);
	w.in.binding = &w.binding;
	assert_int_equal(judge(&w).reason, VERDICT_REGISTER);
	good(&w);
	f_no_home_reg(&w);
	w.in.binding = &w.binding;
	w.binding.state = BINDING_RELEASED;
	assert_int_equal(judge(&w).reason, VERDICT_NO_HOME_REG);
}

/* RFC 6275 6.1.7: what the sender need not set changes nothing. */
static void other_bits_are_ignored(void **state)
{
	struct world w;

	(void)state;
	good(&w);
	w.msg.u.bu.flags = 0xffff;
	assert_int_equal(judge(&w).reason, VERDICT_REGISTER);
	good(&w);
	w.msg.u.bu.flags = BU_HOME;		/* A cleared */
	assert_int_equal(judge(&w).reason, VERDICT_REGISTER);
}

static void deregistration(void **state)
{
	struct world w;
	struct verdict v;

	(void)state;
	good(&w);				/* from elsewhere, lifetime zero */
	w.in.binding = &w.binding;
	w.msg.u.bu.lifetime = 0;
	v = judge(&w);
	assert_int_equal(v.reason, VERDICT_DEREGISTER);
	assert_int_equal(v.status, BA_ACCEPTED);

	good(&w);				/* at home, no option, lifetime not zero */
	w.in.binding = &w.binding;
	w.ip.has_hao = false;
	w.ip.src = w.binding.hoa;
	v = judge(&w);
	assert_int_equal(v.reason, VERDICT_DEREGISTER);
	assert_int_equal(v.lifetime, 0);

	good(&w);				/* at home, care-of address is the home address */
	w.in.binding = &w.binding;
	w.ip.src = w.ip.hao;
	v = judge(&w);
	assert_int_equal(v.reason, VERDICT_DEREGISTER);
}

static void own_key_is_enough(void **state)
{
	struct world w;

	(void)state;
	good(&w);
	w.key.has_mn = true;
	memcpy(w.key.mn, mac_a, 6);
	assert_int_equal(judge(&w).reason, VERDICT_REGISTER);
}

/* ---- IPsec ---- */

/* Nothing but ESP counts, be the authenticator right. */
static void what_came_in_the_clear_is_dropped(void **state)
{
	struct verdict v;
	struct world w;

	(void)state;
	good(&w);
	w.policy.ipsec_required = true;
	v = judge(&w);
	assert_int_equal(v.reason, VERDICT_NOT_PROTECTED);
	assert_true(verdict_is_drop(v.reason));
}

static void protected_world(struct world *w)
{
	good(w);
	w->policy.ipsec_required = true;
	w->in.protected_by_ipsec = true;
	w->sign = false;
	w->msg.opts.mn_ha.present = false;
	w->in.key = NULL;
	w->msg.opts.has_alt_coa = true;
	w->msg.opts.alt_coa = addr("2001:db8:2:200::9");
}

static void what_came_in_esp_needs_no_authenticator(void **state)
{
	struct in6_addr inside = addr("2001:db8:2:200::9");
	struct verdict v;
	struct world w;

	(void)state;
	protected_world(&w);
	v = judge(&w);
	assert_int_equal(v.reason, VERDICT_REGISTER);
	assert_true(in6_eq(&v.coa, &inside));
}

/* RFC 3776 4.1: ESP does not cover where it came from. At home there is nothing to cover. */
static void the_care_of_address_is_inside(void **state)
{
	struct world w;

	(void)state;
	protected_world(&w);
	w.msg.opts.has_alt_coa = false;
	assert_int_equal(judge(&w).reason, VERDICT_NO_ALT_COA);
	assert_true(verdict_is_drop(VERDICT_NO_ALT_COA));
	protected_world(&w);
	w.msg.opts.has_alt_coa = false;
	w.in.binding = &w.binding;
	w.in.key_of_binding_stands = false;
	w.ip.src = w.ip.hao;
	w.ip.has_hao = false;
	w.msg.u.bu.lifetime = 0;
	assert_int_equal(judge(&w).reason, VERDICT_DEREGISTER);
}

/* From the time before: IPsec was not asked for when the home address was bound. */
static void what_a_key_bound_is_moved_in_esp(void **state)
{
	struct world w;

	(void)state;
	protected_world(&w);
	w.in.binding = &w.binding;
	assert_int_equal(judge(&w).reason, VERDICT_REGISTER);
	protected_world(&w);
	w.in.binding = &w.binding;
	w.policy.ipsec_required = w.in.protected_by_ipsec = false;
	w.in.may_be_unauthenticated = true;
	assert_int_equal(judge(&w).reason, VERDICT_NO_AUTH);
}

/* A key that is used all the same must be the right one. */
static void a_wrong_authenticator_in_esp_is_wrong(void **state)
{
	struct world w;

	(void)state;
	good(&w);
	f_mac(&w);
	w.policy.ipsec_required = w.in.protected_by_ipsec = true;
	w.msg.opts.has_alt_coa = true;
	w.msg.opts.alt_coa = w.ip.src;
	assert_int_equal(judge(&w).reason, VERDICT_BAD_AUTH);
}

static void refresh_needs_no_new_entry(void **state)
{
	struct world w;

	(void)state;
	good(&w);
	w.in.binding = &w.binding;
	w.in.cache_full = true;
	w.lease.bindings = 2;
	assert_int_equal(judge(&w).reason, VERDICT_REGISTER);
}

static void names_are_complete(void **state)
{
	(void)state;
	for (enum verdict_reason r = 0; r < VERDICT_MAX; r++) {
		assert_non_null(verdict_name(r));
		assert_non_null(verdict_text(r));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_one_is_accepted),
		cmocka_unit_test(each_fault_has_its_status),
		cmocka_unit_test(the_first_fault_decides),
		cmocka_unit_test(alternate_care_of_address_counts),
		cmocka_unit_test(addresses_are_authenticated),
		cmocka_unit_test(lifetime_is_bounded),
		cmocka_unit_test(sequence_is_modulo_2_16),
		cmocka_unit_test(clock_is_told_with_144),
		cmocka_unit_test(a_bound_address_keeps_its_key),
		cmocka_unit_test(running_bindings_outlive_the_last_call),
		cmocka_unit_test(other_bits_are_ignored),
		cmocka_unit_test(deregistration),
		cmocka_unit_test(own_key_is_enough),
		cmocka_unit_test(what_came_in_the_clear_is_dropped),
		cmocka_unit_test(what_came_in_esp_needs_no_authenticator),
		cmocka_unit_test(the_care_of_address_is_inside),
		cmocka_unit_test(what_a_key_bound_is_moved_in_esp),
		cmocka_unit_test(a_wrong_authenticator_in_esp_is_wrong),
		cmocka_unit_test(refresh_needs_no_new_entry),
		cmocka_unit_test(names_are_complete),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
