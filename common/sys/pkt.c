/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packet sockets, packet(7): Mobility Headers (RFC 6275 6.1) and Neighbour Discovery
 * (RFC 4861) in and out, whatever the kernel itself knows of them. Called by io.c of both
 * daemons. The socket filter lets in only what is asked for, so neither forwarded nor
 * tunnelled traffic wakes the daemon.
 */
#include "common/sys/pkt.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* 100 ms of 100,000 small packets a second: so long a busy machine may let us wait in a flood
 * before a good one is lost. Memory only while they wait. */
#define RX_BUFFER	(8 * 1024 * 1024)
#define RX_BATCH	64
#define TX_BATCH	64
#define PACKET_ROOM	9216		/* a jumbo frame; what is longer is read in part */

struct pkt {
	int fd;			/* AF_PACKET */
	int raw_fd;		/* for packets that the kernel routes */
	struct loop_io *io;
	void (*fn)(void *ctx, const struct pkt_rx *rx);
	void *ctx;
	bool *closed;		/* set while callbacks run: they may close us */
	uint64_t lost;
	unsigned int behind;	/* full reads in a row */
	struct queue *queue;	/* made when it is used first */
};

/*
 * The network header is at offset 0. A load behind the end of the packet ends the filter
 * with "drop". Only PACKET_HOST, BROADCAST and MULTICAST (0 to 2) are taken: neither what
 * promiscuous mode shows of others nor loops of our own.
 */
#define LD_PKTTYPE \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE))
#define LD8(off)	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (off))
#define JEQ(k, t, f)	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), (t), (f))
#define JGT(k, t, f)	BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (k), (t), (f))
#define ACCEPT		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX)
#define DROP		BPF_STMT(BPF_RET | BPF_K, 0)
#define OFF_NEXT_HEADER	6
#define OFF_ICMP_TYPE	40
#define ICMP6_DHAAD_REQUEST	144
#define ICMP6_DHAAD_REPLY	145
#define ICMP6_MPS	146
#define ICMP6_MPA	147
#define OFF_BEHIND_TYPE2	64	/* behind a routing header with one address */
#define OFF_BEHIND	40	/* next header of the first extension header */
#define OFF_QUOTED	48	/* the packet that an ICMPv6 error is about */

static struct sock_filter filter_nd_host[] = {
	LD_PKTTYPE,
	JGT(2, 5, 0),
	LD8(OFF_NEXT_HEADER),
	JEQ(IPPROTO_ICMPV6, 0, 3),
	LD8(OFF_ICMP_TYPE),
	JEQ(ND_ROUTER_ADVERT, 2, 0),
	JEQ(ND_NEIGHBOR_ADVERT, 1, 0),
	DROP,
	ACCEPT,
};

static struct sock_filter filter_nd_router[] = {
	LD_PKTTYPE,
	JGT(2, 7, 0),
	LD8(OFF_NEXT_HEADER),
	JEQ(IPPROTO_ICMPV6, 0, 5),
	LD8(OFF_ICMP_TYPE),
	JEQ(ND_ROUTER_SOLICIT, 4, 0),
	JEQ(ND_ROUTER_ADVERT, 3, 0),
	JEQ(ND_NEIGHBOR_SOLICIT, 2, 0),
	JEQ(ND_NEIGHBOR_ADVERT, 1, 0),
	DROP,
	ACCEPT,
};

static struct sock_filter filter_tunnel_error[] = {
	LD_PKTTYPE,
	JGT(2, 7, 0),
	LD8(OFF_NEXT_HEADER),
	JEQ(IPPROTO_ICMPV6, 0, 5),
	LD8(OFF_ICMP_TYPE),
	JEQ(0, 3, 0),
	JGT(ICMP6_PARAM_PROB, 2, 0),
	LD8(OFF_QUOTED + OFF_NEXT_HEADER),
	JEQ(IPPROTO_IPV6, 1, 0),
	DROP,
	ACCEPT,
};

static struct sock_filter filter_update_error[] = {
	LD_PKTTYPE,
	JGT(2, 10, 0),
	LD8(OFF_NEXT_HEADER),
	JEQ(IPPROTO_ICMPV6, 0, 8),
	LD8(OFF_ICMP_TYPE),
	JEQ(0, 6, 0),
	JGT(ICMP6_PARAM_PROB, 5, 0),
	LD8(OFF_QUOTED + OFF_NEXT_HEADER),
	JEQ(IPPROTO_MH, 4, 0),
	JEQ(IPPROTO_DSTOPTS, 0, 2),
	LD8(OFF_QUOTED + OFF_BEHIND),
	JEQ(IPPROTO_MH, 1, 0),
	DROP,
	ACCEPT,
};

