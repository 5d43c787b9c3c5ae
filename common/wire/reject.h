/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers to what cannot be read or taken: ICMPv6 errors (RFC 4443 3) and Binding Errors
 * (RFC 6275 6.1.9, 9.2, 9.3.3). They are built here; how many may go out, and to whom, is for
 * the caller to say.
 */
#ifndef DMIP6_WIRE_REJECT_H
#define DMIP6_WIRE_REJECT_H

#include "common/wire/ext.h"
#include "common/wire/mh.h"

#define REJECT_MAX	1280		/* RFC 4443 2.4 c: the smallest MTU of IPv6 */

struct icmp6_error {
	struct in6_addr from, to;
	uint8_t type, code;
	uint32_t value;			/* the pointer, the MTU, or 0 */
	const void *about;		/* the packet, or as much of it as there is */
	size_t about_len;
};

/* Each appends a whole packet: 0, or -ENOSPC if w has not REJECT_MAX octets of room. */
int reject_icmp6(struct wbuf *w, const struct icmp6_error *e);
int reject_binding_error(struct wbuf *w, const struct ip6_packet *about, enum mh_be_status status);

/* What is due for a Mobility Header in `packet` (as read into *ip) that mh_decode() did not
 * take. -ENOENT: nothing is. *ret_be: a Binding Error was built, no ICMPv6 error. */
int reject_mh(struct wbuf *w, const struct ip6_packet *ip, const void *packet, size_t len,
	      enum mh_err err, size_t err_offset, bool *ret_be);

#endif
