/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files: configuration in, small state files out. Called by conf.c, store.c and main.c of
 * both daemons.
 */
#include "common/sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(int fd, size_t max, char **ret, size_t *ret_len)
{
	size_t len = 0, cap = 4096;
	char *data = malloc(cap + 1), *bigger;
	int err;

	if (!data)
		return -ENOMEM;
	for (;;) {
		ssize_t n = read(fd, data + len, cap - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err = -errno;
			break;
		}
		len += (size_t)n;
		if (len > max) {
			err = -EFBIG;
			break;
		}
		if (n == 0) {
			data[len] = '\0';
			*ret = data;
			*ret_len = len;
			return 0;
		}
		if (len < cap)
			continue;
		cap *= 2;
		bigger = realloc(data, cap + 1);
		if (!bigger) {
			err = -ENOMEM;
			break;
		}
		data = bigger;
	}
	free(data);
	return err;
}

int file_read(const char *path, size_t max, char **ret, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = read_all(fd, max, ret, ret_len);
	(void)close(fd);
	return err;
}

bool file_is_public(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & S_IROTH);
}

static int write_all(int fd, const uint8_t *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int file_replace(const char *path, const void *data, size_t len)
{
	char beside[PATH_MAX];
	int fd, n, err;

	n = snprintf(beside, sizeof(beside), "%s.XXXXXX", path);
	if (n < 0 || (size_t)n >= sizeof(beside))
		return -ENAMETOOLONG;
	fd = mkostemp(beside, O_CLOEXEC);	/* mode 0600 */
	if (fd < 0)
		return -errno;
	err = write_all(fd, data, len);
	if (close(fd) < 0 && err == 0)
		err = -errno;
	if (err == 0 && rename(beside, path) < 0)
		err = -errno;
	if (err < 0) {
		(void)unlink(beside);
		return err;
	}
	return 0;
}

int file_make_dir(const char *path)
{
	char part[PATH_MAX];
	size_t len = strlen(path);
	struct stat st;

	if (len == 0)
		return -EINVAL;
	if (len >= sizeof(part))
		return -ENAMETOOLONG;
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST) {
			int err = -errno;

			/* A directory above may be there and not be ours to write in. */
			if (stat(part, &st) < 0 || !S_ISDIR(st.st_mode))
				return err;
		}
	}
	if (stat(path, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}
