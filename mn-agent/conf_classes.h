/* SPDX-License-Identifier: BSD-2-Clause */
/* The block "class" of mn.conf. For conf.c and reload.c only. */
#ifndef DMIP6_MN_CONF_CLASSES_H
#define DMIP6_MN_CONF_CLASSES_H

#include "common/core/conf.h"
#include "mn-agent/classes.h"

void mn_conf_classes_defaults(struct classes_config *cfg);
void *mn_conf_class_open(struct conf *c, void *obj, const struct conf_word *kw,
			 const struct conf_word *args, unsigned int n);
extern const struct conf_keyword mn_conf_class_table[];

#define MN_CONF_CLASS_ROW \
	{ .name = "class", .args = "nonpersistent|session|fixed|graceful", .min_args = 1, \
	  .max_args = 1, .block = mn_conf_class_table, .open = mn_conf_class_open }

/* A name or a number; false: it was reported. */
bool mn_conf_user(struct conf *c, const struct conf_word *w, uid_t *ret);
/* 0: there is none of that name. */
enum app_class mn_conf_class(const char *name);

bool mn_conf_same_classes(const struct classes_config *a, const struct classes_config *b);

#endif
