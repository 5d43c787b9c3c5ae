/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The layer that asks the kernel, on the running kernel: common/sys and the seg6 data path
 * with real packets. Needs root; works in network namespaces of its own that have no names
 * and end with the process. Prints TAP.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/core/log.h"
#include "common/datapath/datapath.h"
#include "common/sys/clock.h"
#include "common/sys/diag.h"
#include "common/sys/loop.h"
#include "common/sys/mon.h"
#include "common/sys/pkt.h"
#include "common/sys/rt.h"

#define WAIT_MS		3000	/* a deadline, not a delay */
#define PORT		4242
#define FLOOD		200000
#define ROOM		2048

/* --- TAP --------------------------------------------------------------------------- */

static int n_tests, n_failed;

static bool ok(bool good, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool ok(bool good, const char *fmt, ...)
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

static void bail(const char *what) __attribute__((noreturn));
static void bail(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static void run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *fmt, ...)
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

static void enter(int ns)
{
	if (setns(ns, CLONE_NEWNET) < 0)
		bail("setns");
}

static int ns_new(void)
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

/* A veth pair, one end in each namespace, with one address each. */
static void wire(int a, const char *dev_a, const char *addr_a, int b, const char *dev_b,
		 const char *addr_b)
{
	enter(a);
	run("ip link add %s mtu 1600 type veth peer name %s mtu 1600", dev_a, dev_b);
	run("ip link set %s netns /proc/%d/fd/%d", dev_b, (int)getpid(), b);
	run("ip link set %s up && ip -6 addr add %s dev %s nodad", dev_a, addr_a, dev_a);
	enter(b);
	run("ip link set %s up && ip -6 addr add %s dev %s nodad", dev_b, addr_b, dev_b);
}

/* What must be the same before and after. */
static char *snapshot(int ns)
{
	static const char cmd[] =
		"{ ip -6 -d rule; ip -6 route show table all; ip nexthop; ip -6 addr; ip link;"
		" ip -6 neigh show nud permanent; ip sr tunsrc show; nft list ruleset; } 2>&1";
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

static void same(const char *before, char *after, const char *what)
{
	if (!ok(strcmp(before, after) == 0, "%s: rules, routes, nexthops, addresses, links, "
		"source and nftables are as before", what))
		printf("# before:\n%s\n# after:\n%s\n", before, after);
	free(after);
}

/* --- packets ----------------------------------------------------------------------- */

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	if (inet_pton(AF_INET6, text, &a) != 1)
		bail(text);
	return a;
}

static size_t put_ip6(uint8_t *p, const char *src, const char *dst, uint8_t next, size_t payload)
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

static uint16_t checksum(const uint8_t *ip6, const uint8_t *p, size_t len, uint8_t next)
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
static size_t put_udp(uint8_t *p, const char *src, const char *dst, const char *text)
{
	size_t n = strlen(text) + 1, at = put_ip6(p, src, dst, IPPROTO_UDP, 8 + n);
	struct udphdr u = {
		.uh_sport = htons(PORT), .uh_dport = htons(PORT), .uh_ulen = htons((uint16_t)(8 + n)),
	};

	memcpy(p + at, &u, 8);
	memcpy(p + at + 8, text, n);
	u.uh_sum = checksum(p, p + at, 8 + n, IPPROTO_UDP);
	memcpy(p + at, &u, 8);
	return at + 8 + n;
}

/* The same in a tunnel, with the encapsulation limit option in front if asked for. */
static size_t put_tunnel(uint8_t *p, const char *outer_src, const char *outer_dst, bool limit,
			 const char *src, const char *dst, const char *text)
{
	static const uint8_t option[8] = { IPPROTO_IPV6, 0, 4, 1, 4, 1, 0, 0 };
	size_t skip = limit ? sizeof(option) : 0, n = put_udp(p + 40 + skip, src, dst, text);

	put_ip6(p, outer_src, outer_dst, limit ? IPPROTO_DSTOPTS : IPPROTO_IPV6, skip + n);
	memcpy(p + 40, option, skip);
	return 40 + skip + n;
}

static int tap(int ns, const char *dev)
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
static void inject(int fd, const char *dev_here, const uint8_t mac[6], const void *p, size_t len)
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
static size_t capture(int fd, uint8_t next, uint8_t *p)
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

static int udp_socket(int ns, const char *local)
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

static void udp_send(int fd, const char *dst, const char *text)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };

	to.sin6_addr = addr(dst);
	if (sendto(fd, text, strlen(text) + 1, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		printf("# send to %s: %s\n", dst, strerror(errno));
}

static bool udp_got(int fd, const char *text)
{
	struct pollfd pf = { .fd = fd, .events = POLLIN };
	char got[ROOM] = "";

	if (poll(&pf, 1, WAIT_MS) <= 0 || recv(fd, got, sizeof(got) - 1, 0) < 0)
		return false;
	if (strcmp(got, text) != 0)
		printf("# got \"%s\" instead of \"%s\"\n", got, text);
	return strcmp(got, text) == 0;
}

/* A tunnel packet with these four addresses came out. */
static bool tunnelled(int fd, const char *outer_src, const char *outer_dst, const char *src,
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

static void mac_of(int ns, const char *dev, uint8_t ret[6])
{
	struct rt_link l;
	struct nl *nl;

	enter(ns);
	if (nl_open(NETLINK_ROUTE, &nl) < 0 || rt_link_by_name(nl, dev, &l) < 0)
		bail(dev);
	memcpy(ret, l.mac, 6);
	nl_free(nl);
}

/* --- the data path, both roles ------------------------------------------------------ */

static struct dp_binding binding(const char *inner, const char *local, const char *remote)
{
	struct dp_binding b = { .inner.len = 128 };

	b.inner.addr = addr(inner);
	b.local = addr(local);
	b.remote = addr(remote);
	return b;
}

struct dumped {
	int n;
	struct dp_binding last;
};

static void on_dump(void *ctx, const struct dp_binding *b)
{
	struct dumped *d = ctx;

	d->n++;
	d->last = *b;
}

static struct dp *dp_start(int ns, enum dp_role role)
{
	const struct dp_config cfg = {
		.role = role, .table_base = DP_TABLE_BASE,
		.device = role == DP_ROLE_HA ? "dmip6ha0" : "dmip6mn0",
	};
	struct dp *dp;
	int err;

	enter(ns);
	err = dp_seg6.open(&cfg, &dp);
	if (err < 0) {
		errno = -err;
		bail("dp open");
	}
	return dp;
}

#define HA	"2001:db8:a::1"
#define HOA	"2001:db8:1::5"
#define HOA2	"2001:db8:1::6"
#define COA	"2001:db8:e::2"
#define COA2	"2001:db8:e::3"
#define CN	"2001:db8:c::2"

/* cn --- ha --- mn; the mobile node is this program with a packet socket. */
struct ha_lab {
	int cn, ha, mn;
	int cn_sock, mn_tap;
	uint8_t ha_mac[6];
	struct dp *dp;
	char *before;
};

static void ha_inject(const struct ha_lab *l, const char *outer_src, const char *inner_src,
		      bool limit, const char *text)
{
	uint8_t p[ROOM];
	size_t n = put_tunnel(p, outer_src, HA, limit, inner_src, CN, text);

	enter(l->mn);
	inject(l->mn_tap, "mh", l->ha_mac, p, n);
}

static void ha_set(struct ha_lab *l, const char *inner, const char *remote, const char *what)
{
	const struct dp_binding b = binding(inner, HA, remote);
	int err;

	enter(l->ha);
	err = dp_seg6.set(l->dp, &b);
	if (err < 0)
		printf("# set: %s\n", strerror(-err));
	ok(err == 0, "HA: %s", what);
}

static void ha_build(struct ha_lab *l)
{
	uint8_t mac[6];

	l->cn = ns_new();
	l->ha = ns_new();
	l->mn = ns_new();
	wire(l->ha, "hc", "2001:db8:c::1/64", l->cn, "ch", CN "/64");
	wire(l->ha, "hm", "2001:db8:e::1/64", l->mn, "mh", COA "/64");
	enter(l->mn);
	run("ip -6 addr add " COA2 "/64 dev mh nodad");
	enter(l->cn);
	run("ip -6 route add default via 2001:db8:c::1");
	enter(l->ha);
	run("echo 1 > /proc/sys/net/ipv6/conf/all/forwarding");
	/* Neighbours known: no packet is to be lost in the queue for discovery. */
	mac_of(l->mn, "mh", mac);
	enter(l->ha);
	run("ip -6 neigh add " COA " lladdr %s dev hm nud permanent && "
	    "ip -6 neigh add " COA2 " lladdr %s dev hm nud permanent", mac_str(mac).s, mac_str(mac).s);
	l->cn_sock = udp_socket(l->cn, CN);
	l->mn_tap = tap(l->mn, "mh");
	mac_of(l->ha, "hm", l->ha_mac);
	l->before = snapshot(l->ha);
	l->dp = dp_start(l->ha, DP_ROLE_HA);
	run("ip -6 addr add " HA "/128 dev dmip6ha0 nodad");
}

static void ha_forged(struct ha_lab *l)
{
	uint64_t drops = 0;
	bool good;

	ha_inject(l, COA, HOA, false, "back");
	ok(udp_got(l->cn_sock, "back"), "HA: tunnel from the CoA is decapsulated and forwarded");
	ha_inject(l, COA, HOA, true, "limit");
	ok(udp_got(l->cn_sock, "limit"), "HA: also with an encapsulation limit option");
	ha_inject(l, "2001:db8:e::99", HOA, false, "forged 1");
	ha_inject(l, COA, "2001:db8:1::77", false, "forged 2");
	ha_inject(l, "2001:db8:e::99", "2001:db8:1::77", false, "forged 3");
	ha_inject(l, "2001:db8:e::99", HOA, true, "forged 4");
	ha_inject(l, COA, HOA, false, "good again");
	ok(udp_got(l->cn_sock, "good again"), "HA: forged tunnel packets do not come through");
	enter(l->ha);
	good = dp_seg6.drops(l->dp, &drops) == 0 && drops == 4;
	ok(good, "HA: 4 drops counted (%llu)",
	   (unsigned long long)drops);
}

/* A Mobility Header, then an echo request: only the echo may be answered. */
static void ha_mobility_header(struct ha_lab *l)
{
	uint8_t p[ROOM], mh[8] = { 59, 0, 5, 0, 0, 0, 0, 0 };
	struct icmp6_hdr echo = { .icmp6_type = ICMP6_ECHO_REQUEST };
	size_t n;

	enter(l->mn);
	n = put_ip6(p, COA, HA, IPPROTO_MH, sizeof(mh));
	memcpy(p + n, mh, sizeof(mh));
	inject(l->mn_tap, "mh", l->ha_mac, p, n + sizeof(mh));
	n = put_ip6(p, COA, HA, IPPROTO_ICMPV6, sizeof(echo));
	memcpy(p + n, &echo, sizeof(echo));
	echo.icmp6_cksum = checksum(p, p + n, sizeof(echo), IPPROTO_ICMPV6);
	memcpy(p + n, &echo, sizeof(echo));
	inject(l->mn_tap, "mh", l->ha_mac, p, n + sizeof(echo));
	n = capture(l->mn_tap, IPPROTO_ICMPV6, p);
	ok(n > 40 && p[40] == ICMP6_ECHO_REPLY, "HA: nothing answers a Mobility Header (type %d)",
	   n > 40 ? p[40] : 0);
}

static void flood(int fd)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	int sent = 0;

	to.sin6_addr = addr(HOA);
	while (sent < FLOOD) {
		if (sendto(fd, "flood", 6, 0, (struct sockaddr *)&to, sizeof(to)) == 6)
			sent++;
	}
}

/* tp_packets counts what matched, also what did not fit into the socket. */
static void ha_move_under_flood(struct ha_lab *l)
{
	struct sock_filter tunnels[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_IPV6, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog filter = { 4, tunnels };
	int counter = tap(l->mn, "mh"), moves = 0, status;
	struct tpacket_stats st = { 0 };
	socklen_t len = sizeof(st);
	pid_t child;

	if (setsockopt(counter, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0)
		bail("filter");
	ha_set(l, HOA, COA, "set for the flood");
	(void)getsockopt(counter, SOL_PACKET, PACKET_STATISTICS, &st, &len);
	fflush(stdout);
	child = fork();
	if (child < 0)
		bail("fork");
	if (child == 0) {
		flood(l->cn_sock);
		_exit(0);
	}
	enter(l->ha);
	while (waitpid(child, &status, WNOHANG) == 0) {
		const struct dp_binding b = binding(HOA, HA, ++moves % 2 ? COA2 : COA);

		if (dp_seg6.set(l->dp, &b) < 0) {
			ok(false, "HA: set under flood");
			break;
		}
	}
	len = sizeof(st);
	(void)getsockopt(counter, SOL_PACKET, PACKET_STATISTICS, &st, &len);
	ok(st.tp_packets == FLOOD && moves > 10, "HA: %d packets, %d moves, %d packets arrived",
	   FLOOD, moves, (int)st.tp_packets);
	close(counter);
}

static void ha_shared_remote(struct ha_lab *l)
{
	const struct dp_binding second = binding(HOA2, HA, COA2);

	ha_set(l, HOA, COA, "first home address at a CoA");
	ha_set(l, HOA2, COA, "second home address at the same CoA");
	ha_set(l, HOA, COA2, "the first moves");
	ha_inject(l, COA, HOA2, false, "second, old CoA");
	ok(udp_got(l->cn_sock, "second, old CoA"), "HA: the second is still accepted from there");
	ha_inject(l, COA, HOA, false, "first, old CoA");
	ha_inject(l, COA2, HOA, false, "first, new CoA");
	ok(udp_got(l->cn_sock, "first, new CoA"), "HA: the first only from the new CoA");
	close(l->mn_tap);
	l->mn_tap = tap(l->mn, "mh");
	udp_send(l->cn_sock, HOA2, "x");
	ok(tunnelled(l->mn_tap, HA, COA, CN, HOA2), "HA: the second's packets go to the old CoA");
	udp_send(l->cn_sock, HOA, "x");
	ok(tunnelled(l->mn_tap, HA, COA2, CN, HOA), "HA: the first's to the new one");
	ha_set(l, HOA2, COA2, "the second moves too");
	udp_send(l->cn_sock, HOA2, "x");
	ok(tunnelled(l->mn_tap, HA, COA2, CN, HOA2), "HA: now both go to the new CoA");
	enter(l->ha);
	run("test \"$(ip nexthop | grep -c seg6)\" = 2");
	ok(true, "HA: one nexthop for each binding");
	ok(dp_seg6.del(l->dp, &second.inner) == 0 && dp_seg6.del(l->dp, &second.inner) == -ENOENT,
	   "HA: del removes, a second del finds nothing");
}

static void ha_restart(struct ha_lab *l)
{
	struct dumped d = { 0 };
	struct dp_stats before = { 0 }, after = { 0 };
	const struct dp_binding b = binding(HOA, HA, COA2);
	const struct in6_addr ha = addr(HA);
	bool good;

	enter(l->ha);
	good = dp_seg6.stats(l->dp, &b.inner, &before) == 0 && before.tx_packets > FLOOD &&
	       before.rx_packets >= 4;
	ok(good, "HA: stats (%llu tx, %llu rx)",
	   (unsigned long long)before.tx_packets, (unsigned long long)before.rx_packets);
	dp_seg6.close(l->dp, true);
	udp_send(l->cn_sock, HOA, "while away");
	ok(tunnelled(l->mn_tap, HA, COA2, CN, HOA), "HA: tunnels stay when closed with keep");
	l->dp = dp_start(l->ha, DP_ROLE_HA);
	good = dp_seg6.dump(l->dp, on_dump, &d) == 0 && d.n == 1 &&
	       in6_prefix_eq(&d.last.inner, &b.inner) && in6_eq(&d.last.remote, &b.remote) &&
	       in6_eq(&d.last.local, &b.local);
	ok(good, "HA: open finds the binding again (%d)", d.n);
	ok(dp_seg6.endpoint_add(l->dp, &ha) == 0, "HA: endpoint named again");
	ok(dp_seg6.stats(l->dp, &b.inner, &after) == 0 && after.tx_packets > before.tx_packets,
	   "HA: counters went on");
	ok(dp_seg6.repair(l->dp) == 0, "HA: nothing to repair");
}

static void ha_repair(struct ha_lab *l)
{
	int n;

	enter(l->ha);
	run("ip -6 rule del pref 0 ipproto 41 lookup 4599");
	n = dp_seg6.repair(l->dp);
	ok(n >= 1, "HA: rule put back (%d things)", n);
	run("ip -6 route del " HOA " proto 77 && ip -6 route del " HA " table 4599");
	n = dp_seg6.repair(l->dp);
	ok(n >= 2, "HA: routes put back (%d things)", n);
	run("ip nexthop flush proto 77 >/dev/null");
	n = dp_seg6.repair(l->dp);
	ok(n >= 2, "HA: nexthop and route put back (%d things)", n);
	run("nft delete table inet dmip6_ha");
	n = dp_seg6.repair(l->dp);
	ok(n >= 2, "HA: filter put back (%d things)", n);
	run("nft flush set inet dmip6_ha local");
	n = dp_seg6.repair(l->dp);
	ok(n == 1, "HA: endpoint put back into the filter (%d things)", n);
	run("ip link del dmip6ha0");
	n = dp_seg6.repair(l->dp);
	ok(n >= 2, "HA: device and all on it put back (%d things)", n);
	run("ip -6 addr add " HA "/128 dev dmip6ha0 nodad");
	ok(dp_seg6.repair(l->dp) == 0, "HA: nothing more to repair");
	udp_send(l->cn_sock, HOA, "repaired");
	ok(tunnelled(l->mn_tap, HA, COA2, CN, HOA), "HA: tunnel works after repair");
	ha_inject(l, COA2, HOA, false, "repaired back");
	ok(udp_got(l->cn_sock, "repaired back"), "HA: and the way back");
}

static void test_ha(void)
{
	const struct in6_addr ha = addr(HA);
	struct ha_lab l;
	int n;

	ha_build(&l);
	ok(dp_seg6.endpoint_add(l.dp, &ha) == 0, "HA: endpoint");
	ha_set(&l, HOA, COA, "binding");
	udp_send(l.cn_sock, HOA, "hello");
	ok(tunnelled(l.mn_tap, HA, COA, CN, HOA), "HA: a packet to the HoA is tunnelled to the CoA");
	ha_forged(&l);
	ha_mobility_header(&l);
	ha_move_under_flood(&l);
	ha_shared_remote(&l);
	ha_restart(&l);
	ha_repair(&l);
	enter(l.ha);
	run("ip -6 neigh replace 2001:db8:e::7 lladdr 02:00:00:00:00:07 dev hm nud permanent "
	    "protocol 77");
	dp_seg6.close(l.dp, true);
	n = dp_cleanup(DP_TABLE_BASE, "dmip6ha0");
	ok(n >= 7, "HA: cleanup removes all (%d things)", n);
	same(l.before, snapshot(l.ha), "HA: cleanup");
	ok(dp_cleanup(DP_TABLE_BASE, "dmip6ha0") == 0, "HA: nothing is left for a second cleanup");
	l.dp = dp_start(l.ha, DP_ROLE_HA);
	ok(dp_seg6.endpoint_add(l.dp, &ha) == 0, "HA: endpoint once more");
	ha_set(&l, HOA, COA, "binding once more");
	enter(l.ha);
	dp_seg6.close(l.dp, false);
	same(l.before, snapshot(l.ha), "HA: close");
	free(l.before);
	close(l.cn_sock);
	close(l.mn_tap);
	close(l.cn);
	close(l.ha);
	close(l.mn);
}

/* mn === net: two wires to two routers; what is beyond them is this program. */
struct mn_lab {
	int mn, net;
	int sock, tap1, tap2;
	uint8_t mac1[6], mac2[6];	/* of the mobile node */
	struct dp *dp;
	char *before;
};

#define MCOA	"2001:db8:e1::2"
#define MCOA2	"2001:db8:e2::2"

static void mn_set(struct mn_lab *l, const char *local, const char *what)
{
	const struct dp_binding b = binding(HOA, local, HA);
	int err;

	enter(l->mn);
	err = dp_seg6.set(l->dp, &b);
	if (err < 0)
		printf("# set: %s\n", strerror(-err));
	ok(err == 0, "MN: %s", what);
}

static void mn_inject(const struct mn_lab *l, const char *coa, const char *outer_src,
		      const char *hoa, bool limit, const char *text)
{
	bool second = strcmp(coa, MCOA2) == 0;
	uint8_t p[ROOM];
	size_t n = put_tunnel(p, outer_src, coa, limit, CN, hoa, text);

	enter(l->net);
	inject(second ? l->tap2 : l->tap1, second ? "r2" : "r1", second ? l->mac2 : l->mac1, p, n);
}

static void mn_build(struct mn_lab *l)
{
	l->mn = ns_new();
	l->net = ns_new();
	wire(l->mn, "m1", "2001:db8:e1::100/64", l->net, "r1", "2001:db8:e1::1/64");
	wire(l->mn, "m2", "2001:db8:e2::100/64", l->net, "r2", "2001:db8:e2::1/64");
	l->tap1 = tap(l->net, "r1");
	l->tap2 = tap(l->net, "r2");
	mac_of(l->mn, "m1", l->mac1);
	mac_of(l->mn, "m2", l->mac2);
	enter(l->mn);
	run("ip -6 route add default via 2001:db8:e1::1 dev m1");
	l->before = snapshot(l->mn);
	l->dp = dp_start(l->mn, DP_ROLE_MN);
	run("ip -6 addr add " HOA "/128 dev dmip6mn0 nodad noprefixroute preferred_lft 0");
	run("ip -6 addr add " MCOA "/128 dev dmip6mn0 nodad noprefixroute");
	l->sock = udp_socket(l->mn, HOA);
}

static void mn_mtu(struct mn_lab *l)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	int fd, mtu = 0;
	socklen_t len = sizeof(mtu);

	enter(l->mn);
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	to.sin6_addr = addr(HOA);
	(void)bind(fd, (struct sockaddr *)&(struct sockaddr_in6){
		.sin6_family = AF_INET6, .sin6_addr = addr(HOA) }, sizeof(to));
	to.sin6_addr = addr(CN);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
	    getsockopt(fd, IPPROTO_IPV6, IPV6_MTU, &mtu, &len) < 0)
		printf("# mtu: %s\n", strerror(errno));
	ok(mtu == 1460, "MN: sockets see a path MTU of 1460 (%d)", mtu);
	close(fd);
}

/* A connected socket remembers its route; this one goes the straight way first. */
static void mn_connected(struct mn_lab *l)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	uint8_t p[ROOM];

	enter(l->mn);
	to.sin6_addr = addr(CN);
	if (connect(l->sock, (struct sockaddr *)&to, sizeof(to)) < 0)
		bail("connect");
	udp_send(l->sock, CN, "straight");
	ok(capture(l->tap1, IPPROTO_UDP, p) > 0, "MN: a connected socket sends without tunnel");
}

