/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobility options: RFC 6275 6.2, RFC 4283 (mobile node identifier), RFC 4285 (authentication,
 * replay protection), RFC 5213 section 8 (proxy) and RFC 5847 (restart counter). An option is
 * a row of the table below. What is done with unknown, repeated, misplaced and badly framed
 * options, and with padding, stands once, in the two walkers at the end. Called by mh.c.
 */
#include "common/wire/mhopt.h"

#include <errno.h>

#define ALIGN_END	0xff	/* ends on 8 octets: RFC 6275 6.2.7 */
#define AUTH_FIXED	5	/* subtype and SPI, RFC 4285 5 */
#define LEN_EMPTY	SIZE_MAX	/* an option that is in the message, and has no data */

/* Where an option has to stand among the others. */
enum place {
	PLACE_ANY,
	PLACE_BEFORE_AUTH,	/* RFC 4283 3.2 */
	PLACE_LAST,		/* RFC 6275 6.2.7 */
};

struct mhopt {
	uint8_t type;
	const char *name;
	uint8_t min, max;	/* rule for the option length */
	uint8_t align_n, align_y;	/* starts at n * k + y of the Mobility Header */
	bool repeats;		/* the row itself tells a repetition from an error */
	enum place place;
	/* at: offset of the option's type in the Mobility Header. */
	enum mh_err (*decode)(struct rbuf *body, size_t at, struct mh_opts *o);
	/* Length of the option's data, 0 if it is not in the message; or LEN_EMPTY. */
	size_t (*len)(const struct mh_opts *o);
	void (*encode)(struct wbuf *w, size_t at, struct mh_opts *o);
	/* Of an option that repeats in what we send: how often, and each; else NULL. */
	unsigned int (*count)(const struct mh_opts *o);
	void (*encode_nth)(struct wbuf *w, unsigned int n, const struct mh_opts *o);
};

static enum mh_err decode_refresh(struct rbuf *body, size_t at, struct mh_opts *o)
{
	(void)at;
	o->has_refresh_advice = true;
	o->refresh_advice = rb_u16(body);
	return MH_OK;
}

static size_t len_refresh(const struct mh_opts *o)
{
	return o->has_refresh_advice ? 2 : 0;
}

static void encode_refresh(struct wbuf *w, size_t at, struct mh_opts *o)
{
	(void)at;
	wb_u16(w, o->refresh_advice);
}

static enum mh_err decode_alt_coa(struct rbuf *body, size_t at, struct mh_opts *o)
{
	(void)at;
	o->has_alt_coa = true;
	rb_in6(body, &o->alt_coa);
	return MH_OK;
}

static size_t len_alt_coa(const struct mh_opts *o)
{
	return o->has_alt_coa ? sizeof(o->alt_coa) : 0;
}

static void encode_alt_coa(struct wbuf *w, size_t at, struct mh_opts *o)
{
	(void)at;
	wb_in6(w, &o->alt_coa);
}

static enum mh_err decode_nonces(struct rbuf *body, size_t at, struct mh_opts *o)
{
	(void)at;
	o->has_nonce_indices = true;
	o->home_nonce = rb_u16(body);
	o->coa_nonce = rb_u16(body);
	return MH_OK;
}

static size_t len_nonces(const struct mh_opts *o)
{
	return o->has_nonce_indices ? 4 : 0;
}

static void encode_nonces(struct wbuf *w, size_t at, struct mh_opts *o)
{
	(void)at;
	wb_u16(w, o->home_nonce);
	wb_u16(w, o->coa_nonce);
}

static enum mh_err decode_auth_data(struct rbuf *body, size_t at, struct mh_opts *o)
{
	o->has_auth_data = true;
	o->auth_data_len = (uint8_t)rb_left(body);
	o->auth_data_off = (uint16_t)(at + 2);
	rb_bytes(body, o->auth_data, o->auth_data_len);
	return MH_OK;
}

static size_t len_auth_data(const struct mh_opts *o)
{
	return o->has_auth_data ? o->auth_data_len : 0;
}

static void encode_auth_data(struct wbuf *w, size_t at, struct mh_opts *o)
{
	o->auth_data_off = (uint16_t)(at + 2);
	wb_bytes(w, o->auth_data, o->auth_data_len);
}

static enum mh_err decode_mn_id(struct rbuf *body, size_t at, struct mh_opts *o)
{
	(void)at;
	o->has_mn_id = true;
	o->mn_id_subtype = rb_u8(body);
	o->mn_id_len = (uint8_t)rb_left(body);
	rb_bytes(body, o->mn_id, o->mn_id_len);
	return MH_OK;
}

