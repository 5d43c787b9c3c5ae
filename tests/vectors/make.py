#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the golden packets that scapy builds: make.py [DIRECTORY].

They are kept in the repository; this shows where they come from. The expected fields stand in
tests/unit. Vectors whose comment names another source are not written by this script.
"""
import logging
import os
import socket
import struct
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.all import raw, conf  # noqa: E402
from scapy.layers.inet import UDP  # noqa: E402
from scapy.layers.inet6 import *  # noqa: E402,F403

MN_MAC = "02:00:00:00:00:01"
AR_MAC = "02:00:00:00:00:a1"
COA = "2001:db8:2:1::c0a"
HOA = "2001:db8:1:101::40a"
HA = "2001:db8:1:100::1"
CN = "2001:db8:9::c"
MAR2 = "2001:db8:2:100::1"
MN_LL = "fe80::ff:fe00:1"
AR_LL = "fe80::ff:fe00:a1"

HAO_HDR = IPv6ExtHdrDestOpt(options=[HAO(hoa=HOA)])
RH2_HDR = IPv6ExtHdrRouting(type=2, addresses=[HOA])


def mn_ha(length, spi=256, subtype=1):
    return MIP6OptMsgAuth(subtype=subtype, mspi=spi, authdata=bytes(range(0xa0, 0xa0 + length)))


def revocation(kind, code, seq, flags, options=b"\x01\x02\0\0"):
    """scapy does not know RFC 5846: its message is put together here, from figures 5 and 6;
    the headers around it, the options, length and checksum are scapy's."""
    return MIP6MH_Generic(mhtype=16, msg=struct.pack(">BBHH", kind, code, seq, flags) + options)


def option(number, data):
    """A mobility option that scapy does not know, from the figures of RFC 5213 section 8."""
    return bytes([number, len(data)]) + data


def home_prefix(addr, plen=64):
    return option(22, bytes([0, plen]) + socket.inet_pton(socket.AF_INET6, addr))


def proxy(kind, fixed, options):
    """scapy does not know the proxy flag, nor a heartbeat: fixed part from figures of RFC 5213
    and RFC 5847, options with the padding that stands before each; length and checksum are
    scapy's."""
    return MIP6MH_Generic(mhtype=kind, msg=fixed + options)


def pad(n):
    return b"\0" if n == 1 else bytes([1, n - 2]) + bytes(n - 2)


PBU_OPTIONS = (
    option(8, b"\x01mn@example.org") + pad(7) +                        # 12, 29: at 36
    home_prefix("2001:db8:1:101::") + pad(4) +                         # 36, 56: at 60
    home_prefix("2001:db8:1:102::") +                                  # 60, 80
    option(23, b"\0\x03") + option(24, b"\0\x04") +                   # 80, 84
    option(25, b"\0\0" + bytes.fromhex("020000000001")) +             # 88, 98: at 102
    pad(4) + option(26, socket.inet_pton(socket.AF_INET6, MN_LL)) +    # 102, 120: at 122
    pad(2) + option(27, bytes.fromhex("00006565a1b28000")))            # 122, 132


def prefix(addr, **kw):
    return ICMPv6NDOptPrefixInfo(prefix=addr, **kw)


