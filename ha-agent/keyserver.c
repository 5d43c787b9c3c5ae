/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listens for hosts that ask for keys, on each access interface by a socket of its own, and takes
 * connections of those that are attached there. Owns these sockets, the rules of TLS and the
 * sessions (keyserver_session.c); called by io.c, reload.c and the loop. RFC 6618 4.1 and 11;
 * RFC 5082 3: nobody from behind a router is heard. RFC 4225, RFC 6275 15: all is bounded.
 *
 * Against floods, before anything is kept here: the kernel's table (dp_port.c) is silent to
 * strangers and limits how often a host may begin, and the kernel's SYN cookies keep nothing of who
 * does not answer. Then each host has so many connections, and so often (keyhosts.c); those that
 * are beyond what is served at a time wait in the kernel's queue.
 */
#include "ha-agent/keyserver.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/core/log.h"
#include "common/sys/clock.h"
#include "ha-agent/keyserver_private.h"

#define MAX_HOPS	255
#define BACKLOG		1024
#define ACCEPTS		16		/* in one turn */
#define RETRY		(5 * USEC_S)
#define UNSENT_MS	10000		/* after which a connection that says nothing is dead */

static const char *const counter_names[KEYSERVER_COUNTER_MAX] = {
	[KEYSERVER_CONNECTION] = "key-connections",
	[KEYSERVER_STRANGER] = "key-strangers",
	[KEYSERVER_HOST_BUSY] = "key-host-busy",
	[KEYSERVER_HOST_OFTEN] = "key-host-often",
	[KEYSERVER_FULL] = "key-full",
	[KEYSERVER_TIMEOUT] = "key-timeouts",
	[KEYSERVER_SESSION] = "key-sessions",
	[KEYSERVER_RESUMED] = "key-resumed",
};

/* ---- configuration ---- */

/* Of pre-shared keys, those of struct ha_psk; *ret is the caller's to wipe. */
static int copy_psks(const struct ha_keys_config *cfg, struct tls_psk **ret)
{
	*ret = cfg->n_psks > 0 ? calloc(cfg->n_psks, sizeof(**ret)) : NULL;
	if (cfg->n_psks > 0 && !*ret)
		return -ENOMEM;
	for (unsigned int i = 0; i < cfg->n_psks; i++) {
		snprintf((*ret)[i].identity, TLS_NAME_MAX, "%s", cfg->psks[i].identity);
		memcpy((*ret)[i].key, cfg->psks[i].key, cfg->psks[i].len);
		(*ret)[i].len = cfg->psks[i].len;
	}
	return 0;
}

static const char *file_or_none(const char *path)
{
	return path[0] ? path : NULL;
}

int keyserver_read(const struct ha_keys_config *cfg, char why[TLS_WHY_MAX],
		   struct tls_context **ret)
{
	bool certificate = boot_modes_have(&cfg->modes, BOOT_CERTIFICATE);
	bool psk = boot_modes_have(&cfg->modes, BOOT_PSK);
	bool on_link = boot_modes_have(&cfg->modes, BOOT_ON_LINK);
	struct tls_config c = {
		.server = true,
		.certificate = file_or_none(cfg->certificate),
		.key = file_or_none(cfg->private_key),
		.authority = certificate ? file_or_none(cfg->authority) : NULL,
		.crl = certificate ? file_or_none(cfg->revoked) : NULL,
		.require_certificate = certificate && !on_link,
		.require_psk = psk && !certificate && !on_link,
		.anonymous = on_link,
	};
	struct tls_psk *psks;
	int err;

	*ret = NULL;
	if (cfg->off)
		return 0;
	err = copy_psks(cfg, &psks);
	if (err < 0) {
		snprintf(why, TLS_WHY_MAX, "no memory");
		return err;
	}
	if (psk) {
		c.n_psks = cfg->n_psks;
		c.psks = psks;
	}
	err = tls_context_new(&c, why, ret);
	if (psks)
		explicit_bzero(psks, cfg->n_psks * sizeof(*psks));
	free(psks);
	return err;
}

/* ---- connections ---- */

