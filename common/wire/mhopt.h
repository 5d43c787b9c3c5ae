/* SPDX-License-Identifier: BSD-2-Clause */
/* Mobility options (RFC 6275 6.2): the table and its walker. For mh.c only. */
#ifndef DMIP6_WIRE_MHOPT_H
#define DMIP6_WIRE_MHOPT_H

#include "common/wire/mh.h"

/* Reads the options of a Mobility Header; r stands at the first one, whose offset in the
 * header is `at`. On error *err_offset is the offset of the option. */
enum mh_err mhopt_decode(struct rbuf *r, size_t at, struct mh_opts *opts, size_t *err_offset);

/* Appends the options that are set, and the padding that makes the Mobility Header, which
 * starts at mh_at, a multiple of 8 octets. 0 or -EINVAL; no room shows in w->err. */
int mhopt_encode(struct wbuf *w, size_t mh_at, struct mh_opts *opts);

#endif
