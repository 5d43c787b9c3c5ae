/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dmip6ctl doctor: looks at kernel and configuration and changes nothing (a data path's
 * probe takes back what it tried). Each check_*() adds one row or more. Owns the list.
 */
#include "common/cli/doctor.h"

#include <dirent.h>
#include <errno.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cli/client.h"
#include "common/datapath/datapath.h"
#include "common/sys/caps.h"
#include "common/sys/diag.h"
#include "common/sys/file.h"
#include "common/sys/loop.h"
#include "common/sys/nl.h"
#include "common/sys/rt.h"

#define TUNNEL_HEADER	40	/* RFC 2473: one IPv6 header more */
#define MTU_DEFAULT	1460	/* of dmip6-had */
#define FILE_MAX	65536
#define LINKS_MAX	256
#define TABLE_LOCAL	255

enum result { RESULT_OK, RESULT_WARN, RESULT_FAIL };

static const char *const result_names[] = {
	[RESULT_OK] = "ok",
	[RESULT_WARN] = "warn",
	[RESULT_FAIL] = "fail",
};

struct doctor {
	json_t *checks;
	bool mn, ha;		/* whose checks to make */
	bool sure;		/* a daemon said so; else either may be meant to run */
	bool privileged;
	bool failed;
	uint32_t mtu;		/* that a home agent tells its hosts */
	struct nl *nl;
	struct rt_link links[LINKS_MAX];
	size_t n_links;
};

/* follows: what it means and what to do; "" when all is well. */
__attribute__((format(printf, 5, 6)))
static void add(struct doctor *d, const char *name, enum result r, const char *follows,
		const char *fmt, ...)
{
	char found[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(found, sizeof(found), fmt, ap);
	va_end(ap);
	for (char *p = found; *p; p++) {	/* JSON takes no other octets */
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
	d->failed |= r == RESULT_FAIL;
	json_array_append_new(d->checks, json_pack("{s:s, s:s, s:s, s:s}", "name", name,
						   "result", result_names[r], "found", found,
						   "follows", follows));
}

/* How bad is what only one of the two daemons needs? */
static enum result lacking(const struct doctor *d)
{
	return d->sure ? RESULT_FAIL : RESULT_WARN;
}

/* ------------------------------------------------------------------ daemons */

static void add_health(struct doctor *d, const char *path, const json_t *reply)
{
	const json_t *status = json_object_get(reply, "parameters");
	const json_t *health = json_object_get(status, "health");
	const char *role = json_string_value(json_object_get(status, "role"));
	const char *text = json_string_value(json_object_get(health, "text"));
	bool ok = json_is_true(json_object_get(health, "ok"));

	if (!role) {
		add(d, "daemon", RESULT_FAIL, "Another program listens there: give --control.",
		    "%s: no dmip6 daemon answers", path);
		return;
	}
	d->sure = true;
	d->mn |= strcmp(role, "mn") == 0;
	d->ha |= strcmp(role, "ha") == 0;
	if (json_integer_value(json_object_get(status, "mtu")) > 0)
		d->mtu = (uint32_t)json_integer_value(json_object_get(status, "mtu"));
	add(d, "daemon", ok ? RESULT_OK : RESULT_FAIL,
	    ok ? "" : "Moved flows may break until this is mended.", "%s: %s", path,
	    text ? text : "no word about its health");
}

static int ask(struct doctor *d, const char *path)
{
	struct client *c;
	json_t *reply;
	int err = client_open(path, &c);

	if (err)
		return err;
	err = client_call(c, "status", NULL, &reply);
	client_close(c);
	if (err) {
		add(d, "daemon", RESULT_FAIL, "Look at its log, or restart it.", "%s: %s", path,
		    client_error(err));
		return 0;
	}
	add_health(d, path, reply);
	json_decref(reply);
	return 0;
}

static void check_daemons(struct doctor *d, const char *control)
{
	unsigned int answered = 0;
	int err = 0, denied = 0;

	if (control) {
		err = ask(d, control);
		if (err)
			add(d, "daemon", RESULT_FAIL, "Start it, or name the socket of one that runs.",
			    "%s: %s", control, client_error(err));
	} else {
		for (const struct daemon *m = client_daemons; m->name; m++) {
			err = ask(d, m->socket);
			answered += !err;
			if (err == -EACCES)
				denied = err;
		}
		if (denied)
			add(d, "daemon", RESULT_WARN, "Run doctor as root to ask it.",
			    "the control socket is not open to this user");
		else if (!answered)
			add(d, "daemon", RESULT_WARN, "Nothing is carried on when this host moves, "
			    "or when its hosts do: start dmip6-mnd or dmip6-had.",
			    "no daemon runs here");
	}
	if (!d->sure)
		d->mn = d->ha = true;
}

/* ------------------------------------------------------------------ privileges, sockets */

static void check_privileges(struct doctor *d)
{
	const char *missing = "";

	d->privileged = caps_check(&missing) == 0;
	if (d->privileged)
		add(d, "privileges", RESULT_OK, "", "CAP_NET_ADMIN and CAP_NET_RAW are here");
	else
		add(d, "privileges", RESULT_WARN, "Several checks cannot look: run doctor as root. "
		    "The daemons need both capabilities.", "this user lacks %s", missing);
}

static void check_packet_socket(struct doctor *d)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		close(fd);
		add(d, "packet sockets", RESULT_OK, "", "AF_PACKET opens");
	} else if (errno == EPERM) {
		add(d, "packet sockets", RESULT_WARN, "Run doctor as root to know.",
		    "AF_PACKET is not allowed to this user");
	} else {
		add(d, "packet sockets", RESULT_FAIL, "No daemon can receive anything: load "
		    "af_packet, or use a kernel with CONFIG_PACKET.", "AF_PACKET: %s",
		    strerror(errno));
	}
}

