/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local mobility anchor (RFC 5213 section 5): other routers register the prefixes of hosts
 * that have left this one. Each prefix is an entry of the binding cache.
 */
#ifndef DMIP6_HA_LMA_H
#define DMIP6_HA_LMA_H

#include "ha-agent/ha.h"

/* What is to be said to another router when the data path has done what it asked for. */
struct lma_answer {
	struct in6_addr to;		/* the router that asked */
	struct in6_addr from;		/* ours, to which the update went */
	uint8_t status;
	uint16_t sequence, lifetime;
	struct mh_opts opts;		/* of the acknowledgement, but for its signature */
	uint32_t failed;		/* a bit for each of its prefixes, in the data path */
};

int lma_init(struct ha *ha);		/* 0 or -ENOMEM */
void lma_free(struct ha *ha);
/* A Binding Update with the P flag, to an address of ours; mh: its octets. */
void lma_rx(struct ha *ha, const struct ip6_packet *ip, const struct mh_msg *msg,
	    const uint8_t *mh, usec_t now);
/* Another router has said that the host has left our link: it is asked. */
void lma_claimed(const struct binding *b, usec_t now);
/* The host has registered itself: nobody is to do it for it. */
void lma_client(struct ha *ha, struct lease *l, usec_t now);
/* What an indication to the router says of the host, and of the prefix that it is about. */
void lma_name(const struct binding *b, struct mh_opts *ret);
/* And when it was said, so that nobody can say it again later (as RFC 5213 5.5 has it). */
void lma_stamp(const struct ha *ha, struct mh_opts *ret);
/* The host of this lease is on a link of ours again: what a router has registered of it ends. */
void lma_returned(struct ha *ha, struct lease *l, usec_t now);
/* A prefix of it could not be put into the data path; its binding is as before. */
void lma_failed(struct lma_answer *a, const struct in6_addr *prefix);
/* Nothing, if the router is none any more. */
void lma_acknowledge(struct ha *ha, const struct lma_answer *a);

/* The entry of a prefix that a router has registered; else the one without an identifier. */
const struct binding *lma_binding_at(const struct ha *ha, const struct in6_addr *prefix,
				     const struct in6_addr *coa);

#endif
