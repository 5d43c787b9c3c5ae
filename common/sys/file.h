/* SPDX-License-Identifier: BSD-2-Clause */
/* Files: configuration in, small state files out. */
#ifndef DMIP6_SYS_FILE_H
#define DMIP6_SYS_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Whole file, zero-terminated, malloc'd. 0, negative errno; -EFBIG above max. */
int file_read(const char *path, size_t max, char **ret, size_t *ret_len);
/* Whether every user may read it; false when it is not there. */
bool file_is_public(const char *path);
/* Written beside, then renamed over: readers see the old or the new one, whatever kills the
 * writer. Not forced to the disk: for what a loss of power makes worthless. Mode 0600. */
int file_replace(const char *path, const void *data, size_t len);
/* mkdir -p, mode 0700 for what it makes. */
int file_make_dir(const char *path);

#endif
