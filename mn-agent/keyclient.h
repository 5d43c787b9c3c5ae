/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions by which home agents are asked for keys: the connections of what bootstrap.c
 * decides. TLS 1.3 over TCP, from a home address by its own link, one hop (RFC 5082).
 */
#ifndef DMIP6_MN_KEYCLIENT_H
#define DMIP6_MN_KEYCLIENT_H

#include "common/sys/loop.h"
#include "common/sys/tls.h"
#include "mn-agent/bootstrap.h"
#include "mn-agent/conf_keys.h"

struct keyclient;

/* Takes the loop's background work. What comes of sessions is told to mn. */
int keyclient_open(struct loop *l, struct mn *mn, struct keyclient **ret);
void keyclient_close(struct keyclient *k);		/* NULL is harmless */

/* Reads the files that the configuration names. 0, or negative errno with a sentence in why; the
 * caller's to free. *ret is NULL where nobody is to be asked. */
int keyclient_read(const struct boot_modes *modes, const struct mn_keys_config *cfg,
		   char why[TLS_WHY_MAX], struct tls_context **ret);
/* From now on by these (taken over); sessions of before are not resumed. */
void keyclient_use(struct keyclient *k, const struct boot_modes *modes, struct tls_context *c);

/* As ops of the mobile node. */
int keyclient_ask(struct keyclient *k, const struct bootstrap_ask *ask);
void keyclient_stop(struct keyclient *k, const struct in6_addr *ha);

/* Of the current configuration: when our certificate ends, seconds of the epoch; 0: none. */
int64_t keyclient_valid_until(const struct keyclient *k);
/* How many sessions have failed for the nth of tls_reasons(). */
uint64_t keyclient_failed(const struct keyclient *k, unsigned int n);
uint64_t keyclient_resumed(const struct keyclient *k);

#endif
