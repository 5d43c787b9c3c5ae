/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dmip6ctl(8): talks to either daemon over its control socket. This file has the command
 * table, from which usage and dispatch come, and the commands; client.c has the socket,
 * show.c the text, doctor.c the checks.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/cli/client.h"
#include "common/cli/doctor.h"
#include "common/cli/process.h"
#include "common/cli/show.h"
#include "common/core/conf.h"

#define SCHEMA		1
#define DAEMONS_MAX	2

enum exit_code {
	EXIT_OK,
	EXIT_ERROR,
	EXIT_USAGE,
	EXIT_UNREACHABLE,
	EXIT_NOT_FOUND,
	EXIT_REFUSED,
};

/* Options that only some commands take: what getopt_long() returns, and a set of them. */
enum {
	OPT_PREFIX = 0x100,
	OPT_MN = 0x200,
	OPT_ALL = 0x400,
	OPT_NO_WAIT = 0x800,
	OPT_TIMEOUT = 0x1000,
	OPT_CANCEL = 0x2000,
	OPT_LIMIT = 0x4000,
	OPT_SECRETS = 0x8000,
	OPT_FORGET = 0x10000,
};

static const struct option options[] = {
	{ "control", required_argument, NULL, 'c' },
	{ "json", no_argument, NULL, 'j' },
	{ "prefix", required_argument, NULL, OPT_PREFIX },
	{ "mn", required_argument, NULL, OPT_MN },
	{ "all", no_argument, NULL, OPT_ALL },
	{ "no-wait", no_argument, NULL, OPT_NO_WAIT },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "cancel", no_argument, NULL, OPT_CANCEL },
	{ "limit", required_argument, NULL, OPT_LIMIT },
	{ "secrets", no_argument, NULL, OPT_SECRETS },
	{ "forget", required_argument, NULL, OPT_FORGET },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

#define MORE_MAX	3

struct options {
	const char *control;	/* NULL: the daemons' usual sockets */
	bool json;
	unsigned int given;	/* OPT_... */
	const char *prefix, *mn, *timeout, *limit, *forget;
	const char *argument;	/* NULL: none */
	const char *more[MORE_MAX];	/* those after it */
};

struct command {
	const char *name;
	const char *argument;	/* what it may have, for people, a word each; NULL: none */
	unsigned int takes;	/* OPT_... */
	const char *help;
	const char *role;	/* of the only daemon that knows it; NULL: both do */
	enum exit_code (*run)(const struct command *cmd, const struct options *o);
};

struct connection {
	const char *path;
	const char *daemon;	/* its name; NULL: --control named the socket */
	struct client *client;
	int err;
};

