/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A wire with a delay, for kernels without netem: two TAP devices in two network namespaces,
 * and a queue for each way in which a frame waits until its time has come. It can lose
 * Mobility Headers (RFC 6275 6.1), and nothing else. Started by handover.py; no part of the
 * daemons.
 *
 *	handover_wire NETNS-A NAME-A NETNS-B NAME-B
 *
 * Orders come on standard input, one a line; each is answered with "ok":
 *	delay US	one way, from now on
 *	loss PERCENT	of the Mobility Headers of either way
 *	first		of each home address the next Binding Update is lost
 *	count		"ok FRAMES LOST BINDING-UPDATES"
 * Ends when standard input does.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "common/core/in6.h"
#include "common/core/timer.h"
#include "common/wire/ext.h"
#include "common/wire/mh.h"

#define ROOM		2048
#define QUEUE		16384U		/* frames that wait, each way */
#define ETHER_LEN	14
#define HOMES		32

struct frame { usec_t due; size_t len; uint8_t data[ROOM]; };

struct way {				/* from one TAP to the other */
	int from, to;
	struct frame *queue;
	unsigned int first, n;
};

struct wire {
	struct way ways[2];
	int timer;
	usec_t delay;
	unsigned int loss;
	bool lose_first;		/* all Binding Updates but those of `passed` */
	struct in6_addr passed[HOMES];
	unsigned int n_passed;
	unsigned long frames, lost, updates;
};

static usec_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (usec_t)ts.tv_sec * USEC_S + (usec_t)(ts.tv_nsec / 1000);
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_tap(const char *netns, const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int ns = open(netns, O_RDONLY | O_CLOEXEC), fd;

	if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
		die(netns);
	(void)close(ns);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		die("/dev/net/tun");
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		die(name);
	return fd;
}

/* Is it the first Binding Update of its home address since they are to be lost? */
static bool is_first(struct wire *w, const struct in6_addr *hoa)
{
	for (unsigned int i = 0; i < w->n_passed; i++)
		if (in6_eq(&w->passed[i], hoa))
			return false;
	if (w->n_passed < HOMES)
		w->passed[w->n_passed++] = *hoa;
	return true;
}

static bool is_lost(struct wire *w, const uint8_t *data, size_t len)
{
	struct ip6_packet ip;
	bool lost;

	if (len < ETHER_LEN || data[12] != 0x86 || data[13] != 0xdd ||
	    ip6_decode(data + ETHER_LEN, len - ETHER_LEN, &ip) ||
	    ip.next_header != MH_NEXT_HEADER || ip.payload_len < 3)
		return false;
	lost = (unsigned int)(rand() % 100) < w->loss;
	if (data[ETHER_LEN + ip.payload_off + 2] == MH_BU && ip.has_hao) {
		w->updates++;
		lost |= w->lose_first && is_first(w, &ip.hao);
	}
	w->lost += lost;
	return lost;
}

static void pass_on(const struct way *y, const uint8_t *data, size_t len)
{
	/* A TAP that is down takes nothing, like any link that is down. */
	while (write(y->to, data, len) < 0 && errno == EINTR)
		;
}

static void read_frames(struct wire *w, struct way *y)
{
	for (;;) {
		struct frame *f = &y->queue[(y->first + y->n) % QUEUE];
		ssize_t len;

		if (y->n == QUEUE)
			return;
		len = read(y->from, f->data, ROOM);
		if (len <= 0)
			return;
		w->frames++;
		if (is_lost(w, f->data, (size_t)len))
			continue;
		if (w->delay == 0 && y->n == 0) {
			pass_on(y, f->data, (size_t)len);
			continue;
		}
		f->len = (size_t)len;
		f->due = now_us() + w->delay;
		y->n++;
	}
}

static void send_due(struct way *y)
{
	while (y->n > 0 && y->queue[y->first].due <= now_us()) {
		pass_on(y, y->queue[y->first].data, y->queue[y->first].len);
		y->first = (y->first + 1) % QUEUE;
		y->n--;
	}
}

static void set_timer(struct wire *w)
{
	struct itimerspec at = { 0 };
	usec_t due = 0;

	for (unsigned int i = 0; i < 2; i++) {
		const struct way *y = &w->ways[i];

		if (y->n > 0 && (due == 0 || y->queue[y->first].due < due))
			due = y->queue[y->first].due;
	}
	at.it_value.tv_sec = due / USEC_S;
	at.it_value.tv_nsec = due % USEC_S * 1000;
	(void)timerfd_settime(w->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

/* One order. */
static void obey(struct wire *w, const char *line)
{
	unsigned long n;

	if (sscanf(line, "delay %lu", &n) == 1) {
		w->delay = (usec_t)n;
	} else if (sscanf(line, "loss %lu", &n) == 1) {
		w->loss = (unsigned int)n;
		w->lose_first = false;
	} else if (strncmp(line, "first", 5) == 0) {
		w->lose_first = true;
		w->n_passed = 0;
	} else if (strncmp(line, "count", 5) == 0) {
		printf("ok %lu %lu %lu\n", w->frames, w->lost, w->updates);
		return;
	} else {
		printf("what?\n");
		return;
	}
	printf("ok\n");
}

static void run(struct wire *w)
{
	struct pollfd fds[] = {
		{ .fd = w->ways[0].from, .events = POLLIN },
		{ .fd = w->ways[1].from, .events = POLLIN },
		{ .fd = w->timer, .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};
	char line[128];
	uint64_t expired;

	for (;;) {
		set_timer(w);
		if (poll(fds, sizeof(fds) / sizeof(fds[0]), -1) < 0 && errno != EINTR)
			die("poll");
		if (fds[2].revents)
			(void)!read(w->timer, &expired, sizeof(expired));
		for (unsigned int i = 0; i < 2; i++) {
			read_frames(w, &w->ways[i]);
			send_due(&w->ways[i]);
		}
		if (fds[3].revents) {
			if (!fgets(line, sizeof(line), stdin))
				return;
			obey(w, line);
		}
	}
}

int main(int argc, char **argv)
{
	static struct wire w;
	int a, b;

	if (argc != 5) {
		fprintf(stderr, "usage: handover_wire NETNS-A NAME-A NETNS-B NAME-B\n");
		return 2;
	}
	a = open_tap(argv[1], argv[2]);
	b = open_tap(argv[3], argv[4]);
	w.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (w.timer < 0)
		die("timerfd");
	w.ways[0] = (struct way){ .from = a, .to = b };
	w.ways[1] = (struct way){ .from = b, .to = a };
	for (unsigned int i = 0; i < 2; i++) {
		w.ways[i].queue = calloc(QUEUE, sizeof(struct frame));
		if (!w.ways[i].queue)
			die("memory");
	}
	srand(1);			/* the same losses in each run */
	setvbuf(stdin, NULL, _IONBF, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ok\n");
	run(&w);
	return 0;
}