static void check_one_datapath(struct doctor *d, const struct dp_ops *o, const struct dp_ops *taken)
{
	char name[64], why[256] = "";
	int err = o->probe(why, sizeof(why));

	snprintf(name, sizeof(name), "data path %s", o->name);
	if (err == 0)
		add(d, name, RESULT_OK, "", "works on this kernel%s",
		    o == taken ? ", and is what is taken" : "");
	else if (err == -EPERM && !d->privileged)
		add(d, name, RESULT_WARN, "Run doctor as root to know.",
		    "cannot be tried by this user");
	else if (taken)
		add(d, name, RESULT_OK, "", "not needed: %s", *why ? why : strerror(-err));
	else
		add(d, name, RESULT_WARN, "Another data path is needed.", "%s",
		    *why ? why : strerror(-err));
}

static void check_datapath(struct doctor *d)
{
	const struct dp_ops *taken = NULL;

	(void)dp_choose(NULL, &taken, NULL, 0);
	for (const struct dp_ops *const *o = dp_all(); *o; o++) {
		if (*o != &dp_null)	/* moves no packets */
			check_one_datapath(d, *o, taken);
	}
	if (!taken && d->privileged)
		add(d, "data path", RESULT_FAIL, "No packet of a moved flow can be carried: use a "
		    "kernel with ip6_tunnel (CONFIG_IPV6_TUNNEL) or SRv6 lightweight tunnels "
		    "(CONFIG_IPV6_SEG6_LWTUNNEL).", "none works on this kernel");
}

static void ignore_end(void *ctx, const struct diag_flow *f)
{
	(void)ctx, (void)f;
}

static void ignore_loss(void *ctx)
{
	(void)ctx;
}

static const struct diag_ops ignore = { .destroyed = ignore_end, .lost = ignore_loss };
static bool look(void *ctx, const struct diag_flow *f)
{
	(void)ctx, (void)f;
	return true;
}

