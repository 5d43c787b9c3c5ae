/* SPDX-License-Identifier: BSD-2-Clause */
/* The block "flow" of ha.conf. For conf.c, conf_network.c and reload.c only. */
#ifndef DMIP6_HA_CONF_FLOWS_H
#define DMIP6_HA_CONF_FLOWS_H

#include "common/core/conf.h"
#include "ha-agent/ha.h"

/* The number of a kind of access link (RFC 5213 8.5) by its name, and back; 0: "default". -EINVAL,
 * and "?". */
int ha_conf_access_number(const char *name);
const char *ha_conf_access_name(uint8_t type);

void *ha_conf_flow_open(struct conf *c, void *obj, const struct conf_word *kw,
			const struct conf_word *args, unsigned int n);
void ha_conf_flow_close(struct conf *c, void *obj, const struct conf_word *kw);
extern const struct conf_keyword ha_conf_flow_table[];

#define HA_CONF_ACCESS_TYPES	"ethernet|wlan|wimax|lte|ppp|virtual"
#define HA_CONF_FLOW_ROW \
	{ .name = "flow", .args = "NAME", .min_args = 1, .max_args = 1, \
	  .block = ha_conf_flow_table, .open = ha_conf_flow_open, .close = ha_conf_flow_close }

bool ha_conf_same_flows(const struct ha_config *a, const struct ha_config *b);
void ha_conf_wipe_flows(struct ha_config *cfg);

#endif
