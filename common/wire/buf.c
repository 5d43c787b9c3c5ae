/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cursors over packet bytes: the one place where a pointer moves through a
 * packet. Called by every codec of common/wire and, for whole frames, by the
 * packet input and output of the daemons.
 */
#include "common/wire/buf.h"

#include <string.h>

void rb_init(struct rbuf *r, const void *data, size_t len)
{
	static const uint8_t nothing[1];

	/* A null pointer with length 0 is a legal empty packet, but not arithmetic on it. */
	r->p = data ? data : nothing;
	r->end = r->p + (data ? len : 0);
	r->err = false;
}

size_t rb_left(const struct rbuf *r)
{
	return r->err ? 0 : (size_t)(r->end - r->p);
}

/* Returns the next n bytes and steps over them, or NULL and marks the cursor. */
static const uint8_t *take(struct rbuf *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->err || n > (size_t)(r->end - r->p)) {
		r->err = true;
		return NULL;
	}
	r->p += n;
	return p;
}

/* Reads n <= 8 bytes in network order. */
static uint64_t take_uint(struct rbuf *r, size_t n)
{
	const uint8_t *p = take(r, n);
	uint64_t v = 0;

	if (!p)
		return 0;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

uint8_t rb_u8(struct rbuf *r)
{
	return (uint8_t)take_uint(r, 1);
}

uint16_t rb_u16(struct rbuf *r)
{
	return (uint16_t)take_uint(r, 2);
}

uint32_t rb_u32(struct rbuf *r)
{
	return (uint32_t)take_uint(r, 4);
}

uint64_t rb_u64(struct rbuf *r)
{
	return take_uint(r, 8);
}

void rb_bytes(struct rbuf *r, void *dst, size_t n)
{
	const uint8_t *p = take(r, n);

	if (n == 0)
		return;
	if (p)
		memcpy(dst, p, n);
	else
		memset(dst, 0, n);
}

void rb_in6(struct rbuf *r, struct in6_addr *dst)
{
	rb_bytes(r, dst->s6_addr, sizeof(dst->s6_addr));
}

void rb_skip(struct rbuf *r, size_t n)
{
	take(r, n);
}

struct rbuf rb_sub(struct rbuf *r, size_t n)
{
	struct rbuf sub;
	const uint8_t *p = take(r, n);

	rb_init(&sub, p, p ? n : 0);
	sub.err = !p;
	return sub;
}

void wb_init(struct wbuf *w, void *room, size_t cap)
{
	w->base = room;
	w->len = 0;
	w->cap = cap;
	w->err = false;
}

/* Returns room for the next n bytes, or NULL and marks the cursor. */
static uint8_t *give(struct wbuf *w, size_t n)
{
	uint8_t *p;

	if (w->err || n > w->cap - w->len) {
		w->err = true;
		return NULL;
	}
	p = w->base + w->len;
	w->len += n;
	return p;
}

/* Writes the low n <= 8 bytes of v in network order. */
static void give_uint(struct wbuf *w, uint64_t v, size_t n)
{
	uint8_t *p = give(w, n);

	if (!p)
		return;
	for (size_t i = n; i > 0; i--) {
		p[i - 1] = (uint8_t)v;
		v >>= 8;
	}
}

void wb_u8(struct wbuf *w, uint8_t v)
{
	give_uint(w, v, 1);
}

void wb_u16(struct wbuf *w, uint16_t v)
{
	give_uint(w, v, 2);
}

void wb_u32(struct wbuf *w, uint32_t v)
{
	give_uint(w, v, 4);
}

void wb_u64(struct wbuf *w, uint64_t v)
{
	give_uint(w, v, 8);
}

void wb_bytes(struct wbuf *w, const void *src, size_t n)
{
	uint8_t *p = n ? give(w, n) : NULL;

	if (p)
		memcpy(p, src, n);
}

void wb_in6(struct wbuf *w, const struct in6_addr *a)
{
	wb_bytes(w, a->s6_addr, sizeof(a->s6_addr));
}

void wb_zero(struct wbuf *w, size_t n)
{
	uint8_t *p = n ? give(w, n) : NULL;

	if (p)
		memset(p, 0, n);
}

void wb_set_u8(struct wbuf *w, size_t off, uint8_t v)
{
	if (w->err || off >= w->len) {
		w->err = true;
		return;
	}
	w->base[off] = v;
}

void wb_set_u16(struct wbuf *w, size_t off, uint16_t v)
{
	if (w->err || w->len < 2 || off > w->len - 2) {
		w->err = true;
		return;
	}
	w->base[off] = (uint8_t)(v >> 8);
	w->base[off + 1] = (uint8_t)v;
}
