#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the network says about tunnel packets reaches who sent what is inside: a correspondent
learns the size that fits, by whichever link is the smallest, and that a way has ended."""

import os
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import forge
import tap
from lab import CN, HA, Lab, mono, wait_for

IPV6_UNICAST_HOPS, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO, IPV6_RECVERR = 16, 23, 2, 25
MSG_ERRQUEUE, SO_EE_ORIGIN_ICMP6 = 0x2000, 3
UNREACHABLE, TOO_BIG, TIME_EXCEEDED = 1, 2, 3
HEADERS = 48                    # IPv6 and UDP
AR1 = HA[1], "2001:db8:0:1::2"  # the daemon's and, where it tells itself, the kernel's choice


def udp(lab, box, address, peer):
    def make():
        s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        s.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        s.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO)
        s.bind((address, 4000))
        s.connect((peer, 4000))
        s.settimeout(0.5)
        return s
    return lab.inside(box, make)


def error(s, timeout=2.0):
    """The next ICMPv6 error for the socket: (type, code, value, which router said so), or None."""
    def ask():
        try:
            _, control, _, _ = s.recvmsg(1, 512, MSG_ERRQUEUE)
        except BlockingIOError:
            return None
        for _, _, data in control:
            _, origin, kind, code, value = struct.unpack_from("=IBBBxI", data)
            if origin == SO_EE_ORIGIN_ICMP6:
                who = socket.inet_ntop(socket.AF_INET6, data[24:40])
                return kind, code, value, "ar1" if who in AR1 else who
        return None
    s.setblocking(False)
    try:
        return wait_for(ask, timeout)
    finally:
        s.settimeout(0.5)


def send(s, octets):
    """A datagram of so many octets on the wire; the kernel may refuse it or tell of an earlier
    one's fate."""
    for _ in range(2):
        try:
            s.send(bytes(octets - HEADERS))
            return True
        except OSError:
            continue
    return False


def fate(s):
    """What is said of one of several packets: a router tells of one in a second."""
    for _ in range(20):
        send(s, 200)
        e = error(s, 0.2)
        if e:
            return e
    return None


def arrives(s, octets):
    end = mono() + 2.0
    while mono() < end:
        try:
            if len(s.recv(65536)) == octets - HEADERS:
                return True
        except TimeoutError:
            return False
        except OSError:
            continue
    return False


def counters(lab):
    return lab.status("ar1")["counters"]


def sizes(t, lab, cn, mn):
    send(cn, 1460)
    t.ok(arrives(mn, 1460), "what just fits into the tunnel arrives")
    for octets in (1461, 1500):
        send(cn, octets)
        t.equal(error(cn), (TOO_BIG, 0, 1460, "ar1"),
                f"of {octets} octets are too many by the home agent's own link; 1460 fit")
        # The kernel has learned, so a fresh path for the next size.
        lab.run("cn1", "ip", "-6", "route", "flush", "cache")
    # The link of a host that a home agent told 1460, less the tunnel's header.
    t.ok(not send(mn, 1421), "the host's kernel knows what is too large for its own tunnel")
    send(mn, 1420)
    t.ok(arrives(cn, 1420), "what fits there arrives")
    lab.run("core", "ip", "link", "set", "ar2", "mtu", "1400")
    lab.run("cn1", "ip", "-6", "route", "flush", "cache")
    send(cn, 1460)
    t.equal(error(cn), (TOO_BIG, 0, 1360, "ar1"),
            "a smaller link inside of the network is told on, less the tunnel's header")
    send(cn, 1360)
    t.ok(arrives(mn, 1360), "and what fits that arrives")
    lab.run("core", "ip", "link", "set", "ar2", "mtu", "1300")
    lab.run("cn1", "ip", "-6", "route", "flush", "cache")
    send(cn, 1360)
    t.equal(error(cn), (TOO_BIG, 0, 1280, "ar1"), "nobody is asked for less than 1280")
    send(cn, 1280)
    t.ok(wait_for(lambda: counters(lab)["tunnel-path-small"] > 0, 3.0),
         "a path on which those do not fit is counted", counters(lab))
    lab.run("core", "ip", "link", "set", "ar2", "mtu", "1500")
    lab.run("cn1", "ip", "-6", "route", "flush", "cache")


