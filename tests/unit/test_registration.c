/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registration as a mobile node, or a stranger, sees it: what must not be obeyed is counted by
 * its reason and changes nothing; what an acknowledgement says; no loop, whatever is asked for.
 */
/* links: the home agent without its edges ($(ha_core) in Makefile.am) */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "common/core/log.h"
#include "tests/unit/ha_fake.h"

#define POOL	"2001:db8:1:100::/56"
#define HA	"2001:db8:1:100::1"
#define HOA	"2001:db8:1:101::5"	/* host A's */
#define HOA_2	"2001:db8:1:101::6"
#define OTHER	"2001:db8:1:102::5"	/* host B's */
#define AWAY	"2001:db8:2:200::1"
#define AWAY_2	"2001:db8:3:300::1"
#define NTP_1970	(UINT64_C(2208988800) << 32)

static const uint8_t mac_a[6] = { 2, 0, 0, 0, 0, 0xa }, mac_b[6] = { 2, 0, 0, 0, 0, 0xb };

/* Two hosts have their prefixes; host A has moved with HOA. Key 0 is for every host. */
static void begin(struct fake *f)
{
	fake_start(f, POOL);
	fake_rs(f, 7, mac_a, "::", 255);
	fake_rs(f, 7, mac_b, "::", 255);
	fake_bu(f, &(struct bu){ .src = AWAY, .hoa = HOA, .seq = 10, .lifetime = 100,
				 .key = &f->keys[0] });
	assert_int_equal(ha_bound_count(&f->ha), 1);
	fake_forget_calls(f);
}

struct wanted {
	const char *name;
	uint64_t value;
	bool found;
};

static void look_for(void *ctx, const char *name, uint64_t v)
{
	struct wanted *w = ctx;

	if (strcmp(name, w->name) == 0) {
		w->value = v;
		w->found = true;
	}
}

static uint64_t counter(const struct fake *f, const char *name)
{
	struct wanted w = { .name = name };

	ha_each_counter(&f->ha, look_for, &w);
	if (!w.found)
		fail_msg("no counter %s", name);
	return w.value;
}

/* ---- bad input ---- */

