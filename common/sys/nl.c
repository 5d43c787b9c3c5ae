/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netlink requests by libmnl (RFC 3549 framing), synchronous: rt.c, dp_*.c and diag.c
 * send through here. Only answers of the kernel (port 0) with our sequence number count.
 */
#include "common/sys/nl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "common/sys/clock.h"

#define TX_ROOM		8192
#define MESSAGE_ROOM	1024		/* kept free for the next message of a batch */
#define RX_ROOM		65536
#define ERROR_TEXT	256
#define ENOMEM_PATIENCE	(250 * USEC_MS)
#define ENOMEM_RESPITE	(1 * USEC_S)	/* after patience was in vain: none */
#define TRIES_DUMP	5
#define ANSWER_TIMEOUT_S	5	/* answers come at once; against a lost one */

struct nl {
	struct nl *next;		/* of all that are open */
	struct mnl_socket *sock;
	unsigned int portid;
	uint32_t seq;
	char error[ERROR_TEXT];
	usec_t gave_up;			/* when patience was in vain last; 0: never */
	bool gathering;
	unsigned int gathered;		/* requests in the batch */
	uint16_t subsystem;		/* of the batch */
	size_t batch_len;		/* messages before the last one */
	struct nlmsghdr *batch_last;
	union {
		struct nlmsghdr align;
		uint8_t room[TX_ROOM];
	} tx;
	union {
		struct nlmsghdr align;
		uint8_t room[NL_BATCH_ROOM];
	} batch;
	union {
		struct nlmsghdr align;
		uint8_t room[RX_ROOM];
	} rx;
};

static struct nl *open_list;

/* Answers of one query, kept until the end: a dump that was interrupted by a change starts
 * again without the caller's notice, and a callback may itself send requests. */
struct answers {
	uint8_t *data;
	size_t len, cap;
	bool interrupted;
};

int nl_open(int protocol, struct nl **ret)
{
	const struct timeval timeout = { .tv_sec = ANSWER_TIMEOUT_S };
	struct nl *nl = calloc(1, sizeof(*nl));
	int one = 1, err;

	if (!nl)
		return -ENOMEM;
	nl->sock = mnl_socket_open2(protocol, SOCK_CLOEXEC);
	if (!nl->sock || mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		err = -errno;
		nl_free(nl);
		return err;
	}
	nl->portid = mnl_socket_get_portid(nl->sock);
	/* All three only make life easier; a kernel without them works. */
	(void)mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &one, sizeof(one));
	(void)mnl_socket_setsockopt(nl->sock, NETLINK_CAP_ACK, &one, sizeof(one));
	(void)mnl_socket_setsockopt(nl->sock, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	(void)setsockopt(mnl_socket_get_fd(nl->sock), SOL_SOCKET, SO_RCVTIMEO, &timeout,
			 sizeof(timeout));
	nl->next = open_list;
	open_list = nl;
	*ret = nl;
	return 0;
}

void nl_free(struct nl *nl)
{
	if (!nl)
		return;
	for (struct nl **at = &open_list; *at; at = &(*at)->next) {
		if (*at == nl) {
			*at = nl->next;
			break;
		}
	}
	if (nl->sock)
		mnl_socket_close(nl->sock);
	free(nl);
}

bool nl_is_ours(uint32_t portid)
{
	for (const struct nl *nl = open_list; nl; nl = nl->next) {
		if (nl->portid == portid)
			return true;
	}
	return false;
}

unsigned int nl_ports(uint32_t *ret, unsigned int max)
{
	unsigned int n = 0;

	for (const struct nl *nl = open_list; nl && n < max; nl = nl->next)
		ret[n++] = nl->portid;
	return n;
}

struct nlmsghdr *nl_message(struct nl *nl, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh;

	memset(nl->tx.room, 0, sizeof(nl->tx.room));
	nlh = mnl_nlmsg_put_header(nl->tx.room);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST);
	return nlh;
}

