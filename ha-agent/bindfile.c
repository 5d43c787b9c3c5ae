/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bindings in a file. Owns it and the list of its free places; called by store.c and io.c.
 *
 * A binding changes with each Binding Update and what is acknowledged has to outlive a kill,
 * so a record costs one write() into the page cache and nothing else: no transaction, no
 * search, no other page. A record never crosses a page, and a write within one page is not
 * cut short by a signal: it is there whole or not at all. A loss of power may tear one; its
 * check tells.
 */
#include "ha-agent/bindfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME	"had.bindings"
#define PATH_ROOM	4096
#define MAGIC		0x646d6270U	/* "dmbp": in the order of this machine */
#define VERSION		1
#define READ_RECORDS	1024

/* The whole file is records; the first is this one. */
struct header {
	uint32_t magic;
	uint32_t version;
	uint8_t unused[56];
};

struct record {
	struct in6_addr hoa, coa;
	int64_t expires;
	uint64_t reserved;		/* zero: a record is to be 64 octets */
	uint32_t lifetime_s;
	uint32_t spi;
	uint16_t sequence;
	uint16_t flags;			/* RECORD_USED and what else a binding is */
	uint32_t check;			/* of all before it */
};
_Static_assert(sizeof(struct record) == 64 && sizeof(struct header) == 64,
	       "a page holds whole records");

#define RECORD_USED	1
#define RECORD_LINKLOCAL	2	/* L was set */

struct bindfile {
	int fd;
	uint32_t n;			/* places in the file, the header's included */
	uint32_t *free;			/* places that hold nothing */
	size_t n_free, cap_free;
};

static int fail(char *why, size_t len, int err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int fail(char *why, size_t len, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, len, fmt, ap);
	va_end(ap);
	return err;
}

/* FNV-1a, over what lies before the check. */
static uint32_t check_of(const struct record *r)
{
	const uint8_t *p = (const uint8_t *)r;
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < offsetof(struct record, check); i++)
		h = (h ^ p[i]) * 16777619U;
	return h;
}

static off_t offset_of(uint32_t place)
{
	return (off_t)place * (off_t)sizeof(struct record);
}

static int write_at(int fd, uint32_t place, const void *data)
{
	ssize_t n;

	do {
		n = pwrite(fd, data, sizeof(struct record), offset_of(place));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == (ssize_t)sizeof(struct record) ? 0 : -ENOSPC;
}

static int note_free(struct bindfile *f, uint32_t place)
{
	if (f->n_free == f->cap_free) {
		size_t cap = f->cap_free ? 2 * f->cap_free : 256;
		uint32_t *bigger = reallocarray(f->free, cap, sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		f->free = bigger;
		f->cap_free = cap;
	}
	f->free[f->n_free++] = place;
	return 0;
}

/* ---- opening ---- */

static int start_file(struct bindfile *f, const char *path, char *why, size_t len)
{
	const struct header h = { .magic = MAGIC, .version = VERSION };
	int err = write_at(f->fd, 0, &h);

	if (err < 0)
		return fail(why, len, err, "%s cannot be written: %s", path, strerror(-err));
	f->n = 1;
	return 0;
}

static int look(struct bindfile *f, const char *path, char *why, size_t len)
{
	struct header h;
	struct stat st;
	ssize_t n;

	if (fstat(f->fd, &st) < 0)
		return fail(why, len, -errno, "%s: %s", path, strerror(errno));
	if (st.st_size == 0)
		return start_file(f, path, why, len);
	n = pread(f->fd, &h, sizeof(h), 0);
	if (n != (ssize_t)sizeof(h) || h.magic != MAGIC)
		return fail(why, len, -EUCLEAN, "%s holds no bindings of dmip6-had; it was left "
			    "as it is: restore or move it away", path);
	if (h.version != VERSION)
		return fail(why, len, -EUCLEAN, "%s has version %u, this program knows version %d",
			    path, h.version, VERSION);
	if (st.st_size / (off_t)sizeof(struct record) >= UINT32_MAX)
		return fail(why, len, -EUCLEAN, "%s is too large to be a file of bindings", path);
	/* A record that a loss of power cut off at the end is no record. */
	f->n = (uint32_t)(st.st_size / (off_t)sizeof(struct record));
	return 0;
}

int bindfile_open(const char *dir, char *why, size_t why_len, struct bindfile **ret)
{
	struct bindfile *f = calloc(1, sizeof(*f));
	char path[PATH_ROOM];
	int err;

	if (!f)
		return fail(why, why_len, -ENOMEM, "no memory");
	f->fd = -1;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, FILE_NAME) >= sizeof(path)) {
		bindfile_close(f);
		return fail(why, why_len, -ENAMETOOLONG, "the state directory's name is too long");
	}
	f->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (f->fd < 0)
		err = fail(why, why_len, errno == EACCES ? -EROFS : -errno,
			   "%s cannot be written: %s", path, strerror(errno));
	else
		err = look(f, path, why, why_len);
	if (err < 0) {
		bindfile_close(f);
		return err;
	}
	*ret = f;
	return 0;
}