/* key: -1 none, else which of the two; keys[1] is host B's own. status: -1: silence. */
static const struct {
	const char *what, *counter;
	int status, key;
	struct bu bu;
} bad[] = {
	{ "home address multicast", "bu-home-address-unroutable", -1, 0,
	  { .src = AWAY, .hoa = "ff0e::1" } },
	{ "home address link-local", "bu-home-address-unroutable", -1, 0,
	  { .src = AWAY, .hoa = "fe80::5" } },
	{ "home address unspecified", "bu-home-address-unroutable", -1, 0,
	  { .src = AWAY, .hoa = "::" } },
	{ "home address loopback", "bu-home-address-unroutable", -1, 0,
	  { .src = AWAY, .hoa = "::1" } },
	{ "home address of the home agent", "bu-home-address-reserved", 129, 0,
	  { .src = AWAY, .hoa = HA } },
	{ "home address of all routers there", "bu-home-address-reserved", 129, 0,
	  { .src = AWAY, .hoa = "2001:db8:1:102::" } },
	{ "home address of all home agents there", "bu-home-address-reserved", 129, 0,
	  { .src = AWAY, .hoa = "2001:db8:1:102:fdff:ffff:ffff:fffe" } },
	{ "home address of another home agent", "bu-not-home-subnet", 132, 0,
	  { .src = AWAY, .hoa = "2001:db8:9::5" } },
	{ "home address nobody was given", "bu-not-allocated", 132, 0,
	  { .src = AWAY, .hoa = "2001:db8:1:177::5" } },
	{ "home address of another host", "bu-other-mobile-node", 133, 1,
	  { .src = AWAY, .hoa = HOA_2 } },
	{ "home address that another key has bound", "bu-other-mobile-node", 133, 1,
	  { .src = AWAY_2, .hoa = HOA } },
	{ "no home address option", "bu-no-home-address", -1, 0,
	  { .src = HOA, .alt_coa = AWAY } },
	{ "care-of address multicast", "bu-care-of-unroutable", -1, 0,
	  { .src = AWAY, .hoa = HOA, .alt_coa = "ff0e::1" } },
	{ "care-of address link-local", "bu-care-of-unroutable", -1, 0,
	  { .src = AWAY, .hoa = HOA, .alt_coa = "fe80::1" } },
	{ "care-of address loopback", "bu-care-of-unroutable", -1, 0,
	  { .src = AWAY, .hoa = HOA, .alt_coa = "::1" } },
	{ "care-of address unspecified", "bu-care-of-unroutable", -1, 0,
	  { .src = AWAY, .hoa = HOA, .alt_coa = "::" } },
	{ "care-of address of IPv4", "bu-care-of-unroutable", -1, 0,
	  { .src = AWAY, .hoa = HOA, .alt_coa = "::ffff:192.0.2.1" } },
	{ "release of a care-of address that is none", "bu-care-of-unroutable", -1, 0,
	  { .src = AWAY, .hoa = HOA, .alt_coa = "ff0e::1", .lifetime = 0xdead } },
	{ "source multicast", "bu-source", -1, 0, { .src = "ff0e::1", .hoa = HOA } },
	{ "source link-local", "bu-source", -1, 0,
	  { .src = "fe80::5", .hoa = HOA, .alt_coa = AWAY } },
	{ "care-of address of the home agent", "bu-care-of-is-home-agent", 129, 0,
	  { .src = AWAY, .hoa = HOA_2, .alt_coa = HA } },
	{ "care-of address in the home prefix", "bu-care-of-at-home", 129, 0,
	  { .src = AWAY, .hoa = HOA_2, .alt_coa = "2001:db8:1:101::77" } },
	{ "care-of address that is bound", "bu-care-of-is-bound", 129, 0,
	  { .src = AWAY, .hoa = OTHER, .alt_coa = HOA } },
	{ "type 2 routing header", "rx-mh-routing-header", -1, 0,
	  { .src = AWAY, .hoa = HOA_2, .rh2 = true } },
	{ "to another address", "rx-mh-elsewhere", -1, 0,
	  { .src = AWAY, .hoa = HOA_2, .dst = "2001:db8:1:100::2" } },
	{ "nonce indices", "bu-nonce-indices", -1, 0,
	  { .src = AWAY, .hoa = HOA_2, .nonces = true } },
	{ "no home registration", "bu-not-home-registration", -1, 0,
	  { .src = AWAY, .hoa = HOA_2, .flags = BU_ACK } },
	{ "no home registration, with nonces", "bu-nonces", 138, 0,
	  { .src = AWAY, .hoa = HOA_2, .flags = BU_ACK, .nonces = true } },
	{ "no home registration of what is one", "bu-type-change", 139, 0,
	  { .src = AWAY, .hoa = HOA, .flags = BU_ACK, .nonces = true } },
	{ "the number once more", "bu-sequence", 135, 0, { .src = AWAY, .hoa = HOA, .seq = 10 } },
	{ "no authentication", "bu-no-authentication", -1, -1, { .src = AWAY, .hoa = HOA } },
	{ "time stamp from long ago", "bu-timestamp", 144, 0,
	  { .src = AWAY, .hoa = HOA, .mesg_id = 1 } },
	{ "no binding to release", "bu-no-binding", 133, 0,
	  { .src = AWAY, .hoa = "2001:db8:9::5", .lifetime = 0xdead } },
};

/* The binding, the leases and the kernel are what they were. */
static void assert_unchanged(const struct fake *f, const char *what)
{
	const struct in6_addr hoa = addr(HOA), coa = addr(AWAY);
	const struct binding *b = ha_bound_find(&f->ha, &hoa);

	if (!b || !in6_eq(&b->coa, &coa) || f->ha.bcache.n != 1 ||
	    ha_lease_count(&f->ha, LEASE_ATTACHED) != 1 ||
	    ha_lease_count(&f->ha, LEASE_DETACHED) != 1 ||
	    fake_count(f, CALL_DP_SET) + fake_count(f, CALL_DP_DEL) +
	    fake_count(f, CALL_BINDING_STORE) + fake_count(f, CALL_BINDING_FORGET) +
	    fake_count(f, CALL_ATTACH) + fake_count(f, CALL_DETACH) > 0)
		fail_msg("%s changes something", what);
}

static void assert_answer(const struct fake *f, int status, const char *what)
{
	struct ip6_packet ip;
	struct mh_msg msg;

	if (status < 0) {
		if (f->packet_len > 0)
			fail_msg("%s is answered", what);
		return;
	}
	if (!fake_mh(f, &ip, &msg) || msg.type != MH_BA || msg.u.ba.status != status)
		fail_msg("%s is not answered by status %d", what, status);
	assert_true(msg.opts.mn_ha.present);
	assert_int_equal(msg.opts.has_mesg_id, status == BA_ID_MISMATCH);
}

