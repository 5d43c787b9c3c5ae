/* SPDX-License-Identifier: BSD-2-Clause */
/* Network mode in ha.conf, and its block "session-database". For conf.c and reload.c only. */
#ifndef DMIP6_HA_CONF_NETWORK_H
#define DMIP6_HA_CONF_NETWORK_H

#include "common/core/conf.h"
#include "ha-agent/conf_flows.h"
#include "ha-agent/ha.h"

void ha_conf_network_mode(struct conf *c, void *obj, const struct conf_word *kw,
			  const struct conf_word *args, unsigned int n);
void ha_conf_fixed_address(struct conf *c, void *obj, const struct conf_word *kw,
			   const struct conf_word *args, unsigned int n);
void ha_conf_access_type(struct conf *c, void *obj, const struct conf_word *kw,
			 const struct conf_word *args, unsigned int n);
void ha_conf_release_idle(struct conf *c, void *obj, const struct conf_word *kw,
			  const struct conf_word *args, unsigned int n);
void ha_conf_unknown_hosts(struct conf *c, void *obj, const struct conf_word *kw,
			   const struct conf_word *args, unsigned int n);
void *ha_conf_host_open(struct conf *c, void *obj, const struct conf_word *kw,
			const struct conf_word *args, unsigned int n);
void ha_conf_host_close(struct conf *c, void *obj, const struct conf_word *kw);
extern const struct conf_keyword ha_conf_host_table[];
void *ha_conf_sessions_open(struct conf *c, void *obj, const struct conf_word *kw,
			    const struct conf_word *args, unsigned int n);
void ha_conf_sessions_close(struct conf *c, void *obj, const struct conf_word *kw);
extern const struct conf_keyword ha_conf_sessions_table[];

/* Its rows in the table of the whole file. */
#define HA_CONF_NETWORK_ROWS \
	{ .name = "network-mode", .args = "yes|no", .min_args = 1, .max_args = 1, \
	  .set = ha_conf_network_mode, .once = true }, \
	{ .name = "fixed-router-address", .args = "yes|no", .min_args = 1, .max_args = 1, \
	  .set = ha_conf_fixed_address, .once = true }, \
	{ .name = "release-idle", .args = "DURATION|never", .min_args = 1, .max_args = 1, \
	  .set = ha_conf_release_idle, .once = true }, \
	{ .name = "unknown-hosts", .args = "allowed|refused|local-only", .min_args = 1, \
	  .max_args = 1, .set = ha_conf_unknown_hosts, .once = true }, \
	{ .name = "host", .args = "MAC", .min_args = 1, .max_args = 1, \
	  .block = ha_conf_host_table, .block_optional = true, .open = ha_conf_host_open, \
	  .close = ha_conf_host_close }, \
	{ .name = "access-type", .args = HA_CONF_ACCESS_TYPES, .min_args = 1, \
	  .max_args = 1, .set = ha_conf_access_type, .once = true }, \
	{ .name = "session-database", .args = "sqlite|redis", .min_args = 1, .max_args = 1, \
	  .block = ha_conf_sessions_table, .block_optional = true, \
	  .open = ha_conf_sessions_open, .close = ha_conf_sessions_close, .once = true }, \
	HA_CONF_FLOW_ROW

bool ha_conf_same_hosts(const struct ha_config *a, const struct ha_config *b);
void ha_conf_wipe_hosts(struct ha_config *cfg);
bool ha_conf_same_network(const struct ha_config *a, const struct ha_config *b);

#endif
