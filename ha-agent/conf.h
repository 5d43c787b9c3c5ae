/* SPDX-License-Identifier: BSD-2-Clause */
/* Configuration of dmip6-had: the file's keywords and what the command line adds. */
#ifndef DMIP6_HA_CONF_H
#define DMIP6_HA_CONF_H

#include "common/core/conf.h"
#include "ha-agent/ha.h"

#define HA_CONF_PATH	"/etc/dmip6/ha.conf"
#define HA_CONF_MAX	(1024 * 1024)
#define HA_DRAIN_MAX	(7 * 86400 * USEC_S)

extern const struct conf_keyword ha_conf_table[];	/* root object: struct ha_config */

/* Checks and adds; a name that is there already is not added again. 0, -EINVAL (no name of
 * an interface) or -ENOSPC. */
int ha_conf_add_interface(struct ha_config *cfg, const char *name);
/* 0, or -ENOENT: no data path has this name. */
int ha_conf_set_datapath(struct ha_config *cfg, const char *name);
/* Reads the text. Returns the number of errors; each went to report. */
unsigned int ha_conf_parse(struct ha_config *cfg, const char *name, const char *text, size_t len,
			   conf_report_fn *report, void *ctx);
/* What the command line says (interfaces, at most one prefix, its address,
 * the data path, the time to drain) in place of what
 * the file says of the same. */
void ha_conf_override(struct ha_config *cfg, const struct ha_config *line);
void ha_conf_wipe(struct ha_config *cfg);	/* keys */

#endif