static void bad_input_is_counted_and_changes_nothing(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct bu bu = bad[i].bu;
		struct fake f;
		uint64_t before;

		begin(&f);
		f.keys[1].has_mn = true;
		memcpy(f.keys[1].mn, mac_b, 6);
		bu.key = bad[i].key < 0 ? NULL : &f.keys[bad[i].key];
		bu.seq = bu.seq ? bu.seq : 500;
		bu.lifetime = bu.lifetime == 0xdead ? 0 : 100;
		before = counter(&f, bad[i].counter);
		fake_bu(&f, &bu);
		if (counter(&f, bad[i].counter) != before + 1)
			fail_msg("%s is not counted as %s", bad[i].what, bad[i].counter);
		assert_unchanged(&f, bad[i].what);
		assert_answer(&f, bad[i].status, bad[i].what);
		fake_end(&f);
	}
}

/* RFC 6275 6.3: once in a packet, and 16 octets long. */
static void home_address_options(void **state)
{
	uint8_t room[512], twice[512];
	struct fake f;
	size_t len;

	(void)state;
	begin(&f);
	len = bu_packet(&(struct bu){ .src = AWAY, .hoa = HOA, .seq = 500, .key = &f.keys[0] },
			room, sizeof(room));
	assert_int_equal(room[6], IP6_NH_DSTOPTS);
	memcpy(twice, room, 64);
	memcpy(twice + 64, room + 40, len - 40);
	twice[40] = IP6_NH_DSTOPTS;
	twice[5] = (uint8_t)(len + 24 - 40);
	ha_rx_mh(&f.ha, twice, len + 24, f.now);
	assert_int_equal(counter(&f, "drop-mh-ip6-home-address-option"), 1);
	assert_unchanged(&f, "a second Home Address option");

	room[47] = 15;
	ha_rx_mh(&f.ha, room, len, f.now);
	assert_int_equal(counter(&f, "drop-mh-ip6-home-address-option"), 2);
	assert_unchanged(&f, "a short Home Address option");
	assert_int_equal(f.packet_len, 0);
	fake_end(&f);
}

/* Two hosts, each with a key for every host, want the same home address. */
static void two_mobile_nodes_claim_one_address(void **state)
{
	const struct in6_addr hoa = addr(HOA), coa = addr(AWAY);
	struct fake f;

	(void)state;
	begin(&f);
	fake_bu(&f, &(struct bu){ .src = AWAY_2, .hoa = HOA, .seq = 11, .lifetime = 100,
				  .key = &f.keys[1] });
	assert_int_equal(fake_ba(&f, &f.keys[1], AWAY_2, HOA).status, BA_PROHIBITED);
	assert_int_equal(counter(&f, "bu-other-key"), 1);
	assert_unchanged(&f, "another key");
	/* Nor may it end what it has not begun, nor spoil the number. */
	fake_bu(&f, &(struct bu){ .src = AWAY_2, .hoa = HOA, .seq = 11, .lifetime = 0,
				  .key = &f.keys[1] });
	assert_true(in6_eq(&ha_bound_find(&f.ha, &hoa)->coa, &coa));
	fake_bu(&f, &(struct bu){ .src = AWAY, .hoa = HOA, .seq = 11, .lifetime = 100,
				  .key = &f.keys[0] });
	assert_int_equal(fake_ba(&f, &f.keys[0], AWAY, HOA).status, BA_ACCEPTED);
	fake_end(&f);
}

/* ---- Home Address options in packets that are no Mobility Headers ---- */

static size_t hao_packet(const char *src, const char *hoa, uint8_t next_header, uint8_t first,
			 uint8_t *room, size_t cap)
{
	struct ip6_packet ip = {
		.src = addr(src), .dst = addr(HA), .hop_limit = 64, .has_hao = true,
		.hao = addr(hoa), .next_header = next_header,
	};
	struct wbuf w;

	wb_init(&w, room, cap);
	ip6_encode(&w, &ip);
	wb_u8(&w, first);
	wb_zero(&w, 7);
	ip6_finish(&w, 0);
	assert_false(w.err);
	return w.len;
}

