/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel's device model and NetworkManager know of an interface beyond rtnetlink:
 * its kind, and whether it costs by volume. root: "" but in tests.
 */
#ifndef DMIP6_MN_OUTSIDE_H
#define DMIP6_MN_OUTSIDE_H

#include "common/sys/loop.h"
#include "mn-agent/mn.h"

struct outside;

enum mn_link_kind outside_kind(const char *root, const char *name);
bool outside_metered(const char *root, const char *name);
/* changed is called when an interface begins to cost, or ends. 0 or negative errno. */
int outside_open(struct loop *loop, void (*changed)(void *ctx), void *ctx, struct outside **ret);
void outside_close(struct outside *o);		/* NULL is harmless */

#endif
