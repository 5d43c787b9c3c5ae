/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DMIP6_CLI_PROCESS_H
#define DMIP6_CLI_PROCESS_H

#include <jansson.h>

/* Gives each of these objects, of the socket with the number "inode", the "pid" and the name
 * ("process") of a process that has it, as far as this user may see; null where not. */
void process_name_sockets(json_t *rows);

#endif
