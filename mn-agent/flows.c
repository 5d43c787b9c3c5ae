/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which home addresses are in use. Owns the count of flows of every anchor and the rule what
 * is one; io.c tells of sockets that ended, and whoever is about to give an address up asks
 * for a fresh count. Design 4.4; states of TCP: RFC 9293 3.3.2.
 *
 * What is sent by a socket that is bound to no address is seen by its packets only: an
 * address from which one left within the time of `linger` has a flow. From the last packet on
 * that time is over once, not twice.
 *
 * Timer:
 *   rescan  while anything lasts for its flows: counts them again, for what no notification
 *           told; sooner after one that did.
 */
#include "mn-agent/flows.h"

#include "mn-agent/attach.h"
#include "mn-agent/coa.h"

#define RESCAN_INTERVAL	(10 * USEC_S)
#define RESCAN_SOON	(100 * USEC_MS)		/* many that end at once are counted once */
#define ASK_SOON	(10 * USEC_MS)		/* first what moves away, then what may not */

#define FLOWS_ENDED	64			/* at once; the rest with the next count */

#define PORT_DOMAIN	53
#define PORT_NTP	123

struct verdict {
	bool holds;
	const char *why;
};

/*
 * What is to live on holds its address: somebody waits for data here, or some is still to be
 * delivered. What only waits for time to pass does not, nor what a stranger can make.
 */
static const struct verdict tcp_verdicts[FLOW_STATE_MAX] = {
	[FLOW_ESTABLISHED] = { true, "a connection" },
	/* Its source address is chosen; the next attempt reaches the peer by the tunnel. */
	[FLOW_SYN_SENT] = { true, "a connection being opened" },
	/* Whoever has a forged source address can make as many as he likes. */
	[FLOW_SYN_RECV] = { false, "half open, and nobody here has accepted it" },
	[FLOW_NEW_SYN_RECV] = { false, "half open, and nobody here has accepted it" },
	/* The kernel gives up an orphan after some retransmissions. */
	[FLOW_FIN_WAIT1] = { true, "closed here, what was written is being delivered" },
	[FLOW_FIN_WAIT2] = { true, "closed for writing, and still read" },
	[FLOW_CLOSING] = { true, "closed, what was written is being delivered" },
	[FLOW_LAST_ACK] = { true, "closed, what was written is being delivered" },
	[FLOW_CLOSE_WAIT] = { true, "closed by the peer, and the process may still write" },
	[FLOW_TIME_WAIT] = { false, "over; the kernel keeps its ports for a minute" },
	[FLOW_CLOSE] = { false, "not connected" },
	[FLOW_LISTEN] = { true, "listens on this very address" },
};

/* All that was written has arrived, and nobody is left who would read. */
static const struct verdict orphan = { false, "closed, and no process waits for the peer" };
static const struct verdict connected = { true, "has a peer" };
static const struct verdict bound = { true, "bound to this very address" };
/* As good as bound to all: it has the next address before it is asked. */
static const struct verdict everywhere = { false, "its process has the same port elsewhere" };
/* It comes and goes with the link: bootstrap.c. */
static const struct verdict for_key = { false, "asks the home agent for a key" };
static const struct verdict nonpersistent = { false, "of class nonpersistent" };
static const struct verdict session = { true, "of class session" };
static const struct verdict graceful_over = { false, "of class graceful, and its time is over" };
/* One question, one answer; whoever asks repeats it from another address. */
static const struct verdict question = { false, "a question that is asked again" };

static const struct verdict *tcp_verdict(const struct mn_flow *f)
{
	if (f->state == FLOW_FIN_WAIT2 && !f->owned)
		return &orphan;
	if (f->state == 0 || f->state >= FLOW_STATE_MAX)
		return &tcp_verdicts[FLOW_CLOSE];
	return &tcp_verdicts[f->state];
}

static const struct verdict *verdict(const struct mn_flow *f)
{
	if (f->protocol == FLOW_TCP || f->protocol == FLOW_DCCP)
		return tcp_verdict(f);
	if (in6_is_any(&f->remote))
		return &bound;
	if (f->protocol == FLOW_UDP &&
	    (f->remote_port == PORT_DOMAIN || f->remote_port == PORT_NTP))
		return &question;
	return &connected;
}

uint32_t mn_tcp_states_that_hold(void)
{
	uint32_t states = 0;

	for (unsigned int s = 0; s < FLOW_STATE_MAX; s++)
		if (tcp_verdicts[s].holds)
			states |= 1u << s;
	return states;
}

/* --- sockets without a peer ------------------------------------------------------ */

static struct mn_bound *find_bound(struct mn *mn, const struct mn_flow *f)
{
	for (unsigned int n = 0; n < mn->n_bound; n++)
		if (mn->bound[n].protocol == f->protocol && mn->bound[n].port == f->local_port)
			return &mn->bound[n];
	return NULL;
}

