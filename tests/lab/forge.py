# SPDX-License-Identifier: BSD-2-Clause
"""Packets that a stranger, or another mobile node, might send. Written against the RFCs and
not against our codec: RFC 6275 6.1.7, 6.2.5, 6.3; RFC 4285 5; RFC 4861 4.2; RFC 5846 5."""

import hashlib
import hmac
import socket
import struct

MH, DSTOPTS, ICMP6, UDP, IPV6 = 135, 60, 58, 17, 41
BU_A, BU_H = 0x8000, 0x4000


def pton(address):
    return socket.inet_pton(socket.AF_INET6, address)


def cksum(src, dst, proto, data):
    text = src + dst + struct.pack("!I3xB", len(data), proto) + data
    text += b"\0" * (len(text) % 2)
    total = sum(struct.unpack(f"!{len(text) // 2}H", text))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv6(src, dst, proto, payload, hop_limit=64):
    return struct.pack("!IHBB", 6 << 28, len(payload), proto, hop_limit) \
        + pton(src) + pton(dst) + payload


def bu_header(hoa, ha, coa, seq, secret, **o):
    """A Mobility Header with a Binding Update. Options: spi, lifetime (units of 4 s), tail
    (octets instead of the authentication option), bad_cksum, flags, nonces, timestamp."""
    options = b"\1\0" + b"\3\x10" + pton(coa)                  # alternate CoA at 8n+6
    if o.get("nonces"):
        options += b"\4\4\0\1\0\1" + b"\0\0"                   # 2n
    if "timestamp" in o:
        options += b"\1\0\x0a\x08" + struct.pack("!Q", o["timestamp"]) + b"\1\2\0\0"  # 8n+2
    options += b"\0"                                            # the next at 4n+1
    spi = struct.pack("!I", o.get("spi", 256))
    auth = b"\x09\x15\x01" + spi                                # then 16 octets
    tail = o.get("tail")
    length = 12 + len(options) + (len(tail) if tail is not None else len(auth) + 16)
    body = struct.pack("!BBBBHHHH", 59, length // 8 - 1, 5, 0, 0, seq & 0xFFFF,
                       o.get("flags", BU_A | BU_H), o.get("lifetime", 30)) + options
    if tail is None:
        covered = body + auth
        mac = hmac.new(bytes.fromhex(secret), pton(coa) + pton(hoa) + covered, hashlib.sha256)
        body = covered + mac.digest()[:16]
    else:
        body += tail
    c = cksum(pton(hoa), pton(ha), MH, body) ^ (0xFFFF if o.get("bad_cksum") else 0)
    return body[:4] + struct.pack("!H", c) + body[6:]


def bu(hoa, ha, coa, seq, secret, **o):
    """The whole packet, with its Home Address option; from `source` if not from coa."""
    hao = struct.pack("!BB", MH, 2) + b"\1\2\0\0" + b"\xc9\x10" + pton(hoa)
    return ipv6(o.get("source", coa), ha, DSTOPTS, hao + bu_header(hoa, ha, coa, seq, secret, **o))


