/* SPDX-License-Identifier: BSD-2-Clause */
/* links: the mobile node without its edges ($(mn_core) in Makefile.am) */
/*
 * What arrives at a mobile node that nobody signed, or that cannot be read: Binding Errors,
 * ICMPv6 errors about its Binding Updates, Mobility Headers of a wrong form
 * (RFC 6275 9.2, 11.3.5, 11.3.6); and what is signed by the wrong one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/wire/reject.h"
#include "tests/unit/mn_fake.h"

static struct in6_addr hoa_addr, coa_addr, ha_addr;

/* Bound from router 2 to router 1, and a Binding Update is under way if `asking`. */
static void begin(struct world *w, bool asking)
{
	hoa_addr = kernel_addr(1);
	coa_addr = kernel_addr(2);
	ha_addr = ha_of(1);
	if (asking) {
		attached(w);
		flow(w, &hoa_addr);
		move_link_to(w, 2);
		assert_string_equal(state_of(w, &hoa_addr), "registering");
	} else {
		away(w);
		forget(w);
	}
}

static void binding_error(struct world *w, const struct in6_addr *from, uint8_t status,
			  const struct in6_addr *about)
{
	struct ip6_packet offending = { .src = coa_addr, .dst = *from, .has_hao = true,
					.hao = *about };
	uint8_t room[REJECT_MAX];
	struct wbuf b;

	wb_init(&b, room, sizeof(room));
	assert_int_equal(reject_binding_error(&b, &offending, (enum mh_be_status)status), 0);
	mn_rx_mh(&w->mn, room, b.len, w->now);
}

static const char *reason_of(const struct world *w)
{
	return mn_find_anchor(&w->mn, &hoa_addr)->reason;
}

/* --- Binding Errors ------------------------------------------------------------------- */

static void unknown_binding_is_registered_again(void **state)
{
	struct world *w = *state;

	begin(w, false);
	binding_error(w, &ha_addr, BE_UNKNOWN_HAO, &hoa_addr);
	assert_string_equal(state_of(w, &hoa_addr), "refreshing");
	assert_int_equal(count(w, SENT_BU), 1);
	assert_int_equal(w->log[where(w, SENT_BU, &hoa_addr)].lifetime_s, 600);
	grant(w, &hoa_addr);
	/* A flood of them, which anybody can send, is of no use to him. */
	forget(w);
	for (int n = 0; n < 1000; n++)
		binding_error(w, &ha_addr, BE_UNKNOWN_HAO, &hoa_addr);
	assert_int_equal(count(w, SENT_BU), 0);
	after(w, 10 * S);
	binding_error(w, &ha_addr, BE_UNKNOWN_HAO, &hoa_addr);
	assert_int_equal(count(w, SENT_BU), 1);
}

static void binding_errors_of_others_are_ignored(void **state)
{
	struct in6_addr other = ha_of(2), elsewhere = kernel_addr(3);
	struct world *w = *state;

	begin(w, false);
	binding_error(w, &other, BE_UNKNOWN_HAO, &hoa_addr);
	binding_error(w, &ha_addr, BE_UNKNOWN_HAO, &elsewhere);
	binding_error(w, &ha_addr, 77, &hoa_addr);
	assert_int_equal(w->mn.counters[MN_C_BE_UNKNOWN], 2);
	assert_int_equal(w->mn.counters[MN_C_BE], 3);
	assert_string_equal(state_of(w, &hoa_addr), "bound");
	assert_int_equal(w->n, 0);
}

/* RFC 6275 11.3.6: status 2 is only of interest while an answer is awaited. */
static void unknown_type_explains_the_silence(void **state)
{
	struct world *w = *state;

	begin(w, false);
	binding_error(w, &ha_addr, BE_UNKNOWN_MH_TYPE, &hoa_addr);
	assert_string_equal(state_of(w, &hoa_addr), "bound");
	assert_int_equal(w->n, 0);
	move_link_to(w, 3);
	coa_addr = kernel_addr(3);
	binding_error(w, &ha_addr, BE_UNKNOWN_MH_TYPE, &hoa_addr);
	assert_string_equal(state_of(w, &hoa_addr), "registering");
	for (int n = 0; n < 100 && strcmp(state_of(w, &hoa_addr), "refused") != 0; n++)
		after(w, 1 * S);
	assert_string_equal(state_of(w, &hoa_addr), "refused");
	assert_non_null(strstr(reason_of(w), "does not know Binding Updates"));
}

