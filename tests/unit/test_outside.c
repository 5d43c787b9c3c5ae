/* SPDX-License-Identifier: BSD-2-Clause */
/* links: mn-agent/outside.c, common/sys/file.c, common/sys/loop.c and what that needs */
/* What files of the system say of an interface: a system made of files. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/sys/file.h"
#include "mn-agent/outside.h"

static char root[64];

/* A file below the root, with its directories. */
static void put(const char *path, const char *text)
{
	char whole[256], dir[256];

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(whole, '/') - whole), whole);
	assert_int_equal(file_make_dir(dir), 0);
	assert_int_equal(file_replace(whole, text, strlen(text)), 0);
}

static void put_link(const char *path, const char *target)
{
	char whole[256], dir[256];

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(whole, '/') - whole), whole);
	assert_int_equal(file_make_dir(dir), 0);
	assert_int_equal(symlink(target, whole), 0);
}

static int setup(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "%s/test_outside.XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

static void kinds(void **state)
{
	(void)state;
	put("/sys/class/net/eth0/uevent", "INTERFACE=eth0\nIFINDEX=2\n");
	put_link("/sys/class/net/eth0/device/driver", "../../../bus/pci/drivers/e1000e");
	put("/sys/class/net/wlp1s0/uevent", "DEVTYPE=wlan\nINTERFACE=wlp1s0\n");
	put("/sys/class/net/wwan0/uevent", "DEVTYPE=wwan\n");
	put("/sys/class/net/bnep0/uevent", "DEVTYPE=bluetooth\n");
	put("/sys/class/net/br0/uevent", "DEVTYPE=bridge\n");
	put("/sys/class/net/usb0/uevent", "INTERFACE=usb0");
	put_link("/sys/class/net/usb0/device/driver", "../../../bus/usb/drivers/rndis_host");
	assert_int_equal(outside_kind(root, "eth0"), LINK_WIRED);
	assert_int_equal(outside_kind(root, "wlp1s0"), LINK_WIRELESS);
	assert_int_equal(outside_kind(root, "wwan0"), LINK_MOBILE);
	assert_int_equal(outside_kind(root, "bnep0"), LINK_MOBILE);
	assert_int_equal(outside_kind(root, "br0"), LINK_WIRED);
	assert_int_equal(outside_kind(root, "usb0"), LINK_MOBILE);
	assert_int_equal(outside_kind(root, "nothing"), LINK_WIRED);
}

static void cost(void **state)
{
	(void)state;
	assert_false(outside_metered(root, "usb0"));
	put("/run/dmip6/metered/usb0", "");
	assert_true(outside_metered(root, "usb0"));
	assert_false(outside_metered(root, "usb"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(kinds, setup, teardown),
		cmocka_unit_test_setup_teardown(cost, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