static bool is_server(const struct mn_flow *f)
{
	return in6_is_any(&f->remote);
}

bool mn_flow_is_for_key(const struct mn *mn, const struct mn_flow *f)
{
	const struct anchor *a = f->protocol == FLOW_TCP && f->remote_port == BOOT_PORT ?
				 mn_find_anchor(mn, &f->local) : NULL;

	return a && in6_eq(&a->ha, &f->remote);
}

static const struct verdict *verdict_in(const struct mn *mn, const struct mn_flow *f)
{
	return mn_flow_is_for_key(mn, f) ? &for_key : verdict(f);
}

/* What a class makes of it, by the last count. */
static const struct verdict *by_class(const struct mn *mn, const struct mn_flow *f,
				      const struct verdict *v)
{
	switch (classes_of(mn, f)) {
	case APP_NONPERSISTENT:
		return &nonpersistent;
	case APP_SESSION:
		return f->state != FLOW_TIME_WAIT ? &session : v;
	case APP_GRACEFUL:
		return v->holds && classes_over(mn, &f->local, mn->counted_at) ? &graceful_over : v;
	case APP_NO_CLASS:
	case APP_FIXED:
	case APP_CLASS_MAX:
		break;
	}
	return v;
}

bool mn_flow_holds(const struct mn *mn, const struct mn_flow *f, const char **ret_why)
{
	const struct verdict *v = by_class(mn, f, verdict_in(mn, f));

	for (unsigned int n = 0; n < mn->n_bound && v->holds && v != &session && is_server(f); n++)
		if (mn->bound[n].protocol == f->protocol && mn->bound[n].port == f->local_port &&
		    mn->bound[n].elsewhere)
			v = &everywhere;
	*ret_why = v->why;
	return v->holds;
}

/* --- counting -------------------------------------------------------------------- */

struct count {
	struct mn *mn;
	/* How many anchors are still to be seen in use; 0: all flows are to be counted. */
	unsigned int unseen;
	bool enough;
	/* Connections that nothing keeps, and whose address has been left. */
	unsigned int n_ended;
	struct mn_flow ended[FLOWS_ENDED];
};

/* During a count, `recounted` of an anchor is what has been seen so far. */
static void count_one(struct count *c, const struct in6_addr *local)
{
	struct anchor *a = mn_anchor(c->mn, local);

	if (!a || !a->asked)
		return;
	a->recounted++;
	if (a->recounted == 1 && c->unseen > 0 && --c->unseen == 0)
		c->enough = true;
}

/* Who has asked for no more than that is told so when its host has left. */
static void is_left(struct count *c, const struct mn_flow *f, enum app_class class)
{
	const struct anchor *a = mn_anchor(c->mn, &f->local);

	if (!a || !(anchor_away(a) || a->unsure) || is_server(f) || c->n_ended == FLOWS_ENDED)
		return;
	if (class == APP_NONPERSISTENT || class == APP_GRACEFUL)
		c->ended[c->n_ended++] = *f;
}

static bool on_flow(void *arg, const struct mn_flow *f)
{
	struct count *c = arg;
	struct mn *mn = c->mn;
	enum app_class class = classes_of(mn, f);
	struct mn_bound *b;

	if (!classes_holds(mn, f, class, verdict_in(mn, f)->holds, mn->counted_at)) {
		is_left(c, f, class);
		return true;
	}
	if (!is_server(f) || class == APP_SESSION) {
		count_one(c, &f->local);
		return !c->enough;
	}
	b = find_bound(mn, f);
	if (b)
		b->elsewhere |= !in6_eq(&b->local, &f->local);
	else if (mn->n_bound < MN_BOUND_MAX)
		mn->bound[mn->n_bound++] = (struct mn_bound){
			.local = f->local, .port = f->local_port, .protocol = f->protocol,
		};
	else
		count_one(c, &f->local);
	return !c->enough;
}

static void on_sent(void *arg, const struct in6_addr *from, usec_t ago)
{
	struct mn *mn = arg;
	struct anchor *a = mn_anchor(mn, from);
	usec_t linger = mn->cfg->anchor.linger;

	if (!a || !a->asked || a->recounted > 0 || ago >= linger)
		return;
	a->recounted = 1;
	a->traffic_left = linger - ago;
}

/* Those of the anchors marked `asked' that are in use, into `recounted`. A program that listens
 * on all addresses one by one does so on the loopback address, too. */