void bindfile_close(struct bindfile *f)
{
	if (!f)
		return;
	if (f->fd >= 0) {
		(void)fdatasync(f->fd);
		(void)close(f->fd);
	}
	free(f->free);
	free(f);
}

/* ---- writing ---- */

int bindfile_put(struct bindfile *f, struct ha_binding_record *r)
{
	struct record rec = {
		.hoa = r->hoa, .coa = r->coa, .expires = r->expires,
		.lifetime_s = r->lifetime_s, .spi = r->spi, .sequence = r->sequence,
		.flags = (uint16_t)(RECORD_USED | (r->linklocal ? RECORD_LINKLOCAL : 0)),
	};
	uint32_t place = r->place;
	int err;

	if (place == 0)
		place = f->n_free > 0 ? f->free[f->n_free - 1] : f->n;
	rec.check = check_of(&rec);
	err = write_at(f->fd, place, &rec);
	if (err < 0)
		return err;
	if (r->place == 0 && place == f->n)
		f->n++;
	else if (r->place == 0)
		f->n_free--;
	r->place = place;
	return 0;
}

int bindfile_drop(struct bindfile *f, uint32_t place)
{
	static const struct record empty;
	int err;

	if (place == 0)
		return 0;
	err = write_at(f->fd, place, &empty);
	return err < 0 ? err : note_free(f, place);
}

/* ---- reading ---- */

struct reading {
	struct bindfile *file;
	void (*fn)(void *ctx, const struct ha_binding_record *r);
	void *ctx;
	int broken;
};

static int take(struct reading *x, uint32_t place, const struct record *rec)
{
	static const struct record empty;

	if (memcmp(rec, &empty, sizeof(empty)) == 0)
		return note_free(x->file, place);
	if (rec->check != check_of(rec) || !(rec->flags & RECORD_USED) || rec->expires < 0) {
		x->broken++;
		return note_free(x->file, place);
	}
	x->fn(x->ctx, &(struct ha_binding_record){
		.hoa = rec->hoa, .coa = rec->coa, .sequence = rec->sequence, .spi = rec->spi,
		.lifetime_s = rec->lifetime_s, .expires = rec->expires, .place = place,
		.linklocal = rec->flags & RECORD_LINKLOCAL,
	});
	return 0;
}

int bindfile_each(struct bindfile *f, void (*fn)(void *ctx, const struct ha_binding_record *r),
		  void *ctx)
{
	struct record *room = calloc(READ_RECORDS, sizeof(*room));
	struct reading x = { .file = f, .fn = fn, .ctx = ctx };
	uint32_t end = f->n;
	int err = room ? 0 : -ENOMEM;

	f->n_free = 0;
	for (uint32_t at = 1; err == 0 && at < end;) {
		ssize_t n = pread(f->fd, room, READ_RECORDS * sizeof(*room), offset_of(at));
		uint32_t got = n > 0 ? (uint32_t)((size_t)n / sizeof(*room)) : 0;

		if (n < 0)
			err = -errno;
		else if (got == 0)
			break;		/* the file is shorter than it was */
		for (uint32_t i = 0; err == 0 && i < got && at + i < end; i++)
			err = take(&x, at + i, &room[i]);
		at += got;
	}
	free(room);
	return err < 0 ? err : x.broken;
}
