/* SPDX-License-Identifier: BSD-2-Clause */
/* Which address a program's socket gets by its class, and what the socket holds (RFC 8653 3.2). */
/* links: the mobile node without its edges ($(mn_core) in Makefile.am) */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "mn-agent/mn_private.h"

#define HOME	"2001:db8:9::5"
#define HERE	"2001:db8:2:201::5"
#define BEFORE	"2001:db8:1:101::5"

static const struct class_user root = { .uid = 0 }, user = { .uid = 1000 };

struct world {
	struct mn_config cfg;
	struct mn mn;
	struct mn_iface wlan;
	struct anchor home, here, before;
};

static struct in6_addr addr(const char *s)
{
	struct in6_addr a;

	assert_int_equal(in6_parse(s, &a), 0);
	return a;
}

static void anchor(struct world *w, struct anchor *a, const char *hoa, enum anchor_state state)
{
	a->hoa = addr(hoa);
	a->ha = addr("2001:db8:ffff::1");
	a->state = state;
	a->valid_until = 1000 * USEC_S;
	a->next = w->mn.anchors;
	w->mn.anchors = a;
}

/* At a second place, with a session of the first one, and a home elsewhere. */
static void start(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->mn.cfg = &w->cfg;
	w->cfg.classes.graceful = 10 * USEC_S;
	for (int c = 0; c < (int)APP_CLASS_MAX; c++)
		w->cfg.classes.rules[c].everybody = c != APP_FIXED;
	w->wlan.link.ifindex = 3;
	w->mn.current = &w->wlan;
	anchor(w, &w->home, HOME, ANCHOR_BOUND);
	w->home.fixed = true;
	memcpy(w->home.name, "office", 7);
	anchor(w, &w->here, HERE, ANCHOR_ATTACHED);
	w->here.ifindex = 3;
	anchor(w, &w->before, BEFORE, ANCHOR_BOUND);
}

static void gives(const struct world *w, enum app_class c, const char *name,
		  const struct class_user *who, const char *hoa)
{
	struct in6_addr wanted = hoa ? addr(hoa) : in6addr_any, got;

	assert_int_equal(classes_address(&w->mn, c, name, who, &got), 0);
	assert_true(in6_eq(&got, &wanted));
}

static int refusal(const struct world *w, enum app_class c, const char *name,
		   const struct class_user *who)
{
	struct in6_addr got;

	return classes_address(&w->mn, c, name, who, &got);
}

static void addresses(void **state)
{
	struct world w;

	(void)state;
	start(&w);
	gives(&w, APP_SESSION, "", &user, HERE);
	gives(&w, APP_GRACEFUL, "", &user, HERE);
	gives(&w, APP_NONPERSISTENT, "", &user, HERE);
	gives(&w, APP_FIXED, "", &root, HOME);
	gives(&w, APP_FIXED, "office", &root, HOME);
	gives(&w, APP_SESSION, BEFORE, &user, BEFORE);
	assert_int_equal(refusal(&w, APP_FIXED, BEFORE, &root), -EADDRNOTAVAIL);
	assert_int_equal(refusal(&w, APP_NONPERSISTENT, BEFORE, &root), -EADDRNOTAVAIL);
	assert_int_equal(refusal(&w, APP_SESSION, "attic", &root), -EINVAL);
	assert_int_equal(refusal(&w, APP_CLASS_MAX, "", &root), -EINVAL);
	/* At a router that is no home agent what was had before is better than nothing. */
	w.here.ha = in6addr_any;
	gives(&w, APP_SESSION, "", &user, BEFORE);
	gives(&w, APP_NONPERSISTENT, "", &user, HERE);
	w.here.state = ANCHOR_GONE;
	gives(&w, APP_NONPERSISTENT, "", &user, NULL);
	w.before.state = ANCHOR_UNREACHABLE;
	assert_int_equal(refusal(&w, APP_SESSION, "", &user), -EADDRNOTAVAIL);
	w.home.state = ANCHOR_REFUSED;
	assert_int_equal(refusal(&w, APP_FIXED, "", &root), -EADDRNOTAVAIL);
}