/* Past one extension header: A holds its type, X its offset; both are then the next one's. */
#define EXT_SKIP \
	BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0), \
	BPF_STMT(BPF_ST, 0), \
	BPF_STMT(BPF_LD | BPF_B | BPF_IND, 1), \
	BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1), \
	BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 3), \
	BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0), \
	BPF_STMT(BPF_MISC | BPF_TAX, 0), \
	BPF_STMT(BPF_LD | BPF_MEM, 0)
#define EXT_SKIP_LEN	8

/*
 * One header: 135 is accepted; what is neither that nor one of the headers that may stand
 * in front of it (hop-by-hop, routing, destination options) is dropped.
 */
#define EXT_STEP \
	JEQ(IPPROTO_MH, 4, 0), \
	JEQ(IPPROTO_DSTOPTS, 4, 0), \
	JEQ(IPPROTO_ROUTING, 3, 0), \
	JEQ(IPPROTO_HOPOPTS, 2, 0), \
	DROP, \
	ACCEPT, \
	EXT_SKIP

static struct sock_filter filter_mh[] = {
	LD_PKTTYPE,
	JGT(2, 0, 1),
	DROP,
	LD8(OFF_NEXT_HEADER),
	BPF_STMT(BPF_LDX | BPF_IMM, sizeof(struct ip6_hdr)),
	EXT_STEP,
	EXT_STEP,
	EXT_STEP,
	JEQ(IPPROTO_MH, 0, 1),
	ACCEPT,
	DROP,
};

/*
 * One header in front of a Mobile Prefix Solicitation: destination options for the home
 * address, or the header of a tunnel. `after` instructions follow before the tests of what
 * is behind them, ICMPv6 or a tunnelled packet.
 */
#define DISCOVERY_STEP_LEN	(6 + EXT_SKIP_LEN)
#define DISCOVERY_STEP(after) \
	JEQ(IPPROTO_ICMPV6, (after) + DISCOVERY_STEP_LEN - 1, 0), \
	JEQ(IPPROTO_IPV6, (after) + DISCOVERY_STEP_LEN - 2 + 4, 0), \
	JEQ(IPPROTO_DSTOPTS, 3, 0), \
	JEQ(IPPROTO_ROUTING, 2, 0), \
	JEQ(IPPROTO_HOPOPTS, 1, 0), \
	DROP, \
	EXT_SKIP
#define LD8_IND(off)	BPF_STMT(BPF_LD | BPF_B | BPF_IND, (off))

static struct sock_filter filter_discovery[] = {
	LD_PKTTYPE,
	JGT(2, 0, 1),
	DROP,
	LD8(OFF_NEXT_HEADER),
	BPF_STMT(BPF_LDX | BPF_IMM, sizeof(struct ip6_hdr)),
	JEQ(IPPROTO_ICMPV6, 0, 4),
	LD8_IND(0),
	JEQ(ICMP6_DHAAD_REQUEST, 0, 1),
	ACCEPT,
	DROP,
	DISCOVERY_STEP(DISCOVERY_STEP_LEN + 3),
	DISCOVERY_STEP(3),
	JEQ(IPPROTO_ICMPV6, 2, 0),
	JEQ(IPPROTO_IPV6, 5, 0),
	DROP,
	/* ICMPv6 */
	LD8_IND(0),
	JEQ(ICMP6_MPS, 0, 1),
	ACCEPT,
	DROP,
	/* a packet in the tunnel */
	LD8_IND(OFF_NEXT_HEADER),
	JEQ(IPPROTO_ICMPV6, 0, 3),
	LD8_IND(OFF_ICMP_TYPE),
	JEQ(ICMP6_MPS, 0, 1),
	ACCEPT,
	DROP,
};

static struct sock_filter filter_hao[] = {
	LD_PKTTYPE,
	JGT(2, 7, 0),
	LD8(OFF_NEXT_HEADER),
	JEQ(IPPROTO_DSTOPTS, 0, 5),
	LD8(OFF_BEHIND),
	JEQ(IPPROTO_IPV6, 3, 0),
	JEQ(IPPROTO_ESP, 2, 0),
	JEQ(IPPROTO_AH, 1, 0),
	JEQ(IPPROTO_MH, 0, 1),
	DROP,
	ACCEPT,
};

