/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nftables table of the data path: called by the kernel backends. The skeleton (sets,
 * chains, rules: dp_ruleset.c) is text for libnftables, in one transaction; elements are nfnetlink
 * messages of constant cost, so a hundred thousand bindings cost a binding no more than
 * one does. RFC 2473 tunnels, RFC 6275 10.4.5 and 11.3.1 for what is checked.
 */
#include "common/datapath/dp_filter.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/datapath/dp_flows.h"
#include "common/datapath/dp_port.h"
#include "common/datapath/dp_ruleset.h"
#include "common/sys/nl.h"

#define SET_ATTR_COUNT	20	/* NFTA_SET_COUNT, which older headers do not have */

/* Keys of elements, as packets have them: the inner address, or the first octets of it, behind
 * a remote end where the set is one of pairs. */
struct key {
	uint8_t octets[2 * sizeof(struct in6_addr)];
	size_t len;
};

struct dp_filter {
	struct nl *nl;
	struct dp_ruleset rules;
	const char *table;
	bool gathering;
	struct dp_drops before;		/* open() */
	struct dp_home homes[DP_HOMES];
	unsigned int n_homes;
	struct dp_port port;
	unsigned int port_rules;	/* 0: the kernel cannot, or there is no port */
};

/* Runs libnftables; its words about an error go to why (if not NULL). */
static int run(const char *text, bool dry, char *why, size_t len)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	const char *words;
	int err;

	if (!nft)
		return -ENOMEM;
	nft_ctx_set_dry_run(nft, dry);
	(void)nft_ctx_buffer_error(nft);
	(void)nft_ctx_buffer_output(nft);
	errno = 0;
	err = nft_run_cmd_from_buffer(nft, text) == 0 ? 0 : -EIO;
	if (err < 0 && errno != 0)
		err = -errno;
	words = nft_ctx_get_error_buffer(nft);
	if (err < 0 && why)
		(void)snprintf(why, len, "%.*s", words ? (int)strcspn(words, "\n") : 0,
			       words ? words : "");
	nft_ctx_free(nft);
	return err;
}

static int build(const struct dp_ruleset *r, bool dry, char *why, size_t len)
{
	char text[DP_RULESET_ROOM];
	unsigned int n;
	int err = dp_ruleset_text(r, text, sizeof(text), &n);

	return err < 0 ? err : run(text, dry, why, len);
}

int dp_filter_probe(const struct dp_ruleset *r, char *why, size_t len)
{
	return build(r, true, why, len);
}

static struct nlmsghdr *get_message(struct dp_filter *f, uint16_t type, uint16_t flags)
{
	uint16_t full = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	struct nlmsghdr *nlh = nl_message(f->nl, full, flags);
	struct nfgenmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));

	m->nfgen_family = NFPROTO_INET;
	m->version = NFNETLINK_V0;
	return nlh;
}

static const char *const set_names[] = {
	[DP_FILTER_RX] = "rx",
	[DP_FILTER_IN] = "in",
	[DP_FILTER_TX] = "tx",
	[DP_FILTER_RX64] = "rx64",
	[DP_FILTER_IN64] = "in64",
	[DP_FILTER_TX64] = "tx64",
	[DP_FILTER_VRX64] = "vrx64",
	[DP_FILTER_VIN64] = "vin64",
	[DP_FILTER_VTX64] = "vtx64",
	[DP_FILTER_LOCAL] = "local",
};

/* One element of the list that all three set messages have; timeout_ms 0: for good. */
static void put_timed_key(struct nlmsghdr *nlh, const void *key, size_t len, uint64_t timeout_ms)
{
	struct nlattr *elem = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	struct nlattr *data = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY);

	mnl_attr_put(nlh, NFTA_DATA_VALUE, len, key);
	mnl_attr_nest_end(nlh, data);
	if (timeout_ms > 0)
		mnl_attr_put_u64(nlh, NFTA_SET_ELEM_TIMEOUT, htobe64(timeout_ms));
	mnl_attr_nest_end(nlh, elem);
}

static void put_key(struct nlmsghdr *nlh, const void *key, size_t len)
{
	put_timed_key(nlh, key, len, 0);
}

static struct nlattr *begin_list(struct nlmsghdr *nlh, const char *table, const char *set)
{
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set);
	return mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
}

