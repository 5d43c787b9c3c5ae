/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What keys that were given out cost the home agent: sa_cost N... Octets of memory and of the file
 * for each, and the time of a Binding Update signed with one, from the packet to the
 * acknowledgement with the keys file written, among N of them. Without sockets and kernel.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/core/log.h"
#include "common/core/ntp.h"
#include "ha-agent/keyfile.h"
#include "tests/bench/registration.h"

#define UPDATES	100000U

static struct {
	struct ha_config cfg;
	struct ha ha;
	struct timers timers;
	struct recfile *file;
	uint64_t random;
	unsigned int acks;
	int64_t wall_us;
} w;

static int op_send_link(void *ctx, int ifindex, const uint8_t mac[6], const void *data, size_t len)
{
	(void)ctx, (void)ifindex, (void)mac, (void)data, (void)len;
	return 0;
}

static int op_send_routed(void *ctx, const void *data, size_t len)
{
	const uint8_t *p = data;

	(void)ctx;
	/* Behind a type 2 routing header: status in the acknowledgement. */
	w.acks += len > 70 && p[64 + 2] == MH_BA && p[64 + 6] < 128;
	return 0;
}

static int op_dp_set(void *ctx, const struct dp_binding *b)
{
	(void)ctx, (void)b;
	return 0;
}

static int op_dp_del(void *ctx, const struct in6_prefix *inner)
{
	(void)ctx, (void)inner;
	return 0;
}

static int op_lease_attach(void *ctx, const struct lease *l)
{
	(void)ctx, (void)l;
	return 0;
}

static void op_lease_detach(void *ctx, const struct lease *l)
{
	(void)ctx, (void)l;
}

static int op_lease_store(void *ctx, const struct ha_lease_record *r, bool durable)
{
	(void)ctx, (void)r, (void)durable;
	return 0;
}

static void op_binding_store(void *ctx, struct ha_binding_record *r)
{
	(void)ctx;
	r->place = 1;
}

static void op_binding_forget(void *ctx, const struct in6_addr *hoa, uint32_t place)
{
	(void)ctx, (void)hoa, (void)place;
}

static int op_sa_store(void *ctx, struct sa_record *r)
{
	(void)ctx;
	return keyfile_put(w.file, r);
}

static void op_sa_forget(void *ctx, uint32_t spi, uint32_t place)
{
	(void)ctx, (void)spi;
	(void)recfile_drop(w.file, place);
}

static int64_t op_wall_us(void *ctx)
{
	(void)ctx;
	return w.wall_us;
}

static void op_random(void *ctx, void *dst, size_t n)
{
	(void)ctx;
	w.random = w.random * 6364136223846793005U + 1442695040888963407U;
	memcpy(dst, &w.random, n);
}

static const struct ha_ops ops = {
	.send_link = op_send_link, .send_routed = op_send_routed, .dp_set = op_dp_set,
	.dp_del = op_dp_del, .lease_attach = op_lease_attach, .lease_detach = op_lease_detach,
	.lease_store = op_lease_store, .binding_store = op_binding_store,
	.binding_forget = op_binding_forget, .sa_store = op_sa_store,
	.sa_forget = op_sa_forget, .wall_us = op_wall_us, .random = op_random,
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
	fprintf(stderr, "sa_cost: %s\n", what);
	exit(1);
}

static struct in6_prefix prefix_of(uint32_t n)
{
	struct in6_prefix p = { .addr = bench_hoa(n), .len = 64 };

	in6_mask(&p.addr, 64);
	return p;
}

static void begin(uint32_t n)
{
	ha_config_defaults(&w.cfg);
	w.cfg.n_interfaces = 1;
	memcpy(w.cfg.interfaces[0], "lan0", 5);
	w.cfg.n_homes = 1;
	w.cfg.homes[0].prefix = (struct in6_prefix){ { { { 0x20, 1, 0xd, 0xb8 } } }, 32 };
	w.cfg.max_leases = w.cfg.max_bindings = w.cfg.bootstrap.max = n + 1;
	timers_init(&w.timers);
	if (ha_config_check(&w.cfg) || ha_init(&w.ha, &w.cfg, &ops, NULL, &w.timers, 0) < 0)
		die("no home agent");
	for (uint32_t i = 0; i < n; i++) {
		struct ha_lease_record r = {
			.mac = { 2, 0, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8),
				 (uint8_t)i },
			.prefix = prefix_of(i), .interface = "lan0", .until = 86400 * USEC_S,
		};

		if (ha_restore_lease(&w.ha, &r, 0) < 0)
			die("no lease");
	}
}

