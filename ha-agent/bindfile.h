/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bindings on the disk: DIR/had.bindings, a file of records (recfile.h), each written in
 * place when its binding changes. Times of the records are microseconds of the wall clock here;
 * store.c converts. What goes beside this is recfile_close() and recfile_drop().
 */
#ifndef DMIP6_HA_BINDFILE_H
#define DMIP6_HA_BINDFILE_H

#include "ha-agent/ha.h"
#include "ha-agent/recfile.h"

int bindfile_open(const char *dir, char *why, size_t why_len, struct recfile **ret);
/* As recfile_put() at r->place, and sets it. */
int bindfile_put(struct recfile *f, struct ha_binding_record *r);
/* As recfile_each(). */
int bindfile_each(struct recfile *f, void (*fn)(void *ctx, const struct ha_binding_record *r),
		  void *ctx);

#endif
