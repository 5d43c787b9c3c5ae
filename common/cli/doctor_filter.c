/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dmip6ctl doctor: what the packet filters of this machine do to what the daemons need:
 * protocol 135 (Mobility Header), protocol 41 (tunnel packets), and packets that come out of
 * a tunnel. Reads the rule set of nftables as text, which is also what firewalld, ufw and
 * iptables-nft write; the legacy tables of ip6_tables are only named.
 */
#include <ctype.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cli/doctor_private.h"
#include "common/datapath/datapath.h"
#include "common/sys/file.h"

#define CLOSED_MAX	8

struct scan {
	struct doctor *d;
	char table[128];		/* "" outside of any */
	char hook[16];			/* of the chain, "" where it has none */
	bool exempt;			/* what comes from our devices has passed in this chain */
	bool passes_41, passes_135;	/* somewhere in this table */
	unsigned int n_closed;		/* chains of it that drop what they do not know */
	char closed[CLOSED_MAX][16];
	unsigned int found;
};

static void finding(struct scan *s, const char *follows, const char *what)
{
	s->found++;
	doctor_add(s->d, "packet filter", RESULT_WARN, follows, "table %s: %s", s->table, what);
}

/* Does the line, a match by protocol, name this one? */
static bool names_protocol(const char *line, const char *number)
{
	size_t n = strlen(number);

	if (!strstr(line, "l4proto ") && !strstr(line, "nexthdr "))
		return false;
	for (const char *p = strstr(line, number); p; p = strstr(p + 1, number))
		if (!isalnum((unsigned char)p[-1]) && !isalnum((unsigned char)p[n]))
			return true;
	return false;
}

static bool drops(const char *line)
{
	return strstr(line, "drop") || strstr(line, "reject");
}

/* The last rule of a chain that lets nothing else pass. */
static bool drops_all(const char *line)
{
	return strncmp(line, "drop", 4) == 0 || strncmp(line, "reject", 6) == 0;
}

static void close_chain(struct scan *s)
{
	if (!s->hook[0] || strcmp(s->hook, "prerouting") == 0 || s->n_closed == CLOSED_MAX)
		return;
	for (unsigned int n = 0; n < s->n_closed; n++)
		if (strcmp(s->closed[n], s->hook) == 0)
			return;
	memcpy(s->closed[s->n_closed++], s->hook, sizeof(s->hook));
}

static void base_chain(struct scan *s, const char *line)
{
	const char *hook = strstr(line, " hook ") + 6;

	(void)snprintf(s->hook, sizeof(s->hook), "%.*s", (int)strcspn(hook, " "), hook);
	if (strstr(line, "policy drop"))
		close_chain(s);
}

/* A line such as "fib saddr . mark . iif oif missing drop": is the way back to the sender
 * by the device it came from? It is not, for what comes out of a tunnel. */
static bool is_reverse_path(const char *line)
{
	const char *fib = strstr(line, "fib saddr"), *oif = fib ? strstr(fib, " oif") : NULL;
	const char *iif = fib ? strstr(fib, ". iif") : NULL;

	return oif && iif && iif < oif && drops(oif);
}

static void reverse_path(struct scan *s, const char *line)
{
	if (s->exempt)
		return;
	if (strstr(s->table, "firewalld"))
		finding(s, "It drops what comes out of a tunnel. Set IPv6_rpfilter=loose in "
			"/etc/firewalld/firewalld.conf, then firewall-cmd --reload.", line);
	else
		finding(s, "It drops what comes out of a tunnel, since the way back to the sender is "
			"another interface: let iifname \"dmip6*\" pass before it, or leave \"iif\" "
			"out of it.", line);
}

