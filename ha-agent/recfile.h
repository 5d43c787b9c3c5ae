/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file of records of equal size, each written in place: what the bindings file and the keys
 * file are. What a record means is the caller's.
 */
#ifndef DMIP6_HA_RECFILE_H
#define DMIP6_HA_RECFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECFILE_RECORD_MAX	256

struct recfile;

struct recfile_format {
	const char *name;		/* in the state directory */
	const char *holds;		/* "bindings" */
	uint32_t magic;			/* in the order of this machine */
	uint32_t version;
	size_t size;			/* of a record: a power of two: none crosses a page */
	bool secret;			/* damaged ones are overwritten when they are found */
};

/* Opens or makes it, readable for its owner only; the lock of the lease database covers it. 0,
 * or negative errno with a sentence in `why`: -EROFS it cannot be written; -EUCLEAN not ours, or
 * of another version. A file that is refused is left as it is. format has to outlive it. */
int recfile_open(const char *dir, const struct recfile_format *format, char *why, size_t why_len,
		 struct recfile **ret);
void recfile_close(struct recfile *f);	/* synced to the disk; NULL is harmless */

/* Writes the record at *place, or (0) at a place that is free, and sets *place. A kill of the
 * daemon leaves either what was there or what was written; nothing waits for the disk. 0 or
 * negative errno: then what was there is there. */
int recfile_put(struct recfile *f, const void *record, uint32_t *place);
/* Overwritten with zeros: the place is free again. Place 0 is harmless. */
int recfile_drop(struct recfile *f, uint32_t place);

/* Calls fn for every record with its place; fn says 0, or -EBADMSG if the record is damaged:
 * then it is counted, and its place is free. Returns how many were damaged, or
 * negative errno. */
int recfile_each(struct recfile *f, int (*fn)(void *ctx, uint32_t place, const void *record),
		 void *ctx);

/* One number for the whole file, written as a record is; 0 until it was set, or if it was torn. */
int recfile_set_number(struct recfile *f, uint64_t number);
uint64_t recfile_number(const struct recfile *f);

/* Over octets of a record, to be kept in it: what a loss of power tore is not taken for whole. */
uint32_t recfile_check(const void *data, size_t len);

#endif
