#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The test of care-of addresses: who is where he says notices nothing of it, and who is not cannot
have somebody else flooded."""

import json
import os
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import forge
import measure
import tap
from lab import CN, HA, Lab, wait_for
from play import Play

PACKET = 1200
BURST, RATE = 8192 * 1024, 128 * 1024       # octets, at once and then in a second
MORE = 1.25                                 # the tunnel's header, and what a clock may be off


def binding(lab):
    return next(iter(lab.status("ar1")["bindings"]), {})


def count(lab, box):
    """Counts octets of tunnel packets that come to the box."""
    p = lab.run(box, "nft", "add table inet count; add chain inet count c { type filter hook "
                "prerouting priority 0; }; add rule inet count c ip6 nexthdr 41 counter")
    assert p.returncode == 0, p.stderr


def counted(lab, box):
    rules = json.loads(lab.run(box, "nft", "-j", "list", "table", "inet", "count").stdout)
    return next(e["counter"]["bytes"] for r in rules["nftables"] if "rule" in r
                for e in r["rule"]["expr"] if "counter" in e)


def send(to, octets, seconds):
    """UDP to the discard port, evenly."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        begun, n = time.monotonic(), 0
        while n < octets:
            s.sendto(bytes(PACKET - 48), (to, 9))
            n += PACKET
            ahead = n / octets * seconds - (time.monotonic() - begun)
            if ahead > 0.005:
                time.sleep(ahead)


def test_honest(t):
    """who is where he says: verified at once, and no packet is lost"""
    with Lab(tap.BINDIR, static_key=False) as lab:
        lab.build()
        for n in (1, 2, 3):
            lab.start_had(n)
        lab.start_mnd()
        play = Play(lab, {1: 1})
        play.move(1)
        play.begin(1)
        t.ok(wait_for(lambda: lab.status("mn")["anchors"][0]["key"].get("spi"), 10.0), "a key")
        for n in (2, 3, 2):
            play.move(n)
            t.ok(wait_for(lambda n=n: binding(lab).get("coa", "").startswith(f"2001:db8:1:{n}"),
                          10.0), f"the MN is at AR{n}")
            t.ok(wait_for(lambda: binding(lab)["verified"], 3.0), "and that is shown", binding(lab))
            play.run_for(0.3)
        c = lab.status("ar1")["counters"]
        t.equal((c["care-of-verified"], c["care-of-wrong-token"], c["care-of-credit-drops"]),
                (3, 0, 0), "each time once, and nothing was dropped")
        # What AR1 has given out as tokens is of no use to its next run.
        lab.kill("ar1", signal.SIGKILL)
        lab.start_had(1)
        t.ok(binding(lab)["verified"], "what was verified is so after a kill")
        play.move(3)
        t.ok(wait_for(lambda: binding(lab).get("coa", "").startswith("2001:db8:1:3") and
                      binding(lab)["verified"], 10.0), "and the next place, too", binding(lab))
        play.run_for(0.3)
        play.end(1)
        t.equal(measure.flow_faults(play.finish(), 1), [], "the flow is whole")


def hijack(t, lab, conf=""):
    """A home address whose packets go to cn2, by a key that is right."""
    lab.build()
    lab.write("ar1.conf", conf + lab.key_text())
    lab.start_had(1)
    lab.start_mnd()
    lab.move(1)
    lab.attached(1)
    hoa = lab.source()
    lab.kill("mn", signal.SIGTERM)
    count(lab, "cn2")
    lab.inside("core", forge.send_routed, forge.bu(hoa, HA[1], CN[2], 1, lab.secret))
    t.ok(wait_for(lambda: binding(lab).get("coa") == CN[2], 3.0), "the home address is bound there",
         lab.status("ar1"))
    return hoa


def test_flood(t):
    """a stranger as care-of address: what he gets is bounded, however the home address moves"""
    with Lab(tap.BINDIR) as lab:
        hoa = hijack(t, lab)
        t.ok(not binding(lab)["verified"], "nobody has shown that it is right")
        begun = time.monotonic()
        lab.inside("cn1", send, hoa, 12 << 20, 3.0)
        for seq in (2, 3):
            other = f"2001:db8:1:20{seq}::5"
            lab.inside("core", forge.send_routed, forge.bu(hoa, HA[1], other, 2 * seq, lab.secret))
            lab.inside("core", forge.send_routed,
                       forge.bu(hoa, HA[1], CN[2], 2 * seq + 1, lab.secret))
            lab.inside("cn1", send, hoa, 3 << 20, 1.0)
        took = time.monotonic() - begun
        got = counted(lab, "cn2")
        t.ok(got <= (BURST + RATE * took) * MORE, "of eighteen megabytes he gets eight",
             (got, took))
        t.ok(got > BURST / 2, "which is the credit, and not nothing", got)
        t.ok(lab.status("ar1")["counters"]["care-of-credit-drops"] > 1000, "the rest is counted")


def test_ordinary(t):
    """a mobile node that knows nothing of the test, and a laboratory without it"""
    with Lab(tap.BINDIR) as lab:
        hoa = hijack(t, lab)
        lab.inside("cn1", send, hoa, 1 << 20, 1.0)
        time.sleep(0.2)
        t.ok(counted(lab, "cn2") >= 1 << 20, "a megabyte comes through", counted(lab, "cn2"))
        t.equal(lab.status("ar1")["counters"]["care-of-credit-drops"], 0, "whole")
    with Lab(tap.BINDIR) as lab:
        hoa = hijack(t, lab, "care-of-test no;\n")
        t.ok(binding(lab)["verified"], "without the test everything counts as verified")
        lab.inside("cn1", send, hoa, 12 << 20, 4.0)
        time.sleep(0.2)
        t.ok(counted(lab, "cn2") > 11 << 20, "and everything goes there", counted(lab, "cn2"))


tap.main(test_honest, test_flood, test_ordinary)
