/* SPDX-License-Identifier: BSD-2-Clause */
/* What runs in the Redis server, at once and alone: sdb_redis_lua.c. */
#ifndef DMIP6_HA_SDB_REDIS_LUA_H
#define DMIP6_HA_SDB_REDIS_LUA_H

enum redis_script {
	SCRIPT_GET, SCRIPT_LOOK, SCRIPT_SET, SCRIPT_LOG, SCRIPT_MAX
};

extern const char *const redis_scripts[SCRIPT_MAX];

#endif
