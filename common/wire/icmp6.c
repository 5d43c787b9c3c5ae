/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICMPv6 messages of Neighbour Discovery (RFC 4861, RFC 8106), with what RFC 6275
 * section 7 adds, and of home agent and mobile prefix discovery (RFC 6275 6.5 to 6.8).
 * A message is a row of the first table, an option a row of the second. Called by the
 * packet input and output of both daemons; state machines see decoded messages only.
 */
#include "common/wire/icmp6.h"

#include <errno.h>
#include <string.h>

#include "common/wire/cksum.h"
#include "common/wire/ext.h"

#define OFF_CKSUM	2
#define ND_HOP_LIMIT	255	/* RFC 4861: not forwarded by any router */

/* Bit of a message type in the set of messages that an option belongs to. */
#define IN(type)	(1u << ((type) - ICMP6_RS))

const char *icmp6_err_name(enum icmp6_err e)
{
	static const char *const names[ICMP6_ERR_MAX] = {
		[ICMP6_OK] = "ok",
		[ICMP6_ERR_SHORT] = "icmp6-short",
		[ICMP6_ERR_CHECKSUM] = "icmp6-checksum",
		[ICMP6_ERR_TYPE] = "icmp6-type",
		[ICMP6_ERR_CODE] = "icmp6-code",
		[ICMP6_ERR_HOP_LIMIT] = "icmp6-hop-limit",
		[ICMP6_ERR_SOURCE] = "icmp6-source",
		[ICMP6_ERR_TARGET] = "icmp6-target",
		[ICMP6_ERR_OPTION] = "icmp6-option",
	};

	return (unsigned int)e < ICMP6_ERR_MAX ? names[e] : "unknown";
}

static bool is_solicited_node(const struct in6_addr *a)
{
	static const uint8_t prefix[13] = { 0xff, 0x02, [11] = 0x01, [12] = 0xff };

	return memcmp(a->s6_addr, prefix, sizeof(prefix)) == 0;
}

/* ---- options ---- */

/* The link-layer address that a message of this type carries: one option or none. */
static struct nd_lladdr *lladdr_of(struct icmp6_msg *m)
{
	switch (m->type) {
	case ICMP6_RS:
		return &m->u.rs.slla;
	case ICMP6_RA:
		return &m->u.ra.slla;
	case ICMP6_NS:
		return &m->u.ns.slla;
	default:
		return &m->u.na.tlla;
	}
}

static bool decode_lladdr(struct rbuf *body, struct icmp6_msg *m)
{
	struct nd_lladdr *ll = lladdr_of(m);

	rb_bytes(body, ll->mac, sizeof(ll->mac));
	ll->present = true;
	return true;
}

static void encode_lladdr(struct wbuf *w, struct icmp6_msg *m)
{
	const struct nd_lladdr *ll = lladdr_of(m);

	if (!ll->present)
		return;
	wb_u8(w, m->type == ICMP6_NA ? ND_OPT_TLLA : ND_OPT_SLLA);
	wb_u8(w, 1);
	wb_bytes(w, ll->mac, sizeof(ll->mac));
}

static void clear_host_bits(struct in6_addr *a, uint8_t plen)
{
	for (unsigned int i = 0; i < 16; i++) {
		unsigned int bits = plen > i * 8 ? plen - i * 8 : 0;

		if (bits < 8)
			a->s6_addr[i] &= (uint8_t)(0xff00u >> bits);
	}
}

