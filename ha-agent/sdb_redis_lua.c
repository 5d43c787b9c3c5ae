/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scripts of the session database in Redis. They compare and set, and decide nothing: what may
 * be stored is decided in sdb.c, for every backend. Called by sdb_redis.c with EVALSHA or EVAL.
 *
 * The keys, all with one hash tag, so that a script may touch them together in a cluster too: that
 * a prefix is held by one node and that the log has each change are facts across nodes.
 *	{dmip6}:mn:MN-ID	hash: prefix -> "UNTIL RECORD"; UNTIL in ms of the server's clock
 *	{dmip6}:px:PREFIX	the MN-ID whose active record has it
 *	{dmip6}:log		stream of changes, N-0: field r is the record
 *	{dmip6}:run		random, made once: whether this is the database that it was
 *	{dmip6}:policy:MAC	the operator's: "MN-ID ACCESS"
 */
#include "ha-agent/sdb_redis_lua.h"

#define NOW \
	"local t = redis.call('TIME') " \
	"local now = t[1] * 1000 + math.floor(t[2] / 1000) "

const char *const redis_scripts[SCRIPT_MAX] = {
	/* KEYS: mn. Replies: now, then prefix and value of each of its records, 64 at most. */
	[SCRIPT_GET] =
		NOW
		"local r = {string.format('%.0f', now)} "
		"local all = redis.call('HGETALL', KEYS[1]) "
		"for i = 1, math.min(#all, 128) do r[i + 1] = all[i] end "
		"return r",

	/* KEYS: mn, px. ARGV: prefix, "{dmip6}:mn:". Replies: now, our value, who holds the prefix,
	 * the value of that one if it is another; '' for what is not there. */
	[SCRIPT_LOOK] =
		NOW
		"local own = redis.call('HGET', KEYS[1], ARGV[1]) or '' "
		"local px = redis.call('GET', KEYS[2]) or '' "
		"local held = '' "
		"if px ~= '' and ARGV[2] .. px ~= KEYS[1] then "
		" held = redis.call('HGET', ARGV[2] .. px, ARGV[1]) or '' "
		"end "
		"return {string.format('%.0f', now), own, px, held}",

	/* KEYS: mn, px, log. ARGV: prefix, "{dmip6}:mn:", the three values of SCRIPT_LOOK, record,
	 * lifetime in ms, MN-ID, 1 if it is active, 1 if it is a change, how many of them to keep.
	 * Replies 1, or 0: something has changed since. The log first: it alone can fail. */
	[SCRIPT_SET] =
		NOW
		"local own = redis.call('HGET', KEYS[1], ARGV[1]) or '' "
		"local px = redis.call('GET', KEYS[2]) or '' "
		"local held = '' "
		"if px ~= '' and ARGV[2] .. px ~= KEYS[1] then "
		" held = redis.call('HGET', ARGV[2] .. px, ARGV[1]) or '' "
		"end "
		"if own ~= ARGV[3] or px ~= ARGV[4] or held ~= ARGV[5] then return 0 end "
		"if ARGV[10] == '1' then "
		" local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1] "
		" local n = last and tonumber(string.match(last[1], '^%d+')) or 0 "
		" redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[11], "
		"  string.format('%.0f-0', n + 1), 'r', ARGV[6]) "
		"end "
		/* What has ended goes. */
		"local all = redis.call('HGETALL', KEYS[1]) "
		"for i = 1, #all, 2 do "
		" local u = tonumber(string.match(all[i + 1], '^(%d+) ')) "
		" if u and u <= now then redis.call('HDEL', KEYS[1], all[i]) end "
		"end "
		"local life = tonumber(ARGV[7]) "
		"redis.call('HSET', KEYS[1], ARGV[1], "
		" string.format('%.0f ', now + life) .. ARGV[6]) "
		"if redis.call('PTTL', KEYS[1]) < life then redis.call('PEXPIRE', KEYS[1], life) end "
		"if ARGV[9] == '1' then redis.call('SET', KEYS[2], ARGV[8], 'PX', life) "
		"elseif px == ARGV[8] then redis.call('DEL', KEYS[2]) end "
		"return 1",

	/* KEYS: log, run. ARGV: after which, how many, a random number. Replies: run, the log's
	 * first and last, and then number and record of each. */
	[SCRIPT_LOG] =
		"redis.call('SET', KEYS[2], ARGV[3], 'NX') "
		"local r = {redis.call('GET', KEYS[2]), '0', '0'} "
		"local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1] "
		"if not first then return r end "
		"local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1] "
		"r[2] = string.match(first[1], '^%d+') "
		"r[3] = string.match(last[1], '^%d+') "
		"local new = redis.call('XREAD', 'COUNT', ARGV[2], 'STREAMS', KEYS[1], "
		" ARGV[1] .. '-0') "
		"if new then "
		" for _, e in ipairs(new[1][2]) do "
		"  table.insert(r, string.match(e[1], '^%d+')) "
		"  table.insert(r, e[2][2]) "
		" end "
		"end "
		"return r",
};
