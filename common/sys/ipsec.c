/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A raw socket for Mobility Headers whose own policy wants ESP in transport mode, both ways,
 * and the kernel's states that go with it (RFC 3776 3.1 and 4.1: the Home Address option and
 * the type 2 routing header stand before ESP, and the security association is that of the
 * home address). Owns the socket and all states of the protocols `hao' and `route2' in this
 * network namespace; called by io.c of both daemons.
 *
 * The policy is the socket's, not one of the namespace's: nobody else can remove it, it ends
 * with the daemon, and an IKE daemon's policies are not touched. The kernel looks at it for
 * each packet, and at the selector of the security association, which has the home address: by
 * that no mobile node can speak for another one's home address.
 */
#include "common/sys/ipsec.h"

#include <errno.h>
#include <linux/xfrm.h>
#include <netinet/ip6.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/sys/file.h"
#include "common/sys/nl.h"
#include "common/wire/mh.h"
#include "common/wire/mhsock.h"

#define PER_TURN	64
#define ROOM		4096
#define RX_BUFFER	(1024 * 1024)
#define STATISTICS	"/proc/net/xfrm_stat"
#define STATISTICS_MAX	4096
#define PRIORITY	1000
#define PROBE_SPI	0x646d6970

struct ipsec {
	enum ipsec_role role;
	int fd;
	struct loop_io *io;
	struct nl *nl;
	void (*fn)(void *ctx, int ifindex, const uint8_t *data, size_t len);
	void *ctx;
	uint64_t received;
	uint8_t room[ROOM], packet[ROOM + 128];
};

static const struct in6_addr any;

/* ---- policies ---- */

struct policy {
	struct xfrm_userpolicy_info info;
	struct xfrm_user_tmpl tmpls[2];
};

static struct xfrm_user_tmpl tmpl(uint8_t proto, bool optional)
{
	bool esp = proto == IPPROTO_ESP;

	return (struct xfrm_user_tmpl){
		.id.proto = proto, .family = AF_INET6, .reqid = esp ? IPSEC_REQID : 0,
		.mode = esp ? XFRM_MODE_TRANSPORT : XFRM_MODE_ROUTEOPTIMIZATION,
		.optional = optional, .aalgos = UINT32_MAX, .ealgos = UINT32_MAX,
		.calgos = UINT32_MAX,
	};
}

static const struct xfrm_lifetime_cfg forever = {
	.soft_byte_limit = XFRM_INF, .hard_byte_limit = XFRM_INF,
	.soft_packet_limit = XFRM_INF, .hard_packet_limit = XFRM_INF,
};

/* For every Mobility Header of the socket: ESP, and outside of it what moves addresses (0:
 * nothing). */
static int set_policy(int fd, uint8_t dir, uint8_t outer, bool optional)
{
	struct policy p = {
		.info = {
			.sel = { .family = AF_INET6, .proto = MH_NEXT_HEADER }, .lft = forever,
			.priority = PRIORITY, .dir = dir, .action = XFRM_POLICY_ALLOW,
			.share = XFRM_SHARE_ANY,
		},
		.tmpls = { tmpl(IPPROTO_ESP, false) },
	};
	socklen_t len = sizeof(p) - (outer == 0 ? sizeof(p.tmpls[1]) : 0);

	if (outer != 0)
		p.tmpls[1] = tmpl(outer, optional);
	return setsockopt(fd, IPPROTO_IPV6, IPV6_XFRM_POLICY, &p, len) < 0 ? -errno : 0;
}

/* ---- states that move addresses ---- */

static int put_state(struct nl *nl, uint16_t type, uint8_t proto, const struct in6_addr *from,
		     const struct in6_addr *to, const struct in6_addr *coa)
{
	struct nlmsghdr *nlh = nl_message(nl, type, NLM_F_CREATE | NLM_F_EXCL);
	struct xfrm_usersa_info *i = mnl_nlmsg_put_extra_header(nlh, sizeof(*i));

	memcpy(&i->saddr, from, sizeof(*from));
	memcpy(&i->id.daddr, to, sizeof(*to));
	i->id.proto = proto;
	i->family = i->sel.family = AF_INET6;
	i->mode = XFRM_MODE_ROUTEOPTIMIZATION;
	i->flags = in6_is_any(from) ? XFRM_STATE_WILDRECV : 0;
	i->lft = forever;
	mnl_attr_put(nlh, XFRMA_COADDR, sizeof(*coa), coa);
	return nl_request(nl, nlh);
}

