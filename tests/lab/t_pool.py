#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A pool that is exhausted: who comes last gets no prefix, and everybody who asks hears why."""

import os
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import forge
import tap
from lab import HA, Lab, wait_for
from shared import Wire

POOL = "2001:db8:1:100::/63"            # room for one host


def solicit(lab, mac):
    """A Router Solicitation from a link-layer address that nobody else uses."""
    body = struct.pack("!BBHI", 133, 0, 0, 0) + b"\1\1" + bytes.fromhex(mac.replace(":", ""))
    src = "fe80::" + mac[-2:]
    c = forge.cksum(forge.pton(src), forge.pton("ff02::2"), forge.ICMP6, body)
    frame = b"\x33\x33\0\0\0\2" + bytes.fromhex(mac.replace(":", "")) + b"\x86\xdd" \
        + forge.ipv6(src, "ff02::2", forge.ICMP6, body[:2] + struct.pack("!H", c) + body[4:],
                     255)
    lab.inside("mn", forge.send_frame, "wlan0", frame)


def prefixes(packets):
    """Prefixes of the Router Advertisements: address -> flags, the last word on each."""
    out = {}
    for p in packets:
        if p[6] != forge.ICMP6 or p[40] != 134:
            continue
        at = 56
        while at + 8 <= len(p) and p[at + 1]:
            if p[at] == 3:
                out[p[at + 16:at + 32]] = p[at + 3]
            at += p[at + 1] * 8
    return out


def test_exhausted(t):
    """more hosts than prefixes"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.write("ar1.conf", lab.key_text() + f"interface acc0 {{ prefix {POOL}; }}\n")
        os.makedirs(lab.path("ar1.state"), exist_ok=True)
        lab.popen("ar1", "ar1", [lab.bin("dmip6-had"), "--state-dir", lab.path("ar1.state"),
                                 "--control", lab.sock("ar1"), "--config",
                                 lab.path("ar1.conf")])
        lab.wait_ready("ar1")
        lab.move(1)
        wire = Wire(lab, "mn", "wlan0", promiscuous=True)
        own = forge.pton("2001:db8:1:101::")

        def answered(mac, want):
            solicit(lab, mac)
            got = wait_for(lambda: prefixes(wire.take()), 2.0)
            return got if got and (own in got) == want else None
        t.ok(wait_for(lambda: answered("02:00:00:00:00:0a", True), 8.0, 0.2),
             "the first host gets the prefix")
        status = lab.status("ar1")
        t.ok(not status["health"]["ok"] and POOL in status["health"]["text"],
             "health says that nothing is left", status["health"])
        got = wait_for(lambda: answered("02:00:00:00:00:0b", False), 5.0, 0.2)
        t.equal(got and {k: v & 0x60 for k, v in got.items()}, {forge.pton(HA[1]): 0x20},
                "the second one hears of the router alone")
        status = lab.status("ar1")
        t.ok(status["counters"]["pool-exhausted"] >= 1, "it is counted",
             status["counters"]["pool-exhausted"])
        t.equal([h["exhausted"] for h in status["homes"]], [True], "the home is marked")
        t.equal(lab.log("ar1").count("is exhausted"), 1, "and logged, once")
        t.equal([x["mn"] for x in status["leases"]], ["02:00:00:00:00:0a"],
                "the first one keeps what it has")


if __name__ == "__main__":
    tap.main(test_exhausted)