static void give(uint32_t n)
{
	uint8_t secret[BOOT_KEY_LEN] = { 1 };

	for (uint32_t i = 0; i < n; i++) {
		struct in6_prefix p = prefix_of(i);

		memcpy(secret, &i, sizeof(i));
		if (!sa_issue(&w.ha, sa_fresh_spi(&w.ha), &p, &w.cfg.homes[0].address,
			      BOOT_ON_LINK, "", secret, 86400 * USEC_S, 0))
			die("no key");
	}
}

/* The Binding Update number seq of node n; how many octets. */
static size_t build(uint32_t n, uint32_t seq, uint8_t room[MESSAGE_ROOM])
{
	struct in6_addr hoa = bench_hoa(n);
	const struct sa *s = sa_of_address(&w.ha, &hoa);
	struct ip6_packet ip = {
		.src = { { { 0x3f, 0xff, [15] = (uint8_t)(1 + seq % 100) } } },
		.dst = w.cfg.homes[0].address, .hop_limit = 64, .has_hao = true, .hao = hoa,
		.next_header = MH_NEXT_HEADER,
	};
	struct mh_msg m = { .type = MH_BU, .u.bu = {
		.seq = (uint16_t)(1 + seq), .flags = BU_ACK | BU_HOME, .lifetime = 100,
	} };

	m.opts.has_mesg_id = true;
	m.opts.mesg_id = ntp_time(w.wall_us);
	return s ? message_build(&ip, &m, &s->key.auth, &ip.src, &hoa, room) : 0;
}

static void quiet(void *ctx, enum log_level level, const char *line)
{
	(void)ctx, (void)level, (void)line;
}

static void measure(uint32_t n)
{
	static uint8_t room[256][MESSAGE_ROOM];
	size_t before, len[256];
	double t = 0, issue;

	memset(&w, 0, sizeof(w));
	w.wall_us = 1700000000 * USEC_S;
	begin(n);
	{
		char dir[] = P_tmpdir "/dmip6-sa-cost-XXXXXX", path[64], why[256];

		if (!mkdtemp(dir) || keyfile_open(dir, why, sizeof(why), &w.file) < 0)
			die("no file");
		snprintf(path, sizeof(path), "%s/had.keys", dir);
		unlink(path);
		rmdir(dir);
	}
	before = mallinfo2().uordblks;
	issue = seconds();
	give(n);
	issue = seconds() - issue;
	printf("%u keys: %zu octets of memory and 256 of the file each, %.1f us to make one\n", n,
	       (mallinfo2().uordblks - before) / n, issue / n * 1e6);
	for (uint32_t at = 0; at < UPDATES; at += 256) {
		double start;

		for (uint32_t i = 0; i < 256; i++) {
			w.wall_us += 100;
			len[i] = build((at + i) * BENCH_STRIDE % n, (at + i) / n, room[i]);
		}
		start = seconds();
		for (uint32_t i = 0; i < 256; i++)
			ha_rx_mh(&w.ha, room[i], len[i], w.wall_us - 1700000000 * USEC_S);
		t += seconds() - start;
	}
	printf("%u keys: %.2f us a Binding Update, %u of %u accepted\n", n,
	       t / (double)((UPDATES + 255) / 256 * 256) * 1e6, w.acks,
	       (UPDATES + 255) / 256 * 256);
	ha_free(&w.ha);
	recfile_close(w.file);
	timers_free(&w.timers);
}

int main(int argc, char **argv)
{
	log_set_sink(quiet, NULL);
	for (int i = 1; i < argc; i++) {
		uint32_t n = (uint32_t)strtoul(argv[i], NULL, 10);

		if (n < 1 || n > 1000000)
			die("expected numbers from 1 to 1000000");
		measure(n);
	}
	return 0;
}
