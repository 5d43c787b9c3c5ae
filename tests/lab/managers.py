# SPDX-License-Identifier: BSD-2-Clause
"""Debian's network managers, really run on a box of the laboratory.

A Cell is a mount namespace on a box with a /run, /etc and /var/lib of its own and a /sys
that is read-only: NetworkManager and systemd-networkd take that for a container without
udev and do not wait for it. Their programs come from tests/lab/managers, or from the
machine where they are installed; no service of the machine is touched.

    with Lab(bindir) as lab:
        lab.build()
        nm = NetworkManager(lab)
        nm.start()
"""

import glob
import os
import re
import shutil
import signal

from lab import LabError, wait_for

# What they want to find in /etc.
ETC_FILES = ("passwd", "group", "nsswitch.conf", "hosts", "ld.so.cache", "localtime")
USERS = (("systemd-network", 998), ("messagebus", 997), ("dhcpcd", 996))

SETUP = """
set -e
mount --make-rprivate /
mount -o remount,bind,ro /sys
mount --bind "$1/etc" /etc
mount --bind "$1/lib" /var/lib
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/dbus /run/lock /run/systemd/network /run/NetworkManager /run/dhcpcd
: >"$1/ready"
exec sleep infinity
"""

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/>
    <allow send_destination="*"/><allow receive_sender="*"/>
  </policy>
</busconfig>
"""


def tree():
    """Where they are unpacked: beside the programs under test, or in the usual build."""
    usual = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build")
    folders = [os.path.join(os.path.abspath(d), "managers")
               for d in (os.environ.get("BUILDDIR", usual), usual)]
    return next((d for d in folders if os.path.isdir(d)), folders[0])


def find(program):
    """A program's path, unpacked or installed; None if it is nowhere."""
    for root in (tree(), ""):
        for folder in ("usr/sbin", "usr/bin", "sbin", "bin", "usr/lib/systemd", "lib/systemd",
                       "usr/lib/NetworkManager", "usr/libexec"):
            path = os.path.join(root or "/", folder, program)
            if os.access(path, os.X_OK):
                return path
    return None


def missing(*programs):
    """Why these programs cannot be run here; None if they can."""
    lost = [p for p in programs if not find(p)]
    if lost:
        return f"no {', '.join(lost)}; tests/lab/managers --fetch gets what Debian has"
    return None


class Cell:
    def __init__(self, lab, box):
        self.lab, self.box = lab, box
        self.name = f"cell-{box}"
        self.dir = lab.path(self.name)
        for d in ("etc", "lib"):
            os.makedirs(os.path.join(self.dir, d))
        self._etc()
        lab.popen(self.name, box, ["unshare", "--mount", "sh", "-c", SETUP, "sh", self.dir])
        if not wait_for(lambda: os.path.exists(os.path.join(self.dir, "ready")), 5.0):
            raise LabError(f"no mount namespace: {lab.log(self.name).strip()}")
        self.write("/etc/bus.conf", BUS)
        self.popen("dbus", ["dbus-daemon", "--nofork", "--config-file=/etc/bus.conf"])
        if not wait_for(lambda: self.run("test", "-S", "/run/dbus/system_bus_socket")
                        .returncode == 0, 5.0, 0.02):
            raise LabError(f"no message bus: {lab.log('dbus').strip()}")

    def _etc(self):
        etc = os.path.join(self.dir, "etc")
        for name in ETC_FILES:
            if os.path.exists(f"/etc/{name}"):
                shutil.copy(f"/etc/{name}", etc)
        with open(os.path.join(etc, "machine-id"), "w", encoding="ascii") as f:
            f.write("0123456789abcdef0123456789abcdef\n")
        with open(os.path.join(etc, "passwd"), "r+", encoding="utf-8") as p, \
                open(os.path.join(etc, "group"), "r+", encoding="utf-8") as g:
            users, groups = p.read(), g.read()
            for user, uid in USERS:
                if not re.search(f"^{user}:", users, re.M):
                    p.write(f"{user}:x:{uid}:{uid}::/run/dhcpcd:/usr/sbin/nologin\n")
                if not re.search(f"^{user}:", groups, re.M):
                    g.write(f"{user}:x:{uid}:\n")

    def write(self, path, text, mode=None):
        """A file of the cell, for whoever reads it there."""
        mode = mode or ("600" if "connections" in path else "644")
        p = self.run("sh", "-c", 'mkdir -p "${1%/*}"; umask 077; cat >"$1"; chmod "$2" "$1"',
                     "sh", path, mode, stdin=text)
        if p.returncode:
            raise LabError(f"{path}: {p.stderr.strip()}")

    def program(self, cmd, env=()):
        """The command line with which a program is started inside of the cell."""
        libs = [d for pattern in ("usr/lib/*-linux-gnu*", "lib/*-linux-gnu*",
                                  "usr/lib/*-linux-gnu*/systemd")
                for d in glob.glob(os.path.join(tree(), pattern))]
        return ["env", f"LD_LIBRARY_PATH={':'.join(libs)}", "LC_ALL=C", *env,
                find(cmd) or cmd]

    def _command(self, cmd, env=()):
        return ["nsenter", f"--mount=/proc/{self.holder()}/ns/mnt",
                *self.program(cmd[0], env), *cmd[1:]]

    def holder(self):
        return self.lab.procs[self.name].pid

    def run(self, *cmd, stdin=None, timeout=60):
        return self.lab.run(self.box, *self._command(cmd), stdin=stdin, timeout=timeout)

    def popen(self, name, cmd, env=()):
        return self.lab.popen(name, self.box, self._command(cmd, env))

    def call(self, *cmd, timeout=60):
        """Its output; LabError if it fails."""
        p = self.run(*cmd, timeout=timeout)
        if p.returncode:
            raise LabError(f"{' '.join(cmd)}: {(p.stderr or p.stdout).strip()}")
        return p.stdout


