/* SPDX-License-Identifier: BSD-2-Clause */
/* See loss.h. Called by both daemons. */
#include "common/sys/loss.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sys/file.h"

#define COMM_MAX	64

/* A netlink port is the process that opened it, as a rule: it is so for its first socket. */
static void name_process(struct loss *l, uint32_t port)
{
	char path[64], *name;
	size_t len;

	(void)snprintf(path, sizeof(path), "/proc/%u/comm", port);
	if (file_read(path, COMM_MAX, &name, &len) < 0)
		return;		/* it has ended, or is not shown to us */
	name[strcspn(name, "\n")] = '\0';
	(void)snprintf(l->by, sizeof(l->by), "%.31s (process %u)", name, port);
	free(name);
}

void loss_note(struct loss *l, enum loss_kind kind, uint32_t port)
{
	if (port == 0 && kind != LOSS_DEVICE && kind != LOSS_TABLE)
		return;
	l->n[kind]++;
	if (port != 0 && l->by[0] == '\0')
		name_process(l, port);
}

unsigned int loss_count(const struct loss *l)
{
	unsigned int n = 0;

	for (enum loss_kind k = 0; k < LOSS_MAX; k++)
		n += l->n[k];
	return n;
}

void loss_str(const struct loss *l, char text[LOSS_STR_MAX])
{
	static const char *const one[LOSS_MAX] = {
		[LOSS_RULE] = "rule", [LOSS_ROUTE] = "route", [LOSS_ADDR] = "address",
		[LOSS_DEVICE] = "device", [LOSS_TABLE] = "filter table",
	};
	static const char *const many[LOSS_MAX] = {
		[LOSS_RULE] = "rules", [LOSS_ROUTE] = "routes", [LOSS_ADDR] = "addresses",
		[LOSS_DEVICE] = "devices", [LOSS_TABLE] = "filter tables",
	};
	int at = snprintf(text, LOSS_STR_MAX, "%s deleted", l->by[0] ? l->by : "somebody");
	const char *comma = "";

	for (enum loss_kind k = 0; k < LOSS_MAX; k++) {
		if (l->n[k] == 0)
			continue;
		at += snprintf(text + at, LOSS_STR_MAX - (size_t)at, "%s %u %s", comma, l->n[k],
			       l->n[k] > 1 ? many[k] : one[k]);
		comma = ",";
	}
	(void)snprintf(text + at, LOSS_STR_MAX - (size_t)at, " of ours");
}
