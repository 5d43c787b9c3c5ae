#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""dmip6ctl against running daemons: what is read by people, what is read by programs, and its
exit codes."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import tap
from lab import HA, Lab, wait_for
from play import Play

# What other programs rely on: key -> type(s).
MN_STATUS = {"schema": int, "role": str, "health": dict, "attachments": list, "anchors": list}
ATTACHMENT = {"interface": str, "coa": (str, type(None)), "router": str, "ha": (str, type(None))}
ANCHOR = {"prefix": str, "hoa": str, "ha": str, "state": str, "coa": (str, type(None)),
          "lifetime_s": int, "remaining_s": int, "flows": int, "tx_packets": int,
          "rx_packets": int}
HA_STATUS = {"schema": int, "role": str, "health": dict, "bindings": list, "leases": list,
             "totals": dict, "counters": dict}
BINDING = {"prefix": str, "hoa": str, "coa": str, "mn": str, "state": str, "lifetime_s": int,
           "remaining_s": int, "sequence": int, "tx_packets": int, "rx_packets": int}
LEASE = {"prefix": str, "mn": str, "interface": str, "attached": bool}
HEALTH = {"ok": bool, "text": str}


def typed(t, row, keys, name):
    wrong = {k: row.get(k, "missing") for k, kind in keys.items()
             if not isinstance(row.get(k, ...), kind)}
    t.equal(wrong, {}, f"{name} has its keys, of their types")


