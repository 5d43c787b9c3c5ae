# SPDX-License-Identifier: BSD-2-Clause
"""Packets of a mobile node, its correspondents and its neighbours, and what comes back.

What we send is built octet by octet from the RFCs (6275 section 6, 4285 section 5), so that
every field can be made wrong. What the home agent sends is read by scapy; its checksum and its
authenticator are computed here once more.
"""

import hashlib
import hmac
import socket
import struct

from scapy.layers.inet6 import IPv6, IPv6ExtHdrRouting, MIP6MH_BA, MIP6OptBRAdvice
from scapy.layers.l2 import Ether

MH, DSTOPTS, ROUTING, ICMP6, IPV6, NONE = 135, 60, 43, 58, 41, 59
BRR, HOTI, COTI, HOT, COT, BU, BA, BE = range(8)
A, H, L, K = 0x8000, 0x4000, 0x2000, 0x1000        # flags of a Binding Update
ALL_NODES, ALL_ROUTERS = "ff02::1", "ff02::2"
UNSPECIFIED = "::"


def pton(address):
    return socket.inet_pton(socket.AF_INET6, address)


def ntop(octets):
    return socket.inet_ntop(socket.AF_INET6, octets)


def mac_octets(mac):
    return bytes.fromhex(mac.replace(":", ""))


def interface_id(address):
    return pton(address)[8:]


def link_local(address):
    """The link-local address with the same interface identifier (RFC 6275 10.3.1, L=1)."""
    return ntop(pton("fe80::")[:8] + interface_id(address))


def solicited_node(address):
    return ntop(pton("ff02::1:ff00:0")[:13] + pton(address)[13:])


def multicast_mac(address):
    return "33:33:" + ":".join(f"{x:02x}" for x in pton(address)[12:])


def checksum(src, dst, proto, data):
    """RFC 8200 8.1. What data holds in its checksum field is summed up with it."""
    text = pton(src) + pton(dst) + struct.pack("!I3xB", len(data), proto) + data
    text += b"\0" * (len(text) % 2)
    total = sum(struct.unpack(f"!{len(text) // 2}H", text))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv6(src, dst, proto, payload, hop_limit=64, tclass=0):
    return struct.pack("!IHBB", 6 << 28 | tclass << 20, len(payload), proto, hop_limit) \
        + pton(src) + pton(dst) + payload


def tunnelled(outer_src, outer_dst, inner, hop_limit=64):
    """RFC 2473: a whole packet in a packet."""
    return ipv6(outer_src, outer_dst, IPV6, inner, hop_limit)


def home_address_option(hoa, next_header):
    """A destination options header with it alone, aligned at 8n+6 (RFC 6275 6.3)."""
    return struct.pack("!BB", next_header, 2) + b"\1\2\0\0" + b"\xc9\x10" + pton(hoa)


def routing_header(hoa, next_header):
    """RFC 6275 6.4: type 2."""
    return struct.pack("!BBBBI", next_header, 2, 2, 1, 0) + pton(hoa)


def pad(n):
    """Mobility options without meaning, n octets of them."""
    return b"" if n == 0 else b"\0" if n == 1 else struct.pack("!BB", 1, n - 2) + bytes(n - 2)


