/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reference of the registration benchmark: the work that no home agent on this kernel
 * can leave out, and nothing else. A packet in by a packet socket, its HMAC-SHA-256 with a
 * context that is keyed once, one seg6 nexthop replaced with its acknowledgement read, an
 * HMAC again, a packet out by a raw socket. No parser, no table, no timer, no database:
 * everything is at a fixed place. Started by registration.py; no part of the daemons.
 *
 *	registration_ref INTERFACE HOME-AGENT SPI SECRET
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/lwtunnel.h>
#include <linux/netlink.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <linux/seg6.h>
#include <linux/seg6_iptunnel.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "common/core/in6.h"
#include "common/wire/cksum.h"
#include "common/wire/ext.h"
#include "common/wire/mh.h"
#include "tests/bench/registration.h"

/* Where things are in a Binding Update of registration_gen, and in the answer. */
#define COA_AT		8	/* IPv6 source */
#define HOA_AT		48	/* Home Address option; type 2 routing header */
#define MH_AT		64
#define BU_CHECKSUM_AT	(MH_AT + 4)
#define BU_SEQ_AT	(MH_AT + 6)
#define BU_LIFETIME_AT	(MH_AT + 10)
#define BA_SEQ_AT	(MH_AT + 8)
#define BA_LIFETIME_AT	(MH_AT + 10)
#define DST_AT		24
#define MAC_LEN		16	/* HMAC-SHA-256-128 */
#define AUTH_HEAD	7	/* type, length, subtype, SPI */
#define BU_COVERED	(32 + 1 + AUTH_HEAD)	/* BU and Alternate Care-of Address, padding */
#define BU_LEN		(MH_AT + BU_COVERED + MAC_LEN)

#define ID_BASE		0x44600000U
#define ROOM		2048
#define SOCKET_BUFFER	(1024 * 1024)

/* RTM_NEWNEXTHOP as the kernel wants it, whole: only id and segment change. */
struct nexthop_request {
	struct nlmsghdr h;
	struct nhmsg m;
	struct nlattr id_attr;
	uint32_t id;
	struct nlattr oif_attr;
	uint32_t oif;
	struct nlattr type_attr;
	uint16_t type, type_pad;
	struct nlattr encap_attr, srh_attr;
	int mode;
	uint8_t next_header, hdr_ext_len, routing_type, segments_left, last_entry, flags;
	uint16_t tag;
	struct in6_addr segment;
};

struct ref {
	int in, out, nl;
	EVP_MAC_CTX *mac;
	struct nexthop_request req;
	struct in6_addr home_agent;
	uint8_t answer[ROOM];
	size_t answer_len, covered;
};

static int fail(const char *what)
{
	fprintf(stderr, "registration_ref: %s: %s\n", what, strerror(errno));
	return -1;
}

/* ---- one update ---- */

static bool sign(struct ref *r, const uint8_t *coa, const uint8_t *hoa, const uint8_t *mh,
		 size_t covered, uint8_t full[EVP_MAX_MD_SIZE])
{
	size_t n;

	return EVP_MAC_init(r->mac, NULL, 0, NULL) && EVP_MAC_update(r->mac, coa, 16) &&
	       EVP_MAC_update(r->mac, hoa, 16) && EVP_MAC_update(r->mac, mh, covered) &&
	       EVP_MAC_final(r->mac, full, &n, EVP_MAX_MD_SIZE);
}

static int replace_nexthop(struct ref *r, uint32_t index, const uint8_t *coa)
{
	struct { struct nlmsghdr h; struct nlmsgerr e; uint8_t rest[512]; } a;

	r->req.id = ID_BASE + index;
	memcpy(&r->req.segment, coa, sizeof(r->req.segment));
	do {
		r->req.h.nlmsg_seq++;
		if (send(r->nl, &r->req, sizeof(r->req), 0) < 0 ||
		    recv(r->nl, &a, sizeof(a), 0) < (ssize_t)sizeof(a.h))
			return fail("netlink");
		/* Per-CPU memory of tunnels, out for a moment: as in the daemon, again. */
	} while (a.e.error == -ENOMEM && sched_yield() == 0);
	errno = -a.e.error;
	return a.e.error ? fail("nexthop") : 0;
}