static void mn_first(struct mn_lab *l)
{
	uint64_t drops = 0;
	bool good;

	if (send(l->sock, "hello", 6, 0) != 6)
		bail("send");
	ok(tunnelled(l->tap1, MCOA, HA, HOA, CN), "MN: its next packet goes into the tunnel");
	mn_inject(l, MCOA, HA, HOA, false, "back");
	ok(udp_got(l->sock, "back"), "MN: what comes back reaches the socket");
	mn_inject(l, MCOA, HA, HOA, true, "limit");
	ok(udp_got(l->sock, "limit"), "MN: also with an encapsulation limit option");
	mn_inject(l, MCOA, "2001:db8:bad::1", HOA, false, "forged 1");
	mn_inject(l, MCOA, HA, MCOA, false, "forged 2");
	mn_inject(l, MCOA, HA, HOA, false, "good again");
	ok(udp_got(l->sock, "good again"), "MN: forged tunnel packets do not come through");
	enter(l->mn);
	good = dp_seg6.drops(l->dp, &drops) == 0 && drops == 2;
	ok(good, "MN: 2 drops counted (%llu)",
	   (unsigned long long)drops);
	mn_mtu(l);
}

/* Another care-of address, by another router: the way of the care-of prefix changes too. */
static void mn_move(struct mn_lab *l)
{
	const struct in6_addr coa = addr(MCOA), coa2 = addr(MCOA2);

	enter(l->mn);
	run("ip -6 addr add " MCOA2 "/128 dev dmip6mn0 nodad noprefixroute");
	run("ip -6 route add default via 2001:db8:e2::1 dev m2 table 4590");
	run("ip -6 rule add pref 4590 from 2001:db8:e2::/64 lookup 4590");
	ok(dp_seg6.endpoint_add(l->dp, &coa2) == 0, "MN: second endpoint");
	udp_send(l->sock, CN, "still");
	ok(tunnelled(l->tap1, MCOA, HA, HOA, CN), "MN: until the binding moves, the old CoA is used");
	mn_set(l, MCOA2, "binding moves to the second CoA");
	udp_send(l->sock, CN, "moved");
	ok(tunnelled(l->tap2, MCOA2, HA, HOA, CN), "MN: then the new one, by the new router");
	mn_inject(l, MCOA, HA, HOA, false, "late");
	ok(udp_got(l->sock, "late"), "MN: late packets to the old CoA still arrive");
	enter(l->mn);
	ok(dp_seg6.endpoint_del(l->dp, &coa) == 0, "MN: first endpoint removed");
	ok(dp_seg6.endpoint_del(l->dp, &coa) == -ENOENT, "MN: it is not there any more");
	mn_inject(l, MCOA, HA, HOA, false, "too late");
	mn_inject(l, MCOA2, HA, HOA, false, "new");
	ok(udp_got(l->sock, "new"), "MN: nothing is decapsulated at the removed one");
}