const char *nl_error(const struct nl *nl)
{
	return nl->error;
}

static int send_message(struct nl *nl, struct nlmsghdr *nlh)
{
	nlh->nlmsg_seq = ++nl->seq;
	nlh->nlmsg_pid = nl->portid;
	if (mnl_socket_sendto(nl->sock, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	return 0;
}

/* One datagram of the kernel into rx. Returns its length or negative errno. */
static int receive(struct nl *nl)
{
	for (;;) {
		struct sockaddr_nl from = { 0 };
		struct iovec iov = { nl->rx.room, sizeof(nl->rx.room) };
		struct msghdr msg = {
			.msg_name = &from, .msg_namelen = sizeof(from),
			.msg_iov = &iov, .msg_iovlen = 1,
		};
		ssize_t n = recvmsg(mnl_socket_get_fd(nl->sock), &msg, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (msg.msg_namelen != sizeof(from) || from.nl_pid != 0)
			continue;	/* not the kernel */
		if (msg.msg_flags & MSG_TRUNC)
			return -EMSGSIZE;
		return (int)n;
	}
}

static size_t align(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static void attrs(const void *data, size_t len, const struct nlattr **tb, uint16_t max)
{
	const uint8_t *p = data;

	memset(tb, 0, (max + 1U) * sizeof(*tb));
	while (len >= sizeof(struct nlattr)) {
		const struct nlattr *a = (const void *)p;
		size_t step = align(a->nla_len);

		if (a->nla_len < sizeof(*a) || a->nla_len > len)
			return;
		if ((a->nla_type & NLA_TYPE_MASK) <= max)
			tb[a->nla_type & NLA_TYPE_MASK] = a;
		if (step >= len)
			return;
		p += step;
		len -= step;
	}
}

void nl_attrs(const struct nlmsghdr *nlh, size_t header, const struct nlattr **tb, uint16_t max)
{
	size_t len = mnl_nlmsg_get_payload_len(nlh), skip = align(header);

	attrs(mnl_nlmsg_get_payload_offset(nlh, header), len > skip ? len - skip : 0, tb, max);
}

void nl_nested(const struct nlattr *nest, const struct nlattr **tb, uint16_t max)
{
	if (nest)
		attrs(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest), tb, max);
	else
		memset(tb, 0, (max + 1U) * sizeof(*tb));
}

bool nl_get(const struct nlattr *a, void *dst, size_t n)
{
	if (!a || mnl_attr_get_payload_len(a) != n)
		return false;
	memcpy(dst, mnl_attr_get_payload(a), n);
	return true;
}

uint32_t nl_get_u32(const struct nlattr *a, uint32_t otherwise)
{
	uint32_t v;

	return nl_get(a, &v, sizeof(v)) ? v : otherwise;
}

static void take_ext_ack(struct nl *nl, const void *data, size_t len)
{
	const struct nlattr *tb[NLMSGERR_ATTR_MSG + 1];

	attrs(data, len, tb, NLMSGERR_ATTR_MSG);
	if (tb[NLMSGERR_ATTR_MSG])
		(void)snprintf(nl->error, sizeof(nl->error), "%.*s",
			       (int)mnl_attr_get_payload_len(tb[NLMSGERR_ATTR_MSG]),
			       (const char *)mnl_attr_get_payload(tb[NLMSGERR_ATTR_MSG]));
}

/* NLMSG_ERROR (0 is an acknowledgement) and NLMSG_DONE end an answer: 0 or -errno. */
static int end_of_answer(struct nl *nl, const struct nlmsghdr *nlh)
{
	const uint8_t *p = mnl_nlmsg_get_payload(nlh);
	size_t len = mnl_nlmsg_get_payload_len(nlh), skip;
	struct nlmsgerr e;
	int done;

	if (nlh->nlmsg_type == NLMSG_DONE) {
		if (len < sizeof(done))
			return 0;
		memcpy(&done, p, sizeof(done));
		skip = align(sizeof(done));
		if ((nlh->nlmsg_flags & NLM_F_ACK_TLVS) && len > skip)
			take_ext_ack(nl, p + skip, len - skip);
		return done < 0 ? done : 0;
	}
	if (len < sizeof(e))
		return -EBADMSG;
	memcpy(&e, p, sizeof(e));
	skip = sizeof(e);
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED) && e.msg.nlmsg_len >= sizeof(e.msg))
		skip += align(e.msg.nlmsg_len - sizeof(e.msg));
	if ((nlh->nlmsg_flags & NLM_F_ACK_TLVS) && len > skip)
		take_ext_ack(nl, p + skip, len - skip);
	return e.error;
}

static int keep(struct answers *a, const struct nlmsghdr *nlh)
{
	size_t need = align(nlh->nlmsg_len);

	if (a->len + need > a->cap) {
		size_t cap = a->cap ? a->cap * 2 : RX_ROOM;
		uint8_t *data;

		while (cap < a->len + need)
			cap *= 2;
		data = realloc(a->data, cap);
		if (!data)
			return -ENOMEM;
		a->data = data;
		a->cap = cap;
	}
	memcpy(a->data + a->len, nlh, nlh->nlmsg_len);
	a->len += need;
	return 0;
}

/* Reads until the answer to the last request is over. a may be NULL: only the end counts. */
static int read_answer(struct nl *nl, struct answers *a)
{
	int err = 0;

	for (;;) {
		int n = receive(nl);
		const struct nlmsghdr *nlh = &nl->rx.align;

		if (n < 0)
			return n;
		for (; mnl_nlmsg_ok(nlh, n); nlh = mnl_nlmsg_next(nlh, &n)) {
			if (nlh->nlmsg_seq != nl->seq || nlh->nlmsg_pid != nl->portid)
				continue;	/* the rest of something given up */
			if (a && (nlh->nlmsg_flags & NLM_F_DUMP_INTR))
				a->interrupted = true;
			if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE) {
				int end = end_of_answer(nl, nlh);

				return err < 0 ? err : end;
			}
			if (a && err == 0 && nlh->nlmsg_type >= NLMSG_MIN_TYPE)
				err = keep(a, nlh);
		}
	}
}

