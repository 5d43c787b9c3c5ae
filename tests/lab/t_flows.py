#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What keeps an address after a move: every kind of socket, through a move, and its end.

The sockets are this process's own, made inside the namespaces of the MN and of a correspondent.
"""

import errno
import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import tap
from lab import ARS, CN, WLAN0, Lab, LabError, mono, wait_for

UDPLITE = 136
EXPERIMENT = 253                # RFC 3692: a protocol number for experiments
IPV6_FREEBIND = 78
PORT = 6100


class Pair:
    """A socket of the MN on a home address, and the correspondent's end."""

    def __init__(self, lab, hoa):
        self.lab, self.hoa = lab, hoa
        self.mn = self.cn = None

    @classmethod
    def here(cls):
        """Has this kernel the protocol?"""
        return True

    def socket(self, box, kind, protocol=0):
        s = self.lab.inside(box, socket.socket, socket.AF_INET6, kind, protocol)
        s.settimeout(5.0)
        if kind == socket.SOCK_STREAM:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return s

    def open(self):
        raise NotImplementedError

    def exchange(self):
        """A packet each way; the address that the correspondent saw, or an error."""
        raise NotImplementedError

    def close(self):
        for s in (self.mn, self.cn):
            if s:
                s.close()


class Datagrams(Pair):
    protocol = 0
    connected = True

    def open(self):
        self.cn = self.socket("cn1", socket.SOCK_DGRAM, self.protocol)
        self.cn.bind((CN[1], PORT))
        self.mn = self.socket("mn", socket.SOCK_DGRAM, self.protocol)
        self.mn.bind((self.hoa, 0))
        if self.connected:
            self.mn.connect((CN[1], PORT))

    def exchange(self):
        if self.connected:
            self.mn.send(b"up")
        else:
            self.mn.sendto(b"up", (CN[1], PORT))
        _, peer = self.cn.recvfrom(100)
        self.cn.sendto(b"down", peer)
        self.mn.recv(100)
        return peer[0]


class BoundUdp(Datagrams):
    connected = False


class UdpLite(Datagrams):
    protocol = UDPLITE


class Stream(Pair):
    protocol = 0

    def open(self):
        listener = self.socket("cn1", socket.SOCK_STREAM, self.protocol)
        listener.bind((CN[1], PORT))
        listener.listen(1)
        self.mn = self.socket("mn", socket.SOCK_STREAM, self.protocol)
        self.mn.bind((self.hoa, 0))
        self.mn.connect((CN[1], PORT))
        self.cn, self.peer = listener.accept()
        self.cn.settimeout(5.0)
        listener.close()

    def exchange(self):
        self.mn.send(b"up")
        self.cn.recv(100)
        self.cn.send(b"down")
        self.mn.recv(100)
        return self.peer[0]


class Sctp(Stream):
    protocol = socket.IPPROTO_SCTP

    @classmethod
    def here(cls):
        try:
            socket.socket(socket.AF_INET6, socket.SOCK_STREAM, cls.protocol).close()
            return True
        except OSError:
            return False


class HalfClosed(Stream):
    """We have said all, the peer has not (FIN-WAIT-2)."""

    def open(self):
        super().open()
        self.mn.shutdown(socket.SHUT_WR)
        self.cn.recv(100)

    def exchange(self):
        self.cn.send(b"down")
        self.mn.recv(100)
        return self.peer[0]


class PeerClosed(Stream):
    """The peer has said all, we have not (CLOSE-WAIT)."""

    def open(self):
        super().open()
        self.cn.shutdown(socket.SHUT_WR)
        self.mn.recv(100)

    def exchange(self):
        self.mn.send(b"up")
        return self.peer[0] if self.cn.recv(100) == b"up" else "end"


class Accepted(Stream):
    """The MN's server listens on [::]; what it has accepted is a flow."""

    def open(self):
        listener = self.socket("mn", socket.SOCK_STREAM)
        listener.bind(("::", PORT))
        listener.listen(1)
        self.cn = self.socket("cn1", socket.SOCK_STREAM)
        self.cn.connect((self.hoa, PORT))
        self.peer = self.cn.getpeername()
        self.mn, _ = listener.accept()
        self.mn.settimeout(5.0)
        listener.close()


