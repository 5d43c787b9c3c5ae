/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the data path's nftables table does with packets; called by dp_filter.c, which owns
 * the table and its elements. The kernel's tunnels do not look at who sends, and those of
 * segment routing leave more to be desired; this is where RFC 2473, RFC 6040 and RFC 6275
 * 10.4.5 are kept.
 *
 * Sets: `local`, ends of tunnels here; `rx`, pairs of outer source and inner address that
 * may come out of a tunnel; `late`, pairs that were in `rx` until a move, for what is still under
 * way, each for a short time only; `in` and `tx`, inner addresses whose packets come out of one
 * and go into one, with counters: apart from `rx`, so that a move makes no counter; on a mobile
 * node `sent`, addresses that sent something lately without a connection; on a home agent
 * `unverified`, inner addresses that may be bound to anywhere, and `credit`, what each of these
 * may still get; and `rx64`, `late64`, `in64`, `tx64`, the same for whole prefixes, by their
 * first 64 bits, and `vrx64`, `vlate64`, `vin64`, `vtx64` for those of visitors, where what comes
 * out of a tunnel is known by whom it is for. All in the raw
 * priority: after reassembly where connection tracking does that, before anything else.
 *
 * Offsets are bits from the IPv6 header that the hook sees; in a header the traffic class
 * begins at 4, next header at 48, hop limit at 56, source at 64, destination at 192. `local`
 * is typed as raw octets, for it is asked for inner addresses too; so IPv4 must be kept off.
 */
#include "common/datapath/dp_ruleset.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/datapath/dp_filter.h"
#include "common/datapath/dp_flows.h"

#define MARK		"meta mark set " TEXT_OF(DP_MARK)
#define TEXT_OF(x)	TEXT_OF_VALUE(x)
#define TEXT_OF_VALUE(x)	#x
#define PLAIN		320	/* inner header behind the tunnel header alone, */
#define WITH_LIMIT	384	/* behind 8 octets of destination options (RFC 2473 4.1.1), */
#define WITH_FRAGMENT	384	/* behind a fragment header */

struct text {
	char *at;
	size_t len, room;
	unsigned int n_rules;
	const char *table;
	const char *device;		/* or NULL */
};

const char *dp_ruleset_table(enum dp_role role)
{
	switch (role) {
	case DP_ROLE_MN:
		return DP_FILTER_MN;
	case DP_ROLE_HA:
		return DP_FILTER_HA;
	}
	return "";
}

static void put(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (t->len >= t->room)
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->at + t->len, t->room - t->len, fmt, ap);
	va_end(ap);
	t->len += n < 0 ? t->room : (size_t)n;
}

static void chain(struct text *t, const char *name, const char *hook)
{
	put(t, "add chain inet %s %s", t->table, name);
	if (hook)
		put(t, " { type filter hook %s; policy accept; }", hook);
	put(t, "\nflush chain inet %s %s\n", t->table, name);
}

