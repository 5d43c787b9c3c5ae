/* SPDX-License-Identifier: BSD-2-Clause */
/* See nfmon.h. Called by io.c of both daemons. */
#include "common/sys/nfmon.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/sys/nl.h"

#define RX_BATCH	256

struct nfmon {
	int fd;
	struct loop_io *io;
	const char *table;
	void (*gone)(void *ctx);
	void *ctx;
	bool tell;			/* in this batch of messages */
};

static int on_message(const struct nlmsghdr *nlh, void *ctx)
{
	struct nfmon *m = ctx;
	const struct nfgenmsg *gen = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[NFTA_TABLE_NAME + 1];
	size_t len = strlen(m->table) + 1;

	if (nlh->nlmsg_type != ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_DELTABLE) ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*gen) || gen->nfgen_family != NFPROTO_INET)
		return MNL_CB_OK;
	nl_attrs(nlh, sizeof(*gen), tb, NFTA_TABLE_NAME);
	if (tb[NFTA_TABLE_NAME] && mnl_attr_get_payload_len(tb[NFTA_TABLE_NAME]) == len &&
	    memcmp(mnl_attr_get_payload(tb[NFTA_TABLE_NAME]), m->table, len) == 0)
		m->tell = true;
	return MNL_CB_OK;
}

static void on_readable(void *ctx)
{
	struct nfmon *m = ctx;
	static _Alignas(struct nlmsghdr) char room[65536];

	m->tell = false;
	for (int i = 0; i < RX_BATCH; i++) {
		struct sockaddr_nl from = { 0 };
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(m->fd, room, sizeof(room), MSG_DONTWAIT,
				     (struct sockaddr *)&from, &from_len);

		if (n < 0 && errno == ENOBUFS)
			m->tell = true;		/* it may have been */
		else if (n <= 0)
			break;
		else if (from.nl_pid == 0)
			(void)mnl_cb_run(room, (size_t)n, 0, 0, on_message, m);
	}
	if (m->tell)
		m->gone(m->ctx);
}

int nfmon_open(struct loop *l, const char *table, void (*gone)(void *ctx), void *ctx,
	       struct nfmon **ret)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	int group = NFNLGRP_NFTABLES, err = 0;
	struct nfmon *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->table = table;
	m->gone = gone;
	m->ctx = ctx;
	m->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	if (m->fd < 0 || bind(m->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    setsockopt(m->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		err = -errno;
	if (err == 0)
		err = loop_io_add(l, m->fd, on_readable, m, &m->io);
	if (err < 0) {
		nfmon_close(m);
		return err;
	}
	*ret = m;
	return 0;
}

void nfmon_close(struct nfmon *m)
{
	if (!m)
		return;
	loop_io_del(m->io);
	if (m->fd >= 0)
		(void)close(m->fd);
	free(m);
}
