# SPDX-License-Identifier: BSD-2-Clause
"""Packets of home agents, access routers and correspondents to a mobile node, built octet by
octet from the RFCs (6275 section 6, 4861 section 4, 5846 section 5); and a reader of what the
mobile node sends, which looks at every octet that a rule is about."""

import struct

import packets as p

ONLINK, AUTO, ROUTER = 0x80, 0x40, 0x20         # flags of a Prefix Information option
HOME_AGENT = 0x20                               # flag of a Router Advertisement
UDP = 17
BR = 16                                         # MH type of binding revocation
HAO, ALT, AUTH, REFRESH, TIMESTAMP = 0xC9, 3, 9, 2, 10


def prefix_information(address, flags, valid=86400, preferred=43200, plen=64):
    return struct.pack("!BBBBII4x", 3, 4, plen, flags, valid, preferred) + p.pton(address)


def advertisement_interval(milliseconds):
    return struct.pack("!BBHI", 7, 1, 0, milliseconds)


def home_agent_information(preference, lifetime):
    return struct.pack("!BBHhH", 8, 1, 0, preference, lifetime)


def router_advertisement(src, options, **o):
    """o: dst (all nodes), flags, lifetime (s), hop_limit (of the packet)."""
    body = struct.pack("!BBHII", 64, o.get("flags", 0), o.get("lifetime", 1800), 0, 0) + options
    return p.icmp6(src, o.get("dst", p.ALL_NODES), 134, 0, body, o.get("hop_limit", 255))


def to_mobile_node(ha, coa, hoa, proto, payload, /, **o):
    """A packet of the home agent to a node that is away, by a type 2 routing header, or to one
    that is at home (coa and hoa are the same), without. o: routing (the address in it; None:
    without a routing header), segments_left, routing_type."""
    routing = o.get("routing", hoa if coa != hoa else None)
    if routing is None:
        return p.ipv6(ha, coa, proto, payload)
    header = bytearray(p.routing_header(routing, proto))
    header[2], header[3] = o.get("routing_type", 2), o.get("segments_left", 1)
    if o.get("long_routing"):                   # two addresses
        header[1] = 4
        header += p.pton(routing)
    return p.ipv6(ha, coa, p.ROUTING, bytes(header) + payload)


def binding_ack(ha, coa, hoa, seq, key, **o):
    """A Binding Acknowledgement, as a whole packet. o: status (0), lifetime (units of 4 s), k,
    low_flags, options (octets in front of the authenticator), kind; what signed_header() and
    to_mobile_node() take; addresses (of the authenticator); dst, source."""
    body = struct.pack("!BBHH", o.get("status", 0), (0x80 if o.get("k") else 0)
                       | o.get("low_flags", 0), seq & 0xFFFF, o.get("lifetime", 105)) \
        + o.get("options", b"")
    src = o.get("source", ha)
    header = p.signed_header(o.get("kind", p.BA), body, (src, hoa),
                             o.get("addresses", (coa, hoa)), key, **o)
    return to_mobile_node(src, o.get("dst", coa), hoa, p.MH, header, **o)


def refresh_advice(units):
    """The option of a Binding Acknowledgement, behind its fixed part (aligned at 2n)."""
    return struct.pack("!BBH", REFRESH, 2, units)


def refresh_request(ha, coa, hoa, **o):
    return to_mobile_node(ha, coa, hoa, p.MH, p.mobility_header(p.BRR, b"\0\0", ha, hoa, **o), **o)


def binding_error(src, coa, hoa, status, **o):
    """From anybody, to the care-of address (RFC 6275 6.1.9)."""
    body = struct.pack("!BB", status, 0) + p.pton(hoa)
    return p.ipv6(src, coa, p.MH, p.mobility_header(p.BE, body, src, coa, **o))


def revocation(ha, coa, hoa, seq, key, trigger=1, flags=0, **o):
    """A Binding Revocation Indication (RFC 5846 5.1)."""
    body = struct.pack("!BBHHH", 1, trigger, seq, flags, 0)
    header = p.signed_header(BR, body, (ha, hoa), (coa, hoa), key, **o)
    return to_mobile_node(ha, coa, hoa, p.MH, header, **o)


def mobile_prefix_advertisement(ha, coa, hoa, ident, options, **o):
    """RFC 6275 6.8. o: flags (M 0x8000, O 0x4000, the rest reserved), and what
    to_mobile_node() takes."""
    body = struct.pack("!HH", ident & 0xFFFF, o.get("flags", 0)) + options
    data = p.icmp6(ha, hoa, 147, 0, body)[40:]
    return to_mobile_node(ha, coa, hoa, p.ICMP6, data, **o)


def discovery_reply(src, dst, ident, addresses, reserved=0):
    """A Home Agent Address Discovery Reply (RFC 6275 6.6)."""
    body = struct.pack("!HH", ident, reserved) + b"".join(map(p.pton, addresses))
    return p.icmp6(src, dst, 145, 0, body)


def icmp6_error(src, dst, kind, code, about, parameter=0):
    """An error message about a packet of dst's, quoted as far as it fits."""
    return p.icmp6(src, dst, kind, code, struct.pack("!I", parameter) + about[:1232])


