/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dmip6-mnd, the MN daemon: options, configuration, privileges, start and stop. What it
 * does in between is in io.c and mn.c. Documented in dmip6-mnd(8).
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/core/hash.h"
#include "common/core/log.h"
#include "common/sys/alone.h"
#include "common/sys/caps.h"
#include "common/sys/clock.h"
#include "common/sys/file.h"
#include "common/sys/notify.h"
#include "mn-agent/keyclient.h"
#include "mn-agent/mnd.h"

#define EXIT_USAGE	2

enum option_id {
	OPT_INTERFACE = 1000, OPT_STATE_DIR, OPT_CONTROL, OPT_DATAPATH, OPT_CONFIG, OPT_CHECK,
	OPT_CLEANUP, OPT_LOG_LEVEL, OPT_HELP, OPT_VERSION,
};

static const struct option options[] = {
	{ "interface", required_argument, NULL, OPT_INTERFACE },
	{ "state-dir", required_argument, NULL, OPT_STATE_DIR },
	{ "control", required_argument, NULL, OPT_CONTROL },
	{ "datapath", required_argument, NULL, OPT_DATAPATH },
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "check-config", no_argument, NULL, OPT_CHECK },
	{ "cleanup", no_argument, NULL, OPT_CLEANUP },
	{ "log-level", required_argument, NULL, OPT_LOG_LEVEL },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ 0 }
};

static const char help[] =
	"usage: dmip6-mnd [options]\n"
	"  --interface IF    use this interface only (repeatable, in order of preference)\n"
	"  --state-dir D     where anchors are kept over a restart (" MND_STATE_DIR ")\n"
	"  --control S       control socket (" MND_CONTROL ")\n"
	"  --datapath N      ip6tnl, seg6 or null (default: the first that works)\n"
	"  --config F        configuration file (" MND_CONFIG ", if it is there)\n"
	"  --check-config    check the configuration and exit\n"
	"  --cleanup         remove what a killed daemon left in the kernel and exit\n"
	"  --log-level L     error, warn, info (default) or debug\n"
	"  --help, --version\n";

struct arguments {
	const char *control, *level;
	bool check, cleanup;
};

static int usage(const char *what, const char *value, const char *expected)
{
	fprintf(stderr, "dmip6-mnd: %s%s%s; expected %s\n", what, value ? " " : "",
		value ? value : "", expected);
	return EXIT_USAGE;
}

static int parse_level(const char *s)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };

	for (int n = 0; n < 4; n++)
		if (strcmp(s, names[n]) == 0)
			return n;
	return -1;
}

/* 0: go on; otherwise the exit code + 1. */
static int parse_options(int argc, char **argv, struct arguments *a, struct mnd *d)
{
	struct mnd_options *o = &d->options;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case OPT_INTERFACE:
			if (o->n_interfaces == MN_INTERFACES_MAX)
				return 1 + usage("too many interfaces", NULL, "at most 16");
			o->interfaces[o->n_interfaces++] = optarg;
			break;
		case OPT_STATE_DIR: d->state_dir = optarg; break;
		case OPT_CONTROL: a->control = optarg; break;
		case OPT_DATAPATH: o->datapath = optarg; break;
		case OPT_CONFIG: o->config = optarg; break;
		case OPT_CHECK: a->check = true; break;
		case OPT_CLEANUP: a->cleanup = true; break;
		case OPT_LOG_LEVEL:
			if (parse_level(optarg) < 0)
				return 1 + usage("log level", optarg, "error, warn, info or debug");
			a->level = optarg;
			break;
		case OPT_HELP:
			fputs(help, stdout);
			return 1;
		case OPT_VERSION:
			puts("dmip6-mnd " PACKAGE_VERSION);
			return 1;
		case '?':		/* getopt has said what */
			fputs(help, stderr);
			return 1 + EXIT_USAGE;
		}
	}
	if (optind < argc)
		return 1 + usage("argument", argv[optind], "options only (--help lists them)");
	return 0;
}

static void report(void *ctx, const char *line)
{
	(void)ctx;
	fprintf(stderr, "%s\n", line);
}

static const char *config_path(const struct mnd *d)
{
	return d->options.config ? d->options.config : MND_CONFIG;
}

