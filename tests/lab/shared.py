# SPDX-License-Identifier: BSD-2-Clause
"""A home link that hosts share, at AR1 of the laboratory: a standard prefix, a neighbour (box
nb, interface nb0) and a place where the mobile node may appear (box back, interface back0)."""

import errno
import ipaddress
import json
import os
import socket
import struct

import forge
from lab import HA, LabError, wait_for

PREFIX = "2001:db8:1:100::/64"
HOA = "2001:db8:1:100::a5"


def start_had(lab, n, more=""):
    """The daemon of router n, with a prefix that hosts share, and what else its configuration
    has; which prefix."""
    prefix = f"2001:db8:1:{n}00::/64"
    lab.write(f"ar{n}.conf",
              lab.key_text() + more
              + f"interface acc0 {{ prefix {prefix} {{ mode shared; }} }}\n")
    os.makedirs(lab.path(f"ar{n}.state"), exist_ok=True)
    lab.popen(f"ar{n}", f"ar{n}", [lab.bin("dmip6-had"), "--state-dir", lab.path(f"ar{n}.state"),
                                   "--control", lab.sock(f"ar{n}"), "--config",
                                   lab.path(f"ar{n}.conf"), *lab.datapath])
    lab.wait_ready(f"ar{n}")
    return prefix


def link_local(address):
    """The link-local address with the same interface identifier."""
    iid = int(ipaddress.ip_address(address)) & (1 << 64) - 1
    return str(ipaddress.ip_address(0xFE80 << 112 | iid))


class Wire:
    """Every IPv6 packet that comes to an interface, whole, from when it is made."""

    def __init__(self, lab, box, interface, promiscuous=False):
        self.others = promiscuous       # also what is for other link-layer addresses
        self.sock = lab.inside(box, self._open, interface)

    def _open(self, interface):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x86DD))
        s.bind((interface, 0x86DD))
        # PACKET_MR_ALLMULTI: groups that nobody here has joined are seen too. PROMISC is 1.
        s.setsockopt(263, 1, struct.pack("=iHH8s", socket.if_nametoindex(interface),
                                         1 if self.others else 2, 0, b""))
        s.setblocking(False)
        return s

    def take(self):
        """What came in since the last call, in order."""
        out = []
        while True:
            try:
                p, addr = self.sock.recvfrom(65536)
            except BlockingIOError:
                return out
            if addr[2] != 4:            # not what leaves
                out.append(p)


class SharedLink:
    """Makes the boxes and starts AR1's daemon."""

    def __init__(self, lab, more=""):
        self.lab = lab
        self.more = more                # other prefixes of the interface
        for box in ("nb", "back"):
            # Indexes that differ from the peer's: see lab.py.
            lab.batch(None, [f"netns add {lab.ns(box)}",
                             f"link add {box}0 index 60 netns {lab.ns(box)} type veth "
                             f"peer name {box} netns {lab.ns('air')}"])
            lab.batch("air", [f"link set {box} master br1", f"link set {box} up"])
            lab.batch(box, ["link set lo up", f"link set {box}0 up"])
        # Whoever is played by hand has no addresses of its own.
        lab.sysctl("back", "net/ipv6/conf/back0/accept_ra", "0")
        self.start()
        self.address = wait_for(self._address, 10.0, 0.05)
        if not self.address:
            raise LabError("the neighbour forms no address: " + lab.log("ar1"))

    def start(self):
        lab = self.lab
        lab.write("ar1.conf", lab.key_text() + "interface acc0 {\n"
                  f"\tprefix {PREFIX} {{ mode shared; }}\n{self.more}}}\n")
        os.makedirs(lab.path("ar1.state"), exist_ok=True)
        lab.popen("ar1", "ar1", [lab.bin("dmip6-had"), "--state-dir", lab.path("ar1.state"),
                                 "--control", lab.sock("ar1"), "--config",
                                 lab.path("ar1.conf")])
        lab.wait_ready("ar1")

    def _address(self):
        out = self.lab.run("nb", "ip", "-6", "-j", "addr", "show", "dev", "nb0").stdout
        for a in json.loads(out)[0]["addr_info"]:
            if a["local"].startswith(PREFIX[:-4]) and not a.get("tentative"):
                return a["local"]
        return None

    def reaches(self, to):
        """Whether the neighbour gets an answer from there, be it a refusal."""
        def knock():
            with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as s:
                s.settimeout(3)
                return s.connect_ex((to, 9))
        return self.lab.inside("nb", knock) in (0, errno.ECONNREFUSED)

    def send(self, to, box="nb"):
        """A box sends a packet; nobody need answer."""
        def out():
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
                scope = socket.if_nametoindex("nb0") if box == "nb" else 0
                s.sendto(b"hello", (to, 9, 0, scope if to[:2] in ("fe", "ff") else 0))
        self.lab.inside(box, out)

    def neighbour(self, address):
        """The link-layer address that the neighbour has for it, or None."""
        out = self.lab.run("nb", "ip", "-6", "-j", "neigh", "show", "to", address, "dev",
                           "nb0").stdout
        return next((n.get("lladdr") for n in json.loads(out or "[]")), None)

    def neighbours_told(self):
        """Addresses of the prefix that the neighbour has the home agent's link-layer address
        for, but the home agent's own."""
        out = json.loads(self.lab.run("nb", "ip", "-6", "-j", "neigh", "show", "dev",
                                      "nb0").stdout or "[]")
        mac = self.lab.mac_of("ar1", "acc0")
        return [n["dst"] for n in out if n.get("lladdr") == mac and n["dst"] != HA[1]
                and not n["dst"].startswith("fe80")]

    def forget(self, address):
        """The neighbour has to ask again."""
        self.lab.run("nb", "ip", "-6", "neigh", "flush", "to", address, "dev", "nb0")
