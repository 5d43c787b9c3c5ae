/* SPDX-License-Identifier: BSD-2-Clause */
/* What dmip6-run tells the programs that it starts, and preload.c reads there. */
#ifndef DMIP6_RUN_H
#define DMIP6_RUN_H

#include <string.h>

#include "lib/dmip6.h"

#define RUN_CLASS	"DMIP6_CLASS"
#define RUN_ANCHOR	"DMIP6_ANCHOR"
#define RUN_PRELOAD	"libdmip6-preload.so"

/* The number of a class by its name; 0: there is none of that name. */
static inline int run_class(const char *name)
{
	static const char *const names[] = {
		[DMIP6_NONPERSISTENT] = "nonpersistent", [DMIP6_SESSION] = "session",
		[DMIP6_FIXED] = "fixed", [DMIP6_GRACEFUL] = "graceful",
	};

	for (int c = DMIP6_NONPERSISTENT; c <= DMIP6_GRACEFUL; c++)
		if (strcmp(names[c], name) == 0)
			return c;
	return 0;
}

#endif
