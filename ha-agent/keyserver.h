/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where hosts ask for keys: TLS 1.3 on TCP port 7872 of the access interfaces. bootstrap.c says
 * who gets one.
 */
#ifndef DMIP6_HA_KEYSERVER_H
#define DMIP6_HA_KEYSERVER_H

#include "common/sys/loop.h"
#include "common/sys/tls.h"
#include "ha-agent/ha.h"

struct keyserver;

/* The files and pre-shared keys of a configuration as the rules of TLS sessions. 0, and *ret is
 * NULL where no keys are given out; negative errno with a sentence in why. */
int keyserver_read(const struct ha_keys_config *cfg, char why[TLS_WHY_MAX],
		   struct tls_context **ret);

/* Takes the loop's background work. Nobody is served before keyserver_use(). 0 or -ENOMEM. */
int keyserver_open(struct loop *l, struct ha *ha, struct keyserver **ret);
void keyserver_close(struct keyserver *k);		/* NULL is harmless */
/* From now on by these rules, which become the server's; sessions that are under way end, and
 * who had one comes again. NULL: nobody is served. */
void keyserver_use(struct keyserver *k, struct tls_context *c);
/* The access interface with this number in the configuration has this index; 0: it is not there. */
void keyserver_link(struct keyserver *k, unsigned int n, int ifindex);

/* When our certificate ends, seconds of the epoch; 0: there is none. */
int64_t keyserver_valid_until(const struct keyserver *k);
/* Why hosts cannot ask on an interface, negative errno, and which; 0: they can. */
int keyserver_trouble(const struct keyserver *k, const char **ret_interface);
unsigned int keyserver_connections(const struct keyserver *k);	/* now */
void keyserver_each_counter(const struct keyserver *k,
			    void (*fn)(void *ctx, const char *name, uint64_t v), void *ctx);

#endif
