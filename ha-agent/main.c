/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dmip6-had: options, configuration, privileges, order of start and stop.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/core/log.h"
#include "common/sys/alone.h"
#include "common/sys/caps.h"
#include "common/sys/clock.h"
#include "common/sys/file.h"
#include "common/sys/nl.h"
#include "common/sys/notify.h"
#include "common/sys/rt.h"
#include "ha-agent/conf.h"
#include "ha-agent/conf_keys.h"
#include "ha-agent/ctl.h"
#include "ha-agent/io.h"

#define PROGRAM		"dmip6-had"
#define STATE_DIR	"/var/lib/dmip6/had"
#define CONTROL		"/run/dmip6/had.sock"
#define EXIT_USAGE	2
#define DRAIN_MARGIN	(5 * USEC_S)	/* to take everything out of the kernel */

enum option_id {
	OPT_INTERFACE = 256, OPT_PREFIX, OPT_ADDRESS, OPT_STATE_DIR, OPT_CONTROL, OPT_DATAPATH,
	OPT_DRAIN, OPT_CONFIG, OPT_CHECK_CONFIG, OPT_CLEANUP, OPT_LOG_LEVEL, OPT_HELP,
	OPT_VERSION,
};

static const struct {
	struct option option;
	const char *argument, *help;
} table[] = {
	{ { "interface", required_argument, NULL, OPT_INTERFACE }, "NAME",
	  "serve the hosts on this interface (may be given several times)" },
	{ { "prefix", required_argument, NULL, OPT_PREFIX }, "PREFIX",
	  "give each host a /64 of this prefix" },
	{ { "address", required_argument, NULL, OPT_ADDRESS }, "ADDRESS",
	  "the home agent's own address (default: PREFIX::1)" },
	{ { "state-dir", required_argument, NULL, OPT_STATE_DIR }, "DIR",
	  "keep leases and bindings there (default: " STATE_DIR ")" },
	{ { "control", required_argument, NULL, OPT_CONTROL }, "SOCKET",
	  "control socket for dmip6ctl (default: " CONTROL ")" },
	{ { "datapath", required_argument, NULL, OPT_DATAPATH }, "NAME",
	  "data path: ip6tnl, seg6 or null (default: the first that works)" },
	{ { "drain", required_argument, NULL, OPT_DRAIN }, "TIME",
	  "when told to stop, wait so long for bindings to end, such as 10m" },
	{ { "config", required_argument, NULL, OPT_CONFIG }, "FILE",
	  "configuration (default: " HA_CONF_PATH ", if it is there)" },
	{ { "check-config", no_argument, NULL, OPT_CHECK_CONFIG }, NULL,
	  "check the configuration and exit" },
	{ { "cleanup", no_argument, NULL, OPT_CLEANUP }, NULL,
	  "remove what a killed run left in the kernel, and exit" },
	{ { "log-level", required_argument, NULL, OPT_LOG_LEVEL }, "LEVEL",
	  "error, warn, info or debug (default: info)" },
	{ { "help", no_argument, NULL, OPT_HELP }, NULL, "print this and exit" },
	{ { "version", no_argument, NULL, OPT_VERSION }, NULL, "print the version and exit" },
};
#define N_OPTIONS (sizeof(table) / sizeof(table[0]))

struct settings {
	struct ha_config ha;
	struct ha_config line;		/* what the command line says; it goes before the file */
	const char *state_dir, *control, *config;
	bool check_config, cleanup;
	enum log_level log_level;
};

static void usage(FILE *to)
{
	fprintf(to, "usage: " PROGRAM " --interface NAME ... --prefix PREFIX [options]\n");
	for (size_t i = 0; i < N_OPTIONS; i++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", table[i].option.name,
			 table[i].argument ? " " : "", table[i].argument ? table[i].argument : "");
		fprintf(to, "  %-22s %s\n", left, table[i].help);
	}
}

static int bad_usage(const char *what, const char *value, const char *expected)
{
	fprintf(stderr, PROGRAM ": %s \"%s\": expected %s\n", what, value, expected);
	return EXIT_USAGE;
}

static int set_log_level(struct settings *s, const char *name)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };

	for (unsigned int i = 0; i < 4; i++) {
		if (strcmp(names[i], name) == 0) {
			s->log_level = (enum log_level)i;
			return 0;
		}
	}
	return bad_usage("log level", name, "error, warn, info or debug");
}

static int set_interface(struct settings *s, const char *name)
{
	int err = ha_conf_add_interface(&s->line, name);

	if (err == -ENOSPC)
		return bad_usage("interface", name, "fewer interfaces");
	return err < 0 ? bad_usage("interface", name, "a name of at most 15 characters") : 0;
}