static void permission(void **state)
{
	const gid_t groups[] = { 5, 44 };
	const struct class_user member = { .uid = 1000, .n_groups = 2, .groups = groups };
	struct class_rule *r;
	struct world w;

	(void)state;
	start(&w);
	r = &w.cfg.classes.rules[APP_FIXED];
	assert_int_equal(refusal(&w, APP_FIXED, "", &member), -EPERM);
	r->groups[r->n_groups++] = 44;
	gives(&w, APP_FIXED, "", &member, HOME);
	assert_int_equal(refusal(&w, APP_FIXED, "", &user), -EPERM);
	r->users[r->n_users++] = 1000;
	gives(&w, APP_FIXED, "", &user, HOME);
	/* Who may not is not told what there is. */
	r->n_users = r->n_groups = 0;
	assert_int_equal(refusal(&w, APP_FIXED, "nonsense", &user), -EPERM);
}

static bool holds(struct world *w, uint64_t cookie, const char *local, bool by_itself, usec_t now)
{
	const struct mn_flow f = {
		.local = addr(local), .cookie = cookie, .protocol = FLOW_TCP,
		.state = FLOW_ESTABLISHED,
	};

	return classes_holds(&w->mn, &f, classes_of(&w->mn, &f), by_itself, now);
}

static void claim(struct world *w, uint64_t cookie, enum app_class c, uid_t uid, usec_t now)
{
	const struct class_user who = { .uid = uid };
	struct in6_addr got;

	assert_int_equal(classes_claim(&w->mn, cookie, c, "", &who, now, &got), 0);
}

static void what_they_hold(void **state)
{
	struct world w;

	(void)state;
	start(&w);
	claim(&w, 1, APP_NONPERSISTENT, 0, 0);
	claim(&w, 2, APP_SESSION, 0, 0);
	claim(&w, 3, APP_GRACEFUL, 0, 0);
	assert_false(holds(&w, 1, HERE, true, 1));
	assert_true(holds(&w, 2, HERE, false, 1));
	assert_true(holds(&w, 3, HERE, true, 1));
	assert_false(holds(&w, 3, HERE, false, 1));
	assert_true(holds(&w, 4, HERE, true, 1));
	assert_int_equal(classes_next(&w.mn, 1), USEC_NEVER);
	/* The host leaves: a time begins, and ends; back it is as before. */
	w.here.state = ANCHOR_BOUND;
	classes_count_begins(&w.mn, USEC_S);
	assert_true(holds(&w, 3, HERE, true, USEC_S));
	assert_int_equal(classes_next(&w.mn, USEC_S), 11 * USEC_S);
	assert_true(holds(&w, 3, HERE, true, 11 * USEC_S - 1));
	assert_false(holds(&w, 3, HERE, true, 11 * USEC_S));
	assert_int_equal(classes_next(&w.mn, 11 * USEC_S), USEC_NEVER);
	w.here.state = ANCHOR_ATTACHED;
	classes_count_begins(&w.mn, 12 * USEC_S);
	assert_true(holds(&w, 3, HERE, true, 12 * USEC_S));
	classes_free(&w.mn);
}

static const char *cgroup(void *ctx, uint64_t id)
{
	(void)ctx;
	switch (id) {
	case 7:
		return "/system.slice/backup.service/job";
	case 8:
		return "/system.slice/backup.service2";
	default:
		return NULL;
	}
}

