/* SPDX-License-Identifier: BSD-2-Clause */
/* The block "keys" of ha.conf; a row of the table of conf.c. */
#ifndef DMIP6_HA_CONF_KEYS_H
#define DMIP6_HA_CONF_KEYS_H

#include "common/core/conf.h"
#include "ha-agent/ha.h"

#define HA_KEY_LIFETIME_MIN	(60 * USEC_S)
#define HA_KEY_LIFETIME_MAX	(365 * 86400 * USEC_S)

extern const struct conf_keyword ha_conf_keys_table[];
void *ha_conf_keys_open(struct conf *c, void *obj, const struct conf_word *kw,
			const struct conf_word *args, unsigned int n);
void ha_conf_keys_close(struct conf *c, void *obj, const struct conf_word *kw);

#define HA_CONF_KEYS_ROW \
	{ .name = "keys", .args = "[yes|no]", .max_args = 1, .block = ha_conf_keys_table, \
	  .block_optional = true, .open = ha_conf_keys_open, .close = ha_conf_keys_close, \
	  .once = true }

void ha_conf_wipe_keys(struct ha_keys_config *k);	/* pre-shared keys */
/* Does the configuration hold anything that nobody else may read? */
bool ha_conf_has_secrets(const struct ha_config *cfg);
bool ha_conf_same_keys(const struct ha_keys_config *a, const struct ha_keys_config *b);

#endif
