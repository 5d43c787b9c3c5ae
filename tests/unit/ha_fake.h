/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A home agent in a test: ops that write down what was asked for, in order, and packets as
 * a mobile node would send them. Included after cmocka.h by the tests of the whole home agent.
 */
#ifndef DMIP6_TESTS_HA_FAKE_H
#define DMIP6_TESTS_HA_FAKE_H

#include <errno.h>
#include <string.h>

#include "common/wire/cksum.h"
#include "ha-agent/ha.h"

#define SPI		300
#define MAX_CALLS	8192

enum call {
	CALL_SEND_LINK, CALL_SEND_ROUTED, CALL_FORWARD, CALL_DP_SET, CALL_DP_DEL, CALL_DP_STEER,
	CALL_DP_USED,
	CALL_HOME_ATTACH, CALL_HOST_ATTACH, CALL_HOME_DETACH, CALL_HOME_FORGET, CALL_ATTACH,
	CALL_DETACH,
	CALL_LEASE_STORE, CALL_LEASE_STORE_DURABLE, CALL_BINDING_STORE, CALL_BINDING_FORGET,
	CALL_EVENT, CALL_DRAINED, CALL_FIND, CALL_SESSION_PUT, CALL_SESSION_DEL, CALL_VISIT,
	CALL_VISIT_OVER,
};

struct fake {
	struct timers timers;
	struct ha_config cfg;
	struct ha_key keys[2];
	struct ha ha;
	usec_t now;
	enum call calls[MAX_CALLS];
	unsigned int n_calls;
	uint8_t packet[2048];		/* the last that was sent */
	size_t packet_len;
	uint8_t packet_mac[6];
	int groups;			/* joined less left */
	struct in6_addr group;		/* the last of them */
	struct ha_home_record homes[8];	/* as they were stored, by prefix */
	unsigned int n_homes;
	uint8_t host_mac[6];		/* of the last host_attach */
	int packet_ifindex;
	struct dp_binding dp;		/* the last that was set */
	struct in6_prefix dp_deleted;
	struct dp_steer steer;
	struct ha_lease_record lease;
	struct ha_binding_record binding;
	uint32_t places;
	struct ha_event event;
	int dp_error, store_error, forward_error, find_error;
	uint8_t found_mac[6];		/* of the last question to the session database */
	int64_t wall_us;
	uint64_t dp_packets;		/* through every tunnel */
	uint64_t random;		/* the next number */
};

static inline void fake_note(struct fake *f, enum call c)
{
	assert_true(f->n_calls < MAX_CALLS);
	f->calls[f->n_calls++] = c;
}

static inline int fake_send_link(void *ctx, int ifindex, const uint8_t mac[6], const void *data,
				 size_t len)
{
	struct fake *f = ctx;

	fake_note(f, CALL_SEND_LINK);
	assert_true(len <= sizeof(f->packet));
	memcpy(f->packet, data, len);
	memcpy(f->packet_mac, mac, 6);
	f->packet_len = len;
	f->packet_ifindex = ifindex;
	return 0;
}

static inline int fake_send_routed(void *ctx, const void *data, size_t len)
{
	struct fake *f = ctx;

	fake_note(f, CALL_SEND_ROUTED);
	assert_true(len <= sizeof(f->packet));
	memcpy(f->packet, data, len);
	f->packet_len = len;
	f->packet_ifindex = 0;
	return 0;
}

static inline int fake_forward(void *ctx, const void *data, size_t len)
{
	struct fake *f = ctx;

	fake_note(f, CALL_FORWARD);
	assert_true(len <= sizeof(f->packet));
	memcpy(f->packet, data, len);
	f->packet_len = len;
	return f->forward_error;
}

static inline int fake_dp_set(void *ctx, const struct dp_binding *b)
{
	struct fake *f = ctx;

	fake_note(f, CALL_DP_SET);
	if (f->dp_error == 0)
		f->dp = *b;
	return f->dp_error;
}

static inline int fake_dp_del(void *ctx, const struct in6_prefix *inner)
{
	struct fake *f = ctx;

	fake_note(f, CALL_DP_DEL);
	f->dp_deleted = *inner;
	return 0;
}

