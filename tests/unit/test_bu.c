/* SPDX-License-Identifier: BSD-2-Clause */
/* links: mn-agent/bu.c common/wire/buf.c common/wire/cksum.c common/wire/ext.c common/wire/mh.c
 * common/wire/mhopt.c common/core/in6.c common/core/auth.c (-lcrypto) */
/* The packets of a registration, read back by the codec (RFC 6275 11.7.1, RFC 4285 5). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/core/in6.h"
#include "mn-agent/bu.h"

static struct in6_addr hoa, coa, ha;
static struct auth_key key, other;

static int setup(void **state)
{
	static const uint8_t secret[] = "sixteen octets..";
	static const uint8_t another[] = "sixteen others..";

	(void)state;
	return in6_parse("2001:db8:1:101::42", &hoa) || in6_parse("2001:db8:2:101::42", &coa) ||
	       in6_parse("2001:db8:1:100::1", &ha) ||
	       auth_key_init(&key, 256, AUTH_HMAC_SHA256_128, secret, 16) ||
	       auth_key_init(&other, 256, AUTH_HMAC_SHA256_128, another, 16);
}

static int teardown(void **state)
{
	(void)state;
	auth_key_wipe(&key);
	auth_key_wipe(&other);
	return 0;
}

struct bu {
	uint8_t room[BU_PACKET_MAX];
	struct wbuf w;
	struct ip6_packet ip;
	struct mh_msg msg;
	const uint8_t *mh;
};

/* Builds and reads back: whatever is asserted is what the codec finds on the wire. */
static void build(struct bu *b, const struct bu_params *p, const struct auth_key *k)
{
	wb_init(&b->w, b->room, sizeof(b->room));
	assert_int_equal(bu_build(&b->w, p, k), 0);
	assert_int_equal(ip6_decode(b->room, b->w.len, &b->ip), IP6_OK);
	assert_int_equal(b->ip.next_header, MH_NEXT_HEADER);
	assert_int_equal(b->ip.payload_off + b->ip.payload_len, b->w.len);
	b->mh = b->room + b->ip.payload_off;
	assert_int_equal(mh_decode(b->mh, b->ip.payload_len, ip6_cksum_src(&b->ip),
				   ip6_cksum_dst(&b->ip), &b->msg, NULL), MH_OK);
	assert_int_equal(b->msg.type, MH_BU);
}

static void assert_authentic(const struct bu *b, const struct in6_addr *c)
{
	uint8_t mac[MH_AUTH_MAX];

	assert_true(b->msg.opts.mn_ha.present);
	assert_true(b->msg.opts.mn_ha.last);
	assert_int_equal(b->msg.opts.mn_ha.spi, 256);
	assert_int_equal(b->msg.opts.mn_ha.len, 16);
	assert_int_equal(auth_mn_ha(&key, c, &hoa, b->mh, b->msg.opts.mn_ha.covered, mac), 0);
	assert_memory_equal(mac, b->msg.opts.mn_ha.data, 16);
}

static void away(void **state)
{
	struct bu_params p = { .hoa = hoa, .coa = coa, .ha = ha, .seq = 0xfffe, .lifetime_s = 603 };
	struct bu b;

	(void)state;
	build(&b, &p, &key);
	assert_true(in6_eq(&b.ip.src, &coa));
	assert_true(in6_eq(&b.ip.dst, &ha));
	assert_int_equal(b.ip.hop_limit, 64);
	assert_true(b.ip.has_hao);
	assert_true(in6_eq(&b.ip.hao, &hoa));
	assert_false(b.ip.has_rh2);
	assert_int_equal(b.msg.u.bu.seq, 0xfffe);
	assert_int_equal(b.msg.u.bu.lifetime, 150);	/* rounded down */
	assert_int_equal(b.msg.u.bu.flags, BU_ACK | BU_HOME);
	assert_true(b.msg.opts.has_alt_coa);
	assert_true(in6_eq(&b.msg.opts.alt_coa, &coa));
	assert_authentic(&b, &coa);
}