static void rule(struct text *t, const char *in, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void rule(struct text *t, const char *in, const char *fmt, ...)
{
	char words[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(words))
		t->len = t->room;
	put(t, "add rule inet %s %s %s\n", t->table, in, words);
	t->n_rules++;
}

/* RFC 6040 4.2, for an inner header at that bit: what the network said about congestion on
 * the way is told to the receiver. A packet that cannot carry it is dropped, as its sender
 * asked for. */
static void congestion(struct text *t, const char *name, unsigned int inner)
{
	unsigned int ecn = inner + 10;

	chain(t, name, NULL);
	rule(t, name, "ip6 ecn not-ect accept");
	rule(t, name, "ip6 ecn ect0 accept");
	rule(t, name, "ip6 ecn ect1 @nh,%u,2 2 @nh,%u,2 set 1 accept", ecn, ecn);
	rule(t, name, "ip6 ecn ect1 accept");
	rule(t, name, "@nh,%u,2 0 counter name congestion drop", ecn);
	rule(t, name, "@nh,%u,2 set 3 accept", ecn);
}

/* Which pairs come out of tunnels, for an inner address at that bit: in the order in which they
 * are asked for. */
#define PAIRS_MAX	6

struct pairs {
	unsigned int n;
	char which[PAIRS_MAX][80];
};

static struct pairs pairs(enum dp_role role, bool visits, unsigned int at)
{
	struct pairs p = { .n = role == DP_ROLE_HA ? visits ? 6 : 4 : 2 };
	/* A visitor's is the destination, 128 bits behind the source. */
	const unsigned int to = at + 128;
	const size_t room = sizeof(p.which[0]);

	(void)snprintf(p.which[0], room, "ip6 saddr . @nh,%u,128 @rx @nh,%u,128 @in", at, at);
	(void)snprintf(p.which[1], room, "ip6 saddr . @nh,%u,128 @late", at);
	(void)snprintf(p.which[2], room, "ip6 saddr . @nh,%u,64 @rx64 @nh,%u,64 @in64", at, at);
	(void)snprintf(p.which[3], room, "ip6 saddr . @nh,%u,64 @late64", at);
	(void)snprintf(p.which[4], room, "ip6 saddr . @nh,%u,64 @vrx64 @nh,%u,64 @vin64", to, to);
	(void)snprintf(p.which[5], room, "ip6 saddr . @nh,%u,64 @vlate64", to);
	return p;
}

/*
 * RFC 2473 7: a tunnel packet in fragments is put together, then it is one. Its first fragment
 * has what is to be checked, and without that nothing comes of the others; its mark is then
 * on the whole. Segment routing would take the first fragment for the packet, so there it
 * is put together under the name of another protocol.
 */
static void fragments(struct text *t, const struct dp_ruleset *r, unsigned int who)
{
	const struct pairs p = pairs(r->role, r->visits, WITH_FRAGMENT + who);
	const uint8_t reassembled = r->reassembled;
	char rename[32] = "", first[96];

	if (reassembled != 0)
		(void)snprintf(rename, sizeof(rename), " @nh,%d,8 set %u", PLAIN, reassembled);
	(void)snprintf(first, sizeof(first), "ip6 nexthdr 44 @nh,%u,8 41 @nh,%u,13 0 @nh,%u,4 6"
		       " @nh,%u,128 != 0", PLAIN, PLAIN + 16, WITH_FRAGMENT, WITH_FRAGMENT + 192);
	for (unsigned int i = 0; i < p.n; i++)
		rule(t, "tunnel", "%s %s%s " MARK " accept", first, p.which[i], rename);
	rule(t, "tunnel", "ip6 nexthdr 44 @nh,%u,8 41 @nh,%u,13 != 0%s accept", PLAIN, PLAIN + 16,
	     rename);
}

/* A tunnel to us inside of one would be taken off too, where nothing checks it. On a mobile
 * node that is what comes late over an earlier care-of address. */
static void no_tunnel_inside(struct text *t)
{
	rule(t, "tunnel", "ip6 nexthdr 41 @nh,%u,8 41 @nh,%u,128 @local"
	     " counter name spoofed drop", PLAIN + 48, PLAIN + 192);
	rule(t, "tunnel", "ip6 nexthdr 60 @nh,320,16 0x2900 @nh,%u,8 { 41, 60 }"
	     " @nh,%u,128 @local counter name spoofed drop", WITH_LIMIT + 48, WITH_LIMIT + 192);
}

/* RFC 2827: a host sends from what it was given. What it says to its neighbours is for this link
 * alone, and may be from an address of which nobody here has heard yet. */
static void guard(struct text *t, const struct dp_links *links, uint16_t report_group)
{
	static const char foreign[] = "ip6 saddr != :: ip6 saddr != fe80::/10"
				      " ether saddr . @nh,64,64 != @guard";

	if (links->n == 0)
		return;
	put(t, "add set inet %s guard { typeof ether saddr . @nh,64,64; size 1048576; flags dynamic; }\n"
	    "add counter inet %s foreign\n", t->table, t->table);
	chain(t, "access", NULL);
	rule(t, "access", "icmpv6 type 133-137 return");
	/* Of a host that has just come, perhaps. */
	if (report_group != 0)
		rule(t, "access", "%s limit rate " TEXT_OF(DP_REPORTS) "/second burst "
		     TEXT_OF(DP_REPORTS) " packets log group %u snaplen 40", foreign, report_group);
	rule(t, "access", "%s counter name foreign drop", foreign);
	for (unsigned int i = 0; i < links->n; i++)
		rule(t, "prerouting", "meta nfproto ipv6 iifname \"%s\" jump access",
		     links->names[i]);
}

/* What comes for an end of tunnels: out of the tunnel of a binding, or dropped. The home
 * agent checks the inner source, the mobile node the inner destination. */
static void decapsulation(struct text *t, const struct dp_ruleset *r)
{
	const enum dp_role role = r->role;
	const char *mark = t->device ? MARK " " : "";
	unsigned int who = role == DP_ROLE_HA ? 64 : 192;
	const struct pairs plain = pairs(role, r->visits, PLAIN + who);
	const struct pairs limit = pairs(role, r->visits, WITH_LIMIT + who);
	char is_plain[64], is_limit[80];

	congestion(t, "congestion", PLAIN);
	congestion(t, "congestion_limit", WITH_LIMIT);
	chain(t, "tunnel", NULL);
	if (role == DP_ROLE_HA)
		no_tunnel_inside(t);
	/* To have a destination the inner header must be there whole. */
	(void)snprintf(is_plain, sizeof(is_plain), "ip6 nexthdr 41 @nh,%u,4 6 @nh,%u,128 != 0",
		       PLAIN, PLAIN + 192);
	(void)snprintf(is_limit, sizeof(is_limit), "ip6 nexthdr 60 @nh,320,16 0x2900 @nh,%u,4 6"
		       " @nh,%u,128 != 0", WITH_LIMIT, WITH_LIMIT + 192);
	for (unsigned int i = 0; i < plain.n; i++) {
		rule(t, "tunnel", "%s %s %sgoto congestion", is_plain, plain.which[i], mark);
		rule(t, "tunnel", "%s %s " MARK " goto congestion_limit", is_limit,
		     limit.which[i]);
	}
	if (t->device || r->reassembled != 0)
		fragments(t, r, who);
	rule(t, "tunnel", "meta l4proto { 4, 41 } counter name spoofed drop");
}

/*
 * A device of ip6_tunnel decapsulates for every address of this host, ends of ours or not:
 * what comes by it without the mark has not been asked who it is. The mark goes again before
 * anybody else looks at it; in a chain of its own, for a mobile node's table may have set
 * it and a home agent's look for it.
 */
static void only_marked(struct text *t)
{
	rule(t, "prerouting", "iifname \"%s\" meta mark != " TEXT_OF(DP_MARK)
	     " counter name spoofed drop", t->device);
	chain(t, "unmark", "prerouting priority raw + 1");
	rule(t, "unmark", "iifname \"%s\" meta mark set 0", t->device);
}

/*
 * What an ip6_tunnel device writes outside says nothing of what is inside but half of the
 * congestion bits (RFC 6040 4.1 wants both). RFC 2473 6.4 and 6.5 let the inner traffic class
 * and flow label be copied, so that the network treats the packet alike, and the packets of
 * a flow go one way: version, class and label are the first 32 bits.
 */
static void outer_class(struct text *t)
{
	chain(t, "class", "output priority raw");
	rule(t, "class", "ip6 nexthdr 41 @nh,64,128 @local @nh,0,32 set @nh,%u,32", PLAIN);
}

/*
 * RFC 2473 8: an error about a tunnel packet has been seen by the packet socket. The device
 * would tell the sender of the packet inside too, without asking whether there is a binding.
 */
static void quiet_device(struct text *t)
{
	const unsigned int quoted = 320 + 64;

	rule(t, "input", "icmpv6 type { 1, 2, 3, 4 } @nh,%u,8 41 @nh,%u,128 @local drop",
	     quoted + 48, quoted + 64);
}

/*
 * RFC 2473 3.1, 6.3: the tunnel is one hop for the packet inside, and has a hop limit of its
 * own. Segment routing copies the inner one instead and takes nothing off it; what is about
 * to expire has done so before this hook. Packets of an ip6_tunnel device do not come by.
 */
static void single_hop(struct text *t)
{
	chain(t, "forward", "forward priority raw");
	put(t, "add rule inet %s forward meta nfproto ipv6 @nh,64,128 @local ip6 nexthdr 41"
	    " ip6 hoplimit set 64 @nh,%u,8 set @nh,%u,8 map {", t->table, PLAIN + 56, PLAIN + 56);
	for (unsigned int hops = 2; hops <= 255; hops++)
		put(t, "%s %u : %u", hops > 2 ? "," : "", hops, hops - 1);
	put(t, " }\n");
	t->n_rules++;
}

/* HA: what goes into a tunnel, by its destination; and, after that, what came out of one, by
 * its source. Raw octets are asked for after something that only IPv6 has. */
static const char *const into[] = { "ip6 daddr @tx", "@nh,192,64 @tx64" };
static const char *const out_of[] = { "ip6 saddr @tx", "@nh,64,64 @tx64" };
#define N_INTO	(sizeof(into) / sizeof(into[0]))

/* RFC 2473 4.1.2: a packet that this home agent has put into a tunnel and that another one
 * sends back to it must not go in once more. No home agent knows the other's bindings, so
 * two or three of them that lead in a ring are noticed only here. */
static void no_rings(struct text *t)
{
	for (unsigned int i = 0; i < N_INTO; i++) {
		rule(t, "prerouting", "ip6 nexthdr 41 @nh,%u,128 @local %s"
		     " counter name spoofed drop", PLAIN + 64, into[i]);
		rule(t, "prerouting", "ip6 nexthdr 41 @nh,%u,8 41 @nh,%u,128 @local %s"
		     " counter name spoofed drop", PLAIN + 48, PLAIN + 320 + 64, into[i]);
	}
}

/* RFC 4861 8: a redirect is for a neighbour. Who is reached by a tunnel is none, and neither
 * is the other end of one; the kernel sees only that a packet leaves where it came in. */
static void no_redirects(struct text *t)
{
	chain(t, "output", "output priority raw");
	for (unsigned int i = 0; i < N_INTO; i++)
		rule(t, "output", "icmpv6 type nd-redirect %s drop", into[i]);
	rule(t, "output", "icmpv6 type nd-redirect @nh,192,128 @local drop");
}

/* RFC 4866 3.5: a care-of address that nobody has answered from yet may be somebody else's. What
 * goes there has a credit, which comes back slowly, so that a mobile node cannot have its own
 * packets flood a stranger; it is that of the home address, whatever care-of addresses follow. */
static void credit(struct text *t)
{
	put(t, "add set inet %s unverified { type ipv6_addr; size 1048576; }\n"
	    "add set inet %s credit { type ipv6_addr; size 65535; flags dynamic,timeout;"
	    " timeout 1m; }\n"
	    "add counter inet %s credit\n", t->table, t->table, t->table);
	rule(t, "prerouting", "ip6 daddr @unverified update @credit { ip6 daddr limit rate over "
	     TEXT_OF(DP_CREDIT_RATE) " kbytes/second burst " TEXT_OF(DP_CREDIT_BURST)
	     " kbytes } counter name credit drop");
}

/* What did not come through is told to a sender's TCP by Packet Too Big; where a network
 * loses those, a connection lives only if it never sends more than fits. Both ends of one
 * that begins in a tunnel are told so: what goes in, and what came out of it. Only as the
 * first option, which is its place with everybody: behind an odd number of octets kernels
 * (6.18 is one) change it and get the checksum wrong. The packets that it is about are
 * counted as if they went in twice. */
static void segment_size(struct text *t, uint16_t mss, bool visits)
{
	static const char begins[] = "tcp flags & (syn|rst) == syn @th,160,16 0x0204";

	for (unsigned int i = 0; i < N_INTO; i++) {
		rule(t, "prerouting", "meta nfproto ipv6 %s %s tcp option maxseg size set %u",
		     begins, into[i], mss);
		rule(t, "forward", "meta nfproto ipv6 %s %s tcp option maxseg size set %u",
		     begins, out_of[i], mss);
	}
	if (!visits)
		return;
	rule(t, "prerouting", "meta nfproto ipv6 %s @nh,64,64 @vtx64 tcp option maxseg size set %u",
	     begins, mss);
	rule(t, "forward", "meta nfproto ipv6 %s @nh,192,64 @vtx64 tcp option maxseg size set %u",
	     begins, mss);
}

/* RFC 4443 2.4 f: what the kernel has to say of tunnel packets goes to this host first, and
 * the daemon tells it on; a flood of them is to cost it no more than this. */
static void own_errors(struct text *t)
{
	rule(t, "output", "icmpv6 type { 1, 2, 3, 4 } @nh,192,128 @local limit rate over"
	     " 2000/second burst 1000 packets counter name errors drop");
}

/*
 * Which addresses of this host speak without a socket that is bound to them: no list of
 * sockets shows it. TCP's are in one (the first rule, so that bulk is not held up), and what
 * signals or carries is no use of an address, nor an answer to a stranger's ping. Questions
 * to DNS and NTP are asked again from another address, and who speaks to a group is not
 * awaited by one.
 */
static void senders(struct text *t)
{
	rule(t, "output", "meta l4proto 6 accept");
	rule(t, "output", "meta l4proto { 4, 41, 135 } accept");
	rule(t, "output", "icmpv6 type != echo-request accept");
	rule(t, "output", "udp dport { 53, 123 } accept");
	rule(t, "output", "ip6 daddr ff00::/8 accept");
	rule(t, "output", "ip6 saddr != fe80::/10 update @sent { ip6 saddr timeout "
	     TEXT_OF(DP_SENT_SECONDS) "s }");
}

/* RFC 6275 11.3.3: a type 2 routing header with another length than 2, more or fewer segments
 * left than one, or an address that is no home address of this host: silence. The kernel would
 * answer. It is the first extension header; length at 328, type at 336, segments at 344. */
static void wrong_routing_headers(struct text *t)
{
	static const char *const wrong[] = { "@nh,328,8 != 2", "@nh,344,8 != 1", "@nh,384,128 != @in" };

	for (unsigned int n = 0; n < sizeof(wrong) / sizeof(wrong[0]); n++)
		rule(t, "input", "ip6 nexthdr 43 @nh,336,8 2 %s counter name mobility drop",
		     wrong[n]);
}

/* Behind all that is asked of a packet here: which way it goes. */
static void ways(struct text *t)
{
	unsigned int n;

	if (t->len >= t->room ||
	    dp_flows_base(t->table, "prerouting", t->at + t->len, t->room - t->len, &n) < 0) {
		t->len = t->room;
		return;
	}
	t->len += strlen(t->at + t->len);
	t->n_rules += n;
}

static void prefix_sets(struct text *t, unsigned int inner)
{
	put(t, "add set inet %s rx64 { typeof ip6 saddr . @nh,%u,64; size 1048576; flags dynamic; }\n"
	    "add set inet %s late64 { typeof ip6 saddr . @nh,%u,64; size 1048576; flags timeout; }\n"
	    "add set inet %s in64 { typeof @nh,%u,64; size 1048576; flags dynamic; counter; }\n"
	    "add set inet %s tx64 { typeof @nh,192,64; size 1048576; flags dynamic; counter; }\n",
	    t->table, inner, t->table, inner, t->table, inner, t->table);
}

/* The counter of what comes in from visitors is that of what goes into their tunnels. */
static void visit_sets(struct text *t)
{
	const unsigned int to = PLAIN + 192;

	put(t, "add set inet %s vrx64 { typeof ip6 saddr . @nh,%u,64; size 1048576; flags dynamic; }\n"
	    "add set inet %s vlate64 { typeof ip6 saddr . @nh,%u,64; size 1048576; flags timeout; }\n"
	    "add set inet %s vin64 { typeof @nh,%u,64; size 1048576; flags dynamic; counter; }\n"
	    "add set inet %s vtx64 { typeof @nh,64,64; size 1048576; flags dynamic; counter; }\n",
	    t->table, to, t->table, to, t->table, to, t->table);
}

int dp_ruleset_text(const struct dp_ruleset *r, char *text, size_t room, unsigned int *ret_n)
{
	unsigned int inner = r->role == DP_ROLE_HA ? PLAIN + 64 : PLAIN + 192;
	/* What was in ESP comes by a second time, without it and with addresses exchanged, and
	 * is for the raw socket (common/sys/ipsec.c). */
	const char *unless = r->ipsec ? "meta ipsec missing " : "";
	struct text t = { .at = text, .room = room, .table = dp_ruleset_table(r->role),
			  .device = r->device };

	put(&t, "add table inet %s\n"
	    "add set inet %s local { typeof @nh,192,128; }\n"
	    "add set inet %s rx { typeof ip6 saddr . @nh,%u,128; size 1048576; flags dynamic; }\n"
	    "add set inet %s late { typeof ip6 saddr . @nh,%u,128; size 1048576;"
	    " flags timeout; }\n"
	    "add set inet %s in { typeof @nh,%u,128; size 1048576; flags dynamic; counter; }\n"
	    "add set inet %s tx { type ipv6_addr; size 1048576; flags dynamic; counter; }\n"
	    "add counter inet %s spoofed\n"
	    "add counter inet %s congestion\n"
	    "add counter inet %s errors\n"
	    "add counter inet %s mobility\n",
	    t.table, t.table, t.table, inner, t.table, inner, t.table, inner, t.table, t.table,
	    t.table, t.table, t.table);
	if (r->role == DP_ROLE_HA)
		prefix_sets(&t, inner);
	if (r->visits)
		visit_sets(&t);
	decapsulation(&t, r);
	chain(&t, "prerouting", "prerouting priority raw");
	guard(&t, &r->guarded, r->report_group);
	rule(&t, "prerouting", "meta nfproto ipv6 @nh,192,128 @local jump tunnel");
	if (r->device) {
		only_marked(&t);
		outer_class(&t);
	}
	/* A Mobility Header has been seen by the packet socket already; the kernel would
	 * answer it with an ICMPv6 parameter problem. */
	chain(&t, "input", "input priority raw");
	rule(&t, "input", "meta l4proto 135 %scounter name mobility drop", unless);
	switch (r->role) {
	case DP_ROLE_MN:
		put(&t, "add set inet %s sent { type ipv6_addr; size 256; flags dynamic,timeout; }\n",
		    t.table);
		/* And so has a Mobile Prefix Advertisement; its routing header would be
		 * answered likewise. */
		rule(&t, "input", "icmpv6 type 147 counter name mobility drop");
		/* A kernel that knows them, which IPsec needs, is silent about them itself; and an
		 * answer may be here before its tunnel. */
		if (!r->ipsec)
			wrong_routing_headers(&t);
		chain(&t, "output", "output priority raw");
		rule(&t, "output", "ip6 saddr @tx");
		senders(&t);
		break;
	case DP_ROLE_HA:
		no_rings(&t);
		/* RFC 4861 never leaves its link. What neighbours ask of an absent host the
		 * packet socket has seen. */
		for (unsigned int i = 0; i < N_INTO; i++)
			rule(&t, "prerouting", "icmpv6 type 133-137 %s counter name mobility drop",
			     into[i]);
		credit(&t);
		for (unsigned int i = 0; i < N_INTO; i++)
			rule(&t, "prerouting", "meta nfproto ipv6 %s", into[i]);
		if (r->visits)
			rule(&t, "prerouting", "meta nfproto ipv6 @nh,64,64 @vtx64");
		/* Nor is it to answer a Home Address option, at its only place by RFC 6275 6.3;
		 * before ESP and AH it is the business of whoever keeps their keys. */
		rule(&t, "input", "ip6 nexthdr 60 @nh,320,8 != { 50, 51 } @nh,368,8 0xc9"
		     " @nh,192,128 @local %scounter name mobility drop", unless);
		if (r->device)
			quiet_device(&t);
		single_hop(&t);
		no_redirects(&t);
		own_errors(&t);
		if (r->mss > 0)
			segment_size(&t, r->mss, r->visits);
		if (r->steers)
			ways(&t);
		break;
	}
	if (t.len >= t.room)
		return -ENOBUFS;
	*ret_n = t.n_rules;
	return 0;
}

/* The first bits of an address as a number. */
static struct in6_text bits(const struct in6_prefix *p)
{
	unsigned int over = 128U - p->len, digits = (p->len + 3U) / 4;
	struct in6_text t = { .s = "0x" };

	for (unsigned int d = 0; d < digits; d++) {
		unsigned int low = over + 4 * (digits - 1 - d), value = 0;

		for (unsigned int b = 0; b < 4 && low + b < 128; b++) {
			unsigned int from_left = 127 - (low + b);

			value |= (p->addr.s6_addr[from_left / 8] >> (7 - from_left % 8) & 1U) << b;
		}
		(void)snprintf(t.s + 2 + d, 2, "%x", value);
	}
	return t;
}

/* RFC 6275 10.4.2: what is tunnelled leaves from the home agent's address on the home link,
 * which the mobile node expects it from. */
static void sources(struct text *t, const struct dp_home *homes, unsigned int n, bool visits)
{
	chain(t, "source", "postrouting priority mangle");
	for (unsigned int i = 0; i < n; i++)
		rule(t, "source", "ip6 nexthdr 41 @nh,64,128 @local @nh,%u,%u %s ip6 saddr set %s",
		     PLAIN + 192, homes[i].prefix.len, bits(&homes[i].prefix).s,
		     in6_str(&homes[i].address).s);
	/* A visitor's anchor expects it from where the visit was registered; what a visitor sends
	 * to a host of ours that is away comes back from there, into that one's tunnel. */
	if (visits)
		rule(t, "source", "ip6 nexthdr 41 @nh,64,128 @local ip6 daddr . @nh,%u,64 @vrx64"
		     " ip6 saddr set %s", PLAIN + 64, in6_str(&homes[0].address).s);
}

/*
 * RFC 6275 10.5: requests for home agents are for the packet socket, which has seen them
 * here. An anycast address in a host's prefix is no address of this machine: the kernel
 * would send the request to the host or, if that is away, back to where it came from. RFC
 * 2526 2.1: the interface identifier.
 */
int dp_ruleset_homes(const struct dp_home *homes, unsigned int n, bool one_source, bool visits,
		     char *text, size_t room)
{
	struct text t = { .at = text, .room = room, .table = dp_ruleset_table(DP_ROLE_HA) };

	chain(&t, "discovery", "prerouting priority raw");
	for (unsigned int i = 0; i < n; i++)
		rule(&t, "discovery", "ip6 daddr %s icmpv6 type 144"
		     " @nh,256,64 0xfdfffffffffffffe counter name mobility drop",
		     in6_prefix_str(&homes[i].prefix).s);
	if (one_source)
		sources(&t, homes, n, visits);
	return t.len < t.room ? 0 : -ENOBUFS;
}
