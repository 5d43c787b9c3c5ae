/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobility Header: what decodes must encode, and decode again to the same message. The
 * length field and the checksum are made right first, or nothing would get past them.
 * links: common/wire/{buf,cksum,mhopt,mh}.c
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/mh.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a message cannot keep over the way out and back: unknown options are not written,
 * padding moves, and decoding alone says what came last. */
static void normalise(struct mh_msg *m)
{
	m->opts.unknown = 0;
	m->opts.auth_data_off = 0;
	m->opts.mn_ha.covered = 0;
	m->opts.mn_ha.last = false;
	m->opts.mn_aaa.covered = 0;
	m->opts.mn_aaa.last = false;
}

static void check(const uint8_t *mh, size_t len, const struct in6_addr *a)
{
	uint8_t first[MH_MAX_LEN], second[MH_MAX_LEN];
	struct mh_msg m, back;
	struct wbuf w, v;
	size_t off = 0;
	int rc;

	if (mh_decode(mh, len, a, a, &m, &off) != MH_OK) {
		assert(off < MH_MAX_LEN);
		return;
	}
	if (m.opts.mn_ha.present) {
		assert(m.opts.mn_ha.covered + m.opts.mn_ha.len <= (int)len);
		assert(mh[m.opts.mn_ha.covered - 7] == MHOPT_AUTH);
	}
	if (m.opts.has_auth_data)
		assert(m.opts.auth_data_off + m.opts.auth_data_len <= (int)len);

	wb_init(&w, first, sizeof(first));
	rc = mh_encode(&w, &m);
	/* Two options that both want to be the last: read, but never written. */
	if (m.opts.has_auth_data && (m.opts.mn_ha.present || m.opts.mn_aaa.present)) {
		assert(rc == -EINVAL);
		return;
	}
	assert(rc == 0 && w.len % 8 == 0);
	mh_set_cksum(first, w.len, a, a);
	assert(mh_decode(first, w.len, a, a, &back, NULL) == MH_OK);
	if (m.opts.mn_ha.present) {
		assert(back.opts.mn_ha.covered == m.opts.mn_ha.covered);
		assert(back.opts.mn_ha.last == !m.opts.mn_aaa.present);
		assert(mh_set_auth(first, w.len, &m.opts.mn_ha) == 0);
	}
	wb_init(&v, second, sizeof(second));
	assert(mh_encode(&v, &back) == 0);
	mh_set_cksum(second, v.len, a, a);
	assert(v.len == w.len && memcmp(first, second, w.len) == 0);
	normalise(&m);
	normalise(&back);
	assert(memcmp(&m, &back, sizeof(m)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct in6_addr a = { { { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } } };
	struct mh_msg m;
	uint8_t *mh;
	size_t len;

	/* As it came: the checksum is wrong as a rule, the length may be too. */
	mh_decode(data, size, &a, &a, &m, NULL);
	if (size < 8 || size > MH_MAX_LEN)
		return 0;
	len = size / 8 * 8;
	mh = malloc(len);
	if (!mh)
		return 0;
	memcpy(mh, data, len);
	mh[0] = 59;
	mh[1] = (uint8_t)(len / 8 - 1);
	mh_set_cksum(mh, len, &a, &a);
	check(mh, len, &a);
	free(mh);
	return 0;
}
