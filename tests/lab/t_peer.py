#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Another access router registers the prefix of a host that has left AR1 (RFC 5213 section 5).
The host knows nothing of mobility. The other router is this script, at AR2's address towards the
core, with messages put together from figures of the RFC: none of our code answers itself."""

import os
import shutil
import signal
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import forge
import tap
from lab import CN, HA, Lab, wait_for

PEER, SPI = "2001:db8:0:2::2", 500
A, H, P = 0x8000, 0x4000, 0x0200
BA, BA_P = 6, 0x20


def now48():
    """RFC 5213 8.8: 48 bits of seconds, 16 of fractions."""
    return int(time.time() * 65536)


def options(mac, prefix, timestamp):
    """RFC 5213 8: identifier of the host by its link-layer address (RFC 8371 4.2), its prefix,
    handoff to another router, Ethernet, time stamp. At offset 12 of the message."""
    out = b"\x08\x07\x05" + bytes.fromhex(mac.replace(":", ""))           # 12 to 21
    out += b"\x01\x05" + bytes(5)                                         # to 28: 8n+4
    out += b"\x16\x12\x00\x40" + forge.pton(prefix)                       # to 48
    out += b"\x17\x02\x00\x03" + b"\x18\x02\x00\x03"                      # to 56
    out += b"\x01\x00" + b"\x1b\x08" + struct.pack("!Q", timestamp)       # 58, 8n+2, to 68
    return out + b"\x00"                                                  # 69: 4n+1


def pbu(mac, prefix, seq, secret, timestamp, lifetime=75, source=PEER):
    """Signed for this router and AR1 (RFC 4285 5)."""
    body = struct.pack("!BBBBHHHH", 59, 11, 5, 0, 0, seq, A | H | P, lifetime)
    body += options(mac, prefix, timestamp)
    body = forge.sign(body + b"\x09\x15\x01" + struct.pack("!I", SPI), PEER, HA[1], secret)
    body += b"\x01\x02\x00\x00"
    assert len(body) == 96
    c = forge.cksum(forge.pton(source), forge.pton(HA[1]), forge.MH, body)
    return forge.ipv6(source, HA[1], forge.MH, body[:4] + struct.pack("!H", c) + body[6:])


def answer(packets, secret):
    """(status, sequence, lifetime) of the first acknowledgement that is whole: checksum,
    signature, P flag, no routing header. None: there is none."""
    for p in packets:
        mh = p[40:]
        if p[6] != forge.MH or mh[2] != BA:
            continue
        auth = mh.index(b"\x09\x15\x01" + struct.pack("!I", SPI), 12) + 7
        text = mh[:4] + b"\0\0" + mh[6:auth]
        right = forge.sign(text, PEER, HA[1], secret)[-16:] == mh[auth:auth + 16]
        summed = forge.cksum(p[8:24], p[24:40], forge.MH, mh[:4] + b"\0\0" + mh[6:])
        if right and summed == struct.unpack("!H", mh[4:6])[0] and mh[7] == BA_P:
            return (mh[6],) + struct.unpack("!HH", mh[8:12])
    return None


READ = ["mip6.ba.p_flag", "mip6.ba.status", "mip6.nemo.mnp.mnp", "mip6.hi", "mip6.att"]
INDICATED = ["mip6.mhtype", "mip6.bri_br.type", "mip6.bri_ip", "mip6.nemo.mnp.mnp"]


def by_tshark(packet, names):
    """What somebody else reads of a message; None: nobody is here who could."""
    if not shutil.which("tshark"):
        return None
    head = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 229)
    data = head + struct.pack("=IIII", 0, 0, len(packet), len(packet)) + packet
    fields = ["_ws.malformed", *names]
    out = subprocess.run(["tshark", "-r", "-", "-T", "fields",
                          *[x for f in fields for x in ("-e", f)]], input=data,
                         capture_output=True, check=False)
    return out.stdout.decode().rstrip("\n").split("\t")


class Peer:
    """The other router, and what it hears from AR1."""

    def __init__(self, lab, secret):
        self.lab, self.secret = lab, secret
        self.ear = lab.inside("ar2", forge.Listener, "core0")
        self.seq = self.stamp = 0
        self.heard = []

    def says(self, mac, prefix, **o):
        """Sends a Proxy Binding Update, newer than all before if nothing else is said; the
        answer, or None after a second."""
        self.seq += 1
        o.setdefault("timestamp", max(now48(), self.stamp + 1))
        self.stamp = max(self.stamp, o["timestamp"])
        o.setdefault("secret", self.secret)
        packet = pbu(mac, prefix, self.seq, **o)
        self.heard = []
        self.lab.inside("ar2", forge.send_routed, packet)

        def come():
            self.heard += self.ear.answers(HA[1])
            return answer(self.heard, self.secret)
        return wait_for(come, 1.0, 0.01)

    def tunnelled(self, inner):
        """Does a packet to that address come by the tunnel from AR1?"""
        self.ear.answers(HA[1])
        self.lab.inside("cn1", forge.send_routed, forge.udp(CN[1], inner))
        return wait_for(lambda: any(p[6] == forge.IPV6 and p[64:80] == forge.pton(inner)
                                    for p in self.ear.answers(HA[1])), 2.0, 0.01)

    def sends(self, inner, cn):
        """Sends a packet of that address through the tunnel; does the correspondent hear it?"""
        cn.answers(inner)
        packet = forge.ipv6(PEER, HA[1], forge.IPV6, forge.udp(inner, CN[1]))
        self.lab.inside("ar2", forge.send_routed, packet)
        return wait_for(lambda: cn.answers(inner), 0.7, 0.01)


def start(lab, secret):
    lab.build()
    lab.write("ar1.conf", f"peer {PEER} {SPI} {{ secret {secret}; }}\n")
    lab.start_had(1)
    lab.move(1)
    lease = wait_for(lambda: lab.status("ar1")["leases"], 10.0, 0.05)[0]
    return lease["mn"], lease["prefix"].split("/")[0]


def counters(lab):
    return lab.status("ar1")["counters"]


def test_registration(t):
    """the prefix of a host that has left"""
    secret, other = "5a" * 32, "a5" * 32
    with Lab(tap.BINDIR) as lab:
        mac, prefix = start(lab, secret)
        inside = prefix + "77"
        peer = Peer(lab, secret)
        cn = lab.inside("cn1", forge.Listener, "core0")
        t.equal(peer.says(mac, prefix, secret=other), None, "signed by a wrong key: no answer")
        t.ok(counters(lab)["pbu-bad-authentication"] == 1, "and counted", counters(lab))
        t.equal(peer.says("02:99:99:99:99:99", prefix), (153, 2, 0),
                "of a host that has nothing here: not its anchor")
        t.equal(peer.says(mac, "2001:db8:1:1fe::"), (155, 3, 0),
                "a prefix that is not the host's: not authorized")
        t.equal(peer.says(mac, prefix, timestamp=now48() - 10 * 65536), (156, 4, 0),
                "by a clock that is wrong: mismatch")
        t.equal(lab.status("ar1")["bindings"], [], "nothing is bound by that")
        t.equal(peer.says(mac, prefix), (0, 5, 75), "the host's prefix: accepted")
        seen = by_tshark(next(p for p in peer.heard if p[6] == forge.MH), READ)
        if seen:
            t.equal(seen, ["", "1", "0", prefix, "3", "3"], "tshark reads the acknowledgement")
        t.ok(peer.tunnelled(inside), "what is for it goes through the tunnel to the router")
        t.ok(peer.tunnelled(prefix + "2:3:4"), "whatever the address")
        t.ok(peer.sends(inside, cn), "and what it sends comes out of the tunnel")
        t.ok(not peer.sends("2001:db8:1:1fe::77", cn), "from another prefix nothing does")
        t.ok(lab.status("ar1")["bindings"][0]["coa"] == PEER, "status shows where it is",
             lab.status("ar1")["bindings"])
        t.equal(peer.says(mac, prefix, timestamp=now48() + 65536 // 5), (0, 6, 75), "extended")
        t.equal(peer.says(mac, prefix, timestamp=now48()), (157, 7, 0),
                "by what is older nothing is")
        lab.kill("ar1", signal.SIGKILL)
        lab.start_had(1)
        t.ok(peer.tunnelled(inside), "a kill of the daemon ends nothing")
        t.equal(peer.says(mac, prefix, lifetime=0), (0, 8, 0), "de-registered")
        t.ok(wait_for(lambda: not lab.status("ar1")["bindings"], 15.0, 0.1), "it is gone")
        t.ok(not peer.tunnelled(inside), "and with it the tunnel")


def test_release(t):
    """an operator releases what a router has registered"""
    secret = "5a" * 32
    with Lab(tap.BINDIR) as lab:
        mac, prefix = start(lab, secret)
        peer = Peer(lab, secret)
        t.equal(peer.says(mac, prefix)[0], 0, "registered")
        t.ok(peer.tunnelled(prefix + "77"), "through the tunnel")
        peer.ear.answers(HA[1])
        t.equal(lab.ctl_raw("ar1", "release", "--mn", mac).returncode, 0, "release")
        told = [p for p in peer.ear.answers(HA[1]) if p[6] == forge.MH and p[42] == 16]
        t.equal(len(told), 2, "the router is told, twice, for it does not answer")
        seen = by_tshark(told[0], INDICATED) if told else None
        if seen:
            t.equal(seen, ["", "16", "1", "1", prefix], "tshark reads the indication")
        t.equal(lab.status("ar1")["bindings"], [], "nothing is bound")
        t.ok(not peer.tunnelled(prefix + "77"), "and the tunnel is gone")
        t.equal(peer.says(mac, prefix)[0], 0, "it may be registered again")
        # With the carrier alone the kernel does not solicit: it has a router.
        lab.run("mn", "ip", "link", "set", "wlan0", "down")
        lab.run("mn", "ip", "link", "set", "wlan0", "up")
        t.ok(wait_for(lambda: not lab.status("ar1")["bindings"], 10.0, 0.05),
             "the host is back: it has its prefix itself")


def test_contested(t):
    """a router registers a host that has not left: it is noticed, and the host has its prefix"""
    secret = "5a" * 32
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.write("ar1.conf", f"peer {PEER} {SPI} {{ secret {secret}; }}\nnetwork-mode yes;\n"
                  f"session-database sqlite {{ path {lab.path('sessions.db')}; }}\n")
        lab.start_had(1)
        lab.popen("mon", "ar1", [lab.bin("dmip6ctl"), "--control", lab.sock("ar1"), "monitor"])
        lab.move(1)
        lease = wait_for(lambda: lab.status("ar1")["leases"], 10.0, 0.05)[0]
        mac, prefix = lease["mn"], lease["prefix"].split("/")[0]
        lab.run("mn", "ping", "-c", "1", "-W", "3", HA[1])
        peer = Peer(lab, secret)
        t.equal(peer.says(mac, prefix), (0, 1, 75), "who has a key may say so")
        t.ok(wait_for(lambda: counters(lab)["claim-contested"], 5.0, 0.02),
             "the host answers where it was: counted", counters(lab))
        t.ok(wait_for(lambda: '"claim.contested"' in lab.log("mon"), 5.0, 0.02),
             "and told", lab.log("mon"))
        t.equal(lab.status("ar1")["bindings"], [], "it has its prefix itself again")
        told = wait_for(lambda: [p for p in peer.ear.answers(HA[1])
                                 if p[6] == forge.MH and p[42] == 16], 5.0, 0.02)
        t.ok(told, "the router is told")
        seen = by_tshark(told[0], INDICATED) if told else None
        if seen:
            t.equal(seen, ["", "16", "1", "1", prefix], "tshark reads the indication")


if __name__ == "__main__":
    tap.main(test_registration, test_release, test_contested)