static void rule(struct scan *s, const char *line)
{
	if (strstr(line, "iifname \"dmip6") && strstr(line, "accept"))
		s->exempt = true;
	if (is_reverse_path(line)) {
		reverse_path(s, line);
	} else if (drops_all(line)) {
		close_chain(s);
	} else if (drops(line)) {
		if (names_protocol(line, "135"))
			finding(s, "No registration passes: let protocol 135 pass.", line);
		if (names_protocol(line, "41"))
			finding(s, "No tunnel packet passes: let protocol 41 pass.", line);
	} else if (strstr(line, "accept")) {
		s->passes_41 |= names_protocol(line, "41");
		s->passes_135 |= names_protocol(line, "135");
	}
}

static void end_table(struct scan *s)
{
	char what[128];

	for (unsigned int n = 0; n < s->n_closed && !(s->passes_41 && s->passes_135); n++) {
		(void)snprintf(what, sizeof(what), "%s drops what it does not know, and accepts no "
			       "%s%s%s", s->closed[n], s->passes_135 ? "" : "protocol 135",
			       s->passes_135 || s->passes_41 ? "" : " and no ",
			       s->passes_41 ? "" : "protocol 41");
		finding(s, "What a home agent or a mobile node begins may not get through: accept "
			"protocols 135 (signalling) and 41 (tunnels).", what);
	}
	s->table[0] = '\0';
	s->n_closed = 0;
	s->passes_41 = s->passes_135 = false;
}

static void scan_line(struct scan *s, char *line)
{
	size_t depth = strspn(line, "\t");

	line += depth;
	if (strncmp(line, "table ", 6) == 0)
		(void)snprintf(s->table, sizeof(s->table), "%.*s", (int)strcspn(line + 6, "{") - 1,
			       line + 6);
	else if (!s->table[0] || strstr(s->table, DP_FILTER_MN) || strstr(s->table, DP_FILTER_HA))
		return;
	else if (depth == 0)
		end_table(s);
	else if (strncmp(line, "chain ", 6) == 0) {
		s->hook[0] = '\0';
		s->exempt = false;
	} else if (strncmp(line, "type ", 5) == 0 && strstr(line, " hook "))
		base_chain(s, line);
	else
		rule(s, line);
}

static void scan_ruleset(struct doctor *d, char *text)
{
	struct scan s = { .d = d };
	char *save = NULL;

	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		scan_line(&s, l);
	if (!s.found)
		doctor_add(d, "packet filter", RESULT_OK, "",
			   "nothing in nftables stops tunnels or registrations");
}

/* ip6tables of before nf_tables: their rules are not looked at. */
static void legacy_tables(struct doctor *d)
{
	char *text;
	size_t len;

	if (file_read("/proc/net/ip6_tables_names", DOCTOR_FILE_MAX, &text, &len) < 0)
		return;
	if (len > 0)
		doctor_add(d, "packet filter", RESULT_WARN, "Look whether protocols 41 and 135 pass "
			   "(ip6tables-legacy -L), and that there is no rpfilter match.",
			   "there are rules of ip6_tables, which doctor does not read");
	free(text);
}

void doctor_filter(struct doctor *d)
{
	struct nft_ctx *nft;
	char *text;

	if (!d->privileged) {	/* the library would write to stderr */
		doctor_add(d, "packet filter", RESULT_WARN, "Run doctor as root to know.",
			   "the rule set is not shown to this user");
		return;
	}
	nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!nft)
		return;
	nft_ctx_buffer_output(nft);
	nft_ctx_buffer_error(nft);
	nft_ctx_output_set_flags(nft, NFT_CTX_OUTPUT_STATELESS | NFT_CTX_OUTPUT_NUMERIC_PROTO);
	if (nft_run_cmd_from_buffer(nft, "list ruleset") != 0) {
		doctor_add(d, "packet filter", RESULT_FAIL, "The daemons need nftables to check the "
			   "sources of tunnelled packets.", "the rule set cannot be read");
	} else {
		const char *out = nft_ctx_get_output_buffer(nft);

		text = strdup(out ? out : "");
		if (text)
			scan_ruleset(d, text);
		free(text);
	}
	nft_ctx_free(nft);
	legacy_tables(d);
}
