/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Both ends of the flows of the handover benchmark, and the eyes on the mobile node's links:
 * a probe each millisecond each way on each flow, and when which one came; when solicitation,
 * advertisement, Binding Update and Acknowledgement passed, and when the kernel told of a link
 * or an address. Started by handover.py; no part of the daemons.
 *
 *	handover_probe FILE cn
 *	handover_probe FILE mn INTERFACE...
 *
 * Orders to the mobile node's end come on standard input, one a line, each answered with "ok":
 *	flow N CN SOURCE	begins one (SOURCE "-": the kernel's choice); "ok ADDRESS"
 *	send 0|1		whether this end sends probes; if not it only listens
 * At the end of standard input everything seen is written to FILE as struct seen.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "common/core/in6.h"
#include "common/core/timer.h"
#include "common/wire/ext.h"
#include "common/wire/icmp6.h"
#include "common/wire/mh.h"

#define PORT		7700
#define EVERY		USEC_MS
#define FLOWS		16
#define LINKS		2
#define FDS		(3 + LINKS + FLOWS)
#define SEEN_MAX	4000000U

enum kind { PROBE, RS, RA, BU, BA, LINK, COA };		/* as in handover.py */

struct seen {
	usec_t at;		/* CLOCK_MONOTONIC */
	uint32_t seq;
	uint16_t flow;
	uint16_t kind;
};

struct probe { uint32_t seq; uint16_t flow, zero; };

struct flow { int fd; bool up; struct sockaddr_in6 peer; uint32_t seq; };

struct ends {
	bool mobile, sends;
	struct flow flows[FLOWS];
	int timer, udp, netlink, links[LINKS];
	unsigned int n_links;
	struct seen *seen;
	unsigned int n_seen;
};

static usec_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (usec_t)ts.tv_sec * USEC_S + (usec_t)(ts.tv_nsec / 1000);
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void note(struct ends *e, enum kind kind, uint16_t flow, uint32_t seq)
{
	if (e->n_seen < SEEN_MAX)
		e->seen[e->n_seen++] = (struct seen){ now_us(), seq, flow, (uint16_t)kind };
}

/* ---- what passes the links ---- */

/* Of an IPv6 packet: solicitation, advertisement, or what may be a Mobility Header. */
static void filter(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MH_NEXT_HEADER, 6, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IP6_NH_DSTOPTS, 5, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IP6_NH_ROUTING, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IP6_NH_ICMP6, 0, 4),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, IP6_HDR_LEN),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMP6_RS, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMP6_RA, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 65535),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0)
		die("filter");
}

static void open_link(struct ends *e, const char *name)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(name),
	};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || at.sll_ifindex == 0 || e->n_links == LINKS)
		die(name);
	filter(fd);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die(name);
	e->links[e->n_links++] = fd;
}

static void read_link(struct ends *e, int fd)
{
	struct sockaddr_ll from;
	socklen_t room = sizeof(from);
	uint8_t data[2048];
	ssize_t len = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &room);
	bool out = from.sll_pkttype == PACKET_OUTGOING;
	struct ip6_packet ip;
	uint8_t type;

	if (len <= 0 || ip6_decode(data, (size_t)len, &ip) || ip.payload_len < 3)
		return;
	if (ip.next_header == IP6_NH_ICMP6) {
		type = data[ip.payload_off];
		if (out && type == ICMP6_RS)
			note(e, RS, 0, 0);
		else if (!out && type == ICMP6_RA)
			note(e, RA, 0, 0);
	} else if (ip.next_header == MH_NEXT_HEADER) {
		type = data[ip.payload_off + 2];
		if (out && type == MH_BU)
			note(e, BU, 0, 0);
		else if (!out && type == MH_BA)
			note(e, BA, 0, 0);
	}
}

/* ---- what the kernel tells ---- */

static void open_netlink(struct ends *e)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK,
				  .nl_groups = RTMGRP_LINK | RTMGRP_IPV6_IFADDR };

	e->netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (e->netlink < 0 || bind(e->netlink, (struct sockaddr *)&at, sizeof(at)) < 0)
		die("netlink");
}

static void read_netlink(struct ends *e)
{
	_Alignas(struct nlmsghdr) char data[16384];
	ssize_t got = recv(e->netlink, data, sizeof(data), 0);
	unsigned int len = got > 0 ? (unsigned int)got : 0;

	for (struct nlmsghdr *h = (struct nlmsghdr *)data; NLMSG_OK(h, len);
	     h = NLMSG_NEXT(h, len)) {
		const struct ifinfomsg *l = NLMSG_DATA(h);
		const struct ifaddrmsg *a = NLMSG_DATA(h);

		if (h->nlmsg_type == RTM_NEWLINK && (l->ifi_flags & IFF_RUNNING))
			note(e, LINK, (uint16_t)l->ifi_index, 0);
		else if (h->nlmsg_type == RTM_NEWADDR && a->ifa_scope == RT_SCOPE_UNIVERSE &&
			 !(a->ifa_flags & IFA_F_DEPRECATED) &&
			 (!(a->ifa_flags & IFA_F_TENTATIVE) || (a->ifa_flags & IFA_F_OPTIMISTIC)))
			note(e, COA, (uint16_t)a->ifa_index, 0);
	}
}

/* ---- flows ---- */

static void send_probe(struct flow *f, unsigned int n)
{
	struct probe p = { htonl(f->seq++), htons((uint16_t)n), 0 };

	/* One that the kernel does not take is a lost one. */
	(void)sendto(f->fd, &p, sizeof(p), MSG_DONTWAIT, (struct sockaddr *)&f->peer,
		     sizeof(f->peer));
}