static inline int fake_dp_steer(void *ctx, const struct dp_steer *s)
{
	struct fake *f = ctx;

	fake_note(f, CALL_DP_STEER);
	if (f->dp_error == 0)
		f->steer = *s;
	return f->dp_error;
}

static inline int fake_dp_used(void *ctx, const struct in6_prefix *inner, uint64_t *ret_packets)
{
	struct fake *f = ctx;

	assert_true(inner->len == 128 || inner->len == 64);
	fake_note(f, CALL_DP_USED);
	*ret_packets = f->dp_packets;
	return 0;
}

static inline int fake_attach(void *ctx, const struct lease *l)
{
	(void)l;
	fake_note(ctx, CALL_ATTACH);
	return 0;
}

static inline void fake_detach(void *ctx, const struct lease *l)
{
	(void)l;
	fake_note(ctx, CALL_DETACH);
}

static inline int fake_home_attach(void *ctx, const struct ha_home *home)
{
	(void)home;
	fake_note(ctx, CALL_HOME_ATTACH);
	return 0;
}

static inline int fake_host_attach(void *ctx, const struct ha_home *home,
				   const struct in6_addr *hoa, const uint8_t mac[6])
{
	struct fake *f = ctx;

	(void)home;
	(void)hoa;
	fake_note(f, CALL_HOST_ATTACH);
	memcpy(f->host_mac, mac, sizeof(f->host_mac));
	return 0;
}

static inline void fake_group(void *ctx, int ifindex, const struct in6_addr *group, bool member)
{
	struct fake *f = ctx;

	assert_true(ifindex > 0);
	f->group = *group;
	f->groups += member ? 1 : -1;
}

static inline void fake_home_detach(void *ctx, const struct ha_home *home)
{
	(void)home;
	fake_note(ctx, CALL_HOME_DETACH);
}

static inline void fake_home_forget(void *ctx, const struct in6_prefix *prefix)
{
	struct fake *f = ctx;

	fake_note(f, CALL_HOME_FORGET);
	for (unsigned int i = 0; i < f->n_homes; i++)
		if (in6_prefix_eq(&f->homes[i].cfg.prefix, prefix))
			f->homes[i--] = f->homes[--f->n_homes];
}

static inline void fake_home_store(void *ctx, const struct ha_home_record *r)
{
	struct fake *f = ctx;
	unsigned int i = 0;

	while (i < f->n_homes && !in6_prefix_eq(&f->homes[i].cfg.prefix, &r->cfg.prefix))
		i++;
	assert_true(i < 8);
	f->homes[i] = *r;
	if (i == f->n_homes)
		f->n_homes++;
}

static inline int fake_lease_store(void *ctx, const struct ha_lease_record *r, bool durable)
{
	struct fake *f = ctx;

	fake_note(f, durable ? CALL_LEASE_STORE_DURABLE : CALL_LEASE_STORE);
	if (f->store_error == 0)
		f->lease = *r;
	return f->store_error;
}

static inline void fake_binding_store(void *ctx, struct ha_binding_record *r)
{
	struct fake *f = ctx;

	/* One that is over is as good as forgotten, but for its numbers. */
	fake_note(f, r->past ? CALL_BINDING_FORGET : CALL_BINDING_STORE);
	if (r->place == 0)
		r->place = ++f->places;
	f->binding = *r;
}

static inline void fake_binding_forget(void *ctx, const struct in6_addr *hoa, uint32_t place)
{
	(void)hoa;
	(void)place;
	fake_note(ctx, CALL_BINDING_FORGET);
}

static inline int64_t fake_wall_us(void *ctx)
{
	struct fake *f = ctx;

	return f->wall_us;
}

static inline void fake_random(void *ctx, void *dst, size_t n)
{
	struct fake *f = ctx;

	assert_int_equal(n, sizeof(f->random));
	memcpy(dst, &f->random, n);
	f->random++;
}

static inline void fake_event(void *ctx, const struct ha_event *e)
{
	struct fake *f = ctx;

	fake_note(f, CALL_EVENT);
	f->event = *e;
}

