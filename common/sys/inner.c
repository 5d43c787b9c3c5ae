/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A raw socket for what the kernel has put together from fragments of tunnel packets. Called
 * by io.c of the home agent. The mark says that the data path's filter has let the first
 * fragment pass; the socket filter lets in nothing else.
 */
#include "common/sys/inner.h"

#include <errno.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PER_TURN	16
#define ROOM		65536

struct inner {
	int fd;
	struct loop_io *io;
	void (*fn)(void *ctx, const struct in6_addr *from, uint8_t *data, size_t len);
	void *ctx;
	uint8_t room[ROOM];
};

static void on_readable(void *ctx)
{
	struct inner *in = ctx;

	for (int i = 0; i < PER_TURN; i++) {
		struct sockaddr_in6 from = { 0 };
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(in->fd, in->room, sizeof(in->room), MSG_DONTWAIT,
				     (struct sockaddr *)&from, &len);

		if (n < 0)
			return;
		in->fn(in->ctx, &from.sin6_addr, in->room, (size_t)n);
	}
}

static int open_socket(uint8_t protocol, uint32_t mark)
{
	struct sock_filter marked[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_MARK)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, mark, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog filter = { sizeof(marked) / sizeof(marked[0]), marked };
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol), err;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0) {
		err = -errno;
		(void)close(fd);
		return err;
	}
	return fd;
}

int inner_open(struct loop *l, uint8_t protocol, uint32_t mark,
	       void (*fn)(void *ctx, const struct in6_addr *from, uint8_t *data, size_t len),
	       void *ctx, struct inner **ret)
{
	struct inner *in = calloc(1, sizeof(*in));
	int err;

	if (!in)
		return -ENOMEM;
	in->fn = fn;
	in->ctx = ctx;
	err = in->fd = open_socket(protocol, mark);
	if (err >= 0)
		err = loop_io_add(l, in->fd, on_readable, in, &in->io);
	if (err < 0) {
		inner_close(in);
		return err;
	}
	*ret = in;
	return 0;
}

void inner_close(struct inner *in)
{
	if (!in)
		return;
	loop_io_del(in->io);
	if (in->fd >= 0)
		(void)close(in->fd);
	free(in);
}
