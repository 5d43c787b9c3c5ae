/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobility Header messages (RFC 6275 6.1, RFC 5846 5, RFC 5847 3.3): a message type is a row
 * of the table below, the options behind its fixed part are in mhopt.c. Called by the packet
 * input and output of both daemons and by their state machines, which see decoded messages
 * only.
 */
#include "common/wire/mh.h"

#include <errno.h>
#include <string.h>

#include "common/wire/cksum.h"
#include "common/wire/ext.h"
#include "common/wire/mhopt.h"

#define OFF_PROTO	0
#define OFF_LEN		1
#define OFF_TYPE	2
#define OFF_CKSUM	4
#define OFF_BR_TYPE	6

const char *mh_err_name(enum mh_err e)
{
	static const char *const names[MH_ERR_MAX] = {
		[MH_OK] = "ok",
		[MH_ERR_SHORT] = "mh-short",
		[MH_ERR_TRUNCATED] = "mh-truncated",
		[MH_ERR_PROTO] = "mh-payload-proto",
		[MH_ERR_CHECKSUM] = "mh-checksum",
		[MH_ERR_UNKNOWN_TYPE] = "mh-unknown-type",
		[MH_ERR_BR_TYPE] = "mh-revocation-type",
		[MH_ERR_OPTION] = "mh-option",
		[MH_ERR_DUPLICATE] = "mh-duplicate-option",
		[MH_ERR_TOO_MANY] = "mh-too-many-prefixes",
	};

	return (unsigned int)e < MH_ERR_MAX ? names[e] : "unknown";
}

struct status_text {
	uint8_t status;
	const char *text;
};

static const char *find_text(const struct status_text *texts, size_t n, uint8_t status)
{
	for (size_t i = 0; i < n; i++) {
		if (texts[i].status == status)
			return texts[i].text;
	}
	/* RFC 6275 6.1.8, RFC 5846 5.2: what is below 128 says yes. */
	return status < 128 ? "accepted, unknown status" : "rejected, unknown status";
}

const char *mh_ba_status_text(uint8_t status)
{
	static const struct status_text texts[] = {
		{ BA_ACCEPTED, "Binding Update accepted" },
		{ BA_PREFIX_DISCOVERY, "accepted, but prefix discovery is necessary" },
		{ BA_UNSPECIFIED, "reason unspecified" },
		{ BA_PROHIBITED, "administratively prohibited" },
		{ BA_RESOURCES, "insufficient resources" },
		{ BA_NO_HOME_REG, "home registration not supported" },
		{ BA_NOT_HOME_SUBNET, "not home subnet" },
		{ BA_NOT_HOME_AGENT, "not home agent for this mobile node" },
		{ BA_DAD_FAILED, "Duplicate Address Detection failed" },
		{ BA_SEQ_OUT_OF_WINDOW, "sequence number out of window" },
		{ BA_EXPIRED_HOME_NONCE, "expired home nonce index" },
		{ BA_EXPIRED_COA_NONCE, "expired care-of nonce index" },
		{ BA_EXPIRED_NONCES, "expired nonces" },
		{ BA_TYPE_CHANGE, "registration type change disallowed" },
		{ BA_ID_MISMATCH, "timestamp not close enough to the clock" },
		{ BA_MESG_ID_REQUIRED, "replay protection option required" },
		{ BA_AUTH_FAIL, "authentication failed" },
		{ BA_PROXY_NOT_ENABLED, "proxy registration not enabled for the mobile node" },
		{ BA_NOT_ANCHOR, "not local mobility anchor for this mobile node" },
		{ BA_GATEWAY_NOT_AUTHORIZED, "router not authorized for proxy registrations" },
		{ BA_PREFIX_NOT_AUTHORIZED, "mobile node not authorized for a prefix" },
		{ BA_TIMESTAMP_MISMATCH, "timestamp not close enough to the clock" },
		{ BA_TIMESTAMP_LOWER, "timestamp not newer than the last one" },
		{ BA_MISSING_PREFIX, "home network prefix option required" },
		{ BA_PREFIX_SET_MISMATCH, "not all prefixes of the mobility session" },
		{ BA_MISSING_MN_ID, "mobile node identifier option required" },
		{ BA_MISSING_HANDOFF_INDICATOR, "handoff indicator option required" },
		{ BA_MISSING_ACCESS_TYPE, "access technology type option required" },
		{ BA_INVALID_COA, "invalid care-of address" },
		{ BA_REINIT_SA, "another security association is wanted" },
	};

	return find_text(texts, sizeof(texts) / sizeof(texts[0]), status);
}