class Opening(Pair):
    """The correspondent answers after the move only (SYN-SENT)."""

    def open(self):
        self.lab.run("core", "ip", "-6", "route", "replace", "blackhole", f"{CN[1]}/128")
        self.cn = self.socket("cn1", socket.SOCK_STREAM)
        self.cn.bind((CN[1], PORT))
        self.cn.listen(1)
        self.mn = self.socket("mn", socket.SOCK_STREAM)
        self.mn.bind((self.hoa, 0))
        self.mn.setblocking(False)
        if self.mn.connect_ex((CN[1], PORT)) != errno.EINPROGRESS:
            raise LabError("the connection is not being opened")

    def exchange(self):
        self.lab.run("core", "ip", "-6", "route", "del", "blackhole", f"{CN[1]}/128")
        conn, peer = self.cn.accept()
        conn.close()
        return peer[0]


class Listener(Pair):
    """A server on the home address itself is to be reached there."""

    def open(self):
        self.mn = self.socket("mn", socket.SOCK_STREAM)
        self.mn.bind((self.hoa, PORT))
        self.mn.listen(1)

    def exchange(self):
        s = self.socket("cn1", socket.SOCK_STREAM)
        s.connect((self.hoa, PORT))
        conn, _ = self.mn.accept()
        address = conn.getsockname()[0]
        s.close()
        conn.close()
        return address


class Raw(Pair):
    def open(self):
        self.cn = self.socket("cn1", socket.SOCK_RAW, EXPERIMENT)
        self.mn = self.socket("mn", socket.SOCK_RAW, EXPERIMENT)
        self.mn.bind((self.hoa, 0))

    def exchange(self):
        self.mn.sendto(b"up", (CN[1], 0))
        _, peer = self.cn.recvfrom(100)
        self.cn.sendto(b"down", (peer[0], 0))
        self.mn.recv(100)
        return peer[0]


class Ping(Pair):
    """A ping socket (SOCK_DGRAM of ICMPv6), as ping(8) has it."""

    def open(self):
        self.lab.sysctl("mn", "net/ipv4/ping_group_range", "0 2147483647")
        self.mn = self.socket("mn", socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6)
        self.mn.bind((self.hoa, 0))
        self.cn = self.socket("cn1", socket.SOCK_RAW, socket.IPPROTO_ICMPV6)

    def exchange(self):
        self.mn.sendto(struct.pack("!BBHHH", 128, 0, 0, 0, 1), (CN[1], 0))
        self.mn.recv(100)
        while True:
            data, peer = self.cn.recvfrom(100)
            if data[0] == 128:
                return peer[0]


HOLD = (
    (Stream, "a TCP connection"), (Datagrams, "connected UDP"),
    (BoundUdp, "UDP bound to the address"), (UdpLite, "UDP-Lite"), (Sctp, "SCTP"),
    (Raw, "a raw socket"), (Ping, "a ping socket"),
    (HalfClosed, "a connection closed for writing"),
    (PeerClosed, "a connection that the peer has closed for writing"),
    (Accepted, "a connection that a server on [::] has accepted"),
    (Opening, "a connection being opened"),
    (Listener, "a server on the address itself"),
)


def anchor(lab, hoa):
    return next((a for a in lab.ctl("mn", "status")["anchors"] if a["hoa"] == hoa), None)


def sockets(lab, hoa):
    return [f for f in lab.ctl("mn", "flows")["flows"] if f["local"] == hoa]


def start(lab):
    lab.build()
    for n in ARS:
        lab.start_had(n)
    lab.start_mnd()
    lab.move(1)
    return lab.attached(1)


def through_a_move(t, lab, pair, name):
    """Opens it where the MN is, moves on, uses it, and ends it."""
    pair.open()
    lab.move(lab.at % 3 + 1)
    bound = wait_for(lambda: (anchor(lab, pair.hoa) or {}).get("state") == "bound", 5.0, 0.05)
    t.ok(bound, f"{name}: holds its address at a move", (anchor(lab, pair.hoa),
                                                         sockets(lab, pair.hoa)))
    holding = [f for f in sockets(lab, pair.hoa) if f["holds"]]
    t.ok(len(holding) == 1 and holding[0]["pid"] == os.getpid() and
         holding[0]["path"] == "tunnel" and anchor(lab, pair.hoa)["flows"] == 1,
         f"{name}: it is shown, with this process, as the only flow", holding)
    try:
        t.equal(pair.exchange(), pair.hoa, f"{name}: packets go to and fro")
    except OSError as e:
        t.ok(False, f"{name}: packets go to and fro", e)
    lab.attached(lab.at)
    pair.close()
    # Of others than TCP and UDP the kernel tells no end: the next look, in 10 s, finds it.
    ends = 13.0 if isinstance(pair, (Raw, Ping, UdpLite, Sctp)) else 4.0
    t.ok(wait_for(lambda: anchor(lab, pair.hoa) is None, ends, 0.05),
         f"{name}: when it ends, the address goes", anchor(lab, pair.hoa))


