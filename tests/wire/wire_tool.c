/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For t_codec.py, which sets other decoders and encoders beside ours:
 *
 *	wire_tool list			names of the catalogue
 *	wire_tool build NAME		one packet of it, in hexadecimal
 *	wire_tool read [fix] <HEX	one packet per line; prints key=value lines, then a blank
 *					one. fix: the checksum is made right before
 *
 * The MN-HA option is filled in and checked with the key SECRET.
 * links: common/wire/{buf,cksum,ext,mhopt,mh,icmp6}.c common/core/auth.c -lcrypto
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/auth.h"
#include "common/wire/cksum.h"
#include "tests/wire/catalogue.h"

#define SECRET		"0123456789abcdef"
#define N_CATALOGUE	(sizeof(catalogue) / sizeof(catalogue[0]))

static void put_num(const char *key, uint64_t v)
{
	printf("%s=%llu\n", key, (unsigned long long)v);
}

static void put_in6(const char *key, const struct in6_addr *a)
{
	char text[INET6_ADDRSTRLEN];

	printf("%s=%s\n", key, inet_ntop(AF_INET6, a, text, sizeof(text)));
}

static void put_hex(const char *key, const uint8_t *p, size_t n)
{
	printf("%s=", key);
	for (size_t i = 0; i < n; i++)
		printf("%02x", p[i]);
	printf("\n");
}

/* Sent by the home agent: the addresses of the binding are those of the destination. */
static bool to_mn(const struct mh_msg *m)
{
	return m->type == MH_BA || (m->type == MH_BR && m->u.br.type == BR_INDICATION);
}

/* The care-of address that a binding message is about, for the authentication. */
static const struct in6_addr *coa_of(const struct ip6_packet *p, const struct mh_msg *m)
{
	if (m->opts.has_alt_coa)
		return &m->opts.alt_coa;
	return to_mn(m) ? &p->dst : &p->src;
}

static const struct in6_addr *hoa_of(const struct ip6_packet *p, const struct mh_msg *m)
{
	return to_mn(m) ? ip6_cksum_dst(p) : ip6_cksum_src(p);
}

static int mn_ha(const struct ip6_packet *p, const struct mh_msg *m, const uint8_t *mh,
		 uint8_t *ret_mac)
{
	bool sha1 = m->opts.mn_ha.spi == AUTH_SPI_HMAC_SHA1;
	struct auth_key key;
	int rc;

	rc = auth_key_init(&key, m->opts.mn_ha.spi, sha1 ? AUTH_HMAC_SHA1_96 :
			   AUTH_HMAC_SHA256_128, SECRET, strlen(SECRET));
	if (rc < 0)
		return rc;
	rc = auth_mn_ha(&key, coa_of(p, m), hoa_of(p, m), mh, m->opts.mn_ha.covered, ret_mac);
	auth_key_wipe(&key);
	return rc;
}

/* ---- build ---- */

static int build_mh(struct wbuf *w, const struct message *msg)
{
	struct mh_msg m = msg->mh;
	size_t at = w->len;

	if (mh_encode(w, &m) < 0)
		return -1;
	if (m.opts.mn_ha.present &&
	    (mn_ha(&msg->ip6, &m, w->base + at, m.opts.mn_ha.data) < 0 ||
	     mh_set_auth(w->base + at, w->len - at, &m.opts.mn_ha) < 0))
		return -1;
	mh_set_cksum(w->base + at, w->len - at, ip6_cksum_src(&msg->ip6),
		     ip6_cksum_dst(&msg->ip6));
	return 0;
}

/* What travels in the tunnel: an IPv6 packet without payload. */
static int build_inner(struct wbuf *w)
{
	static const struct ip6_packet inner = {
		.src = HOA, .dst = CN, .hop_limit = 63, .next_header = IP6_NH_NONE,
	};
	size_t at = w->len;

	ip6_encode(w, &inner);
	ip6_finish(w, at);
	return 0;
}

