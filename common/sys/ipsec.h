/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mobility Headers through the kernel's IPsec (RFC 3776, RFC 4877): what this socket sends
 * leaves in ESP or not at all, what it receives came in ESP. Who makes the security
 * associations is somebody else's business (an IKE daemon; ip-xfrm(8)); dmip6-ipsec(7).
 */
#ifndef DMIP6_SYS_IPSEC_H
#define DMIP6_SYS_IPSEC_H

#include "common/core/in6.h"
#include "common/sys/loop.h"

/* Only security associations with this number count: those that are meant for it. */
#define IPSEC_REQID	135

enum ipsec_role { IPSEC_MN, IPSEC_HA };

struct ipsec;

/* What the kernel has refused in this network namespace since it runs, whoever asked. */
struct ipsec_refused {
	uint64_t no_state;		/* XfrmInNoStates: of no security association */
	uint64_t replayed;		/* XfrmInStateSeqError */
	uint64_t forged;		/* XfrmInStateProtoError */
	uint64_t other_address;		/* XfrmInStateMismatch: not of its selector */
	uint64_t not_protected;		/* XfrmInTmplMismatch */
};

/* fn gets each Mobility Header that came protected as a whole packet, without ESP; data is
 * good during the call. Bounded work per turn. Errors: -EPROTONOSUPPORT: the kernel has no
 * IPsec with ESP, or nothing of Mobile IPv6. */
int ipsec_open(struct loop *l, enum ipsec_role role,
	       void (*fn)(void *ctx, int ifindex, const uint8_t *data, size_t len), void *ctx,
	       struct ipsec **ret);
/* keep: what is in the kernel stays for the next run. NULL is harmless; not from within fn. */
void ipsec_close(struct ipsec *s, bool keep);
/* Is it a packet for ipsec_send()? All Mobility Headers but Binding Errors are. */
bool ipsec_wants(const void *packet, size_t len);
/* A whole packet as it would be without ESP, by that interface (0: by the routing table).
 * Its checksum is made anew. -EAGAIN: there is no security association; the IKE daemon has
 * been asked for one. */
int ipsec_send(struct ipsec *s, int ifindex, const void *packet, size_t len);
/* Sends nothing. 0: what goes from one address to the other can be protected; -EAGAIN as
 * above. */
int ipsec_ask(struct ipsec *s, const struct in6_addr *from, const struct in6_addr *to);
uint64_t ipsec_received(const struct ipsec *s);
int ipsec_refused(struct ipsec_refused *ret);
/* Removes what a run that was killed has left. How many things, or negative errno. */
int ipsec_cleanup(void);

#endif
