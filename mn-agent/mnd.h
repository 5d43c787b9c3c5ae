/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon around the mobile node: what main.c, io.c, keep.c, store.c and ctl.c share. The
 * mobile node itself (mn.h) knows nothing of it.
 */
#ifndef DMIP6_MN_MND_H
#define DMIP6_MN_MND_H

#include "common/core/mend.h"
#include "common/sys/ctl.h"
#include "common/sys/diag.h"
#include "common/sys/ipsec.h"
#include "common/sys/loss.h"
#include "common/sys/mon.h"
#include "common/sys/nfmon.h"
#include "common/sys/pkt.h"
#include "mn-agent/app.h"
#include "mn-agent/conf.h"

#define MND_PATH_TABLES	80	/* table_base + 80 + slot; the others: data path */

#define MND_EARLIER_MAX	16

#define MND_DEVICE	"dmip6mn0"
#define MND_CONFIG	"/etc/dmip6/mn.conf"
#define MND_CONTROL	"/run/dmip6/mnd.sock"
#define MND_STATE_DIR	"/var/lib/dmip6/mnd"

/* The command line; what it says goes before the file. */
struct mnd_options {
	const char *config;		/* NULL: MND_CONFIG, if it is there */
	const char *datapath;		/* of dp_all(); NULL: as the file says */
	unsigned int n_interfaces;	/* 0: as the file says */
	const char *interfaces[MN_INTERFACES_MAX];
};

struct mnd_standin {			/* standin.c */
	int ifindex;
	struct in6_addr via;
	uint32_t metric;		/* 0: there is none */
	uint32_t usual;			/* of the manager's route there; 0: unknown */
};

struct mnd {
	struct mnd_options options;
	struct mn_settings settings;
	const char *state_dir;
	struct mn mn;
	struct loop *loop;
	struct nl *nl;
	struct pkt *nd, *mh, *prefixes, *home_agents, *trouble, *tunnel;
	struct diag *diag;
	struct cgroups *cgroups;
	struct mon *mon;
	struct nfmon *nfmon;		/* NULL: the kernel has no nftables */
	struct outside *outside;
	struct ipsec *ipsec;		/* NULL: it is not asked for */
	bool unsent;			/* that was told */
	unsigned int unprotected;	/* addresses at home that cannot move for want of it */
	struct keyclient *keys;
	unsigned int keys_saved;	/* mn.keys_version of what is on disk */
	struct dp *dp;
	struct ctl *ctl;
	struct app *app;		/* programs that ask for addresses; NULL: none can */
	int device;			/* ifindex of our own device */
	bool device_new;		/* this run made it */
	bool running;			/* what is read at the start is no event */
	bool keep;			/* stop, but leave the kernel as it is for the next run */
	/* The road of each slot as it is installed; an earlier run's until it is replaced. */
	bool path_there[MN_INTERFACES_MAX];
	struct mn_path paths[MN_INTERFACES_MAX];
	/* Addresses on access links that an earlier run put there. */
	unsigned int n_earlier;
	struct in6_addr earlier[MND_EARLIER_MAX];
	struct timer repair, save, leftovers, watchdog, standin, order, protect;
	struct mnd_standin standins[MN_INTERFACES_MAX];
	usec_t standin_for;		/* the attachment that it was last done for */
	int save_error;			/* the anchors on disk are old: why; 0: they are not */
	usec_t ordered_at;		/* our rules were moved; 0: never */
	struct mend mend;
	struct loss loss, last_loss;	/* not yet put back; the last that was */
	uint64_t deleted;			/* things, by others */
};

/* io.c: opens everything and starts; on error everything is as before. *ret_what names
 * what failed, for people. */
int mnd_open(struct mnd *d, const char **ret_what);
void mnd_close(struct mnd *d);
/* To whoever listens to `monitor'. */
void mnd_event(struct mnd *d, const char *name, const char *detail, usec_t now);