static inline void fake_drained(void *ctx)
{
	fake_note(ctx, CALL_DRAINED);
}

static inline int fake_session_find(void *ctx, const uint8_t mac[6])
{
	struct fake *f = ctx;

	fake_note(f, CALL_FIND);
	memcpy(f->found_mac, mac, sizeof(f->found_mac));
	return f->find_error;
}

static inline void fake_session_put(void *ctx, const struct lease *l)
{
	(void)l;
	fake_note(ctx, CALL_SESSION_PUT);
}

static inline void fake_session_del(void *ctx, const struct lease *l)
{
	(void)l;
	fake_note(ctx, CALL_SESSION_DEL);
}

static inline int fake_visit_attach(void *ctx, const struct visitor *h,
				    const struct in6_prefix *prefix)
{
	(void)h;
	(void)prefix;
	fake_note(ctx, CALL_VISIT);
	return 0;
}

static inline void fake_visit_detach(void *ctx, const struct visitor *h,
				     const struct in6_prefix *prefix)
{
	(void)h;
	(void)prefix;
	fake_note(ctx, CALL_VISIT_OVER);
}

static const struct ha_ops fake_ops = {
	.session_find = fake_session_find,
	.session_put = fake_session_put,
	.session_del = fake_session_del,
	.visit_attach = fake_visit_attach,
	.visit_detach = fake_visit_detach,
	.drained = fake_drained,
	.send_link = fake_send_link,
	.send_routed = fake_send_routed,
	.forward = fake_forward,
	.dp_set = fake_dp_set,
	.dp_del = fake_dp_del,
	.dp_steer = fake_dp_steer,
	.dp_used = fake_dp_used,
	.home_attach = fake_home_attach,
	.host_attach = fake_host_attach,
	.group = fake_group,
	.home_detach = fake_home_detach,
	.home_store = fake_home_store,
	.home_forget = fake_home_forget,
	.lease_attach = fake_attach,
	.lease_detach = fake_detach,
	.lease_store = fake_lease_store,
	.binding_store = fake_binding_store,
	.binding_forget = fake_binding_forget,
	.wall_us = fake_wall_us,
	.random = fake_random,
	.event = fake_event,
};

static inline struct in6_addr addr(const char *s)
{
	struct in6_addr a;

	assert_int_equal(in6_parse(s, &a), 0);
	return a;
}

static inline void fake_forget_calls(struct fake *f)
{
	f->n_calls = 0;
	f->packet_len = 0;
}

/* Where the first call of that kind is; -1: there was none. */
static inline int fake_at(const struct fake *f, enum call c)
{
	for (unsigned int i = 0; i < f->n_calls; i++)
		if (f->calls[i] == c)
			return (int)i;
	return -1;
}

static inline unsigned int fake_count(const struct fake *f, enum call c)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < f->n_calls; i++)
		n += f->calls[i] == c;
	return n;
}

static inline void fake_config(struct fake *f, const char *prefix)
{
	memset(f, 0, sizeof(*f));
	timers_init(&f->timers);
	f->now = 1000 * USEC_S;
	ha_config_defaults(&f->cfg);
	f->cfg.prefix_lifetime = 3600 * USEC_S;
	f->cfg.n_interfaces = 2;
	memcpy(f->cfg.interfaces[0], "lan0", 5);
	memcpy(f->cfg.interfaces[1], "lan1", 5);
	f->cfg.n_homes = 1;
	assert_int_equal(in6_prefix_parse(prefix, &f->cfg.homes[0].prefix), 0);
	assert_null(ha_config_check(&f->cfg));
	assert_int_equal(auth_key_init(&f->keys[0].auth, SPI, AUTH_HMAC_SHA256_128,
				       "0123456789abcdef", 16), 0);
	assert_int_equal(auth_key_init(&f->keys[1].auth, SPI + 1, AUTH_HMAC_SHA256_128,
				       "fedcba9876543210", 16), 0);
	f->cfg.keys = f->keys;
	f->cfg.n_keys = 2;
}

