/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys that were given out, on the disk: DIR/had.keys, a file of records (recfile.h), each
 * written in place when its key is used and overwritten with zeros when it is dropped. Times of
 * the records are microseconds of the wall clock here; store.c converts. What goes beside this is
 * recfile_close() and recfile_drop().
 */
#ifndef DMIP6_HA_KEYFILE_H
#define DMIP6_HA_KEYFILE_H

#include "ha-agent/recfile.h"
#include "ha-agent/sa.h"

int keyfile_open(const char *dir, char *why, size_t why_len, struct recfile **ret);
/* As recfile_put() at r->place, and sets it. */
int keyfile_put(struct recfile *f, struct sa_record *r);
/* As recfile_each(). What fn is given holds for the time of the call only. */
int keyfile_each(struct recfile *f, void (*fn)(void *ctx, const struct sa_record *r), void *ctx);

#endif
