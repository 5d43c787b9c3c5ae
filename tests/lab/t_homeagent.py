#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The mobile node with a home agent that is not ours (homeagent.py), on AR3. It says that it is
one, but not where: its address is found. What the mobile node sends is read by scapy there,
and by tshark, if that is installed."""

import os
import shutil
import signal
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import homeagent
import measure
import tap
from homeagent import AGENTS, PREFIX, seen
from lab import CN, Lab, wait_for
from play import Play
from t_home import ask, reached, serve, is_state

HOA = PREFIX + "a5"
LINK_RAW_IPV6, ETH_P_ALL = 229, 3


def record(path):
    """Every IPv6 packet that leaves wlan0, as a pcap file; for tshark."""
    with open(path, "wb", buffering=0) as f:
        f.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, LINK_RAW_IPV6))
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        sock.bind(("wlan0", ETH_P_ALL))
        while True:
            data, addr = sock.recvfrom(65536)
            if addr[1] == 0x86DD and addr[2] == 4:
                f.write(struct.pack("=IIII", 0, 0, len(data), len(data)) + data)


def read_by_tshark(t, path):
    """Nothing of the mobile node's own making is malformed or has a wrong checksum."""
    if not shutil.which("tshark"):
        t.note("tshark is not installed")
        return
    fields = ["_ws.malformed", "ipv6.nxt", "mip6.mhtype", "icmpv6.type",
              "icmpv6.checksum.status", "_ws.expert.severity"]
    out = subprocess.run(
        ["tshark", "-r", path, "-Y", "mip6.mhtype or icmpv6.type == 144", "-T", "fields",
         *[x for f in fields for x in ("-e", f)]], text=True, capture_output=True, check=False)
    rows = [line.split("\t") for line in out.stdout.splitlines()]
    t.ok(rows, "tshark reads what the mobile node sends", out.stderr[-300:])
    t.equal([r for r in rows if r[0] or r[4] not in ("", "1")], [],
            "nothing of it is malformed, and the checksums are right")
    t.ok({"5"} <= {r[2] for r in rows}, "there are Binding Updates", rows)
    t.ok(any(r[3] == "144" for r in rows), "and requests for home agents", rows)


def start(t, lab, **options):
    lab.build()
    lab.start_had(2)
    log = homeagent.start(lab, "scripted", options.pop("agents", AGENTS[:1]), **options)
    pcap = lab.path("mn.pcap")
    lab.spawn("record", "mn", record, pcap)
    t.ok(wait_for(lambda: os.path.exists(log), 5.0), "the home agent runs")
    return log, pcap


def well_formed(t, updates, signed):
    """RFC 6275 11.7.1."""
    away = [u for u in updates if u["src"] != u["hoa"]]
    t.ok(all(u["checksum"] and u["authentic"] and u["signed"] == signed for u in updates),
         "every Binding Update is as it must be, " + ("and signed" if signed else "unsigned"),
         updates)
    t.equal([u for u in away if u["alt"] != [u["src"]]], [],
            "with the care-of address inside the message, too")
    t.equal([u for u in updates if not ("A" in u["flags"] and "H" in u["flags"])], [],
            "with A and H")