def other_way(t, lab, cn, mn):
    """A link that is too small for what the host puts into its tunnel."""
    lab.run("ar2", "ip", "link", "set", "core0", "mtu", "1400")
    send(mn, 1420)
    t.ok(wait_for(lambda: not send(mn, 1420), 3.0),
         "a link behind its router is too small: the host's kernel learns it",
         lab.status("mn")["counters"])
    send(mn, 1360)
    t.ok(arrives(cn, 1360), "and what fits that arrives")
    lab.run("ar2", "ip", "link", "set", "core0", "mtu", "1500")


def connection(t, lab, hoa):
    """From outside, to the host that is away, where Packet Too Big is lost."""
    lab.run("core", "nft", "add table ip6 deaf; add chain ip6 deaf f { type filter hook forward "
            "priority 0; }; add rule ip6 deaf f icmpv6 type packet-too-big drop")
    server = lab.inside("mn", lambda: socket.create_server((hoa, 8080), family=socket.AF_INET6))
    server.settimeout(5)
    try:
        out = lab.inside("cn1", lambda: socket.create_connection((hoa, 8080), 5))
        peer, _ = server.accept()
        peer.settimeout(5)
        received, left = 0, bytes(200000)
        while received < 200000:
            left = left[out.send(left):] if left else left
            received += len(peer.recv(65536))
        t.ok(True, "a connection lives where Packet Too Big is lost")
    except OSError as e:
        t.ok(False, "a connection lives where Packet Too Big is lost", e)
    lab.run("core", "nft", "delete", "table", "ip6", "deaf")


def in_fragments(t, lab, hoa, coa, cn):
    """Tunnel packets of a host whose way to the home agent is too small for them."""
    def give(source, inner, each=1200):
        parts = range(0, len(inner), each)
        for at in parts:
            header = struct.pack("!BBHI", 41, 0, at | (at != parts[-1]), give.number)
            packet = forge.ipv6(source, HA[1], 44, header + inner[at:at + each])
            lab.inside("mn", forge.send_routed, packet)
        give.number += 1
    give.number = 1

    def datagram(source, octets, hop_limit=64):
        body = struct.pack("!HHHH", 4000, 4000, octets - 40, 0) + bytes(octets - HEADERS)
        c = forge.cksum(forge.pton(source), forge.pton(CN[1]), 17, body)
        return forge.ipv6(source, CN[1], 17, body[:6] + struct.pack("!H", c) + body[8:], hop_limit)
    before = counters(lab)
    give(coa, datagram(hoa, 1400))
    t.ok(arrives(cn, 1400), "a tunnel packet in fragments is put together and passed on")
    give(coa, datagram(hoa, 200), 48)
    t.ok(arrives(cn, 200), "also of small ones")
    give(coa, datagram("2001:db8:1:101::77", 333))
    give(CN[2], datagram(hoa, 334))
    give(coa, datagram(hoa, 335, hop_limit=1))
    give(coa, datagram(hoa, 300))
    t.ok(arrives(cn, 300), "not so of a wrong sender, or at the end of its hops")
    after = counters(lab)
    t.equal(after["data-path-drops"] - before["data-path-drops"], 2, "the forged ones are counted")


