/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_diag(7) by libmnl: which local IPv6 addresses have sockets, and word when one is
 * destroyed. Called by io.c and ctl.c of the MN; what a flow means is decided in its flows.c.
 *
 * Who asks for a few addresses is to pay for their sockets alone, so the kernel compares
 * (INET_DIAG_REQ_BYTECODE); of a hundred thousand others nothing is copied.
 */
#include "common/sys/diag.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/core/log.h"
#include "common/sys/diag_proc.h"
#include "common/sys/nl.h"

#define RX_ROOM		32768
#define RX_BATCH	64
#define RX_BUFFER	(1024 * 1024)

/* One comparison of the kernel's little language, and how to end after it. */
struct compare {
	struct inet_diag_bc_op op;
	uint8_t family;			/* from here struct inet_diag_hostcond */
	uint8_t prefix_len;
	int32_t port;			/* -1: any */
	struct in6_addr addr;
	struct inet_diag_bc_op accept;
};
#define COMPARE_LEN	offsetof(struct compare, accept)
_Static_assert(sizeof(struct compare) == 32 && COMPARE_LEN == 28 &&
	       offsetof(struct compare, addr) - offsetof(struct compare, family) ==
	       offsetof(struct inet_diag_hostcond, addr), "as the kernel reads it");

enum { P_TCP, P_UDP, P_UDPLITE, P_SCTP, P_DCCP, P_MAX };

/* proc: asked for only if that stands in /proc/net/protocols; NULL: always. */
static const struct {
	uint8_t number;
	const char *name, *proc;
} protocols[P_MAX] = {
	[P_TCP] = { IPPROTO_TCP, "TCP", NULL },
	[P_UDP] = { IPPROTO_UDP, "UDP", NULL },
	[P_UDPLITE] = { IPPROTO_UDPLITE, "UDP-Lite", "UDPLITEv6" },
	[P_SCTP] = { IPPROTO_SCTP, "SCTP", "SCTPv6" },
	[P_DCCP] = { IPPROTO_DCCP, "DCCP", "DCCPv6" },
};

struct diag {
	struct nl *nl;
	struct mnl_socket *events;	/* destroy notifications; NULL: the kernel has none */
	bool watching;
	bool overrun;			/* some were lost */
	struct loop_io *io;
	const struct diag_ops *ops;
	void *ctx;
	bool *closed;
	unsigned int unlisted;		/* 1 << P_... */
	union {
		struct nlmsghdr align;
		uint8_t room[RX_ROOM];
	} rx;
};

/* In the message the addresses stand as four words in network order. */
static void take_addr(struct in6_addr *dst, const __be32 src[4])
{
	memcpy(dst, src, sizeof(*dst));
}

static bool has_own_address(const struct diag_flow *f)
{
	return !in6_is_any(&f->local) && !IN6_IS_ADDR_V4MAPPED(&f->local);
}

/* False for what is no socket over IPv6. */
static bool take_flow(const struct nlmsghdr *nlh, const struct nlattr **tb, struct diag_flow *f)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*m) || m->idiag_family != AF_INET6)
		return false;
	take_addr(&f->local, m->id.idiag_src);
	take_addr(&f->remote, m->id.idiag_dst);
	f->local_port = ntohs(m->id.idiag_sport);
	f->remote_port = ntohs(m->id.idiag_dport);
	f->state = m->idiag_state;
	f->inode = m->idiag_inode;
	f->uid = m->idiag_uid;
	f->cookie = (uint64_t)m->id.idiag_cookie[1] << 32 | m->id.idiag_cookie[0];
	nl_attrs(nlh, sizeof(*m), tb, INET_DIAG_MAX);
	(void)nl_get(tb[INET_DIAG_PROTOCOL], &f->protocol, sizeof(f->protocol));
	(void)nl_get(tb[INET_DIAG_CGROUP_ID], &f->cgroup, sizeof(f->cgroup));
	return true;
}

struct dump {
	const struct diag_query *q;
	bool (*fn)(void *ctx, const struct diag_flow *f);
	void *ctx;
	uint8_t protocol;
	bool more;
};

static bool is_wanted(const struct diag_query *q, const struct in6_addr *local)
{
	for (unsigned int n = 0; n < q->n_locals; n++)
		if (in6_eq(&q->locals[n], local))
			return true;
	return q->n_locals == 0;
}

static bool pass_on(void *ctx, const struct diag_flow *f)
{
	struct dump *d = ctx;

	return !is_wanted(d->q, &f->local) || d->fn(d->ctx, f);
}

