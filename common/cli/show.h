/* SPDX-License-Identifier: BSD-2-Clause */
/* Text for people out of what the daemons and doctor give as JSON. Pure but for `out`. */
#ifndef DMIP6_CLI_SHOW_H
#define DMIP6_CLI_SHOW_H

#include <jansson.h>
#include <stdio.h>

void show_status(FILE *out, const json_t *status);
void show_keys(FILE *out, const json_t *answer);
void show_forgotten(FILE *out, const json_t *answer);
void show_flows(FILE *out, const json_t *flows);
void show_released(FILE *out, const json_t *result);
void show_drain(FILE *out, const json_t *answer);
void show_handover(FILE *out, const json_t *answer);
void show_reload(FILE *out, const json_t *answer);
void show_move(FILE *out, const json_t *answer);
void show_mn(FILE *out, const json_t *answer);
void show_checks(FILE *out, const json_t *doctor);

#endif
