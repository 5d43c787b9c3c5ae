#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A VPN that takes everything, and Tailscale's rules, on the mobile node.

The VPN is a TUN device with the rules that wg-quick makes, and nobody behind it: what goes
into it is seen there, and is lost to everybody else.
"""

import contextlib
import errno
import fcntl
import ipaddress
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import tap
from lab import ARS, CN, Lab, LabError, wait_for
from living import SETTLES, Life, passes

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 1, 0x1000
VPN = "fd00:99::2"
MARK = 0xca6c


class Tun:
    """A device of the MN; packets that are sent into it are read here."""

    def __init__(self, lab, name, address):
        self.fd = lab.inside("mn", self._open, name)
        for cmd in (f"addr add {address}/128 dev {name} nodad", f"link set {name} up mtu 1420"):
            lab.run("mn", "ip", "-6", *cmd.split())

    @staticmethod
    def _open(name):
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
        return fd

    def packets(self):
        """(source, destination, next header) of what has come since the last time."""
        out = []
        while True:
            try:
                p = os.read(self.fd, 4096)
            except BlockingIOError:
                return out
            if p[0] >> 4 == 6 and p[24] != 0xff:
                out.append((str(ipaddress.ip_address(p[8:24])),
                            str(ipaddress.ip_address(p[24:40])), p[6]))

    def close(self):
        os.close(self.fd)


def rule(lab, text):
    p = lab.run("mn", "ip", "-6", "rule", *text.split())
    if p.returncode:
        raise LabError(f"ip -6 rule {text}: {p.stderr.strip()}")


def numbers(lab):
    """Where the kernel puts rules that come without a number: before the first that is there
    but the local one. None: let it do so. With the data path seg6 there is another one
    before the local one, and they would land at 0, where nothing can be put before them."""
    if lab.status("mn")["configuration"]["datapath"] == "ip6tnl":
        return None, None
    first = min(int(r.split(":")[0]) for r in lab.kernel_state("mn")["rules"]
                if not r.startswith("0:"))
    return first - 1, first - 2


def at(number):
    return f" pref {number}" if number else ""


def vpn_up(lab, numbered=None):
    """wg-quick's rules, in its order."""
    tun = Tun(lab, "wg0", VPN)
    lab.run("mn", "ip", "-6", "route", "add", "default", "dev", "wg0", "table", "51820")
    first, second = numbered or numbers(lab)
    rule(lab, f"add not fwmark {MARK} lookup 51820{at(first)}")
    rule(lab, f"add table main suppress_prefixlength 0{at(second)}")
    return tun


def vpn_down(lab, tun):
    rule(lab, f"del not fwmark {MARK} lookup 51820")
    rule(lab, "del table main suppress_prefixlength 0")
    tun.close()


def new_flow():
    """The source address that a new flow gets."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        s.connect((CN[1], 9))
        s.send(b"new")
        return s.getsockname()[0]


def marked_passes():
    """The VPN's own traffic: marked, and from no particular address."""
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, MARK)
        s.settimeout(1)
        try:
            return s.connect_ex((CN[1], 9)) == errno.ECONNREFUSED
        except OSError:
            return False


def judge(t, lab, life, tun, when):
    """Kept addresses keep their road; what is new goes into the VPN."""
    hoas = set(life.flows.values())
    life.settled(when)
    tun.packets()
    life.play.run_for(1.0)
    strays = [p for p in tun.packets() if p[0] != VPN]
    t.ok(not [p for p in strays if p[0] in hoas or p[2] in (41, 135)],
         f"{when}: nothing of kept addresses, and no signalling, goes into the VPN", strays[:5])
    source = lab.inside("mn", new_flow)
    t.equal(source, VPN, f"{when}: a new flow has the VPN's address")
    t.ok(wait_for(lambda: any(p[0] == VPN for p in tun.packets()), 3.0, 0.05),
         f"{when}: and goes into it")
    t.ok(wait_for(lambda: lab.inside("mn", marked_passes), SETTLES, 0.1),
         f"{when}: the VPN's own traffic passes", lab.kernel_state("mn"))


@contextlib.contextmanager
def away(t):
    """The MN at its second router, with a flow of the first."""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        for n in ARS:
            lab.start_had(n)
        lab.start_mnd()
        life = Life(t, lab, {1: 1, 2: 2})
        life.roam(1, 1)
        life.roam(2, 2)
        yield lab, life


def test_vpn_after(t):
    """a VPN starts while addresses are kept; a move, a restart; it ends"""
    with away(t) as (lab, life):
        place = [r for r in lab.kernel_state("mn")["rules"] if "proto 77" in r]
        tun = vpn_up(lab)
        judge(t, lab, life, tun, "VPN up")
        life.roam(3)
        judge(t, lab, life, tun, "roamed with the VPN")
        lab.kill("mn")
        lab.start_mnd()
        judge(t, lab, life, tun, "restarted with the VPN")
        another = numbers(lab)
        rule(lab, f"add lookup 51821{at(another[0])}")
        t.ok(wait_for(lambda: lab.inside("mn", passes, life.flows[1], CN[1]), SETTLES, 0.1),
             "the next one is no trouble either")
        rule(lab, "del lookup 51821")
        vpn_down(lab, tun)
        t.ok(wait_for(lambda: all(int(r.split(":")[0]) in (0, *range(4500, 4600))
                                  for r in lab.kernel_state("mn")["rules"] if "proto 77" in r),
                      SETTLES, 0.1), "without it our rules are at their place again",
             (place, lab.kernel_state("mn")["rules"]))
        life.settled("VPN down")
        life.finish()


def test_vpn_before(t):
    """the VPN was there first"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        for n in (1, 2):
            lab.start_had(n)
        lab.start_mnd()
        life = Life(t, lab, {1: 1})
        life.roam(1, 1)
        tun = vpn_up(lab, (32765, 32764))
        life.roam(2)
        judge(t, lab, life, tun, "roamed with the VPN")
        vpn_down(lab, tun)
        life.finish()


def test_tailscale(t):
    """Tailscale's rules: its own addresses go to it, its own packets around it"""
    with away(t) as (lab, life):
        tun = Tun(lab, "tailscale0", "fd7a:115c:a1e0::2")
        lab.run("mn", "ip", "-6", "route", "add", "fd7a:115c:a1e0::/48", "dev", "tailscale0",
                "table", "52")
        for pref, what in ((5210, "fwmark 0x80000/0xff0000 lookup main"),
                           (5230, "fwmark 0x80000/0xff0000 lookup default"),
                           (5250, "fwmark 0x80000/0xff0000 unreachable"), (5270, "lookup 52")):
            rule(lab, f"add {what} pref {pref}")
        life.settled("Tailscale")
        life.roam(3)
        def ping():
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
                s.connect(("fd7a:115c:a1e0::9", 9))
                s.send(b"x")
        lab.inside("mn", ping)
        seen = tun.packets()
        t.ok(any(p[1] == "fd7a:115c:a1e0::9" for p in seen), "its addresses are reached", seen)
        t.ok(all(p[1].startswith("fd7a:") for p in seen), "nothing else goes there", seen)
        t.ok(all(int(r.split(":")[0]) in (0, *range(4500, 4600))
                 for r in lab.kernel_state("mn")["rules"] if "proto 77" in r),
             "our rules stay at their place", lab.kernel_state("mn")["rules"])
        tun.close()
        life.finish()


if __name__ == "__main__":
    tap.main(test_vpn_after, test_vpn_before, test_tailscale,
             skip=None if os.path.exists("/dev/net/tun") else "there are no TUN devices here")
