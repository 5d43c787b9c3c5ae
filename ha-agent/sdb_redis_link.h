/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection to the master of a Redis or Valkey database, kept: found among several addresses
 * or by Sentinel, with or without TLS, and made again when it is lost. Commands are pipelined:
 * replies come in the order of the commands. hiredis is the codec and no more.
 */
#ifndef DMIP6_HA_SDB_REDIS_LINK_H
#define DMIP6_HA_SDB_REDIS_LINK_H

#include <sys/socket.h>
#include <sys/un.h>

#include "common/core/timer.h"
#include "common/sys/tls.h"

#define REDIS_SERVERS_MAX	8
#define REDIS_WHY_MAX		200

struct loop;
struct redisReply;
struct redis_link;

struct redis_address {
	union {
		struct sockaddr any;
		struct sockaddr_storage storage;
		struct sockaddr_un un;
	} to;
	socklen_t len;
	char text[128];			/* for people */
};

struct redis_login {
	char *user, *password;		/* NULL: none */
};

/* Stays as it is while there are links of it. */
struct redis_link_config {
	struct redis_address servers[REDIS_SERVERS_MAX];
	unsigned int n_servers;
	char *sentinel_master;		/* NULL: the servers are no Sentinels */
	struct redis_login login, sentinel_login;
	struct tls_context *tls;	/* NULL: none */
};

/* Never from within a function of this file that the owner calls. */
struct redis_link_events {
	/* It is to a master, whose run_id begins with this. */
	void (*up)(void *ctx, struct redis_link *l, uint64_t run);
	/* It is lost, or could not be made; it is tried again. round_over: every address has been
	 * tried since it was up. */
	void (*down)(void *ctx, struct redis_link *l, const char *why, bool round_over);
	void *ctx;
};

/* "[2001:db8::1]:6379", "192.0.2.1:6379", "unix:/path". 0 or -EINVAL. */
int redis_address_parse(const char *s, struct redis_address *ret);

/* Begins to connect at the next turn. 0 or -ENOMEM. */
int redis_link_new(struct loop *loop, const struct redis_link_config *cfg,
		   const struct redis_link_events *ev, struct redis_link **ret);
/* NULL is harmless. What is under way gets its callback with -ECANCELED; no event. */
void redis_link_free(struct redis_link *l);

/* A command; fn is called once, with a reply (hiredis', good until it returns), which may be an
 * error of the server; or with NULL: -ECONNRESET, or -ECANCELED. 0; -ENOTCONN the link is not up,
 * -ENOMEM: then it is not called. */
int redis_link_send(struct redis_link *l, unsigned int argc, const char *const *argv,
		    void (*fn)(void *ctx, const struct redisReply *reply, int err), void *ctx);
/* Give the connection up, and look for another. `why' is a sentence. */
void redis_link_drop(struct redis_link *l, const char *why);

#endif
