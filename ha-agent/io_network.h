/* SPDX-License-Identifier: BSD-2-Clause */
/* Network mode's contact with the world; for io.c and ctl.c. */
#ifndef DMIP6_HA_IO_NETWORK_H
#define DMIP6_HA_IO_NETWORK_H

#include "ha-agent/io.h"
#include "ha-agent/sessions.h"

/* What an earlier run left for visitors stays so long, for they are looked up again. */
#define IO_REPORT_GROUP	4500	/* of nfnetlink_log, as tables are numbered */
#define IO_SETTLE	(10 * USEC_S)

/* The access links on which each host has a prefix of its own, and nobody another. */
void network_guarded(const struct io *io, struct dp_links *ret);
/* 0 also where there is no network mode. */
int network_open(struct io *io, char why[IO_WHY]);
/* All leases are known: the session database is told of them. */
void network_restored(struct io *io);
void network_close(struct io *io, bool keep);
/* The routes to visitors that are missing. */
void network_repair(struct io *io);
/* The kernel's state of an access interface has changed: our address there is what it should be. */
void network_link(struct io *io, const struct io_link *l);
/* Is it the one that all routers have there? Then it is ours, whatever others there are. */
bool network_is_router_address(const struct io *io, const struct in6_addr *a);

int io_session_find(void *ctx, const uint8_t mac[6]);
int io_session_check(void *ctx, const uint8_t mac[6]);
void io_session_put(void *ctx, const struct lease *l);
void io_session_del(void *ctx, const struct lease *l);
int io_visit_attach(void *ctx, const struct visitor *h, const struct in6_prefix *prefix);
void io_visit_detach(void *ctx, const struct visitor *h, const struct in6_prefix *prefix);

#endif
