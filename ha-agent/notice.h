/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A router that has registered a host is told that the host is somewhere else now: at another
 * router, or on its first link again (RFC 5846 8.1, triggers 2 to 4). Its binding is over already,
 * so nothing here waits for the acknowledgement but the next try.
 */
#ifndef DMIP6_HA_NOTICE_H
#define DMIP6_HA_NOTICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/core/timer.h"

#define NOTICES_MAX	1024		/* under way; the rest hear it by their next update */

struct binding;
struct ha;
struct ip6_packet;
struct mh_msg;
struct notice;

TAILQ_HEAD(notice_list, notice);

struct notices {
	struct notice_list list;
	unsigned int n;
};

void notice_init(struct ha *ha);
void notice_free(struct ha *ha);
/* To the router where the binding has been until now. */
void notice_send(struct ha *ha, const struct binding *b, usec_t now);
/* A Binding Revocation Acknowledgement. True: it was that of a notice. */
bool notice_rx(struct ha *ha, const struct ip6_packet *ip, const struct mh_msg *msg,
	       const uint8_t *mh);

#endif
