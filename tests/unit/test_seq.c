/* SPDX-License-Identifier: BSD-2-Clause */
/* links: */
/* Sequence numbers: the window's borders, and that exactly one of two different numbers
 * is newer (but for the two at opposite ends of the circle, where none is). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/core/seq.h"

static void rfc_example(void **state)
{
	(void)state;
	/* RFC 6275 9.5.1's example: after 15, only 16 to 32782 are greater. */
	assert_false(seq_newer(15, 15));
	assert_true(seq_newer(16, 15));
	assert_true(seq_newer(32782, 15));
	assert_false(seq_newer(32783, 15));
	assert_false(seq_newer(14, 15));
	assert_false(seq_newer(0, 15));
	assert_false(seq_newer(65535, 15));
}

static void wraps(void **state)
{
	(void)state;
	assert_true(seq_newer(0, 65535));
	assert_true(seq_newer(32766, 65535));
	assert_false(seq_newer(32767, 65535));
	assert_false(seq_newer(65535, 0));
}

static void never_both(void **state)
{
	(void)state;
	for (uint32_t base = 0; base < 65536; base += 4099) {
		for (uint32_t d = 1; d < 65536; d++) {
			uint16_t a = (uint16_t)base, b = (uint16_t)(base + d);
			int n = seq_newer(a, b) + seq_newer(b, a);

			assert_int_equal(n, d == 32768 ? 0 : 1);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_example),
		cmocka_unit_test(wraps),
		cmocka_unit_test(never_both),
	};

	return cmocka_run_group_tests_name("seq", tests, NULL, NULL);
}