/* What arrives with the option, or the header, from and to whomever: it counts only if it is
 * followed by ESP, and that is what the socket's policy sees to. */
static int take_any(struct nl *nl, uint8_t proto)
{
	int err = put_state(nl, XFRM_MSG_NEWSA, proto, &any, &any, &any);

	return err == -EEXIST ? 0 : err;
}

/* What is sent from the home address leaves from the care-of address, with the option. */
static int move_from(struct nl *nl, const struct in6_addr *hoa, const struct in6_addr *ha,
		     const struct in6_addr *coa)
{
	int err = put_state(nl, XFRM_MSG_UPDSA, IPPROTO_DSTOPTS, hoa, ha, coa);

	if (err == -ESRCH)
		err = put_state(nl, XFRM_MSG_NEWSA, IPPROTO_DSTOPTS, hoa, ha, coa);
	return err;
}

/* Has the kernel ESP? It says so only when it is asked for a state, for which one without keys
 * will do; -EPROTONOSUPPORT: it has not. */
static int probe_esp(struct nl *nl)
{
	static const struct in6_addr here = IN6ADDR_LOOPBACK_INIT;
	const struct xfrm_algo cipher = { .alg_name = "ecb(cipher_null)" };
	const struct xfrm_algo digest = { .alg_name = "digest_null" };
	struct nlmsghdr *nlh = nl_message(nl, XFRM_MSG_NEWSA, NLM_F_CREATE | NLM_F_EXCL);
	struct xfrm_usersa_info *i = mnl_nlmsg_put_extra_header(nlh, sizeof(*i));
	struct xfrm_usersa_id *id;
	int err;

	memcpy(&i->saddr, &here, sizeof(here));
	memcpy(&i->id.daddr, &here, sizeof(here));
	i->id.proto = IPPROTO_ESP;
	i->id.spi = htonl(PROBE_SPI);
	i->family = i->sel.family = AF_INET6;
	i->mode = XFRM_MODE_TRANSPORT;
	i->lft = forever;
	mnl_attr_put(nlh, XFRMA_ALG_CRYPT, sizeof(cipher), &cipher);
	mnl_attr_put(nlh, XFRMA_ALG_AUTH, sizeof(digest), &digest);
	err = nl_request(nl, nlh);
	if (err < 0)
		return err == -EPROTONOSUPPORT ? err : 0;	/* it is not ESP that it lacks */
	nlh = nl_message(nl, XFRM_MSG_DELSA, 0);
	id = mnl_nlmsg_put_extra_header(nlh, sizeof(*id));
	memcpy(&id->daddr, &here, sizeof(here));
	id->spi = htonl(PROBE_SPI);
	id->family = AF_INET6;
	id->proto = IPPROTO_ESP;
	return nl_request(nl, nlh);
}

static int count_state(const struct nlmsghdr *nlh, void *ctx)
{
	const struct xfrm_usersa_info *i = mnl_nlmsg_get_payload(nlh);
	int *n = ctx;

	if (nlh->nlmsg_type == XFRM_MSG_NEWSA &&
	    mnl_nlmsg_get_payload_len(nlh) >= sizeof(*i) &&
	    (i->id.proto == IPPROTO_DSTOPTS || i->id.proto == IPPROTO_ROUTING))
		++*n;
	return 0;
}

static int flush(struct nl *nl, uint8_t proto)
{
	struct nlmsghdr *nlh = nl_message(nl, XFRM_MSG_FLUSHSA, 0);
	struct xfrm_usersa_flush *f = mnl_nlmsg_put_extra_header(nlh, sizeof(*f));

	f->proto = proto;
	return nl_request(nl, nlh);
}

static int flush_all(struct nl *nl)
{
	int err = flush(nl, IPPROTO_DSTOPTS), second = flush(nl, IPPROTO_ROUTING);

	return err < 0 ? err : second;
}

int ipsec_cleanup(void)
{
	struct nlmsghdr *nlh;
	struct nl *nl;
	int n = 0, err = nl_open(NETLINK_XFRM, &nl);

	if (err < 0)
		return err == -EPROTONOSUPPORT ? 0 : err;
	nlh = nl_message(nl, XFRM_MSG_GETSA, NLM_F_DUMP);
	err = nl_query(nl, nlh, count_state, &n);
	if (err == 0 && n > 0)
		err = flush_all(nl);
	nl_free(nl);
	return err < 0 ? err : n;
}

