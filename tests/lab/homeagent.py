# SPDX-License-Identifier: BSD-2-Clause
"""A home agent that is not ours: Python and scapy, written against RFC 6275 and RFC 4285. It
runs on AR3, serves the prefix of that link, and says in its advertisements that it is a home
agent, but not at which address. Its kernel only forwards: it drops what is for the home agent
and for registered home addresses, which the script sees all the same and deals with.

    pid = start(lab, log, has=[...])        what it saw: read(log)

One address (has[0]) may be told to refuse everybody: it is there to be asked first.
"""

import ctypes
import fcntl
import json
import logging
import os
import select
import socket
import struct
import subprocess
import time

logging.getLogger("scapy").setLevel(logging.ERROR)

# pylint: disable=wrong-import-position
from scapy.layers import inet6

import forge

PREFIX = "2001:db8:1:3ff::"
ANYCAST = PREFIX[:-2] + ":fdff:ffff:ffff:fffe"
AGENTS = ["2001:db8:1:300::1", "2001:db8:1:300::2"]
MH, TUNNEL = 135, 41
RA_EVERY = 0.3
REFUSED = 129
TUNNEL_MTU = 1460


AUTH = b"\x09\x15\x01" + struct.pack("!I", 256)      # RFC 4285 5: MN-HA, 16 octets, SPI 256


def authenticator(mh, coa, hoa, secret):
    """RFC 4285 5.1: over the addresses and what stands before it, with a checksum of zero; where
    it stands, and what it is. None: there is no such option."""
    plain = mh[:4] + b"\0\0" + mh[6:]
    at = plain.find(AUTH, 12)
    if at < 0:
        return None
    at += len(AUTH)
    return at, forge.sign(plain[:at], coa, hoa, secret)[-16:]


