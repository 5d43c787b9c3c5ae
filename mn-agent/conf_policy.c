/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Policies in mn.conf: classes of addresses for programs that ask for none. Owns nothing; called
 * by conf.c and reload.c.
 */
#include "mn-agent/conf_policy.h"

#include <string.h>

#include "mn-agent/conf.h"
#include "mn-agent/conf_classes.h"

/* What the block holds while it is read; there is one. */
static struct {
	struct class_policies *all;
	struct class_policy policy;
} draft;

void *mn_conf_policy_open(struct conf *c, void *obj, const struct conf_word *kw,
			  const struct conf_word *args, unsigned int n)
{
	struct mn_settings *s = obj;

	(void)kw;
	(void)n;
	memset(&draft, 0, sizeof(draft));
	draft.all = &s->mn.policies;
	if (!conf_name(c, &args[0], "a policy", draft.policy.name, sizeof(draft.policy.name)))
		return NULL;
	for (unsigned int i = 0; i < draft.all->n; i++) {
		if (strcmp(draft.all->list[i].name, args[0].text) == 0) {
			conf_error(c, &args[0], "policy %s is there already; expected another name",
				   args[0].text);
			return NULL;
		}
	}
	if (draft.all->n == POLICY_MAX) {
		conf_error(c, &args[0], "too many policies; expected at most %d", POLICY_MAX);
		return NULL;
	}
	return &draft;
}

static void set_class(struct conf *c, void *obj, const struct conf_word *kw,
		      const struct conf_word *args, unsigned int n)
{
	enum app_class class = mn_conf_class(args[0].text);

	(void)kw;
	(void)n;
	if (!obj)
		return;
	draft.policy.class = class;
	if (class == APP_NO_CLASS || class == APP_FIXED)
		conf_error(c, &args[0], "\"%s\" is no class that a socket can have afterwards; expected "
			   "nonpersistent, session or graceful; a fixed address is for "
			   "\"dmip6-run --class fixed\"", args[0].text);
}

/* Is there room for one more? */
static bool room(struct conf *c, const struct conf_word *kw, unsigned int n)
{
	if (n < POLICY_WORDS)
		return true;
	conf_error(c, kw, "too many of them in policy %s; expected at most %d", draft.policy.name,
		   POLICY_WORDS);
	return false;
}

static void add_user(struct conf *c, void *obj, const struct conf_word *kw,
		     const struct conf_word *args, unsigned int n)
{
	struct class_policy *p = &draft.policy;

	(void)n;
	if (obj && room(c, kw, p->n_users) && mn_conf_user(c, &args[0], &p->users[p->n_users]))
		p->n_users++;
}

static void add_port(struct conf *c, void *obj, const struct conf_word *kw,
		     const struct conf_word *args, unsigned int n)
{
	struct class_policy *p = &draft.policy;

	(void)n;
	if (!obj || !room(c, kw, p->n_ports))
		return;
	if (selector_read_ports(args[0].text, &p->ports[p->n_ports]))
		p->n_ports++;
	else
		conf_error(c, &args[0], "\"%s\" is no port; expected a number from 1 to 65535, or two "
			   "such as 5000-5010, the lower one first", args[0].text);
}

static void add_cgroup(struct conf *c, void *obj, const struct conf_word *kw,
		       const struct conf_word *args, unsigned int n)
{
	struct class_policy *p = &draft.policy;
	size_t len = strlen(args[0].text);

	(void)n;
	if (!obj || !room(c, kw, p->n_cgroups))
		return;
	while (len > 1 && args[0].text[len - 1] == '/')
		len--;
	if (args[0].text[0] != '/' || len < 2 || len >= POLICY_CGROUP)
		conf_error(c, &args[0], "\"%s\" is no control group; expected a path such as "
			   "/system.slice/backup.service, as in /proc/PID/cgroup", args[0].text);
	else
		memcpy(p->cgroups[p->n_cgroups++], args[0].text, len);
}

void mn_conf_policy_close(struct conf *c, void *obj, const struct conf_word *kw)
{
	const struct class_policy *p = &draft.policy;

	if (!obj)
		return;
	if (p->class == APP_NO_CLASS)
		conf_error(c, kw, "policy %s: it is not said what it gives; expected \"class session;\" or "
			   "the like", p->name);
	if (p->n_users + p->n_ports + p->n_cgroups == 0)
		conf_error(c, kw, "policy %s: it is not said for whom; expected \"user NAME;\", "
			   "\"port NUMBER;\" or \"cgroup PATH;\"", p->name);
	memcpy(&draft.all->list[draft.all->n++], p, sizeof(*p));
}

const struct conf_keyword mn_conf_policy_table[] = {
	{ .name = "class", .args = "nonpersistent|session|graceful", .min_args = 1, .max_args = 1,
	  .set = set_class, .once = true },
	{ .name = "user", .args = "NAME", .min_args = 1, .max_args = 1, .set = add_user },
	{ .name = "port", .args = "PORT[-PORT]", .min_args = 1, .max_args = 1, .set = add_port },
	{ .name = "cgroup", .args = "PATH", .min_args = 1, .max_args = 1, .set = add_cgroup },
	{ 0 }
};

bool mn_conf_same_policies(const struct class_policies *a, const struct class_policies *b)
{
	/* They are cleared before they are filled, and nothing else is in them. */
	return a->n == b->n && memcmp(a->list, b->list, a->n * sizeof(a->list[0])) == 0;
}