def mobility_header(kind, body, src, dst, /, **o):
    """A Mobility Header whose checksum is good between src and dst; body is what follows the
    checksum. o: proto, length (in the header, units of 8 octets), reserved, bad_cksum."""
    body += pad(-(6 + len(body)) % 8)
    length = o.get("length", (6 + len(body)) // 8 - 1)
    head = struct.pack("!BBBB", o.get("proto", NONE), length, kind, o.get("reserved", 0))
    c = checksum(src, dst, MH, head + b"\0\0" + body)
    if o.get("bad_cksum"):
        c ^= 0x5555
    return head + struct.pack("!H", c) + body


class Key:
    """A mobility security association between mobile node and home agent (RFC 4285 5)."""

    def __init__(self, spi, secret, algorithm="hmac-sha-256-128"):
        self.spi, self.secret, self.algorithm = spi, secret, algorithm
        self.hash, self.size = (hashlib.sha1, 12) if "sha1" in algorithm else (hashlib.sha256, 16)

    def mac(self, coa, hoa, covered):
        """Over the care-of address, the home address and the Mobility Header, checksum 0."""
        covered = covered[:4] + b"\0\0" + covered[6:]
        key = bytes.fromhex(self.secret)
        return hmac.new(key, pton(coa) + pton(hoa) + covered, self.hash).digest()[:self.size]

    def configuration(self, extra=""):
        allow = "hmac-sha1 insecure-allow;\n" if "sha1" in self.algorithm else ""
        return (f"{allow}key {self.spi} {{ algorithm {self.algorithm}; secret {self.secret}; "
                f"{extra} }}\n")


def signed_header(kind, body, ends, addresses, key, /, **o):
    """A Mobility Header with an authenticator as its last option, or without if key is None.
    ends: source and destination of the checksum; addresses: care-of and home address of the
    authenticator. o: proto, length, reserved, bad_cksum as for mobility_header(); spi, bad_mac,
    no_key, behind (octets of options behind the authenticator)."""
    fields = {k: o[k] for k in ("proto", "length", "bad_cksum", "reserved") if k in o}
    if key is not None and not o.get("no_key"):
        behind = o.get("behind", b"")
        size = 7 + key.size
        body += pad(-(6 + len(body) + size + len(behind)) % 8)
        auth = struct.pack("!BBBI", 9, size - 2, 1, o.get("spi", key.spi))
        whole = mobility_header(kind, body + auth + bytes(key.size) + behind, *ends, **fields)
        mac = key.mac(*addresses, whole[:len(whole) - key.size - len(behind)])
        if o.get("bad_mac"):
            mac = bytes([mac[0] ^ 1]) + mac[1:]
        body += auth + mac + behind
    return mobility_header(kind, body, *ends, **fields)


def binding_update(hoa, ha, coa, seq, key, **o):
    """A Binding Update, as a whole packet. What may be other than usual, by o: source (coa), hao
    (hoa; None: no Home Address option), alt (coa; None: no Alternate Care-of Address option),
    flags (A and H), low_flags (the reserved bits beside them), lifetime (units of 4 s), options
    (octets in front of the authenticator), kind (BU), piggyback (octets behind the header); and
    what signed_header() takes."""
    src, hao, alt = o.get("source", coa), o.get("hao", hoa), o.get("alt", coa)
    body = struct.pack("!HHH", seq & 0xFFFF, o.get("flags", A | H) | o.get("low_flags", 0),
                       o.get("lifetime", 105))
    if alt is not None:
        body += pad(-len(body) % 8) + b"\3\x10" + pton(alt)            # aligned at 8n+6
    body += o.get("options", b"")
    ends = (hoa if hao is not None else src, ha)
    header = signed_header(o.get("kind", BU), body, ends, (coa if alt is None else alt, hoa), key,
                           **o) + o.get("piggyback", b"")
    if hao is None:
        return ipv6(src, ha, MH, header)
    return ipv6(src, ha, DSTOPTS, home_address_option(hao, MH) + header)


def icmp6(src, dst, kind, code, body, hop_limit=64):
    """A whole ICMPv6 packet; body: what follows the checksum."""
    data = struct.pack("!BBH", kind, code, 0) + body
    c = checksum(src, dst, ICMP6, data)
    return ipv6(src, dst, ICMP6, data[:2] + struct.pack("!H", c) + data[4:], hop_limit)


def echo(src, dst, ident, size=16, hop_limit=64, kind=128):
    return icmp6(src, dst, kind, 0, struct.pack("!HH", ident & 0xFFFF, 1) + bytes(size),
                 hop_limit)


def neighbour_solicitation(src, target, mac=None, dst=None):
    body = bytes(4) + pton(target)
    if mac:
        body += b"\1\1" + mac_octets(mac)
    return icmp6(src, dst or solicited_node(target), 135, 0, body, 255)


def neighbour_advertisement(src, target, mac, dst=ALL_NODES, flags=0x20000000):
    """flags: 0x80000000 R, 0x40000000 S, 0x20000000 O."""
    return icmp6(src, dst, 136, 0, struct.pack("!I", flags) + pton(target) + b"\2\1"
                 + mac_octets(mac), 255)


def router_solicitation(src, mac):
    return icmp6(src, ALL_ROUTERS, 133, 0, bytes(4) + b"\1\1" + mac_octets(mac), 255)


# ---- what comes back --------------------------------------------------------------------------

class Frame:
    """One frame that was heard: on which link ("home", "cn", "foreign"), its contents, and when
    the kernel had it, in seconds."""

    def __init__(self, link, data, time):
        self.link, self.data, self.time = link, data, time
        self.ip_octets = data[14:]
        self._eth = None

    @property
    def eth(self):
        if self._eth is None:
            self._eth = Ether(self.data)
        return self._eth

    @property
    def ip(self):
        return self.eth[IPv6]

    @property
    def src(self):
        return ntop(self.ip_octets[8:24])

    @property
    def dst(self):
        return ntop(self.ip_octets[24:40])

    @property
    def proto(self):
        return self.ip_octets[6]

    @property
    def mac(self):
        """The link-layer address it was sent to."""
        return self.data[:6].hex(":")

    def upper(self):
        """(protocol, offset) of what follows the extension headers."""
        nh, at = self.ip_octets[6], 40
        while nh in (0, DSTOPTS, ROUTING) and at + 8 <= len(self.ip_octets):
            nh, at = self.ip_octets[at], at + (self.ip_octets[at + 1] + 1) * 8
        return nh, at

    def __str__(self):
        return f"{self.link}: {self.ip.summary()}"


class Ack:
    """A Binding Acknowledgement, taken apart."""

    def __init__(self, frame):
        ip, ba = frame.ip, frame.ip[MIP6MH_BA]
        rh = ip[IPv6ExtHdrRouting] if IPv6ExtHdrRouting in ip else None
        self.frame, self.src, self.dst = frame, ip.src, ip.dst
        self.routing = rh.addresses[0] if rh is not None and rh.type == 2 else None
        self.segments_left = rh.segleft if rh is not None else None
        self.status, self.seq, self.lifetime = ba.status, ba.seq, ba.mhtime
        self.octets = frame.ip_octets[frame.upper()[1]:]
        self.k = bool(self.octets[7] & 0x80)
        self.refresh = [o.rinter for o in ba.options if isinstance(o, MIP6OptBRAdvice)]

    def options(self):
        """(type, offset, octets) of each option that is no padding."""
        at = 12
        while at < len(self.octets):
            if self.octets[at] == 0:
                at += 1
                continue
            end = at + 2 + self.octets[at + 1]
            if self.octets[at] != 1:
                yield self.octets[at], at, self.octets[at:end]
            at = end

    def authentic(self, key, coa, hoa):
        """Whether its last option is this key's authenticator, and a good one (RFC 4285 5)."""
        *_, (kind, at, option) = [(0, 0, b""), *self.options()]
        if kind != 9 or option[2:7] != struct.pack("!BI", 1, key.spi):
            return False
        return option[7:] == key.mac(coa, hoa, self.octets[:at + 7])

    def checksum_good(self, hoa):
        """RFC 6275 6.1.1: between the home agent and the home address."""
        return checksum(self.src, hoa, MH, self.octets) == 0

    def __repr__(self):
        return (f"BA status {self.status} seq {self.seq} lifetime {self.lifetime} to {self.dst}"
                f" routing header {self.routing}")


def is_mh(kind):
    def match(frame):
        nh, at = frame.upper()
        return nh == MH and len(frame.ip_octets) > at + 2 and frame.ip_octets[at + 2] == kind
    return match


def is_icmp6(kind, code=None):
    def match(frame):
        nh, at = frame.upper()
        o = frame.ip_octets
        return nh == ICMP6 and o[at] == kind and (code is None or o[at + 1] == code)
    return match


def is_echo(src=None, dst=None, ident=None, kind=128):
    """An echo request that is in no tunnel."""
    def match(frame):
        nh, at = frame.upper()
        o = frame.ip_octets
        return nh == ICMP6 and o[at] == kind and (src is None or frame.src == src) \
            and (dst is None or frame.dst == dst) \
            and (ident is None or struct.unpack_from("!H", o, at + 4)[0] == ident)
    return match


def is_tunnelled(outer_dst=None, inner_dst=None, ident=None):
    """A packet in a tunnel (and no more headers between the two)."""
    def match(frame):
        o = frame.ip_octets
        if o[6] != IPV6 or len(o) < 80:
            return False
        if ident is not None and (o[46] != ICMP6
                                  or struct.unpack_from("!H", o, 84)[0] != ident):
            return False
        return (outer_dst is None or frame.dst == outer_dst) \
            and (inner_dst is None or ntop(o[64:80]) == inner_dst)
    return match


def target_of(frame):
    """The target of a Neighbour Solicitation or Advertisement, or None."""
    nh, at = frame.upper()
    o = frame.ip_octets
    if nh != ICMP6 or o[at] not in (135, 136) or len(o) < at + 24:
        return None
    return ntop(o[at + 8:at + 24])


def is_ns(target=None):
    return lambda f: is_icmp6(135)(f) and (target is None or target_of(f) == target)


def is_na(target=None):
    return lambda f: is_icmp6(136)(f) and (target is None or target_of(f) == target)