/* Takes the road of this slot out of the kernel. */
void mnd_path_remove(struct mnd *d, unsigned int slot);
int mnd_tunnel_del(struct mnd *d, const struct in6_addr *hoa);
/* Says in the log which policies cannot count on this machine. */
void mnd_warn_of_policies(const struct mnd *d);
struct mn_flow mnd_flow(const struct diag_flow *f);

/* repair.c */
void mnd_repair_init(struct mnd *d);
/* Something of ours was deleted: it is put back before long. */
void mnd_repair_lost(struct mnd *d, enum loss_kind kind);
/* It may have been. */
void mnd_repair_soon(struct mnd *d);
/* Adds to the health text what people should know; false: somebody goes on deleting. */
bool mnd_repair_health(const struct mnd *d, usec_t now, char *text, size_t len);

/* order.c */
void mnd_order_init(struct mnd *d);
void mnd_order_look(struct mnd *d);	/* policy rules have changed */
uint32_t mnd_order_base(struct mnd *d);	/* where an earlier run has left ours */

/* protect.c */
int mnd_protect_open(struct mnd *d, const char **ret_what);
void mnd_protect_close(struct mnd *d, bool keep);
void mnd_protect_look(struct mnd *d);	/* anchors have changed */
/* False: it is no Mobility Header for IPsec, or none is asked for; else *ret says what became
 * of it. */
bool mnd_protect_send(struct mnd *d, int ifindex, const void *data, size_t len, int *ret);
bool mnd_protect_health(const struct mnd *d, char *text, size_t len);	/* as above */

/* keep.c */
void mnd_keep_init(struct mnd *d);
/* After the start: roads of an earlier run are known, so that they are replaced and not
 * doubled; bindings and addresses that no restored anchor claims are removed. */
void mnd_adopt_roads(struct mnd *d);
void mnd_adopt_addrs(struct mnd *d);
void mnd_adopt_bindings(struct mnd *d);
/* Is it an address on an access link that an earlier run put there? */
bool mnd_made_before(const struct mnd *d, const struct in6_addr *addr);

/* reload.c: file and command line as they are now, into *ret. Tells of each error by a line, and
 * returns their number; then *ret is good for mn_conf_wipe() only. */
unsigned int mnd_settings_read(const struct mnd_options *o, struct mn_settings *ret,
			       conf_report_fn *report, void *ctx);
/* Reads them again and carries the difference out. On errors nothing is changed; the number of
 * errors. ret_changed: what is different now, for people, such as "linger, keys"; "": nothing. */
unsigned int mnd_reload(struct mnd *d, conf_report_fn *report, void *ctx, char *ret_changed,
			size_t len);

/* standin.c */
void mnd_standin_init(struct mnd *d);
void mnd_standin_adopt(struct mnd *d);
void mnd_standin_moved(struct mnd *d, int ifindex);	/* to another router: at once */
void mnd_standin_look(struct mnd *d);	/* default routes or links have changed */
void mnd_standin_remove(struct mnd *d);

/* ctl.c */
extern const struct ctl_method mnd_methods[];		/* ctx: struct mnd */
json_t *mnd_event_json(const char *name, const struct mn_iface *i, const struct anchor *a,
		       const char *detail, usec_t now);

/* store.c: anchors in <state-dir>/anchors.json. What cannot be read, or is of another version, is
 * set aside with a message, as if there were none. What cannot be written (0 or negative errno)
 * is told, and d->save_error keeps why until it can. */
int mnd_store_save(struct mnd *d);
void mnd_store_load(struct mnd *d);
void mnd_boot_id(char ret[64]);		/* "" where the kernel does not tell */

/* keyfile.c: the keys that home agents gave in <state-dir>/keys; read after the anchors. */
int mnd_keys_save(struct mnd *d);	/* 0 or negative errno */
void mnd_keys_load(struct mnd *d);

#endif
