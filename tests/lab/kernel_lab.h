/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the programs that test against the running kernel: TAP, network namespaces without
 * names that end with the process, packets in and out of their wires. Needs root.
 */
#ifndef DMIP6_TESTS_LAB_KERNEL_LAB_H
#define DMIP6_TESTS_LAB_KERNEL_LAB_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/core/log.h"
#include "common/sys/clock.h"
#include "common/sys/rt.h"

#define WAIT_MS		20000	/* a deadline, not a delay */
#define PORT		4242
#define ROOM		2048

/* --- TAP --------------------------------------------------------------------------- */

static int n_tests, n_failed;

static inline bool ok(bool good, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline bool ok(bool good, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", good ? "" : "not ", ++n_tests);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	if (!good)
		n_failed++;
	return good;
}

static inline void skip(const char *what, const char *why)
{
	printf("ok %d - %s # SKIP %s\n", ++n_tests, what, why);
}

static inline void bail(const char *what) __attribute__((noreturn));
static inline void bail(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static inline void run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static inline void run(const char *fmt, ...)
{
	char cmd[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	fflush(stdout);
	if (system(cmd) != 0)
		bail(cmd);
}

/* --- namespaces -------------------------------------------------------------------- */

static inline void enter(int ns)
{
	if (setns(ns, CLONE_NEWNET) < 0)
		bail("setns");
}

static inline int ns_new(void)
{
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		bail("unshare");
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		bail("namespace");
	run("ip link set lo up");
	run("echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad");
	run("echo 0 > /proc/sys/net/ipv6/conf/all/accept_dad");
	return fd;
}

/* The kernel's own address on a device comes when its link watch has seen the carrier. */
static inline void await_link_local(int ns, const char *dev)
{
	enter(ns);
	run("for i in $(seq %d); do ip -6 route show table local dev %s | grep -q '^local fe80' "
	    "&& exit 0; sleep 0.01; done; exit 1", WAIT_MS / 10, dev);
}

static inline void mac_of(int ns, const char *dev, uint8_t ret[6])
{
	struct rt_link l;
	struct nl *nl;

	enter(ns);
	if (nl_open(NETLINK_ROUTE, &nl) < 0 || rt_link_by_name(nl, dev, &l) < 0)
		bail(dev);
	memcpy(ret, l.mac, 6);
	nl_free(nl);
}

/* The one end knows the other. The kernel has one neighbour table for all namespaces, and while
 * others fill it a packet to somebody unknown is lost. */
static inline void acquaint(int here, const char *dev, int there, const char *dev_there,
			    const char *addr_there)
{
	uint8_t mac[6];

	mac_of(there, dev_there, mac);
	enter(here);
	run("ip -6 neigh replace %.*s lladdr %s dev %s nud permanent",
	    (int)strcspn(addr_there, "/"), addr_there, mac_str(mac).s, dev);
}

/* A veth pair, one end in each namespace, with one address each. */
static inline void wire(int a, const char *dev_a, const char *addr_a, int b, const char *dev_b,
		 const char *addr_b)
{
	enter(a);
	run("ip link add %s mtu 1600 type veth peer name %s mtu 1600", dev_a, dev_b);
	run("ip link set %s netns /proc/%d/fd/%d", dev_b, (int)getpid(), b);
	run("ip link set %s up && ip -6 addr add %s dev %s nodad", dev_a, addr_a, dev_a);
	enter(b);
	run("ip link set %s up && ip -6 addr add %s dev %s nodad", dev_b, addr_b, dev_b);
	await_link_local(a, dev_a);
	await_link_local(b, dev_b);
	acquaint(a, dev_a, b, dev_b, addr_b);
	acquaint(b, dev_b, a, dev_a, addr_a);
}

/* What must be the same before and after. Without errors: ip complains about namespaces of
 * others that are on their way. */
static inline char *snapshot(int ns)
{
	static const char cmd[] =
		"{ ip -6 -d rule; ip -6 route show table all; ip nexthop; ip -6 addr; ip link;"
		" ip -6 neigh show nud permanent | sort; ip sr tunsrc show; nft list ruleset; } 2>/dev/null";
	size_t len = 0, cap = 65536;
	char *text = calloc(1, cap + 1);
	FILE *f;

	enter(ns);
	fflush(stdout);
	f = popen(cmd, "r");
	if (!text || !f)
		bail("snapshot");
	while (len < cap) {
		size_t n = fread(text + len, 1, cap - len, f);

		if (n == 0)
			break;
		len += n;
	}
	pclose(f);
	return text;
}

static inline void same(const char *before, char *after, const char *what)
{
	if (!ok(strcmp(before, after) == 0, "%s: rules, routes, nexthops, addresses, links, "
		"source and nftables are as before", what))
		printf("# before:\n%s\n# after:\n%s\n", before, after);
	free(after);
}

/* --- packets ----------------------------------------------------------------------- */

static inline struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	if (inet_pton(AF_INET6, text, &a) != 1)
		bail(text);
	return a;
}

static inline size_t put_ip6(uint8_t *p, const char *src, const char *dst, uint8_t next,
			     size_t payload)
{
	struct ip6_hdr h = { 0 };

	h.ip6_vfc = 0x60;
	h.ip6_plen = htons((uint16_t)payload);
	h.ip6_nxt = next;
	h.ip6_hlim = 64;
	h.ip6_src = addr(src);
	h.ip6_dst = addr(dst);
	memcpy(p, &h, sizeof(h));
	return sizeof(h);
}

static inline uint16_t checksum(const uint8_t *ip6, const uint8_t *p, size_t len, uint8_t next)
{
	uint32_t sum = next + (uint32_t)len;

	for (size_t i = 8; i < 40; i += 2)
		sum += (uint32_t)ip6[i] << 8 | ip6[i + 1];
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* UDP packet that carries a short text. */
static inline size_t put_udp(uint8_t *p, const char *src, const char *dst, const char *text)
{
	size_t n = strlen(text) + 1, at = put_ip6(p, src, dst, IPPROTO_UDP, 8 + n);
	struct udphdr u = {
		.uh_sport = htons(PORT), .uh_dport = htons(PORT),
		.uh_ulen = htons((uint16_t)(8 + n)),
	};

	memcpy(p + at, &u, 8);
	memcpy(p + at + 8, text, n);
	u.uh_sum = checksum(p, p + at, 8 + n, IPPROTO_UDP);
	memcpy(p + at, &u, 8);
	return at + 8 + n;
}

/* The same in a tunnel, with the encapsulation limit option in front if asked for. */
static inline size_t put_tunnel(uint8_t *p, const char *outer_src, const char *outer_dst,
				bool limit, const char *src, const char *dst, const char *text)
{
	static const uint8_t option[8] = { IPPROTO_IPV6, 0, 4, 1, 4, 1, 0, 0 };
	size_t skip = limit ? sizeof(option) : 0, n = put_udp(p + 40 + skip, src, dst, text);

	put_ip6(p, outer_src, outer_dst, limit ? IPPROTO_DSTOPTS : IPPROTO_IPV6, skip + n);
	memcpy(p + 40, option, skip);
	return 40 + skip + n;
}

static inline int tap(int ns, const char *dev)
{
	int fd, one = 1, size = 4 << 20;
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IPV6) };

	enter(ns);
	at.sll_ifindex = (int)if_nametoindex(dev);
	fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		bail("packet socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return fd;
}

/* From the far end of the wire, to whoever is there. */
static inline void inject(int fd, const char *dev_here, const uint8_t mac[6], const void *p,
			  size_t len)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IPV6), .sll_halen = 6,
		.sll_ifindex = (int)if_nametoindex(dev_here),
	};

	memcpy(to.sll_addr, mac, 6);
	if (sendto(fd, p, len, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		bail("inject");
}

/* The next packet with that next header (0: any but neighbour discovery); 0: none came. */
static inline size_t capture(int fd, uint8_t next, uint8_t *p)
{
	const usec_t end = clock_now() + WAIT_MS * USEC_MS;

	for (;;) {
		struct pollfd pf = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (clock_now() > end || poll(&pf, 1, WAIT_MS) <= 0)
			return 0;
		n = recv(fd, p, ROOM, MSG_DONTWAIT);
		if (n < 40 || (next != 0 && p[6] != next))
			continue;
		if (next == IPPROTO_ICMPV6 && p[40] >= ND_ROUTER_SOLICIT && p[40] <= ND_REDIRECT)
			continue;
		if (next == IPPROTO_ICMPV6 && (p[40] == 143 || (p[40] >= 130 && p[40] <= 132)))
			continue;
		return (size_t)n;
	}
}

static inline int udp_socket(int ns, const char *local)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	int fd, size = 4 << 20;

	enter(ns);
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	at.sin6_addr = addr(local);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		bail("bind");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return fd;
}

