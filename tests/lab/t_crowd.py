#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Network mode when a thousand hosts move at once, as when a train leaves a station: each keeps
its prefix of before, gets one of the new router, and is told of both."""

import ipaddress
import os
import select
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import forge
import tap
from lab import ARS, HA, POOL, mono
from network import Domain

HOSTS = 1000
PER_TURN = 50                   # solicitations between two looks at what comes

# The laboratory's usual prefixes have room for 255 hosts.
POOL.update({n: ipaddress.ip_network(f"2001:db8:1:{n}000::/52") for n in ARS})
HA.update({n: f"2001:db8:1:{n}000::1" for n in ARS})


def mac(i):
    return bytes((2, 0, 0x5e, 1, i >> 8, i & 255))


def linklocal(i):
    m = mac(i)
    return bytes((0xfe, 0x80, 0, 0, 0, 0, 0, 0, m[0] ^ 2, m[1], m[2], 0xff, 0xfe, *m[3:]))


def solicitation(i):
    """RFC 4861 4.1, as a frame to all routers."""
    body = struct.pack("!BBHI", 133, 0, 0, 0) + b"\1\1" + mac(i)
    dst = forge.pton("ff02::2")
    body = body[:2] + struct.pack("!H", forge.cksum(linklocal(i), dst, forge.ICMP6, body)) + body[4:]
    head = struct.pack("!IHBB", 6 << 28, len(body), forge.ICMP6, 255) + linklocal(i) + dst
    return b"\x33\x33\0\0\0\2" + mac(i) + b"\x86\xdd" + head + body


def answer(i, solicitation_frame):
    """RFC 4861 4.4: it is here."""
    src = solicitation_frame[22:38]
    body = struct.pack("!BBHI", 136, 0, 0, 0x60000000) + linklocal(i) + b"\2\1" + mac(i)
    body = body[:2] + struct.pack("!H", forge.cksum(linklocal(i), src, forge.ICMP6, body)) + body[4:]
    head = struct.pack("!IHBB", 6 << 28, len(body), forge.ICMP6, 255) + linklocal(i) + src
    return solicitation_frame[6:12] + mac(i) + b"\x86\xdd" + head + body


def prefixes(ra):
    """The /64s of an advertisement: {prefix: preferred lifetime}."""
    out, at = {}, 40 + 16
    while at + 2 <= len(ra) and ra[at + 1]:
        if ra[at] == 3:
            out[socket.inet_ntop(socket.AF_INET6, ra[at + 16:at + 32])] = \
                struct.unpack_from("!I", ra, at + 8)[0]
        at += 8 * ra[at + 1]
    return out


class Crowd:
    """The hosts, all behind the laboratory's one link."""

    def __init__(self, lab):
        self.sock = lab.inside("mn", self._open)
        self.index = {mac(i): i for i in range(HOSTS)}
        self.addresses = {linklocal(i): i for i in range(HOSTS)}

    @staticmethod
    def _open():
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86dd))
        s.setsockopt(socket.SOL_SOCKET, 33, 1 << 26)    # SO_RCVBUFFORCE
        s.bind(("wlan0", 0x86dd))
        # Frames for hosts that are not this machine.
        s.setsockopt(263, 1, struct.pack("=IHH8s", 52, 1, 0, bytes(8)))
        return s

    def solicit(self, enough, timeout=20.0):
        """All of them solicit, and again after a second who has not got enough (a function of
        the prefixes that it was told). Returns who has what, and when the last one had it."""
        have, began = {}, mono()
        due = began
        while len(have) < HOSTS and mono() < began + timeout:
            missing = [i for i in range(HOSTS) if i not in have]
            if mono() >= due:
                for at in range(0, len(missing), PER_TURN):
                    for i in missing[at:at + PER_TURN]:
                        self.sock.send(solicitation(i))
                    self._listen(have, enough, 0.0)
                due = mono() + 1.0
            self._listen(have, enough, 0.01)
        return have, mono() - began

    def wait_for(self, what, timeout):
        """The same as for others, but the hosts answer meanwhile."""
        end = mono() + timeout
        while not what() and mono() < end:
            self._listen({}, lambda i, told: False, 0.05)
        return what()

    def _listen(self, have, enough, timeout):
        while select.select([self.sock], [], [], timeout)[0]:
            frame, where = self.sock.recvfrom(2048)
            if where[2] == 4 or len(frame) < 70:
                continue
            if frame[54] == 135 and frame[62:78] in self.addresses:
                self.sock.send(answer(self.addresses[frame[62:78]], frame))
            i = self.index.get(frame[:6])
            if i is None or frame[54] != 134:
                continue
            told = prefixes(frame[14:])
            if enough(i, told):
                have.setdefault(i, told)


def of(told, n):
    """Those of AR n among them."""
    return [p for p in told if ipaddress.ip_address(p) in POOL[n]]


def test_crowd(t):
    """a thousand hosts come, go to another router at once, and on to a third"""
    with Domain(tap.BINDIR) as lab:
        lab.build()
        lab.sysctl("mn", "net/ipv6/conf/wlan0/disable_ipv6", "1")   # itself is no host
        lab.start_domain()
        crowd = Crowd(lab)
        lab.move(1)
        first, took = crowd.solicit(lambda i, told: of(told, 1))
        t.equal(len(first), HOSTS, "all have a prefix of AR1")
        t.note(f"after {took:.2f} s")
        own = {i: of(told, 1)[0] for i, told in first.items()}
        t.equal(len(set(own.values())), HOSTS, "each one of its own")
        for n in (2, 3):
            lab.move(n)
            told, took = crowd.solicit(lambda i, told, n=n: own[i] in told and
                                       all(of(told, m) for m in range(1, n + 1)))
            t.equal(len(told), HOSTS, f"at AR{n} all have one from there, and their own of before")
            t.note(f"after {took:.2f} s")
            t.equal([i for i in told if told[i].get(own[i]) != 0], [],
                    "of which they know that it is one of before")
            t.ok(crowd.wait_for(lambda n=n: (lab.status("ar1") or {}).get("totals", {})
                          .get("bindings") == HOSTS, 10.0),
                 "AR1 has them all there", lab.status("ar1")["totals"])
            t.ok(crowd.wait_for(lambda n=n: lab.status(f"ar{n}")["totals"]["visits"]
                          == (n - 1) * HOSTS, 10.0), f"and AR{n} their visits",
                 lab.status(f"ar{n}")["totals"])
        t.ok(crowd.wait_for(lambda: lab.status("ar2")["totals"]["visits"] == 0, 10.0),
             "AR2 has let them go", lab.status("ar2")["totals"])
        coas = {b["coa"] for b in lab.bindings(1)}
        t.equal(len(coas), 1, "and no tunnel of AR1 leads to two of them")
        counters = lab.status("ar1")["counters"]
        t.equal({k: v for k, v in counters.items() if k in (
            "data-path-failed", "store-failed", "claim-contested", "packets-lost") and v}, {},
            "nothing of it has failed")


if __name__ == "__main__":
    tap.main(test_crowd)