static inline void fake_begin(struct fake *f)
{
	assert_int_equal(ha_init(&f->ha, &f->cfg, &fake_ops, f, &f->timers, f->now), 0);
}

static inline void fake_link(struct fake *f, int ifindex, const char *name, const char *linklocal)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct in6_addr a;

	if (linklocal)
		a = addr(linklocal);
	ha_link(&f->ha, ifindex, name, mac, linklocal ? &a : NULL, ifindex != 0, f->now);
}

static inline void fake_start(struct fake *f, const char *prefix)
{
	fake_config(f, prefix);
	fake_begin(f);
	fake_link(f, 7, "lan0", "fe80::1");
	fake_forget_calls(f);
}

static inline void fake_end(struct fake *f)
{
	ha_free(&f->ha);
	timers_free(&f->timers);
	auth_key_wipe(&f->keys[0].auth);
	auth_key_wipe(&f->keys[1].auth);
}

/* The virtual clock, timer by timer. */
static inline void fake_run(struct fake *f, usec_t for_usec)
{
	usec_t end = f->now + for_usec;

	while (timers_next(&f->timers) <= end) {
		if (f->now < timers_next(&f->timers))
			f->now = timers_next(&f->timers);
		timers_run(&f->timers, f->now);
	}
	f->now = end;
}

static inline size_t nd_packet(uint8_t *room, size_t cap, const struct icmp6_msg *msg,
			       const char *src, const char *dst, uint8_t hop_limit)
{
	struct ip6_packet ip = {
		.src = addr(src), .dst = addr(dst), .hop_limit = hop_limit,
		.next_header = IP6_NH_ICMP6,
	};
	struct wbuf w;

	wb_init(&w, room, cap);
	ip6_encode(&w, &ip);
	assert_int_equal(icmp6_encode(&w, msg, &ip.src, &ip.dst), 0);
	ip6_finish(&w, 0);
	assert_false(w.err);
	return w.len;
}

static inline void fake_rs(struct fake *f, int ifindex, const uint8_t mac[6], const char *src,
			   uint8_t hop_limit)
{
	struct icmp6_msg msg = { .type = ICMP6_RS };
	uint8_t room[256];
	size_t len = nd_packet(room, sizeof(room), &msg, src, "ff02::2", hop_limit);

	ha_rx_nd(&f->ha, ifindex, mac, room, len, f->now);
}

static inline void fake_na(struct fake *f, int ifindex, const uint8_t mac[6], const char *target)
{
	struct icmp6_msg msg = { .type = ICMP6_NA, .u.na = {
		.flags = NA_FLAG_SOLICITED, .target = addr(target),
	} };
	uint8_t room[256];
	size_t len = nd_packet(room, sizeof(room), &msg, target, "fe80::1", 255);

	ha_rx_nd(&f->ha, ifindex, mac, room, len, f->now);
}

/* The last packet as an advertisement; false: it is none. */
static inline bool fake_ra(const struct fake *f, struct nd_ra *ret)
{
	struct ip6_packet ip;
	struct icmp6_msg msg;

	if (f->packet_len == 0 || ip6_decode(f->packet, f->packet_len, &ip) != IP6_OK ||
	    ip.next_header != IP6_NH_ICMP6 ||
	    icmp6_decode(f->packet + ip.payload_off, ip.payload_len, &ip.src, &ip.dst,
			 ip.hop_limit, &msg) != ICMP6_OK || msg.type != ICMP6_RA)
		return false;
	*ret = msg.u.ra;
	return true;
}

struct bu {
	const char *src, *hoa;		/* hoa NULL: no Home Address option */
	const char *alt_coa;		/* NULL: none */
	uint16_t seq, lifetime, flags;
	const struct ha_key *key;	/* NULL: no authentication option */
	const char *dst;
	bool rh2, nonces;
	uint64_t mesg_id;		/* 0: no time stamp */
	bool care_of_test_init;
	const uint8_t *care_of_token;	/* NULL: none */
};

