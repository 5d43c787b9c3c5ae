/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose a socket is: proc(5) tells which process has a descriptor of it. Called by dmip6ctl.c
 * and not by the daemon, which has no right to look.
 */
#include "common/cli/process.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/sys/file.h"

#define SOCKET	"socket:["

static json_t *name_of(const char *pid)
{
	char path[PATH_MAX], *text;
	json_t *name = NULL;
	size_t len;

	(void)snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	if (file_read(path, PATH_MAX, &text, &len) == 0) {
		name = json_stringn(text, strcspn(text, "\n"));
		free(text);
	}
	return name ? name : json_null();
}

/* by_inode: text of a number -> row. */
static void look_at(const char *pid, const json_t *by_inode)
{
	char path[PATH_MAX], target[64];
	struct dirent *e;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1);
		json_t *row;

		if (n < 0)
			continue;
		target[n] = '\0';
		if (strncmp(target, SOCKET, sizeof(SOCKET) - 1) != 0)
			continue;
		target[strcspn(target, "]")] = '\0';
		row = json_object_get(by_inode, target + sizeof(SOCKET) - 1);
		if (!row || json_is_integer(json_object_get(row, "pid")))
			continue;
		json_object_set_new(row, "pid", json_integer(strtol(pid, NULL, 10)));
		json_object_set_new(row, "process", name_of(pid));
	}
	if (dir)
		closedir(dir);
}

void process_name_sockets(json_t *rows)
{
	json_t *by_inode = json_object(), *row;
	struct dirent *e;
	char number[24];
	DIR *proc;
	size_t i;

	json_array_foreach(rows, i, row) {
		json_int_t inode = json_integer_value(json_object_get(row, "inode"));

		json_object_set_new(row, "pid", json_null());
		json_object_set_new(row, "process", json_null());
		(void)snprintf(number, sizeof(number), "%lld", (long long)inode);
		if (inode > 0)
			json_object_set(by_inode, number, row);
	}
	proc = json_object_size(by_inode) ? opendir("/proc") : NULL;
	while (proc && (e = readdir(proc)))
		if (isdigit((unsigned char)e->d_name[0]))
			look_at(e->d_name, by_inode);
	if (proc)
		closedir(proc);
	json_decref(by_inode);
}
