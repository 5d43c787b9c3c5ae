/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sends one and the same Ethernet frame as fast as it can, for datapath.py: the frame in
 * hexadecimal on standard input, out by a packet socket, in batches. Prints how many, and the
 * processor time and the time it took in microseconds. On a pair of veth devices the whole
 * way of a packet, through the next namespaces to where it ends, is part of sending it, so
 * the processor time is that of the way.
 *
 *	datapath_send INTERFACE SECONDS
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "common/sys/clock.h"

#define BATCH	64
#define ROOM	2048

static usec_t processor(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (usec_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * USEC_S +
	       (usec_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static size_t read_frame(uint8_t *frame)
{
	unsigned int octet;
	size_t n = 0;

	while (n < ROOM && scanf("%2x", &octet) == 1)
		frame[n++] = (uint8_t)octet;
	return n;
}

static int open_socket(const char *interface)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	at.sll_ifindex = (int)if_nametoindex(interface);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
		perror(interface);
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	uint8_t frame[ROOM];
	struct iovec iov = { .iov_base = frame };
	struct mmsghdr batch[BATCH] = { 0 };
	unsigned long long sent = 0;
	usec_t begin, end, cpu;
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: datapath_send INTERFACE SECONDS <FRAME\n");
		return 2;
	}
	fd = open_socket(argv[1]);
	iov.iov_len = read_frame(frame);
	for (unsigned int i = 0; i < BATCH; i++)
		batch[i].msg_hdr = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	cpu = processor();
	begin = clock_now();
	end = begin + (usec_t)(strtod(argv[2], NULL) * USEC_S);
	while (clock_now() < end) {
		int n = sendmmsg(fd, batch, BATCH, 0);

		if (n > 0)
			sent += (unsigned int)n;
		else if (errno != ENOBUFS)
			break;
	}
	printf("%llu %llu %llu\n", sent, (unsigned long long)(processor() - cpu),
	       (unsigned long long)(clock_now() - begin));
	return 0;
}
