/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon's end of libdmip6 (common/core/app.h). For io.c and main.c. */
#ifndef DMIP6_MN_APP_H
#define DMIP6_MN_APP_H

#include "common/sys/loop.h"
#include "mn-agent/mn.h"

struct app;

/* The socket, for everybody; an earlier daemon's is taken over. 0 or negative errno. */
int app_open(struct loop *l, struct mn *mn, const char *path, struct app **ret);
void app_close(struct app *p);		/* removes the socket; NULL is harmless */
/* To whoever has subscribed. */
void app_tell(struct app *p, enum app_event what, const struct in6_addr *address);

#endif
