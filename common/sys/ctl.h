/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control socket: UNIX stream, one JSON object a line each way.
 *	-> {"method":"status"}
 *	<- {"parameters":{...}}              or {"error":"sentence","code":"not-found"}
 * {"method":"monitor","more":true} keeps the connection: each event is a line
 * {"parameters":{...},"continues":true}. Bounded clients and line length. Reads need the
 * socket's permissions (0660); methods that change something, or tell secrets, need uid 0, or the
 * daemon's own (SO_PEERCRED).
 */
#ifndef DMIP6_SYS_CTL_H
#define DMIP6_SYS_CTL_H

#include <jansson.h>
#include <stdbool.h>

#include "common/sys/loop.h"

struct ctl;

struct ctl_method {
	const char *name;
	bool needs_root;
	/* Returns a new reference, or NULL with *error (static text) and *code set. */
	json_t *(*call)(void *ctx, const json_t *parameters, const char **error, const char **code);
};				/* a table ends with name == NULL; "monitor" is built in */

/* -EADDRINUSE: another daemon answers on it (a dead one's socket file is taken over). */
int ctl_open(struct loop *l, const char *path, const struct ctl_method *methods, void *ctx,
	     struct ctl **ret);
void ctl_close(struct ctl *c);		/* removes the file */
/* To every monitoring client, with "seq" and "time" added. Takes over the reference. A
 * client too slow to read loses events; it sees that by the gap in "seq". */
void ctl_event(struct ctl *c, json_t *event);
bool ctl_listening(const struct ctl *c);	/* is there anybody whom an event would reach? */

#endif