static void mn_restart(struct mn_lab *l)
{
	const struct dp_binding b = binding(HOA, MCOA2, HA);
	const struct in6_addr coa2 = addr(MCOA2);
	struct dp_stats st = { 0 };
	struct dumped d = { 0 };
	bool good;
	int n;

	enter(l->mn);
	good = dp_seg6.stats(l->dp, &b.inner, &st) == 0 && st.tx_packets == 3 && st.rx_packets >= 5;
	ok(good, "MN: stats (%llu tx, %llu rx)", (unsigned long long)st.tx_packets,
	   (unsigned long long)st.rx_packets);
	dp_seg6.close(l->dp, true);
	udp_send(l->sock, CN, "while away");
	ok(tunnelled(l->tap2, MCOA2, HA, HOA, CN), "MN: tunnel stays when closed with keep");
	l->dp = dp_start(l->mn, DP_ROLE_MN);
	good = dp_seg6.dump(l->dp, on_dump, &d) == 0 && d.n == 1 &&
	       in6_prefix_eq(&d.last.inner, &b.inner) && in6_eq(&d.last.remote, &b.remote) &&
	       in6_eq(&d.last.local, &b.local);
	ok(good, "MN: open finds the binding again (%d)", d.n);
	ok(dp_seg6.endpoint_add(l->dp, &coa2) == 0, "MN: endpoint named again");
	ok(dp_seg6.repair(l->dp) == 0, "MN: nothing to repair");
	run("ip -6 rule del from " HOA " && ip -6 route del default table 4500 && "
	    "ip nexthop flush proto 77 >/dev/null && nft delete table inet dmip6_mn");
	n = dp_seg6.repair(l->dp);
	ok(n >= 4, "MN: rule, route, nexthop, filter put back (%d things)", n);
	udp_send(l->sock, CN, "repaired");
	ok(tunnelled(l->tap2, MCOA2, HA, HOA, CN), "MN: tunnel works after repair");
}

