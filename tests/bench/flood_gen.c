/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sends packets that somebody else has built, at a rate, until it is told to stop: the stranger
 * of the flood tests. Knows of IPv6 no more than where the source address stands. Started by
 * tests/lab/flooding.py; no part of the daemons.
 *
 *	flood_gen INTERFACE MAC RATE SECONDS FILE
 *
 * RATE a second, of all packets in turns (0: as many as it can); SECONDS 0: until SIGTERM. In
 * the file is a line for each packet, "NAME MODE HEX": MODE `as-is`, or `random`: each time from
 * another source of its /32, with a checksum that stays right. On standard output "ready" when the
 * first has been sent, and at the end one line of JSON: how many of each.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/core/in6.h"

#define NS_PER_S	UINT64_C(1000000000)
#define PACKETS_MAX	64
#define PACKET_ROOM	1500
#define NAME_ROOM	32
#define LINE_ROOM	(2 * PACKET_ROOM + 2 * NAME_ROOM)
#define BATCH		32
#define NAP_NS		200000
#define SRC_AT		8

struct packet {
	char name[NAME_ROOM];
	bool random;
	size_t len;
	uint8_t data[PACKET_ROOM];
	uint64_t sent;
};

struct gen {
	int fd;
	struct sockaddr_ll to;
	unsigned int n;
	struct packet packets[PACKETS_MAX];
	uint64_t next, not_sent, seed;
};

static uint8_t rooms[BATCH][PACKET_ROOM];
static volatile sig_atomic_t stop;

static void on_term(int signo)
{
	(void)signo;
	stop = 1;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* xorshift64 (Marsaglia, 2003). */
static uint64_t next_random(struct gen *g)
{
	g->seed ^= g->seed << 13;
	g->seed ^= g->seed >> 7;
	g->seed ^= g->seed << 17;
	return g->seed;
}

/* Adds d to a word of 16 bits in the sum that the Internet checksum is made of. */
static void add_word(uint8_t *at, uint16_t d)
{
	uint32_t v = ((uint32_t)at[0] << 8 | at[1]) + d;

	v = (v & 0xffff) + (v >> 16);
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

/* What is added to the network is taken from the interface identifier. */
static void other_source(struct gen *g, uint8_t *src)
{
	uint64_t r = next_random(g);
	uint16_t a = (uint16_t)r, b = (uint16_t)(r >> 16);

	add_word(src + 4, a);
	add_word(src + 14, (uint16_t)~a);
	add_word(src + 6, b);
	add_word(src + 12, (uint16_t)~b);
}

static void send_batch(struct gen *g, unsigned int n)
{
	struct mmsghdr msgs[BATCH];
	struct iovec iovs[BATCH];
	struct packet *of[BATCH];
	int done;

	for (unsigned int i = 0; i < n; i++) {
		struct packet *p = of[i] = &g->packets[g->next++ % g->n];

		memcpy(rooms[i], p->data, p->len);
		if (p->random)
			other_source(g, rooms[i] + SRC_AT);
		iovs[i] = (struct iovec){ rooms[i], p->len };
		msgs[i] = (struct mmsghdr){ .msg_hdr = {
			.msg_name = &g->to, .msg_namelen = sizeof(g->to), .msg_iov = &iovs[i],
			.msg_iovlen = 1,
		} };
	}
	done = sendmmsg(g->fd, msgs, n, 0);
	for (int i = 0; i < done; i++)
		of[i]->sent++;
	/* A full queue: lost, as on a wire. */
	g->not_sent += n - (unsigned int)(done > 0 ? done : 0);
}

static void run(struct gen *g, uint64_t rate, uint64_t seconds)
{
	const struct timespec nap = { .tv_nsec = NAP_NS };
	uint64_t start = now_ns(), asked = 0, total = 0, t;

	while (!stop && ((t = now_ns()) < start + seconds * NS_PER_S || seconds == 0)) {
		uint64_t due = rate ? (t - start) * rate / NS_PER_S + 1 : asked + BATCH;

		if (due <= asked) {
			(void)nanosleep(&nap, NULL);
			continue;
		}
		send_batch(g, due - asked < BATCH ? (unsigned int)(due - asked) : BATCH);
		if (asked == 0) {
			puts("ready");
			fflush(stdout);
		}
		asked += due - asked < BATCH ? due - asked : BATCH;
	}
	t = now_ns() - start;
	printf("{\"sent\":{");
	for (unsigned int i = 0; i < g->n; i++) {
		printf("%s\"%s\":%" PRIu64, i ? "," : "", g->packets[i].name, g->packets[i].sent);
		total += g->packets[i].sent;
	}
	printf("},\"total\":%" PRIu64 ",\"not_sent\":%" PRIu64 ",\"elapsed_s\":%.6f}\n", total,
	       g->not_sent, (double)t / (double)NS_PER_S);
}

/* ---- start ---- */

static int fail(const char *what)
{
	fprintf(stderr, "flood_gen: %s: %s\n", what, strerror(errno));
	return -1;
}

static int read_packet(struct packet *p, const char *line)
{
	char mode[NAME_ROOM];
	int at;

	if (sscanf(line, "%31s %31s %n", p->name, mode, &at) != 2)
		return -1;
	p->random = strcmp(mode, "random") == 0;
	for (const char *s = line + at; sscanf(s, "%2hhx", &p->data[p->len]) == 1; s += 2)
		if (++p->len == PACKET_ROOM)
			return -1;
	return p->len >= SRC_AT + 16 ? 0 : -1;
}

static int read_packets(struct gen *g, const char *path)
{
	static char line[LINE_ROOM];
	FILE *f = fopen(path, "re");

	if (!f)
		return fail(path);
	while (fgets(line, sizeof(line), f))
		if (g->n == PACKETS_MAX || read_packet(&g->packets[g->n++], line) < 0) {
			fprintf(stderr, "flood_gen: not understood: %s", line);
			g->n = 0;
			break;
		}
	fclose(f);
	return g->n > 0 ? 0 : -1;
}

static int open_socket(struct gen *g, const char *interface, const char *mac)
{
	g->to = (struct sockaddr_ll){
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IPV6), .sll_halen = 6,
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	if (g->to.sll_ifindex == 0 || mac_parse(mac, g->to.sll_addr) < 0)
		return fail("interface or link-layer address");
	/* Protocol 0: it sends, and reads nothing. */
	g->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return g->fd < 0 ? fail("packet socket") : 0;
}

int main(int argc, char **argv)
{
	const struct sigaction term = { .sa_handler = on_term };
	static struct gen g;

	if (argc != 6) {
		fprintf(stderr, "usage: flood_gen INTERFACE MAC RATE SECONDS FILE\n");
		return 2;
	}
	if (open_socket(&g, argv[1], argv[2]) < 0 || read_packets(&g, argv[5]) < 0 ||
	    getrandom(&g.seed, sizeof(g.seed), 0) != sizeof(g.seed))
		return EXIT_FAILURE;
	g.seed |= 1;
	(void)sigaction(SIGTERM, &term, NULL);
	run(&g, strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
	return EXIT_SUCCESS;
}
