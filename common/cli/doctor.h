/* SPDX-License-Identifier: BSD-2-Clause */
/* What this machine's kernel and configuration lack for dmip6, and what follows from it. */
#ifndef DMIP6_CLI_DOCTOR_H
#define DMIP6_CLI_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>

/*
 * {"schema":1,"checks":[{"name","result":"ok"|"warn"|"fail","found","follows"}]}; NULL
 * without memory. control: the only socket to ask, or NULL for both daemons' own; the
 * daemon that answers decides whose checks are made, without one both are. *ret_failed: any "fail".
 */
json_t *doctor(const char *control, bool *ret_failed);

#endif