def udp(src, dst, sport, dport, payload):
    data = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload
    c = p.checksum(src, dst, UDP, data) or 0xFFFF
    return p.ipv6(src, dst, UDP, data[:6] + struct.pack("!H", c) + data[8:])


# ---- what the mobile node sends ----------------------------------------------------------------

def options_of(octets, start):
    """(type, offset, octets) of each option from start on, padding included. AssertionError if
    one does not end where the octets end."""
    at = start
    while at < len(octets):
        end = at + 1 if octets[at] == 0 else at + 2 + octets[at + 1]
        assert end <= len(octets), "an option ends behind the message"
        yield octets[at], at, octets[at:end]
        at = end


class Signal:
    """A packet of the mobile node's own to a home agent: its addresses and headers."""

    def __init__(self, frame):
        o = frame.ip_octets
        self.frame, self.src, self.dst, self.hop_limit = frame, frame.src, frame.dst, o[7]
        assert struct.unpack_from("!H", o, 4)[0] == len(o) - 40, "payload length"
        self.headers, self.haos = [], []        # types of extension headers; (offset, address)
        self.routing = None
        nh, at = o[6], 40
        while nh in (0, p.DSTOPTS, p.ROUTING):
            end = at + (o[at + 1] + 1) * 8
            self.headers.append(nh)
            if nh == p.DSTOPTS:
                self._destination_options(o[at:end])
            elif nh == p.ROUTING and o[at + 2] == 2:
                self.routing = p.ntop(o[at + 8:at + 24])
            nh, at = o[at], end
        self.proto, self.payload = nh, o[at:]

    def _destination_options(self, header):
        for kind, at, option in options_of(header, 2):
            if kind == HAO:
                assert option[1] == 16, "length of the Home Address option"
                self.haos.append((at, p.ntop(option[2:])))

    @property
    def hao(self):
        return self.haos[0][1] if self.haos else None

    def checksum_good(self):
        """RFC 6275 6.3: the source of the pseudo-header is the home address."""
        return p.checksum(self.hao or self.src, self.dst, self.proto, self.payload) == 0


class Mobility(Signal):
    """A Mobility Header of the mobile node's. fixed: where its options begin."""

    def __init__(self, frame, fixed):
        super().__init__(frame)
        assert self.proto == p.MH, "a Mobility Header"
        m = self.payload
        self.payload_proto, self.length, self.kind, self.reserved = m[:4]
        self.options = [x for x in options_of(m, fixed) if x[0] > 1]
        self.padding = [x for x in options_of(m, fixed) if x[0] <= 1]

    def option(self, kind):
        """(offset, octets) of the only option of that type, or None."""
        found = [(at, octets) for k, at, octets in self.options if k == kind]
        assert len(found) < 2, f"option {kind} is there twice"
        return found[0] if found else None

    def authentic(self, key, coa, hoa):
        """RFC 4285 5: the last option is an authenticator, and the right one."""
        kind, at, option = self.options[-1] if self.options else (0, 0, b"")
        return kind == AUTH and option[2:7] == struct.pack("!BI", 1, key.spi) \
            and option[7:] == key.mac(coa, hoa, self.payload[:at + 7])


class Update(Mobility):
    """A Binding Update."""

    def __init__(self, frame):
        super().__init__(frame, 12)
        self.seq, self.flags, self.lifetime = struct.unpack_from("!HHH", self.payload, 6)
        alt = self.option(ALT)
        self.alt = p.ntop(alt[1][2:]) if alt else None
        self.hoa = self.hao or self.src
        self.coa = self.alt or self.src

    def __repr__(self):
        return (f"BU seq {self.seq} flags {self.flags:#06x} lifetime {self.lifetime} of {self.hoa}"
                f" at {self.coa} to {self.dst}")


class Error(Mobility):
    """A Binding Error."""

    def __init__(self, frame):
        super().__init__(frame, 24)
        self.status = self.payload[6]
        self.hoa = p.ntop(self.payload[8:24])


class Solicitation(Signal):
    """A Mobile Prefix Solicitation."""

    def __init__(self, frame):
        super().__init__(frame)
        assert self.proto == p.ICMP6 and self.payload[:2] == b"\x92\0"
        self.ident, self.reserved = struct.unpack_from("!HH", self.payload, 4)


def is_update(ha=None, hoa=None):
    """A Binding Update; in no tunnel."""
    def match(frame):
        return p.is_mh(p.BU)(frame) and (ha is None or frame.dst == ha) \
            and (hoa is None or Update(frame).hoa == hoa)
    return match


def is_payload(token, src=None, dst=None):
    """A UDP packet with that payload, in no tunnel."""
    def match(frame):
        return frame.proto == UDP and token in frame.ip_octets \
            and src in (None, frame.src) and dst in (None, frame.dst)
    return match


def is_in_tunnel(token, outer_src=None, outer_dst=None):
    """A UDP packet with that payload, in a tunnel."""
    def match(frame):
        return frame.proto == p.IPV6 and token in frame.ip_octets \
            and outer_src in (None, frame.src) and outer_dst in (None, frame.dst)
    return match
