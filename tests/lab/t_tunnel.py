#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The tunnels of every data path that works here, packet by packet: what comes out of one and
what is forged, hop limit and traffic class, redirects."""

import os
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import tap
from tunnelnet import (CN, COA, HA, HOA, HOA2, STRANGER, Net, backends, fragments, ours, size,
                       tunnel)
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import (HBHOptUnknown, ICMPv6EchoReply, ICMPv6EchoRequest,
                                ICMPv6ND_Redirect, ICMPv6TimeExceeded, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                                IPv6ExtHdrHopByHop, IPv6ExtHdrRouting,
                                IPv6ExtHdrSegmentRouting, PadN)
from scapy.packet import Raw

COA2, UNKNOWN = "2001:db8:e::44", "2001:db8:1::77"
MSS = 1400
REASSEMBLED, MARK, SO_RCVMARK = 253, 0x644d4950, 75
LIMIT = [HBHOptUnknown(otype=4, optdata=b"\4"), PadN(optdata=b"\0")]


def udp(src, dst, length=100, **fields):
    return IPv6(src=src, dst=dst, **fields) / UDP(sport=4242, dport=4242) / size(length)


TOO_LARGE = bytes(udp(CN, HOA, 1500))


def behind(*headers, inner=None, src=COA):
    packet = IPv6(src=src, dst=HA)
    for h in headers:
        packet = packet / h
    return packet / (inner or udp(HOA, CN))


def cut(octets):
    return IPv6(src=COA, dst=HA, nh=41) / Raw(bytes(udp(HOA, CN))[:octets])


def limit(**fields):
    return IPv6ExtHdrDestOpt(options=LIMIT, **fields)


GOOD = (
    ("a tunnel packet of a binding", lambda: [tunnel(udp(HOA, CN))]),
    ("with an encapsulation limit in front", lambda: [behind(limit())]),
    ("a tunnel packet inside, on its way to somebody else",
     lambda: [tunnel(IPv6(src=HOA, dst=CN, nh=41) / udp(UNKNOWN, CN))]),
)

# Every one is dropped and counted; of fragments, the first.
FORGED = (
    ("wrong outer source", lambda: [tunnel(udp(HOA, CN), src=STRANGER)]),
    ("inner source of no binding", lambda: [tunnel(udp(UNKNOWN, CN))]),
    ("inner source of another binding", lambda: [tunnel(udp(HOA2, CN))]),
    ("wrong outer source behind an encapsulation limit",
     lambda: [behind(limit(), src=STRANGER)]),
    ("wrong inner source behind an encapsulation limit",
     lambda: [behind(limit(), inner=udp(HOA2, CN))]),
    ("other destination options in front",
     lambda: [behind(IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(12))]))]),
    ("destination options twice", lambda: [behind(limit(nh=60), limit())]),
    ("hop-by-hop options in front", lambda: [behind(IPv6ExtHdrHopByHop())]),
    ("a routing header in front",
     lambda: [behind(IPv6ExtHdrRouting(type=2, segleft=0, addresses=["::1"]))]),
    ("a segment routing header in front",
     lambda: [behind(IPv6ExtHdrSegmentRouting(addresses=[HA], segleft=0, lastentry=0))]),
    ("an atomic fragment", lambda: [behind(IPv6ExtHdrFragment(nh=41, id=9), src=STRANGER)]),
    ("fragments with a wrong outer source",
     lambda: fragments(tunnel(udp(HOA, CN), src=STRANGER), 80)),
    ("fragments with a wrong inner source", lambda: fragments(tunnel(udp(UNKNOWN, CN)), 80)),
    ("a tunnel to us inside of the tunnel",
     lambda: [tunnel(IPv6(src=HOA, dst=HA, nh=41) / udp(HOA, CN))]),
    ("the same with a forged innermost source",
     lambda: [tunnel(IPv6(src=HOA, dst=HA, nh=41) / udp(UNKNOWN, CN))]),
    ("the same behind an encapsulation limit",
     lambda: [behind(limit(), inner=IPv6(src=HOA, dst=HA, nh=41) / udp(UNKNOWN, CN))]),
    ("the same with an encapsulation limit in each",
     lambda: [behind(limit(), inner=IPv6(src=HOA, dst=HA) / limit() / udp(UNKNOWN, CN))]),
    ("IPv4 in the tunnel", lambda: [IPv6(src=COA, dst=HA, nh=4)
                                    / IP(src="192.0.2.1", dst="192.0.2.2") / UDP() / b"x"]),
    ("half an inner header", lambda: [cut(20)]),
    ("an inner header without its last octet", lambda: [cut(39)]),
    ("an inner header of another version",
     lambda: [IPv6(src=COA, dst=HA, nh=41) / Raw(b"\x45" + bytes(udp(HOA, CN))[1:])]),
)


def forged(net):
    return int(net.dp("drops").split()[0])


def sources(t, net):
    cn, mn = net.wire("cn", "ch"), net.wire("mn", "mk")
    for name, make in GOOD:
        before = forged(net)
        for p in make():
            mn.send(net.macs["km"], p)
        t.ok(cn.receive(ours), f"{net.backend}: comes out: {name}")
        t.equal(forged(net) - before, 0, f"{net.backend}: and is not counted")
    for name, make in FORGED:
        before = forged(net)
        for p in make():
            mn.send(net.macs["km"], p)
        # The next good one comes behind it.
        mn.send(net.macs["km"], tunnel(udp(HOA, CN, 222)))
        got = cn.receive(ours)
        t.ok(got is not None and len(got) == 222, f"{net.backend}: dropped: {name}",
             got and got.summary())
        t.equal(forged(net) - before, 1, f"{net.backend}: counted: {name}")
    mn.drain()


def put_together(t, net):
    """Tunnel packets that come in fragments. Where the kernel leaves it to the daemon to send
    on what was inside, this is the daemon."""
    cn, mn = net.wire("cn", "ch"), net.wire("mn", "mk")
    raw = None
    if net.backend == "seg6":
        raw = net.inside("ha", socket.socket, socket.AF_INET6, socket.SOCK_RAW, REASSEMBLED)
        raw.setsockopt(socket.SOL_SOCKET, SO_RCVMARK, 1)
        raw.settimeout(1.0)
    for octets, each, name in ((1400, 1200, "two"), (1400, 48, "many"), (1500, 1200, "large"),
                               (300, 400, "one alone")):
        inner = udp(HOA, CN, octets)
        for order in (1, -1):
            for p in fragments(tunnel(inner), each)[::order]:
                mn.send(net.macs["km"], p)
            if raw:
                got, control, _, _ = raw.recvmsg(65536, 64)
                mark = int.from_bytes(control[0][2], sys.byteorder)
                t.equal((got == bytes(inner), mark), (True, MARK),
                        f"{net.backend}: {name} fragments, in order {order}, checked")
            else:
                t.ok(cn.receive(lambda p: p.nh in (17, 44), 1.0),
                     f"{net.backend}: {name} fragments, in order {order}")
                cn.drain()
    if raw:
        mn.send(net.macs["km"], IPv6(src=COA, dst=HA, nh=REASSEMBLED) / udp(HOA, CN))
        _, control, _, _ = raw.recvmsg(65536, 64)
        t.equal(int.from_bytes(control[0][2], sys.byteorder), 0,
                f"{net.backend}: who claims to have been checked has not")
        raw.close()


def down(net, cn, mn, **fields):
    mn.drain()
    cn.send(net.macs["hc"], udp(CN, HOA, **fields))
    return mn.receive(lambda p: p.nh == 41, 1.0)


def up(net, cn, mn, outer, inner):
    cn.drain()
    mn.send(net.macs["km"], tunnel(udp(HOA, CN, **inner), **outer))
    return cn.receive(ours, 1.0)


def hops(t, net):
    cn, mn = net.wire("cn", "ch"), net.wire("mn", "mk")
    for limit_in in (255, 64, 3, 2):
        p = down(net, cn, mn, hlim=limit_in)
        t.equal(p and p.payload.hlim, limit_in - 1,
                f"{net.backend}: the tunnel is one hop for what is inside ({limit_in})")
        t.equal(p and p.hlim, 63, f"{net.backend}: and has 64 of its own, one used by the core")
    p = up(net, cn, mn, {"hlim": 7}, {"hlim": 9})
    t.equal(p and p.hlim, 8, f"{net.backend}: out of the tunnel, a hop is taken off")
    mn.drain()
    mn.send(net.macs["km"], tunnel(udp(HOA, CN, hlim=1)))
    p = mn.receive(lambda p: ICMPv6TimeExceeded in p, 1.0)
    t.ok(p is not None and p.nh == 41 and p.payload.dst == HOA,
         f"{net.backend}: what expires is told to its sender, in the tunnel", p and p.summary())


def traffic_class(t, net):
    cn, mn = net.wire("cn", "ch"), net.wire("mn", "mk")
    for ecn in (0, 1, 2, 3):
        p = down(net, cn, mn, tc=0xb8 | ecn)
        t.equal(p and (p.tc & 3, p.payload.tc), (ecn, 0xb8 | ecn),
                f"{net.backend}: into the tunnel, congestion bits {ecn} are copied")
        t.note(f"{net.backend}: traffic class {p.tc:#x} outside of {0xb8 | ecn:#x}")
    # RFC 6040 4.2, all of its table.
    for inner in (0, 1, 2, 3):
        for outer in (0, 1, 2, 3):
            wanted = 3 if outer == 3 and inner else 1 if (outer, inner) == (1, 2) else inner
            if (outer, inner) == (3, 0):
                wanted = None
            p = up(net, cn, mn, {"tc": outer}, {"tc": 0xb8 | inner})
            t.equal(p and p.tc, wanted if wanted is None else 0xb8 | wanted,
                    f"{net.backend}: out of the tunnel, {inner} inside and {outer} outside")
            mn.drain()


def segments(t, net):
    """Both directions of a connection that begins in the tunnel."""
    cn, mn = net.wire("cn", "ch"), net.wire("mn", "mk")

    def told(flags, mss, out, odd=False):
        options = [("MSS", mss), ("NOP", None), ("WScale", 7)]
        if odd:
            options = [options[1], options[0], options[1], options[1], options[1]]
        segment = TCP(sport=4242, dport=80, flags=flags, options=options if mss else [])
        if out:
            mn.send(net.macs["km"], tunnel(IPv6(src=HOA, dst=CN) / segment))
            p = cn.receive(lambda p: p.nh == 6, 1.0)
        else:
            cn.send(net.macs["hc"], IPv6(src=CN, dst=HOA) / segment)
            p = mn.receive(lambda p: p.nh == 41 and p.payload.nh == 6, 1.0)
            p = p and p.payload
        if p is None:
            return "nothing"
        right = IPv6(bytes(p))
        del right[TCP].chksum
        if IPv6(bytes(right))[TCP].chksum != p[TCP].chksum:
            return "a wrong checksum"
        mn.drain()
        cn.drain()
        return dict(p[TCP].options).get("MSS")
    for out, way in ((False, "into"), (True, "out of")):
        for flags in ("S", "SA", "SEC"):
            t.equal(told(flags, 1440, out), MSS,
                    f"{net.backend}: {way} the tunnel, a {flags} with too large segments")
        for mss in (MSS, 1220, 500, None):
            t.equal(told("S", mss, out), mss, f"{net.backend}: {way} it, {mss} stays as it is")
        t.equal(told("R", 1440, out), 1440, f"{net.backend}: {way} it, what is no beginning stays")
        t.equal(told("S", 1440, out, True), 1440, f"{net.backend}: {way} it, at an odd octet too")


def home_agent_itself(t, net):
    """What is inside may be for the home agent: a mobile prefix solicitation, say."""
    mn = net.wire("mn", "mk")
    inner = IPv6(src=HOA, dst=HA) / ICMPv6EchoRequest(id=7)
    for packet, name in ((tunnel(inner), "alone"),
                         (behind(limit(), inner=inner), "with an encapsulation limit")):
        mn.drain()
        mn.send(net.macs["km"], packet)
        p = mn.receive(lambda p: ICMPv6EchoReply in p, 1.0)
        t.ok(p is not None and p.payload.dst == HOA,
             f"{net.backend}: the home agent gets and answers what is in a tunnel, {name}")


def counted(t, net):
    cn, mn = net.wire("cn", "ch"), net.wire("mn", "mk")
    before = net.dp("drops").split()
    up(net, cn, mn, {"tc": 3}, {"tc": 0})
    after = net.dp("drops").split()
    t.equal([int(a) - int(b) for a, b in zip(after, before)], [0, 1, 0],
            f"{net.backend}: what is dropped for congestion is counted")
    if net.backend == "seg6":
        for _ in range(6000):
            cn.send(net.macs["hc"], TOO_LARGE)
        t.ok(int(net.dp("drops").split()[2]) > 0,
             f"{net.backend}: so are errors of ours that are too many", net.dp("drops"))


def redirects(t, net):
    """Both ends of the way are reached by the interface that the packet came in by."""
    core, far, mn = net.wire("core", "kh"), net.wire("core", "km"), net.wire("mn", "mk")
    net.sh("core", "ip -6 addr add 2001:db8:d::9/64 dev kh nodad")
    net.sh("ha", f"ip -6 neigh replace 2001:db8:d::9 lladdr {net.macs['kh']} dev hk nud permanent")

    def redirect(p):
        return ICMPv6ND_Redirect in p or (p.nh == 41 and ICMPv6ND_Redirect in p.payload)
    for _ in range(3):
        mn.send(net.macs["km"], tunnel(udp(HOA, "2001:db8:d::9")))
        core.send(net.macs["hk"], udp("2001:db8:d::9", HOA))
    t.ok(mn.receive(lambda p: p.nh == 41 and not redirect(p)), f"{net.backend}: it works")
    for wire, where in ((core, "the link"), (mn, "the tunnel"), (far, "the core")):
        p = wire.receive(redirect, 0.3)
        t.ok(p is None, f"{net.backend}: no redirect on {where}", p and p.summary())
    # A packet of a host that is on the link: it may hear of a better way.
    net.sh("core", "ip -6 addr add 2001:db8:d::8/64 dev kh nodad")
    net.sh("ha", f"ip -6 neigh replace 2001:db8:d::8 lladdr {net.macs['kh']} dev hk nud permanent")
    core.send(net.macs["hk"], udp("2001:db8:d::9", "2001:db8:d::8"))
    t.ok(core.receive(redirect), f"{net.backend}: other hosts are redirected as before")


def test_tunnels(t):
    """each data path in turn"""
    for backend in backends(t):
        with Net(backend, mss=MSS) as net:
            net.dp(f"set {HOA} {HA} {COA}")
            net.dp(f"set {HOA2} {HA} {COA2}")
            sources(t, net)
            put_together(t, net)
            hops(t, net)
            traffic_class(t, net)
            segments(t, net)
            home_agent_itself(t, net)
            counted(t, net)
            redirects(t, net)


if __name__ == "__main__":
    tap.main(test_tunnels)