static void send_probes(struct ends *e)
{
	for (unsigned int n = 0; n < FLOWS; n++)
		if (e->flows[n].up && (e->sends || e->flows[n].seq == 0))
			send_probe(&e->flows[n], n);
}

static void read_probes(struct ends *e, int fd)
{
	struct sockaddr_in6 from;
	socklen_t room = sizeof(from);
	struct probe p;

	while (recvfrom(fd, &p, sizeof(p), MSG_DONTWAIT, (struct sockaddr *)&from, &room) ==
	       (ssize_t)sizeof(p)) {
		struct flow *f = &e->flows[ntohs(p.flow) % FLOWS];

		note(e, PROBE, ntohs(p.flow), ntohl(p.seq));
		if (!e->mobile && !f->up)
			*f = (struct flow){ .fd = fd, .up = true, .peer = from };
		room = sizeof(from);
	}
}

static int begin(struct ends *e, unsigned int n, const char *cn, const char *source)
{
	struct sockaddr_in6 here = { .sin6_family = AF_INET6 };
	struct sockaddr_in6 there = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	socklen_t room = sizeof(here);
	struct flow *f = &e->flows[n];
	char text[INET6_ADDRSTRLEN];

	if (inet_pton(AF_INET6, cn, &there.sin6_addr) != 1)
		return -EINVAL;
	f->fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (inet_pton(AF_INET6, source, &here.sin6_addr) == 1 &&
	    bind(f->fd, (struct sockaddr *)&here, sizeof(here)) < 0)
		return -errno;
	if (f->fd < 0 || connect(f->fd, (struct sockaddr *)&there, sizeof(there)) < 0 ||
	    getsockname(f->fd, (struct sockaddr *)&here, &room) < 0)
		return -errno;
	f->peer = there;
	f->up = true;
	printf("ok %s\n", inet_ntop(AF_INET6, &here.sin6_addr, text, sizeof(text)));
	return 0;
}

static void obey(struct ends *e, const char *line)
{
	char cn[INET6_ADDRSTRLEN], source[INET6_ADDRSTRLEN];
	unsigned int n;
	int r;

	if (sscanf(line, "flow %u %45s %45s", &n, cn, source) == 3 && n < FLOWS) {
		r = begin(e, n, cn, source);
		if (r)
			printf("error %s\n", strerror(-r));
	} else if (sscanf(line, "send %u", &n) == 1) {
		e->sends = n != 0;
		printf("ok\n");
	} else {
		printf("what?\n");
	}
}

/* ---- the whole ---- */

static void start_timer(struct ends *e)
{
	struct itimerspec every = { { 0, EVERY * 1000 }, { 0, EVERY * 1000 } };

	e->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (e->timer < 0 || timerfd_settime(e->timer, 0, &every, NULL) < 0)
		die("timerfd");
}

static unsigned int collect(const struct ends *e, struct pollfd fds[FDS])
{
	unsigned int n = 0;

	fds[n++] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = e->timer, .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = e->mobile ? e->netlink : e->udp, .events = POLLIN };
	for (unsigned int i = 0; i < e->n_links; i++)
		fds[n++] = (struct pollfd){ .fd = e->links[i], .events = POLLIN };
	for (unsigned int i = 0; e->mobile && i < FLOWS; i++)
		if (e->flows[i].up)
			fds[n++] = (struct pollfd){ .fd = e->flows[i].fd, .events = POLLIN };
	return n;
}

static void run(struct ends *e)
{
	struct pollfd fds[FDS];
	char line[160];
	uint64_t expired;

	for (;;) {
		unsigned int n = collect(e, fds);

		if (poll(fds, n, -1) < 0 && errno != EINTR)
			die("poll");
		if (fds[2].revents && e->mobile)
			read_netlink(e);
		for (unsigned int i = e->mobile ? 3 : 2; i < n; i++) {
			if (!fds[i].revents)
				continue;
			if (i >= 3 && i < 3 + e->n_links)
				read_link(e, fds[i].fd);
			else
				read_probes(e, fds[i].fd);
		}
		if (fds[1].revents && read(e->timer, &expired, sizeof(expired)) > 0)
			send_probes(e);
		if (fds[0].revents) {
			if (!fgets(line, sizeof(line), stdin))
				return;
			obey(e, line);
		}
	}
}

static void open_udp(struct ends *e)
{
	struct sockaddr_in6 here = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };

	e->udp = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (e->udp < 0 || bind(e->udp, (struct sockaddr *)&here, sizeof(here)) < 0)
		die("udp");
}

int main(int argc, char **argv)
{
	static struct ends e;
	FILE *f;

	if (argc < 3 || (strcmp(argv[2], "cn") != 0 && strcmp(argv[2], "mn") != 0)) {
		fprintf(stderr, "usage: handover_probe FILE cn|mn [INTERFACE...]\n");
		return 2;
	}
	e.mobile = strcmp(argv[2], "mn") == 0;
	e.sends = true;
	e.seen = calloc(SEEN_MAX, sizeof(*e.seen));
	f = fopen(argv[1], "wb");
	if (!e.seen || !f)
		die(argv[1]);
	if (e.mobile)
		open_netlink(&e);
	else
		open_udp(&e);
	for (int i = 3; i < argc; i++)
		open_link(&e, argv[i]);
	start_timer(&e);
	setvbuf(stdin, NULL, _IONBF, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ok\n");
	run(&e);
	if (fwrite(e.seen, sizeof(*e.seen), e.n_seen, f) != e.n_seen || fclose(f))
		die(argv[1]);
	return 0;
}
