/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small internet in one process: one mobile node with the real state machines of
 * mn-agent/, three access routers with those of ha-agent/, a virtual clock, links that
 * lose, duplicate, delay and reorder, and as much of a kernel on each side as the daemons
 * rely on. Deterministic: all chance comes from the seed.
 *
 *	sim.c		clock, chance, packets under way
 *	sim_mn.c	the mobile node, its kernel, its flows
 *	sim_ha.c	the access routers, their kernels and databases
 *	sim_moody.c	access routers that refuse and puzzle
 *	sim_keys.c	keys that are given out
 *	sim_check.c	what must hold after each step, and when all is over
 *	test_moves.c	scenarios
 */
#ifndef DMIP6_TESTS_SIM_H
#define DMIP6_TESTS_SIM_H

#include "common/core/timer.h"
#include "ha-agent/ha.h"
#include "ha-agent/sa.h"
#include "mn-agent/bootstrap.h"
#include "mn-agent/mn.h"

#define SIM_HAS		3
#define SIM_NOWHERE	(-1)
#define SIM_ADDRS	32
#define SIM_ROUTES	64
#define SIM_ROWS	64
#define SIM_BINDINGS	200	/* max-bindings, and as many that are over */
#define SIM_FLOWS	24
#define SIM_TUNNELS	128
#define SIM_PACKET	1280
#define SIM_PORTS	2		/* the MN's interfaces: wlan0, eth0 */
#define SIM_MN_IF	2		/* index of the first of them */
#define SIM_LATE	16
#define SIM_GRACE	(10 * USEC_S)	/* as DP_GRACE_MS */
#define SIM_HA_IF	5
#define SIM_HA_CLOCK	(3600 * USEC_S)	/* their time of day is ahead of the MN's */
#define SIM_STAMPED	0		/* the HA that asks for time stamps */
#define SIM_SESSIONS	8		/* about keys */
#define SIM_KEYS	64

struct sim;

/* One thing that will happen: a packet on its way, or the kernel's own business. */
struct sim_event {
	struct timer timer;
	struct sim *sim;
	void (*fn)(struct sim_event *e);
	int place;			/* which access router; SIM_NOWHERE: not about one */
	unsigned int port;		/* of the MN */
	struct in6_addr addr;
	uint64_t generation;
	uint8_t mac[6];
	bool flag;
	size_t len;
	uint8_t data[SIM_PACKET];
	struct sim_event *prev, *next;
};

struct sim_net {			/* how the links behave; parts of a thousand */
	unsigned int loss, dup;
	usec_t delay, jitter;		/* one way through the core; access links take a tenth */
};

struct sim_kernel_addr {
	struct in6_addr addr;
	bool usable;
	uint64_t generation;		/* of its duplicate address detection */
	usec_t valid_until;
};

struct sim_flow {
	bool used;
	struct in6_addr local;
};

struct sim_own {
	struct in6_addr addr;
	bool preferred;
};

/* When the last Binding Updates of a home address left. */
struct sim_rate { struct in6_addr hoa; usec_t at[MIP6_MAX_UPDATE_RATE]; };

struct sim_port {			/* an interface of the MN */
	const char *name;
	int at;				/* attached to this router, or SIM_NOWHERE */
	bool link_up;
	uint8_t mac[6];
	struct in6_addr linklocal;
	bool linklocal_usable;
	uint64_t generation;
	unsigned int n_addrs;
	struct sim_kernel_addr addrs[SIM_ADDRS];
};

/* What the data path takes out of tunnels though no binding says so: packets under way. */
struct sim_late {
	struct in6_addr inner, outer;
	usec_t until;
};

struct sim_session {
	uint64_t id;			/* 0: none */
	struct bootstrap_ask ask;
	struct boot_response responses[BOOTSTRAP_ASK_MAX];
};

