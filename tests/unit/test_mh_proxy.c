/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What routers say to each other about mobile nodes: Proxy Binding Updates and their
 * acknowledgements (RFC 5213 section 8), heartbeats (RFC 5847).
 */
/* links: common/wire/{buf,cksum,ext,mhopt,mh}.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>

#include "common/wire/cksum.h"
#include "common/wire/ext.h"
#include "common/wire/mh.h"
#include "tests/vectors/vector.h"

static const struct in6_addr a = { .s6_addr = { 0x20, 1, [15] = 1 } };

static struct in6_addr prefix(uint8_t n)
{
	return (struct in6_addr){ .s6_addr = { 0x20, 1, 0x0d, 0xb8, 0, 1, 1, n } };
}

/* The message of a golden packet, which encodes to the same octets again. */
static struct mh_msg golden(const char *name)
{
	struct vector v = vector_load(name);
	struct ip6_packet ip;
	struct mh_msg m;
	uint8_t room[512];
	struct wbuf w;

	assert_non_null(v.data);
	assert_int_equal(ip6_decode(v.data, v.len, &ip), IP6_OK);
	assert_int_equal(mh_decode(v.data + ip.payload_off, ip.payload_len, &ip.src, &ip.dst, &m,
				   NULL), MH_OK);
	wb_init(&w, room, sizeof(room));
	assert_int_equal(mh_encode(&w, &m), 0);
	mh_set_cksum(room, w.len, &ip.src, &ip.dst);
	assert_int_equal(w.len, ip.payload_len);
	assert_memory_equal(room, v.data + ip.payload_off, w.len);
	free(v.data);
	return m;
}

static void check_options(const struct mh_opts *o)
{
	struct in6_addr p1 = prefix(1), p2 = prefix(2);

	assert_int_equal(o->unknown, 0);
	assert_int_equal(o->mn_id_subtype, MN_ID_NAI);
	assert_int_equal(o->n_prefixes, 2);
	assert_int_equal(o->prefixes[0].len, 64);
	assert_memory_equal(&o->prefixes[0].addr, &p1, sizeof(p1));
	assert_memory_equal(&o->prefixes[1].addr, &p2, sizeof(p2));
	assert_true(o->has_handoff && o->has_access_type && o->has_link_local);
	assert_int_equal(o->handoff, HANDOFF_OTHER_GATEWAY);
	assert_int_equal(o->access_type, ACCESS_WLAN);
	assert_int_equal(o->link_layer_len, 6);
	assert_memory_equal(o->link_layer, "\2\0\0\0\0\1", 6);
	assert_int_equal(o->link_local.s6_addr[0], 0xfe);
	assert_true(o->has_timestamp);
	assert_true(o->timestamp == 0x00006565a1b28000);
	assert_false(o->has_restart_counter);
}

static void update(void **state)
{
	struct mh_msg m = golden("pbu");

	(void)state;
	assert_int_equal(m.type, MH_BU);
	assert_int_equal(m.u.bu.flags, BU_ACK | BU_HOME | BU_PROXY);
	assert_int_equal(m.u.bu.lifetime, 75);
	check_options(&m.opts);
}

static void acknowledgement(void **state)
{
	struct mh_msg m = golden("pba");

	(void)state;
	assert_int_equal(m.type, MH_BA);
	assert_int_equal(m.u.ba.flags, BA_PROXY);
	assert_int_equal(m.u.ba.status, BA_PREFIX_NOT_AUTHORIZED);
	check_options(&m.opts);
}

static void heartbeat(void **state)
{
	struct mh_msg m = golden("heartbeat");

	(void)state;
	assert_int_equal(m.type, MH_HEARTBEAT);
	assert_int_equal(m.u.heartbeat.flags, HEARTBEAT_UNSOLICITED | HEARTBEAT_RESPONSE);
	assert_int_equal(m.u.heartbeat.seq, 0xdeadbeef);
	assert_true(m.opts.has_restart_counter);
	assert_int_equal(m.opts.restart_counter, 0x10203);
}

/* A Binding Update with one option of these octets, behind four of padding. */
static enum mh_err with(uint8_t type, const uint8_t *data, uint8_t len, struct mh_msg *ret)
{
	uint8_t mh[64] = { 59, 0, MH_BU, [12] = 1, 2, 0, 0, type, len };
	size_t total = (18 + (size_t)len + 7) / 8 * 8;