VECTORS = {
    "brr": ("Binding Refresh Request, no option",
            IPv6(src=CN, dst=HOA) / MIP6MH_BRR()),
    "hoti": ("Home Test Init",
             IPv6(src=HOA, dst=CN) / MIP6MH_HoTI(cookie=bytes(range(1, 9)))),
    "coti": ("Care-of Test Init",
             IPv6(src=COA, dst=CN) / MIP6MH_CoTI(cookie=bytes(range(9, 17)))),
    "hot": ("Home Test",
            IPv6(src=CN, dst=HOA) / MIP6MH_HoT(index=0x90a, cookie=bytes(range(1, 9)),
                                              token=bytes(range(0x11, 0x19)))),
    "cot": ("Care-of Test",
            IPv6(src=CN, dst=COA) / MIP6MH_CoT(index=0x90b, cookie=bytes(range(9, 17)),
                                              token=bytes(range(0x19, 0x21)))),
    "bu-plain": ("Binding Update without options: PadN of four octets",
                 IPv6(src=COA, dst=HA) / HAO_HDR /
                 MIP6MH_BU(seq=1, flags="HA", mhtime=15)),
    "bu-home": ("Home registration: Home Address option, alternate care-of address, MN-HA "
                "authentication (16 octets)",
                IPv6(src=COA, dst=HA) / HAO_HDR /
                MIP6MH_BU(seq=0x1234, flags="LHA", mhtime=150, options=[
                    MIP6OptAltCoA(acoa=COA), mn_ha(16)])),
    "bu-correspondent": ("Update at a correspondent node: nonce indices and Binding "
                         "Authorization Data (RFC 6275 5.2.6)",
                         IPv6(src=COA, dst=CN) / HAO_HDR /
                         MIP6MH_BU(seq=7, flags="A", mhtime=105, options=[
                             MIP6OptNonceIndices(olen=4, hni=0x4d2, coni=0x162e),
                             MIP6OptBindingAuthData(
                                 olen=12, authenticator=0x0102030405060708090a0b0c)])),
    "bu-identity": ("MN identifier, replay protection, MN-HA and MN-AAA authentication "
                    "(RFC 4283, RFC 4285)",
                    IPv6(src=COA, dst=HA) / HAO_HDR /
                    MIP6MH_BU(seq=9, flags="HA", mhtime=150, options=[
                        MIP6OptMNID(id=b"mn@example.org"),
                        MIP6OptReplayProtection(timestamp=0xe5f0a1b2c3d4e5f6),
                        mn_ha(12, spi=3), mn_ha(20, spi=5, subtype=2)])),
    "bu-unknown-options": ("Options of other RFCs (6 and 7) around an alternate care-of address",
                           IPv6(src=COA, dst=HA) / HAO_HDR /
                           MIP6MH_BU(seq=10, flags="HA", mhtime=150, options=[
                               MIP6OptMobNetPrefix(prefix="2001:db8:77::", plen=48),
                               MIP6OptAltCoA(acoa=COA), MIP6OptLLAddr(lla=MN_MAC)])),
    "bu-deregister": ("Deregistration from home: lifetime 0, no Home Address option",
                      IPv6(src=HOA, dst=HA) /
                      MIP6MH_BU(seq=0xffff, flags="HA", mhtime=0, options=[mn_ha(16)])),
    "ba-accepted": ("Acknowledgement: type 2 routing header, refresh advice, MN-HA",
                    IPv6(src=HA, dst=COA) / RH2_HDR /
                    MIP6MH_BA(status=0, flags="K", res2=0, seq=0x1234, mhtime=150, options=[
                        MIP6OptBRAdvice(rinter=120), mn_ha(16)])),
    "ba-rejected": ("Acknowledgement: sequence number out of window",
                    IPv6(src=HA, dst=COA) / RH2_HDR /
                    MIP6MH_BA(status=135, flags=0, res2=0, seq=0x2000, mhtime=0)),
    "be": ("Binding Error: unknown binding for Home Address option",
           IPv6(src=CN, dst=COA) / MIP6MH_BE(status=1, ha=HOA)),
    "bri": ("Binding Revocation Indication: administrative reason, MN-HA (scapy does not know "
            "the message: see make.py)",
            IPv6(src=HA, dst=COA) / RH2_HDR /
            revocation(1, 1, 0xbeef, 0, b"\0" + raw(mn_ha(16)) + b"\x01\x02\0\0")),
    "bra": ("Binding Revocation Acknowledgement: binding does not exist, MN-HA (see make.py)",
            IPv6(src=COA, dst=HA) / HAO_HDR /
            revocation(2, 128, 0xbeef, 0, b"\0" + raw(mn_ha(16)) + b"\x01\x02\0\0")),
    "bri-global": ("Binding Revocation Indication: proxy, global, per-peer policy (see make.py)",
                   IPv6(src=HA, dst=COA) / revocation(1, 128, 7, 0xa000)),
    "pbu": ("Proxy Binding Update (RFC 5213 8.1): every option; see make.py",
            IPv6(src=MAR2, dst=HA) / proxy(5, struct.pack(">HHH", 0x4321, 0xc200, 75),
                                           PBU_OPTIONS + pad(4))),
    "pba": ("Proxy Binding Acknowledgement (RFC 5213 8.2): not authorized for a prefix",
            IPv6(src=HA, dst=MAR2) / proxy(6, struct.pack(">BBHH", 155, 0x20, 0x4321, 0),
                                           PBU_OPTIONS + pad(4))),
    "heartbeat": ("Heartbeat (RFC 5847 3.3): unsolicited response with restart counter",
                  IPv6(src=HA, dst=MAR2) / proxy(13, struct.pack(">HI", 3, 0xdeadbeef),
                                                 pad(2) + option(28, bytes.fromhex("00010203")) +
                                                 pad(4))),
    "rs": ("Router Solicitation with source link-layer address",
           IPv6(src=MN_LL, dst="ff02::2", hlim=255) / ICMPv6ND_RS() /
           ICMPv6NDOptSrcLLAddr(lladdr=MN_MAC)),
    "rs-unspecified": ("Router Solicitation from the unspecified address",
                       IPv6(src="::", dst="ff02::2", hlim=255) / ICMPv6ND_RS()),
    "ra-home-agent": ("Router Advertisement of a home agent: every option that is read",
                      IPv6(src=AR_LL, dst="ff02::1", hlim=255) /
                      ICMPv6ND_RA(chlim=64, M=0, O=1, H=1, prf=0, routerlifetime=1800,
                                  reachabletime=30000, retranstimer=1000) /
                      ICMPv6NDOptSrcLLAddr(lladdr=AR_MAC) / ICMPv6NDOptMTU(mtu=1600) /
                      prefix("2001:db8:1:101::", L=0, A=1, R=0, validlifetime=3600,
                             preferredlifetime=1800) /
                      prefix(HA, L=0, A=0, R=1, validlifetime=3600, preferredlifetime=1800) /
                      ICMPv6NDOptAdvInterval(advint=10000) /
                      ICMPv6NDOptHAInfo(pref=10, lifetime=900) /
                      ICMPv6NDOptRDNSS(lifetime=600, dns=["2001:db8:53::1", "2001:db8:53::2"])),
    "ra-plain": ("Router Advertisement of a router that is no home agent; one option is "
                 "unknown (31)",
                 IPv6(src=AR_LL, dst="ff02::1", hlim=255) /
                 ICMPv6ND_RA(chlim=64, M=1, O=0, H=0, prf=0, routerlifetime=0) /
                 prefix("2001:db8:5::", L=1, A=1, R=0) /
                 ICMPv6NDOptDNSSL(lifetime=60, searchlist=["example.org"])),
    "ns": ("Neighbour Solicitation",
           IPv6(src=MN_LL, dst="ff02::1:ff00:a1", hlim=255) / ICMPv6ND_NS(tgt=AR_LL) /
           ICMPv6NDOptSrcLLAddr(lladdr=MN_MAC)),
    "na": ("Neighbour Advertisement: router, solicited, override",
           IPv6(src=AR_LL, dst=MN_LL, hlim=255) /
           ICMPv6ND_NA(tgt=AR_LL, R=1, S=1, O=1) / ICMPv6NDOptDstLLAddr(lladdr=AR_MAC)),
    "dhaad-request": ("Home agent address discovery request",
                      IPv6(src=COA, dst="2001:db8:1:100:fdff:ffff:ffff:fffe") /
                      ICMPv6HAADRequest(id=0x5a5a, R=0)),
    "dhaad-reply": ("Home agent address discovery reply with two addresses",
                    IPv6(src=HA, dst=COA) /
                    ICMPv6HAADReply(id=0x5a5a, R=0, addresses=[HA, "2001:db8:1:100::2"])),
    "mps": ("Mobile Prefix Solicitation with Home Address option",
            IPv6(src=COA, dst=HA) / HAO_HDR / ICMPv6MPSol(id=0x77)),
    "mpa": ("Mobile Prefix Advertisement with type 2 routing header",
            IPv6(src=HA, dst=COA) / RH2_HDR / ICMPv6MPAdv(id=0x77, flags="M") /
            prefix("2001:db8:1:101::", L=0, A=1, R=0, validlifetime=7200,
                   preferredlifetime=3600)),
    "tunnel": ("IPv6 in IPv6 (RFC 2473) behind a tunnel encapsulation limit of 4",
               IPv6(src=COA, dst=HA, hlim=64, tc=0xb8) /
               IPv6ExtHdrDestOpt(options=[HBHOptUnknown(otype=4, optlen=1, optdata=b"\x04")]) /
               IPv6(src=HOA, dst=CN, hlim=63) / UDP(sport=4000, dport=5000) / b"dmip6"),
}


def write(directory, name, comment, packet):
    data = raw(packet).hex()
    with open(os.path.join(directory, name + ".hex"), "w", encoding="ascii") as f:
        f.write(f"# {comment}\n# source: scapy {conf.version}, make.py\n")
        for i in range(0, len(data), 64):
            f.write(data[i:i + 64] + "\n")


if __name__ == "__main__":
    target = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    for vector, (text, pkt) in VECTORS.items():
        write(target, vector, text, pkt)