/* Behind one routing header, for a mobile node. */
static struct sock_filter filter_prefixes[] = {
	LD_PKTTYPE,
	JGT(2, 7, 0),
	LD8(OFF_NEXT_HEADER),
	JEQ(IPPROTO_ROUTING, 0, 5),
	LD8(OFF_BEHIND),
	JEQ(IPPROTO_ICMPV6, 0, 3),
	LD8(OFF_BEHIND_TYPE2),
	JEQ(ICMP6_MPA, 0, 1),
	ACCEPT,
	DROP,
};

static struct sock_filter filter_home_agents[] = {
	LD_PKTTYPE,
	JGT(2, 4, 0),
	LD8(OFF_NEXT_HEADER),
	JEQ(IPPROTO_ICMPV6, 0, 2),
	LD8(OFF_ICMP_TYPE),
	JEQ(ICMP6_DHAAD_REPLY, 1, 0),
	DROP,
	ACCEPT,
};

/* Most packets that pass through are nothing of the kind: they shall not cost a look at each
 * address. */
static struct sock_filter filter_front[] = {
	LD8(OFF_NEXT_HEADER),
	JEQ(IPPROTO_MH, 4, 0),
	JEQ(IPPROTO_DSTOPTS, 3, 0),
	JEQ(IPPROTO_ROUTING, 2, 0),
	JEQ(IPPROTO_HOPOPTS, 1, 0),
	DROP,
};

/*
 * Behind that, for the destination to be one of several. What follows each address is an
 * unconditional jump, for those of the conditions reach no farther than 255 instructions.
 */
#define LD32(off)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (off))
#define OFF_DST		24
#define FRONT_LEN	(sizeof(filter_front) / sizeof(filter_front[0]))
#define TO_LEN		9
#define MH_LEN		(sizeof(filter_mh) / sizeof(filter_mh[0]))

static void to_address(struct sock_filter *f, const struct in6_addr *a, unsigned int behind)
{
	uint32_t w[4];

	memcpy(w, a, sizeof(w));
	/* The interface identifier first: there the addresses of one network differ. */
	for (unsigned int i = 0; i < 4; i++) {
		unsigned int at = 3 - i;

		f[2 * i] = (struct sock_filter)LD32(OFF_DST + 4 * at);
		f[2 * i + 1] = (struct sock_filter)JEQ(ntohl(w[at]), 0,
						       (uint8_t)(TO_LEN - 2 - 2 * i));
	}
	f[TO_LEN - 1] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, behind);
}