	memcpy(mh + 18, data, len);
	mh[1] = (uint8_t)(total / 8 - 1);
	mh_set_cksum(mh, total, &a, &a);
	return mh_decode(mh, total, &a, &a, ret, NULL);
}

static void wrong_lengths(void **state)
{
	static const struct { uint8_t type, min, max; } rules[] = {
		{ MHOPT_HOME_PREFIX, 18, 18 }, { MHOPT_HANDOFF_INDICATOR, 2, 2 },
		{ MHOPT_ACCESS_TYPE, 2, 2 }, { MHOPT_LINK_LAYER_ID, 3, 18 },
		{ MHOPT_LINK_LOCAL, 16, 16 }, { MHOPT_TIMESTAMP, 8, 8 },
		{ MHOPT_RESTART_COUNTER, 4, 4 },
	};
	static const uint8_t zero[32];

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		for (uint8_t len = 0; len <= 24; len++) {
			struct mh_msg m;
			bool right = len >= rules[i].min && len <= rules[i].max;

			assert_int_equal(with(rules[i].type, zero, len, &m),
					 right ? MH_OK : MH_ERR_OPTION);
		}
}

static void prefix_longer_than_an_address(void **state)
{
	uint8_t data[18] = { 0, 128 };
	struct mh_msg m;

	(void)state;
	assert_int_equal(with(MHOPT_HOME_PREFIX, data, sizeof(data), &m), MH_OK);
	data[1] = 129;
	assert_int_equal(with(MHOPT_HOME_PREFIX, data, sizeof(data), &m), MH_ERR_OPTION);
}

/* RFC 5213 8.3: several, and as many as fit into the message at most. */
static void many_prefixes(void **state)
{
	uint8_t room[MH_MAX_LEN];
	struct mh_msg m;

	(void)state;
	for (unsigned int n = 0; n <= 80; n++) {
		struct wbuf w;
		enum mh_err err;

		wb_init(&w, room, sizeof(room));
		wb_bytes(&w, (const uint8_t[]){ 59, 0, MH_BU, 0, 0, 0, 0, 1, 0xc2, 0, 0, 75 }, 12);
		for (unsigned int i = 0; i < n; i++) {
			struct in6_addr p = prefix((uint8_t)i);

			wb_bytes(&w, (const uint8_t[]){ MHOPT_HOME_PREFIX, 18, 0, 64 }, 4);
			wb_in6(&w, &p);
			wb_bytes(&w, (const uint8_t[]){ 1, 2, 0, 0 }, 4);
		}
		wb_bytes(&w, (const uint8_t[]){ 1, 2, 0, 0 }, 4);
		room[1] = (uint8_t)(w.len / 8 - 1);
		mh_set_cksum(room, w.len, &a, &a);
		err = mh_decode(room, w.len, &a, &a, &m, NULL);
		assert_int_equal(err, n <= MH_PREFIXES_MAX ? MH_OK : MH_ERR_TOO_MANY);
		if (err == MH_OK)
			assert_int_equal(m.opts.n_prefixes, n);
	}
}

