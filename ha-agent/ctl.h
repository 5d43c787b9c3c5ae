/* SPDX-License-Identifier: BSD-2-Clause */
/* What dmip6ctl sees of the home agent: status and events as JSON. */
#ifndef DMIP6_HA_CTL_H
#define DMIP6_HA_CTL_H

#include "common/sys/ctl.h"
#include "ha-agent/ha.h"
#include "ha-agent/reload.h"

struct io;

struct ha_ctl {
	struct ctl *ctl;
	struct io *io;		/* set before the loop runs, */
	const struct ha_reload *reload;	/* as is this */
};

/* -EADDRINUSE: another daemon answers there. */
int ha_ctl_open(struct ha_ctl *c, struct loop *loop, const char *path);
void ha_ctl_close(struct ha_ctl *c);
void ha_ctl_event(void *ctx, const struct ha_event *e);	/* ctx: struct ha_ctl */

#endif
