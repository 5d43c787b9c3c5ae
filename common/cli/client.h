/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's end of the control socket (common/sys/ctl.h says what goes over it). All
 * functions return 0 or negative errno: -ETIMEDOUT when the daemon is silent for
 * CLIENT_TIMEOUT_S, -ENODATA when it has closed the connection, -EPIPE when it did so
 * within a line, -EMSGSIZE for a line above CLIENT_LINE_MAX, -EBADMSG for what is not a
 * JSON object.
 */
#ifndef DMIP6_CLI_CLIENT_H
#define DMIP6_CLI_CLIENT_H

#include <jansson.h>

#define CLIENT_TIMEOUT_S	10
#define CLIENT_LINE_MAX		(16u * 1024 * 1024)

struct daemon {
	const char *name;	/* "dmip6-mnd" */
	const char *role;	/* "mn" */
	const char *socket;	/* where it listens unless told otherwise */
};

extern const struct daemon client_daemons[];	/* ends with name == NULL */

struct client;

int client_open(const char *path, struct client **ret);
void client_close(struct client *c);		/* NULL is harmless */
/* The whole reply: it has "parameters" or "error". parameters: NULL if there are none; stays
 * the caller's. */
int client_call(struct client *c, const char *method, json_t *parameters, json_t **ret_reply);
/* From here on client_event() waits without limit. */
int client_monitor(struct client *c);
int client_event(struct client *c, json_t **ret_event);	/* the next line */
/* One of those negative errnos, as the rest of a sentence that begins with the path. */
const char *client_error(int err);

#endif