static void test_mn(void)
{
	const struct dp_binding b = binding(HOA, MCOA2, HA);
	const struct in6_addr coa = addr(MCOA);
	struct mn_lab l;

	mn_build(&l);
	mn_connected(&l);
	enter(l.mn);
	ok(dp_seg6.endpoint_add(l.dp, &coa) == 0, "MN: endpoint");
	mn_set(&l, MCOA, "binding");
	mn_first(&l);
	mn_move(&l);
	mn_restart(&l);
	enter(l.mn);
	ok(dp_seg6.del(l.dp, &b.inner) == 0, "MN: binding removed");
	run("ip -6 rule del pref 4590 && ip -6 route flush table 4590");
	dp_seg6.close(l.dp, false);
	same(l.before, snapshot(l.mn), "MN: close");
	free(l.before);
	close(l.sock);
	close(l.tap1);
	close(l.tap2);
	close(l.mn);
	close(l.net);
}

static void test_probe(void)
{
	int ns = ns_new();
	char *before = snapshot(ns), why[512] = "";
	const struct dp_ops *ops = NULL;
	bool good;

	ok(dp_seg6.probe(why, sizeof(why)) == 0, "probe: seg6 works here %s", why);
	same(before, snapshot(ns), "probe");
	ok(dp_choose(NULL, &ops, why, sizeof(why)) == 0 && ops == &dp_seg6, "choice: seg6");
	ok(dp_choose("null", &ops, why, sizeof(why)) == 0 && ops == &dp_null, "choice by name");
	good = dp_choose("nul", &ops, why, sizeof(why)) == -ENOENT && strstr(why, "seg6, null");
	ok(good, "choice of a wrong name: %s", why);
	free(before);
	close(ns);
}

