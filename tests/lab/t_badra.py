#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Somebody on the mobile node's link sends Router Advertisements that are wrong, or too many: a
flow that came from another router lives on, nothing grows, and the status says what goes on."""

import os
import random
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import forge
import measure
import tap
from lab import HA, Lab, mono, wait_for
from play import Play, wait_released

NOBODY = "fe80::bad"
TICK = os.sysconf("SC_CLK_TCK")


def pio(prefix, plen=64, flags=0x40, valid=3600, preferred=1800):
    return struct.pack("!BBBBII4x", 3, 4, plen, flags, valid, preferred) + forge.pton(prefix)


def ra(src, options, flags=0x28, lifetime=1800, hop_limit=255, cut=0, dst="ff02::1"):
    """Octets that need not be a good advertisement; the checksum is right."""
    body = struct.pack("!BBHBBHII", 134, 0, 0, 64, flags, lifetime, 0, 0) + options
    body = body[:len(body) - cut]
    c = forge.cksum(forge.pton(src), forge.pton(dst), forge.ICMP6, body)
    return forge.ipv6(src, dst, forge.ICMP6, body[:2] + struct.pack("!H", c) + body[4:],
                      hop_limit)


GOOD = pio("2001:db8:bad::") + pio("2001:db8:bad::1", flags=0x20)


class Scene:
    """A flow that began at AR1, the MN at AR2, and a place on AR2's link to send from."""

    def __init__(self, t, lab):
        self.t, self.lab = t, lab
        lab.build()
        for n in (1, 2):
            lab.start_had(n)
        lab.start_mnd()
        self.play = Play(lab, {1: 1})
        self.play.move(1)
        self.play.begin(1)
        self.play.run_for(0.3)
        self.play.move(2)
        wait_for(lambda: lab.status("ar1")["bindings"], 5.0)
        self.play.run_for(2.5)          # the kernel's own addresses are there, too
        self.link_local = self.address("ar2", "acc0")
        self.began = self.known()

    def address(self, box, interface):
        out = self.lab.run(box, "ip", "-6", "-o", "addr", "show", "dev", interface, "scope",
                           "link").stdout
        return out.split()[3].split("/")[0]

    def known(self):
        s = self.lab.status("mn")
        return ([(a["interface"], a["ha"], a["router"]) for a in s["attachments"]],
                sorted((a["hoa"], a["ha"], a["coa"], a["state"]) for a in s["anchors"]
                       if a["state"] == "bound"))

    def send(self, packets, every=0.0):
        def out():
            with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                               socket.htons(0x86DD)) as s:
                to = ("acc0", 0x86DD, 0, 0, bytes.fromhex("333300000001"))
                for p in packets:
                    s.sendto(p, to)
                    if every:
                        time.sleep(every)
        self.lab.inside("ar2", out)

    def bad(self, name, packet, counter):
        """Counted for its reason, and nothing else happens."""
        before = self.lab.status("mn")["counters"]
        self.send([packet])
        moved = wait_for(lambda: self.lab.status("mn")["counters"][counter] > before[counter],
                         3.0)
        now = self.lab.status("mn")["counters"]
        self.t.ok(moved, f"{name}: counted as {counter}",
                  {k: v - before[k] for k, v in now.items() if v != before[k]})
        self.t.equal(self.known(), self.began, f"{name}: nothing is changed")

    def process(self):
        """Seconds of processor time and kilobytes of memory that the daemon has used."""
        pid = self.lab.procs["mn"].pid
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            stat = f.read().rsplit(") ", 1)[1].split()
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            rss = next(int(x.split()[1]) for x in f if x.startswith("VmRSS"))
        return (int(stat[11]) + int(stat[12])) / TICK, rss

    def wait_read(self, n):
        """Until the daemon has nothing more to read: its count of advertisements stands still."""
        last = [None, 0]

        def still():
            c = self.lab.status("mn")["counters"]
            seen = sum(v for k, v in c.items() if k.startswith(("ra", "packets-lost")))
            last[1] = last[1] + 1 if seen == last[0] else 0
            last[0] = seen
            return last[1] >= 5
        return wait_for(still, 10.0 + n / 2000, 0.05)

    def finish(self, what):
        t = self.t
        ok = wait_for(lambda: any(a["state"] == "bound" for a in
                                  self.lab.status("mn")["anchors"]), 40.0, 0.1)
        t.ok(ok, f"{what}: the anchor is registered", self.lab.status("mn"))
        self.play.run_for(1.0)
        self.play.end(1)
        left = wait_released(self.lab, (1,))
        t.ok(measure.nothing_left(left.values()), f"{what}: afterwards nothing is left", left)
        run = self.play.finish()
        t.equal(measure.flow_faults(run, 1), [], f"{what}: the flow is whole")


