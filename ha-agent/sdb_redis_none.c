/* SPDX-License-Identifier: BSD-2-Clause */
/* Stands for sdb_redis.c in a program that was built without hiredis (--without-redis). */
#include <errno.h>
#include <stdio.h>

#include "ha-agent/sdb.h"

static int none_open(struct loop *l, const struct sdb_config *cfg, const struct sdb_events *events,
		     char *why, size_t why_len, struct sdb **ret)
{
	(void)l;
	(void)cfg;
	(void)events;
	(void)ret;
	(void)snprintf(why, why_len, "this program was built without the session database \"redis\": "
		       "install libhiredis-dev and configure it with --with-redis");
	return -ENOTSUP;
}

const struct sdb_ops sdb_redis = { .name = "redis", .open = none_open };
