#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Attacks on keys and on those who give them out: each fails, its reason is counted, and the
flow of the one who is attacked does not notice."""

import hashlib
import hmac
import os
import secrets
import signal
import ssl
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import forge
import hostile
import measure
import tap
from authority import Authority
from lab import HA, Lab, wait_for
from play import Play

SHA1 = secrets.token_hex(20)
NTP = 2208988800                # seconds from 1900 to 1970


def ntp(ago=0.0):
    return int((time.time() - ago + NTP) * 2**32)


def key_of(lab, n):
    s = lab.status("mn") or {"anchors": []}
    return next((a["key"] for a in s["anchors"] if a["ha"] == HA[n]), {})


def secret_of(lab, spi):
    """As it is on the mobile node's disk: who has it has broken in there."""
    with open(lab.path("mn.state/keys"), encoding="ascii") as f:
        return next(line.split()[-1] for line in f if line.split()[0] == str(spi))


class Scene:
    """A flow that began at AR1, with a key that AR1 gave, and the MN at AR2."""

    def __init__(self, t, lab, ar1=""):
        self.t, self.lab = t, lab
        lab.build()
        lab.write("ar1.conf", "binding-lifetime 12s;\n" + ar1)
        for n in (1, 2, 3):
            lab.start_had(n)
        lab.start_mnd()
        self.play = Play(lab, {1: 1})
        self.play.move(1)
        self.hoa = self.play.begin(1)["source"]
        t.ok(wait_for(lambda: key_of(lab, 1).get("spi"), 10.0), "AR1 has given a key")
        self.road = lab.inside("ar1", forge.Listener, "core0")
        self.play.move(2)
        t.ok(wait_for(lambda: self.coa().startswith("2001:db8:1:2"), 10.0),
             "the MN is bound from AR2", lab.status("ar1"))
        self.play.run_for(0.3)
        self.true_coa = self.coa()
        self.spi = key_of(lab, 1)["spi"]
        self.secret = secret_of(lab, self.spi)

    def coa(self):
        s = self.lab.status("ar1") or {"bindings": []}
        return next((b["coa"] for b in s["bindings"] if b["hoa"] == self.hoa), "") \
            if hasattr(self, "hoa") else ""

    def counters(self, box):
        return self.lab.status(box)["counters"]

    def send(self, what, packet, counter, box="ar1"):
        """From the middle of the network; the counter that rises, and nothing else happens."""
        before = self.counters(box)[counter]
        self.lab.inside("core", forge.send_routed, packet)
        self.t.ok(wait_for(lambda: self.counters(box)[counter] > before, 3.0),
                  f"{what}: {counter}",
                  {k: v for k, v in self.counters(box).items() if v})
        self.t.equal(self.coa(), self.true_coa, f"{what}: nothing has moved")

    def end(self):
        self.play.run_for(0.5)
        self.play.end(1)
        self.t.equal(measure.flow_faults(self.play.finish(), 1), [], "the flow is whole")


def sha1_update(hoa, ha, coa, seq, secret):
    """A Binding Update signed with SPI 3 (RFC 4285 5.1)."""
    auth = b"\x09\x11\x01" + struct.pack("!I", 3)
    tail = b"\1\2\0\0" + auth + bytes(12)
    h = forge.bu_header(hoa, ha, coa, seq, secret, tail=tail, timestamp=ntp())
    plain = h[:4] + b"\0\0" + h[6:]
    at = plain.rindex(auth) + len(auth)
    mac = hmac.new(bytes.fromhex(secret), forge.pton(coa) + forge.pton(hoa) + plain[:at],
                   hashlib.sha1).digest()[:12]
    plain = plain[:at] + mac + plain[at + 12:]
    c = forge.cksum(forge.pton(hoa), forge.pton(ha), forge.MH, plain)
    hao = struct.pack("!BB", forge.MH, 2) + b"\1\2\0\0" + b"\xc9\x10" + forge.pton(hoa)
    return forge.ipv6(coa, ha, forge.DSTOPTS, hao + plain[:4] + struct.pack("!H", c) + plain[6:])