/* --- common/sys -------------------------------------------------------------------- */

/* Runs the loop until *done, or the deadline. */
struct turn {
	struct loop *l;
	struct timer deadline;
	bool late;
};

static void on_deadline(void *ctx, usec_t now)
{
	struct turn *t = ctx;

	(void)now;
	t->late = true;
	loop_stop(t->l);
}

static bool turn(struct loop *l)
{
	struct turn t = { .l = l };

	timer_init(&t.deadline, "deadline", on_deadline, &t);
	if (timer_set(loop_timers(l), &t.deadline, clock_now() + WAIT_MS * USEC_MS) < 0 ||
	    loop_run(l) < 0)
		bail("loop");
	timer_stop(loop_timers(l), &t.deadline);
	return !t.late;
}

static struct rt_addr wanted;
static bool addr_found;

static void on_addr(void *ctx, const struct rt_addr *a)
{
	(void)ctx;
	if (in6_eq(&a->addr, &wanted.addr) && a->ifindex == wanted.ifindex) {
		wanted = *a;
		addr_found = true;
	}
}

static void test_rt_addr(struct nl *nl, int ifindex)
{
	struct rt_addr a = {
		.ifindex = ifindex, .addr = addr("2001:db8:77::1"), .plen = 128,
		.flags = IFA_F_NODAD | IFA_F_NOPREFIXROUTE, .preferred_s = 0,
		.valid_s = RT_LIFETIME_FOREVER,
	};

	ok(rt_addr_replace(nl, &a) == 0, "rt: address added");
	wanted = a;
	ok(rt_addr_dump(nl, on_addr, NULL) == 0 && addr_found && wanted.preferred_s == 0 &&
	   (wanted.flags & IFA_F_DEPRECATED) && !(wanted.flags & IFA_F_TENTATIVE),
	   "rt: it is there, deprecated and not tentative");
	a.preferred_s = RT_LIFETIME_FOREVER;
	ok(rt_addr_replace(nl, &a) == 0 && rt_addr_dump(nl, on_addr, NULL) == 0 &&
	   !(wanted.flags & IFA_F_DEPRECATED), "rt: replaced, preferred now");
	ok(rt_addr_del(nl, ifindex, &a.addr, 128) == 0 &&
	   rt_addr_del(nl, ifindex, &a.addr, 128) == -EADDRNOTAVAIL,
	   "rt: deleted, and then not there");
	a.ifindex = 9999;
	ok(rt_addr_replace(nl, &a) == -ENODEV && nl_error(nl)[0] != '\0',
	   "rt: no such device (kernel: %s)", nl_error(nl));
}