class Manager:
    """What the laboratory asks of each: start, stop, connect, disconnect."""

    NAME = ""
    PROGRAMS = ()

    def __init__(self, lab):
        self.lab = lab
        self.cell = Cell(lab, "mn")

    def stop(self):
        self.lab.kill(self.NAME, signal.SIGTERM, 10.0)


class NetworkManager(Manager):
    """With connections: (name, interface, whether it comes by itself, ipv4, ipv6)."""

    NAME = "nm"
    PROGRAMS = ("NetworkManager", "nmcli", "dbus-daemon")

    CONF = """[main]
plugins=keyfile
dns=none
rc-manager=unmanaged
auth-polkit=false
no-auto-default=*
[logging]
level=DEBUG
domains=CORE,DEVICE,IP6,PLATFORM
"""

    DISPATCHED = "/etc/NetworkManager/dispatcher.d"
    PATH = "PATH=/run/programs:/usr/sbin:/usr/bin:/sbin:/bin"

    PROFILE = """[connection]
id={name}
uuid=00000000-0000-4000-8000-0000000000{number:02x}
type=ethernet
interface-name={interface}
autoconnect={auto}
[ipv4]
method={v4}
[ipv6]
method={v6}
"""
    ROAMING = (("office", "wlan0", "true", "disabled", "auto"),
               ("home", "wlan0", "false", "disabled", "auto"),
               ("legacy", "wlan0", "false", "link-local", "disabled"))
    DOCKED = (("wifi", "wlan0", "true", "disabled", "auto"),
              ("cable", "eth0", "true", "disabled", "auto"))

    def __init__(self, lab, connections=ROAMING):
        super().__init__(lab)
        self.cell.write("/etc/NetworkManager/NetworkManager.conf", self.CONF)
        for n, (name, interface, auto, v4, v6) in enumerate(connections):
            self.cell.write(f"/etc/NetworkManager/system-connections/{name}.nmconnection",
                            self.PROFILE.format(name=name, number=n, interface=interface,
                                                auto=auto, v4=v4, v6=v6))

    def start_dispatcher(self, script):
        """Its dispatcher, with that script alone. There is no systemd that D-Bus could ask
        for it. Scripts get its PATH and no other variable of it: nmcli is started for them."""
        with open(script, encoding="utf-8") as f:
            self.cell.write(f"{self.DISPATCHED}/{os.path.basename(script)}", f.read(), "755")
        self.cell.write("/run/programs/nmcli", "#!/bin/sh\nexec "
                        + " ".join(self.cell.program("nmcli")) + ' "$@"\n', "755")
        self.cell.popen("dispatcher", ["nm-dispatcher", "--persist", "--debug"], [self.PATH])

    def dispatch(self, script, interface, action, device):
        """As the dispatcher would run it for a device that the laboratory does not have."""
        return self.cell.run("env", self.PATH, f"DEVICE_IFACE={device}",
                             f"{self.DISPATCHED}/{os.path.basename(script)}", interface, action)

    def start(self):
        self.cell.popen("nm", ["NetworkManager", "--no-daemon"])
        if not wait_for(lambda: self.cell.run("nmcli", "general").returncode == 0, 20.0, 0.1):
            raise LabError(f"NetworkManager does not answer: {self.lab.log('nm')[-800:]}")

    def nmcli(self, *args):
        """It waits 25 s for an answer, which is not always enough where many labs run."""
        try:
            return self.cell.call("nmcli", *args)
        except LabError as e:
            if "Timeout was reached" not in str(e):
                raise
        return self.cell.call("nmcli", *args)

    def state(self, device="wlan0"):
        """Such as "100 (connected)"."""
        return self.nmcli("-g", "GENERAL.STATE", "device", "show", device).strip()


class Networkd(Manager):
    NAME = "networkd"
    PROGRAMS = ("systemd-networkd", "networkctl", "dbus-daemon")
    NETWORK = "[Match]\nName=wlan0\n[Network]\nIPv6AcceptRA=yes\nLinkLocalAddressing=ipv6\n"

    def __init__(self, lab):
        super().__init__(lab)
        self.cell.write("/etc/systemd/network/50-wlan0.network", self.NETWORK)

    def start(self):
        self.cell.popen("networkd", ["systemd-networkd"], ["SYSTEMD_LOG_LEVEL=debug"])
        if not wait_for(lambda: "wlan0" in self.cell.run("networkctl", "list").stdout
                        and not self.cell.run("networkctl", "list").stderr, 20.0, 0.1):
            raise LabError(f"networkd does not answer: {self.lab.log('networkd')[-800:]}")

    def networkctl(self, *args):
        return self.cell.call("networkctl", *args)


class Dhcpcd(Manager):
    """Without its plugin for udev, of which there is none."""

    NAME = "dhcpcd"
    PROGRAMS = ("dhcpcd",)
    CONF = "ipv6only\nnodev\nallowinterfaces wlan0\n"

    def __init__(self, lab):
        super().__init__(lab)
        self.cell.write("/etc/dhcpcd.conf", self.CONF)

    def start(self):
        said = len(self.lab.log("dhcpcd"))
        self.cell.popen("dhcpcd", ["dhcpcd", "-B", "-d", "-c", "/bin/true",
                                   "-f", "/etc/dhcpcd.conf"])
        if not wait_for(lambda: "PREINIT" in self.lab.log("dhcpcd")[said:], 20.0, 0.1):
            raise LabError(f"dhcpcd does not start: {self.lab.log('dhcpcd')[-800:]}")

    def dhcpcd(self, *args):
        return self.cell.call("dhcpcd", "-f", "/etc/dhcpcd.conf", *args)
