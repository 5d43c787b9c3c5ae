/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What sock_diag(7) does not tell of sockets, out of /proc/net of this network namespace:
 * ping sockets (no kernel has them there), raw sockets (many kernels have them not), and which
 * protocols are at work: to ask sock_diag for one that is not would load its module. Called
 * by diag.c. Formats: raw6_seq_show(), ping_v6_seq_show(), proto_seq_show() of Linux.
 */
#include "common/sys/diag_proc.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sys/file.h"

#define TABLE_MAX	(4 * 1024 * 1024)

/* Four words as the host has them in memory, each in hexadecimal. */
static void take_words(const unsigned int words[4], struct in6_addr *ret)
{
	for (unsigned int n = 0; n < 4; n++) {
		uint32_t word = words[n];

		memcpy(&ret->s6_addr[4 * n], &word, sizeof(word));
	}
}

bool diag_proc_line(const char *line, bool raw, struct diag_flow *ret)
{
	unsigned int l[4], r[4], l_port, r_port, state, uid, inode;
	struct diag_flow f = { 0 };

	if (sscanf(line, " %*u: %8x%8x%8x%8x:%4x %8x%8x%8x%8x:%4x %2x %*8x:%*8x %*2x:%*8x %*8x"
		   " %u %*d %u", &l[0], &l[1], &l[2], &l[3], &l_port, &r[0], &r[1], &r[2], &r[3],
		   &r_port, &state, &uid, &inode) != 13)
		return false;
	take_words(l, &f.local);
	take_words(r, &f.remote);
	if (in6_is_any(&f.local) || IN6_IS_ADDR_V4MAPPED(&f.local))
		return false;
	f.protocol = raw ? (uint8_t)l_port : IPPROTO_ICMPV6;
	f.local_port = raw ? 0 : (uint16_t)l_port;
	f.remote_port = raw ? 0 : (uint16_t)r_port;
	f.state = (uint8_t)state;
	f.uid = uid;
	f.inode = inode;
	*ret = f;
	return true;
}

static int read_table(const char *path, bool raw,
		      bool (*fn)(void *ctx, const struct diag_flow *f), void *ctx, bool *more)
{
	char *text, *line, *rest;
	size_t len;
	int err = file_read(path, TABLE_MAX, &text, &len);

	if (err == -ENOENT)
		return 0;		/* the kernel has no such sockets */
	if (err < 0)
		return err;
	rest = text;
	while (*more && (line = strsep(&rest, "\n"))) {
		struct diag_flow f;

		if (diag_proc_line(line, raw, &f))
			*more = fn(ctx, &f);
	}
	free(text);
	return 0;
}

int diag_proc_dump(bool (*fn)(void *ctx, const struct diag_flow *f), void *ctx, bool *more)
{
	int err = *more ? read_table("/proc/net/icmp6", false, fn, ctx, more) : 0;

	return err == 0 && *more ? read_table("/proc/net/raw6", true, fn, ctx, more) : err;
}

bool diag_proc_has(const char *name)
{
	char *text, *line, *rest;
	bool found = false;
	size_t len;

	if (file_read("/proc/net/protocols", TABLE_MAX, &text, &len) < 0)
		return false;
	rest = text;
	while (!found && (line = strsep(&rest, "\n"))) {
		size_t n = strcspn(line, " ");

		found = n == strlen(name) && strncmp(line, name, n) == 0;
	}
	free(text);
	return found;
}