static int build(const char *name)
{
	uint8_t room[IP6_HDR_LEN + 64 + MH_MAX_LEN];
	const struct message *m = catalogue;
	struct wbuf w;
	int rc;

	while (m < catalogue + N_CATALOGUE && strcmp(m->name, name) != 0)
		m++;
	if (m == catalogue + N_CATALOGUE) {
		fprintf(stderr, "wire_tool: no message named %s\n", name);
		return 1;
	}
	wb_init(&w, room, sizeof(room));
	ip6_encode(&w, &m->ip6);
	if (m->ip6.next_header == MH_NEXT_HEADER)
		rc = build_mh(&w, m);
	else if (m->ip6.next_header == IP6_NH_ICMP6)
		rc = icmp6_encode(&w, &m->icmp6, ip6_cksum_src(&m->ip6),
				  ip6_cksum_dst(&m->ip6));
	else
		rc = build_inner(&w);
	ip6_finish(&w, 0);
	if (rc < 0 || w.err) {
		fprintf(stderr, "wire_tool: %s cannot be built\n", name);
		return 1;
	}
	for (size_t i = 0; i < w.len; i++)
		printf("%02x", room[i]);
	printf("\n");
	return 0;
}

/* ---- read ---- */

static void put_proxy_opts(const struct mh_opts *o)
{
	char text[INET6_ADDRSTRLEN];

	for (unsigned int i = 0; i < o->n_prefixes; i++)
		printf("home_prefix=%s/%u\n", inet_ntop(AF_INET6, &o->prefixes[i].addr, text,
						       sizeof(text)), o->prefixes[i].len);
	if (o->has_handoff)
		put_num("handoff", o->handoff);
	if (o->has_access_type)
		put_num("access_type", o->access_type);
	if (o->link_layer_len > 0)
		put_hex("link_layer", o->link_layer, o->link_layer_len);
	if (o->has_link_local)
		put_in6("link_local", &o->link_local);
	if (o->has_timestamp)
		put_num("timestamp", o->timestamp);
	if (o->has_restart_counter)
		put_num("restart_counter", o->restart_counter);
}

static void put_mh_opts(const struct mh_opts *o)
{
	put_num("unknown", o->unknown);
	if (o->has_refresh_advice)
		put_num("refresh", o->refresh_advice);
	if (o->has_alt_coa)
		put_in6("alt_coa", &o->alt_coa);
	if (o->has_nonce_indices) {
		put_num("home_nonce", o->home_nonce);
		put_num("coa_nonce", o->coa_nonce);
	}
	if (o->has_auth_data)
		put_hex("auth_data", o->auth_data, o->auth_data_len);
	if (o->has_mn_id) {
		put_num("mn_id_subtype", o->mn_id_subtype);
		printf("mn_id=%.*s\n", o->mn_id_len, (const char *)o->mn_id);
	}
	if (o->has_mesg_id)
		put_num("mesg_id", o->mesg_id);
	put_proxy_opts(o);
	if (o->mn_aaa.present) {
		put_num("mn_aaa_spi", o->mn_aaa.spi);
		put_hex("mn_aaa", o->mn_aaa.data, o->mn_aaa.len);
	}
}

static void put_mn_ha(const struct ip6_packet *p, const struct mh_msg *m, const uint8_t *mh)
{
	const struct mh_auth *a = &m->opts.mn_ha;
	uint8_t mac[64];

	if (!a->present)
		return;
	put_num("mn_ha_spi", a->spi);
	put_hex("mn_ha", a->data, a->len);
	put_num("mn_ha_covered", a->covered);
	put_num("mn_ha_last", a->last);
	if (mn_ha(p, m, mh, mac) == 0)
		put_num("mn_ha_valid", auth_equal(mac, a->data, a->len));
}

