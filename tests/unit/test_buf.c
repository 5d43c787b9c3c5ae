/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/wire/buf.c */
#include "common/wire/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void reads_network_order(void **state)
{
	static const uint8_t data[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	struct rbuf r;

	(void)state;
	rb_init(&r, data, sizeof(data));
	assert_int_equal(rb_u8(&r), 0x01);
	assert_int_equal(rb_u16(&r), 0x0203);
	assert_int_equal(rb_u32(&r), 0x04050607);
	assert_true(rb_u64(&r) == 0x08090a0b0c0d0e0f);
	assert_int_equal(rb_left(&r), 0);
	assert_false(r.err);
}

static void read_error_is_sticky(void **state)
{
	static const uint8_t data[] = { 0xff, 0xff, 0xff };
	uint8_t dst[4] = { 1, 1, 1, 1 };
	struct rbuf r;

	(void)state;
	rb_init(&r, data, sizeof(data));
	assert_int_equal(rb_u32(&r), 0);
	assert_true(r.err);
	/* Three bytes are there, but a field was lost: nothing may be read any more. */
	assert_int_equal(rb_left(&r), 0);
	assert_int_equal(rb_u8(&r), 0);
	rb_bytes(&r, dst, sizeof(dst));
	assert_memory_equal(dst, "\0\0\0\0", 4);
	rb_skip(&r, 0);
	assert_true(r.err);
}

static void huge_lengths_do_not_wrap(void **state)
{
	static const uint8_t data[8];
	struct rbuf r, sub;

	(void)state;
	rb_init(&r, data, sizeof(data));
	sub = rb_sub(&r, SIZE_MAX);
	assert_true(r.err);
	assert_true(sub.err);
	assert_int_equal(rb_left(&sub), 0);
	rb_init(&r, data, sizeof(data));
	rb_skip(&r, SIZE_MAX - 2);
	assert_true(r.err);
}

static void sub_cursor_is_confined(void **state)
{
	static const uint8_t data[] = { 1, 2, 3, 4 };
	struct rbuf r, sub;

	(void)state;
	rb_init(&r, data, sizeof(data));
	sub = rb_sub(&r, 2);
	assert_int_equal(rb_u8(&sub), 1);
	assert_int_equal(rb_u16(&sub), 0);
	assert_true(sub.err);
	/* The option's error is not the packet's. */
	assert_false(r.err);
	assert_int_equal(rb_u16(&r), 0x0304);
}

static void empty_and_null_packets(void **state)
{
	struct rbuf r;

	(void)state;
	rb_init(&r, NULL, 0);
	assert_int_equal(rb_left(&r), 0);
	assert_false(r.err);
	rb_bytes(&r, NULL, 0);
	assert_false(r.err);
	assert_int_equal(rb_u8(&r), 0);
	assert_true(r.err);
}

static void writes_network_order(void **state)
{
	uint8_t room[15];
	struct wbuf w;

	(void)state;
	wb_init(&w, room, sizeof(room));
	wb_u8(&w, 0x01);
	wb_u16(&w, 0x0203);
	wb_u32(&w, 0x04050607);
	wb_u64(&w, 0x08090a0b0c0d0e0f);
	assert_false(w.err);
	assert_int_equal(w.len, 15);
	for (unsigned int i = 0; i < 15; i++)
		assert_int_equal(room[i], i + 1);
}

static void write_stops_at_the_end(void **state)
{
	uint8_t *room = malloc(3);
	struct wbuf w;

	(void)state;
	assert_non_null(room);
	memset(room, 0xee, 3);
	wb_init(&w, room, 3);
	wb_u16(&w, 0x0102);
	wb_u32(&w, 0x03040506);
	assert_true(w.err);
	assert_int_equal(w.len, 2);
	assert_int_equal(room[2], 0xee);
	/* There would be room for one octet, but the field before it is lost. */
	wb_u8(&w, 7);
	assert_int_equal(w.len, 2);
	free(room);
}

static void set_stays_inside(void **state)
{
	uint8_t room[8] = { 0 };
	struct wbuf w;

	(void)state;
	wb_init(&w, room, sizeof(room));
	wb_zero(&w, 4);
	wb_set_u16(&w, 2, 0xabcd);
	wb_set_u8(&w, 0, 0x7f);
	assert_false(w.err);
	assert_memory_equal(room, "\x7f\x00\xab\xcd", 4);
	wb_set_u16(&w, 3, 0xffff);
	assert_true(w.err);
	assert_int_equal(room[3], 0xcd);

	wb_init(&w, room, sizeof(room));
	wb_set_u8(&w, 0, 1);
	assert_true(w.err);
	wb_init(&w, room, sizeof(room));
	wb_u8(&w, 1);
	wb_set_u16(&w, SIZE_MAX, 1);
	assert_true(w.err);
}

static void addresses_round_trip(void **state)
{
	struct in6_addr a, b;
	uint8_t room[16];
	struct wbuf w;
	struct rbuf r;

	(void)state;
	for (unsigned int i = 0; i < 16; i++)
		a.s6_addr[i] = (uint8_t)(i * 17);
	wb_init(&w, room, sizeof(room));
	wb_in6(&w, &a);
	rb_init(&r, room, w.len);
	rb_in6(&r, &b);
	assert_false(r.err);
	assert_memory_equal(&a, &b, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_network_order),
		cmocka_unit_test(read_error_is_sticky),
		cmocka_unit_test(huge_lengths_do_not_wrap),
		cmocka_unit_test(sub_cursor_is_confined),
		cmocka_unit_test(empty_and_null_packets),
		cmocka_unit_test(writes_network_order),
		cmocka_unit_test(write_stops_at_the_end),
		cmocka_unit_test(set_stays_inside),
		cmocka_unit_test(addresses_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