def test_status(t):
    """status, flows and doctor while a flow is away from home"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        lab.start_had(1)
        lab.start_had(2)
        lab.start_mnd()
        play = Play(lab, {1: 1})
        lab.popen("mon-mn", "mn", [lab.bin("dmip6ctl"), "--control", lab.sock("mn"), "--json",
                                   "monitor"])
        lab.popen("mon-ar1", "ar1", [lab.bin("dmip6ctl"), "--control", lab.sock("ar1"),
                                     "--json", "monitor"])
        play.run_for(0.3)               # both listen
        play.move(1)
        hoa = play.begin(1)["source"]
        play.run_for(0.5)
        play.move(2)
        wait_for(lambda: lab.status("ar1")["bindings"], 5.0)
        play.run_for(0.5)
        look_mn(t, lab, hoa)
        look_ha(t, lab, hoa)
        doctor(t, lab)
        play.end(1)
        # What is told last comes by another connection than the answer to "status".
        wait_for(lambda: "binding.released" in lab.log("mon-ar1"), 10.0)
        events(t, lab, hoa)
        play.finish()


def look_mn(t, lab, hoa):
    s = lab.ctl("mn", "status")
    typed(t, s, MN_STATUS, "the MN's status")
    t.equal((s["schema"], s["role"]), (1, "mn"), "schema and role")
    typed(t, s["health"], HEALTH, "its health")
    t.ok(s["health"]["ok"], "it is healthy", s["health"])
    for a in s["attachments"]:
        typed(t, a, ATTACHMENT, "an attachment")
    t.equal([(a["interface"], a["ha"]) for a in s["attachments"]], [("wlan0", HA[2])],
            "it is attached at AR2")
    for a in s["anchors"]:
        typed(t, a, ANCHOR, f"anchor {a['hoa']}")
    mine = [a for a in s["anchors"] if a["hoa"] == hoa]
    t.equal([(a["ha"], a["state"]) for a in mine], [(HA[1], "bound")], "flow 1's anchor is bound")
    a = (mine or [{"flows": 0, "tx_packets": 0, "rx_packets": 0, "remaining_s": 0,
                   "lifetime_s": 0}])[0]
    t.equal(a["flows"], 2, "it has two flows, TCP and UDP")
    t.ok(a["tx_packets"] > 50 and a["rx_packets"] > 50, "its packets are counted both ways", a)
    t.ok(0 < a["remaining_s"] <= a["lifetime_s"], "its lifetime runs", a)
    text = lab.ctl_raw("mn", "status").stdout
    t.ok(s["health"]["text"].split(";")[0] in text.splitlines()[0],
         "the text opens with the health", text)
    for part in (hoa, HA[1], "wlan0", "bound"):
        t.contains(text, part, f"the text names {part}")

    f = lab.ctl("mn", "flows")
    t.equal(f["schema"], 1, "flows has a schema")
    away = sorted((x["protocol"], x["path"]) for x in f["flows"] if x["local"] == hoa)
    t.equal(away, [("tcp", "tunnel"), ("udp", "tunnel")], "flows tells which go through a tunnel")
    t.contains(lab.ctl_raw("mn", "flows").stdout, hoa, "so does the text")


def look_ha(t, lab, hoa):
    s = lab.ctl("ar1", "status")
    typed(t, s, HA_STATUS, "the HA's status")
    t.equal((s["schema"], s["role"]), (1, "ha"), "schema and role")
    typed(t, s["health"], HEALTH, "its health")
    t.ok(s["health"]["ok"], "it is healthy", s["health"])
    for b in s["bindings"]:
        typed(t, b, BINDING, f"binding {b['hoa']}")
    for x in s["leases"]:
        typed(t, x, LEASE, f"lease {x['prefix']}")
    t.equal([b["hoa"] for b in s["bindings"]], [hoa], "AR1 has the one binding")
    b = s["bindings"][0]
    t.ok(b["tx_packets"] > 50 and b["rx_packets"] > 50, "its packets are counted both ways", b)
    mac = lab.mac()
    t.equal([(x["mn"], x["interface"]) for x in lab.ctl("ar2", "status")["leases"]],
            [(mac, "acc0")], "AR2 has the MN's lease")
    few = lab.ctl("ar1", "status", "--limit", "0")
    t.equal((few["bindings"], few["leases"],
             few["totals"]["bindings"], few["totals"]["leases"]),
            ([], [], 1, len(s["leases"])),
            "asked to list nothing, it says how many there are")
    for wrong in ("x", "-1", "10001"):
        p = lab.ctl_raw("ar1", "status", "--limit", wrong)
        t.ok(p.returncode == 2 and "expected" in p.stderr, f"--limit {wrong} is refused", p.stderr)
    text = lab.ctl_raw("ar1", "status").stdout
    for part in (hoa, b["coa"], mac):
        t.contains(text, part, f"the text names {part}")


def doctor(t, lab):
    for box in ("mn", "ar1"):
        p = lab.ctl_raw(box, "--json", "doctor")
        checks = json.loads(p.stdout)
        t.equal(checks.get("schema"), 1, f"doctor on {box} has a schema")
        failed = [c for c in checks.get("checks", []) if c["result"] == "fail"]
        t.equal((p.returncode, failed), (0, []), f"doctor on {box} finds nothing that fails")
        for c in checks.get("checks", []):
            if c["result"] == "warn":
                t.note(f"{box}: {c['name']}: {c['found']} {c['follows']}")
        t.ok(lab.ctl_raw(box, "doctor").stdout.count("\n") > 3, f"doctor on {box} speaks to people")
    lab.sysctl("ar2", "net/ipv6/conf/all/forwarding", "0")
    p = lab.ctl_raw("ar2", "doctor")
    t.equal(p.returncode, 1, "doctor ends with 1 where forwarding is off")
    t.contains(p.stdout, "forwarding", "and says so")
    t.ok(not lab.ctl("ar2", "status")["health"]["ok"], "the daemon's health says so, too")
    lab.sysctl("ar2", "net/ipv6/conf/all/forwarding", "1")


def events(t, lab, hoa):
    for box, wanted in (("mn", ()), ("ar1", ("lease.new", "binding.new", "binding.released"))):
        rows = [json.loads(x) for x in lab.log(f"mon-{box}").splitlines() if x.startswith("{")]
        t.ok(len(rows) > 2, f"monitor on {box} tells events", rows)
        seq = [r["seq"] for r in rows]
        t.equal(seq, list(range(seq[0], seq[0] + len(seq))), f"{box}: numbered without a gap")
        t.ok(all("time" in r and "event" in r for r in rows), f"{box}: with time and name")
        t.ok(any(r.get("hoa") == hoa for r in rows), f"{box}: of the home address", rows)
        names = [r["event"] for r in rows]
        for w in wanted:
            t.contains(names, w, f"{box}: {w} was told")


def test_codes(t):
    """exit codes"""
    with Lab(tap.BINDIR) as lab:
        lab.build()
        p = lab.ctl_raw("mn", "status")
        t.equal(p.returncode, 3, "no daemon: 3")
        t.contains(p.stderr, lab.sock("mn"), "no daemon: the message names the socket")
        t.equal(lab.ctl_raw("mn", "nonsense").returncode, 2, "an unknown command: 2")
        t.equal(lab.ctl_raw("mn").returncode, 2, "no command: 2")
        t.equal(lab.ctl_raw("mn", "status", "more").returncode, 2, "too many words: 2")
        p = lab.ctl_raw("mn", "--help")
        t.equal((p.returncode, p.stderr), (0, ""), "--help: 0")
        for word in ("status", "flows", "release", "drain", "monitor", "doctor"):
            t.contains(p.stdout, word, f"--help names {word}")
        lab.start_had(1)
        t.equal(lab.ctl_raw("ar1", "status").returncode, 0, "a daemon: 0")
        p = lab.ctl_raw("ar1", "flows")
        t.ok(p.returncode == 2 and "for a mobile node" in p.stderr,
             "a home agent has no flows to list: 2", (p.returncode, p.stderr))
        p = lab.run("ar1", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                    lab.bin("dmip6ctl"), "--control", lab.sock("ar1"), "status")
        t.equal(p.returncode, 5, "not allowed: 5")
        p = lab.run("ar1", "sh", "-c", f"{lab.bin('dmip6ctl')} --control {lab.sock('ar1')} "
                    "status >/dev/full")
        t.equal(p.returncode, 1, "an answer that cannot be written: 1")


if __name__ == "__main__":
    tap.main(test_status, test_codes)