def test_hold(t):
    """every kind of socket that holds its address"""
    with Lab(tap.BINDIR) as lab:
        start(lab)
        for kind, name in HOLD:
            if not kind.here():
                t.note(f"{name}: this kernel has it not")
                continue
            hoa = lab.attached(lab.at)
            through_a_move(t, lab, kind(lab, hoa), name)


def open_socket(lab, box, kind, address, port, protocol=0):
    s = lab.inside(box, socket.socket, socket.AF_INET6, kind, protocol)
    s.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
    s.bind((address, port))
    if kind == socket.SOCK_STREAM:
        s.listen(1)
    return s


def over(lab, hoa):
    """A connection whose both ends are closed: TIME-WAIT here."""
    pair = Stream(lab, hoa)
    pair.open()
    pair.mn.close()
    pair.cn.recv(100)
    pair.cn.close()
    if not wait_for(lambda: " 06 " in lab.run("mn", "cat", "/proc/net/tcp6").stdout, 5.0, 0.05):
        raise LabError("no connection in TIME-WAIT")


def test_release(t):
    """sockets that hold nothing"""
    with Lab(tap.BINDIR) as lab:
        hoa = start(lab)
        dgram, stream = socket.SOCK_DGRAM, socket.SOCK_STREAM
        over(lab, hoa)
        there = [
            open_socket(lab, "mn", stream, "::", 80), open_socket(lab, "mn", dgram, "::", 5353),
            # Like ntpd and named: on every address, one by one.
            open_socket(lab, "mn", dgram, "::1", 123), open_socket(lab, "mn", dgram, hoa, 123),
            open_socket(lab, "mn", stream, "::1", 53), open_socket(lab, "mn", stream, hoa, 53),
            # Somebody else's, in another namespace.
            open_socket(lab, "cn2", dgram, hoa, 4000), open_socket(lab, "cn2", stream, hoa, 4000),
            lab.inside("mn", socket.socket, socket.AF_PACKET, socket.SOCK_RAW, 0x0300),
        ]
        question = open_socket(lab, "mn", dgram, hoa, 0)
        question.connect((CN[1], 53))
        mapped = lab.inside("mn", socket.socket, socket.AF_INET6, dgram)
        mapped.bind(("::ffff:127.0.0.1", 0))
        there += [question, mapped]
        seen = sockets(lab, hoa)
        t.equal(sorted((f["protocol"], f["local_port"] if f["local_port"] < 1024 else 0)
                       for f in seen), [("tcp", 53), ("udp", 0), ("udp", 123)],
                "those of this namespace and address are shown, what is over is not")
        t.equal([f for f in seen if f["holds"] or not f["why"]], [],
                "each with the reason why it holds nothing")
        t.equal(anchor(lab, hoa)["flows"], 0, "none is counted, nor one of dmip6-mnd's own")
        lab.move(2)
        lab.attached(2)
        t.ok(wait_for(lambda: anchor(lab, hoa) is None, 3.0, 0.05), "the address goes at a move",
             anchor(lab, hoa))
        t.equal(lab.status("ar1")["bindings"], [], "AR1 was not troubled")
        t.equal(lab.status("mn")["counters"]["flows-lost"], 0, "no flow was lost")
        for s in there:
            s.close()


class Unbound:
    """A socket on [::] that names the source of what it sends, as QUIC servers and WireGuard
    do; and a correspondent."""

    def __init__(self, lab, hoa):
        self.hoa = hoa
        self.mn = lab.inside("mn", socket.socket, socket.AF_INET6, socket.SOCK_DGRAM)
        self.mn.bind(("::", 0))
        self.cn = lab.inside("cn1", socket.socket, socket.AF_INET6, socket.SOCK_DGRAM)
        self.cn.bind((CN[1], PORT))
        for s in (self.mn, self.cn):
            s.settimeout(2.0)
        self.lost = 0

    def exchange(self):
        info = socket.inet_pton(socket.AF_INET6, self.hoa) + struct.pack("=I", 0)
        try:
            self.mn.sendmsg([b"up"], [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, info)], 0,
                            (CN[1], PORT))
            _, peer = self.cn.recvfrom(100)
            self.cn.sendto(b"down", peer)
            self.mn.recv(100)
        except OSError:
            self.lost += 1

    def run_for(self, seconds):
        end = mono() + seconds
        while mono() < end:
            self.exchange()
            time.sleep(0.2)

    def close(self):
        self.mn.close()
        self.cn.close()