static int answer(struct ref *r, const uint8_t *bu)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };
	uint8_t *ba = r->answer, full[EVP_MAX_MD_SIZE];
	struct in6_addr hoa;
	uint16_t sum;

	memcpy(&to.sin6_addr, bu + COA_AT, 16);
	memcpy(&hoa, bu + HOA_AT, 16);
	memcpy(ba + DST_AT, bu + COA_AT, 16);
	memcpy(ba + HOA_AT, bu + HOA_AT, 16);
	memcpy(ba + BA_SEQ_AT, bu + BU_SEQ_AT, 2);
	memcpy(ba + BA_LIFETIME_AT, bu + BU_LIFETIME_AT, 2);
	memset(ba + BU_CHECKSUM_AT, 0, 2);
	if (!sign(r, bu + COA_AT, bu + HOA_AT, ba + MH_AT, r->covered, full))
		return fail("HMAC");
	memcpy(ba + MH_AT + r->covered, full, MAC_LEN);
	sum = htons(cksum_ip6(&r->home_agent, &hoa, MH_NEXT_HEADER, ba + MH_AT,
			      r->answer_len - MH_AT));
	memcpy(ba + BU_CHECKSUM_AT, &sum, 2);
	if (sendto(r->out, ba, r->answer_len, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return fail("raw socket");
	return 0;
}

static int serve(struct ref *r, uint8_t *bu, ssize_t len)
{
	uint8_t full[EVP_MAX_MD_SIZE];
	struct in6_addr hoa;

	if (len < BU_LEN || bu[6] != IP6_NH_DSTOPTS)
		return 0;
	memset(bu + BU_CHECKSUM_AT, 0, 2);
	if (!sign(r, bu + COA_AT, bu + HOA_AT, bu + MH_AT, BU_COVERED, full))
		return fail("HMAC");
	if (CRYPTO_memcmp(full, bu + MH_AT + BU_COVERED, MAC_LEN) != 0)
		return 0;
	memcpy(&hoa, bu + HOA_AT, 16);
	if (replace_nexthop(r, bench_index(&hoa), bu + COA_AT) < 0)
		return -1;
	return answer(r, bu);
}

/* ---- start ---- */

static struct nlattr attr(uint16_t type, size_t len)
{
	return (struct nlattr){ .nla_type = type, .nla_len = (uint16_t)(sizeof(struct nlattr) +
									len) };
}

static void prepare_request(struct ref *r, uint32_t ifindex)
{
	struct nexthop_request *q = &r->req;
	size_t srh = sizeof(*q) - offsetof(struct nexthop_request, mode);

	*q = (struct nexthop_request){
		.h = { .nlmsg_len = sizeof(*q), .nlmsg_type = RTM_NEWNEXTHOP,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE },
		.m = { .nh_family = AF_INET6, .nh_protocol = 77 },
		.id_attr = attr(NHA_ID, 4),
		.oif_attr = attr(NHA_OIF, 4), .oif = ifindex,
		.type_attr = attr(NHA_ENCAP_TYPE, 2), .type = LWTUNNEL_ENCAP_SEG6,
		.encap_attr = attr(NLA_F_NESTED | NHA_ENCAP, sizeof(struct nlattr) + srh),
		.srh_attr = attr(SEG6_IPTUNNEL_SRH, srh),
		.mode = SEG6_IPTUN_MODE_ENCAP_RED,
		.hdr_ext_len = sizeof(q->segment) / 8, .routing_type = 4,
	};
}

static int prepare_answer(struct ref *r, uint32_t spi)
{
	struct ip6_packet ip = {
		.src = r->home_agent, .hop_limit = 64, .has_rh2 = true,
		.next_header = MH_NEXT_HEADER,
	};
	struct mh_msg msg = { .type = MH_BA };
	struct wbuf w;

	msg.opts.mn_ha.present = true;
	msg.opts.mn_ha.spi = spi;
	msg.opts.mn_ha.len = MAC_LEN;
	wb_init(&w, r->answer, sizeof(r->answer));
	ip6_encode(&w, &ip);
	if (w.len != MH_AT || mh_encode(&w, &msg) < 0)
		return fail("answer");
	ip6_finish(&w, 0);
	r->answer_len = w.len;
	r->covered = msg.opts.mn_ha.covered;
	return 0;
}

static int prepare_mac(struct ref *r, const char *hex)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[2] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
				 OSSL_PARAM_construct_end() };
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	uint8_t secret[64];
	size_t len = strlen(hex) / 2;

	for (size_t i = 0; i < len && i < sizeof(secret); i++) {
		if (sscanf(hex + 2 * i, "%2hhx", &secret[i]) != 1)
			return fail("secret");
	}
	r->mac = mac ? EVP_MAC_CTX_new(mac) : NULL;
	EVP_MAC_free(mac);
	if (!r->mac || len > sizeof(secret) || !EVP_MAC_init(r->mac, secret, len, params))
		return fail("HMAC");
	return 0;
}

static int open_sockets(struct ref *r, unsigned int ifindex)
{
	const struct sockaddr_ll here = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IPV6),
		.sll_ifindex = (int)ifindex,
	};
	const int one = 1, size = SOCKET_BUFFER;

	r->in = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	r->out = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	r->nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (r->in < 0 || r->out < 0 || r->nl < 0)
		return fail("socket");
	if (setsockopt(r->in, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 ||
	    setsockopt(r->in, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0 ||
	    bind(r->in, (const struct sockaddr *)&here, sizeof(here)) < 0)
		return fail("packet socket");
	(void)setsockopt(r->nl, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	return 0;
}

int main(int argc, char **argv)
{
	struct ref r = { .in = -1 };
	uint8_t room[ROOM];
	unsigned int ifindex;
	ssize_t n;

	if (argc != 5 || in6_parse(argv[2], &r.home_agent) < 0) {
		fprintf(stderr, "usage: registration_ref INTERFACE HOME-AGENT SPI SECRET\n");
		return 2;
	}
	ifindex = if_nametoindex(argv[1]);
	if (ifindex == 0 || open_sockets(&r, ifindex) < 0 || prepare_mac(&r, argv[4]) < 0 ||
	    prepare_answer(&r, (uint32_t)strtoul(argv[3], NULL, 10)) < 0)
		return EXIT_FAILURE;
	prepare_request(&r, ifindex);
	puts("ready");
	fflush(stdout);
	while ((n = recv(r.in, room, sizeof(room), 0)) >= 0 || errno == EINTR) {
		if (n > 0 && serve(&r, room, n) < 0)
			return EXIT_FAILURE;
	}
	(void)fail("packet socket");
	return EXIT_FAILURE;
}