/* A program that asks for nothing has what the first fitting policy says; a claim comes first. */
static void policies(void **state)
{
	static const struct mn_ops ops = { .cgroup = cgroup };
	struct mn_flow f = { .protocol = FLOW_TCP, .uid = 1000, .remote_port = 443, .cgroup = 8 };
	struct world w;

	(void)state;
	start(&w);
	w.mn.ops = &ops;
	w.cfg.policies = (struct class_policies){ .n = 2, .list = {
		{ .name = "backup", .class = APP_NONPERSISTENT, .n_cgroups = 1,
		  .cgroups = { "/system.slice/backup.service" } },
		{ .name = "shell", .class = APP_SESSION, .n_users = 1, .users = { 1000 },
		  .n_ports = 1, .ports = { { 20, 22 } } },
	} };
	assert_int_equal(classes_of(&w.mn, &f), APP_NO_CLASS);
	f.remote_port = 22;
	assert_int_equal(classes_of(&w.mn, &f), APP_SESSION);
	f.cgroup = 7;
	assert_int_equal(classes_of(&w.mn, &f), APP_NONPERSISTENT);
	f.cookie = 9;
	claim(&w, 9, APP_GRACEFUL, 1000, 0);
	assert_int_equal(classes_of(&w.mn, &f), APP_GRACEFUL);
	/* A group that is not known may be the first one's: the second must not count. */
	f.cookie = 0;
	f.cgroup = 9;
	assert_int_equal(classes_of(&w.mn, &f), APP_NO_CLASS);
	f.cgroup = 0;
	assert_int_equal(classes_of(&w.mn, &f), APP_NO_CLASS);
	/* But a policy that names no group does not wait for one. */
	w.cfg.policies.list[0] = w.cfg.policies.list[1];
	assert_int_equal(classes_of(&w.mn, &f), APP_SESSION);
	f.uid = 1001;
	assert_int_equal(classes_of(&w.mn, &f), APP_NO_CLASS);
	/* What the daemon itself asks a home agent for keys with is nobody's. */
	f = (struct mn_flow){ .protocol = FLOW_TCP, .state = FLOW_ESTABLISHED,
			      .local = w.here.hoa, .remote = w.here.ha, .remote_port = BOOT_PORT };
	w.cfg.policies.list[0] = (struct class_policy){ .class = APP_SESSION, .n_users = 1 };
	assert_int_equal(classes_of(&w.mn, &f), APP_NO_CLASS);
	f.remote_port++;
	assert_int_equal(classes_of(&w.mn, &f), APP_SESSION);
	classes_free(&w.mn);
}

/* One that does not show holds for a minute; one that has shown and does not any more is closed. */
static void sockets_that_do_not_show(void **state)
{
	struct in6_addr here = addr(HERE);
	struct world w;

	(void)state;
	start(&w);
	claim(&w, 7, APP_SESSION, 0, 0);
	for (usec_t now = 0; now < CLASSES_UNSEEN; now += CLASSES_UNSEEN / 3) {
		classes_count_begins(&w.mn, now);
		assert_int_equal(classes_unseen(&w.mn, &here, now), 1);
		classes_count_ends(&w.mn, true, now);
	}
	assert_int_equal(classes_unseen(&w.mn, &here, CLASSES_UNSEEN), 0);
	assert_true(holds(&w, 7, HERE, false, CLASSES_UNSEEN));
	classes_count_ends(&w.mn, true, CLASSES_UNSEEN);
	assert_non_null(classes_find(&w.mn, 7));
	/* A count that stopped early says nothing. */
	classes_count_begins(&w.mn, CLASSES_UNSEEN);
	classes_count_ends(&w.mn, false, CLASSES_UNSEEN);
	assert_non_null(classes_find(&w.mn, 7));
	classes_count_ends(&w.mn, true, CLASSES_UNSEEN);
	assert_null(classes_find(&w.mn, 7));
	claim(&w, 8, APP_SESSION, 0, 0);
	classes_ended(&w.mn, 8);
	assert_null(classes_find(&w.mn, 8));
	classes_free(&w.mn);
}

/* A million claims: the oldest of the same user go, and nobody else's. */
static void too_many(void **state)
{
	struct world w;

	(void)state;
	start(&w);
	claim(&w, 1, APP_SESSION, 500, 0);
	for (uint64_t i = 0; i < 3 * CLASSES_OF_USER; i++)
		claim(&w, 100 + i, APP_GRACEFUL, 1000, (usec_t)i);
	assert_int_equal(HASH_CNT(hh, w.mn.classes.by_cookie), 1 + CLASSES_OF_USER);
	assert_non_null(classes_find(&w.mn, 1));
	assert_null(classes_find(&w.mn, 100));
	assert_non_null(classes_find(&w.mn, 99 + 3 * CLASSES_OF_USER));
	assert_int_equal(classes_claim(&w.mn, 0, APP_SESSION, "", &root, 0, &(struct in6_addr){ 0 }),
			 -EINVAL);
	classes_free(&w.mn);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(permission),
		cmocka_unit_test(what_they_hold),
		cmocka_unit_test(policies),
		cmocka_unit_test(sockets_that_do_not_show),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
