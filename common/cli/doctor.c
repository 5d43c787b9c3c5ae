/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dmip6ctl doctor: looks at kernel and configuration and changes nothing (a data path's
 * probe takes back what it tried). Each check_*() adds one row or more. Owns the list.
 */
#include "common/cli/doctor.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cli/client.h"
#include "common/cli/doctor_private.h"
#include "common/datapath/datapath.h"
#include "common/sys/caps.h"
#include "common/sys/diag.h"
#include "common/sys/file.h"
#include "common/sys/loop.h"

static const char *const result_names[] = {
	[RESULT_OK] = "ok",
	[RESULT_WARN] = "warn",
	[RESULT_FAIL] = "fail",
};

void doctor_add(struct doctor *d, const char *name, enum result r, const char *follows,
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

enum result doctor_lacking(const struct doctor *d)
{
	return d->sure ? RESULT_FAIL : RESULT_WARN;
}

bool doctor_is_ours(const struct rt_link *l)
{
	return strncmp(l->name, "dmip6", 5) == 0;
}

bool doctor_is_access(const struct rt_link *l)
{
	return l->up && l->ethernet && !l->loopback && !doctor_is_ours(l);
}

int doctor_sysctl(const char *interface, const char *name)
{
	char path[256], *text;
	size_t len;
	int v;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", interface, name);
	if (file_read(path, DOCTOR_FILE_MAX, &text, &len) < 0)
		return -1;
	v = atoi(text);
	free(text);
	return v;
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
		doctor_add(d, "daemon", RESULT_FAIL, "Another program listens there: give --control.",
		    "%s: no dmip6 daemon answers", path);
		return;
	}
	d->sure = true;
	d->mn |= strcmp(role, "mn") == 0;
	d->ha |= strcmp(role, "ha") == 0;
	if (json_integer_value(json_object_get(status, "mtu")) > 0)
		d->mtu = (uint32_t)json_integer_value(json_object_get(status, "mtu"));
	doctor_add(d, "daemon", ok ? RESULT_OK : RESULT_FAIL,
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
		doctor_add(d, "daemon", RESULT_FAIL, "Look at its log, or restart it.", "%s: %s", path,
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
			doctor_add(d, "daemon", RESULT_FAIL, "Start it, or name the socket of one that runs.",
			    "%s: %s", control, client_error(err));
	} else {
		for (const struct daemon *m = client_daemons; m->name; m++) {
			err = ask(d, m->socket);
			answered += !err;
			if (err == -EACCES)
				denied = err;
		}
		if (denied)
			doctor_add(d, "daemon", RESULT_WARN, "Run doctor as root to ask it.",
			    "the control socket is not open to this user");
		else if (!answered)
			doctor_add(d, "daemon", RESULT_WARN, "Nothing is carried on when this host moves, "
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
		doctor_add(d, "privileges", RESULT_OK, "", "CAP_NET_ADMIN and CAP_NET_RAW are here");
	else
		doctor_add(d, "privileges", RESULT_WARN, "Several checks cannot look: run doctor as root. "
		    "The daemons need both capabilities.", "this user lacks %s", missing);
}

static void check_packet_socket(struct doctor *d)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		close(fd);
		doctor_add(d, "packet sockets", RESULT_OK, "", "AF_PACKET opens");
	} else if (errno == EPERM) {
		doctor_add(d, "packet sockets", RESULT_WARN, "Run doctor as root to know.",
		    "AF_PACKET is not allowed to this user");
	} else {
		doctor_add(d, "packet sockets", RESULT_FAIL, "No daemon can receive anything: load "
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
		doctor_add(d, name, RESULT_OK, "", "works on this kernel%s",
		    o == taken ? ", and is what is taken" : "");
	else if (err == -EPERM && !d->privileged)
		doctor_add(d, name, RESULT_WARN, "Run doctor as root to know.",
		    "cannot be tried by this user");
	else if (taken)
		doctor_add(d, name, RESULT_OK, "", "not needed: %s", *why ? why : strerror(-err));
	else
		doctor_add(d, name, RESULT_WARN, "Another data path is needed.", "%s",
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
		doctor_add(d, "data path", RESULT_FAIL, "No packet of a moved flow can be carried: use a "
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
		doctor_add(d, "socket diagnosis", RESULT_WARN, "", "no event loop: %s", strerror(-err));
		return;
	}
	err = diag_open(loop, &ignore, NULL, &diag);
	if (err == 0) {
		err = diag_dump(diag, &every, look, NULL);
		if (err)
			diag_close(diag);
	}
	if (err)
		doctor_add(d, "socket diagnosis", doctor_lacking(d), "The MN cannot see which addresses have flows: "
		    "nothing is carried on. Load tcp_diag and udp_diag.", "sock_diag: %s",
		    strerror(-err));
	else if (diag_unlisted(diag)[0])
		doctor_add(d, "socket diagnosis", RESULT_WARN, "Addresses that only such sockets use are not "
		    "kept at a move. Load sctp_diag or dccp_diag.",
		    "the kernel does not list %s sockets", diag_unlisted(diag));
	else if (!diag_has_destroy(diag))
		doctor_add(d, "socket diagnosis", RESULT_WARN, "The end of a flow is seen late, at the next "
		    "dump: anchors are released later.",
		    "no notifications of destroyed sockets for this user on this kernel");
	else
		doctor_add(d, "socket diagnosis", RESULT_OK, "", "dumps and destroy notifications work");
	if (!err)
		diag_close(diag);
	loop_free(loop);
}

/* ------------------------------------------------------------------ all of it */

static void take_link(void *ctx, const struct rt_link *l)
{
	struct doctor *d = ctx;

	if (d->n_links < DOCTOR_LINKS)
		d->links[d->n_links++] = *l;
}

static void check_network(struct doctor *d)
{
	int err = nl_open(NETLINK_ROUTE, &d->nl);

	if (!err)
		err = rt_link_dump(d->nl, take_link, d);
	if (err) {
		doctor_add(d, "netlink", RESULT_FAIL, "No daemon can work without it.", "rtnetlink: %s",
		    strerror(-err));
		return;
	}
	if (d->mn) {
		doctor_ipv6(d);
		doctor_advertisements(d);
		doctor_rules(d);
		check_sock_diag(d);
	}
	if (d->ha)
		doctor_forwarding(d);
	doctor_mtu(d);
	doctor_networkmanager(d);
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
	doctor_filter(&d);
	doctor_networkd(&d);
	doctor_dhcpcd(&d);
	all = json_pack("{s:i, s:o}", "schema", 1, "checks", d.checks);
	if (all)
		*ret_failed = d.failed;
	return all;
}