/* RFC 6275 6.1.1: the pseudo-header has the home address, not the packet's source. */
static void checksum_is_over_the_home_address(void **state)
{
	struct bu_params p = { .hoa = hoa, .coa = coa, .ha = ha, .seq = 1, .lifetime_s = 600 };
	struct mh_msg msg;
	struct bu b;

	(void)state;
	build(&b, &p, &key);
	assert_int_equal(mh_decode(b.mh, b.ip.payload_len, &hoa, &ha, &msg, NULL), MH_OK);
	assert_int_equal(mh_decode(b.mh, b.ip.payload_len, &coa, &ha, &msg, NULL),
			 MH_ERR_CHECKSUM);
}

static void at_home(void **state)
{
	struct bu_params p = { .hoa = hoa, .coa = hoa, .ha = ha, .seq = 7, .lifetime_s = 0 };
	struct bu b;

	(void)state;
	build(&b, &p, &key);
	assert_true(in6_eq(&b.ip.src, &hoa));
	assert_false(b.ip.has_hao);
	assert_false(b.msg.opts.has_alt_coa);
	assert_int_equal(b.msg.u.bu.lifetime, 0);
	assert_int_equal(b.msg.u.bu.flags, BU_ACK | BU_HOME);
	assert_authentic(&b, &hoa);
}

static void flag_l_where_asked(void **state)
{
	struct bu_params p = { .hoa = hoa, .coa = coa, .ha = ha, .seq = 1, .lifetime_s = 600,
			       .link_local = true };
	struct bu b;

	(void)state;
	build(&b, &p, &key);
	assert_int_equal(b.msg.u.bu.flags, BU_ACK | BU_HOME | BU_LLOCAL);
}

static void lifetime_fits_its_field(void **state)
{
	struct bu_params p = { .hoa = hoa, .coa = coa, .ha = ha, .seq = 1,
			       .lifetime_s = UINT32_MAX };
	struct bu b;

	(void)state;
	build(&b, &p, &key);
	assert_int_equal(b.msg.u.bu.lifetime, UINT16_MAX);
}

static void sha1_for_interoperation(void **state)
{
	struct bu_params p = { .hoa = hoa, .coa = coa, .ha = ha, .seq = 1, .lifetime_s = 600 };
	uint8_t mac[MH_AUTH_MAX];
	struct auth_key k;
	struct bu b;

	(void)state;
	assert_int_equal(auth_key_init(&k, 3, AUTH_HMAC_SHA1_96, "0123456789abcdef", 16), 0);
	build(&b, &p, &k);
	assert_int_equal(b.msg.opts.mn_ha.spi, 3);
	assert_int_equal(b.msg.opts.mn_ha.len, 12);
	assert_int_equal(auth_mn_ha(&k, &coa, &hoa, b.mh, b.msg.opts.mn_ha.covered, mac), 0);
	assert_memory_equal(mac, b.msg.opts.mn_ha.data, 12);
	auth_key_wipe(&k);
}

static void no_room_is_an_error(void **state)
{
	struct bu_params p = { .hoa = hoa, .coa = coa, .ha = ha, .seq = 1, .lifetime_s = 600 };
	uint8_t room[BU_PACKET_MAX];
	struct wbuf w;
	size_t full;

	(void)state;
	wb_init(&w, room, sizeof(room));
	assert_int_equal(bu_build(&w, &p, &key), 0);
	full = w.len;
	for (size_t cap = 0; cap < full; cap++) {
		wb_init(&w, room, cap);
		assert_true(bu_build(&w, &p, &key) < 0);
	}
}

/* --- acknowledgements --------------------------------------------------------- */

struct ba {
	uint8_t room[256];
	size_t len;
	struct mh_msg msg;
};

static void decode(struct ba *b)
{
	mh_set_cksum(b->room, b->len, &ha, &hoa);
	assert_int_equal(mh_decode(b->room, b->len, &ha, &hoa, &b->msg, NULL), MH_OK);
}