static inline size_t bu_packet(const struct bu *bu, uint8_t *room, size_t cap)
{
	struct ip6_packet ip = {
		.src = addr(bu->src), .dst = addr(bu->dst ? bu->dst : "2001:db8:1:100::1"),
		.hop_limit = 64, .has_hao = bu->hoa != NULL, .next_header = MH_NEXT_HEADER,
	};
	struct mh_msg msg = { .type = MH_BU, .u.bu = {
		.seq = bu->seq, .flags = bu->flags ? bu->flags : BU_ACK | BU_HOME,
		.lifetime = bu->lifetime,
	} };
	struct in6_addr hoa = addr(bu->hoa ? bu->hoa : bu->src), coa = ip.src;
	struct mh_auth *a = &msg.opts.mn_ha;
	struct wbuf w;
	size_t at;

	ip.hao = hoa;
	ip.has_rh2 = bu->rh2;
	ip.rh2 = hoa;
	msg.opts.has_nonce_indices = bu->nonces;
	msg.opts.has_mesg_id = bu->mesg_id != 0;
	msg.opts.mesg_id = bu->mesg_id;
	msg.opts.has_care_of_test_init = bu->care_of_test_init;
	msg.opts.has_care_of_test = bu->care_of_token != NULL;
	if (bu->care_of_token)
		memcpy(msg.opts.care_of_token, bu->care_of_token, MH_CARE_OF_TOKEN);
	if (bu->alt_coa) {
		msg.opts.has_alt_coa = true;
		msg.opts.alt_coa = coa = addr(bu->alt_coa);
	}
	a->present = bu->key != NULL;
	if (bu->key) {
		a->spi = bu->key->auth.spi;
		a->len = (uint8_t)auth_len(bu->key->auth.algorithm);
	}
	wb_init(&w, room, cap);
	ip6_encode(&w, &ip);
	at = w.len;
	assert_int_equal(mh_encode(&w, &msg), 0);
	ip6_finish(&w, 0);
	assert_false(w.err);
	if (bu->key) {
		assert_int_equal(auth_mn_ha(&bu->key->auth, &coa, &hoa, room + at, a->covered,
					    a->data), 0);
		assert_int_equal(mh_set_auth(room + at, w.len - at, a), 0);
	}
	mh_set_cksum(room + at, w.len - at, ip6_cksum_src(&ip), ip6_cksum_dst(&ip));
	return w.len;
}

static inline void fake_bu(struct fake *f, const struct bu *bu)
{
	uint8_t room[512];
	size_t len = bu_packet(bu, room, sizeof(room));

	ha_rx_mh(&f->ha, room, len, f->now);
}

/* The last packet as a Mobility Header, its checksum right. */
static inline bool fake_mh(const struct fake *f, struct ip6_packet *ip, struct mh_msg *msg)
{
	return f->packet_len > 0 && ip6_decode(f->packet, f->packet_len, ip) == IP6_OK &&
	       ip->next_header == MH_NEXT_HEADER &&
	       mh_decode(f->packet + ip->payload_off, ip->payload_len, ip6_cksum_src(ip),
			 ip6_cksum_dst(ip), msg, NULL) == MH_OK;
}

/* The last packet is an acknowledgement with that status, signed with the key over these
 * addresses. */
static inline struct mh_ba fake_ba(const struct fake *f, const struct ha_key *key,
				   const char *coa, const char *hoa)
{
	struct in6_addr c = addr(coa), h = addr(hoa);
	struct ip6_packet ip;
	struct mh_msg msg;
	uint8_t mac[MH_AUTH_MAX];

	assert_true(fake_mh(f, &ip, &msg));
	assert_int_equal(msg.type, MH_BA);
	assert_true(msg.opts.mn_ha.present && msg.opts.mn_ha.last);
	assert_int_equal(msg.opts.mn_ha.spi, key->auth.spi);
	assert_int_equal(auth_mn_ha(&key->auth, &c, &h, f->packet + ip.payload_off,
				    msg.opts.mn_ha.covered, mac), 0);
	assert_memory_equal(mac, msg.opts.mn_ha.data, auth_len(key->auth.algorithm));
	return msg.u.ba;
}

#endif
