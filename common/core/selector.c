/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traffic selectors as values: what of RFC 6088 3.2 can be asked of every packet by itself. Owns
 * nothing; called by the configuration, steer.c and the data path.
 */
#include "common/core/selector.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct { const char *name; uint8_t number; bool ports; } protocols[] = {
	{ "tcp", 6, true }, { "udp", 17, true }, { "icmp6", 58, false }, { "esp", 50, false },
	{ "dccp", 33, true }, { "sctp", 132, true }, { "udplite", 136, true },
};
#define N_PROTOCOLS	(sizeof(protocols) / sizeof(protocols[0]))

static bool has_ports(uint8_t protocol)
{
	for (size_t i = 0; i < N_PROTOCOLS; i++)
		if (protocols[i].number == protocol)
			return protocols[i].ports;
	return protocol == 0;
}

uint8_t selector_protocol(const char *word)
{
	unsigned long n;
	char *end;

	for (size_t i = 0; i < N_PROTOCOLS; i++)
		if (strcmp(protocols[i].name, word) == 0)
			return protocols[i].number;
	if (word[0] < '0' || word[0] > '9')
		return 0;
	n = strtoul(word, &end, 10);
	return *end == '\0' && n <= UINT8_MAX ? (uint8_t)n : 0;
}

static bool ports_right(const struct selector_ports *p)
{
	return p->last == 0 ? p->first == 0 : p->first <= p->last && p->first > 0;
}

int selector_check(const struct selector *s)
{
	bool ports = s->local_port.last != 0 || s->remote_port.last != 0;

	if (!ports_right(&s->local_port) || !ports_right(&s->remote_port) ||
	    (ports && !has_ports(s->protocol)) || s->local.len > 128 || s->remote.len > 128)
		return -EINVAL;
	return s->has_dscp && s->dscp > 63 ? -EINVAL : 0;
}

static bool ports_eq(const struct selector_ports *a, const struct selector_ports *b)
{
	return a->first == b->first && a->last == b->last;
}

bool selector_eq(const struct selector *a, const struct selector *b)
{
	return in6_prefix_eq(&a->local, &b->local) && in6_prefix_eq(&a->remote, &b->remote) &&
	       ports_eq(&a->local_port, &b->local_port) &&
	       ports_eq(&a->remote_port, &b->remote_port) && a->protocol == b->protocol &&
	       a->has_dscp == b->has_dscp && a->dscp == b->dscp;
}

static void put(struct selector_text *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void put(struct selector_text *t, const char *fmt, ...)
{
	size_t len = strlen(t->s);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(t->s + len, sizeof(t->s) - len, fmt, ap);
	va_end(ap);
}

static void put_ports(struct selector_text *t, const char *what, const struct selector_ports *p)
{
	if (p->last == 0)
		return;
	put(t, "%s %u", what, p->first);
	if (p->last != p->first)
		put(t, "-%u", p->last);
}

static const char *comma(const struct selector_text *t)
{
	return t->s[0] != '\0' ? ", " : "";
}

struct selector_text selector_str(const struct selector *s)
{
	struct selector_text t = { .s = "" };
	const char *name = NULL;

	for (size_t i = 0; i < N_PROTOCOLS; i++)
		if (protocols[i].number == s->protocol)
			name = protocols[i].name;
	if (name)
		put(&t, "protocol %s", name);
	else if (s->protocol != 0)
		put(&t, "protocol %u", s->protocol);
	if (s->local_port.last != 0)
		put_ports(&t, t.s[0] ? ", local-port" : "local-port", &s->local_port);
	if (s->remote_port.last != 0)
		put_ports(&t, t.s[0] ? ", remote-port" : "remote-port", &s->remote_port);
	if (s->local.len > 0)
		put(&t, "%slocal %s", comma(&t), in6_prefix_str(&s->local).s);
	if (s->remote.len > 0)
		put(&t, "%sremote %s", comma(&t), in6_prefix_str(&s->remote).s);
	if (s->has_dscp)
		put(&t, "%sdscp %u", comma(&t), s->dscp);
	if (t.s[0] == '\0')
		put(&t, "all");
	return t;
}

struct selector_text selector_nft(const struct selector *s, bool down)
{
	const struct selector_ports *from = down ? &s->remote_port : &s->local_port;
	const struct selector_ports *to = down ? &s->local_port : &s->remote_port;
	const struct in6_prefix *src = down ? &s->remote : &s->local;
	const struct in6_prefix *dst = down ? &s->local : &s->remote;
	struct selector_text t = { .s = "meta nfproto ipv6 " };

	if (src->len > 0)
		put(&t, "ip6 saddr %s ", in6_prefix_str(src).s);
	if (dst->len > 0)
		put(&t, "ip6 daddr %s ", in6_prefix_str(dst).s);
	if (s->has_dscp)
		put(&t, "ip6 dscp %u ", s->dscp);
	if (s->protocol != 0)
		put(&t, "meta l4proto %u ", s->protocol);
	else if (from->last != 0 || to->last != 0)
		put(&t, "meta l4proto { 6, 17 } ");
	if (from->last != 0) {
		put_ports(&t, "th sport", from);
		put(&t, " ");
	}
	if (to->last != 0) {
		put_ports(&t, "th dport", to);
		put(&t, " ");
	}
	return t;
}

bool selector_read_ports(const char *text, struct selector_ports *ret)
{
	unsigned long first, last;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	first = last = strtoul(text, &end, 10);
	if (*end == '-' && end[1] >= '0' && end[1] <= '9')
		last = strtoul(end + 1, &end, 10);
	if (*end != '\0' || first == 0 || last > UINT16_MAX || first > last)
		return false;
	*ret = (struct selector_ports){ (uint16_t)first, (uint16_t)last };
	return true;
}