def test_forged(t):
    """advertisements that are wrong, one by one"""
    with Lab(tap.BINDIR) as lab:
        s = Scene(t, lab)
        s.bad("hop limit 64", ra(NOBODY, GOOD, hop_limit=64), "ra-hop-limit")
        s.bad("a global source", ra("2001:db8:bad::1", GOOD), "ra-source")
        s.bad("the unspecified source", ra("::", GOOD), "ra-source")
        wrong = bytearray(ra(NOBODY, GOOD))
        wrong[60] ^= 1
        s.bad("wrong checksum", bytes(wrong), "ra-checksum")
        s.bad("an option of length zero", ra(NOBODY, b"\3\0" + GOOD[2:]), "ra-length")
        s.bad("an option behind the end", ra(NOBODY, GOOD + b"\5\1\0\0"), "ra-length")
        s.bad("a prefix option of another length", ra(NOBODY, b"\3\3" + GOOD[2:]), "ra-length")
        s.bad("a cut header", ra(NOBODY, b"", cut=5), "ra-length")
        s.bad("an MTU option of another length", ra(NOBODY, b"\5\2" + bytes(14)), "ra-length")
        at = s.link_local
        own = s.began[1][0]
        for name, options, counter in (
                ("a prefix of 65 bits", pio("2001:db8:bad::", 65), "ra-prefix"),
                ("a prefix of 128 bits", pio("2001:db8:bad::", 128), "ra-prefix"),
                ("a link-local prefix", pio("fe80::"), "ra-prefix"),
                ("a multicast prefix", pio("ff02::"), "ra-prefix"),
                ("preferred longer than valid", pio("2001:db8:bad::", valid=9), "ra-prefix"),
                ("a multicast home agent", pio("ff02::1", flags=0x20), "ra-home-agent"),
                ("a link-local home agent", pio(at, flags=0x20), "ra-home-agent"),
                ("our home address as home agent", pio(own[0], flags=0x20), "ra-home-agent"),
                ("our care-of address as home agent", pio(own[2], flags=0x20),
                 "ra-home-agent"),
                ("a thousand prefixes", b"".join(pio(f"2001:db8:{i:x}::") for i in range(40)),
                 "ra-too-many-prefixes")):
            s.bad(name, ra(NOBODY, options), counter)
        count = sum(v for k, v in lab.status("mn")["counters"].items() if k.startswith("ra-"))
        whole = ra(NOBODY, GOOD)
        s.send([whole[:4] + struct.pack("!H", n - 40) + whole[6:n]
                for n in range(41, len(whole))])
        s.wait_read(100)
        now = sum(v for k, v in lab.status("mn")["counters"].items() if k.startswith("ra-"))
        t.ok(now > count, "cut everywhere: counted", now - count)
        t.equal(s.known(), s.began, "cut everywhere: nothing is changed")
        text = lab.status("mn")["health"]["text"]
        t.contains(text, "bad advertisements in", "the status has a sentence")
        t.contains(text, NOBODY, "that names the sender")
        s.finish("forged")