static int set_drain(struct settings *s, const char *text)
{
	usec_t t;

	if (conf_duration_parse(text, &t) < 0 || t < USEC_S || t > HA_DRAIN_MAX)
		return bad_usage("drain", text, "a time from 1s to 7d");
	s->line.drain = t;
	return 0;
}

/* -1: go on; otherwise the exit code. */
static int take_option(struct settings *s, int id, const char *arg)
{
	int code = 0;

	switch (id) {
	case OPT_INTERFACE:
		code = set_interface(s, arg);
		break;
	case OPT_PREFIX:
		if (s->line.n_homes > 0)
			code = bad_usage("prefix", arg, "one only; the configuration takes more");
		else if (in6_prefix_parse(arg, &s->line.homes[0].prefix) == 0)
			s->line.n_homes = 1;
		else
			code = bad_usage("prefix", arg, "one such as 2001:db8:1:100::/56");
		break;
	case OPT_ADDRESS:
		if (in6_parse(arg, &s->line.common_address) < 0)
			code = bad_usage("address", arg, "an IPv6 address");
		break;
	case OPT_STATE_DIR:
		s->state_dir = arg;
		break;
	case OPT_CONTROL:
		s->control = arg;
		break;
	case OPT_DATAPATH:
		if (ha_conf_set_datapath(&s->line, arg) < 0)
			code = bad_usage("data path", arg, "ip6tnl, seg6 or null");
		break;
	case OPT_DRAIN:
		code = set_drain(s, arg);
		break;
	case OPT_CONFIG:
		s->config = arg;
		break;
	case OPT_CHECK_CONFIG:
		s->check_config = true;
		break;
	case OPT_CLEANUP:
		s->cleanup = true;
		break;
	case OPT_LOG_LEVEL:
		code = set_log_level(s, arg);
		break;
	case OPT_HELP:
		usage(stdout);
		return EXIT_SUCCESS;
	case OPT_VERSION:
		puts(PROGRAM " " PACKAGE_VERSION);
		return EXIT_SUCCESS;
	default:		/* getopt has said what is wrong */
		fprintf(stderr, "Try '" PROGRAM " --help'.\n");
		return EXIT_USAGE;
	}
	return code == 0 ? -1 : code;
}

static int take_options(struct settings *s, int argc, char **argv)
{
	struct option options[N_OPTIONS + 1];
	int id, code;

	memset(options, 0, sizeof(options));
	for (size_t i = 0; i < N_OPTIONS; i++)
		options[i] = table[i].option;
	while ((id = getopt_long(argc, argv, "", options, NULL)) != -1) {
		code = take_option(s, id, optarg);
		if (code >= 0)
			return code;
	}
	if (optind < argc)
		return bad_usage("argument", argv[optind], "options only");
	return -1;
}

/* ---- configuration ---- */

static void report(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "%s\n", text);
}

static const char *config_path(const struct settings *s)
{
	return s->config ? s->config : HA_CONF_PATH;
}

/* 0, or the exit code. */
static int read_config(struct settings *s)
{
	const char *path = config_path(s);
	unsigned int errors;
	size_t len;
	char *text;
	int err = file_read(path, HA_CONF_MAX, &text, &len);

	if (err == -ENOENT && !s->config)
		return 0;
	if (err < 0) {
		fprintf(stderr, PROGRAM ": %s cannot be read: %s\n", path, strerror(-err));
		return EXIT_FAILURE;
	}
	errors = ha_conf_parse(&s->ha, path, text, len, report, NULL);
	explicit_bzero(text, len);
	free(text);
	if (errors > 0) {
		fprintf(stderr, PROGRAM ": %s has %u error%s; nothing of it is used\n", path,
			errors, errors == 1 ? "" : "s");
		return EXIT_FAILURE;
	}
	return 0;
}

/* Are the files that the configuration names what they should be? The start reads them anyway. */
static int check_keys(const struct settings *s)
{
	struct tls_context *context;
	char why[TLS_WHY_MAX];
	int err = keyserver_read(&s->ha.bootstrap, why, &context);

	if (err == 0) {
		tls_context_free(context);
		return 0;
	}
	fprintf(stderr, PROGRAM ": %s: keys: %s\n", config_path(s), why);
	return EXIT_FAILURE;
}