static bool decode_prefix(struct rbuf *body, struct icmp6_msg *m)
{
	struct nd_prefix p;

	memset(&p, 0, sizeof(p));
	p.plen = rb_u8(body);
	p.flags = rb_u8(body);
	p.valid_s = rb_u32(body);
	p.preferred_s = rb_u32(body);
	rb_skip(body, 4);
	rb_in6(body, &p.prefix);
	if (p.plen > 128)
		return false;
	/* RFC 4861 4.6.2: the bits behind the prefix length are ignored; RFC 6275 7.2: but
	 * with the R flag they belong to the router's address. */
	if (!(p.flags & PIO_FLAG_ROUTER))
		clear_host_bits(&p.prefix, p.plen);

	if (m->type == ICMP6_MPA) {
		if (m->u.mp.n_prefixes < ND_MAX_PREFIXES)
			m->u.mp.prefixes[m->u.mp.n_prefixes++] = p;
	} else if (m->u.ra.n_prefixes < ND_MAX_PREFIXES) {
		m->u.ra.prefixes[m->u.ra.n_prefixes++] = p;
	} else {
		m->u.ra.dropped++;
	}
	return true;
}

static void encode_prefixes(struct wbuf *w, struct icmp6_msg *m)
{
	bool mpa = m->type == ICMP6_MPA;
	const struct nd_prefix *p = mpa ? m->u.mp.prefixes : m->u.ra.prefixes;
	unsigned int n = mpa ? m->u.mp.n_prefixes : m->u.ra.n_prefixes;

	for (; n > 0; n--, p++) {
		wb_u8(w, ND_OPT_PREFIX);
		wb_u8(w, 4);
		wb_u8(w, p->plen);
		wb_u8(w, p->flags);
		wb_u32(w, p->valid_s);
		wb_u32(w, p->preferred_s);
		wb_zero(w, 4);
		wb_in6(w, &p->prefix);
	}
}

static bool decode_mtu(struct rbuf *body, struct icmp6_msg *m)
{
	rb_skip(body, 2);
	m->u.ra.mtu = rb_u32(body);
	return true;
}

static void encode_mtu(struct wbuf *w, struct icmp6_msg *m)
{
	if (m->u.ra.mtu == 0)
		return;
	wb_u8(w, ND_OPT_MTU);
	wb_u8(w, 1);
	wb_zero(w, 2);
	wb_u32(w, m->u.ra.mtu);
}

static bool decode_adv_interval(struct rbuf *body, struct icmp6_msg *m)
{
	rb_skip(body, 2);
	m->u.ra.adv_interval_ms = rb_u32(body);
	return true;
}

static void encode_adv_interval(struct wbuf *w, struct icmp6_msg *m)
{
	if (m->u.ra.adv_interval_ms == 0)
		return;
	wb_u8(w, ND_OPT_ADV_INTERVAL);
	wb_u8(w, 1);
	wb_zero(w, 2);
	wb_u32(w, m->u.ra.adv_interval_ms);
}

static bool decode_ha_info(struct rbuf *body, struct icmp6_msg *m)
{
	rb_skip(body, 2);
	m->u.ra.ha_preference = rb_u16(body);
	m->u.ra.ha_lifetime_s = rb_u16(body);
	m->u.ra.has_ha_info = true;
	return true;
}

static void encode_ha_info(struct wbuf *w, struct icmp6_msg *m)
{
	if (!m->u.ra.has_ha_info)
		return;
	wb_u8(w, ND_OPT_HA_INFO);
	wb_u8(w, 1);
	wb_zero(w, 2);
	wb_u16(w, m->u.ra.ha_preference);
	wb_u16(w, m->u.ra.ha_lifetime_s);
}

static bool decode_rdnss(struct rbuf *body, struct icmp6_msg *m)
{
	struct nd_ra *ra = &m->u.ra;
	uint32_t lifetime;

	/* RFC 8106 5.3.1: the length is odd, room for whole addresses. */
	if ((rb_left(body) - 6) % 16 != 0)
		return false;
	rb_skip(body, 2);
	lifetime = rb_u32(body);
	if (ra->n_rdnss == 0)
		ra->rdnss_lifetime_s = lifetime;
	while (rb_left(body) > 0) {
		struct in6_addr a;

		rb_in6(body, &a);
		/* One lifetime is kept: servers with another one are not. */
		if (ra->n_rdnss < ND_MAX_RDNSS && lifetime == ra->rdnss_lifetime_s)
			ra->rdnss[ra->n_rdnss++] = a;
		else
			ra->dropped++;
	}
	return true;
}