/* RFC 6275 9.3.3: whose packet had no Home Address option is told none. */
static void unknown_type_without_a_home_address(void **state)
{
	struct in6_addr none = in6addr_any, other = ha_of(2);
	struct world *w = *state;

	begin(w, true);
	binding_error(w, &other, BE_UNKNOWN_MH_TYPE, &none);
	binding_error(w, &ha_addr, BE_UNKNOWN_HAO, &none);
	assert_string_equal(mn_find_anchor(&w->mn, &hoa_addr)->hint, "");
	assert_int_equal(w->mn.counters[MN_C_BE_UNKNOWN], 2);
	binding_error(w, &ha_addr, BE_UNKNOWN_MH_TYPE, &none);
	after(w, 5 * S);
	assert_string_equal(state_of(w, &hoa_addr), "refused");
}

/* --- ICMPv6 errors ---------------------------------------------------------------------- */

static void icmp6_error(struct world *w, const struct in6_addr *from, uint8_t type, uint8_t code,
			const uint8_t *about, size_t len)
{
	const struct icmp6_error e = {
		.from = *from, .to = coa_addr, .type = type, .code = code, .about = about,
		.about_len = len,
	};
	uint8_t room[REJECT_MAX];
	struct wbuf b;

	wb_init(&b, room, sizeof(room));
	assert_int_equal(reject_icmp6(&b, &e), 0);
	mn_rx_update_error(&w->mn, room, b.len, w->now);
}

static void no_route_is_told(void **state)
{
	struct in6_addr router = prefix_of(7);
	struct world *w = *state;
	char words[512];

	begin(w, true);
	icmp6_error(w, &router, ICMP6_UNREACHABLE, 0, w->sent, w->sent_len);
	assert_int_equal(w->mn.counters[MN_C_UPDATE_ERROR], 1);
	assert_string_equal(w->event, "hint");
	assert_string_equal(state_of(w, &hoa_addr), "registering");	/* others may know better */
	for (int n = 0; n < 100 && strcmp(state_of(w, &hoa_addr), "unreachable") != 0; n++)
		after(w, 1 * S);
	assert_false(mn_health(&w->mn, words, sizeof(words)));
	assert_non_null(strstr(words, "no route to it"));
	grant(w, &hoa_addr);
	assert_string_equal(state_of(w, &hoa_addr), "bound");
	assert_true(mn_health(&w->mn, words, sizeof(words)));
}

static void node_without_mobile_ip(void **state)
{
	static const char *const words[] = { "wrong", "Mobility Header", "Home Address option" };
	struct world *w = *state;

	for (uint8_t code = 0; code < 3; code++) {
		teardown(state);
		setup(state);
		begin(w, true);
		icmp6_error(w, &ha_addr, ICMP6_PARAM_PROBLEM, code, w->sent, w->sent_len);
		assert_int_equal(w->mn.counters[MN_C_UPDATE_ERROR], 1);
		for (int n = 0; n < 100 && strcmp(state_of(w, &hoa_addr), "refused") != 0; n++)
			after(w, 1 * S);
		assert_string_equal(state_of(w, &hoa_addr), "refused");
		assert_non_null(strstr(reason_of(w), words[code]));
	}
}

/* Any octet of the quoted Binding Update that is not right, and it is no quotation. */
static void forged_errors_are_ignored(void **state)
{
	struct in6_addr router = prefix_of(7);
	struct world *w = *state;
	uint8_t quoted[512], room[REJECT_MAX];
	size_t len;
	struct ba ba;

	begin(w, true);
	len = w->sent_len;
	memcpy(quoted, w->sent, len);
	for (size_t n = 0; n < len; n++) {
		/* Traffic class, flow label and hop limit, which routers may change; padding. */
		if (n < 4 || n == 7 || (n >= 42 && n < 46))
			continue;
		quoted[n] ^= 0x11;
		icmp6_error(w, &ha_addr, ICMP6_PARAM_PROBLEM, 1, quoted, len);
		quoted[n] ^= 0x11;
	}
	for (size_t n = 0; n < len; n++)
		icmp6_error(w, &ha_addr, ICMP6_PARAM_PROBLEM, 1, quoted, n);
	/* Only the home agent itself can say what it does not know. */
	icmp6_error(w, &router, ICMP6_PARAM_PROBLEM, 1, quoted, len);
	icmp6_error(w, &router, ICMP6_TOO_BIG, 0, quoted, len);
	mn_rx_update_error(&w->mn, "x", 1, w->now);
	assert_int_equal(w->mn.counters[MN_C_UPDATE_ERROR], 0);
	assert_string_equal(mn_find_anchor(&w->mn, &hoa_addr)->hint, "");
	/* Another's answer. */
	ba = answer(w, &hoa_addr);
	len = make_ba(room, sizeof(room), &ba);
	icmp6_error(w, &ha_addr, ICMP6_PARAM_PROBLEM, 1, room, len);
	assert_int_equal(w->mn.counters[MN_C_UPDATE_ERROR], 0);
}