int pkt_only_to(struct pkt *p, const struct in6_addr *addrs, unsigned int n)
{
	struct sock_filter all[FRONT_LEN + PKT_DESTINATIONS * TO_LEN + 1 + MH_LEN];
	struct sock_filter *f = all;
	struct sock_fprog prog = { .filter = all };

	if (n > PKT_DESTINATIONS)
		return -E2BIG;
	memcpy(f, filter_front, sizeof(filter_front));
	f += FRONT_LEN;
	for (unsigned int i = 0; i < n; i++, f += TO_LEN)
		to_address(f, &addrs[i], (n - 1 - i) * TO_LEN + 1);
	*f++ = (struct sock_filter)DROP;
	memcpy(f, filter_mh, sizeof(filter_mh));
	prog.len = (unsigned short)(f - all + (ptrdiff_t)MH_LEN);
	return setsockopt(p->fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0 ? -errno :
	       0;
}

static struct sock_fprog filter_of(enum pkt_kind kind)
{
	struct sock_fprog p = { 0 };

	switch (kind) {
	case PKT_MH:
		p.filter = filter_mh;
		p.len = sizeof(filter_mh) / sizeof(filter_mh[0]);
		break;
	case PKT_DISCOVERY:
		p.filter = filter_discovery;
		p.len = sizeof(filter_discovery) / sizeof(filter_discovery[0]);
		break;
	case PKT_PREFIXES:
		p.filter = filter_prefixes;
		p.len = sizeof(filter_prefixes) / sizeof(filter_prefixes[0]);
		break;
	case PKT_HAO:
		p.filter = filter_hao;
		p.len = sizeof(filter_hao) / sizeof(filter_hao[0]);
		break;
	case PKT_HOME_AGENTS:
		p.filter = filter_home_agents;
		p.len = sizeof(filter_home_agents) / sizeof(filter_home_agents[0]);
		break;
	case PKT_ND_HOST:
		p.filter = filter_nd_host;
		p.len = sizeof(filter_nd_host) / sizeof(filter_nd_host[0]);
		break;
	case PKT_ND_ROUTER:
		p.filter = filter_nd_router;
		p.len = sizeof(filter_nd_router) / sizeof(filter_nd_router[0]);
		break;
	case PKT_UPDATE_ERROR:
		p.filter = filter_update_error;
		p.len = sizeof(filter_update_error) / sizeof(filter_update_error[0]);
		break;
	case PKT_TUNNEL_ERROR:
		p.filter = filter_tunnel_error;
		p.len = sizeof(filter_tunnel_error) / sizeof(filter_tunnel_error[0]);
		break;
	}
	return p;
}

/*
 * Where packets are read into, for all sockets: their callbacks do not read in turn. Only
 * the pages that packets really fill are ever touched.
 */
static uint8_t rooms[RX_BATCH][PACKET_ROOM];

struct batch {
	struct mmsghdr msgs[RX_BATCH];
	struct iovec iovs[RX_BATCH];
	struct sockaddr_ll from[RX_BATCH];
};

/* How many were read; 0: none, or a device went down and the next read works. */
static int read_batch(int fd, struct batch *b)
{
	int n;

	for (unsigned int i = 0; i < RX_BATCH; i++) {
		b->iovs[i] = (struct iovec){ rooms[i], PACKET_ROOM };
		b->from[i] = (struct sockaddr_ll){ 0 };
		b->msgs[i].msg_hdr = (struct msghdr){
			.msg_name = &b->from[i], .msg_namelen = sizeof(b->from[i]),
			.msg_iov = &b->iovs[i], .msg_iovlen = 1,
		};
	}
	n = recvmmsg(fd, b->msgs, RX_BATCH, MSG_DONTWAIT, NULL);
	return n < 0 ? 0 : n;
}

static void deliver(struct pkt *p, const uint8_t *data, size_t len, const struct sockaddr_ll *from)
{
	struct pkt_rx rx = {
		.ifindex = from->sll_ifindex, .data = data, .len = len, .behind = p->behind,
	};
	size_t whole;

	if (len < sizeof(struct ip6_hdr))
		return;
	/* Ethernet pads short frames: what is behind the payload length is not the packet. */
	whole = sizeof(struct ip6_hdr) + (((size_t)data[4] << 8) | data[5]);
	if (rx.len > whole)
		rx.len = whole;
	if (from->sll_halen == sizeof(rx.mac))
		memcpy(rx.mac, from->sll_addr, sizeof(rx.mac));
	p->fn(p->ctx, &rx);
}

static void on_readable(void *ctx)
{
	struct pkt *p = ctx;
	bool closed = false;
	struct batch b;
	int n = read_batch(p->fd, &b);

	p->behind = n == RX_BATCH ? p->behind + 1 : 0;
	p->closed = &closed;
	for (int i = 0; i < n; i++) {
		deliver(p, rooms[i], b.msgs[i].msg_len, &b.from[i]);
		if (closed)
			return;
	}
	p->closed = NULL;
}

static void big_buffer(int fd)
{
	int size = RX_BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

/* Protocol 0 until the filter stands: nothing unfiltered gets in. */
static int open_packet(enum pkt_kind kind)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1, err;
	const struct sock_fprog filter = filter_of(kind);
	const struct sockaddr_ll all = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IPV6),
	};

	if (fd < 0)
		return -errno;
	big_buffer(fd);
	(void)setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0 ||
	    bind(fd, (const struct sockaddr *)&all, sizeof(all)) < 0) {
		err = -errno;
		(void)close(fd);
		return err;
	}
	return fd;
}

static int open_raw(void)
{
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
	int one = 1, err;

	if (fd < 0)
		return -errno;
	/* The packet's own source selects the route, also one that is still tentative. */
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &one, sizeof(one)) < 0) {
		err = -errno;
		(void)close(fd);
		return err;
	}
	return fd;
}

int pkt_open(struct loop *l, enum pkt_kind kind, void (*fn)(void *ctx, const struct pkt_rx *rx),
	     void *ctx, struct pkt **ret)
{
	struct pkt *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->fn = fn;
	p->ctx = ctx;
	p->raw_fd = -1;
	err = p->fd = open_packet(kind);
	if (err >= 0)
		err = p->raw_fd = open_raw();
	if (err >= 0)
		err = loop_io_add(l, p->fd, on_readable, p, &p->io);
	if (err < 0) {
		pkt_close(p);
		return err;
	}
	*ret = p;
	return 0;
}

