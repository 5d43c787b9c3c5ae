/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text for people: tables whose columns are rows of tables here. Owns nothing; called by
 * the commands. What a daemon leaves out is shown as "-".
 */
#include "common/cli/show.h"

#include <stdbool.h>
#include <string.h>

#define CELL_MAX	80
#define COLUMNS_MAX	8
#define LINE_WIDTH	80
#define INDENT		6

enum kind { KIND_TEXT, KIND_NUMBER, KIND_SECONDS, KIND_YESNO, KIND_ENDPOINT };

struct column {
	const char *head;
	const char *key;	/* KIND_ENDPOINT: the address; its port is KEY_port */
	enum kind kind;
};

struct cell { char s[CELL_MAX]; };

/* ------------------------------------------------------------------ cells */

/* 598 -> "9m58s": the two largest units. */
static void format_seconds(char *s, size_t len, json_int_t t)
{
	static const struct { char name; json_int_t seconds; } unit[] = {
		{ 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 },
	};
	size_t i = 0;

	while (i < 3 && t < unit[i].seconds)
		i++;
	if (i == 3)
		snprintf(s, len, "%llds", (long long)t);
	else
		snprintf(s, len, "%lld%c%02lld%c", (long long)(t / unit[i].seconds), unit[i].name,
			 (long long)(t % unit[i].seconds / unit[i + 1].seconds), unit[i + 1].name);
}

static void format_endpoint(char *s, size_t len, const json_t *row, const char *key)
{
	const char *addr = json_string_value(json_object_get(row, key));
	char port_key[32];

	snprintf(port_key, sizeof(port_key), "%s_port", key);
	if (!addr || strcmp(addr, "::") == 0)
		snprintf(s, len, "*");
	else
		snprintf(s, len, "[%s]:%lld", addr,
			 (long long)json_integer_value(json_object_get(row, port_key)));
}

static struct cell printable(struct cell c)
{
	for (char *p = c.s; *p; p++) {
		unsigned char ch = (unsigned char)*p;

		if (ch < 0x20 || ch == 0x7f)
			*p = '?';
	}
	return c;
}

static struct cell cell(const json_t *row, const struct column *col)
{
	const json_t *v = json_object_get(row, col->key);
	struct cell c = { "-" };

	switch (col->kind) {
	case KIND_TEXT:
		if (json_string_length(v) > 0)
			snprintf(c.s, sizeof(c.s), "%s", json_string_value(v));
		break;
	case KIND_NUMBER:
		if (json_is_integer(v))
			snprintf(c.s, sizeof(c.s), "%lld", (long long)json_integer_value(v));
		break;
	case KIND_SECONDS:
		if (json_integer_value(v) > 0)
			format_seconds(c.s, sizeof(c.s), json_integer_value(v));
		break;
	case KIND_YESNO:
		if (json_is_boolean(v))
			snprintf(c.s, sizeof(c.s), "%s", json_is_true(v) ? "yes" : "no");
		break;
	case KIND_ENDPOINT:
		format_endpoint(c.s, sizeof(c.s), row, col->key);
		break;
	}
	return printable(c);
}

/* ------------------------------------------------------------------ tables */

static void print_cell(FILE *out, const struct column *col, const char *s, size_t width, bool last)
{
	bool right = col->kind == KIND_NUMBER || col->kind == KIND_SECONDS;

	if (right)
		fprintf(out, "%*s", (int)width, s);
	else if (last)
		fputs(s, out);
	else
		fprintf(out, "%-*s", (int)width, s);
	fputs(last ? "\n" : "  ", out);
}

/* Rows of an array of objects under their heads; detail may add a line to each. */
static void print_table(FILE *out, const json_t *rows, const struct column *cols, size_t n,
			void (*detail)(FILE *out, const json_t *row))
{
	size_t width[COLUMNS_MAX] = { 0 }, i;
	const json_t *row;

	for (size_t k = 0; k < n; k++)
		width[k] = strlen(cols[k].head);
	json_array_foreach(rows, i, row) {
		for (size_t k = 0; k < n; k++) {
			size_t len = strlen(cell(row, &cols[k]).s);

			if (len > width[k])
				width[k] = len;
		}
	}
	fputc('\n', out);
	for (size_t k = 0; k < n; k++)
		print_cell(out, &cols[k], cols[k].head, width[k], k + 1 == n);
	json_array_foreach(rows, i, row) {
		for (size_t k = 0; k < n; k++)
			print_cell(out, &cols[k], cell(row, &cols[k]).s, width[k], k + 1 == n);
		if (detail)
			detail(out, row);
	}
}

