/* SPDX-License-Identifier: BSD-2-Clause */
/* Which interface is better than another. Pure; private to mn-agent/. */
#ifndef DMIP6_MN_PREFER_H
#define DMIP6_MN_PREFER_H

#include "mn-agent/mn_private.h"

bool prefer_metered(const struct mn_iface *i);
/* Is a better than b, whatever they have been through? Of equals neither is. */
bool prefer_over(const struct mn_iface *a, const struct mn_iface *b);
/* Is it attached, with a care-of address? */
bool prefer_usable(const struct mn_iface *i);
/* From when on it may take something from another that works. */
usec_t prefer_stable_at(const struct mn_iface *i);
/* The best of those that are usable, or NULL. Between equals the one that is current, so that
 * nothing flaps, or else the one that came last. *ret_again: when to ask once more, or
 * USEC_NEVER. */
struct mn_iface *prefer_best(const struct mn *mn, usec_t now, usec_t *ret_again);

#endif
