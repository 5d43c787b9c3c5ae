/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which address a socket of a class gets, and what it holds (RFC 8653 3.2). Owns what is known of
 * sockets that have a class; called by app.c for programs, by flows.c for each socket that is
 * counted. Without a class a socket holds its address as flows.c says.
 *
 *	nonpersistent	nothing: when the host leaves its connections are ended (io.c)
 *	session		its address from the claim on, idle or not
 *	fixed		a home's address, which needs no holding
 *	graceful	as by itself, for classes_config.graceful after the host has left
 */
#include "mn-agent/classes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mn-agent/mn_private.h"

/* ---- who ---- */

static bool has_group(const struct class_user *who, gid_t g)
{
	for (unsigned int i = 0; i < who->n_groups; i++)
		if (who->groups[i] == g)
			return true;
	return false;
}

static bool allowed(const struct class_rule *r, const struct class_user *who)
{
	if (r->everybody || who->uid == 0)
		return true;
	for (unsigned int i = 0; i < r->n_users; i++)
		if (r->users[i] == who->uid)
			return true;
	for (unsigned int i = 0; i < r->n_groups; i++)
		if (has_group(who, r->groups[i]))
			return true;
	return false;
}

/* ---- which ---- */

/* Packets of it come through now, or will when a home agent answers. */
static bool is_usable(const struct anchor *a)
{
	switch (a->state) {
	case ANCHOR_ATTACHED:
	case ANCHOR_BOUND:
	case ANCHOR_REFRESHING:
	case ANCHOR_RETURNING:
		return true;
	case ANCHOR_DEPARTED:
	case ANCHOR_DISCOVERING:
	case ANCHOR_REGISTERING:
	case ANCHOR_RELEASING:
	case ANCHOR_REFUSED:
	case ANCHOR_UNREACHABLE:
	case ANCHOR_GONE:
	case ANCHOR_STATE_MAX:
		break;
	}
	return false;
}

static bool is_named(const struct anchor *a, const char *anchor)
{
	struct in6_addr addr;

	if (anchor[0] == '\0' || (a->name[0] && strcmp(a->name, anchor) == 0))
		return true;
	return in6_parse(anchor, &addr) == 0 && (in6_eq(&addr, &a->hoa) || in6_eq(&addr, &a->ha));
}

/* It can be kept when the host leaves. */
static bool is_lasting(const struct anchor *a)
{
	return a->fixed || !in6_is_any(&a->ha);
}

static bool is_here(const struct mn *mn, const struct anchor *a)
{
	return a->state == ANCHOR_ATTACHED && mn->current &&
	       a->ifindex == mn->current->link.ifindex;
}

/* Of the link that new flows take, before one of before; of several the one that lasts longest. */
static bool is_better(const struct mn *mn, const struct anchor *a, const struct anchor *than)
{
	bool here, there;

	if (!than)
		return true;
	here = is_here(mn, a);
	there = is_here(mn, than);
	if (here != there)
		return here;
	return a->valid_until > than->valid_until;
}

int classes_address(const struct mn *mn, enum app_class class, const char *anchor,
		    const struct class_user *who, struct in6_addr *ret)
{
	const struct anchor *best = NULL;
	bool known = anchor[0] == '\0';

	if (class < APP_NONPERSISTENT || class >= APP_CLASS_MAX)
		return -EINVAL;
	if (!allowed(&mn->cfg->classes.rules[class], who))
		return -EPERM;
	for (const struct anchor *a = mn->anchors; a; a = a->next) {
		bool fits = class == APP_FIXED ? a->fixed : class == APP_NONPERSISTENT ?
			    a->state == ANCHOR_ATTACHED : is_lasting(a);

		if (!is_named(a, anchor))
			continue;
		known = true;
		/* A home of its own is for who asks for it. */
		if (a->fixed && class != APP_FIXED && anchor[0] == '\0')
			continue;
		if (fits && is_usable(a) && !a->forsaken && is_better(mn, a, best))
			best = a;
	}
	*ret = best ? best->hoa : in6addr_any;
	if (!known)
		return -EINVAL;
	/* Where no router is an anchor the newest address is the kernel's to choose. */
	if (!best && (class != APP_NONPERSISTENT || anchor[0] != '\0'))
		return -EADDRNOTAVAIL;
	return 0;
}

/* ---- sockets ---- */

static struct class_socket *find(const struct mn *mn, uint64_t cookie)
{
	struct class_socket *s;

	HASH_FIND(hh, mn->classes.by_cookie, &cookie, sizeof(cookie), s);
	return s;
}

const struct class_socket *classes_find(const struct mn *mn, uint64_t cookie)
{
	return cookie != 0 ? find(mn, cookie) : NULL;
}

enum app_class classes_of(const struct mn *mn, const struct mn_flow *f)
{
	const struct class_socket *s = classes_find(mn, f->cookie);
	const struct class_policy *p = s ? NULL : policy_of(mn, f);

	if (s)
		return s->class;
	return p ? p->class : APP_NO_CLASS;
}