static inline void udp_send(int fd, const char *dst, const char *text)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };

	to.sin6_addr = addr(dst);
	if (sendto(fd, text, strlen(text) + 1, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		printf("# send to %s: %s\n", dst, strerror(errno));
}

static inline bool udp_got(int fd, const char *text)
{
	struct pollfd pf = { .fd = fd, .events = POLLIN };
	char got[ROOM] = "";

	if (poll(&pf, 1, WAIT_MS) <= 0) {
		printf("# nothing came within %d ms\n", WAIT_MS);
		return false;
	}
	if (recv(fd, got, sizeof(got) - 1, 0) < 0) {
		printf("# recv: %s\n", strerror(errno));
		return false;
	}
	if (strcmp(got, text) != 0)
		printf("# got \"%s\" instead of \"%s\"\n", got, text);
	return strcmp(got, text) == 0;
}

/* A tunnel packet with these four addresses came out. */
static inline bool tunnelled(int fd, const char *outer_src, const char *outer_dst, const char *src,
		      const char *dst)
{
	const struct in6_addr want[4] = { addr(outer_src), addr(outer_dst), addr(src), addr(dst) };
	uint8_t p[ROOM];
	size_t n = capture(fd, IPPROTO_IPV6, p);

	if (n < 80)
		return false;
	if (memcmp(p + 8, want, 32) == 0 && memcmp(p + 48, want + 2, 32) == 0)
		return true;
	printf("# tunnel from %s", in6_str((void *)(p + 8)).s);
	printf(" to %s", in6_str((void *)(p + 24)).s);
	printf(" with %s", in6_str((void *)(p + 48)).s);
	printf(" to %s\n", in6_str((void *)(p + 64)).s);
	return false;
}

/* Root, or the whole program is skipped. */
static inline void lab_begin(const char *program)
{
	if (geteuid() != 0) {
		printf("1..0 # SKIP needs root\n");
		exit(0);
	}
	log_init(program, LOG_LEVEL_WARN);
}

static inline int lab_end(void)
{
	printf("1..%d\n", n_tests);
	return n_failed ? 1 : 0;
}

#endif