static void reset(int fd)
{
	const struct linger now = { .l_onoff = 1 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

/* Its link-layer address, where that is known: it may have several prefixes. */
static void name_host(const struct ha *ha, const struct in6_addr *source, uint8_t ret[KEYHOST_ID])
{
	const struct lease *l = ha_find_lease(ha, source);

	memset(ret, 0, KEYHOST_ID);
	if (l)
		memcpy(ret, l->mac, sizeof(l->mac));
	else
		memcpy(ret, source, sizeof(*source));
}

static enum keyserver_counter enter(struct keyserver *k, const struct bootstrap_peer *peer,
				    uint8_t host[KEYHOST_ID])
{
	if (!bootstrap_knows(k->ha, peer->ifindex, &peer->source))
		return KEYSERVER_STRANGER;
	name_host(k->ha, &peer->source, host);
	switch (keyhosts_enter(&k->hosts, host, clock_now())) {
	case KEYHOST_BUSY:
		return KEYSERVER_HOST_BUSY;
	case KEYHOST_OFTEN:
		return KEYSERVER_HOST_OFTEN;
	case KEYHOST_FULL:
		return KEYSERVER_FULL;
	case KEYHOST_WELCOME:
		break;
	}
	return KEYSERVER_CONNECTION;
}

static int prepare(int fd, struct in6_addr *ret_local)
{
	const unsigned int unsent = UNSENT_MS;
	struct sockaddr_in6 local;
	socklen_t len = sizeof(local);
	int on = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unsent, sizeof(unsent)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&local, &len) < 0)
		return -errno;
	*ret_local = local.sin6_addr;
	return 0;
}

static void take(struct keyserver *k, int fd, int ifindex, const struct in6_addr *source)
{
	struct bootstrap_peer peer = { .ifindex = ifindex, .source = *source };
	enum keyserver_counter what;
	uint8_t host[KEYHOST_ID];

	what = enter(k, &peer, host);
	k->counters[what]++;
	if (what != KEYSERVER_CONNECTION) {
		reset(fd);
		return;
	}
	if (prepare(fd, &peer.local) == 0 && keysession_new(k, fd, &peer, host) == 0)
		return;
	keyhosts_leave(&k->hosts, host, clock_now());
	reset(fd);
}

static bool is_full(const struct keyserver *k)
{
	return k->hosts.connections >= KEYSERVER_CONNECTIONS;
}

/* RFC 6618 4.1: the mobile node connects. */
static void on_connection(void *ctx)
{
	struct keylistener *l = ctx;
	struct keyserver *k = l->k;

	for (unsigned int n = 0; n < ACCEPTS && !is_full(k); n++) {
		struct sockaddr_in6 from;
		socklen_t len = sizeof(from);
		int fd = accept4(l->fd, (struct sockaddr *)&from, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			take(k, fd, l->ifindex, &from.sin6_addr);
			continue;
		}
		if (errno == EAGAIN)
			break;
		/* No descriptor or memory: who waits is not lost, but to look again at once is
		 * of no use. Anything else is of that one connection. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			(void)timer_set(loop_timers(k->loop), &k->retry, clock_now() + RETRY);
			return;
		}
	}
	if (!is_full(k))		/* else keyserver_room() goes on */
		(void)loop_io_wait(l->io, false);
}

void keyserver_room(struct keyserver *k)
{
	for (unsigned int n = 0; n < HA_MAX_INTERFACES; n++)
		if (k->listeners[n].io)
			(void)loop_io_wait(k->listeners[n].io, false);
}

/* ---- listening ---- */

/* By this link alone. RFC 5082 3: what is sent has the hop limit 255, and nothing else is taken;
 * connections have that from the socket that they came to. */
static int bind_to(int fd, int ifindex)
{
	const struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(BOOT_PORT) };
	int hops = MAX_HOPS, on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &ifindex, sizeof(ifindex)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &hops, sizeof(hops)) < 0 ||
	    bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return 0;
}

static void close_listener(struct keylistener *l)
{
	loop_io_del(l->io);
	l->io = NULL;
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	l->err = 0;
}

static int open_listener(struct keylistener *l)
{
	int err;

	l->fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return -errno;
	err = bind_to(l->fd, l->ifindex);
	if (err == 0)
		err = loop_io_new(l->k->loop, l->fd, on_connection, l, &l->io);
	return err < 0 ? err : loop_io_wait(l->io, false);
}