def ends(t, lab, cn, mn):
    # cn1, core, then the home agent: the third hop is the tunnel's.
    cn.setsockopt(socket.IPPROTO_IPV6, IPV6_UNICAST_HOPS, 2)
    send(cn, 200)
    t.equal(error(cn), (TIME_EXCEEDED, 0, 0, "ar1"), "the entry of the tunnel is seen as a hop")
    cn.setsockopt(socket.IPPROTO_IPV6, IPV6_UNICAST_HOPS, 3)
    send(cn, 200)
    t.ok(arrives(mn, 200), "the whole tunnel is one more")
    cn.setsockopt(socket.IPPROTO_IPV6, IPV6_UNICAST_HOPS, -1)
    # The core loses its way to AR2.
    lab.run("core", "ip", "-6", "route", "add", "unreachable", "2001:db8:1:201::/64")
    t.equal(fate(cn), (UNREACHABLE, 3, 0, "ar1"), "a way that ended is told on")
    lab.run("core", "ip", "-6", "route", "del", "unreachable", "2001:db8:1:201::/64")
    # A loop behind the home agent; the edge filter would cut it short.
    lab.edge_filter("del")
    lab.run("ar2", "ip", "-6", "route", "add", "2001:db8:1:201::/64", "via", "fe80::1", "dev",
            "core0", "metric", "1")
    t.equal(fate(cn), (UNREACHABLE, 3, 0, "ar1"),
            "a loop inside of the tunnel is a way that ended, too")
    lab.run("ar2", "ip", "-6", "route", "del", "2001:db8:1:201::/64", "via", "fe80::1", "dev",
            "core0", "metric", "1")
    send(cn, 200)
    t.ok(arrives(mn, 200), "afterwards all is well again")


def icmp(src, dst, kind, value, about):
    body = struct.pack("!BBHI", kind, 0, 0, value) + about
    c = forge.cksum(forge.pton(src), forge.pton(dst), forge.ICMP6, body)
    return forge.ipv6(src, dst, forge.ICMP6, body[:2] + struct.pack("!H", c) + body[4:])


def strangers(t, lab, hoa, coa):
    """Errors about packets that the home agent did not send."""
    def quote(outer_dst, inner_src, inner_dst, proto=17):
        return forge.ipv6(HA[1], outer_dst, 41,
                          forge.ipv6(inner_src, inner_dst, proto, b"\2" + bytes(1100)))
    before = counters(lab)
    cases = (quote(CN[1], CN[2], hoa),                  # no binding's care-of address
             quote(coa, CN[2], "2001:db8:1:1ff::1"),    # no binding's home address
             quote(coa, "ff02::1", hoa),                # a group as the sender
             quote(coa, HA[1], hoa),
             quote(coa, CN[2], hoa, 58),                # an ICMPv6 error inside
             quote(coa, CN[2], hoa)[:60])               # cut off
    for q in cases:
        lab.inside("cn1", forge.send_routed, icmp(CN[1], HA[1], UNREACHABLE, 0, q))
    t.ok(wait_for(lambda: counters(lab)["rx-tunnel-error"] - before["rx-tunnel-error"]
                  == len(cases), 3.0), "forged errors are seen", counters(lab))
    after = counters(lab)
    t.equal([after[k] - before[k] for k in ("tunnel-error-forged", "tunnel-error-useless",
                                            "tunnel-error-bad", "tx-unreachable")],
            [2, 3, 1, 0], "and nobody hears of them")


def test_pathmtu(t):
    """AR1 -> AR2, a correspondent that sends what is too large"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.start_had(1)
        lab.start_had(2)
        lab.start_mnd()
        lab.move(1)
        hoa = lab.attached(1)
        mn, cn = udp(lab, "mn", hoa, CN[1]), udp(lab, "cn1", CN[1], hoa)
        send(mn, 100)
        t.ok(arrives(cn, 100), "a flow at the first router")
        lab.move(2)
        bindings = wait_for(lambda: lab.status("ar1")["bindings"], 5.0)
        t.ok(bindings, "the host is away, and its first router tunnels", lab.status("mn"))
        coa = bindings[0]["coa"]
        sizes(t, lab, cn, mn)
        other_way(t, lab, cn, mn)
        connection(t, lab, hoa)
        in_fragments(t, lab, hoa, coa, cn)
        ends(t, lab, cn, mn)
        strangers(t, lab, hoa, coa)
        t.note({k: v for k, v in counters(lab).items() if v})


if __name__ == "__main__":
    tap.main(test_pathmtu)
