/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A data path that makes many changes in one go, on the running kernel: what is there after
 * a commit is what was asked for, whatever somebody else did in between, and what cannot be
 * done is reported for the binding that it belongs to. Prints TAP; needs root.
 */
#include "common/datapath/datapath.h"
#include "tests/lab/kernel_lab.h"

#define HA	"2001:db8:a::1"
#define N	200

struct lab {
	int ns;
	const struct dp_ops *ops;
	struct dp *dp;
	unsigned int failed;
	struct in6_addr last_failed;
};

static void on_failed(void *ctx, const struct in6_prefix *inner, int err)
{
	struct lab *l = ctx;

	printf("# %s: %s\n", in6_str(&inner->addr).s, strerror(-err));
	l->failed++;
	l->last_failed = inner->addr;
}

static struct in6_addr hoa_of(unsigned int i)
{
	struct in6_addr a = addr("2001:db8:1::");

	a.s6_addr[14] = (uint8_t)(i >> 8);
	a.s6_addr[15] = (uint8_t)i;
	return a;
}

static void set(struct lab *l, unsigned int i, uint8_t where)
{
	struct dp_binding b = {
		.inner = { hoa_of(i), 128 }, .local = addr(HA), .remote = hoa_of(i),
	};

	b.remote.s6_addr[2] = where;
	if (l->ops->set(l->dp, &b) < 0)
		ok(false, "set %u", i);
}

static void del(struct lab *l, unsigned int i)
{
	struct in6_prefix p = { hoa_of(i), 128 };

	if (l->ops->del(l->dp, &p) < 0)
		ok(false, "del %u", i);
}

static int number(const char *command)
{
	FILE *f = popen(command, "r");
	int n = -1;

	if (!f || fscanf(f, "%d", &n) != 1)
		n = -1;
	if (f)
		pclose(f);
	return n;
}

static void is(int got, int wanted, const char *what)
{
	if (!ok(got == wanted, "%s", what))
		printf("# got %d, wanted %d\n", got, wanted);
}

/* So many bindings in every place, all of them at that remote end. */
static void there(int wanted, uint8_t where, const char *what)
{
	char text[160], name[120];

	snprintf(name, sizeof(name), "%s: routes", what);
	is(number("ip -6 route show table main proto 77 | grep -c ' nhid '"), wanted, name);
	snprintf(name, sizeof(name), "%s: nexthops", what);
	snprintf(text, sizeof(text), "ip -6 nexthop show | grep 'proto 77' | grep -c '2001:%xb8:'",
		 where);
	is(number(text), wanted, name);
	snprintf(name, sizeof(name), "%s: accepted sources", what);
	snprintf(text, sizeof(text), "nft list set inet dmip6_ha rx | grep -o '2001:%xb8:[^ ]* \\. '"
		 " | wc -l", where);
	is(number(text), wanted, name);
	snprintf(name, sizeof(name), "%s: no other accepted sources", what);
	is(number("nft list set inet dmip6_ha rx | grep -o '2001:[^ ]* \\. ' | wc -l"), wanted,
	   name);
	snprintf(name, sizeof(name), "%s: counters", what);
	is(number("nft list set inet dmip6_ha tx | grep -o '2001:db8:[^ ]* counter' | wc -l"),
	   wanted, name);
}

static void begin(struct lab *l)
{
	struct dp_config cfg = {
		.role = DP_ROLE_HA, .table_base = DP_TABLE_BASE, .device = "dmip6ha0",
		.failed = on_failed, .failed_ctx = l,
	};
	struct in6_addr ha = addr(HA);
	char why[256];
	int err;

	l->ns = ns_new();
	enter(l->ns);
	run("ip link set lo up");
	if (dp_choose(NULL, &l->ops, why, sizeof(why)) < 0) {
		printf("1..0 # skip no data path here: %s\n", why);
		exit(0);
	}
	err = l->ops->open(&cfg, &l->dp);
	if (err < 0) {
		errno = -err;
		bail("dp open");
	}
	run("ip -6 addr add " HA "/128 dev dmip6ha0 nodad");
	ok(l->ops->endpoint_add(l->dp, &ha) == 0, "%s: endpoint", l->ops->name);
}

static void many(struct lab *l)
{
	for (unsigned int i = 0; i < N; i++)
		set(l, i, 0xd);
	l->ops->commit(l->dp);
	there(N, 0xd, "added");
	for (unsigned int i = 0; i < N; i++)
		set(l, i, 0xe);
	l->ops->commit(l->dp);
	there(N, 0xe, "moved");
	/* Twice in one go: the last word counts. */
	for (unsigned int i = 0; i < N; i++) {
		set(l, i, 0xf);
		set(l, i, 0xe);
	}
	l->ops->commit(l->dp);
	there(N, 0xe, "moved there and back");
	for (unsigned int i = 0; i < N / 2; i++)
		del(l, i);
	l->ops->commit(l->dp);
	there(N / 2, 0xe, "deleted half");
	/* Added and deleted in one go leaves nothing. */
	for (unsigned int i = 0; i < N / 2; i++) {
		set(l, i, 0xd);
		del(l, i);
	}
	l->ops->commit(l->dp);
	there(N / 2, 0xe, "added and deleted");
	is((int)l->failed, 0, "nothing failed");
}

/* Somebody deletes things under our hands; the batches go on, and repair mends the rest. */
static void others(struct lab *l)
{
	run("ip nexthop flush proto 77 >/dev/null");
	run("nft flush set inet dmip6_ha rx");
	for (unsigned int i = N / 2; i < N; i++)
		set(l, i, 0xd);
	l->ops->commit(l->dp);
	ok(l->ops->repair(l->dp) > 0, "repair finds something to do");
	there(N / 2, 0xd, "moved over ruins and repaired");
	is(l->ops->repair(l->dp), 0, "repair finds nothing more");
	run("nft flush set inet dmip6_ha tx");
	run("for r in $(ip -6 route show table main proto 77 | cut -d' ' -f1); do "
	    "ip -6 route del $r; done");
	for (unsigned int i = N / 2; i < N; i++)
		del(l, i);
	l->ops->commit(l->dp);
	there(0, 0xd, "deleted what was gone");
	is((int)l->failed, 0, "nothing failed");
}

/* The kernel takes no tunnel by a device that is gone: every binding is told, none stays. */
static void failing(struct lab *l)
{
	run("ip link del dmip6tnl0 2>/dev/null; ip link del dmip6ha0");
	for (unsigned int i = 0; i < 10; i++)
		set(l, i, 0xd);
	l->ops->commit(l->dp);
	is((int)l->failed, 10, "each that could not be made is reported");
	there(0, 0xd, "after the failure");
	l->failed = 0;
	ok(l->ops->repair(l->dp) > 0, "the device comes back");
	for (unsigned int i = 0; i < 10; i++)
		set(l, i, 0xd);
	l->ops->commit(l->dp);
	is((int)l->failed, 0, "then they can be made");
	there(10, 0xd, "made again");
}

int main(void)
{
	struct lab l = { 0 };

	lab_begin("kernel_batch_test");
	begin(&l);
	many(&l);
	others(&l);
	failing(&l);
	l.ops->close(l.dp, false);
	is(number("ip -6 route show table all proto 77 | wc -l"), 0, "closed: no route");
	is(number("ip nexthop show | grep -c 'proto 77'"), 0, "closed: no nexthop");
	is(number("nft list tables | grep -c dmip6"), 0, "closed: no table");
	return lab_end();
}