/* ---- receiving ---- */

static void note(struct mhsock_rx *rx, int *ifindex, const struct cmsghdr *c)
{
	size_t len = c->cmsg_len - CMSG_LEN(0);
	struct in6_pktinfo info;

	if (c->cmsg_level != IPPROTO_IPV6)
		return;
	switch (c->cmsg_type) {
	case IPV6_PKTINFO:
		if (len < sizeof(info))
			return;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		rx->dst = info.ipi6_addr;
		*ifindex = (int)info.ipi6_ifindex;
		return;
	case IPV6_DSTOPTS:
		rx->has_hao_coa |= mhsock_hao(CMSG_DATA(c), len, &rx->hao_coa);
		return;
	case IPV6_RTHDR:
		rx->has_rh2_coa |= mhsock_rh2(CMSG_DATA(c), len, &rx->rh2_coa);
		return;
	}
}

/* False: there is no more. */
static bool receive_one(struct ipsec *s)
{
	union {
		struct cmsghdr align;
		uint8_t room[1024];
	} control;
	struct sockaddr_in6 from = { 0 };
	struct iovec iov = { s->room, sizeof(s->room) };
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(s->fd, &msg, MSG_DONTWAIT);
	struct mhsock_rx rx = { 0 };
	int ifindex = 0;
	struct wbuf w;

	if (n < 0)
		return errno == EINTR;
	/* Cut off, it might lack the option that says from where it came. */
	if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return true;
	rx.src = from.sin6_addr;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		note(&rx, &ifindex, c);
	wb_init(&w, s->packet, sizeof(s->packet));
	if (mhsock_packet(&w, &rx, s->room, (size_t)n) < 0)
		return true;
	s->received++;
	s->fn(s->ctx, ifindex, w.base, w.len);
	return true;
}

static void on_readable(void *ctx)
{
	for (int i = 0; i < PER_TURN && receive_one(ctx); i++)
		;
}

/* ---- sending ---- */

bool ipsec_wants(const void *packet, size_t len)
{
	struct ip6_packet ip;

	return mhsock_is_protected(packet, len, &ip);
}

/* The type 2 routing header as the kernel wants it: it exchanges the addresses itself. */
struct rh2 {
	uint8_t next_header, len, type, segments_left;
	uint32_t reserved;
	struct in6_addr first_hop;
};

static void put_control(struct msghdr *msg, int type, const void *data, size_t len)
{
	struct cmsghdr *c = (struct cmsghdr *)((uint8_t *)msg->msg_control + msg->msg_controllen);

	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	msg->msg_controllen += CMSG_SPACE(len);
}

static int send_mh(struct ipsec *s, const struct ip6_packet *ip, int ifindex, const void *packet)
{
	const struct in6_pktinfo info = {
		.ipi6_addr = *ip6_cksum_src(ip), .ipi6_ifindex = (unsigned int)ifindex,
	};
	const struct rh2 rh2 = {
		.len = 2, .type = IP6_RH_TYPE2, .segments_left = 1, .first_hop = ip->dst,
	};
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_addr = *ip6_cksum_dst(ip) };
	struct iovec iov = { (uint8_t *)(uintptr_t)packet + ip->payload_off, ip->payload_len };
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(sizeof(info)) + CMSG_SPACE(sizeof(rh2))];
	} control = { .room = { 0 } };
	struct msghdr msg = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control,
	};

	put_control(&msg, IPV6_PKTINFO, &info, sizeof(info));
	if (ip->has_rh2)
		put_control(&msg, IPV6_RTHDR, &rh2, sizeof(rh2));
	return sendmsg(s->fd, &msg, MSG_DONTWAIT) < 0 ? -errno : 0;
}

int ipsec_send(struct ipsec *s, int ifindex, const void *packet, size_t len)
{
	struct ip6_packet ip;
	int err = 0;

	if (!mhsock_is_protected(packet, len, &ip))
		return -EINVAL;
	if (s->role == IPSEC_MN)
		err = set_policy(s->fd, XFRM_POLICY_OUT, ip.has_hao ? IPPROTO_DSTOPTS : 0, false);
	if (err == 0 && ip.has_hao)
		err = move_from(s->nl, &ip.hao, &ip.dst, &ip.src);
	return err < 0 ? err : send_mh(s, &ip, ifindex, packet);
}

