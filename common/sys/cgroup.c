/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which path a control group has whose number is known. Owns a table of them; called by io.c of
 * the MN. The number is that of the directory's inode (cgroup_id() of the kernel); to open it by
 * that takes a privilege, to look through the tree takes none.
 */
#include "common/sys/cgroup.h"

#include <fts.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/core/hash.h"

#define GROUPS_MAX	65536
#define AGAIN		(100 * USEC_MS)	/* the tree is not looked through more often */

struct group {
	UT_hash_handle hh;
	uint64_t id;
	char path[];			/* "": it was looked for, and is not there */
};

struct cgroups {
	char mount[256];		/* "": there is none */
	usec_t looked_at;		/* 0: never */
	struct group *by_id;
};

static void find_mount(struct cgroups *g)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	const struct mntent *m;

	while (f && (m = getmntent(f))) {
		if (strcmp(m->mnt_type, "cgroup2") == 0 && strlen(m->mnt_dir) < sizeof(g->mount)) {
			memcpy(g->mount, m->mnt_dir, strlen(m->mnt_dir) + 1);
			break;
		}
	}
	if (f)
		(void)endmntent(f);
}

static void clear(struct cgroups *g, bool missed)
{
	struct group *e, *next;

	HASH_ITER(hh, g->by_id, e, next) {
		if (e->path[0] == '\0' && !missed)
			continue;
		HASH_DELETE(hh, g->by_id, e);
		free(e);
	}
}

static void add(struct cgroups *g, uint64_t id, const char *path)
{
	size_t len = strlen(path);
	struct group *e = calloc(1, sizeof(*e) + len + 1);

	if (!e)
		return;
	e->id = id;
	memcpy(e->path, path, len);
	HASH_ADD(hh, g->by_id, id, sizeof(e->id), e);
}

/* What has gone goes from the table, too. What was missed stays missed: a socket outlives its
 * group, and numbers are not used twice. */
static void look(struct cgroups *g)
{
	char *roots[] = { g->mount, NULL };
	size_t len = strlen(g->mount);
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	const FTSENT *at;

	clear(g, HASH_CNT(hh, g->by_id) >= GROUPS_MAX);
	while (tree && (at = fts_read(tree)))
		if (at->fts_info == FTS_D && HASH_CNT(hh, g->by_id) < GROUPS_MAX)
			add(g, at->fts_statp->st_ino,
			    at->fts_path[len] ? at->fts_path + len : "/");
	if (tree)
		(void)fts_close(tree);
}

struct cgroups *cgroups_open(const char *mount)
{
	struct cgroups *g = calloc(1, sizeof(*g));

	if (g && !mount)
		find_mount(g);
	else if (g && strlen(mount) < sizeof(g->mount))
		memcpy(g->mount, mount, strlen(mount) + 1);
	return g;
}

void cgroups_close(struct cgroups *g)
{
	if (!g)
		return;
	clear(g, true);
	free(g);
}

bool cgroups_mounted(const struct cgroups *g)
{
	return g->mount[0] != '\0';
}

static const struct group *find(const struct cgroups *g, uint64_t id)
{
	struct group *e;

	HASH_FIND(hh, g->by_id, &id, sizeof(id), e);
	return e;
}

const char *cgroups_path(struct cgroups *g, uint64_t id, usec_t now)
{
	const struct group *e = find(g, id);

	if (e)
		return e->path[0] ? e->path : NULL;
	if (g->mount[0] == '\0' || (g->looked_at != 0 && now - g->looked_at < AGAIN))
		return NULL;
	look(g);
	g->looked_at = now;
	e = find(g, id);
	if (!e)
		add(g, id, "");
	return e ? e->path : NULL;
}