#define TABLE(out, rows, cols, detail) \
	print_table(out, rows, cols, sizeof(cols) / sizeof((cols)[0]), detail)

static bool is_sha1(const json_t *row)
{
	const char *algorithm = json_string_value(json_object_get(row, "algorithm"));

	return algorithm && strcmp(algorithm, "hmac-sha1-96") == 0;
}

/* Of a mobile node's anchor: how it came by its key, unless that is configured. */
static void print_key(FILE *out, const json_t *key)
{
	static const struct column left = { "", "remaining_s", KIND_SECONDS };
	static const struct column why = { "", "reason", KIND_TEXT };
	const char *mode = json_string_value(json_object_get(key, "mode"));
	const char *reason = json_string_value(json_object_get(key, "reason"));

	if (!key || (mode && strcmp(mode, "configured") == 0))
		return;
	if (mode)
		fprintf(out, "  key: %s, for %s\n", mode, cell(key, &left).s);
	else if (json_is_true(json_object_get(key, "asking")))
		fputs("  no key yet: it is asked for\n", out);
	else if (reason && *reason)
		fprintf(out, "  no key: %s\n", cell(key, &why).s);
}

/* The two addresses of a binding are too long for a column each. */
static void print_addresses(FILE *out, const json_t *row)
{
	static const struct column hoa = { "", "hoa", KIND_TEXT }, coa = { "", "coa", KIND_TEXT };
	static const struct column name = { "", "name", KIND_TEXT };
	static const struct column reason = { "", "reason", KIND_TEXT };
	const char *why = json_string_value(json_object_get(row, "reason"));

	fputs("  ", out);
	if (json_is_string(json_object_get(row, "name")))
		fprintf(out, "%s: ", cell(row, &name).s);
	fputs(cell(row, &hoa).s, out);
	if (json_is_string(json_object_get(row, "coa")))
		fprintf(out, " at %s", cell(row, &coa).s);
	fputc('\n', out);
	if (why && *why)
		fprintf(out, "  %s\n", cell(row, &reason).s);
	print_key(out, json_object_get(row, "key"));
	if (is_sha1(row))
		fputs("  WARNING: authenticated by HMAC-SHA1-96\n", out);
}

/* ------------------------------------------------------------------ status */

static const struct column attachment_columns[] = {
	{ "INTERFACE", "interface", KIND_TEXT },
	{ "ADDRESS", "coa", KIND_TEXT },
	{ "ROUTER", "router", KIND_TEXT },
	{ "HOME AGENT", "ha", KIND_TEXT },
};

static const struct column interface_columns[] = {
	{ "INTERFACE", "interface", KIND_TEXT },
	{ "KIND", "kind", KIND_TEXT },
	{ "STATE", "state", KIND_TEXT },
	{ "ORDER", "order", KIND_NUMBER },
	{ "METERED", "metered", KIND_YESNO },
	{ "CHOSEN", "chosen", KIND_YESNO },
	{ "CURRENT", "current", KIND_YESNO },
};

static const struct column anchor_columns[] = {
	{ "ANCHOR", "prefix", KIND_TEXT },
	{ "HOME AGENT", "ha", KIND_TEXT },
	{ "STATE", "state", KIND_TEXT },
	{ "FLOWS", "flows", KIND_NUMBER },
	{ "LEFT", "remaining_s", KIND_SECONDS },
	{ "OUT", "tx_packets", KIND_NUMBER },
	{ "IN", "rx_packets", KIND_NUMBER },
};

static const struct column binding_columns[] = {
	{ "BINDING", "prefix", KIND_TEXT },
	{ "MN", "mn", KIND_TEXT },
	{ "STATE", "state", KIND_TEXT },
	{ "LEFT", "remaining_s", KIND_SECONDS },
	{ "SEQ", "sequence", KIND_NUMBER },
	{ "OUT", "tx_packets", KIND_NUMBER },
	{ "IN", "rx_packets", KIND_NUMBER },
};