const char *mh_br_status_text(uint8_t status)
{
	static const struct status_text texts[] = {
		{ BR_SUCCESS, "revocation acknowledged" },
		{ BR_PARTIAL_SUCCESS, "acknowledged, some bindings were gone before" },
		{ BR_NO_BINDING, "the mobile node has no such binding" },
		{ BR_IPV4_HOA_REQUIRED, "IPv4 home address option required" },
		{ BR_GLOBAL_NOT_AUTHORIZED, "global revocation not authorized" },
		{ BR_IDENTITY_REQUIRED, "identity of the mobile nodes required" },
		{ BR_MN_ATTACHED, "mobile node is attached" },
		{ BR_TRIGGER_NOT_SUPPORTED, "revocation trigger not supported" },
		{ BR_FUNCTION_NOT_SUPPORTED, "revocation function not supported" },
		{ BR_PROXY_NOT_SUPPORTED, "proxy binding revocation not supported" },
	};

	return find_text(texts, sizeof(texts) / sizeof(texts[0]), status);
}

/* 6.1.2 */
static void decode_brr(struct rbuf *r, struct mh_msg *m)
{
	(void)m;
	rb_skip(r, 2);
}

static void encode_brr(struct wbuf *w, const struct mh_msg *m)
{
	(void)m;
	wb_zero(w, 2);
}

/* 6.1.3, 6.1.4 */
static void decode_init(struct rbuf *r, struct mh_msg *m)
{
	rb_skip(r, 2);
	m->u.rr.cookie = rb_u64(r);
}

static void encode_init(struct wbuf *w, const struct mh_msg *m)
{
	wb_zero(w, 2);
	wb_u64(w, m->u.rr.cookie);
}

/* 6.1.5, 6.1.6 */
static void decode_test(struct rbuf *r, struct mh_msg *m)
{
	m->u.rr.nonce_index = rb_u16(r);
	m->u.rr.cookie = rb_u64(r);
	m->u.rr.token = rb_u64(r);
}

static void encode_test(struct wbuf *w, const struct mh_msg *m)
{
	wb_u16(w, m->u.rr.nonce_index);
	wb_u64(w, m->u.rr.cookie);
	wb_u64(w, m->u.rr.token);
}

/* 6.1.7 */
static void decode_bu(struct rbuf *r, struct mh_msg *m)
{
	m->u.bu.seq = rb_u16(r);
	m->u.bu.flags = rb_u16(r);
	m->u.bu.lifetime = rb_u16(r);
}

static void encode_bu(struct wbuf *w, const struct mh_msg *m)
{
	wb_u16(w, m->u.bu.seq);
	wb_u16(w, m->u.bu.flags);
	wb_u16(w, m->u.bu.lifetime);
}

/* 6.1.8 */
static void decode_ba(struct rbuf *r, struct mh_msg *m)
{
	m->u.ba.status = rb_u8(r);
	m->u.ba.flags = rb_u8(r);
	m->u.ba.seq = rb_u16(r);
	m->u.ba.lifetime = rb_u16(r);
}

static void encode_ba(struct wbuf *w, const struct mh_msg *m)
{
	wb_u8(w, m->u.ba.status);
	wb_u8(w, m->u.ba.flags);
	wb_u16(w, m->u.ba.seq);
	wb_u16(w, m->u.ba.lifetime);
}