static void count(struct mn *mn, bool all)
{
	struct in6_addr locals[1 + MN_ANCHORS_MAX] = { in6addr_loopback };
	struct count c = { .mn = mn };
	unsigned int n = 1;
	bool idle = false;

	for (struct anchor *a = mn->anchors; a; a = a->next) {
		a->recounted = 0;
		a->traffic_left = 0;
		if (a->asked && n <= MN_ANCHORS_MAX)
			locals[n++] = a->hoa;
	}
	if (n == 1)
		return;
	if (!all && !classes_want_all(mn))
		c.unseen = n - 1;
	classes_count_begins(mn, mn->counted_at);
	mn->n_bound = 0;
	mn->counters[MN_C_FLOWS_SCANNED]++;
	if (mn->ops->flows(mn->ctx, locals, n, on_flow, &c)) {
		/* Not to know is no reason to let a flow die. */
		for (struct anchor *a = mn->anchors; a; a = a->next)
			a->recounted = a->flows;
		return;
	}
	for (unsigned int k = 0; k < mn->n_bound; k++)
		if (!mn->bound[k].elsewhere)
			count_one(&c, &mn->bound[k].local);
	for (struct anchor *a = mn->anchors; a; a = a->next)
		if (a->asked)
			a->recounted += classes_unseen(mn, &a->hoa, mn->counted_at);
	classes_count_ends(mn, all, mn->counted_at);
	for (unsigned int k = 0; k < c.n_ended && mn->ops->flow_end; k++) {
		mn->counters[MN_C_FLOWS_ENDED]++;
		mn->ops->flow_end(mn->ctx, &c.ended[k]);
	}
	/* Packets count for those of which no socket has been seen. */
	for (const struct anchor *a = mn->anchors; a; a = a->next)
		idle |= a->asked && a->recounted == 0;
	if (idle)
		(void)mn->ops->sent(mn->ctx, on_sent, mn);
}

struct on { const struct in6_addr *addr; unsigned int n; };

static bool on_one(void *arg, const struct mn_flow *f)
{
	struct on *o = arg;

	o->n += verdict(f)->holds && !is_server(f) && in6_eq(&f->local, o->addr);
	return true;
}

unsigned int flows_on(struct mn *mn, const struct in6_addr *addr)
{
	struct on o = { .addr = addr };

	mn->counters[MN_C_FLOWS_SCANNED]++;
	return mn->ops->flows(mn->ctx, addr, 1, on_one, &o) ? 0 : o.n;
}

static void watch(struct mn *mn, bool on)
{
	if (mn->watching != on)
		mn->ops->watch_flows(mn->ctx, on);
	mn->watching = on;
}

void flows_recount(struct mn *mn)
{
	for (struct anchor *a = mn->anchors; a; a = a->next)
		a->asked = a->state != ANCHOR_GONE;
	count(mn, true);
}

static void look_at(struct mn *mn, usec_t at)
{
	if (!timer_armed(&mn->rescan) || at < mn->rescan.at)
		timer_set(mn->timers, &mn->rescan, at);
}

/* What follows from the count of one: when its only flow were packets, their last one began
 * the time of `linger`, and that is over. */
static void conclude(struct mn *mn, struct anchor *a, bool all, usec_t now)
{
	bool was_traffic = a->traffic;
	unsigned int n = a->recounted;

	if (!all && n > 0 && n < a->flows)
		n = a->flows;		/* the last one that was exact */
	a->traffic = a->traffic_left > 0;
	anchor_set_flows(a, n, now);
	if (was_traffic && n == 0 && timer_armed(&a->linger))
		timer_set(mn->timers, &a->linger, now);
	if (a->traffic)
		look_at(mn, now + a->traffic_left);
}

static void conclude_asked(struct mn *mn, bool all, usec_t now)
{
	for (struct anchor *a = mn->anchors; a; a = a->next)
		if (a->asked && a->state != ANCHOR_GONE)
			conclude(mn, a, all, now);
	mn->inexact = !all;
}

void mn_count_flows(struct mn *mn, usec_t now)
{
	watch(mn, true);	/* before: what ends meanwhile is told */
	mn->counted_at = now;
	flows_recount(mn);
	conclude_asked(mn, true, now);
}

/* Of those that are marked one flow each is enough. */
static void ask(struct mn *mn, usec_t now)
{
	watch(mn, true);
	mn->counted_at = now;
	count(mn, false);
	conclude_asked(mn, false, now);
	/* A socket lets go by itself: it is looked at then. */
	if (classes_next(mn, now) != USEC_NEVER)
		look_at(mn, classes_next(mn, now));
}

void flows_ask(struct mn *mn, struct anchor *which, usec_t now)
{
	for (struct anchor *a = mn->anchors; a; a = a->next)
		a->asked = a == which;
	ask(mn, now);
}