def test_anchor(t):
    """an anchor whose home agent does not name its address"""
    with Lab(tap.BINDIR) as lab:
        log, pcap = start(t, lab, secret=lab.secret)
        lab.start_mnd()
        play = Play(lab, {1: 1})
        play.move(3)
        hoa = play.begin(1)["source"]
        t.ok(wait_for(lambda: seen(log, "request"), 10.0), "it is asked while it is near")
        t.ok(wait_for(lambda: [a for a in lab.status("mn")["anchors"]
                               if a["hoa"] == hoa and a["ha"] == AGENTS[0]], 5.0),
             "and known", lab.status("mn")["anchors"])
        play.run_for(0.5)
        play.move(2)
        t.ok(wait_for(lambda: seen(log, "bu"), 10.0), "away, the mobile node registers there")
        state = wait_for(lambda: [a for a in lab.status("mn")["anchors"] if a["hoa"] == hoa
                                  and a["state"] == "bound"], 5.0)
        t.ok(state, "and is acknowledged", lab.status("mn")["anchors"])
        play.run_for(2.0)
        a = next(a for a in lab.status("mn")["anchors"] if a["hoa"] == hoa)
        t.ok(a["tx_packets"] > 100 and a["rx_packets"] > 100, "and the flow goes on", a)
        play.move(3)
        t.ok(wait_for(lambda: [u for u in seen(log, "bu") if u["lifetime"] == 0], 10.0),
             "back, by the prefix alone, it tells the home agent")
        play.run_for(3.0)
        play.end(1)
        well_formed(t, seen(log, "bu"), True)
        back = [u for u in seen(log, "bu") if u["lifetime"] == 0]
        t.equal({u["src"] for u in back}, {hoa}, "from its home address")
        run = play.finish()
        t.equal(measure.flow_faults(run, 1), [], "the flow lived through both moves")
        t.ok(run.packets_of(1)["tunnelled"] > 100, "by the tunnel", run.packets_of(1))
        read_by_tshark(t, pcap)


def configure(lab, text):
    lab.write("mn.conf", f"linger 1s;\nhome lab {{ prefix {PREFIX}/64; address {HOA};\n"
              f"\t{text} }}\n")


def test_home_without_a_key(t):
    """a home at a home agent that knows no RFC 4285, the second of two that it names"""
    with Lab(tap.BINDIR) as lab:
        log, pcap = start(t, lab, agents=AGENTS, refuses=AGENTS[:1], lifetime=3)
        for box in ("mn", "cn2"):
            lab.spawn(f"server-{box}", box, serve)
        configure(lab, "unauthenticated-registration insecure-allow;")
        lab.move(2)
        lab.start_mnd()
        t.ok(is_state(lab, "bound", 15.0, "lab"), "it is registered", lab.status("mn"))
        asked = seen(log, "request")
        t.equal([(r["reserved"], r["src"] == lab.status("mn")["attachments"][0]["coa"])
                 for r in asked], [(0, True)], "one request, from the care-of address")
        updates = seen(log, "bu")
        t.equal([u["ha"] for u in updates], AGENTS, "the home agents, in the order of the reply")
        t.note(f"the second {updates[-1]['time'] - updates[0]['time']:.2f} s after the first")
        reached(t, lab, HOA, "away")
        t.ok(wait_for(lambda: len(seen(log, "bu")) >= 4, 25.0, 0.1),
             "it is refreshed before 12 s are over", seen(log, "bu"))
        t.equal({u["ha"] for u in seen(log, "bu")[1:]}, {AGENTS[1]}, "where it is registered")
        reached(t, lab, HOA, "refreshed")

        lab.kill("mn", signal.SIGKILL)
        t.equal(lab.inside("cn1", ask, HOA), f"{HOA} {CN[1]}", "killed: still reached")
        lab.start_mnd()
        t.ok(is_state(lab, "bound", 10.0, "lab"), "started again, it is registered")
        t.equal(len(seen(log, "request")), 1, "nobody was asked again")

        lab.move(3)
        t.ok(is_state(lab, "attached", 15.0, "lab"), "at home, it is attached",
             lab.status("mn")["anchors"])
        back = [u for u in seen(log, "bu") if u["lifetime"] == 0]
        t.equal([(u["src"], u["ha"]) for u in back[:1]], [(HOA, AGENTS[1])],
                "and has told its home agent, from its home address")
        t.ok(wait_for(lambda: lab.inside("cn1", ask, HOA) == f"{HOA} {CN[1]}", 10.0, 0.5),
             "it is reached there")
        well_formed(t, seen(log, "bu"), False)
        read_by_tshark(t, pcap)


if __name__ == "__main__":
    tap.main(test_anchor, test_home_without_a_key)
