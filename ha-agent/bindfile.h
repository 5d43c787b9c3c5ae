/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bindings on the disk: a file of records of equal size in the state directory, each
 * written in place when its binding changes. Times of the records are microseconds of the
 * wall clock here; store.c converts.
 */
#ifndef DMIP6_HA_BINDFILE_H
#define DMIP6_HA_BINDFILE_H

#include "ha-agent/ha.h"

struct bindfile;

/* Opens or makes DIR/had.bindings; the lock of the lease database covers it. 0, or negative
 * errno with a sentence in `why`: -EROFS it cannot be written; -EUCLEAN not ours, or of
 * another version. A file that is refused is left as it is. */
int bindfile_open(const char *dir, char *why, size_t why_len, struct bindfile **ret);
void bindfile_close(struct bindfile *f);	/* synced to the disk; NULL is harmless */

/* Writes the record at r->place, or (0) at a place that is free, and sets r->place. A kill
 * of the daemon leaves either what was there or what was written; nothing waits for the
 * disk. 0 or negative errno: then what was there is there. */
int bindfile_put(struct bindfile *f, struct ha_binding_record *r);
/* The place is free again; place 0 is harmless. */
int bindfile_drop(struct bindfile *f, uint32_t place);

/* Every record that is whole, with its place. Those that are not are counted and their
 * places are free. Returns how many were not whole, or negative errno. */
int bindfile_each(struct bindfile *f, void (*fn)(void *ctx, const struct ha_binding_record *r),
		  void *ctx);

#endif