/* One element more in the batch. */
static int batch_timed(struct dp_filter *f, uint16_t type, const char *set, const void *key,
		       size_t len, uint64_t timeout_ms)
{
	uint16_t flags = type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0;
	struct nlmsghdr *nlh = nl_batch_message(f->nl, type, flags);
	struct nlattr *list;
	struct nfgenmsg *m;

	if (!nlh)
		return -ENOBUFS;
	m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	m->nfgen_family = NFPROTO_INET;
	m->version = NFNETLINK_V0;
	list = begin_list(nlh, f->table, set);
	put_timed_key(nlh, key, len, timeout_ms);
	mnl_attr_nest_end(nlh, list);
	return 0;
}

static int batch_element(struct dp_filter *f, uint16_t type, const char *set, const void *key,
			 size_t len)
{
	return batch_timed(f, type, set, key, len, 0);
}

void dp_filter_gather(struct dp_filter *f)
{
	f->gathering = true;
	nl_batch_begin(f->nl, NFNL_SUBSYS_NFTABLES);
}

int dp_filter_commit(struct dp_filter *f)
{
	f->gathering = false;
	return nl_batch_commit(f->nl);
}

static void begin(struct dp_filter *f)
{
	if (!f->gathering)
		nl_batch_begin(f->nl, NFNL_SUBSYS_NFTABLES);
}

static int end(struct dp_filter *f, int err)
{
	return err < 0 || f->gathering ? err : nl_batch_commit(f->nl);
}

static int one_element(struct dp_filter *f, uint16_t type, const char *set, const void *key,
		       size_t len)
{
	begin(f);
	return end(f, batch_element(f, type, set, key, len));
}

int dp_filter_endpoint(struct dp_filter *f, const struct in6_addr *addr, bool present)
{
	return one_element(f, present ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM, "local", addr,
			   sizeof(*addr));
}

static struct key key_of(const struct in6_addr *remote, const struct in6_prefix *inner)
{
	size_t len = inner->len == DP_PREFIX ? DP_PREFIX / 8 : sizeof(inner->addr);
	struct key k = { .len = 0 };

	if (remote) {
		memcpy(k.octets, remote, sizeof(*remote));
		k.len = sizeof(*remote);
	}
	memcpy(k.octets + k.len, &inner->addr, len);
	k.len += len;
	return k;
}

/* The sets of prefixes and of visits stand beside that of addresses. */
static const char *set_of(const struct dp_binding *b, const char *addresses, const char *prefixes,
			  const char *visits)
{
	if (b->visit)
		return visits;
	return b->inner.len == DP_PREFIX ? prefixes : addresses;
}

int dp_filter_add(struct dp_filter *f, const struct dp_binding *b,
		  const struct in6_addr *remote)
{
	const struct key p = key_of(remote, &b->inner), k = key_of(NULL, &b->inner);
	int err;

	begin(f);
	err = batch_element(f, NFT_MSG_NEWSETELEM, set_of(b, "rx", "rx64", "vrx64"), p.octets, p.len);
	if (err == 0)
		err = batch_element(f, NFT_MSG_NEWSETELEM, set_of(b, "in", "in64", "vin64"), k.octets,
				    k.len);
	if (err == 0)
		err = batch_element(f, NFT_MSG_NEWSETELEM, set_of(b, "tx", "tx64", "vtx64"), k.octets,
				    k.len);
	return end(f, err);
}

int dp_filter_accept(struct dp_filter *f, const struct dp_binding *b,
		     const struct in6_addr *remote)
{
	const struct key p = key_of(remote, &b->inner);

	return one_element(f, NFT_MSG_NEWSETELEM, set_of(b, "rx", "rx64", "vrx64"), p.octets, p.len);
}

int dp_filter_refuse(struct dp_filter *f, const struct dp_binding *b,
		     const struct in6_addr *remote)
{
	const struct key p = key_of(remote, &b->inner);

	return one_element(f, NFT_MSG_DELSETELEM, set_of(b, "rx", "rx64", "vrx64"), p.octets, p.len);
}

int dp_filter_late(struct dp_filter *f, const struct dp_binding *b,
		   const struct in6_addr *remote)
{
	const struct key p = key_of(remote, &b->inner);

	begin(f);
	return end(f, batch_timed(f, NFT_MSG_NEWSETELEM, set_of(b, "late", "late64", "vlate64"),
				  p.octets, p.len, DP_GRACE_MS));
}

