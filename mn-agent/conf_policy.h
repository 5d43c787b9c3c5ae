/* SPDX-License-Identifier: BSD-2-Clause */
/* The block "policy" of mn.conf. For conf.c and reload.c only. */
#ifndef DMIP6_MN_CONF_POLICY_H
#define DMIP6_MN_CONF_POLICY_H

#include "common/core/conf.h"
#include "mn-agent/policy.h"

void *mn_conf_policy_open(struct conf *c, void *obj, const struct conf_word *kw,
			  const struct conf_word *args, unsigned int n);
void mn_conf_policy_close(struct conf *c, void *obj, const struct conf_word *kw);
extern const struct conf_keyword mn_conf_policy_table[];

#define MN_CONF_POLICY_ROW \
	{ .name = "policy", .args = "NAME", .min_args = 1, .max_args = 1, \
	  .block = mn_conf_policy_table, .open = mn_conf_policy_open, \
	  .close = mn_conf_policy_close }

bool mn_conf_same_policies(const struct class_policies *a, const struct class_policies *b);

#endif