static const struct column home_columns[] = {
	{ "HOME", "prefix", KIND_TEXT },
	{ "MODE", "mode", KIND_TEXT },
	{ "INTERFACE", "interface", KIND_TEXT },
	{ "HOME AGENT", "address", KIND_TEXT },
	{ "DEPRECATED", "deprecated", KIND_YESNO },
	{ "ENDS IN", "withdrawn_in_s", KIND_SECONDS },
};

static const struct column lease_columns[] = {
	{ "LEASE", "prefix", KIND_TEXT },
	{ "MN", "mn", KIND_TEXT },
	{ "INTERFACE", "interface", KIND_TEXT },
	{ "ATTACHED", "attached", KIND_YESNO },
};

/* Hosts that are here with prefixes of other routers. */
static const struct column visit_columns[] = {
	{ "VISIT", "prefix", KIND_TEXT },
	{ "MN", "mn", KIND_TEXT },
	{ "ANCHOR", "anchor", KIND_TEXT },
	{ "STATE", "state", KIND_TEXT },
	{ "LEFT", "remaining_s", KIND_SECONDS },
	{ "TX", "tx_packets", KIND_NUMBER },
	{ "RX", "rx_packets", KIND_NUMBER },
};

/* Of hosts that are on several links. */
static const struct column way_columns[] = {
	{ "FLOW", "flow", KIND_TEXT },
	{ "PREFIX", "prefix", KIND_TEXT },
	{ "LINK", "access", KIND_TEXT },
	{ "BY", "by", KIND_TEXT },
};

static const struct column peer_columns[] = {
	{ "PEER", "address", KIND_TEXT },
	{ "ANSWERS", "answers", KIND_YESNO },
	{ "SPI", "spi", KIND_NUMBER },
};

static const struct column home_agent_columns[] = {
	{ "OTHER HOME AGENT", "linklocal", KIND_TEXT },
	{ "INTERFACE", "interface", KIND_TEXT },
	{ "PREFERENCE", "preference", KIND_NUMBER },
	{ "LEFT", "remaining_s", KIND_SECONDS },
};

/* The key that the host was given, and by what it has shown who it is. */
static void print_lease_key(FILE *out, const json_t *row)
{
	const struct column mode = { "", "mode", KIND_TEXT }, name = { "", "name", KIND_TEXT };
	const struct column spi = { "", "spi", KIND_NUMBER };
	const json_t *key = json_object_get(row, "key");
	bool named = json_string_length(json_object_get(key, "name")) > 0;

	if (!json_is_object(key))
		return;
	fprintf(out, "  key %s, %s", cell(key, &spi).s, cell(key, &mode).s);
	if (named)
		fprintf(out, " %s", cell(key, &name).s);
	fputc('\n', out);
}

/* Those that are not zero; groups of counters by their path: "drops.checksum". */
static bool any_counter(json_t *counters)
{
	const char *key;
	json_t *v;

	json_object_foreach(counters, key, v)
		if (json_is_object(v) ? any_counter(v) : json_integer_value(v) != 0)
			return true;
	return false;
}

static void print_counters(FILE *out, const char *path, json_t *counters)
{
	const char *key;
	json_t *v;

	json_object_foreach(counters, key, v) {
		char name[128];

		snprintf(name, sizeof(name), "%s%s%s", path, *path ? "." : "", key);
		if (json_is_object(v))
			print_counters(out, name, v);
		else if (json_is_integer(v) && json_integer_value(v) != 0)
			fprintf(out, "  %-40s %lld\n", name, (long long)json_integer_value(v));
	}
}

static void print_section(FILE *out, const json_t *rows, const char *none,
			  const struct column *cols, size_t n,
			  void (*detail)(FILE *out, const json_t *row))
{
	if (json_array_size(rows))
		print_table(out, rows, cols, n, detail);
	else
		fprintf(out, "\n%s\n", none);
}

#define SECTION(out, rows, none, cols, detail) \
	print_section(out, rows, none, cols, sizeof(cols) / sizeof((cols)[0]), detail)

static void print_home_agent(FILE *out, const json_t *row)
{
	const json_t *a;
	size_t i;

	json_array_foreach(json_object_get(row, "addresses"), i, a) {
		struct cell c = { "-" };

		if (json_is_string(a))
			snprintf(c.s, sizeof(c.s), "%s", json_string_value(a));
		fprintf(out, "  %s\n", printable(c).s);
	}
}