static void say_checked(const struct mnd *d)
{
	const char *path = config_path(d);

	if (access(path, F_OK) < 0)
		printf("%s is not there: everything is as by default\n", path);
	else
		printf("%s: ok\n", path);
}

/* 0, or an exit code after telling why. */
static int check_options(struct mnd_options *o)
{
	struct mn_settings scratch = { 0 };

	for (unsigned int n = 0; n < o->n_interfaces; n++)
		if (mn_conf_add_interface(&scratch, o->interfaces[n]))
			return usage("interface", o->interfaces[n], "a name such as wlan0");
	if (!o->datapath)
		return 0;
	for (const struct dp_ops *const *p = dp_all(); *p; p++)
		if (strcmp((*p)->name, o->datapath) == 0) {
			o->datapath = (*p)->name;
			return 0;
		}
	return usage("data path", o->datapath, "ip6tnl, seg6 or null");
}

/* Those of the command line must be there; those of the file may be plugged in later. */
static int check_interfaces(const struct mnd_options *o)
{
	struct rt_link l;
	struct nl *nl;
	int code = 0;

	if (nl_open(NETLINK_ROUTE, &nl))
		return 0;		/* mnd_open() will say so */
	for (unsigned int n = 0; n < o->n_interfaces; n++) {
		if (strchr(o->interfaces[n], '*') ||
		    rt_link_by_name(nl, o->interfaces[n], &l) != -ENODEV)
			continue;
		fprintf(stderr, "dmip6-mnd: there is no interface %s; expected one that "
			"`ip link' lists\n", o->interfaces[n]);
		code = EXIT_FAILURE;
	}
	nl_free(nl);
	return code;
}

static int make_state_dir(const char *path)
{
	int r = file_make_dir(path);

	if (r == 0)
		return 0;
	fprintf(stderr, "dmip6-mnd: state directory %s: %s\n", path, strerror(-r));
	return EXIT_FAILURE;
}

static void on_signal(void *ctx, int signo)
{
	struct mnd *d = ctx;

	d->keep = signo == SIGUSR1;
	loop_stop(d->loop);
}

static void log_line(void *ctx, const char *line)
{
	(void)ctx;
	log_error("%s", line);
}

static void on_hangup(void *ctx, int signo)
{
	char changed[128];

	(void)signo;
	(void)mnd_reload(ctx, log_line, NULL, changed, sizeof(changed));
}

/* What a daemon at work has in the kernel is neither removed nor taken over. */
static int check_alone(void)
{
	char other[ALONE_STR_MAX];
	int r = alone_claim(other);

	if (r == -EADDRINUSE)
		fprintf(stderr, "dmip6-mnd: %s runs here already; expected neither dmip6-mnd nor "
			"dmip6-had in this network namespace: stop it first\n", other);
	else if (r < 0)
		fprintf(stderr, "dmip6-mnd: no local socket: %s\n", strerror(-r));
	return r < 0 ? EXIT_FAILURE : 0;
}

static int cleanup(const struct mn_settings *s)
{
	int states = ipsec_cleanup(), n = dp_cleanup(s->table_base, MND_DEVICE);

	if (n >= 0)
		n = states < 0 ? states : n + states;
	if (n < 0) {
		fprintf(stderr, "dmip6-mnd: cleanup: %s\n", strerror(-n));
		return EXIT_FAILURE;
	}
	printf("%d thing%s removed\n", n, n == 1 ? "" : "s");
	return 0;
}

static int open_control(struct mnd *d, const char *path)
{
	int r = ctl_open(d->loop, path, mnd_methods, d, &d->ctl);

	if (r == -EADDRINUSE)
		fprintf(stderr, "dmip6-mnd: another daemon answers on %s; expected none "
			"(stop it, or give --control)\n", path);
	else if (r)
		fprintf(stderr, "dmip6-mnd: control socket %s: %s\n", path, strerror(-r));
	return r;
}