__attribute__((format(printf, 1, 2)))
static void complain(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);		/* in their order, where both go to one place */
	fputs("dmip6ctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* What was printed has arrived, or a complaint. */
static enum exit_code flush(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_OK;
	complain("cannot write the answer: %s", strerror(errno));
	return EXIT_ERROR;
}

static enum exit_code print_json(const json_t *j, size_t flags)
{
	if (json_dumpf(j, stdout, flags) == 0)
		putchar('\n');
	return flush();
}

/* ------------------------------------------------------------------ reaching a daemon */

static unsigned int candidates(const struct command *cmd, const struct options *o,
			       struct connection at[DAEMONS_MAX])
{
	unsigned int n = 0;

	if (o->control) {
		at[0] = (struct connection){ .path = o->control };
		return 1;
	}
	for (const struct daemon *d = client_daemons; d->name; d++) {
		if (!cmd->role || strcmp(cmd->role, d->role) == 0)
			at[n++] = (struct connection){ .path = d->socket, .daemon = d->name };
	}
	return n;
}

static enum exit_code unreachable(const struct connection *at)
{
	if (at->err == -EACCES) {
		complain("%s: %s; try as root", at->path, client_error(at->err));
		return EXIT_REFUSED;
	}
	if (at->daemon)
		complain("%s: %s; \"systemctl start %s\" starts it", at->path,
			 client_error(at->err), at->daemon);
	else
		complain("%s: %s; start a daemon with \"--control %s\", or name the socket of one "
			 "that runs", at->path, client_error(at->err), at->path);
	return EXIT_UNREACHABLE;
}

/* Connects to those that answer; one at least, else it complains about each. */
static enum exit_code reach(const struct command *cmd, const struct options *o,
			    struct connection at[DAEMONS_MAX], unsigned int *ret_n)
{
	unsigned int n = candidates(cmd, o, at), answer = 0;
	enum exit_code code = EXIT_UNREACHABLE;

	for (unsigned int i = 0; i < n; i++) {
		at[i].err = client_open(at[i].path, &at[i].client);
		if (!at[i].err)
			at[answer++] = at[i];
	}
	if (answer) {
		*ret_n = answer;
		return EXIT_OK;
	}
	for (unsigned int i = 0; i < n; i++) {
		if (unreachable(&at[i]) == EXIT_REFUSED)
			code = EXIT_REFUSED;
	}
	return code;
}

static enum exit_code reach_only_one(const struct command *cmd, const struct options *o,
				     struct connection at[DAEMONS_MAX])
{
	unsigned int n;
	enum exit_code code = reach(cmd, o, at, &n);

	if (code || n == 1)
		return code;
	complain("both %s and %s run here; choose with --control %s or --control %s",
		 at[0].daemon, at[1].daemon, at[0].path, at[1].path);
	for (unsigned int i = 0; i < n; i++)
		client_close(at[i].client);
	return EXIT_USAGE;
}

static enum exit_code code_of(const char *code)
{
	static const struct { const char *name; enum exit_code exit; } codes[] = {
		{ "not-found", EXIT_NOT_FOUND },
		{ "refused", EXIT_REFUSED },
		{ "usage", EXIT_USAGE },
		{ "unknown-method", EXIT_USAGE },
	};

	for (size_t i = 0; code && i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(code, codes[i].name) == 0)
			return codes[i].exit;
	}
	return EXIT_ERROR;
}

static void complain_of(const struct connection *at, const char *error, const char *code)
{
	if (code && strcmp(code, "unknown-method") == 0)
		complain("%s: this daemon cannot be asked that; flows and handover are for a mobile "
			 "node, release, drain, mn and keys --forget for a home agent", at->path);
	else
		complain("%s: %s", at->path, error);
}

/* The "parameters" of a reply, a new reference; or why there are none. */
static enum exit_code unwrap(const struct connection *at, int err, json_t *reply,
			     json_t **ret_parameters)
{
	json_t *parameters = err ? NULL : json_object_get(reply, "parameters");
	const char *error = err ? NULL : json_string_value(json_object_get(reply, "error"));
	enum exit_code code = EXIT_ERROR;

	if (json_is_object(parameters)) {
		*ret_parameters = json_incref(parameters);
		code = EXIT_OK;
	} else if (error) {
		const char *name = json_string_value(json_object_get(reply, "code"));

		code = code_of(name);
		complain_of(at, error, name);
	} else {
		complain("%s: %s", at->path, client_error(err ? err : -EBADMSG));
	}
	if (!err)
		json_decref(reply);
	return code;
}

/* Takes over the reference to the parameters, which may be NULL. */
static enum exit_code call(const struct connection *at, const char *method, json_t *parameters,
			   json_t **ret_answer)
{
	json_t *reply = NULL;
	int err = client_call(at->client, method, parameters, &reply);

	json_decref(parameters);
	return unwrap(at, err, reply, ret_answer);
}

/* One method, in the form asked for. Closes the connection, takes over the reference. */
static enum exit_code print_answer(const struct connection *at, const struct options *o,
				   const json_t *parameters,
				   void (*show)(FILE *out, const json_t *parameters))
{
	enum exit_code code;

	if (o->json) {
		code = print_json(parameters, JSON_INDENT(2));
	} else if (json_integer_value(json_object_get(parameters, "schema")) != SCHEMA) {
		complain("%s: the daemon is of another version; --json shows its answer", at->path);
		code = EXIT_ERROR;
	} else {
		show(stdout, parameters);
		code = flush();
	}
	return code;
}

static enum exit_code query(struct connection *at, const struct options *o, const char *method,
			    json_t *request, void (*show)(FILE *out, const json_t *parameters))
{
	json_t *parameters;
	enum exit_code code = call(at, method, request, &parameters);

	client_close(at->client);
	if (code)
		return code;
	code = print_answer(at, o, parameters, show);
	json_decref(parameters);
	return code;
}

