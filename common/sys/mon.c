/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watching the kernel by libnl-3: links, addresses, and the loss of our own rules and
 * routes. Called by io.c of both daemons. Nothing is cached but which links and addresses
 * have been reported, so that those that vanished in an overrun can be reported gone.
 */
#include "common/sys/mon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/addr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/inet6.h>
#include <netlink/route/route.h>
#include <netlink/route/rule.h>
#include <netlink/socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define RX_BUFFER	(1024 * 1024)
#define RX_BATCH	1024
#define FAILURES_MAX	16
#define OWN_PORTS	16

#include "common/core/hash.h"

/* What was reported last; the key is zero-padded. */
struct known_key {
	int ifindex;
	struct in6_addr addr;		/* unspecified: the link itself */
	uint8_t plen;
};

struct known {
	struct known_key key;
	struct rt_link link;
	struct rt_addr addr;
	bool seen;			/* in this re-reading */
	UT_hash_handle hh;
};

struct mon {
	struct nl_sock *sock;		/* notifications */
	struct loop_io *io;
	const struct mon_ops *ops;
	void *ctx;
	struct known *known;
	bool overrun;			/* notifications were lost */
	uint32_t by;			/* who caused what is being reported */
};

static struct known *known_find(struct mon *m, const struct known_key *key)
{
	struct known *k;

	HASH_FIND(hh, m->known, key, sizeof(*key), k);
	return k;
}

static struct known *known_get(struct mon *m, const struct known_key *key)
{
	struct known *k = known_find(m, key);

	if (k)
		return k;
	k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;	/* only means that an overrun might not report it gone */
	k->key = *key;
	HASH_ADD(hh, m->known, key, sizeof(k->key), k);
	return k;
}

static void known_drop(struct mon *m, struct known *k)
{
	if (!k)
		return;
	HASH_DEL(m->known, k);
	free(k);
}

static void report_link(struct mon *m, const struct rt_link *l, bool gone)
{
	struct known_key key;
	struct known *k;

	memset(&key, 0, sizeof(key));
	key.ifindex = l->ifindex;
	if (gone) {
		known_drop(m, known_find(m, &key));
	} else {
		k = known_get(m, &key);
		if (k) {
			k->link = *l;
			k->seen = true;
		}
	}
	if (m->ops->link)
		m->ops->link(m->ctx, l, gone);
}

static void report_addr(struct mon *m, const struct rt_addr *a, bool gone)
{
	struct known_key key;
	struct known *k;

	memset(&key, 0, sizeof(key));
	key.ifindex = a->ifindex;
	key.addr = a->addr;
	key.plen = a->plen;
	if (gone) {
		known_drop(m, known_find(m, &key));
	} else {
		k = known_get(m, &key);
		if (k) {
			k->addr = *a;
			k->seen = true;
		}
	}
	if (m->ops->addr)
		m->ops->addr(m->ctx, a, gone);
}

static void take_link(struct rtnl_link *from, struct rt_link *l)
{
	struct nl_addr *mac = rtnl_link_get_addr(from);
	const char *name = rtnl_link_get_name(from);
	unsigned int flags = rtnl_link_get_flags(from);

	memset(l, 0, sizeof(*l));
	l->ifindex = rtnl_link_get_ifindex(from);
	(void)snprintf(l->name, sizeof(l->name), "%s", name ? name : "");
	l->up = (flags & IFF_UP) && (flags & IFF_RUNNING);
	l->loopback = flags & IFF_LOOPBACK;
	l->ethernet = rtnl_link_get_arptype(from) == ARPHRD_ETHER;
	l->mtu = rtnl_link_get_mtu(from);
	if (mac && nl_addr_get_len(mac) == sizeof(l->mac))
		memcpy(l->mac, nl_addr_get_binary_addr(mac), sizeof(l->mac));
	(void)rtnl_link_inet6_get_addr_gen_mode(from, &l->addr_gen_mode);
}

static bool take_addr(struct rtnl_addr *from, struct rt_addr *a)
{
	struct nl_addr *local = rtnl_addr_get_local(from);

	if (rtnl_addr_get_family(from) != AF_INET6 || !local ||
	    nl_addr_get_len(local) != sizeof(a->addr))
		return false;
	memset(a, 0, sizeof(*a));
	a->ifindex = rtnl_addr_get_ifindex(from);
	memcpy(&a->addr, nl_addr_get_binary_addr(local), sizeof(a->addr));
	a->plen = (uint8_t)rtnl_addr_get_prefixlen(from);
	a->flags = rtnl_addr_get_flags(from);
	a->preferred_s = rtnl_addr_get_preferred_lifetime(from);
	a->valid_s = rtnl_addr_get_valid_lifetime(from);
	return true;
}