static void forget(struct mn *mn, struct class_socket *s)
{
	HASH_DELETE(hh, mn->classes.by_cookie, s);
	free(s);
}

void classes_free(struct mn *mn)
{
	struct class_socket *s, *next;

	HASH_ITER(hh, mn->classes.by_cookie, s, next)
		forget(mn, s);
}

void classes_ended(struct mn *mn, uint64_t cookie)
{
	struct class_socket *s = cookie != 0 ? find(mn, cookie) : NULL;

	if (s)
		forget(mn, s);
}

/* Whoever asks for too many loses his own. */
static void make_room(struct mn *mn, uid_t uid)
{
	struct class_socket *s, *next, *oldest = NULL, *any = NULL;
	unsigned int n = 0;

	HASH_ITER(hh, mn->classes.by_cookie, s, next) {
		if (!any || s->since < any->since)
			any = s;
		if (s->uid != uid)
			continue;
		n++;
		if (!oldest || s->since < oldest->since)
			oldest = s;
	}
	if (n >= CLASSES_OF_USER)
		forget(mn, oldest);
	else if (HASH_CNT(hh, mn->classes.by_cookie) >= CLASSES_SOCKETS)
		forget(mn, any);
}

int classes_claim(struct mn *mn, uint64_t cookie, enum app_class class, const char *anchor,
		  const struct class_user *who, usec_t now, struct in6_addr *ret)
{
	int err = cookie != 0 ? classes_address(mn, class, anchor, who, ret) : -EINVAL;
	struct class_socket *s;

	if (err < 0)
		return err;
	s = find(mn, cookie);
	if (!s) {
		make_room(mn, who->uid);
		s = calloc(1, sizeof(*s));
		if (!s)
			return -ENOMEM;
		s->cookie = cookie;
		HASH_ADD(hh, mn->classes.by_cookie, cookie, sizeof(s->cookie), s);
	}
	s->class = class;
	s->address = *ret;
	s->uid = who->uid;
	s->since = now;
	s->seen = false;
	return 0;
}

/* ---- counting ---- */

static bool has(const struct mn *mn, enum app_class class)
{
	for (const struct class_socket *s = mn->classes.by_cookie; s; s = s->hh.next)
		if (s->class == class)
			return true;
	return policy_has(mn, class);
}

bool classes_want_all(const struct mn *mn)
{
	return has(mn, APP_NONPERSISTENT) || has(mn, APP_GRACEFUL);
}

void classes_count_begins(struct mn *mn, usec_t now)
{
	for (struct class_socket *s = mn->classes.by_cookie; s; s = s->hh.next)
		s->counted = false;
	for (struct anchor *a = mn->anchors; a; a = a->next) {
		if (!anchor_away(a))
			a->left = 0;
		else if (a->left == 0)
			a->left = now;
	}
}

static bool is_over(const struct mn *mn, const struct anchor *a, usec_t now)
{
	return a->left != 0 && now - a->left >= mn->cfg->classes.graceful;
}

bool classes_over(const struct mn *mn, const struct in6_addr *local, usec_t now)
{
	const struct anchor *a = mn_find_anchor(mn, local);

	return a && is_over(mn, a, now);
}

bool classes_holds(struct mn *mn, const struct mn_flow *f, enum app_class class, bool by_itself,
		   usec_t now)
{
	struct class_socket *s = f->cookie != 0 ? find(mn, f->cookie) : NULL;

	if (s)
		s->seen = s->counted = true;
	switch (class) {
	case APP_NONPERSISTENT:
		return false;
	case APP_SESSION:
		return f->state != FLOW_TIME_WAIT;
	case APP_GRACEFUL:
		return by_itself && !classes_over(mn, &f->local, now);
	case APP_NO_CLASS:
	case APP_FIXED:
	case APP_CLASS_MAX:
		break;
	}
	return by_itself;
}

unsigned int classes_unseen(const struct mn *mn, const struct in6_addr *address, usec_t now)
{
	unsigned int n = 0;

	for (const struct class_socket *s = mn->classes.by_cookie; s; s = s->hh.next)
		n += s->class == APP_SESSION && !s->counted && !s->seen &&
		     now - s->since < CLASSES_UNSEEN && in6_eq(&s->address, address);
	return n;
}

void classes_count_ends(struct mn *mn, bool exact, usec_t now)
{
	struct class_socket *s, *next;

	if (!exact)
		return;
	HASH_ITER(hh, mn->classes.by_cookie, s, next)
		if (!s->counted && (s->seen || now - s->since >= CLASSES_UNSEEN))
			forget(mn, s);
}

usec_t classes_next(const struct mn *mn, usec_t now)
{
	usec_t at = USEC_NEVER;

	if (!has(mn, APP_GRACEFUL))
		return at;
	for (const struct anchor *a = mn->anchors; a; a = a->next) {
		usec_t end = a->left + mn->cfg->classes.graceful;

		if (a->left != 0 && !is_over(mn, a, now) && end < at)
			at = end;
	}
	return at;
}