static int put_aside(struct nl *nl, struct nlmsghdr *nlh)
{
	size_t len = align(nlh->nlmsg_len);

	if (nl->batch_len + len > sizeof(nl->batch.room))
		return -ENOBUFS;
	nlh->nlmsg_seq = ++nl->seq;
	nlh->nlmsg_pid = nl->portid;
	nlh->nlmsg_flags &= (uint16_t)~NLM_F_ACK;	/* a refusal is answered all the same */
	nl->batch_last = memcpy(nl->batch.room + nl->batch_len, nlh, nlh->nlmsg_len);
	nl->batch_len += len;
	nl->gathered++;
	return 0;
}

void nl_gather(struct nl *nl)
{
	nl->gathering = true;
	nl->gathered = 0;
	nl->batch_len = 0;
	nl->batch_last = NULL;
}

unsigned int nl_gathered(const struct nl *nl)
{
	return nl->gathered;
}

/* Answers to the gathered requests, of which the last asks for one in any case. */
static int read_refusals(struct nl *nl, void (*failed)(void *ctx, unsigned int n, int err),
			 void *ctx)
{
	const uint32_t last = nl->seq, first = last - nl->gathered + 1;

	for (;;) {
		const struct nlmsghdr *nlh = &nl->rx.align;
		int n = receive(nl);

		if (n < 0)
			return n;
		for (; mnl_nlmsg_ok(nlh, n); nlh = mnl_nlmsg_next(nlh, &n)) {
			uint32_t at = nlh->nlmsg_seq - first;
			int err;

			if (nlh->nlmsg_type != NLMSG_ERROR || nlh->nlmsg_pid != nl->portid ||
			    at >= nl->gathered)
				continue;
			err = end_of_answer(nl, nlh);
			if (err < 0)
				failed(ctx, at, err);
			if (nlh->nlmsg_seq == last)
				return 0;
		}
	}
}

