/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of dmip6ctl doctor share. */
#ifndef DMIP6_CLI_DOCTOR_PRIVATE_H
#define DMIP6_CLI_DOCTOR_PRIVATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/sys/nl.h"
#include "common/sys/rt.h"

#define DOCTOR_FILE_MAX	65536
#define DOCTOR_LINKS	256

enum result { RESULT_OK, RESULT_WARN, RESULT_FAIL };

struct doctor {
	json_t *checks;
	bool mn, ha;		/* whose checks to make */
	bool sure;		/* a daemon said so; else either may be meant to run */
	bool privileged;
	bool failed;
	uint32_t mtu;		/* that a home agent tells its hosts */
	struct nl *nl;
	struct rt_link links[DOCTOR_LINKS];
	size_t n_links;
};

/* Adds a row. follows: what it means and what to do; "" when all is well. */
__attribute__((format(printf, 5, 6)))
void doctor_add(struct doctor *d, const char *name, enum result r, const char *follows,
		const char *fmt, ...);
/* How bad is what only one of the two daemons needs? */
enum result doctor_lacking(const struct doctor *d);
bool doctor_is_ours(const struct rt_link *l);
/* A link that a host may be attached by: up, Ethernet, not ours. */
bool doctor_is_access(const struct rt_link *l);
/* A number out of /proc/sys/net/ipv6/conf/IF/NAME; -1 where there is none. */
int doctor_sysctl(const char *interface, const char *name);

/* doctor_net.c: forwarding, sizes, rules. */
void doctor_forwarding(struct doctor *d);
void doctor_ipv6(struct doctor *d);
void doctor_mtu(struct doctor *d);
void doctor_rules(struct doctor *d);

/* doctor_managers.c: who configures the interfaces, and what he does to what is ours. */
void doctor_advertisements(struct doctor *d);
void doctor_networkd(struct doctor *d);
void doctor_networkmanager(struct doctor *d);
void doctor_dhcpcd(struct doctor *d);

/* doctor_filter.c: what packet filters do to tunnel packets. */
void doctor_filter(struct doctor *d);

#endif