def mobility_header(src, dst, kind, data=bytes(10)):
    """A packet with a Mobility Header of this type; data: 10 octets, and 8 or none more."""
    body = struct.pack("!BBBBH", 59, (6 + len(data)) // 8 - 1, kind, 0, 0) + data
    return ipv6(src, dst, MH, body[:4] + struct.pack("!H", cksum(pton(src), pton(dst), MH, body))
                + body[6:])


def binding_error(hoa, src, dst, status):
    """RFC 6275 6.1.9: about a packet of dst's with this home address."""
    return mobility_header(src, dst, 7, struct.pack("!BB", status, 0) + pton(hoa))


def udp(src, dst):
    """A UDP packet to the discard port."""
    data = struct.pack("!HHHH", 9999, 9, 8, 0)
    c = cksum(pton(src), pton(dst), UDP, data)
    return ipv6(src, dst, UDP, data[:6] + struct.pack("!H", c))


def with_hao(hoa, dst, src):
    """A UDP packet to the discard port with a Home Address option."""
    hao = struct.pack("!BB", UDP, 2) + b"\1\2\0\0" + b"\xc9\x10" + pton(hoa)
    return ipv6(src, dst, DSTOPTS, hao + udp(hoa, dst)[40:])


def sign(covered, coa, hoa, secret):
    """RFC 4285 5: what stands in front, then 16 octets."""
    mac = hmac.new(bytes.fromhex(secret), pton(coa) + pton(hoa) + covered, hashlib.sha256)
    return covered + mac.digest()[:16]


def bra(hoa, ha, coa, seq, secret, status=0, spi=256):
    """A Binding Revocation Acknowledgement, with its Home Address option."""
    body = struct.pack("!BBBBHBBHH", 59, 4, 16, 0, 0, 2, status, seq, 0) \
        + b"\0\x09\x15\x01" + struct.pack("!I", spi)
    body = sign(body, coa, hoa, secret) + b"\1\2\0\0"
    c = cksum(pton(hoa), pton(ha), MH, body)
    hao = struct.pack("!BB", MH, 2) + b"\1\2\0\0" + b"\xc9\x10" + pton(hoa)
    return ipv6(coa, ha, DSTOPTS, hao + body[:4] + struct.pack("!H", c) + body[6:])


def bri(packet, coa, secret):
    """What a Binding Revocation Indication to coa says: its home address, number, trigger,
    flags, and whether checksum and authentication are right; None: it is something else."""
    if packet[24:40] != pton(coa) or packet[6] != 43 or packet[40:44] != b"\x87\2\2\1":
        return None
    hoa, mh = packet[48:64], packet[64:]
    if mh[2] != 16 or mh[6] != 1:
        return None
    trigger, seq, flags = struct.unpack("!BHH", mh[7:12])
    auth = mh.index(b"\x09\x15\x01", 12)
    text = mh[:4] + b"\0\0" + mh[6:auth + 7]
    signed = sign(text, coa, socket.inet_ntop(socket.AF_INET6, hoa), secret)
    right = cksum(packet[8:24], hoa, MH, mh[:4] + b"\0\0" + mh[6:]) == \
        struct.unpack("!H", mh[4:6])[0]
    return {"hoa": socket.inet_ntop(socket.AF_INET6, hoa), "seq": seq, "trigger": trigger,
            "flags": flags, "signed": signed[-16:] == mh[auth + 7:auth + 23],
            "checksum": right}


def acknowledge_revocations(interface, ha, coa, secret, key, ready):
    """Answers what the home agent revokes, until it is killed; key: what the answers are
    signed with; ready: a file that is made when it listens."""
    listener = Listener(interface)
    listener.sock.setblocking(True)
    with open(ready, "w", encoding="ascii"):
        pass
    while True:
        packet, _ = listener.sock.recvfrom(2048)
        said = bri(packet, coa, secret)
        if said:
            send_routed(bra(said["hoa"], ha, coa, said["seq"], key))


def ra(src, prefix, ha, hop_limit=255):
    """A Router Advertisement to all nodes; of a home agent, unless ha is None: then of an
    ordinary router with a prefix for everybody."""
    def pio(address, flags):
        return struct.pack("!BBBBII4x", 3, 4, 64, flags, 3600, 1800) + pton(address)
    body = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0x28 if ha else 0, 1800, 0, 0) \
        + pio(prefix, 0x40 if ha else 0xC0) + (pio(ha, 0x20) if ha else b"")
    c = cksum(pton(src), pton("ff02::1"), ICMP6, body)
    return ipv6(src, "ff02::1", ICMP6, body[:2] + struct.pack("!H", c) + body[4:], hop_limit)


def send_routed(packet):
    """Sends a whole packet from the namespace this runs in."""
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
        s.sendto(packet, (socket.inet_ntop(socket.AF_INET6, packet[24:40]), 0))


def send_link(interface, packet, mac="33:33:00:00:00:01"):
    """Sends a whole packet on a link, by default to all nodes."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x86DD)) as s:
        s.sendto(packet, (interface, 0x86DD, 0, 0, bytes.fromhex(mac.replace(":", ""))))


def send_frame(interface, frame):
    """Sends a whole frame, its link-layer source as it stands there."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as s:
        s.bind((interface, 0))
        s.send(frame)


class Listener:
    """Everything that comes back to a namespace's interface, from when it is made."""

    def __init__(self, interface):
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x86DD))
        self.sock.bind((interface, 0x86DD))
        self.sock.setblocking(False)

    def answers(self, src):
        """What an address (None: anybody) sent since the last call, but neighbour discovery."""
        out = []
        while True:
            try:
                p, addr = self.sock.recvfrom(2048)
            except BlockingIOError:
                return out
            if addr[2] != 4 and (src is None or p[8:24] == pton(src)) \
                    and not (p[6] == ICMP6 and p[40] in range(133, 138)):
                out.append(p)

    def advertisement(self):
        """The next Router Advertisement since the last call, or None."""
        while True:
            try:
                p, addr = self.sock.recvfrom(2048)
            except BlockingIOError:
                return None
            if addr[2] != 4 and p[6] == ICMP6 and p[40] == 134:
                return p

    def binding_updates(self, ha):
        """The Binding Updates to a home agent that passed since the listener was made."""
        out = []
        while True:
            try:
                p, _ = self.sock.recvfrom(2048)
            except BlockingIOError:
                return out
            if p[24:40] == pton(ha) and p[6] == DSTOPTS and p[40] == MH:
                out.append(p)

    def tunnelled(self):
        """How many tunnel packets passed, either way, since the last call."""
        n = 0
        while True:
            try:
                p, _ = self.sock.recvfrom(65536)
            except BlockingIOError:
                return n
            n += p[6] == IPV6
