/* SPDX-License-Identifier: BSD-2-Clause */
/* What a TLS session has to say, into a socket: for who asks for keys and who gives them. */
#ifndef DMIP6_SYS_TLS_SEND_H
#define DMIP6_SYS_TLS_SEND_H

#include "common/sys/tls.h"

struct tls_out {			/* taken from the session, not yet sent */
	uint8_t data[4096];
	size_t len;
};

/* As much as the socket takes now. 0: o->len octets are left, to be sent when it takes more;
 * negative errno: the connection has failed. */
int tls_send(struct tls *t, int fd, struct tls_out *o);

#endif