static void check_sock_diag(struct doctor *d)
{
	static const struct diag_query every = { .tcp_states = UINT32_MAX };
	struct loop *loop;
	struct diag *diag;
	int err = loop_new(&loop);

	if (err) {
		add(d, "socket diagnosis", RESULT_WARN, "", "no event loop: %s", strerror(-err));
		return;
	}
	err = diag_open(loop, &ignore, NULL, &diag);
	if (err == 0) {
		err = diag_dump(diag, &every, look, NULL);
		if (err)
			diag_close(diag);
	}
	if (err)
		add(d, "socket diagnosis", lacking(d), "The MN cannot see which addresses have flows: "
		    "nothing is carried on. Load tcp_diag and udp_diag.", "sock_diag: %s",
		    strerror(-err));
	else if (diag_unlisted(diag)[0])
		add(d, "socket diagnosis", RESULT_WARN, "Addresses that only such sockets use are not "
		    "kept at a move. Load sctp_diag or dccp_diag.",
		    "the kernel does not list %s sockets", diag_unlisted(diag));
	else if (!diag_has_destroy(diag))
		add(d, "socket diagnosis", RESULT_WARN, "The end of a flow is seen late, at the next "
		    "dump: anchors are released later.",
		    "no notifications of destroyed sockets for this user on this kernel");
	else
		add(d, "socket diagnosis", RESULT_OK, "", "dumps and destroy notifications work");
	if (!err)
		diag_close(diag);
	loop_free(loop);
}

/* ------------------------------------------------------------------ sysctls, links */

/* A number out of /proc/sys/net/ipv6/conf/IF/NAME; -1 where there is none. */
static int sysctl_number(const char *interface, const char *name)
{
	char path[256], *text;
	size_t len;
	int v;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", interface, name);
	if (file_read(path, FILE_MAX, &text, &len) < 0)
		return -1;
	v = atoi(text);
	free(text);
	return v;
}

static void check_forwarding(struct doctor *d)
{
	int v = sysctl_number("all", "forwarding");

	if (v == 1)
		add(d, "forwarding", RESULT_OK, "", "net.ipv6.conf.all.forwarding is 1");
	else if (v < 0)
		add(d, "forwarding", lacking(d), "Use a kernel with IPv6.", "no IPv6 here");
	else
		add(d, "forwarding", lacking(d), "A home agent forwards nothing: "
		    "sysctl net.ipv6.conf.all.forwarding=1.", "net.ipv6.conf.all.forwarding is %d", v);
}

static bool is_ours(const struct rt_link *l)
{
	return strncmp(l->name, "dmip6", 5) == 0;
}

/* RFC 4861 6.2.2: a router does not listen to other routers; on Linux accept_ra=2 makes it. */
static void check_advertisements(struct doctor *d)
{
	unsigned int deaf = 0;

	for (size_t i = 0; i < d->n_links; i++) {
		const struct rt_link *l = &d->links[i];

		if (l->loopback || is_ours(l) || !l->up)
			continue;
		if (sysctl_number(l->name, "forwarding") != 1 ||
		    sysctl_number(l->name, "accept_ra") != 1)
			continue;
		deaf++;
		add(d, "router advertisements", RESULT_WARN, "The kernel ignores routers there, a "
		    "mobile node gets no addresses: set accept_ra=2, or forwarding=0.",
		    "%s: forwarding=1 with accept_ra=1", l->name);
	}
	if (!deaf)
		add(d, "router advertisements", RESULT_OK, "", "no interface that forwards ignores them");
}

static const struct rt_link *uplink(const struct doctor *d)
{
	struct in6_addr anywhere = { .s6_addr = { 0x20, [15] = 1 } };
	int ifindex;

	if (rt_route_get(d->nl, &anywhere, &ifindex) < 0)
		return NULL;
	for (size_t i = 0; i < d->n_links; i++) {
		if (d->links[i].ifindex == ifindex && !d->links[i].loopback)
			return &d->links[i];
	}
	return NULL;
}

/* A packet as large as the hosts are told has to fit into the tunnel, on the uplink and on
 * the access link where the host is by then. */