void flows_at_move(struct mn *mn, usec_t now)
{
	bool wanted = false;

	for (struct anchor *a = mn->anchors; a; a = a->next) {
		bool known = a->flows > 0 && mn->watching;

		a->asked = false;
		if (known || a->unsure)
			continue;
		/* Whether to leave a link that works depends on it, and there is time. */
		if (a->state == ANCHOR_DEPARTED ||
		    (a->state == ANCHOR_ATTACHED && attach_at_home_anywhere(mn, a)))
			a->asked = true;
		else if (a->state == ANCHOR_ATTACHED)
			a->unsure = true;
		wanted |= a->asked;
	}
	if (wanted)
		ask(mn, now);
	watch(mn, true);
	look_at(mn, now + ASK_SOON);
}

bool flows_resolve(struct mn *mn, usec_t now)
{
	bool any = false;

	for (struct anchor *a = mn->anchors; a; a = a->next) {
		a->asked = a->unsure && a->state != ANCHOR_GONE;
		any |= a->asked;
	}
	if (!any)
		return false;
	ask(mn, now);
	for (struct anchor *a = mn->anchors; a; a = a->next)
		if (a->asked)
			anchor_sure(a, now);
	return true;
}

void flows_resolve_alone(struct mn *mn, usec_t now)
{
	for (const struct anchor *a = mn->anchors; a; a = a->next)
		if (anchor_away(a) && !a->unsure)
			return;
	(void)flows_resolve(mn, now);
}

bool flows_make_exact(struct mn *mn, usec_t now)
{
	if (!mn->inexact)
		return false;
	flows_recount(mn);
	mn->inexact = false;
	for (struct anchor *a = mn->anchors; a; a = a->next) {
		if (!a->forsaken)
			a->flows = a->recounted;
		if (a->unsure)
			anchor_sure(a, now);
	}
	return true;
}

/* Before long, but not for each of many that end. */
static void rescan_soon(struct mn *mn, usec_t now)
{
	usec_t at = mn->asked_at + RESCAN_SOON;

	look_at(mn, at > now ? at : now);
}

void mn_flow_ended(struct mn *mn, const struct in6_addr *local, usec_t now)
{
	struct anchor *a = mn_anchor(mn, local);

	if (!a || a->flows == 0)
		return;
	if (a->flows > 1)
		a->flows--;
	else
		rescan_soon(mn, now);	/* the last one: be exact */
}

void mn_flows_changed(struct mn *mn, usec_t now)
{
	mn_count_flows(mn, now);
	timer_set(mn->timers, &mn->sweep, now);
}

/* A flow that begins on a lesser interface is carried by the current one, too. */
static bool may_be_taken_over(const struct mn *mn)
{
	for (const struct mn_iface *i = mn->ifaces; i && mn->current; i = i->next)
		if (i->attached && i != mn->current)
			return true;
	return false;
}

/* Is there anything that lasts only as long as its flows? */
static bool lasts_for_flows(const struct mn *mn)
{
	for (const struct mn_iface *i = mn->ifaces; i; i = i->next) {
		if (i->coa_source == COA_OWN)
			return true;
		for (unsigned int n = 0; n < i->n_addrs; n++)
			if (i->addrs[n].ours)
				return true;
	}
	for (const struct anchor *a = mn->anchors; a; a = a->next)
		if (a->held || anchor_away(a))
			return true;
	return false;
}

/* Those in use apart from the others: of each of them one flow is soon found. */
static void ask_those(struct mn *mn, bool in_use, usec_t now)
{
	for (struct anchor *a = mn->anchors; a; a = a->next)
		a->asked = a->state != ANCHOR_GONE && (a->flows > 0) == in_use;
	ask(mn, now);
}

/* An anchor is idle while nothing goes through its tunnel, whatever sockets it has. */
static void look_at_traffic(struct mn *mn, usec_t now)
{
	for (struct anchor *a = mn->anchors; a; a = a->next) {
		uint64_t packets = a->tunnelled ? mn->ops->traffic(mn->ctx, &a->hoa) : 0;

		if (packets != a->packets)
			a->busy_at = now;
		a->packets = packets;
	}
}

static void rescan_due(void *ctx, usec_t now)
{
	struct mn *mn = ctx;

	mn->asked_at = now;
	timer_set(mn->timers, &mn->rescan, now + RESCAN_INTERVAL);
	look_at_traffic(mn, now);
	if (lasts_for_flows(mn) || may_be_taken_over(mn) || flows_resolve(mn, now)) {
		ask_those(mn, true, now);	/* may have a closer look before long */
		ask_those(mn, false, now);
		(void)flows_resolve(mn, now);
		attach_hold_used(mn);
		timer_set(mn->timers, &mn->sweep, now);
	} else {
		watch(mn, false);
	}
	if (may_be_taken_over(mn))
		timer_set(mn->timers, &mn->handover, now);
	attach_leave_routers(mn);
}

void flows_init(struct mn *mn)
{
	mn->watching = true;
	timer_init(&mn->rescan, "rescan", rescan_due, mn);
	timer_set(mn->timers, &mn->rescan, RESCAN_INTERVAL);
}