static int settle_config(struct settings *s)
{
	const char *wrong;
	int code = read_config(s);

	if (code != 0)
		return code;
	ha_conf_override(&s->ha, &s->line);
	wrong = ha_config_check(&s->ha);
	if (!wrong)
		return s->check_config ? check_keys(s) : 0;
	fprintf(stderr, PROGRAM ": %s\n", wrong);
	/* Without interface and prefix it is the command line that is not complete. */
	return s->ha.n_interfaces == 0 || s->ha.n_homes == 0 ? EXIT_USAGE : EXIT_FAILURE;
}

/* ---- running ---- */

struct watchdog {
	struct timer timer;
	struct timers *timers;
	usec_t period;
};

static void on_watchdog(void *ctx, usec_t now)
{
	struct watchdog *w = ctx;

	notify_send("WATCHDOG=1");
	(void)timer_set(w->timers, &w->timer, now + w->period);
}

static void on_late(void *ctx, usec_t by)
{
	(void)ctx;
	log_info("%lld s late: the computer slept, or the process was stopped; what has ended "
		 "meanwhile ends now", (long long)(by / USEC_S));
}

struct stop {
	struct loop *loop;
	struct ha *ha;
	const struct ha_config *cfg;	/* as it is when a signal comes */
	const struct ha_reload *reload;
	bool told;			/* once already: the next time at once */
	bool keep;			/* the next run goes on with what is in the kernel */
};

/* Draining takes longer than a service manager waits for the end of others. */
static void ask_for_time(usec_t t)
{
	char text[64];

	snprintf(text, sizeof(text), "EXTEND_TIMEOUT_USEC=%lld",
		 (long long)(t + HA_DRAIN_LAST + DRAIN_MARGIN));
	notify_send(text);
}

static void on_signal(void *ctx, int signo)
{
	struct stop *s = ctx;

	if (signo == SIGTERM && s->cfg->drain > 0 && !s->told) {
		s->told = true;
		if (ha_drain(s->ha, s->cfg->drain, true, clock_now()) == 0) {
			ask_for_time(s->cfg->drain);
			return;
		}
	}
	s->keep = signo == SIGUSR1;
	log_info("signal %d: stopping%s", signo, s->keep ? ", the kernel goes on" : "");
	loop_stop(s->loop);
}

static void log_line(void *ctx, const char *line)
{
	(void)ctx;
	log_error("%s", line);
}

static void on_hangup(void *ctx, int signo)
{
	const struct stop *s = ctx;
	char changed[128];

	(void)signo;
	(void)ha_reload(s->reload, log_line, NULL, changed, sizeof(changed));
}

static int complain(const char *why)
{
	fprintf(stderr, PROGRAM ": %s\n", why);
	return EXIT_FAILURE;
}

static int check_privileges(void)
{
	const char *missing = NULL;
	char why[128];

	if (caps_check(&missing) == 0)
		return 0;
	snprintf(why, sizeof(why), "%s is missing; start it as root or by systemd",
		 missing ? missing : "a capability");
	return complain(why);
}

/* A name on the command line is meant now; one of the configuration may come later. */
static int check_interfaces(const struct ha_config *line)
{
	char why[128];
	struct rt_link l;
	struct nl *nl;
	int code = 0;

	if (nl_open(NETLINK_ROUTE, &nl) < 0)
		return 0;		/* io_open() will say so */
	for (unsigned int i = 0; i < line->n_interfaces && code == 0; i++) {
		if (rt_link_by_name(nl, line->interfaces[i], &l) != -ENODEV)
			continue;
		snprintf(why, sizeof(why), "there is no interface %s; expected one that `ip link' "
			 "lists", line->interfaces[i]);
		code = complain(why);
	}
	nl_free(nl);
	return code;
}

/* What a daemon at work has in the kernel is neither removed nor taken over. */
static int check_alone(void)
{
	char other[ALONE_STR_MAX], why[192];
	int err = alone_claim(other);

	if (err == 0)
		return 0;
	if (err != -EADDRINUSE)
		snprintf(why, sizeof(why), "no local socket: %s", strerror(-err));
	else
		snprintf(why, sizeof(why), "%s runs here already; expected neither dmip6-mnd nor "
			 "dmip6-had in this network namespace: stop it first", other);
	return complain(why);
}

static int cleanup(void)
{
	int n = check_privileges();

	if (n == 0)
		n = check_alone();
	if (n != 0)
		return n;
	n = io_cleanup();
	if (n < 0)
		return complain(strerror(-n));
	printf("removed %d\n", n);
	return EXIT_SUCCESS;
}