def to_another(packet, hoa, ha):
    """The same Binding Update to another home agent, its checksum put right."""
    mh = packet[64:]
    plain = mh[:4] + b"\0\0" + mh[6:]
    c = forge.cksum(forge.pton(hoa), forge.pton(ha), forge.MH, plain)
    return packet[:24] + forge.pton(ha) + packet[40:64] + mh[:4] + struct.pack("!H", c) + mh[6:]


def test_updates(t):
    """Binding Updates that are forged, recorded, or signed with what was stolen"""
    with Lab(tap.BINDIR, static_key=False) as lab:
        s = Scene(t, lab, f"hmac-sha1 insecure-allow;\nkey 3 {{ secret {SHA1}; }}\n")
        evil = "2001:db8:c2::2"
        recorded = s.road.binding_updates(HA[1])
        t.ok(recorded, "the Binding Update was recorded on its way")
        s.send("off path, the key guessed",
               forge.bu(s.hoa, HA[1], evil, 1, secrets.token_hex(32), spi=s.spi, timestamp=ntp()),
               "bu-bad-authentication")
        s.send("off path, the SPI guessed",
               forge.bu(s.hoa, HA[1], evil, 1, secrets.token_hex(32), spi=s.spi ^ 1,
                        timestamp=ntp()), "bu-unknown-spi")
        s.send("downgrade to SHA-1", sha1_update(s.hoa, HA[1], evil, 9, SHA1), "bu-downgrade")
        s.send("recorded, sent again", recorded[0], "bu-timestamp")
        s.send("a stolen key, no time stamp",
               forge.bu(s.hoa, HA[1], evil, 9, s.secret, spi=s.spi), "bu-no-timestamp")
        s.send("a stolen key, for another prefix",
               forge.bu("2001:db8:1:1ff::5", HA[1], evil, 9, s.secret, spi=s.spi,
                        timestamp=ntp()), "bu-other-prefix")
        s.send("recorded, to another home agent", to_another(recorded[0], s.hoa, HA[3]),
               "bu-unknown-spi", "ar3")
        s.send("a stolen key, at another home agent",
               forge.bu("2001:db8:1:301::5", HA[3], evil, 9, s.secret, spi=s.spi,
                        timestamp=ntp()), "bu-unknown-spi", "ar3")
        lab.kill("ar1", signal.SIGKILL)
        lab.start_had(1)
        t.equal(s.coa(), s.true_coa, "AR1 was killed: the binding is there")
        s.send("recorded, after a restart", recorded[0], "bu-timestamp")
        s.end()


def gone(f):
    try:
        f.close()
    except OSError:
        pass


def descriptors(lab, box):
    return len(os.listdir(f"/proc/{lab.procs[box].pid}/fd"))


