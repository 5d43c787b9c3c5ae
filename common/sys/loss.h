/* SPDX-License-Identifier: BSD-2-Clause */
/* What others deleted of ours, and who it was: notes for the report about a repair. */
#ifndef DMIP6_SYS_LOSS_H
#define DMIP6_SYS_LOSS_H

#include <stddef.h>
#include <stdint.h>

enum loss_kind { LOSS_RULE, LOSS_ROUTE, LOSS_ADDR, LOSS_DEVICE, LOSS_TABLE, LOSS_MAX };

#define LOSS_STR_MAX	256

struct loss {			/* all zero: nothing */
	unsigned int n[LOSS_MAX];
	char by[56];		/* who, for people; "": not known */
};

/* port: the netlink port of who did it. 0: the kernel did it, for a route with the link that
 * went; nobody is to blame for such a one, and it is not noted. */
void loss_note(struct loss *l, enum loss_kind kind, uint32_t port);
unsigned int loss_count(const struct loss *l);
/* Such as "systemd-networkd (process 123) deleted 2 rules, 1 route of ours". */
void loss_str(const struct loss *l, char text[LOSS_STR_MAX]);

#endif