static size_t len_mn_id(const struct mh_opts *o)
{
	return o->has_mn_id ? 1u + o->mn_id_len : 0;
}

static void encode_mn_id(struct wbuf *w, size_t at, struct mh_opts *o)
{
	(void)at;
	wb_u8(w, o->mn_id_subtype);
	wb_bytes(w, o->mn_id, o->mn_id_len);
}

static enum mh_err decode_mesg_id(struct rbuf *body, size_t at, struct mh_opts *o)
{
	(void)at;
	o->has_mesg_id = true;
	o->mesg_id = rb_u64(body);
	return MH_OK;
}

static size_t len_mesg_id(const struct mh_opts *o)
{
	return o->has_mesg_id ? 8 : 0;
}

static void encode_mesg_id(struct wbuf *w, size_t at, struct mh_opts *o)
{
	(void)at;
	wb_u64(w, o->mesg_id);
}

static enum mh_err decode_auth(struct rbuf *body, size_t at, struct mh_opts *o)
{
	uint8_t subtype = rb_u8(body);
	struct mh_auth *a;

	if (subtype == MH_AUTH_MN_HA) {
		/* RFC 4285 5: MN-HA in front of MN-AAA, else the message is discarded. */
		if (o->mn_aaa.present)
			return MH_ERR_OPTION;
		a = &o->mn_ha;
	} else if (subtype == MH_AUTH_MN_AAA) {
		a = &o->mn_aaa;
	} else {
		o->unknown++;
		return MH_OK;
	}
	/* RFC 4285 5: one instance of each subtype. */
	if (a->present)
		return MH_ERR_DUPLICATE;
	a->present = true;
	a->spi = rb_u32(body);
	a->len = (uint8_t)rb_left(body);
	a->covered = (uint16_t)(at + 2 + AUTH_FIXED);
	rb_bytes(body, a->data, a->len);
	return MH_OK;
}

static size_t len_auth(const struct mh_auth *a)
{
	return a->present ? (size_t)AUTH_FIXED + a->len : 0;
}

static void encode_auth(struct wbuf *w, size_t at, uint8_t subtype, struct mh_auth *a)
{
	wb_u8(w, subtype);
	wb_u32(w, a->spi);
	a->covered = (uint16_t)(at + 2 + AUTH_FIXED);
	wb_bytes(w, a->data, a->len);
}

static size_t len_mn_ha(const struct mh_opts *o)
{
	return len_auth(&o->mn_ha);
}

static void encode_mn_ha(struct wbuf *w, size_t at, struct mh_opts *o)
{
	encode_auth(w, at, MH_AUTH_MN_HA, &o->mn_ha);
}

static size_t len_mn_aaa(const struct mh_opts *o)
{
	return len_auth(&o->mn_aaa);
}

static void encode_mn_aaa(struct wbuf *w, size_t at, struct mh_opts *o)
{
	encode_auth(w, at, MH_AUTH_MN_AAA, &o->mn_aaa);
}

static enum mh_err decode_care_of_test_init(struct rbuf *body, size_t at, struct mh_opts *o)
{
	(void)body;
	(void)at;
	o->has_care_of_test_init = true;
	return MH_OK;
}

static size_t len_care_of_test_init(const struct mh_opts *o)
{
	return o->has_care_of_test_init ? LEN_EMPTY : 0;
}

static void encode_care_of_test_init(struct wbuf *w, size_t at, struct mh_opts *o)
{
	(void)w;
	(void)at;
	(void)o;
}

static enum mh_err decode_care_of_test(struct rbuf *body, size_t at, struct mh_opts *o)
{
	(void)at;
	o->has_care_of_test = true;
	rb_bytes(body, o->care_of_token, sizeof(o->care_of_token));
	return MH_OK;
}

static size_t len_care_of_test(const struct mh_opts *o)
{
	return o->has_care_of_test ? sizeof(o->care_of_token) : 0;
}

static void encode_care_of_test(struct wbuf *w, size_t at, struct mh_opts *o)
{
	(void)at;
	wb_bytes(w, o->care_of_token, sizeof(o->care_of_token));
}

#define PREFIX_OFF_LINK	0x80	/* RFC 7864 4.1: L */