/* An SCTP association has several addresses at once (RFC 9260 5.1.2): a flow on each. */
static void on_association(struct dump *d, struct diag_flow *f, const struct nlattr *locals)
{
	size_t n = mnl_attr_get_payload_len(locals) / sizeof(struct sockaddr_storage);
	const uint8_t *at = mnl_attr_get_payload(locals);

	for (size_t i = 0; i < n && d->more; i++) {
		struct sockaddr_in6 sa;

		memcpy(&sa, at + i * sizeof(struct sockaddr_storage), sizeof(sa));
		f->local = sa.sin6_addr;
		if (sa.sin6_family == AF_INET6 && has_own_address(f))
			d->more = pass_on(d, f);
	}
}

/* 1: enough. */
static int on_socket(const struct nlmsghdr *nlh, void *ctx)
{
	struct dump *d = ctx;
	struct diag_flow f = { .protocol = d->protocol };
	const struct nlattr *tb[INET_DIAG_MAX + 1];

	if (!take_flow(nlh, tb, &f))
		return 0;
	if (tb[INET_DIAG_LOCALS])
		on_association(d, &f, tb[INET_DIAG_LOCALS]);
	else if (has_own_address(&f))
		d->more = pass_on(d, &f);
	return d->more ? 0 : 1;
}

/* Each address is compared in turn: if it is the one, on to the end, which accepts; if the
 * last one is not, beyond it. */
static void put_filter(struct nlmsghdr *nlh, const struct in6_addr *locals, unsigned int n)
{
	struct compare code[DIAG_LOCALS_MAX];
	size_t len = n * sizeof(code[0]) - sizeof(code[0].accept);

	for (unsigned int i = 0; i < n; i++) {
		struct compare *c = &code[i];
		bool last = i + 1 == n;

		*c = (struct compare){
			.op = { .code = INET_DIAG_BC_S_COND, .yes = COMPARE_LEN,
				.no = last ? COMPARE_LEN + 4 : sizeof(*c) },
			.family = AF_INET6, .prefix_len = 128, .port = -1,
			.addr = locals[i],
			.accept = { .code = INET_DIAG_BC_JMP, .yes = sizeof(c->accept),
				    .no = (uint16_t)(len - i * sizeof(*c) - COMPARE_LEN) },
		};
	}
	mnl_attr_put(nlh, INET_DIAG_REQ_BYTECODE, len, code);
}

static int dump_protocol(struct diag *d, struct dump *state)
{
	struct nlmsghdr *nlh = nl_message(d->nl, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
	struct inet_diag_req_v2 *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	int err;

	m->sdiag_family = AF_INET6;
	m->sdiag_protocol = state->protocol;
	m->idiag_states = state->protocol == IPPROTO_TCP ? state->q->tcp_states : UINT32_MAX;
	if (state->q->n_locals > 0)
		put_filter(nlh, state->q->locals, state->q->n_locals);
	err = nl_stream(d->nl, nlh, on_socket, state);
	if (err <= 0)
		return err;
	/* Enough, but the kernel would go on for as long as it is listened to. */
	nl_free(d->nl);
	d->nl = NULL;
	return nl_open(NETLINK_SOCK_DIAG, &d->nl);
}

static void say_unlisted(struct diag *d, unsigned int p, int err)
{
	if (d->unlisted & 1u << p)
		return;
	d->unlisted |= 1u << p;
	log_warn("the kernel does not list %s sockets (%s): addresses that only they use are not "
		 "kept", protocols[p].name, strerror(-err));
}

const char *diag_unlisted(const struct diag *d)
{
	static char text[64];
	size_t len = 0;

	text[0] = '\0';
	for (unsigned int p = 0; p < P_MAX; p++)
		if (d->unlisted & 1u << p)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
						len ? ", " : "", protocols[p].name);
	return text;
}

int diag_dump(struct diag *d, const struct diag_query *q,
	      bool (*fn)(void *ctx, const struct diag_flow *f), void *ctx)
{
	struct dump state = { .q = q, .fn = fn, .ctx = ctx, .more = true };

	if (q->n_locals > DIAG_LOCALS_MAX)
		return -E2BIG;
	if (!d->nl) {
		int err = nl_open(NETLINK_SOCK_DIAG, &d->nl);

		if (err < 0)
			return err;
	}
	for (unsigned int p = 0; p < P_MAX && state.more; p++) {
		int err;

		if (protocols[p].proc && !diag_proc_has(protocols[p].proc))
			continue;
		state.protocol = protocols[p].number;
		err = dump_protocol(d, &state);
		if (err == 0)
			d->unlisted &= ~(1u << p);
		else if (protocols[p].proc && d->nl)
			say_unlisted(d, p, err);
		else
			return err;
	}
	return diag_proc_dump(pass_on, &state, &state.more);
}