static void late_errors_end_no_binding(void **state)
{
	struct world *w = *state;
	uint8_t quoted[512];
	size_t len;

	begin(w, true);
	len = w->sent_len;
	memcpy(quoted, w->sent, len);
	grant(w, &hoa_addr);
	icmp6_error(w, &ha_addr, ICMP6_PARAM_PROBLEM, 1, quoted, len);
	icmp6_error(w, &ha_addr, ICMP6_UNREACHABLE, 3, quoted, len);
	after(w, 100 * S);
	assert_string_equal(state_of(w, &hoa_addr), "bound");
	assert_string_equal(reason_of(w), "");
}

/* --- about what was tunnelled ----------------------------------------------------------- */

/* An ICMPv6 error about a packet of the flow in its tunnel. */
static void tunnel_error(struct world *w, const struct in6_addr *from, uint8_t type, uint8_t code)
{
	struct ip6_packet outer = { .src = coa_addr, .dst = ha_addr, .hop_limit = 64,
				    .next_header = IP6_NH_TUNNEL };
	struct ip6_packet inner = { .src = hoa_addr, .dst = prefix_of(9), .hop_limit = 64,
				    .next_header = IP6_NH_NONE };
	uint8_t packet[128], room[REJECT_MAX];
	struct icmp6_error e = {
		.from = *from, .to = coa_addr, .type = type, .code = code, .about = packet,
	};
	struct wbuf b;

	wb_init(&b, packet, sizeof(packet));
	ip6_encode(&b, &outer);
	ip6_encode(&b, &inner);
	ip6_finish(&b, IP6_HDR_LEN);
	ip6_finish(&b, 0);
	e.about_len = b.len;
	wb_init(&b, room, sizeof(room));
	assert_int_equal(reject_icmp6(&b, &e), 0);
	mn_rx_tunnel_error(&w->mn, room, b.len, w->now);
}

/* A home agent that has lost its bindings is not left so until the next refresh. */
static void tunnel_that_is_refused_is_made_sure_of(void **state)
{
	struct in6_addr router = prefix_of(7);
	struct world *w = *state;

	begin(w, false);
	tunnel_error(w, &router, ICMP6_UNREACHABLE, 0);
	tunnel_error(w, &ha_addr, ICMP6_TIME_EXCEEDED, 0);
	assert_string_equal(state_of(w, &hoa_addr), "bound");
	for (int n = 0; n < 100; n++)
		tunnel_error(w, &ha_addr, ICMP6_PARAM_PROBLEM, 1);
	assert_int_equal(w->mn.counters[MN_C_TUNNEL_REFUSED], 100);
	assert_string_equal(state_of(w, &hoa_addr), "refreshing");
	assert_int_equal(count(w, SENT_BU), 1);
	grant(w, &hoa_addr);
	tunnel_error(w, &ha_addr, ICMP6_UNREACHABLE, 3);
	assert_int_equal(count(w, SENT_BU), 1);
	assert_int_equal(count(w, TUNNEL_DEL), 0);
}

/* --- what cannot be read ------------------------------------------------------------------ */

/* A whole packet with a Mobility Header of this type, protocol and length (in units of 8). */
static size_t odd_mh(uint8_t *room, size_t cap, const struct in6_addr *from, uint8_t proto,
		     uint8_t units, uint8_t type)
{
	struct ip6_packet ip = { .src = *from, .dst = coa_addr, .hop_limit = 64,
				 .next_header = MH_NEXT_HEADER };
	struct wbuf w;

	wb_init(&w, room, cap);
	ip6_encode(&w, &ip);
	wb_u8(&w, proto);
	wb_u8(&w, units);
	wb_u8(&w, type);
	wb_zero(&w, 5 + 8u * units);
	ip6_finish(&w, 0);
	assert_false(w.err);
	mh_set_cksum(room + IP6_HDR_LEN, w.len - IP6_HDR_LEN, &ip.src, &ip.dst);
	return w.len;
}

