/* SPDX-License-Identifier: BSD-2-Clause */
/* What dmip6ctl sees, and may say, of network mode; for ctl.c. */
#ifndef DMIP6_HA_CTL_NETWORK_H
#define DMIP6_HA_CTL_NETWORK_H

#include <jansson.h>

#include "ha-agent/io.h"

/* New references; null without network mode, and for what is not known. */
json_t *ctl_visits(const struct io *io, size_t max, size_t *ret_n);
json_t *ctl_sessions(const struct io *io);
json_t *ctl_peers(const struct io *io);
/* A sentence that health has to say besides; "": nothing. False: that makes it ill. */
bool ctl_sessions_health(const struct io *io, char *text, size_t len);
/* "mn": MAC, "interface": name if there are several; as struct ctl_method's calls. */
/* By which way the flows go of hosts that have several. */
json_t *ctl_flows(const struct io *io);
json_t *ctl_move_flow(struct io *io, const json_t *parameters, const char **error,
		      const char **code);
json_t *ctl_attach(struct io *io, const json_t *parameters, const char **error, const char **code);
json_t *ctl_detach(struct io *io, const json_t *parameters, const char **error, const char **code);

#endif