/* Whatever else is wrong: this is for laboratories, and must not be overlooked. */
static void print_insecure(FILE *out, const json_t *homes)
{
	static const struct column prefix = { "PREFIX", "prefix", KIND_TEXT };
	const json_t *row;
	size_t i;

	json_array_foreach(homes, i, row)
		if (json_is_true(json_object_get(row, "unauthenticated")))
			fprintf(out, "INSECURE: registrations need no key on %s.\n",
				cell(row, &prefix).s);
}

/* A home agent lists no more than it was asked for. */
static void print_rest(FILE *out, const json_t *status, const char *what)
{
	const json_t *totals = json_object_get(status, "totals");
	json_int_t listed = (json_int_t)json_array_size(json_object_get(status, what));
	json_int_t n = json_integer_value(json_object_get(totals, what)) - listed;

	if (n > 0 && listed == 0)
		fprintf(out, "\n%lld %s, not listed\n", (long long)n, what);
	else if (n > 0)
		fprintf(out, "  and %lld more, not listed\n", (long long)n);
}

static void print_list(FILE *out, const json_t *status, const char *what, const char *none,
		       const struct column *cols, size_t n,
		       void (*detail)(FILE *out, const json_t *row))
{
	const json_t *rows = json_object_get(status, what);
	const json_t *total = json_object_get(json_object_get(status, "totals"), what);

	if (json_array_size(rows) || json_integer_value(total) == 0)
		print_section(out, rows, none, cols, n, detail);
	print_rest(out, status, what);
}

#define LIST(out, status, what, none, cols, detail) \
	print_list(out, status, what, none, cols, sizeof(cols) / sizeof((cols)[0]), detail)

static bool is_role(const json_t *status, const char *role)
{
	const char *s = json_string_value(json_object_get(status, "role"));

	return s && strcmp(s, role) == 0;
}

static long long number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static void print_ipsec(FILE *out, const json_t *s)
{
	if (!json_is_object(s))
		return;
	fprintf(out, "IPsec is required: %lld received; refused by the kernel: %lld without "
		"security association, %lld forged, %lld replayed, %lld for another address, %lld "
		"not protected.\n", number(s, "received"), number(s, "no_state"),
		number(s, "forged"), number(s, "replayed"), number(s, "other_address"),
		number(s, "not_protected"));
}

/* How hosts get keys from a home agent. */
static void print_bootstrap(FILE *out, const json_t *b)
{
	const json_t *mode;
	size_t i;

	if (!json_is_object(b))
		return;
	fputs("Keys are given out by", out);
	json_array_foreach(json_object_get(b, "modes"), i, mode) {
		struct cell c = { "-" };

		if (json_is_string(mode))
			snprintf(c.s, sizeof(c.s), "%s", json_string_value(mode));
		fprintf(out, "%s %s", i > 0 ? "," : "", printable(c).s);
	}
	fprintf(out, "; %lld are out.\n", number(b, "keys"));
}

void show_status(FILE *out, const json_t *status)
{
	const json_t *health = json_object_get(status, "health");
	const char *text = json_string_value(json_object_get(health, "text"));
	bool ok = json_is_true(json_object_get(health, "ok"));

	fprintf(out, "%s: %s: %s\n", is_role(status, "mn") ? "Mobile node" : "Home agent",
		ok ? "ok" : "not well", text ? text : "-");
	if (json_is_true(json_object_get(status, "hmac_sha1")))
		fputs("WARNING: HMAC-SHA1-96 is allowed (keys of SPI 3).\n", out);
	print_ipsec(out, json_object_get(status, "ipsec"));
	print_bootstrap(out, json_object_get(status, "bootstrap"));
	if (is_role(status, "mn")) {
		SECTION(out, json_object_get(status, "attachments"), "Not attached to any router.",
			attachment_columns, NULL);
		if (json_array_size(json_object_get(status, "interfaces")) > 1)
			TABLE(out, json_object_get(status, "interfaces"), interface_columns, NULL);
		SECTION(out, json_object_get(status, "anchors"), "No anchors.", anchor_columns,
			print_addresses);
	} else {
		print_insecure(out, json_object_get(status, "homes"));
		if (json_array_size(json_object_get(status, "homes")))
			TABLE(out, json_object_get(status, "homes"), home_columns, NULL);
		LIST(out, status, "bindings", "No bindings.", binding_columns, print_addresses);
		LIST(out, status, "leases", "No leases.", lease_columns, print_lease_key);
		if (json_is_object(json_object_get(status, "sessions")))
			LIST(out, status, "visits", "No visits.", visit_columns, NULL);
		if (json_array_size(json_object_get(status, "flows")))
			TABLE(out, json_object_get(status, "flows"), way_columns, NULL);
		if (json_array_size(json_object_get(status, "peers")))
			TABLE(out, json_object_get(status, "peers"), peer_columns, NULL);
		if (json_array_size(json_object_get(status, "home_agents")))
			TABLE(out, json_object_get(status, "home_agents"), home_agent_columns,
			      print_home_agent);
	}
	if (any_counter(json_object_get(status, "counters"))) {
		fputs("\nCOUNTERS (those that are not zero)\n", out);
		print_counters(out, "", json_object_get(status, "counters"));
	}
}

