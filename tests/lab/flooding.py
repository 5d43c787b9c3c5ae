# SPDX-License-Identifier: BSD-2-Clause
"""A flood of bad messages, many kinds in turns, sent by tests/bench/flood_gen as fast as it is
told to. What the packets are is written here, with forge.py: not by our codec."""

import json
import os
import secrets
import signal
import struct

import forge
from lab import LabError, wait_for

STRANGER = "2001:db8:bad::7"
SPI = 256


def signed_wrong(hoa, ha, coa, **o):
    return forge.bu(hoa, ha, coa, o.pop("seq", 40000), secrets.token_hex(32), **o)


def cut(packet, n):
    """Without the last n octets; the IPv6 header agrees, the Mobility Header does not."""
    p = bytearray(packet[:-n])
    p[4:6] = (len(p) - 40).to_bytes(2, "big")
    return bytes(p)


def of_updates(hoa, ha, coa):
    """What can be wrong with a Binding Update: {name: (mode, packet, counter of the home
    agent)}. hoa, coa: of the victim."""
    def stranger(**o):
        return signed_wrong(hoa, ha, STRANGER, **o)
    return {
        "no-authentication": ("as-is", stranger(tail=b"\1\5" + bytes(5)), "bu-no-authentication"),
        "unknown-spi": ("as-is", stranger(spi=999), "bu-unknown-spi"),
        "wrong": ("as-is", stranger(), "bu-bad-authentication"),
        "wrong-random": ("random", stranger(), "bu-bad-authentication"),
        "wrong-victim": ("as-is", signed_wrong(hoa, ha, coa), "bu-bad-authentication"),
        "truncated": ("as-is", cut(stranger(), 16), "drop-mh-truncated"),
        "unknown-type": ("as-is", forge.mobility_header(STRANGER, ha, 200),
                         "drop-mh-unknown-type"),
        "too-short": ("as-is", forge.mobility_header(STRANGER, ha, 5, bytes(2)),
                      "drop-mh-short"),
        "checksum": ("as-is", stranger(bad_cksum=True), "drop-mh-checksum"),
        "home-address": ("as-is", forge.with_hao(hoa, ha, STRANGER), "home-address-unbound"),
    }


def to_mobile(hoa, ha, coa, kind, data):
    """A Mobility Header as a home agent sends it: by a type 2 routing header."""
    body = struct.pack("!BBBBH", 59, (6 + len(data)) // 8 - 1, kind, 0, 0) + data
    c = forge.cksum(forge.pton(ha), forge.pton(hoa), forge.MH, body)
    rh2 = struct.pack("!BBBBI", forge.MH, 2, 2, 1, 0) + forge.pton(hoa)
    return forge.ipv6(ha, coa, 43, rh2 + body[:4] + struct.pack("!H", c) + body[6:])


def icmp6_error(src, dst, kind, about, value=0):
    body = struct.pack("!BBHI", kind, 0, 0, value) + about
    c = forge.cksum(forge.pton(src), forge.pton(dst), forge.ICMP6, body)
    return forge.ipv6(src, dst, forge.ICMP6, body[:2] + struct.pack("!H", c) + body[4:])


def of_mobile_node(hoa, ha, coa):
    """What strangers may send to a mobile node, in its home agent's name where that helps:
    {name: (mode, packet, counter of the mobile node)}."""
    auth = b"\0\x09\x15\x01" + struct.pack("!I", SPI) + secrets.token_bytes(16) + b"\1\2\0\0"
    tunnel = forge.ipv6(coa, ha, forge.IPV6, forge.udp("2001:db8:bad::9", STRANGER))
    update = signed_wrong(hoa, ha, coa)
    answer = struct.pack("!BBHH", 0, 0, 7, 30) + auth
    revocation = struct.pack("!BBHH", 1, 1, 7, 0) + auth
    ra = forge.ra("fe80::bad", "2001:db8:bad::", "2001:db8:bad::1", 64)
    return {
        "answer": ("as-is", to_mobile(hoa, ha, coa, 6, answer), "ba-wrong-authenticator"),
        "answer-elsewhere": ("as-is", to_mobile(hoa, STRANGER, coa, 6, answer), "ba-unknown"),
        "revocation": ("as-is", to_mobile(hoa, ha, coa, 16, revocation),
                       "bri-authenticator"),
        "error": ("as-is", forge.binding_error("2001:db8:bad::9", ha, coa, 1), "be-unknown"),
        "unknown-type": ("as-is", forge.mobility_header(STRANGER, coa, 200), "mh-unknown-type"),
        "icmp-update": ("as-is", icmp6_error(STRANGER, coa, 1, update), "update-error-unknown"),
        "icmp-tunnel": ("as-is", icmp6_error(STRANGER, coa, 2, tunnel, 1280),
                        "too-big-unknown"),
        "advertisement": ("as-is", ra, "ra-hop-limit"),
    }


class Flood:
    """From an interface of a box to a link-layer address, until stop()."""

    count = 0

    def __init__(self, lab, box, interface, mac, packets, rate):
        Flood.count += 1
        self.lab, self.name = lab, f"flood{Flood.count}"
        path = lab.write(f"{self.name}.packets", "".join(
            f"{name} {mode} {packet.hex()}\n" for name, (mode, packet, _) in packets.items()))
        lab.popen(self.name, box, [lab.bin("tests/bench/flood_gen"), interface, mac, str(rate), "0",
                                   path])
        if not wait_for(lambda: "ready" in lab.log(self.name), 10.0, 0.01):
            raise LabError(f"the flood does not begin: {lab.log(self.name).strip()}")

    def stop(self):
        """How many of each were sent, and in which time."""
        self.lab.kill(self.name, signal.SIGTERM)
        return json.loads(self.lab.log(self.name).strip().splitlines()[-1])


def memory(lab, box):
    """Kilobytes that the daemon has in memory."""
    with open(f"/proc/{lab.procs[box].pid}/status", encoding="ascii") as f:
        return next(int(x.split()[1]) for x in f if x.startswith("VmRSS"))


def cpu(lab, box):
    """Seconds of processor time that the daemon has had."""
    with open(f"/proc/{lab.procs[box].pid}/stat", encoding="ascii") as f:
        stat = f.read().rsplit(") ", 1)[1].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
