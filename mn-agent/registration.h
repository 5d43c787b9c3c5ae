/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lower half of an anchor's state machine: what goes out, and what is put into the
 * data path with it. Private to anchor.c, reply.c and registration.c.
 */
#ifndef DMIP6_MN_REGISTRATION_H
#define DMIP6_MN_REGISTRATION_H

#include "mn-agent/anchor.h"
#include "mn-agent/status.h"

/* Sets first, tells after: whoever is told sees the new state. */
void reg_state(struct anchor *a, enum anchor_state to, const char *why, usec_t now);
/* What people are told of it until the next good answer; "" takes it back. */
void reg_reason(struct anchor *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* From the care-of address; or from another one. */
void reg_tunnel_up(struct anchor *a);
bool reg_tunnel_from(struct anchor *a, const struct in6_addr *from);
void reg_tunnel_down(struct anchor *a);

/* The Binding Update of this state goes out, now or as soon as the rate limit lets it; the
 * timer runs until the next one. */
void reg_transmit(struct anchor *a, usec_t now);
/* The first Binding Update of a registration, or de-registration, in the state just entered. */
void reg_start(struct anchor *a, usec_t now);
/* When the last Binding Update with this number (an outstanding one) left: exact, or earlier. */
usec_t reg_sent_at(const struct anchor *a, uint16_t seq);

enum reg_tunnel { REG_TUNNEL_AT_ONCE, REG_TUNNEL_WHEN_BOUND };
void reg_register(struct anchor *a, enum reg_tunnel tunnel, const char *why, usec_t now);
/* A Binding Update may have arrived: until it would have run out, a release is owed. */
void reg_owe(struct anchor *a, usec_t now);
void reg_release(struct anchor *a, const char *why, usec_t now);
/* No tunnel, and no timer: asking again is for reg_ask_later(). */
void reg_refused(struct anchor *a, const char *why, usec_t now);
/* The same, for want of a key. */
void reg_keyless(struct anchor *a, usec_t now);
/* The timer: when a refusal is answered by asking again. Each time later, until one is taken. */
void reg_ask_later(struct anchor *a, enum ba_action how, usec_t now);
/* Before that: which flows are lost with it, for people to know. */
void reg_count_lost(struct anchor *a);
void reg_gone(struct anchor *a, const char *why, usec_t now);

#endif