static void encode_rdnss(struct wbuf *w, struct icmp6_msg *m)
{
	const struct nd_ra *ra = &m->u.ra;

	if (ra->n_rdnss == 0)
		return;
	wb_u8(w, ND_OPT_RDNSS);
	wb_u8(w, (uint8_t)(1 + 2 * ra->n_rdnss));
	wb_zero(w, 2);
	wb_u32(w, ra->rdnss_lifetime_s);
	for (unsigned int i = 0; i < ra->n_rdnss; i++)
		wb_in6(w, &ra->rdnss[i]);
}

struct nd_opt {
	uint8_t type;
	const char *name;
	uint8_t min, max;	/* rule for the length, in units of 8 octets */
	bool repeats;		/* else the first one counts */
	uint32_t in;		/* messages that it belongs to; elsewhere it is ignored */
	bool (*decode)(struct rbuf *body, struct icmp6_msg *m);	/* body: behind the length */
	void (*encode)(struct wbuf *w, struct icmp6_msg *m);	/* all of them, or nothing */
};

/* In the order of writing. */
static const struct nd_opt options[] = {
	{ ND_OPT_SLLA, "source-link-layer-address", 1, 1, false,
	  IN(ICMP6_RS) | IN(ICMP6_RA) | IN(ICMP6_NS), decode_lladdr, encode_lladdr },
	{ ND_OPT_TLLA, "target-link-layer-address", 1, 1, false,
	  IN(ICMP6_NA), decode_lladdr, encode_lladdr },
	{ ND_OPT_MTU, "mtu", 1, 1, false, IN(ICMP6_RA), decode_mtu, encode_mtu },
	{ ND_OPT_PREFIX, "prefix-information", 4, 4, true,
	  IN(ICMP6_RA) | IN(ICMP6_MPA), decode_prefix, encode_prefixes },
	{ ND_OPT_ADV_INTERVAL, "advertisement-interval", 1, 1, false,
	  IN(ICMP6_RA), decode_adv_interval, encode_adv_interval },
	{ ND_OPT_HA_INFO, "home-agent-information", 1, 1, false,
	  IN(ICMP6_RA), decode_ha_info, encode_ha_info },
	{ ND_OPT_RDNSS, "recursive-dns-server", 3, 255, true,
	  IN(ICMP6_RA), decode_rdnss, encode_rdnss },
};
#define N_OPTIONS	(sizeof(options) / sizeof(options[0]))

static const struct nd_opt *find_option(uint8_t type, uint8_t msg_type)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		if (options[i].type == type && options[i].in & IN(msg_type))
			return &options[i];
	}
	return NULL;
}

static enum icmp6_err decode_options(struct rbuf *r, struct icmp6_msg *m)
{
	uint32_t seen = 0;

	while (rb_left(r) > 0) {
		uint8_t type = rb_u8(r);
		uint8_t len = rb_u8(r);
		const struct nd_opt *row = find_option(type, m->type);
		struct rbuf body;
		uint32_t bit;

		/* RFC 4861 6.1, 7.1: an option of length zero spoils the message. */
		if (r->err || len == 0)
			return ICMP6_ERR_OPTION;
		body = rb_sub(r, (size_t)len * 8 - 2);
		if (r->err)
			return ICMP6_ERR_OPTION;
		/* RFC 4861 6.1, 7.1: what is unknown, or defined for other messages only, is
		 * ignored. */
		if (!row)
			continue;
		if (len < row->min || len > row->max)
			return ICMP6_ERR_OPTION;
		bit = UINT32_C(1) << (row - options);
		if (seen & bit && !row->repeats)
			continue;
		seen |= bit;
		if (!row->decode(&body, m))
			return ICMP6_ERR_OPTION;
	}
	return ICMP6_OK;
}