int nl_commit(struct nl *nl, void (*failed)(void *ctx, unsigned int n, int err), void *ctx)
{
	nl->gathering = false;
	nl->error[0] = '\0';
	if (nl->gathered == 0)
		return 0;
	nl->batch_last->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(nl->sock, nl->batch.room, nl->batch_len) < 0)
		return -errno;
	return read_refusals(nl, failed, ctx);
}

int nl_request(struct nl *nl, struct nlmsghdr *nlh)
{
	const struct timespec pause = { .tv_nsec = 500000 };
	usec_t end = 0, now;
	int err;

	if (nl->gathering)
		return put_aside(nl, nlh);
	nlh->nlmsg_flags |= NLM_F_ACK;
	/* The per-CPU memory of seg6 tunnels runs out for moments; a worker of the kernel
	 * fills it up, and there is no event to wait for. On a busy machine it gets its turn
	 * only while we sleep: of 100,000 new tunnels two were refused for good after 50 ms
	 * of yielding. */
	for (;;) {
		nl->error[0] = '\0';
		err = send_message(nl, nlh);
		if (err == 0)
			err = read_answer(nl, NULL);
		if (err != -ENOMEM)
			return err;
		now = clock_now();
		/* A kernel without memory is not waited for once for each of many requests. */
		if (nl->gave_up != 0 && now < nl->gave_up + ENOMEM_RESPITE)
			return err;
		if (end == 0)
			end = now + ENOMEM_PATIENCE;
		if (now > end) {
			nl->gave_up = now;
			return err;
		}
		(void)nanosleep(&pause, NULL);
	}
}

int nl_query(struct nl *nl, struct nlmsghdr *nlh,
	     int (*cb)(const struct nlmsghdr *nlh, void *ctx), void *ctx)
{
	struct answers a = { 0 };
	int err = 0;

	if (!(nlh->nlmsg_flags & NLM_F_DUMP))
		nlh->nlmsg_flags |= NLM_F_ACK;
	/* A table that never stands still is given as it is after the last try: what comes
	 * twice or is missed then is corrected by the caller's next look. */
	for (int i = 0; i < TRIES_DUMP; i++) {
		a.len = 0;
		a.interrupted = false;
		nl->error[0] = '\0';
		err = send_message(nl, nlh);
		if (err == 0)
			err = read_answer(nl, &a);
		if (err < 0 || !a.interrupted)
			break;
	}
	for (size_t at = 0; err == 0 && at < a.len;) {
		const struct nlmsghdr *m = (const struct nlmsghdr *)(const void *)(a.data + at);

		at += align(m->nlmsg_len);
		err = cb(m, ctx);
		err = err < 0 ? err : 0;
	}
	free(a.data);
	return err;
}

int nl_stream(struct nl *nl, struct nlmsghdr *nlh,
	      int (*cb)(const struct nlmsghdr *nlh, void *ctx), void *ctx)
{
	int err;

	nl->error[0] = '\0';
	err = send_message(nl, nlh);
	while (err == 0) {
		const struct nlmsghdr *m = &nl->rx.align;
		int n = receive(nl);

		if (n < 0)
			return n;
		for (; err == 0 && mnl_nlmsg_ok(m, n); m = mnl_nlmsg_next(m, &n)) {
			if (m->nlmsg_seq != nl->seq || m->nlmsg_pid != nl->portid)
				continue;
			if (m->nlmsg_type == NLMSG_ERROR || m->nlmsg_type == NLMSG_DONE)
				return end_of_answer(nl, m);
			err = cb(m, ctx);
		}
	}
	return err;
}

