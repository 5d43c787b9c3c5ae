/* SPDX-License-Identifier: BSD-2-Clause */
/* links: common/core/hash.c */
/*
 * The keyed hash against the vectors published with SipHash (key 00 01 .. 0f, input 00 01
 * .. n-1, SipHash-2-4 with 64 bits of output, of which we use the low 32), and uthash with it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/core/hash.h"

static void seed_ascending(void)
{
	uint8_t key[16];

	for (uint8_t i = 0; i < 16; i++)
		key[i] = i;
	hash_seed(key);
}

static void published_vectors(void **state)
{
	static const struct { size_t n; uint32_t low; } t[] = {
		{ 0, 0xdd0e0e31 }, { 1, 0x93dc67fd }, { 2, 0xd9a94f5a }, { 3, 0xd7fb7e2d },
		{ 4, 0x277187b7 }, { 5, 0xcd99a68d }, { 6, 0x58fee3ce }, { 7, 0x8b01d137 },
		{ 8, 0x9a932462 }, { 9, 0x0ba9e4b0 }, { 15, 0x49be45e5 },
		{ 16, 0x57c29bdb }, { 31, 0xd841c342 }, { 63, 0xeb064572 },
	};
	uint8_t in[64];

	(void)state;
	seed_ascending();
	for (uint8_t i = 0; i < sizeof(in); i++)
		in[i] = i;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(hash_keyed(in, t[i].n), t[i].low);
}

static void key_matters(void **state)
{
	static const uint8_t other[16] = { 1 };
	uint8_t in[16] = { 0x20, 0x01 };
	unsigned int a;

	(void)state;
	seed_ascending();
	a = hash_keyed(in, sizeof(in));
	hash_seed(other);
	assert_int_not_equal(hash_keyed(in, sizeof(in)), a);
}

struct entry {
	uint8_t addr[16];
	UT_hash_handle hh;
};

static void in_a_table(void **state)
{
	struct entry e[300] = { 0 }, *table = NULL, *found;
	uint8_t absent[16] = { 0xff };

	(void)state;
	seed_ascending();
	for (size_t i = 0; i < 300; i++) {
		e[i].addr[14] = (uint8_t)(i >> 8);
		e[i].addr[15] = (uint8_t)i;
		HASH_ADD(hh, table, addr, sizeof(e[i].addr), &e[i]);
	}
	for (size_t i = 0; i < 300; i++) {
		HASH_FIND(hh, table, e[i].addr, sizeof(e[i].addr), found);
		assert_ptr_equal(found, &e[i]);
	}
	HASH_FIND(hh, table, absent, sizeof(absent), found);
	assert_null(found);
	HASH_CLEAR(hh, table);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors),
		cmocka_unit_test(key_matters),
		cmocka_unit_test(in_a_table),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
