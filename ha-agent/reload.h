/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration read again while the home agent runs. */
#ifndef DMIP6_HA_RELOAD_H
#define DMIP6_HA_RELOAD_H

#include "ha-agent/conf.h"
#include "ha-agent/keyserver.h"

/* Where the configuration comes from, and what is in force. All the caller's. */
struct ha_reload {
	const char *path;
	bool required;			/* else the file need not be there */
	const struct ha_config *line;	/* what the command line says goes before it */
	struct ha_config *in_force;	/* the home agent reads it wherever it needs it */
	struct keyserver *keyserver;	/* told what is in force */
	struct ha *ha;			/* its flows are steered by it; NULL: not yet at work */
};

/* On errors each is told by a line, and nothing is changed; their number. ret_changed: what is
 * different now, for people, such as "key, mtu"; "": nothing. */
unsigned int ha_reload(const struct ha_reload *r, conf_report_fn *report, void *ctx,
		       char *ret_changed, size_t len);

#endif