static void on_link(struct nl_object *o, void *arg)
{
	struct rt_link l;

	take_link((struct rtnl_link *)o, &l);
	report_link(arg, &l, false);
}

static void on_link_gone(struct nl_object *o, void *arg)
{
	struct rt_link l;

	take_link((struct rtnl_link *)o, &l);
	report_link(arg, &l, true);
}

static void on_addr(struct nl_object *o, void *arg)
{
	struct rt_addr a;

	if (take_addr((struct rtnl_addr *)o, &a))
		report_addr(arg, &a, false);
}

static void on_addr_gone(struct nl_object *o, void *arg)
{
	struct rt_addr a;

	if (take_addr((struct rtnl_addr *)o, &a))
		report_addr(arg, &a, true);
}

/* An attribute of one octet, or a field of the header, says whose it was. */
static bool was_ours(struct nlmsghdr *nlh)
{
	const struct rtmsg *route = nlmsg_data(nlh);
	const struct nlattr *protocol, *table;

	if (nlh->nlmsg_type == RTM_DELRULE) {
		if (!nlmsg_valid_hdr(nlh, sizeof(struct fib_rule_hdr)))
			return false;
		protocol = nlmsg_find_attr(nlh, sizeof(struct fib_rule_hdr), FRA_PROTOCOL);
		return protocol && nla_len(protocol) == 1 && nla_get_u8(protocol) == RT_PROTOCOL;
	}
	if (!nlmsg_valid_hdr(nlh, sizeof(*route)) || route->rtm_family != AF_INET6 ||
	    route->rtm_protocol != RT_PROTOCOL)
		return false;
	/* `dmip6ctl doctor', or the other daemon at its start, has tried what the kernel can. */
	table = nlmsg_find_attr(nlh, sizeof(*route), RTA_TABLE);
	return !table || nla_len(table) != 4 || nla_get_u32(table) != RT_TABLE_PROBE;
}

static bool is_default(struct nlmsghdr *nlh)
{
	const struct rtmsg *route = nlmsg_data(nlh);

	return nlmsg_valid_hdr(nlh, sizeof(*route)) && route->rtm_family == AF_INET6 &&
	       route->rtm_dst_len == 0 && route->rtm_table == RT_TABLE_MAIN;
}

/* Of rules and routes. */
static void foreign_change(struct mon *m, struct nlmsghdr *nlh)
{
	bool rule = nlh->nlmsg_type == RTM_NEWRULE || nlh->nlmsg_type == RTM_DELRULE;
	bool gone = nlh->nlmsg_type == RTM_DELRULE || nlh->nlmsg_type == RTM_DELROUTE;

	if (m->ops->ours_deleted && gone && was_ours(nlh))
		m->ops->ours_deleted(m->ctx, rule);
	if (m->ops->rules && rule)
		m->ops->rules(m->ctx);
	if (m->ops->defaults && !rule && is_default(nlh))
		m->ops->defaults(m->ctx);
}

static int on_message(struct nl_msg *msg, void *arg)
{
	struct mon *m = arg;
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	const struct rtgenmsg *gen = nlmsg_data(nlh);

	if (nlmsg_get_src(msg)->nl_pid != 0 || !nlmsg_valid_hdr(nlh, sizeof(*gen)))
		return NL_OK;
	m->by = nlh->nlmsg_pid;
	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		/* A bridge says of its ports what is not about the links themselves. */
		if (gen->rtgen_family == AF_UNSPEC)
			(void)nl_msg_parse(msg, nlh->nlmsg_type == RTM_NEWLINK ? on_link :
					   on_link_gone, m);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		(void)nl_msg_parse(msg, nlh->nlmsg_type == RTM_NEWADDR ? on_addr : on_addr_gone, m);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
	case RTM_NEWRULE:
	case RTM_DELRULE:
		if (!nl_is_ours(nlh->nlmsg_pid))
			foreign_change(m, nlh);
		break;
	}
	return NL_OK;
}

static int read_cache(struct mon *m, struct nl_sock *sock,
		      int (*alloc)(struct nl_sock *sock, struct nl_cache **ret),
		      void (*fn)(struct nl_object *o, void *arg))
{
	struct nl_cache *cache;
	int err = alloc(sock, &cache);

	if (err < 0)
		return -EIO;
	nl_cache_foreach(cache, fn, m);
	nl_cache_free(cache);
	return 0;
}

static int alloc_links(struct nl_sock *sock, struct nl_cache **ret)
{
	return rtnl_link_alloc_cache(sock, AF_UNSPEC, ret);
}