/* RFC 6275 9.3.1, 9.3.3. */
static void home_address_without_a_binding(void **state)
{
	static const struct {
		const char *src, *hoa;
		uint8_t next_header, first;
		bool counted, answered;
	} cases[] = {
		{ AWAY, "2001:db8:1:101::7", 17, 0, true, true },	/* nothing bound */
		{ AWAY_2, HOA, 17, 0, true, true },			/* bound elsewhere */
		{ AWAY_2, HOA, IP6_NH_ICMP6, ICMP6_MPS, true, true },
		{ AWAY, "ff0e::1", 17, 0, true, true },			/* no unicast address */
		{ "fe80::1", HOA, 17, 0, true, false },			/* nobody to answer */
		{ "ff0e::1", HOA, 17, 0, true, false },
		{ AWAY_2, HOA, MH_NEXT_HEADER, 0, false, false },
		{ AWAY_2, HOA, IP6_NH_ESP, 0, false, false },
		{ AWAY_2, HOA, IP6_NH_AH, 0, false, false },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct in6_addr hoa = addr(cases[i].hoa), src = addr(cases[i].src);
		struct ip6_packet ip;
		struct mh_msg msg;
		uint8_t room[256];
		struct fake f;
		size_t len;

		begin(&f);
		len = hao_packet(cases[i].src, cases[i].hoa, cases[i].next_header, cases[i].first,
				 room, sizeof(room));
		ha_rx_hao(&f.ha, room, len, f.now);
		assert_int_equal(counter(&f, "home-address-unbound"), cases[i].counted);
		assert_int_equal(fake_mh(&f, &ip, &msg), cases[i].answered);
		if (cases[i].answered) {
			assert_int_equal(msg.type, MH_BE);
			assert_int_equal(msg.u.be.status, BE_UNKNOWN_HAO);
			assert_true(in6_eq(&msg.u.be.hoa, &hoa));
			assert_true(in6_eq(&ip.dst, &src) && !ip.has_rh2);
		}
		assert_unchanged(&f, "a Home Address option");
		fake_end(&f);
	}
}

/* The binding is there: but only mobile prefix discovery comes without the tunnel. */
static void home_address_with_its_binding(void **state)
{
	struct ip6_packet ip;
	uint8_t room[256];
	struct fake f;
	size_t len;

	(void)state;
	begin(&f);
	len = hao_packet(AWAY, HOA, IP6_NH_ICMP6, ICMP6_MPS, room, sizeof(room));
	ha_rx_hao(&f.ha, room, len, f.now);
	assert_int_equal(f.packet_len, 0);
	len = hao_packet(AWAY, HOA, 17, 0, room, sizeof(room));
	ha_rx_hao(&f.ha, room, len, f.now);
	assert_int_equal(counter(&f, "home-address-bound"), 2);
	assert_int_equal(ip6_decode(f.packet, f.packet_len, &ip), IP6_OK);
	assert_int_equal(ip.next_header, IP6_NH_ICMP6);
	assert_int_equal(f.packet[40], 4);		/* parameter problem, */
	assert_int_equal(f.packet[41], 2);		/* an option that is not known */
	assert_int_equal(room[f.packet[47]], IP6_OPT_HAO);
	/* To another address, or cut: not ours. */
	fake_forget_calls(&f);
	for (size_t n = 0; n < len; n++)
		ha_rx_hao(&f.ha, room, n, f.now);
	room[39] = 2;
	ha_rx_hao(&f.ha, room, len, f.now);
	assert_int_equal(f.n_calls, 0);
	for (unsigned int i = 0; i < 100; i++) {
		room[39] = 1;
		ha_rx_hao(&f.ha, room, len, f.now);
	}
	assert_true(fake_count(&f, CALL_SEND_ROUTED) < HA_ERROR_BURST);
	fake_end(&f);
}

/* ---- what is right ---- */