int dp_filter_no_longer_late(struct dp_filter *f, const struct dp_binding *b,
			     const struct in6_addr *remote)
{
	const struct key p = key_of(remote, &b->inner);

	return one_element(f, NFT_MSG_DELSETELEM, set_of(b, "late", "late64", "vlate64"), p.octets,
			   p.len);
}

int dp_filter_unverified(struct dp_filter *f, const struct in6_addr *inner, bool present)
{
	return one_element(f, present ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM, "unverified",
			   inner, sizeof(*inner));
}

/* Fields of a concatenation begin at multiples of four octets. */
int dp_filter_guard(struct dp_filter *f, const uint8_t mac[6], const struct in6_prefix *prefix,
		    bool allowed)
{
	uint8_t key[16] = { 0 };

	if (f->rules.guarded.n == 0)
		return 0;
	memcpy(key, mac, 6);
	memcpy(key + 8, &prefix->addr, DP_PREFIX / 8);
	return one_element(f, allowed ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM, "guard", key,
			   sizeof(key));
}

/* Each by itself, where one may be missing. */
int dp_filter_forget(struct dp_filter *f, const struct dp_binding *b)
{
	const struct key k = key_of(NULL, &b->inner);
	int in = one_element(f, NFT_MSG_DELSETELEM, set_of(b, "in", "in64", "vin64"), k.octets, k.len);
	int tx = one_element(f, NFT_MSG_DELSETELEM, set_of(b, "tx", "tx64", "vtx64"), k.octets, k.len);

	if (f->rules.role == DP_ROLE_MN && !f->gathering)
		(void)one_element(f, NFT_MSG_DELSETELEM, "sent", k.octets, k.len);
	return in < 0 ? in : tx;
}

/* Counter data, the same in a set element's expression and in a named counter. */
static bool take_counter(const struct nlattr *data, uint64_t *ret)
{
	const struct nlattr *tb[NFTA_COUNTER_PACKETS + 1];
	uint64_t be;

	nl_nested(data, tb, NFTA_COUNTER_PACKETS);
	if (!nl_get(tb[NFTA_COUNTER_PACKETS], &be, sizeof(be)))
		return false;
	*ret = be64toh(be);
	return true;
}

struct count {
	uint64_t packets;
	bool found;
};

static int on_element_count(const struct nlmsghdr *nlh, void *ctx)
{
	struct count *c = ctx;
	const struct nlattr *list[NFTA_SET_ELEM_LIST_ELEMENTS + 1], *one[NFTA_LIST_ELEM + 1];
	const struct nlattr *elem[NFTA_SET_ELEM_EXPR + 1], *expr[NFTA_EXPR_DATA + 1];

	nl_attrs(nlh, sizeof(struct nfgenmsg), list, NFTA_SET_ELEM_LIST_ELEMENTS);
	nl_nested(list[NFTA_SET_ELEM_LIST_ELEMENTS], one, NFTA_LIST_ELEM);
	nl_nested(one[NFTA_LIST_ELEM], elem, NFTA_SET_ELEM_EXPR);
	nl_nested(elem[NFTA_SET_ELEM_EXPR], expr, NFTA_EXPR_DATA);
	if (take_counter(expr[NFTA_EXPR_DATA], &c->packets))
		c->found = true;
	return 0;
}

static int element_count(struct dp_filter *f, const char *set, const void *key, size_t len,
			 uint64_t *ret)
{
	struct nlmsghdr *nlh = get_message(f, NFT_MSG_GETSETELEM, 0);
	struct nlattr *list = begin_list(nlh, f->table, set);
	struct count c = { 0, false };
	int err;

	put_key(nlh, key, len);
	mnl_attr_nest_end(nlh, list);
	err = nl_query(f->nl, nlh, on_element_count, &c);
	if (err < 0)
		return err;
	if (!c.found)
		return -ENOENT;
	*ret = c.packets;
	return 0;
}

int dp_filter_in(struct dp_filter *f, const struct dp_binding *b, uint64_t *ret)
{
	const struct key k = key_of(NULL, &b->inner);

	return element_count(f, set_of(b, "in", "in64", "vin64"), k.octets, k.len, ret);
}

int dp_filter_tx(struct dp_filter *f, const struct dp_binding *b, uint64_t *ret)
{
	const struct key k = key_of(NULL, &b->inner);

	return element_count(f, set_of(b, "tx", "tx64", "vtx64"), k.octets, k.len, ret);
}