/* ------------------------------------------------------------------ commands */

/* Decimal, and no more than an int32_t. */
static bool get_number(const char *s, json_int_t *ret)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(s, &end, 10);
	if (errno != 0 || *end != '\0' || strspn(s, "0123456789") == 0 || n > INT32_MAX)
		return false;
	*ret = (json_int_t)n;
	return true;
}

static enum exit_code status_parameters(const struct options *o, json_t **ret)
{
	json_int_t limit;

	*ret = NULL;
	if (!o->limit)
		return EXIT_OK;
	if (!get_number(o->limit, &limit)) {
		complain("\"%s\" is no number of entries; expected one such as 100", o->limit);
		return EXIT_USAGE;
	}
	*ret = json_pack("{s:I}", "limit", limit);
	return EXIT_OK;
}

static enum exit_code run_status(const struct command *cmd, const struct options *o)
{
	struct connection at[DAEMONS_MAX];
	unsigned int n = 1;
	json_t *parameters;
	enum exit_code worst = EXIT_OK, code = status_parameters(o, &parameters);

	if (code)
		return code;
	code = o->json ? reach_only_one(cmd, o, at) : reach(cmd, o, at, &n);
	for (unsigned int i = 0; !code && i < n; i++) {
		enum exit_code one;

		if (i)
			putchar('\n');
		one = query(&at[i], o, "status", json_incref(parameters), show_status);
		if (one > worst)
			worst = one;
	}
	json_decref(parameters);
	return code ? code : worst;
}

static enum exit_code run_flows(const struct command *cmd, const struct options *o)
{
	struct connection at[DAEMONS_MAX];
	enum exit_code code = reach_only_one(cmd, o, at);
	json_t *answer;

	if (code)
		return code;
	code = call(&at[0], "flows", NULL, &answer);
	client_close(at[0].client);
	if (code)
		return code;
	process_name_sockets(json_object_get(answer, "flows"));
	code = print_answer(&at[0], o, answer, show_flows);
	json_decref(answer);
	return code;
}

/* One event a line until the daemon ends it. */
static enum exit_code run_monitor(const struct command *cmd, const struct options *o)
{
	struct connection at[DAEMONS_MAX];
	enum exit_code code = reach_only_one(cmd, o, at);
	int err;

	if (code)
		return code;
	err = client_monitor(at[0].client);
	do {
		json_t *reply = NULL, *event;

		if (!err)
			err = client_event(at[0].client, &reply);
		code = unwrap(&at[0], err, reply, &event);
		if (!code) {
			code = print_json(event, JSON_COMPACT);
			json_decref(event);
		}
	} while (!code);
	client_close(at[0].client);
	return code;
}

static enum exit_code run_doctor(const struct command *cmd, const struct options *o)
{
	bool failed;
	json_t *checks = doctor(o->control, &failed);
	enum exit_code code;

	(void)cmd;
	if (!checks) {
		complain("out of memory");
		return EXIT_ERROR;
	}
	if (o->json) {
		code = print_json(checks, JSON_INDENT(2));
	} else {
		show_checks(stdout, checks);
		code = flush();
	}
	json_decref(checks);
	return code ? code : failed ? EXIT_ERROR : EXIT_OK;
}

/* ---- release ---- */

/* What the daemon is asked for: exactly one of the ways to say which; NULL: another number. */
static json_t *selection(const struct options *o)
{
	bool all = o->given & OPT_ALL;

	if (!!o->argument + !!o->prefix + !!o->mn + all != 1)
		return NULL;
	if (o->argument)
		return json_pack("{s:s}", "binding", o->argument);
	if (o->prefix)
		return json_pack("{s:s}", "prefix", o->prefix);
	if (o->mn)
		return json_pack("{s:s}", "mn", o->mn);
	return json_pack("{s:b}", "all", 1);
}