def sees_packets(lab):
    return lab.ctl("mn", "status")["configuration"]["unbound_seen"]


def packets_of(lab, hoa):
    return [(f["state"], f["holds"]) for f in sockets(lab, hoa)]


def test_unbound(t):
    """sockets that are bound to no address: their packets count for the time of linger"""
    with Lab(tap.BINDIR, linger="2s") as lab:
        hoa = start(lab)
        if not sees_packets(lab):
            t.note("not here: this data path does not see them, and says so")
            return
        flow = Unbound(lab, hoa)
        flow.run_for(0.5)
        t.equal(packets_of(lab, hoa), [("packets", True)], "its packets are shown as a flow")
        lab.move(2)
        t.ok(wait_for(lambda: (anchor(lab, hoa) or {}).get("state") == "bound", 5.0, 0.05),
             "its address is kept at a move", anchor(lab, hoa))
        flow.run_for(6.0)
        t.ok(flow.lost <= 1 and (anchor(lab, hoa) or {}).get("state") == "bound",
             "and for as long as it sends", (flow.lost, anchor(lab, hoa)))
        lab.kill("mn")
        lab.start_mnd(ready=False)
        wait_for(lambda: flow.exchange() or lab.status("mn"), 20.0, 0.1)
        flow.run_for(3.0)
        t.ok(flow.lost <= 1 and (anchor(lab, hoa) or {}).get("state") == "bound",
             "also when the daemon is killed and started again", (flow.lost, anchor(lab, hoa)))
        flow.exchange()
        quiet = mono()
        wait_for(lambda: anchor(lab, hoa) is None, 10.0, 0.02)
        took = mono() - quiet
        t.ok(anchor(lab, hoa) is None and took > 1.5,
             "when it falls silent the address goes, after the time of linger", took)
        t.note(f"linger 2s: gone {took:.2f} s after the last packet")
        flow.close()
        hoa = lab.attached(2)
        silent = Unbound(lab, hoa)
        silent.exchange()
        time.sleep(2.2)
        lab.move(3)
        lab.attached(3)
        t.ok(wait_for(lambda: anchor(lab, hoa) is None, 3.0, 0.05) and
             not lab.status("ar2")["bindings"],
             "what was silent for longer does not hold it at a move", anchor(lab, hoa))
        silent.close()


def answers_ping(lab, hoa):
    s = lab.inside("cn1", socket.socket, socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    s.settimeout(2.0)
    s.sendto(struct.pack("!BBHHH", 128, 0, 0, 7, 1), (hoa, 0))
    try:
        while s.recv(100)[0] != 129:
            pass
        return True
    except TimeoutError:
        return False
    finally:
        s.close()


def test_questions(t):
    """DNS, NTP, multicast and answers to a stranger's ping are no use of an address"""
    with Lab(tap.BINDIR, linger="20s") as lab:
        hoa = start(lab)
        s = lab.inside("mn", socket.socket, socket.AF_INET6, socket.SOCK_DGRAM)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, WLAN0)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 8)
        for where in ((CN[1], 53), (CN[1], 123), ("ff05::fb", 5353)):
            s.sendto(b"?", where)
        t.ok(answers_ping(lab, hoa), "a stranger's ping is answered")
        stream = Stream(lab, hoa)
        stream.open()
        stream.exchange()
        stream.cn.close()
        stream.mn.close()
        t.equal([f for f in sockets(lab, hoa) if f["holds"]], [], "nothing of it is a flow")
        lab.move(2)
        lab.attached(2)
        t.ok(wait_for(lambda: anchor(lab, hoa) is None, 3.0, 0.05), "the address goes at a move",
             anchor(lab, hoa))
        s.sendto(b"?", (CN[1], 4000))
        hoa = lab.attached(2)
        if not sees_packets(lab):
            return
        t.equal(packets_of(lab, hoa), [("packets", True)], "anything else is one")
        s.close()


if __name__ == "__main__":
    tap.main(test_hold, test_release, test_unbound, test_questions)