/* A socket that is connected looks for its way, and so for its security association. */
int ipsec_ask(struct ipsec *s, const struct in6_addr *from, const struct in6_addr *to)
{
	const struct sockaddr_in6 local = { .sin6_family = AF_INET6, .sin6_addr = *from };
	const struct sockaddr_in6 peer = { .sin6_family = AF_INET6, .sin6_addr = *to };
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, MH_NEXT_HEADER), err;

	(void)s;
	if (fd < 0)
		return -errno;
	err = set_policy(fd, XFRM_POLICY_OUT, 0, false);
	if (err == 0 && (bind(fd, (const struct sockaddr *)&local, sizeof(local)) < 0 ||
			 connect(fd, (const struct sockaddr *)&peer, sizeof(peer)) < 0))
		err = -errno;
	(void)close(fd);
	return err;
}

/* ---- statistics ---- */

uint64_t ipsec_received(const struct ipsec *s)
{
	return s->received;
}

static uint64_t value_of(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

int ipsec_refused(struct ipsec_refused *ret)
{
	char *text;
	size_t len;
	int err = file_read(STATISTICS, STATISTICS_MAX, &text, &len);

	if (err < 0)
		return err;
	*ret = (struct ipsec_refused){
		.no_state = value_of(text, "XfrmInNoStates"),
		.replayed = value_of(text, "XfrmInStateSeqError"),
		.forged = value_of(text, "XfrmInStateProtoError"),
		.other_address = value_of(text, "XfrmInStateMismatch"),
		.not_protected = value_of(text, "XfrmInTmplMismatch"),
	};
	free(text);
	return 0;
}

/* ---- life cycle ---- */

static int set_on(int fd, int option)
{
	const int one = 1;

	return setsockopt(fd, IPPROTO_IPV6, option, &one, sizeof(one)) < 0 ? -errno : 0;
}

/* The policy stands before anything can have come in that it would not have let in: raw
 * sockets are not reached by what came before they were there, and what came in between is
 * read away. */
static int open_socket(enum ipsec_role role)
{
	static const int options[] = {
		IPV6_FREEBIND, IPV6_RECVPKTINFO, IPV6_RECVDSTOPTS, IPV6_RECVRTHDR,
	};
	uint8_t outer = role == IPSEC_HA ? IPPROTO_DSTOPTS : IPPROTO_ROUTING, drop[64];
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, MH_NEXT_HEADER);
	const int size = RX_BUFFER;
	int err;

	if (fd < 0)
		return -errno;
	err = set_policy(fd, XFRM_POLICY_IN, outer, true);
	if (err == 0)
		err = set_policy(fd, XFRM_POLICY_OUT, 0, false);
	for (unsigned int i = 0; err == 0 && i < sizeof(options) / sizeof(options[0]); i++)
		err = set_on(fd, options[i]);
	if (err < 0) {
		(void)close(fd);
		return err;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	while (recv(fd, drop, sizeof(drop), MSG_DONTWAIT) >= 0)
		;
	return fd;
}

int ipsec_open(struct loop *l, enum ipsec_role role,
	       void (*fn)(void *ctx, int ifindex, const uint8_t *data, size_t len), void *ctx,
	       struct ipsec **ret)
{
	struct ipsec *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->role = role;
	s->fn = fn;
	s->ctx = ctx;
	s->fd = -1;
	err = nl_open(NETLINK_XFRM, &s->nl);
	if (err == 0)
		err = probe_esp(s->nl);
	if (err == 0)
		err = take_any(s->nl, role == IPSEC_HA ? IPPROTO_DSTOPTS : IPPROTO_ROUTING);
	if (err == 0)
		err = s->fd = open_socket(role);
	if (err >= 0)
		err = loop_io_add(l, s->fd, on_readable, s, &s->io);
	if (err < 0) {
		ipsec_close(s, true);
		return err;
	}
	*ret = s;
	return 0;
}

void ipsec_close(struct ipsec *s, bool keep)
{
	if (!s)
		return;
	loop_io_del(s->io);
	if (s->fd >= 0)
		(void)close(s->fd);
	if (s->nl && !keep)
		(void)flush_all(s->nl);
	nl_free(s->nl);
	free(s);
}