static void every_lifetime(void **state)
{
	static const struct { uint16_t asked, granted; } cases[] = {
		{ 1, 1 }, { 2, 2 }, { 149, 149 }, { 150, 150 }, { 151, 150 }, { 65535, 150 },
	};
	const struct in6_addr hoa = addr(HOA);
	struct fake f;
	uint16_t seq = 10;

	(void)state;
	begin(&f);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mh_ba ba;

		fake_bu(&f, &(struct bu){ .src = AWAY, .hoa = HOA, .seq = ++seq, .key = &f.keys[0],
					  .lifetime = cases[i].asked });
		ba = fake_ba(&f, &f.keys[0], AWAY, HOA);
		assert_int_equal(ba.status, BA_ACCEPTED);
		assert_int_equal(ba.lifetime, cases[i].granted);
		assert_int_equal(ba.seq, seq);
	}
	fake_bu(&f, &(struct bu){ .src = AWAY, .hoa = HOA, .seq = ++seq, .lifetime = 1,
				  .key = &f.keys[0] });
	fake_run(&f, 4 * USEC_S - 1);
	assert_non_null(ha_bound_find(&f.ha, &hoa));
	fake_run(&f, 1);
	assert_null(ha_bound_find(&f.ha, &hoa));
	fake_end(&f);
}

/* RFC 6275 10.3.2: from away and from home, with and without the option, and whether or not
 * an acknowledgement was asked for (10.3.1: one is sent). */
static void deregistration_of_each_kind(void **state)
{
	static const struct { const char *src, *hoa, *coa; uint16_t lifetime; } cases[] = {
		{ AWAY, HOA, AWAY, 0 }, { AWAY_2, HOA, AWAY_2, 0 }, { HOA, HOA, HOA, 0 },
		{ HOA, HOA, HOA, 100 }, { HOA, NULL, HOA, 0 }, { HOA, NULL, HOA, 100 },
	};

	(void)state;
	for (unsigned int i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		struct bu bu = {
			.src = cases[i / 2].src, .hoa = cases[i / 2].hoa, .seq = 11,
			.lifetime = cases[i / 2].lifetime,
			.flags = i % 2 ? BU_HOME : BU_HOME | BU_ACK,
		};
		struct in6_addr hoa = addr(HOA);
		struct ip6_packet ip;
		struct mh_msg msg;
		struct mh_ba ba;
		struct fake f;

		begin(&f);
		bu.key = &f.keys[0];
		fake_bu(&f, &bu);
		ba = fake_ba(&f, &f.keys[0], cases[i / 2].coa, HOA);
		assert_int_equal(ba.status, BA_ACCEPTED);
		assert_int_equal(ba.seq, 11);
		assert_int_equal(ba.lifetime, 0);
		assert_int_equal(ba.flags, 0);
		/* RFC 6275 9.5.4: no routing header towards the home address itself. */
		assert_true(fake_mh(&f, &ip, &msg));
		assert_int_equal(ip.has_rh2, strcmp(bu.src, HOA) != 0);
		assert_null(ha_bound_find(&f.ha, &hoa));
		assert_int_equal(fake_count(&f, CALL_DP_DEL), 1);
		assert_int_equal(fake_count(&f, CALL_BINDING_FORGET), 1);
		fake_end(&f);
	}
}

/* RFC 6275 10.3.2: a host on its link hears what it did wrong, by its link: the route to its
 * home address still leads away. */
static void refusals_reach_a_host_at_home(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	fake_bu(&f, &(struct bu){ .src = HOA, .seq = 10, .lifetime = 0, .key = &f.keys[0] });
	assert_int_equal(fake_ba(&f, &f.keys[0], HOA, HOA).status, BA_SEQ_OUT_OF_WINDOW);
	assert_int_equal(fake_count(&f, CALL_SEND_LINK), 1);
	assert_int_equal(fake_count(&f, CALL_SEND_ROUTED), 0);
	assert_memory_equal(f.packet_mac, mac_a, 6);
	/* And what it did right, though nobody knew that it was back. */
	fake_bu(&f, &(struct bu){ .src = HOA, .seq = 11, .lifetime = 0, .key = &f.keys[0] });
	assert_int_equal(fake_ba(&f, &f.keys[0], HOA, HOA).status, BA_ACCEPTED);
	assert_int_equal(fake_count(&f, CALL_SEND_LINK), 2);
	assert_int_equal(ha_lease_count(&f.ha, LEASE_ATTACHED), 2);
	fake_end(&f);
}