static int on_nothing(const struct nlmsghdr *nlh, void *ctx)
{
	(void)nlh;
	(void)ctx;
	return 0;
}

static bool is_pairs(enum dp_filter_set set)
{
	return set == DP_FILTER_RX || set == DP_FILTER_RX64 || set == DP_FILTER_VRX64;
}

int dp_filter_has(struct dp_filter *f, enum dp_filter_set set,
		  const struct dp_binding *const *bindings, unsigned int n)
{
	struct nlmsghdr *nlh = get_message(f, NFT_MSG_GETSETELEM, 0);
	struct nlattr *list = begin_list(nlh, f->table, set_names[set]);

	for (unsigned int i = 0; i < n; i++) {
		const struct dp_binding *b = bindings[i];
		const struct key k = key_of(is_pairs(set) ? &b->remote : NULL, &b->inner);

		put_key(nlh, k.octets, k.len);
	}
	mnl_attr_nest_end(nlh, list);
	return nl_query(f->nl, nlh, on_nothing, NULL);	/* the first that is not there ends it */
}

static int on_set(const struct nlmsghdr *nlh, void *ctx)
{
	const struct nlattr *tb[SET_ATTR_COUNT + 1];
	uint32_t be;

	nl_attrs(nlh, sizeof(struct nfgenmsg), tb, SET_ATTR_COUNT);
	if (nl_get(tb[SET_ATTR_COUNT], &be, sizeof(be)))
		*(int *)ctx = (int)ntohl(be);
	return 0;
}

int dp_filter_count(struct dp_filter *f, enum dp_filter_set set)
{
	struct nlmsghdr *nlh = get_message(f, NFT_MSG_GETSET, 0);
	int n = -EOPNOTSUPP, err;

	mnl_attr_put_strz(nlh, NFTA_SET_TABLE, f->table);
	mnl_attr_put_strz(nlh, NFTA_SET_NAME, set_names[set]);
	err = nl_query(f->nl, nlh, on_set, &n);
	return err < 0 ? err : n;
}

static int on_object(const struct nlmsghdr *nlh, void *ctx)
{
	struct count *c = ctx;
	const struct nlattr *tb[NFTA_OBJ_DATA + 1];

	nl_attrs(nlh, sizeof(struct nfgenmsg), tb, NFTA_OBJ_DATA);
	if (take_counter(tb[NFTA_OBJ_DATA], &c->packets))
		c->found = true;
	return 0;
}

