/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The home agent's contact with the world: packet sockets, netlink, data path, database.
 * Turns what happens into calls of ha.h and carries out its ops.
 */
#ifndef DMIP6_HA_IO_H
#define DMIP6_HA_IO_H

#include "common/datapath/datapath.h"
#include "common/sys/inner.h"
#include "common/sys/group.h"
#include "common/sys/ipsec.h"
#include "common/sys/loop.h"
#include "common/core/mend.h"
#include "common/sys/loss.h"
#include "common/sys/mon.h"
#include "common/sys/nfmon.h"
#include "common/sys/nl.h"
#include "common/sys/pkt.h"
#include "ha-agent/ha.h"
#include "ha-agent/keyserver.h"
#include "ha-agent/leasedb.h"
#include "ha-agent/store.h"

#define HA_DEVICE	"dmip6ha0"
#define IO_LINKLOCALS	4
#define IO_WHY		512

struct nflog;
struct sessions;

struct io_config {
	const struct ha_config *ha;
	const char *state_dir;
	void (*event)(void *ctx, const struct ha_event *e);	/* may be NULL */
	void *event_ctx;
};

struct io_linklocal {
	struct in6_addr addr;
	bool verified;			/* duplicate address detection was over once */
};

struct io_link {			/* one access interface as the kernel has it */
	int ifindex;			/* 0: not there */
	bool up;
	uint8_t mac[6];
	unsigned int n_linklocals;
	struct io_linklocal linklocals[IO_LINKLOCALS];
};

struct io {
	struct io_config cfg;
	struct loop *loop;
	struct nl *nl;
	struct inner *inner;		/* NULL: the data path does without */
	struct pkt *nd, *mh, *discovery, *hao, *tunnel;
	struct ipsec *ipsec;		/* NULL: it is not asked for */
	struct mon *mon;
	struct dp *dp;
	struct leasedb *db;
	struct recfile *bindings, *keys;
	struct store *store;
	struct groups *groups;
	bool groups_full;		/* that was told */
	struct keyserver *keyserver;
	struct ha ha;
	bool ha_ready;
	int device;			/* ifindex of our own */
	bool device_made;
	struct io_link links[HA_MAX_INTERFACES];	/* as cfg.ha->interfaces */
	struct timer repair;
	struct sessions *sessions;	/* NULL: no network mode */
	struct nflog *reports;		/* of the data path's guard; NULL: there are none */
	struct timer settle;
	bool router_address_failed;	/* that was told */
	struct nfmon *nfmon;		/* NULL: the kernel has no nftables */
	struct mend mend;
	struct loss loss, last_loss;	/* not yet put back; the last that was */
	uint64_t deleted;		/* things, by others */
};

/* Everything up to the point where packets come in. On failure nothing is left behind and
 * `why` holds one sentence. */
int io_open(struct loop *loop, const struct io_config *cfg, char why[IO_WHY], struct io **ret);
/* Takes routes, neighbours, bindings and our device out of the kernel, or (keep) leaves them
 * for the next run; the database keeps what the next run is to know. NULL is harmless. */
void io_close(struct io *io, bool keep);
/* Removes what a run that was killed left behind. Returns how many things, or negative
 * errno. */
int io_cleanup(void);
/* protect.c: before anything is said to anybody; as io_open(). */
int protect_open(struct io *io, char why[IO_WHY]);
/* Is it for ipsec_send(), and is that asked for? */
bool protect_wants(const struct io *io, const void *data, size_t len);
bool io_forwarding(void);	/* does the machine forward IPv6 packets? */

#endif