static void encode_options(struct wbuf *w, struct icmp6_msg *m)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		if (options[i].in & IN(m->type))
			options[i].encode(w, m);
	}
}

/* ---- messages: the part behind the checksum, and the rules of the RFC ---- */

static void decode_rs(struct rbuf *r, struct icmp6_msg *m)
{
	(void)m;
	rb_skip(r, 4);
}

static void encode_rs(struct wbuf *w, const struct icmp6_msg *m)
{
	(void)m;
	wb_zero(w, 4);
}

static enum icmp6_err check_rs(const struct icmp6_msg *m, const struct in6_addr *src,
			       const struct in6_addr *dst)
{
	(void)dst;
	/* RFC 4861 6.1.1: no link-layer address from the unspecified address. */
	if (IN6_IS_ADDR_UNSPECIFIED(src) && m->u.rs.slla.present)
		return ICMP6_ERR_SOURCE;
	return ICMP6_OK;
}

static void decode_ra(struct rbuf *r, struct icmp6_msg *m)
{
	m->u.ra.hop_limit = rb_u8(r);
	m->u.ra.flags = rb_u8(r);
	m->u.ra.router_lifetime_s = rb_u16(r);
	m->u.ra.reachable_ms = rb_u32(r);
	m->u.ra.retrans_ms = rb_u32(r);
}

static void encode_ra(struct wbuf *w, const struct icmp6_msg *m)
{
	wb_u8(w, m->u.ra.hop_limit);
	wb_u8(w, m->u.ra.flags);
	wb_u16(w, m->u.ra.router_lifetime_s);
	wb_u32(w, m->u.ra.reachable_ms);
	wb_u32(w, m->u.ra.retrans_ms);
}

static enum icmp6_err check_ra(const struct icmp6_msg *m, const struct in6_addr *src,
			       const struct in6_addr *dst)
{
	(void)m;
	(void)dst;
	/* RFC 4861 6.1.2 */
	return IN6_IS_ADDR_LINKLOCAL(src) ? ICMP6_OK : ICMP6_ERR_SOURCE;
}

static void decode_ns(struct rbuf *r, struct icmp6_msg *m)
{
	rb_skip(r, 4);
	rb_in6(r, &m->u.ns.target);
}

static void encode_ns(struct wbuf *w, const struct icmp6_msg *m)
{
	wb_zero(w, 4);
	wb_in6(w, &m->u.ns.target);
}

static enum icmp6_err check_ns(const struct icmp6_msg *m, const struct in6_addr *src,
			       const struct in6_addr *dst)
{
	/* RFC 4861 7.1.1 */
	if (IN6_IS_ADDR_MULTICAST(&m->u.ns.target))
		return ICMP6_ERR_TARGET;
	if (!IN6_IS_ADDR_UNSPECIFIED(src))
		return ICMP6_OK;
	if (!is_solicited_node(dst))
		return ICMP6_ERR_TARGET;
	return m->u.ns.slla.present ? ICMP6_ERR_SOURCE : ICMP6_OK;
}

static void decode_na(struct rbuf *r, struct icmp6_msg *m)
{
	m->u.na.flags = rb_u8(r);
	rb_skip(r, 3);
	rb_in6(r, &m->u.na.target);
}

static void encode_na(struct wbuf *w, const struct icmp6_msg *m)
{
	wb_u8(w, m->u.na.flags);
	wb_zero(w, 3);
	wb_in6(w, &m->u.na.target);
}

static enum icmp6_err check_na(const struct icmp6_msg *m, const struct in6_addr *src,
			       const struct in6_addr *dst)
{
	(void)src;
	/* RFC 4861 7.1.2 */
	if (IN6_IS_ADDR_MULTICAST(&m->u.na.target))
		return ICMP6_ERR_TARGET;
	if (IN6_IS_ADDR_MULTICAST(dst) && m->u.na.flags & NA_FLAG_SOLICITED)
		return ICMP6_ERR_TARGET;
	return ICMP6_OK;
}

