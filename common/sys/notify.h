/* SPDX-License-Identifier: BSD-2-Clause */
/* sd_notify by hand: one datagram to $NOTIFY_SOCKET; silently nothing without it. */
#ifndef DMIP6_SYS_NOTIFY_H
#define DMIP6_SYS_NOTIFY_H

#include "common/core/timer.h"

void notify_send(const char *state);	/* "READY=1", "STOPPING=1", "STATUS=..." */
usec_t notify_watchdog(void);		/* how often to send WATCHDOG=1; 0: not asked for */

#endif