static int n_routes, n_rules, n_neighs;

static void on_route(void *ctx, const struct rt_route *r)
{
	(void)ctx;
	(void)r;
	n_routes++;
}

static void on_rule(void *ctx, const struct rt_rule *r)
{
	(void)ctx;
	n_rules += r->protocol == RT_PROTOCOL;
}

static void on_neigh(void *ctx, int ifindex, const struct in6_addr *a)
{
	(void)ctx;
	(void)ifindex;
	(void)a;
	n_neighs++;
}

static void test_rt_routes(struct nl *nl, int ifindex)
{
	const struct in6_addr via = addr("fe80::1"), dst = addr("2001:db8:88::5");
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };
	struct rt_route r = {
		.dst = { addr("2001:db8:88::"), 64 }, .via = via, .ifindex = ifindex,
		.table = 4590, .onlink = true,
	};
	const struct rt_rule rule = {
		.from = { addr("2001:db8:99::"), 64 }, .priority = 4590, .table = 4590,
	};
	int out = 0;

	ok(rt_route_dump(nl, 4590, on_route, NULL) == 0 && n_routes == 0, "rt: table is empty");
	ok(rt_route_replace(nl, &r) == 0 && rt_route_replace(nl, &r) == 0, "rt: route, twice");
	ok(rt_route_dump(nl, 4590, on_route, NULL) == 0 && n_routes == 1, "rt: it is there once");
	ok(rt_rule_add(nl, &rule) == 0 && rt_rule_add(nl, &rule) == 0 &&
	   rt_rule_dump(nl, on_rule, NULL) == 0 && n_rules == 1, "rt: rule, twice, there once");
	r.table = 254;
	ok(rt_route_replace(nl, &r) == 0 && rt_route_get(nl, &dst, &out) == 0 && out == ifindex,
	   "rt: the device of a destination");
	ok(rt_route_del(nl, &r) == 0 && rt_route_del(nl, &r) == -ENOENT, "rt: route deleted");
	ok(rt_route_get(nl, &dst, &out) < 0, "rt: no device for it any more");
	r.table = 4590;
	ok(rt_route_del(nl, &r) == 0 && rt_rule_del(nl, &rule) == 0 &&
	   rt_rule_del(nl, &rule) == -ENOENT, "rt: the other route and the rule deleted");
	ok(rt_neigh_replace(nl, ifindex, &via, mac, true, true) == 0 &&
	   rt_neigh_dump(nl, on_neigh, NULL) == 0 && n_neighs == 1 &&
	   rt_neigh_del(nl, ifindex, &via) == 0, "rt: permanent neighbour");
}