/* RFC 4285 6. */
static void time_stamps(void **state)
{
	const uint64_t second = UINT64_C(1) << 32;
	struct ip6_packet ip;
	struct mh_msg msg;
	struct fake f;
	struct bu bu = { .src = AWAY, .hoa = HOA, .seq = 11, .lifetime = 100 };

	(void)state;
	begin(&f);
	f.keys[0].timestamp_required = true;
	f.keys[0].timestamp_window = HA_TIMESTAMP_WINDOW;
	f.wall_us = 1500000;
	bu.key = &f.keys[0];
	fake_bu(&f, &bu);
	assert_int_equal(fake_ba(&f, &f.keys[0], AWAY, HOA).status, BA_MESG_ID_REQUIRED);
	assert_int_equal(counter(&f, "bu-no-timestamp"), 1);

	bu.mesg_id = NTP_1970 + second;
	fake_bu(&f, &bu);
	assert_int_equal(fake_ba(&f, &f.keys[0], AWAY, HOA).status, BA_ACCEPTED);
	assert_true(fake_mh(&f, &ip, &msg));
	assert_true(msg.opts.has_mesg_id && msg.opts.mesg_id == NTP_1970 + second);

	bu.seq = 12;				/* a newer number does not make it newer */
	fake_bu(&f, &bu);
	assert_int_equal(fake_ba(&f, &f.keys[0], AWAY, HOA).status, BA_ID_MISMATCH);
	bu.mesg_id = NTP_1970 + 10 * second + 77;
	fake_bu(&f, &bu);
	assert_int_equal(fake_ba(&f, &f.keys[0], AWAY, HOA).status, BA_ID_MISMATCH);
	assert_true(fake_mh(&f, &ip, &msg));
	assert_true(msg.opts.mesg_id == NTP_1970 + second + 77);
	assert_int_equal(counter(&f, "bu-timestamp"), 2);
	fake_end(&f);
}

/* RFC 6275 6.2.4, 10.3.1: in what is accepted, and shorter than what is granted. */
static void refresh_is_advised(void **state)
{
	static const struct { uint16_t asked; bool advised; } cases[] = {
		{ 100, true }, { 76, true }, { 75, false }, { 10, false }, { 0, false },
	};
	struct ip6_packet ip;
	struct mh_msg msg;
	struct fake f;
	uint16_t seq = 10;

	(void)state;
	begin(&f);
	f.cfg.binding_refresh = 300 * USEC_S;
	assert_null(ha_config_check(&f.cfg));
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_bu(&f, &(struct bu){ .src = AWAY, .hoa = HOA, .seq = ++seq, .key = &f.keys[0],
					  .lifetime = cases[i].asked });
		assert_int_equal(fake_ba(&f, &f.keys[0], AWAY, HOA).status, BA_ACCEPTED);
		assert_true(fake_mh(&f, &ip, &msg));
		assert_int_equal(msg.opts.has_refresh_advice, cases[i].advised);
		if (cases[i].advised)
			assert_int_equal(msg.opts.refresh_advice, 75);
	}
	fake_bu(&f, &(struct bu){ .src = AWAY, .hoa = HOA, .seq = seq, .lifetime = 100,
				  .key = &f.keys[0] });
	assert_true(fake_mh(&f, &ip, &msg));
	assert_int_equal(msg.u.ba.status, BA_SEQ_OUT_OF_WINDOW);
	assert_false(msg.opts.has_refresh_advice);
	f.cfg.binding_refresh = f.cfg.binding_lifetime;
	assert_non_null(ha_config_check(&f.cfg));
	fake_end(&f);
}

/* ---- without a key, where the configuration allows it ---- */

static void insecure(struct fake *f)
{
	fake_config(f, POOL);
	f->cfg.homes[0].unauthenticated = true;
	f->keys[1].has_mn = true;
	memcpy(f->keys[1].mn, mac_b, 6);
	fake_begin(f);
	fake_link(f, 7, "lan0", "fe80::1");
	fake_rs(f, 7, mac_a, "::", 255);
	fake_rs(f, 7, mac_b, "::", 255);
	fake_forget_calls(f);
}

