/* SPDX-License-Identifier: BSD-2-Clause */
/* The block "keys" of mn.conf: keys that home agents give. A row of the table of conf.c. */
#ifndef DMIP6_MN_CONF_KEYS_H
#define DMIP6_MN_CONF_KEYS_H

#include "common/core/conf.h"
#include "common/wire/boot.h"

#define MN_PATH_MAX	256
#define MN_PSK_MIN	16		/* octets */
#define MN_PSK_MAX	64

/* By what this host shows who it is, and knows home agents. Which modes are allowed stands in
 * mn_config.key_modes. */
struct mn_keys_config {
	char certificate[MN_PATH_MAX], private_key[MN_PATH_MAX];	/* ours, PEM; "": none */
	char authority[MN_PATH_MAX];	/* of home agents' certificates, */
	char revoked[MN_PATH_MAX];	/* and its list of those that it has taken back */
	char home_agent_name[BOOT_ID_MAX];	/* in their certificates; "": any */
	char psk_identity[BOOT_ID_MAX];	/* "": none */
	uint8_t psk[MN_PSK_MAX];
	size_t psk_len;
};

extern const struct conf_keyword mn_conf_keys_table[];
void *mn_conf_keys_open(struct conf *c, void *obj, const struct conf_word *kw,
			const struct conf_word *args, unsigned int n);
void mn_conf_keys_close(struct conf *c, void *obj, const struct conf_word *kw);

#define MN_CONF_KEYS_ROW \
	{ .name = "keys", .args = "[yes|no]", .max_args = 1, .block = mn_conf_keys_table, \
	  .block_optional = true, .open = mn_conf_keys_open, .close = mn_conf_keys_close, \
	  .once = true }

/* Do both say the same, modes apart? */
bool mn_conf_same_keys(const struct mn_keys_config *a, const struct mn_keys_config *b);

#endif