static int named_count(struct dp_filter *f, const char *name, uint64_t *ret)
{
	struct nlmsghdr *nlh = get_message(f, NFT_MSG_GETOBJ, 0);
	struct count c = { 0, false };
	int err;

	mnl_attr_put_strz(nlh, NFTA_OBJ_TABLE, f->table);
	mnl_attr_put_strz(nlh, NFTA_OBJ_NAME, name);
	mnl_attr_put_u32(nlh, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	err = nl_query(f->nl, nlh, on_object, &c);
	if (err < 0)
		return err;
	if (!c.found)
		return -ENOENT;
	*ret = c.packets;
	return 0;
}

static int all_drops(struct dp_filter *f, struct dp_drops *ret)
{
	struct dp_drops d = { 0 };
	int err = named_count(f, "spoofed", &d.forged);

	if (err == 0)
		err = named_count(f, "congestion", &d.congestion);
	if (err == 0)
		err = named_count(f, "errors", &d.errors);
	if (err == 0 && f->rules.role == DP_ROLE_HA)
		err = named_count(f, "credit", &d.credit);
	if (err == 0 && f->rules.guarded.n > 0)
		err = named_count(f, "foreign", &d.foreign);
	if (err == 0 && f->port_rules > 0) {
		err = named_count(f, "port_strangers", &d.port_strangers);
		if (err == 0)
			err = named_count(f, "port_limited", &d.port_limited);
	}
	if (err == 0)
		*ret = d;
	return err;
}

int dp_filter_drops(struct dp_filter *f, struct dp_drops *ret)
{
	struct dp_drops now, *old = &f->before;
	int err = all_drops(f, &now);

	if (err < 0)
		return err;
	if (now.forged < old->forged || now.congestion < old->congestion ||
	    now.errors < old->errors || now.credit < old->credit || now.foreign < old->foreign ||
	    now.port_strangers < old->port_strangers ||
	    now.port_limited < old->port_limited)
		*old = (struct dp_drops){ 0 };	/* the table was made anew */
	now.forged -= old->forged;
	now.congestion -= old->congestion;
	now.errors -= old->errors;
	now.credit -= old->credit;
	now.foreign -= old->foreign;
	now.port_strangers -= old->port_strangers;
	now.port_limited -= old->port_limited;
	*ret = now;
	return 0;
}

struct set_dump {
	void (*take)(const struct set_dump *d, const struct nlattr *attr);
	void (*fn)(void *ctx, enum dp_filter_set set, const struct dp_binding *b);
	void (*sent)(void *ctx, const struct in6_addr *from, uint64_t ms_ago);
	void *ctx;
	enum dp_filter_set set;
};

static void take_element(const struct set_dump *d, const struct nlattr *attr)
{
	const struct nlattr *elem[NFTA_SET_ELEM_KEY + 1], *data[NFTA_DATA_VALUE + 1];
	bool whole = d->set >= DP_FILTER_RX64 && d->set <= DP_FILTER_VTX64;
	struct dp_binding b = {
		.inner.len = whole ? DP_PREFIX : 128, .visit = d->set >= DP_FILTER_VRX64 &&
		d->set <= DP_FILTER_VTX64,
	};
	size_t len = b.inner.len / 8, at = 0;
	uint8_t octets[2 * sizeof(b.remote)];

	if (d->set == DP_FILTER_LOCAL)
		len = 0;
	if (d->set == DP_FILTER_LOCAL || is_pairs(d->set))
		at = sizeof(b.remote);
	nl_nested(attr, elem, NFTA_SET_ELEM_KEY);
	nl_nested(elem[NFTA_SET_ELEM_KEY], data, NFTA_DATA_VALUE);
	if (!nl_get(data[NFTA_DATA_VALUE], octets, at + len))
		return;
	memcpy(&b.remote, octets, at);
	memcpy(&b.inner.addr, octets + at, len);
	d->fn(d->ctx, d->set, &b);
}

/* What is left of the time that an element is remembered says when it was made anew. */
static void take_sender(const struct set_dump *d, const struct nlattr *attr)
{
	const uint64_t all = (uint64_t)DP_SENT_SECONDS * 1000;
	const struct nlattr *elem[NFTA_SET_ELEM_EXPIRATION + 1], *data[NFTA_DATA_VALUE + 1];
	struct in6_addr addr;
	uint64_t left;

	nl_nested(attr, elem, NFTA_SET_ELEM_EXPIRATION);
	nl_nested(elem[NFTA_SET_ELEM_KEY], data, NFTA_DATA_VALUE);
	if (!nl_get(data[NFTA_DATA_VALUE], &addr, sizeof(addr)) ||
	    !nl_get(elem[NFTA_SET_ELEM_EXPIRATION], &left, sizeof(left)))
		return;
	left = be64toh(left);
	d->sent(d->ctx, &addr, left < all ? all - left : 0);
}

static int on_elements(const struct nlmsghdr *nlh, void *ctx)
{
	const struct set_dump *d = ctx;
	const struct nlattr *list[NFTA_SET_ELEM_LIST_ELEMENTS + 1];
	const uint8_t *at;
	size_t left;

	nl_attrs(nlh, sizeof(struct nfgenmsg), list, NFTA_SET_ELEM_LIST_ELEMENTS);
	if (!list[NFTA_SET_ELEM_LIST_ELEMENTS])
		return 0;
	at = mnl_attr_get_payload(list[NFTA_SET_ELEM_LIST_ELEMENTS]);
	left = mnl_attr_get_payload_len(list[NFTA_SET_ELEM_LIST_ELEMENTS]);
	while (left >= sizeof(struct nlattr)) {
		const struct nlattr *a = (const void *)at;
		size_t step = (a->nla_len + 3U) & ~3U;

		if (a->nla_len < sizeof(*a) || a->nla_len > left)
			break;
		d->take(d, a);
		if (step >= left)
			break;
		at += step;
		left -= step;
	}
	return 0;
}

static int dump_set(struct dp_filter *f, const char *name, struct set_dump *d)
{
	struct nlmsghdr *nlh = get_message(f, NFT_MSG_GETSETELEM, NLM_F_DUMP);

	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, f->table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, name);
	return nl_query(f->nl, nlh, on_elements, d);
}

