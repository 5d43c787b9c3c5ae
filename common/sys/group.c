/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memberships in multicast groups (RFC 3493 5.2, RFC 3810). Owns the sockets that hold them;
 * called by io.c of the home agent.
 *
 * The kernel charges a socket for its memberships and refuses when that is too much, at some
 * hundreds, and walks a list of all of an interface's groups for each that is added. So there
 * are several sockets, and an end.
 */
#include "common/sys/group.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/core/hash.h"

#define GROUPS_MAX	4096
#define SOCKETS_MAX	64

struct key {
	struct in6_addr group;
	int ifindex;
};

struct member {
	struct key key;
	unsigned int wanted;		/* by so many */
	int fd;
	UT_hash_handle hh;
};

struct groups {
	struct member *members;
	unsigned int n;
	int fds[SOCKETS_MAX];
	unsigned int n_fds;
};

int groups_new(struct groups **ret)
{
	struct groups *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	*ret = g;
	return 0;
}

void groups_free(struct groups *g)
{
	struct member *m, *next;

	if (!g)
		return;
	HASH_ITER(hh, g->members, m, next) {
		HASH_DEL(g->members, m);
		free(m);
	}
	for (unsigned int i = 0; i < g->n_fds; i++)
		(void)close(g->fds[i]);
	free(g);
}

static int change(int fd, int option, const struct key *k)
{
	const struct ipv6_mreq m = {
		.ipv6mr_multiaddr = k->group, .ipv6mr_interface = (unsigned int)k->ifindex,
	};

	return setsockopt(fd, IPPROTO_IPV6, option, &m, sizeof(m)) < 0 ? -errno : 0;
}

static int another_socket(struct groups *g)
{
	int fd;

	if (g->n_fds == SOCKETS_MAX)
		return -ENOSPC;
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	g->fds[g->n_fds++] = fd;
	return fd;
}

static bool is_full(int err)
{
	return err == -ENOBUFS || err == -ENOMEM;
}

/* The socket that holds the membership, or negative errno. The newest one is likely to have
 * room; where many have left, older ones have too. */
static int hold(struct groups *g, const struct key *k)
{
	int fd, err;

	for (unsigned int i = g->n_fds; i-- > 0;) {
		err = change(g->fds[i], IPV6_JOIN_GROUP, k);
		if (!is_full(err))
			return err < 0 ? err : g->fds[i];
	}
	fd = another_socket(g);
	err = fd < 0 ? fd : change(fd, IPV6_JOIN_GROUP, k);
	return err < 0 ? err : fd;
}

static struct member *find(const struct groups *g, const struct key *k)
{
	struct member *m;

	HASH_FIND(hh, g->members, k, sizeof(*k), m);
	return m;
}

int groups_join(struct groups *g, int ifindex, const struct in6_addr *group)
{
	const struct key k = { .group = *group, .ifindex = ifindex };
	struct member *m = find(g, &k);
	int fd;

	if (m) {
		m->wanted++;
		return 0;
	}
	if (g->n == GROUPS_MAX)
		return -ENOSPC;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	fd = hold(g, &k);
	if (fd < 0) {
		free(m);
		return fd;
	}
	*m = (struct member){ .key = k, .wanted = 1, .fd = fd };
	HASH_ADD(hh, g->members, key, sizeof(m->key), m);
	g->n++;
	return 0;
}

void groups_leave(struct groups *g, int ifindex, const struct in6_addr *group)
{
	const struct key k = { .group = *group, .ifindex = ifindex };
	struct member *m = find(g, &k);

	if (!m || --m->wanted > 0)
		return;
	/* With the interface went its memberships. */
	(void)change(m->fd, IPV6_LEAVE_GROUP, &k);
	HASH_DEL(g->members, m);
	g->n--;
	free(m);
}