/* A daemon of another network namespace may answer on the socket. */
static int open_control(struct ha_ctl *ctl, struct loop *loop, const char *path)
{
	const char *slash = strrchr(path, '/');
	char text[IO_WHY];
	int err = 0;

	if (slash && slash != path && (size_t)(slash - path) < sizeof(text)) {
		snprintf(text, sizeof(text), "%.*s", (int)(slash - path), path);
		err = file_make_dir(text);
	}
	if (err == 0)
		err = ha_ctl_open(ctl, loop, path);
	if (err == 0)
		return 0;
	if (err == -EADDRINUSE)
		snprintf(text, sizeof(text), "another daemon answers on %.200s", path);
	else
		snprintf(text, sizeof(text), "control socket %.200s: %s", path, strerror(-err));
	return complain(text);
}

static int run(struct loop *loop, struct settings *s)
{
	struct ha_reload reload = {
		.path = config_path(s), .required = s->config, .line = &s->line,
		.in_force = &s->ha,
	};
	struct watchdog watchdog = { .timers = loop_timers(loop), .period = notify_watchdog() };
	struct stop stop = { .loop = loop, .cfg = &s->ha, .reload = &reload };
	struct ha_ctl ctl = { .reload = &reload };
	struct io_config cfg = {
		.ha = &s->ha, .state_dir = s->state_dir, .event = ha_ctl_event, .event_ctx = &ctl,
	};
	char why[IO_WHY];
	int err = check_alone();

	if (err == 0)
		err = open_control(&ctl, loop, s->control);
	if (err != 0)
		return err;
	if (io_open(loop, &cfg, why, &ctl.io) < 0) {
		ha_ctl_close(&ctl);
		return complain(why);
	}
	stop.ha = &ctl.io->ha;
	reload.keyserver = ctl.io->keyserver;
	reload.ha = &ctl.io->ha;
	if (loop_signal_add(loop, SIGTERM, on_signal, &stop) < 0 ||
	    loop_signal_add(loop, SIGINT, on_signal, &stop) < 0 ||
	    loop_signal_add(loop, SIGUSR1, on_signal, &stop) < 0 ||
	    loop_signal_add(loop, SIGHUP, on_hangup, &stop) < 0)
		log_warn("signals cannot be caught");
	err = caps_drop();
	if (err < 0)
		log_warn("privileges could not be dropped: %s", strerror(-err));
	if (!io_forwarding())
		log_warn("IPv6 forwarding is off on this machine: no packet of any host passes");
	if (ha_config_insecure(&s->ha))
		log_warn("INSECURE: registrations need no key on %s: anybody can have any host's "
			 "packets", in6_prefix_str(&ha_config_insecure(&s->ha)->prefix).s);
	else if (s->ha.n_keys == 0 && s->ha.bootstrap.off && !s->ha.ipsec_required)
		log_warn("no key is configured: no Binding Update can be accepted");
	if (s->ha.hmac_sha1)
		log_warn("HMAC-SHA1-96 is allowed: keys of SPI 3 are weaker than others");
	if (ha_conf_has_secrets(&s->ha) && file_is_public(config_path(s)))
		log_warn("%s holds keys and is readable for everybody; expected mode 640",
			 config_path(s));
	timer_init(&watchdog.timer, "watchdog", on_watchdog, &watchdog);
	if (watchdog.period > 0)
		on_watchdog(&watchdog, clock_now());
	notify_send("READY=1");

	loop_late(loop, on_late, NULL);

	err = loop_run(loop);
	notify_send("STOPPING=1");
	timer_stop(loop_timers(loop), &watchdog.timer);
	ha_ctl_close(&ctl);
	io_close(ctl.io, stop.keep);
	return err < 0 ? complain(strerror(-err)) : EXIT_SUCCESS;
}

static int start(struct settings *s)
{
	uint8_t seed[16];
	struct loop_io *alone = NULL;
	struct loop *loop;
	int code = check_privileges();

	if (code == 0)
		code = check_interfaces(&s->line);
	if (code != 0)
		return code;
	umask(077);
	log_init(PROGRAM, s->log_level);
	clock_random(seed, sizeof(seed));
	hash_seed(seed);
	if (loop_new(&loop) < 0)
		return complain("no event loop");
	(void)alone_serve(loop, &alone);
	code = run(loop, s);
	loop_io_del(alone);
	loop_free(loop);
	return code;
}

int main(int argc, char **argv)
{
	struct settings s = {
		.state_dir = STATE_DIR, .control = CONTROL, .log_level = LOG_LEVEL_INFO,
	};
	int code;

	ha_config_defaults(&s.ha);
	code = take_options(&s, argc, argv);
	if (code >= 0)
		return code;
	if (s.cleanup)
		return cleanup();
	code = settle_config(&s);
	if (code == 0 && !s.check_config)
		code = start(&s);
	ha_conf_wipe(&s.ha);
	return code;
}