static void without_a_key_where_it_is_allowed(void **state)
{
	const struct in6_addr hoa = addr(HOA);
	struct ip6_packet ip;
	struct mh_msg msg;
	struct fake f;

	(void)state;
	insecure(&f);
	assert_ptr_equal(ha_config_insecure(&f.cfg), &f.cfg.homes[0]);
	fake_bu(&f, &(struct bu){ .src = AWAY, .hoa = HOA, .seq = 1, .lifetime = 100 });
	assert_true(fake_mh(&f, &ip, &msg));
	assert_int_equal(msg.type, MH_BA);
	assert_int_equal(msg.u.ba.status, BA_ACCEPTED);
	assert_false(msg.opts.mn_ha.present);
	assert_int_equal(f.binding.spi, 0);
	assert_non_null(ha_bound_find(&f.ha, &hoa));

	/* Every other check is as ever. */
	fake_bu(&f, &(struct bu){ .src = AWAY_2, .hoa = HOA, .seq = 1, .lifetime = 100 });
	assert_true(fake_mh(&f, &ip, &msg));
	assert_int_equal(msg.u.ba.status, BA_SEQ_OUT_OF_WINDOW);
	/* A key that is wrong is no way around. */
	f.packet_len = 0;
	f.keys[0].auth.spi = 999;
	fake_bu(&f, &(struct bu){ .src = AWAY_2, .hoa = HOA, .seq = 2, .lifetime = 100,
				  .key = &f.keys[0] });
	assert_int_equal(f.packet_len, 0);
	f.keys[0].auth.spi = SPI;
	/* Whoever has a key may take it, and then it is needed. */
	fake_bu(&f, &(struct bu){ .src = AWAY_2, .hoa = HOA, .seq = 2, .lifetime = 100,
				  .key = &f.keys[0] });
	assert_int_equal(fake_ba(&f, &f.keys[0], AWAY_2, HOA).status, BA_ACCEPTED);
	f.packet_len = 0;
	fake_bu(&f, &(struct bu){ .src = AWAY, .hoa = HOA, .seq = 3, .lifetime = 100 });
	fake_bu(&f, &(struct bu){ .src = AWAY, .hoa = HOA, .seq = 3, .lifetime = 0 });
	assert_int_equal(f.packet_len, 0);
	assert_int_equal(counter(&f, "bu-no-authentication"), 2);
	/* Host B has its own key, and is not heard without. */
	fake_bu(&f, &(struct bu){ .src = AWAY, .hoa = OTHER, .seq = 1, .lifetime = 100 });
	assert_int_equal(f.packet_len, 0);
	assert_int_equal(counter(&f, "bu-no-authentication"), 3);
	fake_end(&f);
}

/* Refusals for strangers are limited, as errors are. */
static void refusals_without_a_key_are_limited(void **state)
{
	struct fake f;

	(void)state;
	insecure(&f);
	for (uint16_t i = 0; i < 100; i++)
		fake_bu(&f, &(struct bu){ .src = AWAY, .hoa = "2001:db8:1:177::5", .seq = i,
					  .lifetime = 100 });
	assert_int_equal(fake_count(&f, CALL_SEND_ROUTED), HA_ERROR_BURST);
	fake_end(&f);
}

static void they_are_restored_while_it_is_allowed(void **state)
{
	const struct in6_addr hoa = addr(HOA);
	struct ha_binding_record kept;
	struct ha_lease_record lease;
	struct fake f;

	(void)state;
	insecure(&f);
	fake_bu(&f, &(struct bu){ .src = AWAY, .hoa = HOA, .seq = 1, .lifetime = 100 });
	kept = f.binding;
	lease = f.lease;
	memcpy(lease.mac, mac_a, 6);
	assert_int_equal(in6_prefix_parse("2001:db8:1:101::/64", &lease.prefix), 0);
	fake_end(&f);
	for (unsigned int allowed = 0; allowed < 2; allowed++) {
		fake_config(&f, POOL);
		f.cfg.homes[0].unauthenticated = allowed;
		fake_begin(&f);
		assert_int_equal(ha_restore_lease(&f.ha, &lease, f.now), 0);
		assert_int_equal(ha_restore_binding(&f.ha, &kept, f.now), allowed ? 0 : -EINVAL);
		assert_int_equal(ha_bound_find(&f.ha, &hoa) != NULL, allowed);
		fake_end(&f);
	}
}

/* What the kernel cannot do has its status, and the binding stays. */
static void data_path_refuses(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	f.dp_error = -EIO;
	fake_bu(&f, &(struct bu){ .src = AWAY_2, .hoa = HOA, .seq = 11, .lifetime = 100,
				  .key = &f.keys[0] });
	assert_int_equal(fake_ba(&f, &f.keys[0], AWAY_2, HOA).status, BA_UNSPECIFIED);
	assert_int_equal(counter(&f, "bu-data-path"), 1);
	fake_end(&f);
}