/* RFC 5213 8.3 */
static enum mh_err decode_prefix(struct rbuf *body, size_t at, struct mh_opts *o)
{
	struct mh_prefix p;

	(void)at;
	p.off_link = rb_u8(body) & PREFIX_OFF_LINK;
	p.len = rb_u8(body);
	rb_in6(body, &p.addr);
	if (p.len > 128)
		return MH_ERR_OPTION;
	if (o->n_prefixes == MH_PREFIXES_MAX)
		return MH_ERR_TOO_MANY;
	o->prefixes[o->n_prefixes++] = p;
	return MH_OK;
}

static size_t len_prefix(const struct mh_opts *o)
{
	return o->n_prefixes > 0 ? 2 + sizeof(struct in6_addr) : 0;
}

static unsigned int count_prefixes(const struct mh_opts *o)
{
	return o->n_prefixes;
}

static void encode_prefix(struct wbuf *w, unsigned int n, const struct mh_opts *o)
{
	wb_u8(w, o->prefixes[n].off_link ? PREFIX_OFF_LINK : 0);
	wb_u8(w, o->prefixes[n].len);
	wb_in6(w, &o->prefixes[n].addr);
}

static enum mh_err decode_handoff(struct rbuf *body, size_t at, struct mh_opts *o)
{
	(void)at;
	rb_skip(body, 1);
	o->has_handoff = true;
	o->handoff = rb_u8(body);
	return MH_OK;
}

static size_t len_handoff(const struct mh_opts *o)
{
	return o->has_handoff ? 2 : 0;
}

static void encode_handoff(struct wbuf *w, size_t at, struct mh_opts *o)
{
	(void)at;
	wb_zero(w, 1);
	wb_u8(w, o->handoff);
}

static enum mh_err decode_access_type(struct rbuf *body, size_t at, struct mh_opts *o)
{
	(void)at;
	rb_skip(body, 1);
	o->has_access_type = true;
	o->access_type = rb_u8(body);
	return MH_OK;
}

static size_t len_access_type(const struct mh_opts *o)
{
	return o->has_access_type ? 2 : 0;
}

static void encode_access_type(struct wbuf *w, size_t at, struct mh_opts *o)
{
	(void)at;
	wb_zero(w, 1);
	wb_u8(w, o->access_type);
}

static enum mh_err decode_link_layer(struct rbuf *body, size_t at, struct mh_opts *o)
{
	(void)at;
	rb_skip(body, 2);
	o->link_layer_len = (uint8_t)rb_left(body);
	rb_bytes(body, o->link_layer, o->link_layer_len);
	return MH_OK;
}

static size_t len_link_layer(const struct mh_opts *o)
{
	return o->link_layer_len > 0 ? 2u + o->link_layer_len : 0;
}

static void encode_link_layer(struct wbuf *w, size_t at, struct mh_opts *o)
{
	(void)at;
	wb_zero(w, 2);
	wb_bytes(w, o->link_layer, o->link_layer_len);
}

static enum mh_err decode_link_local(struct rbuf *body, size_t at, struct mh_opts *o)
{
	(void)at;
	o->has_link_local = true;
	rb_in6(body, &o->link_local);
	return MH_OK;
}

static size_t len_link_local(const struct mh_opts *o)
{
	return o->has_link_local ? sizeof(o->link_local) : 0;
}

static void encode_link_local(struct wbuf *w, size_t at, struct mh_opts *o)
{
	(void)at;
	wb_in6(w, &o->link_local);
}

static enum mh_err decode_timestamp(struct rbuf *body, size_t at, struct mh_opts *o)
{
	(void)at;
	o->has_timestamp = true;
	o->timestamp = rb_u64(body);
	return MH_OK;
}

static size_t len_timestamp(const struct mh_opts *o)
{
	return o->has_timestamp ? 8 : 0;
}

static void encode_timestamp(struct wbuf *w, size_t at, struct mh_opts *o)
{
	(void)at;
	wb_u64(w, o->timestamp);
}

static enum mh_err decode_restart(struct rbuf *body, size_t at, struct mh_opts *o)
{
	(void)at;
	o->has_restart_counter = true;
	o->restart_counter = rb_u32(body);
	return MH_OK;
}

static size_t len_restart(const struct mh_opts *o)
{
	return o->has_restart_counter ? 4 : 0;
}

static void encode_restart(struct wbuf *w, size_t at, struct mh_opts *o)
{
	(void)at;
	wb_u32(w, o->restart_counter);
}

