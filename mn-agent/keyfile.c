/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys that home agents gave, on disk, so that a restart can move what was attached before it:
 * <state-dir>/keys, for root alone, one line each. Written with the anchors (store.c), read after
 * them. What it held before is overwritten with zeros. As with the anchors nothing is forced to
 * the disk, times are told by two clocks, and what cannot be used is set aside.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/core/log.h"
#include "common/sys/clock.h"
#include "common/sys/file.h"
#include "mn-agent/bootstrap.h"
#include "mn-agent/mnd.h"

#define HEADER		"dmip6-mn-keys 1"
#define LINE_MAX_LEN	512
#define FILE_MAX	(256 * 1024)
#define KEYS_MAX	(MN_ANCHORS_MAX * 2)

static void file_name(const struct mnd *d, char *ret, size_t len)
{
	snprintf(ret, len, "%s/keys", d->state_dir);
}

static void hex(char ret[2 * BOOT_KEY_LEN + 1], const uint8_t *p)
{
	for (size_t n = 0; n < BOOT_KEY_LEN; n++)
		snprintf(ret + 2 * n, 3, "%02x", p[n]);
}

static bool unhex(const char *s, uint8_t ret[BOOT_KEY_LEN])
{
	for (size_t n = 0; n < BOOT_KEY_LEN; n++) {
		unsigned int v;

		if (sscanf(s + 2 * n, "%2x", &v) != 1)
			return false;
		ret[n] = (uint8_t)v;
	}
	return s[2 * BOOT_KEY_LEN] == '\0';
}

/* Wiped before it is let go. */
static void zero_fd(int fd)
{
	static const uint8_t zeros[4096];
	off_t left;

	if (fd < 0)
		return;
	left = lseek(fd, 0, SEEK_END);
	if (left > 0 && lseek(fd, 0, SEEK_SET) == 0)
		while (left > 0) {
			size_t n = left < (off_t)sizeof(zeros) ? (size_t)left : sizeof(zeros);

			if (write(fd, zeros, n) != (ssize_t)n)
				break;
			left -= (off_t)n;
		}
	close(fd);
}

static size_t line_of(const struct mn_sa *s, usec_t now, char *room, size_t len)
{
	char secret[2 * BOOT_KEY_LEN + 1];
	int n;

	hex(secret, s->key.secret);
	n = snprintf(room, len, "%u %s %s %s %lld %lld %lld %lld %s\n", s->key.spi,
		     in6_prefix_str(&s->prefix).s, in6_str(&s->ha).s, boot_mode_name(s->mode),
		     (long long)s->until, (long long)s->renew_at,
		     (long long)(clock_wall_s() + (s->until - now) / USEC_S),
		     (long long)(clock_wall_s() + (s->renew_at - now) / USEC_S), secret);
	explicit_bzero(secret, sizeof(secret));
	return n > 0 && (size_t)n < len ? (size_t)n : 0;
}

int mnd_keys_save(struct mnd *d)
{
	size_t room = LINE_MAX_LEN * (KEYS_MAX + 1), len;
	usec_t now = clock_now();
	char path[4096], boot[64];
	char *text;
	int old, r;

	if (d->mn.keys_version == d->keys_saved)
		return 0;
	file_name(d, path, sizeof(path));
	old = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (!d->mn.sas) {
		r = unlink(path) < 0 && errno != ENOENT ? -errno : 0;
		zero_fd(old);
		if (r == 0)
			d->keys_saved = d->mn.keys_version;
		return r;
	}
	text = calloc(1, room);
	if (!text) {
		if (old >= 0)
			close(old);
		return -ENOMEM;
	}
	mnd_boot_id(boot);
	len = (size_t)snprintf(text, room, HEADER " %s\n", boot[0] ? boot : "-");
	for (const struct mn_sa *s = d->mn.sas; s && room - len > LINE_MAX_LEN; s = s->next)
		len += line_of(s, now, text + len, room - len);
	r = file_replace(path, text, len);
	explicit_bzero(text, room);
	free(text);
	if (r == 0) {
		zero_fd(old);
		d->keys_saved = d->mn.keys_version;
	} else if (old >= 0) {
		close(old);
	}
	return r;
}

/* A clock that was set back must not make a lifetime longer than it can be. */
static usec_t from(bool same_boot, long long boot_us, long long wall_s, usec_t now)
{
	usec_t max = (usec_t)366 * 86400 * USEC_S, left;

	if (same_boot)
		left = boot_us - now;
	else
		left = wall_s - clock_wall_s() > max / USEC_S ?
		       max : (wall_s - clock_wall_s()) * USEC_S;
	return now + (left > max ? max : left);
}

static bool read_line(const char *line, bool same_boot, usec_t now, struct bootstrap_record *r)
{
	char prefix[64], ha[64], mode[32], secret[2 * BOOT_KEY_LEN + 2];
	long long until, renew, until_s, renew_s;
	bool right;

	memset(r, 0, sizeof(*r));
	right = sscanf(line, "%u %63s %63s %31s %lld %lld %lld %lld %65s", &r->spi, prefix, ha, mode,
		       &until, &renew, &until_s, &renew_s, secret) == 9 &&
		in6_prefix_parse(prefix, &r->prefix) == 0 && in6_parse(ha, &r->ha) == 0 &&
		boot_mode_parse(mode, strlen(mode), &r->mode) == 0 && unhex(secret, r->secret);
	explicit_bzero(secret, sizeof(secret));
	if (!right)
		return false;
	r->until = from(same_boot, until, until_s, now);
	r->renew_at = from(same_boot, renew, renew_s, now);
	return true;
}

static void read_lines(struct mnd *d, const char *path, char *text)
{
	unsigned int restored = 0, bad = 0;
	usec_t now = clock_now();
	char boot[64], *save, *line = strtok_r(text, "\n", &save);
	struct bootstrap_record r;
	bool same_boot;

	mnd_boot_id(boot);
	if (!line || strncmp(line, HEADER " ", sizeof(HEADER)) != 0) {
		log_warn("%s is none of ours; keys are asked for anew", path);
		return;
	}
	same_boot = boot[0] && strcmp(line + sizeof(HEADER), boot) == 0;
	while ((line = strtok_r(NULL, "\n", &save))) {
		int err = read_line(line, same_boot, now, &r) ?
			  bootstrap_restore(&d->mn, &r, now) : -EINVAL;

		restored += err == 0;
		bad += err == -EINVAL;
	}
	explicit_bzero(&r, sizeof(r));
	if (bad)
		log_warn("%s: %u lines cannot be used and are left out", path, bad);
	if (restored)
		log_info("%u keys of the earlier run found again", restored);
}

void mnd_keys_load(struct mnd *d)
{
	char path[4096], *text;
	size_t len;
	int r;

	file_name(d, path, sizeof(path));
	r = file_read(path, FILE_MAX, &text, &len);
	if (r == 0) {
		read_lines(d, path, text);
		explicit_bzero(text, len);
		free(text);
	} else if (r != -ENOENT) {
		log_warn("%s: %s; keys are asked for anew", path, strerror(-r));
	}
	d->keys_saved = d->mn.keys_version - 1;	/* what was left out goes */
}