static void decode_dhaad_request(struct rbuf *r, struct icmp6_msg *m)
{
	m->u.dhaad.id = rb_u16(r);
	/* Nothing is defined behind the reserved field. */
	rb_skip(r, rb_left(r));
}

static void decode_dhaad_reply(struct rbuf *r, struct icmp6_msg *m)
{
	m->u.dhaad.id = rb_u16(r);
	rb_skip(r, 2);
	while (rb_left(r) >= sizeof(struct in6_addr)) {
		struct in6_addr a;

		rb_in6(r, &a);
		if (m->u.dhaad.n_ha < ND_MAX_HA)
			m->u.dhaad.ha[m->u.dhaad.n_ha++] = a;
	}
	/* RFC 6275 6.6: a list of addresses, no options; half an address is an error. */
	if (rb_left(r) > 0)
		r->err = true;
}

static void encode_dhaad_request(struct wbuf *w, const struct icmp6_msg *m)
{
	wb_u16(w, m->u.dhaad.id);
	wb_zero(w, 2);
}

static void encode_dhaad_reply(struct wbuf *w, const struct icmp6_msg *m)
{
	encode_dhaad_request(w, m);
	for (unsigned int i = 0; i < m->u.dhaad.n_ha; i++)
		wb_in6(w, &m->u.dhaad.ha[i]);
}

static void decode_mps(struct rbuf *r, struct icmp6_msg *m)
{
	m->u.mp.id = rb_u16(r);
	rb_skip(r, 2);
}

static void encode_mps(struct wbuf *w, const struct icmp6_msg *m)
{
	wb_u16(w, m->u.mp.id);
	wb_zero(w, 2);
}

static void decode_mpa(struct rbuf *r, struct icmp6_msg *m)
{
	m->u.mp.id = rb_u16(r);
	m->u.mp.flags = rb_u8(r);
	rb_skip(r, 1);
}

static void encode_mpa(struct wbuf *w, const struct icmp6_msg *m)
{
	wb_u16(w, m->u.mp.id);
	wb_u8(w, m->u.mp.flags);
	wb_zero(w, 1);
}

static enum icmp6_err check_none(const struct icmp6_msg *m, const struct in6_addr *src,
				 const struct in6_addr *dst)
{
	(void)m;
	(void)src;
	(void)dst;
	return ICMP6_OK;
}

struct icmp6_row {
	uint8_t type;
	bool on_link;		/* hop limit 255 */
	uint8_t min;		/* octets of the message without options */
	void (*decode)(struct rbuf *r, struct icmp6_msg *m);
	void (*encode)(struct wbuf *w, const struct icmp6_msg *m);
	enum icmp6_err (*check)(const struct icmp6_msg *m, const struct in6_addr *src,
				const struct in6_addr *dst);
};

static const struct icmp6_row messages[] = {
	{ ICMP6_RS, true, 8, decode_rs, encode_rs, check_rs },
	{ ICMP6_RA, true, 16, decode_ra, encode_ra, check_ra },
	{ ICMP6_NS, true, 24, decode_ns, encode_ns, check_ns },
	{ ICMP6_NA, true, 24, decode_na, encode_na, check_na },
	{ ICMP6_DHAAD_REQUEST, false, 8, decode_dhaad_request, encode_dhaad_request, check_none },
	{ ICMP6_DHAAD_REPLY, false, 8, decode_dhaad_reply, encode_dhaad_reply, check_none },
	{ ICMP6_MPS, false, 8, decode_mps, encode_mps, check_none },
	{ ICMP6_MPA, false, 8, decode_mpa, encode_mpa, check_none },
};

static const struct icmp6_row *find_message(uint8_t type)
{
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		if (messages[i].type == type)
			return &messages[i];
	}
	return NULL;
}

