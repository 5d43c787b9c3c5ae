/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel data paths on the running kernel, each that works there, with real packets:
 * both roles, what is forged, moves under load, restart, repair, cleanup. Prints TAP; needs
 * root.
 */
#include <linux/filter.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "common/datapath/datapath.h"
#include "tests/lab/kernel_lab.h"

#define FLOOD		200000		/* packets, and more until there were so many */
#define MOVES		20

static const struct dp_ops *DP;		/* the one under test */
static bool filtered;			/* the kernel has nftables for the source checks */
#define WITHOUT		"no nftables for IPv6 on this kernel"

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
	const struct dp_home home = { { addr("2001:db8:1::"), 48 }, addr("2001:db8:a::1") };
	const struct dp_config cfg = {
		.role = role, .table_base = DP_TABLE_BASE,
		.device = role == DP_ROLE_HA ? "dmip6ha0" : "dmip6mn0",
		.homes = &home, .n_homes = role == DP_ROLE_HA,
	};
	struct dp *dp;
	int err;

	enter(ns);
	err = DP->open(&cfg, &dp);
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
#define COA3	"2001:db8:e::4"
#define CN	"2001:db8:c::2"

/* cn --- ha --- mn; the mobile node is this program with a packet socket. */
struct ha_lab {
	int cn, ha, mn;
	int cn_sock, mn_tap;
	uint8_t ha_mac[6];
	struct dp *dp;
	char *before;
};

static void ha_inject_to(const struct ha_lab *l, const char *outer_dst, const char *outer_src,
			 const char *inner_src, bool limit, const char *text)
{
	uint8_t p[ROOM];
	size_t n = put_tunnel(p, outer_src, outer_dst, limit, inner_src, CN, text);

	enter(l->mn);
	inject(l->mn_tap, "mh", l->ha_mac, p, n);
}

static void ha_inject(const struct ha_lab *l, const char *outer_src, const char *inner_src,
		      bool limit, const char *text)
{
	ha_inject_to(l, HA, outer_src, inner_src, limit, text);
}

static void ha_set(struct ha_lab *l, const char *inner, const char *remote, const char *what)
{
	const struct dp_binding b = binding(inner, HA, remote);
	int err;

	enter(l->ha);
	err = DP->set(l->dp, &b);
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
	mac_of(l->mn, "mh", mac);
	enter(l->ha);
	run("ip -6 neigh add " COA2 " lladdr %s dev hm nud permanent", mac_str(mac).s);
	l->cn_sock = udp_socket(l->cn, CN);
	l->mn_tap = tap(l->mn, "mh");
	mac_of(l->ha, "hm", l->ha_mac);
	l->before = snapshot(l->ha);
	l->dp = dp_start(l->ha, DP_ROLE_HA);
	run("ip -6 addr add " HA "/128 dev dmip6ha0 nodad");
}

static void ha_forged(struct ha_lab *l)
{
	struct dp_drops drops = { 0 };
	bool good;

	ha_inject(l, COA, HOA, false, "back");
	ok(udp_got(l->cn_sock, "back"), "HA: tunnel from the CoA is decapsulated and forwarded");
	ha_inject(l, COA, HOA, true, "limit");
	ok(udp_got(l->cn_sock, "limit"), "HA: also with an encapsulation limit option");
	if (!filtered) {
		skip("HA: forged tunnel packets", WITHOUT);
		return;
	}
	ha_inject(l, "2001:db8:e::99", HOA, false, "forged 1");
	ha_inject(l, COA, "2001:db8:1::77", false, "forged 2");
	ha_inject(l, "2001:db8:e::99", "2001:db8:1::77", false, "forged 3");
	ha_inject(l, "2001:db8:e::99", HOA, true, "forged 4");
	ha_inject(l, COA, HOA, false, "good again");
	ok(udp_got(l->cn_sock, "good again"), "HA: forged tunnel packets do not come through");
	enter(l->ha);
	good = DP->drops(l->dp, &drops) == 0 && drops.forged == 4;
	ok(good, "HA: 4 drops counted (%llu)",
	   (unsigned long long)drops.forged);
	/* An address of the router that is no end of tunnels. */
	ha_inject_to(l, "2001:db8:e::1", COA, HOA, false, "elsewhere 1");
	ha_inject_to(l, "2001:db8:e::1", COA, HOA, true, "elsewhere 2");
	ha_inject(l, COA, HOA, false, "here");
	ok(udp_got(l->cn_sock, "here"), "HA: nothing is decapsulated at another address");
	close(l->mn_tap);	/* with the answers that a kernel without such tunnels gave */
	l->mn_tap = tap(l->mn, "mh");
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

/* Of the process that floods, in memory of both. */
struct flood {
	_Atomic int sent;
	_Atomic bool enough;
};

static void flood(int fd, struct flood *f)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };

	to.sin6_addr = addr(HOA);
	while (!f->enough) {
		if (sendto(fd, "flood", 6, 0, (struct sockaddr *)&to, sizeof(to)) == 6)
			f->sent++;
	}
}