static json_int_t number(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

/* Until no revocation is under way; *ret_answer is what the daemon says then. */
static enum exit_code wait_for_end(const struct connection *at, json_t **ret_answer)
{
	static const struct timespec pause = { .tv_nsec = 100000000 };

	for (;;) {
		json_t *answer;
		enum exit_code code = call(at, "revocations", NULL, &answer);

		if (code)
			return code;
		if (number(answer, "under_way") == 0) {
			*ret_answer = answer;
			return EXIT_OK;
		}
		json_decref(answer);
		(void)nanosleep(&pause, NULL);
	}
}

static enum exit_code show_release(const struct options *o, json_int_t n, const json_t *before,
				   const json_t *after)
{
	static const char *const how[] = { "accepted", "refused", "unanswered" };
	json_t *result = json_pack("{s:i, s:I}", "schema", SCHEMA, after ? "released" :
				   "releasing", n);
	enum exit_code code;

	for (size_t i = 0; after && i < sizeof(how) / sizeof(how[0]); i++)
		json_object_set_new(result, how[i], json_integer(number(after, how[i]) -
								 number(before, how[i])));
	if (o->json) {
		code = print_json(result, JSON_INDENT(2));
	} else {
		show_released(stdout, result);
		code = flush();
	}
	json_decref(result);
	return code;
}

static enum exit_code release_at(const struct connection *at, const struct options *o,
				 json_t *which)
{
	json_t *before = NULL, *begun = NULL, *after = NULL;
	enum exit_code code = call(at, "revocations", NULL, &before);

	if (code) {
		json_decref(which);
		return code;
	}
	code = call(at, "release", which, &begun);
	if (!code && !(o->given & OPT_NO_WAIT))
		code = wait_for_end(at, &after);
	if (!code)
		code = show_release(o, number(begun, "releasing"), before, after);
	json_decref(before);
	json_decref(begun);
	json_decref(after);
	return code;
}

static enum exit_code run_release(const struct command *cmd, const struct options *o)
{
	struct connection at[DAEMONS_MAX];
	json_t *which = selection(o);
	enum exit_code code;

	if (!which) {
		complain("release what? expected one of ADDRESS, --prefix PREFIX, --mn MAC, --all");
		return EXIT_USAGE;
	}
	code = reach_only_one(cmd, o, at);
	if (code) {
		json_decref(which);
		return code;
	}
	code = release_at(&at[0], o, which);
	client_close(at[0].client);
	return code;
}

/* ---- drain ---- */

static enum exit_code drain_parameters(const struct options *o, json_t **ret)
{
	usec_t timeout = 0;

	if (o->timeout && (o->given & OPT_CANCEL)) {
		complain("--timeout and --cancel exclude each other");
		return EXIT_USAGE;
	}
	if (o->timeout && (conf_duration_parse(o->timeout, &timeout) < 0 || timeout < USEC_S)) {
		complain("\"%s\" is no time; expected one such as 90s, 10m or 2h", o->timeout);
		return EXIT_USAGE;
	}
	*ret = json_object();
	if (o->timeout)
		json_object_set_new(*ret, "timeout_s", json_integer(timeout / USEC_S));
	if (o->given & OPT_CANCEL)
		json_object_set_new(*ret, "cancel", json_true());
	return EXIT_OK;
}

static enum exit_code run_drain(const struct command *cmd, const struct options *o)
{
	struct connection at[DAEMONS_MAX];
	json_t *parameters;
	enum exit_code code = drain_parameters(o, &parameters);

	if (code)
		return code;
	code = reach_only_one(cmd, o, at);
	if (code) {
		json_decref(parameters);
		return code;
	}
	return query(&at[0], o, "drain", parameters, show_drain);
}

static enum exit_code run_keys(const struct command *cmd, const struct options *o)
{
	struct connection at[DAEMONS_MAX];
	json_int_t spi = 0;
	enum exit_code code;

	if (o->forget && (o->given & OPT_SECRETS)) {
		complain("--secrets and --forget exclude each other");
		return EXIT_USAGE;
	}
	if (o->forget && !get_number(o->forget, &spi)) {
		complain("\"%s\" is no number of a key; expected an SPI that keys lists", o->forget);
		return EXIT_USAGE;
	}
	code = reach_only_one(cmd, o, at);
	if (code)
		return code;
	if (o->forget)
		return query(&at[0], o, "forget-key", json_pack("{s:I}", "spi", spi), show_forgotten);
	return query(&at[0], o, o->given & OPT_SECRETS ? "secrets" : "keys", NULL, show_keys);
}

static enum exit_code run_reload(const struct command *cmd, const struct options *o)
{
	struct connection at[DAEMONS_MAX];
	enum exit_code code = reach_only_one(cmd, o, at);

	return code ? code : query(&at[0], o, "reload", NULL, show_reload);
}

static enum exit_code run_handover(const struct command *cmd, const struct options *o)
{
	struct connection at[DAEMONS_MAX];
	enum exit_code code = reach_only_one(cmd, o, at);
	json_t *which = o->argument ? json_pack("{s:s}", "interface", o->argument) : NULL;

	if (!code)
		return query(&at[0], o, "handover", which, show_handover);
	json_decref(which);
	return code;
}

static enum exit_code move_flow(const struct command *cmd, const struct options *o)
{
	struct connection at[DAEMONS_MAX];
	enum exit_code code;

	if (!o->more[2]) {
		complain("mn move which, and where to? expected \"mn move MAC FLOW LINK\", the name of a "
			 "flow in ha.conf, and wlan, lte or the like, default or configured");
		return EXIT_USAGE;
	}
	code = reach_only_one(cmd, o, at);
	return code ? code : query(&at[0], o, "move-flow", json_pack(
		"{s:s, s:s, s:s}", "mn", o->more[0], "flow", o->more[1], "access", o->more[2]),
		show_move);
}

/* Of a controller of the access links, or of a person: mn attach MAC [INTERFACE], mn detach MAC. */
static enum exit_code run_mn(const struct command *cmd, const struct options *o)
{
	bool attach = o->argument && strcmp(o->argument, "attach") == 0;
	struct connection at[DAEMONS_MAX];
	enum exit_code code;
	json_t *which;

	if (o->argument && strcmp(o->argument, "move") == 0)
		return move_flow(cmd, o);
	if ((!attach && (!o->argument || strcmp(o->argument, "detach") != 0)) || !o->more[0] ||
	    (!attach && o->more[1]) || o->more[2]) {
		complain("mn what? expected \"mn attach MAC [INTERFACE]\", \"mn detach MAC\" or "
			 "\"mn move MAC FLOW LINK\"");
		return EXIT_USAGE;
	}
	code = reach_only_one(cmd, o, at);
	if (code)
		return code;
	which = json_pack("{s:s}", "mn", o->more[0]);
	if (o->more[1])
		json_object_set_new(which, "interface", json_string(o->more[1]));
	return query(&at[0], o, attach ? "attach" : "detach", which, show_mn);
}

static const struct command commands[] = {
	{ "status", NULL, OPT_LIMIT, "health, then anchors (MN) or bindings and leases (HA)", NULL,
	  run_status },
	{ "flows", NULL, 0, "the MN's flows, and which go through a tunnel", "mn", run_flows },
	{ "release", "ADDRESS", OPT_PREFIX | OPT_MN | OPT_ALL | OPT_NO_WAIT,
	  "end the HA's binding of a home address, or of several", "ha", run_release },
	{ "drain", NULL, OPT_TIMEOUT | OPT_CANCEL,
	  "take no new hosts, and stop the HA when its bindings have ended", "ha", run_drain },
	{ "handover", "INTERFACE", 0,
	  "the MN's flows over this interface; without one, by preference again", "mn",
	  run_handover },
	{ "mn", "attach|detach|move MAC [INTERFACE|FLOW] [LINK]", 0,
	  "a host has come to a link of the HA's or left; its flow goes by another", "ha", run_mn },
	{ "keys", NULL, OPT_SECRETS | OPT_FORGET,
	  "the keys that are configured, and those that were given out", NULL, run_keys },
	{ "reload", NULL, 0, "the daemon reads its configuration again", NULL, run_reload },
	{ "monitor", NULL, 0, "events as they happen, one JSON object a line", NULL,
	  run_monitor },
	{ "doctor", NULL, 0, "what kernel and configuration lack, and what follows", NULL,
	  run_doctor },
	{ 0 },
};

/* ------------------------------------------------------------------ command line */

static void usage(FILE *out)
{
	fputs("usage: dmip6ctl [--control SOCKET] [--json] COMMAND [OPTIONS]\n"
	      "\n"
	      "  -c, --control SOCKET  ask the daemon with this control socket (usual are\n"
	      "                        /run/dmip6/mnd.sock and /run/dmip6/had.sock)\n"
	      "  -j, --json            answer in JSON\n"
	      "  -h, --help            print this text\n"
	      "  -V, --version         print the version\n"
	      "\n"
	      "of status:\n"
	      "      --limit NUMBER    list no more bindings, and leases, than that\n"
	      "\n"
	      "of release, which takes one of ADDRESS and the first three:\n"
	      "      --prefix PREFIX   the bindings of all home addresses within\n"
	      "      --mn MAC          those of one mobile node\n"
	      "      --all             all of them\n"
	      "      --no-wait         do not wait until it is over\n"
	      "\n"
	      "of drain:\n"
	      "      --timeout TIME    stop after so long at the latest, such as 10m (default:\n"
	      "                        what the daemon's configuration says)\n"
	      "      --cancel          do not stop, take new hosts again\n"
	      "\n"
	      "of keys:\n"
	      "      --secrets         with what nobody else may know; for root\n"
	      "      --forget SPI      the HA takes nothing any more that is signed with the key\n"
	      "                        that it gave out by this number\n"
	      "\n"
	      "commands:\n", out);
	for (const struct command *c = commands; c->name; c++)
		fprintf(out, "  %-8s  %s\n", c->name, c->help);
}

static enum exit_code misused(void)
{
	fputs("Try \"dmip6ctl --help\".\n", stderr);
	return EXIT_USAGE;
}

/* Command and options fit together. */
static enum exit_code start(const struct command *c, struct options *o, int argc, char **argv)
{
	unsigned int wrong = o->given & ~c->takes;
	int more = 0, first_wrong;

	/* A word each. */
	for (const char *p = c->argument; p && *p; p++)
		more += *p == ' ';
	first_wrong = (c->argument ? 2 : 1) + more;

	if (argc > first_wrong) {
		complain("%s takes no argument \"%s\"", c->name, argv[first_wrong]);
		return misused();
	}
	for (const struct option *opt = options; opt->name; opt++) {
		if (!(wrong & (unsigned int)opt->val))
			continue;
		complain("%s takes no option --%s", c->name, opt->name);
		return misused();
	}
	o->argument = argc > 1 ? argv[1] : NULL;
	for (int i = 0; i < more; i++)
		o->more[i] = argc > 2 + i ? argv[2 + i] : NULL;
	return c->run(c, o);
}

static enum exit_code dispatch(struct options *o, int argc, char **argv)
{
	if (argc == 0) {
		complain("no command; expected one of those below");
		usage(stderr);
		return EXIT_USAGE;
	}
	for (const struct command *c = commands; c->name; c++) {
		if (strcmp(c->name, argv[0]) == 0)
			return start(c, o, argc, argv);
	}
	complain("unknown command \"%s\"", argv[0]);
	return misused();
}

static enum exit_code run(int argc, char **argv)
{
	struct options o = { 0 };
	int opt;

	while ((opt = getopt_long(argc, argv, "c:jhV", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			o.control = optarg;
			break;
		case 'j':
			o.json = true;
			break;
		case OPT_PREFIX:
			o.prefix = optarg;
			o.given |= OPT_PREFIX;
			break;
		case OPT_MN:
			o.mn = optarg;
			o.given |= OPT_MN;
			break;
		case OPT_TIMEOUT:
			o.timeout = optarg;
			o.given |= OPT_TIMEOUT;
			break;
		case OPT_LIMIT:
			o.limit = optarg;
			o.given |= OPT_LIMIT;
			break;
		case OPT_FORGET:
			o.forget = optarg;
			o.given |= OPT_FORGET;
			break;
		case OPT_SECRETS:
		case OPT_ALL:
		case OPT_NO_WAIT:
		case OPT_CANCEL:
			o.given |= (unsigned int)opt;
			break;
		case 'h':
			usage(stdout);
			return flush();
		case 'V':
			puts("dmip6ctl " PACKAGE_VERSION);
			return flush();
		default:
			return misused();	/* getopt_long() has said why */
		}
	}
	return dispatch(&o, argc - optind, argv + optind);
}

int main(int argc, char **argv)
{
	return (int)run(argc, argv);
}