def test_clients(t):
    """clients that are slow, half open, cut off, or talk nonsense; strangers"""
    with Lab(tap.BINDIR, static_key=False) as lab:
        s = Scene(t, lab)
        t.ok(wait_for(lambda: key_of(lab, 2).get("spi"), 10.0), "AR2 has given a key, too")
        before, files = s.counters("ar2"), descriptors(lab, "ar2")
        spi = key_of(lab, 2)["spi"]

        def rose(name, n=1):
            return lambda: s.counters("ar2")[name] >= before[name] + n

        for what, box, hops in (("from elsewhere", "cn2", 255), ("over a router", "mn", 64)):
            strangers = s.counters("ar2")["key-port-strangers"]
            t.ok(lab.inside(box, hostile.connect, HA[2], hops, 1.0) is None, f"{what}: silence")
            t.ok(s.counters("ar2")["key-port-strangers"] > strangers, f"{what}: counted")
        silent = [lab.inside("mn", hostile.connect, HA[2]) for _ in range(2)]
        t.ok(all(silent), "connections that say nothing are taken")
        slow = lab.inside("mn", hostile.connect, HA[2])
        dripping = lab.spawn("drip", "mn", hostile.drip, slow, hostile.client_hello() * 5, 14.0)
        gone(slow)

        nonsense = lab.inside("mn", hostile.connect, HA[2])
        nonsense.sendall(b"GET / HTTP/1.1\r\n\r\n" + bytes(64))
        t.ok(wait_for(rose("key-tls-version"), 3.0) or rose("key-tls-protocol")(),
             "nonsense ends the session", s.counters("ar2"))
        gone(nonsense)
        said = lab.inside("mn", lambda: hostile.session(HA[2], version=ssl.TLSVersion.TLSv1_2))
        t.ok(isinstance(said, str) and rose("key-tls-version")(), "TLS 1.2: no session", said)

        protocol = s.counters("ar2")["key-tls-protocol"]
        cut = lab.inside("mn", hostile.connect, HA[2])
        cut.sendall(hostile.client_hello()[:50])
        gone(cut)
        t.ok(wait_for(rose("key-tls-protocol", protocol - before["key-tls-protocol"] + 1), 3.0),
             "cut off in the handshake", s.counters("ar2"))
        time.sleep(1.5)                 # so many a host may have in a second

        tls = lab.inside("mn", lambda: hostile.session(HA[2]))
        t.ok(not isinstance(tls, str), "who is there gets a session", tls)
        if not isinstance(tls, str):
            other = hostile.ask(tls, hostile.request("2001:db8:1:2ff::5"))
            t.equal(hostile.status(other), 401, "for another prefix there is no key")
            t.ok(rose("key-other-source")(), "counted", s.counters("ar2"))
            wrong = hostile.ask(tls, struct.pack("!BBH", 0, 2, 9) + b"nonsense\n")
            t.equal(hostile.status(wrong), 400, "what cannot be read is answered so")
            t.ok(rose("key-drop-syntax")(), "counted",
                 {k: v for k, v in s.counters("ar2").items() if v and k.startswith("key-")})
            gone(tls)
        t.equal(lab.wait(dripping, 20.0), 0, "octet by octet, for fourteen seconds")
        t.ok(wait_for(rose("key-timeouts", 3), 15.0), "slow and silent ones are timed out",
             s.counters("ar2"))
        for f in silent:
            gone(f)
        many = [lab.inside("mn", hostile.connect, HA[2], 255, 0.2) for _ in range(40)]
        c = s.counters("ar2")
        t.ok(c["key-port-limited"] > before["key-port-limited"] or
             c["key-host-busy"] > before["key-host-busy"], "forty at once are too many", c)
        for f in many:
            if f:
                gone(f)
        t.ok(wait_for(lambda: descriptors(lab, "ar2") <= files, 15.0),
             "in the end all is closed again", descriptors(lab, "ar2"))
        t.equal(key_of(lab, 2)["spi"], spi, "and the honest one's key is what it was")
        s.end()