/* Counts the tunnel packets that come, also those that did not fit into the socket. */
static int counter_open(int ns)
{
	struct sock_filter tunnels[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_IPV6, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog filter = { 4, tunnels };
	int fd = tap(ns, "mh");

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0)
		bail("filter");
	return fd;
}

/* Waits for so many; returns how many came. */
static int counted(int fd, int many)
{
	const usec_t end = clock_now() + WAIT_MS * USEC_MS;
	int n = 0;

	for (;;) {
		struct tpacket_stats st = { 0 };
		socklen_t len = sizeof(st);

		/* Each look begins to count anew. */
		(void)getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &st, &len);
		n += (int)st.tp_packets;
		if (n >= many || clock_now() > end)
			return n;
		(void)poll(NULL, 0, 10);
	}
}

static void ha_move_under_flood(struct ha_lab *l)
{
	struct flood *f = mmap(NULL, sizeof(*f), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int counter = counter_open(l->mn), moves = 0, arrived;
	pid_t child;

	if (f == MAP_FAILED)
		bail("mmap");
	ha_set(l, HOA, COA, "set for the flood");
	(void)counted(counter, 0);
	fflush(stdout);
	child = fork();
	if (child < 0)
		bail("fork");
	if (child == 0) {
		flood(l->cn_sock, f);
		_exit(0);
	}
	enter(l->ha);
	while (f->sent < FLOOD || moves < MOVES) {
		const struct dp_binding b = binding(HOA, HA, ++moves % 2 ? COA2 : COA);

		if (DP->set(l->dp, &b) < 0) {
			ok(false, "HA: set under flood");
			break;
		}
	}
	f->enough = true;
	(void)waitpid(child, NULL, 0);
	arrived = counted(counter, f->sent);
	ok(arrived == f->sent, "HA: %d packets, %d moves, %d packets arrived", f->sent, moves,
	   arrived);
	munmap(f, sizeof(*f));
	close(counter);
}

/* The remote end before the last is believed for a time, those before that no longer. */
static void ha_only_the_last(struct ha_lab *l)
{
	ha_set(l, HOA, COA3, "the first moves on");
	ha_set(l, HOA, COA2, "and back");
	ha_inject(l, COA, HOA, false, "first, CoA before the last");
	ha_inject(l, COA3, HOA, false, "first, last CoA");
	ok(udp_got(l->cn_sock, "first, last CoA"), "HA: under way from the last CoA, no other");
	enter(l->ha);
	run("nft list set inet dmip6_ha late | tr -d ' \\n\\t' | grep -q "
	    "'" COA3 ".0x20010db8000100000000000000000005.*timeout10sexpires'");
	ok(true, "HA: for 10 s");
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
	ok(udp_got(l->cn_sock, "first, old CoA"), "HA: what is under way from there comes, too");
	ha_inject(l, COA2, HOA, false, "first, new CoA");
	ok(udp_got(l->cn_sock, "first, new CoA"), "HA: the first from the new CoA");
	if (filtered)
		ha_only_the_last(l);
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
	run("test \"$(ip nexthop | grep -c encap)\" = 2");
	ok(true, "HA: one nexthop for each binding");
	ok(DP->del(l->dp, &second.inner) == 0 && DP->del(l->dp, &second.inner) == -ENOENT,
	   "HA: del removes, a second del finds nothing");
}

#define WHOLE	"2001:db8:1:7::"
#define INSIDE	"2001:db8:1:7::9"
#define INSIDE2	"2001:db8:1:7::a"

static struct dp_binding whole(const char *remote)
{
	struct dp_binding b = binding(WHOLE, HA, remote);

	b.inner.len = 64;
	return b;
}

static void ha_set_whole(struct ha_lab *l, const char *remote, const char *what)
{
	const struct dp_binding b = whole(remote);

	enter(l->ha);
	ok(DP->set(l->dp, &b) == 0, "HA: %s", what);
}

/* Only who has the prefix sends from it, and only from where that is. */
static void ha_whole_forged(struct ha_lab *l)
{
	struct dp_drops before = { 0 }, after = { 0 };

	enter(l->ha);
	(void)DP->drops(l->dp, &before);
	ha_inject(l, "2001:db8:e::99", INSIDE, false, "forged whole 1");
	ha_inject(l, COA, "2001:db8:1:8::9", false, "forged whole 2");
	ha_inject(l, COA, "2001:db8:1:6::9", true, "forged whole 3");
	ha_inject(l, COA, INSIDE2, false, "whole, good");
	ok(udp_got(l->cn_sock, "whole, good"), "HA: nothing from beside the prefix");
	enter(l->ha);
	(void)DP->drops(l->dp, &after);
	ok(after.forged - before.forged == 3, "HA: 3 drops counted (%llu)",
	   (unsigned long long)(after.forged - before.forged));
}

/* The prefix of a host as one binding; an address of it that is bound by itself goes by that. */
static void ha_whole(struct ha_lab *l)
{
	const struct dp_binding b = whole(COA2);
	struct dp_binding wrong = whole(COA);
	struct dp_stats st = { 0 };

	ha_set_whole(l, COA, "a whole prefix");
	udp_send(l->cn_sock, INSIDE, "x");
	ok(tunnelled(l->mn_tap, HA, COA, CN, INSIDE), "HA: one address of it to the CoA");
	udp_send(l->cn_sock, INSIDE2, "x");
	ok(tunnelled(l->mn_tap, HA, COA, CN, INSIDE2), "HA: another one, too");
	ha_inject(l, COA, INSIDE, false, "whole");
	ok(udp_got(l->cn_sock, "whole"), "HA: and back");
	if (filtered)
		ha_whole_forged(l);
	ha_set(l, INSIDE, COA2, "an address of it by itself");
	udp_send(l->cn_sock, INSIDE, "x");
	ok(tunnelled(l->mn_tap, HA, COA2, CN, INSIDE), "HA: goes by its own binding");
	ha_inject(l, COA2, INSIDE, false, "itself");
	ok(udp_got(l->cn_sock, "itself"), "HA: and back by that");
	enter(l->ha);
	wrong.inner.addr = addr(INSIDE);
	ok(DP->del(l->dp, &wrong.inner) == -ENOENT, "HA: no prefix begins there");
	ok(DP->set(l->dp, &wrong) == -EOPNOTSUPP, "HA: nor could one");
	ok(DP->del(l->dp, &(struct in6_prefix){ addr(INSIDE), 128 }) == 0, "HA: it ends");
	udp_send(l->cn_sock, INSIDE, "x");
	ok(tunnelled(l->mn_tap, HA, COA, CN, INSIDE), "HA: and the prefix has it again");
	ha_set_whole(l, COA2, "the prefix moves");
	udp_send(l->cn_sock, INSIDE2, "x");
	ok(tunnelled(l->mn_tap, HA, COA2, CN, INSIDE2), "HA: all of it to the new CoA");
	ha_inject(l, COA, INSIDE, false, "whole, under way");
	ok(udp_got(l->cn_sock, "whole, under way"), "HA: what is under way from the old one comes");
	enter(l->ha);
	ok((DP->stats(l->dp, &b.inner, &st) == 0 && st.tx_packets >= 4 && st.rx_packets >= 2) ||
	   !filtered, "HA: stats (%llu tx, %llu rx)", (unsigned long long)st.tx_packets,
	   (unsigned long long)st.rx_packets);
	run("ip -6 route del " WHOLE "/64 proto 77");
	ok(DP->repair(l->dp) >= 1, "HA: its route put back");
	ok(DP->repair(l->dp) == 0, "HA: and nothing more");
}

static void ha_whole_after_restart(struct ha_lab *l)
{
	const struct dp_binding b = whole(COA2);

	udp_send(l->cn_sock, INSIDE, "x");
	ok(tunnelled(l->mn_tap, HA, COA2, CN, INSIDE), "HA: the prefix is still there");
	ha_inject(l, COA2, INSIDE, false, "whole, later");
	ok(udp_got(l->cn_sock, "whole, later"), "HA: both ways");
	enter(l->ha);
	ok(DP->del(l->dp, &b.inner) == 0 && DP->del(l->dp, &b.inner) == -ENOENT,
	   "HA: it ends, once");
}

static void ha_restart(struct ha_lab *l)
{
	struct dumped d = { 0 };
	struct dp_stats before = { 0 }, after = { 0 };
	const struct dp_binding b = binding(HOA, HA, COA2);
	const struct in6_addr ha = addr(HA);
	bool good;

	enter(l->ha);
	good = DP->stats(l->dp, &b.inner, &before) == 0 && before.tx_packets > FLOOD &&
	       before.rx_packets >= 4;
	ok(good || !filtered, "HA: stats (%llu tx, %llu rx)",
	   (unsigned long long)before.tx_packets, (unsigned long long)before.rx_packets);
	DP->close(l->dp, true);
	udp_send(l->cn_sock, HOA, "while away");
	ok(tunnelled(l->mn_tap, HA, COA2, CN, HOA), "HA: tunnels stay when closed with keep");
	l->dp = dp_start(l->ha, DP_ROLE_HA);
	good = DP->dump(l->dp, on_dump, &d) == 0 && d.n == 2 &&
	       in6_eq(&d.last.remote, &b.remote) && in6_eq(&d.last.local, &b.local);
	ok(good, "HA: open finds the bindings again (%d)", d.n);
	ok(DP->endpoint_add(l->dp, &ha) == 0, "HA: endpoint named again");
	good = DP->stats(l->dp, &b.inner, &after) == 0 && after.tx_packets > before.tx_packets;
	ok(good || !filtered, "HA: counters went on");
	ok(DP->repair(l->dp) == 0, "HA: nothing to repair");
}

/* What only one tunnel type has. */
static void ha_repair_tunnels(struct ha_lab *l)
{
	int n;

	if (DP == &dp_seg6) {
		run("ip -6 rule del pref 0 ipproto 41 lookup 4599");
		n = DP->repair(l->dp);
		ok(n >= 1, "HA: rule put back (%d things)", n);
		run("ip -6 route del " HA " table 4599");
	} else {
		run("ip link del dmip6tnl0");
	}
	n = DP->repair(l->dp);
	ok(n >= 1, "HA: what takes packets out of tunnels put back (%d things)", n);
}

static void ha_repair_filter(struct ha_lab *l)
{
	int n;

	run("nft delete table inet dmip6_ha");
	n = DP->repair(l->dp);
	ok(n >= 2, "HA: filter put back (%d things)", n);
	run("nft list chain inet dmip6_ha discovery | grep -q 2001:db8:1::/48");
	ok(DP->repair(l->dp) == 0, "HA: with the rules about its homes");
	run("nft flush set inet dmip6_ha local");
	n = DP->repair(l->dp);
	ok(n == 1, "HA: endpoint put back into the filter (%d things)", n);
}

static void ha_repair(struct ha_lab *l)
{
	int n;

	enter(l->ha);
	ha_repair_tunnels(l);
	run("ip -6 route del " HOA " proto 77");
	n = DP->repair(l->dp);
	ok(n >= 1, "HA: route put back (%d things)", n);
	run("ip nexthop flush proto 77 >/dev/null");
	n = DP->repair(l->dp);
	ok(n >= 2, "HA: nexthop and route put back (%d things)", n);
	if (filtered)
		ha_repair_filter(l);
	else
		skip("HA: filter put back", WITHOUT);
	run("ip link del dmip6ha0");
	n = DP->repair(l->dp);
	ok(n >= 1, "HA: device and all on it put back (%d things)", n);
	run("ip -6 addr add " HA "/128 dev dmip6ha0 nodad");
	ok(DP->repair(l->dp) == 0, "HA: nothing more to repair");
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
	ok(DP->endpoint_add(l.dp, &ha) == 0, "HA: endpoint");
	ha_set(&l, HOA, COA, "binding");
	udp_send(l.cn_sock, HOA, "hello");
	ok(tunnelled(l.mn_tap, HA, COA, CN, HOA),
	   "HA: a packet to the HoA is tunnelled to the CoA");
	ha_forged(&l);
	ha_mobility_header(&l);
	ha_move_under_flood(&l);
	ha_shared_remote(&l);
	ha_whole(&l);
	ha_restart(&l);
	ha_whole_after_restart(&l);
	ha_repair(&l);
	enter(l.ha);
	run("ip -6 neigh replace 2001:db8:e::7 lladdr 02:00:00:00:00:07 dev hm nud permanent "
	    "protocol 77");
	DP->close(l.dp, true);
	n = dp_cleanup(DP_TABLE_BASE, "dmip6ha0");
	ok(n >= 3, "HA: cleanup removes all (%d things)", n);
	same(l.before, snapshot(l.ha), "HA: cleanup");
	ok(dp_cleanup(DP_TABLE_BASE, "dmip6ha0") == 0, "HA: nothing is left for a second cleanup");
	l.dp = dp_start(l.ha, DP_ROLE_HA);
	ok(DP->endpoint_add(l.dp, &ha) == 0, "HA: endpoint once more");
	ha_set(&l, HOA, COA, "binding once more");
	enter(l.ha);
	DP->close(l.dp, false);
	same(l.before, snapshot(l.ha), "HA: close");
	free(l.before);
	close(l.cn_sock);
	close(l.mn_tap);
	close(l.cn);
	close(l.ha);
	close(l.mn);
}

/* ---- a host of another router on an access link: cn is the host, mn its anchor ---- */

#define VISITED	"2001:db8:77:1::"
#define VISITOR	VISITED "5"
#define AFAR	"2001:db8:99::9"

static struct dp_binding visit(const char *anchor)
{
	struct dp_binding b = binding(VISITED, HA, anchor);

	b.inner.len = 64;
	b.visit = true;
	return b;
}

static struct dp *visits_start(int ns)
{
	/* Of several homes the first has what visitors' anchors know us by, whatever the source
	 * that the kernel takes for tunnels. */
	const struct dp_home homes[] = {
		{ { addr("2001:db8:1::"), 48 }, addr(HA) },
		{ { addr("2001:db8:2::"), 48 }, addr("2001:db8:b::1") },
	};
	struct dp_config cfg = {
		.role = DP_ROLE_HA, .table_base = DP_TABLE_BASE, .device = "dmip6ha0",
		.homes = homes, .n_homes = 2, .visits = true,
		.port = { .n_access = 1, .access = { "hc" } },
		.guarded = { .n = 1, .names = { "hc" } },
	};
	struct dp *dp;
	int err;

	enter(ns);
	err = DP->open(&cfg, &dp);
	if (err < 0) {
		errno = -err;
		bail("dp open with visits");
	}
	return dp;
}

static void from_anchor(const struct ha_lab *l, const char *anchor, const char *to,
			const char *text)
{
	uint8_t p[ROOM];
	size_t n = put_tunnel(p, anchor, HA, false, AFAR, to, text);

	enter(l->mn);
	inject(l->mn_tap, "mh", l->ha_mac, p, n);
}

static void visit_ways(struct ha_lab *l, const char *anchor, const char *when)
{
	udp_send(l->cn_sock, AFAR, "x");
	ok(tunnelled(l->mn_tap, HA, anchor, VISITOR, AFAR), "visit: to the anchor, %s", when);
	from_anchor(l, anchor, VISITOR, when);
	ok(udp_got(l->cn_sock, when), "visit: and from there, %s", when);
}

static void visit_forged(struct ha_lab *l)
{
	const struct in6_prefix own = { addr(VISITED), 64 };
	struct dp_drops before = { 0 }, after = { 0 };
	uint8_t mac[6];

	(void)DP->drops(l->dp, &before);
	from_anchor(l, COA2, VISITOR, "another router");
	from_anchor(l, COA, "2001:db8:77:2::5", "another prefix");
	from_anchor(l, COA, VISITOR, "the anchor");
	ok(udp_got(l->cn_sock, "the anchor"), "visit: nothing from another router");
	enter(l->ha);
	(void)DP->drops(l->dp, &after);
	ok(after.forged - before.forged == 2, "visit: 2 drops counted");
	mac_of(l->cn, "ch", mac);
	enter(l->ha);
	ok(DP->guard(l->dp, mac, &own, false) == 0, "visit: the host may not send from there");
	udp_send(l->cn_sock, AFAR, "x");
	enter(l->ha);
	(void)DP->drops(l->dp, &after);
	ok(after.foreign - before.foreign == 1, "visit: and does not: it is counted");
	ok(DP->guard(l->dp, mac, &own, true) == 0 && DP->guard(l->dp, mac, &own, true) == 0,
	   "visit: it may, and may be told so twice");
}

static void visit_repair(struct ha_lab *l)
{
	int n;

	enter(l->ha);
	run("ip -6 route flush table 4598");
	n = DP->repair(l->dp);
	ok(n >= 1, "visit: route put back (%d things)", n);
	run("ip -6 rule del iif hc lookup 4598");
	(void)DP->repair(l->dp);
	if (filtered) {
		run("nft flush set inet dmip6_ha vrx64");
		n = DP->repair(l->dp);
		ok(n >= 1, "visit: filter put back (%d things)", n);
	}
	ok(DP->repair(l->dp) == 0, "visit: nothing more to repair");
	visit_ways(l, COA2, "repaired");
}

static void visit_restart(struct ha_lab *l)
{
	const struct dp_binding b = visit(COA2);
	const struct in6_addr ha = addr(HA), other = addr("2001:db8:b::1");
	struct dumped d = { 0 };
	struct dp_stats st = { 0 };

	enter(l->ha);
	ok((DP->stats(l->dp, &b.inner, &st) == 0 && st.tx_packets >= 2 && st.rx_packets >= 2) ||
	   !filtered, "visit: stats (%llu tx, %llu rx)", (unsigned long long)st.tx_packets,
	   (unsigned long long)st.rx_packets);
	DP->close(l->dp, true);
	visit_ways(l, COA2, "while away");
	l->dp = visits_start(l->ha);
	ok(DP->dump(l->dp, on_dump, &d) == 0 && d.n == 1 && d.last.visit &&
	   in6_eq(&d.last.remote, &b.remote) && in6_prefix_eq(&d.last.inner, &b.inner),
	   "visit: open finds it again (%d)", d.n);
	ok(DP->endpoint_add(l->dp, &ha) == 0 && DP->endpoint_add(l->dp, &other) == 0,
	   "visit: endpoints named again");
	ok(DP->repair(l->dp) == 0, "visit: nothing to repair");
	visit_ways(l, COA2, "after a restart");
}

static void visit_setup(struct ha_lab *l)
{
	const struct in6_prefix own = { addr(VISITED), 64 };
	const struct in6_addr ha = addr(HA), other = addr("2001:db8:b::1");
	uint8_t mac[6];

	ha_build(l);
	enter(l->ha);
	DP->close(l->dp, false);
	mac_of(l->cn, "ch", mac);
	enter(l->ha);
	run("ip -6 route add " VISITED "/64 dev hc");
	run("ip -6 neigh add " VISITOR " lladdr %s dev hc nud permanent", mac_str(mac).s);
	free(l->before);
	l->before = snapshot(l->ha);
	l->dp = visits_start(l->ha);
	run("ip -6 addr add " HA "/128 dev dmip6ha0 nodad");
	run("ip -6 addr add 2001:db8:b::1/128 dev dmip6ha0 nodad");
	ok(DP->endpoint_add(l->dp, &ha) == 0 && DP->endpoint_add(l->dp, &other) == 0,
	   "visit: endpoints");
	ok(DP->guard(l->dp, mac, &own, true) == 0, "visit: the host may send from its prefix");
	enter(l->cn);
	run("ip -6 addr add " VISITOR "/64 dev ch nodad");
	close(l->cn_sock);
	l->cn_sock = udp_socket(l->cn, VISITOR);
}

static void test_visits(void)
{
	struct dp_binding b = visit(COA);
	struct ha_lab l;

	visit_setup(&l);
	enter(l.ha);
	ok(DP->set(l.dp, &b) == 0, "visit: begun");
	visit_ways(&l, COA, "first");
	if (filtered)
		visit_forged(&l);
	enter(l.ha);
	b.inner = (struct in6_prefix){ addr(VISITOR), 128 };
	ok(DP->set(l.dp, &b) == -EOPNOTSUPP, "visit: of a single address there is none");
	b = visit(COA2);
	ok(DP->set(l.dp, &b) == 0, "visit: moved to another anchor");
	visit_ways(&l, COA2, "moved");
	visit_repair(&l);
	visit_restart(&l);
	enter(l.ha);
	ok(DP->del(l.dp, &b.inner) == 0 && DP->del(l.dp, &b.inner) == -ENOENT,
	   "visit: it ends, once");
	run("test -z \"$(ip -6 route show table 4598)\"");
	DP->close(l.dp, false);
	same(l.before, snapshot(l.ha), "visit: close");
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
	err = DP->set(l->dp, &b);
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

static void mn_forged(struct mn_lab *l)
{
	struct dp_drops drops = { 0 };
	bool good;

	mn_inject(l, MCOA, "2001:db8:bad::1", HOA, false, "forged 1");
	mn_inject(l, MCOA, HA, MCOA, false, "forged 2");
	mn_inject(l, MCOA, HA, HOA, false, "good again");
	ok(udp_got(l->sock, "good again"), "MN: forged tunnel packets do not come through");
	enter(l->mn);
	good = DP->drops(l->dp, &drops) == 0 && drops.forged == 2;
	ok(good, "MN: 2 drops counted (%llu)", (unsigned long long)drops.forged);
}

static void mn_first(struct mn_lab *l)
{
	if (send(l->sock, "hello", 6, 0) != 6)
		bail("send");
	ok(tunnelled(l->tap1, MCOA, HA, HOA, CN), "MN: its next packet goes into the tunnel");
	mn_inject(l, MCOA, HA, HOA, false, "back");
	ok(udp_got(l->sock, "back"), "MN: what comes back reaches the socket");
	mn_inject(l, MCOA, HA, HOA, true, "limit");
	ok(udp_got(l->sock, "limit"), "MN: also with an encapsulation limit option");
	if (filtered)
		mn_forged(l);
	else
		skip("MN: forged tunnel packets", WITHOUT);
	mn_mtu(l);
}

/* While one home address goes from one care-of address to the next, another stays behind. */
static void mn_two_at_once(struct mn_lab *l)
{
	const struct dp_binding b = binding(HOA2, MCOA, HA);
	int sock;

	enter(l->mn);
	run("ip -6 addr add " HOA2 "/128 dev dmip6mn0 nodad noprefixroute preferred_lft 0");
	sock = udp_socket(l->mn, HOA2);
	ok(DP->set(l->dp, &b) == 0, "MN: a second binding, at the first CoA");
	udp_send(sock, CN, "behind");
	ok(tunnelled(l->tap1, MCOA, HA, HOA2, CN), "MN: its packets leave from there");
	udp_send(l->sock, CN, "ahead");
	ok(tunnelled(l->tap2, MCOA2, HA, HOA, CN), "MN: those of the other from the second");
	enter(l->mn);
	ok(DP->del(l->dp, &b.inner) == 0, "MN: the second binding ends");
	mn_inject(l, MCOA, HA, HOA2, false, "the rest");
	ok(udp_got(sock, "the rest"), "MN: what is under way to it still arrives");
	enter(l->mn);
	run("ip -6 addr del " HOA2 "/128 dev dmip6mn0");
	close(sock);
}

/* Another care-of address, by another router: the way of the care-of prefix changes too. */
static void mn_move(struct mn_lab *l)
{
	const struct in6_addr coa = addr(MCOA), coa2 = addr(MCOA2);

	enter(l->mn);
	run("ip -6 addr add " MCOA2 "/128 dev dmip6mn0 nodad noprefixroute");
	run("ip -6 route add default via 2001:db8:e2::1 dev m2 table 4590");
	run("ip -6 rule add pref 4590 from 2001:db8:e2::/64 lookup 4590");
	ok(DP->endpoint_add(l->dp, &coa2) == 0, "MN: second endpoint");
	udp_send(l->sock, CN, "still");
	ok(tunnelled(l->tap1, MCOA, HA, HOA, CN), "MN: the tunnel still leaves from the first");
	mn_set(l, MCOA2, "binding moves to the second CoA");
	udp_send(l->sock, CN, "moved");
	ok(tunnelled(l->tap2, MCOA2, HA, HOA, CN), "MN: then the new one, by the new router");
	mn_inject(l, MCOA, HA, HOA, false, "late");
	ok(udp_got(l->sock, "late"), "MN: late packets to the old CoA still arrive");
	mn_two_at_once(l);
	enter(l->mn);
	ok(DP->endpoint_del(l->dp, &coa) == 0, "MN: first endpoint removed");
	ok(DP->endpoint_del(l->dp, &coa) == -ENOENT, "MN: it is not there any more");
	if (filtered)
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
	good = DP->stats(l->dp, &b.inner, &st) == 0 && st.tx_packets == 4 && st.rx_packets >= 5;
	ok(good || !filtered, "MN: stats (%llu tx, %llu rx)", (unsigned long long)st.tx_packets,
	   (unsigned long long)st.rx_packets);
	DP->close(l->dp, true);
	udp_send(l->sock, CN, "while away");
	ok(tunnelled(l->tap2, MCOA2, HA, HOA, CN), "MN: tunnel stays when closed with keep");
	l->dp = dp_start(l->mn, DP_ROLE_MN);
	good = DP->dump(l->dp, on_dump, &d) == 0 && d.n == 1 &&
	       in6_prefix_eq(&d.last.inner, &b.inner) && in6_eq(&d.last.remote, &b.remote) &&
	       in6_eq(&d.last.local, &b.local);
	ok(good, "MN: open finds the binding again (%d)", d.n);
	ok(DP->endpoint_add(l->dp, &coa2) == 0, "MN: endpoint named again");
	ok(DP->repair(l->dp) == 0, "MN: nothing to repair");
	run("ip -6 rule del from " HOA " && ip -6 route del default table 4500 && "
	    "ip nexthop flush proto 77 >/dev/null");
	if (filtered)
		run("nft delete table inet dmip6_mn");
	n = DP->repair(l->dp);
	ok(n >= (filtered ? 4 : 2), "MN: rule, route, nexthop, filter put back (%d things)", n);
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
	ok(DP->endpoint_add(l.dp, &coa) == 0, "MN: endpoint");
	mn_set(&l, MCOA, "binding");
	mn_first(&l);
	mn_move(&l);
	mn_restart(&l);
	enter(l.mn);
	ok(DP->del(l.dp, &b.inner) == 0, "MN: binding removed");
	run("ip -6 rule del pref 4590 && ip -6 route flush table 4590");
	DP->close(l.dp, false);
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
	const struct dp_ops *chosen = NULL;
	bool good;

	ok(DP->probe(why, sizeof(why)) == 0, "probe: %s works here %s", DP->name, why);
	same(before, snapshot(ns), "probe");
	ok(dp_choose(DP->name, &chosen, why, sizeof(why)) == 0 && chosen == DP, "choice by name");
	good = dp_choose("nul", &chosen, why, sizeof(why)) == -ENOENT &&
	       strstr(why, "ip6tnl, seg6, null");
	ok(good, "choice of a wrong name: %s", why);
	free(before);
	close(ns);
}

/* A run with another data path than the one before: it begins anew and leaves nothing of it. */
static void test_switch(const struct dp_ops *from, const struct dp_ops *to)
{
	const struct in6_addr ha = addr(HA);
	struct dumped d = { 0 };
	struct ha_lab l;
	bool good;

	DP = from;
	ha_build(&l);
	good = DP->endpoint_add(l.dp, &ha) == 0;
	ha_set(&l, HOA, COA, "binding before the switch");
	enter(l.ha);
	DP->close(l.dp, true);
	DP = to;
	l.dp = dp_start(l.ha, DP_ROLE_HA);
	good = good && DP->dump(l.dp, on_dump, &d) == 0 && d.n == 0;
	ok(good && DP->endpoint_add(l.dp, &ha) == 0, "%s after %s: opened", to->name, from->name);
	ha_set(&l, HOA, COA, "binding after the switch");
	udp_send(l.cn_sock, HOA, "switched");
	ok(tunnelled(l.mn_tap, HA, COA, CN, HOA), "%s after %s: into the tunnel", to->name,
	   from->name);
	ha_inject(&l, COA, HOA, false, "switched back");
	ok(udp_got(l.cn_sock, "switched back"), "and out of it");
	enter(l.ha);
	DP->close(l.dp, false);
	same(l.before, snapshot(l.ha), "switched and closed");
	free(l.before);
	close(l.cn_sock);
	close(l.mn_tap);
	close(l.cn);
	close(l.ha);
	close(l.mn);
}

/* The best that works is the one that is taken. */
static void test_choice(const struct dp_ops *best)
{
	const struct dp_ops *chosen = NULL;
	char why[1024] = "";

	ok(dp_choose(NULL, &chosen, why, sizeof(why)) == 0 && chosen == best,
	   "choice: %s (%s)", best->name, why);
}

int main(void)
{
	const struct dp_ops *best = NULL, *other = NULL;
	char why[512];

	lab_begin("kernel_dp_test");
	close(ns_new());
	filtered = system("nft add table inet probe 2>/dev/null") == 0;
	for (const struct dp_ops *const *b = dp_all(); *b; b++) {
		why[0] = '\0';
		if (*b == &dp_null)
			continue;
		if ((*b)->probe(why, sizeof(why)) < 0) {
			printf("# %s is not tested: %s\n", (*b)->name, why);
			continue;
		}
		printf("# data path %s\n", (*b)->name);
		if (!best)
			best = *b;
		else
			other = *b;
		DP = *b;
		test_probe();
		test_ha();
		test_visits();
		test_mn();
	}
	if (!best)
		return 1;	/* printed no result */
	test_choice(best);
	if (other) {
		test_switch(other, best);
		test_switch(best, other);
	}
	return lab_end();
}
