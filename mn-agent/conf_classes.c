/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Classes of addresses in mn.conf: who may have them (RFC 8653 5). Names of users and groups are
 * looked up when the file is read. Owns nothing; called by conf.c and reload.c.
 */
#include "mn-agent/conf_classes.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "mn-agent/conf.h"

#define GROUP_FIXED	"dmip6"		/* who may have fixed addresses, unless it is said */

/* What the block is about while it is read; there is one. */
static struct {
	struct classes_config *cfg;
	enum app_class class;
	bool said[APP_CLASS_MAX];	/* who may: what stands in the file is all there is */
} draft;

void mn_conf_classes_defaults(struct classes_config *cfg)
{
	const struct group *g = getgrnam(GROUP_FIXED);

	memset(&draft, 0, sizeof(draft));
	memset(cfg, 0, sizeof(*cfg));
	cfg->graceful = 30 * USEC_S;
	for (int c = APP_NONPERSISTENT; c < (int)APP_CLASS_MAX; c++)
		cfg->rules[c].everybody = c != APP_FIXED;
	if (g)
		cfg->rules[APP_FIXED].groups[cfg->rules[APP_FIXED].n_groups++] = g->gr_gid;
}

static const char *const names[APP_CLASS_MAX] = {
	[APP_NO_CLASS] = "", [APP_NONPERSISTENT] = "nonpersistent", [APP_SESSION] = "session",
	[APP_FIXED] = "fixed", [APP_GRACEFUL] = "graceful",
};

enum app_class mn_conf_class(const char *name)
{
	for (int c = APP_NONPERSISTENT; c < (int)APP_CLASS_MAX; c++)
		if (strcmp(names[c], name) == 0)
			return (enum app_class)c;
	return APP_NO_CLASS;
}

void *mn_conf_class_open(struct conf *c, void *obj, const struct conf_word *kw,
			 const struct conf_word *args, unsigned int n)
{
	struct mn_settings *s = obj;

	(void)kw;
	(void)n;
	draft.cfg = &s->mn.classes;
	draft.class = mn_conf_class(args[0].text);
	if (draft.class == APP_NO_CLASS) {
		conf_error(c, &args[0], "\"%s\" is no class of addresses; expected nonpersistent, "
			   "session, fixed or graceful", args[0].text);
		return NULL;
	}
	return &draft;
}

static struct class_rule *rule(void)
{
	struct class_rule *r = &draft.cfg->rules[draft.class];

	if (!draft.said[draft.class])
		*r = (struct class_rule){ 0 };
	draft.said[draft.class] = true;
	return r;
}

static bool number(const char *s, unsigned long *ret)
{
	char *end;

	if (s[0] < '0' || s[0] > '9')
		return false;
	*ret = strtoul(s, &end, 10);
	return *end == '\0' && *ret < UINT32_MAX;
}

bool mn_conf_user(struct conf *c, const struct conf_word *w, uid_t *ret)
{
	const struct passwd *p = getpwnam(w->text);
	unsigned long id = 0;

	if (!p && !number(w->text, &id)) {
		conf_error(c, w, "there is no user \"%s\"; expected a name, or a number", w->text);
		return false;
	}
	*ret = p ? p->pw_uid : (uid_t)id;
	return true;
}

static void allow_user(struct conf *c, const struct conf_word *w)
{
	struct class_rule *r = rule();

	if (r->n_users == CLASSES_WHO_MAX)
		conf_error(c, w, "too many users; expected at most %d", CLASSES_WHO_MAX);
	else if (mn_conf_user(c, w, &r->users[r->n_users]))
		r->n_users++;
}

static void allow_group(struct conf *c, const struct conf_word *w)
{
	const struct group *g = getgrnam(w->text);
	struct class_rule *r = rule();
	unsigned long id;

	if (!g && !number(w->text, &id))
		conf_error(c, w, "there is no group \"%s\"; expected a name, or a number", w->text);
	else if (r->n_groups == CLASSES_WHO_MAX)
		conf_error(c, w, "too many groups; expected at most %d", CLASSES_WHO_MAX);
	else
		r->groups[r->n_groups++] = g ? g->gr_gid : (gid_t)id;
}

static void set_allow(struct conf *c, void *obj, const struct conf_word *kw,
		      const struct conf_word *args, unsigned int n)
{
	const char *what = args[0].text;

	(void)kw;
	if (!obj)
		return;
	if (n == 1 && strcmp(what, "everybody") == 0)
		rule()->everybody = true;
	else if (n == 1 && strcmp(what, "nobody") == 0)
		(void)rule();
	else if (n == 2 && strcmp(what, "user") == 0)
		allow_user(c, &args[1]);
	else if (n == 2 && strcmp(what, "group") == 0)
		allow_group(c, &args[1]);
	else
		conf_error(c, &args[0], "whom? expected \"allow everybody;\", \"allow nobody;\", "
			   "\"allow user NAME;\" or \"allow group NAME;\"");
}

static void set_keep(struct conf *c, void *obj, const struct conf_word *kw,
		     const struct conf_word *args, unsigned int n)
{
	(void)n;
	if (!obj)
		return;
	if (draft.class != APP_GRACEFUL)
		conf_error(c, kw, "only graceful ones are kept for a time; expected it in \"class "
			   "graceful\"");
	else
		conf_duration(c, &args[0], USEC_S, 3600 * USEC_S, &draft.cfg->graceful);
}

const struct conf_keyword mn_conf_class_table[] = {
	{ .name = "allow", .args = "everybody|nobody|user NAME|group NAME", .min_args = 1,
	  .max_args = 2, .set = set_allow },
	{ .name = "keep", .args = "DURATION", .min_args = 1, .max_args = 1, .set = set_keep,
	  .once = true },
	{ 0 }
};

static bool same_rule(const struct class_rule *a, const struct class_rule *b)
{
	return a->everybody == b->everybody && a->n_users == b->n_users &&
	       a->n_groups == b->n_groups &&
	       memcmp(a->users, b->users, a->n_users * sizeof(a->users[0])) == 0 &&
	       memcmp(a->groups, b->groups, a->n_groups * sizeof(a->groups[0])) == 0;
}

bool mn_conf_same_classes(const struct classes_config *a, const struct classes_config *b)
{
	for (int c = APP_NONPERSISTENT; c < (int)APP_CLASS_MAX; c++)
		if (!same_rule(&a->rules[c], &b->rules[c]))
			return false;
	return a->graceful == b->graceful;
}