def storm(t, name, make, n=20000):
    """Many, as fast as they go; the daemon is at rest when they end, and no larger."""
    with Lab(tap.BINDIR) as lab:
        s = Scene(t, lab)
        listener = lab.inside("ar2", forge.Listener, "acc0")
        rand = random.Random(1)
        packets = [make(s, i, rand) for i in range(n)]
        # The kernel has as many routes as it is going to have after that, and they were read.
        s.send(packets[:2000])
        s.wait_read(2000)
        cpu, rss = s.process()
        scans = lab.status("mn")["counters"]["flow-scans"]
        sent(listener)
        began = mono()
        s.send(packets)
        t.ok(s.wait_read(n), f"{name}: the daemon gets through them")
        took = mono() - began
        t.ok(lab.status("mn"), f"{name}: it answers")
        used, now_rss = s.process()
        c = lab.status("mn")["counters"]
        t.note(f"{n} in {took:.2f} s took {used - cpu:.2f} s of processor time, "
               f"{now_rss - rss} kB; lost {c['packets-lost']}")
        bounds = sent(listener)
        # Counted, not timed: what a storm makes the daemon do does not grow with the storm.
        t.ok(c["flow-scans"] - scans < 400, f"{name}: sockets are not listed each time",
             c["flow-scans"] - scans)
        t.ok(bounds["solicitations"] < 60 and bounds["neighbour"] < 200,
             f"{name}: neither is each answered", bounds)
        t.ok(now_rss - rss < 1024, f"{name}: it does not grow", (rss, now_rss))
        t.ok(len(lab.status("mn")["anchors"]) <= 64, f"{name}: neither do its tables")
        before = turns(lab)
        time.sleep(1.0)
        t.ok(turns(lab) - before < 400, f"{name}: afterwards it sleeps", turns(lab) - before)
        s.finish(name)


def turns(lab):
    """How often the daemon has given the processor away by itself: it waited."""
    with open(f"/proc/{lab.procs['mn'].pid}/status", encoding="ascii") as f:
        return next(int(x.split()[1]) for x in f if x.startswith("voluntary"))


def sent(listener):
    """What of neighbour discovery came from the MN since the last call."""
    out = {"solicitations": 0, "neighbour": 0}
    while True:
        try:
            p, addr = listener.sock.recvfrom(2048)
        except BlockingIOError:
            return out
        if addr[2] != 4 and p[6] == forge.ICMP6:
            out["solicitations"] += p[40] == 133
            out["neighbour"] += p[40] == 135


def test_routers(t):
    """a thousand routers that nobody can reach"""
    storm(t, "a thousand routers",
          lambda s, i, r: ra(f"fe80::bad:{i % 1000:x}",
                             pio(f"2001:db8:{i % 1000:x}::", flags=0xC0), flags=0))


def test_prefixes(t):
    """another prefix each time"""
    storm(t, "another prefix each time",
          lambda s, i, r: ra(s.link_local, pio(f"2001:db8:ffff:{i:x}::")
                             + pio(HA[2], flags=0x20)))


def test_lifetimes(t):
    """our router is said to be none, and to be one, all the time"""
    storm(t, "lifetime zero",
          lambda s, i, r: ra(s.link_local, pio("2001:db8:1:201::") + pio(HA[2], flags=0x20),
                             lifetime=(i % 2) * 1800))


def test_flags(t):
    """home agent or not, with an address or not"""
    storm(t, "flags",
          lambda s, i, r: ra(s.link_local, pio("2001:db8:1:201::")
                             + pio(HA[2], flags=r.choice((0, 0x20))),
                             flags=r.choice((0x08, 0x28))))


def test_noise(t):
    """octets by chance behind a good header"""
    storm(t, "noise", lambda s, i, r: ra(s.link_local if i % 2 else NOBODY,
                                         r.randbytes(r.choice((0, 8, 32, 64, 7, 200)))))


if __name__ == "__main__":
    tap.main(test_forged, test_routers, test_prefixes, test_lifetimes, test_flags, test_noise)