int dp_filter_sent(struct dp_filter *f, void (*fn)(void *ctx, const struct in6_addr *from,
						   uint64_t ms_ago), void *ctx)
{
	struct set_dump d = { .take = take_sender, .sent = fn, .ctx = ctx };

	return dump_set(f, "sent", &d);
}

int dp_filter_dump(struct dp_filter *f, enum dp_filter_set from,
		   void (*fn)(void *ctx, enum dp_filter_set set, const struct dp_binding *b),
		   void *ctx)
{
	struct set_dump d = { .take = take_element, .fn = fn, .ctx = ctx };
	int err = 0;

	for (int set = (int)from; set <= (int)DP_FILTER_LOCAL && err == 0; set++) {
		if (f->rules.role == DP_ROLE_MN && set >= (int)DP_FILTER_RX64 &&
		    set <= (int)DP_FILTER_VTX64)
			continue;
		if (!f->rules.visits && set >= (int)DP_FILTER_VRX64 && set <= (int)DP_FILTER_VTX64)
			continue;
		d.set = (enum dp_filter_set)set;
		err = dump_set(f, set_names[set], &d);
	}
	return err;
}

struct rules { unsigned int n, n_flows; };

/* Those of chains of flows come and go; the others do not. */
static int on_rule(const struct nlmsghdr *nlh, void *ctx)
{
	const struct nlattr *tb[NFTA_RULE_CHAIN + 1];
	struct rules *r = ctx;

	nl_attrs(nlh, sizeof(struct nfgenmsg), tb, NFTA_RULE_CHAIN);
	if (tb[NFTA_RULE_CHAIN] &&
	    strncmp(mnl_attr_get_str(tb[NFTA_RULE_CHAIN]), DP_FLOWS_CHAIN,
		    strlen(DP_FLOWS_CHAIN)) == 0)
		r->n_flows++;
	else
		r->n++;
	return 0;
}

static int count_rules(struct dp_filter *f, struct rules *ret)
{
	struct nlmsghdr *nlh = get_message(f, NFT_MSG_GETRULE, NLM_F_DUMP);

	*ret = (struct rules){ 0 };
	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, f->table);
	return nl_query(f->nl, nlh, on_rule, ret);
}

int dp_filter_flow_rules(struct dp_filter *f)
{
	struct rules r;
	int err = count_rules(f, &r);

	return err < 0 ? err : (int)r.n_flows;
}

int dp_filter_steer(struct dp_filter *f, const struct dp_steer *s)
{
	char text[DP_FLOWS_ROOM];
	unsigned int n;
	int err = dp_flows_text(f->table, s, text, sizeof(text), &n);

	if (err == 0)
		err = run(text, false, NULL, 0);
	/* In a transaction of its own: libnftables 1.0.6 does not know the chain in that one. */
	if (err == 0)
		err = dp_flows_enter(f->table, &s->inner, text, sizeof(text));
	return err < 0 ? err : run(text, false, NULL, 0);
}

int dp_filter_unsteer(struct dp_filter *f, const struct in6_prefix *inner)
{
	char text[DP_FLOWS_ROOM];
	int err = dp_flows_leave(f->table, inner, text, sizeof(text));

	if (err == 0)
		err = run(text, false, NULL, 0);
	if (err == 0)
		err = dp_flows_drop(f->table, inner, text, sizeof(text));
	return err < 0 ? err : run(text, false, NULL, 0);
}

int dp_filter_path(struct dp_filter *f, const struct in6_prefix *inner, unsigned int path,
		   uint64_t *ret_packets)
{
	return named_count(f, dp_flows_counter(inner, path).s, ret_packets);
}

/* Tunnels that come out by no device have the same outer source, all of them. */
static bool one_source(const struct dp_filter *f)
{
	return !f->rules.device && f->n_homes > 1;
}

static unsigned int rules_of_homes(const struct dp_filter *f)
{
	return one_source(f) ? 2 * f->n_homes + f->rules.visits : f->n_homes;
}

/* Sets cannot go without the rules that name them: the rules are what to count. */
static bool complete(struct dp_filter *f)
{
	char text[DP_RULESET_ROOM];
	unsigned int wanted;
	struct rules r;

	return dp_ruleset_text(&f->rules, text, sizeof(text), &wanted) == 0 &&
	       count_rules(f, &r) == 0 && r.n == wanted + rules_of_homes(f) + f->port_rules;
}

