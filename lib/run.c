/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dmip6-run(1): starts a program whose sockets get addresses of a class, by preload.c; or has
 * systemd do so for a unit, by a drop-in. Owns nothing; needs no privilege to start a program.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/run.h"

#define UNITS		"/etc/systemd/system"
#define DROP_IN		"50-dmip6.conf"
#define PATH_ROOM	1024

enum exit_code {			/* as env(1) has them, of what is not the program's own */
	EXIT_USAGE = 2, EXIT_REFUSED = 125, EXIT_CANNOT = 126, EXIT_NO_PROGRAM = 127,
};

enum { OPT_CLASS = 1000, OPT_ANCHOR, OPT_QUIET, OPT_HELP, OPT_VERSION };

static const struct option options[] = {
	{ "class", required_argument, NULL, OPT_CLASS },
	{ "anchor", required_argument, NULL, OPT_ANCHOR },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ 0 }
};

static const char help[] =
	"usage: dmip6-run [options] [--] COMMAND [ARGUMENT ...]\n"
	"       dmip6-run [options] enable UNIT\n"
	"       dmip6-run disable UNIT\n"
	"  --class C   nonpersistent, session (the default), fixed or graceful\n"
	"  --anchor A  the name of a home, or an address of an anchor\n"
	"  --quiet     do not say how it is done\n"
	"  --help, --version\n";

struct wanted {
	const char *class, *anchor;
	bool quiet;
};

__attribute__((format(printf, 1, 2)))
static void complain(const char *fmt, ...)
{
	va_list ap;

	fputs("dmip6-run: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* In the folder of a build beside this program, or where it is installed. */
static bool find_preload(char ret[PATH_ROOM])
{
	ssize_t n = readlink("/proc/self/exe", ret, PATH_ROOM - 1);
	char *slash;

	if (n > 0) {
		ret[n] = '\0';
		slash = strrchr(ret, '/');
		if (slash && (size_t)(slash - ret) + sizeof("/lib/" RUN_PRELOAD) <= PATH_ROOM) {
			strcpy(slash, "/lib/" RUN_PRELOAD);
			if (access(ret, R_OK) == 0)
				return true;
		}
	}
	return (size_t)snprintf(ret, PATH_ROOM, "%s", PRELOAD_DIR "/" RUN_PRELOAD) < PATH_ROOM &&
	       access(ret, R_OK) == 0;
}

static const char *why(int err)
{
	switch (err) {
	case EADDRNOTAVAIL:
		return "there is no such address now";
	case EPERM:
		return "the configuration of dmip6-mnd does not allow it to you";
	case EINVAL:
		return "there is no such anchor";
	case ECONNREFUSED:
		return "dmip6-mnd does not run";
	case ETIMEDOUT:
		return "dmip6-mnd does not answer";
	default:
		return strerror(err);
	}
}

/* Before the program is started: the answer may be another when it asks, but who mistypes a name
 * learns it here. 0 or an exit code. */
static int ask_first(const struct wanted *w)
{
	struct in6_addr address;

	if (dmip6_address(run_class(w->class), w->anchor, &address) == 0)
		return 0;
	if (errno == ECONNREFUSED || errno == ETIMEDOUT) {
		if (!w->quiet)
			complain("%s; the program runs as it would without", why(errno));
		return 0;
	}
	/* The newest address may be the kernel's to choose. */
	if (errno == EADDRNOTAVAIL && run_class(w->class) == DMIP6_NONPERSISTENT)
		return 0;
	complain("class %s%s%s: %s", w->class, w->anchor ? " of " : "", w->anchor ? w->anchor : "",
		 why(errno));
	return EXIT_REFUSED;
}

static bool put_preload(const char *path)
{
	const char *there = getenv("LD_PRELOAD");
	size_t len = strlen(path) + (there ? strlen(there) : 0) + 2;
	char *all = malloc(len);
	bool ok;

	if (!all)
		return false;
	/* What is there stays: it comes after us, as it would see the calls without us. */
	(void)snprintf(all, len, "%s%s%s", path, there && there[0] ? ":" : "", there ? there : "");
	ok = setenv("LD_PRELOAD", all, 1) == 0;
	free(all);
	return ok;
}

static int start(const struct wanted *w, char **command)
{
	char path[PATH_ROOM];
	int code = ask_first(w);

	if (code)
		return code;
	if (!find_preload(path)) {
		complain(RUN_PRELOAD " is not there; expected it in " PRELOAD_DIR);
		return EXIT_CANNOT;
	}
	if (setenv(RUN_CLASS, w->class, 1) < 0 || !put_preload(path) ||
	    (w->anchor ? setenv(RUN_ANCHOR, w->anchor, 1) : unsetenv(RUN_ANCHOR)) < 0) {
		complain("%s", strerror(errno));
		return EXIT_CANNOT;
	}
	if (!w->quiet)
		complain("by a preloaded library; static and set-user-ID programs are not reached");
	execvp(command[0], command);
	complain("%s: %s", command[0], strerror(errno));
	return errno == ENOENT ? EXIT_NO_PROGRAM : EXIT_CANNOT;
}

/* ---- units ---- */

static bool is_unit(const char *s)
{
	size_t len = strlen(s);

	return len > 8 && len < 200 && strcmp(s + len - 8, ".service") == 0 && !strchr(s, '/') &&
	       s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			   ":-_.\\@")] == '\0';
}