/* ------------------------------------------------------------------ keys */

static const struct column key_columns[] = {
	{ "SPI", "spi", KIND_NUMBER },
	{ "FROM", "from", KIND_TEXT },
	{ "GOOD FOR", "prefix", KIND_TEXT },
	{ "HOME AGENT", "ha", KIND_TEXT },
	{ "NAME", "name", KIND_TEXT },
	{ "LEFT", "remaining_s", KIND_SECONDS },
	{ "ALGORITHM", "algorithm", KIND_TEXT },
};

/* Whose addresses a configured one may move, and the secret, where it was asked for. */
static void print_key_detail(FILE *out, const json_t *row)
{
	const char *secret = json_string_value(json_object_get(row, "secret"));
	const json_t *host;
	size_t i;

	json_array_foreach(json_object_get(row, "hosts"), i, host) {
		struct cell c = { "-" };

		if (json_is_string(host))
			snprintf(c.s, sizeof(c.s), "%s", json_string_value(host));
		fprintf(out, "  for %s\n", printable(c).s);
	}
	if (secret && strspn(secret, "0123456789abcdef") == strlen(secret))
		fprintf(out, "  secret %s\n", secret);
}

void show_keys(FILE *out, const json_t *answer)
{
	const json_t *rows = json_object_get(answer, "keys");
	json_int_t unlisted = number(answer, "unlisted");

	if (json_array_size(rows))
		TABLE(out, rows, key_columns, print_key_detail);
	else
		fputs("No keys.\n", out);
	if (unlisted > 0)
		fprintf(out, "  and %lld more, not listed\n", (long long)unlisted);
}

void show_forgotten(FILE *out, const json_t *answer)
{
	fprintf(out, "key %lld is forgotten\n", number(answer, "forgotten"));
}

/* ------------------------------------------------------------------ flows, doctor */

static const struct column flow_columns[] = {
	{ "PROTO", "protocol", KIND_TEXT },
	{ "STATE", "state", KIND_TEXT },
	{ "PATH", "path", KIND_TEXT },
	{ "ANCHOR", "anchor", KIND_TEXT },
	{ "LOCAL", "local", KIND_ENDPOINT },
	{ "REMOTE", "remote", KIND_ENDPOINT },
	{ "PID", "pid", KIND_NUMBER },
	{ "PROCESS", "process", KIND_TEXT },
};

static void print_why(FILE *out, const json_t *row)
{
	const char *policy = json_string_value(json_object_get(row, "policy"));
	const struct column why = { "", "why", KIND_TEXT };

	if (policy)
		fprintf(out, "  by policy %s\n", policy);
	if (json_is_false(json_object_get(row, "holds")))
		fprintf(out, "  does not hold its address: %s\n", cell(row, &why).s);
}