static void read_mh(const struct ip6_packet *p, const uint8_t *mh)
{
	struct mh_msg m;
	enum mh_err err = mh_decode(mh, p->payload_len, ip6_cksum_src(p), ip6_cksum_dst(p), &m,
				    NULL);

	if (err) {
		printf("error=%s\n", mh_err_name(err));
		return;
	}
	printf("type=%s\n", mh_type_name(m.type));
	if (m.type == MH_BU) {
		put_num("seq", m.u.bu.seq);
		put_num("flags", m.u.bu.flags);
		put_num("lifetime", m.u.bu.lifetime);
	} else if (m.type == MH_BA) {
		put_num("status", m.u.ba.status);
		put_num("flags", m.u.ba.flags);
		put_num("seq", m.u.ba.seq);
		put_num("lifetime", m.u.ba.lifetime);
	} else if (m.type == MH_BE) {
		put_num("status", m.u.be.status);
		put_in6("hoa", &m.u.be.hoa);
	} else if (m.type == MH_BR) {
		put_num("br_type", m.u.br.type);
		put_num("code", m.u.br.code);
		put_num("seq", m.u.br.seq);
		put_num("flags", m.u.br.flags);
	} else if (m.type == MH_HEARTBEAT) {
		put_num("flags", m.u.heartbeat.flags);
		put_num("seq", m.u.heartbeat.seq);
	} else if (m.type != MH_BRR) {
		put_num("cookie", m.u.rr.cookie);
		put_num("nonce_index", m.u.rr.nonce_index);
		put_num("token", m.u.rr.token);
	}
	put_mh_opts(&m.opts);
	put_mn_ha(p, &m, mh);
}

static void put_lladdr(const struct nd_lladdr *a)
{
	if (a->present)
		put_hex("lladdr", a->mac, sizeof(a->mac));
}

static void put_prefixes(const struct nd_prefix *p, unsigned int n)
{
	char text[INET6_ADDRSTRLEN];

	for (; n > 0; n--, p++)
		printf("prefix=%s/%u,%u,%u,%u\n",
		       inet_ntop(AF_INET6, &p->prefix, text, sizeof(text)), p->plen, p->flags,
		       p->valid_s, p->preferred_s);
}

static void put_ra(const struct nd_ra *ra)
{
	put_num("hop_limit", ra->hop_limit);
	put_num("flags", ra->flags);
	put_num("router_lifetime", ra->router_lifetime_s);
	put_num("reachable", ra->reachable_ms);
	put_num("retrans", ra->retrans_ms);
	put_num("mtu", ra->mtu);
	put_num("adv_interval", ra->adv_interval_ms);
	if (ra->has_ha_info) {
		put_num("ha_preference", ra->ha_preference);
		put_num("ha_lifetime", ra->ha_lifetime_s);
	}
	put_lladdr(&ra->slla);
	put_prefixes(ra->prefixes, ra->n_prefixes);
	for (unsigned int i = 0; i < ra->n_rdnss; i++)
		put_in6("rdnss", &ra->rdnss[i]);
	if (ra->n_rdnss)
		put_num("rdnss_lifetime", ra->rdnss_lifetime_s);
	put_num("dropped", ra->dropped);
}

static void read_icmp6(const struct ip6_packet *p, const uint8_t *msg)
{
	struct icmp6_msg m;
	enum icmp6_err err = icmp6_decode(msg, p->payload_len, ip6_cksum_src(p),
					  ip6_cksum_dst(p), p->hop_limit, &m);

	if (err) {
		printf("error=%s\n", icmp6_err_name(err));
		return;
	}
	put_num("type", m.type);
	switch (m.type) {
	case ICMP6_RS:
		put_lladdr(&m.u.rs.slla);
		break;
	case ICMP6_RA:
		put_ra(&m.u.ra);
		break;
	case ICMP6_NS:
		put_in6("target", &m.u.ns.target);
		put_lladdr(&m.u.ns.slla);
		break;
	case ICMP6_NA:
		put_num("flags", m.u.na.flags);
		put_in6("target", &m.u.na.target);
		put_lladdr(&m.u.na.tlla);
		break;
	case ICMP6_DHAAD_REQUEST:
	case ICMP6_DHAAD_REPLY:
		put_num("id", m.u.dhaad.id);
		for (unsigned int i = 0; i < m.u.dhaad.n_ha; i++)
			put_in6("ha", &m.u.dhaad.ha[i]);
		break;
	case ICMP6_MPS:
	case ICMP6_MPA:
		put_num("id", m.u.mp.id);
		put_num("flags", m.u.mp.flags);
		put_prefixes(m.u.mp.prefixes, m.u.mp.n_prefixes);
		break;
	}
}