/* A table of that name and another shape is not ours to keep. */
static int make(const struct dp_ruleset *r)
{
	char text[64];

	if (build(r, false, NULL, 0) == 0)
		return 0;
	(void)snprintf(text, sizeof(text), "delete table inet %s\n", dp_ruleset_table(r->role));
	(void)run(text, false, NULL, 0);
	return build(r, false, NULL, 0);
}

static int put_homes(const struct dp_filter *f)
{
	char text[DP_RULESET_ROOM];
	int err = dp_ruleset_homes(f->homes, f->n_homes, one_source(f), f->rules.visits,
				   text, sizeof(text));

	return err < 0 ? err : run(text, false, NULL, 0);
}

int dp_filter_homes(struct dp_filter *f, const struct dp_home *homes, unsigned int n)
{
	if (f->rules.role != DP_ROLE_HA || n > DP_HOMES)
		return -EINVAL;
	memcpy(f->homes, homes, n * sizeof(*homes));
	f->n_homes = n;
	return put_homes(f);
}

static int put_port(struct dp_filter *f)
{
	char text[DP_PORT_ROOM];
	unsigned int n;
	int err = dp_port_text(f->table, &f->port, f->homes, f->n_homes, text, sizeof(text), &n);

	if (err == 0)
		err = run(text, false, NULL, 0);
	f->port_rules = err == 0 ? n : 0;
	return err;
}

int dp_filter_port(struct dp_filter *f, const struct dp_port *p)
{
	int err;

	if (f->rules.role != DP_ROLE_HA || p->n_access == 0 || f->n_homes == 0)
		return -EINVAL;
	f->port = *p;
	err = put_port(f);
	return err == 0 ? all_drops(f, &f->before) : err;
}

bool dp_filter_is_home(const struct dp_filter *f, const struct in6_addr *addr)
{
	for (unsigned int i = 0; i < f->n_homes; i++)
		if (in6_eq(&f->homes[i].address, addr))
			return true;
	return false;
}

int dp_filter_repair(struct dp_filter *f)
{
	int err;

	if (complete(f))
		return 0;
	err = make(&f->rules);
	if (err == 0 && f->n_homes > 0)
		err = put_homes(f);
	if (err == 0 && f->port_rules > 0)
		err = put_port(f);
	return err < 0 ? err : 1;
}

int dp_filter_open(const struct dp_ruleset *r, struct dp_filter **ret)
{
	struct dp_filter *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	f->rules = *r;
	f->table = dp_ruleset_table(r->role);
	err = nl_open(NETLINK_NETFILTER, &f->nl);
	if (err == 0)
		err = make(r);
	if (err == 0)
		err = all_drops(f, &f->before);
	if (err < 0) {
		dp_filter_close(f, true);
		return err;
	}
	*ret = f;
	return 0;
}

static int on_table(const struct nlmsghdr *nlh, void *ctx)
{
	(void)nlh;
	*(bool *)ctx = true;
	return 0;
}

/* By message, not by libnftables: it would read every element first. */
static int remove_table(struct nl *nl, const char *table)
{
	struct nlmsghdr *nlh = nl_message(nl, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, 0);
	struct nfgenmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	bool there = false;
	int err;

	m->nfgen_family = NFPROTO_INET;
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, table);
	err = nl_query(nl, nlh, on_table, &there);
	if (err < 0 || !there)
		return err == -ENOENT ? 0 : err;
	nl_batch_begin(nl, NFNL_SUBSYS_NFTABLES);
	nlh = nl_batch_message(nl, NFT_MSG_DELTABLE, 0);
	m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	m->nfgen_family = NFPROTO_INET;
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, table);
	err = nl_batch_commit(nl);
	return err < 0 ? err : 1;
}

void dp_filter_close(struct dp_filter *f, bool keep)
{
	if (!f)
		return;
	if (!keep)
		(void)remove_table(f->nl, f->table);
	nl_free(f->nl);
	free(f);
}

int dp_filter_remove_all(void)
{
	struct nl *nl;
	int err = nl_open(NETLINK_NETFILTER, &nl), n = 0;

	if (err < 0)
		return err;
	for (int role = DP_ROLE_MN; role <= (int)DP_ROLE_HA && err >= 0; role++) {
		err = remove_table(nl, dp_ruleset_table((enum dp_role)role));
		if (err > 0)
			n += err;
	}
	nl_free(nl);
	return err < 0 ? err : n;
}
