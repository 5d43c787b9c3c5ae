/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instead of dp_filter.c, for tests on user-mode-linux alone: that kernel has nftables for
 * bridges only. Remembers the elements and checks nothing, so never to be used for anything
 * else: the daemons that are linked with it take what anybody sends in a tunnel.
 */
#include "common/datapath/dp_filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ELEMENTS	256

struct element {
	enum dp_filter_set set;
	struct in6_prefix inner;
	struct in6_addr remote;
};

struct dp_filter {
	int mobility;		/* the kernel answers no Mobility Header while this is open */
	struct element elements[ELEMENTS];
	unsigned int n;
};

static int find(const struct dp_filter *f, const struct element *e)
{
	for (unsigned int i = 0; i < f->n; i++) {
		if (f->elements[i].set == e->set && in6_prefix_eq(&f->elements[i].inner, &e->inner) &&
		    in6_eq(&f->elements[i].remote, &e->remote))
			return (int)i;
	}
	return -ENOENT;
}

/* Those of prefixes, and of visits, follow those of addresses. */
static enum dp_filter_set set_of(const struct dp_binding *b, enum dp_filter_set set)
{
	if (b->visit)
		return (enum dp_filter_set)(set + DP_FILTER_VRX64);
	return b->inner.len == DP_PREFIX ? (enum dp_filter_set)(set + DP_FILTER_RX64) : set;
}

static const struct in6_prefix no_inner;

static int put(struct dp_filter *f, enum dp_filter_set set, const struct in6_prefix *inner,
	       const struct in6_addr *remote)
{
	const struct element e = { set, *inner, *remote };

	if (find(f, &e) >= 0)
		return 0;
	if (f->n == ELEMENTS)
		return -ENOSPC;
	f->elements[f->n++] = e;
	return 0;
}

static int take(struct dp_filter *f, enum dp_filter_set set, const struct in6_prefix *inner,
		const struct in6_addr *remote)
{
	const struct element e = { set, *inner, *remote };
	int i = find(f, &e);

	if (i < 0)
		return i;
	f->elements[i] = f->elements[--f->n];
	return 0;
}

int dp_filter_probe(const struct dp_ruleset *r, char *why, size_t len)
{
	(void)r, (void)why, (void)len;
	return 0;
}

int dp_filter_open(const struct dp_ruleset *r, struct dp_filter **ret)
{
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	const struct sock_fprog nothing = { 1, &none };
	struct dp_filter *f = calloc(1, sizeof(*f));

	(void)r;
	if (!f)
		return -ENOMEM;
	f->mobility = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, 135);
	if (f->mobility < 0 || setsockopt(f->mobility, SOL_SOCKET, SO_ATTACH_FILTER, &nothing,
					  sizeof(nothing)) < 0) {
		int err = -errno;

		dp_filter_close(f, true);
		return err;
	}
	*ret = f;
	return 0;
}

void dp_filter_close(struct dp_filter *f, bool keep)
{
	(void)keep;
	if (!f)
		return;
	if (f->mobility >= 0)
		(void)close(f->mobility);
	free(f);
}

int dp_filter_repair(struct dp_filter *f)
{
	(void)f;
	return 0;
}

int dp_filter_unverified(struct dp_filter *f, const struct in6_addr *inner, bool present)
{
	(void)f, (void)inner, (void)present;
	return 0;
}

bool dp_filter_is_home(const struct dp_filter *f, const struct in6_addr *addr)
{
	(void)f;
	(void)addr;
	return false;
}

int dp_filter_homes(struct dp_filter *f, const struct dp_home *homes, unsigned int n)
{
	(void)f, (void)homes, (void)n;
	return 0;
}

int dp_filter_endpoint(struct dp_filter *f, const struct in6_addr *addr, bool present)
{
	return present ? put(f, DP_FILTER_LOCAL, &no_inner, addr) :
	       take(f, DP_FILTER_LOCAL, &no_inner, addr);
}

int dp_filter_add(struct dp_filter *f, const struct dp_binding *b,
		  const struct in6_addr *remote)
{
	int err = put(f, set_of(b, DP_FILTER_RX), &b->inner, remote);

	if (err == 0)
		err = put(f, set_of(b, DP_FILTER_IN), &b->inner, &in6addr_any);
	return err < 0 ? err : put(f, set_of(b, DP_FILTER_TX), &b->inner, &in6addr_any);
}