/*
 * In the order of writing: by type, but what authenticates comes last. The two rows of
 * type 9 read alike and differ in what they write.
 */
static const struct mhopt table[] = {
	{ MHOPT_REFRESH_ADVICE, "binding-refresh-advice", 2, 2, 2, 0, false, PLACE_ANY,
	  decode_refresh, len_refresh, encode_refresh, NULL, NULL },
	{ MHOPT_ALT_COA, "alternate-care-of-address", 16, 16, 8, 6, false, PLACE_ANY,
	  decode_alt_coa, len_alt_coa, encode_alt_coa, NULL, NULL },
	{ MHOPT_NONCE_INDICES, "nonce-indices", 4, 4, 2, 0, false, PLACE_ANY,
	  decode_nonces, len_nonces, encode_nonces, NULL, NULL },
	/* RFC 5213 5.3.6: of no octets, where an answer names nobody. */
	{ MHOPT_MN_ID, "mobile-node-identifier", 1, 1 + MH_MN_ID_MAX, 1, 0, false,
	  PLACE_BEFORE_AUTH, decode_mn_id, len_mn_id, encode_mn_id, NULL, NULL },
	{ MHOPT_MESG_ID, "replay-protection", 8, 8, 8, 2, false, PLACE_ANY,
	  decode_mesg_id, len_mesg_id, encode_mesg_id, NULL, NULL },
	{ MHOPT_CARE_OF_TEST_INIT, "care-of-test-init", 0, 0, 1, 0, false, PLACE_BEFORE_AUTH,
	  decode_care_of_test_init, len_care_of_test_init, encode_care_of_test_init, NULL, NULL },
	{ MHOPT_CARE_OF_TEST, "care-of-test", MH_CARE_OF_TOKEN, MH_CARE_OF_TOKEN, 1, 0, false,
	  PLACE_BEFORE_AUTH, decode_care_of_test, len_care_of_test, encode_care_of_test, NULL,
	  NULL },
	{ MHOPT_HOME_PREFIX, "home-network-prefix", 18, 18, 8, 4, true, PLACE_ANY,
	  decode_prefix, len_prefix, NULL, count_prefixes, encode_prefix },
	{ MHOPT_HANDOFF_INDICATOR, "handoff-indicator", 2, 2, 1, 0, false, PLACE_ANY,
	  decode_handoff, len_handoff, encode_handoff, NULL, NULL },
	{ MHOPT_ACCESS_TYPE, "access-technology-type", 2, 2, 1, 0, false, PLACE_ANY,
	  decode_access_type, len_access_type, encode_access_type, NULL, NULL },
	{ MHOPT_LINK_LAYER_ID, "link-layer-identifier", 3, 2 + MH_LINK_LAYER_MAX, 1, 0, false,
	  PLACE_ANY, decode_link_layer, len_link_layer, encode_link_layer, NULL, NULL },
	{ MHOPT_LINK_LOCAL, "link-local-address", 16, 16, 8, 6, false, PLACE_ANY,
	  decode_link_local, len_link_local, encode_link_local, NULL, NULL },
	{ MHOPT_TIMESTAMP, "timestamp", 8, 8, 8, 2, false, PLACE_ANY,
	  decode_timestamp, len_timestamp, encode_timestamp, NULL, NULL },
	{ MHOPT_RESTART_COUNTER, "restart-counter", 4, 4, 4, 2, false, PLACE_ANY,
	  decode_restart, len_restart, encode_restart, NULL, NULL },
	{ MHOPT_AUTH, "mn-ha-authentication", AUTH_FIXED + 1, AUTH_FIXED + MH_AUTH_MAX, 4, 1,
	  true, PLACE_ANY, decode_auth, len_mn_ha, encode_mn_ha, NULL, NULL },
	{ MHOPT_AUTH, "mn-aaa-authentication", AUTH_FIXED + 1, AUTH_FIXED + MH_AUTH_MAX, 4, 1,
	  true, PLACE_ANY, decode_auth, len_mn_aaa, encode_mn_aaa, NULL, NULL },
	{ MHOPT_AUTH_DATA, "binding-authorization-data", 1, MH_AUTH_MAX, 8, ALIGN_END, false,
	  PLACE_LAST, decode_auth_data, len_auth_data, encode_auth_data, NULL, NULL },
};
#define N_ROWS	(sizeof(table) / sizeof(table[0]))

static const struct mhopt *find(uint8_t type)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		if (table[i].type == type)
			return &table[i];
	}
	return NULL;
}