static void unknown_type_is_answered(void **state)
{
	struct world *w = *state;
	uint8_t room[128];
	size_t len;

	begin(w, false);
	len = odd_mh(room, sizeof(room), &ha_addr, IP6_NH_NONE, 1, 200);
	mn_rx_mh(&w->mn, room, len, w->now);
	assert_int_equal(count(w, SENT_BE), 1);
	assert_int_equal(w->log[0].status, BE_UNKNOWN_MH_TYPE);
	assert_true(in6_eq(&w->log[0].addr, &ha_addr));
	assert_true(in6_is_any(&w->log[0].other));	/* there was no Home Address option */
	assert_int_equal(w->mn.counters[MN_C_BE_SENT], 1);
	/* RFC 4443 2.4 f. */
	for (int n = 0; n < 1000; n++)
		mn_rx_mh(&w->mn, room, len, w->now);
	assert_true(count(w, SENT_BE) <= 10);
	assert_int_equal(w->mn.counters[MN_C_ERRORS_LIMITED], 1001 - count(w, SENT_BE));
	after(w, 1 * S);
	forget(w);
	mn_rx_mh(&w->mn, room, len, w->now);
	assert_int_equal(count(w, SENT_BE), 1);
}

/* The last packet sent is a parameter problem, code 0, whose pointer is this. */
static void assert_pointer(const struct world *w, uint32_t pointer)
{
	const uint8_t *p = w->sent + IP6_HDR_LEN;

	assert_int_equal(p[0], ICMP6_PARAM_PROBLEM);
	assert_int_equal(p[1], 0);
	assert_int_equal(p[4] << 24 | p[5] << 16 | p[6] << 8 | p[7], pointer);
	assert_int_equal(cksum_ip6(&coa_addr, &ha_addr, IP6_NH_ICMP6, p,
				   w->sent_len - IP6_HDR_LEN), 0);
}

static void wrong_form_is_answered(void **state)
{
	struct world *w = *state;
	uint8_t room[128];
	size_t len;

	begin(w, false);
	len = odd_mh(room, sizeof(room), &ha_addr, 17, 1, MH_BA);
	mn_rx_mh(&w->mn, room, len, w->now);
	assert_int_equal(count(w, SENT_ICMP6), 1);
	assert_pointer(w, IP6_HDR_LEN);			/* at Payload Proto */
	len = odd_mh(room, sizeof(room), &ha_addr, IP6_NH_NONE, 0, MH_BA);
	mn_rx_mh(&w->mn, room, len, w->now);
	assert_int_equal(count(w, SENT_ICMP6), 2);
	assert_pointer(w, IP6_HDR_LEN + 1);		/* at Header Len */
	assert_int_equal(w->mn.counters[MN_C_PARAM_PROBLEM_SENT], 2);
	/* RFC 6275 9.2: a wrong checksum is dropped in silence. */
	room[IP6_HDR_LEN + 4] ^= 1;
	mn_rx_mh(&w->mn, room, len, w->now);
	assert_int_equal(count(w, SENT_ICMP6), 2);
	assert_int_equal(w->mn.counters[MN_C_MH_CHECKSUM], 1);
}

/* RFC 6275 9.3.3, RFC 4443 2.4 e. */
static void nobody_is_not_answered(void **state)
{
	static const char *const sources[] = { "::", "ff02::1", "ff0e::1", "::1" };
	struct world *w = *state;
	struct in6_addr from;
	uint8_t room[128];
	size_t len;

	begin(w, false);
	for (size_t n = 0; n < sizeof(sources) / sizeof(sources[0]); n++) {
		assert_int_equal(in6_parse(sources[n], &from), 0);
		len = odd_mh(room, sizeof(room), &from, IP6_NH_NONE, 1, 200);
		mn_rx_mh(&w->mn, room, len, w->now);
	}
	/* As if we had sent it ourselves. */
	len = odd_mh(room, sizeof(room), &hoa_addr, IP6_NH_NONE, 1, 200);
	mn_rx_mh(&w->mn, room, len, w->now);
	assert_int_equal(w->n, 0);
	assert_int_equal(w->mn.counters[MN_C_MH_UNKNOWN_TYPE], 5);
}

/* --- the wrong key -------------------------------------------------------------------------- */

