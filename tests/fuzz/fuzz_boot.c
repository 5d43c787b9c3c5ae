/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of bootstrapping, one after the other as they come out of a TLS session: what
 * decodes must encode, and decode again to the same; and where a message ends must not depend on
 * how much of the stream has come.
 * links: common/wire/{boot,buf}.c
 */
#include "common/wire/boot.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_request(const uint8_t *msg, size_t len)
{
	uint8_t first[BOOT_MESSAGE_MAX], second[BOOT_MESSAGE_MAX];
	struct boot_request r, back;
	struct wbuf w, v;
	int rc;

	memset(&r, 0, sizeof(r));
	memset(&back, 0, sizeof(back));
	if (boot_decode_request(msg, len, &r) != BOOT_ERR_NONE) {
		/* Nothing but the identifier was touched. */
		assert(r.methods.n == 0 && r.mn_id[0] == '\0');
		return;
	}
	assert(r.id != 0 && memchr(r.mn_id, 0, sizeof(r.mn_id)));
	wb_init(&w, first, sizeof(first));
	rc = boot_encode_request(&w, &r);
	if (r.methods.n == 0) {		/* read as it comes, never sent so */
		assert(rc == -EINVAL);
		return;
	}
	assert(rc == 0 && boot_decode_request(first, w.len, &back) == BOOT_ERR_NONE);
	assert(memcmp(&r, &back, sizeof(r)) == 0);
	wb_init(&v, second, sizeof(second));
	assert(boot_encode_request(&v, &back) == 0);
	assert(v.len == w.len && memcmp(first, second, w.len) == 0);
}

static void check_response(const uint8_t *msg, size_t len)
{
	uint8_t first[BOOT_MESSAGE_MAX], second[BOOT_MESSAGE_MAX];
	struct boot_response r, back;
	struct wbuf w, v;

	memset(&r, 0, sizeof(r));
	memset(&back, 0, sizeof(back));
	if (boot_decode_response(msg, len, &r) != BOOT_ERR_NONE) {
		assert(r.id == 0 && r.status == 0 && r.spi == 0);
		return;
	}
	assert((r.spi != 0) == (r.status == BOOT_OK) && r.spi <= BOOT_SPI_MAX);
	assert(memchr(r.reason, 0, sizeof(r.reason)));
	wb_init(&w, first, sizeof(first));
	assert(boot_encode_response(&w, &r) == 0);
	assert(boot_decode_response(first, w.len, &back) == BOOT_ERR_NONE);
	assert(memcmp(&r, &back, sizeof(r)) == 0);
	wb_init(&v, second, sizeof(second));
	assert(boot_encode_response(&v, &back) == 0);
	assert(v.len == w.len && memcmp(first, second, w.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	while (size > 0) {
		enum boot_err err, before = BOOT_ERR_MORE;
		size_t len = 0, early = 0;

		err = boot_length(data, size, &len);
		for (size_t n = 0; n < BOOT_HEADER && n < size && before == BOOT_ERR_MORE; n++)
			before = boot_length(data, n, &early);
		assert(before == BOOT_ERR_MORE || before == err);
		assert(early == 0);
		if (err != BOOT_ERR_NONE || len > size)
			break;
		assert(len > BOOT_HEADER && len <= BOOT_MESSAGE_MAX);
		check_request(data, len);
		check_response(data, len);
		data += len;
		size -= len;
	}
	/* The rest is no whole message. */
	check_request(data, size);
	check_response(data, size);
	return 0;
}