struct sim_mn {
	struct mn mn;
	struct mn_config cfg;
	bool running;
	bool flush;			/* the kernel forgets its addresses with the link */
	bool eui64;
	unsigned int n_ports;		/* that are there: the first, or both */
	struct sim_port ports[SIM_PORTS];
	unsigned int n_own;		/* our own device */
	struct sim_own own[SIM_ADDRS];
	bool path_there[MN_INTERFACES_MAX];
	bool path_alive[MN_INTERFACES_MAX];	/* its route went with the link otherwise */
	struct mn_path paths[MN_INTERFACES_MAX];
	unsigned int n_endpoints;
	struct in6_addr endpoints[SIM_ADDRS];
	bool old_endpoints;		/* those are of an earlier run */
	unsigned int n_tunnels;
	struct dp_binding tunnels[SIM_TUNNELS];
	struct sim_late late[SIM_LATE];
	struct sim_flow flows[SIM_FLOWS];
	/* What is on its disk. */
	unsigned int n_saved;
	struct mn_restore saved[MN_ANCHORS_MAX];
	unsigned int n_saved_coas;
	struct in6_addr saved_coas[MN_INTERFACES_MAX + SIM_PORTS];
	unsigned int n_saved_keys;
	struct bootstrap_record saved_keys[SIM_KEYS];
	struct sim_session sessions[SIM_SESSIONS];
	bool save_due;
	usec_t started;
	unsigned int broken;		/* flows whose address went */
	unsigned int excused;		/* of those, told of or nobody's fault */
	uint64_t told_before;		/* flows-lost of earlier runs */
	struct sim_rate rates[SIM_ADDRS];
};

enum sim_mood { SIM_WELL, SIM_REFUSES, SIM_PUZZLES, SIM_IS_DEAF, SIM_MOODS };

struct sim_route { struct in6_addr hoa, coa; };
struct sim_told { uint8_t mac[6]; struct in6_prefix prefix; usec_t until; };

struct sim_ha {
	struct sim *sim;
	unsigned int n;
	struct ha ha;
	struct ha_config cfg;
	struct ha_key key;
	bool running;
	bool reachable;			/* through the core */
	enum sim_mood mood;		/* towards Binding Updates */
	struct in6_addr linklocal;
	uint8_t mac[6];
	unsigned int n_routes;		/* bindings in its data path */
	struct sim_route routes[SIM_ROUTES];
	struct sim_late late[SIM_LATE];
	unsigned int n_leases;		/* prefixes routed to a host on the link */
	struct sim_told leases[SIM_ROWS];
	unsigned int n_lease_rows, n_binding_rows;
	struct ha_lease_record lease_rows[SIM_ROWS];
	struct ha_binding_record binding_rows[2 * SIM_BINDINGS];
	unsigned int n_key_rows;
	struct sa_record key_rows[SIM_KEYS];
	unsigned int n_told;		/* what hosts were promised */
	struct sim_told told[SIM_ROWS];
	unsigned int n_orphans;		/* bindings that no anchor of the MN stands behind */
	struct { struct in6_addr hoa; usec_t since; bool seen; } orphans[SIM_ROUTES];
};

struct sim {
	uint64_t random;
	usec_t now;
	struct timers timers;
	struct sim_event *events;
	struct sim_net net;
	struct sim_mn mn;
	struct sim_ha has[SIM_HAS];
	usec_t binding_lifetime, prefix_lifetime;
	bool given_keys;		/* none is configured */
	usec_t key_lifetime;
	unsigned long step;
	bool failed;
	char failure[512];
};

/* sim.c */
void sim_init(struct sim *s, uint64_t seed, const struct sim_net *net);
void sim_free(struct sim *s);
void sim_run(struct sim *s, usec_t d);
uint64_t sim_random(struct sim *s);
unsigned int sim_below(struct sim *s, unsigned int n);
bool sim_chance(struct sim *s, unsigned int per_mille);
usec_t sim_time(struct sim *s, usec_t min, usec_t max);
/* The event is the callee's to fill in; it is freed after fn. */
struct sim_event *sim_after(struct sim *s, usec_t d, void (*fn)(struct sim_event *e));
/* Copies (or loses) a packet on a link: access or core. */
void sim_transmit(struct sim *s, bool access, void (*fn)(struct sim_event *e), int place,
		  const uint8_t mac[6], const void *data, size_t len);