static void make_ba(struct ba *b, const struct auth_key *k, uint32_t spi, bool with_auth)
{
	struct mh_msg msg = { .type = MH_BA };
	struct wbuf w;

	msg.u.ba.seq = 9;
	msg.u.ba.lifetime = 150;
	msg.opts.mn_ha.present = with_auth;
	msg.opts.mn_ha.spi = spi;
	msg.opts.mn_ha.len = 16;
	wb_init(&w, b->room, sizeof(b->room));
	assert_int_equal(mh_encode(&w, &msg), 0);
	if (with_auth) {
		assert_int_equal(auth_mn_ha(k, &coa, &hoa, b->room, msg.opts.mn_ha.covered,
					    msg.opts.mn_ha.data), 0);
		assert_int_equal(mh_set_auth(b->room, w.len, &msg.opts.mn_ha), 0);
	}
	b->len = w.len;
	decode(b);
}

static enum ba_verdict check(const struct ba *b)
{
	return ba_check(&b->msg, b->room, b->len, &coa, &hoa, &key);
}

static void ba_good(void **state)
{
	struct ba b;

	(void)state;
	make_ba(&b, &key, 256, true);
	assert_int_equal(check(&b), BA_GOOD);
}

static void ba_without_authenticator(void **state)
{
	struct ba b;

	(void)state;
	make_ba(&b, &key, 256, false);
	assert_int_equal(check(&b), BA_NO_AUTH);
}

static void ba_of_another_spi(void **state)
{
	struct ba b;

	(void)state;
	make_ba(&b, &key, 257, true);
	assert_int_equal(check(&b), BA_WRONG_SPI);
}

static void ba_of_another_key(void **state)
{
	struct ba b;

	(void)state;
	make_ba(&b, &other, 256, true);
	assert_int_equal(check(&b), BA_WRONG_AUTH);
}

static void ba_of_another_registration(void **state)
{
	struct ba b;

	(void)state;
	make_ba(&b, &key, 256, true);
	assert_int_equal(ba_check(&b.msg, b.room, b.len, &hoa, &hoa, &key), BA_WRONG_AUTH);
	assert_int_equal(ba_check(&b.msg, b.room, b.len, &coa, &coa, &key), BA_WRONG_AUTH);
}

/* Every octet that the authenticator covers counts; the checksum alone does not. */
static void ba_changed_anywhere(void **state)
{
	struct ba b, c;

	(void)state;
	make_ba(&b, &key, 256, true);
	for (size_t n = 6; n < b.msg.opts.mn_ha.covered; n++) {
		c = b;
		c.room[n] ^= 0x10;
		assert_int_not_equal(check(&c), BA_GOOD);
	}
	for (size_t n = 0; n < 16; n++) {
		c = b;
		c.msg.opts.mn_ha.data[n] ^= 1;
		assert_int_equal(check(&c), BA_WRONG_AUTH);
	}
}

/* RFC 4285 5: what stands behind the option is not protected, so nothing may. */
static void ba_with_an_option_behind(void **state)
{
	static const uint8_t advice[] = { MHOPT_REFRESH_ADVICE, 2, 0, 9, MHOPT_PADN, 2, 0, 0 };
	struct ba b;

	(void)state;
	make_ba(&b, &key, 256, true);
	memcpy(b.room + b.len, advice, sizeof(advice));
	b.len += sizeof(advice);
	b.room[1]++;
	/* An authentic one as the sender would have made it: the length is covered. */
	assert_int_equal(auth_mn_ha(&key, &coa, &hoa, b.room, b.msg.opts.mn_ha.covered,
				    b.msg.opts.mn_ha.data), 0);
	assert_int_equal(mh_set_auth(b.room, b.len, &b.msg.opts.mn_ha), 0);
	decode(&b);
	assert_false(b.msg.opts.mn_ha.last);
	assert_int_equal(check(&b), BA_NO_AUTH);
}

/* ---- revocation: RFC 5846 6.2.1 and 10 ---- */

