/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netlink requests: every request that we send goes through libmnl here. (libnl-3 is
 * for watching, mon.h.) Requests are synchronous: the kernel answers within the call.
 */
#ifndef DMIP6_SYS_NL_H
#define DMIP6_SYS_NL_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nl;

int nl_open(int protocol, struct nl **ret);	/* NETLINK_ROUTE, NETLINK_GENERIC ... */
void nl_free(struct nl *nl);	/* not nl_close: that is a name of libnl-3 */
/* A zeroed message in nl's own room with its header; NLM_F_REQUEST is added. */
struct nlmsghdr *nl_message(struct nl *nl, uint16_t type, uint16_t flags);
/* Sends with NLM_F_ACK and reads the answer. 0 or negative errno; the kernel's extended
 * acknowledgement text is then in nl_error(). ENOMEM of seg6 bursts is tried again. */
int nl_request(struct nl *nl, struct nlmsghdr *nlh);
/*
 * Many requests in one go: from nl_gather() on nl_request() puts its message aside and
 * returns 0 (-ENOBUFS: no room, the others stand). nl_commit() sends them all, in order, and
 * reads every answer: failed() gets the number of each that was refused, from 0. Negative
 * errno: what was sent and what became of it is not known.
 */
void nl_gather(struct nl *nl);
unsigned int nl_gathered(const struct nl *nl);	/* so many were put aside */
int nl_commit(struct nl *nl, void (*failed)(void *ctx, unsigned int n, int err), void *ctx);
/* Sends (NLM_F_DUMP for a dump) and calls cb for each answer; cb < 0 stops with that. */
int nl_query(struct nl *nl, struct nlmsghdr *nlh,
	     int (*cb)(const struct nlmsghdr *nlh, void *ctx), void *ctx);
/* The same for a dump that is never interrupted (sock_diag's): cb sees each answer as it comes,
 * nothing is kept. cb > 0 stops with that; then nl is good for nothing but nl_free(). */
int nl_stream(struct nl *nl, struct nlmsghdr *nlh,
	      int (*cb)(const struct nlmsghdr *nlh, void *ctx), void *ctx);
const char *nl_error(const struct nl *nl);	/* "" when the kernel gave no text */
bool nl_is_ours(uint32_t portid);	/* who asked for a change: a socket open here? */
unsigned int nl_ports(uint32_t *ret, unsigned int max);	/* the ports of those sockets */
int nl_genl_family(struct nl *nl, const char *name);	/* id or negative errno */

/*
 * nfnetlink: a batch of messages takes effect as a whole or not at all. A batch is as long
 * as nl's room (NL_BATCH_ROOM octets of messages): nl_batch_message() is NULL when it is full.
 */
#define NL_BATCH_ROOM	65536
void nl_batch_begin(struct nl *nl, uint16_t subsystem);
struct nlmsghdr *nl_batch_message(struct nl *nl, uint16_t type, uint16_t flags);
int nl_batch_commit(struct nl *nl);	/* 0, or the first error of a message */

/* Attributes of an answer by type: tb[0 .. max] is filled, NULL where there is none. */
void nl_attrs(const struct nlmsghdr *nlh, size_t header, const struct nlattr **tb, uint16_t max);
void nl_nested(const struct nlattr *nest, const struct nlattr **tb, uint16_t max);
/* Copies an attribute of exactly n octets; false when it is absent or has another size. */
bool nl_get(const struct nlattr *a, void *dst, size_t n);
uint32_t nl_get_u32(const struct nlattr *a, uint32_t otherwise);

#endif
