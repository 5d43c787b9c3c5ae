/* SPDX-License-Identifier: BSD-2-Clause */
/* The block "peer" of ha.conf. For conf.c and reload.c only. */
#ifndef DMIP6_HA_CONF_PEERS_H
#define DMIP6_HA_CONF_PEERS_H

#include "common/core/conf.h"
#include "ha-agent/ha.h"

void *ha_conf_peer_open(struct conf *c, void *obj, const struct conf_word *kw,
			const struct conf_word *args, unsigned int n);
void ha_conf_peer_close(struct conf *c, void *obj, const struct conf_word *kw);
extern const struct conf_keyword ha_conf_peer_table[];
/* Its row in the table of the whole file. */
#define HA_CONF_PEER_ROW \
	{ .name = "peer", .args = "ADDRESS SPI", .min_args = 2, .max_args = 2, \
	  .block = ha_conf_peer_table, .open = ha_conf_peer_open, .close = ha_conf_peer_close }

/* In whatever order they stand. */
bool ha_conf_same_peers(const struct ha_config *a, const struct ha_config *b);
void ha_conf_wipe_peers(struct ha_config *cfg);

#endif