/* Policy for one option that is not padding; seen has a bit per row read so far. */
static enum mh_err decode_one(uint8_t type, struct rbuf *body, size_t at, uint32_t *seen,
			      struct mh_opts *o)
{
	const struct mhopt *row = find(type);
	size_t len = rb_left(body);
	uint32_t bit;

	/* RFC 6275 6.2: nothing stands behind the Binding Authorization Data. */
	if (o->has_auth_data && type != MHOPT_AUTH_DATA)
		return MH_ERR_OPTION;
	/* RFC 6275 6.2.1: an option that is not recognized is skipped. */
	if (!row) {
		o->unknown++;
		return MH_OK;
	}
	if (len < row->min || len > row->max)
		return MH_ERR_OPTION;
	bit = UINT32_C(1) << (row - table);
	if (*seen & bit && !row->repeats)
		return MH_ERR_DUPLICATE;
	if (row->place == PLACE_BEFORE_AUTH && (o->mn_ha.present || o->mn_aaa.present))
		return MH_ERR_OPTION;
	*seen |= bit;
	return row->decode(body, at, o);
}

enum mh_err mhopt_decode(struct rbuf *r, size_t at, struct mh_opts *o, size_t *err_offset)
{
	size_t total = rb_left(r);
	size_t last_at = 0;
	uint32_t seen = 0;

	while (rb_left(r) > 0) {
		size_t opt_at = at + total - rb_left(r);
		uint8_t type = rb_u8(r);
		struct rbuf body;
		enum mh_err err;

		if (type == MHOPT_PAD1)
			continue;
		body = rb_sub(r, rb_u8(r));
		if (r->err) {
			*err_offset = opt_at;
			return MH_ERR_OPTION;
		}
		if (type == MHOPT_PADN)
			continue;
		err = decode_one(type, &body, opt_at, &seen, o);
		if (err) {
			*err_offset = opt_at;
			return err;
		}
		last_at = opt_at;
	}
	o->mn_ha.last = o->mn_ha.present && o->mn_ha.covered == last_at + 2 + AUTH_FIXED;
	o->mn_aaa.last = o->mn_aaa.present && o->mn_aaa.covered == last_at + 2 + AUTH_FIXED;
	return MH_OK;
}

/* RFC 6275 6.2.2, 6.2.3: one octet by Pad1, more by one PadN. */
static void encode_pad(struct wbuf *w, size_t n)
{
	if (n == 1) {
		wb_u8(w, MHOPT_PAD1);
	} else if (n > 1) {
		wb_u8(w, MHOPT_PADN);
		wb_u8(w, (uint8_t)(n - 2));
		wb_zero(w, n - 2);
	}
}

/* Octets of padding in front of an option of len octets of data. */
static size_t pad_before(const struct mhopt *row, size_t at, size_t len)
{
	size_t n = row->align_n;
	size_t y = row->align_y == ALIGN_END ? n - (2 + len) % n : row->align_y;

	return (y + n - at % n) % n;
}

static void encode_one(struct wbuf *w, size_t mh_at, const struct mhopt *row, unsigned int n,
		       size_t len, struct mh_opts *o)
{
	size_t at;

	encode_pad(w, pad_before(row, w->len - mh_at, len));
	at = w->len - mh_at;
	wb_u8(w, row->type);
	wb_u8(w, (uint8_t)len);
	if (row->encode_nth)
		row->encode_nth(w, n, o);
	else
		row->encode(w, at, o);
}

int mhopt_encode(struct wbuf *w, size_t mh_at, struct mh_opts *o)
{
	/* RFC 6275 6.2 and RFC 4285 5.1 want their own option last: not both. */
	if (o->has_auth_data && (o->mn_ha.present || o->mn_aaa.present))
		return -EINVAL;
	if (o->has_auth_data && o->auth_data_len == 0)
		return -EINVAL;

	for (const struct mhopt *row = table; row < table + N_ROWS; row++) {
		size_t len = row->len(o);
		unsigned int n = row->count ? row->count(o) : 1;

		if (len == 0)
			continue;
		if (len == LEN_EMPTY)
			len = 0;
		if (len < row->min || len > row->max || n > MH_PREFIXES_MAX)
			return -EINVAL;
		for (unsigned int i = 0; i < n; i++)
			encode_one(w, mh_at, row, i, len, o);
	}
	encode_pad(w, (8 - (w->len - mh_at) % 8) % 8);
	return 0;
}