/* Open where it should be, closed where not; what fails is tried again. */
static void settle(struct keylistener *l)
{
	struct keyserver *k = l->k;
	int err, before = l->err;

	if (!k->context || l->ifindex == 0) {
		close_listener(l);
		return;
	}
	if (l->fd >= 0)
		return;
	err = open_listener(l);
	if (err == 0) {
		l->err = 0;
		return;
	}
	close_listener(l);
	l->err = err;
	if (err == -ENODEV)		/* it has just gone: that will be told */
		return;
	if (err != before)
		log_warn("hosts cannot ask for keys on interface %d, TCP port %u: %s", l->ifindex,
			 BOOT_PORT, strerror(-err));
	(void)timer_set(loop_timers(k->loop), &k->retry, clock_now() + RETRY);
}

static void on_retry(void *ctx, usec_t now)
{
	struct keyserver *k = ctx;

	(void)now;
	for (unsigned int n = 0; n < HA_MAX_INTERFACES; n++)
		settle(&k->listeners[n]);
	keyserver_room(k);
}

static void end_sessions(struct keyserver *k, int ifindex)
{
	struct keysession *s, *next;

	for (s = TAILQ_FIRST(&k->sessions); s; s = next) {
		next = TAILQ_NEXT(s, all);
		if (ifindex == 0 || s->peer.ifindex == ifindex)
			keysession_free(s);
	}
}

void keyserver_link(struct keyserver *k, unsigned int n, int ifindex)
{
	struct keylistener *l = &k->listeners[n];

	if (l->ifindex != ifindex) {
		if (l->ifindex != 0)
			end_sessions(k, l->ifindex);
		close_listener(l);
		l->ifindex = ifindex;
	}
	settle(l);
}

/* ---- life cycle ---- */

static bool background(void *ctx)
{
	return keysession_step(ctx);
}

int keyserver_open(struct loop *l, struct ha *ha, struct keyserver **ret)
{
	struct keyserver *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->loop = l;
	k->ha = ha;
	TAILQ_INIT(&k->sessions);
	TAILQ_INIT(&k->due);
	keyhosts_init(&k->hosts, KEYSERVER_CONNECTIONS);
	timer_init(&k->retry, "key server", on_retry, k);
	for (unsigned int n = 0; n < HA_MAX_INTERFACES; n++)
		k->listeners[n] = (struct keylistener){ .k = k, .fd = -1 };
	loop_background(l, background, k);
	*ret = k;
	return 0;
}

void keyserver_use(struct keyserver *k, struct tls_context *c)
{
	end_sessions(k, 0);
	tls_context_free(k->context);
	k->context = c;
	for (unsigned int n = 0; n < HA_MAX_INTERFACES; n++)
		settle(&k->listeners[n]);
}

void keyserver_close(struct keyserver *k)
{
	if (!k)
		return;
	keyserver_use(k, NULL);
	timer_stop(loop_timers(k->loop), &k->retry);
	loop_background(k->loop, NULL, NULL);
	keyhosts_free(&k->hosts);
	free(k);
}

/* ---- for showing ---- */

int64_t keyserver_valid_until(const struct keyserver *k)
{
	return k->context ? tls_context_valid_until(k->context) : 0;
}

int keyserver_trouble(const struct keyserver *k, const char **ret_interface)
{
	for (unsigned int n = 0; n < k->ha->cfg->n_interfaces; n++) {
		*ret_interface = k->ha->cfg->interfaces[n];
		if (k->listeners[n].err < 0 && k->listeners[n].err != -ENODEV)
			return k->listeners[n].err;
	}
	return 0;
}

unsigned int keyserver_connections(const struct keyserver *k)
{
	return k->hosts.connections;
}

void keyserver_each_counter(const struct keyserver *k,
			    void (*fn)(void *ctx, const char *name, uint64_t v), void *ctx)
{
	char name[64];

	for (enum keyserver_counter c = 0; c < KEYSERVER_COUNTER_MAX; c++)
		fn(ctx, counter_names[c], k->counters[c]);
	for (unsigned int n = 0; tls_reasons()[n] && n < KEYSERVER_REASONS; n++) {
		snprintf(name, sizeof(name), "key-tls-%s", tls_reasons()[n]);
		fn(ctx, name, k->tls_failed[n]);
	}
	for (enum boot_err e = BOOT_ERR_VERSION; e < BOOT_ERR_MAX; e++) {
		snprintf(name, sizeof(name), "key-drop-%s", boot_err_name(e));
		fn(ctx, name, k->dropped[e]);
	}
}