/* Only the first failure counts. */
void sim_fail(struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* sim_mn.c */
void sim_mn_init(struct sim *s, bool eui64);
void sim_mn_free(struct sim *s);
void sim_mn_start(struct sim *s);
void sim_mn_stop(struct sim *s, bool release);		/* release: SIGTERM; else as if killed */
void sim_mn_join(struct sim *s, unsigned int port, int place);
void sim_mn_leave(struct sim *s, unsigned int port);
void sim_mn_wander(struct sim *s, unsigned int port, int place);	/* without a link event */
/* The interface that is at this router, or NULL. */
const struct sim_port *sim_mn_port_at(const struct sim *s, int place);
bool sim_mn_flow_begin(struct sim *s);
void sim_mn_flow_end(struct sim *s, bool tell);
void sim_mn_flows_end(struct sim *s, bool tell);
bool sim_mn_has_addr(const struct sim *s, const struct in6_addr *a);
const struct dp_binding *sim_mn_tunnel(const struct sim *s, const struct in6_addr *hoa);
void sim_mn_rx_frame(struct sim_event *e);		/* from access router e->place */
void sim_mn_rx_packet(struct sim *s, int place, const void *data, size_t len);

/* sim_ha.c */
void sim_ha_init(struct sim *s, unsigned int n);
void sim_ha_free(struct sim *s, unsigned int n);
void sim_ha_start(struct sim *s, unsigned int n);
void sim_ha_stop(struct sim *s, unsigned int n);
int sim_ha_of(const struct in6_addr *a);		/* whose pool; SIM_NOWHERE: nobody's */
const struct sim_route *sim_ha_route(const struct sim_ha *h, const struct in6_addr *hoa);
bool sim_ha_attached(const struct sim_ha *h, const struct in6_addr *a);
void sim_ha_rx_frame(struct sim_event *e);		/* from the link of e->place */
void sim_ha_rx_packet(struct sim_event *e);		/* from the core to the site e->place */
void sim_ha_rx_local(struct sim_event *e);		/* from within that site */
void sim_stranger(struct sim *s, unsigned int n);	/* another host asks for a prefix */

/* From the site, by the routing table. */
void sim_ha_send(struct sim_ha *h, const void *data, size_t len);

/* sim_moody.c */
bool sim_moody_takes(struct sim_ha *h, const void *data, size_t len);	/* the HA gets it not */
void sim_moody_change(struct sim *s);
void sim_moody_rate(struct sim *s, const void *data, size_t len);	/* of what the MN sends */

/* sim_keys.c */
int sim_key_ask(void *ctx, const struct bootstrap_ask *ask);	/* ctx: struct sim */
void sim_key_stop(void *ctx, const struct in6_addr *ha);
void sim_keys_save(struct sim *s);
void sim_keys_load(struct sim *s);
int sim_sa_store(void *ctx, struct sa_record *r);	/* ctx: struct sim_ha */
void sim_sa_forget(void *ctx, uint32_t spi, uint32_t place);
void sim_sas_load(struct sim_ha *h);
void sim_check_keys(struct sim *s);			/* after each step */
void sim_check_keys_settled(struct sim *s);		/* after a time without trouble */

/* sim.c: late packets of a data path */
void sim_late_add(struct sim *s, struct sim_late late[SIM_LATE], const struct in6_addr *inner,
		  const struct in6_addr *outer);
bool sim_late_has(const struct sim *s, const struct sim_late late[SIM_LATE],
		  const struct in6_addr *inner, const struct in6_addr *outer);

/* sim_check.c */
void sim_check(struct sim *s);				/* after each step */
void sim_check_flows(struct sim *s);			/* after a time without trouble */
void sim_check_flows_now(struct sim *s);		/* while one interface takes over */
void sim_check_nothing_left(struct sim *s);		/* when all flows have ended */
void sim_check_stopped(struct sim *s);			/* a while after a stop by SIGTERM */

#endif