static void fix_checksum(const struct ip6_packet *p, uint8_t *msg)
{
	const struct in6_addr *src = ip6_cksum_src(p), *dst = ip6_cksum_dst(p);
	struct wbuf w;
	size_t mh_len;

	if (p->next_header == MH_NEXT_HEADER && p->payload_len >= 8) {
		mh_len = (msg[1] + 1u) * 8;
		mh_set_cksum(msg, mh_len < p->payload_len ? mh_len : p->payload_len, src, dst);
	} else if (p->next_header == IP6_NH_ICMP6 && p->payload_len >= 4) {
		wb_init(&w, msg + 2, 2);
		wb_u16(&w, 0);
		wb_set_u16(&w, 0, cksum_ip6(src, dst, IP6_NH_ICMP6, msg, p->payload_len));
	}
}

/* data is a heap block of exactly len octets: a read past the end is seen. */
static void read_packet(uint8_t *data, size_t len, bool fix)
{
	struct ip6_packet p;
	enum ip6_err err = ip6_decode(data, len, &p);

	if (err) {
		printf("error=%s\n", ip6_err_name(err));
		return;
	}
	put_in6("src", &p.src);
	put_in6("dst", &p.dst);
	put_num("hlim", p.hop_limit);
	put_num("tclass", p.traffic_class);
	if (p.has_hao)
		put_in6("hao", &p.hao);
	if (p.has_rh2)
		put_in6("rh2", &p.rh2);
	if (p.has_tunnel_limit)
		put_num("tunnel_limit", p.tunnel_limit);
	put_num("next_header", p.next_header);
	if (fix)
		fix_checksum(&p, data + p.payload_off);
	if (p.next_header == MH_NEXT_HEADER)
		read_mh(&p, data + p.payload_off);
	else if (p.next_header == IP6_NH_ICMP6)
		read_icmp6(&p, data + p.payload_off);
	else
		printf("cksum=%u\n", cksum_ip6(ip6_cksum_src(&p), ip6_cksum_dst(&p),
					       p.next_header, data + p.payload_off,
					       p.payload_len));
}

static int read_all(bool fix)
{
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, stdin) > 0) {
		size_t len = strspn(line, "0123456789abcdefABCDEF") / 2;
		uint8_t *data = malloc(len ? len : 1);

		if (!data)
			break;
		for (size_t i = 0; i < len; i++) {
			char octet[3] = { line[2 * i], line[2 * i + 1] };

			data[i] = (uint8_t)strtoul(octet, NULL, 16);
		}
		read_packet(data, len, fix);
		printf("\n");
		free(data);
	}
	free(line);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "list") == 0) {
		for (size_t i = 0; i < N_CATALOGUE; i++)
			printf("%s\n", catalogue[i].name);
		return 0;
	}
	if (argc == 3 && strcmp(argv[1], "build") == 0)
		return build(argv[2]);
	if (argc == 2 && strcmp(argv[1], "read") == 0)
		return read_all(false);
	if (argc == 3 && strcmp(argv[1], "read") == 0 && strcmp(argv[2], "fix") == 0)
		return read_all(true);
	fprintf(stderr, "usage: wire_tool list | build NAME | read [fix]\n");
	return 2;
}