/* Beside the control socket, in whose place no other daemon is. Programs do without. */
static void open_applications(struct mnd *d, const char *control)
{
	static const char name[] = "applications.sock";
	const char *slash = strrchr(control, '/');
	int folder = slash ? (int)(slash - control) + 1 : 0, r;
	char path[256];

	r = (size_t)snprintf(path, sizeof(path), "%.*s%s", folder, control, name) < sizeof(path) ?
	    app_open(d->loop, &d->mn, path, &d->app) : -ENAMETOOLONG;
	if (r)
		log_warn("programs cannot ask for addresses: %s: %s", path, strerror(-r));
}

static int run(struct mnd *d, const struct arguments *a)
{
	struct loop_io *alone = NULL;
	const char *what = "loop";
	uint8_t seed[16];
	int r;

	clock_random(seed, sizeof(seed));
	hash_seed(seed);
	r = loop_new(&d->loop);
	if (r == 0)
		r = open_control(d, a->control);
	if (r)
		return EXIT_FAILURE;
	(void)alone_serve(d->loop, &alone);
	loop_signal_add(d->loop, SIGTERM, on_signal, d);
	loop_signal_add(d->loop, SIGINT, on_signal, d);
	loop_signal_add(d->loop, SIGUSR1, on_signal, d);
	loop_signal_add(d->loop, SIGHUP, on_hangup, d);
	r = mnd_open(d, &what);
	if (r)
		fprintf(stderr, "dmip6-mnd: %s: %s\n", what, strerror(-r));
	if (r == 0)
		open_applications(d, a->control);
	if (r == 0)
		r = caps_drop();
	if (r == 0) {
		notify_send("READY=1");
		if (d->settings.mn.hmac_sha1)
			log_warn("HMAC-SHA1-96 is allowed: keys of SPI 3 are weaker than others");
		if (d->settings.mn.n_keys == 0 && d->settings.mn.key_modes.n == 0 &&
		    !d->settings.mn.anchor.ipsec)
			log_warn("no key is configured: no flow survives a move");
		else if ((d->settings.mn.n_keys > 0 || d->settings.keys.psk_len > 0) &&
			 file_is_public(config_path(d)))
			log_warn("%s holds keys and is readable for everybody; expected mode 640",
				 config_path(d));
		log_info("running");
		r = loop_run(d->loop);
		notify_send("STOPPING=1");
	}
	app_close(d->app);
	d->app = NULL;
	mnd_close(d);
	ctl_close(d->ctl);
	loop_io_del(alone);
	loop_free(d->loop);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Are the files that the configuration names what they should be? The start reads them anyway. */
static int check_keys(const struct mnd *d)
{
	struct tls_context *context;
	char why[TLS_WHY_MAX];

	if (keyclient_read(&d->settings.mn.key_modes, &d->settings.keys, why, &context)) {
		fprintf(stderr, "dmip6-mnd: %s: keys: %s\n", config_path(d), why);
		return EXIT_FAILURE;
	}
	tls_context_free(context);
	return 0;
}

int main(int argc, char **argv)
{
	static struct mnd d;
	struct arguments a = { .control = MND_CONTROL, .level = "info" };
	const char *missing;
	int code;

	d.state_dir = MND_STATE_DIR;
	code = parse_options(argc, argv, &a, &d);
	if (code)
		return code - 1;
	log_init("dmip6-mnd", (enum log_level)parse_level(a.level));
	code = check_options(&d.options);
	if (code == 0 && mnd_settings_read(&d.options, &d.settings, report, NULL) > 0)
		code = EXIT_FAILURE;
	if (code == 0 && a.check)
		code = check_keys(&d);
	if (code == 0 && a.check)
		say_checked(&d);
	if (code || a.check)
		goto out;
	if (caps_check(&missing)) {
		fprintf(stderr, "dmip6-mnd: %s is missing; expected to be started by root or with "
			"CAP_NET_ADMIN and CAP_NET_RAW\n", missing);
		code = EXIT_FAILURE;
		goto out;
	}
	code = check_alone();
	if (code)
		goto out;
	if (a.cleanup) {
		code = cleanup(&d.settings);
		goto out;
	}
	code = check_interfaces(&d.options);
	if (code == 0)
		code = make_state_dir(d.state_dir);
	if (code == 0)
		code = run(&d, &a);
out:
	mn_conf_wipe(&d.settings);
	return code;
}
