/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kind and cost of interfaces, from files. Owns the watch on the folder of the latter; called by
 * io.c. Whatever cannot be read says nothing.
 *
 * /sys/class/net/NAME/uevent has DEVTYPE for all that is no plain Ethernet; a telephone that
 * lends its network by USB is plain Ethernet with a driver of its own.
 *
 * That an interface costs by volume NetworkManager says by D-Bus and in no file that is
 * readable without privileges: its dispatcher runs a script of ours that makes a file
 * /run/dmip6/metered/NAME, or removes it.
 */
#include "mn-agent/outside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/sys/file.h"

#define METERED		"/run/dmip6/metered"
#define FILE_MAX	65536
#define LINE_LEN	256

/* The value of KEY=VALUE in a file of such lines, into ret. */
static bool value_in_file(const char *path, const char *key, char *ret, size_t len)
{
	size_t size, key_len = strlen(key);
	bool found = false;
	char *text;

	if (file_read(path, FILE_MAX, &text, &size))
		return false;
	for (char *line = text, *end; !found && *line; line = end) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = '\0';
		found = strncmp(line, key, key_len) == 0 && line[key_len] == '=';
		if (found)
			snprintf(ret, len, "%s", line + key_len + 1);
	}
	free(text);
	return found;
}

/* Telephones and modems that look like Ethernet. */
static bool lends_its_network(const char *driver)
{
	static const char *const drivers[] = {
		"rndis_host", "ipheth", "cdc_mbim", "qmi_wwan", "huawei_cdc_ncm",
	};

	for (size_t n = 0; n < sizeof(drivers) / sizeof(drivers[0]); n++)
		if (strcmp(driver, drivers[n]) == 0)
			return true;
	return false;
}

enum mn_link_kind outside_kind(const char *root, const char *name)
{
	char path[LINE_LEN], value[LINE_LEN];
	const char *driver;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/sys/class/net/%s/uevent", root, name);
	if (value_in_file(path, "DEVTYPE", value, sizeof(value))) {
		if (strcmp(value, "wlan") == 0)
			return LINK_WIRELESS;
		if (strcmp(value, "wwan") == 0 || strcmp(value, "bluetooth") == 0)
			return LINK_MOBILE;
	}
	snprintf(path, sizeof(path), "%s/sys/class/net/%s/device/driver", root, name);
	n = readlink(path, value, sizeof(value) - 1);
	if (n <= 0)
		return LINK_WIRED;
	value[n] = '\0';
	driver = strrchr(value, '/');
	return lends_its_network(driver ? driver + 1 : value) ? LINK_MOBILE : LINK_WIRED;
}

bool outside_metered(const char *root, const char *name)
{
	char path[LINE_LEN];

	snprintf(path, sizeof(path), "%s" METERED "/%s", root, name);
	return access(path, F_OK) == 0;
}

/* --- the watch -------------------------------------------------------------------- */

struct outside {
	int fd;
	struct loop_io *io;
	void (*changed)(void *ctx);
	void *ctx;
};

static void on_news(void *ctx)
{
	struct outside *o = ctx;
	char room[4096];

	while (read(o->fd, room, sizeof(room)) > 0)
		;
	o->changed(o->ctx);
}

int outside_open(struct loop *loop, void (*changed)(void *ctx), void *ctx, struct outside **ret)
{
	struct outside *o = calloc(1, sizeof(*o));
	int err;

	if (!o)
		return -ENOMEM;
	o->changed = changed;
	o->ctx = ctx;
	o->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	err = o->fd < 0 ? -errno : 0;
	/* The script makes it otherwise, later than it can be watched. */
	if (mkdir(METERED, 0755) < 0 && errno != EEXIST)
		err = -errno;
	if (err == 0 && inotify_add_watch(o->fd, METERED, IN_CREATE | IN_DELETE) < 0)
		err = -errno;
	if (err == 0)
		err = loop_io_add(loop, o->fd, on_news, o, &o->io);
	if (err < 0) {
		outside_close(o);
		return err;
	}
	*ret = o;
	return 0;
}

void outside_close(struct outside *o)
{
	if (!o)
		return;
	loop_io_del(o->io);
	if (o->fd >= 0)
		(void)close(o->fd);
	free(o);
}