static void only_prefixes_repeat(void **state)
{
	static const struct { uint8_t type, len; } once[] = {
		{ MHOPT_HANDOFF_INDICATOR, 2 }, { MHOPT_ACCESS_TYPE, 2 },
		{ MHOPT_LINK_LAYER_ID, 8 }, { MHOPT_LINK_LOCAL, 16 }, { MHOPT_TIMESTAMP, 8 },
		{ MHOPT_RESTART_COUNTER, 4 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++) {
		uint8_t data[48] = { 0 };
		size_t len = 2u * once[i].len + 2;
		struct mh_msg m;
		uint8_t mh[96] = { 59, 0, MH_BU };
		size_t total = (14 + len + 7) / 8 * 8;

		data[0] = once[i].type;
		data[1] = once[i].len;
		data[2 + once[i].len] = once[i].type;
		data[3 + once[i].len] = once[i].len;
		memcpy(mh + 12, data, len + 2);
		mh[1] = (uint8_t)(total / 8 - 1);
		mh_set_cksum(mh, total, &a, &a);
		assert_int_equal(mh_decode(mh, total, &a, &a, &m, NULL), MH_ERR_DUPLICATE);
	}
}

/* Whatever is set comes back, and each option stands where its alignment wants it. */
static void round_trip(void **state)
{
	static const struct { uint8_t type, n, y; } aligned[] = {
		{ MHOPT_HOME_PREFIX, 8, 4 }, { MHOPT_LINK_LOCAL, 8, 6 },
		{ MHOPT_TIMESTAMP, 8, 2 }, { MHOPT_RESTART_COUNTER, 4, 2 },
	};

	(void)state;
	for (unsigned int set = 0; set < 128; set++) {
		struct mh_msg m = { .type = MH_BU, .u.bu = { 1, BU_ACK | BU_PROXY, 2 } }, back;
		uint8_t room[1024], other[1024];
		struct wbuf w, again;

		m.opts.n_prefixes = set & 1 ? 1 + set % MH_PREFIXES_MAX : 0;
		for (unsigned int i = 0; i < m.opts.n_prefixes; i++)
			m.opts.prefixes[i] = (struct mh_prefix){ prefix((uint8_t)i), 64,
								 i % 2 == 1 };
		m.opts.has_handoff = set & 2;
		m.opts.handoff = set & 2 ? HANDOFF_UNKNOWN : 0;
		m.opts.has_access_type = set & 4;
		m.opts.access_type = set & 4 ? ACCESS_ETHERNET : 0;
		m.opts.link_layer_len = set & 8 ? 1 + set % MH_LINK_LAYER_MAX : 0;
		memset(m.opts.link_layer, 0x5a, m.opts.link_layer_len);
		m.opts.has_link_local = set & 16;
		if (set & 16)
			m.opts.link_local = a;
		m.opts.has_timestamp = set & 32;
		m.opts.timestamp = set & 32 ? UINT64_MAX : 0;
		m.opts.has_restart_counter = set & 64;
		m.opts.restart_counter = set & 64 ? 7 : 0;
		wb_init(&w, room, sizeof(room));
		assert_int_equal(mh_encode(&w, &m), 0);
		mh_set_cksum(room, w.len, &a, &a);
		assert_int_equal(mh_decode(room, w.len, &a, &a, &back, NULL), MH_OK);
		wb_init(&again, other, sizeof(other));
		assert_int_equal(mh_encode(&again, &back), 0);
		mh_set_cksum(other, again.len, &a, &a);
		assert_int_equal(again.len, w.len);
		assert_memory_equal(other, room, w.len);
		for (size_t at = 12; at < w.len; at += room[at] == 0 ? 1 : 2u + room[at + 1])
			for (size_t i = 0; i < sizeof(aligned) / sizeof(aligned[0]); i++)
				if (room[at] == aligned[i].type)
					assert_int_equal(at % aligned[i].n, aligned[i].y);
	}
}

static void cannot_be_encoded(void **state)
{
	struct mh_msg m = { .type = MH_BU };
	uint8_t room[1024];
	struct wbuf w;

	(void)state;
	wb_init(&w, room, sizeof(room));
	m.opts.n_prefixes = MH_PREFIXES_MAX + 1;
	assert_int_equal(mh_encode(&w, &m), -EINVAL);
	m.opts.n_prefixes = 0;
	m.opts.link_layer_len = MH_LINK_LAYER_MAX + 1;
	assert_int_equal(mh_encode(&w, &m), -EINVAL);
	assert_int_equal(w.len, 0);
}

static void texts(void **state)
{
	(void)state;
	for (unsigned int s = BA_PROXY_NOT_ENABLED; s <= BA_MISSING_ACCESS_TYPE; s++)
		assert_string_not_equal(mh_ba_status_text((uint8_t)s), "rejected, unknown status");
	assert_string_equal(mh_type_name(MH_HEARTBEAT), "HB");
	assert_string_equal(mh_err_name(MH_ERR_TOO_MANY), "mh-too-many-prefixes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(update),
		cmocka_unit_test(acknowledgement),
		cmocka_unit_test(heartbeat),
		cmocka_unit_test(wrong_lengths),
		cmocka_unit_test(prefix_longer_than_an_address),
		cmocka_unit_test(many_prefixes),
		cmocka_unit_test(only_prefixes_repeat),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(cannot_be_encoded),
		cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
