/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which policy of the configuration is about a socket. Owns nothing; called by classes.c and
 * ctl.c.
 */
#include "mn-agent/policy.h"

#include <string.h>

#include "mn-agent/mn_private.h"

static bool has_user(const struct class_policy *p, const struct mn_flow *f)
{
	for (unsigned int i = 0; i < p->n_users; i++)
		if (p->users[i] == f->uid)
			return true;
	return p->n_users == 0;
}

static bool has_port(const struct class_policy *p, const struct mn_flow *f)
{
	for (unsigned int i = 0; i < p->n_ports; i++)
		if (f->remote_port >= p->ports[i].first && f->remote_port <= p->ports[i].last)
			return true;
	return p->n_ports == 0;
}

/* That group, or one below it. */
static bool is_within(const char *path, const char *group)
{
	size_t len = strlen(group);

	return strncmp(path, group, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

static bool has_cgroup(const struct class_policy *p, const char *path)
{
	for (unsigned int i = 0; i < p->n_cgroups; i++)
		if (is_within(path, p->cgroups[i]))
			return true;
	return p->n_cgroups == 0;
}

const struct class_policy *policy_of(const struct mn *mn, const struct mn_flow *f)
{
	const struct class_policies *all = &mn->cfg->policies;
	const char *path = NULL;

	/* The daemon's own comes and goes with the link, whatever is said of its user. */
	if (mn_flow_is_for_key(mn, f))
		return NULL;
	for (unsigned int i = 0; i < all->n; i++) {
		const struct class_policy *p = &all->list[i];

		if (!has_user(p, f) || !has_port(p, f))
			continue;
		if (p->n_cgroups > 0 && !path) {
			path = f->cgroup != 0 && mn->ops->cgroup ?
			       mn->ops->cgroup(mn->ctx, f->cgroup) : NULL;
			/* It may be this one: a later one must not end what this one keeps. */
			if (!path)
				return NULL;
		}
		if (has_cgroup(p, path))
			return p;
	}
	return NULL;
}

bool policy_has(const struct mn *mn, enum app_class class)
{
	for (unsigned int i = 0; i < mn->cfg->policies.n; i++)
		if (mn->cfg->policies.list[i].class == class)
			return true;
	return false;
}