static int unit_paths(const char *unit, char folder[PATH_ROOM], char file[PATH_ROOM])
{
	const char *units = secure_getenv("DMIP6_UNITS");

	if (!is_unit(unit)) {
		complain("\"%s\" is no unit; expected the name of a service such as sshd.service",
			 unit);
		return EXIT_USAGE;
	}
	(void)snprintf(folder, PATH_ROOM, "%s/%s.d", units ? units : UNITS, unit);
	if ((size_t)snprintf(file, PATH_ROOM, "%s/" DROP_IN, folder) < PATH_ROOM)
		return 0;
	complain("%s: too long", unit);
	return EXIT_CANNOT;
}

static int cannot(const char *path)
{
	complain("%s: %s", path, strerror(errno));
	return EXIT_CANNOT;
}

static void say_reload(const struct wanted *w, const char *unit)
{
	if (!w->quiet)
		complain("\"systemctl daemon-reload && systemctl restart %s\" puts it into effect",
			 unit);
}

/* Nobody's unit is edited: what is written stands beside it, and is taken away whole. */
static int enable(const struct wanted *w, const char *unit)
{
	char folder[PATH_ROOM], file[PATH_ROOM], preload[PATH_ROOM];
	int code = unit_paths(unit, folder, file);
	FILE *f;

	if (code)
		return code;
	if (!find_preload(preload)) {
		complain(RUN_PRELOAD " is not there; expected it in " PRELOAD_DIR);
		return EXIT_CANNOT;
	}
	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return cannot(folder);
	f = fopen(file, "w");
	if (!f)
		return cannot(file);
	fprintf(f, "# Made by dmip6-run enable; dmip6-run disable %s takes it away.\n[Service]\n"
		"Environment=LD_PRELOAD=%s\nEnvironment=" RUN_CLASS "=%s\n", unit, preload, w->class);
	if (w->anchor)
		fprintf(f, "Environment=\"" RUN_ANCHOR "=%s\"\n", w->anchor);
	if (fclose(f) != 0)
		return cannot(file);
	say_reload(w, unit);
	return 0;
}

static int disable(const struct wanted *w, const char *unit)
{
	char folder[PATH_ROOM], file[PATH_ROOM];
	int code = unit_paths(unit, folder, file);

	if (code)
		return code;
	if (unlink(file) < 0)
		return cannot(file);
	(void)rmdir(folder);		/* others may have something there */
	say_reload(w, unit);
	return 0;
}

/* It would be part of a file, and of an environment. */
static bool is_anchor(const char *s)
{
	return s[0] != '\0' && strlen(s) < 48 && s[strspn(s, "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.")] == '\0';
}

static int usage(const char *what, const char *value)
{
	complain("%s%s%s", what, value ? ": " : "", value ? value : "");
	fputs(help, stderr);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct wanted w = { .class = "session" };
	int c;

	/* What stands behind the command is its own. */
	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (c) {
		case OPT_CLASS:
			if (run_class(optarg) == 0)
				return usage("no class of addresses", optarg);
			w.class = optarg;
			break;
		case OPT_ANCHOR:
			if (!is_anchor(optarg))
				return usage("no name of an anchor", optarg);
			w.anchor = optarg;
			break;
		case OPT_QUIET:
			w.quiet = true;
			break;
		case OPT_HELP:
			fputs(help, stdout);
			return 0;
		case OPT_VERSION:
			puts("dmip6-run " PACKAGE_VERSION);
			return 0;
		default:		/* getopt has said what */
			fputs(help, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		return usage("nothing to run", NULL);
	if (strcmp(argv[optind], "enable") == 0 && optind + 2 == argc)
		return enable(&w, argv[optind + 1]);
	if (strcmp(argv[optind], "disable") == 0 && optind + 2 == argc)
		return disable(&w, argv[optind + 1]);
	return start(&w, argv + optind);
}
