/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One data path backend, held open in the namespace this runs in, for tests and benchmarks in
 * Python: commands line by line on standard input, one answer line each ("ok", numbers, or
 * "error: ..."). At the end of input everything is removed.
 *
 *	dp_tool BACKEND ha|mn DEVICE [MSS]
 *	endpoint ADDR | set INNER LOCAL REMOTE [MTU] | del INNER | stats INNER | drops | repair
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/log.h"
#include "common/datapath/datapath.h"

#define WORDS	5

static struct in6_addr addr_of(const char *text)
{
	struct in6_addr a;

	if (in6_parse(text, &a) < 0) {
		fprintf(stderr, "dp_tool: not an address: %s\n", text);
		exit(2);
	}
	return a;
}

static struct in6_prefix host(const char *text)
{
	return (struct in6_prefix){ addr_of(text), 128 };
}

static int show_stats(struct dp *dp, const char *inner)
{
	const struct in6_prefix p = host(inner);
	struct dp_stats st;
	int err = dp->ops->stats(dp, &p, &st);

	if (err == 0)
		printf("%llu %llu\n", (unsigned long long)st.tx_packets,
		       (unsigned long long)st.rx_packets);
	return err < 0 ? err : 1;
}

static int show_drops(struct dp *dp)
{
	struct dp_drops d;
	int err = dp->ops->drops(dp, &d);

	if (err == 0)
		printf("%llu %llu %llu\n", (unsigned long long)d.forged,
		       (unsigned long long)d.congestion, (unsigned long long)d.errors);
	return err < 0 ? err : 1;
}

/* Negative errno; 0: done; 1: done and answered. */
static int command(struct dp *dp, char *const word[WORDS], unsigned int n)
{
	if (n == 2 && strcmp(word[0], "endpoint") == 0) {
		const struct in6_addr a = addr_of(word[1]);

		return dp->ops->endpoint_add(dp, &a);
	}
	if ((n == 4 || n == 5) && strcmp(word[0], "set") == 0) {
		const struct dp_binding b = {
			.inner = host(word[1]), .local = addr_of(word[2]),
			.remote = addr_of(word[3]),
			.mtu = n == 5 ? (uint16_t)strtoul(word[4], NULL, 10) : 0,
		};

		return dp->ops->set(dp, &b);
	}
	if (n == 2 && strcmp(word[0], "del") == 0) {
		const struct in6_prefix p = host(word[1]);

		return dp->ops->del(dp, &p);
	}
	if (n == 2 && strcmp(word[0], "stats") == 0)
		return show_stats(dp, word[1]);
	if (n == 1 && strcmp(word[0], "drops") == 0)
		return show_drops(dp);
	if (n == 1 && strcmp(word[0], "repair") == 0) {
		int put_back = dp->ops->repair(dp);

		if (put_back >= 0)
			printf("%d\n", put_back);
		return put_back < 0 ? put_back : 1;
	}
	return -EINVAL;
}

static void serve(struct dp *dp)
{
	char line[256];

	while (fgets(line, sizeof(line), stdin)) {
		char *word[WORDS], *at = line;
		unsigned int n = 0;
		int err;

		for (char *w; n < WORDS && (w = strtok(at, " \n")); at = NULL)
			word[n++] = w;
		err = command(dp, word, n);
		if (err == 0)
			puts("ok");
		else if (err < 0)
			printf("error: %s\n", strerror(-err));
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	const struct dp_ops *ops;
	struct dp_config cfg = { .table_base = DP_TABLE_BASE };
	struct dp *dp;
	char why[512];
	int err;

	if (argc != 4 && argc != 5) {
		fprintf(stderr, "usage: dp_tool BACKEND ha|mn DEVICE [MSS]\n");
		return 2;
	}
	log_init("dp_tool", LOG_LEVEL_WARN);
	if (dp_choose(argv[1], &ops, why, sizeof(why)) < 0) {
		printf("error: %s\n", why);
		return 1;
	}
	cfg.role = strcmp(argv[2], "mn") == 0 ? DP_ROLE_MN : DP_ROLE_HA;
	cfg.device = argv[3];
	cfg.mss = argc == 5 ? (uint16_t)strtoul(argv[4], NULL, 10) : 0;
	err = ops->open(&cfg, &dp);
	if (err < 0) {
		printf("error: %s\n", strerror(-err));
		return 1;
	}
	puts("ok");
	fflush(stdout);
	serve(dp);
	ops->close(dp, false);
	return 0;
}
