#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A home link that hosts share: absent hosts are tested for, intercepted, defended, let go.

AR1's access link has a standard prefix. A neighbour lives on it; the mobile node is played by
hand from the network of cn2, and at home from a second box on the link.
"""

import os
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import forge
import measure
import tap
from lab import CN, HA, Lab, LabError, wait_for
from play import Play
from shared import HOA, SharedLink, Wire, link_local

NS, NA = 135, 136
COA = CN[2]


def register(lab, seq, hoa=HOA, **o):
    """A Binding Update from the mobile node's care-of address."""
    packet = forge.bu(hoa, HA[1], COA, seq, lab.secret, **o)
    lab.inside("cn2", forge.send_routed, packet)


def status_of(packets):
    """Status and lifetime of the first acknowledgement among whole packets."""
    for p in packets:
        at, kind = 40, p[6]
        if kind == 43:
            kind, at = p[40], 40 + (p[41] + 1) * 8
        if kind == forge.MH and p[at + 2] == 6:
            return p[at + 6], struct.unpack_from("!H", p, at + 10)[0]
    return None


def answer(wire, timeout=4.0):
    """The acknowledgement, and how long it took."""
    begin = time.monotonic()
    got = wait_for(lambda: status_of(wire.take()), timeout)
    return got, time.monotonic() - begin


def tunnelled(wire, wait=1.0):
    """Inner packets of what came from the home agent through the tunnel."""
    time.sleep(wait)
    return [p[40:] for p in wire.take()
            if p[6] == 41 and p[8:24] == forge.pton(HA[1])]


def nd(packets, kind, target):
    """The Neighbour Discovery messages of a kind about an address."""
    return [p for p in packets if p[6] == forge.ICMP6 and p[40] == kind
            and p[48:64] == forge.pton(target)]


def test_by_hand(t):
    """the life of one home address"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        # A second home, so that the outer source cannot be right by chance.
        link = SharedLink(lab, "\tprefix 2001:db8:1:180::/57;\n")
        away = Wire(lab, "cn2", "core0")
        seen = Wire(lab, "nb", "nb0")

        # The link as its hosts see it.
        t.ok(link.address.startswith("2001:db8:1:100:"), "a host forms an address of the prefix",
             link.address)
        t.ok(link.reaches(HA[1]), "and reaches the home agent by its address there")
        home = lab.status("ar1")["homes"][0]
        t.equal((home["mode"], home["interface"]), ("shared", "acc0"), "status knows the mode")

        group = "ff02::1:ff00:a5"
        # Nobody has the address: tested, then acknowledged.
        seen.take()
        register(lab, 1, flags=forge.BU_A | forge.BU_H | 0x2000)
        got, took = answer(away)
        t.equal(got, (0, 30), "a registration is acknowledged")
        t.ok(took > 0.9, "after the time that duplicate address detection takes", took)
        time.sleep(2.2)
        packets = seen.take()
        for a in (HOA, link_local(HOA)):
            asked, told = nd(packets, NS, a), nd(packets, NA, a)
            t.ok(len(asked) == 1 and asked[0][8:24] == bytes(16),
                 f"{a} was looked for once, from nobody", len(asked))
            t.equal({p[44] & 0xE0 for p in told}, {0x20}, f"{a} is announced, to override")
            t.equal(len(told), 3, "three times")

        # What neighbours send to it goes through the tunnel, and only that.
        away.take()
        link.send(HOA)
        inner = tunnelled(away)
        t.ok(inner and all(p[24:40] == forge.pton(HOA) for p in inner),
             "a neighbour's packets to the absent host come through the tunnel", len(inner))
        t.equal(link.neighbour(HOA), lab.mac_of("ar1", "acc0"),
                "the neighbour knows the home agent's link-layer address for it")
        link.send("ff02::1")
        link.send("ff05::1:3")
        link.send(f"{link_local(HOA)}")
        t.equal(tunnelled(away), [], "neither multicast nor link-local packets are tunnelled")
        link.send(HOA, "cn1")
        inner = tunnelled(away, 0.3)
        t.ok(len(inner) == 1, "packets from elsewhere are tunnelled too", len(inner))

        # Whether it is still there is for the link alone to know.
        seen.take()
        ns = struct.pack("!BBHI", NS, 0, 0, 0) + forge.pton(HOA)
        c = forge.cksum(forge.pton(link.address), forge.pton(HOA), forge.ICMP6, ns)
        lab.inside("nb", forge.send_link, "nb0", forge.ipv6(
            link.address, HOA, forge.ICMP6, ns[:2] + struct.pack("!H", c) + ns[4:], 255),
                   lab.mac_of("ar1", "acc0"))
        t.equal(tunnelled(away, 0.5), [], "a solicitation to the host itself is not tunnelled")
        t.equal([p[44] & 0xE0 for p in nd(seen.take(), NA, HOA)], [0x40],
                "and answered by the home agent, as solicited, overriding nothing")
        t.ok(group in lab.run("ar1", "ip", "maddr", "show", "dev", "acc0").stdout,
             "which is a member of the solicited-node group")

        # Somebody takes the address: it is defended.
        lab.run("nb", "ip", "addr", "add", f"{HOA}/64", "dev", "nb0")
        t.ok(wait_for(lambda: "dadfailed" in lab.run("nb", "ip", "addr", "show", "dev", "nb0")
                      .stdout, 4.0), "another host does not get the address")
        lab.run("nb", "ip", "addr", "del", f"{HOA}/64", "dev", "nb0")

        # The daemon killed and started again: it goes on.
        lab.kill("ar1")
        link.start()
        link.forget(HOA)
        away.take()
        link.send(HOA)
        t.ok(tunnelled(away), "after a kill and a restart it is intercepted as before")

        # Home again: answered at its link-layer address, delivered there, not defended.
        back = Wire(lab, "back", "back0")
        bu = forge.ipv6(HOA, HA[1], forge.MH,
                        forge.bu_header(HOA, HA[1], HOA, 2, lab.secret, lifetime=0))
        lab.inside("back", forge.send_link, "back0", bu, lab.mac_of("ar1", "acc0"))
        got, _ = answer(back)
        t.equal(got, (0, 0), "a de-registration from the link is acknowledged there")
        link.send(HOA, "cn1")
        time.sleep(0.3)
        here = [p for p in back.take() if p[24:40] == forge.pton(HOA)]
        t.ok(here, "and packets come to the host at once, without a solicitation")
        t.equal(tunnelled(away, 0.2), [], "none goes into the tunnel any more")
        seen.take()
        link.forget(HOA)
        link.send(HOA)
        time.sleep(1.0)
        t.equal(nd(seen.take(), NA, HOA), [], "nobody answers for it but the host itself")
        t.equal(lab.status("ar1")["bindings"], [], "no binding is left")
        t.ok(group not in lab.run("ar1", "ip", "maddr", "show", "dev", "acc0").stdout,
             "and no membership")


def test_duplicate(t):
    """an address that somebody has"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        link = SharedLink(lab)
        away = Wire(lab, "cn2", "core0")
        register(lab, 1, hoa=link.address)
        got, took = answer(away)
        t.equal(got, (134, 0), "a home address in use is refused with 134")
        t.ok(took < 0.9, "as soon as that is known", took)
        counters = lab.status("ar1")["counters"]
        t.equal((counters["bu-duplicate"], counters["dad-duplicate"]), (1, 1), "and counted")
        t.ok(link.reaches(HA[1]), "the host that has it is not disturbed")
        t.equal(link.neighbours_told(), [], "nobody was told otherwise")