enum icmp6_err icmp6_decode(const void *data, size_t len, const struct in6_addr *src,
			    const struct in6_addr *dst, uint8_t hop_limit,
			    struct icmp6_msg *ret)
{
	const struct icmp6_row *row;
	struct icmp6_msg msg;
	enum icmp6_err err;
	struct rbuf r;
	uint8_t code;

	memset(&msg, 0, sizeof(msg));
	rb_init(&r, data, len);
	msg.type = rb_u8(&r);
	code = rb_u8(&r);
	rb_skip(&r, 2);
	if (r.err)
		return ICMP6_ERR_SHORT;
	row = find_message(msg.type);
	if (!row)
		return ICMP6_ERR_TYPE;
	/* RFC 4861 6.1.1, 6.1.2, 7.1.1, 7.1.2, in this order. */
	if (row->on_link && hop_limit != ND_HOP_LIMIT)
		return ICMP6_ERR_HOP_LIMIT;
	if (cksum_ip6(src, dst, IP6_NH_ICMP6, data, len) != 0)
		return ICMP6_ERR_CHECKSUM;
	if (code != 0)
		return ICMP6_ERR_CODE;
	if (len < row->min)
		return ICMP6_ERR_SHORT;

	row->decode(&r, &msg);
	if (r.err)
		return ICMP6_ERR_SHORT;
	err = decode_options(&r, &msg);
	if (err)
		return err;
	err = row->check(&msg, src, dst);
	if (err)
		return err;
	*ret = msg;
	return ICMP6_OK;
}

static bool prefixes_fit(const struct nd_prefix *p, unsigned int n)
{
	if (n > ND_MAX_PREFIXES)
		return false;
	for (unsigned int i = 0; i < n; i++) {
		if (p[i].plen > 128)
			return false;
	}
	return true;
}

/* What the structures can hold but the wire, or the RFC, cannot. */
static bool can_encode(const struct icmp6_msg *m)
{
	const struct nd_ra *ra = &m->u.ra;

	if (m->type == ICMP6_DHAAD_REPLY)
		return m->u.dhaad.n_ha <= ND_MAX_HA;
	if (m->type == ICMP6_MPA)
		return prefixes_fit(m->u.mp.prefixes, m->u.mp.n_prefixes);
	if (m->type != ICMP6_RA)
		return true;
	/* RFC 6275 7.4: home agent information only with the H flag, and no lifetime of 0. */
	if (ra->has_ha_info && (!(ra->flags & RA_FLAG_HOME_AGENT) || ra->ha_lifetime_s == 0))
		return false;
	return ra->n_rdnss <= ND_MAX_RDNSS && prefixes_fit(ra->prefixes, ra->n_prefixes);
}

int icmp6_encode(struct wbuf *w, const struct icmp6_msg *msg, const struct in6_addr *src,
		 const struct in6_addr *dst)
{
	const struct icmp6_row *row = find_message(msg->type);
	struct icmp6_msg m = *msg;	/* option rows reach the message by one way */
	size_t at = w->len;

	if (!row || !can_encode(msg) || row->check(msg, src, dst) != ICMP6_OK)
		return -EINVAL;
	wb_u8(w, msg->type);
	wb_u8(w, 0);
	wb_u16(w, 0);
	row->encode(w, msg);
	encode_options(w, &m);
	if (w->err) {
		w->len = at;
		return -ENOSPC;
	}
	wb_set_u16(w, at + OFF_CKSUM,
		   cksum_ip6(src, dst, IP6_NH_ICMP6, w->base + at, w->len - at));
	return 0;
}

int icmp6_packet(struct wbuf *w, const struct ip6_packet *ip, const struct icmp6_msg *msg)
{
	size_t at = w->len;
	int err;

	ip6_encode(w, ip);
	err = icmp6_encode(w, msg, ip6_cksum_src(ip), ip6_cksum_dst(ip));
	if (err < 0)
		return err;
	ip6_finish(w, at);
	return w->err ? -ENOSPC : 0;
}
