/* SPDX-License-Identifier: BSD-2-Clause */
/* mn.conf: the keyword table of the MN daemon. */
#ifndef DMIP6_MN_CONF_H
#define DMIP6_MN_CONF_H

#include "common/core/conf.h"
#include "mn-agent/conf_keys.h"
#include "mn-agent/mn.h"

struct mn_settings {
	struct mn_config mn;
	struct mn_keys_config keys;
	uint32_t table_base;
	const char *datapath;		/* of dp_all(); NULL: the first that works */
};

extern const struct conf_keyword mn_conf_table[];	/* root object: struct mn_settings */

void mn_conf_defaults(struct mn_settings *s);
/* Adds to the list once; -ENOSPC, -EINVAL (no interface can have that name). */
int mn_conf_add_interface(struct mn_settings *s, const char *name);
void mn_conf_wipe(struct mn_settings *s);	/* keys */

#endif