def udp_to(packets, address):
    """What SharedLink.send() sent to an address: how many packets came plain, how many out of
    a tunnel."""
    head, port = forge.pton(address), b"\0\x09"
    return (len([p for p in packets if p[6] == 17 and p[24:40] == head and p[42:44] == port]),
            len([p for p in packets if p[6] == 41 and p[46] == 17 and p[64:80] == head
                 and p[82:84] == port]))


def arrives(link, wire, address):
    """How a packet of the neighbour comes, if it does."""
    packets = []
    wire.take()
    link.send(address)
    wait_for(lambda: packets.extend(wire.take()) or any(udp_to(packets, address)), 3.0)
    return udp_to(packets, address)


def test_with_the_daemon(t):
    """dmip6-mnd leaves the shared link and comes back"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        link = SharedLink(lab)
        lab.start_had(2)
        lab.start_mnd()
        play = Play(lab, {1: 1})
        play.move(1)
        source = play.begin(1)["source"]
        t.ok(source.startswith("2001:db8:1:100:"), "at home it has an address of the prefix",
             source)
        mn = Wire(lab, "mn", "wlan0")
        play.run_for(1.0)
        t.equal(arrives(link, mn, source), (1, 0), "a neighbour reaches it on the link")

        play.move(2)
        t.ok(wait_for(lambda: lab.status("ar1")["bindings"], 8.0), "away, it is registered",
             lab.status("ar1")["counters"])
        t.ok(wait_for(lambda: link.neighbour(source) == lab.mac_of("ar1", "acc0"), 3.0),
             "the neighbour is told of the home agent in its place", link.neighbour(source))
        play.run_for(1.0)
        t.equal(arrives(link, mn, source), (0, 1), "the neighbour reaches it through the tunnel")

        play.move(1)
        t.ok(wait_for(lambda: not lab.status("ar1")["bindings"], 8.0),
             "back, its binding is gone", lab.status("ar1")["bindings"])
        t.ok(wait_for(lambda: link.neighbour(source) == lab.mac(), 3.0),
             "the neighbour is told that it is there itself", link.neighbour(source))
        play.run_for(3.0)
        t.ok("dadfailed" not in lab.run("mn", "ip", "-6", "addr").stdout,
             "its addresses are its own", lab.run("mn", "ip", "-6", "addr").stdout)
        t.equal(arrives(link, mn, source), (1, 0), "the neighbour reaches it on the link again")
        play.end(1)
        run = play.finish()
        t.equal(measure.flow_faults(run, 1), [], "its flow lived through both moves")
        for h in run.handovers():
            t.note(h)


def more(before, after, kind):
    """What has come, but for what the kernel makes of its own interfaces."""
    return sorted(x for x in set(after[kind]) - set(before[kind]) if "fe80::" not in x)


def test_cleanup(t):
    """what is left in the kernel"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        before = lab.kernel_state("ar1")
        link = SharedLink(lab)
        lab.kill("ar1", 15)
        after = lab.kernel_state("ar1")
        for k in ("addresses", "routes", "rules", "filter"):
            t.equal(more(before, after, k), [], f"stopped: no {k} are left")
        link.start()
        lab.kill("ar1")
        p = lab.run("ar1", lab.bin("dmip6-had"), "--cleanup")
        t.equal(p.returncode, 0, "--cleanup works")
        after = lab.kernel_state("ar1")
        for k in ("addresses", "routes", "rules", "filter"):
            t.equal(more(before, after, k), [], f"killed, cleaned: no {k}")


if __name__ == "__main__":
    try:
        tap.main(test_by_hand, test_duplicate, test_with_the_daemon, test_cleanup)
    except LabError as e:
        sys.exit(f"{e}")