def test_identities(t):
    """certificates that have ended, were revoked, are of somebody else, or are not there"""
    with Lab(tap.BINDIR, static_key=False) as lab:
        lab.build()
        ca, other = Authority(lab.dir), Authority(lab.dir, "other")
        revoked = ca.issue("stolen.example.net")
        crl = ca.revoke(revoked[0])
        lab.write("ar1.conf", ca.block("ar1.example.net", f"\trevoked {crl};\n"))
        lab.write("ar2.conf", ca.block("ar2.example.net", days=-1))
        lab.write("ar3.conf", other.block("ar3.example.net"))
        lab.write("mn.conf", "linger 1s;\n" + ca.block("laptop.example.net"))
        for n in (1, 2, 3):
            lab.start_had(n)
        t.contains(lab.status("ar2")["health"]["text"], "certificate of the home agent has ended",
                   "AR2 knows that its own has ended")
        lab.start_mnd()
        lab.move(1)
        t.ok(wait_for(lambda: key_of(lab, 1).get("mode") == "certificate", 10.0),
             "who is right gets a key", (lab.status("mn"), lab.log("ar1")))
        time.sleep(1.0)

        def counted(box, name):
            return lab.status(box)["counters"][name]

        for what, pair, reason in (
                ("none", (None, None), "certificate-missing"),
                ("one that has ended", ca.issue("old.example.net", -1), "certificate-expired"),
                ("one that was revoked", revoked, "certificate-revoked"),
                ("one of another authority", other.issue("laptop.example.net"),
                 "certificate-unknown")):
            before = counted("ar1", "key-tls-" + reason)
            tls = lab.inside("mn", lambda p=pair: hostile.session(HA[1], certificate=p[0],
                                                                  key=p[1]))
            answer = "" if isinstance(tls, str) else \
                hostile.ask(tls, hostile.request("2001:db8:1:101::5", methods="certificate"))
            t.equal(answer, "", f"{what}: nothing is said")
            t.ok(wait_for(lambda b=before, r=reason: counted("ar1", "key-tls-" + r) > b, 3.0),
                 f"{what}: {reason}", lab.status("ar1")["counters"])
            time.sleep(0.5)
        t.equal(counted("ar1", "key-issued"), 1, "no key was given to any of them")

        for n, reason in ((2, "certificate-expired"), (3, "certificate-unknown")):
            lab.move(n)
            t.ok(wait_for(lambda r=reason: counted("mn", "key-tls-" + r) > 0, 10.0),
                 f"AR{n}: the MN sees {reason}", lab.status("mn"))
            t.equal(key_of(lab, n).get("mode"), None, f"AR{n}: and takes no key")
        lab.kill("ar1", signal.SIGTERM)
        lab.write("ar1.conf", ca.block("somebody.example.net"))
        lab.start_had(1)
        lab.move(1)
        lab.write("mn.conf", "linger 1s;\n" + ca.block("laptop.example.net",
                                                       "\thome-agent-name ar9.example.net;\n"))
        lab.ctl("mn", "reload")
        lab.kill("mn", signal.SIGTERM)
        lab.start_mnd()
        t.ok(wait_for(lambda: counted("mn", "key-tls-certificate-name") > 0, 10.0),
             "a home agent with another name: the MN goes on", lab.status("mn"))
        t.contains(str(key_of(lab, 1).get("reason")), "no session", "with the reason")


def test_downgrade(t):
    """a router that anybody could be, where certificates are required"""
    with Lab(tap.BINDIR, static_key=False) as lab:
        lab.build()
        ca = Authority(lab.dir)
        lab.write("mn.conf", "linger 1s;\n" + ca.block("laptop.example.net"))
        for n in (1, 2):
            lab.start_had(n)
        lab.start_mnd()
        lab.move(1)
        t.ok(wait_for(lambda: lab.status("mn")["counters"]["key-tls"] > 0, 10.0),
             "no session with it", lab.status("mn"))
        c = lab.status("ar1")["counters"]
        t.equal(sum(v for k, v in c.items() if k in ("key-issued", "key-mode", "key-no-method")), 0,
                "it was not even asked")
        # The other way round: a mobile node without a certificate, a router that wants one.
        lab.write("ar2.conf", ca.block("ar2.example.net"))
        lab.ctl("ar2", "reload")
        lab.write("mn.conf", "linger 1s;\n")
        lab.ctl("mn", "reload")
        lab.move(2)
        t.ok(wait_for(lambda: lab.status("ar2")["counters"]["key-tls-certificate-missing"] > 0,
                      10.0), "a router that requires one gives no key without",
             lab.status("ar2")["counters"])
        t.equal(lab.status("ar2")["counters"]["key-issued"], 0, "none at all")


tap.main(test_updates, test_clients, test_identities, test_downgrade)