/* One message at the end of the batch. */
static struct nlmsghdr *append(struct nl *nl, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh;

	if (nl->batch_last)
		nl->batch_len += align(nl->batch_last->nlmsg_len);
	nlh = (void *)(nl->batch.room + nl->batch_len);
	memset(nlh, 0, MESSAGE_ROOM);
	nlh->nlmsg_len = sizeof(*nlh);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST);
	nlh->nlmsg_seq = ++nl->seq;
	nlh->nlmsg_pid = nl->portid;
	nl->batch_last = nlh;
	return nlh;
}

static void batch_limit(struct nl *nl, uint16_t type)
{
	struct nfgenmsg *m = mnl_nlmsg_put_extra_header(append(nl, type, 0), sizeof(*m));

	m->nfgen_family = AF_UNSPEC;
	m->version = NFNETLINK_V0;
	m->res_id = htons(nl->subsystem);
}

void nl_batch_begin(struct nl *nl, uint16_t subsystem)
{
	nl->batch_len = 0;
	nl->batch_last = NULL;
	nl->subsystem = subsystem;
	batch_limit(nl, NFNL_MSG_BATCH_BEGIN);
}

struct nlmsghdr *nl_batch_message(struct nl *nl, uint16_t type, uint16_t flags)
{
	/* Room for this one, and for the one that ends the batch. */
	if (nl->batch_len + align(nl->batch_last->nlmsg_len) + 2 * MESSAGE_ROOM >
	    sizeof(nl->batch.room))
		return NULL;
	return append(nl, (uint16_t)(nl->subsystem << 8 | type), flags);
}

/* What came back for the batch whose first message had this number: the first error. */
static int batch_errors(struct nl *nl, uint32_t first)
{
	const struct nlmsghdr *nlh = &nl->rx.align;
	bool answered = false;
	int err = 0, n;

	while (!answered) {
		n = receive(nl);
		if (n < 0)
			return n;
		for (nlh = &nl->rx.align; mnl_nlmsg_ok(nlh, n); nlh = mnl_nlmsg_next(nlh, &n)) {
			if (nlh->nlmsg_type != NLMSG_ERROR || nlh->nlmsg_pid != nl->portid ||
			    nlh->nlmsg_seq - first > nl->seq - first)
				continue;	/* modulo 2^32: a busy day has as many */
			if (err == 0)
				err = end_of_answer(nl, nlh);
			/* The last message asks for an answer; a batch that is refused as a
			 * whole has one for its first. */
			if (nlh->nlmsg_seq == nl->seq - 1 || (nlh->nlmsg_seq == first && err < 0))
				answered = true;
		}
	}
	return err;
}

int nl_batch_commit(struct nl *nl)
{
	uint32_t first = nl->batch.align.nlmsg_seq;

	if (nl->batch_last->nlmsg_seq == first)
		return 0;	/* nothing in it */
	nl->batch_last->nlmsg_flags |= NLM_F_ACK;
	batch_limit(nl, NFNL_MSG_BATCH_END);
	nl->error[0] = '\0';
	if (mnl_socket_sendto(nl->sock, nl->batch.room,
			      nl->batch_len + nl->batch_last->nlmsg_len) < 0)
		return -errno;
	return batch_errors(nl, first);
}

static int on_family(const struct nlmsghdr *nlh, void *ctx)
{
	const struct nlattr *tb[CTRL_ATTR_FAMILY_ID + 1];

	nl_attrs(nlh, sizeof(struct genlmsghdr), tb, CTRL_ATTR_FAMILY_ID);
	(void)nl_get(tb[CTRL_ATTR_FAMILY_ID], ctx, sizeof(uint16_t));
	return 0;
}

int nl_genl_family(struct nl *nl, const char *name)
{
	struct nlmsghdr *nlh = nl_message(nl, GENL_ID_CTRL, 0);
	struct genlmsghdr *g = mnl_nlmsg_put_extra_header(nlh, sizeof(*g));
	uint16_t id = 0;
	int err;

	g->cmd = CTRL_CMD_GETFAMILY;
	g->version = 1;
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, name);
	err = nl_query(nl, nlh, on_family, &id);
	if (err < 0)
		return err;
	return id ? id : -ENOENT;
}