static uint32_t next_random(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

/* Follows the bindings from an address: true when that comes to an end. */
static bool ends(const struct ha *ha, struct in6_addr a)
{
	for (unsigned int steps = 0; steps < 16; steps++) {
		const struct binding *b = ha_bound_find(ha, &a);

		if (!b)
			return true;
		a = b->coa;
	}
	return false;
}

/* Home addresses of two hosts that ask to be each other's care-of address in every order:
 * longer chains too, and care-of addresses that become home addresses later. */
static void no_order_of_updates_makes_a_loop(void **state)
{
	static const char *const addrs[] = {
		HOA, HOA_2, OTHER, "2001:db8:1:102::6", "2001:db8:1:103::5", AWAY, AWAY_2,
	};
	static const uint8_t mac_c[6] = { 2, 0, 0, 0, 0, 0xc };
	unsigned int accepted = 0;
	uint32_t x = 2463534242u;
	struct fake f;

	(void)state;
	begin(&f);
	fake_rs(&f, 7, mac_c, "::", 255);
	for (uint16_t seq = 11; seq < 3000; seq++) {
		unsigned int hoa = next_random(&x) % 5, coa = next_random(&x) % 7;

		fake_forget_calls(&f);
		fake_bu(&f, &(struct bu){
			.src = AWAY, .alt_coa = addrs[coa], .hoa = addrs[hoa], .seq = seq,
			.lifetime = next_random(&x) % 5 == 0 ? 0 : 100, .key = &f.keys[0],
		});
		for (unsigned int i = 0; i < 5; i++)
			assert_true(ends(&f.ha, addr(addrs[i])));
	}
	for (enum verdict_reason r = VERDICT_REGISTER; r <= VERDICT_DEREGISTER; r++)
		accepted += (unsigned int)f.ha.verdicts[r];
	assert_true(accepted > 500 && f.ha.verdicts[VERDICT_COA_BOUND] > 100);
	fake_end(&f);
}

/* Nor one that is made while duplicate address detection still runs for the other half. */
static void no_loop_with_one_that_is_tested(void **state)
{
	static const char *const shared = "2001:db8:4:400::77";
	struct ha_home_config *h;
	struct fake f;

	(void)state;
	fake_config(&f, POOL);
	h = &f.cfg.homes[f.cfg.n_homes++];
	memcpy(h->interface, "lan1", 5);
	h->mode = HOME_SHARED;
	assert_int_equal(in6_prefix_parse("2001:db8:4:400::/64", &h->prefix), 0);
	assert_null(ha_config_check(&f.cfg));
	fake_begin(&f);
	fake_link(&f, 7, "lan0", "fe80::1");
	fake_link(&f, 8, "lan1", "fe80::1");
	fake_rs(&f, 7, mac_a, "::", 255);
	fake_bu(&f, &(struct bu){ .src = AWAY, .hoa = shared, .alt_coa = HOA, .seq = 1,
				  .lifetime = 100, .key = &f.keys[0],
				  .dst = "2001:db8:4:400::1" });
	assert_int_equal(ha_bound_count(&f.ha), 0);
	fake_bu(&f, &(struct bu){ .src = AWAY, .hoa = HOA, .alt_coa = shared, .seq = 1,
				  .lifetime = 100, .key = &f.keys[0] });
	fake_run(&f, 5 * USEC_S);
	assert_true(ends(&f.ha, addr(shared)) && ends(&f.ha, addr(HOA)));
	assert_int_equal(f.ha.verdicts[VERDICT_COA_BOUND], 1);
	assert_int_equal(ha_bound_count(&f.ha), 1);
	fake_end(&f);
}

static int quiet(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_input_is_counted_and_changes_nothing),
		cmocka_unit_test(home_address_options),
		cmocka_unit_test(two_mobile_nodes_claim_one_address),
		cmocka_unit_test(home_address_without_a_binding),
		cmocka_unit_test(home_address_with_its_binding),
		cmocka_unit_test(every_lifetime),
		cmocka_unit_test(deregistration_of_each_kind),
		cmocka_unit_test(refusals_reach_a_host_at_home),
		cmocka_unit_test(time_stamps),
		cmocka_unit_test(refresh_is_advised),
		cmocka_unit_test(without_a_key_where_it_is_allowed),
		cmocka_unit_test(refusals_without_a_key_are_limited),
		cmocka_unit_test(they_are_restored_while_it_is_allowed),
		cmocka_unit_test(data_path_refuses),
		cmocka_unit_test(no_order_of_updates_makes_a_loop),
		cmocka_unit_test(no_loop_with_one_that_is_tested),
	};

	return cmocka_run_group_tests_name("registration", tests, quiet, NULL);
}