static void check_mtu(struct doctor *d)
{
	const struct rt_link *up = uplink(d);
	uint32_t need = (d->mtu ? d->mtu : MTU_DEFAULT) + TUNNEL_HEADER;
	unsigned int small = 0;

	if (!up) {
		add(d, "tunnel size", RESULT_WARN, "A home agent needs a way to where its hosts go.",
		    "no default route");
		return;
	}
	for (size_t i = 0; i < d->n_links; i++) {
		const struct rt_link *l = &d->links[i];

		if (l->loopback || is_ours(l) || !l->up || l->mtu >= need)
			continue;
		small++;
		add(d, "tunnel size", RESULT_WARN, "Senders to hosts that left find out by losing a "
		    "packet: raise its MTU, or lower \"mtu\" in ha.conf.",
		    "%s has MTU %u, %u is needed", l->name, l->mtu, need);
	}
	if (!small)
		add(d, "tunnel size", RESULT_OK, "", "all links carry %u octets", need);
}

/* ------------------------------------------------------------------ rules */

struct rules {
	uint32_t ours;			/* lowest priority of a rule for a home address */
	struct rt_rule shadow;		/* the first that takes every packet before it */
	bool shadowed;
};

static void find_ours(void *ctx, const struct rt_rule *r)
{
	struct rules *s = ctx;

	if (r->protocol == RT_PROTOCOL && r->from.len && r->priority < s->ours)
		s->ours = r->priority;
}

static void find_shadow(void *ctx, const struct rt_rule *r)
{
	struct rules *s = ctx;

	/* Table 0: a rule without a table (VRF), which takes only what belongs to it. */
	if (s->shadowed || r->protocol == RT_PROTOCOL || r->from.len || r->ip_proto ||
	    r->table == 0 || r->table == TABLE_LOCAL || r->priority >= s->ours)
		return;
	s->shadow = *r;
	s->shadowed = true;
}

static void check_rules(struct doctor *d)
{
	struct rules s = { .ours = UINT32_MAX };
	int err = rt_rule_dump(d->nl, find_ours, &s);

	if (s.ours == UINT32_MAX)	/* none yet */
		s.ours = DP_TABLE_BASE;
	if (!err)
		err = rt_rule_dump(d->nl, find_shadow, &s);
	if (err)
		add(d, "policy rules", RESULT_WARN, "", "cannot be read: %s", strerror(-err));
	else if (s.shadowed)
		add(d, "policy rules", RESULT_WARN, "Where it matches, packets from home addresses "
		    "never reach our rules and leave untunnelled: give it a greater number.",
		    "rule %u (table %u) stands before ours at %u", s.shadow.priority,
		    s.shadow.table, s.ours);
	else
		add(d, "policy rules", RESULT_OK, "", "no foreign rule stands before %u", s.ours);
}

/* ------------------------------------------------------------------ systemd-networkd */

struct networkd { bool routes, rules; };	/* removes what it did not make */

static void read_assignment(const char *line, const char *key, bool *ret)
{
	size_t n = strlen(key);

	if (strncmp(line, key, n) != 0)
		return;
	line += n + strspn(line + n, " \t");
	if (*line != '=')
		return;
	line += 1 + strspn(line + 1, " \t");
	*ret = strchr("yYtT1", *line) != NULL || strncasecmp(line, "on", 2) == 0;
}

static void read_networkd_file(const char *path, struct networkd *n)
{
	char *text, *save = NULL;
	size_t len;

	if (file_read(path, FILE_MAX, &text, &len) < 0)
		return;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		l += strspn(l, " \t");
		read_assignment(l, "ManageForeignRoutes", &n->routes);
		read_assignment(l, "ManageForeignRoutingPolicyRules", &n->rules);
	}
	free(text);
}

static int is_conf(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 5 && strcmp(e->d_name + n - 5, ".conf") == 0;
}

static void read_networkd_dir(const char *dir, struct networkd *n)
{
	struct dirent **files;
	int count = scandir(dir, &files, is_conf, alphasort);

	if (count < 0)
		return;
	for (int i = 0; i < count; i++) {
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", dir, files[i]->d_name);
		read_networkd_file(path, n);
		free(files[i]);
	}
	free(files);
}

