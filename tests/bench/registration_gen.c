/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mobile nodes of the registration benchmark, any number of them in one process: sends
 * Binding Updates as dmip6-mnd builds them, reads and checks the acknowledgements, times
 * them. Started and told what to do by registration.py; no part of the daemons. RFC 6275
 * 11.7.1, 11.7.3; RFC 4285 5.
 *
 *	registration_gen INTERFACE MAC HOME-AGENT SPI SECRET [ROUTER ROUTER]
 *
 * With two routers these register the prefixes of the nodes, by turns, with Proxy Binding Updates
 * (RFC 5213 6.9.1): the nodes know nothing of it.
 *
 * One command a line on standard input, one line of JSON for each on standard output:
 *
 *	update POPULATION FROM COUNT SEQ GENERATION LIFETIME WINDOW RATE
 *		one update of each of COUNT nodes; at most WINDOW unanswered at a time (then
 *		what is not answered within a second is sent again), or, with WINDOW 0, RATE a
 *		second whatever is answered
 *	flood POPULATION RATE SECONDS
 *		updates for some of the nodes from anywhere, signed with a wrong key
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/core/auth.h"
#include "common/core/in6.h"
#include "common/wire/ext.h"
#include "common/wire/mh.h"
#include "mn-agent/bu.h"
#include "tests/bench/registration.h"

#define NS_PER_S	UINT64_C(1000000000)
#define RESEND_AFTER	NS_PER_S
#define GIVE_UP_AFTER	(10 * NS_PER_S)		/* without any answer */
#define LAST_WAIT	NS_PER_S		/* for answers to what was sent at a rate */
#define LINE_ROOM	256
#define PACKET_ROOM	2048
#define SOCKET_BUFFER	(8 * 1024 * 1024)

struct gen {
	int fd;
	struct sockaddr_ll to;
	struct in6_addr home_agent;
	struct auth_key key, wrong;
	bool proxy;
	struct in6_addr routers[2];
};

struct command {
	uint32_t population, from, count, generation, lifetime_s, window, rate;
	uint16_t seq;
};

enum answer { ANSWER_NONE, ANSWER_ACCEPTED, ANSWER_AGAIN, ANSWER_REFUSED, ANSWER_MAX };

struct node {			/* one update of the command that runs */
	uint64_t sent, resent, answered;	/* ns; 0: not yet */
	enum answer answer;
};