static void test_rt(void)
{
	int ns = ns_new(), ifindex = 0, again = 0;
	char *before = snapshot(ns);
	struct rt_link l;
	struct nl *nl;

	if (nl_open(NETLINK_ROUTE, &nl) < 0)
		bail("netlink");
	ok(rt_link_by_name(nl, "dmip6x0", &l) == -ENODEV, "rt: no such link");
	ok(rt_device_make(nl, "dmip6x0", &ifindex) == 0, "rt: device made");
	ok(rt_device_make(nl, "dmip6x0", &again) == 0 && again == ifindex, "rt: found again");
	ok(rt_link_by_name(nl, "dmip6x0", &l) == 0 && l.up && l.addr_gen_mode == 1 &&
	   l.ethernet && !l.loopback, "rt: it is up and has no autoconfiguration");
	run("test -z \"$(ip -6 addr show dev dmip6x0)\"");
	test_rt_addr(nl, ifindex);
	test_rt_routes(nl, ifindex);
	ok(rt_device_del(nl, "dmip6x0") == 0 && rt_device_del(nl, "dmip6x0") == -ENOENT,
	   "rt: device deleted");
	nl_free(nl);
	same(before, snapshot(ns), "rt");
	free(before);
	close(ns);
}

struct seen {
	struct loop *l;
	int links, addrs, gone, ours;
	int stop_at_ours, stop_at_gone, stop_at_addrs;
};

static void seen_link(void *ctx, const struct rt_link *l, bool gone)
{
	struct seen *s = ctx;

	(void)l;
	s->links += !gone;
	s->gone += gone;
	if (gone && s->gone == s->stop_at_gone)
		loop_stop(s->l);
}

static void seen_addr(void *ctx, const struct rt_addr *a, bool gone)
{
	struct seen *s = ctx;

	(void)a;
	s->addrs += gone ? -1 : 1;
	if (s->addrs == s->stop_at_addrs)
		loop_stop(s->l);
}

static void seen_ours(void *ctx)
{
	struct seen *s = ctx;

	if (++s->ours == s->stop_at_ours)
		loop_stop(s->l);
}

static void test_mon(void)
{
	static const struct mon_ops ops = { seen_link, seen_addr, seen_ours };
	const struct rt_rule rule = { .priority = 4501, .table = 4501 };
	struct seen s = { .stop_at_addrs = -1 };
	int ns = ns_new();
	struct nl *nl;
	struct mon *m;
	bool good;

	if (loop_new(&s.l) < 0)
		bail("loop");
	good = mon_open(s.l, &ops, &s, &m) == 0 && s.links >= 1 && s.addrs == 1;
	ok(good, "mon: what is there is reported at once (%d links, %d address)", s.links, s.addrs);
	s.stop_at_addrs = 2;
	run("ip link add dmx type veth peer name dmy && ip -6 addr add 2001:db8::1/128 dev dmx nodad");
	ok(turn(s.l) && s.links >= 3, "mon: new links and a new address");
	s.stop_at_ours = 1;
	if (nl_open(NETLINK_ROUTE, &nl) < 0 || rt_rule_add(nl, &rule) < 0 || rt_rule_del(nl, &rule) < 0)
		bail("rule");
	run("ip -6 rule add pref 4500 from 2001:db8::1 lookup 4500 protocol 77 && "
	    "ip -6 rule del pref 4500");
	ok(turn(s.l) && s.ours == 1, "mon: our rule was deleted by somebody else, not by us");
	s.stop_at_ours = 2;
	run("ip link set dmx up && ip link set dmy up && "
	    "ip -6 route add 2001:db8:5::/64 dev dmx proto 77 && ip -6 route del 2001:db8:5::/64");
	ok(turn(s.l), "mon: our route was deleted");
	s.stop_at_addrs = -1;
	s.addrs = s.gone = 0;
	s.stop_at_gone = 2;
	/* More than the socket holds, then the loss of what was reported. */
	run("for i in $(seq 1200); do echo addr add 2001:db8:f::$i/128 dev dmy nodad; done | "
	    "ip -6 -batch - && for i in $(seq 1200); do echo addr del 2001:db8:f::$i/128 dev dmy; "
	    "done | ip -6 -batch - && ip link del dmx");
	good = turn(s.l);
	ok(good, "mon: after many changes, both links are reported gone (%d)", s.gone);
	mon_close(m);
	nl_free(nl);
	loop_free(s.l);
	close(ns);
}

struct caught {
	struct loop *l;
	int n, want;
	size_t len[8];
	uint8_t want_type, mac[6];	/* ICMPv6; 0: want packets, of any type */
};

static void on_packet(void *ctx, const struct pkt_rx *rx)
{
	struct caught *c = ctx;

	/* The kernels at both ends discover each other meanwhile. */
	if (c->want_type && rx->data[40] != c->want_type)
		return;
	if (c->n < 8)
		c->len[c->n] = rx->len;
	memcpy(c->mac, rx->mac, 6);
	if (++c->n == c->want)
		loop_stop(c->l);
}

/* Mobility Headers behind everything that may stand in front, and what is none. */
static int send_mixture(int fd, const uint8_t mac[6], const char *dst)
{
	static const uint8_t chains[][4] = {
		{ IPPROTO_MH }, { IPPROTO_DSTOPTS, IPPROTO_MH }, { IPPROTO_ROUTING, IPPROTO_MH },
		{ IPPROTO_DSTOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS, IPPROTO_MH },
		{ IPPROTO_UDP }, { IPPROTO_DSTOPTS, IPPROTO_UDP }, { IPPROTO_IPV6 },
		{ IPPROTO_FRAGMENT, IPPROTO_MH }, { IPPROTO_DSTOPTS },
	};
	uint8_t p[ROOM];

	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
		size_t at = 40, n = 0;

		memset(p, 0, sizeof(p));
		while (n < 3 && chains[i][n + 1]) {
			p[at] = chains[i][++n];		/* 8 octets, then 16, then 24 */
			p[at + 1] = (uint8_t)(n - 1);
			at += 8 * n;
		}
		at += chains[i][n] == IPPROTO_DSTOPTS ? 0 : 8;
		put_ip6(p, "2001:db8:e1::1", dst, chains[i][0], at - 40);
		inject(fd, "r1", mac, p, at);
	}
	return 4;
}