int dp_filter_accept(struct dp_filter *f, const struct dp_binding *b,
		     const struct in6_addr *remote)
{
	return put(f, set_of(b, DP_FILTER_RX), &b->inner, remote);
}

int dp_filter_refuse(struct dp_filter *f, const struct dp_binding *b,
		     const struct in6_addr *remote)
{
	return take(f, set_of(b, DP_FILTER_RX), &b->inner, remote);
}

int dp_filter_late(struct dp_filter *f, const struct dp_binding *b,
		   const struct in6_addr *remote)
{
	(void)f;
	(void)b;
	(void)remote;
	return 0;
}

int dp_filter_no_longer_late(struct dp_filter *f, const struct dp_binding *b,
			     const struct in6_addr *remote)
{
	return dp_filter_late(f, b, remote);
}

int dp_filter_guard(struct dp_filter *f, const uint8_t mac[6], const struct in6_prefix *prefix,
		    bool allowed)
{
	(void)f, (void)mac, (void)prefix, (void)allowed;
	return 0;
}

int dp_filter_steer(struct dp_filter *f, const struct dp_steer *s)
{
	(void)f, (void)s;
	return -EOPNOTSUPP;
}

int dp_filter_unsteer(struct dp_filter *f, const struct in6_prefix *inner)
{
	(void)f, (void)inner;
	return -EOPNOTSUPP;
}

int dp_filter_path(struct dp_filter *f, const struct in6_prefix *inner, unsigned int path,
		   uint64_t *ret_packets)
{
	(void)f, (void)inner, (void)path, (void)ret_packets;
	return -EOPNOTSUPP;
}

int dp_filter_flow_rules(struct dp_filter *f)
{
	(void)f;
	return 0;
}

int dp_filter_forget(struct dp_filter *f, const struct dp_binding *b)
{
	int err = take(f, set_of(b, DP_FILTER_IN), &b->inner, &in6addr_any);
	int second = take(f, set_of(b, DP_FILTER_TX), &b->inner, &in6addr_any);

	return err < 0 ? err : second;
}

int dp_filter_in(struct dp_filter *f, const struct dp_binding *b, uint64_t *ret)
{
	(void)f, (void)b;
	*ret = 0;
	return 0;
}

int dp_filter_tx(struct dp_filter *f, const struct dp_binding *b, uint64_t *ret)
{
	return dp_filter_in(f, b, ret);
}

void dp_filter_gather(struct dp_filter *f)
{
	(void)f;
}

int dp_filter_commit(struct dp_filter *f)
{
	(void)f;
	return 0;
}

int dp_filter_port(struct dp_filter *f, const struct dp_port *p)
{
	(void)f;
	(void)p;
	return -EOPNOTSUPP;
}

int dp_filter_drops(struct dp_filter *f, struct dp_drops *ret)
{
	(void)f;
	*ret = (struct dp_drops){ 0 };
	return 0;
}

int dp_filter_sent(struct dp_filter *f, void (*fn)(void *ctx, const struct in6_addr *from,
						   uint64_t ms_ago), void *ctx)
{
	(void)f, (void)fn, (void)ctx;
	return -EOPNOTSUPP;
}

int dp_filter_count(struct dp_filter *f, enum dp_filter_set set)
{
	(void)f, (void)set;
	return -EOPNOTSUPP;
}

static bool is_pairs(enum dp_filter_set set)
{
	return set == DP_FILTER_RX || set == DP_FILTER_RX64 || set == DP_FILTER_VRX64;
}

int dp_filter_has(struct dp_filter *f, enum dp_filter_set set,
		  const struct dp_binding *const *bindings, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct element e = {
			set, bindings[i]->inner,
			is_pairs(set) ? bindings[i]->remote : in6addr_any,
		};

		if (find(f, &e) < 0)
			return -ENOENT;
	}
	return 0;
}

int dp_filter_dump(struct dp_filter *f, enum dp_filter_set from,
		   void (*fn)(void *ctx, enum dp_filter_set set, const struct dp_binding *b),
		   void *ctx)
{
	const struct dp_filter now = *f;	/* fn may take elements away */

	for (unsigned int i = 0; i < now.n; i++) {
		const struct element *e = &now.elements[i];
		const struct dp_binding b = {
			.inner = e->inner, .remote = e->remote, .visit = e->set >= DP_FILTER_VRX64 &&
			e->set <= DP_FILTER_VTX64,
		};

		if (e->set >= from)
			fn(ctx, e->set, &b);
	}
	return 0;
}

int dp_filter_remove_all(void)
{
	return 0;
}