int diag_end(struct diag *d, const struct diag_flow *f)
{
	struct inet_diag_req_v2 *m;
	struct nlmsghdr *nlh;

	if (!d->nl)
		return -ENOTCONN;
	nlh = nl_message(d->nl, SOCK_DESTROY, NLM_F_ACK);
	m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	m->sdiag_family = AF_INET6;
	m->sdiag_protocol = f->protocol;
	m->idiag_states = UINT32_MAX;
	m->id.idiag_sport = htons(f->local_port);
	m->id.idiag_dport = htons(f->remote_port);
	memcpy(m->id.idiag_src, &f->local, sizeof(f->local));
	memcpy(m->id.idiag_dst, &f->remote, sizeof(f->remote));
	m->id.idiag_cookie[0] = (uint32_t)f->cookie;
	m->id.idiag_cookie[1] = (uint32_t)(f->cookie >> 32);
	return nl_request(d->nl, nlh);
}

static void on_datagram(struct diag *d, size_t len, const bool *closed)
{
	const struct nlmsghdr *nlh = &d->rx.align;
	int left = (int)len;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		const struct nlattr *tb[INET_DIAG_MAX + 1];
		struct diag_flow f = { 0 };

		if (take_flow(nlh, tb, &f) && has_own_address(&f))
			d->ops->destroyed(d->ctx, &f);
		if (*closed)
			return;
	}
}

/* Until all that is queued has been read the kernel drops further ones, and says so no second
 * time: who looked before would miss those. */
static void on_readable(void *ctx)
{
	struct diag *d = ctx;
	bool closed = false, more = true;

	d->closed = &closed;
	for (int i = 0; i < RX_BATCH && more; i++) {
		struct sockaddr_nl from = { 0 };
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(mnl_socket_get_fd(d->events), d->rx.room, sizeof(d->rx.room),
				     MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);

		more = n >= 0 || errno != EAGAIN;
		d->overrun |= n < 0 && errno == ENOBUFS;
		if (n < 0 || from.nl_pid != 0)
			continue;
		on_datagram(d, (size_t)n, &closed);
		if (closed)
			return;
	}
	d->closed = NULL;
	if (more || !d->overrun)
		return;		/* the rest in the next turn of the loop */
	d->overrun = false;
	d->ops->lost(d->ctx);
}

static int join(struct diag *d, int what)
{
	static const int groups[] = { SKNLGRP_INET6_TCP_DESTROY, SKNLGRP_INET6_UDP_DESTROY };

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (mnl_socket_setsockopt(d->events, what, (void *)(uintptr_t)&groups[i],
					  sizeof(groups[i])) < 0)
			return -errno;
	return 0;
}

static int open_events(struct diag *d, struct loop *l)
{
	int size = RX_BUFFER, fd, err;

	d->events = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!d->events)
		return -errno;
	fd = mnl_socket_get_fd(d->events);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	err = mnl_socket_bind(d->events, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
	if (err == 0)
		err = join(d, NETLINK_ADD_MEMBERSHIP);
	if (err == 0)
		err = loop_io_add(l, fd, on_readable, d, &d->io);
	if (err < 0) {
		(void)mnl_socket_close(d->events);
		d->events = NULL;
	}
	d->watching = err == 0;
	return err;
}

int diag_open(struct loop *l, const struct diag_ops *ops, void *ctx, struct diag **ret)
{
	struct diag *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return -ENOMEM;
	d->ops = ops;
	d->ctx = ctx;
	err = nl_open(NETLINK_SOCK_DIAG, &d->nl);
	if (err < 0) {
		free(d);
		return err;
	}
	/* Without the notifications the caller's slow re-dump does it alone. */
	if (ops)
		(void)open_events(d, l);
	*ret = d;
	return 0;
}

void diag_close(struct diag *d)
{
	if (!d)
		return;
	if (d->closed)
		*d->closed = true;
	loop_io_del(d->io);
	if (d->events)
		(void)mnl_socket_close(d->events);
	nl_free(d->nl);
	free(d);
}

bool diag_has_destroy(const struct diag *d)
{
	return d->events != NULL;
}

void diag_watch(struct diag *d, bool on)
{
	if (!d->events || d->watching == on)
		return;
	d->watching = on;
	if (join(d, on ? NETLINK_ADD_MEMBERSHIP : NETLINK_DROP_MEMBERSHIP) < 0)
		log_warn("notifications of sockets that end: %s", strerror(errno));
}