static void answers_to_indications(void **state)
{
	static const struct {
		uint8_t trigger;
		uint16_t flags, unknown;
		uint8_t status;
	} cases[] = {
		{ BR_ADMINISTRATIVE, 0, 0, BR_SUCCESS },
		{ BR_UNSPECIFIED, 0, 0, BR_SUCCESS },
		{ BR_OUT_OF_SYNC, 0, 3, BR_SUCCESS },
		{ 8, 0, 0, BR_TRIGGER_NOT_SUPPORTED },
		{ 250, 0, 0, BR_TRIGGER_NOT_SUPPORTED },
		{ BR_ADMINISTRATIVE, BR_PROXY, 0, BR_PROXY_NOT_SUPPORTED },
		{ BR_PER_PEER_POLICY, BR_PROXY | BR_GLOBAL, 0, BR_PROXY_NOT_SUPPORTED },
		{ BR_PER_PEER_POLICY, BR_GLOBAL, 0, BR_FUNCTION_NOT_SUPPORTED },
		{ BR_ADMINISTRATIVE, BR_GLOBAL, 0, BR_FUNCTION_NOT_SUPPORTED },
		{ BR_LOCAL_POLICY, 0, 0, BR_FUNCTION_NOT_SUPPORTED },
		{ BR_ADMINISTRATIVE, BR_IPV4_ONLY, 0, BR_IPV4_HOA_REQUIRED },
		{ BR_ADMINISTRATIVE, BR_IPV4_ONLY, 1, BR_NO_BINDING },
		{ BR_ADMINISTRATIVE, 0x1fff, 0, BR_SUCCESS },	/* reserved: ignored */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mh_msg m = {
			.type = MH_BR,
			.u.br = { BR_INDICATION, cases[i].trigger, 1, cases[i].flags },
			.opts.unknown = cases[i].unknown,
		};

		assert_int_equal(bri_status(&m), cases[i].status);
	}
}

static void acknowledgement_of_a_revocation(void **state)
{
	struct mh_br bri = { BR_INDICATION, 1, 0xbeef, 0xffff };
	struct bra_params p = { .hoa = hoa, .coa = coa, .ha = ha, .bri = &bri,
				.status = BR_PROXY_NOT_SUPPORTED };
	uint8_t room[BU_PACKET_MAX];
	struct ip6_packet ip;
	struct mh_msg m;
	struct wbuf w;

	(void)state;
	wb_init(&w, room, sizeof(room));
	assert_int_equal(bra_build(&w, &p, &key), 0);
	assert_int_equal(ip6_decode(room, w.len, &ip), IP6_OK);
	assert_true(in6_eq(&ip.src, &coa) && in6_eq(&ip.dst, &ha));
	assert_true(ip.has_hao && in6_eq(&ip.hao, &hoa));
	assert_int_equal(mh_decode(room + ip.payload_off, ip.payload_len, &hoa, &ha, &m, NULL),
			 MH_OK);
	assert_int_equal(m.type, MH_BR);
	assert_int_equal(m.u.br.type, BR_ACKNOWLEDGEMENT);
	assert_int_equal(m.u.br.code, BR_PROXY_NOT_SUPPORTED);
	assert_int_equal(m.u.br.seq, 0xbeef);
	assert_int_equal(m.u.br.flags, BR_PROXY | BR_IPV4_ONLY | BR_GLOBAL);
	assert_int_equal(ba_check(&m, room + ip.payload_off, ip.payload_len, &coa, &hoa, &key),
			 BA_GOOD);
	wb_init(&w, room, 60);
	assert_int_equal(bra_build(&w, &p, &key), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(away),
		cmocka_unit_test(checksum_is_over_the_home_address),
		cmocka_unit_test(at_home),
		cmocka_unit_test(flag_l_where_asked),
		cmocka_unit_test(lifetime_fits_its_field),
		cmocka_unit_test(sha1_for_interoperation),
		cmocka_unit_test(no_room_is_an_error),
		cmocka_unit_test(answers_to_indications),
		cmocka_unit_test(acknowledgement_of_a_revocation),
		cmocka_unit_test(ba_good),
		cmocka_unit_test(ba_without_authenticator),
		cmocka_unit_test(ba_of_another_spi),
		cmocka_unit_test(ba_of_another_key),
		cmocka_unit_test(ba_of_another_registration),
		cmocka_unit_test(ba_changed_anywhere),
		cmocka_unit_test(ba_with_an_option_behind),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