void show_flows(FILE *out, const json_t *flows)
{
	const json_t *rows = json_object_get(flows, "flows"), *row;
	const char *unlisted = json_string_value(json_object_get(flows, "unlisted"));
	json_int_t omitted = json_integer_value(json_object_get(flows, "omitted"));
	size_t i, n = 0, tunnelled = 0, stuck = 0;

	json_array_foreach(rows, i, row) {
		const char *path = json_string_value(json_object_get(row, "path"));

		if (json_is_false(json_object_get(row, "holds")))
			continue;
		n++;
		tunnelled += path && strcmp(path, "tunnel") == 0;
		stuck += path && strcmp(path, "none") == 0;
	}
	fprintf(out, "%zu flow%s, %zu of them through a tunnel.\n", n, n == 1 ? "" : "s",
		tunnelled);
	if (stuck > 0)
		fprintf(out, "%zu without a way; status says why.\n", stuck);
	if (omitted > 0)
		fprintf(out, "%lld sockets more are not shown.\n", (long long)omitted);
	if (unlisted && *unlisted)
		fprintf(out, "The kernel does not list its %s sockets.\n", unlisted);
	if (json_array_size(rows))
		TABLE(out, rows, flow_columns, print_why);
}

/* Words in lines of at most LINE_WIDTH columns, each behind an indentation. */
static void print_wrapped(FILE *out, const char *s)
{
	size_t column = 0;

	while (*s) {
		size_t n = strcspn(s, " ");

		if (column && column + 1 + n > LINE_WIDTH) {
			fputc('\n', out);
			column = 0;
		}
		column += (size_t)fprintf(out, "%*s%.*s", column ? 1 : INDENT, "", (int)n, s);
		s += n;
		s += strspn(s, " ");
	}
	fputc('\n', out);
}

static void print_ending(FILE *out, const json_t *result, const char *name, const char *text)
{
	json_int_t n = json_integer_value(json_object_get(result, name));

	if (n > 0)
		fprintf(out, "  %lld %s\n", (long long)n, text);
}

void show_released(FILE *out, const json_t *result)
{
	json_int_t begun = json_integer_value(json_object_get(result, "releasing"));
	json_int_t done = json_integer_value(json_object_get(result, "released"));

	if (begun > 0)
		fprintf(out, "%lld to be released; their mobile nodes are being told\n",
			(long long)begun);
	else
		fprintf(out, "%lld released\n", (long long)done);
	print_ending(out, result, "accepted", "acknowledged by the mobile node");
	print_ending(out, result, "refused", "refused by the mobile node, and ended all the same");
	print_ending(out, result, "unanswered", "without an answer of the mobile node");
}

void show_drain(FILE *out, const json_t *answer)
{
	json_int_t bindings = json_integer_value(json_object_get(answer, "bindings"));
	char left[32];

	format_seconds(left, sizeof(left), json_integer_value(json_object_get(answer,
									      "remaining_s")));
	if (json_is_true(json_object_get(answer, "draining")))
		fprintf(out, "draining: %lld binding%s left, %s to go\n", (long long)bindings,
			bindings == 1 ? "" : "s", left);
	else
		fputs("no longer draining\n", out);
}

void show_handover(FILE *out, const json_t *answer)
{
	const char *name = json_string_value(json_object_get(answer, "interface"));

	if (name)
		fprintf(out, "flows go over %s\n", name);
	else
		fputs("flows will go over the first interface that is attached\n", out);
}

void show_reload(FILE *out, const json_t *answer)
{
	const char *changed = json_string_value(json_object_get(answer, "changed"));

	if (changed && changed[0])
		fprintf(out, "read again; changed: %s\n", changed);
	else
		fputs("read again; nothing has changed\n", out);
}

void show_mn(FILE *out, const json_t *answer)
{
	const char *mn = json_string_value(json_object_get(answer, "mn"));
	bool attached = json_is_true(json_object_get(answer, "attached"));

	fprintf(out, "%s %s\n", mn ? mn : "?", attached ? "is attached" : "has left");
}

void show_move(FILE *out, const json_t *answer)
{
	const char *mn = json_string_value(json_object_get(answer, "mn"));
	const char *flow = json_string_value(json_object_get(answer, "flow"));
	const char *access = json_string_value(json_object_get(answer, "access"));

	fprintf(out, "flow %s of %s: by %s\n", flow ? flow : "?", mn ? mn : "?",
		access ? access : "?");
}

void show_checks(FILE *out, const json_t *doctor)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(doctor, "checks"), i, row) {
		const char *name = json_string_value(json_object_get(row, "name"));
		const char *result = json_string_value(json_object_get(row, "result"));
		const char *found = json_string_value(json_object_get(row, "found"));
		const char *follows = json_string_value(json_object_get(row, "follows"));

		fprintf(out, "%-4s  %s: %s\n", result, name, found);
		if (follows && *follows)
			print_wrapped(out, follows);
	}
}
