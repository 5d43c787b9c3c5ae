/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Classes of addresses (RFC 8653 3.2): which address a socket of each gets, who may have one, and
 * what a socket of it holds. Pure; asked by app.c, and by flows.c during a count.
 */
#ifndef DMIP6_MN_CLASSES_H
#define DMIP6_MN_CLASSES_H

#include <sys/types.h>

#include "common/core/app.h"
#include "common/core/hash.h"
#include "common/core/in6.h"
#include "common/core/timer.h"

#define CLASSES_WHO_MAX		16
#define CLASSES_SOCKETS		16384	/* remembered, */
#define CLASSES_OF_USER		1024	/* of these of one user: the oldest goes for a new one */
#define CLASSES_UNSEEN		(60 * USEC_S)	/* until a socket shows in a count */

struct anchor;
struct mn;
struct mn_flow;

/* Who may have addresses of a class. */
struct class_rule {
	bool everybody;
	unsigned int n_users, n_groups;
	uid_t users[CLASSES_WHO_MAX];
	gid_t groups[CLASSES_WHO_MAX];
};

struct classes_config {
	struct class_rule rules[APP_CLASS_MAX];
	usec_t graceful;		/* how long such a socket keeps what its host has left */
};

/* Who asks. */
struct class_user {
	uid_t uid;
	unsigned int n_groups;
	const gid_t *groups;
};

struct class_socket {
	UT_hash_handle hh;
	uint64_t cookie;		/* the kernel's, of no other socket until it starts anew */
	enum app_class class;
	struct in6_addr address;	/* unspecified: as the kernel chose */
	uid_t uid;
	usec_t since;
	bool seen;			/* in a count: it is bound */
	bool counted;			/* in the one under way */
};

struct classes { struct class_socket *by_cookie; };

/* 0, -EPERM, -EINVAL: no such class or anchor, -EADDRNOTAVAIL. *ret unspecified: what the kernel
 * chooses will do. anchor "": any. */
int classes_address(const struct mn *mn, enum app_class class, const char *anchor,
		    const struct class_user *who, struct in6_addr *ret);
/* The same for a socket, which is remembered. */
int classes_claim(struct mn *mn, uint64_t cookie, enum app_class class, const char *anchor,
		  const struct class_user *who, usec_t now, struct in6_addr *ret);
/* NULL: it has claimed none. */
const struct class_socket *classes_find(const struct mn *mn, uint64_t cookie);
/* That, or what the configuration has for it. */
enum app_class classes_of(const struct mn *mn, const struct mn_flow *f);
/* It is closed. */
void classes_ended(struct mn *mn, uint64_t cookie);
void classes_free(struct mn *mn);

/* ---- for flows.c ---- */

/* Is it of interest of each socket whether it is there, not only of each address? */
bool classes_want_all(const struct mn *mn);
/* Sockets are about to be looked at. */
void classes_count_begins(struct mn *mn, usec_t now);
/* Has the time passed that a graceful one has there? */
bool classes_over(const struct mn *mn, const struct in6_addr *local, usec_t now);
/* One of them, of that class, which by itself would hold its address or not: does it? */
bool classes_holds(struct mn *mn, const struct mn_flow *f, enum app_class class, bool by_itself,
		   usec_t now);
/* How many are to be bound to that address, or are and do not show (TCP before connect()). exact:
 * all sockets have been looked at, so what was seen before and was not now is closed. */
unsigned int classes_unseen(const struct mn *mn, const struct in6_addr *address, usec_t now);
void classes_count_ends(struct mn *mn, bool exact, usec_t now);
/* When the next of them lets go by itself; USEC_NEVER. */
usec_t classes_next(const struct mn *mn, usec_t now);

#endif
