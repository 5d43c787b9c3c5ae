/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sock_diag(7) by libmnl: which local IPv6 addresses have sockets, and word when one is
 * destroyed. Called by io.c of the MN; what a flow means is decided in its flows.c.
 */
#include "common/sys/diag.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/sys/nl.h"

#define RX_ROOM		32768
#define RX_BATCH	64
#define RX_BUFFER	(1024 * 1024)

struct diag {
	struct nl *nl;
	struct mnl_socket *events;	/* destroy notifications; NULL: the kernel has none */
	struct loop_io *io;
	const struct diag_ops *ops;
	void *ctx;
	bool *closed;
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

/* False for what is not a socket with a local IPv6 address of its own. */
static bool take_flow(const struct nlmsghdr *nlh, struct diag_flow *f)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[INET_DIAG_PROTOCOL + 1];

	if (nlh->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*m) || m->idiag_family != AF_INET6)
		return false;
	take_addr(&f->local, m->id.idiag_src);
	take_addr(&f->remote, m->id.idiag_dst);
	if (in6_is_any(&f->local) || IN6_IS_ADDR_V4MAPPED(&f->local))
		return false;
	f->local_port = ntohs(m->id.idiag_sport);
	f->remote_port = ntohs(m->id.idiag_dport);
	f->state = m->idiag_state;
	f->inode = m->idiag_inode;
	f->cookie = (uint64_t)m->id.idiag_cookie[1] << 32 | m->id.idiag_cookie[0];
	nl_attrs(nlh, sizeof(*m), tb, INET_DIAG_PROTOCOL);
	(void)nl_get(tb[INET_DIAG_PROTOCOL], &f->protocol, sizeof(f->protocol));
	return true;
}

struct dump {
	void (*fn)(void *ctx, const struct diag_flow *f);
	void *ctx;
	uint8_t protocol;
};

static int on_socket(const struct nlmsghdr *nlh, void *ctx)
{
	const struct dump *d = ctx;
	struct diag_flow f = { .protocol = d->protocol };

	if (!take_flow(nlh, &f))
		return 0;
	if (f.protocol == IPPROTO_TCP && (f.state == TCP_TIME_WAIT || f.state == TCP_CLOSE))
		return 0;
	d->fn(d->ctx, &f);
	return 0;
}

int diag_dump(struct diag *d, void (*fn)(void *ctx, const struct diag_flow *f), void *ctx)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP };
	int err = 0;

	for (size_t i = 0; i < sizeof(protocols) && err == 0; i++) {
		struct dump state = { fn, ctx, protocols[i] };
		struct nlmsghdr *nlh = nl_message(d->nl, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
		struct inet_diag_req_v2 *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));

		m->sdiag_family = AF_INET6;
		m->sdiag_protocol = protocols[i];
		m->idiag_states = UINT32_MAX;
		err = nl_query(d->nl, nlh, on_socket, &state);
	}
	return err;
}

static void on_datagram(struct diag *d, size_t len, const bool *closed)
{
	const struct nlmsghdr *nlh = &d->rx.align;
	int left = (int)len;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		struct diag_flow f = { 0 };

		if (take_flow(nlh, &f))
			d->ops->destroyed(d->ctx, &f);
		if (*closed)
			return;
	}
}

static void on_readable(void *ctx)
{
	struct diag *d = ctx;
	bool closed = false, overrun = false;

	d->closed = &closed;
	for (int i = 0; i < RX_BATCH; i++) {
		struct sockaddr_nl from = { 0 };
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(mnl_socket_get_fd(d->events), d->rx.room, sizeof(d->rx.room),
				     MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);

		if (n < 0 && errno == EAGAIN)
			break;
		overrun |= n < 0 && errno == ENOBUFS;
		if (n < 0 || from.nl_pid != 0)
			continue;
		on_datagram(d, (size_t)n, &closed);
		if (closed)
			return;
	}
	d->closed = NULL;
	if (overrun)
		d->ops->lost(d->ctx);
}

static int open_events(struct diag *d, struct loop *l)
{
	static const int groups[] = { SKNLGRP_INET6_TCP_DESTROY, SKNLGRP_INET6_UDP_DESTROY };
	int size = RX_BUFFER, fd, err;

	d->events = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!d->events)
		return -errno;
	fd = mnl_socket_get_fd(d->events);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	err = mnl_socket_bind(d->events, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]) && err == 0; i++) {
		if (mnl_socket_setsockopt(d->events, NETLINK_ADD_MEMBERSHIP, (void *)(uintptr_t)
					  &groups[i], sizeof(groups[i])) < 0)
			err = -errno;
	}
	if (err == 0)
		err = loop_io_add(l, fd, on_readable, d, &d->io);
	if (err < 0) {
		(void)mnl_socket_close(d->events);
		d->events = NULL;
	}
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
