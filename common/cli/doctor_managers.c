/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dmip6ctl doctor: who configures the interfaces (the kernel, NetworkManager, systemd-
 * networkd, dhcpcd), whether anybody listens to routers there, and whether he leaves alone
 * what is ours. All by the files that they keep in /run and read in /etc.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/cli/doctor_private.h"
#include "common/sys/file.h"

/* Does the file have a line that begins so? */
static bool file_says(const char *path, const char *line)
{
	char *text, *save = NULL;
	size_t len;
	bool says = false;

	if (file_read(path, DOCTOR_FILE_MAX, &text, &len) < 0)
		return false;
	for (char *l = strtok_r(text, "\n", &save); l && !says; l = strtok_r(NULL, "\n", &save))
		says = strncmp(l + strspn(l, " \t"), line, strlen(line)) == 0;
	free(text);
	return says;
}

/* ------------------------------------------------------------------ who it is */

static bool by_networkmanager(const struct rt_link *l)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/run/NetworkManager/devices/%d", l->ifindex);
	return file_says(path, "managed=1") || file_says(path, "managed=true");
}

static bool by_networkd(const struct rt_link *l)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/run/systemd/netif/links/%d", l->ifindex);
	return file_says(path, "ADMIN_STATE=conf") || file_says(path, "ADMIN_STATE=pending");
}

static bool dhcpcd_runs(void)
{
	return access("/run/dhcpcd/pid", F_OK) == 0 || access("/run/dhcpcd/sock", F_OK) == 0 ||
	       access("/run/dhcpcd.pid", F_OK) == 0;
}

/* dhcpcd turns the kernel's off; it says nowhere which interfaces it has. */
static bool by_dhcpcd(const struct rt_link *l)
{
	return dhcpcd_runs() && doctor_sysctl(l->name, "accept_ra") == 0;
}

/* RFC 4861 6.2.2: a router does not listen to other routers; on Linux accept_ra=2 makes it. */
static bool by_kernel(const struct rt_link *l)
{
	int accept = doctor_sysctl(l->name, "accept_ra");

	return accept == 2 || (accept == 1 && doctor_sysctl(l->name, "forwarding") != 1);
}

static void one_link(struct doctor *d, const struct rt_link *l)
{
	bool nm = by_networkmanager(l), networkd = by_networkd(l);
	const char *who = nm ? "NetworkManager" : networkd ? "systemd-networkd" :
			  by_dhcpcd(l) ? "dhcpcd" : by_kernel(l) ? "the kernel" : NULL;

	if (nm && networkd)
		doctor_add(d, "router advertisements", RESULT_WARN, "They undo each other's work: "
			   "let one of them leave it alone.",
			   "%s: NetworkManager and systemd-networkd both manage it", l->name);
	else if (who)
		doctor_add(d, "router advertisements", RESULT_OK, "", "%s: %s listens to them",
			   l->name, who);
	else if (doctor_sysctl(l->name, "accept_ra") == 1)
		doctor_add(d, "router advertisements", RESULT_WARN, "The kernel ignores routers "
			   "there, a mobile node gets no addresses: set accept_ra=2, or forwarding=0.",
			   "%s: forwarding=1 with accept_ra=1", l->name);
	else
		doctor_add(d, "router advertisements", d->ha ? RESULT_OK : RESULT_WARN, d->ha ? "" :
			   "A mobile node gets no addresses there: let a network manager have it, or "
			   "set net.ipv6.conf.IF.accept_ra=1.", "%s: nobody listens to them, "
			   "accept_ra=%d", l->name, doctor_sysctl(l->name, "accept_ra"));
}

void doctor_advertisements(struct doctor *d)
{
	unsigned int n = 0;

	for (size_t i = 0; i < d->n_links; i++) {
		if (!doctor_is_access(&d->links[i]))
			continue;
		one_link(d, &d->links[i]);
		n++;
	}
	if (!n)
		doctor_add(d, "router advertisements", RESULT_OK, "", "no link is up");
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

	if (file_read(path, DOCTOR_FILE_MAX, &text, &len) < 0)
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

void doctor_networkd(struct doctor *d)
{
	struct networkd n = { true, true };	/* its defaults, networkd.conf(5) */

	if (access("/run/systemd/netif/state", F_OK) != 0) {
		doctor_add(d, "systemd-networkd", RESULT_OK, "", "does not run here");
		return;
	}
	read_networkd_file("/etc/systemd/networkd.conf", &n);
	read_networkd_dir("/usr/lib/systemd/networkd.conf.d", &n);
	read_networkd_dir("/usr/local/lib/systemd/networkd.conf.d", &n);
	read_networkd_dir("/run/systemd/networkd.conf.d", &n);
	read_networkd_dir("/etc/systemd/networkd.conf.d", &n);
	if (n.rules || n.routes)
		doctor_add(d, "systemd-networkd", RESULT_WARN, "When it configures a link it removes "
			   "what the daemons put there; they put it back, packets between are lost. "
			   "Set both to no in a file in /etc/systemd/networkd.conf.d, as make install "
			   "does.", "ManageForeignRoutingPolicyRules=%s, ManageForeignRoutes=%s",
			   n.rules ? "yes" : "no", n.routes ? "yes" : "no");
	else
		doctor_add(d, "systemd-networkd", RESULT_OK, "",
			   "leaves foreign rules and routes alone");
}

/* ------------------------------------------------------------------ the others */

void doctor_networkmanager(struct doctor *d)
{
	if (access("/run/NetworkManager/devices", F_OK) != 0) {
		doctor_add(d, "NetworkManager", RESULT_OK, "", "does not run here");
		return;
	}
	for (size_t i = 0; i < d->n_links; i++) {
		if (!doctor_is_ours(&d->links[i]) || !by_networkmanager(&d->links[i]))
			continue;
		doctor_add(d, "NetworkManager", RESULT_WARN, "It may take the addresses away that are "
			   "kept there: install 50-dmip6.conf in /etc/NetworkManager/conf.d.",
			   "manages our device %s", d->links[i].name);
		return;
	}
	doctor_add(d, "NetworkManager", RESULT_OK, "", "leaves our devices alone");
}

void doctor_dhcpcd(struct doctor *d)
{
	const char *conf = "/etc/dhcpcd.conf";

	if (!dhcpcd_runs())
		doctor_add(d, "dhcpcd", RESULT_OK, "", "does not run here");
	else if (file_says(conf, "denyinterfaces dmip6") || file_says(conf, "allowinterfaces "))
		doctor_add(d, "dhcpcd", RESULT_OK, "", "leaves our devices alone");
	else
		doctor_add(d, "dhcpcd", RESULT_WARN, "Add the line \"denyinterfaces dmip6*\" to it.",
			   "%s says nothing of our devices", conf);
}
