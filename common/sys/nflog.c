/* SPDX-License-Identifier: BSD-2-Clause */
/* See nflog.h. Owns its socket, to which the kernel binds the group. Called by io_network.c. */
#include "common/sys/nflog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/sys/loop.h"
#include "common/sys/nl.h"

#define RX_BATCH	256
#define MESSAGE(type)	(NFNL_SUBSYS_ULOG << 8 | (type))

struct nflog {
	int fd;
	struct loop_io *io;
	void (*fn)(void *ctx, const struct nflog_packet *p);
	void *ctx;
};

static int on_message(const struct nlmsghdr *nlh, void *ctx)
{
	const struct nlattr *tb[NFULA_PAYLOAD + 1];
	struct nfulnl_msg_packet_hw hw;
	const struct nflog *n = ctx;
	struct nflog_packet p = { 0 };
	uint32_t ifindex;

	if (nlh->nlmsg_type != MESSAGE(NFULNL_MSG_PACKET))
		return MNL_CB_OK;
	nl_attrs(nlh, sizeof(struct nfgenmsg), tb, NFULA_PAYLOAD);
	if (nl_get(tb[NFULA_IFINDEX_INDEV], &ifindex, sizeof(ifindex)))
		p.ifindex = (int)ntohl(ifindex);
	if (nl_get(tb[NFULA_HWADDR], &hw, sizeof(hw)) && ntohs(hw.hw_addrlen) == 6)
		p.mac = hw.hw_addr;
	if (tb[NFULA_PAYLOAD]) {
		p.data = mnl_attr_get_payload(tb[NFULA_PAYLOAD]);
		p.len = mnl_attr_get_payload_len(tb[NFULA_PAYLOAD]);
		n->fn(n->ctx, &p);
	}
	return MNL_CB_OK;
}

static void on_readable(void *ctx)
{
	static _Alignas(struct nlmsghdr) char room[65536];
	const struct nflog *n = ctx;

	for (int i = 0; i < RX_BATCH; i++) {
		struct sockaddr_nl from = { 0 };
		socklen_t from_len = sizeof(from);
		ssize_t len = recvfrom(n->fd, room, sizeof(room), MSG_DONTWAIT,
				       (struct sockaddr *)&from, &from_len);

		/* What is lost comes again: nobody is silent after one packet. */
		if (len < 0 && errno == ENOBUFS)
			continue;
		if (len <= 0)
			break;
		if (from.nl_pid == 0)
			(void)mnl_cb_run(room, (size_t)len, 0, 0, on_message, ctx);
	}
}

/* One request about the group, and its answer. */
static int configure(int fd, uint16_t group, uint16_t attr, size_t len, const void *value)
{
	_Alignas(struct nlmsghdr) char room[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(room);
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	const struct nlmsgerr *e;
	struct nfgenmsg *m;
	ssize_t n;

	nlh->nlmsg_type = MESSAGE(NFULNL_MSG_CONFIG);
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	m->nfgen_family = NFPROTO_UNSPEC;
	m->version = NFNETLINK_V0;
	m->res_id = htons(group);
	mnl_attr_put(nlh, attr, len, value);
	if (sendto(fd, room, nlh->nlmsg_len, 0, (const struct sockaddr *)&kernel,
		   sizeof(kernel)) < 0)
		return -errno;
	n = recv(fd, room, sizeof(room), 0);
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	if ((size_t)n < NLMSG_LENGTH(sizeof(*e)) || nlh->nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	e = mnl_nlmsg_get_payload(nlh);
	return e->error;
}

static int bind_group(int fd, uint16_t group)
{
	const struct nfulnl_msg_config_cmd cmd = { .command = NFULNL_CFG_CMD_BIND };
	const struct nfulnl_msg_config_mode mode = {
		.copy_range = htonl(40), .copy_mode = NFULNL_COPY_PACKET,
	};
	const uint32_t at_once = htonl(1);	/* else they are kept for a second */
	int err = configure(fd, group, NFULA_CFG_CMD, sizeof(cmd), &cmd);

	if (err == 0)
		err = configure(fd, group, NFULA_CFG_MODE, sizeof(mode), &mode);
	if (err == 0)
		err = configure(fd, group, NFULA_CFG_QTHRESH, sizeof(at_once), &at_once);
	return err;
}

int nflog_open(struct loop *l, uint16_t group, void (*fn)(void *ctx, const struct nflog_packet *p),
	       void *ctx, struct nflog **ret)
{
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	const struct timeval timeout = { .tv_sec = 5 };
	struct nflog *n = calloc(1, sizeof(*n));
	int err = 0;

	if (!n)
		return -ENOMEM;
	n->fn = fn;
	n->ctx = ctx;
	n->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (n->fd < 0 || bind(n->fd, (const struct sockaddr *)&any, sizeof(any)) < 0 ||
	    setsockopt(n->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0)
		err = -errno;
	if (err == 0)
		err = bind_group(n->fd, group);
	if (err == 0)
		err = loop_io_add(l, n->fd, on_readable, n, &n->io);
	if (err < 0) {
		nflog_close(n);
		return err;
	}
	*ret = n;
	return 0;
}

void nflog_close(struct nflog *n)
{
	if (!n)
		return;
	loop_io_del(n->io);
	if (n->fd >= 0)
		(void)close(n->fd);
	free(n);
}
