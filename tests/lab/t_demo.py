#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The demo itself: what it promises, its JSON, its picture, and its end when interrupted."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import tap
from lab import wait_for

DEMO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "demo.py")


def start(*args):
    # pylint: disable=consider-using-with
    return subprocess.Popen(["/usr/bin/python3", DEMO, "--bindir", tap.BINDIR, *args],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def namespaces(pid):
    return [n for n in os.listdir("/run/netns") if n.startswith(f"dmip6lab{pid}-")]


def test_whole(t):
    """the whole play"""
    with tempfile.TemporaryDirectory(prefix="dmip6demo-") as d:
        p = start("--json", f"{d}/o.json", "--svg", f"{d}/o.svg")
        out = p.communicate(timeout=120)[0]
        t.equal(p.returncode, 0, "the demo ends with exit code 0")
        if p.returncode:
            t.note(out)
        t.equal(namespaces(p.pid), [], "no namespace is left")
        if not t.ok(os.path.exists(f"{d}/o.json"), "it writes JSON", out):
            return
        with open(f"{d}/o.json", encoding="utf-8") as f:
            r = json.load(f)
        check(t, r)
        root = xml.etree.ElementTree.parse(f"{d}/o.svg").getroot()
        t.ok(root.tag.endswith("svg") and len(root) > 100, "it draws a picture")
        for part in ("Handovers", "Flows", "Left after flows 1 and 2 ended"):
            t.contains(out, part, f"it prints the table: {part}")


def test_network(t):
    """figure 4: the host runs nothing of ours"""
    with tempfile.TemporaryDirectory(prefix="dmip6demo-") as d:
        p = start("--mode", "network", "--json", f"{d}/o.json", "--svg", f"{d}/o.svg")
        out = p.communicate(timeout=120)[0]
        t.equal(p.returncode, 0, "the demo of network mode ends with exit code 0")
        if p.returncode:
            t.note(out)
        t.equal(namespaces(p.pid), [], "no namespace is left")
        if t.ok(os.path.exists(f"{d}/o.json"), "it writes JSON", out):
            with open(f"{d}/o.json", encoding="utf-8") as f:
                r = json.load(f)
            t.equal(r["mode"], "network", "which says how it was done")
            check(t, r)
            root = xml.etree.ElementTree.parse(f"{d}/o.svg").getroot()
            t.ok(root.tag.endswith("svg") and len(root) > 100, "it draws a picture")


def check(t, r):
    t.equal(r["schema"], 1, "the JSON names its schema")
    t.equal(r["faults"], [], "nothing was otherwise than promised")
    t.equal([(h["from"], h["to"], h["flow"]) for h in r["handovers"]],
            [(1, 2, 1), (2, 3, 1), (2, 3, 2)], "flow 1 lived through two moves, flow 2 through one")
    for h in r["handovers"]:
        t.ok(all(h[f"{kind}gap_{way}_ms"] is not None for way in ("up", "down")
                 for kind in ("", "tcp_")),
             f"flow {h['flow']} goes on after AR{h['from']} -> AR{h['to']}, UDP and TCP", h)
    rows = {f["flow"]: f for f in r["flows"]}
    for f, row in rows.items():
        t.equal(row["anchor"], f, f"flow {f} is anchored where it began")
        t.equal(row["tunnelled_at_anchor"], 0, f"flow {f}, while new, never touched a tunnel")
        t.ok(row["direct"] > 100, f"flow {f} went direct at first", row)
    t.equal(rows[3]["tunnelled"], 0, "flow 3 never touched a tunnel")
    for f in (1, 2):
        t.ok(rows[f]["tunnelled"] > 100, f"flow {f} was tunnelled after the move", rows[f])
    t.equal({k: v for ar in r["left"].values() for box in ar.values()
             for k, v in box.items() if v}, {}, "nothing is left of AR1's and AR2's anchors")


def test_interrupted(t):
    """interrupted in the middle"""
    for signum in (signal.SIGINT, signal.SIGTERM):
        p = start()
        up = wait_for(lambda p=p: p.poll() is None and len(namespaces(p.pid)) >= 8, 20.0)
        t.ok(up, f"the laboratory stands before {signal.Signals(signum).name}")
        p.stdout.readline()
        p.send_signal(signum)
        p.communicate(timeout=20)
        t.equal(p.returncode, 128 + signum, f"{signal.Signals(signum).name} ends it")
        t.equal(namespaces(p.pid), [], "and no namespace is left")


if __name__ == "__main__":
    tap.main(test_whole, test_network, test_interrupted)