static void test_pkt(void)
{
	static const uint8_t everybody[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	int a = ns_new(), b = ns_new(), fd, expect, out;
	struct caught c = { 0 }, nd = { .want_type = ND_ROUTER_ADVERT };
	uint8_t mac[6], far[6], p[ROOM], ra[16] = { ND_ROUTER_ADVERT };
	struct pkt *mh = NULL, *host = NULL, *router = NULL;
	bool good;
	size_t n;

	wire(a, "m1", "2001:db8:e1::2/64", b, "r1", "2001:db8:e1::1/64");
	mac_of(a, "m1", mac);
	mac_of(b, "r1", far);
	fd = tap(b, "r1");
	enter(a);
	if (loop_new(&c.l) < 0)
		bail("loop");
	nd.l = c.l;
	nd.want = 1;
	ok(pkt_open(c.l, PKT_MH, on_packet, &c, &mh) == 0 &&
	   pkt_open(c.l, PKT_ND_HOST, on_packet, &nd, &host) == 0, "pkt: opened");
	enter(b);
	expect = send_mixture(fd, mac, "2001:db8:e1::2");
	(void)send_mixture(fd, mac, "2001:db8:e1::99");		/* routed on: still seen */
	n = put_ip6(p, "fe80::1", "ff02::1", IPPROTO_ICMPV6, sizeof(ra));
	memcpy(p + n, ra, sizeof(ra));
	inject(fd, "r1", everybody, p, n + sizeof(ra));
	enter(a);
	good = turn(c.l) && c.n == 2 * expect;
	ok(good, "pkt: %d Mobility Headers of 9 packets, twice (%d)",
	   expect, c.n);
	ok(c.len[0] == 48 && memcmp(c.mac, far, 6) == 0, "pkt: length and link-layer source");
	ok(nd.n == 1 && nd.len[0] == 56, "pkt: a Router Advertisement (%d, length %zu)", nd.n,
	   nd.len[0]);
	n = put_udp(p, "2001:db8:e1::2", "2001:db8:e1::1", "x");
	ok(pkt_send_routed(mh, p, n) == 0 && capture(fd, IPPROTO_UDP, p) == n, "pkt: routed send");
	n = put_udp(p, "2001:db8:1::5", "2001:db8:e1::1", "x");
	ok(pkt_send_routed(mh, p, n) == 0 && capture(fd, IPPROTO_UDP, p) == n,
	   "pkt: also from an address that is not here");
	n = put_ip6(p, "::", "ff02::2", IPPROTO_ICMPV6, 8);
	memset(p + n, 0, 8);
	p[n] = ND_ROUTER_SOLICIT;
	out = (int)if_nametoindex("m1");
	ok(pkt_send_link(mh, out, (const uint8_t *)"\x33\x33\0\0\0\2", p, n + 8) == 0,
	   "pkt: link send");
	enter(b);
	c.n = 0;
	c.want = 1;
	c.want_type = ND_ROUTER_SOLICIT;
	ok(pkt_open(c.l, PKT_ND_ROUTER, on_packet, &c, &router) == 0, "pkt: router's socket");
	enter(a);
	(void)pkt_send_link(mh, out, (const uint8_t *)"\x33\x33\0\0\0\2", p, n + 8);
	ok(turn(c.l) && c.n == 1 && c.len[0] == 48, "pkt: a Router Solicitation");
	pkt_close(router);
	pkt_close(mh);
	pkt_close(host);
	loop_free(c.l);
	close(fd);
	close(a);
	close(b);
}

struct flows {
	struct loop *l;
	int tcp, udp, destroyed;
	uint8_t protocol;
};

static void on_flow(void *ctx, const struct diag_flow *f)
{
	struct flows *s = ctx;

	s->tcp += f->protocol == IPPROTO_TCP;
	s->udp += f->protocol == IPPROTO_UDP && f->local_port == PORT;
}

static void on_destroyed(void *ctx, const struct diag_flow *f)
{
	struct flows *s = ctx;

	s->protocol = f->protocol;
	s->destroyed++;
	loop_stop(s->l);
}

static void test_diag(void)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t len = sizeof(at);
	struct flows s = { 0 };
	int ns = ns_new(), udp, listener, client;
	struct diag *d;
	bool good;

	if (loop_new(&s.l) < 0)
		bail("loop");
	ok(diag_open(s.l, on_destroyed, &s, &d) == 0 && diag_has_destroy(d),
	   "diag: opened, with destroy notifications");
	udp = udp_socket(ns, "::1");
	listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	client = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&at, len) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&at, &len) < 0 ||
	    connect(client, (struct sockaddr *)&at, len) < 0)
		bail("tcp");
	good = diag_dump(d, on_flow, &s) == 0 && s.tcp == 3 && s.udp == 1;
	ok(good, "diag: listener, two ends and a UDP socket (%d tcp, %d udp)", s.tcp, s.udp);
	close(udp);
	ok(turn(s.l) && s.protocol == IPPROTO_UDP, "diag: UDP socket destroyed");
	close(client);
	close(listener);
	ok(turn(s.l) && s.protocol == IPPROTO_TCP, "diag: TCP socket destroyed");
	diag_close(d);
	loop_free(s.l);
	close(ns);
}

int main(void)
{
	if (geteuid() != 0) {
		printf("1..0 # SKIP needs root\n");
		return 0;
	}
	log_init("kernel_test", LOG_LEVEL_WARN);
	test_rt();
	test_mon();
	test_pkt();
	test_diag();
	test_probe();
	test_ha();
	test_mn();
	printf("1..%d\n", n_tests);
	return n_failed ? 1 : 0;
}
