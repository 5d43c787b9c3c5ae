/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records in a file. Owns it and the list of its free places; called by bindfile.c and keyfile.c.
 *
 * A record costs one write() into the page cache and nothing else: no transaction, no search,
 * no other page. A record never crosses a page, and a write within one page is not cut short by
 * a signal: it is there whole or not at all. A loss of power may tear one; its check tells.
 */
#include "ha-agent/recfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_ROOM	4096
#define READ_RECORDS	1024

/* At the place of the first record. */
struct header {
	uint32_t magic;
	uint32_t version;
	uint64_t number;		/* zeros in the files of earlier versions: they have none */
	uint32_t number_check;
};

struct recfile {
	const struct recfile_format *format;
	int fd;
	uint64_t number;
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

/* FNV-1a. */
uint32_t recfile_check(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 16777619U;
	return h;
}

static off_t offset_of(const struct recfile *f, uint32_t place)
{
	return (off_t)place * (off_t)f->format->size;
}

static int write_at(struct recfile *f, uint32_t place, const void *data)
{
	ssize_t n;

	do {
		n = pwrite(f->fd, data, f->format->size, offset_of(f, place));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == (ssize_t)f->format->size ? 0 : -ENOSPC;
}

static int note_free(struct recfile *f, uint32_t place)
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

static int start_file(struct recfile *f, const char *path, char *why, size_t len)
{
	const struct header h = { .magic = f->format->magic, .version = f->format->version };
	uint8_t record[RECFILE_RECORD_MAX] = { 0 };
	int err;

	memcpy(record, &h, sizeof(h));
	err = write_at(f, 0, record);
	if (err < 0)
		return fail(why, len, err, "%s cannot be written: %s", path, strerror(-err));
	f->n = 1;
	return 0;
}

static int look(struct recfile *f, const char *path, char *why, size_t len)
{
	const struct recfile_format *format = f->format;
	uint8_t record[RECFILE_RECORD_MAX] = { 0 };
	struct header h;
	struct stat st;
	ssize_t n;

	if (fstat(f->fd, &st) < 0)
		return fail(why, len, -errno, "%s: %s", path, strerror(errno));
	if (st.st_size == 0)
		return start_file(f, path, why, len);
	n = pread(f->fd, record, format->size, 0);
	memcpy(&h, record, sizeof(h));
	if (n != (ssize_t)format->size || h.magic != format->magic)
		return fail(why, len, -EUCLEAN, "%s holds no %s of dmip6-had; it was left as it "
			    "is: restore or move it away", path, format->holds);
	if (h.version != format->version)
		return fail(why, len, -EUCLEAN, "%s has version %u, this program knows version %u",
			    path, h.version, format->version);
	if (st.st_size / (off_t)format->size >= UINT32_MAX)
		return fail(why, len, -EUCLEAN, "%s is too large to be a file of %s", path,
			    format->holds);
	if (h.number_check == recfile_check(&h.number, sizeof(h.number)))
		f->number = h.number;
	/* A record that a loss of power cut off at the end is no record. */
	f->n = (uint32_t)(st.st_size / (off_t)format->size);
	return 0;
}

int recfile_open(const char *dir, const struct recfile_format *format, char *why, size_t why_len,
		 struct recfile **ret)
{
	struct recfile *f = calloc(1, sizeof(*f));
	char path[PATH_ROOM];
	int err;

	if (!f)
		return fail(why, why_len, -ENOMEM, "no memory");
	f->format = format;
	f->fd = -1;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, format->name) >= sizeof(path)) {
		recfile_close(f);
		return fail(why, why_len, -ENAMETOOLONG, "the state directory's name is too long");
	}
	f->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (f->fd < 0)
		err = fail(why, why_len, errno == EACCES ? -EROFS : -errno,
			   "%s cannot be written: %s", path, strerror(errno));
	else
		err = look(f, path, why, why_len);
	/* It may have been put back by hand. */
	if (err == 0 && fchmod(f->fd, 0600) < 0)
		err = fail(why, why_len, -errno, "%s: its mode cannot be set: %s", path,
			   strerror(errno));
	if (err < 0) {
		recfile_close(f);
		return err;
	}
	*ret = f;
	return 0;
}

void recfile_close(struct recfile *f)
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

int recfile_put(struct recfile *f, const void *record, uint32_t *place)
{
	uint32_t at = *place;
	int err;

	if (at == 0)
		at = f->n_free > 0 ? f->free[f->n_free - 1] : f->n;
	err = write_at(f, at, record);
	if (err < 0)
		return err;
	if (*place == 0 && at == f->n)
		f->n++;
	else if (*place == 0)
		f->n_free--;
	*place = at;
	return 0;
}

int recfile_drop(struct recfile *f, uint32_t place)
{
	static const uint8_t empty[RECFILE_RECORD_MAX];
	int err;

	if (place == 0)
		return 0;
	err = write_at(f, place, empty);
	return err < 0 ? err : note_free(f, place);
}

int recfile_set_number(struct recfile *f, uint64_t number)
{
	struct header h;
	uint8_t record[RECFILE_RECORD_MAX] = { 0 };
	int err;

	memset(&h, 0, sizeof(h));
	h.magic = f->format->magic;
	h.version = f->format->version;
	h.number = number;
	h.number_check = recfile_check(&number, sizeof(number));
	memcpy(record, &h, sizeof(h));
	err = write_at(f, 0, record);
	if (err == 0)
		f->number = number;
	return err;
}

uint64_t recfile_number(const struct recfile *f)
{
	return f->number;
}

/* ---- reading ---- */

struct reading {
	struct recfile *file;
	int (*fn)(void *ctx, uint32_t place, const void *record);
	void *ctx;
	int broken;
};

static int take(struct reading *x, uint32_t place, const uint8_t *record)
{
	static const uint8_t empty[RECFILE_RECORD_MAX];

	if (memcmp(record, empty, x->file->format->size) == 0)
		return note_free(x->file, place);
	if (x->fn(x->ctx, place, record) == 0)
		return 0;
	x->broken++;
	return x->file->format->secret ? recfile_drop(x->file, place) : note_free(x->file, place);
}

int recfile_each(struct recfile *f, int (*fn)(void *ctx, uint32_t place, const void *record),
		 void *ctx)
{
	size_t size = f->format->size;
	uint8_t *room = calloc(READ_RECORDS, size);
	struct reading x = { .file = f, .fn = fn, .ctx = ctx };
	uint32_t end = f->n;
	int err = room ? 0 : -ENOMEM;

	f->n_free = 0;
	for (uint32_t at = 1; err == 0 && at < end;) {
		ssize_t n = pread(f->fd, room, READ_RECORDS * size, offset_of(f, at));
		uint32_t got = n > 0 ? (uint32_t)((size_t)n / size) : 0;

		if (n < 0)
			err = -errno;
		else if (got == 0)
			break;		/* the file is shorter than it was */
		for (uint32_t i = 0; err == 0 && i < got && at + i < end; i++)
			err = take(&x, at + i, room + i * size);
		at += got;
	}
	if (room)
		explicit_bzero(room, READ_RECORDS * size);
	free(room);
	return err < 0 ? err : x.broken;
}