/* 6.1.9 */
static void decode_be(struct rbuf *r, struct mh_msg *m)
{
	m->u.be.status = rb_u8(r);
	rb_skip(r, 1);
	rb_in6(r, &m->u.be.hoa);
}

static void encode_be(struct wbuf *w, const struct mh_msg *m)
{
	wb_u8(w, m->u.be.status);
	wb_zero(w, 1);
	wb_in6(w, &m->u.be.hoa);
}

/* RFC 5846 5.1, 5.2: both types have one form. */
static void decode_br(struct rbuf *r, struct mh_msg *m)
{
	m->u.br.type = rb_u8(r);
	m->u.br.code = rb_u8(r);
	m->u.br.seq = rb_u16(r);
	m->u.br.flags = rb_u16(r);
}

static void encode_br(struct wbuf *w, const struct mh_msg *m)
{
	wb_u8(w, m->u.br.type);
	wb_u8(w, m->u.br.code);
	wb_u16(w, m->u.br.seq);
	wb_u16(w, m->u.br.flags);
}

/* RFC 5847 3.3 */
static void decode_heartbeat(struct rbuf *r, struct mh_msg *m)
{
	m->u.heartbeat.flags = rb_u16(r) & (HEARTBEAT_UNSOLICITED | HEARTBEAT_RESPONSE);
	m->u.heartbeat.seq = rb_u32(r);
}

static void encode_heartbeat(struct wbuf *w, const struct mh_msg *m)
{
	wb_u16(w, m->u.heartbeat.flags);
	wb_u32(w, m->u.heartbeat.seq);
}

struct mh_row {
	const char *name;
	uint16_t fixed;		/* octets of the Mobility Header in front of the options */
	void (*decode)(struct rbuf *r, struct mh_msg *m);
	void (*encode)(struct wbuf *w, const struct mh_msg *m);
};

static const struct mh_row table[] = {
	[MH_BRR] = { "BRR", MH_FIXED_LEN + 2, decode_brr, encode_brr },
	[MH_HOTI] = { "HoTI", MH_FIXED_LEN + 10, decode_init, encode_init },
	[MH_COTI] = { "CoTI", MH_FIXED_LEN + 10, decode_init, encode_init },
	[MH_HOT] = { "HoT", MH_FIXED_LEN + 18, decode_test, encode_test },
	[MH_COT] = { "CoT", MH_FIXED_LEN + 18, decode_test, encode_test },
	[MH_BU] = { "BU", MH_FIXED_LEN + 6, decode_bu, encode_bu },
	[MH_BA] = { "BA", MH_FIXED_LEN + 6, decode_ba, encode_ba },
	[MH_BE] = { "BE", MH_FIXED_LEN + 18, decode_be, encode_be },
	[MH_HEARTBEAT] = { "HB", MH_FIXED_LEN + 6, decode_heartbeat, encode_heartbeat },
	[MH_BR] = { "BR", MH_FIXED_LEN + 6, decode_br, encode_br },
};

static const struct mh_row *find(uint8_t type)
{
	return type < sizeof(table) / sizeof(table[0]) && table[type].name ? &table[type] : NULL;
}

static bool br_type_known(const struct mh_msg *m)
{
	return m->u.br.type == BR_INDICATION || m->u.br.type == BR_ACKNOWLEDGEMENT;
}

const char *mh_type_name(uint8_t type)
{
	const struct mh_row *row = find(type);

	return row ? row->name : "unknown";
}

static enum mh_err fail(enum mh_err err, size_t offset, size_t *err_offset)
{
	if (err_offset)
		*err_offset = offset;
	return err;
}