static void check_networkd(struct doctor *d)
{
	struct networkd n = { true, true };	/* its defaults, networkd.conf(5) */

	if (access("/run/systemd/netif/state", F_OK) != 0) {
		add(d, "systemd-networkd", RESULT_OK, "", "does not run here");
		return;
	}
	read_networkd_file("/etc/systemd/networkd.conf", &n);
	read_networkd_dir("/usr/lib/systemd/networkd.conf.d", &n);
	read_networkd_dir("/run/systemd/networkd.conf.d", &n);
	read_networkd_dir("/etc/systemd/networkd.conf.d", &n);
	if (n.rules || n.routes)
		add(d, "systemd-networkd", RESULT_WARN, "When it restarts it removes what the daemons "
		    "put there; they put it back, packets between are lost. Set both to no in a "
		    "file in /etc/systemd/networkd.conf.d.", "ManageForeignRoutingPolicyRules=%s, "
		    "ManageForeignRoutes=%s", n.rules ? "yes" : "no", n.routes ? "yes" : "no");
	else
		add(d, "systemd-networkd", RESULT_OK, "", "leaves foreign rules and routes alone");
}

/* ------------------------------------------------------------------ packet filters */

/* A line such as "fib saddr . iif oif missing drop": reverse path filtering. */
static bool is_reverse_path(const char *line)
{
	const char *fib = strstr(line, "fib saddr");

	return fib && strstr(fib, " oif");
}

static void scan_ruleset(struct doctor *d, char *text)
{
	char *save = NULL, table[128] = "?";

	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		if (strncmp(l, "table ", 6) == 0)
			snprintf(table, sizeof(table), "%.*s", (int)strcspn(l + 6, "{") - 1, l + 6);
		if (!is_reverse_path(l))
			continue;
		add(d, "packet filter", RESULT_WARN, "It drops what comes out of a tunnel when the way "
		    "back to its sender is another interface: let our packets pass before it.",
		    "reverse path filter in table %s: %s", table, l + strspn(l, " \t"));
		return;
	}
	add(d, "packet filter", RESULT_OK, "", "no reverse path filter in nftables");
}

static void check_filter(struct doctor *d)
{
	struct nft_ctx *nft;
	const char *out;
	char *text;

	if (!d->privileged) {	/* the library would write to stderr */
		add(d, "packet filter", RESULT_WARN, "Run doctor as root to know.",
		    "the rule set is not shown to this user");
		return;
	}
	nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!nft)
		return;
	nft_ctx_buffer_output(nft);
	nft_ctx_buffer_error(nft);
	nft_ctx_output_set_flags(nft, NFT_CTX_OUTPUT_STATELESS);
	if (nft_run_cmd_from_buffer(nft, "list ruleset") != 0) {
		add(d, "packet filter", RESULT_FAIL, "The daemons need nftables to check the sources "
		    "of tunnelled packets.", "the rule set cannot be read");
	} else {
		out = nft_ctx_get_output_buffer(nft);
		text = strdup(out ? out : "");
		if (text)
			scan_ruleset(d, text);
		free(text);
	}
	nft_ctx_free(nft);
}

/* ------------------------------------------------------------------ all of it */

static void take_link(void *ctx, const struct rt_link *l)
{
	struct doctor *d = ctx;

	if (d->n_links < LINKS_MAX)
		d->links[d->n_links++] = *l;
}

static void check_network(struct doctor *d)
{
	int err = nl_open(NETLINK_ROUTE, &d->nl);

	if (!err)
		err = rt_link_dump(d->nl, take_link, d);
	if (err) {
		add(d, "netlink", RESULT_FAIL, "No daemon can work without it.", "rtnetlink: %s",
		    strerror(-err));
		return;
	}
	if (d->mn) {
		check_advertisements(d);
		check_rules(d);
		check_sock_diag(d);
	}
	if (d->ha) {
		check_forwarding(d);
		check_mtu(d);
	}
}

json_t *doctor(const char *control, bool *ret_failed)
{
	struct doctor d = { .checks = json_array() };
	json_t *all;

	if (!d.checks)
		return NULL;
	check_daemons(&d, control);
	check_privileges(&d);
	check_packet_socket(&d);
	check_datapath(&d);
	check_network(&d);
	if (d.nl)
		nl_free(d.nl);
	check_filter(&d);
	check_networkd(&d);
	all = json_pack("{s:i, s:o}", "schema", 1, "checks", d.checks);
	if (all)
		*ret_failed = d.failed;
	return all;
}
