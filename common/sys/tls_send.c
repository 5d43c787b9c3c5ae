/* SPDX-License-Identifier: BSD-2-Clause */
/* Moves octets from a TLS session to a socket that does not block. Owns nothing; called by the key
 * server and the key client. */
#include "common/sys/tls_send.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

int tls_send(struct tls *t, int fd, struct tls_out *o)
{
	for (;;) {
		ssize_t n;

		if (o->len == 0)
			o->len = tls_take(t, o->data, sizeof(o->data));
		if (o->len == 0)
			return 0;
		n = send(fd, o->data, o->len, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		o->len -= (size_t)n;
		memmove(o->data, o->data + n, o->len);
	}
}
