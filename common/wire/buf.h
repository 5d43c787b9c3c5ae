/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cursors over packet bytes. Nothing else in the project touches them: no
 * structure is ever laid over a packet, so no length from outside can move a
 * pointer past the end.
 *
 * Errors are sticky. A reader that ran over the end returns zeros from then on
 * and a writer that ran out of room writes nothing more; the caller checks
 * `err` once, after the last field.
 */
#ifndef DMIP6_WIRE_BUF_H
#define DMIP6_WIRE_BUF_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rbuf {
	const uint8_t *p;	/* next byte to be read */
	const uint8_t *end;	/* one past the last */
	bool err;		/* something did not fit */
};

struct wbuf {
	uint8_t *base;
	size_t len;		/* bytes written */
	size_t cap;
	bool err;		/* something did not fit */
};

/* Reading. The bytes are borrowed and must outlive the cursor. */
void rb_init(struct rbuf *r, const void *data, size_t len);
size_t rb_left(const struct rbuf *r);	/* bytes not yet read; 0 after an error */
uint8_t rb_u8(struct rbuf *r);
uint16_t rb_u16(struct rbuf *r);	/* network order in, host order out */
uint32_t rb_u32(struct rbuf *r);
uint64_t rb_u64(struct rbuf *r);
void rb_bytes(struct rbuf *r, void *dst, size_t n);	/* dst is zeroed on error */
void rb_in6(struct rbuf *r, struct in6_addr *dst);
void rb_skip(struct rbuf *r, size_t n);
/* Carves the next n bytes into a cursor of their own: an option cannot read its
 * neighbour. On error the sub-cursor is empty and marked. */
struct rbuf rb_sub(struct rbuf *r, size_t n);

/* Writing. The room is borrowed. */
void wb_init(struct wbuf *w, void *room, size_t cap);
void wb_u8(struct wbuf *w, uint8_t v);
void wb_u16(struct wbuf *w, uint16_t v);	/* host order in, network order out */
void wb_u32(struct wbuf *w, uint32_t v);
void wb_u64(struct wbuf *w, uint64_t v);
void wb_bytes(struct wbuf *w, const void *src, size_t n);
void wb_in6(struct wbuf *w, const struct in6_addr *a);
void wb_zero(struct wbuf *w, size_t n);
/* Overwrites bytes already written; an offset outside sets err. */
void wb_set_u8(struct wbuf *w, size_t off, uint8_t v);
void wb_set_u16(struct wbuf *w, size_t off, uint16_t v);

#endif