enum mh_err mh_decode(const void *data, size_t len, const struct in6_addr *src,
		      const struct in6_addr *dst, struct mh_msg *ret, size_t *err_offset)
{
	const struct mh_row *row;
	struct mh_msg msg;
	struct rbuf r, mh;
	size_t mh_len, offset = 0;
	uint8_t proto;
	enum mh_err err;

	memset(&msg, 0, sizeof(msg));
	rb_init(&r, data, len);
	mh = r;
	proto = rb_u8(&r);
	mh_len = ((size_t)rb_u8(&r) + 1) * 8;
	msg.type = rb_u8(&r);
	/* Octets behind the length field's end are no part of the message. */
	mh = rb_sub(&mh, mh_len);
	if (r.err || mh.err)
		return fail(MH_ERR_TRUNCATED, OFF_LEN, err_offset);

	/* RFC 6275 9.2, in its order: checksum, type, payload proto, length. */
	if (cksum_ip6(src, dst, MH_NEXT_HEADER, data, mh_len) != 0)
		return fail(MH_ERR_CHECKSUM, OFF_CKSUM, err_offset);
	row = find(msg.type);
	if (!row)
		return fail(MH_ERR_UNKNOWN_TYPE, OFF_TYPE, err_offset);
	if (proto != IP6_NH_NONE)
		return fail(MH_ERR_PROTO, OFF_PROTO, err_offset);
	if (mh_len < row->fixed)
		return fail(MH_ERR_SHORT, OFF_LEN, err_offset);

	rb_skip(&mh, MH_FIXED_LEN);
	row->decode(&mh, &msg);
	/* RFC 5846 5: the type says what the message holds; of others nothing is known. */
	if (msg.type == MH_BR && !br_type_known(&msg))
		return fail(MH_ERR_BR_TYPE, OFF_BR_TYPE, err_offset);
	err = mhopt_decode(&mh, row->fixed, &msg.opts, &offset);
	if (err)
		return fail(err, offset, err_offset);
	*ret = msg;
	return MH_OK;
}

int mh_encode(struct wbuf *w, struct mh_msg *msg)
{
	const struct mh_row *row = find(msg->type);
	size_t at = w->len;
	int rc;

	if (!row || (msg->type == MH_BR && !br_type_known(msg)))
		return -EINVAL;
	wb_u8(w, IP6_NH_NONE);
	wb_u8(w, 0);
	wb_u8(w, msg->type);
	wb_u8(w, 0);
	wb_u16(w, 0);
	row->encode(w, msg);
	rc = mhopt_encode(w, at, &msg->opts);
	if (rc < 0 || w->err) {
		w->len = at;
		return rc < 0 ? rc : -ENOSPC;
	}
	wb_set_u8(w, at + OFF_LEN, (uint8_t)((w->len - at) / 8 - 1));
	return 0;
}

int mh_set_auth(uint8_t *mh, size_t len, const struct mh_auth *auth)
{
	struct rbuf r;
	struct wbuf w;

	if (!auth->present || auth->len > MH_AUTH_MAX || auth->covered < MH_FIXED_LEN + 7u)
		return -EINVAL;
	/* The option that covers this much must be there, or the place is wrong. */
	rb_init(&r, mh, len);
	rb_skip(&r, auth->covered - 7u);
	if (rb_u8(&r) != MHOPT_AUTH || rb_u8(&r) != 5 + auth->len)
		return -EINVAL;
	rb_skip(&r, 1);
	if (rb_u32(&r) != auth->spi || rb_left(&r) < auth->len)
		return -EINVAL;

	wb_init(&w, mh + auth->covered, auth->len);
	wb_bytes(&w, auth->data, auth->len);
	return 0;
}

void mh_set_cksum(uint8_t *mh, size_t len, const struct in6_addr *src,
		  const struct in6_addr *dst)
{
	struct wbuf w;

	if (len < OFF_CKSUM + 2)
		return;
	wb_init(&w, mh + OFF_CKSUM, 2);
	wb_u16(&w, 0);
	wb_set_u16(&w, 0, cksum_ip6(src, dst, MH_NEXT_HEADER, mh, len));
}