/* Everything that is there, and what is not there any more. */
static int read_again(struct mon *m)
{
	struct nl_sock *sock = nl_socket_alloc();
	struct known *k, *next;
	int err = -ENOMEM;

	if (!sock)
		return -ENOMEM;
	for (k = m->known; k; k = k->hh.next)
		k->seen = false;
	err = nl_connect(sock, NETLINK_ROUTE) < 0 ? -EIO : 0;
	if (err == 0)
		err = read_cache(m, sock, alloc_links, on_link);
	if (err == 0)
		err = read_cache(m, sock, rtnl_addr_alloc_cache, on_addr);
	nl_socket_free(sock);
	if (err < 0)
		return err;
	HASH_ITER(hh, m->known, k, next) {
		const struct known copy = *k;

		if (copy.seen)
			continue;
		if (in6_is_any(&copy.key.addr))
			report_link(m, &copy.link, true);
		else
			report_addr(m, &copy.addr, true);
	}
	return 0;
}

static void on_readable(void *ctx)
{
	struct mon *m = ctx;
	int err = 0, failures = 0;

	/* What is queued is older than what was lost: it goes first. */
	for (int i = 0; i < RX_BATCH && failures < FAILURES_MAX; i++) {
		err = nl_recvmsgs_default(m->sock);
		if (err == -NLE_AGAIN)
			break;
		if (err < 0) {
			m->overrun = true;
			failures++;
		}
	}
	if (!m->overrun || (err != -NLE_AGAIN && failures < FAILURES_MAX))
		return;		/* the rest in the next turn of the loop */
	m->overrun = read_again(m) < 0;
	if (m->ops->lost)
		m->ops->lost(m->ctx);
}

/*
 * What this daemon does to routes comes back as notifications, one or two for each binding
 * that moves: they do not even wake it. Loads of a filter are big-endian.
 */
static void ignore_ourselves(struct mon *m)
{
	struct sock_filter f[4 + OWN_PORTS + 2] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
	};
	struct sock_fprog program = { .filter = f };
	uint32_t ports[OWN_PORTS];
	unsigned int n = nl_ports(ports, OWN_PORTS), at = 1, drop = 4 + n;

	/* New routes of others are of interest only to who wants to hear of default ones. */
	f[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE),
					       m->ops->defaults ? 1 : (uint8_t)(drop - 2), 0);
	f[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE),
					       0, (uint8_t)(drop + 1 - 3));
	f[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					       offsetof(struct nlmsghdr, nlmsg_pid));
	for (unsigned int i = 0; i < n; i++, at++)
		f[at] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(ports[i]),
						     (uint8_t)(drop - at - 1),
						     i + 1 == n ? 1 : 0);
	f[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	f[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
	program.len = (unsigned short)at;
	/* Without it everything works, only more of it. */
	if (n > 0)
		(void)setsockopt(nl_socket_get_fd(m->sock), SOL_SOCKET, SO_ATTACH_FILTER, &program,
				 sizeof(program));
}

static int open_socket(struct mon *m)
{
	int size = RX_BUFFER;

	m->sock = nl_socket_alloc();
	if (!m->sock)
		return -ENOMEM;
	nl_socket_disable_seq_check(m->sock);
	if (nl_socket_modify_cb(m->sock, NL_CB_VALID, NL_CB_CUSTOM, on_message, m) < 0)
		return -ENOMEM;
	if (nl_connect(m->sock, NETLINK_ROUTE) < 0)
		return -EIO;
	(void)setsockopt(nl_socket_get_fd(m->sock), SOL_SOCKET, SO_RCVBUFFORCE, &size,
			 sizeof(size));
	ignore_ourselves(m);
	if (nl_socket_set_nonblocking(m->sock) < 0 ||
	    nl_socket_add_memberships(m->sock, RTNLGRP_LINK, RTNLGRP_IPV6_IFADDR,
				      RTNLGRP_IPV6_RULE, RTNLGRP_IPV6_ROUTE, 0) < 0)
		return -EIO;
	return 0;
}

int mon_open(struct loop *l, const struct mon_ops *ops, void *ctx, struct mon **ret)
{
	struct mon *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return -ENOMEM;
	m->ops = ops;
	m->ctx = ctx;
	err = open_socket(m);
	if (err == 0)
		err = loop_io_add(l, nl_socket_get_fd(m->sock), on_readable, m, &m->io);
	if (err == 0)
		err = read_again(m);
	if (err < 0) {
		mon_close(m);
		return err;
	}
	*ret = m;
	return 0;
}

int mon_read(struct mon *m)
{
	return read_again(m);
}

uint32_t mon_by(const struct mon *m)
{
	return m->by;
}

void mon_close(struct mon *m)
{
	struct known *k, *next;

	if (!m)
		return;
	loop_io_del(m->io);
	if (m->sock)
		nl_socket_free(m->sock);
	HASH_ITER(hh, m->known, k, next)
		known_drop(m, k);
	free(m);
}