struct run {
	const struct gen *g;
	const struct command *c;
	struct node *nodes;
	uint32_t *place;	/* of a node's index: which update of this command; or count */
	uint32_t next, answered;
	uint64_t started, last;	/* last answer, or the start */
	uint64_t resent, bad_auth, strange;
	uint64_t answers[ANSWER_MAX];
	unsigned int refused_status;	/* the last one */
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static int fail(const char *what, int err)
{
	fprintf(stderr, "registration_gen: %s: %s\n", what, strerror(-err));
	return err;
}

/* ---- packets ---- */

/* false: the device's queue is full; the packet is lost, as on a wire. */
static bool transmit(const struct gen *g, const struct wbuf *w)
{
	ssize_t n;

	do {
		n = sendto(g->fd, w->base, w->len, 0, (const struct sockaddr *)&g->to,
			   sizeof(g->to));
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)w->len;
}

static uint32_t index_of(const struct command *c, uint32_t n)
{
	return bench_spread(c->from + n, c->population);
}

static struct in6_addr router_of(const struct run *r)
{
	return r->g->routers[r->c->generation % 2];
}

/* RFC 5213 8.8: 48 bits of seconds, 16 of fractions. */
static uint64_t stamp(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec << 16 | ((uint64_t)t.tv_nsec << 16) / NS_PER_S;
}

/* registration.py: the octets of its number. */
static void mac_of(uint32_t index, uint8_t ret[6])
{
	ret[0] = 2;
	ret[1] = 0;
	bench_put32(ret + 2, index);
}

static int build_proxy(const struct run *r, uint32_t index, struct wbuf *w)
{
	const struct auth_key *key = &r->g->key;
	struct in6_addr prefix = bench_hoa(index);
	struct ip6_packet ip = {
		.src = router_of(r), .dst = r->g->home_agent, .hop_limit = 64,
		.next_header = MH_NEXT_HEADER,
	};
	struct mh_msg msg = {
		.type = MH_BU, .u.bu = { r->c->seq, BU_ACK | BU_HOME | BU_PROXY,
					 (uint16_t)(r->c->lifetime_s / MIP6_LIFETIME_UNIT_S) },
		.opts = { .has_mn_id = true, .mn_id_subtype = MN_ID_EUI48, .mn_id_len = 6,
			  .n_prefixes = 1, .has_handoff = true, .handoff = HANDOFF_UNKNOWN,
			  .has_access_type = true, .access_type = ACCESS_ETHERNET,
			  .link_layer_len = 6, .has_link_local = true,
			  .has_timestamp = true, .timestamp = stamp(),
			  .mn_ha = { .present = true, .spi = key->spi, .len = 16 } },
	};
	struct mh_auth *a = &msg.opts.mn_ha;
	size_t at;

	in6_mask(&prefix, 64);
	msg.opts.prefixes[0] = (struct mh_prefix){ prefix, 64, false };
	mac_of(index, msg.opts.mn_id);
	mac_of(index, msg.opts.link_layer);
	ip6_encode(w, &ip);
	at = w->len;
	if (mh_encode(w, &msg) < 0)
		return -ENOBUFS;
	ip6_finish(w, 0);
	if (auth_mn_ha(key, &ip.src, &ip.dst, w->base + at, a->covered, a->data) < 0 ||
	    mh_set_auth(w->base + at, w->len - at, a) < 0)
		return -EINVAL;
	mh_set_cksum(w->base + at, w->len - at, &ip.src, &ip.dst);
	return 0;
}

static int build_update(const struct run *r, uint32_t index, struct wbuf *w)
{
	const struct bu_params p = {
		.hoa = bench_hoa(index), .coa = bench_coa(index, r->c->generation),
		.ha = r->g->home_agent, .seq = r->c->seq, .lifetime_s = r->c->lifetime_s,
	};

	return r->g->proxy ? build_proxy(r, index, w) : bu_build(w, &p, &r->g->key);
}

static void send_update(struct run *r, uint32_t n)
{
	uint8_t room[PACKET_ROOM];
	struct node *node = &r->nodes[n];
	struct wbuf w;

	wb_init(&w, room, sizeof(room));
	if (build_update(r, index_of(r->c, n), &w) < 0)
		return;
	node->resent = now_ns();
	if (node->sent == 0)
		node->sent = node->resent;
	else
		r->resent++;
	(void)transmit(r->g, &w);
}

static enum answer judge(const struct run *r, const struct mh_ba *ba)
{
	if (ba->status < BA_UNSPECIFIED)
		return ba->seq == r->c->seq ? ANSWER_ACCEPTED : ANSWER_NONE;
	/* The first acknowledgement was lost: the number is known already. */
	if ((ba->status == BA_SEQ_OUT_OF_WINDOW && ba->seq == r->c->seq) ||
	    ba->status == BA_TIMESTAMP_LOWER)
		return ANSWER_AGAIN;
	return ANSWER_REFUSED;
}

/* Whose it is: by the home address in the routing header, or by the prefix. */
static bool is_for(const struct run *r, const struct ip6_packet *ip, const struct mh_msg *msg,
		   uint32_t *ret)
{
	const struct in6_addr *whose = r->g->proxy ? &msg->opts.prefixes[0].addr : &ip->rh2;

	if (msg->type != MH_BA || (r->g->proxy ? msg->opts.n_prefixes != 1 : !ip->has_rh2))
		return false;
	*ret = bench_index(whose);
	return *ret < r->c->population && r->place[*ret] < r->next;
}

static void take(struct run *r, const uint8_t *data, size_t len)
{
	struct in6_addr hoa, coa;
	struct ip6_packet ip;
	struct mh_msg msg;
	struct node *node;
	uint32_t index;
	enum answer a;

	if (ip6_decode(data, len, &ip) != IP6_OK || ip.next_header != MH_NEXT_HEADER ||
	    !in6_eq(&ip.src, &r->g->home_agent) || (!r->g->proxy && !ip.has_rh2))
		return;
	if (mh_decode(data + ip.payload_off, ip.payload_len, ip6_cksum_src(&ip),
		      ip6_cksum_dst(&ip), &msg, NULL) != MH_OK) {
		r->strange++;
		return;
	}
	/* Heartbeats, and what the router before is told. */
	if (r->g->proxy && msg.type != MH_BA)
		return;
	if (!is_for(r, &ip, &msg, &index)) {
		r->strange++;
		return;
	}
	node = &r->nodes[r->place[index]];
	hoa = r->g->proxy ? r->g->home_agent : bench_hoa(index);
	coa = r->g->proxy ? router_of(r) : bench_coa(index, r->c->generation);
	if (!in6_eq(&ip.dst, &coa) || (!r->g->proxy && !in6_eq(&ip.rh2, &hoa))) {
		r->strange++;
		return;
	}
	if (ba_check(&msg, data + ip.payload_off, ip.payload_len, &coa, &hoa, &r->g->key) !=
	    BA_GOOD) {
		r->bad_auth++;
		return;
	}
	a = judge(r, &msg.u.ba);
	if (a == ANSWER_NONE || node->answered != 0)
		return;
	if (a == ANSWER_REFUSED)
		r->refused_status = msg.u.ba.status;
	r->last = node->answered = now_ns();
	node->answer = a;
	r->answers[a]++;
	r->answered++;
}

static void read_answers(struct run *r)
{
	uint8_t room[PACKET_ROOM];
	ssize_t n;

	while ((n = recv(r->g->fd, room, sizeof(room), MSG_DONTWAIT)) > 0)
		take(r, room, (size_t)n);
}

/* ---- update ---- */

/* How many may have been sent by now. */
static uint32_t due(const struct run *r)
{
	uint64_t n;

	if (r->c->window > 0)
		n = (uint64_t)r->answered + r->c->window;
	else
		n = (now_ns() - r->started) * r->c->rate / NS_PER_S + 1;
	return n < r->c->count ? (uint32_t)n : r->c->count;
}

static void resend(struct run *r)
{
	uint64_t before = now_ns() - RESEND_AFTER;

	for (uint32_t n = 0; n < r->next; n++) {
		if (r->nodes[n].answered == 0 && r->nodes[n].resent < before)
			send_update(r, n);
	}
}

static bool is_over(const struct run *r)
{
	uint64_t patience = r->c->window > 0 ? GIVE_UP_AFTER : LAST_WAIT;

	if (r->answered == r->c->count)
		return true;
	if (r->c->window == 0 && r->next < r->c->count)
		return false;
	return now_ns() > r->last + patience &&
	       now_ns() > r->nodes[r->next - 1].resent + patience;
}

static void run_updates(struct run *r)
{
	struct pollfd p = { .fd = r->g->fd, .events = POLLIN };

	r->started = r->last = now_ns();
	while (!is_over(r)) {
		for (uint32_t n = due(r); r->next < n; r->next++)
			send_update(r, r->next);
		if (poll(&p, 1, r->c->window > 0 ? 100 : 1) > 0)
			read_answers(r);
		else if (r->c->window > 0)
			resend(r);
	}
}

static void print_run(const struct run *r, uint64_t took)
{
	const char *comma = "";

	printf("{\"sent\":%" PRIu32 ",\"accepted\":%" PRIu64 ",\"again\":%" PRIu64
	       ",\"refused\":%" PRIu64 ",\"refused_status\":%u,\"resent\":%" PRIu64
	       ",\"bad_authenticator\":%" PRIu64 ",\"strange\":%" PRIu64
	       ",\"elapsed_s\":%.6f,\"latency_us\":[",
	       r->next, r->answers[ANSWER_ACCEPTED], r->answers[ANSWER_AGAIN],
	       r->answers[ANSWER_REFUSED], r->refused_status, r->resent, r->bad_auth,
	       r->strange, (double)took / (double)NS_PER_S);
	for (uint32_t n = 0; n < r->next; n++) {
		if (r->nodes[n].answered == 0)
			continue;
		printf("%s%.1f", comma, (double)(r->nodes[n].answered - r->nodes[n].sent) / 1e3);
		comma = ",";
	}
	puts("]}");
}

static int do_update(const struct gen *g, const struct command *c)
{
	struct run r = { .g = g, .c = c };
	uint8_t room[PACKET_ROOM];

	r.nodes = calloc(c->count, sizeof(*r.nodes));
	r.place = malloc(c->population * sizeof(*r.place));
	if (!r.nodes || !r.place) {
		free(r.nodes);
		free(r.place);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < c->population; i++)
		r.place[i] = UINT32_MAX;
	for (uint32_t n = 0; n < c->count; n++)
		r.place[index_of(c, n)] = n;
	/* What came after the end of an earlier command. */
	while (recv(g->fd, room, sizeof(room), MSG_DONTWAIT) > 0)
		;
	run_updates(&r);
	print_run(&r, r.last - r.started);
	free(r.nodes);
	free(r.place);
	return 0;
}

/* ---- flood ---- */

static void do_flood(const struct gen *g, uint32_t population, uint32_t rate, uint32_t seconds)
{
	const struct timespec nap = { .tv_nsec = 200000 };
	uint64_t start = now_ns(), end = start + seconds * NS_PER_S, sent = 0, lost = 0, t;
	uint8_t room[BU_PACKET_MAX];
	struct wbuf w;

	while ((t = now_ns()) < end) {
		for (uint64_t n = (t - start) * rate / NS_PER_S; sent < n; sent++) {
			/* Every source is another; the care-of address is the source. */
			struct bu_params p = {
				.hoa = bench_hoa(bench_spread((uint32_t)sent, population)),
				.coa = bench_coa((uint32_t)sent, 0xffff), .ha = g->home_agent,
				.seq = (uint16_t)sent, .lifetime_s = 600,
			};

			wb_init(&w, room, sizeof(room));
			if (bu_build(&w, &p, &g->wrong) < 0 || !transmit(g, &w))
				lost++;
		}
		(void)nanosleep(&nap, NULL);
	}
	printf("{\"sent\":%" PRIu64 ",\"not_sent\":%" PRIu64 ",\"elapsed_s\":%.6f}\n", sent - lost,
	       lost, (double)(now_ns() - start) / (double)NS_PER_S);
}

/* ---- start ---- */

static int open_socket(struct gen *g, const char *interface, const char *mac)
{
	const int one = 1, size = SOCKET_BUFFER;

	g->to = (struct sockaddr_ll){
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IPV6), .sll_halen = 6,
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	if (g->to.sll_ifindex == 0)
		return fail(interface, -ENODEV);
	if (mac_parse(mac, g->to.sll_addr) < 0)
		return fail(mac, -EINVAL);
	g->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (g->fd < 0)
		return fail("packet socket", -errno);
	(void)setsockopt(g->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	(void)setsockopt(g->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (setsockopt(g->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0 ||
	    bind(g->fd, (const struct sockaddr *)&g->to, sizeof(g->to)) < 0)
		return fail("packet socket", -errno);
	return 0;
}

static int set_keys(struct gen *g, const char *spi, const char *hex)
{
	uint8_t secret[AUTH_SECRET_MAX];
	size_t len = strlen(hex) / 2;
	int err;

	if (len > sizeof(secret))
		return fail("secret", -EINVAL);
	for (size_t i = 0; i < len; i++) {
		if (sscanf(hex + 2 * i, "%2hhx", &secret[i]) != 1)
			return fail("secret", -EINVAL);
	}
	err = auth_key_init(&g->key, (uint32_t)strtoul(spi, NULL, 10), AUTH_HMAC_SHA256_128,
			    secret, len);
	secret[0] ^= 1;
	if (err == 0)
		err = auth_key_init(&g->wrong, g->key.spi, AUTH_HMAC_SHA256_128, secret, len);
	return err < 0 ? fail("key", err) : 0;
}

static int obey(const struct gen *g, const char *line)
{
	struct command c = { 0 };
	uint32_t seconds;

	if (sscanf(line, "update %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu16 " %" SCNu32
		   " %" SCNu32 " %" SCNu32 " %" SCNu32, &c.population, &c.from, &c.count, &c.seq,
		   &c.generation, &c.lifetime_s, &c.window, &c.rate) == 8 &&
	    c.count > 0 && c.count <= c.population && (c.window > 0 || c.rate > 0))
		return do_update(g, &c);
	if (sscanf(line, "flood %" SCNu32 " %" SCNu32 " %" SCNu32, &c.population, &c.rate,
		   &seconds) == 3 && c.population > 0) {
		do_flood(g, c.population, c.rate, seconds);
		return 0;
	}
	fprintf(stderr, "registration_gen: not understood: %s", line);
	return -EINVAL;
}

int main(int argc, char **argv)
{
	struct gen g = { .fd = -1 };
	char line[LINE_ROOM];

	if (argc != 6 && argc != 8) {
		fprintf(stderr, "usage: registration_gen INTERFACE MAC HOME-AGENT SPI SECRET "
			"[ROUTER ROUTER]\n");
		return 2;
	}
	g.proxy = argc == 8;
	if (in6_parse(argv[3], &g.home_agent) < 0 ||
	    (g.proxy && (in6_parse(argv[6], &g.routers[0]) < 0 ||
			 in6_parse(argv[7], &g.routers[1]) < 0))) {
		(void)fail(argv[3], -EINVAL);
		return EXIT_FAILURE;
	}
	if (open_socket(&g, argv[1], argv[2]) < 0 || set_keys(&g, argv[4], argv[5]) < 0)
		return EXIT_FAILURE;
	setvbuf(stdout, NULL, _IOFBF, 1 << 20);
	while (fgets(line, sizeof(line), stdin)) {
		if (obey(&g, line) < 0)
			return EXIT_FAILURE;
		fflush(stdout);
	}
	auth_key_wipe(&g.key);
	auth_key_wipe(&g.wrong);
	close(g.fd);
	return EXIT_SUCCESS;
}