class HomeAgent:
    def __init__(self, log, agents, secret=None, lifetime=None, refuses=()):
        self.log = log
        self.agents = list(agents)
        self.secret = secret            # None: as RFC 6275 has it, without RFC 4285
        self.lifetime = lifetime        # granted at most, units of 4 s
        self.refuses = refuses
        self.bindings = {}              # HoA -> (CoA, home agent)
        self.socks = {name: self._open(name) for name in ("acc0", "core0")}
        out = subprocess.run(["ip", "-j", "link", "show", "dev", "acc0"], text=True,
                             capture_output=True, check=True).stdout
        self.mac = json.loads(out)[0]["address"]
        out = subprocess.run(["ip", "-6", "-o", "addr", "show", "dev", "acc0", "scope", "link"],
                             text=True, capture_output=True, check=True).stdout
        self.linklocal = out.split()[3].split("/")[0]
        self._ip("addr", "add", PREFIX + "1/64", "dev", "acc0", "nodad")
        for a in (*self.agents, ANYCAST):
            self._ip("route", "add", "blackhole", a)

    @staticmethod
    def _open(name):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x86DD))
        s.bind((name, 0x86DD))
        s.setsockopt(263, 1, struct.pack("=iHH8s", socket.if_nametoindex(name), 2, 0, b""))
        return s

    @staticmethod
    def _ip(*args):
        subprocess.run(["ip", "-6", *args], check=False, stderr=subprocess.DEVNULL)

    def note(self, kind, **what):
        self.log.write(json.dumps({"time": time.monotonic(), "kind": kind, **what}) + "\n")
        self.log.flush()

    # -- what it sends -----------------------------------------------------------------------

    def advertise(self):
        """RFC 6275 7.1 without 7.2: the H flag, and no prefix with the R flag."""
        p = inet6.IPv6(src=self.linklocal, dst="ff02::1", hlim=255) / \
            inet6.ICMPv6ND_RA(H=1, routerlifetime=1800) / \
            inet6.ICMPv6NDOptSrcLLAddr(lladdr=self.mac) / \
            inet6.ICMPv6NDOptPrefixInfo(prefix=PREFIX, prefixlen=64, L=1, A=1, R=0,
                                        validlifetime=3600, preferredlifetime=1800)
        forge.send_link("acc0", bytes(p))

    def acknowledge(self, to, ha, hoa, seq, status, lifetime, mac):
        """mac: whom at home to send it to; None: by routing header to the care-of address."""
        message = inet6.MIP6MH_BA(status=status, seq=seq, mhtime=lifetime, flags=0)
        if self.secret:
            message.options = [inet6.MIP6OptMsgAuth(subtype=1, mspi=256, authdata=bytes(16))]
            message.options[0].authdata = authenticator(bytes(message), to, hoa,
                                                        self.secret)[1]
        p = inet6.IPv6(src=ha, dst=to)
        if mac is None:
            p /= inet6.IPv6ExtHdrRouting(type=2, segleft=1, addresses=[hoa])
        p /= message
        self.note("ba", hoa=hoa, ha=ha, status=status, seq=seq)
        if mac is None:
            forge.send_routed(bytes(p))
        else:
            forge.send_link("acc0", bytes(p), mac)

    # -- what it gets ------------------------------------------------------------------------

    def discovery(self, p):
        q = p[inet6.ICMPv6HAADRequest]
        self.note("request", src=p.src, id=q.id, reserved=q.res)
        forge.send_routed(bytes(inet6.IPv6(src=self.agents[0], dst=p.src) /
                                inet6.ICMPv6HAADReply(id=q.id, addresses=self.agents)))

    def authentic(self, data, at, coa, hoa):
        if not self.secret:
            return True
        found = authenticator(data[at:], coa, hoa, self.secret)
        return found is not None and data[at:][found[0]:found[0] + 16] == found[1]

    def update(self, data, p, mac):
        """RFC 6275 10.3: a Binding Update, as scapy reads it."""
        bu = p[inet6.MIP6MH_BU]
        hao = p.getlayer(inet6.HAO)
        hoa = hao.hoa if hao else p.src
        at = 40 + ((data[41] + 1) * 8 if data[6] == forge.DSTOPTS else 0)
        alt = [o.acoa for o in bu.options if isinstance(o, inet6.MIP6OptAltCoA)]
        c = forge.cksum(forge.pton(hoa), data[24:40], MH,
                        data[at:at + 4] + b"\0\0" + data[at + 6:])
        self.note("bu", src=p.src, ha=p.dst, hoa=hoa, seq=bu.seq, lifetime=bu.mhtime,
                  flags=str(bu.flags), alt=alt, checksum=c == bu.cksum,
                  signed=any(isinstance(o, inet6.MIP6OptMsgAuth) for o in bu.options),
                  authentic=self.authentic(data, at, p.src, hoa))
        if c != bu.cksum or not self.authentic(data, at, p.src, hoa):
            return
        if p.dst in self.refuses:
            self.acknowledge(p.src, p.dst, hoa, bu.seq, REFUSED, 0, None)
            return
        home = p.src == hoa
        if bu.mhtime == 0:
            self.bindings.pop(hoa, None)
            self._ip("route", "del", "blackhole", hoa)
        else:
            self.bindings[hoa] = (p.src, p.dst)
            self._ip("route", "replace", "blackhole", hoa)
        lifetime = min(bu.mhtime, self.lifetime or 0xFFFF)
        self.acknowledge(p.src, p.dst, hoa, bu.seq, 0, lifetime, mac if home else None)

    def tunnelled(self, data):
        """RFC 6275 10.4.5: out of the tunnel, if it is of whom it says."""
        outer, inner = data[:40], data[40:]
        for hoa, (coa, ha) in self.bindings.items():
            if outer[8:24] == forge.pton(coa) and outer[24:40] == forge.pton(ha) \
                    and inner[8:24] == forge.pton(hoa):
                forge.send_routed(inner)

    def intercepted(self, data):
        """RFC 6275 10.4.2: into the tunnel."""
        for hoa, (coa, ha) in self.bindings.items():
            if data[24:40] != forge.pton(hoa) or data[8:24] == forge.pton(ha):
                continue
            if len(data) <= TUNNEL_MTU:
                forge.send_routed(forge.ipv6(ha, coa, TUNNEL, data))
                continue
            source = socket.inet_ntop(socket.AF_INET6, data[8:24])      # RFC 2473 7.1
            forge.send_routed(bytes(inet6.IPv6(src=ha, dst=source) /
                                    inet6.ICMPv6PacketTooBig(mtu=TUNNEL_MTU) / data[:1200]))

    def neighbour(self, p, mac):
        """RFC 4861 7.2.4: the link asks for the anycast address, which nobody else has."""
        if p[inet6.ICMPv6ND_NS].tgt != ANYCAST:
            return
        forge.send_link("acc0", bytes(
            inet6.IPv6(src=self.linklocal, dst=p.src, hlim=255) /
            inet6.ICMPv6ND_NA(R=1, S=1, O=0, tgt=ANYCAST) /
            inet6.ICMPv6NDOptDstLLAddr(lladdr=self.mac)), mac)

    def packet(self, data, mac):
        for_us = data[24:40] in [forge.pton(a) for a in (*self.agents, ANYCAST)]
        if data[6] == TUNNEL and for_us:
            self.tunnelled(data)
            return
        if not for_us and data[6] != forge.ICMP6:
            self.intercepted(data)
            return
        p = inet6.IPv6(data)
        if p.haslayer(inet6.ICMPv6ND_RS):
            self.advertise()
        elif p.haslayer(inet6.ICMPv6ND_NS):
            self.neighbour(p, mac)
        elif p.haslayer(inet6.ICMPv6HAADRequest) and p.dst == ANYCAST:
            self.discovery(p)
        elif p.haslayer(inet6.MIP6MH_BU) and for_us:
            self.update(data, p, mac)
        elif not for_us:
            self.intercepted(data)

    def run(self):
        next_ra = 0.0
        while True:
            if time.monotonic() >= next_ra:
                next_ra = time.monotonic() + RA_EVERY
                self.advertise()
            for s in select.select(list(self.socks.values()), [], [], RA_EVERY)[0]:
                data, addr = s.recvfrom(65536)
                if addr[2] != 4 and len(data) >= 40:
                    self.packet(data[:40 + struct.unpack_from("!H", data, 4)[0]],
                                ":".join(f"{x:02x}" for x in addr[4]))


def _run(path, agents, options):
    with open(path, "a", encoding="ascii") as log:
        HomeAgent(log, agents, **options).run()


def start(lab, name, agents, **options):
    """Starts it on AR3; the file with what it saw."""
    path = lab.path(f"{name}.ndjson")
    for box, interface in (("mn", "wlan0"), ("cn1", "core0"), ("cn2", "core0")):
        lab.inside(box, on_the_wire, interface)
    lab.spawn(name, "ar3", _run, path, agents, options)
    return path


def seen(path, kind):
    """What it wrote down of a kind, in order."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="ascii") as f:
        rows = [json.loads(line) for line in f if line.endswith("\n")]
    return [r for r in rows if r["kind"] == kind]


def on_the_wire(interface):
    """What leaves the interface is as on a wire: segments of their size, with their checksums,
    which else are left to the next device (SIOCETHTOOL: ETHTOOL_STXCSUM, STSO, SGSO)."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        for command in (0x17, 0x1F, 0x24):
            value = ctypes.create_string_buffer(struct.pack("=II", command, 0))
            fcntl.ioctl(s, 0x8946, struct.pack("@16sP16x", interface.encode(),
                                               ctypes.addressof(value)))