void pkt_close(struct pkt *p)
{
	if (!p)
		return;
	if (p->closed)
		*p->closed = true;
	loop_io_del(p->io);
	if (p->fd >= 0)
		(void)close(p->fd);
	if (p->raw_fd >= 0)
		(void)close(p->raw_fd);
	free(p->queue);
	free(p);
}

uint64_t pkt_lost(struct pkt *p)
{
	struct tpacket_stats now = { 0 };
	socklen_t len = sizeof(now);

	/* The kernel starts anew at each question. */
	if (getsockopt(p->fd, SOL_PACKET, PACKET_STATISTICS, &now, &len) == 0)
		p->lost += now.tp_drops;
	return p->lost;
}

int pkt_all_multicast(struct pkt *p, int ifindex)
{
	const struct packet_mreq m = { .mr_ifindex = ifindex, .mr_type = PACKET_MR_ALLMULTI };

	return setsockopt(p->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof(m)) < 0 ? -errno :
	       0;
}

int pkt_send_link(struct pkt *p, int ifindex, const uint8_t mac[6], const void *data, size_t len)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IPV6),
		.sll_ifindex = ifindex, .sll_halen = 6,
	};

	memcpy(to.sll_addr, mac, 6);
	if (sendto(p->fd, data, len, MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return 0;
}

/* A message to the raw socket: the packet, and by which source it is to be routed. */
struct routed {
	struct sockaddr_in6 to;
	struct iovec iov;
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control;
};

static int prepare(struct routed *r, struct msghdr *msg, const void *data, size_t len)
{
	struct in6_pktinfo info = { 0 };
	struct cmsghdr *c = &r->control.align;
	struct ip6_hdr ip6;

	if (len < sizeof(ip6))
		return -EINVAL;
	memcpy(&ip6, data, sizeof(ip6));
	r->to = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = ip6.ip6_dst };
	r->iov = (struct iovec){ (void *)(uintptr_t)data, len };
	info.ipi6_addr = ip6.ip6_src;	/* rules "from SOURCE" are to match */
	memset(&r->control, 0, sizeof(r->control));
	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	*msg = (struct msghdr){
		.msg_name = &r->to, .msg_namelen = sizeof(r->to), .msg_iov = &r->iov,
		.msg_iovlen = 1, .msg_control = r->control.room,
		.msg_controllen = sizeof(r->control.room),
	};
	return 0;
}

int pkt_send_routed(struct pkt *p, const void *data, size_t len)
{
	struct msghdr msg;
	struct routed r;
	int err = prepare(&r, &msg, data, len);

	if (err < 0)
		return err;
	return sendmsg(p->raw_fd, &msg, MSG_DONTWAIT) < 0 ? -errno : 0;
}

struct queue {
	unsigned int n, failed;
	struct mmsghdr msgs[TX_BATCH];
	struct routed routed[TX_BATCH];
	uint8_t rooms[TX_BATCH][PKT_QUEUED_MAX];
};

static void send_queued(struct pkt *p)
{
	struct queue *q = p->queue;

	for (unsigned int at = 0; at < q->n;) {
		int n = sendmmsg(p->raw_fd, q->msgs + at, q->n - at, MSG_DONTWAIT);

		if (n > 0) {
			at += (unsigned int)n;
		} else {		/* that one cannot be sent; the next may */
			q->failed++;
			at++;
		}
	}
	q->n = 0;
}

int pkt_queue_routed(struct pkt *p, const void *data, size_t len)
{
	struct queue *q = p->queue;
	int err;

	if (len > PKT_QUEUED_MAX)
		return -EMSGSIZE;
	if (!q)
		q = p->queue = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	memcpy(q->rooms[q->n], data, len);
	err = prepare(&q->routed[q->n], &q->msgs[q->n].msg_hdr, q->rooms[q->n], len);
	if (err < 0)
		return err;
	if (++q->n == TX_BATCH)
		send_queued(p);
	return 0;
}

unsigned int pkt_flush(struct pkt *p)
{
	struct queue *q = p->queue;
	unsigned int failed;

	if (!q)
		return 0;
	send_queued(p);
	failed = q->failed;
	q->failed = 0;
	return failed;
}
