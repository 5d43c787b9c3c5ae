# SPDX-License-Identifier: BSD-2-Clause
"""Captures: which packets of which flow passed where, direct or tunnelled.

Two packet sockets in a process of their own: one on the MN's wlan0, one in core (every link,
what comes in). Times are the kernel's, moved to CLOCK_MONOTONIC.
"""

import os
import select
import signal
import socket
import struct
import time

import flows

ETH_P_ALL, ETH_P_IPV6 = 0x0003, 0x86DD
SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33
SOL_PACKET, PACKET_STATISTICS = 263, 6
OUTGOING = 4
SNAP = 192
RECORD = struct.Struct("=dBB8sH")       # time, where, outgoing, interface, length
MN, CORE = 0, 1

TCP, UDP, IPV6, ROUTING, FRAGMENT, ICMP6, DSTOPTS, MOBILITY = 6, 17, 41, 43, 44, 58, 60, 135
RS, RA = 133, 134
BU, BA = 5, 6


class Capture:
    """with-less by purpose: the laboratory kills the process whatever happens."""

    def __init__(self, lab, name="capture"):
        self.lab = lab
        self.file = lab.path(f"{name}.cap")
        self.socks = [lab.inside("mn", _open, ETH_P_ALL, "wlan0"),
                      lab.inside("core", _open, ETH_P_IPV6, None)]
        self.pid = lab.spawn(name, "mn", _reader, self.socks, self.file)

    def stop(self):
        """Ends the capture; the packets, in order of time."""
        os.kill(self.pid, signal.SIGTERM)
        self.lab.wait(self.pid)
        for s in self.socks:
            s.close()
        return load(self.file)


def _open(protocol, interface):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(protocol))
    s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
    s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    if interface:
        s.bind((interface, protocol))
    s.setblocking(False)
    return s


def _reader(socks, path):
    ended = []
    r, w = socket.socketpair()
    w.setblocking(False)
    signal.set_wakeup_fd(w.fileno())
    signal.signal(signal.SIGTERM, lambda *_: ended.append(1))
    shift = min(((time.time_ns() - time.monotonic_ns()) for _ in range(5))) / 1e9
    with open(path, "wb") as f:
        while True:
            last = bool(ended)          # asked to end: once more what is there already
            select.select([*socks, r], [], [], 0 if last else 1.0)
            for where, s in enumerate(socks):
                _drain(s, where, shift, f)
            if last:
                break
        for s in socks:
            _, drops = struct.unpack("=II", s.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
            if drops:
                raise RuntimeError(f"the capture lost {drops} packets")


def _drain(s, where, shift, f):
    while True:
        try:
            data, anc, _, addr = s.recvmsg(SNAP, 64)
        except BlockingIOError:
            return
        except OSError:
            continue                    # ENETDOWN while the link goes down: told once
        if addr[1] != ETH_P_IPV6:
            continue
        sec, nsec = struct.unpack_from("=qq", anc[0][2])
        f.write(RECORD.pack(sec + nsec / 1e9 - shift, where, addr[2] == OUTGOING,
                            addr[0].encode(), len(data)))
        f.write(data)


class Packet:
    """One packet seen, decoded as far as anybody here asks."""

    __slots__ = ("time", "where", "outgoing", "interface", "tunnelled", "src", "dst", "outer",
                 "proto", "sport", "dport", "kind", "probe", "octets")

    def __init__(self, time_, where, outgoing, interface):
        self.time, self.where, self.outgoing, self.interface = time_, where, outgoing, interface
        self.tunnelled = False
        self.outer = self.kind = self.probe = None
        self.sport = self.dport = self.octets = 0


def decode(p, data):
    """Fills in p from an IPv6 packet; False: not one, or cut too short to say."""
    at = 0
    while True:
        if len(data) < at + 40 or data[at] >> 4 != 6:
            return False
        p.octets = struct.unpack_from("!H", data, at + 4)[0]
        p.src, p.dst = data[at + 8:at + 24], data[at + 24:at + 40]
        nh = data[at + 6]
        at += 40
        while nh in (0, ROUTING, DSTOPTS, FRAGMENT):
            if len(data) < at + 8:
                return False
            length = 8 if nh == FRAGMENT else (data[at + 1] + 1) * 8
            nh = data[at]
            at += length
            p.octets -= length
        if nh != IPV6:
            break
        p.tunnelled = True
        p.outer = (p.src, p.dst)
    p.proto = nh
    if nh in (TCP, UDP):
        if len(data) < at + 4:
            return False
        p.sport, p.dport = struct.unpack_from("!HH", data, at)
    if nh == UDP and len(data) >= at + 8 + flows.PROBE.size:
        magic, flow, direction, _, seq = flows.PROBE.unpack_from(data, at + 8)
        if magic == flows.MAGIC:
            p.probe = (flow, direction, seq)
    elif nh == ICMP6 and len(data) > at:
        p.kind = data[at]
    elif nh == MOBILITY and len(data) > at + 2:
        p.kind = data[at + 2]
    return True


def load(path):
    """The packets of a capture file."""
    with open(path, "rb") as f:
        raw = f.read()
    packets, at = [], 0
    while at + RECORD.size <= len(raw):
        t, where, outgoing, interface, length = RECORD.unpack_from(raw, at)
        at += RECORD.size
        p = Packet(t, where, bool(outgoing), interface.rstrip(b"\0").decode())
        if decode(p, raw[at:at + length]):
            packets.append(p)
        at += length
    packets.sort(key=lambda p: p.time)
    return packets


def flow_of(p):
    """The flow number of a packet of ours, and its direction, or None."""
    if p.proto not in (TCP, UDP):
        return None
    if flows.PORT < p.dport < flows.PORT + 100:
        return p.dport - flows.PORT, flows.UP
    if flows.PORT < p.sport < flows.PORT + 100:
        return p.sport - flows.PORT, flows.DOWN
    return None