static void wrong_key_is_told(void **state)
{
	struct world *w = *state;
	struct auth_key other;
	char words[512];
	struct ba b;

	begin(w, true);
	b = answer(w, &hoa_addr);
	b.key = &other;
	assert_int_equal(auth_key_init(&other, 256, AUTH_HMAC_SHA256_128, "another secret..", 16), 0);
	deliver(w, &b);
	assert_int_equal(w->mn.counters[MN_C_BA_WRONG_AUTH], 1);
	assert_string_equal(state_of(w, &hoa_addr), "registering");
	for (int n = 0; n < 100 && strcmp(state_of(w, &hoa_addr), "unreachable") != 0; n++)
		after(w, 1 * S);
	mn_health(&w->mn, words, sizeof(words));
	assert_non_null(strstr(words, "is the key the same"));
	auth_key_wipe(&other);
}

static void longer_than_asked_is_not_believed(void **state)
{
	struct world *w = *state;
	struct ba b;

	begin(w, true);
	b = answer(w, &hoa_addr);
	b.lifetime_s = 60000;
	deliver(w, &b);
	assert_string_equal(state_of(w, &hoa_addr), "bound");
	assert_int_equal(w->mn.counters[MN_C_BA_LIFETIME], 1);
	assert_int_equal(mn_find_anchor(&w->mn, &hoa_addr)->lifetime_s, 600);
}

/* RFC 6275 11.7.3: status 1 makes the prefixes be asked for at once. */
static void prefix_discovery_at_once(void **state)
{
	struct world *w = *state;
	struct ba b;

	begin(w, true);
	b = answer(w, &hoa_addr);
	b.status = BA_PREFIX_DISCOVERY;
	forget(w);
	deliver(w, &b);
	assert_string_equal(state_of(w, &hoa_addr), "bound");
	assert_int_equal(count(w, SENT_ICMP6), 1);
	assert_int_equal(w->mn.counters[MN_C_MPS], 1);
}

/* --- IPsec ------------------------------------------------------------------------------ */

/* It was in ESP. */
static void deliver_protected(struct world *w, const struct ba *b)
{
	uint8_t room[512];
	size_t len = make_ba(room, sizeof(room), b);

	mn_rx_mh_protected(&w->mn, room, len, w->now);
}

/* Where IPsec is required no key is used, and a right signature is no protection. */
static void answers_in_the_clear_are_not_believed(void **state)
{
	struct world *w = *state;
	struct ba b;

	w->cfg.anchor.ipsec = true;
	begin(w, true);
	assert_null(mn_find_anchor(&w->mn, &hoa_addr)->key);
	b = answer(w, &hoa_addr);
	deliver(w, &b);
	assert_string_equal(state_of(w, &hoa_addr), "registering");
	assert_int_equal(w->mn.counters[MN_C_NOT_PROTECTED], 1);
	deliver_protected(w, &b);
	assert_string_equal(state_of(w, &hoa_addr), "bound");
	/* Nor does a revocation end what it did not come to in ESP. */
	b.revocation = true;
	b.status = BR_ADMINISTRATIVE;
	deliver(w, &b);
	assert_string_equal(state_of(w, &hoa_addr), "bound");
	assert_int_equal(w->mn.counters[MN_C_NOT_PROTECTED], 2);
	deliver_protected(w, &b);
	assert_string_not_equal(state_of(w, &hoa_addr), "bound");
}

/* What nobody can protect is a hint, as ever. */
static void binding_errors_need_no_ipsec(void **state)
{
	struct world *w = *state;
	struct ba b;

	w->cfg.anchor.ipsec = true;
	begin(w, true);
	b = answer(w, &hoa_addr);
	deliver_protected(w, &b);
	binding_error(w, &ha_addr, BE_UNKNOWN_HAO, &hoa_addr);
	assert_string_equal(state_of(w, &hoa_addr), "refreshing");
	assert_int_equal(w->mn.counters[MN_C_NOT_PROTECTED], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(unknown_binding_is_registered_again), T(binding_errors_of_others_are_ignored),
		T(unknown_type_explains_the_silence), T(unknown_type_without_a_home_address),
		 T(no_route_is_told),
		T(node_without_mobile_ip), T(forged_errors_are_ignored),
		T(late_errors_end_no_binding), T(tunnel_that_is_refused_is_made_sure_of),
		T(unknown_type_is_answered),
		T(wrong_form_is_answered), T(nobody_is_not_answered), T(wrong_key_is_told),
		T(longer_than_asked_is_not_believed), T(prefix_discovery_at_once),
		T(answers_in_the_clear_are_not_believed), T(binding_errors_need_no_ipsec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
